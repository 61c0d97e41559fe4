/* test_order.c - filters that know tables, and batches that are put in order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/test.h"
#include "rows.h"
#include "store/rocks/rocks_internal.h"

#include <stdio.h>

enum { TABLES = 3000 };

static void must_write(struct skn_backend *backend, const struct skn_buf *batch)
{
    struct skn_diag diag = {0};
    if (skn_backend_write(backend, 1, skn_buf_slice(batch), &diag) != SKN_OK)
        fail_msg("%s", diag.text);
}

static void must_commit(struct skn_backend *backend)
{
    const struct skn_shard_position at = {.shard = 1, .position.index = 1};
    assert_int_equal(skn_backend_commit(backend, &at, 1, NULL), SKN_OK);
}

/* All of a table: from its first key to the first one behind it. */
struct table {
    uint8_t from[24], end[24];
    size_t len; /* with the byte behind the name */
};

static struct table table_of(unsigned n)
{
    struct table table = {0};
    int len = snprintf((char *)table.from, sizeof table.from, "table %05u", n);
    memcpy(table.end, table.from, (size_t)len);
    table.end[len] = 1;
    table.len = (size_t)len + 1;
    return table;
}

static struct skn_read read_of(const struct table *table)
{
    return (struct skn_read){.shard = 1,
                             .from = skn_slice(table->from, table->len),
                             .end = skn_slice(table->end, table->len),
                             .max_rows = 10,
                             .max_bytes = 4096};
}

/* Tables 0, 2, 4, .. with a row each. */
static void fill(struct skn_backend *backend)
{
    struct skn_buf batch;
    skn_buf_init(&batch, 1 << 20);
    for (unsigned n = 0; n < TABLES; n += 2) {
        struct table table = table_of(n);
        table.from[table.len] = 'x';
        skn_batch_put_stored(
            &batch, skn_slice(table.from, table.len + 1), 1, SKN_LIT("what a row of it holds"));
    }
    must_write(backend, &batch);
    skn_buf_fini(&batch);
    must_commit(backend);
}

/* [E13] That a table has no row is known without a look at the disk, and without a seek in each level. */
static void filters_know_tables_that_have_no_row(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    struct skn_backend *backend = must_open(&options);
    fill(backend);
    skn_backend_destroy(backend);
    backend = must_open(&options);
    unsigned absent = 0, later = 0;
    struct skn_buf out;
    skn_buf_init(&out, 4096);
    for (unsigned n = 0; n < TABLES; n++) {
        struct table table = table_of(n);
        struct skn_read read = read_of(&table);
        bool is_end = false;
        enum skn_rc rc = skn_backend_read(backend, &read, false, &out, &is_end, NULL);
        assert_true(rc == SKN_OK || rc == SKN_ELATER);
        if (rc == SKN_OK && n % 2) absent += is_end;
        if (rc == SKN_OK) assert_true((out.len == 0) == (n % 2 == 1));
        later += rc == SKN_ELATER && n % 2 == 0;
        skn_buf_reset(&out);
        /* And nothing that is there is ever called absent. */
        assert_int_equal(skn_backend_read(backend, &read, true, &out, &is_end, NULL), SKN_OK);
        assert_true(is_end && (out.len == 0) == (n % 2 == 1));
        skn_buf_reset(&out);
        if (n % 100 == 0) { /* so that few blocks are in memory */
            skn_backend_destroy(backend);
            backend = must_open(&options);
        }
    }
    assert_true(absent > TABLES / 2 * 9 / 10);
    assert_true(later > 20);
    skn_buf_fini(&out);
    skn_backend_destroy(backend);
    folder_remove(&f);
}

/* As a version did that knew nothing of tables. */
static void write_plainly(const char *dir, struct skn_slice key, struct skn_slice value)
{
    struct skn_rocks_lib lib;
    assert_int_equal(skn_rocks_lib_load(&lib, NULL), SKN_OK);
    char *error = NULL;
    rocksdb_options_t *options = lib.options_create();
    rocksdb_t *db = lib.open(options, dir, &error);
    assert_null(error);
    rocksdb_writeoptions_t *how = lib.writeoptions_create();
    rocksdb_writebatch_t *batch = lib.writebatch_create();
    rocksdb_flushoptions_t *flush = lib.flushoptions_create();
    lib.writebatch_put(batch, (const char *)key.ptr, key.len, (const char *)value.ptr, value.len);
    lib.write(db, how, batch, &error);
    assert_null(error);
    lib.flush(db, flush, &error);
    assert_null(error);
    lib.flushoptions_destroy(flush);
    lib.writebatch_destroy(batch);
    lib.writeoptions_destroy(how);
    lib.close(db);
    lib.options_destroy(options);
}

