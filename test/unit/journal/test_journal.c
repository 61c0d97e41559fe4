/* test_journal.c - appending, groups, segments, seals, generations and trimming on a real disk. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

static void what_was_flushed_is_there_after_a_clean_stop(void **state)
{
    (void)state;
    struct kit kit;
    struct skn_journal_info info;
    kit_init(&kit);
    struct skn_journal *journal = kit_open(&kit, 0, &info);
    assert_true(info.was_created);
    kit_fill(journal, 1, 20);
    assert_int_equal(kit_append(journal, 21), SKN_OK); /* close writes what is open */
    assert_int_equal(skn_journal_close(journal, NULL), SKN_OK);

    journal = kit_open(&kit, 21, &info);
    assert_true(info.was_sealed && !info.was_created);
    assert_int_equal(info.generation, 1);
    assert_int_equal(info.records, 21);
    assert_int_equal(info.group_last, 21);
    kit_fill(journal, 22, 30);
    assert_int_equal(skn_journal_close(journal, NULL), SKN_OK);
    journal = kit_open(&kit, 30, &info);
    assert_int_equal(info.generation, 1);
    skn_journal_abandon(journal);
    kit_fini(&kit);
}

/* [E6] Without a seal each opening begins a generation with a copy of the last group. */
static void a_kill_loses_nothing_and_begins_a_generation(void **state)
{
    (void)state;
    struct kit kit;
    struct skn_journal_info info;
    kit_init(&kit);
    skn_journal_abandon(kit_open(&kit, 0, NULL));
    for (uint64_t n = 0; n < 30; n++) {
        struct skn_journal *journal = kit_open(&kit, 3 * n, &info);
        assert_false(info.was_sealed || info.was_created);
        assert_int_equal(info.torn_bytes, 0);
        kit_fill(journal, 3 * n + 1, 3 * n + 3);
        assert_int_equal(kit_append(journal, 3 * n + 4), SKN_OK); /* never flushed */
        skn_journal_abandon(journal);
    }
    skn_journal_abandon(kit_open(&kit, 90, &info));
    uint64_t segments = info.segments;
    for (uint64_t n = 0; n < 5; n++) /* idle generations take each other's place */
        skn_journal_abandon(kit_open(&kit, 90, &info));
    assert_int_equal(info.segments, segments);
    assert_int_equal(info.generation, 37);
    kit_fini(&kit);
}

static void segments_double_and_a_group_may_need_a_larger_one(void **state)
{
    (void)state;
    struct kit kit;
    struct skn_journal_info info;
    kit_init(&kit);
    struct skn_journal *journal = kit_open(&kit, 0, NULL);
    for (uint64_t n = 1; n <= 300; n++) {
        bool is_ready = false;
        assert_int_equal(kit_append(journal, n), SKN_OK);
        if (n % 3 == 0) assert_int_equal(skn_journal_flush(journal, NULL), SKN_OK);
        if (n % 2 == 0) assert_int_equal(skn_journal_prepare(journal, &is_ready, NULL), SKN_OK);
    }
    assert_int_equal(skn_journal_close(journal, NULL), SKN_OK);
    skn_journal_abandon(kit_open(&kit, 300, &info));
    assert_int_equal(info.groups, 100);
    assert_true(info.segments >= 5);
    kit_fini(&kit);
}

static void a_record_larger_than_a_segment_is_kept(void **state)
{
    (void)state;
    struct kit kit;
    struct skn_journal_info info;
    kit_init(&kit);
    struct skn_journal *journal = kit_open(&kit, 0, NULL);
    size_t size = 3 << 20;
    uint8_t *bytes = skn_alloc_zero(1, size);
    struct skn_record record = {
        .shard = 0, .index = 1, .term = 1, .stamp = 5, .batch = skn_slice(bytes, size)};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(skn_journal_append(journal, &record, NULL), SKN_OK);
        struct skn_record next = {
            .shard = 1, .index = record.index, .term = 1, .stamp = 5 + record.index};
        assert_int_equal(skn_journal_append(journal, &next, NULL), SKN_EFULL);
        assert_int_equal(skn_journal_flush(journal, NULL), SKN_OK);
        record.index++;
        record.stamp++;
    }
    skn_journal_abandon(journal);
    assert_int_equal(skn_journal_open(&kit.options, NULL, NULL, &journal, &info, NULL), SKN_OK);
    assert_int_equal(info.records, 3);
    assert_true(info.bytes > 3 * size);
    record.batch.len = SKN_JOURNAL_RECORD_BYTES_MAX + 1;
    assert_int_equal(skn_journal_append(journal, &record, NULL), SKN_ETOOLARGE);
    skn_journal_abandon(journal);
    skn_free(bytes);
    kit_fini(&kit);
}

