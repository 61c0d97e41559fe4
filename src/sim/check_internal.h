/* check_internal.h - what a checker remembers: promises that were made, and what was seen of them.
 *
 * Owns        nothing; the checker owns all of it.
 * May include base.
 * Threads     none.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "sim/history.h"

/* One payload under which a request id was used. */
struct payload {
    struct payload *next;
    uint64_t hash;
    int64_t amount;
};

/* A request with an id, and the row that it makes: an entry, a job, a timer. */
struct asked {
    struct payload *payloads;
    struct skn_slice name;
    bool is_answered;
    enum skn_rc rc;
    uint64_t hash, answer;
    int64_t amount;          /* of the payload that was answered */
    uint64_t answered_up_ms; /* how long nodes had been up by then */
    uint64_t asked_ms;       /* when it was asked first */
    uint64_t even;           /* number of the even stretch of the clock then */
    uint64_t seen;           /* observation in which its row was; 0 never */
    bool is_over;            /* job: over. timer: fired */
    uint32_t fired;          /* how often it was told */
};

struct run {
    bool is_promised; /* its start was answered */
    bool is_over;
    int64_t started;
    uint64_t seen;
};

/* What an idempotency key stands for. */
struct task {
    struct task *next_touched;
    bool is_touched; /* in the list of those with something live or pending */
    struct skn_slice domain, path;
    uint32_t performed; /* the last attempt that was */
    uint32_t live;      /* the attempt that runs; 0 none */
    uint32_t pending;   /* succeeded, and may not be durable yet */
    uint32_t accepted;  /* succeeded for good */
    uint64_t seen;
    uint32_t context;        /* in that observation */
    struct limiter *limiter; /* of the attempt that runs */
};

struct attempt {
    struct task *task;
    uint32_t number;
    uint64_t epoch;     /* in which it was performed */
    uint64_t life;      /* of the node that did */
    bool has_succeeded; /* a result of its own epoch said so */
    uint64_t seen;
};

struct known;

struct ledger {
    int64_t sum;         /* of the entries of this observation */
    int64_t promised;    /* of the adds that were answered */
    int64_t asked;       /* of all that ever were asked for */
    int64_t shown;       /* the greatest sum that a query showed */
    struct known *known; /* when it had what: check_past.c */
};

/* Under which epoch a domain had something performed last. Each shard has epochs of its own. */
struct fence {
    uint64_t epoch, life;
};

/* Dead letters of a domain. */
struct dead {
    uint64_t promised; /* requests that were answered with a fault */
    uint32_t marked;   /* deaths of the node at it [E35] */
    uint64_t count;    /* in the observation `seen` */
    uint64_t seen;
};

struct limiter {
    uint64_t live;     /* attempts that run and were given a place */
    struct given *all; /* of this observation */
    uint64_t seen;
};

/* A place was given. */
struct given {
    struct given *next;
    int64_t at_ms, least_ms; /* before the next one */
};

struct link {
    uint64_t sent, received;
};

struct skn_checker {
    struct skn_arena arena;
    struct skn_buf key; /* of a map, being made */
    struct skn_hmap asked, runs, tasks, attempts, ledgers, links, dead, fences, limiters;
    struct skn_arena given;
    struct task *touched;
    uint64_t epoch;       /* of the last opening */
    uint64_t life;        /* how many there were */
    uint64_t place_seen;  /* observation in which a limiter had a row; 0 never */
    uint64_t observation; /* number of the newest */
    bool is_down;         /* it ended, and none has opened since */
    bool is_up;
    uint64_t even;  /* stretches in which the node's clock ran evenly, so far */
    uint64_t up_ms; /* of the nodes before this one */
    uint64_t opened_ms;
};

/* The entry of a key, made of zeros when there is none. */
void *
check_remember(struct skn_checker *c, struct skn_hmap *map, struct skn_slice key, size_t size);
/* Two texts as a key; lives until the next call. */
struct skn_slice check_pair(struct skn_checker *c, struct skn_slice a, struct skn_slice b);
struct asked *check_asked(struct skn_checker *c, const struct skn_history_event *e);
struct ledger *check_ledger(struct skn_checker *c, struct skn_slice domain);
struct dead *check_dead(struct skn_checker *c, struct skn_slice domain);
struct task *check_task(struct skn_checker *c, const struct skn_history_event *e);
struct attempt *check_attempt(struct skn_checker *c, const struct skn_history_event *e);
/* The task of a key; NULL and a diag when the key was another one's. */
struct task *
check_known_task(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag);
enum skn_rc
check_bad_task(const struct skn_history_event *e, const char *why, struct skn_diag *diag);
/* "why: domain [id]". */
enum skn_rc check_bad(const struct skn_history_event *e, const char *why, struct skn_diag *diag);
/* For how long nodes have been up. */
uint64_t check_up_ms(const struct skn_checker *c, uint64_t at_ms);
/* A timer that was promised and has not been told or seen yet is late. */
bool check_is_late(const struct skn_checker *c, const struct asked *asked, uint64_t at_ms);

typedef enum skn_rc
check_fn(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag);

/* check_effects.c */
check_fn check_perform, check_effect, check_result, check_settled, check_open, check_crash;
/* check_limiters.c: P10 of limiters */
check_fn check_saw_given, check_saw_place;
struct limiter *check_limiter(struct skn_checker *c, struct skn_slice name);
/* An attempt begins, or has ended, under its limiter. */
enum skn_rc check_begins(struct skn_checker *c,
                         struct task *task,
                         const struct skn_history_event *e,
                         struct skn_diag *diag);
void check_ends(struct task *task);
/* Of an observation: whether any came too early. */
enum skn_rc check_paces(struct skn_checker *c, struct skn_diag *diag);
/* check_past.c. An add of this amount was answered with its stamp and the sum. */
check_fn check_then;
void check_knows(struct skn_checker *c, const struct skn_history_event *e, int64_t amount);
/* check_rows.c */
check_fn check_observe, check_saw_run, check_saw_attempt, check_saw_job, check_saw_entry,
    check_saw_total, check_saw_sent, check_saw_received, check_saw_timer, check_saw_dead,
    check_saw_mail, check_observed, check_the_end;
