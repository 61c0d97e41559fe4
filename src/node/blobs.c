/* blobs.c - the files of contents: removed when the core says so, and looked up at an opening [E45]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "core/look.h"
#include "node/manifest_internal.h"
#include "node/request_internal.h"

#include <string.h>

enum {
    FOUND_AT_ONCE = 1 << 20, /* files: 32 MiB, and as much while a page is read */
    AGAIN_MS = 60000,
    LOOKS_AT_ONCE = 16,
    REMOVALS_AT_ONCE = 4, /* in a turn: each is a sync of the folder */
};

struct hold {
    struct skn_list link;
    uint64_t client;
};

void engine_blobs_init(struct skn_engine *e)
{
    skn_list_init(&e->blobs.removals);
    skn_list_init(&e->blobs.holds);
    e->blobs.page = FOUND_AT_ONCE;
    skn_buf_init(&e->blobs.found, 2 * (size_t)FOUND_AT_ONCE * SKN_BLOB_HASH_BYTES);
    skn_buf_init(&e->blobs.failed, (size_t)FOUND_AT_ONCE * SKN_BLOB_HASH_BYTES);
}

void engine_blobs_fini(struct skn_engine *e)
{
    struct skn_list *link;
    while ((link = skn_list_pop_front(&e->blobs.removals)))
        skn_free(SKN_CONTAINER_OF(link, struct task, link));
    while ((link = skn_list_pop_front(&e->blobs.holds)))
        skn_free(SKN_CONTAINER_OF(link, struct hold, link));
    skn_blobs_close(e->blobs.files);
    skn_buf_fini(&e->blobs.found);
    skn_buf_fini(&e->blobs.failed);
}

/* --- removing ----------------------------------------------------------------------------------------- */

/* Whoever opens the folder later than the node itself leaves alone what clients are writing in it. */
static enum skn_rc open_files(struct skn_engine *e, bool is_guest, struct skn_diag *diag)
{
    if (e->blobs.files) return SKN_OK;
    char *dir = skn_path_join(e->data_dir, SKN_BLOBS_DIR);
    const struct skn_blobs_options options = {.env = e->env, .dir = dir, .is_guest = is_guest};
    enum skn_rc rc = skn_blobs_open(&options, &e->blobs.files, diag);
    skn_free(dir);
    return rc;
}

static bool is_removal(struct skn_slice effect, struct skn_slice *out_hash)
{
    struct skn_value map = skn_value_view(effect), hash;
    if (!skn_value_is(map, SKN_T_MAP) || !skn_map_get(map, SKN_LIT(SKN_BLOB_REMOVE), &hash))
        return false;
    *out_hash = skn_value_is(hash, SKN_T_STRING) ? skn_value_as_text(hash) : (struct skn_slice){0};
    return true;
}

/* One that fails is tried again, as the policy of its intent says. */
static void remove_one(struct skn_engine *e, const struct task *task)
{
    struct skn_diag diag = {.text = ""};
    struct skn_slice text = {0};
    uint8_t hash[SKN_BLOB_HASH_BYTES];
    enum skn_rc rc = SKN_EARGS;
    if (is_removal(task->effect, &text) && skn_blob_hash_read(text, hash)) {
        rc = open_files(e, true, &diag);
        if (rc == SKN_OK) rc = skn_blob_remove(e->blobs.files, hash, &diag);
    }
    const struct skn_attempt_result result = {
        .address = task->address,
        .number = task->number,
        .attempt = task->attempt,
        .epoch = task->epoch,
        .status = rc == SKN_OK ? SKN_ATTEMPT_SUCCESS : SKN_ATTEMPT_FAILURE,
        .reason = rc == SKN_OK ? (struct skn_slice){0} : skn_slice_str(diag.text),
        .value = skn_value_none()};
    skn_shards_result(e->shards, &result);
}

bool engine_blobs_due(const struct skn_engine *e)
{
    bool is_held = !skn_list_is_empty(&e->blobs.holds) && !skn_bug(SKN_BUG_REMOVED_IN_BACKUP);
    return !is_held && !skn_list_is_empty(&e->blobs.removals);
}

static void remove_some(struct skn_engine *e)
{
    for (int i = 0; i < REMOVALS_AT_ONCE && engine_blobs_due(e); i++) {
        struct skn_list *link = skn_list_pop_front(&e->blobs.removals);
        SKN_ASSERT(link);
        struct task *task = SKN_CONTAINER_OF(link, struct task, link);
        remove_one(e, task);
        skn_free(task);
    }
}

/* Nobody else removes a content, and a domain of a hash that one alone. */
static bool is_its_own(struct skn_slice address, struct skn_slice text)
{
    char domain[SKN_BLOB_ADDRESS_SIZE];
    uint8_t hash[SKN_BLOB_HASH_BYTES];
    if (!skn_blob_hash_read(text, hash)) return false;
    skn_look_blob_address(hash, domain);
    return skn_slice_eq(address, skn_slice_str(domain));
}

bool engine_blobs_perform(struct skn_engine *e, const struct skn_output *output)
{
    struct skn_slice hash;
    if (!is_removal(output->value, &hash) || !is_its_own(output->address, hash)) return false;
    skn_list_push_back(&e->blobs.removals, &engine_task_make(output)->link);
    return true;
}

