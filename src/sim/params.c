/* params.c - the parameters of a seed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/params_internal.h"

#include "base/rng.h"

#include "base/pure.h"

enum { KIB = 1024 };

static bool coin(struct skn_rng *rng)
{
    return skn_rng_chance(rng, 1, 2);
}

static uint32_t one_of(struct skn_rng *rng, const uint32_t *choices, size_t count)
{
    return choices[skn_rng_below(rng, count)];
}
#define ONE_OF(rng, ...) \
    one_of((rng), (const uint32_t[]){__VA_ARGS__}, SKN_ARRAY_LEN(((const uint32_t[]){__VA_ARGS__})))

static void draw_families(struct skn_rng *rng, struct sim_params *p)
{
    bool *families[] = {&p->kills,
                        &p->cuts,
                        &p->in_operations,
                        &p->io_errors,
                        &p->full_disks,
                        &p->stops,
                        &p->clocks,
                        &p->slow_disk,
                        &p->holds,
                        &p->lates,
                        &p->failures,
                        &p->cancels,
                        &p->repeats,
                        &p->bad_asks,
                        &p->bad_adds,
                        &p->jobs,
                        &p->timers};
    for (size_t i = 0; i < SKN_ARRAY_LEN(families); i++)
        *families[i] = coin(rng);
    p->flows = skn_rng_chance(rng, 1, 3);
    p->peers = skn_rng_chance(rng, 3, 4);
    p->tight = !p->flows && skn_rng_chance(rng, 1, 3);
}

/* Small ones in some seeds, so that each is met; what flows and peers need is left to them. */
static void draw_limits(struct skn_rng *rng, struct sim_params *p)
{
    struct skn_core_limits *l = &p->limits;
    l->speculative_batches = ONE_OF(rng, 0, 1, 2, 7, 64);
    l->warm_domains = ONE_OF(rng, 0, 1, 3);
    l->quantum_gas = ONE_OF(rng, 0, 0, 100, 20000);
    l->faults_in_row = ONE_OF(rng, 0, 0, 1000000);
    l->mailbox_messages = ONE_OF(rng, 0, 1, 3, 20);
    if (!p->tight) return;
    l->requests_waiting = ONE_OF(rng, 2, 5, 20);
    l->message_bytes = ONE_OF(rng, KIB, 4 * KIB);
    l->batch_bytes = ONE_OF(rng, 8 * KIB, 64 * KIB);
    l->slice_gas = ONE_OF(rng, 20000, 100000);
}

/* Faults by these would stop peers, jobs, runs and albums for ever, which have nobody to hand their
 * letters over; so they are small where the models are. */
static void draw_models(struct skn_rng *rng, struct sim_params *p)
{
    struct skn_core_limits *l = &p->limits;
    p->flows = p->peers = p->jobs = p->limiters = p->secrets = p->rekeys = p->blobs = false;
    l->faulted_waiting = ONE_OF(rng, 0, 1, 3, 20);
    l->answers = ONE_OF(rng, 0, 0, 5, 40);
    l->call_depth = ONE_OF(rng, 0, 1, 2, 4);
    l->kept_calls = ONE_OF(rng, 0, 0, 1, 4);
    l->hot_rows = ONE_OF(rng, 0, 0, 20, 200);
    /* Not both: two that flood each other, at the limit of their letters by full outboxes, take no mail
     * and fault again when these are handed over; only closing them helps. */
    if (coin(rng)) {
        l->outbox_messages = ONE_OF(rng, 0, 1, 5, 40);
        l->outbox_bytes = ONE_OF(rng, 0, 0, 2000);
    } else {
        l->dead_letters = ONE_OF(rng, 0, 2, 10);
        if (l->dead_letters) l->faults_in_row = 1000000;
    }
}

/* Behind all others, so that these are the same as before there were these. */
static void draw_more_limits(struct skn_rng *rng, struct sim_params *p)
{
    struct skn_core_limits *l = &p->limits;
    p->models = skn_rng_chance(rng, 1, 4);
    if (p->models) draw_models(rng, p);
    l->speculative_bytes = ONE_OF(rng, 0, 0, 1, 3000);
    if (p->limiters) l->limiter_waiting = ONE_OF(rng, 0, 0, 1, 3);
    if (p->tight) l->row_bytes = ONE_OF(rng, 0, 2 * KIB, 16 * KIB);
    p->hours = skn_rng_chance(rng, 1, 8);
    if (!p->hours) return;
    p->clocks = false; /* that would take an hour away */
    p->drift_ppm = 0;
    l->request_hours = 1;
    l->requests_waiting = 0; /* one that is refused for an hour is no repetition any more */
    l->request_ids = ONE_OF(rng, 0, 100, 400);
    if (!l->request_ids) l->request_bytes = ONE_OF(rng, 0, 20000, 100000);
}

