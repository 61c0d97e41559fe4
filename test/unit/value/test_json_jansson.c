/* test_json_jansson.c - the same verdict and the same value as jansson, over generated documents. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/test.h"
#include "value/json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { DOCUMENTS = 200000, OUT_MAX = 1 << 20 };

struct generator {
    uint64_t rng;
    struct skn_buf text;
};

static uint64_t next(struct generator *g)
{
    g->rng = g->rng * 6364136223846793005U + 1442695040888963407U;
    return g->rng >> 33;
}

static void put(struct generator *g, const char *text)
{
    skn_buf_put_str(&g->text, text);
}

static void blank(struct generator *g)
{
    static const char *const blanks[] = {"", "", "", "", " ", "\n", "\t\r ", "  "};
    put(g, blanks[next(g) % SKN_ARRAY_LEN(blanks)]);
}

static void number(struct generator *g)
{
    static const char *const edges[] = {
        "0",
        "-0",
        "-0.0",
        "1e308",
        "1.7976931348623157e308",
        "9223372036854775807",
        "1E+2",
        "1e-400",
        "5e-324",
        "2.5e-324",
        "-9223372036854775808",
        "9007199254740993.0",
        "0.1e-6",
        "1e400",
        "0e999",
        "-1.5e3",
        "9223372036854775808",
        "18446744073709551616",
    };
    uint64_t kind = next(g) % 8;
    if (kind == 0) {
        put(g, edges[next(g) % (next(g) % 8 == 0 ? SKN_ARRAY_LEN(edges) : 13)]);
        return;
    }
    if (next(g) % 3 == 0) put(g, "-");
    skn_buf_printf(&g->text, "%llu", (unsigned long long)(next(g) >> next(g) % 31));
    if (kind < 4) return;
    skn_buf_printf(&g->text, ".%llu%llu", (unsigned long long)next(g), (unsigned long long)next(g));
    if (kind < 7) return;
    skn_buf_printf(&g->text, "%c%d", next(g) % 2 ? 'e' : 'E', (int)(next(g) % 600) - 300);
}

static void string(struct generator *g)
{
    static const char *const pieces[] = {
        "a",
        "b",
        "key",
        "\\n",
        "\\u00e4",
        "\\uD834\\uDD1E",
        "\xc3\xa4",
        "\\\\",
        "\\\"",
        "\\/",
        "\xe2\x82\xac",
        "\x7f",
        "\\uFFFF",
        "\xf0\x9d\x84\x9e",
        "\\ud800",
        "\\uDC00x",
        "\xff",
        "\\u0000",
    };
    put(g, "\"");
    for (uint64_t n = next(g) % 4; n > 0; n--)
        put(g, pieces[next(g) % (next(g) % 40 == 0 ? SKN_ARRAY_LEN(pieces) : 14)]);
    put(g, "\"");
}

/* Mostly another one for each entry. */
static void key(struct generator *g, uint64_t index)
{
    if (next(g) % 8 == 0) {
        string(g);
    } else {
        skn_buf_printf(
            &g->text, "\"%c%llu\"", (char)('a' + next(g) % 26), (unsigned long long)index);
    }
}

static void value(struct generator *g, int depth)
{
    static const char *const words[] = {"true", "false", "null"};
    uint64_t kind = depth == 0 ? next(g) % 4 : next(g) % 8;
    blank(g);
    if (kind < 2) {
        number(g);
    } else if (kind == 2) {
        string(g);
    } else if (kind == 3) {
        put(g, words[next(g) % 3]);
    } else {
        bool is_map = kind < 6;
        put(g, is_map ? "{" : "[");
        uint64_t n = next(g) % 5;
        for (uint64_t i = 0; i < n; i++) {
            blank(g);
            if (i > 0) put(g, ",");
            blank(g);
            if (is_map) key(g, i);
            blank(g);
            if (is_map) put(g, ":");
            value(g, depth - 1);
        }
        blank(g);
        put(g, is_map ? "}" : "]");
    }
    blank(g);
}

/* One to three bytes changed, put in, taken out, or the end cut off. None is NUL: jansson 2.14 skips
 * it outside strings, where RFC 8259 has no such blank. */