/* [E4] Group n+1 fills while group n is written, and is not written before that one's end. */
static void a_group_fills_while_another_is_written(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit);
    struct skn_journal *journal = kit_open(&kit, 0, NULL);
    assert_false(skn_journal_begin(journal));
    assert_int_equal(kit_append(journal, 1), SKN_OK);
    assert_true(skn_journal_begin(journal));
    assert_int_equal(kit_append(journal, 2), SKN_OK);
    assert_false(skn_journal_begin(journal)); /* one at a time */
    assert_int_equal(skn_journal_write(journal, NULL), SKN_OK);
    assert_int_equal(kit_append(journal, 3), SKN_OK);
    assert_int_equal(skn_journal_end(journal, NULL), SKN_OK);
    skn_journal_abandon(journal);
    journal = kit_open(&kit, 1, NULL);
    skn_journal_abandon(journal);
    kit_fini(&kit);
}

static void a_reader_leaves_out_the_last_group_without_a_seal(void **state)
{
    (void)state;
    struct kit kit;
    struct skn_journal_info info;
    struct kit_seen seen = {.next = 1};
    kit_init(&kit);
    struct skn_env *env = kit.options.env;
    assert_int_equal(skn_journal_read(env, kit.dir, kit_replay, &seen, &info, NULL), SKN_ENOENT);
    struct skn_journal *journal = kit_open(&kit, 0, NULL);
    assert_int_equal(skn_journal_read(env, kit.dir, kit_replay, &seen, &info, NULL), SKN_OK);
    assert_int_equal(info.records, 0);
    kit_fill(journal, 1, 10);
    assert_int_equal(skn_journal_read(env, kit.dir, kit_replay, &seen, &info, NULL), SKN_OK);
    assert_int_equal(seen.next, 10);
    assert_int_equal(info.group_last, 9);
    assert_int_equal(skn_journal_verify(env, kit.dir, &info, NULL), SKN_OK);
    assert_int_equal(info.group_last, 10);
    kit_fill(journal, 11, 12); /* a reader changed nothing */
    assert_int_equal(skn_journal_close(journal, NULL), SKN_OK);
    seen.next = 1;
    assert_int_equal(skn_journal_read(env, kit.dir, kit_replay, &seen, &info, NULL), SKN_OK);
    assert_int_equal(seen.next, 13);
    assert_true(info.was_sealed);
    kit_fini(&kit);
}

/* [E9] */
static void trimming_keeps_what_the_store_has_not(void **state)
{
    (void)state;
    struct kit kit;
    struct skn_journal_info info;
    kit_init(&kit);
    struct skn_journal *journal = kit_open(&kit, 0, NULL);
    kit_fill(journal, 1, 120);
    skn_journal_abandon(journal);
    journal = kit_open(&kit, 120, &info);
    uint64_t before = info.segments;
    struct skn_journal_mark none[] = {{0, 40}, {1, 40}}; /* shard 2 keeps all */
    assert_int_equal(skn_journal_trim(journal, none, 2, NULL), SKN_OK);
    struct skn_journal_mark some[] = {{0, 20}, {1, 20}, {2, 20}};
    assert_int_equal(skn_journal_trim(journal, some, 3, NULL), SKN_OK);
    kit_fill(journal, 121, 130);
    skn_journal_abandon(journal);

    struct kit_seen seen = {.next = 0};
    assert_int_equal(skn_journal_open(&kit.options, kit_replay, &seen, &journal, &info, NULL),
                     SKN_OK);
    assert_int_equal(seen.next, 131);
    assert_in_range(info.records, 70, 129); /* 61 and later, and what shares a segment with them */
    assert_true(info.segments < before + 2);
    struct skn_journal_mark all[] = {{0, 1000}, {1, 1000}, {2, 1000}};
    assert_int_equal(skn_journal_trim(journal, all, 3, NULL), SKN_OK);
    kit_fill(journal, 131, 140);
    assert_int_equal(skn_journal_close(journal, NULL), SKN_OK);
    seen.next = 0;
    assert_int_equal(skn_journal_open(&kit.options, kit_replay, &seen, &journal, &info, NULL),
                     SKN_OK);
    assert_int_equal(seen.next, 141);
    assert_int_equal(info.records, 11); /* the copied group, and ten */
    skn_journal_abandon(journal);
    kit_fini(&kit);
}

/* Each shard has terms of its own: when those of the greatest are trimmed, later segments are not
 * below the one that stays. */
