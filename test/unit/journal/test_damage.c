/* test_damage.c - files cut at every byte, turned bits, and files that are gone or swapped: named and
 * refused, or without harm; never silently fewer records. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include "base/bug.h"
#include "base/rng.h"
#include "env/env_sim.h"

#include <xxhash.h>

enum { FLIPS = 1000, RECORDS = 24 };

/* The three ends that a journal can have. */
enum end { END_SEALED, END_KILLED, END_KILLED_IDLE, END_COUNT };

struct scene {
    struct skn_env_sim *sim;
    struct skn_journal_options options;
    uint64_t last;  /* number of the last record */
    uint64_t files; /* segments are 1 .. files */
    enum end end;
};

static struct skn_journal *open_scene(struct scene *s, uint64_t last)
{
    struct kit_seen seen = {.next = 1};
    struct skn_journal *journal = NULL;
    struct skn_diag diag = {0};
    enum skn_rc rc = skn_journal_open(&s->options, kit_replay, &seen, &journal, NULL, &diag);
    if (rc != SKN_OK) fail_msg("%s", diag.text);
    assert_int_equal(seen.next, last + 1);
    return journal;
}

/* Two segments of one generation, then one more generation. */
static void scene_init(struct scene *s, enum end end)
{
    *s = (struct scene){.sim = skn_env_sim_create(5, 0), .end = end};
    s->options = (struct skn_journal_options){.env = skn_env_sim_env(s->sim),
                                              .dir = "/j",
                                              .segment_bytes_min = 32 << 10,
                                              .segment_bytes_max = 64 << 10,
                                              .no_reserve = true,
                                              .shards = KIT_SHARDS};
    struct skn_journal *journal = open_scene(s, 0);
    kit_fill(journal, 1, RECORDS / 2);
    skn_journal_abandon(journal);
    journal = open_scene(s, RECORDS / 2);
    kit_fill(journal, RECORDS / 2 + 1, RECORDS);
    if (end == END_KILLED_IDLE) assert_int_equal(skn_journal_idle(journal, NULL), SKN_OK);
    if (end == END_SEALED)
        assert_int_equal(skn_journal_close(journal, NULL), SKN_OK);
    else
        skn_journal_abandon(journal);
    s->last = RECORDS;
    char path[KIT_PATH], name[SKN_JF_NAME_BYTES];
    struct skn_file *file = NULL;
    for (;; s->files++) {
        skn_jf_segment_name(s->files + 1, name);
        (void)snprintf(path, sizeof path, "/j/%s", name);
        if (skn_env_open(s->options.env, path, SKN_OPEN_READ, &file, NULL) != SKN_OK) break;
        skn_file_close(file);
    }
    assert_true(s->files >= 3);
}

static void scene_fini(struct scene *s)
{
    skn_env_sim_destroy(s->sim);
}

