#define _GNU_SOURCE
#include "port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <netinet/in.h>

/* Addresses */

static uint32_t hash(const struct sockaddr_storage *name)
{
    /* FNV-1a over host and port. */
    const struct sockaddr_in *four = (const struct sockaddr_in *)name;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)name;
    bool is_four = name->ss_family == AF_INET;
    const uint8_t *host = is_four ? (const uint8_t *)&four->sin_addr : (const uint8_t *)&six->sin6_addr;
    uint16_t port = is_four ? four->sin_port : six->sin6_port;
    uint32_t value = 2166136261u;
    for (size_t i = 0; i < (is_four ? 4u : 16u); i++)
        value = (value ^ host[i]) * 16777619u;
    value = (value ^ (port & 0xff)) * 16777619u;
    return (value ^ (port >> 8)) * 16777619u;
}

static bool same(const struct sockaddr_storage *one, const struct sockaddr_storage *other)
{
    if (one->ss_family != other->ss_family)
        return false;
    if (one->ss_family == AF_INET) {
        const struct sockaddr_in *a = (const struct sockaddr_in *)one, *b = (const struct sockaddr_in *)other;
        return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
    }
    const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)one, *b = (const struct sockaddr_in6 *)other;
    return a->sin6_port == b->sin6_port && memcmp(&a->sin6_addr, &b->sin6_addr, sizeof a->sin6_addr) == 0;
}

static bool has_address(const struct peer *peer, const struct sockaddr_storage *name)
{
    for (size_t i = 0; i < peer->address_count; i++)
        if (same(&peer->addresses[i].name, name))
            return true;
    return false;
}

/* The table has a place for each address of each peer; several peers may stand one after the other (linear probing). */
static struct peer *find(const struct port *port, const struct sockaddr_storage *name)
{
    for (uint32_t at = hash(name);; at++) {
        struct peer *peer = port->table[at % PORT_TABLE];
        if (peer == NULL)
            return NULL;
        if (has_address(peer, name))
            return peer;
    }
}

static void enter(struct port *port, struct peer *peer, const struct sockaddr_storage *name)
{
    uint32_t at = hash(name);
    while (port->table[at % PORT_TABLE] != NULL)
        at++;
    port->table[at % PORT_TABLE] = peer;
}

static void rebuild(struct port *port)
{
    memset(port->table, 0, sizeof port->table);
    for (size_t i = 0; i < PORT_MAX_PEERS; i++)
        for (size_t j = 0; port->peers[i] != NULL && j < port->peers[i]->address_count; j++)
            enter(port, port->peers[i], &port->peers[i]->addresses[j].name);
}

bool port_set_addresses(struct port *port, struct peer *peer, const struct address *addresses, size_t count,
                        const struct address *selected)
{
    for (size_t i = 0; i < count; i++) {
        const struct peer *owner = find(port, &addresses[i].name);
        if (owner != NULL && owner != peer)
            return false;
    }
    /* As a rule an address is added, or another selected; the whole table is made anew only where one has gone. */
    size_t before = peer->address_count;
    bool gone = count < before;
    for (size_t i = 0; !gone && i < before; i++)
        gone = !same(&peer->addresses[i].name, &addresses[i].name);
    memcpy(peer->addresses, addresses, count * sizeof *addresses);
    peer->address_count = count;
    peer->reachable = selected != NULL;
    if (selected != NULL)
        peer->selected = *selected;
    if (gone)
        rebuild(port);
    for (size_t i = before; !gone && i < count; i++)
        enter(port, peer, &addresses[i].name);
    return true;
}

/* Peers */

void port_begin(struct port *port, int socket, double patience)
{
    memset(port, 0, sizeof *port);
    port->socket = socket;
    port->patience = patience;
    port->segmenting = true;
}

void port_end(struct port *port)
{
    for (size_t i = 0; i < PORT_MAX_PEERS; i++)
        if (port->peers[i] != NULL)
            port_close_peer(port, port->peers[i]);
}

struct peer *port_open_peer(struct port *port)
{
    for (uint32_t i = 0; i < PORT_MAX_PEERS; i++) {
        uint32_t id = (port->next_peer + i) % PORT_MAX_PEERS;
        if (port->peers[id] != NULL)
            continue;
        struct peer *peer = calloc(1, sizeof *peer);
        if (peer != NULL) {
            peer->id = id;
            port->peers[id] = peer;
            port->next_peer = id + 1;
        }
        return peer;
    }
    errno = ENOSPC;
    return NULL;
}

