/* Repair packets beside what an outlet sends (forward error correction, fec.h), without I/O: FlexFEC, under an SSRC of
 * its own. They are of what goes to this one receiver, with its numbers; how many there are is decided above. */
#ifndef CONSILIUM_OUTLET_REPAIR_H
#define CONSILIUM_OUTLET_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fec.h"

/* What a repair packet may be longer than the longest that it is of. */
#define REPAIR_OVERHEAD FEC_MAX_HEADER
/* Packets of one picture after which repair packets go out: a large one is protected while it is being sent. */
#define REPAIR_CHUNK 8
/* Packets back that one reaches: browsers mend one loss of a repair packet at a time, and more in one are more lost at
 * once. */
#define REPAIR_WINDOW 16

struct outlet_repair {
    uint32_t ssrc, timestamp;
    uint16_t sequence; /* of the next one */
    uint8_t payload_type;
    struct fec_extensions mutable;
    struct fec_sender *fec; /* there while ``share`` is not 0 */
    double share, credit;   /* repair packets for each packet; and such as are not whole yet */
    unsigned taken, due;
    uint64_t packets, octets;
};

/* NULL without memory. */
struct outlet_repair *outlet_repair_begin(uint32_t ssrc, uint8_t payload_type, uint16_t first_sequence,
                                          const struct fec_extensions *mutable);
void outlet_repair_end(struct outlet_repair *repair);

/* So many repair packets for each packet from now on, from 0 to 1. False without memory. */
bool outlet_repair_share(struct outlet_repair *repair, double share);

/* Take a packet that goes out, with all its header extensions. */
void outlet_repair_take(struct outlet_repair *repair, const uint8_t *packet, size_t length);

/* Write a repair packet that is due now; ``out`` has room for REPAIR_OVERHEAD more than the longest packet taken has. 0
 * for no more. */
size_t outlet_repair_write(struct outlet_repair *repair, uint8_t *out);

#endif
