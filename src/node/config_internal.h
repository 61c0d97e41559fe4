/* config_internal.h - the settings of a project.
 *
 * Threads     any.
 */
#pragma once

#include "lang/pointy/pointy.h"

struct skn_env;

/* What `project_dir`/skein.yaml says; the defaults where there is none. SKN_ECONFIG names its line. */
SKN_MUST_USE enum skn_rc skn_config_read(struct skn_env *env,
                                         const char *project_dir,
                                         struct skn_config *out,
                                         struct skn_diag *diag);
