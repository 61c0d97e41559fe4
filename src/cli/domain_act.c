/* domain_act.c - skein domain send and resume; skein clock accept and dev clock. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/link_internal.h"
#include "cli/secret_internal.h"
#include "cli/view_internal.h"
#include "core/look.h"
#include "value/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_WAIT_MS = 10000, PAYLOAD_MAX = 16 << 20 };

/* That it is JSON is known here, so that the holder is not asked in vain. */
static enum skn_rc check_payload(struct skn_link *link, struct skn_slice json)
{
    struct skn_buf value;
    struct skn_diag diag = {.text = ""};
    skn_buf_init(&value, PAYLOAD_MAX);
    enum skn_rc rc = json.len > 0 ? skn_json_parse(json, NULL, &value, &diag) : SKN_OK;
    skn_buf_fini(&value);
    if (rc == SKN_OK) return rc;
    return SKN_FAIL(&link->diag, SKN_EUSAGE, "the payload cannot be read: %.300s", diag.text);
}

static enum skn_rc check_priority(struct skn_link *link, const char *text)
{
    for (enum skn_priority p = 0; p < SKN_PRIORITIES; p++)
        if (strcmp(text, skn_priority_name(p)) == 0) return SKN_OK;
    return SKN_FAIL(&link->diag,
                    SKN_EUSAGE,
                    "\"%.60s\" is no priority: critical, high, normal, low or background",
                    text);
}

static enum skn_rc get_query(struct skn_link *link, struct skn_query *out)
{
    struct skn_args *args = &link->cli->args;
    const char *id = skn_args_value(args, SKN_OPTION_ID);
    const char *priority = skn_args_value(args, SKN_OPTION_PRIORITY);
    *out = (struct skn_query){.kind = SKN_QUERY_SEND, .name = skn_slice_str(args->operands[1])};
    enum skn_rc rc = skn_link_address(link, 0, &out->address);
    if (rc != SKN_OK) return rc;
    if (args->operand_count > 2) out->payload = skn_slice_str(args->operands[2]);
    if ((rc = skn_secrets_read(link, out)) != SKN_OK) return rc;
    if (priority && (rc = check_priority(link, priority)) != SKN_OK) return rc;
    if (priority) out->priority = skn_slice_str(priority);
    if (!id) {
        char *fresh = skn_arena_alloc(&link->cli->arena, SKN_NEW_ID_BYTES);
        rc = skn_client_new_id(fresh, &link->diag);
        id = fresh;
    }
    out->id = skn_slice_str(id);
    return rc == SKN_OK ? check_payload(link, out->payload) : rc;
}

