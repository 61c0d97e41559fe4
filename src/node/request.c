/* request.c - what clients ask of an engine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "node/base64_internal.h"
#include "node/engine_internal.h"

#include <inttypes.h>
#include <unistd.h>

enum { RUN_ID_CHARS = 10 };

struct ask {
    struct skn_engine *engine;
    uint64_t client;
    int64_t id;
    struct skn_value request;
    struct skn_diag *diag;
};

static struct skn_slice text_of(const struct ask *ask, const char *name)
{
    struct skn_value v;
    if (!skn_map_get(ask->request, skn_slice_str(name), &v) || !skn_value_is(v, SKN_T_STRING))
        return (struct skn_slice){0};
    return skn_value_as_text(v);
}

static bool flag_of(const struct ask *ask, const char *name)
{
    struct skn_value v;
    return skn_map_get(ask->request, skn_slice_str(name), &v) && skn_value_is(v, SKN_T_BOOL) &&
           skn_value_as_bool(v);
}

static enum skn_rc submit(struct ask *ask,
                          struct skn_slice address,
                          const char *name,
                          struct skn_slice request_id,
                          struct skn_value payload,
                          bool is_silent)
{
    struct skn_engine *e = ask->engine;
    struct pending *pending = skn_alloc_zero(1, sizeof *pending + address.len);
    memcpy(pending->bytes, address.ptr, address.len);
    pending->address = skn_slice(pending->bytes, address.len);
    skn_list_init(&pending->link);
    pending->number = ++e->next_number;
    pending->client = ask->client;
    pending->id = ask->id;
    pending->watch = flag_of(ask, "watch");
    pending->is_silent = is_silent;
    const struct skn_request request = {.number = pending->number,
                                        .caller = SKN_LIT("local"),
                                        .id = request_id,
                                        .address = pending->address,
                                        .name = skn_slice_str(name),
                                        .payload = payload,
                                        .priority = SKN_PRIORITY_NORMAL};
    enum skn_rc rc = skn_core_submit(e->core, &request, ask->diag);
    if (rc != SKN_OK) {
        skn_free(pending);
        return rc;
    }
    skn_list_push_back(&e->pending, &pending->link);
    return SKN_OK;
}

static void answer_accepted(
    struct skn_engine *e, uint64_t client, int64_t id, struct skn_slice address, bool watch)
{
    struct skn_json_writer *w = engine_answer_begin(e, client, id, "accepted");
    skn_json_key_str(w, "run");
    skn_json_any_text(w, skn_flow_run_id(address));
    engine_answer_end(e);
    if (watch) engine_watch(e, client, id, address);
}

void engine_reply(struct skn_engine *e, const struct skn_output *output)
{
    struct pending *pending = NULL;
    SKN_LIST_FOREACH (link, &e->pending) {
        pending = SKN_CONTAINER_OF(link, struct pending, link);
        if (pending->number == output->number) break;
        pending = NULL;
    }
    if (!pending) return; /* its client is gone */
    skn_list_remove(&pending->link);
    if (!pending->is_silent && output->rc != SKN_OK) {
        char text[SKN_DIAG_TEXT_MAX];
        size_t len = output->name.len < sizeof text - 1 ? output->name.len : sizeof text - 1;
        if (len > 0) memcpy(text, output->name.ptr, len);
        text[len] = 0;
        engine_answer_error(e, pending->client, pending->id, output->rc, text);
    } else if (!pending->is_silent) {
        answer_accepted(e, pending->client, pending->id, pending->address, pending->watch);
    }
    skn_free(pending);
}

/* --- start ------------------------------------------------------------------------------------- */

/* "local:Run/" and a name made from the request id, so that a repeated start meets the same run
 * [E34]. Letters and digits that are not taken for each other. */
static enum skn_rc new_address(struct ask *ask, struct skn_slice request_id, struct skn_buf *out)
{
    static const char alphabet[] = "abcdefghjkmnpqrstvwxyz0123456789";
    static_assert(sizeof alphabet == 33, "five bits each");
    uint8_t mac[32];
    enum skn_rc rc = skn_core_mac(ask->engine->store, SKN_LIT("run"), request_id, mac, ask->diag);
    if (rc != SKN_OK) return rc;
    skn_buf_reset(out);
    skn_buf_put_str(out, "local:Run/r");
    for (size_t i = 1; i < RUN_ID_CHARS; i++)
        skn_buf_put_u8(out, (uint8_t)alphabet[mac[i] & 31]);
    return skn_buf_rc(out);
}

