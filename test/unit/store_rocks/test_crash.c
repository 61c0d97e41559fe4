/* test_crash.c - a child is killed with -9 in the midst of checkpoints, again and again. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { KILLS = 20, BATCHES = 240, COMMIT_EVERY = 60 };

enum doing { OPENING, WRITING, COMMITTING, CLOSING, DOINGS };

/* Told by the child as it goes, in a mapped file. Batches are counted from 1 over all rounds. */
struct progress {
    _Atomic uint64_t begun; /* batches given to write */
    _Atomic uint64_t acked; /* the last one that a commit acknowledged */
    _Atomic uint32_t doing;
};

struct world {
    struct folder folder;
    char dir[128], script[128], told[128];
    struct progress *progress;
    struct oracle oracle;
    struct skn_shard_position (*at)[SHARDS]; /* after each batch of this round, from 0 */
    struct skn_buf *batches;                 /* of this round, with the shard's place in front */
    uint64_t base;                           /* batches of rounds before */
    uint64_t by_doing[DOINGS];
    uint64_t half;  /* kills that left rows behind the last commit */
    uint64_t ahead; /* commits found that nobody had acknowledged */
};

static struct skn_rocks_options options_of(const char *dir)
{
    struct skn_rocks_options options = rocks_options(dir);
    options.memtable_bytes = 64 << 10; /* the least it takes: flushes in the midst of checkpoints */
    return options;
}

static struct progress *map_progress(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0 && ftruncate(fd, sizeof(struct progress)) == 0);
    void *at = mmap(NULL, sizeof(struct progress), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(at != MAP_FAILED);
    (void)close(fd);
    return at;
}

/* --- the child: a program of its own, since RocksDB's threads do not survive a fork ------------ */

static void apply(struct skn_backend *backend, struct progress *progress, FILE *script)
{
    struct skn_shard_position at[SHARDS];
    uint32_t head[2]; /* shard's place, bytes */
    uint8_t *bytes = malloc(BATCH_MAX);
    assert_non_null(bytes);
    for (int n = 1; fread(head, sizeof head, 1, script) == 1; n++) {
        assert_int_equal(fread(bytes, 1, head[1], script), head[1]);
        assert_int_equal(fread(at, sizeof at, 1, script), 1);
        atomic_fetch_add(&progress->begun, 1);
        atomic_store(&progress->doing, WRITING);
        struct skn_slice batch = skn_slice(bytes, head[1]);
        assert_int_equal(skn_backend_write(backend, shard_numbers[head[0]], batch, NULL), SKN_OK);
        if (n % COMMIT_EVERY != 0) continue;
        atomic_store(&progress->doing, COMMITTING);
        assert_int_equal(skn_backend_commit(backend, at, SHARDS, NULL), SKN_OK);
        atomic_store(&progress->acked, atomic_load(&progress->begun));
    }
    free(bytes);
}

static int be_child(char **argv)
{
    struct progress *progress = map_progress(argv[4]);
    struct skn_rocks_options options = options_of(argv[2]);
    FILE *script = fopen(argv[3], "r");
    assert_non_null(script);
    atomic_store(&progress->doing, OPENING);
    struct skn_backend *backend = must_open(&options);
    apply(backend, progress, script);
    atomic_store(&progress->doing, CLOSING);
    skn_backend_destroy(backend);
    return 0;
}

/* --- the parent -------------------------------------------------------------------------------- */

static void write_script(struct world *w, struct skn_rng *rng)
{
    FILE *script = fopen(w->script, "w");
    assert_non_null(script);
    memcpy(w->at[0], w->oracle.at, sizeof w->oracle.at);
    for (size_t i = 0; i < BATCHES; i++) {
        struct skn_buf *batch = &w->batches[i];
        uint32_t place = (uint32_t)random_batch(&w->oracle, rng, batch);
        uint32_t head[2] = {place, (uint32_t)batch->len};
        memcpy(w->at[i + 1], w->oracle.at, sizeof w->oracle.at);
        assert_int_equal(fwrite(head, sizeof head, 1, script), 1);
        assert_int_equal(fwrite(batch->ptr, 1, batch->len, script), batch->len);
        assert_int_equal(fwrite(w->at[i + 1], sizeof w->at[0], 1, script), 1);
        skn_buf_put_u8(batch, (uint8_t)place);
    }
    assert_int_equal(fclose(script), 0);
}

static void run_and_kill(struct world *w, struct skn_rng *rng)
{
    atomic_store(&w->progress->doing, OPENING);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)execl("/proc/self/exe", "test_crash", "--child", w->dir, w->script, w->told, NULL);
        _exit(127);
    }
    /* Every third one soon after a commit has begun, the others at any time. */
    bool in_commit = skn_rng_below(rng, 3) == 0;
    const struct timespec look = {.tv_nsec = 100000};
    for (int i = 0; in_commit && i < 20000; i++) {
        if (atomic_load(&w->progress->doing) == COMMITTING) break;
        (void)nanosleep(&look, NULL);
    }
    uint64_t us = skn_rng_below(rng, in_commit ? 8000 : 120000);
    const struct timespec pause = {.tv_nsec = (long)us * 1000};
    (void)nanosleep(&pause, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    w->by_doing[atomic_load(&w->progress->doing)]++;
}

