/* test_domain.c - the real program looks into domains and sends to them: every command, every exit
 * code. In a test build with the types of src/dev, in any other with runs. */
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

/* --- in every build ---------------------------------------------------------------------------- */

static void what_is_not_understood_is_2_before_anything_is_opened(void **state)
{
    (void)state;
    static const char *const cases[][6] = {
        {"domain"},
        {"domain", "gett", "a:B/c"},
        {"domain", "get"},
        {"domain", "get", "a:B/c", "k", "more"},
        {"domain", "get", "none"},
        {"domain", "get", "a:B"},
        {"domain", "get", "a:/c"},
        {"domain", "get", "a:B/"},
        {"domain", "get", "a:B/c", "--limit", "x"},
        {"domain", "get", "a:B/c", "--limit=-1"},
        {"domain", "get", "a:B/c", "--limit=99999999999999999999"},
        {"domain", "ls", "--limit", "1x"},
        {"domain", "get", "a:B/c", "--at", "yesterday"},
        {"domain", "get", "a:B/c", "--at", "2026-02-29T00:00:00Z"},
        {"domain", "get", "a:B/c", "--at", "2026-11-21T12:00:00"},
        {"domain", "get", "a:B/c", "--at", "2026-11-21T12:00:00Z/65536"},
        {"domain", "history"},
        {"domain", "history", "a:B"},
        {"domain", "history", "a:B/c", "--since", "12:00"},
        {"domain", "history", "a:B/c", "--limit", "1000001"},
        {"domain", "send", "a:B/c"},
        {"domain", "send", "a:B/c", "add", "{"},
        {"domain", "send", "a:B/c", "add", "1", "2"},
        {"domain", "send", "a:B/c", "add", "--priority", "urgent"},
        {"domain", "send", "a:B/c", "add", "--id="},
        {"domain", "trace", "a"},
        {"domain", "trace", "a:B/c", "--last", "many"},
        {"domain", "resume"},
        {"domain", "redeliver", "a:B/c"},
        {"domain", "rm"},
        {"domain", "rm", "a:B"},
        {"domain", "redeliver", "a:B/c", "1", "--all"},
        {"domain", "redeliver", "a:B/c", "0"},
        {"domain", "redeliver", "a:B/c", "one"},
        {"journal"},
        {"journal", "dump", "--from", "-"},
        {"dev", "clock"},
        {"dev", "clock", "24h"},
        {"dev", "clock", "+1w"},
        {"status", "more"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *args[7] = {NULL};
        memcpy(args, cases[i], sizeof(cases[i]));
        if (skein_run(&s, args) != 2) fail_msg("%zu: %d, %s", i, s.code, s.err);
        assert_string_equal(s.out, "");
        assert_has(s.err, "skein: ");
    }
}

static void where_nothing_was_ever_run_it_says_so(void **state)
{
    struct folder *f = *state;
    assert_int_equal(SKEIN(&s, "domain", "ls"), 0);
    assert_string_equal(s.out, "STATE     MAIL   DEAD  ADDRESS\n");
    assert_int_equal(SKEIN(&s, "domain", "ls", "--json"), 0);
    assert_string_equal(s.out, "{\"domains\":[],\"next\":null}\n");
    assert_int_equal(SKEIN(&s, "domain", "get", "a:B/c"), 66);
    assert_int_equal(SKEIN(&s, "domain", "get", "a:B/c", "--at", "1"), 66);
    assert_int_equal(SKEIN(&s, "domain", "history", "a:B/c"), 66);
    assert_int_equal(SKEIN(&s, "status"), 66);
    assert_int_equal(SKEIN(&s, "journal", "dump"), 66);
    assert_int_equal(SKEIN(&s, "journal", "dump", "none"), 66);
    assert_int_equal(SKEIN(&s, "domain", "trace", "a:B/c", "--last", "1"), 66);
    /* And a folder that is no project does not become one. */
    folder_mkdir(f, "other");
    assert_int_equal(unlink(folder_at(f, "skein.yaml")), 0);
    s.dir = strdup(folder_at(f, "other"));
    assert_int_equal(SKEIN(&s, "domain", "send", "a:Run/c", "stop"), 66);
    assert_has(s.err, "it is no project");
    assert_int_equal(SKEIN(&s, "domain", "ls"), 66);
    assert_int_not_equal(access(folder_at(f, "other/.skein"), F_OK), 0);
    free((void *)(uintptr_t)s.dir);
    s.dir = f->path;
}

static void a_type_that_nobody_knows_is_1(void **state)
{
    (void)state;
    assert_int_equal(SKEIN(&s, "domain", "send", "a:None/c", "add", "--json"), 1);
    assert_has(s.out, "{\"error\":{\"code\":\"EVENT_NOT_REGISTERED\"");
    assert_has(s.err, "known type");
}

static const char sleeper[] = "event: nap\nversion: 1.0.0\ndescription: A nap.\n"
                              "run: { exec: [sleep, \"30\"] }\n";

/* A run that the death of its node cut off: its domain waits to be taken up [E81]. */
static void a_domain_that_waits_answers_nobody_until_it_is_resumed(void **state)
{
    struct folder *f = *state;
    char address[80] = "local:Run/";
    folder_mkdir(f, "events");
    folder_write(f, "events/nap.yaml", sleeper);
    folder_write(f, "nap.pty", "nap\n");
    assert_int_equal(SKEIN(&s, "run", "--detach", "nap.pty"), 0);
    (void)snprintf(address + strlen(address), 60, "%.*s", (int)strcspn(s.out, "\n"), s.out);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(SKEIN(&s, "domain", "get", address), 0);
        if (strstr(s.out, "running, attempt 1 of 1, key ")) break;
        skein_pause_ms(10);
    }
    assert_has(s.out, "running, attempt 1 of 1, key ");
    assert_int_equal(kill(skein_holder_pid(f), SIGKILL), 0);

    assert_int_equal(SKEIN(&s, "domain", "send", address, "look", "--id", "q1"), 75);
    assert_has(s.err, "--id q1");
    assert_int_equal(SKEIN(&s, "domain", "ls"), 0);
    assert_has(s.out, "waiting");
    assert_int_equal(SKEIN(&s, "domain", "resume", address), 0);
    assert_has(s.out, "Taken up: local:Run/");
    assert_int_equal(SKEIN(&s, "domain", "ls", "--json"), 0);
    assert_has(s.out, "\"held\":false");
    assert_int_equal(SKEIN(&s, "domain", "resume", address), 66);
    assert_has(s.err, "waits to be taken up");
    assert_int_equal(SKEIN(&s, "domain", "resume", "local:Run/none"), 66);
}

