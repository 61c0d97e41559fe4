/* test_dev.c - the domain types of test builds: what they answer, refuse, keep and break. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dev/dev.h"
#include "lib/shard.h"
#include "value/json.h"

#include <stdio.h>

static const struct skn_program *const programs[] = {
    &skn_dev_counter, &skn_dev_ledger, &skn_dev_echo, &skn_dev_flood, &skn_dev_hog, NULL};

struct world {
    struct shard shard;
    struct skn_buf text; /* the last answer, as JSON */
    enum skn_rc rc;      /* and its code */
    char why[200];
    uint64_t performed;         /* the last intent */
    uint8_t key[SKN_KEY_BYTES]; /* and its key */
    uint64_t number;
};

static int setup(void **state)
{
    struct world *w = skn_alloc_zero(1, sizeof *w);
    shard_init(&w->shard, programs);
    skn_buf_init(&w->text, 4 << 20);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    shard_fini(&w->shard);
    skn_buf_fini(&w->text);
    skn_free(w);
    return 0;
}

static void take_outputs(struct world *w)
{
    struct skn_output output;
    while (shard_next(&w->shard, &output)) {
        if (output.kind == SKN_OUTPUT_PERFORM) w->performed = output.number;
        if (output.kind == SKN_OUTPUT_PERFORM) memcpy(w->key, output.key, sizeof w->key);
        if (output.kind != SKN_OUTPUT_REPLY) continue;
        w->rc = output.rc;
        (void)snprintf(w->why, sizeof w->why, "%.*s", SKN_FMT(output.name));
        skn_buf_reset(&w->text);
        struct skn_value v = skn_value_view(output.value);
        assert_int_equal(skn_json_print(v, SKN_JSON_PLAIN, &w->text, NULL), SKN_OK);
    }
}

/* Sends, settles, and gives the code of the answer. */
static enum skn_rc send(struct world *w, const char *address, const char *name, const char *json)
{
    struct skn_buf payload;
    skn_buf_init(&payload, 4 << 20);
    assert_int_equal(skn_json_parse(skn_slice_str(json), NULL, &payload, NULL), SKN_OK);
    shard_submit(
        &w->shard, ++w->number, "", address, name, skn_value_view(skn_buf_slice(&payload)));
    skn_buf_fini(&payload);
    shard_settle(&w->shard);
    take_outputs(w);
    return w->rc;
}

static void
answers(struct world *w, const char *address, const char *name, const char *json, const char *text)
{
    if (send(w, address, name, json) != SKN_OK) print_error("%s\n", w->why);
    assert_int_equal(w->rc, SKN_OK);
    assert_string_equal(skn_buf_str(&w->text), text);
}

static void a_counter_adds_now_later_and_to_many(void **state)
{
    struct world *w = *state;
    answers(w, "t:Counter/a", "add", "null", "1");
    answers(w, "t:Counter/a", "add", "{\"n\":41}", "42");
    answers(w, "t:Counter/a", "add-many", "{\"n\":8,\"rows\":1000,\"bytes\":90}", "50");
    answers(w, "t:Counter/a", "add-later", "{\"n\":-50,\"ms\":86400000}", "0");
    answers(w, "t:Counter/a", "get", "null", "50");
    w->shard.now_ms += 86400000 + 1;
    shard_settle(&w->shard);
    answers(w, "t:Counter/a", "get", "null", "0");
    assert_int_equal(send(w, "t:Counter/a", "add", "{\"n\":9223372036854775807}"), SKN_OK);
    assert_int_equal(send(w, "t:Counter/a", "add", "{\"n\":1}"), SKN_EFAULT);
    answers(w, "t:Counter/a", "get", "null", "9223372036854775807");
}

/* Deletions of the last record with this reason. */
static unsigned deleted(const struct world *w, enum skn_why why)
{
    const struct skn_record *record = &w->shard.records[w->shard.count - 1];
    struct skn_slice rest = record->batch;
    struct skn_row_op op;
    unsigned count = 0;
    while (skn_batch_next(&rest, &op, NULL) == SKN_OK)
        count += op.is_delete && op.why == why;
    return count;
}

