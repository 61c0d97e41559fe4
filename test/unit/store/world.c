/* world.c - random programs over a store, against an array. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "base/mem.h"
#include "base/rng.h"
#include "store/backend/pack.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TABLES = 3, KEYS_EACH = 9, KEYS = TABLES * KEYS_EACH, VALUE_MAX = 60, RECORDS_MAX = 160 };
enum { ANSWERS_MAX = 16, STEPS_MIN = 10, STEPS_MAX = 60 };

struct model_row {
    bool there;
    uint8_t len;
    uint8_t fill;
    uint64_t index;
};

struct model {
    struct model_row rows[KEYS];
    struct skn_hash128 state;
};

struct answer {
    uint64_t number;
    bool is_end;
    struct skn_buf rows;
};

struct record {
    struct skn_buf batch;
    struct skn_position after;
};

struct world {
    struct skn_rng rng;
    struct skn_backend *backend;
    struct skn_store *store;
    struct skn_store_options options;
    struct model now, marked;
    struct skn_position marked_at;
    bool has_mark, has_all; /* a checkpoint is under way; all of it was given */
    bool crosses;           /* how large a packed table may be changes */
    int rows_of[TABLES];    /* at the last commit: -1 packed, else entries of the table */
    struct record records[RECORDS_MAX];
    size_t count, durable;
    struct answer answers[ANSWERS_MAX]; /* read and not delivered yet, oldest first */
    size_t answered;
    struct skn_buf batch;
    struct world_counts *counts;
    char *why;
};

static bool fail(struct world *w, const char *fmt, ...) SKN_PRINTF(2, 3);

static bool fail(struct world *w, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (!w->why[0]) (void)vsnprintf(w->why, 200, fmt, args);
    va_end(args);
    return false;
}

static uint64_t below(struct world *w, uint64_t n)
{
    return skn_rng_below(&w->rng, n);
}

/* --- keys and the array ------------------------------------------------------------------------------ */

/* In key order. The second table's name begins with the first one's; keys hold zeros and begin each
 * other. */
static struct skn_slice key_of(int n)
{
    static const struct skn_slice keys[KEYS] = {
#define K(text) {(const uint8_t *)(text), sizeof(text) - 1}
#define TABLE(name)                                                                                \
    K(name "\0"), K(name "\0\0"), K(name "\0\1"), K(name "\0\1\0"), K(name "\0a"), K(name "\0aa"), \
        K(name "\0aaaaaaaab"), K(name "\0aaaaaaaac"), K(name "\0\xff\xff")
        TABLE("t"), TABLE("tu"), TABLE("v")};
#undef TABLE
#undef K
    return keys[n];
}

static struct skn_slice table_of(int n)
{
    struct skn_slice key = key_of(n / KEYS_EACH * KEYS_EACH);
    return skn_slice(key.ptr, key.len - 1);
}

static struct skn_slice value_of(const struct model_row *row, uint8_t bytes[VALUE_MAX])
{
    memset(bytes, row->fill, VALUE_MAX);
    return skn_slice(bytes, row->len);
}

static struct skn_hash128 hash_of(const struct model *model, int n)
{
    uint8_t bytes[VALUE_MAX];
    return skn_row_hash(key_of(n), value_of(&model->rows[n], bytes));
}

static int key_number(struct skn_slice key)
{
    for (int n = 0; n < KEYS; n++)
        if (skn_slice_eq(key_of(n), key)) return n;
    return -1;
}

static void model_apply(struct model *model, struct skn_slice batch, uint64_t index)
{
    struct skn_row_op op;
    while (skn_batch_next(&batch, &op, NULL) == SKN_OK) {
        int n = key_number(op.key);
        struct model_row *row = &model->rows[n];
        if (row->there) model->state = skn_hash128_sub(model->state, hash_of(model, n));
        *row = (struct model_row){.there = !op.is_delete,
                                  .len = (uint8_t)op.value.len,
                                  .fill = op.value.len > 0 ? op.value.ptr[0] : 0,
                                  .index = index};
        if (row->there) model->state = skn_hash128_add(model->state, hash_of(model, n));
    }
}

/* --- looking ------------------------------------------------------------------------------------------- */

static bool is_right(struct world *w, int n, struct skn_slice value)
{
    uint8_t bytes[VALUE_MAX];
    const struct model_row *row = &w->now.rows[n];
    return row->there && skn_slice_eq(value, value_of(row, bytes));
}

