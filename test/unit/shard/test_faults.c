/* test_faults.c - small scripts over the shards of a node, and the k-th file operation fails, for
 * every k until the script runs clean: nothing acknowledged is lost, nothing is done twice. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/bug.h"
#include "base/rng.h"
#include "dev/dev.h"
#include "env/env_sim.h"
#include "lib/test.h"
#include "shard/shards.h"
#include "value/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { DOMAINS = 6, FLOODS = 3, NOTES = 7, ASKS_MAX = 300, TURNS_MAX = 20000, COMMITS_MAX = 40 };

static const struct skn_program *const programs[] = {
    &skn_dev_counter, &skn_dev_echo, &skn_dev_flood, &skn_dev_ledger, NULL};

/* What a script does, one letter each, with a count behind it:
 *   a  asks counters    f  asks floods, each of which sends to the next    l  adds by a timer
 *   x  asks for a fault: an answer, and nothing changed
 *   s  turns until all is answered    d  sends so many again that were answered    w  waits (100 ms)
 *   c  a checkpoint, and its trim     z  closes and opens (sealed)    k  a kill    p  a power cut
 */
struct script {
    unsigned shards, workers, bytes; /* bytes: of a counter's row */
    const char *text;
};

static const struct script scripts[] = {
    {1, 1, 10, "a1s"},
    {1, 1, 10, "a1sz"},
    {1, 1, 10, "a1sa1sz"},
    {1, 1, 10, "a6sk"},
    {1, 1, 10, "a6sp"},
    {3, 1, 10, "a12s"},
    {3, 2, 10, "a12sza6sz"},
    {3, 2, 10, "a12sca6s"},
    {3, 1, 10, "a12scza6sk"},
    {6, 3, 10, "f3s"},
    {6, 2, 10, "f6scf3sz"},
    {6, 3, 10, "f3sf3pf3sk"},
    {6, 2, 10, "f6a6scza6f6skf3s"},
    {2, 1, 3000, "a9sca9sca9sca9s"},
    {2, 2, 3000, "a9sca9sza9sca9sk"},
    {2, 1, 3000, "a9a9sca9sca9scpa9s"},
    {4, 1, 10, "a6sd6d6kd6s"},
    {4, 2, 10, "l4sw2ka4sw9z"},
    {4, 1, 10, "x3sa3x3scx3szs"},
    {8, 3, 500, "a20f3l3x2scd9w9za9f3ska5spa5sc"},
};

enum kind { COUNT, FLOOD, LATER, FAULT };

struct ask {
    enum kind kind;
    unsigned domain;
    bool is_asked, is_answered;
};

struct node {
    const struct script *script;
    struct skn_env_sim *sim;
    struct skn_backend *backend;
    struct skn_shards *shards;
    struct skn_shards_options options;
    struct skn_rng rng;
    struct ask asks[ASKS_MAX];
    unsigned asked;
    enum skn_rc rc; /* of what failed; then nothing goes on */
    struct skn_diag diag;
    const char *where;
};

struct tally {
    uint64_t faults, reported, tolerated, opened_twice, runs;
};

static bool opens(struct node *n)
{
    n->rc = skn_shards_open(&n->options, &n->shards, &n->diag);
    if (n->rc != SKN_OK) n->shards = NULL;
    return n->rc == SKN_OK;
}

static void hear(struct node *n)
{
    struct skn_shards_event event;
    while (skn_shards_next_event(n->shards, &event)) {
        if (!event.output || event.output->kind != SKN_OUTPUT_REPLY) continue;
        struct ask *ask = &n->asks[event.output->number - 1];
        if (ask->kind != FAULT && event.output->rc != SKN_OK)
            fail_msg("%s: request %d is answered with %d",
                     n->where,
                     (int)event.output->number,
                     (int)event.output->rc);
        ask->is_answered = true;
    }
}

static bool turns(struct node *n)
{
    bool more;
    n->rc = skn_shards_turn_all(n->shards, &more, &n->diag);
    hear(n);
    skn_env_sim_advance(n->sim, 3000000);
    return n->rc == SKN_OK;
}

