/* test_docs.c - what the manual shows is true: its flows and events are checked, its links lead on.
 *
 * A block that begins with ```pty or ```yaml must be without errors; one that begins with ```pty-bad
 * or ```yaml-bad must give exactly what the block behind it shows. A block that begins with ```picture,
 * ```mermaid, ```sentences, ```data or ```layout is what skein makes of the flow before it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "lib/skein.h"

#include <ctype.h>
#include <glob.h>
#include <limits.h>

enum { PAGE_MAX = 1 << 20, WORD_MAX = 128 };

static struct skein s;

static int setup(void **state)
{
    return skein_folder_begin(&s, state);
}

static int teardown(void **state)
{
    return skein_folder_end(state);
}

struct block {
    const char *lang; /* what stands behind the fence */
    size_t lang_len;
    const char *text;
    size_t len;
    size_t line;
};

/* The next fenced block from *at on, which is moved behind it. */
static bool next_block(const char *page, const char **at, struct block *out)
{
    const char *fence = strncmp(*at, "```", 3) == 0 ? *at : strstr(*at, "\n```");
    if (!fence) return false;
    fence += *fence == '\n';
    const char *end_of_line = strchr(fence, '\n');
    assert_non_null(end_of_line);
    const char *end = strstr(end_of_line, "\n```");
    if (!end) fail_msg("a block has no end: %.40s", fence);
    *out = (struct block){.lang = fence + 3,
                          .lang_len = (size_t)(end_of_line - fence - 3),
                          .text = end_of_line + 1,
                          .len = end == end_of_line ? 0 : (size_t)(end - end_of_line),
                          .line = 1};
    for (const char *c = page; c < fence; c++)
        out->line += *c == '\n';
    *at = end + 4;
    return true;
}

static bool is_lang(const struct block *b, const char *lang)
{
    return strlen(lang) == b->lang_len && strncmp(lang, b->lang, b->lang_len) == 0;
}

static char *copy(const struct block *b)
{
    char *text = calloc(1, b->len + 1);
    assert_non_null(text);
    memcpy(text, b->text, b->len);
    return text;
}

static char *read_page(const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file) fail_msg("no %s", path);
    char *text = calloc(1, PAGE_MAX);
    assert_non_null(text);
    size_t n = fread(text, 1, PAGE_MAX - 1, file);
    assert_in_range(n, 1, PAGE_MAX - 2);
    (void)fclose(file);
    return text;
}

/* The pages of the manual, and with `all` those of the modules too. */
static void find_pages(glob_t *pages, bool all)
{
    assert_int_equal(glob(SKN_TEST_ROOT "/*.md", 0, NULL, pages), 0);
    assert_int_equal(glob(SKN_TEST_ROOT "/doc/*.md", GLOB_APPEND, NULL, pages), 0);
    if (!all) return;
    assert_int_equal(glob(SKN_TEST_ROOT "/src/*/README.md", GLOB_APPEND, NULL, pages), 0);
    assert_int_equal(glob(SKN_TEST_ROOT "/src/lang/*/README.md", GLOB_APPEND, NULL, pages), 0);
    assert_int_equal(glob(SKN_TEST_ROOT "/test/*/README.md", GLOB_APPEND, NULL, pages), 0);
}

/* --- flows and events --------------------------------------------------------------------------- */

/* Puts the event of a block, or one of no inputs with this name, into the project. */
static void put_event(const struct folder *f, const char *name, const char *text)
{
    char path[WORD_MAX + 32], least[2 * WORD_MAX];
    (void)snprintf(path, sizeof(path), "events/of_docs_%s.yaml", name);
    (void)snprintf(
        least, sizeof(least), "event: %s\nversion: 1.0.0\nrun: { exec: [\"true\"] }\n", name);
    folder_write(f, path, text ? text : least);
}

static void put_events_of_page(const struct folder *f, const char *page)
{
    struct block b;
    for (const char *at = page; next_block(page, &at, &b);) {
        if (!is_lang(&b, "yaml")) continue;
        char *text = copy(&b), name[WORD_MAX];
        assert_int_equal(sscanf(text, "event: %127s", name), 1);
        put_event(f, name, text);
        free(text);
    }
}

/* Checks one block, and what is shown behind it when it is bad. */
static void check_block(const struct folder *f,
                        const char *path,
                        const struct block *b,
                        const struct block *behind)
{
    bool is_bad = behind != NULL;
    const char *name = b->lang[0] == 'p' ? "flow.pty" : "event.yaml";
    char *text = copy(b);
    folder_write(f, name, text);
    int code = SKEIN(&s, "check", name);
    if (code != (is_bad ? 1 : 0))
        fail_msg("%s:%zu: exit code %d\n%s%s%s", path, b->line, code, text, s.out, s.err);
    if (is_bad) {
        char *shown = copy(behind);
        if (strcmp(shown, s.out) != 0)
            fail_msg("%s:%zu: it shows\n%sand the checker says\n%s", path, b->line, shown, s.out);
        free(shown);
    }
    assert_int_equal(unlink(folder_at(f, name)), 0);
    free(text);
}

/* What the tools make of a flow. */
static const char *const tools[][4] = {{"picture", "graph", "--format", "text"},
                                       {"mermaid", "graph", "--format", "mermaid"},
                                       {"sentences", "describe", NULL, NULL},
                                       {"data", "graph", "--data", NULL},
                                       {"layout", "graph", "--format", "pty"}};

