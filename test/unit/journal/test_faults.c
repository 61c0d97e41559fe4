/* test_faults.c - I/O errors, full disks and short writes at every call: reported, never retried. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/test.h"
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WORKLOADS = 20, STEPS = 14 };

struct tally {
    uint64_t faults;
    uint64_t reported;  /* the call that met it said so */
    uint64_t tolerated; /* it touched nothing that was promised */
    uint64_t refused;   /* journals that stayed closed after a failed write */
};

static bool is_io_code(enum skn_rc rc)
{
    return rc == SKN_EIO || rc == SKN_ESYNC || rc == SKN_EDISKFULL;
}

/* After a failed write or sync nothing may be acknowledged, though the disk is well again [E7]. */
static void check_refusal(struct world *w, const char *where, struct tally *tally)
{
    struct skn_diag diag = {0};
    size_t acked = w->acked;
    if (!w->journal || w->rc != SKN_ESYNC) return;
    if (world_append_some(w)) fail_msg("%s: a broken journal goes on", where);
    assert_int_equal(w->rc, SKN_ESYNC);
    assert_int_equal(w->acked, acked);
    assert_int_equal(skn_journal_flush(w->journal, &diag), SKN_ESYNC);
    enum skn_rc rc = skn_journal_close(w->journal, &diag);
    w->journal = NULL;
    assert_int_equal(rc, SKN_ESYNC); /* and no seal */
    tally->refused++;
}

/* One fault of one kind at call `nth` (and all later ones when `lasts`). False: the workload has
 * fewer calls. */
static bool
fault_at(uint64_t seed, enum skn_fault fault, uint64_t nth, bool lasts, struct tally *tally)
{
    struct world w;
    char where[120];
    (void)snprintf(where,
                   sizeof where,
                   "workload %" PRIu64 ", fault %d at call %" PRIu64 "%s",
                   seed,
                   (int)fault,
                   nth,
                   lasts ? " and after" : "");
    world_init(&w, seed);
    skn_env_sim_fault(w.sim, fault, false, nth, lasts ? UINT64_MAX : 1);
    bool ok = world_run(&w, STEPS);
    bool came = skn_env_sim_has_faulted(w.sim);
    bool reached = skn_env_sim_calls(w.sim) >= nth;
    if (w.why[0] != '\0') fail_msg("%s: %s", where, w.why);
    if (!ok && !came) fail_msg("%s: failed with %d without a fault", where, (int)w.rc);
    if (!ok && !is_io_code(w.rc)) fail_msg("%s: reported as %d", where, (int)w.rc);
    tally->faults += came;
    tally->reported += came && !ok;
    tally->tolerated += came && ok;

    skn_env_sim_fault(w.sim, SKN_FAULT_NONE, false, 1, 1);
    if (!ok) check_refusal(&w, where, tally);
    bool killed = nth % 3 == 0;
    world_kill(&w);
    if (killed && !world_open(&w)) fail_msg("%s: after a kill: %s", where, w.why);
    world_power_cut(&w, (enum skn_cut)(nth % SKN_CUT_COUNT));
    if (!world_open(&w) || !world_append_some(&w)) fail_msg("%s: after a cut: %s", where, w.why);
    world_fini(&w);
    return reached;
}

static void every_call_may_fail_and_nothing_promised_is_lost(void **state)
{
    (void)state;
    struct tally t = {0};
    const enum skn_fault faults[] = {SKN_FAULT_EIO, SKN_FAULT_FULL, SKN_FAULT_SHORT};
    uint64_t soak = world_soak(), workloads = soak == 0 ? WORKLOADS / 5 : WORKLOADS * soak;
    for (uint64_t seed = 1; seed <= workloads; seed++)
        for (size_t i = 0; i < SKN_ARRAY_LEN(faults); i++)
            for (uint64_t nth = 1; fault_at(seed, faults[i], nth, nth % 4 == 0, &t);)
                nth++;
    print_message("covered: %" PRIu64 " faults: %" PRIu64 " reported, %" PRIu64
                  " tolerated, %" PRIu64 " broken journals stayed closed\n",
                  t.faults,
                  t.reported,
                  t.tolerated,
                  t.refused);
    assert_true(t.reported > t.faults / 2);
    assert_true(t.refused > 100);
}

/* [E4] A read that fails is never a torn tail. */
static void an_error_while_reading_is_never_called_damage(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 3);
    if (!world_run(&w, STEPS)) fail_msg("%s", w.why);
    world_kill(&w);
    uint64_t failed = 0;
    for (uint64_t nth = 1;; nth++) {
        struct world copy;
        world_copy(&copy, &w, nth);
        skn_env_sim_fault(copy.sim, SKN_FAULT_EIO, false, nth, 1);
        bool opened = world_open(&copy);
        bool came = skn_env_sim_has_faulted(copy.sim);
        if (!opened) {
            assert_true(copy.rc == SKN_EIO || copy.rc == SKN_ESYNC);
            failed++;
        }
        world_fini(&copy);
        if (!came) break;
    }
    assert_true(failed > 10);
    world_fini(&w);
}

/* [E8] Acknowledges until the disk is full, then opens it as it is, then with room again. */
static void a_disk_that_fills_up_loses_nothing_and_opens_while_full(void **state)
{
    (void)state;
    struct skn_diag diag = {0};
    enum skn_journal_disk disk = SKN_JOURNAL_DISK_OK;
    bool seen[3] = {false, false, false};
    struct world w;
    world_init(&w, 77);
    skn_env_sim_set_disk(w.sim, 4 << 20);
    if (!world_open(&w)) fail_msg("%s", w.why);
    bool goes_on = true;
    for (int i = 0; goes_on && i < 5000; i++) {
        assert_int_equal(skn_journal_disk_state(w.journal, &disk, &diag), SKN_OK);
        seen[disk] = true;
        goes_on = world_append_some(&w);
    }
    if (w.why[0] != '\0') fail_msg("%s", w.why);
    assert_false(goes_on);
    assert_int_equal(w.rc, SKN_EDISKFULL);
    assert_true(seen[SKN_JOURNAL_DISK_OK] && seen[SKN_JOURNAL_DISK_LOW]);
    assert_int_equal(skn_journal_disk_state(w.journal, &disk, &diag), SKN_OK);
    assert_int_equal(disk, SKN_JOURNAL_DISK_STOP);
    assert_true(w.acked > 100);
    world_kill(&w);
    size_t acked = w.acked;
    bool opened = world_open(&w);
    if (!opened) assert_int_equal(w.rc, SKN_EDISKFULL);
    world_power_cut(&w, SKN_CUT_DROP);
    skn_env_sim_set_disk(w.sim, 8 << 20);
    w.why[0] = '\0'; /* a full disk at opening is not damage; it was looked at above */
    if (!world_open(&w) || !world_append_some(&w)) fail_msg("%s", w.why);
    assert_true(w.made.len > acked);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_may_fail_and_nothing_promised_is_lost),
        cmocka_unit_test(an_error_while_reading_is_never_called_damage),
        cmocka_unit_test(a_disk_that_fills_up_loses_nothing_and_opens_while_full),
    };
    return cmocka_run_group_tests_name("journal_faults", tests, NULL, NULL);
}
