/* Single packets: what is found lies within them. */
#include "world.h"

#include "red.h"
#include "rtp.h"

void fuzz_parsers(void)
{
    struct input input = make_any();
    struct vp8_places places;
    size_t start, size, length, header = rtp_header_length(input.data, input.length);
    REQUIRE(header == 0 || (header >= 12 && header <= input.length));
    if (rtp_payload(input.data, input.length, &start, &size))
        REQUIRE(start == header && start + size <= input.length);
    for (int codec = CODEC_OTHER; codec <= CODEC_VP8; codec++)
        if (rtp_begins_key_frame((enum rtp_codec)codec, input.data, input.length) &&
            rtp_picture_head((enum rtp_codec)codec, input.data, input.length, &start, &length))
            REQUIRE(start + length <= input.length);
    if (input.length > 0 && red_is_of(input.data, input.length, input.data[0] & 0x7f)) {
        REQUIRE(red_newest(input.data, input.length) <= input.length);
        red_renumber(input.data, input.length, 111);
        REQUIRE(red_is_of(input.data, input.length, 111));
    }
    struct red_block blocks[RED_BLOCKS];
    size_t count;
    if (red_read(input.data, input.length, blocks, &count) == RED_SOUND) {
        struct input again = copy_of(NULL, 0, red_size(blocks, count));
        REQUIRE(count >= 1 && count <= RED_BLOCKS && red_size(blocks, count) == input.length);
        red_write(blocks, count, again.data);
        REQUIRE(memcmp(again.data, input.data, input.length) == 0);
        free(again.data);
    }
    if (vp8_find(input.data, input.length, &places))
        REQUIRE(places.picture_id + 1u + places.long_picture_id <= input.length && places.tl0 < input.length);
    free(input.data);
}
