/* Opus for all listeners of a tick at once. */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

PyObject *opus_encode_all(PyObject *module, PyObject *arguments);
