/* test_sched.c - who is next: priority, scope rank, fair share by gas, address (DESIGN 3.1). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/rng.h"
#include "core/cx.h"
#include "core/sched_internal.h"
#include "lib/shard.h"
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_MAX = 40 };

struct seat {
    struct skn_turn turn;
    uint8_t key[SKN_SCHED_ROUND_BYTES + ADDRESS_MAX];
    bool is_ready;
    uint64_t used; /* gas */
};

static void sit(struct seat *seat, const char *address)
{
    size_t len = strlen(address);
    assert_true(len <= ADDRESS_MAX);
    *seat = (struct seat){0};
    memcpy(seat->key + SKN_SCHED_ROUND_BYTES, address, len);
    skn_turn_init(&seat->turn, seat->key, SKN_SCHED_ROUND_BYTES + len);
}

static struct seat *seat_of(struct skn_turn *turn)
{
    return turn ? SKN_CONTAINER_OF(turn, struct seat, turn) : NULL;
}

static const char *text_of(const struct seat *seat)
{
    return (const char *)seat->key + SKN_SCHED_ROUND_BYTES;
}

static void take(struct skn_sched *sched, struct seat *seat, uint64_t gas)
{
    seat->used += gas;
    skn_sched_charge(sched, &seat->turn, gas);
}

static void fewer_parts_of_a_scope_rank_higher(void **state) /* DESIGN 3.1 */
{
    (void)state;
    static const struct {
        const char *address;
        uint8_t rank;
    } cases[] = {{"acme:T/k", 0},
                 {":T/k", 0},
                 {"acme/prod:T/k", 1},
                 {"acme:T/a/b/c/d", 0}, /* the key is not scope */
                 {"a/b/c/d/e:T/k", 4},
                 {"a/b/c/d/e/f/g/h:T/k", 7},
                 {"a/b/c/d/e/f/g/h/i/j:T/k", 7}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++)
        assert_int_equal(skn_sched_rank(skn_slice_str(cases[i].address)), cases[i].rank);
}

/* The order of picks while everybody always has more to do, as one letter each. */
static void expect_order(struct seat *seats, const unsigned *lanes, size_t n, const char *order)
{
    struct skn_sched sched;
    skn_sched_init(&sched, 100);
    for (size_t i = 0; i < n; i++)
        skn_sched_enter(&sched, &seats[i].turn, lanes[i]);
    for (const char *at = order; *at; at++) {
        struct seat *seat = seat_of(skn_sched_pick(&sched));
        assert_non_null(seat);
        if (*text_of(seat) != *at) print_error("%s at %s\n", text_of(seat), at);
        assert_int_equal(*text_of(seat), *at);
        take(&sched, seat, 100);
        skn_sched_check(&sched);
    }
}

static void a_lower_priority_has_its_turn_after_every_three(void **state) /* DESIGN 3.1 */
{
    (void)state;
    struct seat seats[3];
    sit(&seats[0], "c:T/critical");
    sit(&seats[1], "n:T/normal");
    sit(&seats[2], "b:T/background");
    static const unsigned lanes[] = {0, 2, 4};
    expect_order(seats, lanes, 2, "cccncccncccn");
    sit(&seats[0], "c:T/critical");
    sit(&seats[1], "n:T/normal");
    /* Of what is left to the lower ones, the lowest again has one of four. */
    expect_order(seats, lanes, 3, "cccncccncccncccbcccn");
}

static void a_lower_scope_has_its_turn_after_every_three(void **state) /* DESIGN 3.1 */
{
    (void)state;
    struct seat seats[4];
    sit(&seats[0], "x/prod/eu:T/k");
    sit(&seats[1], "a:T/k");
    sit(&seats[2], "p/prod:T/k");
    sit(&seats[3], "b:T/k");
    static const unsigned lanes[] = {2, 2, 2, 2};
    expect_order(seats, lanes, 4, "abapbabpabapbabxabap");
    /* A rank never comes before a priority. */
    static const unsigned mixed[] = {1, 2, 2, 2};
    for (size_t i = 0; i < SKN_ARRAY_LEN(seats); i++)
        sit(&seats[i],
            i == 0   ? "x/prod/eu:T/k"
            : i == 1 ? "a:T/k"
            : i == 2 ? "p/prod:T/k"
                     : "b:T/k");
    expect_order(seats, mixed, 4, "xxxaxxxbxxxaxxxp");
}

