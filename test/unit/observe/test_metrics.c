/* test_metrics.c - counts against an array, and their text against a strict reading of the format. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/observe.h"

#include "base/rng.h"
#include "lib/test.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 100000, TEXT_MAX = 1 << 20 };

static const uint64_t seed = 42;

/* --- a checker of the Prometheus text format 0.0.4, stricter where the format leaves a choice --- */

struct sample {
    char name[80];
    char label[40]; /* all but le, as written */
    char le[24];
    char value[32];
};

struct family {
    char name[80];
    char type[16];
    char last_label[40];
    double last_le;
    uint64_t last_count; /* of the last bucket */
    int state;           /* of a histogram: 0 buckets, 1 wants sum, 2 wants count */
    unsigned samples;
};

static const char *take_name(const char *at, char *out, size_t size)
{
    size_t n = 0;
    if (!isalpha((unsigned char)*at) && *at != '_' && *at != ':') fail_msg("bad name: %.40s", at);
    while (isalnum((unsigned char)*at) || *at == '_' || *at == ':') {
        assert_true(n + 1 < size);
        out[n++] = *at++;
    }
    out[n] = '\0';
    return at;
}

static const char *take(const char *at, const char *text)
{
    if (strncmp(at, text, strlen(text)) != 0) fail_msg("wants \"%s\", has: %.40s", text, at);
    return at + strlen(text);
}

/* {name="value",..}: at most one besides le, and le last. */
static const char *take_labels(const char *at, struct sample *s)
{
    for (at = take(at, "{"); *at != '}';) {
        char name[40];
        char value[24];
        size_t n = 0;
        at = take(take_name(at, name, sizeof name), "=\"");
        for (; *at != '"'; at++) {
            assert_true(*at != '\n' && *at != '\\' && n + 1 < sizeof value);
            value[n++] = *at;
        }
        value[n] = '\0';
        at++;
        assert_true(s->le[0] == '\0');
        bool is_le = strcmp(name, "le") == 0;
        if (is_le) (void)snprintf(s->le, sizeof s->le, "%s", value);
        if (!is_le) assert_true(s->label[0] == '\0');
        if (!is_le) (void)snprintf(s->label, sizeof s->label, "%.12s=%s", name, value);
        if (*at == ',') at++;
        if (at[-1] == ',') assert_true(*at != '}');
    }
    return at + 1;
}

static const char *take_sample(const char *at, struct sample *s)
{
    *s = (struct sample){0};
    at = take_name(at, s->name, sizeof s->name);
    if (*at == '{') at = take_labels(at, s);
    at = take(at, " ");
    size_t n = strcspn(at, "\n");
    assert_in_range(n, 1, sizeof s->value - 1);
    memcpy(s->value, at, n);
    char *end;
    (void)strtod(s->value, &end);
    assert_true(*end == '\0' && !isspace((unsigned char)s->value[0]));
    return take(at + n, "\n");
}

static void check_bucket(struct family *f, const struct sample *s)
{
    assert_int_equal(f->state, 0);
    double le = strtod(s->le, NULL);
    uint64_t count = strtoull(s->value, NULL, 10);
    if (f->last_count != UINT64_MAX) {
        assert_string_equal(s->label, f->last_label);
        assert_true(le > f->last_le);
        assert_true(count >= f->last_count);
    }
    f->last_le = le;
    f->last_count = count;
    (void)snprintf(f->last_label, sizeof f->last_label, "%s", s->label);
    if (strcmp(s->le, "+Inf") == 0) f->state = 1;
}

/* Buckets up to +Inf, then the sum, then a count that is equal to the last bucket. */
static void check_histogram(struct family *f, const struct sample *s)
{
    const char *suffix = s->name + strlen(f->name);
    if (strcmp(suffix, "_bucket") == 0) {
        assert_true(s->le[0] != '\0');
        check_bucket(f, s);
        return;
    }
    assert_true(s->le[0] == '\0');
    assert_string_equal(s->label, f->last_label);
    if (f->state == 1) {
        assert_string_equal(suffix, "_sum");
        f->state = 2;
    } else {
        assert_int_equal(f->state, 2);
        assert_string_equal(suffix, "_count");
        assert_int_equal(strtoull(s->value, NULL, 10), f->last_count);
        f->state = 0;
        f->last_count = UINT64_MAX;
    }
}

static const char *take_head(const char *at, struct family *f)
{
    *f = (struct family){.last_count = UINT64_MAX};
    char again[80];
    at = take(take_name(take(at, "# HELP "), f->name, sizeof f->name), " ");
    size_t help = strcspn(at, "\n\\");
    assert_true(help > 0 && at[help] == '\n');
    at = take(take_name(take(at + help, "\n# TYPE "), again, sizeof again), " ");
    assert_string_equal(again, f->name);
    at = take(take_name(at, f->type, sizeof f->type), "\n");
    assert_true(strcmp(f->type, "counter") == 0 || strcmp(f->type, "gauge") == 0 ||
                strcmp(f->type, "histogram") == 0);
    return at;
}

