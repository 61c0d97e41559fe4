/* prefix.c - the table that a key is in, as RocksDB's filters know it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rocks/rocks_internal.h"

#include <string.h>

/* A range read looks into every level, and has a block of each read from disk and unpacked; a filter of
 * keys cannot help it. So the filters have tables too: a domain that has no row, or has rows in one file
 * only, costs the others no read. The name is in each file: one that was written under another rule, or
 * before there was any, is read without. */
static const char name[] = "skein.table.1";

size_t skn_rocks_prefix_len(const uint8_t *key, size_t len)
{
    if (len < 3 || (key[0] == 0xff && key[1] == 0xff)) return 0; /* our own */
    const uint8_t *zero = memchr(key + 2, 0, len - 2);
    return zero ? (size_t)(zero + 1 - key) : 0;
}

static char *transform(void *state, const char *key, size_t len, size_t *out_len)
{
    (void)state;
    *out_len = skn_rocks_prefix_len((const uint8_t *)key, len);
    return (char *)(uintptr_t)key;
}

static unsigned char is_in_domain(void *state, const char *key, size_t len)
{
    (void)state;
    return skn_rocks_prefix_len((const uint8_t *)key, len) > 0;
}

static unsigned char is_in_range(void *state, const char *key, size_t len)
{
    (void)state, (void)key, (void)len;
    return 0; /* RocksDB has no use for it any more */
}

static const char *name_of(void *state)
{
    (void)state;
    return name;
}

static void destroy(void *state)
{
    (void)state;
}

void skn_rocks_set_prefix(struct skn_rocks *r, rocksdb_options_t *options)
{
    /* The options own it from here on. */
    r->lib.options_set_prefix_extractor(
        options,
        r->lib.slicetransform_create(NULL, destroy, transform, is_in_domain, is_in_range, name_of));
}
