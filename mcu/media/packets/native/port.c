/* The way of packets through the port: received, gathered to pictures, decrypted, sent on, handed up. */
#define _GNU_SOURCE
#include "port.h"

#include <errno.h>
#include <time.h>

/* What is ready to go out, in the arena: one call of the kernel for many receivers. */
struct outgoing { struct udp_out out[UDP_BATCH]; size_t count; };

static void flush(struct port *port, struct outgoing *outgoing)
{
    const struct udp_out *out = outgoing->out;
    size_t at = 0, count = outgoing->count;
    while (at < count) {
        at += udp_send(port->socket, out + at, count - at, &port->segmenting);
        /* A full buffer is loss like any other: it is asked for again. Who cannot be reached does not stop the rest. */
        const struct address *failed = at < count ? out[at].to : NULL;
        bool full = at < count && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS);
        for (; at < count && (full || out[at].to == failed); at++)
            port->unsent++;
    }
    outgoing->count = 0;
}

static bool encrypt(struct port *port, struct peer *peer, uint8_t *packet, size_t *length)
{
    if (srtp_protect(&peer->outbound, packet, length) == SRTP_OK)
        return true;
    port->unsent++;
    return false;
}

bool port_seal(struct port *port, struct peer *peer, uint8_t *packet, size_t *length)
{
    *length = twcc_stamp(&peer->twcc, packet, *length, port->now);
    return encrypt(port, peer, packet, length);
}

/* Encrypt what has been written at the arena's next place; it is sent with the next flush. ``repair`` (or NULL) is told
 * of it. */
static bool add(struct port *port, struct outgoing *outgoing, struct peer *peer, struct outlet_repair *repair,
                size_t length)
{
    uint8_t *place = port->arena[outgoing->count];
    length = twcc_stamp(&peer->twcc, place, length, port->now);
    if (repair != NULL)
        outlet_repair_take(repair, place, length);
    if (!encrypt(port, peer, place, &length))
        return false;
    outgoing->out[outgoing->count++] = (struct udp_out){place, length, &peer->selected};
    if (outgoing->count == UDP_BATCH)
        flush(port, outgoing);
    return true;
}

static void add_repairs(struct port *port, struct outgoing *outgoing, struct peer *peer, struct outlet_repair *repair)
{
    for (size_t length; (length = outlet_repair_write(repair, port->arena[outgoing->count])) > 0;)
        add(port, outgoing, peer, NULL, length);
}

/* Send what came from one source in this batch to all that get it. */
static void send_on(struct port *port, struct source *source, const size_t *datagrams, size_t count, double now)
{
    struct outgoing outgoing = {.count = 0};
    /* An outlet that goes over to this source leaves the list of another, never this one. */
    for (size_t i = 0; i < source->outlet_count; i++) {
        struct outlet *outlet = source->outlets[i];
        struct peer *receiver = outlet->owner;
        if (!receiver->keyed || !receiver->reachable)
            continue;
        if (outgoing.count + count > UDP_BATCH)
            flush(port, &outgoing); /* what goes to one receiver stays together */
        for (size_t j = 0; j < count; j++) {
            const struct udp_datagram *datagram = &port->datagrams[datagrams[j]];
            size_t length =
                outlet_write(outlet, source, datagram->data, datagram->length, now, port->arena[outgoing.count]);
            if (length == 0)
                continue;
            port->forwarded += add(port, &outgoing, receiver, outlet->repair, length);
            if (outlet->repair != NULL && outlet->repair->due > 0)
                add_repairs(port, &outgoing, receiver, outlet->repair);
        }
    }
    flush(port, &outgoing);
}

static struct source *source_of(const struct peer *peer, struct udp_datagram *datagram)
{
    uint32_t ssrc = get32(datagram->data + 8);
    for (size_t i = 0; i < PORT_MAX_SOURCES; i++) {
        struct source *source = peer->sources[i];
        if (source == NULL || (source->ssrc != ssrc && source->rtx_ssrc != ssrc))
            continue;
        if (source->ssrc == ssrc)
            return source;
        if (source->rtx_ssrc != 0) {
            datagram->length = source_unwrap(source, datagram->data, datagram->length);
            return source;
        }
    }
    return NULL;
}

static void take_rtp(struct port *port, struct peer *peer, size_t index, struct source **of, double now, int *events)
{
    struct udp_datagram *datagram = &port->datagrams[index];
    if (srtp_unprotect(&peer->inbound, datagram->data, &datagram->length) != SRTP_OK) {
        peer->refused++;
        return;
    }
    twcc_hear(&peer->twcc, datagram->data, datagram->length, now - datagram->waited);
    struct source *source = source_of(peer, datagram);
    if (source != NULL) {
        uint64_t lost = source->lost;
        if (datagram->length == 0 || !source_receive(source, datagram->data, datagram->length, now))
            return;
        of[index] = source;
        if (source->lost != lost && !source->deliver && source->outlet_count > 0)
            port->events[(*events)++] = (struct port_event){PORT_GAP, peer->id, index, 0};
    }
    if (source == NULL || source->deliver)
        port->events[(*events)++] = (struct port_event){PORT_RTP, peer->id, index, datagram->length};
}

