/* look.c - everything that the rows of a node show, as events. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hlc.h"
#include "base/mem.h"
#include "flow/flow.h"
#include "sim/world_internal.h"

#include "base/pure.h"

/* An id is forgotten within an hour behind its time; another one is for nodes that were down. */
enum { HOUR_MS = 3600 * 1000, STALE_HOURS = 3 };
enum { VIEW_BYTES_MAX = 16 << 20, ROWS_AT_ONCE = 256 };

/* A row, or the view of a run as JSON, as it stood in one shard. */
struct seen {
    struct seen *next;
    struct row_info info; /* its address and own key are copies */
    struct skn_slice value;
    bool is_view;
};

struct shard_seen {
    struct skn_arena arena;
    struct seen *first, **last;
    struct skn_position position;
    uint64_t timers, mail; /* that wait */
    uint64_t stale;        /* answers that are remembered for too long [E34] */
    uint64_t stale_hour;   /* those of this hour and before */
    uint64_t left;         /* rows that go when what they are for is done [E31] [E40] */
    uint8_t sought[8];     /* id of a key */
    uint64_t found;        /* rows that name it */
};

struct view {
    struct shard_seen *shards;
    size_t count;
    bool only_runs; /* and what waits */
};

/* --- at the shard --------------------------------------------------------------------------------- */

static struct seen *
remember(struct shard_seen *s, const struct row_info *info, struct skn_slice value)
{
    struct seen *seen = skn_arena_zero(&s->arena, 1, sizeof *seen);
    seen->info = *info;
    seen->info.address = skn_arena_dup(&s->arena, info->address);
    seen->info.own = skn_arena_dup(&s->arena, info->own);
    seen->value = skn_arena_dup(&s->arena, value);
    *s->last = seen;
    s->last = &seen->next;
    return seen;
}

typedef void row_fn(struct shard_seen *s, const struct skn_row *row);

/* Every row of the table whose name is `table`, a zero byte included. */
static enum skn_rc each_row(struct skn_store *store,
                            struct skn_slice table,
                            struct shard_seen *s,
                            row_fn *fn,
                            struct skn_diag *diag)
{
    struct skn_row *rows = skn_alloc(ROWS_AT_ONCE * sizeof *rows);
    uint8_t from_bytes[SKN_KEY_MAX + 1], end_bytes[SKN_KEY_MAX];
    SKN_ASSERT(table.len > 0 && table.len <= sizeof end_bytes);
    memcpy(from_bytes, table.ptr, table.len);
    memcpy(end_bytes, table.ptr, table.len);
    end_bytes[table.len - 1] = 1;
    struct skn_slice from = skn_slice(from_bytes, table.len);
    const struct skn_slice end = skn_slice(end_bytes, table.len);
    size_t count = ROWS_AT_ONCE;
    enum skn_rc rc = SKN_OK;
    while (rc == SKN_OK && count == ROWS_AT_ONCE) {
        rc = skn_store_scan(store, from, end, rows, ROWS_AT_ONCE, &count, diag);
        for (size_t i = 0; rc == SKN_OK && i < count; i++)
            fn(s, &rows[i]);
        if (rc != SKN_OK || count == 0) break;
        struct skn_slice last = rows[count - 1].key;
        memcpy(from_bytes, last.ptr, last.len);
        from_bytes[last.len] = 0;
        from = skn_slice(from_bytes, last.len + 1);
    }
    skn_free(rows);
    return rc;
}

static void see_timer(struct shard_seen *s, const struct skn_row *row)
{
    (void)row;
    s->timers++;
}

static void see_left(struct shard_seen *s, const struct skn_row *row)
{
    (void)row;
    s->left++;
}

/* level:1 rc:4 hour:4 .. */
static void see_answer(struct shard_seen *s, const struct skn_row *row)
{
    uint64_t hour = 0;
    for (size_t i = 0; i < 4 && row->value.len >= 9; i++)
        hour |= (uint64_t)row->value.ptr[5 + i] << (8 * i);
    s->stale += hour <= s->stale_hour;
}

