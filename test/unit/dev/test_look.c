/* test_look.c - what is stored is seen from outside, and a traced domain tells what it does. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/look.h"
#include "dev/dev.h"
#include "lib/shard.h"
#include "value/json.h"

#include <stdio.h>

static const struct skn_program *const programs[] = {
    &skn_dev_counter, &skn_dev_echo, &skn_dev_flood, &skn_dev_hog, NULL};

struct world {
    struct shard shard;
    struct skn_buf traces; /* a line of JSON each */
    uint64_t number;
};

static int setup(void **state)
{
    struct world *w = skn_alloc_zero(1, sizeof *w);
    shard_init(&w->shard, programs);
    skn_buf_init(&w->traces, 4 << 20);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    shard_fini(&w->shard);
    skn_buf_fini(&w->traces);
    skn_free(w);
    return 0;
}

static void submit(struct world *w, const char *address, const char *name, const char *json)
{
    struct skn_buf payload;
    skn_buf_init(&payload, 1 << 20);
    assert_int_equal(skn_json_parse(skn_slice_str(json), NULL, &payload, NULL), SKN_OK);
    shard_submit(
        &w->shard, ++w->number, "", address, name, skn_value_view(skn_buf_slice(&payload)));
    skn_buf_fini(&payload);
}

static void take_traces(struct world *w)
{
    struct skn_output output;
    while (shard_next(&w->shard, &output)) {
        if (output.kind != SKN_OUTPUT_TRACE) continue;
        struct skn_value v = skn_value_view(output.value);
        assert_int_equal(skn_json_print(v, SKN_JSON_PLAIN, &w->traces, NULL), SKN_OK);
        skn_buf_put_u8(&w->traces, '\n');
    }
}

static void send(struct world *w, const char *address, const char *name, const char *json)
{
    submit(w, address, name, json);
    shard_settle(&w->shard);
    take_traces(w);
}

static void traced(struct world *w, const char *part)
{
    if (!strstr(skn_buf_str(&w->traces), part))
        fail_msg("no %s in: %s", part, skn_buf_str(&w->traces));
}

static void domains_come_in_order_from_any_address(void **state)
{
    struct world *w = *state;
    static const char *const addresses[] = {"a:Counter/1", "a:Counter/10", "b:Counter/1"};
    for (size_t i = 0; i < 3; i++)
        send(w, addresses[i], "add", "{}");
    struct skn_slice from = {0}, address;
    bool is_behind = false;
    for (size_t i = 0; i < 3; i++, is_behind = true, from = address) {
        assert_int_equal(skn_look_next_domain(w->shard.store, from, is_behind, &address, NULL),
                         SKN_OK);
        assert_true(skn_slice_eq(address, skn_slice_str(addresses[i])));
    }
    assert_int_equal(skn_look_next_domain(w->shard.store, from, true, &address, NULL), SKN_ENOENT);
    /* From an address itself, or behind it. */
    from = SKN_LIT("a:Counter/10");
    assert_int_equal(skn_look_next_domain(w->shard.store, from, false, &address, NULL), SKN_OK);
    assert_true(skn_slice_eq(address, from));
    assert_int_equal(skn_look_next_domain(w->shard.store, from, true, &address, NULL), SKN_OK);
    assert_true(skn_slice_eq(address, SKN_LIT("b:Counter/1")));
}

