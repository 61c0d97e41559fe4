/* disk.c - room: the reserve for a full disk [E8], trimming [E9], and what is left [E12]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal_internal.h"

#include "base/bug.h"
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

/* Marks of all shards in order, as most callers have them, are found at once. */
static uint64_t index_of(const struct skn_journal_mark *marks, size_t count, uint32_t shard)
{
    if (shard < count && marks[shard].shard == shard) return marks[shard].index;
    for (size_t i = 0; i < count; i++)
        if (marks[i].shard == shard) return marks[i].index;
    return 0;
}

/* Whether all records up to the end of the segment are in the store. Shards interleave, so each of
 * them has to agree. */
static bool is_done(const struct skn_journal *journal,
                    const struct skn_jscan_segment *segment,
                    const struct skn_journal_mark *marks,
                    size_t count)
{
    uint32_t shards = journal->back.super.shards;
    if (skn_bug(SKN_BUG_TRIM_PAST_FLUSH)) shards = 1;
    for (uint32_t i = 0; i < shards; i++)
        if (segment->last[i] > index_of(marks, count, i)) return false;
    return true;
}

void skn_journal_archive(struct skn_journal *journal, bool is_on)
{
    journal->is_archiving = is_on && journal->archive;
}

/* A name that the power takes back is found by the next opening, which moves the file then: the
 * superblock that forgets it is durable. */
enum skn_rc skn_jback_archive(struct skn_journal *journal, uint64_t number, struct skn_diag *diag)
{
    char name[SKN_JF_NAME_BYTES];
    skn_jf_segment_name(number, name);
    char *from = skn_jf_path(journal->dir, name), *to = skn_jf_path(journal->archive, name);
    enum skn_rc rc = skn_env_rename(journal->env, from, to, diag);
    skn_free(to);
    skn_free(from);
    return rc;
}

/* The newest first: it is the largest, and the most worth to be written over. */
static enum skn_rc retire(struct skn_journal *journal, size_t n, struct skn_diag *diag)
{
    enum skn_rc rc = SKN_OK;
    for (size_t i = n; i-- > 0 && rc == SKN_OK;)
        rc = skn_jready_retire(journal, journal->back.segments[i].head.number, diag);
    return rc;
}

static uint64_t
sum_of(const struct skn_journal *journal, const struct skn_journal_mark *marks, size_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < journal->back.super.shards; i++)
        sum += index_of(marks, count, i);
    return sum;
}

/* The superblock forgets the segments first: then a file that is still there is only litter. `sum`
 * goes in the same write: from now on no older store may be opened with what is left. */
static enum skn_rc
drop_segments(struct skn_journal *journal, size_t n, uint64_t sum, struct skn_diag *diag)
{
    struct skn_jback *back = &journal->back;
    bool is_early = skn_bug(SKN_BUG_TRIM_BEFORE_SUPER);
    enum skn_rc rc = is_early ? retire(journal, n, diag) : SKN_OK;
    back->super.oldest = back->segments[n].head.number;
    back->super.oldest_group = back->segments[n].first_group;
    back->super.bound = back->durable;
    if (sum > back->super.trimmed && !skn_bug(SKN_BUG_TRIM_NOT_SUMMED)) back->super.trimmed = sum;
    if (rc == SKN_OK) rc = skn_jf_write_super(back->super_file, &back->super, diag);
    if (rc == SKN_OK && !is_early) rc = retire(journal, n, diag);
    for (size_t i = 0; i < n; i++)
        skn_free(back->segments[i].last);
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
    struct skn_diag why = {0};
    enum skn_rc rc = skn_jready_check(&journal->ready, diag);
    if (rc != SKN_OK) return rc;
    size_t n = 0;
    while (n + 1 < back->count && is_done(journal, &back->segments[n], marks, count))
        n++;
    if (n == 0) return skn_journal_idle(journal, diag); /* a checkpoint moves the bound [E5] */
    uint64_t sum = sum_of(journal, marks, count);
    return skn_jready_fail(&journal->ready, drop_segments(journal, n, sum, &why), &why, diag);
}

void skn_journal_tail(const struct skn_journal *journal,
                      const struct skn_journal_mark *marks,
                      size_t count,
                      struct skn_journal_tail *out_tail)
{
    const struct skn_jback *back = &journal->back;
    *out_tail = (struct skn_journal_tail){0};
    for (uint32_t i = 0; i < back->super.shards; i++) {
        uint64_t mark = index_of(marks, count, i);
        if (back->last[i] > mark) out_tail->records += back->last[i] - mark;
    }
    for (size_t i = 0; i < back->count; i++) {
        const struct skn_jscan_segment *s = &back->segments[i];
        bool is_newest = i + 1 == back->count;
        if (!is_newest && is_done(journal, s, marks, count)) continue;
        out_tail->bytes += (is_newest ? back->at : s->end) - SKN_JF_BLOCK;
        out_tail->segments++;
    }
}
