/* chan_internal.h - one end of the socket pair: frames in and out, without ever waiting.
 *
 * Owns: its descriptor and both buffers.
 */
#pragma once

#include "base/buf.h"
#include "exec/frame_internal.h"

struct skn_exec_chan {
    int fd;
    struct skn_buf in;
    size_t in_at; /* bytes of `in` that were handed out as frames */
    struct skn_buf out;
    size_t out_at; /* bytes of `out` that were sent */
    bool is_ended; /* the other end is closed */
};

/* Takes `fd`, which does not block. */
void skn_exec_chan_init(struct skn_exec_chan *chan, int fd, size_t out_bytes_max);
void skn_exec_chan_fini(struct skn_exec_chan *chan);

/* Where the next frame is appended; then call flush. */
struct skn_buf *skn_exec_chan_out(struct skn_exec_chan *chan);

/* Sends what the socket takes. An end that is closed drops the rest and sets is_ended. */
void skn_exec_chan_flush(struct skn_exec_chan *chan);
static inline bool skn_exec_chan_has_output(const struct skn_exec_chan *chan)
{
    return chan->out.len > chan->out_at;
}

/* The next frame, reading as far as needed; `out_body` is borrowed until the next call. SKN_ELATER:
 * none now, look at is_ended. SKN_ECORRUPT: not a frame. */
SKN_MUST_USE enum skn_rc skn_exec_chan_next(struct skn_exec_chan *chan,
                                            enum skn_frame_type *out_type,
                                            struct skn_slice *out_body,
                                            struct skn_diag *diag);
