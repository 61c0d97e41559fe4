/* open.c - opening for writing: creation, going on behind a seal, or a new generation [E5, E6]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal_internal.h"

#include "base/bug.h"
#include "base/mem.h"

#include <string.h>

enum {
    SEGMENT_BYTES_MIN = 1 << 20, /* E1 */
    SEGMENT_BYTES_MAX = 64 << 20,
    RESERVE_BYTES = 64 << 20, /* E8 */
};

/* The folder that holds `dir`; the caller's to free. */
static char *folder_above(const char *dir)
{
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    while (n > 0 && dir[n - 1] != '/')
        n--;
    while (n > 1 && dir[n - 1] == '/')
        n--;
    return n == 0 ? skn_dup(".", 1) : skn_dup(dir, n);
}

static enum skn_rc sync_above(struct skn_journal *journal, struct skn_diag *diag)
{
    if (skn_bug(SKN_BUG_NO_DIR_SYNC)) return SKN_OK;
    char *above = folder_above(journal->dir);
    enum skn_rc rc = skn_env_sync_dir(journal->env, above, diag);
    skn_free(above);
    return rc;
}

static struct skn_journal *new_journal(const struct skn_journal_options *options)
{
    struct skn_journal *journal = skn_alloc_zero(1, sizeof *journal);
    journal->env = options->env;
    skn_jready_init(&journal->ready);
    journal->dir = skn_dup(options->dir, strlen(options->dir));
    if (options->archive) journal->archive = skn_dup(options->archive, strlen(options->archive));
    journal->archive_from = options->archive_from;
    uint64_t least = options->segment_bytes_min, most = options->segment_bytes_max;
    uint64_t reserve = options->reserve_bytes;
    journal->segment_bytes_min = least != 0 ? least : SEGMENT_BYTES_MIN;
    journal->segment_bytes_max = most != 0 ? most : SEGMENT_BYTES_MAX;
    journal->reserve_bytes = reserve != 0 ? reserve : RESERVE_BYTES;
    if (options->no_reserve) journal->reserve_bytes = 0;
    SKN_ASSERT(journal->segment_bytes_min % SKN_JF_BLOCK == 0);
    SKN_ASSERT(journal->segment_bytes_max % SKN_JF_BLOCK == 0);
    SKN_ASSERT(journal->segment_bytes_min >= (uint64_t)2 * SKN_JF_BLOCK);
    SKN_ASSERT(journal->segment_bytes_max >= journal->segment_bytes_min);
    SKN_ASSERT(options->shards <= SKN_JOURNAL_SHARDS_MAX);
    return journal;
}

static bool is_id_given(const uint8_t id[SKN_JOURNAL_ID_BYTES])
{
    return !skn_jf_is_zero(skn_slice(id, SKN_JOURNAL_ID_BYTES));
}

static enum skn_rc choose_ids(const struct skn_journal_options *options,
                              struct skn_jf_ids *out_ids,
                              struct skn_diag *diag)
{
    enum skn_rc rc = skn_env_random(options->env, out_ids, sizeof *out_ids, diag);
    if (is_id_given(options->cluster_id))
        memcpy(out_ids->cluster, options->cluster_id, sizeof out_ids->cluster);
    if (is_id_given(options->store_id))
        memcpy(out_ids->store, options->store_id, sizeof out_ids->store);
    return rc;
}

static enum skn_rc check_ids(const struct skn_journal_options *options,
                             const struct skn_jf_ids *ids,
                             struct skn_diag *diag)
{
    bool is_ours = (!is_id_given(options->cluster_id) ||
                    memcmp(options->cluster_id, ids->cluster, sizeof ids->cluster) == 0) &&
                   (!is_id_given(options->store_id) ||
                    memcmp(options->store_id, ids->store, sizeof ids->store) == 0);
    if (is_ours) return SKN_OK;
    return SKN_FAIL(
        diag, SKN_EFOREIGN, "the journal in \"%s\" belongs to another store", options->dir);
}

