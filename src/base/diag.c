/* diag.c - filling a diagnostic. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum skn_rc skn_diag_fail(
    struct skn_diag *diag, const char *file, int line, enum skn_rc rc, const char *fmt, ...)
{
    SKN_ASSERT(rc != SKN_OK);
    if (!diag) return rc;
    diag->rc = rc;
    diag->file = file;
    diag->line = line;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(diag->text, sizeof diag->text, fmt, args);
    va_end(args);
    return rc;
}

void skn_diag_prefix(struct skn_diag *diag, const char *fmt, ...)
{
    if (!diag) return;
    char old[SKN_DIAG_TEXT_MAX];
    memcpy(old, diag->text, sizeof old);
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(diag->text, sizeof diag->text, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof diag->text) return;
    size_t left = sizeof diag->text - (size_t)n;
    (void)snprintf(diag->text + n, left, ": %.*s", (int)left, old); /* what has no room is cut */
}
