/* check_effects.c - judges a history: P5, effects, their attempts and epochs, and what is given to
 * them (P8). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/check_internal.h"

#include <inttypes.h>

#include "base/pure.h"

enum { DEATHS_MAX = 2 }; /* of a node, by its own fault, at one message [E35] */

struct task *check_task(struct skn_checker *c, const struct skn_history_event *e)
{
    return check_remember(c, &c->tasks, skn_slice(e->key, sizeof e->key), sizeof(struct task));
}

struct attempt *check_attempt(struct skn_checker *c, const struct skn_history_event *e)
{
    uint8_t key[sizeof e->key + sizeof e->attempt];
    memcpy(key, e->key, sizeof e->key);
    memcpy(key + sizeof e->key, &e->attempt, sizeof e->attempt);
    struct attempt *attempt =
        check_remember(c, &c->attempts, skn_slice(key, sizeof key), sizeof(struct attempt));
    attempt->task = check_task(c, e);
    attempt->number = e->attempt;
    return attempt;
}

enum skn_rc
check_bad_task(const struct skn_history_event *e, const char *why, struct skn_diag *diag)
{
    return SKN_FAIL(diag,
                    SKN_EFAULT,
                    "%s: %.*s %.*s attempt %u of epoch %" PRIu64,
                    why,
                    SKN_FMT(e->domain),
                    SKN_FMT(e->id),
                    e->attempt,
                    e->epoch);
}

struct task *
check_known_task(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    struct task *task = check_task(c, e);
    if (task->domain.len == 0) {
        task->domain = skn_arena_dup(&c->arena, e->domain);
        task->path = skn_arena_dup(&c->arena, e->id);
    }
    if (skn_slice_eq(task->domain, e->domain) && skn_slice_eq(task->path, e->id)) return task;
    (void)check_bad_task(e, "P5: a key is used for two tasks", diag);
    return NULL;
}

static void touch(struct skn_checker *c, struct task *task)
{
    if (task->is_touched) return;
    task->is_touched = true;
    task->next_touched = c->touched;
    c->touched = task;
}

enum skn_rc
check_perform(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    struct task *task = check_known_task(c, e, diag);
    const char *why = NULL;
    if (!task) return SKN_EFAULT;
    struct fence *fence = check_remember(c, &c->fences, e->domain, sizeof *fence);
    if (c->is_down)
        why = "P7: a node that is gone performs";
    else if (fence->life == c->life && fence->epoch != e->epoch)
        why = "P5: performed in another epoch than its own";
    else if (fence->life != c->life && e->epoch <= fence->epoch)
        why = "P5: performed in an epoch of an earlier node";
    else if (e->epoch > c->epoch)
        why = "P5: performed in an epoch that is not there yet";
    else if (e->is_stale)
        why = "P5: it is given the value of an older epoch";
    else if (e->is_leaking)
        why = "P8: it is given a value that was not declared for it";
    else if (task->accepted)
        why = "P5: it had succeeded, and is performed again";
    else if (task->live)
        why = "P5: performed while its last attempt runs";
    else if (e->attempt <= task->performed)
        why = "P5: performed for the second time";
    if (why) return check_bad_task(e, why, diag);
    task->performed = task->live = e->attempt;
    touch(c, task);
    struct attempt *attempt = check_attempt(c, e);
    attempt->epoch = e->epoch;
    attempt->life = c->life;
    *fence = (struct fence){e->epoch, c->life};
    return check_begins(c, task, e, diag);
}

enum skn_rc
check_effect(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    const struct task *task = check_task(c, e);
    if (e->attempt > task->performed)
        return check_bad_task(e, "P5: an effect that nobody asked for", diag);
    if (task->accepted)
        return check_bad_task(e, "P5: an effect of a task that had succeeded", diag);
    return SKN_OK;
}

enum skn_rc
check_result(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)diag;
    struct task *task = check_task(c, e);
    struct attempt *attempt = check_attempt(c, e);
    if (attempt->life != c->life || attempt->epoch != e->epoch) return SKN_OK; /* to be dropped */
    if (task->live == e->attempt) {
        task->live = 0;
        check_ends(task);
    }
    if (!e->is_success) return SKN_OK;
    attempt->has_succeeded = true;
    task->pending = e->attempt;
    touch(c, task);
    return SKN_OK;
}

enum skn_rc
check_settled(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    (void)e, (void)diag;
    struct task **at = &c->touched;
    while (*at) {
        struct task *task = *at;
        if (task->pending) task->accepted = task->pending;
        task->pending = 0;
        task->is_touched = task->live != 0;
        if (task->is_touched)
            at = &task->next_touched;
        else
            *at = task->next_touched;
    }
    return SKN_OK;
}

enum skn_rc
check_crash(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    for (struct task *task = c->touched; task; task = task->next_touched) {
        task->pending = task->live = 0;
        task->is_touched = false;
        check_ends(task);
    }
    c->touched = NULL;
    c->up_ms = check_up_ms(c, e->at_ms);
    c->is_up = false;
    c->is_down = true;
    c->even++;
    if (!skn_slice_eq(e->name, SKN_LIT("marked"))) return SKN_OK;
    if (++check_dead(c, e->domain)->marked > DEATHS_MAX)
        return check_bad(e, "P7: a message ended the node once more [E35]", diag);
    return SKN_OK;
}

enum skn_rc
check_open(struct skn_checker *c, const struct skn_history_event *e, struct skn_diag *diag)
{
    /* An opening that did nothing leaves no epoch behind [E43]; what was performed is compared. */
    if (e->epoch < c->epoch)
        return SKN_FAIL(
            diag, SKN_EFAULT, "P5: epoch %" PRIu64 " follows epoch %" PRIu64, e->epoch, c->epoch);
    c->epoch = e->epoch;
    c->life++;
    c->is_up = true;
    c->is_down = false;
    c->opened_ms = e->at_ms;
    return SKN_OK;
}
