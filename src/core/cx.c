/* cx.c - the overlay of a slice: what the program sees and what it asked for. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cx.h"

#include "base/bug.h"
#include "base/hlc.h"
#include "core/core_internal.h"
#include "core/gas.h"
#include "core/index_internal.h"

#include <string.h>

void skn_cx_begin(struct skn_cx *cx,
                  struct skn_core *core,
                  struct skn_dom *dom,
                  const struct skn_message *message,
                  const struct skn_input *input,
                  uint64_t stamp)
{
    skn_arena_reset(&cx->arena);
    cx->core = core;
    cx->dom = dom;
    cx->message = message;
    cx->input = input;
    skn_omap_init(&cx->overlay);
    skn_list_init(&cx->outs);
    skn_omap_init(&cx->mets);
    cx->is_rebuilt = cx == &core->cx[1];
    cx->meta = (struct skn_meta_row){0};
    memset(cx->boxes, 0, sizeof cx->boxes);
    cx->meta_len = 0;
    cx->own_head = 0;
    cx->is_new = false;
    cx->has_put = false;
    cx->meta_changed = false;
    cx->was_faulted = false;
    cx->was_busy = 0;
    cx->ranges = NULL;
    cx->ends = false;
    cx->is_gone = false;
    cx->may_name = false;
    cx->names = false;
    cx->reseals = false;
    cx->removal = SKN_REMOVAL_GOES_ON;
    cx->places_next = 0;
    cx->sent = NULL;
    skn_omap_init(&cx->notes);
    cx->has_replied = false;
    cx->has_kept = false;
    cx->is_cancelling = false;
    cx->depth = 0;
    cx->stamp = stamp;
    cx->is_bounded = false;
    cx->is_over = false;
    cx->gas = 0;
    cx->memory_before = 0;
    cx->reads = cx->reads_before = 0;
    cx->bytes = 0;
    cx->random_count = 0;
    cx->rc = SKN_OK;
    cx->diag = (struct skn_diag){0};
}

enum skn_rc skn_cx_fault(struct skn_cx *cx, enum skn_rc rc, const char *text)
{
    if (cx->rc == SKN_OK) cx->rc = SKN_FAIL(&cx->diag, rc, "%s", text);
    return cx->rc;
}

static struct skn_change *change_of(struct skn_omap_node *node)
{
    return node ? SKN_CONTAINER_OF(node, struct skn_change, node) : NULL;
}

static enum skn_rc count_read(struct skn_cx *cx)
{
    uint32_t limit = cx->core->limits.hot_rows;
    cx->reads++;
    if (!cx->is_bounded || cx->reads - cx->reads_before <= limit) return SKN_OK;
    return skn_cx_over(cx, SKN_EFULL, "the slice reads more rows than it may", "hot_rows", limit);
}

typedef enum skn_rc
get_fn(struct skn_store *, struct skn_slice key, struct skn_slice *out_value, struct skn_diag *);

static enum skn_rc
raw_get(struct skn_cx *cx, struct skn_slice key, get_fn *get, struct skn_slice *out_value)
{
    if (skn_cx_pay(cx, SKN_GAS_READ) != SKN_OK || count_read(cx) != SKN_OK) return cx->rc;
    struct skn_change *change = change_of(skn_omap_find(&cx->overlay, key));
    if (change && change->is_delete) return SKN_ENOENT;
    enum skn_rc rc = SKN_OK;
    if (change)
        *out_value = change->value;
    else
        rc = get(cx->core->store, key, out_value, &cx->diag);
    if (rc == SKN_ENOENT) return rc;
    if (rc != SKN_OK) return cx->rc = rc;
    return skn_cx_pay(cx, skn_gas_of_read(out_value->len));
}

enum skn_rc skn_raw_get(struct skn_cx *cx, struct skn_slice key, struct skn_slice *out_value)
{
    return raw_get(cx, key, skn_store_get, out_value);
}

enum skn_rc skn_raw_get_meta(struct skn_cx *cx, struct skn_slice key, struct skn_slice *out_value)
{
    return raw_get(cx, key, skn_store_get_head, out_value);
}

/* The first change and the first row at or after `from` inside the prefix; the smaller one wins,
 * the change when both have the same key, and a deleted one is stepped over. */
