/* siv.c - AES-SIV (RFC 5297) by libcrypto. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/seal.h"

#include "base/mem.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

struct skn_sealer {
    EVP_CIPHER_CTX *ctx;
    EVP_CIPHER *ciphers[3]; /* by the size of their key: 32, 48, 64 bytes */
};

struct skn_sealer *skn_sealer_create(void)
{
    return skn_alloc_zero(1, sizeof(struct skn_sealer));
}

void skn_sealer_destroy(struct skn_sealer *sealer)
{
    if (!sealer) return;
    for (size_t i = 0; i < SKN_ARRAY_LEN(sealer->ciphers); i++)
        EVP_CIPHER_free(sealer->ciphers[i]);
    EVP_CIPHER_CTX_free(sealer->ctx);
    skn_free(sealer);
}

/* Out of memory, or a libcrypto without the cipher: a node that cannot seal must not go on. */
static void must(int ok)
{
    SKN_ASSERT(ok > 0);
}

static EVP_CIPHER *cipher_of(struct skn_sealer *sealer, size_t key_bytes)
{
    static const char *const names[] = {"AES-128-SIV", "AES-192-SIV", "AES-256-SIV"};
    SKN_ASSERT(key_bytes == 32 || key_bytes == 48 || key_bytes == 64);
    size_t i = key_bytes / 16 - 2;
    if (!sealer->ctx) {
        /* Nobody's openssl.cnf chooses what seals. */
        must(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL));
        sealer->ctx = EVP_CIPHER_CTX_new();
        SKN_ASSERT(sealer->ctx);
    }
    if (!sealer->ciphers[i]) sealer->ciphers[i] = EVP_CIPHER_fetch(NULL, names[i], NULL);
    SKN_ASSERT(sealer->ciphers[i]);
    return sealer->ciphers[i];
}

static int int_of(size_t len)
{
    SKN_ASSERT(len > 0 && len <= INT32_MAX);
    return (int)len;
}

static void begin(struct skn_sealer *sealer, struct skn_slice key, bool is_sealing)
{
    EVP_CIPHER *cipher = cipher_of(sealer, key.len);
    must(EVP_CIPHER_CTX_reset(sealer->ctx));
    must(EVP_CipherInit_ex2(sealer->ctx, cipher, key.ptr, NULL, is_sealing, NULL));
}

static void put_strings(struct skn_sealer *sealer, const struct skn_slice *strings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int n;
        must(EVP_CipherUpdate(sealer->ctx, NULL, &n, strings[i].ptr, int_of(strings[i].len)));
    }
}

void skn_siv_seal(struct skn_sealer *sealer,
                  struct skn_slice key,
                  const struct skn_slice *strings,
                  size_t count,
                  struct skn_slice plain,
                  uint8_t *out)
{
    int n = 0, rest = 0;
    begin(sealer, key, true);
    put_strings(sealer, strings, count);
    must(EVP_CipherUpdate(sealer->ctx, out + SKN_SIV_BYTES, &n, plain.ptr, int_of(plain.len)));
    must(EVP_CipherFinal_ex(sealer->ctx, out + SKN_SIV_BYTES + n, &rest));
    SKN_ASSERT((size_t)n + (size_t)rest == plain.len);
    must(EVP_CIPHER_CTX_ctrl(sealer->ctx, EVP_CTRL_AEAD_GET_TAG, SKN_SIV_BYTES, out));
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
    uint8_t iv[SKN_SIV_BYTES];
    int n = 0;
    memcpy(iv, sealed.ptr, sizeof iv);
    begin(sealer, key, false);
    must(EVP_CIPHER_CTX_ctrl(sealer->ctx, EVP_CTRL_AEAD_SET_TAG, sizeof iv, iv));
    put_strings(sealer, strings, count);
    bool is_good = EVP_CipherUpdate(sealer->ctx, out, &n, body.ptr, int_of(body.len)) > 0 &&
                   (size_t)n == body.len;
    if (!is_good) OPENSSL_cleanse(out, body.len);
    return is_good;
}
