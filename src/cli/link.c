/* link.c - a command's way to the data of a project: asks, waits, says why not. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/link_internal.h"

#include "base/hlc.h"
#include "cli/load_internal.h"
#include "cli/terminal_internal.h"
#include "cli/view_internal.h"
#include "env/env_real.h"
#include "value/json.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 64 << 20, TICK_MS = 1000, ADDRESS_MAX = 512 };

enum skn_rc skn_link_open(struct skn_link *link, bool write)
{
    const char *named = skn_args_value(&link->cli->args, SKN_OPTION_PROJECT);
    enum skn_rc rc = skn_load_project(&link->cli->arena, named, ".", &link->project, &link->diag);
    if (rc != SKN_OK) return rc;
    /* A folder that is no project gets no data by being asked about. */
    bool is_ours = link->project.has_config || skn_project_has_data(&link->project);
    const struct skn_client_options options = {
        .env = skn_env_real(), .project = &link->project, .write = write && is_ours};
    rc = skn_client_open(&options, &link->client, &link->diag);
    if (rc == SKN_ENOENT && !link->project.has_config)
        return SKN_FAIL(
            &link->diag,
            rc,
            "nothing was ever run in \"%s\", and it is no project; skein init makes one",
            link->project.root);
    return rc;
}

enum skn_rc skn_link_ask(struct skn_link *link,
                         const struct skn_query *query,
                         int64_t wait_ms,
                         struct skn_value *out_value)
{
    struct skn_answer answer;
    int64_t until = skn_terminal_now_ms() + wait_ms;
    enum skn_rc rc = skn_client_query(link->client, query, &link->diag);
    if (rc != SKN_OK) return rc;
    while ((rc = skn_client_next(link->client, &answer, &link->diag)) == SKN_ELATER) {
        int64_t left = wait_ms < 0 ? TICK_MS : until - skn_terminal_now_ms();
        if (left <= 0) return SKN_ELATER;
        struct pollfd wait = {.fd = skn_client_fd(link->client), .events = POLLIN};
        (void)poll(&wait, 1, left < TICK_MS ? (int)left : TICK_MS);
    }
    if (rc == SKN_OK) *out_value = answer.value;
    return rc;
}

int skn_link_close(struct skn_link *link, enum skn_rc rc)
{
    skn_client_close(link->client);
    link->diag.rc = rc;
    return rc == SKN_OK ? 0 : skn_out_fail(&link->cli->out, &link->diag);
}

enum skn_rc skn_link_address(struct skn_link *link, uint32_t index, struct skn_slice *out_address)
{
    const char *text = link->cli->args.operands[index];
    const char *colon = strchr(text, ':');
    const char *slash = colon ? strchr(colon + 1, '/') : NULL;
    *out_address = skn_slice_str(text);
    if (colon && slash && slash > colon + 1 && slash[1] && out_address->len <= ADDRESS_MAX)
        return SKN_OK;
    return SKN_FAIL(&link->diag,
                    SKN_EUSAGE,
                    "\"%.100s\" is no address: scope:Type/key of at most %d bytes, such as "
                    "local:Run/%s",
                    text,
                    ADDRESS_MAX,
                    "r1");
}

enum skn_rc
skn_link_count(struct skn_link *link, enum skn_option option, int64_t otherwise, int64_t *out_count)
{
    const char *text = skn_args_value(&link->cli->args, option);
    char *end = NULL;
    *out_count = otherwise;
    if (!text) return SKN_OK;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == 0) {
        *out_count = n;
        return SKN_OK;
    }
    return SKN_FAIL(&link->diag,
                    SKN_EUSAGE,
                    "--%s wants a number from 0, not \"%.60s\"",
                    skn_option_info(option)->name,
                    text);
}

void skn_link_print(struct skn_cli *cli, struct skn_value value)
{
    struct skn_buf text;
    skn_buf_init(&text, TEXT_MAX);
    if (skn_json_print(value, SKN_JSON_PLAIN, &text, NULL) == SKN_OK) {
        skn_buf_put_u8(&text, '\n');
        skn_out_put(&cli->out, skn_buf_slice(&text));
    }
    skn_buf_fini(&text);
}

uint64_t skn_link_uint(struct skn_value map, const char *name)
{
    struct skn_value v = skn_view_member(map, name);
    return skn_value_is(v, SKN_T_INT) ? (uint64_t)skn_value_as_int(v) : 0;
}

bool skn_link_is_true(struct skn_value map, const char *name)
{
    struct skn_value v = skn_view_member(map, name);
    return skn_value_is(v, SKN_T_BOOL) && skn_value_as_bool(v);
}

void skn_link_put_stamp(struct skn_buf *out, uint64_t stamp)
{
    struct skn_buf text;
    skn_buf_init(&text, 64);
    struct skn_value v = skn_value_time((int64_t)(skn_hlc_ms(stamp) * 1000000));
    if (skn_json_print(v, SKN_JSON_PLAIN, &text, NULL) == SKN_OK && text.len > 2)
        skn_buf_put(out, skn_slice(text.ptr + 1, text.len - 2));
    skn_buf_fini(&text);
}
