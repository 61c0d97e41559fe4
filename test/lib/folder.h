/* folder.h - a fresh folder for one test, and small files in it. */
#pragma once

#include "lib/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FOLDER_PATH_MAX = 4096 };

struct folder {
    char path[64];
};

static inline void folder_make(struct folder *f)
{
    (void)snprintf(f->path, sizeof(f->path), "/tmp/skein-test-XXXXXX");
    assert_non_null(mkdtemp(f->path));
}

static inline int
folder_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)ftw;
    if (flag == FTW_DP) (void)chmod(path, 0700);
    return remove(path);
}

/* Tried again for a while: a holder that waited for a lock may come and go once more in between. */
static inline void folder_remove(struct folder *f)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    int rc = -1;
    for (int i = 0; i < 100 && rc != 0; i++) {
        rc = nftw(f->path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
        if (rc != 0) (void)nanosleep(&pause, NULL);
    }
    assert_int_equal(rc, 0);
}

/* The path of a name inside; each call has its own place among eight. */
static inline const char *folder_at(const struct folder *f, const char *name)
{
    static char paths[8][FOLDER_PATH_MAX];
    static size_t next;
    char *path = paths[next++ % 8];
    assert_true(strlen(f->path) + strlen(name) + 2 <= FOLDER_PATH_MAX);
    (void)snprintf(path, FOLDER_PATH_MAX, "%s/%s", f->path, name);
    return path;
}

static inline void folder_mkdir(const struct folder *f, const char *name)
{
    assert_int_equal(mkdir(folder_at(f, name), 0700), 0);
}

static inline void folder_write(const struct folder *f, const char *name, const char *text)
{
    FILE *file = fopen(folder_at(f, name), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/* The whole file as a string that the caller frees; NULL when it is not there. */
static inline char *folder_read(const struct folder *f, const char *name)
{
    FILE *file = fopen(folder_at(f, name), "r");
    if (!file) return NULL;
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    size_t n = fread(text, 1, (1 << 20) - 1, file);
    text[n] = 0;
    (void)fclose(file);
    return text;
}

/* The same of a file that must be there. */
static inline char *folder_must_read(const struct folder *f, const char *name)
{
    char *text = folder_read(f, name);
    if (!text) {
        fail_msg("there is no %s", name);
        abort(); /* not reached: the compiler does not know that fail_msg leaves */
    }
    return text;
}
