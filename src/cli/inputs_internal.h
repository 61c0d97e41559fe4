/* inputs_internal.h - the inputs of a run: from the command line and files to one JSON object.
 *
 * Invariants
 *   1. The object has exactly the names that the flow declares, each of its type, defaults filled in.
 *   2. What is missing, unknown, given twice or of another type is SKN_EUSAGE with the name.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "cli/args_internal.h"
#include "lang/pointy/pointy.h"

/* --input name=value and --input @file.json; a value on the command line takes the place of one in
 * a file. */
SKN_MUST_USE enum skn_rc skn_inputs_read(struct skn_arena *arena,
                                         const struct skn_args *args,
                                         const struct skn_graph *graph,
                                         struct skn_buf *out_json,
                                         struct skn_diag *diag);

/* --label k=v, as a JSON object of texts. */
SKN_MUST_USE enum skn_rc
skn_labels_read(const struct skn_args *args, struct skn_buf *out_json, struct skn_diag *diag);
