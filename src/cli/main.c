/* main.c - where the process begins and ends. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "cli/cli_internal.h"

static const skn_command_fn commands[SKN_COMMAND_COUNT] = {
    [SKN_COMMAND_BACKUP] = skn_cmd_backup,
    [SKN_COMMAND_CHECK] = skn_cmd_check,
    [SKN_COMMAND_DESCRIBE] = skn_cmd_describe,
    [SKN_COMMAND_EVENTS] = skn_cmd_events,
    [SKN_COMMAND_FMT] = skn_cmd_fmt,
    [SKN_COMMAND_GRAPH] = skn_cmd_graph,
    [SKN_COMMAND_EXPLAIN] = skn_cmd_explain,
    [SKN_COMMAND_HELP] = skn_cmd_help,
    [SKN_COMMAND_INIT] = skn_cmd_init,
    [SKN_COMMAND_VERIFY] = skn_cmd_verify,
    [SKN_COMMAND_HOLD] = skn_cmd_hold,
    [SKN_COMMAND_LOGS] = skn_cmd_logs,
    [SKN_COMMAND_LSP] = skn_cmd_lsp,
    [SKN_COMMAND_PS] = skn_cmd_ps,
    [SKN_COMMAND_RESTORE] = skn_cmd_restore,
    [SKN_COMMAND_RESUME] = skn_cmd_resume,
    [SKN_COMMAND_RUN] = skn_cmd_run,
    [SKN_COMMAND_SHOW] = skn_cmd_show,
    [SKN_COMMAND_SIM] = skn_cmd_sim,
    [SKN_COMMAND_STATUS] = skn_cmd_status,
    [SKN_COMMAND_DOMAIN_GET] = skn_cmd_domain_get,
    [SKN_COMMAND_DOMAIN_HISTORY] = skn_cmd_domain_history,
    [SKN_COMMAND_DOMAIN_LS] = skn_cmd_domain_ls,
    [SKN_COMMAND_DOMAIN_REDELIVER] = skn_cmd_domain_redeliver,
    [SKN_COMMAND_DOMAIN_RESUME] = skn_cmd_domain_resume,
    [SKN_COMMAND_DOMAIN_RM] = skn_cmd_domain_rm,
    [SKN_COMMAND_DOMAIN_SEND] = skn_cmd_domain_send,
    [SKN_COMMAND_DOMAIN_TRACE] = skn_cmd_domain_trace,
    [SKN_COMMAND_JOURNAL_DUMP] = skn_cmd_journal_dump,
    [SKN_COMMAND_SECRET_KEY] = skn_cmd_secret_key,
    [SKN_COMMAND_SECRET_ROTATE] = skn_cmd_secret_rotate,
    [SKN_COMMAND_SECRET_STATUS] = skn_cmd_secret_status,
    [SKN_COMMAND_BLOB_GET] = skn_cmd_blob_get,
    [SKN_COMMAND_BLOB_INFO] = skn_cmd_blob_info,
    [SKN_COMMAND_BLOB_LS] = skn_cmd_blob_ls,
    [SKN_COMMAND_BLOB_PUT] = skn_cmd_blob_put,
    [SKN_COMMAND_BLOB_RM] = skn_cmd_blob_rm,
    [SKN_COMMAND_CLOCK_ACCEPT] = skn_cmd_clock_accept,
    [SKN_COMMAND_DEV_CLOCK] = skn_cmd_dev_clock,
};

int main(int argc, char **argv)
{
    skn_bug_plant_from_env();
    return skn_cli_main(argc, argv, commands);
}
