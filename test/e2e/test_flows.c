/* test_flows.c - the rules of flows with real programs: what runs, how often, when, and what comes
 * out. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "lib/skein.h"

#include <time.h>

enum { WIDE = 200, RUNS = 10 };

static struct skein s;

/* Each event: name, more lines, arguments of sh -c. */
static const char *const events[][3] = {
    {"One", "", "echo one >>ran; echo 1"},
    {"Two", "inputs: { previous: any }\n", "cat >got; echo two >>ran; echo 2"},
    {"Last", "", "echo last >>ran; echo 3"},
    {"Bad", "", "echo bad >>ran; echo lost; echo why >&2; exit 75"},
    {"Third", "", "echo $SKEIN_ATTEMPT $SKEIN_IDEMPOTENCY_KEY >>ran; [ $SKEIN_ATTEMPT = 3 ]"},
    {"Policy", "retry: { attempts: 3, backoff: 300ms }\n", "date +%s%N >>ran; exit 1"},
    {"Deaf", "", "trap \"\" TERM; echo $$ >>pids; sleep 60 & wait; sleep 60"},
    {"Nap", "", "echo $$ >>pids; exec sleep 60"},
    {"Deal", "outcomes: [declined, 3]\nretry: { attempts: 2 }\n", "echo deal >>ran; cat said"},
    {"Weigh",
     "outputs: { kg: { type: float, maximum: 20 }, tags: { type: list, items: string } }\n"
     "retry: { attempts: 2 }\n",
     "echo weigh >>ran; cat said"},
    {"When",
     "outcomes: [empty, odd]\noutcome_when: { empty: 'len(rows) == 0', odd: 'rows[0] == 7' }\n"
     "success_when: 'ok and rows[0] > 1'\n",
     "cat said"},
    {"Asked", "inputs: { who: string, n: int }\n", "cat"},
    {"Key", "", "echo $SKEIN_IDEMPOTENCY_KEY >>ran; sleep 0.2; echo $SKEIN_IDEMPOTENCY_KEY >>end"},
    {"Env", "", "env | cut -d= -f1 | sort | tr \"\\n\" \" \"; test -d \"$SKEIN_TMP\""},
};

static int setup(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));
    folder_make(f);
    memset(&s, 0, sizeof(s));
    s.dir = f->path;
    *state = f;
    folder_write(f, "skein.yaml", "name: t\n");
    folder_mkdir(f, "events");
    for (size_t i = 0; i < SKN_ARRAY_LEN(events); i++) {
        char name[64], text[512];
        (void)snprintf(name, sizeof(name), "events/%s.yaml", events[i][0]);
        (void)snprintf(text,
                       sizeof(text),
                       "event: %s\nversion: 1.0.0\n%srun: { exec: [sh, -c, '%s'] }\n",
                       events[i][0],
                       events[i][1],
                       events[i][2]);
        folder_write(f, name, text);
    }
    return 0;
}

static int teardown(void **state)
{
    struct folder *f = *state;
    skein_end_holder(f);
    folder_remove(f);
    free(f);
    return 0;
}

static int run_text(const struct folder *f, const char *text)
{
    folder_write(f, "a.pty", text);
    return SKEIN(&s, "run", "a.pty");
}

static void assert_ran(const struct folder *f, const char *expected)
{
    char *text = folder_read(f, "ran");
    assert_string_equal(text ? text : "", expected);
    free(text);
}

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* [F10] */
static void an_exit_code_is_a_failure_whose_reason_is_kept(void **state)
{
    assert_int_equal(run_text(*state, "Bad\n"), 1);
    assert_has(s.err, "exit:75");
    assert_string_equal(s.out, "");
    assert_int_equal(SKEIN(&s, "logs", "last"), 0);
    assert_has(s.out, "why\n");
}

/* [F10] [F32] What a program prints may name an outcome that its event declares. */
static void a_program_names_its_outcome(void **state)
{
    static const char flow[] = "Deal (declined |-> Two, 3 -> Last, failure -> One)\n";
    static const struct {
        const char *said, *ran, *got;
    } cases[] = {
        {"{\"outcome\": \"declined\", \"result\": 5}", "deal\ntwo\n", "{\"previous\":5}"},
        {"{\"outcome\": 3}", "deal\nlast\n", NULL},
        {"{\"outcome\": \"success\", \"result\": 5}", "deal\n", NULL},
        {"{\"outcome\": \"declined\", \"other\": 5}", "deal\n", NULL}, /* is a result as it is */
        {"{\"outcome\": \"failure\"}", "deal\ndeal\none\n", NULL},     /* and is tried again */
        {"{\"outcome\": \"late\"}", "deal\ndeal\none\n", NULL},
        {"{\"outcome\": 12}", "deal\ndeal\none\n", NULL},
    };
    struct folder *f = *state;
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        (void)unlink(folder_at(f, "ran"));
        folder_write(f, "said", cases[i].said);
        assert_int_equal(run_text(f, flow), 0);
        assert_ran(f, cases[i].ran);
        char *got = cases[i].got ? folder_must_read(f, "got") : NULL;
        if (got) assert_has(got, cases[i].got);
        free(got);
    }
    assert_int_equal(SKEIN(&s, "show", "last"), 0);
    assert_int_equal(run_text(f, "Deal\n"), 1); /* named, and nobody takes it */
    assert_has(s.err, "BAD_OUTCOME");
}

