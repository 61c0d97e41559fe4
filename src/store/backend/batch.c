/* batch.c - row operations as bytes, and the hash of a row. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"
#include "store/backend/backend.h"

/* In line: keys are short, and a call is half of what their hash takes. Not where nothing is optimised. */
#ifdef __OPTIMIZE__
#    define XXH_INLINE_ALL
#endif
#include <endian.h>
#include <xxhash.h>

enum { OP_PUT = 1, OP_DELETE = 2, OP_LAST = OP_DELETE + SKN_WHYS - 1 };

const char *skn_why_name(enum skn_why why)
{
    static const char *const names[SKN_WHYS] = {"delete", "prune", "fold"};
    return why < SKN_WHYS ? names[why] : "";
}

/* Of an operation: its kind, and the length of its key; a put has the length of its value besides. */
enum { HEAD = 3, PUT_HEAD = HEAD + 4 };

/* Room for an operation whose key and value have these lengths; its head is written. NULL: the batch is
 * over its limit, which its owner finds. */
static uint8_t *put_head(struct skn_buf *batch, uint8_t op, size_t key_len, size_t more)
{
    SKN_ASSERT(key_len > 0 && key_len <= SKN_KEY_MAX);
    uint8_t *at = skn_buf_add(batch, HEAD + key_len + more);
    if (!at) return NULL;
    at[0] = op;
    at[1] = (uint8_t)(key_len & 0xff);
    at[2] = (uint8_t)(key_len >> 8);
    return at + HEAD;
}

static uint8_t *put_op(struct skn_buf *batch, struct skn_slice key, size_t value_len)
{
    uint8_t *at = put_head(batch, OP_PUT, key.len, PUT_HEAD - HEAD + value_len);
    if (!at) return NULL;
    uint32_t len = htole32((uint32_t)value_len);
    memcpy(at, &len, sizeof len);
    memcpy(at + sizeof len, key.ptr, key.len);
    return at + sizeof len + key.len;
}

void skn_batch_put(struct skn_buf *batch, struct skn_slice key, struct skn_slice value)
{
    SKN_ASSERT(value.len <= SKN_VALUE_MAX);
    uint8_t *at = put_op(batch, key, value.len);
    if (at && value.len > 0) memcpy(at, value.ptr, value.len);
}

void skn_batch_delete(struct skn_buf *batch, struct skn_slice key)
{
    skn_batch_delete_why(batch, key, SKN_WHY_DELETE);
}

void skn_batch_delete_why(struct skn_buf *batch, struct skn_slice key, enum skn_why why)
{
    SKN_ASSERT(why < SKN_WHYS);
    uint8_t *at = put_head(batch, (uint8_t)(OP_DELETE + why), key.len, 0);
    if (at) memcpy(at, key.ptr, key.len);
}

void skn_batch_put_stored(struct skn_buf *batch,
                          struct skn_slice key,
                          uint64_t index,
                          struct skn_slice value)
{
    SKN_ASSERT(value.len <= SKN_VALUE_MAX);
    uint8_t *at = put_op(batch, key, value.len + SKN_STORED_HEAD);
    if (!at) return;
    index = htole64(index);
    memcpy(at, &index, sizeof index);
    if (value.len > 0) memcpy(at + SKN_STORED_HEAD, value.ptr, value.len);
}

static size_t le32_at(const uint8_t *at)
{
    uint32_t n;
    memcpy(&n, at, sizeof n);
    return le32toh(n);
}

enum skn_rc skn_batch_next(struct skn_slice *rest, struct skn_row_op *out_op, struct skn_diag *diag)
{
    if (rest->len == 0) return SKN_ENOENT;
    const uint8_t *at = rest->ptr;
    bool is_put = at[0] == OP_PUT;
    size_t head = is_put ? PUT_HEAD : HEAD;
    if (rest->len < head) return SKN_CORRUPT(diag, "a batch ends in the middle of an operation");
    size_t key_len = at[1] | (size_t)at[2] << 8;
    size_t value_len = is_put ? le32_at(at + HEAD) : 0;
    if (rest->len - head < key_len || rest->len - head - key_len < value_len)
        return SKN_CORRUPT(diag, "a batch ends in the middle of an operation");
    if (at[0] < OP_PUT || at[0] > OP_LAST)
        return SKN_CORRUPT(diag, "a batch has an operation of unknown kind %u", at[0]);
    if (key_len == 0 || key_len > SKN_KEY_MAX)
        return SKN_CORRUPT(diag, "a batch has a key of %zu bytes", key_len);
    if (value_len > SKN_VALUE_MAX + SKN_STORED_HEAD)
        return SKN_CORRUPT(diag, "a batch has a row of %zu bytes", value_len);
    *out_op =
        (struct skn_row_op){.is_delete = !is_put,
                            .why = is_put ? SKN_WHY_DELETE : (enum skn_why)(at[0] - OP_DELETE),
                            .key = skn_slice(at + head, key_len),
                            .value = skn_slice(at + head + key_len, value_len)};
    *rest = skn_slice(at + head + key_len + value_len, rest->len - head - key_len - value_len);
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
