/* yaml.c - event files read with libyaml, and everything refused that would surprise. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/yaml_tree.h"

#include "base/mem.h"
#include "lang/kit/utf8.h"
#include "lang/pointy/number.h"

#include <yaml.h>

#include "base/pure.h" /* last */

struct level {
    uint32_t node;
    bool wants_value; /* in a mapping: the last scalar was a key */
};

struct loader {
    struct skn_arena *arena;
    struct skn_diags *diags;
    yaml_parser_t parser;
    struct skn_yaml_node *nodes;
    uint32_t count;
    uint32_t cap;
    struct level levels[SKN_YAML_DEPTH_MAX];
    uint32_t depth;
    /* libyaml counts characters, we count bytes: the last place that was converted. */
    size_t known_index;
    uint32_t known_offset;
};

static uint32_t offset_of(struct loader *l, size_t index)
{
    struct skn_slice text = l->diags->source->text;
    if (index < l->known_index) {
        l->known_index = 0;
        l->known_offset = 0;
    }
    while (l->known_index < index && l->known_offset < text.len) {
        l->known_offset += skn_utf8_next(text, l->known_offset).len;
        l->known_index++;
    }
    return l->known_offset;
}

static struct skn_span span_of(struct loader *l, const yaml_event_t *event)
{
    struct skn_span span;
    span.start = offset_of(l, event->start_mark.index);
    span.end = offset_of(l, event->end_mark.index);
    return span;
}

static bool refuse(struct loader *l, struct skn_span span, const char *what, const char *hint)
{
    skn_diags_add(l->diags,
                  SKN_CODE_YAML_REFUSED,
                  span,
                  SKN_DIAG_ARGS(skn_slice_str(what), skn_slice_str(hint)));
    return false;
}

static bool report_error(struct loader *l)
{
    const yaml_parser_t *p = &l->parser;
    uint32_t at = p->error == YAML_READER_ERROR ? (uint32_t)p->problem_offset
                                                : offset_of(l, p->problem_mark.index);
    if (at > l->diags->source->text.len) at = (uint32_t)l->diags->source->text.len;
    const char *problem = p->problem ? p->problem : "it cannot be read";
    skn_diags_add(
        l->diags,
        SKN_CODE_YAML,
        (struct skn_span){at, at},
        SKN_DIAG_ARGS(skn_slice_str(problem), skn_slice_str(p->context ? p->context : "")));
    return false;
}

/* A key that its mapping has already is refused: of two values one would be lost. */
static bool check_key(struct loader *l, uint32_t mapping, const struct skn_yaml_node *key)
{
    for (uint32_t at = mapping + 1; at < l->count; at = l->nodes[at + 1].end) {
        if (!skn_slice_eq(l->nodes[at].text, key->text)) continue;
        skn_diags_add(l->diags, SKN_CODE_KEY_TWICE, key->span, SKN_DIAG_ARGS(key->text));
        return false;
    }
    return true;
}

/* Appends a node where the walk stands. */
static bool push_node(struct loader *l, struct skn_yaml_node node)
{
    if (l->count == SKN_YAML_NODES_MAX) {
        skn_diags_add(l->diags,
                      SKN_CODE_TOO_MANY,
                      node.span,
                      SKN_DIAG_ARGS(SKN_LIT("16384"), SKN_LIT("values in this file")));
        return false;
    }
    if (l->depth > 0) {
        struct level *in = &l->levels[l->depth - 1];
        if (l->nodes[in->node].kind == SKN_YAML_MAPPING) {
            if (!in->wants_value) {
                if (node.kind != SKN_YAML_SCALAR)
                    return refuse(l, node.span, "a key that is a list or a mapping", "");
                if (!check_key(l, in->node, &node)) return false;
            }
            in->wants_value = !in->wants_value;
        }
    }
    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        l->nodes = skn_realloc(l->nodes, l->cap * sizeof(*l->nodes));
    }
    node.end = l->count + 1;
    l->nodes[l->count++] = node;
    return true;
}

static bool open_node(struct loader *l, enum skn_yaml_kind kind, struct skn_span span)
{
    if (span.end > span.start + 1) span.end = span.start + 1;
    if (l->depth == SKN_YAML_DEPTH_MAX) {
        skn_diags_add(l->diags,
                      SKN_CODE_TOO_DEEP,
                      span,
                      SKN_DIAG_ARGS(SKN_LIT("lists and mappings"), SKN_LIT("32")));
        return false;
    }
    uint32_t node = l->count;
    if (!push_node(l, (struct skn_yaml_node){.kind = kind, .span = span})) return false;
    l->levels[l->depth++] = (struct level){.node = node};
    return true;
}

static void close_node(struct loader *l)
{
    l->depth--;
    l->nodes[l->levels[l->depth].node].end = l->count;
}

static bool push_scalar(struct loader *l, const yaml_event_t *event, struct skn_span span)
{
    bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct skn_slice text = skn_slice(event->data.scalar.value, event->data.scalar.length);
    return push_node(l,
                     (struct skn_yaml_node){.kind = SKN_YAML_SCALAR,
                                            .is_plain = is_plain,
                                            .text = skn_arena_dup(l->arena, text),
                                            .span = span});
}

static bool is_marked(const yaml_char_t *anchor, const yaml_char_t *tag)
{
    return anchor != NULL || tag != NULL;
}

