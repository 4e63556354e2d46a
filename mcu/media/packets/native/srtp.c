#include "srtp.h"

#include "rtp.h"

#include <string.h>

#include <openssl/crypto.h>

/* Labels of RFC 3711 section 4.3.1 and 4.3.2. */
enum label { RTP_CIPHER = 0, RTP_AUTHENTICATION = 1, RTP_SALT = 2 };
#define RTCP_LABELS 3

#define HMAC_KEY 20
#define GCM_TAG 16
#define GCM_SALT 12
#define RTCP_HEADER 8
#define RTCP_INDEX 4
#define RTCP_ENCRYPTED 0x80000000u
#define RTCP_LAST_INDEX 0x7fffffffu

/* Suites */

static size_t key_size(enum srtp_suite suite) { return suite == SRTP_AEAD_AES_256_GCM ? 32 : 16; }

static bool is_gcm(enum srtp_suite suite) { return suite >= SRTP_AEAD_AES_128_GCM; }

static size_t salt_size(enum srtp_suite suite) { return is_gcm(suite) ? GCM_SALT : 14; }

size_t srtp_material_size(enum srtp_suite suite) { return key_size(suite) + salt_size(suite); }

/* Derivation of session keys (RFC 3711 section 4.3; the rate is zero, so it is done once). AES in counter mode with the
 * master key; the salt of GCM is shorter and filled up with zeros (RFC 7714 section 11). */
static bool derive(EVP_CIPHER_CTX *master, const uint8_t salt[14], int label, uint8_t *out, size_t size)
{
    uint8_t iv[16] = {0};
    int written;
    memcpy(iv, salt, 14);
    iv[7] ^= (uint8_t)label;
    memset(out, 0, size);
    return EVP_EncryptInit_ex(master, NULL, NULL, NULL, iv) && EVP_EncryptUpdate(master, out, &written, out, (int)size);
}

