/* mark_internal.h - `skein.mark`: how much RocksDB must know, and the lock of the folder.
 *
 *   two slots, at 0 and at 4096, the rest zeros; a slot, little-endian:
 *      0  u8[8]   "skeinrks"
 *      8  u32     format level
 *     12  u32     0
 *     16  u8[16]  store id
 *     32  u64     number of the last commit that was acknowledged
 *     40  u64     XXH3-64 of the 40 bytes before
 *
 * A commit writes the slot that is not the newest one, so a torn write leaves a good slot, which
 * then allows one commit fewer: RocksDB may always know more than the mark.
 */
#pragma once

#include "base/base.h"
#include "base/diag.h"
#include "base/rc.h"
#include "env/env.h"
#include "store/rocks/rocks.h"

enum {
    SKN_ROCKS_LEVEL = 2, /* of the mark, the keys, and all values; 1: no table is packed */
    SKN_MARK_SLOT_BYTES = 48,
    SKN_MARK_SLOT_STEP = 4096,
};

struct skn_mark {
    struct skn_file *file;
    uint8_t store_id[SKN_ROCKS_ID_BYTES];
    uint64_t commits;
    unsigned slot;   /* the newest */
    bool is_damaged; /* the other one is neither good nor blank */
};

/* Makes a mark with this number of commits in a folder that has none, durably. */
SKN_MUST_USE enum skn_rc skn_mark_make(struct skn_env *env,
                                       const char *dir,
                                       const uint8_t store_id[SKN_ROCKS_ID_BYTES],
                                       uint64_t commits,
                                       struct skn_diag *diag);

/* Opens, locks and reads it. SKN_ENOENT, SKN_EBUSY, SKN_ECORRUPT, SKN_ENEWER. */
SKN_MUST_USE enum skn_rc skn_mark_open(struct skn_env *env,
                                       const char *dir,
                                       bool is_read_only,
                                       struct skn_mark *out_mark,
                                       struct skn_diag *diag);
void skn_mark_close(struct skn_mark *mark);

/* Durably. */
SKN_MUST_USE enum skn_rc
skn_mark_set(struct skn_mark *mark, uint64_t commits, struct skn_diag *diag);

/* "dir/name", given. */
char *skn_rocks_path(const char *dir, const char *name) SKN_MUST_USE;
