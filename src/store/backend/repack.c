/* repack.c - how operations change a table in a backend that is packed, or becomes so. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/cursor.h"
#include "store/backend/pack.h"

enum { SCRATCH_MAX = 16 << 20 };

void skn_pack_scratch_init(struct skn_pack_scratch *scratch)
{
    skn_buf_init(&scratch->old, SCRATCH_MAX);
    skn_buf_init(&scratch->fresh, SCRATCH_MAX);
}

void skn_pack_scratch_fini(struct skn_pack_scratch *scratch)
{
    skn_buf_fini(&scratch->old);
    skn_buf_fini(&scratch->fresh);
}

/* One call: the table and what is known of it. */
struct repack {
    const struct skn_pack_raw *raw;
    struct skn_pack_scratch *scratch;
    struct skn_slice first;
};

static void delete_entry(const struct repack *r, struct skn_slice key, bool is_last)
{
    r->raw->change(r->raw->ctx, &(struct skn_row_op){.is_delete = true, .key = key}, is_last);
}

static void put_table(const struct repack *r, struct skn_slice stored, bool is_last)
{
    r->raw->change(r->raw->ctx, &(struct skn_row_op){.key = r->first, .value = stored}, is_last);
}

/* Debug builds look whether a table that is said to have no entry of a single row has none. */
static void check_not_spread(const struct repack *r)
{
#ifdef SKN_DEBUG
    struct skn_buf *entries = &r->scratch->old, *stored = &r->scratch->fresh;
    struct skn_row_op op;
    struct skn_slice packed;
    skn_buf_reset(entries);
    enum skn_rc rc = r->raw->clear(r->raw->ctx, r->first, entries, NULL);
    struct skn_slice rest = skn_buf_slice(entries);
    while (rc == SKN_OK && skn_batch_next(&rest, &op, NULL) == SKN_OK) {
        skn_buf_reset(stored);
        SKN_ASSERT(skn_slice_eq(op.key, r->first));
        rc = r->raw->find(r->raw->ctx, op.key, stored, NULL);
        if (rc == SKN_OK) SKN_ASSERT(skn_is_packed(skn_buf_slice(stored), &packed));
    }
#else
    (void)r;
#endif
}

/* A table as a batch gives it. */
static enum skn_rc
take_whole(const struct repack *r, struct skn_slice packed, struct skn_diag *diag)
{
    struct skn_slice rows;
    enum skn_rc rc = skn_packed_open(r->first, packed, &rows, diag);
    if (rc != SKN_OK) return rc;
    bool may_be_spread = packed.ptr[1] != 0 && !skn_bug(SKN_BUG_SPREAD_LEFT);
    struct skn_buf *gone = &r->scratch->old, *fresh = &r->scratch->fresh;
    if (packed.ptr[1] == 0) check_not_spread(r);
    skn_buf_reset(gone);
    skn_buf_reset(fresh);
    if (may_be_spread) rc = r->raw->clear(r->raw->ctx, r->first, gone, diag);
    if (rc == SKN_OK) rc = skn_buf_rc(gone);
    if (rc != SKN_OK) return rc;
    struct skn_slice rest = skn_buf_slice(gone);
    struct skn_row_op op;
    while (skn_batch_next(&rest, &op, NULL) == SKN_OK)
        if (!skn_slice_eq(op.key, r->first)) delete_entry(r, op.key, false);
    if (rows.len == 0) {
        delete_entry(r, r->first, true);
        return SKN_OK;
    }
    skn_buf_put_le64(fresh, SKN_PACKED_INDEX);
    skn_buf_put(fresh, packed);
    fresh->ptr[SKN_STORED_HEAD + 1] = 0;
    put_table(r, skn_buf_slice(fresh), true);
    return SKN_OK;
}

/* Rows of a packed table and operations on it, side by side in key order. */
struct merge {
    struct skn_slice rows; /* left */
    struct skn_packed_row row;
    bool has_row;
    const struct skn_row_op *ops;
    size_t count, at;
};

/* Of operations with one key only the last one counts. */
static void skip_older(struct merge *m)
{
    while (m->at + 1 < m->count && skn_slice_eq(m->ops[m->at].key, m->ops[m->at + 1].key))
        m->at++;
}

/* The next row of what comes out. False: there is none. */
static bool next_merged(struct merge *m, size_t skip, struct skn_packed_row *out)
{
    for (;;) {
        skip_older(m);
        const struct skn_row_op *op = m->at < m->count ? &m->ops[m->at] : NULL;
        if (!op && !m->has_row) return false;
        struct skn_slice rest = op ? skn_slice_from(op->key, skip) : m->row.rest;
        int order = !op ? 1 : m->has_row ? skn_slice_cmp(rest, m->row.rest) : -1;
        if (order > 0) *out = m->row;
        if (order >= 0) m->has_row = skn_packed_next(&m->rows, &m->row);
        if (order > 0) return true;
        m->at++;
        if (op->is_delete) continue;
        struct skn_cursor at = skn_cursor(op->value);
        uint64_t index = skn_cursor_le64(&at);
        *out = (struct skn_packed_row){.rest = rest, .value = at.rest, .index = index};
        return true;
    }
}

