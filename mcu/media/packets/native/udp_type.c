/* ``UdpSocket``: batches of datagrams for Python on a socket that somebody else owns. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <errno.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "udp.h"
#include "udp_type.h"

#define MAX_BATCH 65536

typedef struct {
    PyObject_HEAD
    int socket, family;
    bool segmenting;
    unsigned long long cut;
    struct udp_datagram *datagrams;
    /* The last address that packets came from, and the one that they went to: most of the time the next is the same. */
    struct sockaddr_storage source, target;
    socklen_t source_length, target_length;
    PyObject *source_name, *target_name;
} UdpObject;

static int udp_init(UdpObject *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"fileno", NULL};
    struct sockaddr_storage own;
    socklen_t length = sizeof own;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "i", names, &self->socket))
        return -1;
    if (getsockname(self->socket, (struct sockaddr *)&own, &length) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    self->family = own.ss_family;
    if (self->family != AF_INET && self->family != AF_INET6) {
        PyErr_SetString(PyExc_ValueError, "not a socket of IPv4 or IPv6");
        return -1;
    }
    self->segmenting = true;
    if (self->datagrams == NULL)
        self->datagrams = PyMem_Malloc(UDP_BATCH * sizeof *self->datagrams);
    if (self->datagrams == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static void udp_dealloc(UdpObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyMem_Free(self->datagrams);
    Py_XDECREF(self->source_name);
    Py_XDECREF(self->target_name);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyObject *name_of(const struct sockaddr_storage *address)
{
    char text[INET6_ADDRSTRLEN];
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    bool is_four = address->ss_family == AF_INET;
    const void *host = is_four ? (const void *)&four->sin_addr : (const void *)&six->sin6_addr;
    if (inet_ntop(address->ss_family, host, text, sizeof text) == NULL)
        return PyErr_SetFromErrno(PyExc_OSError);
    return Py_BuildValue("(si)", text, (int)ntohs(is_four ? four->sin_port : six->sin6_port));
}

static PyObject *receive(PyObject *object, PyObject *Py_UNUSED(nothing))
{
    UdpObject *self = (UdpObject *)object;
    int count;
    Py_BEGIN_ALLOW_THREADS;
    count = udp_receive(self->socket, self->datagrams);
    Py_END_ALLOW_THREADS;
    if (count < 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    PyObject *list = PyList_New(0);
    for (int i = 0; list != NULL && i < count; i++) {
        const struct udp_datagram *datagram = &self->datagrams[i];
        if (datagram->length == 0) {
            self->cut++;
            continue;
        }
        if (self->source_name == NULL || datagram->source_length != self->source_length ||
            memcmp(&datagram->source, &self->source, datagram->source_length) != 0) {
            Py_CLEAR(self->source_name);
            self->source_name = name_of(&datagram->source);
            if (self->source_name == NULL) {
                Py_DECREF(list);
                return NULL;
            }
            memcpy(&self->source, &datagram->source, datagram->source_length);
            self->source_length = datagram->source_length;
        }
        PyObject *data = PyBytes_FromStringAndSize((const char *)datagram->data, (Py_ssize_t)datagram->length);
        PyObject *entry = data == NULL ? NULL : PyTuple_Pack(2, data, self->source_name);
        Py_XDECREF(data);
        if (entry == NULL || PyList_Append(list, entry) < 0)
            Py_CLEAR(list);
        Py_XDECREF(entry);
    }
    return list;
}

/* Raises ValueError for what is no address of the socket's family. */
static bool set_target(UdpObject *self, PyObject *name)
{
    const char *host;
    int port;
    if (self->target_name == name)
        return true;
    if (!PyTuple_Check(name) || !PyArg_ParseTuple(name, "si", &host, &port))
        return PyErr_Occurred() ? false : (PyErr_SetString(PyExc_TypeError, "an address is (host, port)"), false);
    struct sockaddr_storage target = {.ss_family = (sa_family_t)self->family};
    struct sockaddr_in *four = (struct sockaddr_in *)&target;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&target;
    bool is_four = self->family == AF_INET;
    if (port < 1 || port > 65535 || inet_pton(self->family, host, is_four ? (void *)&four->sin_addr : (void *)&six->sin6_addr) != 1) {
        PyErr_Format(PyExc_ValueError, "no address of this socket's family: %s port %d", host, port);
        return false;
    }
    if (is_four)
        four->sin_port = htons((uint16_t)port);
    else
        six->sin6_port = htons((uint16_t)port);
    self->target = target;
    self->target_length = is_four ? sizeof *four : sizeof *six;
    Py_XDECREF(self->target_name);
    self->target_name = Py_NewRef(name);
    return true;
}

static PyObject *send_batch(PyObject *object, PyObject *arguments)
{
    UdpObject *self = (UdpObject *)object;
    PyObject *packets, *name;
    if (!PyArg_ParseTuple(arguments, "OO", &packets, &name) || !set_target(self, name))
        return NULL;
    PyObject *batch = PySequence_Tuple(packets);
    if (batch == NULL)
        return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(batch);
    struct udp_out *out = count > MAX_BATCH ? NULL : PyMem_Calloc((size_t)count + 1, sizeof *out);
    if (out == NULL) {
        Py_DECREF(batch);
        PyErr_SetString(PyExc_ValueError, "too many packets at once");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        char *data;
        Py_ssize_t length;
        if (PyBytes_AsStringAndSize(PyTuple_GET_ITEM(batch, i), &data, &length) < 0) {
            PyMem_Free(out);
            Py_DECREF(batch);
            return NULL;
        }
        out[i] = (struct udp_out){(const uint8_t *)data, (size_t)length};
    }
    size_t sent;
    int reason = 0;
    struct sockaddr_storage target = self->target;
    Py_BEGIN_ALLOW_THREADS;
    errno = 0;
    sent = udp_send(self->socket, out, (size_t)count, (struct sockaddr *)&target, self->target_length,
                    &self->segmenting);
    reason = errno;
    Py_END_ALLOW_THREADS;
    PyMem_Free(out);
    Py_DECREF(batch);
    if (sent < (size_t)count && reason != EAGAIN && reason != EWOULDBLOCK) {
        errno = reason;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return PyLong_FromSize_t(sent);
}

static PyMethodDef methods[] = {
    {"receive", receive, METH_NOARGS, NULL},
    {"send", send_batch, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"cut", T_ULONGLONG, offsetof(UdpObject, cut), READONLY, NULL},
    {"segmenting", T_BOOL, offsetof(UdpObject, segmenting), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_init, udp_init}, {Py_tp_dealloc, udp_dealloc}, {Py_tp_methods, methods}, {Py_tp_members, members},
    {Py_tp_new, PyType_GenericNew}, {0, NULL},
};

static PyType_Spec spec = {
    .name = "mcu.media.packets._native.UdpSocket",
    .basicsize = sizeof(UdpObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = slots,
};

int add_udp_type(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&spec);
    int result = type == NULL ? -1 : PyModule_AddObjectRef(module, "UdpSocket", type);
    Py_XDECREF(type);
    return result;
}
