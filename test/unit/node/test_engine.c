/* test_engine.c - an engine on the real machine: flows of programs, kills, readers. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "env/env_real.h"
#include "lang/pointy/pointy.h"
#include "lib/folder.h"
#include "node/base64_internal.h"
#include "node/engine.h"
#include "value/json.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

struct world {
    struct folder folder;
    struct skn_arena arena;
    struct skn_engine *engine;
    struct skn_diag diag;
    struct skn_buf json;
    const char *data_dir;
};

static void world_init(struct world *w)
{
    *w = (struct world){0};
    folder_make(&w->folder);
    folder_mkdir(&w->folder, ".skein");
    w->data_dir = strdup(folder_at(&w->folder, ".skein"));
    skn_arena_init(&w->arena);
    skn_buf_init(&w->json, 16 << 20);
}

static void world_open(struct world *w, bool read_only, bool take_up_all)
{
    const struct skn_engine_options options = {.env = skn_env_real(),
                                               .data_dir = skn_slice_str(w->data_dir),
                                               .project_dir = skn_slice_str(w->folder.path),
                                               .read_only = read_only,
                                               .take_up_all = take_up_all};
    enum skn_rc rc = skn_engine_open(&options, &w->engine, &w->diag);
    if (rc != SKN_OK) print_error("%s\n", w->diag.text);
    assert_int_equal(rc, SKN_OK);
}

static void world_close(struct world *w)
{
    skn_engine_close(w->engine);
    w->engine = NULL;
}

static void world_fini(struct world *w)
{
    world_close(w);
    folder_remove(&w->folder);
    skn_arena_fini(&w->arena);
    skn_buf_fini(&w->json);
    free((void *)(uintptr_t)w->data_dir);
}

static const char events_text[] =
    "event: %s\nversion: 1.0.0\ndescription: A test.\ninputs: { previous: { type: any, default: "
    "null }, n: { type: any, default: null } }\n"
    "run: { exec: [sh, -c, \"%s\"] }\ntimeout: %s\n";

/* Compiles a flow over events {name, shell, timeout} and gives its graph in base64. */
static const char *
graph_of(struct world *w, const char *flow, const char *const (*events)[3], size_t n)
{
    const struct skn_event_def **defs = skn_arena_zero(&w->arena, n + 1, sizeof *defs);
    struct skn_source source;
    struct skn_diags *diags = skn_arena_alloc(&w->arena, sizeof *diags);
    struct skn_project_events all;
    const struct skn_graph *graph = NULL;
    for (size_t i = 0; i < n; i++) {
        const char *text =
            skn_arena_printf(&w->arena, events_text, events[i][0], events[i][1], events[i][2]);
        assert_int_equal(
            skn_source_init(&source, &w->arena, SKN_LIT("e.yaml"), skn_slice_str(text)), SKN_OK);
        skn_diags_init(diags, &w->arena, &source);
        assert_int_equal(skn_event_parse(&w->arena, &source, diags, &defs[i]), SKN_OK);
    }
    assert_int_equal(skn_project_events_init(&all, &w->arena, defs, n, &w->diag), SKN_OK);
    assert_int_equal(skn_source_init(&source, &w->arena, SKN_LIT("f.pty"), skn_slice_str(flow)),
                     SKN_OK);
    skn_diags_init(diags, &w->arena, &source);
    enum skn_rc rc = skn_pointy_compile(&w->arena, &source, &all, diags, &graph);
    if (rc != SKN_OK) {
        skn_buf_reset(&w->json);
        skn_diags_render(diags, &w->json);
        print_error("%s\n", skn_buf_str(&w->json));
    }
    assert_int_equal(rc, SKN_OK);
    struct skn_buf bytes, text;
    skn_buf_init(&bytes, 1 << 20);
    skn_buf_init(&text, 2 << 20);
    assert_int_equal(skn_graph_encode(graph, &bytes), SKN_OK);
    skn_base64_put(&text, skn_buf_slice(&bytes));
    const char *out = skn_arena_printf(&w->arena, "%.*s", (int)text.len, (const char *)text.ptr);
    skn_buf_fini(&bytes);
    skn_buf_fini(&text);
    return out;
}

