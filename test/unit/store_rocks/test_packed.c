/* test_packed.c - tables as one entry of RocksDB, against the memory backend that has a row each. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include "store/backend/pack.h"
#include "store/rocks/rocks_internal.h"

#include <stdio.h>
#include <xxhash.h>

enum { TABLES = 3, OF_TABLE = 8, VALUE = 40, OPERATIONS = 12000, SHARD = 7 };

/* The name of a table may begin with that of another one; keys of rows hold zeros. */
static struct skn_slice key_of(uint64_t table, uint64_t n, uint8_t out[16])
{
    static const char *const names[TABLES] = {"t", "t\1", "tu"};
    size_t len = strlen(names[table]);
    memcpy(out, names[table], len);
    out[len++] = 0;
    for (uint64_t i = 0; i < n % 3; i++)
        out[len++] = (uint8_t)(n * i);
    if (n > 2) out[len++] = (uint8_t)n;
    return skn_slice(out, len);
}

struct pair {
    struct folder folder;
    struct skn_rocks_options options;
    struct skn_rng rng;
    struct skn_backend *rocks, *rows; /* the second one never packs */
    struct skn_shard_position at;
    struct skn_buf batch, image;
    uint64_t wholes, packed, cut;
};

static uint64_t below(struct pair *p, uint64_t n)
{
    return skn_rng_below(&p->rng, n);
}

static void write_both(struct pair *p, bool is_one)
{
    struct skn_slice batch = skn_buf_slice(&p->batch);
    struct skn_diag diag;
    if (skn_backend_write(p->rocks, SHARD, batch, &diag) != SKN_OK) fail_msg("%s", diag.text);
    if (is_one) assert_int_equal(skn_backend_write(p->rows, SHARD, batch, NULL), SKN_OK);
}

static struct skn_slice value_of(struct pair *p, uint8_t bytes[VALUE])
{
    memset(bytes, (int)below(p, 256), VALUE);
    return skn_slice(bytes, below(p, VALUE));
}

/* Rows of all tables, some twice. */
static void write_rows(struct pair *p)
{
    uint8_t key[16], bytes[VALUE];
    p->rocks->packed_max = below(p, 3) ? 200 : (uint32_t)below(p, 400);
    skn_buf_reset(&p->batch);
    for (uint64_t i = 1 + below(p, 6); i > 0; i--) {
        struct skn_slice of = key_of(below(p, TABLES), below(p, OF_TABLE), key);
        if (below(p, 3) == 0)
            skn_batch_delete(&p->batch, of);
        else
            skn_batch_put_stored(&p->batch, of, 1 + below(p, 9), value_of(p, bytes));
    }
    write_both(p, true);
}

static int compare_keys(const void *a, const void *b)
{
    uint8_t x[16], y[16];
    return skn_slice_cmp(key_of(0, *(const uint64_t *)a, x), key_of(0, *(const uint64_t *)b, y));
}

/* A table at once: for the other backend all that it may have goes, and what it has now comes. */
static void write_whole(struct pair *p)
{
    uint8_t key[16], first[16], bytes[VALUE];
    uint64_t table = below(p, TABLES), order[OF_TABLE], count = 0;
    struct skn_slice under = key_of(table, 0, first);
    for (uint64_t n = 0; n < OF_TABLE; n++)
        order[n] = n;
    qsort(order, OF_TABLE, sizeof order[0], compare_keys);
    skn_buf_reset(&p->batch);
    skn_buf_reset(&p->image);
    skn_pack_begin(&p->image, true);
    for (uint64_t i = 0; i < OF_TABLE; i++) {
        struct skn_slice of = key_of(table, order[i], key);
        if (below(p, 3) == 0) {
            skn_batch_delete(&p->batch, of);
            continue;
        }
        const struct skn_packed_row row = {.rest = skn_slice_from(of, under.len),
                                           .value = value_of(p, bytes),
                                           .index = 1 + below(p, 9)};
        skn_batch_put_stored(&p->batch, of, row.index, row.value);
        skn_pack_add(&p->image, &row);
        count++;
    }
    skn_pack_end(&p->image, count);
    assert_int_equal(skn_backend_write(p->rows, SHARD, skn_buf_slice(&p->batch), NULL), SKN_OK);
    skn_buf_reset(&p->batch);
    skn_batch_put_stored(&p->batch, under, SKN_PACKED_INDEX, skn_buf_slice(&p->image));
    write_both(p, false);
    p->wholes++;
}

