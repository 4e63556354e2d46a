/* Single packets: what is found lies within them. */
#include "world.h"

#include "rtp.h"

void fuzz_parsers(void)
{
    struct input input = make_any();
    struct vp8_places places;
    size_t start, size, header = rtp_header_length(input.data, input.length);
    REQUIRE(header == 0 || (header >= 12 && header <= input.length));
    if (rtp_payload(input.data, input.length, &start, &size))
        REQUIRE(start == header && start + size <= input.length);
    for (int codec = CODEC_OTHER; codec <= CODEC_VP8; codec++)
        rtp_begins_key_frame((enum rtp_codec)codec, input.data, input.length);
    if (vp8_find(input.data, input.length, &places))
        REQUIRE(places.picture_id + 1u + places.long_picture_id <= input.length && places.tl0 < input.length);
    free(input.data);
}
