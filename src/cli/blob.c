/* blob.c - skein blob: large contents by their hash. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob.h"

#include "cli/link_internal.h"
#include "cli/load_internal.h"
#include "cli/view_internal.h"
#include "core/look.h"
#include "env/env_real.h"
#include "value/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    READ_BYTES = 256 << 10,
    PAGE = 1000,
    LIMIT = 1000,
    TEXT_MAX = 256 << 20,
    PREFIX_MIN = 4,
    BUSY_TRIES = 100, /* 100 ms apart */
    BUSY_NS = 100000000,
    HEX = SKN_BLOB_HASH_TEXT - 1,
};

static const char domains[] = "blob:Blob/";

/* --- names ------------------------------------------------------------------------------------------ */

static enum skn_rc open_files(struct skn_link *link, bool writes, struct skn_blobs **out)
{
    const char *dir = skn_arena_printf(&link->cli->arena, "%s/blobs", link->project.data_path);
    const struct skn_blobs_options options = {
        .env = skn_env_real(), .dir = dir, .is_read_only = !writes, .is_guest = true};
    return skn_blobs_open(&options, out, &link->diag);
}

static bool is_hex(const char *text)
{
    return strspn(text, "0123456789abcdef") == strlen(text) && strlen(text) <= HEX;
}

static enum skn_rc check_name(struct skn_link *link, const char *text, size_t min)
{
    if (is_hex(text) && strlen(text) >= min) return SKN_OK;
    return SKN_FAIL(&link->diag,
                    SKN_EUSAGE,
                    "\"%.80s\" is no name of a blob: %d digits of hex, or the first %d of them and "
                    "more",
                    text,
                    HEX,
                    PREFIX_MIN);
}

static enum skn_rc say_unknown(struct skn_link *link, const char *text)
{
    return SKN_FAIL(
        &link->diag, SKN_ENOENT, "there is no blob \"%s\"; skein blob ls lists them", text);
}

/* One page of domains from an address on. */
static enum skn_rc get_page(struct skn_link *link,
                            const char *prefix,
                            struct skn_slice after,
                            int64_t limit,
                            struct skn_value *out)
{
    const char *address = skn_arena_printf(&link->cli->arena, "%s%s", domains, prefix);
    const struct skn_query query = {.kind = SKN_QUERY_DOMAINS,
                                    .address = skn_slice_str(address),
                                    .after = after,
                                    .limit = limit};
    return skn_link_ask(link, &query, -1, out);
}

/* The one content whose name begins so; what its domain says in the value, which lives until the next
 * question. */
static enum skn_rc
find(struct skn_link *link, char out_hash[SKN_BLOB_HASH_TEXT], struct skn_value *out)
{
    const char *text = link->cli->args.operands[0];
    struct skn_value page, entry, blob;
    size_t count = 0;
    enum skn_rc rc = get_page(link, text, (struct skn_slice){0}, 10, &page);
    if (rc != SKN_OK) return rc;
    struct skn_value_iter iter = skn_value_iter(skn_view_member(page, "domains"));
    while (skn_value_next(&iter, NULL, &entry)) {
        if (!skn_map_get(entry, SKN_LIT("blob"), &blob)) continue;
        struct skn_slice address = skn_view_text(entry, "address");
        struct skn_slice hash = skn_slice_from(address, strlen(domains));
        if (count++ > 0 || hash.len != HEX) continue;
        memcpy(out_hash, hash.ptr, HEX);
        out_hash[HEX] = 0;
        *out = blob;
    }
    if (count == 1) return SKN_OK;
    if (count == 0) return say_unknown(link, text);
    return SKN_FAIL(&link->diag,
                    SKN_EUSAGE,
                    "the names of %zu blobs begin with \"%s\"; write more of it",
                    count,
                    text);
}

/* --- asking ------------------------------------------------------------------------------------------- */

static enum skn_rc tell(struct skn_link *link,
                        const char *hash,
                        const char *name,
                        const char *payload,
                        struct skn_value *out_answer)
{
    const char *address = skn_arena_printf(&link->cli->arena, "%s%s", domains, hash);
    const struct skn_query query = {.kind = SKN_QUERY_BLOB,
                                    .address = skn_slice_str(address),
                                    .name = skn_slice_str(name),
                                    .payload = skn_slice_str(payload)};
    struct skn_value value;
    enum skn_rc rc = skn_link_ask(link, &query, -1, &value);
    if (rc == SKN_OK) *out_answer = skn_view_member(value, "answer");
    return rc;
}

