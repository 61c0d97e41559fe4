/* test_head.c - what a store knows without a read: tables without their head, keys said to be absent. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "lib/test.h"
#include "store/store.h"

#include <string.h>

/* A backend with filters in memory: that a row is not there it says at once, whatever else is asked for
 * comes later, or waits. */
struct filter {
    struct skn_backend base;
    struct skn_backend *rows;
};

static struct filter *of(struct skn_backend *base)
{
    return SKN_CONTAINER_OF(base, struct filter, base);
}

static enum skn_rc filter_read(struct skn_backend *base,
                               const struct skn_read *read,
                               bool may_wait,
                               struct skn_buf *out,
                               bool *out_is_end,
                               struct skn_diag *diag)
{
    size_t before = out->len;
    if (!may_wait && read->end.len > 0) return SKN_ELATER;
    enum skn_rc rc = skn_backend_read(of(base)->rows, read, true, out, out_is_end, diag);
    if (rc != SKN_OK || may_wait || out->len == before) return rc;
    out->len = before;
    return SKN_ELATER;
}

static enum skn_rc filter_position(struct skn_backend *base,
                                   uint32_t shard,
                                   struct skn_position *out,
                                   struct skn_diag *diag)
{
    return skn_backend_position(of(base)->rows, shard, out, diag);
}

static const struct skn_backend_ops filter_ops = {.read = filter_read, .position = filter_position};

struct fixture {
    struct filter filter;
    struct skn_store *store;
};

static const struct skn_slice a_head = {(const uint8_t *)"a\0"
                                                         "1",
                                        3};
static const struct skn_slice a_more = {(const uint8_t *)"a\0"
                                                         "2",
                                        3};
static const struct skn_slice b_head = {(const uint8_t *)"b\0"
                                                         "1",
                                        3};
static const struct skn_slice b_more = {(const uint8_t *)"b\0"
                                                         "2",
                                        3};

/* Table "b" has its head and one row; the store begins with nothing in memory. */
static void setup(struct fixture *f)
{
    struct skn_buf batch;
    skn_buf_init(&batch, 1000);
    skn_batch_put_stored(&batch, b_head, 1, SKN_LIT("head"));
    skn_batch_put_stored(&batch, b_more, 1, SKN_LIT("more"));
    f->filter = (struct filter){.base.ops = &filter_ops, .rows = skn_backend_memory_create()};
    assert_int_equal(skn_backend_write(f->filter.rows, 0, skn_buf_slice(&batch), NULL), SKN_OK);
    const struct skn_shard_position at = {.position.index = 1};
    assert_int_equal(skn_backend_commit(f->filter.rows, &at, 1, NULL), SKN_OK);
    const struct skn_store_options options = {.backend = &f->filter.base, .cache_bytes = 1 << 20};
    assert_int_equal(skn_store_open(&options, &f->store, NULL), SKN_OK);
    skn_buf_fini(&batch);
}

static void teardown(struct fixture *f)
{
    skn_store_check(f->store);
    skn_store_destroy(f->store);
    skn_backend_destroy(f->filter.rows);
}

/* Gives the store what it wants; how many reads that were. */
static unsigned fetch(struct fixture *f)
{
    struct skn_read read;
    struct skn_buf rows;
    uint64_t number;
    unsigned count = 0;
    skn_buf_init(&rows, 1 << 20);
    for (; skn_store_next_want(f->store, &read, &number); count++) {
        bool is_end = false;
        skn_buf_reset(&rows);
        assert_int_equal(skn_backend_read(f->filter.rows, &read, true, &rows, &is_end, NULL),
                         SKN_OK);
        assert_int_equal(skn_store_fetched(f->store, number, skn_buf_slice(&rows), is_end, NULL),
                         SKN_OK);
    }
    skn_buf_fini(&rows);
    return count;
}

