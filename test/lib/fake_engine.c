/* fake_engine.c - an engine for tests of holder, client and commands: runs that do what their text
 * says, without journal and programs.
 *
 * The text of a flow begins with one of these words, which may stand in a comment:
 *   quick   ends at the second turn        stay    ends when it is told to stop or leave
 *   flood   shows 3000 views, then ends     bad     is refused
 *   die     aborts the process once         fail    ends as failed
 *   deaf    ends when it is told to leave
 * A file `fake.runs` in the data directory keeps "id name status" lines over restarts.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"
#include "base/mem.h"
#include "node/engine.h"
#include "value/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RUNS_MAX = 64, TEXT_MAX = 16 << 20, FLOOD_VIEWS = 3000, FLOOD_PER_TURN = 50 };

struct run {
    char id[16];
    char name[32];
    char what[16];
    char status[16];
    char request_id[40];
    uint64_t client; /* that watches; 0: nobody */
    int64_t watch_id;
    int turns;
    int stop; /* 1 asked to stop, 2 to leave */
};

struct answer {
    struct skn_list link;
    uint64_t client;
    struct skn_buf json;
};

struct skn_engine {
    char data_dir[4096];
    bool read_only;
    struct run runs[RUNS_MAX];
    size_t run_count;
    struct skn_list answers;
    struct answer *given;
};

static void set_status(struct run *r, const char *status)
{
    (void)snprintf(r->status, sizeof(r->status), "%s", status);
}

static const char *path_of(struct skn_engine *e, const char *name)
{
    static char path[4200];
    (void)snprintf(path, sizeof(path), "%s/%s", e->data_dir, name);
    return path;
}

static void save(struct skn_engine *e)
{
    if (e->read_only) return;
    FILE *file = fopen(path_of(e, "fake.runs"), "w");
    SKN_ASSERT(file);
    for (size_t i = 0; i < e->run_count; i++) {
        struct run *r = &e->runs[i];
        (void)fprintf(file, "%s %s %s %s\n", r->id, r->name[0] ? r->name : "-", r->what, r->status);
    }
    (void)fclose(file);
}

enum skn_rc skn_engine_open(const struct skn_engine_options *options,
                            struct skn_engine **out_engine,
                            struct skn_diag *diag)
{
    struct skn_engine *e = skn_alloc_zero(1, sizeof(*e));
    (void)snprintf(e->data_dir, sizeof(e->data_dir), "%.*s", SKN_FMT(options->data_dir));
    e->read_only = options->read_only;
    skn_list_init(&e->answers);
    if (access(path_of(e, "fake.damaged"), F_OK) == 0) {
        skn_free(e);
        return SKN_CORRUPT(diag, "segment 7 is damaged at 4096");
    }
    FILE *file = fopen(path_of(e, "fake.runs"), "r");
    struct run *r = &e->runs[0];
    while (file && fscanf(file, "%15s %31s %15s %15s", r->id, r->name, r->what, r->status) == 4) {
        if (strcmp(r->status, "running") == 0) set_status(r, "interrupted");
        r = &e->runs[++e->run_count];
    }
    if (file) (void)fclose(file);
    *out_engine = e;
    return SKN_OK;
}

void skn_engine_close(struct skn_engine *e)
{
    if (!e) return;
    uint64_t client;
    struct skn_slice json;
    while (skn_engine_next_answer(e, &client, &json))
        continue;
    skn_free(e);
}

int skn_engine_fd(struct skn_engine *e)
{
    (void)e;
    return -1;
}

int skn_engine_wake_fd(struct skn_engine *engine)
{
    (void)engine;
    return -1;
}

short skn_engine_poll_events(struct skn_engine *e)
{
    (void)e;
    return 0;
}

static bool is_alive(const struct run *r)
{
    return strcmp(r->status, "running") == 0 || strcmp(r->status, "stopping") == 0;
}

/* Until it is told otherwise. */
static bool stays(const struct run *r)
{
    if (strcmp(r->what, "deaf") == 0) return r->stop < 2;
    return strcmp(r->what, "stay") == 0 && r->stop == 0;
}

int skn_engine_timeout_ms(struct skn_engine *e)
{
    int timeout = -1;
    for (size_t i = 0; i < e->run_count; i++) {
        if (!is_alive(&e->runs[i])) continue;
        bool waits = stays(&e->runs[i]);
        if (!waits || e->runs[i].turns == 0) timeout = 0;
    }
    return timeout;
}

bool skn_engine_idle(struct skn_engine *e)
{
    for (size_t i = 0; i < e->run_count; i++)
        if (is_alive(&e->runs[i])) return false;
    return skn_list_is_empty(&e->answers);
}

void skn_engine_client_gone(struct skn_engine *e, uint64_t client)
{
    for (size_t i = 0; i < e->run_count; i++)
        if (e->runs[i].client == client) e->runs[i].client = 0;
}

