/* blobs.c - contents in the simulator: clients that store and name them, files, and the checks [E45]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/blobs_internal.h"

#include "base/mem.h"
#include "core/look.h"

#include <inttypes.h>

#include "base/pure.h"

enum { HASH = SKN_VALUE_HASH_BYTES, PENDING_MAX = 32, REMOVALS_MAX = 16 };
#define FIRST_NUMBER (UINT64_C(1) << 40) /* requests of ours, apart from those of clients.c */

enum step { BEGIN, STORED, UNPIN, KEEP, DROP, PASS, CLEAR };
static const char *const step_names[] = {
    "begin", "stored", "unpin", "keep", "drop", "pass", "clear"};

/* A request that is under way. */
struct pending {
    uint64_t number;
    enum step step;
    uint64_t content, slot, album;
};

struct removal {
    struct skn_slice address;
    uint64_t number, epoch, content;
    uint32_t attempt;
};

struct sim_blobs {
    bool has_file[SIM_CONTENTS];
    bool is_kept[SIM_CONTENTS]; /* a client was told so, and let go of nothing since */
    bool is_storing[SIM_CONTENTS];
    struct pending pending[PENDING_MAX];
    size_t pending_count;
    struct removal removals[REMOVALS_MAX];
    size_t removal_count;
    uint64_t next_number;
    uint64_t stored, removed;
    bool is_let_go; /* everything, at the end */
};

void sim_content_hash(uint64_t content, uint8_t out[HASH])
{
    for (uint64_t i = 0; i < HASH; i++)
        out[i] = (uint8_t)(content * 53 + (i % 3 == 0 ? 0 : i * 7)); /* with zero bytes */
}

void blobs_init(struct world *w)
{
    if (!w->params.blobs) return;
    w->blobs = skn_alloc_zero(1, sizeof *w->blobs);
    w->blobs->next_number = FIRST_NUMBER;
}

void blobs_fini(struct world *w)
{
    skn_free(w->blobs);
}

/* --- asking --------------------------------------------------------------------------------------------- */

static void address_of(const struct pending *p, char out[SKN_BLOB_ADDRESS_SIZE])
{
    uint8_t hash[HASH];
    sim_content_hash(p->content, hash);
    skn_look_blob_address(hash, out);
    if (p->step < KEEP) return;
    memcpy(out, SIM_ALBUM, sizeof SIM_ALBUM);
    out[sizeof SIM_ALBUM - 1] = (char)('0' + p->album);
    out[sizeof SIM_ALBUM] = 0;
}

static bool is_asked(const struct sim_blobs *b, enum step step, uint64_t content)
{
    for (size_t i = 0; i < b->pending_count; i++)
        if (b->pending[i].step == step && b->pending[i].content == content) return true;
    return false;
}

static void ask(struct world *w, struct pending p, struct skn_value payload)
{
    struct sim_blobs *b = w->blobs;
    char address[SKN_BLOB_ADDRESS_SIZE];
    if (b->pending_count == PENDING_MAX || !w->node) return;
    p.number = b->next_number++;
    b->pending[b->pending_count++] = p;
    address_of(&p, address);
    const struct skn_request request = {.number = p.number,
                                        .caller = SKN_LIT("storer"),
                                        .address = skn_slice_str(address),
                                        .name = skn_slice_str(step_names[p.step]),
                                        .payload = payload,
                                        .priority = SKN_PRIORITY_NORMAL};
    node_submit(w, &request);
}

static void ask_album(struct world *w, enum step step, uint64_t content, uint64_t slot, uint64_t to)
{
    uint64_t album = skn_rng_below(&w->rng, SIM_ALBUMS);
    struct pending p = {.step = step, .content = content, .slot = slot, .album = album};
    ask(w, p, skn_value_int((int64_t)(content + 16 * (slot + 16 * to))));
}

static void let_go(struct world *w, uint64_t content)
{
    w->blobs->is_kept[content] = false;
    ask(w, (struct pending){.step = UNPIN, .content = content}, skn_value_none());
}

static void store(struct world *w, uint64_t content)
{
    w->blobs->is_storing[content] = true;
    ask(w, (struct pending){.step = BEGIN, .content = content}, skn_value_none());
}

