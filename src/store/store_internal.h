/* store_internal.h - the structs that the parts of the store share.
 *
 * Owns        the cache of one shard's rows.
 * May include base, store/backend.
 * Threads     the one that owns the shard.
 * Invariants  (skn_store_check)
 *   1. Entries of a table stand in key order, in pages of at most PAGE_MAX.
 *   2. `cont` of an entry: every key between the entry before it, or the table's beginning, and it
 *      has no row. Of a table: the same up to the table's end.
 *   3. Only what is clean is ever forgotten, and nothing of a table that a want is under way for:
 *      an answer that was read before may be older than what was flushed since [E13].
 *
 * Where an entry is, besides its table:
 *
 *            change            mark             given             flushed         shrink
 *   CLEAN ----------> DIRTY ---------> MARKED ---------> GIVEN ------------> CLEAN -------> (gone)
 *                       ^                 | change          | change
 *                       +-----------------+-----------------+
 *
 * One that changes while MARKED leaves its old self behind, FROZEN, until that was given [E10]. A small
 * table that is known whole is given whole (whole.c): before its first change, or when the checkpoint
 * comes to one of its rows.
 */
#pragma once

#include "base/list.h"
#include "base/omap.h"
#include "store/store.h"

enum {
    PAGE_MIN = 4,          /* slots of a new table: a domain's meta row and a few of its own */
    PAGE_MAX = 64,         /* 1 KiB of slots: what an insert moves at most */
    PAGE_LOW = 16,         /* fewer, and a page joins the next one when there is room */
    RECENT = 256,          /* tables that may be found without the hash: a power of two */
    SEGMENT = 512,         /* buckets of the hash table that are made at a time */
    SHRINK_AT_ONCE = 1024, /* entries looked at per call, so that a slice waits for no more */
    READ_ROUNDS = 1,       /* that an entry stays for after it was read or written */
    FETCHED_ROUNDS = 3,    /* and after it was fetched for somebody who has no pin */
};

enum { MARKS = 63 }; /* numbers of marks that a table can tell apart: 6 bits */

/* Values of `rounds` from PIN_TAG on are tags of generations of pins (pin.c). */
enum { PIN_TAG = 8, PIN_TAGS = 248, PIN_GENERATIONS = 128 };
static_assert(PIN_TAG + PIN_TAGS == 256 && PIN_GENERATIONS < PIN_TAGS, "a tag is a byte");

struct skn_pins {
    uint64_t oldest, newest;        /* generations; all that are held are among them */
    uint64_t count;                 /* pins held */
    uint64_t taken;                 /* of the newest generation, held or not */
    uint32_t held[PIN_GENERATIONS]; /* of each generation, by its number modulo */
};

enum skn_kind {
    SKN_KIND_ROW,
    SKN_KIND_ABSENT, /* there is no row; dirty: the backend must be told */
    SKN_KIND_MARK,   /* what is known ends before it; of the key itself nothing is known */
    SKN_KIND_END,    /* the end of a table, in the table */
};

/* The lists. Two of the first kind and two of the second: which of them means what is turned
 * around at a mark and at a flush, in O(1). */
enum skn_place {
    SKN_PLACE_DIRTY_0,
    SKN_PLACE_DIRTY_1,
    SKN_PLACE_GIVEN_0,
    SKN_PLACE_GIVEN_1,
    SKN_PLACE_CLEAN,
    SKN_PLACE_FROZEN, /* in the list of what is marked, in no table */
    SKN_PLACE_NONE,   /* in no list: rows without a backend, table ends that are not known */
    SKN_PLACES,
};

/* What stands in lists. */
struct skn_item {
    struct skn_list link;
    uint32_t value_len;
    uint16_t key_len; /* of a table: of its name */
    unsigned kind : 2;
    unsigned place : 3;
    bool cont : 1;
    bool is_stored : 1; /* the backend may have a row under the key, or get one by a checkpoint */
    uint8_t rounds;     /* of the clock that it stays for; see evict.c */
};
static_assert(sizeof(struct skn_item) == 24, "there are millions of them");

