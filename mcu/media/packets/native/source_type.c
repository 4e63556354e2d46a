/* ``SourceNumbers`` for Python, and runs of packets that need no decision. */
#include "joiner_type.h"

#include <structmember.h>

#include "objects.h"
#include "rtp_type.h"
#include "source_numbers.h"

typedef struct { PyObject_HEAD struct source_numbers numbers; } SourceObject;

static PyTypeObject *source_type;

/* (sequence, timestamp, clock rate, now): of the first packet. */
static int source_init(SourceObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"sequence", "timestamp", "clock_rate", "now", NULL};
    unsigned int sequence, timestamp, clock_rate;
    double now;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "IIId", names, &sequence, &timestamp, &clock_rate, &now))
        return -1;
    self->numbers = (struct source_numbers){
        .highest = sequence & 0xffff, .base = sequence & 0xffff, .bad = -1, .clock_rate = clock_rate,
        .jitter_timestamp = timestamp, .jitter_arrival = now, .last_arrival = now,
    };
    return 0;
}

/* (sequence, timestamp, now) */
static PyObject *receive(SourceObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    long long extended;
    if (count != 3)
        return PyErr_Format(PyExc_TypeError, "receive takes two numbers and the time");
    unsigned long sequence = PyLong_AsUnsignedLongMask(arguments[0]), timestamp = PyLong_AsUnsignedLongMask(arguments[1]);
    double now = PyFloat_AsDouble(arguments[2]);
    if (PyErr_Occurred())
        return NULL;
    if (!source_count(&self->numbers, (uint16_t)sequence, (uint32_t)timestamp, now, &extended))
        Py_RETURN_NONE;
    return PyLong_FromLongLong(extended);
}

static PyMethodDef methods[] = {{"receive", (PyCFunction)receive, METH_FASTCALL, NULL}, {NULL, NULL, 0, NULL}};

static PyMemberDef members[] = {
    {"highest", T_LONGLONG, offsetof(SourceObject, numbers.highest), READONLY, NULL},
    {"base", T_LONGLONG, offsetof(SourceObject, numbers.base), READONLY, NULL},
    {"received", T_LONGLONG, offsetof(SourceObject, numbers.received), READONLY, NULL},
    {"expected_before", T_LONGLONG, offsetof(SourceObject, numbers.expected_before), 0, NULL},
    {"received_before", T_LONGLONG, offsetof(SourceObject, numbers.received_before), 0, NULL},
    {"clock_rate", T_UINT, offsetof(SourceObject, numbers.clock_rate), 0, NULL},
    {"jitter", T_DOUBLE, offsetof(SourceObject, numbers.jitter), 0, NULL},
    {"last_arrival", T_DOUBLE, offsetof(SourceObject, numbers.last_arrival), READONLY, NULL},
    {"restarted", T_BOOL, offsetof(SourceObject, numbers.restarted), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_init, source_init}, {Py_tp_dealloc, object_free}, {Py_tp_methods, methods}, {Py_tp_members, members},
    {Py_tp_new, PyType_GenericNew}, {0, NULL},
};

static PyType_Spec spec = {
    .name = "mcu.media.packets._native.SourceNumbers",
    .basicsize = sizeof(SourceObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};

/* What a run is received with. */
struct run {
    struct source_numbers *numbers;
    struct reorder *reorder;
    uint32_t ssrc;
    const char *wanted; /* a flag for each payload type */
    double now, silence;
};

/* Receive a packet that needs no decision: 1, 0 for one that does and is left alone, negative as reorder_receive. */
static int receive_plain(const struct run *run, const uint8_t *data, size_t length)
{
    struct rtp_view view;
    long long extended;
    struct source_numbers *numbers = run->numbers;
    if (rtp_read(data, length, &view) != RTP_SOUND || view.ssrc != run->ssrc || !run->wanted[view.payload_type] ||
        run->now - numbers->last_arrival > run->silence || !source_fits(numbers, view.sequence) ||
        !source_count(numbers, view.sequence, view.timestamp, run->now, &extended))
        return 0;
    struct reorder_packet packet = {view.timestamp, data + view.start, view.end - view.start, view.payload_type,
                                    view.marker, false};
    int result = reorder_receive(run->reorder, extended, &packet, run->now);
    return result == 0 ? 1 : result;
}

/* (packets, first, source, SSRC, reorder buffer, wanted payload types, now, silence) to (packets taken, their octets). */
static PyObject *receive_run(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *packets, *source, *buffer;
    struct run run;
    Py_ssize_t first, wanted_size, taken = 0, octets = 0;
    int result = 1;
    if (!PyArg_ParseTuple(arguments, "O!nO!IOy#dd", &PyList_Type, &packets, &first, source_type, &source, &run.ssrc,
                          &buffer, &run.wanted, &wanted_size, &run.now, &run.silence))
        return NULL;
    run.numbers = &((SourceObject *)source)->numbers;
    run.reorder = reorder_of(buffer);
    if (run.reorder == NULL || wanted_size != 128 || first < 0)
        return PyErr_Format(PyExc_TypeError, "receive_run takes a reorder buffer, and a flag for each payload type");
    while (first + taken < PyList_GET_SIZE(packets)) {
        char *data;
        Py_ssize_t length;
        PyObject *packet = Py_NewRef(PyList_GET_ITEM(packets, first + taken));
        result = PyBytes_AsStringAndSize(packet, &data, &length);
        if (result == 0)
            result = receive_plain(&run, (const uint8_t *)data, (size_t)length);
        Py_DECREF(packet);
        if (result <= 0)
            break;
        taken++;
        octets += length;
    }
    if (result == REORDER_NO_MEMORY)
        return PyErr_NoMemory();
    return result < 0 ? NULL : Py_BuildValue("nn", taken, octets);
}

static PyMethodDef functions[] = {{"receive_run", receive_run, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};

int add_source_type(PyObject *module)
{
    source_type = add_type(module, &spec);
    return source_type == NULL ? -1 : PyModule_AddFunctions(module, functions);
}
