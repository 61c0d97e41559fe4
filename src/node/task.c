/* task.c - attempts as programs: what they are given, and what their end means [F32]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "node/engine_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENV_MAX = 16, ARGS_MAX = 1024, RESULT_BYTES_MAX = 1 << 20 };

/* What a program sees of the environment of whoever started the node; nothing else [F32]. */
static const char *const inherited[] = {"PATH", "HOME", "LANG", "TZ"};

static struct task *find_task(struct skn_list *list, struct skn_slice address, uint64_t number)
{
    SKN_LIST_FOREACH (link, list) {
        struct task *task = SKN_CONTAINER_OF(link, struct task, link);
        if (task->number == number && skn_slice_eq(task->address, address)) return task;
    }
    return NULL;
}

static void report(struct skn_engine *e,
                   const struct task *task,
                   enum skn_attempt_status status,
                   struct skn_slice reason,
                   struct skn_value value)
{
    const struct skn_attempt_result result = {.address = task->address,
                                              .number = task->number,
                                              .attempt = task->attempt,
                                              .epoch = task->epoch,
                                              .status = status,
                                              .reason = reason,
                                              .value = value};
    skn_shards_result(e->shards, &result);
}

static struct skn_value member(struct skn_slice effect, const char *name)
{
    struct skn_value v = skn_value_none();
    (void)skn_map_get(skn_value_view(effect), skn_slice_str(name), &v);
    return v;
}

struct skn_slice engine_task_text(const struct task *task, const char *name)
{
    struct skn_value v = member(task->effect, name);
    return skn_value_is(v, SKN_T_STRING) ? skn_value_as_text(v) : (struct skn_slice){0};
}

/* --- starting ---------------------------------------------------------------------------------- */

static struct skn_slice text(struct skn_arena *arena, const char *name, const char *value)
{
    return skn_slice_str(skn_arena_printf(arena, "%s=%s", name, value));
}

static const char *hex(struct skn_arena *arena, const uint8_t *bytes, size_t n)
{
    char *out = skn_arena_alloc(arena, 2 * n + 1);
    skn_hex(bytes, n, out);
    return out;
}

/* W3C trace context: the run is the trace, the attempt the span. */
static const char *
traceparent(struct skn_engine *e, const struct task *task, struct skn_arena *arena)
{
    uint8_t trace[32] = {0}, span[32] = {0};
    struct skn_slice key = skn_slice_str(
        skn_arena_printf(arena, "%s/%u", hex(arena, task->key, sizeof task->key), task->attempt));
    skn_shards_mac(e->shards, SKN_LIT("trace"), task->address, trace);
    skn_shards_mac(e->shards, SKN_LIT("span"), key, span);
    return skn_arena_printf(arena, "00-%s-%s-01", hex(arena, trace, 16), hex(arena, span, 8));
}

static const char *tmp_dir(struct skn_engine *e, const struct task *task, struct skn_arena *arena)
{
    return skn_arena_printf(
        arena, "%s/tmp/%" PRIu64 "-%" PRIu64, e->data_dir, task->epoch, task->exec_id);
}

static size_t environment(struct skn_engine *e,
                          const struct task *task,
                          struct skn_arena *arena,
                          struct skn_slice *env)
{
    size_t n = 0;
    int64_t timeout = skn_value_as_int(member(task->effect, SKN_FLOW_EFFECT_TIMEOUT));
    struct skn_slice run = skn_flow_run_id(task->address);
    for (size_t i = 0; i < SKN_ARRAY_LEN(inherited); i++) {
        const char *value = getenv(inherited[i]);
        if (value) env[n++] = text(arena, inherited[i], value);
    }
    env[n++] = text(arena, "SKEIN_IDEMPOTENCY_KEY", hex(arena, task->key, sizeof task->key));
    env[n++] = text(arena, "SKEIN_ATTEMPT", skn_arena_printf(arena, "%u", task->attempt));
    env[n++] = text(arena, "SKEIN_EPOCH", skn_arena_printf(arena, "%" PRIu64, task->epoch));
    env[n++] = text(arena, "SKEIN_RUN", skn_arena_printf(arena, "%.*s", SKN_FMT(run)));
    env[n++] = text(arena, "SKEIN_TMP", tmp_dir(e, task, arena));
    env[n++] = text(arena, "TRACEPARENT", traceparent(e, task, arena));
    if (timeout > 0)
        env[n++] = text(
            arena,
            "SKEIN_DEADLINE_MS",
            skn_arena_printf(arena, "%" PRIu64, skn_shards_now_ms(e->shards) + (uint64_t)timeout));
    SKN_ASSERT(n <= ENV_MAX);
    return n;
}