static bool get(struct world *w, int n)
{
    struct skn_slice value;
    enum skn_rc rc = skn_store_get(w->store, key_of(n), &value, NULL);
    if (rc == SKN_ELATER) {
        w->counts->later++;
        return true;
    }
    if (rc == SKN_ENOENT) return !w->now.rows[n].there || fail(w, "get: key %d is not there", n);
    if (rc != SKN_OK) return fail(w, "get: %d", rc);
    return is_right(w, n, value) || fail(w, "get: key %d has another value", n);
}

/* Bounds between, on and around the keys of a table. */
static struct skn_slice bound(struct world *w, int table, uint8_t bytes[32])
{
    struct skn_slice key = key_of(table * KEYS_EACH + (int)below(w, KEYS_EACH));
    memcpy(bytes, key.ptr, key.len);
    switch (below(w, 5)) {
    case 0: /* the end of the table */
        key.len = table_of(table * KEYS_EACH).len + 1;
        bytes[key.len - 1] = 1;
        break;
    case 1: /* the next key behind it */ bytes[key.len++] = 0; break;
    case 2: bytes[key.len++] = (uint8_t)below(w, 256); break;
    case 3: key.len = table_of(table * KEYS_EACH).len + 1; break;
    default: break;
    }
    return skn_slice(bytes, key.len);
}

static bool scan(struct world *w)
{
    uint8_t from_bytes[32], end_bytes[32];
    int table = (int)below(w, TABLES);
    struct skn_slice from = bound(w, table, from_bytes), end = bound(w, table, end_bytes);
    if (from.ptr[table_of(table * KEYS_EACH).len] == 1) from_bytes[from.len - 1] = 0;
    struct skn_row rows[KEYS];
    size_t count, max = 1 + below(w, KEYS_EACH + 1), seen = 0;
    enum skn_rc rc = skn_store_scan(w->store, from, end, rows, max, &count, NULL);
    if (rc == SKN_ELATER) {
        w->counts->later++;
        return true;
    }
    if (rc != SKN_OK) return fail(w, "scan: %d", rc);
    for (int n = table * KEYS_EACH; n < (table + 1) * KEYS_EACH && seen < max; n++) {
        if (!w->now.rows[n].there || skn_slice_cmp(key_of(n), from) < 0 ||
            skn_slice_cmp(key_of(n), end) >= 0)
            continue;
        if (seen >= count || !skn_slice_eq(rows[seen].key, key_of(n)))
            return fail(w, "scan: key %d is not where it should be", n);
        if (!is_right(w, n, rows[seen].value)) return fail(w, "scan: key %d has another value", n);
        seen++;
    }
    return seen == count || fail(w, "scan: %zu rows too many", count - seen);
}

static bool state_is_right(struct world *w)
{
    struct skn_position position = skn_store_position(w->store);
    if (position.index != w->count) return fail(w, "another index");
    return skn_hash128_eq(position.state, w->now.state) || fail(w, "another state hash [E44]");
}

/* --- changing ------------------------------------------------------------------------------------------- */

static void change(struct world *w, int n)
{
    struct model_row row = {.len = (uint8_t)below(w, VALUE_MAX), .fill = (uint8_t)below(w, 99)};
    uint8_t bytes[VALUE_MAX];
    if (below(w, 3) == 0)
        skn_batch_delete(&w->batch, key_of(n));
    else
        skn_batch_put(&w->batch, key_of(n), value_of(&row, bytes));
}

static bool apply(struct world *w)
{
    if (w->count == RECORDS_MAX) return true;
    skn_buf_reset(&w->batch);
    /* Mostly in key order, as the core has them: these are looked up once. */
    bool in_order = below(w, 4) > 0;
    int n = (int)below(w, KEYS);
    for (uint64_t i = 1 + below(w, 5); i > 0 && n < KEYS; i--) {
        change(w, n);
        n = in_order ? n + 1 + (int)below(w, 3) : (int)below(w, KEYS);
    }
    enum skn_rc rc = skn_store_know(w->store, skn_buf_slice(&w->batch), NULL);
    if (rc == SKN_ELATER) {
        w->counts->later++;
        return true;
    }
    if (rc != SKN_OK) return fail(w, "know: %d", rc);
    /* What is learned in between moves rows away from where they were found. */
    if (below(w, 4) == 0 && !scan(w)) return false;
    struct record *record = &w->records[w->count++];
    skn_buf_reset(&record->batch);
    skn_buf_put(&record->batch, skn_buf_slice(&w->batch));
    rc = skn_store_apply(w->store, w->count, w->count * 3, skn_buf_slice(&w->batch), NULL);
    if (rc != SKN_OK) return fail(w, "apply: %d", rc);
    model_apply(&w->now, skn_buf_slice(&record->batch), w->count);
    record->after = skn_store_position(w->store);
    w->counts->batches++;
    return state_is_right(w);
}

