/* test_reach.c - ratios by pairs, goals, counted syncs, and every figure run very small. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "reach.h"

#include "lib/test.h"
#include "sync_count.h"
#ifdef HAVE_ROCKSDB
#    include "drive.h"
#    include "peer_rocksdb.h"
#endif

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *program; /* bench_reach; set once by main */

static void a_stat_is_the_median_and_half_the_distance_of_the_quartiles(void **state)
{
    (void)state;
    double values[] = {8, 2, 6, 4};
    struct skn_stat stat = skn_stat_of(values, 4);
    assert_true(stat.median > 3.99 && stat.median < 4.01);
    assert_true(stat.spread > 0.49 && stat.spread < 0.51); /* (6 - 2) / 2 / 4 */
}

static void a_goal_is_missed_by_a_part_of_it(void **state)
{
    (void)state;
    assert_true(skn_goal_missed(5, SKN_GOAL_NONE, 100) <= 0);
    assert_true(skn_goal_missed(100, SKN_GOAL_LEAST, 100) <= 0);
    assert_true(skn_goal_missed(100, SKN_GOAL_MOST, 100) <= 0);
    assert_in_range(skn_goal_missed(80, SKN_GOAL_LEAST, 100) * 1000, 199, 201);
    assert_in_range(skn_goal_missed(130, SKN_GOAL_MOST, 100) * 1000, 299, 301);
    assert_true(skn_goal_missed(0, SKN_GOAL_MOST, 0) <= 0);
    assert_true(skn_goal_missed(2, SKN_GOAL_MOST, 0) > 1.99);
}

/* A side that says what its laps take, and writes down when they ran. */
struct scripted {
    const char *sign;
    double wall_s;
    uint64_t syncs;
    unsigned laps;
    char *order;
};

static void scripted_run(void *ctx, struct skn_lap *lap)
{
    struct scripted *s = ctx;
    (void)strncat(s->order, s->sign, 1);
    s->laps++;
    /* The first one is thrown away, so this must not be seen. */
    *lap = (struct skn_lap){.n = 100,
                            .wall_s = s->laps == 1 ? 1000 : s->wall_s * s->laps,
                            .cpu_s = 0.0002,
                            .syncs = s->laps == 1 ? 100 : s->syncs};
}

static void pairs_alternate_and_the_ratio_is_of_pairs(void **state)
{
    (void)state;
    char order[64] = "";
    struct scripted a = {.sign = "a", .wall_s = 0.001, .syncs = 1, .order = order};
    struct scripted b = {.sign = "b", .wall_s = 0.003, .syncs = 2, .order = order};
    const struct skn_side ours = {.name = "a", .run = scripted_run, .ctx = &a};
    const struct skn_side peer = {.name = "b", .run = scripted_run, .ctx = &b};
    struct skn_pairs pairs = skn_pairs_run(&ours, &peer, 4, 60);
    assert_string_equal(order, "ababbaabba");
    assert_int_equal(pairs.count, 4);
    /* Both get slower from lap to lap, as on a machine that others load: the ratio does not. */
    assert_in_range(pairs.ratio.median * 1000, 2999, 3001);
    assert_in_range(pairs.ratio.spread * 1000, 0, 1);
    assert_in_range(pairs.ours.cpu_us.median * 1000, 1999, 2001);
    assert_in_range(pairs.ours.per_sync * 1000, 99999, 100001);
    assert_in_range(pairs.peer.per_sync * 1000, 49999, 50001);
    assert_true(skn_pairs_are_void(&pairs));
    struct skn_figure figure = {.name = "x"};
    skn_figure_pairs(&figure, &pairs, "b");
    assert_non_null(figure.void_reason);
    pairs.peer.per_sync = 98;
    assert_false(skn_pairs_are_void(&pairs));
    pairs.peer.per_sync = 0; /* not counted */
    assert_false(skn_pairs_are_void(&pairs));
}

static void a_budget_ends_the_repetitions_but_not_the_first_three(void **state)
{
    (void)state;
    char order[64] = "";
    struct scripted a = {.sign = "a", .wall_s = 0.001, .syncs = 1, .order = order};
    const struct skn_side ours = {.name = "a", .run = scripted_run, .ctx = &a};
    assert_int_equal(skn_pairs_run(&ours, NULL, 9, 0).count, SKN_REPS_LEAST);
    assert_int_equal(skn_pairs_run(&ours, NULL, 1, 0).count, 1);
    assert_int_equal(skn_pairs_run(&ours, NULL, 9, 60).count, 9);
    assert_int_equal(a.laps, 3 + 1 + 9 + 3); /* and one before each that is thrown away */
}

static void *sync_twice(void *arg)
{
    int fd = *(int *)arg;
    skn_sync_mark();
    assert_int_equal(fdatasync(fd), 0);
    assert_int_equal(fsync(fd), 0);
    return NULL;
}

