/* want.c - what is fetched from the backend, and what the cache learns from it. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/mem.h"
#include "store/backend/pack.h"
#include "store/store_internal.h"

#include "base/pure.h"

/* A table that is unknown is fetched from the wanted row on: a small domain in one go. A scan has at
 * least so many rows fetched, because the next page will be asked for too. */
enum { TABLE_ROWS = 64, TABLE_BYTES = 16 << 10, SCAN_ROWS = 64, SCAN_BYTES = 256 << 10 };

/* --- what the cache learns ------------------------------------------------------------------------- */

static void
insert_clean(struct skn_store *store, struct skn_spot spot, struct skn_entry *entry, bool cont)
{
    entry->item.cont = cont;
    entry->item.rounds = skn_pins_rounds(store);
    entry->item.is_stored = entry->item.kind == SKN_KIND_ROW;
    (void)skn_spot_insert(store, spot, entry);
    skn_item_place(store, &entry->item, SKN_PLACE_CLEAN);
}

/* What the backend said of one key. */
static void learn(struct skn_store *store,
                  struct skn_table *table,
                  enum skn_kind kind,
                  const struct skn_row *row,
                  uint64_t index)
{
    struct skn_entry *entry;
    struct skn_spot spot = skn_spot_find(table, row->key, &entry);
    bool cont = skn_spot_item(spot)->cont;
    bool is_known = entry ? entry->item.kind != SKN_KIND_MARK : cont;
    bool replaces = skn_bug(SKN_BUG_FETCH_REPLACES) && entry && kind == SKN_KIND_ROW;
    if (is_known && !replaces) return; /* what is here is never older [E13] */
    if (entry) {
        spot = skn_spot_remove(store, spot);
        skn_entry_free(store, entry);
    }
    entry = skn_entry_make(kind, row->key, row->value);
    entry->index = index;
    insert_clean(store, spot, entry, cont);
}

/* Whether nothing can be between the entry before the place, or the table's beginning, and `from`. */
static bool is_next_to(struct skn_spot spot, struct skn_slice from)
{
    const struct skn_entry *before = skn_spot_before(spot);
    struct skn_slice key =
        before ? skn_entry_key(before) : skn_slice(spot.table->name, spot.table->end.key_len);
    return from.len == key.len + 1 && from.ptr[key.len] == 0 && skn_slice_has_prefix(from, key);
}

/* Whether it is the first key behind the table. */
static bool is_table_end(const struct skn_table *table, struct skn_slice key)
{
    size_t len = table->end.key_len;
    return key.len == len + 1 && key.ptr[len] == 1 &&
           skn_slice_has_prefix(key, skn_slice(table->name, len));
}

/* From `from` on everything is known that has no entry, up to `to`; up to it and with it. */
static void learn_range(struct skn_store *store,
                        struct skn_table *table,
                        struct skn_slice from,
                        struct skn_slice to)
{
    struct skn_entry *first;
    struct skn_spot spot = skn_spot_find(table, from, &first);
    bool is_next = is_next_to(spot, from);
    if (first || !is_next) {
        /* The range begins with an entry, so that what is before it stays what it was. */
        learn(store, table, SKN_KIND_ABSENT, &(struct skn_row){.key = from}, 0);
        spot = skn_spot_find(table, from, &first);
        if (first && is_next) first->item.cont = true;
        if (skn_slice_eq(from, to)) return; /* the answer ended with its first row */
        if (first) spot = skn_spot_next(spot);
    }
    while (skn_spot_entry(spot)) {
        struct skn_entry *entry = skn_spot_entry(spot);
        int order = skn_slice_cmp(skn_entry_key(entry), to);
        if (order > 0) break;
        entry->item.cont = true;
        if (order == 0) return;
        if (entry->item.kind != SKN_KIND_MARK) {
            spot = skn_spot_next(spot);
            continue;
        }
        /* Of a mark inside nothing is unknown any more. */
        spot = skn_spot_remove(store, spot);
        skn_entry_free(store, entry);
    }
    if (is_table_end(table, to))
        skn_table_set_end(store, table, true);
    else if (!skn_spot_item(spot)->cont)
        insert_clean(store, spot, skn_entry_make(SKN_KIND_MARK, to, (struct skn_slice){0}), true);
}

