/* page.c - the names of contents a page at a time, in order: however many there are, in bounded memory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob.h"

#include <stdlib.h>
#include <string.h>

enum { HASH = SKN_BLOB_HASH_BYTES };

struct page {
    const uint8_t *after;
    size_t max;
    struct skn_buf *out;
    size_t begin;  /* of ours in `out` */
    bool has_more; /* behind `last`, which is then the last of a full page */
    uint8_t last[HASH];
};

static int cmp(const void *a, const void *b)
{
    return memcmp(a, b, HASH);
}

/* Only the first of them stay. */
static void settle(struct page *p)
{
    size_t count = (p->out->len - p->begin) / HASH;
    uint8_t *names = p->out->ptr + p->begin;
    if (count > 0) qsort(names, count, HASH, cmp);
    if (count <= p->max) return;
    p->out->len = p->begin + p->max * HASH;
    p->has_more = true;
    memcpy(p->last, names + (p->max - 1) * HASH, HASH);
}

static enum skn_rc take(void *ctx, const uint8_t hash[SKN_BLOB_HASH_BYTES])
{
    struct page *p = ctx;
    if (p->after && memcmp(hash, p->after, HASH) <= 0) return SKN_OK;
    if (p->has_more && memcmp(hash, p->last, HASH) > 0) return SKN_OK;
    skn_buf_put(p->out, skn_slice(hash, HASH));
    if (p->out->len - p->begin >= 2 * p->max * HASH) settle(p);
    return skn_buf_rc(p->out);
}

enum skn_rc skn_blobs_page(struct skn_blobs *blobs,
                           const uint8_t *after,
                           size_t max,
                           struct skn_buf *out,
                           bool *out_has_more,
                           struct skn_diag *diag)
{
    SKN_ASSERT(max > 0);
    struct page p = {.after = after, .max = max, .out = out, .begin = out->len};
    enum skn_rc rc = skn_blobs_list(blobs, take, &p, diag);
    if (rc != SKN_OK) return rc;
    settle(&p);
    *out_has_more = p.has_more;
    return SKN_OK;
}
