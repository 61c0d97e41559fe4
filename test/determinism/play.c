/* play.c - plays seeded requests to several shards, and says what the journal holds in the end [E25].
 *
 *   play SEED [COUNT]       on a simulated machine; a line per seed: records, a hash over all fields of
 *                           each shard's records in order, and the sum of the state hashes
 *   play --write DIR SEED   the same on this machine, into a journal at DIR, with its clock and secret
 *   play --replay DIR       executes the journal at DIR again and says the same of it
 *   play --replay-node DIR  the same of a journal that the real program wrote
 *
 * Each play executes its journal again (P4) before it says anything. Equal builds say equal lines; that
 * is for tools/determinism to compare.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/hash.h"
#include "base/rng.h"
#include "dev/dev.h"
#include "env/env_real.h"
#include "env/env_sim.h"
#include "shard/shards.h"
#include "value/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 400, DOMAINS = 12, SETTLE_MAX = 20000, KINDS = 8 };

static const struct skn_program *const programs[] = {
    &skn_dev_counter, &skn_dev_echo, &skn_dev_flood, &skn_dev_ledger, &skn_dev_hog, NULL};

struct play {
    struct skn_rng rng;
    struct skn_env_sim *sim; /* NULL: this machine */
    struct skn_shards *shards;
    struct skn_shards_options options;
    uint64_t asked;
};

/* What is wrong ends the play: a line that a person reads, and 1. */
static void must(enum skn_rc rc, const struct skn_diag *diag)
{
    if (rc == SKN_OK) return;
    fprintf(stderr, "play: %s\n", diag->text);
    exit(1);
}

static void open_again(struct play *p)
{
    struct skn_diag diag = {.text = ""};
    if (p->shards) skn_shards_abandon(p->shards);
    p->shards = NULL;
    if (p->sim) skn_env_sim_kill(p->sim);
    must(skn_shards_open(&p->options, &p->shards, &diag), &diag);
}

/* --- requests -------------------------------------------------------------------------------------- */

struct ask {
    const char *type, *name;
    char payload[160];
};

static struct ask choose(struct play *p)
{
    int n = (int)skn_rng_below(&p->rng, 1000), to = (int)skn_rng_below(&p->rng, DOMAINS);
    struct ask asks[KINDS] = {{"Counter", "add-many", ""},
                              {"Counter", "add-later", ""},
                              {"Ledger", "add", ""},
                              {"Ledger", "transfer", ""},
                              {"Echo", "bounce", ""},
                              {"Flood", "flood", ""},
                              {"Hog", "burn", ""},
                              {"Hog", "fault", "{}"}};
    int i = (int)skn_rng_below(&p->rng, KINDS);
    struct ask *ask = &asks[i];
    size_t size = sizeof ask->payload;
    static const char *const burns[] = {"gas", "rows", "memory", "row", "message"};
    if (i == 0) (void)snprintf(ask->payload, size, "{\"n\":%d,\"rows\":4,\"bytes\":%d}", n, n);
    if (i == 1) (void)snprintf(ask->payload, size, "{\"n\":%d,\"ms\":%d}", n, 4 * n);
    if (i == 2)
        (void)snprintf(ask->payload,
                       size,
                       "{\"id\":\"i%" PRIu64 "\",\"amount\":%d,\"account\":\"a%d\"}",
                       p->asked,
                       n,
                       to);
    if (i == 3)
        (void)snprintf(ask->payload,
                       size,
                       "{\"id\":\"t%" PRIu64 "\",\"from\":\"a1\",\"to\":\"a%d\",\"amount\":%d}",
                       p->asked,
                       to,
                       n);
    if (i == 4) (void)snprintf(ask->payload, size, "{\"to\":\"d:Echo/%d\",\"left\":%d}", to, n % 9);
    if (i == 5)
        (void)snprintf(
            ask->payload, size, "{\"to\":\"d:Flood/%d\",\"count\":%d,\"bytes\":20}", to, n % 30);
    if (i == 6) (void)snprintf(ask->payload, size, "{\"what\":\"%s\"}", burns[n % 5]);
    return *ask;
}