/* File `n` of a scene: 0 is the superblock. */
static void name_file(uint64_t n, char name[SKN_JF_NAME_BYTES], char path[KIT_PATH])
{
    (void)snprintf(name, SKN_JF_NAME_BYTES, "super");
    if (n > 0) skn_jf_segment_name(n, name);
    (void)snprintf(path, KIT_PATH, "/j/%s", name);
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

/* Opening refuses and names the file, and so does verify. */
static void assert_refused(const struct scene *s, const char *name, bool verifies)
{
    struct skn_journal *journal = NULL;
    struct skn_diag diag = {0};
    uint64_t changes = skn_env_sim_changes(s->sim);
    assert_int_equal(skn_journal_open(&s->options, NULL, NULL, &journal, NULL, &diag),
                     SKN_ECORRUPT);
    if (!strstr(diag.text, name)) fail_msg("%s is not named: %s", name, diag.text);
    assert_non_null(strstr(diag.text, "at offset "));
    if (verifies)
        assert_int_equal(skn_journal_verify(s->options.env, "/j", NULL, &diag), SKN_ECORRUPT);
    assert_int_equal(skn_env_sim_changes(s->sim), changes); /* nothing was touched */
}

/* [E1] No segment is ever cut, and none is missing. */
static void a_file_cut_at_any_byte_is_refused_by_name(void **state)
{
    (void)state;
    uint64_t cuts = 0;
    for (enum end end = 0; end < END_COUNT; end++) {
        struct scene s;
        scene_init(&s, end);
        for (uint64_t n = 0; n <= s.files; n++) {
            char name[SKN_JF_NAME_BYTES], path[KIT_PATH];
            name_file(n, name, path);
            struct skn_env_sim *copy = skn_env_sim_copy(s.sim, 1);
            struct scene cut = s;
            cut.sim = copy;
            cut.options.env = skn_env_sim_env(copy);
            struct skn_file *file = NULL;
            assert_int_equal(skn_env_open(cut.options.env, path, SKN_OPEN_WRITE, &file, NULL),
                             SKN_OK);
            /* Every byte with one of the ends; the others are judged by the same code. */
            uint64_t stride = end == END_KILLED ? 1 : 61;
            for (uint64_t size = size_of(&s, path); size > stride; cuts++) {
                size -= stride;
                assert_int_equal(skn_file_truncate(file, size, NULL), SKN_OK);
                assert_refused(&cut, name, size % 16 == 0);
            }
            skn_file_close(file);
            assert_int_equal(skn_env_unlink(cut.options.env, path, NULL), SKN_OK);
            assert_refused(&cut, name, true);
            skn_env_sim_destroy(copy);
        }
        scene_fini(&s);
    }
    print_message("covered: %llu cuts refused by name\n", (unsigned long long)cuts);
}

struct tally {
    uint64_t refused;
    uint64_t harmless; /* all records are there */
    uint64_t shorter;  /* the last group is not */
};

/* One turned bit: what an opening, on a copy of the machine, makes of it. */
static void try_flip(const struct scene *s,
                     const char *name,
                     const char *path,
                     uint64_t offset,
                     unsigned bit,
                     struct tally *tally)
{
    struct skn_env_sim *copy = skn_env_sim_copy(s->sim, offset);
    struct skn_journal_options options = s->options;
    struct skn_journal *journal = NULL;
    struct kit_seen seen = {.next = 1};
    struct skn_diag diag = {0};
    options.env = skn_env_sim_env(copy);
    assert_true(skn_env_sim_flip(copy, path, offset, bit));
    enum skn_rc verified = skn_journal_verify(options.env, "/j", NULL, NULL);
    enum skn_rc rc = skn_journal_open(&options, kit_replay, &seen, &journal, NULL, &diag);
    if (rc != SKN_OK) {
        if (rc != SKN_ECORRUPT || !strstr(diag.text, name))
            fail_msg(
                "%s, offset %llu: %d %s", name, (unsigned long long)offset, (int)rc, diag.text);
        assert_int_equal(verified, SKN_ECORRUPT);
        tally->refused++;
    } else if (seen.next == s->last + 1) {
        tally->harmless++;
    } else {
        /* A group that was never acknowledged could look like this; a promised one may not. */
        if (s->end != END_KILLED || seen.next != s->last)
            fail_msg("%s, offset %llu: only %llu records are back",
                     name,
                     (unsigned long long)offset,
                     (unsigned long long)seen.next - 1);
        tally->shorter++;
    }
    skn_journal_abandon(journal);
    skn_env_sim_destroy(copy);
}

static void a_turned_bit_is_refused_by_name_or_does_no_harm(void **state)
{
    (void)state;
    const char *soak = getenv("SKN_SOAK");
    uint64_t times = soak ? strtoull(soak, NULL, 10) : 1;
    if (times == 0) times = 1;
    struct skn_rng rng;
    skn_rng_init(&rng, 11);
    for (enum end end = 0; end < END_COUNT; end++) {
        struct scene s;
        struct tally tally = {0};
        scene_init(&s, end);
        for (uint64_t i = 0; i < FLIPS * times; i++) {
            char name[SKN_JF_NAME_BYTES], path[KIT_PATH];
            uint64_t n = skn_rng_below(&rng, s.files + 1);
            name_file(n, name, path);
            /* Every second one where the headers are. */
            uint64_t size = i % 2 == 0 && n == 0 ? SKN_JF_SECTOR : size_of(&s, path);
            uint64_t offset = skn_rng_below(&rng, size);
            if (i % 2 == 0) offset = offset / SKN_JF_BLOCK * SKN_JF_BLOCK + offset % 72;
            try_flip(&s, name, path, offset, (unsigned)skn_rng_below(&rng, 8), &tally);
        }
        print_message("end %d: %llu refused by name, %llu without harm, %llu without the last "
                      "group\n",
                      (int)end,
                      (unsigned long long)tally.refused,
                      (unsigned long long)tally.harmless,
                      (unsigned long long)tally.shorter);
        assert_true(tally.refused > FLIPS / 4);
        scene_fini(&s);
    }
}

#ifdef SKN_DEBUG
/* A checksum that is not looked at must be noticed by the test above. */
static void a_reader_that_believes_bodies_is_found_out(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, END_SEALED);
    enum skn_bug before = skn_bug_plant(SKN_BUG_TORN_GROUP);
    uint64_t wrong = 0;
    for (uint64_t offset = 72; offset < 72 + 200; offset++) {
        struct skn_env_sim *copy = skn_env_sim_copy(s.sim, offset);
        struct kit_seen seen = {.next = 1};
        struct skn_journal *journal = NULL;
        s.options.env = skn_env_sim_env(copy);
        assert_true(skn_env_sim_flip(copy, "/j/0000000000000001.seg", SKN_JF_BLOCK + offset, 3));
        enum skn_rc rc = skn_journal_open(&s.options, kit_replay, &seen, &journal, NULL, NULL);
        wrong += rc == SKN_OK || seen.is_wrong;
        skn_journal_abandon(journal);
        skn_env_sim_destroy(copy);
    }
    (void)skn_bug_plant(before);
    assert_true(wrong > 10);
    scene_fini(&s);
}
#endif

