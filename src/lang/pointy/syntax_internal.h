/* syntax_internal.h - the tree of a text as it was written, whole grammar, nothing judged yet; and every
 * byte of the text, as tokens with the blanks and comments before them.
 *
 * Owns        its arrays (skn_syntax_fini). Everything is an index; texts are spans of the source.
 * May include base, lang/kit.
 * Threads     none: a tree belongs to one compilation.
 * Invariants
 *   1. Bodies, steps, units and branches have the same ids that the graph will have.
 *   2. The options of a unit stand together in `options`, those of a list literal behind it.
 *   3. Where a unit is missing stands one of kind SKN_SYN_BAD, and an error was reported.
 *   4. The tokens of any text, with what stands before each, are the text, byte for byte; the last is
 *      the end. What a node spans begins and ends where tokens do.
 */
#pragma once

#include "lang/kit/diags.h"
#include "lang/pointy/lex_internal.h"
#include "lang/pointy/pointy.h"

/* More than anybody writes; quadratic checks stay cheap below them. */
enum {
    SKN_OPTIONS_MAX = 256,
    SKN_BRANCHES_MAX = 64,
    SKN_FIELDS_MAX = 256,
    SKN_LISTS_MAX = 64,
    SKN_STARTS_MAX = 1024,
    SKN_OUTCOMES_MAX = 256,
    SKN_RETRY_ON_MAX = 65536, /* bytes, as a policy of the core takes them */
};

enum skn_syn_kind { SKN_SYN_EVENT, SKN_SYN_CALL, SKN_SYN_GROUP, SKN_SYN_BAD };

enum skn_literal_kind {
    SKN_LITERAL_STRING,
    SKN_LITERAL_INT,
    SKN_LITERAL_FLOAT,
    SKN_LITERAL_BOOL,
    SKN_LITERAL_DURATION,
    SKN_LITERAL_SIZE,
    SKN_LITERAL_LIST,
    SKN_LITERAL_BAD, /* reported */
};

struct skn_literal {
    uint64_t number; /* milliseconds, bytes, 0 or 1; an int as two's complement */
    struct skn_span span;
    uint32_t end; /* index behind what is inside a list; own index + 1 otherwise */
    enum skn_literal_kind kind;
};

struct skn_syn_event {
    struct skn_span source; /* empty without one */
    struct skn_span name;
    struct skn_span version; /* empty without one */
};

struct skn_syn_option {
    struct skn_span name;
    uint32_t literal;
};

struct skn_syn_body {
    uint32_t owner;
    uint32_t first_step;
    uint32_t last_step;
    uint32_t step_count : 30;
    uint32_t kind : 2; /* enum skn_graph_body_kind */
};

struct skn_syn_step {
    uint32_t body;
    uint32_t next;
    uint32_t first_unit;
    uint32_t unit_count : 31;
    uint32_t piped : 1;
};

/* A text may have a million of these, with a step each: 52 bytes together. What can be read off the text again, such as the
 * parts of an event's name (skn_syn_event_of), is not kept. */
struct skn_syn_unit {
    struct skn_span span; /* the event as written, or the opening bracket */
    uint32_t step;
    uint32_t next;
    uint32_t body;
    uint32_t attempts; /* 0: no `* N` */
    uint32_t first_option;
    uint32_t first_branch;
    uint16_t option_count; /* at most SKN_OPTIONS_MAX */
    uint8_t branch_count;  /* at most SKN_BRANCHES_MAX + 1 */
    uint8_t kind : 5;      /* enum skn_syn_kind */
    bool has_attempts : 1; /* even a malformed one */
    bool has_options : 1;
    bool has_branches : 1;
};

static_assert(sizeof(struct skn_syn_unit) + sizeof(struct skn_syn_step) <= 52, "a million fit");

struct skn_syn_branch {
    uint32_t unit : 31;
    uint32_t piped : 1;
    uint32_t next;
    uint32_t body;
    struct skn_span outcome; /* empty when it was malformed and reported */
};

struct skn_syn_input {
    struct skn_span name;
    struct skn_span type;
    bool optional;
    uint32_t literal; /* of the default, or SKN_GRAPH_NONE */
};

