#include "red.h"

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
