/* range.c - ranges of a domain's own rows that go at once [E14].
 *
 * A range with few rows is removed in the batch that asks for it. Of a larger one the batch writes a
 * mark: from then on the rows under its prefix are gone, and slices of the core's own remove them, at
 * most 1,000 and 4 MiB each, from the front; the mark says how far they are. What is written behind
 * that place meanwhile is there again, and a row beside the mark, an exception, says so. So what is
 * hidden follows from rows, and a scan steps over a hidden range from exception to exception, however
 * many rows wait for their removal in between.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"
#include "core/core_internal.h"
#include "core/index_internal.h"

#include "base/pure.h"

enum { AT_ONCE_ROWS = 256, AT_ONCE_BYTES = 64 << 10, MARKS_MAX = 64 };
enum { SWEEP_ROWS = 1000, SWEEP_BYTES = 4 << 20 };

/* A mark of the domain, as far as a slice needs it. */
struct skn_range {
    uint64_t number;
    struct skn_slice prefix;
    struct skn_slice at; /* rows from here on are gone; at least the prefix */
};

/* --- who reads: a slice, or somebody outside ------------------------------------------------------- */

static enum skn_rc
get(const struct skn_reader *reader, struct skn_slice key, struct skn_slice *out_value)
{
    if (reader->cx) return skn_raw_get(reader->cx, key, out_value);
    return skn_store_get(reader->store, key, out_value, reader->diag);
}

/* The first row that begins with `prefix`, at or behind `from`. */
static enum skn_rc next(const struct skn_reader *reader,
                        struct skn_slice prefix,
                        struct skn_slice from,
                        struct skn_row *out_row)
{
    if (reader->cx) return skn_raw_next(reader->cx, prefix, from, out_row);
    struct skn_slice end = skn_key_after(reader->arena, prefix);
    size_t count;
    if (skn_slice_cmp(from, end) >= 0) return SKN_ENOENT;
    enum skn_rc rc = skn_store_scan(reader->store, from, end, out_row, 1, &count, reader->diag);
    return rc == SKN_OK && count == 0 ? SKN_ENOENT : rc;
}

/* --- the marks ----------------------------------------------------------------------------------------- */

enum skn_rc skn_ranges_read(const struct skn_reader *reader,
                            struct skn_slice address,
                            uint32_t count,
                            struct skn_range **out_ranges)
{
    struct skn_range *ranges = skn_arena_zero(reader->arena, count, sizeof *ranges);
    struct skn_key key;
    struct skn_row row;
    skn_key_range(&key, address, 0);
    struct skn_slice prefix = skn_arena_dup(reader->arena, skn_slice(key.bytes, key.len - 8));
    for (uint32_t i = 0; i < count; i++) {
        enum skn_rc rc = next(reader, prefix, skn_key_slice(&key), &row);
        if (rc == SKN_ENOENT || (rc == SKN_OK && row.key.len != prefix.len + 8))
            return SKN_CORRUPT(reader->diag, "a domain has fewer range marks than its row says");
        if (rc != SKN_OK) return rc;
        struct skn_cursor number = skn_cursor(skn_slice_from(row.key, prefix.len));
        struct skn_cursor value = skn_cursor(row.value);
        uint8_t level = skn_cursor_u8(&value);
        ranges[i].number = skn_cursor_be(&number, 8);
        ranges[i].prefix = skn_arena_dup(reader->arena, skn_cursor_block(&value));
        ranges[i].at = skn_arena_dup(reader->arena, skn_cursor_block(&value));
        if (!skn_cursor_is_done(&value) || level != SKN_ROW_LEVEL)
            return SKN_CORRUPT(reader->diag, "a range mark is malformed");
        skn_key_range(&key, address, ranges[i].number + 1);
    }
    *out_ranges = ranges;
    return SKN_OK;
}

static void put_range(struct skn_cx *cx, const struct skn_range *range)
{
    skn_buf_reset(&cx->row);
    skn_buf_put_u8(&cx->row, SKN_ROW_LEVEL);
    skn_buf_put_block(&cx->row, range->prefix);
    skn_buf_put_block(&cx->row, range->at);
    skn_key_range(&cx->key, skn_dom_address(cx->dom), range->number);
    skn_raw_put(cx, skn_key_slice(&cx->key), skn_buf_slice(&cx->row));
}

static bool covers(const struct skn_range *range, struct skn_slice key)
{
    return skn_slice_has_prefix(key, range->prefix) && skn_slice_cmp(key, range->at) >= 0;
}

/* The range that hides a key; NULL: none does. Its row may be there all the same. */
static enum skn_rc hidden_by(const struct skn_reader *reader,
                             struct skn_slice address,
                             const struct skn_range *ranges,
                             uint32_t count,
                             struct skn_slice key,
                             const struct skn_range **out)
{
    *out = NULL;
    for (uint32_t i = 0; i < count; i++) {
        struct skn_slice value;
        if (!covers(&ranges[i], key)) continue;
        skn_key_exception(reader->key, address, ranges[i].number, key);
        enum skn_rc rc = get(reader, skn_key_slice(reader->key), &value);
        if (rc == SKN_OK) continue;
        if (rc != SKN_ENOENT) return rc;
        *out = &ranges[i];
        return SKN_OK;
    }
    return SKN_OK;
}