static void ask(struct world *w, const char *json)
{
    skn_buf_reset(&w->json);
    assert_int_equal(skn_json_parse(skn_slice_str(json), NULL, &w->json, &w->diag), SKN_OK);
    enum skn_rc rc =
        skn_engine_request(w->engine, 1, skn_value_view(skn_buf_slice(&w->json)), &w->diag);
    if (rc != SKN_OK) print_error("%s\n", w->diag.text);
    assert_int_equal(rc, SKN_OK);
}

static void start(struct world *w, const char *graph, const char *request_id)
{
    ask(w,
        skn_arena_printf(&w->arena,
                         "{\"type\":\"start\",\"id\":1,\"request_id\":\"%s\",\"graph\":\"%s\","
                         "\"flow\":\"f.pty\","
                         "\"name\":\"n\",\"inputs\":{},\"labels\":{},\"watch\":true}",
                         request_id,
                         graph));
}

static bool one_turn(struct world *w, int wait_ms)
{
    int timeout = skn_engine_timeout_ms(w->engine);
    if (timeout < 0 || timeout > wait_ms) timeout = wait_ms;
    struct pollfd fds[] = {
        {.fd = skn_engine_fd(w->engine), .events = skn_engine_poll_events(w->engine)},
        {.fd = skn_engine_wake_fd(w->engine), .events = POLLIN}};
    (void)poll(fds, 2, timeout);
    enum skn_rc rc = skn_engine_turn(w->engine, &w->diag);
    if (rc != SKN_OK) print_error("%s\n", w->diag.text);
    return rc == SKN_OK;
}

/* The next answer that has `part` in it; what comes before is passed over. */
static const char *answer(struct world *w, const char *part)
{
    for (int i = 0; i < 2000; i++) {
        uint64_t client;
        struct skn_slice json;
        while (skn_engine_next_answer(w->engine, &client, &json)) {
            const char *text = skn_arena_printf(&w->arena, "%.*s", SKN_FMT(json));
            if (strstr(text, part)) return text;
        }
        assert_true(one_turn(w, 20));
    }
    fail_msg("no answer with %s", part);
    return NULL;
}

static void assert_part(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("no %s in %s", part, text);
}

static void a_flow_of_programs_runs_and_says_what_came_of_it(void **state) /* F32 F11 F19 */
{
    (void)state;
    struct world w;
    world_init(&w);
    world_open(&w, false, false);
    static const char *const events[][3] = {
        {"Env",
         "cat >&2; echo $SKEIN_ATTEMPT-$SKEIN_EPOCH-${#SKEIN_IDEMPOTENCY_KEY}-${#TRACEPARENT}; ls "
         "-d $SKEIN_TMP >&2",
         "5s"},
        {"Sum", "cat", "5s"},
        {"Bad", "echo gone wrong >&2; exit 3", "5s"},
    };
    start(&w, graph_of(&w, "Env |-> Sum", events, 3), "a");
    const char *view = answer(&w, "\"final\":true");
    assert_part(view, "\"status\":\"succeeded\"");
    assert_part(view, "\"result\":{\"n\":null,\"previous\":\"1-1-32-55\"}");
    assert_true(skn_engine_idle(w.engine) || one_turn(&w, 1));
    start(&w, graph_of(&w, "Bad", events, 3), "b");
    view = answer(&w, "\"final\":true");
    assert_part(view, "\"status\":\"failed\"");
    assert_part(view, "\"reason\":\"exit:3\"");
    assert_part(view, "\"code\":\"EXECUTION_FAILED\"");
    ask(&w, "{\"type\":\"status\",\"id\":9,\"metrics\":true}");
    const char *status = answer(&w, "\"metrics\"");
    assert_part(status, "skein_programs_ended_total{exit=\\\"nonzero\\\"} 1");
    assert_part(status, "skein_runs_ended_total{status=\\\"succeeded\\\"} 1");
    char *log = folder_read(&w.folder, ".skein/holder.log");
    assert_part(log, "signal=node_opened");
    assert_part(log, "event=Bad");
    assert_part(log, "reason=exit:3");
    free(log);
    world_fini(&w);
}

