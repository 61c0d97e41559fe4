/* sync_count.c - fdatasync and fsync with a counter and a delay. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sync_count.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint64_t delay_ns, count_all, count_marked;
static _Thread_local bool is_marked;

void skn_sync_delay(uint64_t ns)
{
    delay_ns = ns;
}

uint64_t skn_sync_count(void)
{
    return count_all;
}

uint64_t skn_sync_count_marked(void)
{
    return count_marked;
}

void skn_sync_mark(void)
{
    is_marked = true;
}

static int counted(long number, int fd)
{
    int rc = (int)syscall(number, fd);
    uint64_t ns = delay_ns;
    count_all++;
    if (is_marked) count_marked++;
    if (rc == 0 && ns > 0) {
        const struct timespec wait = {.tv_sec = (time_t)(ns / 1000000000),
                                      .tv_nsec = (long)(ns % 1000000000)};
        (void)nanosleep(&wait, NULL);
    }
    return rc;
}

/* Visible, so that shared libraries find these before those of the C library. */
__attribute__((visibility("default"))) int fdatasync(int fd)
{
    return counted(SYS_fdatasync, fd);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
    return counted(SYS_fsync, fd);
}