static void a_domain_shows_its_mail_timers_intents_and_dead_letters(void **state)
{
    struct world *w = *state;
    struct skn_store *store = w->shard.store;
    struct skn_slice hog = SKN_LIT("t:Hog/a"), counter = SKN_LIT("t:Counter/a");
    struct skn_look_domain domain;
    struct skn_look_item item;
    assert_int_equal(skn_look_domain(store, hog, &domain, NULL), SKN_ENOENT);
    send(w, "t:Hog/a", "fault", "{\"why\":1}");
    send(w, "t:Hog/a", "fault", "{\"why\":2}");
    assert_int_equal(skn_look_domain(store, hog, &domain, NULL), SKN_OK);
    assert_false(domain.is_faulted);
    assert_int_equal(domain.faults, 2);
    assert_int_equal(domain.dead, 2);
    uint64_t from = 0;
    for (int64_t i = 1; i <= 2; i++, from = item.number + 1) {
        assert_int_equal(
            skn_look_next(store, hog, SKN_LOOK_DEAD, SKN_PRIORITY_NORMAL, from, &item, NULL),
            SKN_OK);
        assert_int_equal(item.rc, SKN_EFAULT);
        assert_true(skn_slice_eq(item.message.name, SKN_LIT("fault")));
        struct skn_value why;
        assert_true(skn_map_get(item.message.payload, SKN_LIT("why"), &why));
        assert_int_equal(skn_value_as_int(why), i);
    }
    assert_int_equal(
        skn_look_next(store, hog, SKN_LOOK_DEAD, SKN_PRIORITY_NORMAL, from, &item, NULL),
        SKN_ENOENT);

    send(w, "t:Hog/a", "intent", "{\"attempts\":7}");
    assert_int_equal(
        skn_look_next(store, hog, SKN_LOOK_INTENT, SKN_PRIORITY_NORMAL, 0, &item, NULL), SKN_OK);
    assert_int_equal(item.attempt, 1);
    assert_int_equal(item.attempts_max, 7);
    assert_int_equal(item.epoch, skn_core_epoch(w->shard.core));
    assert_false(item.is_waiting);

    send(w, "t:Counter/a", "add-later", "{\"ms\":5000}");
    assert_int_equal(
        skn_look_next(store, counter, SKN_LOOK_TIMER, SKN_PRIORITY_NORMAL, 0, &item, NULL), SKN_OK);
    assert_int_equal(item.due_ms, w->shard.now_ms + 5000);
    assert_false(item.is_retry);

    submit(w, "t:Flood/a", "flood", "{\"to\":\"t:Counter/b\",\"count\":3}");
    assert_int_equal(shard_step(&w->shard), SKN_OK);
    assert_int_equal(skn_look_domain(store, SKN_LIT("t:Counter/b"), &domain, NULL), SKN_OK);
    assert_int_equal(domain.mail, 3);
    assert_int_equal(domain.lanes[SKN_PRIORITY_NORMAL], 3);
    assert_int_equal(
        skn_look_next(
            store, SKN_LIT("t:Counter/b"), SKN_LOOK_MAIL, SKN_PRIORITY_NORMAL, 0, &item, NULL),
        SKN_OK);
    assert_true(skn_slice_eq(item.message.sender, SKN_LIT("t:Flood/a")));
    shard_settle(&w->shard);
}

/* A dead letter whose payload has a row of its own is whole, and the next one is found behind it. */
static void a_large_dead_letter_is_one(void **state)
{
    struct world *w = *state;
    struct skn_look_item item;
    char *json = skn_alloc(800000);
    (void)snprintf(json, 800000, "{\"until\":null,\"text\":\"%0700000d\"}", 0);
    send(w, "t:Hog/a", "fault", json);
    send(w, "t:Hog/a", "fault", "null");
    skn_free(json);
    struct skn_slice hog = SKN_LIT("t:Hog/a");
    assert_int_equal(
        skn_look_next(w->shard.store, hog, SKN_LOOK_DEAD, SKN_PRIORITY_NORMAL, 0, &item, NULL),
        SKN_OK);
    assert_true(skn_value_size(item.message.payload) > 700000);
    uint64_t first = item.number;
    assert_int_equal(
        skn_look_next(
            w->shard.store, hog, SKN_LOOK_DEAD, SKN_PRIORITY_NORMAL, first + 1, &item, NULL),
        SKN_OK);
    assert_int_equal(item.number, first + 1);
}

static void a_trace_tells_of_slices_queries_and_faults(void **state)
{
    struct world *w = *state;
    skn_core_trace(w->shard.core, SKN_LIT("t:Counter/a"), true);
    send(w, "t:Counter/a", "add", "{}");
    traced(w, "\"message\":{\"kind\":\"request\",\"name\":\"add\",\"priority\":\"normal\"}");
    traced(w, "\"query\":false,\"reply\":\"OK\",\"rows\":[{\"key\":\"sum\",\"size\":9}]");
    skn_buf_reset(&w->traces);
    send(w, "t:Counter/a", "get", "null");
    traced(w, "\"query\":true,\"reply\":\"OK\",\"rows\":[],\"rows_count\":0");
    skn_buf_reset(&w->traces);
    send(w, "t:Counter/a", "add", "{\"fault\":true}");
    traced(w, "\"fault\":{\"code\":\"FAULT\",\"message\":\"the payload asked for a fault\"}");
    traced(w, "\"dead\":[{\"code\":\"FAULT\",\"number\":");
    traced(w, "\"reply\":\"FAULT\",\"rows\":[]"); /* dropped whole */
    skn_buf_reset(&w->traces);
    send(w, "t:Counter/a", "add-later", "{\"ms\":1000}");
    traced(w, "\"timers\":[{\"due\":");
    w->shard.now_ms += 1001;
    shard_settle(&w->shard);
    take_traces(w);
    traced(w, "\"kind\":\"timer\"");
    traced(w, "\"timers\":[{\"gone\":true,");
    skn_buf_reset(&w->traces);
    send(w, "t:Counter/b", "add", "{}"); /* another one */
    skn_core_trace(w->shard.core, SKN_LIT("t:Counter/a"), false);
    send(w, "t:Counter/a", "add", "{}");
    assert_int_equal(w->traces.len, 0);
}

