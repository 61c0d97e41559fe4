/* test_pack.c - the bytes of packed tables, and what a backend of them answers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "lib/test.h"
#include "store/backend/pack.h"

#define KEY(text) skn_slice((text), sizeof(text) - 1)

static void add(struct skn_buf *out, struct skn_slice rest, uint64_t index, struct skn_slice value)
{
    skn_pack_add(out, &(struct skn_packed_row){.rest = rest, .value = value, .index = index});
}

/* Two rows of the table "t". */
static void pack_two(struct skn_buf *out)
{
    skn_buf_init(out, 1000);
    skn_pack_begin(out, false);
    add(out, SKN_LIT(""), 7, SKN_LIT("xy"));
    add(out, SKN_LIT("ab"), 0x0102030405060708, SKN_LIT(""));
    skn_pack_end(out, 2);
}

static void packed_bytes_are_golden(void **state)
{
    (void)state;
    static const uint8_t golden[] = {
        1, 0, 2, 0,                                         /* form, in a backend, two rows */
        0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 'x', 'y', /* "t\0" */
        2, 0, 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1, 'a', 'b', /* "t\0ab" */
    };
    struct skn_buf packed;
    pack_two(&packed);
    assert_int_equal(packed.len, sizeof golden);
    assert_memory_equal(packed.ptr, golden, sizeof golden);
    struct skn_slice rows, slice = skn_buf_slice(&packed);
    struct skn_packed_row row;
    assert_int_equal(skn_packed_open(KEY("t\0"), slice, &rows, NULL), SKN_OK);
    assert_true(skn_packed_next(&rows, &row));
    assert_int_equal(row.rest.len, 0);
    assert_int_equal(row.index, 7);
    assert_true(skn_slice_eq(row.value, SKN_LIT("xy")));
    assert_true(skn_packed_next(&rows, &row));
    assert_true(skn_slice_eq(row.rest, SKN_LIT("ab")));
    assert_int_equal(row.index, 0x0102030405060708);
    assert_int_equal(row.value.len, 0);
    assert_false(skn_packed_next(&rows, &row));
    skn_buf_fini(&packed);
}

static void damage_is_refused_and_names_the_table(void **state)
{
    (void)state;
    struct skn_buf packed;
    struct skn_diag diag;
    struct skn_slice rows;
    pack_two(&packed);
    for (size_t n = 0; n < packed.len; n++) {
        struct skn_slice cut = skn_slice(packed.ptr, n);
        assert_int_equal(skn_packed_open(KEY("t\0"), cut, &rows, &diag), SKN_ECORRUPT);
        assert_non_null(strstr(diag.text, "\"t\""));
    }
    /* Form, kind, count, order, the index that no record has, lengths. */
    static const struct {
        size_t at;
        uint8_t byte;
    } bad[] = {{0, 2}, {1, 2}, {2, 1}, {3, 1}, {4, 9}, {6, 1}, {9, 1}, {20, 3}, {25, 0x7f}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(bad); i++) {
        uint8_t before = packed.ptr[bad[i].at];
        packed.ptr[bad[i].at] = bad[i].byte;
        bool is_refused =
            skn_packed_open(KEY("t\0"), skn_buf_slice(&packed), &rows, NULL) == SKN_ECORRUPT;
        if (i + 1 < SKN_ARRAY_LEN(bad)) assert_true(is_refused); /* an index may be any other */
        packed.ptr[bad[i].at] = before;
    }
    assert_int_equal(skn_packed_open(KEY("t"), skn_buf_slice(&packed), &rows, NULL), SKN_ECORRUPT);
    assert_int_equal(skn_packed_open(KEY("\0"), skn_buf_slice(&packed), &rows, NULL), SKN_ECORRUPT);
    skn_buf_reset(&packed);
    skn_pack_begin(&packed, false);
    add(&packed, SKN_LIT("b"), 1, SKN_LIT(""));
    add(&packed, SKN_LIT("a"), 1, SKN_LIT(""));
    skn_pack_end(&packed, 2);
    assert_int_equal(skn_packed_open(KEY("t\0"), skn_buf_slice(&packed), &rows, &diag),
                     SKN_ECORRUPT);
    assert_non_null(strstr(diag.text, "order"));
    skn_buf_fini(&packed);
}

