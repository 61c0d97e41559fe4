/* core_internal.h - the structs that the parts of the core share.
 *
 * Owns        nothing that is not in a row, but for what waits in memory: requests and results
 *             not handled yet, outputs not released yet.
 * May include base, value, journal, store.
 * Threads     the one that owns the shard.
 */
#pragma once

#include "base/arena.h"
#include "base/list.h"
#include "base/omap.h"
#include "core/cx.h"
#include "core/rows_internal.h"
#include "core/sched_internal.h"

/* Something that came in and has no row yet: a request, the result of an attempt, a timer that is
 * due (its row goes in the batch that handles it), an attempt cut off by the node's death. */
struct skn_input {
    struct skn_list link;
    struct skn_message message; /* points into `bytes` */
    uint64_t request;           /* number of a request */
    struct skn_slice address;   /* of the domain that it is for */
    struct skn_slice caller;
    struct skn_slice id;
    uint8_t bytes[];
};

/* A domain that is in memory because it has something to do, waits to be taken up, or is warm. */
struct skn_dom {
    struct skn_omap_node node; /* by address */
    struct skn_turn turn;
    struct skn_list link; /* in fetching, or in idle: warm, and nothing waits */
    bool is_idle;
    bool is_held;
    bool is_stuck;  /* held, and only a person takes it up: interrupted too often in a row [E41] */
    bool is_unsure; /* whether it is held: its rows say it (hold.c) */
    bool is_taken;  /* up since the opening, and no row says so yet */
    uint64_t want;  /* of the store, which it waits for [E13]; 0: none */
    uint8_t mail;   /* bit per priority: the lane may have rows */
    uint8_t mail_streak; /* mail picked in a row while an input waited */
    struct skn_list inputs;
    uint32_t timers; /* among the inputs, and the last one that was queued */
    uint64_t timer_due;
    uint64_t timer_number;
    const struct skn_program *program;
    void *warm;
    uint8_t key[]; /* SKN_SCHED_ROUND_BYTES of the turn, then the address */
};

/* An output on its way out, or (wake) a domain that got mail. */
struct skn_out {
    struct skn_output output; /* first: given away under its address */
    struct skn_list link;
    bool is_wake; /* `number` is the lane; handled when the batch is made, never released */
    uint8_t bytes[];
};

struct skn_change {
    struct skn_omap_node node; /* by whole key */
    struct skn_slice value;
    bool is_delete;
};

struct skn_cx {
    struct skn_core *core;
    struct skn_dom *dom;
    const struct skn_message *message;
    const struct skn_input *input; /* NULL for mail */
    struct skn_arena arena;
    struct skn_omap overlay;
    struct skn_list outs;
    struct skn_meta_row meta;
    bool is_new;  /* the domain had no meta row */
    bool has_put; /* a row of the domain's own: what only answered has no domain to show for it */
    bool meta_changed;
    bool has_replied;
    uint64_t stamp;
    bool is_bounded; /* the program's part: gas, memory and bytes have limits */
    bool is_over;    /* it faulted by one of them, and `diag` names it */
    uint64_t gas;
    size_t memory_before; /* of the arena, when the budget began */
    size_t bytes;
    uint64_t random_count;
    enum skn_rc rc;
    struct skn_diag diag;
    struct skn_buf scratch; /* the program's */
    struct skn_buf row;     /* ours */
    struct skn_key key;
};

/* Timers of the next minute, at most so many: their index rows before `until` are in `soon`, were
 * queued, or belong to held domains. Later ones are rows and nothing else. */
enum { SKN_TIMERS_SOON_MAX = 16384 };

struct skn_timers {
    struct skn_omap soon; /* by index key */
    struct skn_key until;
    uint64_t queued; /* among the inputs of domains */
};

