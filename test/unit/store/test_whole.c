/* test_whole.c - small tables come from a backend, go to a checkpoint and are forgotten as one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/test.h"
#include "store/backend/pack.h"
#include "store/store.h"

#include <string.h>

#define KEY(text) skn_slice((text), sizeof(text) - 1)

struct fixture {
    struct skn_backend *backend;
    struct skn_store *store;
    struct skn_buf batch, out;
    uint64_t index;
};

static void open_store(struct fixture *f)
{
    const struct skn_store_options options = {.backend = f->backend, .cache_bytes = 1};
    assert_int_equal(skn_store_open(&options, &f->store, NULL), SKN_OK);
}

static void setup(struct fixture *f)
{
    *f = (struct fixture){.backend = skn_backend_memory_create()};
    skn_buf_init(&f->batch, 1 << 20);
    skn_buf_init(&f->out, 1 << 20);
    open_store(f);
}

static void teardown(struct fixture *f)
{
    skn_store_check(f->store);
    skn_store_destroy(f->store);
    skn_backend_destroy(f->backend);
    skn_buf_fini(&f->batch);
    skn_buf_fini(&f->out);
}

/* An empty value deletes. */
static void change(struct fixture *f, struct skn_slice key, struct skn_slice value)
{
    skn_buf_reset(&f->batch);
    if (value.len > 0)
        skn_batch_put(&f->batch, key, value);
    else
        skn_batch_delete(&f->batch, key);
    assert_int_equal(skn_store_know(f->store, skn_buf_slice(&f->batch), NULL), SKN_OK);
    f->index++;
    assert_int_equal(skn_store_apply(f->store, f->index, f->index, skn_buf_slice(&f->batch), NULL),
                     SKN_OK);
}

/* Gives what is left of a checkpoint to the backend; operations and whole tables among them. */
static void give(struct fixture *f, int *out_ops, int *out_wholes)
{
    struct skn_row_op op;
    struct skn_slice packed;
    *out_ops = *out_wholes = 0;
    skn_buf_reset(&f->out);
    while (skn_store_next_dirty(f->store, &f->out, 1)) {
    }
    struct skn_slice rest = skn_buf_slice(&f->out);
    while (skn_batch_next(&rest, &op, NULL) == SKN_OK) {
        *out_ops += 1;
        *out_wholes += !op.is_delete && skn_is_packed(op.value, &packed);
    }
    assert_int_equal(skn_backend_write(f->backend, 0, skn_buf_slice(&f->out), NULL), SKN_OK);
}

static void commit(struct fixture *f, struct skn_position at)
{
    const struct skn_shard_position position = {.position = at};
    assert_int_equal(skn_backend_commit(f->backend, &position, 1, NULL), SKN_OK);
    skn_store_flushed(f->store);
}

static void reopen(struct fixture *f)
{
    skn_store_destroy(f->store);
    open_store(f);
}

static bool has(struct fixture *f, struct skn_slice key, struct skn_slice expected)
{
    struct skn_slice value;
    enum skn_rc rc = skn_store_get(f->store, key, &value, NULL);
    if (expected.len == 0) return rc == SKN_ENOENT;
    return rc == SKN_OK && skn_slice_eq(value, expected);
}

static void a_small_table_is_one_operation_of_a_checkpoint(void **state)
{
    (void)state;
    struct fixture f;
    int ops, wholes;
    setup(&f);
    change(&f, KEY("t\0a"), SKN_LIT("1"));
    change(&f, KEY("t\0b"), SKN_LIT("2"));
    change(&f, KEY("u\0a"), SKN_LIT("3"));
    struct skn_position at = skn_store_mark(f.store);
    give(&f, &ops, &wholes);
    assert_int_equal(ops, 2);
    assert_int_equal(wholes, 2);
    commit(&f, at);
    change(
        &f, KEY("t\0b"), (struct skn_slice){0}); /* and of its other row nothing has to be told */
    at = skn_store_mark(f.store);
    give(&f, &ops, &wholes);
    assert_int_equal(ops, 1);
    assert_int_equal(wholes, 1);
    commit(&f, at);
    reopen(&f);
    assert_true(has(&f, KEY("t\0a"), SKN_LIT("1")));
    assert_true(has(&f, KEY("t\0b"), (struct skn_slice){0}));
    assert_int_equal(skn_store_verify(f.store, NULL), SKN_OK);
    teardown(&f);
}

/* [E10] Before its first change it is kept as it was; what comes later is not in it. */
static void a_table_that_changes_behind_the_mark_is_given_as_of_it(void **state)
{
    (void)state;
    struct fixture f;
    int ops, wholes;
    setup(&f);
    change(&f, KEY("t\0a"), SKN_LIT("1"));
    change(&f, KEY("t\0b"), SKN_LIT("2"));
    struct skn_position at = skn_store_mark(f.store);
    change(&f, KEY("t\0c"), SKN_LIT("new"));
    change(&f, KEY("t\0a"), SKN_LIT("later"));
    change(&f, KEY("t\0b"), (struct skn_slice){0});
    give(&f, &ops, &wholes);
    assert_int_equal(ops, 1);
    assert_int_equal(wholes, 1);
    commit(&f, at);
    assert_true(has(&f, KEY("t\0a"), SKN_LIT("later")));
    reopen(&f); /* nothing was redone: the rows are those of the mark */
    assert_true(has(&f, KEY("t\0a"), SKN_LIT("1")));
    assert_true(has(&f, KEY("t\0b"), SKN_LIT("2")));
    assert_true(has(&f, KEY("t\0c"), (struct skn_slice){0}));
    assert_int_equal(skn_store_verify(f.store, NULL), SKN_OK);
    teardown(&f);
}

