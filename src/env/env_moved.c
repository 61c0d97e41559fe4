/* env_moved.c - the table of env_real with two other clocks. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "env/env_moved.h"

#include "base/mem.h"
#include "env/env_real.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct clocks {
    _Atomic int64_t wall_ns, even_ns;
};
enum { CLOCKS_BYTES = 16 };
static_assert(sizeof(struct clocks) == CLOCKS_BYTES, "as the file");

struct moved {
    struct skn_env base;
    struct skn_env_ops ops;
    struct clocks *by;
};

static struct moved *moved_of(struct skn_env *env)
{
    return SKN_CONTAINER_OF(env, struct moved, base);
}

static uint64_t moved_now_wall_ns(struct skn_env *env)
{
    int64_t by = atomic_load_explicit(&moved_of(env)->by->wall_ns, memory_order_relaxed);
    return skn_env_now_wall_ns(skn_env_real()) + (uint64_t)by;
}

static uint64_t moved_now_mono_ns(struct skn_env *env)
{
    int64_t by = atomic_load_explicit(&moved_of(env)->by->even_ns, memory_order_relaxed);
    return skn_env_now_mono_ns(skn_env_real()) + (uint64_t)by;
}

static enum skn_rc map(const char *path, struct clocks **out_by, struct skn_diag *diag)
{
    struct stat stat;
    void *at = MAP_FAILED;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_long = fd >= 0 && fstat(fd, &stat) == 0 && stat.st_size >= CLOCKS_BYTES;
    if (is_long) at = mmap(NULL, CLOCKS_BYTES, PROT_READ, MAP_SHARED, fd, 0);
    int error = fd >= 0 && !is_long ? ENODATA : errno;
    if (fd >= 0) (void)close(fd);
    if (at == MAP_FAILED)
        return SKN_FAIL(
            diag, SKN_EIO, "could not read clocks from \"%s\": %s", path, strerrordesc_np(error));
    *out_by = at;
    return SKN_OK;
}

enum skn_rc skn_env_moved_create(const char *path, struct skn_env **out_env, struct skn_diag *diag)
{
    struct clocks *by = NULL;
    enum skn_rc rc = map(path, &by, diag);
    if (rc != SKN_OK) return rc;
    struct moved *moved = skn_alloc(sizeof *moved);
    *moved = (struct moved){.base = {&moved->ops}, .ops = *skn_env_real()->ops, .by = by};
    moved->ops.now_wall_ns = moved_now_wall_ns;
    moved->ops.now_mono_ns = moved_now_mono_ns;
    *out_env = &moved->base;
    return SKN_OK;
}

void skn_env_moved_destroy(struct skn_env *env)
{
    if (!env) return;
    struct moved *moved = moved_of(env);
    (void)munmap(moved->by, CLOCKS_BYTES);
    skn_free(moved);
}
