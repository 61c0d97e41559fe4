/* limiter.c - the domains that give places: a program of the engine's own. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/cursor.h"
#include "core/core_internal.h"
#include "core/limiter_internal.h"

#include "base/pure.h"

enum { LEVEL = 1, GIVE_AT_ONCE = 64, KEY_HEAD = 17, ACQUIRE_INTS = 6, NOTE_INTS = 3 };

#define STATE_KEY SKN_LIT("c")

struct limiter {
    uint32_t places;
    struct skn_pace pace;
    uint32_t held;
    uint32_t waiting[SKN_PRIORITIES];
    uint8_t streak[SKN_PRIORITIES]; /* picked in a row (DESIGN 3.1) */
    uint64_t used_ms;               /* somebody needed it */
    uint64_t timer;                 /* its number and 1; 0: none is set */
    uint64_t timer_ms;
    bool is_there; /* it has a row */
};

/* --- its row ----------------------------------------------------------------------------------------- */

static void put(struct skn_cx *cx, const struct limiter *l)
{
    struct skn_buf *out = skn_cx_scratch(cx);
    skn_buf_put_u8(out, LEVEL);
    skn_buf_put_le32(out, l->places);
    skn_buf_put_le32(out, l->pace.rate);
    skn_buf_put_le32(out, l->pace.burst);
    skn_buf_put_le64(out, l->pace.rate_ms);
    skn_buf_put_le64(out, l->pace.at_ms);
    skn_buf_put_le32(out, l->pace.at_part);
    skn_buf_put_le32(out, l->held);
    for (unsigned i = 0; i < SKN_PRIORITIES; i++)
        skn_buf_put_le32(out, l->waiting[i]);
    skn_buf_put(out, skn_slice(l->streak, sizeof l->streak));
    skn_buf_put_le64(out, l->used_ms);
    skn_buf_put_le64(out, l->timer);
    skn_buf_put_le64(out, l->timer_ms);
    skn_cx_put(cx, STATE_KEY, skn_buf_slice(out));
}

static enum skn_rc load(struct skn_cx *cx, struct limiter *l, struct skn_diag *diag)
{
    struct skn_slice bytes;
    *l = (struct limiter){.pace = {.burst = 1}};
    enum skn_rc rc = skn_cx_get(cx, STATE_KEY, &bytes);
    if (rc != SKN_OK) return rc == SKN_ENOENT ? SKN_OK : rc;
    struct skn_cursor cursor = skn_cursor(bytes);
    uint8_t level = skn_cursor_u8(&cursor);
    l->is_there = true;
    l->places = skn_cursor_le32(&cursor);
    l->pace.rate = skn_cursor_le32(&cursor);
    l->pace.burst = skn_cursor_le32(&cursor);
    l->pace.rate_ms = skn_cursor_le64(&cursor);
    l->pace.at_ms = skn_cursor_le64(&cursor);
    l->pace.at_part = skn_cursor_le32(&cursor);
    l->held = skn_cursor_le32(&cursor);
    for (unsigned i = 0; i < SKN_PRIORITIES; i++)
        l->waiting[i] = skn_cursor_le32(&cursor);
    struct skn_slice streak = skn_cursor_bytes(&cursor, sizeof l->streak);
    if (streak.len > 0) memcpy(l->streak, streak.ptr, streak.len);
    l->used_ms = skn_cursor_le64(&cursor);
    l->timer = skn_cursor_le64(&cursor);
    l->timer_ms = skn_cursor_le64(&cursor);
    if (level == LEVEL && skn_cursor_is_done(&cursor) && l->pace.burst > 0) return SKN_OK;
    return SKN_CORRUPT(diag, "the row of a limiter is malformed");
}

static void put_be64(uint8_t *at, uint64_t n)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(n >> (56 - 8 * i));
}

/* "h" or "q" and a priority, then ticket, number, holder. */
static struct skn_slice key_of(struct skn_cx *cx,
                               const char *kind,
                               enum skn_priority priority,
                               struct skn_slice holder,
                               const struct skn_limit_note *note)
{
    bool waits = kind[0] == 'q';
    uint8_t *bytes = skn_arena_alloc(skn_cx_arena(cx), KEY_HEAD + 1 + holder.len), *at = bytes;
    *at++ = (uint8_t)kind[0];
    if (waits) *at++ = (uint8_t)priority;
    put_be64(at, note->ticket);
    put_be64(at + 8, note->number);
    memcpy(at + 16, holder.ptr, holder.len);
    return skn_slice(bytes, (size_t)(at - bytes) + 16 + holder.len);
}

