/* What is composed or decoded here: packets read, pictures cut and joined, order restored, repeats found.
 *
 * Besides memory: what was cut and arrives whole is joined to what it was, and packets are passed on in rising order.
 */
#include "world.h"

#include <math.h>

#include "h264_packets.h"
#include "history.h"
#include "reorder.h"
#include "rtp_packet.h"
#include "source_numbers.h"
#include "vp8_packets.h"

#define PICTURE 6000

static struct h264_picture joined;   /* of whatever comes */
static struct h264_picture ordered;  /* of what the order is restored of */
static struct vp8_picture frame;
static struct reorder reorder;
static struct history history;
static struct source_numbers source = {.bad = -1, .clock_rate = 90000};
static struct h264_plan plan;
static int64_t next, passed;
static double now;
static bool begun;

/* Octets with start codes, small units and large ones. */
static struct input make_stream(void)
{
    static const uint8_t kinds[] = {0x67, 0x68, 0x65, 0x41, 0x06, 0x09, 0x01, 0x7c, 0x78, 0x00};
    uint8_t data[PICTURE];
    size_t length = 0;
    for (uint32_t units = 1 + chance(6); units > 0 && length + 8 < sizeof data; units--) {
        uint32_t zeros = chance(5);
        for (uint32_t i = 0; i < zeros; i++)
            data[length++] = 0;
        data[length++] = 1;
        data[length++] = kinds[chance(sizeof kinds)];
        size_t room = sizeof data - length, size = chance(one_in(3) ? (uint32_t)room : 30);
        for (size_t i = 0; i < size && i < room; i++)
            data[length++] = (uint8_t)(one_in(40) ? chance(3) : 4 + chance(250));
    }
    return copy_of(data, length, 0);
}

static void read_packet(const struct input *input)
{
    struct rtp_view view;
    struct rtp_element element;
    size_t at = 0, start, size;
    bool sound = rtp_read(input->data, input->length, &view) == RTP_SOUND;
    REQUIRE(sound == rtp_payload(input->data, input->length, &start, &size));
    if (!sound)
        return;
    REQUIRE(view.start == start && view.end == start + size && view.extension + view.extension_size <= view.start);
    const uint8_t *body = input->data + view.extension, *end = body + view.extension_size;
    while (rtp_next_element(body, view.extension_size, view.profile, &at, &element))
        REQUIRE(element.value >= body && element.value + element.length <= end);
    struct input again = copy_of(input->data, 0, input->length + 2);
    rtp_repeat(input->data, input->length, view.start, 97, 1, 2, again.data);
    REQUIRE(get16(again.data + view.start) == view.sequence && rtp_header_length(again.data, input->length + 2) > 0);
    free(again.data);
}

/* The picture in hand, taken; its length. */
static size_t take(struct h264_picture *picture, struct input *out)
{
    *out = copy_of(NULL, 0, h264_taken_size(picture));
    out->length = h264_taken_size(picture);
    h264_take(picture, out->data);
    REQUIRE(h264_is_empty(picture));
    return out->length;
}

static void push_any(const struct input *input)
{
    struct input taken;
    enum payload_fault fault = h264_push(&joined, input->data, input->length);
    REQUIRE(fault == PAYLOAD_SOUND || joined.damaged);
    if (joined.has_slice && one_in(8)) {
        take(&joined, &taken);
        free(taken.data);
    } else if (one_in(200)) {
        h264_reset(&joined);
    }
    fault = vp8_push(&frame, input->data, input->length);
    REQUIRE(fault == PAYLOAD_SOUND || frame.damaged);
    if (one_in(one_in(20) ? 2000 : 20))
        vp8_reset(&frame);
}

/* Whether both streams have the same units. */
static bool same_units(const struct input *one, const struct input *other)
{
    struct h264_unit first, second;
    size_t at = 0, other_at = 0;
    while (h264_next_unit(one->data, one->length, &at, &first))
        if (!h264_next_unit(other->data, other->length, &other_at, &second) || first.length != second.length ||
            memcmp(one->data + first.at, other->data + second.at, first.length) != 0)
            return false;
    return !h264_next_unit(other->data, other->length, &other_at, &second);
}

/* Cut a stream; what comes of it whole is what it was, but for kinds of units that no payload may have. */
static void cut_and_join(const struct input *stream)
{
    struct h264_picture picture = {0};
    struct input taken;
    int mode = (int)chance(2);
    size_t mtu = 64 + chance(1200);
    bool sound = true;
    REQUIRE(h264_plan(&plan, stream->data, stream->length, mode, mtu));
    for (size_t i = 0; i < plan.cut_count; i++) {
        struct input payload = copy_of(NULL, 0, plan.cuts[i].size);
        payload.length = plan.cuts[i].size;
        REQUIRE(mode == 0 || payload.length <= mtu);
        h264_write_cut(&plan, &plan.cuts[i], stream->data, payload.data);
        unsigned kind = payload.data[0] & 0x1f;
        sound = sound && (plan.cuts[i].head_length > 0 || (kind >= 1 && kind <= 23));
        sound = h264_push(&picture, payload.data, payload.length) == PAYLOAD_SOUND && sound;
        push_any(&payload);
        free(payload.data);
    }
    if (sound && picture.has_slice) {
        take(&picture, &taken);
        REQUIRE(same_units(stream, &taken));
        free(taken.data);
    }
    h264_end(&picture);
}

