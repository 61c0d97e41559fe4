/* batch.c - row operations as bytes, and the hash of a row. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"
#include "store/store.h"

#include <xxhash.h>

enum { OP_PUT = 1, OP_DELETE = 2 };

static void put_head(struct skn_buf *batch, uint8_t op, struct skn_slice key)
{
    SKN_ASSERT(key.len > 0 && key.len <= SKN_KEY_MAX);
    skn_buf_put_u8(batch, op);
    skn_buf_put_u8(batch, (uint8_t)(key.len & 0xff));
    skn_buf_put_u8(batch, (uint8_t)(key.len >> 8));
}

void skn_batch_put(struct skn_buf *batch, struct skn_slice key, struct skn_slice value)
{
    SKN_ASSERT(value.len <= SKN_ROW_MAX);
    put_head(batch, OP_PUT, key);
    skn_buf_put_le32(batch, (uint32_t)value.len);
    skn_buf_put(batch, key);
    skn_buf_put(batch, value);
}

void skn_batch_delete(struct skn_buf *batch, struct skn_slice key)
{
    put_head(batch, OP_DELETE, key);
    skn_buf_put(batch, key);
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
    if (op != OP_PUT && op != OP_DELETE)
        return SKN_CORRUPT(diag, "a batch has an operation of unknown kind %u", op);
    if (key_len == 0 || key_len > SKN_KEY_MAX)
        return SKN_CORRUPT(diag, "a batch has a key of %zu bytes", key_len);
    if (value_len > SKN_ROW_MAX)
        return SKN_CORRUPT(diag, "a batch has a row of %zu bytes", value_len);
    *out_op = (struct skn_row_op){.is_delete = op == OP_DELETE, .key = key, .value = value};
    *rest = cursor.rest;
    return SKN_OK;
}

struct skn_hash128 skn_row_hash(struct skn_slice key, struct skn_slice value)
{
    /* The key's own hash seeds the value's, so that no bytes can move between the two. */
    uint64_t seed = XXH3_64bits_withSeed(key.ptr, key.len, key.len);
    XXH128_hash_t h = XXH3_128bits_withSeed(value.ptr, value.len, seed);
    return (struct skn_hash128){.lo = h.low64, .hi = h.high64};
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

enum skn_rc skn_store_verify(struct skn_store *store, struct skn_diag *diag)
{
    struct skn_hash128 sum = {0};
    uint8_t from_bytes[SKN_KEY_MAX + 1] = {0};
    struct skn_slice from = skn_slice(from_bytes, 1);
    struct skn_row rows[64];
    for (;;) {
        size_t count;
        enum skn_rc rc = skn_store_scan(
            store, from, (struct skn_slice){0}, rows, SKN_ARRAY_LEN(rows), &count, diag);
        if (rc != SKN_OK) return rc;
        for (size_t i = 0; i < count; i++)
            sum = skn_hash128_add(sum, skn_row_hash(rows[i].key, rows[i].value));
        if (count < SKN_ARRAY_LEN(rows)) break;
        /* The first key after the last one: the same with a zero byte behind it. */
        struct skn_slice last = rows[count - 1].key;
        memcpy(from_bytes, last.ptr, last.len);
        from_bytes[last.len] = 0;
        from = skn_slice(from_bytes, last.len + 1);
    }
    if (!skn_hash128_eq(sum, skn_store_position(store).state))
        return SKN_CORRUPT(diag, "the rows do not add up to the state hash of the store");
    return SKN_OK;
}
