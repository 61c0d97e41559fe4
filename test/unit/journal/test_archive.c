/* test_archive.c - what trim lets go is kept in another folder, and read in front of the rest [E70]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/rng.h"
#include "env/env_sim.h"
#include "journal/files_internal.h"
#include "kit.h"

enum { STEPS = 400, SEEDS = 20 };

struct world {
    struct skn_rng rng;
    struct skn_env_sim *sim;
    struct skn_journal_options options;
    struct skn_journal *journal;
    uint64_t last;  /* record that was flushed */
    uint64_t group; /* how many records the last flush had */
    uint64_t trims, deaths, reads;
    bool is_wrong;
};

static void open_journal(struct world *w)
{
    struct kit_seen seen = {.next = 0};
    struct skn_diag diag = {.text = ""};
    enum skn_rc rc = skn_journal_open(&w->options, kit_replay, &seen, &w->journal, NULL, &diag);
    if (rc != SKN_OK) print_error("%s\n", diag.text);
    assert_int_equal(rc, SKN_OK);
    skn_journal_archive(w->journal, true);
}

static void world_init(struct world *w, uint64_t seed)
{
    *w = (struct world){.last = 0};
    skn_rng_init(&w->rng, seed);
    w->sim = skn_env_sim_create(seed, 0);
    struct skn_env *env = skn_env_sim_env(w->sim);
    assert_int_equal(skn_env_mkdir(env, "/a", NULL), SKN_OK);
    assert_int_equal(skn_env_sync_dir(env, "/", NULL), SKN_OK);
    w->options = (struct skn_journal_options){.env = env,
                                              .dir = "/j",
                                              .archive = "/a",
                                              .segment_bytes_min = 16 << 10,
                                              .segment_bytes_max = 64 << 10,
                                              .no_reserve = true,
                                              .shards = KIT_SHARDS};
    open_journal(w);
}

static void world_fini(struct world *w)
{
    skn_journal_abandon(w->journal);
    skn_env_sim_destroy(w->sim);
}

static void fill(struct world *w)
{
    w->group = 1 + skn_rng_below(&w->rng, 6);
    for (uint64_t i = 0; i < w->group; i++)
        assert_int_equal(kit_append(w->journal, ++w->last), SKN_OK);
    assert_int_equal(skn_journal_flush(w->journal, NULL), SKN_OK);
}

static void trim(struct world *w)
{
    struct skn_journal_mark marks[KIT_SHARDS];
    uint64_t upto = skn_rng_below(&w->rng, w->last + 1);
    for (uint32_t i = 0; i < KIT_SHARDS; i++)
        marks[i] = (struct skn_journal_mark){i, upto / KIT_SHARDS};
    assert_int_equal(skn_journal_trim(w->journal, marks, KIT_SHARDS, NULL), SKN_OK);
    w->trims++;
}

static void die(struct world *w)
{
    skn_journal_abandon(w->journal);
    w->journal = NULL;
    if (skn_rng_chance(&w->rng, 1, 2))
        skn_env_sim_kill(w->sim);
    else
        skn_env_sim_power_cut(w->sim, (enum skn_cut)skn_rng_below(&w->rng, SKN_CUT_COUNT));
    w->deaths++;
}

/* From the first record on, up to the last group but one at least. */
static void read_all(struct world *w)
{
    struct kit_seen seen = {.next = 1};
    struct skn_journal_info info = {0};
    struct skn_diag diag = {.text = ""};
    enum skn_rc rc =
        skn_journal_read_archive(w->options.env, "/j", "/a", 0, kit_replay, &seen, &info, &diag);
    w->reads++;
    w->is_wrong |= rc != SKN_OK || info.oldest != 1 || seen.next <= w->last - w->group;
    if (w->is_wrong && !skn_bug(SKN_BUG_TRIM_NOT_KEPT)) fail_msg("%d %s", rc, diag.text);
}