/* Whoever knows that a table has no rows says so. */
static void fresh(struct world *w)
{
    int table = (int)below(w, TABLES);
    for (int n = table * KEYS_EACH; n < (table + 1) * KEYS_EACH; n++)
        if (w->now.rows[n].there) return;
    skn_store_fresh(w->store, table_of(table * KEYS_EACH));
}

/* --- fetching -------------------------------------------------------------------------------------------- */

static bool fetch(struct world *w)
{
    struct skn_read asked;
    if (w->answered == ANSWERS_MAX) return true;
    struct answer *answer = &w->answers[w->answered];
    if (!skn_store_next_want(w->store, &asked, &answer->number)) return true;
    /* Small answers, so that ranges come in parts. */
    if (below(w, 2) && asked.end.len > 0) asked.max_rows = 1 + (uint32_t)below(w, 3);
    skn_buf_reset(&answer->rows);
    w->answered++;
    enum skn_rc rc =
        skn_backend_read(w->backend, &asked, true, &answer->rows, &answer->is_end, NULL);
    return rc == SKN_OK || fail(w, "read: %d", rc);
}

static bool deliver(struct world *w)
{
    if (w->answered == 0) return true;
    struct answer first = w->answers[0];
    enum skn_rc rc =
        skn_store_fetched(w->store, first.number, skn_buf_slice(&first.rows), first.is_end, NULL);
    memmove(&w->answers[0], &w->answers[1], (ANSWERS_MAX - 1) * sizeof first);
    w->answers[ANSWERS_MAX - 1] = first;
    w->answered--;
    w->counts->stale++;
    return rc == SKN_OK || fail(w, "fetched: %d", rc);
}

/* --- checkpoints and crashes ------------------------------------------------------------------------------- */

static void mark(struct world *w)
{
    if (w->has_mark) return;
    static const uint32_t packed_max[] = {1, 100, 200, 400, 0};
    if (w->crosses) w->backend->packed_max = packed_max[below(w, SKN_ARRAY_LEN(packed_max))];
    w->has_mark = true;
    w->has_all = false;
    w->marked = w->now;
    w->marked_at = skn_store_mark(w->store);
    w->durable = w->count; /* [E10] writing starts when the position is durable */
}

static bool give(struct world *w)
{
    if (!w->has_mark) return true;
    skn_buf_reset(&w->batch);
    w->has_all = !skn_store_next_dirty(w->store, &w->batch, 1 + below(w, 200));
    enum skn_rc rc = skn_backend_write(w->backend, 7, skn_buf_slice(&w->batch), NULL);
    return rc == SKN_OK || fail(w, "write: %d", rc);
}

/* The backend holds exactly the rows as of the mark, each with the record that last wrote it. */
static bool backend_is_right(struct world *w, const struct model *model)
{
    struct skn_buf rows;
    skn_buf_init(&rows, 1 << 20);
    bool is_end;
    const struct skn_read all = {.shard = 7,
                                 .from = SKN_LIT("\1"),
                                 .end = SKN_LIT("\xff"),
                                 .max_rows = 1000,
                                 .max_bytes = 1 << 20};
    enum skn_rc rc = skn_backend_read(w->backend, &all, true, &rows, &is_end, NULL);
    bool good = rc == SKN_OK && is_end;
    struct skn_slice rest = skn_buf_slice(&rows);
    for (int n = 0; n < KEYS && good; n++) {
        if (!model->rows[n].there) continue;
        struct skn_row_op op;
        uint64_t index;
        struct skn_slice value;
        uint8_t bytes[VALUE_MAX];
        good = skn_batch_next(&rest, &op, NULL) == SKN_OK && skn_slice_eq(op.key, key_of(n)) &&
               skn_stored_split(op.value, &index, &value, NULL) == SKN_OK &&
               index == model->rows[n].index &&
               skn_slice_eq(value, value_of(&model->rows[n], bytes));
    }
    good = good && rest.len == 0;
    skn_buf_fini(&rows);
    return good || fail(w, "the backend does not hold what was there at the mark [E10]");
}

