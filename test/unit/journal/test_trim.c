/* test_trim.c - trimming with many shards, files written over, and what is left for an opening. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include "base/rng.h"
#include "env/env_sim.h"
#include "journal/journal_internal.h"

enum { SHARDS = 64, RECORDS = 400 };

struct scene {
    struct skn_env_sim *sim;
    struct skn_journal_options options;
    struct skn_journal *journal;
    uint64_t next[SHARDS];  /* index of the next record of each shard */
    uint64_t marks[SHARDS]; /* what the store has */
    uint64_t stamp;
};

static void scene_open(struct scene *s, skn_journal_replay_fn replay, void *ctx)
{
    struct skn_diag diag = {0};
    enum skn_rc rc = skn_journal_open(&s->options, replay, ctx, &s->journal, NULL, &diag);
    if (rc != SKN_OK) fail_msg("%s", diag.text);
}

static void scene_init(struct scene *s)
{
    *s = (struct scene){.sim = skn_env_sim_create(3, 0)};
    for (size_t i = 0; i < SHARDS; i++)
        s->next[i] = 1;
    s->options = (struct skn_journal_options){.env = skn_env_sim_env(s->sim),
                                              .dir = "/j",
                                              .segment_bytes_min = 16 << 10,
                                              .segment_bytes_max = 64 << 10,
                                              .no_reserve = true,
                                              .shards = SHARDS};
    scene_open(s, NULL, NULL);
}

static void scene_fini(struct scene *s)
{
    skn_journal_abandon(s->journal);
    skn_env_sim_destroy(s->sim);
}

static void put(struct scene *s, uint32_t shard, size_t bytes)
{
    uint8_t batch[KIT_BATCH_MAX];
    memset(batch, 0x77, sizeof batch);
    struct skn_record record = {.shard = shard,
                                .index = s->next[shard]++,
                                .term = 1,
                                .stamp = ++s->stamp,
                                .batch = skn_slice(batch, bytes)};
    assert_int_equal(skn_journal_append(s->journal, &record, NULL), SKN_OK);
    assert_int_equal(skn_journal_flush(s->journal, NULL), SKN_OK);
}

static enum skn_rc trim(struct scene *s)
{
    struct skn_journal_mark marks[SHARDS];
    for (uint32_t i = 0; i < SHARDS; i++)
        marks[i] = (struct skn_journal_mark){i, s->marks[i]};
    return skn_journal_trim(s->journal, marks, SHARDS, NULL);
}

static struct skn_journal_tail tail(struct scene *s)
{
    struct skn_journal_mark marks[SHARDS];
    struct skn_journal_tail out;
    for (uint32_t i = 0; i < SHARDS; i++)
        marks[i] = (struct skn_journal_mark){i, s->marks[i]};
    skn_journal_tail(s->journal, marks, SHARDS, &out);
    return out;
}

/* What came back: the first and the last index of each shard, without a gap. */
struct seen {
    uint64_t first[SHARDS];
    uint64_t last[SHARDS];
    uint64_t count;
    bool has_gap;
};

static enum skn_rc note(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    struct seen *seen = ctx;
    uint32_t s = record->shard;
    if (seen->first[s] == 0) seen->first[s] = record->index;
    if (seen->last[s] != 0 && record->index != seen->last[s] + 1) seen->has_gap = true;
    seen->last[s] = record->index;
    seen->count++;
    return SKN_OK;
}

/* Everything behind the marks is back, each shard without a gap, and ends where it ended [E9]. */
static void assert_covers_marks(const struct scene *s, const struct seen *seen)
{
    assert_false(seen->has_gap);
    for (size_t i = 0; i < SHARDS; i++) {
        bool is_all_stored = s->marks[i] + 1 == s->next[i];
        if (seen->first[i] == 0) assert_true(is_all_stored);
        if (seen->first[i] != 0) assert_true(seen->first[i] <= s->marks[i] + 1);
        if (seen->first[i] != 0) assert_int_equal(seen->last[i] + 1, s->next[i]);
    }
}

