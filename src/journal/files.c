/* files.c - the folder of a journal: its names and its superblock. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/files_internal.h"

#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

static const char super_name[] = "super";
static const char super_unfinished[] = "super.tmp";
static const char reserve_name[] = "reserve";

char *skn_jf_path(const char *dir, const char *name)
{
    size_t a = strlen(dir), b = strlen(name);
    char *path = skn_alloc(a + b + 2);
    memcpy(path, dir, a);
    path[a] = '/';
    memcpy(path + a + 1, name, b + 1);
    return path;
}

static void add_segment(struct skn_jf_names *names, uint64_t number)
{
    if (names->count == names->cap) {
        names->cap = names->cap == 0 ? 8 : 2 * names->cap;
        names->segments = skn_realloc(names->segments, names->cap * sizeof *names->segments);
    }
    size_t i = names->count++;
    for (; i > 0 && names->segments[i - 1] > number; i--)
        names->segments[i] = names->segments[i - 1];
    names->segments[i] = number;
}

static void add_unfinished(struct skn_jf_names *names, const char *name)
{
    size_t n = names->unfinished_count + 1;
    names->unfinished = skn_realloc(names->unfinished, n * sizeof *names->unfinished);
    names->unfinished[names->unfinished_count] = skn_dup(name, strlen(name));
    names->unfinished_count = n;
}

static enum skn_rc note_name(void *ctx, const char *name)
{
    struct skn_jf_names *names = ctx;
    uint64_t number = 0;
    size_t len = strlen(name);
    if (skn_jf_segment_number(name, &number))
        add_segment(names, number);
    else if (len > 4 && strcmp(name + len - 4, ".tmp") == 0)
        add_unfinished(names, name);
    else if (strcmp(name, super_name) == 0)
        names->has_super = true;
    else if (strcmp(name, reserve_name) == 0)
        names->has_reserve = true;
    return SKN_OK; /* a name that is not ours is left alone */
}

enum skn_rc skn_jf_list(struct skn_env *env,
                        const char *dir,
                        struct skn_jf_names *out_names,
                        struct skn_diag *diag)
{
    *out_names = (struct skn_jf_names){0};
    return skn_env_list(env, dir, note_name, out_names, diag);
}

void skn_jf_names_fini(struct skn_jf_names *names)
{
    for (size_t i = 0; i < names->unfinished_count; i++)
        skn_free(names->unfinished[i]);
    skn_free(names->unfinished);
    skn_free(names->segments);
    *names = (struct skn_jf_names){0};
}

enum skn_rc
skn_jf_remove(struct skn_env *env, const char *dir, const char *name, struct skn_diag *diag)
{
    char *path = skn_jf_path(dir, name);
    enum skn_rc rc = skn_env_unlink(env, path, diag);
    skn_free(path);
    return rc;
}

enum skn_rc
skn_jf_remove_segment(struct skn_env *env, const char *dir, uint64_t number, struct skn_diag *diag)
{
    char name[SKN_JF_NAME_BYTES];
    skn_jf_segment_name(number, name);
    return skn_jf_remove(env, dir, name, diag);
}

enum skn_rc skn_jf_open(struct skn_env *env,
                        const char *dir,
                        const char *name,
                        enum skn_open how,
                        struct skn_file **out_file,
                        struct skn_diag *diag)
{
    char *path = skn_jf_path(dir, name);
    enum skn_rc rc = skn_env_open(env, path, how, out_file, diag);
    skn_free(path);
    return rc;
}

enum skn_rc skn_jf_rename(
    struct skn_env *env, const char *dir, const char *from, const char *to, struct skn_diag *diag)
{
    char *old_path = skn_jf_path(dir, from);
    char *new_path = skn_jf_path(dir, to);
    enum skn_rc rc = skn_env_rename(env, old_path, new_path, diag);
    skn_free(new_path);
    skn_free(old_path);
    return rc;
}

