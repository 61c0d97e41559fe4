/* test_rocks.c - the RocksDB backend: opening, refusing, committing, failing. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"
#include "store/rocks/lib_internal.h"
#include "store/rocks/mark_internal.h"
#include "store/rocks/rocks_internal.h"

#include <dirent.h>
#include <dlfcn.h>
#include <signal.h>
#include <sys/resource.h>
#include <xxhash.h>

static void put(struct skn_backend *backend, uint32_t shard, const char *key, const char *value)
{
    struct skn_buf batch;
    struct skn_diag diag = {0};
    skn_buf_init(&batch, 4096);
    skn_batch_put_stored(&batch, skn_slice_str(key), 1, skn_slice_str(value));
    if (skn_backend_write(backend, shard, skn_buf_slice(&batch), &diag) != SKN_OK)
        fail_msg("%s", diag.text);
    skn_buf_fini(&batch);
}

/* The position after `rows` keys "k1" .. with the value "v". */
static struct skn_shard_position position_of(uint32_t shard, uint64_t rows)
{
    struct skn_shard_position at = {.shard = shard, .position = {.index = rows, .stamp = 9}};
    for (uint64_t i = 1; i <= rows; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", (int)i);
        at.position.state =
            skn_hash128_add(at.position.state, skn_row_hash(skn_slice_str(key), SKN_LIT("v")));
    }
    return at;
}

static void put_and_commit(struct skn_backend *backend, uint64_t from, uint64_t to)
{
    struct skn_diag diag = {0};
    for (uint64_t i = from; i <= to; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", (int)i);
        put(backend, 1, key, "v");
    }
    struct skn_shard_position at = position_of(1, to);
    if (skn_backend_commit(backend, &at, 1, &diag) != SKN_OK) fail_msg("%s", diag.text);
}

static bool has(struct skn_backend *backend, uint32_t shard, const char *key)
{
    struct skn_hash128 zero = {0};
    return !skn_hash128_eq(hash_of(backend, shard, skn_slice_str(key)), zero);
}

static void must_refuse(const struct skn_rocks_options *options, enum skn_rc rc, const char *words)
{
    struct skn_backend *backend = NULL;
    struct skn_diag diag = {0};
    assert_int_equal(skn_rocks_open(options, &backend, &diag), rc);
    if (!strstr(diag.text, words)) fail_msg("\"%s\" is not in: %s", words, diag.text);
}

/* Names, sizes and times of all files, as a number. */
static uint64_t fingerprint(const char *dir)
{
    uint64_t sum = 0;
    DIR *folder = opendir(dir);
    assert_non_null(folder);
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        struct stat st;
        assert_int_equal(fstatat(dirfd(folder), entry->d_name, &st, 0), 0);
        if (entry->d_name[0] == '.') st.st_size = 0;
        const int64_t facts[] = {
            (int64_t)st.st_ino, st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
        if (entry->d_name[0] == '.') continue;
        sum += XXH3_64bits(facts, sizeof facts) ^ XXH3_64bits(entry->d_name, strlen(entry->d_name));
    }
    (void)closedir(folder);
    return sum;
}

static size_t count_files(const char *dir)
{
    size_t n = 0;
    DIR *folder = opendir(dir);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        n += entry->d_name[0] != '.';
    (void)closedir(folder);
    return n;
}

static void a_new_store_is_a_mark_and_becomes_more_with_its_first_write(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    struct skn_backend *backend = must_open(&options);
    assert_true(backend->is_shared);
    assert_false(has(backend, 1, "k1"));
    struct skn_position position;
    assert_int_equal(skn_backend_position(backend, 1, &position, NULL), SKN_ENOENT);
    assert_int_equal(count_files(options.dir), 1);
    put(backend, 1, "k1", "v");
    assert_true(has(backend, 1, "k1"));
    assert_false(has(backend, 2, "k1"));
    assert_true(count_files(options.dir) > 1);
    assert_int_equal(skn_backend_position(backend, 1, &position, NULL), SKN_ENOENT);
    skn_backend_destroy(backend);
    folder_remove(&f);
}

