/* test_siv.c - AES-SIV: the vectors of RFC 5297, and a slow cipher made from its text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/test.h"
#include "seal/seal.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 16, ROUNDS = 400, TEXT_MAX = 1200, KEYS = 4 };

static size_t unhex(const char *text, uint8_t *out)
{
    size_t len = 0;
    for (; *text; text++) {
        if (*text == ' ') continue;
        unsigned n;
        assert_int_equal(sscanf(text, "%2x", &n), 1);
        out[len++] = (uint8_t)n;
        text++;
    }
    return len;
}

struct vector {
    const char *key, *strings[4], *plain, *sealed;
};

/* RFC 5297, appendix A. */
static const struct vector vectors[] = {
    {.key = "fffefdfc fbfaf9f8 f7f6f5f4 f3f2f1f0 f0f1f2f3 f4f5f6f7 f8f9fafb fcfdfeff",
     .strings = {"10111213 14151617 18191a1b 1c1d1e1f 20212223 24252627"},
     .plain = "11223344 55667788 99aabbcc ddee",
     .sealed = "85632d07 c6e8f37f 950acd32 0a2ecc93 40c02b96 90c4dc04 daef7f6a fe5c"},
    {.key = "7f7e7d7c 7b7a7978 77767574 73727170 40414243 44454647 48494a4b 4c4d4e4f",
     .strings = {"00112233 44556677 8899aabb ccddeeff deaddada deaddada ffeeddcc bbaa9988 "
                 "77665544 33221100",
                 "10203040 50607080 90a0",
                 "09f91102 9d74e35b d84156c5 635688c0"},
     .plain = "74686973 20697320 736f6d65 20706c61 696e7465 78742074 6f20656e 63727970 "
              "74207573 696e6720 5349562d 414553",
     .sealed = "7bdb6e3b 432667eb 06f4d14b ff2fbd0f cb900f2f ddbe4043 26601965 c889bf17 "
               "dba77ceb 094fa663 b7a3f748 ba8af829 ea64ad54 4a272e9c 485b62a3 fd5c0d"},
};

static void it_gives_what_rfc_5297_gives(void **state)
{
    (void)state;
    struct skn_sealer *sealer = skn_sealer_create();
    for (size_t i = 0; i < SKN_ARRAY_LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        uint8_t key[64], strings[4][64], plain[64], sealed[96], out[96], back[96];
        struct skn_slice list[4];
        size_t key_len = unhex(v->key, key), len = unhex(v->plain, plain), count = 0;
        for (; count < 4 && v->strings[count]; count++)
            list[count] = skn_slice(strings[count], unhex(v->strings[count], strings[count]));
        assert_int_equal(unhex(v->sealed, sealed), len + SKN_SIV_BYTES);
        skn_siv_seal(sealer, skn_slice(key, key_len), list, count, skn_slice(plain, len), out);
        assert_memory_equal(out, sealed, len + SKN_SIV_BYTES);
        assert_true(skn_siv_open(sealer,
                                 skn_slice(key, key_len),
                                 list,
                                 count,
                                 skn_slice(sealed, len + SKN_SIV_BYTES),
                                 back));
        assert_memory_equal(back, plain, len);
    }
    skn_sealer_destroy(sealer);
}

/* --- the slow one: RFC 5297, 2.4 to 2.6, and CMAC by RFC 4493, over single blocks ---------------- */

static void encrypt_block(const uint8_t *key, size_t key_len, const uint8_t *in, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;
    assert_non_null(ctx);
    const EVP_CIPHER *cipher = key_len == 32 ? EVP_aes_256_ecb() : EVP_aes_128_ecb();
    assert_int_equal(EVP_EncryptInit_ex(ctx, cipher, NULL, key, NULL), 1);
    assert_int_equal(EVP_CIPHER_CTX_set_padding(ctx, 0), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, out, &n, in, BLOCK), 1);
    EVP_CIPHER_CTX_free(ctx);
}

static void dbl(uint8_t *block)
{
    unsigned carry = block[0] >> 7;
    for (size_t i = 0; i < BLOCK; i++)
        block[i] = (uint8_t)(block[i] << 1 | (i + 1 < BLOCK ? block[i + 1] >> 7 : 0));
    if (carry) block[BLOCK - 1] ^= 0x87;
}

static void
cmac(const uint8_t *key, size_t key_len, const uint8_t *text, size_t len, uint8_t out[BLOCK])
{
    uint8_t k[BLOCK] = {0}, last[BLOCK] = {0}, x[BLOCK] = {0};
    size_t blocks = len == 0 ? 1 : (len + BLOCK - 1) / BLOCK;
    size_t tail = len - (blocks - 1) * BLOCK;
    encrypt_block(key, key_len, k, k);
    dbl(k);
    if (tail < BLOCK) dbl(k);
    memcpy(last, text + (blocks - 1) * BLOCK, tail);
    if (tail < BLOCK) last[tail] = 0x80;
    for (size_t b = 0; b < blocks; b++) {
        const uint8_t *in = b + 1 < blocks ? text + b * BLOCK : last;
        for (size_t i = 0; i < BLOCK; i++)
            x[i] ^= (uint8_t)(in[i] ^ (b + 1 < blocks ? 0 : k[i]));
        encrypt_block(key, key_len, x, x);
    }
    memcpy(out, x, BLOCK);
}

