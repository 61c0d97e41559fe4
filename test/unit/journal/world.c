/* world.c - workloads over a journal on a simulated machine, and the oracle that judges them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "base/mem.h"
#include "journal/journal_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char dir[] = "/j";

enum { BATCH_MAX = 24000, SEGMENT_MIN = 16 << 10, SEGMENT_MAX = 64 << 10 };

SKN_PRINTF(2, 3) static bool broken(struct world *w, const char *fmt, ...)
{
    if (w->why[0] != '\0') return false; /* the first one tells most */
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(w->why, sizeof w->why, fmt, args);
    va_end(args);
    return false;
}

static bool failed(struct world *w, enum skn_rc rc)
{
    w->rc = rc;
    return false;
}

void world_init(struct world *w, uint64_t seed)
{
    *w = (struct world){.sim = skn_env_sim_create(seed, 0)};
    skn_rng_init(&w->rng, seed);
    static const uint32_t shards[] = {4, 1, 64, 2};
    w->shards = shards[seed % SKN_ARRAY_LEN(shards)];
    w->is_trimmer = seed % 2 == 0;
}

void world_fini(struct world *w)
{
    skn_journal_abandon(w->journal);
    skn_env_sim_destroy(w->sim);
    skn_free(w->made.at);
}

void world_copy(struct world *to, const struct world *from, uint64_t seed)
{
    *to = *from;
    to->sim = skn_env_sim_copy(from->sim, seed);
    to->journal = NULL;
    skn_rng_init(&to->rng, seed);
    to->made.cap = from->made.len;
    to->made.at = skn_alloc(from->made.len * sizeof *to->made.at);
    if (from->made.len > 0)
        memcpy(to->made.at, from->made.at, from->made.len * sizeof *to->made.at);
}

static void made_push(struct world *w, struct world_record record)
{
    struct world_records *made = &w->made;
    if (made->len == made->cap) {
        made->cap = made->cap ? made->cap * 2 : 64;
        made->at = skn_realloc(made->at, made->cap * sizeof *made->at);
    }
    made->at[made->len++] = record;
}

/* Bytes of a batch: some all zero, some with zero sectors in them, the others without a pattern. */
static void fill_batch(const struct world_record *r, uint8_t *out)
{
    uint64_t kind = r->stamp % 5;
    uint64_t state = r->stamp;
    memset(out, 0, r->size);
    if (kind == 0) return;
    for (uint32_t at = 0; at + 8 <= r->size; at += 8) {
        if (kind == 1 && at / 600 % 2 == 1) continue;
        uint64_t word = skn_splitmix64(&state);
        memcpy(out + at, &word, sizeof word);
    }
}

static struct skn_record record_of(const struct world_record *r, uint8_t message[8], uint8_t *batch)
{
    memcpy(message, &r->stamp, 8);
    fill_batch(r, batch);
    return (struct skn_record){
        .shard = r->shard,
        .limits = 7,
        .index = r->index,
        .term = r->term,
        .stamp = r->stamp,
        .state_lo = r->stamp * 3,
        .state_hi = ~r->stamp,
        .module = r->stamp << 7,
        .message = skn_slice(message, 8),
        .batch = skn_slice(batch, r->size),
    };
}

static uint64_t last_index(const struct world *w, uint32_t shard)
{
    for (size_t i = w->made.len; i-- > 0;)
        if (w->made.at[i].shard == shard) return w->made.at[i].index;
    return 0;
}

static bool records_eq(const struct skn_record *a, const struct skn_record *b)
{
    return a->shard == b->shard && a->limits == b->limits && a->index == b->index &&
           a->term == b->term && a->stamp == b->stamp && a->state_lo == b->state_lo &&
           a->state_hi == b->state_hi && a->module == b->module &&
           skn_slice_eq(a->message, b->message) && skn_slice_eq(a->batch, b->batch);
}

/* Where in `made` a replay may begin: at the front, or later where something was trimmed. */
static size_t find_start(const struct world *w, const struct skn_record *record)
{
    for (size_t i = 0; i < w->trimmed && i < w->made.len; i++)
        if (w->made.at[i].stamp == record->stamp) return i;
    return w->trimmed;
}

