/* env_sim.c - the simulated machine: handles, locks, clocks and faults over the simulated disk. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "env/env_sim.h"

#include "base/mem.h"
#include "env/sim_disk_internal.h"

#include <string.h>

/* 2026-01-01; any moment that real data may carry will do. */
#define SIM_WALL_START_NS UINT64_C(1767225600000000000)

struct skn_env_sim {
    struct skn_env base;
    struct sim_disk disk;
    struct skn_rng rng;
    struct skn_list handles;
    uint64_t disk_bytes;
    uint64_t mono_ns;
    uint64_t wall_ns;
    uint64_t sync_ns; /* what a sync takes */
    uint64_t calls;
    uint64_t changes;
    uint64_t syncs;
    enum skn_fault fault;
    bool fault_changes_only;
    uint64_t fault_nth;   /* so many counted calls until it comes; 0: it is here */
    uint64_t fault_times; /* so many are left */
    bool has_faulted;
    bool is_stopped;
};

enum lock_state { UNLOCKED, SHARED, EXCLUSIVE };

struct sim_file {
    struct skn_file base;
    struct skn_list link;
    struct sim_inode *inode; /* NULL: of a process that is dead */
    char *path;
    bool may_write;
    bool is_direct;
    enum lock_state lock;
};

static struct skn_env_sim *sim_of(struct skn_env *env)
{
    return SKN_CONTAINER_OF(env, struct skn_env_sim, base);
}

static struct sim_file *file_of(struct skn_file *file)
{
    return SKN_CONTAINER_OF(file, struct sim_file, base);
}

static enum skn_rc
failed(struct skn_diag *diag, enum skn_rc rc, const char *verb, const char *path, const char *why)
{
    return SKN_FAIL(diag, rc, "could not %s \"%s\": %s", verb, path, why);
}

/* Counts a call and says which fault it has. */
static enum skn_fault enter(struct skn_env_sim *sim, bool is_change)
{
    if (sim->is_stopped) return SKN_FAULT_STOP;
    sim->calls++;
    if (is_change) sim->changes++;
    if (sim->fault == SKN_FAULT_NONE || sim->fault_times == 0) return SKN_FAULT_NONE;
    if (sim->fault_changes_only && !is_change) return SKN_FAULT_NONE;
    if (sim->fault_nth > 1) {
        sim->fault_nth--;
        return SKN_FAULT_NONE;
    }
    sim->fault_times--;
    if (sim->fault == SKN_FAULT_STOP || sim->fault == SKN_FAULT_STOP_SHORT) sim->is_stopped = true;
    return sim->fault;
}

/* The failure that a fault means for a call that is not a write; SKN_OK: none. */
static enum skn_rc fault_rc(struct skn_env_sim *sim,
                            enum skn_fault fault,
                            bool needs_room,
                            const char *verb,
                            const char *path,
                            struct skn_diag *diag)
{
    if (fault == SKN_FAULT_NONE) return SKN_OK;
    bool is_full = fault == SKN_FAULT_FULL || fault == SKN_FAULT_SHORT;
    if (is_full && !needs_room) return SKN_OK;
    sim->has_faulted = true;
    if (is_full) return failed(diag, SKN_EDISKFULL, verb, path, "No space left on device");
    if (sim->is_stopped) return failed(diag, SKN_EIO, verb, path, "the simulated process stopped");
    bool is_sync = strcmp(verb, "sync") == 0;
    return failed(diag, is_sync ? SKN_ESYNC : SKN_EIO, verb, path, "Input/output error");
}

static uint64_t sim_now_wall_ns(struct skn_env *env)
{
    return sim_of(env)->wall_ns;
}

static uint64_t sim_now_mono_ns(struct skn_env *env)
{
    return sim_of(env)->mono_ns;
}

static void sim_sleep_ns(struct skn_env *env, uint64_t duration_ns)
{
    skn_env_sim_advance(sim_of(env), duration_ns);
}