/* [E70] In a journal of level 1 there is no word for it. */
static void a_deletion_says_why_where_there_is_a_word_for_it(void **state)
{
    struct world *w = *state;
    answers(w, "t:Counter/a", "add-many", "{\"rows\":4}", "1");
    answers(w, "t:Counter/a", "drop", "{\"rows\":2,\"why\":\"prune\"}", "2");
    assert_int_equal(deleted(w, SKN_WHY_PRUNE), 2);
    assert_int_equal(deleted(w, SKN_WHY_DELETE), 0);
    answers(w, "t:Counter/a", "drop", "{\"rows\":3,\"why\":\"fold\"}", "3");
    assert_true(deleted(w, SKN_WHY_FOLD) > 0);
    answers(w, "t:Counter/a", "drop", "null", "1");
    assert_int_equal(deleted(w, SKN_WHY_PRUNE) + deleted(w, SKN_WHY_FOLD), 0);
    shard_close(&w->shard);
    w->shard.options.tells_no_why = true;
    w->shard.no_replay = true; /* what is before was made otherwise */
    shard_open(&w->shard, true);
    answers(w, "t:Counter/a", "add-many", "{\"rows\":4}", "2");
    answers(w, "t:Counter/a", "drop", "{\"rows\":2,\"why\":\"prune\"}", "2");
    assert_int_equal(deleted(w, SKN_WHY_PRUNE), 0);
    assert_int_equal(deleted(w, SKN_WHY_DELETE), 2);
    assert_int_equal(send(w, "t:Counter/a", "drop", "{\"why\":\"because\"}"), SKN_EARGS);
}

static void a_ledger_adds_up_and_has_each_id_once(void **state)
{
    struct world *w = *state;
    answers(w, "t:Ledger/a", "add", "{\"id\":\"1\",\"amount\":100,\"account\":\"ann\"}", "100");
    answers(w, "t:Ledger/a", "add", "{\"id\":\"2\",\"amount\":50,\"account\":\"bob\"}", "150");
    answers(w,
            "t:Ledger/a",
            "transfer",
            "{\"id\":\"3\",\"from\":\"ann\",\"to\":\"bob\",\"amount\":30}",
            "150");
    answers(w, "t:Ledger/a", "total", "null", "{\"accounts\":150,\"entries\":3,\"total\":150}");
    answers(w, "t:Ledger/a", "get", "null", "150");
    /* An id with a NUL is not the id before the NUL. */
    answers(w, "t:Ledger/a", "add", "{\"id\":\"3\\u0000\",\"amount\":1}", "151");
    answers(w, "t:Ledger/a", "total", "null", "{\"accounts\":150,\"entries\":4,\"total\":151}");
}

static void a_fault_that_is_asked_for_drops_the_slice_whole(void **state)
{
    struct world *w = *state;
    answers(w, "t:Ledger/a", "add", "{\"id\":\"1\",\"amount\":7}", "7");
    assert_int_equal(send(w, "t:Ledger/a", "add", "{\"id\":\"2\",\"amount\":7,\"fault\":true}"),
                     SKN_EFAULT);
    answers(w, "t:Ledger/a", "total", "null", "{\"accounts\":0,\"entries\":1,\"total\":7}");
}

static void echo_asks_others_and_keeps_what_they_answer(void **state)
{
    struct world *w = *state;
    answers(w, "t:Echo/ask", "ask", "{\"to\":\"t:Echo/told\",\"value\":{\"n\":7}}", "null");
    answers(w,
            "t:Echo/ask",
            "answers",
            "null",
            "{\"answer\":{\"n\":7},\"answered\":1,\"asked\":1,\"code\":\"OK\"}");
    answers(w, "t:Echo/ask", "ask", "{\"to\":\"t:Counter/told\",\"name\":\"no such\"}", "null");
    answers(w,
            "t:Echo/ask",
            "answers",
            "null",
            "{\"answer\":null,\"answered\":2,\"asked\":2,\"code\":\"INVALID_ARGS\"}");
}

static void echo_answers_a_call_later_also_after_a_kill(void **state)
{
    struct world *w = *state;
    answers(w,
            "t:Echo/ask",
            "ask",
            "{\"to\":\"t:Echo/told\",\"name\":\"later\",\"value\":{\"ms\":500,\"value\":7}}",
            "null");
    w->shard.now_ms += 499;
    answers(w,
            "t:Echo/ask",
            "answers",
            "null",
            "{\"answer\":null,\"answered\":0,\"asked\":1,\"code\":\"OK\"}");
    shard_kill(&w->shard, true);
    w->shard.now_ms += 1;
    shard_settle(&w->shard);
    answers(w,
            "t:Echo/ask",
            "answers",
            "null",
            "{\"answer\":7,\"answered\":1,\"asked\":1,\"code\":\"OK\"}");
    assert_int_equal(send(w, "t:Echo/told", "later", "{\"value\":1}"), SKN_EARGS);
}

