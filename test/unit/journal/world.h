/* world.h - a journal on a simulated machine, driven by a seed, with an oracle of what must be there.
 *
 * The oracle is the list of all records in the order of their appends. Whatever happens, an opening
 * must replay a beginning of it (less what was trimmed) that ends between two groups and holds all
 * that was acknowledged by a flush or handed out by an earlier opening [E6]. What may be missing at
 * the front is at most the records up to the first one that its shard's mark does not cover [E9].
 *
 * Every second seed is a trimmer: large records, marks of its own for each shard, trims, steps of
 * preparation and reopenings between them.
 */
#pragma once

#include "base/rng.h"
#include "env/env_sim.h"
#include "journal/journal.h"

enum { WORLD_SHARDS_MAX = 64, WORLD_WHY = 400 };

/* What a record is made of; its bytes follow from it. */
struct world_record {
    uint32_t shard;
    uint32_t size; /* of the batch */
    uint64_t index;
    uint64_t term;
    uint64_t stamp;
    bool ends_group; /* a group was closed behind it */
};

struct world_records {
    struct world_record *at;
    size_t len;
    size_t cap;
};

struct world {
    struct skn_env_sim *sim;
    struct skn_journal *journal;
    struct skn_rng rng;
    struct world_records made;
    size_t acked;    /* so many of `made` are promised */
    size_t in_group; /* where `made` stood when the group being written was closed */
    size_t trimmed;  /* so many of `made` may be missing at the front */
    bool is_trimmer;
    uint32_t shards;
    uint64_t marks[WORLD_SHARDS_MAX]; /* what the store is said to have of each shard */
    uint32_t retired;                 /* trims that left files to write over [E1] */
    uint32_t reused;                  /* times when such a file became a segment */
    size_t replayed;                  /* by the opening under way: the next of `made` to come */
    bool has_replayed;                /* it gave one record at least */
    bool is_read_only;
    uint64_t stamp;
    uint64_t term;
    uint32_t openings;
    uint32_t records_back; /* replayed by all openings so far */
    uint32_t torn;         /* openings that cut a group */
    enum skn_rc rc;        /* of the last call that failed */
    char why[WORLD_WHY];   /* a promise was broken; empty: none was */
};

void world_init(struct world *w, uint64_t seed);
void world_fini(struct world *w);

/* The same history on a copy of the machine, with no process on it. */
void world_copy(struct world *to, const struct world *from, uint64_t seed);

/* Runs workload `seed` to its end, or until a call fails. False: one failed (`rc`) or a promise was
 * broken (`why`). */
bool world_run(struct world *w, uint64_t steps);

/* Opens for writing and checks what comes back; then `made` is what came back and all of it is
 * promised. */
bool world_open(struct world *w);

/* Reads without opening: must change nothing and give a beginning of `made`. */
bool world_read(struct world *w);

/* The process ends without a word. */
void world_kill(struct world *w);
void world_power_cut(struct world *w, enum skn_cut cut);

/* Appends a few records and flushes them. */
bool world_append_some(struct world *w);

/* SKN_SOAK of the environment, else 1: how many times the usual work; 0: only a part of it. */
uint64_t world_soak(void);
