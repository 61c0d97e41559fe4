/* verify.c - everything read once, and compared with the positions. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rocks/rocks_internal.h"

#include <inttypes.h>
#include <string.h>

enum { READAHEAD_BYTES = 2 << 20 };

/* A walk over all rows in key order: shard after shard. */
struct walk {
    struct skn_rocks *r;
    struct skn_rocks_summary *out;
    uint32_t shard;
    bool has_shard;
    uint64_t rows; /* of this shard */
    struct skn_hash128 state;
    size_t next; /* position not compared yet */
};

static enum skn_rc compare(struct walk *walk,
                           uint32_t shard,
                           struct skn_hash128 state,
                           uint64_t rows,
                           struct skn_diag *diag)
{
    struct skn_rocks *r = walk->r;
    if (!walk->out->is_exact) return SKN_OK;
    struct skn_position p = {0};
    enum skn_rc rc = skn_rocks_position(&r->base, shard, &p, NULL);
    if (rc != SKN_OK)
        return SKN_CORRUPT(diag,
                           "\"%s\" has %" PRIu64 " rows of shard %u and no position of it",
                           r->dir,
                           rows,
                           shard);
    if (skn_hash128_eq(p.state, state)) return SKN_OK;
    return SKN_CORRUPT(diag,
                       "\"%s\": the %" PRIu64 " rows of shard %u are not those of its position, "
                       "record %" PRIu64 ": state %016" PRIx64 "%016" PRIx64 ", found %016" PRIx64
                       "%016" PRIx64,
                       r->dir,
                       rows,
                       shard,
                       p.index,
                       p.state.hi,
                       p.state.lo,
                       state.hi,
                       state.lo);
}

/* Compares the shard that ended, and those before `shard` that have a position and no row. */
static enum skn_rc end_shards(struct walk *walk, uint32_t shard, struct skn_diag *diag)
{
    const struct skn_rocks *r = walk->r;
    enum skn_rc rc = SKN_OK;
    if (walk->has_shard) rc = compare(walk, walk->shard, walk->state, walk->rows, diag);
    for (; rc == SKN_OK && walk->next < r->position_count; walk->next++) {
        uint32_t of = r->positions[walk->next].shard;
        if (of >= shard) break;
        bool had_rows = walk->has_shard && of == walk->shard;
        if (!had_rows) rc = compare(walk, of, (struct skn_hash128){0}, 0, diag);
    }
    return rc;
}

static void add_row(struct walk *walk, struct skn_slice key, struct skn_slice value)
{
    walk->state = skn_hash128_add(walk->state, skn_row_hash(key, value));
    walk->rows++;
    walk->out->rows++;
    walk->out->bytes += key.len + SKN_STORED_HEAD + value.len;
}

/* A row beside its packed table would count twice, so the state says it. */
static enum skn_rc take_table(struct walk *walk,
                              struct skn_slice first,
                              struct skn_slice packed,
                              struct skn_diag *diag)
{
    struct skn_slice rows;
    enum skn_rc rc = skn_packed_open(first, packed, &rows, diag);
    if (rc != SKN_OK) return rc;
    uint8_t key[SKN_KEY_MAX];
    struct skn_packed_row row;
    while (skn_packed_next(&rows, &row))
        add_row(walk, skn_packed_key(key, first, &row), row.value);
    return SKN_OK;
}

static enum skn_rc
take_row(struct walk *walk, struct skn_slice key, struct skn_slice stored, struct skn_diag *diag)
{
    uint32_t shard = key.len < 2 ? SKN_ROCKS_META : (uint32_t)(key.ptr[0] << 8 | key.ptr[1]);
    if (shard == SKN_ROCKS_META) return SKN_OK; /* load_meta looked at these */
    if (key.len == 2) return SKN_CORRUPT(diag, "\"%s\" has a row without a key", walk->r->dir);
    enum skn_rc rc = SKN_OK;
    if (!walk->has_shard || walk->shard != shard) {
        rc = end_shards(walk, shard, diag);
        walk->has_shard = true;
        walk->shard = shard;
        walk->rows = 0;
        walk->state = (struct skn_hash128){0};
    }
    struct skn_slice packed, value;
    uint64_t index;
    if (rc != SKN_OK) return rc;
    key = skn_slice_from(key, 2);
    if (skn_is_packed(stored, &packed)) return take_table(walk, key, packed, diag);
    rc = skn_stored_split(stored, &index, &value, diag);
    if (rc == SKN_OK) add_row(walk, key, value);
    return rc;
}

static enum skn_rc read_all(struct walk *walk, struct skn_diag *diag)
{
    struct skn_rocks *r = walk->r;
    char *error = NULL;
    enum skn_rc rc = SKN_OK;
    rocksdb_readoptions_t *how = r->lib.readoptions_create();
    r->lib.readoptions_set_verify_checksums(how, 1);
    r->lib.readoptions_set_fill_cache(how, 0);
    r->lib.readoptions_set_total_order_seek(how, 1);
    r->lib.readoptions_set_readahead_size(how, READAHEAD_BYTES);
    rocksdb_iterator_t *it = r->lib.create_iterator(r->db, how);
    r->lib.iter_seek(it, "", 0);
    for (; rc == SKN_OK && r->lib.iter_valid(it); r->lib.iter_next(it)) {
        size_t key_len, value_len;
        const char *key = r->lib.iter_key(it, &key_len);
        const char *value = r->lib.iter_value(it, &value_len);
        rc = take_row(walk, skn_slice(key, key_len), skn_slice(value, value_len), diag);
    }
    r->lib.iter_get_error(it, &error);
    r->lib.iter_destroy(it);
    r->lib.readoptions_destroy(how);
    if (error) return skn_rocks_failed(r, "read all rows", error, diag);
    return rc == SKN_OK ? end_shards(walk, SKN_ROCKS_META, diag) : rc;
}

enum skn_rc skn_rocks_verify(const struct skn_rocks_options *options,
                             struct skn_rocks_summary *out,
                             struct skn_diag *diag)
{
    struct skn_rocks_options reading = *options;
    reading.is_read_only = true;
    reading.may_create = false;
    struct skn_backend *base = NULL;
    enum skn_rc rc = skn_rocks_open(&reading, &base, diag);
    if (rc != SKN_OK) return rc;
    struct skn_rocks *r = skn_rocks_of(base);
    struct skn_rocks_summary summary = {
        .commits = r->commits, .shards = r->position_count, .is_exact = !r->is_dirty};
    struct walk walk = {.r = r, .out = &summary};
    if (r->db) rc = read_all(&walk, diag);
    if (rc == SKN_OK) *out = summary;
    skn_backend_destroy(base);
    return rc;
}
