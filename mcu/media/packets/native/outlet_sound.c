#include "outlet_sound.h"

#include <string.h>

#include "red.h"

bool outlet_carries(const struct source *source, const uint8_t *packet, const uint8_t *payload, size_t size)
{
    uint8_t type = packet[1] & 0x7f;
    if (!source->is_sound || type == source->sound_type)
        return true;
    return source->redundant_type != 0 && type == source->redundant_type && red_is_of(payload, size, source->sound_type);
}

/* The newest frame of a packet that is carried. */
static struct red_block newest_of(const struct source *source, const uint8_t *packet, const uint8_t *payload, size_t size)
{
    bool redundant = source->redundant_type != 0 && (packet[1] & 0x7f) == source->redundant_type;
    size_t at = redundant ? red_newest(payload, size) : 0;
    return (struct red_block){.data = payload + at, .size = size - at};
}

/* What was sent so many packets before this one, as far as it has come, and was for this outlet. */
static bool find_earlier(const struct outlet *outlet, const struct source *source, const uint8_t *packet, uint8_t age,
                         struct red_block *block)
{
    uint16_t number = (uint16_t)(get16(packet + 2) - age);
    const struct kept *kept = source->kept == NULL ? NULL : &source->kept[number % FORWARD_KEPT];
    size_t start, size;
    if (kept == NULL || is_after(outlet->first, (uint16_t)(number + outlet->sequence_offset)) || !kept->there ||
        kept->sequence != number || kept->length == 0 || !rtp_payload(kept->data, kept->length, &start, &size) ||
        !outlet_carries(source, kept->data, kept->data + start, size))
        return false;
    uint32_t before = get32(packet + 4) - get32(kept->data + 4);
    *block = newest_of(source, kept->data, kept->data + start, size);
    block->offset = (uint16_t)before;
    return before > 0 && before <= RED_OFFSET && block->size <= RED_LENGTH;
}

/* The frame before, which a browser's packet carries itself. */
static bool find_carried(const struct source *source, const uint8_t *packet, const uint8_t *payload, size_t size,
                         struct red_block *block)
{
    struct red_block blocks[RED_BLOCKS];
    size_t count;
    if (source->redundant_type == 0 || (packet[1] & 0x7f) != source->redundant_type ||
        red_read(payload, size, blocks, &count) != RED_SOUND || count < 2)
        return false;
    *block = blocks[count - 2];
    return block->offset > 0;
}

/* The frames that go out in one packet, the oldest first; how many. What lies before a gap is left out: there are
 * receivers that tell frames by their places. */
static size_t collect(const struct outlet *outlet, const struct source *source, const uint8_t *packet,
                      const uint8_t *payload, size_t size, struct red_block *blocks)
{
    size_t count = 0;
    for (size_t i = 0; i < OUTLET_EARLIER && outlet->earlier[i] != 0; i++) {
        uint8_t age = outlet->earlier[i];
        bool found = find_earlier(outlet, source, packet, age, &blocks[count]) ||
                     (age == 1 && find_carried(source, packet, payload, size, &blocks[count]));
        count = found ? count + 1 : 0;
    }
    blocks[count++] = newest_of(source, packet, payload, size);
    for (size_t i = 0; i < count; i++)
        blocks[i].payload_type = outlet->carriage.payload_type;
    return count;
}

size_t outlet_write_sound(const struct outlet *outlet, const struct source *source, const uint8_t *packet,
                          const uint8_t *payload, size_t size, uint8_t *out, size_t header)
{
    struct red_block made[OUTLET_EARLIER + 1], *blocks = made;
    bool as_it_is = source->redundant_type != 0 && (packet[1] & 0x7f) == source->redundant_type;
    if (outlet->carriage.redundant == 0) {
        struct red_block newest = newest_of(source, packet, payload, size);
        memcpy(out + header, newest.data, newest.size);
        return newest.size;
    }
    if (outlet->earlier[0] != 0) {
        size_t count = collect(outlet, source, packet, payload, size, made);
        while (count > 1 && header + red_size(blocks, count) > FORWARD_LONGEST)
            blocks++, count--;
        if (count > 1) {
            out[1] = (uint8_t)((out[1] & 0x80) | outlet->carriage.redundant);
            red_write(blocks, count, out + header);
            return red_size(blocks, count);
        }
    }
    memcpy(out + header, payload, size);
    if (as_it_is) {
        out[1] = (uint8_t)((out[1] & 0x80) | outlet->carriage.redundant);
        red_renumber(out + header, size, outlet->carriage.payload_type);
    }
    return size;
}
