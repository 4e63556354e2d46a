/* What has to be known of an RTP packet to forward it (RFC 3550, RFC 6184, RFC 7741). */
#ifndef CONSILIUM_RTP_H
#define CONSILIUM_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline uint16_t get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static inline uint32_t get32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void put16(uint8_t *at, uint16_t value) { at[0] = (uint8_t)(value >> 8), at[1] = (uint8_t)value; }

static inline void put32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24), at[1] = (uint8_t)(value >> 16), at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

/* Whether ``sequence`` comes after ``other``, on the circle of 65536. */
static inline bool is_after(uint16_t sequence, uint16_t other) { return (int16_t)(uint16_t)(sequence - other) > 0; }

enum rtp_codec { CODEC_OTHER, CODEC_H264, CODEC_VP8 };
#define RTP_CODECS 3

/* Length of the header of an RTP packet with CSRCs and extension; 0 when it is none. */
size_t rtp_header_length(const uint8_t *packet, size_t length);

/* Length of what comes after the header, padding taken off; false when the padding is wrong. */
bool rtp_payload(const uint8_t *packet, size_t length, size_t *start, size_t *size);

/* Whether a payload begins a picture that can be decoded without another: its first packet. */
bool rtp_begins_key_frame(enum rtp_codec codec, const uint8_t *payload, size_t size);

/* Where in a payload that begins a key frame the picture's size stands: a sequence parameter set, the header of a VP8 frame
 * (RFC 6386 section 9.1). False where it is not there. */
bool rtp_picture_head(enum rtp_codec codec, const uint8_t *payload, size_t size, size_t *start, size_t *length);

/* Where the numbers of a VP8 payload descriptor stand (RFC 7741 section 4.2); 0 for one that is not there. */
struct vp8_places { size_t picture_id, tl0; bool long_picture_id; };

bool vp8_find(const uint8_t *payload, size_t size, struct vp8_places *places);

#endif