static enum skn_rc start_payload(struct ask *ask, struct skn_buf *out)
{
    static const char *const copied[] = {"flow", "inputs", "labels", "name"};
    struct skn_buf graph;
    skn_buf_init(&graph, ANSWER_BYTES_MAX);
    enum skn_rc rc = skn_base64_get(&graph, text_of(ask, "graph"), ask->diag);
    struct skn_builder *b = skn_alloc(sizeof *b);
    skn_builder_init(b, out);
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("graph"));
    skn_build_bytes(b, skn_buf_slice(&graph));
    for (size_t i = 0; i < SKN_ARRAY_LEN(copied); i++) {
        struct skn_value v;
        if (!skn_map_get(ask->request, skn_slice_str(copied[i]), &v)) continue;
        skn_build_key(b, skn_slice_str(copied[i]));
        skn_build_value(b, v);
    }
    skn_build_map_end(b);
    enum skn_rc built = skn_build_end(b, ask->diag);
    skn_free(b);
    skn_buf_fini(&graph);
    return rc != SKN_OK ? rc : built;
}

static enum skn_rc start(struct ask *ask)
{
    struct skn_engine *e = ask->engine;
    struct skn_slice request_id = text_of(ask, "request_id");
    if (skn_shard_disk(e->shard) != SKN_JOURNAL_DISK_OK)
        return SKN_FAIL(
            ask->diag,
            SKN_EDISKFULL,
            "less than 5 percent of the disk is free, or too little for the journal's reserve of "
            "64 MiB: what runs goes on, nothing new is started; make room and try again");
    if (request_id.len == 0) return SKN_FAIL(ask->diag, SKN_EARGS, "a start has a request_id");
    enum skn_rc rc = new_address(ask, request_id, &e->address);
    if (rc != SKN_OK) return rc;
    struct skn_slice address = skn_buf_slice(&e->address);
    struct skn_run_info info;
    if (engine_is_held(e, address) &&
        skn_flow_info(e->store, address, true, &info, NULL) == SKN_OK) {
        /* A client that lost an earlier holder asks again. A domain that nobody works on answers no
         * message; that the run is there was read from the journal and is durable. */
        answer_accepted(e, ask->client, ask->id, address, flag_of(ask, "watch"));
        return SKN_OK;
    }
    struct skn_buf payload;
    skn_buf_init(&payload, ANSWER_BYTES_MAX);
    rc = start_payload(ask, &payload);
    if (rc == SKN_OK)
        rc = submit(ask,
                    skn_buf_slice(&e->address),
                    "start",
                    request_id,
                    skn_value_view(skn_buf_slice(&payload)),
                    false);
    if (rc == SKN_ETOOLARGE || rc == SKN_EFULL)
        rc = SKN_FAIL(
            ask->diag,
            SKN_EARGS,
            "the flow and its inputs together are %zu bytes, 1 MiB is the limit; give large "
            "data as a file and its name as the input",
            payload.len);
    skn_buf_fini(&payload);
    return rc;
}

/* --- finding runs ---------------------------------------------------------------------------------- */

struct found {
    struct skn_buf address; /* of the best so far */
    uint64_t started_ms;
    size_t count;
    bool is_exact;
};

static void offer(struct found *found,
                  struct skn_slice address,
                  const struct skn_run_info *info,
                  struct skn_slice wanted)
{
    struct skn_slice id = skn_flow_run_id(address);
    bool is_last = skn_slice_eq(wanted, SKN_LIT("last"));
    bool is_exact = skn_slice_eq(id, wanted);
    bool is_named = info->name.len > 0 && skn_slice_eq(info->name, wanted);
    if (found->is_exact || !(is_last || is_named || skn_slice_has_prefix(id, wanted))) return;
    /* Of those with one name, and of all for `last`, the newest counts. */
    bool is_newest = (is_last || is_named) && info->started_ms >= found->started_ms;
    if (!is_last && !is_named) found->count++;
    if (found->address.len == 0 || is_newest || is_exact) {
        skn_buf_reset(&found->address);
        skn_buf_put(&found->address, address);
        found->started_ms = info->started_ms;
        found->is_exact = is_exact;
    }
}

