/* world_internal.h - what the parts of one simulation share.
 *
 * Owns        the simulated machine, the node on it, the clients and the tasks.
 * May include base, value, env, core, shard.
 * Threads     none.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/rng.h"
#include "core/core.h"
#include "env/env_sim.h"
#include "sim/params_internal.h"
#include "sim/sim.h"

enum { MS_IN_NS = 1000000 };

/* A value among the inputs of every run that the first events, A and B, do not take (P8). */
#define SIM_CANARY "undeclared-canary"
enum { SIM_MODEST_EVENTS = 2 };

/* Something a client wants, asked as often as it takes. Its number is its place + 1. */
struct ask {
    struct skn_slice domain, id, name;
    struct skn_slice payload; /* encoded */
    uint64_t hash;            /* of the payload */
    int64_t amount;
    enum skn_priority priority;
    uint32_t waits_in; /* life of the node that owes an answer; 0: none does */
    bool is_answered;
    uint64_t answered_ms;
    bool is_limited; /* refused last because too many ids are remembered */
    bool is_bad;     /* cannot be admitted, ever */
    bool is_note;    /* leaves a row that is pruned soon */
    uint32_t asked;  /* so often */
    uint64_t stamp;  /* when it was done, where that is sure: an add that was asked once */
};

/* A program that runs, or ran in a node that is dead. */
struct sim_task {
    struct skn_slice domain, path;
    uint64_t number, epoch;
    uint32_t attempt;
    uint8_t key[SKN_KEY_BYTES];
    uint64_t end_ms; /* by the monotonic clock */
    uint32_t life;   /* of the node that had it performed */
    bool is_cancelled, is_leaving;
    bool has_outcomes; /* its event declares SIM_OUTCOME */
};
#define SIM_OUTCOME "declined"

struct task_list {
    struct sim_task *items;
    size_t count, cap;
};

/* What happens to the node in one round: decided by seed and round, so that leaving out the faults of
 * one round changes none of another. */
struct round_plan {
    bool arms; /* an operation of the disk to come fails, or stops the process */
    enum skn_fault fault;
    uint64_t nth;
    bool crashes, stops, jumps, fills;
    bool is_kill;
    enum skn_cut cut;
    uint32_t cut_in; /* rounds until the power cut after a kill, 0 none */
    int64_t jump_ms;
    bool fails_commit; /* the next checkpoint cannot be made durable */
    uint64_t sync_ns;  /* a sync takes so long in this round */
    uint32_t pause_ms; /* the process is stopped for so long */
    bool reads;        /* what fails may be a read */
    bool holds;        /* an opening leaves interrupted runs alone */
    uint64_t seed;     /* for what else the faults of this round need */
};

struct sim_node;

/* In front of every secret, so that it is found where it should not be. */
#define SIM_SECRET "a secret of the simulator: "

struct world {
    const struct skn_sim_options *options;
    struct sim_params params;
    struct skn_sim_report *report;
    struct skn_sim_faults *faults; /* or NULL */
    struct skn_diag *diag;
    enum skn_rc rc;     /* the first violation sticks */
    struct skn_rng rng; /* of this round's workload */
    struct round_plan plan;
    bool has_fault; /* a fault came in this round */
    struct skn_arena arena;
    struct skn_buf scratch, text;
    struct skn_checker *checker;
    struct skn_env_sim *machine;
    struct skn_backend *backend; /* NULL: rows live in memory only */
    struct skn_backend *files;   /* the same, with backups: for a history */
    bool commit_fails;           /* the next commit of the backend does */
    struct sim_node *node;       /* NULL: down */
    struct bombs *bombs;
    struct sim_keys *keys;    /* that secrets are sealed with [E46] */
    uint32_t cut_in;          /* rounds until the power cut after a kill, 0 none */
    uint32_t full_for;        /* rounds until the disk has room again, 0 it has */
    bool is_quiet;            /* no faults any more */
    uint32_t left_for;        /* looks in a row at which nothing was left but rows */
    uint32_t looks, unlooked; /* for work that is left; rounds since the last one */
    uint64_t jumped_ms;
    uint64_t drifted_ms; /* up to then the wall clock's drift is accounted for */
    struct ask *asks;
    size_t ask_count, ask_cap;
    size_t open_asks;        /* that wait for an answer */
    size_t first_unanswered; /* all before it are answered, or never will be */
    uint32_t life;           /* how often a node ended, and 1 */
    uint32_t runs;
    struct task_list tasks, ghosts; /* that run; that are to be told too late, or again */
    struct sim_blobs *blobs;        /* NULL: this seed has none */
    struct sim_models *models;      /* likewise */
    size_t owed;                    /* answers, when they were asked for last */
    size_t limited;                 /* requests that too many ids are remembered for [E34] */
    size_t unsettled;               /* results given since the last turn */
};