static enum skn_rc make_once(struct skn_journal *journal,
                             const struct skn_jf_segment *head,
                             struct skn_slice first,
                             bool skip_sync,
                             struct skn_file **out_file,
                             struct skn_diag *diag)
{
    struct skn_jf_maker maker = {0};
    enum skn_rc rc =
        skn_jf_maker_begin(&maker, journal->env, journal->dir, head, first, NULL, diag);
    while (rc == SKN_OK && !skn_jf_maker_is_full(&maker))
        rc = skn_jf_maker_step(&maker, diag);
    if (rc == SKN_OK)
        return skn_jf_maker_finish(&maker, journal->env, journal->dir, skip_sync, out_file, diag);
    skn_jf_maker_drop(&maker);
    return rc;
}

/* A whole segment under its final name, with the reserve if the disk is full; the folder is not
 * synced yet. */
static enum skn_rc make_segment(struct skn_journal *journal,
                                const struct skn_jf_segment *head,
                                struct skn_slice first,
                                bool skip_sync,
                                struct skn_file **out_file,
                                struct skn_diag *diag)
{
    enum skn_rc rc = make_once(journal, head, first, skip_sync, out_file, diag);
    /* Trying again is safe here: the file has no name yet that anybody would read. */
    if (rc == SKN_EDISKFULL && skn_jback_use_reserve(journal))
        rc = make_once(journal, head, first, skip_sync, out_file, diag);
    return rc;
}

/* Segment 1, then the superblock that names it: one without the other is a creation that did not
 * end, and is begun again. */
static enum skn_rc create(struct skn_journal *journal,
                          const struct skn_journal_options *options,
                          struct skn_journal_info *out_info,
                          struct skn_diag *diag)
{
    struct skn_jback *back = &journal->back;
    struct skn_jf_segment head = {
        .generation = 1, .begins = 1, .length = journal->segment_bytes_min, .number = 1};
    enum skn_rc rc = skn_env_mkdir(journal->env, journal->dir, diag);
    if (rc == SKN_OK || rc == SKN_EEXIST) rc = choose_ids(options, &head.ids, diag);
    if (rc == SKN_OK) rc = skn_env_random(journal->env, &head.salt, sizeof head.salt, diag);
    if (rc == SKN_OK)
        rc = make_segment(journal, &head, (struct skn_slice){0}, false, &back->file, diag);
    if (rc == SKN_OK) rc = skn_jback_sync_dir(journal, diag);
    if (rc != SKN_OK) return rc;
    uint32_t shards = options->shards != 0 ? options->shards : 1;
    back->super = (struct skn_jf_super){
        .ids = head.ids, .newest = 1, .oldest = 1, .oldest_group = 1, .shards = shards};
    rc = skn_jf_make_super(journal->env, journal->dir, &back->super, &back->super_file, diag);
    if (rc == SKN_OK) rc = skn_jback_sync_dir(journal, diag);
    if (rc == SKN_OK) rc = sync_above(journal, diag);
    if (rc != SKN_OK) return rc;
    skn_jback_add_segment(back, &head, 1);
    back->at = SKN_JF_BLOCK;
    back->last = skn_alloc_zero(shards, sizeof *back->last);
    skn_jshards_init(&journal->front.shards, shards);
    *out_info = (struct skn_journal_info){.was_created = true,
                                          .generation = 1,
                                          .segments = 1,
                                          .shards = shards,
                                          .level = SKN_JF_LEVEL};
    memcpy(out_info->cluster_id, head.ids.cluster, sizeof out_info->cluster_id);
    memcpy(out_info->store_id, head.ids.store, sizeof out_info->store_id);
    return SKN_OK;
}

static bool is_named(const struct skn_jf_super *super, uint64_t number)
{
    return number >= super->oldest && number <= super->newest;
}

/* What an earlier owner left behind and the superblock does not name; `keep` is ours. The
 * superblock is durable, or a power cut could bring back one that does name it. */
