/* phase_internal.h - what the node is doing right now, in a mapped file that outlives a kill.
 *
 * Owns        the file `.skein/phase`: u32 phase of the main thread at 0, u32 phase of the journal at
 *             4 (write, sync, or 0), u32 at 8: the keeper works on a checkpoint (checkpoint, or 0), u32 at
 *             12: how many programs run; then one u64 per phase, how often it was entered since the
 *             opening; little-endian. Never synced: it says what a killed process was at, and means
 *             nothing after a power cut.
 * May include base, observe, env.
 * Threads     enter, programs: the one that turns the engine. Writes and syncs: the one that has the
 *             journal; others are muted. checkpoint: the keeper's.
 *
 * A debug build ends itself with SIGKILL when SKEIN_FAILPOINT is "phase:n" and that phase is
 * entered for the n-th time since the process began; the crash tests aim with it.
 */
#pragma once

#include "env/env.h"
#include "observe/observe.h"

enum skn_phase {
    SKN_PHASE_IDLE,
    SKN_PHASE_OPENING,
    SKN_PHASE_SLICE,      /* handling messages */
    SKN_PHASE_WRITE,      /* of the journal */
    SKN_PHASE_SYNC,       /* of the journal */
    SKN_PHASE_RELEASE,    /* outputs leave */
    SKN_PHASE_PROGRAM,    /* idle, while programs run */
    SKN_PHASE_CHECKPOINT, /* of the keeper's thread */
    SKN_PHASE_EFFECT,     /* a program was started; entered once for each */
    SKN_PHASES
};

struct skn_phase_page;

struct skn_phases {
    struct skn_env base; /* the environment with writes and syncs noted */
    struct skn_env_ops ops;
    struct skn_env *inner;
    struct skn_observe *observe; /* told of writes and syncs, on their thread; may be NULL */
    volatile struct skn_phase_page *page;
    enum skn_phase fail_at;
    uint64_t fail_count; /* 0: never */
};

/* Maps DIR/phase. Without it (a full disk) the phases are noted nowhere, which hurts nobody. */
void skn_phases_init(struct skn_phases *phases, struct skn_env *inner, const char *dir);
void skn_phases_fini(struct skn_phases *phases);
void skn_phase_enter(struct skn_phases *phases, enum skn_phase phase);
/* The keeper's thread begins or ends a turn while a checkpoint is under way. */
void skn_phase_checkpoint(struct skn_phases *phases, bool is_working);
/* So many programs run; `has_started`: one more than before. */
void skn_phase_programs(struct skn_phases *phases, size_t running, bool has_started);
/* What this thread writes and syncs is not the journal's. */
void skn_phases_mute_thread(void);