static enum skn_rc sim_random(struct skn_env *env, void *out, size_t len, struct skn_diag *diag)
{
    struct skn_env_sim *sim = sim_of(env);
    enum skn_rc rc = fault_rc(sim, enter(sim, false), false, "read", "random bytes", diag);
    if (rc != SKN_OK) return rc;
    skn_rng_bytes(&sim->rng, out, len);
    return SKN_OK;
}

static enum skn_rc sim_open(struct skn_env *env,
                            const char *path,
                            enum skn_open how,
                            struct skn_file **out_file,
                            struct skn_diag *diag)
{
    struct skn_env_sim *sim = sim_of(env);
    struct sim_inode *inode = sim_disk_find(&sim->disk, path);
    bool may_make = how == SKN_OPEN_CREATE || how == SKN_OPEN_ANY || how == SKN_OPEN_DIRECT;
    bool makes = may_make && !inode;
    const char *verb = may_make ? "create" : "open";
    enum skn_rc rc = fault_rc(sim, enter(sim, makes), makes, verb, path, diag);
    if (rc != SKN_OK) return rc;
    if (inode && how == SKN_OPEN_CREATE) return failed(diag, SKN_EEXIST, verb, path, "File exists");
    if (inode && inode->is_dir) return failed(diag, SKN_EIO, verb, path, "Is a directory");
    if (!inode && !(makes && sim_disk_has_parent(&sim->disk, path)))
        return failed(diag, SKN_ENOENT, verb, path, "No such file or directory");
    if (makes) inode = sim_disk_link(&sim->disk, path, false);

    struct sim_file *file = skn_alloc_zero(1, sizeof *file);
    file->base.env = env;
    file->inode = sim_inode_ref(inode);
    file->path = skn_dup(path, strlen(path));
    file->may_write = how != SKN_OPEN_READ;
    file->is_direct = how == SKN_OPEN_DIRECT;
    skn_list_init(&file->link);
    skn_list_push_back(&sim->handles, &file->link);
    *out_file = &file->base;
    return SKN_OK;
}

static void sim_close(struct skn_file *base)
{
    struct sim_file *file = file_of(base);
    skn_list_remove(&file->link);
    sim_inode_unref(file->inode);
    skn_free(file->path);
    skn_free(file);
}

/* What every call on a handle begins with. `needs_room` also means that it needs a handle for
 * writing. */
static enum skn_rc file_enter(
    struct sim_file *file, bool is_change, bool needs_room, const char *verb, struct skn_diag *diag)
{
    struct skn_env_sim *sim = sim_of(file->base.env);
    if (!file->inode) return failed(diag, SKN_EIO, verb, file->path, "the handle's process died");
    enum skn_rc rc = fault_rc(sim, enter(sim, is_change), needs_room, verb, file->path, diag);
    if (rc != SKN_OK) return rc;
    if (needs_room && !file->may_write)
        return failed(diag, SKN_EIO, verb, file->path, "Bad file descriptor");
    return SKN_OK;
}

static enum skn_rc sim_pread(struct skn_file *base,
                             uint64_t offset,
                             void *out,
                             size_t len,
                             size_t *out_len,
                             struct skn_diag *diag)
{
    struct sim_file *file = file_of(base);
    enum skn_rc rc = file_enter(file, false, false, "read", diag);
    if (rc != SKN_OK) return rc;
    const struct sim_bytes *live = &file->inode->live;
    uint64_t there = offset < live->len ? live->len - offset : 0;
    *out_len = there < len ? (size_t)there : len;
    if (*out_len > 0) sim_bytes_read(live, offset, out, *out_len);
    return SKN_OK;
}

static bool has_room(struct skn_env_sim *sim, const struct sim_inode *inode, uint64_t end)
{
    uint64_t room = (end + SIM_BLOCK - 1) / SIM_BLOCK * SIM_BLOCK;
    if (room <= inode->room) return true;
    uint64_t used = sim_disk_used(&sim->disk);
    return used <= sim->disk_bytes && room - inode->room <= sim->disk_bytes - used;
}