/* `names`: NULL where they were not asked for. */
static void put_blob(struct skn_json_writer *w,
                     struct skn_slice hash,
                     struct skn_value blob,
                     const struct skn_value *names)
{
    struct skn_value_iter iter = skn_value_iter(blob);
    struct skn_slice key;
    struct skn_value v;
    skn_json_object_begin(w);
    skn_json_key_str(w, "hash");
    skn_json_string(w, hash);
    while (skn_value_next(&iter, &key, &v)) {
        skn_json_key(w, key);
        skn_json_value(w, v);
    }
    if (names) {
        skn_json_key_str(w, "names");
        skn_json_value(w, skn_view_member(*names, "names"));
        skn_json_key_str(w, "more");
        skn_json_bool(w, skn_link_is_true(*names, "more"));
    }
    skn_json_object_end(w);
}

static void print_names(struct skn_buf *text, struct skn_value names)
{
    struct skn_value_iter iter = skn_value_iter(skn_view_member(names, "names"));
    struct skn_value name;
    while (skn_value_next(&iter, NULL, &name)) {
        skn_buf_printf(text, "  %-11.*s ", SKN_FMT(skn_view_text(name, "kind")));
        (void)skn_view_put(text, skn_view_text(name, "address"), 0);
        skn_buf_put_u8(text, ' ');
        (void)skn_view_put(text, skn_view_text(name, "key"), 0);
        skn_buf_put_u8(text, '\n');
    }
    if (skn_link_is_true(names, "more")) skn_buf_put_str(text, "  and more\n");
}

/* `names` as the holder gave them, `blob` of the arena. */
static void
print_blob(struct skn_cli *cli, const char *hash, struct skn_value blob, struct skn_value names)
{
    struct skn_buf text;
    struct skn_json_writer w;
    skn_buf_init(&text, TEXT_MAX);
    if (cli->out.json) {
        skn_json_begin(&w, &text, SKN_JSON_PLAIN);
        put_blob(&w, skn_slice_str(hash), blob, &names);
        if (skn_json_end(&w, NULL) == SKN_OK) skn_buf_put_u8(&text, '\n');
    } else {
        skn_buf_printf(&text, "Blob     %s\n", hash);
        skn_buf_printf(&text, "State    %.*s\n", SKN_FMT(skn_view_text(blob, "state")));
        skn_buf_printf(
            &text, "Size     %llu bytes\n", (unsigned long long)skn_link_uint(blob, "size"));
        skn_buf_printf(&text,
                       "Put      %s\n",
                       skn_link_is_true(blob, "pinned") ? "yes, until skein blob rm" : "no");
        skn_buf_printf(&text,
                       "Named    by rows of %llu shards\n",
                       (unsigned long long)skn_link_uint(blob, "shards"));
        print_names(&text, names);
        if (!skn_link_is_true(blob, "stored"))
            skn_buf_put_str(&text, "Its content was never stored, or is gone.\n");
    }
    skn_out_put(&cli->out, skn_buf_slice(&text));
    skn_buf_fini(&text);
}

/* --- put -------------------------------------------------------------------------------------------------- */

static enum skn_rc
read_all(struct skn_link *link, int fd, const char *name, struct skn_blob_writer *writer)
{
    uint8_t *bytes = skn_arena_alloc(&link->cli->arena, READ_BYTES);
    for (;;) {
        ssize_t n = read(fd, bytes, READ_BYTES);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return SKN_FAIL(
                &link->diag, SKN_EIO, "could not read \"%s\": %s", name, strerror(errno));
        if (n == 0) return SKN_OK;
        enum skn_rc rc = skn_blob_write(writer, skn_slice(bytes, (size_t)n), &link->diag);
        if (rc != SKN_OK) return rc;
    }
}

static enum skn_rc open_input(struct skn_link *link, int *out_fd, const char **out_name)
{
    struct skn_args *args = &link->cli->args;
    bool is_stdin = args->operand_count == 0 || strcmp(args->operands[0], "-") == 0;
    *out_name = is_stdin ? "standard input" : args->operands[0];
    *out_fd = is_stdin ? STDIN_FILENO : open(args->operands[0], O_RDONLY | O_CLOEXEC);
    if (*out_fd >= 0) return SKN_OK;
    return SKN_FAIL(&link->diag,
                    skn_rc_of_errno(errno),
                    "could not open \"%s\": %s",
                    args->operands[0],
                    strerror(errno));
}

