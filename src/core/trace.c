/* trace.c - what a domain does, told as it is done to whoever watches; none of it is stored. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "core/core_internal.h"
#include "core/look.h"

#include "base/pure.h"

enum { TRACE_BYTES_MAX = 1 << 20 };

struct traced {
    struct skn_omap_node node; /* by address */
    uint8_t address[];
};

void skn_core_trace(struct skn_core *core, struct skn_slice address, bool on)
{
    struct skn_omap_node *node = skn_omap_find(&core->traced, address);
    if (on == (node != NULL)) return;
    if (node) {
        skn_omap_remove(&core->traced, node);
        skn_free(SKN_CONTAINER_OF(node, struct traced, node));
        return;
    }
    struct traced *traced = skn_alloc_zero(1, sizeof *traced + address.len);
    memcpy(traced->address, address.ptr, address.len);
    traced->node.key = skn_slice(traced->address, address.len);
    SKN_ASSERT(!skn_omap_insert(&core->traced, &traced->node));
}

void skn_traces_fini(struct skn_core *core)
{
    struct skn_omap_node *node;
    while ((node = skn_omap_first(&core->traced)))
        skn_core_trace(core, node->key, false);
}

static void build_fault(struct skn_builder *b, const struct skn_diag *fault)
{
    skn_build_key(b, SKN_LIT("fault"));
    if (fault->rc == SKN_OK) {
        skn_build_none(b);
        return;
    }
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("code"));
    skn_build_str(b, skn_rc_info(fault->rc)->name);
    skn_build_key(b, SKN_LIT("message"));
    skn_build_str(b, fault->text[0] ? fault->text : skn_rc_info(fault->rc)->text);
    skn_build_map_end(b);
}

/* What leaves without a row: the reply and signals. */
static void build_outs(struct skn_builder *b, const struct skn_cx *cx)
{
    const struct skn_output *reply = NULL;
    skn_build_key(b, SKN_LIT("signals"));
    skn_build_list_begin(b);
    SKN_LIST_FOREACH (link, &cx->outs) {
        const struct skn_out *out = SKN_CONTAINER_OF(link, struct skn_out, link);
        if (out->output.kind == SKN_OUTPUT_REPLY) reply = &out->output;
        if (out->output.kind == SKN_OUTPUT_SIGNAL) skn_build_string(b, out->output.name);
    }
    skn_build_list_end(b);
    skn_build_key(b, SKN_LIT("reply"));
    if (reply && reply->rc == SKN_OK)
        skn_build_str(b, "OK");
    else if (reply)
        skn_build_str(b, skn_rc_info(reply->rc)->name);
    else
        skn_build_none(b);
}

void skn_trace_slice(struct skn_cx *cx,
                     const struct skn_message *message,
                     const struct skn_diag *fault,
                     struct skn_slice batch)
{
    if (!skn_omap_find(&cx->core->traced, skn_cx_address(cx))) return;
    struct skn_builder *b = skn_arena_alloc(&cx->arena, sizeof *b);
    struct skn_buf out;
    skn_buf_init(&out, TRACE_BYTES_MAX);
    skn_builder_init(b, &out);
    skn_build_map_begin(b);
    skn_build_key(b, SKN_LIT("message"));
    skn_build_map_begin(b);
    skn_look_build_message(b, message);
    skn_build_map_end(b);
    skn_build_key(b, SKN_LIT("query"));
    skn_build_bool(b, batch.len == 0);
    build_fault(b, fault);
    build_outs(b, cx);
    skn_look_changes(b, skn_cx_address(cx), batch);
    skn_build_map_end(b);
    /* Of a batch with very many rows there is only the fact. */
    static const uint8_t empty[] = {SKN_T_MAP, 4, 0, 0, 0, 0, 0, 0, 0};
    bool fits = skn_build_end(b, NULL) == SKN_OK;
    const struct skn_output output = {.kind = SKN_OUTPUT_TRACE,
                                      .address = skn_cx_address(cx),
                                      .value = fits ? skn_buf_slice(&out)
                                                    : skn_slice(empty, sizeof empty)};
    skn_cx_emit(cx, &output);
    skn_buf_fini(&out);
}
