/* spawner_internal.h - the spawner process: its state, and the life of one program in it.
 *
 * A program's phases; it waits in each of them but OVER:
 *
 *   STARTING --STARTED--> RUNNING --time limit, cancel--> ASKED --grace--> KILLED
 *      |                     |                              |                |
 *      +------ FAILED, ENDED, or the keeper is dead: -------+--> OVER <------+
 *
 * STARTING may also be ASKED (its SIGTERM waits in the keeper) and any may be KILLED at once. OVER
 * means that nothing of it runs; its ENDED frame goes out as soon as the node keeps up with reading.
 */
#pragma once

#include "base/list.h"
#include "base/omap.h"
#include "exec/chan_internal.h"
#include "exec/errlog_internal.h"
#include "exec/keeper_internal.h"
#include "exec/lock_internal.h"

#include <sys/epoll.h>

enum {
    SKN_EXEC_SCRATCH_BYTES = 64 << 10, /* the size of a pipe */
    SKN_EXEC_GIVE_UP_MS = 5000,        /* after SIGKILL, for what the kernel does not let die */
};

enum skn_exec_phase {
    SKN_PHASE_STARTING,
    SKN_PHASE_RUNNING,
    SKN_PHASE_ASKED,
    SKN_PHASE_KILLED,
    SKN_PHASE_OVER,
};

struct skn_exec_program;

/* One descriptor of a program, as epoll knows it. */
struct skn_exec_pipe {
    int fd; /* -1: closed */
    void (*on_ready)(struct skn_exec_program *program);
    struct skn_exec_program *program;
};

struct skn_exec_program {
    struct skn_exec_spawner *spawner;
    struct skn_omap_node by_id;
    struct skn_omap_node by_keeper;
    struct skn_list link; /* in `over` or `dead` of the spawner */
    uint8_t id_key[8];
    uint8_t keeper_key[8];
    uint64_t id;
    pid_t keeper;
    enum skn_exec_phase phase;
    enum skn_exec_how cause; /* why it was asked or killed; 0: it was not */
    uint64_t began_ms;
    uint64_t deadline_ms; /* of this phase; UINT64_MAX: none */
    uint64_t grace_ms;
    char *body; /* owned: the EXEC frame, which `input` points into */
    struct skn_slice input;
    struct skn_exec_pipe in;
    struct skn_exec_pipe out;
    struct skn_exec_pipe err;
    struct skn_exec_pipe report;
    struct skn_buf output;
    struct skn_exec_errlog log;
    struct skn_exec_report result; /* FAILED or ENDED, once OVER */
};

struct skn_exec_spawner {
    struct skn_exec_chan chan;
    struct skn_exec_lock lock;
    pid_t self;
    pid_t node;
    struct rlimit nofile;
    int epoll;
    int signals;
    uint32_t chan_events;     /* what epoll waits for on the channel */
    struct skn_omap programs; /* by id, until their ENDED is sent */
    struct skn_omap keepers;  /* by process number, until reaped */
    struct skn_list over;     /* ENDED not sent yet */
    struct skn_list dead;     /* to be freed when no event of this round can name them */
    uint8_t scratch[SKN_EXEC_SCRATCH_BYTES];
};

/* The process: takes the lock, says READY or FAILED, serves, and ends when the node does. `fd` is its
 * end of the socket pair. */
SKN_NORETURN void
skn_exec_spawner_main(const struct skn_spawner_options *options, pid_t node, int fd);

/* Starts what the frame says. A start that fails is an OVER program like any other; SKN_ECORRUPT when
 * the frame is wrong or its id runs. */
SKN_MUST_USE enum skn_rc skn_exec_program_start(struct skn_exec_spawner *spawner,
                                                struct skn_slice body,
                                                struct skn_diag *diag);

/* SIGTERM and a grace, for this cause; nothing when it was asked before. */
void skn_exec_program_ask(struct skn_exec_program *program, enum skn_exec_how cause);

/* Its deadline has passed: the next phase. */
void skn_exec_program_expire(struct skn_exec_program *program);

/* Its keeper was reaped. True when that was no end of its own: somebody killed it. The program is OVER
 * either way; the caller kills what it had detached before the ENDED frame is made. */
bool skn_exec_program_lost_keeper(struct skn_exec_program *program);

/* Appends the ENDED frame of an OVER program and moves it to `dead`. */
void skn_exec_program_finish(struct skn_exec_program *program);
void skn_exec_program_free(struct skn_exec_program *program);

/* Keys for the maps: big-endian, so that byte order is number order. */
static inline struct skn_slice skn_exec_key(uint64_t number, uint8_t bytes[8])
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    return skn_slice(bytes, 8);
}
