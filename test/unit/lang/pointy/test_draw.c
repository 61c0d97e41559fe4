/* test_draw.c - graphs as JSON and back, pictures, sentences: golden texts for one flow, identity
 * over generated programs.
 *
 * SKN_SEED=N repeats one seed; SKN_SOAK multiplies the count. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "pty_gen.h"
#include "pty_project.h"

#include "lang/pointy/tools.h"

enum { TEXT_MAX = 1 << 26 };

struct drawn {
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    struct skn_drawing *drawing;
    enum skn_rc rc;
};

static void draw(struct drawn *d, struct skn_slice text, const struct skn_project_events *events)
{
    skn_arena_init(&d->arena);
    d->drawing = NULL;
    assert_int_equal(skn_source_init(&d->source, &d->arena, SKN_LIT("x.pty"), text), SKN_OK);
    skn_diags_init(&d->diags, &d->arena, &d->source);
    d->rc = skn_drawing_create(&d->arena, &d->source, events, &d->diags, &d->drawing);
    skn_diags_check(&d->diags);
}

static void drawn_fini(struct drawn *d)
{
    skn_drawing_destroy(d->drawing);
    skn_arena_fini(&d->arena);
}

static const char program[] = "@input: order_id: string\n"
                              "@input: note: string? = \"-\"\n"
                              "@timeout: 2h\n"
                              "@description: \"Takes an order.\"\n"
                              "\n"
                              "Charge[amount=2.5, timeout=30s] * 3 (\n"
                              "    failure -> Notify[text=\"no\"] |-> A,\n"
                              "    success -> B || {C -> D}[retries=2] |-> Parse\n"
                              ") |-> MAP<E>[parallel=8] -> Noop\n";

static void check_golden(const char *name, struct skn_slice got)
{
    char path[4096];
    struct skn_arena arena;
    (void)snprintf(path, sizeof(path), SKN_TEST_LANG "/pointy/draw/%s", name);
    if (getenv("SKN_UPDATE")) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        (void)fwrite(got.ptr, 1, got.len, file);
        (void)fclose(file);
    }
    skn_arena_init(&arena);
    struct skn_slice expected = pty_read_file(&arena, path);
    if (!skn_slice_eq(expected, got))
        fail_msg("%s must be\n%.*s\nbut is\n%.*s", path, SKN_FMT(expected), SKN_FMT(got));
    skn_arena_fini(&arena);
}

static void json_with_places(const struct skn_drawing *d, struct skn_buf *out)
{
    skn_drawing_json(d, true, out);
    skn_buf_put_u8(out, '\n');
}

/* The same flow in every form; SKN_UPDATE=1 writes test/lang/pointy/draw anew. */
static void a_flow_has_these_forms(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        void (*fn)(const struct skn_drawing *, struct skn_buf *);
    } forms[] = {{"order.dot", skn_drawing_dot},
                 {"order.mmd", skn_drawing_mermaid},
                 {"order.txt", skn_drawing_text},
                 {"order.describe.txt", skn_drawing_describe},
                 {"order.data.txt", skn_drawing_data},
                 {"order.json", json_with_places}};
    struct pty_project project;
    struct drawn d;
    pty_project_init(&project);
    draw(&d, skn_slice_str(program), &project.events);
    assert_int_equal(d.rc, SKN_OK);
    for (size_t i = 0; i < SKN_ARRAY_LEN(forms); i++) {
        struct skn_buf out;
        skn_buf_init(&out, TEXT_MAX);
        forms[i].fn(d.drawing, &out);
        assert_int_equal(skn_buf_rc(&out), SKN_OK);
        check_golden(forms[i].name, skn_buf_slice(&out));
        skn_buf_fini(&out);
    }
    drawn_fini(&d);
    pty_project_fini(&project);
}

/* JSON, text of it, JSON of that: the same; and the formatted text has it too. False: the program is
 * refused for what it means, and nothing was looked at. */