/* The run that a person means: its id, the beginning of it, its name, or `last`. */
static enum skn_rc find_run(struct ask *ask, struct skn_slice wanted, struct found *found)
{
    struct skn_engine *e = ask->engine;
    struct skn_slice after = {0};
    enum skn_rc rc;
    skn_buf_init(&found->address, SKN_ADDRESS_MAX + 1);
    if (wanted.len == 0) return SKN_FAIL(ask->diag, SKN_EARGS, "no run was named");
    while ((rc = skn_core_next_domain(e->store, after, &e->address, ask->diag)) == SKN_OK) {
        struct skn_run_info info;
        after = skn_buf_slice(&e->address);
        if (skn_flow_info(e->store, after, engine_is_held(e, after), &info, NULL) == SKN_OK)
            offer(found, after, &info, wanted);
    }
    if (rc != SKN_ENOENT) return rc;
    if (found->address.len == 0)
        return SKN_FAIL(ask->diag,
                        SKN_ENOENT,
                        "there is no run \"%.*s\"; `skein ps --all` lists them",
                        SKN_FMT(wanted));
    if (found->count > 1 && !found->is_exact)
        return SKN_FAIL(ask->diag,
                        SKN_EARGS,
                        "\"%.*s\" is the beginning of %zu runs",
                        SKN_FMT(wanted),
                        found->count);
    return SKN_OK;
}

/* --- resume, stop, leave ------------------------------------------------------------------------- */

static enum skn_rc resume_one(struct ask *ask, struct skn_slice address, bool is_silent)
{
    enum skn_rc rc = skn_core_take_up(ask->engine->core, address, true);
    if (rc != SKN_OK && rc != SKN_ENOENT) return rc;
    return submit(ask, address, "resume", (struct skn_slice){0}, skn_value_none(), is_silent);
}

static enum skn_rc resume_all(struct ask *ask)
{
    struct skn_engine *e = ask->engine;
    struct skn_buf address;
    enum skn_rc rc;
    int64_t count = 0;
    skn_buf_init(&address, SKN_ADDRESS_MAX + 1);
    while ((rc = skn_core_next_domain(e->store, skn_buf_slice(&address), &e->address, ask->diag)) ==
           SKN_OK) {
        skn_buf_reset(&address);
        skn_buf_put(&address, skn_buf_slice(&e->address));
        struct skn_run_info info;
        bool held = engine_is_held(e, skn_buf_slice(&address));
        if (skn_flow_info(e->store, skn_buf_slice(&address), held, &info, NULL) != SKN_OK) continue;
        if (info.status != SKN_RUN_INTERRUPTED) continue;
        if ((rc = resume_one(ask, skn_buf_slice(&address), true)) != SKN_OK) break;
        count++;
    }
    skn_buf_fini(&address);
    if (rc != SKN_ENOENT) return rc;
    struct skn_json_writer *w = engine_answer_begin(e, ask->client, ask->id, "resumed");
    skn_json_key_str(w, "count");
    skn_json_int(w, count);
    engine_answer_end(e);
    return SKN_OK;
}

static enum skn_rc to_run(struct ask *ask, const char *name)
{
    struct found found = {0};
    enum skn_rc rc = find_run(ask, text_of(ask, "run"), &found);
    struct skn_slice address = skn_buf_slice(&found.address);
    if (rc == SKN_OK && strcmp(name, "resume") == 0)
        rc = resume_one(ask, address, false);
    else if (rc == SKN_OK && !engine_is_held(ask->engine, address)) /* else it stands already */
        rc = submit(ask, address, name, (struct skn_slice){0}, skn_value_none(), true);
    skn_buf_fini(&found.address);
    return rc;
}

static enum skn_rc resume(struct ask *ask)
{
    return flag_of(ask, "all") ? resume_all(ask) : to_run(ask, "resume");
}

static enum skn_rc stop(struct ask *ask)
{
    return to_run(ask, "stop");
}

