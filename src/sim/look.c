/* look.c - everything that the rows of a node show, as events. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow.h"
#include "sim/world_internal.h"

#include "base/pure.h"

enum { VIEW_BYTES_MAX = 16 << 20 };

static bool is_of_type(struct skn_slice address, const char *type)
{
    return skn_slice_has_prefix(address, skn_slice_str(type));
}

static struct skn_value member(struct skn_value map, const char *name)
{
    struct skn_value v = skn_value_none();
    (void)skn_map_get(map, skn_slice_str(name), &v);
    return v;
}

static struct skn_slice text_of(struct skn_value map, const char *name)
{
    struct skn_value v = member(map, name);
    return skn_value_is(v, SKN_T_STRING) ? skn_value_as_text(v) : (struct skn_slice){0};
}

static uint64_t number_of(struct skn_value map, const char *name)
{
    struct skn_value v = member(map, name);
    return skn_value_is(v, SKN_T_INT) ? (uint64_t)skn_value_as_int(v) : 0;
}

static void read_key(struct skn_slice hex, uint8_t out[SKN_HISTORY_KEY_BYTES])
{
    memset(out, 0, SKN_HISTORY_KEY_BYTES);
    for (size_t i = 0; i < hex.len && i < 2 * SKN_HISTORY_KEY_BYTES; i++) {
        uint8_t c = hex.ptr[i];
        uint8_t nibble = (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        out[i / 2] = (uint8_t)(out[i / 2] << 4 | nibble);
    }
}

static void
tell_attempts(struct world *w, struct skn_slice address, struct skn_value context, uint32_t number)
{
    struct skn_value attempt;
    struct skn_value_iter iter = skn_value_iter(member(context, "attempts"));
    while (skn_value_next(&iter, NULL, &attempt)) {
        struct skn_slice status = text_of(attempt, "status");
        struct skn_history_event event = {
            .kind = SKN_HISTORY_ATTEMPT,
            .domain = address,
            .id = text_of(context, "path"),
            .context = number,
            .attempt = (uint32_t)number_of(attempt, "number"),
            .epoch = number_of(attempt, "epoch"),
            .is_success = skn_slice_eq(status, SKN_LIT("succeeded")),
        };
        read_key(text_of(attempt, "key"), event.key);
        world_event(w, &event);
    }
}

static void tell_run(struct world *w, struct skn_slice address, struct skn_slice json)
{
    struct skn_buf bytes;
    struct skn_diag diag = {0};
    skn_buf_init(&bytes, VIEW_BYTES_MAX);
    enum skn_rc rc = skn_json_parse(json, NULL, &bytes, &diag);
    if (rc != SKN_OK) {
        world_fail(w, "a run view is no JSON", &diag);
    } else {
        struct skn_value view = skn_value_view(skn_buf_slice(&bytes)), context;
        struct skn_slice started = text_of(view, "started");
        const struct skn_history_event event = {
            .kind = SKN_HISTORY_RUN,
            .domain = address,
            .amount = (int64_t)(world_hash(started) >> 1),
            .is_over = text_of(view, "outcome").len > 0,
            .is_stale = memmem(json.ptr, json.len, "STALE", 5) != NULL,
        };
        world_event(w, &event);
        uint32_t number = 0;
        struct skn_value_iter iter = skn_value_iter(member(view, "contexts"));
        while (skn_value_next(&iter, NULL, &context))
            tell_attempts(w, address, context, ++number);
    }
    skn_buf_fini(&bytes);
}

static void look_at_run(struct world *w, struct skn_store *store, struct skn_slice address)
{
    struct skn_json_writer writer;
    struct skn_buf json;
    struct skn_diag diag = {0};
    skn_buf_init(&json, VIEW_BYTES_MAX);
    skn_json_begin(&writer, &json, SKN_JSON_PLAIN);
    enum skn_rc rc = skn_flow_view(store, address, false, true, &writer, &diag);
    enum skn_rc end = rc == SKN_OK ? skn_json_end(&writer, &diag) : SKN_OK;
    if (rc == SKN_OK && end == SKN_OK)
        tell_run(w, address, skn_buf_slice(&json));
    else if (rc != SKN_ENOENT) /* it was only asked for, never started */
        world_fail(w, "a run cannot be shown", &diag);
    skn_buf_fini(&json);
}

/* The next address behind `at`, copied into the arena; empty at the end. */
static struct skn_slice next_domain(struct world *w, struct skn_slice at)
{
    struct skn_diag diag = {0};
    skn_buf_reset(&w->scratch);
    enum skn_rc rc = skn_core_next_domain(skn_shard_store(w->shard), at, &w->scratch, &diag);
    if (rc == SKN_OK) return skn_arena_dup(&w->arena, skn_buf_slice(&w->scratch));
    if (rc != SKN_ENOENT) world_fail(w, "domains cannot be listed", &diag);
    return (struct skn_slice){0};
}

void look_around(struct world *w)
{
    struct skn_store *store = skn_shard_store(w->shard);
    struct skn_history_event event = {.kind = SKN_HISTORY_OBSERVE};
    world_event(w, &event);
    struct skn_slice at = {0};
    while (w->rc == SKN_OK && (at = next_domain(w, at)).len > 0) {
        if (is_of_type(at, "sim:Run/"))
            look_at_run(w, store, at);
        else
            programs_look(w, store, at);
    }
    event.kind = SKN_HISTORY_OBSERVED;
    world_event(w, &event);
}

size_t look_for_runs(struct world *w, struct skn_buf *out_interrupted)
{
    size_t active = 0;
    struct skn_slice at = {0};
    while (w->rc == SKN_OK && (at = next_domain(w, at)).len > 0) {
        struct skn_run_info info;
        if (!is_of_type(at, "sim:Run/")) continue;
        bool is_held = skn_core_is_held(skn_shard_core(w->shard), at);
        if (skn_flow_info(skn_shard_store(w->shard), at, is_held, &info, NULL) != SKN_OK) continue;
        if (info.status == SKN_RUN_RUNNING || info.status == SKN_RUN_STOPPING) active++;
        if (info.status == SKN_RUN_INTERRUPTED)
            skn_buf_printf(out_interrupted, "%.*s\n", SKN_FMT(at));
    }
    return active;
}
