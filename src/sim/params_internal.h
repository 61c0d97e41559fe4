/* params_internal.h - what a seed decides about its world before it begins.
 *
 * Swarm: each seed switches each family of faults off with 50 percent, so that combinations differ
 * (RELIABILITY B.5).
 */
#pragma once

#include "base/buf.h"
#include "core/core.h"
#include "sim/sim.h"

struct sim_params {
    /* Families of faults. */
    bool kills, cuts, in_operations, io_errors, full_disks, stops, clocks, slow_disk;
    bool holds;        /* openings that leave interrupted runs alone */
    bool lates;        /* results of dead nodes come late, and failures twice */
    bool failures;     /* programs fail and time out */
    bool cancels;      /* runs and jobs are stopped */
    bool repeats;      /* requests are asked again, and their ids used for others */
    bool bad_asks;     /* requests that cannot be admitted */
    bool pauses;       /* the process stands still for up to a minute */
    int32_t drift_ppm; /* of the wall clock; -1000000: it stands still */
    bool bombs;        /* requests at which the node dies of its own fault */
    bool bad_adds;     /* adds that fault, or are larger than some limit */
    /* What is asked for. */
    bool flows, peers, jobs, timers;
    bool secrets;  /* in what peers send and keep */
    bool limiters; /* of jobs */
    bool rekeys;   /* the key that seals them is changed */
    bool history;  /* is kept and looked at, in seeds with a store */
    bool blobs;    /* are stored, named and let go of */
    bool models;   /* sequential clients of the types of src/dev, and what these need small */
    bool hours;    /* request ids live an hour, and time passes that fast */
    bool tight;    /* limits are small: then no flows, whose runs would fault */

    uint32_t crash_every; /* rounds, on average */
    uint32_t asks_max;    /* new requests of one round */
    uint32_t open_max;    /* of them, that may wait for an answer */
    uint32_t hops_max;    /* of a note that peers send to and fro */
    uint32_t runs_max;
    uint32_t ledgers, peer_count;
    uint32_t segment_bytes;
    uint32_t shards, workers;
    bool has_store;   /* checkpoints to a backend, and the journal is trimmed */
    bool is_slow;     /* which answers later */
    uint32_t keep_ms; /* of history */
    uint32_t cache_bytes;
    uint32_t checkpoint_records, checkpoint_ms;
    struct skn_core_limits limits;
};

void params_draw(uint64_t seed, struct sim_params *out);
void params_print(const struct sim_params *params, struct skn_buf *out);