static inline void skn_item_touch(struct skn_item *item)
{
    if (item->rounds < READ_ROUNDS) item->rounds = READ_ROUNDS;
}

struct skn_entry {
    struct skn_item item;
    uint64_t index;  /* of the record that last wrote it */
    uint8_t bytes[]; /* key, then value */
};

struct skn_slot {
    uint64_t head; /* the first 8 bytes behind the table's name and its zero byte */
    struct skn_entry *entry;
};

struct skn_page {
    uint16_t count;
    uint16_t cap;
    uint32_t least_len; /* of the smallest key that it may have; 0: the only page of its table */
    struct skn_slot slots[]; /* of one of many pages: PAGE_MAX, then its node, then that key */
};

/* What is known of how the backend has a table. */
enum skn_form {
    SKN_FORM_UNKNOWN,
    SKN_FORM_PACKED, /* packed, or not at all: it has no entry of a single row */
    SKN_FORM_ROWS,   /* it was given rows: only a table that is given whole makes it another */
};

struct skn_table {
    struct skn_item end;
    struct skn_table *next; /* in its bucket */
    struct skn_page *only;  /* NULL: there are none, or `pages` has them */
    struct skn_omap *pages; /* NULL: there is one page at most */
    uint32_t hash;
    unsigned wants : 24; /* under way, and waiting */
    unsigned form : 2;   /* enum skn_form */
    unsigned mark : 6;   /* the last one behind which it changed, or was given whole; 0: none */
    uint8_t name[];
};
static_assert(sizeof(struct skn_table) == 56, "there are millions of them");

/* A hash table that grows by one bucket at a time (Litwin, Linear hashing, VLDB 1980): a growth step
 * of a million tables at once would stall a slice by milliseconds. */
struct skn_tables {
    struct skn_table ***segments;
    size_t segments_cap;
    size_t buckets;
    size_t count;
    uint64_t seed[2];
};

/* A place in a table: before an entry, or at its end. */
struct skn_spot {
    struct skn_table *table;
    struct skn_page *page; /* NULL: the end */
    uint32_t at;
};

/* An operation of a batch, and where its key is or would be. */
struct skn_found {
    struct skn_row_op op;
    struct skn_spot spot;    /* without a table: not looked for */
    struct skn_entry *entry; /* that has the key, or NULL */
};

/* The batch that was looked up last, for apply. */
struct skn_known {
    struct skn_slice batch; /* borrowed; empty: none */
    struct skn_found *changes;
    size_t count, cap;
    uint64_t moves, shifts; /* of the store, at the first lookup */
};

/* A table that was given whole before it changed, until the checkpoint takes it. */
struct skn_image {
    struct skn_list link;
    size_t len;
    uint8_t bytes[]; /* an operation of a batch */
};

struct skn_want {
    struct skn_list link;
    uint64_t number;
    struct skn_read asked; /* points into `bytes` */
    struct skn_table *table;
    uint8_t bytes[];
};