static bool has(struct skn_cx *cx, struct skn_slice key)
{
    struct skn_slice bytes;
    return skn_cx_get(cx, key, &bytes) == SKN_OK;
}

/* --- giving ------------------------------------------------------------------------------------------ */

static uint32_t lanes_of(const struct limiter *l)
{
    uint32_t lanes = 0;
    for (unsigned i = 0; i < SKN_PRIORITIES; i++)
        if (l->waiting[i] > 0) lanes |= 1U << i;
    return lanes;
}

static uint64_t all_waiting(const struct limiter *l)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < SKN_PRIORITIES; i++)
        n += l->waiting[i];
    return n;
}

static bool has_place(const struct limiter *l)
{
    uint32_t more = skn_bug(SKN_BUG_PLACE_TOO_MANY) ? 1 : 0;
    return l->places == 0 || l->held < l->places + more;
}

static void tell_holder(struct skn_cx *cx,
                        struct skn_slice holder,
                        enum skn_priority priority,
                        const struct skn_limit_note *note,
                        bool is_given);

/* The first who waits in a lane has a place now. */
static enum skn_rc
give(struct skn_cx *cx, struct limiter *l, enum skn_priority lane, struct skn_diag *diag)
{
    const uint8_t prefix[] = {'q', (uint8_t)lane};
    struct skn_row row;
    enum skn_rc rc = skn_cx_next(cx, skn_slice(prefix, 2), skn_slice(prefix, 2), &row);
    if (rc == SKN_ENOENT || (rc == SKN_OK && row.key.len <= KEY_HEAD + 1))
        return SKN_CORRUPT(diag, "fewer wait at a limiter than its row says");
    if (rc != SKN_OK) return rc;
    struct skn_slice key = skn_arena_dup(skn_cx_arena(cx), row.key);
    struct skn_cursor cursor = skn_cursor(skn_slice_from(key, 2));
    struct skn_limit_note note = {.ticket = skn_cursor_be(&cursor, 8)};
    note.number = skn_cursor_be(&cursor, 8);
    struct skn_slice holder = cursor.rest;
    skn_cx_delete(cx, key);
    l->waiting[lane]--;
    if (!skn_program_find(cx->core, holder))
        return skn_cx_rc(cx); /* of a version that is no more */
    if (l->places > 0) {
        uint8_t stamp[8];
        put_be64(stamp, skn_cx_stamp(cx));
        skn_cx_put(cx, key_of(cx, "h", lane, holder, &note), skn_slice(stamp, sizeof stamp));
        l->held++;
    }
    skn_pace_take(&l->pace, skn_cx_now_ms(cx));
    tell_holder(cx, holder, lane, &note, true);
    return skn_cx_rc(cx);
}

/* Its timer is to fire by then at the latest; one that fires earlier sets it again. */
static void wake_by(struct skn_cx *cx, struct limiter *l, uint64_t due_ms)
{
    if (l->timer > 0 && l->timer_ms <= due_ms) return;
    if (l->timer > 0) skn_cx_timer_cancel(cx, l->timer - 1);
    l->timer = skn_cx_timer_set(cx, due_ms, (struct skn_slice){0}) + 1;
    l->timer_ms = due_ms;
}

/* Gives what there is, and says when it goes on by itself. */
static enum skn_rc give_all(struct skn_cx *cx, struct limiter *l, struct skn_diag *diag)
{
    uint64_t now_ms = skn_cx_now_ms(cx);
    for (int given = 0;; given++) {
        uint32_t lanes = lanes_of(l);
        if (lanes == 0 || !has_place(l)) return SKN_OK;
        uint64_t next_ms = skn_pace_next_ms(&l->pace);
        if (skn_bug(SKN_BUG_START_TOO_EARLY)) next_ms -= next_ms > 0;
        if (given == GIVE_AT_ONCE && next_ms < now_ms) next_ms = now_ms;
        if (next_ms > now_ms || given == GIVE_AT_ONCE) {
            wake_by(cx, l, next_ms);
            return skn_cx_rc(cx);
        }
        enum skn_priority lane = (enum skn_priority)skn_turn_among(lanes, l->streak);
        enum skn_rc rc = give(cx, l, lane, diag);
        if (rc != SKN_OK) return rc;
    }
}

/* --- messages ---------------------------------------------------------------------------------------- */

