#include "history.h"

#include <math.h>

#include "rtp.h"

void *history_store(struct history *history, uint16_t sequence, const uint8_t *packet, size_t length, void *owner)
{
    struct sent *place = &history->sent[sequence % HISTORY_PACKETS];
    void *before = place->owner;
    *place = (struct sent){packet, length, owner, -INFINITY};
    return before;
}

void *history_resend(struct history *history, uint16_t sequence, double now)
{
    struct sent *place = &history->sent[sequence % HISTORY_PACKETS];
    if (place->length < 4 || get16(place->packet + 2) != sequence || now - place->resent < HISTORY_RESEND_INTERVAL)
        return NULL;
    place->resent = now;
    return place->owner;
}
