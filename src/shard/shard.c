/* shard.c - journal, store and core as one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "shard/shard.h"

#include "base/bug.h"
#include "base/hlc.h"
#include "base/mem.h"

/* Messages of one turn: a group closes at 512 KiB, or here when its messages are small, so that a
 * flood does not keep the first of them waiting for its sync. */
enum { MESSAGES_AT_ONCE = 4096, MS_IN_NS = 1000000, DISK_LOOK_NS = 1000 * MS_IN_NS };

struct skn_shard {
    struct skn_env *env;
    struct skn_journal *journal;
    struct skn_store *store;
    struct skn_core *core;
    uint64_t clock_base_ms; /* the node's clock at opening [E50] */
    uint64_t mono_base_ns;
    uint64_t last_group_ns;
    uint64_t disk_seen_ns;
    enum skn_journal_disk disk;
    bool is_prepared; /* the next segment is ready */
    bool is_idle_told;
};

/* [E50] The greater of wall clock and last stamp, then plus the monotonic clock. */
static void start_clock(struct skn_shard *shard)
{
    uint64_t wall = skn_env_now_wall_ns(shard->env) / MS_IN_NS;
    uint64_t last = skn_hlc_ms(skn_store_position(shard->store).stamp);
    shard->clock_base_ms = wall > last || skn_bug(SKN_BUG_CLOCK_BACK) ? wall : last;
    shard->mono_base_ns = skn_env_now_mono_ns(shard->env);
}

uint64_t skn_shard_now_ms(struct skn_shard *shard)
{
    if (skn_bug(SKN_BUG_TIMER_WALL)) return skn_env_now_wall_ns(shard->env) / MS_IN_NS;
    uint64_t passed = skn_env_now_mono_ns(shard->env) - shard->mono_base_ns;
    return shard->clock_base_ms + passed / MS_IN_NS;
}

static enum skn_rc redo(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    return skn_core_redo(ctx, record, diag);
}

/* Everything appended so far becomes durable, and what waited for it may leave. */
static enum skn_rc flush(struct skn_shard *shard, uint64_t index, struct skn_diag *diag)
{
    enum skn_rc rc = skn_journal_flush(shard->journal, diag);
    if (rc != SKN_OK) return rc;
    shard->last_group_ns = skn_env_now_mono_ns(shard->env);
    shard->is_idle_told = false;
    shard->is_prepared = false;
    skn_core_durable(shard->core, index);
    return SKN_OK;
}

/* A full group is flushed and the record comes into the next one. */
static enum skn_rc
append(struct skn_shard *shard, const struct skn_record *record, struct skn_diag *diag)
{
    enum skn_rc rc = skn_journal_append(shard->journal, record, diag);
    if (rc != SKN_EFULL) return rc;
    rc = flush(shard, record->index - 1, diag);
    return rc == SKN_OK ? skn_journal_append(shard->journal, record, diag) : rc;
}

/* Space is looked at once a second; below its last percent the shard stops while it still can. */
static enum skn_rc look_at_disk(struct skn_shard *shard, struct skn_diag *diag)
{
    uint64_t now = skn_env_now_mono_ns(shard->env);
    if (shard->disk_seen_ns > 0 && now - shard->disk_seen_ns < DISK_LOOK_NS) return SKN_OK;
    shard->disk_seen_ns = now;
    enum skn_rc rc = skn_journal_disk_state(shard->journal, &shard->disk, diag);
    if (rc != SKN_OK || shard->disk != SKN_JOURNAL_DISK_STOP) return rc;
    return SKN_FAIL(
        diag, SKN_EDISKFULL, "less than 1 percent of the disk is free; make room and start again");
}

static enum skn_rc
begin_epoch(struct skn_shard *shard, const struct skn_shard_options *options, struct skn_diag *diag)
{
    uint8_t secret[SKN_SECRET_BYTES];
    enum skn_rc rc = skn_env_random(shard->env, secret, sizeof secret, diag);
    if (rc != SKN_OK) return rc;
    struct skn_record record;
    start_clock(shard);
    const struct skn_core_opening opening = {
        .secret = secret, .take_up_all = options->take_up_all, .writes_at_once = true};
    rc = skn_core_open(shard->core, &opening, diag);
    if (rc == SKN_OK) rc = skn_core_step(shard->core, skn_shard_now_ms(shard), &record, diag);
    if (rc == SKN_OK) rc = append(shard, &record, diag);
    if (rc == SKN_OK) rc = flush(shard, record.index, diag);
    return rc;
}

