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
#include "core/guard.h"
#include "core/mail_internal.h"
#include "core/rows_internal.h"
#include "core/sched_internal.h"
#include "core/secret_internal.h"

/* Something that came in and has no row yet: a request, the result of an attempt, a timer that is
 * due (its row goes in the batch that handles it), an attempt cut off by the node's death. */
struct skn_input {
    struct skn_list link;
    uint64_t arrival;           /* in the order of these they came to the shard */
    struct skn_message message; /* points into `bytes` */
    uint64_t request;           /* number of a request */
    struct skn_slice address;   /* of the domain that it is for */
    struct skn_slice caller;
    struct skn_slice id;
    bool has_secret; /* in its payload, plain */
    uint8_t bytes[];
};

/* The row of a domain, so that it need not be read again. */
struct skn_known_meta {
    enum { SKN_META_UNKNOWN, SKN_META_NONE, SKN_META_ROW } is;
    uint32_t len; /* ROW: bytes of the row: reading costs gas by them */
    struct skn_meta_row row;
};

/* What is in a lane of a mailbox: its rows say so (box.c). */
struct skn_box {
    uint32_t count;
    uint64_t next; /* number of the next row, unless the lane is empty */
};

/* The first message of a lane, from the batch that put it there: key and value of its row. */
struct skn_kept {
    size_t cap, key_len, len;
    uint8_t bytes[];
};

/* A domain that is in memory because it has something to do, waits to be taken up, or is warm. */
struct skn_dom {
    struct skn_omap_node node; /* by address */
    struct skn_turn turn;
    struct skn_list link; /* in fetching; in idle: warm, and nothing waits; or in spare */
    bool is_idle;
    bool is_spare; /* in spare: nothing of it is in memory but its place */
    bool is_held;
    bool is_stuck;   /* held, and only a person takes it up: interrupted too often in a row [E41] */
    bool is_keyless; /* it waits for a sealing key [E46] */
    bool is_unsure;  /* whether it is held: its rows say it (hold.c) */
    bool is_taken;   /* up since the opening, and no row says so yet */
    bool has_places; /* of limiters, or asks for them, since the opening: while held they go back */
    uint64_t places_at; /* of its intents, those before it have done so */
    uint64_t want;      /* of the store, which it waits for [E13]; 0: none */
    uint64_t pin;       /* of the store, until the message is done that had to wait; 0: none */
    uint8_t mail;       /* bit per priority: the lane may have rows */
    enum { SKN_AGAIN_NO, SKN_AGAIN_LETTERS, SKN_AGAIN_CLOSE } again; /* dead letters (dead.c) */
    bool must_look; /* at its row, before `mail` is believed */
    uint8_t full;   /* likewise: it may be full; looked at only while the domain rests [E32] */
    uint8_t lane_streak[SKN_PRIORITIES], source_streak[4]; /* picked in a row (DESIGN 3.1) */
    struct skn_list requests[SKN_PRIORITIES];
    struct skn_list answers;  /* results, timers */
    struct skn_list removals; /* who asked for its removal */
    bool has_ranges;          /* of rows that are to be removed (range.c) */
    bool fails_kept;          /* FAULTED: the calls that it kept are to be answered (keep.c) */
    bool is_removing;         /* remove.c */
    bool removal_waits;       /* for results, or until what it sent has arrived */
    uint32_t timers;          /* among them, and the last one that was queued */
    uint64_t timer_due;
    uint64_t timer_number;
    uint32_t unchecked; /* slices until the next comparison of [E24] */
    const struct skn_program *program;
    void *warm;
    struct skn_box boxes[SKN_LANES]; /* the mail of a domain that is not in memory is none */
    uint8_t kept_lane;               /* whose first message is in `kept`; SKN_LANES: none's is */
    struct skn_kept *kept;           /* owns; or NULL */
    struct skn_known_meta known;     /* its row, as the last batch left it */
    uint8_t key[];                   /* SKN_SCHED_ROUND_BYTES of the turn, then the address */
};

/* An output on its way out. */
struct skn_out {
    struct skn_output output; /* first: given away under its address */
    struct skn_list link;
    uint8_t bytes[];
};

/* Another domain that a slice has to do with, as its row and its mailbox will be. */
struct skn_met {
    struct skn_omap_node node; /* in `mets`, by address */
    struct skn_dom *dom;       /* what was in memory of it, or NULL */
    struct skn_known_meta known;
    struct skn_box boxes[SKN_LANES];
    bool got_mail;
    uint8_t wakes;                  /* bit per lane that got mail; none when it is FAULTED */
    const struct skn_change *first; /* row of the first message of `first_lane`; or NULL */
    uint8_t first_lane;
};

