/* parts_internal.h - what the parts of the shards share, and what passes between them.
 *
 * Owns        the rings; what is in them belongs to the part that took it out.
 * May include what shards.h may.
 * Threads     said at each part; the atomics at the end are any thread's.
 */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "base/omap.h"
#include "base/ring.h"
#include "shard/clock_internal.h"
#include "shard/shards.h"

enum {
    BEHIND_TIMES = 4, /* what starts a checkpoint: new work is refused [E12] */
    RING_ITEMS = 1024,
    CHUNK_RECORDS = 512,
    CHUNK_BYTES = 128 << 10,
    CHUNKS_OUT_MAX = 256, /* chunks of one worker at the log; fewer than a ring holds */
    FETCHES_OUT_MAX = 512,
    PREPARE_BYTES = 256 << 10, /* written: then the preparer looks whether a segment is wanted */
    DIRTY_BLOCKS = 4,          /* of one worker at the keeper */
    DIRTY_BYTES = 64 << 10,
    SLICES_AT_ONCE = 64, /* of one shard, before the next has its turn */
    LOOK_MS = 60000,     /* every shard is looked at so often: ids expire */
    WAIT_MS = 10,
    FEW_RECORDS = 4,        /* waited for where they are: see skn_shards_may_wait */
    REDO_ALONE = 20000,     /* records that an opening does on its own thread */
    SHORT_NS = 2 * 1000000, /* likewise: a group took less */
    MS_IN_NS = 1000000,
};

enum item_kind {
    ITEM_INPUT = 1, /* outside -> worker: skn_input */
    ITEM_TAKE_UP,   /* outside -> worker: buf block with the address; number: is it asked for */
    ITEM_CALL,      /* outside <-> worker: skn_call */
    ITEM_OUTPUT,    /* worker -> outside: skn_output */
    ITEM_PACKET,    /* worker -> worker: skn_output of kind packet; shard: where it is from */
    ITEM_CHUNK,     /* worker -> log -> worker: chunk; comes back when all of it is durable */
    ITEM_FETCH,     /* worker -> fetcher -> worker: fetch */
    ITEM_MARK,      /* keeper -> worker: take the marks */
    ITEM_MARKED,    /* worker -> keeper: all of its marks are durable */
    ITEM_DIRTY,     /* worker -> keeper -> worker: dirty_block; ptr NULL: that was all */
    ITEM_FLUSHED,   /* keeper -> worker: the checkpoint is durable */
    ITEM_TRIM,      /* keeper -> log: trim */
    ITEM_BOUND,     /* keeper -> log -> keeper: the bound names all that is durable */
};

/* Records on their way to the journal. */
struct chunk {
    struct skn_list link;
    unsigned worker;
    uint32_t count;
    size_t used, cap;
    uint8_t *bytes;
    struct skn_record records[CHUNK_RECORDS];
};

/* Rows on their way from the backend. */
struct fetch {
    struct skn_read read; /* its slices point into `keys` */
    uint64_t number;      /* of the want */
    struct skn_buf keys, rows;
    bool is_end;
};

struct dirty_block {
    struct skn_list link;
    uint32_t shard;
    struct skn_buf ops;
};

struct trim {
    size_t count;
    struct skn_journal_mark marks[];
};

struct shard {
    uint32_t number;
    struct skn_core *core;
    struct skn_store *store;
    struct worker *worker;
    struct skn_list active_link;  /* in worker->active: it may have something to do */
    struct skn_list want_link;    /* in worker->wanting */
    struct skn_list release_link; /* in worker->releasing: outputs may leave */
    uint64_t last_redone;         /* index of its last record in the journal at opening */
    uint64_t due_ms;              /* it has something to do then */
    struct skn_list calls;        /* that wait for rows */
    struct skn_list called;       /* that wait until what they saw is durable */
    struct skn_position mark;     /* of the checkpoint under way */
    uint64_t *owed;               /* bit per shard: packets to it did not fit into a ring */
    bool owes;
};

