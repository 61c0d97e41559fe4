/* history.c - skein domain history: a line per batch that changed a domain [E70]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hex.h"
#include "base/list.h"
#include "base/mem.h"
#include "cli/link_internal.h"
#include "cli/load_internal.h"
#include "cli/records_internal.h"
#include "cli/stamp_internal.h"
#include "cli/view_internal.h"
#include "env/env_real.h"
#include "node/past.h"
#include "value/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    LIMIT = 1000,
    LIMIT_MAX = 1000000,
    LINE_MAX_BYTES = 32 << 20,
    LISTED = 20, /* rows of a line for people */
    HASH_DIGITS = 17,
    TRIES = 5,
};

struct line {
    struct skn_list link;
    struct skn_buf text;
};

struct history {
    struct skn_link *link;
    struct skn_slice address;
    struct skn_pruned pruned;
    struct skn_mails mails;
    struct skn_list lines; /* the last ones, oldest first */
    int64_t count, max;
    uint64_t since, until; /* stamps */
    bool with_values;
    bool has_more; /* older lines were left out */
    bool is_found;
};

static void drop_first(struct history *h)
{
    struct line *line = SKN_CONTAINER_OF(skn_list_pop_front(&h->lines), struct line, link);
    skn_buf_fini(&line->text);
    skn_free(line);
    h->count--;
}

/* What a batch did to a row of the domain's own. */
struct row {
    struct skn_slice key;
    const struct skn_row_op *op;
    char hash[HASH_DIGITS];
    bool is_pruned; /* by this record or a later one: its value is not shown (P8) */
};

/* The next one; false: there is none. */
static bool next_row(const struct history *h,
                     const struct skn_record *record,
                     struct skn_slice *rest,
                     struct skn_row_op *op,
                     struct row *out)
{
    struct skn_key_info info;
    while (skn_batch_next(rest, op, NULL) == SKN_OK) {
        skn_key_read(op->key, &info);
        if (info.kind != SKN_KEY_OWN || !skn_slice_eq(info.address, h->address)) continue;
        *out = (struct row){.key = info.own, .op = op};
        out->is_pruned = skn_pruned_has(&h->pruned, op->key, record->index);
        struct skn_hash128 hash = skn_row_hash(op->key, op->value);
        (void)snprintf(out->hash, HASH_DIGITS, "%016" PRIx64, hash.lo);
        return true;
    }
    return false;
}

static void put_key(struct skn_buf *out, struct skn_slice key)
{
    struct skn_buf text;
    skn_buf_init(&text, LINE_MAX_BYTES);
    skn_key_print(key, &text);
    (void)skn_view_put(out, skn_buf_slice(&text), 0);
    skn_buf_fini(&text);
}

static void put_value(struct skn_buf *out, struct skn_slice bytes)
{
    struct skn_buf text;
    skn_buf_init(&text, LINE_MAX_BYTES);
    if (skn_value_check(bytes, NULL) != SKN_OK ||
        skn_json_print(skn_value_view(bytes), SKN_JSON_PLAIN, &text, NULL) != SKN_OK)
        skn_buf_printf(&text, "(%zu bytes)", bytes.len);
    (void)skn_view_put(out, skn_buf_slice(&text), 0);
    skn_buf_fini(&text);
}

/* "+sum#0123456789abcdef" and "-r001 prune". */
static void put_row(struct history *h, struct skn_buf *out, const struct row *row)
{
    skn_buf_put_str(out, row->op->is_delete ? " -" : " +");
    put_key(out, row->key);
    if (row->op->is_delete) {
        skn_buf_printf(out, " %s", skn_why_name(row->op->why));
        return;
    }
    skn_buf_printf(out, "#%s", row->hash);
    if (!h->with_values) return;
    skn_buf_put_u8(out, '=');
    if (row->is_pruned)
        skn_buf_put_str(out, "(pruned)");
    else
        put_value(out, row->op->value);
}