static struct merge begin_merge(struct skn_slice rows, const struct skn_row_op *ops, size_t count)
{
    struct merge m = {.rows = rows, .ops = ops, .count = count};
    m.has_row = skn_packed_next(&m.rows, &m.row);
    return m;
}

/* It has grown: an entry a row from now on, and the packed one goes, in one go with them. */
static void spread(const struct repack *r, struct merge m)
{
    struct skn_buf *stored = &r->scratch->fresh;
    uint8_t key[SKN_KEY_MAX];
    struct skn_packed_row row, after;
    bool more = next_merged(&m, r->first.len, &row);
    SKN_ASSERT(more);
    if (!skn_bug(SKN_BUG_PACKED_LEFT)) delete_entry(r, r->first, skn_bug(SKN_BUG_TABLE_TORN));
    for (; more; row = after) {
        more = next_merged(&m, r->first.len, &after);
        skn_buf_reset(stored);
        skn_buf_put_le64(stored, row.index);
        skn_buf_put(stored, row.value);
        SKN_ASSERT(!stored->full);
        const struct skn_row_op op = {.key = skn_packed_key(key, r->first, &row),
                                      .value = skn_buf_slice(stored)};
        r->raw->change(r->raw->ctx, &op, !more);
    }
}

/* Rows of a table that is packed. */
static enum skn_rc take_rows(const struct repack *r,
                             struct skn_slice packed,
                             const struct skn_row_op *ops,
                             size_t count,
                             struct skn_diag *diag)
{
    struct skn_slice rows;
    enum skn_rc rc = skn_packed_open(r->first, packed, &rows, diag);
    if (rc != SKN_OK) return rc;
    struct skn_buf *fresh = &r->scratch->fresh;
    size_t n = 0, max = r->raw->packed_max ? r->raw->packed_max : SKN_PACKED_MAX;
    struct merge m = begin_merge(rows, ops, count);
    struct skn_packed_row row;
    skn_buf_reset(fresh);
    skn_pack_begin(fresh, false);
    bool fits = true;
    for (; fits && next_merged(&m, r->first.len, &row); n++) {
        size_t bytes = SKN_PACKED_ROW + row.rest.len + row.value.len;
        fits = fresh->len + bytes <= max;
        if (fits) skn_pack_add(fresh, &row);
    }
    if (!fits) {
        spread(r, begin_merge(rows, ops, count));
    } else if (n == 0) {
        delete_entry(r, r->first, true);
    } else {
        skn_pack_end(fresh, n);
        struct skn_buf *stored = &r->scratch->old; /* what was read is done with */
        skn_buf_reset(stored);
        skn_buf_put_le64(stored, SKN_PACKED_INDEX);
        skn_buf_put(stored, skn_buf_slice(fresh));
        put_table(r, skn_buf_slice(stored), true);
    }
    return SKN_OK;
}

static bool is_whole(const struct skn_row_op *op, struct skn_slice *out_packed)
{
    return !op->is_delete && skn_is_packed(op->value, out_packed);
}

enum skn_rc skn_pack_change(const struct skn_pack_raw *raw,
                            struct skn_pack_scratch *scratch,
                            const struct skn_row_op *ops,
                            size_t count,
                            struct skn_diag *diag)
{
    SKN_ASSERT(count > 0);
    const struct repack r = {.raw = raw, .scratch = scratch, .first = skn_pack_first(ops[0].key)};
    struct skn_slice packed;
    if (count == 1 && is_whole(&ops[0], &packed)) {
        if (!skn_slice_eq(ops[0].key, r.first))
            return SKN_CORRUPT(diag, "a batch has a table under a key that is none of a table");
        return take_whole(&r, packed, diag);
    }
    for (size_t i = 0; i < count; i++)
        if (is_whole(&ops[i], &packed))
            return SKN_CORRUPT(diag, "a batch has a table both whole and by its rows");
    skn_buf_reset(&scratch->old);
    enum skn_rc rc = SKN_ENOENT;
    if (r.first.len > 0) rc = raw->find(raw->ctx, r.first, &scratch->old, diag);
    if (rc != SKN_OK && rc != SKN_ENOENT) return rc;
    if (rc == SKN_OK && (rc = skn_buf_rc(&scratch->old)) != SKN_OK) return rc;
    if (rc == SKN_OK && skn_is_packed(skn_buf_slice(&scratch->old), &packed))
        return take_rows(&r, packed, ops, count, diag);
    for (size_t i = 0; i < count; i++)
        raw->change(raw->ctx, &ops[i], true);
    return SKN_OK;
}
