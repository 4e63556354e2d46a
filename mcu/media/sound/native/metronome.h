/* Waiting for the next tick of sound. */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

PyObject *metronome_wait_until(PyObject *module, PyObject *arguments);
PyObject *metronome_wake(PyObject *module, PyObject *argument);
