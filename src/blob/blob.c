/* blob.c - contents as files: stored, read, removed [E45]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob.h"

#include "base/buf.h"
#include "base/bug.h"
#include "base/hex.h"
#include "base/mem.h"

/* As in core/read.c: EVP looks up an implementation first. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

enum { READ_BYTES = 256 << 10, TEMP_RANDOM = 16, TEMP_LEN = 4 + 2 * TEMP_RANDOM };

static const char temp_prefix[] = "tmp-";

struct skn_blobs {
    struct skn_env *env;
    char *dir;
    uint64_t bytes_max;
    _Atomic bool is_durable; /* the folder itself, in this opening */
};

struct skn_blob_writer {
    struct skn_blobs *blobs;
    struct skn_file *file;
    char *path;
    uint64_t size;
    enum skn_rc rc; /* what failed: nothing is tried again */
    SHA256_CTX sha;
    uint8_t hash[SKN_BLOB_HASH_BYTES]; /* when it is sealed */
    bool is_sealed;
};

/* --- names ---------------------------------------------------------------------------------------- */

void skn_blob_hash_text(const uint8_t hash[SKN_BLOB_HASH_BYTES], char out[SKN_BLOB_HASH_TEXT])
{
    skn_hex(hash, SKN_BLOB_HASH_BYTES, out);
}

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool skn_blob_hash_read(struct skn_slice text, uint8_t out[SKN_BLOB_HASH_BYTES])
{
    uint8_t hash[SKN_BLOB_HASH_BYTES];
    if (text.len != 2 * sizeof hash) return false;
    for (size_t i = 0; i < sizeof hash; i++) {
        int high = digit_of(text.ptr[2 * i]), low = digit_of(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        hash[i] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
    }
    memcpy(out, hash, sizeof hash);
    return true;
}

void skn_blob_hash_of(struct skn_slice bytes, uint8_t out[SKN_BLOB_HASH_BYTES])
{
    static_assert(SHA256_DIGEST_LENGTH == SKN_BLOB_HASH_BYTES, "the address is SHA-256");
    SHA256_CTX sha;
    (void)SHA256_Init(&sha);
    (void)SHA256_Update(&sha, bytes.ptr, bytes.len);
    (void)SHA256_Final(out, &sha);
}

static char *path_in(const struct skn_blobs *blobs, const char *name)
{
    size_t dir = strlen(blobs->dir), len = strlen(name);
    char *path = skn_alloc(dir + len + 2);
    memcpy(path, blobs->dir, dir);
    path[dir] = '/';
    memcpy(path + dir + 1, name, len + 1);
    return path;
}

static char *path_of(const struct skn_blobs *blobs, const uint8_t *hash)
{
    char name[SKN_BLOB_HASH_TEXT];
    skn_blob_hash_text(hash, name);
    return path_in(blobs, name);
}

/* --- opening -------------------------------------------------------------------------------------- */

struct sweep {
    struct skn_blobs *blobs;
    struct skn_buf names; /* each with its NUL: a folder is not changed while it is listed */
};

static enum skn_rc note_temp(void *ctx, const char *name)
{
    struct sweep *sweep = ctx;
    if (strncmp(name, temp_prefix, sizeof temp_prefix - 1) == 0)
        skn_buf_put(&sweep->names, skn_slice(name, strlen(name) + 1));
    return SKN_OK;
}

/* What was being written when a process died. */
static enum skn_rc remove_temps(struct skn_blobs *blobs, struct skn_diag *diag)
{
    struct sweep sweep = {.blobs = blobs};
    skn_buf_init(&sweep.names, 64 << 20);
    enum skn_rc rc = skn_env_list(blobs->env, blobs->dir, note_temp, &sweep, diag);
    if (rc == SKN_OK) rc = skn_buf_rc(&sweep.names);
    for (size_t at = 0; rc == SKN_OK && at < sweep.names.len;) {
        const char *name = (const char *)sweep.names.ptr + at;
        char *path = path_in(blobs, name);
        at += strlen(name) + 1;
        rc = skn_env_unlink(blobs->env, path, diag);
        skn_free(path);
    }
    skn_buf_fini(&sweep.names);
    return rc;
}

static enum skn_rc sync_parent(struct skn_blobs *blobs, struct skn_diag *diag)
{
    const char *slash = strrchr(blobs->dir, '/');
    size_t len = slash ? (size_t)(slash - blobs->dir) : 1;
    char *parent = slash ? skn_dup(blobs->dir, len ? len : 1) : skn_dup(".", 1);
    enum skn_rc rc = skn_env_sync_dir(blobs->env, parent, diag);
    skn_free(parent);
    return rc;
}

static enum skn_rc begin(struct skn_blobs *blobs, bool is_guest, struct skn_diag *diag)
{
    enum skn_rc rc = skn_env_mkdir(blobs->env, blobs->dir, diag);
    if (rc != SKN_OK && rc != SKN_EEXIST) return rc;
    return is_guest ? SKN_OK : remove_temps(blobs, diag);
}

static enum skn_rc see_nothing(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return SKN_OK;
}

enum skn_rc skn_blobs_open(const struct skn_blobs_options *options,
                           struct skn_blobs **out_blobs,
                           struct skn_diag *diag)
{
    struct skn_blobs *blobs = skn_alloc_zero(1, sizeof *blobs);
    blobs->env = options->env;
    blobs->dir = skn_dup(options->dir, strlen(options->dir));
    blobs->bytes_max = options->bytes_max ? options->bytes_max : SKN_BLOB_BYTES_MAX;
    enum skn_rc rc = options->is_read_only
                         ? skn_env_list(blobs->env, blobs->dir, see_nothing, NULL, diag)
                         : begin(blobs, options->is_guest, diag);
    if (rc == SKN_OK)
        *out_blobs = blobs;
    else
        skn_blobs_close(blobs);
    return rc;
}

void skn_blobs_close(struct skn_blobs *blobs)
{
    if (!blobs) return;
    skn_free(blobs->dir);
    skn_free(blobs);
}

/* --- storing ---------------------------------------------------------------------------------------- */

enum skn_rc
skn_blob_begin(struct skn_blobs *blobs, struct skn_blob_writer **out_writer, struct skn_diag *diag)
{
    uint8_t random[TEMP_RANDOM];
    char name[TEMP_LEN + 1];
    enum skn_rc rc = skn_env_random(blobs->env, random, sizeof random, diag);
    if (rc != SKN_OK) return rc;
    memcpy(name, temp_prefix, sizeof temp_prefix);
    skn_hex(random, sizeof random, name + sizeof temp_prefix - 1);
    struct skn_blob_writer *writer = skn_alloc_zero(1, sizeof *writer);
    writer->blobs = blobs;
    writer->path = path_in(blobs, name);
    (void)SHA256_Init(&writer->sha);
    rc = skn_env_open(blobs->env, writer->path, SKN_OPEN_CREATE, &writer->file, diag);
    if (rc == SKN_OK) {
        *out_writer = writer;
        return SKN_OK;
    }
    skn_free(writer->path);
    skn_free(writer);
    return rc;
}

enum skn_rc
skn_blob_write(struct skn_blob_writer *writer, struct skn_slice bytes, struct skn_diag *diag)
{
    SKN_ASSERT(writer->rc == SKN_OK && !writer->is_sealed);
    if (bytes.len == 0) return SKN_OK;
    uint64_t max = writer->blobs->bytes_max;
    if (bytes.len > max - writer->size)
        return writer->rc = SKN_FAIL(diag,
                                     SKN_ETOOLARGE,
                                     "a blob is larger than %llu bytes",
                                     (unsigned long long)max);
    writer->rc = skn_file_pwrite(writer->file, writer->size, bytes.ptr, bytes.len, diag);
    if (writer->rc != SKN_OK) return writer->rc;
    (void)SHA256_Update(&writer->sha, bytes.ptr, bytes.len);
    writer->size += bytes.len;
    return SKN_OK;
}

static void free_writer(struct skn_blob_writer *writer)
{
    skn_file_close(writer->file);
    skn_free(writer->path);
    skn_free(writer);
}

void skn_blob_abandon(struct skn_blob_writer *writer)
{
    if (!writer) return;
    /* Where that fails the next opening does it. */
    enum skn_rc rc = skn_env_unlink(writer->blobs->env, writer->path, NULL);
    (void)rc;
    free_writer(writer);
}

/* The name first, then the folder: also when the content was there, since who moved the name may have
 * been killed before its sync. */
static enum skn_rc
name_it(struct skn_blob_writer *writer, const uint8_t *hash, struct skn_diag *diag)
{
    struct skn_blobs *blobs = writer->blobs;
    char *path = path_of(blobs, hash);
    enum skn_rc rc = SKN_OK;
    /* One that was there at the opening may be in the page cache alone, too; an opening that stores
     * nothing needs no sync. */
    if (!blobs->is_durable && (rc = sync_parent(blobs, diag)) == SKN_OK) blobs->is_durable = true;
    if (rc == SKN_OK) rc = skn_env_rename(blobs->env, writer->path, path, diag);
    if (rc == SKN_OK && !skn_bug(SKN_BUG_BLOB_NAME_LOST))
        rc = skn_env_sync_dir(blobs->env, blobs->dir, diag);
    skn_free(path);
    return rc;
}

void skn_blob_seal(struct skn_blob_writer *writer,
                   uint8_t out_hash[SKN_BLOB_HASH_BYTES],
                   uint64_t *out_size)
{
    SKN_ASSERT(writer->rc == SKN_OK);
    if (!writer->is_sealed) (void)SHA256_Final(writer->hash, &writer->sha);
    writer->is_sealed = true;
    memcpy(out_hash, writer->hash, sizeof writer->hash);
    *out_size = writer->size;
}

enum skn_rc skn_blob_finish(struct skn_blob_writer *writer,
                            uint8_t out_hash[SKN_BLOB_HASH_BYTES],
                            uint64_t *out_size,
                            struct skn_diag *diag)
{
    uint8_t hash[SKN_BLOB_HASH_BYTES];
    uint64_t size;
    skn_blob_seal(writer, hash, &size);
    enum skn_rc rc = skn_bug(SKN_BUG_BLOB_NOT_SYNCED) ? SKN_OK : skn_file_sync(writer->file, diag);
    if (rc != SKN_OK) {
        skn_blob_abandon(writer);
        return rc;
    }
    rc = name_it(writer, hash, diag);
    if (rc == SKN_OK) {
        memcpy(out_hash, hash, sizeof hash);
        *out_size = writer->size;
        free_writer(writer);
    } else {
        skn_blob_abandon(writer);
    }
    return rc;
}

enum skn_rc skn_blob_put(struct skn_blobs *blobs,
                         struct skn_slice bytes,
                         uint8_t out_hash[SKN_BLOB_HASH_BYTES],
                         struct skn_diag *diag)
{
    struct skn_blob_writer *writer = NULL;
    uint64_t size;
    enum skn_rc rc = skn_blob_begin(blobs, &writer, diag);
    if (rc != SKN_OK) return rc;
    rc = skn_blob_write(writer, bytes, diag);
    if (rc == SKN_OK) return skn_blob_finish(writer, out_hash, &size, diag);
    skn_blob_abandon(writer);
    return rc;
}

/* --- reading ---------------------------------------------------------------------------------------- */

enum skn_rc skn_blob_open(struct skn_blobs *blobs,
                          const uint8_t hash[SKN_BLOB_HASH_BYTES],
                          struct skn_file **out_file,
                          uint64_t *out_size,
                          struct skn_diag *diag)
{
    struct skn_file *file = NULL;
    char *path = path_of(blobs, hash);
    enum skn_rc rc = skn_env_open(blobs->env, path, SKN_OPEN_READ, &file, diag);
    skn_free(path);
    if (rc != SKN_OK) return rc;
    rc = skn_file_size(file, out_size, diag);
    if (rc == SKN_OK)
        *out_file = file;
    else
        skn_file_close(file);
    return rc;
}

/* Reads a content to its end, hands it to `writer` where there is one, and compares its hash. */
static enum skn_rc go_through(struct skn_blobs *blobs,
                              const uint8_t *hash,
                              struct skn_blob_writer *writer,
                              struct skn_diag *diag)
{
    struct skn_file *file = NULL;
    uint8_t *bytes, found[SKN_BLOB_HASH_BYTES];
    uint64_t size;
    SHA256_CTX sha;
    enum skn_rc rc = skn_blob_open(blobs, hash, &file, &size, diag);
    if (rc != SKN_OK) return rc;
    bytes = skn_alloc(READ_BYTES);
    (void)SHA256_Init(&sha);
    size_t len = READ_BYTES;
    for (uint64_t at = 0; rc == SKN_OK && len == READ_BYTES; at += len) {
        rc = skn_file_pread(file, at, bytes, READ_BYTES, &len, diag);
        if (rc == SKN_OK) (void)SHA256_Update(&sha, bytes, len);
        if (rc == SKN_OK && writer) rc = skn_blob_write(writer, skn_slice(bytes, len), diag);
    }
    skn_free(bytes);
    skn_file_close(file);
    (void)SHA256_Final(found, &sha);
    if (rc != SKN_OK || memcmp(found, hash, sizeof found) == 0) return rc;
    char name[SKN_BLOB_HASH_TEXT];
    skn_blob_hash_text(hash, name);
    return SKN_CORRUPT(diag, "the content of blob %s is not what its name says", name);
}

enum skn_rc skn_blob_verify(struct skn_blobs *blobs,
                            const uint8_t hash[SKN_BLOB_HASH_BYTES],
                            struct skn_diag *diag)
{
    return go_through(blobs, hash, NULL, diag);
}

struct listing {
    skn_blob_fn fn;
    void *ctx;
};

static enum skn_rc list_one(void *ctx, const char *name)
{
    struct listing *listing = ctx;
    uint8_t hash[SKN_BLOB_HASH_BYTES];
    if (!skn_blob_hash_read(skn_slice_str(name), hash)) return SKN_OK;
    return listing->fn(listing->ctx, hash);
}

enum skn_rc
skn_blobs_list(struct skn_blobs *blobs, skn_blob_fn fn, void *ctx, struct skn_diag *diag)
{
    struct listing listing = {.fn = fn, .ctx = ctx};
    return skn_env_list(blobs->env, blobs->dir, list_one, &listing, diag);
}

/* --- removing, copying -------------------------------------------------------------------------------- */

enum skn_rc skn_blob_remove(struct skn_blobs *blobs,
                            const uint8_t hash[SKN_BLOB_HASH_BYTES],
                            struct skn_diag *diag)
{
    char *path = path_of(blobs, hash);
    enum skn_rc rc = skn_env_unlink(blobs->env, path, diag);
    skn_free(path);
    /* Gone already it may be in the page cache alone. */
    if (rc == SKN_OK || rc == SKN_ENOENT) rc = skn_env_sync_dir(blobs->env, blobs->dir, diag);
    return rc;
}

enum skn_rc skn_blob_copy(struct skn_blobs *from,
                          struct skn_blobs *to,
                          const uint8_t hash[SKN_BLOB_HASH_BYTES],
                          struct skn_diag *diag)
{
    struct skn_blob_writer *writer = NULL;
    uint8_t stored[SKN_BLOB_HASH_BYTES];
    uint64_t size;
    enum skn_rc rc = skn_blob_begin(to, &writer, diag);
    if (rc != SKN_OK) return rc;
    rc = go_through(from, hash, writer, diag);
    if (rc == SKN_OK) return skn_blob_finish(writer, stored, &size, diag);
    skn_blob_abandon(writer);
    return rc;
}
