/* echo.c - Echo: answers, forwards along a list, goes to and fro, and asks others. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dev/dev.h"

#include "dev/dev_internal.h"

#include "base/pure.h"

/* Rows: "received" messages, "hops" what the last one that went no further had, "asked" and "answered"
 * calls of its own, "code" and "answer" of the last of them; "L" and the number of a call that it keeps:
 * its answer. */
enum { HOPS_MAX = 1 << 30, LATER_MS_MAX = 86400000, LATER_MS = 1000 };

#define RECEIVED SKN_LIT("received")
#define HOPS     SKN_LIT("hops")
#define ASKED    SKN_LIT("asked")
#define ANSWERED SKN_LIT("answered")
#define CODE     SKN_LIT("code")
#define ANSWER   SKN_LIT("answer")

/* Whether a text may be an address at all: that its type is known is found out by sending. */
static bool is_address(struct skn_value v)
{
    if (!skn_value_is(v, SKN_T_STRING)) return false;
    struct skn_slice text = skn_value_as_text(v);
    return text.len > 0 && text.len <= SKN_ADDRESS_MAX;
}

static void send(struct skn_cx *cx,
                 const struct skn_message *message,
                 struct skn_slice to,
                 struct skn_value payload)
{
    skn_cx_send(cx, to, message->priority, message->name, payload);
}

/* {to: the rest, hops: one more} to the first of `to`. */
static void
forward_to(struct skn_cx *cx, const struct skn_message *message, struct skn_value to, int64_t hops)
{
    struct skn_value_iter iter = skn_value_iter(to);
    struct skn_value first, next;
    (void)skn_value_next(&iter, NULL, &first);
    struct skn_builder *b = dev_map_begin(cx);
    dev_map_int(b, "hops", hops + 1);
    skn_build_key(b, SKN_LIT("to"));
    skn_build_list_begin(b);
    while (skn_value_next(&iter, NULL, &next))
        skn_build_value(b, next);
    skn_build_list_end(b);
    send(cx, message, skn_value_as_text(first), dev_map_end(cx, b));
}

static enum skn_rc
forward(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    struct skn_value to = dev_member(message->payload, "to"), address;
    int64_t hops, received;
    bool fits = skn_value_is(to, SKN_T_LIST) || skn_value_is(to, SKN_T_NONE);
    struct skn_value_iter iter = skn_value_iter(to);
    while (fits && skn_value_next(&iter, NULL, &address))
        fits = is_address(address);
    if (!fits || !dev_int(message->payload, "hops", 0, HOPS_MAX, 0, &hops))
        return dev_refuse(cx, message, "{to: [addresses], hops}");
    enum skn_rc rc = dev_row_add(cx, RECEIVED, 1, &received, diag);
    if (rc != SKN_OK) return rc;
    if (skn_value_count(to) > 0)
        forward_to(cx, message, to, hops);
    else
        dev_row_put(cx, HOPS, hops);
    return dev_end(cx, message, diag);
}

static enum skn_rc
bounce(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    struct skn_value to = dev_member(message->payload, "to");
    int64_t left, received;
    if (!is_address(to) || !dev_int(message->payload, "left", 0, HOPS_MAX, 0, &left))
        return dev_refuse(cx, message, "{to: an address, left}");
    enum skn_rc rc = dev_row_add(cx, RECEIVED, 1, &received, diag);
    if (rc != SKN_OK || left == 0) return rc;
    struct skn_builder *b = dev_map_begin(cx);
    dev_map_int(b, "left", left - 1);
    skn_build_key(b, SKN_LIT("to"));
    skn_build_string(b, skn_cx_address(cx));
    send(cx, message, skn_value_as_text(to), dev_map_end(cx, b));
    return skn_cx_rc(cx);
}

/* Calls another domain; `echo` unless it says a name. */
static enum skn_rc ask(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    struct skn_value to = dev_member(message->payload, "to");
    struct skn_slice name = SKN_LIT("echo");
    (void)dev_text(message->payload, "name", SKN_NAME_MAX, &name);
    int64_t asked;
    if (!is_address(to)) return dev_refuse(cx, message, "{to: an address, name, value}");
    enum skn_rc rc = dev_row_add(cx, ASKED, 1, &asked, diag);
    if (rc != SKN_OK) return rc;
    (void)skn_cx_call(cx,
                      skn_value_as_text(to),
                      message->priority,
                      name,
                      dev_member(message->payload, "value"),
                      (struct skn_slice){0});
    return dev_end(cx, message, diag);
}

