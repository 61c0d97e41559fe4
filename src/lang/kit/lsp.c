/* lsp.c - frames, requests and documents of the language server. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/utf8.h"
#include "lang/kit/lsp_internal.h"

#include "base/pure.h" /* last */

/* Codes of JSON-RPC and of the protocol. */
enum {
    PARSE_ERROR = -32700,
    INVALID_REQUEST = -32600,
    NO_SUCH_METHOD = -32601,
    INVALID_PARAMS = -32602,
    NOT_INITIALIZED = -32002,
};

enum { HEADER_MAX = 4096 };

struct skn_lsp *skn_lsp_create(const struct skn_lsp_language *const *languages, size_t count)
{
    struct skn_lsp *lsp = skn_alloc_zero(1, sizeof(*lsp));
    lsp->languages = languages;
    lsp->language_count = count;
    skn_buf_init(&lsp->in, (size_t)SKN_LSP_MESSAGE_MAX + HEADER_MAX + 65536);
    skn_arena_init(&lsp->arena);
    return lsp;
}

static void drop(struct skn_lsp_document *document)
{
    skn_free((void *)(uintptr_t)document->uri.ptr);
    skn_free((void *)(uintptr_t)document->text.ptr);
    skn_free(document);
}

void skn_lsp_destroy(struct skn_lsp *lsp)
{
    if (!lsp) return;
    while (lsp->documents) {
        struct skn_lsp_document *document = lsp->documents;
        lsp->documents = document->next;
        drop(document);
    }
    skn_buf_fini(&lsp->in);
    skn_arena_fini(&lsp->arena);
    skn_free(lsp);
}

bool skn_lsp_has_ended(const struct skn_lsp *lsp, int *out_exit_code)
{
    *out_exit_code = lsp->is_shut_down ? 0 : 1;
    return lsp->has_ended;
}

struct skn_value skn_lsp_member(struct skn_value map, const char *key)
{
    struct skn_value v = skn_value_none();
    if (skn_value_is(map, SKN_T_MAP)) (void)skn_map_get(map, skn_slice_str(key), &v);
    return v;
}

static struct skn_slice text_of(struct skn_value map, const char *key)
{
    struct skn_value v = skn_lsp_member(map, key);
    return skn_value_is(v, SKN_T_STRING) ? skn_value_as_text(v) : (struct skn_slice){0};
}

void skn_lsp_put_message(struct skn_buf *out, struct skn_slice body)
{
    skn_buf_printf(out, "Content-Length: %zu\r\n\r\n", body.len);
    skn_buf_put(out, body);
}

void skn_lsp_begin(struct skn_lsp_request *r, struct skn_json_writer *w, struct skn_buf *body)
{
    skn_buf_init(body, SKN_LSP_MESSAGE_MAX);
    skn_json_begin(w, body, SKN_JSON_PLAIN);
    skn_json_object_begin(w);
    skn_json_key_str(w, "jsonrpc");
    skn_json_str(w, "2.0");
    skn_json_key_str(w, "id");
    skn_json_value(w, r->id);
    skn_json_key_str(w, "result");
}

void skn_lsp_end(struct skn_lsp_request *r, struct skn_json_writer *w, struct skn_buf *body)
{
    skn_json_object_end(w);
    bool good = skn_json_end(w, NULL) == SKN_OK;
    if (good) skn_lsp_put_message(r->out, skn_buf_slice(body));
    skn_buf_fini(body);
    if (!good) skn_lsp_fail(r, INVALID_REQUEST, "the answer is too large");
}

void skn_lsp_fail(struct skn_lsp_request *r, int code, const char *message)
{
    struct skn_buf body;
    struct skn_json_writer w;
    skn_buf_init(&body, 1 << 16);
    skn_json_begin(&w, &body, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    skn_json_key_str(&w, "jsonrpc");
    skn_json_str(&w, "2.0");
    skn_json_key_str(&w, "id");
    skn_json_value(&w, r->id);
    skn_json_key_str(&w, "error");
    skn_json_object_begin(&w);
    skn_json_key_str(&w, "code");
    skn_json_int(&w, code);
    skn_json_key_str(&w, "message");
    skn_json_any_text(&w, skn_slice_str(message));
    skn_json_object_end(&w);
    skn_json_object_end(&w);
    if (skn_json_end(&w, NULL) == SKN_OK) skn_lsp_put_message(r->out, skn_buf_slice(&body));
    skn_buf_fini(&body);
}

static uint32_t hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - (uint32_t)'0';
    uint8_t lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - (uint32_t)'a' + 10 : 16;
}

