/* exec.h - programs: started, limited in time and output, and never left behind.
 *
 * Owns        the spawner (a process of its own, forked by the node before anything else) and all
 *             that runs under it. Under the spawner each program has a keeper, a small process that
 *             is a child subreaper: whatever a program forks, hides or detaches stays under its
 *             keeper, so "everything it started is dead" is what wait() says, not a guess.
 * May include base, value.
 * Threads     the thread that made the spawner; skn_spawner_start before any other thread is made.
 * Invariants
 *   1. A program is over when its first process ends; what it left running is killed then.
 *   2. Each accepted request gives at most one STARTED, then exactly one ENDED, unless GONE comes.
 *   3. ENDED comes when nothing of the program runs any more. The one exception is a process that
 *      the kernel does not let die within 5 s of SIGKILL; `text` then says so.
 *   4. No program starts before the lock is held and a sweep found nothing of an earlier spawner
 *      [E43b].
 *   5. Nothing here waits for a program: one that reads nothing, prints without end or never ends
 *      stalls nobody else. Only start and stop block, both within a bound.
 *
 * A program gets the request's environment and SKEIN_SPAWNER (the mark of its spawner), descriptors
 * 0, 1, 2 and one more that keeps the lock (SKN_EXEC_LOCK_FD), a session of its own, default signals
 * and no core file. The rest is closed.
 */
#pragma once

#include "base/diag.h"
#include "base/slice.h"

enum {
    SKN_EXEC_LOCK_FD = 100,            /* above what programs use, below the usual limit of 1,024 */
    SKN_EXEC_PROGRAMS_MAX = 1024,      /* at once; each holds 4 descriptors and a keeper */
    SKN_EXEC_STRINGS_MAX = 16384,      /* arguments and environment entries of one request */
    SKN_EXEC_INPUT_MAX = 8 << 20,      /* standard input; larger data goes by file */
    SKN_EXEC_OUTPUT_MAX = 8 << 20,     /* the largest stdout_max; a frame must hold it */
    SKN_EXEC_OUTPUT_DEFAULT = 1 << 20, /* of standard output [F32] */
    SKN_EXEC_LOG_DEFAULT = 256 << 10,  /* of the standard error log: half head, half tail */
    SKN_EXEC_LOG_MAX = 64 << 20,
    SKN_EXEC_TAIL_BYTES = 4096,       /* of standard error that come with ENDED */
    SKN_EXEC_WAITING_MAX = 256 << 20, /* bytes of standard input of all programs together */
};

struct skn_spawner_options {
    const char *dir;   /* where spawner.lock is; the caller holds this directory */
    int32_t spare_pid; /* a process that is never killed: the client that began this node, or 0 */
    uint32_t lock_wait_ms; /* how long to wait for an earlier spawner; 0 means 10 s */
};

struct skn_exec_request {
    uint64_t id;                  /* the caller's; not that of a program that has not ended */
    const struct skn_slice *argv; /* argv[0] without a slash is looked up in PATH of env */
    size_t argc;
    const struct skn_slice *env; /* "NAME=value"; nothing else is inherited */
    size_t envc;
    struct skn_slice cwd;         /* absolute */
    struct skn_slice input;       /* standard input, then its end; empty: /dev/null */
    struct skn_slice stderr_path; /* the log, appended to; empty: only the tail is kept */
    uint64_t timeout_ms;          /* from the start; 0: none */
    uint64_t grace_ms;            /* between SIGTERM to its group and SIGKILL to all of it */
    uint32_t stdout_max;          /* 0: SKN_EXEC_OUTPUT_DEFAULT */
    uint32_t stderr_max;          /* 0: SKN_EXEC_LOG_DEFAULT */
};

enum skn_exec_event_kind {
    SKN_EXEC_STARTED = 1, /* it is running */
    SKN_EXEC_ENDED = 2,
    SKN_EXEC_GONE = 3, /* the spawner has died: every program is lost, the node ends [E43b] */
};