void blobs_act(struct world *w)
{
    struct sim_blobs *b = w->blobs;
    if (!b || !w->node || skn_rng_chance(&w->rng, 1, 2)) return;
    uint64_t content = skn_rng_below(&w->rng, SIM_CONTENTS);
    uint64_t slot = skn_rng_below(&w->rng, SIM_SLOTS), to = skn_rng_below(&w->rng, SIM_ALBUMS);
    uint64_t what = skn_rng_below(&w->rng, 10);
    bool is_kept = b->is_kept[content];
    if (!is_kept && !b->is_storing[content] && what < 4) store(w, content);
    if (is_kept && what < 3) ask_album(w, KEEP, content, slot, to);
    /* While a row that is to name it is under way, it is kept. */
    bool lets_go = what == 3 || what == 4;
    if (is_kept && lets_go && !is_asked(b, KEEP, content)) let_go(w, content);
    if (what == 5 || what == 6) ask_album(w, DROP, content, slot, to);
    if (what == 7 || what == 8) ask_album(w, CLEAR, content, slot, to);
    if (what == 9) ask_album(w, PASS, content, slot, to);
}

/* --- answers -------------------------------------------------------------------------------------------- */

static void begun(struct world *w, const struct pending *p, const struct skn_output *output)
{
    struct sim_blobs *b = w->blobs;
    struct skn_value born = skn_value_none();
    if (output->rc != SKN_OK ||
        !skn_map_get(skn_value_view(output->value), SKN_LIT("born"), &born)) {
        b->is_storing[p->content] = false;
        if (output->rc == SKN_EBUSY) world_cover(w, SKN_COVER_BLOB_BUSY);
        return;
    }
    b->has_file[p->content] = true; /* written, synced, renamed */
    struct skn_buf bytes;
    struct skn_builder *builder = skn_arena_alloc(&w->arena, sizeof *builder);
    skn_buf_init(&bytes, 256);
    skn_builder_init(builder, &bytes);
    skn_build_list_begin(builder);
    skn_build_value(builder, born);
    skn_build_int(builder, SIM_CONTENT_BYTES);
    skn_build_list_end(builder);
    enum skn_rc rc = skn_build_end(builder, NULL);
    SKN_ASSERT(rc == SKN_OK);
    struct pending next = {.step = STORED, .content = p->content};
    ask(w, next, skn_value_view(skn_buf_slice(&bytes)));
    skn_buf_fini(&bytes);
}

static void hear(struct world *w, const struct pending *p, const struct skn_output *output)
{
    struct sim_blobs *b = w->blobs;
    if (p->step == BEGIN) begun(w, p, output);
    if (p->step == STORED) {
        b->is_storing[p->content] = false;
        b->is_kept[p->content] = output->rc == SKN_OK;
        b->stored += output->rc == SKN_OK;
        world_cover(w, output->rc == SKN_OK ? SKN_COVER_BLOB_STORED : SKN_COVER_BLOB_TOO_LATE);
    }
}

/* --- looking --------------------------------------------------------------------------------------------- */

struct content_seen {
    bool has_domain, is_stored, is_kept, is_going;
    uint32_t holders;
    struct {
        bool is_named, is_leased, is_held;
    } shards[SIM_SHARDS_MAX];
};

struct blobs_seen {
    struct content_seen at[SIM_CONTENTS];
    bool is_over;
    bool is_removal; /* of the file of `removed`, now */
    uint64_t removed;
};

