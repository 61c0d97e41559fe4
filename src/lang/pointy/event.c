/* event.c - one event file: its keys, checked and compiled [F30] [F31] [F32]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "lang/kit/suggest.h"
#include "lang/pointy/build_internal.h"
#include "lang/pointy/event_internal.h"
#include "lang/pointy/number.h"
#include "lang/pointy/yaml_tree.h"

#include "base/pure.h" /* last */

static struct skn_slice shown(const struct event_file *f, uint32_t at)
{
    static const char *const names[] = {"a text", "a list", "a mapping"};
    const struct skn_yaml_node *node = node_at(f, at);
    if (node->kind == SKN_YAML_LIST && node->end == at + 1) return SKN_LIT("an empty list");
    if (node->kind != SKN_YAML_SCALAR) return skn_slice_str(names[node->kind]);
    if (node->text.len == 0) return SKN_LIT("nothing");
    return skn_slice_str(skn_arena_printf(f->arena, "\"%.*s\"", SKN_FMT(node->text)));
}

void skn_event_bad_value(struct event_file *f, const char *key, uint32_t at, const char *wanted)
{
    skn_diags_add(f->diags,
                  SKN_CODE_BAD_VALUE,
                  node_at(f, at)->span,
                  SKN_DIAG_ARGS(skn_slice_str(key), skn_slice_str(wanted), shown(f, at)));
}

/* The value of a key when it is there and of this kind; 0 otherwise, reported when it is there. */
uint32_t
skn_event_get(struct event_file *f, uint32_t mapping, const char *key, enum skn_yaml_kind kind)
{
    static const char *const wanted[] = {"a text", "a list", "a mapping"};
    uint32_t at = skn_yaml_get(&f->yaml, mapping, key);
    if (at == 0 || node_at(f, at)->kind == kind) return at;
    skn_event_bad_value(f, key, at, wanted[kind]);
    return 0;
}

static const struct key *find_key(const struct key *keys, size_t count, struct skn_slice name)
{
    for (size_t i = 0; i < count; i++)
        if (skn_slice_eq(name, skn_slice_str(keys[i].name))) return &keys[i];
    return NULL;
}

/* Unknown keys with the nearest known one, legal ones that are not built as such. */
void skn_event_check_keys(
    struct event_file *f, uint32_t mapping, const struct key *keys, size_t count, const char *where)
{
    for (uint32_t at = mapping + 1; at < node_at(f, mapping)->end; at = node_at(f, at + 1)->end) {
        const struct skn_yaml_node *key = node_at(f, at);
        const struct key *known = find_key(keys, count, key->text);
        if (known && known->is_built) continue;
        if (known) {
            const char *what = skn_arena_printf(f->arena, "the key \"%s\" %s", known->name, where);
            skn_event_not_run(f, key->span, what);
            continue;
        }
        struct skn_suggest suggest;
        skn_suggest_init(&suggest, key->text);
        for (size_t i = 0; i < count; i++)
            skn_suggest_offer(&suggest, skn_slice_str(keys[i].name));
        skn_diags_add(f->diags,
                      SKN_CODE_UNKNOWN_KEY,
                      key->span,
                      SKN_DIAG_ARGS(key->text, skn_slice_str(where), suggest.best));
    }
}

void skn_event_not_run(struct event_file *f, struct skn_span span, const char *what)
{
    struct skn_slice text = skn_slice_str(what);
    skn_diags_add(f->diags, SKN_CODE_NOT_RUN, span, SKN_DIAG_ARGS(text));
    if (f->def->not_yet.len == 0) f->def->not_yet = text;
}

static void missing_key(struct event_file *f, uint32_t mapping, const char *key, const char *hint)
{
    skn_diags_add(f->diags,
                  SKN_CODE_MISSING_KEY,
                  node_at(f, mapping)->span,
                  SKN_DIAG_ARGS(skn_slice_str(key), skn_slice_str(hint)));
}

