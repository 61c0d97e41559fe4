/* check.c - judges a history: what it remembers, and P1 and P2 for requests and their answers.
 *
 * It remembers what was promised to somebody outside (answers, effects, results that were taken)
 * and what a node that had opened showed. Everything of that has to be there in each later
 * observation, and nothing that nobody asked for.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "sim/check_internal.h"

#include <inttypes.h>

#include "base/pure.h"

enum { KEY_BYTES_MAX = 1 << 16 };

struct skn_checker *skn_checker_create(void)
{
    struct skn_checker *c = skn_alloc_zero(1, sizeof *c);
    struct skn_hmap *maps[] = {&c->asked,
                               &c->runs,
                               &c->tasks,
                               &c->attempts,
                               &c->ledgers,
                               &c->links,
                               &c->dead,
                               &c->fences,
                               &c->limiters};
    skn_arena_init(&c->arena);
    skn_arena_init(&c->given);
    skn_buf_init(&c->key, KEY_BYTES_MAX);
    for (size_t i = 0; i < SKN_ARRAY_LEN(maps); i++)
        skn_hmap_init(maps[i], i);
    return c;
}

void skn_checker_destroy(struct skn_checker *c)
{
    if (!c) return;
    struct skn_hmap *maps[] = {&c->asked,
                               &c->runs,
                               &c->tasks,
                               &c->attempts,
                               &c->ledgers,
                               &c->links,
                               &c->dead,
                               &c->fences,
                               &c->limiters};
    for (size_t i = 0; i < SKN_ARRAY_LEN(maps); i++)
        skn_hmap_fini(maps[i]);
    skn_buf_fini(&c->key);
    skn_arena_fini(&c->arena);
    skn_arena_fini(&c->given);
    skn_free(c);
}

/* --- what is remembered ----------------------------------------------------------------------- */

void *check_remember(struct skn_checker *c, struct skn_hmap *map, struct skn_slice key, size_t size)
{
    struct skn_hmap_entry *entry = skn_hmap_find(map, key);
    if (entry) return entry->value;
    entry = skn_hmap_add(map, skn_arena_dup(&c->arena, key), NULL);
    entry->value = skn_arena_zero(&c->arena, 1, size);
    return entry->value;
}

struct skn_slice check_pair(struct skn_checker *c, struct skn_slice a, struct skn_slice b)
{
    skn_buf_reset(&c->key);
    skn_buf_put(&c->key, a);
    skn_buf_put_u8(&c->key, ' ');
    skn_buf_put(&c->key, b);
    return skn_buf_slice(&c->key);
}

struct asked *check_asked(struct skn_checker *c, const struct skn_history_event *e)
{
    return check_remember(c, &c->asked, check_pair(c, e->domain, e->id), sizeof(struct asked));
}

struct ledger *check_ledger(struct skn_checker *c, struct skn_slice domain)
{
    return check_remember(c, &c->ledgers, domain, sizeof(struct ledger));
}

struct dead *check_dead(struct skn_checker *c, struct skn_slice domain)
{
    return check_remember(c, &c->dead, domain, sizeof(struct dead));
}

static const struct payload *payload_of(const struct asked *asked, uint64_t hash)
{
    const struct payload *p = asked->payloads;
    while (p && p->hash != hash)
        p = p->next;
    return p;
}

enum skn_rc check_bad(const struct skn_history_event *e, const char *why, struct skn_diag *diag)
{
    return SKN_FAIL(diag, SKN_EFAULT, "%s: %.*s [%.*s]", why, SKN_FMT(e->domain), SKN_FMT(e->id));
}

uint64_t check_up_ms(const struct skn_checker *c, uint64_t at_ms)
{
    return c->up_ms + (c->is_up && at_ms > c->opened_ms ? at_ms - c->opened_ms : 0);
}

