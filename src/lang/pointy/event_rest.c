/* event_rest.c - the keys of an event file that say who, why and under which conditions [F30]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/codec_internal.h"
#include "lang/pointy/event_internal.h"
#include "lang/pointy/expr_internal.h"
#include "lang/pointy/lex_internal.h"
#include "lang/pointy/number.h"
#include "lang/pointy/syntax_internal.h"

#include "base/pure.h" /* last */

enum { TEXTS_MAX = 256 };

/* The index behind the value of the key at `at`. */
static uint32_t next_pair(const struct event_file *f, uint32_t at)
{
    return node_at(f, at + 1)->end;
}

void skn_event_texts(struct event_file *f,
                     uint32_t mapping,
                     const char *key,
                     const struct skn_slice **out_texts,
                     uint32_t *out_count)
{
    uint32_t list = skn_event_get(f, mapping, key, SKN_YAML_LIST);
    if (list == 0) return;
    struct skn_slice *texts = skn_arena_zero(f->arena, TEXTS_MAX, sizeof(*texts));
    uint32_t count = 0;
    for (uint32_t at = list + 1; at < node_at(f, list)->end; at = node_at(f, at)->end) {
        if (node_at(f, at)->kind != SKN_YAML_SCALAR || node_at(f, at)->text.len == 0) {
            skn_event_bad_value(f, key, at, "a list of texts");
        } else if (count == TEXTS_MAX) {
            skn_event_bad_value(f, key, list, "at most 256 texts");
            return;
        } else {
            texts[count++] = node_at(f, at)->text;
        }
    }
    if (!out_texts) return;
    *out_texts = texts;
    *out_count = count;
}

/* One of a few words. */
static void check_word(struct event_file *f,
                       uint32_t root,
                       const char *key,
                       const char *const *words,
                       const char *wanted)
{
    uint32_t at = skn_event_get(f, root, key, SKN_YAML_SCALAR);
    if (at == 0) return;
    for (; *words; words++)
        if (skn_slice_eq(node_at(f, at)->text, skn_slice_str(*words))) return;
    skn_event_bad_value(f, key, at, wanted);
}

static void check_words(struct event_file *f, uint32_t root)
{
    static const char *const work[] = {"io", "cpu", "native", NULL};
    static const char *const interrupt[] = {"retry", "fail", NULL};
    static const char *const evaluate[] = {"all", "any", "majority", "none_failed", NULL};
    check_word(f, root, "work", work, "io, cpu or native");
    check_word(f, root, "on_interrupt", interrupt, "retry or fail");
    uint32_t word = skn_yaml_get(&f->yaml, root, "on_interrupt");
    f->def->ends_cut_off = word && node_at(f, word)->kind == SKN_YAML_SCALAR &&
                           skn_slice_eq(node_at(f, word)->text, SKN_LIT("fail"));
    uint32_t at = skn_yaml_get(&f->yaml, root, "evaluate");
    struct skn_slice least = SKN_LIT("at_least=");
    uint64_t n;
    if (at != 0 && skn_slice_has_prefix(node_at(f, at)->text, least) &&
        skn_number_whole(skn_slice_from(node_at(f, at)->text, least.len), UINT32_MAX, &n) ==
            SKN_NUMBER_OK &&
        n > 0)
        return;
    check_word(f, root, "evaluate", evaluate, "all, any, majority, none_failed or at_least=N");
}

static void read_outcomes(struct event_file *f, uint32_t root)
{
    struct skn_event_def *def = f->def;
    skn_event_texts(f, root, "outcomes", &def->outcomes, &def->outcome_count);
    uint32_t list = skn_yaml_get(&f->yaml, root, "outcomes");
    if (def->outcome_count == 0) return;
    for (uint32_t at = list + 1; at < node_at(f, list)->end; at = node_at(f, at)->end)
        if (node_at(f, at)->text.len > 0 && !skn_is_outcome(node_at(f, at)->text))
            skn_event_bad_value(f, "outcomes", at, "names, or digits from 2 to 9");
}

static bool is_output(const struct skn_event_def *def, struct skn_slice name)
{
    for (uint32_t i = 0; i < def->output_count; i++)
        if (skn_slice_eq(def->outputs[i].name, name)) return true;
    return def->output_count == 0;
}

static void read_exports(struct event_file *f, uint32_t root)
{
    struct skn_event_def *def = f->def;
    skn_event_texts(f, root, "exports", &def->exports, &def->export_count);
    uint32_t list = skn_yaml_get(&f->yaml, root, "exports");
    if (def->export_count == 0) return;
    for (uint32_t at = list + 1; at < node_at(f, list)->end; at = node_at(f, at)->end) {
        struct skn_slice name = node_at(f, at)->text;
        if (name.len == 0 || (skn_is_name(name) && is_output(def, name))) continue;
        skn_event_bad_value(f, "exports", at, "names of outputs");
    }
}

static void check_expression(struct event_file *f, uint32_t at)
{
    const struct skn_yaml_node *node = node_at(f, at);
    const char *why = node->kind == SKN_YAML_SCALAR ? skn_expr_check(node->text) : "it is no text";
    if (!why) return;
    skn_diags_add(f->diags,
                  SKN_CODE_BAD_EXPRESSION,
                  node->span,
                  SKN_DIAG_ARGS(skn_slice_str(why),
                                SKN_LIT("Such as: status == \"declined\" and len(items) > 0")));
}

