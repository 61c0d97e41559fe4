/* peer_rocksdb.h - the rows of our slices on RocksDB with its own synchronous log.
 *
 * Owns        one database in a folder of its own, and the writer threads of a repetition.
 * May include base.
 * Threads     the caller's one; a repetition has its own.
 *
 * Kind to the peer: it only writes the rows, it neither reads them before nor keeps order, addresses,
 * mailboxes, answers or a state hash; the slices that are in flight share WriteBatches, as many in one
 * as suits it best; the log is recycled and written over in place.
 */
#pragma once

#include "reach.h"

struct skn_peer_options {
    unsigned writers;   /* threads that call rocksdb_write with sync=1 */
    unsigned per_write; /* slices of one WriteBatch */
    bool pipelined;
    bool recycled;
    unsigned memtable_mb;
    bool statistics;
};

/* Fills the address of slice `i`, at most 64 bytes with the NUL: the same as ours touch. */
typedef void (*skn_peer_address_fn)(void *ctx, uint64_t i, char *out);

struct skn_peer;

struct skn_peer *skn_peer_open(const char *dir,
                               const struct skn_peer_options *options) SKN_MUST_USE;
void skn_peer_close(struct skn_peer *rocks);

/* Five rows of each of the domains 0 to count - 1, without a sync. */
void skn_peer_fill(struct skn_peer *rocks, uint64_t count);

/* `n` slices, the first with number `from`, by all writers; counts the syncs of the log. */
void skn_peer_write(struct skn_peer *rocks,
                    uint64_t from,
                    uint64_t n,
                    skn_peer_address_fn address,
                    void *ctx,
                    struct skn_lap *lap);

/* By its own statistics (they cost a little): syncs of its log. */
uint64_t skn_peer_wal_synced(struct skn_peer *rocks);

/* One line for people. */
void skn_peer_describe(const struct skn_peer_options *options, char *out, size_t size);
