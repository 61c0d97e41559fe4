/* env.h - the operating system as a small table: clocks, random bytes, files.
 *
 * Owns        nothing; an implementation owns its state, a file handle belongs to who opened it.
 * May include base.
 * Threads     the real one: any, one thread per file handle at a time. The simulated one: none.
 * Invariants
 *   1. A write is whole or it failed: short writes and EINTR are dealt with below this table.
 *   2. What was written is durable only after sync or datasync returned SKN_OK; a name made,
 *      moved or removed only after sync_dir of its directory did.
 *   3. Every failure has a diagnostic that names the path and the reason.
 *
 * Result codes: SKN_ENOENT, SKN_EEXIST, SKN_EPERM (also a read-only disk), SKN_EDISKFULL (also a
 * quota), SKN_EBUSY (a lock), SKN_ESYNC (sync, datasync, sync_dir), SKN_EIO for the rest.
 */
#pragma once

#include "base/base.h"
#include "base/diag.h"
#include "base/rc.h"

struct skn_env;

/* First member of each implementation's handle. */
struct skn_file {
    struct skn_env *env;
};

enum skn_open {
    SKN_OPEN_READ,   /* an existing file, for reading only */
    SKN_OPEN_WRITE,  /* an existing file, for reading and writing */
    SKN_OPEN_CREATE, /* a new file, for reading and writing; SKN_EEXIST when there is one */
    SKN_OPEN_ANY,    /* for reading and writing; made when there is none */
    SKN_OPEN_DIRECT, /* as ANY, for writing only, past the page cache where the file system can;
                      * offset, length and address of a write are multiples of SKN_DIRECT_BYTES */
};

enum { SKN_DIRECT_BYTES = 4096 };

enum skn_lock {
    SKN_LOCK_SHARED,
    SKN_LOCK_EXCLUSIVE,
};

struct skn_disk_space {
    uint64_t free_bytes; /* for an ordinary user */
    uint64_t total_bytes;
};

/* Called once per name, in any order, without "." and "..". Not SKN_OK ends the listing. */
typedef enum skn_rc (*skn_list_fn)(void *ctx, const char *name);

struct skn_env_ops {
    uint64_t (*now_wall_ns)(struct skn_env *env); /* since 1970; may jump */
    uint64_t (*now_mono_ns)(struct skn_env *env); /* never back; goes on while asleep */
    void (*sleep_ns)(struct skn_env *env, uint64_t duration_ns);
    enum skn_rc (*random)(struct skn_env *env, void *out, size_t len, struct skn_diag *diag);

    enum skn_rc (*open)(struct skn_env *env,
                        const char *path,
                        enum skn_open how,
                        struct skn_file **out_file,
                        struct skn_diag *diag);
    void (*close)(struct skn_file *file);
    enum skn_rc (*pread)(struct skn_file *file,
                         uint64_t offset,
                         void *out,
                         size_t len,
                         size_t *out_len,
                         struct skn_diag *diag);
    enum skn_rc (*pwrite)(
        struct skn_file *file, uint64_t offset, const void *ptr, size_t len, struct skn_diag *diag);
    enum skn_rc (*sync)(struct skn_file *file, struct skn_diag *diag);
    enum skn_rc (*datasync)(struct skn_file *file, struct skn_diag *diag);
    enum skn_rc (*size)(struct skn_file *file, uint64_t *out_size, struct skn_diag *diag);
    enum skn_rc (*truncate)(struct skn_file *file, uint64_t size, struct skn_diag *diag);
    enum skn_rc (*allocate)(struct skn_file *file, uint64_t size, struct skn_diag *diag);
    enum skn_rc (*lock)(struct skn_file *file, enum skn_lock kind, struct skn_diag *diag);
    void (*unlock)(struct skn_file *file);

    enum skn_rc (*rename)(struct skn_env *env,
                          const char *from,
                          const char *to,
                          struct skn_diag *diag);
    enum skn_rc (*unlink)(struct skn_env *env, const char *path, struct skn_diag *diag);
    enum skn_rc (*mkdir)(struct skn_env *env, const char *path, struct skn_diag *diag);
    enum skn_rc (*sync_dir)(struct skn_env *env, const char *path, struct skn_diag *diag);
    enum skn_rc (*list)(
        struct skn_env *env, const char *path, skn_list_fn fn, void *ctx, struct skn_diag *diag);
    enum skn_rc (*space)(struct skn_env *env,
                         const char *path,
                         struct skn_disk_space *out_space,
                         struct skn_diag *diag);
};

/* First member of each implementation. */
struct skn_env {
    const struct skn_env_ops *ops;
};

static inline uint64_t skn_env_now_wall_ns(struct skn_env *env)
{
    return env->ops->now_wall_ns(env);
}

static inline uint64_t skn_env_now_mono_ns(struct skn_env *env)
{
    return env->ops->now_mono_ns(env);
}