enum skn_rc skn_raw_next(struct skn_cx *cx,
                         struct skn_slice prefix,
                         struct skn_slice from,
                         struct skn_row *out_row)
{
    struct skn_slice end = skn_key_after(&cx->arena, prefix);
    for (;;) {
        if (skn_cx_pay(cx, SKN_GAS_SCAN) != SKN_OK || count_read(cx) != SKN_OK) return cx->rc;
        struct skn_change *change = change_of(skn_omap_lower_bound(&cx->overlay, from));
        if (change && !skn_slice_has_prefix(change->node.key, prefix)) change = NULL;
        size_t count = 0;
        struct skn_row row;
        enum skn_rc rc = skn_store_scan(cx->core->store, from, end, &row, 1, &count, &cx->diag);
        if (rc != SKN_OK) return cx->rc = rc;
        if (!change && count == 0) return SKN_ENOENT;
        if (!change || (count > 0 && skn_slice_cmp(row.key, change->node.key) < 0)) {
            *out_row = row;
            return skn_cx_pay(cx, skn_gas_of_read(row.value.len));
        }
        if (!change->is_delete) {
            *out_row = (struct skn_row){.key = change->node.key, .value = change->value};
            return skn_cx_pay(cx, skn_gas_of_read(change->value.len));
        }
        uint8_t *after = skn_arena_alloc(&cx->arena, change->node.key.len + 1);
        memcpy(after, change->node.key.ptr, change->node.key.len);
        after[change->node.key.len] = 0;
        from = skn_slice(after, change->node.key.len + 1);
    }
}

static struct skn_change *
change_row(struct skn_cx *cx, struct skn_slice key, struct skn_slice value, bool is_delete)
{
    if (skn_cx_pay(cx, SKN_GAS_WRITE + skn_gas_of_write(key.len + value.len)) != SKN_OK)
        return NULL;
    struct skn_omap_place place;
    struct skn_change *change = change_of(skn_omap_locate(&cx->overlay, key, &place));
    if (!change) {
        change = skn_arena_alloc(&cx->arena, sizeof *change);
        *change = (struct skn_change){.node.key = skn_arena_dup(&cx->arena, key)};
        skn_omap_insert_at(&cx->overlay, &change->node, &place);
        cx->bytes += key.len + 8;
    }
    cx->bytes = cx->bytes - change->value.len + value.len;
    change->is_delete = is_delete;
    change->why = SKN_WHY_DELETE;
    change->value = is_delete ? (struct skn_slice){0} : skn_arena_dup(&cx->arena, value);
    if (!is_delete && !cx->may_name) cx->may_name = skn_bytes_may_have_blob(value);
    uint32_t limit = cx->core->limits.batch_bytes;
    if (cx->bytes > limit && cx->is_bounded)
        (void)skn_cx_over(
            cx, SKN_ETOOLARGE, "the slice changed more bytes than it may", "batch_bytes", limit);
    return change;
}

struct skn_change *skn_raw_change(struct skn_cx *cx, struct skn_slice key, struct skn_slice value)
{
    if (value.len <= SKN_VALUE_MAX) return change_row(cx, key, value, false);
    (void)skn_cx_fault(cx, SKN_ETOOLARGE, "a row of the core is too large");
    return NULL;
}

void skn_raw_put(struct skn_cx *cx, struct skn_slice key, struct skn_slice value)
{
    (void)skn_raw_change(cx, key, value);
}

void skn_raw_delete(struct skn_cx *cx, struct skn_slice key)
{
    (void)change_row(cx, key, (struct skn_slice){0}, true);
}

/* --- rows of domains ------------------------------------------------------------------------------ */

