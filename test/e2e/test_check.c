/* test_check.c - the real program checks flows and event files, good, bad and absurd. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "lib/skein.h"

#include <unistd.h>

static struct skein s;

static int setup(void **state)
{
    return skein_folder_begin(&s, state);
}

static int teardown(void **state)
{
    return skein_folder_end(state);
}

static void what_init_makes_is_sound(void **state)
{
    (void)state;
    assert_int_equal(SKEIN(&s, "init", "p"), 0);
    assert_int_equal(SKEIN(&s, "check", "p/flows/hello.pty"), 0);
    assert_string_equal(s.out, "p/flows/hello.pty: ok\n");
    assert_string_equal(s.err, "");
    assert_int_equal(SKEIN(&s, "check", "p/events/hello.yaml"), 0);
    assert_int_equal(SKEIN(&s, "check", "p/events/shout.yaml"), 0);
    assert_int_equal(SKEIN(&s, "check", "p/events/count.yaml"), 0);
}

static void an_unknown_event_is_an_error_in_a_project_and_a_warning_alone(void **state)
{
    struct folder *f = *state;
    folder_write(f, "lone.pty", "Helo -> Noop\n");
    assert_int_equal(SKEIN(&s, "check", "lone.pty"), 0);
    assert_has(s.out, "lone.pty:1:1: warning[SKN-P107]");
    assert_has(s.out, "lone.pty: 0 errors, 1 warning\n");
    assert_int_equal(SKEIN(&s, "init", "p"), 0);
    folder_write(f, "p/flows/b.pty", "Helo -> Noop\n");
    assert_int_equal(SKEIN(&s, "check", "p/flows/b.pty"), 1);
    assert_has(s.out, "p/flows/b.pty:1:1: error[SKN-P106]");
    assert_has(s.out, "Did you mean \"Hello\"?");
    assert_has(s.out, "p/flows/b.pty: 1 error, 0 warnings\n");
    assert_int_equal(SKEIN(&s, "check", "--project", "p", "lone.pty"), 1);
    assert_has(s.out, "SKN-P106");
}

/* F7, F13: FLOW<name> is looked up in flows/, and a circle is found through other files. */
static void flows_that_start_each_other_are_found(void **state)
{
    struct folder *f = *state;
    assert_int_equal(SKEIN(&s, "init", "p"), 0);
    folder_write(f, "p/flows/a.pty", "Noop -> FLOW<b>\n");
    folder_write(f, "p/flows/b.pty", "Noop -> FLOW<hello>\n");
    assert_int_equal(SKEIN(&s, "check", "p/flows/a.pty"), 0);
    folder_write(f, "p/flows/b.pty", "Noop -> FLOW<a>\n");
    assert_int_equal(SKEIN(&s, "check", "p/flows/a.pty"), 1);
    assert_has(s.out, "error[SKN-P303]: this flow reaches itself: a -> b -> a\n");
    folder_write(f, "p/flows/a.pty", "Noop -> FLOW<helo>\n");
    assert_int_equal(SKEIN(&s, "check", "p/flows/a.pty"), 1);
    assert_has(s.out, "error[SKN-P116]: no flow is called \"helo\"\n");
    assert_has(s.out, "Did you mean \"hello\"?\n");
}

/* What is legal and not built passes the check and is refused when it is to run. */
static void what_is_not_built_is_checked_and_not_run(void **state)
{
    struct folder *f = *state;
    assert_int_equal(SKEIN(&s, "init", "p"), 0);
    folder_write(f, "p/flows/a.pty", "Noop[gpu=true]\n");
    assert_int_equal(SKEIN(&s, "check", "p/flows/a.pty"), 0);
    assert_has(s.out, "warning[SKN-P901]");
    assert_int_equal(SKEIN(&s, "run", "p/flows/a.pty"), 65);
    assert_has(s.err, "cannot run: not yet: the option \"gpu\"\n");
}

static void explain_says_what_a_code_means(void **state)
{
    (void)state;
    assert_int_equal(SKEIN(&s, "explain", "p302"), 0);
    assert_has(s.out, "SKN-P302 (error)\n");
    assert_has(s.out, "Right:\n    Fail (failure -> Noop)\n");
    assert_int_equal(SKEIN(&s, "explain"), 0);
    assert_has(s.out, "\nSKN-P901  ");
    assert_int_equal(SKEIN(&s, "explain", "SKN-P106", "--json"), 0);
    assert_has(s.out, "{\"code\":\"SKN-P106\",\"severity\":\"error\",\"what\":");
    assert_int_equal(SKEIN(&s, "explain", "P999"), 2);
}

static void a_bad_event_file_is_an_error_of_every_flow_of_the_project(void **state)
{
    struct folder *f = *state;
    assert_int_equal(SKEIN(&s, "init", "p"), 0);
    folder_write(
        f, "p/events/shout.yaml", "event: Shout\nversion: 1.0.0\nrun: { exec: [tr] }\nx: 1\n");
    assert_int_equal(SKEIN(&s, "check", "p/flows/hello.pty", "--json"), 1);
    assert_has(s.out, "{\"file\":\"p/flows/hello.pty\",\"ok\":false,\"errors\":");
    assert_has(s.out, "\"code\":\"SKN-P503\"");
    assert_has(s.out, "events/shout.yaml\"");
    assert_int_equal(SKEIN(&s, "check", "p/events/shout.yaml"), 1);
    folder_write(f, "p/events/shout.yaml", "event: Hello\nversion: 1.0.0\nrun: { exec: [tr] }\n");
    assert_int_equal(SKEIN(&s, "check", "p/flows/hello.pty"), 78);
    assert_has(s.err, "Hello");
}

