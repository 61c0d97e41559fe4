/* test_holder.c - holder and client against a fake engine; this program is its own holder. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "lib/folder.h"
#include "node/clock_internal.h"
#include "node/frame_internal.h"
#include "node/node.h"
#include "node/sock_internal.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { LINGER_MS = 60 };

struct fixture {
    struct folder folder;
    struct skn_arena arena;
    struct skn_project project;
    struct skn_client *client;
    struct skn_diag diag;
};

static int hold(int argc, char **argv)
{
    struct skn_arena arena;
    struct skn_project project;
    struct skn_diag diag;
    skn_arena_init(&arena);
    SKN_ASSERT(argc == 6);
    if (skn_project_named(&arena, argv[3], &project, &diag) != SKN_OK) return 1;
    const struct skn_holder_options options = {
        .project = &project, .ready_fd = (int)strtol(argv[5], NULL, 10), .linger_ms = LINGER_MS};
    enum skn_rc rc = skn_holder_run(&options, &diag);
    skn_arena_fini(&arena);
    return skn_rc_info(rc)->exit_code;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    folder_make(&f->folder);
    skn_arena_init(&f->arena);
    folder_write(&f->folder, "skein.yaml", "name: t\n");
    if (skn_project_find(&f->arena, f->folder.path, &f->project, NULL) != SKN_OK) return -1;
    *state = f;
    return 0;
}

static long holder_pid(const struct fixture *f)
{
    struct skn_data_dir dir;
    if (skn_data_dir_open(f->project.data_path, &dir, NULL) != SKN_OK) return 0;
    bool held = skn_data_dir_lock(&dir, SKN_HOLD_SHARED, NULL) == SKN_EBUSY;
    long pid = held ? skn_data_dir_pid(&dir) : 0;
    skn_data_dir_close(&dir);
    return pid;
}

static void wait_for_end(const struct fixture *f)
{
    for (int i = 0; i < 500 && holder_pid(f) != 0; i++)
        skn_clock_sleep(10);
    assert_int_equal(holder_pid(f), 0);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    skn_client_close(f->client);
    wait_for_end(f);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    folder_remove(&f->folder);
    skn_arena_fini(&f->arena);
    free(f);
    return 0;
}

static enum skn_rc open_client(struct fixture *f, bool write)
{
    skn_client_close(f->client);
    f->client = NULL;
    const struct skn_client_options options = {.project = &f->project, .write = write};
    return skn_client_open(&options, &f->client, &f->diag);
}

static enum skn_rc start(struct fixture *f, const char *what, bool watch)
{
    const struct skn_start_request request = {.graph = SKN_LIT("graph"),
                                              .flow = SKN_LIT("a.pty"),
                                              .source = skn_slice_str(what),
                                              .inputs = SKN_LIT("{\"a\":1}"),
                                              .labels = SKN_LIT("{}"),
                                              .watch = watch};
    return skn_client_start(f->client, &request, &f->diag);
}

static enum skn_rc next(struct fixture *f, struct skn_answer *out)
{
    enum skn_rc rc;
    while ((rc = skn_client_next(f->client, out, &f->diag)) == SKN_ELATER) {
        struct pollfd wait = {.fd = skn_client_fd(f->client), .events = POLLIN};
        if (poll(&wait, 1, 8000) == 0) fail_msg("no answer came");
    }
    return rc;
}

static void assert_status(struct skn_value view, const char *expected)
{
    struct skn_value status;
    assert_true(skn_map_get(view, SKN_LIT("status"), &status));
    struct skn_slice text = skn_value_as_text(status);
    assert_true(skn_slice_eq(text, skn_slice_str(expected)));
}

static void until_last(struct fixture *f, struct skn_answer *out)
{
    do {
        assert_int_equal(next(f, out), SKN_OK);
    } while (!out->last);
}

static void a_run_starts_a_holder_that_ends_when_idle(void **state)
{
    struct fixture *f = *state;
    struct skn_answer a;
    assert_int_equal(open_client(f, false), SKN_ENOENT);
    assert_non_null(strstr(f->diag.text, "nothing was ever run"));
    assert_int_equal(open_client(f, true), SKN_OK);
    assert_true(holder_pid(f) > 0);
    assert_int_not_equal(holder_pid(f), getpid());
    assert_int_equal(start(f, "quick", true), SKN_OK);
    assert_int_equal(next(f, &a), SKN_OK);
    assert_int_equal(a.type, SKN_ANSWER_ACCEPTED);
    assert_true(skn_slice_eq(skn_value_as_text(a.value), SKN_LIT("r1")));
    assert_false(a.last);
    until_last(f, &a);
    assert_int_equal(a.type, SKN_ANSWER_RUN);
    assert_status(a.value, "succeeded");
    skn_client_close(f->client);
    f->client = NULL;
    wait_for_end(f);
    assert_int_not_equal(access(folder_at(&f->folder, ".skein/socket"), F_OK), 0);
}

static void without_a_holder_the_data_is_read_here(void **state) /* [E81] */
{
    struct fixture *f = *state;
    struct skn_answer a;
    assert_int_equal(open_client(f, true), SKN_OK);
    assert_int_equal(start(f, "quick", true), SKN_OK);
    until_last(f, &a);
    skn_client_close(f->client);
    f->client = NULL;
    wait_for_end(f);
    assert_int_equal(open_client(f, false), SKN_OK);
    assert_int_equal(skn_client_fd(f->client), -1);
    assert_int_equal(skn_client_list(f->client, true, NULL), SKN_OK);
    assert_int_equal(next(f, &a), SKN_OK);
    assert_int_equal(a.type, SKN_ANSWER_LIST);
    assert_int_equal(skn_value_count(a.value), 1);
    assert_int_equal(skn_client_show(f->client, SKN_LIT("none"), &f->diag), SKN_ENOENT);
    assert_int_equal(holder_pid(f), 0);
}

