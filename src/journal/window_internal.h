/* window_internal.h - bytes of a file, read ahead in large pieces.
 *
 * Owns        its buffer.
 * May include base, env.
 * Threads     none.
 */
#pragma once

#include "base/base.h"
#include "base/mem.h"
#include "env/env.h"

enum { SKN_JWINDOW_BYTES = 1 << 20 };

struct skn_jwindow {
    struct skn_file *file;
    uint8_t *bytes;
    size_t cap;
    size_t len;
    uint64_t at;     /* offset of `bytes` in the file */
    uint64_t length; /* of the file, as far as is known: no more is read ahead */
};

/* Up to `n` bytes at `offset`, fewer only at the end of the file; borrowed until the next call. */
static inline SKN_MUST_USE enum skn_rc skn_jwindow_get(struct skn_jwindow *window,
                                                       uint64_t offset,
                                                       size_t n,
                                                       struct skn_slice *out,
                                                       struct skn_diag *diag)
{
    bool has = offset >= window->at && offset + n <= window->at + window->len;
    if (!has) {
        uint64_t ahead = window->length < SKN_JWINDOW_BYTES ? window->length : SKN_JWINDOW_BYTES;
        size_t want = n > ahead ? n : (size_t)ahead;
        if (window->cap < want) {
            window->bytes = skn_realloc(window->bytes, want);
            window->cap = want;
        }
        window->len = 0;
        size_t len = 0;
        enum skn_rc rc = skn_file_pread(window->file, offset, window->bytes, want, &len, diag);
        if (rc != SKN_OK) return rc;
        window->at = offset;
        window->len = len;
    }
    size_t skip = (size_t)(offset - window->at);
    size_t there = window->len - skip;
    *out = (struct skn_slice){window->bytes + skip, there < n ? there : n};
    return SKN_OK;
}

/* Begins with another file of about `length` bytes; the buffer is kept. */
static inline void
skn_jwindow_turn(struct skn_jwindow *window, struct skn_file *file, uint64_t length)
{
    window->file = file;
    window->length = length;
    window->len = 0;
    window->at = 0;
}

static inline void skn_jwindow_fini(struct skn_jwindow *window)
{
    skn_free(window->bytes);
    *window = (struct skn_jwindow){0};
}