static void read_name(struct event_file *f, uint32_t root)
{
    static const char hint[] = "Names are letters, digits and _, and do not begin with a digit.";
    enum skn_event_kind kind;
    uint32_t at = skn_event_get(f, root, "event", SKN_YAML_SCALAR);
    if (at == 0) {
        if (skn_yaml_get(&f->yaml, root, "event") == 0)
            missing_key(f, root, "event", "Write event: and the name of the event.");
        return;
    }
    struct skn_slice name = node_at(f, at)->text;
    const char *why = !skn_is_name(name)      ? hint
                      : skn_is_reserved(name) ? "It is a reserved word."
                      : skn_builtin_find(name, &kind) != SKN_NAME_UNKNOWN
                          ? "A built-in event has this name."
                          : NULL;
    if (why) {
        skn_diags_add(f->diags,
                      SKN_CODE_BAD_EVENT_NAME,
                      node_at(f, at)->span,
                      SKN_DIAG_ARGS(shown(f, at), skn_slice_str(why)));
    }
    f->def->name = name;
}

static void read_version(struct event_file *f, uint32_t root)
{
    uint32_t at = skn_event_get(f, root, "version", SKN_YAML_SCALAR);
    if (at == 0) {
        if (skn_yaml_get(&f->yaml, root, "version") == 0)
            missing_key(f, root, "version", "Write version: 1.0.0");
        return;
    }
    struct skn_slice text = node_at(f, at)->text;
    if (skn_number_version(text, f->def->version) != SKN_NUMBER_OK)
        skn_diags_add(
            f->diags, SKN_CODE_BAD_VERSION, node_at(f, at)->span, SKN_DIAG_ARGS(shown(f, at)));
}

/* A duration such as 30s, or a plain number of seconds; false when reported. */
static bool read_duration(
    struct event_file *f, const char *key, uint32_t at, bool may_be_zero, uint64_t *out_ms)
{
    const struct skn_yaml_node *node = node_at(f, at);
    uint64_t ms = 0;
    enum skn_number_result result = SKN_NUMBER_MALFORMED;
    if (node->kind == SKN_YAML_SCALAR) {
        result = skn_number_duration(node->text, &ms);
        if (result == SKN_NUMBER_MALFORMED && node->is_plain)
            result = skn_number_seconds(node->text, &ms);
    }
    if (result != SKN_NUMBER_OK || (ms == 0 && !may_be_zero)) {
        const char *wanted = result == SKN_NUMBER_TOO_LARGE ? "at most 36500d"
                             : result == SKN_NUMBER_OK
                                 ? "longer than nothing"
                                 : "a duration such as 30s, or a number of seconds";
        skn_event_bad_value(f, key, at, wanted);
        return false;
    }
    *out_ms = ms;
    return true;
}

static void read_timeout(struct event_file *f, uint32_t root)
{
    uint32_t at = skn_yaml_get(&f->yaml, root, "timeout");
    if (at != 0) (void)read_duration(f, "timeout", at, false, &f->def->timeout_ms);
}

static void read_attempts(struct event_file *f, uint32_t at)
{
    const struct skn_yaml_node *node = node_at(f, at);
    uint64_t n = 0;
    bool good = node->kind == SKN_YAML_SCALAR && node->is_plain &&
                skn_number_whole(node->text, SKN_ATTEMPTS_MAX, &n) == SKN_NUMBER_OK && n >= 1;
    if (!good) {
        skn_event_bad_value(f, "attempts", at, "a whole number from 1 to 1000000");
        return;
    }
    f->def->retry.attempts = (uint32_t)n;
}

static void read_factor(struct event_file *f, uint32_t at)
{
    const struct skn_yaml_node *node = node_at(f, at);
    uint64_t milli = 0;
    bool good = node->kind == SKN_YAML_SCALAR && node->is_plain &&
                skn_number_milli(node->text, SKN_RETRY_FACTOR_MAX, &milli) == SKN_NUMBER_OK &&
                milli >= 1000;
    if (!good) {
        skn_event_bad_value(
            f, "factor", at, "a number from 1 to 1000, with at most three digits of fraction");
        return;
    }
    f->def->retry.factor_milli = (uint32_t)milli;
}

