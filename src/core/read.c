/* read.c - rows of domains for whoever only looks; names made with the store secret. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core_internal.h"

/* The plain functions are deprecated, not gone; they are what is wanted here. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <xxhash.h>

/* HMAC-SHA256 (RFC 2104) over the label, a zero byte and the text. By libcrypto's plain SHA-256: its
 * HMAC looks up an implementation first, which costs a cold process a millisecond and every call
 * twenty times the hash of so few bytes. */
static void hmac(const uint8_t secret[SKN_SECRET_BYTES],
                 struct skn_slice label,
                 struct skn_slice text,
                 uint8_t out[32])
{
    uint8_t inner_pad[SHA256_CBLOCK], outer_pad[SHA256_CBLOCK];
    static_assert(SKN_SECRET_BYTES <= SHA256_CBLOCK, "a longer key would have to be hashed first");
    for (size_t i = 0; i < SHA256_CBLOCK; i++) {
        uint8_t byte = i < SKN_SECRET_BYTES ? secret[i] : 0;
        inner_pad[i] = byte ^ 0x36;
        outer_pad[i] = byte ^ 0x5c;
    }
    SHA256_CTX sha;
    static const uint8_t zero = 0;
    (void)SHA256_Init(&sha);
    (void)SHA256_Update(&sha, inner_pad, sizeof inner_pad);
    (void)SHA256_Update(&sha, label.ptr, label.len);
    (void)SHA256_Update(&sha, &zero, 1);
    (void)SHA256_Update(&sha, text.ptr, text.len);
    (void)SHA256_Final(out, &sha);
    (void)SHA256_Init(&sha);
    (void)SHA256_Update(&sha, outer_pad, sizeof outer_pad);
    (void)SHA256_Update(&sha, out, 32);
    (void)SHA256_Final(out, &sha);
}

void skn_core_hmac(const struct skn_core *core,
                   struct skn_slice label,
                   struct skn_slice text,
                   uint8_t out[32])
{
    hmac(core->secret, label, text, out);
}

void skn_core_mac_by(const uint8_t secret[SKN_SECRET_BYTES],
                     struct skn_slice label,
                     struct skn_slice text,
                     uint8_t out[32])
{
    hmac(secret, label, text, out);
}

enum skn_rc skn_core_stored_secret(struct skn_store *store,
                                   uint8_t out[SKN_SECRET_BYTES],
                                   struct skn_diag *diag)
{
    struct skn_key key;
    struct skn_slice secret;
    skn_key_secret(&key);
    enum skn_rc rc = skn_store_get(store, skn_key_slice(&key), &secret, diag);
    if (rc != SKN_OK) return rc;
    if (secret.len != SKN_SECRET_BYTES)
        return SKN_CORRUPT(diag, "the store secret has %zu bytes", secret.len);
    memcpy(out, secret.ptr, secret.len);
    return SKN_OK;
}

enum skn_rc skn_core_mac(struct skn_store *store,
                         struct skn_slice label,
                         struct skn_slice text,
                         uint8_t out[32],
                         struct skn_diag *diag)
{
    uint8_t secret[SKN_SECRET_BYTES];
    enum skn_rc rc = skn_core_stored_secret(store, secret, diag);
    if (rc == SKN_OK) hmac(secret, label, text, out);
    return rc;
}

