/* test_history.c - random work with deaths, bases and trims: what a domain had at every stamp is what
 * an oracle wrote down while it ran [E70]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/hlc.h"
#include "base/rng.h"
#include "core/cx.h"
#include "dev/dev.h"
#include "env/env_sim.h"
#include "lib/test.h"
#include "shard/shards.h"
#include "sim/file_backend.h"
#include "value/json.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SHARDS = 3,
    DOMAINS = 6,
    ROWS = 5,
    EVENTS = 260, /* messages of one run */
    SEEDS = 12,
    KEEP_MS = 4000,
    TURNS_MAX = 4000,
    FAULT_EVENTS = 120,
};

static const struct skn_program *const programs[] = {&skn_dev_counter, &skn_dev_flood, NULL};
static const char *const keys[ROWS] = {"sum", "r000", "r001", "r002", "r003"};

/* What a domain has: how often its rows were added to, -1: there is none. */
struct state {
    int64_t rows[ROWS];
};

struct event {
    unsigned domain;
    uint64_t from,
        upto; /* stamps: this was so from `from` on; it was not so at `upto` and before */
    struct state state;
    unsigned pruned; /* bit per row that this message pruned */
};

struct world {
    struct skn_rng rng;
    struct skn_env_sim *sim;
    struct skn_env *env;
    struct skn_backend *memory, *backend;
    struct skn_shards *shards;
    struct skn_shards_options options;
    struct event events[EVENTS];
    unsigned count;
    uint64_t first_base_ms; /* from then on everything in KEEP_MS must be there */
    uint64_t deaths, looks, kept, pruned, bases, executed, not_executed, verified;
    bool may_fail; /* a file operation will fail: that the node stops is no news */
    bool may_lose; /* what failed was not a death: there may be less history */
    bool is_wrong;
    bool is_sealed;           /* stopped cleanly, and not opened since */
    unsigned unsure[DOMAINS]; /* rows pruned by a message that may have been handled */
};

static enum skn_rc open_base(void *ctx,
                             const char *dir,
                             const struct skn_journal_info *info,
                             struct skn_backend **out_backend,
                             struct skn_diag *diag)
{
    (void)info;
    return file_backend_open(ctx, dir, out_backend, diag);
}

static enum skn_rc open_shards(struct world *w)
{
    struct skn_diag diag = {.text = ""};
    enum skn_rc rc = skn_shards_open(&w->options, &w->shards, &diag);
    if (rc == SKN_OK) return rc;
    w->shards = NULL;
    if (!w->may_fail) fail_msg("%s", diag.text);
    return rc;
}

static void world_init(struct world *w, uint64_t seed)
{
    skn_rng_init(&w->rng, seed);
    w->sim = skn_env_sim_create(seed, 0);
    w->env = skn_env_sim_env(w->sim);
    w->memory = skn_backend_memory_create();
    w->backend = file_backend_create(w->env, w->memory, SHARDS);
    w->options = (struct skn_shards_options){
        .env = w->env,
        .dir = "/journal",
        .backend = w->backend,
        .programs = programs,
        .shards = SHARDS,
        .workers = 2,
        .checkpoint = {.records = 9},
        .segment_bytes = 32 << 10,
        .no_reserve = true,
        .history = {.dir = "/history", .keep_ms = KEEP_MS, .open_base = open_base, .ctx = w->env}};
}

static void world_fini(struct world *w)
{
    skn_shards_abandon(w->shards);
    skn_backend_destroy(w->backend);
    skn_backend_destroy(w->memory);
    skn_env_sim_destroy(w->sim);
}

static bool is_planted(void)
{
    return skn_bug(SKN_BUG_TRIM_NOT_KEPT) || skn_bug(SKN_BUG_KEPT_FROM_NEWEST);
}

static void address_of(unsigned domain, char out[32])
{
    (void)snprintf(out, 32, "a:Counter/%u", domain);
}

/* --- reading a domain --------------------------------------------------------------------------------- */

struct look {
    struct skn_call call;
    struct skn_slice address;
    struct state state;
    bool is_back;
};

static enum skn_rc look(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    struct look *l = SKN_CONTAINER_OF(call, struct look, call);
    (void)core;
    for (int i = 0; i < ROWS; i++) {
        struct skn_slice bytes;
        struct skn_value n;
        enum skn_rc rc =
            skn_core_get(store, l->address, skn_slice_str(keys[i]), &bytes, &call->diag);
        if (rc != SKN_OK && rc != SKN_ENOENT) return rc;
        l->state.rows[i] = -1;
        if (rc == SKN_ENOENT) continue;
        n = skn_value_view(bytes);
        if (i > 0) assert_true(skn_map_get(skn_value_view(bytes), SKN_LIT("n"), &n));
        l->state.rows[i] = skn_value_as_int(n);
    }
    return SKN_OK;
}