/* Every folder of a path up to its last slash. */
static bool make_dirs(const char *path)
{
    struct skn_buf out;
    bool ok = true;
    skn_buf_init(&out, 1 << 16);
    for (const char *slash = strchr(path + 1, '/'); slash && ok; slash = strchr(slash + 1, '/')) {
        skn_buf_reset(&out);
        skn_buf_put(&out, skn_slice(path, (size_t)(slash - path)));
        ok = mkdir(skn_buf_str(&out), 0700) == 0 || errno == EEXIST;
    }
    skn_buf_fini(&out);
    return ok;
}

static enum skn_rc
start(struct skn_engine *e, struct task *task, struct skn_arena *arena, struct skn_diag *diag)
{
    struct skn_slice argv[ARGS_MAX], env[ENV_MAX];
    size_t argc = 0;
    struct skn_value arg, list = member(task->effect, SKN_FLOW_EFFECT_ARGV);
    struct skn_value_iter iter = skn_value_iter(list);
    while (skn_value_next(&iter, NULL, &arg)) {
        if (argc == ARGS_MAX) return SKN_FAIL(diag, SKN_ETOOLARGE, "over %d arguments", ARGS_MAX);
        argv[argc++] = skn_value_as_text(arg);
    }
    struct skn_buf input, log;
    skn_buf_init(&input, SKN_EXEC_INPUT_MAX);
    skn_buf_init(&log, 1 << 16);
    enum skn_rc rc =
        skn_json_print(member(task->effect, SKN_FLOW_EFFECT_STDIN), SKN_JSON_PLAIN, &input, diag);
    skn_buf_put_u8(&input, '\n');
    skn_buf_printf(&log, "%s/logs/", e->data_dir);
    skn_flow_log_name(skn_flow_run_id(task->address),
                      engine_task_text(task, SKN_FLOW_EFFECT_PATH),
                      task->attempt,
                      task->key,
                      &log);
    const char *tmp = skn_arena_printf(arena, "%s/", tmp_dir(e, task, arena));
    if (rc == SKN_OK && (!make_dirs(skn_buf_str(&log)) || !make_dirs(tmp)))
        rc = SKN_FAIL(diag, SKN_EIO, "could not make \"%s\": %s", tmp, strerror(errno));
    const struct skn_exec_request request = {
        .id = task->exec_id,
        .argv = argv,
        .argc = argc,
        .env = env,
        .envc = environment(e, task, arena, env),
        .cwd = skn_slice_str(e->project_dir),
        .input = skn_buf_slice(&input),
        .stderr_path = skn_buf_slice(&log),
        .timeout_ms = (uint64_t)skn_value_as_int(member(task->effect, SKN_FLOW_EFFECT_TIMEOUT)),
        .grace_ms = GRACE_MS,
        .stdout_max = RESULT_BYTES_MAX};
    if (rc == SKN_OK) rc = skn_spawner_exec(e->spawner, &request, diag);
    skn_buf_fini(&input);
    skn_buf_fini(&log);
    return rc;
}

static void forget(struct skn_engine *e, struct task *task)
{
    if (task->exec_id) skn_phase_programs(&e->phases, --e->running, false);
    skn_list_remove(&task->link);
    skn_free(task);
}

#ifdef SKN_DEBUG
/* For tests of the guard: performing an effect whose program has this name ends the node. */
static void crash_if_told(const struct task *task)
{
    const char *name = getenv("SKEIN_CRASH_AT_EFFECT");
    struct skn_value first;
    struct skn_value_iter iter = skn_value_iter(member(task->effect, SKN_FLOW_EFFECT_ARGV));
    if (!name || !skn_value_next(&iter, NULL, &first)) return;
    if (skn_slice_eq(skn_value_as_text(first), skn_slice_str(name))) abort();
}
#endif

