/* request_status.c - what is known of the node as a whole. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hlc.h"
#include "node/request_internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct files {
    struct skn_buf path;
    uint64_t segments, bytes;
};

static void put_uint(struct skn_json_writer *w, const char *name, uint64_t n)
{
    skn_json_key_str(w, name);
    skn_json_uint(w, n);
}

static void put_bool(struct skn_json_writer *w, const char *name, bool b)
{
    skn_json_key_str(w, name);
    skn_json_bool(w, b);
}

static void put_ms(struct skn_json_writer *w, const char *name, uint64_t unix_ms)
{
    skn_json_key_str(w, name);
    skn_json_value(w, skn_value_time((int64_t)(unix_ms * 1000000)));
}

/* "0123456789abcdef.seg" */
static enum skn_rc count_file(void *ctx, const char *name)
{
    struct files *files = ctx;
    struct stat st;
    size_t len = strlen(name), dir = files->path.len;
    if (len < 4 || strcmp(name + len - 4, ".seg") != 0) return SKN_OK;
    skn_buf_printf(&files->path, "/%s", name);
    if (stat(skn_buf_str(&files->path), &st) == 0) { /* else it was just trimmed */
        files->segments++;
        files->bytes += (uint64_t)st.st_size;
    }
    files->path.len = dir;
    return SKN_OK;
}

/* What the records of a journal say that nobody has open. */
struct past {
    uint64_t epoch, stamp;
};

static enum skn_rc see_record(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    (void)diag;
    struct past *past = ctx;
    if (record->term > past->epoch) past->epoch = record->term;
    if (record->stamp > past->stamp) past->stamp = record->stamp;
    return SKN_OK;
}

/* Its segments, and the groups: those written since the opening, or without a holder those in it. */
static enum skn_rc
put_journal(struct ask *ask, struct skn_json_writer *w, const struct skn_shards_state *state)
{
    struct skn_engine *e = ask->engine;
    struct files files = {.segments = 0};
    struct skn_journal_info info = {.groups = state->groups};
    struct past past = {.epoch = state->epoch};
    skn_buf_init(&files.path, 1 << 16);
    skn_buf_printf(&files.path, "%s/journal", e->data_dir);
    enum skn_rc rc = skn_env_list(e->env, skn_buf_str(&files.path), count_file, &files, ask->diag);
    if (rc == SKN_OK && e->is_read_only)
        rc =
            skn_journal_read(e->env, skn_buf_str(&files.path), see_record, &past, &info, ask->diag);
    skn_buf_fini(&files.path);
    if (rc != SKN_OK) return rc;
    put_uint(w, "epoch", past.epoch);
    if (past.stamp > 0) put_ms(w, "last_change", skn_hlc_ms(past.stamp));
    skn_json_key_str(w, "journal");
    skn_json_object_begin(w);
    put_uint(w, "segments", files.segments);
    put_uint(w, "bytes", files.bytes);
    put_uint(w, "groups", info.groups);
    skn_json_object_end(w);
    return SKN_OK;
}

static void
put_counts(struct skn_engine *e, struct skn_json_writer *w, const struct skn_shards_state *state)
{
    uint64_t waiting = 0;
    SKN_LIST_FOREACH (link, &e->waiting)
        waiting++;
    skn_json_key_str(w, "counts");
    skn_json_object_begin(w);
    put_uint(w, "slices", state->slices);
    put_uint(w, "batches", state->batches);
    put_uint(w, "faults", state->faults);
    put_uint(w, "dropped_results", state->dropped_results);
    put_uint(w, "timers_fired", state->timers_fired);
    put_uint(w, "programs", e->running);
    put_uint(w, "programs_waiting", waiting);
    skn_json_object_end(w);
}

static void put_checkpoint(struct skn_json_writer *w, const struct skn_shards_state *state)
{
    skn_json_key_str(w, "checkpoint");
    skn_json_object_begin(w);
    put_uint(w, "count", state->checkpoints);
    put_uint(w, "took_ms", state->checkpoint_ms);
    put_bool(w, "running", state->is_checkpointing);
    put_bool(w, "behind", state->is_behind);
    put_uint(w, "tail_records", state->tail_records);
    put_uint(w, "tail_bytes", state->tail_bytes);
    skn_json_object_end(w);
}

