/* life.c - the simulated node: it opens, works, is killed or loses power, and opens again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow.h"
#include "sim/world_internal.h"

#include "base/pure.h"

enum {
    OPENINGS_MAX = 50, /* in a row that die: more is no test but a loop */
    JUMP_MS_MAX = 10 * 60 * 1000,
    JUMPED_MS_MAX = 12 * 60 * 60 * 1000, /* request ids are promised for 24 h only */
    DAY_MS = 24 * 60 * 60 * 1000,
};

static const struct skn_program *const programs[] = {
    &skn_flow_program, &sim_ledger_program, &sim_peer_program, NULL};

static const char *const cut_names[] = {
    "cut:drop", "cut:prefix", "cut:sectors", "cut:torn", "cut:names-lost", "cut:names-only"};
static_assert(SKN_ARRAY_LEN(cut_names) == SKN_CUT_COUNT, "each cut has a name");
static_assert(SKN_SIM_CUT + SKN_CUT_COUNT <= SKN_SIM_CRASHES, "each cut is counted");

/* --- the end ------------------------------------------------------------------------------------ */

/* The node could not go on, and that is no fault of its own [E7]: it ends, and opening decides. */
static bool is_excused(struct world *w)
{
    if (skn_env_sim_is_stopped(w->machine)) {
        w->report->stops++;
        return true;
    }
    bool has_failed = skn_env_sim_has_faulted(w->machine);
    w->report->io_errors += has_failed;
    return has_failed;
}

static void no_faults(struct world *w)
{
    skn_env_sim_fault(w->machine, SKN_FAULT_NONE, true, 1, 1);
}

static void jump_wall(struct world *w)
{
    if (!skn_rng_chance(&w->rng, 1, 4)) return;
    uint64_t ms = skn_rng_below(&w->rng, JUMP_MS_MAX);
    bool is_back = skn_rng_chance(&w->rng, 1, 2);
    if (is_back) ms = skn_rng_below(&w->rng, DAY_MS);
    if (!is_back && w->jumped_ms + ms > JUMPED_MS_MAX) return;
    /* A clock that went back a day has a day to catch up, so that is never counted down. */
    if (!is_back) w->jumped_ms += ms;
    int64_t ns = (int64_t)(ms * MS_IN_NS);
    skn_env_sim_jump_wall(w->machine, is_back ? -ns : ns);
}

static void gone(struct world *w, const char *how)
{
    world_count(w);
    tasks_vanish(w);
    clients_disconnect(w);
    w->unsettled = 0;
    const struct skn_history_event event = {.kind = SKN_HISTORY_CRASH, .name = skn_slice_str(how)};
    world_event(w, &event);
}

static void power_cut(struct world *w)
{
    enum skn_cut cut = (enum skn_cut)skn_rng_below(&w->rng, SKN_CUT_COUNT);
    if (skn_rng_chance(&w->rng, 1, 3)) cut = SKN_CUT_DROP;
    if (w->options->stop_how >= SKN_SIM_CUT)
        cut = (enum skn_cut)(w->options->stop_how - SKN_SIM_CUT);
    skn_env_sim_power_cut(w->machine, cut);
    w->report->crashes[SKN_SIM_CUT + cut]++;
    if (w->cut_in) w->report->cuts_after_kill++;
    w->cut_in = 0;
    gone(w, cut_names[cut]);
}

void life_crash(struct world *w)
{
    bool is_kill = skn_rng_chance(&w->rng, 1, 2);
    if (w->options->stop_at) is_kill = w->options->stop_how == SKN_SIM_KILL;
    if (is_kill && !w->cut_in) {
        skn_env_sim_kill(w->machine);
        w->report->crashes[SKN_SIM_KILL]++;
        gone(w, "kill");
        /* What the next node finds may be in the page cache only: often the power fails soon. */
        bool cuts = w->options->stop_at ? w->options->cut_after : skn_rng_chance(&w->rng, 1, 2);
        if (cuts) w->cut_in = 1 + (uint32_t)skn_rng_below(&w->rng, 6);
    } else {
        power_cut(w);
    }
    skn_shard_abandon(w->shard);
    w->shard = NULL;
    no_faults(w);
    jump_wall(w);
}

