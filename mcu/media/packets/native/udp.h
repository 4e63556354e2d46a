/* Batches of datagrams on one UDP socket, IPv4 or IPv6, without Python. */
#ifndef CONSILIUM_UDP_H
#define CONSILIUM_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>

/* Datagrams taken by one call. More stay in the kernel for the next. */
#define UDP_BATCH 64
/* Longest datagram taken. RTP keeps to the path's MTU; DTLS and STUN are smaller still. A longer one is cut, and so
 * counted and dropped. */
#define UDP_LONGEST 2048

struct udp_datagram {
    uint8_t data[UDP_LONGEST];
    size_t length;
    struct sockaddr_storage source;
    socklen_t source_length;
    double waited; /* seconds since it came, where the socket tells (SO_TIMESTAMPNS); else 0 */
};

struct address { struct sockaddr_storage name; socklen_t length; };

/* What is to be sent where: octets and address stay where they are until udp_send returns. */
struct udp_out { const uint8_t *data; size_t length; const struct address *to; };

/* Take what has come in, at most ``room``, which is at most UDP_BATCH. Returns how many; 0 when there is nothing; -1 with
 * errno set. A datagram that was cut has length 0. */
int udp_receive(int socket, struct udp_datagram *datagrams, int room);

/* Wait until something has come in, for so many seconds. False when nothing has. */
bool udp_wait(int socket, double seconds);

/* Send these in order. Runs of equal length to one address go out as one by UDP GSO where the kernel can; ``*segmenting``
 * remembers that it cannot. Returns how many were handed over; fewer than ``count``: errno tells why, EAGAIN when the
 * socket's buffer is full. */
size_t udp_send(int socket, const struct udp_out *out, size_t count, bool *segmenting);

#endif
