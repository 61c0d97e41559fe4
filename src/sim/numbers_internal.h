/* numbers_internal.h - rows whose value is a few numbers, little-endian, 8 bytes each; and payloads.
 *
 * May include base, value, core.
 * Threads     none.
 */
#pragma once

#include "base/cursor.h"
#include "core/cx.h"

#include <string.h>

enum { NUMBERS_MAX = 6 };

struct numbers {
    uint64_t n[NUMBERS_MAX];
};

/* These are made at each slice: by printf they were a tenth of a simulation. */

/* The first byte of the key says what the row is. */
static inline struct skn_slice
numbers_key(struct skn_arena *arena, const char *kind, struct skn_slice rest)
{
    size_t head = strlen(kind);
    uint8_t *bytes = skn_arena_alloc(arena, head + rest.len + 1);
    memcpy(bytes, kind, head);
    if (rest.len > 0) memcpy(bytes + head, rest.ptr, rest.len);
    return skn_slice(bytes, head + rest.len);
}

/* A number between two texts, of which the second begins with no digit. */
static inline struct skn_slice
numbers_text(struct skn_arena *arena, const char *head, uint64_t n, struct skn_slice tail)
{
    uint8_t digits[20], *first = digits + sizeof digits;
    size_t len = strlen(head);
    do
        *--first = (uint8_t)('0' + n % 10);
    while ((n /= 10) > 0);
    size_t count = (size_t)(digits + sizeof digits - first);
    uint8_t *bytes = skn_arena_alloc(arena, len + count + tail.len);
    memcpy(bytes, head, len);
    memcpy(bytes + len, first, count);
    if (tail.len > 0) memcpy(bytes + len + count, tail.ptr, tail.len);
    return skn_slice(bytes, len + count + tail.len);
}

static inline struct numbers numbers_decode(struct skn_slice bytes)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    struct numbers out = {{0}};
    SKN_ASSERT(bytes.len % 8 == 0 && bytes.len <= sizeof out);
    for (size_t i = 0; i < bytes.len / 8; i++)
        out.n[i] = skn_cursor_le64(&cursor);
    return out;
}

/* False, and zeros: there is no such row, or the slice cannot go on. */
static inline bool numbers_get(struct skn_cx *cx, struct skn_slice key, struct numbers *out)
{
    struct skn_slice bytes;
    *out = (struct numbers){{0}};
    if (skn_cx_get(cx, key, &bytes) != SKN_OK) return false;
    *out = numbers_decode(bytes);
    return true;
}

static inline void
numbers_put(struct skn_cx *cx, struct skn_slice key, const struct numbers *row, size_t count)
{
    struct skn_buf *out = skn_cx_scratch(cx);
    for (size_t i = 0; i < count; i++)
        skn_buf_put_le64(out, row->n[i]);
    skn_cx_put(cx, key, skn_buf_slice(out));
}

static inline struct skn_value payload_member(struct skn_value map, const char *name)
{
    struct skn_value v = skn_value_none();
    if (skn_value_is(map, SKN_T_MAP)) (void)skn_map_get(map, skn_slice_str(name), &v);
    return v;
}

static inline int64_t payload_int(struct skn_value map, const char *name)
{
    struct skn_value v = payload_member(map, name);
    return skn_value_is(v, SKN_T_INT) ? skn_value_as_int(v) : 0;
}

static inline struct skn_slice payload_text(struct skn_value map, const char *name)
{
    struct skn_value v = payload_member(map, name);
    return skn_value_is(v, SKN_T_STRING) ? skn_value_as_text(v) : (struct skn_slice){0};
}

static inline bool is_name(struct skn_slice name, const char *text)
{
    return skn_slice_eq(name, skn_slice_str(text));
}
