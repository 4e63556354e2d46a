/* Connectivity checks, good ones and damaged ones, by credentials of any length. */
#include "world.h"

#include <netinet/in.h>

#include "rtp.h"
#include "stun.h"

static struct stun_credentials made_credentials(void)
{
    static const size_t lengths[] = {0, 1, 9, 64, 65, 256, STUN_NAME};
    struct stun_credentials made;
    made.name_length = lengths[chance(7)];
    made.password_length = lengths[chance(6)];
    memset(made.name, 'n', sizeof made.name);
    memset(made.password, 'p', sizeof made.password);
    return made;
}

static struct sockaddr_storage any_source(void)
{
    struct sockaddr_storage made = {.ss_family = one_in(2) ? AF_INET : AF_INET6};
    uint8_t *octets = (uint8_t *)&made + sizeof made.ss_family;
    for (size_t i = 0; i < sizeof(struct sockaddr_in6) - sizeof made.ss_family; i++)
        octets[i] = (uint8_t)chance(256);
    if (one_in(4)) {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)&made;
        memset(&six->sin6_addr, 0, 10);
        memset(six->sin6_addr.s6_addr + 10, 0xff, 2);
    }
    return made;
}

/* An answer has the form of a check but for its type, and the same integrity: with a name it is one. */
static struct input make_check(const struct stun_credentials *credentials)
{
    uint8_t data[STUN_LONGEST + STUN_ANSWER] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
    size_t length = 20;
    if (!one_in(8)) {
        put16(data + length, 6);
        put16(data + length + 2, (uint16_t)credentials->name_length);
        memcpy(data + length + 4, credentials->name, credentials->name_length);
        length += 4 + (credentials->name_length + 3) / 4 * 4;
    }
    for (uint32_t i = chance(3); i > 0 && length < 400; i--) {
        static const uint16_t types[] = {0x0024, 0x0025, 0x8029, 0x802a, 0xc057, 0x8022, 0x0001};
        uint16_t size = (uint16_t)(one_in(2) ? 4 : chance(20));
        put16(data + length, types[chance(7)]);
        put16(data + length + 2, size);
        length += 4 + (size + 3u) / 4 * 4;
    }
    if (one_in(8))
        put16(data + 22, (uint16_t)chance(65536));
    put16(data + length, 8);
    put16(data + length + 2, 20);
    length += 24;
    put16(data + 2, (uint16_t)(length - 20));
    return copy_of(data, length, 0);
}

void fuzz_checks(void)
{
    struct stun_credentials credentials = made_credentials();
    struct sockaddr_storage source = any_source();
    struct input made = one_in(3) ? make_any() : make_check(&credentials);
    uint8_t *answer = malloc(STUN_ANSWER);
    bool nominates = false;
    REQUIRE(answer != NULL);
    if (one_in(4))
        damage(&made);
    /* Nobody has signed it. */
    REQUIRE(!stun_accept(&credentials, made.data, made.length, &nominates));
    if (made.length >= 20) {
        size_t length = stun_answer(&credentials, made.data, &source, answer);
        REQUIRE(length == STUN_ANSWER || length == STUN_ANSWER - 12);
        REQUIRE(get16(answer) == 0x0101 && get16(answer + 2) == length - 20);
        answer[1] = 0x01, answer[0] = 0x00;
        REQUIRE(!stun_accept(&credentials, answer, length, &nominates)); /* it names nobody */
    }
    free(answer);
    free(made.data);
}
