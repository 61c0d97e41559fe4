/* view.c - a run as its rows say: the run view of doc/json.md. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"
#include "flow/flow_internal.h"

struct view {
    struct skn_store *store;
    struct skn_slice address;
    struct skn_json_writer *w;
    struct skn_arena arena;
    const struct skn_graph *graph;
    struct run_row run;
    bool is_held;
    enum skn_rc
        rc; /* of the first row that could not be read: what is written is not the run then */
    struct skn_diag *diag;
};

struct skn_slice skn_flow_run_id(struct skn_slice address)
{
    static const char type[] = ":Run/";
    for (size_t at = 0; at + sizeof type - 1 <= address.len; at++) {
        if (memcmp(address.ptr + at, type, sizeof type - 1) == 0)
            return skn_slice_from(address, at + sizeof type - 1);
    }
    return (struct skn_slice){0};
}

void skn_flow_log_name(struct skn_slice run_id,
                       struct skn_slice path,
                       uint32_t attempt,
                       const uint8_t key[SKN_KEY_BYTES],
                       struct skn_buf *out)
{
    enum { PATH_SHOWN = 100, KEY_SHOWN = 4 };
    char digits[2 * KEY_SHOWN + 1];
    skn_hex(key, KEY_SHOWN, digits);
    if (path.len > PATH_SHOWN) path.len = PATH_SHOWN;
    skn_buf_printf(out, "%.*s/%.*s.%u-%s.log", SKN_FMT(run_id), SKN_FMT(path), attempt, digits);
}

static enum skn_rc get(struct view *v, struct skn_slice key, struct skn_slice *out)
{
    enum skn_rc rc = skn_core_get(v->store, v->address, key, out, v->diag);
    if (rc != SKN_OK && rc != SKN_ENOENT && v->rc == SKN_OK) v->rc = rc;
    return rc;
}

static const char *run_status(enum skn_run_status status)
{
    static const char *const names[] = {
        "", "running", "stopping", "interrupted", "succeeded", "failed"};
    return names[status];
}

static bool is_over(enum skn_run_status status)
{
    return status == SKN_RUN_SUCCEEDED || status == SKN_RUN_FAILED;
}

static enum skn_rc read_run(struct view *v)
{
    struct skn_slice bytes;
    enum skn_rc rc = get(v, SKN_LIT("R"), &bytes);
    if (rc == SKN_ENOENT)
        return SKN_FAIL(
            v->diag, SKN_ENOENT, "there is no run %.*s", SKN_FMT(skn_flow_run_id(v->address)));
    if (rc == SKN_OK) rc = run_decode(bytes, &v->run, v->diag);
    if (rc != SKN_OK || is_over(v->run.status)) return rc;
    if (v->is_held) v->run.status = SKN_RUN_INTERRUPTED;
    if (skn_core_is_faulted(v->store, v->address)) { /* nobody should wait for it */
        v->run.status = SKN_RUN_FAILED;
        v->run.code = SKN_LIT("FAULT");
        v->run.message =
            SKN_LIT("a result or timer of this run could not be handled (dead letter)");
    }
    return SKN_OK;
}

enum skn_rc skn_flow_info(struct skn_store *store,
                          struct skn_slice address,
                          bool is_held,
                          struct skn_run_info *out,
                          struct skn_diag *diag)
{
    struct view v = {.store = store, .address = address, .is_held = is_held, .diag = diag};
    struct skn_slice bytes;
    enum skn_rc rc = read_run(&v);
    if (rc != SKN_OK) return rc;
    *out = (struct skn_run_info){.status = v.run.status, .started_ms = v.run.started_ms};
    struct skn_value name;
    if (get(&v, SKN_LIT("M"), &bytes) == SKN_OK &&
        skn_map_get(skn_value_view(bytes), SKN_LIT("name"), &name) &&
        skn_value_is(name, SKN_T_STRING))
        out->name = skn_value_as_text(name);
    return v.rc;
}

/* --- parts -------------------------------------------------------------------------------------------- */

static void put_time(struct skn_json_writer *w, const char *name, uint64_t ms)
{
    skn_json_key_str(w, name);
    if (ms)
        skn_json_value(w, skn_value_time((int64_t)ms * 1000000));
    else
        skn_json_none(w);
}

static void put_text(struct skn_json_writer *w, const char *name, struct skn_slice text)
{
    skn_json_key_str(w, name);
    if (text.len > 0)
        skn_json_any_text(w, text);
    else
        skn_json_none(w);
}

