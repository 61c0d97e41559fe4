/* test_lsp.c - skein lsp with an editor's own library: vscode-jsonrpc of npm, over stdio. Where Node or
 * npm's registry cannot be had, it is skipped and says so; test/unit/lang/kit/test_lsp.c is not. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "lib/skein.h"
#include "lib/spawn.h"

#include <stdlib.h>

static void an_editor_gets_its_answers(void **state)
{
    (void)state;
    struct folder f;
    struct skein s = {0};
    char library[4096], project[4096];
    folder_make(&f);
    s.dir = f.path;
    (void)snprintf(library, sizeof(library), "%s/npm", f.path);
    (void)snprintf(project, sizeof(project), "%s/p", f.path);
    const char *given = getenv("SKN_JSONRPC"); /* a node_modules that has it already */
    const char *install[] = {"timeout",
                             "40",
                             "npm",
                             "install",
                             "--silent",
                             "--no-audit",
                             "--no-fund",
                             "--prefix",
                             library,
                             "vscode-jsonrpc@8",
                             NULL};
    int rc = given ? 0 : spawn_wait(install);
    if (rc != 0) {
        folder_remove(&f);
        print_message("npm has no vscode-jsonrpc for us (npm ended with %d)\n", rc);
        skip();
    }
    (void)snprintf(
        library, sizeof(library), "%s%s", given ? given : f.path, given ? "" : "/npm/node_modules");
    assert_int_equal(setenv("NODE_PATH", library, 1), 0);
    assert_int_equal(SKEIN(&s, "init", "p"), 0);
    const char *client[] = {
        "node", SKN_TEST_ROOT "/test/e2e/lsp_client.js", SKN_TEST_SKEIN, project, NULL};
    assert_int_equal(spawn_wait(client), 0);
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
                                       cmocka_unit_test(an_editor_gets_its_answers)};
    return cmocka_run_group_tests_name("lsp", tests, NULL, NULL);
}
