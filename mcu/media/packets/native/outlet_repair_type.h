/* What of ``MediaPort`` is about repair packets of outlets (outlet_repair.h); see the stub file. */
#ifndef CONSILIUM_OUTLET_REPAIR_TYPE_H
#define CONSILIUM_OUTLET_REPAIR_TYPE_H

#include <Python.h>

PyObject *outlet_repair_protect(PyObject *self, PyObject *arguments);
PyObject *outlet_repair_set_share(PyObject *self, PyObject *arguments);
PyObject *outlet_repair_statistics(PyObject *self, PyObject *arguments);

#endif