static void zero_sector(const struct scene *s, const char *path, uint64_t offset)
{
    static const uint8_t zeros[SKN_JF_SECTOR];
    struct skn_file *file = NULL;
    assert_int_equal(skn_env_open(s->options.env, path, SKN_OPEN_WRITE, &file, NULL), SKN_OK);
    assert_int_equal(skn_file_pwrite(file, offset, zeros, sizeof zeros, NULL), SKN_OK);
    skn_file_close(file);
}

/* Where the last group of a scene is. */
static uint64_t
last_group_at(const struct scene *s, char name[SKN_JF_NAME_BYTES], char path[KIT_PATH])
{
    uint64_t at = 0, offset = SKN_JF_BLOCK;
    struct skn_file *file = NULL;
    name_file(s->files, name, path);
    assert_int_equal(skn_env_open(s->options.env, path, SKN_OPEN_READ, &file, NULL), SKN_OK);
    for (;; offset += SKN_JF_BLOCK) {
        uint8_t magic[4];
        size_t len = 0;
        assert_int_equal(skn_file_pread(file, offset, magic, sizeof magic, &len, NULL), SKN_OK);
        if (len < sizeof magic || skn_jf_is_zero(skn_slice(magic, len))) break;
        if (memcmp(magic, "skn.", sizeof magic) == 0) at = offset;
    }
    skn_file_close(file);
    assert_true(at > 0);
    return at;
}

#ifdef SKN_DEBUG
/* An opening with a planted bug takes for an end what the right one refuses. */
static void assert_only_bug_opens(struct scene *s, const char *name, enum skn_bug bug)
{
    struct kit_seen seen = {.next = 1};
    struct skn_journal *journal = NULL;
    assert_refused(s, name, true);
    enum skn_bug before = skn_bug_plant(bug);
    assert_int_equal(skn_journal_open(&s->options, kit_replay, &seen, &journal, NULL, NULL),
                     SKN_OK);
    assert_int_equal(seen.next, s->last);
    (void)skn_bug_plant(before);
    skn_journal_abandon(journal);
    scene_fini(s);
}

