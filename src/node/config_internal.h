/* config_internal.h - skein.yaml: the settings of a project.
 *
 * Owns        nothing; what a config points to lives in its arena.
 * May include base, lang/kit, core.
 * Threads     any.
 *
 *     name: shop                            # for people
 *     history: 1h                           # how far back can be looked [E70]; off
 *     secrets:                              # one of the two [E46]
 *       key_file: /etc/skein/app.key        # absolute, or from the project's folder
 *       key_command: [pass, show, skein]    # or what prints the same; run in the project's folder
 *     limits:                               # those of core/limits_map.h
 *       mailbox_messages: 20000
 *       message_bytes: 512KiB
 */
#pragma once

#include "base/arena.h"
#include "core/limits.h"
#include "lang/kit/diags.h"

struct skn_env;

enum { SKN_CONFIG_WORDS_MAX = 16, SKN_CONFIG_TEXT_MAX = 4096, SKN_CONFIG_BYTES_MAX = 1 << 20 };

/* Zero where nothing is said. */
struct skn_config {
    struct skn_slice name;
    uint64_t history_ms; /* 0: off */
    const char *key_file;
    char *const *key_command; /* ends with NULL */
    struct skn_core_limits limits;
};

/* SKN_ESYNTAX: `diags` says what, each with its place. */
SKN_MUST_USE enum skn_rc skn_config_parse(struct skn_arena *arena,
                                          const struct skn_source *source,
                                          struct skn_diags *diags,
                                          struct skn_config *out_config);

/* What `project_dir`/skein.yaml says; nothing where there is none. SKN_ECONFIG: `diag` names the line. */
SKN_MUST_USE enum skn_rc skn_config_read(struct skn_env *env,
                                         const char *project_dir,
                                         struct skn_arena *arena,
                                         struct skn_config *out_config,
                                         struct skn_diag *diag);
