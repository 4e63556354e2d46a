/* ``PacketJoiner``: from packets in sequence to pictures, and how ``ReorderBuffer`` feeds it. */
#ifndef CONSILIUM_JOINER_TYPE_H
#define CONSILIUM_JOINER_TYPE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

#include "reorder.h"

/* Whether packets can be pushed without a call of Python: a joiner whose ``push`` is the compiled one. */
bool is_joiner(PyObject *object);

/* Push a packet; -1 with an exception set. */
int joiner_push(PyObject *joiner, const struct reorder_packet *packet, double now);

/* That inside a ``ReorderBuffer`` that has begun; NULL for any other object. */
struct reorder *reorder_of(PyObject *object);

int add_joiner_type(PyObject *module);
int add_reorder_type(PyObject *module);
int add_source_type(PyObject *module);

#endif
