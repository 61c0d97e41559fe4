/* test_damage.c - a data directory of the real program, damaged in every way that a disk or a person
 * can: each is named and refused, or changes nothing; never are there silently fewer rows. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "base/rng.h"
#include "env/env_real.h"
#include "lib/skein.h"
#include "node/node.h"
#include "shard/shards.h"
#include "store/rocks/rocks.h"
#include "value/value.h"

#include <dirent.h>
#include <inttypes.h>

enum {
    COUNTERS = 8,
    SENDS = 40, /* of each half */
    FILES_MAX = 64,
    LARGE = 4 << 20, /* the reserve: its bytes say nothing */
    CUTS = 6,
    FLIPS = 10,
    SOAK_CUTS = 100,
    SOAK_FLIPS = 1000,
};

struct file {
    char name[64]; /* "journal/super" */
    uint8_t *bytes;
    size_t len;
    bool is_large;
};

struct copy {
    struct file files[FILES_MAX];
    size_t count;
};

/* What a child found that read a data directory: plain data, through a pipe. */
struct found {
    enum skn_rc verified, opened;
    struct skn_hash128 hash; /* of all shards, added up */
    uint64_t records;
    int64_t sums;
    char why[400], why_open[400];
};

struct damage {
    struct folder folder;
    struct skein skein;
    struct copy old, now; /* the same directory, half full and in the end */
    struct found sound;
    struct skn_rng rng;
    uint64_t refused, harmless, runs;
};

static struct damage d;

/* --- the directory ---------------------------------------------------------------------------------- */

static void send_some(int from)
{
    static const char *const env[] = {"SKEIN_CHECKPOINT_RECORDS=40", NULL};
    d.skein.env = env;
    for (int i = from; i < from + SENDS; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "a:Counter/c%d", i % COUNTERS);
        if (SKEIN(&d.skein,
                  "domain",
                  "send",
                  address,
                  "add-many",
                  "{\"rows\":3,\"bytes\":700}",
                  "--id",
                  (char[8]){(char)('a' + i / 26), (char)('a' + i % 26)}) != 0)
            fail_msg("%s", d.skein.err);
    }
}

static void take_file(struct copy *copy, const char *part, const char *name)
{
    assert_true(copy->count < FILES_MAX);
    struct file *file = &copy->files[copy->count++];
    (void)snprintf(file->name, sizeof file->name, "%s/%s", part, name);
    char path[80];
    (void)snprintf(path, sizeof path, ".skein/%s", file->name);
    int fd = open(folder_at(&d.folder, path), O_RDONLY | O_CLOEXEC);
    struct stat st;
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    file->len = (size_t)st.st_size;
    file->is_large = file->len >= LARGE;
    file->bytes = calloc(1, file->len + 1);
    if (!file->is_large) assert_int_equal(read(fd, file->bytes, file->len), file->len);
    (void)close(fd);
}

static const char *const parts[] = {"journal", "store"};

static void take_copy(struct copy *copy)
{
    for (size_t i = 0; i < 2; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, ".skein/%s", parts[i]);
        DIR *dir = opendir(folder_at(&d.folder, path));
        assert_non_null(dir);
        for (struct dirent *entry; (entry = readdir(dir));)
            if (entry->d_name[0] != '.') take_file(copy, parts[i], entry->d_name);
        (void)closedir(dir);
    }
}

