/* sim.c - one simulation: steps with faults, then the rest without any. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim.h"

#include "base/hash.h"
#include "base/mem.h"
#include "sim/world_internal.h"

#include <inttypes.h>

#include "base/pure.h"

enum {
    STEPS = 300,
    QUIET_STEPS_MAX = 20000, /* within which everything has to end when nothing fails any more */
    SCRATCH_BYTES = 4 << 20,
    TEXT_BYTES = 64 << 10,
};

uint64_t world_hash(struct skn_slice bytes)
{
    return skn_hash(bytes, 7, 11);
}

uint64_t world_now_ms(struct world *w)
{
    return skn_env_now_mono_ns(skn_env_sim_env(w->machine)) / MS_IN_NS;
}

void world_fail(struct world *w, const char *why, const struct skn_diag *diag)
{
    if (w->rc != SKN_OK) return;
    w->rc = SKN_FAIL(w->diag,
                     SKN_EFAULT,
                     "seed %" PRIu64 " step %" PRIu64 ": %s%s%s",
                     w->options->seed,
                     w->report->steps,
                     why,
                     diag ? ": " : "",
                     diag ? diag->text : "");
}

static void hash_event(struct world *w, const struct skn_history_event *event)
{
    skn_buf_reset(&w->text);
    skn_buf_put_le64(&w->text, w->report->history_hash);
    skn_history_print(event, &w->text);
    w->report->history_hash = world_hash(skn_buf_slice(&w->text));
}

void world_event(struct world *w, const struct skn_history_event *event)
{
    struct skn_diag diag = {0};
    if (w->rc != SKN_OK) return;
    w->report->events[event->kind]++;
    hash_event(w, event);
    if (w->options->trace) w->options->trace(w->options->trace_ctx, event);
    enum skn_rc rc = skn_checker_add(w->checker, event, &diag);
    if (rc != SKN_OK) world_fail(w, diag.text, NULL);
}

void world_take_up(struct world *w, struct skn_slice address, bool is_asked)
{
    enum skn_rc rc = skn_core_take_up(skn_shard_core(w->shard), address, is_asked);
    SKN_ASSERT(rc == SKN_OK || rc == SKN_ENOENT); /* nothing waits: fine */
}

void world_count(struct world *w)
{
    if (!w->shard) return;
    struct skn_core_counts counts = skn_core_counts(skn_shard_core(w->shard));
    w->report->slices += counts.slices;
    w->report->faults += counts.faults;
    w->report->timers_fired += counts.timers_fired;
    w->report->results_dropped += counts.dropped_results;
}

/* --- one step ------------------------------------------------------------------------------------ */

/* To the next thing that happens by itself, or a little further. */
static void pass_time(struct world *w)
{
    uint64_t task_ms = tasks_next_ms(w), now_ms = world_now_ms(w);
    uint64_t due_ms = skn_core_next_due_ms(skn_shard_core(w->shard));
    uint64_t node_ms = skn_shard_now_ms(w->shard);
    uint64_t wait_ms = 1 + skn_rng_below(&w->rng, 400);
    if (task_ms != UINT64_MAX) wait_ms = task_ms > now_ms ? task_ms - now_ms : 0;
    if (due_ms != UINT64_MAX && due_ms > node_ms && due_ms - node_ms < wait_ms)
        wait_ms = due_ms - node_ms;
    skn_env_sim_advance(w->machine, wait_ms * MS_IN_NS);
}

static void maybe_crash(struct world *w)
{
    if (w->options->no_crashes) return;
    if (w->cut_in > 1) {
        w->cut_in--;
    } else if (w->cut_in == 0 && w->options->stop_at) {
        return;
    } else if (w->cut_in == 1 || skn_rng_chance(&w->rng, 1, 25)) {
        w->report->crashes_between++;
        life_crash(w);
    } else if (skn_rng_chance(&w->rng, 1, 100)) {
        life_stop(w);
    }
}

static void step(struct world *w)
{
    w->report->steps++;
    if (!w->shard) life_begin(w);
    if (w->rc != SKN_OK) return;
    for (uint64_t n = skn_rng_below(&w->rng, 3); n > 0 && w->rc == SKN_OK; n--)
        clients_ask_something(w);
    if (skn_rng_chance(&w->rng, 1, 12)) world_take_up(w, (struct skn_slice){0}, false);
    if (skn_rng_chance(&w->rng, 1, 4)) tasks_tell_late(w);
    if (skn_rng_chance(&w->rng, 1, 2)) pass_time(w);
    if (skn_rng_chance(&w->rng, 3, 4)) tasks_end_due(w);
    if (w->rc == SKN_OK && skn_rng_chance(&w->rng, 9, 10)) life_turn(w);
    if (w->rc == SKN_OK && w->shard) maybe_crash(w);
}

