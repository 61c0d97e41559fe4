/* frame.c - writing and reading frames; every field is checked, nothing is allocated. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/frame_internal.h"

enum { CODE_MAX = 4095 }; /* an exit status, a signal or an errno */

/* Reads fields off the front; once one was missing, all later ones are too. */
struct cursor {
    struct skn_slice left;
    bool is_short;
};

static struct skn_slice get_bytes(struct cursor *c, size_t n)
{
    if (c->is_short || n > c->left.len) {
        c->is_short = true;
        return skn_slice(NULL, 0);
    }
    struct skn_slice got = skn_slice(c->left.ptr, n);
    c->left = skn_slice_from(c->left, n);
    return got;
}

static uint64_t get_le(struct cursor *c, size_t n)
{
    struct skn_slice got = get_bytes(c, n);
    uint64_t value = 0;
    for (size_t i = got.len; i > 0; i--)
        value = value << 8 | got.ptr[i - 1];
    return value;
}

static uint32_t get_le32(struct cursor *c)
{
    return (uint32_t)get_le(c, 4);
}

/* A string and its NUL. */
static struct skn_slice get_string(struct cursor *c)
{
    size_t n = get_le32(c);
    struct skn_slice got = get_bytes(c, n);
    struct skn_slice nul = get_bytes(c, 1);
    if (nul.len == 1 && nul.ptr[0] != 0) c->is_short = true;
    return got;
}

static bool has_nul(struct skn_slice s)
{
    return s.len > 0 && memchr(s.ptr, 0, s.len) != NULL;
}

static bool is_whole(const struct cursor *c)
{
    return !c->is_short && c->left.len == 0;
}

static void put_string(struct skn_buf *buf, struct skn_slice s)
{
    skn_buf_put_le32(buf, (uint32_t)s.len);
    skn_buf_put(buf, s);
    skn_buf_put_u8(buf, 0);
}

/* The head, with a length that put_end fills in. */
static size_t put_begin(struct skn_buf *buf, enum skn_frame_type type)
{
    size_t at = buf->len;
    skn_buf_put(buf, SKN_LIT("SKX"));
    skn_buf_put_u8(buf, SKN_FRAME_LEVEL);
    skn_buf_put_le32(buf, (uint32_t)type); /* a byte and three zeros */
    skn_buf_put_le32(buf, 0);
    return at;
}

static void put_end(struct skn_buf *buf, size_t at)
{
    if (skn_buf_rc(buf) != SKN_OK) return;
    size_t n = buf->len - at - SKN_FRAME_HEAD_BYTES;
    SKN_ASSERT(n <= SKN_FRAME_BODY_MAX);
    for (size_t i = 0; i < 4; i++)
        buf->ptr[at + 8 + i] = (uint8_t)(n >> (8 * i));
}

void skn_frame_put_exec(struct skn_buf *buf, const struct skn_exec_request *request)
{
    size_t at = put_begin(buf, SKN_FRAME_EXEC);
    skn_buf_put_le64(buf, request->id);
    skn_buf_put_le64(buf, request->timeout_ms);
    skn_buf_put_le64(buf, request->grace_ms);
    skn_buf_put_le32(buf, request->stdout_max > 0 ? request->stdout_max : SKN_EXEC_OUTPUT_DEFAULT);
    skn_buf_put_le32(buf, request->stderr_max > 0 ? request->stderr_max : SKN_EXEC_LOG_DEFAULT);
    skn_buf_put_le32(buf, (uint32_t)request->argc);
    skn_buf_put_le32(buf, (uint32_t)request->envc);
    put_string(buf, request->cwd);
    put_string(buf, request->stderr_path);
    put_string(buf, request->input);
    for (size_t i = 0; i < request->argc; i++)
        put_string(buf, request->argv[i]);
    for (size_t i = 0; i < request->envc; i++)
        put_string(buf, request->env[i]);
    put_end(buf, at);
}

void skn_frame_put_cancel(struct skn_buf *buf, uint64_t id)
{
    size_t at = put_begin(buf, SKN_FRAME_CANCEL);
    skn_buf_put_le64(buf, id);
    put_end(buf, at);
}

void skn_frame_put_ready(struct skn_buf *buf, const struct skn_frame_ready *ready)
{
    SKN_ASSERT(ready->mark.len == SKN_EXEC_MARK_BYTES);
    size_t at = put_begin(buf, SKN_FRAME_READY);
    skn_buf_put_le32(buf, ready->swept);
    skn_buf_put(buf, ready->mark);
    put_end(buf, at);
}

void skn_frame_put_failed(struct skn_buf *buf, const struct skn_frame_failed *failed)
{
    size_t at = put_begin(buf, SKN_FRAME_FAILED);
    skn_buf_put_le32(buf, (uint32_t)failed->rc);
    put_string(buf, failed->text);
    put_end(buf, at);
}

void skn_frame_put_started(struct skn_buf *buf, uint64_t id, int32_t pid)
{
    size_t at = put_begin(buf, SKN_FRAME_STARTED);
    skn_buf_put_le64(buf, id);
    skn_buf_put_le32(buf, (uint32_t)pid);
    put_end(buf, at);
}