static int compare_text(const void *a, const void *b)
{
    const struct seat *const *x = a, *const *y = b;
    return strcmp(text_of(*x), text_of(*y));
}

/* Nothing but the address tells equals apart: not who came first, and not where they are. */
static void the_order_does_not_depend_on_who_was_entered_first(void **state) /* DESIGN 3.1 */
{
    (void)state;
    enum { N = 300, PICKS = 5000 };
    static struct seat seats[N];
    static size_t orders[2][PICKS];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        print_message("seed %u\n", (unsigned)seed);
        for (int pass = 0; pass < 2; pass++) {
            struct skn_rng rng;
            skn_rng_init(&rng, seed * 2 + (uint64_t)pass);
            struct skn_sched sched;
            skn_sched_init(&sched, 100);
            size_t by[N];
            for (size_t i = 0; i < N; i++)
                by[i] = i;
            for (size_t i = N - 1; i > 0; i--) {
                size_t j = skn_rng_below(&rng, i + 1), swap = by[i];
                by[i] = by[j];
                by[j] = swap;
            }
            for (size_t i = 0; i < N; i++) {
                char address[ADDRESS_MAX];
                (void)snprintf(address, sizeof address, "%s:T/%zu", by[i] % 3 ? "a" : "a/b", by[i]);
                sit(&seats[by[i]], address);
                skn_sched_enter(&sched, &seats[by[i]].turn, (unsigned)(by[i] % 5));
            }
            for (size_t i = 0; i < PICKS; i++) {
                struct seat *seat = seat_of(skn_sched_pick(&sched));
                orders[pass][i] = (size_t)(seat - seats);
                take(&sched, seat, (orders[pass][i] * 37) % 250); /* what it takes is its own */
            }
        }
        assert_memory_equal(orders[0], orders[1], sizeof orders[0]);
    }
    /* And within one round it is that of the addresses. */
    struct skn_sched sched;
    skn_sched_init(&sched, 100);
    struct seat *sorted[N];
    for (size_t i = 0; i < N; i++) {
        char address[ADDRESS_MAX];
        (void)snprintf(address, sizeof address, "a:T/%zu", (i * 7919) % N);
        sit(&seats[i], address);
        sorted[i] = &seats[i];
        skn_sched_enter(&sched, &seats[i].turn, 2);
    }
    qsort(sorted, N, sizeof sorted[0], compare_text);
    for (size_t i = 0; i < N; i++) {
        struct seat *seat = seat_of(skn_sched_pick(&sched));
        assert_ptr_equal(seat, sorted[i]);
        take(&sched, seat, 100);
    }
}

/* A hog and many small ones that always have more to do: at any time what two of them took differs
 * by at most a quantum and one slice. */
static void shares_of_gas_are_equal(void **state) /* DESIGN 3.1, invariant 2 */
{
    (void)state;
    enum { N = 101, QUANTUM = 1000 };
    static const uint64_t hogs[] = {1000, 5000, 100000};
    for (size_t h = 0; h < SKN_ARRAY_LEN(hogs); h++) {
        static struct seat seats[N];
        struct skn_sched sched;
        skn_sched_init(&sched, QUANTUM);
        for (size_t i = 0; i < N; i++) {
            char address[ADDRESS_MAX];
            (void)snprintf(address, sizeof address, "a:T/%zu", i);
            sit(&seats[i], address);
            skn_sched_enter(&sched, &seats[i].turn, 2);
        }
        struct skn_rng rng;
        skn_rng_init(&rng, 7 + h);
        uint64_t since = 0; /* picks since the hog had one */
        for (int i = 0; i < 300000; i++) {
            struct seat *seat = seat_of(skn_sched_pick(&sched));
            bool is_hog = seat == &seats[50];
            take(&sched, seat, is_hog ? hogs[h] : 50 + skn_rng_below(&rng, 400));
            since = is_hog ? 0 : since + 1;
            if (i % 97 || i < 2 * N) continue;
            uint64_t least = UINT64_MAX, most = 0;
            for (size_t s = 0; s < N; s++) {
                if (s == 50) continue;
                if (seats[s].used < least) least = seats[s].used;
                if (seats[s].used > most) most = seats[s].used;
            }
            assert_true(most - least <= QUANTUM + 450);
            assert_true(seats[50].used <= most + QUANTUM + hogs[h]);
            assert_true(seats[50].used + QUANTUM + 450 >= least);
        }
        assert_true(seats[50].used > 0);
    }
}

