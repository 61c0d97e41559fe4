/* diag.h - why something failed, for people. Codes decide; this text never does.
 *
 * Owns        its text.
 * May include base.
 * Threads     a diag belongs to its caller.
 * Invariants
 *   1. Never journaled, never compared: two machines may word it differently.
 */
#pragma once

#include "base/base.h"
#include "base/rc.h"

enum { SKN_DIAG_TEXT_MAX = 400 };

struct skn_diag {
    enum skn_rc rc;
    const char *file; /* of ours, for us */
    int line;
    char text[SKN_DIAG_TEXT_MAX];
};

/* Fills `diag` when it is not NULL and returns `rc`, so that a failure is one statement:
 * return SKN_FAIL(diag, SKN_ENOENT, "no run \"%.*s\"", SKN_FMT(name)); */
#define SKN_FAIL(diag, rc, ...) skn_diag_fail((diag), __FILE__, __LINE__, (rc), __VA_ARGS__)

/* The same for malformed bytes, so that a debugger can stop at all of them. */
#define SKN_CORRUPT(diag, ...) skn_diag_fail((diag), __FILE__, __LINE__, SKN_ECORRUPT, __VA_ARGS__)

enum skn_rc skn_diag_fail(
    struct skn_diag *diag, const char *file, int line, enum skn_rc rc, const char *fmt, ...)
    SKN_PRINTF(5, 6);

/* Puts "what: " before the text that is there. */
void skn_diag_prefix(struct skn_diag *diag, const char *fmt, ...) SKN_PRINTF(2, 3);
