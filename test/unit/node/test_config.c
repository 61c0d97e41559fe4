/* test_config.c - skein.yaml: every setting, and every mistake with its line (P10). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "lib/test.h"
#include "node/config_internal.h"

#include <stdio.h>
#include <string.h>

struct parsed {
    struct skn_arena arena;
    struct skn_source source;
    struct skn_diags diags;
    struct skn_config config;
    enum skn_rc rc;
};

static void parse(struct parsed *p, const char *text)
{
    skn_arena_init(&p->arena);
    p->config = (struct skn_config){.history_ms = 77};
    assert_int_equal(
        skn_source_init(&p->source, &p->arena, SKN_LIT("skein.yaml"), skn_slice_str(text)), SKN_OK);
    skn_diags_init(&p->diags, &p->arena, &p->source);
    p->rc = skn_config_parse(&p->arena, &p->source, &p->diags, &p->config);
}

static void every_setting_is_read(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p,
          "# a project\n"
          "name: shop\n"
          "history: 90m\n"
          "secrets:\n"
          "  key_command: [pass, 'show it', skein]\n"
          "limits:\n"
          "  mailbox_messages: 20000\n"
          "  message_bytes: 512KiB\n"
          "  row_bytes: 65536\n"
          "  request_hours: 2d\n"
          "  limiter_idle_ms: 30m\n"
          "  slice_gas: 2000000000\n");
    assert_int_equal(p.rc, SKN_OK);
    assert_true(skn_slice_eq(p.config.name, SKN_LIT("shop")));
    assert_int_equal(p.config.history_ms, 90 * 60 * 1000);
    assert_null(p.config.key_file);
    assert_string_equal(p.config.key_command[0], "pass");
    assert_string_equal(p.config.key_command[1], "show it");
    assert_string_equal(p.config.key_command[2], "skein");
    assert_null(p.config.key_command[3]);
    const struct skn_core_limits wanted = {.mailbox_messages = 20000,
                                           .message_bytes = 512 << 10,
                                           .row_bytes = 65536,
                                           .request_hours = 48,
                                           .limiter_idle_ms = 30 * 60 * 1000,
                                           .slice_gas = 2000000000};
    size_t count;
    (void)skn_limit_infos(&count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(skn_limit_get(&p.config.limits, i), skn_limit_get(&wanted, i));
    skn_arena_fini(&p.arena);
}

/* Nothing said is the default; so is a key whose members are all comments. */
static void little_may_be_said(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "# nothing\n",
                                        "name: 7\n",
                                        "history: off\n",
                                        "limits:\n",
                                        "limits: {}\n",
                                        "limits:\n  # mailbox_messages: 3\n"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(texts); i++) {
        struct parsed p;
        parse(&p, texts[i]);
        if (p.rc != SKN_OK) print_error("%s: %s\n", texts[i], p.diags.entries[0].text);
        assert_int_equal(p.rc, SKN_OK);
        assert_int_equal(p.config.history_ms, 0);
        assert_true(!p.config.key_file && !p.config.key_command);
        size_t count;
        (void)skn_limit_infos(&count);
        for (size_t k = 0; k < count; k++)
            assert_int_equal(skn_limit_get(&p.config.limits, k), 0);
        skn_arena_fini(&p.arena);
    }
}

/* What is wrong is named, with its line and, where there is one, the nearest name that is known. */
static void every_mistake_is_named_with_its_line(void **state) /* P10 */
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t line;
        const char *what, *hint;
    } cases[] = {
        {"name: a\nhistroy: 1h\n", 2, "no key \"histroy\" in skein.yaml", "\"history\""},
        {"project: a\n", 1, "no key \"project\" in skein.yaml", NULL},
        {"\n\nname: [a]\n", 3, "\"name\" must be a text, not a list", NULL},
        {"name: ''\n", 1, "\"name\" must be a text", NULL},
        {"history: soon\n", 1, "a duration such as 1h, or off, not \"soon\"", NULL},
        {"history: 0s\n", 1, "a duration such as 1h", NULL},
        {"history: {}\n", 1, "not a mapping", NULL},
        {"- name\n", 1, "\"skein.yaml\" must be a mapping", NULL},
        {"name\n", 1, "\"skein.yaml\" must be a mapping", NULL},
        {"name: a\nname: b\n", 2, "name", NULL},
        {"name: &a b\n", 1, "", NULL},
        {"name: 'a\n", 2, "", NULL},
        {"secrets: { key_file: a, key_command: [b] }\n", 1, "either key_file or key_command", NULL},
        {"secrets:\n", 1, "either key_file or key_command", NULL},
        {"secrets: [a]\n", 1, "either key_file or key_command", NULL},
        {"secrets:\n  key_fiel: a\n", 2, "no key \"key_fiel\" in secrets", "\"key_file\""},
        {"secrets:\n  key_file: [a]\n", 2, "\"key_file\" must be a path", NULL},
        {"secrets:\n  key_command: cat\n", 2, "a list of 1 to 16 words", NULL},
        {"secrets:\n  key_command: []\n", 2, "a list of 1 to 16 words", NULL},
        {"secrets:\n  key_command: [a, [b]]\n", 2, "a list of 1 to 16 words", NULL},
        {"secrets:\n  key_command: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]\n",
         2,
         "a list of 1 to 16 words",
         NULL},
        {"limits: [a]\n", 1, "\"limits\" must be a mapping", NULL},
        {"limits: 3\n", 1, "\"limits\" must be a mapping", NULL},
        {"limits:\n  mailbox_mesages: 3\n",
         2,
         "no key \"mailbox_mesages\" in limits",
         "\"mailbox_messages\""},
        {"limits:\n  mailbox_messages: 0\n",
         2,
         "\"mailbox_messages\" must be a whole number from 1 to 10000000, not \"0\"",
         NULL},
        {"limits:\n  mailbox_messages: 10000001\n", 2, "from 1 to 10000000", NULL},
        {"limits:\n  mailbox_messages: -1\n", 2, "from 1 to 10000000", NULL},
        {"limits:\n  mailbox_messages: 5KiB\n", 2, "a whole number", NULL},
        {"limits:\n  mailbox_messages: 99999999999999999999\n", 2, "a whole number", NULL},
        {"limits:\n  mailbox_messages: { a: 1 }\n", 2, "not a mapping", NULL},
        {"limits:\n  message_bytes: 4095\n", 2, "from 4KiB to 1MiB, not \"4095\"", NULL},
        {"limits:\n  message_bytes: 2MiB\n", 2, "bytes or a size such as 64KiB, from 4KiB", NULL},
        {"limits:\n  message_bytes: 512kb\n", 2, "not \"512kb\"", NULL},
        {"limits:\n  request_hours: 90m\n", 2, "hours or a duration such as 2d, from 1 to", NULL},
        {"limits:\n  limiter_idle_ms: 999\n", 2, "from 1s to 30d", NULL},
        {"limits:\n  limiter_idle_ms: 1KiB\n", 2, "milliseconds or a duration", NULL},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        struct parsed p;
        parse(&p, cases[i].text);
        assert_int_equal(p.rc, SKN_ESYNTAX);
        assert_int_equal(p.config.history_ms, 77); /* nothing is given */
        assert_true(p.diags.count > 0);
        const struct skn_diag_entry *first = &p.diags.entries[0];
        uint32_t line = skn_source_place(&p.source, first->span.start).line;
        if (line != cases[i].line || !strstr(first->text, cases[i].what) ||
            (cases[i].hint && !strstr(first->hint, cases[i].hint)))
            fail_msg("%s: line %u: %s; %s", cases[i].text, line, first->text, first->hint);
        skn_arena_fini(&p.arena);
    }
}

