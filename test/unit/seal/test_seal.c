/* test_seal.c - keys, and values with secrets at rest [E46]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "lib/test.h"
#include "seal/seal.h"

#include <stdio.h>
#include <string.h>

enum { OUT_MAX = 1 << 20 };

/* A mark, tag, size, id, IV, ciphertext. */
#define GOLDEN_SEALED                      \
    "1e0e1f000000ad9d181513195d6684caa0be" \
    "3fdbcc3ad40eee5467eb4c1c7e0fb8f68dce5b"

#define PLACE SKN_LIT("a place")

static struct skn_sealer *sealer;
static struct skn_keyring *ring; /* key 1, then key 2 */
static struct skn_buf plain, sealed, back;

static void key_of(uint8_t first, uint8_t *out)
{
    for (size_t i = 0; i < SKN_SEAL_KEY_BYTES; i++)
        out[i] = (uint8_t)(first + i);
}

static int setup(void **state)
{
    (void)state;
    uint8_t keys[2][SKN_SEAL_KEY_BYTES];
    key_of(1, keys[0]);
    key_of(2, keys[1]);
    ring = skn_keyring_create(keys[0], 2);
    sealer = skn_sealer_create();
    skn_buf_init(&plain, OUT_MAX);
    skn_buf_init(&sealed, OUT_MAX);
    skn_buf_init(&back, OUT_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    skn_keyring_destroy(ring);
    skn_sealer_destroy(sealer);
    skn_buf_fini(&plain);
    skn_buf_fini(&sealed);
    skn_buf_fini(&back);
    return 0;
}

/* {"name": "x", "secrets": [secret "s3", secret "s3"]} */
static struct skn_value sample(void)
{
    struct skn_builder b;
    skn_buf_reset(&plain);
    skn_builder_init(&b, &plain);
    skn_build_map_begin(&b);
    skn_build_key(&b, SKN_LIT("name"));
    skn_build_str(&b, "x");
    skn_build_key(&b, SKN_LIT("secrets"));
    skn_build_list_begin(&b);
    for (int i = 0; i < 2; i++) {
        skn_build_secret_begin(&b);
        skn_build_str(&b, "s3");
        skn_build_secret_end(&b);
    }
    skn_build_list_end(&b);
    skn_build_map_end(&b);
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
    return skn_value_view(skn_buf_slice(&plain));
}

static struct skn_value secret_of(size_t bytes, bool is_list)
{
    struct skn_builder b;
    uint8_t *text = skn_alloc_zero(bytes + 1, 1);
    skn_buf_reset(&plain);
    skn_builder_init(&b, &plain);
    skn_build_secret_begin(&b);
    if (is_list) skn_build_list_begin(&b);
    skn_build_string(&b, skn_slice(text, bytes));
    if (is_list) skn_build_list_end(&b);
    skn_build_secret_end(&b);
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
    skn_free(text);
    return skn_value_view(skn_buf_slice(&plain));
}

static struct skn_value stored(void)
{
    struct skn_value v = skn_value_none();
    assert_int_equal(skn_stored_check(skn_buf_slice(&sealed), &v, NULL), SKN_OK);
    return v;
}

static enum skn_rc seal(struct skn_value v, struct skn_diag *diag)
{
    skn_buf_reset(&sealed);
    return skn_seal(sealer, ring, skn_keyring_id(ring, 0), PLACE, v, &sealed, diag);
}

static enum skn_rc unseal(const struct skn_keyring *by, struct skn_slice place, struct skn_diag *d)
{
    skn_buf_reset(&back);
    return skn_unseal(sealer, by, place, stored(), &back, d);
}

static void a_sealed_value_opens_where_it_was_sealed(void **state)
{
    (void)state;
    struct skn_value v = sample();
    assert_int_equal(seal(v, NULL), SKN_OK);
    assert_true(skn_stored_is_sealed(skn_buf_slice(&sealed)));
    assert_null(memmem(sealed.ptr, sealed.len, "s3", 2));
    assert_non_null(memmem(sealed.ptr, sealed.len, "name", 4));
    assert_int_equal(unseal(ring, PLACE, NULL), SKN_OK);
    assert_true(skn_value_eq(skn_value_view(skn_buf_slice(&back)), v));
    /* Twice the same is the same bytes (P4). */
    struct skn_buf again;
    skn_buf_init(&again, OUT_MAX);
    assert_int_equal(skn_seal(sealer, ring, skn_keyring_id(ring, 0), PLACE, v, &again, NULL),
                     SKN_OK);
    assert_true(skn_slice_eq(skn_buf_slice(&again), skn_buf_slice(&sealed)));
    skn_buf_fini(&again);
}

static void nobody_outside_may_give_what_is_sealed(void **state)
{
    (void)state;
    assert_int_equal(seal(sample(), NULL), SKN_OK);
    struct skn_value v;
    assert_int_equal(skn_value_check(skn_buf_slice(&sealed), NULL), SKN_ECORRUPT);
    assert_int_equal(skn_value_check(skn_slice_from(skn_buf_slice(&sealed), 1), NULL),
                     SKN_ECORRUPT);
    assert_int_equal(skn_stored_check(skn_slice_from(skn_buf_slice(&sealed), 1), &v, NULL),
                     SKN_ECORRUPT);
    /* The mark stands in front of what has sealed parts and of nothing else. */
    static const uint8_t marked_none[] = {SKN_VALUE_SEALED_MARK, SKN_T_NONE};
    assert_int_equal(skn_stored_check(skn_slice(marked_none, 2), &v, NULL), SKN_ECORRUPT);
    /* Nor may a program seal again what is sealed. */
    struct skn_value inside = stored();
    assert_int_equal(skn_seal(sealer, ring, skn_keyring_id(ring, 0), PLACE, inside, &back, NULL),
                     SKN_EARGS);
}

static void it_opens_at_no_other_place_and_not_when_changed(void **state)
{
    (void)state;
    struct skn_diag diag;
    assert_int_equal(seal(sample(), NULL), SKN_OK);
    assert_int_equal(unseal(ring, SKN_LIT("a plac"), &diag), SKN_ECORRUPT);
    assert_string_equal(diag.text, "a sealed value is not what was sealed here");
    /* Equal secrets of one value are not equal sealed, and cannot change places. */
    size_t one = 5 + SKN_SEALED_HEAD + 7;
    uint8_t *last = sealed.ptr + sealed.len - one, *first = last - one;
    assert_memory_not_equal(first, last, one);
    memcpy(first, last, one);
    assert_int_equal(unseal(ring, PLACE, NULL), SKN_ECORRUPT);
    for (size_t i = 0; i < SKN_SEALED_HEAD + 7; i++) {
        assert_int_equal(seal(sample(), NULL), SKN_OK);
        sealed.ptr[sealed.len - 1 - i] ^= 0x40;
        bool is_id = i >= 16 + 7;
        assert_int_equal(unseal(ring, PLACE, NULL), is_id ? SKN_ENOKEY : SKN_ECORRUPT);
    }
}

static void the_bytes_of_level_1(void **state)
{
    (void)state;
    uint8_t bytes[256];
    static const char expected[] = GOLDEN_SEALED;
    assert_int_equal(seal(secret_of(2, false), NULL), SKN_OK);
    size_t len = sizeof expected / 2;
    for (size_t i = 0; i < len; i++) {
        unsigned n;
        assert_int_equal(sscanf(expected + 2 * i, "%2x", &n), 1);
        bytes[i] = (uint8_t)n;
    }
    if (sealed.len != len || memcmp(sealed.ptr, bytes, len) != 0) {
        for (size_t i = 0; i < sealed.len; i++)
            print_error("%02x", sealed.ptr[i]);
        fail_msg("these are not the golden bytes");
    }
}

static void a_missing_key_is_named(void **state)
{
    (void)state;
    struct skn_diag diag;
    uint8_t other[SKN_SEAL_KEY_BYTES];
    char id[SKN_SEAL_ID_TEXT], expected[100];
    key_of(9, other);
    struct skn_keyring *wrong = skn_keyring_create(other, 1);
    assert_int_equal(seal(sample(), NULL), SKN_OK);
    skn_seal_id_text(skn_keyring_id(ring, 0), id);
    (void)snprintf(expected, sizeof expected, "the sealing key %s is not among those given", id);
    const struct skn_keyring *rings[] = {wrong, NULL};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(unseal(rings[i], PLACE, &diag), SKN_ENOKEY);
        assert_string_equal(diag.text, expected);
        assert_int_equal(
            skn_seal(sealer, rings[i], skn_keyring_id(ring, 0), PLACE, sample(), &back, &diag),
            SKN_ENOKEY);
        assert_int_equal(back.len, 0);
    }
    skn_keyring_destroy(wrong);
}

