/* scan.c - reads a journal from its oldest group to its end and judges what it finds. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/walk_internal.h"

#include "base/bug.h"
#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

/* The number with which the generation after that of segment `i` begins; 0: there is none. */
uint64_t skn_jscan_limit(const struct skn_jscan *scan, size_t i)
{
    if (skn_bug(SKN_BUG_NO_GENERATION)) return 0;
    for (size_t k = i + 1; k < scan->count; k++)
        if (scan->segments[k].head.generation > scan->segments[i].head.generation)
            return scan->segments[k].head.begins;
    return 0;
}

static enum skn_rc walk_all(struct skn_jscan *scan, struct skn_diag *diag)
{
    struct skn_jwalk walk = {.scan = scan, .expected = scan->super.oldest_group};
    enum skn_rc rc = SKN_OK;
    scan->last = walk.expected - 1;
    for (size_t i = 0; i < scan->count && rc == SKN_OK; i++) {
        struct skn_jscan_segment *s = &scan->segments[i];
        struct skn_file *file = NULL;
        walk.segment = s;
        walk.limit = skn_jscan_limit(scan, i);
        bool is_last = i + 1 == scan->count && !scan->is_cut;
        bool next_is_newer =
            i + 1 < scan->count && scan->segments[i + 1].head.generation > s->head.generation;
        s->first_group = walk.expected;
        const char *dir = skn_jscan_dir(scan, s->head.number);
        rc = skn_jf_open_segment(scan->env, dir, s->head.number, SKN_OPEN_READ, &file, diag);
        if (rc == SKN_ENOENT) rc = SKN_JDAMAGE(&walk, 0, diag, "the file is missing");
        if (rc != SKN_OK) break;
        skn_jwindow_turn(&walk.window, file, s->head.length);
        rc = skn_jdump_segment(&walk, diag);
        if (rc == SKN_OK) rc = skn_jwalk_segment(&walk, is_last, next_is_newer, diag);
        skn_file_close(file);
        s->end = walk.at;
        s->last = skn_jshards_indexes(&scan->shards);
    }
    skn_jwindow_fini(&walk.window);
    return rc;
}

/* The header of one segment against its file, its name and the superblock. */
enum skn_rc skn_jscan_read_head(struct skn_jscan *scan,
                                uint64_t number,
                                struct skn_jf_segment *out_head,
                                struct skn_diag *diag)
{
    struct skn_jscan_segment at = {.head.number = number};
    struct skn_jwalk here = {.scan = scan, .segment = &at};
    struct skn_file *file = NULL;
    const char *dir = skn_jscan_dir(scan, number);
    enum skn_rc rc = skn_jf_open_segment(scan->env, dir, number, SKN_OPEN_READ, &file, diag);
    if (rc == SKN_ENOENT) return SKN_JDAMAGE(&here, 0, diag, "the file is missing");
    if (rc != SKN_OK) return rc;
    uint8_t block[SKN_JF_BLOCK];
    size_t len = 0;
    uint64_t size = 0;
    rc = skn_file_pread(file, 0, block, sizeof block, &len, diag);
    if (rc == SKN_OK) rc = skn_file_size(file, &size, diag);
    skn_file_close(file);
    if (rc != SKN_OK) return rc;
    if (len != sizeof block) return SKN_JDAMAGE(&here, len, diag, "the file ends here");
    rc = skn_jf_get_segment(skn_slice(block, sizeof block), out_head, diag);
    if (rc != SKN_OK) {
        (void)skn_jwalk_locate(&here, 0, diag);
        return rc;
    }
    if (memcmp(&out_head->ids, &scan->super.ids, sizeof out_head->ids) != 0) {
        enum skn_rc foreign = SKN_FAIL(diag, SKN_EFOREIGN, "it belongs to another store");
        (void)skn_jwalk_locate(&here, 16, diag);
        return foreign;
    }
    if (out_head->number != number)
        return SKN_JDAMAGE(&here, 80, diag, "it is segment %" PRIx64, out_head->number);
    if (size != out_head->length)
        return SKN_JDAMAGE(
            &here, size, diag, "the file ends here, and should at %" PRIu64, out_head->length);
    return SKN_OK;
}

/* Generations, their beginnings and epochs go up together. */
static enum skn_rc check_order(struct skn_jscan *scan, size_t i, struct skn_diag *diag)
{
    struct skn_jwalk here = {.scan = scan, .segment = &scan->segments[i]};
    const struct skn_jf_segment *s = &scan->segments[i].head;
    if (i == 0) return SKN_OK;
    const struct skn_jf_segment *p = &scan->segments[i - 1].head;
    bool is_same = s->generation == p->generation;
    if (s->generation < p->generation || s->begins < p->begins || s->epoch < p->epoch ||
        (is_same && s->begins != p->begins))
        return SKN_JDAMAGE(&here, 48, diag, "it does not follow the segment before it");
    return SKN_OK;
}

