/* peer_internal.h - one connection of the holder: frames in, answers out, both within limits.
 *
 * Invariants
 *   1. Nothing here blocks. What a peer does not read waits in its queue.
 *   2. Of the views of one request only the newest waits: a slow peer sees fewer, never older ones.
 *   3. A queue over its limit ends the connection; the client begins again.
 */
#pragma once

#include "base/buf.h"
#include "base/diag.h"
#include "base/list.h"
#include "base/rc.h"
#include "value/value.h"

enum { SKN_PEER_QUEUE_MAX = 256 };

#define SKN_PEER_QUEUE_BYTES_MAX ((size_t)64 << 20)

struct skn_peer {
    struct skn_list link; /* the holder's */
    int fd;
    uint64_t number;
    struct skn_buf in;     /* what was read and is no whole frame yet */
    struct skn_buf out;    /* the frame that is being written */
    size_t out_at;         /* how much of it is written */
    struct skn_list queue; /* of answers, oldest first */
    size_t queue_count;
    size_t queue_bytes;
    bool ends; /* closed once everything is written */
    bool gone; /* nothing can be read or written any more */
};

/* Takes the descriptor, which is non-blocking. */
struct skn_peer *skn_peer_create(int fd, uint64_t number);
void skn_peer_destroy(struct skn_peer *peer);

/* Reads once; sets `gone` at the end. */
void skn_peer_read(struct skn_peer *peer);

/* The next whole frame as a value in `out`. SKN_ELATER: none. SKN_ECORRUPT: the stream cannot be
 * followed any more. SKN_ESYNTAX: this frame is not JSON; the next one can be read. */
SKN_MUST_USE enum skn_rc
skn_peer_next(struct skn_peer *peer, struct skn_buf *out, struct skn_diag *diag);

/* Queues an answer, a JSON object, and writes what can be written. */
void skn_peer_answer(struct skn_peer *peer, struct skn_slice json);

/* Queues an error for the request with this id. */
void skn_peer_error(struct skn_peer *peer, struct skn_value id, const struct skn_diag *diag);

/* Writes what can be written. */
void skn_peer_write(struct skn_peer *peer);

static inline bool skn_peer_wants_to_write(const struct skn_peer *peer)
{
    return peer->out_at < peer->out.len || peer->queue_count > 0;
}
