/* test_backup.c - backups of data in use, and what becomes of them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/backup.h"

#include "base/rng.h"
#include "dev/dev.h"
#include "env/env_real.h"
#include "lib/folder.h"
#include "node/rows_internal.h"
#include "shard/shards.h"
#include "store/rocks/rocks.h"
#include "value/json.h"

#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { COUNTERS = 24, SHARDS = 4, BOUNCES = 1500, IN_FLIGHT = 64 };

static const struct skn_program *const programs[] = {&skn_dev_counter, &skn_dev_echo, NULL};

struct world {
    struct folder folder;
    char data[128];
    struct skn_backend *backend;
    bool may_create; /* a store */
    struct skn_shards *shards;
    struct skn_diag diag;
    uint64_t next; /* request */
    int64_t answer;
    bool is_answered;
    _Atomic uint64_t acked; /* adds of the writer that were answered */
    _Atomic uint64_t sent;
    atomic_bool is_over;
};

/* --- the data ----------------------------------------------------------------------------------- */

static void must(struct world *w, enum skn_rc rc)
{
    if (rc != SKN_OK) fail_msg("%d: %s", rc, w->diag.text);
}

static enum skn_rc open_store(void *ctx,
                              const struct skn_journal_info *info,
                              struct skn_backend **out_backend,
                              struct skn_diag *diag)
{
    struct world *w = ctx;
    char store[160];
    (void)snprintf(store, sizeof store, "%s/store", w->data);
    struct skn_rocks_options rocks = {
        .env = skn_env_real(), .dir = store, .may_create = w->may_create};
    memcpy(rocks.store_id, info->store_id, sizeof rocks.store_id);
    enum skn_rc rc = skn_rocks_open(&rocks, &w->backend, diag);
    *out_backend = w->backend;
    return rc;
}

static void world_open(struct world *w, bool has_store, uint64_t tail_records)
{
    char journal[160];
    (void)snprintf(journal, sizeof journal, "%s/journal", w->data);
    struct skn_shards_options options = {.env = skn_env_real(),
                                         .dir = journal,
                                         .store_ctx = w,
                                         .programs = programs,
                                         .shards = SHARDS,
                                         .segment_bytes = 64 << 10,
                                         .take_up_all = true,
                                         .checkpoint = {.records = tail_records},
                                         .no_reserve = true};
    if (has_store) options.open_store = open_store;
    must(w, skn_shards_open(&options, &w->shards, &w->diag));
}

static void world_close(struct world *w, bool is_kill)
{
    if (is_kill)
        skn_shards_abandon(w->shards);
    else
        must(w, skn_shards_close(w->shards, &w->diag));
    skn_backend_destroy(w->backend);
    w->shards = NULL;
    w->backend = NULL;
}

static void world_init(struct world *w)
{
    *w = (struct world){.may_create = true};
    folder_make(&w->folder);
    (void)snprintf(w->data, sizeof w->data, "%s/data", w->folder.path);
    assert_int_equal(mkdir(w->data, 0700), 0);
}

static void send_to(struct world *w, const char *address, const char *name, const char *payload)
{
    struct skn_buf buf;
    skn_buf_init(&buf, 4096);
    assert_int_equal(skn_json_parse(skn_slice_str(payload), NULL, &buf, NULL), SKN_OK);
    const struct skn_request request = {.number = ++w->next,
                                        .caller = SKN_LIT("t"),
                                        .address = skn_slice_str(address),
                                        .name = skn_slice_str(name),
                                        .payload = skn_value_view(skn_buf_slice(&buf)),
                                        .priority = SKN_PRIORITY_NORMAL};
    skn_shards_submit(w->shards, &request);
    skn_buf_fini(&buf);
}

/* Answers, and the value of the one to the newest request. */
static uint64_t hear(struct world *w)
{
    struct skn_shards_event event;
    uint64_t answers = 0;
    while (skn_shards_next_event(w->shards, &event)) {
        if (!event.output || event.output->kind != SKN_OUTPUT_REPLY) continue;
        assert_int_equal(event.output->rc, SKN_OK);
        answers++;
        if (event.output->number != w->next) continue;
        struct skn_value value = skn_value_view(event.output->value), received;
        if (skn_value_is(value, SKN_T_MAP) && skn_map_get(value, SKN_LIT("received"), &received))
            value = received;
        w->answer = skn_value_is(value, SKN_T_INT) ? skn_value_as_int(value) : 0;
        w->is_answered = true;
    }
    return answers;
}

static void turn(struct world *w, bool *out_more)
{
    must(w, skn_shards_turn_all(w->shards, out_more, &w->diag));
}

