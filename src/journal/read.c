/* read.c - a journal for who may not change it: replay without an owner, and verify. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/scan_internal.h"

/* An owner who writes at this moment shows a half-written header or a superblock that names a file
 * which is just being removed. It looks like damage, and is gone when one looks again; what is
 * still there after so many looks is damage. Both chosen arbitrarily. */
enum {
    LOOKS = 4,
    PAUSE_NS = 2 * 1000 * 1000,
};

static enum skn_rc look(struct skn_jscan *scan, struct skn_diag *diag)
{
    enum skn_rc rc = skn_jscan_begin(scan, SKN_OPEN_READ, diag);
    return rc == SKN_OK ? skn_jscan_run(scan, diag) : rc;
}

enum skn_rc skn_journal_read(struct skn_env *env,
                             const char *dir,
                             skn_journal_replay_fn replay,
                             void *ctx,
                             struct skn_journal_info *out_info,
                             struct skn_diag *diag)
{
    struct skn_jscan scan = {.env = env, .dir = dir};
    enum skn_rc rc = look(&scan, diag);
    for (int i = 1; i < LOOKS && rc == SKN_ECORRUPT; i++) {
        skn_jscan_fini(&scan);
        skn_env_sleep_ns(env, PAUSE_NS);
        scan = (struct skn_jscan){.env = env, .dir = dir};
        rc = look(&scan, diag);
    }
    /* Without a seal the last group may not be durable [E81]; a bound or a seal is written when what
     * it names is. */
    uint64_t stop_at = scan.last <= scan.super.bound ? scan.last + 1 : scan.last;
    if (rc == SKN_OK) rc = skn_jscan_again(&scan, stop_at, replay, ctx, diag);
    if (rc == SKN_OK && out_info) *out_info = scan.info;
    skn_jscan_fini(&scan);
    return rc;
}

enum skn_rc skn_journal_peek(struct skn_env *env,
                             const char *dir,
                             struct skn_journal_info *out_info,
                             struct skn_diag *diag)
{
    struct skn_jscan scan = {.env = env, .dir = dir};
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
    enum skn_rc rc = look(&scan, diag);
    if (rc == SKN_OK && out_info) *out_info = scan.info;
    skn_jscan_fini(&scan);
    return rc;
}
