/* Sources and outlets of ``MediaPort`` for Python. */
#define PY_SSIZE_T_CLEAN
#include "forward_type.h"

#include <stdarg.h>
#include <string.h>

#include "objects.h"
#include "port.h"
#include "port_type.h"

static struct source *source_found(PyObject *object, unsigned long id, unsigned long ssrc)
{
    struct peer *peer = peer_of(object, id);
    struct source *source = peer == NULL ? NULL : peer_source(peer, (uint32_t)ssrc);
    if (peer != NULL && source == NULL)
        PyErr_SetString(PyExc_KeyError, "no such source");
    return source;
}

struct outlet *outlet_found(PyObject *object, unsigned long id, unsigned long ssrc)
{
    struct peer *peer = peer_of(object, id);
    struct outlet *outlet = peer == NULL ? NULL : peer_outlet(peer, (uint32_t)ssrc);
    if (peer != NULL && outlet == NULL)
        PyErr_SetString(PyExc_KeyError, "no such outlet");
    return outlet;
}

/* Read arguments that begin with the numbers of a peer and a stream, and what these are; false with an exception set. */
static bool read_arguments(PyObject *arguments, const char *format, va_list places, unsigned long *id,
                           unsigned long *ssrc)
{
    va_list first;
    va_copy(first, places);
    const unsigned long *id_place = va_arg(first, unsigned long *), *ssrc_place = va_arg(first, unsigned long *);
    va_end(first);
    if (!PyArg_VaParse(arguments, format, places))
        return false;
    *id = *id_place, *ssrc = *ssrc_place;
    return true;
}

static struct source *source_named(PyObject *self, PyObject *arguments, const char *format, ...)
{
    unsigned long id, ssrc;
    va_list places;
    va_start(places, format);
    bool read = read_arguments(arguments, format, places, &id, &ssrc);
    va_end(places);
    return read ? source_found(self, id, ssrc) : NULL;
}

struct outlet *outlet_named(PyObject *self, PyObject *arguments, const char *format, ...)
{
    unsigned long id, ssrc;
    va_list places;
    va_start(places, format);
    bool read = read_arguments(arguments, format, places, &id, &ssrc);
    va_end(places);
    return read ? outlet_found(self, id, ssrc) : NULL;
}

/* Sources */

static const struct { const char *name; enum rtp_codec codec; } codecs[] = {
    {"H264", CODEC_H264}, {"VP8", CODEC_VP8}, {"opus", CODEC_OTHER},
};

static bool codec_of_name(const char *name, enum rtp_codec *codec)
{
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (strcmp(codecs[i].name, name) == 0) {
            *codec = codecs[i].codec;
            return true;
        }
    PyErr_Format(PyExc_ValueError, "%s is not forwarded", name);
    return false;
}

PyObject *forwarding_open_source(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"peer", "ssrc", "codec", "clock_rate", "rtx_ssrc", "deliver", NULL};
    unsigned long id, ssrc, clock_rate, rtx_ssrc = 0;
    const char *name;
    int deliver = 1;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "kksk|k$p", names, &id, &ssrc, &name, &clock_rate, &rtx_ssrc,
                                     &deliver))
        return NULL;
    struct peer *peer = peer_of(self, id);
    enum rtp_codec codec;
    if (peer == NULL || !codec_of_name(name, &codec))
        return NULL;
    if (peer_source(peer, (uint32_t)ssrc) != NULL)
        return PyErr_Format(PyExc_ValueError, "source %lu is open", ssrc);
    if (peer_open_source(peer, codec, (uint32_t)ssrc, (uint32_t)clock_rate, (uint32_t)rtx_ssrc,
                         deliver) == NULL)
        return not_opened("too many sources");
    Py_RETURN_NONE;
}