static uint64_t count_segments(const struct scene *s)
{
    struct skn_jf_names names;
    assert_int_equal(skn_jf_list(s->options.env, "/j", &names, NULL), SKN_OK);
    uint64_t count = names.count;
    skn_jf_names_fini(&names);
    return count;
}

static uint64_t count_unfinished(const struct scene *s)
{
    struct skn_jf_names names;
    assert_int_equal(skn_jf_list(s->options.env, "/j", &names, NULL), SKN_OK);
    uint64_t count = names.unfinished_count;
    skn_jf_names_fini(&names);
    return count;
}

/* [E9] Random marks of each shard by itself, over many lives. */
static void shards_that_interleave_are_trimmed_to_their_marks_and_no_further(void **state)
{
    (void)state;
    struct scene s;
    struct skn_rng rng;
    uint64_t trimmed = 0;
    scene_init(&s);
    skn_rng_init(&rng, 17);
    for (int life = 0; life < 40; life++) {
        for (int i = 0; i < RECORDS / 20; i++)
            put(&s, (uint32_t)skn_rng_below(&rng, SHARDS), 1000 + skn_rng_below(&rng, 3000));
        for (size_t i = 0; i < SHARDS; i++)
            s.marks[i] = skn_rng_chance(&rng, 3, 4)
                             ? s.next[i] - 1
                             : skn_rng_range(&rng, s.marks[i], s.next[i] - 1);
        uint64_t before = s.journal->back.count;
        assert_int_equal(trim(&s), SKN_OK);
        trimmed += before - s.journal->back.count;
        if (life % 3 == 0) assert_int_equal(skn_journal_close(s.journal, NULL), SKN_OK);
        if (life % 3 != 0) skn_journal_abandon(s.journal);
        if (life % 3 == 2) skn_env_sim_power_cut(s.sim, SKN_CUT_DROP);
        s.journal = NULL;

        struct seen seen = {0}, read = {0};
        assert_int_equal(skn_journal_verify(s.options.env, "/j", NULL, NULL), SKN_OK);
        assert_int_equal(skn_journal_read(s.options.env, "/j", note, &read, NULL, NULL), SKN_OK);
        assert_false(read.has_gap);
        scene_open(&s, note, &seen);
        assert_covers_marks(&s, &seen);
        assert_true(read.count + 1 >= seen.count);
    }
    assert_true(trimmed > 50);
    print_message("%llu segments trimmed\n", (unsigned long long)trimmed);
    scene_fini(&s);
}

/* [E9] Nothing of a shard is left: its next record has any index, term and stamp. */
static void a_shard_of_which_nothing_is_left_goes_on_where_its_store_is(void **state)
{
    (void)state;
    struct scene s;
    struct seen seen = {0};
    scene_init(&s);
    for (int i = 0; i < 5; i++)
        put(&s, 7, 4000);
    for (int i = 0; i < 40; i++)
        put(&s, 8, 4000);
    s.marks[7] = 5;
    s.marks[8] = 40;
    assert_int_equal(trim(&s), SKN_OK);
    skn_journal_abandon(s.journal);
    scene_open(&s, note, &seen);
    assert_int_equal(seen.first[7], 0);
    assert_true(seen.first[8] > 1);
    put(&s, 7, 10); /* index 6 */
    put(&s, 9, 10); /* a shard that never had one begins with 1 */
    assert_int_equal(skn_journal_close(s.journal, NULL), SKN_OK);
    seen = (struct seen){0};
    scene_open(&s, note, &seen);
    assert_int_equal(seen.first[7], 6);
    assert_int_equal(seen.last[7], 6);
    assert_int_equal(seen.first[9], 1);
    put(&s, 7, 10);
    scene_fini(&s);
}

