/* test_check.c - good histories are accepted, and each broken promise is found in one. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "lib/test.h"
#include "sim/sim.h"

#include <inttypes.h>
#include <string.h>

/* A constant one, for tables. */
#define S(text)                                    \
    {                                              \
        (const uint8_t *)"" text, sizeof(text) - 1 \
    }

#define LEDGER .domain = S("Ledger/0")
#define RUN    .domain = S("Run/0")
#define FIRST  .domain = S("Run/0"), .id = S("1"), .key = {1}
#define SECOND .domain = S("Run/0"), .id = S("2"), .key = {2}
#define ADD    LEDGER, .id = S("q1"), .name = S("add"), .hash = 11, .amount = 5

/* A ledger, two peers, and a run of two tasks, the second cut off by a crash. */
static const struct skn_history_event good[] = {
    {.kind = SKN_HISTORY_OPEN, .epoch = 1},
    {.kind = SKN_HISTORY_OBSERVE},
    {.kind = SKN_HISTORY_OBSERVED},
    {.kind = SKN_HISTORY_REQUEST, ADD},
    {.kind = SKN_HISTORY_REQUEST, RUN, .id = S("q2"), .name = S("start"), .hash = 22},
    {.kind = SKN_HISTORY_REPLY, ADD, .answer = 9, .count = 100}, /* the sum was 5 at stamp 100 */
    {.kind = SKN_HISTORY_REPLY, RUN, .id = S("q2"), .name = S("start"), .hash = 22},
    {.kind = SKN_HISTORY_PERFORM, FIRST, .attempt = 1, .epoch = 1}, /* 7 */
    {.kind = SKN_HISTORY_EFFECT, FIRST, .attempt = 1, .epoch = 1},
    {.kind = SKN_HISTORY_RESULT, FIRST, .attempt = 1, .epoch = 1, .is_success = true},
    {.kind = SKN_HISTORY_SETTLED}, /* 10 */
    {.kind = SKN_HISTORY_PERFORM, SECOND, .attempt = 1, .epoch = 1},
    {.kind = SKN_HISTORY_REQUEST, LEDGER, .name = S("get")},
    {.kind = SKN_HISTORY_REPLY, LEDGER, .name = S("get"), .amount = 5},
    {.kind = SKN_HISTORY_CRASH, .name = S("kill")},
    {.kind = SKN_HISTORY_OPEN, .epoch = 2}, /* 15 */
    {.kind = SKN_HISTORY_OBSERVE},
    {.kind = SKN_HISTORY_ENTRY, LEDGER, .id = S("q1"), .amount = 5, .count = 1},
    {.kind = SKN_HISTORY_TOTAL, LEDGER, .amount = 5},
    {.kind = SKN_HISTORY_SENT, .domain = S("Peer/0"), .id = S("Peer/1"), .count = 2},
    {.kind = SKN_HISTORY_RECEIVED, .domain = S("Peer/1"), .id = S("Peer/0"), .count = 2},
    {.kind = SKN_HISTORY_RUN, RUN, .amount = 77}, /* 21 */
    {.kind = SKN_HISTORY_ATTEMPT,
     FIRST,
     .context = 1,
     .attempt = 1,
     .epoch = 1,
     .is_success = true},
    {.kind = SKN_HISTORY_ATTEMPT, SECOND, .context = 2, .attempt = 1, .epoch = 1},
    {.kind = SKN_HISTORY_OBSERVED},
    {.kind = SKN_HISTORY_PERFORM, SECOND, .attempt = 2, .epoch = 2}, /* 25 */
    {.kind = SKN_HISTORY_RESULT, SECOND, .attempt = 2, .epoch = 2, .is_success = true},
    {.kind = SKN_HISTORY_SETTLED},
    {.kind = SKN_HISTORY_REQUEST, ADD},
    {.kind = SKN_HISTORY_REPLY, ADD, .answer = 9},
    {.kind = SKN_HISTORY_OBSERVE}, /* 30 */
    {.kind = SKN_HISTORY_ENTRY, LEDGER, .id = S("q1"), .amount = 5, .count = 1},
    {.kind = SKN_HISTORY_TOTAL, LEDGER, .amount = 5},
    {.kind = SKN_HISTORY_SENT, .domain = S("Peer/0"), .id = S("Peer/1"), .count = 2},
    {.kind = SKN_HISTORY_RECEIVED, .domain = S("Peer/1"), .id = S("Peer/0"), .count = 2},
    {.kind = SKN_HISTORY_RUN, RUN, .amount = 77, .is_over = true}, /* 35 */
    {.kind = SKN_HISTORY_ATTEMPT,
     FIRST,
     .context = 1,
     .attempt = 1,
     .epoch = 1,
     .is_success = true},
    {.kind = SKN_HISTORY_ATTEMPT, SECOND, .context = 2, .attempt = 1, .epoch = 1},
    {.kind = SKN_HISTORY_ATTEMPT,
     SECOND,
     .context = 2,
     .attempt = 2,
     .epoch = 2,
     .is_success = true},
    {.kind = SKN_HISTORY_OBSERVED},
    {.kind = SKN_HISTORY_THEN, LEDGER, .count = 99}, /* 40 */
    {.kind = SKN_HISTORY_THEN, LEDGER, .count = 100, .amount = 5},
    {.kind = SKN_HISTORY_THEN, LEDGER, .id = S("q1"), .count = 100, .is_over = true},
    {.kind = SKN_HISTORY_END},
};

