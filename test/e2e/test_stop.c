/* test_stop.c - a holder that is told to stop does so cleanly, whatever it is at: exit code 0, a sealed
 * journal, and nothing of it left when its lock is free. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "env/env_real.h"
#include "journal/journal.h"
#include "lib/skein.h"

#include <sys/mount.h>

enum { STOPS = 25, DELAY_US_MAX = 60000, WAIT_MS = 20000, DISK_STOPS = 12 };

static struct skein s, other;

static void make_project(struct folder *f)
{
    folder_make(f);
    folder_write(f, "skein.yaml", "name: t\n");
    folder_mkdir(f, "events");
    folder_write(
        f, "events/Slow.yaml", "event: Slow\nversion: 1.0.0\nrun: { exec: [sleep, 0.7] }\n");
    folder_write(f, "slow.pty", "Slow -> Slow\n");
    folder_write(f, "noop.pty", "Noop\n");
    s.dir = other.dir = f->path;
}

static bool is_sealed(const struct folder *f)
{
    struct skn_journal_info info = {.was_sealed = false};
    enum skn_rc rc = skn_journal_peek(skn_env_real(), folder_at(f, ".skein/journal"), &info, NULL);
    assert_true(rc == SKN_OK || rc == SKN_ENOENT);
    return rc == SKN_ENOENT || info.was_sealed;
}

static void wait_for_socket(const struct folder *f)
{
    for (int i = 0; i < WAIT_MS / 2 && access(folder_at(f, ".skein/socket"), F_OK) != 0; i++)
        skein_pause_ms(2);
    assert_int_equal(access(folder_at(f, ".skein/socket"), F_OK), 0);
}

/* At any moment after it has the lock: while it opens, too. */
static void a_holder_told_to_stop_at_any_moment_seals_and_exits_with_0(void **state)
{
    (void)state;
    struct folder f;
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    make_project(&f);
    assert_int_equal(SKEIN(&s, "run", "noop.pty"), 0);
    skein_end_holder(&f);
    for (int i = 0; i < STOPS; i++) {
        char *before = folder_must_read(&f, ".skein/lock");
        skein_start(&s, (const char *const[]){"_hold", NULL});
        char *now = folder_must_read(&f, ".skein/lock");
        for (int k = 0; k < WAIT_MS && strtol(now, NULL, 10) != s.pid; k++) {
            free(now);
            skein_pause_ms(1);
            now = folder_must_read(&f, ".skein/lock");
        }
        (void)usleep((useconds_t)(i * DELAY_US_MAX / STOPS) + 2000);
        (void)kill(s.pid, signals[i % 3]);
        if (skein_wait(&s) != 0) fail_msg("stop %d: exit code %d: %s", i, s.code, s.err);
        if (!is_sealed(&f)) fail_msg("stop %d: the journal has no seal", i);
        free(before);
        free(now);
    }
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
    folder_remove(&f);
}

static void what_ran_under_a_stopped_holder_goes_on_with_resume(void **state)
{
    (void)state;
    struct folder f;
    make_project(&f);
    skein_start(&s, (const char *const[]){"_hold", NULL});
    wait_for_socket(&f);
    assert_int_equal(SKEIN(&other, "run", "--detach", "slow.pty"), 0);
    skein_pause_ms(200);
    (void)kill(s.pid, SIGTERM);
    if (skein_wait(&s) != 0) fail_msg("exit code %d: %s", s.code, s.err);
    assert_true(is_sealed(&f));
    assert_int_equal(SKEIN(&other, "ps", "--all"), 0);
    assert_has(other.out, "interrupted");
    assert_int_equal(SKEIN(&other, "resume", "--all"), 0);
    assert_int_equal(SKEIN(&other, "ps", "--all"), 0);
    assert_has(other.out, "succeeded");
    skein_end_holder(&f);
    folder_remove(&f);
}

/* Who gets the lock may unmount, or make the disk read-only, at once: nothing is open for writing. */
static void a_free_lock_says_that_nothing_of_the_holder_is_left(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    if (mount("none", f.path, "tmpfs", 0, "size=128m") != 0) {
        folder_remove(&f);
        SKIP_BECAUSE("no right to mount");
    }
    folder_write(&f, "skein.yaml", "name: t\n");
    folder_write(&f, "noop.pty", "Noop\n");
    s.dir = f.path;
    for (int i = 0; i < DISK_STOPS; i++) {
        assert_int_equal(SKEIN(&s, "run", "noop.pty"), 0);
        skein_end_holder(&f);
        if (mount("none", f.path, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL) != 0)
            fail_msg("stop %d: %s", i, strerror(errno));
        assert_int_equal(mount("none", f.path, "tmpfs", MS_REMOUNT, "size=128m"), 0);
    }
    (void)umount2(f.path, MNT_DETACH);
    folder_remove(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_holder_told_to_stop_at_any_moment_seals_and_exits_with_0),
        cmocka_unit_test(what_ran_under_a_stopped_holder_goes_on_with_resume),
        cmocka_unit_test(a_free_lock_says_that_nothing_of_the_holder_is_left),
    };
    return cmocka_run_group_tests_name("e2e/stop", tests, NULL, NULL);
}