static void a_reader_asks_the_holder_that_is_there(void **state)
{
    struct fixture *f = *state;
    struct skn_answer a;
    assert_int_equal(open_client(f, true), SKN_OK);
    assert_int_equal(start(f, "stay", false), SKN_OK);
    assert_int_equal(next(f, &a), SKN_OK);
    assert_true(a.last);
    assert_int_equal(open_client(f, false), SKN_OK);
    assert_true(skn_client_fd(f->client) >= 0);
    assert_int_equal(skn_client_show(f->client, SKN_LIT("r1"), NULL), SKN_OK);
    assert_int_equal(next(f, &a), SKN_OK);
    assert_status(a.value, "running");
    assert_int_equal(skn_client_stop(f->client, SKN_LIT("r1"), NULL), SKN_OK);
    do {
        assert_int_equal(skn_client_show(f->client, SKN_LIT("r1"), NULL), SKN_OK);
        assert_int_equal(next(f, &a), SKN_OK);
        struct skn_value status;
        assert_true(skn_map_get(a.value, SKN_LIT("status"), &status));
        if (skn_slice_eq(skn_value_as_text(status), SKN_LIT("interrupted"))) break;
        skn_clock_sleep(5);
    } while (true);
}

static void an_error_of_a_request_is_its_answer(void **state)
{
    struct fixture *f = *state;
    struct skn_answer a;
    assert_int_equal(open_client(f, true), SKN_OK);
    assert_int_equal(start(f, "bad", true), SKN_OK);
    assert_int_equal(next(f, &a), SKN_EARGS);
    assert_string_equal(f->diag.text, "no input \"n\"");
    assert_int_equal(start(f, "quick", true), SKN_OK); /* the connection lives on */
    until_last(f, &a);
    assert_int_equal(skn_client_stop(f->client, SKN_LIT("none"), NULL), SKN_OK);
    assert_int_equal(start(f, "quick", true), SKN_OK); /* what was told has no answer in between */
    until_last(f, &a);
    assert_status(a.value, "succeeded");
}