struct skn_change {
    struct skn_omap_node node; /* by whole key */
    struct skn_slice value;
    bool is_delete;
    enum skn_why why; /* delete */
};

/* A note to another shard, until the batch is made [E31]. */
struct skn_pending_note {
    struct skn_omap_node node;
    uint32_t to;
    struct skn_note note;
};

/* What a slice that removes a domain came to. */
enum skn_removal {
    SKN_REMOVAL_GOES_ON,
    SKN_REMOVAL_REFUSED,
    SKN_REMOVAL_BEGUN,
    SKN_REMOVAL_WAITS,
    SKN_REMOVAL_ENDED,
};

struct skn_work;

struct skn_cx {
    struct skn_core *core;
    struct skn_dom *dom;
    const struct skn_message *message;
    const struct skn_input *input; /* NULL for mail */
    struct skn_arena arena;
    struct skn_omap overlay;
    struct skn_list outs;
    struct skn_omap mets;
    struct skn_box boxes[SKN_LANES];
    bool is_rebuilt; /* the second handling of [E24]: it believes rows only */
    struct skn_meta_row meta;
    size_t meta_len; /* of its row now; 0: there is none */
    bool is_new;     /* the domain had no meta row */
    bool has_put; /* a row of the domain's own: what only answered has no domain to show for it */
    bool meta_changed;
    bool was_faulted;
    struct skn_range *ranges; /* meta.ranges of them; NULL: not read yet */
    uint8_t was_busy;         /* as its row says: SKN_BUSY_.. */
    bool ends;                /* its program wants that */
    bool may_name;            /* a row that it puts may name a blob [E45] */
    bool names;               /* some row did, or does */
    bool reseals;             /* sealed rows came under an older key [E46] */
    bool is_gone;             /* the domain ends with this slice */
    enum skn_removal removal;
    uint64_t places_next; /* PLACES: the intent to go on with; 0: there are no more */
    bool has_replied;
    bool has_kept;      /* the call that is handled */
    bool is_cancelling; /* what is sent may always wait */
    uint32_t depth;     /* of the call that is handled, or goes on; 0: none */
    uint64_t stamp;
    bool is_bounded; /* the program's part: it has limits, the core's has none */
    bool is_over;    /* it faulted by one of them, and `diag` names it */
    uint64_t gas;
    size_t memory_before;  /* of the arena, when the budget began */
    uint64_t reads;        /* rows looked up or stepped over, from the begin on */
    uint64_t reads_before; /* of them, before the program's part */
    size_t bytes;
    uint64_t random_count;
    uint32_t *sent;        /* rows put into each stream; NULL before the first */
    struct skn_omap notes; /* that are not rows yet */
    enum skn_rc rc;
    struct skn_diag diag;
    struct skn_buf scratch; /* the program's */
    struct skn_buf row;     /* ours */
    struct skn_key key;
    struct skn_key own; /* the last key of its own rows */
    size_t own_head;    /* of it what they all begin with; 0: not made yet */
};

/* Timers of the next minute, at most so many: their index rows before `until` are in `soon`, were
 * queued, or belong to held domains. Later ones are rows and nothing else. */
enum { SKN_TIMERS_SOON_MAX = 16384 };

struct skn_timers {
    struct skn_omap soon; /* by index key */
    struct skn_key until;
    uint64_t queued; /* among the inputs of domains */
};

/* A sweep over the answers that are remembered [E34]. */
struct skn_sweep {
    struct skn_key at; /* it goes on here; empty: none is under way */
    uint32_t next;     /* when the first of those that stay is due; 0: none stays */
};

/* The poison guard [E35]. */
struct skn_guard {
    struct skn_handling *handling;
    struct skn_poison *poison; /* owns their addresses */
    size_t count;
    bool is_poisoned; /* what is handled now */
    bool is_careful;  /* its domain is not woken: that alone may end the node */
};

