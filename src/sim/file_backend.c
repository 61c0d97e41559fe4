/* file_backend.c - a memory backend whose backup is one file. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/file_backend.h"

#include "base/buf.h"
#include "base/cursor.h"
#include "base/mem.h"

#include <stdio.h>

enum { SHARDS_MAX = 64, PATH_BYTES = 512 };

enum { FILE_BACKEND_BYTES = 64 << 20 };

struct file_backend {
    struct skn_backend base;
    struct skn_backend *memory; /* owns, when `is_base` */
    struct skn_env *env;
    uint32_t shards;
    bool is_base; /* made from a backup */
};

static struct file_backend *file_backend_of(struct skn_backend *base)
{
    return SKN_CONTAINER_OF(base, struct file_backend, base);
}

static enum skn_rc file_backend_read(struct skn_backend *base,
                                     const struct skn_read *read,
                                     bool may_wait,
                                     struct skn_buf *out,
                                     bool *out_is_end,
                                     struct skn_diag *diag)
{
    return skn_backend_read(file_backend_of(base)->memory, read, may_wait, out, out_is_end, diag);
}

static enum skn_rc file_backend_write(struct skn_backend *base,
                                      uint32_t shard,
                                      struct skn_slice batch,
                                      struct skn_diag *diag)
{
    return skn_backend_write(file_backend_of(base)->memory, shard, batch, diag);
}

static enum skn_rc file_backend_commit(struct skn_backend *base,
                                       const struct skn_shard_position *positions,
                                       size_t count,
                                       struct skn_diag *diag)
{
    return skn_backend_commit(file_backend_of(base)->memory, positions, count, diag);
}

static enum skn_rc file_backend_position(struct skn_backend *base,
                                         uint32_t shard,
                                         struct skn_position *out,
                                         struct skn_diag *diag)
{
    return skn_backend_position(file_backend_of(base)->memory, shard, out, diag);
}

static bool file_backend_is_exact(struct skn_backend *base)
{
    return skn_backend_is_exact(file_backend_of(base)->memory);
}

/* Shard, its position, its rows as a block; for each shard that was ever committed. */
static void file_backend_put(struct file_backend *f, struct skn_buf *out)
{
    static const uint8_t first[1] = {0}, last[2] = {0xff, 0xff};
    for (uint32_t i = 0; i < f->shards; i++) {
        struct skn_position at;
        struct skn_buf rows;
        bool is_end;
        if (skn_backend_position(f->memory, i, &at, NULL) != SKN_OK) continue;
        const struct skn_read read = {.shard = i,
                                      .from = skn_slice(first, sizeof first),
                                      .end = skn_slice(last, sizeof last),
                                      .max_rows = UINT32_MAX,
                                      .max_bytes = UINT32_MAX};
        skn_buf_init(&rows, FILE_BACKEND_BYTES);
        enum skn_rc rc = skn_backend_read(f->memory, &read, true, &rows, &is_end, NULL);
        SKN_ASSERT(rc == SKN_OK && is_end);
        skn_buf_put_le32(out, i);
        skn_buf_put_le64(out, at.index);
        skn_buf_put_le64(out, at.stamp);
        skn_buf_put_le64(out, at.state.lo);
        skn_buf_put_le64(out, at.state.hi);
        skn_buf_put_block(out, skn_buf_slice(&rows));
        skn_buf_fini(&rows);
    }
}

static enum skn_rc
file_backend_backup(struct skn_backend *base, const char *dir, struct skn_diag *diag)
{
    struct file_backend *f = file_backend_of(base);
    struct skn_file *file = NULL;
    struct skn_buf bytes;
    char path[PATH_BYTES];
    SKN_ASSERT(skn_backend_is_exact(f->memory)); /* [E70] */
    (void)snprintf(path, sizeof path, "%s/rows", dir);
    skn_buf_init(&bytes, FILE_BACKEND_BYTES);
    file_backend_put(f, &bytes);
    enum skn_rc rc = skn_env_mkdir(f->env, dir, diag);
    if (rc == SKN_OK) rc = skn_env_open(f->env, path, SKN_OPEN_CREATE, &file, diag);
    if (rc == SKN_OK) rc = skn_file_pwrite(file, 0, bytes.ptr, bytes.len, diag);
    if (rc == SKN_OK) rc = skn_file_sync(file, diag);
    skn_file_close(file);
    if (rc == SKN_OK) rc = skn_env_sync_dir(f->env, dir, diag);
    skn_buf_fini(&bytes);
    return rc;
}

static void file_backend_destroy(struct skn_backend *base)
{
    struct file_backend *f = file_backend_of(base);
    if (f->is_base) skn_backend_destroy(f->memory);
    skn_free(f);
}

struct skn_backend *
file_backend_create(struct skn_env *env, struct skn_backend *memory, uint32_t shards)
{
    static const struct skn_backend_ops ops = {.read = file_backend_read,
                                               .write = file_backend_write,
                                               .commit = file_backend_commit,
                                               .position = file_backend_position,
                                               .is_exact = file_backend_is_exact,
                                               .backup = file_backend_backup,
                                               .destroy = file_backend_destroy};
    struct file_backend *f = skn_alloc_zero(1, sizeof *f);
    *f = (struct file_backend){
        .base = {.ops = &ops}, .memory = memory, .env = env, .shards = shards};
    return &f->base;
}

enum skn_rc file_backend_open(struct skn_env *env,
                              const char *dir,
                              struct skn_backend **out,
                              struct skn_diag *diag)
{
    struct skn_file *file = NULL;
    struct skn_buf bytes;
    char path[PATH_BYTES];
    uint64_t size = 0;
    size_t len = 0;
    (void)snprintf(path, sizeof path, "%s/rows", dir);
    enum skn_rc rc = skn_env_open(env, path, SKN_OPEN_READ, &file, diag);
    if (rc != SKN_OK) return rc;
    skn_buf_init(&bytes, FILE_BACKEND_BYTES);
    rc = skn_file_size(file, &size, diag);
    uint8_t *room = skn_buf_reserve(&bytes, (size_t)size + 1);
    if (rc == SKN_OK) rc = skn_file_pread(file, 0, room, (size_t)size, &len, diag);
    skn_file_close(file);
    struct skn_backend *base = file_backend_create(env, skn_backend_memory_create(), 0);
    file_backend_of(base)->is_base = true;
    struct skn_shard_position positions[SHARDS_MAX];
    size_t count = 0;
    struct skn_cursor cursor = skn_cursor(skn_slice(room, len));
    while (rc == SKN_OK && count < SHARDS_MAX && !skn_cursor_is_done(&cursor) && !cursor.bad) {
        struct skn_shard_position *at = &positions[count++];
        at->shard = skn_cursor_le32(&cursor);
        at->position.index = skn_cursor_le64(&cursor);
        at->position.stamp = skn_cursor_le64(&cursor);
        at->position.state.lo = skn_cursor_le64(&cursor);
        at->position.state.hi = skn_cursor_le64(&cursor);
        struct skn_slice rows = skn_cursor_block(&cursor);
        if (cursor.bad) rc = SKN_CORRUPT(diag, "\"%s\" is cut off", path);
        if (rc == SKN_OK && rows.len > 0) rc = skn_backend_write(base, at->shard, rows, diag);
    }
    if (rc == SKN_OK && count == 0) rc = SKN_CORRUPT(diag, "\"%s\" is empty", path);
    if (rc == SKN_OK) rc = skn_backend_commit(base, positions, count, diag);
    skn_buf_fini(&bytes);
    if (rc == SKN_OK)
        *out = base;
    else
        skn_backend_destroy(base);
    return rc;
}
