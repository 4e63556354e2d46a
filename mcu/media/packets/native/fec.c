/* Repair packets: what they protect, how they are written, and how they are read. */
#include "fec.h"

#include <string.h>

#include "rtp.h"

enum { FLEX_FIXED = 18, ULP_FIXED = 12 };
/* Bits of the three parts of a FlexFEC mask (section 4.2.2.1), and octets of the header that ends with each. */
static const struct { uint8_t bits, header; } parts[] = {{15, 20}, {46, 24}, {109, 32}};

void fec_add(struct fec_sum *sum, const struct fec_sum *other)
{
    for (size_t i = 0; i < sizeof sum->head; i++)
        sum->head[i] ^= other->head[i];
    size_t i = 0;
    for (; i + 8 <= other->length; i += 8) {
        uint64_t a, b;
        memcpy(&a, sum->body + i, 8), memcpy(&b, other->body + i, 8);
        a ^= b;
        memcpy(sum->body + i, &a, 8);
    }
    for (; i < other->length; i++)
        sum->body[i] ^= other->body[i];
    if (other->length > sum->length)
        sum->length = other->length;
}

/* Header extensions that say how a packet travelled are not the same at both ends: they count as zero. */
static void clear_mutable(const struct fec_extensions *mutable, struct fec_sum *sum)
{
    size_t at = 4u * (sum->head[0] & 0x0f);
    if (mutable->count == 0 || !(sum->head[0] & 0x10) || at + 4 > sum->length)
        return;
    size_t end = at + 4 + 4u * get16(sum->body + at + 2);
    bool one = get16(sum->body + at) == 0xbede, two = (sum->body[at] << 8 | (sum->body[at + 1] & 0xf0)) == 0x1000;
    if (end > sum->length || (!one && !two))
        return;
    for (at += 4; at < end;) {
        uint8_t lead = sum->body[at++];
        if (lead == 0)
            continue;
        size_t id = one ? lead >> 4 : lead, size = one ? (lead & 0x0fu) + 1u : 0;
        if (one && id == 15)
            return;
        if (two) {
            if (at >= end)
                return;
            size = sum->body[at++];
        }
        if (size > end - at)
            return;
        for (size_t i = 0; i < mutable->count; i++)
            if (mutable->ids[i] == id)
                memset(sum->body + at, 0, size);
        at += size;
    }
}

bool fec_sum_of(const struct fec_extensions *mutable, const uint8_t *packet, size_t length, struct fec_sum *sum)
{
    if (length > FEC_LONGEST || rtp_header_length(packet, length) == 0)
        return false;
    sum->length = (uint16_t)(length - 12);
    memcpy(sum->head, packet, 2);
    memcpy(sum->head + 2, packet + 4, 4);
    put16(sum->head + 6, sum->length);
    memcpy(sum->body, packet + 12, sum->length);
    memset(sum->body + sum->length, 0, sizeof sum->body - sum->length);
    clear_mutable(mutable, sum);
    return true;
}

void fec_begin_sender(struct fec_sender *sender, enum fec_form form, uint64_t seed)
{
    sender->form = form;
    sender->count = sender->next = sender->fresh = 0;
    sender->mutable.count = 0;
    sender->chance = seed;
}

bool fec_protect(struct fec_sender *sender, const uint8_t *packet, size_t length)
{
    struct fec_sum *sum = &sender->packets[sender->next].sum;
    if (!fec_sum_of(&sender->mutable, packet, length, sum))
        return false;
    uint32_t ssrc = get32(packet + 8);
    if (sender->count > 0 && ssrc != sender->ssrc)
        return false;
    sender->ssrc = ssrc;
    sender->packets[sender->next].number = get16(packet + 2);
    sender->next = (sender->next + 1) % FEC_WINDOW;
    sender->count += sender->count < FEC_WINDOW;
    sender->fresh += sender->fresh < FEC_WINDOW;
    return true;
}