/* Whatever bytes there are: refused, or rows that lie inside of them, in order. */
static void random_bytes_are_refused_or_have_rows_in_order(void **state)
{
    (void)state;
    struct skn_rng rng;
    struct skn_buf packed;
    uint64_t good = 0;
    skn_rng_init(&rng, 11);
    for (int i = 0; i < 200000; i++) {
        pack_two(&packed);
        for (uint64_t n = 1 + skn_rng_below(&rng, 3); n > 0; n--)
            packed.ptr[skn_rng_below(&rng, packed.len)] = (uint8_t)skn_rng_below(&rng, 256);
        size_t len = skn_rng_below(&rng, 4) ? packed.len : skn_rng_below(&rng, packed.len + 1);
        struct skn_slice bytes = skn_slice(packed.ptr, len), rows, last = {0};
        struct skn_packed_row row;
        if (skn_packed_open(KEY("t\0"), bytes, &rows, NULL) == SKN_OK) {
            good++;
            for (int at = 0; skn_packed_next(&rows, &row); at++) {
                if (at > 0) assert_true(skn_slice_cmp(last, row.rest) < 0);
                assert_true(row.value.ptr + row.value.len <= bytes.ptr + bytes.len);
                last = row.rest;
            }
        }
        skn_buf_fini(&packed);
    }
    assert_true(good > 1000);
}

/* --- a backend of them ------------------------------------------------------------------------------ */

static void write_whole(struct skn_backend *backend, int rows, uint8_t may_be_spread)
{
    struct skn_buf packed, batch;
    skn_buf_init(&packed, 1 << 20);
    skn_buf_init(&batch, 1 << 20);
    skn_pack_begin(&packed, may_be_spread);
    for (uint8_t i = 0; i < rows; i++)
        add(&packed, skn_slice(&i, 1), 1, SKN_LIT("whole"));
    skn_pack_end(&packed, (size_t)rows);
    skn_batch_put_stored(&batch, KEY("t\0"), SKN_PACKED_INDEX, skn_buf_slice(&packed));
    assert_int_equal(skn_backend_write(backend, 3, skn_buf_slice(&batch), NULL), SKN_OK);
    skn_buf_fini(&batch);
    skn_buf_fini(&packed);
}

static void write_row(struct skn_backend *backend, uint8_t n, struct skn_slice value)
{
    struct skn_buf batch;
    const uint8_t key[] = {'t', 0, n};
    skn_buf_init(&batch, 1 << 20);
    if (value.len > 0)
        skn_batch_put_stored(&batch, skn_slice(key, sizeof key), 2, value);
    else
        skn_batch_delete(&batch, skn_slice(key, sizeof key));
    assert_int_equal(skn_backend_write(backend, 3, skn_buf_slice(&batch), NULL), SKN_OK);
    skn_buf_fini(&batch);
}

/* Rows that an answer has; -1: the table is packed and was asked for whole. */
static int count(struct skn_backend *backend, struct skn_slice from, uint32_t max, bool whole)
{
    struct skn_buf rows;
    skn_buf_init(&rows, 1 << 20);
    bool is_end;
    const struct skn_read read = {.shard = 3,
                                  .from = from,
                                  .end = KEY("u"),
                                  .max_rows = max,
                                  .max_bytes = 1 << 20,
                                  .whole = whole};
    assert_int_equal(skn_backend_read(backend, &read, true, &rows, &is_end, NULL), SKN_OK);
    struct skn_slice rest = skn_buf_slice(&rows), packed;
    struct skn_row_op op;
    int n = 0;
    for (; skn_batch_next(&rest, &op, NULL) == SKN_OK; n++)
        if (skn_is_packed(op.value, &packed)) n = -2;
    if (n > 0 && (uint32_t)n < max) assert_true(is_end);
    skn_buf_fini(&rows);
    return n;
}

