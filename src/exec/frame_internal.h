/* frame_internal.h - what node and spawner say to each other over their socket pair.
 *
 * A frame, level 1. All integers are little-endian; a string is u32 length, that many bytes, and one
 * NUL that is not counted, so that it can be handed to the kernel where it lies.
 *
 *    0   3  "SKX"
 *    3   1  level: 1
 *    4   1  type
 *    5   3  zero
 *    8   4  n: bytes of the body, at most 16 MiB
 *   12   n  body
 *
 * EXEC (1), node to spawner                      CANCEL (2), node to spawner
 *    0   8  id                                      0   8  id
 *    8   8  timeout_ms, 0 for none
 *   16   8  grace_ms                             READY (16), spawner to node
 *   24   4  stdout_max, not 0                       0   4  processes of an earlier spawner killed
 *   28   4  stderr_max, not 0                       4  32  its mark, lower case hex
 *   32   4  argc, not 0
 *   36   4  envc                                 FAILED (17), spawner to node, the last one
 *   40   .  string cwd, begins with '/'             0   4  result code
 *    .   .  string stderr path, '/' or empty        4   .  string text
 *    .   .  string standard input
 *    .   .  argc + envc strings                  STARTED (18), spawner to node
 *                                                   0   8  id
 * ENDED (19), spawner to node                       8   4  process id, above 0
 *    0   8  id
 *    8   4  how, 1 to 6                            32   8  cpu_ms
 *   12   4  code, 0 to 4095                        40   8  largest resident set in KiB
 *   16   1  was signalled, 0 or 1                  48   8  bytes of standard error
 *   17   7  zero                                   56   .  string standard output
 *   24   8  wall_ms                                 .   .  string tail of standard error
 *                                                   .   .  string text
 *
 * A body ends where its last field ends. No string but the two streams and the input holds a NUL.
 */
#pragma once

#include "base/buf.h"
#include "exec/exec.h"

enum {
    SKN_FRAME_HEAD_BYTES = 12,
    SKN_FRAME_BODY_MAX = 16 << 20,
    SKN_FRAME_LEVEL = 1,
    SKN_EXEC_MARK_BYTES = 32, /* hex digits of 128 random bits */
};

enum skn_frame_type {
    SKN_FRAME_EXEC = 1,
    SKN_FRAME_CANCEL = 2,
    SKN_FRAME_READY = 16,
    SKN_FRAME_FAILED = 17,
    SKN_FRAME_STARTED = 18,
    SKN_FRAME_ENDED = 19,
};

/* A received EXEC; slices borrow from the body. */
struct skn_frame_exec {
    uint64_t id;
    uint64_t timeout_ms;
    uint64_t grace_ms;
    uint32_t stdout_max;
    uint32_t stderr_max;
    uint32_t argc;
    uint32_t envc;
    struct skn_slice cwd;
    struct skn_slice stderr_path;
    struct skn_slice input;
    struct skn_slice strings; /* argc + envc of them, checked: see skn_frame_next_string */
};

struct skn_frame_ready {
    uint32_t swept;
    struct skn_slice mark;
};

struct skn_frame_failed {
    enum skn_rc rc;
    struct skn_slice text;
};

/* Appends a whole frame. The caller has checked the limits of exec.h; `buf` says if it was full. */
void skn_frame_put_exec(struct skn_buf *buf, const struct skn_exec_request *request);
void skn_frame_put_cancel(struct skn_buf *buf, uint64_t id);
void skn_frame_put_ready(struct skn_buf *buf, const struct skn_frame_ready *ready);
void skn_frame_put_failed(struct skn_buf *buf, const struct skn_frame_failed *failed);
void skn_frame_put_started(struct skn_buf *buf, uint64_t id, int32_t pid);
void skn_frame_put_ended(struct skn_buf *buf, const struct skn_exec_event *event);

/* Cuts the first frame off `bytes`: its type, its body and how many bytes it takes. SKN_ELATER: there
 * is more to come; SKN_ECORRUPT: it never was a frame. */
SKN_MUST_USE enum skn_rc skn_frame_split(struct skn_slice bytes,
                                         enum skn_frame_type *out_type,
                                         struct skn_slice *out_body,
                                         size_t *out_used,
                                         struct skn_diag *diag);

/* Bodies. SKN_ECORRUPT when any field is not what the drawing says. */
SKN_MUST_USE enum skn_rc
skn_frame_read_exec(struct skn_slice body, struct skn_frame_exec *out_exec, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
skn_frame_read_cancel(struct skn_slice body, uint64_t *out_id, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc skn_frame_read_ready(struct skn_slice body,
                                              struct skn_frame_ready *out_ready,
                                              struct skn_diag *diag);
SKN_MUST_USE enum skn_rc skn_frame_read_failed(struct skn_slice body,
                                               struct skn_frame_failed *out_failed,
                                               struct skn_diag *diag);
SKN_MUST_USE enum skn_rc skn_frame_read_started(struct skn_slice body,
                                                struct skn_exec_event *out_event,
                                                struct skn_diag *diag);
SKN_MUST_USE enum skn_rc skn_frame_read_ended(struct skn_slice body,
                                              struct skn_exec_event *out_event,
                                              struct skn_diag *diag);

/* Cuts the first string off the checked `strings` of an EXEC; its ptr is a C string. */
struct skn_slice skn_frame_next_string(struct skn_slice *strings);
