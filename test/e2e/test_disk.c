/* test_disk.c - the real program on folders that are full, protected, held, damaged or not its own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "lib/skein.h"

#include <dirent.h>
#include <sys/mount.h>
#include <time.h>

enum { SMALL_KIB = 300, LARGE_KIB = 128 << 10, SEGMENT_MAX = 4 << 20, TASKS = 30 };

static struct skein s;

static void make_project(const struct folder *f)
{
    folder_write(f, "skein.yaml", "name: t\n");
    folder_mkdir(f, "events");
    folder_write(f,
                 "events/Once.yaml",
                 "event: Once\nversion: 1.0.0\n"
                 "run: { exec: [sh, -c, 'echo $SKEIN_IDEMPOTENCY_KEY >>/tmp/\"${PWD##*/}\".ran; "
                 "head -c 300000 /dev/zero | tr \"\\0\" x'] }\n");
    folder_write(f,
                 "events/Fill.yaml",
                 "event: Fill\nversion: 1.0.0\n"
                 "run: { exec: [sh, -c, '[ -e full ] && exit; touch full; "
                 "head -c 1000000000 /dev/zero >fill; sleep 1.2'] }\n");
    char text[TASKS * 10 + 10] = "Fill";
    for (int i = 0; i < TASKS; i++)
        (void)snprintf(text + strlen(text), 10, " -> Once");
    folder_write(f, "once.pty", text);
    folder_write(f, "noop.pty", "Noop\n");
}

static int setup(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));
    folder_make(f);
    memset(&s, 0, sizeof(s));
    s.dir = f->path;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct folder *f = *state;
    skein_end_holder(f);
    (void)umount2(f->path, MNT_DETACH);
    char ran[128];
    (void)snprintf(ran, sizeof(ran), "%s.ran", f->path);
    (void)unlink(ran);
    folder_remove(f);
    free(f);
    return 0;
}

/* False: mounting is not allowed here. */
static bool mount_small(const struct folder *f, int kib, bool again)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "size=%dk", kib);
    return mount("none", f->path, "tmpfs", again ? MS_REMOUNT : 0, text) == 0;
}

