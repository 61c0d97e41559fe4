/* restore.c - a data directory from a backup [E43]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "env/env.h"
#include "node/backup.h"
#include "node/blob_rows_internal.h"
#include "node/dir_internal.h"
#include "node/engine_internal.h"
#include "node/held_internal.h"
#include "node/rows_internal.h"
#include "store/rocks/rocks.h"

#include <inttypes.h>
#include <string.h>

static const uint64_t ns_in_s = 1000000000;

static enum skn_rc remove_blobs(const struct skn_restore_options *options, struct skn_diag *diag)
{
    char *path = skn_path_join(options->data_dir, SKN_BLOBS_DIR);
    enum skn_rc rc = skn_folder_remove(options->env, path, diag);
    skn_free(path);
    return rc;
}

/* What is in the files was compared with the manifest, and what the manifest says with the rows. */
static enum skn_rc copy_blobs(const struct skn_restore_options *options, struct skn_diag *diag)
{
    char *from = skn_path_join(options->dir, SKN_BLOBS_DIR);
    char *to = skn_path_join(options->data_dir, SKN_BLOBS_DIR);
    enum skn_rc rc = skn_path_look(options->env, from, diag);
    if (rc == SKN_OK)
        rc = skn_folder_copy(options->env, from, to, diag);
    else if (rc == SKN_ENOENT)
        rc = SKN_OK;
    skn_free(to);
    skn_free(from);
    return rc;
}

/* Nothing may be there, but for what a restore that was cut off left. */
static enum skn_rc make_room(const struct skn_restore_options *options,
                             const struct skn_rows *rows,
                             struct skn_diag *diag)
{
    struct skn_env *env = options->env;
    bool is_restored = false;
    enum skn_rc rc = skn_held_read(options->data_dir, &is_restored, diag);
    bool was_cut_off = rc == SKN_OK && !is_restored;
    if (rc != SKN_OK && rc != SKN_ENOENT) return rc;
    if (was_cut_off) {
        rc = skn_folder_remove(env, rows->journal, diag);
        if (rc == SKN_OK) rc = skn_folder_remove(env, rows->store, diag);
        return rc == SKN_OK ? remove_blobs(options, diag) : rc;
    }
    rc = skn_path_look(env, rows->journal, diag);
    if (rc == SKN_ENOENT) rc = skn_path_look(env, rows->store, diag);
    if (rc == SKN_ENOENT) return SKN_OK;
    if (rc != SKN_OK) return rc;
    return SKN_FAIL(diag,
                    SKN_EEXIST,
                    "\"%s\" has data already; restore into another folder, or move it away",
                    options->data_dir);
}

static enum skn_rc copy_store(const struct skn_restore_options *options,
                              const struct skn_rows *from,
                              const struct skn_rows *to,
                              const uint8_t new_id[16],
                              struct skn_diag *diag)
{
    enum skn_rc rc = skn_path_look(options->env, from->store, diag);
    if (rc == SKN_ENOENT) return SKN_OK;
    if (rc == SKN_OK) rc = skn_folder_copy(options->env, from->store, to->store, diag);
    const struct skn_rocks_options rocks = {.env = options->env, .dir = to->store};
    return rc == SKN_OK ? skn_rocks_rename(&rocks, new_id, diag) : rc;
}

static enum skn_rc copy_all(const struct skn_restore_options *options,
                            const struct skn_rows *to,
                            struct skn_diag *diag)
{
    uint8_t new_id[SKN_JOURNAL_ID_BYTES];
    struct skn_rows from;
    skn_rows_init(&from, options->env, options->dir);
    enum skn_rc rc = skn_env_random(options->env, new_id, sizeof new_id, diag);
    if (rc == SKN_OK) rc = copy_store(options, &from, to, new_id, diag);
    if (rc == SKN_OK)
        rc = skn_journal_copy(options->env, from.journal, to->journal, new_id, NULL, diag);
    skn_rows_fini(&from);
    return rc;
}

