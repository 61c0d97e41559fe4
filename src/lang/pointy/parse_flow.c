/* parse_flow.c - flows, steps, units, groups and branches: one loop over tokens with a stack of
 * what is open, so that no text can grow the machine's own stack. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/number.h"
#include "lang/pointy/parse_internal.h"

#include "base/pure.h" /* last */

enum frame_kind { FRAME_RUN, FRAME_PAREN, FRAME_BRACE, FRAME_BRANCHES };

/* What is open: the run itself, a group, or the branches of a unit. */
struct frame {
    enum frame_kind kind;
    struct skn_span opened;
    uint32_t body; /* that is being filled */
    uint32_t step;
    uint32_t unit; /* whose suffixes may follow, SKN_GRAPH_NONE before the first */
    uint32_t last_branch;
};

struct flow {
    struct skn_parser *p;
    uint32_t *seen;
    struct frame frames[SKN_GRAPH_DEPTH_MAX + 1];
    uint32_t depth;  /* index of the innermost frame */
    uint32_t prefix; /* attempts of `N *` before the unit that comes, 0 = none */
    bool has_prefix;
    bool is_full;  /* the limit of units was reported */
    bool too_deep; /* what is unclosed at the end may follow from skipping */
};

enum state { WANT_UNIT, AFTER_UNIT, DONE };

static struct frame *top(struct flow *f)
{
    return &f->frames[f->depth];
}

static uint32_t new_body(struct flow *f, enum skn_graph_body_kind kind, uint32_t owner)
{
    struct skn_syntax *t = f->p->tree;
    t->bodies = skn_parse_grow(t->bodies, t->body_count, &t->body_cap, sizeof(*t->bodies));
    t->bodies[t->body_count] = (struct skn_syn_body){
        .kind = kind, .owner = owner, .first_step = SKN_GRAPH_NONE, .last_step = SKN_GRAPH_NONE};
    return t->body_count++;
}

/* Appends a step to the body of the innermost frame. */
static void new_step(struct flow *f, bool piped)
{
    struct skn_syntax *t = f->p->tree;
    struct skn_syn_body *body = &t->bodies[top(f)->body];
    t->steps = skn_parse_grow(t->steps, t->step_count, &t->step_cap, sizeof(*t->steps));
    t->steps[t->step_count] = (struct skn_syn_step){.body = top(f)->body,
                                                    .next = SKN_GRAPH_NONE,
                                                    .first_unit = SKN_GRAPH_NONE,
                                                    .piped = piped ? 1 : 0};
    body->step_count++;
    if (body->last_step == SKN_GRAPH_NONE) {
        body->first_step = t->step_count;
    } else {
        t->steps[body->last_step].next = t->step_count;
    }
    body->last_step = t->step_count;
    top(f)->step = t->step_count++;
}

/* Appends a unit to the step of the innermost frame, with the attempts written before it. */
static uint32_t new_unit(struct flow *f, enum skn_syn_kind kind, struct skn_span span)
{
    struct skn_syntax *t = f->p->tree;
    struct skn_syn_step *step = &t->steps[top(f)->step];
    t->units = skn_parse_grow(t->units, t->unit_count, &t->unit_cap, sizeof(*t->units));
    t->units[t->unit_count] = (struct skn_syn_unit){.kind = (unsigned)kind & 31U,
                                                    .span = span,
                                                    .step = top(f)->step,
                                                    .next = SKN_GRAPH_NONE,
                                                    .body = SKN_GRAPH_NONE,
                                                    .attempts = f->prefix,
                                                    .has_attempts = f->has_prefix,
                                                    .first_option = t->option_count,
                                                    .first_branch = SKN_GRAPH_NONE};
    step->unit_count++;
    /* The frame's unit is the one before in this step, since a step begins without one. */
    if (step->first_unit == SKN_GRAPH_NONE) {
        step->first_unit = t->unit_count;
    } else {
        t->units[top(f)->unit].next = t->unit_count;
    }
    top(f)->unit = t->unit_count;
    f->prefix = 0;
    f->has_prefix = false;
    return t->unit_count++;
}