/* What memory knows costs what reading it would: gas depends on rows, not on what is warm (P4). */
static enum skn_rc pay_read(struct skn_cx *cx, const struct skn_known_meta *known)
{
    if (skn_cx_pay(cx, SKN_GAS_READ) != SKN_OK || count_read(cx) != SKN_OK) return cx->rc;
    if (known->is == SKN_META_NONE) return SKN_ENOENT;
    return skn_cx_pay(cx, skn_gas_of_read(known->len));
}

/* The row under cx->key, unless `known` has it already. SKN_ENOENT: there is none; others stick. */
static enum skn_rc read_meta(struct skn_cx *cx, struct skn_known_meta *known)
{
    if (known->is != SKN_META_UNKNOWN) return pay_read(cx, known);
    struct skn_slice bytes;
    enum skn_rc rc = skn_raw_get_meta(cx, skn_key_slice(&cx->key), &bytes);
    known->is = SKN_META_NONE;
    if (rc == SKN_ENOENT) return rc;
    if (rc == SKN_OK) rc = skn_meta_decode(bytes, &known->row, &cx->diag);
    if (rc != SKN_OK) return cx->rc = rc;
    known->is = SKN_META_ROW;
    known->len = (uint32_t)bytes.len;
    return SKN_OK;
}

enum skn_rc skn_cx_load_meta(struct skn_cx *cx)
{
    static const struct skn_known_meta unknown;
    struct skn_known_meta known = cx->is_rebuilt ? unknown : cx->dom->known;
    cx->ranges = NULL; /* what `wake` read costs nothing, so it is read again */
    skn_boxes_load(cx, cx->dom, skn_dom_address(cx->dom), cx->boxes);
    if (cx->rc != SKN_OK) return cx->rc;
    if (known.is == SKN_META_UNKNOWN) skn_key_meta(&cx->key, skn_dom_address(cx->dom));
    enum skn_rc rc = read_meta(cx, &known);
    if (rc == SKN_ENOENT) {
        cx->is_new = true;
        return SKN_OK;
    }
    if (rc == SKN_OK) cx->meta = known.row;
    if (rc == SKN_OK) cx->meta_len = known.len;
    cx->was_faulted = cx->meta.is_faulted;
    cx->was_busy = skn_meta_busy(&cx->meta);
    return rc;
}

struct skn_met *skn_cx_meet(struct skn_cx *cx, struct skn_slice address, bool *out_is_new)
{
    struct skn_omap_place place;
    struct skn_omap_node *node = skn_omap_locate(&cx->mets, address, &place);
    struct skn_met *met = node ? SKN_CONTAINER_OF(node, struct skn_met, node) : NULL;
    if (!met) {
        struct skn_dom *dom = skn_dom_find(cx->core, address);
        met = skn_arena_zero(&cx->arena, 1, sizeof *met);
        met->node.key = skn_arena_dup(&cx->arena, address);
        skn_omap_insert_at(&cx->mets, &met->node, &place);
        if (!cx->is_rebuilt) met->dom = dom;
        if (met->dom) met->known = met->dom->known;
        skn_boxes_load(cx, dom, address, met->boxes);
    }
    if (met->known.is == SKN_META_UNKNOWN) skn_key_meta(&cx->key, address);
    enum skn_rc rc = read_meta(cx, &met->known);
    *out_is_new = rc == SKN_ENOENT;
    return rc == SKN_OK || rc == SKN_ENOENT ? met : NULL;
}

void skn_cx_put_met(struct skn_cx *cx, struct skn_met *met)
{
    skn_buf_reset(&cx->row);
    skn_meta_encode(&met->known.row, &cx->row);
    skn_key_meta(&cx->key, met->node.key);
    if (!skn_raw_change(cx, skn_key_slice(&cx->key), skn_buf_slice(&cx->row))) return;
    met->known.is = SKN_META_ROW;
    met->known.len = (uint32_t)cx->row.len;
}

