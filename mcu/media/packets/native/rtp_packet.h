/* Whole RTP packets (RFC 3550 section 5.1) and their header extensions (RFC 8285): read, and written. Without Python. */
#ifndef CONSILIUM_RTP_PACKET_H
#define CONSILIUM_RTP_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rtp.h"

#define RTP_HEADER 12
#define RTP_MAX_SOURCES 15
/* Elements of the one-byte form: identifiers 1 to 14, values of 1 to 16 octets (RFC 8285 section 4.2). */
#define RTP_MAX_IDENTIFIER 14
#define RTP_MAX_VALUE 16

enum rtp_fault {
    RTP_SOUND,
    RTP_SHORT,         /* than a header */
    RTP_VERSION,
    RTP_EXTENSION_CUT,
    RTP_HEADER_LONG,   /* longer than the packet */
    RTP_NO_PADDING,    /* though the flag is set */
    RTP_PADDING,       /* of a length that does not fit */
};

struct rtp_view {
    bool marker;
    uint8_t payload_type, sources;
    uint16_t sequence;
    uint32_t timestamp, ssrc;
    size_t start, end; /* of the payload; padding is behind it */
    /* The header extension's elements, and their profile; no octets where there is none. */
    size_t extension, extension_size;
    uint16_t profile;
};

/* Read a packet. All that ``view`` says lies within ``length``. */
enum rtp_fault rtp_read(const uint8_t *packet, size_t length, struct rtp_view *view);

struct rtp_element { uint8_t identifier; const uint8_t *value; size_t length; };

/* The next element of either form of RFC 8285 from ``*at`` on, 0 to begin with; false after the last. A broken tail is
 * left out, and of another profile there are none. */
bool rtp_next_element(const uint8_t *body, size_t size, uint16_t profile, size_t *at, struct rtp_element *element);

/* What the packets of one picture or sound frame have in common; ``extension`` is a whole extension block, or empty. */
struct rtp_head {
    uint8_t payload_type;
    uint32_t timestamp, ssrc;
    const uint8_t *extension;
    size_t extension_size;
};

/* Write it before a payload; returns the octets written, RTP_HEADER and the extension's. */
size_t rtp_write_head(const struct rtp_head *head, uint16_t sequence, bool marker, uint8_t *out);

/* A repetition of a packet without CSRCs and padding (RFC 4588 section 4), two octets longer than it; ``start`` is where
 * its payload begins. */
void rtp_repeat(const uint8_t *packet, size_t length, size_t start, uint8_t payload_type, uint16_t sequence,
                uint32_t ssrc, uint8_t *out);

#endif
