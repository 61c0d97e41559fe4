/* look.c - rows are read on the thread of their shard: a look goes there and comes back. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "node/request_internal.h"

bool engine_is_held(const struct skn_core *core, struct skn_slice address)
{
    return !core || skn_core_is_held(core, address);
}

struct look *engine_look_of(struct skn_call *call)
{
    return SKN_CONTAINER_OF(call, struct look, call);
}

struct look *
engine_look_new(struct skn_engine *e,
                struct skn_slice address,
                uint32_t shard,
                enum skn_rc (*fn)(struct skn_call *, struct skn_core *, struct skn_store *),
                void (*done)(struct look *),
                struct ask *ask)
{
    struct look *look = skn_alloc_zero(1, sizeof *look + address.len);
    if (address.len > 0) memcpy(look->bytes, address.ptr, address.len);
    look->address = skn_slice(look->bytes, address.len);
    look->engine = e;
    look->ask = ask;
    look->done = done;
    look->call.fn = fn;
    look->call.shard = address.len > 0 ? skn_shards_of(e->shards, address) : shard;
    skn_buf_init(&look->json, ANSWER_BYTES_MAX);
    skn_buf_init(&look->after, SKN_ADDRESS_MAX + 1);
    skn_list_init(&look->link);
    skn_list_push_back(&e->looks, &look->link);
    return look;
}

void engine_look_start(struct look *look)
{
    skn_shards_call(look->engine->shards, &look->call);
}

static void look_free(struct look *look)
{
    skn_list_remove(&look->link);
    skn_buf_fini(&look->json);
    skn_buf_fini(&look->after);
    skn_free(look);
}

void engine_looked(struct skn_call *call)
{
    struct look *look = engine_look_of(call);
    look->done(look);
    look_free(look);
}

void engine_look_abandon(struct look *look)
{
    if (look->one) skn_buf_fini(&look->one->address);
    skn_free(look->one);
    look_free(look);
}
