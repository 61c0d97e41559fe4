/* history_names.c - what lies in the folder for looking back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "shard/history_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 16, OK_BYTES_MAX = 64 };

/* 16 lower-case hex digits. */
static bool read_number(const char *text, uint64_t *out)
{
    uint64_t n = 0;
    for (int i = 0; i < DIGITS; i++) {
        char c = text[i];
        bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && !(c >= 'a' && c <= 'f')) return false;
        n = n << 4 | (uint64_t)(is_digit ? c - '0' : c - 'a' + 10);
    }
    *out = n;
    return true;
}

static struct history_base *find_base(struct history_names *names, uint64_t made, uint64_t segment)
{
    size_t i = 0;
    while (i < names->base_count && names->bases[i].made_ms < made)
        i++;
    if (i < names->base_count && names->bases[i].made_ms == made &&
        names->bases[i].segment == segment)
        return &names->bases[i];
    names->bases = skn_realloc(names->bases, (names->base_count + 1) * sizeof *names->bases);
    memmove(&names->bases[i + 1], &names->bases[i], (names->base_count - i) * sizeof *names->bases);
    names->base_count++;
    names->bases[i] = (struct history_base){.made_ms = made, .segment = segment};
    return &names->bases[i];
}

static void take_base(struct history_names *names, const char *name)
{
    uint64_t made, segment;
    const char *end = name + 2 * DIGITS + 1;
    if (!read_number(name, &made) || name[DIGITS] != '-' ||
        !read_number(name + DIGITS + 1, &segment))
        return;
    if (strcmp(end, ".base") == 0)
        find_base(names, made, segment)->has_folder = true;
    else if (strcmp(end, ".ok") == 0)
        find_base(names, made, segment)->is_whole = true;
    else if (strcmp(end, ".tmp") == 0)
        (void)find_base(names, made, segment); /* one that was cut off */
}

static enum skn_rc take_name(void *ctx, const char *name)
{
    struct history_names *names = ctx;
    size_t len = strlen(name);
    uint64_t segment;
    if (len == DIGITS + 4 && strcmp(name + DIGITS, ".seg") == 0 && read_number(name, &segment)) {
        names->segments =
            skn_realloc(names->segments, (names->segment_count + 1) * sizeof *names->segments);
        names->segments[names->segment_count++] = segment;
    } else if (len > 2 * DIGITS + 1) {
        take_base(names, name);
    }
    return SKN_OK; /* a name that is not ours is left alone */
}

enum skn_rc
history_list(struct skn_env *env, const char *dir, struct history_names *out, struct skn_diag *diag)
{
    *out = (struct history_names){0};
    enum skn_rc rc = skn_env_list(env, dir, take_name, out, diag);
    if (rc != SKN_OK) history_names_fini(out);
    return rc;
}

void history_names_fini(struct history_names *names)
{
    skn_free(names->bases);
    skn_free(names->segments);
    *names = (struct history_names){0};
}

char *history_path(const char *dir, const char *name)
{
    size_t a = strlen(dir), b = strlen(name);
    char *path = skn_alloc(a + b + 2);
    memcpy(path, dir, a);
    path[a] = '/';
    memcpy(path + a + 1, name, b + 1);
    return path;
}

char *history_base_path(const char *dir, const struct history_base *base, const char *end)
{
    char name[HISTORY_NAME_BYTES];
    (void)snprintf(
        name, sizeof name, "%016" PRIx64 "-%016" PRIx64 "%s", base->made_ms, base->segment, end);
    return history_path(dir, name);
}

char *history_segment_path(const char *dir, uint64_t segment)
{
    char name[HISTORY_NAME_BYTES];
    (void)snprintf(name, sizeof name, "%016" PRIx64 ".seg", segment);
    return history_path(dir, name);
}

enum skn_rc history_lock(struct skn_env *env,
                         const char *dir,
                         enum skn_lock kind,
                         struct skn_file **out_lock,
                         struct skn_diag *diag)
{
    struct skn_file *file = NULL;
    char *path = history_path(dir, "lock");
    enum skn_open how = kind == SKN_LOCK_SHARED ? SKN_OPEN_READ : SKN_OPEN_ANY;
    enum skn_rc rc = skn_env_open(env, path, how, &file, diag);
    skn_free(path);
    if (rc == SKN_OK) rc = skn_file_lock(file, kind, diag);
    if (rc == SKN_OK)
        *out_lock = file;
    else
        skn_file_close(file);
    return rc;
}

bool history_is_whole(struct skn_env *env, const char *dir, const struct history_base *base)
{
    struct skn_file *file = NULL;
    char text[OK_BYTES_MAX];
    size_t len = 0;
    if (!base->is_whole || !base->has_folder) return false;
    char *path = history_base_path(dir, base, ".ok");
    enum skn_rc rc = skn_env_open(env, path, SKN_OPEN_READ, &file, NULL);
    if (rc == SKN_OK) rc = skn_file_pread(file, 0, text, sizeof text - 1, &len, NULL);
    skn_file_close(file);
    skn_free(path);
    text[len] = 0;
    return rc == SKN_OK && strcmp(text, HISTORY_OK_TEXT) == 0;
}

uint64_t history_from(struct skn_env *env, const char *dir)
{
    struct history_names names;
    uint64_t from = UINT64_MAX;
    if (history_list(env, dir, &names, NULL) != SKN_OK) return from;
    for (size_t i = 0; i < names.base_count; i++) {
        const struct history_base *base = &names.bases[i];
        if (base->segment < from && history_is_whole(env, dir, base)) from = base->segment;
    }
    history_names_fini(&names);
    return from;
}