struct skn_core {
    struct skn_store *store;
    const struct skn_program *const *programs;
    struct skn_core_limits limits;
    uint32_t limits_version; /* of them: what every record names (P4) */
    uint32_t shard;
    bool check_rebuild;
    bool tells_no_why; /* its journal has no word for it */
    bool is_open;
    bool is_replaying;   /* what is under way is known, and follows the records [replay.c] */
    bool owes_epoch;     /* its record is not given yet */
    bool owes_secret;    /* no row has it yet */
    bool has_names;      /* a row of the shard may name a blob [E45] */
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
    struct skn_omap traced;   /* addresses [trace.c] */
    struct skn_list fetching; /* wait for rows from the backend */
    struct skn_list idle;     /* nothing to do, least recently used first */
    struct skn_list spare;    /* and nothing in memory; likewise */
    size_t spare_count;
    struct skn_timers timers;
    bool holds; /* domains of held programs that rest since the opening are not taken up */
    size_t idle_count;
    size_t kept_bytes; /* of what domains keep of their mail */
    size_t inputs;     /* requests that wait */
    uint64_t arrivals;
    struct skn_list outs;
    struct skn_output *given; /* the output that the caller looks at */
    struct skn_cx cx[2];      /* the slice, and its second handling [E24] */
    struct skn_buf batch[2];
    struct skn_buf compared[2]; /* their outputs [E24] */
    struct skn_buf record;      /* the bytes that out_record points into */
    struct skn_buf mail_row;    /* the message being handled */
    struct skn_buf packet;      /* the one being made */
    struct skn_buf identity;    /* what the identity of a request is made of */
    struct skn_guard guard;
    struct skn_mail mail;
    struct skn_secrets secrets;
    uint32_t sweep_hour; /* when answers are due to be forgotten; 0: there is none */
    struct skn_sweep sweep;
    uint64_t sweep_pin; /* of the store, while it waits for rows */
    uint64_t gas;       /* of the last slice */
    char too_large[96]; /* the reason of a result that is */
    struct skn_core_counts counts;
};

/* --- gas.c: what a slice pays ----------------------------------------------------------------------- */

/* It is over one of its budgets. */
enum skn_rc skn_cx_broke(struct skn_cx *cx);

/* skn_cx_charge, in line: for each row of a slice more than once. */
static inline enum skn_rc skn_cx_pay(struct skn_cx *cx, uint64_t gas)
{
    if (cx->rc != SKN_OK) return cx->rc;
    cx->gas = gas > UINT64_MAX - cx->gas ? UINT64_MAX : cx->gas + gas;
    if (!cx->is_bounded) return SKN_OK;
    const struct skn_core_limits *limits = &cx->core->limits;
    bool has_enough =
        cx->gas <= limits->slice_gas && cx->arena.used - cx->memory_before <= limits->slice_memory;
    return has_enough ? SKN_OK : skn_cx_broke(cx);
}

/* --- dom.c: domains in memory and their order -------------------------------------------------- */

struct skn_dom *skn_dom_find(const struct skn_core *core, struct skn_slice address);
/* Found or made; NULL when no program has its type. */
struct skn_dom *skn_dom_get(struct skn_core *core, struct skn_slice address);
struct skn_slice skn_dom_address(const struct skn_dom *dom);
/* Puts it where it belongs: among the ready, the idle, those that owe, or out of memory. */
void skn_dom_settle(struct skn_core *core, struct skn_dom *dom);
/* It got mail in these lanes; it is settled after that. */
void skn_dom_got_mail(struct skn_core *core, struct skn_dom *dom, uint8_t lanes);
/* Keeps the first message of a lane, or keeps none. */
void skn_dom_keep(struct skn_core *core, struct skn_dom *dom, const struct skn_met *met);
/* The next to handle, or NULL. It stays ready; afterwards it is charged what its slice took, or
 * yields where there was none, and settled. */
struct skn_dom *skn_dom_pick(struct skn_core *core);
/* Frees what is in memory only because it owed; all that may go. */
void skn_doms_sweep(struct skn_core *core);
void skn_doms_free_spares(struct skn_core *core);
void skn_dom_free(struct skn_core *core, struct skn_dom *dom);
/* The message is done: what was fetched for it may go. */
void skn_dom_unpin(struct skn_core *core, struct skn_dom *dom);
void skn_dom_queue(struct skn_core *core, struct skn_dom *dom, struct skn_input *input);
const struct skn_program *skn_program_find(const struct skn_core *core, struct skn_slice address);
const struct skn_program *skn_program_in(const struct skn_program *const *programs,
                                         struct skn_slice address);
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

/* A held domain gives back what it has of limiters, by slices that no program sees [E81]. It wants one;
 * its message; the slice; what memory keeps of it when it is over. */
bool skn_hold_wants(const struct skn_dom *dom);
void skn_hold_choose(const struct skn_dom *dom, struct skn_work *work);
void skn_hold_give_back(struct skn_cx *cx, const struct skn_message *message);
void skn_hold_gave_back(struct skn_dom *dom, const struct skn_cx *cx);

