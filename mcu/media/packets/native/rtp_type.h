/* The Python face of single RTP packets, and what the faces of their payloads share. */
#ifndef CONSILIUM_RTP_TYPE_H
#define CONSILIUM_RTP_TYPE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "picture_buffer.h"
#include "rtp_packet.h"

/* ``RtpError`` and ``PayloadError`` of the module. */
extern PyObject *rtp_error, *payload_error;

/* Raise what a fault is called; ``payload`` is what had it. Returns NULL. */
PyObject *raise_rtp_fault(enum rtp_fault fault, const uint8_t *packet, size_t length, const struct rtp_view *view);
PyObject *raise_payload_fault(enum payload_fault fault, const uint8_t *payload, const char *format);

/* What finished packets need from Python: payload type, sequence, timestamp, SSRC, extension block, in this order; the
 * first packet's number goes to ``*sequence``. False with TypeError or RtpError set. */
bool head_of(PyObject *const *arguments, struct rtp_head *head, uint16_t *sequence);

/* Set what a packetizer's payloads have at most, 64 to H264_MAX_SINGLE octets; -1 with ValueError set. */
int set_mtu(Py_ssize_t wanted, unsigned int *mtu);

/* An integer within a range; -1 with RtpError set. */
long long number_within(PyObject *value, long long most, const char *name);

int add_rtp_functions(PyObject *module);

#endif
