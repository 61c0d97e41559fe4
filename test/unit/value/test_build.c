/* test_build.c - the builder: order of keys, limits and errors. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "lib/test.h"
#include "value/value.h"

#include <stdio.h>
#include <string.h>

enum { OUT_MAX = 1 << 22 };

struct fixture {
    struct skn_buf buf;
    struct skn_builder b;
    struct skn_diag diag;
};

static void setup(struct fixture *f, size_t max)
{
    skn_buf_init(&f->buf, max);
    skn_builder_init(&f->b, &f->buf);
}

static void put_random_keys(struct skn_builder *b, uint32_t n, uint32_t distinct, uint8_t *model)
{
    uint64_t rng = n;
    for (uint32_t i = 0; i < n; i++) {
        rng = rng * 6364136223846793005U + 1442695040888963407U;
        uint32_t k = (uint32_t)(rng >> 33) % distinct;
        char key[16];
        (void)snprintf(key, sizeof key, "%05u", k);
        skn_build_key(b, skn_slice_str(key));
        skn_build_int(b, i);
        memcpy(model + 4 * (size_t)k, &i, 4);
    }
}

static void of_equal_keys_the_last_stays_when_asked(void **state)
{
    (void)state;
    for (uint32_t n = 1; n < 20000; n = n * 5 / 3 + 1) {
        struct fixture f;
        setup(&f, OUT_MAX);
        uint32_t distinct = n / 2 + 1;
        uint32_t *model = skn_alloc(4 * (size_t)distinct);
        memset(model, 0xff, 4 * (size_t)distinct);
        skn_build_map_begin_last_wins(&f.b);
        put_random_keys(&f.b, n, distinct, (uint8_t *)model);
        skn_build_map_end(&f.b);
        assert_int_equal(skn_build_end(&f.b, NULL), SKN_OK);
        assert_int_equal(skn_value_check(skn_buf_slice(&f.buf), NULL), SKN_OK);
        struct skn_value_iter iter = skn_value_iter(skn_value_view(skn_buf_slice(&f.buf)));
        struct skn_slice key;
        struct skn_value v;
        for (uint32_t k = 0; k < distinct; k++) {
            if (model[k] == UINT32_MAX) continue;
            char expected[16];
            (void)snprintf(expected, sizeof expected, "%05u", k);
            assert_true(skn_value_next(&iter, &key, &v));
            assert_true(skn_slice_eq(key, skn_slice_str(expected)));
            assert_int_equal(skn_value_as_int(v), model[k]);
        }
        assert_false(skn_value_next(&iter, &key, &v));
        skn_free(model);
        skn_buf_fini(&f.buf);
    }
}

static void a_key_that_comes_twice_is_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, OUT_MAX);
    skn_buf_put_str(&f.buf, "before");
    skn_builder_init(&f.b, &f.buf);
    skn_build_list_begin(&f.b);
    skn_build_map_begin(&f.b);
    skn_build_key(&f.b, SKN_LIT("k"));
    skn_build_int(&f.b, 1);
    skn_build_key(&f.b, SKN_LIT("a"));
    skn_build_int(&f.b, 2);
    skn_build_key(&f.b, SKN_LIT("k"));
    skn_build_int(&f.b, 3);
    skn_build_map_end(&f.b);
    skn_build_str(&f.b, "later calls do nothing");
    skn_build_list_end(&f.b);
    assert_int_equal(skn_build_end(&f.b, &f.diag), SKN_EEXIST);
    assert_string_equal(f.diag.text, "the key \"k\" stands twice in a map");
    assert_string_equal(skn_buf_str(&f.buf), "before");
    skn_build_int(&f.b, 5); /* as new */
    assert_int_equal(skn_build_end(&f.b, NULL), SKN_OK);
    assert_int_equal(f.buf.len, 6 + 9);
    skn_buf_fini(&f.buf);
}

static void nest(struct skn_builder *b, uint32_t depth)
{
    for (uint32_t i = 0; i < depth; i++)
        skn_build_list_begin(b);
    for (uint32_t i = 0; i < depth; i++)
        skn_build_list_end(b);
}

