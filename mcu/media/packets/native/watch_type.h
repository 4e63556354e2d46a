/* What of ``MediaPort`` is asked often, and mostly says no; see the stub file. */
#ifndef CONSILIUM_WATCH_TYPE_H
#define CONSILIUM_WATCH_TYPE_H

#include <Python.h>

PyObject *watch_waits(PyObject *self, PyObject *id);
PyObject *watch_gone_far(PyObject *self, PyObject *arguments);

#endif
