/* history.c - bases for looking back, made and dropped by the keeper behind its checkpoints [E70].
 *
 * Nothing half-made is believed: a base is one when its .ok is there, which gets its name when the base
 * is durable and loses it, durably, before anything of the base goes. What has no .ok is put away by the
 * next opening. The newest base is made when the one before it is as old as what is to be kept, and the
 * one before that goes then: so there is always one that is old enough.
 *
 * It may fail at any step, and work goes on: then there is less history, and `status` says so.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/mem.h"
#include "shard/history_internal.h"
#include "shard/parts_internal.h"

#include <string.h>

struct history {
    struct skn_env *env;
    char *dir, *journal; /* folders; owns */
    uint64_t keep_ms;
    struct history_base *bases; /* whole ones, oldest first */
    size_t count;
    bool is_untidy; /* what was given up is not all removed yet */
};

/* --- removing --------------------------------------------------------------------------------------- */

struct folder {
    struct skn_env *env;
    const char *path;
    struct skn_diag *diag;
};

static enum skn_rc is_gone(enum skn_rc rc)
{
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

static enum skn_rc remove_in(void *ctx, const char *name)
{
    const struct folder *folder = ctx;
    char *path = history_path(folder->path, name);
    enum skn_rc rc = skn_env_unlink(folder->env, path, folder->diag);
    skn_free(path);
    return rc;
}

static enum skn_rc remove_folder(struct skn_env *env, const char *path, struct skn_diag *diag)
{
    struct folder folder = {env, path, diag};
    enum skn_rc rc = skn_env_list(env, path, remove_in, &folder, diag);
    if (rc == SKN_OK) rc = skn_env_unlink(env, path, diag);
    return is_gone(rc);
}

static enum skn_rc unlink_base(const struct history *h,
                               const struct history_base *base,
                               const char *end,
                               struct skn_diag *diag)
{
    char *path = history_base_path(h->dir, base, end);
    enum skn_rc rc = is_gone(skn_env_unlink(h->env, path, diag));
    skn_free(path);
    return rc;
}

/* Its .ok first: what follows is litter then. */
static enum skn_rc
remove_base(const struct history *h, const struct history_base *base, struct skn_diag *diag)
{
    enum skn_rc rc = unlink_base(h, base, ".ok", diag);
    if (rc == SKN_OK) rc = skn_env_sync_dir(h->env, h->dir, diag);
    if (rc == SKN_OK) rc = unlink_base(h, base, ".tmp", diag);
    char *path = history_base_path(h->dir, base, ".base");
    if (rc == SKN_OK) rc = remove_folder(h->env, path, diag);
    skn_free(path);
    return rc;
}

/* Segments that no base needs. */
static enum skn_rc remove_segments(const struct history *h,
                                   const struct history_names *names,
                                   uint64_t below,
                                   struct skn_diag *diag)
{
    enum skn_rc rc = SKN_OK;
    for (size_t i = 0; rc == SKN_OK && i < names->segment_count; i++) {
        if (names->segments[i] >= below) continue;
        char *path = history_segment_path(h->dir, names->segments[i]);
        rc = is_gone(skn_env_unlink(h->env, path, diag));
        skn_free(path);
    }
    return rc;
}

/* Leaves the bases from `first` on, their segments, and nothing else. SKN_EBUSY: somebody reads. */
static enum skn_rc keep_from(struct history *h, size_t first, struct skn_diag *diag)
{
    struct history_names names = {0};
    struct skn_file *lock = NULL;
    enum skn_rc rc = history_lock(h->env, h->dir, SKN_LOCK_EXCLUSIVE, &lock, diag);
    if (rc == SKN_OK) rc = history_list(h->env, h->dir, &names, diag);
    for (size_t i = 0; rc == SKN_OK && i < names.base_count; i++) {
        const struct history_base *base = &names.bases[i];
        bool is_kept = false;
        for (size_t k = first; k < h->count; k++)
            is_kept |= h->bases[k].made_ms == base->made_ms && h->bases[k].segment == base->segment;
        if (!is_kept) rc = remove_base(h, base, diag);
    }
    if (rc == SKN_OK) {
        if (h->count > first)
            memmove(h->bases, h->bases + first, (h->count - first) * sizeof *h->bases);
        h->count -= first;
        size_t oldest = skn_bug(SKN_BUG_KEPT_FROM_NEWEST) && h->count > 0 ? h->count - 1 : 0;
        rc = remove_segments(h, &names, h->count > 0 ? h->bases[oldest].segment : UINT64_MAX, diag);
    }
    history_names_fini(&names);
    skn_file_close(lock);
    return rc;
}

/* --- what others see -------------------------------------------------------------------------------- */

static void publish(struct skn_shards *all, bool is_given_up)
{
    const struct history *h = all->history;
    uint64_t since_ms = h->count > 0 ? h->bases[0].made_ms : 0;
    atomic_store_explicit(&all->history_since_ms, since_ms, memory_order_relaxed);
    atomic_store_explicit(&all->history_is_given_up, is_given_up, memory_order_relaxed);
    atomic_store_explicit(&all->is_archiving, h->count > 0, memory_order_release);
}

/* What trim lets go from now on is not kept, so the bases are of no use, whether they can be removed
 * now or only when nobody reads in them. */
static void give_up(struct skn_shards *all)
{
    struct history *h = all->history;
    h->count = 0;
    publish(all, true);
    h->is_untidy = keep_from(h, 0, NULL) != SKN_OK;
}

void history_look_at_disk(struct skn_shards *all)
{
    struct history *h = all->history;
    int disk = atomic_load_explicit(&all->disk, memory_order_relaxed);
    if (disk == SKN_JOURNAL_DISK_OK || !h) return;
    if (h->count > 0 || h->is_untidy) give_up(all);
}

/* --- making ------------------------------------------------------------------------------------------- */

static enum skn_rc
make_ok(const struct history *h, const struct history_base *base, struct skn_diag *diag)
{
    struct skn_file *file = NULL;
    char *unfinished = history_base_path(h->dir, base, ".tmp");
    char *path = history_base_path(h->dir, base, ".ok");
    enum skn_rc rc = skn_env_open(h->env, unfinished, SKN_OPEN_ANY, &file, diag);
    if (rc == SKN_OK) rc = skn_file_pwrite(file, 0, HISTORY_OK_TEXT, strlen(HISTORY_OK_TEXT), diag);
    if (rc == SKN_OK) rc = skn_file_sync(file, diag);
    skn_file_close(file);
    /* The folder of the base has its name durably before the .ok has. */
    if (rc == SKN_OK) rc = skn_env_sync_dir(h->env, h->dir, diag);
    if (rc == SKN_OK) rc = skn_env_rename(h->env, unfinished, path, diag);
    if (rc == SKN_OK) rc = skn_env_sync_dir(h->env, h->dir, diag);
    skn_free(path);
    skn_free(unfinished);
    return rc;
}

/* The folder, with its name durable: else a power cut takes all that is in it. */
static enum skn_rc make_folder(const struct history *h, struct skn_diag *diag)
{
    enum skn_rc rc = skn_env_mkdir(h->env, h->dir, diag);
    if (rc != SKN_OK && rc != SKN_EEXIST) return rc;
    const char *slash = strrchr(h->dir, '/');
    size_t len = slash && slash > h->dir ? (size_t)(slash - h->dir) : 1;
    char *above = slash ? skn_dup(h->dir, len) : skn_dup(".", 1);
    rc = skn_env_sync_dir(h->env, above, diag);
    skn_free(above);
    return rc;
}

/* As of the commit just now: this thread alone writes, so the copy is exact. The journal's oldest
 * segment is looked up here: what the trim of this checkpoint lets go is not needed any more, what
 * it leaves is. */
static enum skn_rc make_base(struct skn_shards *all, uint64_t now_ms, struct skn_diag *diag)
{
    struct history *h = all->history;
    struct skn_journal_info info = {0};
    struct history_base base = {.made_ms = now_ms, .is_whole = true, .has_folder = true};
    struct skn_file *lock = NULL;
    enum skn_rc rc = make_folder(h, diag);
    if (rc == SKN_OK) rc = history_lock(h->env, h->dir, SKN_LOCK_EXCLUSIVE, &lock, diag);
    skn_file_close(lock); /* only to make the file */
    if (rc == SKN_EBUSY) rc = SKN_OK;
    if (rc == SKN_OK) rc = skn_journal_peek(all->env, h->journal, &info, diag);
    if (rc != SKN_OK) return rc;
    base.segment = info.oldest;
    char *path = history_base_path(h->dir, &base, ".base");
    rc = skn_backend_backup(all->backend, path, diag);
    skn_free(path);
    if (rc == SKN_OK) rc = make_ok(h, &base, diag);
    if (rc != SKN_OK) {
        (void)remove_base(h, &base, NULL); /* or the next opening does */
        return rc;
    }
    h->bases = skn_realloc(h->bases, (h->count + 1) * sizeof *h->bases);
    h->bases[h->count++] = base;
    return SKN_OK;
}

static uint64_t age_of(const struct history_base *base, uint64_t now_ms)
{
    return now_ms > base->made_ms ? now_ms - base->made_ms : 0;
}

static bool is_on(const struct skn_shards *all)
{
    bool has_room = atomic_load_explicit(&all->disk, memory_order_relaxed) == SKN_JOURNAL_DISK_OK;
    return all->history && all->history->keep_ms > 0 && has_room;
}

void history_before_trim(struct skn_shards *all)
{
    if (is_on(all)) atomic_store_explicit(&all->is_archiving, true, memory_order_release);
}

void history_checkpointed(struct skn_shards *all)
{
    struct history *h = all->history;
    if (!is_on(all)) return;
    uint64_t now_ms = skn_shards_now_ms(all);
    struct skn_diag diag = {.text = ""};
    enum skn_rc rc = SKN_OK;
    bool is_due = h->count == 0 || age_of(&h->bases[h->count - 1], now_ms) >= h->keep_ms;
    if (is_due) rc = make_base(all, now_ms, &diag);
    /* The one before the last is old enough alone. */
    size_t first = 0;
    while (first + 1 < h->count && age_of(&h->bases[first + 1], now_ms) >= h->keep_ms)
        first++;
    if (rc == SKN_OK && first > 0) (void)keep_from(h, first, &diag);
    if (is_due && rc == SKN_OK && h->count == 1) (void)keep_from(h, 0, &diag);
    if (rc == SKN_EDISKFULL)
        give_up(all);
    else if (is_due || first > 0)
        publish(all, rc != SKN_OK);
}

/* --- opening ------------------------------------------------------------------------------------------ */

/* The oldest segment from which on all are there: a history that was given up may have been left with
 * bases by a death, and what the journal let go since is gone. What cannot be read now is no reason to
 * let anything go. */
static uint64_t oldest_segment(const struct history *h)
{
    struct skn_journal_info info = {0};
    uint64_t from = history_from(h->env, h->dir);
    enum skn_rc rc = skn_journal_peek_archive(h->env, h->journal, h->dir, from, &info, NULL);
    return rc == SKN_OK ? info.oldest : 0;
}

/* True: there were bases that lead nowhere. */
static bool take_whole(struct history *h, const struct history_names *names)
{
    uint64_t oldest = oldest_segment(h);
    bool is_lost = false;
    h->bases = skn_alloc_zero(names->base_count + 1, sizeof *h->bases);
    for (size_t i = 0; i < names->base_count; i++) {
        const struct history_base *base = &names->bases[i];
        if (!history_is_whole(h->env, h->dir, base)) continue;
        if (base->segment >= oldest)
            h->bases[h->count++] = *base;
        else
            is_lost = true;
    }
    return is_lost;
}

void history_open(struct skn_shards *all)
{
    const struct skn_history_options *options = &all->options.history;
    struct history_names names;
    if (!options->dir || !all->backend) return;
    struct history *h = all->history = skn_alloc_zero(1, sizeof *h);
    *h = (struct history){.env = all->env, .keep_ms = options->keep_ms};
    h->dir = skn_dup(options->dir, strlen(options->dir));
    h->journal = skn_dup(all->options.dir, strlen(all->options.dir));
    if (history_list(h->env, h->dir, &names, NULL) != SKN_OK) return;
    bool is_lost = h->keep_ms > 0 && take_whole(h, &names);
    uint64_t first = h->count > 0 ? h->bases[0].segment : UINT64_MAX;
    bool is_tidy = names.base_count == h->count;
    for (size_t i = 0; i < names.segment_count; i++)
        is_tidy &= names.segments[i] >= first;
    history_names_fini(&names);
    if (!is_tidy) h->is_untidy = keep_from(h, 0, NULL) != SKN_OK;
    publish(all, is_lost);
}

void history_close(struct skn_shards *all)
{
    if (!all->history) return;
    skn_free(all->history->bases);
    skn_free(all->history->journal);
    skn_free(all->history->dir);
    skn_free(all->history);
    all->history = NULL;
}
