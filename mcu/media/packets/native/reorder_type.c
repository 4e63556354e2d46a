/* ``ReorderBuffer`` for Python. */
#include "joiner_type.h"

#include <structmember.h>

#include "objects.h"

typedef struct { PyObject_HEAD PyObject *sink; struct reorder reorder; } ReorderObject;

/* Farther from zero no number is taken, so that differences stay numbers. */
#define FARTHEST ((long long)1 << 61)

static PyObject *gap_name;
static PyTypeObject *reorder_type;

struct reorder *reorder_of(PyObject *object)
{
    bool begun = Py_IS_TYPE(object, reorder_type) && ((ReorderObject *)object)->sink != NULL;
    return begun ? &((ReorderObject *)object)->reorder : NULL;
}

static int push_to_joiner(void *context, const struct reorder_packet *packet, double now)
{
    return joiner_push(((ReorderObject *)context)->sink, packet, now);
}

static int push_to_python(void *context, const struct reorder_packet *packet, double now)
{
    PyObject *sink = ((ReorderObject *)context)->sink;
    PyObject *result = PyObject_CallMethod(sink, "push", "LOiy#d", (long long)packet->timestamp,
                                           packet->marker ? Py_True : Py_False, packet->payload_type,
                                           (const char *)packet->payload, (Py_ssize_t)packet->size, now);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static int tell_of_gap(void *context, double now)
{
    PyObject *time = PyFloat_FromDouble(now);
    PyObject *result =
        time == NULL ? NULL : PyObject_CallMethodOneArg(((ReorderObject *)context)->sink, gap_name, time);
    Py_XDECREF(time);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* A sequence number; false with OverflowError or TypeError set. */
static bool number_of(PyObject *value, long long *number)
{
    *number = PyLong_AsLongLong(value);
    if (*number == -1 && PyErr_Occurred())
        return false;
    if (*number > -FARTHEST && *number < FARTHEST)
        return true;
    PyErr_SetString(PyExc_OverflowError, "no stream has so many packets");
    return false;
}

static int reorder_init(ReorderObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"sink", "nack", "first", NULL};
    PyObject *sink, *first;
    int nack;
    long long number;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OpO", names, &sink, &nack, &first) ||
        !number_of(first, &number))
        return -1;
    if (self->sink != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "begun already");
        return -1;
    }
    self->sink = Py_NewRef(sink);
    struct reorder_sink to = {is_joiner(sink) ? push_to_joiner : push_to_python, tell_of_gap, self};
    reorder_begin(&self->reorder, to, nack, number);
    return 0;
}

static int reorder_traverse(ReorderObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->sink);
    return 0;
}

static int reorder_clear(ReorderObject *self)
{
    reorder_end(&self->reorder);
    Py_CLEAR(self->sink);
    return 0;
}

static void reorder_dealloc(ReorderObject *self)
{
    PyObject_GC_UnTrack(self);
    reorder_clear(self);
    object_free((PyObject *)self);
}

/* None, or NULL with an exception set. */
static PyObject *result_of(int result)
{
    if (result == 0)
        Py_RETURN_NONE;
    return result == REORDER_NO_MEMORY ? PyErr_NoMemory() : NULL;
}

static PyObject *take(ReorderObject *self, PyObject *const *arguments, Py_ssize_t count, bool repeated)
{
    char *data;
    Py_ssize_t size, start = 0, end;
    long long extended;
    if (count != 6 && count != 8)
        return PyErr_Format(PyExc_TypeError, "receive takes a packet's parts and the time");
    if (PyBytes_AsStringAndSize(arguments[4], &data, &size) < 0 || !number_of(arguments[0], &extended))
        return NULL;
    end = size;
    if (count == 8) {
        start = PyLong_AsSsize_t(arguments[6]);
        end = PyLong_AsSsize_t(arguments[7]);
    }
    struct reorder_packet packet = {
        .timestamp = PyLong_AsLongLong(arguments[1]), .payload_type = (int)PyLong_AsLong(arguments[3]),
        .marker = PyObject_IsTrue(arguments[2]) > 0, .repeated = repeated,
    };
    double now = PyFloat_AsDouble(arguments[5]);
    if (PyErr_Occurred())
        return NULL;
    if (start < 0 || start > end || end > size)
        return PyErr_Format(PyExc_ValueError, "the payload is no part of the packet");
    if (self->sink == NULL)
        return PyErr_Format(PyExc_RuntimeError, "not begun");
    packet.payload = (const uint8_t *)data + start;
    packet.size = (size_t)(end - start);
    return result_of(reorder_receive(&self->reorder, extended, &packet, now));
}

/* (extended number, timestamp, marker, payload type, data, now[, start, end]): the payload is a part of the data. */
static PyObject *receive(ReorderObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return take(self, arguments, count, false);
}

static PyObject *receive_repeated(ReorderObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    return take(self, arguments, count, true);
}

