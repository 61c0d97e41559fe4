/* test_lsp.c - skein lsp with an editor's own library: vscode-jsonrpc of npm, over stdio; and editors/ with
 * the libraries that read it. Where Node or npm's registry cannot be had, they are skipped and say so;
 * test/unit/lang/kit/test_lsp.c is not. SKN_NPM names a node_modules that has the packages already. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "lib/skein.h"
#include "lib/spawn.h"

#include <stdlib.h>

static struct folder library; /* what npm installed, once for all tests here */
static bool has_library;

/* NODE_PATH leads to packages of npm: those of SKN_NPM, a node_modules, or what npm installs within 40 s.
 * Where they cannot be had the test is skipped. */
static void need_packages(void)
{
    static bool is_asked;
    char modules[sizeof(library.path) + 32];
    const char *given = getenv("SKN_NPM");
    if (!is_asked && !given) {
        folder_make(&library);
        const char *install[] = {"timeout",
                                 "40",
                                 "npm",
                                 "install",
                                 "--silent",
                                 "--no-audit",
                                 "--no-fund",
                                 "--prefix",
                                 library.path,
                                 "vscode-jsonrpc@8",
                                 "vscode-textmate@9",
                                 "vscode-oniguruma@2",
                                 NULL};
        int rc = spawn_wait(install);
        has_library = rc == 0;
        if (rc != 0) print_message("npm has no packages for us (it ended with %d)\n", rc);
    }
    is_asked = true;
    if (!given && !has_library) skip();
    (void)snprintf(modules, sizeof(modules), "%s/node_modules", library.path);
    assert_int_equal(setenv("NODE_PATH", given ? given : modules, 1), 0);
}

static int remove_library(void **state)
{
    (void)state;
    if (library.path[0]) folder_remove(&library);
    return 0;
}

static void an_editor_gets_its_answers(void **state)
{
    (void)state;
    need_packages();
    struct folder f;
    struct skein s = {0};
    char project[4096];
    folder_make(&f);
    s.dir = f.path;
    (void)snprintf(project, sizeof(project), "%s/p", f.path);
    assert_int_equal(SKEIN(&s, "init", "p"), 0);
    const char *client[] = {
        "node", SKN_TEST_ROOT "/test/e2e/lsp_client.js", SKN_TEST_SKEIN, project, NULL};
    assert_int_equal(spawn_wait(client), 0);
    folder_remove(&f);
}

/* Runs a part of editors.js; 77: packages are missing, which it said. */
static void ask_editors(const char *part, const char *folder)
{
    const char *argv[] = {
        "node", SKN_TEST_ROOT "/test/e2e/editors.js", part, SKN_TEST_ROOT, folder, NULL};
    int rc = spawn_wait(argv);
    if (rc == -1) print_message("Node is not installed\n");
    if (rc == -1 || rc == 77) skip();
    assert_int_equal(rc, 0);
}

/* The patterns as an editor reads them, over every program of the tests that is taken. */
static void the_grammar_colours_every_token(void **state)
{
    (void)state;
    need_packages();
    ask_editors("grammar", NULL);
}

static void the_extension_starts_and_stops_the_server(void **state)
{
    (void)state;
    ask_editors("extension", NULL);
}

/* Mermaid itself takes what `skein graph -f mermaid` prints, for every program that is taken. It is 150 MB
 * with what it needs, so it is only asked where SKN_NPM has it (mermaid, jsdom). */
static void mermaid_takes_every_picture(void **state)
{
    (void)state;
    struct folder f;
    struct skein s = {0};
    char pictures[4096], script[12000];
    if (!getenv("SKN_NPM")) { /* one that has it, or the test says what is missing */
        print_message("SKN_NPM names no node_modules with mermaid and jsdom\n");
        skip();
    }
    need_packages();
    folder_make(&f);
    s.dir = f.path;
    (void)snprintf(pictures, sizeof(pictures), "%s/p/pictures", f.path);
    assert_int_equal(SKEIN(&s, "init", "p"), 0);
    (void)snprintf(
        script,
        sizeof(script),
        "cd '%s/p' && mkdir pictures && cp " SKN_TEST_ROOT
        "/test/lang/pointy/events/*.yaml events/ && for x in " SKN_TEST_ROOT
        "/test/lang/pointy/project/*.pty; do y=pictures/$(basename $x); cp $x flows/x.pty; "
        "%s graph -f mermaid flows/x.pty >$y 2>/dev/null || rm $y; done",
        f.path,
        SKN_TEST_SKEIN);
    const char *draw[] = {"sh", "-c", script, NULL};
    assert_int_equal(spawn_wait(draw), 0);
    ask_editors("mermaid", pictures);
    folder_remove(&f);
}

/* The files of the VS Code extension are read, its patterns compile, and they name every directive and
 * every call that the language has. */
static void the_grammar_is_sound(void **state)
{
    (void)state;
    static const char script[] =
        "const fs = require('fs'), dir = process.argv[1] + '/editors/vscode/';\n"
        "const read = (name) => JSON.parse(fs.readFileSync(dir + name, 'utf8'));\n"
        "const grammar = read('syntaxes/pointy.tmLanguage.json');\n"
        "const look = (p) => { for (const key of ['match', 'begin', 'end'])\n"
        "    if (p[key]) new RegExp(p[key], 'u'); (p.patterns || []).forEach(look); };\n"
        "Object.values(grammar.repository).forEach(look);\n"
        "for (const p of grammar.patterns) if (!grammar.repository[p.include.slice(1)]) throw p;\n"
        "read('language-configuration.json');\n"
        "if (read('package.json').contributes.grammars[0].scopeName !== grammar.scopeName) throw "
        "1;\n"
        "const words = fs.readFileSync(process.argv[1] + '/src/lang/pointy/parse_directive.c', "
        "'utf8')\n"
        "    .match(/{\"[a-z-]+\", VALUE_/g).map((w) => w.split('\"')[1]);\n"
        "if (words.length !== 12) throw words;\n"
        "const directive = new RegExp(grammar.repository.directive.match, 'u');\n"
        "for (const w of words) if (directive.exec('@' + w + ':')[2] !== w) throw w;\n";
    const char *argv[] = {"node", "-e", script, SKN_TEST_ROOT, NULL};
    int rc = spawn_wait(argv);
    if (rc == -1) {
        print_message("Node is not installed\n");
        skip();
    }
    assert_int_equal(rc, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_grammar_is_sound),
                                       cmocka_unit_test(the_grammar_colours_every_token),
                                       cmocka_unit_test(the_extension_starts_and_stops_the_server),
                                       cmocka_unit_test(mermaid_takes_every_picture),
                                       cmocka_unit_test(an_editor_gets_its_answers)};
    return cmocka_run_group_tests_name("lsp", tests, NULL, remove_library);
}
