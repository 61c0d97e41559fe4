/* domain.c - skein domain ls and get: what domains there are, and what one of them has. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/follow_internal.h"
#include "cli/link_internal.h"
#include "cli/load_internal.h"
#include "cli/stamp_internal.h"
#include "cli/view_internal.h"
#include "env/env_real.h"
#include "node/past.h"
#include "value/json.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIMIT = 1000, PAGE = 1000, TEXT_MAX = 256 << 20, VALUE_COLUMNS = 100 };

static struct skn_slice text_of(struct skn_link *link, enum skn_option option)
{
    const char *text = skn_args_value(&link->cli->args, option);
    return text ? skn_slice_str(text) : (struct skn_slice){0};
}

/* --- ls ------------------------------------------------------------------------------------------- */

static const char *state_of(struct skn_value domain)
{
    if (skn_link_is_true(domain, "faulted")) return "FAULTED";
    return skn_link_is_true(domain, "held") ? "waiting" : "ok";
}

static void put_line(struct skn_buf *out, struct skn_value domain)
{
    skn_buf_printf(out,
                   "%-7s %6llu %6llu  ",
                   state_of(domain),
                   (unsigned long long)skn_link_uint(domain, "mail"),
                   (unsigned long long)skn_link_uint(domain, "dead"));
    (void)skn_view_put(out, skn_view_text(domain, "address"), 0);
    skn_buf_put_u8(out, '\n');
}

struct list {
    struct skn_json_writer json;
    struct skn_buf text;
    int64_t left;
};

static void take_page(struct list *list, struct skn_value page, bool as_json)
{
    struct skn_value_iter iter = skn_value_iter(skn_view_member(page, "domains"));
    struct skn_value domain;
    while (skn_value_next(&iter, NULL, &domain)) {
        list->left--;
        if (as_json)
            skn_json_value(&list->json, domain);
        else
            put_line(&list->text, domain);
    }
}

/* All pages, up to the limit; `out_next` in the arena, empty when nothing is left. */
static enum skn_rc get_pages(struct skn_link *link, struct list *list, struct skn_slice *out_next)
{
    struct skn_cli *cli = link->cli;
    struct skn_query query = {.kind = SKN_QUERY_DOMAINS,
                              .after = text_of(link, SKN_OPTION_AFTER),
                              .domain_type = text_of(link, SKN_OPTION_TYPE),
                              .faulted = skn_args_has(&cli->args, SKN_OPTION_FAULTED)};
    if (cli->args.operand_count > 0) query.address = skn_slice_str(cli->args.operands[0]);
    do {
        struct skn_value page;
        query.limit = list->left < PAGE ? list->left : PAGE;
        enum skn_rc rc = skn_link_ask(link, &query, -1, &page);
        if (rc != SKN_OK) return rc;
        take_page(list, page, cli->out.json);
        query.after = skn_arena_dup(&cli->arena, skn_view_text(page, "next"));
    } while (query.after.len > 0 && list->left > 0);
    *out_next = query.after;
    return SKN_OK;
}

static void put_list(struct skn_cli *cli, struct list *list, struct skn_slice next)
{
    skn_out_put(&cli->out, skn_buf_slice(&list->text));
    if (next.len > 0 && !cli->out.json)
        skn_out_errf("There are more: --after '%.*s'\n", SKN_FMT(next));
}