static void check_expressions(struct event_file *f, uint32_t root)
{
    uint32_t when = skn_event_get(f, root, "outcome_when", SKN_YAML_MAPPING);
    uint32_t success = skn_yaml_get(&f->yaml, root, "success_when");
    if (success) {
        check_expression(f, success);
        f->def->success_when = node_at(f, success)->text;
    }
    if (when == 0) return;
    struct skn_slice *pairs = skn_arena_zero(f->arena, 2 * SKN_OUTCOMES_MAX, sizeof(*pairs));
    f->def->outcome_when = pairs;
    for (uint32_t at = when + 1; at < node_at(f, when)->end; at = next_pair(f, at)) {
        bool is_known = false;
        for (uint32_t i = 0; i < f->def->outcome_count; i++)
            is_known = is_known || skn_slice_eq(node_at(f, at)->text, f->def->outcomes[i]);
        if (!is_known) skn_event_bad_value(f, "outcome_when", at, "an outcome of the event");
        check_expression(f, at + 1);
        if (f->def->outcome_when_count == SKN_OUTCOMES_MAX) {
            skn_event_bad_value(f, "outcome_when", when, "at most 256 expressions");
            return;
        }
        uint32_t i = f->def->outcome_when_count++;
        pairs[2 * i] = node_at(f, at + 1)->text;
        pairs[2 * i + 1] = node_at(f, at)->text;
    }
}

static bool is_version(struct skn_slice text)
{
    uint32_t parts[3];
    return skn_number_version(text, parts) == SKN_NUMBER_OK;
}

static void read_deprecated(struct event_file *f, uint32_t root)
{
    static const struct key keys[] = {{"since", true}, {"use", true}, {"reason", true}};
    uint32_t map = skn_event_get(f, root, "deprecated", SKN_YAML_MAPPING);
    if (map == 0) return;
    skn_event_check_keys(f, map, keys, SKN_ARRAY_LEN(keys), "in deprecated");
    f->def->is_deprecated = true;
    uint32_t since = skn_event_get(f, map, "since", SKN_YAML_SCALAR);
    uint32_t use = skn_event_get(f, map, "use", SKN_YAML_SCALAR);
    uint32_t reason = skn_event_get(f, map, "reason", SKN_YAML_SCALAR);
    if (since && !is_version(node_at(f, since)->text))
        skn_event_bad_value(f, "since", since, "a version");
    if (use) f->def->use_instead = node_at(f, use)->text;
    if (reason) f->def->reason = node_at(f, reason)->text;
}

static void check_changelog(struct event_file *f, uint32_t root)
{
    uint32_t map = skn_event_get(f, root, "changelog", SKN_YAML_MAPPING);
    if (map == 0) return;
    for (uint32_t at = map + 1; at < node_at(f, map)->end; at = next_pair(f, at)) {
        if (!is_version(node_at(f, at)->text))
            skn_event_bad_value(f, "changelog", at, "a version before each text");
        if (node_at(f, at + 1)->kind != SKN_YAML_SCALAR)
            skn_event_bad_value(f, "changelog", at + 1, "a text behind each version");
    }
}

static void check_resources(struct event_file *f, uint32_t root)
{
    static const struct key keys[] = {
        {"gpu", true}, {"gpu_wait", true}, {"memory", true}, {"cpu", true}};
    uint32_t map = skn_event_get(f, root, "resources", SKN_YAML_MAPPING);
    uint64_t n;
    if (map == 0) return;
    skn_event_check_keys(f, map, keys, SKN_ARRAY_LEN(keys), "in resources");
    uint32_t gpu = skn_event_get(f, map, "gpu", SKN_YAML_SCALAR);
    uint32_t memory = skn_event_get(f, map, "memory", SKN_YAML_SCALAR);
    uint32_t wait = skn_event_get(f, map, "gpu_wait", SKN_YAML_SCALAR);
    if (gpu && skn_number_whole(node_at(f, gpu)->text, 1024, &n) != SKN_NUMBER_OK)
        skn_event_bad_value(f, "gpu", gpu, "a whole number from 0 to 1024");
    if (memory && skn_number_size(node_at(f, memory)->text, &n) != SKN_NUMBER_OK)
        skn_event_bad_value(f, "memory", memory, "a size such as 256MiB");
    if (wait && skn_number_duration(node_at(f, wait)->text, &n) != SKN_NUMBER_OK)
        skn_event_bad_value(f, "gpu_wait", wait, "a duration such as 30s");
}

static void check_cpu(struct event_file *f, uint32_t root)
{
    static const struct key keys[] = {{"exec", true}};
    uint32_t map = skn_event_get(f, root, "cpu", SKN_YAML_MAPPING);
    if (map == 0) return;
    skn_event_check_keys(f, map, keys, SKN_ARRAY_LEN(keys), "in cpu");
    skn_event_texts(f, map, "exec", NULL, NULL);
}

void skn_event_rest(struct event_file *f, uint32_t root)
{
    (void)skn_event_get(f, root, "owner", SKN_YAML_SCALAR);
    (void)skn_event_get(f, root, "schema", SKN_YAML_SCALAR);
    check_words(f, root);
    read_outcomes(f, root);
    read_exports(f, root);
    check_expressions(f, root);
    read_deprecated(f, root);
    check_changelog(f, root);
    check_resources(f, root);
    check_cpu(f, root);
    skn_event_texts(f, root, "files", NULL, NULL);
    skn_event_texts(f, root, "env", NULL, NULL);
}
