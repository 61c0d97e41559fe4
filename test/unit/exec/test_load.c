/* test_load.c - many programs at once and after each other, and nothing that piles up. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <dirent.h>

enum { AT_ONCE = 200, IN_ALL = 1000, WINDOW = 16 };

static size_t count_entries(const char *path)
{
    DIR *dir = opendir(path);
    assert_non_null(dir);
    size_t n = 0;
    while (readdir(dir))
        n++;
    (void)closedir(dir);
    return n;
}

static size_t descriptors_of(pid_t pid)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    return count_entries(path);
}

/* Processes, dead or alive, whose parent is `parent`. */
static size_t children_of(pid_t parent)
{
    size_t n = 0;
    DIR *proc = opendir("/proc");
    assert_non_null(proc);
    const struct dirent *entry = NULL;
    while ((entry = readdir(proc))) {
        char path[300];
        char text[256] = "";
        (void)snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        FILE *file = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' ? fopen(path, "r") : NULL;
        if (!file) continue;
        bool is_read = fgets(text, sizeof text, file) != NULL;
        (void)fclose(file);
        const char *at = strrchr(text, ')');
        if (is_read && at && strtol(at + 4, NULL, 10) == parent) n++;
    }
    (void)closedir(proc);
    return n;
}

static void two_hundred_programs_run_at_once(void **state)
{
    (void)state;
    struct folder f = make_folder();
    struct skn_spawner *s = start_in(&f);
    char path[128];
    char script[256];
    /* None ends before the file is there, and it comes only when all have started. */
    (void)snprintf(script,
                   sizeof script,
                   "read n; while [ ! -e %s/ready ]; do sleep 0.2; done; echo $n",
                   f.path);
    struct skn_slice argv[3];
    for (uint64_t i = 0; i < AT_ONCE; i++) {
        char input[32];
        int n = snprintf(input, sizeof input, "%d\n", (int)i);
        struct skn_exec_request request = shell(i, script, argv);
        request.input = skn_slice(input, (size_t)n);
        exec_ok(s, &request);
    }
    assert_int_equal(skn_spawner_running(s), AT_ONCE);
    bool has_ended[AT_ONCE] = {false};
    for (int i = 0; i < AT_ONCE; i++)
        assert_int_equal(next_event(s).kind, SKN_EXEC_STARTED);
    (void)snprintf(path, sizeof path, "%s/ready", f.path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    for (int i = 0; i < AT_ONCE; i++) {
        struct skn_exec_event e = next_event(s);
        assert_int_equal(e.kind, SKN_EXEC_ENDED);
        assert_int_equal(e.how, SKN_EXEC_EXITED);
        assert_true(e.id < AT_ONCE && !has_ended[e.id]);
        has_ended[e.id] = true;
        char expected[32];
        (void)snprintf(expected, sizeof expected, "%d\n", (int)e.id);
        assert_text(e.output, expected);
    }
    assert_int_equal(skn_spawner_stop(s, NULL), SKN_OK);
    remove_folder(&f);
}

static void nothing_is_left_after_a_thousand_programs(void **state)
{
    (void)state;
    struct folder f = make_folder();
    struct skn_spawner *s = start_in(&f);
    assert_int_equal(run_shell(s, "true").how, SKN_EXEC_EXITED);
    pid_t spawner = skn_spawner_pid(s);
    size_t ours = count_entries("/proc/self/fd");
    size_t its = descriptors_of(spawner);
    const struct skn_slice true_argv[] = {SKN_LIT("/bin/true")};
    const struct skn_slice missing_argv[] = {SKN_LIT("/bin/no-such-program")};
    uint64_t sent = 0;
    uint64_t ended = 0;
    while (ended < IN_ALL) {
        for (; sent < IN_ALL && sent - ended < WINDOW; sent++) {
            struct skn_slice argv[3];
            struct skn_exec_request request = shell(sent, "", argv);
            request.argv = sent % 10 == 9 ? missing_argv : true_argv;
            request.argc = 1;
            exec_ok(s, &request);
        }
        struct skn_exec_event e = next_event(s);
        if (e.kind != SKN_EXEC_ENDED) continue;
        ended++;
        assert_int_equal(e.how, e.id % 10 == 9 ? SKN_EXEC_SPAWN_FAILED : SKN_EXEC_EXITED);
    }
    uint64_t began = now_ms();
    while (children_of(spawner) > 0 && now_ms() - began < 2000)
        pause_ms(5); /* the last keepers are just ending */
    assert_int_equal(children_of(spawner), 0);
    assert_int_equal(descriptors_of(spawner), its);
    assert_int_equal(count_entries("/proc/self/fd"), ours);
    assert_int_equal(skn_spawner_running(s), 0);
    assert_int_equal(skn_spawner_stop(s, NULL), SKN_OK);
    remove_folder(&f);
}

static void over_the_limit_a_program_is_refused_and_later_taken(void **state)
{
    (void)state;
    struct folder f = make_folder();
    struct skn_spawner *s = start_in(&f);
    const struct skn_slice missing[] = {SKN_LIT("/bin/no-such-program")};
    struct skn_slice argv[3];
    struct skn_exec_request request = shell(0, "", argv);
    request.argv = missing;
    request.argc = 1;
    struct skn_diag diag = {0};
    for (request.id = 0; request.id < SKN_EXEC_PROGRAMS_MAX; request.id++)
        exec_ok(s, &request);
    assert_int_equal(skn_spawner_exec(s, &request, &diag), SKN_EFULL);
    for (int i = 0; i < SKN_EXEC_PROGRAMS_MAX; i++)
        assert_int_equal(next_event(s).how, SKN_EXEC_SPAWN_FAILED);
    assert_int_equal(run(s, &request).how, SKN_EXEC_SPAWN_FAILED);
    assert_int_equal(skn_spawner_stop(s, NULL), SKN_OK);
    remove_folder(&f);
}

/* The node reads nothing while 40 x 1 MiB of output wait: none is lost, and limits still work. */
static void a_node_that_does_not_read_loses_nothing(void **state)
{
    (void)state;
    enum { N = 40 };
    struct folder f = make_folder();
    struct skn_spawner *s = start_in(&f);
    struct skn_slice argv[3];
    for (uint64_t i = 0; i < N; i++) {
        struct skn_exec_request request = shell(i, "head -c 1048576 /dev/zero", argv);
        exec_ok(s, &request);
    }
    struct skn_exec_request slow = shell(N, "sleep 300", argv);
    slow.timeout_ms = 300;
    exec_ok(s, &slow);
    pause_ms(900);
    for (int ended = 0; ended <= N;) {
        struct skn_exec_event e = next_event(s);
        if (e.kind != SKN_EXEC_ENDED) continue;
        ended++;
        if (e.id == N) {
            assert_int_equal(e.how, SKN_EXEC_TIMEOUT);
        } else {
            assert_int_equal(e.how, SKN_EXEC_EXITED);
            assert_int_equal(e.output.len, 1048576);
        }
    }
    assert_int_equal(skn_spawner_stop(s, NULL), SKN_OK);
    remove_folder(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hundred_programs_run_at_once),
        cmocka_unit_test(nothing_is_left_after_a_thousand_programs),
        cmocka_unit_test(over_the_limit_a_program_is_refused_and_later_taken),
        cmocka_unit_test(a_node_that_does_not_read_loses_nothing),
    };
    return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