/* --- work -------------------------------------------------------------------------------------------- */

static enum skn_rc turn(struct world *w, uint64_t *out_stamp, struct look *waits)
{
    struct skn_shards_event event;
    struct skn_diag diag = {.text = ""};
    bool more;
    unsigned part = (unsigned)skn_rng_below(&w->rng, skn_shards_parts(w->shards));
    enum skn_rc rc = skn_shards_turn(w->shards, part, &more, &diag);
    if (rc != SKN_OK && !w->may_fail) fail_msg("%s", diag.text);
    while (rc == SKN_OK && skn_shards_next_event(w->shards, &event)) {
        if (event.output && event.output->kind == SKN_OUTPUT_REPLY && event.output->number == 1)
            *out_stamp = event.output->stamp;
        if (waits) waits->is_back |= event.call == &waits->call;
    }
    skn_env_sim_advance(w->sim, 200000);
    return rc;
}

static void die(struct world *w, bool may_reopen)
{
    skn_shards_abandon(w->shards);
    w->shards = NULL;
    if (skn_rng_chance(&w->rng, 1, 2))
        skn_env_sim_kill(w->sim);
    else
        skn_env_sim_power_cut(w->sim, (enum skn_cut)skn_rng_below(&w->rng, SKN_CUT_COUNT));
    size_t unflushed = skn_backend_memory_unflushed(w->memory);
    skn_backend_memory_crash(w->memory, (size_t)skn_rng_below(&w->rng, unflushed + 1));
    w->deaths++;
    if (may_reopen) (void)open_shards(w);
}

static void submit(struct world *w, const struct event *e, unsigned what, unsigned rows)
{
    static const char *const whys[] = {"delete", "prune", "fold"};
    char address[32], id[32], payload[64];
    struct skn_buf buf;
    address_of(e->domain, address);
    (void)snprintf(id, sizeof id, "id%u", w->count);
    if (what < 3)
        (void)snprintf(payload, sizeof payload, "{\"rows\":%u,\"why\":\"%s\"}", rows, whys[what]);
    else
        (void)snprintf(payload, sizeof payload, "{\"rows\":%u,\"bytes\":300}", rows);
    skn_buf_init(&buf, 1024);
    assert_int_equal(skn_json_parse(skn_slice_str(payload), NULL, &buf, NULL), SKN_OK);
    const struct skn_request request = {.number = 1,
                                        .caller = SKN_LIT("t"),
                                        .id = skn_slice_str(id),
                                        .address = skn_slice_str(address),
                                        .name = what < 3 ? SKN_LIT("drop") : SKN_LIT("add-many"),
                                        .payload = skn_value_view(skn_buf_slice(&buf)),
                                        .priority = SKN_PRIORITY_NORMAL};
    skn_shards_submit(w->shards, &request);
    skn_buf_fini(&buf);
}

/* Messages between shards, which nobody looks back at, and which are executed again. */
static void flood(struct world *w)
{
    char address[32], payload[64];
    struct skn_buf buf;
    (void)snprintf(address, sizeof address, "a:Flood/%u", (unsigned)skn_rng_below(&w->rng, 4));
    (void)snprintf(payload,
                   sizeof payload,
                   "{\"to\":\"a:Flood/%u\",\"count\":5}",
                   (unsigned)skn_rng_below(&w->rng, 4));
    skn_buf_init(&buf, 1024);
    assert_int_equal(skn_json_parse(skn_slice_str(payload), NULL, &buf, NULL), SKN_OK);
    const struct skn_request request = {.number = 2,
                                        .address = skn_slice_str(address),
                                        .name = SKN_LIT("flood"),
                                        .payload = skn_value_view(skn_buf_slice(&buf)),
                                        .priority = SKN_PRIORITY_NORMAL};
    skn_shards_submit(w->shards, &request);
    skn_buf_fini(&buf);
}

