#include "twcc.h"

#include <stdlib.h>
#include <string.h>

#include "rtp.h"

/* One-byte header extensions (RFC 8285 section 4.2). */
#define ONE_BYTE 0xbede
/* RTCP transport layer feedback (RFC 4585), and the format of this one. */
#define TRANSPORT_FEEDBACK 205
#define FORMAT_TWCC 15
/* Times are told in quarters of a millisecond, from a reference in steps of 64 ms with 24 bits. */
#define TICKS_PER_SECOND 4000
#define TICKS_PER_REFERENCE 256
#define REFERENCE_ROUND ((int64_t)1 << 24)
/* Octets before the chunks: RTCP header, two SSRCs, first number, count, reference, count of feedbacks. */
#define HEAD 20
/* Statuses of a packet (section 3.1.1). */
enum { MISSING = 0, SMALL = 1, LARGE = 2 };

bool twcc_begin(struct twcc *twcc, uint8_t id, uint16_t first)
{
    if (twcc->sent == NULL)
        twcc->sent = calloc(TWCC_KEPT, sizeof *twcc->sent);
    if (twcc->heard == NULL)
        twcc->heard = malloc(TWCC_KEPT * sizeof *twcc->heard);
    if (twcc->sent == NULL || twcc->heard == NULL) {
        twcc_end(twcc);
        return false;
    }
    twcc->id = id;
    twcc->next = first;
    return true;
}

void twcc_end(struct twcc *twcc)
{
    free(twcc->sent);
    free(twcc->heard);
    memset(twcc, 0, sizeof *twcc);
}

/* The header extension */

/* Where the extension's two octets stand in a block of elements; 0 where it is not. ``end`` is behind the last element.
 * False for a block that nothing can be added to. */
static bool find_element(const uint8_t *block, size_t size, uint8_t id, size_t *at, size_t *end)
{
    *at = *end = 0;
    for (size_t i = 0; i < size;) {
        if (block[i] == 0) {
            i++;
            continue;
        }
        size_t length = (size_t)(block[i] & 0x0f) + 1;
        if (block[i] >> 4 == 15 || i + 1 + length > size)
            return false;
        if (block[i] >> 4 == id && length == 2)
            *at = i + 1;
        i += 1 + length;
        *end = i;
    }
    return true;
}

/* Make room for the extension where it is not yet, and say where its octets are; 0 for what cannot carry it. */
static size_t make_place(uint8_t id, uint8_t *packet, size_t *length)
{
    size_t header = rtp_header_length(packet, *length), block = 12 + 4u * (packet[0] & 0x0f), at, end;
    if (header == 0)
        return 0;
    if (!(packet[0] & 0x10)) {
        memmove(packet + block + 8, packet + block, *length - block);
        packet[0] |= 0x10;
        put32(packet + block, (uint32_t)ONE_BYTE << 16 | 1);
        packet[block + 4] = (uint8_t)(id << 4 | 1);
        packet[block + 7] = 0;
        *length += 8;
        return block + 5;
    }
    uint16_t words = get16(packet + block + 2);
    uint8_t *elements = packet + block + 4;
    if (get16(packet + block) != ONE_BYTE || !find_element(elements, 4u * words, id, &at, &end))
        return 0;
    if (at > 0)
        return block + 4 + at;
    if (end + 3 > 4u * words) {
        if (words == UINT16_MAX)
            return 0;
        memmove(packet + header + 4, packet + header, *length - header);
        memset(packet + header, 0, 4);
        put16(packet + block + 2, (uint16_t)(words + 1));
        *length += 4;
    }
    elements[end] = (uint8_t)(id << 4 | 1);
    return block + 4 + end + 1;
}

bool twcc_counts(const struct twcc *twcc, uint32_t ssrc)
{
    for (size_t i = 0; i < twcc->uncounted_count; i++)
        if (twcc->uncounted[i] == ssrc)
            return false;
    return twcc->id != 0;
}

