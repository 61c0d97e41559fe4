/* ledger.c - a domain of the simulator that adds up, and can be asked for too much. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/mem.h"
#include "sim/numbers_internal.h"
#include "sim/world_internal.h"

/* Not pure.h: it forbids the word that names a member of the program. */

/* Messages: add {id, amount, what, n}, get, and blob and prune, which it sends itself.
 * Rows:
 *   "t"      sum
 *   "e" id   amount, how often it was added
 *   "z" ..   what an add did besides, gone again at its end
 *   "n" id   a note of an add, which its "prune" removes [E70]
 * `what` does something with `n`: within the limits nothing is left of it, over them the slice
 * faults, and then nothing of the add may be left either.
 */

struct warm {
    uint64_t sum;
    uint64_t handled; /* of no consequence, but under MEMORY_STATE */
};

static void *ledger_wake(struct skn_cx *cx)
{
    struct numbers sum;
    bool is_there = numbers_get(cx, SKN_LIT("t"), &sum);
    if (!is_there && skn_cx_rc(cx) != SKN_OK) return NULL;
    struct warm *warm = skn_alloc_zero(1, sizeof *warm);
    warm->sum = sum.n[0];
    return warm;
}

static void ledger_sleep(void *warm)
{
    skn_free(warm);
}

static struct skn_slice zeros(struct skn_cx *cx, size_t n)
{
    return skn_slice(skn_arena_zero(skn_cx_arena(cx), n ? n : 1, 1), n);
}

static struct skn_value text_value(struct skn_cx *cx, struct skn_slice text)
{
    struct skn_buf *out = skn_cx_scratch(cx);
    struct skn_builder *b = skn_arena_alloc(skn_cx_arena(cx), sizeof *b);
    skn_builder_init(b, out);
    skn_build_string(b, text);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    return skn_value_view(skn_buf_slice(out));
}

static struct skn_value bytes_value(struct skn_cx *cx, size_t n)
{
    struct skn_buf out;
    struct skn_builder *b = skn_arena_alloc(skn_cx_arena(cx), sizeof *b);
    skn_buf_init(&out, n + 64);
    skn_builder_init(b, &out);
    skn_build_bytes(b, zeros(cx, n));
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    struct skn_slice copy = skn_arena_dup(skn_cx_arena(cx), skn_buf_slice(&out));
    skn_buf_fini(&out);
    return skn_value_view(copy);
}

static struct skn_slice other_key(struct skn_cx *cx, size_t n)
{
    return numbers_text(skn_cx_arena(cx), "z", n, (struct skn_slice){0});
}

static void put_rows(struct skn_cx *cx, size_t n, size_t bytes, bool keeps_all)
{
    for (size_t i = 0; i < n && skn_cx_rc(cx) == SKN_OK; i++) {
        size_t number = keeps_all ? i : 0;
        skn_cx_put(cx, other_key(cx, number), zeros(cx, bytes));
    }
    for (size_t i = 0; i < (keeps_all ? n : 1) && skn_cx_rc(cx) == SKN_OK; i++)
        skn_cx_delete(cx, other_key(cx, i));
}

/* True: the answer has been given. */
static bool do_more(struct skn_cx *cx, struct skn_slice what, size_t n, struct skn_slice id)
{
    if (is_name(what, "gas")) put_rows(cx, n, 1, false);
    if (is_name(what, "row")) put_rows(cx, 1, n, false);
    if (is_name(what, "batch")) put_rows(cx, n, 1000, true);
    if (is_name(what, "key")) {
        uint8_t *key = skn_arena_zero(skn_cx_arena(cx), n + 1, 1);
        memset(key, 'z', n);
        skn_cx_put(cx, skn_slice(key, n), SKN_LIT(""));
        skn_cx_delete(cx, skn_slice(key, n));
    }
    if (is_name(what, "send"))
        skn_cx_send(cx, skn_cx_address(cx), SKN_PRIORITY_LOW, SKN_LIT("blob"), bytes_value(cx, n));
    if (is_name(what, "tag"))
        skn_cx_timer_cancel(cx, skn_cx_timer_set(cx, skn_cx_now_ms(cx) + 1000, zeros(cx, n)));
    if (is_name(what, "note")) {
        skn_cx_put(cx, numbers_key(skn_cx_arena(cx), "n", id), id);
        skn_cx_send(cx, skn_cx_address(cx), SKN_PRIORITY_LOW, SKN_LIT("prune"), text_value(cx, id));
    }
    bool answers = is_name(what, "answer"), twice = is_name(what, "twice");
    if (answers || twice) skn_cx_reply(cx, bytes_value(cx, n));
    if (twice) skn_cx_reply(cx, bytes_value(cx, n));
    return answers || twice;
}

