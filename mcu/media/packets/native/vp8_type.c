/* ``Vp8Packetizer`` and ``Vp8Depacketizer`` for Python. */
#include "history_type.h"
#include "objects.h"
#include "payload_types.h"
#include "rtp_type.h"

#include <structmember.h>

#include <string.h>

/* Cutting */

typedef struct { PyObject_HEAD unsigned int mtu, picture_id; } PacketizerObject;

static int packetizer_init(PacketizerObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"mtu", "picture_id", NULL};
    Py_ssize_t mtu = 1200, picture_id = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|nn", names, &mtu, &picture_id))
        return -1;
    self->picture_id = (unsigned int)(picture_id & 0x7fff);
    return set_mtu(mtu, &self->mtu);
}

static unsigned int take_picture_id(PacketizerObject *self)
{
    unsigned int taken = self->picture_id & 0x7fff;
    self->picture_id = (taken + 1) & 0x7fff;
    return taken;
}

/* One payload behind ``before`` octets, with its octets of the frame in place. */
static PyObject *payload_of(const char *frame, size_t size, size_t at, size_t each, unsigned int picture_id,
                            size_t before, uint8_t **out)
{
    size_t length = size - at < each ? size - at : each;
    PyObject *made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(before + VP8_DESCRIPTOR + length));
    if (made == NULL)
        return NULL;
    *out = (uint8_t *)PyBytes_AS_STRING(made);
    vp8_write_descriptor(at == 0, (uint16_t)picture_id, *out + before);
    memcpy(*out + before + VP8_DESCRIPTOR, frame + at, length);
    return made;
}

static PyObject *packetize(PacketizerObject *self, PyObject *data)
{
    char *frame;
    Py_ssize_t size;
    size_t each;
    uint8_t *out;
    if (PyBytes_AsStringAndSize(data, &frame, &size) < 0)
        return NULL;
    unsigned int picture_id = take_picture_id(self);
    size_t count = vp8_payloads((size_t)size, self->mtu, &each);
    PyObject *payloads = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; payloads != NULL && i < count; i++) {
        PyObject *payload = payload_of(frame, (size_t)size, i * each, each, picture_id, 0, &out);
        if (payload == NULL)
            Py_CLEAR(payloads);
        else
            PyTuple_SET_ITEM(payloads, (Py_ssize_t)i, payload);
    }
    return payloads;
}

/* (frame, payload type, sequence, timestamp, SSRC, extension block[, cache]) to a list of packets. */
static PyObject *packets(PacketizerObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    struct rtp_head head;
    uint16_t sequence;
    char *frame;
    Py_ssize_t size;
    size_t each;
    uint8_t *out;
    PyObject *cache = NULL;
    if (count != 6 && count != 7)
        return PyErr_Format(PyExc_TypeError, "packets takes a frame, five numbers and where to keep them");
    if (PyBytes_AsStringAndSize(arguments[0], &frame, &size) < 0 || !head_of(arguments + 1, &head, &sequence) ||
        (count == 7 && !cache_of(arguments[6], &cache)))
        return NULL;
    unsigned int picture_id = take_picture_id(self);
    size_t packet_count = vp8_payloads((size_t)size, self->mtu, &each), before = RTP_HEADER + head.extension_size;
    PyObject *made = PyList_New((Py_ssize_t)packet_count);
    for (size_t i = 0; made != NULL && i < packet_count; i++) {
        PyObject *packet = payload_of(frame, (size_t)size, i * each, each, picture_id, before, &out);
        if (packet == NULL) {
            Py_CLEAR(made);
        } else {
            rtp_write_head(&head, (uint16_t)(sequence + i), i + 1 == packet_count, out);
            PyList_SET_ITEM(made, (Py_ssize_t)i, packet);
            cache_keep(cache, (uint16_t)(sequence + i), packet, before + VP8_DESCRIPTOR,
                       (const uint8_t *)frame + i * each, arguments[0]);
        }
    }
    return made;
}

