#ifndef CONSILIUM_SRTP_TYPE_H
#define CONSILIUM_SRTP_TYPE_H

#include <Python.h>

#include "srtp.h"

typedef enum srtp_result srtp_operation(struct srtp *, uint8_t *, size_t *);

/* Run ``work`` on a copy of each packet, with the interpreter's lock released: a list with None for what could not be
 * done, and what came of each (to be freed by PyMem_Free). NULL with an exception set. */
PyObject *srtp_run(struct srtp *srtp, PyObject *packets, srtp_operation *work, size_t overhead,
                   enum srtp_result **results);

/* See ``Srtp.sources`` and ``Srtp.resume``: NULL, or false, with an exception set. */
PyObject *srtp_sources(const struct srtp *srtp);
bool srtp_resume(struct srtp *srtp, unsigned long ssrc, unsigned long rollovers, PyObject *highest,
                 unsigned long rtcp_index);

int add_srtp_type(PyObject *module);

#endif
