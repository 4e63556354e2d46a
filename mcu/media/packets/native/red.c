#include "red.h"

#include <string.h>

#include "rtp.h"

/* A block's header: more follow (1 bit), payload type (7), and for all but the newest time before (14), octets (10). */
enum { LONG_HEADER = 4, MORE = 0x80 };

static size_t block_octets(const uint8_t *header) { return (size_t)(header[2] & 0x03) << 8 | header[3]; }

/* Octets of all headers, and of all blocks but the newest; false when they go beyond the end. */
static bool measure(const uint8_t *payload, size_t size, size_t *headers, size_t *earlier)
{
    size_t at = 0;
    *earlier = 0;
    while (at < size && payload[at] & MORE) {
        if (size - at < LONG_HEADER)
            return false;
        *earlier += block_octets(payload + at);
        at += LONG_HEADER;
    }
    *headers = at + 1;
    return at < size && *earlier <= size - *headers;
}

enum red_fault red_read(const uint8_t *payload, size_t size, struct red_block *blocks, size_t *count)
{
    size_t at = 0, more = 0;
    while (at < size && payload[at] & MORE) {
        if (size - at < LONG_HEADER)
            return RED_CUT;
        if (more == RED_BLOCKS - 1)
            return RED_MANY;
        blocks[more++] = (struct red_block){.payload_type = payload[at] & 0x7f, .offset = get16(payload + at + 1) >> 2,
                                            .size = block_octets(payload + at)};
        at += LONG_HEADER;
    }
    if (at == size)
        return RED_CUT;
    blocks[more] = (struct red_block){.payload_type = payload[at++]};
    for (size_t i = 0; i < more; i++) {
        if (blocks[i].size > size - at)
            return RED_SHORT;
        blocks[i].data = payload + at;
        at += blocks[i].size;
    }
    blocks[more].data = payload + at, blocks[more].size = size - at;
    *count = more + 1;
    return RED_SOUND;
}

size_t red_size(const struct red_block *blocks, size_t count)
{
    size_t size = LONG_HEADER * (count - 1) + 1;
    for (size_t i = 0; i < count; i++)
        size += blocks[i].size;
    return size;
}

void red_write(const struct red_block *blocks, size_t count, uint8_t *out)
{
    for (size_t i = 0; i + 1 < count; i++, out += LONG_HEADER)
        put32(out, (uint32_t)(MORE | blocks[i].payload_type) << 24 | (uint32_t)blocks[i].offset << 10 |
                       (uint32_t)blocks[i].size);
    *out++ = blocks[count - 1].payload_type;
    for (size_t i = 0; i < count; i++) {
        if (blocks[i].size > 0)
            memcpy(out, blocks[i].data, blocks[i].size);
        out += blocks[i].size;
    }
}

bool red_is_of(const uint8_t *payload, size_t size, uint8_t type)
{
    size_t headers, earlier;
    if (!measure(payload, size, &headers, &earlier))
        return false;
    for (size_t at = 0; at < headers; at += LONG_HEADER)
        if ((payload[at] & 0x7f) != type)
            return false;
    return true;
}

size_t red_newest(const uint8_t *payload, size_t size)
{
    size_t headers, earlier;
    return measure(payload, size, &headers, &earlier) ? headers + earlier : 0;
}

void red_renumber(uint8_t *payload, size_t size, uint8_t type)
{
    size_t headers, earlier;
    if (!measure(payload, size, &headers, &earlier))
        return;
    for (size_t at = 0; at < headers; at += LONG_HEADER)
        payload[at] = (uint8_t)((payload[at] & MORE) | type);
}