static void put_bytes(const char *name, const uint8_t *bytes, size_t len, bool is_large)
{
    char path[80];
    (void)snprintf(path, sizeof path, ".skein/%s", name);
    (void)unlink(folder_at(&d.folder, path)); /* ext4 flushes a file that is cut and filled again */
    int fd = open(folder_at(&d.folder, path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    if (is_large)
        assert_int_equal(ftruncate(fd, (off_t)len), 0);
    else
        assert_int_equal(write(fd, bytes, len), len);
    (void)close(fd);
}

static void take_away(const char *name)
{
    char path[80];
    (void)snprintf(path, sizeof path, ".skein/%s", name);
    (void)unlink(folder_at(&d.folder, path));
}

static void put(const struct file *file)
{
    put_bytes(file->name, file->bytes, file->len, file->is_large);
}

/* `part`: NULL for all. */
static void clear(const char *part)
{
    for (size_t i = 0; i < 2; i++) {
        char path[FOLDER_PATH_MAX];
        (void)snprintf(path, sizeof path, "%s/.skein/%s", d.folder.path, parts[i]);
        if (part && strcmp(part, parts[i]) != 0) continue;
        DIR *dir = opendir(path);
        for (struct dirent *entry; dir && (entry = readdir(dir));) {
            char name[300];
            (void)snprintf(name, sizeof name, "%s/%s", parts[i], entry->d_name);
            if (entry->d_name[0] != '.') take_away(name);
        }
        if (dir) (void)closedir(dir);
    }
}

static void put_all(const struct copy *copy, const char *part)
{
    for (size_t i = 0; i < 2; i++) {
        char path[32];
        (void)snprintf(path, sizeof path, ".skein/%s", parts[i]);
        if (!part || strcmp(part, parts[i]) == 0) (void)mkdir(folder_at(&d.folder, path), 0700);
    }
    for (size_t i = 0; i < copy->count; i++) {
        const struct file *file = &copy->files[i];
        if (!part || strncmp(file->name, part, strlen(part)) == 0) put(file);
    }
}

static void restore(void)
{
    clear(NULL);
    put_all(&d.now, NULL);
}

/* --- what is in it ---------------------------------------------------------------------------------- */

struct look {
    struct skn_call call;
    struct found *found;
};

static enum skn_rc look(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    struct found *found = SKN_CONTAINER_OF(call, struct look, call)->found;
    const struct skn_position at = skn_store_position(store);
    (void)core;
    found->hash = skn_hash128_add(found->hash, at.state);
    found->records += at.index;
    for (int i = 0; i < COUNTERS; i++) {
        char address[32];
        struct skn_slice bytes;
        (void)snprintf(address, sizeof address, "a:Counter/c%d", i);
        enum skn_rc rc =
            skn_core_get(store, skn_slice_str(address), SKN_LIT("sum"), &bytes, &call->diag);
        if (rc == SKN_OK) found->sums += skn_value_as_int(skn_value_view(bytes));
        if (rc != SKN_OK && rc != SKN_ENOENT) return rc;
    }
    return SKN_OK;
}

/* A store that is looked at. */
struct seen {
    const char *dir;
    struct skn_backend *backend; /* NULL: none was opened */
};

static enum skn_rc open_store(void *ctx,
                              const struct skn_journal_info *info,
                              struct skn_backend **out_backend,
                              struct skn_diag *diag)
{
    struct seen *seen = ctx;
    struct skn_rocks_options options = {
        .env = skn_env_real(), .dir = seen->dir, .is_read_only = true};
    memcpy(options.store_id, info->store_id, sizeof options.store_id);
    enum skn_rc rc = skn_rocks_open(&options, out_backend, diag);
    if (rc == SKN_OK) seen->backend = *out_backend;
    return rc == SKN_ENOENT && !info->is_trimmed ? SKN_OK : rc;
}

static enum skn_rc
look_at_all(struct skn_shards *shards, struct found *found, struct skn_diag *diag)
{
    for (uint32_t i = 0; i < skn_shards_count(shards); i++) {
        struct look of = {.call = {.fn = look, .shard = i}, .found = found};
        struct skn_shards_event event;
        skn_shards_call(shards, &of.call);
        if (!skn_shards_next_event(shards, &event) || event.call != &of.call)
            return SKN_FAIL(diag, SKN_EINTERNAL, "a look has no answer");
        if (of.call.rc != SKN_OK) {
            *diag = of.call.diag;
            return of.call.rc;
        }
    }
    return SKN_OK;
}

static void find(struct found *found)
{
    struct skn_diag diag = {0};
    char data[FOLDER_PATH_MAX], journal[FOLDER_PATH_MAX + 16], store[FOLDER_PATH_MAX + 16];
    (void)snprintf(data, sizeof data, "%s/.skein", d.folder.path);
    (void)snprintf(journal, sizeof journal, "%s/journal", data);
    (void)snprintf(store, sizeof store, "%s/store", data);
    found->verified = skn_data_verify(skn_env_real(), data, NULL, &diag);
    (void)snprintf(found->why, sizeof found->why, "%s", diag.text);
    diag = (struct skn_diag){0};
    struct seen seen = {.dir = store};
    const struct skn_shards_options options = {
        .env = skn_env_real(), .dir = journal, .open_store = open_store, .store_ctx = &seen};
    struct skn_shards *shards = NULL;
    found->opened = skn_shards_open_to_read(&options, &shards, &diag);
    if (found->opened == SKN_OK) found->opened = look_at_all(shards, found, &diag);
    (void)snprintf(found->why_open, sizeof found->why_open, "%s", diag.text);
    skn_shards_abandon(shards);
    skn_backend_destroy(seen.backend);
}

/* In a child: damage must not end the process either. */
static struct found find_in_child(const char *what)
{
    int ends[2];
    struct found found = {0};
    assert_int_equal(pipe(ends), 0);
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        find(&found);
        ssize_t n = write(ends[1], &found, sizeof found);
        _exit(n == (ssize_t)sizeof found ? 0 : 1);
    }
    (void)close(ends[1]);
    size_t len = 0;
    for (ssize_t n = 1; n > 0 && len<sizeof found; len += n> 0 ? (size_t)n : 0)
        n = read(ends[0], (char *)&found + len, sizeof found - len);
    (void)close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (len != sizeof found) fail_msg("%s: the reader ended with %d", what, status);
    return found;
}

static bool is_same(const struct found *found)
{
    return skn_hash128_eq(found->hash, d.sound.hash) && found->records == d.sound.records &&
           found->sums == d.sound.sums;
}

static bool is_refusal(enum skn_rc rc)
{
    return rc == SKN_ECORRUPT || rc == SKN_EIO || rc == SKN_EFOREIGN || rc == SKN_ENEWER ||
           rc == SKN_ENOENT;
}

/* With its newer slot gone the superblock says what it said before the clean stop; who only looks
 * leaves the last group out then [E81], who opens to write does not. A send is a group. */
static bool is_without_last_group(const char *what, const struct found *found)
{
    bool is_super = strncmp(what, "journal/super", 13) == 0;
    bool is_close = found->records + 1 == d.sound.records && found->sums + 1 >= d.sound.sums;
    return is_super && is_close && found->verified == SKN_ECORRUPT;
}

/* True: refused, by name. */
static bool check_read(const char *what, bool *out_is_less)
{
    struct found found = find_in_child(what);
    *out_is_less = is_without_last_group(what, &found);
    if (found.verified != SKN_OK && !is_refusal(found.verified))
        fail_msg("%s: verify says %d: %s", what, found.verified, found.why);
    if (found.verified != SKN_OK && !strstr(found.why, ".skein"))
        fail_msg("%s: no name in: %s", what, found.why);
    if (found.opened == SKN_OK && !is_same(&found) && !*out_is_less)
        fail_msg("%s: %" PRIu64 " records of %" PRIu64 ", sums %d of %d; verify says %d: %s",
                 what,
                 found.records,
                 d.sound.records,
                 (int)found.sums,
                 (int)d.sound.sums,
                 found.verified,
                 found.why);
    if (found.opened != SKN_OK && found.verified == SKN_OK)
        fail_msg("%s: sound, but not to be opened: %s", what, found.why_open);
    d.refused += found.verified != SKN_OK;
    d.harmless += found.verified == SKN_OK;
    return found.verified != SKN_OK;
}

/* The real program reads and writes; then all is put back. */
static void check_program(const char *what, bool is_refused)
{
    d.runs++;
    int code = SKEIN(&d.skein, "verify", ".");
    if (is_refused ? code != 65 && code != 74 : code != 0)
        fail_msg("%s: verify ends with %d: %s", what, code, d.skein.err);
    int64_t sums = 0;
    bool is_open = true;
    for (int i = 0; i < COUNTERS && is_open; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "a:Counter/c%d", i);
        code = SKEIN(&d.skein, "domain", "send", address, "get");
        is_open = code == 0;
        if (is_open) sums += strtol(d.skein.out, NULL, 10);
    }
    if (is_open && sums != d.sound.sums)
        fail_msg("%s: the program finds %d of %d", what, (int)sums, (int)d.sound.sums);
    if (!is_open && (!is_refused || (code != 65 && code != 74)))
        fail_msg("%s: opening ends with %d: %s", what, code, d.skein.err);
    skein_end_holder(&d.folder);
    restore();
}

