/* ask.c - a client's requests as JSON, and what the answers say. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"
#include "node/answer_internal.h"
#include "node/base64_internal.h"
#include "node/client_internal.h"
#include "node/frame_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

enum { REQUEST_ID_BYTES = 16 };

/* Begins the JSON of a request in `c->request`. */
static void begin(struct skn_client *c, struct skn_json_writer *w, const char *type)
{
    skn_buf_reset(&c->request);
    skn_json_begin(w, &c->request, SKN_JSON_PLAIN);
    skn_json_object_begin(w);
    skn_json_key_str(w, "type");
    skn_json_str(w, type);
    skn_json_key_str(w, "id");
    skn_json_int(w, ++c->id);
}

static enum skn_rc
ask(struct skn_client *c, struct skn_json_writer *w, enum skn_ask kind, struct skn_diag *diag)
{
    skn_json_object_end(w);
    enum skn_rc rc = skn_json_end(w, diag);
    if (rc == SKN_EFULL || (rc == SKN_OK && c->request.len > SKN_FRAME_MAX))
        return SKN_FAIL(
            diag, SKN_ETOOLARGE, "the request is larger than %u MiB", SKN_FRAME_MAX >> 20);
    if (rc != SKN_OK) return rc;
    c->kind = kind;
    return skn_client_send(c, skn_buf_slice(&c->request), diag);
}

static void put_text(struct skn_json_writer *w, const char *key, struct skn_slice text)
{
    skn_json_key_str(w, key);
    skn_json_string(w, text);
}

/* JSON text as a member. */
static enum skn_rc put_json(struct skn_client *c,
                            struct skn_json_writer *w,
                            const char *key,
                            struct skn_slice json,
                            struct skn_diag *diag)
{
    skn_buf_reset(&c->value);
    enum skn_rc rc = skn_json_parse(json, NULL, &c->value, diag);
    if (rc != SKN_OK) return rc;
    skn_json_key_str(w, key);
    skn_json_value(w, skn_value_view(skn_buf_slice(&c->value)));
    return SKN_OK;
}

enum skn_rc skn_client_new_id(char out[SKN_NEW_ID_BYTES], struct skn_diag *diag)
{
    uint8_t bytes[REQUEST_ID_BYTES];
    static_assert(SKN_NEW_ID_BYTES == 2 * REQUEST_ID_BYTES + 1, "in hex");
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return SKN_FAIL(diag, SKN_EIO, "could not get random bytes: %s", strerror(errno));
    skn_hex(bytes, sizeof(bytes), out);
    return SKN_OK;
}

/* Known to nobody before, so that two starts are never taken for one. */
static enum skn_rc put_request_id(struct skn_json_writer *w, struct skn_diag *diag)
{
    char text[SKN_NEW_ID_BYTES];
    enum skn_rc rc = skn_client_new_id(text, diag);
    if (rc != SKN_OK) return rc;
    skn_json_key_str(w, "request_id");
    skn_json_str(w, text);
    return SKN_OK;
}

enum skn_rc skn_client_start(struct skn_client *c,
                             const struct skn_start_request *request,
                             struct skn_diag *diag)
{
    struct skn_json_writer w;
    struct skn_buf graph;
    begin(c, &w, "start");
    skn_buf_init(&graph, 2 * (size_t)SKN_FRAME_MAX);
    skn_base64_put(&graph, request->graph);
    put_text(&w, "graph", skn_buf_slice(&graph));
    bool fits = skn_buf_rc(&graph) == SKN_OK;
    skn_buf_fini(&graph);
    if (!fits) return SKN_FAIL(diag, SKN_ETOOLARGE, "the flow is too large");
    put_text(&w, "flow", request->flow);
    put_text(&w, "source", request->source);
    if (request->name.len > 0) put_text(&w, "name", request->name);
    enum skn_rc rc = put_request_id(&w, diag);
    if (rc == SKN_OK) rc = put_json(c, &w, "inputs", request->inputs, diag);
    if (rc == SKN_OK) rc = put_json(c, &w, "labels", request->labels, diag);
    if (rc != SKN_OK) return rc;
    skn_json_key_str(&w, "watch");
    skn_json_bool(&w, request->watch);
    return ask(c, &w, request->watch ? SKN_ASK_UNTIL_FINAL : SKN_ASK_ONE_ANSWER, diag);
}