void skn_cx_emit(struct skn_cx *cx, const struct skn_output *output)
{
    bool is_attempt = output->kind == SKN_OUTPUT_PERFORM || output->kind == SKN_OUTPUT_CANCEL;
    uint64_t gas = is_attempt ? SKN_GAS_INTENT : SKN_GAS_OUTPUT;
    if (!is_attempt) gas += skn_gas_of_write(output->name.len + output->value.len);
    if (skn_cx_pay(cx, gas) != SKN_OK) return;
    struct skn_out *out = skn_arena_zero(&cx->arena, 1, sizeof *out);
    skn_list_init(&out->link);
    out->output = *output;
    out->output.address = skn_arena_dup(&cx->arena, output->address);
    out->output.name = skn_arena_dup(&cx->arena, output->name);
    out->output.value = skn_arena_dup(&cx->arena, output->value);
    skn_list_push_back(&cx->outs, &out->link);
}

/* --- public ------------------------------------------------------------------------------------- */

struct skn_slice skn_cx_address(const struct skn_cx *cx)
{
    return skn_dom_address(cx->dom);
}

uint64_t skn_cx_stamp(const struct skn_cx *cx)
{
    return cx->stamp;
}

uint64_t skn_cx_now_ms(const struct skn_cx *cx)
{
    return skn_hlc_ms(cx->stamp);
}

uint64_t skn_cx_epoch(const struct skn_cx *cx)
{
    return cx->core->epoch;
}

struct skn_arena *skn_cx_arena(struct skn_cx *cx)
{
    return &cx->arena;
}

struct skn_buf *skn_cx_scratch(struct skn_cx *cx)
{
    skn_buf_reset(&cx->scratch);
    return &cx->scratch;
}

bool skn_cx_is_half_full(const struct skn_cx *cx)
{
    return cx->bytes > cx->core->limits.batch_bytes / 2;
}

enum skn_rc skn_cx_rc(const struct skn_cx *cx)
{
    return cx->rc;
}

uint64_t skn_cx_random(struct skn_cx *cx)
{
    uint8_t mac[32];
    if (skn_bug(SKN_BUG_RANDOM_ADDRESS)) return (uintptr_t)cx;
    (void)skn_cx_pay(cx, SKN_GAS_HMAC);
    struct skn_buf *text = &cx->row;
    skn_buf_reset(text);
    skn_buf_put(text, skn_cx_address(cx));
    skn_buf_put_u8(text, 0);
    skn_buf_put_be64(text, cx->stamp);
    skn_buf_put_be64(text, cx->random_count++);
    skn_core_hmac(cx->core, SKN_LIT("random"), skn_buf_slice(text), mac);
    uint64_t n;
    memcpy(&n, mac, sizeof n);
    return n;
}

static struct skn_slice own_key(struct skn_cx *cx, struct skn_slice key)
{
    if (key.len == 0 || key.len > SKN_PRIVATE_KEY_MAX) {
        (void)skn_cx_fault(cx, SKN_ETOOLARGE, "a key is empty or over 3072 bytes");
        key.len = 0;
    }
    if (cx->own_head == 0) skn_key_own(&cx->own, skn_cx_address(cx), (struct skn_slice){0});
    if (cx->own_head == 0) cx->own_head = cx->own.len;
    if (key.len > 0) memcpy(cx->own.bytes + cx->own_head, key.ptr, key.len);
    cx->own.len = cx->own_head + key.len;
    return skn_key_slice(&cx->own);
}

/* A row with sealed secrets, as the program put it. */
static enum skn_rc open_own(struct skn_cx *cx, struct skn_slice key, struct skn_slice *value)
{
    struct skn_slice whole = skn_arena_dup(&cx->arena, own_key(cx, key));
    (void)skn_secret_open(cx, whole, *value, value);
    return cx->rc;
}

