/* test_crash.c - kills and power cuts at every change of the disk, in every mode, and again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "lib/test.h"
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WORKLOADS = 24, STEPS = 16 };

struct tally {
    uint64_t points;  /* places where a life ended */
    uint64_t endings; /* what was done to the machine then */
    uint64_t openings;
    uint64_t records; /* replayed and compared */
    uint64_t torn;    /* openings that cut a group which was never acknowledged */
    uint64_t lost;    /* endings after which records were gone that nobody was promised */
    uint64_t retired; /* points behind a trim that kept a file to write over */
    uint64_t reused;  /* points behind its second use */
};

/* The end of a life at change `point` of workload `seed`; `ending` says what follows. */
struct crash {
    uint64_t seed;
    uint64_t point;
    bool in_write;
    uint64_t ending;
};

static bool open_and_write(struct world *w)
{
    return world_open(w) && world_append_some(w);
}

/* An opening that is itself cut off at one of its changes, whatever it had done by then. */
static bool open_cut_off(struct world *w, uint64_t at, enum skn_cut cut)
{
    skn_env_sim_fault(w->sim, SKN_FAULT_STOP, true, at, 1);
    bool opened = world_open(w);
    bool stopped = skn_env_sim_is_stopped(w->sim);
    skn_env_sim_fault(w->sim, SKN_FAULT_NONE, true, 1, 1);
    if (!opened && !stopped) return false;
    if (w->why[0] != '\0') return false;
    world_power_cut(w, cut);
    return true;
}

/* The endings: one power cut of each mode; a kill, a reopening that hands everything out, and then
 * the cut [E6]; a cut in the middle of the opening after a kill or a cut; then life goes on. */
enum { ENDINGS = 4 * SKN_CUT_COUNT };

static bool end_it(struct world *w, uint64_t ending)
{
    enum skn_cut cut = (enum skn_cut)(ending % SKN_CUT_COUNT);
    enum skn_cut other = (enum skn_cut)skn_rng_below(&w->rng, SKN_CUT_COUNT);
    switch (ending / SKN_CUT_COUNT) {
    case 0: world_power_cut(w, cut); break;
    case 1:
        world_kill(w);
        if (!world_open(w)) return false;
        world_power_cut(w, cut);
        break;
    case 2:
        world_kill(w);
        if (!open_cut_off(w, skn_rng_range(&w->rng, 1, 12), cut)) return false;
        break;
    default:
        world_power_cut(w, other);
        if (!open_cut_off(w, skn_rng_range(&w->rng, 1, 12), cut)) return false;
        break;
    }
    if (!world_read(w) || !open_and_write(w)) return false;
    world_power_cut(w, other);
    return world_open(w);
}

/* Lives workload `seed` up to change `point`; false: it ended before. */
static bool live_until(struct world *w, const struct crash *c)
{
    world_init(w, c->seed);
    skn_env_sim_fault(
        w->sim, c->in_write ? SKN_FAULT_STOP_SHORT : SKN_FAULT_STOP, true, c->point, 1);
    (void)world_run(w, STEPS);
    return skn_env_sim_is_stopped(w->sim);
}

static bool try_ending(const struct world *stopped,
                       const struct crash *c,
                       struct tally *tally,
                       char why[WORLD_WHY])
{
    struct world w;
    world_copy(&w, stopped, c->seed * 1000003 + c->point * 101 + c->ending);
    w.openings = w.records_back = w.torn = 0;
    size_t made = w.made.len;
    bool ok = end_it(&w, c->ending) && w.why[0] == '\0';
    tally->endings++;
    tally->openings += w.openings;
    tally->records += w.records_back;
    tally->torn += w.torn;
    tally->lost += w.made.len < made;
    if (!ok)
        (void)snprintf(why,
                       WORLD_WHY,
                       "workload %" PRIu64 ", change %" PRIu64 "%s, ending %" PRIu64
                       ": %.300s (%d)",
                       c->seed,
                       c->point,
                       c->in_write ? " (in the write)" : "",
                       c->ending,
                       w.why,
                       (int)w.rc);
    world_fini(&w);
    return ok;
}

/* Which endings a point gets. Plain: every cut and every cut after a kill and a reopening, and one
 * each of those that cut an opening off. */
enum depth { FEW, PLAIN, ALL };

static bool is_wanted(uint64_t ending, uint64_t turn, enum depth depth)
{
    if (depth == ALL || (ending + turn) % SKN_CUT_COUNT == 0) return true;
    return depth == PLAIN && ending < (uint64_t)2 * SKN_CUT_COUNT;
}

