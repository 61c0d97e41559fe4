/* rocks.c - opening, making and closing a store. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rocks/rocks.h"

#include "base/mem.h"
#include "store/rocks/rocks_internal.h"

#include <string.h>

enum skn_rc skn_rocks_position(struct skn_backend *base,
                               uint32_t shard,
                               struct skn_position *out,
                               struct skn_diag *diag)
{
    struct skn_rocks *r = skn_rocks_of(base);
    enum skn_rc rc = SKN_ENOENT;
    (void)pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->position_count && rc != SKN_OK; i++) {
        if (r->positions[i].shard != shard) continue;
        *out = r->positions[i].position;
        rc = SKN_OK;
    }
    (void)pthread_mutex_unlock(&r->lock);
    if (rc == SKN_OK) return SKN_OK;
    return SKN_FAIL(diag, SKN_ENOENT, "\"%s\" never held rows of shard %u", r->dir, shard);
}

static void rocks_destroy(struct skn_backend *base)
{
    struct skn_rocks *r = skn_rocks_of(base);
    skn_rocks_close_db(r);
    skn_mark_close(&r->mark);
    (void)pthread_rwlock_destroy(&r->gate);
    (void)pthread_mutex_destroy(&r->lock);
    skn_free(r->positions);
    skn_free(r->ops);
    skn_free(r->rows);
    skn_pack_scratch_fini(&r->pack);
    skn_free(r->dir);
    skn_free(r);
}

static bool rocks_is_exact(struct skn_backend *base)
{
    return !skn_rocks_of(base)->is_dirty;
}

static const struct skn_backend_ops rocks_ops = {
    .read = skn_rocks_read,
    .write = skn_rocks_write,
    .commit = skn_rocks_commit,
    .position = skn_rocks_position,
    .is_exact = rocks_is_exact,
    .backup = skn_rocks_backup,
    .destroy = rocks_destroy,
};

static enum skn_rc note_foreign(void *ctx, const char *name)
{
    bool *is_used = ctx;
    if (strcmp(name, "skein.mark.tmp") != 0) *is_used = true;
    return SKN_OK;
}

/* Makes the folder and its mark. A creation that was cut off left an empty folder, or the mark
 * under its unfinished name. */
static enum skn_rc make(const struct skn_rocks_options *options, struct skn_diag *diag)
{
    static const uint8_t zeros[SKN_ROCKS_ID_BYTES];
    SKN_ASSERT(memcmp(options->store_id, zeros, sizeof zeros) != 0);
    bool is_used = false;
    enum skn_rc rc = skn_env_mkdir(options->env, options->dir, diag);
    if (rc == SKN_EEXIST)
        rc = skn_env_list(options->env, options->dir, note_foreign, &is_used, diag);
    if (rc != SKN_OK) return rc;
    if (is_used)
        return SKN_CORRUPT(diag,
                           "\"%s\" has files but no skein.mark: no store, or one that lost it",
                           options->dir);
    return skn_mark_make(options->env, options->dir, options->store_id, 0, diag);
}

static enum skn_rc open_mark(struct skn_rocks *r, struct skn_diag *diag)
{
    const struct skn_rocks_options *o = &r->options;
    enum skn_rc rc = skn_mark_open(o->env, o->dir, o->is_read_only, &r->mark, diag);
    if (rc != SKN_ENOENT) return rc;
    if (o->may_create && !o->is_read_only) {
        rc = make(o, diag);
        return rc == SKN_OK ? skn_mark_open(o->env, o->dir, false, &r->mark, diag) : rc;
    }
    bool is_used = false;
    rc = skn_env_list(o->env, o->dir, note_foreign, &is_used, diag);
    if (rc == SKN_OK && is_used)
        return SKN_CORRUPT(
            diag, "\"%s\" has files but no skein.mark: no store, or one that lost it", o->dir);
    if (rc == SKN_OK) return SKN_FAIL(diag, SKN_ENOENT, "there is no store in \"%s\"", o->dir);
    return rc;
}

static enum skn_rc take_identity(struct skn_rocks *r, struct skn_diag *diag)
{
    static const uint8_t zeros[SKN_ROCKS_ID_BYTES];
    if (memcmp(r->options.store_id, zeros, sizeof zeros) != 0 &&
        memcmp(r->options.store_id, r->mark.store_id, sizeof zeros) != 0)
        return SKN_FAIL(diag, SKN_EFOREIGN, "\"%s\" belongs to another store", r->dir);
    memcpy(r->options.store_id, r->mark.store_id, SKN_ROCKS_ID_BYTES);
    return SKN_OK;
}

enum skn_rc skn_rocks_open(const struct skn_rocks_options *options,
                           struct skn_backend **out_backend,
                           struct skn_diag *diag)
{
    struct skn_rocks *r = skn_alloc_zero(1, sizeof *r);
    r->base = (struct skn_backend){.ops = &rocks_ops, .is_shared = true};
    r->options = *options;
    skn_pack_scratch_init(&r->pack);
    r->dir = skn_dup(options->dir, strlen(options->dir));
    r->options.dir = r->dir;
    int failed = pthread_rwlock_init(&r->gate, NULL);
    failed |= pthread_mutex_init(&r->lock, NULL);
    SKN_ASSERT(failed == 0);
    enum skn_rc rc = open_mark(r, diag);
    if (rc == SKN_OK) rc = take_identity(r, diag);
    if (rc == SKN_OK) rc = skn_rocks_open_reading(r, diag);
    if (rc != SKN_OK) {
        rocks_destroy(&r->base);
        return rc;
    }
    *out_backend = &r->base;
    return SKN_OK;
}
