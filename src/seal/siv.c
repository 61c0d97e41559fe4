/* siv.c - AES-SIV (RFC 5297) from the AES of libcrypto.
 *
 * libcrypto has the whole of it, too, and takes six times as long for a short secret: 3.0 expands both
 * keys and makes a MAC anew for each message. Here the expanded keys of the last two are kept (while a
 * key is changed there are two), and what no message changes is worked out once per key.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/seal.h"

#include "base/mem.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

enum { BLOCK = SKN_SIV_BYTES, CHUNK_BYTES = 32 * BLOCK, KEPT = 2 };

/* A key, ready. */
struct keyed {
    uint8_t key[SKN_SEAL_KEY_BYTES];
    size_t key_len;         /* 0: none yet */
    uint64_t used;          /* the greater, the later */
    EVP_CIPHER_CTX *mac;    /* CBC under its first half; its IV is `chain` */
    EVP_CIPHER_CTX *stream; /* ECB under its second half */
    uint8_t chain[BLOCK];   /* what `mac` gave last */
    uint8_t full[BLOCK];    /* RFC 4493 2.3: K1, for a last block that is full */
    uint8_t padded[BLOCK];  /* K2, for one that is not */
    uint8_t begin[BLOCK];   /* the MAC of a block of zeros */
};

struct skn_sealer {
    EVP_CIPHER *ciphers[3][2]; /* by the size of half a key; for MACs, for streams */
    struct keyed kept[KEPT];
    uint64_t uses;
};

struct skn_sealer *skn_sealer_create(void)
{
    return skn_alloc_zero(1, sizeof(struct skn_sealer));
}

void skn_sealer_destroy(struct skn_sealer *sealer)
{
    if (!sealer) return;
    for (size_t i = 0; i < KEPT; i++) {
        EVP_CIPHER_CTX_free(sealer->kept[i].mac);
        EVP_CIPHER_CTX_free(sealer->kept[i].stream);
    }
    for (size_t i = 0; i < SKN_ARRAY_LEN(sealer->ciphers); i++) {
        EVP_CIPHER_free(sealer->ciphers[i][0]);
        EVP_CIPHER_free(sealer->ciphers[i][1]);
    }
    OPENSSL_cleanse(sealer, sizeof *sealer);
    skn_free(sealer);
}

/* Out of memory, or a libcrypto without the cipher: a node that cannot seal must not go on. */
static void must(int ok)
{
    SKN_ASSERT(ok > 0);
}

/* --- blocks ------------------------------------------------------------------------------------- */

static void xor_into(uint8_t *out, const uint8_t *in, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] ^= in[i];
}

/* Times x in the field of RFC 5297 2.3. */
static void twice(uint8_t block[BLOCK])
{
    uint8_t carry = (uint8_t)(block[0] >> 7);
    for (size_t i = 0; i + 1 < BLOCK; i++)
        block[i] = (uint8_t)(block[i] << 1 | block[i + 1] >> 7);
    block[BLOCK - 1] = (uint8_t)(block[BLOCK - 1] << 1 ^ (0x87 & -carry));
}

static void encrypt(EVP_CIPHER_CTX *ctx, uint8_t *bytes, size_t len)
{
    int n = 0;
    SKN_ASSERT(len > 0 && len <= CHUNK_BYTES && len % BLOCK == 0);
    must(EVP_EncryptUpdate(ctx, bytes, &n, bytes, (int)len));
    SKN_ASSERT((size_t)n == len);
}

/* --- keys --------------------------------------------------------------------------------------- */

static EVP_CIPHER *cipher_of(struct skn_sealer *sealer, size_t half, bool is_stream)
{
    static const char *const names[3][2] = {{"AES-128-CBC", "AES-128-ECB"},
                                            {"AES-192-CBC", "AES-192-ECB"},
                                            {"AES-256-CBC", "AES-256-ECB"}};
    EVP_CIPHER **at = &sealer->ciphers[half / 8 - 2][is_stream];
    /* Nobody's openssl.cnf chooses what seals. */
    if (!*at) must(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL));
    if (!*at) *at = EVP_CIPHER_fetch(NULL, names[half / 8 - 2][is_stream], NULL);
    SKN_ASSERT(*at);
    return *at;
}

