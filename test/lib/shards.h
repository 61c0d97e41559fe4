/* shards.h - several shards and a network between them that loses, repeats and reorders, for tests. */
#pragma once

#include "base/rng.h"
#include "core/core_internal.h"
#include "lib/shard.h"

enum { SHARDS_MAX = 4, NET_MAX = 4096 };

struct net_packet {
    uint32_t from, to;
    size_t len;
    uint8_t *bytes;
};

struct shards {
    struct shard at[SHARDS_MAX];
    /* Optional: what is to be performed, or else it is passed over. */
    void (*perform)(void *ctx, uint32_t shard, const struct skn_output *out);
    void *ctx;
    uint32_t count;
    struct net_packet net[NET_MAX];
    size_t flying;
    struct skn_rng rng;
    uint64_t faulted, replies, warned; /* signals and replies that came out */
    uint64_t codes[100];               /* of faults */
    enum skn_rc last_rc;               /* of the last reply */
    int64_t last_value;                /* where it is an int */
};

static inline void shards_init(struct shards *s,
                               uint32_t count,
                               const struct skn_program *const *programs,
                               const struct skn_core_limits *limits,
                               uint64_t seed)
{
    *s = (struct shards){.count = count};
    skn_rng_init(&s->rng, seed);
    for (uint32_t i = 0; i < count; i++) {
        s->at[i] = (struct shard){.now_ms = 1000000};
        s->at[i].options = (struct skn_core_options){.shard = i,
                                                     .shards = count,
                                                     .programs = programs,
                                                     .limits = *limits,
                                                     .check_rebuild = true};
        s->at[i].records = skn_alloc_zero(SHARD_RECORDS_MAX, sizeof *s->at[i].records);
        shard_open(&s->at[i], true);
    }
}

static inline void shards_drop(struct shards *s, size_t at)
{
    skn_free(s->net[at].bytes);
    s->net[at] = s->net[--s->flying];
}

static inline void shards_fini(struct shards *s)
{
    struct shard *all[SHARDS_MAX];
    while (s->flying > 0)
        shards_drop(s, 0);
    for (uint32_t i = 0; i < s->count; i++)
        all[i] = &s->at[i];
    shard_replays(all, s->count);
    for (uint32_t i = 0; i < s->count; i++)
        shard_fini(&s->at[i]);
}

static inline struct shard *shards_of(struct shards *s, const char *address)
{
    return &s->at[skn_shard_of(skn_slice_str(address), s->count)];
}

/* Takes what may leave. A full network loses the packet. */
static inline void shards_collect(struct shards *s, uint32_t shard)
{
    struct skn_output out;
    while (shard_next(&s->at[shard], &out)) {
        if (out.kind == SKN_OUTPUT_REPLY) {
            struct skn_value value = skn_value_view(out.value);
            s->replies++;
            s->last_rc = out.rc;
            if (skn_value_is(value, SKN_T_INT)) s->last_value = skn_value_as_int(value);
        }
        if (out.kind == SKN_OUTPUT_SIGNAL) {
            bool is_fault = skn_slice_eq(out.name, SKN_LIT("faulted"));
            s->faulted += is_fault;
            if (is_fault) s->codes[out.rc]++;
            s->warned += skn_slice_eq(out.name, SKN_LIT("dead_letters"));
        }
        if (out.kind == SKN_OUTPUT_PERFORM && s->perform) s->perform(s->ctx, shard, &out);
        if (out.kind != SKN_OUTPUT_PACKET) continue;
        assert_true(out.shard < s->count && out.shard != shard);
        if (s->flying == NET_MAX) continue;
        s->net[s->flying++] =
            (struct net_packet){.from = shard,
                                .to = out.shard,
                                .len = out.value.len,
                                .bytes = (uint8_t *)skn_dup(out.value.ptr, out.value.len)};
    }
}

static inline void shards_deliver(struct shards *s, size_t at)
{
    const struct net_packet *p = &s->net[at];
    skn_core_packet(s->at[p->to].core, p->from, skn_slice(p->bytes, p->len));
}

/* Steps until there is nothing to do, whatever may be under way at once [E20]. */
static inline void shards_steps(struct shard *shard)
{
    enum skn_rc rc, before = SKN_OK;
    while ((rc = shard_step(shard)) == SKN_OK || (rc == SKN_ELATER && before == SKN_OK)) {
        if (rc == SKN_ELATER) shard_durable(shard);
        before = rc;
    }
    if (rc != SKN_ENOENT) print_error("%s\n", shard->diag.text);
    assert_int_equal(rc, SKN_ENOENT);
    shard_durable(shard);
}