/* --- cx.c: the overlay, by whole keys ----------------------------------------------------------- */

void skn_cx_begin(struct skn_cx *cx,
                  struct skn_core *core,
                  struct skn_dom *dom,
                  const struct skn_message *message,
                  const struct skn_input *input,
                  uint64_t stamp);
/* Behind `wake`: from now on gas and memory count. */
void skn_cx_budget(struct skn_cx *cx);
/* Faults because of a limit, which the text names with its value. */
enum skn_rc
skn_cx_over(struct skn_cx *cx, enum skn_rc rc, const char *what, const char *limit, uint64_t value);
/* Sticks unless something stuck before; gives what stuck. */
enum skn_rc skn_cx_fault(struct skn_cx *cx, enum skn_rc rc, const char *text);
SKN_MUST_USE enum skn_rc
skn_raw_get(struct skn_cx *cx, struct skn_slice key, struct skn_slice *out_value);
/* The same of a domain's row: without it the domain has no rows in its table. */
enum skn_rc skn_raw_get_meta(struct skn_cx *cx, struct skn_slice key, struct skn_slice *out_value);
SKN_MUST_USE enum skn_rc skn_raw_next(struct skn_cx *cx,
                                      struct skn_slice prefix,
                                      struct skn_slice from,
                                      struct skn_row *out_row);
void skn_raw_put(struct skn_cx *cx, struct skn_slice key, struct skn_slice value);
/* The same; what it made of it. NULL: it stuck before. */
struct skn_change *skn_raw_change(struct skn_cx *cx, struct skn_slice key, struct skn_slice value);
void skn_raw_delete(struct skn_cx *cx, struct skn_slice key);
void skn_cx_put_meta(struct skn_cx *cx);
/* Reads the domain's meta row, or starts one. */
enum skn_rc skn_cx_load_meta(struct skn_cx *cx);
/* Another domain; its row is to be changed and given to put_met. `out_is_new`: there is none. NULL: it
 * stuck. */
struct skn_met *skn_cx_meet(struct skn_cx *cx, struct skn_slice address, bool *out_is_new);
void skn_cx_put_met(struct skn_cx *cx, struct skn_met *met);
/* Copies an output into the slice's list. */
void skn_cx_emit(struct skn_cx *cx, const struct skn_output *output);

/* --- intent.c, timer.c ---------------------------------------------------------------------------- */

enum skn_take { SKN_TAKE_GIVE, SKN_TAKE_DROP };

/* A result came: changes the intent's row as [E40] says and fills `message` for the program. */
enum skn_take skn_intent_take(struct skn_cx *cx, struct skn_message *message);
/* The delay before a further attempt is over. */
enum skn_take skn_intent_again(struct skn_cx *cx, uint64_t number, struct skn_message *message);
/* A limiter says that it gave, or refused, a place (limiter_internal.h). */
bool skn_intent_is_given(const struct skn_message *message);
enum skn_take skn_intent_given(struct skn_cx *cx, struct skn_message *message);
/* Gives the places and asks of the domain's intents back, from a number on, of so many; where to go on,
 * 0: behind the last. They ask again when the domain is taken up. */
uint64_t skn_intents_withdraw(struct skn_cx *cx, uint64_t from);
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
/* When the next one is due; UINT64_MAX: never. */
uint64_t skn_timers_due_ms(struct skn_core *core);
/* No domain is: all are read again. */
void skn_timers_read_again(struct skn_core *core);

/* --- box.c: what is in a mailbox ------------------------------------------------------------------------ */

/* By its rows. SKN_ELATER, SKN_ECORRUPT. */
SKN_MUST_USE enum skn_rc skn_boxes_read(struct skn_store *store,
                                        struct skn_slice address,
                                        struct skn_box out[SKN_LANES],
                                        struct skn_diag *diag);
/* One row more, the last of its lane so far, as an opening meets them. SKN_ECORRUPT: its key is none. */
SKN_MUST_USE enum skn_rc
skn_box_found(struct skn_box boxes[SKN_LANES], struct skn_slice rest, struct skn_diag *diag);
/* For a slice: of the domain `dom`, or NULL: of one that is not in memory. It sticks. */
void skn_boxes_load(struct skn_cx *cx,
                    const struct skn_dom *dom,
                    struct skn_slice address,
                    struct skn_box out[SKN_LANES]);
/* The number of a message that comes now. */
uint64_t skn_box_add(struct skn_box *box, uint64_t stamp);
void skn_box_take(struct skn_box *box);
/* Aborts when memory counts otherwise than the rows; for tests. */
void skn_boxes_check(const struct skn_core *core);
bool skn_boxes_are_empty(const struct skn_box boxes[SKN_LANES]);