static void name(char out[32], enum kind kind, unsigned domain)
{
    static const char *const types[] = {"Counter/c", "Flood/f", "Counter/l", "Counter/x"};
    (void)snprintf(out, 32, "a:%s%u", types[kind], domain);
}

static void ask_for(struct node *n, unsigned i)
{
    static const char *const messages[] = {"add-many", "flood", "add-later", "add"};
    char address[32], to[32], id[16], payload[96];
    struct skn_buf buf;
    struct ask *ask = &n->asks[i];
    name(address, ask->kind, ask->domain);
    name(to, FLOOD, (ask->domain + 1) % FLOODS);
    (void)snprintf(id, sizeof id, "id%u", i);
    if (ask->kind == COUNT)
        (void)snprintf(payload, sizeof payload, "{\"rows\":3,\"bytes\":%u}", n->script->bytes);
    else if (ask->kind == FLOOD)
        (void)snprintf(payload, sizeof payload, "{\"to\":\"%s\",\"count\":%d}", to, NOTES);
    else
        (void)snprintf(payload,
                       sizeof payload,
                       "{\"ms\":300,\"fault\":%s}",
                       ask->kind == FAULT ? "true" : "false");
    skn_buf_init(&buf, 4096);
    assert_int_equal(skn_json_parse(skn_slice_str(payload), NULL, &buf, NULL), SKN_OK);
    const struct skn_request request = {.number = i + 1,
                                        .caller = SKN_LIT("t"),
                                        .id = skn_slice_str(id),
                                        .address = skn_slice_str(address),
                                        .name = skn_slice_str(messages[ask->kind]),
                                        .payload = skn_value_view(skn_buf_slice(&buf)),
                                        .priority = SKN_PRIORITY_NORMAL};
    skn_shards_submit(n->shards, &request);
    skn_buf_fini(&buf);
    ask->is_asked = true;
}

static void ask_more(struct node *n, enum kind kind, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_true(n->asked < ASKS_MAX);
        n->asks[n->asked] = (struct ask){
            .kind = kind,
            .domain = (unsigned)skn_rng_below(&n->rng, kind == FLOOD ? FLOODS : DOMAINS)};
        ask_for(n, n->asked++);
    }
}

static bool settles(struct node *n)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        unsigned open = 0;
        for (unsigned a = 0; a < n->asked; a++) {
            if (!n->asks[a].is_answered && !n->asks[a].is_asked) ask_for(n, a);
            open += !n->asks[a].is_answered;
        }
        if (open == 0) return true;
        if (!turns(n)) return false;
    }
    fail_msg("%s: not all is answered", n->where);
    return false;
}

static bool turns_for(struct node *n, unsigned tenths)
{
    uint64_t until = skn_env_now_mono_ns(n->options.env) + tenths * UINT64_C(100000000);
    while (skn_env_now_mono_ns(n->options.env) < until)
        if (!turns(n)) return false;
    return true;
}

static bool checkpoints(struct node *n)
{
    uint64_t before = skn_shards_state(n->shards).checkpoints;
    skn_shards_checkpoint(n->shards);
    for (int i = 0; i < TURNS_MAX; i++) {
        if (!turns(n)) return false;
        if (skn_shards_state(n->shards).checkpoints > before) return turns(n) && turns(n);
    }
    fail_msg("%s: a checkpoint does not end", n->where);
    return false;
}

/* What the process leaves when it dies now; requests without an answer will be sent again. */
static void dies(struct node *n, bool with_power)
{
    skn_shards_abandon(n->shards);
    n->shards = NULL;
    if (with_power)
        skn_env_sim_power_cut(n->sim, (enum skn_cut)skn_rng_below(&n->rng, SKN_CUT_COUNT));
    else
        skn_env_sim_kill(n->sim);
    size_t unflushed = skn_backend_memory_unflushed(n->backend);
    skn_backend_memory_crash(n->backend, (size_t)skn_rng_below(&n->rng, unflushed + 1));
    for (unsigned a = 0; a < n->asked; a++)
        n->asks[a].is_asked = n->asks[a].is_answered;
}

