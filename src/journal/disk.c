/* disk.c - room: the reserve for a full disk [E8], and trimming [E9]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal_internal.h"

#include "base/mem.h"

enum {
    LOW_PERCENT = 5,
    STOP_PERCENT = 1,
};

static const char reserve_name[] = "reserve";

enum skn_rc
skn_jback_keep_reserve(struct skn_journal *journal, bool is_there, struct skn_diag *diag)
{
    struct skn_jback *back = &journal->back;
    if (journal->reserve_bytes == 0) return SKN_OK;
    char *path = skn_jf_path(journal->dir, reserve_name);
    struct skn_file *file = NULL;
    uint64_t size = 0;
    enum skn_rc rc = skn_env_open(journal->env, path, SKN_OPEN_ANY, &file, diag);
    if (rc == SKN_OK && is_there) rc = skn_file_size(file, &size, diag);
    if (rc == SKN_OK && size < journal->reserve_bytes)
        rc = skn_file_allocate(file, journal->reserve_bytes, diag);
    skn_file_close(file);
    back->has_reserve = rc == SKN_OK;
    if (rc == SKN_EDISKFULL) {
        /* Work can go on; disk_state says that room is short. */
        struct skn_diag why;
        rc = skn_env_unlink(journal->env, path, &why);
        if (rc == SKN_ENOENT) rc = SKN_OK;
    }
    skn_free(path);
    return rc;
}

bool skn_jback_use_reserve(struct skn_journal *journal)
{
    /* An opening needs it before it has looked for it, so the file itself is asked. */
    if (journal->reserve_bytes == 0) return false;
    if (skn_jf_remove(journal->env, journal->dir, reserve_name, NULL) != SKN_OK) return false;
    journal->back.has_reserve = false;
    journal->back.lost_reserve = true;
    return true;
}

enum skn_rc skn_journal_disk_state(struct skn_journal *journal,
                                   enum skn_journal_disk *out_state,
                                   struct skn_diag *diag)
{
    struct skn_jback *back = &journal->back;
    struct skn_disk_space space;
    enum skn_rc rc = skn_env_space(journal->env, journal->dir, &space, diag);
    if (rc != SKN_OK) return rc;
    uint64_t percent = space.total_bytes / 100;
    *out_state = SKN_JOURNAL_DISK_OK;
    if (space.free_bytes < LOW_PERCENT * percent ||
        (journal->reserve_bytes != 0 && !back->has_reserve))
        *out_state = SKN_JOURNAL_DISK_LOW;
    if (space.free_bytes < STOP_PERCENT * percent || back->lost_reserve)
        *out_state = SKN_JOURNAL_DISK_STOP;
    return SKN_OK;
}

static uint64_t index_of(const struct skn_journal_mark *marks, size_t count, uint32_t shard)
{
    for (size_t i = 0; i < count; i++)
        if (marks[i].shard == shard) return marks[i].index;
    return 0;
}

/* Whether all records up to the end of the segment are in the store. */
static bool is_done(const struct skn_jscan_segment *segment,
                    uint32_t shards,
                    const struct skn_journal_mark *marks,
                    size_t count)
{
    for (uint32_t i = 0; i < shards; i++)
        if (segment->last[i] > index_of(marks, count, i)) return false;
    return true;
}

/* The superblock forgets the segments first: then a file that is still there is only litter. */
static enum skn_rc drop_segments(struct skn_journal *journal, size_t n, struct skn_diag *diag)
{
    struct skn_jback *back = &journal->back;
    back->super.oldest = back->segments[n].head.number;
    back->super.oldest_group = back->segments[n].first_group;
    back->super.bound = back->durable;
    enum skn_rc rc = skn_jf_write_super(back->super_file, &back->super, diag);
    for (size_t i = 0; i < n; i++) {
        if (rc == SKN_OK)
            rc = skn_jf_remove_segment(
                journal->env, journal->dir, back->segments[i].head.number, diag);
        skn_free(back->segments[i].last);
    }
    back->count -= n;
    for (size_t i = 0; i < back->count; i++)
        back->segments[i] = back->segments[i + n];
    return rc;
}

enum skn_rc skn_journal_trim(struct skn_journal *journal,
                             const struct skn_journal_mark *marks,
                             size_t count,
                             struct skn_diag *diag)
{
    struct skn_jback *back = &journal->back;
    if (back->failure.rc != SKN_OK) return skn_jfail_again(&back->failure, diag);
    size_t n = 0;
    while (n + 1 < back->count && is_done(&back->segments[n], back->super.shards, marks, count))
        n++;
    if (n == 0) return SKN_OK;
    struct skn_diag why = {0};
    return skn_jback_keep(back, drop_segments(journal, n, &why), &why, diag);
}
