/* env_real.h - skn_env on Linux.
 *
 * Owns        nothing that changes: one table for the process.
 * May include base.
 * Threads     any; a file handle is used by one thread at a time.
 */
#pragma once

#include "env/env.h"

/* The machine. Never NULL, never destroyed. */
struct skn_env *skn_env_real(void);
