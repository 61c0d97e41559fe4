/* shard.h - a core over a memory store and a journal that is an array, for tests.
 *
 * Everything that a step gives is kept as copied records, so that the shard can be killed at any
 * record and opened again from what was durable. At its end every record is executed again, and must
 * give the same batch (P4).
 */
#pragma once

#include "base/mem.h"
#include "core/core.h"
#include "lib/test.h"

#include <string.h>

enum { SHARD_RECORDS_MAX = 100000 };

/* Programs of tests may fault until it is set, as if they were others then: kept with each record. */
static bool shard_is_fixed;

struct shard {
    struct skn_core_options options;
    struct skn_store *store;
    struct skn_core *core;
    struct skn_record *records; /* owns their bytes */
    size_t count;
    size_t durable;
    uint64_t *order; /* of each record: 2 * when it was made, in all shards, + shard_is_fixed */
    bool no_replay;  /* its limits or programs changed, or it is not deterministic */
    uint64_t now_ms;
    struct skn_diag diag;
};

static inline void shard_append(struct shard *s, const struct skn_record *record)
{
    static uint64_t now;
    assert_true(s->count < SHARD_RECORDS_MAX);
    if (!s->order) s->order = skn_alloc_zero(SHARD_RECORDS_MAX, sizeof *s->order);
    s->order[s->count] = 2 * ++now + shard_is_fixed;
    struct skn_record copy = *record;
    copy.message.ptr = (const uint8_t *)skn_dup(record->message.ptr, record->message.len);
    copy.batch.ptr = (const uint8_t *)skn_dup(record->batch.ptr, record->batch.len);
    s->records[s->count++] = copy;
}

static inline void shard_drop_record(struct shard *s)
{
    struct skn_record *record = &s->records[--s->count];
    skn_free((void *)(uintptr_t)record->message.ptr);
    skn_free((void *)(uintptr_t)record->batch.ptr);
}

static inline void shard_durable(struct shard *s)
{
    s->durable = s->count;
    if (s->count > 0) skn_core_durable(s->core, s->records[s->count - 1].index);
}

/* Opens from the durable records; take_up_all as skn_core_open has it. */
static inline void shard_open(struct shard *s, bool take_up_all)
{
    static const uint8_t secret[SKN_SECRET_BYTES] = "0123456789abcdef0123456789abcde";
    s->store = skn_store_memory_create();
    s->options.store = s->store;
    s->core = skn_core_create(&s->options);
    for (size_t i = 0; i < s->count; i++)
        assert_int_equal(skn_core_redo(s->core, &s->records[i], &s->diag), SKN_OK);
    struct skn_record record;
    const struct skn_core_opening opening = {
        .secret = secret, .take_up_all = take_up_all, .writes_at_once = true};
    assert_int_equal(skn_core_open(s->core, &opening, &s->diag), SKN_OK);
    assert_int_equal(skn_core_step(s->core, s->now_ms, &record, &s->diag), SKN_OK);
    shard_append(s, &record);
    shard_durable(s);
}

static inline void shard_init(struct shard *s, const struct skn_program *const *programs)
{
    *s = (struct shard){.now_ms = 1000000};
    s->options.programs = programs;
    s->options.check_rebuild = true;
    s->records = skn_alloc_zero(SHARD_RECORDS_MAX, sizeof *s->records);
    shard_open(s, true);
}

static inline void shard_close(struct shard *s)
{
    skn_core_destroy(s->core);
    skn_store_destroy(s->store);
    s->core = NULL;
}

/* Shards that are executed again, side by side. */
struct shard_again {
    struct shard **shards;
    uint32_t count;
    struct skn_store **stores; /* by number of the shard */
    struct skn_replay replay;
};

static inline struct skn_store *shard_again_store(void *ctx, uint32_t number)
{
    struct shard_again *again = ctx;
    for (uint32_t i = 0; i < again->count; i++)
        if (again->shards[i]->options.shard == number) return again->stores[i];
    return NULL;
}

/* The shard whose next record was made first; `count` when there is none. */
static inline uint32_t shard_again_next(const struct shard_again *again, const size_t *at)
{
    uint32_t next = again->count;
    for (uint32_t i = 0; i < again->count; i++) {
        const struct shard *s = again->shards[i];
        if (at[i] >= s->count) continue;
        if (next == again->count || s->order[at[i]] < again->shards[next]->order[at[next]])
            next = i;
    }
    return next;
}