static void trimming_the_greatest_term_leaves_a_journal_that_opens(void **state)
{
    (void)state;
    struct kit kit;
    struct skn_journal *journal = NULL;
    uint8_t bytes[3000] = {1};
    kit_init(&kit);
    journal = kit_open(&kit, 0, NULL);
    const struct skn_record first = {
        .shard = 0, .index = 1, .term = 9, .stamp = 1, .batch = skn_slice(bytes, 10)};
    assert_int_equal(skn_journal_append(journal, &first, NULL), SKN_OK);
    uint64_t index = 0;
    for (int opening = 0; opening < 5; opening++) {
        for (int i = 0; i < 60; i++) {
            struct skn_record record = {.shard = 1, .term = 2, .batch = skn_slice(bytes, 3000)};
            record.index = ++index;
            record.stamp = index;
            assert_int_equal(skn_journal_append(journal, &record, NULL), SKN_OK);
            assert_int_equal(skn_journal_flush(journal, NULL), SKN_OK);
        }
        const struct skn_journal_mark marks[] = {{0, 1}, {1, index > 70 ? index - 70 : 0}, {2, 1}};
        assert_int_equal(skn_journal_trim(journal, marks, 3, NULL), SKN_OK);
        skn_journal_abandon(journal);
        struct skn_diag diag = {0};
        enum skn_rc rc = skn_journal_open(&kit.options, NULL, NULL, &journal, NULL, &diag);
        if (rc != SKN_OK) fail_msg("%s", diag.text);
    }
    skn_journal_abandon(journal);
    kit_fini(&kit);
}

static void a_foreign_journal_is_refused(void **state)
{
    (void)state;
    struct kit kit;
    struct skn_journal *journal;
    struct skn_diag diag;
    kit_init(&kit);
    memset(kit.options.store_id, 7, sizeof kit.options.store_id);
    skn_journal_abandon(kit_open(&kit, 0, NULL));
    skn_journal_abandon(kit_open(&kit, 0, NULL));
    kit.options.store_id[3] = 8;
    assert_int_equal(skn_journal_open(&kit.options, NULL, NULL, &journal, NULL, &diag),
                     SKN_EFOREIGN);
    assert_non_null(strstr(diag.text, "belongs to another store"));
    kit_fini(&kit);
}

/* [E3] The count of shards is fixed when the journal is made. */
static void a_record_of_a_shard_that_is_not_there_is_refused(void **state)
{
    (void)state;
    struct kit kit;
    struct skn_journal_info info = {0};
    struct skn_record record = {.shard = KIT_SHARDS, .index = 1, .term = 1, .stamp = 5};
    kit_init(&kit);
    assert_int_equal(skn_journal_peek(kit.options.env, kit.dir, &info, NULL), SKN_ENOENT);
    struct skn_journal *journal = kit_open(&kit, 0, &info);
    assert_int_equal(info.shards, KIT_SHARDS);
    assert_int_equal(skn_journal_append(journal, &record, NULL), SKN_EARGS);
    kit_fill(journal, 1, 4); /* nothing else is refused for it */
    assert_int_equal(skn_journal_close(journal, NULL), SKN_OK);

    kit.options.shards = 1; /* the journal keeps what it has */
    journal = kit_open(&kit, 4, &info);
    assert_int_equal(info.shards, KIT_SHARDS);
    assert_int_equal(skn_journal_append(journal, &record, NULL), SKN_EARGS);
    kit_fill(journal, 5, 5);
    skn_journal_abandon(journal);
    info = (struct skn_journal_info){0};
    assert_int_equal(skn_journal_peek(kit.options.env, kit.dir, &info, NULL), SKN_OK);
    assert_int_equal(info.shards, KIT_SHARDS);
    assert_false(info.was_sealed);
    info.shards = 0;
    assert_int_equal(skn_journal_verify(kit.options.env, kit.dir, &info, NULL), SKN_OK);
    assert_int_equal(info.shards, KIT_SHARDS);
    kit_fini(&kit);
}

static void a_journal_has_one_shard_unless_more_are_asked_for(void **state)
{
    (void)state;
    struct kit kit;
    struct skn_journal_info info;
    struct skn_record record = {.shard = 0, .index = 1, .term = 1, .stamp = 5};
    kit_init(&kit);
    kit.options.shards = 0;
    struct skn_journal *journal = kit_open(&kit, 0, &info);
    assert_int_equal(info.shards, 1);
    assert_int_equal(skn_journal_append(journal, &record, NULL), SKN_OK);
    record.shard = 1;
    assert_int_equal(skn_journal_append(journal, &record, NULL), SKN_EARGS);
    skn_journal_abandon(journal);
    kit_fini(&kit);
}

