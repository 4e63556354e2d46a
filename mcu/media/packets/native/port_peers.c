/* Who is on the port: addresses, keys, and the streams of each. What is done with packets is in port.c. */
#include "port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
struct peer *port_find(const struct port *port, const struct sockaddr_storage *name)
{
    for (uint32_t at = hash(name);; at++) {
        struct peer *peer = port->table[at % PORT_TABLE];
        if (peer == NULL)
            return NULL;
        if (has_address(peer, name))
            return peer;
    }
}

bool peer_receives_at(const struct peer *peer, const struct sockaddr_storage *name)
{
    return peer->reachable && same(&peer->selected.name, name);
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
        const struct peer *owner = port_find(port, &addresses[i].name);
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
