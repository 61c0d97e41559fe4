/* test_sim_real.c - the simulated disk answers as this machine's: same calls, same results. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "env/env_real.h"
#include "env/env_sim.h"
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATHS = 6, HANDLES = 5, ROUNDS = 40, STEPS = 500 };

/* Two directories, of which one may be missing, with files in both; a path names a directory in
 * one step and a file in the next. */
static const char *const names[PATHS] = {"a", "b", "d", "d/x", "d/y", "no/z"};

struct side {
    struct skn_env *env;
    char root[64];
    struct skn_file *files[HANDLES];
    struct skn_diag diag;
};

struct outcome {
    enum skn_rc rc;
    uint64_t number;
    uint8_t bytes[64];
};

static const char *path_on(struct side *side, const char *name, char out[96])
{
    (void)snprintf(out, 96, "%s/%s", side->root, name);
    return out;
}

/* A sum that does not depend on the order of the names. */
static enum skn_rc add_name(void *ctx, const char *name)
{
    uint64_t hash = 5381;
    for (; *name; name++)
        hash = hash * 33 + (uint8_t)*name;
    *(uint64_t *)ctx += hash;
    return SKN_OK;
}

static void name_step(struct side *side, uint64_t op, uint64_t a, uint64_t b, struct outcome *out)
{
    char path[96];
    char to[96];
    size_t slot = b % HANDLES;
    path_on(side, names[a % PATHS], path);
    path_on(side, names[b % PATHS], to);
    bool is_d = a % PATHS == 2;
    switch (op) {
    case 0:
        /* Opening a directory for reading differs by design. */
        if (side->files[slot] || is_d) return;
        out->rc = skn_env_open(
            side->env, path, (enum skn_open)(b / HANDLES % 4), &side->files[slot], &side->diag);
        return;
    case 1:
        if (is_d || b % PATHS == 2) return; /* directories are not renamed */
        out->rc = skn_env_rename(side->env, path, to, &side->diag);
        return;
    case 2: out->rc = skn_env_unlink(side->env, path, &side->diag); return;
    case 3:
        out->rc = skn_env_mkdir(side->env, path_on(side, is_d ? "d" : "no/z", to), &side->diag);
        return;
    case 4: out->rc = skn_env_sync_dir(side->env, is_d ? path : side->root, &side->diag); return;
    default:
        out->rc =
            skn_env_list(side->env, is_d ? path : side->root, add_name, &out->number, &side->diag);
        return;
    }
}

static void file_step(struct side *side, uint64_t op, uint64_t a, uint64_t b, struct outcome *out)
{
    struct skn_file **file = &side->files[a % HANDLES];
    uint64_t offset = b % 10000;
    size_t len = (size_t)(b / 10000 % sizeof out->bytes);
    size_t n = 0;
    uint8_t bytes[sizeof out->bytes];
    memset(bytes, (int)(b % 251), sizeof bytes);
    if (!*file) return;
    switch (op) {
    case 6:
        skn_file_close(*file);
        *file = NULL;
        return;
    case 7:
        out->rc = skn_file_pread(*file, offset, out->bytes, len, &n, &side->diag);
        out->number = n;
        return;
    case 8: out->rc = skn_file_pwrite(*file, offset, bytes, len, &side->diag); return;
    case 9: out->rc = skn_file_sync(*file, &side->diag); return;
    case 10: out->rc = skn_file_datasync(*file, &side->diag); return;
    case 11: out->rc = skn_file_size(*file, &out->number, &side->diag); return;
    case 12: out->rc = skn_file_truncate(*file, offset, &side->diag); return;
    case 13: out->rc = skn_file_allocate(*file, offset, &side->diag); return;
    case 14: out->rc = skn_file_lock(*file, (enum skn_lock)(b % 2), &side->diag); return;
    default: skn_file_unlock(*file); return;
    }
}

static struct outcome step(struct side *side, uint64_t op, uint64_t a, uint64_t b)
{
    struct outcome out = {0};
    if (op < 6)
        name_step(side, op, a, b, &out);
    else
        file_step(side, op, a, b, &out);
    return out;
}

