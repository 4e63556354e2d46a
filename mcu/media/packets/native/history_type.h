/* ``RetransmissionCache``, and how packetizers fill it. */
#ifndef CONSILIUM_HISTORY_TYPE_H
#define CONSILIUM_HISTORY_TYPE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

/* The cache that this is, or NULL for None; false with TypeError set for anything else. */
bool cache_of(PyObject *object, PyObject **cache);

/* Keep a packet of which all but the first ``head_length`` octets are at ``body`` in ``owner``, which is bytes; without a
 * cache, nothing. Where the head is too long, or there is no body, the packet itself is kept. */
void cache_keep(PyObject *cache, uint16_t sequence, PyObject *packet, size_t head_length, const uint8_t *body,
                PyObject *owner);

int add_history_type(PyObject *module);

#endif
