/* ``H264Packetizer`` and ``H264Depacketizer`` for Python. */
#include "history_type.h"
#include "objects.h"
#include "payload_types.h"
#include "rtp_type.h"

#include <structmember.h>

#include <string.h>

/* Cutting */

typedef struct { PyObject_HEAD int mode; unsigned int mtu; } PacketizerObject;

/* Legs that share an encoder get the same bytes object one after the other: it is cut once for all of them. */
#define SHARED 4
static struct shared {
    int mode;
    unsigned int mtu;
    PyObject *data, *payloads; /* payloads once somebody wanted them */
    struct h264_plan plan;
} shared[SHARED];
static size_t next_shared;

static int packetizer_init(PacketizerObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"mode", "mtu", NULL};
    int mode = 1;
    Py_ssize_t mtu = 1200;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|in", names, &mode, &mtu))
        return -1;
    if (mode != 0 && mode != 1) {
        PyErr_Format(PyExc_ValueError, "packetization mode %d is not supported", mode);
        return -1;
    }
    self->mode = mode;
    return set_mtu(mtu, &self->mtu);
}

/* Where to cut this access unit; NULL with an exception set. It holds until Python runs: whoever makes a container, which
 * may set the collector of garbage to work, asks again afterwards. */
static struct shared *plan_of(const PacketizerObject *self, PyObject *data)
{
    struct shared *place = NULL;
    if (!PyBytes_Check(data)) {
        PyErr_SetString(PyExc_TypeError, "an access unit is bytes");
        return NULL;
    }
    for (size_t i = 0; i < SHARED && place == NULL; i++)
        if (shared[i].data != NULL && shared[i].mode == self->mode && shared[i].mtu == self->mtu)
            place = &shared[i];
    if (place != NULL && place->data == data)
        return place;
    if (place == NULL)
        place = &shared[next_shared++ % SHARED];
    Py_CLEAR(place->data);
    Py_CLEAR(place->payloads);
    const uint8_t *octets = (const uint8_t *)PyBytes_AS_STRING(data);
    if (!h264_plan(&place->plan, octets, (size_t)PyBytes_GET_SIZE(data), self->mode, self->mtu)) {
        PyErr_NoMemory();
        return NULL;
    }
    place->mode = self->mode, place->mtu = self->mtu;
    place->data = Py_NewRef(data);
    return place;
}

static PyObject *packetize(PyObject *object, PyObject *data)
{
    struct shared *place = plan_of((PacketizerObject *)object, data);
    if (place == NULL)
        return NULL;
    if (place->payloads != NULL)
        return Py_NewRef(place->payloads);
    PyObject *payloads = PyTuple_New((Py_ssize_t)place->plan.cut_count);
    if (payloads == NULL || (place = plan_of((PacketizerObject *)object, data)) == NULL) {
        Py_XDECREF(payloads);
        return NULL;
    }
    const struct h264_plan *plan = &place->plan;
    for (size_t i = 0; payloads != NULL && i < plan->cut_count; i++) {
        PyObject *payload = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)plan->cuts[i].size);
        if (payload == NULL) {
            Py_CLEAR(payloads);
            break;
        }
        h264_write_cut(plan, &plan->cuts[i], (const uint8_t *)PyBytes_AS_STRING(data),
                       (uint8_t *)PyBytes_AS_STRING(payload));
        PyTuple_SET_ITEM(payloads, (Py_ssize_t)i, payload);
    }
    Py_XSETREF(place->payloads, Py_XNewRef(payloads));
    return payloads;
}

