/* judge.c - how a segment may end: with a seal, with zeros, or with a torn group [E4, E5]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/walk_internal.h"

#include "base/bug.h"

#include <inttypes.h>

/* More sectors of the group are zero than its header says: they were never written. */
static bool has_gaps(const struct skn_jf_group *group, struct skn_slice bytes)
{
    return skn_jf_zero_sectors(skn_slice_from(bytes, SKN_JF_SECTOR)) > group->zero_sectors;
}

/* The end of a journal without a seal: nothing, a torn group, or damage [E4]. */
static enum skn_rc judge_tail(struct skn_jwalk *walk,
                              enum skn_jfound found,
                              const struct skn_jf_group *group,
                              struct skn_slice bytes,
                              struct skn_diag *diag)
{
    struct skn_jscan *scan = walk->scan;
    bool cuts_all = skn_bug(SKN_BUG_CUT_ANYTHING);
    uint64_t behind = walk->at;
    if (found == SKN_JFOUND_BAD_HEAD && !cuts_all)
        return SKN_JDAMAGE(
            walk, walk->at, diag, "group %" PRIu64 " has a bad header", walk->expected);
    if (found == SKN_JFOUND_BAD_BODY) {
        if (!has_gaps(group, bytes) && !cuts_all)
            return SKN_JDAMAGE(
                walk, walk->at, diag, "group %" PRIu64 " is not what was written", walk->expected);
        behind += SKN_JF_BLOCK; /* its own header is no later group */
    }
    uint64_t used = 0, group_at = 0;
    enum skn_rc rc = skn_jwalk_survey(walk, behind, &used, &group_at, diag);
    if (rc != SKN_OK) return rc;
    if (group_at != 0 && !cuts_all)
        return SKN_JDAMAGE(walk,
                           walk->at,
                           diag,
                           "group %" PRIu64 " is missing, and a later one is there",
                           walk->expected);
    if (found != SKN_JFOUND_END) scan->info.torn_bytes = used - walk->at;
    if (scan->last < scan->super.bound && !skn_bug(SKN_BUG_NO_BOUND))
        return SKN_JDAMAGE(walk,
                           walk->at,
                           diag,
                           "it ends with group %" PRIu64 ", and had group %" PRIu64,
                           scan->last,
                           scan->super.bound);
    return SKN_OK;
}

/* The end of a journal with a seal: exactly there, and nothing behind it [E5]. */
static enum skn_rc judge_seal(struct skn_jwalk *walk, struct skn_diag *diag)
{
    struct skn_jscan *scan = walk->scan;
    if (walk->at != scan->super.end || scan->last != scan->super.bound)
        return SKN_JDAMAGE(walk,
                           walk->at,
                           diag,
                           "it ends here with group %" PRIu64 ", and the seal says group %" PRIu64
                           " and offset %" PRIu64,
                           scan->last,
                           scan->super.bound,
                           scan->super.end);
    uint64_t used = 0, group_at = 0;
    enum skn_rc rc = skn_jwalk_survey(walk, walk->at, &used, &group_at, diag);
    if (rc == SKN_OK && used != walk->at)
        rc = SKN_JDAMAGE(walk, used - SKN_JF_SECTOR, diag, "something stands behind the seal");
    return rc;
}

/* The rest of a segment that is not the newest: nothing. */
static enum skn_rc judge_rest(struct skn_jwalk *walk, bool next_is_newer, struct skn_diag *diag)
{
    if (next_is_newer)
        return SKN_JDAMAGE(walk, walk->at, diag, "group %" PRIu64 " is missing", walk->expected);
    uint64_t used = 0, group_at = 0;
    enum skn_rc rc = skn_jwalk_survey(walk, walk->at, &used, &group_at, diag);
    if (rc == SKN_OK && used != walk->at)
        rc = SKN_JDAMAGE(
            walk, walk->at, diag, "group %" PRIu64 " is not what was written", walk->expected);
    return rc;
}

/* All groups of one segment, and what stands behind them. */
enum skn_rc
skn_jwalk_segment(struct skn_jwalk *walk, bool is_last, bool next_is_newer, struct skn_diag *diag)
{
    struct skn_jscan *scan = walk->scan;
    enum skn_jfound found = SKN_JFOUND_END;
    struct skn_jf_group group = {0};
    struct skn_slice bytes = {0};
    walk->at = SKN_JF_BLOCK;
    for (;;) {
        if (walk->limit != 0 && walk->expected >= walk->limit) return SKN_OK;
        if (scan->stop_at != 0 && walk->expected >= scan->stop_at) return SKN_OK;
        enum skn_rc rc = skn_jwalk_look(walk, &found, &group, &bytes, diag);
        bool is_group = found == SKN_JFOUND_GROUP;
        if (rc == SKN_OK && (is_group || found == SKN_JFOUND_BAD_BODY))
            rc = skn_jdump_group(walk, &group, is_group, diag);
        if (rc == SKN_OK && is_group) rc = skn_jwalk_accept(walk, &group, bytes, diag);
        if (rc != SKN_OK) return rc;
        if (found != SKN_JFOUND_GROUP) break;
    }
    if (!is_last) return judge_rest(walk, next_is_newer, diag);
    scan->end = walk->at;
    if (scan->super.is_sealed) return judge_seal(walk, diag);
    return judge_tail(walk, found, &group, bytes, diag);
}
