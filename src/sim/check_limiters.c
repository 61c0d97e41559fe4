/* check_limiters.c - judges what limiters let begin: never more at once, never too early (P10). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/check_internal.h"

#include <inttypes.h>

#include "base/pure.h"

struct limiter *check_limiter(struct skn_checker *c, struct skn_slice name)
{
    struct limiter *limiter = check_remember(c, &c->limiters, name, sizeof *limiter);
    if (limiter->seen == c->observation) return limiter;
    limiter->seen = c->observation;
    limiter->all = NULL;
    return limiter;
}

enum skn_rc check_begins(struct skn_checker *c,
                         struct task *task,
                         const struct skn_history_event *e,
                         struct skn_diag *diag)
{
    if (e->name.len == 0) return SKN_OK;
    task->limiter = check_limiter(c, e->name);
    task->limiter->live++;
    if (e->amount <= 0 || task->limiter->live <= (uint64_t)e->amount) return SKN_OK;
    return check_bad_task(e, "P10: more at once than its limiter has places", diag);
}

void check_ends(struct task *task)
{
    if (task->limiter) task->limiter->live--;
    task->limiter = NULL;
}

enum skn_rc
check_saw_given(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)diag;
    struct limiter *limiter = check_limiter(c, e->name);
    struct given *given = skn_arena_zero(&c->given, 1, sizeof *given);
    *given =
        (struct given){.at_ms = e->amount, .least_ms = (int64_t)e->count, .next = limiter->all};
    limiter->all = given;
    return SKN_OK;
}

enum skn_rc
check_saw_place(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)e, (void)diag;
    c->place_seen = c->observation;
    return SKN_OK;
}

/* Two sorted lists become one. */
static struct given *merge(struct given *a, struct given *b)
{
    struct given *first = NULL, **at = &first;
    while (a && b) {
        struct given **next = a->at_ms <= b->at_ms ? &a : &b;
        *at = *next;
        *next = (*next)->next;
        at = &(*at)->next;
    }
    *at = a ? a : b;
    return first;
}

static struct given *sorted(struct given *list)
{
    if (!list || !list->next) return list;
    struct given *half = list;
    for (struct given *end = list->next; end && end->next; end = end->next->next)
        half = half->next;
    struct given *rest = half->next;
    half->next = NULL;
    return merge(sorted(list), sorted(rest));
}

enum skn_rc check_paces(struct skn_checker *c, struct skn_diag *diag)
{
    enum skn_rc rc = SKN_OK;
    SKN_HMAP_FOREACH (entry, &c->limiters) {
        struct limiter *limiter = check_limiter(c, entry->key);
        limiter->all = sorted(limiter->all);
        for (struct given *g = limiter->all; g && g->next && rc == SKN_OK; g = g->next)
            if (g->next->at_ms - g->at_ms < g->least_ms)
                rc = SKN_FAIL(diag,
                              SKN_EFAULT,
                              "P10: limiter %.*s let two begin %" PRId64
                              " ms apart, least is %" PRId64,
                              SKN_FMT(entry->key),
                              g->next->at_ms - g->at_ms,
                              g->least_ms);
        limiter->all = NULL;
    }
    skn_arena_reset(&c->given);
    return rc;
}