/* --- reading through them -------------------------------------------------------------------------------- */

enum skn_rc skn_ranges_get(const struct skn_reader *reader,
                           struct skn_slice address,
                           const struct skn_range *ranges,
                           uint32_t count,
                           struct skn_slice key)
{
    const struct skn_range *by;
    enum skn_rc rc = hidden_by(reader, address, ranges, count, key, &by);
    return rc == SKN_OK && by ? SKN_ENOENT : rc;
}

/* The next key that a range may not hide: of its next exception, or the first one behind it. False:
 * there is none behind it. */
static enum skn_rc step_over(const struct skn_reader *reader,
                             struct skn_slice address,
                             const struct skn_range *range,
                             struct skn_slice key,
                             struct skn_slice *out_key)
{
    struct skn_row row;
    skn_key_exception(reader->key, address, range->number, (struct skn_slice){0});
    struct skn_slice prefix = skn_arena_dup(reader->arena, skn_key_slice(reader->key));
    skn_key_exception(reader->key, address, range->number, key);
    struct skn_slice from = skn_arena_dup(reader->arena, skn_key_slice(reader->key));
    enum skn_rc rc = next(reader, prefix, from, &row);
    if (rc == SKN_OK) *out_key = skn_arena_dup(reader->arena, skn_slice_from(row.key, prefix.len));
    if (rc != SKN_ENOENT) return rc;
    struct skn_slice end = range->prefix;
    while (end.len > 0 && end.ptr[end.len - 1] == 0xff)
        end.len--;
    if (end.len == 0) return SKN_ENOENT;
    *out_key = skn_key_after(reader->arena, end);
    return SKN_OK;
}

enum skn_rc skn_ranges_next(const struct skn_reader *reader,
                            struct skn_slice address,
                            const struct skn_range *ranges,
                            uint32_t count,
                            struct skn_slice prefix,
                            struct skn_slice from,
                            struct skn_row *out_row)
{
    struct skn_key *key = reader->key;
    skn_key_own(key, address, prefix);
    struct skn_slice whole = skn_arena_dup(reader->arena, skn_key_slice(key));
    size_t head = whole.len - prefix.len;
    for (;;) {
        struct skn_row row;
        const struct skn_range *by;
        skn_key_own(key, address, from);
        struct skn_slice first = skn_arena_dup(reader->arena, skn_key_slice(key));
        enum skn_rc rc = next(reader, whole, first, &row);
        if (rc != SKN_OK) return rc;
        *out_row = (struct skn_row){.key = skn_slice_from(row.key, head), .value = row.value};
        if (count == 0) return SKN_OK;
        rc = hidden_by(reader, address, ranges, count, out_row->key, &by);
        if (rc != SKN_OK || !by) return rc;
        rc = step_over(reader, address, by, out_row->key, &from);
        if (rc != SKN_OK) return rc;
        if (!skn_slice_has_prefix(from, prefix) && skn_slice_cmp(from, prefix) > 0)
            return SKN_ENOENT;
    }
}

/* --- in a slice --------------------------------------------------------------------------------------------- */

static struct skn_reader reader_of(struct skn_cx *cx)
{
    return (struct skn_reader){.cx = cx, .arena = &cx->arena, .key = &cx->key, .diag = &cx->diag};
}

static bool load(struct skn_cx *cx)
{
    if (cx->rc != SKN_OK) return false;
    if (cx->ranges || cx->meta.ranges == 0) return true;
    const struct skn_reader reader = reader_of(cx);
    enum skn_rc rc =
        skn_ranges_read(&reader, skn_dom_address(cx->dom), cx->meta.ranges, &cx->ranges);
    if (rc != SKN_OK && cx->rc == SKN_OK) cx->rc = rc;
    return rc == SKN_OK;
}

enum skn_rc skn_range_check(struct skn_cx *cx, struct skn_slice key)
{
    if (!load(cx)) return cx->rc;
    const struct skn_reader reader = reader_of(cx);
    return skn_ranges_get(&reader, skn_dom_address(cx->dom), cx->ranges, cx->meta.ranges, key);
}

enum skn_rc skn_range_next(struct skn_cx *cx,
                           struct skn_slice prefix,
                           struct skn_slice from,
                           struct skn_row *out_row)
{
    if (!load(cx)) return cx->rc;
    const struct skn_reader reader = reader_of(cx);
    return skn_ranges_next(
        &reader, skn_dom_address(cx->dom), cx->ranges, cx->meta.ranges, prefix, from, out_row);
}

