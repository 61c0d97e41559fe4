/* test_older.c - a trimmed journal whose files are removed, emptied, cut, flipped or put back from an
 * older copy: named and refused, or harmless; never silently fewer records. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include "base/rng.h"
#include "env/env_sim.h"
#include "journal/files_internal.h"

enum { CUTS = 100, FLIPS = 1000, EARLY = 30, RECORDS = 60, FILES_MAX = 40 };

enum end { END_SEALED, END_KILLED, END_KILLED_IDLE, END_COUNT };

struct scene {
    struct skn_env_sim *sim;
    struct skn_journal_options options;
    struct skn_env_sim *early; /* the machine as it was before half of the records and the trim */
    uint64_t first;            /* number of the first record of a replay */
    enum end end;
    char names[FILES_MAX][SKN_JF_NAME_BYTES]; /* of the journal: superblock, then segments */
    size_t count;
};

static struct skn_journal *open_scene(struct scene *s, struct kit_seen *seen)
{
    struct skn_journal *journal = NULL;
    struct skn_diag diag = {0};
    enum skn_rc rc = skn_journal_open(&s->options, kit_replay, seen, &journal, NULL, &diag);
    if (rc != SKN_OK) fail_msg("%s", diag.text);
    return journal;
}

static size_t list_files(struct skn_env_sim *sim, char names[FILES_MAX][SKN_JF_NAME_BYTES])
{
    struct skn_jf_names found;
    size_t count = 1;
    assert_int_equal(skn_jf_list(skn_env_sim_env(sim), "/j", &found, NULL), SKN_OK);
    assert_true(found.has_super && found.count < FILES_MAX);
    (void)snprintf(names[0], SKN_JF_NAME_BYTES, "super");
    for (size_t i = 0; i < found.count; i++)
        skn_jf_segment_name(found.segments[i], names[count++]);
    skn_jf_names_fini(&found);
    return count;
}

/* Records 1 to 30, a copy of the machine, 10 more, a kill; 15 are in the store and trimmed; 20 more. */
static void scene_init(struct scene *s, enum end end)
{
    const struct skn_journal_mark marks[] = {{0, 5}, {1, 5}, {2, 5}};
    struct kit_seen seen = {.next = 1};
    *s = (struct scene){.sim = skn_env_sim_create(5, 0), .end = end};
    s->options = (struct skn_journal_options){.env = skn_env_sim_env(s->sim),
                                              .dir = "/j",
                                              .segment_bytes_min = 32 << 10,
                                              .segment_bytes_max = 64 << 10,
                                              .no_reserve = true,
                                              .shards = KIT_SHARDS};
    struct skn_journal *journal = open_scene(s, &seen);
    kit_fill(journal, 1, EARLY);
    s->early = skn_env_sim_copy(s->sim, 6);
    kit_fill(journal, EARLY + 1, EARLY + 10);
    skn_journal_abandon(journal);
    seen.next = 1;
    journal = open_scene(s, &seen);
    assert_int_equal(skn_journal_trim(journal, marks, KIT_SHARDS, NULL), SKN_OK);
    kit_fill(journal, EARLY + 11, RECORDS);
    if (end == END_KILLED_IDLE) assert_int_equal(skn_journal_idle(journal, NULL), SKN_OK);
    if (end == END_SEALED)
        assert_int_equal(skn_journal_close(journal, NULL), SKN_OK);
    else
        skn_journal_abandon(journal);
    s->count = list_files(s->sim, s->names);
    assert_true(s->count > 4);

    struct skn_journal_info info;
    assert_int_equal(skn_journal_verify(s->options.env, "/j", &info, NULL), SKN_OK);
    s->first = RECORDS + 1 - info.records;
    assert_in_range(s->first, 2, 16); /* something was trimmed, and nothing behind the marks */
}

static void scene_fini(struct scene *s)
{
    skn_env_sim_destroy(s->early);
    skn_env_sim_destroy(s->sim);
}

struct tally {
    uint64_t refused;
    uint64_t harmless;
    uint64_t shorter; /* the last group is not there, and nobody was promised it */
};