static void put_value_row(struct view *v, const char *name, struct skn_slice key)
{
    struct skn_slice bytes;
    skn_json_key_str(v->w, name);
    if (get(v, key, &bytes) == SKN_OK)
        skn_json_value(v->w, skn_value_view(bytes));
    else
        skn_json_none(v->w);
}

/* --- contexts ----------------------------------------------------------------------------------------- */

static const char *ctx_status(const struct view *v, const struct ctx_row *ctx)
{
    static const char *const names[] = {
        "", "running", "waiting", "retrying", "succeeded", "failed", "cancelled"};
    bool runs = ctx->status == CTX_RUNNING || ctx->status == CTX_RETRYING;
    return v->is_held && runs ? "interrupted" : names[ctx->status];
}

static struct skn_slice outcome_of(const struct ctx_row *ctx)
{
    if (ctx->outcome == SKN_OUTCOME_OTHER) return ctx->other;
    return ctx->outcome == SKN_OUTCOME_SUCCESS ? SKN_LIT("success") : SKN_LIT("failure");
}

static void
put_attempt(struct view *v, struct skn_slice path, uint32_t number, const struct attempt_row *row)
{
    static const char *const names[] = {
        "running", "succeeded", "failed", "timeout", "cancelled", "interrupted"};
    struct skn_json_writer *w = v->w;
    char key[2 * SKN_KEY_BYTES + 1];
    skn_hex(row->key, sizeof row->key, key);
    struct skn_buf log;
    skn_buf_init(&log, 4096);
    skn_buf_put_str(&log, ".skein/logs/");
    skn_flow_log_name(skn_flow_run_id(v->address), path, number, row->key, &log);
    bool is_cut = row->status == SKN_ATTEMPT_STARTED && v->is_held;
    skn_json_object_begin(w);
    skn_json_key_str(w, "number");
    skn_json_uint(w, number);
    skn_json_key_str(w, "key");
    skn_json_str(w, key);
    skn_json_key_str(w, "epoch");
    skn_json_uint(w, row->epoch);
    skn_json_key_str(w, "status");
    skn_json_str(w, is_cut ? "interrupted" : names[row->status]);
    put_time(w, "started", row->started_ms);
    put_time(w, "ended", row->ended_ms);
    put_text(w, "reason", row->reason);
    skn_json_key_str(w, "log");
    skn_json_any_text(w, skn_buf_slice(&log));
    skn_json_object_end(w);
    skn_buf_fini(&log);
}

static enum skn_rc put_attempts(struct view *v, struct skn_slice ctx_key, struct skn_slice path)
{
    struct flow_key prefix, from;
    struct skn_row row;
    enum skn_rc rc;
    flow_key(&prefix, 'A', ctx_key);
    flow_key_attempt(&from, ctx_key, 0);
    skn_json_key_str(v->w, "attempts");
    skn_json_list_begin(v->w);
    while ((rc = skn_core_next_row(v->store,
                                   v->address,
                                   flow_key_slice(&prefix),
                                   flow_key_slice(&from),
                                   &row,
                                   v->diag)) == SKN_OK) {
        /* Behind the attempts of this context come those inside it, whose keys are longer. */
        if (row.key.len != prefix.len + 4) break;
        uint32_t number = 0;
        for (size_t i = 0; i < 4; i++)
            number = number << 8 | row.key.ptr[prefix.len + i];
        struct attempt_row attempt;
        if ((rc = attempt_decode(row.value, &attempt, v->diag)) != SKN_OK) return rc;
        put_attempt(v, path, number, &attempt);
        flow_key_attempt(&from, ctx_key, number + 1);
    }
    if (rc != SKN_ENOENT) return rc;
    skn_json_list_end(v->w);
    return SKN_OK;
}

static enum skn_rc put_context(struct view *v, struct skn_slice key, const struct ctx_row *ctx)
{
    struct skn_json_writer *w = v->w;
    const struct skn_graph_unit *unit = &v->graph->units[ctx->unit];
    bool is_group = unit->event == SKN_GRAPH_NONE;
    bool has_ended = ctx->status >= CTX_SUCCEEDED;
    struct skn_buf path;
    struct flow_key value_key;
    skn_buf_init(&path, 8192);
    flow_key_path(key, &path);
    flow_key(&value_key, 'V', key);
    skn_json_object_begin(w);
    skn_json_key_str(w, "path");
    skn_json_any_text(w, skn_buf_slice(&path));
    skn_json_key_str(w, "kind");
    skn_json_str(w, is_group ? "group" : "event");
    put_text(w, "event", is_group ? (struct skn_slice){0} : v->graph->events[unit->event].name);
    skn_json_key_str(w, "status");
    skn_json_str(w, ctx_status(v, ctx));
    skn_json_key_str(w, "outcome");
    if (has_ended && ctx->status != CTX_CANCELLED)
        skn_json_any_text(w, outcome_of(ctx));
    else
        skn_json_none(w);
    put_value_row(v, "result", flow_key_slice(&value_key));
    put_text(w, "error", ctx->reason);
    put_time(w, "started", ctx->started_ms);
    put_time(w, "ended", ctx->ended_ms);
    enum skn_rc rc = put_attempts(v, key, skn_buf_slice(&path));
    if (rc == SKN_OK) skn_json_object_end(w);
    skn_buf_fini(&path);
    return rc;
}