/* In order and all of it, until nothing moves; time stands still. */
static inline void shards_settle(struct shards *s)
{
    bool moved = true;
    while (moved) {
        moved = false;
        for (uint32_t i = 0; i < s->count; i++) {
            size_t before = s->at[i].count;
            shards_steps(&s->at[i]);
            skn_mail_check(s->at[i].core);
            shards_collect(s, i);
            if (s->at[i].count > before) moved = true;
        }
        size_t flying = s->flying;
        for (size_t at = 0; at < flying; at++)
            shards_deliver(s, at);
        for (size_t at = 0; at < flying; at++)
            skn_free(s->net[at].bytes);
        s->flying = 0;
        if (flying > 0) moved = true;
    }
}

/* One thing that may happen. */
static inline void shards_random(struct shards *s)
{
    uint32_t i = (uint32_t)skn_rng_below(&s->rng, s->count);
    struct shard *shard = &s->at[i];
    uint64_t what = skn_rng_below(&s->rng, 100);
    if (what < 50) {
        enum skn_rc rc = shard_step(shard);
        if (rc != SKN_OK && rc != SKN_ENOENT && rc != SKN_ELATER)
            print_error("%s\n", shard->diag.text);
        assert_true(rc == SKN_OK || rc == SKN_ENOENT || rc == SKN_ELATER);
        skn_mail_check(shard->core);
    } else if (what < 70) {
        shard_durable(shard);
        shards_collect(s, i);
    } else if (what < 95 && s->flying > 0) {
        size_t at = (size_t)skn_rng_below(&s->rng, s->flying); /* any of them: reordered */
        uint64_t fate = skn_rng_below(&s->rng, 10);
        if (fate > 0) shards_deliver(s, at); /* else lost */
        if (fate != 1) shards_drop(s, at);   /* else it comes again */
    } else if (what < 97) {
        shard_durable(shard);
        shards_collect(s, i);
        for (uint32_t k = 0; k < s->count; k++)
            s->at[k].now_ms += 400;
    } else if (what == 98) {
        skn_core_resend(shard->core, (uint32_t)skn_rng_below(&s->rng, s->count));
    } else if (what == 99 && skn_rng_below(&s->rng, 4) == 0) {
        shard_kill(shard, true);
        skn_mail_check(shard->core);
    }
}

/* Everything arrives from now on, and time passes. */
static inline void shards_calm(struct shards *s)
{
    for (int i = 0; i < 4; i++) {
        shards_settle(s);
        for (uint32_t k = 0; k < s->count; k++)
            s->at[k].now_ms += 1001;
    }
    shards_settle(s);
}

static inline void shards_submit(struct shards *s,
                                 const char *address,
                                 const char *name,
                                 enum skn_priority priority,
                                 struct skn_value payload)
{
    struct skn_request request = {.number = 1,
                                  .caller = SKN_LIT("test"),
                                  .address = skn_slice_str(address),
                                  .name = skn_slice_str(name),
                                  .payload = payload,
                                  .priority = priority};
    struct shard *shard = shards_of(s, address);
    assert_int_equal(skn_core_submit(shard->core, &request, &shard->diag), SKN_OK);
}

/* Rows of one kind in the shard's own tables. */
static inline size_t shard_rows(struct shard *s, uint8_t kind)
{
    uint8_t from[3] = {1, kind, 0}, end[3] = {1, kind, 1};
    static struct skn_row rows[65536];
    size_t count;
    assert_int_equal(skn_store_scan(s->store,
                                    skn_slice(from, 3),
                                    skn_slice(end, 3),
                                    rows,
                                    SKN_ARRAY_LEN(rows),
                                    &count,
                                    NULL),
                     SKN_OK);
    return count;
}

/* Rows of a lane of a domain's mailbox. */
static inline size_t mail_of(struct shards *s, const char *address, unsigned lane)
{
    static struct skn_row rows[16384];
    struct skn_key from, end;
    size_t count;
    skn_key_mail_lane(&from, skn_slice_str(address), (enum skn_priority)lane);
    end = from;
    skn_key_end(&end);
    assert_int_equal(skn_store_scan(shards_of(s, address)->store,
                                    skn_key_slice(&from),
                                    skn_key_slice(&end),
                                    rows,
                                    SKN_ARRAY_LEN(rows),
                                    &count,
                                    NULL),
                     SKN_OK);
    return count;
}
