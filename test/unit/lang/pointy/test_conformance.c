/* test_conformance.c - every file under test/lang/pointy says what it must give.
 *
 * A file is a program (or an event file) in which the lines that begin with "#=" are the answer:
 * the diagnostics with their carets, then the graph. They are taken out before compiling.
 *   lone/     programs in no project
 *   project/  programs of the project whose events are in events/
 *   event/    event files
 * SKN_UPDATE=1 in the environment writes the answers anew; read the difference before keeping it.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "pty_project.h"

#include "lang/kit/explain.h"

#include <unistd.h>

enum { FILES_MAX = 600, BYTES_MAX = 1 << 20 };

/* A file in two: what is compiled, and what must come out. */
struct sample {
    struct skn_buf text;
    struct skn_buf answer;
};

static void split(struct skn_slice all, struct sample *sample)
{
    skn_buf_init(&sample->text, BYTES_MAX);
    skn_buf_init(&sample->answer, BYTES_MAX);
    while (all.len > 0) {
        const uint8_t *end = memchr(all.ptr, '\n', all.len);
        size_t len = end ? (size_t)(end - all.ptr) + 1 : all.len;
        struct skn_slice line = skn_slice(all.ptr, len);
        if (skn_slice_has_prefix(line, SKN_LIT("#="))) {
            line = skn_slice_from(line, 2);
            if (skn_slice_has_prefix(line, SKN_LIT(" "))) line = skn_slice_from(line, 1);
            skn_buf_put(&sample->answer, line);
        } else {
            skn_buf_put(&sample->text, line);
        }
        all = skn_slice_from(all, len);
    }
}

static void sample_fini(struct sample *sample)
{
    skn_buf_fini(&sample->text);
    skn_buf_fini(&sample->answer);
}

static void update_file(const char *path, const struct sample *sample, struct skn_buf *got)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    (void)fwrite(sample->text.ptr, 1, sample->text.len, file);
    for (const char *line = skn_buf_str(got); *line;) {
        const char *end = strchr(line, '\n');
        size_t len = end ? (size_t)(end - line) : strlen(line);
        (void)fprintf(file, "#=%s%.*s\n", len > 0 ? " " : "", (int)len, line);
        line += len + (end ? 1 : 0);
    }
    (void)fclose(file);
}

/* The names of the files of a folder with this ending, in order; returns how many. */
static size_t list_files(const char *folder, const char *ending, char *names[FILES_MAX])
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        size_t len = strlen(entry->d_name);
        size_t tail = strlen(ending);
        if (len <= tail || strcmp(entry->d_name + len - tail, ending) != 0) continue;
        assert_true(count < FILES_MAX);
        names[count++] = strdup(entry->d_name);
    }
    (void)closedir(dir);
    qsort(names, count, sizeof(*names), pty_by_name);
    return count;
}

/* Compiles one text and appends what comes out. */
static void compile(struct skn_slice name,
                    struct skn_slice text,
                    const struct skn_project_events *events,
                    struct skn_buf *out)
{
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    const struct skn_graph *graph;
    skn_arena_init(&arena);
    assert_int_equal(skn_source_init(&source, &arena, name, text), SKN_OK);
    skn_diags_init(&diags, &arena, &source);
    enum skn_rc rc = skn_pointy_compile(&arena, &source, events, &diags, &graph);
    skn_diags_check(&diags);
    skn_diags_render(&diags, out);
    if (rc == SKN_OK) {
        skn_graph_check(graph);
        skn_graph_dump(graph, out);
    }
    skn_arena_fini(&arena);
}

