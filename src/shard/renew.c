/* renew.c - a restored copy begins: new epochs and a new secret, before anything is handled. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "shard/parts_internal.h"

/* With writes_at_once the first step gives the record of the epoch [E43]; no other is taken. */
static enum skn_rc renew_shard(struct skn_shards *all, uint32_t i, struct skn_diag *diag)
{
    struct skn_record record;
    uint64_t now_ms = skn_shards_now_ms(all);
    enum skn_rc rc = skn_core_step(all->shards[i]->core, now_ms, &record, diag);
    if (rc != SKN_OK) return rc;
    SKN_ASSERT(skn_slice_eq(record.message, SKN_LIT("open")));
    rc = skn_journal_append(all->log.journal, &record, diag);
    if (rc != SKN_EFULL) return rc;
    rc = skn_journal_flush(all->log.journal, diag);
    return rc == SKN_OK ? skn_journal_append(all->log.journal, &record, diag) : rc;
}

enum skn_rc skn_shards_renew(const struct skn_shards_options *options, struct skn_diag *diag)
{
    struct skn_shards *all = NULL;
    struct skn_shards_options renewing = *options;
    renewing.writes_at_once = true;
    enum skn_rc rc = skn_shards_open(&renewing, &all, diag);
    if (rc != SKN_OK) return rc;
    for (uint32_t i = 0; rc == SKN_OK && i < all->count; i++)
        rc = renew_shard(all, i, diag);
    if (rc == SKN_OK) rc = skn_journal_flush(all->log.journal, diag);
    if (rc == SKN_OK) return skn_shards_close(all, diag);
    skn_shards_abandon(all);
    return rc;
}
