/* What of ``MediaPort`` is about connectivity checks (stun.h); see the stub file. */
#ifndef CONSILIUM_STUN_TYPE_H
#define CONSILIUM_STUN_TYPE_H

#include <Python.h>

PyObject *checks_answer(PyObject *self, PyObject *arguments);
PyObject *checks_last(PyObject *self, PyObject *id);

#endif
