/* Forwarding of streams, without I/O: what comes in once goes out to many, each with numbers of its own.
 *
 * A source is an incoming stream (one SSRC of one peer). An outlet is an outgoing stream of one receiver; it is fed by
 * one source at a time and goes over to another at that one's next key frame, its numbers running on without a gap. The
 * last packets of a source are kept, so that a receiver that lost one gets it again.
 */
#ifndef CONSILIUM_FORWARD_H
#define CONSILIUM_FORWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtp.h"

/* Packets kept of a source: a second and a half at 3 Mbit/s. A power of two, since places go by sequence number. */
#define FORWARD_KEPT 512
/* Longest packet forwarded; what a browser sends is below 1300 octets. */
#define FORWARD_LONGEST 1500
/* What an outlet may add to a packet in place of its own header: an extension, or the original sequence number. */
#define FORWARD_OVERHEAD 8
/* Packets of a source that may be missing at once; beyond that only a key frame helps. */
#define FORWARD_MISSING 128
/* Earlier frames of sound that go out in one packet with the newest. */
#define OUTLET_EARLIER 3
/* Octets kept of the beginning of a key frame: a browser's sequence parameter set has about 30. */
#define FORWARD_HEAD 64

/* Length is 0 where the packet was seen, but nobody got it who could ask for it again. */
struct kept { uint16_t sequence, length, room; bool there; uint8_t *data; };

struct missing { uint16_t sequence; uint8_t asked; double last_asked; };

struct outlet;
struct outlet_repair;

struct source {
    enum rtp_codec codec;
    uint32_t ssrc, clock_rate;
    bool begun;
    uint16_t highest;
    uint32_t cycles, beginnings; /* how often its numbers have begun anew */
    uint32_t last_timestamp;
    double last_arrival;
    uint64_t packets, octets, lost, recovered, key_frames;
    struct kept *kept;                       /* FORWARD_KEPT of them, made with the first packet */
    struct missing missing[FORWARD_MISSING]; /* in order of sequence */
    size_t missing_count;
    bool deliver;                            /* its packets are wanted above as well */
    uint32_t rtx_ssrc;                       /* where the sender repeats packets (RFC 4588); 0 for nowhere */
    uint8_t payload_type;                    /* of its packets, once one has come */
    bool torn;                               /* the newest packet is not the last of its picture */
    bool spread;                             /* the rest of that picture has been waited for in vain */
    bool is_sound;                           /* what follows is known: */
    uint8_t sound_type, redundant_type;      /* payload types of sound alone, and with earlier frames (RFC 2198; or 0) */
    uint8_t head[FORWARD_HEAD];              /* what the last key frame began with, see rtp_picture_head */
    size_t head_size;
    struct outlet **outlets;                 /* fed by this source, or waiting for its key frame */
    size_t outlet_count, outlet_room;
};

/* Where an outgoing sequence number came from: which number of the source that fed the outlet at that turn; and what it
 * said of when it left (the word of the header extension, 0 for nothing). */
struct origin { uint16_t outgoing, incoming; uint32_t turn, stamp; };

/* The payload types under which an outlet sends a codec. 0 for rtx or redundant: there is none. */
struct carriage { uint8_t payload_type, rtx, redundant; };

struct outlet {
    struct source *source, *wanted; /* what feeds it; and what is to, from its next key frame on */
    uint32_t ssrc, rtx_ssrc;
    struct carriage carried[RTP_CODECS], carriage; /* by codec; and of the present source's */
    bool begun;
    uint32_t turn, beginnings; /* changes of source; of the present one, which beginning its numbers are of */
    uint16_t sequence_offset, highest, rtx_sequence;
    uint16_t first; /* number of the present source's first packet: those below are another's */
    uint32_t timestamp_offset, last_timestamp;
    uint16_t picture_id_offset, last_picture_id;
    uint8_t tl0_offset, last_tl0;
    uint8_t earlier[OUTLET_EARLIER]; /* how many packets back are frames of sound that go along, the oldest first; or 0 */
    uint8_t send_time_id; /* of the header extension that says when a packet left; 0 for none */
    double last_sent;
    void *owner; /* whose outlet it is */
    struct outlet_repair *repair; /* NULL where none is agreed */
    uint64_t packets, octets, resent;
    struct origin origins[FORWARD_KEPT];
};

void source_begin(struct source *source, enum rtp_codec codec, uint32_t ssrc, uint32_t clock_rate);
void source_end(struct source *source);

/* These payload types are of sound; all others of this source are not forwarded from now on. */
void source_is_sound(struct source *source, uint8_t sound_type, uint8_t redundant_type);

/* Take an RTP packet of this source, decrypted. False when it is none, or was there before. */
bool source_receive(struct source *source, const uint8_t *packet, size_t length, double now);

/* Make a packet of the source's out of an RTX packet (RFC 4588), in place. The length afterwards, or 0. */
size_t source_unwrap(const struct source *source, uint8_t *packet, size_t length);

/* Which sequence numbers to ask the sender for now, at most ``room``; ``wait`` is the time between two requests. */
size_t source_requests(struct source *source, double now, double wait, uint16_t *sequences, size_t room);

void outlet_begin(struct outlet *outlet, uint32_t ssrc, uint8_t payload_type, uint32_t rtx_ssrc,
                  uint8_t rtx_payload_type, uint16_t first_sequence);
void outlet_end(struct outlet *outlet);

/* Packets of this codec go out so, from the next change of source on. */
void outlet_carry(struct outlet *outlet, enum rtp_codec codec, struct carriage carriage);

/* Whether nothing comes, or nothing new, before a key frame. */
bool outlet_waits(const struct outlet *outlet);

/* Feed the outlet from ``source`` from its next key frame on; NULL: from nothing, at once. False without memory. */
bool outlet_route(struct outlet *outlet, struct source *source);

/* Write the packet as this outlet sends it; ``out`` has room for it and FORWARD_OVERHEAD, and of a source of sound for
 * FORWARD_LONGEST instead of it. 0 when it is not for it. */
size_t outlet_write(struct outlet *outlet, struct source *source, const uint8_t *packet, size_t length, double now,
                    uint8_t *out);

/* The packet that went out under this number once more, as RTX where that was agreed (RFC 4588). 0 when it is gone. */
size_t outlet_rewrite(struct outlet *outlet, uint16_t sequence, uint8_t *out);

#endif