/* Its domain is there from now on, and keeps the content for 24 hours. One whose file is being removed
 * is waited for. */
static enum skn_rc begin(struct skn_link *link, const char *hash, struct skn_value *out)
{
    const struct timespec pause = {.tv_nsec = BUSY_NS};
    enum skn_rc rc = tell(link, hash, "begin", "null", out);
    for (int i = 0; rc == SKN_EBUSY && i < BUSY_TRIES; i++) {
        (void)nanosleep(&pause, NULL);
        rc = tell(link, hash, "begin", "null", out);
    }
    return rc;
}

/* What is written and has its name: its domain first, then the file, then that it is there [E45]. */
static enum skn_rc
store(struct skn_link *link, struct skn_blob_writer *writer, char text[SKN_BLOB_HASH_TEXT])
{
    uint8_t hash[SKN_BLOB_HASH_BYTES];
    uint64_t size;
    struct skn_value answer = skn_value_none();
    skn_blob_seal(writer, hash, &size);
    skn_blob_hash_text(hash, text);
    enum skn_rc rc = begin(link, text, &answer);
    /* Also one that is known: its file may have been lost, or damaged, and this is how it comes back. */
    if (rc != SKN_OK) {
        skn_blob_abandon(writer);
    } else {
        rc = skn_blob_finish(writer, hash, &size, &link->diag);
        if (rc == SKN_ENOENT)
            rc = SKN_FAIL(&link->diag, SKN_EBUSY, "the node began anew meanwhile; put it again");
    }
    if (rc != SKN_OK) return rc;
    const char *payload = skn_arena_printf(&link->cli->arena,
                                           "[%llu,%llu]",
                                           (unsigned long long)skn_link_uint(answer, "born"),
                                           (unsigned long long)size);
    rc = tell(link, text, "stored", payload, &answer);
    if (rc == SKN_EGONE) rc = link->diag.rc = SKN_EBUSY; /* begin it again */
    return rc;
}

int skn_cmd_blob_put(struct skn_cli *cli)
{
    struct skn_link link = {.cli = cli};
    struct skn_blobs *files = NULL;
    struct skn_blob_writer *writer = NULL;
    char text[SKN_BLOB_HASH_TEXT] = "";
    const char *name = NULL;
    int fd = -1;
    enum skn_rc rc = open_input(&link, &fd, &name);
    if (rc == SKN_OK) rc = skn_link_open(&link, true);
    if (rc == SKN_OK) rc = open_files(&link, true, &files);
    if (rc == SKN_OK) rc = skn_blob_begin(files, &writer, &link.diag);
    if (rc == SKN_OK && (rc = read_all(&link, fd, name, writer)) != SKN_OK) {
        skn_blob_abandon(writer);
        writer = NULL;
    }
    if (rc == SKN_OK) rc = store(&link, writer, text);
    if (rc == SKN_OK && cli->out.json)
        skn_out_printf(&cli->out, "{\"hash\":\"%s\"}\n", text);
    else if (rc == SKN_OK)
        skn_out_printf(&cli->out, "%s\n", text);
    if (fd > STDIN_FILENO) (void)close(fd);
    skn_blobs_close(files);
    return skn_link_close(&link, rc);
}

/* --- get -------------------------------------------------------------------------------------------------- */

static enum skn_rc print_file(struct skn_link *link, struct skn_blobs *files, const char *text)
{
    uint8_t hash[SKN_BLOB_HASH_BYTES];
    struct skn_file *file = NULL;
    uint64_t size = 0;
    size_t len = 0;
    if (!skn_blob_hash_read(skn_slice_str(text), hash)) return say_unknown(link, text);
    enum skn_rc rc = skn_blob_open(files, hash, &file, &size, &link->diag);
    if (rc == SKN_ENOENT) return rc;
    /* Opened first: if it goes now, it is still read. */
    if (rc == SKN_OK) rc = skn_blob_verify(files, hash, &link->diag);
    if (rc == SKN_ENOENT) rc = SKN_OK;
    uint8_t *bytes = skn_arena_alloc(&link->cli->arena, READ_BYTES);
    for (uint64_t at = 0; rc == SKN_OK && at < size; at += len) {
        rc = skn_file_pread(file, at, bytes, READ_BYTES, &len, &link->diag);
        if (rc == SKN_OK && len == 0) break;
        if (rc == SKN_OK) skn_out_put(&link->cli->out, skn_slice(bytes, len));
    }
    skn_file_close(file);
    return rc;
}

