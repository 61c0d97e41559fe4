/* history.c - an event of a history as one line, and back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/history.h"

#include "base/buf.h"

#include <inttypes.h>

#include "base/pure.h"

static const char *const names[SKN_HISTORY_KINDS] = {
    [SKN_HISTORY_OPEN] = "open",       [SKN_HISTORY_CRASH] = "crash",
    [SKN_HISTORY_REQUEST] = "request", [SKN_HISTORY_REPLY] = "reply",
    [SKN_HISTORY_PERFORM] = "perform", [SKN_HISTORY_EFFECT] = "effect",
    [SKN_HISTORY_RESULT] = "result",   [SKN_HISTORY_SETTLED] = "settled",
    [SKN_HISTORY_FIRED] = "fired",     [SKN_HISTORY_CLOCK] = "clock",
    [SKN_HISTORY_OBSERVE] = "observe", [SKN_HISTORY_RUN] = "run",
    [SKN_HISTORY_ATTEMPT] = "attempt", [SKN_HISTORY_JOB] = "job",
    [SKN_HISTORY_ENTRY] = "entry",     [SKN_HISTORY_TOTAL] = "total",
    [SKN_HISTORY_SENT] = "sent",       [SKN_HISTORY_RECEIVED] = "received",
    [SKN_HISTORY_TIMER] = "timer",     [SKN_HISTORY_DEAD] = "dead",
    [SKN_HISTORY_MAIL] = "mail",       [SKN_HISTORY_GIVEN] = "given",
    [SKN_HISTORY_PLACE] = "place",     [SKN_HISTORY_OBSERVED] = "observed",
    [SKN_HISTORY_END] = "end",         [SKN_HISTORY_THEN] = "then",
};

/* --- printing ------------------------------------------------------------------------------------ */

static void put_text(const char *name, struct skn_slice text, struct skn_buf *out)
{
    static const char hex[] = "0123456789abcdef";
    if (text.len == 0) return;
    skn_buf_put_u8(out, ' ');
    skn_buf_put_str(out, name);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c > 0x20 && c != '%' && c != 0x7f) {
            skn_buf_put_u8(out, c);
            continue;
        }
        skn_buf_put_u8(out, '%');
        skn_buf_put_u8(out, (uint8_t)hex[c >> 4]);
        skn_buf_put_u8(out, (uint8_t)hex[c & 15]);
    }
}

static void put_number(const char *name, uint64_t n, struct skn_buf *out)
{
    if (n != 0) skn_buf_printf(out, " %s%" PRIu64, name, n);
}

static void put_hash(const char *name, uint64_t n, struct skn_buf *out)
{
    if (n != 0) skn_buf_printf(out, " %s%" PRIx64, name, n);
}

static void put_flag(const char *name, bool is_set, struct skn_buf *out)
{
    if (!is_set) return;
    skn_buf_put_u8(out, ' ');
    skn_buf_put_str(out, name);
}

void skn_history_print(const struct skn_history_event *e, struct skn_buf *out)
{
    static const uint8_t no_key[SKN_HISTORY_KEY_BYTES];
    skn_buf_put_str(out, names[e->kind]);
    put_number("at=", e->at_ms, out);
    put_text("dom=", e->domain, out);
    put_text("id=", e->id, out);
    put_text("name=", e->name, out);
    if (memcmp(e->key, no_key, sizeof no_key) != 0) {
        skn_buf_put_str(out, " key=");
        for (size_t i = 0; i < sizeof e->key; i++)
            skn_buf_printf(out, "%02x", e->key[i]);
    }
    put_number("context=", e->context, out);
    put_number("attempt=", e->attempt, out);
    put_number("epoch=", e->epoch, out);
    put_number("count=", e->count, out);
    put_hash("hash=", e->hash, out);
    put_hash("answer=", e->answer, out);
    if (e->amount != 0) skn_buf_printf(out, " amount=%" PRId64, e->amount);
    if (e->rc != SKN_OK) skn_buf_printf(out, " rc=%s", skn_rc_info(e->rc)->name);
    put_flag("success", e->is_success, out);
    put_flag("stale", e->is_stale, out);
    put_flag("over", e->is_over, out);
    put_flag("leak", e->is_leaking, out);
}

/* --- reading ------------------------------------------------------------------------------------- */

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

static bool get_text(struct skn_slice from, struct skn_arena *arena, struct skn_slice *out)
{
    uint8_t *to = skn_arena_zero(arena, from.len + 1, 1);
    size_t len = 0;
    for (size_t i = 0; i < from.len; i++) {
        to[len] = from.ptr[i];
        if (from.ptr[i] == '%') {
            if (from.len - i < 3) return false;
            int a = hex_digit(from.ptr[i + 1]), b = hex_digit(from.ptr[i + 2]);
            if (a < 0 || b < 0) return false;
            to[len] = (uint8_t)(a << 4 | b);
            i += 2;
        }
        len++;
    }
    *out = skn_slice(to, len);
    return true;
}

