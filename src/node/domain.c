/* domain.c - what a node says about domains: pages of them, and one of them whole. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/domain_internal.h"

#include "base/cursor.h"
#include "base/hex.h"
#include "base/mem.h"
#include "value/json.h"

#include <stdlib.h>
#include <string.h>

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

enum skn_rc domain_key(struct skn_slice text, struct skn_buf *out, struct skn_diag *diag)
{
    skn_buf_reset(out);
    if (!skn_slice_has_prefix(text, SKN_LIT("0x"))) {
        skn_buf_put(out, text);
    } else {
        bool fits = text.len % 2 == 0;
        for (size_t i = 2; fits && i < text.len; i += 2) {
            int high = hex_digit(text.ptr[i]), low = hex_digit(text.ptr[i + 1]);
            fits = high >= 0 && low >= 0;
            skn_buf_put_u8(out, (uint8_t)((high << 4 | low) & 0xff));
        }
        if (!fits)
            return SKN_FAIL(diag,
                            SKN_EARGS,
                            "the key \"%.*s\" begins with 0x and is not whole bytes in hex",
                            SKN_FMT(text));
    }
    if (skn_buf_rc(out) == SKN_OK && out->len <= SKN_PRIVATE_KEY_MAX) return SKN_OK;
    return SKN_FAIL(diag, SKN_EARGS, "a key has at most %d bytes", SKN_PRIVATE_KEY_MAX);
}

/* --- pieces of an answer ------------------------------------------------------------------------ */

static void put_uint(struct skn_json_writer *w, const char *name, uint64_t n)
{
    skn_json_key_str(w, name);
    skn_json_uint(w, n);
}

static void put_text(struct skn_json_writer *w, const char *name, struct skn_slice text)
{
    skn_json_key_str(w, name);
    skn_json_any_text(w, text);
}

static void put_bool(struct skn_json_writer *w, const char *name, bool b)
{
    skn_json_key_str(w, name);
    skn_json_bool(w, b);
}

static void put_key(struct skn_json_writer *w, const char *name, struct skn_slice key)
{
    struct skn_buf text;
    skn_buf_init(&text, 2 * (size_t)SKN_KEY_MAX + 2);
    skn_key_print(key, &text);
    put_text(w, name, skn_buf_slice(&text));
    skn_buf_fini(&text);
}

static void put_hex(struct skn_json_writer *w, const char *name, struct skn_slice bytes)
{
    struct skn_buf text;
    skn_buf_init(&text, 2 * bytes.len + 2);
    for (size_t i = 0; i < bytes.len; i++) {
        char digits[3];
        skn_hex(bytes.ptr + i, 1, digits);
        skn_buf_put_str(&text, digits);
    }
    put_text(w, name, skn_buf_slice(&text));
    skn_buf_fini(&text);
}

/* A value as JSON under `name`; one that has no text, as "bytes" in hex instead. */
static void put_value(struct skn_json_writer *w, const char *name, struct skn_value v)
{
    struct skn_buf text;
    skn_buf_init(&text, DOMAIN_BYTES_MAX);
    if (skn_json_print(v, SKN_JSON_PLAIN, &text, NULL) == SKN_OK) {
        skn_json_key_str(w, name);
        skn_json_value(w, v);
    } else {
        skn_buf_reset(&text);
        skn_value_encode(v, &text);
        put_hex(w, "bytes", skn_buf_slice(&text));
    }
    skn_buf_fini(&text);
}

/* The same of a value that may be large: then only its size. */
static void put_short(struct skn_json_writer *w, const char *name, struct skn_value v)
{
    if (skn_value_size(v) <= DOMAIN_VALUE_SHOWN_MAX)
        put_value(w, name, v);
    else
        put_uint(w, "size", skn_value_size(v));
}

/* What stands in a row: a value, or bytes that are none. */
static void put_row_value(struct skn_json_writer *w, struct skn_slice bytes)
{
    struct skn_value v = skn_value_none();
    put_uint(w, "size", bytes.len);
    if (skn_stored_check(bytes, &v, NULL) == SKN_OK)
        put_value(w, "value", v);
    else
        put_hex(w, "bytes", bytes);
}