/* --- mail.c: mailboxes [E30] ------------------------------------------------------------------------- */

/* What a slice handles: an input of the domain, or the first row of a mail lane. */
struct skn_work {
    struct skn_message message;
    struct skn_input *input;   /* or NULL: mail */
    struct skn_slice mail_key; /* empty: it has no row */
    struct skn_slice mail_value;
    enum skn_priority lane;
    bool is_kept;   /* from memory, not read from its row */
    bool is_letter; /* the row is a dead letter */
    bool is_split;  /* and its payload is in a row of its own */
};

/* The next message of a domain, by the 3-to-1 rule. SKN_ENOENT: there is none now. */
SKN_MUST_USE enum skn_rc skn_mail_choose(struct skn_core *core,
                                         struct skn_dom *dom,
                                         struct skn_work *work,
                                         struct skn_diag *diag);
/* The message under this key, mail or a dead letter, when it is the next one of its lane. SKN_ECORRUPT:
 * it is not. */
SKN_MUST_USE enum skn_rc skn_mail_at(struct skn_core *core,
                                     struct skn_dom *dom,
                                     struct skn_slice key,
                                     struct skn_work *work,
                                     struct skn_diag *diag);
/* The best priority that may be picked at a domain; SKN_PRIORITIES when none. */
enum skn_priority skn_mail_lane(const struct skn_core *core, const struct skn_dom *dom);
/* Something waits at it, whether it may be picked now or not. */
bool skn_mail_has_any(const struct skn_dom *dom);
/* Takes over what the domain's row and mailbox say of its lanes. */
void skn_mail_know(struct skn_core *core, struct skn_dom *dom, const struct skn_meta_row *meta);
/* An encoded message comes to a domain of this shard: into its lane, or among those that wait. */
enum skn_rc skn_mail_put(struct skn_cx *cx,
                         struct skn_slice address,
                         enum skn_priority lane,
                         struct skn_slice sender,
                         struct skn_slice message);
/* An answer into the place that its call reserved; dropped where there is no such domain any more. */
enum skn_rc
skn_mail_put_answer(struct skn_cx *cx, struct skn_slice address, struct skn_slice message);
/* The core's own domains take no messages of programs: faults. */
void skn_mail_refuse_own(struct skn_cx *cx, struct skn_slice address);
/* A message to any domain, limiters too: `kind`, `priority`, `name`, `payload`, and what a call says. */
void skn_mail_post(struct skn_cx *cx, struct skn_slice address, struct skn_message *message);
/* What skn_cx_send does, to limiters too. */
void skn_mail_send(struct skn_cx *cx,
                   struct skn_slice address,
                   enum skn_priority priority,
                   struct skn_slice name,
                   struct skn_value payload);
/* The same with a message as it is; its sender is a domain of this shard. */
void skn_mail_pass(struct skn_cx *cx, struct skn_slice address, const struct skn_message *message);
/* One message less of `sender` waits at the domain of the slice. */
void skn_mail_count_off(struct skn_cx *cx, struct skn_slice sender, size_t bytes);
/* Changes the counter row of a target and a sender of this shard. */
void skn_mail_count(struct skn_cx *cx, const struct skn_note *change);
/* The row that says that a domain at which something waits is FAULTED. True: it was not so before. */
bool skn_mail_mark_faulted(struct skn_cx *cx, struct skn_slice target, bool is_faulted);
/* What was handled from memory is what its row says, and that is the first of its lane. SKN_EINTERNAL:
 * it is not [E24]. */
SKN_MUST_USE enum skn_rc skn_mail_check_kept(struct skn_core *core,
                                             struct skn_dom *dom,
                                             const struct skn_work *work,
                                             struct skn_diag *diag);
/* A place for the answer that a timer or an intent brings. False: there are too many, it stuck. */
bool skn_mail_reserve(struct skn_cx *cx);
void skn_mail_unreserve(struct skn_cx *cx);
/* The end of a domain's slice: what waits comes into the room that it made; notes become rows. */
void skn_mail_finish(struct skn_cx *cx);

/* --- call.c: calls and their answers ------------------------------------------------------------------ */

/* Answers a call; its sender gets it in the place that it reserved. */
void skn_call_answer(struct skn_cx *cx,
                     const struct skn_message *call,
                     enum skn_rc rc,
                     struct skn_slice text,
                     struct skn_value value);