/* A write that fails leaves any part of itself: after an error sectors, else a beginning. */
static void write_part(
    struct skn_env_sim *sim, struct sim_file *file, uint64_t offset, const uint8_t *ptr, size_t len)
{
    if (sim->fault != SKN_FAULT_EIO) {
        /* The kernel copies by pages, so a write that is cut off ends where a sector does. */
        uint64_t cut = offset + skn_rng_below(&sim->rng, (uint64_t)len + 1);
        uint64_t end = offset + len;
        if (cut < end) cut = cut / SIM_SECTOR * SIM_SECTOR;
        if (cut > offset) sim_disk_write(&sim->disk, file->inode, offset, ptr, cut - offset);
        return;
    }
    for (size_t at = 0; at < len; at += SIM_SECTOR) {
        size_t n = len - at < SIM_SECTOR ? len - at : SIM_SECTOR;
        if (skn_rng_chance(&sim->rng, 1, 2))
            sim_disk_write(&sim->disk, file->inode, offset + at, ptr + at, n);
    }
}

static enum skn_rc sim_pwrite(
    struct skn_file *base, uint64_t offset, const void *ptr, size_t len, struct skn_diag *diag)
{
    struct sim_file *file = file_of(base);
    struct skn_env_sim *sim = sim_of(file->base.env);
    bool was_stopped = sim->is_stopped;
    bool had_faulted = sim->has_faulted;
    sim->has_faulted = false;
    /* No file system that a test may meet refuses it, so the strictest one is simulated. */
    bool is_aligned = offset % SKN_DIRECT_BYTES == 0 && len % SKN_DIRECT_BYTES == 0 &&
                      (uintptr_t)ptr % SKN_DIRECT_BYTES == 0;
    if (file->is_direct && !is_aligned)
        return failed(diag, SKN_EIO, "write", file->path, "Invalid argument");
    enum skn_rc rc = file_enter(file, true, true, "write", diag);
    bool fails = sim->has_faulted;
    sim->has_faulted = had_faulted || fails;
    if (rc != SKN_OK) {
        bool leaves_part = fails && !was_stopped && file->may_write &&
                           sim->fault != SKN_FAULT_FULL && sim->fault != SKN_FAULT_STOP;
        if (leaves_part) write_part(sim, file, offset, ptr, len);
        return rc;
    }
    if (!has_room(sim, file->inode, offset + len))
        return failed(diag, SKN_EDISKFULL, "write", file->path, "No space left on device");
    sim_disk_write(&sim->disk, file->inode, offset, ptr, len);
    return SKN_OK;
}

static enum skn_rc sim_sync(struct skn_file *base, struct skn_diag *diag)
{
    struct sim_file *file = file_of(base);
    struct skn_env_sim *sim = sim_of(file->base.env);
    enum skn_rc rc = file_enter(file, true, false, "sync", diag);
    sim->syncs += rc == SKN_OK;
    skn_env_sim_advance(sim, sim->sync_ns);
    if (rc == SKN_ESYNC) sim_disk_fail_sync(&sim->disk, file->inode, &sim->rng);
    if (rc == SKN_OK) sim_disk_sync(&sim->disk, file->inode);
    return rc;
}

static enum skn_rc sim_size(struct skn_file *base, uint64_t *out_size, struct skn_diag *diag)
{
    struct sim_file *file = file_of(base);
    enum skn_rc rc = file_enter(file, false, false, "examine", diag);
    if (rc == SKN_OK) *out_size = file->inode->live.len;
    return rc;
}

static enum skn_rc sim_truncate(struct skn_file *base, uint64_t size, struct skn_diag *diag)
{
    struct sim_file *file = file_of(base);
    enum skn_rc rc = file_enter(file, true, true, "change the size of", diag);
    if (rc == SKN_OK) sim_disk_resize(&sim_of(file->base.env)->disk, file->inode, size);
    return rc;
}