#define PEER  .domain = S("Peer/0")
#define TIMER PEER, .id = S("t1"), .name = S("later"), .hash = 5, .amount = 1000
#define SOON  PEER, .id = S("t2"), .name = S("later"), .hash = 6, .amount = 100
#define JOB   .domain = S("Job/0"), .id = S("j1")
#define ONE   .name = S("one"), .amount = 1
#define WORK  JOB, .key = {3}, .epoch = 1
#define OTHER JOB, .key = {4}, .epoch = 1
#define GIVEN .kind = SKN_HISTORY_GIVEN, JOB, .name = S("paced"), .count = 50

/* Two timers, a job that fails twice and may no more, an add that faults, and a crash. */
static const struct skn_history_event second[] = {
    {.kind = SKN_HISTORY_OPEN, .epoch = 1},
    {.kind = SKN_HISTORY_OBSERVE},
    {.kind = SKN_HISTORY_OBSERVED},
    {.kind = SKN_HISTORY_REQUEST, TIMER, .at_ms = 10},
    {.kind = SKN_HISTORY_REPLY, TIMER, .at_ms = 20},
    {.kind = SKN_HISTORY_REQUEST, SOON, .at_ms = 20}, /* 5 */
    {.kind = SKN_HISTORY_REPLY, SOON, .at_ms = 30},
    {.kind = SKN_HISTORY_REQUEST, JOB, .name = S("do"), .hash = 7, .amount = 2},
    {.kind = SKN_HISTORY_REPLY, JOB, .name = S("do"), .hash = 7},
    {.kind = SKN_HISTORY_PERFORM, WORK, ONE, .attempt = 1},
    {.kind = SKN_HISTORY_RESULT, WORK, .attempt = 1}, /* 10 */
    {.kind = SKN_HISTORY_SETTLED},
    {.kind = SKN_HISTORY_PERFORM, WORK, ONE, .attempt = 2},
    {.kind = SKN_HISTORY_RESULT, WORK, .attempt = 2},
    {.kind = SKN_HISTORY_SETTLED},
    {.kind = SKN_HISTORY_REQUEST, ADD}, /* 15 */
    {.kind = SKN_HISTORY_REPLY, ADD, .rc = SKN_EEXECUTION},
    {.kind = SKN_HISTORY_REQUEST, LEDGER, .name = S("get")},
    {.kind = SKN_HISTORY_REPLY, LEDGER, .name = S("get"), .amount = 4},
    {.kind = SKN_HISTORY_FIRED, TIMER, .at_ms = 1030},
    {.kind = SKN_HISTORY_CRASH, .name = S("kill"), .at_ms = 2000}, /* 20 */
    {.kind = SKN_HISTORY_OPEN, .epoch = 2, .at_ms = 3000},
    {.kind = SKN_HISTORY_OBSERVE},
    {.kind = SKN_HISTORY_TIMER, TIMER, .count = 1},
    {.kind = SKN_HISTORY_TIMER, PEER, .id = S("t2"), .count = 1, .amount = 3},
    {.kind = SKN_HISTORY_JOB, JOB, .amount = 2, .count = 2, .is_over = true}, /* 25 */
    {.kind = SKN_HISTORY_ATTEMPT, WORK, .attempt = 1},
    {.kind = SKN_HISTORY_ATTEMPT, WORK, .attempt = 2},
    {.kind = SKN_HISTORY_DEAD, LEDGER, .count = 1},
    {.kind = SKN_HISTORY_MAIL, PEER, .count = 10, .amount = 10},
    {GIVEN, .attempt = 1, .amount = 170}, /* 30 */
    {GIVEN, .attempt = 2, .amount = 120},
    {.kind = SKN_HISTORY_OBSERVED},
    {.kind = SKN_HISTORY_END},
};

