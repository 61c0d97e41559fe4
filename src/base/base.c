/* base.c - the end of a process whose invariant is broken. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

void skn_assert_failed(const char *file, int line, const char *cond)
{
    (void)fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, cond);
    abort();
}
