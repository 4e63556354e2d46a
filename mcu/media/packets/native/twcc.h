/* Transport-wide congestion control of one peer, without I/O (draft-holmer-rmcat-transport-wide-cc-extensions-01).
 *
 * All that goes to a peer is counted by one number, in a header extension; what was sent when is remembered until the
 * peer has said when it came. The other way round, the arrival of what the peer counts is kept until it has been told.
 */
#ifndef CONSILIUM_TWCC_H
#define CONSILIUM_TWCC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most that the extension adds to a packet: its block's head, and a word with the number. */
#define TWCC_OVERHEAD 8
/* Packets remembered each way, a power of two: two seconds at 10 Mbit/s, while feedback comes ten times a second. */
#define TWCC_KEPT 2048
/* Packets that one feedback may speak of: half the circle of numbers, beyond which old and new cannot be told apart. */
#define TWCC_MOST 32768
/* Feedbacks of one compound that are taken; browsers send each by itself. What they may say costs no more time so. */
#define TWCC_FEEDBACKS 8
/* Longest feedback written, and packets that one speaks of: each takes 2 octets for its arrival and 2 bits beside. */
#define TWCC_LONGEST 1200
#define TWCC_SPOKEN 512
/* Streams to a peer of which the packets are not counted, since it does not know the extension there. */
#define TWCC_UNCOUNTED 32

/* What has become of a packet that was sent; the last one: it came, and had been said to be lost. */
enum twcc_fate { TWCC_UNTOLD, TWCC_LOST, TWCC_CAME, TWCC_FOUND };

struct twcc_sent { double time; uint16_t number, size; uint8_t fate; bool there; };

/* A packet of which the peer has told: sent and come when, in seconds of two clocks. With TWCC_UNTOLD the feedback
 * that spoke of it has been lost. */
struct twcc_result { double sent, arrival; uint16_t size; enum twcc_fate fate; };

struct twcc {
    uint8_t id; /* of the header extension; 0: nothing is counted */
    uint16_t next;
    uint32_t uncounted[TWCC_UNCOUNTED];
    size_t uncounted_count;
    struct twcc_sent *sent;
    bool told; /* the peer has: up to which number, by which of its times */
    uint16_t told_to;
    int64_t reference;
    /* Of what comes: arrivals by number, in quarters of a millisecond, -1 for none. */
    int64_t *heard;
    bool begun;
    int64_t highest, unreported; /* numbers with the rounds before them */
    uint32_t ssrc;               /* of the packet heard last */
    uint8_t feedbacks;
};

/* Count from ``first`` on, in the header extension ``id`` (1 to 14). False without memory. */
bool twcc_begin(struct twcc *twcc, uint8_t id, uint16_t first);
void twcc_end(struct twcc *twcc);

/* Whether the packets of a stream to the peer are counted. */
bool twcc_counts(const struct twcc *twcc, uint32_t ssrc);

/* Write the next number into an RTP packet, which has room for TWCC_OVERHEAD more, and remember it. The length
 * afterwards; unchanged for what cannot carry it. */
size_t twcc_stamp(struct twcc *twcc, uint8_t *packet, size_t length, double now);

/* Take the feedback in an RTCP compound. How many ``results`` there are, at most ``room``; -1 for what is malformed, of
 * which nothing is taken. */
int twcc_take(struct twcc *twcc, const uint8_t *compound, size_t length, struct twcc_result *results, size_t room);

/* Note when an RTP packet of the peer came, decrypted. */
void twcc_hear(struct twcc *twcc, const uint8_t *packet, size_t length, double now);

/* Feedback on what has come since the last, as an RTCP packet of at most TWCC_LONGEST octets; 0 when nothing has. */
size_t twcc_write(struct twcc *twcc, uint32_t sender, uint8_t *out);

#endif
