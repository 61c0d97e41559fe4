/* bench_segment.c - why segments are filled with zeros ahead [E1], and what doing so costs the others.
 *
 * First a synced write of 4 KiB into zeros, into merely allocated space, and at the end of a file.
 * Then the latency of records while segments of 16 MiB are used up: made ready by another thread
 * beside, and made on the spot by the write that needs one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include "base/mem.h"
#include "env/env_real.h"
#include "journal/journal.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BLOCK = 4096,
    FILE_BYTES = 8 << 20,
    SEGMENT_BYTES = 16 << 20,
    RECORD_BYTES = 500,
    IN_FLIGHT = 16,
};

enum ground { ZEROS, ALLOCATED, GROWING };

struct work {
    struct skn_bench *bench;
    char dir[64];
    char path[96];
    uint64_t n;
    /* a bare file */
    enum ground ground;
    int fd;
    uint64_t at;
    uint8_t block[BLOCK];
    /* a journal */
    struct skn_journal *journal;
    uint64_t index;
    uint64_t longest_ns; /* of all groups: a segment change is rarer than one in a hundred */
    bool prepares;
    atomic_bool stops;
    pthread_t preparer;
};

/* A benchmark that fails has nothing to say. */
static void must(bool is_true, const char *what)
{
    if (is_true) return;
    (void)fprintf(stderr, "bench_segment: %s\n", what);
    exit(1); /* NOLINT(concurrency-mt-unsafe): the others have ended or do not matter */
}

static void must_ok(enum skn_rc rc, const struct skn_diag *diag)
{
    must(rc == SKN_OK, diag->text);
}