static bool get_number(struct skn_slice from, unsigned base, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;
    if (from.len == 0) return false;
    for (size_t i = 0; i < from.len; i++) {
        int digit = hex_digit(from.ptr[i]);
        if (digit < 0 || (unsigned)digit >= base) return false;
        if (n > (max - (uint64_t)digit) / base) return false;
        n = n * base + (uint64_t)digit;
    }
    *out = n;
    return true;
}

static bool get_amount(struct skn_slice from, int64_t *out)
{
    bool is_negative = from.len > 0 && from.ptr[0] == '-';
    uint64_t n = 0;
    if (!get_number(skn_slice_from(from, is_negative), 10, INT64_MAX, &n)) return false;
    *out = is_negative ? -(int64_t)n : (int64_t)n;
    return true;
}

static bool get_key(struct skn_slice from, uint8_t out[SKN_HISTORY_KEY_BYTES])
{
    if (from.len != (size_t)2 * SKN_HISTORY_KEY_BYTES) return false;
    for (size_t i = 0; i < SKN_HISTORY_KEY_BYTES; i++) {
        int a = hex_digit(from.ptr[2 * i]), b = hex_digit(from.ptr[2 * i + 1]);
        if (a < 0 || b < 0) return false;
        out[i] = (uint8_t)(a << 4 | b);
    }
    return true;
}

static bool get_rc(struct skn_slice from, enum skn_rc *out)
{
    char name[64];
    if (from.len == 0 || from.len >= sizeof name) return false;
    memcpy(name, from.ptr, from.len);
    name[from.len] = '\0';
    *out = skn_rc_by_name(name);
    return *out != SKN_EINTERNAL || strcmp(name, skn_rc_info(SKN_EINTERNAL)->name) == 0;
}

static bool is(struct skn_slice a, const char *b)
{
    return skn_slice_eq(a, skn_slice_str(b));
}

static bool get_member(struct skn_slice name,
                       struct skn_slice value,
                       struct skn_arena *arena,
                       struct skn_history_event *out)
{
    uint64_t small = 0;
    if (is(name, "at")) return get_number(value, 10, UINT64_MAX, &out->at_ms);
    if (is(name, "dom")) return get_text(value, arena, &out->domain);
    if (is(name, "id")) return get_text(value, arena, &out->id);
    if (is(name, "name")) return get_text(value, arena, &out->name);
    if (is(name, "key")) return get_key(value, out->key);
    if (is(name, "count")) return get_number(value, 10, UINT64_MAX, &out->count);
    if (is(name, "epoch")) return get_number(value, 10, UINT64_MAX, &out->epoch);
    if (is(name, "hash")) return get_number(value, 16, UINT64_MAX, &out->hash);
    if (is(name, "answer")) return get_number(value, 16, UINT64_MAX, &out->answer);
    if (is(name, "amount")) return get_amount(value, &out->amount);
    if (is(name, "rc")) return get_rc(value, &out->rc);
    bool is_attempt = is(name, "attempt");
    if (!is_attempt && !is(name, "context")) return false;
    if (!get_number(value, 10, UINT32_MAX, &small)) return false;
    *(is_attempt ? &out->attempt : &out->context) = (uint32_t)small;
    return true;
}

static bool get_flag(struct skn_slice name, struct skn_history_event *out)
{
    bool *flag = is(name, "success") ? &out->is_success
                 : is(name, "stale") ? &out->is_stale
                 : is(name, "over")  ? &out->is_over
                 : is(name, "leak")  ? &out->is_leaking
                                     : NULL;
    if (flag) *flag = true;
    return flag != NULL;
}

/* The next word, taken off `rest`. */
static struct skn_slice next_word(struct skn_slice *rest)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->ptr, ' ', rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->ptr) : rest->len;
    struct skn_slice word = skn_slice(rest->ptr, len);
    *rest = skn_slice_from(*rest, end ? len + 1 : len);
    return word;
}

enum skn_rc skn_history_parse(struct skn_slice line,
                              struct skn_arena *arena,
                              struct skn_history_event *out,
                              struct skn_diag *diag)
{
    if (line.len == 0 || line.ptr[0] == '#') return SKN_ENOENT;
    struct skn_slice rest = line, word = next_word(&rest);
    size_t kind = 0;
    while (kind < SKN_HISTORY_KINDS && !is(word, names[kind]))
        kind++;
    if (kind == SKN_HISTORY_KINDS)
        return SKN_FAIL(diag, SKN_ESYNTAX, "\"%.*s\" is no kind of event", SKN_FMT(word));
    *out = (struct skn_history_event){.kind = (enum skn_history_kind)kind};
    while (rest.len > 0) {
        word = next_word(&rest);
        size_t len = 0;
        while (len < word.len && word.ptr[len] != '=')
            len++;
        struct skn_slice name = skn_slice(word.ptr, len);
        bool is_good = len < word.len ? get_member(name, skn_slice_from(word, len + 1), arena, out)
                                      : get_flag(name, out);
        if (!is_good)
            return SKN_FAIL(diag, SKN_ESYNTAX, "\"%.*s\" is no member of an event", SKN_FMT(word));
    }
    return SKN_OK;
}
