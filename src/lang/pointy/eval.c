/* eval.c - what an expression says of a result [F30b]: two stacks, of values and of what is still to be
 * done to them, so that no text makes it deep. Precedences as Dijkstra's shunting yard has them.
 *
 *   or, and, not, comparisons and in, + -, * /, - of one, then . and [ ]
 *
 * A fault is a value: it goes through everything but an `and` whose left is false and an `or` whose left
 * is true, so that `x in m and m.x > 1` asks no more than it has to. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "lang/pointy/expr_internal.h"
#include "lang/pointy/number.h"
#include "lang/pointy/pointy.h"
#include "value/real.h"

#include "base/pure.h" /* last */

enum { STACK_MAX = 512, TEXT_MAX = 1 << 20 };

enum op {
    OP_PAREN, /* the brackets come first */
    OP_LEN,
    OP_LIST,
    OP_INDEX,
    OP_OR,
    OP_AND,
    OP_NOT,
    OP_EQ,
    OP_NE,
    OP_LE,
    OP_GE,
    OP_LT,
    OP_GT,
    OP_IN,
    OP_NOT_IN,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_NEG,
};

static const uint8_t strength[] = {
    [OP_PAREN] = 0, [OP_LEN] = 0, [OP_LIST] = 0, [OP_INDEX] = 0, [OP_OR] = 1,
    [OP_AND] = 2,   [OP_NOT] = 3, [OP_EQ] = 4,   [OP_NE] = 4,    [OP_LE] = 4,
    [OP_GE] = 4,    [OP_LT] = 4,  [OP_GT] = 4,   [OP_IN] = 4,    [OP_NOT_IN] = 4,
    [OP_ADD] = 5,   [OP_SUB] = 5, [OP_MUL] = 6,  [OP_DIV] = 6,   [OP_NEG] = 7,
};

struct operand {
    const char *fault; /* NULL: there is none */
    struct skn_value value;
};

struct pending {
    enum op op;
    uint32_t from; /* of a list: values below it */
};

struct eval {
    struct skn_slice text;
    size_t at;
    struct skn_value result;
    struct skn_arena arena;
    struct operand values[STACK_MAX];
    struct pending pending[STACK_MAX];
    uint32_t value_count, pending_count;
    bool is_full;
};

static struct operand good(struct skn_value value)
{
    return (struct operand){.value = value};
}

static struct operand fault(const char *why)
{
    return (struct operand){.fault = why, .value = skn_value_none()};
}

static void push(struct eval *e, struct operand operand)
{
    if (e->value_count == STACK_MAX)
        e->is_full = true;
    else
        e->values[e->value_count++] = operand;
}

static struct operand pop(struct eval *e)
{
    if (e->value_count == 0) return fault("it is malformed");
    return e->values[--e->value_count];
}

static void push_op(struct eval *e, enum op op)
{
    if (e->pending_count == STACK_MAX)
        e->is_full = true;
    else
        e->pending[e->pending_count++] = (struct pending){.op = op, .from = e->value_count};
}

/* --- operators ---------------------------------------------------------------------------------------- */

static bool is_number(struct skn_value v)
{
    return skn_value_is(v, SKN_T_INT) || skn_value_is(v, SKN_T_REAL);
}

static double real_of(struct skn_value v)
{
    return skn_value_is(v, SKN_T_INT) ? (double)skn_value_as_int(v) : skn_value_as_real(v);
}

/* Numbers by their size, whatever kind they are of; the rest as values are. */
static bool are_equal(struct skn_value a, struct skn_value b)
{
    bool is_mixed = is_number(a) && is_number(b) && skn_value_tag(a) != skn_value_tag(b);
    if (!is_mixed) return skn_value_eq(a, b);
    return !(real_of(a) < real_of(b)) && !(real_of(b) < real_of(a));
}

