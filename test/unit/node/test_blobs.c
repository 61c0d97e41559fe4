/* test_blobs.c - an engine removes the files of contents when the core says so, and not during a backup. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob.h"
#include "env/env_real.h"
#include "lib/folder.h"
#include "node/engine.h"
#include "node/engine_internal.h"
#include "node/node.h"
#include "value/json.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAIT_MS = 10000, HELD_MS = 700, BACKUP = 2 };

struct world {
    struct folder folder;
    struct skn_engine *engine;
    struct skn_diag diag;
    struct skn_buf json;
    char *data_dir, *dir;
    char answer[4096];
};

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void open_engine(struct world *w)
{
    const struct skn_engine_options options = {.env = skn_env_real(),
                                               .data_dir = skn_slice_str(w->data_dir),
                                               .project_dir = skn_slice_str(w->folder.path)};
    enum skn_rc rc = skn_engine_open(&options, &w->engine, &w->diag);
    if (rc != SKN_OK) print_error("%s\n", w->diag.text);
    assert_int_equal(rc, SKN_OK);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    folder_make(&w->folder);
    folder_mkdir(&w->folder, ".skein");
    w->data_dir = strdup(folder_at(&w->folder, ".skein"));
    w->dir = strdup(folder_at(&w->folder, ".skein/blobs"));
    skn_buf_init(&w->json, 16 << 20);
    (void)setenv("SKEIN_BLOB_CONDEMNED_MS", "96", 1);
    open_engine(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    skn_engine_close(w->engine);
    folder_remove(&w->folder);
    skn_buf_fini(&w->json);
    free(w->data_dir);
    free(w->dir);
    free(w);
    return 0;
}

static void turn(struct world *w)
{
    int timeout = skn_engine_timeout_ms(w->engine);
    struct pollfd fds[] = {
        {.fd = skn_engine_fd(w->engine), .events = skn_engine_poll_events(w->engine)},
        {.fd = skn_engine_wake_fd(w->engine), .events = POLLIN}};
    (void)poll(fds, 2, timeout < 0 || timeout > 10 ? 10 : timeout);
    assert_int_equal(skn_engine_turn(w->engine, &w->diag), SKN_OK);
}

/* The answer of one request, as text. */
static const char *ask(struct world *w, uint64_t client, const char *json)
{
    uint64_t whose, until = now_ms() + WAIT_MS;
    struct skn_slice answer;
    skn_buf_reset(&w->json);
    assert_int_equal(skn_json_parse(skn_slice_str(json), NULL, &w->json, &w->diag), SKN_OK);
    enum skn_rc rc =
        skn_engine_request(w->engine, client, skn_value_view(skn_buf_slice(&w->json)), &w->diag);
    if (rc != SKN_OK) print_error("%s\n", w->diag.text);
    assert_int_equal(rc, SKN_OK);
    while (!skn_engine_next_answer(w->engine, &whose, &answer)) {
        assert_true(now_ms() < until);
        turn(w);
    }
    (void)snprintf(w->answer, sizeof w->answer, "%.*s", SKN_FMT(answer));
    return w->answer;
}

static const char *
tell(struct world *w, const char *hash, const char *name, uint64_t born, uint64_t size)
{
    char json[512];
    (void)snprintf(json,
                   sizeof json,
                   "{\"type\":\"blob\",\"id\":1,\"address\":\"blob:Blob/%s\",\"name\":\"%s\","
                   "\"payload\":[%llu,%llu]}",
                   hash,
                   name,
                   (unsigned long long)born,
                   (unsigned long long)size);
    return ask(w, 1, json);
}

static void store(struct world *w, const char *text, char hash[SKN_BLOB_HASH_TEXT])
{
    const struct skn_blobs_options options = {
        .env = skn_env_real(), .dir = w->dir, .is_guest = true};
    struct skn_blobs *files;
    uint8_t bytes[SKN_BLOB_HASH_BYTES];
    assert_int_equal(skn_blobs_open(&options, &files, NULL), SKN_OK);
    skn_blob_hash_of(skn_slice_str(text), bytes);
    skn_blob_hash_text(bytes, hash);
    const char *born = strstr(tell(w, hash, "begin", 0, 0), "\"born\":");
    assert_non_null(born);
    uint64_t stamp = strtoull(born + strlen("\"born\":"), NULL, 10);
    assert_int_equal(skn_blob_put(files, skn_slice_str(text), bytes, NULL), SKN_OK);
    assert_non_null(strstr(tell(w, hash, "stored", stamp, strlen(text)), "\"stored\":true"));
    skn_blobs_close(files);
}