/* The rows are those that the backup says: every shard at the same record, in the same state. */
static enum skn_rc compare(const struct skn_manifest *want,
                           const struct skn_manifest *found,
                           const char *dir,
                           struct skn_diag *diag)
{
    if (want->shard_count != found->shard_count)
        return SKN_CORRUPT(diag,
                           "\"%s\" has %zu shards, its manifest names %zu",
                           dir,
                           found->shard_count,
                           want->shard_count);
    for (size_t i = 0; i < want->shard_count; i++) {
        const struct skn_manifest_shard *a = &want->shards[i], *b = &found->shards[i];
        if (a->index != b->index || !skn_hash128_eq(a->state, b->state))
            return SKN_CORRUPT(diag,
                               "\"%s\": shard %zu is at record %" PRIu64
                               ", its manifest says record "
                               "%" PRIu64 " or another state",
                               dir,
                               i,
                               b->index,
                               a->index);
    }
    return SKN_OK;
}

/* The wall clock in the upper half makes epochs of directories that were restored from one backup
 * differ, and lets a person read when it was. */
static enum skn_rc
renew(const struct skn_restore_options *options, struct skn_rows *rows, struct skn_diag *diag)
{
    uint64_t now_s = skn_env_now_wall_ns(options->env) / ns_in_s;
    const struct skn_shards_options shards = {.env = options->env,
                                              .dir = rows->journal,
                                              .backend = rows->backend,
                                              .programs = options->programs ? options->programs
                                                                            : engine_programs,
                                              .epoch_floor = now_s << 32,
                                              .epoch_leap = UINT64_C(1) << 32,
                                              .new_secret = options->is_copy};
    return skn_shards_renew(&shards, diag);
}

static enum skn_rc build(const struct skn_restore_options *options,
                         const struct skn_manifest *manifest,
                         struct skn_rows *rows,
                         struct skn_diag *diag)
{
    struct skn_manifest found = {0};
    enum skn_rc rc = copy_all(options, rows, diag);
    if (rc == SKN_OK) rc = skn_rows_open(rows, true, diag);
    if (rc == SKN_OK) rc = skn_rows_verify(rows, &found, diag);
    if (rc == SKN_OK) rc = compare(manifest, &found, options->dir, diag);
    if (rc == SKN_OK) rc = copy_blobs(options, diag);
    struct skn_data_blobs blobs;
    if (rc == SKN_OK) rc = skn_blob_rows_check(rows, options->data_dir, &blobs, diag);
    skn_rows_close(rows);
    skn_manifest_fini(&found);
    if (rc == SKN_OK) rc = skn_rows_open(rows, false, diag);
    if (rc == SKN_OK) rc = renew(options, rows, diag);
    skn_rows_close(rows);
    return rc;
}

static enum skn_rc restore_into(const struct skn_restore_options *options,
                                const struct skn_manifest *manifest,
                                struct skn_diag *diag)
{
    struct skn_rows rows;
    skn_rows_init(&rows, options->env, options->data_dir);
    enum skn_rc rc = make_room(options, &rows, diag);
    if (rc == SKN_OK) rc = skn_held_put(options->data_dir, false, diag);
    if (rc == SKN_OK) rc = build(options, manifest, &rows, diag);
    if (rc == SKN_OK) rc = skn_held_put(options->data_dir, true, diag);
    skn_rows_fini(&rows);
    return rc;
}

enum skn_rc skn_restore(const struct skn_restore_options *options,
                        struct skn_backup_info *out_info,
                        struct skn_diag *diag)
{
    struct skn_manifest manifest = {0};
    struct skn_data_dir dir = {.fd = -1, .lock_fd = -1};
    enum skn_rc rc = skn_manifest_read(options->env, options->dir, &manifest, diag);
    if (rc == SKN_OK) rc = skn_data_dir_create(options->data_dir, &dir, diag);
    if (rc == SKN_OK) rc = skn_data_dir_lock(&dir, SKN_HOLD_EXCLUSIVE, diag);
    if (rc == SKN_OK) rc = restore_into(options, &manifest, diag);
    if (rc == SKN_OK) skn_manifest_info(&manifest, out_info);
    skn_data_dir_close(&dir);
    skn_manifest_fini(&manifest);
    return rc;
}
