/* node.c - the node of the simulator: shards whose parts are turned in whatever order the seed says.
 * With past.c the one file that knows the shard module. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "core/guard.h"
#include "dev/dev.h"
#include "flow/flow.h"
#include "sim/file_backend.h"
#include "sim/node_internal.h"

#include "base/pure.h"

enum { TURNS_MAX = 100000, PATIENT_TURNS = 100 };

struct sim_node {
    struct skn_shards *shards;
    struct skn_shards_state counted; /* of it, what the report has */
    uint64_t *released;              /* per shard: index of the last output [E22] */
    uint64_t clock_jumps;            /* that were told */
};

/* One look at one shard. */
struct look {
    struct skn_call call;
    struct world *w;
    node_look_fn fn;
    void *ctx;
};

static const char dir[] = "/journal";

static const struct skn_program *const programs[] = {&skn_flow_program,
                                                     &sim_ledger_program,
                                                     &sim_peer_program,
                                                     &sim_job_program,
                                                     &sim_album_program,
                                                     &sim_bomb_program,
                                                     &skn_dev_shelf,
                                                     &skn_dev_counter,
                                                     &skn_dev_hog,
                                                     &skn_dev_flood,
                                                     &skn_dev_echo,
                                                     NULL};

static enum skn_rc open_base(void *ctx,
                             const char *base,
                             const struct skn_journal_info *info,
                             struct skn_backend **out_backend,
                             struct skn_diag *diag)
{
    (void)info;
    return file_backend_open(ctx, base, out_backend, diag);
}

struct skn_shards_options node_options(const struct world *w)
{
    struct skn_env *env = skn_env_sim_env(w->machine);
    struct skn_history_options history = {.open_base = open_base, .ctx = env};
    if (w->params.history) history.dir = "/history";
    if (w->params.history) history.keep_ms = w->params.keep_ms;
    return (struct skn_shards_options){
        .env = env,
        .dir = dir,
        .history = history,
        .programs = programs,
        .limits = w->params.limits,
        .shards = w->params.shards,
        .workers = w->params.workers,
        .check_rebuild = true,
        .keys = keys_ring(w->keys),
        .backend = w->files ? w->files : w->backend,
        .cache_bytes = w->params.cache_bytes,
        .checkpoint = {.records = w->params.checkpoint_records, .ms = w->params.checkpoint_ms},
        .segment_bytes = w->params.segment_bytes,
        .hash_salt = w->options->heap_noise,
        .no_reserve = true};
}

static void step(struct world *w, uint64_t count)
{
    w->report->steps += count;
}

enum skn_rc node_open(struct world *w, bool take_up_all, struct skn_diag *diag)
{
    struct skn_shards_options options = node_options(w);
    struct skn_shards *shards = NULL;
    struct skn_poison poison[SIM_POISON_MAX];
    step(w, 1);
    options.take_up_all = take_up_all;
    options.handling = bombs_slots(w->bombs);
    options.poison = poison;
    options.poison_count = bombs_poison(w->bombs, poison);
    enum skn_rc rc = skn_shards_open(&options, &shards, diag);
    if (rc != SKN_OK) return rc;
    w->node = skn_alloc_zero(1, sizeof *w->node);
    w->node->shards = shards;
    w->node->released = skn_alloc_zero(skn_shards_count(shards), sizeof(uint64_t));
    return SKN_OK;
}

/* Adds what the shards have counted since the last time. */
static void count(struct world *w)
{
    struct skn_shards_state now = skn_shards_state(w->node->shards), *was = &w->node->counted;
    uint64_t *cover = w->report->cover;
    step(w, now.slices - was->slices + now.timers_fired - was->timers_fired);
    step(w, now.groups - was->groups + now.checkpoints - was->checkpoints);
    cover[SKN_COVER_CHECKPOINT] += now.checkpoints - was->checkpoints;
    cover[SKN_COVER_SLICE] += now.slices - was->slices;
    cover[SKN_COVER_FAULT] += now.faults - was->faults;
    cover[SKN_COVER_TIMER_FIRED] += now.timers_fired - was->timers_fired;
    cover[SKN_COVER_RESULT_DROPPED] += now.dropped_results - was->dropped_results;
    *was = now;
    const struct skn_clock_state wall = skn_shards_clock(w->node->shards);
    if (wall.jumps == w->node->clock_jumps) return;
    w->node->clock_jumps = wall.jumps;
    struct skn_history_event event = {.kind = SKN_HISTORY_CLOCK, .amount = (int64_t)wall.jumped_ms};
    world_event(w, &event);
    world_cover(w, SKN_COVER_CLOCK_FOLLOWED);
}

static struct skn_shards *take_apart(struct world *w)
{
    struct skn_shards *shards = w->node->shards;
    count(w);
    if (skn_shards_state(shards).is_checkpointing) world_cover(w, SKN_COVER_END_IN_CHECKPOINT);
    skn_free(w->node->released);
    skn_free(w->node);
    w->node = NULL;
    step(w, 1);
    return shards;
}

