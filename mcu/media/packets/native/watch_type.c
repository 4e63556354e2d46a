#include "watch_type.h"

#include "forward.h"
#include "port_type.h"
#include "srtp.h"

PyObject *watch_waits(PyObject *self, PyObject *id)
{
    unsigned long number = PyLong_AsUnsignedLong(id);
    const struct peer *peer = PyErr_Occurred() ? NULL : peer_of(self, number);
    if (peer == NULL)
        return NULL;
    for (size_t i = 0; i < PORT_MAX_OUTLETS; i++)
        if (peer->outlets[i] != NULL && outlet_waits(peer->outlets[i]))
            Py_RETURN_TRUE;
    Py_RETURN_FALSE;
}

PyObject *watch_gone_far(PyObject *self, PyObject *arguments)
{
    unsigned long id, packets;
    if (!PyArg_ParseTuple(arguments, "kk", &id, &packets))
        return NULL;
    const struct peer *peer = peer_of(self, id);
    if (peer == NULL)
        return NULL;
    return PyBool_FromLong(peer->keyed && srtp_gone_far(&peer->outbound, packets));
}