#ifndef SKN_TEST_BUILD

static void a_release_build_has_no_dev_commands_and_types(void **state)
{
    (void)state;
    assert_int_equal(SKEIN(&s, "dev", "clock", "+24h"), 2);
    assert_has(s.err, "only in test builds");
    assert_int_equal(SKEIN(&s, "domain", "send", "a:Counter/c", "add"), 1);
}

#else

/* --- in test builds ------------------------------------------------------------------------------ */

static void the_same_id_gives_the_same_answer(void **state)
{
    (void)state;
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add", "{\"n\":41}"), 0);
    assert_string_equal(s.out, "41\n");
    for (int i = 0; i < 3; i++) { /* [E34] */
        assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add", "--id", "q"), 0);
        assert_string_equal(s.out, "42\n");
    }
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add", "7", "--id", "q"), 2);
    assert_has(s.err, "used for another request");
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "get", "--json"), 0);
    assert_has(s.out, "{\"answer\":42,\"id\":\"");
    assert_int_equal(kill(skein_holder_pid(*state), SIGKILL), 0);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add", "--id", "q"), 0);
    assert_string_equal(s.out, "42\n");
}

static void an_answer_that_is_no_success_is_an_exit_code(void **state)
{
    (void)state;
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add", "{\"n\":\"x\"}"), 2);
    assert_has(s.err, "is to be {n}");
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Hog/a", "fault"), 70);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Hog/a", "burn", "{\"what\":\"row\"}"), 1);
    s.out_path = "/dev/full";
    assert_int_equal(SKEIN(&s, "domain", "ls"), 74);
    assert_int_equal(SKEIN(&s, "status"), 74);
    s.out_path = NULL;
    static char large[1 << 20];
    (void)snprintf(large, sizeof(large), "\"%0*d\"", 100000, 0);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Echo/a", "echo", large), 0);
    assert_int_equal(strlen(s.out), 100003);
}

