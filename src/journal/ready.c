/* ready.c - the segment behind the newest, made ready beside the hand that writes [E1]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/journal_internal.h"

#include "base/bug.h"

#include <inttypes.h>
#include <stdio.h>

enum { OLD_NAME_BYTES = 32 };

static void lock(struct skn_jready *ready)
{
    int rc = pthread_mutex_lock(&ready->lock);
    SKN_ASSERT(rc == 0);
}

static void unlock(struct skn_jready *ready)
{
    int rc = pthread_mutex_unlock(&ready->lock);
    SKN_ASSERT(rc == 0);
}

void skn_jready_init(struct skn_jready *ready)
{
    *ready = (struct skn_jready){.old_count = 0};
    int rc = pthread_mutex_init(&ready->lock, NULL);
    SKN_ASSERT(rc == 0);
    atomic_init(&ready->is_wanted, false);
    atomic_init(&ready->has_failed, false);
}

void skn_jready_fini(struct skn_jready *ready)
{
    skn_jf_maker_drop(&ready->maker);
    skn_file_close(ready->file);
    (void)pthread_mutex_destroy(&ready->lock);
}

void skn_jready_follow(struct skn_jready *ready,
                       const struct skn_jf_segment *newest,
                       uint64_t epoch)
{
    lock(ready);
    ready->newest = *newest;
    ready->epoch = epoch;
    unlock(ready);
}

static enum skn_rc
fail(struct skn_jready *ready, enum skn_rc rc, const struct skn_diag *why, struct skn_diag *diag)
{
    if (rc != SKN_EDISKFULL) rc = SKN_ESYNC; /* what is indeterminate counts as a failed sync */
    if (ready->failure.rc == SKN_OK) ready->failure = (struct skn_jfailure){rc, *why};
    ready->failure.diag.rc = ready->failure.rc;
    atomic_store(&ready->has_failed, true);
    if (diag) *diag = ready->failure.diag;
    return ready->failure.rc;
}

enum skn_rc skn_jready_fail(struct skn_jready *ready,
                            enum skn_rc rc,
                            struct skn_diag *why,
                            struct skn_diag *diag)
{
    if (rc == SKN_OK) return SKN_OK;
    lock(ready);
    rc = fail(ready, rc, why, diag);
    unlock(ready);
    return rc;
}

enum skn_rc skn_jready_check(struct skn_jready *ready, struct skn_diag *diag)
{
    if (!atomic_load(&ready->has_failed)) return SKN_OK;
    lock(ready);
    enum skn_rc rc = ready->failure.rc;
    if (diag) *diag = ready->failure.diag;
    unlock(ready);
    return rc;
}

static void old_name(uint64_t number, char out[OLD_NAME_BYTES])
{
    (void)snprintf(out, OLD_NAME_BYTES, "old-%016" PRIx64 ".tmp", number);
}

enum skn_rc skn_jready_retire(struct skn_journal *journal, uint64_t number, struct skn_diag *diag)
{
    struct skn_jready *ready = &journal->ready;
    char from[SKN_JF_NAME_BYTES], to[OLD_NAME_BYTES];
    bool is_kept = journal->is_archiving && !skn_bug(SKN_BUG_TRIM_NOT_KEPT);
    if (is_kept && skn_jback_archive(journal, number, NULL) == SKN_OK) return SKN_OK;
    skn_jf_segment_name(number, from);
    old_name(number, to);
    lock(ready);
    bool keeps = ready->old_count < SKN_JREADY_OLD;
    enum skn_rc rc = keeps ? skn_jf_rename(journal->env, journal->dir, from, to, diag)
                           : skn_jf_remove(journal->env, journal->dir, from, diag);
    if (rc == SKN_OK && keeps) ready->old[ready->old_count++] = number;
    unlock(ready);
    return rc;
}

/* Removes all old files; false: there was none. A name that stays goes at the next opening. */
static bool remove_old(struct skn_journal *journal)
{
    struct skn_jready *ready = &journal->ready;
    bool had = ready->old_count > 0;
    while (ready->old_count > 0) {
        char name[OLD_NAME_BYTES];
        old_name(ready->old[--ready->old_count], name);
        enum skn_rc rc = skn_jf_remove(journal->env, journal->dir, name, NULL);
        (void)rc;
    }
    return had;
}

void skn_jready_clear(struct skn_journal *journal)
{
    struct skn_jready *ready = &journal->ready;
    bool is_half_made = ready->maker.file != NULL;
    (void)remove_old(journal);
    skn_jf_maker_drop(&ready->maker);
    if (is_half_made) skn_jf_maker_remove(journal->env, journal->dir);
    if (!ready->file) return;
    skn_file_close(ready->file);
    ready->file = NULL;
    enum skn_rc rc = skn_jf_remove_segment(journal->env, journal->dir, ready->head.number, NULL);
    (void)rc; /* no superblock names it; the next opening does it again */
}

