/* sim.c - one simulation: rounds with faults, then the rest without any. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim.h"

#include "base/hash.h"
#include "base/mem.h"
#include "sim/file_backend.h"
#include "sim/world_internal.h"

#include <inttypes.h>

#include "base/pure.h"

enum {
    STEPS = 1000,
    QUIET_ROUNDS_MAX = 5000, /* within which everything has to end when nothing fails any more */
    LEFT_ROUNDS_MAX = 200,
    HOURS_FASTER = 700, /* up to nearly five minutes in a round */
    LIMITED_MAX = 40,
    UNLOOKED_ROUNDS_MAX = 8, /* between two looks for work that is left */
    SCRATCH_BYTES = 4 << 20,
    TEXT_BYTES = 1 << 20,
};

uint64_t world_hash(struct skn_slice bytes)
{
    return skn_hash(bytes, 7, 11);
}

uint64_t world_now_ms(struct world *w)
{
    return skn_env_now_mono_ns(skn_env_sim_env(w->machine)) / MS_IN_NS;
}

void world_cover(struct world *w, enum skn_cover item)
{
    w->report->cover[item]++;
}

void world_fault(struct world *w)
{
    struct skn_sim_faults *f = w->faults;
    if (w->has_fault || !f) return;
    w->has_fault = true;
    f->is_cut |= f->count == SKN_SIM_FAULT_ROUNDS_MAX;
    if (f->count < SKN_SIM_FAULT_ROUNDS_MAX) f->rounds[f->count++] = (uint32_t)w->report->rounds;
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

static void hash_event(struct world *w, const struct skn_history_event *e)
{
    const uint64_t numbers[] = {w->report->history_hash,
                                e->kind,
                                e->at_ms,
                                world_hash(e->domain),
                                world_hash(e->id),
                                world_hash(e->name),
                                e->hash,
                                e->answer,
                                (uint64_t)e->amount,
                                e->count,
                                e->epoch,
                                (uint64_t)e->attempt << 32 | e->context,
                                (uint64_t)e->rc << 4 | (uint64_t)e->is_success << 3 |
                                    (uint64_t)e->is_stale << 2 | (uint64_t)e->is_over << 1 |
                                    e->is_leaking,
                                world_hash(skn_slice(e->key, sizeof e->key))};
    w->report->history_hash = world_hash(skn_slice(numbers, sizeof numbers));
}

void world_event(struct world *w, struct skn_history_event *event)
{
    struct skn_diag diag = {0};
    if (w->rc != SKN_OK) return;
    event->at_ms = world_now_ms(w);
    w->report->events[event->kind]++;
    hash_event(w, event);
    if (w->options->trace) w->options->trace(w->options->trace_ctx, event);
    enum skn_rc rc = skn_checker_add(w->checker, event, &diag);
    if (rc != SKN_OK) world_fail(w, diag.text, NULL);
}

/* --- one round ------------------------------------------------------------------------------------ */

/* To the next thing that happens by itself, or a little further. */
static void pass_time(struct world *w)
{
    uint64_t task_ms = tasks_next_ms(w), now_ms = world_now_ms(w);
    uint64_t due_in_ms = node_due_in_ms(w);
    uint64_t wait_ms = 1 + skn_rng_below(&w->rng, 400);
    /* Not while an id may be asked for again that was handled: it would be forgotten. */
    if (w->params.hours && due_in_ms > 0 && w->owed <= w->limited) wait_ms *= HOURS_FASTER;
    if (task_ms != UINT64_MAX) wait_ms = task_ms > now_ms ? task_ms - now_ms : 0;
    if (due_in_ms > 0 && due_in_ms < wait_ms) wait_ms = due_in_ms;
    skn_env_sim_advance(w->machine, wait_ms * MS_IN_NS);
}

static void begin_round(struct world *w)
{
    uint64_t state = w->options->seed ^ w->report->rounds * 0xbf58476d1ce4e5b9u;
    skn_rng_init(&w->rng, skn_splitmix64(&state));
    life_plan(w);
    if (!w->node) life_begin(w);
}

static void one_round(struct world *w)
{
    w->report->rounds++;
    begin_round(w);
    if (w->rc != SKN_OK) return;
    uint64_t asks = skn_rng_below(&w->rng, w->params.asks_max + 1);
    if (w->limited > LIMITED_MAX) asks = 0;
    for (; asks > 0 && w->rc == SKN_OK && w->open_asks < w->params.open_max; asks--)
        clients_ask_something(w);
    models_act(w);
    blobs_act(w);
    blobs_turn(w);
    /* An id that lives for an hour only is asked again at once. */
    if (skn_rng_chance(&w->rng, 1, 8) || w->params.hours) w->owed = clients_ask_again(w);
    if (skn_rng_chance(&w->rng, 1, 12)) node_take_up(w, (struct skn_slice){0}, false);
    if (w->params.lates && skn_rng_chance(&w->rng, 1, 4)) tasks_tell_late(w);
    if (skn_rng_chance(&w->rng, 1, 2)) pass_time(w);
    if (skn_rng_chance(&w->rng, 3, 4)) tasks_end_due(w);
    if (w->rc == SKN_OK && skn_rng_chance(&w->rng, 9, 10)) life_turn(w);
    keys_turn(w);
    if (w->rc == SKN_OK) life_end(w);
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

/* By a clean stop: what it leaves is the last thing that is judged. */
static void final_look(struct world *w)
{
    struct skn_diag diag = {0};
    if (w->rc == SKN_OK && node_close(w, &diag) != SKN_OK)
        world_fail(w, "P7: the node cannot stop", &diag);
    if (w->rc != SKN_OK) return;
    node_crash_store(w);
    if (look_around(w, &diag) != SKN_OK) world_fail(w, "P7: the node fails", &diag);
    past_look(w, true);
    blobs_look(w, true);
    struct skn_history_event event = {.kind = SKN_HISTORY_END};
    world_event(w, &event);
}

/* Whether anything is under way, or could be gone on with. */
static bool has_work(struct world *w, struct skn_buf *runs)
{
    struct skn_diag diag = {0};
    size_t active = 0, left = 0;
    skn_buf_reset(runs);
    /* A look reads all that is stored: what takes long is asked less and less often. */
    if (w->unlooked < w->looks && w->unlooked < UNLOOKED_ROUNDS_MAX) {
        w->unlooked++;
        return true;
    }
    w->unlooked = 0;
    w->looks++;
    /* Idle for a moment: then the bound says that the last group is durable [E5]. */
    skn_env_sim_advance(w->machine, UINT64_C(150) * MS_IN_NS);
    life_turn(w);
    if (w->rc != SKN_OK) return false;
    if (!w->node) return true; /* it died by its own fault */
    if (look_for_work(w, &active, &left, runs, &diag) != SKN_OK)
        world_fail(w, "P7: the node fails", &diag);
    /* What fired just now may have had something performed. */
    bool has_more = active > 0 || runs->len > 0 || w->tasks.count > 0 || w->unsettled > 0;
    w->left_for = has_more || left == 0 ? 0 : w->left_for + 1;
    if (w->left_for > LEFT_ROUNDS_MAX)
        world_fail(w, "P10: rows are left of messages or intents that are over [E31]", NULL);
    return has_more || left > 0;
}

/* Without faults everything that was asked is answered and every run ends. */
static void finish(struct world *w)
{
    struct skn_buf runs;
    skn_buf_init(&runs, TEXT_BYTES);
    life_calm(w);
    for (int i = 0; w->rc == SKN_OK; i++) {
        w->report->rounds++;
        begin_round(w);
        if (w->rc != SKN_OK) break;
        node_take_up(w, (struct skn_slice){0}, true);
        size_t owed = w->owed = clients_ask_again(w);
        bool owes_models = models_calm(w);
        if (w->params.lates && w->ghosts.count > 0) tasks_tell_late(w);
        tasks_end_due(w);
        if (w->rc == SKN_OK) life_turn(w);
        keys_turn(w);
        if (w->rc != SKN_OK) break;
        skn_buf_reset(&runs);
        bool owes_blobs = blobs_calm(w);
        bool may_be_over = owed == 0 && !owes_blobs && !owes_models && w->tasks.count == 0 &&
                           w->unsettled == 0 && w->node;
        if (may_be_over && !has_work(w, &runs)) break;
        if (!w->node) continue; /* it died by its own fault, and opens again */
        if (runs.len > 0 && skn_rng_chance(&w->rng, 1, 4)) resume_all(w, &runs);
        pass_time(w);
        if (i < QUIET_ROUNDS_MAX) continue;
        models_owe(w);
        final_look(w); /* names the run or the request */
        world_fail(w, "P1: something goes on for ever", NULL);
    }
    skn_buf_fini(&runs);
}

static void world_init(struct world *w)
{
    const struct skn_sim_options *o = w->options;
    uint64_t state = o->seed;
    params_draw(o->seed, &w->params);
    blobs_init(w);
    w->bombs = bombs_create();
    w->keys = keys_create(w->params.shards);
    skn_arena_init(&w->arena);
    skn_buf_init(&w->scratch, SCRATCH_BYTES);
    skn_buf_init(&w->text, TEXT_BYTES);
    w->checker = skn_checker_create();
    models_init(w);
    limits_cover_seed(w);
    w->life = 1;
    w->machine = skn_env_sim_create(skn_splitmix64(&state), 0);
    if (w->params.has_store) w->backend = skn_backend_memory_create();
    if (w->backend) skn_backend_memory_set_slow(w->backend, w->params.is_slow);
    /* Small tables packed; only the smallest, so that many grow out of it; none. */
    static const uint32_t packed_max[] = {0, 400, 1};
    if (w->backend) w->backend->packed_max = packed_max[o->seed % SKN_ARRAY_LEN(packed_max)];
    if (w->params.history)
        w->files = file_backend_create(skn_env_sim_env(w->machine), w->backend, w->params.shards);
    enum skn_fault how = (o->stop_at + o->seed) % 2 ? SKN_FAULT_STOP : SKN_FAULT_STOP_SHORT;
    if (o->stop_at) skn_env_sim_fault(w->machine, how, true, o->stop_at, 1);
}

static void world_fini(struct world *w)
{
    node_abandon(w);
    blobs_fini(w);
    models_fini(w);
    skn_backend_destroy(w->files);
    skn_backend_destroy(w->backend);
    skn_env_sim_destroy(w->machine);
    skn_checker_destroy(w->checker);
    skn_free(w->asks);
    bombs_destroy(w->bombs);
    keys_destroy(w->keys);
    skn_free(w->tasks.items);
    skn_free(w->ghosts.items);
    skn_buf_fini(&w->scratch);
    skn_buf_fini(&w->text);
    skn_arena_fini(&w->arena);
}

static void run(struct world *w)
{
    uint32_t steps = w->options->steps ? w->options->steps : STEPS;
    world_init(w);
    while (w->rc == SKN_OK && w->report->steps < steps)
        one_round(w);
    if (w->rc == SKN_OK) finish(w);
    final_look(w);
    if (w->rc == SKN_OK) node_end(w);
    w->report->virtual_ms = world_now_ms(w);
    world_fini(w);
}

enum skn_rc skn_sim_run(const struct skn_sim_options *options,
                        struct skn_sim_report *out,
                        struct skn_sim_faults *out_faults,
                        struct skn_diag *diag)
{
    struct world w = {.options = options, .report = out, .faults = out_faults, .diag = diag};
    enum skn_bug planted = skn_bug_plant(options->bug);
    if (options->bug == SKN_BUG_NONE) (void)skn_bug_plant(planted); /* by SKN_BUG, or none */
    void *noise = skn_alloc(options->heap_noise);
    *out = (struct skn_sim_report){.seeds = 1};
    if (out_faults) *out_faults = (struct skn_sim_faults){.count = 0};
    run(&w);
    skn_free(noise);
    (void)skn_bug_plant(planted);
    return w.rc;
}

/* Index of the first count that differs, of a report read as numbers. */
static size_t first_difference(const struct skn_sim_report *a, const struct skn_sim_report *b)
{
    const uint64_t *left = (const uint64_t *)a, *right = (const uint64_t *)b;
    size_t i = 0;
    while (i < sizeof *a / sizeof *left && left[i] == right[i])
        i++;
    return i;
}

enum skn_rc skn_sim_run_twice(const struct skn_sim_options *options,
                              struct skn_sim_report *out,
                              struct skn_sim_faults *out_faults,
                              struct skn_diag *diag)
{
    static const size_t noises[] = {100000, 5000, 333};
    enum skn_rc rc = skn_sim_run(options, out, out_faults, diag);
    struct skn_sim_report *again = skn_alloc(sizeof *again);
    struct skn_sim_options other = *options;
    other.trace = NULL;
    for (size_t i = 0; i < SKN_ARRAY_LEN(noises) && rc == SKN_OK; i++) {
        other.heap_noise = noises[i] + options->heap_noise;
        rc = skn_sim_run(&other, again, NULL, diag);
        if (rc != SKN_OK || memcmp(out, again, sizeof *again) == 0) continue;
        bool same_rows = out->state_lo == again->state_lo && out->state_hi == again->state_hi;
        rc = SKN_FAIL(diag,
                      SKN_EFAULT,
                      "seed %" PRIu64 " step %" PRIu64
                      ": P4: the same seed gave other %s (number %zu of its report)",
                      options->seed,
                      out->steps,
                      out->history_hash != again->history_hash   ? "events"
                      : out->records_hash == again->records_hash ? "counts"
                      : same_rows                                ? "records"
                                                                 : "rows",
                      first_difference(out, again));
    }
    skn_free(again);
    return rc;
}