struct skn_store {
    struct skn_backend *backend;
    uint32_t shard;
    size_t cache_bytes;
    struct skn_position position;
    struct skn_tables tables;
    struct skn_table *recent[RECENT]; /* by the ends of their names; or NULL */
    struct skn_table *last;           /* found last; or NULL */
    uint64_t moves;  /* pages and tables made and gone: a spot found before is none any more */
    uint64_t shifts; /* entries that came into pages or left them */
    struct skn_known known;
    bool is_whole; /* a table that is not here has no rows */
    bool is_blocking;
    bool has_mark; /* a checkpoint is under way */
    uint8_t mark;  /* its number, 1 to MARKS, then again from 1 */
    struct skn_list images;
    uint8_t dirty; /* which of the two lists is dirty now; the other one is marked */
    uint8_t given; /* likewise; the other one was flushed and counts as clean */
    struct skn_list lists[SKN_PLACES];
    uint64_t items[SKN_PLACES];
    uint64_t bytes[SKN_PLACES];
    uint64_t entries;                 /* in tables */
    uint64_t entry_bytes;             /* of them */
    uint64_t table_bytes;             /* of tables and pages */
    struct skn_list wanted, fetching; /* oldest first; all that is fetched is older */
    uint64_t next_want;               /* number of the next one */
    uint64_t last_want;
    uint64_t fetches, evictions;
    struct skn_pins pins;
    struct skn_buf answer;       /* scratch */
    struct skn_buf packed;       /* likewise */
    bool (*is_later)(void *ctx); /* of tests */
    void *later_ctx;
};

/* --- tables.c: tables by name ---------------------------------------------------------------------- */

/* The name of the table that the key is in; empty when it names none. */
struct skn_slice skn_table_name_of(struct skn_slice key);
/* The table that has the key. NULL: there is none, or the key names none. */
struct skn_table *skn_table_of(struct skn_store *store, struct skn_slice key);
/* NULL: there is none. `name` is not empty. */
struct skn_table *skn_table_find(struct skn_store *store, struct skn_slice name);
struct skn_table *skn_table_make(struct skn_store *store, struct skn_slice name);
/* The same of one that was just not found. */
struct skn_table *skn_table_add(struct skn_store *store, struct skn_slice name);
/* Says whether the part behind the last entry is known. */
void skn_table_set_end(struct skn_store *store, struct skn_table *table, bool is_known);
/* Frees it when it says nothing that its absence would not say. */
void skn_table_settle(struct skn_store *store, struct skn_table *table);
void skn_tables_fini(struct skn_store *store);
/* The next one in no useful order; NULL at the end. Begins with *at = 0 and NULL. */
struct skn_table *
skn_tables_next(const struct skn_store *store, size_t *at, const struct skn_table *table);

/* --- pages.c: the entries of a table in order --------------------------------------------------------- */

/* The first place at or behind the key; and the entry that has it, or NULL. */
struct skn_spot
skn_spot_find(struct skn_table *table, struct skn_slice key, struct skn_entry **out_entry);
struct skn_spot skn_spot_first(struct skn_table *table);
/* A place behind the last slot of a page is the first one of the next page, or the table's end. */
struct skn_spot skn_spot_normal(struct skn_spot spot);
struct skn_spot skn_spot_next(struct skn_spot spot);
/* The entry before the place; NULL: it is the first. */
struct skn_entry *skn_spot_before(struct skn_spot spot);
/* Puts an entry before the place and returns where it is. */
struct skn_spot
skn_spot_insert(struct skn_store *store, struct skn_spot spot, struct skn_entry *entry);
/* Takes the entry out of the table; gives the place behind it. */
struct skn_spot skn_spot_remove(struct skn_store *store, struct skn_spot spot);
bool skn_table_is_empty(const struct skn_table *table);
void skn_pages_free(struct skn_store *store, struct skn_table *table);
void skn_pages_check(const struct skn_table *table);

static inline struct skn_entry *skn_spot_entry(struct skn_spot spot)
{
    return spot.page ? spot.page->slots[spot.at].entry : NULL;
}

/* What stands there: an entry, or the table's end. */
static inline struct skn_item *skn_spot_item(struct skn_spot spot)
{
    return spot.page ? &spot.page->slots[spot.at].entry->item : &spot.table->end;
}

/* --- entry.c: entries and the lists ------------------------------------------------------------------- */

static inline struct skn_slice skn_entry_key(const struct skn_entry *entry)
{
    return skn_slice(entry->bytes, entry->item.key_len);
}

static inline struct skn_slice skn_entry_value(const struct skn_entry *entry)
{
    return skn_slice(entry->bytes + entry->item.key_len, entry->item.value_len);
}