/* --- sim.c ------------------------------------------------------------------------------------ */

/* An event for the history: stamped, counted, traced and judged. */
void world_event(struct world *w, struct skn_history_event *event);
/* The simulation fails; the first reason stays. */
void world_fail(struct world *w, const char *why, const struct skn_diag *diag);
uint64_t world_now_ms(struct world *w);
uint64_t world_hash(struct skn_slice bytes);
void world_cover(struct world *w, enum skn_cover item);
/* A fault came: for the shrinking. */
void world_fault(struct world *w);

/* --- node.c: the shards and their parts ----------------------------------------------------------- */

SKN_MUST_USE enum skn_rc node_open(struct world *w, bool take_up_all, struct skn_diag *diag);
/* A clean stop. */
SKN_MUST_USE enum skn_rc node_close(struct world *w, struct skn_diag *diag);
/* Frees it as a kill would leave it; down is fine. */
void node_abandon(struct world *w);
/* The store as a crash leaves it: its last commit, and any beginning of what came after. */
void node_crash_store(struct world *w);
/* After a clean stop: everything that is stored is read, checked, counted and hashed. */
void node_end(struct world *w);

/* Turns one part, whichever. */
SKN_MUST_USE enum skn_rc node_turn_some(struct world *w, struct skn_diag *diag);
/* Turns all of them; `out_more`: there is more to do at once, or something is on its way. */
SKN_MUST_USE enum skn_rc node_turn_all(struct world *w, bool *out_more, struct skn_diag *diag);
/* Gives what came out to life_hear. Also after a turn that failed: it may have left before. */
void node_hear(struct world *w);

void node_submit(struct world *w, const struct skn_request *request);
void node_result(struct world *w, const struct skn_attempt_result *result);
void node_redeliver(struct world *w, const struct skn_redeliver *redeliver);
void node_remove(struct world *w, const struct skn_remove *remove);
/* Domains that wait since the opening go on; an empty address means all. */
void node_take_up(struct world *w, struct skn_slice address, bool is_asked);
uint64_t node_epoch(const struct world *w);
uint32_t node_shards(const struct world *w);
/* Until it wants a turn though nothing came, UINT64_MAX: never. */
uint64_t node_due_in_ms(const struct world *w);

/* `fn` runs at each shard, again from its start when rows have to be fetched; then `tell`, which may
 * be NULL, when all that it saw is durable and nothing newer has been told. Where there is a backend,
 * or no node, what is stored is read beside it: the last group is missing there until the node has
 * been idle [E81], and `core` is NULL. An error is the node's: it cannot go on. */
typedef enum skn_rc (*node_look_fn)(struct world *w,
                                    void *ctx,
                                    uint32_t shard,
                                    struct skn_core *core,
                                    struct skn_store *store,
                                    struct skn_diag *diag);
