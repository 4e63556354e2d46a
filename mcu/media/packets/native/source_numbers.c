#include "source_numbers.h"

static unsigned distance_to(const struct source_numbers *source, uint16_t sequence)
{
    return (uint16_t)(sequence - (unsigned long long)source->highest);
}

bool source_fits(const struct source_numbers *source, uint16_t sequence)
{
    unsigned distance = distance_to(source, sequence);
    return distance < SOURCE_MAX_DROPOUT || distance > 0x10000 - SOURCE_MAX_MISORDER;
}

/* Packets of one picture share a timestamp and leave in a burst, which says nothing about the network. */
static void measure_jitter(struct source_numbers *source, uint32_t timestamp, double now)
{
    double elapsed = (int32_t)(timestamp - source->jitter_timestamp), rate = source->clock_rate;
    double variation = (now - source->jitter_arrival) * rate - elapsed;
    variation = variation < 0 ? -variation : variation;
    /* A pause of the sender is no jitter of the network: steps of more than a second are left out. */
    if (variation < rate)
        source->jitter += (variation - source->jitter) * 0.0625;
    source->jitter_timestamp = timestamp;
    source->jitter_arrival = now;
}

bool source_count(struct source_numbers *source, uint16_t sequence, uint32_t timestamp, double now,
                  long long *extended)
{
    unsigned distance = distance_to(source, sequence);
    if (distance < SOURCE_MAX_DROPOUT) {
        source->highest = *extended = source->highest + distance;
    } else if (distance > 0x10000 - SOURCE_MAX_MISORDER) {
        *extended = source->highest + distance - 0x10000;
    } else if (sequence == source->bad) {
        source->highest = source->base = *extended = sequence;
        source->received = source->received_before = source->expected_before = 0;
        source->bad = -1;
        source->restarted = true;
    } else {
        source->bad = (uint16_t)(sequence + 1);
        return false;
    }
    source->received++;
    source->last_arrival = now;
    if (timestamp != source->jitter_timestamp && *extended == source->highest)
        measure_jitter(source, timestamp, now);
    return true;
}
