/* explain.c - skein explain: what a code of a diagnostic means. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/explain.h"
#include "cli/cli_internal.h"
#include "value/json.h"

enum { TEXT_MAX = 1 << 20 };

static void write_row(struct skn_json_writer *w, enum skn_code code)
{
    const struct skn_code_info *info = skn_code_info(code);
    const struct skn_explanation *row = skn_explain(code);
    const struct {
        const char *key;
        const char *text;
    } members[] = {{"code", info->name},
                   {"severity", info->severity == SKN_SEVERITY_ERROR ? "error" : "warning"},
                   {"what", row->what},
                   {"why", row->why},
                   {"wrong", row->wrong},
                   {"right", row->right}};
    skn_json_object_begin(w);
    for (size_t i = 0; i < SKN_ARRAY_LEN(members); i++) {
        skn_json_key_str(w, members[i].key);
        skn_json_any_text(w, skn_slice_str(members[i].text));
    }
    skn_json_object_end(w);
}

static void put_json(struct skn_buf *out, bool all, enum skn_code code)
{
    struct skn_json_writer w;
    skn_json_begin(&w, out, SKN_JSON_PLAIN);
    if (all) {
        skn_json_object_begin(&w);
        skn_json_key_str(&w, "codes");
        skn_json_list_begin(&w);
        for (unsigned i = 0; i < SKN_CODE_COUNT; i++)
            write_row(&w, (enum skn_code)i);
        skn_json_list_end(&w);
        skn_json_object_end(&w);
    } else {
        write_row(&w, code);
    }
    enum skn_rc rc = skn_json_end(&w, NULL);
    SKN_ASSERT(rc == SKN_OK); /* our own texts */
    skn_buf_put_u8(out, '\n');
}

static void put_list(struct skn_buf *out)
{
    for (unsigned i = 0; i < SKN_CODE_COUNT; i++)
        skn_buf_printf(out,
                       "%s  %s\n",
                       skn_code_info((enum skn_code)i)->name,
                       skn_explain((enum skn_code)i)->what);
}

int skn_cmd_explain(struct skn_cli *cli)
{
    struct skn_diag diag;
    bool all = cli->args.operand_count == 0;
    enum skn_code code = SKN_CODE_BAD_UTF8;
    if (!all && !skn_code_find(skn_slice_str(cli->args.operands[0]), &code)) {
        (void)SKN_FAIL(&diag,
                       SKN_EUSAGE,
                       "there is no code \"%.60s\"; skein explain lists them",
                       cli->args.operands[0]);
        return skn_out_fail(&cli->out, &diag);
    }
    struct skn_buf out;
    skn_buf_init(&out, TEXT_MAX);
    if (cli->out.json) {
        put_json(&out, all, code);
    } else if (all) {
        put_list(&out);
    } else {
        skn_explain_render(code, &out);
    }
    skn_out_put(&cli->out, skn_buf_slice(&out));
    skn_buf_fini(&out);
    return 0;
}
