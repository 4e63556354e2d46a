#include "history.h"

#include <math.h>
#include <string.h>

#include "rtp.h"

void *history_store(struct history *history, uint16_t sequence, const uint8_t *head, size_t head_length,
                    const uint8_t *body, size_t body_length, void *owner)
{
    struct sent *place = &history->sent[sequence % HISTORY_PACKETS];
    void *before = place->owner;
    if (head_length > 0)
        memcpy(place->head, head, head_length);
    place->head_length = head_length, place->body_length = body_length;
    place->body = body, place->owner = owner;
    place->resent = -INFINITY;
    return before;
}

const struct sent *history_resend(struct history *history, uint16_t sequence, double now)
{
    struct sent *place = &history->sent[sequence % HISTORY_PACKETS];
    const uint8_t *packet = place->head_length > 0 ? place->head : place->body;
    size_t readable = place->head_length > 0 ? place->head_length : place->body_length;
    if (readable < 4 || get16(packet + 2) != sequence || now - place->resent < HISTORY_RESEND_INTERVAL)
        return NULL;
    place->resent = now;
    return place;
}
