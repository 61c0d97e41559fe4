/* test_rewrite.c - secrets in values replaced, and nothing else touched [E46]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/test.h"
#include "lib/tree.h"
#include "value/json.h"
#include "value/value.h"

enum { ROUNDS = 3000, OUT_MAX = 1 << 20 };

static enum skn_rc keep(void *ctx, struct skn_value v, struct skn_buf *out)
{
    ++*(size_t *)ctx;
    skn_value_encode(v, out);
    return SKN_OK;
}

static size_t tree_secrets(const struct tree *t)
{
    size_t n = t->tag == SKN_T_SECRET;
    for (size_t i = 0; i < t->count && t->tag != SKN_T_SECRET; i++)
        n += tree_secrets(t->kids[i]);
    return n;
}

static void tree_mask(struct forest *f, struct tree *t)
{
    if (t->tag == SKN_T_SECRET) t->kids[0] = tree_new(f, SKN_T_NONE);
    for (size_t i = 0; i < t->count && t->tag != SKN_T_SECRET; i++)
        tree_mask(f, t->kids[i]);
}

static void build(struct skn_buf *buf, const struct tree *t)
{
    struct skn_builder b;
    skn_buf_reset(buf);
    skn_builder_init(&b, buf);
    tree_build(t, &b);
    assert_int_equal(skn_build_end(&b, NULL), SKN_OK);
}

/* Random values: a copy is the same, a mask is what masking the tree gives, each secret is met. */
static void a_rewritten_value_agrees_with_a_tree(void **state)
{
    (void)state;
    static struct forest forest;
    struct skn_buf in, out, expected;
    skn_buf_init(&in, OUT_MAX);
    skn_buf_init(&out, OUT_MAX);
    skn_buf_init(&expected, OUT_MAX);
    size_t masked = 0;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        forest = (struct forest){.rng = round};
        struct tree *t = tree_make(&forest, 5);
        build(&in, t);
        struct skn_value v = skn_value_view(skn_buf_slice(&in));
        size_t met = 0;
        skn_buf_reset(&out);
        skn_buf_put_u8(&out, 'x'); /* it appends */
        assert_int_equal(skn_value_rewrite(v, keep, &met, &out), SKN_OK);
        assert_true(skn_slice_eq(skn_slice_from(skn_buf_slice(&out), 1), skn_buf_slice(&in)));
        assert_int_equal(met, tree_secrets(t));
        masked += met;
        tree_mask(&forest, t);
        build(&expected, t);
        skn_buf_reset(&out);
        assert_int_equal(skn_value_mask(v, &out), SKN_OK);
        assert_true(skn_slice_eq(skn_buf_slice(&out), skn_buf_slice(&expected)));
        assert_int_equal(skn_value_check(skn_buf_slice(&out), NULL), SKN_OK);
    }
    assert_true(masked > 100);
    skn_buf_fini(&in);
    skn_buf_fini(&out);
    skn_buf_fini(&expected);
}

static enum skn_rc refuse(void *ctx, struct skn_value v, struct skn_buf *out)
{
    (void)ctx;
    (void)v;
    skn_buf_put_u8(out, 1);
    return SKN_EARGS;
}

static void a_failure_leaves_nothing(void **state)
{
    (void)state;
    static const uint8_t list[] = {6, 19, 0, 0, 0, 2, 0,    0, 0, 2, 1, 0,
                                   0, 0,  0, 0, 0, 0, 0x0a, 1, 0, 0, 0, 0};
    assert_int_equal(skn_value_check(skn_slice(list, sizeof list), NULL), SKN_OK);
    struct skn_value v = skn_value_view(skn_slice(list, sizeof list));
    struct skn_buf out, small;
    skn_buf_init(&out, OUT_MAX);
    skn_buf_init(&small, sizeof list - 1);
    skn_buf_put_u8(&out, 'x');
    assert_int_equal(skn_value_rewrite(v, refuse, NULL, &out), SKN_EARGS);
    assert_int_equal(out.len, 1);
    assert_int_equal(skn_value_mask(v, &small), SKN_EFULL);
    assert_int_equal(small.len, 0);
    skn_buf_fini(&out);
    skn_buf_fini(&small);
}

/* Level 1: tag 0x0e, and 0x1e in front of a value that has some of it. */
static void sealed_parts_are_only_in_stored_bytes(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x1e, 6, 11, 0, 0, 0, 1, 0, 0, 0, 0x0e, 2, 0, 0, 0, 7, 8};
    struct skn_slice marked = skn_slice(bytes, sizeof bytes);
    struct skn_value v, part;
    assert_int_equal(skn_stored_check(marked, &v, NULL), SKN_OK);
    assert_int_equal(skn_value_check(marked, NULL), SKN_ECORRUPT);
    assert_int_equal(skn_value_check(skn_slice_from(marked, 1), NULL), SKN_ECORRUPT);
    assert_int_equal(skn_stored_check(skn_slice_from(marked, 1), &part, NULL), SKN_ECORRUPT);
    assert_true(skn_list_at(v, 0, &part));
    assert_true(skn_slice_eq(skn_value_as_sealed(part), skn_slice(bytes + 15, 2)));
    struct skn_buf out;
    skn_buf_init(&out, OUT_MAX);
    assert_int_equal(skn_json_print(v, SKN_JSON_PLAIN, &out, NULL), SKN_OK);
    assert_string_equal(skn_buf_str(&out), "[\"***\"]");
    skn_buf_reset(&out);
    assert_int_equal(skn_value_mask(v, &out), SKN_OK);
    assert_int_equal(skn_value_check(skn_buf_slice(&out), NULL), SKN_OK);
    static const uint8_t wrapped[] = {0x1e, 0x0a, 6, 0, 0, 0, 0x0e, 1, 0, 0, 0, 7};
    assert_int_equal(skn_stored_check(skn_slice(wrapped, sizeof wrapped), &v, NULL), SKN_ECORRUPT);
    static const uint8_t empty[] = {0x1e, 0x0e, 0, 0, 0, 0};
    assert_int_equal(skn_stored_check(skn_slice(empty, sizeof empty), &v, NULL), SKN_ECORRUPT);
    assert_int_equal(skn_stored_check(skn_slice(bytes, 1), &v, NULL), SKN_ECORRUPT);
    assert_int_equal(skn_stored_check(skn_slice(bytes, 0), &v, NULL), SKN_ECORRUPT);
    skn_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rewritten_value_agrees_with_a_tree),
        cmocka_unit_test(a_failure_leaves_nothing),
        cmocka_unit_test(sealed_parts_are_only_in_stored_bytes),
    };
    return cmocka_run_group_tests_name("rewrite", tests, NULL, NULL);
}