static void a_secret_of_65536_bytes_is_sealed_and_one_more_is_refused(void **state)
{
    (void)state;
    struct skn_diag diag;
    assert_int_equal(seal(secret_of(65536, false), NULL), SKN_OK);
    assert_int_equal(unseal(ring, PLACE, NULL), SKN_OK);
    assert_int_equal(skn_seal_check(secret_of(65536, false), OUT_MAX, NULL), SKN_OK);
    assert_int_equal(seal(secret_of(65537, false), &diag), SKN_ETOOLARGE);
    assert_string_equal(diag.text,
                        "a secret has 65537 bytes, and 65536 are the limit; what is larger is a "
                        "file");
    assert_int_equal(skn_seal_check(secret_of(65537, false), OUT_MAX, NULL), SKN_ETOOLARGE);
    /* Of a list its encoding counts: 9 bytes for it and 5 for the text. */
    assert_int_equal(seal(secret_of(65536 - 14, true), NULL), SKN_OK);
    assert_int_equal(seal(secret_of(65536 - 13, true), NULL), SKN_ETOOLARGE);
}

static void what_sealing_adds_counts(void **state)
{
    (void)state;
    struct skn_value v = sample();
    assert_int_equal(seal(v, NULL), SKN_OK);
    assert_int_equal(skn_seal_check(v, sealed.len, NULL), SKN_OK);
    assert_int_equal(skn_seal_check(v, sealed.len - 1, NULL), SKN_ETOOLARGE);
    assert_int_equal(skn_seal_check(skn_value_int(1), 0, NULL), SKN_OK);
}

