/* test_dump.c - a dump shows what is there, as far as it is whole, and changes nothing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include "base/rng.h"
#include "env/env_sim.h"
#include "journal/journal_internal.h"

enum { RECORDS = 40, FLIPS = 400 };

struct scene {
    struct skn_env_sim *sim;
    struct skn_journal_options options;
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

/* Several segments of two generations, without a seal. */
static struct skn_journal *scene_init(struct scene *s)
{
    *s = (struct scene){.sim = skn_env_sim_create(5, 0)};
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
    return journal;
}

/* What a dump gave, checked while it comes. */
struct shown {
    uint64_t segments;
    uint64_t groups;
    uint64_t records;
    uint64_t bytes; /* of the records of the last group */
    uint64_t next;  /* number of the record that is due */
    uint64_t torn;  /* groups that are not whole */
    struct skn_journal_dump_segment segment;
    struct skn_journal_dump_group group;
    struct skn_journal_dump_record last[KIT_SHARDS];
    uint64_t fail_at; /* the record at which it is told to stop */
};

static enum skn_rc
on_segment(void *ctx, const struct skn_journal_dump_segment *segment, struct skn_diag *diag)
{
    struct shown *shown = ctx;
    if (shown->segments > 0) assert_int_equal(segment->number, shown->segment.number + 1);
    if (shown->segments > 0) assert_true(segment->generation >= shown->segment.generation);
    assert_true(segment->first_group == shown->group.number + 1);
    shown->segment = *segment;
    shown->segments++;
    return SKN_OK;
}

static enum skn_rc
on_group(void *ctx, const struct skn_journal_dump_group *group, struct skn_diag *diag)
{
    struct shown *shown = ctx;
    assert_int_equal(group->number, shown->group.number + 1);
    assert_int_equal(group->segment, shown->segment.number);
    assert_int_equal(group->generation, shown->segment.generation);
    assert_int_equal(group->offset % SKN_JF_BLOCK, 0);
    assert_true(group->offset + group->length <= shown->segment.length);
    if (shown->group.segment == group->segment && shown->group.number > 0)
        assert_int_equal(group->offset, shown->group.offset + shown->group.length);
    assert_int_equal(shown->bytes, shown->group.records_bytes);
    shown->group = *group;
    shown->groups += group->is_whole;
    shown->torn += !group->is_whole;
    shown->bytes = 0;
    return SKN_OK;
}

static enum skn_rc
on_record(void *ctx, const struct skn_journal_dump_record *record, struct skn_diag *diag)
{
    struct shown *shown = ctx;
    const struct skn_record *r = record->record;
    struct skn_journal_dump_record *last = &shown->last[r->shard];
    struct kit_seen seen = {.next = shown->next};
    assert_true(shown->group.is_whole);
    assert_int_equal(record->group, shown->group.number);
    assert_int_equal(record->offset, shown->group.offset + SKN_JF_GROUP_HEAD + shown->bytes);
    assert_int_equal(kit_replay(&seen, r, NULL), SKN_OK);
    assert_int_equal(record->prev_lo, last->hash_lo);
    assert_int_equal(record->prev_hi, last->hash_hi);
    *last = *record;
    shown->bytes += record->length;
    shown->next = seen.next;
    shown->records++;
    if (shown->records == shown->fail_at) return SKN_FAIL(diag, SKN_EINTERRUPTED, "enough");
    return SKN_OK;
}

static enum skn_rc dump(const struct scene *s,
                        struct shown *shown,
                        struct skn_journal_info *out_info,
                        struct skn_diag *diag)
{
    const struct skn_journal_dump_to to = {shown, on_segment, on_group, on_record};
    shown->next = 1;
    return skn_journal_dump(s->options.env, "/j", &to, out_info, diag);
}