static enum skn_rc remove_others(struct skn_journal *journal,
                                 const struct skn_jf_names *names,
                                 uint64_t keep,
                                 struct skn_diag *diag)
{
    const struct skn_jf_super *super = &journal->back.super;
    enum skn_rc rc = SKN_OK;
    for (size_t i = 0; i < names->unfinished_count && rc == SKN_OK; i++) {
        rc = skn_jf_remove(journal->env, journal->dir, names->unfinished[i], diag);
        if (rc == SKN_ENOENT) rc = SKN_OK; /* it has got its name meanwhile */
    }
    for (size_t i = 0; i < names->count && rc == SKN_OK; i++) {
        uint64_t number = names->segments[i];
        if (number == keep || is_named(super, number)) continue;
        bool was_trimmed =
            journal->archive && number < super->oldest && number >= journal->archive_from;
        if (was_trimmed && skn_jback_archive(journal, number, NULL) == SKN_OK) continue;
        rc = skn_jf_remove_segment(journal->env, journal->dir, number, diag);
    }
    return rc;
}

/* Takes over what the scan learned; it keeps the rest. */
static void adopt(struct skn_journal *journal, struct skn_jscan *scan)
{
    struct skn_jback *back = &journal->back;
    back->super = scan->super;
    back->super_file = scan->super_file;
    back->segments = scan->segments;
    back->count = scan->count;
    back->durable = scan->last;
    back->at = scan->end;
    back->epoch = scan->epoch;
    back->last = skn_jshards_indexes(&scan->shards);
    journal->front.shards = scan->shards;
    journal->front.is_trimmed = scan->super.oldest > 1;
    scan->super_file = NULL;
    scan->segments = NULL;
    scan->count = 0;
    scan->shards = (struct skn_jshards){0};
}

/* Behind the seal nothing was ever written: go on there. Nothing is written before the first
 * group, so nothing needs a sync [E5], unless an older superblock that may still be the one on the
 * disk names a file that goes now: one that was trimmed. Newer files are named by none. */
static enum skn_rc
go_on(struct skn_journal *journal, const struct skn_jf_names *names, struct skn_diag *diag)
{
    struct skn_jback *back = &journal->back;
    enum skn_rc rc = SKN_OK;
    bool has_older = names->count > 0 && names->segments[0] < back->super.oldest;
    if (has_older) rc = skn_file_datasync(back->super_file, diag);
    if (rc == SKN_OK) rc = remove_others(journal, names, 0, diag);
    if (rc != SKN_OK) return rc;
    return skn_jf_open_segment(
        journal->env, journal->dir, back->super.newest, SKN_OPEN_WRITE, &back->file, diag);
}

/* Whether the newest segment is all of its generation and holds at most the group that it began
 * with, so that the new generation takes its place and number. */
static bool is_newest_idle(const struct skn_jback *back)
{
    const struct skn_jf_segment *head = &back->segments[back->count - 1].head;
    bool is_alone =
        back->count == 1 || back->segments[back->count - 2].head.generation < head->generation;
    return is_alone && back->durable <= head->begins;
}

/* The header of the segment that begins a generation with a copy of so many bytes. */
static enum skn_rc new_head(struct skn_journal *journal,
                            uint64_t copy_bytes,
                            struct skn_jf_segment *out_head,
                            struct skn_diag *diag)
{
    const struct skn_jback *back = &journal->back;
    struct skn_jf_segment head = back->segments[back->count - 1].head;
    head.generation++;
    head.begins = copy_bytes > 0 ? back->durable : back->durable + 1;
    head.epoch = back->epoch;
    if (!is_newest_idle(back)) head.number++;
    head.length = journal->segment_bytes_min;
    while (head.length < copy_bytes + (uint64_t)2 * SKN_JF_BLOCK)
        head.length *= 2;
    *out_head = head;
    return skn_env_random(journal->env, &out_head->salt, sizeof out_head->salt, diag);
}

/* The last group as the first one of the new segment: what was read may live in the page cache
 * alone, and only a copy that was synced is known to be on the disk [E6]. */
static struct skn_slice copy_group(const struct skn_jscan *scan, const struct skn_jf_segment *head)
{
    struct skn_jf_group group = scan->last_group;
    if (head->begins != scan->last) return (struct skn_slice){0};
    group.generation = head->generation;
    group.segment = head->number;
    group.offset = SKN_JF_BLOCK;
    skn_jf_put_group(&group, head->salt, scan->last_bytes);
    return skn_slice(scan->last_bytes, group.length);
}

