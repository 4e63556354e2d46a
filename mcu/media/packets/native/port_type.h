#ifndef CONSILIUM_PORT_TYPE_H
#define CONSILIUM_PORT_TYPE_H

#include <Python.h>

int add_port_type(PyObject *module);

#endif