static bool closes(struct node *n)
{
    struct skn_shards *shards = n->shards;
    n->shards = NULL;
    n->rc = skn_shards_close(shards, &n->diag);
    for (unsigned a = 0; a < n->asked; a++)
        n->asks[a].is_asked = n->asks[a].is_answered;
    return n->rc == SKN_OK;
}

static bool does(struct node *n, char op, unsigned count)
{
    switch (op) {
    case 'a': ask_more(n, COUNT, count); return turns(n);
    case 'f': ask_more(n, FLOOD, count); return turns(n);
    case 'l': ask_more(n, LATER, count); return turns(n);
    case 'x': ask_more(n, FAULT, count); return turns(n);
    case 's': return settles(n);
    case 'w': return turns_for(n, count);
    case 'c': return checkpoints(n);
    case 'z': return closes(n) && opens(n);
    case 'k': dies(n, false); return opens(n);
    case 'p': dies(n, true); return opens(n);
    case 'd':
        for (unsigned i = 0; i < count && i < n->asked; i++)
            if (n->asks[i].is_answered) ask_for(n, i);
        return turns_for(n, 1);
    default: fail_msg("script letter %c", op); return false;
    }
}

/* False: something failed, and n->rc says what. */
static bool runs(struct node *n)
{
    bool ok = opens(n);
    for (const char *at = n->script->text; ok && *at;) {
        char op = *at++, *end;
        unsigned count = (unsigned)strtoul(at, &end, 10);
        at = end;
        ok = does(n, op, count ? count : 1);
    }
    return ok;
}

/* --- what must be so afterwards ------------------------------------------------------------------ */

struct sum {
    struct skn_call call;
    struct skn_slice address;
    const char *row;
    int64_t sum;
    bool is_back;
};

