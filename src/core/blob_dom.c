/* blob_dom.c - the domain "blob:Blob/HASH": who holds a content, and when its file goes [E45]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/cursor.h"
#include "core/blob_internal.h"
#include "core/core_internal.h"
#include "core/look.h"

#include "base/pure.h"

enum {
    LEVEL = 1,
    PINNED = 1,
    STORED = 2,
    RETRY_MS = 1000,
    RETRY_MAX_MS = 3600000,
    TRIES = 1000000
};

#define STATE_KEY SKN_LIT("c")

/* The order is stored. */
enum blob_state { LIVE = 1, CONDEMNED = 2, ASKING = 3, GONE = 4 };

struct blob {
    enum blob_state state;
    bool is_pinned; /* somebody outside wants it kept */
    bool is_stored; /* its file is there, or goes with the intent */
    uint32_t holders;
    uint32_t waiting; /* refs, until the removal is done */
    uint64_t size;
    uint64_t born; /* the stamp with which this life began */
    uint32_t ticks;
    uint64_t timer; /* its number and 1; 0: none is set */
    uint64_t epoch; /* in which it was set */
    uint64_t round; /* of asking: a stamp */
    uint32_t missing;
    bool is_there;
};

/* --- its rows ---------------------------------------------------------------------------------------- */

static void put(struct skn_cx *cx, const struct blob *b)
{
    struct skn_buf *out = skn_cx_scratch(cx);
    skn_buf_put_u8(out, LEVEL);
    skn_buf_put_u8(out, (uint8_t)b->state);
    skn_buf_put_u8(out, (uint8_t)((b->is_pinned ? PINNED : 0) | (b->is_stored ? STORED : 0)));
    skn_buf_put_le32(out, b->holders);
    skn_buf_put_le32(out, b->waiting);
    skn_buf_put_le64(out, b->size);
    skn_buf_put_le64(out, b->born);
    skn_buf_put_le32(out, b->ticks);
    skn_buf_put_le64(out, b->timer);
    skn_buf_put_le64(out, b->epoch);
    skn_buf_put_le64(out, b->round);
    skn_buf_put_le32(out, b->missing);
    skn_cx_put(cx, STATE_KEY, skn_buf_slice(out));
}

static enum skn_rc read_row(struct skn_slice bytes, struct blob *b, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(bytes);
    uint8_t level = skn_cursor_u8(&cursor);
    unsigned state = skn_cursor_u8(&cursor), flags = skn_cursor_u8(&cursor);
    *b = (struct blob){.state = state,
                       .is_pinned = (flags & PINNED) != 0,
                       .is_stored = (flags & STORED) != 0,
                       .is_there = true};
    b->holders = skn_cursor_le32(&cursor);
    b->waiting = skn_cursor_le32(&cursor);
    b->size = skn_cursor_le64(&cursor);
    b->born = skn_cursor_le64(&cursor);
    b->ticks = skn_cursor_le32(&cursor);
    b->timer = skn_cursor_le64(&cursor);
    b->epoch = skn_cursor_le64(&cursor);
    b->round = skn_cursor_le64(&cursor);
    b->missing = skn_cursor_le32(&cursor);
    bool fits = level == LEVEL && state >= LIVE && state <= GONE && flags <= (PINNED | STORED) &&
                skn_cursor_is_done(&cursor);
    return fits ? SKN_OK : SKN_CORRUPT(diag, "the row of a blob is malformed");
}

static enum skn_rc load(struct skn_cx *cx, struct blob *b, struct skn_diag *diag)
{
    struct skn_slice bytes;
    *b = (struct blob){0};
    enum skn_rc rc = skn_cx_get(cx, STATE_KEY, &bytes);
    if (rc != SKN_OK) return rc == SKN_ENOENT ? SKN_OK : rc;
    return read_row(bytes, b, diag);
}

static struct skn_slice shard_key(struct skn_cx *cx, char kind, uint32_t shard)
{
    uint8_t *bytes = skn_arena_alloc(skn_cx_arena(cx), 5);
    bytes[0] = (uint8_t)kind;
    for (int i = 0; i < 4; i++)
        bytes[1 + i] = (uint8_t)(shard >> (24 - 8 * i));
    return skn_slice(bytes, 5);
}

static bool has(struct skn_cx *cx, struct skn_slice key)
{
    struct skn_slice bytes;
    return skn_cx_get(cx, key, &bytes) == SKN_OK;
}

static void put_ticket(struct skn_cx *cx, struct skn_slice key, uint64_t ticket)
{
    struct skn_buf *out = skn_cx_scratch(cx);
    skn_buf_put_le64(out, ticket);
    skn_cx_put(cx, key, skn_buf_slice(out));
}

/* --- its states ------------------------------------------------------------------------------------------ */

