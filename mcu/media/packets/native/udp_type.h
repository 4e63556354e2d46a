#ifndef CONSILIUM_UDP_TYPE_H
#define CONSILIUM_UDP_TYPE_H

#include <Python.h>

#include <stdbool.h>
#include <sys/socket.h>

/* Send a sequence of bytes to one address; how many the kernel took, or NULL with an exception set. */
PyObject *udp_send_batch(int socket, PyObject *packets, const struct sockaddr_storage *address, socklen_t length,
                         bool *segmenting);

int add_udp_type(PyObject *module);

#endif
