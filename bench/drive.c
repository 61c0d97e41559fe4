/* drive.c - the engine's interface as benchmarks use it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drive.h"

#include "base/mem.h"
#include "env/env_real.h"
#include "node/threads_internal.h"
#include "shard/shards.h"
#include "store/rocks/rocks.h"

#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TURN_MS = 10 };

struct skn_drive {
    struct skn_shards *shards;
    struct skn_backend *backend; /* or NULL */
    char store[320];             /* its folder */
    struct skn_threads *threads; /* NULL: one does it all */
};

void skn_drive_fail(const char *what)
{
    (void)fprintf(stderr, "bench: %s\n", what);
    _exit(1);
}

static void must(enum skn_rc rc, const struct skn_diag *diag)
{
    if (rc != SKN_OK) skn_drive_fail(diag->text);
}

/* --- opening and stopping -------------------------------------------------------------------------- */

static enum skn_rc open_store(void *ctx,
                              const struct skn_journal_info *info,
                              struct skn_backend **out_backend,
                              struct skn_diag *diag)
{
    struct skn_drive *drive = ctx;
    struct skn_rocks_options options = {
        .env = skn_env_real(), .dir = drive->store, .may_create = true};
    static_assert(sizeof options.store_id == sizeof info->store_id, "");
    memcpy(options.store_id, info->store_id, sizeof options.store_id);
    enum skn_rc rc = skn_rocks_open(&options, &drive->backend, diag);
    *out_backend = drive->backend;
    return rc;
}

struct skn_drive *skn_drive_open(const struct skn_drive_options *options)
{
    struct skn_drive *drive = skn_alloc_zero(1, sizeof *drive);
    struct skn_diag diag = {0};
    char journal[320];
    (void)mkdir(options->dir, 0700);
    (void)snprintf(journal, sizeof journal, "%s/journal", options->dir);
    (void)snprintf(drive->store, sizeof drive->store, "%s/store", options->dir);
    const struct skn_shards_options shards = {
        .env = skn_env_real(),
        .dir = journal,
        .programs = options->programs,
        .limits = {.warm_domains = options->warm},
        .shards = options->shards,
        .workers = options->workers,
        .open_store = open_store,
        .store_ctx = drive,
        .cache_bytes = SKN_SHARDS_CACHE_BYTES,
        .crew = &skn_threads_crew,
        .checkpoint.records = options->no_checkpoint ? UINT32_MAX : 0,
        .checkpoint.bytes = options->no_checkpoint ? UINT64_MAX / 8 : 0,
        .checkpoint.ms = options->no_checkpoint ? UINT32_MAX : 0,
        .take_up_all = true,
        .no_reserve = true};
    must(skn_shards_open(&shards, &drive->shards, &diag), &diag);
    if (!getenv("SKEIN_BENCH_ONE_THREAD")) /* NOLINT: none of ours yet */
        must(skn_threads_start(drive->shards, NULL, NULL, &drive->threads, &diag), &diag);
    return drive;
}

static void end(struct skn_drive *drive)
{
    skn_backend_destroy(drive->backend);
    skn_free(drive);
}

void skn_drive_close(struct skn_drive *drive)
{
    struct skn_diag diag = {0};
    skn_threads_stop(drive->threads);
    must(skn_shards_close(drive->shards, &diag), &diag);
    end(drive);
}

void skn_drive_kill(struct skn_drive *drive)
{
    skn_threads_stop(drive->threads);
    skn_shards_abandon(drive->shards);
    end(drive);
}

/* --- work ------------------------------------------------------------------------------------------ */

void skn_drive_submit(struct skn_drive *drive,
                      uint64_t number,
                      const char *address,
                      struct skn_slice name,
                      struct skn_value payload)
{
    const struct skn_request request = {.number = number,
                                        .address = skn_slice_str(address),
                                        .name = name,
                                        .payload = payload,
                                        .priority = SKN_PRIORITY_NORMAL};
    skn_shards_submit(drive->shards, &request);
}

