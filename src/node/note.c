/* note.c - what the engine counts and says: metrics, and log lines in `.skein/holder.log`. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_internal.h"

#include "base/hex.h"
#include "base/mem.h"

#include <fcntl.h>
#include <unistd.h>

struct notes {
    struct skn_observe observe;
    struct skn_observe disk; /* of the thread that has the journal */
    struct skn_log log;
    int fd;
    uint64_t slices, batches, faults, dropped; /* of the core, counted already */
    uint64_t clock_jumps;                      /* said already */
    bool clock_waits;
    bool history_is_given_up; /* and said so */
};

static void write_line(void *ctx, struct skn_slice line)
{
    const struct notes *notes = ctx;
    ssize_t n = write(notes->fd, line.ptr, line.len); /* a log that is full stops nobody */
    (void)n;
}

void engine_notes_open(struct skn_engine *e)
{
    struct notes *notes = skn_alloc_zero(1, sizeof *notes);
    struct skn_buf path;
    skn_buf_init(&path, 1 << 16);
    skn_buf_printf(&path, "%s/holder.log", e->data_dir);
    notes->fd = open(skn_buf_str(&path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    skn_buf_fini(&path);
    skn_observe_init(&notes->observe);
    skn_observe_init(&notes->disk);
    skn_log_init(&notes->log, SKN_LOG_TEXT, SKN_LEVEL_INFO, write_line, notes);
    if (notes->fd >= 0) skn_observe_listen(&notes->observe, &notes->log.listener);
    e->notes = notes;
    e->phases.observe = &notes->disk;
}

void engine_notes_close(struct skn_engine *e)
{
    struct notes *notes = e->notes;
    if (!notes) return;
    if (e->shards && !e->is_read_only) {
        const struct skn_signal_node_stopped stopped = {.directory = skn_slice_str(e->data_dir),
                                                        .epoch = skn_shards_state(e->shards).epoch};
        skn_signal_node_stopped(&notes->observe, e->now_ms, &stopped);
    }
    skn_log_fini(&notes->log);
    if (notes->fd >= 0) (void)close(notes->fd);
    skn_free(notes);
    e->notes = NULL;
    e->phases.observe = NULL;
}

void engine_note_opened(struct skn_engine *e, uint64_t began_ns)
{
    uint64_t took_ns = skn_env_now_mono_ns(e->phases.inner) - began_ns;
    const struct skn_signal_node_opened opened = {.directory = skn_slice_str(e->data_dir),
                                                  .epoch = skn_shards_state(e->shards).epoch,
                                                  .pid = (uint64_t)getpid(),
                                                  .records = skn_shards_state(e->shards).records,
                                                  .open_ms = took_ns / 1000000};
    skn_observe_set(&e->notes->observe, SKN_METRIC_OPEN_TIME, 0, (int64_t)took_ns);
    skn_signal_node_opened(&e->notes->observe, e->now_ms, &opened);
}

void engine_note_keys(struct skn_engine *e)
{
    const struct skn_diag *why = &e->keys.why;
    const struct skn_signal_keys_unreadable unreadable = {
        .directory = skn_slice_str(e->data_dir),
        .code = skn_slice_str(skn_rc_info(why->rc)->name),
        .reason = skn_slice_str(why->text)};
    skn_signal_keys_unreadable(&e->notes->observe, e->now_ms, &unreadable);
}

static void note_death(void *ctx, struct skn_slice address, uint32_t deaths, bool is_poison)
{
    struct skn_engine *e = ctx;
    const struct skn_signal_node_crashed crashed = {
        .domain = address,
        .deaths = deaths,
        .reason = is_poison ? SKN_LIT("not handled again; mend it, then skein domain redeliver")
                            : SKN_LIT("handled once more")};
    skn_signal_node_crashed(&e->notes->observe, e->now_ms, &crashed);
}

static void note_unreadable(void *ctx, const char *reason)
{
    struct skn_engine *e = ctx;
    const struct skn_signal_guard_unreadable unreadable = {.directory = skn_slice_str(e->data_dir),
                                                           .reason = skn_slice_str(reason)};
    skn_signal_guard_unreadable(&e->notes->observe, e->now_ms, &unreadable);
}

void engine_guard_open(struct skn_engine *e)
{
    const struct skn_guard_events events = {
        .ctx = e, .died = note_death, .unreadable = note_unreadable};
    e->guard = skn_guard_file_open(e->data_dir, &events);
}

/* What the core counted since the last turn. */
static void note_clock(struct skn_engine *e)
{
    struct notes *notes = e->notes;
    const struct skn_clock_state clock = skn_shards_clock(e->shards);
    if (clock.jumps != notes->clock_jumps) {
        const struct skn_signal_clock_jumped jumped = {.ahead_ms = (int64_t)clock.jumped_ms};
        skn_signal_clock_jumped(&notes->observe, e->now_ms, &jumped);
    }
    if (clock.waits && !notes->clock_waits) {
        const struct skn_signal_clock_waits waits = {.ahead_ms = clock.ahead_ms};
        skn_signal_clock_waits(&notes->observe, e->now_ms, &waits);
    }
    notes->clock_jumps = clock.jumps;
    notes->clock_waits = clock.waits;
}

static void note_history(struct skn_engine *e, bool is_given_up)
{
    const struct skn_signal_history_given_up given_up = {.directory = skn_slice_str(e->data_dir)};
    if (is_given_up && !e->notes->history_is_given_up)
        skn_signal_history_given_up(&e->notes->observe, e->now_ms, &given_up);
    e->notes->history_is_given_up = is_given_up;
}

void engine_note_turn(struct skn_engine *e)
{
    struct notes *notes = e->notes;
    struct skn_shards_state now = skn_shards_state(e->shards);
    const struct {
        enum skn_metric metric;
        uint64_t *seen, now;
    } rows[] = {{SKN_METRIC_SLICES, &notes->slices, now.slices},
                {SKN_METRIC_BATCHES, &notes->batches, now.batches},
                {SKN_METRIC_SLICES_FAULTED, &notes->faults, now.faults},
                {SKN_METRIC_RESULTS_DROPPED, &notes->dropped, now.dropped_results}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++) {
        skn_observe_count(&notes->observe, rows[i].metric, 0, rows[i].now - *rows[i].seen);
        *rows[i].seen = rows[i].now;
    }
    note_clock(e);
    note_history(e, now.history_is_given_up);
}

void engine_note_fault(struct skn_engine *e, const struct skn_output *output)
{
    struct skn_slice text = skn_value_as_text(skn_value_view(output->value)), name = text;
    const uint8_t *end = text.len > 0 ? memchr(text.ptr, '\n', text.len) : NULL;
    if (end) {
        name = skn_slice(text.ptr, (size_t)(end - text.ptr));
        text = skn_slice_from(text, name.len + 1);
    }
    const struct skn_slice code = skn_slice_str(skn_rc_info(output->rc)->name);
    const struct skn_signal_slice_faulted faulted = {
        .domain = output->address, .message = name, .code = code, .reason = text};
    skn_signal_slice_faulted(&e->notes->observe, e->now_ms, &faulted);
    if (output->number == 0) return;
    const struct skn_signal_domain_faulted stands = {
        .domain = output->address, .code = code, .reason = text};
    skn_signal_domain_faulted(&e->notes->observe, e->now_ms, &stands);
}

void engine_note_run(struct skn_engine *e, struct skn_slice address, enum skn_run_status status)
{
    static const char *const names[] = {
        "", "running", "stopping", "interrupted", "succeeded", "failed"};
    static const unsigned labels[] = {[SKN_RUN_INTERRUPTED] = SKN_LABEL_STATUS_INTERRUPTED,
                                      [SKN_RUN_SUCCEEDED] = SKN_LABEL_STATUS_SUCCEEDED,
                                      [SKN_RUN_FAILED] = SKN_LABEL_STATUS_FAILED};
    if (status < SKN_RUN_INTERRUPTED) return;
    const struct skn_signal_run_ended ended = {.run = skn_flow_run_id(address),
                                               .status = skn_slice_str(names[status])};
    skn_observe_count(&e->notes->observe, SKN_METRIC_RUNS_ENDED, labels[status], 1);
    skn_signal_run_ended(&e->notes->observe, e->now_ms, &ended);
}

void engine_note_started(struct skn_engine *e, const struct task *task)
{
    char key[2 * SKN_KEY_BYTES + 1];
    skn_hex(task->key, sizeof task->key, key);
    const struct skn_signal_attempt_started started = {
        .run = skn_flow_run_id(task->address),
        .path = engine_task_text(task, SKN_FLOW_EFFECT_PATH),
        .event = engine_task_text(task, SKN_FLOW_EFFECT_EVENT),
        .attempt = task->attempt,
        .key = skn_slice_str(key),
        .epoch = task->epoch};
    skn_observe_count(&e->notes->observe, SKN_METRIC_PROGRAMS_STARTED, 0, 1);
    skn_observe_count(&e->notes->observe, SKN_METRIC_INTENTS_STARTED, 0, 1);
    skn_signal_attempt_started(&e->notes->observe, e->now_ms, &started);
}

static unsigned exit_label(const struct skn_exec_event *event)
{
    if (event->how == SKN_EXEC_SPAWN_FAILED) return SKN_LABEL_EXIT_NOSTART;
    if (event->how != SKN_EXEC_EXITED) return SKN_LABEL_EXIT_SIGNAL;
    return event->code == 0 ? SKN_LABEL_EXIT_ZERO : SKN_LABEL_EXIT_NONZERO;
}

void engine_note_ended(struct skn_engine *e,
                       const struct task *task,
                       const struct skn_exec_event *event,
                       enum skn_attempt_status status,
                       struct skn_slice reason)
{
    static const unsigned labels[] = {[SKN_ATTEMPT_SUCCESS] = SKN_LABEL_RESULT_SUCCESS,
                                      [SKN_ATTEMPT_FAILURE] = SKN_LABEL_RESULT_FAILURE,
                                      [SKN_ATTEMPT_TIMEOUT] = SKN_LABEL_RESULT_TIMEOUT,
                                      [SKN_ATTEMPT_CANCELLED] = SKN_LABEL_RESULT_CANCELLED,
                                      [SKN_ATTEMPT_INTERRUPTED] = SKN_LABEL_RESULT_INTERRUPTED};
    struct skn_observe *observe = &e->notes->observe;
    const struct skn_signal_attempt_ended ended = {
        .run = skn_flow_run_id(task->address),
        .path = engine_task_text(task, SKN_FLOW_EFFECT_PATH),
        .event = engine_task_text(task, SKN_FLOW_EFFECT_EVENT),
        .attempt = task->attempt,
        .result = skn_slice_str(skn_exec_how_name(event->how)),
        .reason = reason,
        .duration_ms = event->wall_ms};
    skn_observe_count(observe, SKN_METRIC_PROGRAMS_ENDED, exit_label(event), 1);
    skn_observe_count(observe, SKN_METRIC_INTENTS_ENDED, labels[status], 1);
    skn_observe_value(observe, SKN_METRIC_PROGRAM_TIME, 0, event->wall_ms * 1000000);
    skn_signal_attempt_ended(observe, e->now_ms, &ended);
}

/* The journal's are counted on the thread that has it, and put together here. */
void engine_metrics(struct skn_engine *e, struct skn_buf *out)
{
    if (!e->notes) return;
    struct skn_observe *sum = skn_alloc_zero(1, sizeof *sum);
    skn_observe_init(sum);
    skn_observe_add(sum, &e->notes->observe);
    skn_observe_add(sum, &e->notes->disk);
    skn_observe_prometheus(sum, out);
    skn_free(sum);
}
