/* check.c - judges a history: P1 (answered is there), P2 (once), P3 (in order), P5 (effects).
 *
 * It remembers what was promised to somebody outside (answers, effects, results that were taken)
 * and what a node that had opened showed. Everything of that has to be there in each later
 * observation, and nothing that nobody asked for.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include "sim/sim.h"

#include <inttypes.h>

#include "base/pure.h"

/* One payload under which a request id was used. */
struct payload {
    struct payload *next;
    uint64_t hash;
    int64_t amount;
};

/* A request with an id. */
struct asked {
    struct payload *payloads;
    struct skn_slice name;
    bool is_answered;
    enum skn_rc rc;
    uint64_t hash, answer;
    int64_t amount;      /* of the payload that was answered */
    uint64_t entry_seen; /* observation in which the ledger had it; 0 never */
};

struct run {
    bool is_promised; /* its start was answered */
    bool is_over;
    int64_t started;
    uint64_t seen;
};

/* What an idempotency key stands for. */
struct task {
    struct skn_slice domain, path;
    uint32_t performed; /* the last attempt that was */
    uint32_t live;      /* the attempt that runs; 0 none */
    uint32_t pending;   /* succeeded, and may not be durable yet */
    uint32_t accepted;  /* succeeded for good */
    uint64_t seen;
    uint32_t context; /* in that observation */
};

struct attempt {
    struct task *task;
    uint32_t number;
    uint64_t epoch;     /* in which it was performed */
    bool has_succeeded; /* a result of its own epoch said so */
    uint64_t seen;
};

struct ledger {
    int64_t sum;      /* of the entries of this observation */
    int64_t promised; /* of the adds that were answered */
    int64_t asked;    /* of all that ever were asked for */
};

struct link {
    uint64_t sent, received;
};

struct skn_checker {
    struct skn_arena arena;
    struct skn_hmap asked, runs, tasks, attempts, ledgers, links;
    uint64_t epoch;
    uint64_t observation; /* number of the newest */
};

struct skn_checker *skn_checker_create(void)
{
    struct skn_checker *c = skn_alloc_zero(1, sizeof *c);
    struct skn_hmap *maps[] = {
        &c->asked, &c->runs, &c->tasks, &c->attempts, &c->ledgers, &c->links};
    skn_arena_init(&c->arena);
    for (size_t i = 0; i < SKN_ARRAY_LEN(maps); i++)
        skn_hmap_init(maps[i], i);
    return c;
}

void skn_checker_destroy(struct skn_checker *c)
{
    if (!c) return;
    struct skn_hmap *maps[] = {
        &c->asked, &c->runs, &c->tasks, &c->attempts, &c->ledgers, &c->links};
    for (size_t i = 0; i < SKN_ARRAY_LEN(maps); i++)
        skn_hmap_fini(maps[i]);
    skn_arena_fini(&c->arena);
    skn_free(c);
}

/* --- what is remembered ----------------------------------------------------------------------- */

/* The entry of a key, made of zeros when there is none. */
static void *
remember(struct skn_checker *c, struct skn_hmap *map, struct skn_slice key, size_t size)
{
    struct skn_hmap_entry *entry = skn_hmap_find(map, key);
    if (entry) return entry->value;
    entry = skn_hmap_add(map, skn_arena_dup(&c->arena, key), NULL);
    entry->value = skn_arena_zero(&c->arena, 1, size);
    return entry->value;
}

static struct skn_slice pair(struct skn_checker *c, struct skn_slice a, struct skn_slice b)
{
    return skn_slice_str(skn_arena_printf(&c->arena, "%.*s %.*s", SKN_FMT(a), SKN_FMT(b)));
}

static struct asked *asked_of(struct skn_checker *c, const struct skn_history_event *e)
{
    return remember(c, &c->asked, pair(c, e->domain, e->id), sizeof(struct asked));
}

static struct ledger *ledger_of(struct skn_checker *c, const struct skn_history_event *e)
{
    return remember(c, &c->ledgers, e->domain, sizeof(struct ledger));
}

static struct task *task_of(struct skn_checker *c, const struct skn_history_event *e)
{
    return remember(c, &c->tasks, skn_slice(e->key, sizeof e->key), sizeof(struct task));
}

static struct attempt *attempt_of(struct skn_checker *c, const struct skn_history_event *e)
{
    uint8_t key[sizeof e->key + sizeof e->attempt];
    memcpy(key, e->key, sizeof e->key);
    memcpy(key + sizeof e->key, &e->attempt, sizeof e->attempt);
    struct attempt *attempt =
        remember(c, &c->attempts, skn_slice(key, sizeof key), sizeof(struct attempt));
    attempt->task = task_of(c, e);
    attempt->number = e->attempt;
    return attempt;
}

