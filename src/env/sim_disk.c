/* sim_disk.c - the simulated disk: live and durable side, and the changes between them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "env/sim_disk_internal.h"

#include "base/mem.h"

#include <string.h>

struct sim_inode *sim_inode_ref(struct sim_inode *inode)
{
    inode->refs++;
    return inode;
}

void sim_inode_unref(struct sim_inode *inode)
{
    if (!inode) return;
    SKN_ASSERT(inode->refs > 0);
    if (--inode->refs > 0) return;
    sim_bytes_fini(&inode->live);
    sim_bytes_fini(&inode->disk);
    skn_free(inode);
}

static struct sim_name *names_find(const struct sim_names *names, const char *path)
{
    for (size_t i = 0; i < names->len; i++)
        if (strcmp(names->at[i].path, path) == 0) return &names->at[i];
    return NULL;
}

static void names_remove(struct sim_names *names, const char *path)
{
    struct sim_name *name = names_find(names, path);
    if (!name) return;
    skn_free(name->path);
    sim_inode_unref(name->inode);
    *name = names->at[--names->len];
}

/* Takes the place of what had that name. */
static void names_put(struct sim_names *names, const char *path, struct sim_inode *inode)
{
    sim_inode_ref(inode);
    names_remove(names, path);
    if (names->len == names->cap) {
        names->cap = names->cap ? names->cap * 2 : 8;
        names->at = skn_realloc(names->at, names->cap * sizeof *names->at);
    }
    names->at[names->len++] = (struct sim_name){skn_dup(path, strlen(path)), inode};
}

static void names_clear(struct sim_names *names)
{
    while (names->len > 0)
        names_remove(names, names->at[names->len - 1].path);
}

static void change_free(struct sim_change *change)
{
    skn_list_remove(&change->link);
    sim_inode_unref(change->inode);
    sim_bytes_fini(&change->data);
    skn_free(change->path);
    skn_free(change->to);
    skn_free(change);
}

static struct sim_change *
change_add(struct sim_disk *disk, enum sim_kind kind, struct sim_inode *inode)
{
    struct sim_change *change = skn_alloc_zero(1, sizeof *change);
    skn_list_init(&change->link);
    change->kind = kind;
    change->inode = sim_inode_ref(inode);
    skn_list_push_back(&disk->changes, &change->link);
    return change;
}

static struct sim_change *change_of(struct skn_list *link)
{
    return SKN_CONTAINER_OF(link, struct sim_change, link);
}

static bool is_name_change(const struct sim_change *change)
{
    return change->kind != SIM_WRITE && change->kind != SIM_SIZE;
}

void sim_disk_init(struct sim_disk *disk)
{
    *disk = (struct sim_disk){0};
    skn_list_init(&disk->changes);
}

void sim_disk_fini(struct sim_disk *disk)
{
    SKN_LIST_FOREACH_SAFE (link, after, &disk->changes)
        change_free(change_of(link));
    names_clear(&disk->live);
    names_clear(&disk->disk);
    skn_free(disk->live.at);
    skn_free(disk->disk.at);
}

/* The copy of an inode, made at its first mention; `refs` is filled by who mentions it. */
static struct sim_inode *twin_of(struct sim_inode *inode)
{
    if (inode->twin) return inode->twin;
    struct sim_inode *twin = skn_alloc_zero(1, sizeof *twin);
    twin->is_dir = inode->is_dir;
    twin->room = inode->room;
    sim_bytes_share(&twin->live, &inode->live);
    sim_bytes_share(&twin->disk, &inode->disk);
    inode->twin = twin;
    return twin;
}

static void names_copy(const struct sim_names *from, struct sim_names *to)
{
    for (size_t i = 0; i < from->len; i++)
        names_put(to, from->at[i].path, twin_of(from->at[i].inode));
}

static void names_forget_twins(const struct sim_names *names)
{
    for (size_t i = 0; i < names->len; i++)
        names->at[i].inode->twin = NULL;
}