static void all_that_is_there_is_shown_beside_a_living_owner(void **state)
{
    (void)state;
    struct scene s;
    struct shown shown = {0};
    struct skn_journal_info info;
    struct skn_journal *journal = scene_init(&s);
    uint64_t changes = skn_env_sim_changes(s.sim);
    assert_int_equal(dump(&s, &shown, &info, NULL), SKN_OK);
    assert_int_equal(skn_env_sim_changes(s.sim), changes);
    assert_int_equal(shown.records, RECORDS);
    assert_int_equal(shown.groups, RECORDS);
    assert_int_equal(shown.torn, 0);
    assert_int_equal(shown.segments, info.segments);
    assert_int_equal(shown.segment.generation, 2);
    assert_int_equal(info.records, RECORDS);
    assert_false(shown.group.is_sure); /* the last group may not be durable [E81] */
    assert_int_equal(skn_journal_idle(journal, NULL), SKN_OK);
    shown = (struct shown){0};
    assert_int_equal(dump(&s, &shown, NULL, NULL), SKN_OK);
    assert_true(shown.group.is_sure);
    kit_fill(journal, RECORDS + 1, RECORDS + 2);
    assert_int_equal(skn_journal_close(journal, NULL), SKN_OK);
    shown = (struct shown){0};
    assert_int_equal(dump(&s, &shown, &info, NULL), SKN_OK);
    assert_int_equal(shown.records, RECORDS + 2);
    assert_true(info.was_sealed && shown.group.is_sure);

    const struct skn_journal_dump_to nobody = {NULL, NULL, NULL, NULL};
    assert_int_equal(skn_journal_dump(s.options.env, "/j", &nobody, &info, NULL), SKN_OK);
    assert_int_equal(info.records, RECORDS + 2);
    assert_int_equal(skn_journal_dump(s.options.env, "/no", &nobody, &info, NULL), SKN_ENOENT);
    skn_env_sim_destroy(s.sim);
}

static void who_is_given_a_dump_may_end_it(void **state)
{
    (void)state;
    struct scene s;
    struct skn_diag diag = {0};
    skn_journal_abandon(scene_init(&s));
    struct shown shown = {.fail_at = 7};
    assert_int_equal(dump(&s, &shown, NULL, &diag), SKN_EINTERRUPTED);
    assert_string_equal(diag.text, "enough");
    assert_int_equal(shown.records, 7);
    skn_env_sim_destroy(s.sim);
}

/* A dump of what an opening refuses names the same damage, and shows a beginning of the records. */
static void assert_same_damage(struct scene *s, uint64_t *out_records)
{
    struct shown shown = {0};
    struct skn_journal *journal = NULL;
    struct skn_diag why = {0}, diag = {0};
    uint64_t changes = skn_env_sim_changes(s->sim);
    enum skn_rc rc = dump(s, &shown, NULL, &diag);
    assert_int_equal(skn_env_sim_changes(s->sim), changes);
    enum skn_rc opened = skn_journal_open(&s->options, NULL, NULL, &journal, NULL, &why);
    skn_journal_abandon(journal);
    if (rc != opened || (rc != SKN_OK && strcmp(diag.text, why.text) != 0))
        fail_msg("dump: %d %s, opening: %d %s", (int)rc, diag.text, (int)opened, why.text);
    assert_int_equal(shown.records, shown.next - 1);
    *out_records = shown.records;
}

static void over_damage_it_shows_what_is_before_it(void **state)
{
    (void)state;
    struct scene s;
    struct skn_rng rng;
    uint64_t some = 0, records = 0;
    skn_journal_abandon(scene_init(&s));
    skn_rng_init(&rng, 23);
    for (uint64_t i = 0; i < FLIPS; i++) {
        struct scene copy = s;
        char path[40] = "/j/";
        copy.sim = skn_env_sim_copy(s.sim, i);
        copy.options.env = skn_env_sim_env(copy.sim);
        skn_jf_segment_name(skn_rng_range(&rng, 1, 4), path + 3);
        uint64_t offset = skn_rng_below(&rng, 32 << 10);
        if (i % 2 == 0) offset = offset / SKN_JF_BLOCK * SKN_JF_BLOCK + offset % 90;
        if (i % 50 == 49)
            assert_int_equal(skn_env_unlink(copy.options.env, path, NULL), SKN_OK);
        else
            assert_true(skn_env_sim_flip(copy.sim, path, offset, (unsigned)i));
        assert_same_damage(&copy, &records);
        some += records > 0 && records < RECORDS;
        skn_env_sim_destroy(copy.sim);
    }
    assert_true(some > FLIPS / 4);
    skn_env_sim_destroy(s.sim);
}

