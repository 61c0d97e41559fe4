/* test_hash.c - SipHash against published and foreign values. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "lib/test.h"

/* Appendix A of the paper: key 00..0f, message 00..0e; and the first row of its test vectors. */
static void siphash_2_4_gives_the_values_of_the_paper(void **state)
{
    (void)state;
    uint8_t bytes[15];
    for (uint8_t i = 0; i < sizeof bytes; i++)
        bytes[i] = i;
    uint64_t key0 = 0x0706050403020100U;
    uint64_t key1 = 0x0f0e0d0c0b0a0908U;
    assert_int_equal(skn_siphash(skn_slice(bytes, 15), key0, key1, 2, 4), 0xa129ca6149be45e5U);
    assert_int_equal(skn_siphash(skn_slice(NULL, 0), key0, key1, 2, 4), 0x726fdb47dd0e0e31U);
}

/* What CPython 3.11, whose hash of bytes is SipHash-1-3, gives under the key 0 (PYTHONHASHSEED=0). */
static void siphash_1_3_gives_the_values_of_python(void **state)
{
    (void)state;
    assert_int_equal(skn_hash(SKN_LIT("a"), 0, 0), 0x407448d2b89b1813U);
    assert_int_equal(skn_hash(SKN_LIT("abc"), 0, 0), 0xc03bc3a0042630f2U);
    assert_int_equal(skn_hash(SKN_LIT("abcdefgh"), 0, 0), 0x3f7b849c0b8e35eaU);
    assert_int_equal(skn_hash(SKN_LIT("skein/row/0123456789"), 0, 0), 0x670cc12fee15855bU);
}

static void a_key_changes_the_hash(void **state)
{
    (void)state;
    uint64_t hash = skn_hash(SKN_LIT("row"), 1, 2);
    assert_true(hash != skn_hash(SKN_LIT("row"), 2, 2));
    assert_true(hash != skn_hash(SKN_LIT("row"), 1, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_2_4_gives_the_values_of_the_paper),
        cmocka_unit_test(siphash_1_3_gives_the_values_of_python),
        cmocka_unit_test(a_key_changes_the_hash),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