static void run(uint64_t seed, struct world *total)
{
    struct world w;
    world_init(&w, seed);
    fill(&w);
    for (int i = 0; i < STEPS && !w.is_wrong; i++) {
        uint64_t what = skn_rng_below(&w.rng, 100);
        if (what < 80) {
            fill(&w);
        } else if (what < 90) {
            trim(&w);
        } else if (what < 95) {
            die(&w);
            read_all(&w);
            open_journal(&w);
        } else if (what < 97) {
            assert_int_equal(skn_journal_close(w.journal, NULL), SKN_OK);
            open_journal(&w);
        } else {
            read_all(&w);
        }
    }
    total->trims += w.trims;
    total->deaths += w.deaths;
    total->reads += w.reads;
    total->is_wrong |= w.is_wrong;
    world_fini(&w);
}

static void every_record_since_the_first_can_be_read(void **state)
{
    (void)state;
    struct world total = {.last = 0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run(seed, &total);
    printf("covered: %llu trims, %llu deaths, %llu times all was read\n",
           (unsigned long long)total.trims,
           (unsigned long long)total.deaths,
           (unsigned long long)total.reads);
    assert_true(total.trims > 10 * SEEDS && total.deaths > 5 * SEEDS);
}

static void a_trim_that_keeps_nothing_is_found(void **state)
{
    (void)state;
    struct world total = {.last = 0};
    enum skn_bug before = skn_bug_plant(SKN_BUG_TRIM_NOT_KEPT);
    for (uint64_t seed = 1; seed <= SEEDS && skn_bug(SKN_BUG_TRIM_NOT_KEPT); seed++)
        run(seed, &total);
    assert_true(total.is_wrong || !skn_bug(SKN_BUG_TRIM_NOT_KEPT));
    (void)skn_bug_plant(before);
}

/* Only what is wanted is read: the first segments stay where they are. */
static void older_segments_than_asked_for_are_left_out(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 7);
    for (int i = 0; i < 200; i++)
        fill(&w);
    struct skn_journal_mark marks[KIT_SHARDS];
    for (uint32_t i = 0; i < KIT_SHARDS; i++)
        marks[i] = (struct skn_journal_mark){i, w.last / KIT_SHARDS};
    assert_int_equal(skn_journal_trim(w.journal, marks, KIT_SHARDS, NULL), SKN_OK);
    struct kit_seen seen = {.next = 0};
    struct skn_journal_info info;
    struct skn_env *env = w.options.env;
    assert_int_equal(skn_journal_peek(env, "/j", &info, NULL), SKN_OK);
    uint64_t oldest = info.oldest;
    assert_true(oldest > 4);
    assert_int_equal(
        skn_journal_read_archive(env, "/j", "/a", oldest - 2, kit_replay, &seen, &info, NULL),
        SKN_OK);
    assert_int_equal(info.oldest, oldest - 2);
    assert_int_equal(skn_env_unlink(env, "/a/0000000000000002.seg", NULL), SKN_OK);
    assert_int_equal(skn_journal_peek_archive(env, "/j", "/a", 0, &info, NULL), SKN_OK);
    assert_int_equal(info.oldest, 3); /* as far back as none is missing */
    assert_true(info.is_trimmed);
    world_fini(&w);
}

/* A segment that was moved is checked like the others. */
static void damage_in_the_archive_is_named(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 11);
    for (int i = 0; i < 100; i++)
        fill(&w);
    struct skn_journal_mark marks[KIT_SHARDS];
    for (uint32_t i = 0; i < KIT_SHARDS; i++)
        marks[i] = (struct skn_journal_mark){i, w.last / KIT_SHARDS};
    assert_int_equal(skn_journal_trim(w.journal, marks, KIT_SHARDS, NULL), SKN_OK);
    const char *segment = "/a/0000000000000002.seg";
    for (uint64_t offset = SKN_JF_BLOCK + 100; offset < 2 * SKN_JF_BLOCK; offset += 977) {
        struct kit_seen seen = {.next = 1};
        struct skn_diag diag = {.text = ""};
        assert_true(skn_env_sim_flip(w.sim, segment, offset, (unsigned)offset % 8));
        assert_int_equal(
            skn_journal_read_archive(w.options.env, "/j", "/a", 0, kit_replay, &seen, NULL, &diag),
            SKN_ECORRUPT);
        assert_non_null(strstr(diag.text, segment));
        assert_int_equal(seen.next, 1); /* nobody was given a record */
        assert_true(skn_env_sim_flip(w.sim, segment, offset, (unsigned)offset % 8));
    }
    w.is_wrong = false;
    read_all(&w);
    world_fini(&w);
}

