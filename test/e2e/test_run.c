/* test_run.c - run, resume, ps, show and logs of the real command line, on an engine that only
 * pretends: what they say, where, and their exit codes. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "lib/skein.h"

#include <time.h>

static struct skein s;

/* A project with a flow per behaviour of the engine. */
static int setup(void **state)
{
    static const char *const whats[] = {"quick", "stay", "fail", "bad", "die", "deaf"};
    struct folder *f = calloc(1, sizeof(*f));
    folder_make(f);
    memset(&s, 0, sizeof(s));
    s.dir = f->path;
    *state = f;
    folder_write(f, "skein.yaml", "name: t\n");
    for (size_t i = 0; i < SKN_ARRAY_LEN(whats); i++) {
        char name[32], text[64];
        (void)snprintf(name, sizeof(name), "%s.pty", whats[i]);
        (void)snprintf(text, sizeof(text), "# %s\n@input: n: int = 1\nNoop\n", whats[i]);
        folder_write(f, name, text);
    }
    return 0;
}

static void pause_ms(long ms)
{
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&wait, NULL);
}

/* A holder that is left would write into a folder that is gone. */
static void end_holder(struct folder *f)
{
    char *text = folder_read(f, ".skein/lock");
    if (text && access(folder_at(f, ".skein/socket"), F_OK) == 0)
        (void)kill((pid_t)strtol(text, NULL, 10), SIGTERM);
    for (int i = 0; i < 500 && access(folder_at(f, ".skein/socket"), F_OK) == 0; i++)
        pause_ms(5);
    free(text);
    pause_ms(20);
}

static int teardown(void **state)
{
    end_holder(*state);
    folder_remove(*state);
    free(*state);
    return 0;
}

static void a_run_says_its_progress_and_its_result_apart(void **state)
{
    (void)state;
    assert_int_equal(SKEIN(&s, "run", "quick.pty"), 0);
    assert_string_equal(s.out, "{\n  \"n\": 42\n}\n");
    assert_string_equal(s.err,
                        "r1 a.pty: running\n1 Task: running\n1 Task: succeeded in 1.50 s\n"
                        "r1 a.pty: succeeded in 1.50 s\n");
}

static void with_json_there_is_one_object_and_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(SKEIN(&s, "run", "quick.pty", "--json"), 0);
    assert_string_equal(s.err, "");
    assert_int_equal(s.out[0], '{');
    assert_ptr_equal(strchr(s.out, '\n'), s.out + strlen(s.out) - 1);
    assert_has(s.out, "\"status\":\"succeeded\"");
    assert_int_equal(SKEIN(&s, "run", "fail.pty", "--json"), 1);
    assert_has(s.out, "\"code\":\"EXECUTION_FAILED\"");
    assert_string_equal(s.err, "");
}

static void a_failed_run_is_exit_1_and_says_where_to_look(void **state) /* [E83] */
{
    (void)state;
    assert_int_equal(SKEIN(&s, "run", "fail.pty"), 1);
    assert_string_equal(s.out, "");
    assert_has(s.err, "r1 a.pty: failed in 1.50 s: EXECUTION_FAILED: exit code 3\n");
    assert_has(s.err, "skein show r1");
}

static void what_the_engine_refuses_has_its_exit_code(void **state)
{
    (void)state;
    assert_int_equal(SKEIN(&s, "run", "bad.pty"), 2);
    assert_string_equal(s.err, "skein: no input \"n\"\n");
    assert_int_equal(SKEIN(&s, "show", "none"), 66);
    assert_has(s.err, "no run \"none\"");
    assert_int_equal(SKEIN(&s, "show", "none", "--json"), 66);
    assert_has(s.out, "{\"error\":{\"code\":\"NOT_FOUND\"");
    assert_has(s.out, "\"exit\":66}}");
}

static void a_detached_run_is_named_and_goes_on(void **state)
{
    (void)state;
    assert_int_equal(SKEIN(&s, "run", "stay.pty", "--detach", "--name", "nightly"), 0);
    assert_string_equal(s.out, "r1\n");
    assert_int_equal(SKEIN(&s, "ps"), 0);
    assert_has(s.out, "nightly");
    assert_has(s.out, "running");
    assert_int_equal(SKEIN(&s, "show", "nightly"), 0);
    assert_has(s.out, "r1 \"nightly\" a.pty  running");
    assert_int_equal(SKEIN(&s, "run", "quick.pty", "-d", "--json"), 0);
    assert_string_equal(s.out, "{\"run\":\"r2\"}\n");
}

