/* test_memory.c - what comes from outside: its sizes are refused before anything is allocated for them,
 * and when there is no memory the process stops with one line, whatever it was about to allocate
 * (base/mem.h, P10). Every allocation of ours passes here: the test is linked with --wrap. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "core/cx.h"
#include "core/rows_internal.h"
#include "lib/shard.h"
#include "lib/test.h"
#include "value/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the allocator ------------------------------------------------------------------------------------ */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *ptr, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *ptr, size_t size);

static struct {
    uint64_t calls, fails_at; /* 0: none */
    size_t largest, sum;
} seen;

static bool may(size_t size)
{
    seen.calls++;
    seen.sum += size;
    if (size > seen.largest) seen.largest = size;
    return seen.calls != seen.fails_at;
}

void *__wrap_malloc(size_t size)
{
    return may(size) ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may(count * size) ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *ptr, size_t size)
{
    return may(size) ? __real_realloc(ptr, size) : NULL;
}

static void begin_seen(uint64_t fails_at)
{
    memset(&seen, 0, sizeof seen);
    seen.fails_at = fails_at;
}

/* --- what an outsider can have us do -------------------------------------------------------------------- */

static enum skn_rc
box_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm, (void)diag;
    skn_cx_put_value(cx, SKN_LIT("last"), m->payload);
    skn_cx_reply(cx, m->payload);
    return skn_cx_rc(cx);
}

static const struct skn_program box = {.type = "Box", .module = 1, .handle = box_handle};
static const struct skn_program *const programs[] = {&box, NULL};
static struct shard shard;

static const char text[] = "{\"list\":[1,2.5,\"three\",null,{\"deep\":[[[]]]}],\"n\":-1e10}";

static void parse_json(void)
{
    struct skn_buf out;
    struct skn_diag diag;
    skn_buf_init(&out, 1 << 20);
    assert_int_equal(skn_json_parse(skn_slice_str(text), NULL, &out, &diag), SKN_OK);
    skn_buf_fini(&out);
}

static void print_json(void)
{
    struct skn_buf value, out;
    struct skn_diag diag;
    skn_buf_init(&value, 1 << 20);
    skn_buf_init(&out, 1 << 20);
    assert_int_equal(skn_json_parse(skn_slice_str(text), NULL, &value, &diag), SKN_OK);
    struct skn_json_writer w;
    skn_json_begin(&w, &out, SKN_JSON_PLAIN);
    skn_json_value(&w, skn_value_view(skn_buf_slice(&value)));
    assert_int_equal(skn_json_end(&w, &diag), SKN_OK);
    skn_buf_fini(&value);
    skn_buf_fini(&out);
}

/* A request with an id: admitted, handled, remembered, answered; and once more. */
static void request(void)
{
    struct skn_output out;
    for (uint64_t i = 0; i < 3; i++) {
        shard_submit(
            &shard, i, i < 2 ? "id" : "", "a:Box/1", "put", skn_value_string(SKN_LIT("x")));
        shard_settle(&shard);
    }
    while (shard_next(&shard, &out))
        continue;
}

/* --- tests -------------------------------------------------------------------------------------------------- */