int skn_cmd_domain_ls(struct skn_cli *cli)
{
    struct skn_link link = {.cli = cli};
    struct list list;
    struct skn_slice next = {0};
    enum skn_rc rc = skn_link_count(&link, SKN_OPTION_LIMIT, LIMIT, &list.left);
    if (rc != SKN_OK) return skn_link_close(&link, rc);
    rc = skn_link_open(&link, false);
    bool is_new = rc == SKN_ENOENT && link.project.has_config; /* nothing was ever run in it */
    skn_buf_init(&list.text, TEXT_MAX);
    skn_json_begin(&list.json, &list.text, SKN_JSON_PLAIN);
    if (cli->out.json) {
        skn_json_object_begin(&list.json);
        skn_json_key_str(&list.json, "domains");
        skn_json_list_begin(&list.json);
    } else {
        skn_buf_put_str(&list.text, "STATE     MAIL   DEAD  ADDRESS\n");
    }
    if (rc == SKN_OK) rc = get_pages(&link, &list, &next);
    if (is_new) rc = SKN_OK;
    if (cli->out.json) {
        skn_json_list_end(&list.json);
        skn_json_key_str(&list.json, "next");
        if (next.len > 0)
            skn_json_any_text(&list.json, next);
        else
            skn_json_none(&list.json);
        skn_json_object_end(&list.json);
        if (rc == SKN_OK) rc = skn_json_end(&list.json, &link.diag);
        skn_buf_put_u8(&list.text, '\n');
    }
    if (rc == SKN_OK) put_list(cli, &list, next);
    skn_buf_fini(&list.text);
    return skn_link_close(&link, rc);
}

/* --- get ------------------------------------------------------------------------------------------ */

/* A value as one line that a terminal shows whole; bytes that are no value as 0x and hex. */
static void put_value(struct skn_buf *out, struct skn_value row, const char *name, uint32_t columns)
{
    struct skn_slice bytes = skn_view_text(row, "bytes");
    struct skn_buf text;
    struct skn_value v;
    skn_buf_init(&text, TEXT_MAX);
    if (skn_map_get(row, skn_slice_str(name), &v)) {
        enum skn_rc rc = skn_json_print(v, SKN_JSON_PLAIN, &text, NULL);
        SKN_ASSERT(rc == SKN_OK); /* it came as JSON */
    } else if (bytes.len > 0) {
        skn_buf_printf(&text, "0x%.*s", SKN_FMT(bytes));
    } else if (skn_link_is_true(row, "pruned")) {
        skn_buf_put_str(&text, "(pruned)");
    } else {
        skn_buf_printf(&text, "(%llu bytes)", (unsigned long long)skn_link_uint(row, "size"));
    }
    (void)skn_view_put(out, skn_buf_slice(&text), columns);
    skn_buf_fini(&text);
}

static void put_mailbox(struct skn_buf *out, struct skn_value domain)
{
    struct skn_value_iter lanes = skn_value_iter(skn_view_member(domain, "mailbox"));
    struct skn_value count;
    struct skn_slice lane;
    skn_buf_printf(out, "mailbox       %llu", (unsigned long long)skn_link_uint(domain, "mail"));
    while (skn_value_next(&lanes, &lane, &count))
        if (skn_value_is(count, SKN_T_INT) && skn_value_as_int(count) > 0)
            skn_buf_printf(out, ", %.*s %lld", SKN_FMT(lane), (long long)skn_value_as_int(count));
    uint64_t waiting = skn_link_uint(domain, "waiting");
    if (waiting > 0) skn_buf_printf(out, "; %llu more wait for room", (unsigned long long)waiting);
    skn_buf_put_u8(out, '\n');
}

static void
put_text(struct skn_buf *out, const char *before, struct skn_value map, const char *name)
{
    struct skn_slice text = skn_view_text(map, name);
    if (text.len == 0) return;
    skn_buf_put_str(out, before);
    (void)skn_view_put(out, text, 0);
}

static void put_intent(struct skn_buf *out, struct skn_value intent)
{
    put_text(out, " ", intent, "status");
    skn_buf_printf(out,
                   ", attempt %llu of %llu",
                   (unsigned long long)skn_link_uint(intent, "attempt"),
                   (unsigned long long)skn_link_uint(intent, "attempts"));
    put_text(out, ", key ", intent, "key");
    skn_buf_put_str(out, "  ");
    put_value(out, intent, "effect", VALUE_COLUMNS);
}

