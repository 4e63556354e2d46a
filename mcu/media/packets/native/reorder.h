/* Puts packets back into sequence, has lost ones sent again, and gives up in time (RFC 4585 section 6.2.1). Pure. */
#ifndef CONSILIUM_REORDER_H
#define CONSILIUM_REORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long a gap may hold up what lies behind it, in seconds. Without retransmission only reordering can fill it, and each
 * moment of waiting delays the request for a key frame: begin low, and rise when packets are seen to come later. */
#define REORDER_MIN_WAIT 0.03
#define REORDER_MAX_WAIT 0.1
/* With retransmission there is time for several requests on a path of 100 ms, and on a longer one for so many ROUNDS. */
#define REORDER_NACK_WAIT 0.35
#define REORDER_MAX_NACK_WAIT 1.0
#define REORDER_ROUNDS 4
/* Packets swapped on the way differ by a few ms: asking at once would have them sent twice. */
#define REORDER_NACK_DELAY 0.01
/* Where others overtake packets, these are measured: how late they come, at most, for packets of which it is known that
 * they were not sent again. So much later than others are asked for, and so much longer waited for, and a little more. */
#define REORDER_MAX_SPREAD 1.0
#define REORDER_MORE_SPREAD 1.25
#define REORDER_MAX_DISORDER_WAIT 1.2
/* Up fast, down slowly: what is late by less pulls a 32nd as hard. Packets in sequence pull as well. */
#define REORDER_SPREAD_UP 0.125
#define REORDER_SPREAD_DOWN 0.00390625
#define REORDER_SPREAD_FADE 0.00048828125
/* A packet that comes more often than it was asked for was late and not lost. By how much is not known, for what came
 * first may have been sent again. */
#define REORDER_SPREAD_GUESS 1.125
#define REORDER_SPREAD_STEP 0.001
/* A request is repeated after a round trip and a bit, but never faster than this. */
#define REORDER_NACK_ROUND 1.2
#define REORDER_MIN_NACK_INTERVAL 0.025
#define REORDER_MAX_NACKS 10
/* Where much is lost, requests and repetitions are lost as well: beyond this share of the last so many packets requests
 * are repeated twice as fast. A sender that has a packet on its way already leaves the second one out. */
#define REORDER_HEAVY_LOSS 0.08
#define REORDER_LOSS_WINDOW 256
/* A second of 1080p at 12 Mbit/s. */
#define REORDER_MAX_AHEAD 1024
/* More than this missing at once is an outage: a key frame is cheaper than retransmission. */
#define REORDER_MAX_MISSING 256
/* Places by number; a power of two above REORDER_MAX_AHEAD. */
#define REORDER_PLACES 2048

struct reorder_packet {
    int64_t timestamp;
    const uint8_t *payload;
    size_t size;
    int payload_type;
    bool marker;
    bool repeated; /* for certain sent again, or told by repair packets */
};

/* Takes packets in sequence and is told of gaps. Both return 0, or what the caller is to return at once. */
struct reorder_sink {
    int (*push)(void *context, const struct reorder_packet *packet, double now);
    int (*gap)(void *context, double now);
    void *context;
};

enum reorder_state { REORDER_FREE, REORDER_HELD, REORDER_LACKING };

struct reorder_place {
    enum reorder_state state;
    int requests, came; /* how often it was asked for, and how often it came since it was missed */
    bool overtaken; /* the packet of this number, which has not come since */
    int64_t number;
    double since, next_request;
    struct reorder_packet packet; /* its payload is a copy of ours */
};

struct reorder {
    struct reorder_sink sink;
    bool nack;
    bool apart; /* what is sent again is known as such */
    bool repaired; /* since it was cleared something has been waited for that was sent again, perhaps, or given up */
    double wait, loss, round_trip, next_request;
    double spread; /* by how much later those come that others overtake */
    double request_wait, mend_wait; /* while repair packets may mend a gap: before it is asked for, and that it waits */
    int64_t expected, highest, given_up, given_up_end; /* the last gap's numbers */
    size_t held, missing;
    bool untold; /* the sink failed: a packet or the word of a gap has not come through to it, and it hears of a gap next */
    unsigned long long late;
    struct reorder_place *places; /* from the first packet out of sequence on */
};

#define REORDER_NO_MEMORY (-2)

/* ``first`` is the extended sequence number to begin with. */
void reorder_begin(struct reorder *reorder, struct reorder_sink sink, bool nack, int64_t first);
void reorder_end(struct reorder *reorder);

/* Take a packet as it came in; numbers within plus and minus 2**61. 0, REORDER_NO_MEMORY, or what the sink returned. */
int reorder_receive(struct reorder *reorder, int64_t extended, const struct reorder_packet *packet, double now);

/* Whether this packet is missing, and has not been given up. */
bool reorder_awaits(const struct reorder *reorder, int64_t extended);

/* Whether this packet is newer than all that have come, and not by more than an outage. */
bool reorder_is_ahead(const struct reorder *reorder, int64_t extended);

/* When reorder_handle_timer or reorder_requests has something to do; false for never. */
bool reorder_deadline(const struct reorder *reorder, double *deadline);

/* Give up what has waited too long. As reorder_receive. */
int reorder_handle_timer(struct reorder *reorder, double now);

/* The sequence numbers to ask for now, in order; room for REORDER_MAX_MISSING of them. */
size_t reorder_requests(struct reorder *reorder, double now, uint16_t *sequences);

#endif
