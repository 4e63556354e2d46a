/* What of ``MediaPort`` is about sources and outlets (forward.h); see the stub file. */
#ifndef CONSILIUM_FORWARD_TYPE_H
#define CONSILIUM_FORWARD_TYPE_H

#include <Python.h>

#include "port.h"

/* The outlet of this number; NULL with an exception set. */
struct outlet *outlet_found(PyObject *object, unsigned long id, unsigned long ssrc);

/* The outlet that arguments begin with, by the numbers of peer and stream, "kk"; and read them as PyArg_ParseTuple. */
struct outlet *outlet_named(PyObject *self, PyObject *arguments, const char *format, ...);

PyObject *forwarding_open_source(PyObject *self, PyObject *arguments, PyObject *keywords);
PyObject *forwarding_close_source(PyObject *self, PyObject *arguments);
PyObject *forwarding_deliver(PyObject *self, PyObject *arguments);
PyObject *forwarding_repeat(PyObject *self, PyObject *arguments);
PyObject *forwarding_is_sound(PyObject *self, PyObject *arguments);
PyObject *forwarding_picture_head(PyObject *self, PyObject *arguments);
PyObject *forwarding_requests(PyObject *self, PyObject *arguments);
PyObject *forwarding_source_statistics(PyObject *self, PyObject *arguments);
PyObject *forwarding_open_outlet(PyObject *self, PyObject *arguments, PyObject *keywords);
PyObject *forwarding_carry(PyObject *self, PyObject *arguments);
PyObject *forwarding_stamp(PyObject *self, PyObject *arguments);
PyObject *forwarding_repeat_sound(PyObject *self, PyObject *arguments);
PyObject *forwarding_close_outlet(PyObject *self, PyObject *arguments);
PyObject *forwarding_route(PyObject *self, PyObject *arguments);
PyObject *forwarding_resend(PyObject *self, PyObject *arguments);
PyObject *forwarding_outlet_statistics(PyObject *self, PyObject *arguments);

#endif