/* A chain that begins: of the run, of a group or of a branch. */
static void begin_body(struct flow *f, enum skn_graph_body_kind kind, uint32_t owner, bool piped)
{
    top(f)->body = new_body(f, kind, owner);
    top(f)->unit = SKN_GRAPH_NONE;
    new_step(f, piped);
}

/* Skips what is inside brackets that are too deep, by counting. */
static void skip_brackets(struct skn_parser *p)
{
    uint32_t depth = 0;
    do {
        if (p->token.kind == SKN_TOKEN_OPEN_PAREN || p->token.kind == SKN_TOKEN_OPEN_BRACE) depth++;
        if (p->token.kind == SKN_TOKEN_CLOSE_PAREN || p->token.kind == SKN_TOKEN_CLOSE_BRACE)
            depth--;
        skn_parse_advance(p);
    } while (depth > 0 && p->token.kind != SKN_TOKEN_END);
}

/* Opens a frame at the present bracket. False: too deep, reported, and skipped over. */
static bool push_frame(struct flow *f, enum frame_kind kind)
{
    struct skn_parser *p = f->p;
    if (f->depth == SKN_GRAPH_DEPTH_MAX) {
        skn_diags_add(p->diags,
                      SKN_CODE_TOO_DEEP,
                      p->token.span,
                      SKN_DIAG_ARGS(SKN_LIT("groups and branches"),
                                    SKN_LIT("256"),
                                    SKN_LIT("Move a part into a flow of its own.")));
        f->too_deep = true;
        skip_brackets(p);
        return false;
    }
    f->depth++;
    *top(f) = (struct frame){.kind = kind,
                             .opened = p->token.span,
                             .unit = SKN_GRAPH_NONE,
                             .last_branch = SKN_GRAPH_NONE};
    skn_parse_advance(p);
    return true;
}

/* The number of `* N` or `N *` at the present token; 0 when it is malformed and reported. */
static uint32_t parse_attempts(struct skn_parser *p)
{
    uint64_t n = 0;
    enum skn_number_result result = SKN_NUMBER_MALFORMED;
    if (p->token.kind == SKN_TOKEN_NUMBER)
        result = skn_number_whole(skn_parse_text(p, p->token.span), SKN_ATTEMPTS_MAX, &n);
    if (result != SKN_NUMBER_OK || n < 2) {
        n = 0;
        if (p->token.kind != SKN_TOKEN_BAD) {
            skn_diags_add(p->diags,
                          SKN_CODE_BAD_ATTEMPTS,
                          p->token.span,
                          SKN_DIAG_ARGS(skn_parse_shown(p, p->token)));
        }
    }
    if (p->token.kind == SKN_TOKEN_NUMBER || p->token.kind == SKN_TOKEN_STRING ||
        p->token.kind == SKN_TOKEN_NAME || p->token.kind == SKN_TOKEN_BAD) {
        skn_parse_advance(p);
    }
    return (uint32_t)n;
}

static void suffix_twice(struct skn_parser *p, struct skn_span at, const char *what)
{
    skn_diags_add(p->diags, SKN_CODE_SUFFIX_TWICE, at, SKN_DIAG_ARGS(skn_slice_str(what)));
}

/* `N *` before a unit. */
static void parse_prefix(struct flow *f)
{
    struct skn_parser *p = f->p;
    if (f->has_prefix) suffix_twice(p, p->token.span, "a number of attempts");
    f->prefix = parse_attempts(p);
    f->has_prefix = true;
    skn_parse_advance(p); /* the star */
}

static void expected_unit(struct skn_parser *p, const char *hint)
{
    skn_diags_add(p->diags,
                  SKN_CODE_EXPECTED_UNIT,
                  p->token.span,
                  SKN_DIAG_ARGS(skn_parse_shown(p, p->token), skn_slice_str(hint)));
}

