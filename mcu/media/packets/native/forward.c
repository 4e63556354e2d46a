#include "forward.h"

#include "outlet_sound.h"

#include <stdlib.h>
#include <string.h>

/* A gap larger than this is a sender that began anew, not loss (RFC 3550 appendix A.1, MAX_DROPOUT). */
#define MAX_DROPOUT 3000
/* The first number of a source is remembered this far behind, since numbers compare over half the circle only. */
#define FIRST_LAGS 0x4000
/* A packet is asked for so often, then it is given up. */
#define MAX_ASKED 8
/* Room for kept packets is taken in steps of so many octets. */
#define KEPT_STEP 64
/* Longest time that timestamps are moved on by between two sources, in seconds: after that no receiver cares. */
#define MAX_PASSED 3600.0

/* Sources */

void source_begin(struct source *source, enum rtp_codec codec, uint32_t ssrc, uint32_t clock_rate)
{
    memset(source, 0, sizeof *source);
    source->codec = codec, source->ssrc = ssrc, source->clock_rate = clock_rate;
}

static void detach(struct source *source, const struct outlet *outlet)
{
    for (size_t i = 0; source != NULL && i < source->outlet_count; i++)
        if (source->outlets[i] == outlet) {
            source->outlets[i] = source->outlets[--source->outlet_count];
            return;
        }
}

static bool attach(struct source *source, struct outlet *outlet)
{
    for (size_t i = 0; i < source->outlet_count; i++)
        if (source->outlets[i] == outlet)
            return true;
    if (source->outlet_count == source->outlet_room) {
        size_t room = source->outlet_room ? 2 * source->outlet_room : 8;
        struct outlet **outlets = realloc(source->outlets, room * sizeof *outlets);
        if (outlets == NULL)
            return false;
        source->outlets = outlets, source->outlet_room = room;
    }
    source->outlets[source->outlet_count++] = outlet;
    return true;
}

void source_end(struct source *source)
{
    while (source->outlet_count > 0) {
        struct outlet *outlet = source->outlets[--source->outlet_count];
        if (outlet->source == source)
            outlet->source = NULL;
        if (outlet->wanted == source)
            outlet->wanted = NULL;
    }
    free(source->outlets);
    for (size_t i = 0; source->kept != NULL && i < FORWARD_KEPT; i++)
        free(source->kept[i].data);
    free(source->kept);
    source->outlets = NULL, source->kept = NULL;
}

/* Keep a packet for those who will lose it; false when it was there before. */
static bool keep(struct source *source, uint16_t sequence, const uint8_t *packet, size_t length)
{
    if (source->kept == NULL)
        source->kept = calloc(FORWARD_KEPT, sizeof *source->kept);
    if (source->kept == NULL)
        return true; /* without memory packets go on all the same, but nobody gets one again */
    struct kept *place = &source->kept[sequence % FORWARD_KEPT];
    if (place->there && place->sequence == sequence)
        return false;
    if (source->outlet_count == 0) {
        length = 0;
    } else if (place->room < length) {
        /* Places grow as the stream's packets need it: those of sound are small. */
        size_t room = (length + KEPT_STEP - 1) / KEPT_STEP * KEPT_STEP;
        uint8_t *data = realloc(place->data, room);
        if (data == NULL)
            length = 0;
        else
            place->data = data, place->room = (uint16_t)room;
    }
    place->sequence = sequence, place->length = (uint16_t)length, place->there = true;
    if (length > 0)
        memcpy(place->data, packet, length);
    return true;
}

static void forget_missing(struct source *source, size_t index)
{
    source->missing_count--;
    memmove(&source->missing[index], &source->missing[index + 1],
            (source->missing_count - index) * sizeof *source->missing);
}

static void found(struct source *source, uint16_t sequence)
{
    for (size_t i = 0; i < source->missing_count; i++)
        if (source->missing[i].sequence == sequence) {
            source->recovered++;
            forget_missing(source, i);
            return;
        }
}

/* All between the highest number so far and this one are missing. */
static void note_missing(struct source *source, uint16_t sequence)
{
    uint16_t lost = (uint16_t)(sequence - source->highest - 1);
    source->lost += lost;
    if (lost >= FORWARD_MISSING) {
        lost = FORWARD_MISSING;
        source->missing_count = 0;
    }
    while (source->missing_count + lost > FORWARD_MISSING)
        forget_missing(source, 0);
    for (; lost > 0; lost--)
        source->missing[source->missing_count++] = (struct missing){.sequence = (uint16_t)(sequence - lost)};
}

