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

/* Where a key is, or would be. */
struct where {
    struct skn_spot spot;
    struct skn_entry *entry; /* that has it, or NULL */
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
static void put_entry(struct skn_store *store, const struct where *where, struct skn_entry *entry)
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
put_row(const struct change *change, const struct where *where, const struct skn_row_op *op)
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
put_tombstone(const struct change *change, const struct where *where, struct skn_slice key)
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
static void vanish(struct skn_store *store, const struct where *where)
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

static void delete_row(const struct change *change, const struct where *where, struct skn_slice key)
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

static enum skn_rc
change_row(const struct change *change, const struct skn_row_op *op, struct skn_diag *diag)
{
    struct skn_store *store = change->store;
    struct skn_slice name = skn_table_name_of(op->key);
    if (name.len == 0) return SKN_CORRUPT(diag, "a batch has a key that is in no table");
    if (op->value.len > SKN_VALUE_MAX)
        return SKN_CORRUPT(diag, "a batch has a row of %zu bytes", op->value.len);
    struct skn_table *table = skn_table_find(store, name);
    if (!table) {
        if (!change->is_redo) SKN_ASSERT(store->is_whole);
        if (!change->is_redo && op->is_delete) return SKN_OK;
        table = skn_table_make(store, name);
        if (store->is_whole) skn_table_set_end(store, table, true);
    }
    struct where where;
    where.spot = skn_spot_find(table, op->key, &where.entry);
    bool is_known =
        where.entry ? where.entry->item.kind != SKN_KIND_MARK : skn_spot_item(where.spot)->cont;
    if (!change->is_redo) SKN_ASSERT(is_known);
    if (op->is_delete)
        delete_row(change, &where, op->key);
    else
        put_row(change, &where, op);
    return SKN_OK;
}

static enum skn_rc
change_rows(const struct change *change, struct skn_slice batch, struct skn_diag *diag)
{
    struct skn_row_op op;
    enum skn_rc rc;
    while ((rc = skn_batch_next(&batch, &op, diag)) == SKN_OK) {
        rc = change_row(change, &op, diag);
        if (rc != SKN_OK) return rc;
    }
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

enum skn_rc skn_store_apply(struct skn_store *store,
                            uint64_t index,
                            uint64_t stamp,
                            struct skn_slice batch,
                            struct skn_diag *diag)
{
    SKN_ASSERT(index == store->position.index + 1);
    const struct change change = {.store = store, .index = index};
    enum skn_rc rc = change_rows(&change, batch, diag);
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
