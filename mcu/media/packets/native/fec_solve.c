/* Lost packets from repair packets: a system of equations over bits, solved as it grows.
 *
 * What is known of an equation has been taken out of it, so that only unknown packets are left. Each has a pivot, an
 * unknown that stands in no other; when nothing else is left in it, that packet is known. A number that falls out of the
 * window takes one equation with it. */
#include "fec.h"

#include <string.h>

#include "rtp.h"

static unsigned place(uint16_t number) { return number % FEC_NUMBERS; }
static bool has(const struct fec_bits *bits, unsigned bit) { return bits->words[bit / 64] >> bit % 64 & 1; }
static void set(struct fec_bits *bits, unsigned bit) { bits->words[bit / 64] |= UINT64_C(1) << bit % 64; }
static void clear(struct fec_bits *bits, unsigned bit) { bits->words[bit / 64] &= ~(UINT64_C(1) << bit % 64); }
static bool none(const struct fec_bits *bits) { return !(bits->words[0] | bits->words[1]); }

static bool single(const struct fec_bits *bits)
{
    return __builtin_popcountll(bits->words[0]) + __builtin_popcountll(bits->words[1]) == 1;
}

static uint8_t lowest(const struct fec_bits *bits)
{
    return (uint8_t)(bits->words[0] ? __builtin_ctzll(bits->words[0]) : 64 + __builtin_ctzll(bits->words[1]));
}

void fec_begin_receiver(struct fec_receiver *receiver, enum fec_form form)
{
    receiver->form = form;
    receiver->mutable.count = 0;
    receiver->begun = false;
    receiver->repairs = receiver->recovered = receiver->useless = receiver->malformed = 0;
}

static void begin_anew(struct fec_receiver *receiver, uint32_t ssrc, uint16_t number)
{
    receiver->begun = true;
    receiver->ssrc = ssrc;
    receiver->top = receiver->highest = number;
    receiver->known = (struct fec_bits){{0, 0}};
    for (size_t i = 0; i < FEC_EQUATIONS; i++)
        receiver->equations[i].used = false;
}

static void add(struct fec_equation *equation, const struct fec_equation *other)
{
    equation->unknown.words[0] ^= other->unknown.words[0];
    equation->unknown.words[1] ^= other->unknown.words[1];
    fec_add(&equation->sum, &other->sum);
}

/* Take an unknown as the pivot of an equation: it is to stand in no other. */
static void turn(struct fec_receiver *receiver, struct fec_equation *equation, uint8_t pivot)
{
    equation->pivot = pivot;
    for (struct fec_equation *other = receiver->equations; other < receiver->equations + FEC_EQUATIONS; other++)
        if (other != equation && other->used && has(&other->unknown, pivot))
            add(other, equation);
}

/* A number will never be known: one equation says what it was, and with that one taken away no other needs it. */
static void retire(struct fec_receiver *receiver, unsigned bit)
{
    struct fec_equation *found = NULL;
    for (struct fec_equation *one = receiver->equations; one < receiver->equations + FEC_EQUATIONS; one++)
        if (one->used && has(&one->unknown, bit) && (found == NULL || one->pivot == bit))
            found = one;
    if (found != NULL) {
        turn(receiver, found, (uint8_t)bit);
        found->used = false;
        receiver->useless++;
    }
    clear(&receiver->known, bit);
}

/* The window ends with ``number`` from now on. */
static void move_to(struct fec_receiver *receiver, uint16_t number)
{
    while (is_after(number, receiver->top))
        retire(receiver, place(++receiver->top));
}

static bool within(const struct fec_receiver *receiver, uint16_t number)
{
    return (uint16_t)(receiver->top - number) < FEC_NUMBERS;
}

/* What is known now is taken out of all equations. */
static bool learn(struct fec_receiver *receiver, unsigned bit)
{
    bool told = false;
    set(&receiver->known, bit);
    for (struct fec_equation *one = receiver->equations; one < receiver->equations + FEC_EQUATIONS; one++) {
        if (!one->used || !has(&one->unknown, bit))
            continue;
        bool whole = receiver->packets[bit].length <= one->sum.length;
        fec_add(&one->sum, &receiver->packets[bit]);
        clear(&one->unknown, bit);
        if (none(&one->unknown) || !whole)
            one->used = false, whole ? receiver->useless++ : receiver->malformed++;
        else if (one->pivot == bit)
            turn(receiver, one, lowest(&one->unknown));
        told = true;
    }
    return told;
}