static struct operand compare(enum op op, struct skn_value a, struct skn_value b)
{
    int order;
    if (is_number(a) && is_number(b) && skn_value_tag(a) != skn_value_tag(b))
        order = (real_of(a) > real_of(b)) - (real_of(a) < real_of(b));
    else if ((is_number(a) && is_number(b)) ||
             (skn_value_is(a, SKN_T_STRING) && skn_value_is(b, SKN_T_STRING)))
        order = skn_value_cmp(a, b);
    else
        return fault("only two numbers or two texts have an order");
    bool is_true = op == OP_LE   ? order <= 0
                   : op == OP_GE ? order >= 0
                   : op == OP_LT ? order < 0
                                 : order > 0;
    return good(skn_value_bool(is_true));
}

static struct operand contains(struct skn_value part, struct skn_value whole)
{
    struct skn_value_iter iter = skn_value_iter(whole);
    struct skn_value one;
    if (skn_value_is(whole, SKN_T_STRING) && skn_value_is(part, SKN_T_STRING)) {
        struct skn_slice text = skn_value_as_text(whole), word = skn_value_as_text(part);
        bool is_in = word.len == 0 || (word.len <= text.len &&
                                       memmem(text.ptr, text.len, word.ptr, word.len) != NULL);
        return good(skn_value_bool(is_in));
    }
    if (skn_value_is(whole, SKN_T_MAP) && skn_value_is(part, SKN_T_STRING))
        return good(skn_value_bool(skn_map_get(whole, skn_value_as_text(part), &one)));
    if (!skn_value_is(whole, SKN_T_LIST))
        return fault("\"in\" needs a list, an object or two texts");
    while (skn_value_next(&iter, NULL, &one))
        if (are_equal(part, one)) return good(skn_value_bool(true));
    return good(skn_value_bool(false));
}

static struct operand joined(struct eval *e, struct skn_value a, struct skn_value b)
{
    struct skn_slice left = skn_value_as_text(a), right = skn_value_as_text(b);
    if (left.len + right.len > TEXT_MAX) return fault("a text is over 1 MiB");
    uint8_t *bytes = skn_arena_alloc(&e->arena, left.len + right.len + 1);
    if (left.len > 0) memcpy(bytes, left.ptr, left.len);
    if (right.len > 0) memcpy(bytes + left.len, right.ptr, right.len);
    return good(skn_value_string(skn_slice(bytes, left.len + right.len)));
}

static struct operand calculate(struct eval *e, enum op op, struct skn_value a, struct skn_value b)
{
    bool are_texts = skn_value_is(a, SKN_T_STRING) && skn_value_is(b, SKN_T_STRING);
    if (op == OP_ADD && are_texts) return joined(e, a, b);
    if (!is_number(a) || !is_number(b)) return fault("only numbers can be calculated with");
    if (op == OP_DIV && real_of(b) <= 0 && real_of(b) >= 0) return fault("it divides by zero");
    if (op != OP_DIV && skn_value_is(a, SKN_T_INT) && skn_value_is(b, SKN_T_INT)) {
        int64_t out = 0, x = skn_value_as_int(a), y = skn_value_as_int(b);
        bool is_over = op == OP_ADD   ? __builtin_add_overflow(x, y, &out)
                       : op == OP_SUB ? __builtin_sub_overflow(x, y, &out)
                                      : __builtin_mul_overflow(x, y, &out);
        return is_over ? fault("a number is over 64 bits") : good(skn_value_int(out));
    }
    double x = real_of(a), y = real_of(b);
    double out = op == OP_ADD ? x + y : op == OP_SUB ? x - y : op == OP_MUL ? x * y : x / y;
    bool has_size = out <= 0 || out > 0; /* infinity less infinity is none */
    if (!has_size) return fault("it has no result");
    return good(skn_value_real(out));
}

/* Both sides are worked out already; which of them counts is decided here. */
static struct operand junction(enum op op, struct operand a, struct operand b)
{
    if (a.fault) return a;
    if (!skn_value_is(a.value, SKN_T_BOOL)) return fault("and, or, not need true or false");
    if (skn_value_as_bool(a.value) == (op == OP_OR)) return a;
    if (!b.fault && !skn_value_is(b.value, SKN_T_BOOL))
        return fault("and, or, not need true or false");
    return b;
}

