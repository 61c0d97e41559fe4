/* answer.c - answers to clients, and the runs that they watch. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "node/engine_internal.h"

#include <inttypes.h>

/* The one being written is the newest of the list. */
static struct answer *newest(struct skn_engine *e)
{
    struct skn_list *last = skn_list_last(&e->answers);
    SKN_ASSERT(last);
    return SKN_CONTAINER_OF(last, struct answer, link);
}

struct skn_json_writer *
engine_answer_begin(struct skn_engine *e, uint64_t client, int64_t id, const char *type)
{
    struct answer *answer = skn_alloc_zero(1, sizeof *answer);
    skn_list_init(&answer->link);
    answer->client = client;
    answer->id = id;
    skn_buf_init(&answer->json, ANSWER_BYTES_MAX);
    skn_list_push_back(&e->answers, &answer->link);
    skn_json_begin(&e->writer, &answer->json, SKN_JSON_PLAIN);
    engine_answer_head(&e->writer, type, id);
    return &e->writer;
}

void engine_answer_head(struct skn_json_writer *w, const char *type, int64_t id)
{
    skn_json_object_begin(w);
    skn_json_key_str(w, "type");
    skn_json_str(w, type);
    skn_json_key_str(w, "id");
    skn_json_int(w, id);
}

void engine_answer_json(struct skn_engine *e, uint64_t client, struct skn_slice json)
{
    struct answer *answer = skn_alloc_zero(1, sizeof *answer);
    skn_list_init(&answer->link);
    answer->client = client;
    skn_buf_init(&answer->json, ANSWER_BYTES_MAX);
    skn_buf_put(&answer->json, json);
    skn_list_push_back(&e->answers, &answer->link);
}

void engine_answer_drop(struct skn_engine *e)
{
    struct answer *answer = newest(e);
    skn_list_remove(&answer->link);
    skn_buf_fini(&answer->json);
    skn_free(answer);
}

/* What cannot be shown is an error in its place: too large for a frame, or damaged. */
static void replace(struct skn_engine *e, enum skn_rc rc, const char *text)
{
    uint64_t client = newest(e)->client;
    int64_t id = newest(e)->id;
    engine_answer_drop(e);
    engine_answer_error(e, client, id, rc, text);
}

void engine_answer_end(struct skn_engine *e)
{
    skn_json_object_end(&e->writer);
    struct skn_diag diag;
    enum skn_rc rc = skn_json_end(&e->writer, &diag);
    if (rc != SKN_OK) replace(e, rc, diag.text);
}

void engine_answer_value(struct skn_engine *e, uint64_t client, int64_t id, struct skn_slice json)
{
    struct skn_buf text;
    skn_buf_init(&text, ANSWER_BYTES_MAX);
    skn_buf_printf(&text, "{\"type\":\"value\",\"id\":%" PRId64 ",\"value\":", id);
    skn_buf_put(&text, json);
    skn_buf_put_u8(&text, '}');
    if (skn_buf_rc(&text) == SKN_OK)
        engine_answer_json(e, client, skn_buf_slice(&text));
    else
        engine_answer_error(e, client, id, SKN_ETOOLARGE, "the answer is over 16 MiB");
    skn_buf_fini(&text);
}

void engine_answer_error(
    struct skn_engine *e, uint64_t client, int64_t id, enum skn_rc rc, const char *text)
{
    const struct skn_rc_info *info = skn_rc_info(rc);
    struct skn_json_writer *w = engine_answer_begin(e, client, id, "error");
    skn_json_key_str(w, "code");
    skn_json_str(w, info->name);
    skn_json_key_str(w, "message");
    skn_json_any_text(w, skn_slice_str(text[0] ? text : info->text));
    skn_json_key_str(w, "exit");
    skn_json_int(w, info->exit_code);
    skn_json_object_end(w);
    enum skn_rc ended = skn_json_end(w, NULL);
    SKN_ASSERT(ended == SKN_OK); /* a few hundred bytes */
}

/* --- watchers ---------------------------------------------------------------------------------- */

void engine_watch(struct skn_engine *e, uint64_t client, int64_t id, struct skn_slice address)
{
    struct watcher *watcher = skn_alloc_zero(1, sizeof *watcher + address.len);
    memcpy(watcher->bytes, address.ptr, address.len);
    skn_list_init(&watcher->link);
    watcher->number = ++e->next_number;
    watcher->client = client;
    watcher->id = id;
    watcher->is_dirty = true;
    watcher->address = skn_slice(watcher->bytes, address.len);
    skn_list_push_back(&e->watchers, &watcher->link);
}

