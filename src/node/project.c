/* project.c - finds the project of a file: the nearest folder upward with skein.yaml [E80]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char config_name[] = "skein.yaml";

enum skn_rc skn_rc_of_errno(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR: return SKN_ENOENT;
    case EACCES:
    case EPERM:
    case EROFS: return SKN_EPERM;
    case EEXIST: return SKN_EEXIST;
    case ENOSPC:
    case EDQUOT: return SKN_EDISKFULL;
    default: return SKN_EIO;
    }
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Cuts the last name off; false at the root. */
static bool go_up(char *path)
{
    char *slash = strrchr(path, '/');
    SKN_ASSERT(slash);
    if (slash[1] == 0) return false;
    slash[slash == path] = 0;
    return true;
}

static void set(struct skn_arena *arena, const char *root, bool has_config, struct skn_project *out)
{
    const char *between = root[1] == 0 ? "" : "/";
    *out = (struct skn_project){
        .root = skn_arena_printf(arena, "%s", root),
        .data_path = skn_arena_printf(arena, "%s%s.skein", root, between),
        .has_config = has_config,
    };
}

/* Looks from `folder` upward; `out_owner` is who the file that was found belongs to. */
static bool
look_upward(struct skn_arena *arena, char *folder, struct skn_project *out, uid_t *out_owner)
{
    do {
        const char *config =
            skn_arena_printf(arena, "%s%s%s", folder, folder[1] ? "/" : "", config_name);
        struct stat st;
        if (stat(config, &st) == 0 && S_ISREG(st.st_mode)) {
            set(arena, folder, true, out);
            *out_owner = st.st_uid;
            return true;
        }
    } while (go_up(folder));
    return false;
}

static enum skn_rc resolve(const char *path, char *out_folder, struct skn_diag *diag)
{
    if (!realpath(path, out_folder))
        return SKN_FAIL(
            diag, skn_rc_of_errno(errno), "could not find \"%s\": %s", path, strerror(errno));
    if (!is_folder(out_folder)) (void)go_up(out_folder);
    return SKN_OK;
}

enum skn_rc skn_project_find(struct skn_arena *arena,
                             const char *path,
                             struct skn_project *out_project,
                             struct skn_diag *diag)
{
    char folder[PATH_MAX];
    enum skn_rc rc = resolve(path, folder, diag);
    if (rc != SKN_OK) return rc;
    const char *own = skn_arena_printf(arena, "%s", folder);
    uid_t owner;
    struct skn_project found;
    if (!look_upward(arena, folder, &found, &owner)) {
        set(arena, own, false, out_project);
        return SKN_OK;
    }
    /* In a folder that anybody can write to, such as /tmp, another user's skein.yaml would choose
     * which programs run in our name. */
    if (owner != geteuid() && owner != 0)
        return SKN_FAIL(diag,
                        SKN_EPERM,
                        "\"%s/%s\" belongs to user %ld; say --project \"%s\" if you trust it",
                        found.root,
                        config_name,
                        (long)owner,
                        found.root);
    *out_project = found;
    return SKN_OK;
}

enum skn_rc skn_project_named(struct skn_arena *arena,
                              const char *folder,
                              struct skn_project *out_project,
                              struct skn_diag *diag)
{
    char at[PATH_MAX];
    enum skn_rc rc = resolve(folder, at, diag);
    if (rc != SKN_OK) return rc;
    if (!is_folder(folder))
        return SKN_FAIL(diag, SKN_ENOENT, "\"%s\" is a file, --project wants a folder", folder);
    const char *own = skn_arena_printf(arena, "%s", at);
    uid_t owner;
    struct skn_project found;
    if (!look_upward(arena, at, &found, &owner)) {
        set(arena, own, false, &found);
        if (!skn_project_has_data(&found))
            return SKN_FAIL(diag,
                            SKN_ENOENT,
                            "no %s in \"%s\" or above it; skein init makes a project",
                            config_name,
                            folder);
    }
    *out_project = found;
    return SKN_OK;
}

bool skn_project_has_data(const struct skn_project *project)
{
    return is_folder(project->data_path);
}