static int64_t ask(struct world *w, const char *address, const char *name, const char *payload)
{
    bool more;
    w->is_answered = false;
    send_to(w, address, name, payload);
    while (!w->is_answered) {
        turn(w, &more);
        (void)hear(w);
    }
    return w->answer;
}

static int64_t sum_of_counters(struct world *w)
{
    int64_t sum = 0;
    for (int i = 0; i < COUNTERS; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "a:Counter/%d", i);
        sum += ask(w, address, "get", "{}");
    }
    return sum;
}

static void add(struct world *w, uint64_t n)
{
    char address[32];
    (void)snprintf(address, sizeof address, "a:Counter/%d", (int)(n % COUNTERS));
    send_to(w, address, "add-many", "{\"n\":1,\"rows\":3,\"bytes\":200}");
}

/* --- a writer that goes on while backups are made -------------------------------------------------- */

static void *write_on(void *arg)
{
    struct world *w = arg;
    while (!atomic_load(&w->is_over)) {
        bool more;
        while (atomic_load(&w->sent) - atomic_load(&w->acked) < IN_FLIGHT)
            add(w, atomic_fetch_add(&w->sent, 1));
        SKN_ASSERT(skn_shards_turn_all(w->shards, &more, &w->diag) == SKN_OK);
        atomic_fetch_add(&w->acked, hear(w));
    }
    return NULL;
}

static enum skn_rc snapshot(void *ctx, const char *dir, struct skn_diag *diag)
{
    struct world *w = ctx;
    skn_shards_hold_journal(w->shards, 60000);
    return skn_backend_backup(w->backend, dir, diag);
}

static void end_snapshot(void *ctx)
{
    struct world *w = ctx;
    skn_shards_hold_journal(w->shards, 0);
}

static enum skn_rc
back_up(struct world *w, const char *dir, bool is_alive, struct skn_backup_info *info)
{
    const struct skn_backup_options options = {.env = skn_env_real(),
                                               .data_dir = w->data,
                                               .dir = dir,
                                               .snapshot = is_alive ? snapshot : NULL,
                                               .end = end_snapshot,
                                               .ctx = w};
    return skn_backup_make(&options, info, &w->diag);
}

static enum skn_rc restore(
    struct world *w, const char *dir, const char *data, bool is_copy, struct skn_backup_info *info)
{
    const struct skn_restore_options options = {.env = skn_env_real(),
                                                .dir = dir,
                                                .data_dir = data,
                                                .is_copy = is_copy,
                                                .programs = programs};
    return skn_restore(&options, info, &w->diag);
}

/* What was restored, as a world of its own. */
static void open_restored(struct world *r, const struct world *w, const char *data, bool has_store)
{
    *r = (struct world){.folder = w->folder};
    (void)snprintf(r->data, sizeof r->data, "%s", data);
    assert_int_equal(skn_restore_may_write(data, &r->diag), SKN_EBUSY);
    assert_non_null(strstr(r->diag.text, "skein resume --all"));
    assert_int_equal(skn_restore_release(data, NULL), SKN_OK);
    assert_int_equal(skn_restore_may_write(data, NULL), SKN_OK);
    world_open(r, has_store, 400);
}

/* An address of another shard. */
static void find_other(struct world *w, const char *address, char out[32])
{
    uint32_t shard = skn_shards_of(w->shards, skn_slice_str(address));
    for (int i = 2;; i++) {
        (void)snprintf(out, 32, "a:Echo/%d", i);
        if (skn_shards_of(w->shards, skn_slice_str(out)) != shard) return;
    }
}

/* P1 and [E11]: a backup has all that was acknowledged before it began, of every shard as of a moment
 * that fits the others: a ball that bounces between shards is in the air exactly once. */
