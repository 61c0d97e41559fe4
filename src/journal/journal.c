/* journal.c - appending, writing groups one after the other, and the clean stop. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal_internal.h"

#include "base/bug.h"
#include "base/cursor.h"
#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

enum skn_rc skn_jfail_again(const struct skn_jfailure *failure, struct skn_diag *diag)
{
    if (diag) *diag = failure->diag;
    return failure->rc;
}

enum skn_rc skn_jback_sync_dir(struct skn_journal *journal, struct skn_diag *diag)
{
    if (skn_bug(SKN_BUG_NO_DIR_SYNC)) return SKN_OK;
    return skn_env_sync_dir(journal->env, journal->dir, diag);
}

void skn_jback_add_segment(struct skn_jback *back,
                           const struct skn_jf_segment *head,
                           uint64_t first_group)
{
    size_t n = back->count + 1;
    back->segments = skn_realloc(back->segments, n * sizeof *back->segments);
    back->segments[back->count] =
        (struct skn_jscan_segment){.head = *head, .first_group = first_group};
    back->count = n;
}

void skn_jback_watch(struct skn_journal *journal)
{
    const struct skn_jback *back = &journal->back;
    /* A short run never needs a second segment, so nothing is done in the first half of one. */
    bool is_half_full = back->at >= back->segments[back->count - 1].head.length / 2;
    atomic_store(&journal->ready.is_wanted, is_half_full);
}

static void grow_group(struct skn_jgroup *group, size_t need)
{
    if (need <= group->cap) return;
    size_t cap = group->cap == 0 ? (size_t)16 * SKN_JF_BLOCK : group->cap;
    while (cap < need)
        cap *= 2;
    group->bytes = skn_realloc(group->bytes, cap);
    group->cap = cap;
}

enum skn_rc skn_journal_append(struct skn_journal *journal,
                               const struct skn_record *record,
                               struct skn_diag *diag)
{
    struct skn_jfront *front = &journal->front;
    if (front->failure.rc != SKN_OK) return skn_jfail_again(&front->failure, diag);
    if (record->shard >= front->shards.count)
        return SKN_FAIL(diag,
                        SKN_EARGS,
                        "record %" PRIu64 " is of shard %" PRIu32 ", and the journal has %" PRIu32,
                        record->index,
                        record->shard,
                        front->shards.count);
    if (record->message.len > SKN_JOURNAL_RECORD_BYTES_MAX ||
        record->batch.len > SKN_JOURNAL_RECORD_BYTES_MAX - record->message.len)
        return SKN_FAIL(diag,
                        SKN_ETOOLARGE,
                        "record %" PRIu64 " of shard %" PRIu32 " is over %d "
                        "bytes",
                        record->index,
                        record->shard,
                        SKN_JOURNAL_RECORD_BYTES_MAX);
    struct skn_jgroup *group = &front->open;
    size_t length = (size_t)skn_jf_record_length(record);
    size_t used = SKN_JF_GROUP_HEAD + (size_t)group->records_bytes;
    if (group->records > 0 && used + length > SKN_JOURNAL_GROUP_BYTES)
        return SKN_FAIL(diag, SKN_EFULL, "the group is full");

    /* The same check as that of the reader: what is written wrong is refused by every opening. */
    SKN_ASSERT(skn_jshards_check(&front->shards, record, NULL, front->is_trimmed, NULL) == SKN_OK);
    struct skn_jf_hash prev = front->shards.items[record->shard].hash;
    grow_group(group, (size_t)skn_jf_group_length(group->records_bytes + length));
    struct skn_jf_hash hash = skn_jf_put_record(record, prev, group->bytes + used);
    skn_jshards_put(&front->shards, record, hash);
    group->records_bytes += (uint32_t)length;
    group->records++;
    return SKN_OK;
}

bool skn_journal_begin(struct skn_journal *journal)
{
    struct skn_jfront *front = &journal->front;
    if (front->failure.rc != SKN_OK || front->is_writing || front->open.records == 0) return false;
    struct skn_jgroup empty = journal->flight; /* its memory is used again */
    empty.records = 0;
    empty.records_bytes = 0;
    journal->flight = front->open;
    front->open = empty;
    front->is_writing = true;
    return true;
}

/* Makes the next segment the newest one, named by the superblock before its first group [E5]. */
static enum skn_rc
turn_segment(struct skn_journal *journal, uint64_t group_length, struct skn_diag *diag)
{
    struct skn_jback *back = &journal->back;
    struct skn_jf_segment head;
    struct skn_file *file = NULL;
    enum skn_rc rc = skn_jready_take(journal, SKN_JF_BLOCK + group_length, &head, &file, diag);
    if (rc != SKN_OK) return rc;
    struct skn_jscan_segment *old = &back->segments[back->count - 1];
    size_t last_bytes = back->super.shards * sizeof *old->last;
    if (!old->last) old->last = skn_alloc(last_bytes);
    memcpy(old->last, back->last, last_bytes);
    old->end = back->at;
    skn_file_close(back->file);
    back->file = file;
    skn_jback_add_segment(back, &head, back->durable + 1);
    back->at = SKN_JF_BLOCK;
    back->super.newest = head.number;
    return SKN_OK;
}

/* The superblock as it is to be while groups are written. */
static enum skn_rc write_open_super(struct skn_journal *journal, struct skn_diag *diag)
{
    struct skn_jback *back = &journal->back;
    back->super.is_sealed = false;
    back->super.end = 0;
    back->super.bound = back->durable;
    return skn_jf_write_super(back->super_file, &back->super, diag);
}

