/* sock.c - the local socket `.skein/socket`, reached through the open directory. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/sock_internal.h"

#include "node/node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A socket address holds 108 bytes; other systems hold less, and a name this long is rare. */
enum { PATH_DIRECT_MAX = 100 };

static struct sockaddr_un address_of(const struct skn_data_dir *dir)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (strlen(dir->path) + sizeof("/socket") <= PATH_DIRECT_MAX) {
        (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%.100s/socket", dir->path);
    } else {
        (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/socket", dir->fd);
    }
    return addr;
}

static int new_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

enum skn_rc skn_sock_listen(const struct skn_data_dir *dir, int *out_fd, struct skn_diag *diag)
{
    SKN_ASSERT(dir->lock == SKN_HOLD_EXCLUSIVE);
    skn_sock_unlink(dir);
    struct sockaddr_un addr = address_of(dir);
    int fd = new_socket();
    if (fd < 0 || bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0 ||
        listen(fd, SKN_CLIENTS_MAX) != 0) {
        int error = errno;
        if (fd >= 0) (void)close(fd);
        return SKN_FAIL(diag,
                        skn_rc_of_errno(error),
                        "could not open the socket in \"%s\": %s",
                        dir->path,
                        strerror(error));
    }
    *out_fd = fd;
    return SKN_OK;
}

void skn_sock_unlink(const struct skn_data_dir *dir)
{
    (void)unlinkat(dir->fd, "socket", 0);
}

enum skn_rc skn_sock_connect(const struct skn_data_dir *dir, int *out_fd, struct skn_diag *diag)
{
    struct sockaddr_un addr = address_of(dir);
    int fd = new_socket();
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0) {
        *out_fd = fd;
        return SKN_OK;
    }
    int error = errno;
    if (fd >= 0) (void)close(fd);
    enum skn_rc rc = error == EAGAIN ? SKN_ELATER : skn_rc_of_errno(error);
    if (error == ECONNREFUSED) rc = SKN_ENOENT; /* its holder has died */
    return SKN_FAIL(
        diag, rc, "could not reach the holder of \"%s\": %s", dir->path, strerror(error));
}