static void a_holder_that_dies_without_an_answer_is_asked_again(void **state)
{
    struct fixture *f = *state;
    struct skn_answer a;
    assert_int_equal(open_client(f, true), SKN_OK);
    assert_int_equal(start(f, "die", true), SKN_OK);
    until_last(f, &a);
    assert_status(a.value, "succeeded");
    assert_int_equal(access(folder_at(&f->folder, ".skein/fake.died"), F_OK), 0);
}

static void a_killed_holder_is_replaced_and_its_socket_too(void **state)
{
    struct fixture *f = *state;
    struct skn_answer a;
    assert_int_equal(open_client(f, true), SKN_OK);
    assert_int_equal(start(f, "stay", false), SKN_OK);
    assert_int_equal(next(f, &a), SKN_OK);
    assert_int_equal(kill((pid_t)holder_pid(f), SIGKILL), 0);
    wait_for_end(f);
    assert_int_equal(access(folder_at(&f->folder, ".skein/socket"), F_OK), 0);
    assert_int_equal(open_client(f, false), SKN_OK); /* stale: read here */
    assert_int_equal(skn_client_fd(f->client), -1);
    assert_int_equal(open_client(f, true), SKN_OK);
    assert_int_equal(skn_client_resume(f->client, SKN_LIT("r1"), true, NULL), SKN_OK);
    until_last(f, &a);
    assert_status(a.value, "succeeded");
}

static void what_opening_says_reaches_the_client(void **state)
{
    struct fixture *f = *state;
    folder_mkdir(&f->folder, ".skein");
    folder_write(&f->folder, ".skein/fake.damaged", "");
    assert_int_equal(open_client(f, true), SKN_ECORRUPT);
    assert_string_equal(f->diag.text, "segment 7 is damaged at 4096");
}

static void a_lock_without_a_socket_is_waited_for(void **state)
{
    struct fixture *f = *state;
    struct skn_data_dir dir;
    struct skn_answer a;
    assert_int_equal(skn_data_dir_create(f->project.data_path, &dir, NULL), SKN_OK);
    assert_int_equal(skn_data_dir_lock(&dir, SKN_HOLD_EXCLUSIVE, NULL), SKN_OK);
    pid_t child = fork();
    if (child == 0) {
        skn_clock_sleep(400);
        _exit(0);
    }
    skn_data_dir_close(&dir); /* the child has it still */
    uint64_t began = skn_clock_ms();
    assert_int_equal(open_client(f, true), SKN_OK);
    assert_true(skn_clock_ms() - began >= 300);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(start(f, "quick", true), SKN_OK);
    until_last(f, &a);
}

/* What a client without our library sends and gets. */
static int raw_connect(const struct fixture *f)
{
    struct skn_data_dir dir;
    int fd;
    assert_int_equal(skn_data_dir_open(f->project.data_path, &dir, NULL), SKN_OK);
    assert_int_equal(skn_sock_connect(&dir, &fd, NULL), SKN_OK);
    skn_data_dir_close(&dir);
    return fd;
}

static void raw_send(int fd, const char *json)
{
    struct skn_buf frame;
    skn_buf_init(&frame, 1 << 20);
    skn_frame_put(&frame, skn_slice_str(json));
    assert_int_equal(send(fd, frame.ptr, frame.len, MSG_NOSIGNAL), frame.len);
    skn_buf_fini(&frame);
}

