/* buf.c - bytes that grow. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/mem.h"

#include <stdio.h>

void skn_buf_init(struct skn_buf *buf, size_t max)
{
    SKN_ASSERT(max <= SIZE_MAX / 4);
    *buf = (struct skn_buf){.max = max};
}

void skn_buf_fini(struct skn_buf *buf)
{
    if (!buf) return;
    skn_free(buf->ptr);
    *buf = (struct skn_buf){.max = buf->max};
}

void skn_buf_reset(struct skn_buf *buf)
{
    buf->len = 0;
    buf->full = false;
}

/* Room for n more bytes and one NUL, which skn_buf_str needs even at the maximum. */
static void grow(struct skn_buf *buf, size_t n)
{
    if (buf->cap - buf->len > n) return;
    size_t cap = buf->cap < 64 ? 64 : buf->cap * 2;
    if (cap < buf->len + n + 1) cap = buf->len + n + 1;
    buf->ptr = skn_realloc(buf->ptr, cap);
    buf->cap = cap;
}

uint8_t *skn_buf_reserve(struct skn_buf *buf, size_t n)
{
    if (buf->full || n > buf->max - buf->len) {
        buf->full = true;
        return NULL;
    }
    grow(buf, n);
    return buf->ptr + buf->len;
}

void skn_buf_commit(struct skn_buf *buf, size_t n)
{
    SKN_ASSERT(n <= buf->cap - buf->len);
    SKN_ASSERT(n <= buf->max - buf->len);
    buf->len += n;
}

uint8_t *skn_buf_add_slow(struct skn_buf *buf, size_t n)
{
    uint8_t *at = skn_buf_reserve(buf, n);
    if (at) buf->len += n;
    return at;
}

void skn_buf_put_slow(struct skn_buf *buf, struct skn_slice bytes)
{
    uint8_t *to = skn_buf_reserve(buf, bytes.len);
    if (!to) return;
    if (bytes.len > 0) memcpy(to, bytes.ptr, bytes.len);
    buf->len += bytes.len;
}

void skn_buf_put_str(struct skn_buf *buf, const char *text)
{
    skn_buf_put(buf, skn_slice_str(text));
}

void skn_buf_vprintf(struct skn_buf *buf, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    SKN_ASSERT(n >= 0);
    if (skn_buf_reserve(buf, (size_t)n)) {
        (void)vsnprintf((char *)buf->ptr + buf->len, (size_t)n + 1, fmt, again);
        buf->len += (size_t)n;
    }
    va_end(again);
}

void skn_buf_printf(struct skn_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    skn_buf_vprintf(buf, fmt, args);
    va_end(args);
}

enum skn_rc skn_buf_rc(const struct skn_buf *buf)
{
    return buf->full ? SKN_EFULL : SKN_OK;
}

const char *skn_buf_str(struct skn_buf *buf)
{
    grow(buf, 0);
    buf->ptr[buf->len] = '\0';
    return (const char *)buf->ptr;
}

void skn_buf_check(const struct skn_buf *buf)
{
    SKN_ASSERT(buf->len <= buf->cap);
    SKN_ASSERT(buf->len <= buf->max);
    if (buf->cap > 0) SKN_ASSERT(buf->ptr);
}
