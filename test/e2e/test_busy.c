/* test_busy.c - a lock that somebody holds without serving: waited for, then exit code 75. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/skein.h"

#include <sys/file.h>
#include <time.h>

static struct skein s;

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void a_foreign_lock_is_waited_for_10_s_and_named(void **state) /* [E80] */
{
    (void)state;
    struct folder f;
    folder_make(&f);
    s.dir = f.path;
    folder_write(&f, "skein.yaml", "");
    folder_write(&f, "a.pty", "# quick\nNoop\n");
    folder_mkdir(&f, ".skein");
    char pid[32], said[80];
    (void)snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
    (void)snprintf(
        said, sizeof(said), "is held by process %d, which does not answer", (int)getpid());
    folder_write(&f, ".skein/lock", pid);
    int fd = open(folder_at(&f, ".skein/lock"), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    double began = now_s();
    assert_int_equal(SKEIN(&s, "run", "a.pty"), 75);
    double took = now_s() - began;
    assert_has(s.err, said);
    if (took < 9.9 || took > 25) fail_msg("it took %.1f s", took);
    (void)close(fd);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_foreign_lock_is_waited_for_10_s_and_named),
    };
    return cmocka_run_group_tests_name("busy", tests, NULL, NULL);
}
