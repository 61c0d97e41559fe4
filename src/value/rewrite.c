/* rewrite.c - a value with its secrets replaced: sealed, unsealed or masked [E46]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "value/value.h"

#include "value/value_internal.h"

#include "base/pure.h"

/* A composite of which a copy is being made. */
struct level {
    const uint8_t *end; /* in the original */
    size_t start;       /* of the copy */
    bool is_map;
};

struct rewriter {
    struct skn_buf *out;
    const uint8_t *at; /* what comes next in the original */
    uint32_t depth;
    struct level levels[SKN_VALUE_DEPTH_MAX];
};

/* Its size is written when it is known. */
static void open_copy(struct rewriter *r, struct skn_value v)
{
    SKN_ASSERT(r->depth < SKN_VALUE_DEPTH_MAX);
    bool counts = v.tag == SKN_T_LIST || v.tag == SKN_T_MAP;
    r->levels[r->depth++] =
        (struct level){.end = v.as.ptr + v.len, .start = r->out->len, .is_map = v.tag == SKN_T_MAP};
    skn_buf_put_u8(r->out, v.tag);
    skn_buf_put_le32(r->out, 0);
    if (counts) skn_buf_put(r->out, skn_slice(v.as.ptr, 4));
    r->at = v.as.ptr + (counts ? 4 : 0);
}

static void close_copies(struct rewriter *r)
{
    while (r->depth > 0 && r->at == r->levels[r->depth - 1].end) {
        size_t start = r->levels[--r->depth].start;
        if (r->out->full) continue;
        set_le32(r->out->ptr + start + 1, (uint32_t)(r->out->len - start - HEAD_BYTES));
    }
}

static bool is_replaced(struct skn_value v)
{
    return v.tag == SKN_T_SECRET || v.tag == SKN_T_SEALED;
}

enum skn_rc skn_value_rewrite(struct skn_value v, skn_rewrite_fn fn, void *ctx, struct skn_buf *out)
{
    struct rewriter r; /* `levels` is filled as it is used */
    r.out = out;
    r.depth = 0;
    r.at = NULL;
    size_t before = out->len;
    enum skn_rc rc = SKN_OK;
    for (;;) {
        if (is_replaced(v)) {
            rc = fn(ctx, v, out);
        } else if (is_composite(v.tag)) {
            open_copy(&r, v);
        } else {
            skn_value_encode(v, out);
        }
        if (r.depth > 0 && (is_replaced(v) || !is_composite(v.tag))) r.at += skn_value_size(v);
        close_copies(&r);
        if (rc != SKN_OK || r.depth == 0) break;
        if (r.levels[r.depth - 1].is_map) {
            size_t key = 4 + (size_t)get_le32(r.at);
            skn_buf_put(out, skn_slice(r.at, key));
            r.at += key;
        }
        v = skn_value_at(r.at);
    }
    if (rc == SKN_OK) rc = skn_buf_rc(out);
    if (rc != SKN_OK) out->len = before;
    return rc;
}

static enum skn_rc mask_one(void *ctx, struct skn_value v, struct skn_buf *out)
{
    static const uint8_t secret_of_none[] = {SKN_T_SECRET, 1, 0, 0, 0, SKN_T_NONE};
    (void)ctx;
    (void)v;
    skn_buf_put(out, skn_slice(secret_of_none, sizeof secret_of_none));
    return SKN_OK;
}

enum skn_rc skn_value_mask(struct skn_value v, struct skn_buf *out)
{
    return skn_value_rewrite(v, mask_one, NULL, out);
}