/* Where a unit was expected and none is: says so, puts a bad one there, and leaves what a chain
 * can go on with. */
static void missing_unit(struct flow *f)
{
    struct skn_parser *p = f->p;
    enum skn_token_kind kind = p->token.kind;
    bool is_first = top(f)->unit == SKN_GRAPH_NONE;
    bool is_run = top(f)->kind == FRAME_RUN;
    bool is_closer = kind == SKN_TOKEN_CLOSE_PAREN || kind == SKN_TOKEN_CLOSE_BRACE;
    if (p->open_string && kind == SKN_TOKEN_END) {
        /* The string that swallowed the rest was reported. */
    } else if (kind == SKN_TOKEN_END && is_run && is_first) {
        skn_diags_add(p->diags, SKN_CODE_EMPTY_PROGRAM, p->token.span, SKN_DIAG_ARGS({0}));
    } else if (is_closer && is_first && !f->has_prefix &&
               (top(f)->kind == FRAME_PAREN || top(f)->kind == FRAME_BRACE)) {
        struct skn_span both = {top(f)->opened.start, p->token.span.end};
        skn_diags_add(p->diags, SKN_CODE_EMPTY_GROUP, both, SKN_DIAG_ARGS({0}));
    } else if (kind == SKN_TOKEN_NUMBER && p->token.span.end - p->token.span.start == 1) {
        skn_diags_add(p->diags,
                      SKN_CODE_OUTCOME_IN_FLOW,
                      p->token.span,
                      SKN_DIAG_ARGS(skn_parse_text(p, p->token.span)));
    } else {
        expected_unit(p,
                      kind == SKN_TOKEN_END || is_closer ? "Something must follow an arrow." : "");
    }
    (void)new_unit(f, SKN_SYN_BAD, p->token.span);
    if (kind == SKN_TOKEN_NUMBER || kind == SKN_TOKEN_STRING || kind == SKN_TOKEN_STAR ||
        kind == SKN_TOKEN_COLON || kind == SKN_TOKEN_EQUALS || kind == SKN_TOKEN_LESS ||
        kind == SKN_TOKEN_GREATER || kind == SKN_TOKEN_QUESTION ||
        kind == SKN_TOKEN_CLOSE_BRACKET) {
        skn_parse_advance(p);
    }
}

static bool is_call_word(struct skn_slice name)
{
    return skn_slice_eq(name, SKN_LIT("MAP")) || skn_slice_eq(name, SKN_LIT("FILTER")) ||
           skn_slice_eq(name, SKN_LIT("REDUCE")) || skn_slice_eq(name, SKN_LIT("FLOW"));
}

/* MAP<Event> and its like, the present token being the word. */
static void parse_call(struct flow *f)
{
    static const char hint[] = "A call is written MAP<Event>.";
    struct skn_parser *p = f->p;
    uint32_t unit = new_unit(f, SKN_SYN_BAD, p->token.span);
    bool is_named = false;
    skn_parse_advance(p);
    if (p->token.kind != SKN_TOKEN_LESS) {
        skn_parse_expected(p, "\"<\"", hint);
        return;
    }
    skn_parse_advance(p);
    if (p->token.kind != SKN_TOKEN_NAME) {
        skn_parse_expected(p, "an event", hint);
    } else {
        is_named = true;
        (void)skn_parse_event(p);
    }
    if (p->token.kind != SKN_TOKEN_GREATER) {
        skn_parse_expected(p, "\">\"", hint);
        return;
    }
    if (is_named) p->tree->units[unit].kind = SKN_SYN_CALL;
    p->tree->units[unit].span.end = p->token.span.end;
    skn_parse_advance(p);
}