/* An event is shown as the graph that uses it shows it. */
static void compile_event(struct skn_slice name,
                          struct skn_slice text,
                          const struct skn_project_events *events,
                          struct skn_buf *out)
{
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    const struct skn_event_def *def;
    (void)events;
    skn_arena_init(&arena);
    assert_int_equal(skn_source_init(&source, &arena, name, text), SKN_OK);
    skn_diags_init(&diags, &arena, &source);
    if (skn_event_parse_with(&arena, &source, &pty_host, &diags, &def) == SKN_OK) {
        struct skn_graph graph = {.events = def, .event_count = 1};
        struct skn_graph_body body = {.owner = SKN_GRAPH_NONE, .step_count = 1};
        struct skn_graph_step step = {.next = SKN_GRAPH_NONE, .unit_count = 1, .piped = true};
        struct skn_graph_unit unit = {.next = SKN_GRAPH_NONE,
                                      .body = SKN_GRAPH_NONE,
                                      .first_branch = SKN_GRAPH_NONE,
                                      .retry = def->retry,
                                      .timeout_ms = def->timeout_ms};
        struct skn_graph_rules rules = {.retry_on = def->retry_on};
        graph.rules = &rules;
        graph.rules_count = 1;
        graph.bodies = &body;
        graph.steps = &step;
        graph.units = &unit;
        graph.body_count = graph.step_count = graph.unit_count = 1;
        skn_graph_dump(&graph, out);
    }
    skn_diags_check(&diags);
    skn_diags_render(&diags, out);
    skn_arena_fini(&arena);
}

typedef void (*compile_fn)(struct skn_slice name,
                           struct skn_slice text,
                           const struct skn_project_events *events,
                           struct skn_buf *out);

/* Which codes some file shows; filled by the tests before the last one. */
static bool seen[SKN_CODE_COUNT];

static void note_codes(struct skn_buf *answer)
{
    for (unsigned i = 0; i < SKN_CODE_COUNT; i++)
        if (strstr(skn_buf_str(answer), skn_code_info((enum skn_code)i)->name)) seen[i] = true;
}

static bool check_file(const char *folder,
                       const char *name,
                       compile_fn fn,
                       const struct skn_project_events *events)
{
    char path[4096];
    struct skn_arena arena;
    struct sample sample;
    struct skn_buf got;
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    skn_arena_init(&arena);
    skn_buf_init(&got, BYTES_MAX);
    split(pty_read_file(&arena, path), &sample);
    fn(skn_slice_str(name), skn_buf_slice(&sample.text), events, &got);
    bool same = skn_slice_eq(skn_buf_slice(&got), skn_buf_slice(&sample.answer));
    if (!same && getenv("SKN_UPDATE")) {
        update_file(path, &sample, &got);
        same = true;
    }
    if (!same) {
        print_message("%s must give\n%s\nbut gives\n%s\n",
                      path,
                      skn_buf_str(&sample.answer),
                      skn_buf_str(&got));
    }
    note_codes(&sample.answer);
    skn_buf_fini(&got);
    sample_fini(&sample);
    skn_arena_fini(&arena);
    return same;
}

static void check_folder(const char *folder,
                         const char *ending,
                         size_t at_least,
                         compile_fn fn,
                         const struct skn_project_events *events)
{
    char *names[FILES_MAX];
    size_t count = list_files(folder, ending, names);
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        if (!check_file(folder, names[i], fn, events)) wrong++;
        free(names[i]);
    }
    assert_int_equal(wrong, 0);
    assert_true(count >= at_least);
}

#define FOLDER SKN_TEST_LANG "/pointy/"

static void programs_in_no_project_give_what_they_say(void **state)
{
    (void)state;
    check_folder(FOLDER "lone", ".pty", 10, compile, NULL);
}

static void event_files_give_what_they_say(void **state)
{
    (void)state;
    check_folder(FOLDER "event", ".yaml", 30, compile_event, NULL);
}

static void programs_of_a_project_give_what_they_say(void **state)
{
    (void)state;
    struct pty_project project;
    pty_project_init(&project);
    check_folder(FOLDER "project", ".pty", 250, compile, &project.events);
    pty_project_fini(&project);
}

static void every_diagnostic_is_shown_by_some_file(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SKN_CODE_COUNT; i++)
        if (!seen[i]) fail_msg("%s is in no answer", skn_code_info((enum skn_code)i)->name);
}

/* POINTY 5, row 3: "the same" is the same graph. */
static void three_ways_to_write_attempts_are_the_same(void **state)
{
    (void)state;
    static const char *const names[] = {"before", "between", "behind"};
    struct skn_arena arena;
    struct sample samples[3];
    skn_arena_init(&arena);
    for (int i = 0; i < 3; i++) {
        const char *path = skn_arena_printf(
            &arena, FOLDER "project/means_attempts_with_branches_%s.pty", names[i]);
        split(pty_read_file(&arena, path), &samples[i]);
        assert_true(samples[i].answer.len > 0);
        assert_string_equal(skn_buf_str(&samples[i].answer), skn_buf_str(&samples[0].answer));
    }
    for (int i = 0; i < 3; i++)
        sample_fini(&samples[i]);
    skn_arena_fini(&arena);
}

