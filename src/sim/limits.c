/* limits.c - which limits a seed has met: each of core/limits_map.h has an item in cover_map.h. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/limits.h"
#include "sim/world_internal.h"

#include <stdio.h>

#include "base/pure.h"

/* A limit without an item does not compile. */
static const struct {
    const char *name;
    enum skn_cover item;
} limits[] = {
#define X(name, ...) {#name, SKN_COVER_LIMIT_##name},
    SKN_LIMITS_MAP(X)
#undef X
};

/* Faults and refusals name their limit: "..: slice_gas is 20000". */
static void cover_text(struct world *w, struct skn_slice text)
{
    for (size_t i = 0; i < SKN_ARRAY_LEN(limits) && text.len > 0; i++) {
        char named[64];
        int len = snprintf(named, sizeof named, "%s is ", limits[i].name);
        if (memmem(text.ptr, text.len, named, (size_t)len)) world_cover(w, limits[i].item);
    }
}

static void cover_code(struct world *w, enum skn_rc rc)
{
    const struct skn_core_limits *l = &w->params.limits;
    if (rc == SKN_EOUTBOXFULL && l->outbox_messages)
        world_cover(w, SKN_COVER_LIMIT_outbox_messages);
    if (rc == SKN_EOUTBOXFULL && l->outbox_bytes) world_cover(w, SKN_COVER_LIMIT_outbox_bytes);
    if (rc == SKN_ETARGETFAULTED) world_cover(w, SKN_COVER_LIMIT_faulted_waiting);
    if (rc == SKN_ERATELIMITED && l->request_ids) world_cover(w, SKN_COVER_LIMIT_request_ids);
    if (rc == SKN_ERATELIMITED && l->request_bytes) world_cover(w, SKN_COVER_LIMIT_request_bytes);
}

void limits_cover(struct world *w, const struct skn_output *output)
{
    const struct skn_core_limits *l = &w->params.limits;
    if (output->kind == SKN_OUTPUT_REPLY && output->rc != SKN_OK) {
        cover_text(w, output->name);
        cover_code(w, output->rc);
    }
    if (output->kind != SKN_OUTPUT_SIGNAL || !skn_slice_eq(output->name, SKN_LIT("faulted")))
        return;
    cover_text(w, output->value);
    cover_code(w, output->rc);
    if (output->number == 0) return;
    world_cover(w, SKN_COVER_LIMIT_faults_in_row);
    if (l->dead_letters && l->faults_in_row) world_cover(w, SKN_COVER_LIMIT_dead_letters);
}

/* Those that nothing tells of: the seeds that have a small one. */
void limits_cover_seed(struct world *w)
{
    const struct skn_core_limits *l = &w->params.limits;
    if (l->speculative_batches) world_cover(w, SKN_COVER_LIMIT_speculative_batches);
    if (l->speculative_bytes) world_cover(w, SKN_COVER_LIMIT_speculative_bytes);
    if (l->warm_domains) world_cover(w, SKN_COVER_LIMIT_warm_domains);
    if (l->quantum_gas) world_cover(w, SKN_COVER_LIMIT_quantum_gas);
}

/* What is seen in a record. */
void limits_cover_row(struct world *w, const struct row_info *info, bool is_delete)
{
    if (info->kind == ROW_WAITING && !is_delete) world_cover(w, SKN_COVER_LIMIT_mailbox_messages);
    if (info->kind == ROW_REQUEST && is_delete && w->params.limits.request_hours)
        world_cover(w, SKN_COVER_LIMIT_request_hours);
    bool is_crowded = info->kind == ROW_OWN && !is_delete && info->own.len > 0 &&
                      info->own.ptr[0] == 'w' &&
                      skn_slice_has_prefix(info->address, SKN_LIT("sim:Job/"));
    if (is_crowded) world_cover(w, SKN_COVER_LIMIT_limiter_waiting);
    bool is_limiter = skn_slice_has_prefix(info->address, SKN_LIT("limit:"));
    if (info->kind == ROW_DOMAIN && is_delete && is_limiter)
        world_cover(w, SKN_COVER_LIMIT_limiter_idle_ms);
    bool is_blob = skn_slice_has_prefix(info->address, SKN_LIT("blob:"));
    if (info->kind == ROW_DOMAIN && is_delete && is_blob)
        world_cover(w, SKN_COVER_LIMIT_blob_condemned_ms);
}