/* It sleeps after each slice and has the next message at once: the debt is still there. */
static void a_hog_that_sleeps_between_its_slices_gains_nothing(void **state) /* invariant 4 */
{
    (void)state;
    enum { QUANTUM = 100, HOG = 10000 };
    struct seat small, hog;
    struct skn_sched sched;
    skn_sched_init(&sched, QUANTUM);
    sit(&small, "a:T/small");
    sit(&hog, "a:T/hog");
    skn_sched_enter(&sched, &small.turn, 2);
    for (int i = 0; i < 50000; i++) {
        skn_sched_enter(&sched, &hog.turn, 2);
        struct seat *seat = seat_of(skn_sched_pick(&sched));
        take(&sched, seat, seat == &hog ? HOG : 50);
        if (seat == &hog) {
            skn_sched_leave(&sched, &hog.turn);
            assert_int_equal(hog.turn.in, SKN_TURN_OWES);
        }
        assert_null(skn_sched_paid(&sched)); /* it came back before */
    }
    skn_sched_check(&sched);
    assert_true(hog.used > 10 * HOG);
    assert_true(hog.used <= small.used + QUANTUM + HOG);
    assert_true(small.used <= hog.used + QUANTUM + HOG);
}

static void debts_end_when_they_are_paid_or_nobody_waits(void **state) /* invariant 4 */
{
    (void)state;
    struct seat a, b, c;
    struct skn_sched sched;
    skn_sched_init(&sched, 100);
    sit(&a, "a:T/a");
    sit(&b, "a:T/b");
    sit(&c, "a:T/c");
    skn_sched_enter(&sched, &a.turn, 2);
    skn_sched_enter(&sched, &b.turn, 2);
    take(&sched, seat_of(skn_sched_pick(&sched)), 450);
    skn_sched_leave(&sched, &a.turn); /* four rounds behind */
    assert_int_equal(a.turn.in, SKN_TURN_OWES);
    for (int i = 0; i < 4; i++) {
        assert_null(skn_sched_paid(&sched));
        assert_ptr_equal(seat_of(skn_sched_pick(&sched)), &b);
        take(&sched, &b, 100);
    }
    assert_ptr_equal(seat_of(skn_sched_paid(&sched)), &a);
    assert_int_equal(a.turn.in, SKN_TURN_OUT);
    assert_null(skn_sched_paid(&sched));

    skn_sched_enter(&sched, &c.turn, 2);
    while (seat_of(skn_sched_pick(&sched)) != &c)
        take(&sched, &b, 100);
    take(&sched, &c, 1000000);
    skn_sched_leave(&sched, &c.turn);
    assert_null(skn_sched_paid(&sched));
    skn_sched_leave(&sched, &b.turn); /* nobody waits: forgiven */
    assert_ptr_equal(seat_of(skn_sched_paid(&sched)), &c);
    assert_null(skn_sched_pick(&sched));
    skn_sched_check(&sched);
}

/* --- against a slow model -------------------------------------------------------------------------- */

struct model {
    bool is_ready;
    unsigned lane;
    uint64_t round, left, used;
};

