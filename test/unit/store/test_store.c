/* test_store.c - a store in memory against a plain array. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/test.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 200, VALUE_MAX = 40, BATCHES = 20000 };

struct model_row {
    bool there;
    size_t len;
    uint8_t value[VALUE_MAX];
};

static uint64_t next(uint64_t *rng)
{
    *rng = *rng * 6364136223846793005U + 1442695040888963407U;
    return *rng >> 33;
}

static struct skn_slice key_of(int n, char out[16])
{
    /* Six tables; "t1" begins the name of another. */
    int len = snprintf(out, 16, "t%d%s_%03d%s", n % 3, n % 2 ? "x" : "", n, n % 5 ? "" : "/x");
    *strchr(out, '_') = 0;
    return skn_slice(out, (size_t)len);
}

static void random_op(uint64_t *rng, struct model_row *model, struct skn_buf *batch)
{
    char text[16];
    int n = (int)(next(rng) % KEYS);
    struct skn_slice key = key_of(n, text);
    if (next(rng) % 4 == 0) {
        model[n].there = false;
        skn_batch_delete(batch, key);
        return;
    }
    model[n].there = true;
    model[n].len = next(rng) % VALUE_MAX;
    for (size_t i = 0; i < model[n].len; i++)
        model[n].value[i] = (uint8_t)next(rng);
    skn_batch_put(batch, key, skn_slice(model[n].value, model[n].len));
}

static void compare_table(struct skn_store *store, const struct model_row *model, int which)
{
    struct skn_row rows[KEYS + 1];
    char from[8], end[8];
    int len = snprintf(from, sizeof from, "t%d%s", which % 3, which % 2 ? "x" : "") + 1;
    memcpy(end, from, (size_t)len);
    end[len - 1] = 1;
    size_t count, seen = 0;
    assert_int_equal(skn_store_scan(store,
                                    skn_slice(from, (size_t)len),
                                    skn_slice(end, (size_t)len),
                                    rows,
                                    KEYS + 1,
                                    &count,
                                    NULL),
                     SKN_OK);
    for (int n = which; n < KEYS; n += 6) {
        char text[16];
        struct skn_slice value, key = key_of(n, text);
        enum skn_rc rc = skn_store_get(store, key, &value, NULL);
        assert_int_equal(rc, model[n].there ? SKN_OK : SKN_ENOENT);
        if (!model[n].there) continue;
        assert_true(skn_slice_eq(value, skn_slice(model[n].value, model[n].len)));
        assert_true(seen < count && skn_slice_eq(rows[seen].key, key));
        seen++;
    }
    assert_int_equal(seen, count);
}

static void compare(struct skn_store *store, const struct model_row *model)
{
    for (int which = 0; which < 6; which++)
        compare_table(store, model, which);
    assert_int_equal(skn_store_verify(store, NULL), SKN_OK);
}

static void random_batches_agree_with_an_array_and_the_state_hash_adds_up(void **state)
{
    (void)state;
    uint64_t rng = 7;
    static struct model_row model[KEYS];
    struct skn_store *store = skn_store_memory_create();
    struct skn_buf batch;
    skn_buf_init(&batch, 1 << 20);
    for (uint64_t index = 1; index <= BATCHES; index++) {
        skn_buf_reset(&batch);
        for (uint64_t ops = 1 + next(&rng) % 9; ops > 0; ops--)
            random_op(&rng, model, &batch);
        assert_int_equal(skn_store_apply(store, index, index * 3, skn_buf_slice(&batch), NULL),
                         SKN_OK);
        if (index % 500 == 0) compare(store, model);
    }
    skn_buf_fini(&batch);
    skn_store_destroy(store);
}

enum { MANY = 4000 };

