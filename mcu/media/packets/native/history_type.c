/* ``RetransmissionCache`` for Python. */
#include "joiner_type.h"

#include "history.h"

typedef struct { PyObject_HEAD struct history history; } HistoryObject;

static void history_dealloc(HistoryObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    for (size_t i = 0; i < HISTORY_PACKETS; i++)
        Py_XDECREF((PyObject *)self->history.sent[i].owner);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static bool keep(HistoryObject *self, uint16_t sequence, PyObject *packet)
{
    char *data;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(packet, &data, &size) < 0)
        return false;
    void *before = history_store(&self->history, sequence, (const uint8_t *)data, (size_t)size, Py_NewRef(packet));
    Py_XDECREF((PyObject *)before);
    return true;
}

/* (sequence, packet) */
static PyObject *store(HistoryObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    long sequence = count == 2 ? PyLong_AsLong(arguments[0]) : 0;
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "store takes a number and a packet");
    if ((sequence == -1 && PyErr_Occurred()) || !keep(self, (uint16_t)sequence, arguments[1]))
        return NULL;
    Py_RETURN_NONE;
}

/* (sequence of the first, packets) */
static PyObject *store_run(HistoryObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2 || !PyList_Check(arguments[1]))
        return PyErr_Format(PyExc_TypeError, "store_run takes a number and a list of packets");
    unsigned long long first = PyLong_AsUnsignedLongLongMask(arguments[0]);
    if (PyErr_Occurred())
        return NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(arguments[1]); i++)
        if (!keep(self, (uint16_t)(first + (unsigned long long)i), PyList_GET_ITEM(arguments[1], i)))
            return NULL;
    Py_RETURN_NONE;
}

/* (sequence, now) */
static PyObject *resend(HistoryObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    long sequence = count == 2 ? PyLong_AsLong(arguments[0]) : 0;
    double now = count == 2 ? PyFloat_AsDouble(arguments[1]) : 0;
    if (count != 2)
        return PyErr_Format(PyExc_TypeError, "resend takes a number and the time");
    if (PyErr_Occurred())
        return NULL;
    PyObject *packet = history_resend(&self->history, (uint16_t)sequence, now);
    return Py_NewRef(packet == NULL ? Py_None : packet);
}

static PyMethodDef methods[] = {
    {"store", (PyCFunction)store, METH_FASTCALL, NULL},
    {"store_run", (PyCFunction)store_run, METH_FASTCALL, NULL},
    {"resend", (PyCFunction)resend, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, history_dealloc}, {Py_tp_methods, methods}, {Py_tp_new, PyType_GenericNew}, {0, NULL},
};

static PyType_Spec spec = {
    .name = "mcu.media.packets._native.RetransmissionCache",
    .basicsize = sizeof(HistoryObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

int add_history_type(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&spec);
    int result = type == NULL ? -1 : PyModule_AddObjectRef(module, "RetransmissionCache", type);
    Py_XDECREF(type);
    return result;
}