static void rest_timer(struct skn_cx *cx, struct blob *b)
{
    if (b->timer > 0) skn_cx_timer_cancel(cx, b->timer - 1);
    b->timer = 0;
}

static void arm(struct skn_cx *cx, struct blob *b)
{
    uint64_t tick_ms = cx->core->limits.blob_condemned_ms / SKN_BLOB_TICKS;
    rest_timer(cx, b);
    uint64_t due_ms = skn_cx_now_ms(cx) + (tick_ms > 0 ? tick_ms : 1);
    b->timer = skn_cx_timer_set(cx, due_ms, (struct skn_slice){0}) + 1;
    b->epoch = skn_cx_epoch(cx);
}

/* Its time begins, or begins anew. */
static void condemn(struct skn_cx *cx, struct blob *b)
{
    b->state = CONDEMNED;
    b->ticks = 0;
    b->round = 0;
    b->missing = 0;
    arm(cx, b);
}

static void revive(struct skn_cx *cx, struct blob *b)
{
    rest_timer(cx, b);
    b->state = LIVE;
    b->ticks = 0;
    b->round = 0;
    b->missing = 0;
}

/* What follows from who holds it. */
static void settle(struct skn_cx *cx, struct blob *b)
{
    bool is_held = b->is_pinned || b->holders > 0;
    if (is_held && b->state != LIVE)
        revive(cx, b);
    else if (!is_held && b->state == LIVE)
        condemn(cx, b);
}

static void begin_life(struct skn_cx *cx, struct blob *b)
{
    b->is_there = true;
    b->born = skn_cx_stamp(cx);
    condemn(cx, b);
}

static void tell(struct skn_cx *cx, struct skn_slice to, const char *what, uint64_t number)
{
    skn_blob_tell(cx, skn_cx_address(cx), to, what, &number, 1);
}

/* The removal is an act on the world, so it is an intent: done again after a crash, until it is. */
static void remove_file(struct skn_cx *cx, struct blob *b)
{
    struct skn_buf effect;
    struct skn_builder *builder = skn_arena_alloc(skn_cx_arena(cx), sizeof *builder);
    struct skn_slice head = SKN_LIT(SKN_BLOB_DOMAIN);
    b->state = GONE;
    skn_buf_init(&effect, 256);
    skn_builder_init(builder, &effect);
    skn_build_map_begin(builder);
    skn_build_key(builder, SKN_LIT(SKN_BLOB_REMOVE));
    skn_build_string(builder, skn_slice_from(skn_cx_address(cx), head.len));
    skn_build_map_end(builder);
    enum skn_rc rc = skn_build_end(builder, NULL);
    SKN_ASSERT(rc == SKN_OK);
    uint8_t born[8];
    for (int i = 0; i < 8; i++)
        born[i] = (uint8_t)(b->born >> (8 * i));
    const struct skn_intent_spec spec = {.identity = skn_slice(born, sizeof born),
                                         .effect = skn_value_view(skn_buf_slice(&effect)),
                                         .policy = {.attempts = TRIES,
                                                    .backoff_ms = RETRY_MS,
                                                    .factor_milli = 2000,
                                                    .max_ms = RETRY_MAX_MS},
                                         .first_attempt = 1};
    (void)skn_cx_intent_start(cx, &spec);
    skn_buf_fini(&effect);
}

static void ask_all(struct skn_cx *cx, struct blob *b)
{
    uint32_t shards = cx->core->mail.shards;
    if (skn_bug(SKN_BUG_NOBODY_ASKED)) {
        remove_file(cx, b);
        return;
    }
    b->state = ASKING;
    b->round = skn_cx_stamp(cx);
    b->missing = shards;
    for (uint32_t i = 0; i < shards; i++)
        tell(cx, skn_blob_leases(skn_cx_arena(cx), i, shards), "ask", b->round);
}

/* Time counts only where the node ran from one tick to the next. */
static void tick(struct skn_cx *cx, struct blob *b)
{
    b->timer = 0; /* there is only one */
    if (b->state != CONDEMNED) return;
    if (b->epoch == skn_cx_epoch(cx) || skn_bug(SKN_BUG_REST_COUNTS)) b->ticks++;
    if (b->ticks >= SKN_BLOB_TICKS)
        ask_all(cx, b);
    else
        arm(cx, b);
}

/* --- what shards say --------------------------------------------------------------------------------------- */