size_t twcc_stamp(struct twcc *twcc, uint8_t *packet, size_t length, double now)
{
    if (length < 12 || length > UINT16_MAX || !twcc_counts(twcc, get32(packet + 8)))
        return length;
    size_t size = length, at = make_place(twcc->id, packet, &length);
    if (at == 0)
        return size;
    put16(packet + at, twcc->next);
    twcc->sent[twcc->next % TWCC_KEPT] =
        (struct twcc_sent){.time = now, .number = twcc->next, .size = (uint16_t)length, .there = true};
    twcc->next++;
    return length;
}

/* What the peer tells */

/* A feedback message that has been looked through: all lies within its octets. */
struct told { uint16_t first, count; const uint8_t *chunks, *times; };

/* Statuses of one chunk: how many, and each by its place. */
static uint16_t chunk_size(uint16_t chunk)
{
    if (!(chunk & 0x8000))
        return chunk & 0x1fff;
    return chunk & 0x4000 ? 7 : 14;
}

static unsigned chunk_status(unsigned chunk, unsigned place)
{
    if (!(chunk & 0x8000))
        return chunk >> 13 & 3;
    return chunk & 0x4000 ? chunk >> (2 * (6 - place)) & 3 : chunk >> (13 - place) & 1;
}

static bool look_through(const uint8_t *packet, size_t length, struct told *told)
{
    if (length < HEAD)
        return false;
    *told = (struct told){get16(packet + 12), get16(packet + 14), packet + HEAD, NULL};
    size_t at = HEAD, times = 0;
    uint32_t count = 0;
    if (told->count == 0 || told->count > TWCC_MOST)
        return false;
    while (count < told->count) {
        if (at + 2 > length)
            return false;
        uint16_t chunk = get16(packet + at), size = chunk_size(chunk);
        at += 2;
        if (size == 0)
            return false;
        bool empty_run = !(chunk & 0x8000) && chunk_status(chunk, 0) == MISSING;
        for (uint16_t i = 0; !empty_run && i < size && count + i < told->count; i++) {
            unsigned status = chunk_status(chunk, i);
            if (status == 3)
                return false;
            times += status;
        }
        count += size;
        if (at + times > length)
            return false;
    }
    told->times = packet + at;
    return true;
}

/* The reference is told with 24 bits; its rounds are counted by what was told before. */
static int64_t unwrap_reference(struct twcc *twcc, const uint8_t *packet)
{
    int64_t told = (int64_t)packet[16] << 16 | packet[17] << 8 | packet[18];
    if (twcc->told) {
        int64_t distance = (told - twcc->reference) & (REFERENCE_ROUND - 1);
        told = twcc->reference + (distance < REFERENCE_ROUND / 2 ? distance : distance - REFERENCE_ROUND);
    }
    twcc->reference = told;
    return told;
}

static struct twcc_sent *sent_of(struct twcc *twcc, uint16_t number)
{
    struct twcc_sent *sent = &twcc->sent[number % TWCC_KEPT];
    return sent->there && sent->number == number ? sent : NULL;
}

/* How many from ``number`` on, ``count`` at most, are remembered no more, or not sent yet. */
static uint16_t forgotten(const struct twcc *twcc, uint16_t number, uint16_t count)
{
    if ((uint16_t)(twcc->next - 1 - number) < TWCC_KEPT)
        return 0;
    uint16_t distance = (uint16_t)(twcc->next - TWCC_KEPT - number);
    return distance < count ? distance : count;
}

static size_t note(struct twcc_sent *sent, enum twcc_fate fate, double arrival, struct twcc_result *results, size_t count,
                   size_t room)
{
    if (count == room)
        return count;
    sent->fate = (uint8_t)fate;
    results[count] = (struct twcc_result){sent->time, arrival, sent->size, fate};
    return count + 1;
}

/* Packets between what was told of before and what is told of now: that feedback is lost. */
static size_t pass_over(struct twcc *twcc, uint16_t first, struct twcc_result *results, size_t room)
{
    size_t count = 0;
    uint16_t gap = (uint16_t)(first - twcc->told_to);
    for (uint16_t i = 0; twcc->told && gap < TWCC_KEPT && i < gap; i++) {
        struct twcc_sent *sent = sent_of(twcc, (uint16_t)(twcc->told_to + i));
        if (sent != NULL && sent->fate == TWCC_UNTOLD) {
            count = note(sent, TWCC_UNTOLD, 0, results, count, room);
            sent->there = false;
        }
    }
    return count;
}