/* Notes which tables went from one form to the other. */
static void look_at_forms(struct world *w)
{
    struct skn_buf rows;
    skn_buf_init(&rows, 1 << 20);
    for (int i = 0; i < TABLES; i++) {
        struct skn_slice name = table_of(i * KEYS_EACH), from = key_of(i * KEYS_EACH), packed;
        uint8_t end[8];
        memcpy(end, name.ptr, name.len);
        end[name.len] = 1;
        const struct skn_read all = {.shard = 7,
                                     .from = from,
                                     .end = skn_slice(end, name.len + 1),
                                     .max_rows = KEYS,
                                     .max_bytes = 1 << 20,
                                     .whole = true};
        struct skn_row_op op;
        bool is_end;
        int before = w->rows_of[i];
        w->rows_of[i] = 0;
        skn_buf_reset(&rows);
        if (skn_backend_read(w->backend, &all, true, &rows, &is_end, NULL) != SKN_OK) continue;
        struct skn_slice rest = skn_buf_slice(&rows);
        while (skn_batch_next(&rest, &op, NULL) == SKN_OK)
            w->rows_of[i] = skn_is_packed(op.value, &packed) ? -1 : w->rows_of[i] + 1;
        w->counts->packed += w->rows_of[i] < 0;
        w->counts->grown += before < 0 && w->rows_of[i] > 0;
        w->counts->shrunk += before > 0 && w->rows_of[i] < 0;
    }
    skn_buf_fini(&rows);
}

static bool crash(struct world *w);

static bool commit(struct world *w)
{
    if (!w->has_mark || !w->has_all) return true;
    const struct skn_shard_position at = {.shard = 7, .position = w->marked_at};
    if (below(w, 8) == 0) {
        skn_backend_memory_fail_commit(w->backend, 1);
        if (skn_backend_commit(w->backend, &at, 1, NULL) != SKN_EIO) return fail(w, "no failure");
        return crash(w);
    }
    if (skn_backend_commit(w->backend, &at, 1, NULL) != SKN_OK) return fail(w, "commit");
    if (!backend_is_right(w, &w->marked)) return false;
    look_at_forms(w);
    skn_store_flushed(w->store);
    w->has_mark = false;
    w->counts->commits++;
    return true;
}

static bool redo(struct world *w, size_t i)
{
    const struct record *record = &w->records[i];
    return skn_store_redo(w->store, &record->after, skn_buf_slice(&record->batch), NULL) == SKN_OK;
}

/* What is durable comes back: the rows of the last commit, what else was written of them, and the
 * records behind it [E11]. */
static bool crash(struct world *w)
{
    size_t unflushed = skn_backend_memory_unflushed(w->backend);
    size_t kept = below(w, unflushed + 1);
    skn_backend_memory_crash(w->backend, kept);
    w->counts->crashes++;
    w->counts->torn += kept > 0 && kept < unflushed;
    w->answered = 0;
    w->has_mark = false;
    w->counts->evictions += skn_store_counts(w->store).evictions;
    skn_store_destroy(w->store);
    w->options.cache_bytes = below(w, 4) ? 1 + below(w, 1200) : 0;
    w->options.hash_seed = below(w, 100);
    if (skn_store_open(&w->options, &w->store, NULL) != SKN_OK) return fail(w, "open");
    size_t first = (size_t)skn_store_position(w->store).index;
    if (first > w->durable) return fail(w, "the backend is ahead of what is durable");
    w->count = w->durable += below(w, w->count - w->durable + 1);
    w->now = (struct model){0};
    for (size_t i = 0; i < w->count; i++)
        model_apply(&w->now, skn_buf_slice(&w->records[i].batch), i + 1);
    for (size_t i = first; i < w->count; i++)
        if (!redo(w, i)) return fail(w, "redo of record %zu", i + 1);
    return state_is_right(w);
}

/* --- the program ---------------------------------------------------------------------------------------------- */