/* A directive besides @input, as far as it is well formed. */
struct skn_syn_directive {
    struct skn_span at; /* "@name"; empty when it is not given */
    struct skn_span value;
};

/* Any directive, in the order of the text; for the layout. */
struct skn_syn_head {
    uint32_t at; /* of its "@" */
    struct skn_span name;
    struct skn_span value;
};

/* In the order in which they are printed. */
enum skn_directive {
    SKN_DIRECTIVE_INPUT,
    SKN_DIRECTIVE_TIMEOUT,
    SKN_DIRECTIVE_RECURSIVE_DEPTH,
    SKN_DIRECTIVE_VERSION,
    SKN_DIRECTIVE_DESCRIPTION,
    SKN_DIRECTIVE_SCOPE,
    SKN_DIRECTIVE_ON_FAILURE,
    SKN_DIRECTIVE_CONCURRENCY,
    SKN_DIRECTIVE_CONCURRENCY_KEY,
    SKN_DIRECTIVE_SCHEDULE,
    SKN_DIRECTIVE_KEEP,
    SKN_DIRECTIVE_MODE,
    SKN_DIRECTIVE_COUNT,
};

struct skn_syntax {
    struct skn_syn_body *bodies;
    uint32_t body_count, body_cap;
    struct skn_syn_step *steps;
    uint32_t step_count, step_cap;
    struct skn_syn_unit *units;
    uint32_t unit_count, unit_cap;
    struct skn_syn_branch *branches;
    uint32_t branch_count, branch_cap;
    struct skn_syn_option *options;
    uint32_t option_count, option_cap;
    struct skn_literal *literals;
    uint32_t literal_count, literal_cap;
    struct skn_syn_input *inputs;
    uint32_t input_count, input_cap;
    struct skn_syn_head *heads;
    uint32_t head_count, head_cap;
    /* The tokens, packed, about three bytes for two of them: a byte with the kind (5 bits) and how many
     * bytes stand before it (3 bits; 7: 7 and the number that follows), then for a kind whose text is
     * not always as long the number of its bytes. Numbers are 7 bits a byte, the lowest first, and the
     * high bit says that more follow. */
    uint8_t *tokens;
    uint32_t token_bytes, token_cap;
    uint64_t timeout_ms; /* @timeout, 0 = none */
    struct skn_syn_directive directives[SKN_DIRECTIVE_COUNT];
    struct skn_syn_event on_failure;
    uint32_t concurrency_key; /* its literal, or SKN_GRAPH_NONE */
    const char *not_yet;      /* a directive that no run can do yet, or NULL */
};

/* The parts of the name of an event or call; all empty for any other unit. Of what was reported as
 * malformed nothing is in it. */
struct skn_syn_event skn_syn_event_of(const struct skn_source *source,
                                      const struct skn_syn_unit *unit);

/* Parses all of the source of `diags` and reports what is malformed; the tree is whole either
 * way. */
void skn_syntax_parse(struct skn_syntax *syntax, struct skn_diags *diags);
void skn_syntax_fini(struct skn_syntax *syntax);

/* Frees all but the tokens; and the tokens alone, where only nodes are looked at. */
void skn_syntax_drop_nodes(struct skn_syntax *syntax);
void skn_syntax_drop_tokens(struct skn_syntax *syntax);

/* A token in its place: [before, span.start) are the blanks and comments before it. */
struct skn_syn_token {
    enum skn_token_kind kind;
    uint32_t before;
    struct skn_span span;
};

/* A walk over the tokens from the first on; a copy of it looks ahead. */
struct skn_syn_walk {
    const struct skn_syntax *syntax;
    uint32_t at;  /* in `tokens` */
    uint32_t end; /* behind the last token, in the text */
};

struct skn_syn_walk skn_syn_walk(const struct skn_syntax *syntax);

/* The next token; behind the end, the end again. */
struct skn_syn_token skn_syn_next(struct skn_syn_walk *walk);

/* For the parser: adds a token of `len` bytes behind `before` bytes of blanks and comments. */
void skn_syn_push(struct skn_syntax *syntax,
                  enum skn_token_kind kind,
                  uint32_t before,
                  uint32_t len);
