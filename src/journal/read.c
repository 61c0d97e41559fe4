/* read.c - a journal for who may not change it: replay without an owner, and verify. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/read_internal.h"

/* An owner who writes at this moment shows a half-written header or a superblock that names a file
 * which is just being trimmed. It looks like damage, and is gone when one looks again; what is
 * still there after so many looks is damage. Both chosen arbitrarily. */
enum {
    LOOKS = 4,
    PAUSE_NS = 2 * 1000 * 1000,
};

/* A trimmed file is written over while the reader may have it open, so what it read since then may
 * be less than there was: nothing of it counts [E1]. */
bool skn_jread_is_stale(struct skn_jscan *scan)
{
    struct skn_jf_super now;
    bool has_bad_slot = false;
    if (!scan->super_file) return false;
    enum skn_rc rc = skn_jf_read_super(scan->super_file, scan->dir, &now, &has_bad_slot, NULL);
    return rc == SKN_OK && now.oldest != scan->dir_oldest;
}

enum skn_rc skn_jread_busy(const struct skn_jscan *scan, struct skn_diag *diag)
{
    return SKN_FAIL(diag,
                    SKN_EBUSY,
                    "the journal in \"%s\" was trimmed while it was read; begin again",
                    scan->dir);
}

static enum skn_rc look(struct skn_jscan *scan, struct skn_diag *diag)
{
    enum skn_rc rc = skn_jscan_begin(scan, SKN_OPEN_READ, diag);
    return rc == SKN_OK ? skn_jscan_run(scan, diag) : rc;
}

enum skn_rc skn_jread_look(struct skn_jscan *scan, struct skn_diag *diag)
{
    const struct skn_jscan blank = *scan;
    for (int i = 1;; i++) {
        enum skn_rc rc = look(scan, diag);
        bool was_trimmed = skn_jread_is_stale(scan);
        bool may_pass = was_trimmed || rc == SKN_ECORRUPT;
        if (!may_pass) return rc;
        if (i == LOOKS) return was_trimmed ? skn_jread_busy(scan, diag) : rc;
        skn_jscan_fini(scan);
        *scan = blank;
        skn_env_sleep_ns(scan->env, PAUSE_NS);
    }
}

enum skn_rc skn_jread_again(struct skn_jscan *scan,
                            uint64_t stop_at,
                            skn_journal_replay_fn replay,
                            void *ctx,
                            struct skn_diag *diag)
{
    enum skn_rc rc = skn_jscan_again(scan, stop_at, replay, ctx, diag);
    bool is_whole = rc == SKN_OK && scan->last + 1 == stop_at;
    if (is_whole) return SKN_OK;
    if (skn_jread_is_stale(scan)) return skn_jread_busy(scan, diag);
    if (rc != SKN_OK) return rc;
    return SKN_CORRUPT(diag, "the journal in \"%s\" got shorter while it was read", scan->dir);
}

/* The last group counts when it is at most `known`. */
static enum skn_rc read_to(struct skn_jscan scan,
                           uint64_t known,
                           skn_journal_replay_fn replay,
                           void *ctx,
                           struct skn_journal_info *out_info,
                           struct skn_diag *diag)
{
    enum skn_rc rc = skn_jread_look(&scan, diag);
    if (rc == SKN_OK) {
        /* Without a seal the last group may not be durable [E81]; a bound or a seal is written when
         * what it names is. */
        bool counts = scan.last <= scan.super.bound || scan.last <= known;
        rc = skn_jread_again(&scan, counts ? scan.last + 1 : scan.last, replay, ctx, diag);
    }
    if (rc == SKN_OK && out_info) *out_info = scan.info;
    skn_jscan_fini(&scan);
    return rc;
}

enum skn_rc skn_journal_read(struct skn_env *env,
                             const char *dir,
                             skn_journal_replay_fn replay,
                             void *ctx,
                             struct skn_journal_info *out_info,
                             struct skn_diag *diag)
{
    const struct skn_jscan scan = {.env = env, .dir = dir};
    return read_to(scan, 0, replay, ctx, out_info, diag);
}

enum skn_rc skn_journal_read_archive(struct skn_env *env,
                                     const char *dir,
                                     const char *archive,
                                     uint64_t from,
                                     skn_journal_replay_fn replay,
                                     void *ctx,
                                     struct skn_journal_info *out_info,
                                     struct skn_diag *diag)
{
    const struct skn_jscan scan = {
        .env = env, .dir = dir, .archive = archive, .archive_from = from};
    return read_to(scan, 0, replay, ctx, out_info, diag);
}

enum skn_rc skn_journal_read_last(struct skn_env *env,
                                  const char *dir,
                                  uint64_t group,
                                  skn_journal_replay_fn replay,
                                  void *ctx,
                                  struct skn_diag *diag)
{
    const struct skn_jscan scan = {.env = env, .dir = dir};
    return read_to(scan, group, replay, ctx, NULL, diag);
}

enum skn_rc skn_journal_peek(struct skn_env *env,
                             const char *dir,
                             struct skn_journal_info *out_info,
                             struct skn_diag *diag)
{
    return skn_journal_peek_archive(env, dir, NULL, 0, out_info, diag);
}

enum skn_rc skn_journal_peek_archive(struct skn_env *env,
                                     const char *dir,
                                     const char *archive,
                                     uint64_t from,
                                     struct skn_journal_info *out_info,
                                     struct skn_diag *diag)
{
    struct skn_jscan scan = {.env = env, .dir = dir, .archive = archive, .archive_from = from};
    enum skn_rc rc = skn_jscan_begin(&scan, SKN_OPEN_READ, diag);
    if (rc == SKN_OK) *out_info = scan.info;
    skn_jscan_fini(&scan);
    return rc;
}

enum skn_rc skn_journal_verify(struct skn_env *env,
                               const char *dir,
                               struct skn_journal_info *out_info,
                               struct skn_diag *diag)
{
    struct skn_jscan scan = {.env = env, .dir = dir, .is_strict = true};
    enum skn_rc rc = skn_jread_look(&scan, diag);
    if (rc == SKN_OK && out_info) *out_info = scan.info;
    skn_jscan_fini(&scan);
    return rc;
}