static void a_commit_is_there_after_reopening_and_what_follows_it_need_not_be(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    struct skn_backend *backend = must_open(&options);
    put_and_commit(backend, 1, 10);
    put(backend, 1, "k11", "v");
    skn_backend_destroy(backend);
    options.may_create = false;
    backend = must_open(&options);
    struct skn_shard_position at = position_of(1, 10);
    must_be_at(backend, &at);
    assert_true(has(backend, 1, "k1") && has(backend, 1, "k10"));
    assert_false(has(backend, 1, "k11")); /* closing flushes nothing */
    put_and_commit(backend, 11, 12);
    skn_backend_destroy(backend);
    struct skn_rocks_summary summary;
    assert_int_equal(skn_rocks_verify(&options, &summary, NULL), SKN_OK);
    assert_int_equal(summary.rows, 12);
    assert_int_equal(summary.commits, 2);
    assert_int_equal(summary.shards, 1);
    assert_true(summary.is_exact);
    folder_remove(&f);
}

/* Invariant 2; also after reads. */
static void an_opening_that_writes_nothing_leaves_every_file_alone(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    struct skn_backend *backend = must_open(&options);
    put_and_commit(backend, 1, 10);
    skn_backend_destroy(backend);
    uint64_t before = fingerprint(options.dir);
    backend = must_open(&options);
    assert_true(has(backend, 1, "k7"));
    skn_backend_destroy(backend);
    assert_int_equal(fingerprint(options.dir), before);
    folder_remove(&f);
}

static void what_is_no_store_of_ours_is_refused_by_name(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    options.may_create = false;
    must_refuse(&options, SKN_ENOENT, "db");
    folder_mkdir(&f, "db");
    must_refuse(&options, SKN_ENOENT, "db");
    folder_write(&f, "db/notes.txt", "mine");
    must_refuse(&options, SKN_ECORRUPT, "skein.mark");
    options.may_create = true;
    must_refuse(&options, SKN_ECORRUPT, "skein.mark");
    assert_int_equal(unlink(folder_at(&f, "db/notes.txt")), 0);
    /* What a creation that was cut off leaves is no obstacle. */
    folder_write(&f, "db/skein.mark.tmp", "half");
    struct skn_backend *backend = must_open(&options);
    put_and_commit(backend, 1, 1);
    must_refuse(&options, SKN_EBUSY, "another process");
    skn_backend_destroy(backend);
    options.store_id[0]++;
    must_refuse(&options, SKN_EFOREIGN, "another store");
    memset(options.store_id, 0, sizeof options.store_id);
    skn_backend_destroy(must_open(&options));
    folder_remove(&f);
}

/* No compaction from here on: every commit leaves a file. */
static void keep_all_files(struct skn_backend *backend)
{
    struct skn_rocks *r = skn_rocks_of(backend);
    void (*set_options)(rocksdb_t *, int, const char *const *, const char *const *, char **);
    const char *name = "disable_auto_compactions", *value = "true";
    char *error = NULL;
    void *handle = dlopen(SKN_ROCKS_SONAME, RTLD_LAZY | RTLD_NOLOAD);
    assert_non_null(handle);
    void *address = dlsym(handle, "rocksdb_set_options");
    assert_non_null(address);
    memcpy(&set_options, &address, sizeof set_options);
    set_options(r->db, 1, &name, &value, &error);
    assert_null(error);
    (void)dlclose(handle);
}

/* RocksDB finds a row of no bytes, without an error, where it would first have to open the file: it
 * keeps some files open and may not wait for others. That is no damage, and the row comes later. */
static void a_row_in_a_file_that_is_not_open_comes_later(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    options.open_files_max = 20; /* the least that RocksDB takes */
    struct skn_backend *backend = must_open(&options);
    put_and_commit(backend, 1, 1);
    keep_all_files(backend);
    for (uint64_t n = 2; n <= 60; n++)
        put_and_commit(backend, n, n);
    struct skn_buf out;
    unsigned later = 0;
    skn_buf_init(&out, 4096);
    for (uint64_t i = 1; i <= 60; i++) {
        char key[16];
        bool is_end;
        struct skn_diag diag = {0};
        (void)snprintf(key, sizeof key, "k%d", (int)i);
        const struct skn_read one = {.shard = 1, .from = skn_slice_str(key)};
        enum skn_rc rc = skn_backend_read(backend, &one, false, &out, &is_end, &diag);
        if (rc != SKN_ELATER && rc != SKN_OK) fail_msg("%s", diag.text);
        later += rc == SKN_ELATER;
        skn_buf_reset(&out);
        assert_int_equal(skn_backend_read(backend, &one, true, &out, &is_end, NULL), SKN_OK);
        assert_true(out.len > 0);
        skn_buf_reset(&out);
    }
    assert_true(later > 0);
    skn_buf_fini(&out);
    skn_backend_destroy(backend);
    folder_remove(&f);
}