typedef void (*node_tell_fn)(struct world *w, void *ctx);
SKN_MUST_USE enum skn_rc
node_look(struct world *w, node_look_fn fn, node_tell_fn tell, void *ctx, struct skn_diag *diag);

/* As node_look, at the shards of a node that is up; `fn` may change what they do next. */
SKN_MUST_USE enum skn_rc
node_ask(struct world *w, node_look_fn fn, void *ctx, struct skn_diag *diag);

/* --- keys.c: sealing keys [E46] -------------------------------------------------------------------- */

struct sim_keys *keys_create(uint32_t shards) SKN_MUST_USE;
void keys_destroy(struct sim_keys *keys);
/* What an opening is given. */
const struct skn_keyring *keys_ring(const struct sim_keys *keys);
/* Once in a round: the key is changed, or the change is looked after. */
void keys_turn(struct world *w);

/* --- life.c: its beginnings and ends ------------------------------------------------------------- */

/* Decides what this round does to the node. */
void life_plan(struct world *w);
/* Starts it, again and again when it dies while it opens. */
void life_begin(struct world *w);
/* Handles what waits, or some of it, and lets out what may leave; the node may die of it. */
void life_turn(struct world *w);
/* What came out of the node. */
void life_hear(struct world *w, const struct skn_output *output);
/* It could not go on: `rc` and `diag` say why, and if that is no fault of its own it is gone. */
void life_fail(struct world *w, enum skn_rc rc, const struct skn_diag *diag);
/* What the plan says about its end. */
void life_end(struct world *w);
/* From now on nothing fails. */
void life_calm(struct world *w);

/* --- look.c: everything that the rows show ------------------------------------------------------- */

/* Told as events. An error is the node's. */
SKN_MUST_USE enum skn_rc look_around(struct world *w, struct skn_diag *diag);
/* Runs that are neither over nor held nor interrupted, timers and mail are counted; interrupted runs
 * are appended to `out_interrupted`, one address and a newline each. `out_left`: rows of streams,
 * waiting messages and intents, which go when what they are for is done. */
SKN_MUST_USE enum skn_rc look_for_work(struct world *w,
                                       size_t *out_active,
                                       size_t *out_left,
                                       struct skn_buf *out_interrupted,
                                       struct skn_diag *diag);

/* --- past.c: looking back [E70] --------------------------------------------------------------------- */

/* What ledgers had at some stamps, as events; `is_over`: nothing is under way any more. */
void past_look(struct world *w, bool is_over);

/* In look.c, for `fn` of node_ask: no row may name this sealing key. */
SKN_MUST_USE enum skn_rc
look_for_key(struct world *w, struct skn_store *store, uint64_t id, struct skn_diag *diag);

/* --- rows.c: which row is what, by its key alone --------------------------------------------------- */

enum row_kind {
    ROW_EPOCH,
    ROW_SECRET,
    ROW_TIMER_INDEX,
    ROW_MAIL,
    ROW_INTENT,
    ROW_REQUEST,
    ROW_EXPIRY,
    ROW_DOMAIN,
    ROW_TIMER,
    ROW_DEAD,
    ROW_CALL,
    ROW_KEPT,
    ROW_KEPT_BY,
    ROW_OWN,
    ROW_INDEX,
    ROW_OUTBOX,
    ROW_ACKNOWLEDGED,
    ROW_SEEN,
    ROW_WAITING,
    ROW_COUNTER,
    ROW_FAULTED,
    ROW_BUSY,
    ROW_SWEEP,
    ROW_SEALING,
    ROW_SEALED,
    ROW_NAME,
    ROW_LEASE,
    ROW_RANGE,
    ROW_EXCEPTION,
    ROW_INDEXED,
    ROW_DEAD_PAYLOAD,
    ROW_OTHER,
};
struct row_info {
    enum row_kind kind;
    struct skn_slice address; /* of the kinds that have one */
    uint8_t lane;             /* of mail */
    struct skn_slice own;     /* the key as its program knows it */
};
void rows_read_key(struct skn_slice key, struct row_info *out);
/* Counts a record of the journal: its message and its rows. */
void rows_cover_record(struct world *w, const struct skn_record *record);

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
/* A signal: a peer tells that its timer fired. */
void clients_hear_signal(struct world *w, const struct skn_output *signal);
/* Whoever waits for an answer waits no more. */
void clients_disconnect(struct world *w);
/* Asks again for all that has no answer; how many that are. */
size_t clients_ask_again(struct world *w);
void clients_resume(struct world *w, struct skn_slice run);