static enum skn_rc look(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    struct sum *sum = SKN_CONTAINER_OF(call, struct sum, call);
    struct skn_slice bytes;
    (void)core;
    enum skn_rc rc =
        skn_core_get(store, sum->address, skn_slice_str(sum->row), &bytes, &call->diag);
    sum->sum = rc == SKN_OK ? skn_value_as_int(skn_value_view(bytes)) : 0;
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

static int64_t sum_of(struct node *n, enum kind kind, unsigned domain, const char *row)
{
    char address[32];
    bool more;
    name(address, kind, domain);
    struct sum sum = {.call.fn = look, .address = skn_slice_str(address), .row = row};
    sum.call.shard = skn_shards_of(n->shards, sum.address);
    skn_shards_call(n->shards, &sum.call);
    for (int i = 0; i < TURNS_MAX && !sum.is_back; i++) {
        struct skn_shards_event event;
        assert_int_equal(skn_shards_turn_all(n->shards, &more, &n->diag), SKN_OK);
        while (!sum.is_back && skn_shards_next_event(n->shards, &event))
            sum.is_back = event.call == &sum.call;
    }
    assert_true(sum.is_back);
    assert_int_equal(sum.call.rc, SKN_OK);
    return sum.sum;
}

static int64_t count(const struct node *n, enum kind kind, unsigned domain, bool only_answered)
{
    int64_t count = 0;
    for (unsigned a = 0; a < n->asked; a++)
        count += n->asks[a].kind == kind && n->asks[a].domain == domain &&
                 (!only_answered || n->asks[a].is_answered);
    return count;
}

/* P1: before anything is sent again. */
static void check_answered(struct node *n)
{
    for (unsigned d = 0; d < DOMAINS; d++) {
        int64_t sum = sum_of(n, COUNT, d, "sum");
        if (sum < count(n, COUNT, d, true) || sum > count(n, COUNT, d, false))
            fail_msg("%s: counter %u has %d, %d were answered, %d asked for",
                     n->where,
                     d,
                     (int)sum,
                     (int)count(n, COUNT, d, true),
                     (int)count(n, COUNT, d, false));
        if (d < FLOODS && sum_of(n, FLOOD, d, "sent") < NOTES * count(n, FLOOD, d, true))
            fail_msg("%s: flood %u lost what it was to send", n->where, d);
    }
}

static void check_is(struct node *n, enum kind kind, unsigned d, const char *row, int64_t expected)
{
    int64_t sum = sum_of(n, kind, d, row);
    if (sum != expected)
        fail_msg("%s: %s of %d/%u is %d, not %d", n->where, row, kind, d, (int)sum, (int)expected);
}

/* P1 P2 P3: each request counts once, each note came once. */
static void check_all(struct node *n)
{
    for (unsigned d = 0; d < DOMAINS; d++) {
        check_is(n, COUNT, d, "sum", count(n, COUNT, d, false));
        check_is(n, LATER, d, "sum", count(n, LATER, d, false));
        check_is(n, FAULT, d, "sum", 0);
    }
    for (unsigned f = 0; f < FLOODS; f++) {
        unsigned next = (f + 1) % FLOODS;
        int64_t notes = NOTES * count(n, FLOOD, f, false);
        check_is(n, FLOOD, f, "sent", notes);
        check_is(n, FLOOD, next, "received", notes);
        check_is(n, FLOOD, next, "disorder", 0);
    }
}

/* A death anywhere leaves sound data, or none, and who only looks can open it [E81]. */
static void check_sound(struct node *n, bool may_be_none)
{
    enum skn_rc rc = skn_shards_verify(&n->options, NULL, &n->diag);
    if (rc == SKN_ENOENT && may_be_none) return;
    struct skn_shards *reader = NULL;
    if (rc == SKN_OK) rc = skn_shards_open_to_read(&n->options, &reader, &n->diag);
    if (rc != SKN_OK) fail_msg("%s: %s", n->where, n->diag.text);
    assert_int_equal(skn_shards_close(reader, NULL), SKN_OK);
}

static void must_open(struct node *n, const char *when)
{
    if (!opens(n)) fail_msg("%s: %s: %s", n->where, when, n->diag.text);
}

static void init(struct node *n, const struct script *script, const char *where)
{
    *n = (struct node){.script = script, .where = where};
    skn_rng_init(&n->rng, (uint64_t)(script - scripts) + 1);
    n->sim = skn_env_sim_create((uint64_t)(script - scripts) + 1, 0);
    n->backend = skn_backend_memory_create();
    n->options = (struct skn_shards_options){.env = skn_env_sim_env(n->sim),
                                             .dir = "/journal",
                                             .backend = n->backend,
                                             .programs = programs,
                                             .shards = script->shards,
                                             .workers = script->workers,
                                             .cache_bytes = script->shards % 2 ? 8 << 10 : 0,
                                             .checkpoint = {.records = 1000000, .ms = 1000000000},
                                             .segment_bytes = 16 << 10,
                                             .no_reserve = true};
}

/* After the fault: what the process does until it dies, the death, and everything once more. */
static void recovers(struct node *n, bool failed, bool with_power, struct tally *tally)
{
    enum skn_rc rc = n->rc;
    if (failed && rc != SKN_EIO && rc != SKN_ESYNC && rc != SKN_EDISKFULL)
        fail_msg("%s: reported as %d: %s", n->where, (int)rc, n->diag.text);
    for (int i = 0; n->shards && i < 3; i++)
        (void)turns(n); /* what leaves now counts, too [E7] */
    if (n->shards)
        dies(n, with_power);
    else if (with_power)
        skn_env_sim_power_cut(n->sim, SKN_CUT_SECTORS);
    else
        skn_env_sim_kill(n->sim);
    for (unsigned a = 0; a < n->asked; a++)
        n->asks[a].is_asked = n->asks[a].is_answered;
    skn_env_sim_fault(n->sim, SKN_FAULT_NONE, false, 1, 1);
    check_sound(n, n->asked == 0);
    must_open(n, "after the fault");
    check_answered(n);
    if (!settles(n) || !turns_for(n, 8)) fail_msg("%s: goes on: %s", n->where, n->diag.text);
    check_all(n);
    if (!closes(n)) fail_msg("%s: closes: %s", n->where, n->diag.text);
    check_sound(n, false);
    must_open(n, "once more");
    check_all(n);
    tally->opened_twice++;
    tally->runs++;
}

static void fini(struct node *n)
{
    skn_shards_abandon(n->shards);
    skn_env_sim_destroy(n->sim);
    skn_backend_destroy(n->backend);
}

/* One fault at call `nth`, and at all later ones when `lasts`. False: the script has fewer calls. */
static bool fault_at(const struct script *script,
                     enum skn_fault fault,
                     uint64_t nth,
                     bool with_power,
                     struct tally *tally)
{
    struct node *n = calloc(1, sizeof *n);
    char where[120];
    bool lasts = nth % 4 == 0;
    (void)snprintf(where,
                   sizeof where,
                   "script %d, fault %d at call %" PRIu64 "%s, %s",
                   (int)(script - scripts),
                   (int)fault,
                   nth,
                   lasts ? " and after" : "",
                   with_power ? "power cut" : "kill");
    init(n, script, where);
    skn_env_sim_fault(n->sim, fault, false, nth, lasts ? UINT64_MAX : 1);
    bool ok = runs(n);
    bool came = skn_env_sim_has_faulted(n->sim);
    bool reached = skn_env_sim_calls(n->sim) >= nth;
    if (!ok && !came) fail_msg("%s: failed without a fault: %s", where, n->diag.text);
    tally->faults += came;
    tally->reported += came && !ok;
    tally->tolerated += came && ok;
    if (came || !reached) recovers(n, !ok, with_power, tally);
    fini(n);
    free(n);
    return reached;
}

static unsigned soak(void)
{
    const char *text = getenv("SKN_SOAK");
    return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

/* P1 P2 P3 [E7] */
static void any_file_operation_may_fail(void **state)
{
    (void)state;
    static const enum skn_fault faults[] = {SKN_FAULT_EIO, SKN_FAULT_FULL, SKN_FAULT_SHORT};
    struct tally t = {0};
    for (size_t s = 0; s < SKN_ARRAY_LEN(scripts); s++)
        for (size_t i = 0; i < SKN_ARRAY_LEN(faults); i++)
            for (uint64_t nth = 1;; nth++) {
                bool with_power = (nth + i) % 2 == 0;
                if (!fault_at(&scripts[s], faults[i], nth, with_power, &t)) break;
                if (soak() > 0) (void)fault_at(&scripts[s], faults[i], nth, !with_power, &t);
            }
    printf("covered: %" PRIu64 " faults of files in %d scripts: %" PRIu64 " reported, %" PRIu64
           " tolerated\n",
           t.faults,
           (int)SKN_ARRAY_LEN(scripts),
           t.reported,
           t.tolerated);
    assert_true(t.reported > t.faults / 2);
    assert_true(t.faults > 1000);
}

/* Each checkpoint of a script once. */
static void any_checkpoint_may_fail(void **state)
{
    (void)state;
    struct tally t = {0};
    for (size_t s = 0; s < SKN_ARRAY_LEN(scripts); s++)
        for (unsigned nth = 1; nth < COMMITS_MAX; nth++) {
            struct node *n = calloc(1, sizeof *n);
            char where[80];
            (void)snprintf(where, sizeof where, "script %d, checkpoint %u fails", (int)s, nth);
            init(n, &scripts[s], where);
            skn_backend_memory_fail_commit(n->backend, nth);
            bool ok = runs(n);
            skn_backend_memory_fail_commit(n->backend, 0);
            t.reported += !ok;
            recovers(n, !ok, nth % 2 == 0, &t);
            fini(n);
            free(n);
            if (ok) break;
        }
    printf("covered: %" PRIu64 " failed checkpoints\n", t.reported);
    assert_true(t.reported > 10);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_file_operation_may_fail),
        cmocka_unit_test(any_checkpoint_may_fail),
    };
    skn_bug_plant_from_env();
    return cmocka_run_group_tests_name("shard/faults", tests, NULL, NULL);
}