static void a_reader_shares_the_folder_and_changes_nothing(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    struct skn_backend *backend = must_open(&options);
    put_and_commit(backend, 1, 3);
    skn_backend_destroy(backend);
    options.is_read_only = true;
    struct skn_backend *one = must_open(&options), *two = must_open(&options);
    assert_true(has(one, 1, "k3") && has(two, 1, "k3"));
    struct skn_diag diag;
    struct skn_shard_position at = position_of(1, 3);
    assert_int_equal(skn_backend_commit(one, &at, 1, &diag), SKN_EPERM);
    assert_int_equal(skn_backend_backup(one, folder_at(&f, "copy"), &diag), SKN_EPERM);
    skn_backend_destroy(one);
    skn_backend_destroy(two);
    folder_remove(&f);
}

static void mark_bytes_are_golden(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    uint8_t id[SKN_ROCKS_ID_BYTES] = {1, 2, 3};
    assert_int_equal(skn_mark_make(skn_env_real(), f.path, id, 258, NULL), SKN_OK);
    struct skn_mark mark;
    assert_int_equal(skn_mark_open(skn_env_real(), f.path, false, &mark, NULL), SKN_OK);
    assert_int_equal(skn_mark_set(&mark, 259, NULL), SKN_OK);
    skn_mark_close(&mark);
    uint8_t bytes[8192 + 1], expected[8192] = {0};
    FILE *file = fopen(folder_at(&f, "skein.mark"), "r");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), 8192);
    (void)fclose(file);
    static const uint8_t head[40] = {'s', 'k', 'e', 'i', 'n', 'r', 'k', 's', 2, 0, 0, 0, 0, 0,
                                     0,   0,   1,   2,   3,   0,   0,   0,   0, 0, 0, 0, 0, 0,
                                     0,   0,   0,   0,   2,   1,   0,   0,   0, 0, 0, 0};
    for (size_t at = 0; at < 8192; at += 4096) {
        memcpy(expected + at, head, sizeof head);
        if (at > 0) expected[at + 32] = 3;
        uint64_t sum = XXH3_64bits(expected + at, 40);
        for (size_t i = 0; i < 8; i++)
            expected[at + 40 + i] = (uint8_t)(sum >> 8 * i);
    }
    assert_memory_equal(bytes, expected, sizeof expected);
    folder_remove(&f);
}

