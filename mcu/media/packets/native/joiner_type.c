/* ``PacketJoiner`` for Python: puts packets in sequence together to pictures; a subclass decides what becomes of them. */
#include "joiner_type.h"

#include <structmember.h>

#include "objects.h"
#include "payload_types.h"
#include "rtp_type.h"

typedef struct {
    PyObject_HEAD
    PyObject *depacketizers, *on_malformed, *depacketizer;
    long long timestamp;
    int payload_type;
    bool after_gap;
} JoinerObject;

static PyTypeObject *joiner_type;
static PyObject *push_name, *finish_name, *empty_name, *reset_name, *damaged_name, *clean_start_name, *compiled_push;

static int joiner_init(JoinerObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"depacketizers", "on_malformed", NULL};
    PyObject *depacketizers, *on_malformed, *number, *first = NULL;
    Py_ssize_t at = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O!O", names, &PyDict_Type, &depacketizers, &on_malformed))
        return -1;
    if (!PyDict_Next(depacketizers, &at, &number, &first)) {
        PyErr_SetString(PyExc_ValueError, "there is no payload type to join");
        return -1;
    }
    int payload_type = (int)PyLong_AsLong(number);
    if (payload_type == -1 && PyErr_Occurred())
        return -1;
    Py_XSETREF(self->depacketizers, Py_NewRef(depacketizers));
    Py_XSETREF(self->on_malformed, Py_NewRef(on_malformed));
    Py_XSETREF(self->depacketizer, Py_NewRef(first));
    self->payload_type = payload_type;
    self->timestamp = -1;
    self->after_gap = true;
    return 0;
}

static int joiner_traverse(JoinerObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->depacketizers);
    Py_VISIT(self->on_malformed);
    Py_VISIT(self->depacketizer);
    return 0;
}

static int joiner_clear(JoinerObject *self)
{
    Py_CLEAR(self->depacketizers);
    Py_CLEAR(self->on_malformed);
    Py_CLEAR(self->depacketizer);
    return 0;
}

static void joiner_dealloc(JoinerObject *self)
{
    PyObject_GC_UnTrack(self);
    joiner_clear(self);
    object_free((PyObject *)self);
}

bool is_joiner(PyObject *object)
{
    if (!PyObject_TypeCheck(object, joiner_type))
        return false;
    PyObject *push = PyObject_GetAttr((PyObject *)Py_TYPE(object), push_name);
    bool same = push == compiled_push;
    Py_XDECREF(push);
    PyErr_Clear();
    return same;
}

/* What a depacketizer says of itself: 1, 0, or -1 with an exception set. */
static int says(PyObject *depacketizer, PyObject *name)
{
    PyObject *value = PyObject_GetAttr(depacketizer, name);
    int truth = value == NULL ? -1 : PyObject_IsTrue(value);
    Py_XDECREF(value);
    return truth;
}

static int is_empty(PyObject *depacketizer)
{
    const struct h264_picture *h264 = h264_picture_of(depacketizer);
    const struct vp8_picture *vp8 = h264 == NULL ? vp8_picture_of(depacketizer) : NULL;
    if (h264 != NULL)
        return h264_is_empty(h264);
    return vp8 != NULL ? vp8_is_empty(vp8) : says(depacketizer, empty_name);
}

static int begins_cleanly(PyObject *depacketizer)
{
    const struct h264_picture *h264 = h264_picture_of(depacketizer);
    const struct vp8_picture *vp8 = h264 == NULL ? vp8_picture_of(depacketizer) : NULL;
    if (h264 != NULL)
        return h264->clean_start;
    return vp8 != NULL ? vp8->clean_start : says(depacketizer, clean_start_name);
}

static int damage(PyObject *depacketizer) { return PyObject_SetAttr(depacketizer, damaged_name, Py_True); }

