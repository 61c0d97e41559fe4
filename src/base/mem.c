/* mem.c - allocation that ends the process rather than fail. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

SKN_NORETURN static void out_of_memory(size_t size)
{
    (void)fprintf(
        stderr, "skein: out of memory (%zu bytes); stopping, start again to resume\n", size);
    _Exit(70);
}

void *skn_alloc(size_t size)
{
    void *ptr = malloc(size > 0 ? size : 1);
    if (!ptr) out_of_memory(size);
    return ptr;
}

void *skn_alloc_zero(size_t count, size_t size)
{
    void *ptr = calloc(count > 0 ? count : 1, size > 0 ? size : 1);
    if (!ptr) out_of_memory(size);
    return ptr;
}

void *skn_realloc(void *ptr, size_t size)
{
    void *grown = skn_try_realloc(ptr, size);
    if (!grown) out_of_memory(size);
    return grown;
}

void *skn_try_realloc(void *ptr, size_t size)
{
    return realloc(ptr, size > 0 ? size : 1);
}

char *skn_dup(const void *ptr, size_t size)
{
    char *copy = skn_alloc(size + 1);
    if (size > 0) memcpy(copy, ptr, size);
    copy[size] = '\0';
    return copy;
}

void skn_free(void *ptr)
{
    free(ptr);
}

/* Blocks that still come from the thread's heap; what was opened for them stays open to it. */
void skn_mem_expect(size_t bytes)
{
    enum { BLOCK = 96 << 10, BLOCKS_MAX = 171 };
    void *volatile blocks[BLOCKS_MAX];
    size_t count = (bytes + BLOCK - 1) / BLOCK, made = 0;
    if (count > BLOCKS_MAX) count = BLOCKS_MAX;
    while (made < count && (blocks[made] = malloc(BLOCK)) != NULL)
        made++;
    while (made > 0)
        free(blocks[--made]);
}
