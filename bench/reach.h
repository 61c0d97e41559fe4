/* reach.h - figures beside their goals, and beside a peer measured in turn with them.
 *
 * Owns        the arithmetic of pairs and the text of the figures.
 * May include base.
 * Threads     one; a side may use others inside its run.
 * Invariants
 *   1. A ratio is the median of the ratios of pairs: one repetition of ours and one of the peer's,
 *      one right after the other, in the order ours-peer, peer-ours, ours-peer, ..
 *   2. A figure says how much of the machine others used meanwhile.
 *   3. A figure that is not measured has a line that says why.
 */
#pragma once

#include "bench.h"

enum { SKN_REPS_MAX = 64, SKN_REPS_LEAST = 3 };

struct skn_stat {
    double median;
    double spread; /* half the distance of the quartiles, as part of the median */
};

/* Sorts the values. */
struct skn_stat skn_stat_of(double *values, unsigned count);

/* One repetition. Fields that `run` leaves 0 but `n` are measured around it. */
struct skn_lap {
    uint64_t n; /* operations, set by run */
    double wall_s, cpu_s;
    uint64_t syncs;
};

struct skn_side {
    const char *name;
    void (*run)(void *ctx, struct skn_lap *lap);
    void *ctx;
};

struct skn_side_stat {
    struct skn_stat rate;   /* operations per second */
    struct skn_stat cpu_us; /* per operation, of all threads */
    double per_sync;        /* operations of all repetitions by their syncs; 0: none were counted */
};

struct skn_pairs {
    struct skn_side_stat ours, peer;
    struct skn_stat ratio; /* of ours to the peer's, of rates */
    unsigned count;
};

/* Up to `reps` pairs, fewer when they take longer than `budget_s`, but SKN_REPS_LEAST of them unless
 * `reps` is less. The first repetition of each side is thrown away. A peer without run: ours alone. */
struct skn_pairs skn_pairs_run(const struct skn_side *ours,
                               const struct skn_side *peer,
                               unsigned reps,
                               double budget_s);

/* Whoever needs more syncs for the same batches is slower by the disk, not by its code: the peer had
 * fewer operations per sync than ours, by more than 3 percent. */
bool skn_pairs_are_void(const struct skn_pairs *pairs);

enum skn_goal { SKN_GOAL_NONE, SKN_GOAL_LEAST, SKN_GOAL_MOST };

struct skn_figure {
    const char *name, *unit;
    struct skn_stat value;
    enum skn_goal goal_is;
    double goal;
    double cpu_us, per_sync; /* of one operation; 0: not measured */

    const char *peer; /* NULL: none */
    struct skn_side_stat peer_stat;
    struct skn_stat ratio;
    double ratio_goal;       /* at least; 0: none */
    const char *void_reason; /* the ratio says nothing, and why; or NULL */

    double limit; /* in the same unit; 0: none */
    const char *limit_text;
    const char *note;
};

/* Fills the figure's own and its peer's part. */
void skn_figure_pairs(struct skn_figure *figure, const struct skn_pairs *pairs, const char *peer);

/* How far a value is behind its goal, as a part of the goal (of 1 when that is 0); 0: it is met. */
double skn_goal_missed(double value, enum skn_goal goal_is, double goal);

struct skn_reach {
    struct skn_bench *bench;
    char dir[256];  /* where files are made: beside the program, so on the disk of the build */
    double sync_ns; /* one write of 4 KiB and its sync, right before the group of figures */
    uint64_t busy_ticks, began_ns; /* of the machine, when the figure's process began */
    double cpu_s;
    double others;     /* processors that others used during the last figure */
    double peer_cpu_s; /* of peers in other processes, which are not waited for yet */
};

/* To be called when a figure's work begins, and then before each further figure. */
void skn_reach_begin(struct skn_reach *reach);

/* A line; restarts the count of what others use. */
void skn_reach_print(struct skn_reach *reach, const struct skn_figure *figure);
void skn_reach_skip(struct skn_reach *reach, const char *name, const char *why);
void skn_reach_tell(struct skn_reach *reach, const char *format, ...) SKN_PRINTF(2, 3);

/* CPU time of all threads of this process. */
double skn_reach_cpu_s(void);

/* A folder name in `dir` that is not there; made when `make`. */
void skn_reach_path(const struct skn_reach *reach, const char *name, char *out, size_t size);