static struct operand binary(struct eval *e, enum op op, struct operand a, struct operand b)
{
    if (op == OP_OR || op == OP_AND) return junction(op, a, b);
    if (a.fault) return a;
    if (b.fault) return b;
    switch ((int)op) {
    case OP_EQ: return good(skn_value_bool(are_equal(a.value, b.value)));
    case OP_NE: return good(skn_value_bool(!are_equal(a.value, b.value)));
    case OP_LE:
    case OP_GE:
    case OP_LT:
    case OP_GT: return compare(op, a.value, b.value);
    case OP_IN: return contains(a.value, b.value);
    case OP_NOT_IN: {
        struct operand is_in = contains(a.value, b.value);
        return is_in.fault ? is_in : good(skn_value_bool(!skn_value_as_bool(is_in.value)));
    }
    default: return calculate(e, op, a.value, b.value);
    }
}

static struct operand unary(enum op op, struct operand a)
{
    if (a.fault) return a;
    if (op == OP_NOT) {
        if (!skn_value_is(a.value, SKN_T_BOOL)) return fault("and, or, not need true or false");
        return good(skn_value_bool(!skn_value_as_bool(a.value)));
    }
    if (skn_value_is(a.value, SKN_T_REAL)) return good(skn_value_real(-skn_value_as_real(a.value)));
    if (!skn_value_is(a.value, SKN_T_INT)) return fault("only numbers can be calculated with");
    if (skn_value_as_int(a.value) == INT64_MIN) return fault("a number is over 64 bits");
    return good(skn_value_int(-skn_value_as_int(a.value)));
}

static struct operand length_of(struct operand a)
{
    if (a.fault) return a;
    if (skn_value_is(a.value, SKN_T_LIST) || skn_value_is(a.value, SKN_T_MAP))
        return good(skn_value_int(skn_value_count(a.value)));
    if (!skn_value_is(a.value, SKN_T_STRING))
        return fault("len() needs a text, a list or an object");
    struct skn_slice text = skn_value_as_text(a.value);
    int64_t characters = 0;
    for (size_t i = 0; i < text.len; i++)
        characters += (text.ptr[i] & 0xC0) != 0x80;
    return good(skn_value_int(characters));
}

/* What is not there is null, so that it can be asked for. */
static struct operand member(struct operand a, struct skn_value key)
{
    struct skn_value found = skn_value_none();
    if (a.fault || skn_value_is(a.value, SKN_T_NONE)) return a;
    if (skn_value_is(a.value, SKN_T_MAP) && skn_value_is(key, SKN_T_STRING)) {
        (void)skn_map_get(a.value, skn_value_as_text(key), &found);
        return good(found);
    }
    if (!skn_value_is(a.value, SKN_T_LIST) || !skn_value_is(key, SKN_T_INT))
        return fault("only an object has members, and only a list has places");
    int64_t at = skn_value_as_int(key);
    if (at < 0) at += skn_value_count(a.value);
    if (at >= 0 && at <= UINT32_MAX) (void)skn_list_at(a.value, (uint32_t)at, &found);
    return good(found);
}

static struct operand listed(struct eval *e, uint32_t from)
{
    struct skn_buf out;
    struct skn_builder *b = skn_arena_alloc(&e->arena, sizeof *b);
    struct operand all = {0};
    skn_buf_init(&out, 4 * (size_t)TEXT_MAX);
    skn_builder_init(b, &out);
    skn_build_list_begin(b);
    for (uint32_t i = from; i < e->value_count; i++) {
        if (e->values[i].fault && !all.fault) all = e->values[i];
        skn_build_value(b, e->values[i].value);
    }
    skn_build_list_end(b);
    bool is_built = skn_build_end(b, NULL) == SKN_OK;
    if (!all.fault)
        all = is_built ? good(skn_value_view(skn_arena_dup(&e->arena, skn_buf_slice(&out))))
                       : fault("a list is too large");
    skn_buf_fini(&out);
    e->value_count = from;
    return all;
}

