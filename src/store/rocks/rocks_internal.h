/* rocks_internal.h - the parts of the RocksDB backend to each other.
 *
 * Keys in RocksDB begin with a big-endian u16:
 *   shard 0 .. 65534   a row of this shard; its key follows, then the value is the stored form; from
 *                      level 2 on also a table of it that is packed (pack.h)
 *   65535              our own, one letter follows:
 *     'c'              u64     number of the newest commit
 *     'd'              empty   rows were written behind it: a checkpoint is on its way
 *     'i'              u32 format level, u8[16] store id
 *     'p', be16 shard  u64 index, u64 stamp, u64 and u64 state, low half first
 * Values are little-endian. 'd' is set by the first write after a commit and goes with the next
 * one's batch, which holds all that is ours. RocksDB makes memtables durable in the order in which
 * they were filled, so 'c' and 'p' are never there without the rows written before them [E11].
 */
#pragma once

#include "store/backend/pack.h"
#include "store/rocks/lib_internal.h"
#include "store/rocks/mark_internal.h"
#include "store/rocks/rocks.h"

#include <pthread.h>

enum {
    SKN_ROCKS_META = 65535,
    SKN_ROCKS_KEY_MAX = 2 + SKN_KEY_MAX, /* bytes of a key with its shard */
    SKN_ROCKS_POSITION_BYTES = 32,
    SKN_ROCKS_MEMORY_TIER = 1, /* RocksDB's kBlockCacheTier, which its C header leaves out */
};

/* An operation of a batch, and its place in it. */
struct skn_rocks_op {
    struct skn_row_op op;
    size_t at;
};

struct skn_rocks {
    struct skn_backend base;
    struct skn_rocks_options options; /* `dir` is owned, store_id that of the mark */
    char *dir;
    struct skn_mark mark;
    struct skn_rocks_lib lib;
    rocksdb_cache_t *cache;
    rocksdb_readoptions_t *read_disk;
    rocksdb_readoptions_t *read_memory; /* fails with "Incomplete" where it would touch the disk */
    rocksdb_writeoptions_t *no_log;
    rocksdb_flushoptions_t *flush_wait;

    /* Guards `db`: readers share it, the change from reading to writing has it alone. */
    pthread_rwlock_t gate;
    rocksdb_t *db; /* NULL: nothing was ever written */
    bool is_loaded;
    bool is_writable;

    /* Guards what is below, which commit changes beside readers. */
    pthread_mutex_t lock;
    struct skn_shard_position *positions; /* by shard */
    size_t position_count;
    uint64_t commits; /* number of the last one */

    /* The writer's alone. */
    bool is_dirty; /* 'd' is there */
    bool is_named; /* so is 'i' of this level, or in the same batch with what is new in it */
    struct skn_rocks_op *ops; /* of a batch, while they are put in order */
    struct skn_row_op *rows;  /* and then */
    size_t ops_cap;
    struct skn_pack_scratch pack;
    enum skn_rc failed_rc;
    struct skn_diag failed;
};

static inline struct skn_rocks *skn_rocks_of(struct skn_backend *base)
{
    return SKN_CONTAINER_OF(base, struct skn_rocks, base);
}

/* --- error.c --- */

/* Takes a text of RocksDB and says it as ours. `what` was being done, as in "read rows". */
enum skn_rc skn_rocks_failed(const struct skn_rocks *r,
                             const char *what,
                             char *taken_text,
                             struct skn_diag *diag);
/* The code that a text of RocksDB stands for. */
enum skn_rc skn_rocks_classify(const char *text);

/* --- db.c --- */

/* Opens what is in the folder for reading; nothing there and nothing missed is SKN_OK too. */
SKN_MUST_USE enum skn_rc skn_rocks_open_reading(struct skn_rocks *r, struct skn_diag *diag);
/* Once it returned SKN_OK `db` is there and stays until destroy. Any thread. */
SKN_MUST_USE enum skn_rc skn_rocks_need_writing(struct skn_rocks *r, struct skn_diag *diag);
void skn_rocks_close_db(struct skn_rocks *r);

/* --- prefix.c: filters know whether a table may have any row --- */

/* Of all files that are written from now on; reads of older ones go without. */
void skn_rocks_set_prefix(struct skn_rocks *r, rocksdb_options_t *options);
/* Bytes of a key in RocksDB up to and with the zero byte behind its table; 0: it is in none. */
size_t skn_rocks_prefix_len(const uint8_t *key, size_t len);

/* --- meta.c --- */

/* Takes identity, commits and positions over from an open `db` and compares with the mark. */
SKN_MUST_USE enum skn_rc skn_rocks_load_meta(struct skn_rocks *r, struct skn_diag *diag);
/* Appends all of a commit to a batch. */
void skn_rocks_put_meta(struct skn_rocks *r,
                        rocksdb_writebatch_t *batch,
                        uint64_t commits,
                        const struct skn_shard_position *positions,
                        size_t count);
void skn_rocks_put_identity(struct skn_rocks *r, rocksdb_writebatch_t *batch);
void skn_rocks_put_dirty(struct skn_rocks *r, rocksdb_writebatch_t *batch);
/* Takes positions over as those of the last commit. */
void skn_rocks_set_positions(struct skn_rocks *r,
                             const struct skn_shard_position *positions,
                             size_t count);

/* --- read.c, for the writer: entries as they lie (pack.h) --- */

SKN_MUST_USE enum skn_rc skn_rocks_find(struct skn_rocks *r,
                                        uint32_t shard,
                                        struct skn_slice of,
                                        struct skn_buf *out,
                                        struct skn_diag *diag);
SKN_MUST_USE enum skn_rc skn_rocks_clear(struct skn_rocks *r,
                                         uint32_t shard,
                                         struct skn_slice first,
                                         struct skn_buf *out,
                                         struct skn_diag *diag);

/* --- the operations --- */

enum skn_rc skn_rocks_read(struct skn_backend *base,
                           const struct skn_read *read,
                           bool may_wait,
                           struct skn_buf *out,
                           bool *out_is_end,
                           struct skn_diag *diag);
enum skn_rc skn_rocks_write(struct skn_backend *base,
                            uint32_t shard,
                            struct skn_slice batch,
                            struct skn_diag *diag);
enum skn_rc skn_rocks_commit(struct skn_backend *base,
                             const struct skn_shard_position *positions,
                             size_t count,
                             struct skn_diag *diag);
enum skn_rc skn_rocks_position(struct skn_backend *base,
                               uint32_t shard,
                               struct skn_position *out,
                               struct skn_diag *diag);
enum skn_rc skn_rocks_backup(struct skn_backend *base, const char *dir, struct skn_diag *diag);