/* One key, or a range: inside of a table, or over several, cut short or not. */
static void read_some(struct pair *p)
{
    uint8_t from[17], end[17];
    struct skn_buf a, b;
    skn_buf_init(&a, BATCH_MAX);
    skn_buf_init(&b, BATCH_MAX);
    static const uint32_t bounds[] = {1, 2, 5, 60, UINT32_MAX};
    struct skn_read read = {.shard = SHARD,
                            .from = key_of(below(p, TABLES), below(p, OF_TABLE), from),
                            .max_rows = bounds[below(p, 5)],
                            .max_bytes = bounds[1 + below(p, 4)]};
    if (below(p, 8) == 0) read.from = SKN_LIT("t");
    if (below(p, 4) > 0) read.end = key_of(below(p, TABLES), below(p, OF_TABLE), end);
    if (read.end.len > 0 && below(p, 3) == 0) read.end = SKN_LIT("u");
    if (read.end.len > 0 && read.from.len > 1 && below(p, 3) == 0) from[read.from.len++] = 0;
    bool end_a = false, end_b = false, may_wait = below(p, 2) == 0;
    enum skn_rc rc = skn_backend_read(p->rocks, &read, may_wait, &a, &end_a, NULL);
    if (rc == SKN_ELATER && !may_wait)
        rc = skn_backend_read(p->rocks, &read, true, &a, &end_a, NULL);
    assert_int_equal(rc, SKN_OK);
    assert_int_equal(skn_backend_read(p->rows, &read, true, &b, &end_b, NULL), SKN_OK);
    assert_int_equal(a.len, b.len);
    if (a.len > 0) assert_memory_equal(a.ptr, b.ptr, a.len);
    assert_int_equal(end_a, end_b);
    p->cut += !end_b;
    skn_buf_fini(&a);
    skn_buf_fini(&b);
}

/* Asked for whole, a packed table comes as it is. */
static void read_whole(struct pair *p)
{
    uint8_t from[17];
    struct skn_buf a;
    bool is_end;
    struct skn_slice packed;
    skn_buf_init(&a, BATCH_MAX);
    const struct skn_read read = {
        .shard = SHARD, .from = key_of(below(p, TABLES), below(p, OF_TABLE), from), .whole = true};
    assert_int_equal(skn_backend_read(p->rocks, &read, true, &a, &is_end, NULL), SKN_OK);
    struct skn_slice rest = skn_buf_slice(&a), rows;
    struct skn_row_op op;
    if (skn_batch_next(&rest, &op, NULL) == SKN_OK && skn_is_packed(op.value, &packed)) {
        assert_int_equal(rest.len, 0);
        assert_true(skn_slice_eq(op.key, skn_pack_first(read.from)));
        assert_int_equal(skn_packed_open(op.key, packed, &rows, NULL), SKN_OK);
        p->packed++;
    }
    skn_buf_fini(&a);
}

/* The state that the rows add up to. */
static void commit(struct pair *p)
{
    struct skn_buf rows;
    skn_buf_init(&rows, BATCH_MAX);
    assert_int_equal(read_shard(p->rows, SHARD, &rows, NULL), SKN_OK);
    p->at.position.index++;
    p->at.position.state = (struct skn_hash128){0};
    struct skn_slice rest = skn_buf_slice(&rows);
    struct skn_row_op op;
    while (skn_batch_next(&rest, &op, NULL) == SKN_OK)
        p->at.position.state = skn_hash128_add(
            p->at.position.state, skn_row_hash(op.key, skn_slice_from(op.value, SKN_STORED_HEAD)));
    skn_buf_fini(&rows);
    assert_int_equal(skn_backend_commit(p->rocks, &p->at, 1, NULL), SKN_OK);
}

