/* arena.h - memory that dies together: at the end of a slice, a request or a compilation.
 *
 * Owns        everything it gave out.
 * May include base.
 * Threads     none: an arena belongs to whoever holds it.
 * Invariants  (skn_arena_check)
 *   1. What was given out does not move before reset or fini.
 *   2. `used` counts the bytes given out by rule (rounded up to 16), the same on every machine.
 */
#pragma once

#include "base/base.h"
#include "base/slice.h"

enum { SKN_ARENA_ALIGN = 16 };

struct skn_arena_block;

struct skn_arena {
    struct skn_arena_block *blocks; /* newest first */
    size_t used;
    uint8_t *at; /* the next byte of the newest block, aligned to 16 */
    size_t left; /* bytes of it from there on */
};

/* An empty arena; allocates nothing yet. */
void skn_arena_init(struct skn_arena *arena);
void skn_arena_fini(struct skn_arena *arena);

/* Everything given out is dead; one block of memory is kept for the next use. */
void skn_arena_reset(struct skn_arena *arena);

/* For when it needs a new block. */
void *skn_arena_alloc_slow(struct skn_arena *arena, size_t size) SKN_MUST_USE;

/* `size` bytes aligned to 16, not initialised. Never NULL. */
SKN_MUST_USE static inline void *skn_arena_alloc(struct skn_arena *arena, size_t size)
{
    if (size > arena->left) return skn_arena_alloc_slow(arena, size);
    void *ptr = arena->at;
    size = (size + SKN_ARENA_ALIGN - 1) & ~(size_t)(SKN_ARENA_ALIGN - 1); /* so is what is left */
    arena->at += size;
    arena->left -= size;
    arena->used += size;
    return ptr;
}

/* `count` x `size` bytes of zeros. */
void *skn_arena_zero(struct skn_arena *arena, size_t count, size_t size) SKN_MUST_USE;

/* A copy that lives as long as the arena, with a NUL behind it. */
static inline struct skn_slice skn_arena_dup(struct skn_arena *arena, struct skn_slice bytes)
{
    uint8_t *copy = skn_arena_alloc(arena, bytes.len + 1);
    if (bytes.len > 0) memcpy(copy, bytes.ptr, bytes.len);
    copy[bytes.len] = 0;
    return skn_slice(copy, bytes.len);
}

/* Text made by a format, NUL behind it. */
const char *skn_arena_printf(struct skn_arena *arena, const char *fmt, ...) SKN_PRINTF(2, 3);

void skn_arena_check(const struct skn_arena *arena);