/* [F31] A result that is not what the event's words promise is a failed attempt, with its reason. */
static void a_result_that_does_not_fit_fails_its_attempt(void **state)
{
    static const struct {
        const char *said, *why; /* NULL: it fits */
    } cases[] = {
        {"{\"kg\": 20, \"tags\": [\"a\"], \"more\": 1}", NULL},
        {"{\"kg\": 20.5, \"tags\": []}", "output /kg: must be at most 20"},
        {"{\"kg\": 1, \"tags\": [\"a\", 2]}", "output /tags/1: must be a string"},
        {"{\"tags\": []}", "output /kg: is missing"},
        {"heavy", "output /kg: is missing"},
    };
    struct folder *f = *state;
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        (void)unlink(folder_at(f, "ran"));
        folder_write(f, "said", cases[i].said);
        assert_int_equal(run_text(f, "Weigh\n"), cases[i].why ? 1 : 0);
        assert_ran(f, cases[i].why ? "weigh\nweigh\n" : "weigh\n"); /* tried again, as others */
        if (cases[i].why) assert_has(s.err, cases[i].why);
    }
    assert_int_equal(run_text(f, "Weigh (failure -> One)\n"), 0);
}

/* [F30b] Of a program that named none, expressions over its result choose the outcome. */
static void expressions_choose_the_outcome(void **state)
{
    static const struct {
        const char *said, *ran;
    } cases[] = {
        {"{\"ok\": true, \"rows\": [2]}", "last\n"},
        {"{\"ok\": false, \"rows\": [2]}", "bad\n"},
        {"{\"ok\": false, \"rows\": []}", "two\n"},
        {"{\"ok\": true, \"rows\": [7]}", "one\n"},
        {"{\"rows\": [2]}", "bad\n"},             /* null is neither true nor false */
        {"{\"ok\": true, \"rows\": 5}", "bad\n"}, /* has no length */
        {"{\"outcome\": \"odd\"}", "one\n"},      /* says so itself */
    };
    struct folder *f = *state;
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        (void)unlink(folder_at(f, "ran"));
        folder_write(f, "said", cases[i].said);
        (void)run_text(f, "When (empty |-> Two, odd -> One, failure -> Bad, success -> Last)\n");
        assert_ran(f, cases[i].ran);
    }
    folder_write(f, "said", "{\"ok\": false, \"rows\": [2]}");
    assert_int_equal(run_text(f, "When (empty |-> Two, odd -> One)\n"), 1);
    assert_has(s.err, "success_when: not ok and rows[0] > 1");
    folder_write(f, "said", "{\"ok\": true, \"rows\": 5}");
    assert_int_equal(run_text(f, "When (empty |-> Two, odd -> One)\n"), 1);
    assert_has(s.err, "len() needs a text, a list or an object");
}

/* [F14] The first that succeeds is enough, and what runs beside it is told to end. */
static void the_first_success_ends_the_others(void **state)
{
    struct folder *f = *state;
    double from = seconds();
    assert_int_equal(run_text(f, "{Nap || One || Bad}[evaluate=\"any\"] -> Last\n"), 0);
    assert_true(seconds() - from < 30);
    char *ran = folder_must_read(f, "ran");
    assert_has(ran, "last\n");
    free(ran);
    assert_int_equal(SKEIN(&s, "show", "last"), 0);
    assert_has(s.out, "cancelled");
}

/* [F15] A deadline ends what runs; what it was is the reason. */
static void a_deadline_ends_all_attempts(void **state)
{
    struct folder *f = *state;
    double from = seconds();
    assert_int_equal(run_text(f, "Nap[deadline=500ms, retries=100] (failure -> Last)\n"), 0);
    assert_true(seconds() - from < 30);
    assert_ran(f, "last\n");
    assert_int_equal(run_text(f, "Nap[deadline=500ms]\n"), 1);
    assert_has(s.err, "deadline");
}

