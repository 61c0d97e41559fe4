/* request_domain.c - what clients ask about domains, whatever program they have. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "node/request_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PARTS_BYTES_MAX = 64 << 20 }; /* of all shards: a page of each */

/* The address of the request, checked as far as it can be without a program. */
static enum skn_rc get_address(struct ask *ask, bool may_be_empty, struct skn_slice *out)
{
    *out = ask_text(ask, "address");
    bool fits = out->len <= SKN_ADDRESS_MAX && !(out->len > 0 && memchr(out->ptr, 0, out->len));
    if (fits && (out->len > 0 || may_be_empty)) return SKN_OK;
    return SKN_FAIL(ask->diag,
                    SKN_EARGS,
                    "an address is scope:Type/key, of at most %d bytes and without a NUL",
                    SKN_ADDRESS_MAX);
}

static uint32_t limit_of(const struct ask *ask)
{
    int64_t limit = ask_int(ask, "limit", DOMAIN_PAGE_MAX);
    return limit < 0 || limit > DOMAIN_PAGE_MAX ? DOMAIN_PAGE_MAX : (uint32_t)limit;
}

/* --- many: each shard gives its part of the page -------------------------------------------------------- */

static struct domain_query list_query(const struct ask *ask)
{
    return (struct domain_query){.address = ask_text(ask, "address"),
                                 .after = ask_text(ask, "after"),
                                 .type = ask_text(ask, "domain_type"),
                                 .is_faulted = ask_flag(ask, "faulted"),
                                 .limit = limit_of(ask)};
}

static enum skn_rc list_shard(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    struct look *look = engine_look_of(call);
    const struct domain_query query = list_query(look->ask);
    return domain_list(&query, &look->part, core, store, &call->diag);
}

static void all_listed(struct ask *ask)
{
    struct skn_buf json;
    skn_buf_init(&json, ANSWER_BYTES_MAX);
    if (ask->rc == SKN_OK) ask->rc = skn_buf_rc(&ask->parts);
    if (ask->rc == SKN_OK) {
        domain_merge(skn_buf_slice(&ask->parts), limit_of(ask), &json);
        engine_answer_value(ask->engine, ask->client, ask->id, skn_buf_slice(&json));
    }
    skn_buf_fini(&json);
    ask_end(ask, ask->rc);
}

static void shard_listed(struct look *look)
{
    struct ask *ask = look->ask;
    if (look->call.rc != SKN_OK && ask->rc == SKN_OK) {
        ask->rc = look->call.rc;
        ask->own_diag = look->call.diag;
    }
    skn_buf_put_block(&ask->parts, skn_buf_slice(&look->json));
    skn_buf_put_block(&ask->parts, skn_buf_slice(&look->after));
    skn_buf_put_u8(&ask->parts, look->part.has_more);
    if (--ask->looks == 0) all_listed(ask);
}

enum skn_rc request_domains(struct ask *ask)
{
    struct skn_engine *e = ask->engine;
    const struct domain_query query = list_query(ask);
    struct skn_slice address;
    enum skn_rc rc = get_address(ask, true, &address);
    if (rc != SKN_OK) return rc;
    if (query.after.len > SKN_ADDRESS_MAX)
        return SKN_FAIL(ask->diag, SKN_EARGS, "an address is over %d bytes", SKN_ADDRESS_MAX);
    skn_buf_init(&ask->parts, (size_t)PARTS_BYTES_MAX);
    ask->looks = skn_shards_count(e->shards);
    for (uint32_t i = 0, n = ask->looks; i < n; i++) {
        struct look *look =
            engine_look_new(e, (struct skn_slice){0}, i, list_shard, shard_listed, ask);
        look->part = (struct domain_part){.entries = &look->json, .after = &look->after};
        engine_look_start(look);
    }
    return SKN_ELATER;
}

/* --- one ------------------------------------------------------------------------------------------------ */

/* Decodes the keys of the request and shows the domain. */
static enum skn_rc show(const struct ask *ask,
                        struct skn_core *core,
                        struct skn_store *store,
                        struct skn_buf *out_json,
                        struct skn_diag *diag)
{
    struct domain_query query = {.address = ask_text(ask, "address"), .limit = limit_of(ask)};
    struct skn_buf after, key;
    struct skn_value v;
    skn_buf_init(&after, SKN_PRIVATE_KEY_MAX + 1);
    skn_buf_init(&key, SKN_PRIVATE_KEY_MAX + 1);
    query.has_key = skn_map_get(ask->request, SKN_LIT("key"), &v);
    enum skn_rc rc = domain_key(ask_text(ask, "after"), &after, diag);
    if (rc == SKN_OK) rc = domain_key(ask_text(ask, "key"), &key, diag);
    query.after = skn_buf_slice(&after);
    query.key = skn_buf_slice(&key);
    if (rc == SKN_OK) rc = domain_show(&query, core, store, out_json, diag);
    skn_buf_fini(&after);
    skn_buf_fini(&key);
    return rc;
}

