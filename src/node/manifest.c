/* manifest.c - what a backup consists of, as text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/manifest_internal.h"

#include "base/hex.h"
#include "base/mem.h"
#include "env/env.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { READ_BYTES = 1 << 20, LEVEL = 1, HEX_MAX = 2 * SKN_SHA256_BYTES + 1 };

static const char manifest_name[] = "manifest";

void skn_manifest_fini(struct skn_manifest *manifest)
{
    skn_free(manifest->shards);
    skn_free(manifest->files);
    *manifest = (struct skn_manifest){0};
}

void skn_manifest_add_shard(struct skn_manifest *manifest, const struct skn_manifest_shard *shard)
{
    size_t n = manifest->shard_count + 1;
    manifest->shards = skn_realloc(manifest->shards, n * sizeof *manifest->shards);
    manifest->shards[n - 1] = *shard;
    manifest->shard_count = n;
}

static void add_file(struct skn_manifest *manifest, const struct skn_manifest_file *file)
{
    size_t n = manifest->file_count + 1;
    manifest->files = skn_realloc(manifest->files, n * sizeof *manifest->files);
    manifest->files[n - 1] = *file;
    manifest->file_count = n;
}

static void sum_of(struct skn_slice bytes, uint8_t out[SKN_SHA256_BYTES])
{
    int ok = EVP_Digest(bytes.ptr, bytes.len, out, NULL, EVP_sha256(), NULL);
    SKN_ASSERT(ok == 1);
}

/* --- files ---------------------------------------------------------------------------------------- */

static enum skn_rc
digest(struct skn_file *file, EVP_MD_CTX *md, struct skn_manifest_file *out, struct skn_diag *diag)
{
    uint8_t *bytes = skn_alloc(READ_BYTES);
    size_t len = READ_BYTES;
    enum skn_rc rc = SKN_OK;
    int ok = EVP_DigestInit_ex(md, EVP_sha256(), NULL);
    for (out->bytes = 0; rc == SKN_OK && len == READ_BYTES; out->bytes += len) {
        rc = skn_file_pread(file, out->bytes, bytes, READ_BYTES, &len, diag);
        if (rc == SKN_OK) ok &= EVP_DigestUpdate(md, bytes, len);
    }
    ok &= EVP_DigestFinal_ex(md, out->sum, NULL);
    SKN_ASSERT(ok == 1);
    skn_free(bytes);
    return rc;
}

/* Fills in bytes and sum of `dir/out->name`. */
static enum skn_rc
measure(struct skn_env *env, const char *dir, struct skn_manifest_file *out, struct skn_diag *diag)
{
    struct skn_file *file = NULL;
    char *path = skn_path_join(dir, out->name);
    enum skn_rc rc = skn_env_open(env, path, SKN_OPEN_READ, &file, diag);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    SKN_ASSERT(md);
    if (rc == SKN_OK) rc = digest(file, md, out, diag);
    EVP_MD_CTX_free(md);
    skn_file_close(rc == SKN_OK || file ? file : NULL);
    skn_free(path);
    return rc;
}

struct listing {
    struct skn_manifest *manifest;
    const char *folder;
    struct skn_diag *diag;
};

static enum skn_rc note_name(void *ctx, const char *name)
{
    struct listing *listing = ctx;
    struct skn_manifest_file file = {.bytes = 0};
    size_t a = strlen(listing->folder), b = strlen(name);
    if (a + 1 + b > SKN_MANIFEST_NAME_MAX || strchr(name, '\n'))
        return SKN_FAIL(listing->diag, SKN_EARGS, "\"%s\" is no name for a file here", name);
    memcpy(file.name, listing->folder, a);
    file.name[a] = '/';
    memcpy(file.name + a + 1, name, b);
    add_file(listing->manifest, &file);
    return SKN_OK;
}

static int by_name(const void *a, const void *b)
{
    const struct skn_manifest_file *x = a, *y = b;
    return strcmp(x->name, y->name);
}

