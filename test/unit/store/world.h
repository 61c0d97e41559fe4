/* world.h - one store over a memory backend, beside an array that says what must be in it.
 *
 * A program is a row of random steps: batches, reads, fetches that are answered late, evictions,
 * checkpoints, crashes. Every answer is compared with the array. The seed says everything.
 */
#pragma once

#include "store/store.h"

struct world_counts {
    uint64_t programs, steps, batches, later, stale, evictions, commits, crashes, torn;
    uint64_t packed, grown, shrunk; /* tables at a commit; and since the one before it */
};

/* Runs the program of a seed. False: `out_why` says what was wrong. */
bool world_run(uint64_t seed, struct world_counts *counts, char out_why[200]);