enum change { DROP, REPLACE, INSERT };

struct anomaly {
    const char *what;
    const char *says;
    size_t at;
    enum change change;
    struct skn_history_event event;
};

static const struct anomaly of_second[] = {
    {"a timer is late",
     "P1: a timer came late",
     19,
     REPLACE,
     {.kind = SKN_HISTORY_FIRED, TIMER, .at_ms = 1030 + SKN_TIMER_LATE_MS_MAX}},
    {"a timer comes before it is due",
     "P3: a timer came before",
     19,
     REPLACE,
     {.kind = SKN_HISTORY_FIRED, TIMER, .at_ms = 997}},
    {"a timer is told twice",
     "P2: a timer fired twice",
     20,
     INSERT,
     {.kind = SKN_HISTORY_FIRED, TIMER, .at_ms = 1040}},
    {"a timer of nobody",
     "P2: a timer that nobody",
     20,
     INSERT,
     {.kind = SKN_HISTORY_FIRED, PEER, .id = S("t9")}},
    {"a row of a timer of nobody",
     "P2: a timer that nobody",
     24,
     INSERT,
     {.kind = SKN_HISTORY_TIMER, PEER, .id = S("t9"), .count = 1}},
    {"a timer fired twice",
     "P2: a timer fired more",
     23,
     REPLACE,
     {.kind = SKN_HISTORY_TIMER, TIMER, .count = 2}},
    {"a timer fired too early",
     "P3: a timer fired before",
     24,
     REPLACE,
     {.kind = SKN_HISTORY_TIMER, PEER, .id = S("t2"), .count = 1, .amount = -1}},
    {"a timer that was told waits again",
     "P1: a timer had fired",
     23,
     REPLACE,
     {.kind = SKN_HISTORY_TIMER, TIMER, .count = 0}},
    {"a timer does not come, though nodes were up for long enough",
     "P1: a timer is late",
     24,
     REPLACE,
     {.kind = SKN_HISTORY_TIMER, PEER, .id = S("t2"), .at_ms = 2000 + SKN_TIMER_LATE_MS_MAX}},
    {"a timer never comes",
     "never ends",
     24,
     REPLACE,
     {.kind = SKN_HISTORY_TIMER, PEER, .id = S("t2"), .count = 0}},
    {"a timer is gone", "P1: Peer/0 t1 was answered", 23, DROP, {0}},
    {"a job gives up early",
     "P5: a job gave up",
     25,
     REPLACE,
     {.kind = SKN_HISTORY_JOB, JOB, .amount = 2, .count = 1, .is_over = true}},
    {"a job never ends",
     "never ends",
     25,
     REPLACE,
     {.kind = SKN_HISTORY_JOB, JOB, .amount = 2, .count = 2}},
    {"a job is gone", "P1: Job/0 j1 was answered", 25, DROP, {0}},
    {"a job of nobody",
     "P2: a job that nobody",
     25,
     INSERT,
     {.kind = SKN_HISTORY_JOB, .domain = S("Job/0"), .id = S("j9"), .is_over = true}},
    {"a value that was not declared",
     "P8: it is given",
     12,
     REPLACE,
     {.kind = SKN_HISTORY_PERFORM, WORK, .attempt = 2, .is_leaking = true}},
    {"a dead letter is lost", "P10: Ledger/0 has 0 dead", 28, DROP, {0}},
    {"a mailbox is over its limit",
     "P10: the mailbox",
     29,
     REPLACE,
     {.kind = SKN_HISTORY_MAIL, PEER, .count = 11, .amount = 10}},
    {"one more than its limiter has places for",
     "P10: more at once",
     13,
     INSERT,
     {.kind = SKN_HISTORY_PERFORM, OTHER, ONE, .attempt = 1}},
    {"a limiter lets one begin too early",
     "P10: limiter paced let two begin 49 ms apart",
     30,
     REPLACE,
     {GIVEN, .attempt = 1, .amount = 169}},
    {"a limiter that nobody needs",
     "P10: nobody needs a limiter",
     31,
     INSERT,
     {.kind = SKN_HISTORY_PLACE, .domain = S("limit:Limit/one")}},
    {"an answer of a node that is gone",
     "P7: a node that is gone answers",
     21,
     INSERT,
     {.kind = SKN_HISTORY_REPLY, TIMER}},
    {"an effect of a node that is gone",
     "P7: a node that is gone performs",
     21,
     INSERT,
     {.kind = SKN_HISTORY_PERFORM, WORK, .attempt = 3}},
    {"a timer of a node that is gone",
     "P7: a node that is gone tells",
     21,
     INSERT,
     {.kind = SKN_HISTORY_FIRED, SOON}},
    {"a query shows less than one before",
     "P1: Ledger/0 shows 3",
     19,
     INSERT,
     {.kind = SKN_HISTORY_REPLY, LEDGER, .name = S("get"), .amount = 3}},
    {"what a query showed is gone",
     "P1: Ledger/0 has 0, and a query",
     28,
     INSERT,
     {.kind = SKN_HISTORY_TOTAL, LEDGER, .amount = 0}},
};