/* What of each shard is written with this group, and the greatest term: for trim and headers. */
static void note_marks(struct skn_jback *back, const struct skn_jgroup *group)
{
    struct skn_slice rest = skn_slice(group->bytes + SKN_JF_GROUP_HEAD, group->records_bytes);
    while (rest.len > 0) {
        struct skn_cursor cursor = skn_cursor(rest);
        uint32_t length = skn_cursor_le32(&cursor);
        uint32_t shard = skn_cursor_le32(&cursor);
        back->last[shard] = skn_cursor_le64(&cursor);
        uint64_t term = skn_cursor_le64(&cursor);
        if (term > back->epoch) back->epoch = term;
        rest = skn_slice_from(rest, length);
    }
}

static enum skn_rc write_group(struct skn_journal *journal, struct skn_diag *diag)
{
    struct skn_jback *back = &journal->back;
    struct skn_jgroup *flight = &journal->flight;
    uint64_t length = skn_jf_group_length(flight->records_bytes);
    bool turns = back->segments[back->count - 1].head.length - back->at < length;
    enum skn_rc rc = turns ? turn_segment(journal, length, diag) : SKN_OK;
    bool must_name = turns && !skn_bug(SKN_BUG_NOT_NAMED);
    bool must_clear = back->super.is_sealed && !skn_bug(SKN_BUG_SEAL_NOT_CLEARED);
    if (rc == SKN_OK && (must_name || must_clear)) rc = write_open_super(journal, diag);
    if (rc != SKN_OK) return rc;

    const struct skn_jf_segment *head = &back->segments[back->count - 1].head;
    struct skn_jf_group group = {.number = back->durable + 1,
                                 .generation = head->generation,
                                 .segment = head->number,
                                 .offset = back->at,
                                 .length = (uint32_t)length,
                                 .records_bytes = flight->records_bytes,
                                 .records = flight->records};
    note_marks(back, flight);
    skn_jf_put_group(&group, head->salt, flight->bytes);
    rc = skn_file_pwrite(back->file, back->at, flight->bytes, (size_t)length, diag);
    if (rc == SKN_OK && !skn_bug(SKN_BUG_ACK_BEFORE_SYNC)) rc = skn_file_datasync(back->file, diag);
    if (rc != SKN_OK) return rc == SKN_EDISKFULL ? SKN_ESYNC : rc;
    back->at += length;
    back->durable++;
    skn_jback_watch(journal);
    return SKN_OK;
}

enum skn_rc skn_journal_write(struct skn_journal *journal, struct skn_diag *diag)
{
    struct skn_diag why = {0};
    enum skn_rc rc = skn_jready_check(&journal->ready, diag);
    if (rc != SKN_OK) return rc;
    return skn_jready_fail(&journal->ready, write_group(journal, &why), &why, diag);
}

/* What the other hands failed in is the owner's failure, too. */
static enum skn_rc take_failure(struct skn_journal *journal, struct skn_diag *diag)
{
    struct skn_jfailure *failure = &journal->front.failure;
    if (failure->rc == SKN_OK) failure->rc = skn_jready_check(&journal->ready, &failure->diag);
    return skn_jfail_again(failure, diag);
}

enum skn_rc skn_journal_end(struct skn_journal *journal, struct skn_diag *diag)
{
    struct skn_jfront *front = &journal->front;
    SKN_ASSERT(front->is_writing);
    front->is_writing = false;
    return take_failure(journal, diag);
}

enum skn_rc skn_journal_flush(struct skn_journal *journal, struct skn_diag *diag)
{
    struct skn_jfront *front = &journal->front;
    SKN_ASSERT(!front->is_writing);
    enum skn_rc rc = take_failure(journal, diag); /* of a prepare, a trim or an idle */
    if (rc != SKN_OK || !skn_journal_begin(journal)) return rc;
    rc = skn_journal_write(journal, NULL);
    enum skn_rc ended = skn_journal_end(journal, diag);
    SKN_ASSERT(rc == SKN_OK || ended != SKN_OK);
    return ended;
}

enum skn_rc skn_journal_idle(struct skn_journal *journal, struct skn_diag *diag)
{
    struct skn_jback *back = &journal->back;
    struct skn_diag why = {0};
    enum skn_rc rc = skn_jready_check(&journal->ready, diag);
    if (rc != SKN_OK || back->super.bound == back->durable) return rc;
    return skn_jready_fail(&journal->ready, write_open_super(journal, &why), &why, diag);
}

static enum skn_rc write_seal(struct skn_journal *journal, struct skn_diag *diag)
{
    struct skn_jback *back = &journal->back;
    if (back->super.is_sealed) return SKN_OK;
    back->super.is_sealed = true;
    back->super.end = back->at;
    back->super.bound = back->durable;
    return skn_jf_write_super(back->super_file, &back->super, diag);
}

enum skn_rc skn_journal_close(struct skn_journal *journal, struct skn_diag *diag)
{
    struct skn_diag why = {0};
    enum skn_rc rc = skn_journal_flush(journal, diag);
    if (rc == SKN_OK) rc = skn_jready_fail(&journal->ready, write_seal(journal, &why), &why, diag);
    if (rc == SKN_OK) skn_jready_clear(journal);
    skn_journal_abandon(journal);
    return rc;
}

void skn_journal_abandon(struct skn_journal *journal)
{
    if (!journal) return;
    struct skn_jback *back = &journal->back;
    for (size_t i = 0; i < back->count; i++)
        skn_free(back->segments[i].last);
    skn_free(back->segments);
    skn_free(back->last);
    skn_jready_fini(&journal->ready);
    skn_file_close(back->file);
    skn_file_close(back->super_file);
    skn_jshards_fini(&journal->front.shards);
    skn_free(journal->front.open.bytes);
    skn_free(journal->flight.bytes);
    skn_free(journal->archive);
    skn_free(journal->dir);
    skn_free(journal);
}