enum skn_rc skn_manifest_add_folder(struct skn_manifest *manifest,
                                    struct skn_env *env,
                                    const char *dir,
                                    const char *folder,
                                    struct skn_diag *diag)
{
    struct listing listing = {.manifest = manifest, .folder = folder, .diag = diag};
    size_t before = manifest->file_count;
    char *path = skn_path_join(dir, folder);
    enum skn_rc rc = skn_env_list(env, path, note_name, &listing, diag);
    skn_free(path);
    if (rc == SKN_ENOENT) return SKN_OK;
    for (size_t i = before; rc == SKN_OK && i < manifest->file_count; i++)
        rc = measure(env, dir, &manifest->files[i], diag);
    if (rc == SKN_OK && manifest->file_count > 0)
        qsort(manifest->files, manifest->file_count, sizeof *manifest->files, by_name);
    return rc;
}

/* --- text ----------------------------------------------------------------------------------------- */

void skn_manifest_put(const struct skn_manifest *manifest, struct skn_buf *out)
{
    char hex[HEX_MAX];
    uint8_t sum[SKN_SHA256_BYTES];
    skn_hex(manifest->store_id, sizeof manifest->store_id, hex);
    skn_buf_printf(
        out, "skein-backup %d\nstore %s\nmade %" PRIu64 "\n", LEVEL, hex, manifest->made_ms);
    for (size_t i = 0; i < manifest->shard_count; i++) {
        const struct skn_manifest_shard *s = &manifest->shards[i];
        skn_buf_printf(out,
                       "shard %zu %" PRIu64 " %016" PRIx64 "%016" PRIx64 "\n",
                       i,
                       s->index,
                       s->state.hi,
                       s->state.lo);
    }
    for (size_t i = 0; i < manifest->file_count; i++) {
        const struct skn_manifest_file *f = &manifest->files[i];
        skn_hex(f->sum, sizeof f->sum, hex);
        skn_buf_printf(out, "file %s %" PRIu64 " %s\n", hex, f->bytes, f->name);
    }
    sum_of(skn_buf_slice(out), sum);
    skn_hex(sum, sizeof sum, hex);
    skn_buf_printf(out, "end %s\n", hex);
}

/* The words of one line, taken off from the left. */
struct line {
    struct skn_slice rest;
    bool is_bad;
};

static struct skn_slice next_word(struct line *line)
{
    size_t n = 0;
    while (n < line->rest.len && line->rest.ptr[n] != ' ')
        n++;
    struct skn_slice word = skn_slice(line->rest.ptr, n);
    if (n == 0) line->is_bad = true;
    line->rest = skn_slice_from(line->rest, n < line->rest.len ? n + 1 : n);
    return word;
}

static uint64_t next_number(struct line *line)
{
    struct skn_slice word = next_word(line);
    uint64_t n = 0;
    for (size_t i = 0; i < word.len; i++) {
        unsigned digit = word.ptr[i] - (unsigned)'0';
        if (digit > 9 || n > (UINT64_MAX - digit) / 10) line->is_bad = true;
        n = 10 * n + digit;
    }
    return n;
}

static void next_hex(struct line *line, uint8_t *out, size_t n)
{
    struct skn_slice word = next_word(line);
    if (word.len != 2 * n) line->is_bad = true;
    for (size_t i = 0; !line->is_bad && i < word.len; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = word.ptr[i] ? strchr(digits, word.ptr[i]) : NULL;
        if (!digit) line->is_bad = true;
        unsigned value = digit ? (unsigned)(digit - digits) : 0;
        out[i / 2] = (uint8_t)(i % 2 == 0 ? value << 4 : out[i / 2] | value);
    }
}

static void parse_shard(struct line *line, struct skn_manifest *out)
{
    uint8_t state[16] = {0};
    struct skn_manifest_shard shard = {0};
    if (next_number(line) != out->shard_count) line->is_bad = true;
    shard.index = next_number(line);
    next_hex(line, state, sizeof state);
    for (size_t i = 0; i < 8; i++) {
        shard.state.hi = shard.state.hi << 8 | state[i];
        shard.state.lo = shard.state.lo << 8 | state[8 + i];
    }
    skn_manifest_add_shard(out, &shard);
}