/* The rows of a domain now; false: the node failed. */
static bool see(struct world *w, unsigned domain, struct state *out)
{
    char address[32];
    address_of(domain, address);
    struct look l = {.call.fn = look, .address = skn_slice_str(address)};
    uint64_t stamp;
    l.call.shard = skn_shards_of(w->shards, l.address);
    skn_shards_call(w->shards, &l.call);
    for (int i = 0; i < TURNS_MAX && !l.is_back; i++)
        if (turn(w, &stamp, &l) != SKN_OK) return false;
    assert_true(l.is_back);
    assert_int_equal(l.call.rc, SKN_OK);
    *out = l.state;
    return true;
}

static uint64_t last_stamp_of(const struct world *w, unsigned domain)
{
    for (unsigned i = w->count; i-- > 0;)
        if (w->events[i].domain == domain) return w->events[i].from;
    return 0;
}

/* One message, asked again after each death until it is answered. False: the node failed. */
static bool one_message(struct world *w)
{
    struct event *e = &w->events[w->count];
    unsigned what = (unsigned)skn_rng_below(&w->rng, 8);
    unsigned rows = 1 + (unsigned)skn_rng_below(&w->rng, ROWS - 1);
    *e = (struct event){.domain = (unsigned)skn_rng_below(&w->rng, DOMAINS)};
    uint64_t stamp = 0;
    bool has_died = false;
    unsigned pruned = what == SKN_WHY_PRUNE ? ((1U << rows) - 1) << 1 : 0;
    unsigned unsure = w->unsure[e->domain];
    w->unsure[e->domain] |= pruned;
    submit(w, e, what, rows);
    for (int i = 0; i < TURNS_MAX && stamp == 0; i++) {
        if (turn(w, &stamp, NULL) != SKN_OK) return false;
        if (stamp > 0 || w->may_fail || !skn_rng_chance(&w->rng, 1, 500)) continue;
        die(w, true);
        has_died = true;
        submit(w, e, what, rows);
    }
    assert_true(stamp > 0);
    /* It may have been handled before the death: then the answer is the old one with a new stamp. */
    e->upto = has_died ? last_stamp_of(w, e->domain) : stamp - 1;
    e->from = stamp;
    e->pruned = pruned;
    w->unsure[e->domain] = unsure;
    if (!see(w, e->domain, &e->state)) return false;
    w->count++;
    return true;
}

/* --- looking back --------------------------------------------------------------------------------------- */

/* The event whose state a domain had at a stamp; -1: none; -2: not known. */
static int event_at(const struct world *w, unsigned domain, uint64_t stamp)
{
    for (unsigned i = w->count; i-- > 0;) {
        const struct event *e = &w->events[i];
        if (e->domain != domain) continue;
        if (stamp >= e->from) return (int)i;
        if (stamp > e->upto) return -2;
    }
    return -1;
}

/* Whether the row is called pruned as it should be: by what came behind the stamp. The last group of a
 * journal in use is left out, and so may be what the newest messages did. */
static bool
is_right(const struct world *w, unsigned domain, uint64_t stamp, int row, bool says_pruned)
{
    bool must = false, may = w->unsure[domain] >> row & 1;
    for (unsigned i = 0; i < w->count; i++) {
        const struct event *e = &w->events[i];
        if (e->domain != domain || e->from <= stamp || !(e->pruned >> row & 1)) continue;
        bool is_new = !w->is_sealed && i + 4 >= w->count;
        must |= !is_new;
        may = true;
    }
    return says_pruned ? may : !must;
}

static void compare(struct world *w,
                    struct skn_shards *at,
                    unsigned domain,
                    uint64_t stamp,
                    const struct state *want,
                    const struct state *got)
{
    for (int i = 0; i < ROWS; i++) {
        bool is_same = want ? want->rows[i] == got->rows[i] : got->rows[i] == -1;
        bool says_pruned = skn_shards_was_pruned(at, skn_slice_str(keys[i]));
        bool is_as_said = is_right(w, domain, stamp, i, says_pruned);
        if (!is_same || !is_as_said) w->is_wrong = true;
        w->pruned += says_pruned && got->rows[i] >= 0;
        if (is_same && is_as_said) continue;
        if (!is_planted())
            fail_msg("domain %u at %llu, row %s: %lld and not %lld, and called %s",
                     domain,
                     (unsigned long long)stamp,
                     keys[i],
                     (long long)got->rows[i],
                     want ? (long long)want->rows[i] : -1,
                     says_pruned ? "pruned" : "not pruned");
    }
}