bool check_is_late(const struct skn_checker *c, const struct asked *asked, uint64_t at_ms)
{
    if (!asked->is_answered || asked->rc != SKN_OK || asked->amount < 0) return false;
    uint64_t due_ms = asked->answered_up_ms + (uint64_t)asked->amount;
    return check_up_ms(c, at_ms) > due_ms + SKN_TIMER_LATE_MS_MAX;
}

/* --- requests and answers: P1, P2 ------------------------------------------------------------- */

static enum skn_rc
request(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)diag;
    if (skn_slice_eq(e->name, SKN_LIT("add"))) check_ledger(c, e->domain)->asked += e->amount;
    if (e->id.len == 0) return SKN_OK;
    struct asked *asked = check_asked(c, e);
    if (payload_of(asked, e->hash)) return SKN_OK;
    struct payload *payload = skn_arena_zero(&c->arena, 1, sizeof *payload);
    *payload = (struct payload){.next = asked->payloads, .hash = e->hash, .amount = e->amount};
    asked->payloads = payload;
    if (asked->name.len > 0) return SKN_OK;
    asked->name = skn_arena_dup(&c->arena, e->name);
    asked->asked_ms = e->at_ms;
    asked->even = c->even;
    return SKN_OK;
}

/* Given before admission: nothing was promised, and the next try may end otherwise [E34]. */
static bool is_refusal(enum skn_rc rc)
{
    return rc == SKN_EMAILBOXFULL || rc == SKN_ERATELIMITED || rc == SKN_ENOTREGISTERED ||
           rc == SKN_EDISKFULL || rc == SKN_EDRAINING;
}

static enum skn_rc first_answer(struct skn_checker *c,
                                struct asked *asked,
                                int64_t amount,
                                const struct skn_history_event *e)
{
    asked->is_answered = true;
    asked->rc = e->rc;
    asked->hash = e->hash;
    asked->answer = e->answer;
    asked->amount = amount;
    asked->answered_up_ms = check_up_ms(c, e->at_ms);
    /* Both are given by slices that faulted, and by nothing else. */
    if (e->rc == SKN_EEXECUTION || e->rc == SKN_EFULL) check_dead(c, e->domain)->promised++;
    /* And this by a message that had ended the node twice. */
    bool is_boom = skn_slice_eq(e->name, SKN_LIT("boom"));
    if (e->rc == SKN_EFAULT && is_boom) check_dead(c, e->domain)->promised++;
    if (e->rc != SKN_OK) return SKN_OK;
    bool is_add = skn_slice_eq(e->name, SKN_LIT("add"));
    if (is_add) check_ledger(c, e->domain)->promised += amount;
    if (is_add && e->count > 0) check_knows(c, e, amount);
    if (skn_slice_eq(e->name, SKN_LIT("start"))) {
        struct run *run = check_remember(c, &c->runs, e->domain, sizeof *run);
        run->is_promised = true;
    }
    return SKN_OK;
}

/* What a query showed is not less than what was promised or shown before it [E21]. */
static enum skn_rc
query_answer(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    if (e->rc != SKN_OK || !skn_slice_eq(e->name, SKN_LIT("get"))) return SKN_OK;
    struct ledger *ledger = check_ledger(c, e->domain);
    int64_t least = ledger->promised > ledger->shown ? ledger->promised : ledger->shown;
    if (e->amount > ledger->shown) ledger->shown = e->amount;
    if (e->amount >= least && e->amount <= ledger->asked) return SKN_OK;
    return SKN_FAIL(diag,
                    SKN_EFAULT,
                    "P1: %.*s shows %" PRId64 ", promised were %" PRId64 ", asked for %" PRId64,
                    SKN_FMT(e->domain),
                    e->amount,
                    least,
                    ledger->asked);
}

