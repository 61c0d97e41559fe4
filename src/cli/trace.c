/* trace.c - skein domain trace: a line per message, as it is handled or from the journal. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"
#include "base/mem.h"
#include "cli/follow_internal.h"
#include "cli/link_internal.h"
#include "cli/records_internal.h"
#include "cli/view_internal.h"
#include "env/env_real.h"
#include "journal/journal.h"
#include "value/json.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 32 << 20, LAST_MAX = 1000000, LISTED = 5 };

/* --- an event as a line ---------------------------------------------------------------------------- */

static void
put_text(struct skn_buf *out, const char *before, struct skn_value map, const char *name)
{
    struct skn_slice text = skn_view_text(map, name);
    if (text.len == 0) return;
    skn_buf_put_str(out, before);
    (void)skn_view_put(out, text, 0);
}

static void put_message(struct skn_buf *out, struct skn_value message)
{
    put_text(out, "", message, "kind");
    put_text(out, " ", message, "name");
    if (!skn_value_is(skn_view_member(message, "number"), SKN_T_NONE))
        skn_buf_printf(out, " %llu", (unsigned long long)skn_link_uint(message, "number"));
    put_text(out, " ", message, "status");
    put_text(out, " ", message, "reason");
    put_text(out, " from ", message, "from");
}

/* "; rows sum -old and 3 more" */
static void
put_list(struct skn_buf *out, struct skn_value event, const char *title, const char *name)
{
    struct skn_value_iter iter = skn_value_iter(skn_view_member(event, name));
    struct skn_value thing;
    char count_name[40];
    (void)snprintf(count_name, sizeof(count_name), "%s_count", name);
    uint64_t count = skn_link_uint(event, count_name);
    if (count == 0) return;
    skn_buf_printf(out, "; %s", title);
    for (int i = 0; i < LISTED && skn_value_next(&iter, NULL, &thing); i++) {
        skn_buf_put_str(out, skn_link_is_true(thing, "gone") ? " -" : " ");
        put_text(out, "", thing, "name");
        put_text(out, "", thing, "key");
        if (!skn_value_is(skn_view_member(thing, "number"), SKN_T_NONE))
            skn_buf_printf(out, "%llu", (unsigned long long)skn_link_uint(thing, "number"));
        put_text(out, " to ", thing, "to");
    }
    if (count > LISTED) skn_buf_printf(out, " and %llu more", (unsigned long long)(count - LISTED));
}

static void put_event(struct skn_buf *out, struct skn_value event)
{
    struct skn_value fault = skn_view_member(event, "fault");
    skn_link_put_stamp(out, skn_link_uint(event, "stamp"));
    skn_buf_printf(out, " %llu ", (unsigned long long)skn_link_uint(event, "index"));
    put_message(out, skn_view_member(event, "message"));
    put_text(out, " -> ", event, "reply");
    put_text(out, "; FAULT ", fault, "code");
    put_text(out, ": ", fault, "message");
    put_list(out, event, "sent", "sent");
    put_list(out, event, "intents", "intents");
    put_list(out, event, "timers", "timers");
    put_list(out, event, "dead letters", "dead");
    put_list(out, event, "rows", "rows");
    skn_buf_put_u8(out, '\n');
}

static void put_line(struct skn_buf *out, struct skn_value event, bool as_json)
{
    if (!as_json)
        put_event(out, event);
    else if (skn_json_print(event, SKN_JSON_PLAIN, out, NULL) == SKN_OK)
        skn_buf_put_u8(out, '\n');
}

/* --- live -------------------------------------------------------------------------------------------- */

static void show_page(struct skn_link *link, struct skn_value page)
{
    struct skn_value_iter iter = skn_value_iter(skn_view_member(page, "events"));
    struct skn_value event;
    struct skn_buf line;
    skn_buf_init(&line, LINE_MAX_BYTES);
    while (skn_value_next(&iter, NULL, &event)) {
        skn_buf_reset(&line);
        put_line(&line, event, link->cli->out.json);
        skn_out_put(&link->cli->out, skn_buf_slice(&line));
    }
    skn_buf_fini(&line);
    uint64_t lost = skn_link_uint(page, "lost");
    if (lost > 0)
        skn_out_errf("%llu messages were handled faster than they could be shown\n",
                     (unsigned long long)lost);
}

/* The first page is empty: from then on nothing is missed. */
static enum skn_rc trace_live(struct skn_link *link, struct skn_slice address)
{
    const struct skn_query query = {.kind = SKN_QUERY_TRACE, .address = address};
    int signal_fd = skn_follow_signals();
    bool is_told = false;
    enum skn_rc rc = skn_link_open(link, true);
    if (rc == SKN_OK) rc = skn_client_query(link->client, &query, &link->diag);
    while (rc == SKN_OK && link->cli->out.error == 0) {
        struct skn_answer answer;
        rc = skn_client_next(link->client, &answer, &link->diag);
        if (rc == SKN_OK) {
            if (!is_told) skn_out_errf("Tracing %.*s; Ctrl-C ends it\n", SKN_FMT(address));
            is_told = true;
            show_page(link, answer.value);
            rc = skn_client_query(link->client, &query, &link->diag);
        }
        if (rc != SKN_ELATER) continue;
        struct pollfd polls[2] = {{.fd = skn_client_fd(link->client), .events = POLLIN},
                                  {.fd = signal_fd, .events = POLLIN}};
        rc = SKN_OK;
        (void)poll(polls, 2, -1);
        if (polls[1].revents && skn_follow_interrupts(signal_fd, NULL) > 0) break;
    }
    if (signal_fd >= 0) (void)close(signal_fd);
    return rc;
}

