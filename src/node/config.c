/* config.c - skein.yaml: read once, and everything refused that is no setting. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/config_internal.h"

#include "base/buf.h"
#include "base/mem.h"
#include "lang/kit/suggest.h"
#include "lang/pointy/number.h"
#include "lang/pointy/yaml_tree.h"
#include "node/manifest_internal.h"

#include <inttypes.h>
#include <string.h>

struct reader {
    struct skn_arena *arena;
    struct skn_diags *diags;
    struct skn_yaml yaml;
    struct skn_config *config;
};

static const struct skn_yaml_node *node_at(const struct reader *r, uint32_t at)
{
    return &r->yaml.nodes[at];
}

/* --- what is wrong ------------------------------------------------------------------------------------- */

static void bad_value(struct reader *r, struct skn_slice key, uint32_t at, const char *wanted)
{
    const struct skn_yaml_node *node = node_at(r, at);
    struct skn_slice found = node->kind == SKN_YAML_LIST ? SKN_LIT("a list") : SKN_LIT("a mapping");
    if (node->kind == SKN_YAML_SCALAR)
        found = skn_slice_str(skn_arena_printf(r->arena, "\"%.*s\"", SKN_FMT(node->text)));
    skn_diags_add(
        r->diags, SKN_CODE_BAD_VALUE, node->span, SKN_DIAG_ARGS(key, skn_slice_str(wanted), found));
}

static void unknown_key(struct reader *r, uint32_t at, struct skn_slice near, const char *where)
{
    const struct skn_yaml_node *key = node_at(r, at);
    skn_diags_add(r->diags,
                  SKN_CODE_UNKNOWN_KEY,
                  key->span,
                  SKN_DIAG_ARGS(key->text, skn_slice_str(where), near));
}

/* A text of bytes that a C string can hold; NULL: it is none. */
static char *text_of(struct reader *r, uint32_t at)
{
    const struct skn_yaml_node *node = node_at(r, at);
    bool fits = node->kind == SKN_YAML_SCALAR && node->text.len > 0 &&
                node->text.len < SKN_CONFIG_TEXT_MAX && !memchr(node->text.ptr, 0, node->text.len);
    if (!fits) return NULL;
    char *text = skn_arena_zero(r->arena, node->text.len + 1, 1);
    memcpy(text, node->text.ptr, node->text.len);
    return text;
}

/* --- limits ------------------------------------------------------------------------------------------------ */

static bool read_number(enum skn_limit_unit unit, struct skn_slice text, uint64_t *out)
{
    enum { HOUR_MS = 60 * 60 * 1000 };
    uint64_t ms;
    if (skn_number_whole(text, UINT64_MAX, out) == SKN_NUMBER_OK) return true;
    switch (unit) {
    case SKN_LIMIT_BYTES: return skn_number_size(text, out) == SKN_NUMBER_OK;
    case SKN_LIMIT_MS: return skn_number_duration(text, out) == SKN_NUMBER_OK;
    case SKN_LIMIT_HOURS:
        if (skn_number_duration(text, &ms) != SKN_NUMBER_OK || ms % HOUR_MS != 0) return false;
        *out = ms / HOUR_MS;
        return true;
    case SKN_LIMIT_COUNT:
    case SKN_LIMIT_GAS: break;
    }
    return false;
}

static const char *wanted_of(struct reader *r, const struct skn_limit_info *info)
{
    static const char *const forms[] = {[SKN_LIMIT_COUNT] = "a whole number",
                                        [SKN_LIMIT_GAS] = "a whole number",
                                        [SKN_LIMIT_BYTES] = "bytes or a size such as 64KiB,",
                                        [SKN_LIMIT_MS] = "milliseconds or a duration such as 30m,",
                                        [SKN_LIMIT_HOURS] = "hours or a duration such as 2d,"};
    char least[SKN_LIMIT_TEXT_MAX], most[SKN_LIMIT_TEXT_MAX];
    return skn_arena_printf(r->arena,
                            "%s from %s to %s",
                            forms[info->unit],
                            skn_limit_print(info->unit, info->least, least),
                            skn_limit_print(info->unit, info->most, most));
}

