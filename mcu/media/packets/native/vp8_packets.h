/* VP8 in RTP (RFC 7741): frames to payloads and back. Without Python. */
#ifndef CONSILIUM_VP8_PACKETS_H
#define CONSILIUM_VP8_PACKETS_H

#include "picture_buffer.h"

/* Octets of the payload descriptor that we write: with a picture id of 15 bits. */
#define VP8_DESCRIPTOR 4

/* How many payloads of at most ``mtu`` octets (64 and more) a frame makes, all but the last of ``*each`` octets of it. */
size_t vp8_payloads(size_t size, size_t mtu, size_t *each);

/* The descriptor of a frame's first payload, or of a later one. */
void vp8_write_descriptor(bool first, uint16_t picture_id, uint8_t *out);

/* Length of a payload's descriptor (RFC 7741 section 4.2). */
enum payload_fault vp8_read_descriptor(const uint8_t *payload, size_t size, size_t *length);

/* A frame that is being put together. */
struct vp8_picture { struct picture_buffer buffer; bool clean_start, damaged; };

void vp8_reset(struct vp8_picture *picture);
void vp8_end(struct vp8_picture *picture);
enum payload_fault vp8_push(struct vp8_picture *picture, const uint8_t *payload, size_t size);
bool vp8_is_empty(const struct vp8_picture *picture);

#endif
