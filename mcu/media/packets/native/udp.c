#define _GNU_SOURCE
#include "udp.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/uio.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

/* The kernel's own limits for one segmented message: UDP_MAX_SEGMENTS, and the longest IP packet. */
#define MAX_SEGMENTS 64
#define MAX_SEGMENTED 65000
/* Longer than a datagram ever waits in a socket that somebody reads. */
#define LONGEST_WAIT 5.0

/* Seconds since a datagram came. A clock that was set meanwhile is not believed. */
static double waited(struct msghdr *message, const struct timespec *now)
{
    const struct cmsghdr *control = CMSG_FIRSTHDR(message);
    struct timespec came;
    if (control == NULL || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_TIMESTAMPNS ||
        control->cmsg_len < CMSG_LEN(sizeof came))
        return 0;
    memcpy(&came, CMSG_DATA(control), sizeof came);
    double seconds = (double)(now->tv_sec - came.tv_sec) + 1e-9 * (double)(now->tv_nsec - came.tv_nsec);
    return seconds > 0 && seconds < LONGEST_WAIT ? seconds : 0;
}

int udp_receive(int socket, struct udp_datagram *datagrams, int room)
{
    struct mmsghdr messages[UDP_BATCH];
    struct iovec vectors[UDP_BATCH];
    union { char buffer[CMSG_SPACE(sizeof(struct timespec))]; struct cmsghdr align; } controls[UDP_BATCH];
    struct timespec now;
    memset(messages, 0, (size_t)room * sizeof *messages);
    for (int i = 0; i < room; i++) {
        vectors[i] = (struct iovec){datagrams[i].data, UDP_LONGEST};
        messages[i].msg_hdr.msg_iov = &vectors[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_name = &datagrams[i].source;
        messages[i].msg_hdr.msg_namelen = sizeof datagrams[i].source;
        messages[i].msg_hdr.msg_control = controls[i].buffer;
        messages[i].msg_hdr.msg_controllen = sizeof controls[i].buffer;
    }
    int count = recvmmsg(socket, messages, (unsigned)room, MSG_DONTWAIT, NULL);
    if (count < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
    clock_gettime(CLOCK_REALTIME, &now);
    for (int i = 0; i < count; i++) {
        datagrams[i].waited = waited(&messages[i].msg_hdr, &now);
        bool whole = (messages[i].msg_hdr.msg_flags & MSG_TRUNC) == 0;
        datagrams[i].length = whole ? messages[i].msg_len : 0;
        datagrams[i].source_length = messages[i].msg_hdr.msg_namelen;
    }
    return count;
}

bool udp_wait(int socket, double seconds)
{
    struct pollfd watched = {.fd = socket, .events = POLLIN};
    struct timespec limit = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    return ppoll(&watched, 1, &limit, NULL) > 0;
}

/* How many from ``out`` on can be one message: to one address, all of the same length, but the last may be shorter. */
static size_t run_length(const struct udp_out *out, size_t count)
{
    size_t total = out[0].length, run = 1;
    while (run < count && run < MAX_SEGMENTS && out[run].to == out[0].to && out[run].length <= out[0].length && out[run].length > 0 &&
           total + out[run].length <= MAX_SEGMENTED) {
        total += out[run].length;
        run++;
        if (out[run - 1].length < out[0].length)
            break;
    }
    return run;
}

size_t udp_send(int socket, const struct udp_out *out, size_t count, bool *segmenting)
{
    size_t sent = 0;
    while (sent < count) {
        struct mmsghdr messages[UDP_BATCH];
        struct iovec vectors[UDP_BATCH * 4];
        size_t runs[UDP_BATCH], message_count = 0, vector_count = 0, next = sent;
        union { char buffer[CMSG_SPACE(sizeof(uint16_t))]; struct cmsghdr align; } controls[UDP_BATCH];
        while (next < count && message_count < UDP_BATCH) {
            size_t run = *segmenting ? run_length(out + next, count - next) : 1;
            if (vector_count + run > sizeof vectors / sizeof *vectors)
                break;
            struct msghdr *message = &messages[message_count].msg_hdr;
            memset(message, 0, sizeof *message);
            message->msg_name = (void *)&out[next].to->name;
            message->msg_namelen = out[next].to->length;
            message->msg_iov = &vectors[vector_count];
            message->msg_iovlen = run;
            for (size_t i = 0; i < run; i++)
                vectors[vector_count++] = (struct iovec){(void *)out[next + i].data, out[next + i].length};
            if (run > 1) {
                uint16_t size = (uint16_t)out[next].length;
                memset(&controls[message_count], 0, sizeof controls[message_count]);
                message->msg_control = controls[message_count].buffer;
                message->msg_controllen = sizeof controls[message_count].buffer;
                struct cmsghdr *control = CMSG_FIRSTHDR(message);
                control->cmsg_level = IPPROTO_UDP;
                control->cmsg_type = UDP_SEGMENT;
                control->cmsg_len = CMSG_LEN(sizeof size);
                memcpy(CMSG_DATA(control), &size, sizeof size);
            }
            runs[message_count++] = run;
            next += run;
        }
        int done = sendmmsg(socket, messages, (unsigned)message_count, MSG_DONTWAIT);
        if (done < 0) {
            if (errno == EINTR)
                continue;
            /* No segmenting here (an old kernel, or an interface that cannot checksum): from now on one by one. */
            if (runs[0] > 1 && (errno == EIO || errno == EINVAL || errno == EOPNOTSUPP || errno == EMSGSIZE)) {
                *segmenting = false;
                continue;
            }
            return sent;
        }
        for (int i = 0; i < done; i++)
            sent += runs[i];
    }
    return sent;
}