static void read_limit(struct reader *r, uint32_t key)
{
    struct skn_slice name = node_at(r, key)->text;
    const struct skn_yaml_node *value = node_at(r, key + 1);
    struct skn_suggest suggest;
    size_t count, place = 0;
    const struct skn_limit_info *infos = skn_limit_infos(&count);
    skn_suggest_init(&suggest, name);
    while (place < count && !skn_slice_eq(name, skn_slice_str(infos[place].name)))
        skn_suggest_offer(&suggest, skn_slice_str(infos[place++].name));
    if (place == count) {
        unknown_key(r, key, suggest.best, "in limits");
        return;
    }
    uint64_t n = 0;
    bool is_number =
        value->kind == SKN_YAML_SCALAR && read_number(infos[place].unit, value->text, &n);
    if (is_number && n >= infos[place].least && n <= infos[place].most)
        skn_limit_set(&r->config->limits, place, n);
    else
        bad_value(r, name, key + 1, wanted_of(r, &infos[place]));
}

static bool is_empty(const struct skn_yaml_node *node)
{
    return node->kind == SKN_YAML_SCALAR && skn_yaml_scalar(node) == SKN_YAML_NULL;
}

static void read_limits(struct reader *r, uint32_t at)
{
    if (is_empty(node_at(r, at))) return; /* all of them are comments */
    if (node_at(r, at)->kind != SKN_YAML_MAPPING) {
        bad_value(r, SKN_LIT("limits"), at, "a mapping such as { mailbox_messages: 20000 }");
        return;
    }
    for (uint32_t key = at + 1; key < node_at(r, at)->end; key = node_at(r, key + 1)->end)
        read_limit(r, key);
}

/* --- the other keys ------------------------------------------------------------------------------------- */

static void read_name(struct reader *r, uint32_t at)
{
    const char *name = text_of(r, at);
    if (!name) bad_value(r, SKN_LIT("name"), at, "a text");
    if (name) r->config->name = skn_slice_str(name);
}

/* "off", or a duration above nothing. */
static void read_history(struct reader *r, uint32_t at)
{
    const struct skn_yaml_node *node = node_at(r, at);
    uint64_t ms = 0;
    bool is_scalar = node->kind == SKN_YAML_SCALAR;
    bool is_off = is_scalar && skn_slice_eq(node->text, SKN_LIT("off"));
    bool fits = is_scalar && !is_off && skn_number_duration(node->text, &ms) == SKN_NUMBER_OK;
    if (!is_off && (!fits || ms == 0))
        bad_value(r, SKN_LIT("history"), at, "a duration such as 1h, or off");
    r->config->history_ms = ms;
}

static char *const *words_of(struct reader *r, uint32_t list)
{
    char **words = skn_arena_zero(r->arena, SKN_CONFIG_WORDS_MAX + 1, sizeof(char *));
    size_t count = 0;
    if (node_at(r, list)->kind != SKN_YAML_LIST) return NULL;
    for (uint32_t at = list + 1; at < node_at(r, list)->end; at = node_at(r, at)->end) {
        char *word = text_of(r, at);
        if (!word || count == SKN_CONFIG_WORDS_MAX) return NULL;
        words[count++] = word;
    }
    return count > 0 ? words : NULL;
}

static void read_secrets(struct reader *r, uint32_t at)
{
    static const char *const names[] = {"key_file", "key_command"};
    const struct skn_yaml_node *secrets = node_at(r, at);
    bool is_map = secrets->kind == SKN_YAML_MAPPING;
    for (uint32_t key = at + 1; is_map && key < secrets->end; key = node_at(r, key + 1)->end) {
        struct skn_slice name = node_at(r, key)->text;
        if (skn_slice_eq(name, skn_slice_str(names[0])) ||
            skn_slice_eq(name, skn_slice_str(names[1])))
            continue;
        unknown_key(r, key, skn_suggest_among(name, names, SKN_ARRAY_LEN(names)), "in secrets");
        return;
    }
    uint32_t file = is_map ? skn_yaml_get(&r->yaml, at, names[0]) : 0;
    uint32_t command = is_map ? skn_yaml_get(&r->yaml, at, names[1]) : 0;
    if ((file != 0) == (command != 0)) {
        bad_value(r, SKN_LIT("secrets"), at, "either key_file or key_command");
        return;
    }
    if (file && !(r->config->key_file = text_of(r, file)))
        bad_value(r, SKN_LIT("key_file"), file, "a path");
    if (command && !(r->config->key_command = words_of(r, command)))
        bad_value(r, SKN_LIT("key_command"), command, "a list of 1 to 16 words");
}

