/* test_domain_trace.c - the real program shows what domains do: as they do it, and from the journal. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "lib/skein.h"

static struct skein s;

static int setup(void **state)
{
    return skein_project_begin(&s, state);
}

static int teardown(void **state)
{
    return skein_project_end(state);
}

/* Reads standard output or error of a program that runs until `part` was in it. */
static void read_until(struct skein *p, int stream, const char *part)
{
    char *text = stream == 0 ? p->out : p->err;
    size_t len = strlen(text);
    while (!strstr(text, part)) {
        struct pollfd ready = {.fd = p->pipes[stream], .events = POLLIN};
        if (poll(&ready, 1, 10000) <= 0) fail_msg("no \"%s\" in: %s", part, text);
        ssize_t n = read(p->pipes[stream], text + len, SKEIN_TEXT_MAX - 1 - len);
        if (n <= 0) fail_msg("it ended; no \"%s\" in: %s", part, text);
        len += (size_t)n;
        text[len] = 0;
    }
}

static void begin_trace(struct skein *t, const char *address, bool as_json)
{
    *t->out = *t->err = 0;
    t->dir = s.dir;
    skein_start(t,
                (const char *const[]){"domain", "trace", address, as_json ? "--json" : NULL, NULL});
    read_until(t, 1, "Ctrl-C ends it\n");
}

#ifdef SKN_TEST_BUILD

static void a_trace_tells_of_each_message_as_it_is_handled(void **state)
{
    (void)state;
    static struct skein t;
    begin_trace(&t, "t:Echo/a", false);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Echo/a", "echo", "1"), 0);
    read_until(&t, 0, " request echo -> OK\n");
    assert_int_equal(
        SKEIN(&s, "domain", "send", "t:Echo/a", "forward", "{\"to\":[\"t:Echo/a\",\"t:Echo/a\"]}"),
        0);
    read_until(&t, 0, " request forward -> OK; sent forward to t:Echo/a; rows received\n");
    read_until(&t, 0, " send forward from t:Echo/a; sent forward to t:Echo/a; rows received\n");
    read_until(&t, 0, " send forward from t:Echo/a; rows hops received\n");
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Echo/a", "forward", "{\"fault\":true}"), 70);
    read_until(&t,
               0,
               " request forward -> FAULT; FAULT FAULT: the payload asked for a fault; dead "
               "letters 1\n");
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Echo/c", "echo", "1"), 0); /* of another */
    assert_int_equal(kill(t.pid, SIGINT), 0);
    assert_int_equal(skein_wait(&t), 0);
    assert_string_equal(t.out, ""); /* nothing came behind it */
}

/* A query changes nothing and leaves no record: live it is told, from the journal it is not. */
static void a_query_is_told_too(void **state)
{
    (void)state;
    static struct skein t;
    begin_trace(&t, "t:Counter/a", true);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add"), 0);
    read_until(&t, 0, "\"rows\":[{\"key\":\"sum\",\"size\":9}],\"rows_count\":1");
    read_until(&t, 0, "\n");
    assert_has(t.out, "\"query\":false");
    assert_has(t.out, "\"reply\":\"OK\"");
    assert_int_equal(kill(t.pid, SIGTERM), 0);
    assert_int_equal(skein_wait(&t), 0);
}

static void what_was_handled_is_in_the_journal(void **state)
{
    struct folder *f = *state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add"), 0);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Echo/a", "forward", "{\"to\":[\"t:Echo/a\"]}"),
                     0);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add-many"), 0);
    skein_pause_ms(300); /* the bound moves to the end: a reader beside the holder sees all of it */
    assert_int_not_equal(skein_holder_pid(f), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(SKEIN(&s, "domain", "trace", "t:Counter/a", "--last", "2"), 0);
        assert_has(s.out, " request add; rows sum\n");
        assert_has(s.out, " request add-many; rows r000 r001 r002 r003 r004 and 1 more\n");
        assert_null(strstr(strchr(strchr(s.out, '\n') + 1, '\n') + 1, "\n")); /* two lines */
        assert_int_equal(SKEIN(&s, "domain", "trace", "t:Echo/a", "--last", "100"), 0);
        assert_has(s.out, " send forward from t:Echo/a; rows hops received\n");
        assert_int_equal(SKEIN(&s, "domain", "trace", "t:Echo/a", "--last", "2", "--json"), 0);
        assert_has(s.out, "\"sent\":[{\"name\":\"forward\",\"priority\":\"normal\",\"to\":");
        assert_int_equal(SKEIN(&s, "domain", "trace", "t:Echo/z", "--last", "1"), 0);
        assert_string_equal(s.out, "");
        skein_end_holder(f);
    }
}

