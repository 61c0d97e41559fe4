/* request.c - what clients ask of an engine. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "node/base64_internal.h"
#include "node/request_internal.h"

#include <inttypes.h>

enum { RUN_ID_CHARS = 10, PAYLOAD_BYTES_MAX = 1 << 20 };

struct skn_slice ask_text(const struct ask *ask, const char *name)
{
    struct skn_value v;
    if (!skn_map_get(ask->request, skn_slice_str(name), &v) || !skn_value_is(v, SKN_T_STRING))
        return (struct skn_slice){0};
    return skn_value_as_text(v);
}

bool ask_flag(const struct ask *ask, const char *name)
{
    struct skn_value v;
    return skn_map_get(ask->request, skn_slice_str(name), &v) && skn_value_is(v, SKN_T_BOOL) &&
           skn_value_as_bool(v);
}

int64_t ask_int(const struct ask *ask, const char *name, int64_t otherwise)
{
    struct skn_value v;
    if (!skn_map_get(ask->request, skn_slice_str(name), &v) || !skn_value_is(v, SKN_T_INT))
        return otherwise;
    return skn_value_as_int(v);
}

enum skn_rc ask_has_room(const struct ask *ask)
{
    struct skn_shards_state state = skn_shards_state(ask->engine->shards);
    if (state.disk != SKN_JOURNAL_DISK_OK)
        return SKN_FAIL(
            ask->diag,
            SKN_EDISKFULL,
            "less than 5 percent of the disk is free, or too little for the journal's reserve of "
            "64 MiB: what runs goes on, nothing new is started; make room and try again");
    if (state.is_behind)
        return SKN_FAIL(ask->diag,
                        SKN_EBUSY,
                        "the store is far behind the journal: nothing new is started until a "
                        "checkpoint has caught up; try again in a moment");
    return SKN_OK;
}

static struct ask *ask_create(struct skn_engine *e, uint64_t client, struct skn_value request)
{
    struct ask *ask = skn_alloc_zero(1, sizeof *ask);
    struct skn_value id;
    skn_list_init(&ask->link);
    ask->engine = e;
    ask->client = client;
    skn_buf_init(&ask->bytes, 4 * (size_t)ANSWER_BYTES_MAX);
    skn_value_encode(request, &ask->bytes);
    ask->request = skn_value_view(skn_buf_slice(&ask->bytes));
    if (skn_map_get(ask->request, SKN_LIT("id"), &id) && skn_value_is(id, SKN_T_INT))
        ask->id = skn_value_as_int(id);
    ask->all = ask_flag(ask, "all");
    skn_buf_init(&ask->payload, ANSWER_BYTES_MAX);
    skn_buf_init(&ask->address, SKN_ADDRESS_MAX + 1);
    skn_list_push_back(&e->asks, &ask->link);
    return ask;
}

void ask_free(struct ask *ask)
{
    struct skn_buf *bufs[] = {
        &ask->bytes, &ask->payload, &ask->address, &ask->parts, &ask->found.address};
    for (size_t i = 0; i < SKN_ARRAY_LEN(bufs); i++)
        skn_buf_fini(bufs[i]);
    skn_list_remove(&ask->link);
    skn_free(ask);
}

void ask_end(struct ask *ask, enum skn_rc rc)
{
    if (rc == SKN_ELATER) return;
    if (rc != SKN_OK)
        engine_answer_error(ask->engine, ask->client, ask->id, rc, ask->own_diag.text);
    ask_free(ask);
}

uint64_t ask_expect(struct ask *ask, struct skn_slice address, enum reply_as reply_as)
{
    struct skn_engine *e = ask->engine;
    struct pending *pending = skn_alloc_zero(1, sizeof *pending + address.len);
    memcpy(pending->bytes, address.ptr, address.len);
    pending->address = skn_slice(pending->bytes, address.len);
    skn_list_init(&pending->link);
    pending->number = ++e->next_number;
    pending->client = ask->client;
    pending->id = ask->id;
    pending->watch = ask_flag(ask, "watch");
    pending->is_silent = reply_as == REPLY_AS_NOTHING;
    pending->forgives = reply_as == REPLY_AS_FORGIVEN;
    pending->is_value = reply_as == REPLY_AS_VALUE || pending->forgives;
    skn_list_push_back(&e->pending, &pending->link);
    return pending->number;
}

void ask_submit(struct ask *ask,
                struct skn_slice address,
                struct skn_slice name,
                struct skn_slice request_id,
                enum skn_priority priority,
                struct skn_value payload,
                enum reply_as reply_as)
{
    const struct skn_request request = {.number = ask_expect(ask, address, reply_as),
                                        .caller = SKN_LIT("local"),
                                        .id = request_id,
                                        .address = address,
                                        .name = name,
                                        .payload = payload,
                                        .priority = priority};
    skn_shards_submit(ask->engine->shards, &request);
}

/* To a run, as everything about runs is. */
static void submit(struct ask *ask,
                   struct skn_slice address,
                   const char *name,
                   struct skn_slice request_id,
                   struct skn_value payload,
                   bool is_silent)
{
    ask_submit(ask,
               address,
               skn_slice_str(name),
               request_id,
               SKN_PRIORITY_NORMAL,
               payload,
               is_silent ? REPLY_AS_NOTHING : REPLY_AS_RUN);
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

/* What a domain answered; what has no JSON is an error in its place. */
static void
answer_value(struct skn_engine *e, uint64_t client, int64_t id, const struct skn_output *output)
{
    struct skn_diag diag = {.text = ""};
    struct skn_buf text;
    skn_buf_init(&text, ANSWER_BYTES_MAX);
    skn_buf_put_str(&text, "{\"answer\":");
    enum skn_rc rc = skn_json_print(skn_value_view(output->value), SKN_JSON_PLAIN, &text, &diag);
    skn_buf_printf(&text, ",\"stamp\":%" PRIu64 "}", output->stamp);
    if (rc == SKN_OK)
        engine_answer_value(e, client, id, skn_buf_slice(&text));
    else
        engine_answer_error(e, client, id, rc, diag.text);
    skn_buf_fini(&text);
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
    if (pending->forgives && output->rc == SKN_OK)
        skn_guard_file_forgive(e->guard, pending->address);
    if (!pending->is_silent && output->rc != SKN_OK) {
        char text[SKN_DIAG_TEXT_MAX];
        size_t len = output->name.len < sizeof text - 1 ? output->name.len : sizeof text - 1;
        if (len > 0) memcpy(text, output->name.ptr, len);
        text[len] = 0;
        engine_answer_error(e, pending->client, pending->id, output->rc, text);
    } else if (pending->is_value && !pending->is_silent) {
        answer_value(e, pending->client, pending->id, output);
    } else if (!pending->is_silent) {
        answer_accepted(e, pending->client, pending->id, pending->address, pending->watch);
    }
    skn_free(pending);
}

/* --- start ------------------------------------------------------------------------------------- */

/* "local:Run/" and a name made from the request id, so that a repeated start meets the same run
 * [E34]. Letters and digits that are not taken for each other. */
static void new_address(struct ask *ask, struct skn_slice request_id)
{
    static const char alphabet[] = "abcdefghjkmnpqrstvwxyz0123456789";
    static_assert(sizeof alphabet == 33, "five bits each");
    uint8_t mac[32];
    skn_shards_mac(ask->engine->shards, SKN_LIT("run"), request_id, mac);
    skn_buf_put_str(&ask->address, "local:Run/r");
    for (size_t i = 1; i < RUN_ID_CHARS; i++)
        skn_buf_put_u8(&ask->address, (uint8_t)alphabet[mac[i] & 31]);
}

static enum skn_rc start_payload(struct ask *ask, struct skn_buf *out)
{
    static const char *const copied[] = {"flow", "inputs", "labels", "name"};
    struct skn_buf graph;
    skn_buf_init(&graph, ANSWER_BYTES_MAX);
    enum skn_rc rc = skn_base64_get(&graph, ask_text(ask, "graph"), ask->diag);
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

/* Whether the run is there, and nobody works on it. */
static enum skn_rc
look_before_start(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    struct look *look = engine_look_of(call);
    look->is_held = engine_is_held(core, look->address);
    if (!look->is_held) return SKN_OK;
    enum skn_rc rc = skn_flow_info(store, look->address, true, &look->info, NULL);
    look->is_there = rc == SKN_OK;
    return rc == SKN_ELATER ? rc : SKN_OK;
}

static void start_looked(struct look *look)
{
    struct ask *ask = look->ask;
    if (look->is_there)
        /* A client that lost an earlier holder asks again. A domain that nobody works on answers no
         * message; that the run is there was read from its rows and is durable. */
        answer_accepted(ask->engine, ask->client, ask->id, look->address, ask_flag(ask, "watch"));
    else
        submit(ask,
               look->address,
               "start",
               ask_text(ask, "request_id"),
               skn_value_view(skn_buf_slice(&ask->payload)),
               false);
    ask_end(ask, SKN_OK);
}

static enum skn_rc start(struct ask *ask)
{
    struct skn_engine *e = ask->engine;
    struct skn_slice request_id = ask_text(ask, "request_id");
    enum skn_rc rc = ask_has_room(ask);
    if (rc != SKN_OK) return rc;
    if (request_id.len == 0) return SKN_FAIL(ask->diag, SKN_EARGS, "a start has a request_id");
    new_address(ask, request_id);
    rc = start_payload(ask, &ask->payload);
    if (rc == SKN_OK && ask->payload.len > PAYLOAD_BYTES_MAX) rc = SKN_ETOOLARGE;
    if (rc == SKN_ETOOLARGE || rc == SKN_EFULL)
        return SKN_FAIL(
            ask->diag,
            SKN_EARGS,
            "the flow and its inputs together are %zu bytes, 1 MiB is the limit; give large "
            "data as a file and its name as the input",
            ask->payload.len);
    if (rc != SKN_OK) return rc;
    engine_look_start(
        engine_look_new(e, skn_buf_slice(&ask->address), 0, look_before_start, start_looked, ask));
    return SKN_ELATER;
}

/* --- resume, stop, leave ------------------------------------------------------------------------- */

static void resume_one(struct ask *ask, struct skn_slice address, bool is_silent)
{
    skn_shards_take_up(ask->engine->shards, address, true);
    submit(ask, address, "resume", (struct skn_slice){0}, skn_value_none(), is_silent);
}

static enum skn_rc resume_found(struct ask *ask)
{
    resume_one(ask, skn_buf_slice(&ask->found.address), false);
    return SKN_OK;
}

static enum skn_rc resume_parts(struct ask *ask)
{
    struct skn_engine *e = ask->engine;
    struct skn_slice rest = skn_buf_slice(&ask->parts);
    int64_t count = 0;
    while (rest.len > 0) {
        const uint8_t *end = memchr(rest.ptr, '\n', rest.len);
        SKN_ASSERT(end);
        size_t len = (size_t)(end - rest.ptr);
        resume_one(ask, skn_slice(rest.ptr, len), true);
        rest = skn_slice_from(rest, len + 1);
        count++;
    }
    struct skn_json_writer *w = engine_answer_begin(e, ask->client, ask->id, "resumed");
    skn_json_key_str(w, "count");
    skn_json_int(w, count);
    engine_answer_end(e);
    return SKN_OK;
}

static enum skn_rc resume(struct ask *ask)
{
    return ask->all ? engine_all_runs(ask, true, resume_parts)
                    : engine_find_run(ask, ask_text(ask, "run"), resume_found);
}

/* Of a run that nobody works on nothing is asked: it stands already. */
static enum skn_rc tell_found(struct ask *ask)
{
    char name[8] = "";
    struct skn_slice type = ask_text(ask, "type");
    SKN_ASSERT(type.len < sizeof name);
    memcpy(name, type.ptr, type.len);
    if (!ask->found.is_held)
        submit(ask,
               skn_buf_slice(&ask->found.address),
               name,
               (struct skn_slice){0},
               skn_value_none(),
               true);
    return SKN_OK;
}

static enum skn_rc tell(struct ask *ask)
{
    return engine_find_run(ask, ask_text(ask, "run"), tell_found);
}

/* --- looking ----------------------------------------------------------------------------------------- */

static enum skn_rc
look_at_run(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    struct look *look = engine_look_of(call);
    struct skn_json_writer *w = &look->writer;
    skn_buf_reset(&look->json);
    skn_json_begin(w, &look->json, SKN_JSON_PLAIN);
    engine_answer_head(w, "run", look->id);
    skn_json_key_str(w, "run");
    bool held = engine_is_held(core, look->address);
    enum skn_rc rc = skn_flow_view(store, look->address, held, true, w, &call->diag);
    if (rc != SKN_OK) return rc;
    skn_json_object_end(w);
    return skn_json_end(w, &call->diag);
}

static void run_looked(struct look *look)
{
    struct ask *ask = look->ask;
    if (look->call.rc == SKN_OK)
        engine_answer_json(ask->engine, ask->client, skn_buf_slice(&look->json));
    ask->own_diag = look->call.diag;
    ask_end(ask, look->call.rc);
}

static enum skn_rc show_found(struct ask *ask)
{
    struct look *look = engine_look_new(
        ask->engine, skn_buf_slice(&ask->found.address), 0, look_at_run, run_looked, ask);
    look->id = ask->id;
    engine_look_start(look);
    return SKN_ELATER;
}

static enum skn_rc show(struct ask *ask)
{
    return engine_find_run(ask, ask_text(ask, "run"), show_found);
}

static enum skn_rc list_parts(struct ask *ask)
{
    struct skn_buf json;
    struct skn_slice runs = skn_buf_slice(&ask->parts);
    if (runs.len > 0) runs.len--; /* the comma behind the last */
    skn_buf_init(&json, ANSWER_BYTES_MAX);
    skn_buf_printf(&json, "{\"type\":\"list\",\"id\":%" PRId64 ",\"runs\":[", ask->id);
    skn_buf_put(&json, runs);
    skn_buf_put_str(&json, "]}");
    enum skn_rc rc = skn_buf_rc(&json);
    if (rc == SKN_OK)
        engine_answer_json(ask->engine, ask->client, skn_buf_slice(&json));
    else
        rc = SKN_FAIL(ask->diag, rc, "the list is over %d MiB", ANSWER_BYTES_MAX >> 20);
    skn_buf_fini(&json);
    return rc;
}

static enum skn_rc list(struct ask *ask)
{
    return engine_all_runs(ask, false, list_parts);
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
                 {"stop", tell, true},
                 {"leave", tell, true},
                 {"list", list, false},
                 {"show", show, false},
                 {"snapshot", request_snapshot, true},
                 {"snapshot-end", request_snapshot_end, true},
                 {"status", request_status, false},
                 {"domains", request_domains, false},
                 {"domain", request_domain, false},
                 {"send", request_send, true},
                 {"take-up", request_take_up, true},
                 {"redeliver", request_redeliver, true},
                 {"remove", request_remove, true},
                 {"trace", request_trace, true},
                 {"clock", request_clock, true},
                 {"accept-clock", request_accept_clock, true},
                 {"secrets", request_secrets, true},
                 {"rotate", request_rotate, true},
                 {"blob", request_blob, true},
                 {"blob-hold", request_blob_hold, true},
                 {"blob-names", request_blob_names, false}};
    if (!skn_value_is(request, SKN_T_MAP))
        return SKN_FAIL(diag, SKN_EARGS, "a request is a JSON object");
    struct ask *ask = ask_create(e, client, request);
    struct skn_slice type = ask_text(ask, "type");
    enum skn_rc rc = SKN_EARGS;
    size_t i = 0;
    while (i < SKN_ARRAY_LEN(kinds) && !skn_slice_eq(type, skn_slice_str(kinds[i].type)))
        i++;
    ask->diag = diag;
    if (i == SKN_ARRAY_LEN(kinds))
        rc = SKN_FAIL(diag, SKN_EARGS, "no request has the type \"%.*s\"", SKN_FMT(type));
    else if (kinds[i].writes && e->is_read_only)
        rc = SKN_FAIL(diag, SKN_EPERM, "the data is open for reading only");
    else
        rc = kinds[i].run(ask);
    ask->diag = &ask->own_diag;
    if (rc != SKN_ELATER) ask_free(ask);
    return rc == SKN_ELATER ? SKN_OK : rc;
}