static struct skn_slice text_of(struct skn_value map, const char *key)
{
    struct skn_value v;
    if (!skn_map_get(map, skn_slice_str(key), &v) || !skn_value_is(v, SKN_T_STRING))
        return SKN_LIT("");
    return skn_value_as_text(v);
}

static struct answer *new_answer(struct skn_engine *e, uint64_t client, int64_t id)
{
    struct answer *a = skn_alloc_zero(1, sizeof(*a));
    a->client = client;
    skn_list_init(&a->link);
    skn_buf_init(&a->json, TEXT_MAX);
    skn_buf_printf(&a->json, "{\"id\":%lld", (long long)id);
    skn_list_push_back(&e->answers, &a->link);
    return a;
}

static void put_view(struct skn_buf *out, const struct run *r)
{
    bool over = !is_alive(r), ok = strcmp(r->status, "succeeded") == 0;
    bool failed = strcmp(r->status, "failed") == 0;
    skn_buf_printf(out,
                   "{\"run\":\"%s\",\"name\":%s%s%s,\"flow\":\"a.pty\",\"status\":\"%s\","
                   "\"outcome\":%s,\"result\":%s,\"error\":%s,"
                   "\"started\":\"2026-11-21T12:00:00.000Z\",\"ended\":%s,\"labels\":{},"
                   "\"epoch\":1,\"contexts\":[{\"path\":\"1\",\"kind\":\"event\","
                   "\"event\":\"Task\",\"status\":\"%s\",\"outcome\":%s,\"result\":null,"
                   "\"error\":null,\"started\":\"2026-11-21T12:00:00.000Z\",\"ended\":%s,"
                   "\"attempts\":[{\"number\":1,\"key\":\"k\",\"epoch\":1,"
                   "\"started\":\"2026-11-21T12:00:00.000Z\",\"ended\":null,"
                   "\"status\":\"%s\",\"reason\":null,\"log\":\".skein/logs/%s/1.1.0.log\"}]}]}",
                   r->id,
                   r->name[0] && r->name[0] != '-' ? "\"" : "",
                   r->name[0] && r->name[0] != '-' ? r->name : "null",
                   r->name[0] && r->name[0] != '-' ? "\"" : "",
                   r->status,
                   ok       ? "\"success\""
                   : failed ? "\"failure\""
                            : "null",
                   ok ? "{\"n\":42}" : "null",
                   failed ? "{\"code\":\"EXECUTION_FAILED\",\"message\":\"exit code 3\","
                            "\"path\":\"1\"}"
                          : "null",
                   over ? "\"2026-11-21T12:00:01.500Z\"" : "null",
                   r->status,
                   ok ? "\"success\"" : "null",
                   over ? "\"2026-11-21T12:00:01.500Z\"" : "null",
                   r->status,
                   r->id);
}

static void show(struct skn_engine *e, const struct run *r)
{
    if (r->client == 0) return;
    struct answer *a = new_answer(e, r->client, r->watch_id);
    skn_buf_put_str(&a->json, ",\"type\":\"run\",\"run\":");
    put_view(&a->json, r);
    skn_buf_put_str(&a->json, is_alive(r) ? "}" : ",\"final\":true}");
}

static void watch(struct run *r, uint64_t client, int64_t id, struct skn_value request)
{
    struct skn_value v;
    bool wanted = skn_map_get(request, SKN_LIT("watch"), &v) && skn_value_as_bool(v);
    r->client = wanted ? client : 0;
    r->watch_id = id;
}

static void accept_run(struct skn_engine *e, struct run *r, uint64_t client, int64_t id)
{
    struct answer *a = new_answer(e, client, id);
    skn_buf_printf(&a->json, ",\"type\":\"accepted\",\"run\":\"%s\"}", r->id);
    show(e, r);
}

static void die_once(struct skn_engine *e)
{
    const char *path = path_of(e, "fake.died");
    if (access(path, F_OK) == 0) return;
    (void)close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    _exit(9);
}

static enum skn_rc start(struct skn_engine *e,
                         uint64_t client,
                         int64_t id,
                         struct skn_value request,
                         struct skn_diag *diag)
{
    struct skn_slice what = text_of(request, "source"), request_id = text_of(request, "request_id");
    if (skn_slice_has_prefix(what, SKN_LIT("# "))) what = skn_slice_from(what, 2);
    if (skn_slice_has_prefix(what, SKN_LIT("bad")))
        return SKN_FAIL(diag, SKN_EARGS, "no input \"n\"");
    if (skn_slice_has_prefix(what, SKN_LIT("die"))) die_once(e);
    SKN_ASSERT(e->run_count < RUNS_MAX);
    struct run *r = &e->runs[e->run_count++];
    *r = (struct run){.turns = 0};
    (void)snprintf(r->id, sizeof(r->id), "r%zu", e->run_count);
    (void)snprintf(r->name, sizeof(r->name), "%.*s", SKN_FMT(text_of(request, "name")));
    (void)snprintf(r->what, sizeof(r->what), "%.*s", SKN_FMT(what));
    r->what[strcspn(r->what, " \n")] = 0;
    (void)snprintf(r->request_id, sizeof(r->request_id), "%.*s", SKN_FMT(request_id));
    set_status(r, "running");
    watch(r, client, id, request);
    save(e);
    accept_run(e, r, client, id);
    return SKN_OK;
}