static enum skn_rc hear(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    int64_t answered;
    enum skn_rc rc = dev_row_add(cx, ANSWERED, 1, &answered, diag);
    if (rc != SKN_OK) return rc;
    dev_row_put(cx, CODE, message->rc);
    skn_cx_put_value(cx, ANSWER, message->payload);
    return skn_cx_rc(cx);
}

static struct skn_slice later_key(struct skn_cx *cx, uint64_t kept)
{
    return dev_key(cx, 'L', skn_slice(&kept, sizeof kept));
}

/* Keeps the call, and answers it when its timer fires. */
static enum skn_rc
later(struct skn_cx *cx, const struct skn_message *message, struct skn_diag *diag)
{
    int64_t ms;
    if (!dev_int(message->payload, "ms", 0, LATER_MS_MAX, LATER_MS, &ms))
        return dev_refuse(cx, message, "{ms, value}");
    uint64_t kept = skn_cx_call_keep(cx, (struct skn_slice){0});
    skn_cx_put_value(cx, later_key(cx, kept), dev_member(message->payload, "value"));
    (void)skn_cx_timer_set(
        cx, skn_cx_now_ms(cx) + (uint64_t)ms, skn_slice((const uint8_t *)&kept, sizeof kept));
    return dev_end(cx, message, diag);
}

static enum skn_rc answer_later(struct skn_cx *cx, struct skn_slice tag)
{
    uint64_t kept = 0;
    struct skn_slice bytes;
    if (tag.len == sizeof kept) memcpy(&kept, tag.ptr, sizeof kept);
    enum skn_rc rc = skn_cx_get(cx, later_key(cx, kept), &bytes);
    if (rc == SKN_ENOENT) return SKN_OK; /* it was cancelled */
    if (rc != SKN_OK) return rc;
    (void)skn_cx_call_answer(cx, kept, skn_value_view(bytes));
    skn_cx_delete(cx, later_key(cx, kept));
    return skn_cx_rc(cx);
}

/* {answered, asked, code, answer}; the code is `OK` or that of the fault or refusal. */
static void tell_answers(struct skn_cx *cx)
{
    struct skn_slice bytes;
    struct skn_value answer = skn_value_none();
    int64_t answered = dev_row_get(cx, ANSWERED), code = dev_row_get(cx, CODE);
    int64_t asked = dev_row_get(cx, ASKED);
    if (skn_cx_get(cx, ANSWER, &bytes) == SKN_OK) answer = skn_value_view(bytes);
    struct skn_builder *b = dev_map_begin(cx);
    skn_build_key(b, SKN_LIT("answer"));
    skn_build_value(b, answer);
    dev_map_int(b, "answered", answered);
    dev_map_int(b, "asked", asked);
    skn_build_key(b, SKN_LIT("code"));
    const char *name = code == SKN_OK ? "OK" : skn_rc_info((enum skn_rc)code)->name;
    skn_build_string(b, skn_slice_str(name));
    skn_cx_reply(cx, dev_map_end(cx, b));
}

static enum skn_rc
handle(struct skn_cx *cx, void *warm, const struct skn_message *message, struct skn_diag *diag)
{
    (void)warm;
    if (message->kind == SKN_MESSAGE_ANSWER) return hear(cx, message, diag);
    if (message->kind == SKN_MESSAGE_TIMER) return answer_later(cx, message->tag);
    if (message->kind == SKN_MESSAGE_CANCEL) {
        skn_cx_delete(cx, later_key(cx, message->number));
        return skn_cx_rc(cx);
    }
    if (message->kind == SKN_MESSAGE_CALL && dev_is(message->name, "later"))
        return later(cx, message, diag);
    if (dev_is(message->name, "ask")) return ask(cx, message, diag);
    if (dev_is(message->name, "answers")) {
        tell_answers(cx);
        return skn_cx_rc(cx);
    }
    if (dev_is(message->name, "forward")) return forward(cx, message, diag);
    if (dev_is(message->name, "bounce")) return bounce(cx, message, diag);
    if (dev_is(message->name, "echo")) {
        skn_cx_reply(cx, message->payload);
        return dev_end(cx, message, diag);
    }
    if (!dev_is(message->name, "get"))
        return dev_refuse(
            cx, message, "that of echo, forward, bounce, ask, answers, later (in a call) or get");
    int64_t received = dev_row_get(cx, RECEIVED), hops = dev_row_get(cx, HOPS);
    struct skn_builder *b = dev_map_begin(cx);
    dev_map_int(b, "received", received);
    dev_map_int(b, "hops", hops);
    skn_cx_reply(cx, dev_map_end(cx, b));
    return skn_cx_rc(cx);
}

const struct skn_program skn_dev_echo = {.type = "Echo", .module = 213, .handle = handle};
