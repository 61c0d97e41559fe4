/* slice.h - bytes and text that somebody else owns, by value.
 *
 * Owns        nothing: a slice borrows; it dies with what it points into.
 * May include base.
 * Threads     any.
 */
#pragma once

#include "base/base.h"

#include <string.h>

struct skn_slice {
    const uint8_t *ptr; /* may be NULL when len is 0 */
    size_t len;
};

/* A slice of a string literal, without its NUL. */
#define SKN_LIT(text) ((struct skn_slice){(const uint8_t *)("" text), sizeof(text) - 1})

/* The two arguments of a "%.*s". Text over INT_MAX bytes is shown cut. */
#define SKN_FMT(s) ((s).len > INT32_MAX ? INT32_MAX : (int)(s).len), (const char *)(s).ptr

static inline struct skn_slice skn_slice(const void *ptr, size_t len)
{
    return (struct skn_slice){ptr, len};
}

/* A C string, borrowed, without its NUL. */
static inline struct skn_slice skn_slice_str(const char *text)
{
    return (struct skn_slice){(const uint8_t *)text, strlen(text)};
}

static inline bool skn_slice_eq(struct skn_slice a, struct skn_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Byte order, a prefix before what it begins: negative, 0 or positive. */
static inline int skn_slice_cmp(struct skn_slice a, struct skn_slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n == 0 ? 0 : memcmp(a.ptr, b.ptr, n);
    if (order != 0) return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

static inline bool skn_slice_has_prefix(struct skn_slice s, struct skn_slice prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

/* What is left behind the first `n` bytes; n <= s.len. */
static inline struct skn_slice skn_slice_from(struct skn_slice s, size_t n)
{
    SKN_ASSERT(n <= s.len);
    return (struct skn_slice){n == 0 ? s.ptr : s.ptr + n, s.len - n};
}
