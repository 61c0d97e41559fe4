/* stray.c - segments that the superblock does not name, and a folder without a superblock. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/walk_internal.h"

#include <inttypes.h>

/* A file that the superblock does not name was prepared ahead, or is the beginning of an opening
 * that did not end: this one may hold a copy of a group that the power cut took elsewhere, and that
 * nobody was told about. Any other group in it that is not in the journal means that the superblock
 * is not the last one that was written. */
enum skn_rc skn_jscan_check_newer(struct skn_jscan *scan, uint64_t number, struct skn_diag *diag)
{
    struct skn_jscan_segment s = {0};
    struct skn_file *file = NULL;
    enum skn_rc rc = skn_jscan_read_head(scan, number, &s.head, diag);
    if (rc == SKN_OK)
        rc = skn_jf_open_segment(scan->env, scan->dir, number, SKN_OPEN_READ, &file, diag);
    if (rc != SKN_OK) return rc;
    struct skn_jwalk walk = {.scan = scan, .segment = &s};
    skn_jwindow_turn(&walk.window, file, s.head.length);
    bool may_copy =
        !scan->has_bad_slot && s.head.generation > scan->segments[scan->count - 1].head.generation;
    for (uint64_t at = SKN_JF_BLOCK; at < s.head.length && rc == SKN_OK; at += SKN_JF_BLOCK) {
        struct skn_slice sector;
        struct skn_jf_group group;
        rc = skn_jwindow_get(&walk.window, at, SKN_JF_SECTOR, &sector, diag);
        if (rc != SKN_OK || !skn_jf_get_group(sector, s.head.salt, &group)) continue;
        if (may_copy && group.number == s.head.begins) continue;
        if (skn_jwalk_is_at_home(&walk, &group, at) && group.number > scan->last)
            rc = SKN_JDAMAGE(&walk,
                             at,
                             diag,
                             "it has group %" PRIu64 ", and the superblock does not know the file",
                             group.number);
    }
    skn_jwindow_fini(&walk.window);
    skn_file_close(file);
    return rc;
}

/* Without a superblock: whether anything is there that must not be written over. */
enum skn_rc skn_jscan_check_no_super(struct skn_jscan *scan, struct skn_diag *diag)
{
    enum skn_rc none = SKN_FAIL(diag, SKN_ENOENT, "there is no journal in \"%s\"", scan->dir);
    if (scan->names.count == 0) return none;
    /* A creation that did not end leaves segment 1, and nothing in it. */
    struct skn_jf_segment head = {0};
    struct skn_jscan_segment s = {.head.number = scan->names.segments[0]};
    struct skn_jwalk walk = {.scan = scan, .segment = &s};
    struct skn_file *file = NULL;
    enum skn_rc rc =
        skn_jf_open_segment(scan->env, scan->dir, s.head.number, SKN_OPEN_READ, &file, diag);
    if (rc != SKN_OK) return rc;
    struct skn_slice block = {0};
    uint64_t used = 0, group_at = 0;
    skn_jwindow_turn(&walk.window, file, SKN_JWINDOW_BYTES);
    rc = skn_jwindow_get(&walk.window, 0, SKN_JF_BLOCK, &block, diag);
    bool is_first = rc == SKN_OK && scan->names.count == 1 && s.head.number == 1 &&
                    block.len == SKN_JF_BLOCK && skn_jf_get_segment(block, &head, NULL) == SKN_OK &&
                    head.number == 1;
    if (is_first) {
        s.head = head;
        rc = skn_jwalk_survey(&walk, SKN_JF_BLOCK, &used, &group_at, diag);
        is_first = used == SKN_JF_BLOCK;
    }
    skn_jwindow_fini(&walk.window);
    skn_file_close(file);
    if (rc != SKN_OK) return rc;
    if (is_first) return SKN_FAIL(diag, SKN_ENOENT, "there is no journal in \"%s\"", scan->dir);
    return SKN_CORRUPT(diag, "damage in \"%s/super\" at offset 0: the file is missing", scan->dir);
}