static void see_mail(struct shard_seen *s, const struct skn_row *row)
{
    struct row_info info;
    rows_read_key(row->key, &info);
    (void)remember(s, &info, (struct skn_slice){0});
    s->mail++;
}

static void see_row(struct shard_seen *s, const struct skn_row *row)
{
    struct row_info info;
    rows_read_key(row->key, &info);
    if (info.kind == ROW_OWN || info.kind == ROW_DEAD)
        (void)remember(s, &info, info.kind == ROW_OWN ? row->value : (struct skn_slice){0});
}

/* The type of a domain in its address: between ':' and '/'. */
static bool is_of_type(struct skn_slice address, const char *type)
{
    const uint8_t *colon = memchr(address.ptr, ':', address.len);
    SKN_ASSERT(colon);
    return skn_slice_has_prefix(skn_slice_from(address, (size_t)(colon - address.ptr)),
                                skn_slice_str(type));
}

static enum skn_rc
see_run(struct shard_seen *s, struct skn_store *store, struct skn_slice at, struct skn_diag *diag)
{
    struct skn_json_writer writer;
    struct skn_buf json;
    skn_buf_init(&json, VIEW_BYTES_MAX);
    skn_json_begin(&writer, &json, SKN_JSON_PLAIN);
    enum skn_rc rc = skn_flow_view(store, at, false, true, &writer, diag);
    if (rc == SKN_OK) rc = skn_json_end(&writer, diag);
    const struct row_info info = {.kind = ROW_OTHER, .address = at};
    if (rc == SKN_OK) remember(s, &info, skn_buf_slice(&json))->is_view = true;
    skn_buf_fini(&json);
    return rc == SKN_ENOENT ? SKN_OK : rc; /* it was only asked for, never started */
}

static enum skn_rc see_status(struct shard_seen *s,
                              struct skn_core *core,
                              struct skn_store *store,
                              struct skn_slice at,
                              struct skn_diag *diag)
{
    struct skn_run_info run;
    enum skn_rc rc = skn_flow_info(store, at, core && skn_core_is_held(core, at), &run, diag);
    if (rc != SKN_OK) return rc == SKN_ENOENT ? SKN_OK : rc;
    uint8_t status = (uint8_t)run.status;
    const struct row_info info = {.kind = ROW_OTHER, .address = at};
    (void)remember(s, &info, skn_slice(&status, 1));
    return SKN_OK;
}

static enum skn_rc see_domain(const struct view *view,
                              struct shard_seen *s,
                              struct skn_core *core,
                              struct skn_store *store,
                              struct skn_slice at,
                              struct skn_diag *diag)
{
    bool is_run = is_of_type(at, ":Run/");
    if (view->only_runs) return is_run ? see_status(s, core, store, at, diag) : SKN_OK;
    if (is_run) return see_run(s, store, at, diag);
    if (is_of_type(at, ":Shelf/")) return SKN_OK; /* many rows, of which its model knows */
    uint8_t table[SKN_ADDRESS_MAX + 2] = {2};
    memcpy(table + 1, at.ptr, at.len);
    table[at.len + 1] = 0;
    return each_row(store, skn_slice(table, at.len + 2), s, see_row, diag);
}