static void what_ends_a_program_is_named(void **state) /* F12 F15 F32 */
{
    (void)state;
    struct world w;
    world_init(&w);
    world_open(&w, false, false);
    static const char *const events[][3] = {
        {"Slow", "sleep 20", "200ms"},
        {"Big", "head -c 2000000 /dev/zero", "5s"},
        {"Killed", "kill -9 $$", "5s"},
        {"Bytes", "printf '\\\\377\\\\376'", "5s"},
    };
    static const struct {
        const char *flow, *part;
    } cases[] = {{"Slow", "\"reason\":\"timeout\""},
                 {"Big", "\"reason\":\"TOO_LARGE"},
                 {"Killed", "\"reason\":\"signal:9\""},
                 {"Bytes", "\"result\":\"//4=\""}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        start(&w, graph_of(&w, cases[i].flow, events, 4), cases[i].flow);
        assert_part(answer(&w, "\"final\":true"), cases[i].part);
    }
    world_fini(&w);
}

static size_t lines_with(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        n++;
    return n;
}

/* A group that is tried again runs its tasks under other keys, and each has a log of its own. */
static void attempts_of_a_group_have_their_own_logs(void **state) /* F15 F32 */
{
    (void)state;
    struct world w;
    world_init(&w);
    world_open(&w, false, false);
    static const char *const events[][3] = {
        {"Twice", "echo x >> twice; wc -l < twice >&2; [ $(wc -l < twice) = 2 ]", "5s"}};
    start(&w, graph_of(&w, "{Twice}[retries=2]", events, 1), "a");
    const char *view = answer(&w, "\"final\":true");
    assert_part(view, "\"status\":\"succeeded\"");
    assert_int_equal(lines_with(view, "\"log\":\".skein/logs/"), 2);
    for (int i = 1; i <= 2; i++) {
        const char *at = strstr(view, "\"log\":\"") + strlen("\"log\":\"");
        char *log =
            folder_read(&w.folder, skn_arena_printf(&w.arena, "%.*s", (int)strcspn(at, "\""), at));
        assert_non_null(log);
        assert_string_equal(log, i == 1 ? "1\n" : "2\n");
        free(log);
        view = at;
    }
    world_fini(&w);
}

static void inputs_that_are_too_large_are_the_callers_fault(void **state) /* [E83] */
{
    (void)state;
    struct world w;
    world_init(&w);
    world_open(&w, false, false);
    static const char *const events[][3] = {{"Cat", "cat", "5s"}};
    char *big = calloc(1, (1 << 20) + 1);
    memset(big, 'x', 1 << 20);
    const char *json =
        skn_arena_printf(&w.arena,
                         "{\"type\":\"start\",\"id\":1,\"request_id\":\"b\",\"graph\":"
                         "\"%s\",\"inputs\":{\"x\":\"%s\"}}",
                         graph_of(&w, "Cat", events, 1),
                         big);
    skn_buf_reset(&w.json);
    assert_int_equal(skn_json_parse(skn_slice_str(json), NULL, &w.json, &w.diag), SKN_OK);
    enum skn_rc rc =
        skn_engine_request(w.engine, 1, skn_value_view(skn_buf_slice(&w.json)), &w.diag);
    assert_int_equal(rc, SKN_EARGS);
    assert_part(w.diag.text, "1 MiB is the limit");
    free(big);
    world_fini(&w);
}

static void the_same_request_starts_one_run(void **state) /* [E34] */
{
    (void)state;
    struct world w;
    world_init(&w);
    world_open(&w, false, false);
    static const char *const events[][3] = {{"Mark", "echo x >> mark", "5s"}};
    const char *graph = graph_of(&w, "Mark", events, 1);
    start(&w, graph, "same");
    (void)answer(&w, "\"final\":true");
    world_close(&w);
    world_open(&w, false, false);
    start(&w, graph, "same");
    (void)answer(&w, "\"final\":true");
    char *mark = folder_read(&w.folder, "mark");
    assert_string_equal(mark, "x\n");
    free(mark);
    world_fini(&w);
}