enum skn_rc
skn_client_resume(struct skn_client *c, struct skn_slice run, bool watch, struct skn_diag *diag)
{
    struct skn_json_writer w;
    begin(c, &w, "resume");
    put_text(&w, "run", run);
    skn_json_key_str(&w, "all");
    skn_json_bool(&w, false);
    skn_json_key_str(&w, "watch");
    skn_json_bool(&w, watch);
    return ask(c, &w, watch ? SKN_ASK_UNTIL_FINAL : SKN_ASK_ONE_ANSWER, diag);
}

enum skn_rc skn_client_list(struct skn_client *c, bool all, struct skn_diag *diag)
{
    struct skn_json_writer w;
    begin(c, &w, "list");
    skn_json_key_str(&w, "all");
    skn_json_bool(&w, all);
    return ask(c, &w, SKN_ASK_ONE_ANSWER, diag);
}

enum skn_rc skn_client_show(struct skn_client *c, struct skn_slice run, struct skn_diag *diag)
{
    struct skn_json_writer w;
    begin(c, &w, "show");
    put_text(&w, "run", run);
    return ask(c, &w, SKN_ASK_ONE_ANSWER, diag);
}

static void put_if(struct skn_json_writer *w, const char *key, struct skn_slice text)
{
    if (text.len > 0) put_text(w, key, text);
}

enum skn_rc
skn_client_query(struct skn_client *c, const struct skn_query *query, struct skn_diag *diag)
{
    static const char *const types[] = {[SKN_QUERY_DOMAINS] = "domains",
                                        [SKN_QUERY_DOMAIN] = "domain",
                                        [SKN_QUERY_SEND] = "send",
                                        [SKN_QUERY_TAKE_UP] = "take-up",
                                        [SKN_QUERY_REDELIVER] = "redeliver",
                                        [SKN_QUERY_REMOVE] = "remove",
                                        [SKN_QUERY_TRACE] = "trace",
                                        [SKN_QUERY_CLOCK] = "clock",
                                        [SKN_QUERY_ACCEPT_CLOCK] = "accept-clock",
                                        [SKN_QUERY_STATUS] = "status",
                                        [SKN_QUERY_SECRETS] = "secrets",
                                        [SKN_QUERY_ROTATE] = "rotate",
                                        [SKN_QUERY_BLOB] = "blob",
                                        [SKN_QUERY_BLOB_HOLD] = "blob-hold",
                                        [SKN_QUERY_BLOB_NAMES] = "blob-names"};
    struct skn_json_writer w;
    begin(c, &w, types[query->kind]);
    put_if(&w, "address", query->address);
    put_if(&w, "name", query->name);
    put_if(&w, "after", query->after);
    put_if(&w, "domain_type", query->domain_type);
    put_if(&w, "priority", query->priority);
    put_if(&w, "request_id", query->id);
    if (query->has_key) put_text(&w, "key", query->key);
    if (query->payload.len > 0) {
        enum skn_rc rc = put_json(c, &w, "payload", query->payload, diag);
        if (rc != SKN_OK) return rc;
    }
    if (query->secret_count > 0) {
        skn_json_key_str(&w, "secrets");
        skn_json_object_begin(&w);
        for (size_t i = 0; i < query->secret_count; i++) {
            skn_json_key(&w, query->secrets[i].name);
            skn_json_string(&w, query->secrets[i].text);
        }
        skn_json_object_end(&w);
    }
    skn_json_key_str(&w, "faulted");
    skn_json_bool(&w, query->faulted);
    skn_json_key_str(&w, "limit");
    skn_json_int(&w, query->limit);
    skn_json_key_str(&w, "ms");
    skn_json_int(&w, query->ms);
    skn_json_key_str(&w, "letter");
    skn_json_int(&w, query->letter);
    skn_json_key_str(&w, "close");
    skn_json_bool(&w, query->closes);
    return ask(c, &w, SKN_ASK_ONE_ANSWER, diag);
}

enum skn_rc skn_client_snapshot(struct skn_client *c, const char *dir, struct skn_diag *diag)
{
    struct skn_json_writer w;
    begin(c, &w, "snapshot");
    put_text(&w, "dir", skn_slice_str(dir));
    return ask(c, &w, SKN_ASK_ONE_ANSWER, diag);
}