static bool step(struct world *w)
{
    switch (below(w, 22)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: return apply(w);
    case 5:
    case 6: return get(w, (int)below(w, KEYS));
    case 7:
    case 8: return scan(w);
    case 9:
    case 10: return fetch(w);
    case 11:
    case 12: return deliver(w);
    case 13:
    case 14:
        for (uint64_t i = 1 + below(w, 16); i > 0; i--)
            skn_store_shrink(w->store);
        return true;
    case 15: mark(w); return true;
    case 16:
    case 17: return give(w);
    case 18: return commit(w);
    case 19: return below(w, 3) ? commit(w) : crash(w);
    case 20: fresh(w); return true;
    default:
        skn_backend_memory_set_slow(w->backend, below(w, 5) > 0);
        skn_store_set_blocking(w->store, below(w, 8) == 0);
        return true;
    }
}

/* Answers everything, ends the checkpoint, and looks at every row. */
static bool end(struct world *w)
{
    bool good = true;
    while (good && w->answered > 0)
        good = deliver(w);
    struct skn_read asked;
    uint64_t number;
    while (good && skn_store_next_want(w->store, &asked, &number)) {
        skn_buf_reset(&w->batch);
        bool is_end;
        good =
            skn_backend_read(w->backend, &asked, true, &w->batch, &is_end, NULL) == SKN_OK &&
            skn_store_fetched(w->store, number, skn_buf_slice(&w->batch), is_end, NULL) == SKN_OK;
    }
    if (!good) return fail(w, "the last answers");
    while (w->has_mark && !w->has_all)
        if (!give(w)) return false;
    while (w->has_mark)
        if (!commit(w)) return false;
    skn_store_check(w->store);
    skn_store_set_blocking(w->store, true);
    struct skn_diag diag = {0};
    if (below(w, 2) && skn_store_verify(w->store, &diag) != SKN_OK)
        return fail(w, "verify: %s", diag.text);
    for (int n = 0; n < KEYS; n++)
        if (!get(w, n)) return false;
    for (int i = 0; i < 4; i++)
        if (!scan(w)) return false;
    if (skn_store_verify(w->store, &diag) != SKN_OK) return fail(w, "verify: %s", diag.text);
    skn_store_check(w->store);
    return true;
}

/* Half of the programs begin with rows that only the backend has. */
static bool begin(struct world *w)
{
    skn_backend_memory_set_slow(w->backend, below(w, 4) > 0);
    if (below(w, 2)) return true;
    bool good = true;
    for (uint64_t i = 1 + below(w, 12); i > 0 && good; i--)
        good = apply(w);
    mark(w);
    while (good && w->has_mark && !w->has_all)
        good = give(w);
    return good && commit(w) && crash(w);
}

bool world_run(uint64_t seed, struct world_counts *counts, char out_why[200])
{
    static struct world w; /* with the memory of the programs before */
    out_why[0] = 0;
    w.now = w.marked = (struct model){0};
    w.has_mark = w.has_all = false;
    w.count = w.durable = w.answered = 0;
    memset(w.rows_of, 0, sizeof w.rows_of);
    w.counts = counts;
    w.why = out_why;
    skn_rng_init(&w.rng, seed);
    if (!w.batch.max) {
        skn_buf_init(&w.batch, 1 << 20);
        for (size_t i = 0; i < ANSWERS_MAX; i++)
            skn_buf_init(&w.answers[i].rows, 1 << 20);
        for (size_t i = 0; i < RECORDS_MAX; i++)
            skn_buf_init(&w.records[i].batch, 1 << 16);
    }
    w.backend = skn_backend_memory_create();
    w.options = (struct skn_store_options){
        .backend = w.backend, .shard = 7, .cache_bytes = 1 + below(&w, 1500), .hash_seed = seed};
    /* A third spread, a third packed, and a third with tables that go from one to the other. */
    w.crosses = seed % 3 == 2;
    w.backend->packed_max = seed % 3 == 0 ? 1 : 0;
    bool good = skn_store_open(&w.options, &w.store, NULL) == SKN_OK;
    good = good && begin(&w);
    uint64_t steps = STEPS_MIN + below(&w, STEPS_MAX - STEPS_MIN);
    if (w.crosses) steps *= 4; /* there and back takes some checkpoints */
    for (uint64_t i = 0; i < steps && good; i++) {
        good = step(&w);
        counts->steps++;
        if (good && i % 4 == 0) skn_store_check(w.store);
    }
    good = good && end(&w);
    counts->programs++;
    counts->evictions += skn_store_counts(w.store).evictions;
    skn_store_destroy(w.store);
    skn_backend_destroy(w.backend);
    return good;
}