static PyObject *awaits(ReorderObject *self, PyObject *value)
{
    long long number;
    return number_of(value, &number) ? PyBool_FromLong(reorder_awaits(&self->reorder, number)) : NULL;
}

static PyObject *is_ahead(ReorderObject *self, PyObject *value)
{
    long long number;
    return number_of(value, &number) ? PyBool_FromLong(reorder_is_ahead(&self->reorder, number)) : NULL;
}

static PyObject *next_deadline(ReorderObject *self, PyObject *Py_UNUSED(nothing))
{
    double deadline;
    if (!reorder_deadline(&self->reorder, &deadline))
        Py_RETURN_NONE;
    return PyFloat_FromDouble(deadline);
}

static PyObject *handle_timer(ReorderObject *self, PyObject *time)
{
    double now = PyFloat_AsDouble(time);
    if (now == -1 && PyErr_Occurred())
        return NULL;
    return result_of(reorder_handle_timer(&self->reorder, now));
}

static PyObject *requests_to_send(ReorderObject *self, PyObject *time)
{
    uint16_t sequences[REORDER_MAX_MISSING];
    double now = PyFloat_AsDouble(time);
    if (now == -1 && PyErr_Occurred())
        return NULL;
    size_t count = reorder_requests(&self->reorder, now, sequences);
    return list_of_numbers(sequences, count);
}

static PyMethodDef methods[] = {
    {"receive", (PyCFunction)receive, METH_FASTCALL, NULL},
    {"receive_repeated", (PyCFunction)receive_repeated, METH_FASTCALL, NULL},
    {"awaits", (PyCFunction)awaits, METH_O, NULL},
    {"is_ahead", (PyCFunction)is_ahead, METH_O, NULL},
    {"next_deadline", (PyCFunction)next_deadline, METH_NOARGS, NULL},
    {"handle_timer", (PyCFunction)handle_timer, METH_O, NULL},
    {"requests_to_send", (PyCFunction)requests_to_send, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"late", T_ULONGLONG, offsetof(ReorderObject, reorder.late), READONLY, NULL},
    {"request_wait", T_DOUBLE, offsetof(ReorderObject, reorder.request_wait), 0, NULL},
    {"mend_wait", T_DOUBLE, offsetof(ReorderObject, reorder.mend_wait), 0, NULL},
    {"round_trip", T_DOUBLE, offsetof(ReorderObject, reorder.round_trip), 0, NULL},
    {"apart", T_BOOL, offsetof(ReorderObject, reorder.apart), 0, NULL},
    {"repaired", T_BOOL, offsetof(ReorderObject, reorder.repaired), 0, NULL},
    {"spread", T_DOUBLE, offsetof(ReorderObject, reorder.spread), READONLY, NULL},
    {"next_request", T_DOUBLE, offsetof(ReorderObject, reorder.next_request), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_init, reorder_init}, {Py_tp_dealloc, reorder_dealloc}, {Py_tp_traverse, reorder_traverse},
    {Py_tp_clear, reorder_clear}, {Py_tp_methods, methods}, {Py_tp_members, members},
    {Py_tp_new, PyType_GenericNew}, {0, NULL},
};

static PyType_Spec spec = {
    .name = "mcu.media.packets._native.ReorderBuffer",
    .basicsize = sizeof(ReorderObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

/* The numbers that others have to know, on the class. */
static const struct { const char *name; double value; } waits[] = {
    {"MIN_REORDER_WAIT", REORDER_MIN_WAIT}, {"MAX_REORDER_WAIT", REORDER_MAX_WAIT},
    {"NACK_WAIT", REORDER_NACK_WAIT}, {"NACK_DELAY", REORDER_NACK_DELAY},
    {"MAX_DISORDER_WAIT", REORDER_MAX_DISORDER_WAIT},
};
static const struct { const char *name; long value; } limits[] = {
    {"MAX_AHEAD", REORDER_MAX_AHEAD}, {"MAX_NACKS", REORDER_MAX_NACKS}, {"MAX_MISSING", REORDER_MAX_MISSING},
};

static int set_number(PyObject *type, const char *name, PyObject *number)
{
    int result = number == NULL ? -1 : PyObject_SetAttrString(type, name, number);
    Py_XDECREF(number);
    return result;
}

int add_reorder_type(PyObject *module)
{
    gap_name = PyUnicode_InternFromString("gap");
    reorder_type = gap_name == NULL ? NULL : add_type(module, &spec);
    PyObject *type = (PyObject *)reorder_type;
    int result = type == NULL ? -1 : 0;
    for (size_t i = 0; result == 0 && i < sizeof waits / sizeof *waits; i++)
        result = set_number(type, waits[i].name, PyFloat_FromDouble(waits[i].value));
    for (size_t i = 0; result == 0 && i < sizeof limits / sizeof *limits; i++)
        result = set_number(type, limits[i].name, PyLong_FromLong(limits[i].value));
    return result;
}