enum skn_rc node_close(struct world *w, struct skn_diag *diag)
{
    return skn_shards_close(take_apart(w), diag);
}

void node_abandon(struct world *w)
{
    if (w->node) skn_shards_abandon(take_apart(w));
}

void node_crash_store(struct world *w)
{
    if (!w->backend) return;
    size_t written = skn_backend_memory_unflushed(w->backend);
    skn_backend_memory_crash(w->backend, (size_t)(w->plan.seed % (written + 1)));
}

enum skn_rc node_turn_some(struct world *w, struct skn_diag *diag)
{
    unsigned parts = skn_shards_parts(w->node->shards);
    bool more = false;
    enum skn_rc rc =
        skn_shards_turn(w->node->shards, (unsigned)skn_rng_below(&w->rng, parts), &more, diag);
    count(w);
    return rc;
}

enum skn_rc node_turn_all(struct world *w, bool *out_more, struct skn_diag *diag)
{
    enum skn_rc rc = skn_shards_turn_all(w->node->shards, out_more, diag);
    count(w);
    if (rc == SKN_OK && !*out_more) *out_more = !skn_shards_state(w->node->shards).is_quiet;
    return rc;
}

void node_submit(struct world *w, const struct skn_request *request)
{
    step(w, 1);
    skn_shards_submit(w->node->shards, request);
}

void node_result(struct world *w, const struct skn_attempt_result *result)
{
    step(w, 1);
    skn_shards_result(w->node->shards, result);
}

void node_redeliver(struct world *w, const struct skn_redeliver *redeliver)
{
    step(w, 1);
    skn_shards_redeliver(w->node->shards, redeliver);
}

void node_remove(struct world *w, const struct skn_remove *remove)
{
    step(w, 1);
    skn_shards_remove(w->node->shards, remove);
}

void node_take_up(struct world *w, struct skn_slice address, bool is_asked)
{
    step(w, 1);
    skn_shards_take_up(w->node->shards, address, is_asked);
}

static void take_output(struct world *w, const struct skn_output *output)
{
    struct sim_node *node = w->node;
    uint64_t *last = &node->released[skn_shards_of(node->shards, output->address)];
    step(w, 1);
    if (output->index < *last)
        world_fail(w, "P3: outputs leave in another order than they were born in [E22]", NULL);
    *last = output->index;
    life_hear(w, output);
}

void node_hear(struct world *w)
{
    struct skn_shards_event event;
    while (w->rc == SKN_OK && skn_shards_next_event(w->node->shards, &event)) {
        SKN_ASSERT(event.output); /* looks are waited for where they are begun */
        take_output(w, event.output);
    }
}

uint64_t node_epoch(const struct world *w)
{
    return skn_shards_state(w->node->shards).epoch;
}

uint64_t node_history_since_ms(const struct world *w)
{
    return w->node ? skn_shards_state(w->node->shards).history_since_ms : 0;
}

uint64_t node_due_in_ms(const struct world *w)
{
    int wait_ms = skn_shards_timeout_all_ms(w->node->shards);
    return wait_ms < 0 ? UINT64_MAX : (uint64_t)wait_ms;
}

/* --- looking ------------------------------------------------------------------------------------- */

/* What left while a look was under way: told before the look where the look saw it. */
struct held {
    struct held *next;
    struct skn_output output;
};

struct looking {
    struct look *looks;
    size_t pending;
    struct skn_arena arena;
    struct held *first, **last;
};

static enum skn_rc run_look(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    struct look *look = SKN_CONTAINER_OF(call, struct look, call);
    return look->fn(look->w, look->ctx, call->shard, core, store, &call->diag);
}

static void hold(struct looking *looking, const struct skn_output *output)
{
    struct held *held = skn_arena_zero(&looking->arena, 1, sizeof *held);
    held->output = *output;
    held->output.address = skn_arena_dup(&looking->arena, output->address);
    held->output.name = skn_arena_dup(&looking->arena, output->name);
    held->output.value = skn_arena_dup(&looking->arena, output->value);
    *looking->last = held;
    looking->last = &held->next;
}

static void hear_calls(struct world *w, struct looking *looking)
{
    struct skn_shards_event event;
    while (skn_shards_next_event(w->node->shards, &event)) {
        if (event.output) {
            hold(looking, event.output);
            continue;
        }
        looking->pending--;
        if (event.call->rc != SKN_OK) world_fail(w, "P1: rows cannot be read", &event.call->diag);
    }
}