static void files_whose_filters_know_no_tables_are_read_all_the_same(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    struct skn_backend *backend = must_open(&options);
    fill(backend);
    skn_backend_destroy(backend);
    static const uint8_t old[] = {
        0, 1, 't', 'a', 'b', 'l', 'e', ' ', '0', '0', '0', '0', '1', 0, 'y'};
    static const uint8_t stored[] = {1, 0, 0, 0, 0, 0, 0, 0, 'v'};
    write_plainly(options.dir, skn_slice(old, sizeof old), skn_slice(stored, sizeof stored));
    backend = must_open(&options);
    struct skn_buf out;
    skn_buf_init(&out, 4096);
    for (unsigned n = 0; n < 4; n++) {
        struct table table = table_of(n);
        struct skn_read read = read_of(&table);
        bool is_end = false;
        assert_int_equal(skn_backend_read(backend, &read, true, &out, &is_end, NULL), SKN_OK);
        assert_true(is_end && (out.len == 0) == (n == 3));
        skn_buf_reset(&out);
    }
    skn_buf_fini(&out);
    skn_backend_destroy(backend);
    folder_remove(&f);
}

/* A range over more than one table: no filter of the first one may end it. */
static void a_range_over_tables_has_the_rows_of_all(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    struct skn_backend *backend = must_open(&options);
    fill(backend);
    const struct table from = table_of(11), end = table_of(19);
    struct skn_read read = read_of(&from);
    struct skn_buf out;
    struct skn_row_op op;
    unsigned rows = 0;
    bool is_end = false;
    skn_buf_init(&out, 4096);
    read.end = skn_slice(end.end, end.len);
    assert_int_equal(skn_backend_read(backend, &read, true, &out, &is_end, NULL), SKN_OK);
    for (struct skn_slice rest = skn_buf_slice(&out); skn_batch_next(&rest, &op, NULL) == SKN_OK;)
        rows++;
    assert_int_equal(rows, 4); /* 12, 14, 16, 18 */
    assert_true(is_end);
    skn_buf_fini(&out);
    skn_backend_destroy(backend);
    folder_remove(&f);
}

/* A batch is put in key order; of one key its last operation still wins. */
static void of_one_key_the_last_operation_of_a_batch_wins(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    struct skn_backend *backend = must_open(&options);
    struct skn_buf batch, out;
    skn_buf_init(&batch, 1 << 20);
    skn_buf_init(&out, 4096);
    for (int i = 0; i < 200; i++) { /* long enough for a sort that keeps no order of equals */
        skn_batch_put_stored(&batch, SKN_LIT("t\0stays"), 1, SKN_LIT("old"));
        skn_batch_put_stored(&batch, SKN_LIT("t\0goes"), 1, SKN_LIT("old"));
    }
    skn_batch_put_stored(&batch, SKN_LIT("t\0stays"), 2, SKN_LIT("new"));
    skn_batch_delete(&batch, SKN_LIT("t\0goes"));
    skn_batch_delete(&batch, SKN_LIT("t\0comes"));
    skn_batch_put_stored(&batch, SKN_LIT("t\0comes"), 2, SKN_LIT("new"));
    must_write(backend, &batch);
    const struct skn_read read = {.shard = 1,
                                  .from = SKN_LIT("t\0"),
                                  .end = SKN_LIT("t\1"),
                                  .max_rows = 10,
                                  .max_bytes = 4096};
    bool is_end;
    assert_int_equal(skn_backend_read(backend, &read, true, &out, &is_end, NULL), SKN_OK);
    skn_buf_reset(&batch);
    skn_batch_put_stored(&batch, SKN_LIT("t\0comes"), 2, SKN_LIT("new"));
    skn_batch_put_stored(&batch, SKN_LIT("t\0stays"), 2, SKN_LIT("new"));
    assert_true(skn_slice_eq(skn_buf_slice(&out), skn_buf_slice(&batch)));
    skn_buf_fini(&out);
    skn_buf_fini(&batch);
    skn_backend_destroy(backend);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_know_tables_that_have_no_row),
        cmocka_unit_test(files_whose_filters_know_no_tables_are_read_all_the_same),
        cmocka_unit_test(a_range_over_tables_has_the_rows_of_all),
        cmocka_unit_test(of_one_key_the_last_operation_of_a_batch_wins),
    };
    return cmocka_run_group_tests_name("rocks order", tests, NULL, NULL);
}