static void begin_anew(struct source *source, uint16_t sequence)
{
    source->begun = true;
    source->beginnings++;
    source->highest = sequence;
    source->cycles = 0;
    source->missing_count = 0;
    for (size_t i = 0; source->kept != NULL && i < FORWARD_KEPT; i++)
        source->kept[i].there = false;
}

/* The marker ends a picture (RFC 6184 section 5.1, RFC 7741 section 4.1). */
static void note_end(struct source *source, const uint8_t *packet)
{
    if (source->codec == CODEC_OTHER || get16(packet + 2) != source->highest)
        return;
    source->torn = (packet[1] & 0x80) == 0;
    source->spread &= source->torn;
}

static void note_head(struct source *source, const uint8_t *payload, size_t size)
{
    size_t start, length;
    if (!rtp_picture_head(source->codec, payload, size, &start, &length))
        return;
    source->head_size = length < FORWARD_HEAD ? length : FORWARD_HEAD;
    memcpy(source->head, payload + start, source->head_size);
}

bool source_receive(struct source *source, const uint8_t *packet, size_t length, double now)
{
    size_t start, size;
    if (length > FORWARD_LONGEST || !rtp_payload(packet, length, &start, &size))
        return false;
    uint16_t sequence = get16(packet + 2);
    int distance = (int16_t)(uint16_t)(sequence - source->highest);
    if (!source->begun || distance > MAX_DROPOUT || distance < -MAX_DROPOUT) {
        begin_anew(source, sequence);
    } else if (distance > 0) {
        note_missing(source, sequence);
        source->cycles += sequence < source->highest;
        source->highest = sequence;
    } else if (distance <= -FORWARD_KEPT) {
        return false; /* too late to be of use, and to be told from a repetition */
    }
    if (!keep(source, sequence, packet, length))
        return false;
    if (distance < 0)
        found(source, sequence);
    source->packets++;
    source->octets += size;
    source->last_arrival = now;
    source->last_timestamp = get32(packet + 4);
    source->payload_type = packet[1] & 0x7f;
    note_end(source, packet);
    if (source->codec != CODEC_OTHER && rtp_begins_key_frame(source->codec, packet + start, size)) {
        source->key_frames++;
        note_head(source, packet + start, size);
    }
    return true;
}

void source_is_sound(struct source *source, uint8_t sound_type, uint8_t redundant_type)
{
    source->is_sound = true;
    source->sound_type = sound_type, source->redundant_type = redundant_type;
}

size_t source_unwrap(const struct source *source, uint8_t *packet, size_t length)
{
    size_t start, size;
    if (!source->begun || !rtp_payload(packet, length, &start, &size) || size < 2)
        return 0; /* padding alone probes for bandwidth */
    int distance = (int16_t)(uint16_t)(get16(packet + start) - source->highest);
    if (distance > MAX_DROPOUT || distance < -MAX_DROPOUT)
        return 0; /* what is repeated has been sent lately; it begins nothing anew */
    put16(packet + 2, get16(packet + start));
    put32(packet + 8, source->ssrc);
    packet[1] = (uint8_t)((packet[1] & 0x80) | source->payload_type);
    memmove(packet + start, packet + start + 2, length - start - 2);
    return length - 2;
}

size_t source_requests(struct source *source, double now, double wait, uint16_t *sequences, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < source->missing_count && count < room;) {
        struct missing *missing = &source->missing[i];
        if (missing->asked > 0 && now - missing->last_asked < wait) {
            i++;
        } else if (missing->asked == MAX_ASKED) {
            forget_missing(source, i);
        } else {
            missing->asked++;
            missing->last_asked = now;
            sequences[count++] = missing->sequence;
            i++;
        }
    }
    return count;
}

/* Outlets */

void outlet_begin(struct outlet *outlet, uint32_t ssrc, uint8_t payload_type, uint32_t rtx_ssrc,
                  uint8_t rtx_payload_type, uint16_t first_sequence)
{
    memset(outlet, 0, sizeof *outlet);
    outlet->ssrc = ssrc, outlet->rtx_ssrc = rtx_ssrc;
    for (size_t i = 0; i < RTP_CODECS; i++)
        outlet->carried[i] = (struct carriage){payload_type, rtx_payload_type, 0};
    outlet->highest = (uint16_t)(first_sequence - 1);
    outlet->rtx_sequence = first_sequence;
}