static void packed_tables_answer_as_rows_do(void **state)
{
    (void)state;
    struct pair p = {.at.shard = SHARD, .rows = skn_backend_memory_create()};
    struct skn_rocks_summary summary;
    struct skn_diag diag = {0};
    folder_make(&p.folder);
    p.options = rocks_options(folder_at(&p.folder, "db"));
    p.options.memtable_bytes = 256 << 10;
    p.rocks = must_open(&p.options);
    p.rows->packed_max = 1;
    skn_rng_init(&p.rng, 5);
    skn_buf_init(&p.batch, BATCH_MAX);
    skn_buf_init(&p.image, BATCH_MAX);
    for (int i = 0; i < OPERATIONS; i++) {
        uint64_t what = below(&p, 100);
        if (what < 25)
            write_rows(&p);
        else if (what < 40)
            write_whole(&p);
        else if (what < 80)
            read_some(&p);
        else
            read_whole(&p);
        if (i % 200 == 0) commit(&p);
        if (i % 2000 == 0) {
            skn_backend_destroy(p.rocks);
            if (skn_rocks_verify(&p.options, &summary, &diag) != SKN_OK) fail_msg("%s", diag.text);
            p.rocks = must_open(&p.options);
        }
    }
    commit(&p);
    must_be_alike(p.rocks, p.rows);
    skn_backend_destroy(p.rocks);
    if (skn_rocks_verify(&p.options, &summary, &diag) != SKN_OK) fail_msg("%s", diag.text);
    assert_true(summary.is_exact);
    print_message("%d tables written whole, %d read so, %d answers cut\n",
                  (int)p.wholes,
                  (int)p.packed,
                  (int)p.cut);
    assert_true(p.wholes > OPERATIONS / 10 && p.packed > OPERATIONS / 20 &&
                p.cut > OPERATIONS / 50);
    skn_backend_destroy(p.rows);
    skn_buf_fini(&p.batch);
    skn_buf_fini(&p.image);
    folder_remove(&p.folder);
}

/* --- levels ------------------------------------------------------------------------------------------ */

/* What stands under a key of RocksDB, and another value in its place. */
static void raw(const char *dir, struct skn_slice key, struct skn_slice put, struct skn_buf *out)
{
    struct skn_rocks_lib lib;
    char *error = NULL;
    assert_int_equal(skn_rocks_lib_load(&lib, NULL), SKN_OK);
    rocksdb_options_t *options = lib.options_create();
    rocksdb_t *db = lib.open(options, dir, &error);
    if (error) fail_msg("%s", error);
    rocksdb_writeoptions_t *how = lib.writeoptions_create();
    rocksdb_readoptions_t *reading = lib.readoptions_create();
    rocksdb_writebatch_t *batch = lib.writebatch_create();
    if (put.len > 0)
        lib.writebatch_put(batch, (const char *)key.ptr, key.len, (const char *)put.ptr, put.len);
    lib.write(db, how, batch, &error);
    assert_null(error);
    rocksdb_flushoptions_t *flush = lib.flushoptions_create();
    lib.flush(db, flush, &error);
    assert_null(error);
    lib.flushoptions_destroy(flush);
    rocksdb_pinnableslice_t *found =
        lib.get_pinned(db, reading, (const char *)key.ptr, key.len, &error);
    assert_null(error);
    size_t len = 0;
    const char *value = found ? lib.pinnableslice_value(found, &len) : NULL;
    if (found) skn_buf_put(out, skn_slice(value, len));
    if (found) lib.pinnableslice_destroy(found);
    lib.writebatch_destroy(batch);
    lib.readoptions_destroy(reading);
    lib.writeoptions_destroy(how);
    lib.close(db);
    lib.options_destroy(options);
}

static void write_mark_of_level_1(const struct folder *f)
{
    uint8_t slot[SKN_MARK_SLOT_BYTES] = "skeinrks\1";
    memset(slot + 16, 0x5a, 16);
    slot[32] = 1;
    uint64_t sum = XXH3_64bits(slot, 40);
    for (size_t i = 0; i < 8; i++)
        slot[40 + i] = (uint8_t)(sum >> 8 * i);
    FILE *file = fopen(folder_at(f, "db/skein.mark"), "r+");
    assert_non_null(file);
    for (long at = 0; at <= SKN_MARK_SLOT_STEP; at += SKN_MARK_SLOT_STEP) {
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_int_equal(fwrite(slot, 1, sizeof slot, file), sizeof slot);
    }
    assert_int_equal(fclose(file), 0);
}

/* A version that knows level 1 alone would take a packed table for a row: it finds the level raised in the
 * very batch that brings the first one, and not before. */
