/* blob_rows.c - contents that stored rows name, and their files: checked, and copied [E45]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/blob_rows_internal.h"

#include "base/cursor.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "core/look.h"
#include "node/programs_internal.h"

#include <string.h>

enum { HASH = SKN_BLOB_HASH_BYTES, LISTS_BYTES_MAX = 1 << 30 };

/* What one shard after the other says; a look begins again where it stood. */
struct gathering {
    struct skn_call call;
    uint32_t shards;
    struct skn_buf stored; /* hash, size:8 of each content that has a file */
    struct skn_buf named;  /* hash, shard:4 of each that a shard names without a lease */
    struct skn_buf after;  /* the last address that was looked at */
    uint8_t last[HASH];    /* the last name, likewise */
    bool has_last;
    bool has_lost; /* one of the named ones was never stored: that one, and a shard that names it */
    uint8_t lost_hash[HASH];
    uint32_t lost_shard;
};

static enum skn_rc gather_stored(struct gathering *g, struct skn_store *store)
{
    struct skn_slice prefix = SKN_LIT("blob:Blob/"), address;
    for (;;) {
        struct skn_look_blob blob;
        bool goes_on = g->after.len > 0;
        struct skn_slice from = goes_on ? skn_buf_slice(&g->after) : prefix;
        enum skn_rc rc = skn_look_next_domain(store, from, goes_on, &address, &g->call.diag);
        if (rc == SKN_ENOENT || (rc == SKN_OK && !skn_slice_has_prefix(address, prefix)))
            return SKN_OK;
        if (rc != SKN_OK) return rc;
        struct skn_buf next;
        skn_buf_init(&next, SKN_ADDRESS_MAX + 1);
        skn_buf_put(&next, address);
        rc = skn_look_blob(store, skn_buf_slice(&next), &blob, &g->call.diag);
        if (rc == SKN_OK && blob.is_stored && !blob.is_going) {
            skn_buf_put(&g->stored, skn_slice(blob.hash, HASH));
            skn_buf_put_le64(&g->stored, blob.size);
        }
        bool is_done = rc == SKN_OK || rc == SKN_ENOENT; /* mail for one that has no rows yet */
        if (is_done) skn_buf_reset(&g->after);
        if (is_done) skn_buf_put(&g->after, skn_buf_slice(&next));
        skn_buf_fini(&next);
        if (!is_done) return rc;
    }
}

static enum skn_rc gather_named(struct gathering *g, struct skn_store *store)
{
    for (;;) {
        uint8_t hash[HASH];
        bool is_leased;
        enum skn_rc rc = skn_look_next_name(
            store, g->has_last ? g->last : NULL, hash, &is_leased, &g->call.diag);
        if (rc != SKN_OK) return rc == SKN_ENOENT ? SKN_OK : rc;
        memcpy(g->last, hash, HASH);
        g->has_last = true;
        if (is_leased) continue;
        skn_buf_put(&g->named, skn_slice(hash, HASH));
        skn_buf_put_le32(&g->named, g->call.shard);
    }
}

static enum skn_rc gather(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    (void)core;
    struct gathering *g = SKN_CONTAINER_OF(call, struct gathering, call);
    enum skn_rc rc = gather_stored(g, store);
    return rc == SKN_OK ? gather_named(g, store) : rc;
}

/* Counted, and not stored. What is being removed may be named by what came since: that is told by the
 * shards in the end, and counts as stored until then. */
static enum skn_rc
check_stored(struct gathering *g, struct skn_store *store, const uint8_t *hash, uint32_t shard)
{
    char address[SKN_BLOB_ADDRESS_SIZE];
    struct skn_look_blob blob;
    skn_look_blob_address(hash, address);
    enum skn_rc rc = skn_look_blob(store, skn_slice_str(address), &blob, &g->call.diag);
    if (rc != SKN_OK || blob.is_stored || blob.is_going) return rc;
    g->has_lost = true;
    memcpy(g->lost_hash, hash, HASH);
    g->lost_shard = shard;
    return SKN_OK;
}