static void ready(EVP_CIPHER_CTX **ctx, const EVP_CIPHER *cipher, const uint8_t *key)
{
    static const uint8_t zeros[BLOCK];
    if (!*ctx) *ctx = EVP_CIPHER_CTX_new();
    SKN_ASSERT(*ctx);
    must(EVP_EncryptInit_ex2(*ctx, cipher, key, zeros, NULL));
    must(EVP_CIPHER_CTX_set_padding(*ctx, 0));
}

/* RFC 4493 2.4: the MAC of `bytes`, with `mix` (of `mix_len` bytes, or none) added to its last
 * mix_len bytes first, which is what RFC 5297 2.4 does to a long last string. */
static void
mac(struct keyed *k, struct skn_slice bytes, const uint8_t *mix, size_t mix_len, uint8_t out[BLOCK])
{
    uint8_t chunk[CHUNK_BYTES];
    SKN_ASSERT(mix_len <= bytes.len);
    size_t at = 0, mixed_from = bytes.len - mix_len, used = 0;
    do {
        size_t len = bytes.len - at < CHUNK_BYTES ? bytes.len - at : CHUNK_BYTES;
        if (len > 0) memcpy(chunk, bytes.ptr + at, len);
        for (size_t i = mixed_from > at ? mixed_from : at; i < at + len; i++)
            chunk[i - at] ^= mix[i - mixed_from];
        size_t blocks = len > 0 ? (len + BLOCK - 1) / BLOCK : 1, last = (blocks - 1) * BLOCK;
        if (at + len == bytes.len && len == last + BLOCK) {
            xor_into(chunk + last, k->full, BLOCK);
        } else if (at + len == bytes.len) {
            memset(chunk + len, 0, blocks * BLOCK - len);
            chunk[len] = 0x80;
            xor_into(chunk + last, k->padded, BLOCK);
        }
        /* The cipher adds what it gave last; a MAC begins with zeros. */
        if (at == 0) xor_into(chunk, k->chain, BLOCK);
        if (blocks * BLOCK > used) used = blocks * BLOCK;
        encrypt(k->mac, chunk, blocks * BLOCK);
        memcpy(k->chain, chunk + last, BLOCK);
        at += len;
    } while (at < bytes.len);
    memcpy(out, k->chain, BLOCK);
    OPENSSL_cleanse(chunk, used);
}

static void take_key(struct skn_sealer *sealer, struct keyed *k, struct skn_slice key)
{
    static const uint8_t zeros[BLOCK];
    const size_t half = key.len / 2;
    ready(&k->mac, cipher_of(sealer, half, false), key.ptr);
    ready(&k->stream, cipher_of(sealer, half, true), key.ptr + half);
    memcpy(k->key, key.ptr, key.len);
    k->key_len = key.len;
    memset(k->full, 0, BLOCK);
    encrypt(k->mac, k->full, BLOCK);
    memcpy(k->chain, k->full, BLOCK);
    twice(k->full);
    memcpy(k->padded, k->full, BLOCK);
    twice(k->padded);
    mac(k, skn_slice(zeros, BLOCK), NULL, 0, k->begin);
}

static struct keyed *keyed_of(struct skn_sealer *sealer, struct skn_slice key)
{
    struct keyed *found = NULL, *oldest = &sealer->kept[0];
    SKN_ASSERT(key.len == 32 || key.len == 48 || key.len == 64);
    for (size_t i = 0; i < KEPT && !found; i++) {
        struct keyed *k = &sealer->kept[i];
        if (k->key_len == key.len && CRYPTO_memcmp(k->key, key.ptr, key.len) == 0) found = k;
        if (k->used < oldest->used) oldest = k;
    }
    if (!found) take_key(sealer, oldest, key);
    if (!found) found = oldest;
    found->used = ++sealer->uses;
    return found;
}

