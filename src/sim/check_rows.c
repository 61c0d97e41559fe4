/* check_rows.c - judges what the rows of a node say: everything promised is there, once, whole. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/check_internal.h"

#include <inttypes.h>

#include "base/pure.h"

enum skn_rc
check_observe(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)e, (void)diag;
    c->observation++;
    SKN_HMAP_FOREACH (entry, &c->ledgers)
        ((struct ledger *)entry->value)->sum = 0;
    return SKN_OK;
}

enum skn_rc
check_saw_run(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    struct run *run = check_remember(c, &c->runs, e->domain, sizeof *run);
    const char *why = NULL;
    if (run->seen && run->started != e->amount)
        why = "P2: a run was started twice";
    else if (run->is_over && !e->is_over)
        why = "P1: a run had ended and goes on";
    else if (e->is_stale)
        why = "P5: the value of an older epoch was taken";
    if (why) return check_bad(e, why, diag);
    run->seen = c->observation;
    run->started = e->amount;
    run->is_over = e->is_over;
    return SKN_OK;
}

enum skn_rc
check_saw_attempt(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    struct task *task = check_known_task(c, e, diag);
    if (!task) return SKN_EFAULT;
    if (task->seen == c->observation && task->context != e->context)
        return check_bad_task(e, "P5: a key is used for two contexts", diag);
    task->seen = c->observation;
    task->context = e->context;
    struct attempt *attempt = check_attempt(c, e);
    attempt->seen = c->observation;
    if (e->is_success && !attempt->has_succeeded)
        return check_bad_task(e, "P5: a success was taken that no result of its epoch said", diag);
    if (!e->is_success && task->accepted == e->attempt)
        return check_bad_task(e, "P5: a success that was accepted is gone", diag);
    if (e->is_success) task->accepted = e->attempt;
    return SKN_OK;
}

/* [E41] A job gives up after as many failures as its policy allows, interruptions left out. */
enum skn_rc
check_saw_job(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    struct asked *asked = check_asked(c, e);
    const char *why = NULL;
    bool has_given_up = e->is_over && !e->is_success && !e->is_stale;
    if (!asked->payloads)
        why = "P2: a job that nobody asked for";
    else if (asked->is_answered && asked->rc != SKN_OK)
        why = "P2: a job that was refused is there";
    else if (asked->is_over && !e->is_over)
        why = "P1: a job was over and goes on";
    else if (has_given_up && e->count != (uint64_t)e->amount)
        why = "P5: a job gave up, and had not failed as often as it may [E41]";
    if (why) return check_bad(e, why, diag);
    asked->seen = c->observation;
    asked->is_over = e->is_over;
    return SKN_OK;
}

enum skn_rc
check_saw_entry(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    struct asked *asked = check_asked(c, e);
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
    if (why) return check_bad(e, why, diag);
    asked->seen = c->observation;
    check_ledger(c, e->domain)->sum += e->amount;
    return SKN_OK;
}

enum skn_rc
check_saw_total(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    const struct ledger *ledger = check_ledger(c, e->domain);
    if (ledger->sum != e->amount)
        return SKN_FAIL(diag,
                        SKN_EFAULT,
                        "P2: %.*s has %" PRId64 ", its entries make %" PRId64,
                        SKN_FMT(e->domain),
                        e->amount,
                        ledger->sum);
    if (e->amount < ledger->shown)
        return SKN_FAIL(diag,
                        SKN_EFAULT,
                        "P1: %.*s has %" PRId64 ", and a query had shown %" PRId64,
                        SKN_FMT(e->domain),
                        e->amount,
                        ledger->shown);
    return SKN_OK;
}

/* --- messages between domains: P3 ----------------------------------------------------------------- */

static struct link *
link_of(struct skn_checker *c, struct skn_slice from, struct skn_slice to, uint32_t lane)
{
    (void)check_pair(c, from, to);
    skn_buf_put_u8(&c->key, ' ');
    skn_buf_put_u8(&c->key, (uint8_t)('0' + lane));
    return check_remember(c, &c->links, skn_buf_slice(&c->key), sizeof(struct link));
}

enum skn_rc
check_saw_sent(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    struct link *link = link_of(c, e->domain, e->id, e->context);
    if (e->count < link->sent)
        return SKN_FAIL(diag, SKN_EFAULT, "P1: %.*s has sent less than before", SKN_FMT(e->domain));
    link->sent = e->count;
    return SKN_OK;
}

enum skn_rc
check_saw_received(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    struct link *link = link_of(c, e->id, e->domain, e->context);
    const char *why = NULL;
    if (e->amount)
        why = "P3: a message out of order";
    else if (e->count < link->received)
        why = "P1: has received less than before";
    if (why) return check_bad(e, why, diag);
    link->received = e->count;
    return SKN_OK;
}

/* --- timers, dead letters, mailboxes -------------------------------------------------------------- */

