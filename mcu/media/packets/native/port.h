/* One UDP socket that many peers share: browsers, told apart by the addresses that ICE has proved. Without Python.
 *
 * What comes in is decrypted and, where it is a source that somebody is to get, sent on at once, encrypted for each
 * receiver. Checks of a path that has proved itself are answered. The rest is handed up: other STUN, DTLS, RTCP, and
 * packets that are wanted above.
 */
#ifndef CONSILIUM_PORT_H
#define CONSILIUM_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forward.h"
#include "outlet_repair.h"
#include "srtp.h"
#include "stun.h"
#include "twcc.h"
#include "udp.h"

#define PORT_MAX_PEERS 1024
/* Addresses that have proved themselves for one peer: a phone that roams has a few. */
#define PORT_ADDRESSES 8
#define PORT_MAX_SOURCES 32
#define PORT_MAX_OUTLETS 32
/* Twice the addresses there may be, a power of two: places of the table by address. */
#define PORT_TABLE 16384
#define PORT_MOST_PATIENCE 10.0
/* Share of the patience with a picture (see struct port) after which the next of its packets is not waited for. */
#define PORT_QUIET 0.3
/* Share of the time that may go by waiting so, since whoever calls waits too; and how much of it may be saved up, in
 * patiences. */
#define PORT_WAITING_SHARE 0.2
#define PORT_WAITING_SAVED 4.0
/* Full batches taken by one call, so that timers and signalling get their turn. */
#define PORT_BATCHES 8

struct peer {
    uint32_t id;
    bool keyed, reachable;
    struct srtp inbound, outbound;
    struct address addresses[PORT_ADDRESSES], selected;
    size_t address_count;
    struct source *sources[PORT_MAX_SOURCES];
    struct outlet *outlets[PORT_MAX_OUTLETS];
    uint64_t refused; /* packets that did not authenticate, were seen before, or came without keys */
    struct twcc twcc;
    struct stun_credentials checks; /* of those that are answered here */
    double checked;                 /* when one last was; 0 for never */
};

enum port_kind { PORT_STUN, PORT_DTLS, PORT_RTP, PORT_RTCP, PORT_GAP };

/* Something for above. The data stay in ``datagrams`` until the next call. */
struct port_event { enum port_kind kind; uint32_t peer; size_t datagram, length; };

struct port {
    int socket;
    bool segmenting;
    /* Seconds that packets of a picture wait at most for the rest of it. Browsers send them within a millisecond; those
     * that go out together cost a fraction of what they cost one by one. */
    double patience;
    double waiting, reckoned; /* seconds that may still go by waiting so, see PORT_WAITING_SHARE; and as of when */
    struct peer *peers[PORT_MAX_PEERS];
    uint32_t next_peer; /* numbers go round, so that what came for a peer that is gone is not taken for another's */
    struct peer *table[PORT_TABLE];
    struct udp_datagram datagrams[UDP_BATCH];
    struct port_event events[2 * UDP_BATCH]; /* a packet, and that others before it are missing */
    uint8_t arena[UDP_BATCH][FORWARD_LONGEST + FORWARD_OVERHEAD + TWCC_OVERHEAD + SRTP_MAX_OVERHEAD];
    uint64_t strangers, cut, forwarded, unsent;
    double now; /* of the last call that told the time */
};

void port_begin(struct port *port, int socket, double patience);
void port_end(struct port *port);

/* A new peer; NULL when there are too many, or no memory: errno tells (ENOSPC, ENOMEM). So do those that open sources and
 * outlets. */
struct peer *port_open_peer(struct port *port);
void port_close_peer(struct port *port, struct peer *peer);

/* The addresses that this peer may send from, and where it gets packets (NULL: nowhere). False when one is another's. */
bool port_set_addresses(struct port *port, struct peer *peer, const struct address *addresses, size_t count,
                        const struct address *selected);

/* The peer that may send from this address; NULL for nobody's. And whether a peer gets its packets there. */
struct peer *port_find(const struct port *port, const struct sockaddr_storage *name);
bool peer_receives_at(const struct peer *peer, const struct sockaddr_storage *name);

struct source *peer_open_source(struct peer *peer, enum rtp_codec codec, uint32_t ssrc, uint32_t clock_rate,
                                uint32_t rtx_ssrc, bool deliver);
void peer_close_source(struct peer *peer, struct source *source);
struct source *peer_source(const struct peer *peer, uint32_t ssrc);

struct outlet *peer_open_outlet(struct peer *peer, uint32_t ssrc, uint8_t payload_type, uint32_t rtx_ssrc,
                                uint8_t rtx_payload_type, uint16_t first_sequence);
/* An SSRC that this peer has got before goes on behind its last number, since the key stream has been used so far. */
void peer_close_outlet(struct peer *peer, struct outlet *outlet);
struct outlet *peer_outlet(const struct peer *peer, uint32_t ssrc);

/* Repair packets of this outlet go out under such an SSRC, once there are to be any; with the same rule. */
bool peer_protect_outlet(struct peer *peer, struct outlet *outlet, uint32_t ssrc, uint8_t payload_type,
                         const struct fec_extensions *mutable);

/* Take what has come in and send on what is to be; the number of ``events``, or -1 with errno. Goes on while much comes
 * in that is for nobody above. */
int port_receive(struct port *port, double now);

/* Count an RTP packet for its peer and encrypt it, in place: there is room for TWCC_OVERHEAD and SRTP_MAX_OVERHEAD.
 * False for what cannot be sent. */
bool port_seal(struct port *port, struct peer *peer, uint8_t *packet, size_t *length);

/* Send these packets of an outlet again; how many were still there. */
size_t port_resend(struct port *port, struct peer *peer, struct outlet *outlet, const uint16_t *sequences,
                   size_t count);

#endif