static const struct anomaly anomalies[] = {
    {"an epoch goes back", "P5: epoch", 15, REPLACE, {.kind = SKN_HISTORY_OPEN, .epoch = 0}},
    {"an answer to nothing", "P2: an answer", 3, DROP, {0}},
    {"another answer to the same id",
     "P2: the same id",
     29,
     REPLACE,
     {.kind = SKN_HISTORY_REPLY, ADD, .answer = 10}},
    {"another code for the same id",
     "P2: the same id",
     29,
     REPLACE,
     {.kind = SKN_HISTORY_REPLY, ADD, .answer = 9, .rc = SKN_EGONE}},
    {"a repeat is called another request",
     "P2: called another",
     29,
     REPLACE,
     {.kind = SKN_HISTORY_REPLY, ADD, .rc = SKN_EIDREUSED}},
    {"a query shows less than was answered",
     "P1: Ledger/0 shows",
     13,
     REPLACE,
     {.kind = SKN_HISTORY_REPLY, LEDGER, .name = S("get"), .amount = 4}},
    {"a query shows more than was asked for",
     "P1: Ledger/0 shows",
     13,
     REPLACE,
     {.kind = SKN_HISTORY_REPLY, LEDGER, .name = S("get"), .amount = 6}},
    {"an answered entry is gone with its amount", "P2: Ledger/0 has", 17, DROP, {0}},
    {"an entry was added twice",
     "P2: a request changed",
     17,
     REPLACE,
     {.kind = SKN_HISTORY_ENTRY, LEDGER, .id = S("q1"), .amount = 5, .count = 2}},
    {"an entry that nobody asked for",
     "P2: an entry that nobody",
     17,
     INSERT,
     {.kind = SKN_HISTORY_ENTRY, LEDGER, .id = S("q9"), .amount = 5, .count = 1}},
    {"a refused request has an entry",
     "P2: a request that was refused",
     5,
     REPLACE,
     {.kind = SKN_HISTORY_REPLY, ADD, .rc = SKN_EFAULT}},
    {"a sum is wrong",
     "P2: Ledger/0 has",
     18,
     REPLACE,
     {.kind = SKN_HISTORY_TOTAL, LEDGER, .amount = 10}},
    {"a run is gone", "P1: the run", 21, DROP, {0}},
    {"a run started twice",
     "P2: a run was started",
     35,
     REPLACE,
     {.kind = SKN_HISTORY_RUN, RUN, .amount = 78, .is_over = true}},
    {"a run has a value of an older epoch",
     "P5: the value",
     35,
     REPLACE,
     {.kind = SKN_HISTORY_RUN, RUN, .amount = 77, .is_over = true, .is_stale = true}},
    {"a run does not end", "never ends", 35, REPLACE, {.kind = SKN_HISTORY_RUN, RUN, .amount = 77}},
    {"a performed attempt has no row", "P5: attempt 1 of Run/0 2", 23, DROP, {0}},
    {"an attempt that a row had is gone", "P5: attempt 1 of Run/0 2", 37, DROP, {0}},
    {"an accepted success is gone",
     "P5: a success that was accepted",
     22,
     REPLACE,
     {.kind = SKN_HISTORY_ATTEMPT, FIRST, .context = 1, .attempt = 1, .epoch = 1}},
    {"a success that nobody reported",
     "P5: a success was taken",
     23,
     REPLACE,
     {.kind = SKN_HISTORY_ATTEMPT,
      SECOND,
      .context = 2,
      .attempt = 1,
      .epoch = 1,
      .is_success = true}},
    {"a success of an older epoch is taken", /* 26: told for an attempt of the dead node */
     "P5: a success was taken",
     26,
     REPLACE,
     {.kind = SKN_HISTORY_RESULT, SECOND, .attempt = 2, .epoch = 1, .is_success = true}},
    {"a finished task runs again",
     "P5: it had succeeded",
     25,
     INSERT,
     {.kind = SKN_HISTORY_PERFORM, FIRST, .attempt = 2, .epoch = 2}},
    {"an effect of a finished task",
     "P5: an effect of a task",
     25,
     INSERT,
     {.kind = SKN_HISTORY_EFFECT, FIRST, .attempt = 1, .epoch = 1}},
    {"an effect of nobody", "P5: an effect that nobody", 7, DROP, {0}},
    {"the same attempt twice",
     "P5: performed for the second",
     25,
     REPLACE,
     {.kind = SKN_HISTORY_PERFORM, SECOND, .attempt = 1, .epoch = 2}},
    {"two attempts beside each other",
     "P5: performed while",
     12,
     INSERT,
     {.kind = SKN_HISTORY_PERFORM, SECOND, .attempt = 2, .epoch = 1}},
    {"an effect under an older epoch",
     "P5: performed in an epoch of an earlier",
     25,
     REPLACE,
     {.kind = SKN_HISTORY_PERFORM, SECOND, .attempt = 2, .epoch = 1}},
    {"an effect under an epoch that nobody opened",
     "P5: performed in an epoch that is not there",
     25,
     REPLACE,
     {.kind = SKN_HISTORY_PERFORM, SECOND, .attempt = 2, .epoch = 3}},
    {"two epochs of one node",
     "P5: performed in another",
     26,
     INSERT,
     {.kind = SKN_HISTORY_PERFORM, FIRST, .attempt = 2, .epoch = 1}},
    {"an effect that is given a value of an older epoch",
     "P5: it is given",
     25,
     REPLACE,
     {.kind = SKN_HISTORY_PERFORM, SECOND, .attempt = 2, .epoch = 2, .is_stale = true}},
    {"a key of two tasks",
     "P5: a key is used for two tasks",
     25,
     REPLACE,
     {.kind = SKN_HISTORY_PERFORM, RUN, .id = S("2"), .key = {1}, .attempt = 2, .epoch = 2}},
    {"a key of two contexts",
     "P5: a key is used for two contexts",
     23,
     INSERT,
     {.kind = SKN_HISTORY_ATTEMPT,
      FIRST,
      .context = 2,
      .attempt = 1,
      .epoch = 1,
      .is_success = true}},
    {"messages out of order",
     "P3: a message out",
     20,
     REPLACE,
     {.kind = SKN_HISTORY_RECEIVED,
      .domain = S("Peer/1"),
      .id = S("Peer/0"),
      .count = 2,
      .amount = 2}},
    {"a message came twice",
     "P3: more came",
     20,
     REPLACE,
     {.kind = SKN_HISTORY_RECEIVED, .domain = S("Peer/1"), .id = S("Peer/0"), .count = 3}},
    {"a message is lost",
     "P3: messages are lost",
     33,
     REPLACE,
     {.kind = SKN_HISTORY_SENT, .domain = S("Peer/0"), .id = S("Peer/1"), .count = 3}},
    {"less is sent than before",
     "P1: Peer/0 has sent",
     33,
     REPLACE,
     {.kind = SKN_HISTORY_SENT, .domain = S("Peer/0"), .id = S("Peer/1"), .count = 1}},
    {"less has come than before",
     "P1: has received",
     34,
     REPLACE,
     {.kind = SKN_HISTORY_RECEIVED, .domain = S("Peer/1"), .id = S("Peer/0"), .count = 1}},
    {"a request has no answer",
     "never answered",
     40,
     INSERT,
     {.kind = SKN_HISTORY_REQUEST, RUN, .id = S("q7"), .name = S("stop"), .hash = 3}},
    {"more is shown of a stamp than there was [E70]",
     "P4: Ledger/0 had 0 at stamp 99, and not what is shown of then, 5",
     40,
     REPLACE,
     {.kind = SKN_HISTORY_THEN, LEDGER, .count = 99, .amount = 5}},
    {"less is shown of a stamp than there was [E70]",
     "P4: Ledger/0 had 5 at stamp 100, and not what is shown of then, 0",
     41,
     REPLACE,
     {.kind = SKN_HISTORY_THEN, LEDGER, .count = 100}},
    {"what was pruned is shown [E70]",
     "P8: what was pruned is shown again",
     42,
     REPLACE,
     {.kind = SKN_HISTORY_THEN, LEDGER, .id = S("q1"), .count = 100}},
};