static void a_backup_beside_a_writer_is_a_state_that_was(void **state)
{
    (void)state;
    struct world w;
    pthread_t writer;
    world_init(&w);
    world_open(&w, true, 400);
    (void)ask(&w, "a:Echo/1", "get", "null");
    char other[32], ball[96];
    find_other(&w, "a:Echo/1", other);
    (void)snprintf(ball, sizeof ball, "{\"to\":\"%s\",\"left\":%d}", other, BOUNCES);
    (void)ask(&w, "a:Echo/1", "bounce", ball);
    assert_int_equal(pthread_create(&writer, NULL, write_on, &w), 0);
    for (int i = 0; i < 4; i++) {
        char dir[128], data[128];
        struct skn_backup_info info, same;
        const struct timespec pause = {.tv_nsec = 150000000};
        (void)nanosleep(&pause, NULL);
        (void)snprintf(dir, sizeof dir, "%s/backup%d", w.folder.path, i);
        (void)snprintf(data, sizeof data, "%s/again%d", w.folder.path, i);
        uint64_t acked = atomic_load(&w.acked);
        struct world b = w; /* its diag is the writer's */
        must(&b, back_up(&b, dir, true, &info));
        uint64_t sent = atomic_load(&w.sent);
        must(&b, restore(&b, dir, data, i % 2 == 1, &same));
        assert_int_equal(info.records, same.records);
        struct world r;
        open_restored(&r, &w, data, true);
        int64_t sum = sum_of_counters(&r);
        assert_true(sum + 1 >= (int64_t)acked && sum <= (int64_t)sent);
        /* The ball goes on to its end, neither lost nor doubled. */
        int64_t received = 0;
        for (int k = 0; k < 1000000 && received < BOUNCES + 1; k++) {
            bool more;
            turn(&r, &more);
            if (k % 200 == 0)
                received = ask(&r, "a:Echo/1", "get", "null") + ask(&r, other, "get", "null");
        }
        assert_int_equal(received, BOUNCES + 1);
        world_close(&r, false);
    }
    atomic_store(&w.is_over, true);
    assert_int_equal(pthread_join(writer, NULL), 0);
    struct skn_shards_state was = skn_shards_state(w.shards);
    print_message("covered: 4 backups beside a writer with %" PRIu64 " checkpoints, %" PRIu64
                  " adds\n",
                  was.checkpoints,
                  atomic_load(&w.acked));
    assert_true(was.checkpoints > 4);

    world_close(&w, false);
    folder_remove(&w.folder);
}

static void secret_of(struct world *w, uint8_t out[32])
{
    skn_shards_mac(w->shards, SKN_LIT("test"), SKN_LIT("x"), out);
}

/* E43: later epochs whose upper half is the clock, the old secret, or a new one for a copy. */
static void what_is_restored_is_another_store_with_later_epochs(void **state)
{
    (void)state;
    for (int has_store = 0; has_store < 2; has_store++) {
        struct world w;
        uint8_t old_secret[32], secret[32];
        struct skn_backup_info info;
        struct skn_journal_info old, new;
        world_init(&w);
        world_open(&w, has_store, 100);
        for (uint64_t n = 0; n < 500; n++)
            (void)ask(&w, "a:Counter/1", "add", "{\"n\":1}");
        secret_of(&w, old_secret);
        uint64_t epoch = skn_shards_state(w.shards).epoch;
        world_close(&w, true);
        must(&w, back_up(&w, folder_at(&w.folder, "b"), false, &info));
        for (int is_copy = 0; is_copy < 2; is_copy++) {
            struct world r;
            char data[128], journal[160];
            (void)snprintf(data, sizeof data, "%s/again%d", w.folder.path, is_copy);
            must(&w, restore(&w, folder_at(&w.folder, "b"), data, is_copy, &info));
            open_restored(&r, &w, data, has_store);
            assert_int_equal(ask(&r, "a:Counter/1", "get", "{}"), 500);
            uint64_t later = skn_shards_state(r.shards).epoch, now = (uint64_t)time(NULL);
            assert_true(later > epoch + (UINT64_C(1) << 32));
            assert_true(later >> 32 <= now && later >> 32 > now - 60);
            secret_of(&r, secret);
            assert_int_equal(memcmp(secret, old_secret, sizeof secret) != 0, is_copy);
            world_close(&r, false);
            (void)snprintf(journal, sizeof journal, "%s/journal", data);
            assert_int_equal(skn_journal_peek(skn_env_real(), journal, &new, NULL), SKN_OK);
            assert_int_equal(
                skn_journal_peek(skn_env_real(), folder_at(&w.folder, "data/journal"), &old, NULL),
                SKN_OK);
            assert_memory_not_equal(old.store_id, new.store_id, sizeof old.store_id);
        }
        folder_remove(&w.folder);
    }
}

/* The clock of the machine may be behind that of the last restore. */
static void a_second_restore_is_later_than_the_first(void **state)
{
    (void)state;
    struct world w, r;
    struct skn_backup_info info;
    world_init(&w);
    world_open(&w, true, 100);
    (void)ask(&w, "a:Counter/1", "add", "{\"n\":1}");
    world_close(&w, false);
    uint64_t epoch = 0;
    for (int i = 0; i < 3; i++) {
        char dir[128], data[128];
        (void)snprintf(dir, sizeof dir, "%s/b%d", w.folder.path, i);
        (void)snprintf(data, sizeof data, "%s/again%d", w.folder.path, i);
        must(&w, back_up(&w, dir, false, &info));
        must(&w, restore(&w, dir, data, false, &info));
        open_restored(&r, &w, data, true);
        uint64_t later = skn_shards_state(r.shards).epoch;
        assert_true(later > epoch + (UINT64_C(1) << 32));
        epoch = later;
        world_close(&r, false);
        (void)snprintf(w.data, sizeof w.data, "%s", data);
    }
    folder_remove(&w.folder);
}

