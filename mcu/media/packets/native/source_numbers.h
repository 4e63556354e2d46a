/* Sequence numbers and jitter of a received source, packet by packet (RFC 3550 appendices A.1 and A.8). Pure. */
#ifndef CONSILIUM_SOURCE_NUMBERS_H
#define CONSILIUM_SOURCE_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

/* A larger jump ahead than this is taken for a restarted sender, not for loss (RFC 3550 appendix A.1). */
#define SOURCE_MAX_DROPOUT 3000
/* So far back a packet may come and still be late rather than of a restarted sender: a second of retransmissions. */
#define SOURCE_MAX_MISORDER 1000

struct source_numbers {
    long long highest, base, received;    /* extended numbers; packets since ``base`` */
    long long expected_before, received_before; /* as of the last report */
    int bad;                              /* number that would prove a restart; -1 for none */
    unsigned int clock_rate;
    unsigned int jitter_timestamp;
    double jitter, jitter_arrival, last_arrival;
    bool restarted;
};

/* Whether the number is in order enough to be taken without proof. */
bool source_fits(const struct source_numbers *source, uint16_t sequence);

/* Count a packet; false for one that is out of all order. Two such in a row are a sender that started anew: the second
 * one is taken and ``restarted`` set. */
bool source_count(struct source_numbers *source, uint16_t sequence, uint32_t timestamp, double now,
                  long long *extended);

#endif
