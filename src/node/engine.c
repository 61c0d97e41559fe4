/* engine.c - opens a project's data, turns it, and hands outputs to those who act on them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine.h"

#include "base/mem.h"
#include "node/config_internal.h"
#include "node/node.h"
#include "node/request_internal.h"
#include "store/rocks/rocks.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *path_of(const char *dir, const char *name)
{
    struct skn_buf out;
    skn_buf_init(&out, 1 << 16);
    skn_buf_printf(&out, "%s/%s", dir, name);
    char *path = skn_dup(out.ptr, out.len);
    skn_buf_fini(&out);
    return path;
}

static struct skn_engine *create(const struct skn_engine_options *options)
{
    struct skn_engine *e = skn_alloc_zero(1, sizeof *e);
    struct skn_list *lists[] = {&e->pending,
                                &e->watchers,
                                &e->tasks,
                                &e->waiting,
                                &e->answers,
                                &e->active,
                                &e->looks,
                                &e->asks,
                                &e->tracers};
    for (size_t i = 0; i < SKN_ARRAY_LEN(lists); i++)
        skn_list_init(lists[i]);
    engine_blobs_init(e);
    e->env = options->env;
    e->data_dir = skn_dup(options->data_dir.ptr, options->data_dir.len);
    e->project_dir = skn_dup(options->project_dir.ptr, options->project_dir.len);
    e->version = options->version ? options->version : "";
    skn_buf_init(&e->scratch, 4 * (size_t)ANSWER_BYTES_MAX);
    skn_buf_init(&e->address, SKN_ADDRESS_MAX + 1);
    return e;
}

/* A store may only be made where the journal has everything from its first record on. */
static enum skn_rc open_store(void *ctx,
                              const struct skn_journal_info *info,
                              struct skn_backend **out_backend,
                              struct skn_diag *diag)
{
    struct skn_engine *e = ctx;
    char *dir = path_of(e->data_dir, "store");
    struct skn_rocks_options rocks = {.env = e->env,
                                      .dir = dir,
                                      .may_create = !info->is_trimmed,
                                      .is_read_only = e->is_read_only};
    static_assert(sizeof rocks.store_id == sizeof info->store_id, "one id for both");
    memcpy(rocks.store_id, info->store_id, sizeof rocks.store_id);
    enum skn_rc rc = skn_rocks_open(&rocks, &e->backend, diag);
    /* For looking: then all is in the journal. */
    if (rc == SKN_ENOENT) rc = info->is_trimmed ? skn_data_store_is_gone(dir, diag) : SKN_OK;
    skn_free(dir);
    *out_backend = e->backend;
    return rc;
}

static unsigned default_workers(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > SKN_WORKERS_MAX ? (unsigned)SKN_WORKERS_MAX : (unsigned)cores;
}

/* The spawner first: it is forked while this process has one thread, and what an older one left
 * behind is dead before anything is started [E43b]. */
static enum skn_rc open_to_write(struct skn_engine *e,
                                 const struct skn_engine_options *options,
                                 const struct skn_config *config,
                                 struct skn_diag *diag)
{
    const struct skn_spawner_options spawner = {.dir = e->data_dir};
    enum skn_rc rc = skn_spawner_start(&spawner, &e->spawner, diag);
    if (rc != SKN_OK) return rc;
    uint64_t began_ns = skn_env_now_mono_ns(options->env);
    e->opened_ns = began_ns;
    e->now_ms = skn_env_now_wall_ns(options->env) / 1000000;
    skn_phases_init(&e->phases, options->env, e->data_dir);
    engine_notes_open(e);
    skn_phase_enter(&e->phases, SKN_PHASE_OPENING);
    engine_guard_open(e);
    size_t poison_count;
    const struct skn_poison *poison = skn_guard_file_poison(e->guard, &poison_count);
    engine_tmp_clear(e);
    if (engine_keys_load(e, config) != SKN_OK) engine_note_keys(e);
    char *dir = path_of(e->data_dir, "journal"), *history = path_of(e->data_dir, "history");
    struct skn_shards_options shards = {.env = &e->phases.base,
                                        .dir = dir,
                                        .open_store = open_store,
                                        .store_ctx = e,
                                        .history = {.dir = history, .keep_ms = e->history_ms},
                                        .limits = e->limits,
                                        .programs = engine_programs,
                                        .take_up_all = options->take_up_all,
                                        .keys = engine_keys(e),
                                        .workers =
                                            options->workers ? options->workers : default_workers(),
                                        .crew = &skn_threads_crew,
                                        .cache_bytes = SKN_SHARDS_CACHE_BYTES,
                                        .handling = skn_guard_file_slots(e->guard),
                                        .poison = poison,
                                        .poison_count = poison_count};
    static_assert((int)SKN_WORKERS_MAX <= (int)SKN_GUARD_SLOTS, "each has its own");
#ifdef SKN_DEBUG
    shards.check_rebuild = true;
    shards.crew_from = 200; /* so that tests meet a tail that has helpers */
    /* For tests that need checkpoints and trims soon. */
    const char *records = getenv("SKEIN_CHECKPOINT_RECORDS");
    if (records) {
        shards.checkpoint.records = strtoull(records, NULL, 10);
        shards.segment_bytes = 64 << 10;
    }
#endif
#ifdef SKN_TEST_BUILD
    /* For tests that compare what one thread and two wrote (tools/determinism). */
    const char *workers = getenv("SKEIN_WORKERS");
    unsigned long count = workers ? strtoul(workers, NULL, 10) : 0;
    if (count > 0 && count <= SKN_WORKERS_MAX) shards.workers = (unsigned)count;
    /* For tests in which a day is short [E45]. */
    const char *condemned = getenv("SKEIN_BLOB_CONDEMNED_MS");
    if (condemned) shards.limits.blob_condemned_ms = (uint32_t)strtoul(condemned, NULL, 10);
#endif
    rc = skn_shards_open(&shards, &e->shards, diag);
    skn_free(history);
    skn_free(dir);
    if (rc == SKN_OK) rc = skn_threads_start(e->shards, e->guard, &e->phases, &e->threads, diag);
    if (rc != SKN_OK) return rc;
    engine_note_opened(e, began_ns);
    engine_find_active(e);
    return engine_blobs_open(e, diag);
}

