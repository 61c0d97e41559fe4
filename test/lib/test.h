/* test.h - cmocka and what it needs before it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A test that cannot be done here says why. */
#define SKIP_BECAUSE(why)                    \
    do {                                     \
        print_message("skipped: " why "\n"); \
        skip();                              \
    } while (0)
