/* test_program.c - what a program gets, and each way it can end. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

struct fixture {
    struct folder folder;
    struct skn_spawner *s;
};

static int setup(void **state)
{
    static struct fixture f;
    f.folder = make_folder();
    f.s = start_in(&f.folder);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(skn_spawner_running(f->s), 0);
    assert_int_equal(skn_spawner_stop(f->s, NULL), SKN_OK);
    remove_folder(&f->folder);
    return 0;
}

static void success_gives_output_and_figures(void **state)
{
    struct fixture *f = *state;
    struct skn_exec_event e = run_shell(f->s, "printf hello; printf oops >&2");
    assert_int_equal(e.how, SKN_EXEC_EXITED);
    assert_int_equal(e.code, 0);
    assert_text(e.output, "hello");
    assert_text(e.err_tail, "oops");
    assert_int_equal(e.stderr_bytes, 4);
    assert_text(e.text, "");
    assert_true(e.rss_kib > 100);
    assert_false(e.was_signalled);
}

static void cpu_and_wall_time_are_measured(void **state)
{
    struct fixture *f = *state;
    struct skn_exec_event e =
        run_shell(f->s, "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; sleep 0.1");
    assert_int_equal(e.how, SKN_EXEC_EXITED);
    assert_true(e.cpu_ms > 5);
    assert_true(e.wall_ms >= e.cpu_ms / 2 + 50);
    assert_true(e.wall_ms < 20000);
}

static void other_exit_statuses_are_kept(void **state)
{
    struct fixture *f = *state;
    struct skn_exec_event e = run_shell(f->s, "exit 37");
    assert_int_equal(e.how, SKN_EXEC_EXITED);
    assert_int_equal(e.code, 37);
}

static void death_by_a_signal_names_it(void **state)
{
    struct fixture *f = *state;
    struct skn_exec_event e = run_shell(f->s, "kill -SEGV $$");
    assert_int_equal(e.how, SKN_EXEC_SIGNALLED);
    assert_int_equal(e.code, SIGSEGV);
}

static void a_missing_program_is_named_with_the_places(void **state)
{
    struct fixture *f = *state;
    const struct skn_slice argv[] = {SKN_LIT("no-such-thing")};
    struct skn_slice script[3];
    struct skn_exec_request request = shell(7, "", script);
    request.argv = argv;
    request.argc = 1;
    struct skn_exec_event e = run(f->s, &request);
    assert_int_equal(e.how, SKN_EXEC_SPAWN_FAILED);
    assert_int_equal(e.code, ENOENT);
    assert_text(e.text, "no such program: no-such-thing; looked in /usr/bin:/bin");

    request.envc = 0;
    e = run(f->s, &request);
    assert_text(e.text, "no such program: no-such-thing; there is no PATH in its env");
}

static void what_cannot_be_executed_says_why(void **state)
{
    struct fixture *f = *state;
    struct skn_slice script[3];
    struct skn_exec_request request = shell(8, "", script);
    const struct skn_slice passwd[] = {SKN_LIT("/etc/passwd")};
    request.argv = passwd;
    request.argc = 1;
    struct skn_exec_event e = run(f->s, &request);
    assert_int_equal(e.how, SKN_EXEC_SPAWN_FAILED);
    assert_int_equal(e.code, EACCES);
    assert_text(e.text, "could not run: /etc/passwd: it may not be executed (Permission denied)");

    request.cwd = SKN_LIT("/no/such/folder");
    e = run(f->s, &request);
    assert_int_equal(e.code, ENOENT);
    assert_text(e.text, "could not enter the folder: /no/such/folder: No such file or directory");
}

static void environment_and_folder_are_exactly_those_asked_for(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(setenv("SKEIN_TEST_LEAK", "1", 1), 0);
    struct skn_slice script[3];
    struct skn_exec_request request = shell(9, "", script);
    const struct skn_slice argv[] = {SKN_LIT("/usr/bin/env")};
    const struct skn_slice env[] = {SKN_LIT("B=two words"), SKN_LIT("A="), SKN_LIT("C=x=y\nz")};
    request.argv = argv;
    request.argc = 1;
    request.env = env;
    request.envc = 3;
    struct skn_exec_event e = run(f->s, &request);
    assert_int_equal(e.how, SKN_EXEC_EXITED);
    const char *head = "B=two words\nA=\nC=x=y\nz\nSKEIN_SPAWNER=";
    assert_int_equal(e.output.len, strlen(head) + 32 + 1);
    assert_memory_equal(e.output.ptr, head, strlen(head));

    const struct skn_slice pwd[] = {SKN_LIT("/bin/pwd")};
    request.argv = pwd;
    request.cwd = skn_slice_str(f->folder.path);
    e = run(f->s, &request);
    assert_int_equal(e.output.len, strlen(f->folder.path) + 1);
    assert_memory_equal(e.output.ptr, f->folder.path, strlen(f->folder.path));
}

static void arguments_are_taken_as_written(void **state)
{
    struct fixture *f = *state;
    struct skn_slice script[3];
    struct skn_exec_request request = shell(10, "", script);
    const struct skn_slice argv[] = {
        SKN_LIT("printf"), SKN_LIT("[%s]"), SKN_LIT("$HOME *"), SKN_LIT(""), SKN_LIT("a\"b")};
    request.argv = argv;
    request.argc = 5;
    struct skn_exec_event e = run(f->s, &request);
    assert_text(e.output, "[$HOME *][][a\"b]");
}

static void no_descriptor_leaks_but_the_lock(void **state)
{
    struct fixture *f = *state;
    /* 3 is what lists the folder. No pipeline: its descriptors would come and go meanwhile. */
    struct skn_exec_event e = run_shell(f->s, "cd /proc/self/fd; echo *");
    assert_int_equal(e.how, SKN_EXEC_EXITED);
    assert_text(e.output, "0 1 100 2 3\n");
}