/* One frame as text, or false at the end of the stream. */
static bool raw_next(int fd, struct skn_buf *in, char *out, size_t size)
{
    for (;;) {
        struct skn_slice body;
        size_t used;
        if (skn_frame_next(skn_buf_slice(in), &body, &used, NULL) == SKN_OK) {
            assert_true(body.len < size);
            memcpy(out, body.ptr, body.len);
            out[body.len] = 0;
            memmove(in->ptr, in->ptr + used, in->len - used);
            in->len -= used;
            return true;
        }
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&wait, 1, 8000), 1);
        uint8_t *room = skn_buf_reserve(in, 4096);
        ssize_t n = recv(fd, room, 4096, 0);
        if (n <= 0) return false;
        skn_buf_commit(in, (size_t)n);
    }
}

static void nonsense_from_a_client_hurts_nobody_else(void **state)
{
    struct fixture *f = *state;
    char text[4096];
    struct skn_buf in;
    skn_buf_init(&in, 1 << 20);
    assert_int_equal(open_client(f, true), SKN_OK);
    int fd = raw_connect(f);
    raw_send(fd, "{\"id\":");
    assert_true(raw_next(fd, &in, text, sizeof(text)));
    assert_non_null(strstr(text, "\"code\":\"SYNTAX\""));
    raw_send(fd, "[1]");
    assert_true(raw_next(fd, &in, text, sizeof(text)));
    assert_non_null(strstr(text, "\"code\":\"USAGE\""));
    raw_send(fd, "{\"id\":7,\"type\":\"show\",\"run\":\"x\"}");
    assert_true(raw_next(fd, &in, text, sizeof(text)));
    assert_non_null(strstr(text, "\"id\":7"));
    assert_non_null(strstr(text, "\"exit\":66"));
    assert_int_equal(send(fd, "\xff\xff\xff\xff", 4, MSG_NOSIGNAL), 4);
    assert_true(raw_next(fd, &in, text, sizeof(text)));
    assert_non_null(strstr(text, "\"code\":\"CORRUPT\""));
    assert_false(raw_next(fd, &in, text, sizeof(text)));
    (void)close(fd);
    skn_buf_fini(&in);
    struct skn_answer a;
    assert_int_equal(start(f, "quick", true), SKN_OK);
    until_last(f, &a);
}

static void a_client_that_does_not_read_delays_nobody_and_sees_the_newest(void **state)
{
    struct fixture *f = *state;
    struct skn_answer a;
    assert_int_equal(open_client(f, true), SKN_OK);
    int fd = raw_connect(f);
    raw_send(
        fd,
        "{\"type\":\"start\",\"id\":1,\"source\":\"flood\",\"watch\":true,\"request_id\":\"q\"}");
    char text[4096];
    struct skn_buf in;
    skn_buf_init(&in, 1 << 20);
    assert_true(raw_next(fd, &in, text, sizeof(text))); /* accepted, so it is r1 */
    assert_int_equal(start(f, "quick", true), SKN_OK);
    until_last(f, &a);
    assert_status(a.value, "succeeded");
    do { /* the flood is over before one of its views was read */
        skn_clock_sleep(5);
        assert_int_equal(skn_client_show(f->client, SKN_LIT("r1"), NULL), SKN_OK);
        assert_int_equal(next(f, &a), SKN_OK);
    } while (skn_map_get(a.value, SKN_LIT("ended"), &a.value) && skn_value_is(a.value, SKN_T_NONE));
    int views = 0;
    do {
        assert_true(raw_next(fd, &in, text, sizeof(text)));
        views++;
    } while (!strstr(text, "\"final\":true"));
    assert_in_range(views, 2, 2900);
    (void)close(fd);
    skn_buf_fini(&in);
}

static void one_client_too_many_is_told_to_come_again(void **state)
{
    struct fixture *f = *state;
    struct skn_answer a;
    int fds[SKN_CLIENTS_MAX + 1];
    assert_int_equal(open_client(f, true), SKN_OK);
    assert_int_equal(start(f, "quick", true), SKN_OK);
    until_last(f, &a);
    for (int i = 0; i < SKN_CLIENTS_MAX; i++)
        fds[i] = raw_connect(f);
    char text[4096];
    struct skn_buf in;
    skn_buf_init(&in, 1 << 20);
    assert_true(raw_next(fds[SKN_CLIENTS_MAX - 1], &in, text, sizeof(text)));
    assert_non_null(strstr(text, "RATE_LIMITED"));
    assert_false(raw_next(fds[SKN_CLIENTS_MAX - 1], &in, text, sizeof(text)));
    for (int i = 0; i < SKN_CLIENTS_MAX; i++)
        (void)close(fds[i]);
    skn_buf_fini(&in);
    assert_int_equal(start(f, "quick", true), SKN_OK);
    until_last(f, &a);
}