/* Under the guard: an intent that ended the node twice is not performed again [E35]. */
static enum skn_rc start_guarded(struct skn_engine *e,
                                 struct task *task,
                                 struct skn_arena *arena,
                                 struct skn_diag *diag)
{
    struct skn_hash128 identity = skn_guard_intent(task->address, task->number);
    if (skn_guard_file_has(e->guard, identity)) return SKN_FAIL(diag, SKN_EFAULT, "crashed");
    struct skn_handling *slot = skn_guard_file_slots(e->guard);
    skn_handling_enter(slot, task->address, identity);
#ifdef SKN_DEBUG
    crash_if_told(task);
#endif
    enum skn_rc rc = start(e, task, arena, diag);
    skn_handling_leave(slot);
    return rc;
}

/* Programs start as long as there are places; what does not start at all has failed. */
static void fill_places(struct skn_engine *e)
{
    struct skn_arena arena;
    skn_arena_init(&arena);
    while (e->running < TASKS_AT_ONCE) {
        struct skn_list *link = skn_list_pop_front(&e->waiting);
        if (!link) break;
        struct task *task = SKN_CONTAINER_OF(link, struct task, link);
        struct skn_diag diag = {0};
        skn_list_push_back(&e->tasks, link);
        task->exec_id = ++e->next_exec;
        e->running++;
        enum skn_rc rc = start_guarded(e, task, &arena, &diag);
        if (rc == SKN_OK) engine_note_started(e, task);
        skn_phase_programs(&e->phases, e->running, rc == SKN_OK);
        if (rc == SKN_OK || rc == SKN_EGONE) continue; /* gone: the next turn ends the node */
        report(e,
               task,
               SKN_ATTEMPT_FAILURE,
               skn_slice_str(rc == SKN_EFAULT ? diag.text
                                              : skn_arena_printf(&arena, "spawn: %s", diag.text)),
               skn_value_none());
        forget(e, task);
    }
    skn_arena_fini(&arena);
}

struct task *engine_task_make(const struct skn_output *output)
{
    size_t size = output->address.len + output->value.len;
    struct task *task = skn_alloc_zero(1, sizeof *task + size);
    memcpy(task->bytes, output->address.ptr, output->address.len);
    memcpy(task->bytes + output->address.len, output->value.ptr, output->value.len);
    task->address = skn_slice(task->bytes, output->address.len);
    task->effect = skn_slice(task->bytes + output->address.len, output->value.len);
    task->number = output->number;
    task->attempt = output->attempt;
    task->epoch = output->epoch;
    memcpy(task->key, output->key, sizeof task->key);
    skn_list_init(&task->link);
    return task;
}

void engine_perform(struct skn_engine *e, const struct skn_output *output)
{
    skn_list_push_back(&e->waiting, &engine_task_make(output)->link);
    fill_places(e);
}

void engine_cancel(struct skn_engine *e, const struct skn_output *output)
{
    struct task *task = find_task(&e->tasks, output->address, output->number);
    if (task) {
        skn_spawner_cancel(e->spawner, task->exec_id);
        return;
    }
    task = find_task(&e->waiting, output->address, output->number);
    if (!task) return; /* its result is on its way */
    report(e, task, SKN_ATTEMPT_CANCELLED, SKN_LIT("cancelled"), skn_value_none());
    forget(e, task);
}

/* --- ending ------------------------------------------------------------------------------------- */

/* Standard output as a value [F32]: nothing is null, JSON is itself, other text is a string without
 * its last line end, and what is not text stays bytes. */
static struct skn_value result_of(struct skn_slice output, struct skn_buf *out)
{
    skn_buf_reset(out);
    struct skn_slice line = output;
    if (line.len > 0 && line.ptr[line.len - 1] == '\n') line.len--;
    if (line.len == 0) return skn_value_none();
    if (!skn_utf8_is_text(output)) return skn_value_bytes(output);
    if (skn_json_parse(output, NULL, out, NULL) == SKN_OK)
        return skn_value_view(skn_buf_slice(out));
    return skn_value_string(line);
}