static inline struct skn_entry *skn_entry_of(struct skn_item *item)
{
    return SKN_CONTAINER_OF(item, struct skn_entry, item);
}

/* An entry in no table and no list. */
struct skn_entry *skn_entry_make(enum skn_kind kind, struct skn_slice key, struct skn_slice value);
/* Bytes that an entry of these lengths takes, with what the allocator adds. */
size_t skn_entry_bytes(size_t key_len, size_t value_len);
size_t skn_item_bytes(const struct skn_item *item);
/* Moves an item to the end of a list, or into none. */
void skn_item_place(struct skn_store *store, struct skn_item *item, enum skn_place place);
/* Takes it out of its list and frees it; it is in no table any more. */
void skn_entry_free(struct skn_store *store, struct skn_entry *entry);

static inline enum skn_place skn_place_dirty(const struct skn_store *store)
{
    return store->dirty ? SKN_PLACE_DIRTY_1 : SKN_PLACE_DIRTY_0;
}

static inline enum skn_place skn_place_marked(const struct skn_store *store)
{
    return store->dirty ? SKN_PLACE_DIRTY_0 : SKN_PLACE_DIRTY_1;
}

static inline enum skn_place skn_place_given(const struct skn_store *store)
{
    return store->given ? SKN_PLACE_GIVEN_1 : SKN_PLACE_GIVEN_0;
}

/* Flushed since the last mark but one, and not looked at since: clean. */
static inline enum skn_place skn_place_flushed(const struct skn_store *store)
{
    return store->given ? SKN_PLACE_GIVEN_0 : SKN_PLACE_GIVEN_1;
}

/* --- whole.c: small tables for a checkpoint ----------------------------------------------------------- */

/* Before any change: what the checkpoint under way has still to be given of the table is kept, all of it
 * at once where that can be. */
void skn_table_changes(struct skn_store *store, struct skn_table *table);
/* Gives all of the table as it is, as one operation. False: it is large, or not known whole, or has
 * changed since the mark. */
bool skn_table_give(struct skn_store *store, struct skn_table *table, struct skn_buf *out);
/* Whether anything of a table of one page is not in the backend as it is, or is likely to be read. */
bool skn_table_stays(const struct skn_store *store, const struct skn_table *table);
void skn_images_fini(struct skn_store *store);

/* --- evict.c -------------------------------------------------------------------------------------------- */

/* Forgets the entry at a place: what was known through it is not known any more. Gives the place
 * behind it. */
struct skn_spot skn_forget(struct skn_store *store, struct skn_spot spot);
/* An entry that says that there is no row goes where the intervals around it say it too. */
bool skn_merge(struct skn_store *store, struct skn_spot spot);
/* Everything flushed becomes clean in full, at most `max` entries. */
void skn_settle_flushed(struct skn_store *store, size_t max);

/* --- pin.c ---------------------------------------------------------------------------------------------- */

/* What an entry that was fetched now has in `rounds`. */
uint8_t skn_pins_rounds(const struct skn_store *store);
/* Somebody waits for it, or for what was fetched with it. */
bool skn_item_is_pinned(const struct skn_store *store, struct skn_item *item);

/* --- want.c --------------------------------------------------------------------------------------------- */

/* Reads at once what the backend has at hand, or wants it: SKN_ELATER. */
SKN_MUST_USE enum skn_rc
skn_want_row(struct skn_store *store, struct skn_slice key, struct skn_diag *diag);
/* The same for a row without which its table has none. */
SKN_MUST_USE enum skn_rc
skn_want_head(struct skn_store *store, struct skn_slice key, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc skn_want_range(struct skn_store *store,
                                        struct skn_slice from,
                                        struct skn_slice end,
                                        size_t max,
                                        struct skn_diag *diag);
void skn_wants_fini(struct skn_store *store);
