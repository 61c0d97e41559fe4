/* hog.c - Hog: uses up a budget of its slice, faults, or runs a program. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dev/dev.h"

#include "dev/dev_internal.h"
#include "flow/flow.h"

#include "base/pure.h"

/* Rows: "handled" messages that did not fault, "results" of intents, "last" how the last one ended,
 * "started" attempts that a limiter gave a place, or that came after a delay. */
enum { ARGS_MAX = 100, TIMEOUT_MAX_MS = 24 * 60 * 60 * 1000, ATTEMPTS_MAX = 100 };

#define HANDLED SKN_LIT("handled")
#define RESULTS SKN_LIT("results")
#define STARTED SKN_LIT("started")

/* --- burn: each of these goes on until the core says no ------------------------------------------ */

static void burn_gas(struct skn_cx *cx)
{
    while (skn_cx_rc(cx) == SKN_OK)
        (void)dev_row_get(cx, HANDLED);
}

static void burn_rows(struct skn_cx *cx)
{
    for (uint32_t i = 0; skn_cx_rc(cx) == SKN_OK; i++)
        dev_row_put(cx, skn_slice_str(skn_arena_printf(skn_cx_arena(cx), "b%08u", i)), i);
}

static void burn_bytes(struct skn_cx *cx, size_t size, bool as_message)
{
    uint8_t *bytes = skn_arena_zero(skn_cx_arena(cx), size, 1);
    for (uint32_t i = 0; skn_cx_rc(cx) == SKN_OK; i++) {
        if (as_message) {
            struct skn_value v = skn_value_bytes(skn_slice(bytes, size));
            skn_cx_send(cx, skn_cx_address(cx), SKN_PRIORITY_NORMAL, SKN_LIT("get"), v);
        } else {
            const char *key = skn_arena_printf(skn_cx_arena(cx), "b%08u", i);
            skn_cx_put(cx, skn_slice_str(key), skn_slice(bytes, size));
        }
    }
}

static enum skn_rc burn(struct skn_cx *cx, const struct skn_message *message)
{
    struct skn_slice what;
    if (!dev_text(message->payload, "what", 16, &what)) what = SKN_LIT("");
    if (dev_is(what, "gas"))
        burn_gas(cx);
    else if (dev_is(what, "rows"))
        burn_rows(cx);
    else if (dev_is(what, "memory"))
        burn_bytes(cx, SKN_ROW_MAX - 1, false);
    else if (dev_is(what, "row"))
        burn_bytes(cx, SKN_ROW_MAX + 1, false);
    else if (dev_is(what, "message"))
        burn_bytes(cx, SKN_ROW_MAX + 1, true);
    else
        return dev_refuse(cx, message, "{what: gas, rows, memory, row or message}");
    return skn_cx_rc(cx);
}

/* --- the rest -------------------------------------------------------------------------------------- */

static enum skn_rc done(struct skn_cx *cx, struct skn_value answer, struct skn_diag *diag)
{
    int64_t handled;
    enum skn_rc rc = dev_row_add(cx, HANDLED, 1, &handled, diag);
    if (rc != SKN_OK) return rc;
    skn_cx_reply(cx, answer);
    return skn_cx_rc(cx);
}

/* "Repaired" by nothing but the clock, so that the same message faults before and not after. */
static enum skn_rc
fault(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    int64_t until;
    if (!dev_int(message->payload, "until", 0, INT64_MAX, INT64_MAX, &until))
        return dev_refuse(cx, message, "{until: milliseconds since 1970}");
    if (skn_cx_now_ms(cx) < (uint64_t)until)
        return SKN_FAIL(diag, SKN_EFAULT, "a Hog faults when it is told to");
    return done(cx, skn_value_bool(true), diag);
}

/* `argv` as a list of texts; `true` when there is none. */
static bool build_argv(struct skn_builder *b, struct skn_value argv)
{
    struct skn_value_iter iter = skn_value_iter(argv);
    struct skn_value arg;
    bool fits = skn_value_is(argv, SKN_T_NONE) || skn_value_is(argv, SKN_T_LIST);
    skn_build_list_begin(b);
    if (skn_value_count(argv) == 0) skn_build_str(b, "true");
    for (int n = 0; skn_value_next(&iter, NULL, &arg); n++) {
        bool is_text = n < ARGS_MAX && skn_value_is(arg, SKN_T_STRING) &&
                       !memchr(skn_value_as_text(arg).ptr, 0, skn_value_as_text(arg).len);
        fits = fits && is_text;
        if (is_text) skn_build_value(b, arg); /* nothing else, it may be too deep */
    }
    skn_build_list_end(b);
    return fits;
}

#ifdef SKN_DEBUG
/* Each call needs the one below it: a stack is used up, not a register. */
static uint64_t sink(volatile uint8_t *above, uint64_t depth)
{
    volatile uint8_t bytes[4096];
    bytes[0] = above ? above[0] : 1;
    uint64_t below = depth == UINT64_MAX ? 0 : sink(bytes, depth + 1);
    return below + bytes[0];
}

