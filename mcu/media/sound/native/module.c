/* Module ``mcu.media.sound._native``; its stub file says what is here. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "lock.h"
#include "metronome.h"
#include "opus.h"

static PyObject *enrol(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    lock_enrol();
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"encode_all", opus_encode_all, METH_VARARGS, NULL},
    {"enrol", enrol, METH_NOARGS, NULL},
    {"wait_until", metronome_wait_until, METH_VARARGS, NULL},
    {"wake", metronome_wake, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_native",
    .m_doc = "What sound does outside of the interpreter; see the stub file for what is here.",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__native(void)
{
    if (!lock_prepare())
        return PyErr_NoMemory();
    return PyModule_Create(&definition);
}