static void hmac_begin(struct srtp_hmac *hmac, const uint8_t key[HMAC_KEY])
{
    uint8_t pad[SHA_CBLOCK];
    memset(pad, 0x36, sizeof pad);
    for (int i = 0; i < HMAC_KEY; i++)
        pad[i] ^= key[i];
    SHA1_Init(&hmac->inner);
    SHA1_Update(&hmac->inner, pad, sizeof pad);
    for (size_t i = 0; i < sizeof pad; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    SHA1_Init(&hmac->outer);
    SHA1_Update(&hmac->outer, pad, sizeof pad);
    OPENSSL_cleanse(pad, sizeof pad);
}

static bool keys_begin(struct srtp *srtp, struct srtp_keys *keys, EVP_CIPHER_CTX *master, const uint8_t salt[14],
                       int label)
{
    uint8_t key[32], authentication[HMAC_KEY];
    const EVP_CIPHER *cipher = !srtp->gcm                                 ? EVP_aes_128_ctr()
                               : srtp->suite == SRTP_AEAD_AES_256_GCM ? EVP_aes_256_gcm()
                                                                      : EVP_aes_128_gcm();
    keys->cipher = EVP_CIPHER_CTX_new();
    bool good = keys->cipher != NULL && derive(master, salt, label + RTP_CIPHER, key, key_size(srtp->suite)) &&
                derive(master, salt, label + RTP_AUTHENTICATION, authentication, sizeof authentication) &&
                derive(master, salt, label + RTP_SALT, keys->salt, salt_size(srtp->suite)) &&
                EVP_CipherInit_ex(keys->cipher, cipher, NULL, key, NULL, srtp->gcm && srtp->inbound ? 0 : 1);
    if (good)
        hmac_begin(&keys->hmac, authentication);
    OPENSSL_cleanse(key, sizeof key);
    OPENSSL_cleanse(authentication, sizeof authentication);
    return good;
}

bool srtp_begin(struct srtp *srtp, enum srtp_suite suite, const uint8_t *material, bool inbound)
{
    uint8_t salt[14] = {0};
    memset(srtp, 0, sizeof *srtp);
    srtp->suite = suite, srtp->inbound = inbound, srtp->gcm = is_gcm(suite);
    srtp->rtp_tag = srtp->gcm ? GCM_TAG : suite == SRTP_AES_CM_128_HMAC_SHA1_32 ? 4 : 10;
    srtp->rtcp_tag = srtp->gcm ? GCM_TAG : 10; /* also beside 32 bits for RTP: RFC 4568 section 6.2.2 */
    memcpy(salt, material + key_size(suite), salt_size(suite));
    EVP_CIPHER_CTX *master = EVP_CIPHER_CTX_new();
    bool good = master != NULL &&
                EVP_EncryptInit_ex(master, key_size(suite) == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(), NULL,
                                   material, NULL) &&
                keys_begin(srtp, &srtp->rtp, master, salt, 0) &&
                keys_begin(srtp, &srtp->rtcp, master, salt, RTCP_LABELS);
    EVP_CIPHER_CTX_free(master);
    if (!good)
        srtp_end(srtp);
    return good;
}

void srtp_end(struct srtp *srtp)
{
    EVP_CIPHER_CTX_free(srtp->rtp.cipher);
    EVP_CIPHER_CTX_free(srtp->rtcp.cipher);
    OPENSSL_cleanse(srtp, sizeof *srtp);
}

/* Sources */

const struct srtp_source *srtp_find(const struct srtp *srtp, uint32_t ssrc)
{
    if (srtp->source_count > 0 && srtp->sources[srtp->recent].ssrc == ssrc)
        return &srtp->sources[srtp->recent];
    for (size_t i = 0; i < srtp->source_count; i++)
        if (srtp->sources[i].ssrc == ssrc)
            return &srtp->sources[i];
    return NULL;
}

struct srtp_source *srtp_source(struct srtp *srtp, uint32_t ssrc)
{
    struct srtp_source *source = (struct srtp_source *)srtp_find(srtp, ssrc);
    if (source == NULL) {
        if (srtp->source_count < SRTP_MAX_SOURCES) {
            source = &srtp->sources[srtp->source_count++];
        } else if (srtp->inbound) {
            source = srtp->sources;
            for (size_t i = 1; i < SRTP_MAX_SOURCES; i++)
                if (srtp->sources[i].used < source->used)
                    source = &srtp->sources[i];
        } else {
            return NULL; /* to forget what was sent would be to use a key stream twice */
        }
        memset(source, 0, sizeof *source);
        source->ssrc = ssrc;
    }
    source->used = ++srtp->uses;
    srtp->recent = (size_t)(source - srtp->sources);
    return source;
}

/* The index of a packet, 48 bits (RFC 3711 section 3.3.1 and appendix A). */
static int64_t guess_index(const struct srtp_source *source, uint16_t sequence)
{
    if (source == NULL || !source->begun)
        return (int64_t)(source == NULL ? 0 : source->rollovers) << 16 | sequence;
    int64_t rollovers = source->rollovers;
    int difference = (int)sequence - (int)source->highest;
    if (difference > 0x8000)
        rollovers--;
    else if (difference < -0x8000)
        rollovers++;
    return rollovers < 0 ? -1 : rollovers << 16 | sequence;
}

static int64_t highest_index(const struct srtp_source *source)
{
    return source->begun ? (int64_t)source->rollovers << 16 | source->highest : -1;
}

static bool window_has(const uint64_t *window, int64_t highest, int64_t index)
{
    if (index > highest)
        return false;
    if (highest - index >= SRTP_WINDOW)
        return true;
    return window[index % SRTP_WINDOW / 64] >> index % 64 & 1;
}

static void window_add(uint64_t *window, int64_t highest, int64_t index)
{
    if (index - highest >= SRTP_WINDOW)
        memset(window, 0, SRTP_WINDOW / 8);
    else
        for (int64_t gap = highest + 1; gap <= index; gap++)
            window[gap % SRTP_WINDOW / 64] &= ~((uint64_t)1 << gap % 64);
    window[index % SRTP_WINDOW / 64] |= (uint64_t)1 << index % 64;
}

static void advance(struct srtp_source *source, int64_t index)
{
    if (index > highest_index(source)) {
        source->rollovers = (uint32_t)(index >> 16);
        source->highest = (uint16_t)index;
        source->begun = true;
    }
}

/* Packets of both kinds so far, in a number that only grows. */
static uint64_t packets_of(const struct srtp_source *source)
{
    return (uint64_t)(highest_index(source) + 1) + source->rtcp_index;
}

void srtp_told(struct srtp *srtp)
{
    for (size_t i = 0; i < srtp->source_count; i++)
        srtp->sources[i].told = packets_of(&srtp->sources[i]);
}

bool srtp_gone_far(const struct srtp *srtp, uint64_t packets)
{
    for (size_t i = 0; i < srtp->source_count; i++)
        if (packets_of(&srtp->sources[i]) - srtp->sources[i].told >= packets)
            return true;
    return false;
}

/* Ciphers */

static void hmac_tag(const struct srtp_hmac *hmac, const uint8_t *data, size_t length, const uint8_t *more,
                     size_t more_length, uint8_t tag[SHA_DIGEST_LENGTH])
{
    SHA_CTX context = hmac->inner;
    SHA1_Update(&context, data, length);
    SHA1_Update(&context, more, more_length);
    SHA1_Final(tag, &context);
    context = hmac->outer;
    SHA1_Update(&context, tag, SHA_DIGEST_LENGTH);
    SHA1_Final(tag, &context);
}

/* Counter mode: encrypts and decrypts. Index is that of RTP (48 bits) or RTCP (31 bits). */
static bool counter_mode(const struct srtp_keys *keys, uint32_t ssrc, uint64_t index, uint8_t *data, size_t length)
{
    uint8_t iv[16] = {0};
    int written;
    memcpy(iv, keys->salt, 14);
    for (int i = 0; i < 4; i++)
        iv[4 + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
    for (int i = 0; i < 6; i++)
        iv[8 + i] ^= (uint8_t)(index >> (40 - 8 * i));
    return EVP_EncryptInit_ex(keys->cipher, NULL, NULL, NULL, iv) &&
           EVP_EncryptUpdate(keys->cipher, data, &written, data, (int)length);
}

/* The nonce of GCM: RTP has roll-over count and sequence number at its end (RFC 7714 section 8.1), RTCP its index
 * (section 9.1); both are the 48-bit index. */
static void nonce(const struct srtp_keys *keys, uint32_t ssrc, uint64_t index, uint8_t iv[GCM_SALT])
{
    memcpy(iv, keys->salt, GCM_SALT);
    for (int i = 0; i < 4; i++)
        iv[2 + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
    for (int i = 0; i < 6; i++)
        iv[6 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

static bool seal(const struct srtp_keys *keys, const uint8_t *iv, const uint8_t *aad, size_t aad_length,
                 const uint8_t *more, size_t more_length, uint8_t *data, size_t length)
{
    int written;
    return EVP_EncryptInit_ex(keys->cipher, NULL, NULL, NULL, iv) &&
           EVP_EncryptUpdate(keys->cipher, NULL, &written, aad, (int)aad_length) &&
           (more_length == 0 || EVP_EncryptUpdate(keys->cipher, NULL, &written, more, (int)more_length)) &&
           (length == 0 || EVP_EncryptUpdate(keys->cipher, data, &written, data, (int)length)) &&
           EVP_EncryptFinal_ex(keys->cipher, data + length, &written) &&
           EVP_CIPHER_CTX_ctrl(keys->cipher, EVP_CTRL_AEAD_GET_TAG, GCM_TAG, data + length);
}

static bool unseal(const struct srtp_keys *keys, const uint8_t *iv, const uint8_t *aad, size_t aad_length,
                   const uint8_t *more, size_t more_length, uint8_t *data, size_t length)
{
    int written;
    return EVP_DecryptInit_ex(keys->cipher, NULL, NULL, NULL, iv) &&
           EVP_DecryptUpdate(keys->cipher, NULL, &written, aad, (int)aad_length) &&
           (more_length == 0 || EVP_DecryptUpdate(keys->cipher, NULL, &written, more, (int)more_length)) &&
           EVP_CIPHER_CTX_ctrl(keys->cipher, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, data + length) &&
           (length == 0 || EVP_DecryptUpdate(keys->cipher, data, &written, data, (int)length)) &&
           EVP_DecryptFinal_ex(keys->cipher, data + length, &written) > 0;
}

/* RTP */

enum srtp_result srtp_protect(struct srtp *srtp, uint8_t *packet, size_t *length)
{
    size_t header = rtp_header_length(packet, *length);
    if (header == 0 || *length > SRTP_MAX_PACKET - SRTP_MAX_OVERHEAD)
        return SRTP_MALFORMED;
    uint32_t ssrc = get32(packet + 8);
    struct srtp_source *source = srtp_source(srtp, ssrc);
    if (source == NULL)
        return SRTP_EXHAUSTED;
    int64_t index = guess_index(source, get16(packet + 2));
    if (index < 0 || index >> 48)
        return SRTP_EXHAUSTED;
    if (srtp->gcm) {
        uint8_t iv[GCM_SALT];
        nonce(&srtp->rtp, ssrc, (uint64_t)index, iv);
        if (!seal(&srtp->rtp, iv, packet, header, NULL, 0, packet + header, *length - header))
            return SRTP_MALFORMED;
    } else {
        uint8_t rollovers[4], tag[SHA_DIGEST_LENGTH];
        if (!counter_mode(&srtp->rtp, ssrc, (uint64_t)index, packet + header, *length - header))
            return SRTP_MALFORMED;
        put32(rollovers, (uint32_t)(index >> 16));
        hmac_tag(&srtp->rtp.hmac, packet, *length, rollovers, sizeof rollovers, tag);
        memcpy(packet + *length, tag, srtp->rtp_tag);
    }
    advance(source, index);
    *length += srtp->rtp_tag;
    return SRTP_OK;
}

enum srtp_result srtp_unprotect(struct srtp *srtp, uint8_t *packet, size_t *length)
{
    if (*length > SRTP_MAX_PACKET || *length < 12 + srtp->rtp_tag)
        return SRTP_MALFORMED;
    size_t plain = *length - srtp->rtp_tag, header = rtp_header_length(packet, plain);
    if (header == 0)
        return SRTP_MALFORMED;
    uint32_t ssrc = get32(packet + 8);
    const struct srtp_source *known = srtp_find(srtp, ssrc);
    int64_t index = guess_index(known, get16(packet + 2));
    if (index < 0 || index >> 48 || (known != NULL && window_has(known->window, highest_index(known), index)))
        return SRTP_REPLAYED;
    if (srtp->gcm) {
        uint8_t iv[GCM_SALT];
        nonce(&srtp->rtp, ssrc, (uint64_t)index, iv);
        if (!unseal(&srtp->rtp, iv, packet, header, NULL, 0, packet + header, plain - header))
            return SRTP_FORGED;
    } else {
        uint8_t rollovers[4], tag[SHA_DIGEST_LENGTH];
        put32(rollovers, (uint32_t)(index >> 16));
        hmac_tag(&srtp->rtp.hmac, packet, plain, rollovers, sizeof rollovers, tag);
        if (CRYPTO_memcmp(tag, packet + plain, srtp->rtp_tag) != 0)
            return SRTP_FORGED;
        if (!counter_mode(&srtp->rtp, ssrc, (uint64_t)index, packet + header, plain - header))
            return SRTP_MALFORMED;
    }
    struct srtp_source *source = srtp_source(srtp, ssrc);
    if (index > highest_index(source))
        window_add(source->window, highest_index(source), index);
    else
        source->window[index % SRTP_WINDOW / 64] |= (uint64_t)1 << index % 64;
    advance(source, index);
    *length = plain;
    return SRTP_OK;
}

/* RTCP: the index and whether it is encrypted travel in the packet (RFC 3711 section 3.4). */

enum srtp_result srtp_protect_rtcp(struct srtp *srtp, uint8_t *packet, size_t *length)
{
    uint8_t trailer[RTCP_INDEX];
    if (*length < RTCP_HEADER || *length > SRTP_MAX_PACKET - SRTP_MAX_OVERHEAD || packet[0] >> 6 != 2)
        return SRTP_MALFORMED;
    uint32_t ssrc = get32(packet + 4);
    struct srtp_source *source = srtp_source(srtp, ssrc);
    if (source == NULL || source->rtcp_index == RTCP_LAST_INDEX)
        return SRTP_EXHAUSTED;
    uint32_t index = source->rtcp_index + 1;
    put32(trailer, RTCP_ENCRYPTED | index);
    if (srtp->gcm) {
        uint8_t iv[GCM_SALT];
        nonce(&srtp->rtcp, ssrc, index, iv);
        if (!seal(&srtp->rtcp, iv, packet, RTCP_HEADER, trailer, RTCP_INDEX, packet + RTCP_HEADER,
                  *length - RTCP_HEADER))
            return SRTP_MALFORMED;
        memcpy(packet + *length + GCM_TAG, trailer, RTCP_INDEX);
    } else {
        uint8_t tag[SHA_DIGEST_LENGTH];
        if (!counter_mode(&srtp->rtcp, ssrc, index, packet + RTCP_HEADER, *length - RTCP_HEADER))
            return SRTP_MALFORMED;
        memcpy(packet + *length, trailer, RTCP_INDEX);
        hmac_tag(&srtp->rtcp.hmac, packet, *length, trailer, RTCP_INDEX, tag);
        memcpy(packet + *length + RTCP_INDEX, tag, srtp->rtcp_tag);
    }
    source->rtcp_index = index;
    *length += srtp->rtcp_tag + RTCP_INDEX;
    return SRTP_OK;
}

enum srtp_result srtp_unprotect_rtcp(struct srtp *srtp, uint8_t *packet, size_t *length)
{
    if (*length > SRTP_MAX_PACKET || *length < RTCP_HEADER + srtp->rtcp_tag + RTCP_INDEX || packet[0] >> 6 != 2)
        return SRTP_MALFORMED;
    size_t plain = *length - srtp->rtcp_tag - RTCP_INDEX;
    const uint8_t *trailer = srtp->gcm ? packet + *length - RTCP_INDEX : packet + plain;
    uint32_t ssrc = get32(packet + 4), word = get32(trailer), index = word & RTCP_LAST_INDEX;
    bool encrypted = (word & RTCP_ENCRYPTED) != 0;
    const struct srtp_source *known = srtp_find(srtp, ssrc);
    if (known != NULL && known->rtcp_begun && window_has(known->rtcp_window, known->rtcp_index, index))
        return SRTP_REPLAYED;
    if (!encrypted)
        return SRTP_FORGED; /* no suite of ours leaves RTCP in the clear */
    if (srtp->gcm) {
        uint8_t iv[GCM_SALT];
        nonce(&srtp->rtcp, ssrc, index, iv);
        if (!unseal(&srtp->rtcp, iv, packet, RTCP_HEADER, trailer, RTCP_INDEX, packet + RTCP_HEADER,
                    plain - RTCP_HEADER))
            return SRTP_FORGED;
    } else {
        uint8_t tag[SHA_DIGEST_LENGTH];
        hmac_tag(&srtp->rtcp.hmac, packet, plain, trailer, RTCP_INDEX, tag);
        if (CRYPTO_memcmp(tag, packet + plain + RTCP_INDEX, srtp->rtcp_tag) != 0)
            return SRTP_FORGED;
        if (!counter_mode(&srtp->rtcp, ssrc, index, packet + RTCP_HEADER, plain - RTCP_HEADER))
            return SRTP_MALFORMED;
    }
    struct srtp_source *source = srtp_source(srtp, ssrc);
    int64_t highest = source->rtcp_begun ? (int64_t)source->rtcp_index : -1;
    if ((int64_t)index > highest) {
        window_add(source->rtcp_window, highest, index);
        source->rtcp_index = index;
        source->rtcp_begun = true;
    } else {
        source->rtcp_window[index % SRTP_WINDOW / 64] |= (uint64_t)1 << index % 64;
    }
    *length = plain;
    return SRTP_OK;
}
