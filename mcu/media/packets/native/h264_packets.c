#include "h264_packets.h"

#include <stdlib.h>
#include <string.h>

#include "rtp.h"

/* Types of NAL units (ITU-T H.264 table 7-1) and of payloads (RFC 6184 table 1). */
enum { NAL_IDR = 5, NAL_SEI = 6, NAL_SPS = 7, NAL_PPS = 8, NAL_AUD = 9, NAL_LAST = 23, NAL_STAP_A = 24, NAL_FU_A = 28 };
enum { SEI_RECOVERY_POINT = 6 };

static const uint8_t START_CODE[4] = {0, 0, 0, 1};

/* Cutting */

/* Where the next start code of three octets begins, from ``at`` on; ``size`` where there is none. */
static size_t find_start(const uint8_t *data, size_t size, size_t at)
{
    size_t one = at + 2;
    while (one < size) {
        const uint8_t *found = memchr(data + one, 1, size - one);
        if (found == NULL)
            return size;
        if (found[-1] == 0 && found[-2] == 0)
            return (size_t)(found - data) - 2;
        one = (size_t)(found - data) + 1;
    }
    return size;
}

bool h264_next_unit(const uint8_t *data, size_t size, size_t *at, struct h264_unit *unit)
{
    size_t start = find_start(data, size, *at);
    while (start < size) {
        start += 3;
        size_t next = find_start(data, size, start), end = next;
        while (end > start && data[end - 1] == 0)
            end--;
        *at = next;
        if (end > start) {
            *unit = (struct h264_unit){start, end - start};
            return true;
        }
        start = next;
    }
    *at = size;
    return false;
}

/* Room for one more in an array of ``count``; false without memory. */
static bool make_room(void **array, size_t *room, size_t count, size_t each)
{
    if (count < *room)
        return true;
    size_t more = *room > 0 ? 2 * *room : 32;
    void *grown = realloc(*array, more * each);
    if (grown == NULL)
        return false;
    *array = grown, *room = more;
    return true;
}

static bool add_cut(struct h264_plan *plan, struct h264_cut cut)
{
    void *cuts = plan->cuts;
    if (!make_room(&cuts, &plan->cut_room, plan->cut_count, sizeof cut))
        return false;
    plan->cuts = cuts;
    plan->cuts[plan->cut_count++] = cut;
    return true;
}

static bool add_whole(struct h264_plan *plan, const struct h264_unit *unit)
{
    return add_cut(plan, (struct h264_cut){.at = unit->at, .length = unit->length, .size = unit->length});
}

/* One unit as it is, several as STAP-A with the highest importance of its members. */
static bool add_together(struct h264_plan *plan, const uint8_t *data, size_t first, size_t count)
{
    if (count == 0)
        return true;
    if (count == 1)
        return add_whole(plan, &plan->units[first]);
    struct h264_cut cut = {.first = first, .count = count, .size = 1, .head_length = 1};
    for (size_t i = first; i < first + count; i++) {
        uint8_t importance = data[plan->units[i].at] & 0x60;
        cut.head[0] = importance > cut.head[0] ? importance : cut.head[0];
        cut.size += 2 + plan->units[i].length;
    }
    cut.head[0] |= NAL_STAP_A;
    return add_cut(plan, cut);
}

/* FU-A fragments (section 5.8) of nearly equal size, so that none is left with a few octets. */
static bool add_parts(struct h264_plan *plan, const uint8_t *data, const struct h264_unit *unit, size_t mtu)
{
    size_t body = unit->length - 1, count = (body + mtu - 3) / (mtu - 2), size = (body + count - 1) / count;
    uint8_t indicator = (uint8_t)((data[unit->at] & 0xe0) | NAL_FU_A), kind = data[unit->at] & 0x1f;
    for (size_t done = 0; done < body;) {
        size_t length = body - done <= size ? body - done : size;
        uint8_t flags = (uint8_t)((done == 0 ? 0x80 : 0) | (done + length == body ? 0x40 : 0));
        struct h264_cut cut = {.at = unit->at + 1 + done, .length = length, .size = length + 2,
                               .head = {indicator, (uint8_t)(flags | kind)}, .head_length = 2};
        if (!add_cut(plan, cut))
            return false;
        done += length;
    }
    return true;
}

bool h264_plan(struct h264_plan *plan, const uint8_t *data, size_t size, int mode, size_t mtu)
{
    struct h264_unit unit;
    size_t at = 0, pending = 0, pending_size = 1;
    plan->unit_count = plan->cut_count = 0;
    while (h264_next_unit(data, size, &at, &unit)) {
        void *units = plan->units;
        bool large = unit.length > (mode == 1 ? mtu : H264_MAX_SINGLE);
        if (!make_room(&units, &plan->unit_room, plan->unit_count, sizeof unit))
            return false;
        plan->units = units;
        if (pending > 0 && pending_size + 2 + unit.length > mtu) {
            if (!add_together(plan, data, plan->unit_count - pending, pending))
                return false;
            pending = 0, pending_size = 1;
        }
        plan->units[plan->unit_count++] = unit;
        if (large || mode == 0) {
            if (!(large ? add_parts(plan, data, &unit, mtu) : add_whole(plan, &unit)))
                return false;
        } else {
            pending++;
            pending_size += 2 + unit.length;
        }
    }
    return add_together(plan, data, plan->unit_count - pending, pending);
}