struct skn_slice skn_lsp_path(struct skn_arena *arena, struct skn_slice uri)
{
    struct skn_slice prefix = SKN_LIT("file://");
    if (!skn_slice_has_prefix(uri, prefix)) return (struct skn_slice){0};
    struct skn_slice rest = skn_slice_from(uri, prefix.len);
    uint8_t *path = skn_arena_alloc(arena, rest.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < rest.len; i++) {
        uint32_t high = rest.ptr[i] == '%' && i + 2 < rest.len ? hex_digit(rest.ptr[i + 1]) : 16;
        uint32_t low = high < 16 ? hex_digit(rest.ptr[i + 2]) : 16;
        bool is_escape = high < 16 && low < 16;
        path[len++] = is_escape ? (uint8_t)(high << 4 | low) : rest.ptr[i];
        if (is_escape) i += 2;
    }
    path[len] = 0;
    return skn_slice(path, len);
}

static struct skn_lsp_document *find(struct skn_lsp *lsp, struct skn_slice uri)
{
    struct skn_lsp_document *at = lsp->documents;
    while (at && !skn_slice_eq(at->uri, uri))
        at = at->next;
    return at;
}

static const struct skn_lsp_language *language_of(const struct skn_lsp *lsp, struct skn_slice uri)
{
    for (size_t i = 0; i < lsp->language_count; i++) {
        struct skn_slice ending = skn_slice_str(lsp->languages[i]->ending);
        if (uri.len >= ending.len &&
            skn_slice_eq(skn_slice_from(uri, uri.len - ending.len), ending))
            return lsp->languages[i];
    }
    return NULL;
}

/* The new text of a document, which is opened when it is not. */
static void put_text(struct skn_lsp_request *r, struct skn_slice uri, struct skn_slice text)
{
    struct skn_lsp_document *document = find(r->lsp, uri);
    if (text.len > SKN_SOURCE_BYTES_MAX || uri.len == 0) return;
    if (!document) {
        if (r->lsp->document_count == SKN_LSP_DOCUMENTS_MAX) return;
        document = skn_alloc_zero(1, sizeof(*document));
        document->uri = skn_slice(skn_dup(uri.ptr, uri.len), uri.len);
        document->language = language_of(r->lsp, uri);
        document->next = r->lsp->documents;
        r->lsp->documents = document;
        r->lsp->document_count++;
    }
    skn_free((void *)(uintptr_t)document->text.ptr);
    document->text = skn_slice(skn_dup(text.ptr ? (const char *)text.ptr : "", text.len), text.len);
    skn_lsp_publish(r->lsp, document, r->out);
}

static void did_change(struct skn_lsp_request *r, struct skn_slice uri)
{
    /* Whole texts are asked for: the last one counts. */
    struct skn_value changes = skn_lsp_member(r->params, "contentChanges");
    struct skn_value change, last = skn_value_none();
    struct skn_value_iter iter = skn_value_iter(changes);
    while (skn_value_is(changes, SKN_T_LIST) && skn_value_next(&iter, NULL, &change))
        last = change;
    if (find(r->lsp, uri) && skn_value_is(skn_lsp_member(last, "text"), SKN_T_STRING))
        put_text(r, uri, text_of(last, "text"));
}

static void did_close(struct skn_lsp_request *r, struct skn_slice uri)
{
    struct skn_lsp_document **link = &r->lsp->documents;
    while (*link && !skn_slice_eq((*link)->uri, uri))
        link = &(*link)->next;
    if (!*link) return;
    struct skn_lsp_document *document = *link;
    *link = document->next;
    r->lsp->document_count--;
    drop(document);
}

/* Something outside has changed: other texts may be right or wrong now. */
static void recheck(struct skn_lsp *lsp, struct skn_buf *out)
{
    for (struct skn_lsp_document *at = lsp->documents; at; at = at->next)
        skn_lsp_publish(lsp, at, out);
}