/* Every file has the same contents on both sides at the end, whatever reads happened to see. */
static void same_contents(struct side *real, struct side *sim, uint64_t seed)
{
    static uint8_t bytes[2][20000]; /* over the largest offset and length that a step may use */
    struct side *sides[2] = {real, sim};
    for (int i = 0; i < PATHS; i++) {
        enum skn_rc rc[2];
        size_t n[2] = {0, 0};
        for (int s = 0; s < 2; s++) {
            char path[96];
            struct skn_file *file = NULL;
            path_on(sides[s], names[i], path);
            rc[s] = skn_env_open(sides[s]->env, path, SKN_OPEN_WRITE, &file, NULL);
            if (rc[s] == SKN_OK)
                rc[s] = skn_file_pread(file, 0, bytes[s], sizeof bytes[s], &n[s], NULL);
            skn_file_close(file);
        }
        if (rc[0] != rc[1] || n[0] != n[1] || memcmp(bytes[0], bytes[1], n[0]) != 0)
            fail_msg("seed %llu: \"%s\" is not the same on both: %d, %zu bytes; %d, %zu bytes",
                     (unsigned long long)seed,
                     names[i],
                     (int)rc[0],
                     n[0],
                     (int)rc[1],
                     n[1]);
    }
}

static void close_all(struct side *side)
{
    for (int i = 0; i < HANDLES; i++)
        skn_file_close(side->files[i]);
}

static void clean(struct side *side)
{
    char path[96];
    for (int i = 0; i < PATHS; i++)
        (void)unlink(path_on(side, names[i], path));
    for (int i = 0; i < PATHS; i++)
        (void)rmdir(path_on(side, names[i], path));
    assert_int_equal(rmdir(side->root), 0);
}

static void round_of(uint64_t seed, uint64_t *failures)
{
    struct side real = {.env = skn_env_real(), .root = "/tmp/skein-test-XXXXXX"};
    assert_non_null(mkdtemp(real.root));
    struct skn_env_sim *machine = skn_env_sim_create(seed, 0);
    struct side sim = {.env = skn_env_sim_env(machine), .root = "/r"};
    assert_int_equal(skn_env_mkdir(sim.env, "/r", NULL), SKN_OK);
    struct skn_rng rng;
    skn_rng_init(&rng, seed);
    for (int i = 0; i < STEPS; i++) {
        uint64_t op = skn_rng_below(&rng, 16);
        uint64_t a = skn_rng_u64(&rng) >> 1;
        uint64_t b = skn_rng_u64(&rng) >> 1;
        struct outcome want = step(&real, op, a, b);
        struct outcome got = step(&sim, op, a, b);
        if (want.rc != got.rc || want.number != got.number ||
            memcmp(want.bytes, got.bytes, sizeof want.bytes) != 0)
            fail_msg("seed %llu step %d op %llu: real %d %llu (%s), simulated %d %llu (%s)",
                     (unsigned long long)seed,
                     i,
                     (unsigned long long)op,
                     (int)want.rc,
                     (unsigned long long)want.number,
                     real.diag.text,
                     (int)got.rc,
                     (unsigned long long)got.number,
                     sim.diag.text);
        *failures += want.rc != SKN_OK;
    }
    same_contents(&real, &sim, seed);
    close_all(&real);
    close_all(&sim);
    clean(&real);
    skn_env_sim_destroy(machine);
}

static void random_calls_have_the_same_results_on_both(void **state)
{
    (void)state;
    uint64_t failures = 0;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++)
        round_of(seed, &failures);
    /* Both kinds of result must have been compared often. */
    assert_true(failures > ROUNDS * STEPS / 20);
    assert_true(failures < ROUNDS * STEPS / 2);
    print_message("%d calls, %d of them failed on both\n", ROUNDS * STEPS, (int)failures);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_calls_have_the_same_results_on_both),
    };
    return cmocka_run_group_tests_name("env_sim_real", tests, NULL, NULL);
}