bool skn_drive_turn(struct skn_drive *drive)
{
    struct skn_diag diag = {0};
    bool more = false;
    if (!drive->threads) {
        must(skn_shards_turn_all(drive->shards, &more, &diag), &diag);
        return more;
    }
    must(skn_threads_turn(drive->threads, &more, &diag), &diag);
    int wait = more ? 0 : skn_threads_timeout_ms(drive->threads);
    struct pollfd p = {.fd = skn_threads_fd(drive->threads), .events = POLLIN};
    if (wait != 0) (void)poll(&p, 1, wait < 0 || wait > TURN_MS ? TURN_MS : wait);
    return true;
}

bool skn_drive_next(struct skn_drive *drive, struct skn_output *out)
{
    struct skn_shards_event event;
    if (!skn_shards_next_event(drive->shards, &event)) return false;
    SKN_ASSERT(event.output); /* it makes no calls */
    *out = *event.output;
    return true;
}

void skn_drive_wait(struct skn_drive *drive, uint64_t most_ms)
{
    int ms = drive->threads ? -1 : skn_shards_timeout_all_ms(drive->shards);
    uint64_t wait = ms < 0 || (uint64_t)ms > most_ms ? most_ms : (uint64_t)ms;
    if (wait > 0) (void)usleep((useconds_t)(wait * 1000));
}

uint64_t skn_drive_now_ms(struct skn_drive *drive)
{
    return skn_shards_now_ms(drive->shards);
}

uint64_t skn_drive_slices(struct skn_drive *drive)
{
    return skn_shards_state(drive->shards).slices;
}

uint32_t skn_drive_shard_of(struct skn_drive *drive, const char *address)
{
    return skn_shards_of(drive->shards, skn_slice_str(address));
}

void skn_drive_checkpoint(struct skn_drive *drive)
{
    skn_shards_checkpoint(drive->shards);
}

uint64_t skn_drive_checkpoints(struct skn_drive *drive)
{
    return skn_shards_state(drive->shards).checkpoints;
}

bool skn_drive_is_checkpointing(struct skn_drive *drive)
{
    return skn_shards_state(drive->shards).is_checkpointing;
}

/* --- rows without slices --------------------------------------------------------------------------- */

static void fill_shard(struct skn_backend *backend, uint32_t shard, uint64_t domains)
{
    enum { AT_ONCE = 100 };
    static const uint8_t value[72];
    struct skn_diag diag = {0};
    struct skn_buf batch;
    skn_buf_init(&batch, 1 << 20);
    for (uint64_t i = 0; i < domains; i++) {
        char key[64] = {2}; /* as the core's: kind, address, 0, kind, own key */
        int len = snprintf(key + 1, sizeof key - 4, "bench:Fill/%09lu", (unsigned long)i) + 1;
        key[len + 1] = 0x10;
        for (char own = 'a'; own <= 'e'; own++) {
            key[len + 2] = own;
            skn_batch_put_stored(
                &batch, skn_slice(key, (size_t)len + 3), 1, skn_slice(value, sizeof value));
        }
        if (i % AT_ONCE != AT_ONCE - 1 && i + 1 < domains) continue;
        must(skn_backend_write(backend, shard, skn_buf_slice(&batch), &diag), &diag);
        skn_buf_reset(&batch);
    }
    skn_buf_fini(&batch);
}

void skn_drive_fill(const char *dir, uint64_t domains)
{
    enum { SHARDS = SKN_SHARDS_DEFAULT };
    struct skn_diag diag = {0};
    char store[320];
    (void)snprintf(store, sizeof store, "%s/store", dir);
    const struct skn_rocks_options options = {.env = skn_env_real(), .dir = store};
    struct skn_backend *backend = NULL;
    struct skn_shard_position at[SHARDS];
    must(skn_rocks_open(&options, &backend, &diag), &diag);
    for (uint32_t i = 0; i < SHARDS; i++) {
        at[i].shard = i;
        must(skn_backend_position(backend, i, &at[i].position, &diag), &diag);
        fill_shard(backend, i, domains / SHARDS);
    }
    must(skn_backend_commit(backend, at, SHARDS, &diag), &diag);
    skn_backend_destroy(backend);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void skn_drive_remove(const char *dir)
{
    (void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
