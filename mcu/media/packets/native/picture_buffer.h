/* Octets of a picture that is being put together, and why a payload is refused. */
#ifndef CONSILIUM_PICTURE_BUFFER_H
#define CONSILIUM_PICTURE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A 1080p IDR picture at the highest quality anyone sends is below 1 MB; four times that is an attack. */
#define PICTURE_LONGEST (4 << 20)

enum payload_fault {
    PAYLOAD_SOUND,
    PAYLOAD_NO_MEMORY,       /* what there was of the picture is forgotten */
    PAYLOAD_TOO_LARGE,       /* the picture, by now; the same */
    H264_SHORT,              /* of less than two octets */
    H264_NO_FRAGMENT,
    H264_AGGREGATE_CUT,
    H264_UNKNOWN,            /* type of payload */
    VP8_EMPTY,
    VP8_DESCRIPTOR_CUT,
    VP8_NO_DATA,
};

struct picture_buffer { uint8_t *data; size_t length, room; };

/* Append; false without memory. */
bool picture_add(struct picture_buffer *buffer, const uint8_t *data, size_t size);

/* Empty it; memory that only an unusually large picture needed is given back. */
void picture_empty(struct picture_buffer *buffer);
void picture_free(struct picture_buffer *buffer);

#endif
