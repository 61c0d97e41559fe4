/* held.c - whether a data directory may be opened for writing [E43]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/held_internal.h"

#include "base/mem.h"
#include "env/env_real.h"
#include "node/dir_internal.h"
#include "node/manifest_internal.h"

enum { HELD_BYTES_MAX = 4096 };

static const char held_name[] = "held";
static const char cut_off[] = "restoring\n";
static const char restored[] = "restored\n";

enum skn_rc skn_held_put(const char *data_dir, bool is_restored, struct skn_diag *diag)
{
    const char *text = is_restored ? restored : cut_off;
    return skn_file_put(skn_env_real(), data_dir, held_name, skn_slice_str(text), diag);
}

enum skn_rc skn_held_read(const char *data_dir, bool *out_is_restored, struct skn_diag *diag)
{
    struct skn_buf text;
    char *path = skn_path_join(data_dir, held_name);
    skn_buf_init(&text, HELD_BYTES_MAX);
    enum skn_rc rc = skn_file_get(skn_env_real(), path, &text, diag);
    if (rc == SKN_OK)
        *out_is_restored = skn_slice_eq(skn_buf_slice(&text), skn_slice_str(restored));
    skn_buf_fini(&text);
    skn_free(path);
    return rc;
}

enum skn_rc skn_restore_may_read(const char *data_dir, struct skn_diag *diag)
{
    bool is_restored = false;
    enum skn_rc rc = skn_held_read(data_dir, &is_restored, diag);
    if (rc == SKN_ENOENT) return SKN_OK;
    if (rc != SKN_OK || is_restored) return rc;
    return SKN_CORRUPT(diag, "\"%s\": a restore was cut off; run skein restore again", data_dir);
}

enum skn_rc skn_restore_may_write(const char *data_dir, struct skn_diag *diag)
{
    bool is_restored = false;
    enum skn_rc rc = skn_restore_may_read(data_dir, diag);
    if (rc != SKN_OK) return rc;
    rc = skn_held_read(data_dir, &is_restored, diag);
    if (rc == SKN_ENOENT) return SKN_OK;
    if (rc != SKN_OK) return rc;
    return SKN_FAIL(diag,
                    SKN_EBUSY,
                    "\"%s\" was restored from a backup and is held: see that its original does "
                    "not run any more, then run skein resume --all",
                    data_dir);
}

static enum skn_rc remove_held(const char *data_dir, struct skn_diag *diag)
{
    char *path = skn_path_join(data_dir, held_name);
    enum skn_rc rc = skn_env_unlink(skn_env_real(), path, diag);
    if (rc == SKN_OK) rc = skn_env_sync_dir(skn_env_real(), data_dir, diag);
    skn_free(path);
    return rc;
}

enum skn_rc skn_restore_release(const char *data_dir, struct skn_diag *diag)
{
    struct skn_data_dir dir = {.fd = -1, .lock_fd = -1};
    enum skn_rc rc = skn_restore_may_write(data_dir, NULL);
    if (rc == SKN_OK) return SKN_OK;
    rc = skn_data_dir_open(data_dir, &dir, diag);
    if (rc == SKN_OK) rc = skn_data_dir_lock(&dir, SKN_HOLD_EXCLUSIVE, diag);
    if (rc == SKN_OK) rc = skn_restore_may_write(data_dir, diag);
    if (rc == SKN_EBUSY && dir.lock_fd >= 0) rc = remove_held(data_dir, diag);
    skn_data_dir_close(&dir);
    return rc;
}
