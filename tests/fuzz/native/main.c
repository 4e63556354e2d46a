/* Fuzzes the packet layer's C: main SECONDS SEED [CORPUS FILE …]. Built with AddressSanitizer and UBSan.
 *
 * The same seed makes the same inputs up to the point that the time runs out. Ends with status 0 when all held.
 */
#define _GNU_SOURCE
#include "world.h"

#include <time.h>

#define MAX_CORPUS 256

static uint64_t state;
static struct input corpus[MAX_CORPUS];
static size_t corpus_count;
static unsigned long long seed, round_number;

uint32_t chance(uint32_t below)
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (uint32_t)((state >> 16) % below);
}

bool one_in(uint32_t count) { return chance(count) == 0; }

void fail(const char *what, int line)
{
    fprintf(stderr, "not so: %s (line %d), seed %llu, round %llu\n", what, line, seed, round_number);
    abort();
}

struct input copy_of(const uint8_t *data, size_t length, size_t room)
{
    struct input made = {malloc(length + room > 0 ? length + room : 1), length};
    REQUIRE(made.data != NULL);
    if (length > 0)
        memcpy(made.data, data, length);
    return made;
}

void damage(struct input *input)
{
    static const uint8_t telling[] = {0, 1, 2, 0x0f, 0x10, 0x20, 0x7f, 0x80, 0x90, 0xb0, 0xc8, 0xfe, 0xff};
    struct input made;
    for (uint32_t i = chance(4); i > 0 && input->length > 0; i--) {
        uint32_t length = (uint32_t)input->length, front = length < 24 ? length : 24;
        uint8_t *at = &input->data[chance(one_in(2) ? length : front)];
        *at = (uint8_t)(one_in(2) ? telling[chance(sizeof telling)] : *at ^ 1u << chance(8));
    }
    if (input->length > 0 && one_in(4)) {
        made = copy_of(input->data, chance((uint32_t)input->length), 0);
        free(input->data);
        *input = made;
    }
}

/* Beginnings of payloads that lead past the first checks. */
static const struct { uint8_t data[12], length; } heads[] = {
    {{0x10, 0x00}, 2}, {{0x90, 0x80, 0x80, 0x01, 0x00}, 5}, {{0x90, 0xe0, 0x80, 0x07, 0x09, 0x20, 0x00}, 7},
    {{0x90, 0xc0, 0x05, 0x09, 0x01}, 5}, {{0x80, 0xf0, 0x85, 0x01, 0x02, 0x03, 0x01}, 7}, {{0x67, 0x42, 0xe0, 0x1f}, 4},
    {{0x65, 0x88, 0x84}, 3}, {{0x7c, 0x85, 0x88}, 3}, {{0x7c, 0x05}, 2}, {{0x78, 0, 2, 0x67, 0x42, 0, 2, 0x65, 0x88}, 9},
    {{0x78, 0, 0}, 3}, {{0x41, 0x9a}, 2}, {{0x90}, 1},
};

struct input make_rtp(uint32_t ssrc, uint16_t sequence)
{
    uint8_t data[LONGEST];
    size_t length = 12, head = chance(sizeof heads / sizeof *heads), rest = chance(one_in(8) ? 1500 : 80);
    data[0] = 0x80, data[1] = (uint8_t)(96 | chance(2) << 7);
    data[2] = (uint8_t)(sequence >> 8), data[3] = (uint8_t)sequence;
    for (size_t i = 4; i < 8; i++)
        data[i] = (uint8_t)chance(256);
    for (size_t i = 0; i < 4; i++)
        data[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
    if (one_in(6)) {
        uint8_t sources = (uint8_t)chance(4);
        data[0] |= sources;
        memset(data + length, 7, 4u * sources);
        length += 4u * sources;
    }
    if (one_in(3)) {
        uint8_t words = (uint8_t)chance(5);
        data[0] |= 0x10;
        memcpy(data + length, "\xbe\xde\x00", 3);
        data[length + 3] = words;
        memset(data + length + 4, 0x10, 4u * words);
        length += 4 + 4u * words;
    }
    memcpy(data + length, heads[head].data, heads[head].length);
    length += heads[head].length;
    for (size_t i = 0; i < rest; i++)
        data[length++] = (uint8_t)chance(256);
    if (one_in(8)) {
        data[0] |= 0x20;
        data[length - 1] = (uint8_t)chance(one_in(2) ? 256 : 6);
    }
    return copy_of(data, length, 0);
}

static struct input make_rtcp(void)
{
    uint8_t data[64];
    size_t length = 8 + 4 * chance(10);
    for (size_t i = 0; i < length; i++)
        data[i] = (uint8_t)chance(256);
    data[0] = (uint8_t)(0x80 | chance(4)), data[1] = (uint8_t)(200 + chance(7));
    data[2] = 0, data[3] = (uint8_t)(length / 4 - 1);
    memcpy(data + 4, "\0\0\0", 3);
    data[7] = (uint8_t)chance(4);
    return copy_of(data, length, 0);
}

struct input make_any(void)
{
    struct input made;
    uint32_t kind = chance(4);
    if (kind == 0 && corpus_count > 0) {
        const struct input *seed_input = &corpus[chance((uint32_t)corpus_count)];
        made = copy_of(seed_input->data, seed_input->length, 0);
    } else if (kind == 1) {
        made = make_rtcp();
    } else if (kind == 2) {
        uint8_t data[128];
        size_t length = chance(sizeof data);
        for (size_t i = 0; i < length; i++)
            data[i] = (uint8_t)chance(256);
        made = copy_of(data, length, 0);
    } else {
        made = make_rtp(chance(4), (uint16_t)chance(65536));
    }
    if (one_in(2))
        damage(&made);
    return made;
}

static void read_corpus(const char *name)
{
    uint8_t data[LONGEST];
    FILE *file = fopen(name, "rb");
    if (file == NULL || corpus_count == MAX_CORPUS) {
        fprintf(stderr, "cannot take %s\n", name);
        exit(2);
    }
    size_t length = fread(data, 1, sizeof data, file);
    fclose(file);
    corpus[corpus_count++] = copy_of(data, length, 0);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* That the sanitizers are at work: a read behind the end, which has to end the program. */
static int break_on_purpose(void)
{
    struct input made = copy_of((const uint8_t *)"?", 1, 0);
    volatile size_t behind = 1;
    volatile int found = made.data[behind];
    free(made.data);
    return found == 0 ? 0 : 1;
}

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "--break") == 0)
        return break_on_purpose();
    if (count < 3) {
        fprintf(stderr, "usage: %s SECONDS SEED [FILE …]\n", arguments[0]);
        return 2;
    }
    double end = seconds() + atof(arguments[1]);
    seed = strtoull(arguments[2], NULL, 10);
    state = seed * 0x9e3779b97f4a7c15u + 1;
    for (int i = 3; i < count; i++)
        read_corpus(arguments[i]);
    for (; round_number % 256 != 0 || seconds() < end; round_number++) {
        fuzz_parsers();
        fuzz_srtp();
        fuzz_forward();
        fuzz_repairs();
        fuzz_counted();
        fuzz_composed();
        fuzz_checks();
        if (round_number % 8 == 0)
            fuzz_port();
    }
    end_srtp();
    end_forward();
    end_repairs();
    end_port();
    end_counted();
    end_composed();
    for (size_t i = 0; i < corpus_count; i++)
        free(corpus[i].data);
    printf("%llu rounds\n", round_number);
    return 0;
}
