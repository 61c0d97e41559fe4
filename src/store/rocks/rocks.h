/* rocks.h - the backend on disk: rows in a RocksDB without its log.
 *
 * Owns        a folder: RocksDB's files and its own `skein.mark`. Nothing else may lie in there.
 * May include base, env, store/backend.
 * Threads     read, position and backup: any, beside write and commit, which are one thread's.
 * Invariants
 *   1. What a commit acknowledged is never silently missing later: the mark holds the number of the
 *      last one, durably, and a RocksDB that knows fewer is refused. Its own recovery takes a
 *      MANIFEST that lost its end for a whole one.
 *   2. Nothing in the folder changes before the first write or commit: until then RocksDB is opened
 *      for reading. An opening that writes nothing syncs nothing.
 *   3. After a failed write or commit every later one fails alike; nothing is tried again [E7].
 *   4. When the rows are exactly those of the last commit, the file says so, and their hashes must
 *      add up to the state of each shard's position: skn_rocks_verify.
 *
 * The library is loaded when rows are first touched, since a program linked with it starts 4 ms
 * later. A new store has no RocksDB at all until its first write. The folder is made with mode 0700.
 */
#pragma once

#include "base/base.h"
#include "base/diag.h"
#include "base/rc.h"
#include "store/backend/backend.h"

struct skn_env;

enum {
    SKN_ROCKS_ID_BYTES = 16,
    SKN_ROCKS_SHARDS_MAX = 65535, /* shard numbers are below this */
};

struct skn_rocks_options {
    struct skn_env *env; /* the real one: RocksDB knows no other */
    const char *dir;
    /* Compared with the one in the folder, unless all zeros. At creation it is needed. */
    uint8_t store_id[SKN_ROCKS_ID_BYTES];
    /* Made when the folder is not there or empty. Only for a store that redo can fill from its
     * beginning: whoever sets it for a store that had rows calls their loss a fresh start. */
    bool may_create;
    bool is_read_only; /* shares the folder with other readers; write, commit, backup: SKN_EPERM */
    /* 0: the default in brackets. */
    uint64_t cache_bytes;    /* blocks read from disk [32 MiB] */
    uint64_t memtable_bytes; /* rows written and not flushed yet; up to twice that [16 MiB] */
    uint32_t open_files_max; /* [256] */
};

/* Gives the backend. SKN_ENOENT: there is none; SKN_ECORRUPT: something in the folder is missing or
 * malformed; SKN_EFOREIGN: of another store; SKN_ENEWER; SKN_EBUSY: another process has it open;
 * SKN_EIO, SKN_EPERM; SKN_ECONFIG: the library is not installed. Everything but SKN_OK names the
 * file. */
SKN_MUST_USE enum skn_rc skn_rocks_open(const struct skn_rocks_options *options,
                                        struct skn_backend **out_backend,
                                        struct skn_diag *diag);

struct skn_rocks_summary {
    uint64_t commits; /* since it was made */
    uint64_t shards;
    uint64_t rows;
    uint64_t bytes; /* of keys and stored values */
    /* False: a checkpoint was cut off behind the last commit. All was readable, but whether rows are
     * missing can be told only after redo. */
    bool is_exact;
};

/* Reads every row with its checksums and compares each shard's with the state of its position
 * [E44]. Needs the folder unused by writers. SKN_ECORRUPT names the file or the shard; and all of
 * skn_rocks_open's. */
SKN_MUST_USE enum skn_rc skn_rocks_verify(const struct skn_rocks_options *options,
                                          struct skn_rocks_summary *out,
                                          struct skn_diag *diag);

/* Gives a store another id: for a copy that lives on beside its original [E43]. Durable. One that
 * failed half-way is refused from then on, as of another store than its mark. */
SKN_MUST_USE enum skn_rc skn_rocks_rename(const struct skn_rocks_options *options,
                                          const uint8_t store_id[SKN_ROCKS_ID_BYTES],
                                          struct skn_diag *diag);