/* --- bombs.c: deaths by the node's own fault [E35] ------------------------------------------------- */

enum { SIM_WORKERS_MAX = 3, SIM_POISON_MAX = 6 };
struct skn_handling;
struct skn_poison;
extern const struct skn_program sim_bomb_program;
struct bombs *bombs_create(void) SKN_MUST_USE;
void bombs_destroy(struct bombs *bombs);
/* For an opening: a slot per worker, empty; and what must not be handled, at most SIM_POISON_MAX. */
struct skn_handling *bombs_slots(struct bombs *bombs);
size_t bombs_poison(const struct bombs *bombs, struct skn_poison *out);
/* There may be another one; it is counted. */
bool bombs_may_ask(struct bombs *bombs);
/* The node died at one in this turn; its address. */
bool bombs_have_killed(struct world *w, struct skn_slice *out_address);

/* --- blobs.c: contents, in seeds that have some [E45] ------------------------------------------------- */

struct sim_blobs;
void blobs_init(struct world *w);
void blobs_fini(struct world *w);
/* Somebody stores or names something, or lets go of it. */
void blobs_act(struct world *w);
/* An output that is about a content. */
bool blobs_take(struct world *w, const struct skn_output *output);
/* Files go that are to go. */
void blobs_turn(struct world *w);
/* The node ends. */
void blobs_vanish(struct world *w);
/* Without faults: true while something is under way. */
bool blobs_calm(struct world *w);
/* What the rows say is compared with the files; `is_over`: nothing is under way any more. */
void blobs_look(struct world *w, bool is_over);
extern const struct skn_program sim_album_program;

/* --- limits.c: which of them were met ------------------------------------------------------------------ */

void limits_cover(struct world *w, const struct skn_output *output);
void limits_cover_seed(struct world *w);
void limits_cover_row(struct world *w, const struct row_info *info, bool is_delete);

/* --- models.c: sequential clients of the types of src/dev ----------------------------------------------- */

enum { SIM_FLOODS = 4, SIM_ECHOES = 6 };
void models_init(struct world *w);
void models_fini(struct world *w);
void models_act(struct world *w);
/* An answer to one of them. */
bool models_take(struct world *w, const struct skn_output *output);
/* Without faults: true while something is under way, or not what it must be. */
bool models_calm(struct world *w);
/* It goes on for ever: names the first one that does. */
void models_owe(struct world *w);

/* --- flows.c, ledger.c, peers.c, jobs.c ---------------------------------------------------------------- */

/* The payload of a `start`: a random flow. Lives as long as the world. */
struct skn_slice flows_start(struct world *w);

extern const struct skn_program sim_ledger_program, sim_peer_program, sim_job_program;
/* A row of the program as an event; false: it is none. */
bool ledger_tell(struct skn_slice key, struct skn_slice value, struct skn_history_event *out);
bool peers_tell(struct skn_slice key, struct skn_slice value, struct skn_history_event *out);
/* The limiters of jobs: a key by number, "" for 0, and how many places one has, 0 any number. */
enum { JOB_LIMITS = 5 };
const char *jobs_limit(uint64_t which);
uint32_t jobs_places(struct skn_slice key);
#define JOB_EFFECT_LIMITER "limiter"
bool jobs_tell(struct skn_slice key, struct skn_slice value, struct skn_history_event *out);
