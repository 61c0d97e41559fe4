/* help_internal.h - the texts that come from commands_map.h: help, completion, the man page's lists. */
#pragma once

#include "base/buf.h"
#include "cli/args_internal.h"

/* All commands, for `skein help`. */
void skn_help_all(struct skn_buf *out);

/* The commands of a group, such as domain. */
void skn_help_group(struct skn_buf *out, const char *group);

/* One command with its options. */
void skn_help_command(struct skn_buf *out, enum skn_command command);

/* completion/skein.bash, whole. */
void skn_help_bash(struct skn_buf *out);

/* The sections COMMANDS and OPTIONS of doc/skein.1, in mdoc. */
void skn_help_man(struct skn_buf *out);