static void signals_and_core_size_are_as_new(void **state)
{
    struct fixture *f = *state;
    struct skn_exec_event e =
        run_shell(f->s, "grep -E '^Sig(Blk|Ign)' /proc/self/status; ulimit -c");
    assert_text(e.output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n0\n");
}

static void it_has_a_session_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct skn_exec_event e =
        run_shell(f->s, "set -- $(cat /proc/$$/stat); [ $1 = $5 ] && [ $1 = $6 ] && echo own");
    assert_text(e.output, "own\n");
}

static void input_arrives_whole_and_ends(void **state)
{
    struct fixture *f = *state;
    enum { N = 1 << 20 };
    char *input = malloc(N);
    assert_non_null(input);
    for (size_t i = 0; i < N; i++)
        input[i] = (char)(i * 31 % 251);
    struct skn_slice argv[3];
    struct skn_exec_request request = shell(11, "cat", argv);
    request.input = skn_slice(input, N);
    struct skn_exec_event e = run(f->s, &request);
    assert_int_equal(e.how, SKN_EXEC_EXITED);
    assert_true(skn_slice_eq(e.output, request.input)); /* 1 MiB is the default limit, and fits */
    free(input);

    e = run_shell(f->s, "cat; echo end");
    assert_text(e.output, "end\n");
}

static void a_program_that_reads_nothing_stalls_nobody(void **state)
{
    struct fixture *f = *state;
    enum { N = 1 << 20 };
    char *input = calloc(1, N);
    assert_non_null(input);
    struct skn_slice argv[2][3];
    struct skn_exec_request deaf = shell(20, "sleep 30", argv[0]);
    deaf.input = skn_slice(input, N);
    deaf.timeout_ms = 700;
    exec_ok(f->s, &deaf);
    free(input);
    struct skn_exec_event e = next_event(f->s);
    assert_int_equal(e.kind, SKN_EXEC_STARTED);
    uint64_t began = now_ms();
    e = run_shell(f->s, "echo quick");
    assert_text(e.output, "quick\n");
    assert_true(now_ms() - began < 600);
    e = next_event(f->s);
    assert_int_equal(e.id, 20);
    assert_int_equal(e.how, SKN_EXEC_TIMEOUT);
}