static void put_timer(struct skn_buf *out, struct skn_value timer)
{
    put_text(out, " due ", timer, "due");
    if (!skn_value_is(skn_view_member(timer, "intent"), SKN_T_NONE))
        skn_buf_printf(out,
                       ", next attempt of intent %llu",
                       (unsigned long long)skn_link_uint(timer, "intent"));
    put_text(out, ", ", timer, "tag");
}

static void put_dead(struct skn_buf *out, struct skn_value dead)
{
    put_text(out, " ", dead, "code");
    put_text(out, ": ", dead, "kind");
    put_text(out, " ", dead, "name");
    put_text(out, " from ", dead, "from");
    skn_buf_put_str(out, "  ");
    put_value(out, dead, "payload", VALUE_COLUMNS);
}

static void put_things(struct skn_buf *out,
                       struct skn_value domain,
                       const char *name,
                       const char *title,
                       void (*put)(struct skn_buf *, struct skn_value))
{
    struct skn_value list = skn_view_member(domain, name), thing;
    struct skn_value_iter iter = skn_value_iter(list);
    char more[40];
    (void)snprintf(more, sizeof(more), "%s_more", name);
    skn_buf_printf(out, "%-13s %u", title, skn_value_count(list));
    skn_buf_put_str(out, skn_link_is_true(domain, more) ? " and more\n" : "\n");
    while (skn_value_next(&iter, NULL, &thing)) {
        skn_buf_printf(out, "  %llu", (unsigned long long)skn_link_uint(thing, "number"));
        put(out, thing);
        skn_buf_put_u8(out, '\n');
    }
}

static void put_rows(struct skn_buf *out, struct skn_value domain)
{
    struct skn_value_iter iter = skn_value_iter(skn_view_member(domain, "rows"));
    struct skn_value row;
    while (skn_value_next(&iter, NULL, &row)) {
        skn_buf_put_str(out, "  ");
        uint32_t width = skn_view_put(out, skn_view_text(row, "key"), 0);
        skn_buf_printf(out, "%*s", width < 20 ? (int)(20 - width) : 1, "");
        put_value(out, row, "value", VALUE_COLUMNS);
        skn_buf_put_u8(out, '\n');
    }
}

static void put_state(struct skn_buf *out, struct skn_value domain)
{
    unsigned long long faults = skn_link_uint(domain, "faults");
    (void)skn_view_put(out, skn_view_text(domain, "address"), 0);
    skn_buf_put_str(out, "\nstate         ");
    if (skn_link_is_true(domain, "faulted"))
        skn_buf_put_str(out, "FAULTED: it handles nothing until skein domain redeliver\n");
    else if (skn_link_is_true(domain, "held"))
        skn_buf_put_str(out, "waits to be taken up: skein domain resume\n");
    else if (faults > 0)
        skn_buf_printf(out, "ok; its last messages faulted: %llu\n", faults);
    else
        skn_buf_put_str(out, "ok\n");
}

static void put_domain(struct skn_buf *out, struct skn_value domain)
{
    put_state(out, domain);
    put_mailbox(out, domain);
    put_things(out, domain, "intents", "intents", put_intent);
    put_things(out, domain, "timers", "timers", put_timer);
    put_things(out, domain, "dead_letters", "dead letters", put_dead);
    skn_buf_put_str(out, "rows\n");
    put_rows(out, domain);
}

/* What is asked about one domain: of now, or of a stamp. */
struct get {
    struct skn_link *link;
    struct skn_past *past; /* NULL: of now */
    struct skn_buf json, value;
};

/* The holder has the store to itself, so it makes a copy of it: by hard links, and only when nothing
 * else leads to the stamp. What a look that was cut off leaves goes at the next opening. */