/* Returns the number of families, each with a name of its own. */
static unsigned check_text(const char *at)
{
    static char names[100][80];
    unsigned families = 0;
    while (*at) {
        struct family f;
        at = take_head(at, &f);
        for (unsigned i = 0; i < families; i++)
            assert_string_not_equal(names[i], f.name);
        assert_true(families < SKN_ARRAY_LEN(names));
        memcpy(names[families++], f.name, sizeof f.name);
        bool is_counter = strcmp(f.type, "counter") == 0;
        bool is_total = strlen(f.name) > 6 && strcmp(f.name + strlen(f.name) - 6, "_total") == 0;
        assert_int_equal(is_counter, is_total);
        assert_memory_equal(f.name, "skein_", 6);
        while (*at && *at != '#') {
            struct sample s;
            at = take_sample(at, &s);
            f.samples++;
            assert_memory_equal(s.name, f.name, strlen(f.name));
            if (is_counter) assert_true(s.value[0] != '-');
            if (strcmp(f.type, "histogram") == 0) {
                check_histogram(&f, &s);
            } else {
                assert_string_equal(s.name, f.name);
                assert_true(s.le[0] == '\0');
                assert_true(f.samples == 1 || strcmp(s.label, f.last_label) != 0);
                (void)snprintf(f.last_label, sizeof f.last_label, "%s", s.label);
            }
        }
        assert_int_equal(f.state, 0);
        assert_true(f.samples > 0);
    }
    return families;
}

/* --- tests ------------------------------------------------------------------------------------- */

static const char *text_of(const struct skn_observe *observe, struct skn_buf *buf)
{
    skn_buf_init(buf, TEXT_MAX);
    skn_observe_prometheus(observe, buf);
    assert_int_equal(skn_buf_rc(buf), SKN_OK);
    return skn_buf_str(buf);
}

static void the_text_of_a_new_observe_is_all_zero_and_well_formed(void **state)
{
    (void)state;
    struct skn_observe observe;
    skn_observe_init(&observe);
    struct skn_buf buf;
    const char *text = text_of(&observe, &buf);
    assert_int_equal(check_text(text), SKN_METRIC_COUNT);
    assert_non_null(strstr(text, "\nskein_intents_ended_total{result=\"timeout\"} 0\n"));
    assert_non_null(strstr(text, "\nskein_journal_sync_seconds_bucket{le=\"0.00002\"} 0\n"));
    assert_non_null(strstr(text, "\nskein_journal_sync_seconds_bucket{le=\"+Inf\"} 0\n"));
    skn_buf_fini(&buf);
}