/* [E9] A shard that the marks leave out keeps all of its records, and so do the others with it. */
static void a_shard_without_a_mark_keeps_its_records(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    put(&s, 63, 100);
    for (int i = 0; i < 40; i++)
        put(&s, 0, 4000);
    uint64_t before = s.journal->back.count;
    struct skn_journal_mark mark = {0, 1000};
    assert_int_equal(skn_journal_trim(s.journal, &mark, 1, NULL), SKN_OK);
    assert_int_equal(s.journal->back.count, before);
    s.marks[0] = 1000;
    s.marks[63] = 1;
    assert_int_equal(trim(&s), SKN_OK);
    assert_int_equal(s.journal->back.count, 1); /* the newest always stays */
    scene_fini(&s);
}

static void copy_file(const struct scene *s, const char *from, const char *to)
{
    struct skn_file *in = NULL, *out = NULL;
    static uint8_t bytes[64 << 10];
    size_t len = 0;
    assert_int_equal(skn_env_open(s->options.env, from, SKN_OPEN_READ, &in, NULL), SKN_OK);
    assert_int_equal(skn_file_pread(in, 0, bytes, sizeof bytes, &len, NULL), SKN_OK);
    assert_int_equal(skn_env_open(s->options.env, to, SKN_OPEN_CREATE, &out, NULL), SKN_OK);
    assert_int_equal(skn_file_pwrite(out, 0, bytes, len, NULL), SKN_OK);
    skn_file_close(in);
    skn_file_close(out);
}

/* [E5] No superblock names it: it is not read, and removed; after a sync of the superblock, since an
 * older one may still be the one on the disk. */
static void a_trimmed_segment_that_comes_back_is_ignored_and_removed(void **state)
{
    (void)state;
    for (int sealed = 0; sealed < 2; sealed++) {
        struct scene s;
        struct seen seen = {0};
        scene_init(&s);
        for (int i = 0; i < 40; i++)
            put(&s, 8, 4000);
        copy_file(&s, "/j/0000000000000001.seg", "/old");
        s.marks[8] = 40;
        assert_int_equal(trim(&s), SKN_OK);
        if (sealed) assert_int_equal(skn_journal_close(s.journal, NULL), SKN_OK);
        if (!sealed) skn_journal_abandon(s.journal);
        copy_file(&s, "/old", "/j/0000000000000001.seg");
        uint64_t syncs = skn_env_sim_syncs(s.sim);
        scene_open(&s, note, &seen);
        assert_covers_marks(&s, &seen);
        assert_true(seen.first[8] > 4);
        if (sealed) assert_int_equal(skn_env_sim_syncs(s.sim), syncs + 1);
        assert_int_equal(count_segments(&s), s.journal->back.count);
        scene_fini(&s);
    }
}

static bool is_zero_behind_head(const struct scene *s, uint64_t number)
{
    static uint8_t bytes[64 << 10];
    char path[40] = "/j/";
    struct skn_file *file = NULL;
    size_t len = 0;
    skn_jf_segment_name(number, path + 3);
    assert_int_equal(skn_env_open(s->options.env, path, SKN_OPEN_READ, &file, NULL), SKN_OK);
    assert_int_equal(skn_file_pread(file, 0, bytes, sizeof bytes, &len, NULL), SKN_OK);
    skn_file_close(file);
    return len == 64 << 10 && skn_jf_is_zero(skn_slice(bytes + SKN_JF_BLOCK, len - SKN_JF_BLOCK));
}

