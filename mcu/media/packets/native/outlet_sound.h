/* Sound as an outlet sends it: alone, or with earlier frames (RED, RFC 2198), as the receiver has agreed, and as what it
 * loses asks for. */
#ifndef CONSILIUM_OUTLET_SOUND_H
#define CONSILIUM_OUTLET_SOUND_H

#include "forward.h"

/* Whether a packet is of what is forwarded of its source: all of pictures, of sound that alone or with earlier frames. */
bool outlet_carries(const struct source *source, const uint8_t *packet, const uint8_t *payload, size_t size);

/* Write the payload of a packet of sound behind a header of so many octets, of which it sets the payload type; its
 * length. ``out`` has room for FORWARD_LONGEST and FORWARD_OVERHEAD. */
size_t outlet_write_sound(const struct outlet *outlet, const struct source *source, const uint8_t *packet,
                          const uint8_t *payload, size_t size, uint8_t *out, size_t header);

#endif
