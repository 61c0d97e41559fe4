/* expr.c - whether a text is an expression over a result [F30b]: operands and operators in turn,
 * with a stack of what is open. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/pointy/expr_internal.h"
#include "lang/pointy/lex_internal.h"

#include "base/pure.h" /* last */

enum { OPEN_MAX = 64 };

struct reader {
    struct skn_slice text;
    size_t at;
    const char *why;
    char opened[OPEN_MAX];
    uint32_t depth;
    uint32_t operands; /* seen so far */
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static uint8_t peek(const struct reader *r, size_t ahead)
{
    return r->at + ahead < r->text.len ? r->text.ptr[r->at + ahead] : 0;
}

static void skip_blanks(struct reader *r)
{
    while (peek(r, 0) == ' ' || peek(r, 0) == '\t' || peek(r, 0) == '\n' || peek(r, 0) == '\r')
        r->at++;
}

static bool refuse(struct reader *r, const char *why)
{
    if (!r->why) r->why = why;
    return false;
}

static struct skn_slice take_word(struct reader *r)
{
    size_t start = r->at;
    while (peek(r, 0) == '_' || peek(r, 0) >= 0x80 || is_digit(peek(r, 0)) ||
           ((peek(r, 0) | 0x20) >= 'a' && (peek(r, 0) | 0x20) <= 'z'))
        r->at++;
    return skn_slice(r->text.ptr + start, r->at - start);
}

static bool take_string(struct reader *r)
{
    uint8_t quote = peek(r, 0);
    for (r->at++; r->at < r->text.len; r->at++) {
        if (peek(r, 0) == '\\') {
            r->at++;
        } else if (peek(r, 0) == quote) {
            r->at++;
            return true;
        }
    }
    return refuse(r, "a string has no end");
}

static bool take_number(struct reader *r)
{
    while (is_digit(peek(r, 0)))
        r->at++;
    if (peek(r, 0) == '.' && is_digit(peek(r, 1)))
        for (r->at++; is_digit(peek(r, 0));)
            r->at++;
    return true;
}

static bool open_bracket(struct reader *r, char kind)
{
    if (r->depth == OPEN_MAX) return refuse(r, "it is more than 64 brackets deep");
    r->opened[r->depth++] = kind;
    return true;
}

static bool is_word(struct skn_slice word, const char *text)
{
    return skn_slice_eq(word, skn_slice_str(text));
}

/* A value, or what stands before one. Returns whether a value is complete. */
static bool operand(struct reader *r)
{
    uint8_t c = peek(r, 0);
    if (c == '(' || c == '[') {
        r->at++;
        (void)open_bracket(r, c == '(' ? '(' : 'l');
        skip_blanks(r);
        if (c == '[' && peek(r, 0) == ']') { /* an empty list */
            r->at++;
            r->depth--;
            return true;
        }
        return false;
    }
    if (c == '-') {
        r->at++;
        return false;
    }
    r->operands++;
    if (c == '"' || c == '\'') return take_string(r);
    if (is_digit(c)) return take_number(r);
    struct skn_slice word = take_word(r);
    if (is_word(word, "not")) return false;
    if (word.len == 0 || is_word(word, "and") || is_word(word, "or") || is_word(word, "in"))
        return refuse(r, "a value is missing");
    skip_blanks(r);
    if (peek(r, 0) != '(') return true;
    if (!is_word(word, "len")) return refuse(r, "the only function is len()");
    r->at++;
    (void)open_bracket(r, '(');
    return false;
}

/* What may follow a value. Returns whether the value goes on being complete. */
static bool operator_(struct reader *r)
{
    static const char *const signs[] = {"==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/"};
    uint8_t c = peek(r, 0);
    if (c == '.') {
        r->at++;
        return take_word(r).len > 0 ? true : refuse(r, "a name must follow \".\"");
    }
    if (c == '[') {
        r->at++;
        (void)open_bracket(r, '[');
        return false;
    }
    if (c == ')' || c == ']') {
        char opener = r->depth > 0 ? r->opened[r->depth - 1] : 0;
        if (opener == 0 || (c == ')') != (opener == '('))
            return refuse(r, "a bracket closes nothing");
        r->depth--;
        r->at++;
        return true;
    }
    if (c == ',' && r->depth > 0 && r->opened[r->depth - 1] == 'l') {
        r->at++;
        return false;
    }
    for (size_t i = 0; i < SKN_ARRAY_LEN(signs); i++) {
        if (!skn_slice_has_prefix(skn_slice_from(r->text, r->at), skn_slice_str(signs[i])))
            continue;
        r->at += strlen(signs[i]);
        return false;
    }
    struct skn_slice word = take_word(r);
    if (is_word(word, "not")) { /* not in */
        skip_blanks(r);
        word = take_word(r);
        if (is_word(word, "in")) return false;
    }
    if (is_word(word, "and") || is_word(word, "or") || is_word(word, "in")) return false;
    return refuse(r, c == '=' ? "equal is written ==" : "an operator is missing");
}

const char *skn_expr_check(struct skn_slice text)
{
    struct reader r = {.text = text};
    bool complete = false;
    skip_blanks(&r);
    if (r.at == text.len) return "it is empty";
    for (; r.at < text.len && !r.why; skip_blanks(&r))
        complete = complete ? operator_(&r) : operand(&r);
    if (!r.why && r.depth > 0) return "a bracket is never closed";
    if (!r.why && !complete) return "it ends in the middle";
    return r.why;
}
