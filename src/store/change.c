/* change.c - batches change rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/mem.h"
#include "store/store_internal.h"

#include <inttypes.h>

#include "base/pure.h"

struct change {
    struct skn_store *store;
    uint64_t index;
    bool is_redo; /* over a backend: the state comes from the record, and nothing needs be known */
};

/* [E44] What is in a row goes off the sum before it changes. It is hashed again for that: 16 bytes
 * less per row were worth 25 ns per change. */
static void take_hash_off(const struct change *change, uint64_t seed, const struct skn_entry *entry)
{
    if (change->is_redo || skn_bug(SKN_BUG_HASH_NOT_TAKEN_OFF)) return;
    struct skn_position *position = &change->store->position;
    position->state =
        skn_hash128_sub(position->state, skn_row_hash_seeded(seed, skn_entry_value(entry)));
}

/* What is not in the backend as it is now; without one there is no list of it. */
static void make_dirty(struct skn_store *store, struct skn_entry *entry)
{
    bool stays = skn_bug(SKN_BUG_CHECKPOINT_LATER) && entry->item.place == skn_place_marked(store);
    if (stays) return;
    if (!store->backend || entry->item.place == skn_place_dirty(store)) return;
    skn_item_place(store, &entry->item, skn_place_dirty(store));
}

/* [E10] The checkpoint under way has still to be given the entry as it is. */
static bool is_marked(const struct skn_store *store, const struct skn_entry *entry)
{
    return store->has_mark && entry->item.place == skn_place_marked(store) &&
           !skn_bug(SKN_BUG_CHECKPOINT_LATER);
}

/* It stays in its list, where it counts as what it is from now on. */
static void freeze(struct skn_store *store, struct skn_entry *entry)
{
    size_t bytes = skn_item_bytes(&entry->item);
    store->items[entry->item.place]--;
    store->bytes[entry->item.place] -= bytes;
    entry->item.place = SKN_PLACE_FROZEN;
    store->items[SKN_PLACE_FROZEN]++;
    store->bytes[SKN_PLACE_FROZEN] += bytes;
}

/* Puts `entry` where its key is. What was said of the key by the entry there, or around it, is taken
 * over. */
static void
put_entry(struct skn_store *store, const struct skn_found *where, struct skn_entry *entry)
{
    struct skn_entry *old = where->entry;
    if (!old) {
        entry->item.cont = skn_spot_item(where->spot)->cont;
        (void)skn_spot_insert(store, where->spot, entry);
        return;
    }
    entry->item.cont = old->item.cont;
    entry->item.is_stored = old->item.is_stored;
    store->entry_bytes += skn_item_bytes(&entry->item);
    store->entry_bytes -= skn_item_bytes(&old->item);
    where->spot.page->slots[where->spot.at].entry = entry;
    if (is_marked(store, old)) {
        /* The backend will have it, whatever it had before. */
        entry->item.is_stored = true;
        freeze(store, old);
        return;
    }
    if (skn_bug(SKN_BUG_CHECKPOINT_LATER) && old->item.place == skn_place_marked(store))
        skn_item_place(store, &entry->item, skn_place_marked(store));
    skn_entry_free(store, old);
}

/* Whether the value can be written over the one that is there: the same size to the allocator, and
 * so to every count of bytes. */
static bool
has_room(const struct change *change, const struct skn_entry *entry, const struct skn_row_op *op)
{
    return !is_marked(change->store, entry) &&
           skn_item_bytes(&entry->item) == skn_entry_bytes(op->key.len, op->value.len);
}

static void
put_row(const struct change *change, const struct skn_found *where, const struct skn_row_op *op)
{
    struct skn_store *store = change->store;
    struct skn_entry *entry = where->entry;
    uint64_t seed = change->is_redo ? 0 : skn_row_seed(op->key);
    if (entry && entry->item.kind == SKN_KIND_ROW) take_hash_off(change, seed, entry);
    if (entry && has_room(change, entry, op)) {
        entry->item.kind = SKN_KIND_ROW;
        entry->item.value_len = (uint32_t)op->value.len;
        if (op->value.len > 0) memcpy(entry->bytes + op->key.len, op->value.ptr, op->value.len);
    } else {
        entry = skn_entry_make(SKN_KIND_ROW, op->key, op->value);
        put_entry(store, where, entry);
    }
    entry->index = change->index;
    skn_item_touch(&entry->item);
    if (change->is_redo && !skn_bug(SKN_BUG_MADE_IN_REDO)) entry->item.is_stored = true;
    make_dirty(store, entry);
    if (change->is_redo) return;
    store->position.state =
        skn_hash128_add(store->position.state, skn_row_hash_seeded(seed, op->value));
}