/* The first row that names what is not there. */
static enum skn_rc name_lost(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    (void)core;
    struct gathering *g = SKN_CONTAINER_OF(call, struct gathering, call);
    struct skn_buf last, own;
    struct skn_slice row;
    struct skn_key_info info;
    char text[SKN_BLOB_HASH_TEXT];
    if (!g->has_lost || call->shard != g->lost_shard) return SKN_OK;
    skn_buf_init(&last, 2 * (size_t)SKN_KEY_MAX);
    skn_buf_init(&own, 2 * (size_t)SKN_KEY_MAX + 2);
    enum skn_rc rc = skn_look_next_naming(store, g->lost_hash, &last, &row, &call->diag);
    if (rc == SKN_OK) {
        skn_key_read(row, &info);
        skn_key_print(info.own, &own);
        skn_blob_hash_text(g->lost_hash, text);
        rc = SKN_CORRUPT(&call->diag,
                         "nobody ever put the blob %s, which %s%.*s of %.*s names",
                         text,
                         info.kind == SKN_KEY_OWN ? "row " : "a message",
                         SKN_FMT(skn_buf_slice(&own)),
                         SKN_FMT(info.address));
    }
    skn_buf_fini(&last);
    skn_buf_fini(&own);
    return rc;
}

/* Those of the named ones whose domain is in this shard are counted there. */
static enum skn_rc
check_named(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    (void)core;
    struct gathering *g = SKN_CONTAINER_OF(call, struct gathering, call);
    struct skn_cursor cursor = skn_cursor(skn_buf_slice(&g->named));
    while (!skn_cursor_is_done(&cursor)) {
        struct skn_slice hash = skn_cursor_bytes(&cursor, HASH);
        uint32_t shard = skn_cursor_le32(&cursor);
        char address[SKN_BLOB_ADDRESS_SIZE], text[SKN_BLOB_HASH_TEXT];
        skn_look_blob_address(hash.ptr, address);
        if (skn_shard_of(skn_slice_str(address), g->shards) != call->shard) continue;
        enum skn_rc rc = skn_look_holds(store, hash.ptr, shard, &call->diag);
        skn_blob_hash_text(hash.ptr, text);
        if (rc == SKN_ENOENT)
            return SKN_CORRUPT(&call->diag,
                               "rows of shard %u name the blob %s, and it does not count them",
                               shard,
                               text);
        if (rc == SKN_OK) rc = check_stored(g, store, hash.ptr, shard);
        if (rc != SKN_OK) return rc;
    }
    return SKN_OK;
}

typedef enum skn_rc call_fn(struct skn_call *, struct skn_core *, struct skn_store *);

static enum skn_rc
each_shard(struct gathering *g, struct skn_shards *shards, call_fn *fn, struct skn_diag *diag)
{
    for (uint32_t i = 0; i < skn_shards_count(shards); i++) {
        struct skn_shards_event event;
        skn_buf_reset(&g->after);
        g->has_last = false;
        g->call = (struct skn_call){.fn = fn, .shard = i};
        skn_shards_call(shards, &g->call);
        while (skn_shards_next_event(shards, &event)) {
        }
        if (g->call.rc == SKN_OK) continue;
        if (diag) *diag = g->call.diag;
        return g->call.rc;
    }
    return SKN_OK;
}

static void init(struct gathering *g)
{
    *g = (struct gathering){.has_last = false};
    skn_buf_init(&g->stored, LISTS_BYTES_MAX);
    skn_buf_init(&g->named, LISTS_BYTES_MAX);
    skn_buf_init(&g->after, SKN_ADDRESS_MAX + 1);
}

static void fini(struct gathering *g)
{
    skn_buf_fini(&g->stored);
    skn_buf_fini(&g->named);
    skn_buf_fini(&g->after);
}