static void a_program_that_leaves_its_input_is_no_failure(void **state)
{
    struct fixture *f = *state;
    enum { N = 1 << 20 };
    char *input = calloc(1, N);
    assert_non_null(input);
    struct skn_slice argv[3];
    struct skn_exec_request request = shell(21, "exec 0<&-; echo enough", argv);
    request.input = skn_slice(input, N);
    struct skn_exec_event e = run(f->s, &request);
    assert_int_equal(e.how, SKN_EXEC_EXITED);
    assert_int_equal(e.code, 0);
    assert_text(e.output, "enough\n");
    free(input);
}

static void over_its_time_it_gets_sigterm(void **state)
{
    struct fixture *f = *state;
    struct skn_slice argv[3];
    struct skn_exec_request request = shell(22, "sleep 30", argv);
    request.timeout_ms = 100;
    request.grace_ms = 5000;
    struct skn_exec_event e = run(f->s, &request);
    assert_int_equal(e.how, SKN_EXEC_TIMEOUT);
    assert_int_equal(e.code, SIGTERM);
    assert_true(e.was_signalled);
    assert_true(e.wall_ms >= 100 && e.wall_ms < 4000);
}

static void one_that_ignores_sigterm_is_killed_after_its_grace(void **state)
{
    struct fixture *f = *state;
    struct skn_slice argv[3];
    struct skn_exec_request request = shell(23, "trap '' TERM; while :; do sleep 1; done", argv);
    request.timeout_ms = 100;
    request.grace_ms = 150;
    struct skn_exec_event e = run(f->s, &request);
    assert_int_equal(e.how, SKN_EXEC_TIMEOUT);
    assert_int_equal(e.code, SIGKILL);
    assert_true(e.wall_ms >= 250 && e.wall_ms < 3000);
}

static void success_within_the_grace_counts(void **state)
{
    struct fixture *f = *state;
    struct skn_slice argv[3];
    struct skn_exec_request request =
        shell(24, "trap 'echo done; exit 0' TERM; while :; do sleep 0.02; done", argv);
    request.timeout_ms = 100;
    request.grace_ms = 10000;
    struct skn_exec_event e = run(f->s, &request);
    assert_int_equal(e.how, SKN_EXEC_EXITED);
    assert_int_equal(e.code, 0);
    assert_true(e.was_signalled);
    assert_text(e.output, "done\n");
}

static void failure_within_the_grace_is_still_the_time_limit(void **state)
{
    struct fixture *f = *state;
    struct skn_slice argv[3];
    struct skn_exec_request request =
        shell(25, "trap 'exit 3' TERM; while :; do sleep 0.02; done", argv);
    request.timeout_ms = 100;
    request.grace_ms = 10000;
    struct skn_exec_event e = run(f->s, &request);
    assert_int_equal(e.how, SKN_EXEC_TIMEOUT);
    assert_int_equal(e.code, 3);
}

static void sigterm_goes_to_the_whole_group(void **state)
{
    struct fixture *f = *state;
    struct skn_slice argv[3];
    struct skn_exec_request request =
        shell(34,
              "trap : TERM; (trap 'echo child; exit 0' TERM; while :; do sleep 0.02; done) & "
              "wait; wait; exit 0",
              argv);
    request.timeout_ms = 200;
    request.grace_ms = 10000;
    struct skn_exec_event e = run(f->s, &request);
    assert_int_equal(e.how, SKN_EXEC_EXITED);
    assert_text(e.output, "child\n");
}

