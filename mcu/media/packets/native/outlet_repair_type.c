#define PY_SSIZE_T_CLEAN
#include "outlet_repair_type.h"

#include "fec_type.h"
#include "forward_type.h"
#include "outlet_repair.h"
#include "port.h"
#include "port_type.h"

PyObject *outlet_repair_protect(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc, repair_ssrc;
    unsigned char payload_type;
    PyObject *numbers;
    struct fec_extensions mutable;
    if (!PyArg_ParseTuple(arguments, "kkkbO", &id, &ssrc, &repair_ssrc, &payload_type, &numbers) ||
        !fec_read_extensions(numbers, &mutable))
        return NULL;
    struct outlet *outlet = outlet_found(self, id, ssrc);
    if (outlet == NULL)
        return NULL;
    if (payload_type > 127)
        return PyErr_Format(PyExc_ValueError, "a payload type is below 128");
    if (outlet->repair != NULL)
        return PyErr_Format(PyExc_ValueError, "outlet %lu is protected", ssrc);
    struct peer *peer = ((PortObject *)self)->port->peers[id];
    if (!peer_protect_outlet(peer, outlet, (uint32_t)repair_ssrc, payload_type, &mutable))
        return PyErr_NoMemory();
    Py_RETURN_NONE;
}

PyObject *outlet_repair_set_share(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc;
    double share;
    struct outlet *outlet = outlet_named(self, arguments, "kkd", &id, &ssrc, &share);
    if (outlet == NULL)
        return NULL;
    if (!(share >= 0 && share <= 1))
        return PyErr_Format(PyExc_ValueError, "a share is from 0 to 1");
    if (outlet->repair != NULL && !outlet_repair_share(outlet->repair, share))
        return PyErr_NoMemory();
    Py_RETURN_NONE;
}

PyObject *outlet_repair_statistics(PyObject *self, PyObject *arguments)
{
    unsigned long id, ssrc;
    const struct outlet *outlet = outlet_named(self, arguments, "kk", &id, &ssrc);
    if (outlet == NULL)
        return NULL;
    const struct outlet_repair *repair = outlet->repair;
    if (repair == NULL)
        return Py_BuildValue("(ii)", 0, 0);
    return Py_BuildValue("(KK)", repair->packets, repair->octets);
}
