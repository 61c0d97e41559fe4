/* chan.c - frames over a socket that does not block. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/chan_internal.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 64 << 10 }; /* a socket buffer's worth; measured best between 16 and 256 KiB */

void skn_exec_chan_init(struct skn_exec_chan *chan, int fd, size_t out_bytes_max)
{
    *chan = (struct skn_exec_chan){.fd = fd};
    /* Room for one whole frame and what is read behind it in the same call. */
    skn_buf_init(&chan->in, SKN_FRAME_HEAD_BYTES + SKN_FRAME_BODY_MAX + READ_BYTES);
    skn_buf_init(&chan->out, out_bytes_max);
}

void skn_exec_chan_fini(struct skn_exec_chan *chan)
{
    if (chan->fd >= 0) (void)close(chan->fd);
    chan->fd = -1;
    skn_buf_fini(&chan->in);
    skn_buf_fini(&chan->out);
}

/* Moves what is left to the front once half of the buffer is done with, so that each byte moves
 * at most once on average. */
static void drop_front(struct skn_buf *buf, size_t *at)
{
    if (*at == 0 || *at < buf->len - *at) return;
    if (buf->len > *at) memmove(buf->ptr, buf->ptr + *at, buf->len - *at);
    buf->len -= *at;
    *at = 0;
}

struct skn_buf *skn_exec_chan_out(struct skn_exec_chan *chan)
{
    drop_front(&chan->out, &chan->out_at);
    return &chan->out;
}

void skn_exec_chan_flush(struct skn_exec_chan *chan)
{
    while (skn_exec_chan_has_output(chan)) {
        ssize_t n = send(chan->fd,
                         chan->out.ptr + chan->out_at,
                         chan->out.len - chan->out_at,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            chan->out_at += (size_t)n;
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            return;
        } else if (errno != EINTR) {
            chan->is_ended = true; /* what was sent before can still be read */
            chan->out_at = chan->out.len;
        }
    }
    drop_front(&chan->out, &chan->out_at);
}

/* One read. False: nothing more for now, or never. */
static bool receive(struct skn_exec_chan *chan)
{
    drop_front(&chan->in, &chan->in_at);
    uint8_t *to = skn_buf_reserve(&chan->in, READ_BYTES);
    SKN_ASSERT(to); /* `in` holds no whole frame here, so there is room for this read */
    for (;;) {
        ssize_t n = recv(chan->fd, to, READ_BYTES, MSG_DONTWAIT);
        if (n > 0) {
            skn_buf_commit(&chan->in, (size_t)n);
            return true;
        }
        if (n < 0 && errno == EINTR) continue;
        if (n == 0 || (errno != EAGAIN && errno != ENOBUFS)) chan->is_ended = true;
        return false;
    }
}

enum skn_rc skn_exec_chan_next(struct skn_exec_chan *chan,
                               enum skn_frame_type *out_type,
                               struct skn_slice *out_body,
                               struct skn_diag *diag)
{
    for (;;) {
        struct skn_slice left = skn_slice_from(skn_buf_slice(&chan->in), chan->in_at);
        size_t used = 0;
        enum skn_rc rc = skn_frame_split(left, out_type, out_body, &used, diag);
        if (rc == SKN_OK) chan->in_at += used;
        if (rc != SKN_ELATER) return rc;
        if (!receive(chan)) return SKN_ELATER;
    }
}