static void mutate(struct generator *g)
{
    static const uint8_t bytes[] = "\"\\{}[],:.-+eE019 \n\tux\x01\x1f\x80\xc3\xed\xf4";
    for (uint64_t n = 1 + next(g) % 3; n > 0 && g->text.len > 0; n--) {
        size_t at = next(g) % g->text.len;
        uint8_t *p = g->text.ptr + at;
        uint64_t kind = next(g) % 8;
        if (kind < 4) {
            *p = bytes[next(g) % (sizeof bytes - 1)];
        } else if (kind < 6) {
            memmove(p, p + 1, g->text.len - at - 1);
            g->text.len--;
        } else if (kind < 7) {
            skn_buf_put_u8(&g->text, 0);
            p = g->text.ptr + at;
            memmove(p + 1, p, g->text.len - at - 1);
            *p = bytes[next(g) % (sizeof bytes - 1)];
        } else {
            g->text.len = at;
        }
    }
}

static bool same(struct skn_value v, json_t *j);

static bool same_map(struct skn_value v, json_t *j)
{
    struct skn_value_iter iter = skn_value_iter(v);
    struct skn_slice k;
    struct skn_value entry;
    if (skn_value_count(v) != json_object_size(j)) return false;
    while (skn_value_next(&iter, &k, &entry)) {
        json_t *other = json_object_getn(j, (const char *)k.ptr, k.len);
        if (!other || !same(entry, other)) return false;
    }
    return true;
}

static bool same(struct skn_value v, json_t *j)
{
    double r = json_real_value(j);
    struct skn_value element;
    switch (json_typeof(j)) {
    case JSON_NULL: return skn_value_is(v, SKN_T_NONE);
    case JSON_TRUE: return skn_value_eq(v, skn_value_bool(true));
    case JSON_FALSE: return skn_value_eq(v, skn_value_bool(false));
    case JSON_INTEGER: return skn_value_eq(v, skn_value_int(json_integer_value(j)));
    case JSON_REAL: return skn_value_eq(v, skn_value_real(r));
    case JSON_STRING:
        return skn_value_eq(
            v, skn_value_string(skn_slice(json_string_value(j), json_string_length(j))));
    case JSON_OBJECT: return skn_value_is(v, SKN_T_MAP) && same_map(v, j);
    case JSON_ARRAY:
        if (!skn_value_is(v, SKN_T_LIST) || skn_value_count(v) != json_array_size(j)) return false;
        for (uint32_t i = 0; i < skn_value_count(v); i++)
            if (!skn_list_at(v, i, &element) || !same(element, json_array_get(j, i))) return false;
        return true;
    }
    return false;
}

/* jansson 2.14 keeps keys as C strings and refuses the one escape that they cannot hold. */
static bool is_nul_in_a_key(const json_error_t *error)
{
    return json_error_code(error) == json_error_null_byte_in_key;
}

static void generated_documents_have_the_verdict_and_the_value_that_jansson_gives(void **state)
{
    (void)state;
    struct generator g = {.rng = 2026};
    struct skn_buf out;
    skn_buf_init(&g.text, OUT_MAX);
    skn_buf_init(&out, OUT_MAX);
    int accepted = 0, refused = 0, nul_keys = 0;
    for (int i = 0; i < DOCUMENTS; i++) {
        uint64_t seed = g.rng;
        skn_buf_reset(&g.text);
        skn_buf_reset(&out);
        value(&g, 3);
        if (i % 2 == 1) mutate(&g);
        struct skn_diag diag = {0};
        json_error_t error = {0};
        enum skn_rc rc = skn_json_parse(skn_buf_slice(&g.text), NULL, &out, &diag);
        json_t *j = json_loadb((const char *)g.text.ptr,
                               g.text.len,
                               JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL,
                               &error);
        if (!j && rc == SKN_OK && is_nul_in_a_key(&error)) {
            nul_keys++;
        } else if ((rc == SKN_OK) != (j != NULL) ||
                   (j && !same(skn_value_view(skn_buf_slice(&out)), j))) {
            fail_msg("seed %llu: ours \"%s\", jansson's \"%s\", of: %s",
                     (unsigned long long)seed,
                     diag.text,
                     error.text,
                     skn_buf_str(&g.text));
        }
        accepted += j != NULL;
        refused += j == NULL;
        json_decref(j);
    }
    if (accepted < DOCUMENTS / 3 || refused < DOCUMENTS / 4 || nul_keys > DOCUMENTS / 100)
        fail_msg("%d accepted, %d refused, %d with NUL in a key", accepted, refused, nul_keys);
    skn_buf_fini(&out);
    skn_buf_fini(&g.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated_documents_have_the_verdict_and_the_value_that_jansson_gives),
    };
    return cmocka_run_group_tests_name("json_jansson", tests, NULL, NULL);
}