/* (access unit, payload type, sequence, timestamp, SSRC, extension block[, cache]) to a list of packets. */
static PyObject *packets(PyObject *object, PyObject *const *arguments, Py_ssize_t count)
{
    struct rtp_head head;
    uint16_t sequence;
    PyObject *cache = NULL;
    if (count != 6 && count != 7)
        return PyErr_Format(PyExc_TypeError, "packets takes an access unit, five numbers and where to keep them");
    if (!head_of(arguments + 1, &head, &sequence) || (count == 7 && !cache_of(arguments[6], &cache)))
        return NULL;
    struct shared *place = plan_of((PacketizerObject *)object, arguments[0]);
    if (place == NULL)
        return NULL;
    PyObject *made = PyList_New((Py_ssize_t)place->plan.cut_count);
    if (made == NULL || (place = plan_of((PacketizerObject *)object, arguments[0])) == NULL) {
        Py_XDECREF(made);
        return NULL;
    }
    const struct h264_plan *plan = &place->plan;
    const uint8_t *data = (const uint8_t *)PyBytes_AS_STRING(place->data);
    for (size_t i = 0; i < plan->cut_count; i++) {
        const struct h264_cut *cut = &plan->cuts[i];
        size_t before = RTP_HEADER + head.extension_size, size = before + cut->size;
        PyObject *packet = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
        if (packet == NULL) {
            Py_CLEAR(made);
            break;
        }
        uint8_t *out = (uint8_t *)PyBytes_AS_STRING(packet);
        out += rtp_write_head(&head, (uint16_t)(sequence + i), i + 1 == plan->cut_count, out);
        h264_write_cut(plan, cut, data, out);
        PyList_SET_ITEM(made, (Py_ssize_t)i, packet);
        cache_keep(cache, (uint16_t)(sequence + i), packet, before + cut->head_length,
                   cut->count == 0 ? data + cut->at : NULL, place->data);
    }
    return made;
}

static PyObject *nal_units(PyObject *Py_UNUSED(module), PyObject *data)
{
    struct h264_unit unit;
    size_t at = 0;
    char *stream;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(data, &stream, &size) < 0)
        return NULL;
    PyObject *units = PyList_New(0);
    while (units != NULL && h264_next_unit((const uint8_t *)stream, (size_t)size, &at, &unit))
        append(&units, PyBytes_FromStringAndSize(stream + unit.at, (Py_ssize_t)unit.length));
    return units;
}