/* An event, a call, or a word that cannot be one. */
static void parse_named(struct flow *f)
{
    struct skn_parser *p = f->p;
    struct skn_slice name = skn_parse_text(p, p->token.span);
    if (is_call_word(name)) {
        parse_call(f);
        return;
    }
    if (skn_is_reserved(name)) {
        bool is_outcome = name.len == 7; /* success, failure */
        skn_diags_add(p->diags,
                      is_outcome ? SKN_CODE_OUTCOME_IN_FLOW : SKN_CODE_RESERVED,
                      p->token.span,
                      SKN_DIAG_ARGS(name));
        (void)new_unit(f, SKN_SYN_BAD, p->token.span);
        skn_parse_advance(p);
        return;
    }
    uint32_t unit = new_unit(f, SKN_SYN_EVENT, p->token.span);
    struct skn_syn_event event = skn_parse_event(p);
    uint32_t end = event.version.end > 0 ? event.version.end : event.name.end;
    p->tree->units[unit].span.end = end;
}

static void parse_group(struct flow *f)
{
    struct skn_parser *p = f->p;
    bool is_paren = p->token.kind == SKN_TOKEN_OPEN_PAREN;
    uint32_t unit = new_unit(f, SKN_SYN_GROUP, p->token.span);
    bool piped = p->tree->steps[top(f)->step].piped;
    if (!push_frame(f, is_paren ? FRAME_PAREN : FRAME_BRACE)) {
        p->tree->units[unit].kind = SKN_SYN_BAD;
        return;
    }
    begin_body(f, SKN_BODY_GROUP, unit, piped);
    p->tree->units[unit].body = top(f)->body;
}

static bool units_left(struct flow *f)
{
    if (f->p->tree->unit_count < SKN_GRAPH_UNITS_MAX) return true;
    skn_diags_add(f->p->diags,
                  SKN_CODE_TOO_MANY,
                  f->p->token.span,
                  SKN_DIAG_ARGS(SKN_LIT("1048576"), SKN_LIT("units in one text")));
    f->is_full = true;
    return false;
}

static enum state want_unit(struct flow *f)
{
    struct skn_parser *p = f->p;
    switch ((int)p->token.kind) {
    case SKN_TOKEN_BAD: skn_parse_advance(p); return WANT_UNIT;
    case SKN_TOKEN_AT: skn_parse_directive(p, f->seen, true); return WANT_UNIT;
    case SKN_TOKEN_NUMBER:
        if (skn_parse_peek(p).kind == SKN_TOKEN_STAR) {
            parse_prefix(f);
            return WANT_UNIT;
        }
        missing_unit(f);
        return AFTER_UNIT;
    default: break;
    }
    if (!units_left(f)) return DONE;
    switch ((int)p->token.kind) {
    case SKN_TOKEN_NAME: parse_named(f); return AFTER_UNIT;
    case SKN_TOKEN_OPEN_PAREN:
    case SKN_TOKEN_OPEN_BRACE: {
        uint32_t depth = f->depth;
        parse_group(f);
        return f->depth > depth ? WANT_UNIT : AFTER_UNIT;
    }
    default: missing_unit(f); return AFTER_UNIT;
    }
}

static bool is_arrow(struct skn_token token)
{
    return token.kind == SKN_TOKEN_ARROW || token.kind == SKN_TOKEN_PIPE;
}

/* Whether the present token is well formed as an outcome; a number with more than one digit or a
 * sign is reported. */
static bool check_outcome(struct skn_parser *p)
{
    struct skn_slice text = skn_parse_text(p, p->token.span);
    bool is_word = skn_slice_eq(text, SKN_LIT("success")) || skn_slice_eq(text, SKN_LIT("failure"));
    if (p->token.kind == SKN_TOKEN_NAME && skn_is_reserved(text) && !is_word) {
        skn_diags_add(p->diags, SKN_CODE_RESERVED, p->token.span, SKN_DIAG_ARGS(text));
        return false;
    }
    if (p->token.kind == SKN_TOKEN_NUMBER && (text.len != 1)) {
        skn_diags_add(p->diags,
                      SKN_CODE_BAD_OUTCOME,
                      p->token.span,
                      SKN_DIAG_ARGS(skn_parse_shown(p, p->token)));
        return false;
    }
    return true;
}