void h264_plan_end(struct h264_plan *plan)
{
    free(plan->units);
    free(plan->cuts);
    memset(plan, 0, sizeof *plan);
}

void h264_write_cut(const struct h264_plan *plan, const struct h264_cut *cut, const uint8_t *data, uint8_t *out)
{
    memcpy(out, cut->head, cut->head_length);
    out += cut->head_length;
    if (cut->count == 0) {
        memcpy(out, data + cut->at, cut->length);
        return;
    }
    for (size_t i = cut->first; i < cut->first + cut->count; i++) {
        const struct h264_unit *unit = &plan->units[i];
        put16(out, (uint16_t)unit->length);
        memcpy(out + 2, data + unit->at, unit->length);
        out += 2 + unit->length;
    }
}

/* Joining */

void h264_reset(struct h264_picture *picture)
{
    picture_empty(&picture->buffer);
    picture->counted = picture->units = picture->delimiter_end = picture->sps_end = 0;
    picture->has_sps = picture->has_pps = picture->has_slice = picture->has_idr = picture->fragmenting = false;
    picture->clean_start = picture->damaged = picture->recovery_point = false;
}

static void forget_sets(struct h264_sets *sets)
{
    while (sets->count > 0)
        free(sets->set[--sets->count].data);
}

void h264_end(struct h264_picture *picture)
{
    picture_free(&picture->buffer);
    forget_sets(&picture->sps);
    forget_sets(&picture->pps);
}

/* The first ue(v) of up to 32 bits (H.264 section 9.1); -1 when there is none, which serves as an id too. */
static int64_t first_number(const uint8_t *data, size_t size)
{
    uint64_t bits = 0;
    unsigned width = 0, zeros = 0;
    for (size_t i = 0; i < size && i < 4; i++, width += 8)
        bits = bits << 8 | data[i];
    while (zeros < width && !(bits >> (width - zeros - 1) & 1))
        zeros++;
    if (2 * zeros + 1 > width)
        return -1;
    return (int64_t)(bits >> (width - 2 * zeros - 1)) - 1;
}

/* Keep a parameter set under its id; the oldest goes when a peer invents too many. False without memory. */
bool h264_remember(struct h264_picture *picture, const uint8_t *unit, size_t size)
{
    bool is_sps = size > 0 && (unit[0] & 0x1f) == NAL_SPS;
    size_t lead = is_sps ? 4 : 1, i = 0;
    struct h264_sets *sets = is_sps ? &picture->sps : &picture->pps;
    if (size == 0 || size > H264_MAX_SET_SIZE)
        return true;
    uint8_t *data = malloc(size);
    if (data == NULL)
        return false;
    memcpy(data, unit, size);
    struct h264_set made = {lead < size ? first_number(unit + lead, size - lead) : -1, size, data};
    while (i < sets->count && sets->set[i].identifier != made.identifier)
        i++;
    if (i < sets->count)
        free(sets->set[i].data);
    else
        sets->count++;
    sets->set[i] = made;
    if (sets->count > H264_MAX_SETS) {
        free(sets->set[0].data);
        memmove(&sets->set[0], &sets->set[1], --sets->count * sizeof *sets->set);
    }
    return true;
}

/* What cannot be kept is forgotten as a whole. */
static enum payload_fault give_up(struct h264_picture *picture, enum payload_fault fault)
{
    h264_reset(picture);
    picture->damaged = true;
    return fault;
}

/* Take a whole unit, or the first fragment of one: ``header`` is its first octet, ``rest`` what follows. */
static enum payload_fault begin_unit(struct h264_picture *picture, uint8_t header, const uint8_t *rest, size_t size)
{
    unsigned kind = header & 0x1f;
    bool first = picture->units == 0, whole = !picture->fragmenting;
    if (kind <= NAL_IDR) {
        /* first_mb_in_slice is the first Exp-Golomb number of a slice: a leading one bit means macroblock 0. */
        if (first)
            picture->clean_start = size > 0 && rest[0] > 127;
        picture->has_slice = true;
        picture->has_idr = picture->has_idr || kind == NAL_IDR;
    } else {
        picture->clean_start = picture->clean_start || first;
        if (kind == NAL_SEI && size > 0 && rest[0] == SEI_RECOVERY_POINT)
            picture->recovery_point = true;
    }
    size_t start = picture->buffer.length;
    if (!picture_add(&picture->buffer, START_CODE, sizeof START_CODE) || !picture_add(&picture->buffer, &header, 1) ||
        !picture_add(&picture->buffer, rest, size))
        return give_up(picture, PAYLOAD_NO_MEMORY);
    size_t end = picture->buffer.length;
    if (whole && first && kind == NAL_AUD)
        picture->delimiter_end = end;
    if (whole && (kind == NAL_SPS || kind == NAL_PPS)) {
        if (!h264_remember(picture, picture->buffer.data + start + sizeof START_CODE, size + 1))
            return give_up(picture, PAYLOAD_NO_MEMORY);
        if (kind == NAL_SPS && !picture->has_sps)
            picture->sps_end = end;
        picture->has_sps = picture->has_sps || kind == NAL_SPS;
        picture->has_pps = picture->has_pps || kind == NAL_PPS;
    }
    picture->units++;
    picture->counted += size + 1 + sizeof START_CODE;
    bool large = picture->counted > PICTURE_LONGEST || picture->units > H264_MAX_UNITS;
    return large ? give_up(picture, PAYLOAD_TOO_LARGE) : PAYLOAD_SOUND;
}