static void echo_answers_forwards_and_counts_hops(void **state)
{
    struct world *w = *state;
    answers(w, "t:Echo/a", "echo", "{\"x\":[1,2.5,\"y\"]}", "{\"x\":[1,2.5,\"y\"]}");
    answers(w, "t:Echo/a", "forward", "{\"to\":[\"t:Echo/b\",\"t:Echo/c\",\"t:Echo/b\"]}", "null");
    answers(w, "t:Echo/b", "get", "null", "{\"hops\":3,\"received\":2}");
    answers(w, "t:Echo/c", "get", "null", "{\"hops\":0,\"received\":1}");
    answers(w, "t:Echo/x", "bounce", "{\"to\":\"t:Echo/y\",\"left\":9}", "null");
    answers(w, "t:Echo/x", "get", "null", "{\"hops\":0,\"received\":5}");
    answers(w, "t:Echo/y", "get", "null", "{\"hops\":0,\"received\":5}");
    answers(w, "t:Echo/z", "bounce", "{\"to\":\"t:Echo/z\",\"left\":100}", "null");
    answers(w, "t:Echo/z", "get", "null", "{\"hops\":0,\"received\":101}");
}

static void a_flood_arrives_whole_and_in_order(void **state)
{
    struct world *w = *state;
    answers(w, "t:Flood/a", "flood", "{\"to\":\"t:Flood/b\",\"count\":2500,\"bytes\":10}", "null");
    answers(w, "t:Flood/a", "get", "null", "{\"disorder\":0,\"received\":0,\"sent\":2500}");
    answers(w, "t:Flood/b", "get", "null", "{\"disorder\":0,\"received\":2500,\"sent\":0}");
    answers(w, "t:Flood/c", "flood", "{\"to\":\"t:Flood/c\",\"count\":2500}", "null");
    answers(w, "t:Flood/c", "get", "null", "{\"disorder\":0,\"received\":2500,\"sent\":2500}");
}

