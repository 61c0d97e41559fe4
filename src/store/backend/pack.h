/* pack.h - a small table as one entry of a backend.
 *
 * Owns        the form of a packed table, and how operations of a batch change entries.
 * May include base, store/backend.
 * Threads     pure functions.
 * Invariants
 *   1. In a backend a table is spread, an entry a row, or packed: then its one entry has all of its rows,
 *      and no other entry is of the table.
 *   2. The entries of one table change from one such state to another at once: whoever writes them lets
 *      no crash come between two of `skn_pack_raw.change` unless the first one said that it was the last.
 *
 * A packed table stands under the first key that the table may have, its name and a zero byte. Its stored
 * form begins with the index SKN_PACKED_INDEX, which no record has; then, little-endian:
 *   offset 0  u8   1: this form
 *          1  u8   in a batch 1: the table may be spread in the backend; in a backend 0
 *          2  u16  rows
 *          .. the rows in key order, each
 *             0  u16  bytes of its key behind that first one
 *             2  u32  bytes of its value
 *             6  u64  index of the record that last wrote it
 *             .. those bytes, the value
 * In a batch it says what all of the table is from now on; one without rows: that it has none.
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/slice.h"
#include "store/backend/backend.h"

#define SKN_PACKED_INDEX UINT64_MAX

enum {
    SKN_PACKED_HEAD = 4, /* bytes before the rows */
    SKN_PACKED_ROW = 14, /* and in front of each */
    SKN_PACKED_MAX =
        4 << 10, /* bytes of a table that stays packed: what a read unpacks for one row, and
                               * a change of one row writes */
};

struct skn_packed_row {
    struct skn_slice rest; /* of the key, behind the table's first one */
    struct skn_slice value;
    uint64_t index;
};

/* The first key that the table of a key may have: its name and the zero byte. Empty: it is in none. */
struct skn_slice skn_pack_first(struct skn_slice key);

/* Begins a table in an empty buffer, adds rows in key order, says how many there were. */
void skn_pack_begin(struct skn_buf *out, bool may_be_spread);
void skn_pack_add(struct skn_buf *out, const struct skn_packed_row *row);
void skn_pack_end(struct skn_buf *out, size_t rows);

/* Whether a stored value is a packed table; gives what is behind the index. */
bool skn_is_packed(struct skn_slice stored, struct skn_slice *out_packed);

/* Looks at all of a packed table and gives its rows for skn_packed_next. `first`: the key that it stands
 * under. SKN_ECORRUPT names the table. */
SKN_MUST_USE enum skn_rc skn_packed_open(struct skn_slice first,
                                         struct skn_slice packed,
                                         struct skn_slice *out_rows,
                                         struct skn_diag *diag);
/* Takes the next row off what skn_packed_open gave. False: there is none. */
bool skn_packed_next(struct skn_slice *rows, struct skn_packed_row *out_row);

/* The whole key of a row of the table under `first`, written to `out`. */
struct skn_slice
skn_packed_key(uint8_t out[SKN_KEY_MAX], struct skn_slice first, const struct skn_packed_row *row);

/* What an answer holds already, and whether one of its bounds was met by a row that comes next. */
struct skn_read_sum {
    uint32_t rows;
    uint64_t bytes;
    bool is_full;
};

/* Whether the answer has room for a row of so many bytes, which then counts. */
bool skn_read_has_room(struct skn_read_sum *sum, const struct skn_read *read, size_t bytes);

/* Appends the rows of a packed table that were asked for as puts in the stored form; all of it, as it is,
 * where `read` wants that. SKN_ECORRUPT. */
SKN_MUST_USE enum skn_rc skn_packed_give(struct skn_slice first,
                                         struct skn_slice packed,
                                         const struct skn_read *read,
                                         struct skn_read_sum *sum,
                                         struct skn_buf *out,
                                         struct skn_diag *diag);

/* --- changing --------------------------------------------------------------------------------------- */

/* The entries of a backend as they lie. */
struct skn_pack_raw {
    void *ctx;
    uint32_t packed_max; /* of the backend; 0: SKN_PACKED_MAX */
    /* Appends the stored value under a key to `out`. SKN_ENOENT. */
    enum skn_rc (*find)(void *ctx, struct skn_slice key, struct skn_buf *out, struct skn_diag *);
    /* Appends deletions of all entries of a table, as a batch. */
    enum skn_rc (*clear)(void *ctx, struct skn_slice first, struct skn_buf *out, struct skn_diag *);
    /* Puts or deletes an entry; `is_last`: nothing more follows that must come with it. */
    void (*change)(void *ctx, const struct skn_row_op *op, bool is_last);
};

struct skn_pack_scratch {
    struct skn_buf old, fresh;
};
void skn_pack_scratch_init(struct skn_pack_scratch *scratch);
void skn_pack_scratch_fini(struct skn_pack_scratch *scratch);

/* Changes the entries of one table by operations on it in the stored form: rows in key order, of one key
 * the last one wins; or one packed table. SKN_ECORRUPT; and what `find` and `clear` fail with. */
SKN_MUST_USE enum skn_rc skn_pack_change(const struct skn_pack_raw *raw,
                                         struct skn_pack_scratch *scratch,
                                         const struct skn_row_op *ops,
                                         size_t count,
                                         struct skn_diag *diag);