int skn_cmd_blob_get(struct skn_cli *cli)
{
    struct skn_link link = {.cli = cli};
    struct skn_blobs *files = NULL;
    struct skn_value blob = skn_value_none();
    char text[SKN_BLOB_HASH_TEXT] = "";
    enum skn_rc rc = check_name(&link, cli->args.operands[0], PREFIX_MIN);
    if (rc == SKN_OK) rc = skn_link_open(&link, false);
    if (rc == SKN_OK) rc = find(&link, text, &blob);
    if (rc == SKN_OK) rc = open_files(&link, false, &files);
    if (rc == SKN_OK) rc = print_file(&link, files, text);
    if (rc == SKN_ENOENT && text[0] != 0)
        rc = skn_link_is_true(blob, "stored")
                 ? SKN_FAIL(&link.diag,
                            SKN_ECORRUPT,
                            "\"%s/blobs/%s\" is gone: put the file back, or restore a backup",
                            link.project.data_path,
                            text)
                 : say_unknown(&link, text);
    skn_blobs_close(files);
    return skn_link_close(&link, rc);
}

/* --- ls, info, rm -------------------------------------------------------------------------------------------- */

struct listing {
    struct skn_json_writer json;
    struct skn_buf text;
    int64_t left;
};

static void put_line(struct skn_buf *out, struct skn_slice hash, struct skn_value blob)
{
    bool is_stored = skn_link_is_true(blob, "stored");
    skn_buf_printf(out,
                   "%-9.*s %12llu %6llu  %-4s %.*s%s\n",
                   SKN_FMT(skn_view_text(blob, "state")),
                   (unsigned long long)skn_link_uint(blob, "size"),
                   (unsigned long long)skn_link_uint(blob, "shards"),
                   skn_link_is_true(blob, "pinned") ? "yes" : "no",
                   SKN_FMT(hash),
                   is_stored ? "" : "  (no content)");
}

static void take_page(struct listing *list, struct skn_value page, bool as_json)
{
    struct skn_value_iter iter = skn_value_iter(skn_view_member(page, "domains"));
    struct skn_value entry, blob;
    while (skn_value_next(&iter, NULL, &entry)) {
        list->left--;
        if (!skn_map_get(entry, SKN_LIT("blob"), &blob)) continue;
        struct skn_slice hash = skn_slice_from(skn_view_text(entry, "address"), strlen(domains));
        if (as_json)
            put_blob(&list->json, hash, blob, NULL);
        else
            put_line(&list->text, hash, blob);
    }
}

/* `after` and what comes out are hashes. */
static enum skn_rc
get_pages(struct skn_link *link, struct listing *list, const char *prefix, struct skn_slice *next)
{
    struct skn_arena *arena = &link->cli->arena;
    struct skn_slice after = {0};
    if (next->len > 0)
        after = skn_slice_str(skn_arena_printf(arena, "%s%.*s", domains, SKN_FMT(*next)));
    do {
        struct skn_value page;
        enum skn_rc rc =
            get_page(link, prefix, after, list->left < PAGE ? list->left : PAGE, &page);
        if (rc != SKN_OK) return rc;
        take_page(list, page, link->cli->out.json);
        after = skn_arena_dup(arena, skn_view_text(page, "next"));
    } while (after.len > 0 && list->left > 0);
    *next = after.len > 0 ? skn_slice_from(after, strlen(domains)) : after;
    return SKN_OK;
}

static void begin_list(struct skn_cli *cli, struct listing *list)
{
    skn_buf_init(&list->text, TEXT_MAX);
    skn_json_begin(&list->json, &list->text, SKN_JSON_PLAIN);
    if (!cli->out.json) {
        skn_buf_put_str(&list->text, "STATE             SIZE SHARDS  PUT  HASH\n");
        return;
    }
    skn_json_object_begin(&list->json);
    skn_json_key_str(&list->json, "blobs");
    skn_json_list_begin(&list->json);
}