static enum skn_rc
open_to_read(struct skn_engine *e, const struct skn_engine_options *options, struct skn_diag *diag)
{
    char *dir = path_of(e->data_dir, "journal");
    const struct skn_shards_options shards = {.env = options->env,
                                              .dir = dir,
                                              .open_store = open_store,
                                              .store_ctx = e,
                                              .limits = e->limits};
    enum skn_rc rc = skn_shards_open_to_read(&shards, &e->shards, diag);
    skn_free(dir);
    return rc;
}

enum skn_rc skn_engine_open(const struct skn_engine_options *options,
                            struct skn_engine **out_engine,
                            struct skn_diag *diag)
{
    struct skn_engine *e = create(options);
    e->is_read_only = options->read_only;
    struct skn_arena arena; /* the config's */
    struct skn_config config;
    skn_arena_init(&arena);
    enum skn_rc rc = skn_data_check_journal(options->env, e->data_dir, diag);
    if (rc == SKN_OK) rc = skn_config_read(options->env, e->project_dir, &arena, &config, diag);
    if (rc == SKN_OK) {
        e->history_ms = config.history_ms;
        e->limits = config.limits;
        rc = options->read_only ? open_to_read(e, options, diag)
                                : open_to_write(e, options, &config, diag);
    }
    skn_arena_fini(&arena);
    if (rc != SKN_OK) {
        skn_engine_close(e);
        return rc;
    }
    *out_engine = e;
    return SKN_OK;
}

static void free_answer(struct answer *answer)
{
    if (!answer) return;
    skn_buf_fini(&answer->json);
    skn_free(answer);
}

/* Every list's link is the first member of what is in it. */
static void free_all(struct skn_list *list)
{
    struct skn_list *link;
    while ((link = skn_list_pop_front(list)))
        skn_free(link);
}

void skn_engine_close(struct skn_engine *e)
{
    if (!e) return;
    static_assert(offsetof(struct pending, link) == 0 && offsetof(struct watcher, link) == 0, "");
    static_assert(offsetof(struct task, link) == 0 && offsetof(struct active, link) == 0, "");
    if (e->spawner) (void)skn_spawner_stop(e->spawner, NULL);
    skn_threads_stop(e->threads);
    engine_notes_close(e);
    struct skn_list *link;
    engine_trace_end(e, 0);
    (void)skn_shards_close(e->shards, NULL);
    engine_keys_fini(e);
    engine_blobs_fini(e);
    skn_guard_file_close(e->guard);
    skn_backend_destroy(e->backend);
    if (!e->is_read_only) skn_phases_fini(&e->phases);
    while ((link = skn_list_first(&e->looks))) {
        struct look *look = SKN_CONTAINER_OF(link, struct look, link);
        engine_look_abandon(look);
    }
    while ((link = skn_list_first(&e->asks)))
        ask_free(SKN_CONTAINER_OF(link, struct ask, link));
    while ((link = skn_list_pop_front(&e->answers)))
        free_answer(SKN_CONTAINER_OF(link, struct answer, link));
    free_answer(e->given);
    struct skn_list *lists[] = {&e->pending, &e->watchers, &e->tasks, &e->waiting, &e->active};
    for (size_t i = 0; i < SKN_ARRAY_LEN(lists); i++)
        free_all(lists[i]);
    skn_buf_fini(&e->scratch);
    skn_buf_fini(&e->address);
    skn_free(e->data_dir);
    skn_free(e->project_dir);
    skn_free(e);
}

int skn_engine_fd(struct skn_engine *e)
{
    return e->spawner ? skn_spawner_fd(e->spawner) : -1;
}

short skn_engine_poll_events(struct skn_engine *e)
{
    return e->spawner ? skn_spawner_poll_events(e->spawner) : 0;
}