static void notice(struct skn_lsp_request *r, struct skn_slice method)
{
    struct skn_value document = skn_lsp_member(r->params, "textDocument");
    struct skn_slice uri = text_of(document, "uri");
    if (skn_slice_eq(method, SKN_LIT("exit"))) {
        r->lsp->has_ended = true;
    } else if (skn_slice_eq(method, SKN_LIT("textDocument/didOpen"))) {
        put_text(r, uri, text_of(document, "text"));
    } else if (skn_slice_eq(method, SKN_LIT("textDocument/didChange"))) {
        did_change(r, uri);
    } else if (skn_slice_eq(method, SKN_LIT("textDocument/didClose"))) {
        did_close(r, uri);
    } else if (skn_slice_eq(method, SKN_LIT("textDocument/didSave")) ||
               skn_slice_eq(method, SKN_LIT("workspace/didChangeWatchedFiles"))) {
        recheck(r->lsp, r->out);
    }
}

static void initialize(struct skn_lsp_request *r)
{
    static const char *const able[] = {"hoverProvider",
                                       "definitionProvider",
                                       "documentSymbolProvider",
                                       "documentFormattingProvider",
                                       "codeActionProvider"};
    struct skn_json_writer w;
    struct skn_buf body;
    r->lsp->is_initialized = true;
    skn_lsp_begin(r, &w, &body);
    skn_json_object_begin(&w);
    skn_json_key_str(&w, "capabilities");
    skn_json_object_begin(&w);
    skn_json_key_str(&w, "textDocumentSync");
    skn_json_int(&w, 1); /* whole texts */
    for (size_t i = 0; i < SKN_ARRAY_LEN(able); i++) {
        skn_json_key_str(&w, able[i]);
        skn_json_bool(&w, true);
    }
    skn_json_key_str(&w, "renameProvider");
    skn_json_object_begin(&w);
    skn_json_key_str(&w, "prepareProvider");
    skn_json_bool(&w, true);
    skn_json_object_end(&w);
    skn_json_key_str(&w, "completionProvider");
    skn_json_object_begin(&w);
    skn_json_key_str(&w, "triggerCharacters");
    skn_json_list_begin(&w);
    for (const char *c = "@[,=(<"; *c; c++)
        skn_json_string(&w, skn_slice(c, 1));
    skn_json_list_end(&w);
    skn_json_object_end(&w);
    skn_json_object_end(&w);
    skn_json_key_str(&w, "serverInfo");
    skn_json_object_begin(&w);
    skn_json_key_str(&w, "name");
    skn_json_str(&w, "skein");
    skn_json_object_end(&w);
    skn_json_object_end(&w);
    skn_lsp_end(r, &w, &body);
}

static void answer_null(struct skn_lsp_request *r)
{
    struct skn_json_writer w;
    struct skn_buf body;
    skn_lsp_begin(r, &w, &body);
    skn_json_none(&w);
    skn_lsp_end(r, &w, &body);
}

/* The document of a request, and the place in it that is asked about. */
static bool find_text(struct skn_lsp_request *r)
{
    struct skn_slice uri = text_of(skn_lsp_member(r->params, "textDocument"), "uri");
    r->document = find(r->lsp, uri);
    if (!r->document || !r->document->language) return false;
    r->text.arena = &r->lsp->arena;
    r->text.path = skn_lsp_path(&r->lsp->arena, uri);
    r->text.lsp = r->lsp;
    r->text.source = &r->source;
    if (skn_source_init(&r->source, &r->lsp->arena, r->text.path, r->document->text) != SKN_OK)
        return false;
    struct skn_value position = skn_lsp_member(r->params, "position");
    struct skn_value line = skn_lsp_member(position, "line");
    struct skn_value column = skn_lsp_member(position, "character");
    if (!skn_value_is(line, SKN_T_INT) || !skn_value_is(column, SKN_T_INT)) return true;
    int64_t l = skn_value_as_int(line), c = skn_value_as_int(column);
    struct skn_lsp_position at = {l < 0 || l > UINT32_MAX ? 0 : (uint32_t)l,
                                  c < 0 || c > UINT32_MAX ? 0 : (uint32_t)c};
    r->offset = skn_lsp_offset(&r->source, at);
    return true;
}

static void ask(struct skn_lsp_request *r, struct skn_slice method)
{
    if (skn_slice_eq(method, SKN_LIT("initialize"))) {
        initialize(r);
    } else if (!r->lsp->is_initialized) {
        skn_lsp_fail(r, NOT_INITIALIZED, "initialize comes first");
    } else if (r->lsp->is_shut_down) {
        skn_lsp_fail(r, INVALID_REQUEST, "the server was shut down");
    } else if (skn_slice_eq(method, SKN_LIT("shutdown"))) {
        r->lsp->is_shut_down = true;
        answer_null(r);
    } else if (!skn_slice_has_prefix(method, SKN_LIT("textDocument/"))) {
        skn_lsp_fail(r, NO_SUCH_METHOD, "there is no such method");
    } else if (!find_text(r)) {
        skn_lsp_fail(r, INVALID_PARAMS, "this text is not open");
    } else if (!skn_lsp_ask(r, method)) {
        skn_lsp_fail(r, NO_SUCH_METHOD, "there is no such method");
    }
}

