/* threads_internal.h - the only home of threads: one per part of the shards, but for worker 0.
 *
 * Owns        the threads and what they sleep on.
 * May include base, core, shard.
 * Threads     start, stop, turn and failed: the main one, which turns worker 0 and is the outside.
 * Invariants
 *   1. A part that got something in a ring, or is due, is turned; nothing spins. The log's part is
 *      turned by its thread, or by the main one when that would only wait for it.
 *   2. The first error of any part ends all turning, and comes out of turn.
 */
#pragma once

#include "node/guard_internal.h"
#include "node/phase_internal.h"
#include "shard/shards.h"

struct skn_threads;

/* Starts the threads, with all signals blocked but those of their own faults. Worker n has slot n of
 * the guard, the keeper notes its phase; both may be NULL. */
SKN_MUST_USE enum skn_rc skn_threads_start(struct skn_shards *shards,
                                           struct skn_guard_file *guard,
                                           struct skn_phases *phases,
                                           struct skn_threads **out_threads,
                                           struct skn_diag *diag);

/* For skn_shards_options: the threads of a long opening. */
extern const struct skn_crew skn_threads_crew;

/* Ends and joins them; the shards can then be closed. NULL is fine. */
void skn_threads_stop(struct skn_threads *threads);

/* Readable when worker 0 or the outside got something. */
int skn_threads_fd(const struct skn_threads *threads);

/* Turns worker 0, and the log where that is sooner. `out_more`: again at once. */
SKN_MUST_USE enum skn_rc
skn_threads_turn(struct skn_threads *threads, bool *out_more, struct skn_diag *diag);

int skn_threads_timeout_ms(struct skn_threads *threads);