/* Looks at the whole answer before anything of it is believed. */
static enum skn_rc check_answer(const struct skn_read *asked,
                                struct skn_slice rows,
                                bool is_end,
                                struct skn_diag *diag)
{
    struct skn_slice last = {0};
    struct skn_row_op op;
    enum skn_rc rc;
    while ((rc = skn_batch_next(&rows, &op, diag)) == SKN_OK) {
        uint64_t index;
        struct skn_slice value;
        if (op.is_delete) return SKN_CORRUPT(diag, "the backend gave a deletion for a row");
        rc = skn_stored_split(op.value, &index, &value, diag);
        if (rc != SKN_OK) return rc;
        if (index == SKN_PACKED_INDEX)
            return SKN_CORRUPT(diag, "the backend gave a table beside rows");
        bool is_inside = asked->end.len == 0 ? skn_slice_eq(op.key, asked->from)
                                             : skn_slice_cmp(op.key, asked->from) >= 0 &&
                                                   skn_slice_cmp(op.key, asked->end) < 0;
        if (!is_inside || (last.len > 0 && skn_slice_cmp(last, op.key) >= 0))
            return SKN_CORRUPT(diag, "the backend gave a row that was not asked for");
        last = op.key;
    }
    if (rc != SKN_ENOENT) return rc;
    if (last.len == 0 && !is_end) return SKN_CORRUPT(diag, "the backend gave no row and no end");
    return SKN_OK;
}

/* All of a table at once. Nothing of it may stay from before that is not here. */
static enum skn_rc take_table(struct skn_store *store,
                              struct skn_table *table,
                              const struct skn_read *asked,
                              const struct skn_row_op *op,
                              struct skn_diag *diag)
{
    struct skn_slice packed, rows, first = skn_pack_first(asked->from);
    if (!asked->whole || !skn_slice_eq(op->key, first))
        return SKN_CORRUPT(diag, "the backend gave a table that was not asked for");
    SKN_ASSERT(skn_is_packed(op->value, &packed));
    enum skn_rc rc = skn_packed_open(first, packed, &rows, diag);
    if (rc != SKN_OK) return rc;
    uint8_t key[SKN_KEY_MAX];
    struct skn_packed_row row;
    while (skn_packed_next(&rows, &row)) {
        const struct skn_row as_row = {.key = skn_packed_key(key, first, &row), .value = row.value};
        learn(store, table, SKN_KIND_ROW, &as_row, row.index);
    }
    uint8_t end[SKN_KEY_MAX];
    memcpy(end, first.ptr, first.len);
    end[first.len - 1] = 1;
    learn_range(store, table, first, skn_slice(end, first.len));
    if (table->form == SKN_FORM_UNKNOWN) table->form = SKN_FORM_PACKED;
    return SKN_OK;
}

static enum skn_rc take_answer(struct skn_store *store,
                               struct skn_table *table,
                               const struct skn_read *asked,
                               struct skn_slice rows,
                               bool is_end,
                               struct skn_diag *diag)
{
    struct skn_row_op op = {0};
    struct skn_slice rest = rows, packed;
    bool is_whole = skn_batch_next(&rest, &op, NULL) == SKN_OK && rest.len == 0 && !op.is_delete &&
                    skn_is_packed(op.value, &packed);
    if (is_whole) return take_table(store, table, asked, &op, diag);
    enum skn_rc rc = check_answer(asked, rows, is_end, diag);
    if (rc != SKN_OK) return rc;
    rest = rows;
    while (skn_batch_next(&rest, &op, NULL) == SKN_OK) {
        uint64_t index;
        struct skn_row row = {.key = op.key};
        rc = skn_stored_split(op.value, &index, &row.value, NULL);
        SKN_ASSERT(rc == SKN_OK);
        learn(store, table, SKN_KIND_ROW, &row, index);
    }
    if (asked->end.len > 0)
        learn_range(store, table, asked->from, is_end ? asked->end : op.key);
    else if (rows.len == 0)
        learn(store, table, SKN_KIND_ABSENT, &(struct skn_row){.key = asked->from}, 0);
    return SKN_OK;
}

/* --- what is asked for -------------------------------------------------------------------------------- */

static struct skn_want *want_of(struct skn_list *link)
{
    return link ? SKN_CONTAINER_OF(link, struct skn_want, link) : NULL;
}

