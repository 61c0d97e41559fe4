/* engine.h - the whole of a node behind one handle: runs, journal, store and programs of a project.
 *
 * Owns        what is open in the data directory, the spawner, and every run in it.
 * May include base, value, env.
 * Threads     one: an engine belongs to the loop that turns it. It forks before it has any thread.
 * Invariants
 *   1. An answer leaves only when what it says is durable.
 *   2. Read only, it performs nothing and changes nothing.
 */
#pragma once

#include "base/base.h"
#include "base/diag.h"
#include "base/rc.h"
#include "base/slice.h"
#include "value/value.h"

struct skn_env;
struct skn_engine;

struct skn_engine_options {
    struct skn_env *env;
    struct skn_slice data_dir;    /* absolute; the caller has its lock */
    struct skn_slice project_dir; /* absolute; where programs run */
    const char *version;          /* of the program, for `skein status`; a literal; may be NULL */
    bool read_only;
    bool take_up_all; /* interrupted runs go on at opening */
    unsigned workers; /* threads that handle messages; 0: one per core */
};

SKN_MUST_USE enum skn_rc skn_engine_open(const struct skn_engine_options *options,
                                         struct skn_engine **out_engine,
                                         struct skn_diag *diag);

/* A clean stop: seals the journal. NULL is fine. */
void skn_engine_close(struct skn_engine *engine);

/* What to poll, -1 when there is nothing; and for which events of poll(2). */
int skn_engine_fd(struct skn_engine *engine);
short skn_engine_poll_events(struct skn_engine *engine);
/* Readable when another thread has something for it, likewise. */
int skn_engine_wake_fd(struct skn_engine *engine);

/* Until it wants a turn: -1 never, 0 now. */
int skn_engine_timeout_ms(struct skn_engine *engine);

/* Goes on with what it can; never blocks longer than a sync. An error ends the node. */
SKN_MUST_USE enum skn_rc skn_engine_turn(struct skn_engine *engine, struct skn_diag *diag);

/* A client's request, borrowed for the call; `client` is the caller's number of the connection. The
 * answers come from skn_engine_next_answer. An error is the request's, not the engine's. */
SKN_MUST_USE enum skn_rc skn_engine_request(struct skn_engine *engine,
                                            uint64_t client,
                                            struct skn_value request,
                                            struct skn_diag *diag);

/* Nobody listens under this number any more. */
void skn_engine_client_gone(struct skn_engine *engine, uint64_t client);

/* The next answer, a JSON object borrowed until the next call; false: none now. */
bool skn_engine_next_answer(struct skn_engine *engine,
                            uint64_t *out_client,
                            struct skn_slice *out_json);

/* Nothing runs and nothing is owed to anybody. */
bool skn_engine_idle(struct skn_engine *engine);