/* `is_checked`: what is named must have been stored. */
static enum skn_rc
read_rows(struct skn_rows *rows, struct gathering *g, bool is_checked, struct skn_diag *diag)
{
    const struct skn_shards_options options = {.env = rows->env,
                                               .dir = rows->journal,
                                               .programs = engine_programs,
                                               .backend = rows->backend};
    struct skn_shards *shards = NULL;
    enum skn_rc rc = skn_shards_open_to_read(&options, &shards, diag);
    if (rc != SKN_OK) return rc;
    g->shards = skn_shards_count(shards);
    rc = each_shard(g, shards, gather, diag);
    if (rc == SKN_OK) rc = each_shard(g, shards, check_named, diag);
    if (rc == SKN_OK && is_checked) rc = each_shard(g, shards, name_lost, diag);
    skn_shards_abandon(shards);
    if (rc == SKN_OK) rc = skn_buf_rc(&g->stored);
    return rc == SKN_OK ? skn_buf_rc(&g->named) : rc;
}

/* NULL: there is no folder. */
static enum skn_rc open_files(struct skn_env *env,
                              const char *dir,
                              bool is_read_only,
                              struct skn_blobs **out,
                              struct skn_diag *diag)
{
    char *path = skn_path_join(dir, SKN_BLOBS_DIR);
    const struct skn_blobs_options options = {
        .env = env, .dir = path, .is_read_only = is_read_only};
    *out = NULL;
    enum skn_rc rc = skn_blobs_open(&options, out, diag);
    skn_free(path);
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

static enum skn_rc say_gone(const char *dir, const uint8_t *hash, struct skn_diag *diag)
{
    char text[SKN_BLOB_HASH_TEXT];
    skn_blob_hash_text(hash, text);
    return SKN_CORRUPT(diag,
                       "\"%s/" SKN_BLOBS_DIR
                       "/%s\" is gone: put the file back, or restore a backup",
                       dir,
                       text);
}

enum skn_rc skn_blob_rows_check(struct skn_rows *rows,
                                const char *dir,
                                struct skn_data_blobs *out,
                                struct skn_diag *diag)
{
    struct gathering g;
    struct skn_blobs *files = NULL;
    init(&g);
    enum skn_rc rc = read_rows(rows, &g, true, diag);
    if (rc == SKN_OK) rc = open_files(rows->env, dir, true, &files, diag);
    struct skn_cursor cursor = skn_cursor(skn_buf_slice(&g.stored));
    *out = (struct skn_data_blobs){0};
    while (rc == SKN_OK && !skn_cursor_is_done(&cursor)) {
        struct skn_slice hash = skn_cursor_bytes(&cursor, HASH);
        out->bytes += skn_cursor_le64(&cursor);
        out->count++;
        rc = files ? skn_blob_verify(files, hash.ptr, diag) : SKN_ENOENT;
        if (rc == SKN_ENOENT) rc = say_gone(dir, hash.ptr, diag);
    }
    skn_blobs_close(files);
    fini(&g);
    return rc;
}

static enum skn_rc copy_files(struct skn_blobs *from,
                              struct skn_blobs *to,
                              struct skn_slice stored,
                              const char *dir,
                              struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(stored);
    enum skn_rc rc = SKN_OK;
    while (rc == SKN_OK && !skn_cursor_is_done(&cursor)) {
        struct skn_slice hash = skn_cursor_bytes(&cursor, HASH);
        (void)skn_cursor_le64(&cursor);
        rc = from ? skn_blob_copy(from, to, hash.ptr, diag) : SKN_ENOENT;
        if (rc == SKN_ENOENT) rc = say_gone(dir, hash.ptr, diag);
    }
    return rc;
}

enum skn_rc
skn_blob_rows_copy(struct skn_rows *rows, const char *from, const char *to, struct skn_diag *diag)
{
    struct gathering g;
    struct skn_blobs *source = NULL, *target = NULL;
    init(&g);
    enum skn_rc rc = read_rows(rows, &g, false, diag);
    if (rc == SKN_OK && g.stored.len > 0) {
        rc = open_files(rows->env, from, true, &source, diag);
        if (rc == SKN_OK) rc = open_files(rows->env, to, false, &target, diag);
        if (rc == SKN_OK) rc = copy_files(source, target, skn_buf_slice(&g.stored), from, diag);
    }
    skn_blobs_close(target);
    skn_blobs_close(source);
    fini(&g);
    return rc;
}