void outlet_end(struct outlet *outlet)
{
    detach(outlet->source, outlet);
    detach(outlet->wanted, outlet);
    outlet->source = outlet->wanted = NULL;
}

void outlet_carry(struct outlet *outlet, enum rtp_codec codec, struct carriage carriage)
{
    outlet->carried[codec] = carriage;
}

bool outlet_waits(const struct outlet *outlet)
{
    return outlet->wanted != NULL || (outlet->source != NULL && outlet->beginnings != outlet->source->beginnings);
}

bool outlet_route(struct outlet *outlet, struct source *source)
{
    if (source == NULL) {
        outlet_end(outlet);
        return true;
    }
    if (outlet->wanted != NULL && outlet->wanted != outlet->source)
        detach(outlet->wanted, outlet);
    outlet->wanted = NULL;
    if (outlet->source == source)
        return true;
    if (!attach(source, outlet))
        return false;
    outlet->wanted = source;
    return true;
}

/* From here on the outlet is fed by ``source``, whose first packet this is. Sequence numbers go on by one; timestamps by the
 * time that has passed, so that the receiver's clock does not jump. */
static void go_over(struct outlet *outlet, struct source *source, const uint8_t *packet, const uint8_t *payload,
                    size_t size, double now)
{
    struct vp8_places places;
    if (outlet->source != source)
        detach(outlet->source, outlet);
    outlet->source = source;
    outlet->carriage = outlet->carried[source->codec];
    outlet->beginnings = source->beginnings;
    if (outlet->wanted == source)
        outlet->wanted = NULL;
    outlet->first = (uint16_t)(outlet->highest + 1);
    outlet->sequence_offset = (uint16_t)(outlet->first - get16(packet + 2));
    outlet->turn++;
    if (outlet->begun) {
        double passed = now > outlet->last_sent ? now - outlet->last_sent : 0;
        passed = passed < MAX_PASSED ? passed : MAX_PASSED;
        uint32_t step = (uint32_t)(passed * source->clock_rate + 0.5);
        outlet->timestamp_offset = outlet->last_timestamp + (step > 0 ? step : 1) - get32(packet + 4);
    }
    if (source->codec == CODEC_VP8 && vp8_find(payload, size, &places)) {
        if (places.picture_id) {
            const uint8_t *at = payload + places.picture_id;
            uint16_t number = places.long_picture_id ? get16(at) & 0x7fff : *at & 0x7f;
            outlet->picture_id_offset = outlet->begun ? (uint16_t)(outlet->last_picture_id + 1 - number) : 0;
        }
        if (places.tl0)
            outlet->tl0_offset = outlet->begun ? (uint8_t)(outlet->last_tl0 + 1 - payload[places.tl0]) : 0;
    }
    outlet->begun = true;
}

static void renumber_vp8(struct outlet *outlet, uint8_t *payload, size_t size, bool newest)
{
    struct vp8_places places;
    if (!vp8_find(payload, size, &places))
        return;
    if (places.picture_id) {
        uint8_t *at = payload + places.picture_id;
        uint16_t number;
        if (places.long_picture_id) {
            number = (uint16_t)(((get16(at) & 0x7fff) + outlet->picture_id_offset) & 0x7fff);
            put16(at, (uint16_t)(0x8000 | number));
        } else {
            number = (uint16_t)((*at + outlet->picture_id_offset) & 0x7f);
            *at = (uint8_t)number;
        }
        if (newest)
            outlet->last_picture_id = number;
    }
    if (places.tl0) {
        payload[places.tl0] = (uint8_t)(payload[places.tl0] + outlet->tl0_offset);
        if (newest)
            outlet->last_tl0 = payload[places.tl0];
    }
}

static size_t write_header(const struct outlet *outlet, const uint8_t *packet, uint16_t sequence, uint8_t *out)
{
    /* Extensions, CSRCs and padding are between the sender and us. */
    out[0] = 0x80;
    out[1] = (uint8_t)((packet[1] & 0x80) | outlet->carriage.payload_type);
    put16(out + 2, sequence);
    put32(out + 4, get32(packet + 4) + outlet->timestamp_offset);
    put32(out + 8, outlet->ssrc);
    return 12;
}

