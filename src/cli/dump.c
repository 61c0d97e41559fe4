/* dump.c - skein journal dump: a line per record. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"
#include "cli/cli_internal.h"
#include "cli/link_internal.h"
#include "cli/records_internal.h"
#include "cli/view_internal.h"
#include "env/env_real.h"
#include "journal/journal.h"
#include "store/store.h"
#include "value/json.h"

#include <inttypes.h>
#include <stdio.h>

enum { LINE_MAX_BYTES = 128 << 20, HASH_DIGITS = 17 };

struct dump {
    struct skn_cli *cli;
    struct skn_mails mails;
    struct skn_pruned pruned;
    struct skn_buf line;
    int64_t from;
    uint64_t index; /* of the record that is shown */
    bool with_values;
    bool is_sure; /* the group that is walked over is durable for certain [E81] */
};

static const char *name_of(enum skn_key_kind kind)
{
    static const char *const names[] = {[SKN_KEY_OTHER] = "shard",
                                        [SKN_KEY_META] = "meta",
                                        [SKN_KEY_OWN] = "row",
                                        [SKN_KEY_MAIL] = "mail",
                                        [SKN_KEY_TIMER] = "timer",
                                        [SKN_KEY_INTENT] = "intent",
                                        [SKN_KEY_DEAD] = "dead",
                                        [SKN_KEY_CALL] = "call",
                                        [SKN_KEY_REQUEST] = "request",
                                        [SKN_KEY_WAITING] = "waiting",
                                        [SKN_KEY_OUTBOX] = "outbox"};
    return names[kind];
}

static void hash_of(struct skn_slice key, struct skn_slice value, char out[HASH_DIGITS])
{
    struct skn_hash128 hash = skn_row_hash(key, value);
    (void)snprintf(out, HASH_DIGITS, "%016" PRIx64, hash.lo);
}

/* What a key is of, as text: its number, the program's key, or the whole of it. */
static void put_what(struct skn_buf *out, const struct skn_key_info *info, struct skn_slice key)
{
    switch (info->kind) {
    case SKN_KEY_OWN: skn_key_print(info->own, out); break;
    case SKN_KEY_MAIL:
    case SKN_KEY_WAITING:
    case SKN_KEY_OUTBOX:
    case SKN_KEY_TIMER:
    case SKN_KEY_INTENT:
    case SKN_KEY_CALL:
    case SKN_KEY_DEAD: skn_buf_printf(out, "%" PRIu64, info->number); break;
    case SKN_KEY_OTHER: skn_key_print(key, out); break;
    case SKN_KEY_META:
    case SKN_KEY_REQUEST: break;
    }
}

static void put_value_text(struct skn_buf *out, struct skn_slice value)
{
    struct skn_value v = skn_value_none();
    if (skn_stored_check(value, &v, NULL) == SKN_OK &&
        skn_json_print(v, SKN_JSON_PLAIN, out, NULL) == SKN_OK)
        return;
    skn_buf_put_str(out, "0x");
    for (size_t i = 0; i < value.len; i++) {
        char digits[3];
        skn_hex(value.ptr + i, 1, digits);
        skn_buf_put_str(out, digits);
    }
}

/* The shard's own rows are never shown: the store secret is one of them. */
static bool is_shown(const struct dump *d, const struct skn_key_info *info)
{
    return d->with_values && info->kind != SKN_KEY_OTHER;
}

/* What it held is in no dump either (P8). */
static bool was_pruned(const struct dump *d, const struct skn_row_op *op)
{
    return skn_pruned_has(&d->pruned, op->key, d->index);
}