void skn_frame_put_ended(struct skn_buf *buf, const struct skn_exec_event *event)
{
    size_t at = put_begin(buf, SKN_FRAME_ENDED);
    skn_buf_put_le64(buf, event->id);
    skn_buf_put_le32(buf, (uint32_t)event->how);
    skn_buf_put_le32(buf, (uint32_t)event->code);
    skn_buf_put_le64(buf, event->was_signalled ? 1 : 0); /* a byte and seven zeros */
    skn_buf_put_le64(buf, event->wall_ms);
    skn_buf_put_le64(buf, event->cpu_ms);
    skn_buf_put_le64(buf, event->rss_kib);
    skn_buf_put_le64(buf, event->stderr_bytes);
    put_string(buf, event->output);
    put_string(buf, event->err_tail);
    put_string(buf, event->text);
    put_end(buf, at);
}

static bool is_type(uint32_t type)
{
    switch (type) {
    case SKN_FRAME_EXEC:
    case SKN_FRAME_CANCEL:
    case SKN_FRAME_READY:
    case SKN_FRAME_FAILED:
    case SKN_FRAME_STARTED:
    case SKN_FRAME_ENDED: return true;
    default: return false;
    }
}

/* What has come of the magic so far is compared at once: nonsense must not be waited on. */
enum skn_rc skn_frame_split(struct skn_slice bytes,
                            enum skn_frame_type *out_type,
                            struct skn_slice *out_body,
                            size_t *out_used,
                            struct skn_diag *diag)
{
    static const uint8_t magic[4] = {'S', 'K', 'X', SKN_FRAME_LEVEL};
    size_t seen = bytes.len < sizeof magic ? bytes.len : sizeof magic;
    if (seen > 0 && memcmp(bytes.ptr, magic, seen) != 0) {
        return SKN_CORRUPT(diag, "this is no frame of level %d", SKN_FRAME_LEVEL);
    }
    if (bytes.len < SKN_FRAME_HEAD_BYTES) return SKN_ELATER;

    struct cursor c = {.left = skn_slice_from(bytes, sizeof magic)};
    uint32_t type = get_le32(&c);
    uint32_t n = get_le32(&c);
    if (!is_type(type)) return SKN_CORRUPT(diag, "a frame of unknown type %u", type);
    if (n > SKN_FRAME_BODY_MAX) return SKN_CORRUPT(diag, "a frame of %u bytes is too long", n);
    if (c.left.len < n) return SKN_ELATER;
    *out_type = (enum skn_frame_type)type;
    *out_body = skn_slice(c.left.ptr, n);
    *out_used = SKN_FRAME_HEAD_BYTES + (size_t)n;
    return SKN_OK;
}

/* The strings behind the fixed part of an EXEC: arguments, then "NAME=value". */
static const char *bad_strings(struct cursor c, uint32_t argc, uint32_t envc)
{
    for (uint32_t i = 0; i < argc + envc; i++) {
        struct skn_slice s = get_string(&c);
        if (c.is_short) return "its strings";
        if (has_nul(s)) return "a string with a NUL";
        if (i == 0 && s.len == 0) return "an empty program name";
        if (i < argc) continue;
        const uint8_t *equals = s.len > 0 ? memchr(s.ptr, '=', s.len) : NULL;
        if (!equals || equals == s.ptr) return "an environment entry without a name";
    }
    return c.left.len > 0 ? "bytes behind its end" : NULL;
}

static const char *bad_exec(const struct skn_frame_exec *exec)
{
    if (exec->stdout_max == 0 || exec->stdout_max > SKN_EXEC_OUTPUT_MAX) return "stdout_max";
    if (exec->stderr_max == 0 || exec->stderr_max > SKN_EXEC_LOG_MAX) return "stderr_max";
    if (exec->argc == 0 || exec->argc > SKN_EXEC_STRINGS_MAX) return "argc";
    if (exec->envc > SKN_EXEC_STRINGS_MAX - exec->argc) return "envc";
    if (exec->cwd.len == 0 || exec->cwd.ptr[0] != '/' || has_nul(exec->cwd)) return "cwd";
    if (exec->stderr_path.len > 0 && exec->stderr_path.ptr[0] != '/') return "stderr path";
    if (has_nul(exec->stderr_path)) return "stderr path";
    if (exec->input.len > SKN_EXEC_INPUT_MAX) return "standard input";
    return NULL;
}

enum skn_rc
skn_frame_read_exec(struct skn_slice body, struct skn_frame_exec *out_exec, struct skn_diag *diag)
{
    struct cursor c = {.left = body};
    struct skn_frame_exec exec = {.id = get_le(&c, 8)};
    exec.timeout_ms = get_le(&c, 8);
    exec.grace_ms = get_le(&c, 8);
    exec.stdout_max = get_le32(&c);
    exec.stderr_max = get_le32(&c);
    exec.argc = get_le32(&c);
    exec.envc = get_le32(&c);
    exec.cwd = get_string(&c);
    exec.stderr_path = get_string(&c);
    exec.input = get_string(&c);
    const char *bad = c.is_short ? "its length" : bad_exec(&exec);
    if (!bad) bad = bad_strings(c, exec.argc, exec.envc);
    if (bad) return SKN_CORRUPT(diag, "an EXEC frame is wrong in: %s", bad);
    exec.strings = c.left;
    *out_exec = exec;
    return SKN_OK;
}