/* An answer comes to a domain of this shard; `bytes` is it encoded. One to no call is dropped. */
enum skn_rc skn_call_put(struct skn_cx *cx,
                         struct skn_slice address,
                         const struct skn_message *answer,
                         struct skn_slice bytes);
/* An answer is handled: its call is over. */
enum skn_take skn_call_take(struct skn_cx *cx, struct skn_message *answer);

/* --- keep.c: calls that are answered later -------------------------------------------------------------- */

/* A caller wants no answer any more: fills `message` for the program. */
enum skn_take skn_kept_cancelled(struct skn_cx *cx, struct skn_message *message);
/* Some of those that a FAULTED domain kept are answered with that; one by its row, with GONE. */
void skn_kept_fail(struct skn_cx *cx);
void skn_kept_gone(struct skn_cx *cx, struct skn_slice row);

/* --- guard.c: the poison guard [E35] ------------------------------------------------------------------ */

void skn_guard_init(struct skn_guard *guard, const struct skn_core_options *options);
void skn_guard_fini(struct skn_guard *guard);
/* Around the handling of a message. */
void skn_guard_enter(struct skn_core *core, struct skn_dom *dom, const struct skn_work *work);
void skn_guard_leave(struct skn_core *core);
/* Somebody redelivers: what was poisoned at the domain is so no more. */
void skn_guard_forgive(struct skn_core *core, struct skn_slice address);

/* --- dead.c: dead letters [E33] ------------------------------------------------------------------------- */

/* A slice faulted and is dropped whole; this one takes its message to the dead letters instead. */
void skn_dead_bury(struct skn_cx *cx, const struct skn_work *work, enum skn_rc why);
/* The next letter that is handed over again; or that they are done. */
SKN_MUST_USE enum skn_rc skn_dead_choose(struct skn_core *core,
                                         struct skn_dom *dom,
                                         const struct skn_meta_row *meta,
                                         struct skn_work *work,
                                         struct skn_diag *diag);
void skn_dead_take(struct skn_cx *cx, const struct skn_work *work);
void skn_dead_redeliver(struct skn_cx *cx, const struct skn_message *message);
void skn_dead_go_on(struct skn_cx *cx);

/* --- range.c: ranges of rows that go at once [E14] ----------------------------------------------------- */

struct skn_range;

/* Who reads: a slice, or somebody outside. */
struct skn_reader {
    struct skn_cx *cx; /* or NULL: the store */
    struct skn_store *store;
    struct skn_arena *arena;
    struct skn_key *key; /* scratch */
    struct skn_diag *diag;
};

SKN_MUST_USE enum skn_rc skn_ranges_read(const struct skn_reader *reader,
                                         struct skn_slice address,
                                         uint32_t count,
                                         struct skn_range **out_ranges);
/* SKN_ENOENT: one of them hides the key. */
SKN_MUST_USE enum skn_rc skn_ranges_get(const struct skn_reader *reader,
                                        struct skn_slice address,
                                        const struct skn_range *ranges,
                                        uint32_t count,
                                        struct skn_slice key);
/* Like skn_cx_next; from >= prefix. */
SKN_MUST_USE enum skn_rc skn_ranges_next(const struct skn_reader *reader,
                                         struct skn_slice address,
                                         const struct skn_range *ranges,
                                         uint32_t count,
                                         struct skn_slice prefix,
                                         struct skn_slice from,
                                         struct skn_row *out_row);
/* The same in a slice whose domain has ranges. */
SKN_MUST_USE enum skn_rc skn_range_check(struct skn_cx *cx, struct skn_slice key);
SKN_MUST_USE enum skn_rc skn_range_next(struct skn_cx *cx,
                                        struct skn_slice prefix,
                                        struct skn_slice from,
                                        struct skn_row *out_row);
void skn_range_written(struct skn_cx *cx, struct skn_slice key, bool is_delete);
void skn_range_sweep(struct skn_cx *cx);

/* --- remove.c: the end of a domain [E14] --------------------------------------------------------------- */

/* It is being removed, or somebody asked for it: that comes before everything else. */
bool skn_remove_wants(const struct skn_dom *dom);
bool skn_remove_is_ready(const struct skn_dom *dom);
SKN_MUST_USE enum skn_rc skn_remove_choose(struct skn_dom *dom, struct skn_work *work);
void skn_remove_step(struct skn_cx *cx);
/* Its slice is over; `removal` says what became of it. */
void skn_remove_committed(struct skn_core *core, struct skn_dom *dom, const struct skn_cx *cx);
/* All that the domain sent to other shards has arrived. */
void skn_remove_wake(struct skn_core *core, struct skn_slice address);