/* Only names that a backup has: a folder of ours and a plain name, or the text could lead elsewhere. */
static bool is_name_plain(struct skn_slice name)
{
    static const char *const folders[] = {"blobs/", "journal/", "store/"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(folders); i++) {
        struct skn_slice folder = skn_slice_str(folders[i]);
        if (!skn_slice_has_prefix(name, folder) || name.len > SKN_MANIFEST_NAME_MAX) continue;
        struct skn_slice rest = skn_slice_from(name, folder.len);
        return rest.len > 0 && rest.ptr[0] != '.' && !memchr(rest.ptr, '/', rest.len) &&
               !memchr(rest.ptr, 0, rest.len);
    }
    return false;
}

static void parse_file(struct line *line, struct skn_manifest *out)
{
    struct skn_manifest_file file = {.bytes = 0};
    next_hex(line, file.sum, sizeof file.sum);
    file.bytes = next_number(line);
    struct skn_slice name = line->rest;
    line->rest = (struct skn_slice){0};
    if (!is_name_plain(name)) line->is_bad = true;
    if (line->is_bad) return;
    memcpy(file.name, name.ptr, name.len);
    add_file(out, &file);
}

static bool parse_line(struct skn_slice text, struct skn_manifest *out)
{
    struct line line = {.rest = text};
    struct skn_slice kind = next_word(&line);
    if (skn_slice_eq(kind, SKN_LIT("store")))
        next_hex(&line, out->store_id, sizeof out->store_id);
    else if (skn_slice_eq(kind, SKN_LIT("made")))
        out->made_ms = next_number(&line);
    else if (skn_slice_eq(kind, SKN_LIT("shard")))
        parse_shard(&line, out);
    else if (skn_slice_eq(kind, SKN_LIT("file")))
        parse_file(&line, out);
    else
        return false;
    return !line.is_bad && line.rest.len == 0;
}

static bool take_line(struct skn_slice *text, struct skn_slice *out_line)
{
    const uint8_t *end = text->len > 0 ? memchr(text->ptr, '\n', text->len) : NULL;
    if (!end) return false;
    *out_line = skn_slice(text->ptr, (size_t)(end - text->ptr));
    *text = skn_slice_from(*text, out_line->len + 1);
    return true;
}

/* The first line and the last one: whether the rest is to be believed. */
static enum skn_rc
check_frame(struct skn_slice text, struct skn_slice *out_body, struct skn_diag *diag)
{
    static const char end_word[] = "end ";
    const size_t end_bytes = sizeof end_word - 1 + HEX_MAX; /* with its line feed */
    char expected[HEX_MAX];
    uint8_t sum[SKN_SHA256_BYTES];
    struct skn_slice first = {0}, rest = text;
    if (!take_line(&rest, &first)) return SKN_CORRUPT(diag, "it is empty or cut short");
    struct line line = {.rest = first};
    if (!skn_slice_eq(next_word(&line), SKN_LIT("skein-backup")))
        return SKN_CORRUPT(diag, "it is not the manifest of a backup");
    uint64_t level = next_number(&line);
    if (!line.is_bad && level > LEVEL)
        return SKN_FAIL(diag,
                        SKN_ENEWER,
                        "it is of format level %" PRIu64 ", this version knows %d",
                        level,
                        LEVEL);
    if (rest.len < end_bytes) return SKN_CORRUPT(diag, "it is cut short");
    struct skn_slice body = skn_slice(text.ptr, text.len - end_bytes);
    const uint8_t *end = text.ptr + body.len;
    sum_of(body, sum);
    skn_hex(sum, sizeof sum, expected);
    if (memcmp(end, end_word, sizeof end_word - 1) != 0 || text.ptr[text.len - 1] != '\n' ||
        memcmp(end + sizeof end_word - 1, expected, HEX_MAX - 1) != 0)
        return SKN_CORRUPT(diag, "its last line does not fit the others");
    *out_body = skn_slice(rest.ptr, rest.len - end_bytes);
    return SKN_OK;
}