/* abs-send-time: 24 bits, of which 18 are behind the point (RFC 8285 section 4.2 for the form of the extension). */
static uint32_t stamp_of(const struct outlet *outlet, double now)
{
    uint32_t time = now >= 0 && now < 1e12 ? (uint32_t)((uint64_t)(now * 262144) & 0xffffff) : 0;
    return outlet->send_time_id == 0 ? 0 : (uint32_t)(outlet->send_time_id << 4 | 2) << 24 | time;
}

static size_t write_stamp(uint32_t stamp, uint8_t *out)
{
    if (stamp == 0)
        return 0;
    out[0] |= 0x10;
    put32(out + 12, 0xbede0001);
    put32(out + 16, stamp);
    return 8;
}

size_t outlet_write(struct outlet *outlet, struct source *source, const uint8_t *packet, size_t length, double now,
                    uint8_t *out)
{
    size_t start, size;
    if (!rtp_payload(packet, length, &start, &size) || !outlet_carries(source, packet, packet + start, size))
        return 0;
    /* A source whose numbers begin anew is a new one: its old ones have been used here. */
    bool feeds = outlet->source == source && outlet->beginnings == source->beginnings;
    if ((outlet->wanted == source || (outlet->source == source && !feeds)) &&
        rtp_begins_key_frame(source->codec, packet + start, size)) {
        go_over(outlet, source, packet, packet + start, size, now);
        feeds = true;
    }
    if (!feeds)
        return 0;
    uint16_t incoming = get16(packet + 2), outgoing = (uint16_t)(incoming + outlet->sequence_offset);
    bool newest = outlet->packets == 0 || is_after(outgoing, outlet->highest);
    if (is_after(outlet->first, outgoing))
        return 0; /* its number belongs to the source before, or to what nobody was to get */
    if ((uint16_t)(outgoing - outlet->first) > FIRST_LAGS)
        outlet->first = (uint16_t)(outgoing - FIRST_LAGS);
    outlet->origins[outgoing % FORWARD_KEPT] = (struct origin){outgoing, incoming, outlet->turn, stamp_of(outlet, now)};
    size_t header = write_header(outlet, packet, outgoing, out);
    header += write_stamp(outlet->origins[outgoing % FORWARD_KEPT].stamp, out);
    if (source->is_sound)
        size = outlet_write_sound(outlet, source, packet, packet + start, size, out, header);
    else
        memcpy(out + header, packet + start, size);
    if (source->codec == CODEC_VP8)
        renumber_vp8(outlet, out + header, size, newest);
    if (newest) {
        outlet->highest = outgoing;
        outlet->last_timestamp = get32(out + 4);
        outlet->last_sent = now;
    }
    outlet->packets++;
    outlet->octets += size;
    return header + size;
}

size_t outlet_rewrite(struct outlet *outlet, uint16_t sequence, uint8_t *out)
{
    const struct origin *origin = &outlet->origins[sequence % FORWARD_KEPT];
    struct source *source = outlet->source;
    /* After a change of source, what it sent is gone: the key frame of the new one makes it needless. */
    if (source == NULL || outlet->turn == 0 || origin->turn != outlet->turn || origin->outgoing != sequence ||
        outlet->beginnings != source->beginnings || source->kept == NULL || source->is_sound)
        return 0; /* sound would come too late */
    const struct kept *kept = &source->kept[origin->incoming % FORWARD_KEPT];
    size_t start, size;
    if (!kept->there || kept->sequence != origin->incoming || kept->length == 0 ||
        !rtp_payload(kept->data, kept->length, &start, &size))
        return 0;
    size_t header = write_header(outlet, kept->data, sequence, out);
    if (outlet->rtx_ssrc != 0 && outlet->carriage.rtx != 0) {
        out[1] = (uint8_t)((out[1] & 0x80) | outlet->carriage.rtx);
        put16(out + 2, outlet->rtx_sequence++);
        put32(out + 8, outlet->rtx_ssrc);
        put16(out + header, sequence);
        header += 2;
    } else {
        /* Under the same number to the last octet as before: GCM gives its key away to who sees two different ones. */
        header += write_stamp(origin->stamp, out);
    }
    memcpy(out + header, kept->data + start, size);
    if (source->codec == CODEC_VP8)
        renumber_vp8(outlet, out + header, size, false);
    outlet->resent++;
    return header + size;
}
