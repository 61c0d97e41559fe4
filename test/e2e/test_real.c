/* test_real.c - the real program on its real engine: what a user does on the first day. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "lib/skein.h"

#include <time.h>

static struct skein s;

static void pause_ms(long ms)
{
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&wait, NULL);
}

/* A project with an event per way a program can behave. */
static int setup(void **state)
{
    static const char *const events[][2] = {
        {"Note", "[sh, -c, 'cat >/dev/null; echo ran >>noted; echo to the log >&2; echo 7']"},
        {"Slow", "[sh, -c, 'echo began >>slow; sleep 30']"},
        {"Short", "[sh, -c, 'echo began >>short; sleep 0.5; echo ended >>short; echo 1']"},
        {"Wrong", "[sh, -c, 'echo because >&2; exit 3']"},
        {"Key",
         "[sh, -c, 'echo $SKEIN_IDEMPOTENCY_KEY $SKEIN_ATTEMPT >>keys; exec sleep $(cat time)']"},
    };
    struct folder *f = calloc(1, sizeof(*f));
    folder_make(f);
    memset(&s, 0, sizeof(s));
    s.dir = f->path;
    *state = f;
    folder_write(f, "skein.yaml", "name: t\n");
    folder_mkdir(f, "events");
    for (size_t i = 0; i < SKN_ARRAY_LEN(events); i++) {
        char name[64], text[512];
        (void)snprintf(name, sizeof(name), "events/%s.yaml", events[i][0]);
        (void)snprintf(text,
                       sizeof(text),
                       "event: %s\nversion: 1.0.0\nrun: { exec: %s }\n",
                       events[i][0],
                       events[i][1]);
        folder_write(f, name, text);
    }
    return 0;
}

static pid_t holder_pid(const struct folder *f)
{
    char *text = folder_read(f, ".skein/lock");
    pid_t pid = text ? (pid_t)strtol(text, NULL, 10) : 0;
    free(text);
    return pid;
}

static bool holds(const struct folder *f)
{
    return access(folder_at(f, ".skein/socket"), F_OK) == 0;
}

/* It would write into a folder that is gone. */
static void end_holder(const struct folder *f)
{
    pid_t pid = holder_pid(f);
    if (pid == 0) return;
    if (holds(f)) (void)kill(pid, SIGTERM);
    for (int i = 0; i < 1000 && kill(pid, 0) == 0; i++)
        pause_ms(5);
}

static int teardown(void **state)
{
    struct folder *f = *state;
    end_holder(f);
    folder_remove(f);
    free(f);
    return 0;
}

static void start(struct folder *f, const char *text)
{
    folder_write(f, "a.pty", text);
    const char *const args[] = {"run", "a.pty", NULL};
    skein_start(&s, args);
}

static void wait_for_file(const struct folder *f, const char *name)
{
    for (int i = 0; i < 2000 && access(folder_at(f, name), F_OK) != 0; i++)
        pause_ms(5);
    if (access(folder_at(f, name), F_OK) != 0) fail_msg("%s was never made", name);
}