static void path_of(const char *name, char path[KIT_PATH])
{
    (void)snprintf(path, KIT_PATH, "/j/%s", name);
}

/* Opens what became of the machine and takes it. `name` NULL: any file may be named. */
static void
judge(const struct scene *s, struct skn_env_sim *sim, const char *name, struct tally *tally)
{
    struct skn_journal_options options = s->options;
    struct skn_journal *journal = NULL;
    struct kit_seen seen = {.next = s->first};
    struct skn_diag diag = {0};
    options.env = skn_env_sim_env(sim);
    enum skn_rc verified = skn_journal_verify(options.env, "/j", NULL, NULL);
    enum skn_rc rc = skn_journal_open(&options, kit_replay, &seen, &journal, NULL, &diag);
    if (rc != SKN_OK) {
        if (rc != SKN_ECORRUPT || !strstr(diag.text, "damage in \"/j/") ||
            !strstr(diag.text, "at offset ") || (name && !strstr(diag.text, name)))
            fail_msg("%s: %d %s", name ? name : "any", (int)rc, diag.text);
        assert_int_equal(verified, SKN_ECORRUPT);
        tally->refused++;
    } else if (seen.next == RECORDS + 1) {
        tally->harmless++;
    } else {
        if (s->end != END_KILLED || seen.next != RECORDS)
            fail_msg("%s: only %llu records are back",
                     name ? name : "any",
                     (unsigned long long)seen.next - 1);
        tally->shorter++;
    }
    skn_journal_abandon(journal);
    skn_env_sim_destroy(sim);
}

static uint64_t size_of(struct skn_env_sim *sim, const char *path)
{
    struct skn_file *file = NULL;
    uint64_t size = 0;
    struct skn_env *env = skn_env_sim_env(sim);
    assert_int_equal(skn_env_open(env, path, SKN_OPEN_READ, &file, NULL), SKN_OK);
    assert_int_equal(skn_file_size(file, &size, NULL), SKN_OK);
    skn_file_close(file);
    return size;
}

static void cut_file(struct skn_env_sim *sim, const char *path, uint64_t size)
{
    struct skn_file *file = NULL;
    struct skn_env *env = skn_env_sim_env(sim);
    assert_int_equal(skn_env_open(env, path, SKN_OPEN_WRITE, &file, NULL), SKN_OK);
    assert_int_equal(skn_file_truncate(file, size, NULL), SKN_OK);
    skn_file_close(file);
}

static void a_file_that_is_gone_empty_or_cut_is_refused_by_name(void **state)
{
    (void)state;
    struct skn_rng rng;
    struct tally tally = {0};
    skn_rng_init(&rng, 41);
    for (enum end end = 0; end < END_COUNT; end++) {
        struct scene s;
        scene_init(&s, end);
        for (size_t i = 0; i < s.count; i++) {
            char path[KIT_PATH];
            path_of(s.names[i], path);
            struct skn_env_sim *copy = skn_env_sim_copy(s.sim, 1);
            assert_int_equal(skn_env_unlink(skn_env_sim_env(copy), path, NULL), SKN_OK);
            judge(&s, copy, s.names[i], &tally);
            uint64_t size = size_of(s.sim, path);
            for (uint64_t cut = 0; cut < CUTS; cut++) {
                copy = skn_env_sim_copy(s.sim, 1);
                cut_file(copy, path, cut == 0 ? 0 : skn_rng_below(&rng, size));
                judge(&s, copy, s.names[i], &tally);
            }
        }
        scene_fini(&s);
    }
    print_message("%llu refused by name\n", (unsigned long long)tally.refused);
    assert_int_equal(tally.harmless + tally.shorter, 0);
}

