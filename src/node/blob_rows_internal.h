/* blob_rows_internal.h - contents that stored rows name, and their files: checked, and copied [E45].
 *
 * Owns        nothing.
 * May include what node may.
 * Threads     none: nobody writes the rows.
 */
#pragma once

#include "node/node.h"
#include "node/rows_internal.h"

/* The file of each content that was stored and is not being removed, read whole, and whether every shard
 * that names one has a lease or is counted. SKN_ECORRUPT names what is wrong. `dir` has the data. */
SKN_MUST_USE enum skn_rc skn_blob_rows_check(struct skn_rows *rows,
                                             const char *dir,
                                             struct skn_data_blobs *out,
                                             struct skn_diag *diag);

/* Copies those files from one data directory to another, each checked on the way. SKN_ECORRUPT: one is
 * not there, or is not what its name says. */
SKN_MUST_USE enum skn_rc
skn_blob_rows_copy(struct skn_rows *rows, const char *from, const char *to, struct skn_diag *diag);
