/* life.c - the simulated node: it opens, works, is killed or loses power, and opens again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world_internal.h"

#include "base/pure.h"

enum {
    PAUSE_MS_MAX = 60 * 1000,
    OPENINGS_MAX = 50, /* in a row that die: more is no test but a loop */
    JUMP_MS_MAX = 10 * 60 * 1000,
    JUMPED_MS_MAX = 12 * 60 * 60 * 1000, /* request ids are promised for 24 h only */
    DAY_MS = 24 * 60 * 60 * 1000,
    OPERATIONS_MAX = 12, /* until an operation that fails */
    FULL_ROUNDS_MAX = 20,
    SLOW_MS_MAX = 5000, /* of one round */
    SOME_TURNS_MAX = 12,
    ALL_TURNS_MAX = 100000,
};

#define DISK_ENDLESS (UINT64_C(1) << 60)

static const char *const cut_names[] = {
    "cut:drop", "cut:prefix", "cut:sectors", "cut:torn", "cut:names-lost", "cut:names-only"};
static_assert(SKN_ARRAY_LEN(cut_names) == SKN_CUT_COUNT, "each cut has a name");
static_assert(SKN_COVER_CUT_NAMES_ONLY == SKN_COVER_CUT_DROP + SKN_CUT_COUNT - 1,
              "the cuts are counted in their order");

/* --- the plan ------------------------------------------------------------------------------------- */

static bool is_spared(const struct world *w)
{
    const struct skn_sim_options *o = w->options;
    if (w->is_quiet || o->no_faults || o->stop_at) return true;
    if (!o->fault_rounds) return false;
    for (size_t i = 0; i < o->fault_round_count; i++)
        if (o->fault_rounds[i] == w->report->rounds) return false;
    return true;
}

static void plan_disk(const struct sim_params *p, struct skn_rng *rng, struct round_plan *plan)
{
    static const enum skn_fault stops[] = {SKN_FAULT_STOP, SKN_FAULT_STOP, SKN_FAULT_STOP_SHORT};
    bool stops_now = skn_rng_chance(rng, 1, p->crash_every);
    bool fails_now = skn_rng_chance(rng, 1, (uint64_t)2 * p->crash_every);
    uint64_t which = skn_rng_below(rng, SKN_ARRAY_LEN(stops));
    plan->nth = 1 + skn_rng_below(rng, OPERATIONS_MAX);
    plan->arms = (stops_now && p->in_operations) || (fails_now && p->io_errors);
    plan->fault = stops_now && p->in_operations ? stops[which] : SKN_FAULT_EIO;
    plan->fails_commit = fails_now && p->io_errors && p->has_store && plan->nth % 3 == 0;
    plan->fills = skn_rng_chance(rng, 1, (uint64_t)8 * p->crash_every) && p->full_disks;
    bool is_slow = skn_rng_chance(rng, 1, 10);
    uint64_t shift = skn_rng_below(rng, 13); /* 1 ms to 4 s */
    if (is_slow && p->slow_disk) plan->sync_ns = (uint64_t)MS_IN_NS << shift;
}

static void plan_end(const struct sim_params *p, struct skn_rng *rng, struct round_plan *plan)
{
    plan->crashes = skn_rng_chance(rng, 1, p->crash_every) && (p->kills || p->cuts);
    plan->is_kill = skn_rng_chance(rng, 1, 2);
    if (p->kills != p->cuts) plan->is_kill = p->kills;
    plan->cut = (enum skn_cut)skn_rng_below(rng, SKN_CUT_COUNT);
    if (skn_rng_chance(rng, 1, 4)) plan->cut = SKN_CUT_DROP;
    /* What the next node finds may be in the page cache only: often the power fails soon. */
    bool cuts_after = skn_rng_chance(rng, 1, 2);
    uint32_t cut_in = 1 + (uint32_t)skn_rng_below(rng, 6);
    if (cuts_after && p->cuts) plan->cut_in = cut_in;
    plan->stops = skn_rng_chance(rng, 1, (uint64_t)3 * p->crash_every) && p->stops;
    plan->jumps = skn_rng_chance(rng, 1, 40) && p->clocks;
    bool is_back = skn_rng_chance(rng, 1, 2);
    int64_t ms = (int64_t)skn_rng_below(rng, is_back ? DAY_MS : JUMP_MS_MAX);
    plan->jump_ms = is_back ? -ms : ms;
    plan->holds = skn_rng_chance(rng, 1, 2) && p->holds;
}