static void submit(struct play *p)
{
    struct ask ask = choose(p);
    struct skn_buf buf;
    struct skn_diag diag = {.text = ""};
    char address[32], id[32];
    (void)snprintf(
        address, sizeof address, "d:%s/%d", ask.type, (int)skn_rng_below(&p->rng, DOMAINS));
    (void)snprintf(id, sizeof id, "id%d", (int)skn_rng_below(&p->rng, STEPS));
    skn_buf_init(&buf, 4096);
    must(skn_json_parse(skn_slice_str(ask.payload), NULL, &buf, &diag), &diag);
    const struct skn_request request = {
        .number = ++p->asked,
        .caller = SKN_LIT("play"),
        .id = skn_rng_chance(&p->rng, 1, 2) ? skn_slice_str(id) : (struct skn_slice){0},
        .address = skn_slice_str(address),
        .name = skn_slice_str(ask.name),
        .payload = skn_value_view(skn_buf_slice(&buf)),
        .priority = (enum skn_priority)skn_rng_below(&p->rng, SKN_PRIORITIES)};
    skn_shards_submit(p->shards, &request);
    skn_buf_fini(&buf);
}

static void redeliver(struct play *p)
{
    char address[32];
    (void)snprintf(address, sizeof address, "d:Hog/%d", (int)skn_rng_below(&p->rng, DOMAINS));
    const struct skn_redeliver all = {.number = ++p->asked,
                                      .address = skn_slice_str(address),
                                      .is_closing = skn_rng_chance(&p->rng, 1, 2)};
    skn_shards_redeliver(p->shards, &all);
}

/* --- time ------------------------------------------------------------------------------------------- */

static void turn(struct play *p, unsigned most)
{
    struct skn_diag diag = {.text = ""};
    struct skn_shards_event event;
    bool more = true;
    for (unsigned i = 0; i < most && more; i++) {
        must(skn_shards_turn_all(p->shards, &more, &diag), &diag);
        while (skn_shards_next_event(p->shards, &event))
            continue;
    }
}

static void play(struct play *p)
{
    struct skn_diag diag = {.text = ""};
    open_again(p);
    for (int step = 0; step < STEPS; step++) {
        submit(p);
        if (skn_rng_chance(&p->rng, 1, 20)) redeliver(p);
        turn(p, (unsigned)skn_rng_below(&p->rng, 6));
        if (skn_rng_chance(&p->rng, 1, 10)) skn_shards_advance_clock(p->shards, 700);
        if (skn_rng_chance(&p->rng, 1, 60)) open_again(p);
    }
    /* Two days later the ids are forgotten. */
    turn(p, SETTLE_MAX);
    for (int hour = 0; hour < 48; hour++) {
        skn_shards_advance_clock(p->shards, UINT64_C(3600) * 1000);
        turn(p, SETTLE_MAX);
    }
    must(skn_shards_close(p->shards, &diag), &diag);
    p->shards = NULL;
}

/* --- what there is in the end ------------------------------------------------------------------------ */

struct sums {
    uint64_t hash[SKN_SHARDS_MAX]; /* of each shard's records: grouping does not count [E25] */
    uint64_t records;
};

static void put_record(const struct skn_record *r, struct skn_buf *out)
{
    skn_buf_put_le32(out, r->shard);
    skn_buf_put_le32(out, r->limits);
    skn_buf_put_le64(out, r->index);
    skn_buf_put_le64(out, r->term);
    skn_buf_put_le64(out, r->stamp);
    skn_buf_put_le64(out, r->state_lo);
    skn_buf_put_le64(out, r->state_hi);
    skn_buf_put_le64(out, r->module);
    skn_buf_put_block(out, r->message);
    skn_buf_put_block(out, r->batch);
}