static void syncs_are_counted_by_thread_and_delayed(void **state)
{
    (void)state;
    char path[] = "/var/tmp/skein-test-sync-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    uint64_t all = skn_sync_count(), marked = skn_sync_count_marked();
    assert_int_equal(fdatasync(fd), 0);
    assert_int_equal(skn_sync_count() - all, 1);
    assert_int_equal(skn_sync_count_marked() - marked, 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, sync_twice, &fd), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(skn_sync_count() - all, 3);
    assert_int_equal(skn_sync_count_marked() - marked, 2);
    skn_sync_delay(5000000);
    uint64_t began = skn_bench_now_ns();
    assert_int_equal(fdatasync(fd), 0);
    assert_true(skn_bench_now_ns() - began >= 5000000);
    skn_sync_delay(0);
    assert_int_equal(fdatasync(-1), -1); /* a failure is passed on */
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
}

#ifdef HAVE_ROCKSDB
static void rocks_address(void *ctx, uint64_t i, char *out)
{
    (void)ctx;
    (void)snprintf(out, 64, "bench:Account/%lu", (unsigned long)(i % 8));
}

/* What we count in the writers' threads is what RocksDB says of its log. (Beside that they sync its
 * folder once for each log file, here in the first lap.) */
static void syncs_of_rocksdb_are_those_it_counts_itself(void **state)
{
    (void)state;
    char dir[] = "/var/tmp/skein-test-rocks-XXXXXX";
    assert_non_null(mkdtemp(dir));
    const struct skn_peer_options options = {
        .writers = 4, .per_write = 8, .recycled = true, .memtable_mb = 16, .statistics = true};
    struct skn_peer *rocks = skn_peer_open(dir, &options);
    skn_peer_fill(rocks, 8);
    struct skn_lap lap = {0};
    skn_peer_write(rocks, 0, 100, rocks_address, NULL, &lap);
    uint64_t before = skn_peer_wal_synced(rocks);
    skn_peer_write(rocks, 0, 4000, rocks_address, NULL, &lap);
    assert_int_equal(lap.n, 4000);
    assert_in_range(lap.syncs, 4000 / (4 * 8), 4000 / 8);
    assert_int_equal(skn_peer_wal_synced(rocks) - before, lap.syncs);
    skn_peer_close(rocks);
    skn_drive_remove(dir);
}
#endif

/* --- the whole program ------------------------------------------------------------------------------ */

static int run(char *const argv[], char *out, size_t size)
{
    int ends[2];
    pid_t pid = 0;
    posix_spawn_file_actions_t actions;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, ends[1], 1), 0);
    assert_int_equal(posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ), 0);
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

static void every_figure_has_a_value_or_a_reason(void **state)
{
    (void)state;
    static char out[1 << 16];
    char args[][8] = {"--json", "--scale", "0.0005", "--reps", "1"};
    char *argv[] = {program, args[0], args[1], args[2], args[3], args[4], NULL}, *rest = NULL;
    assert_int_equal(run(argv, out, sizeof out), 0);
    unsigned figures = 0, skipped = 0, goals = 0;
    for (char *line = strtok_r(out, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        assert_memory_equal(line, "{\"bench\":\"reach\",\"", 18);
        assert_int_equal(line[strlen(line) - 1], '}');
        const char *value = strstr(line, "\"value\":");
        if (strstr(line, "\"skipped\":\"")) {
            skipped++;
        } else if (strstr(line, "\"figure\":\"")) {
            figures++;
            assert_non_null(value);
            assert_true(strtod(value + 8, NULL) >= 0);
            assert_non_null(strstr(line, "\"others_cpu\":"));
        }
        if (strstr(line, "goal\":")) goals++;
    }
    assert_in_range(figures, 19, 40);
    assert_in_range(skipped, 0, 3);
    assert_in_range(goals, 17, 40);
}

/* A sync there costs nothing, so a figure of durability made there would be a lie. */
static void a_file_system_in_memory_is_refused(void **state)
{
    (void)state;
    char name[] = "cp", copy[] = "/dev/shm/skein-test-reach", out[4096];
    char only[] = "--only", none[] = "none";
    char *copying[] = {name, program, copy, NULL}, *running[] = {copy, only, none, NULL};
    if (access("/dev/shm", W_OK) != 0) skip();
    assert_int_equal(run(copying, out, sizeof out), 0);
    assert_int_equal(run(running, out, sizeof out), 1);
    assert_string_equal(out, "");
    assert_int_equal(unlink(copy), 0);
    running[0] = program;
    assert_int_equal(run(running, out, sizeof out), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stat_is_the_median_and_half_the_distance_of_the_quartiles),
        cmocka_unit_test(a_goal_is_missed_by_a_part_of_it),
        cmocka_unit_test(pairs_alternate_and_the_ratio_is_of_pairs),
        cmocka_unit_test(a_budget_ends_the_repetitions_but_not_the_first_three),
        cmocka_unit_test(syncs_are_counted_by_thread_and_delayed),
#ifdef HAVE_ROCKSDB
        cmocka_unit_test(syncs_of_rocksdb_are_those_it_counts_itself),
#endif
        cmocka_unit_test(every_figure_has_a_value_or_a_reason),
        cmocka_unit_test(a_file_system_in_memory_is_refused),
    };
    if (argc < 2) return 2;
    program = argv[1];
    return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}
