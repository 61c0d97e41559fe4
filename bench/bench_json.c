/* bench_json.c - reading and printing JSON beside jansson. An operation is one KiB of text. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include "base/mem.h"
#include "value/json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { OUT_MAX = 1 << 28 };

/* Documents that Debian packages bring; one that is not installed is left out and named. */
static const char *const files[] = {
    "/usr/share/iso-codes/json/iso_639-3.json",              /* iso-codes: many short strings */
    "/usr/share/iso-codes/json/iso_3166-2.json",             /* iso-codes: not only ASCII */
    "/usr/share/cmake-3.25/Help/manual/presets/schema.json", /* cmake-data: deep and indented */
};

struct work {
    char name[80];
    struct skn_buf text;
    struct skn_buf value; /* what the text reads as */
    struct skn_buf out;
    json_t *tree;
};

/* The limit: each byte is read and written once. */
static void copy_text(void *ctx)
{
    struct work *w = ctx;
    skn_buf_reset(&w->out);
    skn_buf_put(&w->out, skn_buf_slice(&w->text));
    skn_bench_keep(w->out.ptr);
}

static void parse(void *ctx)
{
    struct work *w = ctx;
    skn_buf_reset(&w->value);
    enum skn_rc rc = skn_json_parse(skn_buf_slice(&w->text), NULL, &w->value, NULL);
    SKN_ASSERT(rc == SKN_OK);
}

static void print(void *ctx)
{
    struct work *w = ctx;
    skn_buf_reset(&w->out);
    struct skn_value v = skn_value_view(skn_buf_slice(&w->value));
    enum skn_rc rc = skn_json_print(v, SKN_JSON_PLAIN, &w->out, NULL);
    SKN_ASSERT(rc == SKN_OK);
}

static void jansson_drop(void *ctx)
{
    struct work *w = ctx;
    json_decref(w->tree);
    w->tree = NULL;
}

/* As strict as ours: duplicate keys refused, any value, NUL in strings. */
static void jansson_parse(void *ctx)
{
    struct work *w = ctx;
    json_error_t error;
    w->tree = json_loadb((const char *)w->text.ptr,
                         w->text.len,
                         JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL,
                         &error);
    SKN_ASSERT(w->tree);
}

static void jansson_print(void *ctx)
{
    struct work *w = ctx;
    char *text = json_dumps(w->tree, JSON_COMPACT | JSON_ENCODE_ANY);
    SKN_ASSERT(text);
    skn_bench_keep(text);
    free(text);
}

static double copy_ns_per_kib(struct work *w)
{
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < 20; i++) {
        uint64_t began = skn_bench_now_ns();
        copy_text(w);
        uint64_t took = skn_bench_now_ns() - began;
        if (took < best) best = took;
    }
    return (double)best * 1024 / (double)w->text.len;
}

static void run_case(struct skn_bench *bench,
                     struct work *w,
                     const char *what,
                     double limit_ns,
                     struct skn_bench_case c)
{
    char name[120];
    (void)snprintf(name, sizeof name, "%s/%s", what, w->name);
    c.name = name;
    c.n = (w->text.len + 1023) / 1024;
    c.ctx = w;
    c.limit = "copying the text once";
    c.limit_ns = limit_ns;
    skn_bench_run(bench, &c);
}

static void run_document(struct skn_bench *bench, struct work *w)
{
    double limit = copy_ns_per_kib(w);
    run_case(bench, w, "parse", limit, (struct skn_bench_case){.run = parse});
    run_case(
        bench,
        w,
        "parse jansson",
        limit,
        (struct skn_bench_case){.run = jansson_parse, .before = jansson_drop, .is_peer = true});
    parse(w);
    jansson_drop(w);
    jansson_parse(w);
    run_case(bench, w, "print", limit, (struct skn_bench_case){.run = print});
    run_case(bench,
             w,
             "print jansson",
             limit,
             (struct skn_bench_case){.run = jansson_print, .is_peer = true});
    jansson_drop(w);
}

static bool read_file(const char *path, struct skn_buf *out)
{
    FILE *f = fopen(path, "rb");
    if (!f) return false;
    for (size_t n = 1; n > 0;) {
        uint8_t *p = skn_buf_reserve(out, 65536);
        SKN_ASSERT(p);
        n = fread(p, 1, 65536, f);
        skn_buf_commit(out, n);
    }
    return fclose(f) == 0 && out->len > 0;
}

/* Records as a service answers them: integers, decimals, flags, text with escapes and umlauts. */
static void make_records(struct skn_rng *rng, uint64_t n, struct skn_buf *out)
{
    skn_buf_put_str(out, "[");
    for (uint64_t i = 0; i < n; i++) {
        skn_buf_printf(out,
                       "%s{\"id\":%llu,\"name\":\"user %llu\",\"score\":%d.%02d,\"active\":%s,"
                       "\"tags\":[\"a\",\"b\"],\"text\":\"Gr\xc3\xbc\xc3\x9f"
                       "e \\\"quoted\\\"\\n\"}",
                       i > 0 ? "," : "",
                       (unsigned long long)skn_rng_u64(rng) >> 2,
                       (unsigned long long)i,
                       (int)skn_rng_below(rng, 1000),
                       (int)skn_rng_below(rng, 100),
                       skn_rng_below(rng, 2) ? "true" : "false");
    }
    skn_buf_put_str(out, "]");
}

/* Coordinates: reals of 15 to 17 digits. */
static void make_coordinates(struct skn_rng *rng, uint64_t n, struct skn_buf *out)
{
    skn_buf_put_str(out, "[");
    for (uint64_t i = 0; i < n; i++) {
        double x = (double)skn_rng_below(rng, UINT64_C(1) << 53) / 9007199254740992.0 * 360 - 180;
        skn_buf_printf(out, "%s%.17g", i > 0 ? "," : "", x);
    }
    skn_buf_put_str(out, "]");
}

static void begin(struct work *w, const char *name)
{
    const char *slash = strrchr(name, '/');
    (void)snprintf(w->name, sizeof w->name, "%s", slash ? slash + 1 : name);
    skn_buf_reset(&w->text);
}

int main(int argc, char **argv)
{
    struct skn_bench bench;
    struct work w = {.tree = NULL};
    skn_bench_init(&bench, "json", argc, argv);
    skn_buf_init(&w.text, OUT_MAX);
    skn_buf_init(&w.value, OUT_MAX);
    skn_buf_init(&w.out, OUT_MAX);
    for (size_t i = 0; i < SKN_ARRAY_LEN(files); i++) {
        begin(&w, files[i]);
        if (read_file(files[i], &w.text)) {
            run_document(&bench, &w);
        } else {
            (void)fprintf(stderr, "bench_json: %s is not installed\n", files[i]);
        }
    }
    struct skn_rng rng;
    skn_rng_init(&rng, bench.seed);
    begin(&w, "records");
    make_records(&rng, skn_bench_n(&bench, 5000), &w.text);
    run_document(&bench, &w);
    begin(&w, "coordinates");
    make_coordinates(&rng, skn_bench_n(&bench, 100000), &w.text);
    run_document(&bench, &w);
    skn_buf_fini(&w.text);
    skn_buf_fini(&w.value);
    skn_buf_fini(&w.out);
    return skn_bench_end(&bench);
}
