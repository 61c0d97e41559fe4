/* read.c - one row, or rows in key order. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backend/pack.h"
#include "store/rocks/rocks_internal.h"

#include <string.h>

/* A row's key in RocksDB, or a bound: just behind a key is that key and a zero byte. */
struct key {
    size_t len;
    uint8_t bytes[SKN_ROCKS_KEY_MAX + 1];
};

static void key_set(struct key *key, uint32_t shard, struct skn_slice rest)
{
    SKN_ASSERT(shard < SKN_ROCKS_SHARDS_MAX && rest.len <= SKN_KEY_MAX + 1);
    key->bytes[0] = (uint8_t)(shard >> 8);
    key->bytes[1] = (uint8_t)shard;
    if (rest.len > 0) memcpy(key->bytes + 2, rest.ptr, rest.len);
    key->len = 2 + rest.len;
}

/* A stored value that is too short to be one came from elsewhere than write: damage. */
static enum skn_rc
append(struct skn_buf *out, struct skn_slice key, struct skn_slice stored, struct skn_diag *diag)
{
    uint64_t index;
    struct skn_slice value;
    enum skn_rc rc = skn_stored_split(stored, &index, &value, diag);
    if (rc == SKN_OK) skn_batch_put_stored(out, key, index, value);
    return rc;
}

/* What an entry holds: a row, or what is asked for of a table. */
static enum skn_rc append_entry(const struct skn_read *read,
                                struct skn_slice key,
                                struct skn_slice stored,
                                struct skn_read_sum *sum,
                                struct skn_buf *out,
                                struct skn_diag *diag)
{
    struct skn_slice packed;
    if (skn_is_packed(stored, &packed)) return skn_packed_give(key, packed, read, sum, out, diag);
    if (!skn_read_has_room(sum, read, key.len + stored.len)) return SKN_OK;
    return append(out, key, stored, diag);
}

/* Gives what is stored under a key, for `lib.pinnableslice_destroy`. SKN_ENOENT.
 *
 * Told not to wait, RocksDB calls a row found and gives it no bytes where it would have to open the file
 * to know; no row of ours has none. Iterators say "Incomplete" instead. */
static enum skn_rc get(struct skn_rocks *r,
                       const struct key *key,
                       bool may_wait,
                       rocksdb_pinnableslice_t **out_found,
                       struct skn_slice *out_stored,
                       struct skn_diag *diag)
{
    const rocksdb_readoptions_t *how = may_wait ? r->read_disk : r->read_memory;
    char *error = NULL;
    rocksdb_pinnableslice_t *found =
        r->lib.get_pinned(r->db, how, (const char *)key->bytes, key->len, &error);
    if (error) return skn_rocks_failed(r, "read a row", error, diag);
    if (!found) return SKN_ENOENT;
    size_t len = 0;
    const char *value = r->lib.pinnableslice_value(found, &len);
    if (len == 0 && !may_wait) {
        r->lib.pinnableslice_destroy(found);
        return SKN_FAIL(diag, SKN_ELATER, "the file of a row is not open");
    }
    *out_found = found;
    *out_stored = skn_slice(value, len);
    return SKN_OK;
}

/* SKN_OK: the table of `read->from` is packed, and what is asked for of it was given. SKN_ENOENT: it is
 * not. */
static enum skn_rc read_packed(struct skn_rocks *r,
                               const struct skn_read *read,
                               bool may_wait,
                               struct skn_read_sum *sum,
                               struct skn_buf *out,
                               struct skn_diag *diag)
{
    struct skn_slice first = skn_pack_first(read->from), stored = {0}, packed;
    if (first.len == 0) return SKN_ENOENT;
    rocksdb_pinnableslice_t *found = NULL;
    struct key key;
    key_set(&key, read->shard, first);
    enum skn_rc rc = get(r, &key, may_wait, &found, &stored, diag);
    if (rc != SKN_OK) return rc;
    rc = skn_is_packed(stored, &packed) ? skn_packed_give(first, packed, read, sum, out, diag)
                                        : SKN_ENOENT;
    r->lib.pinnableslice_destroy(found);
    return rc;
}

