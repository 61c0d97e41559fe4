/* client_internal.h - the parts of a client: its connection (client.c), what it says (ask.c), how it
 * starts a holder (start.c). */
#pragma once

#include "base/buf.h"
#include "node/dir_internal.h"
#include "node/node.h"
#include "value/json.h"

#include <sys/types.h>

struct skn_engine;

/* What ends a request. */
enum skn_ask { SKN_ASK_NOTHING, SKN_ASK_ONE_ANSWER, SKN_ASK_UNTIL_FINAL };

struct skn_client {
    struct skn_env *env;
    struct skn_project project;
    bool write;
    struct skn_data_dir dir;
    int fd;                    /* to the holder, or -1 */
    struct skn_engine *engine; /* without a holder, or NULL */
    struct skn_buf in;         /* frames as read */
    size_t in_used;            /* of it, what the last answer borrowed */
    struct skn_buf request;    /* the JSON of what was asked */
    struct skn_buf value;      /* the last answer */
    enum skn_ask kind;
    int64_t id;    /* of the request; 0 is never one, it is what is told and not asked */
    uint32_t lost; /* holders since the last answer */
};

/* Sends one JSON object. A holder that is gone shows when it is read from. */
SKN_MUST_USE enum skn_rc
skn_client_send(struct skn_client *client, struct skn_slice json, struct skn_diag *diag);

/* What an answer says. `out_is_ours` false: it belongs to no request that is open. */
SKN_MUST_USE enum skn_rc skn_answer_read(struct skn_client *client,
                                         struct skn_value value,
                                         bool *out_is_ours,
                                         struct skn_answer *out_answer,
                                         struct skn_diag *diag);

/* Starts a holder in the background. `out_ready_fd` gives a number and a text once it serves or has
 * failed; end of file without them: it died. */
SKN_MUST_USE enum skn_rc skn_holder_start(const struct skn_project *project,
                                          const struct skn_data_dir *dir,
                                          pid_t *out_pid,
                                          int *out_ready_fd,
                                          struct skn_diag *diag);