/* The new generation in the list of segments and in the superblock. */
static void
take_segment(struct skn_journal *journal, const struct skn_jf_segment *head, uint64_t copy_bytes)
{
    struct skn_jback *back = &journal->back;
    struct skn_jscan_segment *newest = &back->segments[back->count - 1];
    if (head->number == newest->head.number)
        newest->head = *head;
    else
        skn_jback_add_segment(back, head, head->begins);
    back->at = SKN_JF_BLOCK + copy_bytes;
    back->super.newest = head->number;
    back->super.bound = back->durable;
}

static enum skn_rc begin_generation(struct skn_journal *journal,
                                    const struct skn_jscan *scan,
                                    uint64_t copy_bytes,
                                    struct skn_diag *diag)
{
    struct skn_jback *back = &journal->back;
    struct skn_jf_segment head;
    bool has_old_bug = skn_bug(SKN_BUG_TAIL_NOT_SYNCED);
    if (skn_bug(SKN_BUG_TAIL_NOT_COPIED)) copy_bytes = 0;
    enum skn_rc rc = new_head(journal, copy_bytes, &head, diag);
    /* The superblock that was read may not be on the disk either, and a slot is written below. */
    if (rc == SKN_OK) rc = skn_file_datasync(back->super_file, diag);
    if (rc == SKN_OK)
        rc = make_segment(journal, &head, copy_group(scan, &head), has_old_bug, &back->file, diag);
    if (rc == SKN_OK) rc = remove_others(journal, &scan->names, head.number, diag);
    if (rc == SKN_OK) rc = skn_jback_sync_dir(journal, diag);
    /* Without a group the owner before may have died before it had made the folder durable. */
    if (rc == SKN_OK && back->durable == 0) rc = sync_above(journal, diag);
    if (rc != SKN_OK) return rc;
    take_segment(journal, &head, copy_bytes);
    return skn_jf_write_super(back->super_file, &back->super, diag);
}

static enum skn_rc open_existing(struct skn_journal *journal,
                                 const struct skn_journal_options *options,
                                 struct skn_jscan *scan,
                                 struct skn_diag *diag)
{
    enum skn_rc rc = check_ids(options, &scan->super.ids, diag);
    if (rc == SKN_OK) rc = skn_jscan_run(scan, diag);
    if (rc != SKN_OK) return rc;
    bool has_last = scan->last_bytes != NULL;
    uint64_t copy_bytes = has_last ? scan->last_group.length : 0;
    adopt(journal, scan);
    if (journal->back.super.is_sealed) return go_on(journal, &scan->names, diag);
    rc = begin_generation(journal, scan, copy_bytes, diag);
    scan->info.generation++;
    scan->info.segments = journal->back.count;
    return rc;
}

enum skn_rc skn_journal_open(const struct skn_journal_options *options,
                             skn_journal_replay_fn replay,
                             void *ctx,
                             struct skn_journal **out_journal,
                             struct skn_journal_info *out_info,
                             struct skn_diag *diag)
{
    struct skn_journal *journal = new_journal(options);
    struct skn_jscan scan = {
        .env = options->env, .dir = journal->dir, .replay = replay, .ctx = ctx};
    enum skn_rc rc = skn_jscan_begin(&scan, SKN_OPEN_WRITE, diag);
    if (rc == SKN_ENOENT)
        rc = create(journal, options, &scan.info, diag);
    else if (rc == SKN_OK)
        rc = open_existing(journal, options, &scan, diag);
    if (rc == SKN_OK) rc = skn_jback_keep_reserve(journal, scan.names.has_reserve, diag);
    if (rc == SKN_OK) {
        const struct skn_jback *back = &journal->back;
        skn_jready_follow(&journal->ready, &back->segments[back->count - 1].head, back->epoch);
        skn_jback_watch(journal);
    }
    if (rc == SKN_OK && out_info) *out_info = scan.info;
    skn_jscan_fini(&scan);
    if (rc != SKN_OK) {
        skn_journal_abandon(journal);
        return rc;
    }
    *out_journal = journal;
    return SKN_OK;
}