static void
put_row(struct skn_json_writer *w, const struct domain_query *query, const struct skn_row *row)
{
    put_key(w, "key", row->key);
    if (query->was_pruned && query->was_pruned(query->pruned_ctx, row->key))
        put_bool(w, "pruned", true);
    else
        put_row_value(w, row->value);
}

static void put_held(struct skn_json_writer *w, struct skn_core *core, struct skn_slice address)
{
    skn_json_key_str(w, "held");
    if (core)
        skn_json_bool(w, skn_core_is_held(core, address));
    else
        skn_json_none(w);
}

static void begin(struct skn_json_writer *w, struct skn_buf *out)
{
    skn_buf_reset(out);
    skn_json_begin(w, out, SKN_JSON_PLAIN);
    skn_json_object_begin(w);
}

static enum skn_rc end(struct skn_json_writer *w, struct skn_store *store, struct skn_diag *diag)
{
    put_uint(w, "stamp", skn_store_position(store).stamp);
    skn_json_object_end(w);
    enum skn_rc rc = skn_json_end(w, diag);
    if (rc != SKN_EFULL) return rc;
    return SKN_FAIL(diag, SKN_ETOOLARGE, "the answer is over 12 MiB; ask for fewer with --limit");
}

/* --- many ---------------------------------------------------------------------------------------- */

static struct skn_slice type_of(struct skn_slice address)
{
    const uint8_t *colon = memchr(address.ptr, ':', address.len);
    struct skn_slice rest =
        colon ? skn_slice_from(address, (size_t)(colon + 1 - address.ptr)) : (struct skn_slice){0};
    const uint8_t *slash = rest.len > 0 ? memchr(rest.ptr, '/', rest.len) : NULL;
    return skn_slice(rest.ptr, slash ? (size_t)(slash - rest.ptr) : 0);
}

static bool is_wanted(const struct domain_query *query,
                      struct skn_slice address,
                      const struct skn_look_domain *domain)
{
    if (query->is_faulted && !domain->is_faulted) return false;
    return query->type.len == 0 || skn_slice_eq(type_of(address), query->type);
}

static void put_domain(struct skn_json_writer *w,
                       struct skn_core *core,
                       struct skn_slice address,
                       const struct skn_look_domain *domain)
{
    put_text(w, "address", address);
    put_bool(w, "faulted", domain->is_faulted);
    put_uint(w, "faults", domain->faults);
    put_held(w, core, address);
    put_uint(w, "mail", domain->mail);
    put_uint(w, "waiting", domain->waiting);
    put_uint(w, "dead", domain->dead);
}

static void put_blob(struct skn_json_writer *w, const struct skn_look_blob *blob)
{
    skn_json_key_str(w, "blob");
    skn_json_object_begin(w);
    put_text(w, "state", skn_slice_str(blob->state));
    put_uint(w, "size", blob->size);
    put_bool(w, "pinned", blob->is_pinned);
    put_bool(w, "stored", blob->is_stored);
    put_uint(w, "shards", blob->holders);
    skn_json_object_end(w);
}