static const struct payload *payload_of(const struct asked *asked, uint64_t hash)
{
    const struct payload *p = asked->payloads;
    while (p && p->hash != hash)
        p = p->next;
    return p;
}

/* --- requests and answers: P1, P2 ------------------------------------------------------------- */

static enum skn_rc
request(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)diag;
    if (skn_slice_eq(e->name, SKN_LIT("add"))) ledger_of(c, e)->asked += e->amount;
    if (e->id.len == 0) return SKN_OK;
    struct asked *asked = asked_of(c, e);
    if (payload_of(asked, e->hash)) return SKN_OK;
    struct payload *payload = skn_arena_zero(&c->arena, 1, sizeof *payload);
    *payload = (struct payload){.next = asked->payloads, .hash = e->hash, .amount = e->amount};
    asked->payloads = payload;
    asked->name = skn_arena_dup(&c->arena, e->name);
    return SKN_OK;
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
    if (e->rc != SKN_OK) return SKN_OK;
    if (skn_slice_eq(e->name, SKN_LIT("add"))) ledger_of(c, e)->promised += asked->amount;
    if (skn_slice_eq(e->name, SKN_LIT("start"))) {
        struct run *run = remember(c, &c->runs, e->domain, sizeof *run);
        run->is_promised = true;
    }
    return SKN_OK;
}

/* What a query showed is not less than what was promised before it [E21]. */
static enum skn_rc
query_answer(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    const struct ledger *ledger = ledger_of(c, e);
    if (e->rc != SKN_OK || !skn_slice_eq(e->name, SKN_LIT("get"))) return SKN_OK;
    if (e->amount >= ledger->promised && e->amount <= ledger->asked) return SKN_OK;
    return SKN_FAIL(diag,
                    SKN_EFAULT,
                    "P1: %.*s shows %" PRId64 ", promised were %" PRId64 ", asked for %" PRId64,
                    SKN_FMT(e->domain),
                    e->amount,
                    ledger->promised,
                    ledger->asked);
}

static enum skn_rc
reply(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    if (e->id.len == 0) return query_answer(c, e, diag);
    struct asked *asked = asked_of(c, e);
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
    if (!why) return SKN_OK;
    return SKN_FAIL(diag, SKN_EFAULT, "%s: %.*s [%.*s]", why, SKN_FMT(e->domain), SKN_FMT(e->id));
}

/* --- effects: P5 -------------------------------------------------------------------------------- */

static enum skn_rc
bad_task(const struct skn_history_event *e, const char *why, struct skn_diag *diag)
{
    return SKN_FAIL(diag,
                    SKN_EFAULT,
                    "P5: %s: %.*s %.*s attempt %u of epoch %" PRIu64,
                    why,
                    SKN_FMT(e->domain),
                    SKN_FMT(e->id),
                    e->attempt,
                    e->epoch);
}

/* The task of a key; NULL and a diag when the key was another one's. */
static struct task *
known_task(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    struct task *task = task_of(c, e);
    if (task->domain.len == 0) {
        task->domain = skn_arena_dup(&c->arena, e->domain);
        task->path = skn_arena_dup(&c->arena, e->id);
    }
    if (skn_slice_eq(task->domain, e->domain) && skn_slice_eq(task->path, e->id)) return task;
    (void)bad_task(e, "a key is used for two tasks", diag);
    return NULL;
}

static enum skn_rc
perform(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    struct task *task = known_task(c, e, diag);
    if (!task) return SKN_EFAULT;
    if (e->epoch != c->epoch) return bad_task(e, "performed in another epoch than its own", diag);
    if (e->is_stale) return bad_task(e, "it is given the value of an older epoch", diag);
    if (task->accepted) return bad_task(e, "it had succeeded, and is performed again", diag);
    if (task->live) return bad_task(e, "performed while its last attempt runs", diag);
    if (e->attempt <= task->performed) return bad_task(e, "performed for the second time", diag);
    task->performed = task->live = e->attempt;
    struct attempt *attempt = attempt_of(c, e);
    attempt->epoch = e->epoch;
    return SKN_OK;
}

static enum skn_rc
effect(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    const struct task *task = task_of(c, e);
    if (e->attempt > task->performed) return bad_task(e, "an effect that nobody asked for", diag);
    if (task->accepted) return bad_task(e, "an effect of a task that had succeeded", diag);
    return SKN_OK;
}

static enum skn_rc
result(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)diag;
    struct task *task = task_of(c, e);
    struct attempt *attempt = attempt_of(c, e);
    if (e->epoch != c->epoch || attempt->epoch != e->epoch) return SKN_OK; /* to be dropped */
    if (task->live == e->attempt) task->live = 0;
    if (!e->is_success) return SKN_OK;
    attempt->has_succeeded = true;
    task->pending = e->attempt;
    return SKN_OK;
}

