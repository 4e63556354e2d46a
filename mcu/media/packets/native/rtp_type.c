/* Single RTP packets for Python: parsing, serialising, extensions, finished runs of packets. */
#include "rtp_type.h"

#include <string.h>

#include "h264_packets.h"
#include "objects.h"

PyObject *rtp_error, *payload_error;

PyObject *raise_rtp_fault(enum rtp_fault fault, const uint8_t *packet, size_t length, const struct rtp_view *view)
{
    switch (fault) {
    case RTP_SHORT:
        return PyErr_Format(rtp_error, "RTP packet of %zu bytes is shorter than its header", length);
    case RTP_VERSION:
        return PyErr_Format(rtp_error, "RTP version %d, expected 2", packet[0] >> 6);
    case RTP_EXTENSION_CUT:
        return PyErr_Format(rtp_error, "RTP header extension is cut off");
    case RTP_HEADER_LONG:
        return PyErr_Format(rtp_error, "RTP header runs past the end of the packet");
    case RTP_NO_PADDING:
        return PyErr_Format(rtp_error, "RTP padding flag without padding");
    default:
        return PyErr_Format(rtp_error, "RTP padding of %d bytes does not fit the packet", packet[view->end - 1]);
    }
}

PyObject *raise_payload_fault(enum payload_fault fault, const uint8_t *payload, const char *format)
{
    switch (fault) {
    case PAYLOAD_NO_MEMORY:
        return PyErr_NoMemory();
    case PAYLOAD_TOO_LARGE:
        return PyErr_Format(payload_error, "%s is larger than any real one", format);
    case H264_SHORT:
        return PyErr_Format(payload_error, "H.264 payload of less than two bytes");
    case H264_NO_FRAGMENT:
        return PyErr_Format(payload_error, "H.264 FU-A without a fragment");
    case H264_AGGREGATE_CUT:
        return PyErr_Format(payload_error, "H.264 STAP-A unit runs past the end of the packet");
    case H264_UNKNOWN:
        return PyErr_Format(payload_error, "H.264 payload of unknown type %d", payload[0] & 0x1f);
    case VP8_EMPTY:
        return PyErr_Format(payload_error, "VP8 payload is empty");
    case VP8_DESCRIPTOR_CUT:
        return PyErr_Format(payload_error, "VP8 payload descriptor is cut off");
    default:
        return PyErr_Format(payload_error, "VP8 payload holds no data behind its descriptor");
    }
}

long long number_within(PyObject *value, long long most, const char *name)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (number == -1 && PyErr_Occurred())
        return -1;
    if (overflow != 0 || number < 0 || number > most) {
        PyErr_Format(rtp_error, "field out of range: %s", name);
        return -1;
    }
    return number;
}

bool head_of(PyObject *const *arguments, struct rtp_head *head, uint16_t *sequence)
{
    char *extension;
    Py_ssize_t extension_size;
    long long payload_type = number_within(arguments[0], 0x7f, "payload type");
    long long timestamp = payload_type < 0 ? -1 : number_within(arguments[2], 0xffffffff, "timestamp");
    long long ssrc = timestamp < 0 ? -1 : number_within(arguments[3], 0xffffffff, "SSRC");
    if (ssrc < 0 || PyBytes_AsStringAndSize(arguments[4], &extension, &extension_size) < 0)
        return false;
    /* The sender counts roll-overs too, which are no part of a packet. */
    unsigned long long number = PyLong_AsUnsignedLongLongMask(arguments[1]);
    if (number == (unsigned long long)-1 && PyErr_Occurred())
        return false;
    *sequence = (uint16_t)number;
    *head = (struct rtp_head){(uint8_t)payload_type, (uint32_t)timestamp, (uint32_t)ssrc, (const uint8_t *)extension,
                              (size_t)extension_size};
    return true;
}

/* The packet that this is, or NULL with an exception set. */
static const uint8_t *packet_of(PyObject *data, size_t *length)
{
    char *packet;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(data, &packet, &size) < 0)
        return NULL;
    *length = (size_t)size;
    return (const uint8_t *)packet;
}

