/* copy.c - a copy of a store beside its writer, and another name for a copy. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rocks/rocks_internal.h"

#include <string.h>

static enum skn_rc checkpoint(struct skn_rocks *r, const char *dir, struct skn_diag *diag)
{
    char *error = NULL;
    rocksdb_checkpoint_t *maker = r->lib.checkpoint_object_create(r->db, &error);
    if (error) return skn_rocks_failed(r, "begin a backup", error, diag);
    /* Never flushes: what is not flushed yet is behind the last commit. */
    r->lib.checkpoint_create(maker, dir, UINT64_MAX, &error);
    r->lib.checkpoint_object_destroy(maker);
    if (error) return skn_rocks_failed(r, "make a backup", error, diag);
    return SKN_OK;
}

static enum skn_rc must_be_absent(struct skn_env *env, const char *dir, struct skn_diag *diag)
{
    struct skn_file *file = NULL;
    enum skn_rc rc = skn_env_open(env, dir, SKN_OPEN_READ, &file, NULL);
    skn_file_close(rc == SKN_OK ? file : NULL);
    if (rc == SKN_ENOENT) return SKN_OK;
    return SKN_FAIL(diag, SKN_EEXIST, "\"%s\" is there already", dir);
}

enum skn_rc skn_rocks_backup(struct skn_backend *base, const char *dir, struct skn_diag *diag)
{
    struct skn_rocks *r = skn_rocks_of(base);
    enum skn_rc rc = must_be_absent(r->options.env, dir, diag);
    if (rc != SKN_OK) return rc;
    /* Taken before the copy, which then knows this many commits or more. */
    (void)pthread_mutex_lock(&r->lock);
    uint64_t commits = r->commits;
    (void)pthread_mutex_unlock(&r->lock);
    if (commits == 0) {
        rc = skn_env_mkdir(r->options.env, dir, diag); /* nothing to copy but the mark */
    } else {
        rc = skn_rocks_need_writing(r, diag);
        if (rc == SKN_OK) rc = checkpoint(r, dir, diag);
    }
    /* A copy that was cut off has no mark, and without one it is refused. */
    if (rc == SKN_OK) rc = skn_mark_make(r->options.env, dir, r->mark.store_id, commits, diag);
    return rc;
}

static enum skn_rc write_name(struct skn_rocks *r, struct skn_diag *diag)
{
    char *error = NULL;
    rocksdb_writebatch_t *batch = r->lib.writebatch_create();
    skn_rocks_put_identity(r, batch);
    r->lib.write(r->db, r->no_log, batch, &error);
    r->lib.writebatch_destroy(batch);
    if (!error) r->lib.flush(r->db, r->flush_wait, &error);
    return error ? skn_rocks_failed(r, "write its name", error, diag) : SKN_OK;
}

enum skn_rc skn_rocks_rename(const struct skn_rocks_options *options,
                             const uint8_t store_id[SKN_ROCKS_ID_BYTES],
                             struct skn_diag *diag)
{
    struct skn_backend *base = NULL;
    enum skn_rc rc = skn_rocks_open(options, &base, diag);
    if (rc != SKN_OK) return rc;
    struct skn_rocks *r = skn_rocks_of(base);
    memcpy(r->mark.store_id, store_id, SKN_ROCKS_ID_BYTES);
    if (r->db) { /* else only the mark has a name */
        rc = skn_rocks_need_writing(r, diag);
        if (rc == SKN_OK) rc = write_name(r, diag);
    }
    uint64_t commits = r->commits;
    skn_backend_destroy(base);
    if (rc == SKN_OK) rc = skn_mark_make(options->env, options->dir, store_id, commits, diag);
    return rc;
}