static struct run *find(struct skn_engine *e, struct skn_slice name)
{
    for (size_t i = e->run_count; i-- > 0;)
        if (skn_slice_eq(name, SKN_LIT("last")) ||
            skn_slice_eq(name, skn_slice_str(e->runs[i].id)) ||
            skn_slice_eq(name, skn_slice_str(e->runs[i].name)))
            return &e->runs[i];
    return NULL;
}

static void list(struct skn_engine *e, uint64_t client, int64_t id, struct skn_value request)
{
    struct skn_value all;
    bool every = skn_map_get(request, SKN_LIT("all"), &all) && skn_value_as_bool(all);
    struct answer *a = new_answer(e, client, id);
    skn_buf_put_str(&a->json, ",\"type\":\"list\",\"runs\":[");
    const char *between = "";
    for (size_t i = e->run_count; i-- > 0;) {
        bool open = is_alive(&e->runs[i]) || strcmp(e->runs[i].status, "interrupted") == 0;
        if (!every && !open) continue;
        skn_buf_put_str(&a->json, between);
        put_view(&a->json, &e->runs[i]);
        between = ",";
    }
    skn_buf_put_str(&a->json, "]}");
}

enum skn_rc skn_engine_request(struct skn_engine *e,
                               uint64_t client,
                               struct skn_value request,
                               struct skn_diag *diag)
{
    struct skn_value idv;
    if (!skn_value_is(request, SKN_T_MAP) || !skn_map_get(request, SKN_LIT("id"), &idv) ||
        !skn_value_is(idv, SKN_T_INT))
        return SKN_FAIL(diag, SKN_EUSAGE, "a request wants an id");
    int64_t id = skn_value_as_int(idv);
    struct skn_slice type = text_of(request, "type");
    if (skn_slice_eq(type, SKN_LIT("start"))) return start(e, client, id, request, diag);
    if (skn_slice_eq(type, SKN_LIT("list"))) {
        list(e, client, id, request);
        return SKN_OK;
    }
    struct run *r = find(e, text_of(request, "run"));
    if (!r) return SKN_FAIL(diag, SKN_ENOENT, "no run \"%.*s\"", SKN_FMT(text_of(request, "run")));
    if (skn_slice_eq(type, SKN_LIT("show"))) {
        struct answer *a = new_answer(e, client, id);
        skn_buf_put_str(&a->json, ",\"type\":\"run\",\"run\":");
        put_view(&a->json, r);
        skn_buf_put_str(&a->json, "}");
    } else if (skn_slice_eq(type, SKN_LIT("resume"))) {
        if (strcmp(r->status, "interrupted") != 0)
            return SKN_FAIL(diag, SKN_EARGS, "run %s is not interrupted", r->id);
        set_status(r, "running");
        (void)snprintf(r->what, sizeof(r->what), "quick");
        r->turns = 0;
        r->stop = 0;
        watch(r, client, id, request);
        accept_run(e, r, client, id);
    } else {
        r->stop = skn_slice_eq(type, SKN_LIT("leave")) ? 2 : 1;
        if (is_alive(r)) set_status(r, "stopping");
        if (is_alive(r)) show(e, r);
    }
    return SKN_OK;
}

enum skn_rc skn_engine_turn(struct skn_engine *e, struct skn_diag *diag)
{
    (void)diag;
    for (size_t i = 0; i < e->run_count; i++) {
        struct run *r = &e->runs[i];
        if (!is_alive(r)) continue;
        r->turns++;
        bool floods = strcmp(r->what, "flood") == 0;
        if (stays(r)) continue;
        for (int n = 0; floods && n < FLOOD_PER_TURN; n++)
            show(e, r);
        if (floods && r->turns < FLOOD_VIEWS / FLOOD_PER_TURN) continue;
        if (r->turns < 2) continue;
        set_status(r,
                   r->stop > 0                    ? "interrupted"
                   : strcmp(r->what, "fail") == 0 ? "failed"
                                                  : "succeeded");
        save(e);
        show(e, r);
    }
    return SKN_OK;
}

bool skn_engine_next_answer(struct skn_engine *e, uint64_t *out_client, struct skn_slice *out_json)
{
    if (e->given) {
        skn_buf_fini(&e->given->json);
        skn_free(e->given);
        e->given = NULL;
    }
    struct skn_list *first = skn_list_pop_front(&e->answers);
    if (!first) return false;
    e->given = SKN_CONTAINER_OF(first, struct answer, link);
    *out_client = e->given->client;
    *out_json = skn_buf_slice(&e->given->json);
    return true;
}