/* Waits until the limiter has nothing given and nobody waits. */
static void until_free(const char *limiter)
{
    for (int i = 0; i < 200; i++) {
        assert_int_equal(SKEIN(&s, "domain", "send", limiter, "get"), 0);
        if (strstr(s.out, "\"held\":0") && strstr(s.out, "\"waiting\":0")) return;
        (void)usleep(50000);
    }
    fail_msg("it is never free: %s", s.out);
}

static void programs_under_a_limiter_run_so_many_at_once(void **state) /* DESIGN 6 */
{
    struct folder *f = *state;
    enum { JOBS = 6 };
    char address[32], log[FOLDER_PATH_MAX + 8];
    for (int i = 0; i < JOBS; i++) {
        (void)snprintf(address, sizeof address, "t:Hog/%d", i);
        assert_int_equal(
            SKEIN(&s,
                  "domain",
                  "send",
                  address,
                  "intent",
                  "{\"argv\":[\"sh\",\"-c\",\"echo + >>log; sleep 0.1; echo - >>log\"],"
                  "\"limiter\":\"two\",\"places\":2}"),
            0);
    }
    until_free("limit:Limit/two");
    (void)snprintf(log, sizeof log, "%s/log", f->path);
    FILE *file = fopen(log, "r");
    assert_non_null(file);
    int live = 0, begun = 0;
    for (int c; (c = fgetc(file)) != EOF;) {
        live += c == '+' ? 1 : c == '-' ? -1 : 0;
        begun += c == '+';
        assert_in_range(live, 0, 2);
    }
    assert_int_equal(fclose(file), 0);
    assert_int_equal(begun, JOBS);
    /* A kill loses no place: the one that was cut off asks anew, and all have their turn. */
    for (int i = 0; i < 3; i++) {
        (void)snprintf(address, sizeof address, "t:Hog/k%d", i);
        assert_int_equal(SKEIN(&s,
                               "domain",
                               "send",
                               address,
                               "intent",
                               "{\"argv\":[\"sleep\",\"0.2\"],\"limiter\":\"one\",\"places\":1}"),
                         0);
    }
    assert_int_equal(kill(skein_holder_pid(*state), SIGKILL), 0);
    until_free("limit:Limit/one");
    for (int i = 0; i < 3; i++) {
        (void)snprintf(address, sizeof address, "t:Hog/k%d", i);
        assert_int_equal(SKEIN(&s, "domain", "send", address, "get"), 0);
        assert_has(s.out, "\"results\":1");
    }
    assert_int_equal(SKEIN(&s, "domain", "rm", "limit:Limit/one"), 73);
    assert_has(s.err, "goes by itself");
}

static void things_are_found_by_an_index(void **state)
{
    (void)state;
    assert_int_equal(
        SKEIN(&s, "domain", "send", "t:Shelf/1", "put", "{\"thing\":\"b\",\"rank\":7}"), 0);
    assert_int_equal(
        SKEIN(&s, "domain", "send", "t:Shelf/1", "put", "{\"thing\":\"a\",\"rank\":9}"), 0);
    assert_int_equal(
        SKEIN(&s, "domain", "send", "t:Shelf/1", "put", "{\"thing\":\"c\",\"rank\":7}"), 0);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Shelf/1", "find"), 0);
    assert_string_equal(s.out, "[\"b\",\"c\",\"a\"]\n");
    assert_int_equal(
        SKEIN(&s, "domain", "send", "t:Shelf/1", "put", "{\"thing\":\"b\",\"rank\":9}"), 0);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Shelf/1", "drop", "{\"thing\":\"a\"}"), 0);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Shelf/1", "find", "{\"rank\":9}"), 0);
    assert_string_equal(s.out, "[\"b\"]\n");
}

