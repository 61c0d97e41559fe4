/* manifest_internal.h - what a backup consists of, as text; and the files that it is about.
 *
 * Owns        the lists of a manifest.
 * May include base, env, store.
 * Threads     none.
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/slice.h"
#include "store/backend/backend.h"

struct skn_backup_info;
struct skn_env;

enum {
    SKN_MANIFEST_NAME_MAX = 255,        /* of a file, with its folder */
    SKN_MANIFEST_BYTES_MAX = 256 << 20, /* 1,900,000 files: each blob is one */
    SKN_SHA256_BYTES = 32,
};

struct skn_manifest_shard {
    uint64_t index;
    struct skn_hash128 state;
};

struct skn_manifest_file {
    char name[SKN_MANIFEST_NAME_MAX + 1]; /* "journal/...", "store/...", "blobs/..." */
    uint64_t bytes;
    uint8_t sum[SKN_SHA256_BYTES];
};

struct skn_manifest {
    uint8_t store_id[16];
    uint64_t made_ms;
    struct skn_manifest_shard *shards; /* by number */
    size_t shard_count;
    struct skn_manifest_file *files; /* in the order of their names */
    size_t file_count;
};

void skn_manifest_fini(struct skn_manifest *manifest);
void skn_manifest_info(const struct skn_manifest *manifest, struct skn_backup_info *out);
void skn_manifest_add_shard(struct skn_manifest *manifest, const struct skn_manifest_shard *shard);

/* Sums of all files in these folders of `dir`, read from the disk; a folder may be missing. */
SKN_MUST_USE enum skn_rc skn_manifest_add_folder(struct skn_manifest *manifest,
                                                 struct skn_env *env,
                                                 const char *dir,
                                                 const char *folder,
                                                 struct skn_diag *diag);

void skn_manifest_put(const struct skn_manifest *manifest, struct skn_buf *out);
/* SKN_ECORRUPT names the line; SKN_ENEWER. */
SKN_MUST_USE enum skn_rc
skn_manifest_parse(struct skn_slice text, struct skn_manifest *out, struct skn_diag *diag);

/* `dir/manifest`, durably. */
SKN_MUST_USE enum skn_rc skn_manifest_write(const struct skn_manifest *manifest,
                                            struct skn_env *env,
                                            const char *dir,
                                            struct skn_diag *diag);
/* Reads it, and compares every file in `dir`. */
SKN_MUST_USE enum skn_rc skn_manifest_read(struct skn_env *env,
                                           const char *dir,
                                           struct skn_manifest *out,
                                           struct skn_diag *diag);

#define SKN_BLOBS_DIR "blobs" /* in a data directory and a backup [E45] */

/* --- files ---------------------------------------------------------------------------------------- */

/* "a/b", given. */
char *skn_path_join(const char *a, const char *b) SKN_MUST_USE;
/* SKN_ENOENT, SKN_OK. */
SKN_MUST_USE enum skn_rc
skn_path_look(struct skn_env *env, const char *path, struct skn_diag *diag);
/* All files of a flat folder into a new one, durably. SKN_ENOENT; SKN_EEXIST. */
SKN_MUST_USE enum skn_rc
skn_folder_copy(struct skn_env *env, const char *from, const char *to, struct skn_diag *diag);
/* Removes a flat folder; one that is not there is fine. */
SKN_MUST_USE enum skn_rc
skn_folder_remove(struct skn_env *env, const char *path, struct skn_diag *diag);
/* A whole small file. SKN_ENOENT; SKN_ETOOLARGE. */
SKN_MUST_USE enum skn_rc
skn_file_get(struct skn_env *env, const char *path, struct skn_buf *out, struct skn_diag *diag);
/* Makes or replaces a small file at once and durably. */
SKN_MUST_USE enum skn_rc skn_file_put(struct skn_env *env,
                                      const char *dir,
                                      const char *name,
                                      struct skn_slice bytes,
                                      struct skn_diag *diag);
