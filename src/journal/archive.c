/* archive.c - segments that trim moved out of the way, read in front of those of the journal [E70]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/walk_internal.h"

static bool has(const struct skn_jf_names *names, uint64_t number)
{
    for (size_t i = names->count; i-- > 0;)
        if (names->segments[i] <= number) return names->segments[i] == number;
    return false;
}

const char *skn_jscan_dir(const struct skn_jscan *scan, uint64_t number)
{
    bool is_here = number >= scan->dir_oldest || has(&scan->names, number);
    return is_here ? scan->dir : scan->archive;
}

enum skn_rc skn_jscan_find_archive(struct skn_jscan *scan, struct skn_diag *diag)
{
    struct skn_jf_names names;
    uint64_t oldest = scan->super.oldest;
    enum skn_rc rc = skn_jf_list(scan->env, scan->archive, &names, diag);
    if (rc == SKN_OK || rc == SKN_ENOENT) {
        rc = SKN_OK;
        while (oldest - 1 >= scan->archive_from &&
               (has(&names, oldest - 1) || has(&scan->names, oldest - 1)))
            oldest--;
    }
    skn_jf_names_fini(&names);
    scan->super.oldest = oldest;
    return rc;
}

/* The number of the group at the first place of a segment; 0: no group was ever written there. */
static enum skn_rc
first_group(struct skn_jscan *scan, size_t i, uint64_t *out_number, struct skn_diag *diag)
{
    struct skn_jscan_segment *s = &scan->segments[i];
    struct skn_jwalk walk = {.scan = scan, .segment = s};
    struct skn_jf_group group;
    struct skn_slice sector = {0};
    struct skn_file *file = NULL;
    const char *dir = skn_jscan_dir(scan, s->head.number);
    enum skn_rc rc =
        skn_jf_open_segment(scan->env, dir, s->head.number, SKN_OPEN_READ, &file, diag);
    if (rc != SKN_OK) return rc;
    skn_jwindow_turn(&walk.window, file, s->head.length);
    rc = skn_jwindow_get(&walk.window, SKN_JF_BLOCK, SKN_JF_SECTOR, &sector, diag);
    *out_number = 0;
    if (rc == SKN_OK && !skn_jf_is_zero(sector)) {
        bool is_group = skn_jf_get_group(sector, s->head.salt, &group) &&
                        skn_jwalk_is_at_home(&walk, &group, SKN_JF_BLOCK);
        *out_number = group.number;
        if (!is_group) rc = SKN_JDAMAGE(&walk, SKN_JF_BLOCK, diag, "a group has a bad header");
    }
    skn_jwindow_fini(&walk.window);
    skn_file_close(file);
    return rc;
}

/* A generation may end, with a group that was cut, in front of all of a segment. */
enum skn_rc skn_jscan_first_of_archive(struct skn_jscan *scan, struct skn_diag *diag)
{
    uint64_t number = 0;
    enum skn_rc rc = SKN_OK;
    for (size_t i = 0; rc == SKN_OK && number == 0 && i < scan->count; i++) {
        if (scan->segments[i].head.number == scan->dir_oldest)
            return SKN_OK; /* it has the number */
        rc = first_group(scan, i, &number, diag);
        uint64_t limit = skn_jscan_limit(scan, i);
        if (limit != 0 && limit < number) number = limit;
    }
    if (rc == SKN_OK) scan->super.oldest_group = number;
    return rc;
}