static enum skn_rc read_one(struct skn_rocks *r,
                            const struct skn_read *read,
                            bool may_wait,
                            struct skn_buf *out,
                            struct skn_diag *diag)
{
    struct skn_read_sum sum = {0};
    enum skn_rc rc = read_packed(r, read, may_wait, &sum, out, diag);
    if (rc != SKN_ENOENT) return rc;
    rocksdb_pinnableslice_t *found = NULL;
    struct skn_slice stored = {0};
    struct key key;
    key_set(&key, read->shard, read->from);
    rc = get(r, &key, may_wait, &found, &stored, diag);
    if (rc != SKN_OK) return rc == SKN_ENOENT ? SKN_OK : rc;
    rc = append(out, read->from, stored, diag);
    r->lib.pinnableslice_destroy(found);
    return rc;
}

/* What is stored under a key, for a writer; appended. */
enum skn_rc skn_rocks_find(struct skn_rocks *r,
                           uint32_t shard,
                           struct skn_slice of,
                           struct skn_buf *out,
                           struct skn_diag *diag)
{
    rocksdb_pinnableslice_t *found = NULL;
    struct skn_slice stored = {0};
    struct key key;
    key_set(&key, shard, of);
    enum skn_rc rc = get(r, &key, true, &found, &stored, diag);
    if (rc != SKN_OK) return rc;
    skn_buf_put(out, stored);
    r->lib.pinnableslice_destroy(found);
    return SKN_OK;
}

/* Appends rows until a bound is reached, which `sum` says. */
static enum skn_rc append_rows(struct skn_rocks *r,
                               const struct skn_read *read,
                               rocksdb_iterator_t *it,
                               struct skn_read_sum *sum,
                               struct skn_buf *out,
                               struct skn_diag *diag)
{
    enum skn_rc rc = SKN_OK;
    for (; rc == SKN_OK && r->lib.iter_valid(it); r->lib.iter_next(it)) {
        size_t key_len, value_len;
        const char *key = r->lib.iter_key(it, &key_len);
        const char *value = r->lib.iter_value(it, &value_len);
        SKN_ASSERT(key_len > 2); /* `from` is not empty */
        rc = append_entry(
            read, skn_slice(key + 2, key_len - 2), skn_slice(value, value_len), sum, out, diag);
        if (sum->is_full) break;
    }
    return rc;
}

/* Whether all of a range is in the table of its first key. */
static bool is_one_table(const struct key *from, const struct key *end)
{
    size_t len = skn_rocks_prefix_len(from->bytes, from->len);
    if (len == 0 || end->len < len || memcmp(from->bytes, end->bytes, len - 1) != 0) return false;
    uint8_t last = end->bytes[len - 1];
    return last == 0 || (last == 1 && end->len == len); /* the first key behind it */
}

/* Of its own for each range, since the upper bound is among them. */
static rocksdb_readoptions_t *range_options(struct skn_rocks *r, bool may_wait, bool is_table)
{
    rocksdb_readoptions_t *how = r->lib.readoptions_create();
    r->lib.readoptions_set_verify_checksums(how, 1);
    if (!may_wait) r->lib.readoptions_set_read_tier(how, SKN_ROCKS_MEMORY_TIER);
    /* Inside one table the filters may say that a file has nothing of it. */
    if (is_table)
        r->lib.readoptions_set_prefix_same_as_start(how, 1);
    else
        r->lib.readoptions_set_total_order_seek(how, 1);
    return how;
}

