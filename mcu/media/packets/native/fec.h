/* Forward error correction by exclusive or: repair packets of FlexFEC (draft-ietf-payload-flexible-fec-scheme-03, the one
 * that browsers speak) and ULPFEC (RFC 5109, level 0).
 *
 * A repair packet carries the exclusive or of some packets, which its mask names. Here these are all that are new since
 * the last one, so that a single loss is mended at once, and of those before them half, chosen at random. A receiver
 * solves all repair packets that it has as one system of equations: that mends nearly as many losses as there are repair
 * packets, whether they come alone or in bursts. A receiver that looks for a repair packet with one loss only, as
 * browsers do, mends less, and should be sent a narrower window. */
#ifndef CONSILIUM_FEC_H
#define CONSILIUM_FEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest packet that is protected or mended: what one datagram carries. */
#define FEC_LONGEST 1500
/* Octets that are protected of such a packet: all behind the fixed header. */
#define FEC_BODY (FEC_LONGEST - 12)
/* Packets that a mask spans: 109 bits in FlexFEC, 48 in ULPFEC; of the former we write the two shorter forms. */
#define FEC_SPAN 109
#define FEC_WINDOW 46
/* Header of a repair packet at its longest. */
#define FEC_MAX_HEADER 32
/* Numbers that a receiver looks at: a power of two, and more than a mask spans. */
#define FEC_NUMBERS 128
/* Repair packets that wait for more. */
#define FEC_EQUATIONS 48
/* How far repair packets may be ahead of what they repair: longer outages are mended by a key frame. */
#define FEC_AHEAD 64
/* A jump of this many numbers is a sender that began anew (RFC 3550 appendix A.1). */
#define FEC_JUMP 3000
/* Header extensions that change on the way, and count as zero: send time, and number on the transport. */
#define FEC_MUTABLE 4

enum fec_form { FEC_FLEX, FEC_ULP };

/* A packet, or the exclusive or of several: what is recovered of the header, and all behind it. ``head`` has the two
 * first octets, the timestamp, and the length behind the fixed header. */
struct fec_sum { uint8_t head[8], body[FEC_BODY]; uint16_t length; };

struct fec_extensions { uint8_t ids[FEC_MUTABLE]; size_t count; };

struct fec_sender {
    enum fec_form form;
    struct fec_extensions mutable;
    struct { struct fec_sum sum; uint16_t number; } packets[FEC_WINDOW];
    size_t count, next, fresh; /* packets that no repair packet could be of yet */
    uint32_t ssrc;
    uint64_t chance;
};

void fec_begin_sender(struct fec_sender *sender, enum fec_form form, uint64_t seed);

/* Take a packet that goes out; false for one that is none, or too long to be protected. */
bool fec_protect(struct fec_sender *sender, const uint8_t *packet, size_t length);

/* Write a repair payload for some of the last ``window`` packets to ``out``, which has room for FEC_MAX_HEADER and
 * FEC_BODY octets; its length, 0 when there is nothing to protect. */
size_t fec_repair(struct fec_sender *sender, size_t window, uint8_t *out);

struct fec_bits { uint64_t words[2]; };

struct fec_equation { struct fec_sum sum; struct fec_bits unknown; uint8_t pivot; bool used; };

struct fec_receiver {
    enum fec_form form;
    struct fec_extensions mutable;
    struct fec_sum packets[FEC_NUMBERS];
    struct fec_bits known;
    struct fec_equation equations[FEC_EQUATIONS];
    struct fec_equation incoming;
    uint16_t top; /* newest number that was seen or repaired */
    uint16_t highest; /* newest that was seen */
    uint32_t ssrc;
    bool begun;
    unsigned long long repairs, recovered, useless, malformed;
};

void fec_begin_receiver(struct fec_receiver *receiver, enum fec_form form);

/* Take a packet that came; whether something may have become known by it, so that ``fec_recover`` is to be asked. */
bool fec_received(struct fec_receiver *receiver, const uint8_t *packet, size_t length);

/* Take a repair payload; the same. */
bool fec_solve(struct fec_receiver *receiver, const uint8_t *payload, size_t length);

/* Write a packet that has become known to ``out``, which has room for FEC_LONGEST octets; its length, 0 for no more. */
size_t fec_recover(struct fec_receiver *receiver, uint8_t *out);

/* Read a repair payload; ``sum`` gets what it carries. False for one that is none, or that none of our kind wrote. */
bool fec_read(enum fec_form form, const uint8_t *payload, size_t length, uint16_t *base, uint32_t *ssrc,
              struct fec_bits *mask, struct fec_sum *sum);

/* What is protected of a packet; false for one that is none, or too long. */
bool fec_sum_of(const struct fec_extensions *mutable, const uint8_t *packet, size_t length, struct fec_sum *sum);

/* Add (without carry) ``other`` to ``sum``. */
void fec_add(struct fec_sum *sum, const struct fec_sum *other);

#endif