static void check(const char *what, bool with_program)
{
    bool is_less, is_refused = check_read(what, &is_less);
    if (with_program || is_less) check_program(what, is_refused);
}

/* --- the damages ------------------------------------------------------------------------------------ */

static unsigned times(unsigned usually, unsigned in_soak)
{
    return getenv("SKN_SOAK") ? in_soak : usually;
}

static void each_file_removed_emptied_or_cut(void **state)
{
    (void)state;
    char what[160];
    unsigned cuts = times(CUTS, SOAK_CUTS);
    for (size_t i = 0; i < d.now.count; i++) {
        const struct file *file = &d.now.files[i];
        take_away(file->name);
        (void)snprintf(what, sizeof what, "%s removed", file->name);
        check(what, true);
        put_bytes(file->name, file->bytes, 0, false);
        (void)snprintf(what, sizeof what, "%s emptied", file->name);
        check(what, true);
        for (unsigned n = 0; n < cuts && file->len > 1; n++) {
            /* Half of them near the end, where recovery forgives. */
            size_t near = file->len < 600 ? file->len : 600;
            size_t lost = 1 + skn_rng_below(&d.rng, n % 2 == 0 ? near - 1 : file->len - 1);
            put_bytes(file->name, file->bytes, file->len - lost, file->is_large);
            (void)snprintf(what, sizeof what, "%s cut by %zu", file->name, lost);
            check(what, n == 0);
        }
        restore();
    }
    check("all put back", true);
    assert_int_equal(find_in_child("all put back").verified, SKN_OK);
}