static enum skn_rc read_heads(struct skn_jscan *scan, struct skn_diag *diag)
{
    uint64_t span = scan->super.newest - scan->super.oldest;
    for (uint64_t i = 0; i <= span; i++) {
        struct skn_jf_segment head;
        enum skn_rc rc = skn_jscan_read_head(scan, scan->super.oldest + i, &head, diag);
        if (rc != SKN_OK) return rc;
        scan->segments = skn_realloc(scan->segments, (i + 1) * sizeof *scan->segments);
        scan->segments[i] = (struct skn_jscan_segment){.head = head};
        scan->count = (size_t)i + 1;
        rc = check_order(scan, (size_t)i, diag);
        if (rc != SKN_OK) return rc;
        /* The records of the greatest term may be trimmed: the next header may not be below. */
        if (head.epoch > scan->epoch) scan->epoch = head.epoch;
    }
    return SKN_OK;
}

/* A header is bad: the segments before it are shown all the same, and then the damage is named. */
static enum skn_rc
walk_up_to_damage(struct skn_jscan *scan, enum skn_rc found, struct skn_diag *diag)
{
    struct skn_diag why = {0};
    scan->is_cut = true;
    enum skn_rc rc = walk_all(scan, &why);
    bool is_other = rc != SKN_OK && rc != SKN_ECORRUPT; /* a failed read, or the callback's */
    if (is_other && diag) *diag = why;
    return is_other ? rc : found;
}

static void note_super(struct skn_jscan *scan)
{
    struct skn_journal_info *info = &scan->info;
    memcpy(info->cluster_id, scan->super.ids.cluster, sizeof info->cluster_id);
    memcpy(info->store_id, scan->super.ids.store, sizeof info->store_id);
    info->was_sealed = scan->super.is_sealed;
    info->is_trimmed = scan->super.oldest > 1;
    info->trimmed = scan->super.trimmed;
    info->shards = scan->super.shards;
    info->level = scan->super.level;
    info->oldest = scan->super.oldest;
}

enum skn_rc skn_jscan_begin(struct skn_jscan *scan, enum skn_open how, struct skn_diag *diag)
{
    enum skn_rc rc = skn_jf_list(scan->env, scan->dir, &scan->names, diag);
    if (rc != SKN_OK) return rc;
    if (!scan->names.has_super) return skn_jscan_check_no_super(scan, diag);
    char *path = skn_jf_path(scan->dir, "super");
    rc = skn_env_open(scan->env, path, how, &scan->super_file, diag);
    skn_free(path);
    if (rc == SKN_OK)
        rc =
            skn_jf_read_super(scan->super_file, scan->dir, &scan->super, &scan->has_bad_slot, diag);
    if (rc == SKN_OK && scan->has_bad_slot && scan->is_strict)
        rc = SKN_CORRUPT(diag,
                         "damage in \"%s/super\" at offset %d: a slot is malformed",
                         scan->dir,
                         scan->super.sequence % 2 == 0 ? SKN_JF_BLOCK : 0);
    scan->dir_oldest = scan->super.oldest;
    if (rc == SKN_OK && scan->archive) rc = skn_jscan_find_archive(scan, diag);
    if (rc == SKN_OK) note_super(scan);
    return rc;
}

enum skn_rc skn_jscan_run(struct skn_jscan *scan, struct skn_diag *diag)
{
    struct skn_journal_info *info = &scan->info;
    skn_jshards_init(&scan->shards, scan->super.shards);
    enum skn_rc rc = read_heads(scan, diag);
    if (rc == SKN_OK && scan->super.oldest < scan->dir_oldest)
        rc = skn_jscan_first_of_archive(scan, diag);
    if (rc != SKN_OK && scan->dump) return walk_up_to_damage(scan, rc, diag);
    if (rc == SKN_OK) rc = walk_all(scan, diag);
    for (size_t i = 0; i < scan->names.count && rc == SKN_OK; i++)
        if (scan->names.segments[i] > scan->super.newest)
            rc = skn_jscan_check_newer(scan, scan->names.segments[i], diag);
    if (rc != SKN_OK) return rc;
    info->segments = scan->count;
    info->generation = scan->segments[scan->count - 1].head.generation;
    return SKN_OK;
}

enum skn_rc skn_jscan_again(struct skn_jscan *scan,
                            uint64_t stop_at,
                            skn_journal_replay_fn replay,
                            void *ctx,
                            struct skn_diag *diag)
{
    for (size_t i = 0; i < scan->count; i++) {
        skn_free(scan->segments[i].last);
        scan->segments[i].last = NULL;
    }
    skn_jshards_fini(&scan->shards);
    skn_jshards_init(&scan->shards, scan->super.shards);
    struct skn_journal_info *info = &scan->info;
    info->groups = info->records = info->bytes = info->group_last = 0;
    scan->replay = replay;
    scan->ctx = ctx;
    scan->stop_at = stop_at;
    return walk_all(scan, diag);
}

void skn_jscan_fini(struct skn_jscan *scan)
{
    for (size_t i = 0; i < scan->count; i++)
        skn_free(scan->segments[i].last);
    skn_free(scan->segments);
    skn_free(scan->last_bytes);
    skn_jshards_fini(&scan->shards);
    skn_jf_names_fini(&scan->names);
    skn_file_close(scan->super_file);
    *scan = (struct skn_jscan){0};
}