/* `blob`: NULL where it is none. */
static void put_entry(struct skn_buf *out,
                      struct skn_core *core,
                      struct skn_slice address,
                      const struct skn_look_domain *domain,
                      const struct skn_look_blob *blob)
{
    struct skn_json_writer w;
    struct skn_buf json;
    skn_buf_init(&json, DOMAIN_BYTES_MAX);
    skn_json_begin(&w, &json, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    put_domain(&w, core, address, domain);
    if (blob) put_blob(&w, blob);
    skn_json_object_end(&w);
    if (skn_json_end(&w, NULL) == SKN_OK) {
        skn_buf_put_block(out, address);
        skn_buf_put_block(out, skn_buf_slice(&json));
    }
    skn_buf_fini(&json);
}

enum skn_rc domain_list(const struct domain_query *query,
                        struct domain_part *part,
                        struct skn_core *core,
                        struct skn_store *store,
                        struct skn_diag *diag)
{
    struct skn_slice address;
    enum skn_rc rc;
    if (part->after->len == 0) skn_buf_put(part->after, query->after);
    for (;;) {
        bool goes_on = part->after->len > 0;
        struct skn_slice from = goes_on ? skn_buf_slice(part->after) : query->address;
        struct skn_look_domain domain;
        rc = skn_look_next_domain(store, from, goes_on, &address, diag);
        if (rc != SKN_OK) return rc == SKN_ENOENT ? SKN_OK : rc;
        if (!skn_slice_has_prefix(address, query->address)) return SKN_OK;
        part->has_more = part->found == query->limit || part->scanned == DOMAIN_SCANNED_MAX;
        if (part->has_more) return SKN_OK;
        if ((rc = skn_look_domain(store, address, &domain, diag)) != SKN_OK) return rc;
        /* What is read next may move it. */
        char copy[SKN_ADDRESS_MAX];
        memcpy(copy, address.ptr, address.len);
        address.ptr = (const uint8_t *)copy;
        struct skn_look_blob blob;
        rc = skn_look_blob(store, address, &blob, diag);
        bool is_blob = rc == SKN_OK;
        if (rc != SKN_OK && rc != SKN_ENOENT) return rc;
        part->scanned++;
        skn_buf_reset(part->after);
        skn_buf_put(part->after, address);
        if (!is_wanted(query, address, &domain)) continue;
        part->found++;
        put_entry(part->entries, core, address, &domain, is_blob ? &blob : NULL);
    }
}

/* --- the parts of a page ---------------------------------------------------------------------------- */

/* Up to where everything is known: the least address at which a shard stopped. */
static bool horizon_of(struct skn_slice parts, struct skn_slice *out)
{
    struct skn_cursor cursor = skn_cursor(parts);
    bool has = false;
    while (!skn_cursor_is_done(&cursor)) {
        (void)skn_cursor_block(&cursor);
        struct skn_slice after = skn_cursor_block(&cursor);
        bool has_more = skn_cursor_u8(&cursor) != 0;
        SKN_ASSERT(!cursor.bad);
        if (!has_more || (has && skn_slice_cmp(after, *out) >= 0)) continue;
        *out = after;
        has = true;
    }
    return has;
}

struct entry {
    struct skn_slice address, json;
};

static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return skn_slice_cmp(x->address, y->address);
}

/* Counts them only, when `out` is NULL. */
static size_t get_entries(struct skn_slice parts, struct entry *out)
{
    struct skn_cursor cursor = skn_cursor(parts);
    size_t count = 0;
    while (!skn_cursor_is_done(&cursor)) {
        struct skn_cursor entries = skn_cursor(skn_cursor_block(&cursor));
        (void)skn_cursor_block(&cursor);
        (void)skn_cursor_u8(&cursor);
        SKN_ASSERT(!cursor.bad);
        for (; !skn_cursor_is_done(&entries); count++) {
            struct skn_slice address = skn_cursor_block(&entries);
            struct skn_slice json = skn_cursor_block(&entries);
            SKN_ASSERT(!entries.bad);
            if (out) out[count] = (struct entry){address, json};
        }
    }
    return count;
}

static void put_next(struct skn_buf *out, struct skn_slice next)
{
    struct skn_json_writer w;
    skn_buf_put_str(out, "],\"next\":");
    skn_json_begin(&w, out, SKN_JSON_PLAIN);
    if (next.len > 0)
        skn_json_any_text(&w, next);
    else
        skn_json_none(&w);
    enum skn_rc rc = skn_json_end(&w, NULL);
    SKN_ASSERT(rc == SKN_OK || rc == SKN_EFULL); /* which the buffer says too */
    skn_buf_put_u8(out, '}');
}

