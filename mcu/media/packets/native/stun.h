/* Connectivity checks of ICE (RFC 8445 section 7) as the side answers them that has nothing to decide: a browser's checks
 * of a path that has proved itself go on for as long as the call. Without I/O. Whatever is not exactly such a check is
 * left to who knows more (mcu/media/transport/ice_lite.py). */
#ifndef CONSILIUM_STUN_H
#define CONSILIUM_STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>

/* Longest check: browsers send about 100 octets. */
#define STUN_LONGEST 600
/* Longest answer: header, address of IPv6, MESSAGE-INTEGRITY, FINGERPRINT. */
#define STUN_ANSWER 76
/* Two parts of at most 256 octets, and a colon (RFC 8839 section 5.4); a password has as many. */
#define STUN_NAME 513
#define STUN_PASSWORD 256

/* What a check has to know: ``name`` is our ufrag and theirs. */
struct stun_credentials {
    size_t name_length, password_length; /* 0: no check is answered */
    uint8_t name[STUN_NAME], password[STUN_PASSWORD];
};

/* Whether this is a check by these credentials that any agent would accept; and whether it nominates its path. */
bool stun_accept(const struct stun_credentials *credentials, const uint8_t *data, size_t length, bool *nominates);

/* Write the answer to a check that came from there; ``out`` has room for STUN_ANSWER. Its length; 0 where the crypto
 * library fails. */
size_t stun_answer(const struct stun_credentials *credentials, const uint8_t *check,
                   const struct sockaddr_storage *source, uint8_t *out);

#endif