static void a_bit_flipped_anywhere(void **state)
{
    (void)state;
    char what[160];
    unsigned flips = times(FLIPS, SOAK_FLIPS);
    for (size_t i = 0; i < d.now.count; i++) {
        struct file *file = &d.now.files[i];
        for (unsigned n = 0; n < flips && file->len > 0 && !file->is_large; n++) {
            size_t near = file->len < 100 ? file->len : 100;
            size_t at = n % 3 == 0 ? file->len - 1 - skn_rng_below(&d.rng, near)
                                   : skn_rng_below(&d.rng, file->len);
            /* A third where there is something. */
            for (int k = 0; n % 3 == 1 && k < 10000 && file->bytes[at] == 0; k++)
                at = skn_rng_below(&d.rng, file->len);
            unsigned bit = (unsigned)skn_rng_below(&d.rng, 8);
            file->bytes[at] ^= (uint8_t)(1u << bit);
            put(file);
            file->bytes[at] ^= (uint8_t)(1u << bit);
            (void)snprintf(what, sizeof what, "%s, bit %u of byte %zu", file->name, bit, at);
            check(what, n == 1);
        }
        restore();
    }
    check("all put back", true);
    assert_int_equal(find_in_child("all put back").verified, SKN_OK);
}

static const struct file *same_name(const struct copy *copy, const struct file *file)
{
    for (size_t i = 0; i < copy->count; i++)
        if (strcmp(copy->files[i].name, file->name) == 0) return &copy->files[i];
    return NULL;
}

static void one_file_of_an_older_copy_put_back(void **state)
{
    (void)state;
    char what[160];
    unsigned changed = 0;
    for (size_t i = 0; i < d.old.count; i++) {
        const struct file *old = &d.old.files[i], *now = same_name(&d.now, old);
        if (now && now->len == old->len && memcmp(now->bytes, old->bytes, old->len) == 0) continue;
        put(old);
        (void)snprintf(what, sizeof what, "%s as it was %s", old->name, now ? "then" : "and gone");
        check(what, true);
        restore();
        changed += now != NULL;
    }
    assert_true(changed >= 2);
}