static void ref(struct skn_cx *cx,
                struct blob *b,
                const struct skn_message *m,
                uint32_t shard,
                const struct skn_blob_note *note)
{
    if (!b->is_there) begin_life(cx, b);
    if (b->size == 0) b->size = note->size;
    bool waits = b->state == GONE && !skn_bug(SKN_BUG_REF_IN_REMOVAL);
    struct skn_slice key = shard_key(cx, waits ? 'w' : 'h', shard);
    if (!has(cx, key)) ++*(waits ? &b->waiting : &b->holders);
    put_ticket(cx, key, note->number);
    if (waits) return;
    tell(cx, m->sender, "leased", note->number);
    settle(cx, b);
}

static void unref(struct skn_cx *cx, struct blob *b, const struct skn_message *m, uint32_t shard)
{
    struct skn_slice held = shard_key(cx, 'h', shard), waits = shard_key(cx, 'w', shard), ticket;
    if (!b->is_there) return;
    if (skn_cx_get(cx, waits, &ticket) == SKN_OK) {
        struct skn_cursor cursor = skn_cursor(ticket);
        tell(cx, m->sender, "leased", skn_cursor_le64(&cursor)); /* or its lease would stay */
        skn_cx_delete(cx, waits);
        b->waiting--;
    } else if (has(cx, held)) {
        skn_cx_delete(cx, held);
        b->holders--;
        if (b->state != GONE) settle(cx, b);
    }
}

static void answered(struct skn_cx *cx, struct blob *b, const struct skn_blob_note *note, bool held)
{
    if (b->state != ASKING || note->number != b->round) return; /* of another round */
    if (held)
        condemn(cx, b);
    else if (--b->missing == 0)
        remove_file(cx, b);
}

static void hear(struct skn_cx *cx, struct blob *b, const struct skn_message *m)
{
    struct skn_blob_note note;
    uint32_t shard;
    bool is_ours = skn_blob_leases_shard(m->sender, cx->core->mail.shards, &shard) &&
                   skn_blob_note_read(m->payload, &note);
    if (!is_ours) return;
    if (skn_slice_eq(m->name, SKN_LIT("ref")))
        ref(cx, b, m, shard, &note);
    else if (skn_slice_eq(m->name, SKN_LIT("unref")))
        unref(cx, b, m, shard);
    else
        answered(cx, b, &note, skn_slice_eq(m->name, SKN_LIT("held")));
}

/* --- the removal is done -------------------------------------------------------------------------------------- */

/* Refs that came meanwhile name a content that is not there; they count all the same. */
static enum skn_rc take_waiting(struct skn_cx *cx, struct blob *b)
{
    uint32_t shards = cx->core->mail.shards;
    for (struct skn_row row; b->waiting > 0; b->waiting--) {
        enum skn_rc rc = skn_cx_next(cx, SKN_LIT("w"), SKN_LIT("w"), &row);
        if (rc != SKN_OK) return rc;
        struct skn_cursor key = skn_cursor(skn_slice_from(row.key, 1));
        struct skn_cursor value = skn_cursor(row.value);
        uint32_t shard = (uint32_t)skn_cursor_be(&key, 4);
        uint64_t ticket = skn_cursor_le64(&value);
        skn_cx_delete(cx, shard_key(cx, 'w', shard));
        put_ticket(cx, shard_key(cx, 'h', shard), ticket);
        b->holders++;
        tell(cx, skn_blob_leases(skn_cx_arena(cx), shard, shards), "leased", ticket);
    }
    return SKN_OK;
}

static enum skn_rc removed(struct skn_cx *cx, struct blob *b, const struct skn_message *m)
{
    if (!m->is_final || b->state != GONE) return SKN_OK;
    bool is_done = m->status == SKN_ATTEMPT_SUCCESS;
    b->is_stored = b->is_stored && !is_done;
    if (is_done && b->waiting == 0 && b->holders == 0) {
        skn_cx_delete(cx, STATE_KEY);
        skn_cx_end(cx);
        b->is_there = false;
        return SKN_OK;
    }
    begin_life(cx, b);
    enum skn_rc rc = take_waiting(cx, b);
    settle(cx, b);
    return rc;
}

/* --- requests ---------------------------------------------------------------------------------------------------- */

static const char *name_of(enum blob_state state)
{
    static const char *const names[] = {"", "live", "condemned", "asking", "gone"};
    return names[state];
}

static void answer(struct skn_cx *cx, const struct blob *b)
{
    struct skn_buf *out = skn_cx_scratch(cx);
    struct skn_builder *builder = skn_arena_alloc(skn_cx_arena(cx), sizeof *builder);
    skn_builder_init(builder, out);
    skn_build_map_begin(builder);
    skn_build_key(builder, SKN_LIT("state"));
    skn_build_str(builder, name_of(b->state));
    skn_build_key(builder, SKN_LIT("pinned"));
    skn_build_bool(builder, b->is_pinned);
    skn_build_key(builder, SKN_LIT("stored"));
    skn_build_bool(builder, b->is_stored);
    skn_build_key(builder, SKN_LIT("size"));
    skn_build_int(builder, (int64_t)b->size);
    skn_build_key(builder, SKN_LIT("born"));
    skn_build_int(builder, (int64_t)b->born);
    skn_build_key(builder, SKN_LIT("holders"));
    skn_build_int(builder, b->holders);
    skn_build_map_end(builder);
    enum skn_rc rc = skn_build_end(builder, NULL);
    SKN_ASSERT(rc == SKN_OK);
    skn_cx_reply(cx, skn_value_view(skn_arena_dup(skn_cx_arena(cx), skn_buf_slice(out))));
}