struct skn_core {
    struct skn_store *store;
    const struct skn_program *const *programs;
    struct skn_core_limits limits;
    uint32_t shard;
    bool check_rebuild;
    bool is_open;
    bool owes_epoch;     /* its record is not given yet */
    bool owes_secret;    /* no row has it yet */
    bool writes_at_once; /* though there is nothing else to write */
    uint8_t secret[SKN_SECRET_BYTES];
    uint64_t epoch;
    uint64_t stamp;       /* of the last record */
    uint64_t index;       /* of the last record */
    uint64_t redone_from; /* the store's position at creation: what it had is not redone */
    uint64_t durable;     /* records up to here are */
    uint64_t undurable_bytes;
    uint32_t *sizes; /* of the batches that are not durable, by index modulo their bound */
    uint64_t now_ms; /* of the last step: it never goes back */
    struct skn_omap doms;
    struct skn_sched sched;
    struct skn_list fetching; /* wait for rows from the backend */
    struct skn_list idle;     /* nothing to do, least recently used first */
    struct skn_timers timers;
    bool holds; /* domains of held programs that rest since the opening are not taken up */
    size_t idle_count;
    size_t inputs; /* requests that wait */
    struct skn_list outs;
    struct skn_output *given; /* the output that the caller looks at */
    struct skn_cx cx[2];      /* the slice, and its second handling [E24] */
    struct skn_buf batch[2];
    struct skn_buf record; /* the bytes that out_record points into */
    struct skn_buf mail;   /* the message being handled */
    uint64_t gas;          /* of the last slice */
    struct skn_core_counts counts;
};

/* --- dom.c: domains in memory and their order -------------------------------------------------- */

struct skn_dom *skn_dom_find(const struct skn_core *core, struct skn_slice address);
/* Found or made; NULL when no program has its type. */
struct skn_dom *skn_dom_get(struct skn_core *core, struct skn_slice address);
struct skn_slice skn_dom_address(const struct skn_dom *dom);
/* Puts it where it belongs: among the ready, the idle, those that owe, or out of memory. */
void skn_dom_settle(struct skn_core *core, struct skn_dom *dom);
/* The next to handle, or NULL. It stays ready; afterwards it is charged what its slice took, or
 * yields where there was none, and settled. */
struct skn_dom *skn_dom_pick(struct skn_core *core);
/* Frees what is in memory only because it owed; all that may go. */
void skn_doms_sweep(struct skn_core *core);
void skn_dom_free(struct skn_core *core, struct skn_dom *dom);
void skn_dom_queue(struct skn_core *core, struct skn_dom *dom, struct skn_input *input);
const struct skn_program *skn_program_find(const struct skn_core *core, struct skn_slice address);
/* A copy of a message that waits in memory. */
struct skn_input *skn_input_create(const struct skn_message *message,
                                   uint64_t request,
                                   struct skn_slice address,
                                   struct skn_slice caller,
                                   struct skn_slice id);
/* One that did not come from outside. */
struct skn_input *skn_input_own(const struct skn_message *message);

/* --- hold.c: who waits to be taken up --------------------------------------------------------------- */

/* Whether the domain is held, also when it is not in memory. SKN_ELATER: its rows are not here. */
SKN_MUST_USE enum skn_rc skn_hold_of(const struct skn_core *core,
                                     struct skn_slice address,
                                     bool *out_held,
                                     struct skn_diag *diag);
/* For one that was picked. SKN_OK: it is not held. SKN_ENOENT: it is. SKN_ELATER. */
SKN_MUST_USE enum skn_rc
skn_hold_decide(struct skn_core *core, struct skn_dom *dom, struct skn_diag *diag);

/* --- cx.c: the overlay, by whole keys ----------------------------------------------------------- */

void skn_cx_begin(struct skn_cx *cx,
                  struct skn_core *core,
                  struct skn_dom *dom,
                  const struct skn_message *message,
                  const struct skn_input *input,
                  uint64_t stamp);
/* The program's part begins here: from now on gas and memory count, and have limits. */
void skn_cx_budget(struct skn_cx *cx);
/* Faults because of a limit, which the text names with its value. */
enum skn_rc
skn_cx_over(struct skn_cx *cx, enum skn_rc rc, const char *what, const char *limit, uint64_t value);
/* Sticks unless something stuck before; gives what stuck. */
enum skn_rc skn_cx_fault(struct skn_cx *cx, enum skn_rc rc, const char *text);
SKN_MUST_USE enum skn_rc
skn_raw_get(struct skn_cx *cx, struct skn_slice key, struct skn_slice *out_value);
SKN_MUST_USE enum skn_rc skn_raw_next(struct skn_cx *cx,
                                      struct skn_slice prefix,
                                      struct skn_slice from,
                                      struct skn_row *out_row);