/* What the checker says of the good history with one change; empty when it says nothing. */
static void judge(enum change change,
                  size_t at,
                  const struct skn_history_event *event,
                  const struct skn_history_event *history,
                  size_t count,
                  struct skn_diag *diag)
{
    struct skn_checker *checker = skn_checker_create();
    enum skn_rc rc = SKN_OK;
    *diag = (struct skn_diag){0};
    for (size_t i = 0; i < count && rc == SKN_OK; i++) {
        bool is_here = i == at && event;
        if (is_here && change != DROP) rc = skn_checker_add(checker, event, diag);
        if (rc == SKN_OK && (!is_here || change == INSERT))
            rc = skn_checker_add(checker, &history[i], diag);
    }
    assert_true(rc == SKN_OK || rc == SKN_EFAULT);
    assert_int_equal(rc == SKN_OK, diag->text[0] == 0);
    skn_checker_destroy(checker);
}

static void a_good_history_is_accepted(void **state)
{
    (void)state;
    struct skn_diag diag;
    judge(INSERT, 0, NULL, good, SKN_ARRAY_LEN(good), &diag);
    assert_string_equal(diag.text, "");
    judge(INSERT, 0, NULL, second, SKN_ARRAY_LEN(second), &diag);
    assert_string_equal(diag.text, "");
}

