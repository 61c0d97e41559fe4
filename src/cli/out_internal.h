/* out_internal.h - what a command says: standard output with its errors noticed, errors to people.
 *
 * Invariants
 *   1. A failed write to standard output is never lost: skn_out_close gives it.
 *   2. Nothing is written to standard output after the first failure.
 */
#pragma once

#include "base/diag.h"
#include "base/rc.h"
#include "base/slice.h"

struct skn_out {
    bool json;
    int error; /* errno of the first write that failed */
};

/* Writes to standard output at once. */
void skn_out_put(struct skn_out *out, struct skn_slice bytes);
void skn_out_printf(struct skn_out *out, const char *fmt, ...) SKN_PRINTF(2, 3);

/* Text for people on standard error; that it cannot be written is nobody's to know. */
void skn_out_err(struct skn_slice bytes);
void skn_out_errf(const char *fmt, ...) SKN_PRINTF(1, 2);

/* "skein: text" on standard error; with --json an object {"error": ..} on standard output too.
 * Gives the exit code of `diag->rc`. */
int skn_out_fail(struct skn_out *out, const struct skn_diag *diag);

/* SKN_OK, or why standard output did not take everything. */
SKN_MUST_USE enum skn_rc skn_out_close(struct skn_out *out, struct skn_diag *diag);
