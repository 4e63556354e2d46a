/* Counted packets: whatever is stamped, heard and told, numbers and arrivals stay within their tables. */
#include "world.h"

#include "rtp.h"
#include "twcc.h"

static struct twcc twcc;
static struct twcc_result results[TWCC_KEPT];
static double now;
static uint16_t theirs;

static void stamp(void)
{
    struct input packet = one_in(4) ? make_any() : make_rtp(chance(4), (uint16_t)chance(65536)), sent;
    uint16_t before = twcc.next;
    size_t header = rtp_header_length(packet.data, packet.length);
    sent = copy_of(packet.data, packet.length, TWCC_OVERHEAD);
    size_t length = twcc_stamp(&twcc, sent.data, packet.length, now);
    REQUIRE(length >= packet.length && length <= packet.length + TWCC_OVERHEAD);
    REQUIRE((uint16_t)(twcc.next - before) <= 1);
    if (header > 0) {
        /* The payload is as it was. */
        size_t after = rtp_header_length(sent.data, length);
        REQUIRE(after >= header && length - after == packet.length - header);
        REQUIRE(memcmp(sent.data + after, packet.data + header, packet.length - header) == 0);
    }
    free(sent.data);
    free(packet.data);
}

static void take(const uint8_t *data, size_t length)
{
    size_t room = one_in(8) ? chance(4) : TWCC_KEPT;
    int count = twcc_take(&twcc, data, length, results, room);
    REQUIRE(count >= -1 && count <= (int)room);
    for (int i = 0; i < count; i++)
        REQUIRE(results[i].fate <= TWCC_FOUND && results[i].sent <= now);
}

static void tell(void)
{
    uint8_t data[256];
    struct input input;
    size_t length = 20 + 2 * chance(100), words;
    for (size_t i = 20; i < length; i++)
        data[i] = (uint8_t)(one_in(3) ? 0 : chance(256));
    length -= length % 4;
    words = length / 4 - 1;
    memset(data, 0, 20);
    data[0] = (uint8_t)(0x8f | (one_in(8) ? 0x20 : 0)), data[1] = 205, data[3] = (uint8_t)words;
    put16(data + 12, (uint16_t)(twcc.next - chance(one_in(4) ? 65536 : 300)));
    put16(data + 14, (uint16_t)chance(one_in(8) ? 65536 : 120));
    put32(data + 16, chance(one_in(4) ? 1u << 24 : 64) << 8);
    input = one_in(4) ? make_any() : copy_of(data, length, 0);
    if (one_in(4))
        damage(&input);
    take(input.data, input.length);
    free(input.data);
}

static void hear(void)
{
    uint8_t data[40] = {0x90, 96, [12] = 0xbe, 0xde, 0, 1};
    theirs = (uint16_t)(theirs + (one_in(50) ? chance(65536) : chance(4)));
    put32(data + 8, chance(3));
    data[16] = (uint8_t)(twcc.id << 4 | 1);
    put16(data + 17, theirs);
    struct input input = one_in(6) ? make_any() : copy_of(data, sizeof data, 0);
    if (one_in(6))
        damage(&input);
    twcc_hear(&twcc, input.data, input.length, one_in(100) ? -now : now);
    free(input.data);
}

void fuzz_counted(void)
{
    uint8_t *written = malloc(TWCC_LONGEST);
    REQUIRE(written != NULL);
    if (twcc.id == 0 || one_in(5000)) {
        twcc_end(&twcc);
        REQUIRE(twcc_begin(&twcc, (uint8_t)(1 + chance(14)), (uint16_t)chance(65536)));
    }
    now += one_in(200) ? 20 : 0.001;
    stamp();
    hear();
    if (one_in(4))
        tell();
    for (int i = 0; one_in(20) && i < 8; i++) {
        size_t length = twcc_write(&twcc, 9, written);
        REQUIRE(length <= TWCC_LONGEST && length % 4 == 0);
        if (length == 0)
            break;
        /* What we write we could read. */
        REQUIRE(twcc_take(&twcc, written, length, results, TWCC_KEPT) >= 0);
    }
    free(written);
}

void end_counted(void) { twcc_end(&twcc); }
