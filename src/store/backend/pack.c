/* pack.c - the bytes of a packed table, and its rows for whoever asks for rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/backend/pack.h"

#include "base/cursor.h"

#include <ctype.h>
#include <stdio.h>

enum { FORM = 1, NAME_SHOWN = 60 };

struct skn_slice skn_pack_first(struct skn_slice key)
{
    const uint8_t *zero = key.len > 0 ? memchr(key.ptr, 0, key.len) : NULL;
    bool is_named = zero && zero > key.ptr;
    return skn_slice(key.ptr, is_named ? (size_t)(zero - key.ptr) + 1 : 0);
}

void skn_pack_begin(struct skn_buf *out, bool may_be_spread)
{
    SKN_ASSERT(out->len == 0);
    skn_buf_put_u8(out, FORM);
    skn_buf_put_u8(out, may_be_spread);
    skn_buf_put_u8(out, 0);
    skn_buf_put_u8(out, 0);
}

void skn_pack_add(struct skn_buf *out, const struct skn_packed_row *row)
{
    SKN_ASSERT(row->rest.len < SKN_KEY_MAX && row->value.len <= SKN_VALUE_MAX);
    skn_buf_put_u8(out, (uint8_t)(row->rest.len & 0xff));
    skn_buf_put_u8(out, (uint8_t)(row->rest.len >> 8));
    skn_buf_put_le32(out, (uint32_t)row->value.len);
    skn_buf_put_le64(out, row->index);
    skn_buf_put(out, row->rest);
    skn_buf_put(out, row->value);
}

void skn_pack_end(struct skn_buf *out, size_t rows)
{
    SKN_ASSERT(out->len >= SKN_PACKED_HEAD && rows <= UINT16_MAX);
    out->ptr[2] = (uint8_t)(rows & 0xff);
    out->ptr[3] = (uint8_t)(rows >> 8);
}

bool skn_is_packed(struct skn_slice stored, struct skn_slice *out_packed)
{
    static const uint8_t index[SKN_STORED_HEAD] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    if (stored.len < sizeof index || memcmp(stored.ptr, index, sizeof index) != 0) return false;
    *out_packed = skn_slice_from(stored, sizeof index);
    return true;
}

bool skn_packed_next(struct skn_slice *rows, struct skn_packed_row *out_row)
{
    if (rows->len == 0) return false;
    struct skn_cursor at = skn_cursor(*rows);
    size_t rest_len = (size_t)skn_cursor_le(&at, 2);
    size_t value_len = skn_cursor_le32(&at);
    uint64_t index = skn_cursor_le64(&at);
    struct skn_slice rest = skn_cursor_bytes(&at, rest_len);
    *out_row = (struct skn_packed_row){
        .rest = rest, .value = skn_cursor_bytes(&at, value_len), .index = index};
    *rows = at.bad ? (struct skn_slice){0} : at.rest;
    return !at.bad;
}

struct skn_slice
skn_packed_key(uint8_t out[SKN_KEY_MAX], struct skn_slice first, const struct skn_packed_row *row)
{
    SKN_ASSERT(first.len + row->rest.len <= SKN_KEY_MAX);
    memcpy(out, first.ptr, first.len);
    if (row->rest.len > 0) memcpy(out + first.len, row->rest.ptr, row->rest.len);
    return skn_slice(out, first.len + row->rest.len);
}

/* The table for people: what can be printed of its name. */
static enum skn_rc malformed(struct skn_slice first, const char *what, struct skn_diag *diag)
{
    char name[NAME_SHOWN + 1] = {0};
    for (size_t i = 0; i < NAME_SHOWN && i + 1 < first.len; i++)
        name[i] = (char)(isprint(first.ptr[i]) ? first.ptr[i] : '.');
    return SKN_CORRUPT(diag, "the stored table \"%s\" %s", name, what);
}

enum skn_rc skn_packed_open(struct skn_slice first,
                            struct skn_slice packed,
                            struct skn_slice *out_rows,
                            struct skn_diag *diag)
{
    struct skn_slice from = skn_pack_first(first);
    if (from.len == 0 || from.len != first.len)
        return malformed(first, "stands under a key that is none of a table", diag);
    struct skn_cursor at = skn_cursor(packed);
    uint8_t form = skn_cursor_u8(&at), may_be_spread = skn_cursor_u8(&at);
    size_t count = (size_t)skn_cursor_le(&at, 2), seen = 0;
    if (at.bad) return malformed(first, "ends in its head", diag);
    if (form != FORM || may_be_spread > 1) return malformed(first, "is of an unknown form", diag);
    struct skn_slice rest = at.rest, last = {0};
    struct skn_packed_row row;
    while (rest.len > 0) {
        if (!skn_packed_next(&rest, &row)) return malformed(first, "ends inside of a row", diag);
        if (first.len + row.rest.len > SKN_KEY_MAX || row.value.len > SKN_VALUE_MAX ||
            row.index == SKN_PACKED_INDEX)
            return malformed(first, "has a row that can be none", diag);
        if (seen > 0 && skn_slice_cmp(last, row.rest) >= 0)
            return malformed(first, "has its rows in another order", diag);
        last = row.rest;
        seen++;
    }
    if (seen != count) return malformed(first, "has another number of rows than it says", diag);
    *out_rows = at.rest;
    return SKN_OK;
}

bool skn_read_has_room(struct skn_read_sum *sum, const struct skn_read *read, size_t bytes)
{
    bool is_full = sum->rows > 0 && (sum->rows == read->max_rows || sum->bytes >= read->max_bytes);
    sum->is_full = sum->is_full || is_full;
    if (sum->is_full) return false;
    sum->rows++;
    sum->bytes += bytes;
    return true;
}

static bool is_asked_for(const struct skn_read *read, struct skn_slice key)
{
    if (read->end.len == 0) return skn_slice_eq(key, read->from);
    return skn_slice_cmp(key, read->from) >= 0 && skn_slice_cmp(key, read->end) < 0;
}

enum skn_rc skn_packed_give(struct skn_slice first,
                            struct skn_slice packed,
                            const struct skn_read *read,
                            struct skn_read_sum *sum,
                            struct skn_buf *out,
                            struct skn_diag *diag)
{
    if (read->whole) {
        skn_batch_put_stored(out, first, SKN_PACKED_INDEX, packed);
        return SKN_OK; /* whoever takes it looks at it */
    }
    struct skn_slice rows;
    enum skn_rc rc = skn_packed_open(first, packed, &rows, diag);
    if (rc != SKN_OK) return rc;
    uint8_t key[SKN_KEY_MAX];
    struct skn_packed_row row;
    while (skn_packed_next(&rows, &row)) {
        struct skn_slice whole = skn_packed_key(key, first, &row);
        if (!is_asked_for(read, whole)) continue;
        if (!skn_read_has_room(sum, read, whole.len + SKN_STORED_HEAD + row.value.len)) break;
        skn_batch_put_stored(out, whole, row.index, row.value);
    }
    return SKN_OK;
}