static enum skn_rc
show_domain(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    struct look *look = engine_look_of(call);
    return show(look->ask, core, store, &look->json, &call->diag);
}

static void domain_shown(struct look *look)
{
    struct ask *ask = look->ask;
    if (look->call.rc == SKN_OK)
        engine_answer_value(ask->engine, ask->client, ask->id, skn_buf_slice(&look->json));
    ask->own_diag = look->call.diag;
    ask_end(ask, look->call.rc);
}

enum skn_rc request_domain(struct ask *ask)
{
    struct skn_slice address;
    enum skn_rc rc = get_address(ask, false, &address);
    if (rc != SKN_OK) return rc;
    engine_look_start(engine_look_new(ask->engine, address, 0, show_domain, domain_shown, ask));
    return SKN_ELATER;
}

/* --- acts ----------------------------------------------------------------------------------------- */

static enum skn_rc priority_of(struct ask *ask, enum skn_priority *out)
{
    struct skn_slice text = ask_text(ask, "priority");
    *out = SKN_PRIORITY_NORMAL;
    if (text.len == 0) return SKN_OK;
    for (enum skn_priority p = 0; p < SKN_PRIORITIES; p++) {
        *out = p;
        if (skn_slice_eq(text, skn_slice_str(skn_priority_name(p)))) return SKN_OK;
    }
    return SKN_FAIL(ask->diag,
                    SKN_EARGS,
                    "\"%.*s\" is no priority: critical, high, normal, low or background",
                    SKN_FMT(text));
}

/* The members of `secrets` beside those of the payload, as secrets [E46]. */
static enum skn_rc add_secrets(struct ask *ask, struct skn_value *payload)
{
    struct skn_value secrets, v;
    struct skn_slice key;
    if (!skn_map_get(ask->request, SKN_LIT("secrets"), &secrets)) return SKN_OK;
    bool is_map = skn_value_is(*payload, SKN_T_MAP) || skn_value_is(*payload, SKN_T_NONE);
    if (!is_map || !skn_value_is(secrets, SKN_T_MAP))
        return SKN_FAIL(ask->diag, SKN_EARGS, "a payload with secrets is an object");
    struct skn_builder *b = skn_alloc(sizeof *b);
    skn_buf_reset(&ask->payload);
    skn_builder_init(b, &ask->payload);
    skn_build_map_begin(b);
    struct skn_value_iter iter = skn_value_iter(*payload);
    while (skn_value_next(&iter, &key, &v)) {
        skn_build_key(b, key);
        skn_build_value(b, v);
    }
    iter = skn_value_iter(secrets);
    while (skn_value_next(&iter, &key, &v)) {
        skn_build_key(b, key);
        skn_build_secret_begin(b);
        skn_build_value(b, v);
        skn_build_secret_end(b);
    }
    skn_build_map_end(b);
    enum skn_rc rc = skn_build_end(b, ask->diag);
    skn_free(b);
    if (rc == SKN_EEXIST)
        return SKN_FAIL(
            ask->diag, SKN_EARGS, "a member stands in the payload and is a secret, too");
    if (rc == SKN_OK) *payload = skn_value_view(skn_buf_slice(&ask->payload));
    return rc;
}

/* The steps of storing a content are those of `skein blob put`: alone they would say what is not so. */
static enum skn_rc check_blob(struct ask *ask, struct skn_slice address, struct skn_slice name)
{
    bool is_blob = skn_slice_has_prefix(address, SKN_LIT("blob:"));
    if (!is_blob || skn_slice_eq(name, SKN_LIT("get"))) return SKN_OK;
    return SKN_FAIL(ask->diag, SKN_EPERM, "a blob is told by skein blob put and skein blob rm");
}

enum skn_rc request_send(struct ask *ask)
{
    struct skn_slice address, name = ask_text(ask, "name");
    struct skn_value payload = skn_value_none();
    enum skn_priority priority = SKN_PRIORITY_NORMAL;
    enum skn_rc rc = get_address(ask, false, &address);
    if (rc == SKN_OK) rc = priority_of(ask, &priority);
    if (rc == SKN_OK && name.len == 0) rc = SKN_FAIL(ask->diag, SKN_EARGS, "a message has a name");
    if (rc == SKN_OK) rc = check_blob(ask, address, name);
    if (rc == SKN_OK) rc = ask_has_room(ask);
    if (rc != SKN_OK) return rc;
    (void)skn_map_get(ask->request, SKN_LIT("payload"), &payload);
    rc = add_secrets(ask, &payload);
    if (rc != SKN_OK) return rc;
    ask_submit(ask, address, name, ask_text(ask, "request_id"), priority, payload, REPLY_AS_VALUE);
    return SKN_OK;
}