static void must_be_refused(const char *what)
{
    bool is_less;
    if (!check_read(what, &is_less)) fail_msg("%s: nobody says a word", what);
    check_program(what, true);
}

static void journal_and_store_that_do_not_belong_together(void **state)
{
    (void)state;
    clear("store");
    put_all(&d.old, "store");
    must_be_refused("a store older than the trimmed journal");
    clear("journal");
    put_all(&d.old, "journal");
    must_be_refused("a journal older than the store");
    clear("store");
    must_be_refused("an empty store beside a trimmed journal");
    clear("store");
    assert_int_equal(rmdir(folder_at(&d.folder, ".skein/store")), 0);
    must_be_refused("no store beside a trimmed journal");
    clear("journal");
    must_be_refused("an empty journal beside a store");
    clear("journal");
    assert_int_equal(rmdir(folder_at(&d.folder, ".skein/journal")), 0);
    must_be_refused("no journal beside a store");
}

static void a_store_of_another_directory(void **state)
{
    (void)state;
    struct copy other = {0};
    clear("journal");
    clear("store");
    assert_int_equal(rmdir(folder_at(&d.folder, ".skein/store")), 0);
    assert_int_equal(rmdir(folder_at(&d.folder, ".skein/journal")), 0);
    send_some(0);
    send_some(SENDS);
    skein_end_holder(&d.folder);
    take_copy(&other);
    restore();
    clear("store");
    put_all(&other, "store");
    must_be_refused("the store of another directory");
    clear("journal");
    put_all(&other, "journal");
    must_be_refused("the journal of another directory");
    for (size_t i = 0; i < other.count; i++) {
        char what[160];
        const struct file *file = &other.files[i];
        put(file);
        (void)snprintf(what, sizeof what, "%s of another directory", file->name);
        check(what, true);
        restore();
    }
    for (size_t i = 0; i < other.count; i++)
        free(other.files[i].bytes);
}

/* --- */

static int make(void **state)
{
    (void)state;
    const char *given = getenv("SKN_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    skn_rng_init(&d.rng, seed);
    printf("covered: seed %" PRIu64 "\n", seed);
    folder_make(&d.folder);
    folder_write(&d.folder, "skein.yaml", "");
    d.skein.dir = d.folder.path;
    send_some(0);
    skein_end_holder(&d.folder);
    take_copy(&d.old);
    send_some(SENDS);
    skein_end_holder(&d.folder);
    take_copy(&d.now);
    /* Here once: a child then has RocksDB loaded and bound, which costs as much as all it does with it. */
    struct found warm = {0};
    find(&warm);
    d.sound = find_in_child("sound");
    if (d.sound.verified != SKN_OK || d.sound.opened != SKN_OK)
        fail_msg("%s, %s", d.sound.why, d.sound.why_open);
    assert_int_equal(d.sound.sums, 2 * SENDS);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    printf("covered: %zu files; %" PRIu64 " damages refused by name, %" PRIu64
           " without harm; %" PRIu64 " of them opened by the program\n",
           d.now.count,
           d.refused,
           d.harmless,
           d.runs);
    skein_end_holder(&d.folder);
    folder_remove(&d.folder);
    for (size_t i = 0; i < d.now.count; i++)
        free(d.now.files[i].bytes);
    for (size_t i = 0; i < d.old.count; i++)
        free(d.old.files[i].bytes);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_file_removed_emptied_or_cut),
        cmocka_unit_test(a_bit_flipped_anywhere),
        cmocka_unit_test(one_file_of_an_older_copy_put_back),
        cmocka_unit_test(journal_and_store_that_do_not_belong_together),
        cmocka_unit_test(a_store_of_another_directory),
    };
    return cmocka_run_group_tests_name("e2e/damage", tests, make, finish);
}