static enum skn_rc look_at_shard(struct world *w,
                                 void *ctx,
                                 uint32_t shard,
                                 struct skn_core *core,
                                 struct skn_store *store,
                                 struct skn_diag *diag)
{
    struct blobs_seen *seen = ctx;
    uint8_t hash[HASH];
    bool is_leased;
    (void)core;
    for (uint64_t i = 0; i < SIM_CONTENTS; i++) {
        struct content_seen *c = &seen->at[i];
        char address[SKN_BLOB_ADDRESS_SIZE];
        struct skn_look_blob blob;
        sim_content_hash(i, hash);
        skn_look_blob_address(hash, address);
        if (skn_shard_of(skn_slice_str(address), node_shards(w)) != shard) continue;
        enum skn_rc rc = skn_look_blob(store, skn_slice_str(address), &blob, diag);
        if (rc != SKN_OK && rc != SKN_ENOENT) return rc;
        c->has_domain = rc == SKN_OK;
        if (!c->has_domain) continue;
        c->is_stored = blob.is_stored;
        c->is_kept = blob.is_pinned;
        c->is_going = blob.is_going;
        c->holders = blob.holders;
        for (uint32_t k = 0; k < node_shards(w); k++) {
            rc = skn_look_holds(store, hash, k, diag);
            if (rc != SKN_OK && rc != SKN_ENOENT) return rc;
            c->shards[k].is_held = rc == SKN_OK;
        }
    }
    for (bool goes_on = false;; goes_on = true) {
        enum skn_rc rc = skn_look_next_name(store, goes_on ? hash : NULL, hash, &is_leased, diag);
        if (rc != SKN_OK) return rc == SKN_ENOENT ? SKN_OK : rc;
        for (uint64_t i = 0; i < SIM_CONTENTS; i++) {
            uint8_t other[HASH];
            sim_content_hash(i, other);
            if (memcmp(hash, other, HASH) != 0) continue;
            seen->at[i].shards[shard].is_named = true;
            seen->at[i].shards[shard].is_leased = is_leased;
        }
    }
}

static void judge(struct world *w, void *ctx)
{
    const struct blobs_seen *seen = ctx;
    const struct sim_blobs *b = w->blobs;
    for (uint64_t i = 0; i < SIM_CONTENTS; i++) {
        const struct content_seen *c = &seen->at[i];
        bool is_named = false, goes = seen->is_removal && seen->removed == i;
        for (uint32_t k = 0; k < node_shards(w); k++) {
            is_named |= c->shards[k].is_named;
            if (!c->shards[k].is_named) continue;
            world_cover(w, SKN_COVER_BLOB_NAMED);
            if (!c->shards[k].is_leased && !c->shards[k].is_held)
                world_fail(w, "P1: a shard names a content that does not count it [E45]", NULL);
            if (seen->is_over && (c->shards[k].is_leased || !c->shards[k].is_held))
                world_fail(w, "P10: the reference of a content is never answered [E45]", NULL);
        }
        /* At the end alone: who reads beside a node leaves out its last group [E81], and what has just
         * been answered may be in it. */
        if (seen->is_over && b->is_kept[i] && (!c->has_domain || !c->is_kept || !c->is_stored))
            world_fail(w, "P1: a content that is kept is not [E45]", NULL);
        if (is_named && c->has_domain && c->is_stored && !b->has_file[i])
            world_fail(w, "P1: a content that is named has lost its file [E45]", NULL);
        if (goes && is_named)
            world_fail(w, "P1: a content that is named loses its file [E45]", NULL);
        if (!seen->is_over) continue;
        if (is_named != (c->holders > 0))
            world_fail(w, "P10: a content counts what is not there [E45]", NULL);
        bool is_owed = c->has_domain && (c->is_kept || c->holders > 0);
        if (!is_owed && (c->has_domain || b->has_file[i]))
            world_fail(w, "P10: a content that nobody names is left [E45]", NULL);
    }
}

/* What is stored at one moment: beside a node that has rows in memory only, shards are read one after the
 * other. */
static void look(struct world *w, struct blobs_seen *seen)
{
    struct skn_diag diag = {0};
    if (w->rc != SKN_OK || (w->node && !w->backend)) return;
    if (node_look(w, look_at_shard, judge, seen, &diag) != SKN_OK)
        world_fail(w, "P7: the node fails", &diag);
}

void blobs_look(struct world *w, bool is_over)
{
    struct blobs_seen seen = {.is_over = is_over};
    if (w->blobs) look(w, &seen);
}

/* --- files ---------------------------------------------------------------------------------------------- */

static void remove_file(struct world *w, uint64_t content)
{
    struct sim_blobs *b = w->blobs;
    struct blobs_seen seen = {.is_removal = true, .removed = content};
    if (b->is_kept[content])
        world_fail(w, "P1: a content that is kept has lost its file [E45]", NULL);
    look(w, &seen);
    b->removed += b->has_file[content];
    if (b->has_file[content]) world_cover(w, SKN_COVER_BLOB_REMOVED);
    b->has_file[content] = false;
}