/* --- outbox.c: what waits at others [E32] [E33] -------------------------------------------------------- */

void skn_mail_init(struct skn_core *core, uint32_t shards, uint64_t hash_seed);
void skn_mail_fini(struct skn_core *core);
/* Memory follows the rows: one that was found at opening, and those that a batch changed. */
SKN_MUST_USE enum skn_rc
skn_mail_found(struct skn_core *core, const struct skn_row *row, struct skn_diag *diag);
void skn_mail_follow(struct skn_core *core, const struct skn_cx *cx);
/* The same by the bytes of a batch that was read. SKN_ECORRUPT: it cannot follow what there is. */
SKN_MUST_USE enum skn_rc
skn_mail_replayed(struct skn_core *core, struct skn_slice batch, struct skn_diag *diag);
/* Its outbox went over the limit, and is not under half of it yet. */
bool skn_outbox_rests(const struct skn_core *core, struct skn_slice address);
bool skn_outbox_is_full(const struct skn_core *core, struct skn_slice address);
/* Something of it is on its way to another shard. */
bool skn_outbox_is_owed(const struct skn_core *core, struct skn_slice address);
bool skn_outbox_has_waits(const struct skn_core *core, struct skn_slice target);
/* FAULTED, and what waits for it is at the limit. */
bool skn_outbox_is_faulted_full(const struct skn_core *core, struct skn_slice target);
/* Aborts on a broken invariant; for tests. */
void skn_mail_check(const struct skn_core *core);

/* --- stream.c: between shards [E31] ---------------------------------------------------------------------- */

/* A row for another shard; its number is the next of its stream. */
void skn_stream_put(struct skn_cx *cx, uint32_t to, unsigned lane, struct skn_slice row);
/* A change of what waits, for the shard of the sender. */
void skn_stream_note(struct skn_cx *cx, uint32_t to, const struct skn_note *note);
void skn_stream_put_notes(struct skn_cx *cx);
void skn_stream_tell_faulted(struct skn_cx *cx, struct skn_slice target, bool is_faulted);
/* A batch was committed: its outbox rows go out. */
void skn_stream_sent(struct skn_core *core, const struct skn_cx *cx);
/* A packet that leaves, with those behind it that may leave too and go on where it ends. */
struct skn_output *skn_stream_merge(struct skn_core *core, struct skn_out *first);
/* Takes what came, removes what was acknowledged, sends again. SKN_ENOENT: no record now. */
SKN_MUST_USE enum skn_rc skn_stream_turn(struct skn_core *core,
                                         bool is_idle,
                                         struct skn_record *out_record,
                                         struct skn_diag *diag);
/* Makes the batch of such a record again (P4): core->batch[0]. SKN_ENOENT, of take alone: the rows or
 * a program that it needs are not known. */
SKN_MUST_USE enum skn_rc skn_stream_trim_again(struct skn_core *core,
                                               const struct skn_record *record,
                                               struct skn_diag *diag);
SKN_MUST_USE enum skn_rc skn_stream_take_again(struct skn_core *core,
                                               const struct skn_record *record,
                                               const struct skn_replay *replay,
                                               struct skn_diag *diag);
/* When it wants a turn though nothing comes; UINT64_MAX: never. */
uint64_t skn_stream_due_ms(const struct skn_core *core);

/* A batch of the core's own came to this: while it waits for rows what was fetched for it stays, or a small
 * cache would fetch it for ever [E13]. `pin` is 0 when there is none. */
void skn_core_pin_while_late(struct skn_core *core, uint64_t *pin, enum skn_rc rc);

/* --- slice.c --------------------------------------------------------------------------------------- */

/* Handles one message of `dom`. SKN_OK: a record was made. SKN_ENOENT: nothing changed. */
SKN_MUST_USE enum skn_rc skn_slice_run(struct skn_core *core,
                                       struct skn_dom *dom,
                                       uint64_t now_ms,
                                       struct skn_record *out_record,
                                       struct skn_diag *diag);
/* The batch of a message under a stamp that is given (P4): core->batch[0]. Nothing else changes. */
SKN_MUST_USE enum skn_rc skn_slice_again(struct skn_core *core,
                                         struct skn_dom *dom,
                                         const struct skn_work *work,
                                         uint64_t stamp,
                                         struct skn_diag *diag);
