#ifndef CONSILIUM_UDP_TYPE_H
#define CONSILIUM_UDP_TYPE_H

#include <Python.h>

int add_udp_type(PyObject *module);

#endif
