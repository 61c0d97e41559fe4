/* mark.c - `skein.mark`: how much RocksDB must know, and the lock of the folder. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rocks/mark_internal.h"

#include "base/buf.h"
#include "base/cursor.h"
#include "base/mem.h"

#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

static const char mark_name[] = "skein.mark";
static const char mark_unfinished[] = "skein.mark.tmp";
static const char magic[8] = {'s', 'k', 'e', 'i', 'n', 'r', 'k', 's'};

enum { CHECKED_BYTES = SKN_MARK_SLOT_BYTES - 8, FILE_BYTES = 2 * SKN_MARK_SLOT_STEP };

enum slot_kind { SLOT_BLANK, SLOT_GOOD, SLOT_NEWER, SLOT_BAD };

struct slot {
    enum slot_kind kind;
    uint32_t level;
    uint64_t commits;
    uint8_t store_id[SKN_ROCKS_ID_BYTES];
};

char *skn_rocks_path(const char *dir, const char *name)
{
    size_t a = strlen(dir), b = strlen(name);
    char *path = skn_alloc(a + b + 2);
    memcpy(path, dir, a);
    path[a] = '/';
    memcpy(path + a + 1, name, b + 1);
    return path;
}

static void encode(const uint8_t store_id[SKN_ROCKS_ID_BYTES],
                   uint64_t commits,
                   uint8_t out[SKN_MARK_SLOT_BYTES])
{
    struct skn_buf buf;
    skn_buf_init(&buf, SKN_MARK_SLOT_BYTES);
    skn_buf_put(&buf, skn_slice(magic, sizeof magic));
    skn_buf_put_le32(&buf, SKN_ROCKS_LEVEL);
    skn_buf_put_le32(&buf, 0);
    skn_buf_put(&buf, skn_slice(store_id, SKN_ROCKS_ID_BYTES));
    skn_buf_put_le64(&buf, commits);
    SKN_ASSERT(buf.len == CHECKED_BYTES);
    skn_buf_put_le64(&buf, XXH3_64bits(buf.ptr, buf.len));
    memcpy(out, buf.ptr, SKN_MARK_SLOT_BYTES);
    skn_buf_fini(&buf);
}

static struct slot decode(const uint8_t bytes[SKN_MARK_SLOT_BYTES])
{
    static const uint8_t blank[SKN_MARK_SLOT_BYTES];
    if (memcmp(bytes, blank, sizeof blank) == 0) return (struct slot){.kind = SLOT_BLANK};
    struct skn_cursor c = skn_cursor(skn_slice(bytes, SKN_MARK_SLOT_BYTES));
    struct slot slot = {.kind = SLOT_GOOD};
    struct skn_slice head = skn_cursor_bytes(&c, sizeof magic);
    slot.level = skn_cursor_le32(&c);
    (void)skn_cursor_le32(&c);
    memcpy(slot.store_id, skn_cursor_bytes(&c, SKN_ROCKS_ID_BYTES).ptr, SKN_ROCKS_ID_BYTES);
    slot.commits = skn_cursor_le64(&c);
    if (memcmp(head.ptr, magic, sizeof magic) != 0 ||
        skn_cursor_le64(&c) != XXH3_64bits(bytes, CHECKED_BYTES))
        slot.kind = SLOT_BAD;
    else if (slot.level > SKN_ROCKS_LEVEL)
        slot.kind = SLOT_NEWER;
    return slot;
}

static enum skn_rc write_new(struct skn_env *env,
                             const char *path,
                             const uint8_t slot[SKN_MARK_SLOT_BYTES],
                             struct skn_diag *diag)
{
    struct skn_file *file = NULL;
    enum skn_rc rc = skn_env_open(env, path, SKN_OPEN_ANY, &file, diag);
    if (rc != SKN_OK) return rc;
    rc = skn_file_truncate(file, 0, diag); /* what a cut-off creation left */
    if (rc == SKN_OK) rc = skn_file_truncate(file, FILE_BYTES, diag);
    if (rc == SKN_OK) rc = skn_file_pwrite(file, 0, slot, SKN_MARK_SLOT_BYTES, diag);
    if (rc == SKN_OK) rc = skn_file_sync(file, diag);
    skn_file_close(file);
    return rc;
}

