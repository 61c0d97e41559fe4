/* bench_peer_rocksdb.c - RocksDB by its C interface: many writers, one log, sync=1. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_rocksdb.h"

#include "base/mem.h"
#include "drive.h"
#include "sync_count.h"

#include <pthread.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRITERS_MAX = 1024, MIB = 1 << 20 };

struct skn_peer {
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_writeoptions_t *write;
    struct skn_peer_options how;

    /* of the repetition under way */
    _Atomic uint64_t next;
    uint64_t end;
    skn_peer_address_fn address;
    void *ctx;
};

static void must(char *error)
{
    if (error) skn_drive_fail(error);
}

struct skn_peer *skn_peer_open(const char *dir, const struct skn_peer_options *how)
{
    struct skn_peer *rocks = skn_alloc_zero(1, sizeof *rocks);
    rocksdb_options_t *o = rocksdb_options_create();
    char *error = NULL;
    rocks->how = *how;
    rocks->options = o;
    rocksdb_options_set_create_if_missing(o, 1);
    rocksdb_options_set_compression(o, rocksdb_no_compression);
    rocksdb_options_set_write_buffer_size(o, (size_t)how->memtable_mb * MIB);
    rocksdb_options_set_max_write_buffer_number(o, 4);
    rocksdb_options_set_max_background_jobs(o, 2);
    rocksdb_options_set_enable_pipelined_write(o, how->pipelined);
    if (how->recycled) { /* its other recovery modes switch recycling off */
        rocksdb_options_set_recycle_log_file_num(o, 4);
        rocksdb_options_set_wal_recovery_mode(o, rocksdb_skip_any_corrupted_records_recovery);
    }
    if (how->statistics) rocksdb_options_enable_statistics(o);
    rocks->db = rocksdb_open(o, dir, &error);
    must(error);
    rocks->write = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(rocks->write, 1);
    return rocks;
}

void skn_peer_close(struct skn_peer *rocks)
{
    rocksdb_close(rocks->db);
    rocksdb_options_destroy(rocks->options);
    rocksdb_writeoptions_destroy(rocks->write);
    skn_free(rocks);
}

/* The keys are laid out as the core's: kind, address, 0, kind, own key. */
static void put_slice(rocksdb_writebatch_t *batch, const char *address, uint64_t i)
{
    static const char text[] = "what an account keeps beside its sum, so that a row has a size";
    char key[80] = {2}, value[sizeof text + 8] = {0};
    size_t len = strlen(address);
    SKN_ASSERT(len <= 64);
    memcpy(key + 1, address, len);
    key[len + 2] = 0x10;
    memcpy(value, &i, sizeof i);
    memcpy(value + 8, text, sizeof text);
    for (char own = 'a'; own <= 'e'; own++) {
        key[len + 3] = own;
        rocksdb_writebatch_put(batch, key, len + 4, value, sizeof value);
    }
}

void skn_peer_fill(struct skn_peer *rocks, uint64_t count)
{
    enum { AT_ONCE = 256 };
    rocksdb_writeoptions_t *unsynced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_disable_WAL(unsynced, 1);
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    char *error = NULL;
    for (uint64_t i = 0; i < count; i++) {
        char address[64];
        (void)snprintf(address, sizeof address, "bench:Account/%lu", (unsigned long)i);
        put_slice(batch, address, i);
        if (i % AT_ONCE != AT_ONCE - 1 && i + 1 < count) continue;
        rocksdb_write(rocks->db, unsynced, batch, &error);
        must(error);
        rocksdb_writebatch_clear(batch);
    }
    rocksdb_flushoptions_t *flush = rocksdb_flushoptions_create();
    rocksdb_flush(rocks->db, flush, &error);
    must(error);
    rocksdb_flushoptions_destroy(flush);
    rocksdb_writebatch_destroy(batch);
    rocksdb_writeoptions_destroy(unsynced);
}

static void *writer(void *arg)
{
    struct skn_peer *rocks = arg;
    rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
    char *error = NULL;
    skn_sync_mark();
    for (;;) {
        uint64_t from = atomic_fetch_add(&rocks->next, rocks->how.per_write);
        uint64_t to = from + rocks->how.per_write;
        if (to > rocks->end) to = rocks->end;
        if (from >= to) break;
        rocksdb_writebatch_clear(batch);
        for (uint64_t i = from; i < to; i++) {
            char address[64];
            rocks->address(rocks->ctx, i, address);
            put_slice(batch, address, i);
        }
        rocksdb_write(rocks->db, rocks->write, batch, &error);
        must(error);
    }
    rocksdb_writebatch_destroy(batch);
    return NULL;
}

void skn_peer_write(struct skn_peer *rocks,
                    uint64_t from,
                    uint64_t n,
                    skn_peer_address_fn address,
                    void *ctx,
                    struct skn_lap *lap)
{
    pthread_t threads[WRITERS_MAX];
    SKN_ASSERT(rocks->how.writers <= WRITERS_MAX);
    pthread_attr_t attr;
    uint64_t syncs = skn_sync_count_marked();
    rocks->next = from;
    rocks->end = from + n;
    rocks->address = address;
    rocks->ctx = ctx;
    SKN_ASSERT(pthread_attr_init(&attr) == 0);
    SKN_ASSERT(pthread_attr_setstacksize(&attr, 256 << 10) == 0);
    for (unsigned i = 0; i < rocks->how.writers; i++)
        SKN_ASSERT(pthread_create(&threads[i], &attr, writer, rocks) == 0);
    for (unsigned i = 0; i < rocks->how.writers; i++)
        SKN_ASSERT(pthread_join(threads[i], NULL) == 0);
    SKN_ASSERT(pthread_attr_destroy(&attr) == 0);
    lap->n = n;
    lap->syncs = skn_sync_count_marked() - syncs;
}

uint64_t skn_peer_wal_synced(struct skn_peer *rocks)
{
    char *text = rocksdb_options_statistics_get_string(rocks->options);
    const char *name = "rocksdb.wal.synced COUNT : ";
    const char *at = text ? strstr(text, name) : NULL;
    uint64_t count = at ? strtoul(at + strlen(name), NULL, 10) : 0;
    free(text);
    return count;
}

void skn_peer_describe(const struct skn_peer_options *o, char *out, size_t size)
{
    (void)snprintf(out,
                   size,
                   "%u writers, %u slices in a WriteBatch, sync=1, pipelined_write=%d, "
                   "recycle_log_file_num=%d, write_buffer=%u MiB, no compression",
                   o->writers,
                   o->per_write,
                   o->pipelined,
                   o->recycled ? 4 : 0,
                   o->memtable_mb);
}