/* Begins anew each time: rows that had to be fetched are there now [E13]. */
static enum skn_rc look_at_shard(struct world *w,
                                 void *ctx,
                                 uint32_t shard,
                                 struct skn_core *core,
                                 struct skn_store *store,
                                 struct skn_diag *diag)
{
    static const uint8_t timers[] = {1, 3, 0}, mail[] = {1, 4, 0};
    static const uint8_t others[][3] = {{1, 5, 0}, {1, 9, 0}, {1, 12, 0}, {1, 13, 0}, {1, 15, 0}};
    struct view *view = ctx;
    struct shard_seen *s = &view->shards[shard];
    static const uint8_t answers[] = {1, 6, 0};
    skn_arena_reset(&s->arena);
    s->first = NULL;
    s->last = &s->first;
    s->timers = s->mail = s->left = s->stale = 0;
    s->position = skn_store_position(store);
    uint64_t hours = w->params.limits.request_hours ? w->params.limits.request_hours : 24;
    uint64_t now_hour = skn_hlc_ms(s->position.stamp) / HOUR_MS;
    s->stale_hour = now_hour - hours - STALE_HOURS;
    enum skn_rc rc = each_row(store, skn_slice(timers, sizeof timers), s, see_timer, diag);
    if (rc == SKN_OK) rc = each_row(store, skn_slice(mail, sizeof mail), s, see_mail, diag);
    if (rc == SKN_OK && w->params.hours && s->position.stamp > 0)
        rc = each_row(store, skn_slice(answers, sizeof answers), s, see_answer, diag);
    for (size_t i = 0; rc == SKN_OK && i < SKN_ARRAY_LEN(others); i++)
        rc = each_row(store, skn_slice(others[i], 3), s, see_left, diag);
    struct skn_slice at = {0};
    struct skn_buf next;
    skn_buf_init(&next, SKN_ADDRESS_MAX + 1);
    while (rc == SKN_OK && (rc = skn_core_next_domain(store, at, &next, diag)) == SKN_OK) {
        at = skn_arena_dup(&s->arena, skn_buf_slice(&next));
        skn_buf_reset(&next);
        rc = see_domain(view, s, core, store, at, diag);
    }
    skn_buf_fini(&next);
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

static void seek(struct shard_seen *s, const struct skn_row *row)
{
    s->found += memmem(row->value.ptr, row->value.len, s->sought, sizeof s->sought) != NULL;
}

/* Where the core has sealed values: mail, intents, what waits, outboxes; and the rows of each domain. */
enum skn_rc
look_for_key(struct world *w, struct skn_store *store, uint64_t id, struct skn_diag *diag)
{
    static const uint8_t kinds[][3] = {{1, 4, 0}, {1, 5, 0}, {1, 12, 0}, {1, 9, 0}};
    struct shard_seen s = {.found = 0};
    struct skn_slice at = {0};
    struct skn_buf next;
    enum skn_rc rc = SKN_OK;
    for (size_t i = 0; i < sizeof s.sought; i++)
        s.sought[i] = (uint8_t)(id >> (8 * i));
    skn_arena_init(&s.arena);
    skn_buf_init(&next, SKN_ADDRESS_MAX + 1);
    for (size_t i = 0; rc == SKN_OK && i < SKN_ARRAY_LEN(kinds); i++)
        rc = each_row(store, skn_slice(kinds[i], 3), &s, seek, diag);
    while (rc == SKN_OK && (rc = skn_core_next_domain(store, at, &next, diag)) == SKN_OK) {
        at = skn_arena_dup(&s.arena, skn_buf_slice(&next));
        skn_buf_reset(&next);
        uint8_t table[SKN_ADDRESS_MAX + 2] = {2};
        memcpy(table + 1, at.ptr, at.len);
        table[at.len + 1] = 0;
        rc = each_row(store, skn_slice(table, at.len + 2), &s, seek, diag);
    }
    skn_buf_fini(&next);
    skn_arena_fini(&s.arena);
    if (rc == SKN_ENOENT && s.found > 0)
        world_fail(w, "P8: a row names a key that no row should name any more [E46]", NULL);
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

/* --- runs, told ------------------------------------------------------------------------------------- */

static struct skn_value member(struct skn_value map, const char *name)
{
    struct skn_value v = skn_value_none();
    (void)skn_map_get(map, skn_slice_str(name), &v);
    return v;
}

static struct skn_slice text_of(struct skn_value map, const char *name)
{
    struct skn_value v = member(map, name);
    return skn_value_is(v, SKN_T_STRING) ? skn_value_as_text(v) : (struct skn_slice){0};
}

static uint64_t number_of(struct skn_value map, const char *name)
{
    struct skn_value v = member(map, name);
    return skn_value_is(v, SKN_T_INT) ? (uint64_t)skn_value_as_int(v) : 0;
}

static void read_key(struct skn_slice hex, uint8_t out[SKN_HISTORY_KEY_BYTES])
{
    memset(out, 0, SKN_HISTORY_KEY_BYTES);
    for (size_t i = 0; i < hex.len && i < 2 * SKN_HISTORY_KEY_BYTES; i++) {
        uint8_t c = hex.ptr[i];
        uint8_t nibble = (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        out[i / 2] = (uint8_t)(out[i / 2] << 4 | nibble);
    }
}

static void
tell_attempts(struct world *w, struct skn_slice address, struct skn_value context, uint32_t number)
{
    struct skn_value attempt;
    struct skn_value_iter iter = skn_value_iter(member(context, "attempts"));
    while (skn_value_next(&iter, NULL, &attempt)) {
        struct skn_slice status = text_of(attempt, "status");
        struct skn_history_event event = {
            .kind = SKN_HISTORY_ATTEMPT,
            .domain = address,
            .id = text_of(context, "path"),
            .context = number,
            .attempt = (uint32_t)number_of(attempt, "number"),
            .epoch = number_of(attempt, "epoch"),
            .is_success = skn_slice_eq(status, SKN_LIT("succeeded")),
        };
        read_key(text_of(attempt, "key"), event.key);
        world_event(w, &event);
    }
}

static void tell_run(struct world *w, struct skn_slice address, struct skn_slice json)
{
    struct skn_buf bytes;
    struct skn_diag diag = {0};
    skn_buf_init(&bytes, VIEW_BYTES_MAX);
    enum skn_rc rc = skn_json_parse(json, NULL, &bytes, &diag);
    if (rc != SKN_OK) {
        world_fail(w, "a run view is no JSON", &diag);
    } else {
        struct skn_value view = skn_value_view(skn_buf_slice(&bytes)), context;
        struct skn_slice started = text_of(view, "started");
        struct skn_history_event event = {
            .kind = SKN_HISTORY_RUN,
            .domain = address,
            .amount = (int64_t)(world_hash(started) >> 1),
            .is_over = text_of(view, "outcome").len > 0,
            .is_stale = memmem(json.ptr, json.len, "STALE", 5) != NULL,
        };
        world_event(w, &event);
        uint32_t number = 0;
        struct skn_value_iter iter = skn_value_iter(member(view, "contexts"));
        while (skn_value_next(&iter, NULL, &context))
            tell_attempts(w, address, context, ++number);
    }
    skn_buf_fini(&bytes);
}

/* --- rows, told -------------------------------------------------------------------------------------- */

static bool is_place(struct skn_history_event *event)
{
    event->kind = SKN_HISTORY_PLACE;
    return true;
}

static void tell_own(struct world *w, const struct seen *seen)
{
    struct skn_slice at = seen->info.address, key = seen->info.own;
    struct skn_history_event event = {.domain = at};
    bool is_told = is_of_type(at, ":Ledger/")  ? ledger_tell(key, seen->value, &event)
                   : is_of_type(at, ":Peer/")  ? peers_tell(key, seen->value, &event)
                   : is_of_type(at, ":Job/")   ? jobs_tell(key, seen->value, &event)
                   : is_of_type(at, ":Limit/") ? is_place(&event)
                                               : false;
    if (is_told) world_event(w, &event);
}

/* Rows of one kind and one domain in a row, as one event that counts them. */
static const struct seen *tell_count(struct world *w, const struct seen *seen)
{
    uint32_t limit = w->params.limits.mailbox_messages;
    bool is_mail = seen->info.kind == ROW_MAIL;
    struct skn_history_event event = {.kind = is_mail ? SKN_HISTORY_MAIL : SKN_HISTORY_DEAD,
                                      .domain = seen->info.address,
                                      .amount = !is_mail ? 0
                                                : limit  ? limit
                                                         : 10000};
    /* Answers of calls have a lane of their own, with a place for each call [E30]. */
    if (is_mail && seen->info.lane >= SKN_PRIORITIES) event.amount = -1;
    const struct seen *at = seen, *last = seen;
    for (; at && at->info.kind == seen->info.kind && at->info.lane == seen->info.lane &&
           skn_slice_eq(at->info.address, seen->info.address);
         at = at->next) {
        event.count++;
        last = at;
    }
    world_event(w, &event);
    return last;
}

static void tell_shard(struct world *w, const struct shard_seen *s)
{
    if (s->stale > 0) world_fail(w, "P10: request ids are remembered for too long [E34]", NULL);
    for (const struct seen *seen = s->first; seen && w->rc == SKN_OK; seen = seen->next) {
        if (seen->is_view)
            tell_run(w, seen->info.address, seen->value);
        else if (seen->info.kind == ROW_OWN)
            tell_own(w, seen);
        else
            seen = tell_count(w, seen);
    }
    w->report->state_lo += s->position.state.lo;
    w->report->state_hi += s->position.state.hi;
}

/* --- both ----------------------------------------------------------------------------------------------- */

static void view_init(struct world *w, struct view *view, bool only_runs)
{
    *view = (struct view){.count = node_shards(w), .only_runs = only_runs};
    view->shards = skn_alloc_zero(view->count, sizeof *view->shards);
    for (size_t i = 0; i < view->count; i++)
        skn_arena_init(&view->shards[i].arena);
}

static void view_fini(struct view *view)
{
    for (size_t i = 0; i < view->count; i++)
        skn_arena_fini(&view->shards[i].arena);
    skn_free(view->shards);
}

static void tell_all(struct world *w, void *ctx)
{
    const struct view *view = ctx;
    struct skn_history_event event = {.kind = SKN_HISTORY_OBSERVE};
    world_event(w, &event);
    w->report->state_lo = w->report->state_hi = 0;
    for (size_t i = 0; i < view->count; i++)
        tell_shard(w, &view->shards[i]);
    event = (struct skn_history_event){.kind = SKN_HISTORY_OBSERVED};
    world_event(w, &event);
}

enum skn_rc look_around(struct world *w, struct skn_diag *diag)
{
    struct view view;
    view_init(w, &view, false);
    enum skn_rc rc = node_look(w, look_at_shard, tell_all, &view, diag);
    view_fini(&view);
    return rc;
}

enum skn_rc look_for_work(struct world *w,
                          size_t *out_active,
                          size_t *out_left,
                          struct skn_buf *out_interrupted,
                          struct skn_diag *diag)
{
    struct view view;
    view_init(w, &view, true);
    enum skn_rc rc = node_look(w, look_at_shard, NULL, &view, diag);
    *out_active = *out_left = 0;
    for (size_t i = 0; rc == SKN_OK && i < view.count; i++) {
        *out_active += view.shards[i].timers + view.shards[i].mail;
        *out_left += view.shards[i].left;
        for (const struct seen *s = view.shards[i].first; s; s = s->next) {
            if (s->info.kind == ROW_MAIL) continue;
            uint8_t status = s->value.ptr[0];
            *out_active += status == SKN_RUN_RUNNING || status == SKN_RUN_STOPPING;
            if (status == SKN_RUN_INTERRUPTED)
                skn_buf_printf(out_interrupted, "%.*s\n", SKN_FMT(s->info.address));
        }
    }
    view_fini(&view);
    return rc;
}