static enum skn_rc put_contexts(struct view *v)
{
    struct skn_slice bytes;
    enum skn_rc rc = get(v, SKN_LIT("G"), &bytes);
    if (rc == SKN_OK) rc = skn_graph_decode(&v->arena, bytes, v->diag, &v->graph);
    if (rc != SKN_OK) return rc;
    struct flow_key from;
    struct skn_row row;
    flow_key(&from, 'C', (struct skn_slice){0});
    skn_json_key_str(v->w, "contexts");
    skn_json_list_begin(v->w);
    while ((rc = skn_core_next_row(
                v->store, v->address, SKN_LIT("C"), flow_key_slice(&from), &row, v->diag)) ==
           SKN_OK) {
        struct ctx_row ctx;
        struct skn_slice key = skn_slice_from(row.key, 1);
        if ((rc = ctx_decode(row.value, &ctx, v->diag)) != SKN_OK) return rc;
        if (ctx.unit >= v->graph->unit_count)
            return SKN_CORRUPT(v->diag, "a context names a unit that its flow has not");
        if ((rc = put_context(v, key, &ctx)) != SKN_OK) return rc;
        flow_key(&from, 'C', key);
        from.bytes[from.len++] = 0;
    }
    if (rc != SKN_ENOENT) return rc;
    skn_json_list_end(v->w);
    return SKN_OK;
}

/* --- the run ------------------------------------------------------------------------------------------ */

static void put_start(struct view *v)
{
    static const char *const names[] = {"flow", "inputs", "labels", "name"};
    struct skn_slice bytes;
    struct skn_value start = skn_value_none(), value;
    if (get(v, SKN_LIT("M"), &bytes) == SKN_OK) start = skn_value_view(bytes);
    for (size_t i = 0; i < SKN_ARRAY_LEN(names); i++) {
        skn_json_key_str(v->w, names[i]);
        if (skn_value_is(start, SKN_T_MAP) && skn_map_get(start, skn_slice_str(names[i]), &value))
            skn_json_value(v->w, value);
        else
            skn_json_none(v->w);
    }
}

static void put_error(struct view *v)
{
    skn_json_key_str(v->w, "error");
    if (v->run.status != SKN_RUN_FAILED) {
        skn_json_none(v->w);
        return;
    }
    skn_json_object_begin(v->w);
    put_text(v->w, "code", v->run.code.len > 0 ? v->run.code : SKN_LIT("RUN_FAILED"));
    put_text(v->w, "message", v->run.message);
    put_text(v->w, "path", v->run.path);
    skn_json_object_end(v->w);
}

enum skn_rc skn_flow_view(struct skn_store *store,
                          struct skn_slice address,
                          bool is_held,
                          bool with_contexts,
                          struct skn_json_writer *w,
                          struct skn_diag *diag)
{
    struct view v = {.store = store, .address = address, .w = w, .is_held = is_held, .diag = diag};
    enum skn_rc rc = read_run(&v);
    if (rc != SKN_OK) return rc;
    bool has_ended = is_over(v.run.status);
    skn_json_object_begin(w);
    skn_json_key_str(w, "run");
    skn_json_any_text(w, skn_flow_run_id(address));
    put_start(&v);
    skn_json_key_str(w, "status");
    skn_json_str(w, run_status(v.run.status));
    skn_json_key_str(w, "outcome");
    if (has_ended)
        skn_json_str(w, v.run.status == SKN_RUN_SUCCEEDED ? "success" : "failure");
    else
        skn_json_none(w);
    put_value_row(&v, "result", SKN_LIT("O"));
    put_error(&v);
    put_time(w, "started", v.run.started_ms);
    put_time(w, "ended", v.run.ended_ms);
    if (with_contexts) {
        skn_arena_init(&v.arena);
        rc = put_contexts(&v);
        skn_arena_fini(&v.arena);
    }
    if (rc == SKN_OK) rc = v.rc;
    if (rc == SKN_OK) skn_json_object_end(w);
    return rc;
}