/* [E22] It leaves with the batch: what is not durable is not told, and what a kill takes away never
 * was. */
static void a_trace_waits_for_its_batch(void **state)
{
    struct world *w = *state;
    skn_core_trace(w->shard.core, SKN_LIT("t:Counter/a"), true);
    submit(w, "t:Counter/a", "add", "{}");
    assert_int_equal(shard_step(&w->shard), SKN_OK);
    take_traces(w);
    assert_int_equal(w->traces.len, 0);
    shard_durable(&w->shard);
    take_traces(w);
    traced(w, "\"sum\"");
}

static void long_lists_are_cut_and_counted(void **state)
{
    struct world *w = *state;
    skn_core_trace(w->shard.core, SKN_LIT("t:Counter/a"), true);
    send(w, "t:Counter/a", "add-many", "{\"rows\":1000}");
    traced(w, "{\"key\":\"r099\",");
    assert_null(strstr(skn_buf_str(&w->traces), "r100"));
    traced(w, "\"rows_count\":1001");
}

/* What a record says is found again in it: whose message it was, which, and what was sent. */
static void records_say_whose_message_they_were(void **state)
{
    struct world *w = *state;
    struct skn_slice address;
    struct skn_message message;
    struct skn_key_info mail;
    size_t first = w->shard.count;
    send(w, "t:Echo/a", "forward", "{\"to\":[\"t:Echo/a\"]}");
    bool has_request = false, has_mail = false;
    for (size_t i = first; i < w->shard.count; i++) {
        const struct skn_record *record = &w->shard.records[i];
        enum skn_rc rc = skn_look_message(record, &message, &mail);
        if (rc == SKN_ECORRUPT) continue; /* the shard's own */
        assert_true(skn_look_handler(record, &address));
        assert_true(skn_slice_eq(address, SKN_LIT("t:Echo/a")));
        if (rc == SKN_OK) has_request = skn_slice_eq(message.name, SKN_LIT("forward"));
        if (rc == SKN_ENOENT) has_mail = skn_slice_eq(mail.address, SKN_LIT("t:Echo/a"));
    }
    assert_true(has_request);
    assert_true(has_mail);
}

/* Any bytes are a key of something or of nothing; none makes it read behind its end. */
static void any_bytes_can_be_asked_about(void **state)
{
    (void)state;
    uint8_t bytes[24];
    uint64_t rng = 42;
    for (int i = 0; i < 200000; i++) {
        size_t len = 0;
        rng = rng * 6364136223846793005U + 1442695040888963407U;
        for (size_t n = (rng >> 33) % (sizeof bytes + 1); len < n; len++) {
            rng = rng * 6364136223846793005U + 1442695040888963407U;
            bytes[len] = (uint8_t)((rng >> 40) % ((rng >> 60) < 12 ? 15 : 256));
        }
        uint8_t *exact = (uint8_t *)skn_dup(bytes, len); /* ASan sees a byte too many */
        struct skn_key_info info;
        skn_key_read(skn_slice(exact, len), &info);
        assert_true(info.address.len <= len && info.own.len <= len);
        assert_true(info.lane < SKN_PRIORITIES);
        skn_free(exact);
    }
}

static void keys_are_text_or_hex(void **state)
{
    (void)state;
    const struct {
        struct skn_slice key;
        const char *text;
    } cases[] = {{SKN_LIT("sum"), "sum"},
                 {SKN_LIT(""), ""},
                 {SKN_LIT("0xab"), "0x30786162"},
                 {SKN_LIT("a\0b"), "0x610062"},
                 {SKN_LIT("a\nb"), "0x610a62"},
                 {SKN_LIT("\xff"), "0xff"},
                 {SKN_LIT("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f"}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct skn_buf out;
        skn_buf_init(&out, 100);
        skn_key_print(cases[i].key, &out);
        assert_string_equal(skn_buf_str(&out), cases[i].text);
        skn_buf_fini(&out);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(domains_come_in_order_from_any_address),
        TEST(a_domain_shows_its_mail_timers_intents_and_dead_letters),
        TEST(a_large_dead_letter_is_one),
        TEST(a_trace_tells_of_slices_queries_and_faults),
        TEST(a_trace_waits_for_its_batch),
        TEST(long_lists_are_cut_and_counted),
        TEST(records_say_whose_message_they_were),
        cmocka_unit_test(any_bytes_can_be_asked_about),
        cmocka_unit_test(keys_are_text_or_hex),
    };
    return cmocka_run_group_tests_name("look", tests, NULL, NULL);
}
