/* verify.c - skein verify: reads the stored data of a project whole and checks it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "env/env_real.h"
#include "journal/journal.h"
#include "node/node.h"
#include "node/past.h"

#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The data directory of a project, or one that is named itself, such as a copy. */
static enum skn_rc
find_data(struct skn_arena *arena, const char *dir, const char **out_data, struct skn_diag *diag)
{
    *out_data = skn_arena_printf(arena, "%s/.skein", dir);
    if (is_folder(*out_data)) return SKN_OK;
    *out_data = dir;
    if (is_folder(skn_arena_printf(arena, "%s/journal", dir))) return SKN_OK;
    if (!is_folder(dir)) return SKN_FAIL(diag, SKN_ENOENT, "there is no folder \"%s\"", dir);
    return SKN_FAIL(diag, SKN_ENOENT, "nothing was ever run in \"%s\"", dir);
}

static void print(struct skn_out *out,
                  const struct skn_journal_info *info,
                  const struct skn_data_blobs *blobs,
                  const struct skn_data_history *history,
                  const struct skn_past_replayed *replayed)
{
    unsigned long long segments = info->segments, groups = info->groups, records = info->records,
                       bytes = info->bytes, torn = info->torn_bytes, generation = info->generation;
    if (out->json) {
        skn_out_printf(out,
                       "{\"ok\":true,\"sealed\":%s,\"generation\":%llu,\"segments\":%llu,"
                       "\"groups\":%llu,\"records\":%llu,\"bytes\":%llu,\"torn_bytes\":%llu,"
                       "\"blobs\":%llu,\"blob_bytes\":%llu",
                       info->was_sealed ? "true" : "false",
                       generation,
                       segments,
                       groups,
                       records,
                       bytes,
                       torn,
                       (unsigned long long)blobs->count,
                       (unsigned long long)blobs->bytes);
        if (history->bases > 0)
            skn_out_printf(out,
                           ",\"history_bases\":%llu,\"history_records\":%llu",
                           (unsigned long long)history->bases,
                           (unsigned long long)history->records);
        if (replayed)
            skn_out_printf(out,
                           ",\"executed\":%llu,\"applied\":%llu",
                           (unsigned long long)replayed->executed,
                           (unsigned long long)replayed->applied);
        skn_out_printf(out, "}\n");
        return;
    }
    skn_out_printf(out,
                   "Sound: records %llu, groups %llu, segments %llu, bytes %llu.\n",
                   records,
                   groups,
                   segments,
                   bytes);
    if (blobs->count > 0)
        skn_out_printf(out,
                       "Blobs: %llu, bytes %llu.\n",
                       (unsigned long long)blobs->count,
                       (unsigned long long)blobs->bytes);
    if (history->bases > 0)
        skn_out_printf(out,
                       "History: bases %llu, records since the oldest %llu.\n",
                       (unsigned long long)history->bases,
                       (unsigned long long)history->records);
    if (!info->was_sealed)
        skn_out_printf(out, "It was not closed cleanly; the next run sees to it.\n");
    if (torn > 0)
        skn_out_printf(out, "Behind it are %llu bytes that were never acknowledged.\n", torn);
    if (!replayed) return;
    skn_out_printf(out,
                   "Executed again, with the same batches and states: records %llu.\n",
                   (unsigned long long)replayed->executed);
    if (replayed->applied > 0)
        skn_out_printf(out,
                       "Not executed, made by another version or from what is not kept: records "
                       "%llu.\n",
                       (unsigned long long)replayed->applied);
}

/* The data of the project that every other command would work on from here, so that its skein.yaml is
 * believed anyway. */
static bool is_own(struct skn_cli *cli, const char *data)
{
    struct skn_project project;
    struct stat found, asked;
    const char *named = skn_args_value(&cli->args, SKN_OPTION_PROJECT);
    enum skn_rc rc = named ? skn_project_named(&cli->arena, named, &project, NULL)
                           : skn_project_find(&cli->arena, ".", &project, NULL);
    return rc == SKN_OK && stat(project.data_path, &found) == 0 && stat(data, &asked) == 0 &&
           found.st_dev == asked.st_dev && found.st_ino == asked.st_ino;
}

int skn_cmd_verify(struct skn_cli *cli)
{
    struct skn_diag diag = {.text = ""};
    struct skn_journal_info info = {.segments = 0};
    struct skn_data_history history = {.bases = 0};
    struct skn_past_replayed replayed = {.executed = 0};
    struct skn_data_blobs blobs = {.count = 0};
    bool is_replay = skn_args_has(&cli->args, SKN_OPTION_REPLAY);
    const char *data;
    int lock_fd = -1;
    diag.rc = find_data(&cli->arena, cli->args.operands[0], &data, &diag);
    if (diag.rc == SKN_OK) diag.rc = skn_data_lock_shared(data, &lock_fd, &diag);
    if (diag.rc == SKN_OK) diag.rc = skn_data_verify(skn_env_real(), data, &info, &diag);
    if (diag.rc == SKN_OK) diag.rc = skn_data_verify_blobs(skn_env_real(), data, &blobs, &diag);
    if (diag.rc == SKN_OK) diag.rc = skn_data_verify_history(skn_env_real(), data, &history, &diag);
    if (diag.rc == SKN_OK && is_replay) {
        bool runs_commands = skn_args_has(&cli->args, SKN_OPTION_KEYCMD) || is_own(cli, data);
        diag.rc = skn_past_replay(skn_env_real(), data, runs_commands, &replayed, &diag);
    }
    if (lock_fd >= 0) (void)close(lock_fd);
    if (diag.rc != SKN_OK) return skn_out_fail(&cli->out, &diag);
    print(&cli->out, &info, &blobs, &history, is_replay ? &replayed : NULL);
    return 0;
}