static void a_dump_has_a_line_per_record_and_no_values(void **state)
{
    struct folder *f = *state;
    const char *secret = "{\"id\":\"one\",\"amount\":987654321}";
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Ledger/a", "add", secret), 0);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Echo/a", "forward", "{\"to\":[\"t:Echo/a\"]}"),
                     0);
    skein_end_holder(f);
    assert_int_equal(SKEIN(&s, "journal", "dump"), 0);
    assert_has(s.out, " 1 20"); /* record 1 of its shard, the year */
    assert_has(s.out, "Z 1 t:Ledger/a request add ");
    assert_has(s.out, " +row:t:Ledger/a:eone#");
    assert_has(s.out, " +row:t:Ledger/a:t#");
    assert_has(s.out, "Z 1 t:Echo/a send forward ");
    assert_has(s.out, " +mail:t:Echo/a:");
    assert_has(s.out, " -mail:t:Echo/a:");
    assert_null(strstr(s.out, "987654321"));
    assert_int_equal(SKEIN(&s, "journal", "dump", "--values", "."), 0);
    assert_has(s.out, "={\"amount\":987654321,\"count\":1}");
    assert_has(s.out, "+shard:0x010200#"); /* the store secret: never with its value */
    const char *end = strstr(s.out, "+shard:0x010200#") + strlen("+shard:0x010200#") + 16;
    assert_true(*end == ' ' || *end == '\n');
    assert_int_equal(SKEIN(&s, "journal", "dump", "--from", "2", "--json", ".skein"), 0);
    assert_has(s.out, ",\"index\":2,\"stamp\":");
    assert_null(strstr(s.out, "\"index\":1,"));
    assert_has(s.out, "{\"op\":\"put\",\"kind\":\"row\",\"domain\":\"t:Ledger/a\",\"key\":\"t\",");
    assert_has(s.out, "\"sure\":true,");
    assert_int_equal(SKEIN(&s, "journal", "dump", "--from", "1000"), 0);
    assert_string_equal(s.out, "");
    s.out_path = "/dev/full";
    assert_int_equal(SKEIN(&s, "journal", "dump"), 74);
    s.out_path = NULL;
}

/* What is before the damage is printed, the damage is named. */
static void a_damaged_journal_is_dumped_up_to_the_damage(void **state)
{
    struct folder *f = *state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add"), 0);
    skein_end_holder(f);
    assert_int_equal(SKEIN(&s, "journal", "dump", "--json"), 0);
    char before[200];
    const char *last = strstr(s.out, "{\"shard\"");
    for (const char *at = last; at; at = strstr(at + 1, "\n{\"shard\""))
        last = at;
    (void)snprintf(before, sizeof(before), "%.100s", last);
    const char *path = folder_at(f, ".skein/journal/0000000000000001.seg");
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    static uint8_t bytes[1 << 20];
    ssize_t len = pread(fd, bytes, sizeof(bytes), 0);
    assert_true(len > 0);
    ssize_t end = len;
    while (bytes[end - 1] == 0)
        end--;
    bytes[end - 200] ^= 1; /* in the last group, but not in the padding */
    assert_int_equal(pwrite(fd, bytes, (size_t)len, 0), len);
    (void)close(fd);
    assert_int_equal(SKEIN(&s, "journal", "dump", "--json"), 65);
    assert_has(s.err, "0000000000000001.seg");
    assert_has(s.out, "\"index\":2,");
    assert_null(strstr(s.out, before));
    assert_has(s.out, "{\"error\":{\"code\":\"CORRUPT\"");
}

/* A trace that is not read costs its page and then counts; the domain does not wait for it. */
static void a_trace_that_is_not_read_delays_nobody(void **state)
{
    (void)state;
    static struct skein t = {.out_path = "/dev/null"};
    begin_trace(&t, "t:Flood/a", true);
    const char *flood = "{\"to\":\"t:Flood/a\",\"count\":5000}";
    assert_int_equal(kill(t.pid, SIGSTOP), 0);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Flood/a", "flood", flood), 0);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(SKEIN(&s, "domain", "send", "t:Flood/a", "get"), 0);
        if (strstr(s.out, "\"received\":5000,")) break;
        skein_pause_ms(20);
    }
    assert_has(s.out, "{\"disorder\":0,\"received\":5000,\"sent\":5000}");
    assert_int_equal(kill(t.pid, SIGCONT), 0);
    read_until(&t, 1, "handled faster than they could be shown\n");
    assert_int_equal(kill(t.pid, SIGINT), 0);
    assert_int_equal(skein_wait(&t), 0);
}

#else

static void a_run_is_in_the_journal(void **state)
{
    static struct skein t;
    struct folder *f = *state;
    begin_trace(&t, "local:Run/none", true);
    assert_int_equal(kill(t.pid, SIGINT), 0);
    assert_int_equal(skein_wait(&t), 0);
    folder_mkdir(f, "events");
    folder_write(f,
                 "events/one.yaml",
                 "event: one\nversion: 1.0.0\ndescription: One.\nrun: { exec: [\"true\"] }\n");
    folder_write(f, "one.pty", "one\n");
    assert_int_equal(SKEIN(&s, "run", "one.pty"), 0);
    skein_end_holder(f);
    assert_int_equal(SKEIN(&s, "journal", "dump"), 0);
    assert_has(s.out, " request start ");
}

#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef SKN_TEST_BUILD
        TEST(a_trace_tells_of_each_message_as_it_is_handled),
        TEST(a_query_is_told_too),
        TEST(what_was_handled_is_in_the_journal),
        TEST(a_dump_has_a_line_per_record_and_no_values),
        TEST(a_damaged_journal_is_dumped_up_to_the_damage),
        TEST(a_trace_that_is_not_read_delays_nobody),
#else
        TEST(a_run_is_in_the_journal),
#endif
    };
    return cmocka_run_group_tests_name("domain_trace", tests, NULL, NULL);
}
