/* db.c - RocksDB's settings, and its two ways of being open. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "store/rocks/rocks_internal.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CACHE_BYTES = 32 << 20,
    MEMTABLE_BYTES = 16 << 20,
    OPEN_FILES = 256,
    TABLE_BYTES = 32 << 20,
    SETTINGS_MAX = 1200,
    BLOOM_BITS = 10, /* of every key: one lookup in a hundred for a key that is not there reads */
};

/* Why, where it is not plain:
 * - nothing may be retried by itself after a failed write [E7]: max_bgerror_resume_count;
 * - what was not committed is not wanted at closing either: avoid_flush_during_shutdown;
 * - no thread wakes up to write statistics; opening reads no statistics of every file;
 * - two jobs: one flush, one compaction, for two cores;
 * - lz4: 500,000 rows of 90 bytes of JSON take 20 MB for 51 without, written in 1.1 s for 1.4;
 *   a read that misses the cache costs 18 us for 11;
 * - its log file is not wanted anywhere: see log_folder. */
static const char settings_form[] =
    "paranoid_checks=true;atomic_flush=true;avoid_flush_during_shutdown=true;"
    "max_bgerror_resume_count=0;wal_recovery_mode=kAbsoluteConsistency;"
    "max_background_jobs=2;max_open_files=%" PRIu32 ";max_file_opening_threads=1;"
    "skip_stats_update_on_db_open=true;stats_dump_period_sec=0;stats_persist_period_sec=0;"
    "info_log_level=FATAL_LEVEL;keep_log_file_num=1;max_manifest_file_size=4194304;"
    "bytes_per_sync=1048576;write_buffer_size=%" PRIu64 ";max_write_buffer_number=2;"
    "compression=kLZ4Compression;target_file_size_base=%d";

static uint64_t or_default(uint64_t n, uint64_t when_zero)
{
    return n != 0 ? n : when_zero;
}

static void set_table_options(struct skn_rocks *r, rocksdb_options_t *options)
{
    rocksdb_block_based_table_options_t *table = r->lib.block_based_options_create();
    r->lib.block_based_options_set_block_cache(table, r->cache);
    /* The table options own the policy from here on. */
    r->lib.block_based_options_set_filter_policy(table,
                                                 r->lib.filterpolicy_create_bloom_full(BLOOM_BITS));
    r->lib.options_set_block_based_table_factory(options, table);
    r->lib.block_based_options_destroy(table);
}

static enum skn_rc
make_options(struct skn_rocks *r, rocksdb_options_t **out_options, struct skn_diag *diag)
{
    char settings[SETTINGS_MAX], *error = NULL;
    uint64_t files = or_default(r->options.open_files_max, OPEN_FILES);
    int n = snprintf(settings,
                     sizeof settings,
                     settings_form,
                     (uint32_t)files,
                     or_default(r->options.memtable_bytes, MEMTABLE_BYTES),
                     TABLE_BYTES);
    SKN_ASSERT(n > 0 && n < SETTINGS_MAX);
    rocksdb_options_t *base = r->lib.options_create();
    rocksdb_options_t *options = r->lib.options_create();
    set_table_options(r, base);
    r->lib.get_options_from_string(base, settings, options, &error);
    r->lib.options_destroy(base);
    if (error) {
        r->lib.options_destroy(options);
        (void)skn_rocks_failed(r, "set options", error, diag);
        return SKN_FAIL(diag, SKN_ECONFIG, "%s does not know our settings", SKN_ROCKS_SONAME);
    }
    skn_rocks_set_prefix(r, options);
    *out_options = options;
    return SKN_OK;
}

/* RocksDB insists on a file for its log, even at a level where nothing is written, and renames the
 * last one at each opening. It gets a folder that is gone as soon as it has opened; a reader then
 * changes nothing in a store. Where there is no place for one it stays in the store. */
static bool make_log_folder(char *out_path, size_t size)
{
    const char *above = getenv("TMPDIR");
    int n = snprintf(out_path, size, "%s/skein-rocks-XXXXXX", above && above[0] ? above : "/tmp");
    return n > 0 && (size_t)n < size && mkdtemp(out_path) != NULL;
}

static void remove_log_folder(const char *path)
{
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.') (void)unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder) (void)closedir(folder);
    (void)rmdir(path);
}