static void assert_file(const struct folder *f, const char *name, const char *expected)
{
    char *text = folder_read(f, name);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void the_first_day(void **state)
{
    (void)state;
    static char dir[FOLDER_PATH_MAX];
    assert_int_equal(SKEIN(&s, "init", "hello"), 0);
    (void)snprintf(dir, sizeof(dir), "%s/hello", s.dir);
    s.dir = dir;
    assert_int_equal(SKEIN(&s, "check", "flows/hello.pty"), 0);
    assert_int_equal(SKEIN(&s, "run", "flows/hello.pty", "--input", "name=Ada", "--name", "one"),
                     0);
    assert_string_equal(s.out, "[\n  \"HELLO, ADA!\",\n  27\n]\n");
    assert_has(s.err, " flows/hello.pty: running\n");
    assert_has(s.err, "Hello: succeeded in ");
    assert_int_equal(SKEIN(&s, "ps", "--all"), 0);
    assert_has(s.out, "one   flows/hello.pty  succeeded");
    assert_int_equal(SKEIN(&s, "show", "one"), 0);
    assert_has(s.out, "= \"Hello, Ada!\"");
    assert_int_equal(SKEIN(&s, "show", "last", "--json"), 0);
    assert_has(s.out, "\"inputs\":{\"name\":\"Ada\"}");
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
    assert_has(s.out, "Sound: ");
    struct folder hello = {.path = ""};
    assert_true(strlen(dir) < sizeof(hello.path));
    memcpy(hello.path, dir, strlen(dir) + 1);
    end_holder(&hello);
}

static void a_lone_file_of_built_in_events_runs_anywhere(void **state)
{
    struct folder *f = *state;
    assert_int_equal(unlink(folder_at(f, "skein.yaml")), 0);
    folder_write(f, "a.pty", "Noop -> Sleep[for=10ms]\n");
    assert_int_equal(SKEIN(&s, "run", "a.pty"), 0);
    assert_string_equal(s.out, "");
    assert_int_equal(SKEIN(&s, "show", "last"), 0);
    assert_has(s.out, "Sleep");
}

static void a_failed_task_says_why_and_keeps_its_log(void **state)
{
    (void)state;
    folder_write(*state, "a.pty", "Note -> Wrong -> Note\n");
    assert_int_equal(SKEIN(&s, "run", "a.pty"), 1);
    assert_has(s.err, "Wrong: failed");
    assert_file(*state, "noted", "ran\n");
    assert_int_equal(SKEIN(&s, "logs", "last"), 0);
    assert_has(s.out, "==> 1 Note, attempt 1 <==\nto the log\n");
    assert_has(s.out, "==> 2 Wrong, attempt 1 <==\nbecause\n");
    assert_int_equal(SKEIN(&s, "logs", "last", "2"), 0);
    assert_string_equal(s.out, "==> 2 Wrong, attempt 1 <==\nbecause\n");
    assert_int_equal(SKEIN(&s, "show", "last"), 0);
    assert_has(s.out, "failed");
}

static void a_killed_holder_repeats_nothing_that_had_ended(void **state)
{
    struct folder *f = *state;
    folder_write(f, "time", "30");
    start(f, "Note -> Key -> Note\n");
    wait_for_file(f, "keys");
    assert_int_equal(kill(holder_pid(f), SIGKILL), 0);
    assert_int_equal(skein_wait(&s), 130);
    assert_has(s.err, "To go on: skein resume ");
    assert_int_equal(SKEIN(&s, "ps"), 0);
    assert_has(s.out, "interrupted");
    folder_write(f, "time", "0");
    assert_int_equal(SKEIN(&s, "resume"), 0);
    assert_file(f, "noted", "ran\nran\n");
    char *keys = folder_read(f, "keys"); /* the same key twice */
    assert_non_null(keys);
    char *second = strchr(keys, '\n');
    assert_non_null(second);
    assert_int_equal(strcspn(keys, " "), strcspn(second + 1, " "));
    assert_memory_equal(keys, second + 1, strcspn(keys, " "));
    free(keys);
    assert_int_equal(SKEIN(&s, "verify", "."), 0);
}

static void wait_for_end(const struct folder *f)
{
    for (int i = 0; i < 1000 && holds(f); i++)
        pause_ms(5);
    assert_false(holds(f));
}

static void a_holder_killed_while_stopping_is_not_followed_by_one_that_stays(void **state)
{
    struct folder *f = *state;
    start(f, "Slow\n");
    wait_for_file(f, "slow");
    assert_int_equal(kill(s.pid, SIGINT), 0);
    pause_ms(100);
    assert_int_equal(kill(holder_pid(f), SIGKILL), 0);
    assert_int_equal(skein_wait(&s), 130);
    wait_for_end(f);
    assert_file(f, "slow", "began\n");
}

static void ctrl_c_waits_for_what_runs_and_starts_nothing(void **state)
{
    struct folder *f = *state;
    start(f, "Short -> Note\n");
    wait_for_file(f, "short");
    assert_int_equal(kill(s.pid, SIGINT), 0);
    assert_int_equal(skein_wait(&s), 130);
    assert_file(f, "short", "began\nended\n");
    assert_int_not_equal(access(folder_at(f, "noted"), F_OK), 0);
    assert_int_equal(SKEIN(&s, "resume"), 0);
    assert_file(f, "short", "began\nended\n");
    assert_file(f, "noted", "ran\n");
}

static void ctrl_c_twice_cuts_off_and_resume_runs_it_again(void **state)
{
    struct folder *f = *state;
    start(f, "Note -> Slow\n");
    wait_for_file(f, "slow");
    assert_int_equal(kill(s.pid, SIGINT), 0);
    pause_ms(100);
    assert_int_equal(kill(s.pid, SIGINT), 0);
    assert_int_equal(skein_wait(&s), 130);
    assert_file(f, "slow", "began\n");
    folder_write(
        f, "events/Slow.yaml", "event: Slow\nversion: 2.0.0\nrun: { exec: [echo, changed] }\n");
    const char *const args[] = {"resume", NULL};
    skein_start(&s, args); /* with the event it began with, not the new one (P11) */
    for (int i = 0; i < 1000; i++) {
        char *text = folder_read(f, "slow");
        bool again = text && strcmp(text, "began\nbegan\n") == 0;
        free(text);
        if (again) break;
        pause_ms(5);
    }
    assert_file(f, "slow", "began\nbegan\n");
    assert_int_equal(kill(s.pid, SIGINT), 0);
    pause_ms(50);
    assert_int_equal(kill(s.pid, SIGINT), 0);
    assert_int_equal(skein_wait(&s), 130);
    assert_file(f, "noted", "ran\n");
}

static void an_idle_holder_ends_and_leaves_data_to_read(void **state)
{
    struct folder *f = *state;
    folder_write(f, "a.pty", "Noop\n");
    assert_int_equal(SKEIN(&s, "run", "a.pty"), 0);
    assert_true(holds(f));
    wait_for_end(f);
    assert_int_equal(SKEIN(&s, "ps", "--all"), 0);
    assert_has(s.out, "succeeded");
    assert_false(holds(f));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_day),
        TEST(a_lone_file_of_built_in_events_runs_anywhere),
        TEST(a_failed_task_says_why_and_keeps_its_log),
        TEST(a_killed_holder_repeats_nothing_that_had_ended),
        TEST(a_holder_killed_while_stopping_is_not_followed_by_one_that_stays),
        TEST(ctrl_c_waits_for_what_runs_and_starts_nothing),
        TEST(ctrl_c_twice_cuts_off_and_resume_runs_it_again),
        TEST(an_idle_holder_ends_and_leaves_data_to_read),
    };
    return cmocka_run_group_tests_name("real", tests, NULL, NULL);
}