static enum skn_rc open_copy(struct get *get, struct skn_slice address, uint64_t stamp)
{
    struct skn_link *link = get->link;
    const char *data = link->project.data_path;
    struct skn_arena *arena = &link->cli->arena;
    const char *tmp = skn_arena_printf(arena, "%s/tmp", data);
    const char *dir = skn_arena_printf(arena, "%s/look-%ld", tmp, (long)getpid());
    const struct skn_client_options options = {.env = skn_env_real(), .project = &link->project};
    struct skn_answer answer;
    struct skn_diag diag; /* what was said first is the better reason */
    enum skn_rc rc = skn_client_open(&options, &link->client, &diag);
    if (rc != SKN_OK || skn_client_fd(link->client) < 0) return SKN_ENOENT;
    (void)mkdir(tmp, 0700);
    rc = skn_client_snapshot(link->client, dir, &diag);
    if (rc == SKN_OK) rc = skn_follow_answer(link->client, &answer, &diag);
    if (rc != SKN_OK) return SKN_ENOENT;
    rc = skn_past_open(skn_env_real(), data, address, stamp, dir, &get->past, &link->diag);
    (void)!skn_client_snapshot_end(link->client, NULL);
    return rc;
}

static enum skn_rc open_past(struct get *get, struct skn_slice address, const char *at)
{
    struct skn_link *link = get->link;
    const char *named = skn_args_value(&link->cli->args, SKN_OPTION_PROJECT);
    uint64_t stamp;
    enum skn_rc rc = skn_stamp_parse(at, SKN_STAMP_LAST, &stamp, &link->diag);
    if (rc == SKN_OK)
        rc = skn_load_project(&link->cli->arena, named, ".", &link->project, &link->diag);
    if (rc == SKN_OK && !skn_project_has_data(&link->project))
        rc =
            SKN_FAIL(&link->diag, SKN_ENOENT, "nothing was ever run in \"%s\"", link->project.root);
    if (rc != SKN_OK) return rc;
    const char *data = link->project.data_path;
    rc = skn_past_open(skn_env_real(), data, address, stamp, NULL, &get->past, &link->diag);
    return rc == SKN_ENOENT ? open_copy(get, address, stamp) : rc;
}

/* The value lives until the next question. */
static enum skn_rc
ask_page(struct get *get, const struct skn_query *query, struct skn_value *out_page)
{
    if (!get->past) return skn_link_ask(get->link, query, -1, out_page);
    const struct skn_past_query past = {.after = query->after,
                                        .key = query->key,
                                        .has_key = query->has_key,
                                        .limit = (uint32_t)query->limit};
    struct skn_diag *diag = &get->link->diag;
    skn_buf_reset(&get->json);
    skn_buf_reset(&get->value);
    enum skn_rc rc = skn_past_show(get->past, &past, &get->json, diag);
    if (rc == SKN_OK) rc = skn_json_parse(skn_buf_slice(&get->json), NULL, &get->value, diag);
    if (rc == SKN_OK) *out_page = skn_value_view(skn_buf_slice(&get->value));
    return rc;
}

/* The pages behind the first one: only their rows are new. */
static enum skn_rc more_rows(struct get *get,
                             struct skn_query *query,
                             int64_t left,
                             struct skn_value *page,
                             struct skn_buf *text,
                             struct skn_json_writer *json)
{
    for (;;) {
        struct skn_value_iter iter = skn_value_iter(skn_view_member(*page, "rows"));
        struct skn_value row;
        left -= skn_value_count(skn_view_member(*page, "rows"));
        while (json && skn_value_next(&iter, NULL, &row))
            skn_json_value(json, row);
        query->after = skn_arena_dup(&get->link->cli->arena, skn_view_text(*page, "next"));
        if (query->after.len == 0 || left <= 0) return SKN_OK;
        query->limit = left < PAGE ? left : PAGE;
        enum skn_rc rc = ask_page(get, query, page);
        if (rc != SKN_OK) return rc;
        if (!json) put_rows(text, *page);
    }
}