static void look_back(struct world *w, unsigned domain, uint64_t stamp, uint64_t now_ms)
{
    char address[32];
    address_of(domain, address);
    struct skn_shards *at = NULL;
    struct skn_diag diag = {.text = ""};
    struct skn_shards_event event;
    int wanted = event_at(w, domain, stamp);
    enum skn_rc rc = skn_shards_open_at(&w->options, skn_slice_str(address), stamp, &at, &diag);
    uint64_t since_ms = now_ms - w->options.history.keep_ms;
    bool is_due = w->first_base_ms > 0 && skn_hlc_ms(stamp) >= since_ms &&
                  skn_hlc_ms(stamp) > w->first_base_ms;
    w->looks++;
    if (rc != SKN_OK) {
        bool is_fine = rc == SKN_ENOENT && (!is_due || w->may_lose);
        if (rc == SKN_ENOENT) assert_non_null(strstr(diag.text, "not kept"));
        w->is_wrong |= !is_fine;
        if (!is_fine && !is_planted()) fail_msg("%s", diag.text);
        return;
    }
    w->kept++;
    struct look l = {.call.fn = look, .address = skn_slice_str(address)};
    l.call.shard = skn_shards_of(at, l.address);
    skn_shards_call(at, &l.call);
    assert_true(skn_shards_next_event(at, &event));
    assert_int_equal(l.call.rc, SKN_OK);
    if (wanted >= -1)
        compare(w, at, domain, stamp, wanted < 0 ? NULL : &w->events[wanted].state, &l.state);
    skn_shards_abandon(at);
}

/* Some stamps around what is known; all but the newest events, of which the group may be left out. */
static void look_back_at_some(struct world *w, unsigned times, uint64_t now_ms)
{
    for (unsigned i = 0; i < times && w->count > 4 && !w->is_wrong; i++) {
        uint64_t newest = w->events[w->count - 4].from;
        const struct event *e = &w->events[skn_rng_below(&w->rng, w->count - 4)];
        uint64_t stamp = e->from - skn_rng_below(&w->rng, 2) + skn_rng_below(&w->rng, 2);
        look_back(
            w, (unsigned)skn_rng_below(&w->rng, DOMAINS), stamp < newest ? stamp : newest, now_ms);
        look_back(w, e->domain, stamp < newest ? stamp : newest, now_ms);
    }
}

static void note_bases(struct world *w)
{
    struct skn_shards_state s = skn_shards_state(w->shards);
    bool is_new = s.history_since_ms > 0 && w->first_base_ms == 0;
    if (is_new) w->first_base_ms = s.history_since_ms;
    static uint64_t last;
    w->bases += s.history_since_ms > 0 && s.history_since_ms != last;
    last = s.history_since_ms;
}

/* The counter of another day: one more than it was, under the same module hash. */
static enum skn_rc
add_more(struct skn_cx *cx, void *warm, const struct skn_message *message, struct skn_diag *diag)
{
    enum skn_rc rc = skn_dev_counter.handle(cx, warm, message, diag);
    if (rc == SKN_OK) skn_cx_put_value(cx, SKN_LIT("sum"), skn_value_int(-1));
    return rc;
}

/* The first record that differs is named, with the row. */
static void replay_otherwise(const struct world *w)
{
    struct skn_program other = skn_dev_counter;
    other.handle = add_more;
    const struct skn_program *const others[] = {&other, &skn_dev_flood, NULL};
    struct skn_shards_options options = w->options;
    struct skn_shards_replayed done = {.shards = 0};
    struct skn_diag diag = {.text = ""};
    options.programs = others;
    assert_int_equal(skn_shards_replay(&options, &done, &diag), SKN_ECORRUPT);
    assert_non_null(strstr(diag.text, "replay mismatch at index "));
    assert_non_null(strstr(diag.text, "row "));
}

/* P4: what is kept is executed again from the oldest base; that is not all there ever was. */
/* All that is kept is sound, which changes nothing of it. */
static void verify(const struct world *w, struct world *total)
{
    struct skn_history_verified found;
    struct skn_diag diag = {.text = ""};
    if (skn_shards_verify_history(&w->options, &found, &diag) != SKN_OK) fail_msg("%s", diag.text);
    total->verified += found.bases;
    assert_true(found.records > 0 || found.bases == 0);
}

static void replay(struct world *w, struct world *total)
{
    verify(w, total);
    struct skn_shards_replayed done = {.shards = 0};
    struct skn_diag diag = {.text = ""};
    enum skn_rc rc = skn_shards_replay(&w->options, &done, &diag);
    if (rc != SKN_OK) fail_msg("%s", diag.text);
    total->executed += done.records.executed;
    total->not_executed += done.records.no_rows;
    assert_int_equal(done.records.other_module + done.records.other_limits, 0);
    replay_otherwise(w);
}