static size_t apply(struct twcc *twcc, const uint8_t *packet, const struct told *told, struct twcc_result *results,
                    size_t room)
{
    const uint8_t *chunks = told->chunks, *times = told->times;
    size_t count = pass_over(twcc, told->first, results, room);
    int64_t ticks = unwrap_reference(twcc, packet) * TICKS_PER_REFERENCE;
    for (uint32_t done = 0; done < told->count; chunks += 2) {
        uint16_t chunk = get16(chunks), size = chunk_size(chunk), passed = 0;
        /* Two octets may speak of 8191 packets that did not come: no time is spent on those that nobody remembers. */
        if (!(chunk & 0x8000) && chunk_status(chunk, 0) == MISSING)
            passed = size > TWCC_KEPT ? size : forgotten(twcc, (uint16_t)(told->first + done), size);
        done += passed;
        for (uint16_t i = passed; i < size && done < told->count; i++, done++) {
            unsigned status = chunk_status(chunk, i);
            struct twcc_sent *sent = sent_of(twcc, (uint16_t)(told->first + done));
            if (status == SMALL)
                ticks += *times++;
            else if (status == LARGE)
                ticks += (int16_t)get16(times), times += 2;
            if (sent == NULL || sent->fate >= TWCC_CAME)
                continue;
            enum twcc_fate came = sent->fate == TWCC_LOST ? TWCC_FOUND : TWCC_CAME;
            if (status != MISSING)
                count = note(sent, came, (double)ticks / TICKS_PER_SECOND, results, count, room);
            else if (sent->fate == TWCC_UNTOLD)
                count = note(sent, TWCC_LOST, 0, results, count, room);
        }
    }
    uint16_t end = (uint16_t)(told->first + told->count);
    if (!twcc->told || is_after(end, twcc->told_to))
        twcc->told_to = end;
    twcc->told = true;
    return count;
}

int twcc_take(struct twcc *twcc, const uint8_t *compound, size_t length, struct twcc_result *results, size_t room)
{
    size_t count = 0, feedbacks = 0;
    if (twcc->id == 0)
        return 0;
    for (size_t at = 0; at < length;) {
        const uint8_t *packet = compound + at;
        struct told told;
        if (length - at < 4 || packet[0] >> 6 != 2)
            return -1;
        size_t size = 4 * ((size_t)get16(packet + 2) + 1), whole = size;
        if (size > length - at)
            return -1;
        if (packet[0] & 0x20) {
            if (packet[size - 1] == 0 || packet[size - 1] > size - 4)
                return -1;
            whole = size - packet[size - 1];
        }
        if (packet[1] == TRANSPORT_FEEDBACK && (packet[0] & 0x1f) == FORMAT_TWCC) {
            if (!look_through(packet, whole, &told))
                return -1;
            if (++feedbacks > TWCC_FEEDBACKS)
                return (int)count;
            count += apply(twcc, packet, &told, results + count, room - count);
        }
        at += size;
    }
    return (int)count;
}

/* What the peer is told */

static int64_t unwrap_number(const struct twcc *twcc, uint16_t number)
{
    return twcc->highest + (int16_t)(uint16_t)(number - (uint16_t)twcc->highest);
}

static void begin_hearing(struct twcc *twcc, uint16_t number)
{
    for (size_t i = 0; i < TWCC_KEPT; i++)
        twcc->heard[i] = -1;
    twcc->begun = true;
    twcc->highest = twcc->unreported = number;
}

