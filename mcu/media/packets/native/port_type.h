#ifndef CONSILIUM_PORT_TYPE_H
#define CONSILIUM_PORT_TYPE_H

#include <Python.h>

#include <stdbool.h>

#include "port.h"

typedef struct {
    PyObject_HEAD
    struct port *port;
    int family;
    bool busy;
} PortObject;

/* For what could not be opened: MemoryError by errno, or else ValueError with this text. Returns NULL. */
PyObject *not_opened(const char *text);

/* The peer of this number; NULL with an exception set. */
struct peer *peer_of(PyObject *object, unsigned long id);

int add_port_type(PyObject *module);

#endif