static const struct {
    const char *name;
    void (*read)(struct reader *r, uint32_t at);
} keys[] = {{"name", read_name},
            {"history", read_history},
            {"secrets", read_secrets},
            {"limits", read_limits}};

static void read_key(struct reader *r, uint32_t key)
{
    struct skn_slice name = node_at(r, key)->text;
    const char *names[SKN_ARRAY_LEN(keys)];
    for (size_t i = 0; i < SKN_ARRAY_LEN(keys); i++) {
        names[i] = keys[i].name;
        if (!skn_slice_eq(name, skn_slice_str(names[i]))) continue;
        keys[i].read(r, key + 1);
        return;
    }
    unknown_key(r, key, skn_suggest_among(name, names, SKN_ARRAY_LEN(names)), "in skein.yaml");
}

enum skn_rc skn_config_parse(struct skn_arena *arena,
                             const struct skn_source *source,
                             struct skn_diags *diags,
                             struct skn_config *out_config)
{
    SKN_ASSERT(diags->source == source);
    struct skn_config config = {.history_ms = 0};
    struct reader r = {.arena = arena, .diags = diags, .config = &config};
    if (!skn_yaml_parse(arena, diags, &r.yaml)) return skn_diags_rc(diags);
    if (r.yaml.count > 0 && node_at(&r, 0)->kind == SKN_YAML_MAPPING) {
        for (uint32_t key = 1; key < node_at(&r, 0)->end; key = node_at(&r, key + 1)->end)
            read_key(&r, key);
    } else if (r.yaml.count > 0 && !is_empty(node_at(&r, 0))) {
        bad_value(&r, SKN_LIT("skein.yaml"), 0, "a mapping such as { name: shop }");
    }
    enum skn_rc rc = skn_diags_rc(diags);
    if (rc == SKN_OK) *out_config = config;
    return rc;
}

/* --- the file -------------------------------------------------------------------------------------------- */

/* The text of a diag is short: of a long path its end is shown, and a hint only where it names one. */
static enum skn_rc tell(const char *path,
                        const struct skn_source *source,
                        const struct skn_diags *diags,
                        struct skn_diag *diag)
{
    enum { PATH_SHOWN = 60 };
    size_t len = strlen(path);
    const struct skn_diag_entry *first = &diags->entries[0];
    bool has_hint = first->code == SKN_CODE_UNKNOWN_KEY && strncmp(first->hint, "Did", 3) == 0;
    return SKN_FAIL(diag,
                    SKN_ECONFIG,
                    "\"%s%s\", line %" PRIu32 ": %s%s%s",
                    len > PATH_SHOWN ? ".." : "",
                    len > PATH_SHOWN ? path + len - PATH_SHOWN : path,
                    skn_source_place(source, first->span.start).line,
                    first->text,
                    has_hint ? ". " : "",
                    has_hint ? first->hint : "");
}

static enum skn_rc parse(struct skn_arena *arena,
                         const char *path,
                         struct skn_slice text,
                         struct skn_config *out,
                         struct skn_diag *diag)
{
    struct skn_source source;
    struct skn_diags diags;
    enum skn_rc rc = skn_source_init(&source, arena, skn_slice_str(path), text);
    if (rc != SKN_OK) return SKN_FAIL(diag, SKN_ECONFIG, "\"%.150s\" is too large", path);
    skn_diags_init(&diags, arena, &source);
    rc = skn_config_parse(arena, &source, &diags, out);
    return rc == SKN_OK ? rc : tell(path, &source, &diags, diag);
}

enum skn_rc skn_config_read(struct skn_env *env,
                            const char *project_dir,
                            struct skn_arena *arena,
                            struct skn_config *out,
                            struct skn_diag *diag)
{
    struct skn_buf text;
    struct skn_config config = {.history_ms = 0};
    skn_buf_init(&text, SKN_CONFIG_BYTES_MAX);
    char *path = skn_path_join(project_dir, "skein.yaml");
    enum skn_rc rc = skn_file_get(env, path, &text, diag);
    if (rc == SKN_OK) /* what it says points into the text */
        rc = parse(arena, path, skn_arena_dup(arena, skn_buf_slice(&text)), &config, diag);
    else if (rc == SKN_ENOENT)
        rc = SKN_OK; /* a lone file has no project */
    if (rc == SKN_OK) *out = config;
    skn_free(path);
    skn_buf_fini(&text);
    return rc;
}