static enum skn_rc sim_allocate(struct skn_file *base, uint64_t size, struct skn_diag *diag)
{
    struct sim_file *file = file_of(base);
    struct skn_env_sim *sim = sim_of(file->base.env);
    enum skn_rc rc = file_enter(file, true, true, "allocate room for", diag);
    if (rc != SKN_OK) return rc;
    if (!has_room(sim, file->inode, size))
        return failed(
            diag, SKN_EDISKFULL, "allocate room for", file->path, "No space left on device");
    uint64_t room = (size + SIM_BLOCK - 1) / SIM_BLOCK * SIM_BLOCK;
    if (size > file->inode->live.len) sim_disk_resize(&sim->disk, file->inode, size);
    if (room > file->inode->room) file->inode->room = room;
    return SKN_OK;
}

static enum skn_rc sim_lock(struct skn_file *base, enum skn_lock kind, struct skn_diag *diag)
{
    struct sim_file *file = file_of(base);
    enum skn_rc rc = file_enter(file, false, false, "lock", diag);
    if (rc != SKN_OK) return rc;
    enum lock_state wanted = kind == SKN_LOCK_EXCLUSIVE ? EXCLUSIVE : SHARED;
    SKN_LIST_FOREACH (link, &sim_of(file->base.env)->handles) {
        const struct sim_file *other = SKN_CONTAINER_OF(link, struct sim_file, link);
        if (other == file || other->inode != file->inode || other->lock == UNLOCKED) continue;
        if (wanted == EXCLUSIVE || other->lock == EXCLUSIVE)
            return failed(diag, SKN_EBUSY, "lock", file->path, "another process holds it");
    }
    file->lock = wanted;
    return SKN_OK;
}

static void sim_unlock(struct skn_file *base)
{
    file_of(base)->lock = UNLOCKED;
}

static enum skn_rc
sim_rename(struct skn_env *env, const char *from, const char *to, struct skn_diag *diag)
{
    struct skn_env_sim *sim = sim_of(env);
    enum skn_rc rc = fault_rc(sim, enter(sim, true), true, "rename", from, diag);
    if (rc != SKN_OK) return rc;
    const struct sim_inode *source = sim_disk_find(&sim->disk, from);
    const struct sim_inode *target = sim_disk_find(&sim->disk, to);
    if (!source || !sim_disk_has_parent(&sim->disk, to))
        return failed(diag, SKN_ENOENT, "rename", from, "No such file or directory");
    if (source->is_dir || (target && target->is_dir))
        return failed(diag, SKN_EIO, "rename", from, "Is a directory");
    sim_disk_rename(&sim->disk, from, to);
    return SKN_OK;
}

static enum skn_rc sim_unlink(struct skn_env *env, const char *path, struct skn_diag *diag)
{
    struct skn_env_sim *sim = sim_of(env);
    enum skn_rc rc = fault_rc(sim, enter(sim, true), false, "remove", path, diag);
    if (rc != SKN_OK) return rc;
    const struct sim_inode *inode = sim_disk_find(&sim->disk, path);
    if (!inode) return failed(diag, SKN_ENOENT, "remove", path, "No such file or directory");
    if (inode->is_dir && sim_disk_has_child(&sim->disk, path))
        return failed(diag, SKN_EIO, "remove", path, "Directory not empty");
    sim_disk_unlink(&sim->disk, path);
    return SKN_OK;
}

static enum skn_rc sim_mkdir(struct skn_env *env, const char *path, struct skn_diag *diag)
{
    struct skn_env_sim *sim = sim_of(env);
    enum skn_rc rc = fault_rc(sim, enter(sim, true), true, "create directory", path, diag);
    if (rc != SKN_OK) return rc;
    if (sim_disk_find(&sim->disk, path) || sim_disk_is_dir(&sim->disk, path))
        return failed(diag, SKN_EEXIST, "create directory", path, "File exists");
    if (!sim_disk_has_parent(&sim->disk, path))
        return failed(diag, SKN_ENOENT, "create directory", path, "No such file or directory");
    sim_disk_link(&sim->disk, path, true);
    return SKN_OK;
}

