/* spawn.h - runs another program of the machine, such as Python or Node, for tests that use one. */
#pragma once

#include "lib/test.h"

#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>

/* Runs argv[0] from PATH to its end; its exit status, or -1 when there is no such program. */
static inline int spawn_wait(const char *const *argv)
{
    pid_t pid;
    int status = 0;
    int error = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ);
    if (error == ENOENT) return -1;
    assert_int_equal(error, 0);
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