static void
must_be_named(const struct anomaly *anomaly, const struct skn_history_event *history, size_t count)
{
    struct skn_diag diag;
    judge(anomaly->change, anomaly->at, &anomaly->event, history, count, &diag);
    if (!strstr(diag.text, anomaly->says)) fail_msg("%s: \"%s\"", anomaly->what, diag.text);
}

static void each_broken_promise_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < SKN_ARRAY_LEN(anomalies); i++)
        must_be_named(&anomalies[i], good, SKN_ARRAY_LEN(good));
    for (size_t i = 0; i < SKN_ARRAY_LEN(of_second); i++)
        must_be_named(&of_second[i], second, SKN_ARRAY_LEN(second));
}

/* --- histories of the simulator, spoilt ------------------------------------------------------- */

struct record {
    struct skn_arena arena;
    struct skn_history_event *events;
    size_t count, cap;
};

static void record_event(void *ctx, const struct skn_history_event *event)
{
    struct record *record = ctx;
    if (record->count == record->cap) {
        record->cap = record->cap ? 2 * record->cap : 1024;
        record->events = skn_realloc(record->events, record->cap * sizeof *record->events);
    }
    struct skn_history_event *copy = &record->events[record->count++];
    *copy = *event;
    copy->domain = skn_arena_dup(&record->arena, event->domain);
    copy->id = skn_arena_dup(&record->arena, event->id);
    copy->name = skn_arena_dup(&record->arena, event->name);
}

