/* diags.h - what is wrong with a text: collected, in order, shown with the line and a caret.
 *
 * Owns        its entries, in the arena given at the start.
 * May include base, value, lang/kit.
 * Threads     none: a collection belongs to one compilation.
 * Invariants
 *   1. Entries are in order of place; equal places keep the order of their adding.
 *   2. At most SKN_DIAGS_MAX are kept, the earliest of the file; an error is never dropped for a
 *      warning. `errors`, `warnings` and `not_yet` count the dropped ones too.
 *   3. The same text at the same span is kept once.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "lang/kit/codes.h"
#include "lang/kit/source.h"
#include "value/json.h"

enum { SKN_DIAGS_MAX = 50, SKN_DIAG_ARGS_MAX = 4 };

struct skn_diag_entry {
    enum skn_code code;
    struct skn_span span;
    const char *text;
    const char *hint; /* what to do; that "skein explain" says more when there is no other */
};

struct skn_diags {
    struct skn_arena *arena;
    const struct skn_source *source;
    struct skn_diag_entry entries[SKN_DIAGS_MAX];
    uint32_t count;
    uint32_t errors;   /* all errors, those of SKN_CODE_NOT_YET too */
    uint32_t warnings; /* all warnings */
    uint32_t not_yet;  /* of the errors: legal text that is not built yet */
};

/* Borrows both until the entries are dead. */
void skn_diags_init(struct skn_diags *diags,
                    struct skn_arena *arena,
                    const struct skn_source *source);

/* What fills {1} to {4} in the catalogue's text and hint. */
struct skn_diag_args {
    struct skn_slice at[SKN_DIAG_ARGS_MAX];
};

/* Adds one entry. An argument is shown with its control characters escaped, cut at 120 characters.
 * In place of a hint that names an empty argument stands that "skein explain" says more. */
void skn_diags_add(struct skn_diags *diags,
                   enum skn_code code,
                   struct skn_span span,
                   struct skn_diag_args args);

#define SKN_DIAG_ARGS(...) ((struct skn_diag_args){{__VA_ARGS__}})

/* SKN_OK without errors; SKN_ENOTYET when all errors are legal text that is not built yet;
 * SKN_ESYNTAX otherwise. */
SKN_MUST_USE enum skn_rc skn_diags_rc(const struct skn_diags *diags);

/* "flow.pty:3:14: error[SKN-P031]: ..", the line, the caret, the hint; at the end what was left out. */
void skn_diags_render(const struct skn_diags *diags, struct skn_buf *out);

/* One JSON array; members file line column end_line end_column severity code message hint. */
void skn_diags_write_json(const struct skn_diags *diags, struct skn_json_writer *w);

void skn_diags_check(const struct skn_diags *diags);