static void put_answer(struct skn_cli *cli, struct skn_value value, struct skn_slice id)
{
    if (!cli->out.json) {
        skn_link_print(cli, skn_view_member(value, "answer"));
        return;
    }
    struct skn_buf text;
    struct skn_json_writer w;
    skn_buf_init(&text, 4 * (size_t)PAYLOAD_MAX);
    skn_json_begin(&w, &text, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    skn_json_key_str(&w, "answer");
    skn_json_value(&w, skn_view_member(value, "answer"));
    skn_json_key_str(&w, "id");
    skn_json_any_text(&w, id);
    skn_json_key_str(&w, "stamp");
    skn_json_uint(&w, skn_link_uint(value, "stamp"));
    skn_json_object_end(&w);
    if (skn_json_end(&w, NULL) == SKN_OK) skn_buf_put_u8(&text, '\n');
    skn_out_put(&cli->out, skn_buf_slice(&text));
    skn_buf_fini(&text);
}

int skn_cmd_domain_send(struct skn_cli *cli)
{
    struct skn_link link = {.cli = cli};
    struct skn_query query;
    struct skn_value value = skn_value_none();
    bool waits = skn_args_has(&cli->args, SKN_OPTION_WAIT);
    enum skn_rc rc = get_query(&link, &query);
    if (rc == SKN_OK) rc = skn_link_open(&link, true);
    if (rc == SKN_OK) rc = skn_link_ask(&link, &query, waits ? -1 : ANSWER_WAIT_MS, &value);
    if (rc == SKN_OK) put_answer(cli, value, query.id);
    if (rc == SKN_ELATER)
        rc = SKN_FAIL(&link.diag,
                      SKN_EBUSY,
                      "no answer after %d s; it may still be handled. To ask for its answer, send "
                      "the same with --id %.*s; --wait waits for as long as it takes",
                      ANSWER_WAIT_MS / 1000,
                      SKN_FMT(query.id));
    return skn_link_close(&link, rc);
}

int skn_cmd_domain_resume(struct skn_cli *cli)
{
    struct skn_link link = {.cli = cli};
    struct skn_query query = {.kind = SKN_QUERY_TAKE_UP};
    struct skn_value value = skn_value_none();
    enum skn_rc rc = skn_link_address(&link, 0, &query.address);
    if (rc == SKN_OK) rc = skn_link_open(&link, true);
    if (rc == SKN_OK) rc = skn_link_ask(&link, &query, -1, &value);
    if (rc == SKN_OK && cli->out.json)
        skn_link_print(cli, value);
    else if (rc == SKN_OK)
        skn_out_printf(&cli->out, "Taken up: %.*s\n", SKN_FMT(query.address));
    return skn_link_close(&link, rc);
}

/* Which letter: a number, or all of them; one of the two must be said. */
static enum skn_rc get_letter(struct skn_link *link, int64_t *out_letter)
{
    struct skn_args *args = &link->cli->args;
    const char *text = args->operand_count > 1 ? args->operands[1] : NULL;
    bool all = skn_args_has(args, SKN_OPTION_ALL);
    char *end = NULL;
    *out_letter = 0;
    if (all != (text != NULL)) {
        errno = 0;
        long long n = text ? strtoll(text, &end, 10) : 0;
        if (all || (errno == 0 && n > 0 && *end == 0 && text[0] >= '0' && text[0] <= '9')) {
            *out_letter = n;
            return SKN_OK;
        }
    }
    return SKN_FAIL(&link->diag,
                    SKN_EUSAGE,
                    "which dead letter? the number that skein domain get shows, or --all");
}

int skn_cmd_domain_redeliver(struct skn_cli *cli)
{
    struct skn_link link = {.cli = cli};
    struct skn_query query = {.kind = SKN_QUERY_REDELIVER};
    struct skn_value value = skn_value_none();
    query.closes = skn_args_has(&cli->args, SKN_OPTION_CLOSE);
    enum skn_rc rc = skn_link_address(&link, 0, &query.address);
    if (rc == SKN_OK) rc = get_letter(&link, &query.letter);
    if (rc == SKN_OK) rc = skn_link_open(&link, true);
    if (rc == SKN_OK) rc = skn_link_ask(&link, &query, -1, &value);
    if (rc != SKN_OK) return skn_link_close(&link, rc);
    unsigned long long letters = skn_link_uint(value, "answer");
    if (cli->out.json)
        skn_out_printf(&cli->out, "{\"letters\":%llu}\n", letters);
    else
        skn_out_printf(&cli->out,
                       "%s: %llu dead letter%s\n",
                       query.closes ? "Closed" : "Handed over again",
                       letters,
                       letters == 1 ? "" : "s");
    return skn_link_close(&link, rc);
}

int skn_cmd_domain_rm(struct skn_cli *cli)
{
    struct skn_link link = {.cli = cli};
    struct skn_query query = {.kind = SKN_QUERY_REMOVE};
    struct skn_value value = skn_value_none();
    enum skn_rc rc = skn_link_address(&link, 0, &query.address);
    if (rc == SKN_OK) rc = skn_link_open(&link, true);
    if (rc == SKN_OK) rc = skn_link_ask(&link, &query, -1, &value);
    if (rc == SKN_OK && cli->out.json)
        skn_out_put(&cli->out, SKN_LIT("{\"removed\":true}\n"));
    else if (rc == SKN_OK)
        skn_out_printf(&cli->out, "Removed: %.*s\n", SKN_FMT(query.address));
    return skn_link_close(&link, rc);
}

/* --- clock accept, dev clock --------------------------------------------------------------------------------- */

static enum skn_rc get_duration(struct skn_link *link, const char *text, int64_t *out_ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    char *end = NULL;
    errno = 0;
    bool has_digits = text[0] == '+' && text[1] >= '0' && text[1] <= '9';
    long n = has_digits ? strtol(text + 1, &end, 10) : 0;
    for (size_t i = 0; has_digits && errno == 0 && n <= 1000000 && i < SKN_ARRAY_LEN(units); i++) {
        if (strcmp(end, units[i].name) != 0) continue;
        *out_ms = n * units[i].ms;
        return SKN_OK;
    }
    return SKN_FAIL(&link->diag,
                    SKN_EUSAGE,
                    "\"%.60s\" is no step forward: such as +24h, +90m, +30s or +500ms",
                    text);
}

static enum skn_rc move_clock(struct skn_link *link)
{
    struct skn_query query = {.kind = SKN_QUERY_CLOCK};
    struct skn_value value = skn_value_none();
    enum skn_rc rc = get_duration(link, link->cli->args.operands[0], &query.ms);
    if (rc == SKN_OK) rc = skn_link_open(link, true);
    if (rc == SKN_OK) rc = skn_link_ask(link, &query, -1, &value);
    if (rc == SKN_OK && link->cli->out.json) skn_link_print(link->cli, value);
    return rc;
}

int skn_cmd_dev_clock(struct skn_cli *cli)
{
    struct skn_link link = {.cli = cli};
#ifdef SKN_TEST_BUILD
    enum skn_rc rc = move_clock(&link);
#else
    (void)move_clock;
    enum skn_rc rc = SKN_FAIL(
        &link.diag, SKN_EUSAGE, "dev clock is only in test builds: meson setup -Dtest=true");
#endif
    return skn_link_close(&link, rc);
}

int skn_cmd_clock_accept(struct skn_cli *cli)
{
    struct skn_link link = {.cli = cli};
    struct skn_query query = {.kind = SKN_QUERY_ACCEPT_CLOCK};
    struct skn_value value = skn_value_none();
    enum skn_rc rc = skn_link_open(&link, true);
    if (rc == SKN_OK) rc = skn_link_ask(&link, &query, -1, &value);
    if (rc == SKN_OK && cli->out.json) skn_link_print(cli, value);
    return skn_link_close(&link, rc);
}