static enum skn_rc
tell(struct skn_client *c, const char *type, struct skn_slice run, struct skn_diag *diag)
{
    struct skn_json_writer w;
    struct skn_buf json;
    skn_buf_init(&json, SKN_FRAME_MAX);
    skn_json_begin(&w, &json, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    skn_json_key_str(&w, "type");
    skn_json_str(&w, type);
    skn_json_key_str(&w, "id");
    skn_json_int(&w, 0);
    put_text(&w, "run", run);
    skn_json_object_end(&w);
    enum skn_rc rc = skn_json_end(&w, diag);
    if (rc == SKN_OK) rc = skn_client_send(c, skn_buf_slice(&json), diag);
    skn_buf_fini(&json);
    return rc;
}

enum skn_rc skn_client_stop(struct skn_client *c, struct skn_slice run, struct skn_diag *diag)
{
    return tell(c, "stop", run, diag);
}

enum skn_rc skn_client_leave(struct skn_client *c, struct skn_slice run, struct skn_diag *diag)
{
    return tell(c, "leave", run, diag);
}

enum skn_rc skn_client_snapshot_end(struct skn_client *c, struct skn_diag *diag)
{
    return tell(c, "snapshot-end", (struct skn_slice){0}, diag);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* A member that is text; empty when it is not there. */
static struct skn_slice text_of(struct skn_value map, const char *key)
{
    struct skn_value v;
    if (!skn_map_get(map, skn_slice_str(key), &v) || !skn_value_is(v, SKN_T_STRING))
        return SKN_LIT("");
    return skn_value_as_text(v);
}

static enum skn_rc read_error(struct skn_value value, struct skn_diag *diag)
{
    char name[64];
    struct skn_slice code = text_of(value, "code"), message = text_of(value, "message");
    (void)snprintf(name, sizeof(name), "%.*s", SKN_FMT(code));
    return SKN_FAIL(diag, skn_rc_by_name(name), "%.*s", SKN_FMT(message));
}

/* Which of the answers it is; `out->value` is the member that has what it says. */
static bool read_kind(struct skn_value value, struct skn_answer *out)
{
    static const struct {
        const char *type;
        const char *member;
        enum skn_answer_type as;
        enum skn_tag tag;
    } kinds[] = {
        {"accepted", "run", SKN_ANSWER_ACCEPTED, SKN_T_STRING},
        {"run", "run", SKN_ANSWER_RUN, SKN_T_MAP},
        {"list", "runs", SKN_ANSWER_LIST, SKN_T_LIST},
        {"snapshot", "dir", SKN_ANSWER_SNAPSHOT, SKN_T_STRING},
    };
    struct skn_slice type = text_of(value, "type");
    out->type = SKN_ANSWER_VALUE;
    if (skn_slice_eq(type, SKN_LIT("value")))
        return skn_map_get(value, SKN_LIT("value"), &out->value);
    for (size_t i = 0; i < SKN_ARRAY_LEN(kinds); i++) {
        if (!skn_slice_eq(type, skn_slice_str(kinds[i].type))) continue;
        out->type = kinds[i].as;
        return skn_map_get(value, skn_slice_str(kinds[i].member), &out->value) &&
               skn_value_is(out->value, kinds[i].tag);
    }
    return false;
}

enum skn_rc skn_answer_read(struct skn_client *c,
                            struct skn_value value,
                            bool *out_is_ours,
                            struct skn_answer *out_answer,
                            struct skn_diag *diag)
{
    struct skn_value id = skn_value_none();
    *out_is_ours = true;
    if (skn_value_is(value, SKN_T_MAP)) (void)skn_map_get(value, SKN_LIT("id"), &id);
    bool is_error =
        skn_value_is(value, SKN_T_MAP) && skn_slice_eq(text_of(value, "type"), SKN_LIT("error"));
    /* An error without an id is about the connection. */
    bool for_us = skn_value_is(id, SKN_T_INT)
                      ? c->kind != SKN_ASK_NOTHING && skn_value_as_int(id) == c->id
                      : is_error;
    if (!for_us && skn_value_is(id, SKN_T_INT)) {
        *out_is_ours = false;
        return SKN_OK;
    }
    if (is_error) c->kind = SKN_ASK_NOTHING;
    if (is_error) return read_error(value, diag);
    struct skn_answer answer;
    if (!for_us || !read_kind(value, &answer))
        return SKN_CORRUPT(diag,
                           "an answer that nobody understands; is the holder of this version?");
    answer.last = c->kind == SKN_ASK_ONE_ANSWER ||
                  (answer.type == SKN_ANSWER_RUN && skn_answer_is_final(value));
    if (answer.last) c->kind = SKN_ASK_NOTHING;
    *out_answer = answer;
    return SKN_OK;
}