/* Invariant 1 of pack.h: whatever changes it, a table is one or the other. */
static void a_table_goes_from_one_form_to_the_other(void **state)
{
    (void)state;
    struct skn_backend *backend = skn_backend_memory_create();
    backend->packed_max = 100;
    write_row(backend, 9, SKN_LIT("spread"));
    assert_int_equal(count(backend, KEY("t\0"), 100, true), 1);
    write_whole(backend, 3, 1); /* and row 9 goes */
    assert_int_equal(count(backend, KEY("t\0"), 100, true), -1);
    assert_int_equal(count(backend, KEY("t\0"), 100, false), 3);
    assert_int_equal(count(backend, KEY("t\0\1"), 100, false), 2);
    assert_int_equal(count(backend, KEY("t\0\1"), 1, false), 1);
    assert_int_equal(count(backend, KEY("t"), 100, false), 3); /* from before the table */
    write_row(backend, 1, (struct skn_slice){0});
    assert_int_equal(count(backend, KEY("t\0"), 100, true), -1);
    assert_int_equal(count(backend, KEY("t\0"), 100, false), 2);
    write_row(
        backend, 4, SKN_LIT("as long as it takes for the table not to be small any more ....."));
    assert_int_equal(count(backend, KEY("t\0"), 100, true), 3);
    write_whole(backend, 0, 1); /* nothing is left */
    assert_int_equal(count(backend, KEY("t\0"), 100, true), 0);
    write_whole(backend, 2, 0);
    write_row(backend, 0, (struct skn_slice){0});
    write_row(backend, 1, (struct skn_slice){0});
    assert_int_equal(count(backend, KEY("t\0"), 100, true), 0);
    skn_backend_destroy(backend);
}

/* Invariant 2 of pack.h: a crash leaves no table between two forms [E11]. */
static void a_crash_never_comes_between_the_entries_of_a_table(void **state)
{
    (void)state;
    for (size_t kept = 0;; kept++) {
        struct skn_backend *backend = skn_backend_memory_create();
        backend->packed_max = 100;
        const struct skn_shard_position at = {.shard = 3, .position.index = 1};
        write_whole(backend, 3, 0);
        assert_int_equal(skn_backend_commit(backend, &at, 1, NULL), SKN_OK);
        write_row(
            backend, 4, SKN_LIT("as long as it takes for the table not to be small any more"));
        assert_int_equal(count(backend, KEY("t\0"), 100, true), 4);
        size_t written = skn_backend_memory_unflushed(backend);
        assert_int_equal(written, 5); /* one goes, four come */
        skn_backend_memory_crash(backend, kept);
        assert_int_equal(count(backend, KEY("t\0"), 100, false), kept < written ? 3 : 4);
        skn_backend_destroy(backend);
        if (kept == written) break;
    }
}

static void a_batch_that_says_two_things_of_a_table_is_refused(void **state)
{
    (void)state;
    struct skn_backend *backend = skn_backend_memory_create();
    struct skn_buf batch;
    skn_buf_init(&batch, 1000);
    skn_batch_put_stored(&batch, KEY("t\0key"), SKN_PACKED_INDEX, SKN_LIT("\1\0\0\0"));
    struct skn_diag diag;
    assert_int_equal(skn_backend_write(backend, 3, skn_buf_slice(&batch), &diag), SKN_ECORRUPT);
    skn_buf_reset(&batch);
    skn_batch_put_stored(&batch, KEY("t\0"), SKN_PACKED_INDEX, SKN_LIT("what is this"));
    assert_int_equal(skn_backend_write(backend, 3, skn_buf_slice(&batch), &diag), SKN_ECORRUPT);
    skn_buf_fini(&batch);
    skn_backend_destroy(backend);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_bytes_are_golden),
        cmocka_unit_test(damage_is_refused_and_names_the_table),
        cmocka_unit_test(random_bytes_are_refused_or_have_rows_in_order),
        cmocka_unit_test(a_table_goes_from_one_form_to_the_other),
        cmocka_unit_test(a_crash_never_comes_between_the_entries_of_a_table),
        cmocka_unit_test(a_batch_that_says_two_things_of_a_table_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