static uint64_t content_of(struct skn_slice address)
{
    for (uint64_t i = 0; i < SIM_CONTENTS; i++) {
        char text[SKN_BLOB_ADDRESS_SIZE];
        uint8_t hash[HASH];
        sim_content_hash(i, hash);
        skn_look_blob_address(hash, text);
        if (skn_slice_eq(address, skn_slice_str(text))) return i;
    }
    return SIM_CONTENTS;
}

static void take_removal(struct world *w, const struct skn_output *output)
{
    struct sim_blobs *b = w->blobs;
    SKN_ASSERT(b->removal_count < REMOVALS_MAX);
    struct removal r = {.address = skn_arena_dup(&w->arena, output->address),
                        .number = output->number,
                        .epoch = output->epoch,
                        .attempt = output->attempt,
                        .content = content_of(output->address)};
    SKN_ASSERT(r.content < SIM_CONTENTS);
    b->removals[b->removal_count++] = r;
}

bool blobs_take(struct world *w, const struct skn_output *output)
{
    struct sim_blobs *b = w->blobs;
    struct skn_value v;
    if (!b) return false;
    if (output->kind == SKN_OUTPUT_PERFORM) {
        struct skn_value effect = skn_value_view(output->value);
        bool is_ours =
            skn_value_is(effect, SKN_T_MAP) && skn_map_get(effect, SKN_LIT(SKN_BLOB_REMOVE), &v);
        if (is_ours) take_removal(w, output);
        return is_ours;
    }
    if (output->kind != SKN_OUTPUT_REPLY || output->number < FIRST_NUMBER) return false;
    for (size_t i = 0; i < b->pending_count; i++) {
        if (b->pending[i].number != output->number) continue;
        struct pending p = b->pending[i];
        b->pending[i] = b->pending[--b->pending_count];
        hear(w, &p, output);
        break;
    }
    return true;
}

void blobs_turn(struct world *w)
{
    struct sim_blobs *b = w->blobs;
    while (b && w->node && b->removal_count > 0 && skn_rng_chance(&w->rng, 1, 2)) {
        struct removal r = b->removals[--b->removal_count];
        bool fails = w->params.failures && !w->is_quiet && skn_rng_chance(&w->rng, 1, 4);
        if (!fails) remove_file(w, r.content);
        const struct skn_attempt_result result = {
            .address = r.address,
            .number = r.number,
            .attempt = r.attempt,
            .epoch = r.epoch,
            .status = fails ? SKN_ATTEMPT_FAILURE : SKN_ATTEMPT_SUCCESS,
            .reason = fails ? SKN_LIT("IO") : (struct skn_slice){0},
            .value = skn_value_none()};
        node_result(w, &result);
    }
}

/* Nothing is heard any more of what was asked; some files went before. */
void blobs_vanish(struct world *w)
{
    struct sim_blobs *b = w->blobs;
    if (!b) return;
    for (size_t i = 0; i < b->removal_count; i++)
        if (skn_rng_chance(&w->rng, 1, 3)) remove_file(w, b->removals[i].content);
    b->removal_count = b->pending_count = 0;
    for (size_t i = 0; i < SIM_CONTENTS; i++)
        b->is_storing[i] = false;
}

/* Everybody lets go of half of it, once; then until nothing is under way. */
bool blobs_calm(struct world *w)
{
    struct sim_blobs *b = w->blobs;
    if (!b) return false;
    blobs_turn(w);
    if (!w->node || b->pending_count > 0) return true;
    if (!b->is_let_go) {
        for (uint64_t i = 0; i < SIM_CONTENTS; i++)
            if (i % 2 == 0 || !b->is_kept[i]) let_go(w, i);
        for (uint64_t album = 0; album < SIM_ALBUMS; album++) {
            struct pending p = {.step = CLEAR, .album = album};
            if (skn_rng_chance(&w->rng, 2, 3)) ask(w, p, skn_value_int(0));
        }
        b->is_let_go = true;
        return true;
    }
    return b->removal_count > 0;
}
