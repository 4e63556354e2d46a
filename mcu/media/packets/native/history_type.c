/* ``RetransmissionCache`` for Python. */
#include "history_type.h"

#include <string.h>

#include "history.h"
#include "objects.h"

typedef struct { PyObject_HEAD struct history history; } HistoryObject;

static void history_dealloc(HistoryObject *self)
{
    for (size_t i = 0; i < HISTORY_PACKETS; i++)
        Py_XDECREF((PyObject *)self->history.sent[i].owner);
    object_free((PyObject *)self);
}

static PyTypeObject *history_type;

bool cache_of(PyObject *object, PyObject **cache)
{
    *cache = object == Py_None ? NULL : object;
    if (*cache == NULL || Py_IS_TYPE(object, history_type))
        return true;
    PyErr_SetString(PyExc_TypeError, "packets are kept in a RetransmissionCache");
    return false;
}

void cache_keep(PyObject *cache, uint16_t sequence, PyObject *packet, size_t head_length, const uint8_t *body,
                PyObject *owner)
{
    if (cache == NULL)
        return;
    const uint8_t *data = (const uint8_t *)PyBytes_AS_STRING(packet);
    size_t size = (size_t)PyBytes_GET_SIZE(packet);
    if (body == NULL || head_length > HISTORY_HEAD)
        head_length = 0, body = data, owner = packet;
    void *before = history_store(&((HistoryObject *)cache)->history, sequence, data, head_length, body,
                                 size - head_length, Py_NewRef(owner));
    Py_XDECREF((PyObject *)before);
}

static bool keep(HistoryObject *self, uint16_t sequence, PyObject *packet)
{
    if (!PyBytes_Check(packet)) {
        PyErr_SetString(PyExc_TypeError, "a packet is bytes");
        return false;
    }
    cache_keep((PyObject *)self, sequence, packet, 0, NULL, NULL);
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
    const struct sent *sent = history_resend(&self->history, (uint16_t)sequence, now);
    if (sent == NULL)
        Py_RETURN_NONE;
    if (sent->head_length == 0)
        return Py_NewRef((PyObject *)sent->owner);
    PyObject *packet = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(sent->head_length + sent->body_length));
    if (packet != NULL) {
        memcpy(PyBytes_AS_STRING(packet), sent->head, sent->head_length);
        memcpy(PyBytes_AS_STRING(packet) + sent->head_length, sent->body, sent->body_length);
    }
    return packet;
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
    history_type = add_type(module, &spec);
    return history_type == NULL ? -1 : 0;
}
