/* lsp_internal.h - what the parts of the server share: documents, requests, and what is collected.
 *
 * Owns        nothing.
 * May include base, value, lang/kit.
 * Threads     none.
 */
#pragma once

#include "lang/kit/lsp.h"
#include "value/json.h"

struct skn_lsp_document {
    struct skn_slice uri; /* owned, as the text */
    struct skn_slice text;
    const struct skn_lsp_language *language; /* NULL: of no use here */
    struct skn_lsp_document *next;
};

struct skn_lsp {
    const struct skn_lsp_language *const *languages;
    size_t language_count;
    struct skn_lsp_document *documents;
    uint32_t document_count;
    struct skn_buf in;      /* bytes of a message that is not whole */
    struct skn_arena arena; /* of one message */
    bool is_initialized;
    bool is_shut_down;
    bool has_ended;
};

/* One request while it is answered. */
struct skn_lsp_request {
    struct skn_lsp *lsp;
    struct skn_buf *out;
    struct skn_value id; /* none for a notification */
    struct skn_value params;
    struct skn_lsp_document *document;
    struct skn_source source; /* of the document */
    struct skn_lsp_text text;
    uint32_t offset; /* of `position`, when there is one */
};

struct skn_lsp_items {
    struct skn_json_writer *w;
    uint32_t count;
};

struct skn_lsp_symbols {
    struct skn_json_writer *w;
    const struct skn_source *source;
};

struct skn_lsp_edits {
    struct skn_json_writer *w; /* NULL: only counted */
    const struct skn_source *source;
    struct skn_slice name;
    uint32_t count;
    const struct skn_lsp *lsp;
};

/* A member, or none. */
struct skn_value skn_lsp_member(struct skn_value map, const char *key);

/* "range": of a span. */
void skn_lsp_put_range(struct skn_json_writer *w,
                       const struct skn_source *source,
                       struct skn_span span);

/* Appends a message with its frame: `body` is whole JSON. */
void skn_lsp_put_message(struct skn_buf *out, struct skn_slice body);

/* Begins the answer to a request in `body`, up to its "result"; end writes the message. */
void skn_lsp_begin(struct skn_lsp_request *r, struct skn_json_writer *w, struct skn_buf *body);
void skn_lsp_end(struct skn_lsp_request *r, struct skn_json_writer *w, struct skn_buf *body);
void skn_lsp_fail(struct skn_lsp_request *r, int code, const char *message);

/* Publishes what is wrong with a document. */
void skn_lsp_publish(struct skn_lsp *lsp, struct skn_lsp_document *document, struct skn_buf *out);

/* Answers a request about a text; false: there is no such method. */
bool skn_lsp_ask(struct skn_lsp_request *r, struct skn_slice method);

/* The path of a file URI, percent signs decoded, NUL behind it; empty for any other. */
struct skn_slice skn_lsp_path(struct skn_arena *arena, struct skn_slice uri);
