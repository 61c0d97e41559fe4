/* config.c - skein.yaml: the settings of a project. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/number_internal.h"
#include "lang/pointy/pointy.h"
#include "lang/pointy/yaml_internal.h"

#include "base/pure.h"

/* "off", or a duration above nothing. */
static bool read_history(const struct skn_yaml_node *node, uint64_t *out_ms)
{
    *out_ms = 0;
    if (node->kind != SKN_YAML_SCALAR) return false;
    if (skn_slice_eq(node->text, SKN_LIT("off"))) return true;
    return skn_number_duration(node->text, out_ms) == SKN_NUMBER_OK && *out_ms > 0;
}

enum skn_rc skn_config_parse(struct skn_arena *arena,
                             const struct skn_source *source,
                             struct skn_diags *diags,
                             struct skn_config *out_config)
{
    SKN_ASSERT(diags->source == source);
    struct skn_yaml yaml = {0};
    struct skn_config config = {.history_ms = 0};
    if (!skn_yaml_parse(arena, diags, &yaml)) return skn_diags_rc(diags);
    bool has_keys = yaml.count > 0 && yaml.nodes[0].kind == SKN_YAML_MAPPING;
    uint32_t at = has_keys ? skn_yaml_get(&yaml, 0, "history") : 0;
    if (at != 0 && !read_history(&yaml.nodes[at], &config.history_ms)) {
        const struct skn_yaml_node *node = &yaml.nodes[at];
        struct skn_slice found = SKN_LIT("a list or a mapping");
        if (node->kind == SKN_YAML_SCALAR)
            found = skn_slice_str(skn_arena_printf(arena, "\"%.*s\"", SKN_FMT(node->text)));
        skn_diags_add(
            diags,
            SKN_CODE_BAD_VALUE,
            node->span,
            SKN_DIAG_ARGS(SKN_LIT("history"), SKN_LIT("a duration such as 1h, or off"), found));
    }
    enum skn_rc rc = skn_diags_rc(diags);
    if (rc == SKN_OK) *out_config = config;
    return rc;
}