void skn_range_written(struct skn_cx *cx, struct skn_slice key, bool is_delete)
{
    if (!load(cx)) return;
    for (uint32_t i = 0; i < cx->meta.ranges; i++) {
        struct skn_slice value;
        if (!covers(&cx->ranges[i], key)) continue;
        skn_key_exception(&cx->key, skn_dom_address(cx->dom), cx->ranges[i].number, key);
        bool is_there = skn_raw_get(cx, skn_key_slice(&cx->key), &value) == SKN_OK;
        if (is_there && is_delete) skn_raw_delete(cx, skn_key_slice(&cx->key));
        if (!is_there && !is_delete)
            skn_raw_put(cx, skn_key_slice(&cx->key), (struct skn_slice){0});
    }
}

/* The rows of a small range, found before any of them is deleted. False: there are too many. */
static bool delete_few(struct skn_cx *cx, struct skn_slice prefix)
{
    struct skn_slice keys[AT_ONCE_ROWS], from = prefix;
    size_t bytes = 0;
    int n = 0;
    struct skn_row row;
    enum skn_rc rc;
    while ((rc = skn_cx_next(cx, prefix, from, &row)) == SKN_OK) {
        bytes += row.value.len;
        if (n == AT_ONCE_ROWS || bytes > AT_ONCE_BYTES) return false;
        uint8_t *copy = skn_arena_alloc(&cx->arena, row.key.len + 1);
        memcpy(copy, row.key.ptr, row.key.len);
        copy[row.key.len] = 0;
        keys[n++] = skn_slice(copy, row.key.len);
        from = skn_slice(copy, row.key.len + 1);
    }
    for (int i = 0; rc == SKN_ENOENT && i < n; i++)
        skn_cx_delete(cx, keys[i]);
    return true;
}

void skn_cx_delete_range(struct skn_cx *cx, struct skn_slice prefix)
{
    if (prefix.len > SKN_PRIVATE_KEY_MAX) {
        (void)skn_cx_fault(cx, SKN_ETOOLARGE, "a prefix is over 3072 bytes");
        return;
    }
    if (delete_few(cx, prefix) || !load(cx)) return;
    if (cx->meta.ranges >= MARKS_MAX) {
        (void)skn_cx_fault(cx, SKN_EFULL, "64 ranges of rows wait to be removed already");
        return;
    }
    struct skn_range *ranges = skn_arena_zero(&cx->arena, cx->meta.ranges + 1, sizeof *ranges);
    if (cx->meta.ranges > 0) memcpy(ranges, cx->ranges, cx->meta.ranges * sizeof *ranges);
    struct skn_range *range = &ranges[cx->meta.ranges];
    range->number = cx->meta.next_range++;
    range->prefix = range->at = skn_arena_dup(&cx->arena, prefix);
    cx->ranges = ranges;
    cx->meta.ranges++;
    cx->meta_changed = true;
    put_range(cx, range);
}

/* --- removing them -------------------------------------------------------------------------------------------- */

/* The oldest range is done. */
static void drop_first(struct skn_cx *cx)
{
    skn_key_range(&cx->key, skn_dom_address(cx->dom), cx->ranges[0].number);
    skn_raw_delete(cx, skn_key_slice(&cx->key));
    cx->ranges++;
    if (--cx->meta.ranges == 0) cx->meta.next_range = 0;
}

void skn_range_sweep(struct skn_cx *cx)
{
    struct skn_slice address = skn_dom_address(cx->dom);
    if (cx->meta.ranges == 0 || !load(cx)) return;
    struct skn_range *range = &cx->ranges[0];
    skn_key_own(&cx->key, address, range->prefix);
    struct skn_slice prefix = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
    size_t head = prefix.len - range->prefix.len, bytes = 0;
    cx->meta_changed = true;
    for (int i = 0; i < SWEEP_ROWS && bytes < SWEEP_BYTES; i++) {
        struct skn_row row;
        struct skn_slice value;
        skn_key_own(&cx->key, address, range->at);
        enum skn_rc rc = skn_raw_next(cx, prefix, skn_key_slice(&cx->key), &row);
        if (rc == SKN_ENOENT) drop_first(cx);
        if (rc != SKN_OK) return;
        uint8_t *at = skn_arena_alloc(&cx->arena, row.key.len - head + 1);
        memcpy(at, row.key.ptr + head, row.key.len - head);
        at[row.key.len - head] = 0;
        struct skn_slice own = skn_slice(at, row.key.len - head);
        bytes += row.value.len;
        skn_key_exception(&cx->key, address, range->number, own);
        if (skn_raw_get(cx, skn_key_slice(&cx->key), &value) != SKN_OK) {
            if (cx->dom->program->indexes) skn_index_own(cx, own, &row.value, NULL);
            skn_key_own(&cx->key, address, own);
        }
        skn_raw_delete(cx, skn_key_slice(&cx->key)); /* the exception, or the row */
        range->at = skn_slice(at, own.len + 1);
    }
    put_range(cx, range);
}