static struct skn_slice many_key(uint32_t n, uint8_t out[24])
{
    /* Some differ only far behind the bytes that a slot holds, and some begin others. */
    static const char *const heads[] = {"", "a", "aaaaaaaaaaaa"};
    size_t len = 2, head = strlen(heads[n % 3]);
    memcpy(out, "t", 2);
    memcpy(out + len, heads[n % 3], head);
    len += head;
    out[len++] = (uint8_t)(n / 3 % 7);
    if (n / 21 % 5) out[len++] = (uint8_t)(n / 21);
    if (n / 21 % 5 > 2) out[len++] = (uint8_t)(n % 2);
    return skn_slice(out, len);
}

static int by_key(const void *a, const void *b)
{
    uint8_t x[24], y[24];
    return skn_slice_cmp(many_key(*(const uint32_t *)a, x), many_key(*(const uint32_t *)b, y));
}

/* One table that grows to many pages and shrinks again, in any order, from both ends, and as a
 * queue. */
static void a_table_of_many_rows_keeps_their_order(void **state)
{
    (void)state;
    static uint32_t sorted[MANY];
    static bool there[MANY];
    for (uint32_t n = 0; n < MANY; n++)
        sorted[n] = n;
    qsort(sorted, MANY, sizeof sorted[0], by_key);
    uint32_t count = 1;
    for (uint32_t i = 1; i < MANY; i++)
        if (by_key(&sorted[i], &sorted[count - 1]) != 0) sorted[count++] = sorted[i];
    assert_true(count > 3000);
    struct skn_store *store = skn_store_memory_create();
    struct skn_buf batch;
    skn_buf_init(&batch, 1 << 16);
    uint64_t rng = 3, index = 0;
    size_t lives = 0;
    for (int phase = 0; phase < 8; phase++) {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t random = (uint32_t)(next(&rng) % count);
            const uint32_t puts[] = {random, i, random, count - 1 - i, random, i, random, i};
            uint32_t at = puts[phase];
            bool deletes = phase == 2 ? next(&rng) % 2 == 0 : phase % 2 == 1 && phase != 3;
            if (phase == 4) deletes = next(&rng) % 8 != 0;
            uint8_t bytes[24];
            skn_buf_reset(&batch);
            if (deletes)
                skn_batch_delete(&batch, many_key(sorted[at], bytes));
            else
                skn_batch_put(&batch, many_key(sorted[at], bytes), skn_slice(&at, sizeof at));
            lives += (size_t)(!deletes) - (size_t)there[at];
            there[at] = !deletes;
            index++;
            assert_int_equal(skn_store_apply(store, index, index, skn_buf_slice(&batch), NULL),
                             SKN_OK);
            if (i % 128 > 0) continue;
            skn_store_check(store);
            assert_int_equal(skn_store_counts(store).entries, lives);
        }
        struct skn_row rows[MANY];
        size_t found, seen = 0;
        assert_int_equal(
            skn_store_scan(
                store, skn_slice("t\0", 2), skn_slice("t\1", 2), rows, MANY, &found, NULL),
            SKN_OK);
        assert_int_equal(found, lives);
        for (uint32_t i = 0; i < count; i++) {
            struct skn_slice value;
            uint8_t bytes[24];
            struct skn_slice key = many_key(sorted[i], bytes);
            assert_int_equal(skn_store_get(store, key, &value, NULL),
                             there[i] ? SKN_OK : SKN_ENOENT);
            if (!there[i]) continue;
            assert_true(skn_slice_eq(rows[seen].key, key));
            assert_memory_equal(rows[seen++].value.ptr, &i, sizeof i);
        }
        assert_int_equal(skn_store_verify(store, NULL), SKN_OK);
    }
    skn_buf_fini(&batch);
    skn_store_destroy(store);
}