static void file_before(void *ctx)
{
    struct work *w = ctx;
    (void)snprintf(w->path, sizeof w->path, "%s/raw", w->dir);
    (void)unlink(w->path);
    w->fd = open(w->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    must(w->fd >= 0, "raw file");
    w->at = 0;
    if (w->ground == ALLOCATED) must(posix_fallocate(w->fd, 0, FILE_BYTES) == 0, "raw allocate");
    if (w->ground == ZEROS) {
        uint8_t *zeros = skn_alloc_zero(1, FILE_BYTES);
        must(pwrite(w->fd, zeros, FILE_BYTES, 0) == FILE_BYTES, "raw zeros");
        skn_free(zeros);
    }
    must(fsync(w->fd) == 0, "raw sync");
}

static void file_op(void *ctx, uint64_t i)
{
    struct work *w = ctx;
    must(w->at + BLOCK <= FILE_BYTES, "raw file is full");
    must(pwrite(w->fd, w->block, BLOCK, (off_t)w->at) == BLOCK, "raw write");
    must(fdatasync(w->fd) == 0, "raw sync");
    w->at += BLOCK;
}

static void file_after(void *ctx)
{
    struct work *w = ctx;
    (void)close(w->fd);
    (void)unlink(w->path);
}

static void file_case(struct work *w, const char *name, enum ground ground, bool is_peer)
{
    w->ground = ground;
    w->n = skn_bench_n(w->bench, 400);
    if (w->n > FILE_BYTES / BLOCK / 2) w->n = FILE_BYTES / BLOCK / 2;
    const struct skn_bench_case c = {
        .name = name,
        .n = w->n,
        .before = file_before,
        .op = file_op,
        .after = file_after,
        .ctx = w,
        .limit = "4 KiB overwritten in place and synced",
        .limit_ns = skn_bench_sync_ns(w->dir),
        .is_peer = is_peer,
    };
    skn_bench_run(w->bench, &c);
}

static void *prepare(void *ctx)
{
    struct work *w = ctx;
    struct skn_diag diag = {0};
    while (!atomic_load(&w->stops)) {
        bool is_ready = false;
        must_ok(skn_journal_prepare(w->journal, &is_ready, &diag), &diag);
        (void)usleep(1000 * SKN_JOURNAL_PREPARE_PAUSE_MS);
    }
    return NULL;
}

static enum skn_rc ignore(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    return SKN_OK;
}

static void journal_before(void *ctx)
{
    struct work *w = ctx;
    struct skn_diag diag = {0};
    const struct skn_journal_options options = {.env = skn_env_real(),
                                                .dir = w->path,
                                                .segment_bytes_min = SEGMENT_BYTES,
                                                .segment_bytes_max = SEGMENT_BYTES,
                                                .no_reserve = true};
    (void)snprintf(w->path, sizeof w->path, "%s/journal", w->dir);
    must_ok(skn_journal_open(&options, ignore, NULL, &w->journal, NULL, &diag), &diag);
    w->index = 0;
    atomic_store(&w->stops, false);
    if (w->prepares)
        must(pthread_create(&w->preparer, NULL, prepare, w) == 0, "thread for preparation");
}

static void append(struct work *w)
{
    static const uint8_t batch[RECORD_BYTES] = {1};
    struct skn_diag diag = {0};
    w->index++;
    const struct skn_record record = {
        .index = w->index, .term = 1, .stamp = w->index, .batch = skn_slice(batch, sizeof batch)};
    must_ok(skn_journal_append(w->journal, &record, &diag), &diag);
}

/* Trims as it goes, so that old files are written over, too. */
static void journal_run(void *ctx)
{
    struct work *w = ctx;
    struct skn_diag diag = {0};
    for (uint64_t done = 0; done < w->n; done += IN_FLIGHT) {
        uint64_t began = skn_bench_now_ns();
        for (uint64_t i = 0; i < IN_FLIGHT; i++)
            append(w);
        must_ok(skn_journal_flush(w->journal, &diag), &diag);
        uint64_t took = skn_bench_now_ns() - began;
        skn_bench_sample(w->bench, took);
        if (took > w->longest_ns) w->longest_ns = took;
        const struct skn_journal_mark mark = {.index = w->index};
        struct skn_journal_tail tail;
        skn_journal_tail(w->journal, NULL, 0, &tail);
        if (tail.segments > 2) must_ok(skn_journal_trim(w->journal, &mark, 1, &diag), &diag);
    }
}

static enum skn_rc remove_name(void *ctx, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", (const char *)ctx, name);
    return skn_env_unlink(skn_env_real(), path, NULL);
}

static void journal_after(void *ctx)
{
    struct work *w = ctx;
    struct skn_diag diag = {0};
    atomic_store(&w->stops, true);
    if (w->prepares) (void)pthread_join(w->preparer, NULL);
    must_ok(skn_journal_close(w->journal, &diag), &diag);
    must(skn_env_list(skn_env_real(), w->path, remove_name, w->path, NULL) == SKN_OK,
         "remove files");
    must(rmdir(w->path) == 0, "remove directory");
}

static void journal_case(struct work *w, const char *name, bool prepares, bool is_peer)
{
    w->prepares = prepares;
    w->n = skn_bench_n(w->bench, 4000 * IN_FLIGHT);
    w->n = (w->n + IN_FLIGHT - 1) / IN_FLIGHT * IN_FLIGHT;
    const struct skn_bench_case c = {
        .name = name,
        .n = w->n,
        .before = journal_before,
        .run = journal_run,
        .after = journal_after,
        .ctx = w,
        .limit = "4 KiB overwritten in place and synced, over 16",
        .limit_ns = skn_bench_sync_ns(w->dir) / IN_FLIGHT,
        .is_peer = is_peer,
    };
    w->longest_ns = 0;
    skn_bench_run(w->bench, &c);
    if (w->longest_ns == 0) return; /* not asked for */
    (void)fprintf(
        stderr, "%s: the longest group took %.1f us\n", name, (double)w->longest_ns / 1e3);
}

int main(int argc, char **argv)
{
    struct skn_bench bench;
    skn_bench_init(&bench, "segment", argc, argv);
    struct work w = {.bench = &bench, .dir = "/var/tmp/skein-bench-XXXXXX"};
    must(mkdtemp(w.dir) != NULL, "temporary directory");
    memset(w.block, 0x5a, sizeof w.block);
    file_case(&w, "synced 4 KiB into zeros", ZEROS, false);
    file_case(&w, "synced 4 KiB into allocated space", ALLOCATED, true);
    file_case(&w, "synced 4 KiB at the end of a file", GROWING, true);
    journal_case(&w, "segments made ready beside", true, false);
    journal_case(&w, "segments made on the spot", false, true);
    must(rmdir(w.dir) == 0, "remove directory");
    return skn_bench_end(&bench);
}
