/* read.c - a journal for who may not change it: replay without an owner, and verify. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/scan_internal.h"

static enum skn_rc
run(struct skn_jscan *scan, struct skn_journal_info *out_info, struct skn_diag *diag)
{
    enum skn_rc rc = skn_jscan_begin(scan, SKN_OPEN_READ, diag);
    if (rc == SKN_OK) rc = skn_jscan_run(scan, diag);
    if (rc == SKN_OK && out_info) *out_info = scan->info;
    skn_jscan_fini(scan);
    return rc;
}

enum skn_rc skn_journal_read(struct skn_env *env,
                             const char *dir,
                             skn_journal_replay_fn replay,
                             void *ctx,
                             struct skn_journal_info *out_info,
                             struct skn_diag *diag)
{
    struct skn_jscan scan = {
        .env = env, .dir = dir, .omits_last = true, .replay = replay, .ctx = ctx};
    return run(&scan, out_info, diag);
}

enum skn_rc skn_journal_verify(struct skn_env *env,
                               const char *dir,
                               struct skn_journal_info *out_info,
                               struct skn_diag *diag)
{
    struct skn_jscan scan = {.env = env, .dir = dir, .is_strict = true};
    return run(&scan, out_info, diag);
}