void life_plan(struct world *w)
{
    struct skn_rng rng;
    uint64_t state = w->options->seed * 0x9e3779b97f4a7c15u ^ w->report->rounds;
    skn_rng_init(&rng, skn_splitmix64(&state));
    w->plan = (struct round_plan){0};
    w->has_fault = false;
    if (is_spared(w)) {
        w->plan.is_kill = w->options->stop_how == SKN_SIM_KILL;
        if (!w->plan.is_kill) w->plan.cut = (enum skn_cut)(w->options->stop_how - SKN_SIM_CUT);
        if (w->options->cut_after) w->plan.cut_in = 1 + (uint32_t)skn_rng_below(&rng, 6);
        return;
    }
    plan_disk(&w->params, &rng, &w->plan);
    plan_end(&w->params, &rng, &w->plan);
    w->plan.seed = skn_rng_u64(&rng);
    /* Behind the others, so that these are the same as before there were pauses. */
    bool pauses_now = skn_rng_chance(&rng, 1, 60);
    uint32_t pause_ms = (uint32_t)skn_rng_below(&rng, PAUSE_MS_MAX);
    if (pauses_now && w->params.pauses) w->plan.pause_ms = pause_ms;
    w->plan.reads = skn_rng_chance(&rng, 1, 2) && w->plan.fault == SKN_FAULT_EIO;
    skn_env_sim_set_sync(w->machine, w->plan.sync_ns);
    if (w->plan.sync_ns) world_fault(w);
}

void life_calm(struct world *w)
{
    w->is_quiet = true;
    w->cut_in = w->full_for = 0;
    skn_env_sim_fault(w->machine, SKN_FAULT_NONE, true, 1, 1);
    skn_env_sim_set_disk(w->machine, DISK_ENDLESS);
    skn_env_sim_set_sync(w->machine, 0);
    if (w->commit_fails) skn_backend_memory_fail_commit(w->backend, 0);
    w->commit_fails = false;
}

/* --- the end ------------------------------------------------------------------------------------ */

/* The node could not go on, and that is no fault of its own [E7] [E8]: it ends, and opening decides. */
static bool is_excused(struct world *w, enum skn_rc rc)
{
    if (skn_env_sim_is_stopped(w->machine)) {
        world_cover(w, SKN_COVER_CRASH_IN_OP);
        w->report->stopped_at += w->options->stop_at > 0;
        return true;
    }
    if (w->full_for > 0 && rc == SKN_EDISKFULL) {
        world_cover(w, SKN_COVER_DISK_FULL);
        return true;
    }
    bool has_failed = skn_env_sim_has_faulted(w->machine);
    if (!has_failed && w->commit_fails && rc == SKN_EIO) {
        has_failed = true;
        w->commit_fails = false;
    }
    if (has_failed) world_cover(w, SKN_COVER_IO_ERROR);
    return has_failed;
}

static void no_faults(struct world *w)
{
    if (w->options->stop_at && !skn_env_sim_has_faulted(w->machine)) return;
    skn_env_sim_fault(w->machine, SKN_FAULT_NONE, true, 1, 1);
}

static void jump_wall(struct world *w)
{
    int64_t ms = w->plan.jump_ms;
    if (!w->plan.jumps || (ms > 0 && w->jumped_ms + (uint64_t)ms > JUMPED_MS_MAX)) return;
    /* A clock that went back a day has a day to catch up, so that is never counted down. */
    if (ms > 0) w->jumped_ms += (uint64_t)ms;
    world_cover(w, ms > 0 ? SKN_COVER_CLOCK_FORWARD : SKN_COVER_CLOCK_BACK);
    world_fault(w);
    skn_env_sim_jump_wall(w->machine, ms * MS_IN_NS);
    struct skn_history_event event = {.kind = SKN_HISTORY_CLOCK, .amount = ms};
    world_event(w, &event);
}

/* By how much it went wrong since the last time. */
static void drift_wall(struct world *w)
{
    uint64_t now_ms = world_now_ms(w), passed_ms = now_ms - w->drifted_ms;
    int64_t off_ms = (int64_t)passed_ms * w->params.drift_ppm / 1000000;
    if (off_ms == 0) return;
    w->drifted_ms = now_ms;
    world_cover(w, SKN_COVER_CLOCK_DRIFT);
    skn_env_sim_jump_wall(w->machine, off_ms * MS_IN_NS);
    struct skn_history_event event = {.kind = SKN_HISTORY_CLOCK, .amount = off_ms};
    world_event(w, &event);
}