/* "+row:t:Counter/a:sum#0123456789abcdef", with "=42" behind it. */
static void put_op(struct dump *d, const struct skn_row_op *op)
{
    struct skn_key_info info;
    struct skn_buf what;
    skn_buf_init(&what, 4 * (size_t)SKN_KEY_MAX);
    skn_key_read(op->key, &info);
    skn_buf_printf(&what, " %c%s:", op->is_delete ? '-' : '+', name_of(info.kind));
    if (info.address.len > 0) skn_buf_printf(&what, "%.*s:", SKN_FMT(info.address));
    put_what(&what, &info, op->key);
    (void)skn_view_put(&d->line, skn_buf_slice(&what), 0);
    skn_buf_fini(&what);
    if (op->is_delete && op->why != SKN_WHY_DELETE)
        skn_buf_printf(&d->line, "(%s)", skn_why_name(op->why));
    if (op->is_delete) return;
    char hash[HASH_DIGITS];
    hash_of(op->key, op->value, hash);
    skn_buf_printf(&d->line, "#%s", hash);
    if (!is_shown(d, &info)) return;
    skn_buf_put_u8(&d->line, '=');
    if (was_pruned(d, op))
        skn_buf_put_str(&d->line, "(pruned)");
    else
        put_value_text(&d->line, op->value);
}

static void put_line(struct dump *d, const struct skn_record *record)
{
    struct skn_slice address, rest = record->batch;
    struct skn_message message;
    struct skn_row_op op;
    bool has_message = skn_mails_message(&d->mails, record, &address, &message);
    skn_buf_printf(&d->line, "%u %" PRIu64 " ", record->shard, record->index);
    skn_link_put_stamp(&d->line, record->stamp);
    skn_buf_printf(&d->line, " %" PRIu64 " ", record->term);
    if (address.len > 0)
        (void)skn_view_put(&d->line, address, 0);
    else
        skn_buf_put_u8(&d->line, '-');
    if (has_message) {
        skn_buf_printf(&d->line, " %s ", skn_message_kind_name(message.kind));
        if (message.name.len > 0)
            (void)skn_view_put(&d->line, message.name, 0);
        else
            skn_buf_printf(&d->line, "%" PRIu64, message.number);
    } else {
        skn_buf_put_str(&d->line, address.len > 0 ? " send ?" : " shard ");
        if (address.len == 0) (void)skn_view_put(&d->line, record->message, 40);
    }
    while (skn_batch_next(&rest, &op, NULL) == SKN_OK)
        put_op(d, &op);
    skn_buf_put_str(&d->line, d->is_sure ? "\n" : " (may not be durable)\n");
}

/* --- as JSON -------------------------------------------------------------------------------------- */

static void json_text(struct skn_json_writer *w, const char *name, struct skn_slice text)
{
    skn_json_key_str(w, name);
    skn_json_any_text(w, text);
}

static void json_uint(struct skn_json_writer *w, const char *name, uint64_t n)
{
    skn_json_key_str(w, name);
    skn_json_uint(w, n);
}

static void json_op(struct dump *d, struct skn_json_writer *w, const struct skn_row_op *op)
{
    struct skn_key_info info;
    struct skn_buf text;
    skn_buf_init(&text, LINE_MAX_BYTES);
    skn_key_read(op->key, &info);
    skn_json_object_begin(w);
    json_text(w, "op", op->is_delete ? SKN_LIT("delete") : SKN_LIT("put"));
    json_text(w, "kind", skn_slice_str(name_of(info.kind)));
    json_text(w, "domain", info.address);
    put_what(&text, &info, op->key);
    json_text(w, "key", skn_buf_slice(&text));
    if (!op->is_delete) {
        char hash[HASH_DIGITS];
        hash_of(op->key, op->value, hash);
        json_text(w, "hash", skn_slice_str(hash));
        json_uint(w, "size", op->value.len);
    }
    if (op->is_delete) json_text(w, "why", skn_slice_str(skn_why_name(op->why)));
    if (!op->is_delete && was_pruned(d, op)) {
        skn_json_key_str(w, "pruned");
        skn_json_bool(w, true);
    } else if (!op->is_delete && is_shown(d, &info)) {
        skn_buf_reset(&text);
        put_value_text(&text, op->value);
        json_text(w, "value", skn_buf_slice(&text));
    }
    skn_json_object_end(w);
    skn_buf_fini(&text);
}