enum skn_rc skn_cx_get(struct skn_cx *cx, struct skn_slice key, struct skn_slice *out_value)
{
    if (cx->meta.ranges > 0) {
        enum skn_rc rc = skn_range_check(cx, key);
        if (rc != SKN_OK) return rc;
    }
    enum skn_rc rc = skn_raw_get(cx, own_key(cx, key), out_value);
    return rc == SKN_OK && skn_secret_is_row(*out_value) ? open_own(cx, key, out_value) : rc;
}

enum skn_rc skn_cx_next(struct skn_cx *cx,
                        struct skn_slice prefix,
                        struct skn_slice from,
                        struct skn_row *out_row)
{
    if (prefix.len > SKN_PRIVATE_KEY_MAX || from.len > SKN_PRIVATE_KEY_MAX + 1)
        return skn_cx_fault(cx, SKN_ETOOLARGE, "a key is over 3072 bytes");
    if (cx->meta.ranges > 0) {
        if (skn_slice_cmp(from, prefix) < 0) from = prefix;
        enum skn_rc rc = skn_range_next(cx, prefix, from, out_row);
        bool is_sealed = rc == SKN_OK && skn_secret_is_row(out_row->value);
        return is_sealed ? open_own(cx, out_row->key, &out_row->value) : rc;
    }
    skn_key_own(&cx->key, skn_cx_address(cx), skn_slice_cmp(from, prefix) < 0 ? prefix : from);
    struct skn_slice first = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
    skn_key_own(&cx->key, skn_cx_address(cx), prefix);
    struct skn_slice whole = skn_arena_dup(&cx->arena, skn_key_slice(&cx->key));
    struct skn_row row;
    enum skn_rc rc = skn_raw_next(cx, whole, first, &row);
    if (rc != SKN_OK) return rc;
    out_row->key = skn_slice_from(row.key, whole.len - prefix.len);
    out_row->value = row.value;
    return skn_secret_is_row(row.value) ? open_own(cx, out_row->key, &out_row->value) : SKN_OK;
}

/* The bytes that are stored under it, hidden by a range or not. NULL: none are, or the slice stops. */
static const struct skn_slice *
stored(struct skn_cx *cx, struct skn_slice key, struct skn_slice *bytes)
{
    return skn_raw_get(cx, own_key(cx, key), bytes) == SKN_OK ? bytes : NULL;
}

static void put_indexed(struct skn_cx *cx, struct skn_slice key, struct skn_slice value)
{
    struct skn_slice bytes;
    const struct skn_slice *old = stored(cx, key, &bytes);
    skn_raw_put(cx, own_key(cx, key), value);
    skn_index_own(cx, key, old, &value);
}

static void put_own(struct skn_cx *cx, struct skn_slice key, struct skn_slice value)
{
    uint32_t limit = cx->core->limits.row_bytes;
    cx->has_put = true;
    if (value.len > limit)
        (void)skn_cx_over(cx, SKN_ETOOLARGE, "a row is too large", "row_bytes", limit);
    if (cx->dom->program->indexes)
        put_indexed(cx, key, value);
    else
        skn_raw_put(cx, own_key(cx, key), value);
    if (cx->meta.ranges > 0) skn_range_written(cx, key, false);
}

void skn_cx_put(struct skn_cx *cx, struct skn_slice key, struct skn_slice value)
{
    if (skn_secret_is_row(value))
        (void)skn_cx_fault(cx, SKN_EARGS, "bytes of a row are those of a sealed one");
    put_own(cx, key, value);
}

/* Sealed for the key of the row [E46]. */
static void put_sealed(struct skn_cx *cx, struct skn_slice key, struct skn_value value)
{
    struct skn_slice whole = skn_arena_dup(&cx->arena, own_key(cx, key)), stored;
    if (cx->rc != SKN_OK || !skn_secret_seal(cx, whole, value, &stored)) return;
    put_own(cx, key, stored);
    skn_secret_note_domain(cx, skn_cx_address(cx));
}

