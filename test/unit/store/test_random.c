/* test_random.c - random programs over a store and its backend; and that planted bugs are found. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/test.h"
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef SKN_DEBUG
enum { PROGRAMS = 30000, PROGRAMS_PER_BUG = 20000 };
#else
enum { PROGRAMS = 100000 };
#endif

/* SKN_SOAK=10 runs ten times as many; SKN_SEED=17 that one alone. */
static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void programs_agree_with_an_array(void **state) /* [E10] [E11] [E13] [E44] */
{
    (void)state;
    struct world_counts counts = {0};
    char why[200];
    uint64_t only = number_of("SKN_SEED", 0);
    uint64_t last = only ? only : PROGRAMS * number_of("SKN_SOAK", 1);
    for (uint64_t seed = only ? only : 1; seed <= last; seed++) {
        if (!world_run(seed, &counts, why)) fail_msg("SKN_SEED=%" PRIu64 ": %s", seed, why);
    }
    print_message("%" PRIu64 " programs, %" PRIu64 " steps, %" PRIu64 " batches, %" PRIu64
                  " later, %" PRIu64 " late answers, %" PRIu64 " evictions, %" PRIu64
                  " commits, %" PRIu64 " crashes, %" PRIu64
                  " in the middle of a checkpoint; %" PRIu64 " tables packed, %" PRIu64
                  " grew out of it, %" PRIu64 " came back\n",
                  counts.programs,
                  counts.steps,
                  counts.batches,
                  counts.later,
                  counts.stale,
                  counts.evictions,
                  counts.commits,
                  counts.crashes,
                  counts.torn,
                  counts.packed,
                  counts.grown,
                  counts.shrunk);
    if (only) return;
    assert_true(counts.batches > PROGRAMS);
    assert_true(counts.later > PROGRAMS / 4);
    assert_true(counts.stale > PROGRAMS / 4);
    assert_true(counts.evictions > PROGRAMS / 4);
    assert_true(counts.commits > PROGRAMS / 10);
    assert_true(counts.crashes > PROGRAMS / 10);
    assert_true(counts.torn > PROGRAMS / 100);
    assert_true(counts.packed > PROGRAMS / 10);
    assert_true(counts.grown > PROGRAMS / 100);
    assert_true(counts.shrunk > PROGRAMS / 100);
}

#ifdef SKN_DEBUG
/* In a process of its own: many bugs end in an assertion. */
static bool is_found(enum skn_bug bug)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct world_counts counts = {0};
        char why[200];
        (void)freopen("/dev/null", "w", stderr);
        (void)skn_bug_plant(bug);
        for (uint64_t seed = 1; seed <= PROGRAMS_PER_BUG; seed++)
            if (!world_run(seed, &counts, why)) _exit(1);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status != 0;
}

static void every_planted_bug_is_found(void **state)
{
    (void)state;
    static const enum skn_bug bugs[] = {SKN_BUG_HASH_NOT_TAKEN_OFF,
                                        SKN_BUG_REDO_NO_DELETE,
                                        SKN_BUG_CHECKPOINT_LATER,
                                        SKN_BUG_FETCH_REPLACES,
                                        SKN_BUG_EVICT_DIRTY,
                                        SKN_BUG_CONT_KEPT,
                                        SKN_BUG_STORED_VANISHES,
                                        SKN_BUG_MADE_IN_REDO,
                                        SKN_BUG_PLACE_STALE,
                                        SKN_BUG_PACKED_LATER,
                                        SKN_BUG_PACKED_LEFT,
                                        SKN_BUG_SPREAD_LEFT,
                                        SKN_BUG_TABLE_TORN};
    for (size_t i = 0; i < SKN_ARRAY_LEN(bugs); i++)
        if (!is_found(bugs[i])) fail_msg("bug %d is not found", bugs[i]);
}
#endif

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_agree_with_an_array),
#ifdef SKN_DEBUG
        cmocka_unit_test(every_planted_bug_is_found),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