void port_close_peer(struct port *port, struct peer *peer)
{
    for (size_t i = 0; i < PORT_MAX_OUTLETS; i++)
        if (peer->outlets[i] != NULL)
            peer_close_outlet(peer, peer->outlets[i]);
    for (size_t i = 0; i < PORT_MAX_SOURCES; i++)
        if (peer->sources[i] != NULL)
            peer_close_source(peer, peer->sources[i]);
    if (peer->keyed) {
        srtp_end(&peer->inbound);
        srtp_end(&peer->outbound);
    }
    twcc_end(&peer->twcc);
    port->peers[peer->id] = NULL;
    if (peer->address_count > 0)
        rebuild(port);
    free(peer);
}

struct source *peer_source(const struct peer *peer, uint32_t ssrc)
{
    for (size_t i = 0; i < PORT_MAX_SOURCES; i++)
        if (peer->sources[i] != NULL && peer->sources[i]->ssrc == ssrc)
            return peer->sources[i];
    return NULL;
}

struct source *peer_open_source(struct peer *peer, enum rtp_codec codec, uint32_t ssrc, uint32_t clock_rate,
                                uint32_t rtx_ssrc, bool deliver)
{
    for (size_t i = 0; i < PORT_MAX_SOURCES; i++)
        if (peer->sources[i] == NULL) {
            struct source *source = malloc(sizeof *source);
            if (source != NULL) {
                source_begin(source, codec, ssrc, clock_rate);
                source->rtx_ssrc = rtx_ssrc, source->deliver = deliver;
                peer->sources[i] = source;
            }
            return source;
        }
    errno = ENOSPC;
    return NULL;
}

void peer_close_source(struct peer *peer, struct source *source)
{
    for (size_t i = 0; i < PORT_MAX_SOURCES; i++)
        if (peer->sources[i] == source)
            peer->sources[i] = NULL;
    source_end(source);
    free(source);
}

struct outlet *peer_outlet(const struct peer *peer, uint32_t ssrc)
{
    for (size_t i = 0; i < PORT_MAX_OUTLETS; i++)
        if (peer->outlets[i] != NULL && peer->outlets[i]->ssrc == ssrc)
            return peer->outlets[i];
    return NULL;
}

struct outlet *peer_open_outlet(struct peer *peer, uint32_t ssrc, uint8_t payload_type, uint32_t rtx_ssrc,
                                uint8_t rtx_payload_type, uint16_t first_sequence)
{
    for (size_t i = 0; i < PORT_MAX_OUTLETS; i++)
        if (peer->outlets[i] == NULL) {
            struct outlet *outlet = malloc(sizeof *outlet);
            if (outlet != NULL) {
                const struct srtp_source *known = srtp_find(&peer->outbound, ssrc);
                const struct srtp_source *known_rtx = srtp_find(&peer->outbound, rtx_ssrc);
                if (known != NULL && known->begun)
                    first_sequence = (uint16_t)(known->highest + 1);
                outlet_begin(outlet, ssrc, payload_type, rtx_ssrc, rtx_payload_type, first_sequence);
                if (known_rtx != NULL && known_rtx->begun)
                    outlet->rtx_sequence = (uint16_t)(known_rtx->highest + 1);
                outlet->owner = peer;
                peer->outlets[i] = outlet;
            }
            return outlet;
        }
    errno = ENOSPC;
    return NULL;
}

void peer_close_outlet(struct peer *peer, struct outlet *outlet)
{
    for (size_t i = 0; i < PORT_MAX_OUTLETS; i++)
        if (peer->outlets[i] == outlet)
            peer->outlets[i] = NULL;
    outlet_end(outlet);
    outlet_repair_end(outlet->repair);
    free(outlet);
}

bool peer_protect_outlet(struct peer *peer, struct outlet *outlet, uint32_t ssrc, uint8_t payload_type,
                         const struct fec_extensions *mutable)
{
    const struct srtp_source *known = srtp_find(&peer->outbound, ssrc);
    uint16_t first = (uint16_t)((known != NULL && known->begun ? known->highest : outlet->highest) + 1);
    outlet->repair = outlet_repair_begin(ssrc, payload_type, first, mutable);
    return outlet->repair != NULL;
}

/* Packets */

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
        (nominates && !same(&peer->selected.name, &datagram->source)))
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
    struct peer *peer = find(port, &datagram->source);
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

/* Whether more came in within the patience, which began at ``begun``. A network may spread a picture: then its rest is
 * not waited for again. */
static bool wait_for_more(struct port *port, struct source *const *of, int count, double begun)
{
    double left = begun + port->patience - seconds(), quiet = PORT_QUIET * port->patience;
    if (left <= 0)
        return false;
    if (udp_wait(port->socket, left < quiet ? left : quiet))
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