/* What a worker has counted; it alone writes, any thread reads. */
struct tally {
    _Atomic uint64_t slices, batches, faults, dropped_results, timers_fired;
    _Atomic bool is_busy;
};

/* The node's clock as every thread may read it (clock_shared.c). */
struct shared_clock {
    _Atomic uint32_t seq;
    _Atomic uint64_t boot_us, now_us;
    _Atomic int64_t slew_us;
    _Atomic int64_t off_ms;
    _Atomic uint64_t jumps, jumped_ms;
    _Atomic bool waits, is_accepted;
};

struct worker {
    struct skn_shards *all;
    struct tally tally;
    unsigned part;
    struct skn_list active, releasing;
    struct skn_list wanting; /* shards that may want more rows than could be asked for at once */
    struct skn_list free_chunks, free_blocks;
    struct chunk *open;
    unsigned chunks_out, fetches_out, blocks_out;
    uint32_t records_out; /* in chunks at the log */
    uint64_t bytes_out;   /* of records that are not durable, also of those not given yet [E20] */
    uint64_t looked_ms;
    bool has_marks;     /* a checkpoint is under way */
    bool marks_durable; /* and told so */
    bool gave_all;
    uint32_t mark_at; /* the shard whose dirty rows are given */
};

struct log {
    struct skn_journal *journal;
    struct skn_list writing;       /* chunks in the open group, or behind it */
    struct skn_journal_mark *kept; /* per shard: what the last checkpoint has */
    uint64_t last_group_ns, disk_seen_ns;
    uint64_t group_ns;   /* the last one took, sync and all */
    uint64_t untrimmed;  /* bytes that the last trim left */
    uint64_t unprepared; /* bytes written since the preparer was told */
    bool is_idle_told;
};

struct keeper {
    bool is_running;        /* a checkpoint */
    unsigned marked, given; /* workers that have */
    uint64_t marked_bits;   /* the same, by worker */
    bool is_bounded;        /* the journal's bound names every record up to the marks */
    uint64_t began_ms, ended_ms;
    uint64_t trims; /* that it asked for */
};

/* The domain and stamp of skn_shards_open_at. */
struct past {
    struct skn_slice address;
    uint32_t shard;
    uint64_t stamp;
    struct skn_omap pruned;   /* own keys of the domain that were pruned later */
    struct skn_backend *base; /* owns; or NULL */
    struct skn_file *lock;    /* of the history; or NULL */
};

struct history;

struct redo;

struct skn_shards {
    struct skn_env *env;
    struct skn_backend *backend;
    const struct skn_program *const *programs;
    struct skn_shards_options options;
    uint32_t count;
    struct shard **shards;
    unsigned worker_count;
    struct worker *workers;
    struct log log;
    struct keeper keeper;
    struct redo *redo;       /* of an opening on several threads; or NULL */
    struct skn_ring **rings; /* [from * parts_all + to]; NULL where nothing passes */
    unsigned parts_all;      /* the outside is the last */
    skn_wake_fn wake;
    void *wake_ctx;
    uint64_t *wakes; /* bits of parts to be woken, per part; its own */
    uint8_t secret[SKN_SECRET_BYTES];
    uint64_t epoch;
    uint64_t hash_seed;
    bool is_read_only;
    struct past *past;       /* owns; NULL but for open_at */
    struct history *history; /* owns; of the keeper; NULL: nothing is kept */
    struct node_clock clock; /* of worker 0; others have it by clock_shared */

    /* Of the outside. */
    struct skn_list *waiting; /* per worker: items that found its ring full */
    struct skn_output *given;
    struct skn_list answered; /* calls, when read only */

    /* Only report; any thread. */
    struct shared_clock clock_shared;
    _Atomic uint64_t clock_ahead_ms; /* of skein dev clock */
    _Atomic int disk;
    _Atomic uint64_t tail_records, tail_bytes, checkpoints, checkpoint_ms, groups, records;
    _Atomic bool is_checkpointing, wants_checkpoint;

