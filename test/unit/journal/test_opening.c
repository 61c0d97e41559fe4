/* test_opening.c - a creation that is cut off anywhere, and which code a failed write has. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include "env/env_sim.h"

enum { SEGMENT_BYTES = 64 << 10 };

static struct skn_journal_options options_of(struct skn_env_sim *sim)
{
    return (struct skn_journal_options){.env = skn_env_sim_env(sim),
                                        .dir = "/j",
                                        .segment_bytes_min = SEGMENT_BYTES,
                                        .segment_bytes_max = SEGMENT_BYTES,
                                        .no_reserve = true,
                                        .shards = KIT_SHARDS};
}

static enum skn_rc
open_from_one(struct skn_env_sim *sim, struct skn_journal **out, struct kit_seen *out_seen)
{
    struct skn_journal_options options = options_of(sim);
    *out_seen = (struct kit_seen){.next = 1};
    *out = NULL;
    return skn_journal_open(&options, kit_replay, out_seen, out, NULL, NULL);
}

/* Stops the creation at change `at`, and goes on in another process: what that one was told is
 * durable is there after a power cut. False: a creation has fewer changes. */
static bool creation_cut_off_at(uint64_t at, enum skn_cut cut)
{
    struct skn_env_sim *sim = skn_env_sim_create(at, 0);
    struct skn_journal *journal = NULL;
    struct kit_seen seen;
    skn_env_sim_fault(sim, SKN_FAULT_STOP, true, at, 1);
    enum skn_rc rc = open_from_one(sim, &journal, &seen);
    bool stopped = skn_env_sim_is_stopped(sim);
    assert_true(stopped || rc == SKN_OK);
    skn_env_sim_fault(sim, SKN_FAULT_NONE, true, 1, 1);
    skn_env_sim_kill(sim);
    skn_journal_abandon(journal);

    assert_int_equal(open_from_one(sim, &journal, &seen), SKN_OK);
    kit_fill(journal, 1, 2);
    skn_env_sim_power_cut(sim, cut);
    skn_journal_abandon(journal);
    assert_int_equal(open_from_one(sim, &journal, &seen), SKN_OK);
    if (seen.next != 3)
        fail_msg("stopped at change %llu, cut %d: %llu of 2 records are back",
                 (unsigned long long)at,
                 (int)cut,
                 (unsigned long long)seen.next - 1);
    skn_journal_abandon(journal);
    skn_env_sim_destroy(sim);
    return stopped;
}

static void a_creation_cut_off_anywhere_is_begun_again_or_taken_over(void **state)
{
    (void)state;
    uint64_t changes = 0;
    for (int cut = 0; cut < SKN_CUT_COUNT; cut++)
        for (uint64_t at = 1; creation_cut_off_at(at, (enum skn_cut)cut); at++)
            changes++;
    assert_true(changes > (uint64_t)10 * SKN_CUT_COUNT);
}

/* Exit codes hang on this: a failed write is exit 70, a full disk 75 [E7, E8]. */
static void a_failed_write_counts_as_a_failed_sync(void **state)
{
    (void)state;
    for (uint64_t nth = 1; nth <= 2; nth++) { /* the write, then the sync */
        struct skn_env_sim *sim = skn_env_sim_create(1, 0);
        struct skn_journal *journal = NULL;
        struct kit_seen seen;
        bool is_ready = false;
        assert_int_equal(open_from_one(sim, &journal, &seen), SKN_OK);
        assert_int_equal(kit_append(journal, 1), SKN_OK);
        skn_env_sim_fault(sim, SKN_FAULT_EIO, true, nth, 1);
        assert_int_equal(skn_journal_flush(journal, NULL), SKN_ESYNC);
        assert_int_equal(kit_append(journal, 2), SKN_ESYNC);
        assert_false(skn_journal_begin(journal));
        assert_int_equal(skn_journal_flush(journal, NULL), SKN_ESYNC);
        assert_int_equal(skn_journal_prepare(journal, &is_ready, NULL), SKN_ESYNC);
        assert_int_equal(skn_journal_idle(journal, NULL), SKN_ESYNC);
        assert_int_equal(skn_journal_trim(journal, NULL, 0, NULL), SKN_ESYNC);
        assert_int_equal(skn_journal_close(journal, NULL), SKN_ESYNC);
        skn_env_sim_destroy(sim);
    }
}