static void put_json(struct dump *d, const struct skn_record *record)
{
    struct skn_json_writer w;
    struct skn_slice address, rest = record->batch;
    struct skn_message message;
    struct skn_row_op op;
    bool has_message = skn_mails_message(&d->mails, record, &address, &message);
    skn_json_begin(&w, &d->line, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    json_uint(&w, "shard", record->shard);
    json_uint(&w, "index", record->index);
    json_uint(&w, "stamp", record->stamp);
    json_uint(&w, "epoch", record->term);
    json_text(&w, "domain", address);
    skn_json_key_str(&w, "sure");
    skn_json_bool(&w, d->is_sure);
    skn_json_key_str(&w, "kind");
    skn_json_str(&w,
                 has_message       ? skn_message_kind_name(message.kind)
                 : address.len > 0 ? "send"
                                   : "shard");
    json_text(&w, "name", has_message ? message.name : (struct skn_slice){0});
    skn_json_key_str(&w, "rows");
    skn_json_list_begin(&w);
    while (skn_batch_next(&rest, &op, NULL) == SKN_OK)
        json_op(d, &w, &op);
    skn_json_list_end(&w);
    skn_json_object_end(&w);
    if (skn_json_end(&w, NULL) == SKN_OK) skn_buf_put_u8(&d->line, '\n');
}

static enum skn_rc
take_group(void *ctx, const struct skn_journal_dump_group *group, struct skn_diag *diag)
{
    (void)diag;
    struct dump *d = ctx;
    d->is_sure = group->is_sure;
    return SKN_OK;
}

static enum skn_rc
take_record(void *ctx, const struct skn_journal_dump_record *dumped, struct skn_diag *diag)
{
    struct dump *d = ctx;
    const struct skn_record *record = dumped->record;
    skn_mails_take(&d->mails, record);
    d->index = record->index;
    if (record->index >= (uint64_t)d->from) {
        skn_buf_reset(&d->line);
        if (d->cli->out.json)
            put_json(d, record);
        else
            put_line(d, record);
        skn_out_put(&d->cli->out, skn_buf_slice(&d->line));
    }
    skn_mails_drop(&d->mails, record);
    if (d->cli->out.error == 0) return SKN_OK;
    return SKN_FAIL(diag, SKN_EIO, "could not write to standard output");
}

static enum skn_rc
see_pruned(void *ctx, const struct skn_journal_dump_record *dumped, struct skn_diag *diag)
{
    (void)diag;
    struct dump *d = ctx;
    skn_pruned_take(&d->pruned, dumped->record);
    return SKN_OK;
}

int skn_cmd_journal_dump(struct skn_cli *cli)
{
    struct skn_link link = {.cli = cli};
    struct dump d = {.cli = cli, .with_values = skn_args_has(&cli->args, SKN_OPTION_VALUES)};
    const char *path = NULL, *dir = cli->args.operand_count > 0 ? cli->args.operands[0] : NULL;
    enum skn_rc rc = skn_link_count(&link, SKN_OPTION_FROM, 0, &d.from);
    if (rc == SKN_OK) rc = skn_journal_find(cli, dir, &path, &link.diag);
    if (rc != SKN_OK) return skn_link_close(&link, rc);
    skn_pruned_init(&d.pruned);
    skn_mails_init(&d.mails);
    skn_buf_init(&d.line, LINE_MAX_BYTES);
    const struct skn_journal_dump_to first = {.ctx = &d, .record = see_pruned};
    const struct skn_journal_dump_to to = {.ctx = &d, .group = take_group, .record = take_record};
    /* What is damaged is said when the rest has been shown. */
    rc = skn_journal_dump(skn_env_real(), path, &first, NULL, &link.diag);
    if (rc == SKN_OK || rc == SKN_ECORRUPT)
        rc = skn_journal_dump(skn_env_real(), path, &to, NULL, &link.diag);
    skn_buf_fini(&d.line);
    skn_mails_fini(&d.mails);
    skn_pruned_fini(&d.pruned);
    return skn_link_close(&link, rc);
}
