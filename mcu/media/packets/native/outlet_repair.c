#include "outlet_repair.h"

#include <stdlib.h>

#include "rtp.h"

/* So that repair packets fit where packets do, longer ones are not protected. */
#define LONGEST (FEC_LONGEST - REPAIR_OVERHEAD)

struct outlet_repair *outlet_repair_begin(uint32_t ssrc, uint8_t payload_type, uint16_t first_sequence,
                                          const struct fec_extensions *mutable)
{
    struct outlet_repair *repair = calloc(1, sizeof *repair);
    if (repair != NULL) {
        repair->ssrc = ssrc, repair->payload_type = payload_type, repair->sequence = first_sequence;
        repair->mutable = *mutable;
    }
    return repair;
}

void outlet_repair_end(struct outlet_repair *repair)
{
    if (repair != NULL)
        free(repair->fec);
    free(repair);
}

bool outlet_repair_share(struct outlet_repair *repair, double share)
{
    repair->share = share;
    if (share > 0 && repair->fec == NULL) {
        repair->fec = malloc(sizeof *repair->fec);
        if (repair->fec == NULL) {
            repair->share = 0;
            return false;
        }
        /* Which packets are chosen need not be kept from anybody, but not be the same for all. */
        fec_begin_sender(repair->fec, FEC_FLEX, repair->ssrc);
        repair->fec->mutable = repair->mutable;
    } else if (share <= 0) {
        free(repair->fec);
        repair->fec = NULL;
        repair->credit = 0, repair->taken = repair->due = 0;
    }
    return true;
}

void outlet_repair_take(struct outlet_repair *repair, const uint8_t *packet, size_t length)
{
    if (repair->fec == NULL || length > LONGEST || !fec_protect(repair->fec, packet, length))
        return;
    repair->taken++;
    repair->timestamp = get32(packet + 4);
    if (!(packet[1] & 0x80) && repair->taken < REPAIR_CHUNK)
        return;
    repair->credit += repair->share * repair->taken;
    repair->taken = 0;
    repair->due = (unsigned)repair->credit;
    repair->credit -= repair->due;
}

size_t outlet_repair_write(struct outlet_repair *repair, uint8_t *out)
{
    if (repair->due == 0 || repair->fec == NULL)
        return 0;
    repair->due--;
    size_t size = fec_repair(repair->fec, REPAIR_WINDOW, out + 12);
    if (size == 0)
        return 0;
    out[0] = 0x80;
    out[1] = repair->payload_type;
    put16(out + 2, repair->sequence++);
    put32(out + 4, repair->timestamp);
    put32(out + 8, repair->ssrc);
    repair->packets++;
    repair->octets += size;
    return 12 + size;
}
