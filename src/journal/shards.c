/* shards.c - the last record of each shard. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/shards_internal.h"

#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

void skn_jshards_fini(struct skn_jshards *shards)
{
    skn_free(shards->items);
    *shards = (struct skn_jshards){0};
}

/* Where the shard is, or where it belongs. */
static size_t place_of(const struct skn_jshards *shards, uint32_t shard)
{
    size_t low = 0, high = shards->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (shards->items[mid].shard < shard)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct skn_jshard *skn_jshards_find(const struct skn_jshards *shards, uint32_t shard)
{
    size_t i = place_of(shards, shard);
    return i < shards->count && shards->items[i].shard == shard ? &shards->items[i] : NULL;
}

struct skn_jshard *skn_jshards_put(struct skn_jshards *shards, uint32_t shard)
{
    size_t i = place_of(shards, shard);
    if (i < shards->count && shards->items[i].shard == shard) return &shards->items[i];
    if (shards->count == shards->cap) {
        shards->cap = shards->cap == 0 ? 4 : 2 * shards->cap;
        shards->items = skn_realloc(shards->items, shards->cap * sizeof *shards->items);
    }
    struct skn_jshard *at = shards->items + i;
    memmove(at + 1, at, (shards->count - i) * sizeof *at);
    shards->count++;
    *at = (struct skn_jshard){.shard = shard};
    return at;
}

enum skn_rc skn_jshards_check(const struct skn_jshards *shards,
                              const struct skn_record *record,
                              const struct skn_jf_hash *prev,
                              bool is_trimmed,
                              struct skn_diag *diag)
{
    const struct skn_jshard *last = skn_jshards_find(shards, record->shard);
    static const struct skn_jshard none = {0};
    if (!last && is_trimmed && record->index > 1) return SKN_OK; /* what was before it is gone */
    if (!last) last = &none;
    if (record->index != last->index + 1)
        return SKN_CORRUPT(diag,
                           "record %" PRIu64 " of shard %" PRIu32 " follows record %" PRIu64,
                           record->index,
                           record->shard,
                           last->index);
    if (record->stamp <= last->stamp)
        return SKN_CORRUPT(diag,
                           "the stamp of record %" PRIu64 " of shard %" PRIu32
                           " is not greater than the one before it",
                           record->index,
                           record->shard);
    if (record->term < last->term)
        return SKN_CORRUPT(diag,
                           "the term of record %" PRIu64 " of shard %" PRIu32
                           " is less than the one before it",
                           record->index,
                           record->shard);
    if (prev && (prev->lo != last->hash.lo || prev->hi != last->hash.hi))
        return SKN_CORRUPT(diag,
                           "record %" PRIu64 " of shard %" PRIu32
                           " does not continue the record before it",
                           record->index,
                           record->shard);
    return SKN_OK;
}