static void read_retry_on(struct event_file *f, uint32_t retry)
{
    const struct skn_slice *names = NULL;
    uint32_t count = 0;
    skn_event_texts(f, retry, "on", &names, &count);
    uint32_t list = skn_yaml_get(&f->yaml, retry, "on");
    for (uint32_t i = 0; i < count; i++) {
        if (skn_is_failure_name(names[i])) continue;
        skn_event_bad_value(f, "on", list, "a list of failures such as [timeout, \"exit:75\"]");
        return;
    }
    f->def->retry_on = skn_pty_reasons(f->arena, names, count);
    if (f->def->retry_on.len > SKN_RETRY_ON_MAX)
        skn_event_bad_value(f, "on", list, "a list of at most 64 KiB");
}

static void read_retry(struct event_file *f, uint32_t root)
{
    static const struct key keys[] = {
        {"attempts", true}, {"backoff", true}, {"factor", true}, {"max", true}, {"on", true}};
    uint32_t retry = skn_event_get(f, root, "retry", SKN_YAML_MAPPING);
    if (retry == 0) return;
    skn_event_check_keys(f, retry, keys, SKN_ARRAY_LEN(keys), "in retry");
    uint32_t attempts = skn_yaml_get(&f->yaml, retry, "attempts");
    uint32_t backoff = skn_yaml_get(&f->yaml, retry, "backoff");
    uint32_t factor = skn_yaml_get(&f->yaml, retry, "factor");
    uint32_t max = skn_yaml_get(&f->yaml, retry, "max");
    if (attempts) read_attempts(f, attempts);
    if (backoff) (void)read_duration(f, "backoff", backoff, true, &f->def->retry.backoff_ms);
    if (factor) read_factor(f, factor);
    read_retry_on(f, retry);
    if (max) (void)read_duration(f, "max", max, false, &f->def->retry.max_ms);
}

static void read_exec(struct event_file *f, uint32_t exec)
{
    struct skn_event_def *def = f->def;
    uint32_t count = 0;
    for (uint32_t at = exec + 1; at < node_at(f, exec)->end; at = node_at(f, at)->end)
        count++;
    if (count == 0 || count > SKN_ARGV_MAX) {
        skn_event_bad_value(f, "exec", exec, "a program and its arguments, at most 256");
        return;
    }
    struct skn_slice *argv = skn_arena_zero(f->arena, count, sizeof(*argv));
    for (uint32_t at = exec + 1; at < node_at(f, exec)->end; at = node_at(f, at)->end) {
        const struct skn_yaml_node *node = node_at(f, at);
        bool is_text = node->kind == SKN_YAML_SCALAR &&
                       !(node->is_plain && skn_yaml_scalar(node) == SKN_YAML_NULL);
        bool has_nul = is_text && node->text.len > 0 && memchr(node->text.ptr, 0, node->text.len);
        if (!is_text || has_nul || (def->argc == 0 && node->text.len == 0))
            skn_event_bad_value(
                f, "exec", at, "a list of texts without NUL, the first one a program");
        argv[def->argc++] = node->text;
    }
    def->argv = argv;
}

static void read_run(struct event_file *f, uint32_t root)
{
    static const struct key keys[] = {{"exec", true},
                                      {"worker", false},
                                      {"slp", false},
                                      {"http", false},
                                      {"kernel", false},
                                      {"flow", false}};
    static const char hint[] = "Write run: { exec: [program, argument] }";
    uint32_t run = skn_event_get(f, root, "run", SKN_YAML_MAPPING);
    if (run == 0) {
        if (skn_yaml_get(&f->yaml, root, "run") == 0) missing_key(f, root, "run", hint);
        return;
    }
    skn_event_check_keys(f, run, keys, SKN_ARRAY_LEN(keys), "in run");
    uint32_t exec = skn_event_get(f, run, "exec", SKN_YAML_LIST);
    if (exec) {
        read_exec(f, exec);
    } else if (node_at(f, run)->end == run + 1) {
        missing_key(f, run, "exec", hint);
    }
    uint32_t ways = 0;
    for (uint32_t at = run + 1; at < node_at(f, run)->end; at = node_at(f, at + 1)->end)
        if (find_key(keys, SKN_ARRAY_LEN(keys), node_at(f, at)->text)) ways++;
    if (ways > 1) skn_event_bad_value(f, "run", run, "one way to run it");
}

