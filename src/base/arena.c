/* arena.c - blocks that double, given out from their front. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

struct skn_arena_block {
    struct skn_arena_block *next;
    size_t cap;    /* a multiple of the alignment */
    size_t len;    /* given out, once another one is the newest */
    size_t unused; /* keeps the bytes behind the header aligned to 16 */
};

static_assert(sizeof(struct skn_arena_block) % SKN_ARENA_ALIGN == 0,
              "blocks give out aligned bytes");

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

static void begin(struct skn_arena *arena, struct skn_arena_block *block)
{
    arena->at = (uint8_t *)(block + 1);
    arena->left = block->cap;
}

void skn_arena_reset(struct skn_arena *arena)
{
    arena->used = 0;
    if (!arena->blocks) return;
    if (arena->blocks->next) free_blocks(arena->blocks->next);
    arena->blocks->next = NULL;
    begin(arena, arena->blocks);
}

static void add_block(struct skn_arena *arena, size_t size)
{
    size_t cap = arena->blocks ? arena->blocks->cap * 2 : FIRST_BLOCK;
    if (cap > LARGEST_BLOCK) cap = LARGEST_BLOCK;
    if (cap < size) cap = size;
    struct skn_arena_block *block = skn_alloc(sizeof *block + cap);
    *block = (struct skn_arena_block){.next = arena->blocks, .cap = cap};
    if (arena->blocks) arena->blocks->len = arena->blocks->cap - arena->left;
    arena->blocks = block;
    begin(arena, block);
}

void *skn_arena_alloc_slow(struct skn_arena *arena, size_t size)
{
    SKN_ASSERT(size <= SIZE_MAX / 2);
    add_block(arena, (size + SKN_ARENA_ALIGN - 1) & ~(size_t)(SKN_ARENA_ALIGN - 1));
    return skn_arena_alloc(arena, size);
}

void *skn_arena_zero(struct skn_arena *arena, size_t count, size_t size)
{
    SKN_ASSERT(size == 0 || count <= SIZE_MAX / 2 / size);
    void *ptr = skn_arena_alloc(arena, count * size);
    if (count * size > 0) memset(ptr, 0, count * size);
    return ptr;
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
        size_t given = b == arena->blocks ? b->cap - arena->left : b->len;
        SKN_ASSERT(given <= b->cap);
        SKN_ASSERT(b->cap % SKN_ARENA_ALIGN == 0);
        len += given;
    }
    SKN_ASSERT(len == arena->used);
    if (arena->blocks)
        SKN_ASSERT(arena->at + arena->left == (uint8_t *)(arena->blocks + 1) + arena->blocks->cap);
}