static enum skn_rc leave(struct ask *ask)
{
    return to_run(ask, "leave");
}

/* --- looking ----------------------------------------------------------------------------------------- */

static enum skn_rc show(struct ask *ask)
{
    struct skn_engine *e = ask->engine;
    struct found found = {0};
    enum skn_rc rc = find_run(ask, text_of(ask, "run"), &found);
    if (rc == SKN_OK) {
        struct skn_slice address = skn_buf_slice(&found.address);
        struct skn_json_writer *w = engine_answer_begin(e, ask->client, ask->id, "run");
        skn_json_key_str(w, "run");
        rc = skn_flow_view(e->store, address, engine_is_held(e, address), true, w, ask->diag);
        if (rc == SKN_OK)
            engine_answer_end(e);
        else
            engine_answer_drop(e);
    }
    skn_buf_fini(&found.address);
    return rc;
}

static enum skn_rc list(struct ask *ask)
{
    struct skn_engine *e = ask->engine;
    struct skn_slice after = {0};
    enum skn_rc rc;
    struct skn_json_writer *w = engine_answer_begin(e, ask->client, ask->id, "list");
    skn_json_key_str(w, "runs");
    skn_json_list_begin(w);
    while ((rc = skn_core_next_domain(e->store, after, &e->address, ask->diag)) == SKN_OK) {
        struct skn_run_info info;
        after = skn_buf_slice(&e->address);
        bool held = engine_is_held(e, after);
        if (skn_flow_info(e->store, after, held, &info, NULL) != SKN_OK) continue;
        if (info.status > SKN_RUN_INTERRUPTED && !flag_of(ask, "all")) continue;
        rc = skn_flow_view(e->store, after, held, false, w, ask->diag);
        if (rc != SKN_OK) break;
    }
    if (rc != SKN_ENOENT) {
        engine_answer_drop(e);
        return rc;
    }
    skn_json_list_end(w);
    engine_answer_end(e);
    return SKN_OK;
}

static enum skn_rc status(struct ask *ask)
{
    struct skn_engine *e = ask->engine;
    struct skn_json_writer *w = engine_answer_begin(e, ask->client, ask->id, "status");
    skn_json_key_str(w, "pid");
    skn_json_int(w, (int64_t)getpid());
    skn_json_key_str(w, "epoch");
    skn_json_uint(w, e->core ? skn_core_epoch(e->core) : 0);
    skn_json_key_str(w, "tasks");
    skn_json_uint(w, e->running);
    skn_json_key_str(w, "metrics");
    skn_buf_reset(&e->scratch);
    engine_metrics(e, &e->scratch);
    skn_json_any_text(w, skn_buf_slice(&e->scratch));
    engine_answer_end(e);
    return SKN_OK;
}

enum skn_rc skn_engine_request(struct skn_engine *e,
                               uint64_t client,
                               struct skn_value request,
                               struct skn_diag *diag)
{
    static const struct {
        const char *type;
        enum skn_rc (*run)(struct ask *);
        bool writes;
    } kinds[] = {{"start", start, true},
                 {"resume", resume, true},
                 {"stop", stop, true},
                 {"leave", leave, true},
                 {"list", list, false},
                 {"show", show, false},
                 {"status", status, false}};
    struct ask ask = {.engine = e, .client = client, .request = request, .diag = diag};
    struct skn_value id;
    if (!skn_value_is(request, SKN_T_MAP))
        return SKN_FAIL(diag, SKN_EARGS, "a request is a JSON object");
    if (skn_map_get(request, SKN_LIT("id"), &id) && skn_value_is(id, SKN_T_INT))
        ask.id = skn_value_as_int(id);
    struct skn_slice type = text_of(&ask, "type");
    for (size_t i = 0; i < SKN_ARRAY_LEN(kinds); i++) {
        if (!skn_slice_eq(type, skn_slice_str(kinds[i].type))) continue;
        if (kinds[i].writes && !e->core)
            return SKN_FAIL(diag, SKN_EPERM, "the data is open for reading only");
        return kinds[i].run(&ask);
    }
    return SKN_FAIL(diag, SKN_EARGS, "no request has the type \"%.*s\"", SKN_FMT(type));
}
