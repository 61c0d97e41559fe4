/* replay_main.c - runs a fuzz target without libFuzzer: its corpus, then random changes of it.
 *
 * program CORPUS_FOLDER [SEED [COUNT]]
 * A fault aborts; what was run is then in the file "fault-input" of the folder it was run in, and
 * the seed and number are on standard error. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "lib/test.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INPUT_MAX = 4096, FILES_MAX = 2000 };

struct input {
    uint8_t *bytes;
    size_t len;
};

/* What a signal handler needs to tell; the program has one of it. */
static struct {
    const char *folder;
    uint64_t seed;
    uint64_t count;
    uint64_t number; /* of the change that runs */
    struct input files[FILES_MAX];
    size_t file_count;
    uint8_t changed[INPUT_MAX];
    size_t len;
} run;

static void on_abort(int signal_number)
{
    (void)signal_number;
    char line[100];
    int n = snprintf(line,
                     sizeof line,
                     "fault: seed %llu, change %llu\n",
                     (unsigned long long)run.seed,
                     (unsigned long long)run.number);
    FILE *f = fopen("fault-input", "wb");
    if (f) (void)fwrite(run.changed, 1, run.len, f);
    if (f) (void)fclose(f);
    if (write(2, line, (size_t)n) < 0) _exit(1);
}

static uint64_t next(uint64_t *rng)
{
    *rng = *rng * 6364136223846793005U + 1442695040888963407U;
    return *rng >> 33;
}

static int read_one(const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", run.folder, name);
    FILE *f = fopen(path, "rb");
    if (!f) return -1;
    (void)fseek(f, 0, SEEK_END);
    long size = ftell(f);
    (void)fseek(f, 0, SEEK_SET);
    struct input *input = &run.files[run.file_count++];
    input->bytes = skn_alloc((size_t)size);
    input->len = fread(input->bytes, 1, (size_t)size, f);
    return fclose(f);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* the same order everywhere: a seed repeats */
}

static int is_input(const struct dirent *e)
{
    return e->d_name[0] != '.' && strcmp(e->d_name, "README.md") != 0 &&
           strcmp(e->d_name, "LICENSE") != 0;
}

static void every_file_of_the_corpus_passes(void **state)
{
    (void)state;
    struct dirent **names;
    int n = scandir(run.folder, &names, is_input, by_name);
    assert_true(n > 0);
    assert_true(n <= FILES_MAX);
    for (int i = 0; i < n; i++) {
        assert_int_equal(read_one(names[i]->d_name), 0);
        free(names[i]);
    }
    free(names);
    for (size_t i = 0; i < run.file_count; i++)
        assert_int_equal(LLVMFuzzerTestOneInput(run.files[i].bytes, run.files[i].len), 0);
}

/* Room for `n` bytes at `at`, or those bytes taken away. */
static void resize_at(size_t at, size_t n, bool is_more)
{
    size_t rest = run.len - at;
    if (is_more && run.len + n <= INPUT_MAX) {
        memmove(run.changed + at + n, run.changed + at, rest);
        run.len += n;
    } else if (!is_more && n <= rest) {
        memmove(run.changed + at, run.changed + at + n, rest - n);
        run.len -= n;
    }
}

static void change_once(uint64_t *rng)
{
    size_t at = next(rng) % (run.len + 1);
    const struct input *other = &run.files[next(rng) % run.file_count];
    size_t n = next(rng) % 8 + 1;
    uint8_t byte = (uint8_t)next(rng);
    switch (next(rng) % 8) {
    case 0:
    case 1:
        if (at < run.len) run.changed[at] ^= (uint8_t)(1 << byte % 8);
        break;
    case 2:
        if (at < run.len) run.changed[at] = byte;
        break;
    case 3:
        if (at < run.len) run.changed[at] = (uint8_t)(run.changed[at] + byte % 9 - 4);
        break;
    case 4: resize_at(at, n, true); break;
    case 5: resize_at(at, n, false); break;
    case 6: run.len = at; break;
    default: /* the end of another one */
        if (other->len == 0) break;
        size_t from = next(rng) % other->len;
        n = other->len - from < INPUT_MAX - at ? other->len - from : INPUT_MAX - at;
        memcpy(run.changed + at, other->bytes + from, n);
        run.len = at + n;
        break;
    }
}

static void random_changes_of_the_corpus_pass(void **state)
{
    (void)state;
    uint64_t rng = run.seed;
    for (run.number = 0; run.number < run.count; run.number++) {
        const struct input *input = &run.files[next(&rng) % run.file_count];
        run.len = input->len < INPUT_MAX ? input->len : INPUT_MAX;
        memcpy(run.changed, input->bytes, run.len);
        for (uint64_t changes = next(&rng) % 4 + 1; changes > 0; changes--)
            change_once(&rng);
        assert_int_equal(LLVMFuzzerTestOneInput(run.changed, run.len), 0);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_of_the_corpus_passes),
        cmocka_unit_test(random_changes_of_the_corpus_pass),
    };
    run.folder = argc > 1 ? argv[1] : ".";
    run.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    run.count = argc > 3 ? strtoull(argv[3], NULL, 10) : 10000;
    (void)signal(SIGABRT, on_abort);
    int failed = cmocka_run_group_tests_name("replay", tests, NULL, NULL);
    for (size_t i = 0; i < run.file_count; i++)
        skn_free(run.files[i].bytes);
    return failed;
}