static enum skn_rc on_record(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    struct world *w = ctx;
    if (!w->has_replayed) w->replayed = find_start(w, record);
    w->has_replayed = true;
    if (w->replayed >= w->made.len) {
        broken(w, "a record too many: shard %u index %" PRIu64, record->shard, record->index);
        return SKN_FAIL(diag, SKN_EINTERNAL, "%s", w->why);
    }
    uint8_t message[8];
    static const size_t batch_max = BATCH_MAX;
    uint8_t *batch = skn_alloc(batch_max);
    const struct world_record *made = &w->made.at[w->replayed];
    struct skn_record want = record_of(made, message, batch);
    bool same = records_eq(&want, record);
    skn_free(batch);
    if (!same) {
        broken(w,
               "record %zu: want shard %u index %" PRIu64 " stamp %" PRIu64 ", got %u %" PRIu64
               " %" PRIu64,
               w->replayed,
               made->shard,
               made->index,
               made->stamp,
               record->shard,
               record->index,
               record->stamp);
        return SKN_FAIL(diag, SKN_EINTERNAL, "%s", w->why);
    }
    w->replayed++;
    w->records_back++;
    return SKN_OK;
}

/* What an opening gave back against what was promised. */
static bool judge(struct world *w, size_t promised)
{
    if (!w->has_replayed && w->trimmed >= w->made.len) return true;
    size_t got = w->has_replayed ? w->replayed : 0;
    if (!w->has_replayed && w->trimmed > 0) got = w->trimmed;
    if (got < promised) return broken(w, "%zu records are back, %zu were promised", got, promised);
    if (got > 0 && got < w->made.len && !w->made.at[got - 1].ends_group)
        return broken(w, "a group is half there: it ends behind record %zu", got);
    return true;
}

static struct skn_journal_options options_of(const struct world *w)
{
    return (struct skn_journal_options){
        .env = skn_env_sim_env(w->sim),
        .dir = dir,
        .segment_bytes_min = SEGMENT_MIN,
        .segment_bytes_max = SEGMENT_MAX,
        .reserve_bytes = 16384,
        .shards = w->shards,
    };
}

bool world_open(struct world *w)
{
    struct skn_diag diag = {0};
    struct skn_journal_info info = {0};
    struct skn_journal_options options = options_of(w);
    w->has_replayed = false;
    w->replayed = 0;
    enum skn_rc rc = skn_journal_open(&options, on_record, w, &w->journal, &info, &diag);
    if (rc != SKN_OK) {
        bool excused = skn_env_sim_is_stopped(w->sim) || skn_env_sim_has_faulted(w->sim);
        if (!excused || rc == SKN_ECORRUPT) broken(w, "it does not open: %s", diag.text);
        return failed(w, rc);
    }
    w->openings++;
    w->torn += info.torn_bytes > 0;
    if (!judge(w, w->acked)) return false;
    if (w->has_replayed || w->trimmed < w->made.len)
        w->made.len = w->has_replayed ? w->replayed : w->trimmed;
    w->acked = w->made.len;
    if (w->made.len > 0) w->made.at[w->made.len - 1].ends_group = true;
    w->term++;
    return true;
}

bool world_read(struct world *w)
{
    struct skn_diag diag = {0};
    struct skn_journal_info info = {0};
    uint64_t changes = skn_env_sim_changes(w->sim);
    uint32_t back = w->records_back;
    w->has_replayed = false;
    w->replayed = 0;
    enum skn_rc rc = skn_journal_read(skn_env_sim_env(w->sim), dir, on_record, w, &info, &diag);
    w->records_back = back;
    if (skn_env_sim_changes(w->sim) != changes) return broken(w, "reading changed the disk");
    if (rc == SKN_ENOENT && w->acked == 0) return true;
    if (rc != SKN_OK) {
        broken(w, "it cannot be read: %s", diag.text);
        return failed(w, rc);
    }
    /* The last group may be left out, as it may not be durable [E81]. */
    size_t promised = w->acked;
    if (!info.was_sealed && promised > 0) {
        promised--;
        while (promised > 0 && !w->made.at[promised - 1].ends_group)
            promised--;
    }
    if (!w->has_replayed) return promised <= w->trimmed || judge(w, promised);
    return judge(w, promised);
}