/* Says that there is no row, so that the next checkpoint says so to the backend. */
static void
put_tombstone(const struct change *change, const struct skn_found *where, struct skn_slice key)
{
    struct skn_store *store = change->store;
    struct skn_entry *entry = where->entry;
    if (!entry || entry->item.kind != SKN_KIND_ABSENT || is_marked(store, entry)) {
        entry = skn_entry_make(SKN_KIND_ABSENT, key, (struct skn_slice){0});
        put_entry(store, where, entry);
    }
    entry->index = change->index;
    skn_item_touch(&entry->item);
    entry->item.is_stored = true;
    make_dirty(store, entry);
}

/* The backend never had the row and no checkpoint will give it: so it never was [E11]. */
static void vanish(struct skn_store *store, const struct skn_found *where)
{
    struct skn_table *table = where->spot.table;
    struct skn_entry *entry = where->entry;
    if (entry->item.cont && skn_spot_item(skn_spot_next(where->spot))->cont) {
        (void)skn_spot_remove(store, where->spot);
        skn_entry_free(store, entry);
        skn_table_settle(store, table);
        return;
    }
    struct skn_entry *absent =
        skn_entry_make(SKN_KIND_ABSENT, skn_entry_key(entry), (struct skn_slice){0});
    put_entry(store, where, absent);
    skn_item_place(store, &absent->item, SKN_PLACE_CLEAN);
}

static void
delete_row(const struct change *change, const struct skn_found *where, struct skn_slice key)
{
    struct skn_store *store = change->store;
    struct skn_entry *entry = where->entry;
    if (change->is_redo) {
        if (!skn_bug(SKN_BUG_REDO_NO_DELETE)) put_tombstone(change, where, key);
        return;
    }
    if (!entry || entry->item.kind != SKN_KIND_ROW) return;
    take_hash_off(change, skn_row_seed(key), entry);
    bool may_come_back = entry->item.is_stored || is_marked(store, entry);
    if (may_come_back && !skn_bug(SKN_BUG_STORED_VANISHES))
        put_tombstone(change, where, key);
    else
        vanish(store, where);
}

/* False: no table has the key. */
static bool find(struct skn_store *store, struct skn_found *where)
{
    where->entry = NULL;
    where->spot.table = skn_table_of(store, where->op.key);
    if (!where->spot.table) return false;
    where->spot = skn_spot_find(where->spot.table, where->op.key, &where->entry);
    return true;
}

/* Of a batch that may say anything; what a table has is in order. */
static enum skn_rc check(const struct skn_found *where, struct skn_diag *diag)
{
    const struct skn_row_op *op = &where->op;
    if (!where->spot.table && skn_table_name_of(op->key).len == 0)
        return SKN_CORRUPT(diag, "a batch has a key that is in no table");
    if (op->value.len > SKN_VALUE_MAX)
        return SKN_CORRUPT(diag, "a batch has a row of %zu bytes", op->value.len);
    return SKN_OK;
}

static bool is_known(const struct skn_store *store, const struct skn_found *where)
{
    if (!where->spot.table) return store->is_whole;
    return where->entry ? where->entry->item.kind != SKN_KIND_MARK
                        : skn_spot_item(where->spot)->cont;
}

/* A change whose place was found just now. */
static void change_at(const struct change *change, struct skn_found *where)
{
    struct skn_store *store = change->store;
    if (!change->is_redo) SKN_ASSERT(is_known(store, where));
    if (!where->spot.table) {
        if (!change->is_redo && where->op.is_delete) return;
        struct skn_table *table = skn_table_add(store, skn_table_name_of(where->op.key));
        if (store->is_whole) skn_table_set_end(store, table, true);
        if (store->is_whole && !change->is_redo) table->form = SKN_FORM_PACKED;
        (void)find(store, where);
    }
    skn_table_changes(store, where->spot.table);
    if (where->op.is_delete)
        delete_row(change, where, where->op.key);
    else
        put_row(change, where, &where->op);
}

