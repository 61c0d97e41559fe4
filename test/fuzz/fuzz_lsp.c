/* fuzz_lsp.c - any bytes to the language server; what begins with "{" is put into a frame first, each
 * line a message, so that the messages themselves are reached. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: base value lang/kit lang/pointy */
/* libs: -lyaml */
#include "fuzz/fuzz.h"
#include "lang/pointy/service.h"

/* A takes `name`, gives and exports `total`; a path with a "0" is in no project. */
static const struct skn_project_events *events_of(void *ctx, struct skn_slice path)
{
    return path.len > 0 && memchr(path.ptr, '0', path.len) ? NULL : ctx;
}

static const struct skn_project_events *project(struct skn_project_events *out)
{
    static const struct skn_slice argv[] = {{(const uint8_t *)"true", 4}};
    static const struct skn_slice total[] = {{(const uint8_t *)"total", 5}};
    static const struct skn_field name = {
        .name = {(const uint8_t *)"name", 4}, .type = SKN_TYPE_STRING, .required = true};
    static const struct skn_field given = {.name = {(const uint8_t *)"total", 5},
                                           .type = SKN_TYPE_INT,
                                           .required = true,
                                           .description = {(const uint8_t *)"sum", 3}};
    static const struct skn_event_def a = {.name = {(const uint8_t *)"A", 1},
                                           .kind = SKN_EVENT_EXEC,
                                           .version = {1, 0, 0},
                                           .argv = argv,
                                           .argc = 1,
                                           .inputs = &name,
                                           .input_count = 1,
                                           .outputs = &given,
                                           .output_count = 1,
                                           .outcomes = total,
                                           .outcome_count = 1,
                                           .exports = total,
                                           .export_count = 1,
                                           .retry = {1, 0, 1000, 0},
                                           .file = {(const uint8_t *)"/e/a.yaml", 9}};
    static const struct skn_event_def *const sorted[] = {&a};
    *out = (struct skn_project_events){.sorted = sorted, .count = 1};
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct skn_project_events known;
    struct skn_pointy_host host = {.ctx = (void *)(uintptr_t)project(&known), .events = events_of};
    const struct skn_lsp_language flows = skn_pointy_language(&host);
    const struct skn_lsp_language events = skn_event_language(NULL);
    const struct skn_lsp_language *const languages[] = {&flows, &events};
    struct skn_lsp *lsp = skn_lsp_create(languages, SKN_ARRAY_LEN(languages));
    struct skn_slice rest = skn_slice(data, size);
    struct skn_buf out, in;
    skn_buf_init(&out, (size_t)1 << 28);
    skn_buf_init(&in, (size_t)1 << 26);
    bool framed = size > 0 && data[0] == '{';
    while (framed && rest.len > 0) {
        const uint8_t *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.ptr) : rest.len;
        skn_buf_printf(&in, "Content-Length: %zu\r\n\r\n", len);
        skn_buf_put(&in, skn_slice(rest.ptr, len));
        rest = skn_slice_from(rest, end ? len + 1 : len);
    }
    enum skn_rc rc = skn_lsp_feed(lsp, framed ? skn_buf_slice(&in) : skn_slice(data, size), &out);
    SKN_ASSERT(!framed || rc == SKN_OK);
    skn_lsp_destroy(lsp);
    skn_buf_fini(&in);
    skn_buf_fini(&out);
    return 0;
}