int set_mtu(Py_ssize_t wanted, unsigned int *mtu)
{
    if (wanted < 64 || wanted > H264_MAX_SINGLE) {
        PyErr_Format(PyExc_ValueError, wanted < 64 ? "mtu of %zd bytes is too small"
                                                   : "mtu of %zd bytes is more than a datagram carries", wanted);
        return -1;
    }
    *mtu = (unsigned int)wanted;
    return 0;
}

static PyObject *parse_header(PyObject *Py_UNUSED(module), PyObject *data)
{
    struct rtp_view view;
    size_t length;
    const uint8_t *packet = packet_of(data, &length);
    if (packet == NULL)
        return NULL;
    enum rtp_fault fault = rtp_read(packet, length, &view);
    if (fault != RTP_SOUND)
        return raise_rtp_fault(fault, packet, length, &view);
    PyObject *found = PyTuple_New(7);
    if (found == NULL)
        return NULL;
    PyTuple_SET_ITEM(found, 0, Py_NewRef(view.marker ? Py_True : Py_False));
    const unsigned long numbers[] = {view.payload_type, view.sequence, view.timestamp, view.ssrc, view.start, view.end};
    for (Py_ssize_t i = 0; i < 6; i++) {
        PyObject *number = PyLong_FromUnsignedLong(numbers[i]);
        if (number == NULL) {
            Py_DECREF(found);
            return NULL;
        }
        PyTuple_SET_ITEM(found, i + 1, number);
    }
    return found;
}

static PyObject *elements_of(const uint8_t *packet, const struct rtp_view *view)
{
    struct rtp_element element;
    size_t at = 0;
    PyObject *elements = PyDict_New();
    while (elements != NULL &&
           rtp_next_element(packet + view->extension, view->extension_size, view->profile, &at, &element)) {
        PyObject *key = PyLong_FromLong(element.identifier), *value = bytes_of(element.value, element.length);
        if (key == NULL || value == NULL || PyDict_SetItem(elements, key, value) < 0)
            Py_CLEAR(elements);
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    return elements;
}

static PyObject *parse_packet(PyObject *Py_UNUSED(module), PyObject *data)
{
    struct rtp_view view;
    size_t length;
    const uint8_t *packet = packet_of(data, &length);
    if (packet == NULL)
        return NULL;
    enum rtp_fault fault = rtp_read(packet, length, &view);
    if (fault != RTP_SOUND)
        return raise_rtp_fault(fault, packet, length, &view);
    PyObject *sources = PyTuple_New(view.sources), *elements = elements_of(packet, &view);
    for (Py_ssize_t i = 0; sources != NULL && i < view.sources; i++) {
        PyObject *source = PyLong_FromUnsignedLong(get32(packet + RTP_HEADER + 4 * i));
        if (source == NULL)
            Py_CLEAR(sources);
        else
            PyTuple_SET_ITEM(sources, i, source);
    }
    PyObject *payload = bytes_of(packet + view.start, view.end - view.start);
    return Py_BuildValue("iiIINONNn", view.payload_type, view.sequence, view.timestamp, view.ssrc, payload,
                         view.marker ? Py_True : Py_False, sources, elements, (Py_ssize_t)(length - view.end));
}

static PyObject *read_extension(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    struct rtp_view view;
    struct rtp_element element, found = {0, NULL, 0};
    size_t length, at = 0;
    const uint8_t *packet = count == 2 ? packet_of(arguments[0], &length) : NULL;
    if (packet == NULL)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "read_extension takes a packet and a number");
    long number = PyLong_AsLong(arguments[1]);
    if (number == -1 && PyErr_Occurred())
        return NULL;
    if (rtp_read(packet, length, &view) != RTP_SOUND)
        Py_RETURN_NONE;
    /* The last of a number counts. */
    while (rtp_next_element(packet + view.extension, view.extension_size, view.profile, &at, &element))
        if (element.identifier == number)
            found = element;
    if (found.value == NULL)
        Py_RETURN_NONE;
    return bytes_of(found.value, found.length);
}

