/* What the Python faces of the packet layer share: types made and objects freed, lists filled. */
#ifndef CONSILIUM_OBJECTS_H
#define CONSILIUM_OBJECTS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Make a type and put it into the module under the last part of its name; a reference, for as long as the module is there.
 * NULL with an exception set. */
PyTypeObject *add_type(PyObject *module, PyType_Spec *spec);

/* The end of an object, once what it held is freed; for what holds nothing, its whole tp_dealloc. */
void object_free(PyObject *self);

/* RuntimeError for an object that another thread is at work with; whether it is. */
bool is_in_use(bool busy);

PyObject *bytes_of(const uint8_t *data, size_t length);

/* Append an item, which is taken, to a list; without one, or without memory, the list is given up. Whether it is there. */
bool append(PyObject **list, PyObject *item);

/* A list of numbers; NULL with MemoryError set. */
PyObject *list_of_numbers(const uint16_t *numbers, size_t count);

#endif
