/* ledger.c - Ledger: entries that are there once, and accounts that add up (P2). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dev/dev.h"

#include "dev/dev_internal.h"

#include "base/pure.h"

/* Rows: "t" the total, "e" and an id: {amount, count}, "a" and a name: the account's balance. */
enum { ID_MAX = 200 };

#define TOTAL SKN_LIT("t")

static void put_entry(struct skn_cx *cx, struct skn_slice id, int64_t amount)
{
    struct skn_slice bytes, key = dev_key(cx, 'e', id);
    int64_t count = 0;
    if (skn_cx_get(cx, key, &bytes) == SKN_OK)
        (void)dev_int(skn_value_view(bytes), "count", 0, INT64_MAX, 0, &count);
    struct skn_builder *b = dev_map_begin(cx);
    dev_map_int(b, "amount", amount);
    dev_map_int(b, "count", count + 1);
    skn_cx_put_value(cx, key, dev_map_end(cx, b));
}

static enum skn_rc
answer(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    skn_cx_reply(cx, skn_value_int(dev_row_get(cx, TOTAL)));
    return dev_end(cx, message, diag);
}

static enum skn_rc add(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    struct skn_slice id, account = {0};
    int64_t amount, sum;
    bool has_account = !skn_value_is(dev_member(message->payload, "account"), SKN_T_NONE);
    if (!dev_text(message->payload, "id", ID_MAX, &id) ||
        !dev_int(message->payload, "amount", INT64_MIN, INT64_MAX, 0, &amount) ||
        (has_account && !dev_text(message->payload, "account", ID_MAX, &account)))
        return dev_refuse(cx, message, "{id, amount, account}, texts up to 200 bytes");
    put_entry(cx, id, amount);
    enum skn_rc rc = dev_row_add(cx, TOTAL, amount, &sum, diag);
    if (rc == SKN_OK && has_account)
        rc = dev_row_add(cx, dev_key(cx, 'a', account), amount, &sum, diag);
    return rc == SKN_OK ? answer(cx, message, diag) : rc;
}

static enum skn_rc
transfer(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    struct skn_slice id, from, to;
    int64_t amount, sum;
    if (!dev_text(message->payload, "id", ID_MAX, &id) ||
        !dev_text(message->payload, "from", ID_MAX, &from) ||
        !dev_text(message->payload, "to", ID_MAX, &to) ||
        !dev_int(message->payload, "amount", -INT64_MAX, INT64_MAX, 0, &amount))
        return dev_refuse(cx, message, "{id, from, to, amount}, texts up to 200 bytes");
    put_entry(cx, id, amount);
    enum skn_rc rc = dev_row_add(cx, dev_key(cx, 'a', from), -amount, &sum, diag);
    if (rc == SKN_OK) rc = dev_row_add(cx, dev_key(cx, 'a', to), amount, &sum, diag);
    return rc == SKN_OK ? answer(cx, message, diag) : rc;
}

/* Adds how many rows begin with `kind`, and what they add up to where they are numbers. */
static enum skn_rc tally(struct skn_cx *cx, char kind, int64_t *out_count, int64_t *out_sum)
{
    struct skn_slice prefix = dev_key(cx, kind, (struct skn_slice){0}), from = prefix;
    struct skn_row row;
    enum skn_rc rc;
    while ((rc = skn_cx_next(cx, prefix, from, &row)) == SKN_OK) {
        struct skn_value v = skn_value_view(row.value);
        if (skn_value_is(v, SKN_T_INT))
            *out_sum += skn_value_as_int(v); /* wraps, as -fwrapv says */
        ++*out_count;
        uint8_t *next = skn_arena_zero(skn_cx_arena(cx), row.key.len + 1, 1);
        memcpy(next, row.key.ptr, row.key.len);
        from = skn_slice(next, row.key.len + 1);
    }
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

static enum skn_rc total(struct skn_cx *cx)
{
    int64_t accounts = 0, sum = 0, entries = 0, ignored = 0;
    enum skn_rc rc = tally(cx, 'a', &accounts, &sum);
    if (rc == SKN_OK) rc = tally(cx, 'e', &entries, &ignored);
    if (rc != SKN_OK) return rc;
    int64_t added = dev_row_get(cx, TOTAL);
    struct skn_builder *b = dev_map_begin(cx);
    dev_map_int(b, "total", added);
    dev_map_int(b, "accounts", sum);
    dev_map_int(b, "entries", entries);
    skn_cx_reply(cx, dev_map_end(cx, b));
    return skn_cx_rc(cx);
}

static enum skn_rc
handle(struct skn_cx *cx, void *warm, const struct skn_message *message, struct skn_diag *diag)
{
    (void)warm;
    if (dev_is(message->name, "add")) return add(cx, message, diag);
    if (dev_is(message->name, "transfer")) return transfer(cx, message, diag);
    if (dev_is(message->name, "total")) return total(cx);
    if (dev_is(message->name, "get")) return answer(cx, message, diag);
    return dev_refuse(cx, message, "that of add, transfer, total or get");
}

const struct skn_program skn_dev_ledger = {.type = "Ledger", .module = 202, .handle = handle};
