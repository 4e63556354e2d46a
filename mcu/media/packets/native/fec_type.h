#ifndef CONSILIUM_FEC_TYPE_H
#define CONSILIUM_FEC_TYPE_H

#include <Python.h>

int add_fec_types(PyObject *module);

#endif