static void run(uint64_t seed, struct world *total)
{
    struct world *w = calloc(1, sizeof *w);
    world_init(w, seed);
    (void)open_shards(w);
    while (w->count < EVENTS && !w->is_wrong) {
        if (skn_rng_chance(&w->rng, 1, 4)) flood(w);
        assert_true(one_message(w));
        note_bases(w);
        skn_env_sim_advance(w->sim, skn_rng_below(&w->rng, 100) * 1000000);
        uint64_t now_ms = skn_shards_now_ms(w->shards);
        if (skn_rng_chance(&w->rng, 1, 15)) look_back_at_some(w, 4, now_ms);
        if (skn_rng_chance(&w->rng, 1, 40)) {
            die(w, false);
            look_back_at_some(w, 4, now_ms);
            (void)open_shards(w);
        }
    }
    /* Every stamp of the run at which something changed, and those beside it. */
    uint64_t now_ms = skn_shards_now_ms(w->shards);
    assert_int_equal(skn_shards_close(w->shards, NULL), SKN_OK);
    w->shards = NULL;
    w->is_sealed = true;
    for (unsigned i = 0; i < w->count && !w->is_wrong; i++)
        for (unsigned d = 0; d < 3; d++)
            look_back(w, w->events[i].domain, w->events[i].from + d - 1, now_ms);
    if (!is_planted()) replay(w, total);
    total->deaths += w->deaths;
    total->looks += w->looks;
    total->kept += w->kept;
    total->pruned += w->pruned;
    total->bases += w->bases;
    total->is_wrong |= w->is_wrong;
    world_fini(w);
    free(w);
}

