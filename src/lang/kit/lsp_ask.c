/* lsp_ask.c - what is asked about a text: completion, hover, definition, rename, outline, layout and
 * the fixes that a diagnostic suggests. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/lsp_internal.h"
#include "lang/kit/utf8.h"

#include "base/pure.h" /* last */

enum { CANNOT = -32803, HOVER_MAX = 1 << 16 };

/* UTF-16 units of a character. */
static uint32_t units(uint32_t point)
{
    return point != SKN_UTF8_BAD && point > 0xFFFF ? 2 : 1;
}

struct skn_lsp_position skn_lsp_position(const struct skn_source *source, uint32_t offset)
{
    uint32_t end = offset < source->text.len ? offset : (uint32_t)source->text.len;
    uint32_t low = 0, high = source->line_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (source->lines[middle] <= end) {
            low = middle;
        } else {
            high = middle;
        }
    }
    struct skn_lsp_position position = {.line = low};
    for (uint32_t at = source->lines[low]; at < end;) {
        struct skn_utf8 c = skn_utf8_next(source->text, at);
        position.column += units(c.point);
        at += c.len;
    }
    return position;
}

uint32_t skn_lsp_offset(const struct skn_source *source, struct skn_lsp_position position)
{
    if (position.line >= source->line_count) return (uint32_t)source->text.len;
    struct skn_slice line = skn_source_line(source, position.line + 1);
    uint32_t at = 0, column = 0;
    while (at < line.len && column < position.column) {
        struct skn_utf8 c = skn_utf8_next(line, at);
        column += units(c.point);
        at += c.len;
    }
    return source->lines[position.line] + at;
}

static void put_position(struct skn_json_writer *w,
                         const char *key,
                         const struct skn_source *s,
                         uint32_t offset)
{
    struct skn_lsp_position position = skn_lsp_position(s, offset);
    skn_json_key_str(w, key);
    skn_json_object_begin(w);
    skn_json_key_str(w, "line");
    skn_json_uint(w, position.line);
    skn_json_key_str(w, "character");
    skn_json_uint(w, position.column);
    skn_json_object_end(w);
}

static void
put_span(struct skn_json_writer *w, const struct skn_source *source, struct skn_span span)
{
    skn_json_object_begin(w);
    put_position(w, "start", source, span.start);
    put_position(w, "end", source, span.end);
    skn_json_object_end(w);
}

void skn_lsp_put_range(struct skn_json_writer *w,
                       const struct skn_source *source,
                       struct skn_span span)
{
    skn_json_key_str(w, "range");
    put_span(w, source, span);
}

static void put_text(struct skn_json_writer *w, const char *key, struct skn_slice text)
{
    skn_json_key_str(w, key);
    skn_json_any_text(w, text);
}

static void
put_diag(struct skn_json_writer *w, const struct skn_source *source, const struct skn_diag_entry *e)
{
    const struct skn_code_info *info = skn_code_info(e->code);
    struct skn_buf text;
    skn_buf_init(&text, 1 << 16);
    skn_buf_printf(&text, "%s\n%s", e->text, e->hint);
    skn_json_object_begin(w);
    skn_lsp_put_range(w, source, e->span);
    skn_json_key_str(w, "severity");
    skn_json_int(w, info->severity == SKN_SEVERITY_ERROR ? 1 : 2);
    put_text(w, "code", skn_slice_str(info->name));
    put_text(w, "source", SKN_LIT("skein"));
    put_text(w, "message", skn_buf_slice(&text));
    skn_json_object_end(w);
    skn_buf_fini(&text);
}

static bool open_text(struct skn_lsp *lsp,
                      const struct skn_lsp_document *d,
                      struct skn_source *s,
                      struct skn_lsp_text *text)
{
    *text = (struct skn_lsp_text){
        .arena = &lsp->arena, .path = skn_lsp_path(&lsp->arena, d->uri), .source = s, .lsp = lsp};
    return d->language && skn_source_init(s, &lsp->arena, text->path, d->text) == SKN_OK;
}

