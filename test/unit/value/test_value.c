/* test_value.c - encoding, checking, reading and order of values. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/test.h"
#include "lib/tree.h"
#include "value/value.h"

enum { ROUNDS = 3000, OUT_MAX = 1 << 20 };

static struct skn_slice build(struct skn_buf *buf, const struct tree *t)
{
    struct skn_builder b;
    skn_buf_reset(buf);
    skn_builder_init(&b, buf);
    tree_build(t, &b);
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
    return skn_buf_slice(buf);
}

static void golden(struct skn_buf *buf, const char *expected, size_t len)
{
    if (buf->len != len || memcmp(buf->ptr, expected, len) != 0) {
        for (size_t i = 0; i < buf->len; i++)
            print_error("\\x%02x", buf->ptr[i]);
        fail_msg("these are not the %zu golden bytes of level 1", len);
    }
    assert_int_equal(skn_value_check(skn_buf_slice(buf), NULL), SKN_OK);
    skn_buf_reset(buf);
}

#define GOLDEN(buf, bytes) golden((buf), "" bytes, sizeof(bytes) - 1)

static void scalars_have_the_bytes_of_level_1(void **state)
{
    (void)state;
    struct skn_buf buf;
    skn_buf_init(&buf, OUT_MAX);
    skn_value_encode(skn_value_none(), &buf);
    GOLDEN(&buf, "\x00");
    skn_value_encode(skn_value_bool(true), &buf);
    GOLDEN(&buf, "\x01\x01");
    skn_value_encode(skn_value_int(-2), &buf);
    GOLDEN(&buf, "\x02\xfe\xff\xff\xff\xff\xff\xff\xff");
    skn_value_encode(skn_value_real(1.5), &buf);
    GOLDEN(&buf, "\x03\x00\x00\x00\x00\x00\x00\xf8\x3f");
    skn_value_encode(skn_value_real(-0.0), &buf);
    GOLDEN(&buf, "\x03\x00\x00\x00\x00\x00\x00\x00\x00");
    skn_value_encode(skn_value_string(SKN_LIT("hi")), &buf);
    GOLDEN(&buf, "\x04\x02\x00\x00\x00hi");
    skn_value_encode(skn_value_bytes(SKN_LIT("\xff")), &buf);
    GOLDEN(&buf, "\x05\x01\x00\x00\x00\xff");
    skn_value_encode(skn_value_symbol(SKN_LIT("ok")), &buf);
    GOLDEN(&buf, "\x08\x02\x00\x00\x00ok");
    skn_value_encode(skn_value_time(1), &buf);
    GOLDEN(&buf, "\x0c\x01\x00\x00\x00\x00\x00\x00\x00");
    skn_value_encode(skn_value_duration(256), &buf);
    GOLDEN(&buf, "\x0d\x00\x01\x00\x00\x00\x00\x00\x00");
    skn_buf_fini(&buf);
}

static void composites_have_the_bytes_of_level_1(void **state)
{
    (void)state;
    struct skn_buf buf;
    struct skn_builder b;
    skn_buf_init(&buf, OUT_MAX);
    skn_builder_init(&b, &buf);
    skn_build_map_begin(&b);
    skn_build_key(&b, SKN_LIT("b"));
    skn_build_list_begin(&b);
    skn_build_int(&b, 1);
    skn_build_none(&b);
    skn_build_list_end(&b);
    skn_build_key(&b, SKN_LIT("a"));
    skn_build_str(&b, "x");
    skn_build_map_end(&b);
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
    GOLDEN(&buf,
           "\x07\x27\x00\x00\x00\x02\x00\x00\x00"
           "\x01\x00\x00\x00"
           "a\x04\x01\x00\x00\x00x"
           "\x01\x00\x00\x00"
           "b\x06\x0e\x00\x00\x00\x02\x00\x00\x00"
           "\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00");
    skn_builder_init(&b, &buf);
    skn_build_error_begin(&b, SKN_LIT("E"), SKN_LIT("m"));
    skn_build_error_end(&b);
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
    GOLDEN(&buf,
           "\x09\x0d\x00\x00\x00\x08\x01\x00\x00\x00"
           "E\x04\x01\x00\x00\x00m\x00");
    skn_builder_init(&b, &buf);
    skn_build_secret_begin(&b);
    skn_build_bool(&b, false);
    skn_build_secret_end(&b);
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
    GOLDEN(&buf, "\x0a\x02\x00\x00\x00\x01\x00");
    skn_builder_init(&b, &buf);
    skn_build_blob(&b, (const uint8_t *)"0123456789abcdef0123456789abcdef", 7, SKN_LIT("a/b"));
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
    GOLDEN(&buf,
           "\x0b\x2b\x00\x00\x00"
           "0123456789abcdef0123456789abcdef\x07\x00\x00\x00\x00\x00\x00\x00"
           "a/b");
    skn_buf_fini(&buf);
}

static void built_values_have_the_bytes_of_a_slow_encoder(void **state)
{
    (void)state;
    static struct forest f = {.rng = 1};
    static uint8_t expected[TREE_BYTES_MAX];
    struct skn_buf buf, again;
    skn_buf_init(&buf, OUT_MAX);
    skn_buf_init(&again, OUT_MAX);
    for (int round = 0; round < ROUNDS; round++) {
        f.used = 0;
        struct tree *t = tree_make(&f, 4);
        struct skn_slice bytes = build(&buf, t);
        tree_sort(t);
        size_t len = 0;
        tree_encode(t, expected, &len);
        if (!skn_slice_eq(bytes, skn_slice(expected, len))) fail_msg("round %d differs", round);
        assert_int_equal(skn_value_check(bytes, NULL), SKN_OK);
        struct skn_value v = skn_value_view(bytes);
        assert_int_equal(skn_value_size(v), len);
        skn_buf_reset(&again);
        skn_value_encode(v, &again);
        assert_true(skn_slice_eq(bytes, skn_buf_slice(&again)));
    }
    skn_buf_fini(&again);
    skn_buf_fini(&buf);
}

static void assert_reads_as(struct skn_value v, const struct tree *t)
{
    assert_int_equal(skn_value_tag(v), t->tag);
    struct skn_value_iter iter = skn_value_iter(v);
    struct skn_slice key;
    struct skn_value kid, same;
    bool walks = t->tag == SKN_T_LIST || t->tag == SKN_T_MAP;
    for (uint32_t i = 0; walks && i < t->count; i++) {
        assert_true(skn_value_next(&iter, &key, &kid));
        assert_reads_as(kid, t->kids[i]);
        if (t->tag == SKN_T_MAP) {
            assert_true(skn_slice_eq(key, skn_slice(t->keys[i]->text, t->keys[i]->text_len)));
            assert_true(skn_map_get(v, key, &same));
        } else {
            assert_true(skn_list_at(v, i, &same));
        }
        assert_true(skn_value_eq(same, kid));
    }
    assert_int_equal(skn_value_count(v), walks ? t->count : 0);
    assert_false(skn_value_next(&iter, &key, &kid));
    if (t->tag == SKN_T_LIST) assert_false(skn_list_at(v, (uint32_t)t->count, &same));
    if (t->tag == SKN_T_MAP) assert_false(skn_map_get(v, SKN_LIT("aabbccaabbccaabbcc"), &same));
    if (t->tag == SKN_T_BOOL) assert_int_equal(skn_value_as_bool(v), t->i != 0);
    if (t->tag == SKN_T_INT) assert_int_equal(skn_value_as_int(v), t->i);
    if (t->tag == SKN_T_TIME) assert_int_equal(skn_value_as_time(v), t->i);
    if (t->tag == SKN_T_DURATION) assert_int_equal(skn_value_as_duration(v), t->i);
    if (t->tag == SKN_T_REAL)
        assert_true(skn_value_as_real(v) <= t->r && skn_value_as_real(v) >= t->r);
    if (t->tag == SKN_T_SYMBOL || t->tag == SKN_T_STRING || t->tag == SKN_T_BYTES)
        assert_true(skn_slice_eq(skn_value_as_text(v), skn_slice(t->text, t->text_len)));
    if (t->tag == SKN_T_SECRET) assert_reads_as(skn_value_as_secret(v), t->kids[0]);
    if (t->tag == SKN_T_BLOB) {
        assert_memory_equal(skn_value_as_blob(v).hash.ptr, t->text, 32);
        assert_memory_equal(&(uint64_t){skn_value_as_blob(v).size}, t->text + 32, 8);
        assert_int_equal(skn_value_as_blob(v).media_type.len, t->text_len - 40);
    }
    if (t->tag == SKN_T_ERROR) {
        struct skn_value_error e = skn_value_as_error(v);
        assert_true(skn_slice_eq(e.code, skn_slice(t->kids[0]->text, t->kids[0]->text_len)));
        assert_true(skn_slice_eq(e.message, skn_slice(t->kids[1]->text, t->kids[1]->text_len)));
        assert_reads_as(e.data, t->kids[2]);
    }
}

static uint32_t tree_depth(const struct tree *t)
{
    uint32_t depth = 0;
    for (size_t i = 0; i < t->count; i++) {
        uint32_t d = tree_depth(t->kids[i]);
        if (d > depth) depth = d;
    }
    bool is_scalar = t->count == 0 && t->tag != SKN_T_LIST && t->tag != SKN_T_MAP;
    return is_scalar ? 0 : depth + 1;
}

static bool tree_has_secret(const struct tree *t)
{
    bool has = t->tag == SKN_T_SECRET;
    for (size_t i = 0; i < t->count; i++)
        has = has || tree_has_secret(t->kids[i]);
    return has;
}

static size_t tree_blobs(const struct tree *t)
{
    size_t n = t->tag == SKN_T_BLOB;
    for (size_t i = 0; i < t->count; i++)
        n += tree_blobs(t->kids[i]);
    return n;
}

static void count_blob(void *ctx, struct skn_value blob)
{
    assert_true(skn_value_is(blob, SKN_T_BLOB));
    ++*(size_t *)ctx;
}

static void values_are_read_in_place_as_they_were_built(void **state)
{
    (void)state;
    static struct forest f = {.rng = 2};
    struct skn_buf buf;
    skn_buf_init(&buf, OUT_MAX);
    for (int round = 0; round < ROUNDS; round++) {
        f.used = 0;
        struct tree *t = tree_make(&f, 4);
        struct skn_value v = skn_value_view(build(&buf, t));
        tree_sort(t);
        assert_reads_as(v, t);
        assert_int_equal(skn_value_depth(v), tree_depth(t));
        assert_int_equal(skn_value_has_secret(v), tree_has_secret(t));
        size_t blobs = 0;
        skn_value_blobs(v, count_blob, &blobs);
        assert_int_equal(blobs, tree_blobs(t));
        assert_int_equal(skn_value_has_blob(v), blobs > 0);
        if (blobs > 0) assert_true(skn_bytes_may_have_blob(skn_buf_slice(&buf)));
    }
    skn_buf_fini(&buf);
}

/* The glance says no where a blob has no room, or its size is none. */
static void a_glance_tells_bytes_that_have_no_blob(void **state)
{
    (void)state;
    uint8_t bytes[64] = {0};
    for (size_t at = 0; at < sizeof bytes; at++) {
        memset(bytes, SKN_T_BLOB, sizeof bytes); /* sizes of 0x0b0b0b0b are none */
        assert_false(skn_bytes_may_have_blob(skn_slice(bytes, sizeof bytes)));
        memset(bytes, 0, sizeof bytes);
        bytes[at] = SKN_T_BLOB;
        if (at + 1 < sizeof bytes) bytes[at + 1] = 40;
        bool has_room = at + 45 <= sizeof bytes;
        assert_int_equal(skn_bytes_may_have_blob(skn_slice(bytes, sizeof bytes)), has_room);
        if (at + 1 < sizeof bytes) bytes[at + 1] = 39;
        assert_false(skn_bytes_may_have_blob(skn_slice(bytes, sizeof bytes)));
    }
    assert_false(skn_bytes_may_have_blob((struct skn_slice){0}));
}