/* Whether what is wanted already will answer the question, or at least its beginning. */
static bool is_answered_by(const struct skn_want *want, const struct skn_read *asked)
{
    if (want->asked.end.len == 0)
        return asked->end.len == 0 && skn_slice_eq(want->asked.from, asked->from);
    if (asked->end.len > 0) return skn_slice_eq(want->asked.from, asked->from);
    /* A key further on may be behind what one answer holds. Then it is asked for again. */
    return skn_slice_cmp(want->asked.from, asked->from) <= 0 &&
           skn_slice_cmp(asked->from, want->asked.end) < 0;
}

static uint64_t
add_want(struct skn_store *store, struct skn_table *table, const struct skn_read *asked)
{
    const struct skn_list *lists[] = {&store->fetching, &store->wanted};
    for (size_t i = 0; table->wants > 0 && i < SKN_ARRAY_LEN(lists); i++) {
        SKN_LIST_FOREACH (link, lists[i]) {
            const struct skn_want *want = want_of(link);
            if (want->table == table && is_answered_by(want, asked)) return want->number;
        }
    }
    struct skn_want *want = skn_alloc_zero(1, sizeof *want + asked->from.len + asked->end.len);
    skn_list_init(&want->link);
    want->number = store->next_want++;
    want->asked = *asked;
    memcpy(want->bytes, asked->from.ptr, asked->from.len);
    if (asked->end.len > 0) memcpy(want->bytes + asked->from.len, asked->end.ptr, asked->end.len);
    want->asked.from.ptr = want->bytes;
    want->asked.end.ptr = want->bytes + asked->from.len;
    want->table = table;
    table->wants++;
    skn_list_push_back(&store->wanted, &want->link);
    return want->number;
}

static enum skn_rc want(struct skn_store *store, const struct skn_read *asked)
{
    struct skn_table *table = skn_table_make(store, skn_table_name_of(asked->from));
    store->last_want = add_want(store, table, asked);
    return SKN_ELATER;
}

/* What the backend answers goes into `store->answer`. */
static enum skn_rc read_now(struct skn_store *store,
                            const struct skn_read *asked,
                            bool *out_is_end,
                            struct skn_diag *diag)
{
    SKN_ASSERT(store->backend);
    if (asked->end.len > 0) SKN_ASSERT(skn_slice_cmp(asked->from, asked->end) < 0);
    skn_buf_reset(&store->answer);
    enum skn_rc rc = skn_backend_read(
        store->backend, asked, store->is_blocking, &store->answer, out_is_end, diag);
    return rc == SKN_OK ? skn_buf_rc(&store->answer) : rc;
}

static enum skn_rc ask(struct skn_store *store, const struct skn_read *asked, struct skn_diag *diag)
{
    bool is_end;
    enum skn_rc rc = read_now(store, asked, &is_end, diag);
    if (rc == SKN_ELATER) return want(store, asked);
    if (rc != SKN_OK) return rc;
    struct skn_table *table = skn_table_make(store, skn_table_name_of(asked->from));
    return take_answer(store, table, asked, skn_buf_slice(&store->answer), is_end, diag);
}

/* What is read for a key: of a table that is unknown the rows from it on, written into `end`. */
static struct skn_read
read_of(struct skn_store *store, struct skn_slice key, uint8_t end[SKN_KEY_MAX])
{
    struct skn_slice name = skn_table_name_of(key);
    const struct skn_table *table = skn_table_find(store, name);
    bool is_unknown = !table || (skn_table_is_empty(table) && table->wants == 0);
    struct skn_read asked = {.shard = store->shard, .from = key, .max_rows = 1, .whole = true};
    if (!is_unknown) return asked;
    memcpy(end, name.ptr, name.len);
    end[name.len] = 1;
    asked.end = skn_slice(end, name.len + 1);
    asked.max_rows = TABLE_ROWS;
    asked.max_bytes = TABLE_BYTES;
    return asked;
}

enum skn_rc skn_want_row(struct skn_store *store, struct skn_slice key, struct skn_diag *diag)
{
    uint8_t end[SKN_KEY_MAX];
    const struct skn_read asked = read_of(store, key, end);
    return ask(store, &asked, diag);
}

/* Debug builds compare what was promised of heads and absent rows with what the backend has at hand. */
static void check_none(struct skn_store *store, const struct skn_read *asked)
{
#ifdef SKN_DEBUG
    bool is_end;
    if (store->backend && read_now(store, asked, &is_end, NULL) == SKN_OK)
        SKN_ASSERT(store->answer.len == 0);
#else
    (void)store;
    (void)asked;
#endif
}