static enum skn_rc
settled(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)e, (void)diag;
    SKN_HMAP_FOREACH (entry, &c->tasks) {
        struct task *task = entry->value;
        if (task->pending) task->accepted = task->pending;
        task->pending = 0;
    }
    return SKN_OK;
}

static enum skn_rc
crash(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)e, (void)diag;
    SKN_HMAP_FOREACH (entry, &c->tasks) {
        struct task *task = entry->value;
        task->pending = task->live = 0;
    }
    return SKN_OK;
}

static enum skn_rc
open_node(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    if (e->epoch <= c->epoch)
        return SKN_FAIL(
            diag, SKN_EFAULT, "P5: epoch %" PRIu64 " follows epoch %" PRIu64, e->epoch, c->epoch);
    c->epoch = e->epoch;
    return SKN_OK;
}

/* --- what the rows say -------------------------------------------------------------------------- */

static enum skn_rc
observe(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)e, (void)diag;
    c->observation++;
    SKN_HMAP_FOREACH (entry, &c->ledgers)
        ((struct ledger *)entry->value)->sum = 0;
    return SKN_OK;
}

static enum skn_rc
saw_run(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    struct run *run = remember(c, &c->runs, e->domain, sizeof *run);
    const char *why = NULL;
    if (run->seen && run->started != e->amount)
        why = "P2: a run was started twice";
    else if (run->is_over && !e->is_over)
        why = "P1: a run had ended and goes on";
    else if (e->is_stale)
        why = "P5: the value of an older epoch was taken";
    if (why) return SKN_FAIL(diag, SKN_EFAULT, "%s: %.*s", why, SKN_FMT(e->domain));
    run->seen = c->observation;
    run->started = e->amount;
    run->is_over = e->is_over;
    return SKN_OK;
}

static enum skn_rc
saw_attempt(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    struct task *task = known_task(c, e, diag);
    if (!task) return SKN_EFAULT;
    if (task->seen == c->observation && task->context != e->context)
        return bad_task(e, "a key is used for two contexts", diag);
    task->seen = c->observation;
    task->context = e->context;
    struct attempt *attempt = attempt_of(c, e);
    attempt->seen = c->observation;
    if (e->is_success && !attempt->has_succeeded)
        return bad_task(e, "a success was taken that no result of its epoch said", diag);
    if (!e->is_success && task->accepted == e->attempt)
        return bad_task(e, "a success that was accepted is gone", diag);
    if (e->is_success) task->accepted = e->attempt;
    return SKN_OK;
}

static enum skn_rc
saw_entry(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    struct asked *asked = asked_of(c, e);
    const struct payload *payload = asked->payloads;
    while (payload && payload->amount != e->amount)
        payload = payload->next;
    const char *why = NULL;
    if (e->count != 1)
        why = "P2: a request changed the state more than once";
    else if (!payload)
        why = "P2: an entry that nobody asked for";
    else if (asked->is_answered && asked->rc != SKN_OK)
        why = "P2: a request that was refused changed the state";
    else if (asked->is_answered && asked->amount != e->amount)
        why = "P1: another amount than the one that was answered";
    if (why)
        return SKN_FAIL(
            diag, SKN_EFAULT, "%s: %.*s [%.*s]", why, SKN_FMT(e->domain), SKN_FMT(e->id));
    asked->entry_seen = c->observation;
    ledger_of(c, e)->sum += e->amount;
    return SKN_OK;
}

static enum skn_rc
saw_total(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    const struct ledger *ledger = ledger_of(c, e);
    if (ledger->sum == e->amount) return SKN_OK;
    return SKN_FAIL(diag,
                    SKN_EFAULT,
                    "P2: %.*s has %" PRId64 ", its entries make %" PRId64,
                    SKN_FMT(e->domain),
                    e->amount,
                    ledger->sum);
}

/* --- messages between domains: P3 ----------------------------------------------------------------- */

static enum skn_rc
saw_sent(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    struct link *link = remember(c, &c->links, pair(c, e->domain, e->id), sizeof *link);
    if (e->count < link->sent)
        return SKN_FAIL(diag, SKN_EFAULT, "P1: %.*s has sent less than before", SKN_FMT(e->domain));
    link->sent = e->count;
    return SKN_OK;
}

static enum skn_rc
saw_received(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    struct link *link = remember(c, &c->links, pair(c, e->id, e->domain), sizeof *link);
    const char *why = NULL;
    if (e->amount)
        why = "P3: a message out of order";
    else if (e->count < link->received)
        why = "P1: has received less than before";
    if (why)
        return SKN_FAIL(
            diag, SKN_EFAULT, "%s: %.*s from %.*s", why, SKN_FMT(e->domain), SKN_FMT(e->id));
    link->received = e->count;
    return SKN_OK;
}

