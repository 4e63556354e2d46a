#include "reorder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double least(double one, double other) { return one < other ? one : other; }

static double most(double one, double other) { return one > other ? one : other; }

void reorder_begin(struct reorder *reorder, struct reorder_sink sink, bool nack, int64_t first)
{
    *reorder = (struct reorder){
        .sink = sink, .nack = nack, .wait = REORDER_MIN_WAIT, .next_request = INFINITY,
        .expected = first, .highest = first - 1,
    };
}

static struct reorder_place *place_of(const struct reorder *reorder, int64_t number)
{
    return &reorder->places[(uint64_t)number % REORDER_PLACES];
}

static enum reorder_state state_of(const struct reorder *reorder, int64_t number)
{
    bool within = reorder->places != NULL && number >= reorder->expected && number <= reorder->highest;
    return within ? place_of(reorder, number)->state : REORDER_FREE;
}

static void vacate(struct reorder *reorder, int64_t number)
{
    struct reorder_place *place = place_of(reorder, number);
    reorder->held -= place->state == REORDER_HELD;
    reorder->missing -= place->state == REORDER_LACKING;
    place->state = REORDER_FREE;
}

void reorder_end(struct reorder *reorder)
{
    for (size_t i = 0; reorder->places != NULL && i < REORDER_PLACES; i++)
        if (reorder->places[i].state == REORDER_HELD)
            free((void *)reorder->places[i].packet.payload);
    free(reorder->places);
    reorder->places = NULL;
    reorder->held = reorder->missing = 0;
}

static int tell(struct reorder *reorder, double now)
{
    int result = reorder->sink.gap(reorder->sink.context, now);
    reorder->untold = result != 0;
    return result;
}

static int push(struct reorder *reorder, const struct reorder_packet *packet, double now)
{
    int result = reorder->untold ? tell(reorder, now) : 0;
    if (result == 0)
        result = reorder->sink.push(reorder->sink.context, packet, now);
    reorder->untold = result != 0;
    return result;
}

/* Pass on the packet that is held under the number expected. */
static int pass_on(struct reorder *reorder, double now)
{
    struct reorder_packet packet = place_of(reorder, reorder->expected)->packet;
    vacate(reorder, reorder->expected++);
    int result = push(reorder, &packet, now);
    free((void *)packet.payload);
    return result;
}

/* Give the gap at the head up. */
static int skip(struct reorder *reorder, double now)
{
    reorder->given_up = reorder->expected;
    while (state_of(reorder, reorder->expected) != REORDER_HELD)
        vacate(reorder, reorder->expected++);
    reorder->given_up_end = reorder->expected;
    reorder->repaired = true;
    return tell(reorder, now);
}

/* How long to wait for packets that others overtake, in seconds. */
static double disorder(const struct reorder *reorder) { return REORDER_MORE_SPREAD * reorder->spread; }

/* How long a gap may hold up what lies behind it, in seconds. */
static double patience(const struct reorder *reorder)
{
    double late = disorder(reorder);
    if (!reorder->nack)
        return most(most(reorder->wait, reorder->mend_wait), late);
    double rounds = REORDER_NACK_DELAY + REORDER_ROUNDS * REORDER_NACK_ROUND * reorder->round_trip;
    double wait = least(REORDER_MAX_NACK_WAIT, most(REORDER_NACK_WAIT, rounds));
    return late > REORDER_NACK_DELAY ? least(REORDER_MAX_DISORDER_WAIT, wait + late) : wait;
}

/* A packet came that others had overtaken: learn how late such ones are. */
static void learn(struct reorder *reorder, int64_t extended, const struct reorder_packet *packet, double now)
{
    struct reorder_place *place = reorder->places == NULL ? NULL : place_of(reorder, extended);
    if (place == NULL || place->number != extended || !place->overtaken)
        return;
    bool again = packet->repeated || (place->requests > 0 && !reorder->apart);
    reorder->repaired = reorder->repaired || (again && place->state == REORDER_LACKING);
    if (packet->repeated)
        return;
    place->came++;
    double late = now - place->since;
    double part = late > reorder->spread ? REORDER_SPREAD_UP : REORDER_SPREAD_DOWN;
    if (!again)
        reorder->spread += (late - reorder->spread) * part;
    else if (place->came <= place->requests)
        return; /* late or sent again: another may tell */
    else
        reorder->spread = REORDER_SPREAD_GUESS * reorder->spread + REORDER_SPREAD_STEP;
    reorder->spread = least(REORDER_MAX_SPREAD, reorder->spread);
    place->overtaken = false;
}

/* Pass on what is in sequence, and over gaps that have waited long enough. */
static int deliver(struct reorder *reorder, double now)
{
    while (reorder->held > 0) {
        const struct reorder_place *place = place_of(reorder, reorder->expected);
        if (place->state == REORDER_LACKING && now < place->since + patience(reorder))
            return 0;
        int result = place->state == REORDER_HELD ? pass_on(reorder, now) : skip(reorder, now);
        if (result != 0)
            return result;
    }
    return 0;
}

/* Give everything up that is missing and pass the rest on. */
static int flush(struct reorder *reorder, double now)
{
    for (int64_t number = reorder->expected; number <= reorder->highest && reorder->missing > 0; number++)
        if (place_of(reorder, number)->state == REORDER_LACKING)
            vacate(reorder, number);
    while (reorder->held > 0) {
        int64_t before = reorder->expected;
        while (place_of(reorder, reorder->expected)->state != REORDER_HELD)
            reorder->expected++;
        int result = reorder->expected == before ? 0 : tell(reorder, now);
        result = result != 0 ? result : pass_on(reorder, now);
        if (result != 0)
            return result;
    }
    return 0;
}

