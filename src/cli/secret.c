/* secret.c - skein secret key, status and rotate; the secrets of skein domain send. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/link_internal.h"
#include "cli/secret_internal.h"
#include "cli/view_internal.h"
#include "env/env_real.h"
#include "journal/journal.h"
#include "seal/seal.h"
#include "value/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { TRIES = 20, IDS_MAX = SKN_SEAL_KEYS_MAX };

/* --- key -------------------------------------------------------------------------------------------- */

int skn_cmd_secret_key(struct skn_cli *cli)
{
    uint8_t key[SKN_SEAL_KEY_BYTES];
    struct skn_link link = {.cli = cli};
    enum skn_rc rc = SKN_OK;
    if (getrandom(key, sizeof key, 0) != (ssize_t)sizeof key)
        rc = SKN_FAIL(&link.diag, SKN_EIO, "could not get random bytes: %s", strerror(errno));
    for (size_t i = 0; rc == SKN_OK && i < sizeof key; i++)
        skn_out_printf(&cli->out, "%02x%s", key[i], i + 1 == sizeof key ? "\n" : "");
    explicit_bzero(key, sizeof key);
    return skn_link_close(&link, rc);
}

/* --- what the journal names ------------------------------------------------------------------------- */

struct named {
    uint64_t ids[IDS_MAX];
    uint64_t records[IDS_MAX]; /* that name it */
    size_t count;
};

static bool has_id(struct skn_slice bytes, uint64_t id)
{
    uint8_t text[8];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(id >> (8 * i));
    return bytes.len >= sizeof text && memmem(bytes.ptr, bytes.len, text, sizeof text);
}

/* The id of a key is 64 bits of a hash: it is nowhere by chance. */
static enum skn_rc see(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    struct named *named = ctx;
    (void)diag;
    for (size_t i = 0; i < named->count; i++)
        named->records[i] +=
            has_id(record->message, named->ids[i]) || has_id(record->batch, named->ids[i]);
    return SKN_OK;
}

static bool read_id(struct skn_slice text, uint64_t *out)
{
    *out = 0;
    if (text.len != 16) return false;
    for (size_t i = 0; i < 16; i++) {
        const char *digits = "0123456789abcdef", *at = strchr(digits, text.ptr[i]);
        if (!at || !text.ptr[i]) return false;
        /* As its bytes stand: low ones first. */
        *out |= (uint64_t)(at - digits) << (8 * (i / 2) + (i % 2 ? 0 : 4));
    }
    return true;
}

/* Beside a holder that trims: then it is begun again. */
static enum skn_rc read_journal(struct skn_link *link, struct named *named)
{
    struct skn_env *env = skn_env_real();
    const char *dir = skn_arena_printf(&link->cli->arena, "%s/journal", link->project.data_path);
    enum skn_rc rc = SKN_EBUSY;
    for (int i = 0; i < TRIES && rc == SKN_EBUSY; i++) {
        memset(named->records, 0, sizeof named->records);
        rc = skn_journal_read(env, dir, see, named, NULL, &link->diag);
    }
    return rc;
}

/* --- status ------------------------------------------------------------------------------------------- */

static void put_key(struct skn_link *link,
                    struct skn_value v,
                    const struct named *named,
                    size_t i,
                    struct skn_slice id)
{
    struct skn_out *out = &link->cli->out;
    bool seals = skn_slice_eq(id, skn_view_text(v, "sealing_key"));
    bool rewrites = skn_link_uint(v, "shards_rewriting") > 0;
    unsigned long long records = named->records[i];
    skn_out_printf(out, "%.*s  ", SKN_FMT(id));
    if (seals)
        skn_out_printf(out, "seals\n");
    else if (rewrites)
        skn_out_printf(out, "needed: rows may name it\n");
    else if (records > 0)
        skn_out_printf(out, "needed: %llu records of the journal name it\n", records);
    else if (skn_link_is_true(v, "history_names_older"))
        skn_out_printf(out, "needed: the history may name it\n");
    else
        skn_out_printf(out, "not needed: no row and no record names it\n");
}

static void put_text(struct skn_link *link, struct skn_value v, const struct named *named)
{
    struct skn_out *out = &link->cli->out;
    struct skn_value_iter iter = skn_value_iter(skn_view_member(v, "keys"));
    struct skn_value id;
    struct skn_slice sealing = skn_view_text(v, "sealing_key");
    bool is_there = false;
    for (size_t i = 0; skn_value_next(&iter, NULL, &id); i++) {
        is_there |= skn_slice_eq(skn_value_as_text(id), sealing);
        put_key(link, v, named, i, skn_value_as_text(id));
    }
    if (sealing.len > 0 && !is_there)
        skn_out_printf(out, "%.*s  seals, and is not there\n", SKN_FMT(sealing));
    if (sealing.len == 0) skn_out_printf(out, "No key seals yet.\n");
    if (skn_link_uint(v, "shards_rewriting") > 0)
        skn_out_printf(out,
                       "%llu of %llu shards are being rewritten under the key that seals\n",
                       (unsigned long long)skn_link_uint(v, "shards_rewriting"),
                       (unsigned long long)skn_link_uint(v, "shards"));
    if (skn_link_uint(v, "shards_without_key") > 0)
        skn_out_printf(out,
                       "%llu shards need a key that is not there\n",
                       (unsigned long long)skn_link_uint(v, "shards_without_key"));
    if (skn_link_uint(v, "domains_waiting") > 0)
        skn_out_printf(out,
                       "%llu domains wait for a key\n",
                       (unsigned long long)skn_link_uint(v, "domains_waiting"));
    struct skn_slice error = skn_view_text(v, "error");
    if (error.len > 0) skn_out_printf(out, "Error: %.*s\n", SKN_FMT(error));
}