static const struct skn_field *
read_fields(struct event_file *f, uint32_t root, const char *key, uint32_t *out_count)
{
    uint32_t mapping = skn_event_get(f, root, key, SKN_YAML_MAPPING);
    uint32_t count = 0;
    if (mapping == 0) return NULL;
    for (uint32_t at = mapping + 1; at < node_at(f, mapping)->end; at = node_at(f, at + 1)->end)
        count++;
    if (count > SKN_FIELDS_MAX) {
        skn_event_bad_value(f, key, mapping, "at most 256 names");
        return NULL;
    }
    struct skn_field *fields = skn_arena_zero(f->arena, count + 1, sizeof(*fields));
    uint32_t i = 0;
    for (uint32_t at = mapping + 1; at < node_at(f, mapping)->end;
         at = node_at(f, at + 1)->end, i++) {
        fields[i].name = node_at(f, at)->text;
        if (!skn_is_name(fields[i].name) || skn_is_reserved(fields[i].name))
            skn_event_bad_value(
                f, key, at, "names of letters, digits and _, and no reserved words");
        skn_event_field(f, at + 1, strcmp(key, "inputs") == 0, &fields[i]);
    }
    *out_count = count;
    return fields;
}

static void read_all(struct event_file *f, uint32_t root)
{
    static const struct key keys[] = {
        {"event", true},        {"version", true},    {"description", true}, {"inputs", true},
        {"outputs", true},      {"run", true},        {"timeout", true},     {"retry", true},
        {"owner", true},        {"exports", false},   {"outcomes", true},    {"outcome_when", true},
        {"success_when", true}, {"cpu", false},       {"work", false},       {"on_interrupt", true},
        {"evaluate", false},    {"resources", false}, {"files", false},      {"deprecated", true},
        {"changelog", true},    {"env", false},       {"schema", false},
    };
    skn_event_check_keys(f, root, keys, SKN_ARRAY_LEN(keys), "in an event file");
    read_name(f, root);
    read_version(f, root);
    uint32_t text = skn_event_get(f, root, "description", SKN_YAML_SCALAR);
    if (text != 0) f->def->description = node_at(f, text)->text;
    f->def->inputs = read_fields(f, root, "inputs", &f->def->input_count);
    f->def->outputs = read_fields(f, root, "outputs", &f->def->output_count);
    read_run(f, root);
    read_timeout(f, root);
    read_retry(f, root);
    skn_event_rest(f, root);
}

enum skn_rc skn_event_parse(struct skn_arena *arena,
                            const struct skn_source *source,
                            struct skn_diags *diags,
                            const struct skn_event_def **out_def)
{
    return skn_event_parse_with(arena, source, NULL, diags, out_def);
}

enum skn_rc skn_event_parse_with(struct skn_arena *arena,
                                 const struct skn_source *source,
                                 const struct skn_event_host *host,
                                 struct skn_diags *diags,
                                 const struct skn_event_def **out_def)
{
    SKN_ASSERT(diags->source == source);
    struct event_file f = {
        .arena = arena, .diags = diags, .host = host, .budget = SKN_SCHEMA_BUDGET};
    f.def = skn_arena_zero(arena, 1, sizeof(*f.def));
    *f.def = (struct skn_event_def){.kind = SKN_EVENT_EXEC,
                                    .file = skn_arena_dup(arena, source->name),
                                    .retry = {.attempts = 1, .factor_milli = 1000}};
    if (source->text.len > SKN_EVENT_BYTES_MAX) {
        skn_diags_add(diags,
                      SKN_CODE_TOO_MANY,
                      (struct skn_span){0, 0},
                      SKN_DIAG_ARGS(SKN_LIT("1048576"), SKN_LIT("bytes in this file")));
        return skn_diags_rc(diags);
    }
    if (!skn_yaml_parse(arena, diags, &f.yaml)) return skn_diags_rc(diags);
    if (f.yaml.count == 0 || node_at(&f, 0)->kind != SKN_YAML_MAPPING) {
        skn_diags_add(diags,
                      SKN_CODE_MISSING_KEY,
                      (struct skn_span){0, 0},
                      SKN_DIAG_ARGS(SKN_LIT("event"),
                                    SKN_LIT("An event file is a mapping that begins with event:")));
        return skn_diags_rc(diags);
    }
    read_all(&f, 0);
    enum skn_rc rc = skn_diags_rc(diags);
    if (rc == SKN_OK) *out_def = f.def;
    return rc;
}
