/* test_damage.c - every file of a store removed, emptied, cut, flipped, exchanged. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "rows.h"

#include <dirent.h>

enum { FILES_MAX = 32, COMMITS = 3, ROWS_EACH = 400 };

struct file {
    char name[64];
    uint8_t *bytes;
    size_t len;
};

struct store {
    struct folder folder;
    char dir[128];
    struct file files[FILES_MAX];
    size_t count;
    uint64_t rows;
    uint64_t refused;
    uint64_t harmless;
};

static void write_file(const char *dir, const char *name, const uint8_t *bytes, size_t len)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    (void)unlink(path); /* a file cut to nothing and filled again is flushed by ext4: slow */
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void take_file(struct store *s, const char *name)
{
    char path[256];
    assert_true(s->count < FILES_MAX && strlen(name) < sizeof s->files[0].name);
    struct file *file = &s->files[s->count++];
    (void)snprintf(file->name, sizeof file->name, "%s", name);
    (void)snprintf(path, sizeof path, "%s/%s", s->dir, name);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    file->len = (size_t)st.st_size;
    file->bytes = calloc(1, file->len + 1);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_int_equal(fread(file->bytes, 1, file->len, in), file->len);
    assert_int_equal(fclose(in), 0);
}

static void fill(struct skn_backend *backend, struct skn_shard_position *at, char salt)
{
    struct skn_buf batch;
    skn_buf_init(&batch, 1 << 20);
    for (int i = 0; i < ROWS_EACH; i++) {
        char key[32], value[64];
        uint64_t n = at->position.index++;
        (void)snprintf(key, sizeof key, "row%06d", (int)n);
        (void)snprintf(
            value, sizeof value, "%c value of row %d, some of it the same", salt, (int)n);
        skn_batch_put_stored(&batch, skn_slice_str(key), n, skn_slice_str(value));
        at->position.state = skn_hash128_add(
            at->position.state, skn_row_hash(skn_slice_str(key), skn_slice_str(value)));
    }
    assert_int_equal(skn_backend_write(backend, at->shard, skn_buf_slice(&batch), NULL), SKN_OK);
    assert_int_equal(skn_backend_commit(backend, at, 1, NULL), SKN_OK);
    skn_buf_fini(&batch);
}

static struct skn_rocks_options options_of(const struct store *s)
{
    return rocks_options(s->dir);
}

static void store_make(struct store *s, const char *name, int commits, char salt)
{
    (void)snprintf(s->dir, sizeof s->dir, "%s/%s", s->folder.path, name);
    struct skn_rocks_options options = options_of(s);
    struct skn_backend *backend = must_open(&options);
    struct skn_shard_position at = {.shard = 3};
    for (int i = 0; i < commits; i++)
        fill(backend, &at, salt);
    skn_backend_destroy(backend);
    s->rows = at.position.index;
    DIR *folder = opendir(s->dir);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.') take_file(s, entry->d_name);
    (void)closedir(folder);
}

static void store_fini(struct store *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->files[i].bytes);
}

/* Refused with a name, or whole: never fewer rows, never other ones. */
static bool
is_refused_or_whole(struct store *s, const char *what, const struct file *file, size_t at)
{
    struct skn_rocks_options options = options_of(s);
    struct skn_rocks_summary summary = {0};
    struct skn_diag diag = {0};
    enum skn_rc rc = skn_rocks_verify(&options, &summary, &diag);
    if (rc == SKN_OK) {
        if (!summary.is_exact || summary.rows != s->rows || summary.commits != COMMITS)
            fail_msg("%s %s at %zu: %d rows of %d, commit %d, and no error",
                     what,
                     file->name,
                     at,
                     (int)summary.rows,
                     (int)s->rows,
                     (int)summary.commits);
        s->harmless++;
        return false;
    }
    bool is_named = strstr(diag.text, s->dir) != NULL;
    if (!is_named || (rc != SKN_ECORRUPT && rc != SKN_EIO && rc != SKN_ENEWER &&
                      rc != SKN_EFOREIGN && rc != SKN_ENOENT))
        fail_msg("%s %s at %zu: code %d, %s", what, file->name, at, rc, diag.text);
    s->refused++;
    return true;
}

static void restore(const struct store *s, const struct file *file)
{
    write_file(s->dir, file->name, file->bytes, file->len);
}

static bool begins_with(const struct file *file, const char *text)
{
    return strncmp(file->name, text, strlen(text)) == 0;
}

static bool is_table(const struct file *file)
{
    const char *dot = strrchr(file->name, '.');
    return dot && strcmp(dot, ".sst") == 0;
}

/* Files whose loss loses rows; the others are RocksDB's notes to itself. */
static bool is_needed(const struct file *file)
{
    return begins_with(file, "CURRENT") || begins_with(file, "MANIFEST") ||
           begins_with(file, "skein.mark") || is_table(file);
}

/* With leave to make a new store, a damaged one must still not be taken for none. */
static void must_not_be_made_anew(const struct store *s)
{
    struct skn_rocks_options options = options_of(s);
    options.may_create = true;
    struct skn_backend *backend = NULL;
    if (skn_rocks_open(&options, &backend, NULL) == SKN_OK) fail_msg("made anew: %s", s->dir);
}