static void a_clock_that_waits_for_nothing_accepts_nothing(void **state) /* [E50] */
{
    (void)state;
    assert_int_equal(SKEIN(&s, "clock", "accept"), 66);
    assert_has(s.err, "waits for nothing");
    assert_int_equal(SKEIN(&s, "status", "--json"), 0);
    assert_has(s.out, "\"clock_waits\":false");
    assert_has(s.out, "\"wall_ahead_ms\":");
}

static void lists_are_in_pages_and_by_type_prefix_and_state(void **state)
{
    (void)state;
    static const char *const addresses[] = {
        "a:Counter/1", "a:Counter/10", "a:Counter/2", "a:Echo/1", "b:Counter/1"};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(
            SKEIN(&s, "domain", "send", addresses[i], i == 3 ? "forward" : "add", "{}"), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(SKEIN(&s, "domain", "send", "b:Hog/1", "fault"), 70);
    assert_int_equal(SKEIN(&s, "domain", "ls"), 0);
    assert_string_equal(s.out,
                        "STATE     MAIL   DEAD  ADDRESS\n"
                        "ok           0      0  a:Counter/1\n"
                        "ok           0      0  a:Counter/10\n"
                        "ok           0      0  a:Counter/2\n"
                        "ok           0      0  a:Echo/1\n"
                        "ok           0      0  b:Counter/1\n"
                        "FAULTED      0      3  b:Hog/1\n");
    assert_int_equal(SKEIN(&s, "domain", "ls", "a:Counter/1"), 0);
    assert_has(s.out, "a:Counter/1\n");
    assert_has(s.out, "a:Counter/10\n");
    assert_null(strstr(s.out, "a:Counter/2\n"));
    assert_int_equal(SKEIN(&s, "domain", "ls", "--type", "Counter", "--limit", "2"), 0);
    assert_has(s.out, "a:Counter/10\n");
    assert_null(strstr(s.out, "a:Counter/2\n"));
    assert_has(s.err, "--after 'a:Counter/10'");
    assert_int_equal(SKEIN(&s, "domain", "ls", "a:", "--after", "a:Counter/10", "--json"), 0);
    assert_has(s.out, "{\"domains\":[{\"address\":\"a:Counter/2\",");
    assert_has(s.out, "\"a:Echo/1\"");
    assert_null(strstr(s.out, "b:"));
    assert_has(s.out, "\"next\":null}\n");
    assert_int_equal(SKEIN(&s, "domain", "ls", "--faulted"), 0);
    assert_has(s.out, "FAULTED      0      3  b:Hog/1\n");
    assert_null(strstr(s.out, "ok "));
    assert_int_equal(SKEIN(&s, "domain", "ls", "--limit", "0"), 0);
    assert_string_equal(s.out, "STATE     MAIL   DEAD  ADDRESS\n");
    skein_end_holder(*state); /* the same without a holder */
    assert_int_equal(SKEIN(&s, "domain", "ls", "b:", "--json"), 0);
    assert_has(s.out,
               "{\"address\":\"b:Hog/1\",\"dead\":3,\"faulted\":true,\"faults\":3,\"held\":null,"
               "\"mail\":0,\"waiting\":0}");
}

static void a_domain_is_shown_with_all_that_it_has(void **state)
{
    (void)state;
    const char *intent = "{\"argv\":[\"sleep\",\"20\"],\"attempts\":4}";
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Hog/a", "fault", "{\"until\":\"x\"}"), 2);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Hog/a", "fault"), 70);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Hog/a", "intent", intent), 0);
    assert_int_equal(SKEIN(&s, "domain", "get", "t:Hog/a"), 0);
    assert_has(s.out, "t:Hog/a\nstate         ok\nmailbox       0\nintents       1\n");
    assert_has(s.out, "  0 running, attempt 1 of 4, key ");
    assert_has(s.out, "{\"argv\":[\"sleep\",\"20\"]");
    assert_has(s.out, "dead letters  1\n  1 FAULT: request fault  null\n");
    assert_has(s.out, "\nrows\n  handled             1\n");
    assert_int_equal(SKEIN(&s, "domain", "get", "t:Hog/a", "--json"), 0);
    assert_has(s.out, "\"dead_letters\":[{\"code\":\"FAULT\",\"from\":\"\",\"kind\":\"request\",");
    assert_has(s.out, "\"text\":\"");
    /* The letter has the code and its text; all that the program said is in the log. */
    char *log = folder_must_read(*state, ".skein/holder.log");
    assert_has(log,
               "signal=slice_faulted domain=t:Hog/a message=fault code=FAULT reason=\"a Hog faults "
               "when it is told to\"");
    free(log);
    assert_has(s.out, "\"dead_letters_more\":false");
    assert_has(s.out, "\"attempts\":4");
    assert_has(s.out, "\"mailbox\":{\"background\":0,\"critical\":0,");
    assert_has(s.out, "\"rows\":[{\"key\":\"handled\",\"size\":9,\"value\":1}],\"next\":null}");

    const char *later = "{\"n\":5,\"ms\":3600000}";
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add-later", later), 0);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add-many", "{\"rows\":1000}"), 0);
    assert_int_equal(SKEIN(&s, "domain", "get", "t:Counter/a", "--limit", "2"), 0);
    assert_has(s.out, "timers        1\n  0 due 20");
    assert_has(s.out, ", 0x0500000000000000\n");
    assert_has(s.out, "  r000                {\"n\":1,\"pad\":\"\"}\n  r001 ");
    assert_null(strstr(s.out, "r002"));
    assert_has(s.err, "--after 'r001'");
    assert_int_equal(
        SKEIN(&s, "domain", "get", "t:Counter/a", "--json", "--after", "r998", "--limit", "7"), 0);
    assert_has(s.out, "\"rows\":[{\"key\":\"r999\",");
    assert_has(s.out, "{\"key\":\"sum\",\"size\":9,\"value\":1}],\"next\":null}");
    /* More than one page of the node. */
    assert_int_equal(SKEIN(&s, "domain", "get", "t:Counter/a", "--limit", "1001"), 0);
    assert_has(s.out, "  sum                 1\n");

    assert_int_equal(SKEIN(&s, "domain", "get", "t:Counter/a", "sum"), 0);
    assert_string_equal(s.out, "1\n");
    assert_int_equal(SKEIN(&s, "domain", "get", "t:Counter/a", "0x73756d", "--json"), 0);
    assert_has(s.out, "{\"key\":\"sum\",\"size\":9,\"stamp\":");
    assert_int_equal(SKEIN(&s, "domain", "get", "t:Counter/a", "none"), 66);
    assert_int_equal(SKEIN(&s, "domain", "get", "t:Counter/a", "0x7"), 2);
    assert_int_equal(SKEIN(&s, "domain", "get", "t:Counter/b"), 66);
    assert_has(s.err, "there is no domain \"t:Counter/b\"");
}