static enum skn_rc next_head(struct skn_journal *journal,
                             uint64_t length_least,
                             struct skn_jf_segment *out_head,
                             struct skn_diag *diag)
{
    const struct skn_jready *ready = &journal->ready;
    struct skn_jf_segment head = ready->newest;
    head.number++;
    head.epoch = ready->epoch;
    head.length *= 2;
    if (head.length < journal->segment_bytes_min) head.length = journal->segment_bytes_min;
    if (head.length > journal->segment_bytes_max) head.length = journal->segment_bytes_max;
    if (head.length < length_least) head.length = length_least;
    *out_head = head;
    return skn_env_random(journal->env, &out_head->salt, sizeof out_head->salt, diag);
}

/* Over an old file where there is one: the last one is the largest. */
static enum skn_rc begin(struct skn_journal *journal, uint64_t length_least, struct skn_diag *diag)
{
    struct skn_jready *ready = &journal->ready;
    struct skn_jf_maker *maker = &ready->maker;
    struct skn_jf_segment head;
    char name[OLD_NAME_BYTES];
    const char *old = NULL;
    enum skn_rc rc = next_head(journal, length_least, &head, diag);
    if (rc != SKN_OK) return rc;
    if (ready->old_count > 0) {
        old_name(ready->old[--ready->old_count], name);
        old = name;
    }
    struct skn_slice nothing = {0};
    rc = skn_jf_maker_begin(maker, journal->env, journal->dir, &head, nothing, old, diag);
    if (rc == SKN_OK && old && skn_bug(SKN_BUG_OLD_NOT_ZEROED)) {
        maker->written = head.length;
        rc = skn_file_truncate(maker->file, head.length, diag);
    }
    return rc;
}

/* One step on the way to a file that is ready: the lock is held. */
static enum skn_rc step(struct skn_journal *journal, uint64_t length_least, struct skn_diag *diag)
{
    struct skn_jready *ready = &journal->ready;
    struct skn_jf_maker *maker = &ready->maker;
    enum skn_rc rc = SKN_OK;
    if (!maker->file) {
        rc = begin(journal, length_least, diag);
    } else if (!skn_jf_maker_is_full(maker)) {
        rc = skn_jf_maker_step(maker, diag);
    } else {
        struct skn_file *file = NULL;
        bool skip_sync = skn_bug(SKN_BUG_READY_NOT_SYNCED);
        ready->head = maker->head;
        rc = skn_jf_maker_finish(maker, journal->env, journal->dir, skip_sync, &file, diag);
        if (rc == SKN_OK) rc = skn_jback_sync_dir(journal, diag);
        if (rc == SKN_OK) ready->file = file;
        if (rc != SKN_OK) skn_file_close(file);
    }
    if (rc != SKN_EDISKFULL) return rc;
    /* What there is of it takes room that others need now. */
    skn_jf_maker_drop(maker);
    skn_jf_maker_remove(journal->env, journal->dir);
    return rc;
}

static enum skn_rc
make_on_the_spot(struct skn_journal *journal, uint64_t length_least, struct skn_diag *diag)
{
    struct skn_jready *ready = &journal->ready;
    enum skn_rc rc = SKN_OK;
    if (ready->maker.head.length < length_least) skn_jf_maker_drop(&ready->maker);
    while (rc == SKN_OK && !ready->file) {
        rc = step(journal, length_least, diag);
        /* Trying again is safe here: the file has no name yet that anybody would read. */
        if (rc == SKN_EDISKFULL && (remove_old(journal) || skn_jback_use_reserve(journal)))
            rc = SKN_OK;
    }
    return rc;
}

enum skn_rc skn_jready_take(struct skn_journal *journal,
                            uint64_t length_least,
                            struct skn_jf_segment *out_head,
                            struct skn_file **out_file,
                            struct skn_diag *diag)
{
    struct skn_jready *ready = &journal->ready;
    enum skn_rc rc = SKN_OK;
    lock(ready);
    if (ready->file && ready->head.length < length_least) {
        skn_file_close(ready->file); /* too short: one more in its place */
        ready->file = NULL;
    }
    if (!ready->file) rc = make_on_the_spot(journal, length_least, diag);
    if (rc == SKN_OK) {
        *out_head = ready->newest = ready->head;
        *out_file = ready->file;
        ready->epoch = journal->back.epoch;
        ready->file = NULL;
        atomic_store(&ready->is_wanted, false);
    }
    unlock(ready);
    return rc;
}

enum skn_rc
skn_journal_prepare(struct skn_journal *journal, bool *out_is_ready, struct skn_diag *diag)
{
    struct skn_jready *ready = &journal->ready;
    struct skn_diag why = {0};
    enum skn_rc rc = skn_jready_check(ready, diag);
    *out_is_ready = true;
    if (rc != SKN_OK || !atomic_load(&ready->is_wanted)) return rc;
    lock(ready);
    if (!ready->file) rc = step(journal, 0, &why);
    /* A full disk does no harm yet: the write that needs the segment asks for the reserve. */
    *out_is_ready = ready->file || rc == SKN_EDISKFULL;
    if (rc != SKN_OK && rc != SKN_EDISKFULL) rc = fail(ready, rc, &why, diag);
    unlock(ready);
    return rc == SKN_EDISKFULL ? SKN_OK : rc;
}