static enum skn_rc
reply(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    if (c->is_down) return check_bad(e, "P7: a node that is gone answers", diag);
    if (e->id.len == 0) return query_answer(c, e, diag);
    if (is_refusal(e->rc)) return SKN_OK;
    struct asked *asked = check_asked(c, e);
    const struct payload *payload = payload_of(asked, e->hash);
    const char *why = NULL;
    if (!payload)
        why = "P2: an answer to what was never asked";
    else if (e->rc == SKN_EIDREUSED && !asked->payloads->next)
        why = "P2: called another request, and there was none with this id";
    else if (e->rc == SKN_EIDREUSED && asked->is_answered && asked->hash == e->hash)
        why = "P2: called another request, and it is the one that was answered";
    else if (e->rc == SKN_EIDREUSED)
        return SKN_OK;
    else if (!asked->is_answered)
        return first_answer(c, asked, payload->amount, e);
    else if (asked->rc != e->rc || asked->hash != e->hash || asked->answer != e->answer)
        why = "P2: the same id got another answer than before";
    return why ? check_bad(e, why, diag) : SKN_OK;
}

/* A timer's firing is told once, and not long after it was due. */
static enum skn_rc
fired(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    struct asked *asked = check_asked(c, e);
    if (c->is_down) return check_bad(e, "P7: a node that is gone tells of a timer", diag);
    if (!asked->payloads) return check_bad(e, "P2: a timer that nobody asked for", diag);
    if (++asked->fired > 1) return check_bad(e, "P2: a timer fired twice", diag);
    if (check_is_late(c, asked, e->at_ms)) return check_bad(e, "P1: a timer came late", diag);
    /* The stamp of the firing is never before it was due; what the clock says may be: the node's runs
     * up to 1 percent faster while it is behind the wall clock [E50]. */
    int64_t faster_ms = asked->payloads->amount / 99 + 2;
    bool is_alone = !asked->payloads->next && asked->even == c->even && e->at_ms > 0;
    if (is_alone &&
        (int64_t)e->at_ms < (int64_t)asked->asked_ms + asked->payloads->amount - faster_ms)
        return check_bad(e, "P3: a timer came before it was due [E51]", diag);
    return SKN_OK;
}

static enum skn_rc
moved_clock(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)e, (void)diag;
    c->even++;
    return SKN_OK;
}

enum skn_rc skn_checker_add(struct skn_checker *checker,
                            const struct skn_history_event *event,
                            struct skn_diag *diag)
{
    static check_fn *const take[SKN_HISTORY_KINDS] = {
        [SKN_HISTORY_OPEN] = check_open,
        [SKN_HISTORY_CRASH] = check_crash,
        [SKN_HISTORY_REQUEST] = request,
        [SKN_HISTORY_REPLY] = reply,
        [SKN_HISTORY_PERFORM] = check_perform,
        [SKN_HISTORY_EFFECT] = check_effect,
        [SKN_HISTORY_RESULT] = check_result,
        [SKN_HISTORY_SETTLED] = check_settled,
        [SKN_HISTORY_FIRED] = fired,
        [SKN_HISTORY_CLOCK] = moved_clock,
        [SKN_HISTORY_OBSERVE] = check_observe,
        [SKN_HISTORY_RUN] = check_saw_run,
        [SKN_HISTORY_ATTEMPT] = check_saw_attempt,
        [SKN_HISTORY_JOB] = check_saw_job,
        [SKN_HISTORY_ENTRY] = check_saw_entry,
        [SKN_HISTORY_TOTAL] = check_saw_total,
        [SKN_HISTORY_SENT] = check_saw_sent,
        [SKN_HISTORY_RECEIVED] = check_saw_received,
        [SKN_HISTORY_TIMER] = check_saw_timer,
        [SKN_HISTORY_DEAD] = check_saw_dead,
        [SKN_HISTORY_MAIL] = check_saw_mail,
        [SKN_HISTORY_GIVEN] = check_saw_given,
        [SKN_HISTORY_PLACE] = check_saw_place,
        [SKN_HISTORY_THEN] = check_then,
        [SKN_HISTORY_OBSERVED] = check_observed,
        [SKN_HISTORY_END] = check_the_end,
    };
    SKN_ASSERT(event->kind < SKN_HISTORY_KINDS);
    return take[event->kind](checker, event, diag);
}