/* [E13] A fresh domain costs no range read. */
static void a_table_without_its_head_has_no_rows_and_is_not_fetched(void **state)
{
    (void)state;
    struct fixture f;
    struct skn_slice value;
    setup(&f);
    assert_int_equal(skn_store_get_head(f.store, a_head, &value, NULL), SKN_ENOENT);
    assert_int_equal(skn_store_get(f.store, a_more, &value, NULL), SKN_ENOENT);
    struct skn_row row;
    size_t count = 7;
    assert_int_equal(skn_store_scan(f.store, a_head, SKN_LIT("a\1"), &row, 1, &count, NULL),
                     SKN_OK);
    assert_int_equal(count, 0);
    struct skn_buf batch;
    skn_buf_init(&batch, 1000);
    skn_batch_put(&batch, a_head, SKN_LIT("x"));
    skn_batch_put(&batch, a_more, SKN_LIT("y"));
    assert_int_equal(skn_store_know(f.store, skn_buf_slice(&batch), NULL), SKN_OK);
    assert_int_equal(skn_store_apply(f.store, 2, 2, skn_buf_slice(&batch), NULL), SKN_OK);
    assert_int_equal(skn_store_get_head(f.store, a_head, &value, NULL), SKN_OK);
    assert_int_equal(fetch(&f), 0);
    skn_buf_fini(&batch);
    teardown(&f);
}

static void a_table_with_its_head_is_fetched_in_one_go(void **state)
{
    (void)state;
    struct fixture f;
    struct skn_slice value;
    setup(&f);
    assert_int_equal(skn_store_get_head(f.store, b_head, &value, NULL), SKN_ELATER);
    assert_int_equal(skn_store_get_head(f.store, b_head, &value, NULL), SKN_ELATER);
    assert_int_equal(fetch(&f), 1);
    assert_int_equal(skn_store_get_head(f.store, b_head, &value, NULL), SKN_OK);
    assert_true(skn_slice_eq(value, SKN_LIT("head")));
    assert_int_equal(skn_store_get(f.store, b_more, &value, NULL), SKN_OK);
    assert_int_equal(fetch(&f), 0);
    teardown(&f);
}

/* While an opening reads nothing is later; of a table of which something is in memory only the head is
 * asked for. */
static void a_head_is_a_row_like_any_other_where_nothing_is_later(void **state)
{
    (void)state;
    struct fixture f;
    struct skn_slice value;
    setup(&f);
    skn_store_set_blocking(f.store, true);
    assert_int_equal(skn_store_get(f.store, b_more, &value, NULL), SKN_OK);
    assert_int_equal(skn_store_get_head(f.store, b_head, &value, NULL), SKN_OK);
    assert_int_equal(skn_store_get_head(f.store, a_head, &value, NULL), SKN_ENOENT);
    assert_int_equal(skn_store_get(f.store, b_more, &value, NULL), SKN_OK);
    teardown(&f);
}

static void a_key_said_to_be_absent_is_not_read(void **state)
{
    (void)state;
    struct fixture f;
    struct skn_slice value, key = {(const uint8_t *)"b\0"
                                                    "0",
                                   3};
    setup(&f);
    /* Of a key that is known nothing changes. */
    assert_int_equal(skn_store_get(f.store, b_head, &value, NULL), SKN_ELATER);
    assert_int_equal(fetch(&f), 1);
    skn_store_absent(f.store, key);
    assert_int_equal(skn_store_get(f.store, key, &value, NULL), SKN_ENOENT);
    assert_int_equal(fetch(&f), 0);
    /* What is beside it is as unknown as before. */
    skn_store_absent(f.store, a_head);
    assert_int_equal(skn_store_get(f.store, a_head, &value, NULL), SKN_ENOENT);
    assert_int_equal(skn_store_get(f.store, a_more, &value, NULL), SKN_ENOENT);
    struct skn_buf batch;
    skn_buf_init(&batch, 1000);
    skn_batch_put(&batch, a_head, SKN_LIT(""));
    assert_int_equal(skn_store_know(f.store, skn_buf_slice(&batch), NULL), SKN_OK);
    assert_int_equal(skn_store_apply(f.store, 2, 2, skn_buf_slice(&batch), NULL), SKN_OK);
    assert_int_equal(skn_store_get(f.store, a_head, &value, NULL), SKN_OK);
    skn_buf_fini(&batch);
    teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_without_its_head_has_no_rows_and_is_not_fetched),
        cmocka_unit_test(a_table_with_its_head_is_fetched_in_one_go),
        cmocka_unit_test(a_head_is_a_row_like_any_other_where_nothing_is_later),
        cmocka_unit_test(a_key_said_to_be_absent_is_not_read),
    };
    return cmocka_run_group_tests_name("store head", tests, NULL, NULL);
}