PyObject *forwarding_close_source(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc;
    struct source *source = source_named(self, arguments, "kk", &id, &ssrc);
    if (source == NULL)
        return NULL;
    peer_close_source(((PortObject *)self)->port->peers[id], source);
    Py_RETURN_NONE;
}

PyObject *forwarding_deliver(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc;
    int wanted;
    struct source *source = source_named(self, arguments, "kkp", &id, &ssrc, &wanted);
    if (source == NULL)
        return NULL;
    source->deliver = wanted;
    Py_RETURN_NONE;
}

PyObject *forwarding_repeat(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc, rtx_ssrc;
    struct source *source = source_named(self, arguments, "kkk", &id, &ssrc, &rtx_ssrc);
    if (source == NULL)
        return NULL;
    source->rtx_ssrc = (uint32_t)rtx_ssrc;
    Py_RETURN_NONE;
}

PyObject *forwarding_is_sound(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc;
    unsigned char sound_type, redundant_type;
    struct source *source = source_named(self, arguments, "kkbb", &id, &ssrc, &sound_type, &redundant_type);
    if (source == NULL)
        return NULL;
    source_is_sound(source, sound_type, redundant_type);
    Py_RETURN_NONE;
}

PyObject *forwarding_picture_head(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc;
    const struct source *source = source_named(self, arguments, "kk", &id, &ssrc);
    if (source == NULL)
        return NULL;
    return PyBytes_FromStringAndSize((const char *)source->head, (Py_ssize_t)source->head_size);
}

PyObject *forwarding_requests(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc;
    double now, wait;
    uint16_t sequences[FORWARD_MISSING];
    struct source *source = source_named(self, arguments, "kkdd", &id, &ssrc, &now, &wait);
    if (source == NULL)
        return NULL;
    return list_of_numbers(sequences, source_requests(source, now, wait, sequences, FORWARD_MISSING));
}

PyObject *forwarding_source_statistics(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc;
    const struct source *source = source_named(self, arguments, "kk", &id, &ssrc);
    if (source == NULL)
        return NULL;
    return Py_BuildValue("(KKKKKkkd)", source->packets, source->octets, source->lost, source->recovered,
                         source->key_frames, (unsigned long)(source->cycles << 16 | source->highest),
                         (unsigned long)source->last_timestamp, source->last_arrival);
}

/* Outlets */

PyObject *forwarding_open_outlet(PyObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"peer", "ssrc", "payload_type", "first_sequence", "rtx_ssrc", "rtx_payload_type", NULL};
    unsigned long id, ssrc, rtx_ssrc = 0;
    unsigned char payload_type, rtx_payload_type = 0;
    unsigned short first;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "kkbH|kb", names, &id, &ssrc, &payload_type, &first,
                                     &rtx_ssrc, &rtx_payload_type))
        return NULL;
    struct peer *peer = peer_of(self, id);
    if (peer == NULL)
        return NULL;
    if (payload_type > 127 || rtx_payload_type > 127)
        return PyErr_Format(PyExc_ValueError, "a payload type is below 128");
    if (peer_outlet(peer, (uint32_t)ssrc) != NULL)
        return PyErr_Format(PyExc_ValueError, "outlet %lu is open", ssrc);
    if (peer_open_outlet(peer, (uint32_t)ssrc, payload_type, (uint32_t)rtx_ssrc, rtx_payload_type, first) == NULL)
        return not_opened("too many outlets");
    Py_RETURN_NONE;
}

PyObject *forwarding_carry(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc;
    const char *name;
    unsigned char payload_type, rtx, redundant;
    enum rtp_codec codec;
    struct outlet *outlet = outlet_named(self, arguments, "kksbbb", &id, &ssrc, &name, &payload_type, &rtx, &redundant);
    if (outlet == NULL || !codec_of_name(name, &codec))
        return NULL;
    if (payload_type > 127 || rtx > 127 || redundant > 127)
        return PyErr_Format(PyExc_ValueError, "a payload type is below 128");
    outlet_carry(outlet, codec, (struct carriage){payload_type, rtx, redundant});
    Py_RETURN_NONE;
}

