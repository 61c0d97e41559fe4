/* errlog.c - head and tail of standard error. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/errlog_internal.h"

#include "base/buf.h"
#include "base/mem.h"
#include "exec/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum skn_rc skn_exec_errlog_init(struct skn_exec_errlog *log,
                                 struct skn_slice path,
                                 uint32_t bytes_max,
                                 struct skn_diag *diag)
{
    size_t tail = bytes_max - bytes_max / 2;
    *log = (struct skn_exec_errlog){
        .fd = -1,
        .head_max = bytes_max / 2,
        .ring_max = tail > SKN_EXEC_TAIL_BYTES ? tail : SKN_EXEC_TAIL_BYTES,
    };
    if (path.len == 0) return SKN_OK;
    /* Without O_NONBLOCK, opening a fifo here would wait for a reader and stall every program. */
    log->fd = open((const char *)path.ptr,
                   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                   0600);
    if (log->fd >= 0) return SKN_OK;
    return SKN_FAIL(
        diag, SKN_EIO, "could not open the log \"%.*s\": %s", SKN_FMT(path), strerror(errno));
}

static void write_file(struct skn_exec_errlog *log, struct skn_slice bytes)
{
    while (log->fd >= 0 && log->error == 0 && bytes.len > 0) {
        ssize_t n = write(log->fd, bytes.ptr, bytes.len);
        if (n >= 0)
            bytes = skn_slice_from(bytes, (size_t)n);
        else if (errno != EINTR)
            log->error = errno;
    }
}

/* The stream's bytes from `from` on, in at most two pieces. */
static struct skn_slice ring_piece(const struct skn_exec_errlog *log, uint64_t from, uint64_t until)
{
    size_t at = (size_t)(from % log->ring_max);
    uint64_t n = until - from;
    if (n > log->ring_max - at) n = log->ring_max - at;
    return skn_slice(log->ring + at, (size_t)n);
}

static void grow_ring(struct skn_exec_errlog *log, uint64_t needed)
{
    if (needed > log->ring_max) needed = log->ring_max;
    if (needed <= log->ring_len) return;
    size_t len = log->ring_len > 0 ? log->ring_len * 2 : 1024;
    if (len < needed) len = (size_t)needed;
    if (len > log->ring_max) len = log->ring_max;
    log->ring = skn_realloc(log->ring, len);
    log->ring_len = len;
}

void skn_exec_errlog_put(struct skn_exec_errlog *log, struct skn_slice bytes)
{
    if (log->total < log->head_max) {
        uint64_t room = log->head_max - log->total;
        write_file(log, skn_slice(bytes.ptr, bytes.len < room ? bytes.len : (size_t)room));
    }
    grow_ring(log, log->total + bytes.len);
    if (bytes.len > log->ring_max) { /* only its end can stay */
        log->total += bytes.len - log->ring_max;
        bytes = skn_slice_from(bytes, bytes.len - log->ring_max);
    }
    while (bytes.len > 0) {
        size_t at = (size_t)(log->total % log->ring_max);
        size_t n = bytes.len < log->ring_max - at ? bytes.len : log->ring_max - at;
        memcpy(log->ring + at, bytes.ptr, n);
        log->total += n;
        bytes = skn_slice_from(bytes, n);
    }
}

void skn_exec_errlog_end(struct skn_exec_errlog *log)
{
    uint64_t from = log->head_max;
    uint64_t kept = log->total > log->ring_max ? log->total - log->ring_max : 0;
    if (log->total > from && kept > from) {
        char line[80];
        int n = snprintf(line,
                         sizeof line,
                         "\n... %llu bytes left out ...\n",
                         (unsigned long long)(kept - from));
        write_file(log, skn_slice(line, (size_t)n));
        from = kept;
    }
    while (from < log->total) {
        struct skn_slice piece = ring_piece(log, from, log->total);
        write_file(log, piece);
        from += piece.len;
    }
    if (log->fd >= 0) (void)close(log->fd);
    log->fd = -1;
}

void skn_exec_errlog_tail(const struct skn_exec_errlog *log, struct skn_buf *out)
{
    uint64_t from = log->total > SKN_EXEC_TAIL_BYTES ? log->total - SKN_EXEC_TAIL_BYTES : 0;
    while (from < log->total) {
        struct skn_slice piece = ring_piece(log, from, log->total);
        skn_buf_put(out, piece);
        from += piece.len;
    }
}

void skn_exec_errlog_fini(struct skn_exec_errlog *log)
{
    if (log->fd >= 0) (void)close(log->fd);
    skn_free(log->ring);
    *log = (struct skn_exec_errlog){.fd = -1};
}
