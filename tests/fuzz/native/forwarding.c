/* Forwarding: sources that lose, repeat, shuffle and begin anew, outlets that change between them.
 *
 * Besides memory, one rule is checked that encryption stands on: a number of an outlet is used for one packet only.
 */
#include "world.h"

#include "forward.h"

#define SOURCES 3
#define OUTLETS 4

static struct source sources[SOURCES];
static struct outlet outlets[OUTLETS];
static uint16_t next[SOURCES];
static double now;
static bool begun;

/* What went out under which number, by the index that SRTP would give it (RFC 3711 section 3.3.1). */
static struct used { int64_t index; uint32_t hash; } used[OUTLETS][65536];
static int64_t highest[OUTLETS];

static const enum rtp_codec codecs[SOURCES] = {CODEC_VP8, CODEC_H264, CODEC_OTHER};

static void begin_source(int i)
{
    /* Of the same codec as a rule, as those are that a receiver's outlet goes over between. */
    source_begin(&sources[i], one_in(4) ? codecs[i] : CODEC_VP8, (uint32_t)i, 90000);
    next[i] = (uint16_t)chance(65536);
    if (sources[i].codec == CODEC_OTHER && one_in(2))
        source_is_sound(&sources[i], 96, one_in(2) ? 0 : 97);
}

static void carry(int i, enum rtp_codec codec)
{
    struct carriage carriage = {(uint8_t)(98 + chance(2)), (uint8_t)(one_in(4) ? 0 : 100), (uint8_t)(one_in(2) ? 0 : 101)};
    outlet_carry(&outlets[i], codec, carriage);
}

static void begin_outlet(int i)
{
    outlet_begin(&outlets[i], 100 + (uint32_t)i, 96, one_in(2) ? 200 + (uint32_t)i : 0, 97, (uint16_t)chance(65536));
    for (uint8_t j = 0, most = (uint8_t)chance(OUTLET_EARLIER + 1); j < most; j++)
        outlets[i].earlier[j] = (uint8_t)(2 * (most - j) - 1);
    outlets[i].send_time_id = (uint8_t)(one_in(2) ? 0 : 1 + chance(14));
    for (int codec = 0; codec < RTP_CODECS; codec++)
        if (one_in(2))
            carry(i, (enum rtp_codec)codec);
    highest[i] = -1;
    for (size_t j = 0; j < 65536; j++)
        used[i][j].index = -1;
}

static uint32_t hash(const uint8_t *data, size_t length)
{
    uint32_t value = 2166136261u;
    for (size_t i = 0; i < length; i++)
        value = (value ^ data[i]) * 16777619u;
    return value;
}

static void check_used_once(int i, const uint8_t *packet, size_t length)
{
    uint16_t sequence = get16(packet + 2);
    int64_t index = sequence;
    if (get32(packet + 8) != outlets[i].ssrc)
        return; /* repeated under numbers of their own */
    if (highest[i] >= 0) {
        index = (highest[i] & ~(int64_t)0xffff) | sequence;
        if (index - highest[i] > 0x8000)
            index -= 0x10000;
        else if (index - highest[i] < -0x8000)
            index += 0x10000;
    }
    struct used *place = &used[i][sequence];
    uint32_t value = hash(packet, length);
    REQUIRE(place->index != index || place->hash == value);
    *place = (struct used){index, value};
    if (index > highest[i])
        highest[i] = index;
}

static void write_all(int from, const struct input *packet)
{
    for (int i = 0; i < OUTLETS; i++) {
        bool is_sound = sources[from].is_sound;
        size_t longest = is_sound ? FORWARD_LONGEST : packet->length;
        struct input out = {malloc(longest + FORWARD_OVERHEAD), 0};
        REQUIRE(out.data != NULL);
        size_t length = outlet_write(&outlets[i], &sources[from], packet->data, packet->length, now, out.data);
        REQUIRE(length <= longest + (outlets[i].send_time_id != 0 ? 8 : 0));
        if (length > 0)
            check_used_once(i, out.data, length);
        free(out.data);
    }
}

static void receive(int i)
{
    uint32_t event = chance(60);
    uint16_t sequence = next[i]++;
    if (event < 4)
        sequence = (uint16_t)(sequence - chance(700)); /* late, or again */
    else if (event < 7)
        next[i] = (uint16_t)(next[i] + chance(200)); /* loss */
    else if (event == 7 && one_in(20))
        next[i] = sequence = (uint16_t)chance(65536); /* anew */
    struct input packet = one_in(20) ? make_any() : make_rtp((uint32_t)i, sequence);
    if (one_in(10)) {
        size_t length = source_unwrap(&sources[i], packet.data, packet.length);
        REQUIRE(length <= packet.length);
        struct input shorter = copy_of(packet.data, length, 0);
        free(packet.data);
        packet = shorter;
    }
    if (source_receive(&sources[i], packet.data, packet.length, now))
        write_all(i, &packet);
    free(packet.data);
}

static void resend(int i)
{
    uint8_t out[FORWARD_LONGEST + FORWARD_OVERHEAD];
    size_t length = outlet_rewrite(&outlets[i], (uint16_t)(outlets[i].highest - chance(600)), out);
    if (length > 0)
        check_used_once(i, out, length);
}

void fuzz_forward(void)
{
    uint16_t asked[FORWARD_MISSING];
    for (int i = 0; !begun && i < SOURCES; i++)
        begin_source(i);
    for (int i = 0; !begun && i < OUTLETS; i++)
        begin_outlet(i);
    begun = true;
    for (int step = 0; step < 8; step++) {
        int source = (int)chance(SOURCES), outlet = (int)chance(OUTLETS);
        uint32_t event = chance(400);
        now += one_in(1000) ? 1e6 : 0.001;
        if (event == 0) {
            source_end(&sources[source]);
            begin_source(source);
        } else if (event == 1 && one_in(4)) {
            outlet_end(&outlets[outlet]);
            begin_outlet(outlet);
        } else if (event == 2) {
            carry(outlet, (enum rtp_codec)chance(RTP_CODECS));
        } else if (event < 8) {
            REQUIRE(outlet_route(&outlets[outlet], one_in(8) ? NULL : &sources[source]));
        } else if (event < 30) {
            resend(outlet);
        } else if (event < 40) {
            REQUIRE(source_requests(&sources[source], now, 0.02, asked, 1 + chance(FORWARD_MISSING)) <= FORWARD_MISSING);
        } else {
            receive(source);
        }
    }
}

void end_forward(void)
{
    for (int i = 0; i < OUTLETS; i++)
        outlet_end(&outlets[i]);
    for (int i = 0; i < SOURCES; i++)
        source_end(&sources[i]);
}