/* A child process is the node; it is killed while its second task runs. */
static void killed_in_the_middle_it_goes_on_where_it_stood(void **state) /* [E41] [E42] [E43b] P5 */
{
    (void)state;
    struct world w;
    world_init(&w);
    static const char *const events[][3] = {
        {"One", "echo one $SKEIN_IDEMPOTENCY_KEY >> ran", "5s"},
        {"Two", "echo two $SKEIN_IDEMPOTENCY_KEY >> ran; [ -e go ] || sleep 30", "60s"},
        {"Three", "echo three $SKEIN_IDEMPOTENCY_KEY >> ran", "5s"},
    };
    const char *graph = graph_of(&w, "One -> Two -> Three", events, 3);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        world_open(&w, false, false);
        start(&w, graph, "k");
        for (;;)
            if (!one_turn(&w, 100)) _exit(1);
    }
    for (int i = 0; i < 1000; i++) {
        char *ran = folder_read(&w.folder, "ran");
        bool is_there = ran && strstr(ran, "two");
        free(ran);
        if (is_there) break;
        (void)poll(NULL, 0, 10);
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);

    world_open(&w, true, false); /* looking changes nothing */
    ask(&w, "{\"type\":\"list\",\"id\":2,\"all\":false}");
    assert_part(answer(&w, "\"runs\""), "\"status\":\"interrupted\"");
    world_close(&w);

    folder_write(&w.folder, "go", "");
    world_open(&w, false, false);
    for (int i = 0; i < 5; i++)
        assert_true(one_turn(&w, 1));
    ask(&w, "{\"type\":\"show\",\"id\":3,\"run\":\"n\"}");
    assert_part(answer(&w, "\"contexts\""), "\"status\":\"interrupted\""); /* not taken up [E81] */
    ask(&w, "{\"type\":\"resume\",\"id\":4,\"run\":\"last\",\"watch\":true}");
    const char *view = answer(&w, "\"final\":true");
    assert_part(view, "\"status\":\"succeeded\"");
    char one[64], two[64], again[64], three[64];
    char *ran = folder_read(&w.folder, "ran");
    assert_int_equal(sscanf(ran, "one %63s two %63s two %63s three %63s", one, two, again, three),
                     4);
    assert_string_equal(two, again);
    assert_string_not_equal(one, two);
    assert_string_not_equal(two, three);
    free(ran);
    world_fini(&w);
}

static void stop_waits_and_leave_cuts_off(void **state) /* [E81] */
{
    (void)state;
    struct world w;
    world_init(&w);
    world_open(&w, false, false);
    static const char *const events[][3] = {{"Short", "echo a > began; sleep 0.3", "60s"},
                                            {"Long", "echo b > began2; sleep 30", "60s"}};
    start(&w, graph_of(&w, "Short -> Long", events, 2), "s");
    (void)answer(&w, "\"status\":\"running\"");
    ask(&w, "{\"type\":\"stop\",\"id\":0,\"run\":\"last\"}");
    assert_part(answer(&w, "\"final\":true"), "\"status\":\"interrupted\"");
    ask(&w, "{\"type\":\"resume\",\"id\":2,\"run\":\"last\",\"watch\":true}");
    for (int i = 0; i < 500 && access(folder_at(&w.folder, "began2"), F_OK) != 0; i++)
        assert_true(one_turn(&w, 10));
    ask(&w, "{\"type\":\"leave\",\"id\":0,\"run\":\"last\"}");
    const char *view = answer(&w, "\"final\":true");
    assert_part(view, "\"status\":\"interrupted\"");
    world_fini(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flow_of_programs_runs_and_says_what_came_of_it),
        cmocka_unit_test(what_ends_a_program_is_named),
        cmocka_unit_test(attempts_of_a_group_have_their_own_logs),
        cmocka_unit_test(inputs_that_are_too_large_are_the_callers_fault),
        cmocka_unit_test(the_same_request_starts_one_run),
        cmocka_unit_test(killed_in_the_middle_it_goes_on_where_it_stood),
        cmocka_unit_test(stop_waits_and_leave_cuts_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
