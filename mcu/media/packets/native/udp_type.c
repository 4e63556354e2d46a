/* ``UdpSocket``: batches of datagrams for Python on a socket that somebody else owns. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <errno.h>
#include <string.h>

#include "names.h"
#include "objects.h"
#include "udp.h"
#include "udp_type.h"

typedef struct {
    PyObject_HEAD
    int socket, family;
    bool segmenting, busy;
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
    PyMem_Free(self->datagrams);
    Py_XDECREF(self->source_name);
    Py_XDECREF(self->target_name);
    object_free((PyObject *)self);
}

static PyObject *receive(PyObject *object, PyObject *Py_UNUSED(nothing))
{
    UdpObject *self = (UdpObject *)object;
    int count;
    if (is_in_use(self->busy))
        return NULL;
    self->busy = true;
    Py_BEGIN_ALLOW_THREADS;
    count = udp_receive(self->socket, self->datagrams, UDP_BATCH);
    Py_END_ALLOW_THREADS;
    self->busy = false;
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
            self->source_name = name_of_address(&datagram->source);
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
        append(&list, entry);
    }
    return list;
}

static bool set_target(UdpObject *self, PyObject *name)
{
    if (self->target_name == name)
        return true;
    Py_CLEAR(self->target_name);
    if (!address_of_name(name, self->family, &self->target, &self->target_length))
        return false;
    self->target_name = Py_NewRef(name);
    return true;
}

PyObject *udp_send_batch(int socket, PyObject *packets, const struct sockaddr_storage *address, socklen_t length,
                         bool *segmenting)
{
    struct udp_out *out;
    PyObject *batch = batch_of(packets, &out);
    if (batch == NULL)
        return NULL;
    size_t sent, count = (size_t)PyTuple_GET_SIZE(batch);
    struct address target = {*address, length};
    for (size_t i = 0; i < count; i++)
        out[i].to = &target;
    int reason;
    Py_BEGIN_ALLOW_THREADS;
    errno = 0;
    sent = udp_send(socket, out, count, segmenting);
    reason = errno;
    Py_END_ALLOW_THREADS;
    PyMem_Free(out);
    Py_DECREF(batch);
    if (sent < count && reason != EAGAIN && reason != EWOULDBLOCK) {
        errno = reason;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return PyLong_FromSize_t(sent);
}

static PyObject *send_batch(PyObject *object, PyObject *arguments)
{
    UdpObject *self = (UdpObject *)object;
    PyObject *packets, *name;
    if (!PyArg_ParseTuple(arguments, "OO", &packets, &name) || !set_target(self, name))
        return NULL;
    return udp_send_batch(self->socket, packets, &self->target, self->target_length, &self->segmenting);
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
    return add_type(module, &spec) == NULL ? -1 : 0;
}