/* Answers an input that changed nothing with a refusal, and frees it; it was counted as waiting. */
void skn_core_refuse(struct skn_core *core, struct skn_input *input, const struct skn_diag *diag);
/* Copies an output behind those that wait; its index and stamp are set. */
void skn_release_later(struct skn_core *core, const struct skn_output *output);
/* What the core itself does with a message before the program sees it. */
enum skn_take
skn_slice_take(struct skn_cx *cx, const struct skn_work *work, struct skn_message *message);
/* Somebody waits for its answer. */
static inline bool skn_message_is_asked(enum skn_message_kind kind)
{
    return kind == SKN_MESSAGE_REQUEST || kind == SKN_MESSAGE_REDELIVER ||
           kind == SKN_MESSAGE_REMOVE;
}
/* Nobody sends it again, so its handling must not be refused for what others do [E32] [E40]. */
static inline bool skn_message_comes_once(enum skn_message_kind kind)
{
    return kind == SKN_MESSAGE_ATTEMPT || kind == SKN_MESSAGE_TIMER || kind == SKN_MESSAGE_ANSWER;
}
/* The rows that a slice changed, in key order. */
void skn_make_batch(const struct skn_cx *cx, struct skn_buf *batch);
/* Turns a batch, of which all is known, into a record, applies it and takes the outputs of `cx` (may be NULL) over. */
SKN_MUST_USE enum skn_rc skn_commit(struct skn_core *core,
                                    struct skn_cx *cx,
                                    struct skn_slice batch,
                                    struct skn_slice message,
                                    uint64_t module,
                                    uint64_t stamp,
                                    struct skn_record *out_record,
                                    struct skn_diag *diag);

/* What a record of the core's own has as its message; behind "take" and "expire" is what they need
 * to be executed again (stream.c, request.c). */
#define SKN_RECORD_OPEN   "open"
#define SKN_RECORD_TRIM   "trim"
#define SKN_RECORD_TAKE   "take"
#define SKN_RECORD_EXPIRE "expire"
#define SKN_RECORD_RESEAL "reseal"

/* --- core.c ---------------------------------------------------------------------------------------- */

/* Adds the epoch, and the secret where no row has it, to the first batch of an opening. */
void skn_core_begin_epoch(struct skn_core *core, struct skn_buf *batch);

/* The epoch as its row has it, 0 without one; the secret likewise, or that of the opening, which is
 * then owed. */
SKN_MUST_USE enum skn_rc
skn_core_read_epoch(struct skn_core *core, uint64_t *out, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc skn_core_read_secret(struct skn_core *core,
                                              const struct skn_core_opening *opening,
                                              struct skn_diag *diag);
/* The checks of a record that follows: shard, index and stamp. */
SKN_MUST_USE enum skn_rc skn_core_check_next(const struct skn_core *core,
                                             const struct skn_record *record,
                                             struct skn_diag *diag);
/* What memory knows of messages under way, from rows. */
SKN_MUST_USE enum skn_rc skn_core_find_under_way(struct skn_core *core, struct skn_diag *diag);

/* --- request.c: request ids -------------------------------------------------------------------------- */

/* True when the request was answered before, its id used for another, or its caller has too many:
 * the reply is emitted. */
bool skn_request_is_settled(struct skn_cx *cx);
/* Removes the row of an answer, and counts it off its caller. */
void skn_request_forget(struct skn_cx *cx, const struct skn_row *answer);
/* A sweep is under way: it wants to go on. */
bool skn_requests_are_swept(const struct skn_core *core);
void skn_request_remember(struct skn_cx *cx,
                          enum skn_rc rc,
                          struct skn_slice text,
                          struct skn_slice value);
/* Removes what is older than 24 h, at most 1,000 ids; SKN_ENOENT when there is none. */
SKN_MUST_USE enum skn_rc skn_requests_expire(struct skn_core *core,
                                             uint64_t now_ms,
                                             struct skn_record *out_record,
                                             struct skn_diag *diag);

/* Makes the batch of such a record again (P4): core->batch[0]. */
SKN_MUST_USE enum skn_rc skn_requests_expire_again(struct skn_core *core,
                                                   const struct skn_record *record,
                                                   struct skn_diag *diag);

void skn_core_hmac(const struct skn_core *core,
                   struct skn_slice label,
                   struct skn_slice text,
                   uint8_t out[32]);

/* --- trace.c ------------------------------------------------------------------------------------------ */

/* Adds the output that tells of a slice when its domain is traced; `fault->rc` is SKN_OK without one. */
void skn_trace_slice(struct skn_cx *cx,
                     const struct skn_message *message,
                     const struct skn_diag *fault,
                     struct skn_slice batch);
void skn_traces_fini(struct skn_core *core);