/* A check that changes nothing, of a path that has proved itself: such come for as long as the call. */
static bool answer_check(struct port *port, struct peer *peer, const struct udp_datagram *datagram)
{
    uint8_t answer[STUN_ANSWER];
    struct address target = {datagram->source, datagram->source_length};
    bool nominates;
    if (!peer->reachable || !stun_accept(&peer->checks, datagram->data, datagram->length, &nominates) ||
        (nominates && !peer_receives_at(peer, &datagram->source)))
        return false;
    struct udp_out out = {answer, stun_answer(&peer->checks, datagram->data, &datagram->source, answer), &target};
    if (out.length == 0)
        return false;
    if (udp_send(port->socket, &out, 1, &port->segmenting) == 0)
        port->unsent++;
    peer->checked = port->now;
    return true;
}

static void take(struct port *port, size_t index, struct source **of, double now, int *events)
{
    struct udp_datagram *datagram = &port->datagrams[index];
    if (datagram->length == 0) {
        port->cut++;
        return;
    }
    uint8_t first = datagram->data[0]; /* RFC 7983 */
    struct peer *peer = port_find(port, &datagram->source);
    if (first < 4) {
        if (peer == NULL || !answer_check(port, peer, datagram))
            port->events[(*events)++] = (struct port_event){PORT_STUN, 0, index, datagram->length};
    } else if (peer == NULL) {
        port->strangers++;
    } else if (first >= 20 && first <= 63) {
        port->events[(*events)++] = (struct port_event){PORT_DTLS, peer->id, index, datagram->length};
    } else if (first >> 6 != 2 || datagram->length < 2 || !peer->keyed) {
        peer->refused++;
    } else if (datagram->data[1] >= 192 && datagram->data[1] <= 223) {
        if (srtp_unprotect_rtcp(&peer->inbound, datagram->data, &datagram->length) == SRTP_OK)
            port->events[(*events)++] = (struct port_event){PORT_RTCP, peer->id, index, datagram->length};
        else
            peer->refused++;
    } else {
        take_rtp(port, peer, index, of, now, events);
    }
}

static double seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Whether a picture has begun whose rest is expected to follow at once. */
static bool is_torn(struct source *const *of, int count)
{
    for (int i = 0; i < count; i++)
        if (of[i] != NULL && of[i]->torn && !of[i]->spread)
            return true;
    return false;
}

static double lesser(double one, double other) { return one < other ? one : other; }

/* As time goes on, some of it may be waited again. */
static void save_waiting(struct port *port, double now)
{
    double most = PORT_WAITING_SAVED * port->patience;
    if (now > port->reckoned)
        port->waiting = lesser(most, port->waiting + PORT_WAITING_SHARE * (now - port->reckoned));
    port->reckoned = now;
}

/* Whether more came in within the patience, which began at ``begun``, and within what may be waited in all. A network may
 * spread a picture: then its rest is not waited for again. */
static bool wait_for_more(struct port *port, struct source *const *of, int count, double begun)
{
    double start = seconds();
    double left = lesser(begun + port->patience - start, port->waiting);
    if (left <= 0)
        return false;
    bool came = udp_wait(port->socket, lesser(left, PORT_QUIET * port->patience));
    port->waiting -= seconds() - start;
    if (came)
        return true;
    for (int i = 0; i < count; i++)
        if (of[i] != NULL && of[i]->torn)
            of[i]->spread = true;
    return false;
}

/* Take what has come in, and of pictures that are still coming in the rest; then send on. */
static int receive_batch(struct port *port, double now, int *events)
{
    struct source *of[UDP_BATCH] = {NULL};
    int count = 0;
    double begun = 0;
    port->now = now;
    do {
        int more = udp_receive(port->socket, port->datagrams + count, UDP_BATCH - count);
        if (more < 0 && count == 0)
            return -1;
        if (begun > 0)
            port->now = now + seconds() - begun;
        for (int end = count + (more > 0 ? more : 0); count < end; count++)
            take(port, (size_t)count, of, port->now, events);
        if (port->patience <= 0 || count == UDP_BATCH || !is_torn(of, count))
            break;
        begun = begun > 0 ? begun : seconds();
    } while (wait_for_more(port, of, count, begun));
    if (begun > 0)
        port->now = now + seconds() - begun;
    for (int i = 0; i < count; i++) {
        size_t run[UDP_BATCH], length = 0;
        struct source *source = of[i];
        for (int j = i; source != NULL && j < count; j++)
            if (of[j] == source) {
                run[length++] = (size_t)j;
                of[j] = NULL;
            }
        if (length > 0)
            send_on(port, source, run, length, port->now);
    }
    return count;
}

int port_receive(struct port *port, double now)
{
    int events = 0, count = UDP_BATCH;
    save_waiting(port, now);
    port->now = now;
    for (int i = 0; i < PORT_BATCHES && count == UDP_BATCH && events == 0; i++) {
        count = receive_batch(port, port->now, &events);
        if (count < 0 && i == 0)
            return -1;
    }
    return events;
}

size_t port_resend(struct port *port, struct peer *peer, struct outlet *outlet, const uint16_t *sequences,
                   size_t count)
{
    struct outgoing outgoing = {.count = 0};
    size_t done = 0;
    /* What is counted is another packet each time, and so comes again only under a number of its own. */
    bool can = peer->keyed && peer->reachable && (outlet->rtx_ssrc != 0 || !twcc_counts(&peer->twcc, outlet->ssrc));
    for (size_t i = 0; i < count && can; i++) {
        size_t length = outlet_rewrite(outlet, sequences[i], port->arena[outgoing.count]);
        if (length > 0)
            done += add(port, &outgoing, peer, NULL, length);
    }
    flush(port, &outgoing);
    return done;
}