static void check_made(const struct folder *f,
                       const char *path,
                       const struct block *flow,
                       const struct block *made,
                       size_t tool)
{
    char *text = copy(flow), *shown = copy(made);
    folder_write(f, "flow.pty", text);
    const char *one = tools[tool][2], *two = tools[tool][3];
    int code = two   ? SKEIN(&s, tools[tool][1], "flow.pty", one, two)
               : one ? SKEIN(&s, tools[tool][1], "flow.pty", one)
                     : SKEIN(&s, tools[tool][1], "flow.pty");
    if (code != 0 || strcmp(shown, s.out) != 0)
        fail_msg("%s:%zu: it shows\n%sand skein %s makes\n%s%s",
                 path,
                 made->line,
                 shown,
                 tools[tool][1],
                 s.out,
                 s.err);
    free(text);
    free(shown);
}

struct counts {
    size_t good, bad, made;
};

static void check_page(const struct folder *f, const char *path, struct counts *counts)
{
    char *page = read_page(path);
    struct block b, behind, flow = {.text = NULL};
    for (const char *at = page; next_block(page, &at, &b);) {
        for (size_t i = 0; i < SKN_ARRAY_LEN(tools); i++) {
            if (!is_lang(&b, tools[i][0])) continue;
            assert_non_null(flow.text);
            check_made(f, path, &flow, &b, i);
            counts->made++;
        }
        if (is_lang(&b, "pty")) flow = b;
        if (is_lang(&b, "pty") || is_lang(&b, "yaml")) {
            check_block(f, path, &b, NULL);
            counts->good++;
        } else if (is_lang(&b, "pty-bad") || is_lang(&b, "yaml-bad")) {
            assert_true(next_block(page, &at, &behind));
            check_block(f, path, &b, &behind);
            counts->bad++;
        }
    }
    free(page);
}

static void flows_and_events_in_the_manual_are_what_it_says(void **state)
{
    struct folder *f = *state;
    static const char *const plain[] = {"ValidateInput",
                                        "ProcessData",
                                        "EnrichData",
                                        "PersistResults",
                                        "Words",
                                        "Lines",
                                        "Longest",
                                        "Report",
                                        "Clean",
                                        "Notify",
                                        "Cached"};
    assert_int_equal(SKEIN(&s, "init", "."), 0);
    for (size_t i = 0; i < SKN_ARRAY_LEN(plain); i++)
        put_event(f, plain[i], NULL);
    glob_t pages;
    find_pages(&pages, false);
    for (size_t i = 0; i < pages.gl_pathc; i++) {
        char *page = read_page(pages.gl_pathv[i]);
        put_events_of_page(f, page);
        free(page);
    }
    struct counts counts = {0, 0, 0};
    for (size_t i = 0; i < pages.gl_pathc; i++)
        check_page(f, pages.gl_pathv[i], &counts);
    globfree(&pages);
    assert_true(counts.good >= 15 && counts.bad >= 8 &&
                counts.made >= 10); /* they were found at all */
}

/* --- links -------------------------------------------------------------------------------------- */

/* Whether a heading of the page has this anchor: its words in small letters with "-" between. */
static bool has_anchor(const char *page, const char *anchor)
{
    for (const char *line = page; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (*line != '#') continue;
        const char *c = line + strspn(line, "# "), *a = anchor;
        for (; *c && *c != '\n'; c++) {
            char want = *c == ' ' ? '-' : (char)tolower((unsigned char)*c);
            if (want != '-' && want != '_' && !isalnum((unsigned char)want)) continue;
            if (*a++ != want) break;
        }
        if ((*c == '\n' || !*c) && !*a) return true;
    }
    return false;
}

static void check_link(const char *path, const char *page, const char *link)
{
    char target[2 * PATH_MAX], *slash;
    const char *hash = strchr(link, '#');
    if (strstr(link, "://") || strncmp(link, "mailto:", 7) == 0) return;
    (void)snprintf(target, sizeof(target), "%s", path);
    slash = strrchr(target, '/');
    assert_non_null(slash);
    int len = hash ? (int)(hash - link) : (int)strlen(link);
    if (len > 0)
        (void)snprintf(slash + 1, sizeof(target) - (size_t)(slash + 1 - target), "%.*s", len, link);
    if (access(target, R_OK) != 0) fail_msg("%s: the link %s leads nowhere", path, link);
    if (!hash) return;
    char *there = len > 0 ? read_page(target) : strdup(page);
    if (!has_anchor(there, hash + 1)) fail_msg("%s: no heading for the link %s", path, link);
    free(there);
}

static void links_in_the_manual_lead_somewhere(void **state)
{
    (void)state;
    size_t count = 0;
    glob_t pages;
    find_pages(&pages, true);
    for (size_t i = 0; i < pages.gl_pathc; i++) {
        char *page = read_page(pages.gl_pathv[i]);
        for (const char *at = strstr(page, "]("); at; at = strstr(at + 1, "](")) {
            char link[WORD_MAX];
            assert_int_equal(sscanf(at + 2, "%127[^)\n]", link), 1);
            check_link(pages.gl_pathv[i], page, link);
            count++;
        }
        free(page);
    }
    globfree(&pages);
    assert_true(count >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            flows_and_events_in_the_manual_are_what_it_says, setup, teardown),
        cmocka_unit_test(links_in_the_manual_lead_somewhere),
    };
    return cmocka_run_group_tests_name("docs", tests, NULL, NULL);
}