static void a_reader_that_cuts_every_bad_end_is_found_out(void **state)
{
    (void)state;
    struct scene s;
    char name[SKN_JF_NAME_BYTES], path[KIT_PATH];
    scene_init(&s, END_KILLED);
    uint64_t at = last_group_at(&s, name, path);
    assert_true(skn_env_sim_flip(s.sim, path, at + 100, 1));
    assert_only_bug_opens(&s, name, SKN_BUG_CUT_ANYTHING);
}

static void a_reader_that_forgets_the_bound_is_found_out(void **state)
{
    (void)state;
    struct scene s;
    char name[SKN_JF_NAME_BYTES], path[KIT_PATH];
    scene_init(&s, END_KILLED_IDLE);
    uint64_t at = last_group_at(&s, name, path);
    zero_sector(&s, path, at);
    assert_only_bug_opens(&s, name, SKN_BUG_NO_BOUND);
}
#endif

static void a_hole_before_a_later_group_is_refused(void **state)
{
    (void)state;
    struct scene s;
    char name[SKN_JF_NAME_BYTES], path[KIT_PATH];
    scene_init(&s, END_KILLED);
    uint64_t at = last_group_at(&s, name, path);
    assert_true(at > SKN_JF_BLOCK);
    zero_sector(&s, path, SKN_JF_BLOCK); /* the first group of this segment, as never written */
    assert_refused(&s, name, true);
    scene_fini(&s);
}

/* [E5] */
static void anything_behind_the_seal_is_refused(void **state)
{
    (void)state;
    struct scene s;
    char name[SKN_JF_NAME_BYTES], path[KIT_PATH];
    scene_init(&s, END_SEALED);
    (void)last_group_at(&s, name, path);
    assert_true(skn_env_sim_flip(s.sim, path, size_of(&s, path) - 1, 0));
    assert_refused(&s, name, true);
    scene_fini(&s);
}

/* The opening after a kill copied the last group, and the original is lost. Where the slot that
 * names the copy is lost, too, the copy may not be taken for the rest of an opening that did not
 * end. */
static void a_copy_is_not_removed_when_a_slot_is_bad(void **state)
{
    (void)state;
    struct scene s;
    char name[SKN_JF_NAME_BYTES], path[KIT_PATH];
    scene_init(&s, END_KILLED);
    uint64_t at = last_group_at(&s, name, path);
    skn_journal_abandon(open_scene(&s, RECORDS));
    zero_sector(&s, path, at);
    struct skn_jf_super slots[2];
    struct skn_file *file = NULL;
    assert_int_equal(skn_env_open(s.options.env, "/j/super", SKN_OPEN_READ, &file, NULL), SKN_OK);
    for (uint64_t i = 0; i < 2; i++) {
        uint8_t sector[SKN_JF_SECTOR];
        size_t len = 0;
        assert_int_equal(skn_file_pread(file, i * SKN_JF_BLOCK, sector, sizeof sector, &len, NULL),
                         SKN_OK);
        assert_int_equal(skn_jf_get_super(skn_slice(sector, len), &slots[i], NULL), SKN_OK);
    }
    skn_file_close(file);
    uint64_t newest = slots[1].sequence > slots[0].sequence ? SKN_JF_BLOCK : 0;
    assert_true(skn_env_sim_flip(s.sim, "/j/super", newest + 60, 1));
    name_file(s.files + 1, name, path);
    assert_refused(&s, name, false);
    scene_fini(&s);
}

static void a_file_that_got_longer_is_refused(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, END_KILLED);
    zero_sector(&s, "/j/0000000000000001.seg", size_of(&s, "/j/0000000000000001.seg"));
    assert_refused(&s, "0000000000000001.seg", true);
    scene_fini(&s);
}