/* Starts a flow that stays and waits until it runs. */
static void start_stay(struct folder *f, const char *flow)
{
    const char *const args[] = {"run", flow, NULL};
    skein_start(&s, args);
    for (int i = 0; i < 1000; i++) {
        char *runs = folder_read(f, ".skein/fake.runs");
        bool runs_now = runs && strstr(runs, "running");
        free(runs);
        if (runs_now) break;
        pause_ms(5);
    }
    pause_ms(50); /* its signals come to the client once it has asked */
}

static void ctrl_c_stops_the_run_and_says_how_to_go_on(void **state)
{
    struct folder *f = *state;
    start_stay(f, "stay.pty");
    assert_int_equal(kill(s.pid, SIGINT), 0);
    assert_int_equal(skein_wait(&s), 130);
    assert_has(s.err, "Stopping: nothing new starts");
    assert_has(s.err, "Interrupted. To go on: skein resume r1\n");
    assert_string_equal(s.out, "");
    assert_int_equal(SKEIN(&s, "resume"), 0);
    assert_has(s.out, "\"n\": 42");
    assert_int_equal(SKEIN(&s, "resume"), 66);
    assert_has(s.err, "no run is interrupted");
    assert_int_equal(SKEIN(&s, "resume", "r1"), 2);
    assert_has(s.err, "run r1 is not interrupted");
}

static void ctrl_c_twice_leaves_at_once(void **state)
{
    struct folder *f = *state;
    start_stay(f, "deaf.pty");
    assert_int_equal(kill(s.pid, SIGINT), 0);
    pause_ms(100);
    assert_int_equal(waitpid(s.pid, NULL, WNOHANG), 0); /* it waits for what runs */
    assert_int_equal(kill(s.pid, SIGTERM), 0);          /* counts as Ctrl-C */
    assert_int_equal(skein_wait(&s), 130);
    assert_has(s.err, "Ctrl-C again leaves at once.");
    assert_has(s.err, "r1 a.pty: stopping\n");
    assert_has(s.err, "Interrupted. To go on: skein resume r1\n");
}

static void a_run_needs_no_environment_and_no_input(void **state)
{
    (void)state;
    s.no_env = s.no_stdin = true;
    assert_int_equal(SKEIN(&s, "run", "quick.pty"), 0);
    assert_has(s.out, "42");
    assert_int_equal(SKEIN(&s, "ps", "--all"), 0);
}

static void a_protected_folder_is_exit_73_and_its_file_66(void **state)
{
    struct folder *f = *state;
    s.as_nobody = true;
    assert_int_equal(chmod(f->path, 0755), 0);
    if (SKEIN(&s, "--version") != 0) SKIP_BECAUSE("the program is out of reach of other users");
    assert_int_equal(chmod(folder_at(f, "quick.pty"), 0644), 0);
    assert_int_equal(chmod(folder_at(f, "skein.yaml"), 0644), 0);
    assert_int_equal(chmod(folder_at(f, "stay.pty"), 0), 0);
    if (geteuid() != 0) assert_int_equal(chmod(f->path, 0555), 0);
    assert_int_equal(SKEIN(&s, "run", "stay.pty"), 66);
    assert_has(s.err, "\"stay.pty\": Permission denied");
    assert_int_equal(SKEIN(&s, "run", "quick.pty"), 73);
    assert_has(s.err, "could not create");
    assert_has(s.err, "Permission denied");
    assert_int_equal(SKEIN(&s, "init", "new"), 73);
    assert_int_equal(chmod(f->path, 0700), 0);
}

static void a_killed_client_leaves_the_run_alone(void **state)
{
    struct folder *f = *state;
    start_stay(f, "stay.pty");
    assert_int_equal(kill(s.pid, SIGKILL), 0);
    assert_int_equal(skein_wait(&s), -SIGKILL);
    assert_int_equal(SKEIN(&s, "ps"), 0);
    assert_has(s.out, "running");
}

static void a_killed_holder_interrupts_what_can_be_resumed(void **state)
{
    struct folder *f = *state;
    assert_int_equal(SKEIN(&s, "run", "stay.pty", "--detach"), 0);
    assert_int_equal(SKEIN(&s, "run", "stay.pty", "--detach"), 0);
    char *text = folder_read(f, ".skein/lock");
    assert_non_null(text);
    assert_int_equal(kill((pid_t)strtol(text, NULL, 10), SIGKILL), 0);
    free(text);
    pause_ms(50);
    assert_int_equal(SKEIN(&s, "ps"), 0); /* without a holder */
    assert_has(s.out, "interrupted");
    assert_int_equal(SKEIN(&s, "resume", "--all", "r1"), 2);
    assert_int_equal(SKEIN(&s, "resume", "--all"), 0);
    assert_has(s.out, "r1 succeeded\n");
    assert_has(s.out, "r2 succeeded\n");
    assert_int_equal(SKEIN(&s, "resume", "--all", "--json"), 0);
    assert_string_equal(s.out, "{\"runs\":[]}\n");
}