static inline void skn_env_sleep_ns(struct skn_env *env, uint64_t duration_ns)
{
    env->ops->sleep_ns(env, duration_ns);
}

/* `len` bytes that nobody can guess (the simulated ones follow from the seed). */
static inline SKN_MUST_USE enum skn_rc
skn_env_random(struct skn_env *env, void *out, size_t len, struct skn_diag *diag)
{
    return env->ops->random(env, out, len, diag);
}

/* Gives the handle. Files are made with mode 0600. */
static inline SKN_MUST_USE enum skn_rc skn_env_open(struct skn_env *env,
                                                    const char *path,
                                                    enum skn_open how,
                                                    struct skn_file **out_file,
                                                    struct skn_diag *diag)
{
    return env->ops->open(env, path, how, out_file, diag);
}

/* Takes the handle; NULL is fine. Makes nothing durable; lets its lock go. */
static inline void skn_file_close(struct skn_file *file)
{
    if (file) file->env->ops->close(file);
}

/* Up to `len` bytes; fewer only at the end of the file. */
static inline SKN_MUST_USE enum skn_rc skn_file_pread(struct skn_file *file,
                                                      uint64_t offset,
                                                      void *out,
                                                      size_t len,
                                                      size_t *out_len,
                                                      struct skn_diag *diag)
{
    return file->env->ops->pread(file, offset, out, len, out_len, diag);
}

/* All of it. After a failure any part may have been written. */
static inline SKN_MUST_USE enum skn_rc skn_file_pwrite(
    struct skn_file *file, uint64_t offset, const void *ptr, size_t len, struct skn_diag *diag)
{
    return file->env->ops->pwrite(file, offset, ptr, len, diag);
}

/* Contents and attributes. After a failure the file's contents are unknown: never try again. */
static inline SKN_MUST_USE enum skn_rc skn_file_sync(struct skn_file *file, struct skn_diag *diag)
{
    return file->env->ops->sync(file, diag);
}

/* Contents, and of the attributes what is needed to read them. */
static inline SKN_MUST_USE enum skn_rc skn_file_datasync(struct skn_file *file,
                                                         struct skn_diag *diag)
{
    return file->env->ops->datasync(file, diag);
}

static inline SKN_MUST_USE enum skn_rc
skn_file_size(struct skn_file *file, uint64_t *out_size, struct skn_diag *diag)
{
    return file->env->ops->size(file, out_size, diag);
}

/* Cuts, or extends with zeros. */
static inline SKN_MUST_USE enum skn_rc
skn_file_truncate(struct skn_file *file, uint64_t size, struct skn_diag *diag)
{
    return file->env->ops->truncate(file, size, diag);
}

/* Makes the file at least `size` bytes long with room on the disk for all of them. */
static inline SKN_MUST_USE enum skn_rc
skn_file_allocate(struct skn_file *file, uint64_t size, struct skn_diag *diag)
{
    return file->env->ops->allocate(file, size, diag);
}

/* Does not wait: SKN_EBUSY when another handle, here or in another process, holds it otherwise. */
static inline SKN_MUST_USE enum skn_rc
skn_file_lock(struct skn_file *file, enum skn_lock kind, struct skn_diag *diag)
{
    return file->env->ops->lock(file, kind, diag);
}

static inline void skn_file_unlock(struct skn_file *file)
{
    file->env->ops->unlock(file);
}

/* Replaces a file at `to`. */
static inline SKN_MUST_USE enum skn_rc
skn_env_rename(struct skn_env *env, const char *from, const char *to, struct skn_diag *diag)
{
    return env->ops->rename(env, from, to, diag);
}

/* A file, or a folder that is empty. */
static inline SKN_MUST_USE enum skn_rc
skn_env_unlink(struct skn_env *env, const char *path, struct skn_diag *diag)
{
    return env->ops->unlink(env, path, diag);
}

/* Mode 0700. */
static inline SKN_MUST_USE enum skn_rc
skn_env_mkdir(struct skn_env *env, const char *path, struct skn_diag *diag)
{
    return env->ops->mkdir(env, path, diag);
}

static inline SKN_MUST_USE enum skn_rc
skn_env_sync_dir(struct skn_env *env, const char *path, struct skn_diag *diag)
{
    return env->ops->sync_dir(env, path, diag);
}

static inline SKN_MUST_USE enum skn_rc skn_env_list(
    struct skn_env *env, const char *path, skn_list_fn fn, void *ctx, struct skn_diag *diag)
{
    return env->ops->list(env, path, fn, ctx, diag);
}

static inline SKN_MUST_USE enum skn_rc skn_env_space(struct skn_env *env,
                                                     const char *path,
                                                     struct skn_disk_space *out_space,
                                                     struct skn_diag *diag)
{
    return env->ops->space(env, path, out_space, diag);
}
