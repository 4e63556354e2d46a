/* SRTP and SRTCP of one direction (RFC 3711, RFC 7714), without I/O and without Python.
 *
 * A context holds the keys of one direction and a little state for each source (SSRC): its roll-over count and, where
 * packets come in, which of the last ones have been seen. A source is remembered once a packet of it has been
 * authenticated, never before, so that nobody else can push sources out.
 */
#ifndef CONSILIUM_SRTP_H
#define CONSILIUM_SRTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

/* Longest packet taken: what UDP over IPv4 can carry. */
#define SRTP_MAX_PACKET 65507
/* Most that protection adds: a tag of GCM and the index of SRTCP, or 10 octets of HMAC and that index. */
#define SRTP_MAX_OVERHEAD 20
/* Sources remembered by a context: a few that a browser sends, or all that it gets, each with its repetitions. */
#define SRTP_MAX_SOURCES 96
/* Packets by which a sender may be out of order and still be taken; at 8 Mbit/s about a second. */
#define SRTP_WINDOW 1024

enum srtp_suite {
    SRTP_AES_CM_128_HMAC_SHA1_80,
    SRTP_AES_CM_128_HMAC_SHA1_32,
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
};

enum srtp_result {
    SRTP_OK = 0,
    SRTP_MALFORMED = -1, /* no packet of its kind, or too long */
    SRTP_FORGED = -2,    /* does not authenticate */
    SRTP_REPLAYED = -3,  /* seen before, or too old to tell */
    SRTP_EXHAUSTED = -4, /* too many sources, or the key has been used as often as it may */
};

struct srtp_source {
    uint32_t ssrc;
    bool begun;          /* a packet of RTP has set roll-over count and sequence number */
    uint32_t rollovers;
    uint16_t highest;    /* sequence number */
    uint32_t rtcp_index; /* of the last SRTCP packet sent, or the highest received */
    bool rtcp_begun;
    uint64_t told;       /* how far it had come when that was told last, in packets of both kinds */
    uint64_t used;       /* for finding the source not heard for longest */
    uint64_t window[SRTP_WINDOW / 64];      /* ring of bits: the packets with index i is bit i % SRTP_WINDOW */
    uint64_t rtcp_window[SRTP_WINDOW / 64];
};

struct srtp_hmac { SHA_CTX inner, outer; };

struct srtp_keys {
    EVP_CIPHER_CTX *cipher;
    uint8_t salt[14];
    struct srtp_hmac hmac;
};

struct srtp {
    enum srtp_suite suite;
    bool gcm, inbound;
    size_t rtp_tag, rtcp_tag;
    struct srtp_keys rtp, rtcp;
    struct srtp_source sources[SRTP_MAX_SOURCES];
    size_t source_count;
    size_t recent; /* the source used last: packets come in runs of one */
    uint64_t uses;
};

/* Octets of master key and salt together that a suite takes. */
size_t srtp_material_size(enum srtp_suite suite);

/* Make a context of one direction. False when the crypto library fails (out of memory). */
bool srtp_begin(struct srtp *srtp, enum srtp_suite suite, const uint8_t *material, bool inbound);
void srtp_end(struct srtp *srtp);

/* Protect a packet in place: ``length`` octets lie in ``packet``, which has room for SRTP_MAX_OVERHEAD more.
 * The length afterwards is stored. A packet sent before may be protected again and comes out the same. */
enum srtp_result srtp_protect(struct srtp *srtp, uint8_t *packet, size_t *length);
enum srtp_result srtp_protect_rtcp(struct srtp *srtp, uint8_t *packet, size_t *length);

/* Check and decrypt a packet in place. On failure nothing but the packet's own octets may have changed. */
enum srtp_result srtp_unprotect(struct srtp *srtp, uint8_t *packet, size_t *length);
enum srtp_result srtp_unprotect_rtcp(struct srtp *srtp, uint8_t *packet, size_t *length);

/* How far all sources have come has just been told; and whether one has sent so many packets since. */
void srtp_told(struct srtp *srtp);
bool srtp_gone_far(const struct srtp *srtp, uint64_t packets);

/* The state of a source, made if need be; NULL when there are too many. For going on after another process. */
struct srtp_source *srtp_source(struct srtp *srtp, uint32_t ssrc);
const struct srtp_source *srtp_find(const struct srtp *srtp, uint32_t ssrc);

#endif
