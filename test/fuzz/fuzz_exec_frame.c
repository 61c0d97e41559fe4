/* fuzz_exec_frame.c - any bytes as frames of node and spawner: refused, or written again the same. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: base exec */
#include "base/mem.h"
#include "exec/frame_internal.h"
#include "fuzz/fuzz.h"

static bool read_exec(struct skn_slice body, struct skn_buf *again)
{
    struct skn_frame_exec exec;
    if (skn_frame_read_exec(body, &exec, NULL) != SKN_OK) return false;
    size_t count = (size_t)exec.argc + exec.envc;
    struct skn_slice *strings = skn_alloc_zero(count, sizeof *strings);
    struct skn_slice left = exec.strings;
    for (size_t i = 0; i < count; i++) {
        strings[i] = skn_frame_next_string(&left);
        SKN_ASSERT(strlen((const char *)strings[i].ptr) == strings[i].len);
    }
    SKN_ASSERT(left.len == 0);
    SKN_ASSERT(strlen((const char *)exec.cwd.ptr) == exec.cwd.len);
    struct skn_exec_request request = {
        .id = exec.id,
        .argv = strings,
        .argc = exec.argc,
        .env = strings + exec.argc,
        .envc = exec.envc,
        .cwd = exec.cwd,
        .input = exec.input,
        .stderr_path = exec.stderr_path,
        .timeout_ms = exec.timeout_ms,
        .grace_ms = exec.grace_ms,
        .stdout_max = exec.stdout_max,
        .stderr_max = exec.stderr_max,
    };
    skn_frame_put_exec(again, &request);
    skn_free(strings);
    return true;
}

/* Writes again what was read; false when it was refused. */
static bool write_again(enum skn_frame_type type, struct skn_slice body, struct skn_buf *again)
{
    uint64_t id = 0;
    struct skn_frame_ready ready;
    struct skn_frame_failed failed;
    struct skn_exec_event event;
    switch (type) {
    case SKN_FRAME_EXEC: return read_exec(body, again);
    case SKN_FRAME_CANCEL:
        if (skn_frame_read_cancel(body, &id, NULL) != SKN_OK) return false;
        skn_frame_put_cancel(again, id);
        return true;
    case SKN_FRAME_READY:
        if (skn_frame_read_ready(body, &ready, NULL) != SKN_OK) return false;
        skn_frame_put_ready(again, &ready);
        return true;
    case SKN_FRAME_FAILED:
        if (skn_frame_read_failed(body, &failed, NULL) != SKN_OK) return false;
        skn_frame_put_failed(again, &failed);
        return true;
    case SKN_FRAME_STARTED:
        if (skn_frame_read_started(body, &event, NULL) != SKN_OK) return false;
        skn_frame_put_started(again, event.id, event.pid);
        return true;
    case SKN_FRAME_ENDED:
        if (skn_frame_read_ended(body, &event, NULL) != SKN_OK) return false;
        skn_frame_put_ended(again, &event);
        return true;
    }
    SKN_ASSERT(false);
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct skn_slice left = skn_slice(data, size);
    struct skn_buf again;
    skn_buf_init(&again, 1 << 26);
    for (;;) {
        enum skn_frame_type type;
        struct skn_slice body;
        size_t used = 0;
        struct skn_diag diag = {0};
        enum skn_rc rc = skn_frame_split(left, &type, &body, &used, &diag);
        SKN_ASSERT(rc == SKN_OK || rc == SKN_ELATER || rc == SKN_ECORRUPT);
        if (rc != SKN_OK) break;
        SKN_ASSERT(used <= left.len);
        skn_buf_reset(&again);
        if (write_again(type, body, &again)) {
            SKN_ASSERT(skn_slice_eq(skn_buf_slice(&again), skn_slice(left.ptr, used)));
        }
        left = skn_slice_from(left, used);
    }
    skn_buf_fini(&again);
    return 0;
}