void skn_lsp_publish(struct skn_lsp *lsp, struct skn_lsp_document *document, struct skn_buf *out)
{
    struct skn_source source;
    struct skn_lsp_text text;
    struct skn_diags *diags = skn_arena_zero(&lsp->arena, 1, sizeof(*diags));
    struct skn_json_writer w;
    struct skn_buf body;
    if (!open_text(lsp, document, &source, &text)) return;
    skn_diags_init(diags, &lsp->arena, &source);
    document->language->check(document->language->ctx, &text, diags);
    skn_buf_init(&body, SKN_LSP_MESSAGE_MAX);
    skn_json_begin(&w, &body, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    put_text(&w, "jsonrpc", SKN_LIT("2.0"));
    put_text(&w, "method", SKN_LIT("textDocument/publishDiagnostics"));
    skn_json_key_str(&w, "params");
    skn_json_object_begin(&w);
    put_text(&w, "uri", document->uri);
    skn_json_key_str(&w, "diagnostics");
    skn_json_list_begin(&w);
    for (uint32_t i = 0; i < diags->count; i++)
        put_diag(&w, &source, &diags->entries[i]);
    skn_json_list_end(&w);
    skn_json_object_end(&w);
    skn_json_object_end(&w);
    if (skn_json_end(&w, NULL) == SKN_OK) skn_lsp_put_message(out, skn_buf_slice(&body));
    skn_buf_fini(&body);
}

void skn_lsp_item(struct skn_lsp_items *items,
                  struct skn_slice label,
                  enum skn_lsp_kind kind,
                  struct skn_slice detail)
{
    static const int kinds[] = {3, 14, 10, 12}; /* Function, Keyword, Property, Value */
    skn_json_object_begin(items->w);
    put_text(items->w, "label", label);
    skn_json_key_str(items->w, "kind");
    skn_json_int(items->w, kinds[kind]);
    if (detail.len > 0) put_text(items->w, "detail", detail);
    skn_json_object_end(items->w);
    items->count++;
}

void skn_lsp_symbol(struct skn_lsp_symbols *symbols,
                    struct skn_slice name,
                    struct skn_span span,
                    bool is_group)
{
    skn_json_object_begin(symbols->w);
    put_text(symbols->w, "name", name.len > 0 ? name : SKN_LIT("?"));
    skn_json_key_str(symbols->w, "kind");
    skn_json_int(symbols->w, is_group ? 3 : 12); /* Namespace, Function */
    skn_lsp_put_range(symbols->w, symbols->source, span);
    skn_json_key_str(symbols->w, "selectionRange");
    put_span(symbols->w, symbols->source, span);
    skn_json_object_end(symbols->w);
}

void skn_lsp_edit(struct skn_lsp_edits *edits, struct skn_span span)
{
    edits->count++;
    if (!edits->w) return;
    skn_json_object_begin(edits->w);
    skn_lsp_put_range(edits->w, edits->source, span);
    put_text(edits->w, "newText", edits->name);
    skn_json_object_end(edits->w);
}

/* A path as a URI: everything but letters, digits and a few signs is escaped. */
static void path_uri(struct skn_slice path, struct skn_buf *uri)
{
    skn_buf_put_str(uri, "file://");
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = path.ptr[i];
        bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                     (c != 0 && strchr("/-._~", c) != NULL);
        skn_buf_printf(uri, plain ? "%c" : "%%%02X", c);
    }
}

static void put_uri(struct skn_json_writer *w, struct skn_slice path)
{
    struct skn_buf uri;
    skn_buf_init(&uri, 1 << 16);
    path_uri(path, &uri);
    put_text(w, "uri", skn_buf_slice(&uri));
    skn_buf_fini(&uri);
}

static const struct skn_lsp_document *opened(const struct skn_lsp *lsp, struct skn_slice path)
{
    const struct skn_lsp_document *found = NULL;
    struct skn_arena arena;
    skn_arena_init(&arena);
    for (const struct skn_lsp_document *d = lsp->documents; d && !found; d = d->next)
        if (skn_slice_eq(skn_lsp_path(&arena, d->uri), path)) found = d;
    skn_arena_fini(&arena);
    return found;
}

bool skn_lsp_opened(const struct skn_lsp_text *text,
                    struct skn_slice path,
                    struct skn_slice *out_text)
{
    const struct skn_lsp_document *document = opened(text->lsp, path);
    if (document) *out_text = document->text;
    return document != NULL;
}

void skn_lsp_edit_file(struct skn_lsp_edits *edits,
                       struct skn_slice path,
                       const struct skn_source *source)
{
    edits->source = source;
    if (!edits->w) return;
    const struct skn_lsp_document *document = opened(edits->lsp, path);
    struct skn_buf uri; /* an editor knows a file by the name that it gave */
    skn_buf_init(&uri, 1 << 16);
    if (document)
        skn_buf_put(&uri, document->uri);
    else
        path_uri(path, &uri);
    skn_json_list_end(edits->w);
    skn_json_key(edits->w, skn_buf_slice(&uri));
    skn_json_list_begin(edits->w);
    skn_buf_fini(&uri);
}

static void complete(struct skn_lsp_request *r)
{
    struct skn_json_writer w;
    struct skn_buf body;
    const struct skn_lsp_language *l = r->document->language;
    skn_lsp_begin(r, &w, &body);
    skn_json_list_begin(&w);
    struct skn_lsp_items items = {.w = &w};
    if (l->complete) l->complete(l->ctx, &r->text, r->offset, &items);
    skn_json_list_end(&w);
    skn_lsp_end(r, &w, &body);
}