static enum skn_rc
open_db(struct skn_rocks *r, bool for_writing, rocksdb_t **out_db, struct skn_diag *diag)
{
    rocksdb_options_t *options = NULL;
    enum skn_rc rc = make_options(r, &options, diag);
    if (rc != SKN_OK) return rc;
    char log_path[512], *error = NULL;
    bool has_log_folder = make_log_folder(log_path, sizeof log_path);
    if (has_log_folder) r->lib.options_set_db_log_dir(options, log_path);
    /* Nothing is ever made where something is missed: `db` was opened for reading before, unless no
     * write was ever acknowledged and there is nothing to open. */
    r->lib.options_set_create_if_missing(options, for_writing && r->db == NULL);
    rocksdb_t *db = for_writing ? r->lib.open(options, r->dir, &error)
                                : r->lib.open_for_read_only(options, r->dir, 0, &error);
    if (has_log_folder) remove_log_folder(log_path);
    r->lib.options_destroy(options);
    if (error) return skn_rocks_failed(r, for_writing ? "open for writing" : "open", error, diag);
    *out_db = db;
    return SKN_OK;
}

static enum skn_rc load(struct skn_rocks *r, struct skn_diag *diag)
{
    if (r->is_loaded) return SKN_OK;
    enum skn_rc rc = skn_rocks_lib_load(&r->lib, diag);
    if (rc != SKN_OK) return rc;
    r->is_loaded = true;
    r->cache = r->lib.cache_create_lru(or_default(r->options.cache_bytes, CACHE_BYTES));
    r->read_disk = r->lib.readoptions_create();
    r->read_memory = r->lib.readoptions_create();
    r->lib.readoptions_set_verify_checksums(r->read_disk, 1);
    r->lib.readoptions_set_total_order_seek(r->read_disk, 1); /* of iterators: over all tables */
    r->lib.readoptions_set_verify_checksums(r->read_memory, 1);
    r->lib.readoptions_set_read_tier(r->read_memory, SKN_ROCKS_MEMORY_TIER);
    r->no_log = r->lib.writeoptions_create();
    r->lib.writeoptions_disable_WAL(r->no_log, 1);
    r->flush_wait = r->lib.flushoptions_create();
    r->lib.flushoptions_set_wait(r->flush_wait, 1);
    return SKN_OK;
}

/* CURRENT is the last thing that RocksDB makes of a new folder. */
static enum skn_rc has_rocksdb(struct skn_rocks *r, bool *out, struct skn_diag *diag)
{
    char *path = skn_rocks_path(r->dir, "CURRENT");
    struct skn_file *file = NULL;
    enum skn_rc rc = skn_env_open(r->options.env, path, SKN_OPEN_READ, &file, diag);
    *out = rc == SKN_OK;
    if (rc == SKN_OK)
        skn_file_close(file);
    else if (rc == SKN_ENOENT && r->mark.commits == 0 && !r->mark.is_damaged)
        rc = SKN_OK;
    else if (rc == SKN_ENOENT)
        rc = SKN_CORRUPT(
            diag, "\"%s\" is missing; the store had %" PRIu64 " commits", path, r->mark.commits);
    skn_free(path);
    return rc;
}

enum skn_rc skn_rocks_open_reading(struct skn_rocks *r, struct skn_diag *diag)
{
    bool is_there = false;
    enum skn_rc rc = has_rocksdb(r, &is_there, diag);
    if (rc != SKN_OK || !is_there) return rc;
    rc = load(r, diag);
    if (rc == SKN_OK) rc = open_db(r, false, &r->db, diag);
    if (rc == SKN_OK) rc = skn_rocks_load_meta(r, diag);
    return rc;
}

static enum skn_rc change_to_writing(struct skn_rocks *r, struct skn_diag *diag)
{
    if (r->options.is_read_only)
        return SKN_FAIL(diag, SKN_EPERM, "the store \"%s\" is open for reading only", r->dir);
    rocksdb_t *db = NULL;
    enum skn_rc rc = load(r, diag);
    if (rc == SKN_OK) rc = open_db(r, true, &db, diag);
    if (rc != SKN_OK) return rc;
    if (r->db) r->lib.close(r->db);
    r->db = db;
    r->is_writable = true;
    return SKN_OK;
}

enum skn_rc skn_rocks_need_writing(struct skn_rocks *r, struct skn_diag *diag)
{
    (void)pthread_rwlock_rdlock(&r->gate);
    bool is_writable = r->is_writable;
    (void)pthread_rwlock_unlock(&r->gate);
    if (is_writable) return SKN_OK;
    (void)pthread_rwlock_wrlock(&r->gate);
    enum skn_rc rc = r->is_writable ? SKN_OK : change_to_writing(r, diag);
    (void)pthread_rwlock_unlock(&r->gate);
    return rc;
}

void skn_rocks_close_db(struct skn_rocks *r)
{
    if (!r->is_loaded) return;
    if (r->db) r->lib.close(r->db);
    r->lib.readoptions_destroy(r->read_disk);
    r->lib.readoptions_destroy(r->read_memory);
    r->lib.writeoptions_destroy(r->no_log);
    r->lib.flushoptions_destroy(r->flush_wait);
    r->lib.cache_destroy(r->cache);
}