static bool has(struct world *w, const char *hash)
{
    char path[128];
    (void)snprintf(path, sizeof path, ".skein/blobs/%s", hash);
    return access(folder_at(&w->folder, path), F_OK) == 0;
}

/* True: it is still there after so long. */
static bool stays(struct world *w, const char *hash, uint64_t ms)
{
    uint64_t until = now_ms() + ms;
    while (has(w, hash) && now_ms() < until)
        turn(w);
    return has(w, hash);
}

static void no_file_goes_during_a_backup(void **state)
{
#ifndef SKN_TEST_BUILD
    skip(); /* a day is short, and there are albums, in test builds only */
#endif
    struct world *w = *state;
    char hash[SKN_BLOB_HASH_TEXT], other[SKN_BLOB_HASH_TEXT];
    store(w, "a content", hash);
    store(w, "another", other);
    assert_non_null(strstr(ask(w, BACKUP, "{\"type\":\"blob-hold\",\"id\":1}"), "\"held\":true"));
    assert_non_null(strstr(tell(w, hash, "unpin", 0, 0), "\"state\":\"condemned\""));
    assert_true(stays(w, hash, HELD_MS));
    assert_non_null(strstr(tell(w, hash, "get", 0, 0), "\"state\":\"gone\""));
    assert_false(skn_engine_idle(w->engine)); /* it is owed */
    skn_engine_client_gone(w->engine, BACKUP);
    assert_false(stays(w, hash, WAIT_MS));
    assert_true(has(w, other));
}

/* Killed or closed before the file went: the intent is there, and the next opening does it. */
static void a_removal_that_was_cut_off_is_done_by_the_next_opening(void **state)
{
#ifndef SKN_TEST_BUILD
    skip(); /* a day is short, and there are albums, in test builds only */
#endif
    struct world *w = *state;
    char hash[SKN_BLOB_HASH_TEXT];
    store(w, "a content", hash);
    (void)ask(w, BACKUP, "{\"type\":\"blob-hold\",\"id\":1}");
    (void)tell(w, hash, "unpin", 0, 0);
    assert_true(stays(w, hash, HELD_MS));
    skn_engine_close(w->engine);
    assert_true(has(w, hash));
    open_engine(w);
    assert_false(stays(w, hash, WAIT_MS));
    struct skn_data_blobs blobs;
    skn_engine_close(w->engine);
    assert_int_equal(skn_data_verify_blobs(skn_env_real(), w->data_dir, &blobs, &w->diag), SKN_OK);
    assert_int_equal(blobs.count, 0);
    open_engine(w);
}

/* A row that names it is a row without its file [E45]. */
static void verify_names_who_names_a_content_that_nobody_put(void **state)
{
#ifndef SKN_TEST_BUILD
    skip(); /* there are albums in test builds only */
#endif
    struct world *w = *state;
    static const char lost[] = "d9014c4624844aa5bac314773d6b689ad467fa4e1d1a50a1b8a99d5a95f72ff5";
    char json[512], hash[SKN_BLOB_HASH_TEXT];
    struct skn_data_blobs blobs;
    store(w, "a content", hash);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(json,
                       sizeof json,
                       "{\"type\":\"send\",\"id\":1,\"address\":\"a:Album/%d\",\"name\":\"keep\","
                       "\"payload\":{\"name\":\"pic\",\"hash\":\"%s\",\"size\":5}}",
                       i,
                       i == 0 ? hash : lost);
        assert_null(strstr(ask(w, 1, json), "\"error\""));
        (void)stays(w, hash, HELD_MS); /* until it counts: before, its lease says that it will */
        skn_engine_close(w->engine);
        enum skn_rc rc = skn_data_verify_blobs(skn_env_real(), w->data_dir, &blobs, &w->diag);
        assert_int_equal(rc, i == 0 ? SKN_OK : SKN_ECORRUPT);
        if (i == 1) assert_non_null(strstr(w->diag.text, lost));
        if (i == 1) assert_non_null(strstr(w->diag.text, "row ppic of a:Album/1"));
        open_engine(w);
    }
}

/* A content that no row knows, as whoever died while storing leaves it. */
static void leave(struct world *w, const char *text, char hash[SKN_BLOB_HASH_TEXT])
{
    const struct skn_blobs_options options = {
        .env = skn_env_real(), .dir = w->dir, .is_guest = true};
    struct skn_blobs *files;
    uint8_t bytes[SKN_BLOB_HASH_BYTES];
    assert_int_equal(skn_blobs_open(&options, &files, NULL), SKN_OK);
    assert_int_equal(skn_blob_put(files, skn_slice_str(text), bytes, NULL), SKN_OK);
    skn_blob_hash_text(bytes, hash);
    skn_blobs_close(files);
}

