/* blob_look.c - what is stored of contents, for whoever only looks [E45]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"
#include "core/blob_internal.h"
#include "core/core_internal.h"
#include "core/look.h"

#include <stdio.h>

#include "base/pure.h"

enum { HASH = SKN_VALUE_HASH_BYTES };

void skn_look_blob_address(const uint8_t hash[SKN_VALUE_HASH_BYTES],
                           char out[SKN_BLOB_ADDRESS_SIZE])
{
    char hex[2 * HASH + 1];
    skn_hex(hash, HASH, hex);
    (void)snprintf(out, SKN_BLOB_ADDRESS_SIZE, SKN_BLOB_DOMAIN "%s", hex);
}

static void key_behind(struct skn_key *key, const uint8_t *after)
{
    skn_key_shard(key, SKN_SHARD_NAMES);
    if (!after) return;
    skn_key_name(key, skn_slice(after, HASH), (struct skn_slice){0});
    skn_key_end(key);
}

enum skn_rc skn_look_next_name(struct skn_store *store,
                               const uint8_t *after,
                               uint8_t out_hash[SKN_VALUE_HASH_BYTES],
                               bool *out_is_leased,
                               struct skn_diag *diag)
{
    struct skn_key from, end;
    struct skn_row row;
    struct skn_slice bytes;
    size_t count;
    key_behind(&from, after);
    skn_key_shard(&end, SKN_SHARD_NAMES);
    skn_key_end(&end);
    if (skn_slice_cmp(skn_key_slice(&from), skn_key_slice(&end)) >= 0) return SKN_ENOENT;
    enum skn_rc rc =
        skn_store_scan(store, skn_key_slice(&from), skn_key_slice(&end), &row, 1, &count, diag);
    if (rc != SKN_OK) return rc;
    if (count == 0) return SKN_ENOENT;
    if (row.key.len <= SKN_SHARD_HEAD + HASH)
        return SKN_CORRUPT(diag, "a row of the names of blobs is malformed");
    memcpy(out_hash, row.key.ptr + SKN_SHARD_HEAD, HASH);
    skn_key_lease(&from, skn_slice(out_hash, HASH));
    rc = skn_store_get(store, skn_key_slice(&from), &bytes, diag);
    *out_is_leased = rc == SKN_OK;
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

enum skn_rc skn_look_next_naming(struct skn_store *store,
                                 const uint8_t hash[SKN_VALUE_HASH_BYTES],
                                 struct skn_buf *last,
                                 struct skn_slice *out_row,
                                 struct skn_diag *diag)
{
    struct skn_key end;
    struct skn_row row;
    size_t count;
    skn_key_name(&end, skn_slice(hash, HASH), (struct skn_slice){0});
    if (last->len == 0) skn_buf_put(last, skn_key_slice(&end));
    skn_key_end(&end);
    enum skn_rc rc =
        skn_store_scan(store, skn_buf_slice(last), skn_key_slice(&end), &row, 1, &count, diag);
    if (rc != SKN_OK) return rc;
    if (count == 0) return SKN_ENOENT;
    skn_buf_reset(last);
    skn_buf_put(last, row.key);
    skn_buf_put_u8(last, 0); /* behind it */
    if (skn_buf_rc(last) != SKN_OK || row.key.len <= SKN_SHARD_HEAD + HASH)
        return SKN_CORRUPT(diag, "a row of the names of blobs is malformed");
    *out_row = skn_slice(last->ptr + SKN_SHARD_HEAD + HASH, row.key.len - SKN_SHARD_HEAD - HASH);
    return SKN_OK;
}

enum skn_rc skn_look_holds(struct skn_store *store,
                           const uint8_t hash[SKN_VALUE_HASH_BYTES],
                           uint32_t shard,
                           struct skn_diag *diag)
{
    char address[SKN_BLOB_ADDRESS_SIZE];
    struct skn_slice bytes;
    skn_look_blob_address(hash, address);
    static const char kinds[] = {'h', 'w'};
    enum skn_rc rc = SKN_ENOENT;
    for (size_t i = 0; rc == SKN_ENOENT && i < sizeof kinds; i++) {
        const uint8_t key[] = {(uint8_t)kinds[i],
                               (uint8_t)(shard >> 24),
                               (uint8_t)(shard >> 16),
                               (uint8_t)(shard >> 8),
                               (uint8_t)shard};
        rc = skn_core_get(store, skn_slice_str(address), skn_slice(key, sizeof key), &bytes, diag);
    }
    return rc;
}
