/* test_utf8.c - characters against an encoder, over every number and every short byte string. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include "base/rng.h"
#include "lib/test.h"

static const uint64_t seed = 42;

/* Slow and obvious: writes a number by the definition. */
static size_t encode(uint32_t n, uint8_t *out)
{
    if (n < 0x80) {
        out[0] = (uint8_t)n;
        return 1;
    }
    size_t len = n < 0x800 ? 2 : n < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, n >>= 6)
        out[i] = (uint8_t)(0x80 | (n & 0x3F));
    out[0] = (uint8_t)(n | (0xF00U >> len & 0xFF));
    return len;
}

static void every_character_has_its_length_and_no_surrogate_has_one(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 0x110000; n++) {
        uint8_t bytes[4];
        size_t len = encode(n, bytes);
        size_t expected = n >= 0xD800 && n <= 0xDFFF ? 0 : len;
        if (skn_utf8_len(skn_slice(bytes, len)) != expected) fail_msg("U+%04X", n);
        if (len > 1 && skn_utf8_len(skn_slice(bytes, len - 1)) != 0) fail_msg("U+%04X cut", n);
    }
}

/* Every string of two bytes and 100,000 of four: a length says that some number is written so. */
static void nothing_else_is_a_character(void **state)
{
    (void)state;
    static uint8_t two[0x800][2];
    static bool is_two[0x10000];
    for (uint32_t n = 0x80; n < 0x800; n++) {
        encode(n, two[n]);
        is_two[two[n][0] << 8 | two[n][1]] = true;
    }
    for (uint32_t n = 0; n < 0x10000; n++) {
        uint8_t bytes[2] = {(uint8_t)(n >> 8), (uint8_t)n};
        size_t expected = bytes[0] < 0x80 ? 1 : is_two[n] ? 2 : 0;
        assert_int_equal(skn_utf8_len(skn_slice(bytes, 2)), expected);
    }
    struct skn_rng rng;
    skn_rng_init(&rng, seed);
    for (int i = 0; i < 100000; i++) {
        uint8_t bytes[4];
        skn_rng_bytes(&rng, bytes, 4);
        bytes[0] |= 0xE0;
        for (size_t b = 1; b < 4; b++)
            if (skn_rng_chance(&rng, 3, 4)) bytes[b] = (uint8_t)(0x80 | (bytes[b] & 0x3F));
        size_t len = skn_utf8_len(skn_slice(bytes, 4));
        if (len == 0) continue;
        uint32_t n = bytes[0] & (0xFFU >> (len + 1));
        for (size_t b = 1; b < len; b++)
            n = n << 6 | (bytes[b] & 0x3F);
        uint8_t again[4];
        if (n > 0x10FFFF || encode(n, again) != len || memcmp(again, bytes, len) != 0)
            fail_msg("seed %lu, step %d", seed, i);
    }
}

static void text_is_characters_to_its_end(void **state)
{
    (void)state;
    assert_true(skn_utf8_is_text(SKN_LIT("")));
    assert_true(skn_utf8_is_text(SKN_LIT("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\x8C")));
    assert_false(skn_utf8_is_text(SKN_LIT("a\xC3")));
    assert_false(skn_utf8_is_text(SKN_LIT("\xC0\x80")));
    assert_false(skn_utf8_is_text(SKN_LIT("\xFF")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_has_its_length_and_no_surrogate_has_one),
        cmocka_unit_test(nothing_else_is_a_character),
        cmocka_unit_test(text_is_characters_to_its_end),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
