/* test_rules.c - rules of ENGINE.md 1 that one look at the files shows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include "env/env_sim.h"
#include "journal/journal_internal.h"

struct scene {
    struct skn_env_sim *sim;
    struct skn_journal_options options;
    struct skn_journal *journal;
};

static void scene_open(struct scene *s)
{
    struct skn_diag diag = {0};
    enum skn_rc rc = skn_journal_open(&s->options, NULL, NULL, &s->journal, NULL, &diag);
    if (rc != SKN_OK) fail_msg("%s", diag.text);
}

/* The sizes of a node: nothing is given but the place. */
static void scene_init(struct scene *s, bool has_reserve)
{
    *s = (struct scene){.sim = skn_env_sim_create(1, UINT64_C(10) << 30)};
    s->options = (struct skn_journal_options){.env = skn_env_sim_env(s->sim),
                                              .dir = "/j",
                                              .shards = KIT_SHARDS,
                                              .no_reserve = !has_reserve};
    scene_open(s);
}

static void scene_fini(struct scene *s)
{
    skn_journal_abandon(s->journal);
    skn_env_sim_destroy(s->sim);
}

static uint64_t size_of(const struct scene *s, const char *path)
{
    struct skn_file *file = NULL;
    uint64_t size = 0;
    assert_int_equal(skn_env_open(s->options.env, path, SKN_OPEN_READ, &file, NULL), SKN_OK);
    assert_int_equal(skn_file_size(file, &size, NULL), SKN_OK);
    skn_file_close(file);
    return size;
}

/* A record of `bytes` in shard 0. */
static enum skn_rc put(struct scene *s, uint64_t index, size_t bytes)
{
    static uint8_t batch[1 << 20];
    memset(batch, 0x33, sizeof batch);
    const struct skn_record record = {
        .index = index, .term = 1, .stamp = index, .batch = skn_slice(batch, bytes)};
    return skn_journal_append(s->journal, &record, NULL);
}

/* [E1] A salt of its own for each use of a file, and lengths from 1 MiB, doubled, up to 64 MiB. */
static void segments_begin_at_one_mebibyte_and_double_up_to_sixty_four(void **state)
{
    (void)state;
    enum { SEGMENTS = 5 }; /* more would be much memory */
    struct scene s;
    uint64_t index = 0, salts[SEGMENTS];
    scene_init(&s, false);
    assert_int_equal(s.journal->segment_bytes_max, 64 << 20);
    for (size_t i = 0; i < SEGMENTS; i++) {
        const struct skn_jf_segment head = s.journal->back.segments[0].head;
        char path[40] = "/j/";
        skn_jf_segment_name(head.number, path + 3);
        assert_int_equal(head.number, i + 1);
        assert_int_equal(head.length, (uint64_t)1 << (20 + i));
        assert_int_equal(size_of(&s, path), head.length);
        salts[i] = head.salt;
        for (size_t k = 0; k < i; k++)
            assert_true(salts[k] != salts[i]);
        while (i + 1 < SEGMENTS && s.journal->back.count == 1) {
            assert_int_equal(put(&s, ++index, 1 << 20), SKN_OK);
            assert_int_equal(skn_journal_flush(s.journal, NULL), SKN_OK);
        }
        const struct skn_journal_mark mark = {0, index}; /* so that memory does not hold them all */
        assert_int_equal(skn_journal_trim(s.journal, &mark, 1, NULL), SKN_OK);
    }
    scene_fini(&s);
}

/* [E2] One write and one sync, at multiples of 4 KiB, so that no sector with another group in it is
 * touched. */
static void a_group_is_one_write_and_one_sync_of_whole_blocks(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, false);
    uint64_t end = SKN_JF_BLOCK;
    for (uint64_t n = 1; n <= 40; n++) {
        uint64_t changes = skn_env_sim_changes(s.sim), syncs = skn_env_sim_syncs(s.sim);
        assert_int_equal(put(&s, n, n * 300), SKN_OK);
        assert_int_equal(skn_env_sim_changes(s.sim), changes); /* in memory only */
        assert_int_equal(skn_journal_flush(s.journal, NULL), SKN_OK);
        assert_int_equal(skn_env_sim_changes(s.sim), changes + 2);
        assert_int_equal(skn_env_sim_syncs(s.sim), syncs + 1);
        uint64_t length = s.journal->back.at - end;
        assert_int_equal(length % SKN_JF_BLOCK, 0);
        assert_in_range(length, n * 300, n * 300 + 2 * SKN_JF_BLOCK);
        end = s.journal->back.at;
    }
    scene_fini(&s);
}