static enum skn_rc wait_for_looks(struct world *w, struct looking *looking, struct skn_diag *diag)
{
    enum skn_rc rc = SKN_OK;
    for (int i = 0; rc == SKN_OK && looking->pending > 0; i++) {
        bool more = true;
        SKN_ASSERT(i < TURNS_MAX);
        /* What waits for a while, such as for a checkpoint, waits for the clock. */
        if (i > PATIENT_TURNS) skn_env_sim_advance(w->machine, (uint64_t)MS_IN_NS);
        rc = skn_shards_turn_all(w->node->shards, &more, diag);
        hear_calls(w, looking);
    }
    count(w);
    return rc;
}

/* What was born before the looks, or all that is left. */
static void tell_held(struct world *w, struct looking *looking, bool is_all)
{
    struct held **at = &looking->first;
    while (*at) {
        const struct skn_output *output = &(*at)->output;
        uint32_t shard = skn_shards_of(w->node->shards, output->address);
        if (!is_all && output->index > looking->looks[shard].call.index) {
            at = &(*at)->next;
            continue;
        }
        take_output(w, output);
        *at = (*at)->next;
    }
}

/* What is durable, read beside the node or after it: rows that have to be fetched are waited for, so
 * it is one moment whatever the cache has room for. */
static void
look_beside(struct world *w, node_look_fn fn, node_tell_fn tell, void *ctx, struct skn_diag *diag)
{
    const struct skn_shards_options options = node_options(w);
    struct skn_shards *reader = NULL;
    enum skn_rc rc = skn_shards_open_to_read(&options, &reader, diag);
    if (rc != SKN_OK) {
        world_fail(w, "P1: what is stored cannot be read", diag);
        return;
    }
    for (uint32_t i = 0; i < skn_shards_count(reader); i++) {
        struct look look = {.call = {.fn = run_look, .shard = i}, .w = w, .fn = fn, .ctx = ctx};
        struct skn_shards_event event;
        skn_shards_call(reader, &look.call);
        bool has_come = skn_shards_next_event(reader, &event);
        SKN_ASSERT(has_come && event.call == &look.call);
        if (look.call.rc != SKN_OK) world_fail(w, "P1: rows cannot be read", &look.call.diag);
    }
    skn_shards_abandon(reader);
    if (tell) tell(w, ctx);
}

/* At the shards themselves, between two slices. */
static enum skn_rc look_inside(struct world *w,
                               bool acts,
                               node_look_fn fn,
                               node_tell_fn tell,
                               void *ctx,
                               struct skn_diag *diag)
{
    struct looking looking = {.pending = skn_shards_count(w->node->shards)};
    looking.looks = skn_alloc_zero(looking.pending, sizeof *looking.looks);
    looking.last = &looking.first;
    skn_arena_init(&looking.arena);
    for (uint32_t i = 0; i < looking.pending; i++) {
        looking.looks[i] = (struct look){
            .call = {.fn = run_look, .shard = i, .acts = acts}, .w = w, .fn = fn, .ctx = ctx};
        skn_shards_call(w->node->shards, &looking.looks[i].call);
    }
    enum skn_rc rc = wait_for_looks(w, &looking, diag);
    if (rc == SKN_OK) {
        tell_held(w, &looking, false);
        if (tell) tell(w, ctx);
    }
    tell_held(w, &looking, true); /* also of a node that died: it had left */
    skn_free(looking.looks);
    skn_arena_fini(&looking.arena);
    return rc;
}

enum skn_rc
node_look(struct world *w, node_look_fn fn, node_tell_fn tell, void *ctx, struct skn_diag *diag)
{
    if (w->node && !w->backend) return look_inside(w, false, fn, tell, ctx, diag);
    look_beside(w, fn, tell, ctx, diag);
    return SKN_OK;
}

enum skn_rc node_ask(struct world *w, node_look_fn fn, void *ctx, struct skn_diag *diag)
{
    return look_inside(w, true, fn, NULL, ctx, diag);
}

uint32_t node_shards(const struct world *w)
{
    return w->params.shards;
}

/* --- the end -------------------------------------------------------------------------------------- */

static enum skn_rc read_record(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    struct world *w = ctx;
    (void)diag;
    const uint64_t numbers[] = {record->shard,
                                record->index,
                                record->term,
                                record->stamp,
                                record->state_lo,
                                record->state_hi,
                                record->module,
                                w->report->records_hash,
                                world_hash(record->message),
                                world_hash(record->batch)};
    w->report->records_hash = world_hash(skn_slice(numbers, sizeof numbers));
    w->report->records++;
    rows_cover_record(w, record);
    return SKN_OK;
}

void node_end(struct world *w)
{
    struct skn_diag diag = {0};
    const struct skn_shards_options options = node_options(w);
    enum skn_rc rc = skn_shards_verify(&options, NULL, &diag);
    if (rc != SKN_OK) world_fail(w, "P4: what is stored is not sound", &diag);
    rc = skn_journal_read(options.env, dir, read_record, w, NULL, &diag);
    if (rc != SKN_OK) world_fail(w, "P1: the journal cannot be read", &diag);
}
