/* Packets sent lately, for answering generic NACKs (RFC 4585 section 6.2.1). Pure. */
#ifndef CONSILIUM_HISTORY_H
#define CONSILIUM_HISTORY_H

#include <stddef.h>
#include <stdint.h>

/* A power of two, so that the ring survives the wrap of sequence numbers: 1.5 s at 350 packets/s, at most 0.7 MB. */
#define HISTORY_PACKETS 512
/* The same packet asked for again within so many seconds is on its way already. */
#define HISTORY_RESEND_INTERVAL 0.02

/* ``owner`` is whose the octets are, and not looked at. */
struct history { struct sent { const uint8_t *packet; size_t length; void *owner; double resent; } sent[HISTORY_PACKETS]; };

/* Keep a packet in place of the one HISTORY_PACKETS before it, whose owner is returned; NULL for none. */
void *history_store(struct history *history, uint16_t sequence, const uint8_t *packet, size_t length, void *owner);

/* The owner of the packet of this number; NULL when it is gone, or was sent again a moment ago. */
void *history_resend(struct history *history, uint16_t sequence, double now);

#endif