/* [E2] A group closes at 512 KiB; what is larger has one of its own. */
static void a_group_closes_at_512_kibibytes(void **state)
{
    (void)state;
    struct scene s;
    uint64_t n = 1;
    scene_init(&s, false);
    while (put(&s, n, 1000) == SKN_OK)
        n++;
    assert_int_equal(put(&s, n, 1000), SKN_EFULL);
    uint64_t bytes = s.journal->front.open.records_bytes + (uint64_t)SKN_JF_GROUP_HEAD;
    assert_in_range(bytes, SKN_JOURNAL_GROUP_BYTES - 1080, SKN_JOURNAL_GROUP_BYTES);
    assert_int_equal(skn_journal_flush(s.journal, NULL), SKN_OK);
    assert_int_equal(put(&s, n++, 1 << 20), SKN_OK);
    assert_int_equal(put(&s, n, 1), SKN_EFULL);
    assert_int_equal(skn_journal_flush(s.journal, NULL), SKN_OK);
    assert_int_equal(put(&s, n, 1), SKN_OK);
    scene_fini(&s);
}

struct end {
    enum skn_rc rc;
    uint64_t records;
    uint64_t torn_bytes;
};

/* Opens a copy of the machine with one sector of `path` changed: all zero, or one byte of it. */
static struct end with_sector(const struct scene *s, const char *path, uint64_t at, bool is_zero)
{
    struct skn_env_sim *copy = skn_env_sim_copy(s->sim, at);
    struct skn_journal_options options = s->options;
    struct skn_journal *journal = NULL;
    struct skn_journal_info info = {0};
    struct skn_file *file = NULL;
    static const uint8_t zeros[SKN_JF_SECTOR];
    options.env = skn_env_sim_env(copy);
    assert_int_equal(skn_env_open(options.env, path, SKN_OPEN_WRITE, &file, NULL), SKN_OK);
    size_t n = is_zero ? sizeof zeros : 1;
    assert_int_equal(skn_file_pwrite(file, at, zeros, n, NULL), SKN_OK);
    skn_file_close(file);
    enum skn_rc rc = skn_journal_open(&options, NULL, NULL, &journal, &info, NULL);
    skn_journal_abandon(journal);
    skn_env_sim_destroy(copy);
    return (struct end){rc, info.records, info.torn_bytes};
}

/* [E4] A torn tail has a first sector of zeros, or a good header and more sectors of zeros than it
 * says; anything else is damage. */
static void only_what_was_not_written_is_a_torn_tail(void **state)
{
    (void)state;
    struct scene s;
    const char *path = "/j/0000000000000001.seg";
    scene_init(&s, false);
    assert_int_equal(put(&s, 1, 100), SKN_OK);
    assert_int_equal(skn_journal_flush(s.journal, NULL), SKN_OK);
    uint64_t begin = s.journal->back.at;
    assert_int_equal(put(&s, 2, 10000), SKN_OK);
    assert_int_equal(skn_journal_flush(s.journal, NULL), SKN_OK);
    uint64_t end = s.journal->back.at;
    skn_journal_abandon(s.journal);
    s.journal = NULL;
    for (uint64_t at = begin; at < end; at += SKN_JF_SECTOR) {
        struct end lost = with_sector(&s, path, at, true);
        assert_int_equal(lost.rc, SKN_OK);
        assert_int_equal(lost.records, 1);
        assert_true(lost.torn_bytes > 0);
        struct end rotten = with_sector(&s, path, at + 1, false);
        assert_int_equal(rotten.rc, SKN_ECORRUPT);
        /* An older group is never a tail. */
        if (at == begin)
            assert_int_equal(with_sector(&s, path, SKN_JF_BLOCK, true).rc, SKN_ECORRUPT);
    }
    scene_fini(&s);
}

static enum skn_journal_disk state_at(struct scene *s, uint64_t per_mille)
{
    enum skn_journal_disk state = SKN_JOURNAL_DISK_STOP;
    struct skn_disk_space space;
    assert_int_equal(skn_env_space(s->options.env, "/j", &space, NULL), SKN_OK);
    uint64_t used = space.total_bytes - space.free_bytes;
    skn_env_sim_set_disk(s->sim, used * 1000 / (1000 - per_mille));
    assert_int_equal(skn_journal_disk_state(s->journal, &state, NULL), SKN_OK);
    return state;
}

/* [E8] 64 MiB are kept; below 5 percent no new work from outside, below 1 percent a clean stop. */
static void the_reserve_and_the_limits_of_a_full_disk_are_as_written(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, true);
    assert_int_equal(size_of(&s, "/j/reserve"), 64 << 20);
    assert_int_equal(state_at(&s, 900), SKN_JOURNAL_DISK_OK);
    assert_int_equal(state_at(&s, 52), SKN_JOURNAL_DISK_OK);
    assert_int_equal(state_at(&s, 48), SKN_JOURNAL_DISK_LOW);
    assert_int_equal(state_at(&s, 12), SKN_JOURNAL_DISK_LOW);
    assert_int_equal(state_at(&s, 8), SKN_JOURNAL_DISK_STOP);
    scene_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_begin_at_one_mebibyte_and_double_up_to_sixty_four),
        cmocka_unit_test(a_group_is_one_write_and_one_sync_of_whole_blocks),
        cmocka_unit_test(a_group_closes_at_512_kibibytes),
        cmocka_unit_test(only_what_was_not_written_is_a_torn_tail),
        cmocka_unit_test(the_reserve_and_the_limits_of_a_full_disk_are_as_written),
    };
    return cmocka_run_group_tests_name("journal_rules", tests, NULL, NULL);
}