/* A group whose checksums are right, with one byte of its record changed and then `says` [E3]. */
static void assert_changed_record_is_refused(size_t offset, uint8_t flip, const char *says)
{
    struct scene s;
    uint8_t block[SKN_JF_BLOCK], bytes[SKN_JF_BLOCK];
    struct skn_jf_segment head;
    struct skn_jf_group group;
    struct skn_file *file = NULL;
    struct skn_journal *journal = NULL;
    struct skn_diag diag;
    size_t len = 0;
    scene_init(&s, END_KILLED);
    const char *path = "/j/0000000000000001.seg";
    assert_int_equal(skn_env_open(s.options.env, path, SKN_OPEN_WRITE, &file, NULL), SKN_OK);
    assert_int_equal(skn_file_pread(file, 0, block, sizeof block, &len, NULL), SKN_OK);
    assert_int_equal(skn_jf_get_segment(skn_slice(block, len), &head, NULL), SKN_OK);
    uint64_t at = 4 * (uint64_t)SKN_JF_BLOCK; /* the fourth group: the second record of its shard */
    assert_int_equal(skn_file_pread(file, at, bytes, sizeof bytes, &len, NULL), SKN_OK);
    assert_true(skn_jf_get_group(skn_slice(bytes, SKN_JF_SECTOR), head.salt, &group));
    bytes[SKN_JF_GROUP_HEAD + offset] ^= flip;
    skn_jf_put_group(&group, head.salt, bytes);
    assert_int_equal(skn_file_pwrite(file, at, bytes, sizeof bytes, NULL), SKN_OK);
    skn_file_close(file);
    assert_int_equal(skn_journal_open(&s.options, NULL, NULL, &journal, NULL, &diag), SKN_ECORRUPT);
    if (!strstr(diag.text, says)) fail_msg("%s", diag.text);
    scene_fini(&s);
}

static void a_record_out_of_its_chain_is_refused(void **state)
{
    (void)state;
    assert_changed_record_is_refused(
        32, 1, "at offset 16384: record 2 of shard 1 does not continue");
}

static void a_record_of_a_shard_that_is_not_there_is_refused(void **state)
{
    (void)state;
    assert_changed_record_is_refused(
        4, 4, "at offset 16384: record 2 is of shard 5, and there are 3");
}

static void copy_file(const struct scene *s, const char *from, const char *to)
{
    struct skn_file *in = NULL, *out = NULL;
    uint64_t size = size_of(s, from);
    size_t got = 0;
    uint8_t *bytes = skn_alloc(size);
    assert_int_equal(skn_env_open(s->options.env, from, SKN_OPEN_READ, &in, NULL), SKN_OK);
    assert_int_equal(skn_file_pread(in, 0, bytes, size, &got, NULL), SKN_OK);
    assert_int_equal(skn_env_open(s->options.env, to, SKN_OPEN_ANY, &out, NULL), SKN_OK);
    assert_int_equal(skn_file_truncate(out, 0, NULL), SKN_OK);
    assert_int_equal(skn_file_pwrite(out, 0, bytes, size, NULL), SKN_OK);
    skn_file_close(in);
    skn_file_close(out);
    skn_free(bytes);
}

static void a_segment_in_the_place_of_another_is_refused(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, END_SEALED);
    copy_file(&s, "/j/0000000000000002.seg", "/j/0000000000000001.seg");
    assert_refused(&s, "0000000000000001.seg", true);
    scene_fini(&s);
}

static void a_segment_from_before_a_later_write_is_refused(void **state)
{
    (void)state;
    struct scene s;
    struct skn_diag diag;
    char name[SKN_JF_NAME_BYTES], path[KIT_PATH];
    scene_init(&s, END_SEALED);
    name_file(s.files, name, path);
    copy_file(&s, path, "/old"); /* a backup of one file, put back later */
    struct skn_journal *journal = open_scene(&s, RECORDS);
    kit_fill(journal, RECORDS + 1, RECORDS + 2);
    assert_int_equal(skn_journal_close(journal, NULL), SKN_OK);
    copy_file(&s, "/old", path);
    assert_refused(&s, name, true);
    assert_int_equal(skn_journal_read(s.options.env, "/j", NULL, NULL, NULL, &diag), SKN_ECORRUPT);
    scene_fini(&s);
}