static void cut_frame(const struct input *data)
{
    struct vp8_picture picture = {0};
    size_t each, mtu = 64 + chance(1200), count = vp8_payloads(data->length, mtu, &each);
    REQUIRE((count == 0) == (data->length == 0));
    for (size_t i = 0; i < count; i++) {
        size_t length = i + 1 < count ? each : data->length - i * each;
        struct input payload = copy_of(NULL, 0, VP8_DESCRIPTOR + length);
        REQUIRE(VP8_DESCRIPTOR + length <= mtu);
        vp8_write_descriptor(i == 0, (uint16_t)chance(0x8000), payload.data);
        memcpy(payload.data + VP8_DESCRIPTOR, data->data + i * each, length);
        REQUIRE(vp8_push(&picture, payload.data, VP8_DESCRIPTOR + length) == PAYLOAD_SOUND);
        free(payload.data);
    }
    REQUIRE(picture.buffer.length == data->length && !picture.damaged);
    REQUIRE(count == 0 || memcmp(picture.buffer.data, data->data, data->length) == 0);
    vp8_end(&picture);
}

static int pass(void *context, const struct reorder_packet *packet, double at)
{
    REQUIRE(context == &reorder && at == now);
    REQUIRE(packet->timestamp > passed);
    passed = packet->timestamp;
    h264_push(&ordered, packet->payload, packet->size);
    if (packet->marker)
        h264_reset(&ordered);
    return one_in(5000) ? -1 : 0;
}

static int gap(void *context, double at)
{
    REQUIRE(context == &reorder && at == now);
    return one_in(5000) ? -1 : 0;
}

static void begin_order(void)
{
    next = (int64_t)chance(70000) - 2000;
    passed = next - 1;
    reorder_begin(&reorder, (struct reorder_sink){pass, gap, &reorder}, one_in(2), next);
    reorder.apart = one_in(2);
}

static void order(const struct input *input)
{
    static const int64_t jumps[] = {1, 2, 30, 255, 256, 257, 1023, 1024, 1025, 5000, 70000};
    uint16_t asked[REORDER_MAX_MISSING];
    double deadline;
    uint32_t event = chance(100);
    int64_t number = event < 8 ? next - (int64_t)chance(300) : next;
    now += one_in(50) ? 0.1 : 0.002;
    if (event >= 8 && event < 20)
        next = number += jumps[chance(one_in(8) ? 11 : 3)];
    next = number >= next ? number + 1 : next;
    struct reorder_packet packet = {number, input->data, input->length, 96, one_in(9), one_in(7)};
    int result = reorder_receive(&reorder, number, &packet, now);
    REQUIRE(result == 0 || result == -1);
    REQUIRE(!reorder_awaits(&reorder, number));
    REQUIRE(reorder.missing <= REORDER_MAX_AHEAD && reorder.held <= REORDER_MAX_AHEAD);
    REQUIRE(reorder.spread >= 0 && reorder.spread <= REORDER_MAX_SPREAD);
    reorder.round_trip = one_in(100) ? chance(500) / 1000.0 : reorder.round_trip;
    if (reorder_deadline(&reorder, &deadline) && one_in(4)) {
        REQUIRE(!isnan(deadline));
        reorder_handle_timer(&reorder, now);
        REQUIRE(reorder_requests(&reorder, now, asked) <= REORDER_MAX_MISSING);
    }
    if (one_in(3000)) {
        reorder_end(&reorder);
        begin_order();
    }
}

static void count(const struct input *input)
{
    struct rtp_view view;
    long long extended;
    if (rtp_read(input->data, input->length, &view) != RTP_SOUND)
        return;
    uint16_t sequence = one_in(3) ? view.sequence : (uint16_t)(source.highest + chance(3));
    bool fits = source_fits(&source, sequence);
    bool counted = source_count(&source, sequence, view.timestamp, now, &extended);
    REQUIRE(counted || !fits);
    REQUIRE(!counted || (extended <= source.highest && (uint16_t)extended == sequence));
}

/* Keep a packet, whole or in two parts, and ask for one. */
static void keep(const struct input *input)
{
    struct input *packet = malloc(sizeof *packet);
    REQUIRE(packet != NULL);
    *packet = copy_of(input->data, input->length, 0);
    uint16_t sequence = input->length >= 4 && !one_in(8) ? get16(input->data + 2) : (uint16_t)chance(65536);
    size_t head = input->length >= 12 && one_in(2) ? 12 + chance(HISTORY_HEAD - 11) : 0;
    head = head <= input->length ? head : 0;
    struct input *before = history_store(&history, sequence, packet->data, head, packet->data + head,
                                         packet->length - head, packet);
    if (before != NULL)
        free(before->data);
    free(before);
    const struct sent *again = history_resend(&history, one_in(2) ? sequence : (uint16_t)chance(65536), now);
    if (again == NULL)
        return;
    const struct input *kept = again->owner;
    REQUIRE(again->head_length + again->body_length == kept->length && kept->length >= 4);
    REQUIRE(memcmp(again->head, kept->data, again->head_length) == 0);
    REQUIRE(memcmp(again->body, kept->data + again->head_length, again->body_length) == 0);
}

void fuzz_composed(void)
{
    struct input any = make_any(), stream = one_in(3) ? make_any() : make_stream();
    if (!begun)
        begin_order();
    begun = true;
    read_packet(&any);
    push_any(&any);
    cut_and_join(&stream);
    cut_frame(&stream);
    order(&any);
    count(&any);
    keep(&any);
    free(any.data);
    free(stream.data);
}

void end_composed(void)
{
    h264_end(&joined);
    h264_end(&ordered);
    vp8_end(&frame);
    reorder_end(&reorder);
    h264_plan_end(&plan);
    for (size_t i = 0; i < HISTORY_PACKETS; i++) {
        struct input *kept = history.sent[i].owner;
        if (kept != NULL)
            free(kept->data);
        free(kept);
    }
}
