#ifndef CONSILIUM_SRTP_TYPE_H
#define CONSILIUM_SRTP_TYPE_H

#include <Python.h>

int add_srtp_type(PyObject *module);

#endif