/* splitmix64: what it gives is the same everywhere, so that masks can be foretold. */
static uint64_t draw(uint64_t *state)
{
    uint64_t value = *state += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static size_t write_flex(const struct fec_sum *sum, uint32_t ssrc, uint16_t base, uint64_t mask, uint8_t *out)
{
    bool wide = mask >> 15 != 0; /* bit n of ``mask`` is number base + n */
    out[0] = sum->head[0] & 0x3f, out[1] = sum->head[1]; /* R and F are 0: a mask follows */
    memcpy(out + 2, sum->head + 6, 2);
    memcpy(out + 4, sum->head + 2, 4);
    put32(out + 8, UINT32_C(1) << 24); /* one SSRC */
    put32(out + 12, ssrc);
    put16(out + 16, base);
    uint16_t first = wide ? 0 : 0x8000;
    for (unsigned bit = 0; bit < 15; bit++)
        first = (uint16_t)(first | (mask >> bit & 1) << (14 - bit));
    put16(out + 18, first);
    if (!wide)
        return parts[0].header;
    uint32_t second = UINT32_C(1) << 31;
    for (unsigned bit = 15; bit < 46; bit++)
        second |= (uint32_t)(mask >> bit & 1) << (45 - bit);
    put32(out + 20, second);
    return parts[1].header;
}

static size_t write_ulp(const struct fec_sum *sum, uint16_t base, uint64_t mask, uint8_t *out)
{
    bool wide = mask >> 16 != 0;
    out[0] = (uint8_t)((sum->head[0] & 0x3f) | (wide ? 0x40 : 0)), out[1] = sum->head[1];
    put16(out + 2, base);
    memcpy(out + 4, sum->head + 2, 6); /* timestamp, then length */
    put16(out + 10, sum->length);
    memset(out + ULP_FIXED, 0, 6);
    for (unsigned bit = 0; bit < (wide ? 48 : 16); bit++)
        out[ULP_FIXED + bit / 8] = (uint8_t)(out[ULP_FIXED + bit / 8] | (mask >> bit & 1) << (7 - bit % 8));
    return ULP_FIXED + (wide ? 6u : 2u);
}

size_t fec_repair(struct fec_sender *sender, size_t window, uint8_t *out)
{
    if (sender->count == 0)
        return 0;
    size_t count = window < 1 ? 1 : window < sender->count ? window : sender->count, oldest = 0;
    uint16_t newest = sender->packets[(sender->next + FEC_WINDOW - 1) % FEC_WINDOW].number;
    /* Those that one mask can name with the newest; others are left out, as far back as there was a jump. */
    while (count > 1) {
        oldest = (sender->next + FEC_WINDOW - count) % FEC_WINDOW;
        if ((uint16_t)(newest - sender->packets[oldest].number) < FEC_WINDOW)
            break;
        count--;
    }
    oldest = (sender->next + FEC_WINDOW - count) % FEC_WINDOW;
    uint64_t all = (UINT64_C(1) << count) - 1, chosen = draw(&sender->chance) & all;
    size_t old = sender->fresh < count ? count - sender->fresh : 0;
    chosen |= all >> old << old;
    if (chosen == 0)
        chosen = UINT64_C(1) << (count - 1);
    sender->fresh = 0;
    while (!(chosen & 1))
        chosen >>= 1, oldest = (oldest + 1) % FEC_WINDOW;
    struct fec_sum sum = {.length = 0};
    uint16_t base = sender->packets[oldest].number;
    uint64_t mask = 0;
    for (size_t i = 0; chosen >> i; i++) {
        if (!(chosen >> i & 1))
            continue;
        size_t at = (oldest + i) % FEC_WINDOW;
        uint16_t distance = (uint16_t)(sender->packets[at].number - base);
        if (distance >= FEC_WINDOW || mask >> distance & 1)
            continue; /* numbers that went back */
        mask |= UINT64_C(1) << distance;
        fec_add(&sum, &sender->packets[at].sum);
    }
    size_t header = sender->form == FEC_FLEX ? write_flex(&sum, sender->ssrc, base, mask, out)
                                             : write_ulp(&sum, base, mask, out);
    memcpy(out + header, sum.body, sum.length);
    return header + sum.length;
}

static void set(struct fec_bits *mask, unsigned bit) { mask->words[bit / 64] |= UINT64_C(1) << bit % 64; }

/* The mask of FlexFEC: three parts with a bit before each that says whether it is the last. */
static size_t read_flex_mask(const uint8_t *payload, size_t length, struct fec_bits *mask)
{
    unsigned bit = 0;
    size_t at = FLEX_FIXED;
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++) {
        if (length < parts[part].header)
            return 0;
        bool last = payload[at] & 0x80;
        for (unsigned place = 1; bit < parts[part].bits; bit++, place++)
            if (payload[at + place / 8] & 0x80u >> place % 8)
                set(mask, bit);
        at = parts[part].header;
        if (last)
            return at;
    }
    return 0;
}

bool fec_read(enum fec_form form, const uint8_t *payload, size_t length, uint16_t *base, uint32_t *ssrc,
              struct fec_bits *mask, struct fec_sum *sum)
{
    *mask = (struct fec_bits){{0, 0}};
    size_t header;
    if (form == FEC_FLEX) {
        /* Retransmissions, fixed matrices and several streams at once are not of what browsers speak. */
        if (length < FLEX_FIXED || payload[0] & 0xc0 || payload[8] != 1)
            return false;
        header = read_flex_mask(payload, length, mask);
        if (header == 0)
            return false;
        *ssrc = get32(payload + 12), *base = get16(payload + 16);
        memcpy(sum->head + 6, payload + 2, 2);
        memcpy(sum->head + 2, payload + 4, 4);
        if (length - header > FEC_BODY)
            return false;
        sum->length = (uint16_t)(length - header);
    } else {
        bool wide = length > 0 && payload[0] & 0x40;
        header = ULP_FIXED + (wide ? 6u : 2u);
        if (length < header || payload[0] & 0x80)
            return false;
        for (unsigned bit = 0; bit < (wide ? 48 : 16); bit++)
            if (payload[ULP_FIXED + bit / 8] & 0x80u >> bit % 8)
                set(mask, bit);
        *ssrc = 0, *base = get16(payload + 2);
        memcpy(sum->head + 2, payload + 4, 6);
        sum->length = get16(payload + 10);
        if (sum->length > length - header || sum->length > FEC_BODY)
            return false; /* what further levels may carry behind it is left out */
    }
    if (!(mask->words[0] | mask->words[1]))
        return false;
    sum->head[0] = payload[0] & 0x3f, sum->head[1] = payload[1];
    memcpy(sum->body, payload + header, sum->length);
    memset(sum->body + sum->length, 0, sizeof sum->body - sum->length);
    return true;
}