enum skn_rc
check_saw_timer(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    struct asked *asked = check_asked(c, e);
    const char *why = NULL;
    if (!asked->payloads)
        why = "P2: a timer that nobody asked for";
    else if (e->count > 1)
        why = "P2: a timer fired more than once";
    else if (e->count == 1 && e->amount < 0)
        why = "P3: a timer fired before it was due [E51]";
    else if (e->count == 0 && (asked->is_over || asked->fired > 0))
        why = "P1: a timer had fired and waits again";
    else if (e->count == 0 && check_is_late(c, asked, e->at_ms))
        why = "P1: a timer is late";
    if (why) return check_bad(e, why, diag);
    asked->seen = c->observation;
    asked->is_over = e->count > 0;
    return SKN_OK;
}

enum skn_rc
check_saw_dead(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)diag;
    struct dead *dead = check_dead(c, e->domain);
    dead->count = e->count;
    dead->seen = c->observation;
    return SKN_OK;
}

enum skn_rc
check_saw_mail(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)c;
    if (e->amount < 0 || e->count <= (uint64_t)e->amount) return SKN_OK;
    return SKN_FAIL(diag,
                    SKN_EFAULT,
                    "P10: the mailbox of %.*s has %" PRIu64 " messages, its limit is %" PRId64,
                    SKN_FMT(e->domain),
                    e->count,
                    e->amount);
}

/* --- everything promised is there ------------------------------------------------------------------ */

static bool makes_a_row(struct skn_slice name)
{
    return skn_slice_eq(name, SKN_LIT("add")) || skn_slice_eq(name, SKN_LIT("do")) ||
           skn_slice_eq(name, SKN_LIT("later"));
}

static enum skn_rc missing_row(struct skn_checker *c, struct skn_diag *diag)
{
    SKN_HMAP_FOREACH (entry, &c->asked) {
        const struct asked *asked = entry->value;
        if (asked->seen == c->observation) continue;
        bool is_promised = asked->is_answered && asked->rc == SKN_OK && makes_a_row(asked->name);
        if (is_promised || asked->seen)
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

static enum skn_rc missing_dead_letter(struct skn_checker *c, struct skn_diag *diag)
{
    SKN_HMAP_FOREACH (entry, &c->dead) {
        const struct dead *dead = entry->value;
        uint64_t count = dead->seen == c->observation ? dead->count : 0;
        if (count < dead->promised)
            return SKN_FAIL(diag,
                            SKN_EFAULT,
                            "P10: %.*s has %" PRIu64 " dead letters, %" PRIu64
                            " requests were answered with a fault [E33]",
                            SKN_FMT(entry->key),
                            count,
                            dead->promised);
    }
    return SKN_OK;
}

enum skn_rc
check_observed(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)e;
    enum skn_rc rc = missing_row(c, diag);
    if (rc == SKN_OK) rc = missing_run(c, diag);
    if (rc == SKN_OK) rc = missing_attempt(c, diag);
    if (rc == SKN_OK) rc = missing_dead_letter(c, diag);
    if (rc == SKN_OK) rc = check_paces(c, diag);
    SKN_HMAP_FOREACH (entry, &c->links) {
        const struct link *link = entry->value;
        if (rc == SKN_OK && link->received > link->sent)
            rc = SKN_FAIL(
                diag, SKN_EFAULT, "P3: more came than was sent: %.*s", SKN_FMT(entry->key));
    }
    return rc;
}

enum skn_rc
check_the_end(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)e;
    if (c->place_seen > 0 && c->place_seen == c->observation)
        return SKN_FAIL(diag, SKN_EFAULT, "P10: nobody needs a limiter, and it is there");
    SKN_HMAP_FOREACH (entry, &c->links) {
        const struct link *link = entry->value;
        if (link->received != link->sent)
            return SKN_FAIL(diag, SKN_EFAULT, "P3: messages are lost: %.*s", SKN_FMT(entry->key));
    }
    SKN_HMAP_FOREACH (entry, &c->runs) {
        const struct run *run = entry->value;
        if (!run->is_over)
            return SKN_FAIL(diag, SKN_EFAULT, "P1: the run %.*s never ends", SKN_FMT(entry->key));
    }
    SKN_HMAP_FOREACH (entry, &c->asked) {
        const struct asked *asked = entry->value;
        if (!asked->is_answered)
            return SKN_FAIL(diag, SKN_EFAULT, "P1: %.*s is never answered", SKN_FMT(entry->key));
        bool ends = asked->rc == SKN_OK && (skn_slice_eq(asked->name, SKN_LIT("do")) ||
                                            skn_slice_eq(asked->name, SKN_LIT("later")));
        if (ends && !asked->is_over)
            return SKN_FAIL(diag, SKN_EFAULT, "P1: %.*s never ends", SKN_FMT(entry->key));
    }
    return SKN_OK;
}