static PyMethodDef packetizer_methods[] = {
    {"packetize", packetize, METH_O, NULL},
    {"packets", (PyCFunction)packets, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef packetizer_members[] = {
    {"mode", T_INT, offsetof(PacketizerObject, mode), READONLY, NULL},
    {"mtu", T_UINT, offsetof(PacketizerObject, mtu), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot packetizer_slots[] = {
    {Py_tp_init, packetizer_init}, {Py_tp_dealloc, object_free}, {Py_tp_methods, packetizer_methods},
    {Py_tp_members, packetizer_members}, {Py_tp_new, PyType_GenericNew}, {0, NULL},
};

static PyType_Spec packetizer_spec = {
    .name = "mcu.media.packets._native.H264Packetizer",
    .basicsize = sizeof(PacketizerObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = packetizer_slots,
};

/* Joining */

typedef struct { PyObject_HEAD struct h264_picture picture; } DepacketizerObject;

static PyTypeObject *depacketizer_type;

struct h264_picture *h264_picture_of(PyObject *object)
{
    return Py_IS_TYPE(object, depacketizer_type) ? &((DepacketizerObject *)object)->picture : NULL;
}

static int depacketizer_init(DepacketizerObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"sprop", NULL};
    PyObject *sprop = NULL;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|O!", names, &PyTuple_Type, &sprop))
        return -1;
    for (Py_ssize_t i = 0; sprop != NULL && i < PyTuple_GET_SIZE(sprop); i++) {
        char *unit;
        Py_ssize_t size;
        if (PyBytes_AsStringAndSize(PyTuple_GET_ITEM(sprop, i), &unit, &size) < 0)
            return -1;
        if (!h264_remember(&self->picture, (const uint8_t *)unit, (size_t)size)) {
            PyErr_NoMemory();
            return -1;
        }
    }
    return 0;
}

static void depacketizer_dealloc(DepacketizerObject *self)
{
    h264_end(&self->picture);
    object_free((PyObject *)self);
}

static PyObject *push(DepacketizerObject *self, PyObject *data)
{
    char *payload;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(data, &payload, &size) < 0)
        return NULL;
    enum payload_fault fault = h264_push(&self->picture, (const uint8_t *)payload, (size_t)size);
    if (fault != PAYLOAD_SOUND)
        return raise_payload_fault(fault, (const uint8_t *)payload, "H.264 access unit");
    Py_RETURN_NONE;
}

static PyObject *reset(DepacketizerObject *self, PyObject *Py_UNUSED(nothing))
{
    h264_reset(&self->picture);
    Py_RETURN_NONE;
}

static PyObject *cut(DepacketizerObject *self, PyObject *Py_UNUSED(nothing))
{
    self->picture.fragmenting = false;
    self->picture.damaged = true;
    Py_RETURN_NONE;
}

static PyObject *take(DepacketizerObject *self, PyObject *Py_UNUSED(nothing))
{
    bool keyframe = self->picture.has_idr;
    if (!self->picture.has_slice)
        Py_RETURN_NONE;
    PyObject *unit = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)h264_taken_size(&self->picture));
    if (unit == NULL)
        return NULL;
    PyObject *taken = Py_BuildValue("NO", unit, keyframe ? Py_True : Py_False);
    if (taken != NULL) /* without memory it is there for the next time */
        h264_take(&self->picture, (uint8_t *)PyBytes_AS_STRING(unit));
    return taken;
}

static PyObject *get_empty(DepacketizerObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(h264_is_empty(&self->picture));
}

static PyObject *get_keyframe(DepacketizerObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(self->picture.has_idr);
}

static PyObject *get_whole(DepacketizerObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(!self->picture.damaged && !self->picture.fragmenting);
}

static PyObject *get_conceals(PyObject *Py_UNUSED(self), void *Py_UNUSED(closure)) { Py_RETURN_TRUE; }

static PyMethodDef depacketizer_methods[] = {
    {"push", (PyCFunction)push, METH_O, NULL},
    {"reset", (PyCFunction)reset, METH_NOARGS, NULL},
    {"cut", (PyCFunction)cut, METH_NOARGS, NULL},
    {"take", (PyCFunction)take, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef depacketizer_members[] = {
    {"clean_start", T_BOOL, offsetof(DepacketizerObject, picture.clean_start), 0, NULL},
    {"damaged", T_BOOL, offsetof(DepacketizerObject, picture.damaged), 0, NULL},
    {"recovery_point", T_BOOL, offsetof(DepacketizerObject, picture.recovery_point), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef depacketizer_properties[] = {
    {"empty", (getter)get_empty, NULL, NULL, NULL},
    {"keyframe", (getter)get_keyframe, NULL, NULL, NULL},
    {"whole", (getter)get_whole, NULL, NULL, NULL},
    {"conceals", get_conceals, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot depacketizer_slots[] = {
    {Py_tp_init, depacketizer_init}, {Py_tp_dealloc, depacketizer_dealloc}, {Py_tp_methods, depacketizer_methods},
    {Py_tp_members, depacketizer_members}, {Py_tp_getset, depacketizer_properties}, {Py_tp_new, PyType_GenericNew},
    {0, NULL},
};

static PyType_Spec depacketizer_spec = {
    .name = "mcu.media.packets._native.H264Depacketizer",
    .basicsize = sizeof(DepacketizerObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = depacketizer_slots,
};

static PyMethodDef functions[] = {{"nal_units", nal_units, METH_O, NULL}, {NULL, NULL, 0, NULL}};

int add_h264_types(PyObject *module)
{
    depacketizer_type = add_type(module, &depacketizer_spec);
    if (depacketizer_type == NULL || add_type(module, &packetizer_spec) == NULL)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
