/* Sound in packets that carry frames of earlier ones as well (RED, RFC 2198). */
#ifndef CONSILIUM_RED_H
#define CONSILIUM_RED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Blocks read of one packet; browsers send two. */
#define RED_BLOCKS 8
/* Most that a block which is not the newest may be before it, in units of the RTP clock, and octets that it may have. */
#define RED_OFFSET 0x3fff
#define RED_LENGTH 0x03ff

/* A frame: by how much its timestamp is before that of the packet, and its octets. */
struct red_block { uint8_t payload_type; uint16_t offset; const uint8_t *data; size_t size; };

enum red_fault { RED_SOUND, RED_CUT /* in its headers */, RED_MANY /* blocks */, RED_SHORT /* of what they say */ };

/* Read a payload into RED_BLOCKS places, oldest first; all lies within it. */
enum red_fault red_read(const uint8_t *payload, size_t size, struct red_block *blocks, size_t *count);

/* How long a payload of these blocks is, of which the last is the newest; and write it. */
size_t red_size(const struct red_block *blocks, size_t count);
void red_write(const struct red_block *blocks, size_t count, uint8_t *out);

/* Whether all blocks of a payload are there and of this payload type. */
bool red_is_of(const uint8_t *payload, size_t size, uint8_t type);

/* Of a payload for which red_is_of holds: where the newest frame begins. */
size_t red_newest(const uint8_t *payload, size_t size);

/* Of such a payload: write another payload type into all blocks. */
void red_renumber(uint8_t *payload, size_t size, uint8_t type);

#endif