/* What can never be right: an entry left out, anything performed twice, a crash that no epoch
 * follows, a row that changed. False: this event has no such change. */
static bool spoil(const struct skn_history_event *event,
                  enum change *out_change,
                  struct skn_history_event *out_event)
{
    *out_event = *event;
    *out_change = REPLACE;
    switch ((int)event->kind) {
    case SKN_HISTORY_OPEN: out_event->epoch = 0; return event->epoch > 1;
    case SKN_HISTORY_ENTRY: *out_change = DROP; return true;
    case SKN_HISTORY_TOTAL: out_event->amount++; return true;
    case SKN_HISTORY_RECEIVED: out_event->count += 1000; return true;
    case SKN_HISTORY_PERFORM: *out_change = INSERT; return true;
    case SKN_HISTORY_RUN: out_event->is_stale = true; return true;
    case SKN_HISTORY_TIMER: out_event->count += 2; return true;
    case SKN_HISTORY_JOB: *out_change = DROP; return true;
    default: return false;
    }
}

/* As text and back: what a file holds is judged like what was seen. */
static void through_text(struct record *record)
{
    struct skn_buf line;
    skn_buf_init(&line, 1 << 20);
    for (size_t i = 0; i < record->count; i++) {
        struct skn_history_event back;
        struct skn_diag diag = {0};
        skn_buf_reset(&line);
        skn_history_print(&record->events[i], &line);
        enum skn_rc rc = skn_history_parse(skn_buf_slice(&line), &record->arena, &back, &diag);
        if (rc != SKN_OK) fail_msg("%s: %s", skn_buf_str(&line), diag.text);
        record->events[i] = back;
    }
    skn_buf_fini(&line);
}

/* At least 200 good histories are accepted, and each of them with one anomaly is refused. */
static void a_spoilt_history_of_the_simulator_is_refused(void **state)
{
    (void)state;
    enum { HISTORIES = 230 };
    uint64_t refused = 0;
    struct skn_rng rng;
    skn_rng_init(&rng, 1);
    for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
        struct record record = {0};
        struct skn_sim_report report;
        struct skn_diag diag = {0};
        struct skn_sim_options options = {
            .seed = seed, .steps = 400, .trace = record_event, .trace_ctx = &record};
        skn_arena_init(&record.arena);
        if (skn_sim_run(&options, &report, NULL, &diag) != SKN_OK) fail_msg("%s", diag.text);
        through_text(&record);
        judge(INSERT, 0, NULL, record.events, record.count, &diag);
        assert_string_equal(diag.text, "");
        /* A short one may have nothing in it that could be spoilt. */
        bool is_spoilt = false;
        for (size_t tries = 0; !is_spoilt && tries < 20 * record.count; tries++) {
            enum change change;
            struct skn_history_event event;
            size_t at = skn_rng_below(&rng, record.count);
            is_spoilt = spoil(&record.events[at], &change, &event);
            if (!is_spoilt) continue;
            judge(change, at, &event, record.events, record.count, &diag);
            if (diag.text[0] == 0) fail_msg("seed %" PRIu64 ", event %zu is not missed", seed, at);
            refused++;
        }
        skn_free(record.events);
        skn_arena_fini(&record.arena);
    }
    print_message("covered: %d histories accepted, %" PRIu64 " with an anomaly refused\n",
                  HISTORIES,
                  refused);
    assert_true(refused >= 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_history_is_accepted),
        cmocka_unit_test(each_broken_promise_is_named),
        cmocka_unit_test(a_spoilt_history_of_the_simulator_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