static void each_file_removed_emptied_or_cut(void **state)
{
    (void)state;
    struct store s = {0};
    folder_make(&s.folder);
    store_make(&s, "db", COMMITS, 'a');
    assert_false(is_refused_or_whole(&s, "nothing done to", &s.files[0], 0));
    for (size_t i = 0; i < s.count; i++) {
        const struct file *file = &s.files[i];
        char path[256];
        (void)snprintf(path, sizeof path, "%s/%s", s.dir, file->name);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(is_refused_or_whole(&s, "removed", file, 0), is_needed(file));
        if (is_needed(file)) must_not_be_made_anew(&s);
        write_file(s.dir, file->name, file->bytes, 0);
        assert_int_equal(is_refused_or_whole(&s, "emptied", file, 0), is_needed(file));
        if (is_needed(file)) must_not_be_made_anew(&s);
        for (size_t cut = 1; cut <= 100 && file->len > 0; cut++) {
            /* Ends are where recovery forgives: each of the last 60 bytes, then further off. */
            size_t lost = cut <= 60 ? cut : file->len * (cut - 60) / 41;
            if (lost == 0 || lost > file->len) continue;
            write_file(s.dir, file->name, file->bytes, file->len - lost);
            bool is_refused = is_refused_or_whole(&s, "cut", file, file->len - lost);
            /* The last 16 bytes of the MANIFEST say that a log is done with: no loss. */
            if (begins_with(file, "MANIFEST") && lost > 16) assert_true(is_refused);
            if (is_table(file)) assert_true(is_refused);
        }
        restore(&s, file);
    }
    assert_false(is_refused_or_whole(&s, "put back", &s.files[0], 0));
    print_message(
        "covered: %d damages refused by name, %d without harm\n", (int)s.refused, (int)s.harmless);
    store_fini(&s);
    folder_remove(&s.folder);
}

static int flips_of_each_file(void)
{
    const char *soak = getenv("SKN_SOAK");
    long n = soak ? strtol(soak, NULL, 10) : 1;
    return n < 1 ? 50 : (int)(n > 20 ? 20 : n) * 150;
}

static void a_bit_flipped_anywhere(void **state)
{
    (void)state;
    struct store s = {0};
    struct skn_rng rng;
    folder_make(&s.folder);
    store_make(&s, "db", COMMITS, 'a');
    skn_rng_init(&rng, 11);
    int flips = flips_of_each_file();
    for (size_t i = 0; i < s.count; i++) {
        struct file *file = &s.files[i];
        for (int n = 0; file->len > 0 && is_needed(file) && n < flips; n++) {
            /* A third near the end, where recovery forgives. */
            size_t near = file->len < 80 ? file->len : 80;
            size_t at = n % 3 == 0 ? file->len - 1 - skn_rng_below(&rng, near)
                                   : skn_rng_below(&rng, file->len);
            uint8_t bit = (uint8_t)(1 << skn_rng_below(&rng, 8));
            file->bytes[at] ^= bit;
            restore(&s, file);
            (void)is_refused_or_whole(&s, "flipped", file, at);
            file->bytes[at] ^= bit;
        }
        restore(&s, file);
    }
    assert_false(is_refused_or_whole(&s, "put back", &s.files[0], 0));
    print_message(
        "covered: %d damages refused by name, %d without harm\n", (int)s.refused, (int)s.harmless);
    assert_true(s.refused > s.harmless / 4);
    store_fini(&s);
    folder_remove(&s.folder);
}

/* What an older copy of the folder, or another store, has in place of ours. */
static void files_of_other_stores_in_place_of_ours(void **state)
{
    (void)state;
    struct store s = {0}, other = {0};
    folder_make(&s.folder);
    other.folder = s.folder;
    store_make(&s, "db", COMMITS, 'a');
    store_make(&other, "other", COMMITS, 'b');
    for (size_t i = 0; i < s.count; i++)
        for (size_t k = 0; k < other.count; k++) {
            if (strcmp(s.files[i].name, other.files[k].name) != 0 || !is_needed(&s.files[i]))
                continue;
            restore(&s, &s.files[i]);
            write_file(s.dir, s.files[i].name, other.files[k].bytes, other.files[k].len);
            (void)is_refused_or_whole(&s, "exchanged", &s.files[i], 0);
            restore(&s, &s.files[i]);
        }
    print_message(
        "covered: %d damages refused by name, %d without harm\n", (int)s.refused, (int)s.harmless);
    assert_true(s.refused >= COMMITS); /* each table at least */
    store_fini(&other);
    store_fini(&s);
    folder_remove(&s.folder);
}

/* Invariant 1: everything but the mark put back to an earlier day. */
static void an_older_copy_under_a_newer_mark_is_refused(void **state)
{
    (void)state;
    struct store s = {0}, old = {0};
    folder_make(&s.folder);
    old.folder = s.folder;
    store_make(&s, "db", COMMITS, 'a');
    store_make(&old, "old", COMMITS - 1, 'a');
    for (size_t i = 0; i < s.count; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "%s/%s", s.dir, s.files[i].name);
        if (!begins_with(&s.files[i], "skein.mark")) assert_int_equal(unlink(path), 0);
    }
    for (size_t k = 0; k < old.count; k++)
        if (!begins_with(&old.files[k], "skein.mark")) restore(&s, &old.files[k]);
    struct skn_rocks_options options = options_of(&s);
    struct skn_backend *backend = NULL;
    struct skn_diag diag = {0};
    assert_int_equal(skn_rocks_open(&options, &backend, &diag), SKN_ECORRUPT);
    assert_non_null(strstr(diag.text, "was at commit 3 and its files are those of commit 2"));
    store_fini(&old);
    store_fini(&s);
    folder_remove(&s.folder);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_removed_emptied_or_cut),
        cmocka_unit_test(a_bit_flipped_anywhere),
        cmocka_unit_test(files_of_other_stores_in_place_of_ours),
        cmocka_unit_test(an_older_copy_under_a_newer_mark_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