static bool refuse_mark(struct loader *l, struct skn_span span, const yaml_char_t *anchor)
{
    return refuse(l,
                  span,
                  anchor ? "an anchor (&)" : "a tag (!)",
                  anchor ? "Write the value out where it is needed." : "Take the tag away.");
}

/* One event of libyaml; false when the file is refused. */
static bool take_event(struct loader *l, const yaml_event_t *event)
{
    struct skn_span span = span_of(l, event);
    switch ((int)event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (event->data.document_start.version_directive ||
            event->data.document_start.tag_directives.start !=
                event->data.document_start.tag_directives.end) {
            return refuse(l, span, "a directive (%)", "Take it away.");
        }
        if (l->count > 0) return refuse(l, span, "a second document", "One file is one event.");
        return true;
    case YAML_ALIAS_EVENT:
        return refuse(l, span, "an alias (*)", "Write the value out where it is needed.");
    case YAML_SCALAR_EVENT:
        if (is_marked(event->data.scalar.anchor, event->data.scalar.tag))
            return refuse_mark(l, span, event->data.scalar.anchor);
        return push_scalar(l, event, span);
    case YAML_SEQUENCE_START_EVENT:
        if (is_marked(event->data.sequence_start.anchor, event->data.sequence_start.tag))
            return refuse_mark(l, span, event->data.sequence_start.anchor);
        return open_node(l, SKN_YAML_LIST, span);
    case YAML_MAPPING_START_EVENT:
        if (is_marked(event->data.mapping_start.anchor, event->data.mapping_start.tag))
            return refuse_mark(l, span, event->data.mapping_start.anchor);
        return open_node(l, SKN_YAML_MAPPING, span);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: close_node(l); return true;
    default: return true;
    }
}

static bool take_all(struct loader *l)
{
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&l->parser, &event)) return report_error(l);
        bool is_end = event.type == YAML_STREAM_END_EVENT;
        bool good = take_event(l, &event);
        yaml_event_delete(&event);
        if (!good) return false;
        if (is_end) return true;
    }
}

/* What libyaml would take or turn into another encoding. */
static bool check_text(struct skn_diags *diags)
{
    struct skn_slice text = diags->source->text;
    for (uint32_t at = 0; at < text.len;) {
        struct skn_utf8 c = skn_utf8_next(text, at);
        struct skn_span span = {at, at + c.len};
        struct skn_slice shown = skn_slice(text.ptr + at, c.len);
        if (c.point == SKN_UTF8_BAD) {
            skn_diags_add(diags, SKN_CODE_BAD_UTF8, span, SKN_DIAG_ARGS(shown));
            return false;
        }
        bool is_control =
            (c.point < 0x20 && c.point != '\t' && c.point != '\n' && c.point != '\r') ||
            (c.point >= 0x7F && c.point < 0xA0) || c.point == 0xFEFF;
        if (is_control) {
            skn_diags_add(diags, SKN_CODE_BAD_CHAR, span, SKN_DIAG_ARGS(shown));
            return false;
        }
        at += c.len;
    }
    return true;
}

bool skn_yaml_parse(struct skn_arena *arena, struct skn_diags *diags, struct skn_yaml *out)
{
    struct loader l = {.arena = arena, .diags = diags};
    struct skn_slice text = diags->source->text;
    if (!check_text(diags)) return false;
    int ready = yaml_parser_initialize(&l.parser);
    SKN_ASSERT(ready == 1); /* it fails only without memory */
    yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&l.parser, text.len ? text.ptr : (const uint8_t *)"", text.len);
    bool good = take_all(&l);
    yaml_parser_delete(&l.parser);
    if (good) {
        struct skn_yaml_node *nodes = skn_arena_zero(arena, l.count + 1, sizeof(*nodes));
        if (l.count > 0) memcpy(nodes, l.nodes, l.count * sizeof(*nodes));
        *out = (struct skn_yaml){.nodes = nodes, .count = l.count};
    }
    skn_free(l.nodes);
    return good;
}

uint32_t skn_yaml_get(const struct skn_yaml *yaml, uint32_t mapping, const char *key)
{
    SKN_ASSERT(yaml->nodes[mapping].kind == SKN_YAML_MAPPING);
    for (uint32_t at = mapping + 1; at < yaml->nodes[mapping].end; at = yaml->nodes[at + 1].end)
        if (skn_slice_eq(yaml->nodes[at].text, skn_slice_str(key))) return at + 1;
    return 0;
}

static bool is_among(struct skn_slice text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (skn_slice_eq(text, skn_slice_str(words[i]))) return true;
    return false;
}

enum skn_yaml_scalar skn_yaml_scalar(const struct skn_yaml_node *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    static const char *const bools[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
    int64_t whole;
    if (!node->is_plain) return SKN_YAML_TEXT;
    if (is_among(node->text, nulls, SKN_ARRAY_LEN(nulls))) return SKN_YAML_NULL;
    if (is_among(node->text, bools, SKN_ARRAY_LEN(bools))) return SKN_YAML_BOOL;
    if (skn_number_int(node->text, &whole) == SKN_NUMBER_OK) return SKN_YAML_INT;
    return skn_number_is_float(node->text) ? SKN_YAML_FLOAT : SKN_YAML_TEXT;
}
