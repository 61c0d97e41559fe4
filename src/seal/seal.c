/* seal.c - values with secrets: sealed for a place, and opened there [E46]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "seal/seal_internal.h"

#include <openssl/crypto.h>
#include <string.h>

enum { HEAD_BYTES = 5, ORDINAL_BYTES = 4 };

struct work {
    struct skn_sealer *sealer;
    const struct skn_keyring *ring;
    uint64_t id;
    struct skn_slice context;
    uint32_t ordinal; /* of the next secret */
    struct skn_diag *diag;
};

/* What stands behind the head of a secret is the encoding of what it wraps. */
static struct skn_slice wrapped(struct skn_value secret)
{
    SKN_ASSERT(secret.tag == SKN_T_SECRET);
    return skn_slice(secret.as.ptr, secret.len);
}

static size_t size_of(struct skn_value secret)
{
    struct skn_value inner = skn_value_as_secret(secret);
    bool is_text = inner.tag == SKN_T_STRING || inner.tag == SKN_T_BYTES;
    return is_text ? inner.len : wrapped(secret).len;
}

static enum skn_rc check_size(struct skn_value secret, struct skn_diag *diag)
{
    size_t size = size_of(secret);
    if (size <= SKN_SECRET_MAX) return SKN_OK;
    return SKN_FAIL(diag,
                    SKN_ETOOLARGE,
                    "a secret has %zu bytes, and %d are the limit; what is larger is a file",
                    size,
                    SKN_SECRET_MAX);
}

static enum skn_rc no_key(uint64_t id, struct skn_diag *diag)
{
    char text[SKN_SEAL_ID_TEXT];
    skn_seal_id_text(id, text);
    return SKN_FAIL(diag, SKN_ENOKEY, "the sealing key %s is not among those given", text);
}

static void strings_of(struct work *w, struct skn_slice out[2], uint8_t ordinal[ORDINAL_BYTES])
{
    for (size_t i = 0; i < ORDINAL_BYTES; i++)
        ordinal[i] = (uint8_t)(w->ordinal >> (8 * (ORDINAL_BYTES - 1 - i)));
    w->ordinal++;
    SKN_ASSERT(w->context.len > 0);
    out[0] = w->context;
    out[1] = skn_slice(ordinal, ORDINAL_BYTES);
}

static uint8_t *put_head(struct skn_buf *out, uint8_t tag, size_t len)
{
    skn_buf_put_u8(out, tag);
    skn_buf_put_le32(out, (uint32_t)len);
    return skn_buf_reserve(out, len);
}

static enum skn_rc seal_one(void *ctx, struct skn_value v, struct skn_buf *out)
{
    struct work *w = ctx;
    if (v.tag == SKN_T_SEALED) return SKN_FAIL(w->diag, SKN_EARGS, "a part is sealed already");
    enum skn_rc rc = check_size(v, w->diag);
    if (rc != SKN_OK) return rc;
    const uint8_t *key = skn_keyring_find(w->ring, w->id);
    if (!key) return no_key(w->id, w->diag);
    struct skn_slice strings[2], plain = wrapped(v);
    uint8_t ordinal[ORDINAL_BYTES];
    strings_of(w, strings, ordinal);
    uint8_t *at = put_head(out, SKN_T_SEALED, SKN_SEALED_HEAD + plain.len);
    if (!at) return SKN_EFULL;
    for (size_t i = 0; i < 8; i++)
        at[i] = (uint8_t)(w->id >> (8 * i));
    skn_siv_seal(w->sealer, skn_slice(key, SKN_SEAL_KEY_BYTES), strings, 2, plain, at + 8);
    skn_buf_commit(out, SKN_SEALED_HEAD + plain.len);
    return SKN_OK;
}

static uint64_t id_in(struct skn_slice sealed)
{
    uint64_t id = 0;
    for (size_t i = 8; i > 0 && sealed.len >= 8; i--)
        id = id << 8 | sealed.ptr[i - 1];
    return id;
}