/* [E1] Two trimmed files wait, and become segments that hold nothing. */
static void a_trimmed_file_is_written_over_and_used_again(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    for (int i = 0; i < 60; i++)
        put(&s, 8, 4000);
    assert_true(s.journal->back.count > 4);
    s.marks[8] = 60;
    assert_int_equal(trim(&s), SKN_OK);
    assert_int_equal(count_unfinished(&s), SKN_JREADY_OLD);
    assert_int_equal(count_segments(&s), 1);
    for (size_t left = SKN_JREADY_OLD; left-- > 0;) {
        bool is_ready = false;
        while (s.journal->back.at < 32 << 10)
            put(&s, 8, 4000);
        for (int i = 0; !is_ready && i < 10; i++)
            assert_int_equal(skn_journal_prepare(s.journal, &is_ready, NULL), SKN_OK);
        assert_true(is_ready);
        assert_int_equal(count_unfinished(&s), left);
        uint64_t number = s.journal->ready.head.number;
        assert_true(is_zero_behind_head(&s, number));
        while (s.journal->back.super.newest != number)
            put(&s, 8, 4000);
    }
    /* Without a step of preparation the write makes one on the spot, out of an old file, too. */
    s.marks[8] = s.next[8] - 1;
    assert_int_equal(trim(&s), SKN_OK);
    assert_int_equal(count_unfinished(&s), 2);
    uint64_t newest = s.journal->back.super.newest;
    while (s.journal->back.super.newest == newest)
        put(&s, 8, 4000);
    assert_int_equal(count_unfinished(&s), 1);
    skn_journal_abandon(s.journal);
    struct seen seen = {0};
    scene_open(&s, note, &seen);
    assert_covers_marks(&s, &seen);
    assert_int_equal(count_unfinished(&s), 0); /* temporary names go at opening */
    scene_fini(&s);
}

/* [E1] A stop that is clean leaves nothing that the next opening has to clear away [E5]. */
static void a_clean_stop_leaves_no_temporary_names(void **state)
{
    (void)state;
    for (int steps = 0; steps < 4; steps++) {
        struct scene s;
        bool is_ready = false;
        scene_init(&s);
        for (int i = 0; i < 60; i++)
            put(&s, 8, 4000);
        s.marks[8] = 60;
        assert_int_equal(trim(&s), SKN_OK);
        while (s.journal->back.at < 32 << 10)
            put(&s, 8, 4000);
        for (int i = 0; i < steps; i++)
            assert_int_equal(skn_journal_prepare(s.journal, &is_ready, NULL), SKN_OK);
        assert_int_equal(is_ready, steps == 3);
        assert_int_equal(skn_journal_close(s.journal, NULL), SKN_OK);
        s.journal = NULL;
        assert_int_equal(count_unfinished(&s), 0);
        assert_int_equal(count_segments(&s), 1);
        scene_fini(&s);
    }
}

/* [E8] A full disk: what waits to be written over gives its room, before the reserve is asked. */
static void old_files_give_their_room_to_a_full_disk(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    for (int i = 0; i < 60; i++)
        put(&s, 8, 4000);
    s.marks[8] = 60;
    assert_int_equal(trim(&s), SKN_OK);
    /* Two old files of 64 KiB, and the disk is full: a segment for a large record needs both. */
    struct skn_disk_space space;
    assert_int_equal(skn_env_space(s.options.env, "/j", &space, NULL), SKN_OK);
    skn_env_sim_set_disk(s.sim, space.total_bytes - space.free_bytes);
    static uint8_t batch[100000];
    struct skn_record record = {.shard = 8,
                                .index = s.next[8]++,
                                .term = 1,
                                .stamp = ++s.stamp,
                                .batch = skn_slice(batch, sizeof batch)};
    assert_int_equal(skn_journal_append(s.journal, &record, NULL), SKN_OK);
    assert_int_equal(skn_journal_flush(s.journal, NULL), SKN_OK);
    assert_int_equal(count_unfinished(&s), 0);
    scene_fini(&s);
}

/* [E12] */
static void the_tail_is_what_an_opening_has_to_read(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    for (int i = 0; i < 30; i++)
        put(&s, (uint32_t)(i % 3), 4000);
    struct skn_journal_tail all = tail(&s);
    assert_int_equal(all.records, 30);
    assert_int_equal(all.bytes, 30 * 8192);
    assert_int_equal(all.segments, s.journal->back.count);
    s.marks[0] = 10;
    s.marks[1] = 10;
    assert_int_equal(tail(&s).records, 10);
    assert_true(tail(&s).segments + 1 >= all.segments); /* shard 2 is everywhere but in the first */
    s.marks[2] = 9;
    struct skn_journal_tail some = tail(&s);
    assert_int_equal(some.records, 1);
    assert_int_equal(some.segments, 1);
    assert_true(some.bytes < all.bytes);
    assert_int_equal(trim(&s), SKN_OK);
    assert_int_equal(tail(&s).bytes, some.bytes);
    skn_journal_abandon(s.journal); /* and the same after an opening, with the copied group */
    scene_open(&s, NULL, NULL);
    assert_int_equal(tail(&s).records, 1);
    assert_int_equal(tail(&s).bytes, some.bytes + 8192);
    scene_fini(&s);
}