static void put_line(struct history *h,
                     struct skn_buf *out,
                     const struct skn_record *record,
                     const struct skn_message *message)
{
    struct skn_slice rest = record->batch;
    struct skn_row_op op;
    struct row row;
    uint64_t count = 0;
    skn_stamp_put(out, record->stamp);
    skn_buf_printf(out, " %" PRIu64 " ", record->index);
    skn_buf_put_str(out, message ? skn_message_kind_name(message->kind) : "send");
    if (message && message->name.len > 0) {
        skn_buf_put_u8(out, ' ');
        (void)skn_view_put(out, message->name, 0);
    } else if (message && message->number > 0) {
        skn_buf_printf(out, " %" PRIu64, message->number);
    }
    if (message && message->sender.len > 0) {
        skn_buf_put_str(out, " from ");
        (void)skn_view_put(out, message->sender, 0);
    }
    skn_buf_put_u8(out, ';');
    while (next_row(h, record, &rest, &op, &row))
        if (count++ < LISTED) put_row(h, out, &row);
    if (count > LISTED) skn_buf_printf(out, " and %" PRIu64 " more", count - LISTED);
    skn_buf_put_u8(out, '\n');
}

/* --- as JSON --------------------------------------------------------------------------------------- */

static void json_uint(struct skn_json_writer *w, const char *name, uint64_t n)
{
    skn_json_key_str(w, name);
    skn_json_uint(w, n);
}

static void json_text(struct skn_json_writer *w, const char *name, struct skn_slice text)
{
    skn_json_key_str(w, name);
    skn_json_any_text(w, text);
}

static void json_row(struct history *h, struct skn_json_writer *w, const struct row *row)
{
    struct skn_buf text;
    skn_buf_init(&text, LINE_MAX_BYTES);
    skn_key_print(row->key, &text);
    skn_json_object_begin(w);
    json_text(w, "key", skn_buf_slice(&text));
    json_text(w, "op", row->op->is_delete ? SKN_LIT("delete") : SKN_LIT("put"));
    if (row->op->is_delete) {
        json_text(w, "why", skn_slice_str(skn_why_name(row->op->why)));
    } else {
        json_text(w, "hash", skn_slice_str(row->hash));
        json_uint(w, "size", row->op->value.len);
    }
    if (row->is_pruned) {
        skn_json_key_str(w, "pruned");
        skn_json_bool(w, true);
    } else if (h->with_values && !row->op->is_delete &&
               skn_value_check(row->op->value, NULL) == SKN_OK) {
        skn_json_key_str(w, "value");
        skn_json_value(w, skn_value_view(row->op->value));
    }
    skn_json_object_end(w);
    skn_buf_fini(&text);
}

