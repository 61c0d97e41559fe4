/* sim_disk_internal.h - the simulated disk: what is read, what is durable, and what lies between.
 *
 * Owns        inodes, both sets of names and the list of changes that no sync covers yet.
 * May include base.
 * Threads     none.
 * Invariants
 *   1. Applying all changes in order to the durable side gives the live side, except after a failed
 *      sync.
 *   2. An inode lives as long as a name, a change or a handle refers to it.
 */
#pragma once

#include "base/base.h"
#include "base/list.h"
#include "base/rng.h"
#include "env/env_sim.h"
#include "env/sim_pages_internal.h"

enum { SIM_SECTOR = 512 };

struct sim_inode {
    uint64_t refs;
    bool is_dir;
    uint64_t room;          /* bytes of the disk that it takes, a multiple of SIM_BLOCK */
    struct sim_bytes live;  /* with the page cache */
    struct sim_bytes disk;  /* without */
    struct sim_inode *twin; /* only while a disk is copied */
};

struct sim_name {
    char *path; /* owns */
    struct sim_inode *inode;
};

struct sim_names {
    struct sim_name *at;
    size_t len;
    size_t cap;
};

enum sim_kind { SIM_WRITE, SIM_SIZE, SIM_LINK, SIM_UNLINK, SIM_RENAME };

struct sim_change {
    struct skn_list link;
    enum sim_kind kind;
    struct sim_inode *inode;
    uint64_t offset; /* write: where; size: the new one */
    uint64_t len;
    struct sim_bytes data; /* write: as the file was then, where it was written */
    char *path;            /* owns; the name */
    char *to;              /* owns; rename: the new name */
};

struct sim_disk {
    struct sim_names live;
    struct sim_names disk;
    struct skn_list changes; /* struct sim_change, oldest first */
};

void sim_disk_init(struct sim_disk *disk);
void sim_disk_fini(struct sim_disk *disk);
void sim_disk_copy(const struct sim_disk *from, struct sim_disk *to);

struct sim_inode *sim_inode_ref(struct sim_inode *inode);
void sim_inode_unref(struct sim_inode *inode);

/* The live file or directory of that name, or NULL. */
struct sim_inode *sim_disk_find(const struct sim_disk *disk, const char *path);

/* Whether the directory that `path` would be in is there. */
bool sim_disk_has_parent(const struct sim_disk *disk, const char *path);
bool sim_disk_is_dir(const struct sim_disk *disk, const char *path);
/* Whether a live name is directly in `dir`. */
bool sim_disk_has_child(const struct sim_disk *disk, const char *dir);

/* Whether `path` is a name directly in `dir`. */
bool sim_is_child(const char *dir, const char *path);

/* Bytes that all live files take. */
uint64_t sim_disk_used(const struct sim_disk *disk);

/* Changes of the live side; the caller checked that they are possible. */
struct sim_inode *sim_disk_link(struct sim_disk *disk, const char *path, bool is_dir);
void sim_disk_unlink(struct sim_disk *disk, const char *path);
void sim_disk_rename(struct sim_disk *disk, const char *from, const char *to);
void sim_disk_write(
    struct sim_disk *disk, struct sim_inode *inode, uint64_t offset, const void *ptr, uint64_t len);
void sim_disk_resize(struct sim_disk *disk, struct sim_inode *inode, uint64_t size);

/* Makes durable: a file's contents, a directory's names (and, when a file was moved between it and
 * another directory, every older change of a name). */
void sim_disk_sync(struct sim_disk *disk, struct sim_inode *inode);
void sim_disk_sync_dir(struct sim_disk *disk, const char *dir);

/* A sync that failed: some sectors come to the disk, the others are forgotten. */
void sim_disk_fail_sync(struct sim_disk *disk, struct sim_inode *inode, struct skn_rng *rng);

/* What is durable becomes all there is, with as much of the rest as `cut` keeps. */
void sim_disk_cut(struct sim_disk *disk, enum skn_cut cut, struct skn_rng *rng);
