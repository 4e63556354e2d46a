/* Sound in packets that carry frames of earlier ones as well (RED, RFC 2198). */
#ifndef CONSILIUM_RED_H
#define CONSILIUM_RED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether all blocks of a payload are there and of this payload type. */
bool red_is_of(const uint8_t *payload, size_t size, uint8_t type);

/* Of a payload for which red_is_of holds: where the newest frame begins. */
size_t red_newest(const uint8_t *payload, size_t size);

/* Of such a payload: write another payload type into all blocks. */
void red_renumber(uint8_t *payload, size_t size, uint8_t type);

#endif