static void hover(struct skn_lsp_request *r)
{
    struct skn_json_writer w;
    struct skn_buf body, text;
    const struct skn_lsp_language *l = r->document->language;
    skn_buf_init(&text, HOVER_MAX);
    bool found = l->hover && l->hover(l->ctx, &r->text, r->offset, &text);
    skn_lsp_begin(r, &w, &body);
    if (found) {
        skn_json_object_begin(&w);
        skn_json_key_str(&w, "contents");
        skn_json_object_begin(&w);
        put_text(&w, "kind", SKN_LIT("markdown"));
        put_text(&w, "value", skn_buf_slice(&text));
        skn_json_object_end(&w);
        skn_json_object_end(&w);
    } else {
        skn_json_none(&w);
    }
    skn_lsp_end(r, &w, &body);
    skn_buf_fini(&text);
}

static void define(struct skn_lsp_request *r)
{
    struct skn_json_writer w;
    struct skn_buf body;
    struct skn_lsp_target target = {.path = {0}};
    const struct skn_lsp_language *l = r->document->language;
    bool found = l->define && l->define(l->ctx, &r->text, r->offset, &target);
    skn_lsp_begin(r, &w, &body);
    if (!found) {
        skn_json_none(&w);
    } else {
        skn_json_object_begin(&w);
        if (target.path.len > 0) {
            struct skn_source empty;
            enum skn_rc rc =
                skn_source_init(&empty, r->text.arena, SKN_LIT(""), (struct skn_slice){0});
            SKN_ASSERT(rc == SKN_OK);
            put_uri(&w, target.path);
            skn_lsp_put_range(&w, &empty, (struct skn_span){0, 0});
        } else {
            put_text(&w, "uri", r->document->uri);
            skn_lsp_put_range(&w, &r->source, target.span);
        }
        skn_json_object_end(&w);
    }
    skn_lsp_end(r, &w, &body);
}

static void prepare_rename(struct skn_lsp_request *r)
{
    struct skn_json_writer w;
    struct skn_buf body;
    struct skn_lsp_edits edits = {.source = &r->source, .lsp = r->lsp};
    const struct skn_lsp_language *l = r->document->language;
    const char *why =
        l->rename ? l->rename(l->ctx, &r->text, r->offset, (struct skn_slice){0}, &edits) : "";
    skn_lsp_begin(r, &w, &body);
    if (why) {
        skn_json_none(&w);
    } else {
        skn_json_object_begin(&w);
        skn_json_key_str(&w, "defaultBehavior");
        skn_json_bool(&w, true);
        skn_json_object_end(&w);
    }
    skn_lsp_end(r, &w, &body);
}

static void rename_all(struct skn_lsp_request *r)
{
    struct skn_json_writer w;
    struct skn_buf body;
    struct skn_value name = skn_lsp_member(r->params, "newName");
    const struct skn_lsp_language *l = r->document->language;
    struct skn_lsp_edits edits = {.source = &r->source, .lsp = r->lsp};
    if (skn_value_is(name, SKN_T_STRING)) edits.name = skn_value_as_text(name);
    const char *why = l->rename ? l->rename(l->ctx, &r->text, r->offset, edits.name, &edits)
                                : "nothing is renamed here";
    if (!why && edits.name.len == 0) why = "a new name is missing";
    if (why) {
        skn_lsp_fail(r, CANNOT, why);
        return;
    }
    skn_lsp_begin(r, &w, &body);
    edits.w = &w;
    edits.source = &r->source;
    skn_json_object_begin(&w);
    skn_json_key_str(&w, "changes");
    skn_json_object_begin(&w);
    skn_json_key(&w, r->document->uri);
    skn_json_list_begin(&w);
    why = l->rename(l->ctx, &r->text, r->offset, edits.name, &edits);
    SKN_ASSERT(why == NULL);
    skn_json_list_end(&w);
    skn_json_object_end(&w);
    skn_json_object_end(&w);
    skn_lsp_end(r, &w, &body);
}

static void outline(struct skn_lsp_request *r)
{
    struct skn_json_writer w;
    struct skn_buf body;
    const struct skn_lsp_language *l = r->document->language;
    skn_lsp_begin(r, &w, &body);
    skn_json_list_begin(&w);
    struct skn_lsp_symbols symbols = {.w = &w, .source = &r->source};
    if (l->outline) l->outline(l->ctx, &r->text, &symbols);
    skn_json_list_end(&w);
    skn_lsp_end(r, &w, &body);
}