/* All of it by scans over all seats, and debts paid round by round. */
static size_t model_pick(const struct model *m,
                         struct seat *seats,
                         size_t n,
                         uint8_t lane_streak[5],
                         uint8_t rank_streak[5][8])
{
    uint32_t lanes = 0, ranks[5] = {0};
    for (size_t i = 0; i < n; i++) {
        if (!m[i].is_ready) continue;
        lanes |= 1U << m[i].lane;
        ranks[m[i].lane] |= 1U << seats[i].turn.rank;
    }
    if (lanes == 0) return n;
    unsigned lane = 9, rank = 9;
    for (unsigned i = 0; i < 5; i++) {
        if (!((lanes >> i) & 1)) continue;
        if (lane < 9) {
            if (lane_streak[lane] < 3) {
                lane_streak[lane]++;
                break;
            }
            lane_streak[lane] = 0;
        }
        lane = i;
    }
    for (unsigned i = 0; i < 8; i++) {
        if (!((ranks[lane] >> i) & 1)) continue;
        if (rank < 9) {
            if (rank_streak[lane][rank] < 3) {
                rank_streak[lane][rank]++;
                break;
            }
            rank_streak[lane][rank] = 0;
        }
        rank = i;
    }
    size_t best = n;
    for (size_t i = 0; i < n; i++) {
        if (!m[i].is_ready || m[i].lane != lane || seats[i].turn.rank != rank) continue;
        if (best == n || m[i].round < m[best].round ||
            (m[i].round == m[best].round && strcmp(text_of(&seats[i]), text_of(&seats[best])) < 0))
            best = i;
    }
    return best;
}

static void agrees_with_a_slow_model(void **state)
{
    (void)state;
    enum { N = 40, QUANTUM = 100 };
    for (uint64_t seed = 1; seed <= 6; seed++) {
        print_message("seed %u\n", (unsigned)seed);
        struct skn_rng rng;
        skn_rng_init(&rng, seed);
        static struct seat seats[N];
        struct model m[N] = {0};
        uint64_t rounds[5][8] = {{0}};
        uint8_t lane_streak[5] = {0}, rank_streak[5][8] = {{0}};
        struct skn_sched sched;
        skn_sched_init(&sched, QUANTUM);
        static const char *const scopes[] = {"a", "b", "a/b", "a/b/c"};
        for (size_t i = 0; i < N; i++) {
            char address[ADDRESS_MAX];
            (void)snprintf(address, sizeof address, "%s:T/%zu", scopes[i % 4], (i * 17) % N);
            sit(&seats[i], address);
        }
        for (int step = 0; step < 10000; step++) {
            size_t i = skn_rng_below(&rng, N);
            if (skn_rng_chance(&rng, 1, 4) && !m[i].is_ready && seats[i].turn.in == SKN_TURN_OUT) {
                m[i].lane = (unsigned)skn_rng_below(&rng, 5);
                m[i].is_ready = true;
                m[i].round = rounds[m[i].lane][seats[i].turn.rank] + 1;
                m[i].left = QUANTUM;
                skn_sched_enter(&sched, &seats[i].turn, m[i].lane);
            }
            size_t expected = model_pick(m, seats, N, lane_streak, rank_streak);
            struct seat *got = seat_of(skn_sched_pick(&sched));
            if (expected == N) {
                assert_null(got);
                continue;
            }
            assert_ptr_equal(got, &seats[expected]);
            struct model *x = &m[expected];
            uint64_t *round = &rounds[x->lane][got->turn.rank];
            *round = x->round;
            if (skn_rng_chance(&rng, 1, 20)) {
                skn_sched_yield(&sched, &got->turn);
                x->round++;
                x->left = QUANTUM;
            } else {
                uint64_t gas = skn_rng_below(&rng, skn_rng_chance(&rng, 1, 5) ? 900 : 120);
                skn_sched_charge(&sched, &got->turn, gas);
                for (; gas > 0; gas--) {
                    if (--x->left > 0) continue;
                    x->left = QUANTUM;
                    x->round++;
                }
            }
            if (skn_rng_chance(&rng, 1, 4)) {
                x->is_ready = false;
                skn_sched_leave(&sched, &got->turn);
                size_t others = 0;
                for (size_t k = 0; k < N; k++)
                    others += m[k].is_ready && m[k].lane == x->lane &&
                              seats[k].turn.rank == got->turn.rank;
                if (others == 0) { /* the class begins anew, behind all its debts */
                    *round = sched.classes[x->lane][got->turn.rank].round;
                    assert_true(*round >= x->round);
                }
            }
            while (skn_sched_paid(&sched))
                continue;
            if (step % 16 == 0) skn_sched_check(&sched);
        }
    }
}

