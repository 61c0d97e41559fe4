/* clock_internal.h - the spawner's clock. It decides nothing that is replicated. */
#pragma once

#include "base/base.h"

#include <time.h>

/* Milliseconds of a clock that only goes forward. */
static inline uint64_t skn_exec_now_ms(void)
{
    struct timespec now;
    int rc = clock_gettime(CLOCK_MONOTONIC, &now);
    SKN_ASSERT(rc == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline void skn_exec_pause_ms(long ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}