/* In a child: how it ends, and what it says. */
static int run(void (*script)(void), uint64_t fails_at, char *said, size_t size)
{
    int ends[2], status = 0;
    size_t len = 0;
    assert_int_equal(pipe(ends), 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        begin_seen(fails_at);
        script();
        _exit(seen.calls < fails_at ? 0 : 99); /* 99: it went on although one failed */
    }
    (void)close(ends[1]);
    for (ssize_t n; (n = read(ends[0], said + len, size - 1 - len)) > 0;)
        len += (size_t)n;
    said[len] = 0;
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void each_failed_allocation_stops_the_process_with_one_line(void **state) /* rule 30 */
{
    (void)state;
    static const struct {
        const char *name;
        void (*script)(void);
    } scripts[] = {{"json", parse_json}, {"json out", print_json}, {"request", request}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(scripts); i++) {
        char said[4096];
        uint64_t k = 1;
        shard_init(&shard, programs);
        for (; k < 2000; k++) {
            int code = run(scripts[i].script, k, said, sizeof said);
            if (code == 0) break;
            if (code != 70)
                print_error("%s: allocation %d: %d %s\n", scripts[i].name, (int)k, code, said);
            assert_int_equal(code, 70);
            assert_non_null(strstr(said, "skein: out of memory ("));
            assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
        }
        assert_in_range(k, 2, 1999); /* some failed, and in the end none did */
        print_message("%s: %d allocations\n", scripts[i].name, (int)k - 1);
        shard_fini(&shard);
    }
}

/* What decoding took is bound by what came, not by what it says of itself. */
static void expect_bound(size_t came)
{
    assert_true(seen.largest <= 4 * came + (64 << 10));
    assert_true(seen.sum <= 16 * came + (512 << 10));
}

static void a_length_that_lies_allocates_nothing(void **state) /* P10 */
{
    (void)state;
    struct skn_rng rng;
    struct skn_diag diag;
    uint8_t bytes[256];
    skn_rng_init(&rng, 3);
    for (int i = 0; i < 200000; i++) {
        size_t len = skn_rng_below(&rng, sizeof bytes);
        for (size_t k = 0; k < len; k++)
            bytes[k] = skn_rng_chance(&rng, 1, 3) ? 0xff : (uint8_t)skn_rng_below(&rng, 16);
        begin_seen(0);
        struct skn_slice s = skn_slice(bytes, len);
        struct skn_message message;
        struct skn_handled handled;
        struct skn_intent_row intent;
        enum skn_rc rcs[] = {skn_value_check(s, &diag),
                             skn_message_decode(s, &message, &diag),
                             skn_handled_decode(s, &handled, &diag),
                             skn_intent_decode(s, &intent, &diag)};
        assert_true(rcs[0] == SKN_OK || rcs[0] == SKN_ECORRUPT);
        assert_int_equal(seen.calls, 0);
    }
}

static void text_takes_memory_by_its_own_length(void **state) /* P10 */
{
    (void)state;
    static const char *const parts[] = {
        "[", "{\"a\":", "\"\\u0000", "1e308,", "[[[[", "\"", "-", "]"};
    static char out[1 << 16];
    struct skn_rng rng;
    skn_rng_init(&rng, 4);
    for (int i = 0; i < 300; i++) {
        size_t len = 0, most = 1 + skn_rng_below(&rng, sizeof out - 16);
        while (len < most) {
            const char *part =
                parts[skn_rng_below(&rng, i % 2 ? SKN_ARRAY_LEN(parts) : 1 + (size_t)i % 8)];
            memcpy(out + len, part, strlen(part));
            len += strlen(part);
        }
        struct skn_buf value;
        struct skn_diag diag;
        begin_seen(0);
        skn_buf_init(&value, 64 << 20);
        enum skn_rc rc = skn_json_parse(skn_slice(out, len), NULL, &value, &diag);
        assert_true(rc != SKN_EINTERNAL);
        expect_bound(len);
        skn_buf_fini(&value);
    }
}

static void what_is_too_large_is_refused_before_it_is_copied(void **state) /* P10, DESIGN 6 */
{
    (void)state;
    static uint8_t large[(1 << 20) + 100];
    shard_init(&shard, programs);
    struct skn_request asked = {.address = SKN_LIT("a:Box/1"), .name = SKN_LIT("put")};
    struct skn_diag diag;
    asked.payload = skn_value_bytes(skn_slice(large, sizeof large));
    begin_seen(0);
    assert_int_equal(skn_core_submit(shard.core, &asked, &diag), SKN_ETOOLARGE);
    assert_int_equal(seen.calls, 0);
    asked.payload = skn_value_none();
    asked.name = skn_slice(large, sizeof large);
    assert_int_equal(skn_core_submit(shard.core, &asked, &diag), SKN_EARGS);
    asked.name = SKN_LIT("put");
    asked.id = skn_slice(large, sizeof large);
    assert_int_equal(skn_core_submit(shard.core, &asked, &diag), SKN_EARGS);
    asked.id = (struct skn_slice){0};
    asked.address = skn_slice(large, sizeof large);
    assert_int_equal(skn_core_submit(shard.core, &asked, &diag), SKN_ENOTREGISTERED);
    assert_int_equal(seen.calls, 0);
    shard_fini(&shard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failed_allocation_stops_the_process_with_one_line),
        cmocka_unit_test(a_length_that_lies_allocates_nothing),
        cmocka_unit_test(text_takes_memory_by_its_own_length),
        cmocka_unit_test(what_is_too_large_is_refused_before_it_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
