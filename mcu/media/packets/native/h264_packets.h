/* H.264 in RTP (RFC 6184): byte streams (ITU-T H.264 Annex B) to payloads and back. Without Python. */
#ifndef CONSILIUM_H264_PACKETS_H
#define CONSILIUM_H264_PACKETS_H

#include "picture_buffer.h"

/* 1080p in slices of 1200 octets at 3 Mbit/s has some dozens of units; MBAFF intra at one slice per row has 68. */
#define H264_MAX_UNITS 2048
/* H.264 allows 32 and 256; a conferencing peer uses one or two of each. */
#define H264_MAX_SETS 16
#define H264_MAX_SET_SIZE 1024
/* What a UDP datagram can carry when a mode 0 peer must be sent a unit larger than the path's packets. */
#define H264_MAX_SINGLE 60000

/* Cutting */

struct h264_unit { size_t at, length; };

/* The next NAL unit from ``*at`` on, 0 to begin with, without start code and trailing zeros; empty ones are left out. */
bool h264_next_unit(const uint8_t *data, size_t size, size_t *at, struct h264_unit *unit);

/* One payload: units ``first`` to ``first + count`` behind a header as STAP-A (section 5.7.1) where ``count`` is not 0,
 * else octets ``at`` to ``at + length`` of the byte stream behind ``head_length`` octets of header. */
struct h264_cut { size_t first, count, at, length, size; uint8_t head[2], head_length; };

/* Where to cut an access unit: places in it, so that it goes to any number of receivers. */
struct h264_plan {
    struct h264_unit *units;
    struct h264_cut *cuts;
    size_t unit_count, unit_room, cut_count, cut_room;
};

/* Plan payloads of at most ``mtu`` octets (64 to H264_MAX_SINGLE), for packetization mode 0 or 1. False without memory. */
bool h264_plan(struct h264_plan *plan, const uint8_t *data, size_t size, int mode, size_t mtu);
void h264_plan_end(struct h264_plan *plan);

/* Write the payload, ``cut->size`` octets. */
void h264_write_cut(const struct h264_plan *plan, const struct h264_cut *cut, const uint8_t *data, uint8_t *out);

/* Joining */

struct h264_set { int64_t identifier; size_t length; uint8_t *data; };

/* Those of one kind, the longest known first. */
struct h264_sets { struct h264_set set[H264_MAX_SETS + 1]; size_t count; };

/* An access unit that is being put together; see the stub file of the module for what the flags mean. */
struct h264_picture {
    struct picture_buffer buffer;
    struct h264_sets sps, pps;
    size_t counted, units;      /* octets as they count for the limit, and units begun */
    size_t delimiter_end, sps_end; /* where in the buffer an access unit delimiter and the first SPS end; 0 for none */
    bool has_sps, has_pps, has_slice, has_idr, fragmenting;
    bool clean_start, damaged, recovery_point;
};

void h264_reset(struct h264_picture *picture);
void h264_end(struct h264_picture *picture);
bool h264_remember(struct h264_picture *picture, const uint8_t *unit, size_t size);
enum payload_fault h264_push(struct h264_picture *picture, const uint8_t *payload, size_t size);
bool h264_is_empty(const struct h264_picture *picture);

/* How long the access unit in hand is, with remembered parameter sets before a key frame that came without. */
size_t h264_taken_size(const struct h264_picture *picture);
void h264_take(struct h264_picture *picture, uint8_t *out);

#endif