static enum skn_rc look_held(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    struct look *look = engine_look_of(call);
    struct skn_look_domain domain;
    enum skn_rc rc = skn_look_domain(store, look->address, &domain, &call->diag);
    if (rc != SKN_OK) return rc;
    if (skn_core_is_held(core, look->address)) return SKN_OK;
    return SKN_FAIL(&call->diag,
                    SKN_ENOENT,
                    "nothing of \"%.*s\" waits to be taken up%s",
                    SKN_FMT(look->address),
                    domain.is_faulted ? "; it is FAULTED, see skein domain redeliver" : "");
}

static void held_looked(struct look *look)
{
    struct ask *ask = look->ask;
    if (look->call.rc == SKN_OK) {
        skn_shards_take_up(ask->engine->shards, look->address, true);
        engine_answer_value(ask->engine, ask->client, ask->id, SKN_LIT("{\"resumed\":true}"));
    }
    ask->own_diag = look->call.diag;
    ask_end(ask, look->call.rc);
}

enum skn_rc request_take_up(struct ask *ask)
{
    struct skn_slice address;
    enum skn_rc rc = get_address(ask, false, &address);
    if (rc != SKN_OK) return rc;
    engine_look_start(engine_look_new(ask->engine, address, 0, look_held, held_looked, ask));
    return SKN_ELATER;
}

enum skn_rc request_redeliver(struct ask *ask)
{
    struct skn_redeliver redeliver = {.is_closing = ask_flag(ask, "close")};
    int64_t letter = ask_int(ask, "letter", 0);
    enum skn_rc rc = get_address(ask, false, &redeliver.address);
    if (rc == SKN_OK && letter < 0)
        rc = SKN_FAIL(ask->diag, SKN_EARGS, "dead letters have numbers from 1");
    if (rc != SKN_OK) return rc;
    redeliver.letter = (uint64_t)letter;
    redeliver.number = ask_expect(ask, redeliver.address, REPLY_AS_FORGIVEN);
    skn_shards_redeliver(ask->engine->shards, &redeliver);
    return SKN_OK;
}

enum skn_rc request_remove(struct ask *ask)
{
    struct skn_remove remove = {.number = 0};
    enum skn_rc rc = get_address(ask, false, &remove.address);
    if (rc != SKN_OK) return rc;
    remove.number = ask_expect(ask, remove.address, REPLY_AS_VALUE);
    skn_shards_remove(ask->engine->shards, &remove);
    return SKN_OK;
}

enum skn_rc request_trace(struct ask *ask)
{
    struct skn_slice address;
    enum skn_rc rc = get_address(ask, false, &address);
    if (rc == SKN_OK) engine_trace(ask->engine, ask->client, ask->id, address);
    return rc;
}

enum skn_rc request_accept_clock(struct ask *ask)
{
    struct skn_engine *e = ask->engine;
    struct skn_clock_state clock = skn_shards_clock(e->shards);
    if (!clock.waits) return SKN_FAIL(ask->diag, SKN_ENOENT, "the node's clock waits for nothing");
    skn_shards_accept_clock(e->shards);
    char json[64];
    int len = snprintf(json, sizeof json, "{\"ahead_ms\":%" PRId64 "}", clock.ahead_ms);
    engine_answer_value(e, ask->client, ask->id, skn_slice(json, (size_t)len));
    return SKN_OK;
}

enum skn_rc request_clock(struct ask *ask)
{
#ifdef SKN_TEST_BUILD
    enum { MS_MAX_DAYS = 36500 };
    struct skn_engine *e = ask->engine;
    int64_t ms = ask_int(ask, "ms", -1);
    if (ms < 0 || ms > (int64_t)MS_MAX_DAYS * 24 * 60 * 60 * 1000)
        return SKN_FAIL(ask->diag, SKN_EARGS, "the clock moves forward, by up to 100 years");
    skn_shards_advance_clock(e->shards, (uint64_t)ms);
    char json[64];
    int len = snprintf(json, sizeof json, "{\"now\":%" PRIu64 "}", skn_shards_now_ms(e->shards));
    engine_answer_value(e, ask->client, ask->id, skn_slice(json, (size_t)len));
    return SKN_OK;
#else
    return SKN_FAIL(ask->diag, SKN_EPERM, "only a test build moves its clock");
#endif
}