static void fill_disk(const struct folder *f)
{
    static const char zeros[4096];
    int fd = open(folder_at(f, "fill"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    while (write(fd, zeros, sizeof(zeros)) > 0)
        ;
    assert_int_equal(errno, ENOSPC);
    (void)close(fd);
}

static void a_disk_full_at_the_start_is_exit_75_and_runs_once_there_is_room(void **state)
{
    struct folder *f = *state;
    if (!mount_small(f, SMALL_KIB, false)) SKIP_BECAUSE("no right to mount");
    make_project(f);
    assert_int_equal(SKEIN(&s, "run", "noop.pty"), 75);
    assert_has(s.err, "No space left on device");
    assert_has(s.err, f->path);
    assert_int_equal(SKEIN(&s, "ps", "--all"), 0);
    assert_true(mount_small(f, LARGE_KIB, true));
    assert_int_equal(SKEIN(&s, "run", "noop.pty"), 0);
    skein_end_holder(f); /* it may stay a moment, and who verifies waits for nobody */
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
}

static size_t count_lines(const char *text, bool only_twice)
{
    size_t n = 0;
    for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
        size_t len = strcspn(at, "\n");
        bool again = false;
        for (const char *to = text; to < at && !again; to += strcspn(to, "\n") + 1)
            again = strcspn(to, "\n") == len && memcmp(to, at, len) == 0;
        if (!only_twice || again) n++;
    }
    return n;
}

static void a_disk_full_in_a_run_loses_nothing(void **state)
{
    struct folder *f = *state;
    if (!mount_small(f, LARGE_KIB, false)) SKIP_BECAUSE("no right to mount");
    make_project(f);
    int code = SKEIN(&s, "run", "once.pty");
    if (code != 75) fail_msg("exit code %d: %s", code, s.err);
    assert_int_equal(SKEIN(&s, "ps", "--all"), 0);
    assert_has(s.out, "once.pty  interrupted");
    assert_int_equal(SKEIN(&s, "run", "noop.pty"), 75);
    assert_has(s.err, "disk");
    assert_int_equal(unlink(folder_at(f, "fill")), 0);
    skein_end_holder(f);
    code = SKEIN(&s, "resume");
    if (code != 0) fail_msg("exit code %d: %s", code, s.err);
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
    const struct folder tmp = {.path = "/tmp"};
    char name[80];
    (void)snprintf(name, sizeof(name), "%s.ran", strrchr(f->path, '/') + 1);
    char *ran =
        folder_must_read(&tmp, name); /* at most one per stop was cut off and has its key twice */
    assert_int_equal(count_lines(ran, false) - count_lines(ran, true), TASKS);
    assert_true(count_lines(ran, true) <= 2);
    free(ran);
}

static void init_on_a_full_disk_is_named_and_can_be_tried_again(void **state)
{
    struct folder *f = *state;
    if (!mount_small(f, SMALL_KIB, false)) SKIP_BECAUSE("no right to mount");
    fill_disk(f);
    int code = SKEIN(&s, "init", "new");
    if (code != 73 && code != 75) fail_msg("exit code %d: %s", code, s.err);
    assert_has(s.err, "No space left on device");
    assert_int_equal(unlink(folder_at(f, "fill")), 0);
    assert_int_equal(SKEIN(&s, "init", "new"), 0);
    assert_int_equal(SKEIN(&s, "check", "new/flows/hello.pty"), 0);
}

static void a_read_only_disk_is_exit_73_and_can_still_be_read(void **state)
{
    struct folder *f = *state;
    if (!mount_small(f, LARGE_KIB, false)) SKIP_BECAUSE("no right to mount");
    make_project(f);
    assert_int_equal(SKEIN(&s, "run", "noop.pty"), 0);
    skein_end_holder(f);
    assert_int_equal(mount("none", f->path, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
    assert_int_equal(SKEIN(&s, "check", "noop.pty"), 0);
    assert_int_equal(SKEIN(&s, "ps", "--all"), 0);
    assert_has(s.out, "succeeded");
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
    assert_int_equal(SKEIN(&s, "run", "noop.pty"), 73);
    assert_has(s.err, "Read-only file system");
    assert_has(s.err, f->path);
    assert_int_equal(SKEIN(&s, "init", "new"), 73);
    assert_has(s.err, "Read-only file system");
}

static void a_lock_of_another_program_is_waited_for_and_then_exit_75(void **state)
{
    struct folder *f = *state;
    make_project(f);
    assert_int_equal(SKEIN(&s, "run", "noop.pty"), 0);
    skein_end_holder(f);
    char *old = folder_must_read(f, ".skein/lock");
    int fd = open(folder_at(f, ".skein/lock"), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    struct timespec from, to;
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    assert_int_equal(SKEIN(&s, "run", "noop.pty"), 75);
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    assert_in_range(to.tv_sec - from.tv_sec, 8, 14);
    assert_has(s.err, ".skein\" is held by");
    old[strcspn(old, "\n")] = 0;
    if (strstr(s.err, old)) fail_msg("it names a process that is dead: %s", s.err);
    free(old);
    (void)close(fd);
    assert_int_equal(SKEIN(&s, "run", "noop.pty"), 0);
}

static void find_segment(const struct folder *f, char *out, size_t max)
{
    DIR *dir = opendir(folder_at(f, ".skein/journal"));
    assert_non_null(dir);
    out[0] = 0;
    for (struct dirent *e = readdir(dir); e; e = readdir(dir))
        if (strstr(e->d_name, ".seg")) (void)snprintf(out, max, ".skein/journal/%s", e->d_name);
    (void)closedir(dir);
    assert_true(out[0] != 0);
}

static char bytes[SEGMENT_MAX];

static size_t load(const struct folder *f, const char *name)
{
    int fd = open(folder_at(f, name), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, bytes, sizeof(bytes));
    assert_true(n > 0 && (size_t)n < sizeof(bytes));
    (void)close(fd);
    return (size_t)n;
}

static void save(const struct folder *f, const char *name, size_t len)
{
    int fd = open(folder_at(f, name), O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    (void)close(fd);
}

static void assert_refused(const char *part)
{
    static const char *const commands[][3] = {{"run", "noop.pty", NULL},
                                              {"ps", "--all", NULL},
                                              {"resume", "--all", NULL},
                                              {"show", "last", NULL},
                                              {"logs", "last", NULL}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(commands); i++) {
        int code = skein_run(&s, commands[i]);
        if (code != 65) fail_msg("%s: exit code %d: %s", commands[i][0], code, s.err);
        assert_has(s.err, part);
    }
    assert_int_not_equal(SKEIN(&s, "verify", "."), 0);
}

static void make_ended_run(const struct folder *f)
{
    make_project(f);
    for (int i = 0; i < 3; i++)
        assert_int_equal(SKEIN(&s, "run", "noop.pty"), 0);
    skein_end_holder(f);
}

static void a_flipped_bit_is_named_by_every_command(void **state)
{
    struct folder *f = *state;
    make_ended_run(f);
    char name[300];
    find_segment(f, name, sizeof(name));
    size_t len = load(f, name);
    bytes[4096 + 40] ^= 4; /* the first group */
    save(f, name, len);
    assert_refused(".seg");
    bytes[4096 + 40] ^= 4;
    save(f, name, len);
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
    assert_int_equal(SKEIN(&s, "run", "noop.pty"), 0);
}

static void a_cut_journal_is_named(void **state)
{
    struct folder *f = *state;
    make_ended_run(f);
    char name[300];
    find_segment(f, name, sizeof(name));
    size_t len = load(f, name);
    assert_true(len > 8192);
    save(f, name, 6000);
    assert_refused(".seg");
}

static void a_journal_of_another_store_is_named(void **state)
{
    struct folder *f = *state, other;
    make_ended_run(f);
    folder_make(&other);
    s.dir = other.path;
    make_ended_run(&other);
    char from[300], to[300];
    find_segment(&other, from, sizeof(from));
    find_segment(f, to, sizeof(to));
    size_t len = load(&other, from);
    save(f, to, len);
    s.dir = f->path;
    assert_refused(".seg");
    folder_remove(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_disk_full_at_the_start_is_exit_75_and_runs_once_there_is_room),
        TEST(a_disk_full_in_a_run_loses_nothing),
        TEST(init_on_a_full_disk_is_named_and_can_be_tried_again),
        TEST(a_read_only_disk_is_exit_73_and_can_still_be_read),
        TEST(a_lock_of_another_program_is_waited_for_and_then_exit_75),
        TEST(a_flipped_bit_is_named_by_every_command),
        TEST(a_cut_journal_is_named),
        TEST(a_journal_of_another_store_is_named),
    };
    return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