static void put_json(struct history *h,
                     struct skn_buf *out,
                     const struct skn_record *record,
                     const struct skn_message *message)
{
    struct skn_json_writer w;
    struct skn_slice rest = record->batch;
    struct skn_row_op op;
    struct row row;
    struct skn_buf time;
    skn_buf_init(&time, 64);
    skn_stamp_put(&time, record->stamp);
    skn_json_begin(&w, out, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    json_uint(&w, "stamp", record->stamp);
    json_text(&w, "at", skn_buf_slice(&time));
    json_uint(&w, "shard", record->shard);
    json_uint(&w, "index", record->index);
    json_text(&w, "kind", skn_slice_str(message ? skn_message_kind_name(message->kind) : "send"));
    json_text(&w, "name", message ? message->name : (struct skn_slice){0});
    json_text(&w, "from", message ? message->sender : (struct skn_slice){0});
    skn_json_key_str(&w, "rows");
    skn_json_list_begin(&w);
    while (next_row(h, record, &rest, &op, &row))
        json_row(h, &w, &row);
    skn_json_list_end(&w);
    skn_json_object_end(&w);
    if (skn_json_end(&w, NULL) == SKN_OK) skn_buf_put_u8(out, '\n');
    skn_buf_fini(&time);
}

/* --- the records -------------------------------------------------------------------------------------- */

static void
add_line(struct history *h, const struct skn_record *record, const struct skn_message *m)
{
    struct line *line = skn_alloc(sizeof(*line));
    skn_list_init(&line->link);
    skn_buf_init(&line->text, LINE_MAX_BYTES);
    if (h->link->cli->out.json)
        put_json(h, &line->text, record, m);
    else
        put_line(h, &line->text, record, m);
    skn_list_push_back(&h->lines, &line->link);
    if (++h->count <= h->max) return;
    h->has_more = true;
    drop_first(h);
}

static enum skn_rc see_pruned(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    (void)diag;
    struct history *h = ctx;
    skn_pruned_take(&h->pruned, record);
    return SKN_OK;
}

static enum skn_rc see_record(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    (void)diag;
    struct history *h = ctx;
    struct skn_slice address = {0};
    struct skn_message message;
    skn_mails_take(&h->mails, record);
    bool has_message = skn_mails_message(&h->mails, record, &address, &message);
    bool is_ours = address.len > 0 && skn_slice_eq(address, h->address);
    h->is_found |= is_ours;
    if (is_ours && record->stamp >= h->since && record->stamp <= h->until)
        add_line(h, record, has_message ? &message : NULL);
    skn_mails_drop(&h->mails, record);
    return SKN_OK;
}

static void begin(struct history *h)
{
    skn_list_init(&h->lines);
    skn_pruned_init(&h->pruned);
    skn_mails_init(&h->mails);
    h->has_more = h->is_found = false;
}

static void end(struct history *h)
{
    while (h->count > 0)
        drop_first(h);
    skn_mails_fini(&h->mails);
    skn_pruned_fini(&h->pruned);
}

/* Twice: what is pruned is known before anything is shown. Again, when the holder was in the way. */
static enum skn_rc read_all(struct history *h, struct skn_journal_info *out_info)
{
    const char *data = h->link->project.data_path;
    struct skn_diag *diag = &h->link->diag;
    enum skn_rc rc = SKN_EBUSY;
    for (int i = 0; rc == SKN_EBUSY && i < TRIES; i++) {
        if (i > 0) end(h);
        begin(h);
        rc = skn_past_records(skn_env_real(), data, see_pruned, h, out_info, diag);
        if (rc == SKN_OK)
            rc = skn_past_records(skn_env_real(), data, see_record, h, out_info, diag);
    }
    return rc;
}

static enum skn_rc show(struct history *h)
{
    struct skn_link *link = h->link;
    struct skn_journal_info info = {.oldest = 1};
    enum skn_rc rc = read_all(h, &info);
    if (rc == SKN_OK && !h->is_found)
        rc = SKN_FAIL(
            &link->diag, SKN_ENOENT, "no record that is kept is of \"%.*s\"", SKN_FMT(h->address));
    SKN_LIST_FOREACH (at, &h->lines) {
        struct line *line = SKN_CONTAINER_OF(at, struct line, link);
        if (rc == SKN_OK) skn_out_put(&link->cli->out, skn_buf_slice(&line->text));
    }
    if (rc == SKN_OK && h->has_more)
        skn_out_errf("These are the last %lld; --limit shows more, --until older ones\n",
                     (long long)h->max);
    else if (rc == SKN_OK && info.oldest > 1 && !link->cli->out.json)
        skn_out_errf("Older records are not kept\n");
    end(h);
    return rc;
}

static enum skn_rc stamp_of(struct skn_link *link,
                            enum skn_option option,
                            enum skn_stamp_end which,
                            uint64_t *out_stamp)
{
    const char *text = skn_args_value(&link->cli->args, option);
    return text ? skn_stamp_parse(text, which, out_stamp, &link->diag) : SKN_OK;
}

int skn_cmd_domain_history(struct skn_cli *cli)
{
    struct skn_link link = {.cli = cli};
    struct history h = {.link = &link,
                        .until = UINT64_MAX,
                        .with_values = skn_args_has(&cli->args, SKN_OPTION_VALUES)};
    const char *named = skn_args_value(&cli->args, SKN_OPTION_PROJECT);
    enum skn_rc rc = skn_link_address(&link, 0, &h.address);
    if (rc == SKN_OK) rc = skn_link_count(&link, SKN_OPTION_LIMIT, LIMIT, &h.max);
    if (rc == SKN_OK && h.max > LIMIT_MAX)
        rc = SKN_FAIL(&link.diag, SKN_EUSAGE, "--limit shows at most %d lines", LIMIT_MAX);
    if (rc == SKN_OK) rc = stamp_of(&link, SKN_OPTION_SINCE, SKN_STAMP_FIRST, &h.since);
    if (rc == SKN_OK) rc = stamp_of(&link, SKN_OPTION_UNTIL, SKN_STAMP_LAST, &h.until);
    if (rc == SKN_OK) rc = skn_load_project(&cli->arena, named, ".", &link.project, &link.diag);
    if (rc == SKN_OK && !skn_project_has_data(&link.project))
        rc = SKN_FAIL(&link.diag, SKN_ENOENT, "nothing was ever run in \"%s\"", link.project.root);
    if (rc == SKN_OK) rc = show(&h);
    return skn_link_close(&link, rc);
}