static void asking_again_gives_no_more_time_and_no_other_reason(void **state)
{
    struct fixture *f = *state;
    struct skn_slice argv[3];
    struct skn_exec_request request = shell(35, "trap '' TERM; while :; do sleep 1; done", argv);
    request.timeout_ms = 100;
    request.grace_ms = 300;
    exec_ok(f->s, &request);
    assert_int_equal(next_event(f->s).kind, SKN_EXEC_STARTED);
    pause_ms(150);
    struct skn_exec_event e = {0};
    uint64_t began = now_ms();
    while (skn_spawner_next_event(f->s, &e, NULL) == SKN_ELATER && now_ms() - began < 3000) {
        skn_spawner_cancel(f->s, 35);
        pause_ms(20);
    }
    assert_int_equal(e.kind, SKN_EXEC_ENDED);
    assert_int_equal(e.how, SKN_EXEC_TIMEOUT);
    assert_true(e.wall_ms >= 400 && e.wall_ms < 2000);
}

static void cancel_ends_it_and_twice_is_once(void **state)
{
    struct fixture *f = *state;
    struct skn_slice argv[3];
    struct skn_exec_request request = shell(26, "sleep 30", argv);
    exec_ok(f->s, &request);
    struct skn_exec_event e = next_event(f->s);
    assert_int_equal(e.kind, SKN_EXEC_STARTED);
    skn_spawner_cancel(f->s, 26);
    skn_spawner_cancel(f->s, 26);
    skn_spawner_cancel(f->s, 999);
    e = next_event(f->s);
    assert_int_equal(e.kind, SKN_EXEC_ENDED);
    assert_int_equal(e.how, SKN_EXEC_CANCELLED);
    assert_int_equal(e.code, SIGTERM);
    skn_spawner_cancel(f->s, 26);
    assert_text(run_shell(f->s, "echo on").output, "on\n");
}

static void cancel_before_the_start_is_not_lost(void **state)
{
    struct fixture *f = *state;
    struct skn_slice argv[3];
    struct skn_exec_request request = shell(27, "sleep 30", argv);
    request.grace_ms = 0;
    exec_ok(f->s, &request);
    skn_spawner_cancel(f->s, 27);
    struct skn_exec_event e = next_event(f->s);
    if (e.kind == SKN_EXEC_STARTED) e = next_event(f->s);
    assert_int_equal(e.how, SKN_EXEC_CANCELLED);
    assert_int_equal(e.code, SIGKILL);
}

static void output_at_its_limit_passes_and_one_byte_more_does_not(void **state)
{
    struct fixture *f = *state;
    struct skn_slice argv[3];
    struct skn_exec_request request = shell(28, "head -c 70000 /dev/zero", argv);
    request.stdout_max = 70000;
    struct skn_exec_event e = run(f->s, &request);
    assert_int_equal(e.how, SKN_EXEC_EXITED);
    assert_int_equal(e.output.len, 70000);

    request.stdout_max = 69999;
    e = run(f->s, &request);
    assert_int_equal(e.how, SKN_EXEC_TOO_LARGE);
    assert_int_equal(e.output.len, 4096);
}

static void output_without_end_is_stopped(void **state)
{
    struct fixture *f = *state;
    struct skn_exec_event e = run_shell(f->s, "yes");
    assert_int_equal(e.how, SKN_EXEC_TOO_LARGE);
    assert_int_equal(e.code, SIGKILL);
    assert_true(e.wall_ms < 5000);
}