static enum skn_rc sim_sync_dir(struct skn_env *env, const char *path, struct skn_diag *diag)
{
    struct skn_env_sim *sim = sim_of(env);
    enum skn_rc rc = fault_rc(sim, enter(sim, true), false, "sync", path, diag);
    if (rc != SKN_OK) return rc;
    if (!sim_disk_is_dir(&sim->disk, path))
        return failed(diag, SKN_ENOENT, "open directory", path, "No such file or directory");
    sim_disk_sync_dir(&sim->disk, path);
    sim->syncs++;
    return SKN_OK;
}

static enum skn_rc
sim_list(struct skn_env *env, const char *path, skn_list_fn fn, void *ctx, struct skn_diag *diag)
{
    struct skn_env_sim *sim = sim_of(env);
    enum skn_rc rc = fault_rc(sim, enter(sim, false), false, "list directory", path, diag);
    if (rc != SKN_OK) return rc;
    if (!sim_disk_is_dir(&sim->disk, path))
        return failed(diag, SKN_ENOENT, "list directory", path, "No such file or directory");
    /* Backwards, so that the callback may remove the name that it is given. */
    for (size_t i = sim->disk.live.len; i-- > 0 && rc == SKN_OK;) {
        const char *name = sim->disk.live.at[i].path;
        if (!sim_is_child(path, name)) continue;
        const char *slash = strrchr(name, '/');
        rc = fn(ctx, slash ? slash + 1 : name);
    }
    return rc;
}

static enum skn_rc sim_space(struct skn_env *env,
                             const char *path,
                             struct skn_disk_space *out_space,
                             struct skn_diag *diag)
{
    struct skn_env_sim *sim = sim_of(env);
    enum skn_rc rc = fault_rc(sim, enter(sim, false), false, "examine the disk of", path, diag);
    if (rc != SKN_OK) return rc;
    if (!sim_disk_is_dir(&sim->disk, path) && !sim_disk_find(&sim->disk, path))
        return failed(diag, SKN_ENOENT, "examine the disk of", path, "No such file or directory");
    uint64_t used = sim_disk_used(&sim->disk);
    uint64_t left = used < sim->disk_bytes ? sim->disk_bytes - used : 0;
    *out_space = (struct skn_disk_space){.free_bytes = left, .total_bytes = sim->disk_bytes};
    return SKN_OK;
}

static const struct skn_env_ops sim_ops = {
    .now_wall_ns = sim_now_wall_ns,
    .now_mono_ns = sim_now_mono_ns,
    .sleep_ns = sim_sleep_ns,
    .random = sim_random,
    .open = sim_open,
    .close = sim_close,
    .pread = sim_pread,
    .pwrite = sim_pwrite,
    .sync = sim_sync,
    .datasync = sim_sync,
    .size = sim_size,
    .truncate = sim_truncate,
    .allocate = sim_allocate,
    .lock = sim_lock,
    .unlock = sim_unlock,
    .rename = sim_rename,
    .unlink = sim_unlink,
    .mkdir = sim_mkdir,
    .sync_dir = sim_sync_dir,
    .list = sim_list,
    .space = sim_space,
};

struct skn_env_sim *skn_env_sim_create(uint64_t seed, uint64_t disk_bytes)
{
    struct skn_env_sim *sim = skn_alloc_zero(1, sizeof *sim);
    sim->base.ops = &sim_ops;
    sim_disk_init(&sim->disk);
    skn_rng_init(&sim->rng, seed);
    skn_list_init(&sim->handles);
    sim->disk_bytes = disk_bytes ? disk_bytes : UINT64_C(1) << 60;
    sim->wall_ns = SIM_WALL_START_NS;
    return sim;
}

void skn_env_sim_destroy(struct skn_env_sim *sim)
{
    if (!sim) return;
    SKN_ASSERT(skn_list_is_empty(&sim->handles));
    sim_disk_fini(&sim->disk);
    skn_free(sim);
}

