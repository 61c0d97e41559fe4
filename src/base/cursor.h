/* cursor.h - reads fixed-width fields out of bytes that may be malformed.
 *
 * Owns        nothing: borrows the bytes.
 * May include base.
 * Threads     none: a cursor belongs to whoever holds it.
 * Invariants
 *   1. Once a read went past the end, `bad` stays set and every read gives zeros or nothing, so
 *      that a decoder checks once, at its end.
 */
#pragma once

#include "base/base.h"
#include "base/slice.h"

#include <endian.h>

struct skn_cursor {
    struct skn_slice rest;
    bool bad;
};

static inline struct skn_cursor skn_cursor(struct skn_slice bytes)
{
    return (struct skn_cursor){.rest = bytes};
}

/* The next `n` bytes, in place; empty when fewer are left. */
static inline struct skn_slice skn_cursor_bytes(struct skn_cursor *cursor, size_t n)
{
    if (cursor->bad || cursor->rest.len < n) {
        cursor->bad = true;
        return (struct skn_slice){0};
    }
    struct skn_slice out = skn_slice(cursor->rest.ptr, n);
    cursor->rest = skn_slice_from(cursor->rest, n);
    return out;
}

static inline uint64_t skn_cursor_le(struct skn_cursor *cursor, size_t width)
{
    struct skn_slice s = skn_cursor_bytes(cursor, width);
    uint64_t n = 0;
    for (size_t i = s.len; i > 0; i--)
        n = n << 8 | s.ptr[i - 1];
    return n;
}

static inline uint64_t skn_cursor_be(struct skn_cursor *cursor, size_t width)
{
    struct skn_slice s = skn_cursor_bytes(cursor, width);
    uint64_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n = n << 8 | s.ptr[i];
    return n;
}

static inline uint8_t skn_cursor_u8(struct skn_cursor *cursor)
{
    struct skn_slice s = skn_cursor_bytes(cursor, 1);
    return s.len > 0 ? s.ptr[0] : 0;
}

/* These two at once, and not byte by byte: nearly every row has some. */
static inline uint32_t skn_cursor_le32(struct skn_cursor *cursor)
{
    struct skn_slice s = skn_cursor_bytes(cursor, sizeof(uint32_t));
    uint32_t n = 0;
    if (s.len > 0) memcpy(&n, s.ptr, sizeof n);
    return le32toh(n);
}

static inline uint64_t skn_cursor_le64(struct skn_cursor *cursor)
{
    struct skn_slice s = skn_cursor_bytes(cursor, sizeof(uint64_t));
    uint64_t n = 0;
    if (s.len > 0) memcpy(&n, s.ptr, sizeof n);
    return le64toh(n);
}

/* Bytes behind a 32-bit little-endian length, as skn_buf users write them. */
static inline struct skn_slice skn_cursor_block(struct skn_cursor *cursor)
{
    uint32_t n = skn_cursor_le32(cursor);
    return skn_cursor_bytes(cursor, n);
}

/* All read, nothing left over, no read past the end. */
static inline bool skn_cursor_is_done(const struct skn_cursor *cursor)
{
    return !cursor->bad && cursor->rest.len == 0;
}
