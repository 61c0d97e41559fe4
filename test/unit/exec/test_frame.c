/* test_frame.c - the bytes between node and spawner. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include "exec/frame_internal.h"

static const struct skn_slice argv[] = {{(const uint8_t *)"ls", 2}, {(const uint8_t *)"-l", 2}};
static const struct skn_slice env[] = {{(const uint8_t *)"A=b", 3}};

static struct skn_exec_request sample_request(void)
{
    return (struct skn_exec_request){
        .id = 0x0102030405060708,
        .argv = argv,
        .argc = 2,
        .env = env,
        .envc = 1,
        .cwd = SKN_LIT("/w"),
        .input = SKN_LIT("i\0"),
        .stderr_path = SKN_LIT("/e"),
        .timeout_ms = 1000,
        .grace_ms = 2,
        .stdout_max = 3,
        .stderr_max = 4,
    };
}

static struct skn_exec_event sample_ended(void)
{
    return (struct skn_exec_event){
        .kind = SKN_EXEC_ENDED,
        .id = 7,
        .how = SKN_EXEC_TIMEOUT,
        .code = 15,
        .was_signalled = true,
        .wall_ms = 0x1111,
        .cpu_ms = 0x22,
        .rss_kib = 0x33,
        .stderr_bytes = 0x44,
        .output = SKN_LIT("out"),
        .err_tail = SKN_LIT("e\0"),
        .text = SKN_LIT("t"),
    };
}

/* One of each type, in the order of the drawing. */
static void put_samples(struct skn_buf *buf, size_t ends[6])
{
    struct skn_exec_request request = sample_request();
    struct skn_exec_event ended = sample_ended();
    struct skn_frame_ready ready = {5, SKN_LIT("0123456789abcdef0123456789abcdef")};
    struct skn_frame_failed failed = {SKN_EBUSY, SKN_LIT("held")};
    skn_frame_put_exec(buf, &request);
    ends[0] = buf->len;
    skn_frame_put_cancel(buf, 9);
    ends[1] = buf->len;
    skn_frame_put_ready(buf, &ready);
    ends[2] = buf->len;
    skn_frame_put_failed(buf, &failed);
    ends[3] = buf->len;
    skn_frame_put_started(buf, 7, 4711);
    ends[4] = buf->len;
    skn_frame_put_ended(buf, &ended);
    ends[5] = buf->len;
    assert_int_equal(skn_buf_rc(buf), SKN_OK);
}

static void bytes_are_those_of_the_drawing(void **state)
{
    (void)state;
    static const char golden[] =
        /* EXEC */
        "SKX\1\1\0\0\0\x53\0\0\0"
        "\x08\x07\x06\x05\x04\x03\x02\x01\xe8\x03\0\0\0\0\0\0\2\0\0\0\0\0\0\0"
        "\3\0\0\0\4\0\0\0\2\0\0\0\1\0\0\0"
        "\2\0\0\0/w\0\2\0\0\0/e\0\2\0\0\0i\0\0"
        "\2\0\0\0ls\0\2\0\0\0-l\0\3\0\0\0A=b\0"
        /* CANCEL */
        "SKX\1\2\0\0\0\x08\0\0\0\x09\0\0\0\0\0\0\0"
        /* READY */
        "SKX\1\x10\0\0\0\x24\0\0\0\5\0\0\0"
        "0123456789abcdef0123456789abcdef"
        /* FAILED */
        "SKX\1\x11\0\0\0\x0d\0\0\0\x1e\0\0\0\4\0\0\0held\0"
        /* STARTED */
        "SKX\1\x12\0\0\0\x0c\0\0\0\7\0\0\0\0\0\0\0\x67\x12\0\0"
        /* ENDED */
        "SKX\1\x13\0\0\0\x4d\0\0\0"
        "\7\0\0\0\0\0\0\0\3\0\0\0\x0f\0\0\0\1\0\0\0\0\0\0\0"
        "\x11\x11\0\0\0\0\0\0\x22\0\0\0\0\0\0\0\x33\0\0\0\0\0\0\0\x44\0\0\0\0\0\0\0"
        "\3\0\0\0out\0\2\0\0\0e\0\0\1\0\0\0t\0";
    struct skn_buf buf;
    size_t ends[6];
    skn_buf_init(&buf, 4096);
    put_samples(&buf, ends);
    for (size_t i = 0; i < buf.len && i < sizeof golden - 1; i++)
        if (buf.ptr[i] != (uint8_t)golden[i]) fail_msg("byte %zu is %02x", i, buf.ptr[i]);
    assert_int_equal(buf.len, sizeof golden - 1);
    skn_buf_fini(&buf);
}

static struct skn_slice split_one(struct skn_slice bytes, enum skn_frame_type expected)
{
    enum skn_frame_type type;
    struct skn_slice body;
    size_t used = 0;
    assert_int_equal(skn_frame_split(bytes, &type, &body, &used, NULL), SKN_OK);
    assert_int_equal(type, expected);
    assert_int_equal(used, body.len + SKN_FRAME_HEAD_BYTES);
    return body;
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct skn_buf buf;
    size_t ends[6];
    skn_buf_init(&buf, 4096);
    put_samples(&buf, ends);
    struct skn_slice all = skn_buf_slice(&buf);

