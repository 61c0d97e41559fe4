/* programs_internal.h - the domain types of a node.
 *
 * May include core.
 * Threads     any.
 */
#pragma once

#include "core/core.h"

/* Ends with NULL. */
extern const struct skn_program *const engine_programs[];
