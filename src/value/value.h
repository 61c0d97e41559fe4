/* value.h - immutable values and their one canonical encoding, read in place.
 *
 * Owns        the encoding. A value borrows: it dies with the bytes it points into.
 * May include base.
 * Threads     any; nothing here has state. A builder belongs to whoever holds it.
 * Invariants
 *   1. Equal values have equal bytes, and bytes that skn_value_check takes are the bytes that
 *      encoding their value gives again.
 *   2. Every other function trusts its bytes: what comes from a file, a socket or a program is
 *      checked once, at that border.
 *   3. Nothing recurses: depth is bounded by SKN_VALUE_DEPTH_MAX and kept in arrays.
 *
 * The encoding, level 1. Numbers are little-endian; sizes are in bytes.
 *
 *   tag        at 0   then
 *   none       0x00   nothing
 *   bool       0x01   at 1: 0x00 or 0x01
 *   int        0x02   at 1: 8 bytes, two's complement
 *   real       0x03   at 1: 8 bytes, IEEE 754 binary64; never NaN, never -0.0
 *   string     0x04   at 1: u32 size   at 5: any bytes
 *   bytes      0x05   at 1: u32 size   at 5: any bytes
 *   list       0x06   at 1: u32 size   at 5: u32 count    at 9: that many values
 *   map        0x07   at 1: u32 size   at 5: u32 count    at 9: that many entries, each
 *                                      u32 key size, key, value; keys strictly rising bytewise
 *   symbol     0x08   at 1: u32 size   at 5: at least one byte
 *   error      0x09   at 1: u32 size   at 5: a symbol (code), a string (message), a value (data)
 *   secret     0x0a   at 1: u32 size   at 5: one value
 *   blob       0x0b   at 1: u32 size   at 5: 32 bytes hash   at 37: u64 size of the content
 *                                      at 45: media type, possibly empty, to the end
 *   time       0x0c   at 1: 8 bytes, nanoseconds since 1970-01-01T00:00:00Z, two's complement
 *   duration   0x0d   at 1: 8 bytes, nanoseconds, two's complement
 *   sealed     0x0e   at 1: u32 size   at 5: what a secret became at rest [E46], see seal/seal.h;
 *                                      in stored bytes only
 *
 * The size counts what stands behind it, so that any value is skipped without reading it. Other
 * tags are refused: 0x0f to 0x3f are kept for values to come. Stored bytes with sealed parts are a
 * mark, 0x1e, and the value: one look says whether there is something to unseal.
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/slice.h"

#define SKN_VALUE_LEVEL      1
#define SKN_VALUE_DEPTH_MAX  256                 /* a list of a list has depth 2, an int 0 */
#define SKN_VALUE_TEXT_MAX   (UINT32_C(1) << 30) /* bytes of one string; memory, not taste */
#define SKN_VALUE_HASH_BYTES 32

enum skn_tag {
    SKN_T_NONE = 0,
    SKN_T_BOOL = 1,
    SKN_T_INT = 2,
    SKN_T_REAL = 3,
    SKN_T_STRING = 4,
    SKN_T_BYTES = 5,
    SKN_T_LIST = 6,
    SKN_T_MAP = 7,
    SKN_T_SYMBOL = 8,
    SKN_T_ERROR = 9,
    SKN_T_SECRET = 10,
    SKN_T_BLOB = 11,
    SKN_T_TIME = 12,
    SKN_T_DURATION = 13,
    SKN_T_SEALED = 14,
    SKN_T_COUNT /* one more than the last tag of this level */
};

/* 16 bytes, passed by value; all zero is none. */
struct skn_value {
    union {
        int64_t i; /* int, time, duration; bool as 0 or 1 */
        double r;
        const uint8_t *ptr; /* the other tags: what stands behind the size, borrowed */
    } as;
    uint32_t len; /* bytes at ptr */
    uint8_t tag;  /* enum skn_tag */
};

/* "map"; "unknown" for a tag of no value. */
const char *skn_tag_name(enum skn_tag tag);

/* --- making ----------------------------------------------------------------------------------- */

static inline struct skn_value skn_value_none(void)
{
    return (struct skn_value){.tag = SKN_T_NONE};
}

static inline struct skn_value skn_value_bool(bool b)
{
    return (struct skn_value){.as.i = b, .tag = SKN_T_BOOL};
}

static inline struct skn_value skn_value_int(int64_t i)
{
    return (struct skn_value){.as.i = i, .tag = SKN_T_INT};
}

static inline struct skn_value skn_value_time(int64_t unix_ns)
{
    return (struct skn_value){.as.i = unix_ns, .tag = SKN_T_TIME};
}

static inline struct skn_value skn_value_duration(int64_t ns)
{
    return (struct skn_value){.as.i = ns, .tag = SKN_T_DURATION};
}