void skn_raw_put(struct skn_cx *cx, struct skn_slice key, struct skn_slice value);
void skn_raw_delete(struct skn_cx *cx, struct skn_slice key);
/* Reads the domain's meta row, or starts one. */
enum skn_rc skn_cx_load_meta(struct skn_cx *cx);
/* The row by which a new domain is found in the list of all; with its first meta row. */
void skn_cx_list_domain(struct skn_cx *cx, struct skn_slice address);
/* Copies an output into the slice's list. */
void skn_cx_emit(struct skn_cx *cx, const struct skn_output *output, bool is_wake);

/* --- intent.c, timer.c ---------------------------------------------------------------------------- */

enum skn_take { SKN_TAKE_GIVE, SKN_TAKE_DROP };

/* A result came: changes the intent's row as [E40] says and fills `message` for the program. */
enum skn_take skn_intent_take(struct skn_cx *cx, struct skn_message *message);
/* The delay before a further attempt is over. */
enum skn_take skn_intent_again(struct skn_cx *cx, uint64_t number, struct skn_message *message);
uint64_t skn_timer_add(struct skn_cx *cx, struct skn_timer_row *timer);
/* A timer that is due: takes its rows away and fills `message`. */
enum skn_take skn_timer_take(struct skn_cx *cx, struct skn_message *message);
void skn_timers_init(struct skn_timers *timers);
void skn_timers_fini(struct skn_timers *timers);
/* Queues what is due at `now_ms` at the domains, and reads on. SKN_ELATER: what it needs to read is
 * not here yet; what was read is queued all the same. */
SKN_MUST_USE enum skn_rc
skn_timers_fire(struct skn_core *core, uint64_t now_ms, struct skn_diag *diag);
/* The batch of `cx` is committed: what it set and cancelled. */
void skn_timers_committed(struct skn_core *core, const struct skn_cx *cx);
/* The domain is held no longer: its timers that were passed over. */
void skn_timers_come_back(struct skn_core *core, struct skn_slice address);
/* No domain is: all are read again. */
void skn_timers_read_again(struct skn_core *core);

/* --- slice.c --------------------------------------------------------------------------------------- */

/* Handles one message of `dom`. SKN_OK: a record was made. SKN_ENOENT: nothing changed. */
SKN_MUST_USE enum skn_rc skn_slice_run(struct skn_core *core,
                                       struct skn_dom *dom,
                                       uint64_t now_ms,
                                       struct skn_record *out_record,
                                       struct skn_diag *diag);
/* Copies an output behind those that wait; its index and stamp are set. */
void skn_release_later(struct skn_core *core, const struct skn_output *output);
/* Turns a batch into a record, applies it and takes the outputs of `cx` (may be NULL) over. */
SKN_MUST_USE enum skn_rc skn_commit(struct skn_core *core,
                                    struct skn_cx *cx,
                                    struct skn_slice batch,
                                    struct skn_slice message,
                                    uint64_t module,
                                    uint64_t stamp,
                                    struct skn_record *out_record,
                                    struct skn_diag *diag);

/* --- core.c ---------------------------------------------------------------------------------------- */

/* Adds the epoch, and the secret where no row has it, to the first batch of an opening. */
void skn_core_begin_epoch(struct skn_core *core, struct skn_buf *batch);

/* --- request.c: request ids -------------------------------------------------------------------------- */

/* True when the request was answered before, or its id used for another: the reply is emitted. */
bool skn_request_is_known(struct skn_cx *cx);
void skn_request_remember(struct skn_cx *cx,
                          enum skn_rc rc,
                          struct skn_slice text,
                          struct skn_slice value);
/* Removes what is older than 24 h, at most 1,000 ids; SKN_ENOENT when there is none. */
SKN_MUST_USE enum skn_rc skn_requests_expire(struct skn_core *core,
                                             uint64_t now_ms,
                                             struct skn_record *out_record,
                                             struct skn_diag *diag);

void skn_core_hmac(const struct skn_core *core,
                   struct skn_slice label,
                   struct skn_slice text,
                   uint8_t out[32]);
