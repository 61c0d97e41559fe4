/* bench_journal.c - durable records with 1, 16 and 256 in flight, and reading them back.
 *
 * The limit is a plain loop of pwrite and fdatasync of as many bytes, into zeros, on the same disk.
 * The peer is SQLite with a log and a sync for each transaction, given the same records. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include "base/mem.h"
#include "env/env_real.h"
#include "journal/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef HAVE_SQLITE
#    include <sqlite3.h>
#endif

enum {
    BATCH_BYTES = 450, /* what a step of a flow writes */
    RECORD_BYTES = BATCH_BYTES + 8 + 80,
    BLOCK = 4096,
    LIMIT_LOOPS = 41,
    LIMIT_FILE_BYTES = 16 << 20,
};

struct work {
    struct skn_bench *bench;
    char dir[64];
    char path[96];
    struct skn_journal *journal;
    uint64_t n;
    uint64_t in_flight;
    uint64_t index;
    uint64_t read_back;
    uint8_t batch[BATCH_BYTES];
#ifdef HAVE_SQLITE
    sqlite3 *db;
    sqlite3_stmt *begin;
    sqlite3_stmt *insert;
    sqlite3_stmt *commit;
#endif
};

/* A benchmark that fails has nothing to say. */
static void must(bool is_true, const char *what)
{
    if (is_true) return;
    (void)fprintf(stderr, "bench_journal: %s\n", what);
    exit(1); /* NOLINT(concurrency-mt-unsafe): one thread */
}

static void must_ok(enum skn_rc rc, const struct skn_diag *diag)
{
    must(rc == SKN_OK, diag->text);
}

static void sample_group(struct work *w, const uint64_t *began, uint64_t count)
{
    uint64_t now = skn_bench_now_ns();
    for (uint64_t i = 0; i < count; i++)
        skn_bench_sample(w->bench, now - began[i]);
}

static void append(struct work *w)
{
    struct skn_diag diag = {0};
    w->index++;
    memcpy(w->batch, &w->index, sizeof w->index);
    struct skn_record record = {.shard = 1,
                                .limits = 1,
                                .index = w->index,
                                .term = 1,
                                .stamp = w->index,
                                .state_lo = w->index,
                                .module = 1,
                                .message = skn_slice(&w->index, sizeof w->index),
                                .batch = skn_slice(w->batch, sizeof w->batch)};
    must_ok(skn_journal_append(w->journal, &record, &diag), &diag);
}

static void journal_run(void *ctx)
{
    struct work *w = ctx;
    struct skn_diag diag = {0};
    uint64_t began[256];
    for (uint64_t done = 0; done < w->n; done += w->in_flight) {
        for (uint64_t i = 0; i < w->in_flight; i++) {
            began[i] = skn_bench_now_ns();
            append(w);
        }
        must_ok(skn_journal_flush(w->journal, &diag), &diag);
        sample_group(w, began, w->in_flight);
    }
}

/* The next segment is made ready by another thread in a node; here between repetitions. */
static void journal_before(void *ctx)
{
    struct work *w = ctx;
    struct skn_diag diag = {0};
    struct skn_journal_mark mark = {.shard = 1, .index = w->index};
    bool is_ready = false;
    must_ok(skn_journal_trim(w->journal, &mark, 1, &diag), &diag);
    while (!is_ready)
        must_ok(skn_journal_prepare(w->journal, &is_ready, &diag), &diag);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One pwrite of `bytes`, in whole blocks, and fdatasync, into a file of zeros. The first quartile:
 * shared disks stall now and then, and a limit has to be below what it limits. */
static double raw_sync_ns(const struct work *w, uint64_t bytes)
{
    char path[96];
    double ns[LIMIT_LOOPS];
    (void)snprintf(path, sizeof path, "%s/raw", w->dir);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0, "raw file");
    uint8_t *zeros = skn_alloc_zero(1, LIMIT_FILE_BYTES);
    must(pwrite(fd, zeros, LIMIT_FILE_BYTES, 0) == LIMIT_FILE_BYTES && fsync(fd) == 0, "raw write");
    memset(zeros, 0x5a, LIMIT_FILE_BYTES);
    uint64_t step = (bytes + BLOCK - 1) / BLOCK * BLOCK;
    for (uint64_t i = 0; i < LIMIT_LOOPS; i++) {
        uint64_t began = skn_bench_now_ns();
        must(pwrite(fd, zeros, step, (off_t)(i * step)) == (ssize_t)step, "raw write");
        must(fdatasync(fd) == 0, "raw sync");
        ns[i] = (double)(skn_bench_now_ns() - began);
    }
    skn_free(zeros);
    (void)close(fd);
    (void)unlink(path);
    qsort(ns, LIMIT_LOOPS, sizeof ns[0], by_size);
    return ns[LIMIT_LOOPS / 4];
}