static void push_branch(struct flow *f, uint32_t unit, struct skn_span outcome, bool piped)
{
    struct skn_syntax *t = f->p->tree;
    t->branches =
        skn_parse_grow(t->branches, t->branch_count, &t->branch_cap, sizeof(*t->branches));
    uint32_t branch = t->branch_count++;
    t->branches[branch] = (struct skn_syn_branch){
        .unit = unit & 0x7FFFFFFFU, .next = SKN_GRAPH_NONE, .outcome = outcome, .piped = piped};
    struct skn_syn_unit *owner = &t->units[unit];
    if (top(f)->last_branch != SKN_GRAPH_NONE) {
        t->branches[top(f)->last_branch].next = branch;
    } else if (owner->first_branch == SKN_GRAPH_NONE) {
        owner->first_branch = branch; /* a second list was reported and hangs on nothing */
    }
    top(f)->last_branch = branch;
    if (owner->branch_count <= SKN_BRANCHES_MAX && owner->branch_count++ == SKN_BRANCHES_MAX) {
        skn_diags_add(f->p->diags,
                      SKN_CODE_TOO_MANY,
                      outcome,
                      SKN_DIAG_ARGS(SKN_LIT("64"), SKN_LIT("branches of one unit")));
    }
    begin_body(f, SKN_BODY_BRANCH, unit, piped);
    t->branches[branch].body = top(f)->body;
}

/* Outcome and arrow of the next branch of `unit`; whatever is wrong with them, a flow follows. */
static void parse_branch_head(struct flow *f, uint32_t unit)
{
    static const char hint[] = "A branch is an outcome, an arrow and a flow: failure -> Fix";
    struct skn_parser *p = f->p;
    struct skn_span outcome = {p->token.span.start, p->token.span.start};
    if (p->token.kind != SKN_TOKEN_NUMBER && p->token.kind != SKN_TOKEN_NAME) {
        skn_parse_expected(p, "an outcome", hint);
        push_branch(f, unit, outcome, false);
        return;
    }
    struct skn_parse_mark mark = skn_parse_mark(p);
    struct skn_token word = p->token;
    struct skn_token next = skn_parse_peek(p);
    if (check_outcome(p)) outcome = word.span;
    skn_parse_advance(p);
    if (is_arrow(next)) {
        push_branch(f, unit, outcome, next.kind == SKN_TOKEN_PIPE);
        skn_parse_advance(p);
        return;
    }
    skn_parse_expected(p, "an arrow", hint);
    /* "(0: Fix)" and "(0 Fix)" forgot only the arrow; "(Go)" forgot the outcome. */
    if (next.kind == SKN_TOKEN_COLON || next.kind == SKN_TOKEN_EQUALS ||
        next.kind == SKN_TOKEN_GREATER) {
        skn_parse_advance(p);
    } else if (word.kind == SKN_TOKEN_NAME && next.kind != SKN_TOKEN_NAME &&
               next.kind != SKN_TOKEN_BAD) {
        outcome.end = outcome.start;
        skn_parse_return(p, mark);
    }
    push_branch(f, unit, outcome, false);
}

/* "(" behind a unit. */
static enum state open_branches(struct flow *f)
{
    struct skn_parser *p = f->p;
    uint32_t unit = top(f)->unit;
    if (p->tree->units[unit].has_branches) suffix_twice(p, p->token.span, "branches");
    p->tree->units[unit].has_branches = true;
    struct skn_span opened = p->token.span;
    if (!push_frame(f, FRAME_BRANCHES)) return AFTER_UNIT;
    if (p->token.kind == SKN_TOKEN_CLOSE_PAREN) {
        struct skn_span both = {opened.start, p->token.span.end};
        skn_diags_add(p->diags, SKN_CODE_EMPTY_BRANCHES, both, SKN_DIAG_ARGS({0}));
        skn_parse_advance(p);
        f->depth--;
        return AFTER_UNIT;
    }
    parse_branch_head(f, unit);
    return WANT_UNIT;
}