static void twenty_at_once_share_one_holder(void **state)
{
    struct fixture *f = *state;
    enum { CLIENTS = 20 };
    pid_t pids[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        pids[i] = fork();
        if (pids[i] != 0) continue;
        struct skn_answer a;
        enum skn_rc rc = open_client(f, true);
        if (rc == SKN_OK) rc = start(f, "quick", true);
        while (rc == SKN_OK && (rc = next(f, &a)) == SKN_OK && !a.last)
            continue;
        if (rc != SKN_OK) (void)fprintf(stderr, "%s\n", f->diag.text);
        _exit(rc == SKN_OK ? 0 : 1);
    }
    for (int i = 0; i < CLIENTS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(open_client(f, false), SKN_OK);
    struct skn_answer a;
    assert_int_equal(skn_client_list(f->client, true, NULL), SKN_OK);
    assert_int_equal(next(f, &a), SKN_OK);
    assert_int_equal(skn_value_count(a.value), CLIENTS);
}

static void a_stream_of_clients_never_falls_between_two_holders(void **state)
{
    struct fixture *f = *state;
    struct skn_answer a;
    for (int i = 0; i < 30; i++) {
        assert_int_equal(open_client(f, true), SKN_OK);
        assert_int_equal(start(f, "quick", true), SKN_OK);
        until_last(f, &a);
        skn_client_close(f->client);
        f->client = NULL;
        skn_clock_sleep(LINGER_MS - 8 + (uint32_t)(i % 16)); /* around its end */
    }
}

static void a_signal_ends_it_and_the_reader_goes_on_alone(void **state)
{
    struct fixture *f = *state;
    struct skn_answer a;
    assert_int_equal(open_client(f, true), SKN_OK);
    assert_int_equal(start(f, "stay", false), SKN_OK);
    assert_int_equal(next(f, &a), SKN_OK);
    assert_int_equal(open_client(f, false), SKN_OK);
    assert_int_equal(kill((pid_t)holder_pid(f), SIGTERM), 0);
    wait_for_end(f);
    assert_int_equal(skn_client_list(f->client, true, NULL), SKN_OK);
    assert_int_equal(next(f, &a), SKN_OK);
    assert_int_equal(skn_client_fd(f->client), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "_hold") == 0) return hold(argc, argv);
    const struct CMUnitTest tests[] = {
        TEST(a_run_starts_a_holder_that_ends_when_idle),
        TEST(without_a_holder_the_data_is_read_here),
        TEST(a_reader_asks_the_holder_that_is_there),
        TEST(an_error_of_a_request_is_its_answer),
        TEST(a_holder_that_dies_without_an_answer_is_asked_again),
        TEST(a_killed_holder_is_replaced_and_its_socket_too),
        TEST(what_opening_says_reaches_the_client),
        TEST(a_lock_without_a_socket_is_waited_for),
        TEST(nonsense_from_a_client_hurts_nobody_else),
        TEST(a_client_that_does_not_read_delays_nobody_and_sees_the_newest),
        TEST(one_client_too_many_is_told_to_come_again),
        TEST(twenty_at_once_share_one_holder),
        TEST(a_stream_of_clients_never_falls_between_two_holders),
        TEST(a_signal_ends_it_and_the_reader_goes_on_alone),
    };
    return cmocka_run_group_tests_name("holder", tests, NULL, NULL);
}