static enum skn_rc get_as_text(struct get *get,
                               struct skn_query *query,
                               int64_t limit,
                               struct skn_value page,
                               struct skn_buf *text)
{
    put_domain(text, page);
    enum skn_rc rc = more_rows(get, query, limit, &page, text, NULL);
    if (rc == SKN_OK && query->after.len > 0)
        skn_out_errf("There are more rows: --after '%.*s'\n", SKN_FMT(query->after));
    return rc;
}

/* The members of the first page, with the rows of all of them. */
static enum skn_rc get_as_json(struct get *get,
                               struct skn_query *query,
                               int64_t limit,
                               struct skn_value page,
                               struct skn_buf *text)
{
    struct skn_json_writer w;
    struct skn_value_iter iter = skn_value_iter(page);
    struct skn_slice key;
    struct skn_value v;
    skn_json_begin(&w, text, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    while (skn_value_next(&iter, &key, &v)) {
        if (skn_slice_eq(key, SKN_LIT("rows")) || skn_slice_eq(key, SKN_LIT("next"))) continue;
        skn_json_key(&w, key);
        skn_json_value(&w, v);
    }
    skn_json_key_str(&w, "rows");
    skn_json_list_begin(&w);
    enum skn_rc rc = more_rows(get, query, limit, &page, NULL, &w);
    skn_json_list_end(&w);
    skn_json_key_str(&w, "next");
    if (query->after.len > 0)
        skn_json_any_text(&w, query->after);
    else
        skn_json_none(&w);
    skn_json_object_end(&w);
    enum skn_rc ended = skn_json_end(&w, &get->link->diag);
    skn_buf_put_u8(text, '\n');
    return rc == SKN_OK ? ended : rc;
}

static enum skn_rc show(struct get *get, struct skn_buf *text)
{
    struct skn_link *link = get->link;
    struct skn_cli *cli = link->cli;
    struct skn_query query = {.kind = SKN_QUERY_DOMAIN, .after = text_of(link, SKN_OPTION_AFTER)};
    struct skn_value page = skn_value_none();
    const char *at = skn_args_value(&cli->args, SKN_OPTION_AT);
    int64_t limit = LIMIT;
    enum skn_rc rc = skn_link_address(link, 0, &query.address);
    if (rc == SKN_OK) rc = skn_link_count(link, SKN_OPTION_LIMIT, LIMIT, &limit);
    if (rc == SKN_OK) rc = at ? open_past(get, query.address, at) : skn_link_open(link, false);
    if (rc != SKN_OK) return rc;
    query.has_key = cli->args.operand_count > 1;
    if (query.has_key) query.key = skn_slice_str(cli->args.operands[1]);
    query.limit = limit < PAGE ? limit : PAGE;
    rc = ask_page(get, &query, &page);
    if (rc != SKN_OK) return rc;
    if (!query.has_key && cli->out.json) return get_as_json(get, &query, limit, page, text);
    if (!query.has_key) return get_as_text(get, &query, limit, page, text);
    if (cli->out.json)
        rc = skn_json_print(page, SKN_JSON_PLAIN, text, &link->diag);
    else
        put_value(text, page, "value", 0);
    skn_buf_put_u8(text, '\n');
    return rc;
}

int skn_cmd_domain_get(struct skn_cli *cli)
{
    struct skn_link link = {.cli = cli};
    struct get get = {.link = &link};
    struct skn_buf text;
    skn_buf_init(&text, TEXT_MAX);
    skn_buf_init(&get.json, TEXT_MAX);
    skn_buf_init(&get.value, TEXT_MAX);
    enum skn_rc rc = show(&get, &text);
    if (rc == SKN_OK) skn_out_put(&cli->out, skn_buf_slice(&text));
    skn_past_close(get.past);
    skn_buf_fini(&get.value);
    skn_buf_fini(&get.json);
    skn_buf_fini(&text);
    return skn_link_close(&link, rc);
}