/* --- RULES.md ------------------------------------------------------------------------------------- */

/* The marks of POINTY; each has a row. */
static const char *const marks[] = {"F1",  "F2",  "F3",  "F4",  "F5",  "F6",  "F7",   "F10",
                                    "F11", "F12", "F13", "F14", "F15", "F16", "F17",  "F18",
                                    "F19", "F20", "F21", "F22", "F23", "F30", "F30b", "F31",
                                    "F32", "F33", "F34", "F35", "F36"};

/* The text between two "|" of a row, without blanks; "\|" is none of them. */
static char *cell(char **row)
{
    char *start = *row, *end = start;
    while (*end && (*end != '|' || end[-1] == '\\'))
        end++;
    *row = *end ? end + 1 : end;
    *end = 0;
    while (*start == ' ')
        start++;
    while (end > start && end[-1] == ' ')
        *--end = 0;
    return start;
}

/* The file is there, and what it must give shows the code. */
static void check_shown(const char *name, const char *code)
{
    struct skn_arena arena;
    struct sample sample;
    char path[4096];
    (void)snprintf(path, sizeof(path), FOLDER "%s", name);
    if (access(path, R_OK) != 0) fail_msg("RULES.md names %s, which is not there", name);
    skn_arena_init(&arena);
    split(pty_read_file(&arena, path), &sample);
    const char *wanted = skn_arena_printf(&arena, "[SKN-%s]", code);
    const char *answer = skn_buf_str(&sample.answer);
    if (code[0] == 'P' && !strstr(answer, wanted)) fail_msg("%s does not show %s", name, code);
    if (code[0] != 'P' && strstr(answer, "error["))
        fail_msg("%s has errors, and its row says that it has none", name);
    sample_fini(&sample);
    skn_arena_fini(&arena);
}

/* Every mark of POINTY, and every code, has a row, and the files of the row show what it says. */
static void the_table_of_rules_is_true(void **state)
{
    (void)state;
    struct skn_arena arena;
    bool has_code[SKN_CODE_COUNT] = {false}, has_mark[SKN_ARRAY_LEN(marks)] = {false};
    size_t rows = 0;
    skn_arena_init(&arena);
    char *text = (char *)(uintptr_t)pty_read_file(&arena, FOLDER "RULES.md").ptr;
    for (char *line = strtok_r(text, "\n", &text); line; line = strtok_r(NULL, "\n", &text)) {
        if (strncmp(line, "| [", 3) != 0) continue;
        char *row = line + 1, *mark = cell(&row);
        (void)cell(&row);
        char *code = cell(&row), *names = cell(&row), *left;
        enum skn_code found = SKN_CODE_COUNT;
        assert_true(code[0] == '-' || skn_code_find(skn_slice_str(code), &found));
        if (code[0] != '-') has_code[found] = true;
        for (size_t i = 0; i < SKN_ARRAY_LEN(marks); i++)
            if (strncmp(mark + 1, marks[i], strlen(marks[i])) == 0 &&
                mark[strlen(marks[i]) + 1] == ']')
                has_mark[i] = true;
        for (char *name = strtok_r(names, " ", &left); name; name = strtok_r(NULL, " ", &left))
            check_shown(name, code);
        rows++;
    }
    for (size_t i = 0; i < SKN_ARRAY_LEN(marks); i++)
        if (!has_mark[i]) fail_msg("[%s] has no row in RULES.md", marks[i]);
    for (unsigned i = 0; i < SKN_CODE_COUNT; i++)
        if (!has_code[i])
            fail_msg("%s has no row in RULES.md", skn_code_info((enum skn_code)i)->name);
    assert_true(rows > 100);
    skn_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_in_no_project_give_what_they_say),
        cmocka_unit_test(programs_of_a_project_give_what_they_say),
        cmocka_unit_test(event_files_give_what_they_say),
        cmocka_unit_test(every_diagnostic_is_shown_by_some_file),
        cmocka_unit_test(the_table_of_rules_is_true),
        cmocka_unit_test(three_ways_to_write_attempts_are_the_same),
    };
    return cmocka_run_group_tests_name("pointy conformance", tests, NULL, NULL);
}