/* What hides rows of a domain: its removal (SKN_ENOENT), or ranges. */
static enum skn_rc hidden(struct skn_store *store,
                          struct skn_slice address,
                          uint32_t *out_ranges,
                          struct skn_diag *diag)
{
    struct skn_key key;
    struct skn_slice bytes;
    struct skn_meta_row meta = {0};
    skn_key_meta(&key, address);
    enum skn_rc rc = skn_store_get(store, skn_key_slice(&key), &bytes, diag);
    if (rc == SKN_OK) rc = skn_meta_decode(bytes, &meta, diag);
    *out_ranges = meta.ranges;
    if (rc == SKN_OK && meta.removal != SKN_REMOVE_NOT) return SKN_ENOENT;
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

enum skn_rc skn_core_get(struct skn_store *store,
                         struct skn_slice address,
                         struct skn_slice key,
                         struct skn_slice *out_value,
                         struct skn_diag *diag)
{
    SKN_ASSERT(address.len <= SKN_ADDRESS_MAX && key.len <= SKN_PRIVATE_KEY_MAX);
    struct skn_key whole;
    uint32_t count;
    enum skn_rc rc = hidden(store, address, &count, diag);
    if (rc == SKN_OK && count > 0) {
        struct skn_range *ranges;
        struct skn_arena arena;
        skn_arena_init(&arena);
        const struct skn_reader reader = {
            .store = store, .arena = &arena, .key = &whole, .diag = diag};
        rc = skn_ranges_read(&reader, address, count, &ranges);
        if (rc == SKN_OK) rc = skn_ranges_get(&reader, address, ranges, count, key);
        skn_arena_fini(&arena);
    }
    if (rc != SKN_OK) return rc;
    skn_key_own(&whole, address, key);
    return skn_store_get(store, skn_key_slice(&whole), out_value, diag);
}

bool skn_core_is_faulted(struct skn_store *store, struct skn_slice address)
{
    SKN_ASSERT(address.len <= SKN_ADDRESS_MAX);
    struct skn_key key;
    struct skn_slice bytes;
    struct skn_meta_row meta;
    skn_key_meta(&key, address);
    return skn_store_get(store, skn_key_slice(&key), &bytes, NULL) == SKN_OK &&
           skn_meta_decode(bytes, &meta, NULL) == SKN_OK && meta.is_faulted;
}

enum skn_rc skn_core_next_row(struct skn_store *store,
                              struct skn_slice address,
                              struct skn_slice prefix,
                              struct skn_slice from,
                              struct skn_row *out_row,
                              struct skn_diag *diag)
{
    SKN_ASSERT(address.len <= SKN_ADDRESS_MAX);
    SKN_ASSERT(prefix.len <= SKN_PRIVATE_KEY_MAX && from.len <= SKN_PRIVATE_KEY_MAX + 1);
    struct skn_key key;
    struct skn_arena arena;
    struct skn_range *ranges = NULL;
    uint32_t count;
    enum skn_rc rc = hidden(store, address, &count, diag);
    if (rc != SKN_OK) return rc;
    skn_arena_init(&arena);
    const struct skn_reader reader = {.store = store, .arena = &arena, .key = &key, .diag = diag};
    if (count > 0) rc = skn_ranges_read(&reader, address, count, &ranges);
    if (skn_slice_cmp(from, prefix) < 0) from = prefix;
    if (rc == SKN_OK) rc = skn_ranges_next(&reader, address, ranges, count, prefix, from, out_row);
    skn_arena_fini(&arena);
    return rc;
}

enum skn_rc skn_core_next_domain(struct skn_store *store,
                                 struct skn_slice after,
                                 struct skn_buf *out,
                                 struct skn_diag *diag)
{
    SKN_ASSERT(after.len <= SKN_ADDRESS_MAX);
    struct skn_key from, end;
    skn_key_domain(&from, after);
    if (after.len > 0) from.bytes[from.len++] = 0; /* the first key behind it */
    skn_key_domain(&end, (struct skn_slice){0});
    skn_key_end(&end);
    struct skn_row row;
    size_t count;
    enum skn_rc rc =
        skn_store_scan(store, skn_key_slice(&from), skn_key_slice(&end), &row, 1, &count, diag);
    if (rc != SKN_OK) return rc;
    if (count == 0) return SKN_ENOENT;
    skn_buf_reset(out);
    skn_buf_put(out, skn_slice_from(row.key, SKN_SHARD_HEAD));
    return SKN_OK;
}

uint32_t skn_shard_of(struct skn_slice address, uint32_t shards)
{
    SKN_ASSERT(shards > 0);
    return (uint32_t)(XXH3_64bits(address.ptr, address.len) % shards);
}
