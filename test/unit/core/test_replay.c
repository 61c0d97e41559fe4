/* test_replay.c - records executed again give the same batch, and what differs is named (P4). */
#include "core/core_internal.h"
#include "lib/net_program.h"
#include "lib/shards.h"
#include <stdlib.h>

#include <stdio.h>

static const struct skn_program *const programs[] = {&net_program, NULL};
static const struct skn_core_limits limits = {.mailbox_messages = 3, .request_hours = 1};

/* Two shards, messages between them, requests with and without an id. */
static void play(struct shards *s, uint64_t seed)
{
    shard_is_fixed = true;
    shards_init(s, 2, programs, &limits, seed);
    for (int step = 0; step < 600; step++) {
        char from[32], to[40], id[32];
        (void)snprintf(from, sizeof from, "a:Net/%d", (int)skn_rng_below(&s->rng, NET_DOMAINS));
        (void)snprintf(to, sizeof to, "a:Net/%d", (int)skn_rng_below(&s->rng, NET_DOMAINS));
        (void)snprintf(id, sizeof id, "%d", (int)skn_rng_below(&s->rng, 30));
        if (step % 20 == 0) shard_submit(shards_of(s, from), 1, id, from, to, skn_value_int(4));
        shards_random(s);
    }
    shards_calm(s);
    /* An hour and more later the ids are forgotten [E34]. */
    for (uint32_t i = 0; i < s->count; i++)
        s->at[i].now_ms += UINT64_C(3) * 60 * 60 * 1000;
    shards_calm(s);
}

static enum skn_rc replay(struct shards *s, struct skn_replay *out, struct skn_diag *diag)
{
    struct shard *all[] = {&s->at[0], &s->at[1]};
    return shard_replay(all, 2, out, diag);
}

/* The first record of shard 0 with such a message, or of a slice. */
static struct skn_record *find(struct shards *s, const char *word)
{
    struct shard *shard = &s->at[0];
    for (size_t i = 0; i < shard->count; i++) {
        struct skn_handled handled;
        struct skn_record *r = &shard->records[i];
        bool is_it = word ? skn_slice_has_prefix(r->message, skn_slice_str(word))
                          : skn_handled_decode(r->message, &handled, NULL) == SKN_OK;
        if (is_it) return r;
    }
    print_error("no record of %s\n", word ? word : "a request");
    abort();
}

static void expect_mismatch(struct shards *s, const struct skn_record *record, const char *what)
{
    struct skn_replay done;
    struct skn_diag diag = {.text = ""};
    char text[80];
    (void)snprintf(
        text, sizeof text, "replay mismatch at index %d: shard 0, \"", (int)record->index);
    assert_int_equal(replay(s, &done, &diag), SKN_ECORRUPT);
    if (!strstr(diag.text, text) || !strstr(diag.text, what)) fail_msg("%s", diag.text);
}

static void every_record_is_executed_again(void **state) /* P4 */
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct shards s;
        struct skn_replay done;
        struct skn_diag diag = {.text = ""};
        play(&s, seed);
        assert_int_equal(replay(&s, &done, &diag), SKN_OK);
        assert_int_equal(done.executed, s.at[0].count + s.at[1].count);
        assert_int_equal(done.other_module + done.other_limits + done.no_rows, 0);
        static const char *const words[] = {"open", "take", "trim", "expire", NULL};
        for (size_t i = 0; i < SKN_ARRAY_LEN(words); i++)
            assert_non_null(find(&s, words[i]));
        shards_fini(&s);
    }
}

/* One byte that is otherwise, in each kind of record. */
static void a_changed_batch_is_named(void **state) /* RELIABILITY C, journal replay */
{
    (void)state;
    static const char *const words[] = {"open", "take", "trim", "expire", NULL};
    struct shards s;
    play(&s, 1);
    for (size_t i = 0; i < SKN_ARRAY_LEN(words); i++) {
        struct skn_record *r = find(&s, words[i]), good = *r;
        uint8_t *bytes = (uint8_t *)skn_dup(r->batch.ptr, r->batch.len);
        struct skn_row_op op;
        struct skn_slice rest = r->batch;
        /* The last row is left out; then one byte of the value of a put is changed. */
        struct skn_slice before = rest;
        while (skn_batch_next(&rest, &op, NULL) == SKN_OK && rest.len > 0)
            before = rest;
        r->batch.len -= before.len;
        expect_mismatch(&s, r, i == 2 ? "got nothing" : "expected nothing");
        *r = good;
        r->batch.ptr = bytes;
        for (rest = r->batch; skn_batch_next(&rest, &op, NULL) == SKN_OK;)
            if (!op.is_delete && op.value.len > 0 && (words[i] == NULL || i == 0)) break;
        if (!op.is_delete && op.value.len > 0 && (words[i] == NULL || i == 0)) {
            bytes[(size_t)(op.value.ptr - bytes) + op.value.len - 1] ^= 1;
            expect_mismatch(&s, r, i == 0 ? "\"open\"" : "got others");
        }
        *r = good;
        skn_free(bytes);
    }
    shards_fini(&s);
}