static enum skn_rc add(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    struct sums *sums = ctx;
    struct skn_buf buf;
    (void)diag;
    skn_buf_init(&buf, 64 << 20);
    put_record(record, &buf);
    uint64_t *hash = &sums->hash[record->shard];
    *hash = skn_siphash(skn_buf_slice(&buf), *hash, 1, 2, 4);
    sums->records++;
    skn_buf_fini(&buf);
    return SKN_OK;
}

static void tell(const struct skn_shards_options *options)
{
    struct sums sums = {.records = 0};
    struct skn_shards_replayed done;
    struct skn_diag diag = {.text = ""};
    must(skn_journal_read(options->env, options->dir, add, &sums, NULL, &diag), &diag);
    must(skn_shards_replay(options, &done, &diag), &diag);
    if (done.records.executed != sums.records) {
        fprintf(stderr,
                "play: executed %" PRIu64 " of %" PRIu64 " records\n",
                done.records.executed,
                sums.records);
        exit(1);
    }
    printf("%" PRIu64 " records in %" PRIu32 " shards, state %016" PRIx64 "%016" PRIx64 ",",
           sums.records,
           done.shards,
           done.state_hi,
           done.state_lo);
    for (uint32_t i = 0; i < done.shards; i++)
        printf(" %016" PRIx64, sums.hash[i]);
    printf("\n");
}

/* Each of the builds that are compared has hashes of its own. */
enum {
#ifdef __clang__
    COMPILER = 1,
#else
    COMPILER = 2,
#endif
#ifdef __OPTIMIZE__
    HASH_SALT = 2 * COMPILER
#else
    HASH_SALT = 2 * COMPILER + 1
#endif
};

static struct skn_shards_options options_of(struct skn_env *env, const char *dir, uint64_t seed)
{
    return (struct skn_shards_options){.env = env,
                                       .dir = dir,
                                       .programs = programs,
                                       /* Few enough that lanes are full and ids expire. */
                                       .limits = {.mailbox_messages = 8,
                                                  .outbox_messages = 60,
                                                  .slice_gas = 200000,
                                                  .slice_memory = 4 << 20},
                                       .shards = 1 + (uint32_t)(seed % 5),
                                       .segment_bytes = 256 << 10,
                                       .hash_salt = HASH_SALT,
                                       .no_reserve = true};
}

static void on_sim(uint64_t seed)
{
    struct play p = {.sim = skn_env_sim_create(seed, 0)};
    skn_rng_init(&p.rng, seed);
    p.options = options_of(skn_env_sim_env(p.sim), "/journal", seed);
    play(&p);
    printf("seed %" PRIu64 ": ", seed);
    tell(&p.options);
    skn_env_sim_destroy(p.sim);
}

int main(int argc, char **argv)
{
    bool writes = argc == 4 && strcmp(argv[1], "--write") == 0;
    bool replays = argc == 3 && strcmp(argv[1], "--replay") == 0;
    if (argc == 3 && strcmp(argv[1], "--replay-node") == 0) {
        const struct skn_shards_options node = {
            .env = skn_env_real(), .dir = argv[2], .programs = programs};
        tell(&node);
        return 0;
    }
    if (writes || replays) {
        struct play p = {.sim = NULL};
        uint64_t seed = writes ? strtoull(argv[3], NULL, 10) : 0;
        skn_rng_init(&p.rng, seed);
        p.options = options_of(skn_env_real(), argv[2], seed);
        if (writes) play(&p);
        tell(&p.options);
        return 0;
    }
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: play SEED [COUNT] | --write DIR SEED | --replay[-node] DIR\n");
        return 64;
    }
    uint64_t seed = strtoull(argv[1], NULL, 10);
    uint64_t count = argc == 3 ? strtoull(argv[2], NULL, 10) : 1;
    for (uint64_t i = 0; i < count; i++)
        on_sim(seed + i);
    return 0;
}
