/* check_past.c - what a ledger is said to have had at a stamp is what it had [E70].
 *
 * An add that was asked once tells exactly when it was and what came of it. Sums only grow: so at a
 * stamp there is the sum of the last such add up to there at least, and before the next one at most.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/check_internal.h"

#include <inttypes.h>

#include "base/pure.h"

struct known {
    struct known *next;
    uint64_t stamp;
    int64_t before, after;
};

void check_knows(struct skn_checker *c, const struct skn_history_event *e, int64_t amount)
{
    struct ledger *ledger = check_ledger(c, e->domain);
    struct known *known = skn_arena_alloc(&c->arena, sizeof *known);
    *known = (struct known){
        .next = ledger->known, .stamp = e->count, .before = e->amount - amount, .after = e->amount};
    ledger->known = known;
}

enum skn_rc
check_then(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    int64_t least = 0, most = INT64_MAX;
    if (e->id.len > 0)
        return e->is_over ? SKN_OK : check_bad(e, "P8: what was pruned is shown again [E70]", diag);
    for (const struct known *k = check_ledger(c, e->domain)->known; k; k = k->next) {
        if (k->stamp <= e->count && k->after > least) least = k->after;
        if (k->stamp > e->count && k->before < most) most = k->before;
    }
    if (e->amount >= least && e->amount <= most) return SKN_OK;
    return SKN_FAIL(diag,
                    SKN_EFAULT,
                    "P4: %.*s had %" PRId64 " at stamp %" PRIu64
                    ", and not what is shown of then, %" PRId64 " [E70]",
                    SKN_FMT(e->domain),
                    e->amount < least ? least : most,
                    e->count,
                    e->amount);
}