void sim_disk_copy(const struct sim_disk *from, struct sim_disk *to)
{
    sim_disk_init(to);
    names_copy(&from->live, &to->live);
    names_copy(&from->disk, &to->disk);
    SKN_LIST_FOREACH (link, &from->changes) {
        const struct sim_change *change = change_of(link);
        struct sim_change *copy = change_add(to, change->kind, twin_of(change->inode));
        copy->offset = change->offset;
        copy->len = change->len;
        sim_bytes_share(&copy->data, &change->data);
        if (change->path) copy->path = skn_dup(change->path, strlen(change->path));
        if (change->to) copy->to = skn_dup(change->to, strlen(change->to));
    }
    names_forget_twins(&from->live);
    names_forget_twins(&from->disk);
    SKN_LIST_FOREACH (link, &from->changes)
        change_of(link)->inode->twin = NULL;
}

struct sim_inode *sim_disk_find(const struct sim_disk *disk, const char *path)
{
    struct sim_name *name = names_find(&disk->live, path);
    return name ? name->inode : NULL;
}

/* Length of the directory part of a path; 0 is the root or the current directory. */
static size_t parent_len(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) : 0;
}

bool sim_is_child(const char *dir, const char *path)
{
    size_t len = strlen(dir);
    if (strcmp(dir, "/") == 0 || strcmp(dir, ".") == 0) len = 0;
    return parent_len(path) == len && strncmp(path, dir, len) == 0;
}

static bool names_has_dir(const struct sim_names *names, const char *path, size_t len)
{
    if (len == 0 || (len == 1 && path[0] == '.')) return true;
    for (size_t i = 0; i < names->len; i++) {
        const struct sim_name *name = &names->at[i];
        if (name->inode->is_dir && strlen(name->path) == len && strncmp(name->path, path, len) == 0)
            return true;
    }
    return false;
}

bool sim_disk_has_parent(const struct sim_disk *disk, const char *path)
{
    return names_has_dir(&disk->live, path, parent_len(path));
}

bool sim_disk_is_dir(const struct sim_disk *disk, const char *path)
{
    return strcmp(path, "/") == 0 || names_has_dir(&disk->live, path, strlen(path));
}

uint64_t sim_disk_used(const struct sim_disk *disk)
{
    uint64_t used = 0;
    for (size_t i = 0; i < disk->live.len; i++)
        used += disk->live.at[i].inode->room;
    return used;
}

static uint64_t room_for(uint64_t len)
{
    return (len + SIM_BLOCK - 1) / SIM_BLOCK * SIM_BLOCK;
}

bool sim_disk_has_child(const struct sim_disk *disk, const char *dir)
{
    for (size_t i = 0; i < disk->live.len; i++)
        if (sim_is_child(dir, disk->live.at[i].path)) return true;
    return false;
}

struct sim_inode *sim_disk_link(struct sim_disk *disk, const char *path, bool is_dir)
{
    struct sim_inode *inode = skn_alloc_zero(1, sizeof *inode);
    inode->is_dir = is_dir;
    names_put(&disk->live, path, inode);
    change_add(disk, SIM_LINK, inode)->path = skn_dup(path, strlen(path));
    return inode;
}

void sim_disk_unlink(struct sim_disk *disk, const char *path)
{
    struct sim_inode *inode = sim_disk_find(disk, path);
    SKN_ASSERT(inode);
    change_add(disk, SIM_UNLINK, inode)->path = skn_dup(path, strlen(path));
    names_remove(&disk->live, path);
}

void sim_disk_rename(struct sim_disk *disk, const char *from, const char *to)
{
    struct sim_inode *inode = sim_disk_find(disk, from);
    SKN_ASSERT(inode);
    if (strcmp(from, to) == 0) return;
    struct sim_change *change = change_add(disk, SIM_RENAME, inode);
    change->path = skn_dup(from, strlen(from));
    change->to = skn_dup(to, strlen(to));
    names_put(&disk->live, to, inode);
    names_remove(&disk->live, from);
}

void sim_disk_write(
    struct sim_disk *disk, struct sim_inode *inode, uint64_t offset, const void *ptr, uint64_t len)
{
    if (len == 0) return;
    sim_bytes_write(&inode->live, offset, ptr, len);
    if (room_for(offset + len) > inode->room) inode->room = room_for(offset + len);
    struct sim_change *change = change_add(disk, SIM_WRITE, inode);
    change->offset = offset;
    change->len = len;
    sim_bytes_share_range(&change->data, &inode->live, offset, len);
}