static bool check_round(uint64_t seed, struct skn_slice text)
{
    struct drawn d;
    struct skn_buf json, again, back, laid;
    struct skn_diag diag = {0};
    draw(&d, text, NULL);
    if (d.rc != SKN_OK) {
        assert_true(d.diags.errors > 0);
        drawn_fini(&d);
        return false;
    }
    skn_buf_init(&json, TEXT_MAX);
    skn_buf_init(&again, TEXT_MAX);
    skn_buf_init(&back, TEXT_MAX);
    skn_buf_init(&laid, TEXT_MAX);
    skn_drawing_json(d.drawing, false, &json);
    assert_int_equal(skn_buf_rc(&json), SKN_OK);
    if (skn_pointy_from_json(skn_buf_slice(&json), &back, &diag) != SKN_OK)
        fail_msg("SKN_SEED=%llu: %s\n%.*s\n%s",
                 (unsigned long long)seed,
                 diag.text,
                 SKN_FMT(text),
                 skn_buf_str(&json));
    drawn_fini(&d);
    for (int i = 0; i < 2; i++) {
        struct skn_slice source = i == 0 ? skn_buf_slice(&back) : skn_buf_slice(&laid);
        draw(&d, source, NULL);
        if (d.rc != SKN_OK)
            fail_msg("SKN_SEED=%llu: refused:\n%.*s", (unsigned long long)seed, SKN_FMT(source));
        skn_buf_reset(&again);
        skn_drawing_json(d.drawing, false, &again);
        if (!skn_slice_eq(skn_buf_slice(&json), skn_buf_slice(&again))) {
            size_t at = 0; /* messages are cut: what differs first is what counts */
            while (at < json.len && at < again.len && json.ptr[at] == again.ptr[at])
                at++;
            at = at > 100 ? at - 100 : 0;
            fail_msg("SKN_SEED=%llu: %.200s\n%.200s\n",
                     (unsigned long long)seed,
                     skn_buf_str(&json) + at,
                     skn_buf_str(&again) + at);
        }
        drawn_fini(&d);
        if (i == 1) break;
        draw(&d, text, NULL);
        struct skn_diags diags;
        skn_diags_init(&diags, &d.arena, &d.source);
        assert_int_equal(skn_pointy_format(&d.source, &diags, &laid), SKN_OK);
        drawn_fini(&d);
    }
    skn_buf_fini(&json);
    skn_buf_fini(&again);
    skn_buf_fini(&back);
    skn_buf_fini(&laid);
    return true;
}

static void graph_to_text_to_graph_is_the_identity(void **state)
{
    (void)state;
    const char *given = getenv("SKN_SEED");
    const char *soak = getenv("SKN_SOAK");
    uint64_t first = given ? strtoull(given, NULL, 0) : 1;
    uint64_t count = given ? 1 : 4000 * (soak ? strtoull(soak, NULL, 0) : 1);
    uint64_t looked = 0;
    struct pty_gen g = {.plain = false};
    skn_buf_init(&g.text, TEXT_MAX);
    for (uint64_t seed = first; seed < first + count; seed++) {
        g.plain = seed % 2 == 0;
        pty_generate(&g, seed, 1 + (unsigned)(seed % 30));
        looked += check_round(seed, skn_buf_slice(&g.text));
    }
    if (!given) assert_true(looked > count / 3); /* else the generator says little */
    skn_buf_fini(&g.text);
}

/* Every form of every generated program ends, and is no longer than a multiple of its text. */
static void pictures_grow_with_the_flow(void **state)
{
    (void)state;
    struct skn_buf text, out;
    struct drawn d;
    skn_buf_init(&text, TEXT_MAX);
    for (int i = 0; i < 300; i++)
        skn_buf_printf(&text, "%sNoop", i > 0 ? " || " : "");
    skn_buf_put_str(&text, " -> ");
    for (int i = 0; i < 300; i++)
        skn_buf_printf(&text, "%s{Noop (failure -> Noop || Noop)}", i > 0 ? " || " : "");
    draw(&d, skn_buf_slice(&text), NULL);
    assert_int_equal(d.rc, SKN_OK);
    skn_buf_init(&out, TEXT_MAX);
    skn_drawing_dot(d.drawing, &out);
    assert_true(out.len < 100 * text.len); /* 300 to 300 meet in a point */
    skn_buf_reset(&out);
    skn_drawing_text(d.drawing, &out);
    assert_true(out.len < 10 * text.len);
    skn_buf_fini(&out);
    drawn_fini(&d);
    skn_buf_fini(&text);
}

