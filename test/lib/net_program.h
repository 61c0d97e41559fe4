/* net_program.h - the domain type Net: sends numbered messages, and says when one is not the next.
 *
 * A request whose name is an address sends that many messages there. "hop" messages go on to another
 * of NET_DOMAINS domains until their number is 0; "boom" faults until shard_is_fixed.
 * Rows: s/<priority><target> and r/<priority><sender> the last number sent and received, "disorder".
 */
#pragma once

#include "core/cx.h"
#include "lib/shard.h"

#include <stdio.h>

enum { NET_DOMAINS = 6 };

/* The program was mended: what faulted does so no more. */

static inline int64_t net_row(struct skn_cx *cx, struct skn_slice key)
{
    struct skn_slice bytes;
    if (skn_cx_get(cx, key, &bytes) != SKN_OK) return 0;
    return skn_value_as_int(skn_value_view(bytes));
}

static inline struct skn_slice
net_key(char *out, size_t size, char kind, enum skn_priority priority, struct skn_slice other)
{
    int n = snprintf(out, size, "%c/%d%.*s", kind, (int)priority, SKN_FMT(other));
    return skn_slice(out, (size_t)n);
}

static inline int64_t
net_bump(struct skn_cx *cx, char kind, enum skn_priority priority, struct skn_slice other)
{
    char text[600];
    struct skn_slice key = net_key(text, sizeof text, kind, priority, other);
    int64_t n = net_row(cx, key) + 1;
    skn_cx_put_value(cx, key, skn_value_int(n));
    return n;
}

/* A message carries its number times 1000, and how often it hops on. */
static inline void net_send(struct skn_cx *cx,
                            struct skn_slice to,
                            enum skn_priority priority,
                            const char *name,
                            int64_t hops)
{
    int64_t n = net_bump(cx, 's', priority, to);
    skn_cx_send(cx, to, priority, skn_slice_str(name), skn_value_int(n * 1000 + hops));
}

static inline enum skn_rc
net_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    char address[64];
    if (m->kind == SKN_MESSAGE_TIMER) return SKN_OK;
    if (m->kind == SKN_MESSAGE_REQUEST) {
        const char *name = "note";
        struct skn_slice to = m->name;
        int64_t hops = 0;
        if (skn_slice_has_prefix(to, SKN_LIT("hop "))) {
            to = skn_slice_from(to, 4);
            name = "hop";
            hops = 20;
        }
        if (skn_slice_has_prefix(to, SKN_LIT("boom "))) {
            to = skn_slice_from(to, 5);
            name = "boom";
        }
        for (int64_t i = 0; i < skn_value_as_int(m->payload); i++)
            net_send(cx, to, m->priority, name, hops);
        return SKN_OK;
    }
    int64_t number = skn_value_as_int(m->payload) / 1000,
            hops = skn_value_as_int(m->payload) % 1000;
    if (skn_slice_eq(m->name, SKN_LIT("boom")) && !shard_is_fixed)
        return SKN_FAIL(diag, SKN_EFAULT, "boom");
    if (net_bump(cx, 'r', m->priority, m->sender) != number)
        skn_cx_put_value(cx, SKN_LIT("disorder"), skn_value_int(number));
    if (skn_slice_eq(m->name, SKN_LIT("hop")) && hops > 0) {
        (void)snprintf(
            address, sizeof address, "a:Net/%d", (int)((number * 7 + hops) % NET_DOMAINS));
        net_send(cx, skn_slice_str(address), m->priority, "hop", hops - 1);
    }
    return skn_cx_rc(cx);
}

static const struct skn_program net_program = {.type = "Net", .module = 9, .handle = net_handle};
