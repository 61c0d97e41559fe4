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

struct skn_arena_block;

struct skn_arena {
    struct skn_arena_block *blocks; /* newest first */
    size_t used;
};

/* An empty arena; allocates nothing yet. */
void skn_arena_init(struct skn_arena *arena);
void skn_arena_fini(struct skn_arena *arena);

/* Everything given out is dead; one block of memory is kept for the next use. */
void skn_arena_reset(struct skn_arena *arena);

/* `size` bytes aligned to 16, not initialised. Never NULL. */
void *skn_arena_alloc(struct skn_arena *arena, size_t size) SKN_MUST_USE;

/* `count` x `size` bytes of zeros. */
void *skn_arena_zero(struct skn_arena *arena, size_t count, size_t size) SKN_MUST_USE;

/* A copy that lives as long as the arena, with a NUL behind it. */
struct skn_slice skn_arena_dup(struct skn_arena *arena, struct skn_slice bytes);

/* Text made by a format, NUL behind it. */
const char *skn_arena_printf(struct skn_arena *arena, const char *fmt, ...) SKN_PRINTF(2, 3);

void skn_arena_check(const struct skn_arena *arena);