static void a_turned_bit_is_refused_by_name_or_does_no_harm(void **state)
{
    (void)state;
    struct skn_rng rng;
    skn_rng_init(&rng, 43);
    for (enum end end = 0; end < END_COUNT; end++) {
        struct scene s;
        struct tally tally = {0};
        scene_init(&s, end);
        for (uint64_t i = 0; i < FLIPS; i++) {
            char path[KIT_PATH];
            size_t n = (size_t)skn_rng_below(&rng, s.count);
            path_of(s.names[n], path);
            uint64_t offset = skn_rng_below(&rng, n == 0 ? SKN_JF_SECTOR : size_of(s.sim, path));
            if (i % 2 == 0) offset = offset / SKN_JF_BLOCK * SKN_JF_BLOCK + offset % 110;
            struct skn_env_sim *copy = skn_env_sim_copy(s.sim, i);
            assert_true(skn_env_sim_flip(copy, path, offset, (unsigned)skn_rng_below(&rng, 8)));
            judge(&s, copy, s.names[n], &tally);
        }
        print_message(
            "end %d: %llu refused by name, %llu without harm, %llu without the last group\n",
            (int)end,
            (unsigned long long)tally.refused,
            (unsigned long long)tally.harmless,
            (unsigned long long)tally.shorter);
        assert_true(tally.refused > FLIPS / 4);
        scene_fini(&s);
    }
}

static void copy_over(struct skn_env_sim *from, struct skn_env_sim *to, const char *path)
{
    static uint8_t bytes[128 << 10];
    struct skn_file *in = NULL, *out = NULL;
    size_t len = 0;
    assert_int_equal(skn_env_open(skn_env_sim_env(from), path, SKN_OPEN_READ, &in, NULL), SKN_OK);
    assert_int_equal(skn_file_pread(in, 0, bytes, sizeof bytes, &len, NULL), SKN_OK);
    assert_true(len < sizeof bytes);
    assert_int_equal(skn_env_open(skn_env_sim_env(to), path, SKN_OPEN_ANY, &out, NULL), SKN_OK);
    assert_int_equal(skn_file_truncate(out, 0, NULL), SKN_OK);
    assert_int_equal(skn_file_pwrite(out, 0, bytes, len, NULL), SKN_OK);
    skn_file_close(in);
    skn_file_close(out);
}

/* [E5] One file of a copy that is older than the bound and the trim: a segment that lacks groups is
 * refused (at the place where the first of them is missed, which may be in the next segment), one
 * that was trimmed since is of no interest, and a superblock that names trimmed segments is
 * refused. */
static void a_file_from_an_older_copy_is_refused_or_does_no_harm(void **state)
{
    (void)state;
    struct tally all = {0};
    for (enum end end = 0; end < END_COUNT; end++) {
        struct scene s;
        struct tally tally = {0};
        char early[FILES_MAX][SKN_JF_NAME_BYTES];
        scene_init(&s, end);
        size_t count = list_files(s.early, early);
        for (size_t i = 0; i < count; i++) {
            char path[KIT_PATH];
            path_of(early[i], path);
            struct skn_env_sim *copy = skn_env_sim_copy(s.sim, 1);
            copy_over(s.early, copy, path);
            judge(&s, copy, NULL, &tally);
        }
        assert_int_equal(tally.shorter, 0);
        all.refused += tally.refused;
        all.harmless += tally.harmless;
        scene_fini(&s);
    }
    print_message("%llu refused, %llu without harm\n",
                  (unsigned long long)all.refused,
                  (unsigned long long)all.harmless);
    assert_true(all.refused >= 2 * END_COUNT && all.harmless >= END_COUNT);
}

/* [E5] All of the journal, from an older copy, cannot be told; its parts together can: every segment,
 * with the superblock of today. */
static void older_segments_under_a_newer_superblock_are_refused(void **state)
{
    (void)state;
    for (enum end end = 0; end < END_COUNT; end++) {
        struct scene s;
        struct tally tally = {0};
        scene_init(&s, end);
        struct skn_env_sim *copy = skn_env_sim_copy(s.early, 1);
        copy_over(s.sim, copy, "/j/super");
        judge(&s, copy, NULL, &tally);
        assert_int_equal(tally.refused, 1);
        scene_fini(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_is_gone_empty_or_cut_is_refused_by_name),
        cmocka_unit_test(a_turned_bit_is_refused_by_name_or_does_no_harm),
        cmocka_unit_test(a_file_from_an_older_copy_is_refused_or_does_no_harm),
        cmocka_unit_test(older_segments_under_a_newer_superblock_are_refused),
    };
    return cmocka_run_group_tests_name("journal_older", tests, NULL, NULL);
}
