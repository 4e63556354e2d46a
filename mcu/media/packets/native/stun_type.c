#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "stun_type.h"

#include <string.h>

#include "port_type.h"

PyObject *checks_answer(PyObject *self, PyObject *arguments)
{
    unsigned long id;
    Py_buffer name, password;
    if (!PyArg_ParseTuple(arguments, "ky*y*", &id, &name, &password))
        return NULL;
    struct peer *peer = peer_of(self, id);
    if (peer != NULL && (name.len > STUN_NAME || password.len > STUN_PASSWORD)) {
        PyErr_SetString(PyExc_ValueError, "a user name has at most 513 octets, a password 256");
    } else if (peer != NULL) {
        peer->checks.name_length = (size_t)name.len, peer->checks.password_length = (size_t)password.len;
        memcpy(peer->checks.name, name.buf, (size_t)name.len);
        memcpy(peer->checks.password, password.buf, (size_t)password.len);
    }
    PyBuffer_Release(&name);
    PyBuffer_Release(&password);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

PyObject *checks_last(PyObject *self, PyObject *id)
{
    unsigned long number = PyLong_AsUnsignedLong(id);
    const struct peer *peer = PyErr_Occurred() ? NULL : peer_of(self, number);
    return peer == NULL ? NULL : PyFloat_FromDouble(peer->checked);
}