static void the_log_keeps_head_and_tail(void **state)
{
    struct fixture *f = *state;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/log", f->folder.path);
    struct skn_slice argv[3];
    struct skn_exec_request request = shell(
        29, "i=0; while [ $i -lt 2000 ]; do printf 'line %05d\\n' $i >&2; i=$((i+1)); done", argv);
    request.stderr_path = skn_slice_str(path);
    request.stderr_max = 220 * 80; /* lines of 11 bytes: 800 of head, 800 of tail, 400 left out */
    struct skn_exec_event e = run(f->s, &request);
    assert_int_equal(e.stderr_bytes, 22000);
    assert_int_equal(e.err_tail.len, SKN_EXEC_TAIL_BYTES);
    assert_memory_equal(e.err_tail.ptr + SKN_EXEC_TAIL_BYTES - 11, "line 01999\n", 11);

    static char log[30000];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = fread(log, 1, sizeof log, file);
    (void)fclose(file);
    const char *gap = "\n... 4400 bytes left out ...\n";
    assert_int_equal(n, 17600 + strlen(gap));
    assert_memory_equal(log, "line 00000\n", 11);
    assert_memory_equal(log + 8800 - 11, "line 00799\n", 11);
    assert_memory_equal(log + 8800, gap, strlen(gap));
    assert_memory_equal(log + 8800 + strlen(gap), "line 01200\n", 11);
    assert_memory_equal(log + n - 11, "line 01999\n", 11);
}

static void a_log_that_cannot_be_opened_is_named(void **state)
{
    struct fixture *f = *state;
    struct skn_slice argv[3];
    struct skn_exec_request request = shell(30, "true", argv);
    request.stderr_path = SKN_LIT("/no/such/place/log");
    struct skn_exec_event e = run(f->s, &request);
    assert_int_equal(e.how, SKN_EXEC_SPAWN_FAILED);
    assert_text(e.text, "could not open the log \"/no/such/place/log\": No such file or directory");
    request.stderr_path = SKN_LIT("/dev/full");
    argv[2] = SKN_LIT("echo x >&2; echo fine");
    e = run(f->s, &request);
    assert_int_equal(e.how, SKN_EXEC_EXITED);
    assert_text(e.output, "fine\n");
    assert_text(e.text, "the log of standard error is cut: No space left on device");
}

static void what_it_left_running_is_killed_at_its_end(void **state)
{
    struct fixture *f = *state;
    char script[512];
    (void)snprintf(script,
                   sizeof script,
                   "sleep 300 & echo $!; setsid sleep 300 & echo $!; "
                   "setsid sh -c 'setsid sleep 300 >/dev/null 2>&1 & echo $!'; "
                   "env -i setsid bash -c 'exec 100>&-; exec sleep 300' >/dev/null 2>&1 & echo $!; "
                   "exec 1>&-; exit 0");
    struct skn_exec_event e = run_shell(f->s, script);
    assert_int_equal(e.how, SKN_EXEC_EXITED);
    char text[128];
    (void)snprintf(text, sizeof text, "%.*s", SKN_FMT(e.output));
    int seen = 0;
    for (const char *at = text; *at; at = strchr(at, '\n') + 1, seen++)
        assert_int_equal(kill((pid_t)strtol(at, NULL, 10), 0), -1);
    assert_int_equal(seen, 4);
}

static void requests_that_make_no_sense_are_refused(void **state)
{
    struct fixture *f = *state;
    struct skn_slice argv[3];
    struct skn_exec_request good = shell(31, "true", argv);
    struct skn_diag diag = {0};

    struct skn_exec_request r = good;
    r.argc = 0;
    assert_int_equal(skn_spawner_exec(f->s, &r, &diag), SKN_EARGS);
    r = good;
    r.cwd = SKN_LIT("relative");
    assert_int_equal(skn_spawner_exec(f->s, &r, &diag), SKN_EARGS);
    r = good;
    const struct skn_slice bad_env[] = {SKN_LIT("=x"),
                                        SKN_LIT("NAME"),
                                        SKN_LIT("A=b\0c"),
                                        SKN_LIT("SKEIN_SPAWNER=mine"),
                                        SKN_LIT("")};
    for (size_t i = 0; i < SKN_ARRAY_LEN(bad_env); i++) {
        r.env = &bad_env[i];
        assert_int_equal(skn_spawner_exec(f->s, &r, &diag), SKN_EARGS);
        assert_int_equal(diag.rc, SKN_EARGS);
    }
    r = good;
    r.stdout_max = SKN_EXEC_OUTPUT_MAX + 1;
    assert_int_equal(skn_spawner_exec(f->s, &r, &diag), SKN_EARGS);
    r = good;
    r.input = skn_slice("", SKN_EXEC_INPUT_MAX + 1);
    assert_int_equal(skn_spawner_exec(f->s, &r, &diag), SKN_ETOOLARGE);
    r = good;
    r.envc = SKN_EXEC_STRINGS_MAX;
    assert_int_equal(skn_spawner_exec(f->s, &r, &diag), SKN_ETOOLARGE);

    struct skn_slice sleep_argv[3];
    struct skn_exec_request slow = shell(32, "sleep 0.1", sleep_argv);
    exec_ok(f->s, &slow);
    assert_int_equal(skn_spawner_exec(f->s, &slow, &diag), SKN_EEXIST);
    assert_int_equal(next_event(f->s).kind, SKN_EXEC_STARTED);
    assert_int_equal(next_event(f->s).kind, SKN_EXEC_ENDED);
    assert_text(run_shell(f->s, "echo still here").output, "still here\n");
}

