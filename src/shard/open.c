/* open.c - from journal and store to shards that can be turned, and back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/hlc.h"
#include "base/mem.h"
#include "core/guard.h"
#include "shard/history_internal.h"
#include "shard/parts_internal.h"

#include <inttypes.h>

static uint64_t or_default(uint64_t given, uint64_t otherwise)
{
    return given ? given : otherwise;
}

struct skn_shards *shards_new(const struct skn_shards_options *options, bool is_read_only)
{
    struct skn_shards *all = skn_alloc_zero(1, sizeof *all);
    all->env = options->env;
    all->backend = options->backend;
    all->programs = options->programs;
    all->options = *options;
    all->is_read_only = is_read_only;
    struct skn_checkpoint_limits *limits = &all->options.checkpoint;
    limits->records = or_default(limits->records, 500000);
    limits->bytes = or_default(limits->bytes, UINT64_C(256) << 20);
    limits->ms = or_default(limits->ms, 30000);
    all->options.speculative_bytes = or_default(options->speculative_bytes, UINT64_C(256) << 20);
    all->worker_count = options->workers ? options->workers : 1;
    SKN_ASSERT(all->worker_count <= SKN_WORKERS_MAX);
    skn_list_init(&all->answered);
    skn_list_init(&all->log.writing);
    return all;
}

/* --- shards -------------------------------------------------------------------------------------------- */

static enum skn_rc create_shard(struct skn_shards *all,
                                uint32_t number,
                                const struct skn_journal_info *info,
                                struct skn_diag *diag)
{
    struct shard *shard = skn_alloc_zero(1, sizeof *shard);
    struct skn_list *lists[] = {&shard->active_link,
                                &shard->release_link,
                                &shard->want_link,
                                &shard->calls,
                                &shard->called};
    for (size_t i = 0; i < SKN_ARRAY_LEN(lists); i++)
        skn_list_init(lists[i]);
    shard->number = number;
    all->shards[number] = shard;
    const struct skn_store_options store = {.backend = all->backend,
                                            .shard = number,
                                            .cache_bytes = all->options.cache_bytes / all->count,
                                            .hash_seed = all->hash_seed};
    enum skn_rc rc = skn_store_open(&store, &shard->store, diag);
    if (rc != SKN_OK) return rc;
    skn_store_set_blocking(shard->store, true);
    struct skn_handling *handling = all->options.handling;
    /* As create_workers deals them out. */
    unsigned workers = all->worker_count > all->count ? all->count : all->worker_count;
    const struct skn_core_options core = {.handling = handling ? &handling[number % workers] : NULL,
                                          .poison = all->options.poison,
                                          .poison_count = all->options.poison_count,
                                          .keys = all->options.keys,
                                          .shard = number,
                                          .shards = all->count,
                                          .hash_seed = all->hash_seed,
                                          .store = shard->store,
                                          .programs = all->programs,
                                          .limits = all->options.limits,
                                          .tells_no_why = info->level < 2,
                                          .check_rebuild = all->options.check_rebuild};
    shard->core = skn_core_create(&core);
    shard->owed = skn_alloc_zero((all->count + 63) / 64, sizeof *shard->owed);
    return SKN_OK;
}

/* A trimmed journal shows a store that is too old only in shards of which records are left; what the
 * last trim knew of all shards shows it always [E9]. */
static enum skn_rc
check_age(const struct skn_shards *all, const struct skn_journal_info *info, struct skn_diag *diag)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < all->count; i++)
        sum += all->log.kept[i].index;
    if (sum >= info->trimmed) return SKN_OK;
    return SKN_CORRUPT(diag,
                       "the store has %" PRIu64 " records of all shards, and had %" PRIu64
                       " when the journal in \"%s\" was trimmed: the store is older, and what lay "
                       "between is gone",
                       sum,
                       info->trimmed,
                       all->options.dir);
}