/* All of one workload: each change, before it and within it. */
static bool torment(uint64_t seed, enum depth depth, struct tally *tally, char why[WORLD_WHY])
{
    struct crash c = {.seed = seed, .point = 1};
    uint64_t turn = seed;
    for (;; c.point += c.in_write, c.in_write = !c.in_write) {
        struct world w;
        bool stopped = live_until(&w, &c);
        bool ok = w.why[0] == '\0';
        if (!ok) memcpy(why, w.why, WORLD_WHY);
        tally->points += stopped;
        tally->retired += stopped && w.retired > 0;
        tally->reused += stopped && w.reused > 0;
        turn++;
        for (c.ending = 0; ok && stopped && c.ending < ENDINGS; c.ending++)
            if (is_wanted(c.ending, turn, depth)) ok = try_ending(&w, &c, tally, why);
        world_fini(&w);
        if (!ok || !stopped) return ok;
    }
}

static void nothing_promised_is_ever_lost(void **state)
{
    (void)state;
    struct tally t = {0};
    char why[WORLD_WHY] = "";
    uint64_t soak = world_soak();
    enum depth depth = soak == 0 ? FEW : soak == 1 ? PLAIN : ALL;
    uint64_t workloads = soak == 0 ? WORKLOADS / 2 : WORKLOADS * soak;
    for (uint64_t seed = 1; seed <= workloads; seed++)
        if (!torment(seed, depth, &t, why)) fail_msg("%s", why);
    print_message("covered: %" PRIu64 " points, %" PRIu64 " endings, %" PRIu64 " openings, %" PRIu64
                  " records compared, %" PRIu64 " torn groups cut, %" PRIu64
                  " times something unpromised was gone, %" PRIu64 " points after a trim, %" PRIu64
                  " after a file was used again: 0 violations\n",
                  t.points,
                  t.endings,
                  t.openings,
                  t.records,
                  t.torn,
                  t.lost,
                  t.retired,
                  t.reused);
    /* The test must have met what it is about. */
    assert_true(t.points > 20 * workloads);
    assert_true(t.torn > 50);
    assert_true(t.lost > 50);
    assert_true(t.retired > 100);
    assert_true(t.reused > 50);
}

#ifdef SKN_DEBUG
static void each_planted_bug_is_found(void **state)
{
    (void)state;
    static const enum skn_bug bugs[] = {
        SKN_BUG_ACK_BEFORE_SYNC,
        SKN_BUG_TAIL_NOT_SYNCED,
        SKN_BUG_TAIL_NOT_COPIED,
        SKN_BUG_NO_DIR_SYNC,
        SKN_BUG_TORN_GROUP,
        SKN_BUG_NO_GENERATION,
        SKN_BUG_SEAL_NOT_CLEARED,
        SKN_BUG_NOT_NAMED,
        SKN_BUG_TRIM_PAST_FLUSH,
        SKN_BUG_TRIM_BEFORE_SUPER,
        SKN_BUG_OLD_NOT_ZEROED,
        SKN_BUG_READY_NOT_SYNCED,
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(bugs); i++) {
        struct tally t = {0};
        char why[WORLD_WHY] = "";
        bool found = false;
        enum skn_bug before = skn_bug_plant(bugs[i]);
        bool trims = bugs[i] >= SKN_BUG_TRIM_PAST_FLUSH; /* even seeds do it */
        for (enum depth depth = FEW; depth <= PLAIN && !found; depth++)
            for (uint64_t seed = 1 + trims; seed <= WORKLOADS && !found; seed += 1 + trims)
                found = !torment(seed, depth, &t, why);
        (void)skn_bug_plant(before);
        if (!found) fail_msg("nobody noticed: %s", skn_bug_info(bugs[i])->text);
        print_message(
            "%s: after %" PRIu64 " endings: %.120s\n", skn_bug_info(bugs[i])->name, t.endings, why);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_promised_is_ever_lost),
#ifdef SKN_DEBUG
        cmocka_unit_test(each_planted_bug_is_found),
#endif
    };
    if (world_soak() > 0) return cmocka_run_group_tests_name("journal_crash", tests, NULL, NULL);
    const struct CMUnitTest few[] = {cmocka_unit_test(nothing_promised_is_ever_lost)};
    return cmocka_run_group_tests_name("journal_crash", few, NULL, NULL);
}