static void a_hog_faults_at_each_budget_and_harms_nobody(void **state)
{
    struct world *w = *state;
    static const char *const what[] = {"gas", "rows", "memory", "row", "message"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(what); i++) {
        char address[40], json[60];
        (void)snprintf(address, sizeof address, "t:Hog/%s", what[i]);
        (void)snprintf(json, sizeof json, "{\"what\":\"%s\"}", what[i]);
        assert_int_not_equal(send(w, address, "burn", json), SKN_OK);
        assert_int_not_equal(w->rc, SKN_EARGS);
        answers(w, address, "get", "null", "{\"handled\":0,\"results\":0}");
        answers(w, "t:Echo/beside", "echo", "1", "1");
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(send(w, "t:Hog/always", "fault", "null"), SKN_EFAULT);
    assert_true(skn_core_is_faulted(w->shard.store, SKN_LIT("t:Hog/always"))); /* [E33] */
}

static void a_hog_faults_until_its_time_has_come(void **state)
{
    struct world *w = *state;
    char json[60];
    (void)snprintf(json, sizeof json, "{\"until\":%d}", (int)w->shard.now_ms + 1000);
    assert_int_equal(send(w, "t:Hog/a", "fault", json), SKN_EFAULT);
    w->shard.now_ms += 1000;
    answers(w, "t:Hog/a", "fault", json, "true");
}

static void a_hog_hears_of_its_intent(void **state)
{
    struct world *w = *state;
    answers(w, "t:Hog/a", "intent", "{\"argv\":[\"sleep\",\"1\"]}", "0");
    const struct skn_attempt_result result = {.address = SKN_LIT("t:Hog/a"),
                                              .number = w->performed,
                                              .attempt = 1,
                                              .epoch = skn_core_epoch(w->shard.core),
                                              .status = SKN_ATTEMPT_SUCCESS};
    skn_core_result(w->shard.core, &result);
    shard_settle(&w->shard);
    answers(w, "t:Hog/a", "get", "null", "{\"handled\":1,\"results\":1}");
}

/* [E42] P5: what is performed twice has two keys. */
static void the_intents_of_a_hog_have_keys_of_their_own(void **state)
{
    struct world *w = *state;
    uint8_t first[SKN_KEY_BYTES];
    answers(w, "t:Hog/a", "intent", "{\"argv\":[\"true\"]}", "0");
    memcpy(first, w->key, sizeof first);
    answers(w, "t:Hog/a", "intent", "{\"argv\":[\"true\"]}", "1");
    assert_memory_not_equal(first, w->key, sizeof first);
}

/* Whatever a payload is, it is an answer and never an assertion or a dead letter. */
static void a_payload_that_does_not_fit_is_refused(void **state)
{
    struct world *w = *state;
    static const char *const cases[][3] = {
        {"t:Counter/a", "add", "{\"n\":\"1\"}"},
        {"t:Counter/a", "add", "{\"n\":1.5}"},
        {"t:Counter/a", "add-many", "{\"rows\":1001}"},
        {"t:Counter/a", "add-many", "{\"rows\":0}"},
        {"t:Counter/a", "add-many", "{\"bytes\":65537}"},
        {"t:Counter/a", "add-later", "{\"ms\":-1}"},
        {"t:Counter/a", "nothing", "null"},
        {"t:Ledger/a", "add", "null"},
        {"t:Ledger/a", "add", "{\"id\":\"\",\"amount\":1}"},
        {"t:Ledger/a", "add", "{\"id\":\"1\",\"amount\":1,\"account\":7}"},
        {"t:Ledger/a", "transfer", "{\"id\":\"1\",\"from\":\"a\",\"amount\":1}"},
        {"t:Echo/a", "forward", "{\"to\":\"t:Echo/b\"}"},
        {"t:Echo/a", "forward", "{\"to\":[1]}"},
        {"t:Echo/a", "forward", "{\"to\":[\"\"]}"},
        {"t:Echo/a", "bounce", "{\"left\":1}"},
        {"t:Flood/a", "flood", "{\"to\":7,\"count\":1}"},
        {"t:Flood/a", "flood", "{\"to\":\"t:Flood/b\",\"count\":-1}"},
        {"t:Flood/a", "flood", "{\"to\":\"t:Flood/b\",\"bytes\":524289}"},
        {"t:Flood/a", "note", "[]"},
        {"t:Hog/a", "burn", "{\"what\":\"money\"}"},
        {"t:Hog/a", "burn", "null"},
        {"t:Hog/a", "fault", "{\"until\":true}"},
        {"t:Hog/a", "intent", "{\"argv\":\"true\"}"},
        {"t:Hog/a", "intent", "{\"argv\":[[[[]]]]}"},
        {"t:Hog/a", "intent", "{\"argv\":[\"a\\u0000b\"]}"},
        {"t:Hog/a", "intent", "{\"attempts\":0}"},
        {"t:Hog/a", "intent", "{\"timeout\":-1}"},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        if (send(w, cases[i][0], cases[i][1], cases[i][2]) != SKN_EARGS)
            fail_msg("%s %s: %s", cases[i][1], cases[i][2], w->why);
        assert_non_null(strstr(w->why, "is to be"));
    }
    static const char *const addresses[] = {
        "t:Counter/a", "t:Ledger/a", "t:Echo/a", "t:Flood/a", "t:Hog/a"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(addresses); i++) {
        struct skn_row row;
        assert_int_equal(skn_core_next_row(w->shard.store,
                                           skn_slice_str(addresses[i]),
                                           (struct skn_slice){0},
                                           (struct skn_slice){0},
                                           &row,
                                           NULL),
                         SKN_ENOENT);
    }
    /* An address of a type that nobody knows is a fault, as for every sender. */
    assert_int_equal(send(w, "t:Echo/a", "forward", "{\"to\":[\"t:None/b\"]}"), SKN_ENOTREGISTERED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_counter_adds_now_later_and_to_many),
        TEST(a_deletion_says_why_where_there_is_a_word_for_it),
        TEST(a_ledger_adds_up_and_has_each_id_once),
        TEST(a_fault_that_is_asked_for_drops_the_slice_whole),
        TEST(echo_asks_others_and_keeps_what_they_answer),
        TEST(echo_answers_a_call_later_also_after_a_kill),
        TEST(echo_answers_forwards_and_counts_hops),
        TEST(a_flood_arrives_whole_and_in_order),
        TEST(a_hog_faults_at_each_budget_and_harms_nobody),
        TEST(a_hog_faults_until_its_time_has_come),
        TEST(a_hog_hears_of_its_intent),
        TEST(the_intents_of_a_hog_have_keys_of_their_own),
        TEST(a_payload_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests_name("dev", tests, NULL, NULL);
}