static uint64_t now_ms(struct skn_engine *e)
{
    return skn_shards_now_ms(e->shards);
}

int skn_engine_wake_fd(struct skn_engine *e)
{
    return e->threads ? skn_threads_fd(e->threads) : -1;
}

int skn_engine_timeout_ms(struct skn_engine *e)
{
    if (e->is_read_only) return -1;
    if (e->has_more || engine_blobs_due(e)) return 0;
    int wait = skn_threads_timeout_ms(e->threads), shown = engine_show_changes(e, now_ms(e));
    int again = engine_blobs_wait_ms(e);
    if (shown >= 0 && (wait < 0 || shown < wait)) wait = shown;
    return again >= 0 && (wait < 0 || again < wait) ? again : wait;
}

static void act(struct skn_engine *e, const struct skn_output *output)
{
    switch (output->kind) {
    case SKN_OUTPUT_REPLY: engine_reply(e, output); break;
    case SKN_OUTPUT_PERFORM:
        if (!engine_blobs_perform(e, output)) engine_perform(e, output);
        break;
    case SKN_OUTPUT_CANCEL: engine_cancel(e, output); break;
    case SKN_OUTPUT_PACKET: break; /* kept between the shards */
    case SKN_OUTPUT_TRACE: engine_traced(e, output); break;
    case SKN_OUTPUT_SIGNAL:
        if (skn_slice_eq(output->name, SKN_LIT("faulted"))) engine_note_fault(e, output);
        if (skn_slice_eq(output->name, SKN_LIT("faulted")))
            engine_run_changed(e, output->address, SKN_RUN_FAILED);
        if (!skn_slice_eq(output->name, SKN_LIT("run"))) break;
        engine_run_changed(e,
                           output->address,
                           (enum skn_run_status)skn_value_as_int(skn_value_view(output->value)));
        break;
    }
}

/* The one place where outputs become acts. */
static void release(struct skn_engine *e)
{
    struct skn_shards_event event;
    while (skn_shards_next_event(e->shards, &event)) {
        if (event.output) act(e, event.output);
        if (event.call) engine_looked(event.call);
    }
}

enum skn_rc skn_engine_turn(struct skn_engine *e, struct skn_diag *diag)
{
    if (e->is_read_only) {
        release(e);
        return SKN_OK;
    }
    e->now_ms = skn_env_now_wall_ns(e->phases.inner) / 1000000;
    enum skn_rc rc = engine_tasks_turn(e, diag);
    engine_blobs_turn(e);
    e->has_more = true;
    for (int i = 0; rc == SKN_OK && e->has_more && i < TURNS_AT_ONCE; i++) {
        skn_phase_enter(&e->phases, SKN_PHASE_SLICE);
        rc = skn_threads_turn(e->threads, &e->has_more, diag);
        skn_phase_enter(&e->phases, SKN_PHASE_RELEASE);
        if (rc == SKN_OK) release(e);
    }
    if (rc == SKN_OK) (void)engine_show_changes(e, now_ms(e));
    engine_note_turn(e);
    skn_phase_enter(&e->phases, e->running > 0 ? SKN_PHASE_PROGRAM : SKN_PHASE_IDLE);
    return rc;
}

bool skn_engine_idle(struct skn_engine *e)
{
    if (e->is_read_only) return skn_list_is_empty(&e->answers) && skn_list_is_empty(&e->looks);
    return skn_list_is_empty(&e->looks) && skn_list_is_empty(&e->asks) &&
           skn_list_is_empty(&e->pending) && skn_list_is_empty(&e->watchers) &&
           skn_list_is_empty(&e->tasks) && skn_list_is_empty(&e->waiting) &&
           skn_list_is_empty(&e->active) && skn_list_is_empty(&e->answers) && !e->has_more &&
           engine_blobs_idle(e) && skn_shards_state(e->shards).is_quiet;
}

void skn_engine_client_gone(struct skn_engine *e, uint64_t client)
{
    engine_trace_end(e, client);
    engine_blobs_client_gone(e, client);
    SKN_LIST_FOREACH_SAFE (link, after, &e->watchers) {
        struct watcher *watcher = SKN_CONTAINER_OF(link, struct watcher, link);
        if (watcher->client != client) continue;
        skn_list_remove(link);
        skn_free(watcher);
    }
    SKN_LIST_FOREACH (link, &e->pending) {
        struct pending *pending = SKN_CONTAINER_OF(link, struct pending, link);
        if (pending->client == client) pending->is_silent = true;
    }
}

bool skn_engine_next_answer(struct skn_engine *e, uint64_t *out_client, struct skn_slice *out_json)
{
    free_answer(e->given);
    e->given = NULL;
    struct skn_list *link = skn_list_pop_front(&e->answers);
    if (!link) return false;
    e->given = SKN_CONTAINER_OF(link, struct answer, link);
    *out_client = e->given->client;
    *out_json = skn_buf_slice(&e->given->json);
    return true;
}
