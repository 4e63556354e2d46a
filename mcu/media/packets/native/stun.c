#include "stun.h"

#include <string.h>

#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "rtp.h"

/* RFC 8489 section 5 and 18; RFC 8445 section 16.1. */
#define HEADER 20
#define COOKIE 0x2112a442u
#define FINGERPRINT_XOR 0x5354554eu
#define INTEGRITY_SIZE 20
enum message { REQUEST = 0x0001, RESPONSE = 0x0101 };
enum attribute {
    USERNAME = 0x0006,
    MESSAGE_INTEGRITY = 0x0008,
    XOR_MAPPED_ADDRESS = 0x0020,
    PRIORITY = 0x0024,
    USE_CANDIDATE = 0x0025,
    FINGERPRINT = 0x8028,
    ICE_CONTROLLED = 0x8029,
    ICE_CONTROLLING = 0x802a,
    UNUSUAL = 0x8020, /* from here to the next: may be of use to somebody */
    USUAL = 0x8030,
    OPTIONAL = 0x8000,
};

/* Attributes: type, length, value, filled up to four octets. */
static size_t room_of(size_t size) { return 4 + (size + 3) / 4 * 4; }

/* CRC-32 of ITU-T V.42, bit by bit: checks are short and rare. */
static uint32_t fingerprint(const uint8_t *data, size_t length)
{
    uint32_t value = 0xffffffff;
    for (size_t i = 0; i < length; i++) {
        value ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (0xedb88320u & (0u - (value & 1)));
    }
    return ~value ^ FINGERPRINT_XOR;
}

/* Over all before the attribute at ``length``, with the length that the message has up to its end. */
static bool integrity(const struct stun_credentials *credentials, const uint8_t *data, size_t length,
                      uint8_t tag[EVP_MAX_MD_SIZE])
{
    uint8_t copy[STUN_LONGEST];
    unsigned size = 0;
    memcpy(copy, data, length);
    put16(copy + 2, (uint16_t)(length - HEADER + room_of(INTEGRITY_SIZE)));
    return HMAC(EVP_sha1(), credentials->password, (int)credentials->password_length, copy, length, tag, &size) != NULL;
}

/* Where MESSAGE-INTEGRITY stands in a binding request in good order by this name; 0 for anything else. */
static size_t find_integrity(const struct stun_credentials *credentials, const uint8_t *data, size_t length,
                             bool *nominates)
{
    size_t found = 0;
    bool named = false;
    if (length < HEADER || length > STUN_LONGEST || length % 4 != 0 || get16(data) != REQUEST ||
        get16(data + 2) != length - HEADER || get32(data + 4) != COOKIE)
        return 0;
    *nominates = false;
    for (size_t at = HEADER, next; at < length; at = next) {
        uint16_t type = get16(data + at);
        size_t size = get16(data + at + 2);
        const uint8_t *value = data + at + 4;
        next = at + room_of(size);
        if (next > length || (found > 0 && type != FINGERPRINT))
            return 0; /* what comes behind is not covered */
        switch (type) {
        case USERNAME:
            if (named || size != credentials->name_length || memcmp(value, credentials->name, size) != 0)
                return 0;
            named = true;
            break;
        case MESSAGE_INTEGRITY:
            if (size != INTEGRITY_SIZE)
                return 0;
            found = at;
            break;
        case FINGERPRINT:
            if (size != 4 || next != length || get32(value) != fingerprint(data, at))
                return 0;
            break;
        case USE_CANDIDATE:
            *nominates = true;
            break;
        case PRIORITY:
            if (size != 4)
                return 0;
            break;
        case ICE_CONTROLLED:
        case ICE_CONTROLLING:
            if (size != 8)
                return 0;
            break;
        default:
            if (type < OPTIONAL || (type >= UNUSUAL && type < USUAL))
                return 0;
        }
    }
    return named ? found : 0;
}

bool stun_accept(const struct stun_credentials *credentials, const uint8_t *data, size_t length, bool *nominates)
{
    uint8_t tag[EVP_MAX_MD_SIZE];
    if (credentials->name_length == 0)
        return false;
    size_t at = find_integrity(credentials, data, length, nominates);
    return at > 0 && integrity(credentials, data, at, tag) && CRYPTO_memcmp(tag, data + at + 4, INTEGRITY_SIZE) == 0;
}

/* The attribute's head; where its value goes. */
static uint8_t *begin(uint8_t *out, size_t *length, uint16_t type, size_t size)
{
    uint8_t *at = out + *length;
    put16(at, type);
    put16(at + 2, (uint16_t)size);
    *length += room_of(size);
    return at + 4;
}

static void write_address(const struct sockaddr_storage *source, uint8_t *out, size_t *length)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)source;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)source;
    bool is_six = source->ss_family == AF_INET6;
    /* What comes by IPv4 on a socket of both families is told as on any other. */
    bool is_four = !is_six || IN6_IS_ADDR_V4MAPPED(&six->sin6_addr);
    size_t size = is_four ? 4 : 16;
    uint8_t host[16];
    if (is_six)
        memcpy(host, six->sin6_addr.s6_addr + 16 - size, size);
    else
        memcpy(host, &four->sin_addr, size);
    uint8_t *value = begin(out, length, XOR_MAPPED_ADDRESS, 4 + size);
    put16(value, is_four ? 1 : 2);
    put16(value + 2, (uint16_t)(ntohs(is_six ? six->sin6_port : four->sin_port) ^ COOKIE >> 16));
    for (size_t i = 0; i < size; i++)
        value[4 + i] = host[i] ^ out[4 + i]; /* cookie and transaction */
}

size_t stun_answer(const struct stun_credentials *credentials, const uint8_t *check,
                   const struct sockaddr_storage *source, uint8_t *out)
{
    uint8_t tag[EVP_MAX_MD_SIZE];
    size_t length = HEADER;
    memcpy(out, check, HEADER);
    put16(out, RESPONSE);
    write_address(source, out, &length);
    if (!integrity(credentials, out, length, tag))
        return 0;
    memcpy(begin(out, &length, MESSAGE_INTEGRITY, INTEGRITY_SIZE), tag, INTEGRITY_SIZE);
    size_t before = length;
    uint8_t *value = begin(out, &length, FINGERPRINT, 4);
    put16(out + 2, (uint16_t)(length - HEADER));
    put32(value, fingerprint(out, before));
    return length;
}
