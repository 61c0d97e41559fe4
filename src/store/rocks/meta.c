/* meta.c - what is ours in RocksDB: identity, commits, positions. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"
#include "base/mem.h"
#include "store/rocks/rocks_internal.h"

#include <inttypes.h>
#include <string.h>

static const uint8_t key_commits[] = {0xff, 0xff, 'c'};
static const uint8_t key_dirty[] = {0xff, 0xff, 'd'};
static const uint8_t key_identity[] = {0xff, 0xff, 'i'};
static const uint8_t key_position[] = {0xff, 0xff, 'p'};

/* What was found under our keys. */
struct meta {
    bool has_identity;
    bool has_commits;
    uint32_t level;
    uint8_t store_id[SKN_ROCKS_ID_BYTES];
};

static struct skn_slice bytes_of(const char *ptr, size_t len)
{
    return skn_slice(ptr, len);
}

static bool take_position(struct skn_rocks *r, struct skn_cursor *key, struct skn_cursor *value)
{
    struct skn_shard_position p = {.shard = (uint32_t)skn_cursor_be(key, 2)};
    p.position.index = skn_cursor_le64(value);
    p.position.stamp = skn_cursor_le64(value);
    p.position.state.lo = skn_cursor_le64(value);
    p.position.state.hi = skn_cursor_le64(value);
    if (!skn_cursor_is_done(key) || !skn_cursor_is_done(value)) return false;
    if (p.shard >= SKN_ROCKS_SHARDS_MAX) return false;
    skn_rocks_set_positions(r, &p, 1);
    return true;
}

/* False: not of the form that rocks_internal.h draws. */
static bool
take_row(struct skn_rocks *r, struct meta *meta, struct skn_slice key, struct skn_slice value)
{
    struct skn_cursor k = skn_cursor(skn_slice_from(key, 2)), v = skn_cursor(value);
    switch (skn_cursor_u8(&k)) {
    case 'c':
        r->commits = skn_cursor_le64(&v);
        meta->has_commits = true;
        break;
    case 'd': r->is_dirty = true; break;
    case 'i':
        meta->level = skn_cursor_le32(&v);
        if (meta->level > SKN_ROCKS_LEVEL) return true; /* the rest is not ours to read */
        if (v.rest.len != SKN_ROCKS_ID_BYTES) return false;
        memcpy(meta->store_id, skn_cursor_bytes(&v, SKN_ROCKS_ID_BYTES).ptr, SKN_ROCKS_ID_BYTES);
        meta->has_identity = true;
        break;
    case 'p': return take_position(r, &k, &v);
    default: return false;
    }
    return skn_cursor_is_done(&k) && skn_cursor_is_done(&v);
}

static enum skn_rc read_meta(struct skn_rocks *r, struct meta *meta, struct skn_diag *diag)
{
    char *error = NULL;
    bool is_good = true;
    rocksdb_iterator_t *it = r->lib.create_iterator(r->db, r->read_disk);
    r->lib.iter_seek(it, (const char *)key_commits, 2);
    for (; is_good && r->lib.iter_valid(it); r->lib.iter_next(it)) {
        size_t key_len, value_len;
        const char *key = r->lib.iter_key(it, &key_len);
        const char *value = r->lib.iter_value(it, &value_len);
        is_good = take_row(r, meta, bytes_of(key, key_len), bytes_of(value, value_len));
        if (meta->level > SKN_ROCKS_LEVEL) break;
    }
    r->lib.iter_get_error(it, &error);
    r->lib.iter_destroy(it);
    if (error) return skn_rocks_failed(r, "read the positions", error, diag);
    if (!is_good) return SKN_CORRUPT(diag, "\"%s\" has a malformed row of skein's own", r->dir);
    return SKN_OK;
}

