/* history.c - an event of a history as one line. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "sim/sim.h"

#include <inttypes.h>

#include "base/pure.h"

static const char *const names[SKN_HISTORY_KINDS] = {
    "open",
    "crash",
    "request",
    "reply",
    "perform",
    "effect",
    "result",
    "settled",
    "observe",
    "run",
    "attempt",
    "entry",
    "total",
    "sent",
    "received",
    "observed",
    "end",
};

static void put_key(const struct skn_history_event *event, struct skn_buf *out)
{
    skn_buf_put_str(out, " key ");
    for (size_t i = 0; i < 4; i++)
        skn_buf_printf(out, "%02x", event->key[i]);
}

void skn_history_print(const struct skn_history_event *event, struct skn_buf *out)
{
    static const uint8_t no_key[SKN_HISTORY_KEY_BYTES];
    skn_buf_put_str(out, names[event->kind]);
    if (event->domain.len > 0) skn_buf_printf(out, " %.*s", SKN_FMT(event->domain));
    if (event->id.len > 0) skn_buf_printf(out, " [%.*s]", SKN_FMT(event->id));
    if (event->name.len > 0) skn_buf_printf(out, " %.*s", SKN_FMT(event->name));
    if (memcmp(event->key, no_key, sizeof no_key) != 0) put_key(event, out);
    const struct {
        const char *name;
        uint64_t number;
    } numbers[] = {{"context", event->context},
                   {"attempt", event->attempt},
                   {"epoch", event->epoch},
                   {"count", event->count},
                   {"hash", event->hash},
                   {"answer", event->answer}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(numbers); i++) {
        if (numbers[i].number)
            skn_buf_printf(out, " %s %" PRIx64, numbers[i].name, numbers[i].number);
    }
    if (event->amount) skn_buf_printf(out, " amount %" PRId64, event->amount);
    if (event->rc != SKN_OK) skn_buf_printf(out, " %s", skn_rc_info(event->rc)->name);
    if (event->is_success) skn_buf_put_str(out, " success");
    if (event->is_stale) skn_buf_put_str(out, " STALE");
    if (event->is_over) skn_buf_put_str(out, " over");
}
