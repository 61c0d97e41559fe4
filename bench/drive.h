/* drive.h - how benchmarks drive the engine: open, submit, turn, take what is durable.
 *
 * Owns        the one place that knows the interface of the engine below it; a benchmark of whole
 *             slices uses nothing else of it. And a thread for each part of the engine but the
 *             first, which the caller turns, as in a node; with
 *             SKEIN_BENCH_ONE_THREAD=1 in the environment the caller's thread turns all of them.
 * May include base, value, env, core, shard, store.
 * Threads     one.
 *
 * A benchmark that fails has nothing to say: every call ends the program with 1 and a line that says
 * why when the engine refuses it.
 */
#pragma once

#include "core/cx.h"

struct skn_drive;

struct skn_drive_options {
    const char *dir; /* made when it is not there: `journal` and `store` come in it */
    const struct skn_program *const *programs;
    uint32_t shards;    /* 0: the engine's default; only at creation */
    unsigned workers;   /* threads that handle slices; 0: 1 */
    bool no_checkpoint; /* rows stay in memory, and the journal is not trimmed */
    uint32_t warm;      /* idle domains that keep what their program cached; 0: the default */
};

struct skn_drive *skn_drive_open(const struct skn_drive_options *options) SKN_MUST_USE;

/* A clean stop; and what a kill leaves. */
void skn_drive_close(struct skn_drive *drive);
void skn_drive_kill(struct skn_drive *drive);

/* Durable, from outside, priority normal; `number` comes back in the reply. */
void skn_drive_submit(struct skn_drive *drive,
                      uint64_t number,
                      const char *address,
                      struct skn_slice name,
                      struct skn_value payload);

/* Handles what waits and makes it durable, or waits for the threads that do. False: there is nothing
 * more to do now. */
bool skn_drive_turn(struct skn_drive *drive);

/* The next output that may leave; borrowed until the next call. */
bool skn_drive_next(struct skn_drive *drive, struct skn_output *out);

/* Sleeps until a turn has something to do though nothing came, at most `most_ms`. */
void skn_drive_wait(struct skn_drive *drive, uint64_t most_ms);

/* The node's clock, and slices handled since it was opened. */
uint64_t skn_drive_now_ms(struct skn_drive *drive);
uint64_t skn_drive_slices(struct skn_drive *drive);

/* Which shard an address belongs to. */
uint32_t skn_drive_shard_of(struct skn_drive *drive, const char *address);

/* Starts a checkpoint; how many there were since the opening, and whether one is under way. */
void skn_drive_checkpoint(struct skn_drive *drive);
uint64_t skn_drive_checkpoints(struct skn_drive *drive);
bool skn_drive_is_checkpointing(struct skn_drive *drive);

/* Puts `domains` of five rows of 72 bytes each, which nobody ever asks for, into the store of a drive that
 * is closed and had a checkpoint: what slices would take an hour to fill. The state hash knows nothing of
 * them, so that nothing may verify it. */
void skn_drive_fill(const char *dir, uint64_t domains);

/* What a benchmark needs beside it: ends the program, removes folders. */
SKN_NORETURN void skn_drive_fail(const char *what);
void skn_drive_remove(const char *dir);