enum skn_rc skn_jf_open_segment(struct skn_env *env,
                                const char *dir,
                                uint64_t number,
                                enum skn_open how,
                                struct skn_file **out_file,
                                struct skn_diag *diag)
{
    char name[SKN_JF_NAME_BYTES];
    skn_jf_segment_name(number, name);
    return skn_jf_open(env, dir, name, how, out_file, diag);
}

enum skn_rc skn_jf_read_super(struct skn_file *file,
                              const char *dir,
                              struct skn_jf_super *out_super,
                              bool *out_has_bad_slot,
                              struct skn_diag *diag)
{
    uint8_t bytes[SKN_JF_SUPER_BYTES + 1];
    size_t len = 0;
    enum skn_rc rc = skn_file_pread(file, 0, bytes, sizeof bytes, &len, diag);
    if (rc != SKN_OK) return rc;
    if (len != SKN_JF_SUPER_BYTES)
        return SKN_CORRUPT(diag,
                           "damage in \"%s/super\" at offset %zu: the file does not end where it "
                           "should, at %d",
                           dir,
                           len,
                           SKN_JF_SUPER_BYTES);

    struct skn_jf_super slots[2];
    enum skn_rc found[2];
    struct skn_diag why[2];
    for (size_t i = 0; i < 2; i++) {
        found[i] = skn_jf_get_super(
            skn_slice(bytes + i * SKN_JF_BLOCK, SKN_JF_SECTOR), &slots[i], &why[i]);
        if (found[i] == SKN_OK && slots[i].sequence % 2 != i)
            found[i] = SKN_CORRUPT(&why[i], "it is in the place of the other one");
        if (found[i] == SKN_ENEWER)
            return SKN_FAIL(diag, SKN_ENEWER, "\"%s/super\": %s", dir, why[i].text);
    }
    if (found[0] != SKN_OK && found[1] != SKN_OK)
        return SKN_CORRUPT(
            diag, "damage in \"%s/super\" at offset 0 and 4096: %s", dir, why[0].text);
    *out_has_bad_slot = found[0] != SKN_OK || found[1] != SKN_OK;
    size_t best = found[0] != SKN_OK ? 1 : 0;
    if (!*out_has_bad_slot && slots[1].sequence > slots[0].sequence) best = 1;
    *out_super = slots[best];
    return SKN_OK;
}

static enum skn_rc
put_slot(struct skn_file *file, const struct skn_jf_super *super, struct skn_diag *diag)
{
    uint8_t sector[SKN_JF_SECTOR];
    skn_jf_put_super(super, sector);
    uint64_t at = super->sequence % 2 * SKN_JF_BLOCK;
    return skn_file_pwrite(file, at, sector, sizeof sector, diag);
}

enum skn_rc
skn_jf_write_super(struct skn_file *file, struct skn_jf_super *super, struct skn_diag *diag)
{
    super->sequence++;
    enum skn_rc rc = put_slot(file, super, diag);
    if (rc == SKN_OK) rc = skn_file_datasync(file, diag);
    return rc;
}

enum skn_rc skn_jf_make_super(struct skn_env *env,
                              const char *dir,
                              struct skn_jf_super *super,
                              struct skn_file **out_file,
                              struct skn_diag *diag)
{
    struct skn_file *file = NULL;
    enum skn_rc rc = skn_jf_open(env, dir, super_unfinished, SKN_OPEN_ANY, &file, diag);
    if (rc != SKN_OK) return rc;
    rc = skn_file_truncate(file, SKN_JF_SUPER_BYTES, diag);
    for (int i = 0; i < 2 && rc == SKN_OK; i++) {
        super->sequence++;
        rc = put_slot(file, super, diag);
    }
    if (rc == SKN_OK) rc = skn_file_sync(file, diag);
    if (rc == SKN_OK) rc = skn_jf_rename(env, dir, super_unfinished, super_name, diag);
    if (rc != SKN_OK) {
        skn_file_close(file);
        return rc;
    }
    *out_file = file;
    return SKN_OK;
}