static bool begin(struct skn_cx *cx, struct blob *b)
{
    if (b->state == GONE) {
        skn_cx_refuse(cx, SKN_EBUSY, "the content is being removed: try again");
        return false;
    }
    if (!b->is_there)
        begin_life(cx, b);
    else if (b->state != LIVE)
        condemn(cx, b);
    return true;
}

/* The file is there. In another life of the domain it may have been removed again. */
static bool stored(struct skn_cx *cx, struct blob *b, const struct skn_message *m)
{
    struct skn_blob_note note;
    bool is_ours = skn_blob_note_read(m->payload, &note) && b->is_there && b->state != GONE &&
                   note.number == b->born;
    if (!is_ours) {
        skn_cx_refuse(cx, SKN_EGONE, "it took too long: the content is to be stored again");
        return false;
    }
    b->is_stored = true;
    b->is_pinned = true;
    b->size = note.size;
    settle(cx, b);
    return true;
}

static bool pin(struct skn_cx *cx, struct blob *b, bool is_pinned)
{
    if (!b->is_there || (is_pinned && (!b->is_stored || b->state == GONE))) {
        skn_cx_refuse(cx, SKN_ENOENT, "there is no such blob");
        return false;
    }
    b->is_pinned = is_pinned;
    if (b->state != GONE) settle(cx, b);
    return true;
}

/* True: its row changed. */
static bool requested(struct skn_cx *cx, struct blob *b, const struct skn_message *m)
{
    bool changed;
    if (skn_slice_eq(m->name, SKN_LIT("begin")))
        changed = begin(cx, b);
    else if (skn_slice_eq(m->name, SKN_LIT("stored")))
        changed = stored(cx, b, m);
    else if (skn_slice_eq(m->name, SKN_LIT("pin")))
        changed = pin(cx, b, true);
    else if (skn_slice_eq(m->name, SKN_LIT("unpin")))
        changed = pin(cx, b, false);
    else if (!skn_slice_eq(m->name, SKN_LIT("get"))) {
        skn_cx_refuse(cx, SKN_EARGS, "a blob answers begin, stored, pin, unpin and get");
        return false;
    } else if (!b->is_there) {
        skn_cx_refuse(cx, SKN_ENOENT, "there is no such blob");
        return false;
    } else {
        answer(cx, b);
        return false;
    }
    if (changed) answer(cx, b);
    return changed;
}

static enum skn_rc
handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    struct blob b;
    enum skn_rc rc = load(cx, &b, diag);
    if (rc != SKN_OK) return rc;
    if (m->kind == SKN_MESSAGE_REQUEST && !requested(cx, &b, m)) return skn_cx_rc(cx);
    if (m->kind == SKN_MESSAGE_TIMER) tick(cx, &b);
    if (m->kind == SKN_MESSAGE_SEND) hear(cx, &b, m);
    if (m->kind == SKN_MESSAGE_ATTEMPT) rc = removed(cx, &b, m);
    if (b.is_there && rc == SKN_OK) put(cx, &b);
    return skn_cx_rc(cx) != SKN_OK ? skn_cx_rc(cx) : rc;
}

const struct skn_program skn_blob_program = {.type = "Blob", .module = 1, .handle = handle};

enum skn_rc skn_look_blob(struct skn_store *store,
                          struct skn_slice address,
                          struct skn_look_blob *out,
                          struct skn_diag *diag)
{
    struct skn_slice bytes;
    struct blob b;
    *out = (struct skn_look_blob){0};
    if (!skn_blob_hash_in(address, out->hash)) return SKN_ENOENT;
    enum skn_rc rc = skn_core_get(store, address, STATE_KEY, &bytes, diag);
    if (rc == SKN_OK) rc = read_row(bytes, &b, diag);
    if (rc != SKN_OK) return rc;
    out->state = name_of(b.state);
    out->is_going = b.state == GONE;
    out->is_condemned = b.state == CONDEMNED || b.state == ASKING;
    out->is_pinned = b.is_pinned;
    out->is_stored = b.is_stored;
    out->holders = b.holders;
    out->size = b.size;
    out->ticks = b.ticks;
    return SKN_OK;
}