void world_kill(struct world *w)
{
    skn_env_sim_kill(w->sim);
    skn_journal_abandon(w->journal);
    w->journal = NULL;
}

void world_power_cut(struct world *w, enum skn_cut cut)
{
    skn_env_sim_power_cut(w->sim, cut);
    skn_journal_abandon(w->journal);
    w->journal = NULL;
}

static uint32_t pick_size(struct world *w)
{
    if (w->is_trimmer && skn_rng_chance(&w->rng, 1, 3))
        return (uint32_t)skn_rng_range(&w->rng, 6000, 20000);
    switch (skn_rng_below(&w->rng, 16)) {
    case 0: return 0;
    case 1: return (uint32_t)skn_rng_range(&w->rng, 10000, BATCH_MAX);
    case 2:
    case 3: return (uint32_t)skn_rng_range(&w->rng, 1000, 5000);
    default: return (uint32_t)skn_rng_below(&w->rng, 300);
    }
}

static bool end_group(struct world *w)
{
    struct skn_diag diag = {0};
    enum skn_rc rc = skn_journal_end(w->journal, &diag);
    if (rc != SKN_OK) return failed(w, rc);
    w->acked = w->in_group;
    return true;
}

static bool begin_group(struct world *w)
{
    if (!skn_journal_begin(w->journal)) return false;
    w->in_group = w->made.len;
    w->made.at[w->made.len - 1].ends_group = true;
    return true;
}

static bool flush(struct world *w)
{
    struct skn_diag diag = {0};
    if (!begin_group(w)) return true;
    enum skn_rc rc = skn_journal_write(w->journal, &diag);
    bool ended = end_group(w);
    if (rc == SKN_OK || !ended) return rc == SKN_OK && ended;
    broken(w, "a write failed (%s) and its end did not say so", diag.text);
    return failed(w, rc);
}

static bool append(struct world *w)
{
    struct skn_diag diag = {0};
    uint8_t message[8];
    uint8_t *batch = skn_alloc(BATCH_MAX);
    uint32_t shard = (uint32_t)skn_rng_below(&w->rng, w->shards);
    struct world_record made = {.shard = shard,
                                .size = pick_size(w),
                                .index = last_index(w, shard) + 1,
                                .term = w->term,
                                .stamp = ++w->stamp};
    struct skn_record record = record_of(&made, message, batch);
    enum skn_rc rc = skn_journal_append(w->journal, &record, &diag);
    skn_free(batch);
    if (rc != SKN_OK) return failed(w, rc);
    made_push(w, made);
    return true;
}

bool world_append_some(struct world *w)
{
    for (uint64_t n = skn_rng_range(&w->rng, 1, 4); n > 0; n--)
        if (!append(w)) return false;
    return flush(w);
}

/* A group is written while the next one fills. */
static bool overlap(struct world *w)
{
    struct skn_diag diag = {0};
    if (!append(w) || !begin_group(w)) return false;
    if (!append(w)) return false;
    if (skn_journal_begin(w->journal)) return broken(w, "two groups are written at once");
    enum skn_rc rc = skn_journal_write(w->journal, &diag);
    if (rc != SKN_OK) {
        (void)end_group(w);
        return failed(w, rc);
    }
    return append(w) && end_group(w);
}

/* The last acknowledged index of a shard. */
static uint64_t acked_index(const struct world *w, uint32_t shard)
{
    for (size_t i = w->acked; i-- > 0;)
        if (w->made.at[i].shard == shard) return w->made.at[i].index;
    return 0;
}

/* Each shard's mark goes on by itself, so that they interleave; often it goes to the end. */
static void move_marks(struct world *w)
{
    bool all = skn_rng_chance(&w->rng, 1, 2);
    for (uint32_t s = 0; s < w->shards; s++) {
        uint64_t last = acked_index(w, s);
        if (last <= w->marks[s]) continue;
        w->marks[s] = all ? last : skn_rng_range(&w->rng, w->marks[s], last);
    }
    while (w->trimmed < w->acked &&
           w->made.at[w->trimmed].index <= w->marks[w->made.at[w->trimmed].shard])
        w->trimmed++;
}