enum skn_rc
shards_create(struct skn_shards *all, const struct skn_journal_info *info, struct skn_diag *diag)
{
    uint32_t count = all->count = info->shards;
    SKN_ASSERT(count > 0 && count <= SKN_SHARDS_MAX);
    enum skn_rc rc = skn_env_random(all->env, &all->hash_seed, sizeof all->hash_seed, diag);
    all->hash_seed ^= all->options.hash_salt;
    if (rc == SKN_OK && all->options.open_store)
        rc = all->options.open_store(all->options.store_ctx, info, &all->backend, diag);
    all->shards = skn_alloc_zero(count, sizeof(struct shard *));
    all->log.kept = skn_alloc_zero(count, sizeof *all->log.kept);
    for (uint32_t i = 0; rc == SKN_OK && i < count; i++) {
        rc = create_shard(all, i, info, diag);
        if (rc != SKN_OK) break;
        all->log.kept[i] = (struct skn_journal_mark){
            .shard = i, .index = skn_store_position(all->shards[i]->store).index};
    }
    if (rc != SKN_OK || all->past) return rc; /* a base is older, and has segments of its own */
    return check_age(all, info, diag);
}

static void destroy_shard(struct shard *shard)
{
    if (!shard) return;
    skn_core_destroy(shard->core);
    skn_store_destroy(shard->store);
    skn_free(shard->owed);
    skn_free(shard);
}

void shards_free(struct skn_shards *all)
{
    struct skn_list *link;
    rings_destroy(all);
    outside_fini(all);
    while ((link = skn_list_pop_front(&all->log.writing)))
        chunk_free(SKN_CONTAINER_OF(link, struct chunk, link));
    for (unsigned w = 0; all->workers && w < all->worker_count; w++)
        worker_fini(&all->workers[w]);
    for (uint32_t i = 0; all->shards && i < all->count; i++)
        destroy_shard(all->shards[i]);
    skn_free(all->workers);
    skn_free(all->shards);
    history_close(all);
    past_free(all);
    skn_free(all->log.kept);
    skn_free(all);
}

/* --- rows as of the journal's end ------------------------------------------------------------------------ */

enum skn_rc shards_redo(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    struct skn_shards *all = ctx;
    if (record->shard >= all->count)
        return SKN_CORRUPT(diag, "a record names shard %u of %u", record->shard, all->count);
    struct shard *shard = all->shards[record->shard];
    uint64_t kept = all->log.kept[record->shard].index;
    if (shard->last_redone == 0 && record->index > kept + 1)
        return SKN_CORRUPT(diag,
                           "the journal in \"%s\" begins with record %" PRIu64
                           " of shard %u and the store ends with record %" PRIu64
                           ": the store is older, and what lay between is gone",
                           all->options.dir,
                           record->index,
                           record->shard,
                           kept);
    shard->last_redone = record->index;
    return all->redo ? redo_give(all->redo, record, diag)
                     : skn_core_redo(shard->core, record, diag);
}

/* Ahead of it: then records that it has were lost. */
enum skn_rc shards_check_positions(struct skn_shards *all, struct skn_diag *diag)
{
    for (uint32_t i = 0; i < all->count; i++) {
        uint64_t last = all->shards[i]->last_redone, kept = all->log.kept[i].index;
        if (last > 0 && last < kept)
            return SKN_CORRUPT(diag,
                               "the store has shard %u up to record %" PRIu64
                               ", the journal in \"%s\" ends at record %" PRIu64,
                               i,
                               kept,
                               all->options.dir,
                               last);
        if (last < kept) last = kept; /* all of its records are trimmed */
        atomic_fetch_add_explicit(&all->records, last, memory_order_relaxed);
    }
    return SKN_OK;
}

/* One secret for all shards: drawn when the data is made, and in the first record of each. A crash
 * there may have left it in any of them. */
static enum skn_rc find_secret(struct skn_shards *all, struct skn_diag *diag)
{
    enum skn_rc rc = skn_env_random(all->env, all->secret, sizeof all->secret, diag);
    bool is_found = false;
    if (all->options.new_secret) return rc;
    for (uint32_t i = 0; rc == SKN_OK && i < all->count; i++) {
        uint8_t secret[SKN_SECRET_BYTES];
        rc = skn_core_stored_secret(all->shards[i]->store, secret, diag);
        if (rc == SKN_OK && is_found && memcmp(all->secret, secret, sizeof secret) != 0)
            return SKN_CORRUPT(diag, "shard %u has another store secret than those before it", i);
        if (rc == SKN_OK) memcpy(all->secret, secret, sizeof secret);
        is_found |= rc == SKN_OK;
        if (rc == SKN_ENOENT) rc = SKN_OK;
    }
    return rc;
}