/* [F11] */
static void a_sequence_pipes_only_where_it_says_so(void **state)
{
    struct folder *f = *state;
    assert_int_equal(run_text(f, "One |-> Two -> One\n"), 0);
    assert_ran(f, "one\ntwo\none\n");
    char *got = folder_must_read(f, "got");
    assert_has(got, "{\"previous\":1}");
    free(got);
}

/* [F12] */
static void a_failure_ends_its_run_and_what_still_runs(void **state)
{
    struct folder *f = *state;
    double from = seconds();
    assert_int_equal(run_text(f, "One -> Bad -> Last\n"), 1);
    assert_ran(f, "one\nbad\n");
    assert_true(seconds() - from < 10);
    assert_int_equal(SKEIN(&s, "ps", "--all"), 0);
    assert_has(s.out, "failed");
}

/* [F13] */
static void a_branch_handles_a_failure_and_its_sink_runs(void **state)
{
    struct folder *f = *state;
    assert_int_equal(run_text(f, "Bad (failure -> One) -> Last\n"), 0);
    assert_ran(f, "bad\none\nlast\n");
    assert_int_equal(unlink(folder_at(f, "ran")), 0);
    assert_int_equal(run_text(f, "One (0 -> Bad, 1 -> Last) -> One\n"), 0);
    assert_ran(f, "one\nlast\none\n");
    assert_int_equal(unlink(folder_at(f, "ran")), 0);
    assert_int_equal(run_text(f, "Bad (failure -> Bad) -> Last\n"), 1);
    assert_ran(f, "bad\nbad\n");
}

/* [F14] */
static void two_hundred_run_beside_each_other_once(void **state)
{
    struct folder *f = *state;
    char text[WIDE * 10] = "Key";
    for (int i = 1; i < WIDE; i++)
        (void)snprintf(text + strlen(text), 10, " || Key");
    assert_int_equal(run_text(f, text), 0);
    char *ran = folder_must_read(f, "end");
    size_t n = 0;
    for (char *at = ran; (at = strchr(at, '\n')); at++)
        n++;
    assert_int_equal(n, WIDE);
    free(ran);
    assert_int_equal(unlink(folder_at(f, "ran")), 0);
    assert_int_equal(run_text(f, "One || Bad || One\n"), 1);
    ran = folder_read(f, "ran");
    assert_non_null(ran);
    assert_has(ran, "bad\n");
    assert_int_equal(strlen(ran), strlen("one\nbad\none\n")); /* all waits for the others */
    free(ran);
}

/* [F15] */
static void attempts_have_keys_numbers_and_delays(void **state)
{
    struct folder *f = *state;
    assert_int_equal(run_text(f, "Third * 3\n"), 0);
    char *ran = folder_must_read(f, "ran");
    char keys[3][64];
    int numbers[3];
    assert_int_equal(sscanf(ran,
                            "%d %63s %d %63s %d %63s",
                            &numbers[0],
                            keys[0],
                            &numbers[1],
                            keys[1],
                            &numbers[2],
                            keys[2]),
                     6);
    free(ran);
    for (int i = 0; i < 3; i++)
        assert_int_equal(numbers[i], i + 1);
    assert_int_equal(unlink(folder_at(f, "ran")), 0);
    assert_int_equal(run_text(f, "Third[retries=2]\n"), 1);
    assert_int_equal(unlink(folder_at(f, "ran")), 0);
    assert_int_equal(run_text(f, "Policy\n"), 1);
    ran = folder_read(f, "ran");
    assert_non_null(ran);
    long long at[3];
    assert_int_equal(sscanf(ran, "%lld %lld %lld", &at[0], &at[1], &at[2]), 3);
    free(ran);
    for (int i = 1; i < 3; i++)
        assert_in_range(at[i] - at[i - 1], 200000000, 2500000000);
}

static void assert_pids_dead(const struct folder *f)
{
    char *text = folder_must_read(f, "pids");
    for (char *at = text; *at;) {
        pid_t pid = (pid_t)strtol(at, &at, 10);
        assert_true(pid > 1);
        if (kill(pid, 0) == 0) fail_msg("process %d is left", (int)pid);
        at += *at == '\n';
    }
    free(text);
}

/* [F15] */
static void a_time_limit_ends_the_whole_tree(void **state)
{
    struct folder *f = *state;
    double from = seconds();
    assert_int_equal(run_text(f, "Nap[timeout=200ms] * 2\n"), 1);
    assert_has(s.err, "timeout");
    assert_true(seconds() - from < 5);
    assert_int_equal(run_text(f, "Deaf[timeout=200ms] || { Nap -> One }[timeout=300ms]\n"), 1);
    assert_pids_dead(f);
}

/* [F16] */
static void a_group_is_one_attempt(void **state)
{
    struct folder *f = *state;
    assert_int_equal(run_text(f, "{ One -> Bad } * 2 (failure -> Last)\n"), 0);
    assert_ran(f, "one\nbad\none\nbad\nlast\n");
}