/* Writes a slot of our own making over the one at `offset`. */
static void write_slot(const struct folder *f, long offset, uint32_t level, uint64_t commits)
{
    uint8_t slot[48] = "skeinrks";
    slot[8] = (uint8_t)level;
    memset(slot + 16, 0x5a, 16);
    slot[32] = (uint8_t)commits;
    uint64_t sum = XXH3_64bits(slot, 40);
    for (size_t i = 0; i < 8; i++)
        slot[40 + i] = (uint8_t)(sum >> 8 * i);
    FILE *file = fopen(folder_at(f, "db/skein.mark"), "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    assert_int_equal(fwrite(slot, 1, sizeof slot, file), sizeof slot);
    assert_int_equal(fclose(file), 0);
}

static void a_newer_mark_and_one_that_knows_more_commits_are_refused(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    struct skn_backend *backend = must_open(&options);
    put_and_commit(backend, 1, 3);
    skn_backend_destroy(backend);
    write_slot(&f, 0, 1, 2); /* as after a second commit that the rows do not have */
    must_refuse(&options, SKN_ECORRUPT, "at commit 2 and its files are those of commit 1");
    write_slot(&f, 0, 3, 0);
    must_refuse(&options, SKN_ENEWER, "format level 3");
    folder_remove(&f);
}

/* A slot is torn and the machine stops, twice in a row: the next commit must spare the good one. */
static void a_torn_slot_never_costs_the_good_one(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    for (uint64_t n = 1; n <= 6; n++) {
        struct skn_backend *backend = must_open(&options);
        put_and_commit(backend, n, n);
        skn_backend_destroy(backend);
        struct skn_mark mark;
        assert_int_equal(skn_mark_open(skn_env_real(), options.dir, true, &mark, NULL), SKN_OK);
        assert_int_equal(mark.commits, n);
        long newest = mark.slot * 4096L;
        skn_mark_close(&mark);
        if (n % 3 == 0) continue;
        FILE *file = fopen(folder_at(&f, "db/skein.mark"), "r+");
        assert_non_null(file);
        assert_int_equal(fseek(file, newest + 32, SEEK_SET), 0);
        assert_int_equal(fputc(0xee, file), 0xee);
        assert_int_equal(fclose(file), 0);
    }
    struct skn_rocks_summary summary;
    assert_int_equal(skn_rocks_verify(&options, &summary, NULL), SKN_OK);
    assert_int_equal(summary.rows, 6);
    folder_remove(&f);
}

/* E13: what is not in memory is said to come later, and is there once somebody waited for it. */
static void without_waiting_a_cold_row_comes_later(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    struct skn_backend *backend = must_open(&options);
    put_and_commit(backend, 1, 5000); /* more than the block that an opening reads */
    skn_backend_destroy(backend);
    backend = must_open(&options);
    struct skn_read one = {.shard = 1, .from = SKN_LIT("k50")};
    struct skn_read range = {
        .shard = 1, .from = SKN_LIT("k"), .end = SKN_LIT("l"), .max_rows = 5, .max_bytes = 1000};
    struct skn_buf out;
    bool is_end = false;
    skn_buf_init(&out, 4096);
    assert_int_equal(skn_backend_read(backend, &one, false, &out, &is_end, NULL), SKN_ELATER);
    assert_int_equal(skn_backend_read(backend, &range, false, &out, &is_end, NULL), SKN_ELATER);
    assert_int_equal(out.len, 0);
    assert_int_equal(skn_backend_read(backend, &one, true, &out, &is_end, NULL), SKN_OK);
    assert_int_equal(skn_backend_read(backend, &one, false, &out, &is_end, NULL), SKN_OK);
    assert_int_equal(skn_backend_read(backend, &range, true, &out, &is_end, NULL), SKN_OK);
    assert_false(is_end);
    assert_int_equal(skn_backend_read(backend, &range, false, &out, &is_end, NULL), SKN_OK);
    skn_buf_fini(&out);
    /* A buffer that is too small is said, not filled in part. */
    skn_buf_init(&out, 20);
    assert_int_equal(skn_backend_read(backend, &range, true, &out, &is_end, NULL), SKN_EFULL);
    assert_int_equal(out.len, 0);
    skn_buf_fini(&out);
    skn_backend_destroy(backend);
    folder_remove(&f);
}

static void malformed_batches_change_nothing(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    struct skn_backend *backend = must_open(&options);
    struct skn_buf batch;
    skn_buf_init(&batch, 4096);
    skn_batch_put_stored(&batch, SKN_LIT("a"), 1, SKN_LIT("x"));
    skn_batch_put(&batch, SKN_LIT("b"), SKN_LIT("short")); /* not in the stored form */
    assert_int_equal(skn_backend_write(backend, 1, skn_buf_slice(&batch), NULL), SKN_ECORRUPT);
    skn_buf_reset(&batch);
    skn_batch_put_stored(&batch, SKN_LIT("a"), 1, SKN_LIT("x"));
    struct skn_slice cut = skn_slice(batch.ptr, batch.len - 1);
    assert_int_equal(skn_backend_write(backend, 1, cut, NULL), SKN_ECORRUPT);
    assert_false(has(backend, 1, "a"));
    put_and_commit(backend, 1, 2); /* and it goes on */
    skn_buf_fini(&batch);
    skn_backend_destroy(backend);
    folder_remove(&f);
}

/* E7: a file that cannot grow stands for a disk that fails. */
static void after_a_failed_commit_nothing_is_tried_again(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    struct skn_backend *backend = must_open(&options);
    put_and_commit(backend, 1, 5);
    put(backend, 1, "k6", "v");
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit old, none = {.rlim_cur = 0};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    none.rlim_max = old.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    struct skn_diag diag = {0};
    struct skn_shard_position at = position_of(1, 6);
    enum skn_rc rc = skn_backend_commit(backend, &at, 1, &diag);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(rc, SKN_EIO);
    assert_non_null(strstr(diag.text, options.dir));
    assert_int_equal(skn_backend_commit(backend, &at, 1, &diag), SKN_EIO);
    assert_non_null(strstr(diag.text, "failed before"));
    assert_int_equal(skn_backend_write(backend, 1, (struct skn_slice){0}, &diag), SKN_EIO);
    skn_backend_destroy(backend);
    backend = must_open(&options);
    at = position_of(1, 5);
    must_be_at(backend, &at);
    assert_true(has(backend, 1, "k5"));
    skn_backend_destroy(backend);
    folder_remove(&f);
}

static void texts_of_rocksdb_become_codes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum skn_rc rc;
    } cases[] = {
        {"Result incomplete: ", SKN_ELATER},
        {"IO error: No space left on device: While appending to file: /x/1.sst: ", SKN_EDISKFULL},
        {"IO error: While lock file: /x/LOCK: Resource temporarily unavailable", SKN_EBUSY},
        {"IO error: lock hold by current process, acquire time 1: /x/LOCK", SKN_EBUSY},
        {"IO error: Input/output error: While pread offset 0 len 5: /x/1.sst", SKN_EIO},
        {"IO error: File too large: While appending to file: /x/1.sst", SKN_EIO},
        {"IO error: Permission denied: While open a file for appending: /x/LOG", SKN_EPERM},
        {"IO error: No such file or directory: While open a file: /x/1.sst", SKN_ECORRUPT},
        {"Corruption: block checksum mismatch: stored = 1", SKN_ECORRUPT},
        {"Invalid argument: /x: does not exist (create_if_missing is false)", SKN_ECORRUPT},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++)
        assert_int_equal(skn_rocks_classify(cases[i].text), cases[i].rc);
}