static void a_store_of_level_1_is_opened_and_raised_with_its_first_packed_table(void **state)
{
    (void)state;
    static const uint8_t identity[] = {0xff, 0xff, 'i'};
    struct folder f;
    struct skn_buf out, batch;
    uint8_t old[4 + SKN_ROCKS_ID_BYTES] = {1};
    memset(old + 4, 0x5a, SKN_ROCKS_ID_BYTES);
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    skn_buf_init(&out, 1000);
    skn_buf_init(&batch, 1000);
    struct skn_backend *backend = must_open(&options);
    const struct skn_shard_position at = {.shard = SHARD, .position.index = 1};
    skn_batch_put_stored(&batch, SKN_LIT("t\0a"), 1, SKN_LIT("old"));
    assert_int_equal(skn_backend_write(backend, SHARD, skn_buf_slice(&batch), NULL), SKN_OK);
    assert_int_equal(skn_backend_commit(backend, &at, 1, NULL), SKN_OK);
    skn_backend_destroy(backend);
    raw(folder_at(&f, "db"), skn_slice(identity, 3), skn_slice(old, sizeof old), &out);
    write_mark_of_level_1(&f);

    backend = must_open(&options); /* an older store is read, and its level is left as it is */
    struct skn_read read = {.shard = SHARD, .from = SKN_LIT("t\0a")};
    bool is_end;
    skn_buf_reset(&out);
    assert_int_equal(skn_backend_read(backend, &read, true, &out, &is_end, NULL), SKN_OK);
    assert_true(out.len > 0);
    skn_backend_destroy(backend);
    skn_buf_reset(&out);
    raw(folder_at(&f, "db"), skn_slice(identity, 3), (struct skn_slice){0}, &out);
    assert_int_equal(out.ptr[0], 1);

    backend = must_open(&options);
    skn_buf_reset(&batch);
    skn_batch_put_stored(&batch, SKN_LIT("t\0"), SKN_PACKED_INDEX, SKN_LIT("\1\1\0\0"));
    assert_int_equal(skn_backend_write(backend, SHARD, skn_buf_slice(&batch), NULL), SKN_OK);
    struct skn_rocks *r = skn_rocks_of(backend);
    char *error = NULL;
    r->lib.flush(r->db, r->flush_wait, &error); /* as RocksDB may do by itself; no commit follows */
    assert_null(error);
    skn_backend_destroy(backend);
    skn_buf_reset(&out);
    raw(folder_at(&f, "db"), skn_slice(identity, 3), (struct skn_slice){0}, &out);
    assert_int_equal(out.ptr[0], SKN_ROCKS_LEVEL);
    skn_buf_fini(&batch);
    skn_buf_fini(&out);
    folder_remove(&f);
}

/* [E44] A table that is not what it says is named. */
static void a_damaged_table_is_named(void **state)
{
    (void)state;
    struct folder f;
    struct skn_buf out, image;
    struct skn_diag diag;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    skn_buf_init(&out, 1000);
    skn_buf_init(&image, 1000);
    struct skn_backend *backend = must_open(&options);
    const struct skn_shard_position at = {.shard = SHARD, .position.index = 1};
    skn_pack_begin(&image, false);
    skn_pack_add(&image, &(struct skn_packed_row){.rest = SKN_LIT("a"), .value = SKN_LIT("b")});
    skn_pack_end(&image, 1);
    skn_batch_put_stored(&out, SKN_LIT("lost\0"), SKN_PACKED_INDEX, skn_buf_slice(&image));
    assert_int_equal(skn_backend_write(backend, SHARD, skn_buf_slice(&out), NULL), SKN_OK);
    assert_int_equal(skn_backend_commit(backend, &at, 1, NULL), SKN_OK);
    skn_backend_destroy(backend);
    static const uint8_t bad[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 7, 0};
    raw(folder_at(&f, "db"), skn_slice("\0\7lost\0", 7), skn_slice(bad, sizeof bad), &out);
    backend = must_open(&options);
    struct skn_read read = {.shard = SHARD, .from = SKN_LIT("lost\0a")};
    bool is_end;
    assert_int_equal(skn_backend_read(backend, &read, true, &out, &is_end, &diag), SKN_ECORRUPT);
    assert_non_null(strstr(diag.text, "\"lost\""));
    skn_backend_destroy(backend);
    struct skn_rocks_summary summary;
    assert_int_equal(skn_rocks_verify(&options, &summary, &diag), SKN_ECORRUPT);
    assert_non_null(strstr(diag.text, "\"lost\""));
    skn_buf_fini(&image);
    skn_buf_fini(&out);
    folder_remove(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_tables_answer_as_rows_do),
        cmocka_unit_test(a_store_of_level_1_is_opened_and_raised_with_its_first_packed_table),
        cmocka_unit_test(a_damaged_table_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