static void a_holder_that_dies_at_the_start_is_not_noticed(void **state)
{
    (void)state;
    assert_int_equal(SKEIN(&s, "run", "die.pty"), 0);
    assert_has(s.out, "42");
}

static void logs_are_printed_by_path(void **state)
{
    struct folder *f = *state;
    assert_int_equal(SKEIN(&s, "run", "quick.pty"), 0);
    assert_int_equal(SKEIN(&s, "logs", "last"), 0);
    assert_string_equal(s.out, "");
    folder_mkdir(f, ".skein/logs");
    folder_mkdir(f, ".skein/logs/r1");
    folder_write(f, ".skein/logs/r1/1.1.0.log", "three lines\n\xff\nand no end");
    assert_int_equal(SKEIN(&s, "logs", "last"), 0);
    assert_string_equal(s.out, "==> 1 Task, attempt 1 <==\nthree lines\n\xff\nand no end\n");
    assert_int_equal(SKEIN(&s, "logs", "r1", "1"), 0);
    assert_has(s.out, "three lines");
    assert_int_equal(SKEIN(&s, "logs", "r1", "1.1"), 66);
    assert_has(s.err, "reached nothing at \"1.1\"");
    assert_int_equal(SKEIN(&s, "logs", "r1", "--json"), 0);
    assert_has(s.out, "\"text\":\"three lines\\n\xef\xbf\xbd\\nand no end\"");
}

static void a_terminal_gets_a_tree_drawn_over_itself(void **state)
{
    (void)state;
    s.has_terminal = true;
    s.env = (const char *const[]){"TERM=xterm", NULL};
    assert_int_equal(SKEIN(&s, "run", "quick.pty"), 0);
    assert_has(s.err, "\033[36mrunning\033[0m");
    assert_has(s.err, "\033[2A\r"); /* two lines up */
    assert_has(s.err, "\033[32msucceeded\033[0m");
    s.env = (const char *const[]){"TERM=xterm", "NO_COLOR=1", NULL};
    assert_int_equal(SKEIN(&s, "run", "quick.pty"), 0);
    assert_null(strstr(s.err, "\033[36m"));
    assert_has(s.err, "\033[2A\r");
    s.env = NULL; /* TERM is dumb */
    assert_int_equal(SKEIN(&s, "run", "quick.pty"), 0);
    assert_null(strchr(s.err, '\033'));
    s.env = (const char *const[]){"TERM=", NULL};
    assert_int_equal(SKEIN(&s, "run", "quick.pty"), 0);
    assert_null(strchr(s.err, '\033'));
}

static void a_dry_run_runs_nothing(void **state)
{
    struct folder *f = *state;
    assert_int_equal(SKEIN(&s, "run", "quick.pty", "--dry-run", "--input", "n=7"), 0);
    assert_has(s.out, "Would run quick.pty with\n{\"n\":7}\n");
    assert_has(s.out, "Noop");
    assert_int_equal(SKEIN(&s, "run", "quick.pty", "--dry-run", "--json"), 0);
    assert_has(s.out, "\"inputs\":{\"n\":1}");
    assert_int_equal(SKEIN(&s, "run", "quick.pty", "--dry-run", "--input", "m=7"), 2);
    assert_int_not_equal(access(folder_at(f, ".skein"), F_OK), 0);
}

static void a_bad_flow_is_exit_65_and_starts_nothing(void **state)
{
    struct folder *f = *state;
    folder_write(f, "broken.pty", "Noop -> -> Noop\n");
    folder_write(f, "unknown.pty", "Noop -> Nobody\n");
    assert_int_equal(SKEIN(&s, "run", "broken.pty"), 65);
    assert_has(s.err, "broken.pty:1:9: error[SKN-P011]");
    assert_has(s.err, "skein: \"broken.pty\" cannot run: 1 error\n");
    assert_int_equal(SKEIN(&s, "run", "unknown.pty", "--json"), 65);
    assert_has(s.out, "{\"error\":{\"code\":\"SYNTAX\"");
    assert_int_not_equal(access(folder_at(f, ".skein"), F_OK), 0);
    assert_int_equal(unlink(folder_at(f, "skein.yaml")), 0);
    assert_int_equal(SKEIN(&s, "run", "unknown.pty"), 65);
    assert_has(s.err, "it is in no project that declares \"Nobody\"");
    assert_int_equal(SKEIN(&s, "run", "none.pty"), 66);
    assert_int_equal(SKEIN(&s, "run", "."), 66);
}