static void a_full_disk_stops_with_its_own_code(void **state)
{
    (void)state;
    struct skn_env_sim *sim = skn_env_sim_create(1, 0);
    struct skn_journal *journal = NULL;
    struct kit_seen seen;
    enum skn_rc rc = SKN_OK;
    uint64_t n = 0;
    assert_int_equal(open_from_one(sim, &journal, &seen), SKN_OK);
    skn_env_sim_set_disk(sim, SEGMENT_BYTES + (32 << 10)); /* no room for a second segment */
    while (rc == SKN_OK) {
        assert_int_equal(kit_append(journal, n + 1), SKN_OK);
        rc = skn_journal_flush(journal, NULL);
        if (rc == SKN_OK) n++;
    }
    assert_int_equal(rc, SKN_EDISKFULL);
    assert_int_equal(skn_journal_close(journal, NULL), SKN_EDISKFULL);
    skn_env_sim_set_disk(sim, 1 << 20);
    assert_int_equal(open_from_one(sim, &journal, &seen), SKN_OK);
    assert_int_equal(seen.next, n + 1);
    skn_journal_abandon(journal);
    skn_env_sim_destroy(sim);
}

/* [E5] An opening after a clean stop that writes nothing needs no sync; one with three groups and a
 * clean stop needs five: the seal is cleared, three groups, the seal is set. */
static void a_clean_opening_needs_no_sync_and_three_groups_need_five(void **state)
{
    (void)state;
    struct skn_env_sim *sim = skn_env_sim_create(1, 0);
    struct skn_journal *journal = NULL;
    struct kit_seen seen;
    bool is_ready = false;
    assert_int_equal(open_from_one(sim, &journal, &seen), SKN_OK);
    kit_fill(journal, 1, 9); /* over half of the segment, so the next one is made ready */
    while (!is_ready)
        assert_int_equal(skn_journal_prepare(journal, &is_ready, NULL), SKN_OK);
    assert_int_equal(skn_journal_close(journal, NULL), SKN_OK);

    uint64_t n = 9;
    for (int life = 0; life < 10; life++) {
        uint64_t syncs = skn_env_sim_syncs(sim);
        uint64_t changes = skn_env_sim_changes(sim);
        assert_int_equal(open_from_one(sim, &journal, &seen), SKN_OK);
        assert_int_equal(seen.next, n + 1);
        assert_int_equal(skn_journal_idle(journal, NULL), SKN_OK);
        assert_int_equal(skn_journal_close(journal, NULL), SKN_OK);
        assert_int_equal(skn_env_sim_syncs(sim), syncs);
        /* A power cut may bring the prepared file back, which then goes again. */
        if (life < 5) assert_int_equal(skn_env_sim_changes(sim), changes);
        if (life >= 4) skn_env_sim_power_cut(sim, SKN_CUT_DROP);
    }
    uint64_t syncs = skn_env_sim_syncs(sim);
    assert_int_equal(open_from_one(sim, &journal, &seen), SKN_OK);
    kit_fill(journal, n + 1, n + 3);
    assert_int_equal(skn_journal_close(journal, NULL), SKN_OK);
    assert_int_equal(skn_env_sim_syncs(sim), syncs + 5);
    skn_env_sim_power_cut(sim, SKN_CUT_DROP);
    assert_int_equal(open_from_one(sim, &journal, &seen), SKN_OK);
    assert_int_equal(seen.next, n + 4);
    skn_journal_abandon(journal);
    skn_env_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_creation_cut_off_anywhere_is_begun_again_or_taken_over),
        cmocka_unit_test(a_failed_write_counts_as_a_failed_sync),
        cmocka_unit_test(a_full_disk_stops_with_its_own_code),
        cmocka_unit_test(a_clean_opening_needs_no_sync_and_three_groups_need_five),
    };
    return cmocka_run_group_tests_name("journal_opening", tests, NULL, NULL);
}