static void arguments_the_kernel_refuses_are_named(void **state)
{
    struct fixture *f = *state;
    enum { N = 1 << 20 };
    char *big = malloc(N);
    assert_non_null(big);
    memset(big, 'x', N);
    struct skn_slice argv[3];
    struct skn_exec_request request = shell(33, "true", argv);
    argv[2] = skn_slice(big, N);
    struct skn_exec_event e = run(f->s, &request);
    assert_int_equal(e.how, SKN_EXEC_SPAWN_FAILED);
    assert_int_equal(e.code, E2BIG);
    assert_true(has_text(e.text, "arguments and environment are too long"));
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(success_gives_output_and_figures),
        cmocka_unit_test(cpu_and_wall_time_are_measured),
        cmocka_unit_test(other_exit_statuses_are_kept),
        cmocka_unit_test(death_by_a_signal_names_it),
        cmocka_unit_test(a_missing_program_is_named_with_the_places),
        cmocka_unit_test(what_cannot_be_executed_says_why),
        cmocka_unit_test(environment_and_folder_are_exactly_those_asked_for),
        cmocka_unit_test(arguments_are_taken_as_written),
        cmocka_unit_test(no_descriptor_leaks_but_the_lock),
        cmocka_unit_test(signals_and_core_size_are_as_new),
        cmocka_unit_test(it_has_a_session_of_its_own),
        cmocka_unit_test(input_arrives_whole_and_ends),
        cmocka_unit_test(a_program_that_reads_nothing_stalls_nobody),
        cmocka_unit_test(a_program_that_leaves_its_input_is_no_failure),
        cmocka_unit_test(over_its_time_it_gets_sigterm),
        cmocka_unit_test(one_that_ignores_sigterm_is_killed_after_its_grace),
        cmocka_unit_test(success_within_the_grace_counts),
        cmocka_unit_test(failure_within_the_grace_is_still_the_time_limit),
        cmocka_unit_test(sigterm_goes_to_the_whole_group),
        cmocka_unit_test(asking_again_gives_no_more_time_and_no_other_reason),
        cmocka_unit_test(cancel_ends_it_and_twice_is_once),
        cmocka_unit_test(cancel_before_the_start_is_not_lost),
        cmocka_unit_test(output_at_its_limit_passes_and_one_byte_more_does_not),
        cmocka_unit_test(output_without_end_is_stopped),
        cmocka_unit_test(the_log_keeps_head_and_tail),
        cmocka_unit_test(a_log_that_cannot_be_opened_is_named),
        cmocka_unit_test(what_it_left_running_is_killed_at_its_end),
        cmocka_unit_test(requests_that_make_no_sense_are_refused),
        cmocka_unit_test(arguments_the_kernel_refuses_are_named),
    };
    return cmocka_run_group_tests_name("program", tests, setup, teardown);
}
