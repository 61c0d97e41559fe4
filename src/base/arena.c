/* arena.c - blocks that double, given out from their front. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

enum { ALIGN = 16, FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

struct skn_arena_block {
    struct skn_arena_block *next;
    size_t cap;
    size_t len;
    size_t unused; /* keeps the bytes behind the header aligned to 16 */
};

static_assert(sizeof(struct skn_arena_block) % ALIGN == 0, "blocks give out aligned bytes");

void skn_arena_init(struct skn_arena *arena)
{
    *arena = (struct skn_arena){0};
}

static void free_blocks(struct skn_arena_block *block)
{
    while (block) {
        struct skn_arena_block *next = block->next;
        skn_free(block);
        block = next;
    }
}

void skn_arena_fini(struct skn_arena *arena)
{
    if (!arena) return;
    free_blocks(arena->blocks);
    *arena = (struct skn_arena){0};
}

void skn_arena_reset(struct skn_arena *arena)
{
    arena->used = 0;
    if (!arena->blocks) return;
    free_blocks(arena->blocks->next);
    arena->blocks->next = NULL;
    arena->blocks->len = 0;
}

static void add_block(struct skn_arena *arena, size_t size)
{
    size_t cap = arena->blocks ? arena->blocks->cap * 2 : FIRST_BLOCK;
    if (cap > LARGEST_BLOCK) cap = LARGEST_BLOCK;
    if (cap < size) cap = size;
    struct skn_arena_block *block = skn_alloc(sizeof *block + cap);
    *block = (struct skn_arena_block){.next = arena->blocks, .cap = cap};
    arena->blocks = block;
}

void *skn_arena_alloc(struct skn_arena *arena, size_t size)
{
    SKN_ASSERT(size <= SIZE_MAX / 2);
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!arena->blocks || arena->blocks->cap - arena->blocks->len < size) add_block(arena, size);
    struct skn_arena_block *block = arena->blocks;
    void *ptr = (uint8_t *)(block + 1) + block->len;
    block->len += size;
    arena->used += size;
    return ptr;
}

void *skn_arena_zero(struct skn_arena *arena, size_t count, size_t size)
{
    SKN_ASSERT(size == 0 || count <= SIZE_MAX / 2 / size);
    void *ptr = skn_arena_alloc(arena, count * size);
    if (count * size > 0) memset(ptr, 0, count * size);
    return ptr;
}

struct skn_slice skn_arena_dup(struct skn_arena *arena, struct skn_slice bytes)
{
    uint8_t *copy = skn_arena_alloc(arena, bytes.len + 1);
    if (bytes.len > 0) memcpy(copy, bytes.ptr, bytes.len);
    copy[bytes.len] = 0;
    return skn_slice(copy, bytes.len);
}

const char *skn_arena_printf(struct skn_arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    SKN_ASSERT(n >= 0);
    char *text = skn_arena_alloc(arena, (size_t)n + 1);
    va_start(args, fmt);
    (void)vsnprintf(text, (size_t)n + 1, fmt, args);
    va_end(args);
    return text;
}

void skn_arena_check(const struct skn_arena *arena)
{
    size_t len = 0;
    for (const struct skn_arena_block *b = arena->blocks; b; b = b->next) {
        SKN_ASSERT(b->len <= b->cap);
        len += b->len;
    }
    SKN_ASSERT(len == arena->used);
}
