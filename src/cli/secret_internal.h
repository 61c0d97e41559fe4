/* secret_internal.h - secrets that a command gives. */
#pragma once

#include "cli/link_internal.h"

/* The --secret options of the command line. Never as arguments: others can read those. */
SKN_MUST_USE enum skn_rc skn_secrets_read(struct skn_link *link, struct skn_query *query);
