/* request_internal.h - a client's request from its arrival to its answer.
 *
 * Owns        a copy of the request, and what was found for it so far.
 * May include what node may.
 * Threads     the one that turns the engine.
 */
#pragma once

#include "node/engine_internal.h"

/* The run that a person means, so far. */
struct found {
    struct skn_buf address;
    uint64_t started_ms;
    size_t count; /* of those whose id begins with what was given */
    bool is_exact;
    bool is_held;
    bool is_newest_wanted;
};

/* Goes on when all looks are back. SKN_ELATER: it is not over yet. */
typedef enum skn_rc ask_then(struct ask *ask);

struct ask {
    struct skn_list link; /* in engine->asks */
    struct skn_engine *engine;
    uint64_t client;
    int64_t id;
    struct skn_buf bytes; /* the request */
    struct skn_value request;
    struct skn_diag *diag; /* of the caller, or own_diag when it has gone on */
    struct skn_diag own_diag;
    enum skn_rc rc; /* the first that failed */
    uint32_t looks; /* that are not back */
    ask_then *then;
    struct skn_slice wanted;
    struct found found;
    struct skn_buf parts, payload, address;
    bool all;
};

struct skn_slice ask_text(const struct ask *ask, const char *name);
bool ask_flag(const struct ask *ask, const char *name);
int64_t ask_int(const struct ask *ask, const char *name, int64_t otherwise);
/* SKN_EDISKFULL, SKN_EBUSY: nothing new is taken from outside [E8] [E12]. */
SKN_MUST_USE enum skn_rc ask_has_room(const struct ask *ask);
/* It is over: an error is answered; freed. SKN_ELATER: it goes on. */
void ask_end(struct ask *ask, enum skn_rc rc);
/* Without an answer. */
void ask_free(struct ask *ask);

/* Both give SKN_ELATER, and call `then` when every shard was looked at: the run is in ask->found;
 * the parts of all shards are in ask->parts. */
SKN_MUST_USE enum skn_rc engine_find_run(struct ask *ask, struct skn_slice wanted, ask_then *then);
SKN_MUST_USE enum skn_rc engine_all_runs(struct ask *ask, bool only_interrupted, ask_then *then);

/* What the reply to a message becomes. */
enum reply_as {
    REPLY_AS_RUN,      /* "accepted", and the run is watched if that was asked for */
    REPLY_AS_NOTHING,  /* told and not asked */
    REPLY_AS_VALUE,    /* the answer itself */
    REPLY_AS_FORGIVEN, /* likewise; and the poison guard forgets the domain */
};

/* A request that waits for its reply: gives the number that comes back in it. */
uint64_t ask_expect(struct ask *ask, struct skn_slice address, enum reply_as reply_as);
void ask_submit(struct ask *ask,
                struct skn_slice address,
                struct skn_slice name,
                struct skn_slice request_id,
                enum skn_priority priority,
                struct skn_value payload,
                enum reply_as reply_as);

/* --- request_domain.c, request_status.c: one per kind of request ------------------------------------ */

enum skn_rc request_domains(struct ask *ask);
enum skn_rc request_domain(struct ask *ask);
enum skn_rc request_send(struct ask *ask);
enum skn_rc request_take_up(struct ask *ask);
enum skn_rc request_redeliver(struct ask *ask);
enum skn_rc request_remove(struct ask *ask);
enum skn_rc request_trace(struct ask *ask);
enum skn_rc request_clock(struct ask *ask);
enum skn_rc request_accept_clock(struct ask *ask);
enum skn_rc request_snapshot(struct ask *ask);
enum skn_rc request_snapshot_end(struct ask *ask);
enum skn_rc request_status(struct ask *ask);
enum skn_rc request_secrets(struct ask *ask);
enum skn_rc request_rotate(struct ask *ask);
enum skn_rc request_blob(struct ask *ask);
enum skn_rc request_blob_hold(struct ask *ask);
enum skn_rc request_blob_names(struct ask *ask);
