/* test_sim.c - seeds, the same seed twice, planted bugs that must be found. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/bug.h"
#include "lib/test.h"
#include "sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SEEDS_MIN = 30, STEPS = 2500 }; /* what the coverage needs, however slow the machine */

/* SKN_SEED=17 shows what happens under seed 17; SKN_SOAK=10 takes ten times as long. */
static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_event(void *ctx, const struct skn_history_event *event)
{
    struct skn_buf line;
    (void)ctx;
    skn_buf_init(&line, 4096);
    skn_history_print(event, &line);
    print_message("%s\n", skn_buf_str(&line));
    skn_buf_fini(&line);
}

static void print_report(const struct skn_sim_report *report)
{
    struct skn_buf line;
    skn_buf_init(&line, 4096);
    skn_sim_report_print(report, &line);
    print_message("%s\n", skn_buf_str(&line));
    skn_buf_fini(&line);
}

/* Everything of cover_map.h, as often as so many seeds have to meet it. */
static void check_coverage(const struct skn_sim_report *sum)
{
    for (size_t i = 0; i < SKN_COVER_COUNT; i++) {
        const struct skn_cover_info *info = skn_sim_cover_info((enum skn_cover)i);
        uint64_t least = skn_sim_cover_least((enum skn_cover)i, sum->steps);
        if (sum->cover[i] < least)
            fail_msg("%s: %" PRIu64 " of at least %" PRIu64, info->text, sum->cover[i], least);
    }
    for (size_t i = 0; i < SKN_HISTORY_KINDS; i++)
        if (i != SKN_HISTORY_MAIL) assert_true(sum->events[i] > 0); /* mail is rarely left */
    /* At least a quarter of the simulated steps are slices. */
    assert_true(4 * sum->cover[SKN_COVER_SLICE] >= sum->steps);
}

static void every_promise_is_kept_under_every_seed(void **state)
{
    (void)state;
    struct skn_sim_report sum = {0}, report;
    uint64_t seed = setting("SKN_SEED", 0), seeds = 0;
    double end_s = now_s() + 15.0 * (double)setting("SKN_SOAK", 1);
    bool is_one = seed != 0;
    for (seed = is_one ? seed : 1;
         seeds == 0 || (!is_one && (seeds < SEEDS_MIN || now_s() < end_s));
         seed++, seeds++) {
        struct skn_diag diag = {0};
        struct skn_sim_options options = {.seed = seed, .steps = STEPS};
        if (is_one) options.trace = print_event;
        if (skn_sim_run(&options, &report, NULL, &diag) != SKN_OK) {
            print_report(&report);
            fail_msg("%s (run with SKN_SEED=%" PRIu64 ")", diag.text, seed);
        }
        skn_sim_report_add(&sum, &report);
    }
    print_message("covered: ");
    print_report(&sum);
    if (!is_one) check_coverage(&sum);
}

static void the_same_seed_gives_the_same_history_and_state(void **state)
{
    (void)state;
    for (uint64_t seed = 1000; seed < 1010; seed++) {
        struct skn_sim_report report;
        struct skn_diag diag = {0};
        struct skn_sim_options options = {.seed = seed};
        if (skn_sim_run_twice(&options, &report, NULL, &diag) != SKN_OK) fail_msg("%s", diag.text);
    }
}

/* [sim 4] A fault that is left out moves none of the others: without any the seed is calm, and with
 * the rounds that had faults it is what it was. */
static void the_faults_of_a_seed_can_be_chosen(void **state)
{
    (void)state;
    struct skn_sim_report all, none, same;
    static struct skn_sim_faults faults, others;
    struct skn_diag diag = {0};
    struct skn_sim_options options = {.seed = 2, .steps = 3000};
    assert_int_equal(skn_sim_run(&options, &all, &faults, &diag), SKN_OK);
    assert_true(faults.count > 3 && !faults.is_cut);
    options.fault_rounds = faults.rounds;
    options.fault_round_count = faults.count;
    assert_int_equal(skn_sim_run(&options, &same, &others, &diag), SKN_OK);
    assert_memory_equal(&all, &same, sizeof all);
    assert_memory_equal(&faults, &others, sizeof faults);
    options.fault_round_count = 0;
    assert_int_equal(skn_sim_run(&options, &none, &others, &diag), SKN_OK);
    assert_int_equal(others.count, 0);
    assert_int_equal(none.cover[SKN_COVER_OPENING], 1);
}