/* What is taken re-encodes to itself, so no two byte strings mean one value. */
static void assert_canonical_or_refused(struct skn_slice bytes, struct skn_buf *again)
{
    struct skn_diag diag = {0};
    if (skn_value_check(bytes, &diag) != SKN_OK) {
        assert_int_equal(diag.rc, SKN_ECORRUPT);
        return;
    }
    skn_buf_reset(again);
    struct skn_builder b;
    skn_builder_init(&b, again);
    skn_build_value(&b, skn_value_view(bytes));
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
    assert_true(skn_slice_eq(bytes, skn_buf_slice(again)));
}

static void every_cut_is_refused_and_every_flipped_bit_is_refused_or_another_value(void **state)
{
    (void)state;
    static struct forest f = {.rng = 3};
    static uint8_t copy[TREE_BYTES_MAX];
    struct skn_buf buf, again;
    skn_buf_init(&buf, OUT_MAX);
    skn_buf_init(&again, OUT_MAX);
    size_t flips = 0;
    while (flips < 100000) {
        f.used = 0;
        struct skn_slice bytes = build(&buf, tree_make(&f, 3));
        memcpy(copy, bytes.ptr, bytes.len);
        for (size_t n = 0; n < bytes.len; n++)
            assert_int_equal(skn_value_check(skn_slice(copy, n), NULL), SKN_ECORRUPT);
        copy[bytes.len] = 0;
        assert_int_equal(skn_value_check(skn_slice(copy, bytes.len + 1), NULL), SKN_ECORRUPT);
        for (size_t bit = 0; bit < bytes.len * 8; bit++, flips++) {
            copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_canonical_or_refused(skn_slice(copy, bytes.len), &again);
            copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    skn_buf_fini(&again);
    skn_buf_fini(&buf);
}

static void what_is_not_canonical_is_refused_with_its_reason(void **state)
{
    (void)state;
    const struct {
        struct skn_slice bytes;
        const char *why;
    } cases[] = {
        {{NULL, 0}, "offset 0: a value is cut off"},
        {SKN_LIT("\x0f"), "offset 0: no value has tag 0x0f"},
        {SKN_LIT("\x0e\x01\x00\x00\x00z"), "offset 0: it is sealed"},
        {SKN_LIT("\x1e\x0e\x01\x00\x00\x00z"), "offset 0: no value has tag 0x1e"},
        {SKN_LIT("\x01\x02"), "offset 0: a bool is neither 0 nor 1"},
        {SKN_LIT("\x00\x00"), "offset 1: bytes stand behind the value"},
        {SKN_LIT("\x03\x00\x00\x00\x00\x00\x00\x00\x80"), "offset 0: a real is -0.0"},
        {SKN_LIT("\x03\x00\x00\x00\x00\x00\x00\xf8\x7f"), "offset 0: a real is NaN"},
        {SKN_LIT("\x03\x01\x00\x00\x00\x00\x00\xf0\xff"), "offset 0: a real is NaN"},
        {SKN_LIT("\x08\x00\x00\x00\x00"), "offset 0: a symbol is empty"},
        {SKN_LIT("\x0b\x01\x00\x00\x00z"), "offset 0: a blob is cut off"},
        {SKN_LIT("\x04\xff\xff\xff\xffz"), "offset 0: string is cut off"},
        {SKN_LIT("\x06\x05\x00\x00\x00\x02\x00\x00\x00\x00"), "offset 10: a value is cut off"},
        {SKN_LIT("\x06\x06\x00\x00\x00\x01\x00\x00\x00\x00\x00"), "offset 10: bytes stand behind"},
        {SKN_LIT("\x07\x0e\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00z\x00\x00\x00\x00\x00\x00"),
         "offset 15: the keys do not rise"},
        {SKN_LIT("\x07\x0e\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
         "offset 14: the keys do not rise"},
        {SKN_LIT("\x09\x01\x00\x00\x00\x00"), "offset 5: an error is a symbol"},
        {SKN_LIT("\x09\x08\x00\x00\x00\x08\x01\x00\x00\x00z\x00\x00"),
         "offset 11: an error is a symbol"},
        {SKN_LIT("\x0b\x27\x00\x00\x00"
                 "0123456789abcdef0123456789abcdef1234567"),
         "offset 0: a blob is cut off"},
        {SKN_LIT("\x0a\x02\x00\x00\x00\x00\x00"), "offset 6: bytes stand behind"},
        {SKN_LIT("\x0a\x00\x00\x00\x00"), "offset 5: a value is cut off"},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct skn_diag diag = {0};
        enum skn_rc rc = skn_value_check(cases[i].bytes, &diag);
        if (rc != SKN_ECORRUPT || !strstr(diag.text, cases[i].why))
            fail_msg("case %zu: %d \"%s\", not \"%s\"", i, rc, diag.text, cases[i].why);
    }
}

static int sign(int n)
{
    return n < 0 ? -1 : n > 0;
}

static void the_order_is_total_and_agrees_with_a_recursive_one(void **state)
{
    (void)state;
    enum { N = 60, BYTES = 4096 };
    static struct forest f = {.rng = 4};
    static uint8_t bytes[N][BYTES];
    struct skn_value v[N];
    struct tree *t[N];
    struct skn_buf buf;
    skn_buf_init(&buf, BYTES);
    for (int round = 0; round < 40; round++) {
        f.used = 0;
        for (size_t i = 0; i < N; i++) {
            t[i] = i % 4 == 3 ? t[i - 1] : tree_make(&f, i % 8 == 0 ? 2 : 1);
            struct skn_slice s = build(&buf, t[i]);
            memcpy(bytes[i], s.ptr, s.len);
            v[i] = skn_value_view(skn_slice(bytes[i], s.len));
            tree_sort(t[i]);
        }
        for (size_t i = 0; i < N; i++) {
            for (size_t j = 0; j < N; j++) {
                int order = skn_value_cmp(v[i], v[j]);
                assert_int_equal(sign(order), tree_cmp(t[i], t[j]));
                assert_int_equal(sign(order), -sign(skn_value_cmp(v[j], v[i])));
                assert_int_equal(order == 0, skn_value_eq(v[i], v[j]));
                for (size_t k = 0; k < N && order <= 0; k++)
                    if (skn_value_cmp(v[j], v[k]) <= 0) assert_true(skn_value_cmp(v[i], v[k]) <= 0);
            }
        }
    }
    skn_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_have_the_bytes_of_level_1),
        cmocka_unit_test(composites_have_the_bytes_of_level_1),
        cmocka_unit_test(built_values_have_the_bytes_of_a_slow_encoder),
        cmocka_unit_test(values_are_read_in_place_as_they_were_built),
        cmocka_unit_test(a_glance_tells_bytes_that_have_no_blob),
        cmocka_unit_test(every_cut_is_refused_and_every_flipped_bit_is_refused_or_another_value),
        cmocka_unit_test(what_is_not_canonical_is_refused_with_its_reason),
        cmocka_unit_test(the_order_is_total_and_agrees_with_a_recursive_one),
    };
    return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