static void a_day_passes_at_once(void **state)
{
    (void)state;
    const char *later = "{\"n\":100,\"ms\":86400000}";
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add", "--id", "q"), 0);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add-later", later), 0);
    assert_int_equal(SKEIN(&s, "dev", "clock", "+23h"), 0);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add", "--id", "q"), 0);
    assert_string_equal(s.out, "1\n"); /* remembered [E34] */
    assert_int_equal(SKEIN(&s, "dev", "clock", "+121m", "--json"), 0);
    assert_has(s.out, "{\"now\":");
    assert_int_equal(SKEIN(&s, "domain", "get", "t:Counter/a", "sum"), 0);
    assert_string_equal(s.out, "101\n"); /* fired */
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add", "--id", "q"), 0);
    assert_string_equal(s.out, "102\n"); /* forgotten: ids go by the hour of their answer */
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What is beside a domain that uses up its budget is still answered, and nothing of it is lost. */
static void an_echo_beside_a_hog_answers_within_a_second(void **state)
{
    (void)state;
    /* A slice's whole gas is half a second of an optimised build, and many of one that is not. */
#    ifdef SKN_DEBUG
    const char *what = "{\"what\":\"memory\"}";
#    else
    const char *what = "{\"what\":\"gas\"}";
#    endif
    static struct skein hog;
    int64_t worst = 0;
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Echo/a", "echo", "0"), 0);
    for (int i = 0; i < 3; i++) {
        hog = (struct skein){.dir = s.dir};
        skein_start(&hog, (const char *const[]){"domain", "send", "t:Hog/a", "burn", what, NULL});
        for (int j = 0; j < 5; j++) {
            int64_t began = now_ms();
            assert_int_equal(SKEIN(&s, "domain", "send", "t:Echo/a", "echo", "1"), 0);
            assert_string_equal(s.out, "1\n");
            if (now_ms() - began > worst) worst = now_ms() - began;
        }
        assert_true(skein_wait(&hog) > 0);
    }
    print_message("the slowest echo took %lld ms\n", (long long)worst);
    assert_true(worst < 1000);
    assert_int_equal(SKEIN(&s, "domain", "get", "t:Hog/a"), 0);
    assert_has(s.out, "FAULTED"); /* [E33]: three in a row */
    assert_has(s.out, "dead letters  3\n");
    assert_has(s.out, ": request burn  {\"what\":\"");
}

