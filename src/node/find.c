/* find.c - the runs of a node: which one a person means, and all of them. Each shard is looked at. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "node/request_internal.h"

/* Goes through the domains of a shard from where it stood; `visit` gets those that are runs. */
static enum skn_rc
each_run(struct look *look,
         struct skn_core *core,
         struct skn_store *store,
         enum skn_rc (*visit)(struct look *, struct skn_store *, struct skn_slice address))
{
    struct skn_buf next;
    enum skn_rc rc;
    skn_buf_init(&next, SKN_ADDRESS_MAX + 1);
    while ((rc = skn_core_next_domain(
                store, skn_buf_slice(&look->after), &next, &look->call.diag)) == SKN_OK) {
        struct skn_slice address = skn_buf_slice(&next);
        look->is_held = engine_is_held(core, address);
        rc = skn_flow_info(store, address, look->is_held, &look->info, &look->call.diag);
        if (rc == SKN_OK) rc = visit(look, store, address);
        if (rc == SKN_ELATER) break;
        /* What is no run, or cannot be read, hides nothing else. */
        skn_buf_reset(&look->after);
        skn_buf_put(&look->after, address);
    }
    skn_buf_fini(&next);
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

/* --- one run ------------------------------------------------------------------------------------------ */

static bool
offer(struct found *found, struct skn_slice address, const struct found *other, bool is_exact)
{
    /* Of those with one name, and of all for `last`, the newest counts. */
    bool is_newest = other->is_newest_wanted && other->started_ms >= found->started_ms;
    if (found->is_exact) return false;
    if (found->address.len > 0 && !is_newest && !is_exact) return false;
    skn_buf_reset(&found->address);
    skn_buf_put(&found->address, address);
    found->started_ms = other->started_ms;
    found->is_exact = is_exact;
    found->is_held = other->is_held;
    return true;
}

/* Whether this one is meant, and how. */
static enum skn_rc meant(struct look *look, struct skn_store *store, struct skn_slice address)
{
    (void)store;
    struct found *found = look->one;
    struct skn_slice wanted = look->ask->wanted, id = skn_flow_run_id(address);
    bool is_last = skn_slice_eq(wanted, SKN_LIT("last"));
    bool is_named = look->info.name.len > 0 && skn_slice_eq(look->info.name, wanted);
    if (!(is_last || is_named || skn_slice_has_prefix(id, wanted))) return SKN_OK;
    const struct found other = {.started_ms = look->info.started_ms,
                                .is_newest_wanted = is_last || is_named,
                                .is_held = look->is_held};
    if (!is_last && !is_named) found->count++;
    (void)offer(found, address, &other, skn_slice_eq(id, wanted));
    found->is_newest_wanted |= other.is_newest_wanted;
    return SKN_OK;
}

static enum skn_rc
look_for_one(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    return each_run(engine_look_of(call), core, store, meant);
}

static void found_end(struct ask *ask)
{
    struct found *found = &ask->found;
    enum skn_rc rc = ask->rc;
    if (rc == SKN_OK && found->address.len == 0)
        rc = SKN_FAIL(&ask->own_diag,
                      SKN_ENOENT,
                      "there is no run \"%.*s\"; `skein ps --all` lists them",
                      SKN_FMT(ask->wanted));
    if (rc == SKN_OK && found->count > 1 && !found->is_exact)
        rc = SKN_FAIL(&ask->own_diag,
                      SKN_EARGS,
                      "\"%.*s\" is the beginning of %zu runs",
                      SKN_FMT(ask->wanted),
                      found->count);
    if (rc == SKN_OK) rc = ask->then(ask);
    ask_end(ask, rc);
}

static void one_looked(struct look *look)
{
    struct ask *ask = look->ask;
    struct found *one = look->one;
    if (look->call.rc != SKN_OK && ask->rc == SKN_OK) {
        ask->rc = look->call.rc;
        ask->own_diag = look->call.diag;
    }
    ask->found.count += one->count;
    if (one->address.len > 0)
        (void)offer(&ask->found, skn_buf_slice(&one->address), one, one->is_exact);
    skn_buf_fini(&one->address);
    skn_free(one);
    look->one = NULL;
    if (--ask->looks == 0) found_end(ask);
}

enum skn_rc engine_find_run(struct ask *ask, struct skn_slice wanted, ask_then *then)
{
    struct skn_engine *e = ask->engine;
    if (wanted.len == 0) return SKN_FAIL(ask->diag, SKN_EARGS, "no run was named");
    ask->then = then;
    ask->wanted = wanted;
    skn_buf_init(&ask->found.address, SKN_ADDRESS_MAX + 1);
    ask->looks = skn_shards_count(e->shards);
    for (uint32_t i = 0, n = skn_shards_count(e->shards); i < n; i++) {
        struct look *look =
            engine_look_new(e, (struct skn_slice){0}, i, look_for_one, one_looked, ask);
        look->one = skn_alloc_zero(1, sizeof *look->one);
        skn_buf_init(&look->one->address, SKN_ADDRESS_MAX + 1);
        engine_look_start(look);
    }
    return SKN_ELATER;
}

/* --- all runs ------------------------------------------------------------------------------------------ */

/* Elements of a JSON list, a comma behind each. */
static enum skn_rc list_one(struct look *look, struct skn_store *store, struct skn_slice address)
{
    struct skn_json_writer *w = &look->writer;
    if (look->info.status > SKN_RUN_INTERRUPTED && !look->ask->all) return SKN_OK;
    size_t len = look->json.len;
    skn_json_begin(w, &look->json, SKN_JSON_PLAIN);
    enum skn_rc rc = skn_flow_view(store, address, look->is_held, false, w, &look->call.diag);
    if (rc == SKN_OK) rc = skn_json_end(w, &look->call.diag);
    if (rc == SKN_OK)
        skn_buf_put_u8(&look->json, ',');
    else
        look->json.len = len;
    return rc;
}

static enum skn_rc
look_for_all(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    return each_run(engine_look_of(call), core, store, list_one);
}

/* Addresses, a newline behind each. */
static enum skn_rc
note_interrupted(struct look *look, struct skn_store *store, struct skn_slice address)
{
    (void)store;
    if (look->info.status != SKN_RUN_INTERRUPTED) return SKN_OK;
    skn_buf_put(&look->json, address);
    skn_buf_put_u8(&look->json, '\n');
    return SKN_OK;
}

static enum skn_rc
look_for_interrupted(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    return each_run(engine_look_of(call), core, store, note_interrupted);
}

static void part_looked(struct look *look)
{
    struct ask *ask = look->ask;
    if (look->call.rc != SKN_OK && ask->rc == SKN_OK) {
        ask->rc = look->call.rc;
        ask->own_diag = look->call.diag;
    }
    skn_buf_put(&ask->parts, skn_buf_slice(&look->json));
    if (--ask->looks > 0) return;
    ask_end(ask, ask->rc == SKN_OK ? ask->then(ask) : ask->rc);
}

enum skn_rc engine_all_runs(struct ask *ask, bool only_interrupted, ask_then *then)
{
    struct skn_engine *e = ask->engine;
    ask->then = then;
    skn_buf_init(&ask->parts, ANSWER_BYTES_MAX);
    ask->looks = skn_shards_count(e->shards);
    for (uint32_t i = 0, n = skn_shards_count(e->shards); i < n; i++)
        engine_look_start(engine_look_new(e,
                                          (struct skn_slice){0},
                                          i,
                                          only_interrupted ? look_for_interrupted : look_for_all,
                                          part_looked,
                                          ask));
    return SKN_ELATER;
}

/* --- those that go on ----------------------------------------------------------------------------------- */

/* Addresses with a byte for the status before each, a newline behind it. */
static enum skn_rc note_active(struct look *look, struct skn_store *store, struct skn_slice address)
{
    (void)store;
    skn_buf_put_u8(&look->json, (uint8_t)look->info.status);
    skn_buf_put(&look->json, address);
    skn_buf_put_u8(&look->json, '\n');
    return SKN_OK;
}

static enum skn_rc
look_for_active(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    return each_run(engine_look_of(call), core, store, note_active);
}

static void active_looked(struct look *look)
{
    struct skn_slice rest = skn_buf_slice(&look->json);
    while (rest.len > 1) {
        const uint8_t *end = memchr(rest.ptr + 1, '\n', rest.len - 1);
        SKN_ASSERT(end);
        size_t len = (size_t)(end - rest.ptr);
        engine_run_changed(
            look->engine, skn_slice(rest.ptr + 1, len - 1), (enum skn_run_status)rest.ptr[0]);
        rest = skn_slice_from(rest, len + 1);
    }
}

void engine_find_active(struct skn_engine *e)
{
    for (uint32_t i = 0, n = skn_shards_count(e->shards); i < n; i++)
        engine_look_start(
            engine_look_new(e, (struct skn_slice){0}, i, look_for_active, active_looked, NULL));
}