/* The batch of this round that the store's positions are those after. */
static size_t find_committed(struct world *w, struct skn_backend *backend)
{
    struct skn_shard_position at[SHARDS] = {0};
    for (size_t s = 0; s < SHARDS; s++) {
        at[s].shard = shard_numbers[s];
        enum skn_rc rc = skn_backend_position(backend, shard_numbers[s], &at[s].position, NULL);
        assert_true(rc == SKN_OK || (rc == SKN_ENOENT && w->base == 0));
    }
    for (size_t i = 0; i <= BATCHES; i += COMMIT_EVERY)
        if (memcmp(at, w->at[i], sizeof at) == 0) return i;
    fail_msg("the positions of the shards are those of no commit");
    return 0;
}

static void redo(struct world *w, struct skn_backend *backend, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        const struct skn_buf *batch = &w->batches[i];
        struct skn_slice bytes = skn_slice(batch->ptr, batch->len - 1);
        uint32_t shard = shard_numbers[batch->ptr[batch->len - 1]];
        assert_int_equal(skn_backend_write(backend, shard, bytes, NULL), SKN_OK);
    }
}

static void check_after_kill(struct world *w)
{
    struct skn_rocks_options options = options_of(w->dir);
    struct skn_rocks_summary summary = {0};
    struct skn_diag diag = {0};
    /* When the file says that it is exact, the hashes were compared; else nothing was missing. */
    enum skn_rc rc = skn_rocks_verify(&options, &summary, &diag);
    if (rc != SKN_OK && (rc != SKN_ENOENT || w->base > 0)) fail_msg("%s", diag.text);
    w->half += !summary.is_exact && rc == SKN_OK;
    struct skn_backend *backend = must_open(&options);
    assert_int_equal(skn_backend_is_exact(backend), summary.is_exact || rc == SKN_ENOENT);
    size_t committed = find_committed(w, backend);
    size_t begun = (size_t)(atomic_load(&w->progress->begun) - w->base);
    uint64_t acked = atomic_load(&w->progress->acked);
    assert_true(w->base + committed >= acked);
    assert_true(committed <= begun);
    w->ahead += w->base + committed > acked;
    /* All batches of the round: what the child did not begin is just more to do. */
    redo(w, backend, committed, BATCHES);
    must_be_alike(backend, w->oracle.rows);
    assert_int_equal(skn_backend_commit(backend, w->oracle.at, SHARDS, NULL), SKN_OK);
    skn_backend_destroy(backend);
    rc = skn_rocks_verify(&options, &summary, &diag);
    if (rc != SKN_OK) fail_msg("%s", diag.text);
    assert_true(summary.is_exact);
}

static void world_init(struct world *w)
{
    folder_make(&w->folder);
    (void)snprintf(w->dir, sizeof w->dir, "%s/db", w->folder.path);
    (void)snprintf(w->script, sizeof w->script, "%s/script", w->folder.path);
    (void)snprintf(w->told, sizeof w->told, "%s/told", w->folder.path);
    w->progress = map_progress(w->told);
    w->at = calloc(BATCHES + 1, sizeof *w->at);
    w->batches = calloc(BATCHES, sizeof *w->batches);
    assert_true(w->at && w->batches);
    for (size_t i = 0; i < BATCHES; i++)
        skn_buf_init(&w->batches[i], BATCH_MAX);
    oracle_init(&w->oracle);
}

static void world_fini(struct world *w)
{
    for (size_t i = 0; i < BATCHES; i++)
        skn_buf_fini(&w->batches[i]);
    free(w->batches);
    free(w->at);
    oracle_fini(&w->oracle);
    (void)munmap(w->progress, sizeof *w->progress);
    folder_remove(&w->folder);
}

/* Invariants 1 and 2 of the interface: rows and positions of the last commit, and any beginning of
 * what came after, which redo repairs [E11]. */
static void a_kill_anywhere_leaves_a_commit_and_redo_gives_the_rest(void **state)
{
    (void)state;
    struct world w = {0};
    struct skn_rng rng;
    const char *soak = getenv("SKN_SOAK");
    long kills = KILLS * (soak && strtol(soak, NULL, 10) > 0 ? strtol(soak, NULL, 10) : 1);
    world_init(&w);
    skn_rng_init(&rng, 5);
    for (long i = 0; i < kills; i++) {
        write_script(&w, &rng);
        run_and_kill(&w, &rng);
        check_after_kill(&w);
        w.base += BATCHES;
        atomic_store(&w.progress->begun, w.base);
        atomic_store(&w.progress->acked, w.base);
    }
    print_message(
        "covered: %ld kills: %d opening, %d writing, %d committing, %d closing; %d left half "
        "a checkpoint, %d a commit that was not acknowledged\n",
        kills,
        (int)w.by_doing[OPENING],
        (int)w.by_doing[WRITING],
        (int)w.by_doing[COMMITTING],
        (int)w.by_doing[CLOSING],
        (int)w.half,
        (int)w.ahead);
    assert_true(w.by_doing[WRITING] > 0 && w.by_doing[COMMITTING] > 0);
    world_fini(&w);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "--child") == 0) return be_child(argv);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_anywhere_leaves_a_commit_and_redo_gives_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