/* [E5] A checkpoint moves the lower bound, whether or not it lets a segment go. */
static void a_trim_moves_the_bound(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    put(&s, 1, 100);
    put(&s, 1, 100);
    assert_int_equal(s.journal->back.super.bound, 0);
    assert_int_equal(trim(&s), SKN_OK);
    assert_int_equal(s.journal->back.super.bound, 2);
    uint64_t changes = skn_env_sim_changes(s.sim);
    assert_int_equal(trim(&s), SKN_OK);
    assert_int_equal(skn_env_sim_changes(s.sim), changes);
    scene_fini(&s);
}

/* A reader has given some records when the owner trims and writes over what it still has to read. */
struct late {
    struct scene *scene;
    uint64_t given;
    uint64_t at;
};

static enum skn_rc trim_meanwhile(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    struct late *late = ctx;
    bool is_ready = false;
    if (++late->given != late->at) return SKN_OK;
    assert_int_equal(trim(late->scene), SKN_OK);
    while (late->scene->journal->back.at < 32 << 10)
        put(late->scene, 8, 4000);
    for (int i = 0; !is_ready && i < 10; i++)
        assert_int_equal(skn_journal_prepare(late->scene->journal, &is_ready, NULL), SKN_OK);
    return SKN_OK;
}

/* [E1] Never silently fewer records: it is told to begin again, or has all of them. */
static void a_reader_that_is_overtaken_by_a_trim_is_told(void **state)
{
    (void)state;
    uint64_t told = 0;
    for (uint64_t at = 1; at <= 59; at++) {
        struct scene s;
        struct skn_diag diag = {0};
        scene_init(&s);
        for (int i = 0; i < 60; i++)
            put(&s, 8, 4000);
        s.marks[8] = 60;
        struct late late = {.scene = &s, .at = at};
        enum skn_rc rc = skn_journal_read(s.options.env, "/j", trim_meanwhile, &late, NULL, &diag);
        told += rc == SKN_EBUSY;
        if (rc == SKN_EBUSY) assert_non_null(strstr(diag.text, "begin again"));
        if (rc != SKN_EBUSY) assert_int_equal(rc, SKN_OK);
        if (rc == SKN_OK) assert_int_equal(late.given, 59);
        struct seen seen = {0};
        assert_int_equal(skn_journal_read(s.options.env, "/j", note, &seen, NULL, NULL), SKN_OK);
        assert_false(seen.has_gap);
        scene_fini(&s);
    }
    assert_in_range(told, 20, 58);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_that_interleave_are_trimmed_to_their_marks_and_no_further),
        cmocka_unit_test(a_shard_of_which_nothing_is_left_goes_on_where_its_store_is),
        cmocka_unit_test(a_shard_without_a_mark_keeps_its_records),
        cmocka_unit_test(a_trimmed_segment_that_comes_back_is_ignored_and_removed),
        cmocka_unit_test(a_trimmed_file_is_written_over_and_used_again),
        cmocka_unit_test(a_clean_stop_leaves_no_temporary_names),
        cmocka_unit_test(old_files_give_their_room_to_a_full_disk),
        cmocka_unit_test(the_tail_is_what_an_opening_has_to_read),
        cmocka_unit_test(a_trim_moves_the_bound),
        cmocka_unit_test(a_reader_that_is_overtaken_by_a_trim_is_told),
    };
    return cmocka_run_group_tests_name("journal_trim", tests, NULL, NULL);
}
