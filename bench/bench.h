/* bench.h - times a function over repetitions and states the limit beside the figure.
 *
 * Owns        its samples and the results' text. Cases are the caller's.
 * May include base.
 * Threads     one; a case may use others inside its run, and then samples on the calling one.
 * Invariants
 *   1. Figures are of whole repetitions, after one that is thrown away; the median is given with
 *      half the distance of the quartiles, so that a reader sees how much to believe.
 *   2. Same seed and scale: same work.
 *
 * A benchmark is a program: skn_bench_init, skn_bench_run for each case, skn_bench_end. It takes
 * --json (one object per case and line), --seed N, --scale X, --reps N, --only TEXT.
 */
#pragma once

#include "base/base.h"
#include "base/rng.h"

struct skn_bench {
    const char *subject;
    bool json;
    uint64_t seed;
    double scale;
    unsigned reps;
    const char *only;  /* cases whose name holds it, or NULL */
    double ours_ns;    /* median of the last case that is no peer */
    double clock_ns;   /* what reading the clock costs */
    uint64_t *samples; /* of the case that runs */
    size_t sample_count;
    uint64_t seen;      /* samples offered; those beyond the array take random places */
    struct skn_rng rng; /* of the sampling, not of the work */
};

struct skn_bench_case {
    const char *name;
    uint64_t n;                /* operations of one repetition */
    void (*before)(void *ctx); /* not timed, before each repetition; may be NULL */
    void (*after)(void *ctx);  /* not timed, after it; may be NULL */

    /* One of the two. `run` does all n, and may call skn_bench_sample for the latencies; `op` does
     * number i and is timed by itself in a further repetition. */
    void (*run)(void *ctx);
    void (*op)(void *ctx, uint64_t i);
    void *ctx;

    const char *limit; /* what nothing on this machine can beat, in words */
    double limit_ns;   /* the same per operation, measured in this run where that is possible */
    bool is_peer;      /* another implementation of the case before: shown as a ratio to it */
};

/* Reads the arguments; a wrong one prints what there is and exits with 2. */
void skn_bench_init(struct skn_bench *bench, const char *subject, int argc, char **argv);

/* `n` operations at this scale, at least 1. */
uint64_t skn_bench_n(const struct skn_bench *bench, uint64_t n);

/* Runs a case and prints its line. */
void skn_bench_run(struct skn_bench *bench, const struct skn_bench_case *c);

/* A latency; for a `run` that knows when each of its operations began and ended. */
void skn_bench_sample(struct skn_bench *bench, uint64_t ns);

/* Frees what it holds. Returns the exit status. */
int skn_bench_end(struct skn_bench *bench);

uint64_t skn_bench_now_ns(void);

/* Keeps a result that nobody needs from being optimised away. */
void skn_bench_keep(const void *result);

/* --- limits that are measured ----------------------------------------------------------------- */

/* One access to a random cache line of `bytes` of memory that waits for the one before. */
double skn_bench_memory_ns(size_t bytes);

/* One pwrite of 4 KiB and fdatasync in a file in `dir`, overwritten in place: what a durable write
 * costs at least. Negative when it cannot be measured there. */
double skn_bench_sync_ns(const char *dir);

/* --- arithmetic, for its tests ---------------------------------------------------------------- */

/* The value below which `per_mille` of the sorted values are (nearest rank). */
uint64_t skn_bench_quantile(const uint64_t *sorted, size_t count, unsigned per_mille);

/* Sorts ascending. */
void skn_bench_sort(uint64_t *values, size_t count);