/* [E33] What faulted is handed over again after the repair, in order; the domain is FAULTED no more.
 * Here the repair is that time has passed. */
static void a_faulted_domain_is_repaired(void **state)
{
    (void)state;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    char payload[60];
    (void)snprintf(
        payload, sizeof(payload), "{\"until\":%lld}", ((long long)now.tv_sec + 3600) * 1000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(SKEIN(&s, "domain", "send", "t:Hog/a", "fault", payload), 70);
    assert_int_equal(SKEIN(&s, "domain", "get", "t:Hog/a"), 0);
    assert_has(s.out, "state         FAULTED: ");
    assert_has(s.out, "dead letters  3\n  1 FAULT: request fault  {\"until\":");
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Hog/a", "get"), 70);
    assert_int_equal(SKEIN(&s, "domain", "resume", "t:Hog/a"), 66);
    assert_has(s.err, "skein domain redeliver");

    /* Too early: it faults again, as a new letter. */
    assert_int_equal(SKEIN(&s, "domain", "redeliver", "t:Hog/a", "1"), 0);
    assert_string_equal(s.out, "Handed over again: 1 dead letter\n");
    assert_int_equal(SKEIN(&s, "domain", "get", "t:Hog/a"), 0);
    assert_has(s.out, "dead letters  3\n  2 FAULT: request fault");
    assert_has(s.out, "\n  4 FAULT: request fault");

    assert_int_equal(SKEIN(&s, "dev", "clock", "+2h"), 0);
    assert_int_equal(SKEIN(&s, "domain", "redeliver", "t:Hog/a", "--all", "--json"), 0);
    assert_string_equal(s.out, "{\"letters\":3}\n");
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Hog/a", "get"), 0);
    assert_string_equal(s.out, "{\"handled\":3,\"results\":0}\n");
    assert_int_equal(SKEIN(&s, "domain", "ls"), 0);
    assert_has(s.out, "ok           0      0  t:Hog/a\n");
    assert_int_equal(SKEIN(&s, "domain", "redeliver", "t:Hog/a", "--all"), 0);
    assert_string_equal(s.out, "Handed over again: 0 dead letters\n");
    assert_int_equal(SKEIN(&s, "domain", "redeliver", "t:Hog/a", "7"), 66);
    assert_has(s.err, "there is no such dead letter");
    skein_pause_ms(300);
    assert_int_equal(SKEIN(&s, "domain", "trace", "t:Hog/a", "--last", "4"), 0);
    assert_has(s.out, " request fault; dead letters -2; rows handled\n");

    /* Or it is given up. */
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Hog/a", "fault"), 70);
    assert_int_equal(SKEIN(&s, "domain", "redeliver", "t:Hog/a", "--all", "--close"), 0);
    assert_string_equal(s.out, "Closed: 1 dead letter\n");
    assert_int_equal(SKEIN(&s, "domain", "get", "t:Hog/a"), 0);
    assert_has(s.out, "dead letters  0\n");
}

/* [E14] Nothing of it is left: rows, timers, dead letters, programs; and its neighbours stay. */
static void a_removed_domain_is_gone(void **state)
{
    (void)state;
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add-many", "{\"rows\":1000}"), 0);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add-later", "{\"ms\":3600000}"),
                     0);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/aa", "add"), 0);
    assert_int_equal(
        SKEIN(&s, "domain", "send", "t:Hog/a", "intent", "{\"argv\":[\"sleep\",\"30\"]}"), 0);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Hog/a", "fault"), 70);
    assert_int_equal(SKEIN(&s, "domain", "rm", "t:Counter/a"), 0);
    assert_string_equal(s.out, "Removed: t:Counter/a\n");
    int64_t began = now_ms();
    assert_int_equal(SKEIN(&s, "domain", "rm", "t:Hog/a", "--json"), 0);
    assert_string_equal(s.out, "{\"removed\":true}\n");
    assert_true(now_ms() - began < 20000); /* its program was ended, not waited for */
    assert_int_equal(SKEIN(&s, "domain", "ls"), 0);
    assert_string_equal(s.out,
                        "STATE     MAIL   DEAD  ADDRESS\n"
                        "ok           0      0  t:Counter/aa\n");
    assert_int_equal(SKEIN(&s, "domain", "get", "t:Counter/a"), 66);
    assert_int_equal(SKEIN(&s, "domain", "rm", "t:Counter/a"), 66);
    assert_int_equal(SKEIN(&s, "dev", "clock", "+2h"), 0);
    assert_int_equal(SKEIN(&s, "domain", "get", "t:Counter/a"), 66); /* no timer brings it back */
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add"), 0);
    assert_string_equal(s.out, "1\n"); /* a new one */
}

