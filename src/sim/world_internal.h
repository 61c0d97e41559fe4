/* world_internal.h - what the parts of one simulation share.
 *
 * Owns        the simulated machine, the node on it, the clients and the tasks.
 * May include base, value, env, core, shard.
 * Threads     none.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/rng.h"
#include "core/core.h"
#include "env/env_sim.h"
#include "shard/shard.h"
#include "sim/sim.h"

enum { MS_IN_NS = 1000000, RUNS_MAX = 8, LEDGERS = 2, PEERS = 3 };

/* Something a client wants, asked as often as it takes. Its number is its place + 1. */
struct ask {
    struct skn_slice domain, id, name;
    struct skn_slice payload; /* encoded */
    uint64_t hash;            /* of the payload */
    int64_t amount;
    bool is_waiting; /* for an answer of the node that lives */
    bool is_answered;
};

/* A program that runs, or ran in a node that is dead. */
struct sim_task {
    struct skn_slice domain, path;
    uint64_t number, epoch;
    uint32_t attempt;
    uint8_t key[SKN_KEY_BYTES];
    uint64_t end_ms; /* by the monotonic clock */
    bool is_cancelled, is_leaving;
};

struct task_list {
    struct sim_task *items;
    size_t count, cap;
};

struct world {
    const struct skn_sim_options *options;
    struct skn_sim_report *report;
    struct skn_diag *diag;
    enum skn_rc rc; /* the first violation sticks */
    struct skn_rng rng;
    struct skn_arena arena;
    struct skn_buf scratch, text;
    struct skn_checker *checker;
    struct skn_env_sim *machine;
    struct skn_shard *shard; /* NULL: down */
    uint32_t segment_bytes;
    uint32_t cut_in; /* steps until the power cut after a kill, 0 none */
    bool is_quiet;   /* no faults any more */
    uint64_t jumped_ms;
    struct ask *asks;
    size_t ask_count, ask_cap;
    uint32_t runs;
    struct task_list tasks, ghosts; /* that run; that are to be told too late, or again */
    size_t unsettled;               /* results given since the last turn */
};

/* --- sim.c ------------------------------------------------------------------------------------ */

/* An event for the history: counted, traced and judged. */
void world_event(struct world *w, const struct skn_history_event *event);
/* The simulation fails; the first reason stays. */
void world_fail(struct world *w, const char *why, const struct skn_diag *diag);
/* Domains that wait since the opening go on; an empty address means all. */
void world_take_up(struct world *w, struct skn_slice address, bool is_asked);
uint64_t world_now_ms(struct world *w);
uint64_t world_hash(struct skn_slice bytes);

/* Adds what the node that ends here has counted. */
void world_count(struct world *w);

/* --- life.c: the node -------------------------------------------------------------------------- */

/* Starts it, again and again when it dies while it opens. */
void life_begin(struct world *w);
/* Handles what waits and lets out what may leave; the node may die of it. */
void life_turn(struct world *w);
/* The node is gone now: killed, or by a power cut. */
void life_crash(struct world *w);
void life_stop(struct world *w);

/* --- look.c: everything that the rows show ------------------------------------------------------- */

void look_around(struct world *w);
/* Runs of the store that are neither over nor held nor interrupted are counted; those that are
 * interrupted are appended to `out`, one address and a newline each. */
size_t look_for_runs(struct world *w, struct skn_buf *out_interrupted);

/* --- tasks.c: the executor ------------------------------------------------------------------------ */

void tasks_take(struct world *w, const struct skn_output *output);
/* Ends what is due. */
void tasks_end_due(struct world *w);
/* When the next one ends, UINT64_MAX: none runs. */
uint64_t tasks_next_ms(const struct world *w);
/* The node dies, and they with it; some have had their effect, some are heard of later. */
void tasks_vanish(struct world *w);
/* Gives the node of now the result of a task of a dead one, or a failure once more. */
void tasks_tell_late(struct world *w);

/* --- clients.c -------------------------------------------------------------------------------------- */

void clients_ask_something(struct world *w);
void clients_hear(struct world *w, const struct skn_output *reply);
/* Whoever waits for an answer waits no more. */
void clients_disconnect(struct world *w);
/* Asks again for all that has no answer; how many that are. */
size_t clients_ask_again(struct world *w);
void clients_resume(struct world *w, struct skn_slice run);

/* --- flows.c, programs.c ---------------------------------------------------------------------------- */

/* The payload of a `start`: a random flow. Lives as long as the world. */
struct skn_slice flows_start(struct world *w);

extern const struct skn_program sim_ledger_program, sim_peer_program;
/* Tells the rows of a ledger or peer as events. */
void programs_look(struct world *w, struct skn_store *store, struct skn_slice address);