/* --- everything promised is there ------------------------------------------------------------------ */

static enum skn_rc missing_entry(struct skn_checker *c, struct skn_diag *diag)
{
    SKN_HMAP_FOREACH (entry, &c->asked) {
        const struct asked *asked = entry->value;
        bool is_promised =
            asked->is_answered && asked->rc == SKN_OK && skn_slice_eq(asked->name, SKN_LIT("add"));
        if ((is_promised || asked->entry_seen) && asked->entry_seen != c->observation)
            return SKN_FAIL(diag,
                            SKN_EFAULT,
                            "P1: %.*s was %s and is gone",
                            SKN_FMT(entry->key),
                            is_promised ? "answered" : "there");
    }
    return SKN_OK;
}

static enum skn_rc missing_run(struct skn_checker *c, struct skn_diag *diag)
{
    SKN_HMAP_FOREACH (entry, &c->runs) {
        const struct run *run = entry->value;
        if ((run->is_promised || run->seen) && run->seen != c->observation)
            return SKN_FAIL(diag, SKN_EFAULT, "P1: the run %.*s is gone", SKN_FMT(entry->key));
    }
    return SKN_OK;
}

static enum skn_rc missing_attempt(struct skn_checker *c, struct skn_diag *diag)
{
    SKN_HMAP_FOREACH (entry, &c->attempts) {
        const struct attempt *attempt = entry->value;
        if (attempt->seen == c->observation) continue;
        return SKN_FAIL(diag,
                        SKN_EFAULT,
                        "P5: attempt %u of %.*s %.*s was performed, and no row knows it",
                        attempt->number,
                        SKN_FMT(attempt->task->domain),
                        SKN_FMT(attempt->task->path));
    }
    return SKN_OK;
}

static enum skn_rc
observed(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)e;
    enum skn_rc rc = missing_entry(c, diag);
    if (rc == SKN_OK) rc = missing_run(c, diag);
    if (rc == SKN_OK) rc = missing_attempt(c, diag);
    SKN_HMAP_FOREACH (entry, &c->links) {
        const struct link *link = entry->value;
        if (rc == SKN_OK && link->received > link->sent)
            rc = SKN_FAIL(
                diag, SKN_EFAULT, "P3: more came than was sent: %.*s", SKN_FMT(entry->key));
    }
    return rc;
}

static enum skn_rc
the_end(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)e;
    SKN_HMAP_FOREACH (entry, &c->links) {
        const struct link *link = entry->value;
        if (link->received != link->sent)
            return SKN_FAIL(diag, SKN_EFAULT, "P3: messages are lost: %.*s", SKN_FMT(entry->key));
    }
    SKN_HMAP_FOREACH (entry, &c->runs) {
        const struct run *run = entry->value;
        if (!run->is_over)
            return SKN_FAIL(diag, SKN_EFAULT, "the run %.*s never ends", SKN_FMT(entry->key));
    }
    SKN_HMAP_FOREACH (entry, &c->asked) {
        const struct asked *asked = entry->value;
        if (!asked->is_answered)
            return SKN_FAIL(diag, SKN_EFAULT, "%.*s is never answered", SKN_FMT(entry->key));
    }
    return SKN_OK;
}

enum skn_rc skn_checker_add(struct skn_checker *checker,
                            const struct skn_history_event *event,
                            struct skn_diag *diag)
{
    static enum skn_rc (*const take[SKN_HISTORY_KINDS])(
        struct skn_checker *, const struct skn_history_event *, struct skn_diag *) = {
        [SKN_HISTORY_OPEN] = open_node,
        [SKN_HISTORY_CRASH] = crash,
        [SKN_HISTORY_REQUEST] = request,
        [SKN_HISTORY_REPLY] = reply,
        [SKN_HISTORY_PERFORM] = perform,
        [SKN_HISTORY_EFFECT] = effect,
        [SKN_HISTORY_RESULT] = result,
        [SKN_HISTORY_SETTLED] = settled,
        [SKN_HISTORY_OBSERVE] = observe,
        [SKN_HISTORY_RUN] = saw_run,
        [SKN_HISTORY_ATTEMPT] = saw_attempt,
        [SKN_HISTORY_ENTRY] = saw_entry,
        [SKN_HISTORY_TOTAL] = saw_total,
        [SKN_HISTORY_SENT] = saw_sent,
        [SKN_HISTORY_RECEIVED] = saw_received,
        [SKN_HISTORY_OBSERVED] = observed,
        [SKN_HISTORY_END] = the_end,
    };
    SKN_ASSERT(event->kind < SKN_HISTORY_KINDS);
    return take[event->kind](checker, event, diag);
}
