/* backup.c - a copy of a project's data while it is in use. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/backup.h"

#include "base/mem.h"
#include "env/env.h"
#include "node/blob_rows_internal.h"
#include "node/rows_internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
    TRIES = 5, /* a checkpoint that ends while the journal is copied trims it [E9] */
    MS_IN_NS = 1000000,
};

static enum skn_rc remove_parts(struct skn_env *env, const char *dir, struct skn_diag *diag)
{
    static const char *const folders[] = {"store", "journal", SKN_BLOBS_DIR};
    enum skn_rc rc = SKN_OK;
    for (size_t i = 0; rc == SKN_OK && i < SKN_ARRAY_LEN(folders); i++) {
        char *path = skn_path_join(dir, folders[i]);
        rc = skn_folder_remove(env, path, diag);
        skn_free(path);
    }
    return rc;
}

/* The rows first: what they hold was durable in the journal before, and the journal is copied after
 * them, so it has a group made durable after the last mark [E11]. */
static enum skn_rc copy_parts(const struct skn_backup_options *options, struct skn_diag *diag)
{
    struct skn_rows from, to;
    skn_rows_init(&from, options->env, options->data_dir);
    skn_rows_init(&to, options->env, options->dir);
    enum skn_rc rc = skn_path_look(options->env, from.store, diag);
    if (rc == SKN_ENOENT)
        rc = SKN_OK; /* all rows are in the journal */
    else if (rc == SKN_OK)
        rc = options->snapshot ? options->snapshot(options->ctx, to.store, diag)
                               : skn_folder_copy(options->env, from.store, to.store, diag);
    if (rc == SKN_OK)
        rc = skn_journal_copy(options->env, from.journal, to.journal, NULL, NULL, diag);
    if (options->snapshot && options->end) options->end(options->ctx);
    skn_rows_fini(&to);
    skn_rows_fini(&from);
    return rc;
}

static enum skn_rc verify_parts(const struct skn_backup_options *options,
                                struct skn_manifest *manifest,
                                struct skn_diag *diag)
{
    struct skn_rows rows;
    skn_rows_init(&rows, options->env, options->dir);
    enum skn_rc rc = skn_rows_open(&rows, true, diag);
    if (rc == SKN_OK) rc = skn_rows_verify(&rows, manifest, diag);
    /* Behind the position, whose rows say which they are; nothing is removed meanwhile [E45]. */
    if (rc == SKN_OK) rc = skn_blob_rows_copy(&rows, options->data_dir, options->dir, diag);
    skn_rows_fini(&rows);
    return rc;
}

/* A journal that was trimmed between the two copies does not reach back to the rows. That looks like
 * damage, and is none when the next try is whole. */
static enum skn_rc copy_and_verify(const struct skn_backup_options *options,
                                   struct skn_manifest *manifest,
                                   struct skn_diag *diag)
{
    enum skn_rc rc = SKN_OK;
    for (int i = 0; i < TRIES; i++) {
        rc = copy_parts(options, diag);
        if (rc == SKN_OK) rc = verify_parts(options, manifest, diag);
        bool may_pass = rc == SKN_EBUSY || (rc == SKN_ECORRUPT && options->snapshot);
        if (!may_pass || i + 1 == TRIES) break;
        skn_manifest_fini(manifest);
        enum skn_rc removed = remove_parts(options->env, options->dir, diag);
        if (removed != SKN_OK) return removed;
    }
    return rc;
}

static enum skn_rc finish(const struct skn_backup_options *options,
                          struct skn_manifest *manifest,
                          struct skn_diag *diag)
{
    manifest->made_ms = skn_env_now_wall_ns(options->env) / MS_IN_NS;
    enum skn_rc rc = skn_manifest_add_folder(manifest, options->env, options->dir, "journal", diag);
    if (rc == SKN_OK)
        rc = skn_manifest_add_folder(manifest, options->env, options->dir, "store", diag);
    if (rc == SKN_OK)
        rc = skn_manifest_add_folder(manifest, options->env, options->dir, SKN_BLOBS_DIR, diag);
    if (rc == SKN_OK) rc = skn_manifest_write(manifest, options->env, options->dir, diag);
    if (rc != SKN_OK) return rc;
    char *above = skn_path_join(options->dir, "..");
    rc = skn_env_sync_dir(options->env, above, diag);
    skn_free(above);
    return rc;
}

/* Best effort: what cannot be removed has no manifest and is no backup. */
static void remove_all(const struct skn_backup_options *options)
{
    char *manifest = skn_path_join(options->dir, "manifest");
    enum skn_rc rc = skn_env_unlink(options->env, manifest, NULL);
    if (rc == SKN_OK || rc == SKN_ENOENT) rc = remove_parts(options->env, options->dir, NULL);
    if (rc == SKN_OK) (void)rmdir(options->dir);
    skn_free(manifest);
}

void skn_manifest_info(const struct skn_manifest *manifest, struct skn_backup_info *out)
{
    *out = (struct skn_backup_info){.made_ms = manifest->made_ms,
                                    .shards = manifest->shard_count,
                                    .files = manifest->file_count};
    for (size_t i = 0; i < manifest->shard_count; i++)
        out->records += manifest->shards[i].index;
    for (size_t i = 0; i < manifest->file_count; i++)
        out->bytes += manifest->files[i].bytes;
}

static enum skn_rc must_have_data(const struct skn_backup_options *options, struct skn_diag *diag)
{
    struct skn_rows rows;
    struct skn_journal_info info;
    skn_rows_init(&rows, options->env, options->data_dir);
    enum skn_rc rc = skn_journal_peek(options->env, rows.journal, &info, diag);
    if (rc == SKN_ENOENT)
        rc = SKN_FAIL(diag, SKN_ENOENT, "nothing was ever run in \"%s\"", options->data_dir);
    skn_rows_fini(&rows);
    return rc;
}

enum skn_rc skn_backup_make(const struct skn_backup_options *options,
                            struct skn_backup_info *out_info,
                            struct skn_diag *diag)
{
    struct skn_manifest manifest = {0};
    enum skn_rc rc = must_have_data(options, diag);
    if (rc == SKN_OK) rc = skn_env_mkdir(options->env, options->dir, diag);
    if (rc != SKN_OK) return rc;
    rc = copy_and_verify(options, &manifest, diag);
    if (rc == SKN_OK) rc = finish(options, &manifest, diag);
    if (rc == SKN_OK)
        skn_manifest_info(&manifest, out_info);
    else
        remove_all(options);
    skn_manifest_fini(&manifest);
    return rc;
}
