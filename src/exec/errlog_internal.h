/* errlog_internal.h - what a program wrote to standard error: head and tail in a file, and the last
 * bytes at hand.
 *
 * The head goes into the file as it comes, so that it can be read while the program runs. Of what
 * follows only the last bytes are kept, in memory, and written at the end behind a line that says
 * how much is missing.
 */
#pragma once

#include "base/diag.h"
#include "base/slice.h"

struct skn_exec_errlog {
    int fd; /* -1: no file */
    uint64_t total;
    uint64_t head_max;
    uint8_t *ring;   /* owned; byte number i of the stream is at i % ring_max */
    size_t ring_len; /* allocated so far, up to ring_max */
    size_t ring_max;
    int error; /* errno of the first write that failed; the rest is then left out */
};

/* `path` may be empty. SKN_EIO: the file cannot be opened. */
SKN_MUST_USE enum skn_rc skn_exec_errlog_init(struct skn_exec_errlog *log,
                                              struct skn_slice path,
                                              uint32_t bytes_max,
                                              struct skn_diag *diag);
void skn_exec_errlog_put(struct skn_exec_errlog *log, struct skn_slice bytes);

/* Writes the tail. Nothing may be put after it. */
void skn_exec_errlog_end(struct skn_exec_errlog *log);

/* Appends the last bytes, SKN_EXEC_TAIL_BYTES at most, to `out`. */
struct skn_buf;
void skn_exec_errlog_tail(const struct skn_exec_errlog *log, struct skn_buf *out);
void skn_exec_errlog_fini(struct skn_exec_errlog *log);
