#include "rtp.h"

size_t rtp_header_length(const uint8_t *packet, size_t length)
{
    if (length < 12 || packet[0] >> 6 != 2)
        return 0;
    size_t header = 12 + 4u * (packet[0] & 0x0f);
    if (packet[0] & 0x10) {
        if (length < header + 4)
            return 0;
        header += 4 + 4u * get16(packet + header + 2);
    }
    return header <= length ? header : 0;
}

bool rtp_payload(const uint8_t *packet, size_t length, size_t *start, size_t *size)
{
    *start = rtp_header_length(packet, length);
    if (*start == 0)
        return false;
    size_t padding = packet[0] & 0x20 ? packet[length - 1] : 0;
    if (packet[0] & 0x20 && (padding == 0 || padding > length - *start))
        return false;
    *size = length - *start - padding;
    return true;
}

/* NAL unit types of RFC 6184 table 1 and ITU-T H.264 table 7-1. */
enum { NAL_IDR = 5, NAL_SPS = 7, NAL_STAP_A = 24, NAL_FU_A = 28 };

/* A slice says first which macroblock it begins with, as ue(v): 0 is a set bit. A picture of several slices begins with
 * that one. */
static bool begins_picture(const uint8_t *unit, size_t size) { return size > 1 && unit[1] & 0x80; }

static bool h264_begins_key_frame(const uint8_t *payload, size_t size)
{
    if (size < 2)
        return false;
    unsigned type = payload[0] & 0x1f;
    if (type == NAL_SPS || (type == NAL_IDR && begins_picture(payload, size)))
        return true;
    if (type == NAL_FU_A && payload[1] & 0x80) {
        unsigned whole = payload[1] & 0x1f;
        return whole == NAL_SPS || (whole == NAL_IDR && begins_picture(payload + 1, size - 1));
    }
    if (type != NAL_STAP_A)
        return false;
    for (size_t at = 1; at + 2 < size;) {
        size_t unit = get16(payload + at);
        unsigned inner = payload[at + 2] & 0x1f;
        if (unit == 0 || unit > size - at - 2)
            return false;
        if (inner == NAL_SPS || (inner == NAL_IDR && begins_picture(payload + at + 2, unit)))
            return true;
        at += 2 + unit;
    }
    return false;
}

static size_t vp8_descriptor(const uint8_t *payload, size_t size, struct vp8_places *places)
{
    size_t at = 1;
    *places = (struct vp8_places){0};
    if (size < 1)
        return 0;
    if (payload[0] & 0x80) {
        if (size < 2)
            return 0;
        uint8_t extension = payload[1];
        at = 2;
        if (extension & 0x80) {
            if (at >= size)
                return 0;
            places->picture_id = at;
            places->long_picture_id = (payload[at] & 0x80) != 0;
            at += places->long_picture_id ? 2 : 1;
        }
        if (extension & 0x40)
            places->tl0 = at++;
        if (extension & 0x30)
            at++;
    }
    return at < size ? at : 0;
}

bool vp8_find(const uint8_t *payload, size_t size, struct vp8_places *places)
{
    return vp8_descriptor(payload, size, places) != 0;
}

static bool vp8_begins_key_frame(const uint8_t *payload, size_t size)
{
    struct vp8_places places;
    size_t start = vp8_descriptor(payload, size, &places);
    /* First partition's start, and the inverse key frame flag of the frame header (RFC 6386 section 9.1). */
    return start != 0 && payload[0] & 0x10 && (payload[0] & 0x07) == 0 && (payload[start] & 0x01) == 0;
}

bool rtp_begins_key_frame(enum rtp_codec codec, const uint8_t *payload, size_t size)
{
    switch (codec) {
    case CODEC_H264:
        return h264_begins_key_frame(payload, size);
    case CODEC_VP8:
        return vp8_begins_key_frame(payload, size);
    default:
        return size > 0; /* sound: any packet can be the first */
    }
}

static bool h264_parameters(const uint8_t *payload, size_t size, size_t *start, size_t *length)
{
    unsigned type = size > 0 ? payload[0] & 0x1f : 0;
    if (type == NAL_SPS) {
        *start = 0, *length = size;
        return true;
    }
    for (size_t at = 1; type == NAL_STAP_A && at + 2 < size;) {
        size_t unit = get16(payload + at);
        if (unit == 0 || unit > size - at - 2)
            return false;
        if ((payload[at + 2] & 0x1f) == NAL_SPS) {
            *start = at + 2, *length = unit;
            return true;
        }
        at += 2 + unit;
    }
    return false;
}

bool rtp_picture_head(enum rtp_codec codec, const uint8_t *payload, size_t size, size_t *start, size_t *length)
{
    struct vp8_places places;
    if (codec == CODEC_H264)
        return h264_parameters(payload, size, start, length);
    if (codec != CODEC_VP8 || !vp8_begins_key_frame(payload, size))
        return false;
    *start = vp8_descriptor(payload, size, &places);
    *length = size - *start;
    return true;
}