static void a_missing_library_says_what_to_install(void **state)
{
    (void)state;
    struct skn_rocks_lib lib;
    struct skn_diag diag = {0};
    assert_int_equal(skn_rocks_lib_load_from("librocksdb.so.none", &lib, &diag), SKN_ECONFIG);
    assert_non_null(strstr(diag.text, "apt install librocksdb"));
    assert_int_equal(skn_rocks_lib_load_from("libc.so.6", &lib, &diag), SKN_ECONFIG);
    assert_non_null(strstr(diag.text, "rocksdb_"));
}

/* The copy is what the last commit made durable, though more was written and more follows. */
static void a_backup_holds_the_last_commit_while_writes_go_on(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    struct skn_backend *backend = must_open(&options);
    struct skn_diag diag = {0};
    assert_int_equal(skn_backend_backup(backend, folder_at(&f, "empty"), &diag), SKN_OK);
    put_and_commit(backend, 1, 20);
    assert_true(skn_backend_is_exact(backend));
    put(backend, 1, "k21", "v");
    assert_false(skn_backend_is_exact(backend)); /* until the next commit */
    assert_int_equal(skn_backend_backup(backend, folder_at(&f, "copy"), &diag), SKN_OK);
    assert_int_equal(skn_backend_backup(backend, folder_at(&f, "copy"), &diag), SKN_EEXIST);
    put_and_commit(backend, 22, 30);
    assert_true(skn_backend_is_exact(backend));
    struct skn_rocks_options copy = options;
    copy.dir = folder_at(&f, "copy");
    struct skn_rocks_summary summary;
    if (skn_rocks_verify(&copy, &summary, &diag) != SKN_OK) fail_msg("%s", diag.text);
    assert_int_equal(summary.rows, 20);
    assert_true(summary.is_exact);
    copy.dir = folder_at(&f, "empty");
    assert_int_equal(skn_rocks_verify(&copy, &summary, &diag), SKN_OK);
    assert_int_equal(summary.rows, 0);
    skn_backend_destroy(backend);
    folder_remove(&f);
}

