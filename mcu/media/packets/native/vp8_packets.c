#include "vp8_packets.h"

#include "rtp.h"

size_t vp8_payloads(size_t size, size_t mtu, size_t *each)
{
    size_t most = mtu - VP8_DESCRIPTOR, count = size / most + (size % most > 0);
    *each = count == 0 ? 0 : size / count + (size % count > 0);
    return *each == 0 ? 0 : size / *each + (size % *each > 0);
}

void vp8_write_descriptor(bool first, uint16_t picture_id, uint8_t *out)
{
    /* The X bit and, for the first payload, the S bit of partition 0; then what announces the picture id. */
    out[0] = first ? 0x90 : 0x80;
    out[1] = 0x80;
    put16(out + 2, (uint16_t)(0x8000 | picture_id));
}

enum payload_fault vp8_read_descriptor(const uint8_t *payload, size_t size, size_t *length)
{
    *length = 1;
    if (size == 0)
        return VP8_EMPTY;
    if (payload[0] & 0x80) {
        if (size < 3)
            return VP8_DESCRIPTOR_CUT;
        uint8_t extension = payload[1];
        *length = 2;
        if (extension & 0x80)
            *length += payload[2] & 0x80 ? 2 : 1;
        *length += (size_t)(extension & 0x40 ? 1 : 0) + (size_t)(extension & 0x30 ? 1 : 0);
    }
    return *length < size ? PAYLOAD_SOUND : VP8_NO_DATA;
}

void vp8_reset(struct vp8_picture *picture)
{
    picture_empty(&picture->buffer);
    picture->clean_start = picture->damaged = false;
}

void vp8_end(struct vp8_picture *picture) { picture_free(&picture->buffer); }

enum payload_fault vp8_push(struct vp8_picture *picture, const uint8_t *payload, size_t size)
{
    size_t descriptor;
    enum payload_fault fault = vp8_read_descriptor(payload, size, &descriptor);
    if (fault != PAYLOAD_SOUND) {
        picture->damaged = true;
        return fault;
    }
    if (picture->buffer.length == 0) {
        /* The S bit with partition index 0: the first octet of a frame. */
        picture->clean_start = (payload[0] & 0x1f) == 0x10;
        picture->damaged = picture->damaged || !picture->clean_start;
    }
    bool added = picture_add(&picture->buffer, payload + descriptor, size - descriptor);
    if (added && picture->buffer.length <= PICTURE_LONGEST)
        return PAYLOAD_SOUND;
    vp8_reset(picture);
    picture->damaged = true;
    return added ? PAYLOAD_TOO_LARGE : PAYLOAD_NO_MEMORY;
}

bool vp8_is_empty(const struct vp8_picture *picture) { return picture->buffer.length == 0 && !picture->damaged; }
