/* json.h - JSON text to values and values to JSON text.
 *
 * Owns        nothing; a writer borrows its buffer.
 * May include base.
 * Threads     any; nothing here has state. A writer belongs to whoever holds it.
 * Invariants
 *   1. Reading takes RFC 8259 and nothing else; nothing is lost in silence: an integer outside
 *      int64, a number over the largest real, a key that comes twice are errors.
 *   2. What reading gives, printing writes so that reading gives it again: a real always has a
 *      point or an exponent, an integer never.
 *   3. Nothing recurses.
 *
 * Read as                               printed as
 *   null                  none            none      null
 *   true, false           bool            bool      true, false
 *   -12                   int             int       -12
 *   1.0, 1e3              real, rounded   real      1.0, 0.1, 1e21: the shortest that reads back
 *                         to nearest
 *   "text"                string          string    "text"; what is not UTF-8 is an error
 *   [..]                  list            list      [..]
 *   {..}                  map             map       {..}, keys in byte order
 *
 * Values that JSON has no word for are for people and programs that know what they asked for:
 *   symbol    "name"                      time      "2026-11-21T11:00:00.500Z" (0, 3, 6 or 9 digits)
 *   bytes     "AAEC" (base64)             duration  "1.5s"
 *   secret    "***"                       blob      {"blob":"<hash in hex>","size":5,"type":"a/b"}
 *   error     {"code":"..","message":"..","data":..}, without data when it is none
 * Canonical text refuses all of these, and infinities are refused always.
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "base/diag.h"
#include "value/value.h"

#define SKN_JSON_TEXT_MAX    ((size_t)64 << 20) /* bytes read, when the options say nothing */
#define SKN_JSON_WRITE_DEPTH 512                /* a value at full depth within 256 more */

/* All zero is strict, at full depth. */
struct skn_json_options {
    size_t text_max;        /* bytes of text; 0: SKN_JSON_TEXT_MAX */
    uint32_t depth_max;     /* nesting; 0, or more than it: SKN_VALUE_DEPTH_MAX */
    bool last_wins;         /* of equal keys the last one stays, rather than an error */
    bool big_ints_as_reals; /* integers outside int64 are rounded, rather than an error */
};

/* Appends the encoded value of `text`. `options` may be NULL. On failure nothing is appended and
 * `diag` says "JSON 3:7: .." with line and column, counted from 1, in characters.
 * SKN_ESYNTAX: malformed, or a key twice. SKN_ETOOLARGE: a limit of the options, or a number out of
 * range. SKN_EFULL: the maximum of `out`. */
SKN_MUST_USE enum skn_rc skn_json_parse(struct skn_slice text,
                                        const struct skn_json_options *options,
                                        struct skn_buf *out,
                                        struct skn_diag *diag);

enum skn_json_mode {
    SKN_JSON_PLAIN,    /* {"a":[1,2]} on one line */
    SKN_JSON_PRETTY,   /* two blanks per level, a line per element; no line end behind the value */
    SKN_JSON_CANONICAL /* plain, and only what reads back as the same value: equal values, equal
                          text */
};

/* Appends the text of a value. On failure nothing is appended. SKN_EARGS: the value has no text:
 * not UTF-8, infinite, or no JSON in canonical mode. SKN_EFULL: the maximum of `out`. */
SKN_MUST_USE enum skn_rc skn_json_print(struct skn_value v,
                                        enum skn_json_mode mode,
                                        struct skn_buf *out,
                                        struct skn_diag *diag);

/* Writes one JSON value piece by piece, in the order of the calls. The first failure sticks and
 * comes out of skn_json_end. Wrong use (a value in an object without a key) is an assertion; that
 * keys differ, and rise in canonical mode, is the caller's part. */
struct skn_json_writer {
    struct skn_buf *out;
    size_t start;
    enum skn_json_mode mode;
    enum skn_rc rc;
    uint32_t depth;
    bool key_set;
    bool done;
    char why[120];
    uint8_t levels[SKN_JSON_WRITE_DEPTH]; /* '{' or '[', and whether something is in it */
};

void skn_json_begin(struct skn_json_writer *w, struct skn_buf *out, enum skn_json_mode mode);

/* Tells how it went; on failure nothing is left in the buffer. The writer is as new afterwards. */
SKN_MUST_USE enum skn_rc skn_json_end(struct skn_json_writer *w, struct skn_diag *diag);

void skn_json_object_begin(struct skn_json_writer *w);
void skn_json_object_end(struct skn_json_writer *w);
void skn_json_list_begin(struct skn_json_writer *w);
void skn_json_list_end(struct skn_json_writer *w);
void skn_json_key(struct skn_json_writer *w, struct skn_slice key);
void skn_json_key_str(struct skn_json_writer *w, const char *key);

void skn_json_value(struct skn_json_writer *w, struct skn_value v);
void skn_json_none(struct skn_json_writer *w);
void skn_json_bool(struct skn_json_writer *w, bool b);
void skn_json_int(struct skn_json_writer *w, int64_t i);
void skn_json_uint(struct skn_json_writer *w, uint64_t u);
void skn_json_real(struct skn_json_writer *w, double r);
void skn_json_string(struct skn_json_writer *w, struct skn_slice text);
void skn_json_str(struct skn_json_writer *w, const char *text);

/* Text from outside, such as what a program wrote: each byte that is not UTF-8 becomes U+FFFD. */
void skn_json_any_text(struct skn_json_writer *w, struct skn_slice text);