/* [F31] A schema is a file of the project, wherever links lead; a run pins what it says. */
static void a_schema_is_a_file_of_the_project(void **state)
{
    static const struct {
        const char *path, *why; /* NULL: it can be used */
    } cases[] = {
        {"../schemas/n.json", NULL},
        {"here.json", NULL}, /* a link to the same */
        {"../../outside.json", "it lies outside of the project"},
        {"away.json", "it lies outside of the project"}, /* a link */
        {"/etc/hostname", "it is no path from the folder of this file"},
        {"../schemas", "is a folder"},
        {"nobody.json", "No such file"},
        {"large.json", "is larger than 1 MiB"},
    };
    struct folder *f = *state;
    static char large[(1 << 20) + 2];
    memset(large, ' ', sizeof(large) - 1);
    folder_mkdir(f, "p");
    folder_mkdir(f, "p/events");
    folder_mkdir(f, "p/schemas");
    folder_write(f, "p/skein.yaml", "name: p\n");
    folder_write(f, "p/schemas/n.json", "{\"type\": \"integer\", \"maximum\": 3}");
    folder_write(f, "p/events/large.json", large);
    folder_write(f, "outside.json", "{}");
    assert_int_equal(symlink("../schemas/n.json", folder_at(f, "p/events/here.json")), 0);
    assert_int_equal(symlink("../../outside.json", folder_at(f, "p/events/away.json")), 0);
    folder_write(f, "p/a.pty", "E[n=5]\n");
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        char text[256];
        (void)snprintf(
            text,
            sizeof(text),
            "event: E\nversion: 1.0.0\ninputs: { n: { schema: %s } }\nrun: { exec: [\"true\"] }\n",
            cases[i].path);
        folder_write(f, "p/events/e.yaml", text);
        assert_int_equal(SKEIN(&s, "check", "p/a.pty"), 1);
        assert_has(s.out, cases[i].why ? cases[i].why : "/n: must be at most 3");
        if (cases[i].why) assert_has(s.out, "SKN-P508");
    }
}

static void what_is_no_text_of_ours_is_named(void **state)
{
    struct folder *f = *state;
    static const char *const rows[][2] = {{"latin.pty", "A -> \xe4\xf6"},
                                          {"nul.pty", "Noop\x01"},
                                          {"empty.pty", ""},
                                          {"blank.pty", " \n\t\n"},
                                          {"bom.pty", "\xef\xbb\xbfNoop"},
                                          {"open.pty", "(Noop"}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(rows); i++) {
        folder_write(f, rows[i][0], rows[i][1]);
        assert_int_equal(SKEIN(&s, "check", rows[i][0]), 1);
        assert_has(s.out, rows[i][0]);
        assert_has(s.out, "error[SKN-P0");
        assert_int_equal(SKEIN(&s, "check", rows[i][0], "--json"), 1);
        assert_has(s.out, "\"ok\":false");
    }
}

static void what_is_no_input_is_exit_66(void **state)
{
    struct folder *f = *state;
    assert_int_equal(mkfifo(folder_at(f, "fifo.pty"), 0600), 0);
    assert_int_equal(symlink("loop.pty", folder_at(f, "loop.pty")), 0);
    folder_mkdir(f, "dir.pty");
    static const char *const paths[][2] = {{"none.pty", "No such file"},
                                           {"dir.pty", "is a folder"},
                                           {"fifo.pty", "not a regular file"},
                                           {"loop.pty", "symbolic links"},
                                           {"/dev/zero", "not a regular file"},
                                           {"none/none.pty", "No such file"},
                                           {"/dev/null/x.pty", "Not a directory"}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(paths); i++) {
        assert_int_equal(SKEIN(&s, "check", paths[i][0]), 66);
        assert_has(s.err, paths[i][0]);
        assert_has(s.err, paths[i][1]);
    }
    if (geteuid() == 0) return; /* who reads everything */
    folder_write(f, "secret.pty", "Noop");
    assert_int_equal(chmod(folder_at(f, "secret.pty"), 0), 0);
    assert_int_equal(SKEIN(&s, "check", "secret.pty"), 66);
    assert_has(s.err, "Permission denied");
}

static void a_huge_file_is_refused_at_its_limit(void **state)
{
    struct folder *f = *state;
    int fd = open(folder_at(f, "huge.pty"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0); /* a hole */
    (void)close(fd);
    assert_int_equal(SKEIN(&s, "check", "huge.pty"), 65);
    assert_has(s.err, "\"huge.pty\" is larger than 16 MiB");
}

static void results_that_cannot_be_written_are_exit_74(void **state)
{
    struct folder *f = *state;
    folder_write(f, "a.pty", "Noop");
    s.out_path = "/dev/full";
    assert_int_equal(SKEIN(&s, "check", "a.pty"), 74);
    assert_has(s.err, "No space left on device");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_init_makes_is_sound),
        TEST(an_unknown_event_is_an_error_in_a_project_and_a_warning_alone),
        TEST(a_bad_event_file_is_an_error_of_every_flow_of_the_project),
        TEST(flows_that_start_each_other_are_found),
        TEST(what_is_not_built_is_checked_and_not_run),
        TEST(explain_says_what_a_code_means),
        TEST(a_schema_is_a_file_of_the_project),
        TEST(what_is_no_text_of_ours_is_named),
        TEST(what_is_no_input_is_exit_66),
        TEST(a_huge_file_is_refused_at_its_limit),
        TEST(results_that_cannot_be_written_are_exit_74),
    };
    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