static void put_json(struct skn_link *link, struct skn_value v, const struct named *named)
{
    struct skn_buf text;
    struct skn_json_writer w;
    struct skn_value_iter iter = skn_value_iter(v);
    struct skn_slice key;
    struct skn_value member;
    skn_buf_init(&text, 1 << 20);
    skn_json_begin(&w, &text, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    while (skn_value_next(&iter, &key, &member)) {
        skn_json_key(&w, key);
        skn_json_value(&w, member);
    }
    skn_json_key_str(&w, "journal_records");
    skn_json_list_begin(&w);
    for (size_t i = 0; i < named->count; i++)
        skn_json_uint(&w, named->records[i]);
    skn_json_list_end(&w);
    skn_json_object_end(&w);
    if (skn_json_end(&w, NULL) == SKN_OK) skn_buf_put_u8(&text, '\n');
    skn_out_put(&link->cli->out, skn_buf_slice(&text));
    skn_buf_fini(&text);
}

static enum skn_rc put_status(struct skn_link *link, struct skn_value v)
{
    struct named named = {.count = 0};
    struct skn_value_iter iter = skn_value_iter(skn_view_member(v, "keys"));
    struct skn_value id;
    while (named.count < IDS_MAX && skn_value_next(&iter, NULL, &id))
        if (!skn_value_is(id, SKN_T_STRING) ||
            !read_id(skn_value_as_text(id), &named.ids[named.count++]))
            return SKN_FAIL(&link->diag, SKN_ECORRUPT, "the holder names a key that is none");
    enum skn_rc rc = named.count > 1 ? read_journal(link, &named) : SKN_OK;
    if (rc != SKN_OK) return rc;
    if (link->cli->out.json)
        put_json(link, v, &named);
    else
        put_text(link, v, &named);
    return SKN_OK;
}

static int ask(struct skn_cli *cli, enum skn_query_kind kind)
{
    struct skn_link link = {.cli = cli};
    struct skn_query query = {.kind = kind};
    struct skn_value value = skn_value_none();
    enum skn_rc rc = skn_link_open(&link, true);
    if (rc == SKN_OK) rc = skn_link_ask(&link, &query, -1, &value);
    if (rc == SKN_OK) rc = put_status(&link, value);
    return skn_link_close(&link, rc);
}

int skn_cmd_secret_status(struct skn_cli *cli)
{
    return ask(cli, SKN_QUERY_SECRETS);
}

int skn_cmd_secret_rotate(struct skn_cli *cli)
{
    return ask(cli, SKN_QUERY_ROTATE);
}

/* --- domain send --secret ------------------------------------------------------------------------------ */

/* The text of a file, or of standard input for "-", without one line end behind it. */
static enum skn_rc read_text(struct skn_link *link, const char *path, struct skn_slice *out)
{
    uint8_t *text = skn_arena_alloc(&link->cli->arena, SKN_SECRET_MAX + 2);
    size_t len = 0;
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : 1;
    while (n > 0 && len < SKN_SECRET_MAX + 2) {
        n = read(fd, text + len, SKN_SECRET_MAX + 2 - len);
        if (n > 0) len += (size_t)n;
        if (n < 0 && errno == EINTR) n = 1;
    }
    int error = errno;
    if (fd >= 0 && !is_stdin) (void)close(fd);
    if (n < 0)
        return SKN_FAIL(&link->diag,
                        skn_rc_of_errno(error),
                        "could not read \"%s\": %s",
                        path,
                        strerror(error));
    if (len > 0 && text[len - 1] == '\n') len--;
    if (len > SKN_SECRET_MAX)
        return SKN_FAIL(&link->diag,
                        SKN_ETOOLARGE,
                        "the secret in \"%s\" is over %d bytes",
                        path,
                        SKN_SECRET_MAX);
    *out = skn_slice(text, len);
    return SKN_OK;
}

enum skn_rc skn_secrets_read(struct skn_link *link, struct skn_query *query)
{
    struct skn_args *args = &link->cli->args;
    size_t count = 0;
    struct skn_query_secret *secrets =
        skn_arena_zero(&link->cli->arena, args->option_count + 1, sizeof *secrets);
    for (uint32_t i = 0; i < args->option_count; i++) {
        if (args->options[i].option != SKN_OPTION_SECRET) continue;
        const char *text = args->options[i].value, *sign = strchr(text, '=');
        if (!sign || sign == text || !sign[1])
            return SKN_FAIL(&link->diag,
                            SKN_EUSAGE,
                            "--secret is NAME=FILE, the file that holds the secret, or NAME=-");
        secrets[count].name = skn_slice(text, (size_t)(sign - text));
        enum skn_rc rc = read_text(link, sign + 1, &secrets[count++].text);
        if (rc != SKN_OK) return rc;
    }
    query->secrets = secrets;
    query->secret_count = count;
    return SKN_OK;
}