    _Atomic uint64_t trims;         /* that the log has done */
    _Atomic uint64_t hold_until_ns; /* until then the log trims nothing */
    _Atomic bool wants_segment;     /* the log may need the next one soon */
    _Atomic bool is_archiving;      /* there is a base: what trim lets go is kept */
    _Atomic uint64_t history_since_ms;
    _Atomic bool history_is_given_up;
};

/* The parts behind the workers. */
static inline unsigned part_log(const struct skn_shards *all)
{
    return all->worker_count;
}
static inline unsigned part_fetcher(const struct skn_shards *all)
{
    return all->worker_count + 1;
}
static inline unsigned part_keeper(const struct skn_shards *all)
{
    return all->worker_count + 2;
}
static inline unsigned part_preparer(const struct skn_shards *all)
{
    return all->worker_count + 3;
}
static inline unsigned part_outside(const struct skn_shards *all)
{
    return all->worker_count + 4;
}

/* The tail of the journal is BEHIND_TIMES what starts a checkpoint [E12]. */
static inline bool is_behind(const struct skn_shards *all)
{
    const struct skn_checkpoint_limits *limits = &all->options.checkpoint;
    uint64_t records = atomic_load_explicit(&all->tail_records, memory_order_relaxed);
    uint64_t bytes = atomic_load_explicit(&all->tail_bytes, memory_order_relaxed);
    return all->backend &&
           (records >= BEHIND_TIMES * limits->records || bytes >= BEHIND_TIMES * limits->bytes);
}

/* --- open.c ----------------------------------------------------------------------------------------- */

struct skn_shards *shards_new(const struct skn_shards_options *options, bool is_read_only);
/* Its shards, at the positions that the backend has. */
SKN_MUST_USE enum skn_rc
shards_create(struct skn_shards *all, const struct skn_journal_info *info, struct skn_diag *diag);
/* One record of a replay. */
SKN_MUST_USE enum skn_rc
shards_redo(void *ctx, const struct skn_record *record, struct skn_diag *diag);
/* A store may be behind its journal, never ahead of it. */
SKN_MUST_USE enum skn_rc shards_check_positions(struct skn_shards *all, struct skn_diag *diag);
void shards_start_clock(struct skn_shards *all);
/* Worker 0, at each turn: looks at the wall clock at most ten times a second [E50]. */
void shards_turn_clock(struct skn_shards *all);
void shards_free(struct skn_shards *all);

/* --- history.c: what is kept for looking back; of the keeper's thread ------------------------------- */

/* Puts away what a dead owner left half-made; all of it, where nothing is to be kept. */
void history_open(struct skn_shards *all);
void history_close(struct skn_shards *all);
/* A checkpoint is durable, and its trim comes: when a base is due, what that lets go is kept already, or
 * there would be a gap in front of the journal. */
void history_before_trim(struct skn_shards *all);
/* A checkpoint is durable and nothing was written since: a base may be made, or dropped. */
void history_checkpointed(struct skn_shards *all);
/* The disk is short of room: history is the first that goes [E8]. */
void history_look_at_disk(struct skn_shards *all);

/* --- past.c ------------------------------------------------------------------------------------------ */

void past_free(struct skn_shards *all);

/* The oldest rows from which on every record is kept. */
struct past_begin {
    struct skn_backend *backend; /* NULL: nothing, and all records are there */
    struct skn_backend *base;    /* owns; the same when it is a base */
    struct skn_file *lock;       /* owns; or NULL */
    uint64_t segment;            /* the archive is read from here on */
    struct skn_journal_info info;
};
/* SKN_ENOENT: there is no journal, or none that fits. */
SKN_MUST_USE enum skn_rc past_find_oldest(const struct skn_shards_options *options,
                                          struct past_begin *out,
                                          struct skn_diag *diag);
void past_begin_fini(struct past_begin *begin);

/* --- rings.c -------------------------------------------------------------------------------------- */