static void handle(struct skn_lsp *lsp, struct skn_slice body, struct skn_buf *out)
{
    struct skn_buf value;
    struct skn_lsp_request r = {.lsp = lsp, .out = out, .id = skn_value_none()};
    skn_buf_init(&value, 4 * (size_t)SKN_LSP_MESSAGE_MAX);
    if (skn_json_parse(body, NULL, &value, NULL) != SKN_OK) {
        skn_lsp_fail(&r, PARSE_ERROR, "this is not JSON");
    } else {
        struct skn_value message = skn_value_view(skn_buf_slice(&value));
        struct skn_value method = skn_lsp_member(message, "method");
        r.id = skn_lsp_member(message, "id");
        r.params = skn_lsp_member(message, "params");
        bool has_id = skn_value_is(r.id, SKN_T_INT) || skn_value_is(r.id, SKN_T_STRING);
        if (!has_id) r.id = skn_value_none();
        if (!skn_value_is(method, SKN_T_STRING)) {
            skn_lsp_fail(&r, INVALID_REQUEST, "a method is missing");
        } else if (has_id) {
            ask(&r, skn_value_as_text(method));
        } else {
            notice(&r, skn_value_as_text(method));
        }
    }
    skn_buf_fini(&value);
    skn_arena_reset(&lsp->arena);
}

/* The length that a header gives, and where its body begins; 0 while it is not whole. SKN_ECORRUPT:
 * it is none. */
static enum skn_rc read_header(struct skn_slice bytes, size_t *out_begin, size_t *out_len)
{
    static const char name[] = "content-length:";
    size_t len = SIZE_MAX;
    *out_begin = 0;
    for (size_t at = 0; at < bytes.len;) {
        const uint8_t *end = memchr(bytes.ptr + at, '\n', bytes.len - at);
        if (!end) return bytes.len > HEADER_MAX ? SKN_ECORRUPT : SKN_OK;
        size_t stop = (size_t)(end - bytes.ptr);
        size_t width = stop - at - (stop > at && bytes.ptr[stop - 1] == '\r');
        if (width == 0) {
            if (len > SKN_LSP_MESSAGE_MAX) return SKN_ECORRUPT;
            *out_begin = stop + 1;
            *out_len = len;
            return SKN_OK;
        }
        size_t same = 0;
        while (same < sizeof(name) - 1 && same < width &&
               (bytes.ptr[at + same] | (name[same] >= 'a' ? 0x20 : 0)) == (uint8_t)name[same])
            same++;
        if (same == sizeof(name) - 1) {
            len = 0;
            for (size_t i = at + same; i < at + width; i++) {
                uint8_t c = bytes.ptr[i];
                if (c == ' ' || c == '\t') continue;
                if (c < '0' || c > '9' || len > SKN_LSP_MESSAGE_MAX) return SKN_ECORRUPT;
                len = len * 10 + (size_t)(c - '0');
            }
        }
        at = stop + 1;
        if (at > HEADER_MAX) return SKN_ECORRUPT;
    }
    return SKN_OK;
}

enum skn_rc skn_lsp_feed(struct skn_lsp *lsp, struct skn_slice bytes, struct skn_buf *out)
{
    size_t done = 0;
    skn_buf_put(&lsp->in, bytes);
    if (skn_buf_rc(&lsp->in) != SKN_OK) return SKN_ECORRUPT;
    while (!lsp->has_ended && done < lsp->in.len) {
        size_t begin = 0, len = 0;
        struct skn_slice rest = skn_slice_from(skn_buf_slice(&lsp->in), done);
        if (read_header(rest, &begin, &len) != SKN_OK) return SKN_ECORRUPT;
        if (begin == 0 || rest.len - begin < len) break;
        handle(lsp, skn_slice(rest.ptr + begin, len), out);
        done += begin + len;
    }
    if (done > 0) memmove(lsp->in.ptr, lsp->in.ptr + done, lsp->in.len - done);
    lsp->in.len -= done;
    return SKN_OK;
}