enum skn_rc
skn_manifest_parse(struct skn_slice text, struct skn_manifest *out, struct skn_diag *diag)
{
    struct skn_slice body = {0}, line = {0};
    struct skn_manifest manifest = {0};
    enum skn_rc rc = check_frame(text, &body, diag);
    for (int number = 2; rc == SKN_OK && body.len > 0; number++)
        if (!take_line(&body, &line) || !parse_line(line, &manifest))
            rc = SKN_CORRUPT(diag, "line %d is malformed", number);
    if (rc == SKN_OK && (manifest.shard_count == 0 || manifest.file_count == 0))
        rc = SKN_CORRUPT(diag, "it names no shard or no file");
    if (rc != SKN_OK) {
        skn_manifest_fini(&manifest);
        return rc;
    }
    *out = manifest;
    return SKN_OK;
}

enum skn_rc skn_manifest_write(const struct skn_manifest *manifest,
                               struct skn_env *env,
                               const char *dir,
                               struct skn_diag *diag)
{
    struct skn_buf text;
    skn_buf_init(&text, SKN_MANIFEST_BYTES_MAX);
    skn_manifest_put(manifest, &text);
    enum skn_rc rc = skn_buf_rc(&text);
    if (rc != SKN_OK) rc = SKN_FAIL(diag, SKN_ETOOLARGE, "\"%s\" would have too many files", dir);
    if (rc == SKN_OK) rc = skn_file_put(env, dir, manifest_name, skn_buf_slice(&text), diag);
    skn_buf_fini(&text);
    return rc;
}

static enum skn_rc check_file(struct skn_env *env,
                              const char *dir,
                              const struct skn_manifest_file *file,
                              struct skn_diag *diag)
{
    struct skn_manifest_file found = *file;
    enum skn_rc rc = measure(env, dir, &found, diag);
    if (rc == SKN_ENOENT) return SKN_CORRUPT(diag, "\"%s/%s\" is missing", dir, file->name);
    if (rc != SKN_OK) return rc;
    if (found.bytes != file->bytes)
        return SKN_CORRUPT(diag,
                           "\"%s/%s\" has %" PRIu64 " bytes, the manifest says %" PRIu64,
                           dir,
                           file->name,
                           found.bytes,
                           file->bytes);
    if (memcmp(found.sum, file->sum, sizeof found.sum) != 0)
        return SKN_CORRUPT(diag, "\"%s/%s\" is not what the manifest says", dir, file->name);
    return SKN_OK;
}

enum skn_rc skn_manifest_read(struct skn_env *env,
                              const char *dir,
                              struct skn_manifest *out,
                              struct skn_diag *diag)
{
    struct skn_buf text;
    struct skn_manifest manifest = {0};
    char *path = skn_path_join(dir, manifest_name);
    skn_buf_init(&text, SKN_MANIFEST_BYTES_MAX);
    enum skn_rc rc = skn_file_get(env, path, &text, diag);
    if (rc == SKN_ENOENT)
        rc = SKN_FAIL(diag,
                      SKN_ENOENT,
                      "\"%s\" is no backup, or one that was cut off: it has no "
                      "manifest",
                      dir);
    else if (rc == SKN_OK) {
        rc = skn_manifest_parse(skn_buf_slice(&text), &manifest, diag);
        if (rc != SKN_OK) skn_diag_prefix(diag, "\"%s\"", path);
    }
    for (size_t i = 0; rc == SKN_OK && i < manifest.file_count; i++)
        rc = check_file(env, dir, &manifest.files[i], diag);
    skn_buf_fini(&text);
    skn_free(path);
    if (rc == SKN_OK)
        *out = manifest;
    else
        skn_manifest_fini(&manifest);
    return rc;
}