static enum skn_rc read_range(struct skn_rocks *r,
                              const struct skn_read *read,
                              bool may_wait,
                              struct skn_buf *out,
                              bool *out_is_end,
                              struct skn_diag *diag)
{
    struct key from, end;
    char *error = NULL;
    key_set(&from, read->shard, read->from);
    key_set(&end, read->shard, read->end);
    bool is_table = is_one_table(&from, &end);
    struct skn_read_sum sum = {0};
    enum skn_rc rc = read_packed(r, read, may_wait, &sum, out, diag);
    if (rc != SKN_OK && rc != SKN_ENOENT) return rc;
    if (rc == SKN_OK && (is_table || sum.is_full)) {
        *out_is_end = !sum.is_full;
        return SKN_OK;
    }
    if (rc == SKN_OK) { /* the first key behind the table, which has no other entry */
        from.len = skn_rocks_prefix_len(from.bytes, from.len);
        from.bytes[from.len - 1] = 1;
    }
    rocksdb_readoptions_t *how = range_options(r, may_wait, is_table);
    r->lib.readoptions_set_iterate_upper_bound(how, (const char *)end.bytes, end.len);
    rocksdb_iterator_t *it = r->lib.create_iterator(r->db, how);
    r->lib.iter_seek(it, (const char *)from.bytes, from.len);
    rc = append_rows(r, read, it, &sum, out, diag);
    bool is_end = !sum.is_full;
    r->lib.iter_get_error(it, &error);
    r->lib.iter_destroy(it);
    r->lib.readoptions_destroy(how);
    if (error) return skn_rocks_failed(r, "read rows", error, diag);
    *out_is_end = is_end;
    return rc;
}

/* All entries of a table as deletions, for the writer. */
enum skn_rc skn_rocks_clear(struct skn_rocks *r,
                            uint32_t shard,
                            struct skn_slice first,
                            struct skn_buf *out,
                            struct skn_diag *diag)
{
    struct key from, end;
    char *error = NULL;
    key_set(&from, shard, first);
    end = from;
    end.bytes[end.len - 1] = 1;
    rocksdb_readoptions_t *how = range_options(r, true, true);
    r->lib.readoptions_set_iterate_upper_bound(how, (const char *)end.bytes, end.len);
    rocksdb_iterator_t *it = r->lib.create_iterator(r->db, how);
    r->lib.iter_seek(it, (const char *)from.bytes, from.len);
    for (; r->lib.iter_valid(it); r->lib.iter_next(it)) {
        size_t len;
        const char *key = r->lib.iter_key(it, &len);
        skn_batch_delete(out, skn_slice(key + 2, len - 2));
    }
    r->lib.iter_get_error(it, &error);
    r->lib.iter_destroy(it);
    r->lib.readoptions_destroy(how);
    return error ? skn_rocks_failed(r, "read a table", error, diag) : SKN_OK;
}

static enum skn_rc read_rows(struct skn_rocks *r,
                             const struct skn_read *read,
                             bool may_wait,
                             struct skn_buf *out,
                             bool *out_is_end,
                             struct skn_diag *diag)
{
    if (r->db && read->end.len > 0) return read_range(r, read, may_wait, out, out_is_end, diag);
    *out_is_end = true;
    if (!r->db) return SKN_OK;
    return read_one(r, read, may_wait, out, diag);
}

enum skn_rc skn_rocks_read(struct skn_backend *base,
                           const struct skn_read *read,
                           bool may_wait,
                           struct skn_buf *out,
                           bool *out_is_end,
                           struct skn_diag *diag)
{
    SKN_ASSERT(read->from.len > 0);
    if (read->end.len > 0) SKN_ASSERT(read->max_rows > 0);
    struct skn_rocks *r = skn_rocks_of(base);
    size_t len_before = out->len;
    bool is_end = true;
    if (may_wait)
        (void)pthread_rwlock_rdlock(&r->gate);
    else if (pthread_rwlock_tryrdlock(&r->gate) != 0)
        return SKN_FAIL(diag, SKN_ELATER, "the store is being opened for writing");
    enum skn_rc rc = read_rows(r, read, may_wait, out, &is_end, diag);
    (void)pthread_rwlock_unlock(&r->gate);
    if (rc == SKN_OK) rc = skn_buf_rc(out);
    if (rc == SKN_OK)
        *out_is_end = is_end;
    else
        out->len = len_before;
    return rc;
}
