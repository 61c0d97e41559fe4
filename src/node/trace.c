/* trace.c - what domains do, for clients that watch them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "node/request_internal.h"

#include "core/look.h"

#include <inttypes.h>

/* A client asks again for each page, so a slow one costs this much and no more; what does not fit is
 * counted and not told. */
enum { EVENTS_MAX = 1000, EVENT_BYTES_MAX = 4 << 20 };

struct tracer {
    struct skn_list link;
    uint64_t client;
    int64_t id;            /* of the request that waits, 0: none does */
    struct skn_buf events; /* JSON objects with commas between */
    uint32_t count;
    uint64_t lost;
    struct skn_slice address;
    uint8_t bytes[];
};

static struct tracer *of_client(struct skn_engine *e, uint64_t client)
{
    SKN_LIST_FOREACH (link, &e->tracers) {
        struct tracer *tracer = SKN_CONTAINER_OF(link, struct tracer, link);
        if (tracer->client == client) return tracer;
    }
    return NULL;
}

static bool is_traced(struct skn_engine *e, struct skn_slice address)
{
    SKN_LIST_FOREACH (link, &e->tracers) {
        struct tracer *tracer = SKN_CONTAINER_OF(link, struct tracer, link);
        if (skn_slice_eq(tracer->address, address)) return true;
    }
    return false;
}

static void tell(struct skn_engine *e, struct tracer *tracer)
{
    struct skn_buf json;
    skn_buf_init(&json, ANSWER_BYTES_MAX);
    skn_buf_put_str(&json, "{\"events\":[");
    skn_buf_put(&json, skn_buf_slice(&tracer->events));
    skn_buf_printf(&json, "],\"lost\":%" PRIu64 "}", tracer->lost);
    engine_answer_value(e, tracer->client, tracer->id, skn_buf_slice(&json));
    skn_buf_fini(&json);
    skn_buf_reset(&tracer->events);
    tracer->id = 0;
    tracer->count = 0;
    tracer->lost = 0;
}

/* At the shard of the domain, in the order in which they were asked for. */
static enum skn_rc trace_on(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    (void)store;
    skn_core_trace(core, engine_look_of(call)->address, true);
    return SKN_OK;
}

static enum skn_rc trace_off(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    (void)store;
    skn_core_trace(core, engine_look_of(call)->address, false);
    return SKN_OK;
}

/* The first answer is empty: from now on nothing is missed. */
static void switched(struct look *look)
{
    struct tracer *tracer = look->number > 0 ? of_client(look->engine, look->number) : NULL;
    if (tracer && tracer->id == look->id && skn_slice_eq(tracer->address, look->address))
        tell(look->engine, tracer);
}

static void end(struct skn_engine *e, struct tracer *tracer, bool is_closing)
{
    skn_list_remove(&tracer->link);
    if (!is_closing && !is_traced(e, tracer->address))
        engine_look_start(engine_look_new(e, tracer->address, 0, trace_off, switched, NULL));
    skn_buf_fini(&tracer->events);
    skn_free(tracer);
}

void engine_trace_end(struct skn_engine *e, uint64_t client)
{
    SKN_LIST_FOREACH_SAFE (link, after, &e->tracers) {
        struct tracer *tracer = SKN_CONTAINER_OF(link, struct tracer, link);
        if (client == 0 || tracer->client == client) end(e, tracer, client == 0);
    }
}

static void begin(struct skn_engine *e, uint64_t client, int64_t id, struct skn_slice address)
{
    struct tracer *tracer = skn_alloc_zero(1, sizeof *tracer + address.len);
    if (address.len > 0) memcpy(tracer->bytes, address.ptr, address.len);
    tracer->address = skn_slice(tracer->bytes, address.len);
    tracer->client = client;
    skn_buf_init(&tracer->events, EVENT_BYTES_MAX);
    skn_list_init(&tracer->link);
    skn_list_push_back(&e->tracers, &tracer->link);
    tracer->id = id;
    struct look *look = engine_look_new(e, tracer->address, 0, trace_on, switched, NULL);
    look->number = client;
    look->id = id;
    engine_look_start(look);
}

void engine_trace(struct skn_engine *e, uint64_t client, int64_t id, struct skn_slice address)
{
    struct tracer *tracer = of_client(e, client);
    if (tracer && !skn_slice_eq(tracer->address, address)) {
        end(e, tracer, false);
        tracer = NULL;
    }
    if (!tracer) {
        begin(e, client, id, address);
        return;
    }
    tracer->id = id;
    if (tracer->count > 0 || tracer->lost > 0) tell(e, tracer);
}

/* {"index", "stamp", and the members of the core's map}. */
static void put_event(const struct skn_output *output, struct skn_buf *out)
{
    struct skn_buf text;
    skn_buf_init(&text, EVENT_BYTES_MAX);
    skn_buf_printf(out, "{\"index\":%" PRIu64 ",\"stamp\":%" PRIu64, output->index, output->stamp);
    /* What has a text that is not UTF-8 is told without its members. */
    if (skn_json_print(skn_value_view(output->value), SKN_JSON_PLAIN, &text, NULL) == SKN_OK &&
        text.len > 2) {
        skn_buf_put_u8(out, ',');
        skn_buf_put(out, skn_slice(text.ptr + 1, text.len - 2));
    }
    skn_buf_put_u8(out, '}');
    skn_buf_fini(&text);
}

void engine_traced(struct skn_engine *e, const struct skn_output *output)
{
    struct skn_buf event;
    skn_buf_init(&event, 2 * (size_t)EVENT_BYTES_MAX);
    put_event(output, &event);
    SKN_LIST_FOREACH (link, &e->tracers) {
        struct tracer *tracer = SKN_CONTAINER_OF(link, struct tracer, link);
        if (!skn_slice_eq(tracer->address, output->address)) continue;
        if (tracer->count == EVENTS_MAX || tracer->events.len + event.len >= EVENT_BYTES_MAX) {
            tracer->lost++;
        } else {
            if (tracer->count++ > 0) skn_buf_put_u8(&tracer->events, ',');
            skn_buf_put(&tracer->events, skn_buf_slice(&event));
        }
        if (tracer->id != 0) tell(e, tracer);
    }
    skn_buf_fini(&event);
}