/* P4: executes all records of these shards again, in the order in which they were made, from nothing.
 * What cannot be executed for want of another shard's rows is counted in `out`. */
static inline enum skn_rc
shard_replay(struct shard **shards, uint32_t count, struct skn_replay *out, struct skn_diag *diag)
{
    struct shard_again again = {.shards = shards, .count = count};
    struct skn_core **cores = skn_alloc_zero(count, sizeof(struct skn_core *));
    size_t *at = skn_alloc_zero(count, sizeof *at);
    enum skn_rc rc = SKN_OK;
    again.stores = skn_alloc_zero(count, sizeof(struct skn_store *));
    again.replay = (struct skn_replay){.store_of = shard_again_store, .ctx = &again};
    for (uint32_t i = 0; i < count; i++) {
        struct skn_core_options options = shards[i]->options;
        options.store = again.stores[i] = skn_store_memory_create();
        cores[i] = skn_core_create(&options);
    }
    bool was_fixed = shard_is_fixed;
    for (uint32_t i; rc == SKN_OK && (i = shard_again_next(&again, at)) < count; at[i]++) {
        shard_is_fixed = shards[i]->order[at[i]] % 2;
        rc = skn_core_replay(cores[i], &shards[i]->records[at[i]], &again.replay, diag);
    }
    shard_is_fixed = was_fixed;
    for (uint32_t i = 0; i < count; i++) {
        skn_core_destroy(cores[i]);
        skn_store_destroy(again.stores[i]);
    }
    *out = again.replay;
    skn_free(again.stores);
    skn_free(cores);
    skn_free(at);
    return rc;
}

/* Each of them gives the same again. */
static inline void shard_replays(struct shard **shards, uint32_t count)
{
    struct skn_replay done;
    struct skn_diag diag = {.text = ""};
    uint64_t records = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (shards[i]->no_replay) return;
        records += shards[i]->count;
        shards[i]->no_replay = true; /* once is enough */
    }
    enum skn_rc rc = shard_replay(shards, count, &done, &diag);
    if (rc != SKN_OK) print_error("%s\n", diag.text);
    assert_int_equal(rc, SKN_OK);
    assert_int_equal(done.executed + done.no_rows, records);
    if (count > 1) assert_int_equal(done.no_rows, 0);
}

static inline void shard_fini(struct shard *s)
{
    if (s->records) shard_replays(&s, 1);
    if (s->core) shard_close(s);
    while (s->count > 0)
        shard_drop_record(s);
    skn_free(s->records);
    skn_free(s->order);
}

/* Kill: what was not durable is gone. */
static inline void shard_kill(struct shard *s, bool take_up_all)
{
    shard_close(s);
    while (s->count > s->durable)
        shard_drop_record(s);
    shard_open(s, take_up_all);
}

/* One step; its record is not durable yet. */
static inline enum skn_rc shard_step(struct shard *s)
{
    struct skn_record record;
    enum skn_rc rc = skn_core_step(s->core, s->now_ms, &record, &s->diag);
    if (rc == SKN_OK) shard_append(s, &record);
    return rc;
}

/* Steps until there is nothing to do, then makes all of it durable. */
static inline void shard_settle(struct shard *s)
{
    enum skn_rc rc;
    while ((rc = shard_step(s)) == SKN_OK)
        continue;
    if (rc != SKN_ENOENT) print_error("%s\n", s->diag.text);
    assert_int_equal(rc, SKN_ENOENT);
    shard_durable(s);
}

static inline void shard_submit(struct shard *s,
                                uint64_t number,
                                const char *id,
                                const char *address,
                                const char *name,
                                struct skn_value payload)
{
    struct skn_request request = {.number = number,
                                  .caller = SKN_LIT("test"),
                                  .id = skn_slice_str(id),
                                  .address = skn_slice_str(address),
                                  .name = skn_slice_str(name),
                                  .payload = payload,
                                  .priority = SKN_PRIORITY_NORMAL};
    assert_int_equal(skn_core_submit(s->core, &request, &s->diag), SKN_OK);
}

/* The next output has this kind; false when there is none. */
static inline bool shard_next(struct shard *s, struct skn_output *out)
{
    return skn_core_next_output(s->core, out);
}
