/* env_sim.h - a machine in memory: a disk with a page cache, a clock that is set, faults on order.
 *
 * Owns        its disk; handles belong to who opened them and are closed before destroy.
 * May include base.
 * Threads     none: a simulated machine belongs to whoever made it.
 * Invariants
 *   1. The same seed and the same calls give the same results, the same bytes and the same losses.
 *   2. A power cut keeps everything that a sync returned for, and any part of the rest that its
 *      mode allows. A sector of 512 bytes is kept whole or not at all.
 *   3. A name made, moved or removed survives only when its directory was synced; a file's own
 *      sync does not do it.
 *   4. After a failed sync the page cache reads as written, and what was not durable may never be,
 *      though a later sync says SKN_OK: as Linux does it.
 *
 * Narrower than Linux: directories are not renamed or removed, a directory cannot be opened as a
 * file, and every path is absolute or below the (always present) current directory.
 */
#pragma once

#include "env/env.h"

struct skn_env_sim;

/* What a power cut leaves of what was not synced. */
enum skn_cut {
    SKN_CUT_DROP,       /* nothing */
    SKN_CUT_PREFIX,     /* the changes up to some moment, whole */
    SKN_CUT_SECTORS,    /* any sectors of any write; names up to some moment */
    SKN_CUT_TORN,       /* all but some sectors of one write */
    SKN_CUT_NAMES_LOST, /* contents, but no name made, moved or removed */
    SKN_CUT_NAMES_ONLY, /* names and lengths, with zeros for contents */
};

enum { SKN_CUT_COUNT = SKN_CUT_NAMES_ONLY + 1 };

enum skn_fault {
    SKN_FAULT_NONE,
    SKN_FAULT_EIO,   /* SKN_EIO or, of a sync, SKN_ESYNC; of a write any sectors may have come */
    SKN_FAULT_FULL,  /* SKN_EDISKFULL from what needs room, nothing done; others go on */
    SKN_FAULT_SHORT, /* of a write its first sectors, then SKN_EDISKFULL; others as _FULL */
    SKN_FAULT_STOP,  /* the process stops before the call; see skn_env_sim_is_stopped */
    SKN_FAULT_STOP_SHORT, /* the same in the middle of a write */
};

/* A new machine with an empty disk of `disk_bytes` (0: as good as endless). */
struct skn_env_sim *skn_env_sim_create(uint64_t seed, uint64_t disk_bytes);
void skn_env_sim_destroy(struct skn_env_sim *sim);

/* Another machine with the same disk and page cache, on which nothing runs; its losses follow from
 * `seed`. For trying several endings of one history. */
struct skn_env_sim *skn_env_sim_copy(const struct skn_env_sim *sim, uint64_t seed);

struct skn_env *skn_env_sim_env(struct skn_env_sim *sim);

/* The process dies: its handles are dead (close them all the same), its locks free; the page cache
 * stays. A fault that is still to come stays, too. */
void skn_env_sim_kill(struct skn_env_sim *sim);

/* The power fails: a kill, and what was not synced survives only as `cut` says. */
void skn_env_sim_power_cut(struct skn_env_sim *sim, enum skn_cut cut);

/* The `nth` counted call from now (1 is the next) and `times - 1` after it have this fault; with
 * `changes_only` only those count that change or sync something. Replaces the fault before. */
void skn_env_sim_fault(
    struct skn_env_sim *sim, enum skn_fault fault, bool changes_only, uint64_t nth, uint64_t times);

/* Whether a fault as ordered happened since skn_env_sim_fault. */
bool skn_env_sim_has_faulted(const struct skn_env_sim *sim);

/* Whether SKN_FAULT_STOP came: each call fails and does nothing until kill or power cut. */
bool skn_env_sim_is_stopped(const struct skn_env_sim *sim);

/* Calls so far: all that can fail, and those that change or sync something. */
uint64_t skn_env_sim_calls(const struct skn_env_sim *sim);
uint64_t skn_env_sim_changes(const struct skn_env_sim *sim);

/* Syncs of files and directories that succeeded so far. */
uint64_t skn_env_sim_syncs(const struct skn_env_sim *sim);

/* Changes that no sync covers yet. */
size_t skn_env_sim_unsynced(const struct skn_env_sim *sim);

/* Both clocks go on by so much; the wall clock may also be moved by `jump_ns` in either way. */
void skn_env_sim_advance(struct skn_env_sim *sim, uint64_t duration_ns);
void skn_env_sim_jump_wall(struct skn_env_sim *sim, int64_t jump_ns);

/* From now on each sync takes so long by both clocks: a slow disk. 0 in the beginning. */
void skn_env_sim_set_sync(struct skn_env_sim *sim, uint64_t sync_ns);

/* The disk's size from now on; below what is used means full. */
void skn_env_sim_set_disk(struct skn_env_sim *sim, uint64_t disk_bytes);

/* Turns one bit of a file over, in cache and on disk: rot. False: no such file or offset. */
bool skn_env_sim_flip(struct skn_env_sim *sim, const char *path, uint64_t offset, unsigned bit);