static void every_stamp_shows_what_was_there(void **state)
{
    (void)state;
    struct world *total = calloc(1, sizeof *total);
    const char *given = getenv("SKN_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : 1;
    for (uint64_t i = 0; i < SEEDS; i++)
        run(seed + i, total);
    printf("covered: %llu looks back, %llu of them kept, %llu pruned rows, %llu oldest bases, %llu "
           "deaths\n",
           (unsigned long long)total->looks,
           (unsigned long long)total->kept,
           (unsigned long long)total->pruned,
           (unsigned long long)total->bases,
           (unsigned long long)total->deaths);
    if (is_planted()) assert_false(total->is_wrong); /* by SKN_BUG: it is found here */
    printf("covered: %llu records executed again from a base, %llu could not be\n",
           (unsigned long long)total->executed,
           (unsigned long long)total->not_executed);
    assert_true(total->executed > 100 * SEEDS && total->not_executed < total->executed / 100);
    assert_true(total->kept > 20 * SEEDS && total->kept < total->looks);
    assert_true(total->pruned > SEEDS && total->bases > SEEDS && total->deaths > SEEDS);
    assert_true(total->verified > SEEDS);
    free(total);
}

/* --- the k-th change of a file fails, or is the last one that happens ----------------------------------- */

/* Gives how many changes there were. */
static uint64_t run_with_fault(uint64_t k, enum skn_fault fault, struct world *total)
{
    struct world *w = calloc(1, sizeof *w);
    world_init(w, 5);
    w->options.history.keep_ms = 600;
    w->may_fail = true;
    skn_env_sim_fault(w->sim, fault, true, k, 1);
    bool goes_on = open_shards(w) == SKN_OK;
    for (int i = 0; goes_on && i < FAULT_EVENTS; i++) {
        goes_on = one_message(w);
        if (goes_on) note_bases(w);
        skn_env_sim_advance(w->sim, skn_rng_below(&w->rng, 60) * 1000000);
    }
    uint64_t changes = skn_env_sim_changes(w->sim);
    skn_env_sim_fault(w->sim, SKN_FAULT_NONE, true, 1, 1);
    uint64_t now_ms = w->shards ? skn_shards_now_ms(w->shards) : 0;
    w->may_fail = false;
    w->may_lose = fault != SKN_FAULT_STOP;
    die(w, false);
    if (now_ms > 0) look_back_at_some(w, 6, now_ms);
    assert_int_equal(open_shards(w), SKN_OK);
    if (now_ms > 0) look_back_at_some(w, 6, now_ms);
    total->looks += w->looks;
    total->kept += w->kept;
    total->deaths++;
    world_fini(w);
    free(w);
    return changes;
}

static void no_failed_or_last_change_shows_what_was_not_there(void **state)
{
    (void)state;
    static const enum skn_fault faults[] = {SKN_FAULT_EIO, SKN_FAULT_FULL, SKN_FAULT_STOP};
    struct world *total = calloc(1, sizeof *total);
    uint64_t count = run_with_fault(UINT64_MAX, SKN_FAULT_NONE, total);
    for (uint64_t k = 1; k <= count; k++)
        (void)run_with_fault(k, faults[k % SKN_ARRAY_LEN(faults)], total);
    printf("covered: %llu faults of files, %llu looks back, %llu of them kept\n",
           (unsigned long long)count,
           (unsigned long long)total->looks,
           (unsigned long long)total->kept);
    assert_true(count > 200 && total->kept > 2 * count);
    free(total);
}

static enum skn_rc count_name(void *ctx, const char *name)
{
    unsigned *count = ctx;
    *count += strcmp(name, "lock") != 0;
    return SKN_OK;
}

/* A disk that has less than 5 percent left: history goes, and work goes on [E8]. */
static void a_full_disk_takes_history_first(void **state)
{
    (void)state;
    struct world *w = calloc(1, sizeof *w);
    struct skn_file *ballast = NULL;
    const uint64_t bytes = UINT64_C(64) << 20;
    unsigned names = 0;
    world_init(w, 9);
    (void)open_shards(w);
    while (w->first_base_ms == 0 || w->count < 40) {
        assert_true(one_message(w));
        note_bases(w);
    }
    assert_int_equal(skn_env_list(w->env, "/history", count_name, &names, NULL), SKN_OK);
    assert_true(names > 2);
    assert_int_equal(skn_env_open(w->env, "/ballast", SKN_OPEN_CREATE, &ballast, NULL), SKN_OK);
    assert_int_equal(skn_file_allocate(ballast, bytes, NULL), SKN_OK);
    skn_env_sim_set_disk(w->sim, bytes + bytes / 30);
    uint64_t from;
    struct skn_file *reader = NULL; /* who reads delays it, and no longer than that */
    assert_int_equal(skn_history_lock(w->env, "/history", &reader, &from, NULL), SKN_OK);
    skn_env_sim_advance(w->sim, UINT64_C(1100) * 1000000);
    for (unsigned i = 0; i < 20; i++)
        assert_true(one_message(w));
    struct skn_shards_state s = skn_shards_state(w->shards);
    assert_int_equal(s.disk, SKN_JOURNAL_DISK_LOW);
    assert_true(s.history_is_given_up);
    assert_int_equal(s.history_since_ms, 0);
    skn_file_close(reader);
    for (unsigned i = 0; i < 20; i++)
        assert_true(one_message(w));
    names = 0;
    assert_int_equal(skn_env_list(w->env, "/history", count_name, &names, NULL), SKN_OK);
    assert_int_equal(names, 0);
    /* There is room again. */
    skn_env_sim_set_disk(w->sim, UINT64_C(1) << 40);
    skn_env_sim_advance(w->sim, UINT64_C(1100) * 1000000);
    unsigned before = w->count;
    for (unsigned i = 0; i < 60; i++)
        assert_true(one_message(w));
    s = skn_shards_state(w->shards);
    assert_false(s.history_is_given_up);
    assert_true(s.history_since_ms > 0);
    w->first_base_ms = s.history_since_ms;
    look_back_at_some(w, 20, skn_shards_now_ms(w->shards));
    assert_true(w->kept > 0 && w->count == before + 60);
    skn_file_close(ballast);
    world_fini(w);
    free(w);
}

static void planted_bugs_are_found(void **state)
{
    (void)state;
    static const enum skn_bug bugs[] = {SKN_BUG_TRIM_NOT_KEPT, SKN_BUG_KEPT_FROM_NEWEST};
    for (size_t i = 0; i < SKN_ARRAY_LEN(bugs); i++) {
        struct world *total = calloc(1, sizeof *total);
        enum skn_bug before = skn_bug_plant(bugs[i]);
        bool is_planted_now = is_planted();
        for (uint64_t seed = 1; is_planted_now && seed <= SEEDS && !total->is_wrong; seed++)
            run(seed, total);
        (void)skn_bug_plant(before);
        assert_true(total->is_wrong || !is_planted_now);
        free(total);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_stamp_shows_what_was_there),
        cmocka_unit_test(no_failed_or_last_change_shows_what_was_not_there),
        cmocka_unit_test(a_full_disk_takes_history_first),
        cmocka_unit_test(planted_bugs_are_found),
    };
    return cmocka_run_group_tests_name("shard/history", tests, NULL, NULL);
}
