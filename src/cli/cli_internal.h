/* cli_internal.h - what every command gets, and the list of them. */
#pragma once

#include "base/arena.h"
#include "cli/args_internal.h"
#include "cli/out_internal.h"

struct skn_cli {
    struct skn_args args;
    struct skn_arena arena; /* lives as long as the process */
    struct skn_out out;
};

/* A command returns its exit code, after it has said why when that is not 0. */
typedef int (*skn_command_fn)(struct skn_cli *cli);

/* The whole program: arguments in, exit code out. `commands` has one per enum skn_command. */
int skn_cli_main(int argc, char **argv, const skn_command_fn *commands);

int skn_cmd_backup(struct skn_cli *cli);
int skn_cmd_blob_get(struct skn_cli *cli);
int skn_cmd_blob_info(struct skn_cli *cli);
int skn_cmd_blob_ls(struct skn_cli *cli);
int skn_cmd_blob_put(struct skn_cli *cli);
int skn_cmd_blob_rm(struct skn_cli *cli);
int skn_cmd_check(struct skn_cli *cli);
int skn_cmd_clock_accept(struct skn_cli *cli);
int skn_cmd_dev_clock(struct skn_cli *cli);
int skn_cmd_domain_get(struct skn_cli *cli);
int skn_cmd_domain_history(struct skn_cli *cli);
int skn_cmd_domain_ls(struct skn_cli *cli);
int skn_cmd_domain_redeliver(struct skn_cli *cli);
int skn_cmd_domain_resume(struct skn_cli *cli);
int skn_cmd_domain_rm(struct skn_cli *cli);
int skn_cmd_domain_send(struct skn_cli *cli);
int skn_cmd_domain_trace(struct skn_cli *cli);
int skn_cmd_describe(struct skn_cli *cli);
int skn_cmd_events(struct skn_cli *cli);
int skn_cmd_explain(struct skn_cli *cli);
int skn_cmd_fmt(struct skn_cli *cli);
int skn_cmd_graph(struct skn_cli *cli);
int skn_cmd_help(struct skn_cli *cli);
int skn_cmd_hold(struct skn_cli *cli);
int skn_cmd_init(struct skn_cli *cli);
int skn_cmd_journal_dump(struct skn_cli *cli);
int skn_cmd_logs(struct skn_cli *cli);
int skn_cmd_lsp(struct skn_cli *cli);
int skn_cmd_ps(struct skn_cli *cli);
int skn_cmd_restore(struct skn_cli *cli);
int skn_cmd_resume(struct skn_cli *cli);
int skn_cmd_run(struct skn_cli *cli);
int skn_cmd_secret_key(struct skn_cli *cli);
int skn_cmd_secret_rotate(struct skn_cli *cli);
int skn_cmd_secret_status(struct skn_cli *cli);
int skn_cmd_show(struct skn_cli *cli);
int skn_cmd_sim(struct skn_cli *cli);
int skn_cmd_status(struct skn_cli *cli);
int skn_cmd_verify(struct skn_cli *cli);
