/* backup.c - skein backup and skein restore: stored data copied in use, and made again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/backup.h"

#include "cli/cli_internal.h"
#include "cli/follow_internal.h"
#include "cli/load_internal.h"
#include "env/env_real.h"
#include "lang/kit/json_text.h"
#include "node/node.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Text and numbers of one outcome. `verb` is for people, `member` for JSON. */
static void print(struct skn_cli *cli,
                  const char *verb,
                  const char *member,
                  const char *path,
                  const struct skn_backup_info *info)
{
    unsigned long long records = info->records, shards = info->shards, files = info->files,
                       bytes = info->bytes;
    if (!cli->out.json) {
        skn_out_printf(&cli->out,
                       "%s %s: records %llu, shards %llu, files %llu, bytes %llu.\n",
                       verb,
                       path,
                       records,
                       shards,
                       files,
                       bytes);
        return;
    }
    struct skn_buf text;
    skn_buf_init(&text, 16 * PATH_MAX);
    skn_buf_printf(&text, "{\"%s\":", member);
    skn_json_text_string(&text, skn_slice_str(path));
    skn_buf_printf(&text,
                   ",\"records\":%llu,\"shards\":%llu,\"files\":%llu,\"bytes\":%llu}\n",
                   records,
                   shards,
                   files,
                   bytes);
    skn_out_put(&cli->out, skn_buf_slice(&text));
    skn_buf_fini(&text);
}

/* The folder above must be there; the folder itself not yet. */
static enum skn_rc
absolute_path(struct skn_arena *arena, const char *path, const char **out, struct skn_diag *diag)
{
    struct skn_slice given = skn_arena_dup(arena, skn_slice_str(path));
    char *copy = (char *)(uintptr_t)given.ptr, above[PATH_MAX];
    for (size_t n = given.len; n > 1 && copy[n - 1] == '/'; n--)
        copy[n - 1] = 0;
    char *slash = strrchr(copy, '/');
    const char *name = slash ? slash + 1 : copy;
    const char *folder = slash == copy ? "/" : slash ? copy : ".";
    if (slash && slash != copy) *slash = 0;
    if (name[0] == 0) return SKN_FAIL(diag, SKN_EEXIST, "\"%s\" is there already", path);
    if (!realpath(folder, above))
        return SKN_FAIL(
            diag, skn_rc_of_errno(errno), "could not open \"%s\": %s", folder, strerror(errno));
    *out = skn_arena_printf(arena, "%s/%s", strcmp(above, "/") == 0 ? "" : above, name);
    return SKN_OK;
}

/* --- backup --------------------------------------------------------------------------------------- */

static enum skn_rc ask_holder(void *ctx, const char *dir, struct skn_diag *diag)
{
    struct skn_answer answer;
    enum skn_rc rc = skn_client_snapshot(ctx, dir, diag);
    return rc == SKN_OK ? skn_follow_answer(ctx, &answer, diag) : rc;
}

/* One that is not told trims again after a minute. */
static void tell_holder(void *ctx)
{
    enum skn_rc rc = skn_client_snapshot_end(ctx, NULL);
    (void)rc;
}

/* Until the client is closed no file of a content goes [E45]. */
static enum skn_rc hold_blobs(struct skn_client *client, struct skn_diag *diag)
{
    const struct skn_query query = {.kind = SKN_QUERY_BLOB_HOLD};
    struct skn_answer answer;
    enum skn_rc rc = skn_client_query(client, &query, diag);
    return rc == SKN_OK ? skn_follow_answer(client, &answer, diag) : rc;
}

/* A journal may be copied beside a holder; rows only by it, or with nobody else. A client that found
 * no holder keeps writers out as long as it is open. */
static enum skn_rc make(struct skn_cli *cli,
                        const struct skn_project *project,
                        const char *dir,
                        struct skn_backup_info *out_info,
                        struct skn_diag *diag)
{
    struct skn_backup_options options = {
        .env = skn_env_real(), .data_dir = project->data_path, .dir = dir};
    const struct skn_client_options client_options = {.env = options.env, .project = project};
    struct skn_client *client = NULL;
    const char *store = skn_arena_printf(&cli->arena, "%s/store", project->data_path);
    const char *blobs = skn_arena_printf(&cli->arena, "%s/blobs", project->data_path);
    enum skn_rc rc = SKN_OK;
    if (access(store, F_OK) == 0 || access(blobs, F_OK) == 0)
        rc = skn_client_open(&client_options, &client, diag);
    if (client && skn_client_fd(client) >= 0) {
        options.snapshot = ask_holder;
        options.end = tell_holder;
        options.ctx = client;
        rc = hold_blobs(client, diag);
    }
    if (rc == SKN_OK) rc = skn_backup_make(&options, out_info, diag);
    skn_client_close(client);
    return rc;
}

int skn_cmd_backup(struct skn_cli *cli)
{
    struct skn_diag diag = {.text = ""};
    struct skn_project project;
    struct skn_backup_info info;
    const char *dir = NULL, *named = skn_args_value(&cli->args, SKN_OPTION_PROJECT);
    diag.rc = skn_load_project(&cli->arena, named, ".", &project, &diag);
    if (diag.rc == SKN_OK && !skn_project_has_data(&project))
        diag.rc = SKN_FAIL(&diag, SKN_ENOENT, "nothing was ever run in \"%s\"", project.root);
    if (diag.rc == SKN_OK) diag.rc = skn_restore_may_read(project.data_path, &diag);
    if (diag.rc == SKN_OK) diag.rc = absolute_path(&cli->arena, cli->args.operands[0], &dir, &diag);
    if (diag.rc == SKN_OK) diag.rc = make(cli, &project, dir, &info, &diag);
    if (diag.rc != SKN_OK) return skn_out_fail(&cli->out, &diag);
    print(cli, "Backed up to", "backup", dir, &info);
    return 0;
}

/* --- restore -------------------------------------------------------------------------------------- */

int skn_cmd_restore(struct skn_cli *cli)
{
    struct skn_diag diag = {.text = ""};
    struct skn_backup_info info;
    const char *dir = cli->args.operand_count > 1 ? cli->args.operands[1] : ".";
    char root[PATH_MAX] = "";
    bool made = mkdir(dir, 0777) == 0;
    diag.rc = SKN_OK;
    if ((!made && errno != EEXIST) || !realpath(dir, root))
        diag.rc = SKN_FAIL(
            &diag, skn_rc_of_errno(errno), "could not open \"%s\": %s", dir, strerror(errno));
    const struct skn_restore_options options = {
        .env = skn_env_real(),
        .dir = cli->args.operands[0],
        .data_dir = skn_arena_printf(&cli->arena, "%s/.skein", root),
        .is_copy = skn_args_has(&cli->args, SKN_OPTION_COPY)};
    if (diag.rc == SKN_OK) diag.rc = skn_restore(&options, &info, &diag);
    if (diag.rc != SKN_OK && made) (void)rmdir(dir);
    if (diag.rc != SKN_OK) return skn_out_fail(&cli->out, &diag);
    print(cli, "Restored", "project", root, &info);
    if (!cli->out.json)
        skn_out_errf(
            "It is held. See that the original does not run any more, look at it with skein "
            "ps --all, then go on with skein resume --all.\n");
    return 0;
}