static enum payload_fault push_aggregate(struct h264_picture *picture, const uint8_t *payload, size_t size)
{
    for (size_t at = 1; at + 2 <= size;) {
        size_t length = get16(payload + at);
        at += 2;
        if (length > size - at) {
            picture->damaged = true;
            return H264_AGGREGATE_CUT;
        }
        enum payload_fault fault =
            length > 0 ? begin_unit(picture, payload[at], payload + at + 1, length - 1) : PAYLOAD_SOUND;
        if (fault != PAYLOAD_SOUND)
            return fault;
        at += length;
    }
    return PAYLOAD_SOUND;
}

static enum payload_fault push_fragment(struct h264_picture *picture, const uint8_t *payload, size_t size)
{
    uint8_t flags = payload[1];
    if (flags & 0x80) {
        picture->damaged = picture->damaged || picture->fragmenting;
        if (size < 3) {
            picture->damaged = true;
            return H264_NO_FRAGMENT;
        }
        picture->fragmenting = !(flags & 0x40);
        return begin_unit(picture, (uint8_t)((payload[0] & 0xe0) | (flags & 0x1f)), payload + 2, size - 2);
    }
    if (!picture->fragmenting) {
        picture->damaged = true;
        return PAYLOAD_SOUND;
    }
    if (!picture_add(&picture->buffer, payload + 2, size - 2))
        return give_up(picture, PAYLOAD_NO_MEMORY);
    picture->counted += size;
    picture->fragmenting = !(flags & 0x40);
    return picture->counted > PICTURE_LONGEST ? give_up(picture, PAYLOAD_TOO_LARGE) : PAYLOAD_SOUND;
}

enum payload_fault h264_push(struct h264_picture *picture, const uint8_t *payload, size_t size)
{
    if (size < 2) {
        picture->damaged = true;
        return H264_SHORT;
    }
    unsigned kind = payload[0] & 0x1f;
    if (kind == NAL_FU_A)
        return push_fragment(picture, payload, size);
    if (picture->fragmenting) {
        picture->fragmenting = false;
        picture->damaged = true;
    }
    if (kind >= 1 && kind <= NAL_LAST)
        return begin_unit(picture, payload[0], payload + 1, size - 1);
    if (kind == NAL_STAP_A)
        return push_aggregate(picture, payload, size);
    picture->damaged = true;
    return H264_UNKNOWN;
}

bool h264_is_empty(const struct h264_picture *picture) { return picture->units == 0 && !picture->damaged; }

static size_t sets_size(const struct h264_sets *sets)
{
    size_t size = 0;
    for (size_t i = 0; i < sets->count; i++)
        size += sizeof START_CODE + sets->set[i].length;
    return size;
}

static uint8_t *write_sets(const struct h264_sets *sets, uint8_t *out)
{
    for (size_t i = 0; i < sets->count; i++) {
        memcpy(out, START_CODE, sizeof START_CODE);
        memcpy(out + sizeof START_CODE, sets->set[i].data, sets->set[i].length);
        out += sizeof START_CODE + sets->set[i].length;
    }
    return out;
}

size_t h264_taken_size(const struct h264_picture *picture)
{
    size_t size = picture->buffer.length;
    if (picture->has_idr && !picture->has_sps)
        size += sets_size(&picture->sps);
    if (picture->has_idr && !picture->has_pps)
        size += sets_size(&picture->pps);
    return size;
}

void h264_take(struct h264_picture *picture, uint8_t *out)
{
    const struct picture_buffer *buffer = &picture->buffer;
    /* A PPS refers to an SPS, so the SPS of memory go before everything and the PPS of memory behind the SPS given. */
    size_t at = picture->has_sps ? picture->sps_end : picture->delimiter_end;
    if (at > 0)
        memcpy(out, buffer->data, at);
    out += at;
    if (picture->has_idr && !picture->has_sps)
        out = write_sets(&picture->sps, out);
    if (picture->has_idr && !picture->has_pps)
        out = write_sets(&picture->pps, out);
    if (buffer->length > at)
        memcpy(out, buffer->data + at, buffer->length - at);
    h264_reset(picture);
}