static uint32_t branches_owner(struct flow *f)
{
    return f->p->tree->bodies[top(f)->body].owner;
}

static enum state next_branch(struct flow *f)
{
    struct skn_parser *p = f->p;
    skn_parse_advance(p);
    if (p->token.kind == SKN_TOKEN_CLOSE_PAREN) return AFTER_UNIT;
    parse_branch_head(f, branches_owner(f));
    return WANT_UNIT;
}

static bool closes(enum frame_kind frame, enum skn_token_kind token)
{
    if (token == SKN_TOKEN_CLOSE_BRACE) return frame == FRAME_BRACE;
    return frame == FRAME_PAREN || frame == FRAME_BRANCHES;
}

static void unclosed(struct flow *f)
{
    bool is_brace = top(f)->kind == FRAME_BRACE;
    if (f->too_deep || f->p->open_string) return;
    skn_diags_add(f->p->diags,
                  SKN_CODE_UNCLOSED,
                  top(f)->opened,
                  SKN_DIAG_ARGS(is_brace ? SKN_LIT("\"{\"") : SKN_LIT("\"(\""),
                                is_brace ? SKN_LIT("}") : SKN_LIT(")")));
}

/* A closing bracket: of the innermost frame, of one further out (then those inside were never
 * closed), or of none. */
static enum state close_bracket(struct flow *f)
{
    struct skn_parser *p = f->p;
    uint32_t at = f->depth;
    while (at > 0 && !closes(f->frames[at].kind, p->token.kind))
        at--;
    if (at == 0) {
        skn_diags_add(p->diags,
                      SKN_CODE_STRAY_CLOSER,
                      p->token.span,
                      SKN_DIAG_ARGS(skn_parse_shown(p, p->token)));
        skn_parse_advance(p);
        return AFTER_UNIT;
    }
    for (; f->depth > at; f->depth--)
        unclosed(f);
    f->depth--;
    skn_parse_advance(p);
    return AFTER_UNIT;
}

static void stray(struct flow *f, const char *hint)
{
    struct skn_parser *p = f->p;
    skn_diags_add(p->diags,
                  SKN_CODE_STRAY,
                  p->token.span,
                  SKN_DIAG_ARGS(skn_parse_shown(p, p->token), skn_slice_str(hint)));
}

/* Skips to where a chain can go on. */
static void skip_stray(struct skn_parser *p)
{
    for (;;) {
        switch ((int)p->token.kind) {
        case SKN_TOKEN_ARROW:
        case SKN_TOKEN_PIPE:
        case SKN_TOKEN_PARALLEL:
        case SKN_TOKEN_CLOSE_PAREN:
        case SKN_TOKEN_CLOSE_BRACE:
        case SKN_TOKEN_OPEN_PAREN:
        case SKN_TOKEN_OPEN_BRACE:
        case SKN_TOKEN_AT:
        case SKN_TOKEN_COMMA:
        case SKN_TOKEN_END: return;
        default: skn_parse_advance(p);
        }
    }
}

static enum state stray_token(struct flow *f)
{
    struct skn_parser *p = f->p;
    switch ((int)p->token.kind) {
    case SKN_TOKEN_NAME:
    case SKN_TOKEN_OPEN_BRACE:
        stray(f, "Steps are joined by arrows: A -> B");
        new_step(f, false);
        return WANT_UNIT;
    case SKN_TOKEN_COMMA:
        stray(f, "A comma stands between branches and between options.");
        skn_parse_advance(p);
        return AFTER_UNIT;
    default:
        stray(f, "");
        skn_parse_advance(p);
        skip_stray(p);
        return AFTER_UNIT;
    }
}