static void an_older_superblock_does_not_hide_groups(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, END_SEALED);
    copy_file(&s, "/j/super", "/old");
    struct skn_journal *journal = open_scene(&s, RECORDS);
    kit_fill(journal, RECORDS + 1, RECORDS + 2);
    skn_journal_abandon(journal);
    copy_file(&s, "/old", "/j/super");
    char name[SKN_JF_NAME_BYTES], path[KIT_PATH];
    name_file(s.files, name, path);
    assert_refused(&s, name, true); /* something stands behind the seal */
    scene_fini(&s);
}

static void a_newer_level_is_refused_as_such(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, END_SEALED);
    struct skn_jf_super super = {.newest = 1, .oldest = 1, .oldest_group = 1, .shards = 1};
    struct skn_journal *journal = NULL;
    struct skn_file *file = NULL;
    struct skn_diag diag;
    assert_int_equal(skn_env_open(s.options.env, "/j/super", SKN_OPEN_WRITE, &file, NULL), SKN_OK);
    uint8_t sector[SKN_JF_SECTOR];
    skn_jf_put_super(&super, sector);
    sector[8] = SKN_JF_LEVEL + 1;
    uint64_t sum = XXH3_64bits(sector, sizeof sector - 8);
    for (size_t i = 0; i < 8; i++)
        sector[sizeof sector - 8 + i] = (uint8_t)(sum >> (8 * i));
    assert_int_equal(skn_file_pwrite(file, 0, sector, sizeof sector, NULL), SKN_OK);
    skn_file_close(file);
    assert_int_equal(skn_journal_open(&s.options, NULL, NULL, &journal, NULL, &diag), SKN_ENEWER);
    assert_non_null(strstr(diag.text, "format level 3"));
    scene_fini(&s);
}

static void other_names_in_the_folder_are_left_alone(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s, END_KILLED);
    copy_file(&s, "/j/super", "/j/notes.txt");
    copy_file(&s, "/j/super", "/j/left.tmp");
    skn_journal_abandon(open_scene(&s, RECORDS));
    assert_int_equal(size_of(&s, "/j/notes.txt"), SKN_JF_SUPER_BYTES);
    struct skn_file *file = NULL;
    assert_int_equal(skn_env_open(s.options.env, "/j/left.tmp", SKN_OPEN_READ, &file, NULL),
                     SKN_ENOENT);
    scene_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_cut_at_any_byte_is_refused_by_name),
        cmocka_unit_test(a_turned_bit_is_refused_by_name_or_does_no_harm),
#ifdef SKN_DEBUG
        cmocka_unit_test(a_reader_that_believes_bodies_is_found_out),
        cmocka_unit_test(a_reader_that_cuts_every_bad_end_is_found_out),
        cmocka_unit_test(a_reader_that_forgets_the_bound_is_found_out),
#endif
        cmocka_unit_test(a_hole_before_a_later_group_is_refused),
        cmocka_unit_test(anything_behind_the_seal_is_refused),
        cmocka_unit_test(a_copy_is_not_removed_when_a_slot_is_bad),
        cmocka_unit_test(a_file_that_got_longer_is_refused),
        cmocka_unit_test(a_record_out_of_its_chain_is_refused),
        cmocka_unit_test(a_record_of_a_shard_that_is_not_there_is_refused),
        cmocka_unit_test(a_segment_in_the_place_of_another_is_refused),
        cmocka_unit_test(a_segment_from_before_a_later_write_is_refused),
        cmocka_unit_test(an_older_superblock_does_not_hide_groups),
        cmocka_unit_test(a_newer_level_is_refused_as_such),
        cmocka_unit_test(other_names_in_the_folder_are_left_alone),
    };
    return cmocka_run_group_tests_name("journal_damage", tests, NULL, NULL);
}