void engine_blobs_hold(struct skn_engine *e, uint64_t client)
{
    struct hold *hold = skn_alloc_zero(1, sizeof *hold);
    hold->client = client;
    skn_list_init(&hold->link);
    skn_list_push_back(&e->blobs.holds, &hold->link);
}

void engine_blobs_client_gone(struct skn_engine *e, uint64_t client)
{
    SKN_LIST_FOREACH_SAFE (link, after, &e->blobs.holds) {
        struct hold *hold = SKN_CONTAINER_OF(link, struct hold, link);
        if (hold->client != client) continue;
        skn_list_remove(link);
        skn_free(hold);
    }
}

/* --- files that no row knows ---------------------------------------------------------------------------- */

/* The next files behind those that were looked up. */
static enum skn_rc read_page(struct skn_engine *e, struct skn_diag *diag)
{
    struct engine_blobs *b = &e->blobs;
    uint8_t last[SKN_BLOB_HASH_BYTES];
    bool is_first = b->found.len == 0;
    if (!is_first) memcpy(last, b->found.ptr + b->found.len - sizeof last, sizeof last);
    skn_buf_reset(&b->found);
    b->looked = 0;
    b->has_more = false;
    return skn_blobs_page(b->files, is_first ? NULL : last, b->page, &b->found, &b->has_more, diag);
}

enum skn_rc engine_blobs_open(struct skn_engine *e, struct skn_diag *diag)
{
    char *dir = skn_path_join(e->data_dir, SKN_BLOBS_DIR);
    enum skn_rc rc = skn_path_look(e->env, dir, NULL);
    skn_free(dir);
    if (rc == SKN_ENOENT) return SKN_OK; /* nothing was ever stored */
    rc = open_files(e, false, diag);
    return rc == SKN_OK ? read_page(e, diag) : rc;
}

static enum skn_rc look_up(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    (void)core;
    struct look *look = engine_look_of(call);
    struct skn_look_blob blob;
    enum skn_rc rc = skn_look_blob(store, look->address, &blob, &call->diag);
    look->is_there = rc == SKN_OK;
    return rc == SKN_ENOENT ? SKN_OK : rc;
}

/* "begin" makes its domain, whose time then runs. Nobody waits for the answer. */
static void looked_up(struct look *look)
{
    struct skn_engine *e = look->engine;
    e->blobs.under_way--;
    if (look->call.rc != SKN_OK) {
        uint8_t hash[SKN_BLOB_HASH_BYTES];
        size_t head = look->address.len - (SKN_BLOB_HASH_TEXT - 1);
        if (skn_blob_hash_read(skn_slice_from(look->address, head), hash))
            engine_blobs_try_again(e, hash);
        return;
    }
    if (look->is_there) return;
    const struct skn_request request = {.caller = SKN_LIT("local"),
                                        .address = look->address,
                                        .name = SKN_LIT("begin"),
                                        .payload = skn_value_none(),
                                        .priority = SKN_PRIORITY_BACKGROUND};
    skn_shards_submit(e->shards, &request);
}

void engine_blobs_try_again(struct skn_engine *e, const uint8_t *hash)
{
    struct engine_blobs *b = &e->blobs;
    if (b->failed.len == 0) b->again_ms = e->now_ms + AGAIN_MS;
    /* Beyond so many they wait for the next opening. */
    if (b->failed.len < b->failed.max)
        skn_buf_put(&b->failed, skn_slice(hash, SKN_BLOB_HASH_BYTES));
}

int engine_blobs_wait_ms(const struct skn_engine *e)
{
    const struct engine_blobs *b = &e->blobs;
    if (b->failed.len == 0) return -1;
    if (b->again_ms <= e->now_ms) return 0;
    return b->again_ms - e->now_ms < AGAIN_MS ? (int)(b->again_ms - e->now_ms) : AGAIN_MS;
}

/* All that was found is looked up: the next files, those that failed, or nothing. */
static void find_more(struct skn_engine *e)
{
    struct engine_blobs *b = &e->blobs;
    if (b->under_way > 0) return;
    if (b->has_more) {
        enum skn_rc rc = read_page(e, NULL);
        if (rc == SKN_OK) return; /* else the next opening finds them */
    }
    skn_buf_fini(&b->found);
    b->looked = 0;
    if (b->failed.len == 0 || e->now_ms < b->again_ms) return;
    skn_buf_put(&b->found, skn_buf_slice(&b->failed));
    skn_buf_fini(&b->failed);
}

void engine_blobs_turn(struct skn_engine *e)
{
    struct engine_blobs *b = &e->blobs;
    remove_some(e);
    if (b->looked == b->found.len) find_more(e);
    while (b->looked < b->found.len && b->under_way < LOOKS_AT_ONCE) {
        char address[SKN_BLOB_ADDRESS_SIZE];
        skn_look_blob_address(b->found.ptr + b->looked, address);
        b->looked += SKN_BLOB_HASH_BYTES;
        b->under_way++;
        engine_look_start(engine_look_new(e, skn_slice_str(address), 0, look_up, looked_up, NULL));
    }
}

bool engine_blobs_idle(const struct skn_engine *e)
{
    return e->blobs.looked == e->blobs.found.len && !e->blobs.has_more &&
           skn_list_is_empty(&e->blobs.removals);
}
