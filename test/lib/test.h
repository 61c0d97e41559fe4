/* test.h - cmocka, what it needs before it, and the planted bug. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bug.h"

/* SKN_BUG=n plants a bug into any test program: whoever finds it must fail (tools/bugs). */
__attribute__((constructor)) static void plant_bug_from_env(void)
{
    skn_bug_plant_from_env();
}

/* A test that cannot be done here says why. */
#define SKIP_BECAUSE(why)                    \
    do {                                     \
        print_message("skipped: " why "\n"); \
        skip();                              \
    } while (0)