static void flip(const char *path, uint64_t at)
{
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
    int byte = fgetc(file);
    assert_true(byte != EOF);
    assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
    assert_int_equal(fputc(byte ^ 1, file), byte ^ 1);
    assert_int_equal(fclose(file), 0);
}

static void every_damage_of_a_backup_is_refused_by_name(void **state)
{
    (void)state;
    struct world w;
    struct skn_backup_info info;
    struct skn_manifest manifest;
    struct skn_rng rng;
    unsigned flips = 0;
    world_init(&w);
    world_open(&w, true, 100);
    for (uint64_t n = 0; n < 300; n++)
        (void)ask(&w, "a:Counter/1", "add", "{\"n\":1}");
    world_close(&w, false);
    char dir[128];
    (void)snprintf(dir, sizeof dir, "%s/b", w.folder.path);
    must(&w, back_up(&w, dir, false, &info));
    assert_int_equal(back_up(&w, dir, false, &info), SKN_EEXIST);
    assert_int_equal(skn_manifest_read(skn_env_real(), dir, &manifest, &w.diag), SKN_OK);
    skn_rng_init(&rng, 3);
    const char *again = folder_at(&w.folder, "again");
    for (size_t i = 0; i < manifest.file_count; i++) {
        const struct skn_manifest_file *file = &manifest.files[i];
        char path[512], aside[512];
        (void)snprintf(path, sizeof path, "%s/%s", dir, file->name);
        (void)snprintf(aside, sizeof aside, "%s/aside", w.folder.path);
        for (int n = 0; n < 6 && file->bytes > 0; n++) {
            uint64_t at = skn_rng_below(&rng, file->bytes);
            flip(path, at);
            assert_int_equal(restore(&w, dir, again, false, &info), SKN_ECORRUPT);
            assert_non_null(strstr(w.diag.text, file->name));
            flip(path, at);
            flips++;
        }
        assert_int_equal(rename(path, aside), 0);
        assert_int_equal(restore(&w, dir, again, false, &info), SKN_ECORRUPT);
        assert_non_null(strstr(w.diag.text, "is missing"));
        assert_int_equal(rename(aside, path), 0);
    }
    struct stat st;
    char path[160];
    (void)snprintf(path, sizeof path, "%s/manifest", dir);
    assert_int_equal(stat(path, &st), 0);
    for (uint64_t at = 0; at < (uint64_t)st.st_size; at += 13) {
        flip(path, at);
        assert_int_equal(restore(&w, dir, again, false, &info), SKN_ECORRUPT);
        assert_non_null(strstr(w.diag.text, "manifest"));
        flip(path, at);
        flips++;
    }
    assert_int_equal(access(again, F_OK), -1); /* nothing was begun */
    must(&w, restore(&w, dir, again, false, &info));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(restore(&w, dir, folder_at(&w.folder, "more"), false, &info), SKN_ENOENT);
    print_message("covered: %u damages of backups refused\n", flips);
    skn_manifest_fini(&manifest);
    folder_remove(&w.folder);
}

static void a_restore_that_was_cut_off_is_refused_and_begun_anew(void **state)
{
    (void)state;
    struct world w, r;
    struct skn_backup_info info;
    world_init(&w);
    world_open(&w, true, 100);
    (void)ask(&w, "a:Counter/1", "add", "{\"n\":5}");
    world_close(&w, false);
    char dir[128], again[128];
    (void)snprintf(dir, sizeof dir, "%s/b", w.folder.path);
    (void)snprintf(again, sizeof again, "%s/again", w.folder.path);
    must(&w, back_up(&w, dir, false, &info));
    assert_int_equal(restore(&w, dir, w.data, false, &info), SKN_EEXIST);
    must(&w, restore(&w, dir, again, false, &info));
    assert_int_equal(restore(&w, dir, again, false, &info), SKN_EEXIST); /* whole, and held */
    folder_write(&w.folder, "again/held", "restoring\n");
    assert_int_equal(unlink(folder_at(&w.folder, "again/journal/super")), 0);
    assert_int_equal(skn_restore_may_write(again, &w.diag), SKN_ECORRUPT);
    assert_int_equal(skn_restore_release(again, &w.diag), SKN_ECORRUPT);
    must(&w, restore(&w, dir, again, false, &info));
    open_restored(&r, &w, again, true);
    assert_int_equal(ask(&r, "a:Counter/1", "get", "{}"), 5);
    world_close(&r, false);
    folder_remove(&w.folder);
}

