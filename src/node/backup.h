/* backup.h - a copy of a project's data while it is in use, and a new data directory from one.
 *
 * Owns        a backup: a folder with `manifest`, `journal` and, where the data has them, `store` and
 *             `blobs`.
 * May include base, env, journal, store, core, shard.
 * Threads     one; making a backup touches nothing that a holder owns.
 * Invariants
 *   1. A backup without a manifest was cut off and is none; the manifest is written last, and names
 *      every file with its SHA-256.
 *   2. A backup holds the rows of one snapshot and the journal up to a group made durable after it
 *      [E11]: everything acknowledged before it began is in it.
 *   3. What was restored is another store with later epochs, and *held*: nobody opens it for writing
 *      before skn_restore_release [E43].
 *
 * The manifest is text, each line ended by one line feed:
 *   skein-backup 1
 *   store <32 hex digits>                      id of the store that it was made from
 *   made <milliseconds since 1970>
 *   shard <number> <index> <state: 32 hex digits, high half first>    for each shard
 *   file <64 hex digits> <bytes> <name>                                for each file
 *   end <64 hex digits: SHA-256 of all before this line>
 */
#pragma once

#include "base/base.h"
#include "base/diag.h"
#include "base/rc.h"

struct skn_env;
struct skn_program;

/* Makes a copy of the rows in `dir`, which is not there yet, as skn_backend_backup does; run by the
 * process that holds the data. From before it until `end` the journal should not be trimmed: else the
 * copies may not fit, and are made again. */
typedef enum skn_rc (*skn_snapshot_fn)(void *ctx, const char *dir, struct skn_diag *diag);

struct skn_backup_options {
    struct skn_env *env;      /* the real one */
    const char *data_dir;     /* what is copied */
    const char *dir;          /* the backup: made, must not be there */
    skn_snapshot_fn snapshot; /* NULL: nobody writes and the caller sees to it, files are copied */
    void (*end)(void *ctx);   /* what snapshot kept in the journal may go; NULL is fine */
    void *ctx;
};

struct skn_backup_info {
    uint64_t made_ms; /* since 1970 */
    uint64_t records; /* in all shards */
    uint64_t shards;
    uint64_t files;
    uint64_t bytes;
};

/* Makes a backup and checks it: every group, every row, every state hash. Durable when it returns
 * SKN_OK; after a failure nothing of it is left. SKN_ENOENT: there is no data; SKN_EEXIST: `dir` is
 * there; SKN_EBUSY: checkpoints came too fast, try again; SKN_ECORRUPT: the data is damaged. */
SKN_MUST_USE enum skn_rc skn_backup_make(const struct skn_backup_options *options,
                                         struct skn_backup_info *out_info,
                                         struct skn_diag *diag);

struct skn_restore_options {
    struct skn_env *env;
    const char *dir;      /* the backup; not changed */
    const char *data_dir; /* made, or without data */
    bool is_copy;         /* the original lives on: a new store secret too [E43] */
    const struct skn_program *const *programs; /* ends with NULL; NULL: those of a node */
};

/* Makes a data directory from a backup that it checks first: the same rows under a new store id and
 * an epoch at least 2^32 higher, whose upper half is the wall clock in seconds; held. SKN_EEXIST:
 * the directory has data; SKN_EBUSY: somebody holds it; SKN_ECORRUPT names what does not fit the manifest; SKN_ENEWER. One that
 * was cut off is refused by everybody, and begun anew by the next restore. */
SKN_MUST_USE enum skn_rc skn_restore(const struct skn_restore_options *options,
                                     struct skn_backup_info *out_info,
                                     struct skn_diag *diag);

/* For who is about to open a data directory for writing. SKN_OK: it is not held. SKN_EBUSY: it is,
 * and how to go on; SKN_ECORRUPT: a restore of it was cut off. */
SKN_MUST_USE enum skn_rc skn_restore_may_write(const char *data_dir, struct skn_diag *diag);

/* For who opens it for reading: a held one may be looked at, one that was cut off may not. */
SKN_MUST_USE enum skn_rc skn_restore_may_read(const char *data_dir, struct skn_diag *diag);

/* Lets it be opened for writing, durably; SKN_OK too when it was not held. SKN_EBUSY: somebody has it
 * open. */
SKN_MUST_USE enum skn_rc skn_restore_release(const char *data_dir, struct skn_diag *diag);