static void acquire(struct skn_cx *cx,
                    struct limiter *l,
                    const struct skn_message *m,
                    struct skn_limit_note *note)
{
    struct skn_slice waits = key_of(cx, "q", m->priority, m->sender, note);
    /* A ticket is that of a slice that was: so it cannot be made up to be first for ever. */
    if (note->ticket > m->stamp || skn_limit_check(&note->limit) != SKN_OK) return;
    if (has(cx, waits) || has(cx, key_of(cx, "h", m->priority, m->sender, note))) return;
    if (all_waiting(l) >= cx->core->limits.limiter_waiting) {
        tell_holder(cx, m->sender, m->priority, note, false);
        return;
    }
    l->places = note->limit.places;
    skn_pace_set(&l->pace, note->limit.rate, note->limit.burst, note->limit.rate_ms);
    l->is_there = true;
    l->waiting[m->priority]++;
    skn_cx_put(cx, waits, (struct skn_slice){0});
}

static void release(struct skn_cx *cx,
                    struct limiter *l,
                    const struct skn_message *m,
                    const struct skn_limit_note *note)
{
    struct skn_slice waits = key_of(cx, "q", m->priority, m->sender, note);
    struct skn_slice held = key_of(cx, "h", m->priority, m->sender, note);
    if (has(cx, held)) {
        skn_cx_delete(cx, held);
        l->held--;
    } else if (has(cx, waits)) {
        skn_cx_delete(cx, waits);
        l->waiting[m->priority]--;
    }
}

static void put_int(struct skn_builder *b, const char *name, uint64_t n)
{
    skn_build_key(b, skn_slice_str(name));
    skn_build_int(b, (int64_t)n);
}

static void answer(struct skn_cx *cx, const struct limiter *l, const struct skn_message *m)
{
    if (!skn_slice_eq(m->name, SKN_LIT("get"))) {
        skn_cx_refuse(cx, SKN_EARGS, "a limiter answers \"get\" only");
        return;
    }
    struct skn_buf *out = skn_cx_scratch(cx);
    struct skn_builder *b = skn_arena_alloc(skn_cx_arena(cx), sizeof *b);
    skn_builder_init(b, out);
    skn_build_map_begin(b);
    put_int(b, "places", l->places);
    put_int(b, "rate", l->pace.rate);
    put_int(b, "rate_ms", l->pace.rate_ms);
    put_int(b, "burst", l->pace.burst);
    put_int(b, "held", l->held);
    put_int(b, "waiting", all_waiting(l));
    skn_build_map_end(b);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    skn_cx_reply(cx, skn_value_view(skn_arena_dup(skn_cx_arena(cx), skn_buf_slice(out))));
}

/* True: the domain ends, since nobody has needed it for so long. */
static bool rest(struct skn_cx *cx, struct limiter *l)
{
    uint64_t until_ms = l->used_ms + cx->core->limits.limiter_idle_ms;
    if (l->held > 0 || all_waiting(l) > 0) return false;
    if (l->pace.rate > 0 && until_ms <= l->pace.at_ms) until_ms = l->pace.at_ms + 1;
    if (l->is_there && skn_cx_now_ms(cx) < until_ms) {
        wake_by(cx, l, until_ms);
        return false;
    }
    if (l->timer > 0) skn_cx_timer_cancel(cx, l->timer - 1);
    if (l->is_there) skn_cx_delete(cx, STATE_KEY);
    skn_cx_end(cx);
    return true;
}

static enum skn_rc
handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    struct limiter l;
    struct skn_limit_note note;
    enum skn_rc rc = load(cx, &l, diag);
    if (rc != SKN_OK) return rc;
    if (m->kind == SKN_MESSAGE_REQUEST) {
        answer(cx, &l, m);
        return skn_cx_rc(cx);
    }
    if (m->kind == SKN_MESSAGE_TIMER) l.timer = 0; /* there is only one */
    bool is_note = m->kind == SKN_MESSAGE_SEND && skn_limit_note_read(m->payload, &note);
    if (is_note && skn_slice_eq(m->name, SKN_LIT(SKN_LIMITER_ACQUIRE)))
        acquire(cx, &l, m, &note);
    else if (is_note && skn_slice_eq(m->name, SKN_LIT(SKN_LIMITER_RELEASE)))
        release(cx, &l, m, &note);
    if (is_note) l.used_ms = skn_cx_now_ms(cx);
    rc = give_all(cx, &l, diag);
    if (rc == SKN_OK && !rest(cx, &l)) put(cx, &l);
    return skn_cx_rc(cx) != SKN_OK ? skn_cx_rc(cx) : rc;
}

