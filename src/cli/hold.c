/* hold.c - skein _hold: the background holder that run and resume start. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "cli/version.h"
#include "env/env_real.h"
#include "node/node.h"

#include <errno.h>
#include <stdlib.h>

/* Long enough for the next command of a person or a script, short enough to be gone soon. */
enum { LINGER_MS = 1000 };

int skn_cmd_hold(struct skn_cli *cli)
{
    struct skn_diag diag = {.text = ""};
    struct skn_project project;
    const char *named = skn_args_value(&cli->args, SKN_OPTION_PROJECT);
    const char *ready = skn_args_value(&cli->args, SKN_OPTION_READYFD);
    char *end = NULL;
    errno = 0;
    long fd = ready ? strtol(ready, &end, 10) : -1;
    diag.rc = SKN_OK;
    if (ready && (errno != 0 || *end != 0 || fd < 3 || fd > 1 << 20))
        diag.rc = SKN_FAIL(&diag, SKN_EUSAGE, "--ready-fd wants an open descriptor");
    if (diag.rc == SKN_OK)
        diag.rc = named ? skn_project_named(&cli->arena, named, &project, &diag)
                        : skn_project_find(&cli->arena, ".", &project, &diag);
    if (diag.rc == SKN_OK) {
        const struct skn_holder_options options = {.env = skn_env_real(),
                                                   .project = &project,
                                                   .ready_fd = (int)fd,
                                                   .linger_ms = LINGER_MS,
                                                   .version = SKN_VERSION};
        diag.rc = skn_holder_run(&options, &diag);
    }
    return diag.rc == SKN_OK ? 0 : skn_out_fail(&cli->out, &diag);
}