static void slow_seal(const uint8_t *key,
                      size_t key_len,
                      const struct skn_slice *strings,
                      size_t count,
                      struct skn_slice plain,
                      uint8_t *out)
{
    size_t half = key_len / 2;
    uint8_t d[BLOCK] = {0}, t[BLOCK], text[TEXT_MAX + BLOCK] = {0};
    cmac(key, half, d, BLOCK, d);
    for (size_t i = 0; i < count; i++) {
        dbl(d);
        cmac(key, half, strings[i].ptr, strings[i].len, t);
        for (size_t k = 0; k < BLOCK; k++)
            d[k] ^= t[k];
    }
    memcpy(text, plain.ptr, plain.len);
    size_t len = plain.len;
    if (len < BLOCK) {
        dbl(d);
        text[len] = 0x80;
        len = BLOCK;
    }
    for (size_t k = 0; k < BLOCK; k++)
        text[len - BLOCK + k] ^= d[k];
    cmac(key, half, text, len, out);
    uint8_t counter[BLOCK], stream[BLOCK];
    memcpy(counter, out, BLOCK);
    counter[8] &= 0x7f;
    counter[12] &= 0x7f;
    for (size_t at = 0; at < plain.len; at += BLOCK) {
        encrypt_block(key + half, half, counter, stream);
        for (size_t k = 0; k < BLOCK && at + k < plain.len; k++)
            out[BLOCK + at + k] = plain.ptr[at + k] ^ stream[k];
        for (size_t k = BLOCK; k > 0 && ++counter[k - 1] == 0; k--)
            continue;
    }
}

static uint64_t rng = 42;

static uint64_t random_bits(void)
{
    rng = rng * 6364136223846793005U + 1442695040888963407U;
    return rng >> 33;
}

static void fill(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)random_bits();
}

/* Keys of both sizes, more of them than a sealer keeps ready, in any order; lengths around those of
 * blocks and of what is done at once; up to three strings; then one bit flipped. */
static void it_agrees_with_a_slow_one_and_sees_each_change(void **state)
{
    (void)state;
    struct skn_sealer *sealer = skn_sealer_create();
    uint8_t keys[KEYS][64];
    fill(keys[0], sizeof keys);
    for (int round = 0; round < ROUNDS; round++) {
        uint8_t bytes[3][40], plain[TEXT_MAX], fast[TEXT_MAX + BLOCK], slow[TEXT_MAX + BLOCK],
            back[TEXT_MAX];
        struct skn_slice list[3];
        size_t key_len = round % 2 ? 64 : 32, count = 1 + random_bits() % 3;
        size_t len = 1 + random_bits() % (round % 3 ? 40 : TEXT_MAX);
        const uint8_t *key = keys[random_bits() % KEYS];
        fill(plain, len);
        for (size_t i = 0; i < count; i++) {
            list[i] = skn_slice(bytes[i], 1 + random_bits() % sizeof bytes[i]);
            fill(bytes[i], sizeof bytes[i]);
        }
        struct skn_slice k = skn_slice(key, key_len), p = skn_slice(plain, len);
        skn_siv_seal(sealer, k, list, count, p, fast);
        slow_seal(key, key_len, list, count, p, slow);
        assert_memory_equal(fast, slow, len + BLOCK);
        struct skn_slice sealed = skn_slice(fast, len + BLOCK);
        assert_true(skn_siv_open(sealer, k, list, count, sealed, back));
        assert_memory_equal(back, plain, len);
        fast[random_bits() % (len + BLOCK)] ^= (uint8_t)(1U << random_bits() % 8);
        assert_false(skn_siv_open(sealer, k, list, count, sealed, back));
    }
    skn_sealer_destroy(sealer);
}

static void what_is_cut_off_does_not_open(void **state)
{
    (void)state;
    struct skn_sealer *sealer = skn_sealer_create();
    uint8_t key[64] = {1}, out[20], back[20];
    struct skn_slice strings[] = {SKN_LIT("place")};
    skn_siv_seal(sealer, skn_slice(key, 64), strings, 1, SKN_LIT("abcd"), out);
    for (size_t len = 0; len < 20; len++)
        assert_false(
            skn_siv_open(sealer, skn_slice(key, 64), strings, 1, skn_slice(out, len), back));
    assert_true(skn_siv_open(sealer, skn_slice(key, 64), strings, 1, skn_slice(out, 20), back));
    strings[0] = SKN_LIT("plac");
    assert_false(skn_siv_open(sealer, skn_slice(key, 64), strings, 1, skn_slice(out, 20), back));
    skn_sealer_destroy(sealer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_gives_what_rfc_5297_gives),
        cmocka_unit_test(it_agrees_with_a_slow_one_and_sees_each_change),
        cmocka_unit_test(what_is_cut_off_does_not_open),
    };
    return cmocka_run_group_tests_name("siv", tests, NULL, NULL);
}