void params_draw(uint64_t seed, struct sim_params *out)
{
    struct skn_rng rng;
    skn_rng_init(&rng, seed ^ 0x5eed0f5a11u);
    *out = (struct sim_params){0};
    draw_families(&rng, out);
    draw_limits(&rng, out);
    out->crash_every = ONE_OF(&rng, 8, 30, 120, 500);
    out->asks_max = ONE_OF(&rng, 2, 4, 10);
    out->open_max = ONE_OF(&rng, 4, 32, 200);
    out->hops_max = ONE_OF(&rng, 4, 16, 64);
    out->runs_max = ONE_OF(&rng, 4, 8, 12);
    out->ledgers = ONE_OF(&rng, 2, 5);
    out->peer_count = ONE_OF(&rng, 2, 3, 5);
    out->segment_bytes = ONE_OF(&rng, 32 * KIB, 64 * KIB, 256 * KIB);
    out->shards = ONE_OF(&rng, 1, 2, 3, 5, 8);
    out->workers = ONE_OF(&rng, 1, 2, 3);
    out->has_store = skn_rng_chance(&rng, 3, 4);
    out->is_slow = out->has_store && coin(&rng);
    /* Of each shard; also less than one slice reads [E13]. */
    out->cache_bytes = out->shards * ONE_OF(&rng, 0, 400, 64 * KIB);
    out->checkpoint_records = ONE_OF(&rng, 10, 100, 1000);
    out->checkpoint_ms = ONE_OF(&rng, 200, 5000, 30000);
    /* Behind the others, so that these are the same as before there were limiters. */
    out->limiters = out->jobs && coin(&rng);
    out->bombs = skn_rng_chance(&rng, 1, 4);
    out->pauses = coin(&rng);
    static const int32_t drifts[] = {0, 0, 0, 0, 1000, -1000, -1000000};
    out->drift_ppm = drifts[skn_rng_below(&rng, SKN_ARRAY_LEN(drifts))];
    if (out->tight) out->limits.slice_memory = ONE_OF(&rng, 0, 64 * KIB, 4096 * KIB);
    out->limits.limiter_idle_ms = ONE_OF(&rng, 1, 1000, 5000);
    out->secrets = out->peers && coin(&rng);
    out->history = skn_rng_chance(&rng, 1, 3) && out->has_store;
    out->keep_ms = ONE_OF(&rng, 1, 1000, 20000, 600000);
    out->rekeys = out->secrets && coin(&rng);
    out->blobs = skn_rng_chance(&rng, 1, 3);
    if (out->blobs) out->limits.blob_condemned_ms = ONE_OF(&rng, 96, 960, 9600);
    draw_more_limits(&rng, out);
}

void params_print(const struct sim_params *p, struct skn_buf *out)
{
    const struct {
        const char *name;
        bool is_on;
    } flags[] = {{"kills", p->kills},
                 {"cuts", p->cuts},
                 {"in-operations", p->in_operations},
                 {"io-errors", p->io_errors},
                 {"full-disks", p->full_disks},
                 {"stops", p->stops},
                 {"clocks", p->clocks},
                 {"slow-disk", p->slow_disk},
                 {"holds", p->holds},
                 {"lates", p->lates},
                 {"failures", p->failures},
                 {"cancels", p->cancels},
                 {"repeats", p->repeats},
                 {"bad-asks", p->bad_asks},
                 {"bad-adds", p->bad_adds},
                 {"flows", p->flows},
                 {"peers", p->peers},
                 {"jobs", p->jobs},
                 {"limiters", p->limiters},
                 {"timers", p->timers},
                 {"secrets", p->secrets},
                 {"rekeys", p->rekeys},
                 {"history", p->history},
                 {"blobs", p->blobs},
                 {"models", p->models},
                 {"hours", p->hours},
                 {"bombs", p->bombs},
                 {"pauses", p->pauses},
                 {"tight", p->tight},
                 {"store", p->has_store},
                 {"slow-store", p->is_slow}};
    const struct {
        const char *name;
        uint64_t n;
    } numbers[] = {{"crash-every", p->crash_every},
                   {"asks", p->asks_max},
                   {"open", p->open_max},
                   {"hops", p->hops_max},
                   {"runs", p->runs_max},
                   {"ledgers", p->ledgers},
                   {"peers", p->peer_count},
                   {"segment", p->segment_bytes},
                   {"shards", p->shards},
                   {"workers", p->workers},
                   {"cache", p->cache_bytes},
                   {"checkpoint-records", p->checkpoint_records},
                   {"checkpoint-ms", p->checkpoint_ms},
                   {"keep-ms", p->keep_ms},
                   {"speculative", p->limits.speculative_batches},
                   {"warm", p->limits.warm_domains},
                   {"quantum", p->limits.quantum_gas},
                   {"faults-in-row", p->limits.faults_in_row},
                   {"mailbox", p->limits.mailbox_messages},
                   {"waiting", p->limits.requests_waiting},
                   {"message", p->limits.message_bytes},
                   {"batch", p->limits.batch_bytes},
                   {"gas", p->limits.slice_gas},
                   {"memory", p->limits.slice_memory},
                   {"row", p->limits.row_bytes},
                   {"rows", p->limits.hot_rows},
                   {"answers", p->limits.answers},
                   {"depth", p->limits.call_depth},
                   {"kept-calls", p->limits.kept_calls},
                   {"outbox", p->limits.outbox_messages},
                   {"outbox-bytes", p->limits.outbox_bytes},
                   {"faulted-waiting", p->limits.faulted_waiting},
                   {"dead-letters", p->limits.dead_letters},
                   {"ids", p->limits.request_ids},
                   {"id-bytes", p->limits.request_bytes},
                   {"limiter-waiting", p->limits.limiter_waiting},
                   {"speculative-bytes", p->limits.speculative_bytes}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(flags); i++)
        skn_buf_printf(out, "%s%s%s", i ? " " : "", flags[i].is_on ? "+" : "-", flags[i].name);
    for (size_t i = 0; i < SKN_ARRAY_LEN(numbers); i++)
        skn_buf_printf(out, " %s=%llu", numbers[i].name, (unsigned long long)numbers[i].n);
    skn_buf_printf(out, " drift=%d", (int)p->drift_ppm);
}

void skn_sim_print_params(uint64_t seed, struct skn_buf *out)
{
    struct sim_params params;
    params_draw(seed, &params);
    params_print(&params, out);
}