enum skn_rc skn_rocks_load_meta(struct skn_rocks *r, struct skn_diag *diag)
{
    struct meta meta = {0};
    enum skn_rc rc = read_meta(r, &meta, diag);
    if (rc != SKN_OK) return rc;
    if (meta.level > SKN_ROCKS_LEVEL)
        return SKN_FAIL(diag,
                        SKN_ENEWER,
                        "\"%s\" is of format level %" PRIu32 ", this version knows up to %d",
                        r->dir,
                        meta.level,
                        SKN_ROCKS_LEVEL);
    if (meta.has_identity != meta.has_commits)
        return SKN_CORRUPT(diag, "\"%s\" has lost a row of skein's own", r->dir);
    if (meta.has_identity && memcmp(meta.store_id, r->mark.store_id, SKN_ROCKS_ID_BYTES) != 0)
        return SKN_FAIL(
            diag, SKN_EFOREIGN, "the rows in \"%s\" are of another store than its mark", r->dir);
    if (r->commits < r->mark.commits)
        return SKN_CORRUPT(diag,
                           "\"%s\" was at commit %" PRIu64 " and its files are those of commit "
                           "%" PRIu64 ": some were lost, cut or replaced by older ones",
                           r->dir,
                           r->mark.commits,
                           r->commits);
    return SKN_OK;
}

static void put(struct skn_rocks *r,
                rocksdb_writebatch_t *batch,
                struct skn_slice key,
                const struct skn_buf *value)
{
    SKN_ASSERT(!value->full);
    r->lib.writebatch_put(
        batch, (const char *)key.ptr, key.len, (const char *)value->ptr, value->len);
}

static void put_position(struct skn_rocks *r,
                         rocksdb_writebatch_t *batch,
                         const struct skn_shard_position *p,
                         struct skn_buf *scratch)
{
    uint8_t key[sizeof key_position + 2];
    memcpy(key, key_position, sizeof key_position);
    key[sizeof key_position] = (uint8_t)(p->shard >> 8);
    key[sizeof key_position + 1] = (uint8_t)p->shard;
    skn_buf_reset(scratch);
    skn_buf_put_le64(scratch, p->position.index);
    skn_buf_put_le64(scratch, p->position.stamp);
    skn_buf_put_le64(scratch, p->position.state.lo);
    skn_buf_put_le64(scratch, p->position.state.hi);
    put(r, batch, skn_slice(key, sizeof key), scratch);
}

void skn_rocks_put_identity(struct skn_rocks *r, rocksdb_writebatch_t *batch)
{
    struct skn_buf value;
    skn_buf_init(&value, 4 + SKN_ROCKS_ID_BYTES);
    skn_buf_put_le32(&value, SKN_ROCKS_LEVEL);
    skn_buf_put(&value, skn_slice(r->mark.store_id, SKN_ROCKS_ID_BYTES));
    put(r, batch, skn_slice(key_identity, sizeof key_identity), &value);
    skn_buf_fini(&value);
}

void skn_rocks_put_meta(struct skn_rocks *r,
                        rocksdb_writebatch_t *batch,
                        uint64_t commits,
                        const struct skn_shard_position *positions,
                        size_t count)
{
    struct skn_buf scratch;
    skn_buf_init(&scratch, SKN_ROCKS_POSITION_BYTES);
    skn_rocks_put_identity(r, batch);
    for (size_t i = 0; i < count; i++)
        put_position(r, batch, &positions[i], &scratch);
    skn_buf_reset(&scratch);
    skn_buf_put_le64(&scratch, commits);
    put(r, batch, skn_slice(key_commits, sizeof key_commits), &scratch);
    r->lib.writebatch_delete(batch, (const char *)key_dirty, sizeof key_dirty);
    skn_buf_fini(&scratch);
}

void skn_rocks_put_dirty(struct skn_rocks *r, rocksdb_writebatch_t *batch)
{
    r->lib.writebatch_put(batch, (const char *)key_dirty, sizeof key_dirty, "", 0);
}

static struct skn_position *place_of(struct skn_rocks *r, uint32_t shard)
{
    size_t i = 0;
    while (i < r->position_count && r->positions[i].shard < shard)
        i++;
    if (i < r->position_count && r->positions[i].shard == shard) return &r->positions[i].position;
    size_t behind = r->position_count - i;
    r->positions = skn_realloc(r->positions, (r->position_count + 1) * sizeof *r->positions);
    memmove(&r->positions[i + 1], &r->positions[i], behind * sizeof *r->positions);
    r->positions[i] = (struct skn_shard_position){.shard = shard};
    r->position_count++;
    return &r->positions[i].position;
}

void skn_rocks_set_positions(struct skn_rocks *r,
                             const struct skn_shard_position *positions,
                             size_t count)
{
    for (size_t i = 0; i < count; i++)
        *place_of(r, positions[i].shard) = positions[i].position;
}
