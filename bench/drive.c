/* drive.c - the engine's interface as benchmarks use it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drive.h"

#include "base/mem.h"
#include "env/env_real.h"
#include "shard/shard.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct skn_drive {
    struct skn_shard *shard;
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

struct skn_drive *
skn_drive_open(const char *dir, const struct skn_program *const *programs, uint32_t warm)
{
    struct skn_drive *drive = skn_alloc_zero(1, sizeof *drive);
    struct skn_diag diag = {0};
    const struct skn_shard_options options = {.env = skn_env_real(),
                                              .dir = dir,
                                              .programs = programs,
                                              .limits = {.warm_domains = warm},
                                              .no_reserve = true};
    must(skn_shard_open(&options, &drive->shard, &diag), &diag);
    return drive;
}

void skn_drive_close(struct skn_drive *drive)
{
    struct skn_diag diag = {0};
    must(skn_shard_close(drive->shard, &diag), &diag);
    skn_free(drive);
}

void skn_drive_kill(struct skn_drive *drive)
{
    skn_shard_abandon(drive->shard);
    skn_free(drive);
}

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
    struct skn_diag diag = {0};
    must(skn_core_submit(skn_shard_core(drive->shard), &request, &diag), &diag);
}

bool skn_drive_turn(struct skn_drive *drive)
{
    struct skn_diag diag = {0};
    bool more = false;
    must(skn_shard_turn(drive->shard, &more, &diag), &diag);
    return more;
}

bool skn_drive_next(struct skn_drive *drive, struct skn_output *out)
{
    return skn_core_next_output(skn_shard_core(drive->shard), out);
}

void skn_drive_wait(struct skn_drive *drive, uint64_t most_ms)
{
    int ms = skn_shard_timeout_ms(drive->shard);
    uint64_t wait = ms < 0 || (uint64_t)ms > most_ms ? most_ms : (uint64_t)ms;
    if (wait > 0) (void)usleep((useconds_t)(wait * 1000));
}

uint64_t skn_drive_now_ms(struct skn_drive *drive)
{
    return skn_shard_now_ms(drive->shard);
}

uint64_t skn_drive_slices(struct skn_drive *drive)
{
    return skn_core_counts(skn_shard_core(drive->shard)).slices;
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