/* How far back can be looked [E70]; nothing where it is off. */
static void
put_history(struct skn_engine *e, struct skn_json_writer *w, const struct skn_shards_state *state)
{
    if (e->history_ms == 0) return;
    skn_json_key_str(w, "history");
    skn_json_object_begin(w);
    put_uint(w, "keep_ms", e->history_ms);
    skn_json_key_str(w, "since");
    if (state->history_since_ms > 0)
        skn_json_value(w, skn_value_time((int64_t)(state->history_since_ms * 1000000)));
    else
        skn_json_none(w);
    put_bool(w, "given_up", state->history_is_given_up);
    skn_json_object_end(w);
}

static void
put_holder(struct skn_engine *e, struct skn_json_writer *w, const struct skn_shards_state *state)
{
    static const char *const disks[] = {[SKN_JOURNAL_DISK_OK] = "ok",
                                        [SKN_JOURNAL_DISK_LOW] = "low",
                                        [SKN_JOURNAL_DISK_STOP] = "stop"};
    uint64_t up_ns = skn_env_now_mono_ns(e->env) - e->opened_ns;
    put_uint(w, "pid", (uint64_t)getpid());
    skn_json_key_str(w, "version");
    skn_json_str(w, e->version);
    put_uint(w, "uptime_ms", up_ns / 1000000);
    put_ms(w, "clock", skn_shards_now_ms(e->shards));
    const struct skn_clock_state clock = skn_shards_clock(e->shards);
    skn_json_key_str(w, "wall_ahead_ms");
    skn_json_int(w, clock.ahead_ms);
    put_bool(w, "clock_waits", clock.waits);
    skn_json_key_str(w, "disk");
    skn_json_str(w, disks[state->disk]);
    put_checkpoint(w, state);
    put_history(e, w, state);
    put_counts(e, w, state);
}

/* Those that are not their defaults. */
static void put_limits(const struct skn_engine *e, struct skn_json_writer *w)
{
    size_t count;
    const struct skn_limit_info *infos = skn_limit_infos(&count);
    const struct skn_core_limits whole = skn_limits_whole(&e->limits);
    skn_json_key_str(w, "limits");
    skn_json_object_begin(w);
    for (size_t i = 0; i < count; i++) {
        uint64_t n = skn_limit_get(&whole, i);
        if (n != infos[i].otherwise) put_uint(w, infos[i].name, n);
    }
    skn_json_object_end(w);
}

static void put_types(struct skn_json_writer *w)
{
    skn_json_key_str(w, "domain_types");
    skn_json_list_begin(w);
    for (size_t i = 0; engine_programs[i]; i++)
        skn_json_str(w, engine_programs[i]->type);
    skn_json_list_end(w);
}

enum skn_rc request_status(struct ask *ask)
{
    struct skn_engine *e = ask->engine;
    struct skn_shards_state state = skn_shards_state(e->shards);
    struct skn_json_writer *w = engine_answer_begin(e, ask->client, ask->id, "value");
    skn_json_key_str(w, "value");
    skn_json_object_begin(w);
    put_bool(w, "holder", !e->is_read_only);
    if (!e->is_read_only) put_holder(e, w, &state);
    put_uint(w, "shards", skn_shards_count(e->shards));
    put_uint(w, "records", state.records);
    put_limits(e, w);
    put_types(w);
    enum skn_rc rc = put_journal(ask, w, &state);
    if (rc != SKN_OK) {
        engine_answer_drop(e);
        return rc;
    }
    if (ask_flag(ask, "metrics")) {
        skn_json_key_str(w, "metrics");
        skn_buf_reset(&e->scratch);
        engine_metrics(e, &e->scratch);
        skn_json_any_text(w, skn_buf_slice(&e->scratch));
    }
    skn_json_object_end(w);
    engine_answer_end(e);
    return SKN_OK;
}
