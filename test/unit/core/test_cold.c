/* test_cold.c - batches of the core's own, of rows that lie in a slow store behind a tiny cache [E13]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/core_internal.h"
#include "lib/shards.h"

#include <stdio.h>

enum { MANY = 300, ROUNDS = 12, SHRINKS = 16, HOUR = 3600000 };

/* --- the program: "send N" sends to N others, "name" names a content, else nothing ----------------------------- */

static enum skn_rc
handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm, (void)diag;
    static const uint8_t hash[SKN_VALUE_HASH_BYTES] = "0123456789abcdef0123456789abcde";
    if (m->kind != SKN_MESSAGE_REQUEST) return SKN_OK;
    int64_t n = skn_value_is(m->payload, SKN_T_INT) ? skn_value_as_int(m->payload) : 0;
    if (skn_slice_eq(m->name, SKN_LIT("name"))) {
        struct skn_buf *out = skn_cx_scratch(cx);
        struct skn_builder *b = skn_arena_alloc(skn_cx_arena(cx), sizeof *b);
        skn_builder_init(b, out);
        skn_build_blob(b, hash, 1, SKN_LIT("text/plain"));
        enum skn_rc rc = skn_build_end(b, NULL);
        SKN_ASSERT(rc == SKN_OK);
        skn_cx_put_value(cx, SKN_LIT("content"), skn_value_view(skn_buf_slice(out)));
    }
    for (int64_t i = 0, k = 0; i < n; k++) {
        const char *to = skn_arena_printf(skn_cx_arena(cx), "a:Cold/%d", (int)k);
        if (skn_shard_of(skn_slice_str(to), 2) != 1) continue;
        skn_cx_send(cx, skn_slice_str(to), SKN_PRIORITY_NORMAL, SKN_LIT("note"), skn_value_none());
        i++;
    }
    return skn_cx_rc(cx);
}

static const struct skn_program program = {.type = "Cold", .module = 1, .handle = handle};
static const struct skn_program *const programs[] = {&program, NULL};

/* --- a shard whose rows are all in a backend ---------------------------------------------------------------- */

struct cold {
    struct skn_backend *backend;
    struct skn_store *store;
    struct skn_core *core;
    uint64_t now_ms, rounds, steps;
};

static void copy_row(void *ctx, struct skn_slice key, struct skn_slice value)
{
    struct skn_buf *batch = ctx;
    skn_batch_put_stored(batch, key, 1, value);
}

static void cold_open(struct cold *c, struct shard *warm, uint64_t now_ms)
{
    static const uint8_t secret[SKN_SECRET_BYTES];
    struct skn_buf batch;
    *c = (struct cold){.now_ms = now_ms};
    skn_buf_init(&batch, 64 << 20);
    assert_int_equal(skn_store_verify_each(warm->store, copy_row, &batch, NULL), SKN_OK);
    c->backend = skn_backend_memory_create();
    uint32_t number = warm->options.shard;
    assert_int_equal(skn_backend_write(c->backend, number, skn_buf_slice(&batch), NULL), SKN_OK);
    const struct skn_shard_position at = {number, skn_store_position(warm->store)};
    assert_int_equal(skn_backend_commit(c->backend, &at, 1, NULL), SKN_OK);
    skn_buf_fini(&batch);
    /* So small that everything clean goes that nobody pinned. */
    const struct skn_store_options options = {
        .backend = c->backend, .shard = number, .cache_bytes = 1};
    assert_int_equal(skn_store_open(&options, &c->store, NULL), SKN_OK);
    struct skn_core_options core = warm->options;
    core.store = c->store;
    c->core = skn_core_create(&core);
    skn_store_set_blocking(c->store, true);
    const struct skn_core_opening opening = {.secret = secret, .take_up_all = true};
    assert_int_equal(skn_core_open(c->core, &opening, NULL), SKN_OK);
    skn_store_set_blocking(c->store, false);
    skn_backend_memory_set_slow(c->backend, true);
    for (int i = 0; i < SHRINKS; i++) /* also what the opening has just read */
        skn_store_shrink(c->store);
}

static void cold_close(struct cold *c)
{
    skn_core_destroy(c->core);
    skn_store_destroy(c->store);
    skn_backend_destroy(c->backend);
}

/* All that is wanted comes at once; then only what is pinned stays. */
static void fetch(struct cold *c)
{
    struct skn_read read;
    uint64_t number, last = 0;
    struct skn_buf rows;
    skn_buf_init(&rows, 64 << 20);
    while (skn_store_next_want(c->store, &read, &number)) {
        bool is_end = false;
        skn_buf_reset(&rows);
        enum skn_rc rc = skn_backend_read(c->backend, &read, true, &rows, &is_end, NULL);
        assert_int_equal(rc, SKN_OK);
        rc = skn_store_fetched(c->store, number, skn_buf_slice(&rows), is_end, NULL);
        assert_int_equal(rc, SKN_OK);
        last = number;
    }
    skn_buf_fini(&rows);
    if (last > 0) skn_core_fetched(c->core, last);
    for (int i = 0; i < SHRINKS; i++)
        skn_store_shrink(c->store);
    c->rounds++;
}

typedef bool done_fn(const struct cold *c);