static void status_says_how_the_node_is(void **state)
{
    struct folder *f = *state;
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Counter/a", "add"), 0);
    assert_int_equal(SKEIN(&s, "domain", "send", "t:Hog/a", "fault"), 70);
    assert_int_equal(SKEIN(&s, "status"), 0);
    assert_has(s.out, "holder       process ");
    assert_has(s.out, "\ndisk         ok\n");
    assert_has(s.out, " 1 faults");
    assert_has(s.out, "\nepoch        1\n");
    assert_has(s.out, "domain types Run Counter");
    char pid[40];
    (void)snprintf(pid, sizeof(pid), "\"pid\":%d,", (int)skein_holder_pid(f));
    assert_int_equal(SKEIN(&s, "status", "--json"), 0);
    assert_has(s.out, pid);
    assert_has(s.out, "\"holder\":true");
    assert_has(s.out, "\"counts\":{");
    assert_has(s.out, "\"client_version\":\"");
    skein_end_holder(f);
    assert_int_equal(SKEIN(&s, "status"), 0);
    assert_has(s.out, "holder       none");
    assert_has(s.out, "\nepoch        1\n");
    assert_int_equal(SKEIN(&s, "status", "--json"), 0);
    assert_has(s.out, "\"holder\":false");
    assert_null(strstr(s.out, "\"pid\""));
}

#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_understood_is_2_before_anything_is_opened),
        TEST(where_nothing_was_ever_run_it_says_so),
        TEST(a_type_that_nobody_knows_is_1),
        TEST(a_domain_that_waits_answers_nobody_until_it_is_resumed),
#ifndef SKN_TEST_BUILD
        TEST(a_release_build_has_no_dev_commands_and_types),
#else
        TEST(the_same_id_gives_the_same_answer),
        TEST(an_answer_that_is_no_success_is_an_exit_code),
        TEST(programs_under_a_limiter_run_so_many_at_once),
        TEST(things_are_found_by_an_index),
        TEST(a_clock_that_waits_for_nothing_accepts_nothing),
        TEST(lists_are_in_pages_and_by_type_prefix_and_state),
        TEST(a_domain_is_shown_with_all_that_it_has),
        TEST(a_day_passes_at_once),
        TEST(an_echo_beside_a_hog_answers_within_a_second),
        TEST(a_faulted_domain_is_repaired),
        TEST(a_removed_domain_is_gone),
        TEST(status_says_how_the_node_is),
#endif
    };
    return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