void domain_merge(struct skn_slice parts, uint32_t limit, struct skn_buf *out_json)
{
    struct skn_slice horizon = {0}, next = {0};
    bool has_horizon = horizon_of(parts, &horizon);
    size_t count = get_entries(parts, NULL), shown = 0;
    struct entry *entries = skn_alloc((count + 1) * sizeof *entries);
    (void)get_entries(parts, entries);
    qsort(entries, count, sizeof *entries, compare);
    skn_buf_put_str(out_json, "{\"domains\":[");
    for (; shown < count && shown < limit; shown++) {
        if (has_horizon && skn_slice_cmp(entries[shown].address, horizon) > 0) break;
        if (shown > 0) skn_buf_put_u8(out_json, ',');
        skn_buf_put(out_json, entries[shown].json);
    }
    bool is_cut = shown > 0 && shown == limit && (has_horizon || shown < count);
    if (is_cut)
        next = entries[shown - 1].address;
    else if (has_horizon)
        next = horizon;
    put_next(out_json, next);
    skn_free(entries);
}

/* --- one ------------------------------------------------------------------------------------------ */

static void put_message(struct skn_json_writer *w, const struct skn_message *message)
{
    skn_json_key_str(w, "kind");
    skn_json_str(w, skn_message_kind_name(message->kind));
    put_text(w, "name", message->name);
    put_text(w, "from", message->sender);
    put_uint(w, "stamp", message->stamp);
    if (message->kind == SKN_MESSAGE_ATTEMPT) {
        put_uint(w, "attempt", message->attempt);
        skn_json_key_str(w, "status");
        skn_json_str(w, skn_attempt_status_name(message->status));
        put_text(w, "reason", message->reason);
    }
    put_short(w, "payload", message->payload);
}

static void
put_item(struct skn_json_writer *w, enum skn_look_kind kind, const struct skn_look_item *item)
{
    put_uint(w, "number", item->number);
    if (kind == SKN_LOOK_DEAD) {
        skn_json_key_str(w, "code");
        skn_json_str(w, skn_rc_info(item->rc)->name);
        skn_json_key_str(w, "text");
        skn_json_str(w, skn_rc_info(item->rc)->text);
        put_message(w, &item->message);
    } else if (kind == SKN_LOOK_TIMER) {
        skn_json_key_str(w, "due");
        skn_json_value(w, skn_value_time((int64_t)(item->due_ms * 1000000)));
        if (item->is_retry)
            put_uint(w, "intent", item->intent);
        else
            put_key(w, "tag", item->tag);
    } else {
        put_key(w, "tag", item->tag);
        skn_json_key_str(w, "status");
        skn_json_str(w,
                     item->is_waiting     ? "waiting"
                     : item->is_cancelled ? "cancelling"
                                          : "running");
        put_uint(w, "attempt", item->attempt);
        put_uint(w, "attempts", item->attempts_max);
        put_uint(w, "interruptions", item->interruptions);
        put_uint(w, "epoch", item->epoch);
        put_hex(w, "key", skn_slice(item->key, sizeof item->key));
        put_short(w, "effect", item->effect);
    }
}