/* A scan per pick would be 1e12 steps here. */
static void a_million_ready_turns_are_no_scan(void **state)
{
    (void)state;
    enum { N = 1000000 };
    struct seat *seats = skn_alloc(N * sizeof *seats);
    struct skn_sched sched;
    skn_sched_init(&sched, 100);
    for (size_t i = 0; i < N; i++) {
        char address[ADDRESS_MAX];
        (void)snprintf(address, sizeof address, "acme/prod:T/%zu", (i * 7919) % N);
        sit(&seats[i], address);
        skn_sched_enter(&sched, &seats[i].turn, (unsigned)(i % 5));
    }
    for (size_t i = 0; i < N; i++) {
        struct seat *seat = seat_of(skn_sched_pick(&sched));
        assert_false(seat->is_ready);
        seat->is_ready = true; /* had its turn */
        take(&sched, seat, 1000);
        skn_sched_leave(&sched, &seat->turn);
        (void)skn_sched_paid(&sched);
        (void)skn_sched_paid(&sched);
    }
    assert_null(skn_sched_pick(&sched));
    skn_free(seats);
}

/* --- in a core ------------------------------------------------------------------------------------ */

/* Takes the gas that the payload says, or all that it has; answers. */
static enum skn_rc
burner_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    (void)diag;
    uint64_t gas = (uint64_t)skn_value_as_int(m->payload);
    skn_cx_reply(cx, skn_value_int(0));
    (void)skn_cx_charge(cx, gas < skn_cx_gas_left(cx) ? gas : skn_cx_gas_left(cx));
    return skn_cx_rc(cx);
}

static const struct skn_program burner = {.type = "Burn", .module = 1, .handle = burner_handle};
static const struct skn_program *const programs[] = {&burner, NULL};

static void open_shard(struct shard *s, uint64_t slice_gas, uint32_t quantum_gas)
{
    shard_init(s, programs);
    s->options.limits.slice_gas = slice_gas;
    s->options.limits.quantum_gas = quantum_gas;
    s->options.limits.requests_waiting = 1000000;
    s->options.check_rebuild = false;
    shard_kill(s, true);
}

static void submit_at(struct shard *s, const char *address, unsigned priority, int64_t gas)
{
    const struct skn_request request = {.address = skn_slice_str(address),
                                        .name = SKN_LIT("burn"),
                                        .payload = skn_value_int(gas),
                                        .priority = (enum skn_priority)priority};
    assert_int_equal(skn_core_submit(s->core, &request, &s->diag), SKN_OK);
}

/* Queries in the order in which they are handled: their answers leave in it. */
static bool next_answer(struct shard *s, char address[ADDRESS_MAX])
{
    struct skn_output out;
    if (!shard_next(s, &out)) return false;
    (void)snprintf(address, ADDRESS_MAX, "%.*s", SKN_FMT(out.address));
    return true;
}

/* One that takes its whole budget with each message, which is twenty quanta, and 100 that take little:
 * as long as all of them have more to do, none has more than a quantum and a slice more than another. */