/* --- the rest ------------------------------------------------------------------------------------- */

static void resume_all(struct world *w, struct skn_buf *runs)
{
    struct skn_slice left = skn_buf_slice(runs);
    while (left.len > 0) {
        const uint8_t *end = memchr(left.ptr, '\n', left.len);
        SKN_ASSERT(end);
        size_t len = (size_t)(end - left.ptr);
        clients_resume(w, skn_slice(left.ptr, len));
        left = skn_slice_from(left, len + 1);
    }
}

static void final_look(struct world *w)
{
    if (w->rc != SKN_OK) return;
    look_around(w);
    const struct skn_history_event event = {.kind = SKN_HISTORY_END};
    world_event(w, &event);
}

/* Without faults everything that was asked is answered and every run ends. */
static void finish(struct world *w)
{
    struct skn_buf runs;
    skn_buf_init(&runs, TEXT_BYTES);
    w->is_quiet = true;
    w->cut_in = 0;
    skn_env_sim_fault(w->machine, SKN_FAULT_NONE, true, 1, 1);
    if (!w->shard) life_begin(w);
    for (int i = 0; w->rc == SKN_OK; i++) {
        skn_buf_reset(&runs);
        world_take_up(w, (struct skn_slice){0}, true);
        size_t owed = clients_ask_again(w);
        if (w->ghosts.count > 0) tasks_tell_late(w);
        tasks_end_due(w);
        if (w->rc == SKN_OK) life_turn(w);
        if (w->rc != SKN_OK) break;
        owed += look_for_runs(w, &runs) + w->tasks.count + (runs.len > 0);
        uint64_t due_ms = skn_core_next_due_ms(skn_shard_core(w->shard));
        if (owed == 0 && due_ms == UINT64_MAX) break;
        if (runs.len > 0 && skn_rng_chance(&w->rng, 1, 4)) resume_all(w, &runs);
        pass_time(w);
        if (i < QUIET_STEPS_MAX) continue;
        final_look(w); /* names the run or the request */
        world_fail(w, "something goes on for ever", NULL);
    }
    skn_buf_fini(&runs);
}

static void fill_report(struct world *w)
{
    w->report->virtual_ms = world_now_ms(w);
    if (!w->shard) return;
    struct skn_position position = skn_store_position(skn_shard_store(w->shard));
    w->report->state_lo = position.state.lo;
    w->report->state_hi = position.state.hi;
    w->report->records_last = position.index;
    world_count(w);
}

static void world_init(struct world *w)
{
    static const uint32_t segments[] = {32 << 10, 64 << 10, 256 << 10};
    skn_rng_init(&w->rng, w->options->seed);
    skn_arena_init(&w->arena);
    skn_buf_init(&w->scratch, SCRATCH_BYTES);
    skn_buf_init(&w->text, TEXT_BYTES);
    w->checker = skn_checker_create();
    w->machine = skn_env_sim_create(skn_rng_u64(&w->rng), 0);
    w->segment_bytes = segments[skn_rng_below(&w->rng, SKN_ARRAY_LEN(segments))];
    if (w->options->stop_at)
        skn_env_sim_fault(w->machine,
                          (w->options->stop_at + w->options->seed) % 2 ? SKN_FAULT_STOP
                                                                       : SKN_FAULT_STOP_SHORT,
                          true,
                          w->options->stop_at,
                          1);
}

static void world_fini(struct world *w)
{
    skn_shard_abandon(w->shard);
    skn_env_sim_destroy(w->machine);
    skn_checker_destroy(w->checker);
    skn_free(w->asks);
    skn_free(w->tasks.items);
    skn_free(w->ghosts.items);
    skn_buf_fini(&w->scratch);
    skn_buf_fini(&w->text);
    skn_arena_fini(&w->arena);
}

enum skn_rc skn_sim_run(const struct skn_sim_options *options,
                        struct skn_sim_report *out,
                        struct skn_diag *diag)
{
    struct world w = {.options = options, .report = out, .diag = diag};
    enum skn_bug planted = skn_bug_plant(options->bug);
    if (options->bug == SKN_BUG_NONE) (void)skn_bug_plant(planted); /* by SKN_BUG, or none */
    *out = (struct skn_sim_report){0};
    world_init(&w);
    uint32_t steps = options->steps ? options->steps : STEPS;
    while (w.rc == SKN_OK && out->steps < steps)
        step(&w);
    if (w.rc == SKN_OK) finish(&w);
    final_look(&w);
    fill_report(&w);
    world_fini(&w);
    (void)skn_bug_plant(planted);
    return w.rc;
}
