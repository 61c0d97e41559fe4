/* rows.h - random rows for tests of the RocksDB backend, with the memory backend as the oracle. */
#pragma once

#include "base/rng.h"
#include "env/env_real.h"
#include "lib/folder.h"
#include "store/rocks/rocks.h"

enum { SHARDS = 3, KEYS = 60, BATCH_MAX = 64 << 20 };

/* What was written so far: the rows, and the state of each shard after them. */
struct oracle {
    struct skn_backend *rows;
    struct skn_shard_position at[SHARDS];
};

static const uint32_t shard_numbers[SHARDS] = {0, 7, 65534};

static inline struct skn_rocks_options rocks_options(const char *dir)
{
    struct skn_rocks_options options = {.env = skn_env_real(), .dir = dir, .may_create = true};
    memset(options.store_id, 0x5a, sizeof options.store_id);
    return options;
}

static inline struct skn_backend *must_open(const struct skn_rocks_options *options)
{
    struct skn_backend *backend = NULL;
    struct skn_diag diag = {0};
    if (skn_rocks_open(options, &backend, &diag) != SKN_OK) fail_msg("%s", diag.text);
    return backend;
}

static inline void oracle_init(struct oracle *o)
{
    *o = (struct oracle){.rows = skn_backend_memory_create()};
    for (size_t i = 0; i < SHARDS; i++)
        o->at[i].shard = shard_numbers[i];
}

static inline void oracle_fini(struct oracle *o)
{
    skn_backend_destroy(o->rows);
}

/* Keys that are prefixes of each other, hold zero and 0xff bytes, and are long now and then. */
static inline struct skn_slice random_key(struct skn_rng *rng, uint8_t out[SKN_KEY_MAX])
{
    uint64_t n = skn_rng_below(rng, KEYS);
    size_t len = 1 + n % 5;
    memset(out, n % 7 == 0 ? 0xff : n % 3 == 0 ? 0 : 'a', len);
    out[len - 1] = (uint8_t)(n * 37);
    if (n % 29 == 0) memset(out, 'k', len = SKN_KEY_MAX - n % 2);
    return skn_slice(out, len);
}

static inline struct skn_slice random_value(struct skn_rng *rng, struct skn_buf *scratch)
{
    size_t len = skn_rng_below(rng, 50);
    if (skn_rng_below(rng, 20) == 0) len = skn_rng_below(rng, 20000);
    if (skn_rng_below(rng, 400) == 0) len = SKN_ROW_MAX - skn_rng_below(rng, 2);
    skn_buf_reset(scratch);
    uint8_t *at = skn_buf_reserve(scratch, len);
    assert_non_null(at);
    skn_rng_bytes(rng, at, len);
    skn_buf_commit(scratch, len);
    return skn_buf_slice(scratch);
}

/* The hash that a shard's state has for this key now; zeros without a row. */
static inline struct skn_hash128
hash_of(struct skn_backend *backend, uint32_t shard, struct skn_slice key)
{
    struct skn_read read = {.shard = shard, .from = key};
    struct skn_buf out;
    struct skn_row_op op;
    uint64_t index;
    struct skn_slice value;
    bool is_end;
    skn_buf_init(&out, BATCH_MAX);
    assert_int_equal(skn_backend_read(backend, &read, true, &out, &is_end, NULL), SKN_OK);
    struct skn_slice rest = skn_buf_slice(&out);
    struct skn_hash128 hash = {0};
    if (skn_batch_next(&rest, &op, NULL) == SKN_OK) {
        assert_int_equal(skn_stored_split(op.value, &index, &value, NULL), SKN_OK);
        hash = skn_row_hash(key, value);
    }
    skn_buf_fini(&out);
    return hash;
}

/* A batch of some operations for one shard, taken over by the oracle. The shard's number in
 * `shard_numbers` is returned. */
static inline size_t random_batch(struct oracle *o, struct skn_rng *rng, struct skn_buf *batch)
{
    uint8_t key_bytes[SKN_KEY_MAX];
    struct skn_buf scratch, one;
    size_t s = skn_rng_below(rng, SHARDS);
    struct skn_position *at = &o->at[s].position;
    skn_buf_init(&scratch, SKN_ROW_MAX);
    skn_buf_init(&one, BATCH_MAX);
    skn_buf_reset(batch);
    at->index++;
    at->stamp += 3;
    for (uint64_t ops = 1 + skn_rng_below(rng, 8); ops > 0; ops--) {
        struct skn_slice key = random_key(rng, key_bytes);
        skn_buf_reset(&one);
        at->state = skn_hash128_sub(at->state, hash_of(o->rows, shard_numbers[s], key));
        if (skn_rng_below(rng, 4) == 0) {
            skn_batch_delete(&one, key);
        } else {
            struct skn_slice value = random_value(rng, &scratch);
            skn_batch_put_stored(&one, key, at->index, value);
            at->state = skn_hash128_add(at->state, skn_row_hash(key, value));
        }
        assert_int_equal(skn_backend_write(o->rows, shard_numbers[s], skn_buf_slice(&one), NULL),
                         SKN_OK);
        skn_buf_put(batch, skn_buf_slice(&one));
    }
    skn_buf_fini(&one);
    skn_buf_fini(&scratch);
    return s;
}

/* All rows of a shard as a batch. */
static inline enum skn_rc
read_shard(struct skn_backend *backend, uint32_t shard, struct skn_buf *out, struct skn_diag *diag)
{
    static const uint8_t last[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t first[] = {0};
    struct skn_read read = {.shard = shard,
                            .from = skn_slice(first, 1),
                            .end = skn_slice(last, sizeof last),
                            .max_rows = UINT32_MAX,
                            .max_bytes = UINT32_MAX};
    bool is_end = false;
    enum skn_rc rc = skn_backend_read(backend, &read, true, out, &is_end, diag);
    if (rc == SKN_OK) assert_true(is_end);
    return rc;
}

/* The same rows in every shard. */
static inline void must_be_alike(struct skn_backend *a, struct skn_backend *b)
{
    struct skn_buf rows_a, rows_b;
    struct skn_diag diag = {0};
    skn_buf_init(&rows_a, BATCH_MAX);
    skn_buf_init(&rows_b, BATCH_MAX);
    for (size_t s = 0; s < SHARDS; s++) {
        skn_buf_reset(&rows_a);
        skn_buf_reset(&rows_b);
        if (read_shard(a, shard_numbers[s], &rows_a, &diag) != SKN_OK) fail_msg("%s", diag.text);
        if (read_shard(b, shard_numbers[s], &rows_b, &diag) != SKN_OK) fail_msg("%s", diag.text);
        assert_int_equal(rows_a.len, rows_b.len);
        if (rows_a.len > 0) assert_memory_equal(rows_a.ptr, rows_b.ptr, rows_a.len);
    }
    skn_buf_fini(&rows_a);
    skn_buf_fini(&rows_b);
}

static inline void must_be_at(struct skn_backend *backend, const struct skn_shard_position *at)
{
    struct skn_position position;
    assert_int_equal(skn_backend_position(backend, at->shard, &position, NULL), SKN_OK);
    assert_int_equal(position.index, at->position.index);
    assert_int_equal(position.stamp, at->position.stamp);
    assert_true(skn_hash128_eq(position.state, at->position.state));
}