const struct skn_program skn_limiter_program = {.type = "Limit", .module = 1, .handle = handle};

bool skn_limiter_is(struct skn_slice address)
{
    struct skn_slice scope = SKN_LIT(SKN_LIMITER_SCOPE);
    return address.len > scope.len && skn_slice_has_prefix(address, scope);
}

/* --- what is sent ------------------------------------------------------------------------------------ */

enum skn_rc skn_limit_check(const struct skn_limit *limit)
{
    bool fits = limit->key.len <= SKN_LIMIT_KEY_MAX &&
                (limit->key.len == 0 || !memchr(limit->key.ptr, 0, limit->key.len)) &&
                limit->places <= SKN_LIMIT_MAX && limit->rate <= SKN_LIMIT_MAX &&
                limit->burst <= SKN_LIMIT_MAX && limit->rate_ms <= SKN_LIMIT_PERIOD_MAX &&
                (limit->rate == 0 || limit->rate_ms > 0) && limit->priority < SKN_PRIORITIES;
    return fits ? SKN_OK : SKN_EARGS;
}

bool skn_limit_note_read(struct skn_value payload, struct skn_limit_note *out)
{
    int64_t n[ACQUIRE_INTS] = {0};
    struct skn_value_iter iter = skn_value_iter(payload);
    struct skn_value v;
    size_t count = 0;
    if (!skn_value_is(payload, SKN_T_LIST)) return false;
    for (; count < ACQUIRE_INTS && skn_value_next(&iter, NULL, &v); count++) {
        if (!skn_value_is(v, SKN_T_INT) || skn_value_as_int(v) < 0) return false;
        n[count] = skn_value_as_int(v);
    }
    if (count < 2 || skn_value_next(&iter, NULL, &v)) return false;
    for (size_t i = 2; i < ACQUIRE_INTS; i++)
        if (n[i] > SKN_LIMIT_PERIOD_MAX) return false;
    *out = (struct skn_limit_note){.number = (uint64_t)n[0],
                                   .ticket = (uint64_t)n[1],
                                   .limit = {.places = (uint32_t)n[2],
                                             .rate = (uint32_t)n[3],
                                             .burst = (uint32_t)n[4],
                                             .rate_ms = (uint64_t)n[5]},
                                   .is_given = n[2] == 1};
    return true;
}

static void send(struct skn_cx *cx,
                 struct skn_slice to,
                 enum skn_priority priority,
                 const char *name,
                 const uint64_t *numbers,
                 size_t count)
{
    struct skn_buf out;
    struct skn_builder *b = skn_arena_alloc(skn_cx_arena(cx), sizeof *b);
    skn_buf_init(&out, 256);
    skn_builder_init(b, &out);
    skn_build_list_begin(b);
    for (size_t i = 0; i < count; i++)
        skn_build_int(b, (int64_t)numbers[i]);
    skn_build_list_end(b);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    skn_mail_send(cx, to, priority, skn_slice_str(name), skn_value_view(skn_buf_slice(&out)));
    skn_buf_fini(&out);
}

static void tell_holder(struct skn_cx *cx,
                        struct skn_slice holder,
                        enum skn_priority priority,
                        const struct skn_limit_note *note,
                        bool is_given)
{
    const uint64_t numbers[NOTE_INTS] = {note->number, note->ticket, is_given};
    send(cx,
         skn_arena_dup(skn_cx_arena(cx), holder),
         priority,
         SKN_LIMITER_GIVEN,
         numbers,
         NOTE_INTS);
}

void skn_limiter_tell(struct skn_cx *cx,
                      const char *what,
                      const struct skn_limit *limit,
                      uint64_t number,
                      uint64_t ticket)
{
    const uint64_t numbers[ACQUIRE_INTS] = {
        number, ticket, limit->places, limit->rate, limit->burst, limit->rate_ms};
    const char *address =
        skn_arena_printf(skn_cx_arena(cx), SKN_LIMITER_SCOPE "%.*s", SKN_FMT(limit->key));
    bool asks = strcmp(what, SKN_LIMITER_ACQUIRE) == 0;
    send(cx, skn_slice_str(address), limit->priority, what, numbers, asks ? ACQUIRE_INTS : 2);
}

void skn_limiter_give_back(struct skn_cx *cx,
                           struct skn_slice limiter,
                           enum skn_priority priority,
                           const struct skn_limit_note *note)
{
    const uint64_t numbers[] = {note->number, note->ticket};
    send(cx, limiter, priority, SKN_LIMITER_RELEASE, numbers, 2);
}