/* Elements of the one-byte form. */
static PyObject *pack_extensions(PyObject *Py_UNUSED(module), PyObject *given)
{
    uint8_t block[4 + 256 * (1 + RTP_MAX_VALUE) + 3] = {0xbe, 0xde};
    size_t size = 4;
    PyObject *element, *elements = PyObject_GetIter(given);
    if (elements == NULL)
        return NULL;
    while ((element = PyIter_Next(elements)) != NULL) {
        long identifier;
        char *value;
        Py_ssize_t length;
        bool read = PyTuple_Check(element) && PyArg_ParseTuple(element, "ly#", &identifier, &value, &length);
        if (!read && !PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "an element is a number and bytes");
        if (read && (identifier < 1 || identifier > RTP_MAX_IDENTIFIER || length < 1 || length > RTP_MAX_VALUE)) {
            PyErr_Format(rtp_error, "extension %ld of %zd bytes does not fit the one-byte form", identifier, length);
        } else if (read && size + 1 + (size_t)length > sizeof block - 3) {
            PyErr_SetString(rtp_error, "too many header extensions");
        } else if (read) {
            block[size++] = (uint8_t)(identifier << 4 | (length - 1));
            memcpy(block + size, value, (size_t)length);
            size += (size_t)length;
        }
        Py_DECREF(element);
        if (PyErr_Occurred())
            break;
    }
    Py_DECREF(elements);
    if (PyErr_Occurred())
        return NULL;
    if (size == 4)
        return PyBytes_FromStringAndSize(NULL, 0);
    while (size % 4 != 0)
        block[size++] = 0;
    put16(block + 2, (uint16_t)(size / 4 - 1));
    return bytes_of(block, size);
}

/* (payload_type, sequence, timestamp, ssrc, payload, marker, csrc, extension block, padding) to a packet. */
static PyObject *write_packet(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 9 || !PyBytes_Check(arguments[4]) || !PyTuple_Check(arguments[6]) || !PyBytes_Check(arguments[7]))
        return PyErr_Format(PyExc_TypeError, "write_packet takes the nine parts of a packet");
    Py_ssize_t sources = PyTuple_GET_SIZE(arguments[6]);
    long long padding = PyLong_AsLongLong(arguments[8]);
    int marker = PyObject_IsTrue(arguments[5]);
    if ((padding == -1 || marker < 0) && PyErr_Occurred())
        return NULL;
    if (sources > RTP_MAX_SOURCES || padding < 0 || padding > 255)
        return PyErr_Format(rtp_error, "more than 15 CSRCs or 255 bytes of padding");
    long long payload_type = number_within(arguments[0], 0xff, "payload type");
    long long sequence = payload_type < 0 ? -1 : number_within(arguments[1], 0xffff, "sequence number");
    long long timestamp = sequence < 0 ? -1 : number_within(arguments[2], 0xffffffff, "timestamp");
    long long ssrc = timestamp < 0 ? -1 : number_within(arguments[3], 0xffffffff, "SSRC");
    if (ssrc < 0)
        return NULL;
    Py_ssize_t payload = PyBytes_GET_SIZE(arguments[4]), extension = PyBytes_GET_SIZE(arguments[7]);
    PyObject *made = PyBytes_FromStringAndSize(NULL, RTP_HEADER + 4 * sources + extension + payload + padding);
    if (made == NULL)
        return NULL;
    uint8_t *out = (uint8_t *)PyBytes_AS_STRING(made);
    out[0] = (uint8_t)(0x80 | (padding > 0 ? 0x20 : 0) | (extension > 0 ? 0x10 : 0) | sources);
    out[1] = (uint8_t)(payload_type | (marker ? 0x80 : 0));
    put16(out + 2, (uint16_t)sequence);
    put32(out + 4, (uint32_t)timestamp);
    put32(out + 8, (uint32_t)ssrc);
    out += RTP_HEADER;
    for (Py_ssize_t i = 0; i < sources; i++, out += 4) {
        long long source = number_within(PyTuple_GET_ITEM(arguments[6], i), 0xffffffff, "CSRC");
        if (source < 0) {
            Py_DECREF(made);
            return NULL;
        }
        put32(out, (uint32_t)source);
    }
    memcpy(out, PyBytes_AS_STRING(arguments[7]), (size_t)extension);
    memcpy(out + extension, PyBytes_AS_STRING(arguments[4]), (size_t)payload);
    if (padding > 0) {
        memset(out + extension + payload, 0, (size_t)padding - 1);
        out[extension + payload + padding - 1] = (uint8_t)padding;
    }
    return made;
}