void skn_cx_put_value(struct skn_cx *cx, struct skn_slice key, struct skn_value value)
{
    uint32_t limit = cx->core->limits.row_bytes;
    if (skn_value_size(value) > limit) {
        (void)skn_cx_over(cx, SKN_ETOOLARGE, "a row is too large", "row_bytes", limit);
        return;
    }
    if (skn_value_has_secret(value)) {
        put_sealed(cx, key, value);
        return;
    }
    skn_buf_reset(&cx->row);
    skn_value_encode(value, &cx->row);
    put_own(cx, key, skn_buf_slice(&cx->row));
}

void skn_cx_delete(struct skn_cx *cx, struct skn_slice key)
{
    skn_cx_delete_why(cx, key, SKN_WHY_DELETE);
}

void skn_cx_delete_why(struct skn_cx *cx, struct skn_slice key, enum skn_why why)
{
    struct skn_slice bytes;
    if (cx->dom->program->indexes) skn_index_own(cx, key, stored(cx, key, &bytes), NULL);
    struct skn_slice whole = own_key(cx, key);
    skn_raw_delete(cx, whole);
    struct skn_change *change = change_of(skn_omap_find(&cx->overlay, whole));
    if (change) change->why = why; /* else it is out of gas */
    if (cx->meta.ranges > 0) skn_range_written(cx, key, true);
}

void skn_cx_end(struct skn_cx *cx)
{
    cx->ends = true;
}

static void reply(struct skn_cx *cx, enum skn_rc rc, struct skn_slice text, struct skn_slice value)
{
    bool is_call = cx->message->kind == SKN_MESSAGE_CALL;
    bool is_asked = is_call || (cx->input && skn_message_is_asked(cx->message->kind));
    if (cx->rc != SKN_OK || !is_asked) return;
    if (cx->has_replied || cx->has_kept) {
        (void)skn_cx_fault(cx, SKN_EFAULT, "the program answered twice, or a call that it kept");
        return;
    }
    cx->has_replied = true;
    if (is_call) {
        skn_call_answer(cx, cx->message, rc, text, skn_value_view(value));
        return;
    }
    struct skn_output output = {.kind = SKN_OUTPUT_REPLY,
                                .address = skn_cx_address(cx),
                                .number = cx->input->request,
                                .rc = rc,
                                .name = text,
                                .value = value};
    if (cx->input->id.len > 0) skn_request_remember(cx, rc, text, value);
    skn_cx_emit(cx, &output);
}

void skn_cx_reply(struct skn_cx *cx, struct skn_value value)
{
    value = skn_secret_mask(cx, value);
    if (skn_value_size(value) > cx->core->limits.message_bytes) {
        (void)skn_cx_over(cx,
                          SKN_ETOOLARGE,
                          "an answer is too large",
                          "message_bytes",
                          cx->core->limits.message_bytes);
        return;
    }
    uint8_t *bytes = skn_arena_alloc(&cx->arena, skn_value_size(value));
    skn_buf_reset(&cx->row);
    skn_value_encode(value, &cx->row);
    memcpy(bytes, cx->row.ptr, cx->row.len);
    reply(cx, SKN_OK, (struct skn_slice){0}, skn_slice(bytes, cx->row.len));
}

void skn_cx_refuse(struct skn_cx *cx, enum skn_rc rc, const char *text)
{
    SKN_ASSERT(rc != SKN_OK);
    uint8_t none = SKN_T_NONE;
    reply(cx, rc, skn_slice_str(text), skn_slice(&none, 1));
}

void skn_cx_signal(struct skn_cx *cx, struct skn_slice name, struct skn_value value)
{
    value = skn_secret_mask(cx, value);
    skn_buf_reset(&cx->row);
    skn_value_encode(value, &cx->row);
    struct skn_output output = {.kind = SKN_OUTPUT_SIGNAL,
                                .address = skn_cx_address(cx),
                                .name = name,
                                .value = skn_buf_slice(&cx->row)};
    skn_cx_emit(cx, &output);
}
