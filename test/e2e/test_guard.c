/* test_guard.c - a message that ends the real program twice is put aside, and nothing else is [E35].
 *
 * The messages that do so are a Hog's, and are there in debug builds only; so are failpoints.
 */
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

#ifdef SKN_DEBUG

/* How often the log says that an earlier node died, and at which domain. */
static int deaths(const struct folder *f, const char *domain)
{
    char *log = folder_read(f, ".skein/holder.log");
    char part[128];
    int n = 0;
    (void)snprintf(part, sizeof part, "signal=node_crashed domain=%s ", domain);
    for (char *at = log; at && (at = strstr(at, part)); at++)
        n++;
    free(log);
    return n;
}

static bool is_gone(pid_t pid)
{
    char path[64], state = 'Z';
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file) return true;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = 'Z';
    (void)fclose(file);
    return state == 'Z' || state == 'X';
}

static void kill_and_wait(pid_t pid, int number)
{
    assert_true(pid > 0);
    assert_int_equal(kill(pid, number), 0);
    for (int i = 0; i < 2000 && !is_gone(pid); i++)
        skein_pause_ms(5);
    assert_true(is_gone(pid));
}

/* A slot of the guard has the address in it, and a message of it is being handled. */
static bool is_handled(const struct folder *f, const char *address)
{
    char guard[64 + 64 * 536] = {0};
    bool is_in = false;
    int fd = open(folder_at(f, ".skein/guard"), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    if (read(fd, guard, sizeof guard) != (ssize_t)sizeof guard) guard[64] = 0;
    (void)close(fd);
    for (const char *at = guard + 64; at < guard + sizeof guard; at += 536)
        is_in |= at[0] == 1 && memcmp(at + 24, address, strlen(address)) == 0;
    return is_in;
}

/* What a killed process left behind is not taken for the next one's; marked slots stay. */
static void forget_handled(const struct folder *f)
{
    int fd = open(folder_at(f, ".skein/guard"), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    for (off_t at = 64; at < 64 + 64 * 536; at += 536) {
        uint32_t state = 0, nothing = 0;
        assert_int_equal(pread(fd, &state, sizeof state, at), sizeof state);
        if (state == 1) assert_int_equal(pwrite(fd, &nothing, sizeof nothing, at), sizeof nothing);
    }
    (void)close(fd);
}

/* Opens by asking somebody else, until the node has died at `domain` so often. */
static void die_until(const struct folder *f, const char *domain, int n)
{
    for (int i = 0; i < 20 && deaths(f, domain) < n; i++) {
        (void)SKEIN(&s, "domain", "send", "x:Hog/other", "get");
        skein_pause_ms(20);
    }
    assert_int_equal(deaths(f, domain), n);
}

static void expect_dead_letters(const char *address, const char *faulted, const char *dead)
{
    assert_int_equal(SKEIN(&s, "domain", "get", address, "--json"), 0);
    assert_has(s.out, faulted);
    assert_has(s.out, dead);
}

static void mail_that_ends_the_node_twice_is_put_aside_until_redelivered(void **state) /* [E35] */
{
    const struct folder *f = *state;
    static const char *const hows[] = {"null", "assert", "stack"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(hows); i++) {
        char address[32], payload[100];
        (void)snprintf(address, sizeof address, "x:Hog/%s", hows[i]);
        /* Until the year 2096: the clock of the node is moved there below. */
        (void)snprintf(payload,
                       sizeof payload,
                       "{\"how\":\"%s\",\"mail\":1,\"until\":4000000000000}",
                       hows[i]);
        (void)SKEIN(&s, "domain", "send", address, "crash", payload);
        die_until(f, address, 2);
        /* The third opening serves everything else, and the next ones too. */
        assert_int_equal(SKEIN(&s, "domain", "send", "x:Hog/other", "get"), 0);
        expect_dead_letters(address, "\"faulted\":true", "\"dead\":1");
        skein_end_holder(f);
        assert_int_equal(SKEIN(&s, "domain", "send", "x:Hog/other", "get"), 0);
        assert_int_equal(deaths(f, address), 2);
        assert_int_equal(SKEIN(&s, "domain", "ls", "--faulted"), 0);
        assert_has(s.out, address);
    }
    /* Not mended: two more deaths, and it is a letter again. */
    (void)SKEIN(&s, "domain", "redeliver", "x:Hog/null", "--all");
    die_until(f, "x:Hog/null", 4);
    assert_int_equal(SKEIN(&s, "domain", "send", "x:Hog/other", "get"), 0);
    expect_dead_letters("x:Hog/null", "\"faulted\":true", "\"dead\":1");
    /* Mended by the clock. */
    assert_int_equal(SKEIN(&s, "dev", "clock", "+36000d"), 0);
    assert_int_equal(SKEIN(&s, "domain", "redeliver", "x:Hog/null", "--all"), 0);
    for (int i = 0; i < 100 && !strstr(s.out, "\"handled\":1"); i++)
        (void)SKEIN(&s, "domain", "send", "x:Hog/null", "get");
    assert_has(s.out, "\"handled\":1");
    expect_dead_letters("x:Hog/null", "\"faulted\":false", "\"dead\":0");
    assert_int_equal(deaths(f, "x:Hog/null"), 4);
}

static void a_request_that_ended_the_node_twice_is_refused(void **state) /* [E35] */
{
    const struct folder *f = *state;
    static const char payload[] = "{\"how\":\"null\",\"until\":4000000000000}";
    for (int i = 0; i < 6 && deaths(f, "x:Hog/r") < 2; i++) {
        (void)SKEIN(&s, "domain", "send", "x:Hog/r", "crash", payload, "--id", "one");
        skein_pause_ms(50);
        (void)SKEIN(&s, "domain", "send", "x:Hog/other", "get");
    }
    assert_int_equal(deaths(f, "x:Hog/r"), 2);
    assert_int_equal(SKEIN(&s, "domain", "send", "x:Hog/r", "crash", payload, "--id", "one"), 70);
    assert_has(s.err, "ended the node twice");
    assert_int_equal(SKEIN(&s, "domain", "send", "x:Hog/other", "get"), 0);
    assert_int_equal(deaths(f, "x:Hog/r"), 2);
    expect_dead_letters("x:Hog/r", "\"faulted\":true", "\"dead\":1");
}

static void an_intent_that_ends_the_node_twice_has_failed(void **state) /* [E35] */
{
    const struct folder *f = *state;
    static const char *const env[] = {"SKEIN_CRASH_AT_EFFECT=false", NULL};
    s.env = env;
    (void)SKEIN(&s, "domain", "send", "x:Hog/i", "intent", "{\"argv\":[\"false\"],\"attempts\":2}");
    die_until(f, "x:Hog/i", 2);
    for (int i = 0; i < 200 && !strstr(s.out, "\"results\":1"); i++) {
        (void)SKEIN(&s, "domain", "send", "x:Hog/i", "get");
        skein_pause_ms(10);
    }
    assert_has(s.out, "\"results\":1");
    assert_int_equal(SKEIN(&s, "domain", "get", "x:Hog/i", "last"), 0);
    assert_has(s.out, "crashed");
    assert_int_equal(deaths(f, "x:Hog/i"), 2);
    s.env = NULL;
}

/* P1 [E35] The node hangs in the message, and is killed there again and again. */
static void a_kill_in_the_same_place_never_counts(void **state)
{
    const struct folder *f = *state;
    static const char payload[] = "{\"how\":\"hang\",\"until\":4000000000000}";
    (void)SKEIN(&s, "domain", "send", "x:Hog/other", "get");
    for (int i = 0; i < 6; i++) {
        skein_start(&s,
                    (const char *const[]){
                        "domain", "send", "x:Hog/k", "crash", payload, "--id", "one", NULL});
        for (int n = 0; n < 2000 && !is_handled(f, "x:Hog/k"); n++)
            skein_pause_ms(5);
        assert_true(is_handled(f, "x:Hog/k"));
        pid_t pid = skein_holder_pid(f);
        (void)kill(s.pid, SIGKILL);
        (void)skein_wait(&s);
        kill_and_wait(pid, i % 2 ? SIGSEGV : SIGKILL);
        forget_handled(f);
    }
    assert_int_equal(deaths(f, "x:Hog/k"), 0);
    assert_int_equal(SKEIN(&s, "domain", "send", "x:Hog/k", "get"), 0);
    assert_int_equal(SKEIN(&s, "domain", "ls", "--faulted"), 0);
    assert_null(strstr(s.out, "x:Hog/k"));
}

static void a_guard_that_cannot_be_read_is_told_and_hurts_nobody(void **state) /* [E35] */
{
    const struct folder *f = *state;
    assert_int_equal(SKEIN(&s, "domain", "send", "x:Hog/a", "get"), 0);
    skein_end_holder(f);
    folder_write(f, ".skein/guard", "not a guard");
    assert_int_equal(SKEIN(&s, "domain", "send", "x:Hog/a", "get"), 0);
    char *log = folder_must_read(f, ".skein/holder.log");
    assert_has(log, "signal=guard_unreadable");
    free(log);
}

#else

static void nothing_of_a_release_build_ends_the_node_on_purpose(void **state)
{
    (void)SKEIN(&s, "domain", "send", "x:Hog/a", "crash", "{\"how\":\"null\"}");
    assert_true(s.code > 0);
    char *log = folder_must_read(*state, ".skein/holder.log");
    assert_null(strstr(log, "node_crashed"));
    free(log);
}

#endif

int main(void)
{
    static const struct CMUnitTest tests[] = {
#ifdef SKN_DEBUG
        cmocka_unit_test_setup_teardown(
            mail_that_ends_the_node_twice_is_put_aside_until_redelivered, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_request_that_ended_the_node_twice_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_intent_that_ends_the_node_twice_has_failed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_kill_in_the_same_place_never_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_guard_that_cannot_be_read_is_told_and_hurts_nobody, setup, teardown),
#else
        cmocka_unit_test_setup_teardown(
            nothing_of_a_release_build_ends_the_node_on_purpose, setup, teardown),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
