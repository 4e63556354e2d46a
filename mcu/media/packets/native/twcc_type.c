#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "twcc_type.h"

#include <errno.h>
#include <string.h>

#include "names.h"
#include "objects.h"
#include "port_type.h"

/* Longest packet taken for sending: as long as one that is forwarded. */
#define LONGEST (FORWARD_LONGEST + FORWARD_OVERHEAD)
/* More feedback than a browser has reason to wait for at once: the packets that are remembered. */
#define MAX_FEEDBACKS (TWCC_KEPT / TWCC_SPOKEN + 1)

PyObject *port_count_packets(PyObject *self, PyObject *arguments)
{
    unsigned long id;
    unsigned char extension;
    unsigned short first;
    PyObject *streams = NULL;
    uint32_t uncounted[TWCC_UNCOUNTED];
    if (!PyArg_ParseTuple(arguments, "kbH|O", &id, &extension, &first, &streams))
        return NULL;
    PyObject *tuple = streams == NULL ? PyTuple_New(0) : PySequence_Tuple(streams);
    if (tuple == NULL)
        return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(tuple);
    for (Py_ssize_t i = 0; i < count && i < TWCC_UNCOUNTED; i++)
        uncounted[i] = (uint32_t)PyLong_AsUnsignedLongMask(PyTuple_GET_ITEM(tuple, i));
    Py_DECREF(tuple);
    /* Last, since to read a sequence may run code that closes the peer. */
    struct peer *peer = PyErr_Occurred() ? NULL : peer_of(self, id);
    if (peer == NULL)
        return NULL;
    if (extension < 1 || extension > 14)
        return PyErr_Format(PyExc_ValueError, "a header extension has a number from 1 to 14");
    if (count > TWCC_UNCOUNTED)
        return PyErr_Format(PyExc_ValueError, "too many streams that are not counted");
    if (!twcc_begin(&peer->twcc, extension, first))
        return PyErr_NoMemory();
    memcpy(peer->twcc.uncounted, uncounted, (size_t)count * sizeof *uncounted);
    peer->twcc.uncounted_count = (size_t)count;
    Py_RETURN_NONE;
}

PyObject *port_next_number(PyObject *self, PyObject *id)
{
    unsigned long number = PyLong_AsUnsignedLong(id);
    struct peer *peer = PyErr_Occurred() ? NULL : peer_of(self, number);
    if (peer == NULL)
        return NULL;
    return peer->twcc.id == 0 ? Py_NewRef(Py_None) : PyLong_FromLong(peer->twcc.next);
}

/* Whether a packet may be sealed: one that is counted is never the same twice, and its number in SRTP is used once. */
static bool is_new(const struct peer *peer, const uint8_t *packet)
{
    const struct srtp_source *known = srtp_find(&peer->outbound, get32(packet + 8));
    return !twcc_counts(&peer->twcc, get32(packet + 8)) || known == NULL || !known->begun || is_after(get16(packet + 2), known->highest);
}

/* Send what is sealed at the arena's first places; how many the kernel took or lost for good. */
static size_t send_sealed(struct port *port, const struct udp_out *out, size_t count)
{
    size_t sent = udp_send(port->socket, out, count, &port->segmenting);
    if (sent == count || errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)
        return sent;
    port->unsent += count - sent; /* nobody there */
    return count;
}

PyObject *port_send_rtp(PyObject *object, PyObject *arguments)
{
    PortObject *self = (PortObject *)object;
    unsigned long id;
    PyObject *packets;
    struct udp_out *in;
    double now;
    if (!PyArg_ParseTuple(arguments, "kOd", &id, &packets, &now))
        return NULL;
    PyObject *batch = batch_of(packets, &in), *list = NULL;
    if (batch == NULL)
        return NULL;
    size_t count = (size_t)PyTuple_GET_SIZE(batch);
    /* Last, since to read a sequence may run code that closes the peer. */
    struct peer *peer = peer_of(object, id);
    if (peer == NULL || (list = PyList_New(0)) == NULL)
        goto done;
    struct port *port = self->port;
    port->now = now;
    for (size_t at = 0; at < count && peer->keyed && peer->reachable;) {
        struct udp_out out[UDP_BATCH];
        size_t sealed = 0, sent = 0;
        bool has_room = PyList_GET_SIZE(list) == 0; /* else what was before it waits */
        self->busy = true;
        Py_BEGIN_ALLOW_THREADS;
        for (; at < count && sealed < UDP_BATCH; at++) {
            size_t length = in[at].length;
            if (length < 12 || length > LONGEST || !is_new(peer, in[at].data)) {
                port->unsent++;
                continue;
            }
            memcpy(port->arena[sealed], in[at].data, length);
            if (port_seal(port, peer, port->arena[sealed], &length)) {
                out[sealed] = (struct udp_out){port->arena[sealed], length, &peer->selected};
                sealed++;
            }
        }
        if (has_room)
            sent = send_sealed(port, out, sealed);
        Py_END_ALLOW_THREADS;
        self->busy = false;
        for (; sent < sealed; sent++) {
            if (!append(&list, bytes_of(out[sent].data, out[sent].length))) {
                port->unsent += sealed - sent;
                goto done;
            }
        }
    }
done:
    PyMem_Free(in);
    Py_DECREF(batch);
    return list;
}

PyObject *port_take_feedback(PyObject *self, PyObject *arguments)
{
    unsigned long id;
    const char *data;
    Py_ssize_t length;
    static struct twcc_result results[TWCC_KEPT]; /* the interpreter's lock is held */
    if (!PyArg_ParseTuple(arguments, "ky#", &id, &data, &length))
        return NULL;
    struct peer *peer = peer_of(self, id);
    if (peer == NULL)
        return NULL;
    int count = twcc_take(&peer->twcc, (const uint8_t *)data, (size_t)length, results, TWCC_KEPT);
    if (count < 0)
        Py_RETURN_NONE;
    PyObject *list = PyList_New(count);
    for (int i = 0; list != NULL && i < count; i++) {
        const struct twcc_result *one = &results[i];
        PyObject *entry = Py_BuildValue("(ddii)", one->sent, one->arrival, (int)one->size, (int)one->fate);
        if (entry == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, entry);
    }
    return list;
}

PyObject *port_feedback(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc;
    uint8_t packet[TWCC_LONGEST];
    if (!PyArg_ParseTuple(arguments, "kk", &id, &ssrc))
        return NULL;
    struct peer *peer = peer_of(self, id);
    PyObject *list = peer == NULL ? NULL : PyList_New(0);
    for (int i = 0; list != NULL && i < MAX_FEEDBACKS; i++) {
        size_t length = twcc_write(&peer->twcc, (uint32_t)ssrc, packet);
        if (length == 0)
            break;
        append(&list, bytes_of(packet, length));
    }
    return list;
}
