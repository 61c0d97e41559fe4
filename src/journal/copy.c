/* copy.c - a journal once more in another folder, for backups. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/read_internal.h"
#include "journal/window_internal.h"

#include <string.h>

/* Groups as they stand: their checksums know the segment, not the store. Behind the last one the file
 * is zeros, whatever stood there. */
static enum skn_rc copy_groups(const struct skn_jscan_segment *segment,
                               struct skn_file *from,
                               struct skn_file *to,
                               struct skn_diag *diag)
{
    struct skn_jwindow window = {0};
    enum skn_rc rc = SKN_OK;
    skn_jwindow_turn(&window, from, segment->end);
    for (uint64_t at = SKN_JF_BLOCK; rc == SKN_OK && at < segment->end;) {
        struct skn_slice bytes = {0};
        uint64_t left = segment->end - at;
        size_t n = left < SKN_JWINDOW_BYTES ? (size_t)left : SKN_JWINDOW_BYTES;
        rc = skn_jwindow_get(&window, at, n, &bytes, diag);
        if (rc == SKN_OK && bytes.len != n)
            rc = SKN_CORRUPT(diag, "a segment ends while it is copied");
        if (rc == SKN_OK) rc = skn_file_pwrite(to, at, bytes.ptr, n, diag);
        at += n;
    }
    skn_jwindow_fini(&window);
    return rc;
}

static enum skn_rc copy_segment(const struct skn_jscan *scan,
                                const struct skn_jscan_segment *segment,
                                const char *to_dir,
                                const struct skn_jf_ids *ids,
                                struct skn_diag *diag)
{
    struct skn_file *from = NULL, *to = NULL;
    struct skn_jf_segment head = segment->head;
    uint8_t block[SKN_JF_BLOCK];
    head.ids = *ids;
    skn_jf_put_segment(&head, block);
    enum skn_rc rc =
        skn_jf_open_segment(scan->env, scan->dir, head.number, SKN_OPEN_READ, &from, diag);
    if (rc == SKN_OK)
        rc = skn_jf_open_segment(scan->env, to_dir, head.number, SKN_OPEN_CREATE, &to, diag);
    if (rc == SKN_OK) rc = skn_file_truncate(to, head.length, diag);
    if (rc == SKN_OK) rc = skn_file_pwrite(to, 0, block, sizeof block, diag);
    if (rc == SKN_OK) rc = copy_groups(segment, from, to, diag);
    if (rc == SKN_OK) rc = skn_file_sync(to, diag);
    skn_file_close(to);
    skn_file_close(from);
    return rc;
}

/* As after a clean stop behind the last group. */
static enum skn_rc make_super(const struct skn_jscan *scan,
                              const char *to_dir,
                              const struct skn_jf_ids *ids,
                              struct skn_diag *diag)
{
    struct skn_jf_super super = scan->super;
    struct skn_file *file = NULL;
    super.ids = *ids;
    super.is_sealed = true;
    super.sequence = 0;
    super.bound = scan->last;
    super.end = scan->end;
    enum skn_rc rc = skn_jf_make_super(scan->env, to_dir, &super, &file, diag);
    skn_file_close(file);
    return rc == SKN_OK ? skn_env_sync_dir(scan->env, to_dir, diag) : rc;
}

enum skn_rc skn_journal_copy(struct skn_env *env,
                             const char *dir,
                             const char *to_dir,
                             const uint8_t *store_id,
                             struct skn_journal_info *out_info,
                             struct skn_diag *diag)
{
    struct skn_jscan scan = {.env = env, .dir = dir};
    enum skn_rc rc = skn_jread_look(&scan, diag);
    struct skn_jf_ids ids = scan.super.ids;
    if (store_id) memcpy(ids.store, store_id, sizeof ids.store);
    if (rc == SKN_OK) rc = skn_env_mkdir(env, to_dir, diag);
    for (size_t i = 0; rc == SKN_OK && i < scan.count; i++)
        rc = copy_segment(&scan, &scan.segments[i], to_dir, &ids, diag);
    /* A file that was trimmed meanwhile may have been written over; else all is what was checked. */
    bool may_be_stale = rc == SKN_OK || rc == SKN_ENOENT || rc == SKN_ECORRUPT;
    if (may_be_stale && skn_jread_is_stale(&scan)) rc = skn_jread_busy(&scan, diag);
    if (rc == SKN_OK) rc = make_super(&scan, to_dir, &ids, diag);
    skn_jscan_fini(&scan);
    return rc == SKN_OK ? skn_journal_verify(env, to_dir, out_info, diag) : rc;
}
