/* config.c - the settings of a project, read from its skein.yaml. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "node/config_internal.h"
#include "node/manifest_internal.h"

#include <string.h>

static enum skn_rc
parse(const char *path, struct skn_slice text, struct skn_config *out, struct skn_diag *diag)
{
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    skn_arena_init(&arena);
    enum skn_rc rc = skn_source_init(&source, &arena, skn_slice_str(path), text);
    if (rc == SKN_OK) {
        skn_diags_init(&diags, &arena, &source);
        rc = skn_config_parse(&arena, &source, &diags, out);
        if (rc != SKN_OK) {
            struct skn_place place = skn_source_place(&source, diags.entries[0].span.start);
            rc = SKN_FAIL(
                diag, SKN_ECONFIG, "\"%s\", line %u: %s", path, place.line, diags.entries[0].text);
        }
    }
    skn_arena_fini(&arena);
    return rc;
}

enum skn_rc skn_config_read(struct skn_env *env,
                            const char *project_dir,
                            struct skn_config *out,
                            struct skn_diag *diag)
{
    struct skn_buf text;
    skn_buf_init(&text, SKN_SOURCE_BYTES_MAX);
    char *path = skn_path_join(project_dir, "skein.yaml");
    *out = (struct skn_config){.history_ms = 0};
    enum skn_rc rc = skn_file_get(env, path, &text, diag);
    if (rc == SKN_OK)
        rc = parse(path, skn_buf_slice(&text), out, diag);
    else if (rc == SKN_ENOENT)
        rc = SKN_OK; /* a lone file has no project */
    skn_free(path);
    skn_buf_fini(&text);
    return rc;
}