enum skn_rc skn_shard_open(const struct skn_shard_options *options,
                           struct skn_shard **out_shard,
                           struct skn_diag *diag)
{
    struct skn_shard *shard = skn_alloc_zero(1, sizeof *shard);
    shard->env = options->env;
    shard->store = skn_store_memory_create();
    const struct skn_core_options core = {.store = shard->store,
                                          .programs = options->programs,
                                          .limits = options->limits,
                                          .check_rebuild = options->check_rebuild};
    shard->core = skn_core_create(&core);
    struct skn_journal_options journal = {.env = options->env, .dir = options->dir};
    journal.segment_bytes_min = options->segment_bytes;
    journal.segment_bytes_max = options->segment_bytes ? 4 * options->segment_bytes : 0;
    journal.no_reserve = options->no_reserve;
    enum skn_rc rc = skn_journal_open(&journal, redo, shard->core, &shard->journal, NULL, diag);
    if (rc == SKN_OK) rc = look_at_disk(shard, diag);
    if (rc == SKN_EDISKFULL && shard->journal) { /* before an epoch begins, and sealed again */
        (void)skn_shard_close(shard, NULL);
        return rc;
    }
    if (rc == SKN_OK) rc = begin_epoch(shard, options, diag);
    if (rc != SKN_OK) {
        skn_shard_abandon(shard);
        return rc;
    }
    *out_shard = shard;
    return SKN_OK;
}

void skn_shard_abandon(struct skn_shard *shard)
{
    if (!shard) return;
    skn_journal_abandon(shard->journal);
    skn_core_destroy(shard->core);
    skn_store_destroy(shard->store);
    skn_free(shard);
}

enum skn_rc skn_shard_close(struct skn_shard *shard, struct skn_diag *diag)
{
    if (!shard) return SKN_OK;
    enum skn_rc rc = skn_journal_close(shard->journal, diag);
    shard->journal = NULL;
    skn_shard_abandon(shard);
    return rc;
}

enum skn_journal_disk skn_shard_disk(const struct skn_shard *shard)
{
    return shard->disk;
}

/* Nothing to do: the journal moves its bound to its end, once [E5]. */
static enum skn_rc idle(struct skn_shard *shard, struct skn_diag *diag)
{
    if (!shard->is_prepared) {
        enum skn_rc rc = skn_journal_prepare(shard->journal, &shard->is_prepared, diag);
        if (rc != SKN_OK) return rc;
    }
    uint64_t quiet_ns = skn_env_now_mono_ns(shard->env) - shard->last_group_ns;
    if (shard->is_idle_told || quiet_ns < (uint64_t)SKN_JOURNAL_IDLE_MS * MS_IN_NS) return SKN_OK;
    shard->is_idle_told = true;
    return skn_journal_idle(shard->journal, diag);
}

enum skn_rc skn_shard_turn(struct skn_shard *shard, bool *out_more, struct skn_diag *diag)
{
    struct skn_record record;
    uint64_t index = 0, now_ms = skn_shard_now_ms(shard);
    enum skn_rc rc = SKN_OK;
    *out_more = false;
    if ((rc = look_at_disk(shard, diag)) != SKN_OK) return rc;
    for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
        rc = skn_core_step(shard->core, now_ms, &record, diag);
        if (rc != SKN_OK) break;
        if ((rc = append(shard, &record, diag)) != SKN_OK) return rc;
        index = record.index;
    }
    if (rc != SKN_OK && rc != SKN_ENOENT && rc != SKN_ELATER) return rc;
    *out_more = rc == SKN_OK || (rc == SKN_ELATER && index > 0);
    return index > 0 ? flush(shard, index, diag) : idle(shard, diag);
}

int skn_shard_timeout_ms(struct skn_shard *shard)
{
    if (skn_core_counts(shard->core).ready > 0 || !shard->is_prepared) return 0;
    uint64_t now = skn_shard_now_ms(shard), due = skn_core_next_due_ms(shard->core), wait = 60000;
    if (due <= now) return 0;
    if (due - now < wait) wait = due - now; /* else a minute: the clock may be set meanwhile */
    uint64_t quiet = (skn_env_now_mono_ns(shard->env) - shard->last_group_ns) / MS_IN_NS;
    uint64_t idle = quiet < SKN_JOURNAL_IDLE_MS ? SKN_JOURNAL_IDLE_MS - quiet : 0;
    if (!shard->is_idle_told && idle < wait) wait = idle;
    if (shard->is_idle_told && due == UINT64_MAX) return -1;
    return (int)wait;
}

struct skn_core *skn_shard_core(struct skn_shard *shard)
{
    return shard->core;
}

struct skn_store *skn_shard_store(struct skn_shard *shard)
{
    return shard->store;
}

enum skn_rc skn_shard_read(struct skn_env *env,
                           const char *dir,
                           struct skn_store **out_store,
                           struct skn_diag *diag)
{
    struct skn_store *store = skn_store_memory_create();
    static const struct skn_program *const none[] = {NULL};
    const struct skn_core_options options = {.store = store, .programs = none};
    struct skn_core *core = skn_core_create(&options);
    enum skn_rc rc = skn_journal_read(env, dir, redo, core, NULL, diag);
    skn_core_destroy(core);
    if (rc != SKN_OK) {
        skn_store_destroy(store);
        return rc;
    }
    *out_store = store;
    return SKN_OK;
}

enum skn_rc skn_shard_verify(struct skn_env *env,
                             const char *dir,
                             struct skn_journal_info *out_info,
                             struct skn_diag *diag)
{
    enum skn_rc rc = skn_journal_verify(env, dir, out_info, diag);
    struct skn_store *store = NULL;
    if (rc == SKN_OK) rc = skn_shard_read(env, dir, &store, diag);
    if (rc == SKN_OK) rc = skn_store_verify(store, diag);
    skn_store_destroy(store);
    return rc;
}