/* What is left is counted as the oracle counts it [E12]. */
static bool check_tail(struct world *w, const struct skn_journal_mark *marks)
{
    struct skn_journal_tail tail;
    uint64_t behind = 0;
    for (size_t i = 0; i < w->acked; i++)
        behind += w->made.at[i].index > w->marks[w->made.at[i].shard];
    skn_journal_tail(w->journal, marks, w->shards, &tail);
    return tail.records == behind ||
           broken(w, "the tail has %" PRIu64 " records, and says %" PRIu64, behind, tail.records);
}

static bool trim(struct world *w)
{
    struct skn_diag diag = {0};
    struct skn_journal_mark marks[WORLD_SHARDS_MAX];
    size_t old = w->journal->ready.old_count;
    move_marks(w);
    for (uint32_t s = 0; s < w->shards; s++)
        marks[s] = (struct skn_journal_mark){.shard = s, .index = w->marks[s]};
    enum skn_rc rc = skn_journal_trim(w->journal, marks, w->shards, &diag);
    if (rc != SKN_OK) return failed(w, rc);
    w->retired += w->journal->ready.old_count > old;
    return check_tail(w, marks);
}

/* A few steps, or as many as are needed. */
static bool prepare(struct world *w)
{
    struct skn_diag diag = {0};
    bool is_ready = false;
    bool all = skn_rng_chance(&w->rng, 1, 2);
    uint64_t steps = all ? 50 : skn_rng_range(&w->rng, 1, 3);
    for (uint64_t i = 0; i < steps && !is_ready; i++) {
        size_t old = w->journal->ready.old_count;
        enum skn_rc rc = skn_journal_prepare(w->journal, &is_ready, &diag);
        if (rc != SKN_OK) return failed(w, rc);
        w->reused += w->journal->ready.old_count < old;
    }
    return is_ready || !all || broken(w, "the next segment is never ready");
}

static bool reopen_sealed(struct world *w)
{
    struct skn_diag diag = {0};
    if (w->made.len > 0) w->made.at[w->made.len - 1].ends_group = true;
    enum skn_rc rc = skn_journal_close(w->journal, &diag);
    w->journal = NULL;
    if (rc != SKN_OK) return failed(w, rc);
    w->acked = w->made.len;
    if (skn_rng_chance(&w->rng, 1, 4)) skn_env_sim_power_cut(w->sim, SKN_CUT_DROP);
    return world_open(w);
}

static bool step_trimmer(struct world *w)
{
    switch (skn_rng_below(&w->rng, 16)) {
    case 0:
    case 1:
    case 2:
    case 3: return trim(w);
    case 4:
    case 5:
    case 6: return prepare(w);
    case 7: return reopen_sealed(w);
    case 8: world_kill(w); return world_open(w);
    case 9: return flush(w) && overlap(w);
    default: return world_append_some(w);
    }
}

static bool step(struct world *w)
{
    if (w->is_trimmer) return step_trimmer(w);
    struct skn_diag diag = {0};
    enum skn_rc rc = SKN_OK;
    enum skn_journal_disk state = SKN_JOURNAL_DISK_OK;
    switch (skn_rng_below(&w->rng, 20)) {
    case 0:
    case 1: return prepare(w);
    case 2: rc = skn_journal_idle(w->journal, &diag); break;
    case 3: return trim(w);
    case 4: rc = skn_journal_disk_state(w->journal, &state, &diag); break;
    case 5: return reopen_sealed(w);
    case 6: world_kill(w); return world_open(w);
    case 7: return append(w); /* and no flush: it may be lost */
    case 8:
    case 9:
    case 10: return flush(w) && overlap(w);
    default: return world_append_some(w);
    }
    return rc == SKN_OK || failed(w, rc);
}

bool world_run(struct world *w, uint64_t steps)
{
    if (!world_open(w)) return false;
    for (uint64_t i = 0; i < steps; i++)
        if (!step(w) || w->why[0] != '\0') return false;
    return true;
}

uint64_t world_soak(void)
{
    const char *text = getenv("SKN_SOAK");
    return text ? strtoull(text, NULL, 10) : 1;
}
