/* out.c - what a command says: standard output with its errors noticed, errors to people. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/out_internal.h"

#include "base/buf.h"
#include "lang/kit/json_text.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 64 << 20 };

/* Returns 0 or an errno. A descriptor that somebody made non-blocking is waited for. */
static int write_all(int fd, struct skn_slice bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n >= 0) {
            bytes = skn_slice_from(bytes, (size_t)n);
        } else if (errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLOUT};
            (void)poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

void skn_out_put(struct skn_out *out, struct skn_slice bytes)
{
    if (out->error == 0) out->error = write_all(STDOUT_FILENO, bytes);
}

void skn_out_printf(struct skn_out *out, const char *fmt, ...)
{
    struct skn_buf text;
    skn_buf_init(&text, TEXT_MAX);
    va_list args;
    va_start(args, fmt);
    skn_buf_vprintf(&text, fmt, args);
    va_end(args);
    skn_out_put(out, skn_buf_slice(&text));
    skn_buf_fini(&text);
}

void skn_out_err(struct skn_slice bytes)
{
    (void)write_all(STDERR_FILENO, bytes);
}

void skn_out_errf(const char *fmt, ...)
{
    struct skn_buf text;
    skn_buf_init(&text, TEXT_MAX);
    va_list args;
    va_start(args, fmt);
    skn_buf_vprintf(&text, fmt, args);
    va_end(args);
    skn_out_err(skn_buf_slice(&text));
    skn_buf_fini(&text);
}

int skn_out_fail(struct skn_out *out, const struct skn_diag *diag)
{
    const struct skn_rc_info *info = skn_rc_info(diag->rc);
    const char *text = diag->text[0] ? diag->text : info->text;
    skn_out_errf("skein: %s\n", text);
    if (out->json) {
        struct skn_buf json;
        skn_buf_init(&json, TEXT_MAX);
        skn_buf_printf(&json, "{\"error\":{\"code\":\"%s\",\"message\":", info->name);
        skn_json_text_string(&json, skn_slice_str(text));
        skn_buf_printf(&json, ",\"exit\":%d}}\n", info->exit_code);
        skn_out_put(out, skn_buf_slice(&json));
        skn_buf_fini(&json);
    }
    return info->exit_code;
}

enum skn_rc skn_out_close(struct skn_out *out, struct skn_diag *diag)
{
    if (out->error == 0 && close(STDOUT_FILENO) != 0 && errno != EBADF) out->error = errno;
    if (out->error == 0) return SKN_OK;
    return SKN_FAIL(diag, SKN_EIO, "could not write to standard output: %s", strerror(out->error));
}
