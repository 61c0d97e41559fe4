/* interface.c - what others must know of a flow: the flows that it starts, and its inputs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/build_internal.h"
#include "lang/pointy/parse_internal.h"

#include "base/mem.h"

#include "base/pure.h" /* last */

void skn_pointy_starts(struct skn_arena *arena,
                       struct skn_slice text,
                       const struct skn_slice **out_names,
                       uint32_t *out_count)
{
    struct skn_source source;
    struct skn_slice *names = NULL;
    uint32_t count = 0, cap = 0;
    struct skn_slice *copy;
    if (skn_source_init(&source, arena, SKN_LIT(""), text) == SKN_OK) {
        for (struct skn_token t = skn_lex(&source, 0); t.kind != SKN_TOKEN_END;
             t = skn_lex(&source, t.span.end)) {
            if (t.kind != SKN_TOKEN_NAME ||
                !skn_slice_eq(skn_source_at(&source, t.span), SKN_LIT("FLOW")))
                continue;
            struct skn_token less = skn_lex(&source, t.span.end);
            struct skn_token name = skn_lex(&source, less.span.end);
            if (less.kind != SKN_TOKEN_LESS || name.kind != SKN_TOKEN_NAME) continue;
            struct skn_slice at = skn_source_at(&source, name.span);
            uint32_t i = 0;
            while (i < count && !skn_slice_eq(names[i], at))
                i++;
            if (i < count || count == SKN_STARTS_MAX) continue;
            names = skn_parse_grow(names, count, &cap, sizeof(*names));
            names[count++] = at;
        }
    }
    copy = skn_arena_zero(arena, count + 1, sizeof(*copy));
    for (uint32_t i = 0; i < count; i++)
        copy[i] = skn_arena_dup(arena, names[i]);
    skn_free(names);
    *out_names = copy;
    *out_count = count;
}

void skn_pointy_interface(struct skn_arena *arena,
                          struct skn_slice text,
                          struct skn_project_flow *flow)
{
    struct skn_arena scratch;
    struct skn_source source;
    struct skn_syntax tree;
    skn_pointy_starts(arena, text, &flow->starts, &flow->start_count);
    skn_arena_init(&scratch);
    struct skn_diags *diags = skn_arena_zero(&scratch, 1, sizeof(*diags));
    if (skn_source_init(&source, &scratch, SKN_LIT(""), text) == SKN_OK) {
        skn_diags_init(diags, &scratch, &source);
        skn_syntax_parse(&tree, diags);
        struct skn_pty b = {.arena = arena,
                            .source = &source,
                            .diags = diags,
                            .tree = &tree,
                            .graph = skn_arena_zero(&scratch, 1, sizeof(*b.graph)),
                            .only_check = true};
        skn_pty_inputs(&b);
        skn_syntax_fini(&tree);
        flow->inputs = b.inputs;
        flow->input_count = b.graph->input_count;
        flow->has_inputs = diags->errors == 0;
    }
    skn_arena_fini(&scratch);
}
