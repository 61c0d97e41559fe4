/* batch.c - row operations as bytes, and the hash of a row. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"
#include "store/backend/backend.h"

#include <xxhash.h>

enum { OP_PUT = 1, OP_DELETE = 2, OP_LAST = OP_DELETE + SKN_WHYS - 1 };

const char *skn_why_name(enum skn_why why)
{
    static const char *const names[SKN_WHYS] = {"delete", "prune", "fold"};
    return why < SKN_WHYS ? names[why] : "";
}

static void put_head(struct skn_buf *batch, uint8_t op, struct skn_slice key)
{
    SKN_ASSERT(key.len > 0 && key.len <= SKN_KEY_MAX);
    skn_buf_put_u8(batch, op);
    skn_buf_put_u8(batch, (uint8_t)(key.len & 0xff));
    skn_buf_put_u8(batch, (uint8_t)(key.len >> 8));
}

void skn_batch_put(struct skn_buf *batch, struct skn_slice key, struct skn_slice value)
{
    SKN_ASSERT(value.len <= SKN_VALUE_MAX);
    put_head(batch, OP_PUT, key);
    skn_buf_put_le32(batch, (uint32_t)value.len);
    skn_buf_put(batch, key);
    skn_buf_put(batch, value);
}

void skn_batch_delete(struct skn_buf *batch, struct skn_slice key)
{
    skn_batch_delete_why(batch, key, SKN_WHY_DELETE);
}

void skn_batch_delete_why(struct skn_buf *batch, struct skn_slice key, enum skn_why why)
{
    SKN_ASSERT(why < SKN_WHYS);
    put_head(batch, (uint8_t)(OP_DELETE + why), key);
    skn_buf_put(batch, key);
}

void skn_batch_put_stored(struct skn_buf *batch,
                          struct skn_slice key,
                          uint64_t index,
                          struct skn_slice value)
{
    SKN_ASSERT(value.len <= SKN_VALUE_MAX);
    put_head(batch, OP_PUT, key);
    skn_buf_put_le32(batch, (uint32_t)value.len + SKN_STORED_HEAD);
    skn_buf_put(batch, key);
    skn_buf_put_le64(batch, index);
    skn_buf_put(batch, value);
}

enum skn_rc skn_batch_next(struct skn_slice *rest, struct skn_row_op *out_op, struct skn_diag *diag)
{
    if (rest->len == 0) return SKN_ENOENT;
    struct skn_cursor cursor = skn_cursor(*rest);
    uint8_t op = skn_cursor_u8(&cursor);
    size_t key_len = (size_t)skn_cursor_le(&cursor, 2);
    size_t value_len = op == OP_PUT ? skn_cursor_le32(&cursor) : 0;
    struct skn_slice key = skn_cursor_bytes(&cursor, key_len);
    struct skn_slice value = skn_cursor_bytes(&cursor, value_len);
    if (cursor.bad) return SKN_CORRUPT(diag, "a batch ends in the middle of an operation");
    if (op < OP_PUT || op > OP_LAST)
        return SKN_CORRUPT(diag, "a batch has an operation of unknown kind %u", op);
    if (key_len == 0 || key_len > SKN_KEY_MAX)
        return SKN_CORRUPT(diag, "a batch has a key of %zu bytes", key_len);
    if (value_len > SKN_VALUE_MAX + SKN_STORED_HEAD)
        return SKN_CORRUPT(diag, "a batch has a row of %zu bytes", value_len);
    bool is_delete = op != OP_PUT;
    *out_op =
        (struct skn_row_op){.is_delete = is_delete,
                            .why = is_delete ? (enum skn_why)(op - OP_DELETE) : SKN_WHY_DELETE,
                            .key = key,
                            .value = value};
    *rest = cursor.rest;
    return SKN_OK;
}

enum skn_rc skn_stored_split(struct skn_slice stored,
                             uint64_t *out_index,
                             struct skn_slice *out_value,
                             struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(stored);
    uint64_t index = skn_cursor_le64(&cursor);
    if (cursor.bad || cursor.rest.len > SKN_VALUE_MAX)
        return SKN_CORRUPT(diag, "a stored row has %zu bytes", stored.len);
    *out_index = index;
    *out_value = cursor.rest;
    return SKN_OK;
}

uint64_t skn_row_seed(struct skn_slice key)
{
    return XXH3_64bits_withSeed(key.ptr, key.len, key.len);
}

struct skn_hash128 skn_row_hash_seeded(uint64_t seed, struct skn_slice value)
{
    XXH128_hash_t h = XXH3_128bits_withSeed(value.ptr, value.len, seed);
    return (struct skn_hash128){.lo = h.low64, .hi = h.high64};
}

struct skn_hash128 skn_row_hash(struct skn_slice key, struct skn_slice value)
{
    /* The key's own hash seeds the value's, so that no bytes can move between the two. */
    return skn_row_hash_seeded(skn_row_seed(key), value);
}

struct skn_hash128 skn_hash128_add(struct skn_hash128 a, struct skn_hash128 b)
{
    uint64_t lo = a.lo + b.lo;
    return (struct skn_hash128){.lo = lo, .hi = a.hi + b.hi + (lo < a.lo)};
}

struct skn_hash128 skn_hash128_sub(struct skn_hash128 a, struct skn_hash128 b)
{
    return (struct skn_hash128){.lo = a.lo - b.lo, .hi = a.hi - b.hi - (a.lo < b.lo)};
}

bool skn_hash128_eq(struct skn_hash128 a, struct skn_hash128 b)
{
    return a.lo == b.lo && a.hi == b.hi;
}
