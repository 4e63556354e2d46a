/* The Python faces of payload formats: H.264 and VP8, cut and joined. */
#ifndef CONSILIUM_PAYLOAD_TYPES_H
#define CONSILIUM_PAYLOAD_TYPES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "h264_packets.h"
#include "vp8_packets.h"

/* The picture inside an ``H264Depacketizer`` or ``Vp8Depacketizer``; NULL for any other object, a subclass among them. */
struct h264_picture *h264_picture_of(PyObject *object);
struct vp8_picture *vp8_picture_of(PyObject *object);

int add_h264_types(PyObject *module);
int add_vp8_types(PyObject *module);

#endif
