/* index_internal.h - rows that follow from other rows, so that something is found without reading all.
 *
 * Owns        what follows from what: one list for the core's own indexes and for those that programs
 *             declare.
 * May include base, store.
 * Threads     the one that owns the shard.
 * Invariants
 *   1. An index row is there if and only if the row that it follows from is, hidden or not: both change
 *      in one batch. Debug builds compare this for each batch, skein verify for all rows.
 *
 *   of            index row                                           value
 *   meta          01 08 00 address                                    empty
 *   meta, busy    01 0f 00 address                                    busy:1
 *   timer         01 03 00 due:8 number:8 address                     empty
 *   own           02 address 00 06 index:1 entry' 00 01 key           empty
 * entry' has 00 ff for each byte 00, so that rows stand in the order of (entry, key).
 */
#pragma once

#include "core/core_internal.h"

/* The domain's meta row appears (has), or goes. */
void skn_index_domain(struct skn_cx *cx, struct skn_slice address, bool has);

/* A row of the domain's own changed: `old` and `value` as they are stored, NULL: there is none. */
void skn_index_own(struct skn_cx *cx,
                   struct skn_slice key,
                   const struct skn_slice *old,
                   const struct skn_slice *value);

/* What the rows of a batch make of the sums; SKN_ECORRUPT when an index row does not follow, or is not
 * there. Rows whose old value is not known are passed over. */
SKN_MUST_USE enum skn_rc
skn_index_check_batch(struct skn_core *core, struct skn_slice batch, struct skn_diag *diag);
