/* check.c - skein check: what is wrong with a flow or an event file. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "cli/load_internal.h"

enum { TEXT_MAX = 64 << 20 };

static void put_json(const struct skn_flow *flow, const char *file, struct skn_buf *out)
{
    struct skn_json_writer w;
    skn_json_begin(&w, out, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    skn_json_key_str(&w, "file");
    skn_json_str(&w, file);
    skn_json_key_str(&w, "ok");
    skn_json_bool(&w, flow->errors == 0);
    skn_json_key_str(&w, "errors");
    skn_json_int(&w, flow->errors);
    skn_json_key_str(&w, "warnings");
    skn_json_int(&w, flow->warnings);
    skn_json_key_str(&w, "diagnostics");
    skn_flow_write_json(flow, &w);
    skn_json_object_end(&w);
    enum skn_rc rc = skn_json_end(&w, NULL);
    SKN_ASSERT(rc == SKN_OK); /* every argument is UTF-8, and diagnostics are few */
    skn_buf_put_u8(out, '\n');
}

static void put_text(const struct skn_flow *flow, const char *file, struct skn_buf *out)
{
    skn_flow_render(flow, out);
    if (flow->errors == 0 && flow->warnings == 0) {
        skn_buf_printf(out, "%s: ok\n", file);
    } else {
        skn_buf_printf(out,
                       "%s: %u error%s, %u warning%s\n",
                       file,
                       flow->errors,
                       flow->errors == 1 ? "" : "s",
                       flow->warnings,
                       flow->warnings == 1 ? "" : "s");
    }
}

int skn_cmd_check(struct skn_cli *cli)
{
    struct skn_diag diag;
    struct skn_flow flow;
    const char *file = cli->args.operands[0];
    const char *named = skn_args_value(&cli->args, SKN_OPTION_PROJECT);
    if (skn_load_checked(&cli->arena, named, file, &flow, &diag) != SKN_OK)
        return skn_out_fail(&cli->out, &diag);
    struct skn_buf out;
    skn_buf_init(&out, TEXT_MAX);
    if (cli->out.json) {
        put_json(&flow, file, &out);
    } else {
        put_text(&flow, file, &out);
    }
    skn_out_put(&cli->out, skn_buf_slice(&out));
    skn_buf_fini(&out);
    return flow.errors > 0 ? skn_rc_info(SKN_EFAILED)->exit_code : 0;
}