static void format(struct skn_lsp_request *r)
{
    struct skn_json_writer w;
    struct skn_buf body, text;
    const struct skn_lsp_language *l = r->document->language;
    skn_buf_init(&text, SKN_LSP_MESSAGE_MAX / 4);
    bool done = l->format && l->format(l->ctx, &r->text, &text);
    skn_lsp_begin(r, &w, &body);
    skn_json_list_begin(&w);
    if (done && !skn_slice_eq(skn_buf_slice(&text), r->source.text)) {
        skn_json_object_begin(&w);
        skn_lsp_put_range(&w, &r->source, (struct skn_span){0, (uint32_t)r->source.text.len});
        put_text(&w, "newText", skn_buf_slice(&text));
        skn_json_object_end(&w);
    }
    skn_json_list_end(&w);
    skn_lsp_end(r, &w, &body);
    skn_buf_fini(&text);
}

/* What `Did you mean "x"?` suggests, empty when a hint is none of these. */
static struct skn_slice suggestion_of(const char *hint)
{
    struct skn_slice text = skn_slice_str(hint), head = SKN_LIT("Did you mean \"");
    if (!skn_slice_has_prefix(text, head) || text.len < head.len + 3) return (struct skn_slice){0};
    return skn_slice(text.ptr + head.len, text.len - head.len - 2);
}

static void put_fix(struct skn_lsp_request *r,
                    struct skn_json_writer *w,
                    const struct skn_diag_entry *e,
                    struct skn_slice suggestion)
{
    bool quoted = e->span.start < e->span.end && r->source.text.ptr[e->span.start] == '"';
    const char *text =
        skn_arena_printf(r->text.arena, quoted ? "\"%.*s\"" : "%.*s", SKN_FMT(suggestion));
    skn_json_object_begin(w);
    put_text(w, "title", skn_slice_str(skn_arena_printf(r->text.arena, "Replace with %s", text)));
    put_text(w, "kind", SKN_LIT("quickfix"));
    skn_json_key_str(w, "diagnostics");
    skn_json_list_begin(w);
    put_diag(w, &r->source, e);
    skn_json_list_end(w);
    skn_json_key_str(w, "edit");
    skn_json_object_begin(w);
    skn_json_key_str(w, "changes");
    skn_json_object_begin(w);
    skn_json_key(w, r->document->uri);
    skn_json_list_begin(w);
    skn_json_object_begin(w);
    skn_lsp_put_range(w, &r->source, e->span);
    put_text(w, "newText", skn_slice_str(text));
    skn_json_object_end(w);
    skn_json_list_end(w);
    skn_json_object_end(w);
    skn_json_object_end(w);
    skn_json_object_end(w);
}

static uint32_t offset_of(struct skn_lsp_request *r, struct skn_value position)
{
    struct skn_value line = skn_lsp_member(position, "line");
    struct skn_value column = skn_lsp_member(position, "character");
    if (!skn_value_is(line, SKN_T_INT) || !skn_value_is(column, SKN_T_INT)) return 0;
    int64_t l = skn_value_as_int(line), c = skn_value_as_int(column);
    return skn_lsp_offset(
        &r->source, (struct skn_lsp_position){l < 0 ? 0 : (uint32_t)l, c < 0 ? 0 : (uint32_t)c});
}

static void fixes(struct skn_lsp_request *r)
{
    struct skn_json_writer w;
    struct skn_buf body;
    const struct skn_lsp_language *l = r->document->language;
    struct skn_value range = skn_lsp_member(r->params, "range");
    uint32_t start = offset_of(r, skn_lsp_member(range, "start"));
    uint32_t end = offset_of(r, skn_lsp_member(range, "end"));
    struct skn_diags *diags = skn_arena_zero(r->text.arena, 1, sizeof(*diags));
    skn_diags_init(diags, r->text.arena, &r->source);
    l->check(l->ctx, &r->text, diags);
    skn_lsp_begin(r, &w, &body);
    skn_json_list_begin(&w);
    for (uint32_t i = 0; i < diags->count; i++) {
        const struct skn_diag_entry *e = &diags->entries[i];
        struct skn_slice suggestion = suggestion_of(e->hint);
        if (suggestion.len > 0 && e->span.start <= end && e->span.end >= start)
            put_fix(r, &w, e, suggestion);
    }
    skn_json_list_end(&w);
    skn_lsp_end(r, &w, &body);
}

bool skn_lsp_ask(struct skn_lsp_request *r, struct skn_slice method)
{
    static const struct {
        const char *name;
        void (*fn)(struct skn_lsp_request *);
    } methods[] = {{"completion", complete},
                   {"hover", hover},
                   {"definition", define},
                   {"prepareRename", prepare_rename},
                   {"rename", rename_all},
                   {"documentSymbol", outline},
                   {"formatting", format},
                   {"codeAction", fixes}};
    struct skn_slice name = skn_slice_from(method, sizeof("textDocument/") - 1);
    for (size_t i = 0; i < SKN_ARRAY_LEN(methods); i++) {
        if (!skn_slice_eq(name, skn_slice_str(methods[i].name))) continue;
        methods[i].fn(r);
        return true;
    }
    return false;
}
