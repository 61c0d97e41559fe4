/* test_bench.c - the arithmetic of the harness, and a benchmark run very small. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include "base/mem.h"
#include "lib/test.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The benchmark that meson.build passes; set once by main. */
static char *program;

static void quantiles_are_nearest_ranks(void **state)
{
    (void)state;
    uint64_t values[100];
    for (size_t i = 0; i < 100; i++)
        values[i] = 100 - i;
    skn_bench_sort(values, 100);
    assert_int_equal(values[0], 1);
    assert_int_equal(skn_bench_quantile(values, 100, 0), 1);
    assert_int_equal(skn_bench_quantile(values, 100, 500), 50);
    assert_int_equal(skn_bench_quantile(values, 100, 990), 99);
    assert_int_equal(skn_bench_quantile(values, 100, 1000), 100);
    assert_int_equal(skn_bench_quantile(values, 1, 500), 1);
    assert_int_equal(skn_bench_quantile(values, 3, 500), 2);
}

static void a_sample_of_many_is_a_fair_one(void **state)
{
    (void)state;
    enum { COUNT = 4000000 };
    char name[] = "test";
    char *argv[] = {name, NULL};
    struct skn_bench bench;
    skn_bench_init(&bench, "test", 1, argv);
    for (uint64_t i = 0; i < COUNT; i++)
        skn_bench_sample(&bench, i);
    assert_in_range(bench.sample_count, 1000000, COUNT - 1);
    skn_bench_sort(bench.samples, bench.sample_count);
    uint64_t middle = skn_bench_quantile(bench.samples, bench.sample_count, 500);
    assert_in_range(middle, COUNT / 2 - COUNT / 100, COUNT / 2 + COUNT / 100);
    assert_int_equal(skn_bench_end(&bench), 0);
}

struct counted {
    unsigned before, ops, after;
    uint64_t next;
};

static void count_before(void *ctx)
{
    struct counted *c = ctx;
    c->before++;
    c->next = 0;
}

static void count_after(void *ctx)
{
    ((struct counted *)ctx)->after++;
}

static void count_op(void *ctx, uint64_t i)
{
    struct counted *c = ctx;
    assert_int_equal(i, c->next);
    c->next++;
    c->ops++;
}

static void every_repetition_is_whole_and_set_up_anew(void **state)
{
    (void)state;
    char args[][8] = {"test", "--reps", "3", "--scale", "0.5", "--json"};
    char *argv[] = {args[0], args[1], args[2], args[3], args[4], args[5], NULL};
    struct skn_bench bench;
    skn_bench_init(&bench, "test", 6, argv);
    struct counted counted = {0};
    uint64_t n = skn_bench_n(&bench, 20);
    assert_int_equal(n, 10);
    skn_bench_run(&bench,
                  &(struct skn_bench_case){.name = "count",
                                           .n = n,
                                           .before = count_before,
                                           .after = count_after,
                                           .op = count_op,
                                           .ctx = &counted,
                                           .limit = "none",
                                           .limit_ns = 1});
    assert_int_equal(counted.before, 5); /* one to warm up, three, and one for the latencies */
    assert_int_equal(counted.after, 5);
    assert_int_equal(counted.ops, 50);
    assert_int_equal(bench.sample_count, 10);
    assert_int_equal(skn_bench_end(&bench), 0);
}

static void limits_are_measured(void **state)
{
    (void)state;
    double small = skn_bench_memory_ns(4096);
    assert_true(small > 0);
    assert_true(skn_bench_memory_ns((size_t)64 << 20) > small);
    assert_true(skn_bench_sync_ns("/tmp") > 0);
    assert_true(skn_bench_sync_ns("/nowhere") < 0);
}

/* Runs the benchmark and gives what it printed, NUL-terminated, and its exit status. */
static int run_program(char *const argv[], char *out, size_t size)
{
    int ends[2];
    pid_t pid = 0;
    posix_spawn_file_actions_t actions;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, ends[1], 1), 0);
    assert_int_equal(posix_spawn_file_actions_addclose(&actions, ends[0]), 0);
    assert_int_equal(posix_spawn(&pid, argv[0], &actions, NULL, argv, environ), 0);
    assert_int_equal(posix_spawn_file_actions_destroy(&actions), 0);
    assert_int_equal(close(ends[1]), 0);
    size_t len = 0;
    ssize_t got;
    while ((got = read(ends[0], out + len, size - 1 - len)) > 0)
        len += (size_t)got;
    out[len] = '\0';
    assert_int_equal(close(ends[0]), 0);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_benchmark_prints_a_json_line_for_each_case(void **state)
{
    (void)state;
    static char out[1 << 16];
    char args[][8] = {"--json", "--scale", "0.002", "--reps", "2"};
    char *argv[] = {program, args[0], args[1], args[2], args[3], args[4], NULL};
    assert_int_equal(run_program(argv, out, sizeof out), 0);
    unsigned lines = 0;
    for (char *line = strtok_r(out, "\n", &argv[0]); line; line = strtok_r(NULL, "\n", &argv[0])) {
        lines++;
        assert_memory_equal(line, "{\"bench\":\"base\",\"case\":\"", 24);
        assert_int_equal(line[strlen(line) - 1], '}');
        const char *median = strstr(line, "\"median_ns\":");
        const char *limit = strstr(line, "\"limit_ns\":");
        assert_non_null(median);
        assert_non_null(limit);
        assert_true(strtod(median + 12, NULL) > 0);
        assert_true(strtod(limit + 11, NULL) > 0);
    }
    assert_in_range(lines, 10, 100);
}

static void a_wrong_argument_is_a_usage_error(void **state)
{
    (void)state;
    static char out[4096];
    char args[][8] = {"--reps", "0"};
    char *argv[] = {program, args[0], args[1], NULL};
    assert_int_equal(run_program(argv, out, sizeof out), 2);
    argv[2] = NULL;
    assert_int_equal(run_program(argv, out, sizeof out), 2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_nearest_ranks),
        cmocka_unit_test(a_sample_of_many_is_a_fair_one),
        cmocka_unit_test(every_repetition_is_whole_and_set_up_anew),
        cmocka_unit_test(limits_are_measured),
        cmocka_unit_test(a_benchmark_prints_a_json_line_for_each_case),
        cmocka_unit_test(a_wrong_argument_is_a_usage_error),
    };
    if (argc < 2) return 2;
    program = argv[1];
    return cmocka_run_group_tests_name("bench", tests, NULL, NULL);
}