#ifdef SKN_DEBUG
/* A bug that needs one crash is shown with one crash, or hardly more. */
static void a_failure_is_shrunk(void **state)
{
    (void)state;
    static struct skn_sim_faults before, after;
    struct skn_sim_report report;
    struct skn_diag diag = {0}, why = {0};
    struct skn_sim_options options = {.bug = SKN_BUG_INTERRUPTED_LOST, .steps = 2000}, smaller;
    do
        options.seed++;
    while (skn_sim_run(&options, &report, &before, &diag) == SKN_OK || before.count < 8);
    skn_sim_shrink(&options, 100, &smaller, &after, &why);
    print_message("%zu faults, then %zu: %s\n", before.count, after.count, why.text);
    assert_true(after.count <= 2);
    assert_true(smaller.steps <= options.steps);
    assert_int_equal(skn_sim_run(&smaller, &report, NULL, &diag), SKN_EFAULT);
    assert_string_equal(diag.text, why.text);
}
#endif

/* How the node ends at one change: each kind of crash, and a kill with a power cut after the next
 * opening has released something. */
enum { ENDINGS = SKN_SIM_CUT + 6 + 1, WORKLOADS = 24, WORKLOAD_STEPS = 60 };

/* False: the workload was over before. */
static bool is_stopped_at(uint64_t workload, uint64_t change, uint64_t ending)
{
    struct skn_diag diag = {0};
    struct skn_sim_report report;
    struct skn_sim_options options = {.seed = workload, .steps = WORKLOAD_STEPS, .stop_at = change};
    options.cut_after = ending == ENDINGS - 1;
    options.stop_how = options.cut_after ? SKN_SIM_KILL : (enum skn_sim_crash)ending;
    if (skn_sim_run(&options, &report, NULL, &diag) != SKN_OK)
        fail_msg("workload %" PRIu64 ", change %" PRIu64 ", ending %" PRIu64 ": %s",
                 workload,
                 change,
                 ending,
                 diag.text);
    return report.stopped_at > 0;
}

static void every_change_of_the_disk_may_be_the_last(void **state)
{
    (void)state;
    uint64_t points = 0, changes = 0, endings = setting("SKN_SOAK", 1);
    if (endings > ENDINGS) endings = ENDINGS;
    for (uint64_t workload = 1; workload <= WORKLOADS; workload++) {
        bool is_over = false;
        for (uint64_t change = 1; !is_over; change++, changes++) {
            for (uint64_t i = 0; i < endings && !is_over; i++, points++)
                is_over = !is_stopped_at(workload, change, (workload + change + i) % ENDINGS);
        }
    }
    print_message("covered: %" PRIu64 " changes of %d workloads, %" PRIu64 " crashes\n",
                  changes - WORKLOADS,
                  WORKLOADS,
                  points - WORKLOADS);
    assert_true(changes >= 20 * WORKLOADS);
}

#ifdef SKN_DEBUG
/* Of the bugs that the simulator finds, those of the first days; tools/bugs runs all of them. */
static void a_planted_bug_is_found(void **state)
{
    (void)state;
    static const enum skn_bug bugs[] = {SKN_BUG_ACK_BEFORE_SYNC,
                                        SKN_BUG_TAIL_NOT_SYNCED,
                                        SKN_BUG_TAIL_NOT_COPIED,
                                        SKN_BUG_EARLY_RELEASE,
                                        SKN_BUG_LOST_DEDUPE,
                                        SKN_BUG_OLD_EPOCH};
    for (size_t i = 0; i < SKN_ARRAY_LEN(bugs); i++) {
        const struct skn_bug_info *info = skn_bug_info(bugs[i]);
        double begin_s = now_s();
        bool is_found = false;
        for (uint64_t seed = 1; !is_found && now_s() - begin_s < 10.0; seed++) {
            struct skn_diag diag = {0};
            struct skn_sim_report report;
            struct skn_sim_options options = {.seed = seed, .bug = bugs[i]};
            is_found = skn_sim_run(&options, &report, NULL, &diag) != SKN_OK;
            if (!is_found) continue;
            assert_non_null(strstr(diag.text, ": P")); /* a promise, not the simulator */
            print_message("%s: found after %.2f s: %s\n", info->name, now_s() - begin_s, diag.text);
        }
        if (!is_found) fail_msg("%s is not found within 10 s", info->name);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_promise_is_kept_under_every_seed),
        cmocka_unit_test(every_change_of_the_disk_may_be_the_last),
        cmocka_unit_test(the_same_seed_gives_the_same_history_and_state),
        cmocka_unit_test(the_faults_of_a_seed_can_be_chosen),
#ifdef SKN_DEBUG
        cmocka_unit_test(a_failure_is_shrunk),
        cmocka_unit_test(a_planted_bug_is_found),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