static void amounts_are_written_exactly(void **state)
{
    (void)state;
    struct skn_observe observe;
    skn_observe_init(&observe);
    skn_observe_count(&observe, SKN_METRIC_JOURNAL_BYTES, 0, UINT64_MAX);
    skn_observe_count(&observe, SKN_METRIC_INTENTS_ENDED, SKN_LABEL_RESULT_LOST, 3);
    skn_observe_set(&observe, SKN_METRIC_OPEN_TIME, 0, 12030000000);
    skn_observe_change(&observe, SKN_METRIC_TIMERS_ARMED, 0, -2);
    skn_observe_value(&observe, SKN_METRIC_JOURNAL_SYNC, 0, 20000);      /* on a bound: below it */
    skn_observe_value(&observe, SKN_METRIC_JOURNAL_SYNC, 0, 20001);      /* just above */
    skn_observe_value(&observe, SKN_METRIC_JOURNAL_SYNC, 0, 5000000001); /* above all */
    struct skn_buf buf;
    const char *text = text_of(&observe, &buf);
    check_text(text);
    assert_non_null(strstr(text, "\nskein_journal_bytes_total 18446744073709551615\n"));
    assert_non_null(strstr(text, "\nskein_intents_ended_total{result=\"lost\"} 3\n"));
    assert_non_null(strstr(text, "\nskein_open_seconds 12.03\n"));
    assert_non_null(strstr(text, "\nskein_timers_armed -2\n"));
    assert_non_null(strstr(text, "\nskein_journal_sync_seconds_bucket{le=\"0.00002\"} 1\n"));
    assert_non_null(strstr(text, "\nskein_journal_sync_seconds_bucket{le=\"0.00005\"} 2\n"));
    assert_non_null(strstr(text, "\nskein_journal_sync_seconds_bucket{le=\"5\"} 2\n"));
    assert_non_null(strstr(text, "\nskein_journal_sync_seconds_bucket{le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(text, "\nskein_journal_sync_seconds_sum 5.000040002\n"));
    assert_non_null(strstr(text, "\nskein_journal_sync_seconds_count 3\n"));
    skn_buf_fini(&buf);
}

/* What the test counts by hand, beside. */
struct model {
    uint64_t results[SKN_LABEL_RESULT_COUNT];
    int64_t depth[SKN_LABEL_PRIORITY_COUNT];
    uint64_t syncs;
    uint64_t batches;
};

static void random_act(struct skn_rng *rng, struct skn_observe *o, struct model *m)
{
    unsigned result = (unsigned)skn_rng_below(rng, SKN_LABEL_RESULT_COUNT);
    unsigned priority = (unsigned)skn_rng_below(rng, SKN_LABEL_PRIORITY_COUNT);
    uint64_t n = skn_rng_below(rng, 1000);
    switch (skn_rng_below(rng, 5)) {
    case 0:
        skn_observe_count(o, SKN_METRIC_INTENTS_ENDED, result, n);
        m->results[result] += n;
        break;
    case 1:
        skn_observe_change(o, SKN_METRIC_MAILBOX_DEPTH, priority, (int64_t)n - 500);
        m->depth[priority] += (int64_t)n - 500;
        break;
    case 2:
        skn_observe_set(o, SKN_METRIC_MAILBOX_DEPTH, priority, (int64_t)n);
        m->depth[priority] = (int64_t)n;
        break;
    case 3:
        skn_observe_value(
            o, SKN_METRIC_JOURNAL_SYNC, 0, skn_rng_u64(rng) >> skn_rng_below(rng, 64));
        m->syncs++;
        break;
    default:
        skn_observe_count(o, SKN_METRIC_BATCHES, 0, 1);
        m->batches++;
        break;
    }
}

static void compare(const struct skn_observe *o, const struct model *m)
{
    for (unsigned i = 0; i < SKN_LABEL_RESULT_COUNT; i++)
        assert_int_equal(skn_observe_read(o, SKN_METRIC_INTENTS_ENDED, i), m->results[i]);
    for (unsigned i = 0; i < SKN_LABEL_PRIORITY_COUNT; i++)
        assert_int_equal(skn_observe_read(o, SKN_METRIC_MAILBOX_DEPTH, i), m->depth[i]);
    assert_int_equal(skn_observe_read(o, SKN_METRIC_JOURNAL_SYNC, 0), m->syncs);
    assert_int_equal(skn_observe_read(o, SKN_METRIC_BATCHES, 0), m->batches);
    assert_int_equal(skn_observe_read(o, SKN_METRIC_RUNS_STARTED, 0), 0);
}

static void counts_agree_with_an_array_and_stay_well_formed(void **state)
{
    (void)state;
    struct skn_rng rng;
    skn_rng_init(&rng, seed);
    struct skn_observe observe;
    skn_observe_init(&observe);
    struct model model = {0};
    for (int step = 0; step < STEPS; step++) {
        random_act(&rng, &observe, &model);
        compare(&observe, &model);
        if (step % 1000 != 0) continue;
        struct skn_buf buf;
        check_text(text_of(&observe, &buf));
        skn_buf_fini(&buf);
    }
    struct skn_observe both;
    skn_observe_init(&both);
    skn_observe_add(&both, &observe);
    compare(&both, &model);
    skn_observe_add(&both, &observe);
    assert_int_equal(skn_observe_read(&both, SKN_METRIC_BATCHES, 0), 2 * model.batches);
}

static void without_an_observe_nothing_happens(void **state)
{
    (void)state;
    skn_observe_count(NULL, SKN_METRIC_BATCHES, 0, 1);
    skn_observe_set(NULL, SKN_METRIC_TIMERS_ARMED, 0, 1);
    skn_observe_value(NULL, SKN_METRIC_JOURNAL_SYNC, 0, 1);
    skn_signal_node_stopped(NULL, 0, &(struct skn_signal_node_stopped){0});
    assert_int_equal(skn_observe_read(NULL, SKN_METRIC_BATCHES, 0), 0);
}

/* Names end in their unit, so that a reader need not look it up. */
static void names_say_their_unit(void **state)
{
    (void)state;
#define UNIT_COUNT                                    ""
#define UNIT_BYTES                                    "_bytes"
#define UNIT_SECONDS                                  "_seconds"
#define END_COUNTER                                   "_total"
#define END_GAUGE                                     ""
#define END_HISTOGRAM                                 ""
#define X(kind, id, name, label, buckets, unit, help) {name, UNIT_##unit END_##kind, help},
    static const struct {
        const char *name, *end, *help;
    } rows[] = {SKN_METRICS_MAP(X)};
#undef X
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++) {
        size_t len = strlen(rows[i].name);
        size_t end = strlen(rows[i].end);
        assert_true(len > end);
        assert_string_equal(rows[i].name + len - end, rows[i].end);
        assert_int_equal(rows[i].help[strlen(rows[i].help) - 1], '.');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_of_a_new_observe_is_all_zero_and_well_formed),
        cmocka_unit_test(amounts_are_written_exactly),
        cmocka_unit_test(counts_agree_with_an_array_and_stay_well_formed),
        cmocka_unit_test(without_an_observe_nothing_happens),
        cmocka_unit_test(names_say_their_unit),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