/* Does what is stronger than, or as strong as, what comes; the brackets stop it. */
static void reduce(struct eval *e, unsigned than)
{
    while (e->pending_count > 0) {
        enum op op = e->pending[e->pending_count - 1].op;
        if (strength[op] == 0 || strength[op] < than) return;
        e->pending_count--;
        struct operand b = pop(e);
        push(e, op == OP_NOT || op == OP_NEG ? unary(op, b) : binary(e, op, pop(e), b));
    }
}

/* --- reading: the text has been checked (skn_expr_check) ------------------------------------------------ */

static uint8_t peek(const struct eval *e, size_t ahead)
{
    return e->at + ahead < e->text.len ? e->text.ptr[e->at + ahead] : 0;
}

static void skip_blanks(struct eval *e)
{
    while (peek(e, 0) == ' ' || peek(e, 0) == '\t' || peek(e, 0) == '\n' || peek(e, 0) == '\r')
        e->at++;
}

static struct skn_slice take_word(struct eval *e)
{
    size_t start = e->at;
    while (peek(e, 0) == '_' || peek(e, 0) >= 0x80 || (peek(e, 0) >= '0' && peek(e, 0) <= '9') ||
           ((peek(e, 0) | 0x20) >= 'a' && (peek(e, 0) | 0x20) <= 'z'))
        e->at++;
    return skn_slice(e->text.ptr + start, e->at - start);
}

static bool is_word(struct skn_slice word, const char *text)
{
    return skn_slice_eq(word, skn_slice_str(text));
}

static struct operand take_string(struct eval *e)
{
    uint8_t quote = peek(e, 0);
    uint8_t *bytes = skn_arena_alloc(&e->arena, e->text.len), *at = bytes;
    for (e->at++; e->at < e->text.len && peek(e, 0) != quote; e->at++) {
        bool is_escape = peek(e, 0) == '\\';
        if (is_escape) e->at++;
        uint8_t c = peek(e, 0);
        *at++ = is_escape && c == 'n' ? '\n' : is_escape && c == 't' ? '\t' : c;
    }
    e->at++;
    return good(skn_value_string(skn_slice(bytes, (size_t)(at - bytes))));
}

static struct operand take_number(struct eval *e)
{
    size_t start = e->at;
    bool is_real = false;
    int64_t whole;
    double real;
    while ((peek(e, 0) >= '0' && peek(e, 0) <= '9') ||
           (!is_real && peek(e, 0) == '.' && peek(e, 1) >= '0' && peek(e, 1) <= '9')) {
        is_real = is_real || peek(e, 0) == '.';
        e->at++;
    }
    struct skn_slice text = skn_slice(e->text.ptr + start, e->at - start);
    if (is_real)
        return skn_real_parse(text, &real) == SKN_OK ? good(skn_value_real(real))
                                                     : fault("a number is none");
    return skn_number_int(text, &whole) == SKN_NUMBER_OK ? good(skn_value_int(whole))
                                                         : fault("a number is over 64 bits");
}

static struct operand name_of(struct eval *e, struct skn_slice word)
{
    struct skn_value found = skn_value_none();
    if (is_word(word, "true") || is_word(word, "false"))
        return good(skn_value_bool(word.ptr[0] == 't'));
    if (is_word(word, "null") || is_word(word, "none")) return good(found);
    if (is_word(word, "result")) return good(e->result);
    if (skn_value_is(e->result, SKN_T_MAP)) (void)skn_map_get(e->result, word, &found);
    return good(found);
}