static PyMethodDef packetizer_methods[] = {
    {"packetize", (PyCFunction)packetize, METH_O, NULL},
    {"packets", (PyCFunction)packets, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef packetizer_members[] = {
    {"mtu", T_UINT, offsetof(PacketizerObject, mtu), READONLY, NULL},
    {"picture_id", T_UINT, offsetof(PacketizerObject, picture_id), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot packetizer_slots[] = {
    {Py_tp_init, packetizer_init}, {Py_tp_dealloc, object_free}, {Py_tp_methods, packetizer_methods},
    {Py_tp_members, packetizer_members}, {Py_tp_new, PyType_GenericNew}, {0, NULL},
};

static PyType_Spec packetizer_spec = {
    .name = "mcu.media.packets._native.Vp8Packetizer",
    .basicsize = sizeof(PacketizerObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = packetizer_slots,
};

/* Joining */

typedef struct { PyObject_HEAD struct vp8_picture picture; } DepacketizerObject;

static PyTypeObject *depacketizer_type;

struct vp8_picture *vp8_picture_of(PyObject *object)
{
    return Py_IS_TYPE(object, depacketizer_type) ? &((DepacketizerObject *)object)->picture : NULL;
}

static void depacketizer_dealloc(DepacketizerObject *self)
{
    vp8_end(&self->picture);
    object_free((PyObject *)self);
}

static PyObject *push(DepacketizerObject *self, PyObject *data)
{
    char *payload;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(data, &payload, &size) < 0)
        return NULL;
    enum payload_fault fault = vp8_push(&self->picture, (const uint8_t *)payload, (size_t)size);
    if (fault != PAYLOAD_SOUND)
        return raise_payload_fault(fault, (const uint8_t *)payload, "VP8 frame");
    Py_RETURN_NONE;
}

static PyObject *reset(DepacketizerObject *self, PyObject *Py_UNUSED(nothing))
{
    vp8_reset(&self->picture);
    Py_RETURN_NONE;
}

static PyObject *cut(DepacketizerObject *self, PyObject *Py_UNUSED(nothing))
{
    self->picture.damaged = true;
    Py_RETURN_NONE;
}

/* The lowest bit of a frame's tag is 0 in key frames (RFC 6386 section 9.1). */
static bool begins_with_key_frame(const struct vp8_picture *picture)
{
    return picture->buffer.length > 0 && !(picture->buffer.data[0] & 1);
}

static PyObject *take(DepacketizerObject *self, PyObject *Py_UNUSED(nothing))
{
    const struct picture_buffer *buffer = &self->picture.buffer;
    bool keyframe = begins_with_key_frame(&self->picture);
    if (buffer->length == 0)
        Py_RETURN_NONE;
    PyObject *frame = PyBytes_FromStringAndSize((const char *)buffer->data, (Py_ssize_t)buffer->length);
    if (frame == NULL)
        return NULL;
    PyObject *taken = Py_BuildValue("NO", frame, keyframe ? Py_True : Py_False);
    if (taken != NULL) /* without memory it is there for the next time */
        vp8_reset(&self->picture);
    return taken;
}

static PyObject *get_empty(DepacketizerObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(vp8_is_empty(&self->picture));
}

static PyObject *get_keyframe(DepacketizerObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(self->picture.clean_start && begins_with_key_frame(&self->picture));
}

static PyObject *get_whole(DepacketizerObject *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(!self->picture.damaged);
}

static PyObject *get_no(PyObject *Py_UNUSED(self), void *Py_UNUSED(closure)) { Py_RETURN_FALSE; }

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
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef depacketizer_properties[] = {
    {"empty", (getter)get_empty, NULL, NULL, NULL},
    {"keyframe", (getter)get_keyframe, NULL, NULL, NULL},
    {"whole", (getter)get_whole, NULL, NULL, NULL},
    {"conceals", get_no, NULL, NULL, NULL},
    {"recovery_point", get_no, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot depacketizer_slots[] = {
    {Py_tp_dealloc, depacketizer_dealloc}, {Py_tp_methods, depacketizer_methods},
    {Py_tp_members, depacketizer_members}, {Py_tp_getset, depacketizer_properties}, {Py_tp_new, PyType_GenericNew},
    {0, NULL},
};

static PyType_Spec depacketizer_spec = {
    .name = "mcu.media.packets._native.Vp8Depacketizer",
    .basicsize = sizeof(DepacketizerObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = depacketizer_slots,
};

/* Length of a payload's descriptor. */
static PyObject *descriptor_size(PyObject *Py_UNUSED(module), PyObject *data)
{
    char *payload;
    Py_ssize_t size;
    size_t length;
    if (PyBytes_AsStringAndSize(data, &payload, &size) < 0)
        return NULL;
    enum payload_fault fault = vp8_read_descriptor((const uint8_t *)payload, (size_t)size, &length);
    return fault == PAYLOAD_SOUND ? PyLong_FromSize_t(length)
                                  : raise_payload_fault(fault, (const uint8_t *)payload, "VP8 frame");
}

static PyMethodDef functions[] = {{"descriptor_size", descriptor_size, METH_O, NULL}, {NULL, NULL, 0, NULL}};

int add_vp8_types(PyObject *module)
{
    depacketizer_type = add_type(module, &depacketizer_spec);
    if (depacketizer_type == NULL || add_type(module, &packetizer_spec) == NULL)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