enum skn_rc skn_frame_read_cancel(struct skn_slice body, uint64_t *out_id, struct skn_diag *diag)
{
    struct cursor c = {.left = body};
    uint64_t id = get_le(&c, 8);
    if (!is_whole(&c)) return SKN_CORRUPT(diag, "a CANCEL frame of %zu bytes", body.len);
    *out_id = id;
    return SKN_OK;
}

enum skn_rc skn_frame_read_ready(struct skn_slice body,
                                 struct skn_frame_ready *out_ready,
                                 struct skn_diag *diag)
{
    struct cursor c = {.left = body};
    struct skn_frame_ready ready = {.swept = get_le32(&c)};
    ready.mark = get_bytes(&c, SKN_EXEC_MARK_BYTES);
    if (!is_whole(&c)) return SKN_CORRUPT(diag, "a READY frame of %zu bytes", body.len);
    for (size_t i = 0; i < ready.mark.len; i++) {
        uint8_t x = ready.mark.ptr[i];
        if ((x >= '0' && x <= '9') || (x >= 'a' && x <= 'f')) continue;
        return SKN_CORRUPT(diag, "a READY frame with a mark that is not hex");
    }
    *out_ready = ready;
    return SKN_OK;
}

enum skn_rc skn_frame_read_failed(struct skn_slice body,
                                  struct skn_frame_failed *out_failed,
                                  struct skn_diag *diag)
{
    struct cursor c = {.left = body};
    uint32_t rc = get_le32(&c);
    struct skn_slice text = get_string(&c);
    if (!is_whole(&c) || has_nul(text)) {
        return SKN_CORRUPT(diag, "a FAILED frame of %zu bytes", body.len);
    }
    if (rc > INT32_MAX || rc == SKN_OK || skn_rc_info((enum skn_rc)rc)->rc != (enum skn_rc)rc) {
        return SKN_CORRUPT(diag, "a FAILED frame with result code %u", rc);
    }
    *out_failed = (struct skn_frame_failed){.rc = (enum skn_rc)rc, .text = text};
    return SKN_OK;
}

enum skn_rc skn_frame_read_started(struct skn_slice body,
                                   struct skn_exec_event *out_event,
                                   struct skn_diag *diag)
{
    struct cursor c = {.left = body};
    uint64_t id = get_le(&c, 8);
    uint32_t pid = get_le32(&c);
    if (!is_whole(&c)) return SKN_CORRUPT(diag, "a STARTED frame of %zu bytes", body.len);
    if (pid == 0 || pid > INT32_MAX) return SKN_CORRUPT(diag, "a STARTED frame with pid %u", pid);
    *out_event = (struct skn_exec_event){.kind = SKN_EXEC_STARTED, .id = id, .pid = (int32_t)pid};
    return SKN_OK;
}

enum skn_rc
skn_frame_read_ended(struct skn_slice body, struct skn_exec_event *out_event, struct skn_diag *diag)
{
    struct cursor c = {.left = body};
    struct skn_exec_event event = {.kind = SKN_EXEC_ENDED, .id = get_le(&c, 8)};
    uint32_t how = get_le32(&c);
    uint32_t code = get_le32(&c);
    uint64_t was_signalled = get_le(&c, 8);
    event.wall_ms = get_le(&c, 8);
    event.cpu_ms = get_le(&c, 8);
    event.rss_kib = get_le(&c, 8);
    event.stderr_bytes = get_le(&c, 8);
    event.output = get_string(&c);
    event.err_tail = get_string(&c);
    event.text = get_string(&c);
    const char *bad = NULL;
    if (!is_whole(&c))
        bad = "its length";
    else if (how < SKN_EXEC_EXITED || how > SKN_EXEC_TOO_LARGE)
        bad = "how";
    else if (code > CODE_MAX)
        bad = "code";
    else if (was_signalled > 1)
        bad = "was_signalled";
    else if (event.output.len > SKN_EXEC_OUTPUT_MAX)
        bad = "standard output";
    else if (event.err_tail.len > SKN_EXEC_TAIL_BYTES)
        bad = "tail of standard error";
    else if (has_nul(event.text))
        bad = "text";
    if (bad) return SKN_CORRUPT(diag, "an ENDED frame is wrong in: %s", bad);
    event.how = (enum skn_exec_how)how;
    event.code = (int32_t)code;
    event.was_signalled = was_signalled == 1;
    *out_event = event;
    return SKN_OK;
}

struct skn_slice skn_frame_next_string(struct skn_slice *strings)
{
    struct cursor c = {.left = *strings};
    struct skn_slice s = get_string(&c);
    SKN_ASSERT(!c.is_short); /* skn_frame_read_exec has walked over all of them */
    *strings = c.left;
    return s;
}