static void suffix_attempts(struct flow *f)
{
    struct skn_parser *p = f->p;
    struct skn_span star = p->token.span;
    bool is_twice = p->tree->units[top(f)->unit].has_attempts;
    skn_parse_advance(p);
    if (is_twice) {
        struct skn_span both = {star.start, p->token.span.end};
        suffix_twice(p, both, "a number of attempts");
    }
    uint32_t n = parse_attempts(p);
    struct skn_syn_unit *unit = &p->tree->units[top(f)->unit];
    if (!is_twice) unit->attempts = n;
    unit->has_attempts = true;
}

static void suffix_options(struct flow *f)
{
    struct skn_parser *p = f->p;
    struct skn_syn_unit *unit = &p->tree->units[top(f)->unit];
    if (unit->has_options) {
        suffix_twice(p, p->token.span, "options");
    } else {
        unit->first_option = p->tree->option_count;
    }
    unit->has_options = true;
    skn_parse_options(p, top(f)->unit);
}

static enum state end_of_text(struct flow *f)
{
    for (; f->depth > 0; f->depth--)
        unclosed(f);
    return DONE;
}

/* "@" behind a unit: a version that does not touch its name, or a directive that came too late. */
static void late_at(struct flow *f)
{
    struct skn_parser *p = f->p;
    struct skn_span name = skn_lex_directive_name(p->source, p->token.span.end);
    if (skn_lex(p->source, name.end).kind == SKN_TOKEN_COLON) {
        skn_parse_directive(p, f->seen, true);
        return;
    }
    struct skn_span version = skn_lex_version(p->source, p->token.span.end);
    struct skn_span both = {p->token.span.start, version.end};
    skn_diags_add(
        p->diags,
        SKN_CODE_MUST_TOUCH,
        both,
        SKN_DIAG_ARGS(SKN_LIT("an event and its version"), SKN_LIT("Write Name@version.")));
    skn_parse_advance(p);
    skn_parse_word(p, version.end);
}

static enum state after_unit(struct flow *f)
{
    struct skn_parser *p = f->p;
    switch ((int)p->token.kind) {
    case SKN_TOKEN_STAR: suffix_attempts(f); return AFTER_UNIT;
    case SKN_TOKEN_OPEN_BRACKET: suffix_options(f); return AFTER_UNIT;
    case SKN_TOKEN_OPEN_PAREN: return open_branches(f);
    case SKN_TOKEN_PARALLEL: skn_parse_advance(p); return WANT_UNIT;
    case SKN_TOKEN_ARROW:
    case SKN_TOKEN_PIPE:
        new_step(f, p->token.kind == SKN_TOKEN_PIPE);
        skn_parse_advance(p);
        return WANT_UNIT;
    case SKN_TOKEN_CLOSE_PAREN:
    case SKN_TOKEN_CLOSE_BRACE: return close_bracket(f);
    case SKN_TOKEN_COMMA:
        if (top(f)->kind == FRAME_BRANCHES) return next_branch(f);
        return stray_token(f);
    case SKN_TOKEN_AT: late_at(f); return AFTER_UNIT;
    case SKN_TOKEN_BAD: skn_parse_advance(p); return AFTER_UNIT;
    case SKN_TOKEN_END: return end_of_text(f);
    default: return stray_token(f);
    }
}

void skn_parse_flow(struct skn_parser *p, uint32_t *seen_directives)
{
    while (p->token.kind == SKN_TOKEN_AT)
        skn_parse_directive(p, seen_directives, false);

    struct flow f = {.p = p, .seen = seen_directives};
    f.frames[0] = (struct frame){.kind = FRAME_RUN, .unit = SKN_GRAPH_NONE};
    begin_body(&f, SKN_BODY_RUN, SKN_GRAPH_NONE, true);
    for (enum state state = WANT_UNIT; state != DONE;)
        state = state == WANT_UNIT ? want_unit(&f) : after_unit(&f);
}
