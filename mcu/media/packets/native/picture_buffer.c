#include "picture_buffer.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 16384
/* Kept from one picture to the next: more than key frames of 1080p have as a rule. */
#define KEPT_ROOM (512 << 10)

bool picture_add(struct picture_buffer *buffer, const uint8_t *data, size_t size)
{
    if (size > buffer->room - buffer->length) {
        size_t room = buffer->room > 0 ? buffer->room : FIRST_ROOM;
        while (room - buffer->length < size)
            room *= 2;
        uint8_t *grown = realloc(buffer->data, room);
        if (grown == NULL)
            return false;
        buffer->data = grown, buffer->room = room;
    }
    if (size > 0)
        memcpy(buffer->data + buffer->length, data, size);
    buffer->length += size;
    return true;
}

void picture_empty(struct picture_buffer *buffer)
{
    if (buffer->room > KEPT_ROOM)
        picture_free(buffer);
    buffer->length = 0;
}

void picture_free(struct picture_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct picture_buffer){NULL, 0, 0};
}