static void a_changed_hash_is_named(void **state) /* [E44] */
{
    (void)state;
    struct shards s;
    play(&s, 2);
    struct skn_record *r = find(&s, NULL);
    r->state_lo ^= 1;
    expect_mismatch(&s, r, "expected hash ");
    r->state_lo ^= 1;
    shards_fini(&s);
}

/* A message that is otherwise: another payload, another caller. */
static void a_changed_message_is_found(void **state)
{
    (void)state;
    struct shards s;
    play(&s, 3);
    struct skn_record *r = find(&s, NULL);
    struct skn_slice good = r->message;
    uint8_t *bytes = (uint8_t *)skn_dup(good.ptr, good.len);
    r->message.ptr = bytes;
    bytes[good.len - 1] ^= 1; /* of the id */
    expect_mismatch(&s, r, "row ");
    bytes[good.len - 1] ^= 1;
    bytes[1] = SKN_MESSAGE_SEND;
    expect_mismatch(&s, r, "none that a record holds");
    r->message = good;
    skn_free(bytes);
    shards_fini(&s);
}

/* What cannot be executed is applied and counted, never passed over in silence. */
static void other_versions_are_counted(void **state)
{
    (void)state;
    struct shards s;
    struct skn_replay done;
    struct skn_diag diag = {.text = ""};
    play(&s, 4);
    struct skn_record *r = find(&s, NULL), *taken = find(&s, "take");
    SKN_ASSERT(r && taken);
    r->module ^= 1;
    taken->limits++;
    assert_int_equal(replay(&s, &done, &diag), SKN_OK);
    assert_int_equal(done.other_module, 1);
    assert_int_equal(done.other_limits, 1);
    assert_int_equal(done.executed, s.at[0].count + s.at[1].count - 2);
    r->module ^= 1;
    find(&s, "take")->limits--;
    /* One shard alone: what it takes is nobody's. */
    struct shard *one = &s.at[0];
    assert_int_equal(shard_replay(&one, 1, &done, &diag), SKN_OK);
    assert_true(done.no_rows > 0);
    assert_int_equal(done.executed + done.no_rows, one->count);
    shards_fini(&s);
}

/* Any bytes as a message or a batch are refused, or executed; none aborts. */
static void malformed_records_are_refused(void **state) /* P10 */
{
    (void)state;
    struct shards s;
    struct skn_rng rng;
    uint64_t refused = 0;
    play(&s, 5);
    skn_rng_init(&rng, 7);
    for (int i = 0; i < 60; i++) {
        struct shard *shard = &s.at[0];
        struct skn_record *r = &shard->records[skn_rng_below(&rng, shard->count)], good = *r;
        uint8_t *bytes = (uint8_t *)skn_dup(good.message.ptr, good.message.len);
        struct skn_replay done;
        r->message.ptr = bytes;
        bytes[skn_rng_below(&rng, good.message.len)] ^= (uint8_t)(1U << skn_rng_below(&rng, 8));
        if (i % 3 == 0) r->message.len = (size_t)skn_rng_below(&rng, good.message.len);
        enum skn_rc rc = replay(&s, &done, NULL);
        assert_true(rc == SKN_OK || rc == SKN_ECORRUPT || rc == SKN_ENEWER);
        refused += rc != SKN_OK;
        *r = good;
        skn_free(bytes);
    }
    print_message("%d of 60 refused\n", (int)refused);
    assert_true(refused > 20);
    shards_fini(&s);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_is_executed_again),
        cmocka_unit_test(a_changed_batch_is_named),
        cmocka_unit_test(a_changed_hash_is_named),
        cmocka_unit_test(a_changed_message_is_found),
        cmocka_unit_test(other_versions_are_counted),
        cmocka_unit_test(malformed_records_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