enum skn_exec_how {
    SKN_EXEC_EXITED = 1,       /* code is the exit status */
    SKN_EXEC_SIGNALLED = 2,    /* code is the signal, of nobody here */
    SKN_EXEC_TIMEOUT = 3,      /* over its time; code is the signal or exit status it ended with */
    SKN_EXEC_CANCELLED = 4,    /* the same after skn_spawner_cancel */
    SKN_EXEC_SPAWN_FAILED = 5, /* never ran; code is the errno, text says what */
    SKN_EXEC_TOO_LARGE = 6,    /* standard output passed stdout_max and it was killed */
};

/* Slices are borrowed until the next call on the spawner. */
struct skn_exec_event {
    enum skn_exec_event_kind kind;
    uint64_t id;
    int32_t pid; /* STARTED: its process, session and group */
    /* Below: of ENDED. A program that exits with 0 after its SIGTERM and within its grace has
     * EXITED: until then its success counts [E40]; was_signalled tells. */
    enum skn_exec_how how;
    int32_t code;
    bool was_signalled;
    uint64_t wall_ms;
    uint64_t cpu_ms;           /* of it and what it waited for */
    uint64_t rss_kib;          /* the largest of these */
    uint64_t stderr_bytes;     /* all it wrote, kept or not */
    struct skn_slice output;   /* standard output; of TOO_LARGE the first 4 KiB */
    struct skn_slice err_tail; /* the end of standard error */
    struct skn_slice text;     /* for people: of SPAWN_FAILED, GONE and oddities; else empty */
};

struct skn_spawner;

/* Forks the spawner and waits until it holds the lock and all of an earlier spawner is dead.
 * SKN_EBUSY: not within lock_wait_ms, the diag names the processes. SKN_EIO, SKN_EPERM: the lock
 * file. The caller has one thread. *out_spawner is ended by skn_spawner_stop. */
SKN_MUST_USE enum skn_rc skn_spawner_start(const struct skn_spawner_options *options,
                                           struct skn_spawner **out_spawner,
                                           struct skn_diag *diag);

/* Hands a program over; events tell the rest. SKN_EARGS: the request makes no sense; SKN_EEXIST: the
 * id runs; SKN_ETOOLARGE: it is over a limit; SKN_EFULL: too many programs or too much input at
 * once; SKN_EGONE: the spawner is dead. */
SKN_MUST_USE enum skn_rc skn_spawner_exec(struct skn_spawner *spawner,
                                          const struct skn_exec_request *request,
                                          struct skn_diag *diag);

/* Asks for the end: SIGTERM to its group, its grace, SIGKILL to all of it. One that has ended, or
 * is being ended, is left alone. */
void skn_spawner_cancel(struct skn_spawner *spawner, uint64_t id);

/* What to poll, and for which poll(2) events; then call skn_spawner_next_event until SKN_ELATER. */
int skn_spawner_fd(const struct skn_spawner *spawner);
short skn_spawner_poll_events(const struct skn_spawner *spawner);

/* The next event. SKN_ELATER: none now. SKN_ECORRUPT: the spawner sent nonsense; treat it as GONE,
 * which every later call gives. */
SKN_MUST_USE enum skn_rc skn_spawner_next_event(struct skn_spawner *spawner,
                                                struct skn_exec_event *out_event,
                                                struct skn_diag *diag);

/* For status: the spawner's process, how many processes of an earlier one it killed at its start,
 * and how many programs have not ended. */
int32_t skn_spawner_pid(const struct skn_spawner *spawner);
uint32_t skn_spawner_swept(const struct skn_spawner *spawner);
size_t skn_spawner_running(const struct skn_spawner *spawner);

/* Kills everything without grace, waits until it is dead (5 s at most, then SKN_EBUSY) and frees the
 * spawner in any case. NULL is fine. */
enum skn_rc skn_spawner_stop(struct skn_spawner *spawner, struct skn_diag *diag);

/* "exited", "timeout", ..: the words of the manual. */
const char *skn_exec_how_name(enum skn_exec_how how);