/* E43: the same rows under another id, which the old one no longer opens. */
static void a_renamed_copy_keeps_its_rows(void **state)
{
    (void)state;
    static const uint8_t id[SKN_ROCKS_ID_BYTES] = {1, 2, 3};
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    struct skn_backend *backend = must_open(&options);
    assert_int_equal(skn_backend_backup(backend, folder_at(&f, "empty"), NULL), SKN_OK);
    put_and_commit(backend, 1, 20);
    assert_int_equal(skn_backend_backup(backend, folder_at(&f, "copy"), NULL), SKN_OK);
    skn_backend_destroy(backend);
    static const char *const names[] = {"copy", "empty"};
    for (size_t i = 0; i < 2; i++) {
        struct skn_rocks_options copy = options;
        copy.dir = folder_at(&f, names[i]);
        struct skn_diag diag = {0};
        if (skn_rocks_rename(&copy, id, &diag) != SKN_OK) fail_msg("%s", diag.text);
        must_refuse(&copy, SKN_EFOREIGN, "another store");
        memcpy(copy.store_id, id, sizeof id);
        struct skn_rocks_summary summary;
        if (skn_rocks_verify(&copy, &summary, &diag) != SKN_OK) fail_msg("%s", diag.text);
        assert_int_equal(summary.rows, i == 0 ? 20 : 0);
        assert_int_equal(summary.commits, i == 0 ? 1 : 0);
        backend = must_open(&copy); /* and it goes on */
        put_and_commit(backend, i == 0 ? 21 : 1, 30);
        skn_backend_destroy(backend);
        assert_int_equal(skn_rocks_verify(&copy, &summary, &diag), SKN_OK);
        assert_int_equal(summary.rows, 30);
    }
    folder_remove(&f);
}

/* A copy without its mark was cut off while it was made. */
static void a_backup_that_was_cut_off_is_refused(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    struct skn_backend *backend = must_open(&options);
    put_and_commit(backend, 1, 2);
    assert_int_equal(skn_backend_backup(backend, folder_at(&f, "copy"), NULL), SKN_OK);
    skn_backend_destroy(backend);
    options.dir = folder_at(&f, "copy");
    assert_int_equal(unlink(folder_at(&f, "copy/skein.mark")), 0);
    must_refuse(&options, SKN_ECORRUPT, "skein.mark");
    folder_remove(&f);
}

static void verify_finds_rows_that_are_not_those_of_the_position(void **state)
{
    (void)state;
    struct folder f;
    folder_make(&f);
    struct skn_rocks_options options = rocks_options(folder_at(&f, "db"));
    struct skn_backend *backend = must_open(&options);
    put_and_commit(backend, 1, 3);
    struct skn_shard_position at = position_of(1, 4); /* of which k4 is missing */
    assert_int_equal(skn_backend_commit(backend, &at, 1, NULL), SKN_OK);
    skn_backend_destroy(backend);
    struct skn_rocks_summary summary;
    struct skn_diag diag = {0};
    assert_int_equal(skn_rocks_verify(&options, &summary, &diag), SKN_ECORRUPT);
    assert_non_null(strstr(diag.text, "3 rows of shard 1"));
    backend = must_open(&options);
    at = position_of(1, 3);
    struct skn_shard_position more = position_of(2, 1); /* a shard without rows */
    assert_int_equal(skn_backend_commit(backend, &at, 1, NULL), SKN_OK);
    assert_int_equal(skn_backend_commit(backend, &more, 1, NULL), SKN_OK);
    skn_backend_destroy(backend);
    assert_int_equal(skn_rocks_verify(&options, &summary, &diag), SKN_ECORRUPT);
    assert_non_null(strstr(diag.text, "0 rows of shard 2"));
    folder_remove(&f);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_store_is_a_mark_and_becomes_more_with_its_first_write),
        cmocka_unit_test(a_commit_is_there_after_reopening_and_what_follows_it_need_not_be),
        cmocka_unit_test(an_opening_that_writes_nothing_leaves_every_file_alone),
        cmocka_unit_test(what_is_no_store_of_ours_is_refused_by_name),
        cmocka_unit_test(a_row_in_a_file_that_is_not_open_comes_later),
        cmocka_unit_test(a_reader_shares_the_folder_and_changes_nothing),
        cmocka_unit_test(mark_bytes_are_golden),
        cmocka_unit_test(a_newer_mark_and_one_that_knows_more_commits_are_refused),
        cmocka_unit_test(a_torn_slot_never_costs_the_good_one),
        cmocka_unit_test(without_waiting_a_cold_row_comes_later),
        cmocka_unit_test(malformed_batches_change_nothing),
        cmocka_unit_test(after_a_failed_commit_nothing_is_tried_again),
        cmocka_unit_test(texts_of_rocksdb_become_codes),
        cmocka_unit_test(a_missing_library_says_what_to_install),
        cmocka_unit_test(a_backup_holds_the_last_commit_while_writes_go_on),
        cmocka_unit_test(a_renamed_copy_keeps_its_rows),
        cmocka_unit_test(a_backup_that_was_cut_off_is_refused),
        cmocka_unit_test(verify_finds_rows_that_are_not_those_of_the_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