/* --- from the journal ----------------------------------------------------------------------------------- */

struct line {
    struct skn_list link;
    struct skn_buf text;
};

struct past {
    struct skn_link *link;
    struct skn_mails mails;
    struct skn_slice address;
    struct skn_list lines; /* the last ones, oldest first */
    int64_t count, max;
    struct skn_buf event;
    struct skn_builder builder;
};

static void drop_first(struct past *p)
{
    struct line *line = SKN_CONTAINER_OF(skn_list_pop_front(&p->lines), struct line, link);
    skn_buf_fini(&line->text);
    skn_free(line);
    p->count--;
}

static void add_line(struct past *p, struct skn_value event)
{
    struct line *line = skn_alloc(sizeof(*line));
    skn_list_init(&line->link);
    skn_buf_init(&line->text, LINE_MAX_BYTES);
    put_line(&line->text, event, p->link->cli->out.json);
    skn_list_push_back(&p->lines, &line->link);
    if (++p->count > p->max) drop_first(p);
}

static void put_int(struct skn_builder *b, const char *name, uint64_t n)
{
    skn_build_key(b, skn_slice_str(name));
    skn_build_int(b, (int64_t)n);
}

static void make_event(struct past *p, const struct skn_record *record, const struct skn_message *m)
{
    struct skn_builder *b = &p->builder;
    skn_buf_reset(&p->event);
    skn_builder_init(b, &p->event);
    skn_build_map_begin(b);
    put_int(b, "shard", record->shard);
    put_int(b, "index", record->index);
    put_int(b, "stamp", record->stamp);
    skn_build_key(b, SKN_LIT("message"));
    skn_build_map_begin(b);
    if (m) skn_look_build_message(b, m);
    skn_build_map_end(b);
    skn_look_changes(b, p->address, record->batch);
    skn_build_map_end(b);
    if (skn_build_end(b, NULL) == SKN_OK) add_line(p, skn_value_view(skn_buf_slice(&p->event)));
}

static enum skn_rc take(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    (void)diag;
    struct past *p = ctx;
    struct skn_slice address = {0};
    struct skn_message message;
    skn_mails_take(&p->mails, record);
    bool has_message = skn_mails_message(&p->mails, record, &address, &message);
    if (address.len > 0 && skn_slice_eq(address, p->address))
        make_event(p, record, has_message ? &message : NULL);
    skn_mails_drop(&p->mails, record);
    return SKN_OK;
}

static enum skn_rc trace_past(struct skn_link *link, struct skn_slice address, int64_t max)
{
    const char *path;
    enum skn_rc rc = skn_journal_find(link->cli, NULL, &path, &link->diag);
    if (rc != SKN_OK) return rc;
    struct past *p = skn_alloc_zero(1, sizeof(*p));
    p->link = link;
    p->address = address;
    p->max = max;
    skn_list_init(&p->lines);
    skn_mails_init(&p->mails);
    skn_buf_init(&p->event, LINE_MAX_BYTES);
    rc = skn_journal_read(skn_env_real(), path, take, p, NULL, &link->diag);
    SKN_LIST_FOREACH (at, &p->lines) {
        struct line *line = SKN_CONTAINER_OF(at, struct line, link);
        if (rc == SKN_OK) skn_out_put(&link->cli->out, skn_buf_slice(&line->text));
    }
    while (p->count > 0)
        drop_first(p);
    skn_buf_fini(&p->event);
    skn_mails_fini(&p->mails);
    skn_free(p);
    return rc;
}

int skn_cmd_domain_trace(struct skn_cli *cli)
{
    struct skn_link link = {.cli = cli};
    struct skn_slice address = {0};
    int64_t last = 0;
    enum skn_rc rc = skn_link_address(&link, 0, &address);
    if (rc == SKN_OK) rc = skn_link_count(&link, SKN_OPTION_LAST, 0, &last);
    if (rc == SKN_OK && last > LAST_MAX)
        rc = SKN_FAIL(&link.diag, SKN_EUSAGE, "--last shows at most %d messages", LAST_MAX);
    if (rc == SKN_OK && skn_args_has(&cli->args, SKN_OPTION_LAST))
        rc = trace_past(&link, address, last);
    else if (rc == SKN_OK)
        rc = trace_live(&link, address);
    return skn_link_close(&link, rc);
}