static bool is_whole_answer(const struct skn_store *store)
{
    struct skn_slice rest = skn_buf_slice(&store->answer), packed;
    struct skn_row_op op;
    return skn_batch_next(&rest, &op, NULL) == SKN_OK && skn_is_packed(op.value, &packed);
}

/* A row is looked up in a fraction of the time that a range takes, and most often a filter in memory says
 * that there is none. Where it is not at hand the range is not either. */
enum skn_rc skn_want_head(struct skn_store *store, struct skn_slice key, struct skn_diag *diag)
{
    uint8_t end[SKN_KEY_MAX];
    const struct skn_read asked = read_of(store, key, end);
    if (asked.end.len == 0 || store->is_blocking) return ask(store, &asked, diag);
    const struct skn_read head = {.shard = store->shard, .from = key, .max_rows = 1, .whole = true};
    bool is_end;
    enum skn_rc rc = read_now(store, &head, &is_end, diag);
    bool is_later = rc == SKN_ELATER;
    if (is_later && !skn_bug(SKN_BUG_HEAD_LATER)) return want(store, &asked);
    if (rc != SKN_OK && !is_later) return rc;
    struct skn_slice name = skn_table_name_of(key);
    if (is_whole_answer(store))
        return take_answer(
            store, skn_table_make(store, name), &head, skn_buf_slice(&store->answer), true, diag);
    if (store->answer.len > 0) return ask(store, &asked, diag);
    check_none(store, &asked);
    struct skn_table *table = skn_table_make(store, name);
    /* The backend has nothing of it; what it had yet to lose would be here. */
    if (table->form == SKN_FORM_UNKNOWN) table->form = SKN_FORM_PACKED;
    skn_table_set_end(store, table, true);
    return SKN_OK;
}

void skn_store_absent(struct skn_store *store, struct skn_slice key)
{
    struct skn_table *table = skn_table_find(store, skn_table_name_of(key));
    if (store->is_whole && !table) return;
    if (!table) table = skn_table_make(store, skn_table_name_of(key));
    struct skn_entry *entry;
    struct skn_spot spot = skn_spot_find(table, key, &entry);
    /* A row that was deleted is known, and the backend may have it still. */
    if (entry ? entry->item.kind != SKN_KIND_MARK : skn_spot_item(spot)->cont) return;
    check_none(store, &(struct skn_read){.shard = store->shard, .from = key, .max_rows = 1});
    learn(store, table, SKN_KIND_ABSENT, &(struct skn_row){.key = key}, 0);
}

enum skn_rc skn_want_range(struct skn_store *store,
                           struct skn_slice from,
                           struct skn_slice end,
                           size_t max,
                           struct skn_diag *diag)
{
    const struct skn_read asked = {.shard = store->shard,
                                   .from = from,
                                   .end = end,
                                   .max_rows = max < SCAN_ROWS    ? SCAN_ROWS
                                               : max > UINT32_MAX ? UINT32_MAX
                                                                  : (uint32_t)max,
                                   .max_bytes = SCAN_BYTES,
                                   .whole = true};
    return ask(store, &asked, diag);
}

void skn_wants_fini(struct skn_store *store)
{
    struct skn_list *lists[] = {&store->fetching, &store->wanted};
    struct skn_list *link;
    for (size_t i = 0; i < SKN_ARRAY_LEN(lists); i++)
        while ((link = skn_list_pop_front(lists[i])))
            skn_free(want_of(link));
}

uint64_t skn_store_last_want(const struct skn_store *store)
{
    return store->last_want;
}

bool skn_store_next_want(struct skn_store *store, struct skn_read *out_read, uint64_t *out_number)
{
    struct skn_want *want = want_of(skn_list_pop_front(&store->wanted));
    if (!want) return false;
    skn_list_push_back(&store->fetching, &want->link);
    *out_read = want->asked;
    *out_number = want->number;
    return true;
}

enum skn_rc skn_store_fetched(struct skn_store *store,
                              uint64_t number,
                              struct skn_slice rows,
                              bool is_end,
                              struct skn_diag *diag)
{
    struct skn_want *want = want_of(skn_list_first(&store->fetching));
    SKN_ASSERT(want);
    SKN_ASSERT(want->number == number); /* in order */
    enum skn_rc rc = take_answer(store, want->table, &want->asked, rows, is_end, diag);
    if (rc != SKN_OK) return rc;
    want->table->wants--;
    store->fetches++;
    skn_table_settle(store, want->table);
    skn_list_remove(&want->link);
    skn_free(want);
    return SKN_OK;
}
