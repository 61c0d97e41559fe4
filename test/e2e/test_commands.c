/* test_commands.c - the real program: help, version, init, bad command lines, bad streams. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "lib/skein.h"

static struct skein s;

static int setup(void **state)
{
    return skein_folder_begin(&s, state);
}

static int teardown(void **state)
{
    return skein_folder_end(state);
}

static void version_says_build_and_compiler(void **state)
{
    (void)state;
    assert_int_equal(SKEIN(&s, "--version"), 0);
    assert_int_equal(strncmp(s.out, "skein 0.", 8), 0);
    assert_has(s.out, " (");
    assert_int_equal(SKEIN(&s, "--version", "--json"), 0);
    assert_has(s.out, "{\"version\":\"0.");
}

static void help_is_the_same_in_three_ways(void **state)
{
    (void)state;
    char *first;
    assert_int_equal(SKEIN(&s, "help", "run"), 0);
    first = strdup(s.out);
    assert_int_equal(SKEIN(&s, "run", "--help"), 0);
    assert_string_equal(s.out, first);
    assert_int_equal(SKEIN(&s, "-h", "run"), 0);
    assert_string_equal(s.out, first);
    free(first);
    assert_int_equal(SKEIN(&s, "help"), 0);
    assert_has(s.out, "resume [RUN]");
    assert_int_equal(SKEIN(&s, "help", "rnu"), 2);
    assert_has(s.err, "did you mean \"run\"?");
}

static void a_bad_command_line_is_exit_2_and_prints_nothing_else(void **state)
{
    (void)state;
    assert_int_equal(SKEIN(&s, "rnu"), 2);
    assert_string_equal(s.out, "");
    assert_string_equal(s.err, "skein: there is no command \"rnu\"; did you mean \"run\"?\n");
    assert_int_equal(SKEIN(&s, "rnu", "--json"), 2);
    assert_int_equal(SKEIN(&s, "--json", "rnu"), 2);
    assert_has(s.out,
               "{\"error\":{\"code\":\"USAGE\",\"message\":\"there is no command \\\"rnu\\\"");
    assert_has(s.out, "\"exit\":2}}");
}

static void init_makes_a_project_once(void **state)
{
    struct folder *f = *state;
    assert_int_equal(SKEIN(&s, "init", "new project"), 0);
    char *config = folder_read(f, "new project/skein.yaml");
    assert_non_null(config);
    assert_has(config, "name: \"new project\"\n");
    free(config);
    assert_int_equal(access(folder_at(f, "new project/flows/hello.pty"), R_OK), 0);
    assert_int_equal(SKEIN(&s, "init", "new project"), 73);
    assert_has(s.err, "is there already");
    folder_mkdir(f, "half");
    folder_mkdir(f, "half/flows");
    folder_write(f, "half/flows/mine.pty", "Noop");
    assert_int_equal(SKEIN(&s, "init", "half", "--json"), 0);
    assert_has(s.out, "{\"project\":\"/tmp/");
    assert_int_equal(access(folder_at(f, "half/flows/mine.pty"), R_OK), 0);
}

static void init_that_fails_leaves_nothing_behind(void **state)
{
    struct folder *f = *state;
    folder_mkdir(f, "taken");
    folder_write(f, "taken/events", "a file in the way");
    assert_int_equal(SKEIN(&s, "init", "taken"), 73);
    assert_has(s.err, "taken/events");
    assert_int_not_equal(access(folder_at(f, "taken/flows"), F_OK), 0);
    folder_write(f, "file", "");
    assert_int_equal(SKEIN(&s, "init", "file"), 73);
    assert_int_equal(SKEIN(&s, "init", "none/deep"), 73);
    assert_has(s.err, "No such file or directory");
    if (geteuid() != 0) {
        assert_int_equal(chmod(f->path, 0500), 0);
        assert_int_equal(SKEIN(&s, "init", "p"), 73);
        assert_int_equal(chmod(f->path, 0700), 0);
        assert_has(s.err, "Permission denied");
    }
}

static void a_standard_output_that_takes_nothing_is_exit_74(void **state)
{
    (void)state;
    static const char *const paths[][2] = {{"/dev/full", "No space left on device"},
                                           {"-", "Bad file descriptor"}};
    static const char *const commands[] = {"help", "--version", "--help"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(paths); i++)
        for (size_t j = 0; j < SKN_ARRAY_LEN(commands); j++) {
            s.out_path = paths[i][0];
            assert_int_equal(SKEIN(&s, commands[j]), 74);
            assert_has(s.err, "could not write to standard output");
            assert_has(s.err, paths[i][1]);
        }
}

static void a_reader_that_went_away_is_exit_74_and_no_signal(void **state)
{
    (void)state;
    const char *const args[] = {"help", NULL};
    skein_start(&s, args);
    (void)close(s.pipes[0]);
    s.pipes[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int code = skein_wait(&s);
    /* It may have written before the reader went away. */
    if (code != 0) {
        assert_int_equal(code, 74);
        assert_has(s.err, "Broken pipe");
    }
}

static void the_language_of_the_machine_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(SKEIN(&s, "HELP"), 2);
    char *first = strdup(s.err);
    s.env = (const char *const[]){"LC_ALL=tr_TR.UTF-8", "LANG=tr_TR.UTF-8", NULL};
    assert_int_equal(SKEIN(&s, "HELP"), 2);
    assert_string_equal(s.err, first);
    free(first);
}

/* The words that Tab offers behind a line. */
static const char *complete(const char *line)
{
    static struct skein bash;
    static char script[2048];
    memset(&bash, 0, sizeof(bash));
    (void)snprintf(
        script,
        sizeof(script),
        ". %s/completion/skein.bash; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); "
        "_skein; echo \"${COMPREPLY[*]}\"",
        SKN_TEST_ROOT,
        line);
    const char *const args[] = {"-c", script, NULL};
    bash.program = "/bin/bash";
    bash.dir = s.dir;
    assert_int_equal(skein_run(&bash, args), 0);
    assert_string_equal(bash.err, "");
    return bash.out;
}

static void tab_completes_commands_options_and_files(void **state)
{
    struct folder *f = *state;
    folder_write(f, "hello.pty", "Noop");
    folder_mkdir(f, "here");
    assert_string_equal(complete("skein resu"), "resume\n");
    assert_string_equal(complete("skein --project here ru"), "run\n");
    assert_string_equal(complete("skein run he"), "hello.pty here\n");
    assert_string_equal(complete("skein init he"), "here\n");
    assert_string_equal(complete("skein run --in"), "--input\n");
    assert_string_equal(complete("skein ps --j"), "--json\n");
    assert_string_equal(complete("skein help ver"), "verify\n");
    assert_string_equal(complete("skein show la"), "last\n");
    assert_string_equal(complete("skein --project he"), "here\n");
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(version_says_build_and_compiler, setup, teardown),
        cmocka_unit_test_setup_teardown(help_is_the_same_in_three_ways, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_bad_command_line_is_exit_2_and_prints_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(tab_completes_commands_options_and_files, setup, teardown),
        cmocka_unit_test_setup_teardown(init_makes_a_project_once, setup, teardown),
        cmocka_unit_test_setup_teardown(init_that_fails_leaves_nothing_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_standard_output_that_takes_nothing_is_exit_74, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_reader_that_went_away_is_exit_74_and_no_signal, setup, teardown),
        cmocka_unit_test_setup_teardown(
            the_language_of_the_machine_changes_nothing, setup, teardown),
    };
    return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