/* Steps, with a fetch wherever one had to wait, until it is done; how many had to. */
static uint64_t rounds_until(struct cold *c, done_fn *is_done)
{
    struct skn_record record;
    struct skn_diag diag = {.text = ""};
    while (!is_done(c)) {
        enum skn_rc rc = skn_core_step(c->core, c->now_ms, &record, &diag);
        if (rc != SKN_OK && rc != SKN_ELATER && rc != SKN_ENOENT) print_error("%s\n", diag.text);
        assert_true(rc == SKN_OK || rc == SKN_ELATER || rc == SKN_ENOENT);
        if (rc == SKN_OK) skn_core_durable(c->core, record.index);
        if (rc == SKN_ELATER) fetch(c);
        skn_store_shrink(c->store);
        assert_true(++c->steps < 20000); /* else it goes on for ever */
    }
    return c->rounds;
}

/* --- the three ----------------------------------------------------------------------------------------------- */

static struct shards *two_shards(const char *before)
{
    static const struct skn_core_limits limits;
    struct shards *s = skn_alloc_zero(1, sizeof *s);
    char from[32];
    shards_init(s, 2, programs, &limits, 1);
    for (int i = 0;; i++) {
        (void)snprintf(from, sizeof from, "a:Cold/%d", i);
        if (skn_shard_of(skn_slice_str(from), 2) == 0) break;
    }
    if (before) shards_submit(s, from, before, SKN_PRIORITY_NORMAL, skn_value_int(MANY));
    shards_calm(s); /* they are there, and have nothing to do */
    shards_submit(s, from, "send", SKN_PRIORITY_NORMAL, skn_value_int(MANY));
    shards_steps(&s->at[0]);
    shards_collect(s, 0);
    return s;
}

static void end(struct shards *s)
{
    for (uint32_t i = 0; i < s->count; i++)
        s->at[i].no_replay = true; /* what a cold one did is in no record here */
    shards_fini(s);
    skn_free(s);
}

static bool has_taken(const struct cold *c)
{
    return skn_list_is_empty(&c->core->mail.packets);
}

static void what_came_is_taken_in_few_rounds(void **state)
{
    (void)state;
    struct shards *s = two_shards("send");
    struct cold c;
    cold_open(&c, &s->at[1], s->at[1].now_ms);
    assert_true(s->flying > 0);
    for (size_t i = 0; i < s->flying; i++)
        skn_core_packet(c.core, s->net[i].from, skn_slice(s->net[i].bytes, s->net[i].len));
    assert_in_range(rounds_until(&c, has_taken), 1, ROUNDS);
    assert_int_equal(skn_store_counts(c.store).pins, c.core->mail.take_pin > 0);
    cold_close(&c);
    end(s);
}

static bool has_trimmed(const struct cold *c)
{
    return c->core->mail.unacked == 0;
}

/* With a row that names a content, what each row of the batch named must be known. */
static void what_was_acknowledged_is_trimmed_in_few_rounds(void **state)
{
    (void)state;
    struct shards *s = two_shards("name");
    struct cold c;
    size_t sent = s->flying;
    for (size_t i = 0; i < sent; i++)
        shards_deliver(s, i);
    shards_steps(&s->at[1]);
    shards_collect(s, 1);
    cold_open(&c, &s->at[0], s->at[0].now_ms);
    assert_true(c.core->has_names);
    assert_true(c.core->mail.unacked >= MANY);
    assert_true(s->flying > sent);
    for (size_t i = sent; i < s->flying; i++)
        if (s->net[i].to == 0)
            skn_core_packet(c.core, s->net[i].from, skn_slice(s->net[i].bytes, s->net[i].len));
    assert_in_range(rounds_until(&c, has_trimmed), 1, ROUNDS);
    cold_close(&c);
    end(s);
}

static bool has_swept(const struct cold *c)
{
    return c->core->sweep_hour == 0;
}

static void what_is_over_is_forgotten_in_few_rounds(void **state) /* [E34] */
{
    (void)state;
    struct shard s;
    struct cold c;
    shard_init(&s, programs);
    for (int i = 0; i < MANY; i++) { /* each by a caller of its own */
        char caller[32];
        (void)snprintf(caller, sizeof caller, "caller %d", i);
        const struct skn_request request = {.number = 1,
                                            .caller = skn_slice_str(caller),
                                            .id = SKN_LIT("id"),
                                            .address = SKN_LIT("a:Cold/1"),
                                            .name = SKN_LIT("ask"),
                                            .payload = skn_value_none(),
                                            .priority = SKN_PRIORITY_NORMAL};
        assert_int_equal(skn_core_submit(s.core, &request, NULL), SKN_OK);
        shard_settle(&s);
    }
    cold_open(&c, &s, s.now_ms + (uint64_t)26 * HOUR);
    assert_true(c.core->sweep_hour > 0);
    assert_in_range(rounds_until(&c, has_swept), 1, 2 * ROUNDS);
    assert_int_equal(skn_store_counts(c.store).pins, 0);
    cold_close(&c);
    shard_fini(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_is_taken_in_few_rounds),
        cmocka_unit_test(what_was_acknowledged_is_trimmed_in_few_rounds),
        cmocka_unit_test(what_is_over_is_forgotten_in_few_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
