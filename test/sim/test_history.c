/* test_history.c - events as lines, and back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/rng.h"
#include "lib/test.h"
#include "sim/history.h"

#include <string.h>

static void assert_line(const struct skn_history_event *event, const char *line)
{
    struct skn_buf out;
    struct skn_arena arena;
    struct skn_history_event back;
    skn_arena_init(&arena);
    skn_buf_init(&out, 4096);
    skn_history_print(event, &out);
    assert_string_equal(skn_buf_str(&out), line);
    assert_int_equal(skn_history_parse(skn_buf_slice(&out), &arena, &back, NULL), SKN_OK);
    skn_buf_reset(&out);
    skn_history_print(&back, &out);
    assert_string_equal(skn_buf_str(&out), line);
    skn_buf_fini(&out);
    skn_arena_fini(&arena);
}

/* The lines of history.h: who records a node writes them by hand. */
static void an_event_is_one_line_as_drawn(void **state)
{
    (void)state;
    const struct skn_history_event request = {.kind = SKN_HISTORY_REQUEST,
                                              .at_ms = 120,
                                              .domain = SKN_LIT("sim:Ledger/1"),
                                              .id = SKN_LIT("q7"),
                                              .name = SKN_LIT("add"),
                                              .hash = 0x9f03,
                                              .amount = 5};
    assert_line(&request, "request at=120 dom=sim:Ledger/1 id=q7 name=add hash=9f03 amount=5");
    const struct skn_history_event reply = {
        .kind = SKN_HISTORY_REPLY, .domain = SKN_LIT("a b%\n"), .rc = SKN_EIDREUSED, .amount = -3};
    assert_line(&reply, "reply dom=a%20b%25%0a amount=-3 rc=ID_REUSED");
    const struct skn_history_event attempt = {.kind = SKN_HISTORY_ATTEMPT,
                                              .context = 4,
                                              .attempt = UINT32_MAX,
                                              .epoch = UINT64_MAX,
                                              .count = 1,
                                              .is_success = true,
                                              .is_stale = true,
                                              .is_over = true,
                                              .is_leaking = true,
                                              .key = {0xab, [15] = 1}};
    assert_line(&attempt,
                "attempt key=ab000000000000000000000000000001 context=4 attempt=4294967295 "
                "epoch=18446744073709551615 count=1 success stale over leak");
}

static enum skn_rc parse(const char *line)
{
    struct skn_arena arena;
    struct skn_history_event event;
    skn_arena_init(&arena);
    enum skn_rc rc = skn_history_parse(skn_slice_str(line), &arena, &event, NULL);
    skn_arena_fini(&arena);
    return rc;
}

static void a_line_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"nothing",
                                      "open epoch",
                                      "open epoch=",
                                      "open epoch=-1",
                                      "open epoch=1x",
                                      "open epoch=18446744073709551616",
                                      "open attempt=4294967296",
                                      "open  epoch=1",
                                      "open key=ab",
                                      "open key=zb000000000000000000000000000001",
                                      "open dom=%4",
                                      "open dom=%zz",
                                      "open rc=NOTHING",
                                      "open amount=9223372036854775808",
                                      "open amount=-",
                                      "open color=red",
                                      "open happy",
                                      "OPEN"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(bad); i++)
        if (parse(bad[i]) != SKN_ESYNTAX) fail_msg("\"%s\" is read", bad[i]);
    assert_int_equal(parse(""), SKN_ENOENT);
    assert_int_equal(parse("# a word"), SKN_ENOENT);
    assert_int_equal(parse("open"), SKN_OK);
    assert_int_equal(parse("end over at=3"), SKN_OK);
}

/* Whatever the bytes are, it ends and says so. */
static void any_bytes_are_read_or_refused(void **state)
{
    (void)state;
    static const char letters[] = "open request=dom%20at39 .-#akeyhash\n";
    struct skn_rng rng;
    skn_rng_init(&rng, 1);
    for (int i = 0; i < 20000; i++) {
        char line[64];
        size_t len = (size_t)skn_rng_below(&rng, sizeof line - 1);
        for (size_t k = 0; k < len; k++)
            line[k] = letters[skn_rng_below(&rng, sizeof letters - 1)];
        line[len] = '\0';
        (void)parse(line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_one_line_as_drawn),
        cmocka_unit_test(a_line_that_is_none_is_refused),
        cmocka_unit_test(any_bytes_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