static void it_is_told_which_key_sealed(void **state)
{
    (void)state;
    assert_int_equal(seal(sample(), NULL), SKN_OK);
    assert_false(skn_is_sealed_by_others(stored(), skn_keyring_id(ring, 0)));
    assert_true(skn_is_sealed_by_others(stored(), skn_keyring_id(ring, 1)));
    assert_false(skn_is_sealed_by_others(sample(), skn_keyring_id(ring, 1)));
}

static void a_key_file_has_a_key_per_line(void **state)
{
    (void)state;
    struct skn_keyring *parsed = NULL;
    struct skn_diag diag;
    char text[2000], hex[129];
    for (int i = 0; i < 64; i++)
        (void)snprintf(hex + 2 * (size_t)i, 3, "%02X", (unsigned)i + 2);
    (void)snprintf(text, sizeof text, "# new\r\n\n  %s \r\n%.127s0", hex, hex);
    assert_int_equal(skn_keyring_parse(skn_slice_str(text), &parsed, &diag), SKN_OK);
    assert_int_equal(skn_keyring_count(parsed), 2);
    assert_true(skn_keyring_id(parsed, 0) == skn_keyring_id(ring, 1));
    assert_true(skn_keyring_has(parsed, skn_keyring_id(parsed, 1)));
    assert_false(skn_keyring_has(parsed, skn_keyring_id(ring, 0)));
    skn_keyring_destroy(parsed);
    (void)snprintf(text, sizeof text, "# new\n%.127s", hex);
    assert_int_equal(skn_keyring_parse(skn_slice_str(text), &parsed, &diag), SKN_ECONFIG);
    assert_string_equal(diag.text, "line 2 is no key: a key is 128 hex digits");
    (void)snprintf(text, sizeof text, "%.127sg", hex);
    assert_int_equal(skn_keyring_parse(skn_slice_str(text), &parsed, &diag), SKN_ECONFIG);
    assert_int_equal(skn_keyring_parse(SKN_LIT("# none\n"), &parsed, &diag), SKN_ECONFIG);
    assert_string_equal(diag.text, "there is no key");
    text[0] = 0;
    for (int i = 0; i < 8; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s\n", hex);
    assert_int_equal(skn_keyring_parse(skn_slice_str(text), &parsed, &diag), SKN_OK);
    skn_keyring_destroy(parsed);
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s\n", hex);
    assert_int_equal(skn_keyring_parse(skn_slice_str(text), &parsed, &diag), SKN_ECONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_value_opens_where_it_was_sealed),
        cmocka_unit_test(nobody_outside_may_give_what_is_sealed),
        cmocka_unit_test(it_opens_at_no_other_place_and_not_when_changed),
        cmocka_unit_test(the_bytes_of_level_1),
        cmocka_unit_test(a_missing_key_is_named),
        cmocka_unit_test(a_secret_of_65536_bytes_is_sealed_and_one_more_is_refused),
        cmocka_unit_test(what_sealing_adds_counts),
        cmocka_unit_test(it_is_told_which_key_sealed),
        cmocka_unit_test(a_key_file_has_a_key_per_line),
    };
    return cmocka_run_group_tests_name("seal", tests, setup, teardown);
}