void sim_disk_resize(struct sim_disk *disk, struct sim_inode *inode, uint64_t size)
{
    sim_bytes_resize(&inode->live, size);
    if (room_for(size) < inode->room) inode->room = room_for(size);
    change_add(disk, SIM_SIZE, inode)->offset = size;
}

/* The part of a write that lies in the sector of the file which holds `offset`. */
static uint64_t sector_end(uint64_t offset, uint64_t end)
{
    uint64_t next = (offset / SIM_SECTOR + 1) * SIM_SECTOR;
    return next < end ? next : end;
}

static void apply_some_sectors(struct sim_change *change, struct skn_rng *rng)
{
    uint64_t end = change->offset + change->len;
    for (uint64_t at = change->offset; at < end; at = sector_end(at, end))
        if (skn_rng_chance(rng, 1, 2))
            sim_bytes_copy_range(&change->inode->disk, &change->data, at, sector_end(at, end) - at);
}

/* All sectors before or behind some sector boundary, or a choice of them. */
static void apply_torn(struct sim_change *change, struct skn_rng *rng)
{
    uint64_t end = change->offset + change->len;
    uint64_t first = change->offset / SIM_SECTOR;
    uint64_t sectors = (end - 1) / SIM_SECTOR - first + 1;
    uint64_t cut = (first + skn_rng_below(rng, sectors)) * SIM_SECTOR;
    if (cut < change->offset) cut = change->offset;
    struct sim_bytes *disk = &change->inode->disk;
    switch (skn_rng_below(rng, 3)) {
    case 0: sim_bytes_copy_range(disk, &change->data, change->offset, cut - change->offset); break;
    case 1: {
        uint64_t from = cut == change->offset ? sector_end(cut, end) : cut;
        sim_bytes_copy_range(disk, &change->data, from, end - from);
        break;
    }
    default: apply_some_sectors(change, rng); break;
    }
}

static void apply(struct sim_disk *disk, struct sim_change *change)
{
    switch (change->kind) {
    case SIM_WRITE:
        sim_bytes_copy_range(&change->inode->disk, &change->data, change->offset, change->len);
        break;
    case SIM_SIZE: sim_bytes_resize(&change->inode->disk, change->offset); break;
    case SIM_LINK: names_put(&disk->disk, change->path, change->inode); break;
    case SIM_UNLINK: names_remove(&disk->disk, change->path); break;
    case SIM_RENAME:
        names_put(&disk->disk, change->to, change->inode);
        names_remove(&disk->disk, change->path);
        break;
    }
}

void sim_disk_sync(struct sim_disk *disk, struct sim_inode *inode)
{
    SKN_LIST_FOREACH_SAFE (link, after, &disk->changes) {
        struct sim_change *change = change_of(link);
        if (change->inode != inode || is_name_change(change)) continue;
        apply(disk, change);
        change_free(change);
    }
}

static bool is_in(const char *dir, const struct sim_change *change)
{
    return sim_is_child(dir, change->path) || (change->to && sim_is_child(dir, change->to));
}

/* The last move between `dir` and another directory, or NULL. */
static const struct sim_change *last_move(const struct sim_disk *disk, const char *dir)
{
    const struct sim_change *last = NULL;
    SKN_LIST_FOREACH (link, &disk->changes) {
        const struct sim_change *change = change_of(link);
        if (change->kind != SIM_RENAME || !is_in(dir, change)) continue;
        if (!sim_is_child(dir, change->path) || !sim_is_child(dir, change->to)) last = change;
    }
    return last;
}

/* A move belongs to both its directories, so what came before it in either must become durable
 * with it: out of order, a moved file would come back, or a newer one under its name be lost. So
 * all older name changes go along, as in a file system that journals them in order. Behind the
 * last move those of `dir` and those of other directories touch different names. */