struct skn_env_sim *skn_env_sim_copy(const struct skn_env_sim *sim, uint64_t seed)
{
    struct skn_env_sim *copy = skn_env_sim_create(seed, sim->disk_bytes);
    sim_disk_fini(&copy->disk);
    sim_disk_copy(&sim->disk, &copy->disk);
    copy->mono_ns = sim->mono_ns;
    copy->wall_ns = sim->wall_ns;
    copy->sync_ns = sim->sync_ns;
    return copy;
}

struct skn_env *skn_env_sim_env(struct skn_env_sim *sim)
{
    return &sim->base;
}

void skn_env_sim_kill(struct skn_env_sim *sim)
{
    SKN_LIST_FOREACH (link, &sim->handles) {
        struct sim_file *file = SKN_CONTAINER_OF(link, struct sim_file, link);
        sim_inode_unref(file->inode);
        file->inode = NULL;
        file->lock = UNLOCKED;
    }
    if (sim->is_stopped) sim->fault = SKN_FAULT_NONE;
    sim->is_stopped = false;
}

void skn_env_sim_power_cut(struct skn_env_sim *sim, enum skn_cut cut)
{
    skn_env_sim_kill(sim);
    sim_disk_cut(&sim->disk, cut, &sim->rng);
}

void skn_env_sim_fault(
    struct skn_env_sim *sim, enum skn_fault fault, bool changes_only, uint64_t nth, uint64_t times)
{
    SKN_ASSERT(nth > 0);
    sim->fault = fault;
    sim->fault_changes_only = changes_only;
    sim->fault_nth = nth;
    sim->fault_times = times;
    sim->has_faulted = false;
}

bool skn_env_sim_has_faulted(const struct skn_env_sim *sim)
{
    return sim->has_faulted;
}

bool skn_env_sim_is_stopped(const struct skn_env_sim *sim)
{
    return sim->is_stopped;
}

uint64_t skn_env_sim_calls(const struct skn_env_sim *sim)
{
    return sim->calls;
}

uint64_t skn_env_sim_changes(const struct skn_env_sim *sim)
{
    return sim->changes;
}

uint64_t skn_env_sim_syncs(const struct skn_env_sim *sim)
{
    return sim->syncs;
}

size_t skn_env_sim_unsynced(const struct skn_env_sim *sim)
{
    size_t n = 0;
    SKN_LIST_FOREACH (link, &sim->disk.changes)
        n++;
    return n;
}

void skn_env_sim_advance(struct skn_env_sim *sim, uint64_t duration_ns)
{
    sim->mono_ns += duration_ns;
    sim->wall_ns += duration_ns;
}

void skn_env_sim_jump_wall(struct skn_env_sim *sim, int64_t jump_ns)
{
    sim->wall_ns += (uint64_t)jump_ns; /* two's complement: backwards too */
}

void skn_env_sim_set_sync(struct skn_env_sim *sim, uint64_t sync_ns)
{
    sim->sync_ns = sync_ns;
}

void skn_env_sim_set_disk(struct skn_env_sim *sim, uint64_t disk_bytes)
{
    sim->disk_bytes = disk_bytes;
}

static void flip(struct sim_bytes *bytes, uint64_t offset, unsigned bit)
{
    uint8_t byte;
    if (offset >= bytes->len) return;
    sim_bytes_read(bytes, offset, &byte, 1);
    byte = (uint8_t)(byte ^ 1U << (bit % 8));
    sim_bytes_write(bytes, offset, &byte, 1);
}

bool skn_env_sim_flip(struct skn_env_sim *sim, const char *path, uint64_t offset, unsigned bit)
{
    struct sim_inode *inode = sim_disk_find(&sim->disk, path);
    if (!inode || offset >= inode->live.len) return false;
    flip(&inode->live, offset, bit);
    flip(&inode->disk, offset, bit);
    return true;
}