/* [E8] */
static void the_reserve_is_made_and_kept(void **state)
{
    (void)state;
    struct kit kit;
    enum skn_journal_disk disk = SKN_JOURNAL_DISK_STOP;
    kit_init(&kit);
    kit.options.no_reserve = false;
    kit.options.reserve_bytes = 1 << 20;
    for (int i = 0; i < 2; i++) {
        struct skn_journal *journal = kit_open(&kit, 0, NULL);
        char path[KIT_PATH];
        (void)snprintf(path, sizeof path, "%s/reserve", kit.dir);
        assert_int_equal(access(path, F_OK), 0);
        assert_int_equal(skn_journal_disk_state(journal, &disk, NULL), SKN_OK);
        skn_journal_abandon(journal);
    }
    kit_fini(&kit);
}

/* [E5] After 100 ms without a group the bound moves to the end. */
static void the_bound_follows_an_idle_journal(void **state)
{
    (void)state;
    struct kit kit;
    kit_init(&kit);
    struct skn_journal *journal = kit_open(&kit, 0, NULL);
    kit_fill(journal, 1, 3);
    assert_int_equal(skn_journal_idle(journal, NULL), SKN_OK);
    assert_int_equal(skn_journal_idle(journal, NULL), SKN_OK);
    skn_journal_abandon(journal);
    /* The first sector of the last group becomes zero, as if it had never been written. */
    char path[KIT_PATH];
    (void)snprintf(path, sizeof path, "%s/0000000000000001.seg", kit.dir);
    FILE *file = fopen(path, "r+");
    static const uint8_t zeros[SKN_JF_SECTOR];
    assert_int_equal(fseek(file, 3 * SKN_JF_BLOCK, SEEK_SET), 0);
    assert_int_equal(fwrite(zeros, sizeof zeros, 1, file), 1);
    assert_int_equal(fclose(file), 0);
    struct skn_diag diag;
    assert_int_equal(skn_journal_open(&kit.options, NULL, NULL, &journal, NULL, &diag),
                     SKN_ECORRUPT);
    assert_non_null(
        strstr(diag.text, "0000000000000001.seg\" at offset 12288: it ends with group 2"));
    kit_fini(&kit);
}

/* As a user who may read the folder, and as nobody else. */
static void a_folder_that_may_not_be_written_is_refused_and_read(void **state)
{
    (void)state;
    enum { NOBODY = 65534 };
    struct kit kit;
    struct skn_journal *journal = NULL;
    struct skn_diag diag;
    struct kit_seen seen = {.next = 1};
    kit_init(&kit);
    journal = kit_open(&kit, 0, NULL);
    kit_fill(journal, 1, 5);
    assert_int_equal(skn_journal_close(journal, NULL), SKN_OK);
    kit_mode(&kit, 0444, 0555);
    bool is_root = geteuid() == 0;
    if (is_root) assert_int_equal(seteuid(NOBODY), 0);
    enum skn_rc opened = skn_journal_open(&kit.options, NULL, NULL, &journal, NULL, &diag);
    enum skn_rc read = skn_journal_read(kit.options.env, kit.dir, kit_replay, &seen, NULL, NULL);
    kit.options.dir = "/proc/skein/journal"; /* nor can one be made there */
    enum skn_rc made = skn_journal_open(&kit.options, NULL, NULL, &journal, NULL, NULL);
    if (is_root) assert_int_equal(seteuid(0), 0);
    kit_mode(&kit, 0600, 0700);
    assert_int_equal(opened, SKN_EPERM);
    assert_non_null(strstr(diag.text, "/journal/super"));
    assert_int_equal(read, SKN_OK);
    assert_int_equal(seen.next, 6);
    assert_int_equal(made, SKN_ENOENT);
    kit_fini(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_flushed_is_there_after_a_clean_stop),
        cmocka_unit_test(a_kill_loses_nothing_and_begins_a_generation),
        cmocka_unit_test(segments_double_and_a_group_may_need_a_larger_one),
        cmocka_unit_test(a_record_larger_than_a_segment_is_kept),
        cmocka_unit_test(a_group_fills_while_another_is_written),
        cmocka_unit_test(a_reader_leaves_out_the_last_group_without_a_seal),
        cmocka_unit_test(trimming_keeps_what_the_store_has_not),
        cmocka_unit_test(trimming_the_greatest_term_leaves_a_journal_that_opens),
        cmocka_unit_test(a_foreign_journal_is_refused),
        cmocka_unit_test(a_record_of_a_shard_that_is_not_there_is_refused),
        cmocka_unit_test(a_journal_has_one_shard_unless_more_are_asked_for),
        cmocka_unit_test(the_reserve_is_made_and_kept),
        cmocka_unit_test(a_folder_that_may_not_be_written_is_refused_and_read),
        cmocka_unit_test(the_bound_follows_an_idle_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
