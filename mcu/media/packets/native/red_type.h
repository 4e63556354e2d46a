/* Sound with earlier frames (RED, RFC 2198) for Python. */
#ifndef CONSILIUM_RED_TYPE_H
#define CONSILIUM_RED_TYPE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

int add_red_functions(PyObject *module);

#endif
