/* follow_internal.h - waits for the end of runs, shows them, and turns Ctrl-C into requests. */
#pragma once

#include "cli/cli_internal.h"
#include "node/node.h"

/* From now on SIGINT, SIGTERM and SIGWINCH come to skn_follow_run only. The descriptor, or -1. */
int skn_follow_signals(void);

/* How often SIGINT or SIGTERM came since the last look; `out_resized` may be NULL. */
int skn_follow_interrupts(int signal_fd, bool *out_resized);

/* After a start or a resume was asked with watching: waits for the end, and gives the exit code of
 * the run. What went wrong is said. */
int skn_follow_run(struct skn_cli *cli, struct skn_client *client, int signal_fd);

/* After one without watching: says which run it is. */
int skn_follow_accepted(struct skn_cli *cli, struct skn_client *client);

/* One answer, waited for. */
SKN_MUST_USE enum skn_rc
skn_follow_answer(struct skn_client *client, struct skn_answer *out_answer, struct skn_diag *diag);

/* The exit code of a run by its status. */
int skn_follow_exit_code(struct skn_value view);