static void malformed_json_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum skn_rc rc;
        const char *why;
    } cases[] = {
        {"[", SKN_ESYNTAX, "JSON"},
        {"{}", SKN_ESYNTAX, "\"pointy\""},
        {"{\"pointy\":2}", SKN_ENEWER, "level 2"},
        {"{\"pointy\":1}", SKN_ESYNTAX, "a list is missing"},
        {"{\"pointy\":1,\"bodies\":[],\"steps\":[],\"units\":[],\"branches\":[]}",
         SKN_ESYNTAX,
         "there is no flow"},
        {"{\"pointy\":1,\"bodies\":[{\"first\":0}],\"steps\":[{\"first\":0}],\"units\":[{\"kind\":"
         "\"event\",\"name\":\"A -> B\",\"step\":0}],\"branches\":[]}",
         SKN_ESYNTAX,
         "a name is none"},
        {"{\"pointy\":1,\"bodies\":[{\"first\":0}],\"steps\":[{\"first\":0}],\"units\":[{\"kind\":"
         "\"event\",\"name\":\"A\",\"step\":0,\"next\":0}],\"branches\":[]}",
         SKN_ESYNTAX,
         "in two places"},
        {"{\"pointy\":1,\"bodies\":[{\"first\":0}],\"steps\":[{\"first\":0}],\"units\":[{\"kind\":"
         "\"group\",\"body\":0,\"step\":0}],\"branches\":[]}",
         SKN_ESYNTAX,
         "in two places"},
        {"{\"pointy\":1,\"bodies\":[{\"first\":0}],\"steps\":[{\"first\":0}],\"units\":[{\"kind\":"
         "\"event\",\"name\":\"A\",\"step\":0,\"attempts\":0}],\"branches\":[]}",
         SKN_ESYNTAX,
         "is not a number of attempts"},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct skn_buf out;
        struct skn_diag diag = {0};
        skn_buf_init(&out, TEXT_MAX);
        enum skn_rc rc = skn_pointy_from_json(skn_slice_str(cases[i].json), &out, &diag);
        if (rc != cases[i].rc || !strstr(diag.text, cases[i].why))
            fail_msg("%s: %s, %s", cases[i].json, skn_rc_info(rc)->name, diag.text);
        skn_buf_fini(&out);
    }
}

static void a_diff_shows_what_changed(void **state)
{
    (void)state;
    struct skn_buf out;
    skn_buf_init(&out, 1 << 16);
    assert_true(skn_pointy_diff(SKN_LIT("a\nb\n"), SKN_LIT("a\nb\n"), &out));
    assert_string_equal(skn_buf_str(&out), "  a\n  b\n");
    skn_buf_reset(&out);
    assert_false(skn_pointy_diff(SKN_LIT("a\nb\nc\nd\n"), SKN_LIT("a\nc\nx\nd\n"), &out));
    assert_string_equal(skn_buf_str(&out), "  a\n- b\n  c\n+ x\n  d\n");
    skn_buf_reset(&out);
    assert_false(skn_pointy_diff(SKN_LIT(""), SKN_LIT("x"), &out));
    assert_string_equal(skn_buf_str(&out), "+ x\n");
    skn_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flow_has_these_forms),
        cmocka_unit_test(pictures_grow_with_the_flow),
        cmocka_unit_test(malformed_json_is_refused_by_name),
        cmocka_unit_test(a_diff_shows_what_changed),
        cmocka_unit_test(graph_to_text_to_graph_is_the_identity),
    };
    return cmocka_run_group_tests_name("pointy draw", tests, NULL, NULL);
}
