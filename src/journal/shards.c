/* shards.c - the last record of each shard. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/shards_internal.h"

#include "base/mem.h"

#include <inttypes.h>

void skn_jshards_init(struct skn_jshards *shards, uint32_t count)
{
    SKN_ASSERT(count > 0 && count <= SKN_JOURNAL_SHARDS_MAX);
    *shards = (struct skn_jshards){skn_alloc_zero(count, sizeof *shards->items), count};
}

void skn_jshards_fini(struct skn_jshards *shards)
{
    skn_free(shards->items);
    *shards = (struct skn_jshards){0};
}

enum skn_rc skn_jshards_check(const struct skn_jshards *shards,
                              const struct skn_record *record,
                              const struct skn_jf_hash *prev,
                              bool is_trimmed,
                              struct skn_diag *diag)
{
    if (record->shard >= shards->count)
        return SKN_CORRUPT(diag,
                           "record %" PRIu64 " is of shard %" PRIu32 ", and there are %" PRIu32,
                           record->index,
                           record->shard,
                           shards->count);
    const struct skn_jshard *last = &shards->items[record->shard];
    if (last->index == 0 && is_trimmed && record->index > 1) return SKN_OK;
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

void skn_jshards_put(struct skn_jshards *shards,
                     const struct skn_record *record,
                     struct skn_jf_hash hash)
{
    SKN_ASSERT(record->shard < shards->count);
    shards->items[record->shard] =
        (struct skn_jshard){record->index, record->term, record->stamp, hash};
}

uint64_t *skn_jshards_indexes(const struct skn_jshards *shards)
{
    uint64_t *indexes = skn_alloc(shards->count * sizeof *indexes);
    for (uint32_t i = 0; i < shards->count; i++)
        indexes[i] = shards->items[i].index;
    return indexes;
}
