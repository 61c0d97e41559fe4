/* test_copy.c - copies of journals: sealed, killed, trimmed, and beside a living owner. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include <pthread.h>
#include <stdatomic.h>

static const uint8_t new_id[SKN_JOURNAL_ID_BYTES] = {9, 9, 9};

/* The copy in the place of the journal, for kit_open. */
static void use_copy(struct kit *kit, const char *copy)
{
    kit_clear(kit->dir);
    assert_int_equal(rename(copy, kit->dir), 0);
}

static void copy_to(const struct kit *kit, char out[128], struct skn_journal_info *info)
{
    struct skn_diag diag = {0};
    (void)snprintf(out, 128, "%s/copy", kit->folder);
    enum skn_rc rc = skn_journal_copy(kit->options.env, kit->dir, out, new_id, info, &diag);
    if (rc != SKN_OK) fail_msg("%s", diag.text);
}

static void a_copy_has_all_records_and_another_name(void **state)
{
    (void)state;
    struct kit kit;
    struct skn_journal_info info;
    char copy[128];
    kit_init(&kit);
    struct skn_journal *journal = kit_open(&kit, 0, NULL);
    kit_fill(journal, 1, 100);
    assert_int_equal(skn_journal_close(journal, NULL), SKN_OK);
    copy_to(&kit, copy, &info);
    assert_int_equal(info.records, 100);
    assert_memory_equal(info.store_id, new_id, sizeof new_id);
    assert_int_equal(skn_journal_copy(kit.options.env, kit.dir, copy, NULL, NULL, NULL),
                     SKN_EEXIST);
    use_copy(&kit, copy);
    journal = kit_open(&kit, 100, &info); /* and goes on */
    assert_true(info.was_sealed);
    kit_fill(journal, 101, 200);
    assert_int_equal(skn_journal_close(journal, NULL), SKN_OK);
    skn_journal_abandon(kit_open(&kit, 200, &info));
    memcpy(kit.options.store_id, new_id, sizeof new_id);
    skn_journal_abandon(kit_open(&kit, 200, &info));
    kit_fini(&kit);
}

/* A generation for each kill [E6]; what was never flushed is in no copy. */
static void a_copy_of_a_killed_journal_is_sealed_behind_its_last_group(void **state)
{
    (void)state;
    struct kit kit;
    struct skn_journal_info info;
    char copy[128];
    kit_init(&kit);
    for (uint64_t n = 0; n < 10; n++) {
        struct skn_journal *journal = kit_open(&kit, 7 * n, NULL);
        kit_fill(journal, 7 * n + 1, 7 * n + 7);
        assert_int_equal(kit_append(journal, 7 * n + 8), SKN_OK);
        skn_journal_abandon(journal);
        copy_to(&kit, copy, &info);
        assert_true(info.was_sealed);
        assert_int_equal(info.records, 7 * n + 7 + (info.generation - 1));
        use_copy(&kit, copy);
    }
    skn_journal_abandon(kit_open(&kit, 70, NULL));
    kit_fini(&kit);
}

static void without_a_journal_there_is_no_copy(void **state)
{
    (void)state;
    struct kit kit;
    char copy[128];
    kit_init(&kit);
    (void)snprintf(copy, sizeof copy, "%s/copy", kit.folder);
    assert_int_equal(skn_journal_copy(kit.options.env, kit.dir, copy, NULL, NULL, NULL),
                     SKN_ENOENT);
    kit_fini(&kit);
}

struct owner {
    struct kit *kit;
    struct skn_journal *journal;
    _Atomic uint64_t durable; /* record */
    _Atomic uint64_t mark;    /* everything up to here may be trimmed */
    atomic_bool is_over;
};

static void *own(void *arg)
{
    struct owner *o = arg;
    for (uint64_t n = 1; !atomic_load(&o->is_over); n++) {
        SKN_ASSERT(kit_append(o->journal, n) == SKN_OK);
        SKN_ASSERT(skn_journal_flush(o->journal, NULL) == SKN_OK);
        atomic_store(&o->durable, n);
        if (n % 8 != 0 || n <= 20) continue;
        uint64_t mark = n - 10;
        struct skn_journal_mark marks[KIT_SHARDS];
        for (uint32_t s = 0; s < KIT_SHARDS; s++) {
            uint64_t last = mark - (mark + KIT_SHARDS - s) % KIT_SHARDS; /* of this shard */
            marks[s] = (struct skn_journal_mark){s, (last - 1) / KIT_SHARDS + 1};
        }
        atomic_store(&o->mark, mark);
        SKN_ASSERT(skn_journal_trim(o->journal, marks, KIT_SHARDS, NULL) == SKN_OK);
    }
    return NULL;
}

struct first {
    uint64_t n; /* the number of the first record */
    struct kit_seen seen;
};

static enum skn_rc note_first(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    struct first *first = ctx;
    if (first->n == 0) first->n = record->stamp - 1000;
    return kit_replay(&first->seen, record, diag);
}

/* E11: what was durable before is in the copy; what the store may lack is, too. */
static void beside_a_living_owner_a_copy_is_whole_or_busy(void **state)
{
    (void)state;
    struct kit kit;
    struct owner o = {.kit = &kit};
    pthread_t thread;
    unsigned whole = 0, busy = 0;
    kit_init(&kit);
    o.journal = kit_open(&kit, 0, NULL);
    assert_int_equal(pthread_create(&thread, NULL, own, &o), 0);
    for (int i = 0; i < 2000 && (i < 40 || whole < 10); i++) {
        char copy[128];
        struct first first = {0};
        struct skn_diag diag = {0};
        (void)snprintf(copy, sizeof copy, "%s/copy%d", kit.folder, i);
        uint64_t durable = atomic_load(&o.durable);
        enum skn_rc rc = skn_journal_copy(kit.options.env, kit.dir, copy, NULL, NULL, &diag);
        uint64_t mark = atomic_load(&o.mark);
        if (rc != SKN_OK && rc != SKN_EBUSY) fail_msg("%d: %s", rc, diag.text);
        busy += rc == SKN_EBUSY;
        if (rc == SKN_OK && durable > 0) {
            whole++;
            assert_int_equal(
                skn_journal_read(kit.options.env, copy, note_first, &first, NULL, NULL), SKN_OK);
            assert_false(first.seen.is_wrong);
            assert_true(first.seen.next > durable);
            assert_true(first.n <= mark + 1);
        }
        kit_clear(copy);
    }
    atomic_store(&o.is_over, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    skn_journal_abandon(o.journal);
    print_message("covered: %u copies beside an owner, %u busy\n", whole, busy);
    assert_true(whole >= 10);
    kit_fini(&kit);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_has_all_records_and_another_name),
        cmocka_unit_test(a_copy_of_a_killed_journal_is_sealed_behind_its_last_group),
        cmocka_unit_test(without_a_journal_there_is_no_copy),
        cmocka_unit_test(beside_a_living_owner_a_copy_is_whole_or_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