/* -0.0 becomes 0.0. NaN is no value: whoever calculates asks r == r first; an infinity is one. */
struct skn_value skn_value_real(double r);

/* These borrow; at most SKN_VALUE_TEXT_MAX bytes. A string may hold any bytes (JSON refuses what
 * is not UTF-8); a symbol has at least one. */
struct skn_value skn_value_string(struct skn_slice text);
struct skn_value skn_value_bytes(struct skn_slice bytes);
struct skn_value skn_value_symbol(struct skn_slice name);

/* --- reading: each asserts the tag ------------------------------------------------------------ */

static inline enum skn_tag skn_value_tag(struct skn_value v)
{
    return (enum skn_tag)v.tag;
}

static inline bool skn_value_is(struct skn_value v, enum skn_tag tag)
{
    return v.tag == tag;
}

bool skn_value_as_bool(struct skn_value v);
int64_t skn_value_as_int(struct skn_value v);
double skn_value_as_real(struct skn_value v);
int64_t skn_value_as_time(struct skn_value v);            /* nanoseconds since 1970 */
int64_t skn_value_as_duration(struct skn_value v);        /* nanoseconds */
struct skn_slice skn_value_as_text(struct skn_value v);   /* string, bytes or symbol */
struct skn_value skn_value_as_secret(struct skn_value v); /* what it wraps */

struct skn_value_error {
    struct skn_slice code; /* a symbol, such as QUEUE_FULL */
    struct skn_slice message;
    struct skn_value data; /* none when there is no more to say */
};

struct skn_value_error skn_value_as_error(struct skn_value v);

struct skn_value_blob {
    struct skn_slice hash; /* SKN_VALUE_HASH_BYTES */
    uint64_t size;
    struct skn_slice media_type; /* may be empty */
};

struct skn_value_blob skn_value_as_blob(struct skn_value v);

/* Whether a secret is anywhere in it. O(size). */
bool skn_value_has_secret(struct skn_value v);

/* Called with each blob in it, in the order of their bytes; what is sealed is not looked into. */
typedef void (*skn_blob_in_fn)(void *ctx, struct skn_value blob);
void skn_value_blobs(struct skn_value v, skn_blob_in_fn fn, void *ctx);
bool skn_value_has_blob(struct skn_value v);

/* Whether bytes, of a value or with one somewhere in them, may have a blob: false is certain. A glance
 * that nearly never errs. */
bool skn_bytes_may_have_blob(struct skn_slice bytes);

/* What a value is sealed with: borrowed, never empty. */
struct skn_slice skn_value_as_sealed(struct skn_value v);

/* How many elements a list or entries a map has; 0 for every other value. */
uint32_t skn_value_count(struct skn_value v);

/* The element at `index`, or false behind the end. O(index). */
bool skn_list_at(struct skn_value list, uint32_t index, struct skn_value *out_value);

/* The value under `key`, or false. O(entries before it); nothing is decoded. */
bool skn_map_get(struct skn_value map, struct skn_slice key, struct skn_value *out_value);

/* Walks a list in order or a map in key order; any other value has nothing to walk. */
struct skn_value_iter {
    const uint8_t *at;
    uint32_t left;
    bool is_map;
};

struct skn_value_iter skn_value_iter(struct skn_value v);

/* False at the end. `out_key` may be NULL; for a list it becomes empty. */
bool skn_value_next(struct skn_value_iter *iter,
                    struct skn_slice *out_key,
                    struct skn_value *out_value);

/* --- bytes ------------------------------------------------------------------------------------ */

/* Says whether `bytes` are exactly one value in its canonical form. SKN_ECORRUPT: they are not,
 * `diag` says what and at which offset. O(size), for each border. */
SKN_MUST_USE enum skn_rc skn_value_check(struct skn_slice bytes, struct skn_diag *diag);

/* The value that checked bytes hold, borrowed from them. */
struct skn_value skn_value_view(struct skn_slice bytes);

#define SKN_VALUE_SEALED_MARK 0x1e

/* The same of stored bytes: one value without sealed parts, or behind a mark one that has some, and
 * no plain secret. Nobody outside may give such bytes, so skn_value_check refuses them. */
SKN_MUST_USE enum skn_rc
skn_stored_check(struct skn_slice bytes, struct skn_value *out_value, struct skn_diag *diag);

static inline bool skn_stored_is_sealed(struct skn_slice bytes)
{
    return bytes.len > 0 && bytes.ptr[0] == SKN_VALUE_SEALED_MARK;
}

/* How many bytes skn_value_encode appends. */
size_t skn_value_size(struct skn_value v);
void skn_value_encode(struct skn_value v, struct skn_buf *out);