static void set_segment_level(struct skn_env *env, const char *path, uint32_t level)
{
    struct skn_file *file = NULL;
    struct skn_jf_segment segment;
    uint8_t block[SKN_JF_BLOCK];
    size_t len;
    assert_int_equal(skn_env_open(env, path, SKN_OPEN_WRITE, &file, NULL), SKN_OK);
    assert_int_equal(skn_file_pread(file, 0, block, sizeof block, &len, NULL), SKN_OK);
    assert_int_equal(skn_jf_get_segment(skn_slice(block, sizeof block), &segment, NULL), SKN_OK);
    segment.level = level;
    skn_jf_put_segment(&segment, block);
    assert_int_equal(skn_file_pwrite(file, 0, block, sizeof block, NULL), SKN_OK);
    skn_file_close(file);
}

/* A journal of level 1 stays one: its segments and its superblock [E70]. */
static void a_journal_keeps_the_level_it_was_made_with(void **state)
{
    (void)state;
    struct world w;
    struct skn_journal_info info;
    world_init(&w, 3);
    struct skn_env *env = w.options.env;
    assert_int_equal(skn_journal_peek(env, "/j", &info, NULL), SKN_OK);
    assert_int_equal(info.level, SKN_JF_LEVEL);
    assert_int_equal(skn_journal_close(w.journal, NULL), SKN_OK);
    set_segment_level(env, "/j/0000000000000001.seg", 1);
    struct skn_file *file = NULL;
    struct skn_jf_super super;
    size_t len;
    bool has_bad_slot;
    assert_int_equal(skn_env_open(env, "/j/super", SKN_OPEN_WRITE, &file, NULL), SKN_OK);
    assert_int_equal(skn_jf_read_super(file, "/j", &super, &has_bad_slot, NULL), SKN_OK);
    super.level = 1;
    assert_int_equal(skn_jf_write_super(file, &super, NULL), SKN_OK);
    assert_int_equal(skn_jf_write_super(file, &super, NULL), SKN_OK);
    skn_file_close(file);
    open_journal(&w);
    for (int i = 0; i < 100; i++)
        fill(&w);
    die(&w);
    open_journal(&w);
    assert_int_equal(skn_journal_peek(env, "/j", &info, NULL), SKN_OK);
    assert_int_equal(info.level, 1);
    uint8_t block[SKN_JF_BLOCK];
    struct skn_jf_segment segment;
    assert_int_equal(skn_jf_open_segment(env, "/j", info.oldest + 3, SKN_OPEN_READ, &file, NULL),
                     SKN_OK);
    assert_int_equal(skn_file_pread(file, 0, block, sizeof block, &len, NULL), SKN_OK);
    assert_int_equal(skn_jf_get_segment(skn_slice(block, sizeof block), &segment, NULL), SKN_OK);
    assert_int_equal(segment.level, 1);
    skn_file_close(file);
    world_fini(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_since_the_first_can_be_read),
        cmocka_unit_test(a_trim_that_keeps_nothing_is_found),
        cmocka_unit_test(older_segments_than_asked_for_are_left_out),
        cmocka_unit_test(damage_in_the_archive_is_named),
        cmocka_unit_test(a_journal_keeps_the_level_it_was_made_with),
    };
    return cmocka_run_group_tests_name("journal/archive", tests, NULL, NULL);
}