/* [F18] */
static void built_in_events_do_what_they_say(void **state)
{
    struct folder *f = *state;
    double from = seconds();
    assert_int_equal(run_text(f, "Noop -> Sleep[for=300ms] -> One\n"), 0);
    assert_true(seconds() - from >= 0.3);
    assert_int_equal(run_text(f, "Fail[reason=\"no luck\"]\n"), 1);
    assert_has(s.err, "no luck");
}

/* [F19] */
static void a_task_gets_exactly_what_it_declares(void **state)
{
    struct folder *f = *state;
    folder_write(
        f, "a.pty", "@input: who: string\n@input: n: int = 3\n@input: other: bool = true\nAsked\n");
    assert_int_equal(SKEIN(&s, "run", "a.pty", "--input", "who=\xc4\xb0\xc4\xb1 \"x\""), 0);
    assert_string_equal(s.out, "{\n  \"n\": 3,\n  \"who\": \"\xc4\xb0\xc4\xb1 \\\"x\\\"\"\n}\n");
    assert_int_equal(SKEIN(&s, "run", "a.pty"), 2);
    assert_has(s.err, "who");
    assert_int_equal(SKEIN(&s, "run", "a.pty", "--input", "who=a", "--input", "n=x"), 2);
    assert_has(s.err, "\"n\"");
    assert_int_equal(run_text(f, "Asked\n"), 65);
}

/* [F32] */
static void a_program_inherits_nothing_else(void **state)
{
    static const char *const env[] = {"SKEIN_USER_SECRET=1", "LD_LIBRARY_PATH=/nowhere", NULL};
    s.env = env;
    assert_int_equal(run_text(*state, "Env\n"), 0);
    assert_has(s.out, "SKEIN_IDEMPOTENCY_KEY");
    assert_has(s.out, "TRACEPARENT");
    if (strstr(s.out, "SECRET") || strstr(s.out, "LD_LIB")) fail_msg("%s", s.out);
}

static void ten_interrupted_runs_are_resumed_and_none_repeats_what_had_ended(void **state)
{
    struct folder *f = *state;
    folder_write(f, "a.pty", "Key -> Key -> Key\n");
    for (int i = 0; i < RUNS; i++)
        assert_int_equal(SKEIN(&s, "run", "a.pty", "--detach"), 0);
    for (int i = 0; i < 2000 && access(folder_at(f, "end"), F_OK) != 0; i++)
        skein_pause_ms(5);
    skein_pause_ms(50);
    assert_int_equal(kill(skein_holder_pid(f), SIGKILL), 0);
    assert_int_equal(SKEIN(&s, "resume", "--all"), 0);
    size_t n = 0;
    for (char *at = s.out; (at = strstr(at, " succeeded\n")); at++)
        n++;
    char *end = folder_must_read(f, "end");
    size_t ends = 0, twice = 0;
    for (char *at = end; *at; at = strchr(at, '\n') + 1, ends++) {
        char *next = strchr(at, '\n') + 1;
        char key[64] = "";
        (void)snprintf(key, sizeof(key), "%.*s", (int)(next - at), at);
        if (strstr(next, key)) twice++;
    }
    free(end);
    assert_true(n <= RUNS && n > 0);
    assert_int_equal(ends - twice, 3 * RUNS);
    assert_true(twice <= RUNS); /* cut off between its last line and its end */
    assert_int_equal(SKEIN(&s, "ps"), 0);
    assert_null(strstr(s.out, "interrupted"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_exit_code_is_a_failure_whose_reason_is_kept),
        TEST(a_program_names_its_outcome),
        TEST(expressions_choose_the_outcome),
        TEST(a_result_that_does_not_fit_fails_its_attempt),
        TEST(the_first_success_ends_the_others),
        TEST(a_deadline_ends_all_attempts),
        TEST(a_sequence_pipes_only_where_it_says_so),
        TEST(a_failure_ends_its_run_and_what_still_runs),
        TEST(a_branch_handles_a_failure_and_its_sink_runs),
        TEST(two_hundred_run_beside_each_other_once),
        TEST(attempts_have_keys_numbers_and_delays),
        TEST(a_time_limit_ends_the_whole_tree),
        TEST(a_group_is_one_attempt),
        TEST(built_in_events_do_what_they_say),
        TEST(a_task_gets_exactly_what_it_declares),
        TEST(a_program_inherits_nothing_else),
        TEST(ten_interrupted_runs_are_resumed_and_none_repeats_what_had_ended),
    };
    return cmocka_run_group_tests_name("flows", tests, NULL, NULL);
}