/* [E11] Redo knows a row and not its table: the backend puts the two together. */
static void a_row_of_a_table_that_is_not_known_changes_the_packed_one(void **state)
{
    (void)state;
    struct fixture f;
    int ops, wholes;
    setup(&f);
    change(&f, KEY("t\0a"), SKN_LIT("1"));
    change(&f, KEY("t\0b"), SKN_LIT("2"));
    struct skn_position at = skn_store_mark(f.store);
    give(&f, &ops, &wholes);
    commit(&f, at);
    reopen(&f);
    struct skn_position after = at;
    after.index++;
    after.state =
        skn_hash128_add(skn_hash128_sub(at.state, skn_row_hash(KEY("t\0b"), SKN_LIT("2"))),
                        skn_row_hash(KEY("t\0b"), SKN_LIT("redone")));
    skn_buf_reset(&f.batch);
    skn_batch_put(&f.batch, KEY("t\0b"), SKN_LIT("redone"));
    assert_int_equal(skn_store_redo(f.store, &after, skn_buf_slice(&f.batch), NULL), SKN_OK);
    at = skn_store_mark(f.store);
    give(&f, &ops, &wholes);
    assert_int_equal(ops, 1);
    assert_int_equal(wholes, 0);
    commit(&f, at);
    reopen(&f);
    assert_true(has(&f, KEY("t\0a"), SKN_LIT("1")));
    assert_true(has(&f, KEY("t\0b"), SKN_LIT("redone")));
    assert_int_equal(skn_store_verify(f.store, NULL), SKN_OK);
    teardown(&f);
}

/* [E13] Any row brings all of them with one read of one entry; and they go together. */
static void it_is_fetched_whole_and_forgotten_whole(void **state)
{
    (void)state;
    struct fixture f;
    int ops, wholes;
    struct skn_slice value;
    struct skn_read read;
    uint64_t number;
    bool is_end;
    setup(&f);
    change(&f, KEY("t\0a"), SKN_LIT("1"));
    change(&f, KEY("t\0b"), SKN_LIT("2"));
    change(&f, KEY("t\0c"), SKN_LIT("3"));
    struct skn_position at = skn_store_mark(f.store);
    give(&f, &ops, &wholes);
    commit(&f, at);
    reopen(&f);
    skn_backend_memory_set_slow(f.backend, true);
    assert_int_equal(skn_store_get(f.store, KEY("t\0c"), &value, NULL), SKN_ELATER);
    assert_true(skn_store_next_want(f.store, &read, &number));
    skn_buf_reset(&f.out);
    assert_int_equal(skn_backend_read(f.backend, &read, true, &f.out, &is_end, NULL), SKN_OK);
    assert_int_equal(skn_store_fetched(f.store, number, skn_buf_slice(&f.out), is_end, NULL),
                     SKN_OK);
    assert_false(skn_store_next_want(f.store, &read, &number));
    assert_true(has(&f, KEY("t\0a"), SKN_LIT("1")));
    assert_true(has(&f, KEY("t\0c"), SKN_LIT("3")));
    assert_true(has(&f, KEY("t\0d"), (struct skn_slice){0}));
    assert_int_equal(skn_store_counts(f.store).entries, 3);
    change(&f, KEY("t\0a"), SKN_LIT("changed"));
    for (int i = 0; i < 20; i++)
        skn_store_shrink(f.store);
    assert_int_equal(skn_store_counts(f.store).entries, 3); /* what is not saved keeps the others */
    at = skn_store_mark(f.store);
    give(&f, &ops, &wholes);
    assert_int_equal(wholes, 1);
    commit(&f, at);
    for (int i = 0; i < 20; i++)
        skn_store_shrink(f.store);
    assert_int_equal(skn_store_counts(f.store).entries, 0);
    teardown(&f);
}

/* One that grows becomes an entry a row, and one entry again when it is well below the bound. */
static void a_table_grows_out_of_it_and_comes_back(void **state)
{
    (void)state;
    struct fixture f;
    int ops, wholes;
    uint8_t large[SKN_PACKED_MAX];
    memset(large, 'x', sizeof large);
    setup(&f);
    static const struct {
        size_t len; /* of row b */
        int wholes;
    } steps[] = {{10, 1},
                 {SKN_PACKED_MAX, 0},
                 {SKN_PACKED_MAX - 100, 0}, /* it would fit, and come and go */
                 {SKN_PACKED_MAX / 2 - 100, 1},
                 {SKN_PACKED_MAX - 100, 1}};
    change(&f, KEY("t\0a"), SKN_LIT("1"));
    for (size_t i = 0; i < SKN_ARRAY_LEN(steps); i++) {
        change(&f, KEY("t\0b"), skn_slice(large, steps[i].len));
        struct skn_position at = skn_store_mark(f.store);
        give(&f, &ops, &wholes);
        assert_int_equal(wholes, steps[i].wholes);
        commit(&f, at);
        assert_int_equal(skn_store_verify(f.store, NULL), SKN_OK);
    }
    reopen(&f);
    assert_true(has(&f, KEY("t\0b"), skn_slice(large, SKN_PACKED_MAX - 100)));
    assert_int_equal(skn_store_verify(f.store, NULL), SKN_OK);
    teardown(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_table_is_one_operation_of_a_checkpoint),
        cmocka_unit_test(a_table_that_changes_behind_the_mark_is_given_as_of_it),
        cmocka_unit_test(a_row_of_a_table_that_is_not_known_changes_the_packed_one),
        cmocka_unit_test(it_is_fetched_whole_and_forgotten_whole),
        cmocka_unit_test(a_table_grows_out_of_it_and_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