void rings_create(struct skn_shards *all);
/* Frees what is still in them. */
void rings_destroy(struct skn_shards *all);
/* False: it is full. Whoever turns `to` is woken at the end of the turn of `from`. */
bool parts_push(struct skn_shards *all,
                unsigned from,
                unsigned to,
                enum item_kind kind,
                uint32_t shard,
                uint64_t number,
                void *ptr);
/* Without an item: `to` is woken at the end of the turn. */
void parts_nudge(struct skn_shards *all, unsigned from, unsigned to);
bool parts_pop(struct skn_shards *all, unsigned from, unsigned to, struct skn_ring_item *out);
/* Wakes whoever got something in this turn of `from`. */
void parts_wake(struct skn_shards *all, unsigned from);
void parts_free_item(const struct skn_ring_item *item);
/* Nothing is in the rings to the parts; for a single thread. */
bool parts_are_quiet(struct skn_shards *all);

/* --- redo.c: the journal's tail on several threads ----------------------------------------------- */

/* NULL: one thread does it. */
struct redo *redo_begin(struct skn_shards *all);
SKN_MUST_USE enum skn_rc
redo_give(struct redo *redo, const struct skn_record *record, struct skn_diag *diag);
/* Waits until all is done, and frees it. `walked` is what became of the walk; gives that, or the error
 * of a helper. NULL is fine. */
SKN_MUST_USE enum skn_rc redo_end(struct redo *redo, enum skn_rc walked, struct skn_diag *diag);

/* --- outside.c ------------------------------------------------------------------------------------ */

void outside_fini(struct skn_shards *all);

/* --- worker.c ------------------------------------------------------------------------------------- */

void worker_init(struct skn_shards *all, unsigned part);
void worker_fini(struct worker *worker);
void worker_activate(struct shard *shard);
SKN_MUST_USE enum skn_rc worker_turn(struct worker *worker, bool *out_more, struct skn_diag *diag);
int worker_timeout_ms(struct worker *worker);

void chunk_free(struct chunk *chunk);
/* Copies a record into a chunk that has fewer than CHUNK_RECORDS; an empty one grows for it. */
void chunk_add(struct chunk *chunk, const struct skn_record *record);
void fetch_free(struct fetch *fetch);
void dirty_block_free(struct dirty_block *block);

/* --- release.c: calls and outputs of a shard -------------------------------------------------------- */

/* Runs the calls that wait. */
void release_calls(struct shard *shard);
/* Lets out what is durable; false when a ring was full and more is to leave. */
bool release_outputs(struct shard *shard);

/* --- mark.c: a worker's side of a checkpoint --------------------------------------------------------- */

void mark_take(struct worker *worker);
/* Gives the keeper what it has room for; less beside messages that wait, after a turn of so many slices.
 * True: there is more to give at once. */
bool mark_go_on(struct worker *worker, uint64_t slices, bool is_busy);
void mark_flushed(struct worker *worker);

/* --- log.c, keeper.c --------------------------------------------------------------------------------- */

SKN_MUST_USE enum skn_rc log_turn(struct skn_shards *all, bool *out_more, struct skn_diag *diag);
int log_timeout_ms(struct skn_shards *all);
/* How far the store is behind, for whoever asks. */
void log_note_tail(struct skn_shards *all, bool is_trimmed);
/* Once at opening, and then once a second [E8]. */
SKN_MUST_USE enum skn_rc log_look_at_disk(struct skn_shards *all, struct skn_diag *diag);
/* Everything in the rings and chunks of workers becomes durable: for a clean stop. */
SKN_MUST_USE enum skn_rc log_drain(struct skn_shards *all, struct skn_diag *diag);

/* Makes the next segment ready, a step at a time [E1]. */
SKN_MUST_USE enum skn_rc
preparer_turn(struct skn_shards *all, bool *out_more, struct skn_diag *diag);
int preparer_timeout_ms(struct skn_shards *all);

SKN_MUST_USE enum skn_rc
fetcher_turn(struct skn_shards *all, bool *out_more, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc keeper_turn(struct skn_shards *all, bool *out_more, struct skn_diag *diag);
int keeper_timeout_ms(struct skn_shards *all);