void life_stop(struct world *w)
{
    struct skn_diag diag = {0};
    gone(w, "stop");
    enum skn_rc rc = skn_shard_close(w->shard, &diag);
    w->shard = NULL;
    if (rc != SKN_OK && !is_excused(w)) world_fail(w, "the node cannot stop", &diag);
    w->report->clean_stops++;
    if (skn_rng_chance(&w->rng, 1, 3))
        skn_env_sim_power_cut(w->machine, SKN_CUT_DROP);
    else
        skn_env_sim_kill(w->machine);
    no_faults(w);
}

/* --- the beginning -------------------------------------------------------------------------------- */

/* The process will stop in the middle of some operation to come, or that operation fails. */
static void arm(struct world *w)
{
    static const enum skn_fault faults[] = {
        SKN_FAULT_STOP, SKN_FAULT_STOP, SKN_FAULT_STOP_SHORT, SKN_FAULT_EIO};
    if (w->is_quiet || w->options->no_crashes || w->options->stop_at) return;
    enum skn_fault fault = faults[skn_rng_below(&w->rng, SKN_ARRAY_LEN(faults))];
    skn_env_sim_fault(w->machine, fault, true, 1 + skn_rng_below(&w->rng, 12), 1);
}

static enum skn_rc start(struct world *w, bool take_up_all, struct skn_diag *diag)
{
    const struct skn_shard_options options = {.env = skn_env_sim_env(w->machine),
                                              .dir = "/journal",
                                              .programs = programs,
                                              .take_up_all = take_up_all,
                                              .check_rebuild = true,
                                              .segment_bytes = w->segment_bytes,
                                              .no_reserve = true};
    return skn_shard_open(&options, &w->shard, diag);
}

void life_begin(struct world *w)
{
    for (int i = 0; i < OPENINGS_MAX; i++) {
        struct skn_diag diag = {0};
        bool take_up_all = w->is_quiet || skn_rng_chance(&w->rng, 2, 3);
        if (skn_rng_chance(&w->rng, 1, 4)) arm(w);
        enum skn_rc rc = start(w, take_up_all, &diag);
        if (rc == SKN_OK) {
            if (!w->options->stop_at) no_faults(w);
            w->report->opens++;
            w->report->opens_held += !take_up_all;
            const struct skn_history_event event = {
                .kind = SKN_HISTORY_OPEN, .epoch = skn_core_epoch(skn_shard_core(w->shard))};
            world_event(w, &event);
            look_around(w);
            return;
        }
        if (!is_excused(w)) {
            world_fail(w, "P1: the node does not open", &diag);
            return;
        }
        w->report->crashes_opening++;
        life_crash(w);
    }
    world_fail(w, "the node dies at each opening", NULL);
}

/* --- work -------------------------------------------------------------------------------------------- */

static void let_out(struct world *w)
{
    struct skn_output output;
    while (w->rc == SKN_OK && skn_core_next_output(skn_shard_core(w->shard), &output)) {
        if (output.kind == SKN_OUTPUT_REPLY)
            clients_hear(w, &output);
        else if (output.kind != SKN_OUTPUT_SIGNAL)
            tasks_take(w, &output);
    }
}

void life_turn(struct world *w)
{
    struct skn_diag diag = {0};
    bool more = true;
    if (skn_rng_chance(&w->rng, 1, 12)) arm(w);
    while (more && w->rc == SKN_OK) {
        enum skn_rc rc = skn_shard_turn(w->shard, &more, &diag);
        /* Also when the turn died: what the core lets out by then may have left before. */
        let_out(w);
        if (rc == SKN_OK) continue;
        if (is_excused(w))
            life_crash(w);
        else
            world_fail(w, "the node fails", &diag);
        return;
    }
    if (skn_env_sim_has_faulted(w->machine)) no_faults(w); /* and it went on all the same */
    if (w->unsettled == 0) return;
    w->unsettled = 0;
    const struct skn_history_event event = {.kind = SKN_HISTORY_SETTLED};
    world_event(w, &event);
}