static enum skn_rc open_cores(struct skn_shards *all, bool was_created, struct skn_diag *diag)
{
    struct skn_core_opening opening = {.secret = all->secret,
                                       .take_up_all = all->options.take_up_all,
                                       .writes_at_once = was_created || all->options.writes_at_once,
                                       .epoch_floor = all->options.epoch_floor,
                                       .epoch_leap = all->options.epoch_leap,
                                       .new_secret = all->options.new_secret};
    enum skn_rc rc = find_secret(all, diag);
    for (uint32_t i = 0; rc == SKN_OK && i < all->count; i++) {
        rc = skn_core_open(all->shards[i]->core, &opening, diag);
        if (rc != SKN_OK) break;
        skn_store_set_blocking(all->shards[i]->store, false);
        uint64_t epoch = skn_core_epoch(all->shards[i]->core);
        if (epoch > all->epoch) all->epoch = epoch;
    }
    return rc;
}

static void create_workers(struct skn_shards *all)
{
    if (all->worker_count > all->count) all->worker_count = all->count;
    all->workers = skn_alloc_zero(all->worker_count, sizeof *all->workers);
    all->waiting = skn_alloc_zero(all->worker_count, sizeof *all->waiting);
    for (unsigned w = 0; w < all->worker_count; w++) {
        worker_init(all, w);
        skn_list_init(&all->waiting[w]);
    }
    for (uint32_t i = 0; i < all->count; i++) {
        all->shards[i]->worker = &all->workers[i % all->worker_count];
        worker_activate(all->shards[i]);
    }
    rings_create(all);
    atomic_store_explicit(&all->wants_segment, true, memory_order_relaxed);
    all->keeper.ended_ms = skn_env_now_mono_ns(all->env) / MS_IN_NS;
    for (unsigned w = 0; w < all->worker_count; w++)
        all->workers[w].looked_ms = skn_shards_now_ms(all);
}

enum skn_rc skn_shards_open(const struct skn_shards_options *options,
                            struct skn_shards **out_shards,
                            struct skn_diag *diag)
{
    struct skn_shards *all = shards_new(options, false);
    struct skn_journal_options journal = {
        .env = options->env,
        .dir = options->dir,
        .shards = (uint32_t)or_default(options->shards, SKN_SHARDS_DEFAULT)};
    journal.segment_bytes_min = options->segment_bytes;
    journal.segment_bytes_max = options->segment_bytes ? 4 * options->segment_bytes : 0;
    journal.no_reserve = options->no_reserve;
    const struct skn_history_options *history = &options->history;
    bool keeps = history->dir && history->keep_ms > 0;
    journal.archive = history->dir;
    journal.archive_from = keeps ? history_from(options->env, history->dir) : UINT64_MAX;
    struct skn_journal_info info;
    enum skn_rc rc = skn_journal_peek(options->env, options->dir, &info, diag);
    bool is_there = rc == SKN_OK;
    if (is_there) rc = shards_create(all, &info, diag); /* before its records come */
    if (rc == SKN_OK || rc == SKN_ENOENT) {
        all->redo = redo_begin(all);
        rc = skn_journal_open(&journal, shards_redo, all, &all->log.journal, &info, diag);
        rc = redo_end(all->redo, rc, diag);
        all->redo = NULL;
    }
    if (rc == SKN_OK && !is_there) rc = shards_create(all, &info, diag);
    if (rc == SKN_OK) rc = shards_check_positions(all, diag);
    if (rc == SKN_OK) rc = log_look_at_disk(all, diag);
    if (rc == SKN_EDISKFULL && all->log.journal) { /* before an epoch begins, and sealed again */
        (void)skn_shards_close(all, NULL);
        return rc;
    }
    if (rc == SKN_OK) shards_start_clock(all);
    if (rc == SKN_OK) rc = open_cores(all, info.was_created, diag);
    if (rc != SKN_OK) {
        skn_shards_abandon(all);
        return rc;
    }
    create_workers(all);
    history_open(all);
    log_note_tail(all, false);
    *out_shards = all;
    return SKN_OK;
}

