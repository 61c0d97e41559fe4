/* clock_internal.h - time that only goes on, for waiting between processes; no run ever sees it. */
#pragma once

#include "base/base.h"

#include <time.h>

static inline uint64_t skn_clock_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline void skn_clock_sleep(uint32_t ms)
{
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&wait, NULL);
}