PyObject *forwarding_stamp(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc;
    unsigned char number;
    struct outlet *outlet = outlet_named(self, arguments, "kkb", &id, &ssrc, &number);
    if (outlet == NULL)
        return NULL;
    if (number > 14)
        return PyErr_Format(PyExc_ValueError, "a header extension has a number up to 14");
    outlet->send_time_id = number;
    Py_RETURN_NONE;
}

PyObject *forwarding_repeat_sound(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc;
    Py_buffer ages;
    if (!PyArg_ParseTuple(arguments, "kky*", &id, &ssrc, &ages))
        return NULL;
    struct outlet *outlet = outlet_found(self, id, ssrc);
    const uint8_t *age = ages.buf;
    bool good = ages.len <= OUTLET_EARLIER;
    for (Py_ssize_t i = 0; good && i < ages.len; i++)
        good = age[i] > 0 && (i == 0 || age[i] < age[i - 1]);
    if (outlet != NULL && good) {
        memset(outlet->earlier, 0, sizeof outlet->earlier);
        memcpy(outlet->earlier, age, (size_t)ages.len);
    } else if (outlet != NULL) {
        PyErr_Format(PyExc_ValueError, "at most %d frames, the oldest first", OUTLET_EARLIER);
    }
    PyBuffer_Release(&ages);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

PyObject *forwarding_close_outlet(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc;
    struct outlet *outlet = outlet_named(self, arguments, "kk", &id, &ssrc);
    if (outlet == NULL)
        return NULL;
    peer_close_outlet(((PortObject *)self)->port->peers[id], outlet);
    Py_RETURN_NONE;
}

PyObject *forwarding_route(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc, source_peer, source_ssrc;
    PyObject *from;
    if (!PyArg_ParseTuple(arguments, "kkO", &id, &ssrc, &from))
        return NULL;
    struct source *source = NULL;
    struct outlet *outlet = outlet_found(self, id, ssrc);
    if (outlet == NULL)
        return NULL;
    if (from != Py_None) {
        if (!PyTuple_Check(from) || !PyArg_ParseTuple(from, "kk", &source_peer, &source_ssrc))
            return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "a source is (peer, ssrc)");
        source = source_found(self, source_peer, source_ssrc);
        if (source == NULL)
            return NULL;
    }
    return outlet_route(outlet, source) ? Py_NewRef(Py_None) : PyErr_NoMemory();
}

PyObject *forwarding_resend(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc;
    PyObject *numbers;
    if (!PyArg_ParseTuple(arguments, "kkO", &id, &ssrc, &numbers))
        return NULL;
    PyObject *list = PySequence_Tuple(numbers);
    if (list == NULL)
        return NULL;
    uint16_t sequences[FORWARD_KEPT];
    size_t count = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(list) && count < FORWARD_KEPT; i++)
        sequences[count++] = (uint16_t)PyLong_AsUnsignedLongMask(PyTuple_GET_ITEM(list, i));
    Py_DECREF(list);
    struct outlet *outlet = PyErr_Occurred() ? NULL : outlet_found(self, id, ssrc);
    if (outlet == NULL)
        return NULL;
    struct port *port = ((PortObject *)self)->port;
    return PyLong_FromSize_t(port_resend(port, port->peers[id], outlet, sequences, count));
}

PyObject *forwarding_outlet_statistics(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc;
    const struct outlet *outlet = outlet_named(self, arguments, "kk", &id, &ssrc);
    if (outlet == NULL)
        return NULL;
    return Py_BuildValue("(KKKKkdO)", outlet->packets, outlet->octets, outlet->resent, (unsigned long long)outlet->turn,
                         (unsigned long)outlet->last_timestamp, outlet->last_sent,
                         outlet_waits(outlet) ? Py_True : Py_False);
}
