/* test_limits.c - limits that skein.yaml sets, met by the real program: one below, at and above, over a
 * restart, all at their least and at their most (P10). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/limits_map.h"
#include "lib/skein.h"
#include "value/value.h"

static struct skein s;

static int setup(void **state)
{
    return skein_project_begin(&s, state);
}

static int teardown(void **state)
{
    return skein_project_end(state);
}

/* From the next command on. */
static void set_limits(const struct folder *f, const char *limits)
{
    char text[4096];
    skein_end_holder(f);
    (void)snprintf(text, sizeof text, "name: t\nlimits:\n%s", limits);
    folder_write(f, "skein.yaml", text);
}

/* --- in every build --------------------------------------------------------------------------------------- */

/* The engine itself needs less than the least of each, and has room for the most of all. */
static void a_flow_runs_with_every_limit_at_its_bounds(void **state)
{
    struct folder *f = *state;
    static const struct {
        const char *name;
        unsigned long long bounds[2];
    } limits[] = {
#define BOUNDS(name, type, otherwise, least, most, unit, is_input, what, then) \
    {#name, {least, most}},
        SKN_LIMITS_MAP(BOUNDS)
#undef BOUNDS
    };
    folder_mkdir(f, "events");
    folder_write(f,
                 "events/Hello.yaml",
                 "event: Hello\nversion: 1.0.0\nrun: { exec: [sh, -c, 'echo 1; echo x >>ran'] }\n"
                 "retry: { attempts: 3, backoff: 1ms }\n");
    folder_write(f, "a.pty", "Hello -> { Hello || Sleep[for=10ms] || Hello } -> Hello\n");
    for (int which = 0; which < 2; which++) {
        char text[4096] = "";
        for (size_t i = 0; i < SKN_ARRAY_LEN(limits); i++) {
            size_t len = strlen(text);
            (void)snprintf(text + len,
                           sizeof text - len,
                           "  %s: %llu\n",
                           limits[i].name,
                           limits[i].bounds[which]);
        }
        set_limits(f, text);
        if (SKEIN(&s, "run", "a.pty") != 0) fail_msg("%d: %s%s", which, s.out, s.err);
    }
    char *ran = folder_must_read(f, "ran");
    assert_string_equal(ran, "x\nx\nx\nx\nx\nx\nx\nx\n");
    free(ran);
}

/* Everything that opens the data refuses a mistake, with file, line and the nearest name. */
static void a_mistake_is_named_by_whoever_opens_the_data(void **state)
{
    struct folder *f = *state;
    assert_int_equal(SKEIN(&s, "domain", "send", "a:Run/x", "stop"), 66); /* there is no such run */
    set_limits(f, "  mailbox_mesages: 3\n");
    static const char *const commands[][5] = {{"domain", "send", "a:Run/x", "stop"},
                                              {"status"},
                                              {"domain", "ls"},
                                              {"verify", ".", "--replay"}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(commands); i++) {
        assert_int_equal(skein_run(&s, commands[i]), 78);
        assert_has(s.err, "/skein.yaml\", line 3: there is no key \"mailbox_mesages\" in limits.");
        assert_has(s.err, "Did you mean \"mailbox_messages\"?");
    }
    set_limits(f, "  mailbox_messages: 0\n");
    assert_int_equal(SKEIN(&s, "status"), 78);
    assert_has(s.err, "must be a whole number from 1 to 10000000, not \"0\"");
    folder_write(f, "skein.yaml", "nmae: t\n");
    assert_int_equal(SKEIN(&s, "status"), 78);
    assert_has(s.err, "line 1: there is no key \"nmae\" in skein.yaml. Did you mean \"name\"?");
}

static void status_says_what_differs(void **state)
{
    struct folder *f = *state;
    (void)SKEIN(&s, "domain", "send", "a:Run/x", "stop");
    assert_int_equal(SKEIN(&s, "status", "--json"), 0);
    assert_has(s.out, "\"limits\":{},");
    assert_int_equal(SKEIN(&s, "status"), 0);
    assert_null(strstr(s.out, "limits"));
    set_limits(f, "  message_bytes: 512KiB\n  outbox_messages: 10000\n  limiter_idle_ms: 90m\n");
    static const char *const lines = "limits       message_bytes is 512KiB, by default 1MiB\n"
                                     "             limiter_idle_ms is 90m, by default 1h\n";
    for (int held = 0; held < 2; held++) { /* by who only looks, and by the holder */
        if (held) (void)SKEIN(&s, "domain", "send", "a:Run/x", "stop");
        assert_int_equal(SKEIN(&s, "status", "--json"), 0);
        assert_has(s.out, held ? "\"holder\":true" : "\"holder\":false");
        assert_has(s.out, "\"limits\":{\"limiter_idle_ms\":5400000,\"message_bytes\":524288},");
        assert_int_equal(SKEIN(&s, "status"), 0);
        assert_has(s.out, lines);
    }
}

/* --- with the types of src/dev ---------------------------------------------------------------------------- */

#ifdef SKN_TEST_BUILD
/* A text in JSON whose encoding as a value has so many bytes. */
static const char *text_of_size(size_t size)
{
    static char text[100000];
    memset(text, 'x', sizeof text);
    size_t len = size;
    while (skn_value_size(skn_value_string(skn_slice((const uint8_t *)text, len))) > size)
        len--;
    assert_int_equal(skn_value_size(skn_value_string(skn_slice((const uint8_t *)text, len))), size);
    text[0] = '"';
    text[len + 1] = '"';
    text[len + 2] = 0;
    return text;
}

static void a_message_has_so_many_bytes(void **state)
{
    struct folder *f = *state;
    static const size_t limits[] = {4096, 50000};
    for (size_t i = 0; i < SKN_ARRAY_LEN(limits); i++) {
        char text[100];
        (void)snprintf(text, sizeof text, "  message_bytes: %zu\n", limits[i]);
        set_limits(f, text);
        for (int more = -1; more <= 1; more++) {
            const char *payload = text_of_size((size_t)((long)limits[i] + more));
            int code = SKEIN(&s, "domain", "send", "a:Echo/x", "echo", payload);
            assert_int_equal(code, more <= 0 ? 0 : 1);
            (void)snprintf(text, sizeof text, "message_bytes is %zu", limits[i]);
            if (more > 0) assert_has(s.err, text);
            if (more <= 0) assert_int_equal(strlen(s.out), strlen(payload) + 1);
        }
    }
}

/* Until the flood has arrived; in order, and each once. */
static void expect_received(const char *address, int count)
{
    char wanted[100];
    (void)snprintf(wanted, sizeof wanted, "\"disorder\":0,\"received\":%d,", count);
    for (int i = 0; i < 400; i++) {
        int code = SKEIN(&s, "domain", "send", address, "get");
        if (code == 0 && strstr(s.out, wanted)) return;
        skein_pause_ms(20);
    }
    fail_msg("no %s in %s%s", wanted, s.out, s.err);
}

/* A flood over small mailboxes, then over other ones with what is under way: nothing is lost (P2). */
static void mailboxes_may_change_while_a_flood_is_under_way(void **state)
{
    struct folder *f = *state;
    static const char *const limits[] = {"  mailbox_messages: 10\n  outbox_messages: 30\n",
                                         "  mailbox_messages: 1\n  outbox_messages: 5\n",
                                         "  mailbox_messages: 500\n"};
    static const char *const payload = "{\"to\":\"a:Flood/2\",\"count\":200}";
    for (size_t i = 0; i < SKN_ARRAY_LEN(limits); i++) {
        set_limits(f, limits[i]);
        assert_int_equal(SKEIN(&s, "domain", "send", "a:Flood/1", "flood", payload), 0);
        if (i > 0) assert_int_equal(SKEIN(&s, "domain", "send", "a:Flood/3", "flood", payload), 0);
        pid_t pid = skein_holder_pid(f);
        assert_true(pid > 0);
        if (i == 1) (void)kill(pid, SIGKILL); /* in the middle of it, or nearly */
    }
    expect_received("a:Flood/2", 5 * 200); /* what 1 and 3 sent */
    skein_end_holder(f);
    /* Each record is executed under its own limits, or counted (P4). */
    assert_int_equal(SKEIN(&s, "verify", ".", "--replay"), 0);
    assert_has(s.out, "Executed again");
    assert_has(s.out, "Not executed, made by another version");
}

/* While a slice goes on requests of its shard wait: of more than may, some are refused and nothing of
 * them has happened; what was not refused was done. */
static void more_requests_than_may_wait_are_refused(void **state)
{
    enum { ASKERS = 12 };
    struct folder *f = *state;
    static struct skein hog, askers[ASKERS];
    int done = 0, refused = 0;
    set_limits(f, "  requests_waiting: 2\n  faults_in_row: 1000000\n");
    for (int round = 0; round < 20 && refused == 0; round++) {
        hog = (struct skein){.dir = s.dir};
        skein_start(
            &hog,
            (const char *const[]){"domain", "send", "a:Hog/1", "burn", "{\"what\":\"gas\"}", NULL});
        for (int i = 0; i < ASKERS; i++) {
            memset(&askers[i], 0, sizeof askers[i]);
            askers[i].dir = s.dir;
            skein_start(
                &askers[i],
                (const char *const[]){"domain", "send", "a:Hog/1", "fault", "{\"until\":0}", NULL});
        }
        for (int i = 0; i < ASKERS; i++) {
            int code = skein_wait(&askers[i]);
            done += code == 0;
            refused += code == 75;
            if (code == 75) assert_has(askers[i].err, "requests_waiting is 2");
            if (code != 0 && code != 75) fail_msg("%d: %s", code, askers[i].err);
        }
        assert_int_not_equal(skein_wait(&hog), 0); /* OUT_OF_GAS, or refused itself */
    }
    assert_true(refused > 0 && done > 0);
    char wanted[64];
    assert_int_equal(SKEIN(&s, "domain", "get", "a:Hog/1", "handled"), 0);
    (void)snprintf(wanted, sizeof wanted, "%d", done);
    assert_has(s.out, wanted);
}
#endif

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        T(a_flow_runs_with_every_limit_at_its_bounds),
        T(a_mistake_is_named_by_whoever_opens_the_data),
        T(status_says_what_differs),
#ifdef SKN_TEST_BUILD
        T(a_message_has_so_many_bytes),
        T(mailboxes_may_change_while_a_flood_is_under_way),
        T(more_requests_than_may_wait_are_refused),
#endif
    };
    return cmocka_run_group_tests_name("e2e/limits", tests, NULL, NULL);
}