static void a_hog_and_a_hundred_small_ones_have_equal_shares(void **state) /* DESIGN 3.1 */
{
    (void)state;
    enum { SMALL = 100, EACH = 400, GAS = 300, QUANTUM = 1000, BUDGET = 20000, HOGS = 30 };
    struct shard s;
    open_shard(&s, BUDGET, QUANTUM);
    char address[ADDRESS_MAX];
    for (int i = 0; i < SMALL; i++) {
        (void)snprintf(address, sizeof address, "a:Burn/%d", i);
        for (int k = 0; k < EACH; k++)
            submit_at(&s, address, SKN_PRIORITY_NORMAL, GAS);
    }
    for (int k = 0; k < HOGS; k++)
        submit_at(&s, "a:Burn/5hog", SKN_PRIORITY_NORMAL, INT64_MAX);
    assert_int_equal(shard_step(&s), SKN_ENOENT);
    uint64_t slices[SMALL] = {0}, hog = 0, total = skn_core_counts(s.core).gas;
    uint64_t small_gas = (total - HOGS * BUDGET) / (SMALL * EACH);
    assert_in_range(small_gas, GAS, QUANTUM);
    while (next_answer(&s, address)) {
        uint64_t least = UINT64_MAX, most = 0;
        if (strcmp(address, "a:Burn/5hog") == 0)
            hog += BUDGET;
        else
            slices[strtol(address + strlen("a:Burn/"), NULL, 10)]++;
        for (int i = 0; i < SMALL; i++) {
            least = slices[i] * small_gas < least ? slices[i] * small_gas : least;
            most = slices[i] * small_gas > most ? slices[i] * small_gas : most;
        }
        if (most == EACH * small_gas || hog == HOGS * BUDGET) break; /* one has no more to do */
        assert_true(most - least <= QUANTUM + small_gas);
        assert_true(hog <= least + QUANTUM + BUDGET);
        assert_true(most <= hog + QUANTUM + BUDGET);
    }
    assert_true(hog >= 3 * BUDGET);
    shard_fini(&s);
}

/* The same messages, whoever brought them first, are handled in the same order. */
static void the_order_of_arrival_decides_nothing_among_equals(void **state) /* DESIGN 3.1 */
{
    (void)state;
    enum { DOMAINS = 200 };
    static const char *const scopes[] = {"acme", "acme/prod", "acme/prod/eu", "zeta"};
    static char orders[2][3 * DOMAINS][ADDRESS_MAX];
    for (uint64_t seed = 1; seed <= 10; seed++) {
        print_message("seed %u\n", (unsigned)seed);
        size_t counts[2] = {0};
        for (uint64_t pass = 0; pass < 2; pass++) {
            struct skn_rng rng;
            skn_rng_init(&rng, seed * 2 + pass);
            struct shard s;
            open_shard(&s, 0, 500);
            unsigned by[DOMAINS];
            for (unsigned i = 0; i < DOMAINS; i++)
                by[i] = i;
            for (size_t i = DOMAINS - 1; i > 0; i--) {
                size_t j = skn_rng_below(&rng, i + 1);
                unsigned swap = by[i];
                by[i] = by[j];
                by[j] = swap;
            }
            for (size_t i = 0; i < DOMAINS; i++) {
                char address[ADDRESS_MAX];
                (void)snprintf(address, sizeof address, "%s:Burn/%u", scopes[by[i] % 4], by[i]);
                for (unsigned k = 0; k < 1 + by[i] % 3; k++)
                    submit_at(&s, address, by[i] / 4 % 5, by[i] * 37 % 1500);
            }
            assert_int_equal(shard_step(&s), SKN_ENOENT);
            while (next_answer(&s, orders[pass][counts[pass]]))
                counts[pass]++;
            shard_fini(&s);
        }
        assert_int_equal(counts[0], counts[1]);
        for (size_t i = 0; i < counts[0]; i++)
            assert_string_equal(orders[0][i], orders[1][i]);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(fewer_parts_of_a_scope_rank_higher),
        cmocka_unit_test(a_lower_priority_has_its_turn_after_every_three),
        cmocka_unit_test(a_lower_scope_has_its_turn_after_every_three),
        cmocka_unit_test(the_order_does_not_depend_on_who_was_entered_first),
        cmocka_unit_test(shares_of_gas_are_equal),
        cmocka_unit_test(a_hog_that_sleeps_between_its_slices_gains_nothing),
        cmocka_unit_test(debts_end_when_they_are_paid_or_nobody_waits),
        cmocka_unit_test(agrees_with_a_slow_model),
        cmocka_unit_test(a_million_ready_turns_are_no_scan),
        cmocka_unit_test(a_hog_and_a_hundred_small_ones_have_equal_shares),
        cmocka_unit_test(the_order_of_arrival_decides_nothing_among_equals),
    };
    return cmocka_run_group_tests_name("core/sched", tests, NULL, NULL);
}