static enum skn_rc end_list(struct skn_link *link, struct listing *list, struct skn_slice next)
{
    struct skn_json_writer *w = &list->json;
    if (!link->cli->out.json) {
        skn_out_put(&link->cli->out, skn_buf_slice(&list->text));
        if (next.len > 0) skn_out_errf("There are more: --after %.*s\n", SKN_FMT(next));
        return SKN_OK;
    }
    skn_json_list_end(w);
    skn_json_key_str(w, "next");
    if (next.len > 0)
        skn_json_string(w, next);
    else
        skn_json_none(w);
    skn_json_object_end(w);
    enum skn_rc rc = skn_json_end(w, &link->diag);
    skn_buf_put_u8(&list->text, '\n');
    if (rc == SKN_OK) skn_out_put(&link->cli->out, skn_buf_slice(&list->text));
    return rc;
}

int skn_cmd_blob_ls(struct skn_cli *cli)
{
    struct skn_link link = {.cli = cli};
    struct listing list;
    const char *after = skn_args_value(&cli->args, SKN_OPTION_AFTER);
    const char *prefix = cli->args.operand_count > 0 ? cli->args.operands[0] : "";
    struct skn_slice next = after ? skn_slice_str(after) : (struct skn_slice){0};
    enum skn_rc rc = skn_link_count(&link, SKN_OPTION_LIMIT, LIMIT, &list.left);
    if (rc == SKN_OK) rc = check_name(&link, prefix, 0);
    if (rc == SKN_OK && after) rc = check_name(&link, after, HEX);
    if (rc != SKN_OK) return skn_link_close(&link, rc);
    rc = skn_link_open(&link, false);
    bool is_new = rc == SKN_ENOENT && link.project.has_config; /* nothing was ever run in it */
    begin_list(cli, &list);
    if (rc == SKN_OK) rc = get_pages(&link, &list, prefix, &next);
    if (is_new) rc = SKN_OK;
    if (rc == SKN_OK) rc = end_list(&link, &list, next);
    skn_buf_fini(&list.text);
    return skn_link_close(&link, rc);
}

static enum skn_rc get_names(struct skn_link *link, const char *hash, struct skn_value *out)
{
    const char *address = skn_arena_printf(&link->cli->arena, "%s%s", domains, hash);
    const struct skn_query query = {.kind = SKN_QUERY_BLOB_NAMES,
                                    .address = skn_slice_str(address)};
    return skn_link_ask(link, &query, -1, out);
}

int skn_cmd_blob_info(struct skn_cli *cli)
{
    struct skn_link link = {.cli = cli};
    struct skn_value blob = skn_value_none(), names = skn_value_none();
    struct skn_buf bytes;
    char text[SKN_BLOB_HASH_TEXT] = "";
    skn_buf_init(&bytes, TEXT_MAX);
    enum skn_rc rc = check_name(&link, cli->args.operands[0], PREFIX_MIN);
    if (rc == SKN_OK) rc = skn_link_open(&link, false);
    if (rc == SKN_OK) rc = find(&link, text, &blob);
    if (rc == SKN_OK) {
        skn_value_encode(blob, &bytes); /* the next answer takes its place */
        blob = skn_value_view(skn_buf_slice(&bytes));
        rc = get_names(&link, text, &names);
    }
    if (rc == SKN_OK) print_blob(cli, text, blob, names);
    skn_buf_fini(&bytes);
    return skn_link_close(&link, rc);
}

int skn_cmd_blob_rm(struct skn_cli *cli)
{
    struct skn_link link = {.cli = cli};
    struct skn_value blob = skn_value_none();
    char text[SKN_BLOB_HASH_TEXT] = "";
    enum skn_rc rc = check_name(&link, cli->args.operands[0], PREFIX_MIN);
    if (rc == SKN_OK) rc = skn_link_open(&link, true);
    if (rc == SKN_OK) rc = find(&link, text, &blob);
    if (rc == SKN_OK && !skn_link_is_true(blob, "pinned"))
        rc = SKN_FAIL(&link.diag, SKN_ENOENT, "nobody has put %s, or it was let go already", text);
    if (rc == SKN_OK) rc = tell(&link, text, "unpin", "null", &blob);
    bool is_named = rc == SKN_OK && skn_link_uint(blob, "holders") > 0;
    if (rc == SKN_OK && cli->out.json)
        skn_out_printf(
            &cli->out, "{\"hash\":\"%s\",\"named\":%s}\n", text, is_named ? "true" : "false");
    else if (rc == SKN_OK)
        skn_out_printf(&cli->out,
                       "Let go: %s%s\n",
                       text,
                       is_named ? "; rows still name it" : "; its file goes after 24 hours");
    return skn_link_close(&link, rc);
}
