/* mem.h - the one place that asks the C library for memory.
 *
 * Owns        nothing; every allocation is its caller's.
 * May include base.
 * Threads     any.
 * Invariants
 *   1. The plain forms never return NULL: out of memory ends the process, and opening it again is
 *      the way back. Replicated code must not see a failed allocation as a result.
 *   2. A size chosen from outside is checked against a limit first and then uses the `try` form.
 */
#pragma once

#include "base/base.h"

/* `size` bytes, not initialised; size 0 gives a pointer that may be freed. */
void *skn_alloc(size_t size) SKN_MUST_USE;

/* `count` x `size` bytes of zeros. An overflow of the product ends the process. */
void *skn_alloc_zero(size_t count, size_t size) SKN_MUST_USE;

/* Grows or shrinks; `ptr` may be NULL. The old pointer is dead. */
void *skn_realloc(void *ptr, size_t size) SKN_MUST_USE;

/* Like skn_realloc, but NULL when there is no memory; the old block is then still there. */
void *skn_try_realloc(void *ptr, size_t size) SKN_MUST_USE;

/* A copy of `size` bytes with a NUL behind them. */
char *skn_dup(const void *ptr, size_t size) SKN_MUST_USE;

void skn_free(void *ptr);

/* The calling thread is about to ask for about so many bytes in small pieces, at most 16 MiB. Only saves
 * time: glibc makes the heap of a thread that is not the main one larger by a page at a time, and asks
 * the kernel for each. */
void skn_mem_expect(size_t bytes);