static void gone_at(struct world *w, const char *how, struct skn_slice domain)
{
    tasks_vanish(w);
    blobs_vanish(w);
    clients_disconnect(w);
    w->unsettled = 0;
    struct skn_history_event event = {
        .kind = SKN_HISTORY_CRASH, .domain = domain, .name = skn_slice_str(how)};
    world_event(w, &event);
}

static void gone(struct world *w, const char *how)
{
    gone_at(w, how, (struct skn_slice){0});
}

static void crash(struct world *w)
{
    bool is_kill = w->plan.is_kill && w->cut_in == 0;
    world_fault(w);
    if (is_kill) {
        skn_env_sim_kill(w->machine);
        world_cover(w, SKN_COVER_KILL);
        gone(w, "kill");
        w->cut_in = w->plan.cut_in;
    } else {
        enum skn_cut cut = w->plan.cut;
        skn_env_sim_power_cut(w->machine, cut);
        world_cover(w, (enum skn_cover)(SKN_COVER_CUT_DROP + cut));
        if (w->cut_in) world_cover(w, SKN_COVER_CUT_AFTER_KILL);
        w->cut_in = 0;
        gone(w, cut_names[cut]);
    }
    node_abandon(w);
    node_crash_store(w);
    no_faults(w);
}

/* By a fault of its own, at this domain [E35]. */
static void crash_marked(struct world *w, struct skn_slice domain)
{
    world_fault(w);
    skn_env_sim_kill(w->machine);
    world_cover(w, SKN_COVER_KILL_MARKED);
    gone_at(w, "marked", domain);
    node_abandon(w);
    node_crash_store(w);
    no_faults(w);
}

static void stop(struct world *w)
{
    struct skn_diag diag = {0};
    gone(w, "stop");
    enum skn_rc rc = node_close(w, &diag);
    if (rc != SKN_OK && !is_excused(w, rc)) world_fail(w, "P7: the node cannot stop", &diag);
    world_cover(w, SKN_COVER_CLEAN_STOP);
    node_crash_store(w); /* what no checkpoint made durable is nowhere but in the journal */
    if (w->plan.cut_in)
        skn_env_sim_power_cut(w->machine, SKN_CUT_DROP);
    else
        skn_env_sim_kill(w->machine);
    no_faults(w);
}

void life_end(struct world *w)
{
    jump_wall(w);
    drift_wall(w);
    if (w->full_for > 0 && --w->full_for == 0) skn_env_sim_set_disk(w->machine, DISK_ENDLESS);
    if (w->plan.fills && w->full_for == 0) {
        w->full_for = 1 + (uint32_t)(w->plan.seed % FULL_ROUNDS_MAX);
        skn_env_sim_set_disk(w->machine, 1);
        world_fault(w);
    }
    if (!w->node) return;
    bool cuts_now = w->cut_in == 1;
    if (w->cut_in > 1) w->cut_in--;
    if (cuts_now || w->plan.crashes) {
        world_cover(w, SKN_COVER_CRASH_BETWEEN);
        crash(w);
    } else if (w->plan.stops) {
        world_fault(w);
        stop(w);
    }
}

/* --- the beginning -------------------------------------------------------------------------------- */

/* The process will stop in the middle of some operation to come, or that operation fails. */
static void arm(struct world *w)
{
    if (w->plan.fails_commit && !w->commit_fails) {
        skn_backend_memory_fail_commit(w->backend, 1);
        w->commit_fails = true;
        world_fault(w);
    }
    if (!w->plan.arms) return;
    skn_env_sim_fault(w->machine, w->plan.fault, !w->plan.reads, w->plan.nth, 1);
    world_fault(w);
    w->plan.arms = false;
}

/* A disk that is full refuses each opening, until there is room. */
static bool waits_for_room(struct world *w, enum skn_rc rc)
{
    if (rc != SKN_EDISKFULL || w->full_for == 0) return false;
    w->full_for = 0;
    skn_env_sim_set_disk(w->machine, DISK_ENDLESS);
    return true;
}

static void opened(struct world *w, struct skn_diag *diag)
{
    world_cover(w, SKN_COVER_OPENING);
    if (w->plan.holds) world_cover(w, SKN_COVER_OPENING_HELD);
    if (w->plan.holds) world_fault(w);
    struct skn_history_event event = {.kind = SKN_HISTORY_OPEN, .epoch = node_epoch(w)};
    world_event(w, &event);
    enum skn_rc rc = look_around(w, diag);
    if (rc != SKN_OK) life_fail(w, rc, diag);
    if (rc != SKN_OK) (void)waits_for_room(w, rc);
    if (w->node) past_look(w, false);
    if (w->node) blobs_look(w, false);
}

