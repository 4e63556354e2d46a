/* ``MediaPort``: the shared port of browsers for Python. Peers go by number, sources and outlets by peer and SSRC. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <errno.h>
#include <string.h>

#include "forward_type.h"
#include "names.h"
#include "objects.h"
#include "outlet_repair_type.h"
#include "port.h"
#include "port_type.h"
#include "srtp_type.h"
#include "stun_type.h"
#include "twcc_type.h"
#include "udp_type.h"
#include "watch_type.h"

/* Life */

static int port_init(PortObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"fileno", "patience", NULL};
    struct sockaddr_storage own;
    socklen_t length = sizeof own;
    int socket;
    double patience = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "i|d", names, &socket, &patience))
        return -1;
    if (!(patience >= 0 && patience <= PORT_MOST_PATIENCE)) {
        PyErr_SetString(PyExc_ValueError, "patience is from 0 to 10 seconds");
        return -1;
    }
    if (self->port != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "a port is opened once");
        return -1;
    }
    if (getsockname(socket, (struct sockaddr *)&own, &length) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    self->family = own.ss_family;
    if (self->family != AF_INET && self->family != AF_INET6) {
        PyErr_SetString(PyExc_ValueError, "not a socket of IPv4 or IPv6");
        return -1;
    }
    self->port = PyMem_Malloc(sizeof *self->port);
    if (self->port == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    port_begin(self->port, socket, patience);
    return 0;
}

static void port_dealloc(PortObject *self)
{
    if (self->port != NULL)
        port_end(self->port);
    PyMem_Free(self->port);
    object_free((PyObject *)self);
}

/* The port, unless another thread is at work on it: all calls belong to one thread. */
static struct port *port_of(PyObject *object)
{
    PortObject *self = (PortObject *)object;
    if (self->port != NULL && !self->busy)
        return self->port;
    PyErr_SetString(PyExc_RuntimeError, self->busy ? "in use by another thread" : "not open");
    return NULL;
}

struct peer *peer_of(PyObject *object, unsigned long id)
{
    struct port *port = port_of(object);
    if (port == NULL)
        return NULL;
    if (id < PORT_MAX_PEERS && port->peers[id] != NULL)
        return port->peers[id];
    PyErr_SetString(PyExc_KeyError, "no such peer");
    return NULL;
}

/* Peers */

PyObject *not_opened(const char *text)
{
    return errno == ENOMEM ? PyErr_NoMemory() : PyErr_Format(PyExc_ValueError, "%s", text);
}

static PyObject *open_peer(PyObject *self, PyObject *Py_UNUSED(nothing))
{
    struct port *port = port_of(self);
    if (port == NULL)
        return NULL;
    struct peer *peer = port_open_peer(port);
    if (peer == NULL)
        return not_opened("too many peers");
    return PyLong_FromUnsignedLong(peer->id);
}

static PyObject *close_peer(PyObject *self, PyObject *id)
{
    unsigned long number = PyLong_AsUnsignedLong(id);
    if (PyErr_Occurred())
        return NULL;
    struct peer *peer = peer_of(self, number);
    if (peer == NULL)
        return NULL;
    port_close_peer(((PortObject *)self)->port, peer);
    Py_RETURN_NONE;
}

static PyObject *set_keys(PyObject *self, PyObject *arguments)
{
    unsigned long id;
    const char *name;
    Py_buffer local, remote;
    if (!PyArg_ParseTuple(arguments, "ksy*y*", &id, &name, &local, &remote))
        return NULL;
    struct peer *peer = peer_of(self, id);
    enum srtp_suite suite;
    bool good = peer != NULL && suite_of_name(name, (size_t)local.len, &suite) &&
                suite_of_name(name, (size_t)remote.len, &suite);
    if (good && peer->keyed) {
        srtp_end(&peer->inbound);
        srtp_end(&peer->outbound);
        peer->keyed = false;
    }
    if (good && srtp_begin(&peer->inbound, suite, remote.buf, true)) {
        peer->keyed = srtp_begin(&peer->outbound, suite, local.buf, false);
        if (!peer->keyed)
            srtp_end(&peer->inbound);
    }
    if (good && !peer->keyed)
        PyErr_NoMemory();
    PyBuffer_Release(&local);
    PyBuffer_Release(&remote);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

static PyObject *srtp_numbers(PyObject *self, PyObject *arguments)
{
    unsigned long id;
    int inbound;
    if (!PyArg_ParseTuple(arguments, "kp", &id, &inbound))
        return NULL;
    struct peer *peer = peer_of(self, id);
    if (peer == NULL)
        return NULL;
    if (peer->keyed && !inbound)
        srtp_told(&peer->outbound);
    return peer->keyed ? srtp_sources(inbound ? &peer->inbound : &peer->outbound) : PyList_New(0);
}

static PyObject *resume(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc, rollovers, rtcp_index;
    int inbound;
    PyObject *highest;
    if (!PyArg_ParseTuple(arguments, "kpkkOk", &id, &inbound, &ssrc, &rollovers, &highest, &rtcp_index))
        return NULL;
    struct peer *peer = peer_of(self, id);
    if (peer != NULL && !peer->keyed)
        PyErr_SetString(PyExc_ValueError, "the peer has no keys");
    if (PyErr_Occurred() ||
        !srtp_resume(inbound ? &peer->inbound : &peer->outbound, ssrc, rollovers, highest, rtcp_index))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *set_addresses(PyObject *object, PyObject *arguments)
{
    PortObject *self = (PortObject *)object;
    unsigned long id;
    PyObject *names, *selected;
    struct address addresses[PORT_ADDRESSES], target;
    if (!PyArg_ParseTuple(arguments, "kOO", &id, &names, &selected))
        return NULL;
    PyObject *list = PySequence_Tuple(names);
    if (list == NULL)
        return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(list);
    bool good = count <= PORT_ADDRESSES;
    if (!good)
        PyErr_SetString(PyExc_ValueError, "too many addresses");
    for (Py_ssize_t i = 0; good && i < count; i++)
        good = address_of_name(PyTuple_GET_ITEM(list, i), self->family, &addresses[i].name, &addresses[i].length);
    if (good && selected != Py_None)
        good = address_of_name(selected, self->family, &target.name, &target.length);
    /* Last, since to read a sequence may run code that closes the peer. */
    struct peer *peer = good ? peer_of(object, id) : NULL;
    good = peer != NULL;
    if (good && !port_set_addresses(self->port, peer, addresses, (size_t)count, selected == Py_None ? NULL : &target)) {
        PyErr_SetString(PyExc_ValueError, "an address belongs to another peer");
        good = false;
    }
    Py_DECREF(list);
    return good ? Py_NewRef(Py_None) : NULL;
}

static PyObject *refused(PyObject *self, PyObject *id)
{
    unsigned long number = PyLong_AsUnsignedLong(id);
    struct peer *peer = PyErr_Occurred() ? NULL : peer_of(self, number);
    return peer == NULL ? NULL : PyLong_FromUnsignedLongLong(peer->refused);
}

/* Packets */

static PyObject *receive(PyObject *object, PyObject *time)
{
    PortObject *self = (PortObject *)object;
    double now = PyFloat_AsDouble(time);
    struct port *port = PyErr_Occurred() ? NULL : port_of(object);
    int count;
    if (port == NULL)
        return NULL;
    self->busy = true;
    Py_BEGIN_ALLOW_THREADS;
    count = port_receive(port, now);
    Py_END_ALLOW_THREADS;
    self->busy = false;
    if (count < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    PyObject *list = PyList_New(count);
    for (int i = 0; list != NULL && i < count; i++) {
        const struct port_event *event = &port->events[i];
        const struct udp_datagram *datagram = &port->datagrams[event->datagram];
        PyObject *source = event->kind == PORT_STUN ? name_of_address(&datagram->source) : Py_NewRef(Py_None);
        PyObject *entry = source == NULL ? NULL
                                         : Py_BuildValue("(iky#N)", (int)event->kind, (unsigned long)event->peer,
                                                         (const char *)datagram->data, (Py_ssize_t)event->length, source);
        if (entry == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, i, entry);
    }
    return list;
}

static PyObject *send_plain(PyObject *object, PyObject *arguments)
{
    PortObject *self = (PortObject *)object;
    PyObject *packets, *name;
    struct sockaddr_storage address;
    socklen_t length;
    struct port *port = port_of(object);
    if (port == NULL || !PyArg_ParseTuple(arguments, "OO", &packets, &name) ||
        !address_of_name(name, self->family, &address, &length))
        return NULL;
    self->busy = true;
    PyObject *sent = udp_send_batch(port->socket, packets, &address, length, &port->segmenting);
    self->busy = false;
    return sent;
}

static PyObject *protect(PyObject *object, PyObject *arguments, srtp_operation *work)
{
    PortObject *self = (PortObject *)object;
    unsigned long id;
    PyObject *packets;
    enum srtp_result *results;
    if (!PyArg_ParseTuple(arguments, "kO", &id, &packets))
        return NULL;
    struct peer *peer = peer_of(object, id);
    if (peer == NULL)
        return NULL;
    if (!peer->keyed)
        return PyList_New(0);
    self->busy = true;
    PyObject *list = srtp_run(&peer->outbound, packets, work, SRTP_MAX_OVERHEAD, &results);
    self->busy = false;
    if (list != NULL)
        PyMem_Free(results);
    return list;
}

static PyObject *protect_rtp(PyObject *self, PyObject *arguments) { return protect(self, arguments, srtp_protect); }

static PyObject *protect_rtcp(PyObject *self, PyObject *arguments)
{
    return protect(self, arguments, srtp_protect_rtcp);
}

static PyObject *counters(PyObject *self, PyObject *Py_UNUSED(nothing))
{
    const struct port *port = port_of(self);
    if (port == NULL)
        return NULL;
    return Py_BuildValue("(KKKK)", port->forwarded, port->unsent, port->strangers, port->cut);
}

#define NAMED (METH_VARARGS | METH_KEYWORDS)

static PyMethodDef methods[] = {
    {"open_peer", open_peer, METH_NOARGS, NULL},
    {"close_peer", close_peer, METH_O, NULL},
    {"set_keys", set_keys, METH_VARARGS, NULL},
    {"srtp_numbers", srtp_numbers, METH_VARARGS, NULL},
    {"resume", resume, METH_VARARGS, NULL},
    {"set_addresses", set_addresses, METH_VARARGS, NULL},
    {"refused", refused, METH_O, NULL},
    {"receive", receive, METH_O, NULL},
    {"send", send_plain, METH_VARARGS, NULL},
    {"protect_rtp", protect_rtp, METH_VARARGS, NULL},
    {"protect_rtcp", protect_rtcp, METH_VARARGS, NULL},
    {"open_source", (PyCFunction)(void (*)(void))forwarding_open_source, NAMED, NULL},
    {"close_source", forwarding_close_source, METH_VARARGS, NULL},
    {"deliver", forwarding_deliver, METH_VARARGS, NULL},
    {"repeat", forwarding_repeat, METH_VARARGS, NULL},
    {"is_sound", forwarding_is_sound, METH_VARARGS, NULL},
    {"picture_head", forwarding_picture_head, METH_VARARGS, NULL},
    {"requests", forwarding_requests, METH_VARARGS, NULL},
    {"source_statistics", forwarding_source_statistics, METH_VARARGS, NULL},
    {"open_outlet", (PyCFunction)(void (*)(void))forwarding_open_outlet, NAMED, NULL},
    {"carry", forwarding_carry, METH_VARARGS, NULL},
    {"stamp", forwarding_stamp, METH_VARARGS, NULL},
    {"repeat_sound", forwarding_repeat_sound, METH_VARARGS, NULL},
    {"protect_outlet", outlet_repair_protect, METH_VARARGS, NULL},
    {"set_repair_share", outlet_repair_set_share, METH_VARARGS, NULL},
    {"repair_statistics", outlet_repair_statistics, METH_VARARGS, NULL},
    {"close_outlet", forwarding_close_outlet, METH_VARARGS, NULL},
    {"route", forwarding_route, METH_VARARGS, NULL},
    {"resend", forwarding_resend, METH_VARARGS, NULL},
    {"outlet_statistics", forwarding_outlet_statistics, METH_VARARGS, NULL},
    {"answer_checks", checks_answer, METH_VARARGS, NULL},
    {"last_check", checks_last, METH_O, NULL},
    {"counters", counters, METH_NOARGS, NULL},
    {"waits", watch_waits, METH_O, NULL},
    {"gone_far", watch_gone_far, METH_VARARGS, NULL},
    {"count_packets", port_count_packets, METH_VARARGS, NULL},
    {"next_number", port_next_number, METH_O, NULL},
    {"send_rtp", port_send_rtp, METH_VARARGS, NULL},
    {"take_feedback", port_take_feedback, METH_VARARGS, NULL},
    {"feedback", port_feedback, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_init, port_init}, {Py_tp_dealloc, port_dealloc}, {Py_tp_methods, methods},
    {Py_tp_new, PyType_GenericNew}, {0, NULL},
};

static PyType_Spec spec = {
    .name = "mcu.media.packets._native.MediaPort",
    .basicsize = sizeof(PortObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

int add_port_type(PyObject *module)
{
    return add_type(module, &spec) == NULL ? -1 : 0;
}