/* A call without a result; -1 with an exception set. */
static int call(PyObject *object, PyObject *name, PyObject *argument)
{
    PyObject *result = argument == NULL ? PyObject_CallMethodNoArgs(object, name)
                                        : PyObject_CallMethodOneArg(object, name, argument);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* Add the payload; -1 with an exception set, which may be PayloadError. */
static int add_payload(PyObject *depacketizer, const struct reorder_packet *packet)
{
    struct h264_picture *h264 = h264_picture_of(depacketizer);
    struct vp8_picture *vp8 = h264 == NULL ? vp8_picture_of(depacketizer) : NULL;
    if (h264 == NULL && vp8 == NULL) {
        PyObject *payload = PyBytes_FromStringAndSize((const char *)packet->payload, (Py_ssize_t)packet->size);
        int result = payload == NULL ? -1 : call(depacketizer, push_name, payload);
        Py_XDECREF(payload);
        return result;
    }
    enum payload_fault fault =
        h264 != NULL ? h264_push(h264, packet->payload, packet->size) : vp8_push(vp8, packet->payload, packet->size);
    if (fault == PAYLOAD_SOUND)
        return 0;
    raise_payload_fault(fault, packet->payload, h264 != NULL ? "H.264 access unit" : "VP8 frame");
    return -1;
}

/* A PayloadError that is set goes to ``on_malformed``, and the picture is damaged; any other stays. */
static int tell_of_malformed(JoinerObject *self, PyObject *depacketizer)
{
    PyObject *type, *error, *trace;
    if (!PyErr_ExceptionMatches(payload_error))
        return -1;
    PyErr_Fetch(&type, &error, &trace);
    PyErr_NormalizeException(&type, &error, &trace);
    PyObject *result = PyObject_CallOneArg(self->on_malformed, error);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(trace);
    Py_XDECREF(result);
    return result == NULL ? -1 : damage(depacketizer);
}

static int finish(JoinerObject *self, double now)
{
    PyObject *time = PyFloat_FromDouble(now);
    int result = time == NULL ? -1 : call((PyObject *)self, finish_name, time);
    Py_XDECREF(time);
    return result;
}

/* Go over to another payload type: 1, 0 where it is none of ours, or -1 with an exception set. */
static int change(JoinerObject *self, int payload_type)
{
    PyObject *number = PyLong_FromLong(payload_type);
    PyObject *chosen = number == NULL ? NULL : PyDict_GetItemWithError(self->depacketizers, number);
    Py_XDECREF(number);
    if (chosen == NULL)
        return PyErr_Occurred() ? -1 : 0;
    Py_INCREF(chosen);
    if (call(self->depacketizer, reset_name, NULL) < 0) {
        Py_DECREF(chosen);
        return -1;
    }
    Py_SETREF(self->depacketizer, chosen);
    self->payload_type = payload_type;
    return 1;
}

static int push_into(JoinerObject *self, PyObject *depacketizer, const struct reorder_packet *packet, double now)
{
    if (add_payload(depacketizer, packet) < 0 && tell_of_malformed(self, depacketizer) < 0)
        return -1;
    if (self->after_gap) {
        self->after_gap = false;
        int clean = begins_cleanly(depacketizer);
        if (clean < 0 || (!clean && damage(depacketizer) < 0))
            return -1;
    }
    return packet->marker ? finish(self, now) : 0;
}

int joiner_push(PyObject *joiner, const struct reorder_packet *packet, double now)
{
    JoinerObject *self = (JoinerObject *)joiner;
    if (packet->size == 0)
        return 0; /* padding, sent to probe the path */
    if (self->depacketizer == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "not begun");
        return -1;
    }
    if (packet->timestamp != self->timestamp) {
        int empty = is_empty(self->depacketizer);
        if (empty < 0 || (!empty && finish(self, now) < 0))
            return -1;
        self->timestamp = packet->timestamp;
    }
    if (packet->payload_type != self->payload_type) {
        int ours = change(self, packet->payload_type);
        if (ours <= 0)
            return ours;
    }
    PyObject *depacketizer = Py_NewRef(self->depacketizer);
    int result = push_into(self, depacketizer, packet, now);
    Py_DECREF(depacketizer);
    return result;
}

/* (timestamp, marker, payload type, payload, now) */
static PyObject *push(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    char *payload;
    Py_ssize_t size;
    if (count != 5)
        return PyErr_Format(PyExc_TypeError, "push takes a packet's parts and the time");
    if (PyBytes_AsStringAndSize(arguments[3], &payload, &size) < 0)
        return NULL;
    struct reorder_packet packet = {
        .timestamp = PyLong_AsLongLong(arguments[0]), .payload = (const uint8_t *)payload, .size = (size_t)size,
        .payload_type = (int)PyLong_AsLong(arguments[2]), .marker = PyObject_IsTrue(arguments[1]) > 0,
    };
    double now = PyFloat_AsDouble(arguments[4]);
    if (PyErr_Occurred() || joiner_push(self, &packet, now) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"push", (PyCFunction)push, METH_FASTCALL, NULL}, {NULL, NULL, 0, NULL}};

static PyMemberDef members[] = {
    {"depacketizer", T_OBJECT_EX, offsetof(JoinerObject, depacketizer), READONLY, NULL},
    {"timestamp", T_LONGLONG, offsetof(JoinerObject, timestamp), READONLY, NULL},
    {"payload_type", T_INT, offsetof(JoinerObject, payload_type), READONLY, NULL},
    {"after_gap", T_BOOL, offsetof(JoinerObject, after_gap), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_init, joiner_init}, {Py_tp_dealloc, joiner_dealloc}, {Py_tp_traverse, joiner_traverse},
    {Py_tp_clear, joiner_clear}, {Py_tp_methods, methods}, {Py_tp_members, members}, {Py_tp_new, PyType_GenericNew},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "mcu.media.packets._native.PacketJoiner",
    .basicsize = sizeof(JoinerObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

int add_joiner_type(PyObject *module)
{
    push_name = PyUnicode_InternFromString("push");
    finish_name = PyUnicode_InternFromString("finish");
    empty_name = PyUnicode_InternFromString("empty");
    reset_name = PyUnicode_InternFromString("reset");
    damaged_name = PyUnicode_InternFromString("damaged");
    clean_start_name = PyUnicode_InternFromString("clean_start");
    joiner_type = add_type(module, &spec);
    if (push_name == NULL || finish_name == NULL || empty_name == NULL || reset_name == NULL || damaged_name == NULL ||
        clean_start_name == NULL || joiner_type == NULL)
        return -1;
    compiled_push = PyObject_GetAttr((PyObject *)joiner_type, push_name);
    return compiled_push == NULL ? -1 : 0;
}