void life_begin(struct world *w)
{
    bool arms_opening = w->plan.seed % 3 == 0;
    for (int i = 0; i < OPENINGS_MAX && w->rc == SKN_OK; i++) {
        struct skn_diag diag = {0};
        if (arms_opening) arm(w);
        enum skn_rc rc = node_open(w, !w->plan.holds, &diag);
        if (rc == SKN_OK && skn_env_sim_is_stopped(w->machine)) rc = SKN_EIO; /* it never heard */
        if (rc == SKN_OK) {
            if (arms_opening) no_faults(w);
            opened(w, &diag);
            if (w->node) return;
            continue;
        }
        if (!is_excused(w, rc)) {
            world_fail(w, "P1: the node does not open", &diag);
            return;
        }
        world_cover(w, SKN_COVER_CRASH_OPENING);
        if (!waits_for_room(w, rc)) crash(w);
    }
    world_fail(w, "P1: the node dies at each opening", NULL);
}

/* --- work -------------------------------------------------------------------------------------------- */

void life_hear(struct world *w, const struct skn_output *output)
{
    limits_cover(w, output);
    if (models_take(w, output) || blobs_take(w, output)) return;
    if (output->kind == SKN_OUTPUT_REPLY)
        clients_hear(w, output);
    else if (output->kind == SKN_OUTPUT_SIGNAL)
        clients_hear_signal(w, output);
    else
        tasks_take(w, output);
}

void life_fail(struct world *w, enum skn_rc rc, const struct skn_diag *diag)
{
    if (!is_excused(w, rc))
        world_fail(w, "P7: the node fails", diag);
    else if (rc == SKN_EDISKFULL && w->plan.seed % 2)
        stop(w);
    else
        crash(w);
}

/* Some parts, each with what it happens to have; the rest stays on its way. */
static enum skn_rc turn_some(struct world *w, struct skn_diag *diag)
{
    enum skn_rc rc = SKN_OK;
    for (uint64_t n = skn_rng_below(&w->rng, SOME_TURNS_MAX); n > 0 && rc == SKN_OK; n--) {
        rc = node_turn_some(w, diag);
        node_hear(w);
    }
    return rc;
}

/* Until nothing is left to do. */
static enum skn_rc turn_all(struct world *w, struct skn_diag *diag)
{
    enum skn_rc rc = SKN_OK;
    uint64_t began_ms = world_now_ms(w);
    bool more = true;
    for (int i = 0; more && rc == SKN_OK && w->rc == SKN_OK; i++) {
        rc = node_turn_all(w, &more, diag);
        /* A disk that stays so slow makes timers late, and rightly. */
        if (world_now_ms(w) > began_ms + SLOW_MS_MAX) skn_env_sim_set_sync(w->machine, 0);
        node_hear(w);
        if (i > ALL_TURNS_MAX) world_fail(w, "P1: the node is never done", NULL);
    }
    return rc;
}

void life_turn(struct world *w)
{
    struct skn_diag diag = {0};
    arm(w);
    if (w->plan.sync_ns) world_cover(w, SKN_COVER_SLOW_SYNC);
    bool is_partial = !w->is_quiet && skn_rng_chance(&w->rng, 1, 2);
    if (w->plan.pause_ms) {
        /* What was due meanwhile is late by that, and then comes at once. */
        is_partial = false;
        world_cover(w, SKN_COVER_PAUSE);
        world_fault(w);
        skn_env_sim_advance(w->machine, (uint64_t)w->plan.pause_ms * MS_IN_NS);
    }
    enum skn_rc rc = is_partial ? turn_some(w, &diag) : turn_all(w, &diag);
    /* What fails for the history is no failure of the node, but a dead process does nothing. */
    if (rc == SKN_OK && skn_env_sim_is_stopped(w->machine)) rc = SKN_EIO;
    struct skn_slice domain;
    if (rc == SKN_OK && bombs_have_killed(w, &domain)) {
        crash_marked(w, domain);
        return;
    }
    if (rc != SKN_OK) {
        life_fail(w, rc, &diag);
        return;
    }
    no_faults(w); /* and it went on all the same */
    if (w->unsettled == 0 || is_partial) return;
    w->unsettled = 0;
    struct skn_history_event event = {.kind = SKN_HISTORY_SETTLED};
    world_event(w, &event);
}