static void many_tables_are_found_while_they_grow_and_go(void **state)
{
    (void)state;
    struct skn_store *store = skn_store_memory_create();
    struct skn_buf batch;
    skn_buf_init(&batch, 1 << 16);
    uint64_t index = 0;
    for (int turn = 0; turn < 3; turn++) {
        for (int n = 0; n < 5000; n++) {
            char key[24];
            size_t len = (size_t)snprintf(key, sizeof key, "table %d", n) + 1;
            struct skn_slice value;
            enum skn_rc rc = skn_store_get(store, skn_slice(key, len), &value, NULL);
            assert_int_equal(rc, turn == 0 ? SKN_ENOENT : SKN_OK);
            skn_buf_reset(&batch);
            if (turn == 2 && n % 3)
                skn_batch_delete(&batch, skn_slice(key, len));
            else
                skn_batch_put(&batch, skn_slice(key, len), SKN_LIT("v"));
            index++;
            assert_int_equal(skn_store_apply(store, index, index, skn_buf_slice(&batch), NULL),
                             SKN_OK);
        }
        skn_store_check(store);
    }
    assert_int_equal(skn_store_counts(store).entries, 1667);
    skn_buf_fini(&batch);
    skn_store_destroy(store);
}

/* What a crash left of a checkpoint stays until the next one ends, however often it crashes meanwhile. */
static void half_a_checkpoint_is_not_exact(void **state) /* [E11] [E70] */
{
    (void)state;
    struct skn_backend *backend = skn_backend_memory_create();
    const struct skn_shard_position at = {.position.index = 1};
    struct skn_buf batch;
    skn_buf_init(&batch, 256);
    skn_batch_put_stored(&batch, SKN_LIT("t\0a"), 1, SKN_LIT("v"));
    skn_batch_put_stored(&batch, SKN_LIT("t\0b"), 1, SKN_LIT("v"));
    assert_true(skn_backend_is_exact(backend));
    for (size_t kept = 0; kept <= 2; kept++) {
        assert_int_equal(skn_backend_write(backend, 0, skn_buf_slice(&batch), NULL), SKN_OK);
        assert_false(skn_backend_is_exact(backend));
        skn_backend_memory_crash(backend, kept);
        assert_int_equal(skn_backend_memory_unflushed(backend), 0);
        assert_int_equal(skn_backend_is_exact(backend), kept == 0);
        skn_backend_memory_crash(backend, 0);
        assert_int_equal(skn_backend_is_exact(backend), kept == 0);
        assert_int_equal(skn_backend_commit(backend, &at, 1, NULL), SKN_OK);
        assert_true(skn_backend_is_exact(backend));
    }
    assert_int_equal(skn_backend_write(backend, 0, skn_buf_slice(&batch), NULL), SKN_OK);
    skn_backend_memory_fail_commit(backend, 1);
    assert_int_equal(skn_backend_commit(backend, &at, 1, NULL), SKN_EIO);
    assert_false(skn_backend_is_exact(backend));
    skn_buf_fini(&batch);
    skn_backend_destroy(backend);
}

static void redo_compares_the_state_of_the_record(void **state) /* [E44] */
{
    (void)state;
    struct skn_store *store = skn_store_memory_create();
    struct skn_buf batch;
    skn_buf_init(&batch, 1000);
    skn_batch_put(&batch, skn_slice("t\0k", 3), SKN_LIT("v"));
    struct skn_position after = {.index = 1, .stamp = 5};
    after.state = skn_row_hash(skn_slice("t\0k", 3), SKN_LIT("v"));
    assert_int_equal(skn_store_redo(store, &after, skn_buf_slice(&batch), NULL), SKN_OK);
    assert_int_equal(skn_store_position(store).stamp, 5);
    after.index++;
    after.state.hi++;
    assert_int_equal(skn_store_redo(store, &after, skn_buf_slice(&batch), NULL), SKN_ECORRUPT);
    skn_buf_reset(&batch);
    skn_batch_put(&batch, SKN_LIT("no table"), SKN_LIT("v"));
    assert_int_equal(skn_store_apply(store, 3, 6, skn_buf_slice(&batch), NULL), SKN_ECORRUPT);
    skn_buf_fini(&batch);
    skn_store_destroy(store);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_batches_agree_with_an_array_and_the_state_hash_adds_up),
        cmocka_unit_test(a_table_of_many_rows_keeps_their_order),
        cmocka_unit_test(many_tables_are_found_while_they_grow_and_go),
        cmocka_unit_test(half_a_checkpoint_is_not_exact),
        cmocka_unit_test(redo_compares_the_state_of_the_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
