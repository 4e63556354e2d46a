/* What the Python faces of the packet layer share: addresses and SRTP suites by name, batches of bytes. */
#ifndef CONSILIUM_NAMES_H
#define CONSILIUM_NAMES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <sys/socket.h>

#include "srtp.h"
#include "udp.h"

/* More packets than any run has; it bounds what one call may ask for. */
#define MAX_BATCH 65536

/* (host, port) of an address; one of IPv4 that is mapped into IPv6 is named as what it is. NULL with an exception set. */
PyObject *name_of_address(const struct sockaddr_storage *address);

/* The address of (host, port), of this family; AF_INET6 takes those of IPv4 too. False with TypeError or ValueError set. */
bool address_of_name(PyObject *name, int family, struct sockaddr_storage *address, socklen_t *length);

/* The suite of this name, if ``size`` octets of key and salt fit it. False with ValueError set. */
bool suite_of_name(const char *name, size_t size, enum srtp_suite *suite);

/* A sequence of bytes as a tuple that keeps them (a new reference), and where each lies (to be freed by PyMem_Free).
 * NULL with an exception set. */
PyObject *batch_of(PyObject *packets, struct udp_out **out);

#endif