#ifdef HAVE_SQLITE
static void sql(struct work *w, const char *text)
{
    must(sqlite3_exec(w->db, text, NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(w->db));
}

static sqlite3_stmt *prepared(struct work *w, const char *text)
{
    sqlite3_stmt *statement = NULL;
    must(sqlite3_prepare_v2(w->db, text, -1, &statement, NULL) == SQLITE_OK, "sqlite prepare");
    return statement;
}

static void sqlite_open(struct work *w)
{
    must(sqlite3_open(w->path, &w->db) == SQLITE_OK, "sqlite open");
    sql(w,
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "CREATE TABLE r (i INTEGER PRIMARY KEY, message BLOB, batch BLOB)");
    w->begin = prepared(w, "BEGIN");
    w->insert = prepared(w, "INSERT INTO r VALUES (?, ?, ?)");
    w->commit = prepared(w, "COMMIT");
}

static void sqlite_step(struct work *w, sqlite3_stmt *statement)
{
    must(sqlite3_step(statement) == SQLITE_DONE, sqlite3_errmsg(w->db));
    (void)sqlite3_reset(statement);
}

static void sqlite_run(void *ctx)
{
    struct work *w = ctx;
    uint64_t began[256];
    for (uint64_t done = 0; done < w->n; done += w->in_flight) {
        sqlite_step(w, w->begin);
        for (uint64_t i = 0; i < w->in_flight; i++) {
            began[i] = skn_bench_now_ns();
            w->index++;
            memcpy(w->batch, &w->index, sizeof w->index);
            must(sqlite3_bind_int64(w->insert, 1, (sqlite3_int64)w->index) == SQLITE_OK &&
                     sqlite3_bind_blob(w->insert, 2, w->batch, 8, SQLITE_STATIC) == SQLITE_OK &&
                     sqlite3_bind_blob(w->insert, 3, w->batch, BATCH_BYTES, SQLITE_STATIC) ==
                         SQLITE_OK,
                 "sqlite bind");
            sqlite_step(w, w->insert);
        }
        sqlite_step(w, w->commit);
        sample_group(w, began, w->in_flight);
    }
}

static void sqlite_close(struct work *w)
{
    (void)sqlite3_finalize(w->begin);
    (void)sqlite3_finalize(w->insert);
    (void)sqlite3_finalize(w->commit);
    must(sqlite3_close(w->db) == SQLITE_OK, "sqlite close");
}
#endif

static enum skn_rc count(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    skn_bench_keep(record);
    ((struct work *)ctx)->read_back++;
    return SKN_OK;
}

static void read_run(void *ctx)
{
    struct work *w = ctx;
    struct skn_diag diag = {0};
    struct skn_journal_info info = {0};
    w->read_back = 0;
    must_ok(skn_journal_read(skn_env_real(), w->path, count, w, &info, &diag), &diag);
    must(w->read_back == w->n, "records are missing");
}

static void open_journal(struct work *w, const char *name)
{
    struct skn_diag diag = {0};
    (void)snprintf(w->path, sizeof w->path, "%s/%s", w->dir, name);
    struct skn_journal_options options = {
        .env = skn_env_real(), .dir = w->path, .no_reserve = true, .shards = 2};
    must_ok(skn_journal_open(&options, count, w, &w->journal, NULL, &diag), &diag);
    w->index = 0;
}

static enum skn_rc remove_name(void *ctx, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", (const char *)ctx, name);
    return skn_env_unlink(skn_env_real(), path, NULL);
}

static void remove_dir(char *path)
{
    must(skn_env_list(skn_env_real(), path, remove_name, path, NULL) == SKN_OK, "remove files");
    must(rmdir(path) == 0, "remove directory");
}

/* Records made durable in groups of `in_flight`; a latency is from append to acknowledgement. */
static void durable_case(struct work *w, uint64_t in_flight, uint64_t n)
{
    char name[64];
    struct skn_diag diag = {0};
    w->in_flight = in_flight;
    w->n = skn_bench_n(w->bench, n);
    w->n = (w->n + in_flight - 1) / in_flight * in_flight;
    (void)snprintf(name, sizeof name, "append, %llu in flight", (unsigned long long)in_flight);
    open_journal(w, "journal");
    struct skn_bench_case c = {
        .name = name,
        .n = w->n,
        .before = journal_before,
        .run = journal_run,
        .ctx = w,
        .limit = "pwrite and fdatasync of as many bytes",
        .limit_ns = raw_sync_ns(w, in_flight * RECORD_BYTES) / (double)in_flight,
    };
    skn_bench_run(w->bench, &c);
    must_ok(skn_journal_close(w->journal, &diag), &diag);
    remove_dir(w->path);
#ifdef HAVE_SQLITE
    (void)snprintf(w->path, sizeof w->path, "%s/db", w->dir);
    (void)snprintf(name, sizeof name, "sqlite, %llu in flight", (unsigned long long)in_flight);
    sqlite_open(w);
    c.before = NULL;
    c.run = sqlite_run;
    c.is_peer = true;
    skn_bench_run(w->bench, &c);
    sqlite_close(w);
    (void)unlink(w->path);
#endif
}

static double copy_ns(uint64_t bytes)
{
    uint8_t *from = skn_alloc_zero(1, bytes);
    uint8_t *to = skn_alloc_zero(1, bytes);
    memset(from, 1, bytes);
    memset(to, 1, bytes);
    uint64_t began = skn_bench_now_ns();
    memcpy(to, from, bytes);
    double ns = (double)(skn_bench_now_ns() - began);
    skn_bench_keep(to);
    skn_free(from);
    skn_free(to);
    return ns;
}

static void read_case(struct work *w)
{
    struct skn_diag diag = {0};
    w->n = (skn_bench_n(w->bench, 100000) + 255) / 256 * 256;
    open_journal(w, "read");
    for (uint64_t i = 0; i < w->n; i++) {
        append(w);
        if (i % 256 == 255) must_ok(skn_journal_flush(w->journal, &diag), &diag);
    }
    must_ok(skn_journal_close(w->journal, &diag), &diag);
    const struct skn_bench_case c = {
        .name = "read back and check",
        .n = w->n,
        .run = read_run,
        .ctx = w,
        .limit = "memory copied once",
        .limit_ns = copy_ns(w->n * RECORD_BYTES) / (double)w->n,
    };
    skn_bench_run(w->bench, &c);
    remove_dir(w->path);
}

int main(int argc, char **argv)
{
    struct skn_bench bench;
    skn_bench_init(&bench, "journal", argc, argv);
    struct work w = {.bench = &bench, .dir = "/var/tmp/skein-bench-XXXXXX"};
    must(mkdtemp(w.dir) != NULL, "temporary directory");
    skn_rng_bytes(&bench.rng, w.batch, sizeof w.batch);
    durable_case(&w, 1, 500);
    durable_case(&w, 16, 8000);
    durable_case(&w, 256, 64000);
    read_case(&w);
    must(rmdir(w.dir) == 0, "remove directory");
    return skn_bench_end(&bench);
}
