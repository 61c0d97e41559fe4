/* lsp.h - a language server: the protocol, its documents and positions; what a text means is asked of
 * a language.
 *
 * Owns        the open documents. The host owns files and descriptors: bytes in, bytes out.
 * May include base, value, lang/kit.
 * Threads     none: a server belongs to whoever feeds it.
 * Invariants
 *   1. Every request gets exactly one answer, in the order of the requests; a notification none.
 *   2. Positions outside a text mean its nearest end. Columns are UTF-16 units, as the protocol says.
 *   3. After shutdown every request is refused; after exit nothing is answered.
 *
 * Written after the Language Server Protocol 3.17; documents are synchronised whole.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"
#include "lang/kit/diags.h"
#include "lang/kit/source.h"

#define SKN_LSP_MESSAGE_MAX   (UINT32_C(64) << 20) /* bytes of one message */
#define SKN_LSP_DOCUMENTS_MAX 1000

struct skn_lsp;

/* A text that is open, as a language gets it. */
struct skn_lsp_text {
    struct skn_arena *arena; /* dies with the answer */
    struct skn_slice path;   /* of its file; NUL behind it */
    const struct skn_source *source;
    const struct skn_lsp *lsp; /* for skn_lsp_opened */
};

enum skn_lsp_kind { SKN_LSP_EVENT, SKN_LSP_KEYWORD, SKN_LSP_OPTION, SKN_LSP_VALUE };

/* What a language adds to while it completes: label, kind, one line about it. */
struct skn_lsp_items;
void skn_lsp_item(struct skn_lsp_items *items,
                  struct skn_slice label,
                  enum skn_lsp_kind kind,
                  struct skn_slice detail);

/* What it adds to an outline: a name and the span of it. `is_group` holds others. */
struct skn_lsp_symbols;
void skn_lsp_symbol(struct skn_lsp_symbols *symbols,
                    struct skn_slice name,
                    struct skn_span span,
                    bool is_group);

/* What it adds to a rename: a place where the new name goes. */
struct skn_lsp_edits;
void skn_lsp_edit(struct skn_lsp_edits *edits, struct skn_span span);

/* The places that follow are in another file, each file once; `source` lives as long as the answer. */
void skn_lsp_edit_file(struct skn_lsp_edits *edits,
                       struct skn_slice path,
                       const struct skn_source *source);

/* The text of a file as the editor has it; false: it is not open. */
bool skn_lsp_opened(const struct skn_lsp_text *text,
                    struct skn_slice path,
                    struct skn_slice *out_text);

struct skn_lsp_target {
    struct skn_slice path; /* empty: the same text */
    struct skn_span span;  /* in the same text */
};

/* Any but `check` may be NULL: the language does not do that. */
struct skn_lsp_language {
    const char *ending; /* of its files, ".pty" */
    void *ctx;
    void (*check)(void *ctx, const struct skn_lsp_text *text, struct skn_diags *diags);
    void (*complete)(void *ctx,
                     const struct skn_lsp_text *text,
                     uint32_t offset,
                     struct skn_lsp_items *items);
    /* Markdown about what stands there; false: nothing. */
    bool (*hover)(void *ctx, const struct skn_lsp_text *text, uint32_t offset, struct skn_buf *out);
    bool (*define)(void *ctx,
                   const struct skn_lsp_text *text,
                   uint32_t offset,
                   struct skn_lsp_target *out_target);
    /* NULL when all places are added, else why it cannot be. With an empty name: whether it could. */
    const char *(*rename)(void *ctx,
                          const struct skn_lsp_text *text,
                          uint32_t offset,
                          struct skn_slice name,
                          struct skn_lsp_edits *edits);
    void (*outline)(void *ctx, const struct skn_lsp_text *text, struct skn_lsp_symbols *symbols);
    /* False: the text is malformed and stays as it is. */
    bool (*format)(void *ctx, const struct skn_lsp_text *text, struct skn_buf *out);
};

/* Borrows the languages. */
struct skn_lsp *skn_lsp_create(const struct skn_lsp_language *const *languages, size_t count);
void skn_lsp_destroy(struct skn_lsp *lsp);

/* Takes bytes as they come and appends the answers, framed. SKN_ECORRUPT: what comes is no message,
 * and the connection is of no use any more. */
SKN_MUST_USE enum skn_rc
skn_lsp_feed(struct skn_lsp *lsp, struct skn_slice bytes, struct skn_buf *out);

/* Whether exit came, and the exit code that the protocol wants: 0 after shutdown, else 1. */
bool skn_lsp_has_ended(const struct skn_lsp *lsp, int *out_exit_code);

/* Lines and columns of the protocol count from 0. */
struct skn_lsp_position {
    uint32_t line;
    uint32_t column;
};

struct skn_lsp_position skn_lsp_position(const struct skn_source *source, uint32_t offset);
uint32_t skn_lsp_offset(const struct skn_source *source, struct skn_lsp_position position);