/* The newest file of a folder whose name ends so. */
static void find_file(const char *folder, const char *end, char out[512])
{
    DIR *names = opendir(folder);
    assert_non_null(names);
    out[0] = 0;
    for (struct dirent *entry; (entry = readdir(names)) != NULL;)
        if (strstr(entry->d_name, end)) (void)snprintf(out, 512, "%s/%.60s", folder, entry->d_name);
    (void)closedir(names);
    assert_true(out[0] != 0);
}

/* Damaged data gives no backup, and leaves nothing behind. */
static void damaged_data_is_not_backed_up(void **state)
{
    (void)state;
    struct world w;
    struct skn_backup_info info;
    char path[512];
    world_init(&w);
    const char *dir = folder_at(&w.folder, "b");
    assert_int_equal(back_up(&w, dir, false, &info), SKN_ENOENT);
    world_open(&w, true, 100);
    for (uint64_t n = 0; n < 300; n++)
        (void)ask(&w, "a:Counter/1", "add", "{\"n\":1}");
    world_close(&w, false);
    {
        find_file(folder_at(&w.folder, "data/store"), ".sst", path);
        flip(path, 20);
        assert_int_equal(back_up(&w, dir, false, &info), SKN_ECORRUPT);
        assert_int_equal(access(dir, F_OK), -1);
        flip(path, 20);
    }
    find_file(folder_at(&w.folder, "data/journal"), ".seg", path);
    flip(path, 5000);
    assert_int_equal(back_up(&w, dir, false, &info), SKN_ECORRUPT);
    assert_int_equal(access(dir, F_OK), -1);
    flip(path, 5000);
    must(&w, back_up(&w, dir, false, &info));
    folder_remove(&w.folder);
}

static void manifest_bytes_are_golden(void **state)
{
    (void)state;
    struct skn_manifest manifest = {.store_id = {0xab, 1}, .made_ms = 1700000000123};
    struct skn_manifest_file file = {.name = "store/CURRENT", .bytes = 16, .sum = {0xff}};
    skn_manifest_add_shard(&manifest,
                           &(struct skn_manifest_shard){.index = 7, .state = {.lo = 2, .hi = 1}});
    manifest.files = &file;
    manifest.file_count = 1;
    struct skn_buf text;
    skn_buf_init(&text, 4096);
    skn_manifest_put(&manifest, &text);
    assert_string_equal(
        skn_buf_str(&text),
        "skein-backup 1\nstore ab010000000000000000000000000000\nmade 1700000000123\n"
        "shard 0 7 00000000000000010000000000000002\n"
        "file ff00000000000000000000000000000000000000000000000000000000000000 16 store/CURRENT\n"
        "end db82b912ad8b04740bc0b2b9785fada01dddb002f62b8a16c4f24f87e41005bf\n");
    struct skn_manifest parsed;
    assert_int_equal(skn_manifest_parse(skn_buf_slice(&text), &parsed, NULL), SKN_OK);
    assert_int_equal(parsed.made_ms, manifest.made_ms);
    assert_memory_equal(&parsed.shards[0], &manifest.shards[0], sizeof parsed.shards[0]);
    assert_string_equal(parsed.files[0].name, file.name);
    skn_manifest_fini(&parsed);
    for (size_t n = 0; n < text.len; n++)
        assert_int_equal(skn_manifest_parse(skn_slice(text.ptr, n), &parsed, NULL), SKN_ECORRUPT);
    text.ptr[13] = '2';
    assert_int_equal(skn_manifest_parse(skn_buf_slice(&text), &parsed, NULL), SKN_ENEWER);
    manifest.files = NULL;
    skn_manifest_fini(&manifest);
    skn_buf_fini(&text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backup_beside_a_writer_is_a_state_that_was),
        cmocka_unit_test(what_is_restored_is_another_store_with_later_epochs),
        cmocka_unit_test(a_second_restore_is_later_than_the_first),
        cmocka_unit_test(every_damage_of_a_backup_is_refused_by_name),
        cmocka_unit_test(a_restore_that_was_cut_off_is_refused_and_begun_anew),
        cmocka_unit_test(damaged_data_is_not_backed_up),
        cmocka_unit_test(manifest_bytes_are_golden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