static enum skn_rc
change_rows(const struct change *change, struct skn_slice batch, struct skn_diag *diag)
{
    struct skn_found where = {0};
    enum skn_rc rc;
    while ((rc = skn_batch_next(&batch, &where.op, diag)) == SKN_OK) {
        (void)find(change->store, &where);
        if ((rc = check(&where, diag)) != SKN_OK) return rc;
        change_at(change, &where);
    }
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

/* --- a batch that is looked up before -------------------------------------------------------------- */

static struct skn_found *add_change(struct skn_known *known)
{
    if (known->count == known->cap) {
        known->cap = known->cap ? 2 * known->cap : 16;
        known->changes = skn_realloc(known->changes, known->cap * sizeof *known->changes);
    }
    struct skn_found *change = &known->changes[known->count++];
    *change = (struct skn_found){0};
    return change;
}

static void touch(const struct skn_found *where)
{
    if (where->spot.table) skn_item_touch(skn_spot_item(where->spot));
}

enum skn_rc skn_store_know(struct skn_store *store, struct skn_slice batch, struct skn_diag *diag)
{
    struct skn_known *known = &store->known;
    struct skn_slice rest = batch, last = {0};
    struct skn_row_op op;
    bool is_later = false, is_in_order = true;
    enum skn_rc rc;
    *known = (struct skn_known){.changes = known->changes,
                                .cap = known->cap,
                                .moves = store->moves,
                                .shifts = store->shifts};
    while ((rc = skn_batch_next(&rest, &op, diag)) == SKN_OK) {
        struct skn_found *where = add_change(known);
        where->op = op;
        (void)find(store, where);
        if ((rc = check(where, diag)) != SKN_OK) return rc;
        touch(where);
        is_in_order = is_in_order && skn_slice_cmp(last, op.key) < 0;
        last = op.key;
        if (is_known(store, where)) continue;
        rc = skn_want_row(store, op.key, diag);
        is_later |= rc == SKN_ELATER; /* and all others are wanted at once */
        if (rc != SKN_OK && rc != SKN_ELATER) return rc;
    }
    if (rc != SKN_ENOENT) return rc;
    if (is_later) return SKN_ELATER;
    if (is_in_order) known->batch = batch;
    return SKN_OK;
}

static void check_found(struct skn_store *store, const struct skn_found *where)
{
#ifdef SKN_DEBUG
    struct skn_found again = {.op = where->op};
    SKN_ASSERT(find(store, &again));
    SKN_ASSERT(again.entry == where->entry && again.spot.page == where->spot.page);
    SKN_ASSERT(again.spot.at == where->spot.at);
#else
    (void)store;
    (void)where;
#endif
}

/* From the last key to the first: what a change moves in a page is behind its place. */
static void change_known(const struct change *change)
{
    struct skn_store *store = change->store;
    for (size_t i = store->known.count; i-- > 0;) {
        struct skn_found *where = &store->known.changes[i];
        bool is_there = store->known.moves == store->moves || skn_bug(SKN_BUG_PLACE_STALE);
        bool is_found = is_there && where->spot.table;
        where->entry = is_found ? where->entry : NULL;
        if (is_found) {
            where->spot = skn_spot_normal(where->spot); /* the last slot of the page may be gone */
            check_found(store, where);
        } else {
            (void)find(store, where);
        }
        change_at(change, where);
    }
}

static bool is_looked_up(const struct skn_store *store, struct skn_slice batch)
{
    const struct skn_known *known = &store->known;
    bool is_there = known->moves == store->moves && known->shifts == store->shifts;
    return known->batch.len > 0 && known->batch.ptr == batch.ptr && known->batch.len == batch.len &&
           (is_there || skn_bug(SKN_BUG_PLACE_STALE));
}

enum skn_rc skn_store_apply(struct skn_store *store,
                            uint64_t index,
                            uint64_t stamp,
                            struct skn_slice batch,
                            struct skn_diag *diag)
{
    SKN_ASSERT(index == store->position.index + 1);
    const struct change change = {.store = store, .index = index};
    enum skn_rc rc = SKN_OK;
    if (is_looked_up(store, batch))
        change_known(&change);
    else
        rc = change_rows(&change, batch, diag);
    store->known.batch = (struct skn_slice){0};
    if (rc != SKN_OK) return rc;
    store->position.index = index;
    store->position.stamp = stamp;
    return SKN_OK;
}

enum skn_rc skn_store_redo(struct skn_store *store,
                           const struct skn_position *after,
                           struct skn_slice batch,
                           struct skn_diag *diag)
{
    if (!store->backend) {
        enum skn_rc rc = skn_store_apply(store, after->index, after->stamp, batch, diag);
        if (rc != SKN_OK || skn_hash128_eq(store->position.state, after->state)) return rc;
        return SKN_CORRUPT(
            diag, "the rows after record %" PRIu64 " have another state hash", after->index);
    }
    SKN_ASSERT(after->index == store->position.index + 1);
    SKN_ASSERT(!store->has_mark); /* else a checkpoint would be as of no record */
    const struct change change = {.store = store, .index = after->index, .is_redo = true};
    enum skn_rc rc = change_rows(&change, batch, diag);
    if (rc == SKN_OK) store->position = *after;
    return rc;
}
