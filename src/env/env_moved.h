/* env_moved.h - the machine, with clocks that somebody else moves; for tests of the real program.
 *
 * Owns        a mapping of the file that says how far.
 * May include base.
 * Threads     as the real one (env_real.h); the file may change at any moment.
 * Invariants
 *   1. But for the two clocks it is skn_env_real: same files, same locks.
 *
 * The file, at least 16 bytes, both numbers of this machine's byte order and signed:
 *   0  8  wall clock: so many nanoseconds are added; any jump, ahead or back
 *   8  8  even clock: likewise; who moves it only adds, as the clock of env.h never goes back
 * A machine that was suspended moves both by the same.
 */
#pragma once

#include "env/env.h"

/* Borrows nothing; owned by the caller. */
SKN_MUST_USE enum skn_rc
skn_env_moved_create(const char *path, struct skn_env **out_env, struct skn_diag *diag);
/* NULL is fine. No file of it may be open. */
void skn_env_moved_destroy(struct skn_env *env);