enum skn_rc skn_mark_make(struct skn_env *env,
                          const char *dir,
                          const uint8_t store_id[SKN_ROCKS_ID_BYTES],
                          uint64_t commits,
                          struct skn_diag *diag)
{
    uint8_t slot[SKN_MARK_SLOT_BYTES];
    encode(store_id, commits, slot);
    char *unfinished = skn_rocks_path(dir, mark_unfinished);
    char *path = skn_rocks_path(dir, mark_name);
    enum skn_rc rc = write_new(env, unfinished, slot, diag);
    if (rc == SKN_OK) rc = skn_env_rename(env, unfinished, path, diag);
    if (rc == SKN_OK) rc = skn_env_sync_dir(env, dir, diag);
    skn_free(path);
    skn_free(unfinished);
    return rc;
}

static enum skn_rc take_newest(struct skn_mark *mark,
                               const struct slot slots[2],
                               const char *path,
                               struct skn_diag *diag)
{
    for (unsigned i = 0; i < 2; i++)
        if (slots[i].kind == SLOT_NEWER)
            return SKN_FAIL(diag,
                            SKN_ENEWER,
                            "\"%s\" is of format level %" PRIu32 ", this version knows up to %d",
                            path,
                            slots[i].level,
                            SKN_ROCKS_LEVEL);
    bool has[2] = {slots[0].kind == SLOT_GOOD, slots[1].kind == SLOT_GOOD};
    if (!has[0] && !has[1])
        return SKN_CORRUPT(diag,
                           "\"%s\": both slots are malformed, at offsets 0 and %d",
                           path,
                           SKN_MARK_SLOT_STEP);
    if (has[0] && has[1] && memcmp(slots[0].store_id, slots[1].store_id, SKN_ROCKS_ID_BYTES) != 0)
        return SKN_CORRUPT(diag, "\"%s\": its two slots are of different stores", path);
    mark->slot = !has[0] || (has[1] && slots[1].commits > slots[0].commits);
    mark->commits = slots[mark->slot].commits;
    memcpy(mark->store_id, slots[mark->slot].store_id, SKN_ROCKS_ID_BYTES);
    mark->is_damaged = slots[!mark->slot].kind == SLOT_BAD;
    return SKN_OK;
}

static enum skn_rc read_mark(struct skn_mark *mark, const char *path, struct skn_diag *diag)
{
    uint8_t bytes[2][SKN_MARK_SLOT_BYTES];
    struct slot slots[2];
    for (unsigned i = 0; i < 2; i++) {
        size_t got = 0;
        uint64_t at = (uint64_t)i * SKN_MARK_SLOT_STEP;
        enum skn_rc rc = skn_file_pread(mark->file, at, bytes[i], SKN_MARK_SLOT_BYTES, &got, diag);
        if (rc != SKN_OK) return rc;
        if (got != SKN_MARK_SLOT_BYTES) return SKN_CORRUPT(diag, "\"%s\" is cut short", path);
        slots[i] = decode(bytes[i]);
    }
    return take_newest(mark, slots, path, diag);
}

enum skn_rc skn_mark_open(struct skn_env *env,
                          const char *dir,
                          bool is_read_only,
                          struct skn_mark *out_mark,
                          struct skn_diag *diag)
{
    struct skn_mark mark = {0};
    char *path = skn_rocks_path(dir, mark_name);
    enum skn_rc rc =
        skn_env_open(env, path, is_read_only ? SKN_OPEN_READ : SKN_OPEN_WRITE, &mark.file, diag);
    if (rc == SKN_OK)
        rc = skn_file_lock(mark.file, is_read_only ? SKN_LOCK_SHARED : SKN_LOCK_EXCLUSIVE, diag);
    if (rc == SKN_EBUSY) skn_diag_prefix(diag, "another process has the store \"%s\" open", dir);
    if (rc == SKN_OK) rc = read_mark(&mark, path, diag);
    skn_free(path);
    if (rc == SKN_OK)
        *out_mark = mark;
    else
        skn_file_close(mark.file);
    return rc;
}

void skn_mark_close(struct skn_mark *mark)
{
    skn_file_close(mark->file);
    *mark = (struct skn_mark){0};
}

enum skn_rc skn_mark_set(struct skn_mark *mark, uint64_t commits, struct skn_diag *diag)
{
    SKN_ASSERT(commits > mark->commits);
    uint8_t slot[SKN_MARK_SLOT_BYTES];
    encode(mark->store_id, commits, slot);
    unsigned other = !mark->slot;
    uint64_t at = (uint64_t)other * SKN_MARK_SLOT_STEP;
    enum skn_rc rc = skn_file_pwrite(mark->file, at, slot, sizeof slot, diag);
    if (rc == SKN_OK) rc = skn_file_datasync(mark->file, diag);
    if (rc != SKN_OK) return rc;
    mark->slot = other;
    mark->commits = commits;
    mark->is_damaged = false;
    return SKN_OK;
}