static struct active *find_active(struct skn_engine *e, struct skn_slice address)
{
    SKN_LIST_FOREACH (link, &e->active) {
        struct active *active = SKN_CONTAINER_OF(link, struct active, link);
        if (skn_slice_eq(active->address, address)) return active;
    }
    return NULL;
}

void engine_run_changed(struct skn_engine *e, struct skn_slice address, enum skn_run_status status)
{
    bool is_active = status == SKN_RUN_RUNNING || status == SKN_RUN_STOPPING;
    struct active *active = find_active(e, address);
    if (active && !is_active) {
        engine_note_run(e, address, status);
        skn_list_remove(&active->link);
        skn_free(active);
    } else if (!active && is_active) {
        active = skn_alloc_zero(1, sizeof *active + address.len);
        memcpy(active->bytes, address.ptr, address.len);
        active->address = skn_slice(active->bytes, address.len);
        skn_list_init(&active->link);
        skn_list_push_back(&e->active, &active->link);
    }
    SKN_LIST_FOREACH (link, &e->watchers) {
        struct watcher *watcher = SKN_CONTAINER_OF(link, struct watcher, link);
        if (!skn_slice_eq(watcher->address, address)) continue;
        watcher->is_dirty = true;
        if (!is_active) watcher->next_ms = 0;
    }
}

/* On the shard's thread: the view as a whole answer. */
static enum skn_rc view(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    struct look *look = engine_look_of(call);
    struct skn_json_writer *w = &look->writer;
    look->is_held = engine_is_held(core, look->address);
    enum skn_rc rc = skn_flow_info(store, look->address, look->is_held, &look->info, &call->diag);
    if (rc != SKN_OK) return rc;
    skn_buf_reset(&look->json);
    skn_json_begin(w, &look->json, SKN_JSON_PLAIN);
    engine_answer_head(w, "run", look->id);
    skn_json_key_str(w, "run");
    rc = skn_flow_view(store, look->address, look->is_held, true, w, &call->diag);
    if (rc != SKN_OK) return rc;
    if (look->info.status >= SKN_RUN_INTERRUPTED) {
        skn_json_key_str(w, "final");
        skn_json_bool(w, true);
    }
    skn_json_object_end(w);
    return skn_json_end(w, &call->diag);
}

static struct watcher *watcher_by_number(struct skn_engine *e, uint64_t number)
{
    SKN_LIST_FOREACH (link, &e->watchers) {
        struct watcher *watcher = SKN_CONTAINER_OF(link, struct watcher, link);
        if (watcher->number == number) return watcher;
    }
    return NULL;
}

static void viewed(struct look *look)
{
    struct skn_engine *e = look->engine;
    struct watcher *watcher = watcher_by_number(e, look->number);
    if (!watcher) return; /* its client is gone */
    watcher->is_looking = false;
    bool is_last = look->call.rc != SKN_OK || look->info.status >= SKN_RUN_INTERRUPTED;
    if (look->call.rc == SKN_OK)
        engine_answer_json(e, watcher->client, skn_buf_slice(&look->json));
    else
        engine_answer_error(e, watcher->client, watcher->id, look->call.rc, look->call.diag.text);
    if (!is_last) return;
    skn_list_remove(&watcher->link);
    skn_free(watcher);
}

static void show(struct skn_engine *e, struct watcher *watcher)
{
    struct look *look = engine_look_new(e, watcher->address, 0, view, viewed, NULL);
    look->number = watcher->number;
    look->id = watcher->id;
    watcher->is_looking = true;
    engine_look_start(look);
}

int engine_show_changes(struct skn_engine *e, uint64_t now_ms)
{
    int wait = -1;
    SKN_LIST_FOREACH_SAFE (link, after, &e->watchers) {
        struct watcher *watcher = SKN_CONTAINER_OF(link, struct watcher, link);
        if (!watcher->is_dirty || watcher->is_looking) continue;
        if (watcher->next_ms > now_ms && watcher->next_ms - now_ms <= VIEW_EVERY_MS) {
            int left = (int)(watcher->next_ms - now_ms);
            if (wait < 0 || left < wait) wait = left;
            continue;
        }
        watcher->is_dirty = false;
        watcher->next_ms = now_ms + VIEW_EVERY_MS;
        show(e, watcher);
    }
    return wait;
}