static enum skn_rc
add(struct skn_cx *cx, struct warm *warm, struct skn_value payload, struct skn_diag *diag)
{
    struct numbers entry, sum;
    struct skn_slice key = numbers_key(skn_cx_arena(cx), "e", payload_text(payload, "id"));
    struct skn_slice what = payload_text(payload, "what");
    uint64_t amount = (uint64_t)payload_int(payload, "amount");
    (void)numbers_get(cx, key, &entry);
    (void)numbers_get(cx, SKN_LIT("t"), &sum);
    if (skn_cx_rc(cx) != SKN_OK) return skn_cx_rc(cx);
    entry = (struct numbers){{amount, entry.n[1] + 1}};
    numbers_put(cx, key, &entry, 2);
    sum.n[0] += amount;
    numbers_put(cx, SKN_LIT("t"), &sum, 1);
    warm->handled++;
    if (skn_bug(SKN_BUG_MEMORY_STATE)) sum.n[0] = warm->handled;
    if (skn_bug(SKN_BUG_MEMORY_STATE)) numbers_put(cx, SKN_LIT("z"), &sum, 1);
    bool has_answered =
        do_more(cx, what, (size_t)payload_int(payload, "n"), payload_text(payload, "id"));
    /* All of it is dropped again: a slice is whole or nothing. */
    if (is_name(what, "fault")) return SKN_FAIL(diag, SKN_EEXECUTION, "an amount of ill luck");
    if (!has_answered) skn_cx_reply(cx, skn_value_int((int64_t)sum.n[0]));
    if (skn_cx_rc(cx) == SKN_OK) warm->sum += amount;
    return skn_cx_rc(cx);
}

static enum skn_rc ledger_handle(struct skn_cx *cx,
                                 void *memory,
                                 const struct skn_message *message,
                                 struct skn_diag *diag)
{
    struct warm *warm = memory;
    if (!warm) return skn_cx_rc(cx); /* its rows are being fetched */
    if (is_name(message->name, "add")) return add(cx, warm, message->payload, diag);
    if (is_name(message->name, "prune"))
        skn_cx_delete_why(cx,
                          numbers_key(skn_cx_arena(cx), "n", skn_value_as_text(message->payload)),
                          SKN_WHY_PRUNE);
    if (is_name(message->name, "get")) skn_cx_reply(cx, skn_value_int((int64_t)warm->sum));
    return skn_cx_rc(cx);
}

const struct skn_program sim_ledger_program = {.type = "Ledger",
                                               .module = 101,
                                               .handle = ledger_handle,
                                               .wake = ledger_wake,
                                               .sleep = ledger_sleep};

bool ledger_tell(struct skn_slice key, struct skn_slice value, struct skn_history_event *out)
{
    if (key.ptr[0] != 't' && key.ptr[0] != 'e') return false;
    struct numbers row = numbers_decode(value);
    out->id = skn_slice_from(key, 1);
    out->kind = key.ptr[0] == 't' ? SKN_HISTORY_TOTAL : SKN_HISTORY_ENTRY;
    out->amount = (int64_t)row.n[0];
    if (key.ptr[0] == 'e') out->count = row.n[1];
    return true;
}
