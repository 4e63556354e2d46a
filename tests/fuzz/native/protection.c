/* SRTP and SRTCP: what was protected comes out as it went in, and nothing else comes out. */
#include "world.h"

#include "rtp.h"
#include "srtp.h"

typedef enum srtp_result operation(struct srtp *, uint8_t *, size_t *);

static struct srtp out[4], in[4];
static bool begun;
static uint16_t sequences[4];

static void begin(int suite)
{
    uint8_t material[46];
    for (size_t i = 0; i < sizeof material; i++)
        material[i] = (uint8_t)chance(256);
    REQUIRE(srtp_begin(&out[suite], (enum srtp_suite)suite, material, false));
    REQUIRE(srtp_begin(&in[suite], (enum srtp_suite)suite, material, true));
}

/* Protect a copy in a buffer that has just the room it may take; what came of it, to be freed. */
static enum srtp_result protect(struct srtp *srtp, operation *work, const struct input *plain, struct input *made)
{
    *made = copy_of(plain->data, plain->length, SRTP_MAX_OVERHEAD);
    return work(srtp, made->data, &made->length);
}

void fuzz_srtp(void)
{
    int suite = (int)chance(4);
    if (!begun) {
        for (int i = 0; i < 4; i++)
            begin(i);
        begun = true;
    } else if (one_in(2000)) {
        srtp_end(&out[suite]);
        srtp_end(&in[suite]);
        begin(suite);
    }
    bool rtcp = one_in(3), valid = one_in(2);
    srtp_told(&out[suite]);
    REQUIRE(!srtp_gone_far(&out[suite], 1));
    uint32_t ssrc = chance(valid ? 4 : 200);
    struct input plain = rtcp || !valid ? make_any() : make_rtp(ssrc, sequences[ssrc]++), made;
    operation *to = rtcp ? srtp_protect_rtcp : srtp_protect, *from = rtcp ? srtp_unprotect_rtcp : srtp_unprotect;
    if (protect(&out[suite], to, &plain, &made) == SRTP_OK) {
        REQUIRE(made.length > plain.length && made.length <= plain.length + SRTP_MAX_OVERHEAD);
        struct input exact = copy_of(made.data, made.length, 0), changed = copy_of(made.data, made.length, 0);
        damage(&changed);
        bool same = changed.length == exact.length && memcmp(changed.data, exact.data, exact.length) == 0;
        enum srtp_result result = from(&in[suite], changed.data, &changed.length);
        /* Four octets of a tag are hit by chance once in so many; here they would have to be hit by a damaged packet. */
        REQUIRE(same || result != SRTP_OK);
        if (!same)
            result = from(&in[suite], exact.data, &exact.length);
        if (result == SRTP_OK && !same)
            REQUIRE(exact.length == plain.length && memcmp(exact.data, plain.data, plain.length) == 0);
        free(exact.data);
        free(changed.data);
        /* The same once more is a replay. */
        if (result == SRTP_OK)
            REQUIRE(from(&in[suite], made.data, &made.length) != SRTP_OK);
    }
    free(made.data);
    from(&in[suite], plain.data, &plain.length);
    free(plain.data);
}

void end_srtp(void)
{
    for (int i = 0; begun && i < 4; i++) {
        srtp_end(&out[i]);
        srtp_end(&in[i]);
    }
}