/* Ends the node, until the clock has "repaired" it; with `mail`, as mail of its own. */
static enum skn_rc
crash(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    int64_t until = 0, mail = 0;
    struct skn_slice how;
    bool fits = dev_text(message->payload, "how", 16, &how) &&
                dev_int(message->payload, "until", 0, INT64_MAX, INT64_MAX, &until) &&
                dev_int(message->payload, "mail", 0, 1, 0, &mail);
    if (!fits)
        return dev_refuse(cx, message, "{how: null, assert, stack or hang, until: ms, mail: 1}");
    if (mail && message->kind == SKN_MESSAGE_REQUEST) {
        skn_cx_send(cx, skn_cx_address(cx), message->priority, message->name, message->payload);
        return skn_cx_rc(cx);
    }
    if (skn_cx_now_ms(cx) >= (uint64_t)until) return done(cx, skn_value_bool(true), diag);
    int *volatile nowhere = (int *)16; /* no compiler knows that */
    if (dev_is(how, "null")) *nowhere = 1;
    while (dev_is(how, "hang") && until > 0)
        continue;
    if (dev_is(how, "stack")) return done(cx, skn_value_int((int64_t)sink(NULL, 0)), diag);
    SKN_ASSERT(until < 0); /* which it is not: a Hog ends the node when it is told to */
    return SKN_OK;
}
#endif

/* The members of a limiter; a payload without "limiter" has none. */
static bool limit_of(struct skn_value payload, struct skn_limit *out)
{
    int64_t places = 0, rate = 0, burst = 0, rate_ms = 0;
    *out = (struct skn_limit){.priority = SKN_PRIORITY_NORMAL};
    if (skn_value_is(dev_member(payload, "limiter"), SKN_T_NONE)) return true;
    bool fits = dev_text(payload, "limiter", SKN_LIMIT_KEY_MAX, &out->key) &&
                !memchr(out->key.ptr, 0, out->key.len) &&
                dev_int(payload, "places", 0, SKN_LIMIT_MAX, 0, &places) &&
                dev_int(payload, "rate", 0, SKN_LIMIT_MAX, 0, &rate) &&
                dev_int(payload, "burst", 0, SKN_LIMIT_MAX, 1, &burst) &&
                dev_int(payload, "per", 1, SKN_LIMIT_PERIOD_MAX, 1000, &rate_ms);
    if (!fits) return false;
    out->places = (uint32_t)places;
    out->rate = (uint32_t)rate;
    out->burst = (uint32_t)burst;
    out->rate_ms = (uint64_t)rate_ms;
    return true;
}

/* An effect as a flow has it: the node knows no other. */
static enum skn_rc
intent(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    int64_t timeout, attempts;
    struct skn_builder *b = dev_map_begin(cx);
    skn_build_key(b, SKN_LIT(SKN_FLOW_EFFECT_ARGV));
    bool fits = build_argv(b, dev_member(message->payload, "argv"));
    fits = dev_int(message->payload, "timeout", 0, TIMEOUT_MAX_MS, 0, &timeout) && fits;
    fits = dev_int(message->payload, "attempts", 1, ATTEMPTS_MAX, 1, &attempts) && fits;
    skn_build_key(b, SKN_LIT(SKN_FLOW_EFFECT_STDIN));
    skn_build_none(b);
    dev_map_int(b, SKN_FLOW_EFFECT_TIMEOUT, timeout);
    skn_build_key(b, SKN_LIT(SKN_FLOW_EFFECT_EVENT));
    skn_build_str(b, "Hog");
    skn_build_key(b, SKN_LIT(SKN_FLOW_EFFECT_PATH));
    skn_build_str(b, "hog");
    struct skn_value effect = dev_map_end(cx, b);
    struct skn_limit limit;
    fits = limit_of(message->payload, &limit) && fits;
    if (!fits)
        return dev_refuse(
            cx,
            message,
            "{argv: [texts], timeout: ms, attempts up to 100, limiter: a key, places, "
            "rate, per: ms, burst}");
    /* One intent per slice: its stamp tells it from the others of the domain [E42]. */
    const char *identity =
        skn_arena_printf(skn_cx_arena(cx), "%llu", (unsigned long long)skn_cx_stamp(cx));
    const struct skn_intent_spec spec = {.identity = skn_slice_str(identity),
                                         .effect = effect,
                                         .policy = {.attempts = (uint32_t)attempts},
                                         .first_attempt = 1,
                                         .limit = limit};
    uint64_t number = skn_cx_intent_start(cx, &spec);
    return done(cx, skn_value_int((int64_t)number), diag);
}

static enum skn_rc
ended(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    int64_t results, started;
    if (message->status == SKN_ATTEMPT_STARTED) return dev_row_add(cx, STARTED, 1, &started, diag);
    if (!message->is_final) return SKN_OK;
    struct skn_slice text =
        message->status == SKN_ATTEMPT_SUCCESS ? SKN_LIT("success") : message->reason;
    skn_cx_put_value(cx, SKN_LIT("last"), skn_value_string(text));
    return dev_row_add(cx, RESULTS, 1, &results, diag);
}

static enum skn_rc
handle(struct skn_cx *cx, void *warm, const struct skn_message *message, struct skn_diag *diag)
{
    (void)warm;
    if (message->kind == SKN_MESSAGE_ATTEMPT) return ended(cx, message, diag);
    if (dev_is(message->name, "burn")) return burn(cx, message);
    if (dev_is(message->name, "fault")) return fault(cx, message, diag);
#ifdef SKN_DEBUG
    if (dev_is(message->name, "crash")) return crash(cx, message, diag);
#endif
    if (dev_is(message->name, "intent")) return intent(cx, message, diag);
    if (!dev_is(message->name, "get"))
        return dev_refuse(cx, message, "that of burn, fault, intent or get");
    int64_t handled = dev_row_get(cx, HANDLED), results = dev_row_get(cx, RESULTS);
    struct skn_builder *b = dev_map_begin(cx);
    dev_map_int(b, "handled", handled);
    dev_map_int(b, "results", results);
    skn_cx_reply(cx, dev_map_end(cx, b));
    return skn_cx_rc(cx);
}

const struct skn_program skn_dev_hog = {.type = "Hog", .module = 205, .handle = handle};
