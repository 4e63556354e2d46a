/* Packets sent lately, for answering generic NACKs (RFC 4585 section 6.2.1). Pure. */
#ifndef CONSILIUM_HISTORY_H
#define CONSILIUM_HISTORY_H

#include <stddef.h>
#include <stdint.h>

/* A power of two, so that the ring survives the wrap of sequence numbers: 1.5 s at 350 packets/s. */
#define HISTORY_PACKETS 512
/* The same packet asked for again within so many seconds is on its way already. */
#define HISTORY_RESEND_INTERVAL 0.02
/* Octets of a header kept apart from what follows: RTP's own, extensions, and those of the payload format. */
#define HISTORY_HEAD 48

/* A packet: ``head_length`` octets of its own, and what follows them in something that is shared, as a coded picture is
 * by all its receivers, and which ``owner`` keeps; ``owner`` is not looked at. */
struct sent {
    uint8_t head[HISTORY_HEAD];
    size_t head_length, body_length;
    const uint8_t *body;
    void *owner;
    double resent;
};

struct history { struct sent sent[HISTORY_PACKETS]; };

/* Keep a packet in place of the one HISTORY_PACKETS before it, whose owner is returned; NULL for none. Its head is at
 * most HISTORY_HEAD octets and whole up to the payload, or empty. */
void *history_store(struct history *history, uint16_t sequence, const uint8_t *head, size_t head_length,
                    const uint8_t *body, size_t body_length, void *owner);

/* The packet of this number; NULL when it is gone, or was sent again a moment ago. */
const struct sent *history_resend(struct history *history, uint16_t sequence, double now);

#endif
