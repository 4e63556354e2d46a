/* What of ``MediaPort`` is about counted packets (twcc.h); see the stub file. */
#ifndef CONSILIUM_TWCC_TYPE_H
#define CONSILIUM_TWCC_TYPE_H

#include <Python.h>

PyObject *port_count_packets(PyObject *self, PyObject *arguments);
PyObject *port_next_number(PyObject *self, PyObject *id);
PyObject *port_send_rtp(PyObject *self, PyObject *arguments);
PyObject *port_take_feedback(PyObject *self, PyObject *arguments);
PyObject *port_feedback(PyObject *self, PyObject *arguments);

#endif
