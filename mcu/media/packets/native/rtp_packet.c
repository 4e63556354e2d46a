#include "rtp_packet.h"

#include <string.h>

#define ONE_BYTE_PROFILE 0xbede
#define TWO_BYTE_PROFILE 0x1000

enum rtp_fault rtp_read(const uint8_t *packet, size_t length, struct rtp_view *view)
{
    if (length < RTP_HEADER)
        return RTP_SHORT;
    uint8_t first = packet[0];
    if (first >> 6 != 2)
        return RTP_VERSION;
    *view = (struct rtp_view){
        .marker = packet[1] > 127, .payload_type = packet[1] & 0x7f, .sources = first & 0x0f,
        .sequence = get16(packet + 2), .timestamp = get32(packet + 4), .ssrc = get32(packet + 8),
        .start = RTP_HEADER, .end = length,
    };
    if (first == 0x80)
        return RTP_SOUND;
    view->start += 4u * view->sources;
    if (first & 0x10) {
        if (view->start + 4 > length)
            return RTP_EXTENSION_CUT;
        view->profile = get16(packet + view->start);
        view->extension_size = 4u * get16(packet + view->start + 2);
        view->extension = view->start + 4;
        view->start = view->extension + view->extension_size;
    }
    if (view->start > length)
        return RTP_HEADER_LONG;
    if (first & 0x20) {
        if (view->start == length)
            return RTP_NO_PADDING;
        size_t padding = packet[length - 1];
        if (padding == 0 || padding > length - view->start)
            return RTP_PADDING;
        view->end -= padding;
    }
    return RTP_SOUND;
}

bool rtp_next_element(const uint8_t *body, size_t size, uint16_t profile, size_t *at, struct rtp_element *element)
{
    bool two_byte = (profile & 0xfff0) == TWO_BYTE_PROFILE;
    if (profile != ONE_BYTE_PROFILE && !two_byte)
        return false;
    while (*at < size && body[*at] == 0)
        (*at)++;
    if (*at == size)
        return false;
    uint8_t lead = body[(*at)++];
    size_t length = (lead & 0x0fu) + 1;
    element->identifier = lead >> 4;
    if (two_byte) {
        if (*at == size)
            return false;
        element->identifier = lead;
        length = body[(*at)++];
    } else if (element->identifier == 15) {
        return false;
    }
    if (length > size - *at)
        return false;
    element->value = body + *at;
    element->length = length;
    *at += length;
    return true;
}

size_t rtp_write_head(const struct rtp_head *head, uint16_t sequence, bool marker, uint8_t *out)
{
    out[0] = head->extension_size > 0 ? 0x90 : 0x80;
    out[1] = (uint8_t)(head->payload_type | (marker ? 0x80 : 0));
    put16(out + 2, sequence);
    put32(out + 4, head->timestamp);
    put32(out + 8, head->ssrc);
    if (head->extension_size > 0)
        memcpy(out + RTP_HEADER, head->extension, head->extension_size);
    return RTP_HEADER + head->extension_size;
}

void rtp_repeat(const uint8_t *packet, size_t length, size_t start, uint8_t payload_type, uint16_t sequence,
                uint32_t ssrc, uint8_t *out)
{
    memcpy(out, packet, start);
    out[1] = (uint8_t)((packet[1] & 0x80) | payload_type);
    put16(out + 2, sequence);
    put32(out + 8, ssrc);
    put16(out + start, get16(packet + 2));
    memcpy(out + start + 2, packet + start, length - start);
}