void twcc_hear(struct twcc *twcc, const uint8_t *packet, size_t length, double now)
{
    size_t block = 12 + 4u * (length > 0 ? packet[0] & 0x0f : 0), at, end;
    if (twcc->id == 0 || rtp_header_length(packet, length) == 0 || !(packet[0] & 0x10) || !(now >= 0 && now < 1e12))
        return;
    if (get16(packet + block) != ONE_BYTE ||
        !find_element(packet + block + 4, 4u * get16(packet + block + 2), twcc->id, &at, &end) || at == 0)
        return;
    uint16_t sixteen = get16(packet + block + 4 + at);
    if (!twcc->begun)
        begin_hearing(twcc, sixteen);
    int64_t number = unwrap_number(twcc, sixteen);
    if (number < twcc->highest - TWCC_KEPT + 1)
        return; /* too late to be of use */
    if (number - twcc->highest >= TWCC_KEPT) {
        begin_hearing(twcc, sixteen);
        number = sixteen;
    }
    for (int64_t i = twcc->highest + 1; i < number; i++)
        twcc->heard[(uint16_t)i % TWCC_KEPT] = -1;
    int64_t *place = &twcc->heard[(uint16_t)number % TWCC_KEPT];
    if (number <= twcc->highest && *place >= 0)
        return; /* heard before; what counts is when it came first */
    *place = (int64_t)(now * TICKS_PER_SECOND);
    twcc->ssrc = get32(packet + 8);
    if (number > twcc->highest)
        twcc->highest = number;
    /* Told once more from there on: it was said to be missing. */
    if (number < twcc->unreported)
        twcc->unreported = number;
    if (twcc->unreported < twcc->highest - TWCC_KEPT + 1)
        twcc->unreported = twcc->highest - TWCC_KEPT + 1;
}

/* Statuses to chunks: a run of one status where it fills more than a vector of seven would. */
static size_t write_chunks(const uint8_t *statuses, size_t count, uint8_t *out)
{
    size_t written = 0;
    for (size_t i = 0; i < count; written += 2) {
        size_t run = 1;
        uint16_t chunk = 0xc000;
        while (i + run < count && statuses[i + run] == statuses[i])
            run++;
        if (run >= 7) {
            chunk = (uint16_t)(statuses[i] << 13 | run); /* count is far below 8192 */
            i += run;
        } else {
            for (size_t j = 0; j < 7; j++, i++)
                chunk = (uint16_t)(chunk | (i < count ? statuses[i] : 0) << (2 * (6 - j)));
        }
        put16(out + written, chunk);
    }
    return written;
}

size_t twcc_write(struct twcc *twcc, uint32_t sender, uint8_t *out)
{
    uint8_t statuses[TWCC_SPOKEN], times[2 * TWCC_SPOKEN];
    size_t count = 0, size = 0;
    int64_t first = twcc->unreported, ticks = -1, reference = 0;
    if (twcc->id == 0 || !twcc->begun)
        return 0;
    /* Chunks take at most 2 octets for 7 packets, beside the head and what fills up the last word. */
    while (first + (int64_t)count <= twcc->highest && count < TWCC_SPOKEN &&
           HEAD + size + 2 + 2 * (count / 7 + 2) + 3 <= TWCC_LONGEST) {
        int64_t arrival = twcc->heard[(uint16_t)(first + (int64_t)count) % TWCC_KEPT];
        if (arrival < 0) {
            statuses[count++] = MISSING;
            continue;
        }
        if (ticks < 0) {
            reference = arrival / TICKS_PER_REFERENCE;
            ticks = reference * TICKS_PER_REFERENCE;
        }
        int64_t change = arrival - ticks;
        if (change < INT16_MIN || change > INT16_MAX)
            break; /* the next feedback begins with a reference of its own */
        if (change >= 0 && change <= UINT8_MAX) {
            statuses[count++] = SMALL;
            times[size++] = (uint8_t)change;
        } else {
            statuses[count++] = LARGE;
            put16(times + size, (uint16_t)change);
            size += 2;
        }
        ticks = arrival;
    }
    if (count == 0)
        return 0;
    twcc->unreported = first + (int64_t)count;
    if (size == 0)
        return twcc_write(twcc, sender, out); /* a long gap alone says nothing that what follows would not */
    size_t length = HEAD + write_chunks(statuses, count, out + HEAD);
    memcpy(out + length, times, size);
    length += size;
    while (length % 4 != 0)
        out[length++] = 0;
    out[0] = 0x80 | FORMAT_TWCC, out[1] = TRANSPORT_FEEDBACK;
    put16(out + 2, (uint16_t)(length / 4 - 1));
    put32(out + 4, sender);
    put32(out + 8, twcc->ssrc);
    put16(out + 12, (uint16_t)first);
    put16(out + 14, (uint16_t)count);
    put32(out + 16, (uint32_t)(reference & (REFERENCE_ROUND - 1)) << 8 | twcc->feedbacks++);
    return length;
}