static enum skn_attempt_status status_of(const struct skn_exec_event *event, struct skn_buf *reason)
{
    switch (event->how) {
    case SKN_EXEC_EXITED:
        if (event->code == 0) return SKN_ATTEMPT_SUCCESS;
        skn_buf_printf(reason, "exit:%d", event->code);
        return SKN_ATTEMPT_FAILURE;
    case SKN_EXEC_SIGNALLED:
        skn_buf_printf(reason, "signal:%d", event->code);
        return SKN_ATTEMPT_FAILURE;
    case SKN_EXEC_TIMEOUT: skn_buf_put_str(reason, "timeout"); return SKN_ATTEMPT_TIMEOUT;
    case SKN_EXEC_CANCELLED: skn_buf_put_str(reason, "cancelled"); return SKN_ATTEMPT_CANCELLED;
    case SKN_EXEC_SPAWN_FAILED:
        skn_buf_printf(reason, "spawn: %.*s", SKN_FMT(event->text));
        return SKN_ATTEMPT_FAILURE;
    case SKN_EXEC_TOO_LARGE:
        skn_buf_put_str(
            reason, "TOO_LARGE: standard output is over 1 MiB; write a file and print its name");
        return SKN_ATTEMPT_FAILURE;
    }
    return SKN_ATTEMPT_FAILURE;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    (void)remove(path); /* what cannot be removed stays until the next opening */
    return 0;
}

static void remove_tree(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void engine_tmp_clear(struct skn_engine *e)
{
    struct skn_arena arena;
    skn_arena_init(&arena);
    remove_tree(skn_arena_printf(&arena, "%s/tmp", e->data_dir));
    skn_arena_fini(&arena);
}

static void remove_tmp(struct skn_engine *e, const struct task *task)
{
    struct skn_arena arena;
    skn_arena_init(&arena);
    remove_tree(tmp_dir(e, task, &arena));
    skn_arena_fini(&arena);
}

static void ended(struct skn_engine *e, const struct skn_exec_event *event)
{
    struct task *task = NULL;
    SKN_LIST_FOREACH (link, &e->tasks) {
        task = SKN_CONTAINER_OF(link, struct task, link);
        if (task->exec_id == event->id) break;
        task = NULL;
    }
    if (!task) return;
    struct skn_buf reason, value;
    skn_buf_init(&reason, 4096);
    skn_buf_init(&value, 16 * (size_t)RESULT_BYTES_MAX);
    enum skn_attempt_status status = status_of(event, &reason);
    struct skn_value result = result_of(event->output, &value);
    if (skn_value_size(result) > RESULT_BYTES_MAX) {
        status = SKN_ATTEMPT_FAILURE;
        skn_buf_reset(&reason);
        skn_buf_put_str(&reason, "TOO_LARGE: the result is over 1 MiB as a value; write a file");
        result = skn_value_none();
    }
    if (status == SKN_ATTEMPT_SUCCESS) {
        struct skn_buf why;
        skn_buf_init(&why, 1 << 16);
        struct skn_flow_verdict verdict =
            skn_flow_judge(skn_value_view(task->effect), result, &why);
        status = verdict.status;
        result = verdict.value;
        skn_buf_put(&reason, verdict.reason);
        skn_buf_fini(&why);
    }
    report(e, task, status, skn_buf_slice(&reason), result);
    engine_note_ended(e, task, event, status, skn_buf_slice(&reason));
    skn_buf_fini(&reason);
    skn_buf_fini(&value);
    remove_tmp(e, task);
    forget(e, task);
}

enum skn_rc engine_tasks_turn(struct skn_engine *e, struct skn_diag *diag)
{
    struct skn_exec_event event;
    enum skn_rc rc;
    while ((rc = skn_spawner_next_event(e->spawner, &event, diag)) == SKN_OK) {
        if (event.kind == SKN_EXEC_GONE)
            return SKN_FAIL(diag, SKN_EINTERNAL, "the spawner has died: %.*s", SKN_FMT(event.text));
        if (event.kind == SKN_EXEC_ENDED) ended(e, &event);
    }
    if (rc != SKN_ELATER) return rc;
    fill_places(e);
    return SKN_OK;
}