/* [E45] One that could not be looked up at the opening is tried again, not left to the next one. */
static void a_file_that_no_row_knows_goes_also_when_a_look_failed(void **state)
{
#ifndef SKN_TEST_BUILD
    skip(); /* a day is short in test builds only */
#endif
    struct world *w = *state;
    char hash[SKN_BLOB_HASH_TEXT], other[SKN_BLOB_HASH_TEXT];
    uint8_t bytes[SKN_BLOB_HASH_BYTES];
    leave(w, "left", hash);
    skn_engine_close(w->engine);
    open_engine(w);
    assert_false(stays(w, hash, WAIT_MS));
    leave(w, "another", other);
    assert_true(stays(w, other, HELD_MS)); /* nobody knows of it yet */
    assert_true(skn_blob_hash_read(skn_slice_str(other), bytes));
    engine_blobs_try_again(w->engine, bytes);
    assert_in_range(engine_blobs_wait_ms(w->engine), 1, 60000);
    assert_true(skn_engine_idle(w->engine)); /* it keeps no holder alive */
    assert_true(stays(w, other, HELD_MS));
    w->engine->blobs.again_ms = 0; /* a minute later */
    assert_false(stays(w, other, WAIT_MS));
    assert_int_equal(engine_blobs_wait_ms(w->engine), -1);
}

/* However many there are: the folder is read again behind each page of them. */
static void files_that_no_row_knows_are_found_page_by_page(void **state)
{
#ifndef SKN_TEST_BUILD
    skip(); /* a day is short in test builds only */
#endif
    enum { FILES = 7 };
    struct world *w = *state;
    char hashes[FILES][SKN_BLOB_HASH_TEXT], text[16];
    for (int i = 0; i < FILES; i++) {
        (void)snprintf(text, sizeof text, "left %d", i);
        leave(w, text, hashes[i]);
    }
    skn_engine_close(w->engine);
    open_engine(w);
    w->engine->blobs.page = 3; /* as an opening with a million times as many begins */
    skn_buf_reset(&w->engine->blobs.found);
    w->engine->blobs.has_more = true;
    for (int i = 0; i < FILES; i++)
        assert_false(stays(w, hashes[i], WAIT_MS));
}

/* Its file goes by an intent of its own domain alone, whatever the effect of another one says. */
static void nobody_else_has_a_file_removed(void **state)
{
    struct world *w = *state;
    char hash[SKN_BLOB_HASH_TEXT], own[SKN_BLOB_HASH_TEXT + 16], text[SKN_BLOB_HASH_TEXT + 32];
    store(w, "a content", hash);
    (void)snprintf(own, sizeof own, "blob:Blob/%s", hash);
    (void)snprintf(text, sizeof text, "{\"blob.remove\":\"%s\"}", hash);
    skn_buf_reset(&w->json);
    assert_int_equal(skn_json_parse(skn_slice_str(text), NULL, &w->json, &w->diag), SKN_OK);
    static const struct {
        const char *address;
        bool is_removal;
    } cases[] = {
        {"a:Job/1", false},
        {"blob:Blob/d9014c4624844aa5bac314773d6b689ad467fa4e1d1a50a1b8a99d5a95f72ff5", false},
        {NULL, true}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        const char *address = cases[i].address ? cases[i].address : own;
        const struct skn_output output = {.kind = SKN_OUTPUT_PERFORM,
                                          .address = skn_slice_str(address),
                                          .number = 1,
                                          .attempt = 1,
                                          .value = skn_buf_slice(&w->json)};
        assert_int_equal(engine_blobs_perform(w->engine, &output), cases[i].is_removal);
        assert_int_equal(engine_blobs_due(w->engine), cases[i].is_removal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_file_that_no_row_knows_goes_also_when_a_look_failed, setup, teardown),
        cmocka_unit_test_setup_teardown(
            files_that_no_row_knows_are_found_page_by_page, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_else_has_a_file_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(no_file_goes_during_a_backup, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_removal_that_was_cut_off_is_done_by_the_next_opening, setup, teardown),
        cmocka_unit_test_setup_teardown(
            verify_names_who_names_a_content_that_nobody_put, setup, teardown),
    };
    return cmocka_run_group_tests_name("node/blobs", tests, NULL, NULL);
}