static void where_nothing_ran_there_is_nothing_to_show(void **state)
{
    struct folder *f = *state;
    assert_int_equal(SKEIN(&s, "ps"), 0);
    assert_has(s.out, "RUN ");
    assert_int_equal(SKEIN(&s, "ps", "--json"), 0);
    assert_string_equal(s.out, "{\"runs\":[]}\n");
    assert_int_equal(SKEIN(&s, "show", "last"), 66);
    assert_has(s.err, "nothing was ever run in");
    assert_int_equal(SKEIN(&s, "resume"), 66);
    assert_int_not_equal(access(folder_at(f, ".skein"), F_OK), 0);
    assert_int_equal(unlink(folder_at(f, "skein.yaml")), 0);
    assert_int_equal(SKEIN(&s, "ps"), 66);
    assert_has(s.err, "skein init makes one");
    assert_int_equal(SKEIN(&s, "ps", "--project", "none"), 66);
}

static void data_that_cannot_be_opened_is_named(void **state)
{
    struct folder *f = *state;
    folder_write(f, ".skein", "a file");
    assert_int_equal(SKEIN(&s, "run", "quick.pty"), 73);
    assert_has(s.err, ".skein");
    assert_int_equal(SKEIN(&s, "ps"), 0); /* nothing was ever run */
    assert_int_equal(unlink(folder_at(f, ".skein")), 0);
    folder_mkdir(f, ".skein");
    folder_write(f, ".skein/fake.damaged", "");
    assert_int_equal(SKEIN(&s, "run", "quick.pty"), 65);
    assert_string_equal(s.err, "skein: segment 7 is damaged at 4096\n");
    if (geteuid() != 0) return; /* only root can give files away */
    assert_int_equal(chown(folder_at(f, ".skein"), 12345, 12345), 0);
    assert_int_equal(SKEIN(&s, "run", "quick.pty"), 73);
    assert_has(s.err, "belongs to user 12345");
    assert_int_equal(SKEIN(&s, "ps"), 73);
    assert_int_equal(chown(folder_at(f, ".skein"), 0, 0), 0);
}

static void a_result_that_cannot_be_written_is_exit_74(void **state)
{
    (void)state;
    s.out_path = "/dev/full";
    assert_int_equal(SKEIN(&s, "run", "quick.pty"), 74);
    assert_has(s.err, "No space left on device");
    assert_int_equal(SKEIN(&s, "ps", "--all"), 74);
    s.out_path = "-";
    assert_int_equal(SKEIN(&s, "show", "last"), 74);
}

static void a_path_of_any_length_has_a_socket(void **state)
{
    struct folder *f = *state;
    static char dir[FOLDER_PATH_MAX];
    char name[256] = "", file[300];
    for (int i = 0; i < 4; i++) {
        (void)snprintf(name + strlen(name), 60, "%s%040d", i ? "/" : "", i);
        folder_mkdir(f, name);
    }
    (void)snprintf(file, sizeof(file), "%s/quick.pty", name);
    folder_write(f, file, "# quick\nNoop\n");
    (void)snprintf(file, sizeof(file), "%s/skein.yaml", name);
    folder_write(f, file, "");
    (void)snprintf(dir, sizeof(dir), "%s", folder_at(f, name));
    s.dir = dir;
    assert_int_equal(SKEIN(&s, "run", "quick.pty"), 0);
    assert_int_equal(SKEIN(&s, "run", "quick.pty"), 0); /* the holder is still there */
    assert_has(s.err, "r2 a.pty");
    pause_ms(1300); /* until it has ended, for the folder is removed */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_says_its_progress_and_its_result_apart),
        TEST(with_json_there_is_one_object_and_nothing_else),
        TEST(a_failed_run_is_exit_1_and_says_where_to_look),
        TEST(what_the_engine_refuses_has_its_exit_code),
        TEST(a_detached_run_is_named_and_goes_on),
        TEST(ctrl_c_stops_the_run_and_says_how_to_go_on),
        TEST(ctrl_c_twice_leaves_at_once),
        TEST(a_run_needs_no_environment_and_no_input),
        TEST(a_protected_folder_is_exit_73_and_its_file_66),
        TEST(a_killed_client_leaves_the_run_alone),
        TEST(a_killed_holder_interrupts_what_can_be_resumed),
        TEST(a_holder_that_dies_at_the_start_is_not_noticed),
        TEST(logs_are_printed_by_path),
        TEST(a_terminal_gets_a_tree_drawn_over_itself),
        TEST(a_dry_run_runs_nothing),
        TEST(a_bad_flow_is_exit_65_and_starts_nothing),
        TEST(where_nothing_ran_there_is_nothing_to_show),
        TEST(data_that_cannot_be_opened_is_named),
        TEST(a_result_that_cannot_be_written_is_exit_74),
        TEST(a_path_of_any_length_has_a_socket),
    };
    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
