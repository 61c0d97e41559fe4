/* sock_internal.h - the local socket `.skein/socket`, reached through the open directory.
 *
 * Invariants
 *   1. Every descriptor here is non-blocking and closed by exec.
 *   2. A path too long for a socket address works: it goes through /proc/self/fd.
 */
#pragma once

#include "base/diag.h"
#include "base/rc.h"
#include "node/dir_internal.h"

/* Listens, in place of a stale socket. Only for who has the exclusive lock. */
SKN_MUST_USE enum skn_rc
skn_sock_listen(const struct skn_data_dir *dir, int *out_fd, struct skn_diag *diag);

/* Takes the socket's name away, so that nobody new comes. What came before can still be accepted. */
void skn_sock_unlink(const struct skn_data_dir *dir);

/* SKN_ENOENT: nobody listens. SKN_ELATER: too many wait to be let in. */
SKN_MUST_USE enum skn_rc
skn_sock_connect(const struct skn_data_dir *dir, int *out_fd, struct skn_diag *diag);
