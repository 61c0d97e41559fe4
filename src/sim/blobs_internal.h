/* blobs_internal.h - contents in the simulator: who stores and names them, their files, the checks [E45].
 *
 * The files are a set that survives everything, as what was stored durably does (test/unit/blob has that
 * under crashes). What a client does is what `skein blob put` does: begin, the file, stored; it names a
 * content while it is sure that it keeps it.
 * Invariants that are judged
 *   1. No file goes that a client was told is kept, or that a row names of which it was told.
 *   2. At each look: a shard that names a content has a lease or is counted, and a content that was stored
 *      and is named has its file.
 *   3. At the end: what nobody keeps and nothing names has no file, no rows and no lease.
 */
#pragma once

#include "sim/numbers_internal.h"
#include "sim/world_internal.h"

enum {
    SIM_CONTENTS = 4,
    SIM_SLOTS = 3,
    SIM_ALBUMS = 3,
    SIM_CONTENT_BYTES = 100000,
    SIM_SHARDS_MAX = 8
};
#define SIM_ALBUM "sim:Album/"

void sim_content_hash(uint64_t content, uint8_t out[SKN_VALUE_HASH_BYTES]);