/* Each of the segments has a bad header: what is before it is shown. */
static void a_bad_header_hides_nothing_before_it(void **state)
{
    (void)state;
    struct scene s;
    uint64_t records = 0, before = 0;
    skn_journal_abandon(scene_init(&s));
    for (uint64_t n = 1; n <= 4; n++) {
        struct scene copy = s;
        char path[40] = "/j/";
        copy.sim = skn_env_sim_copy(s.sim, n);
        copy.options.env = skn_env_sim_env(copy.sim);
        skn_jf_segment_name(n, path + 3);
        assert_true(skn_env_sim_flip(copy.sim, path, 100, 1));
        assert_same_damage(&copy, &records);
        assert_true(n == 1 ? records == 0 : records > before);
        before = records;
        skn_env_sim_destroy(copy.sim);
    }
    skn_env_sim_destroy(s.sim);
}

/* [E4] A group that was written in part is no damage: its bytes are told. */
static void a_torn_tail_is_told_and_not_shown(void **state)
{
    (void)state;
    struct scene s;
    struct shown shown = {0};
    struct skn_journal_info info;
    struct skn_journal *journal = scene_init(&s);
    char path[40] = "/j/";
    skn_jf_segment_name(journal->back.super.newest, path + 3);
    uint64_t at = journal->back.at;
    kit_fill(journal, RECORDS + 1, RECORDS + 1);
    skn_journal_abandon(journal);
    struct skn_file *file = NULL;
    static const uint8_t zeros[SKN_JF_SECTOR];
    assert_int_equal(skn_env_open(s.options.env, path, SKN_OPEN_WRITE, &file, NULL), SKN_OK);
    assert_int_equal(skn_file_pwrite(file, at + SKN_JF_SECTOR, zeros, sizeof zeros, NULL), SKN_OK);
    skn_file_close(file);
    assert_int_equal(dump(&s, &shown, &info, NULL), SKN_OK);
    assert_int_equal(shown.records, RECORDS);
    assert_true(info.torn_bytes > 0);
    skn_env_sim_destroy(s.sim);
}

struct late {
    struct skn_journal *journal;
    uint64_t given;
};

static enum skn_rc
write_meanwhile(void *ctx, const struct skn_journal_dump_record *record, struct skn_diag *diag)
{
    struct late *late = ctx;
    if (++late->given == 3) kit_fill(late->journal, RECORDS + 1, RECORDS + 30);
    return SKN_OK;
}

static enum skn_rc
trim_meanwhile(void *ctx, const struct skn_journal_dump_record *record, struct skn_diag *diag)
{
    struct late *late = ctx;
    const struct skn_journal_mark marks[] = {{0, 1000}, {1, 1000}, {2, 1000}};
    if (++late->given == 3)
        assert_int_equal(skn_journal_trim(late->journal, marks, KIT_SHARDS, NULL), SKN_OK);
    return SKN_OK;
}

static void an_owner_at_work_does_not_disturb_it_unless_he_trims(void **state)
{
    (void)state;
    struct scene s;
    struct late late = {.journal = scene_init(&s)};
    struct skn_journal_dump_to to = {.ctx = &late, .record = write_meanwhile};
    assert_int_equal(skn_journal_dump(s.options.env, "/j", &to, NULL, NULL), SKN_OK);
    assert_int_equal(late.given, RECORDS); /* what was there when it began */
    late.given = 0;
    to.record = trim_meanwhile;
    assert_int_equal(skn_journal_dump(s.options.env, "/j", &to, NULL, NULL), SKN_EBUSY);
    late.given = 10;
    assert_int_equal(skn_journal_dump(s.options.env, "/j", &to, NULL, NULL), SKN_OK);
    skn_journal_abandon(late.journal);
    skn_env_sim_destroy(s.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_there_is_shown_beside_a_living_owner),
        cmocka_unit_test(who_is_given_a_dump_may_end_it),
        cmocka_unit_test(over_damage_it_shows_what_is_before_it),
        cmocka_unit_test(a_bad_header_hides_nothing_before_it),
        cmocka_unit_test(a_torn_tail_is_told_and_not_shown),
        cmocka_unit_test(an_owner_at_work_does_not_disturb_it_unless_he_trims),
    };
    return cmocka_run_group_tests_name("journal_dump", tests, NULL, NULL);
}