static void depth_ends_at_256_for_building_copying_and_checking(void **state)
{
    (void)state;
    struct fixture f, g;
    setup(&f, OUT_MAX);
    setup(&g, OUT_MAX);
    nest(&f.b, SKN_VALUE_DEPTH_MAX + 1);
    assert_int_equal(skn_build_end(&f.b, &f.diag), SKN_ETOOLARGE);
    assert_string_equal(f.diag.text, "values are nested deeper than 256");
    nest(&f.b, SKN_VALUE_DEPTH_MAX);
    assert_int_equal(skn_build_end(&f.b, NULL), SKN_OK);
    struct skn_value deepest = skn_value_view(skn_buf_slice(&f.buf));
    assert_int_equal(skn_value_depth(deepest), SKN_VALUE_DEPTH_MAX);
    skn_build_value(&g.b, deepest);
    assert_int_equal(skn_build_end(&g.b, NULL), SKN_OK);
    skn_build_secret_begin(&g.b);
    skn_build_value(&g.b, deepest);
    skn_build_secret_end(&g.b);
    assert_int_equal(skn_build_end(&g.b, NULL), SKN_ETOOLARGE);
    /* One more head by hand around what is deep enough. */
    skn_buf_reset(&g.buf);
    skn_buf_put_u8(&g.buf, SKN_T_SECRET);
    skn_buf_put_le32(&g.buf, (uint32_t)f.buf.len);
    skn_buf_put(&g.buf, skn_buf_slice(&f.buf));
    assert_int_equal(skn_value_check(skn_buf_slice(&g.buf), &g.diag), SKN_ECORRUPT);
    assert_non_null(strstr(g.diag.text, "nested too deep"));
    skn_buf_fini(&f.buf);
    skn_buf_fini(&g.buf);
}

static void build_all_sorts(struct skn_builder *b)
{
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("z"));
    skn_build_error_begin(b, SKN_LIT("CODE"), SKN_LIT("message"));
    skn_build_str(b, "data");
    skn_build_error_end(b);
    skn_build_key(b, SKN_LIT("a"));
    skn_build_secret_begin(b);
    skn_build_bytes(b, SKN_LIT("12345678"));
    skn_build_secret_end(b);
    skn_build_key(b, SKN_LIT("m"));
    skn_build_list_begin(b);
    skn_build_real(b, 1);
    skn_build_blob(
        b, (const uint8_t *)"0123456789abcdef0123456789abcdef", 1, SKN_LIT("text/plain"));
    skn_build_list_end(b);
    skn_build_map_end(b);
}

static void a_buffer_that_is_too_small_is_an_error_at_every_size(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, OUT_MAX);
    build_all_sorts(&f.b);
    assert_int_equal(skn_build_end(&f.b, NULL), SKN_OK);
    size_t whole = f.buf.len;
    for (size_t max = 0; max < whole; max++) {
        struct fixture g;
        setup(&g, max);
        build_all_sorts(&g.b);
        assert_int_equal(skn_build_end(&g.b, &g.diag), SKN_EFULL);
        assert_non_null(strstr(g.diag.text, "does not fit"));
        assert_int_equal(g.buf.len, 0);
        skn_buf_fini(&g.buf);
    }
    skn_buf_fini(&f.buf);
}

static void nan_and_empty_symbols_are_errors(void **state)
{
    (void)state;
    struct fixture f;
    setup(&f, OUT_MAX);
    double zero = 0;
    skn_build_real(&f.b, zero / zero);
    assert_int_equal(skn_build_end(&f.b, &f.diag), SKN_EARGS);
    assert_string_equal(f.diag.text, "NaN is no value");
    skn_build_error_begin(&f.b, SKN_LIT(""), SKN_LIT("m"));
    skn_build_error_end(&f.b);
    assert_int_equal(skn_build_end(&f.b, &f.diag), SKN_EARGS);
    assert_string_equal(f.diag.text, "a symbol is empty");
    skn_build_real(&f.b, -1 / zero);
    assert_int_equal(skn_build_end(&f.b, NULL), SKN_OK);
    skn_buf_fini(&f.buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_equal_keys_the_last_stays_when_asked),
        cmocka_unit_test(a_key_that_comes_twice_is_an_error_and_leaves_nothing),
        cmocka_unit_test(depth_ends_at_256_for_building_copying_and_checking),
        cmocka_unit_test(a_buffer_that_is_too_small_is_an_error_at_every_size),
        cmocka_unit_test(nan_and_empty_symbols_are_errors),
    };
    return cmocka_run_group_tests_name("build", tests, NULL, NULL);
}