void sim_disk_sync_dir(struct sim_disk *disk, const char *dir)
{
    const struct sim_change *move = last_move(disk, dir);
    SKN_LIST_FOREACH_SAFE (link, after, &disk->changes) {
        struct sim_change *change = change_of(link);
        if (!is_name_change(change)) continue;
        if (!move && !is_in(dir, change)) continue;
        if (change == move) move = NULL;
        apply(disk, change);
        change_free(change);
    }
}

void sim_disk_fail_sync(struct sim_disk *disk, struct sim_inode *inode, struct skn_rng *rng)
{
    SKN_LIST_FOREACH_SAFE (link, after, &disk->changes) {
        struct sim_change *change = change_of(link);
        if (change->inode != inode || is_name_change(change)) continue;
        if (change->kind == SIM_WRITE) apply_some_sectors(change, rng);
        change_free(change);
    }
}

/* How many changes there are, and how many of them names; which write is torn. */
struct cut_plan {
    enum skn_cut cut;
    uint64_t keep;       /* prefix: so many changes */
    uint64_t keep_names; /* sectors: so many of the names */
    const struct sim_change *torn;
};

static struct cut_plan plan_cut(struct sim_disk *disk, enum skn_cut cut, struct skn_rng *rng)
{
    uint64_t all = 0;
    uint64_t names = 0;
    uint64_t writes = 0;
    const struct sim_change *torn = NULL;
    SKN_LIST_FOREACH (link, &disk->changes) {
        const struct sim_change *change = change_of(link);
        all++;
        if (is_name_change(change)) names++;
        if (change->kind != SIM_WRITE) continue;
        if (writes++ == 0 || skn_rng_chance(rng, 1, 2)) torn = change; /* most often the last */
    }
    return (struct cut_plan){cut, skn_rng_below(rng, all + 1), skn_rng_below(rng, names + 1), torn};
}

static void
cut_change(struct sim_disk *disk, struct cut_plan *plan, struct sim_change *c, struct skn_rng *rng)
{
    struct sim_bytes *bytes = &c->inode->disk;
    bool is_name = is_name_change(c);
    switch (plan->cut) {
    case SKN_CUT_DROP: break;
    case SKN_CUT_PREFIX:
        if (plan->keep > 0) apply(disk, c);
        if (plan->keep > 0) plan->keep--;
        break;
    case SKN_CUT_SECTORS:
        if (c->kind == SIM_WRITE) apply_some_sectors(c, rng);
        if (c->kind == SIM_SIZE && skn_rng_chance(rng, 1, 2)) apply(disk, c);
        if (is_name && plan->keep_names > 0) {
            apply(disk, c);
            plan->keep_names--;
        }
        break;
    case SKN_CUT_TORN:
        if (c == plan->torn)
            apply_torn(c, rng);
        else
            apply(disk, c);
        break;
    case SKN_CUT_NAMES_LOST:
        if (!is_name) apply(disk, c);
        break;
    case SKN_CUT_NAMES_ONLY:
        if (c->kind != SIM_WRITE)
            apply(disk, c);
        else if (c->offset + c->len > bytes->len)
            sim_bytes_resize(bytes, c->offset + c->len);
        break;
    }
}

/* A name whose directory did not survive cannot be reached. */
static void drop_orphans(struct sim_names *names)
{
    bool found = true;
    while (found) {
        found = false;
        for (size_t i = 0; i < names->len && !found; i++) {
            const char *path = names->at[i].path;
            found = !names_has_dir(names, path, parent_len(path));
            if (found) names_remove(names, path);
        }
    }
}

void sim_disk_cut(struct sim_disk *disk, enum skn_cut cut, struct skn_rng *rng)
{
    struct cut_plan plan = plan_cut(disk, cut, rng);
    SKN_LIST_FOREACH_SAFE (link, after, &disk->changes) {
        cut_change(disk, &plan, change_of(link), rng);
        change_free(change_of(link));
    }
    drop_orphans(&disk->disk);
    names_clear(&disk->live);
    for (size_t i = 0; i < disk->disk.len; i++) {
        struct sim_inode *inode = disk->disk.at[i].inode;
        names_put(&disk->live, disk->disk.at[i].path, inode);
        sim_bytes_share(&inode->live, &inode->disk);
        inode->room = room_for(inode->live.len);
    }
}