/* A reader leaves the last group out, which may not be durable [E81]. */
static enum skn_rc
redo_last_group(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    const struct skn_shards *all = ctx;
    bool is_done =
        record->shard < all->count && record->index <= all->shards[record->shard]->last_redone;
    return is_done ? SKN_OK : shards_redo(ctx, record, diag);
}

/* The store has records of the group that was left out, which is durable then: it died, or is just
 * now, between a checkpoint and the trim that says so. */
static bool is_behind_store(const struct skn_shards *all)
{
    for (uint32_t i = 0; i < all->count; i++) {
        uint64_t last = all->shards[i]->last_redone;
        if (last > 0 && last < all->log.kept[i].index) return true;
    }
    return false;
}

static enum skn_rc open_to_read(const struct skn_shards_options *options,
                                bool is_whole,
                                struct skn_shards **out_shards,
                                struct skn_diag *diag)
{
    static const struct skn_program *const none[] = {NULL};
    struct skn_shards *all = shards_new(options, true);
    all->programs = none;
    struct skn_journal_info info;
    enum skn_rc rc = skn_journal_peek(options->env, options->dir, &info, diag);
    if (rc == SKN_OK) rc = shards_create(all, &info, diag);
    if (rc == SKN_OK)
        rc = skn_journal_read(options->env, options->dir, shards_redo, all, &info, diag);
    if (rc == SKN_OK && (is_whole || is_behind_store(all)))
        rc = skn_journal_read_last(options->env,
                                   options->dir,
                                   is_whole ? UINT64_MAX : info.group_last + 1,
                                   redo_last_group,
                                   all,
                                   diag);
    if (rc == SKN_OK) rc = shards_check_positions(all, diag);
    if (rc != SKN_OK) {
        shards_free(all);
        return rc;
    }
    shards_start_clock(all);
    *out_shards = all;
    return SKN_OK;
}

enum skn_rc skn_shards_open_to_read(const struct skn_shards_options *options,
                                    struct skn_shards **out_shards,
                                    struct skn_diag *diag)
{
    return open_to_read(options, options->reads_whole, out_shards, diag);
}

/* Each row of a shard, for the indexes that follow from it. */
struct indexes {
    struct skn_index_sums sums;
    const struct skn_program *const *programs;
};

static void see_row(void *ctx, struct skn_slice key, struct skn_slice value)
{
    struct indexes *indexes = ctx;
    skn_index_add(&indexes->sums, indexes->programs, key, value);
}

enum skn_rc skn_shards_verify(const struct skn_shards_options *options,
                              struct skn_journal_info *out_info,
                              struct skn_diag *diag)
{
    struct skn_shards *all = NULL;
    enum skn_rc rc = skn_journal_verify(options->env, options->dir, out_info, diag);
    if (rc == SKN_OK) rc = open_to_read(options, true, &all, diag);
    for (uint32_t i = 0; rc == SKN_OK && i < all->count; i++) {
        struct indexes indexes = {.programs = options->programs};
        rc = skn_store_verify_each(all->shards[i]->store, see_row, &indexes, diag);
        if (rc == SKN_OK) rc = skn_index_compare(&indexes.sums, diag);
    }
    if (all) shards_free(all);
    return rc;
}

void skn_shards_abandon(struct skn_shards *all)
{
    if (!all) return;
    skn_journal_abandon(all->log.journal);
    shards_free(all);
}

enum skn_rc skn_shards_close(struct skn_shards *all, struct skn_diag *diag)
{
    if (!all) return SKN_OK;
    enum skn_rc rc = SKN_OK;
    if (all->log.journal) {
        if (all->rings) rc = log_drain(all, diag);
        enum skn_rc closed = skn_journal_close(all->log.journal, rc == SKN_OK ? diag : NULL);
        if (rc == SKN_OK) rc = closed;
        all->log.journal = NULL;
    }
    shards_free(all);
    return rc;
}