/* Up to DOMAIN_SHOWN_MAX of them under `name`; `name`_more when there are more. */
static enum skn_rc put_items(struct skn_json_writer *w,
                             struct skn_store *store,
                             struct skn_slice address,
                             enum skn_look_kind kind,
                             const char *name,
                             const char *more,
                             struct skn_diag *diag)
{
    struct skn_look_item item = {.number = 0};
    uint64_t from = 0;
    uint32_t count = 0;
    enum skn_rc rc;
    skn_json_key_str(w, name);
    skn_json_list_begin(w);
    while ((rc = skn_look_next(store, address, kind, SKN_PRIORITY_NORMAL, from, &item, diag)) ==
           SKN_OK) {
        if (count++ == DOMAIN_SHOWN_MAX) break;
        skn_json_object_begin(w);
        put_item(w, kind, &item);
        skn_json_object_end(w);
        from = item.number + 1;
    }
    skn_json_list_end(w);
    put_bool(w, more, rc == SKN_OK);
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

static void put_mailbox(struct skn_json_writer *w, const struct skn_look_domain *domain)
{
    skn_json_key_str(w, "mailbox");
    skn_json_object_begin(w);
    for (enum skn_priority lane = 0; lane < SKN_PRIORITIES; lane++)
        put_uint(w, skn_priority_name(lane), domain->lanes[lane]);
    skn_json_object_end(w);
}

/* A page of rows behind query.after, and where the next one begins. */
static enum skn_rc put_rows(const struct domain_query *query,
                            struct skn_json_writer *w,
                            struct skn_store *store,
                            struct skn_diag *diag)
{
    struct skn_slice prefix = {0};
    uint8_t from[SKN_PRIVATE_KEY_MAX + 1];
    size_t from_len = query->after.len, bytes = 0;
    uint32_t count = 0;
    struct skn_row row;
    enum skn_rc rc;
    if (from_len > 0) {
        memcpy(from, query->after.ptr, from_len);
        from[from_len++] = 0;
    }
    skn_json_key_str(w, "rows");
    skn_json_list_begin(w);
    while ((rc = skn_core_next_row(
                store, query->address, prefix, skn_slice(from, from_len), &row, diag)) == SKN_OK) {
        if (count++ == query->limit || bytes > DOMAIN_PAGE_BYTES) break;
        skn_json_object_begin(w);
        put_row(w, query, &row);
        skn_json_object_end(w);
        bytes += row.value.len;
        SKN_ASSERT(row.key.len < sizeof from);
        memcpy(from, row.key.ptr, row.key.len);
        from_len = row.key.len;
        from[from_len++] = 0;
    }
    skn_json_list_end(w);
    if (rc == SKN_OK) {
        put_key(w, "next", skn_slice(from, from_len - (from_len > 0)));
    } else {
        skn_json_key_str(w, "next");
        skn_json_none(w);
    }
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

static enum skn_rc one_row(const struct domain_query *query,
                           struct skn_json_writer *w,
                           struct skn_store *store,
                           struct skn_diag *diag)
{
    struct skn_slice value;
    enum skn_rc rc = skn_core_get(store, query->address, query->key, &value, diag);
    if (rc == SKN_ENOENT)
        return SKN_FAIL(diag,
                        rc,
                        "\"%.*s\" has no row under this key; `skein domain get` lists them",
                        SKN_FMT(query->address));
    if (rc != SKN_OK) return rc;
    const struct skn_row row = {.key = query->key, .value = value};
    put_row(w, query, &row);
    return end(w, store, diag);
}

enum skn_rc domain_show(const struct domain_query *query,
                        struct skn_core *core,
                        struct skn_store *store,
                        struct skn_buf *out_json,
                        struct skn_diag *diag)
{
    static const struct {
        enum skn_look_kind kind;
        const char *name, *more;
    } things[] = {{SKN_LOOK_INTENT, "intents", "intents_more"},
                  {SKN_LOOK_TIMER, "timers", "timers_more"},
                  {SKN_LOOK_DEAD, "dead_letters", "dead_letters_more"}};
    struct skn_slice address = query->address;
    struct skn_look_domain domain;
    struct skn_json_writer w;
    enum skn_rc rc = skn_look_domain(store, address, &domain, diag);
    if (rc != SKN_OK) return rc;
    begin(&w, out_json);
    if (query->has_key) return one_row(query, &w, store, diag);
    put_domain(&w, core, address, &domain);
    put_mailbox(&w, &domain);
    for (size_t i = 0; rc == SKN_OK && i < SKN_ARRAY_LEN(things); i++)
        rc = put_items(&w, store, address, things[i].kind, things[i].name, things[i].more, diag);
    if (rc == SKN_OK) rc = put_rows(query, &w, store, diag);
    return rc == SKN_OK ? end(&w, store, diag) : rc;
}
