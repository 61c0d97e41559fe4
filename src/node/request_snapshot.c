/* request_snapshot.c - a copy of the rows, made by who holds them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/request_internal.h"

#include <string.h>

enum {
    PATH_BYTES_MAX = 4095,
    HOLD_MS = 60000, /* for the journal to be copied; longer if that succeeds all the same */
};

/* By hard links where the folder is on the same disk, so it takes no longer than a few syncs. */
enum skn_rc request_snapshot(struct ask *ask)
{
    struct skn_engine *e = ask->engine;
    struct skn_buf path;
    struct skn_slice dir = ask_text(ask, "dir");
    if (!e->backend)
        return SKN_FAIL(ask->diag, SKN_EUNSUPPORTED, "the rows are in memory and in the journal");
    if (dir.len == 0 || dir.ptr[0] != '/' || memchr(dir.ptr, 0, dir.len))
        return SKN_FAIL(ask->diag, SKN_EARGS, "a snapshot goes into a folder by its whole path");
    skn_buf_init(&path, PATH_BYTES_MAX);
    skn_buf_put(&path, dir);
    enum skn_rc rc = skn_buf_rc(&path);
    if (rc == SKN_OK) skn_shards_hold_journal(e->shards, HOLD_MS);
    if (rc == SKN_OK) rc = skn_backend_backup(e->backend, skn_buf_str(&path), ask->diag);
    skn_buf_fini(&path);
    if (rc != SKN_OK) return rc;
    struct skn_json_writer *w = engine_answer_begin(e, ask->client, ask->id, "snapshot");
    skn_json_key_str(w, "dir");
    skn_json_any_text(w, dir);
    engine_answer_end(e);
    return SKN_OK;
}

/* Told and not asked. */
enum skn_rc request_snapshot_end(struct ask *ask)
{
    skn_shards_hold_journal(ask->engine->shards, 0);
    return SKN_OK;
}