/* --- RFC 5297 ----------------------------------------------------------------------------------- */

/* 2.4, S2V: all strings and the plain bytes in one block. */
static void synthesize(struct keyed *k,
                       const struct skn_slice *strings,
                       size_t count,
                       struct skn_slice plain,
                       uint8_t out[BLOCK])
{
    uint8_t d[BLOCK], one[BLOCK];
    memcpy(d, k->begin, BLOCK);
    for (size_t i = 0; i < count; i++) {
        SKN_ASSERT(strings[i].len > 0);
        twice(d);
        mac(k, strings[i], NULL, 0, one);
        xor_into(d, one, BLOCK);
    }
    SKN_ASSERT(plain.len > 0);
    if (plain.len >= BLOCK) {
        mac(k, plain, d, BLOCK, out);
        return;
    }
    twice(d);
    memset(one, 0, BLOCK);
    memcpy(one, plain.ptr, plain.len);
    one[plain.len] = 0x80;
    xor_into(d, one, BLOCK);
    mac(k, skn_slice(d, BLOCK), NULL, 0, out);
    OPENSSL_cleanse(d, BLOCK);
    OPENSSL_cleanse(one, BLOCK);
}

/* 2.5, CTR: adds the stream that begins at `iv`, two bits of which are left out. */
static void stream(struct keyed *k, const uint8_t iv[BLOCK], struct skn_slice in, uint8_t *out)
{
    uint8_t counter[BLOCK], chunk[CHUNK_BYTES];
    size_t used = 0;
    memcpy(counter, iv, BLOCK);
    counter[8] &= 0x7f;
    counter[12] &= 0x7f;
    for (size_t at = 0; at < in.len; at += CHUNK_BYTES) {
        size_t len = in.len - at < CHUNK_BYTES ? in.len - at : CHUNK_BYTES;
        size_t blocks = (len + BLOCK - 1) / BLOCK;
        for (size_t i = 0; i < blocks; i++) {
            memcpy(chunk + i * BLOCK, counter, BLOCK);
            for (size_t byte = BLOCK; byte > 0 && ++counter[byte - 1] == 0;)
                byte--;
        }
        if (blocks * BLOCK > used) used = blocks * BLOCK;
        encrypt(k->stream, chunk, blocks * BLOCK);
        for (size_t i = 0; i < len; i++)
            out[at + i] = in.ptr[at + i] ^ chunk[i];
    }
    OPENSSL_cleanse(chunk, used);
}

void skn_siv_seal(struct skn_sealer *sealer,
                  struct skn_slice key,
                  const struct skn_slice *strings,
                  size_t count,
                  struct skn_slice plain,
                  uint8_t *out)
{
    struct keyed *k = keyed_of(sealer, key);
    synthesize(k, strings, count, plain, out);
    stream(k, out, plain, out + SKN_SIV_BYTES);
}

bool skn_siv_open(struct skn_sealer *sealer,
                  struct skn_slice key,
                  const struct skn_slice *strings,
                  size_t count,
                  struct skn_slice sealed,
                  uint8_t *out)
{
    if (sealed.len <= SKN_SIV_BYTES) return false;
    struct skn_slice body = skn_slice_from(sealed, SKN_SIV_BYTES);
    struct keyed *k = keyed_of(sealer, key);
    uint8_t iv[SKN_SIV_BYTES];
    stream(k, sealed.ptr, body, out);
    synthesize(k, strings, count, skn_slice(out, body.len), iv);
    bool is_good = CRYPTO_memcmp(iv, sealed.ptr, sizeof iv) == 0;
    if (!is_good) OPENSSL_cleanse(out, body.len);
    return is_good;
}