/* Appends one whole value in the place of a secret or of something sealed. */
typedef enum skn_rc (*skn_rewrite_fn)(void *ctx, struct skn_value v, struct skn_buf *out);

/* Appends `v` with the outermost secrets and all that is sealed in it replaced, in the order of their
 * bytes. Gives the first failure of `fn`, or SKN_EFULL: the buffer's maximum; what was appended until
 * then is taken back. */
SKN_MUST_USE enum skn_rc
skn_value_rewrite(struct skn_value v, skn_rewrite_fn fn, void *ctx, struct skn_buf *out);

/* The same with nothing left of secrets but that they are there: each becomes a secret of none. */
SKN_MUST_USE enum skn_rc skn_value_mask(struct skn_value v, struct skn_buf *out);

/* How deep composites (list, map, error, secret) are nested in it; 0 for a scalar. O(size). */
uint32_t skn_value_depth(struct skn_value v);

/* --- order ------------------------------------------------------------------------------------ */

/* The total order: by tag number; then bools, ints, times and durations by size; reals by size;
 * strings, bytes, symbols and blobs bytewise, a prefix first; lists by their first difference, a
 * prefix first; maps as lists of (key, value), errors as (code, message, data), secrets by what
 * they wrap. 1 is not 1.0. Negative, 0 or positive; 0 means equal bytes. */
int skn_value_cmp(struct skn_value a, struct skn_value b);
bool skn_value_eq(struct skn_value a, struct skn_value b);

/* --- building --------------------------------------------------------------------------------- */

struct skn_builder_frame {
    size_t start;    /* offset of the tag in the buffer */
    size_t last_key; /* offset of the newest entry of a map */
    uint32_t count;
    uint8_t tag;
    bool key_set;   /* a key waits for its value */
    bool last_wins; /* of two equal keys, rather than an error */
    bool in_order;  /* keys came rising so far */
};

/* Appends one value to a buffer, which it borrows until skn_build_end. The first failure sticks,
 * later calls do nothing, and skn_build_end tells it. To use it wrongly (a value in a map without a
 * key, an end of nothing) is an assertion. */
struct skn_builder {
    struct skn_buf *out;
    size_t start; /* where the value begins in `out` */
    enum skn_rc rc;
    uint32_t depth;
    bool done;       /* the outermost value is complete */
    size_t twice_at; /* after SKN_EEXIST: offset in `out` of the entry that came again */
    char why[120];
    struct skn_builder_frame frames[SKN_VALUE_DEPTH_MAX];
};

void skn_builder_init(struct skn_builder *b, struct skn_buf *out);

/* Tells how it went. On failure nothing is left in the buffer. SKN_EEXIST: a key came twice.
 * SKN_EFULL: the buffer's maximum. SKN_ETOOLARGE: too deep, or a size over its limit.
 * SKN_EARGS: NaN or an empty symbol. The builder is as new afterwards. */
SKN_MUST_USE enum skn_rc skn_build_end(struct skn_builder *b, struct skn_diag *diag);

void skn_build_list_begin(struct skn_builder *b);
void skn_build_list_end(struct skn_builder *b);

/* Keys may come in any order; of equal keys, `last_wins` keeps the last one. */
void skn_build_map_begin(struct skn_builder *b);
void skn_build_map_begin_last_wins(struct skn_builder *b);
void skn_build_key(struct skn_builder *b, struct skn_slice key);
void skn_build_map_end(struct skn_builder *b);

/* An error is three values: code (a symbol), message (a string), data. A secret is one. */
void skn_build_error_begin(struct skn_builder *b, struct skn_slice code, struct skn_slice message);
void skn_build_error_end(struct skn_builder *b);
void skn_build_secret_begin(struct skn_builder *b);
void skn_build_secret_end(struct skn_builder *b);

/* A copy of any value. It may not borrow from the buffer that is written to. */
void skn_build_value(struct skn_builder *b, struct skn_value v);

void skn_build_none(struct skn_builder *b);
void skn_build_bool(struct skn_builder *b, bool v);
void skn_build_int(struct skn_builder *b, int64_t v);
void skn_build_real(struct skn_builder *b, double v);
void skn_build_string(struct skn_builder *b, struct skn_slice text);
void skn_build_str(struct skn_builder *b, const char *text);
void skn_build_bytes(struct skn_builder *b, struct skn_slice bytes);
void skn_build_symbol(struct skn_builder *b, struct skn_slice name);
void skn_build_time(struct skn_builder *b, int64_t unix_ns);
void skn_build_duration(struct skn_builder *b, int64_t ns);
void skn_build_blob(struct skn_builder *b,
                    const uint8_t *hash,
                    uint64_t size,
                    struct skn_slice media_type);
