/* buf.h - bytes that grow, up to a maximum given at the start.
 *
 * Owns        its bytes.
 * May include base.
 * Threads     none: a buffer belongs to whoever holds it.
 * Invariants  (skn_buf_check)
 *   1. len <= cap, and len <= max.
 *   2. Once an append did not fit, `full` stays set until reset and nothing more is appended, so
 *      that a chain of appends is checked once at its end.
 */
#pragma once

#include "base/base.h"
#include "base/rc.h"
#include "base/slice.h"

#include <endian.h>
#include <stdarg.h>
#include <string.h>

struct skn_buf {
    uint8_t *ptr;
    size_t len;
    size_t cap;
    size_t max;
    bool full;
};

/* An empty buffer that may hold `max` bytes. Allocates nothing yet. */
void skn_buf_init(struct skn_buf *buf, size_t max);
void skn_buf_fini(struct skn_buf *buf);

/* Empties it, keeps its memory, clears `full`. */
void skn_buf_reset(struct skn_buf *buf);

/* Gives `n` writable bytes behind the end, not counted yet, or NULL when they would pass max.
 * The pointer dies with the next call on the buffer. */
uint8_t *skn_buf_reserve(struct skn_buf *buf, size_t n) SKN_MUST_USE;

/* Counts `n` reserved bytes as written. */
void skn_buf_commit(struct skn_buf *buf, size_t n);

/* For when it has to grow, or is full. */
uint8_t *skn_buf_add_slow(struct skn_buf *buf, size_t n) SKN_MUST_USE;

/* Both in one: `n` bytes that the caller writes at once. NULL when they would pass max. */
SKN_MUST_USE static inline uint8_t *skn_buf_add(struct skn_buf *buf, size_t n)
{
    /* One byte stays for the NUL of skn_buf_str. */
    if (n >= buf->cap - buf->len || n > buf->max - buf->len || buf->full)
        return skn_buf_add_slow(buf, n);
    uint8_t *at = buf->ptr + buf->len;
    buf->len += n;
    return at;
}

/* For when it has to grow, or is full. */
void skn_buf_put_slow(struct skn_buf *buf, struct skn_slice bytes);

static inline void skn_buf_put(struct skn_buf *buf, struct skn_slice bytes)
{
    /* One byte stays for the NUL of skn_buf_str. */
    bool fits = bytes.len < buf->cap - buf->len && bytes.len <= buf->max - buf->len && !buf->full;
    if (fits && bytes.len > 0) {
        memcpy(buf->ptr + buf->len, bytes.ptr, bytes.len);
        buf->len += bytes.len;
    } else if (!fits) {
        skn_buf_put_slow(buf, bytes);
    }
}

static inline void skn_buf_put_u8(struct skn_buf *buf, uint8_t byte)
{
    skn_buf_put(buf, skn_slice(&byte, 1));
}

void skn_buf_put_str(struct skn_buf *buf, const char *text);
void skn_buf_printf(struct skn_buf *buf, const char *fmt, ...) SKN_PRINTF(2, 3);
void skn_buf_vprintf(struct skn_buf *buf, const char *fmt, va_list args) SKN_PRINTF(2, 0);

/* Fixed-width integers: little-endian for what is only read, big-endian for keys. */
static inline void skn_buf_put_le32(struct skn_buf *buf, uint32_t n)
{
    n = htole32(n);
    skn_buf_put(buf, skn_slice(&n, sizeof n));
}

static inline void skn_buf_put_le64(struct skn_buf *buf, uint64_t n)
{
    n = htole64(n);
    skn_buf_put(buf, skn_slice(&n, sizeof n));
}

static inline void skn_buf_put_be16(struct skn_buf *buf, uint16_t n)
{
    n = htobe16(n);
    skn_buf_put(buf, skn_slice(&n, sizeof n));
}

static inline void skn_buf_put_be32(struct skn_buf *buf, uint32_t n)
{
    n = htobe32(n);
    skn_buf_put(buf, skn_slice(&n, sizeof n));
}

static inline void skn_buf_put_be64(struct skn_buf *buf, uint64_t n)
{
    n = htobe64(n);
    skn_buf_put(buf, skn_slice(&n, sizeof n));
}

/* A u32 length, little-endian, and the bytes: what skn_cursor_block reads. At most 4 GiB. */
static inline void skn_buf_put_block(struct skn_buf *buf, struct skn_slice bytes)
{
    SKN_ASSERT(bytes.len <= UINT32_MAX);
    skn_buf_put_le32(buf, (uint32_t)bytes.len);
    skn_buf_put(buf, bytes);
}

/* The bytes so far, borrowed until the next call on the buffer. */
static inline struct skn_slice skn_buf_slice(const struct skn_buf *buf)
{
    return skn_slice(buf->ptr, buf->len);
}

/* SKN_OK, or SKN_EFULL when an append was refused since the last reset. */
SKN_MUST_USE enum skn_rc skn_buf_rc(const struct skn_buf *buf);

/* A NUL behind the bytes (not counted), so that ptr is a C string. An over-full buffer is cut. */
const char *skn_buf_str(struct skn_buf *buf);

void skn_buf_check(const struct skn_buf *buf);
