#ifndef CONSILIUM_FEC_TYPE_H
#define CONSILIUM_FEC_TYPE_H

#include <Python.h>

#include <stdbool.h>

#include "fec.h"

/* A sequence with the numbers of header extensions that change on the way. False with an exception set. */
bool fec_read_extensions(PyObject *numbers, struct fec_extensions *extensions);

int add_fec_types(PyObject *module);

#endif