/* Each limit takes its least and its most, as a number and as it is printed, and nothing beside them. */
static void every_limit_has_its_bounds(void **state) /* P10 */
{
    (void)state;
    size_t count;
    const struct skn_limit_info *infos = skn_limit_infos(&count);
    for (size_t i = 0; i < count; i++) {
        const struct {
            uint64_t n;
            bool fits;
        } cases[] = {{infos[i].least - 1, false},
                     {infos[i].least, true},
                     {infos[i].otherwise, true},
                     {infos[i].most, true},
                     {infos[i].most + 1, false}};
        for (size_t k = 0; k < 2 * SKN_ARRAY_LEN(cases); k++) {
            struct parsed p;
            char text[100], number[SKN_LIMIT_TEXT_MAX];
            uint64_t n = cases[k / 2].n;
            (void)skn_limit_print(k % 2 ? infos[i].unit : SKN_LIMIT_COUNT, n, number);
            (void)snprintf(text, sizeof text, "limits: { %s: %s }\n", infos[i].name, number);
            parse(&p, text);
            assert_int_equal(p.rc, cases[k / 2].fits ? SKN_OK : SKN_ESYNTAX);
            if (p.rc == SKN_OK) assert_int_equal(skn_limit_get(&p.config.limits, i), n);
            skn_arena_fini(&p.arena);
        }
    }
}

/* Bytes changed, left out and doubled at random: settings, or a mistake with a place in the text. */
static void any_bytes_are_settings_or_a_mistake(void **state) /* P10 */
{
    (void)state;
    static const char good[] = "name: shop\nhistory: 90m\nsecrets:\n  key_command: [pass, 'a b']\n"
                               "limits: { mailbox_messages: 20, message_bytes: 512KiB }\n"
                               "# the end\n";
    struct skn_rng rng;
    unsigned settings = 0;
    skn_rng_init(&rng, 11);
    for (int i = 0; i < 20000; i++) {
        struct parsed p;
        char text[2 * sizeof good];
        size_t len = sizeof good - 1;
        memcpy(text, good, len);
        for (uint64_t changes = 1 + skn_rng_below(&rng, 3); changes > 0 && len > 1; changes--) {
            size_t at = (size_t)skn_rng_below(&rng, len);
            uint64_t how = skn_rng_below(&rng, 3);
            if (how == 0) text[at] = (char)(1 + skn_rng_below(&rng, 255));
            if (how == 1) memmove(text + at, text + at + 1, --len - at);
            if (how == 2) memmove(text + at + 1, text + at, len++ - at);
        }
        text[len] = 0;
        parse(&p, text);
        settings += p.rc == SKN_OK;
        if (p.rc != SKN_OK) {
            assert_int_equal(p.rc, SKN_ESYNTAX);
            assert_true(p.diags.count > 0 && p.diags.entries[0].span.start <= len);
        }
        skn_arena_fini(&p.arena);
    }
    assert_in_range(settings, 500, 15000);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_is_read),
        cmocka_unit_test(little_may_be_said),
        cmocka_unit_test(every_mistake_is_named_with_its_line),
        cmocka_unit_test(every_limit_has_its_bounds),
        cmocka_unit_test(any_bytes_are_settings_or_a_mistake),
    };
    return cmocka_run_group_tests_name("node/config", tests, NULL, NULL);
}