/* A packet so far ahead that nothing before it is waited for. */
static int leap(struct reorder *reorder, int64_t extended, const struct reorder_packet *packet, double now)
{
    int result = reorder->places == NULL ? 0 : flush(reorder, now);
    if (result != 0)
        return result;
    bool gap = extended != reorder->expected;
    reorder->highest = extended;
    reorder->expected = extended + 1;
    result = gap ? tell(reorder, now) : 0;
    return result != 0 ? result : push(reorder, packet, now);
}

static bool hold(struct reorder *reorder, int64_t extended, const struct reorder_packet *packet)
{
    uint8_t *copy = malloc(packet->size > 0 ? packet->size : 1);
    if (copy == NULL)
        return false;
    if (packet->size > 0)
        memcpy(copy, packet->payload, packet->size);
    struct reorder_place *place = place_of(reorder, extended);
    reorder->missing -= place->state == REORDER_LACKING;
    reorder->held++;
    place->overtaken = place->overtaken && place->number == extended;
    place->number = extended;
    place->state = REORDER_HELD;
    place->packet = *packet;
    place->packet.payload = copy;
    return true;
}

/* All between the highest number so far and this one are missing. */
static void note_missing(struct reorder *reorder, int64_t extended, double now)
{
    for (int64_t number = reorder->highest + 1; number < extended; number++) {
        struct reorder_place *place = place_of(reorder, number);
        place->state = REORDER_LACKING;
        place->requests = place->came = 0;
        place->overtaken = true;
        place->number = number;
        place->since = now;
        place->next_request = now + most(REORDER_NACK_DELAY, disorder(reorder)) + reorder->request_wait;
        reorder->missing++;
        if (reorder->nack)
            reorder->next_request = least(reorder->next_request, place->next_request);
        reorder->loss += (1 - reorder->loss) / REORDER_LOSS_WINDOW;
    }
    reorder->loss -= reorder->loss / REORDER_LOSS_WINDOW;
    reorder->highest = extended;
}

int reorder_receive(struct reorder *reorder, int64_t extended, const struct reorder_packet *packet, double now)
{
    if (extended == reorder->expected && reorder->held == 0) {
        reorder->expected = extended + 1;
        reorder->highest = extended;
        reorder->loss -= reorder->loss / REORDER_LOSS_WINDOW;
        reorder->spread -= reorder->spread * REORDER_SPREAD_FADE;
        return push(reorder, packet, now);
    }
    if (extended < reorder->expected || state_of(reorder, extended) == REORDER_HELD) {
        reorder->late++;
        learn(reorder, extended, packet, now);
        if (!reorder->nack && extended >= reorder->given_up && extended < reorder->given_up_end)
            reorder->wait = REORDER_MAX_WAIT;
        return 0;
    }
    if (extended > reorder->highest && (extended - reorder->expected > REORDER_MAX_AHEAD ||
                                        extended - reorder->highest > REORDER_MAX_MISSING))
        return leap(reorder, extended, packet, now);
    if (reorder->places == NULL)
        reorder->places = calloc(REORDER_PLACES, sizeof *reorder->places);
    if (reorder->places == NULL)
        return REORDER_NO_MEMORY;
    if (extended <= reorder->highest)
        learn(reorder, extended, packet, now);
    if (!hold(reorder, extended, packet))
        return REORDER_NO_MEMORY;
    if (extended > reorder->highest) {
        note_missing(reorder, extended, now);
        /* Where they come late rather than never, many are on their way. */
        if (reorder->missing > REORDER_MAX_MISSING && disorder(reorder) <= REORDER_NACK_DELAY)
            return flush(reorder, now);
    }
    return deliver(reorder, now);
}

bool reorder_awaits(const struct reorder *reorder, int64_t extended)
{
    return state_of(reorder, extended) == REORDER_LACKING;
}

bool reorder_is_ahead(const struct reorder *reorder, int64_t extended)
{
    return extended > reorder->highest && extended - reorder->highest <= REORDER_MAX_MISSING;
}

bool reorder_deadline(const struct reorder *reorder, double *deadline)
{
    if (reorder->missing == 0)
        return false;
    *deadline = least(place_of(reorder, reorder->expected)->since + patience(reorder), reorder->next_request);
    return true;
}

int reorder_handle_timer(struct reorder *reorder, double now) { return reorder->missing > 0 ? deliver(reorder, now) : 0; }

size_t reorder_requests(struct reorder *reorder, double now, uint16_t *sequences)
{
    size_t count = 0, left = reorder->missing;
    if (now < reorder->next_request)
        return 0;
    double hurry = reorder->loss > REORDER_HEAVY_LOSS ? 0.5 : 1.0;
    double interval = most(REORDER_MIN_NACK_INTERVAL, reorder->round_trip * REORDER_NACK_ROUND * hurry);
    double following = INFINITY;
    for (int64_t number = reorder->expected; number <= reorder->highest && left > 0; number++) {
        struct reorder_place *place = place_of(reorder, number);
        if (place->state != REORDER_LACKING)
            continue;
        left--;
        if (place->next_request <= now && count < REORDER_MAX_MISSING) {
            place->requests++;
            place->next_request = place->requests < REORDER_MAX_NACKS ? now + interval : INFINITY;
            sequences[count++] = (uint16_t)number;
        }
        following = least(following, place->next_request);
    }
    reorder->next_request = following;
    return count;
}
