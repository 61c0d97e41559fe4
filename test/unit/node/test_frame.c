/* test_frame.c - frames and base64: golden bytes, cut streams, impossible lengths. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "lib/test.h"
#include "node/base64_internal.h"
#include "node/frame_internal.h"

#include <string.h>

static void a_frame_has_its_golden_bytes(void **state)
{
    (void)state;
    struct skn_buf buf;
    skn_buf_init(&buf, 100);
    skn_frame_put(&buf, SKN_LIT("{}"));
    assert_true(skn_slice_eq(skn_buf_slice(&buf), SKN_LIT("\0\0\0\2{}")));
    skn_buf_fini(&buf);
}

static void a_cut_frame_says_how_much_it_needs(void **state)
{
    (void)state;
    struct skn_slice whole = SKN_LIT("\0\0\0\3abcX"), body;
    size_t used;
    for (size_t n = 0; n < 7; n++) {
        assert_int_equal(skn_frame_next(skn_slice(whole.ptr, n), &body, &used, NULL), SKN_ELATER);
        assert_int_equal(used, n < 4 ? 4 : 7);
    }
    assert_int_equal(skn_frame_next(whole, &body, &used, NULL), SKN_OK);
    assert_int_equal(used, 7);
    assert_true(skn_slice_eq(body, SKN_LIT("abc")));
}

static void an_impossible_length_is_refused(void **state)
{
    (void)state;
    struct skn_slice body;
    size_t used;
    struct skn_diag diag;
    assert_int_equal(skn_frame_next(SKN_LIT("\0\0\0\0"), &body, &used, &diag), SKN_ECORRUPT);
    assert_int_equal(skn_frame_next(SKN_LIT("\1\0\0\1"), &body, &used, &diag), SKN_ECORRUPT);
    assert_non_null(strstr(diag.text, "16777217"));
    assert_int_equal(skn_frame_next(SKN_LIT("\1\0\0\0"), &body, &used, &diag), SKN_ELATER);
}

static void base64_gives_the_vectors_of_the_rfc(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(vectors); i++) {
        struct skn_buf text, back;
        skn_buf_init(&text, 100);
        skn_buf_init(&back, 100);
        skn_base64_put(&text, skn_slice_str(vectors[i][0]));
        assert_string_equal(skn_buf_str(&text), vectors[i][1]);
        assert_int_equal(skn_base64_get(&back, skn_buf_slice(&text), NULL), SKN_OK);
        assert_string_equal(skn_buf_str(&back), vectors[i][0]);
        skn_buf_fini(&text);
        skn_buf_fini(&back);
    }
}

static void base64_refuses_every_other_text(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Z", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm9v\n", "Zm 9", "Zm9_", "=Zm9"};
    struct skn_buf out;
    skn_buf_init(&out, 100);
    for (size_t i = 0; i < SKN_ARRAY_LEN(bad); i++)
        assert_int_equal(skn_base64_get(&out, skn_slice_str(bad[i]), NULL), SKN_ECORRUPT);
    assert_int_equal(skn_base64_get(&out, SKN_LIT("A\0AA"), NULL), SKN_ECORRUPT);
    skn_buf_fini(&out);
}

static void base64_gives_random_bytes_back(void **state)
{
    (void)state;
    struct skn_rng rng;
    skn_rng_init(&rng, 7);
    struct skn_buf text, back;
    skn_buf_init(&text, 4096);
    skn_buf_init(&back, 4096);
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[100];
        size_t len = skn_rng_below(&rng, sizeof(bytes));
        skn_rng_bytes(&rng, bytes, len);
        skn_buf_reset(&text);
        skn_buf_reset(&back);
        skn_base64_put(&text, skn_slice(bytes, len));
        assert_int_equal(skn_base64_get(&back, skn_buf_slice(&text), NULL), SKN_OK);
        assert_true(skn_slice_eq(skn_buf_slice(&back), skn_slice(bytes, len)));
    }
    skn_buf_fini(&text);
    skn_buf_fini(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_has_its_golden_bytes),
        cmocka_unit_test(a_cut_frame_says_how_much_it_needs),
        cmocka_unit_test(an_impossible_length_is_refused),
        cmocka_unit_test(base64_gives_the_vectors_of_the_rfc),
        cmocka_unit_test(base64_refuses_every_other_text),
        cmocka_unit_test(base64_gives_random_bytes_back),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