/* (payloads, marker, payload type, sequence, timestamp, SSRC, extension block) to a list of packets. */
static PyObject *write_packets(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    struct rtp_head head;
    uint16_t sequence;
    if (count != 7)
        return PyErr_Format(PyExc_TypeError, "write_packets takes payloads and six numbers");
    int marker = PyObject_IsTrue(arguments[1]);
    if (marker < 0 || !head_of(arguments + 2, &head, &sequence))
        return NULL;
    PyObject *payloads = PySequence_Tuple(arguments[0]);
    Py_ssize_t last = payloads == NULL ? -1 : PyTuple_GET_SIZE(payloads) - 1;
    PyObject *packets = payloads == NULL ? NULL : PyList_New(last + 1);
    for (Py_ssize_t i = 0; packets != NULL && i <= last; i++) {
        char *payload;
        Py_ssize_t size;
        if (PyBytes_AsStringAndSize(PyTuple_GET_ITEM(payloads, i), &payload, &size) < 0) {
            Py_CLEAR(packets);
            break;
        }
        PyObject *packet = PyBytes_FromStringAndSize(NULL, RTP_HEADER + (Py_ssize_t)head.extension_size + size);
        if (packet == NULL) {
            Py_CLEAR(packets);
            break;
        }
        uint8_t *out = (uint8_t *)PyBytes_AS_STRING(packet);
        out += rtp_write_head(&head, (uint16_t)(sequence + i), marker && i == last, out);
        memcpy(out, payload, (size_t)size);
        PyList_SET_ITEM(packets, i, packet);
    }
    Py_XDECREF(payloads);
    return packets;
}

/* (packet, start of its payload, payload type, sequence, SSRC) to a repetition. */
static PyObject *repetition(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    size_t length;
    const uint8_t *packet = count == 5 ? packet_of(arguments[0], &length) : NULL;
    if (packet == NULL)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_TypeError, "repetition takes a packet and four numbers");
    long long start = number_within(arguments[1], (long long)length, "start of the payload");
    long long payload_type = start < 0 ? -1 : number_within(arguments[2], 0x7f, "payload type");
    long long ssrc = payload_type < 0 ? -1 : number_within(arguments[4], 0xffffffff, "SSRC");
    unsigned long long sequence = ssrc < 0 ? 0 : PyLong_AsUnsignedLongLongMask(arguments[3]);
    if (PyErr_Occurred())
        return NULL;
    if (start < RTP_HEADER)
        return PyErr_Format(rtp_error, "field out of range: start of the payload");
    PyObject *made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)length + 2);
    if (made != NULL)
        rtp_repeat(packet, length, (size_t)start, (uint8_t)payload_type, (uint16_t)sequence, (uint32_t)ssrc,
                   (uint8_t *)PyBytes_AS_STRING(made));
    return made;
}

static PyMethodDef functions[] = {
    {"parse_header", parse_header, METH_O, NULL},
    {"parse_packet", parse_packet, METH_O, NULL},
    {"read_extension", (PyCFunction)read_extension, METH_FASTCALL, NULL},
    {"pack_extensions", pack_extensions, METH_O, NULL},
    {"write_packet", (PyCFunction)write_packet, METH_FASTCALL, NULL},
    {"write_packets", (PyCFunction)write_packets, METH_FASTCALL, NULL},
    {"repetition", (PyCFunction)repetition, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

int add_rtp_functions(PyObject *module)
{
    rtp_error = PyErr_NewExceptionWithDoc("mcu.media.rtp.errors.RtpError",
                                          "Not a usable RTP packet (RFC 3550 section 5.1).", PyExc_ValueError, NULL);
    if (rtp_error == NULL)
        return -1;
    payload_error = PyErr_NewExceptionWithDoc(
        "mcu.media.rtp.errors.PayloadError",
        "The RTP packet was sound but its payload breaks the rules of its format.", rtp_error, NULL);
    if (payload_error == NULL || PyModule_AddObjectRef(module, "RtpError", rtp_error) < 0 ||
        PyModule_AddObjectRef(module, "PayloadError", payload_error) < 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