static enum skn_rc unseal_one(void *ctx, struct skn_value v, struct skn_buf *out)
{
    struct work *w = ctx;
    if (v.tag == SKN_T_SECRET) return SKN_CORRUPT(w->diag, "of several secrets one is plain");
    struct skn_slice sealed = skn_value_as_sealed(v);
    if (sealed.len <= SKN_SEALED_HEAD) return SKN_CORRUPT(w->diag, "a sealed value is cut off");
    const uint8_t *key = skn_keyring_find(w->ring, id_in(sealed));
    if (!key) return no_key(id_in(sealed), w->diag);
    struct skn_slice strings[2];
    uint8_t ordinal[ORDINAL_BYTES];
    strings_of(w, strings, ordinal);
    size_t len = sealed.len - SKN_SEALED_HEAD;
    uint8_t *at = put_head(out, SKN_T_SECRET, len);
    if (!at) return SKN_EFULL;
    if (!skn_siv_open(w->sealer,
                      skn_slice(key, SKN_SEAL_KEY_BYTES),
                      strings,
                      2,
                      skn_slice_from(sealed, 8),
                      at))
        return SKN_CORRUPT(w->diag, "a sealed value is not what was sealed here");
    skn_buf_commit(out, len);
    return skn_value_check(skn_slice(at, len), w->diag);
}

enum skn_rc skn_seal(struct skn_sealer *sealer,
                     const struct skn_keyring *ring,
                     uint64_t id,
                     struct skn_slice context,
                     struct skn_value v,
                     struct skn_buf *out,
                     struct skn_diag *diag)
{
    struct work w = {.sealer = sealer, .ring = ring, .id = id, .context = context, .diag = diag};
    size_t before = out->len;
    skn_buf_put_u8(out, SKN_VALUE_SEALED_MARK);
    enum skn_rc rc = skn_value_rewrite(v, seal_one, &w, out);
    if (rc != SKN_OK) out->len = before;
    return rc;
}

enum skn_rc skn_unseal(struct skn_sealer *sealer,
                       const struct skn_keyring *ring,
                       struct skn_slice context,
                       struct skn_value v,
                       struct skn_buf *out,
                       struct skn_diag *diag)
{
    struct work w = {.sealer = sealer, .ring = ring, .context = context, .diag = diag};
    return skn_value_rewrite(v, unseal_one, &w, out);
}

/* --- looking ---------------------------------------------------------------------------------------- */

struct measure {
    size_t added;
    struct skn_diag *diag;
};

static enum skn_rc measure_one(void *ctx, struct skn_value v, struct skn_buf *out)
{
    struct measure *m = ctx;
    (void)out;
    m->added += SKN_SEALED_HEAD;
    return v.tag == SKN_T_SEALED ? SKN_FAIL(m->diag, SKN_EARGS, "a part is sealed already")
                                 : check_size(v, m->diag);
}

enum skn_rc skn_seal_check(struct skn_value v, size_t size_max, struct skn_diag *diag)
{
    if (!skn_value_has_secret(v)) return SKN_OK;
    struct measure m = {.added = 1, .diag = diag};
    struct skn_buf copy;
    skn_buf_init(&copy, skn_value_size(v));
    enum skn_rc rc = skn_value_rewrite(v, measure_one, &m, &copy);
    skn_buf_fini(&copy);
    if (rc == SKN_OK && skn_value_size(v) + m.added > size_max)
        rc = SKN_FAIL(diag, SKN_ETOOLARGE, "with what sealing its secrets adds it is too large");
    return rc;
}

struct search {
    uint64_t id;
    bool found;
};

static enum skn_rc look_at_one(void *ctx, struct skn_value v, struct skn_buf *out)
{
    struct search *s = ctx;
    (void)out;
    if (v.tag == SKN_T_SEALED && id_in(skn_value_as_sealed(v)) != s->id) s->found = true;
    return SKN_OK;
}

bool skn_is_sealed_by_others(struct skn_value v, uint64_t id)
{
    struct search s = {.id = id};
    struct skn_buf copy;
    skn_buf_init(&copy, skn_value_size(v));
    enum skn_rc rc = skn_value_rewrite(v, look_at_one, &s, &copy);
    SKN_ASSERT(rc == SKN_OK);
    skn_buf_fini(&copy);
    return s.found;
}
