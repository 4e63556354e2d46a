/* The whole port on a real socket: peers that come, go, move, and send what they like. */
#define _GNU_SOURCE
#include "world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include "port.h"

#define CLIENTS 4

static struct port port;
static bool begun;
static int sockets[CLIENTS], own;
static struct sockaddr_in own_name;
static struct address names[CLIENTS];
static struct peer *peers[CLIENTS];
static struct srtp keys[CLIENTS];
static uint16_t next[CLIENTS];
static double now;

static int bound(struct sockaddr_in *name)
{
    socklen_t length = sizeof *name;
    int made = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    *name = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    REQUIRE(made >= 0 && bind(made, (struct sockaddr *)name, sizeof *name) == 0);
    REQUIRE(getsockname(made, (struct sockaddr *)name, &length) == 0);
    return made;
}

static void protect(int i, struct outlet *outlet)
{
    struct fec_extensions mutable = {.ids = {5}, .count = 1};
    REQUIRE(outlet != NULL);
    if (one_in(2))
        REQUIRE(peer_protect_outlet(peers[i], outlet, outlet->ssrc + 200, 98, &mutable));
}

static void open_streams(int i)
{
    for (uint32_t j = chance(3); j > 0; j--)
        if (peer_source(peers[i], j) == NULL)
            peer_open_source(peers[i], one_in(3) ? CODEC_OTHER : CODEC_VP8, j, 90000, 50 + j, one_in(2));
    for (uint32_t j = 0; j < 3; j++)
        if (peer_outlet(peers[i], 100 + j) == NULL)
            protect(i, peer_open_outlet(peers[i], 100 + j, 96, one_in(2) ? 200 + j : 0, 97, (uint16_t)chance(65536)));
}

static void open_peer(int i)
{
    uint8_t material[46];
    enum srtp_suite suite = (enum srtp_suite)chance(4);
    for (size_t j = 0; j < sizeof material; j++)
        material[j] = (uint8_t)chance(256);
    REQUIRE((peers[i] = port_open_peer(&port)) != NULL);
    REQUIRE(srtp_begin(&keys[i], suite, material, false));
    REQUIRE(srtp_begin(&peers[i]->inbound, suite, material, true));
    REQUIRE(srtp_begin(&peers[i]->outbound, suite, material, false));
    peers[i]->keyed = true;
    REQUIRE(port_set_addresses(&port, peers[i], &names[i], 1, one_in(8) ? NULL : &names[i]));
    next[i] = (uint16_t)chance(65536);
    if (one_in(2))
        REQUIRE(twcc_begin(&peers[i]->twcc, (uint8_t)(1 + chance(14)), next[i]));
    open_streams(i);
}

static void begin(void)
{
    own = bound(&own_name);
    port_begin(&port, own, one_in(2) ? 1e-5 : 0);
    for (int i = 0; i < CLIENTS; i++) {
        struct sockaddr_in name;
        sockets[i] = bound(&name);
        memset(&names[i], 0, sizeof names[i]);
        memcpy(&names[i].name, &name, sizeof name);
        names[i].length = sizeof name;
    }
    for (int i = 0; i < CLIENTS; i++)
        open_peer(i);
    begun = true;
}

static void close_peer(int i)
{
    port_close_peer(&port, peers[i]);
    srtp_end(&keys[i]);
}

static void route(int i, int from)
{
    struct outlet *outlet = peer_outlet(peers[i], 100 + chance(3));
    struct source *source = one_in(8) ? NULL : peer_source(peers[from], 1 + chance(2));
    if (outlet != NULL)
        REQUIRE(outlet_route(outlet, source));
}

static void move(int i, int other)
{
    struct address both[2] = {names[i], names[other]};
    /* The other's address is refused while that one has it. */
    REQUIRE(other == i || peers[other]->address_count == 0 || !port_set_addresses(&port, peers[i], both, 2, &both[0]));
    REQUIRE(port_set_addresses(&port, peers[i], both, one_in(8) ? 0 : 1, one_in(8) ? NULL : &both[0]));
}

static void send_something(int i)
{
    bool garbage = one_in(4);
    struct input packet = garbage ? make_any() : make_rtp(one_in(8) ? 51 : 1 + chance(2), next[i]++), sent;
    sent = copy_of(packet.data, packet.length, SRTP_MAX_OVERHEAD);
    if (packet.length > 1 && packet.data[1] >= 192 && packet.data[1] <= 223)
        srtp_protect_rtcp(&keys[i], sent.data, &sent.length);
    else
        srtp_protect(&keys[i], sent.data, &sent.length);
    if (one_in(10))
        damage(&sent);
    sendto(sockets[i], sent.data, sent.length, 0, (struct sockaddr *)&own_name, sizeof own_name);
    free(sent.data);
    free(packet.data);
}

static void change(int i, int other)
{
    uint16_t sequences[8];
    struct outlet *outlet = peer_outlet(peers[i], 100 + chance(3));
    struct source *source = peer_source(peers[i], 1 + chance(2));
    switch (chance(40)) {
    case 0:
        close_peer(i);
        open_peer(i);
        break;
    case 1:
        if (source != NULL)
            peer_close_source(peers[i], source);
        break;
    case 2:
        if (outlet != NULL)
            peer_close_outlet(peers[i], outlet);
        break;
    case 3:
        open_streams(i);
        break;
    case 4:
        move(i, other);
        break;
    case 5: case 6: case 7:
        for (size_t j = 0; outlet != NULL && j < 8; j++)
            sequences[j] = (uint16_t)(outlet->highest - chance(30));
        if (outlet != NULL)
            REQUIRE(port_resend(&port, peers[i], outlet, sequences, 8) <= 8);
        break;
    case 8:
        if (outlet != NULL && outlet->repair != NULL)
            REQUIRE(outlet_repair_share(outlet->repair, chance(5) / 4.0));
        break;
    default:
        route(i, other);
    }
}

void fuzz_port(void)
{
    uint8_t data[UDP_LONGEST];
    if (!begun)
        begin();
    now += 0.01;
    change((int)chance(CLIENTS), (int)chance(CLIENTS));
    for (uint32_t i = 1 + chance(8); i > 0; i--)
        send_something((int)chance(CLIENTS));
    int events = port_receive(&port, now);
    REQUIRE(events >= 0 && events <= 2 * UDP_BATCH);
    for (int i = 0; i < events; i++) {
        const struct port_event *event = &port.events[i];
        REQUIRE((event->length == 0) == (event->kind == PORT_GAP));
        REQUIRE(event->length <= UDP_LONGEST && event->datagram < UDP_BATCH);
        REQUIRE(event->kind == PORT_STUN || port.peers[event->peer] != NULL);
    }
    for (int i = 0; i < CLIENTS; i++)
        while (recv(sockets[i], data, sizeof data, 0) >= 0)
            ;
}

void end_port(void)
{
    for (int i = 0; begun && i < CLIENTS; i++) {
        srtp_end(&keys[i]);
        close(sockets[i]);
    }
    if (begun) {
        port_end(&port);
        close(own);
    }
}