bool fec_received(struct fec_receiver *receiver, const uint8_t *packet, size_t length)
{
    if (length < 12)
        return false;
    uint16_t number = get16(packet + 2), ahead;
    uint32_t ssrc = get32(packet + 8);
    ahead = (uint16_t)(number - receiver->highest);
    if (!receiver->begun || ssrc != receiver->ssrc || (ahead >= FEC_JUMP && ahead <= 0xffff - FEC_JUMP))
        begin_anew(receiver, ssrc, number);
    if (is_after(number, receiver->highest))
        receiver->highest = number;
    move_to(receiver, number);
    unsigned bit = place(number);
    if (!within(receiver, number) || has(&receiver->known, bit) ||
        !fec_sum_of(&receiver->mutable, packet, length, &receiver->packets[bit]))
        return false;
    return learn(receiver, bit);
}

/* An equation for one more: a free one, or that which has waited for the oldest number. */
static struct fec_equation *room(struct fec_receiver *receiver)
{
    struct fec_equation *oldest = NULL;
    uint16_t age = 0;
    for (struct fec_equation *one = receiver->equations; one < receiver->equations + FEC_EQUATIONS; one++) {
        if (!one->used)
            return one;
        uint16_t behind = (uint16_t)((receiver->top - one->pivot) % FEC_NUMBERS);
        if (oldest == NULL || behind > age)
            oldest = one, age = behind;
    }
    receiver->useless++;
    return oldest;
}

bool fec_solve(struct fec_receiver *receiver, const uint8_t *payload, size_t length)
{
    struct fec_equation *made = &receiver->incoming;
    struct fec_bits mask;
    uint16_t base;
    uint32_t ssrc;
    receiver->repairs++;
    if (!fec_read(receiver->form, payload, length, &base, &ssrc, &mask, &made->sum)) {
        receiver->malformed++;
        return false;
    }
    uint16_t last = (uint16_t)(base + (mask.words[1] ? 127 - __builtin_clzll(mask.words[1])
                                                     : 63 - __builtin_clzll(mask.words[0])));
    if (!receiver->begun || (receiver->form == FEC_FLEX && ssrc != receiver->ssrc) ||
        (is_after(last, receiver->highest) && (uint16_t)(last - receiver->highest) > FEC_AHEAD) ||
        !(is_after(base, receiver->top) || within(receiver, base))) {
        receiver->useless++;
        return false;
    }
    move_to(receiver, last);
    if (!within(receiver, base)) {
        receiver->useless++;
        return false;
    }
    made->unknown = (struct fec_bits){{0, 0}};
    for (unsigned i = 0; i < FEC_SPAN; i++) {
        if (!has(&mask, i))
            continue;
        unsigned bit = place((uint16_t)(base + i));
        if (!has(&receiver->known, bit)) {
            set(&made->unknown, bit);
        } else if (receiver->packets[bit].length > made->sum.length) {
            receiver->malformed++; /* it protects its packets in part only */
            return false;
        } else {
            fec_add(&made->sum, &receiver->packets[bit]);
        }
    }
    for (struct fec_equation *one = receiver->equations; one < receiver->equations + FEC_EQUATIONS; one++)
        if (one->used && has(&made->unknown, one->pivot))
            add(made, one);
    if (none(&made->unknown)) {
        receiver->useless++;
        return false;
    }
    struct fec_equation *kept = room(receiver);
    *kept = *made;
    kept->used = true;
    turn(receiver, kept, lowest(&kept->unknown));
    return true;
}

size_t fec_recover(struct fec_receiver *receiver, uint8_t *out)
{
    for (struct fec_equation *one = receiver->equations; one < receiver->equations + FEC_EQUATIONS; one++) {
        if (!one->used || !single(&one->unknown))
            continue;
        unsigned bit = one->pivot;
        uint16_t number = (uint16_t)(receiver->top - (receiver->top - bit) % FEC_NUMBERS);
        size_t length = get16(one->sum.head + 6);
        one->used = false;
        out[0] = (uint8_t)((one->sum.head[0] & 0x3f) | 0x80), out[1] = one->sum.head[1];
        put16(out + 2, number);
        memcpy(out + 4, one->sum.head + 2, 4);
        put32(out + 8, receiver->ssrc);
        if (length > one->sum.length) { /* none of ours, or less of it is protected than there was */
            receiver->malformed++;
            continue;
        }
        memcpy(out + 12, one->sum.body, length);
        if (!fec_sum_of(&receiver->mutable, out, 12 + length, &receiver->packets[bit])) {
            receiver->malformed++;
            continue;
        }
        learn(receiver, bit);
        receiver->recovered++;
        return 12 + length;
    }
    return 0;
}
