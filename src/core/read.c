/* read.c - rows of domains for whoever only looks; names made with the store secret. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core_internal.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

/* HMAC-SHA256 over the label, a zero byte and the text: RFC 2104. */
static void hmac(const uint8_t secret[SKN_SECRET_BYTES],
                 struct skn_slice label,
                 struct skn_slice text,
                 uint8_t out[32])
{
    struct skn_buf all;
    skn_buf_init(&all, label.len + 1 + text.len);
    skn_buf_put(&all, label);
    skn_buf_put_u8(&all, 0);
    skn_buf_put(&all, text);
    unsigned len = 32;
    uint8_t *mac = HMAC(EVP_sha256(), secret, SKN_SECRET_BYTES, all.ptr, all.len, out, &len);
    SKN_ASSERT(mac && len == 32);
    skn_buf_fini(&all);
}

void skn_core_hmac(const struct skn_core *core,
                   struct skn_slice label,
                   struct skn_slice text,
                   uint8_t out[32])
{
    hmac(core->secret, label, text, out);
}

enum skn_rc skn_core_mac(struct skn_store *store,
                         struct skn_slice label,
                         struct skn_slice text,
                         uint8_t out[32],
                         struct skn_diag *diag)
{
    struct skn_key key;
    struct skn_slice secret;
    skn_key_secret(&key);
    enum skn_rc rc = skn_store_get(store, skn_key_slice(&key), &secret, diag);
    if (rc != SKN_OK) return rc;
    if (secret.len != SKN_SECRET_BYTES)
        return SKN_CORRUPT(diag, "the store secret has %zu bytes", secret.len);
    hmac(secret.ptr, label, text, out);
    return SKN_OK;
}

enum skn_rc skn_core_get(struct skn_store *store,
                         struct skn_slice address,
                         struct skn_slice key,
                         struct skn_slice *out_value,
                         struct skn_diag *diag)
{
    SKN_ASSERT(address.len <= SKN_ADDRESS_MAX && key.len <= SKN_PRIVATE_KEY_MAX);
    struct skn_key whole;
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
    struct skn_key first, whole;
    skn_key_own(&first, address, skn_slice_cmp(from, prefix) < 0 ? prefix : from);
    skn_key_own(&whole, address, prefix);
    struct skn_row row;
    size_t count;
    enum skn_rc rc =
        skn_store_scan(store, skn_key_slice(&first), (struct skn_slice){0}, &row, 1, &count, diag);
    if (rc != SKN_OK) return rc;
    if (count == 0 || !skn_slice_has_prefix(row.key, skn_key_slice(&whole))) return SKN_ENOENT;
    out_row->key = skn_slice_from(row.key, whole.len - prefix.len);
    out_row->value = row.value;
    return SKN_OK;
}

enum skn_rc skn_core_next_domain(struct skn_store *store,
                                 struct skn_slice after,
                                 struct skn_buf *out,
                                 struct skn_diag *diag)
{
    SKN_ASSERT(after.len <= SKN_ADDRESS_MAX);
    /* Behind the last row of `after`: its address ends with a zero byte, so 01 is the next. */
    struct skn_key from;
    skn_key_meta(&from, after);
    from.len--;
    from.bytes[from.len - 1] = 1;
    if (after.len == 0) from.len = 1;
    struct skn_row row;
    size_t count;
    enum skn_rc rc =
        skn_store_scan(store, skn_key_slice(&from), (struct skn_slice){0}, &row, 1, &count, diag);
    if (rc != SKN_OK) return rc;
    if (count == 0 || row.key.ptr[0] != from.bytes[0]) return SKN_ENOENT;
    const uint8_t *zero = memchr(row.key.ptr + 1, 0, row.key.len - 1);
    if (!zero) return SKN_CORRUPT(diag, "a row has a key without an end of its address");
    skn_buf_reset(out);
    skn_buf_put(out, skn_slice(row.key.ptr + 1, (size_t)(zero - row.key.ptr - 1)));
    return SKN_OK;
}