    struct skn_frame_exec exec;
    assert_int_equal(skn_frame_read_exec(split_one(all, SKN_FRAME_EXEC), &exec, NULL), SKN_OK);
    assert_true(exec.id == 0x0102030405060708 && exec.timeout_ms == 1000 && exec.grace_ms == 2);
    assert_true(exec.stdout_max == 3 && exec.stderr_max == 4 && exec.argc == 2 && exec.envc == 1);
    assert_text(exec.cwd, "/w");
    assert_text(exec.stderr_path, "/e");
    assert_true(skn_slice_eq(exec.input, SKN_LIT("i\0")));
    assert_string_equal(skn_frame_next_string(&exec.strings).ptr, "ls");
    assert_string_equal(skn_frame_next_string(&exec.strings).ptr, "-l");
    assert_string_equal(skn_frame_next_string(&exec.strings).ptr, "A=b");
    assert_int_equal(exec.strings.len, 0);

    uint64_t id = 0;
    struct skn_slice body = split_one(skn_slice_from(all, ends[0]), SKN_FRAME_CANCEL);
    assert_int_equal(skn_frame_read_cancel(body, &id, NULL), SKN_OK);
    assert_int_equal(id, 9);

    struct skn_frame_ready ready;
    body = split_one(skn_slice_from(all, ends[1]), SKN_FRAME_READY);
    assert_int_equal(skn_frame_read_ready(body, &ready, NULL), SKN_OK);
    assert_int_equal(ready.swept, 5);
    assert_text(ready.mark, "0123456789abcdef0123456789abcdef");

    struct skn_frame_failed failed;
    body = split_one(skn_slice_from(all, ends[2]), SKN_FRAME_FAILED);
    assert_int_equal(skn_frame_read_failed(body, &failed, NULL), SKN_OK);
    assert_int_equal(failed.rc, SKN_EBUSY);
    assert_text(failed.text, "held");

    struct skn_exec_event event;
    body = split_one(skn_slice_from(all, ends[3]), SKN_FRAME_STARTED);
    assert_int_equal(skn_frame_read_started(body, &event, NULL), SKN_OK);
    assert_true(event.kind == SKN_EXEC_STARTED && event.id == 7 && event.pid == 4711);

    struct skn_exec_event sample = sample_ended();
    body = split_one(skn_slice_from(all, ends[4]), SKN_FRAME_ENDED);
    assert_int_equal(skn_frame_read_ended(body, &event, NULL), SKN_OK);
    assert_true(event.kind == sample.kind && event.id == sample.id && event.how == sample.how);
    assert_true(event.code == sample.code && event.was_signalled &&
                event.wall_ms == sample.wall_ms);
    assert_true(event.cpu_ms == sample.cpu_ms && event.rss_kib == sample.rss_kib);
    assert_true(event.stderr_bytes == sample.stderr_bytes);
    assert_true(skn_slice_eq(event.output, sample.output));
    assert_true(skn_slice_eq(event.err_tail, sample.err_tail));
    assert_true(skn_slice_eq(event.text, sample.text));
    skn_buf_fini(&buf);
}

static enum skn_rc read_any(enum skn_frame_type type, struct skn_slice body)
{
    struct skn_frame_exec exec;
    struct skn_frame_ready ready;
    struct skn_frame_failed failed;
    struct skn_exec_event event;
    uint64_t id = 0;
    switch (type) {
    case SKN_FRAME_EXEC: return skn_frame_read_exec(body, &exec, NULL);
    case SKN_FRAME_CANCEL: return skn_frame_read_cancel(body, &id, NULL);
    case SKN_FRAME_READY: return skn_frame_read_ready(body, &ready, NULL);
    case SKN_FRAME_FAILED: return skn_frame_read_failed(body, &failed, NULL);
    case SKN_FRAME_STARTED: return skn_frame_read_started(body, &event, NULL);
    case SKN_FRAME_ENDED: return skn_frame_read_ended(body, &event, NULL);
    }
    return SKN_EINTERNAL;
}

