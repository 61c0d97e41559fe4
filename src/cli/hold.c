/* hold.c - skein _hold: the background holder that run and resume start. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "cli/version.h"
#include "env/env_moved.h"
#include "env/env_real.h"
#include "node/node.h"

#include <errno.h>
#include <stdlib.h>

/* Long enough for the next command of a person or a script, short enough to be gone soon. */
enum { LINGER_MS = 1000 };

/* The machine, or in a test build one with clocks that a file moves. `out_moved` is that, or NULL. */
static enum skn_rc
find_env(struct skn_env **out_env, struct skn_env **out_moved, struct skn_diag *diag)
{
    *out_env = skn_env_real();
    *out_moved = NULL;
    const char *clocks = NULL;
#ifdef SKN_TEST_BUILD
    clocks = getenv("SKEIN_CLOCK_FILE");
#endif
    enum skn_rc rc = clocks ? skn_env_moved_create(clocks, out_moved, diag) : SKN_OK;
    if (*out_moved) *out_env = *out_moved;
    return rc;
}

int skn_cmd_hold(struct skn_cli *cli)
{
    struct skn_diag diag = {.text = ""};
    struct skn_project project;
    struct skn_env *env = NULL, *moved = NULL;
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
    if (diag.rc == SKN_OK) diag.rc = find_env(&env, &moved, &diag);
    if (diag.rc == SKN_OK) {
        const struct skn_holder_options options = {.env = env,
                                                   .project = &project,
                                                   .ready_fd = (int)fd,
                                                   .linger_ms = LINGER_MS,
                                                   .version = SKN_VERSION};
        diag.rc = skn_holder_run(&options, &diag);
        skn_env_moved_destroy(moved);
    }
    return diag.rc == SKN_OK ? 0 : skn_out_fail(&cli->out, &diag);
}
