/* simnode.h - the shards of a node on a simulated disk, whose parts are turned in an order that chance
 * chooses, for tests. */
#pragma once

#include "base/rng.h"
#include "env/env_sim.h"
#include "lib/test.h"
#include "shard/shards.h"

#include <stdlib.h>
#include <time.h>

struct simnode {
    struct skn_rng rng;
    struct skn_env_sim *sim;
    struct skn_backend *backend;
    struct skn_shards *shards;
    struct skn_shards_options options;
    struct skn_diag diag;
    bool is_kept; /* rows in memory alone, the journal whole */
};

/* SKN_SEED, or one that no run before had. */
static inline uint64_t simnode_seed(void)
{
    const char *given = getenv("SKN_SEED");
    return given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 1000;
}

/* `seeds`, times SKN_SOAK. */
static inline unsigned simnode_seeds(unsigned seeds)
{
    const char *soak = getenv("SKN_SOAK");
    unsigned times = soak ? (unsigned)strtoul(soak, NULL, 10) : 1;
    return seeds * (times > 1 ? times : 1);
}

/* Up to `shards` of them, small caches and segments, a checkpoint every now and then. Not open. */
static inline void simnode_init(struct simnode *n,
                                uint64_t seed,
                                const struct skn_program *const *programs,
                                uint32_t shards)
{
    *n = (struct simnode){.is_kept = seed % 3 == 0};
    skn_rng_init(&n->rng, seed);
    n->sim = skn_env_sim_create(seed, 0);
    n->backend = skn_backend_memory_create();
    n->options =
        (struct skn_shards_options){.env = skn_env_sim_env(n->sim),
                                    .dir = "/journal",
                                    .backend = n->is_kept ? NULL : n->backend,
                                    .programs = programs,
                                    .shards = 1 + (uint32_t)skn_rng_below(&n->rng, shards),
                                    .workers = 1,
                                    .cache_bytes = skn_rng_chance(&n->rng, 2, 3) ? 8 << 10 : 0,
                                    .checkpoint = {.records = 40, .bytes = 64 << 10, .ms = 500},
                                    .check_rebuild = true,
                                    .segment_bytes = 64 << 10,
                                    .no_reserve = true};
}

static inline void simnode_fini(struct simnode *n)
{
    skn_env_sim_destroy(n->sim);
    skn_backend_destroy(n->backend);
}

static inline void simnode_must_open(struct simnode *n)
{
    enum skn_rc rc = skn_shards_open(&n->options, &n->shards, &n->diag);
    if (rc != SKN_OK) print_error("%s\n", n->diag.text);
    assert_int_equal(rc, SKN_OK);
}

/* One turn of some part; the clock goes on now and then. */
static inline void simnode_turn(struct simnode *n)
{
    bool more;
    unsigned part = (unsigned)skn_rng_below(&n->rng, skn_shards_parts(n->shards));
    enum skn_rc rc = skn_shards_turn(n->shards, part, &more, &n->diag);
    if (rc != SKN_OK) print_error("%s\n", n->diag.text);
    assert_int_equal(rc, SKN_OK);
    if (skn_rng_chance(&n->rng, 1, 10)) skn_env_sim_advance(n->sim, 3000000);
}

/* Killed, or its power cut; the backend loses some of what was not flushed. Not open. */
static inline void simnode_die(struct simnode *n)
{
    skn_shards_abandon(n->shards);
    n->shards = NULL;
    if (skn_rng_chance(&n->rng, 1, 2))
        skn_env_sim_kill(n->sim);
    else
        skn_env_sim_power_cut(n->sim, (enum skn_cut)skn_rng_below(&n->rng, SKN_CUT_COUNT));
    size_t unflushed = skn_backend_memory_unflushed(n->backend);
    skn_backend_memory_crash(n->backend, (size_t)skn_rng_below(&n->rng, unflushed + 1));
}
