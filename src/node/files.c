/* files.c - flat folders and small files: copied, removed, read whole, replaced whole. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "env/env.h"
#include "node/manifest_internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 20 };

char *skn_path_join(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    char *path = skn_alloc(n + m + 2);
    memcpy(path, a, n);
    path[n] = '/';
    memcpy(path + n + 1, b, m + 1);
    return path;
}

enum skn_rc skn_path_look(struct skn_env *env, const char *path, struct skn_diag *diag)
{
    struct skn_file *file = NULL;
    enum skn_rc rc = skn_env_open(env, path, SKN_OPEN_READ, &file, diag);
    skn_file_close(rc == SKN_OK ? file : NULL);
    return rc;
}

static enum skn_rc copy_bytes(struct skn_file *from, struct skn_file *to, struct skn_diag *diag)
{
    uint8_t *bytes = skn_alloc(COPY_BYTES);
    uint64_t at = 0;
    size_t len = COPY_BYTES;
    enum skn_rc rc = SKN_OK;
    while (rc == SKN_OK && len == COPY_BYTES) {
        rc = skn_file_pread(from, at, bytes, COPY_BYTES, &len, diag);
        if (rc == SKN_OK && len > 0) rc = skn_file_pwrite(to, at, bytes, len, diag);
        at += len;
    }
    skn_free(bytes);
    return rc == SKN_OK ? skn_file_sync(to, diag) : rc;
}

struct folders {
    struct skn_env *env;
    const char *from, *to;
    struct skn_diag *diag;
};

static enum skn_rc copy_one(void *ctx, const char *name)
{
    const struct folders *f = ctx;
    struct skn_file *from = NULL, *to = NULL;
    char *from_path = skn_path_join(f->from, name), *to_path = skn_path_join(f->to, name);
    enum skn_rc rc = skn_env_open(f->env, from_path, SKN_OPEN_READ, &from, f->diag);
    if (rc == SKN_OK) rc = skn_env_open(f->env, to_path, SKN_OPEN_CREATE, &to, f->diag);
    if (rc == SKN_OK) rc = copy_bytes(from, to, f->diag);
    skn_file_close(to);
    skn_file_close(from);
    skn_free(to_path);
    skn_free(from_path);
    return rc;
}

enum skn_rc
skn_folder_copy(struct skn_env *env, const char *from, const char *to, struct skn_diag *diag)
{
    struct folders f = {.env = env, .from = from, .to = to, .diag = diag};
    enum skn_rc rc = skn_env_mkdir(env, to, diag);
    if (rc == SKN_OK) rc = skn_env_list(env, from, copy_one, &f, diag);
    return rc == SKN_OK ? skn_env_sync_dir(env, to, diag) : rc;
}

static enum skn_rc remove_one(void *ctx, const char *name)
{
    const struct folders *f = ctx;
    char *path = skn_path_join(f->from, name);
    enum skn_rc rc = skn_env_unlink(f->env, path, f->diag);
    skn_free(path);
    return rc;
}

enum skn_rc skn_folder_remove(struct skn_env *env, const char *path, struct skn_diag *diag)
{
    struct folders f = {.env = env, .from = path, .diag = diag};
    enum skn_rc rc = skn_env_list(env, path, remove_one, &f, diag);
    if (rc == SKN_ENOENT) return SKN_OK;
    if (rc == SKN_OK && rmdir(path) != 0)
        rc = SKN_FAIL(diag, SKN_EIO, "could not remove \"%s\": %s", path, strerror(errno));
    return rc;
}

enum skn_rc
skn_file_get(struct skn_env *env, const char *path, struct skn_buf *out, struct skn_diag *diag)
{
    struct skn_file *file = NULL;
    uint64_t size = 0;
    size_t len = 0;
    enum skn_rc rc = skn_env_open(env, path, SKN_OPEN_READ, &file, diag);
    if (rc != SKN_OK) return rc;
    rc = skn_file_size(file, &size, diag);
    uint8_t *room = rc == SKN_OK && size <= out->max ? skn_buf_reserve(out, (size_t)size) : NULL;
    if (rc == SKN_OK && !room && size > 0)
        rc = SKN_FAIL(diag, SKN_ETOOLARGE, "\"%s\" is larger than it may be", path);
    if (rc == SKN_OK && size > 0) rc = skn_file_pread(file, 0, room, (size_t)size, &len, diag);
    if (rc == SKN_OK) skn_buf_commit(out, len);
    skn_file_close(file);
    return rc;
}

enum skn_rc skn_file_put(struct skn_env *env,
                         const char *dir,
                         const char *name,
                         struct skn_slice bytes,
                         struct skn_diag *diag)
{
    struct skn_file *file = NULL;
    char *path = skn_path_join(dir, name), *unfinished = skn_path_join(dir, "unfinished.tmp");
    enum skn_rc rc = skn_env_open(env, unfinished, SKN_OPEN_ANY, &file, diag);
    if (rc == SKN_OK) rc = skn_file_truncate(file, 0, diag);
    if (rc == SKN_OK && bytes.len > 0) rc = skn_file_pwrite(file, 0, bytes.ptr, bytes.len, diag);
    if (rc == SKN_OK) rc = skn_file_sync(file, diag);
    skn_file_close(file);
    if (rc == SKN_OK) rc = skn_env_rename(env, unfinished, path, diag);
    if (rc == SKN_OK) rc = skn_env_sync_dir(env, dir, diag);
    skn_free(unfinished);
    skn_free(path);
    return rc;
}