/* Returns whether a value is complete. */
static bool operand(struct eval *e)
{
    uint8_t c = peek(e, 0);
    if (c == '(' || c == '[' || c == '-') {
        e->at++;
        push_op(e, c == '(' ? OP_PAREN : c == '[' ? OP_LIST : OP_NEG);
        skip_blanks(e);
        return c == '[' && peek(e, 0) == ']'; /* an empty list: the bracket closes it */
    }
    if (c == '"' || c == '\'') {
        push(e, take_string(e));
        return true;
    }
    if (c >= '0' && c <= '9') {
        push(e, take_number(e));
        return true;
    }
    struct skn_slice word = take_word(e);
    if (is_word(word, "not")) {
        push_op(e, OP_NOT);
        return false;
    }
    skip_blanks(e);
    if (peek(e, 0) == '(') {
        e->at++;
        push_op(e, OP_LEN);
        return false;
    }
    push(e, name_of(e, word));
    return true;
}

/* A bracket closes: what was opened is a value now. */
static void close(struct eval *e)
{
    reduce(e, 1);
    if (e->pending_count == 0) {
        push(e, fault("it is malformed"));
        return;
    }
    struct pending opened = e->pending[--e->pending_count];
    if (opened.op == OP_LEN) push(e, length_of(pop(e)));
    if (opened.op == OP_LIST) push(e, listed(e, opened.from));
    if (opened.op == OP_INDEX) {
        struct operand key = pop(e), whole = pop(e);
        push(e, key.fault ? key : member(whole, key.value));
    }
}

static bool operator_(struct eval *e)
{
    static const struct {
        const char *sign;
        enum op op;
    } signs[] = {{"==", OP_EQ},
                 {"!=", OP_NE},
                 {"<=", OP_LE},
                 {">=", OP_GE},
                 {"<", OP_LT},
                 {">", OP_GT},
                 {"+", OP_ADD},
                 {"-", OP_SUB},
                 {"*", OP_MUL},
                 {"/", OP_DIV}};
    uint8_t c = peek(e, 0);
    if (c == '.') {
        e->at++;
        push(e, member(pop(e), skn_value_string(take_word(e))));
        return true;
    }
    if (c == ')' || c == ']') {
        e->at++;
        close(e);
        return true;
    }
    if (c == '[' || c == ',') {
        e->at++;
        if (c == '[')
            push_op(e, OP_INDEX);
        else
            reduce(e, 1);
        return false;
    }
    enum op op = OP_AND;
    bool is_sign = false;
    for (size_t i = 0; i < SKN_ARRAY_LEN(signs) && !is_sign; i++) {
        struct skn_slice sign = skn_slice_str(signs[i].sign);
        is_sign = skn_slice_has_prefix(skn_slice_from(e->text, e->at), sign);
        op = signs[i].op;
        if (is_sign) e->at += sign.len;
    }
    if (!is_sign) {
        struct skn_slice word = take_word(e);
        op = is_word(word, "or") ? OP_OR : is_word(word, "in") ? OP_IN : OP_AND;
        if (is_word(word, "not")) {
            skip_blanks(e);
            (void)take_word(e);
            op = OP_NOT_IN;
        }
    }
    reduce(e, strength[op]);
    push_op(e, op);
    return false;
}

enum skn_expr_says
skn_expr_eval(struct skn_slice text, struct skn_value result, const char **out_why)
{
    struct operand end;
    *out_why = skn_expr_check(text);
    if (*out_why) return SKN_EXPR_FAULT;
    struct eval *e = skn_alloc_zero(1, sizeof *e);
    e->text = text;
    e->result = result;
    skn_arena_init(&e->arena);
    bool complete = false;
    skip_blanks(e);
    for (; e->at < text.len && !e->is_full; skip_blanks(e))
        complete = complete ? operator_(e) : operand(e);
    reduce(e, 1);
    end = pop(e);
    if (e->is_full) end = fault("it has too many parts");
    if (!end.fault && !skn_value_is(end.value, SKN_T_BOOL))
        end = fault("it is neither true nor false");
    enum skn_expr_says says = end.fault                      ? SKN_EXPR_FAULT
                              : skn_value_as_bool(end.value) ? SKN_EXPR_TRUE
                                                             : SKN_EXPR_FALSE;
    *out_why = end.fault;
    skn_arena_fini(&e->arena);
    skn_free(e);
    return says;
}