/* Cut anywhere a frame is "more to come"; a body cut or made longer anywhere is refused. */
static void every_cut_is_noticed(void **state)
{
    (void)state;
    struct skn_buf buf;
    size_t ends[6];
    skn_buf_init(&buf, 4096);
    put_samples(&buf, ends);
    size_t from = 0;
    for (size_t i = 0; i < 6; from = ends[i++]) {
        struct skn_slice whole = skn_slice(buf.ptr + from, ends[i] - from);
        enum skn_frame_type type;
        struct skn_slice body;
        size_t used = 0;
        for (size_t n = 0; n < whole.len; n++) {
            struct skn_slice cut = skn_slice(whole.ptr, n);
            assert_int_equal(skn_frame_split(cut, &type, &body, &used, NULL), SKN_ELATER);
        }
        assert_int_equal(skn_frame_split(whole, &type, &body, &used, NULL), SKN_OK);
        assert_int_equal(read_any(type, body), SKN_OK);
        for (size_t n = 0; n < body.len; n++)
            assert_int_equal(read_any(type, skn_slice(body.ptr, n)), SKN_ECORRUPT);
        uint8_t longer[256];
        memcpy(longer, body.ptr, body.len);
        longer[body.len] = 0;
        assert_int_equal(read_any(type, skn_slice(longer, body.len + 1)), SKN_ECORRUPT);
    }
    skn_buf_fini(&buf);
}

static void a_head_that_is_wrong_is_refused_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } heads[] = {
        {"T", 1},
        {"SKY", 3},
        {"SKX\2", 4},
        {"SKX\1\0\0\0\0\0\0\0\0", 12},
        {"SKX\1\3\0\0\0\0\0\0\0", 12},
        {"SKX\1\1\1\0\0\0\0\0\0", 12},
        {"SKX\1\1\0\0\1\0\0\0\0", 12},
        {"SKX\1\1\0\0\0\1\0\0\1", 12},
        {"SKX\1\1\0\0\0\xff\xff\xff\xff", 12},
    };
    for (size_t i = 0; i < SKN_ARRAY_LEN(heads); i++) {
        enum skn_frame_type type;
        struct skn_slice body;
        size_t used = 0;
        struct skn_diag diag = {0};
        struct skn_slice head = skn_slice(heads[i].bytes, heads[i].len);
        assert_int_equal(skn_frame_split(head, &type, &body, &used, &diag), SKN_ECORRUPT);
        assert_true(strlen(diag.text) > 0);
    }
}

/* Each field, set to what the drawing does not allow. */
static void every_field_is_checked(void **state)
{
    (void)state;
    static const struct {
        size_t frame;  /* of put_samples */
        size_t offset; /* in the body */
        uint8_t byte;
    } cases[] = {
        {0, 27, 0xff},                              /* stdout_max over its limit */
        {0, 24, 0},                                 /* stdout_max 0 */
        {0, 28, 0},    {0, 31, 0xff},               /* stderr_max */
        {0, 32, 0},    {0, 32, 1},    {0, 32, 3},   /* argc 0, and not what follows */
        {0, 35, 0xff}, {0, 36, 0},    {0, 36, 2},   /* envc likewise */
        {0, 39, 0xff}, {0, 44, 'w'},  {0, 45, 0},   /* cwd relative, with a NUL */
        {0, 46, 1},                                 /* its NUL */
        {0, 51, 'e'},  {0, 52, 0},    {0, 53, 1},   /* stderr path */
        {0, 54, 1},    {0, 57, 0xff}, {0, 60, 1},   /* length and NUL of the input */
        {0, 65, 0},    {0, 67, 9},    {0, 72, 0},   /* arguments */
        {0, 79, '='},  {0, 80, 'x'},  {0, 81, 0},   /* environment without a name */
        {2, 4, 'g'},   {2, 35, 'A'},                /* mark */
        {3, 0, 0},     {3, 0, 99},    {3, 3, 0x80}, /* result code */
        {3, 8, 0},     {3, 12, 1},                  /* text */
        {4, 11, 0x80},                              /* pid */
        {5, 8, 0},     {5, 8, 7},     {5, 11, 1},   /* how */
        {5, 13, 0x10}, {5, 16, 2},    {5, 20, 1},   /* code, was signalled, zeros */
        {5, 59, 1},    {5, 63, 1},    {5, 76, 1},   /* strings */
        {5, 75, 0},
    };
    struct skn_buf buf;
    size_t ends[6];
    skn_buf_init(&buf, 4096);
    put_samples(&buf, ends);
    for (size_t i = 0; i < SKN_ARRAY_LEN(cases); i++) {
        size_t from = cases[i].frame > 0 ? ends[cases[i].frame - 1] : 0;
        uint8_t *byte = buf.ptr + from + SKN_FRAME_HEAD_BYTES + cases[i].offset;
        uint8_t kept = *byte;
        *byte = cases[i].byte;
        enum skn_frame_type type;
        struct skn_slice body;
        size_t used = 0;
        struct skn_slice bytes = skn_slice(buf.ptr + from, ends[cases[i].frame] - from);
        assert_int_equal(skn_frame_split(bytes, &type, &body, &used, NULL), SKN_OK);
        bool is_same = kept == cases[i].byte;
        if (is_same || read_any(type, body) != SKN_ECORRUPT) {
            fail_msg("case %zu: frame %zu, offset %zu", i, cases[i].frame, cases[i].offset);
        }
        *byte = kept;
    }
    skn_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_those_of_the_drawing),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(a_head_that_is_wrong_is_refused_at_once),
        cmocka_unit_test(every_field_is_checked),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
