/* albums.c - domains of the simulator whose rows and messages name contents [E45]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/blobs_internal.h"

#include "base/pure.h"

/* Messages, each with a number: content + 16 * (slot + 16 * album):
 *   keep   a row in the slot names the content       drop   the row goes
 *   pass   the content of the slot goes to the album, which keeps it in the same slot
 *   clear  all rows go
 * Rows: "p" and the slot: a blob. */

static struct skn_slice slot_key(struct skn_cx *cx, uint64_t slot)
{
    uint8_t *key = skn_arena_alloc(skn_cx_arena(cx), 2);
    key[0] = 'p';
    key[1] = (uint8_t)('0' + slot);
    return skn_slice(key, 2);
}

static struct skn_value photo_of(struct skn_cx *cx, uint64_t content)
{
    uint8_t hash[SKN_VALUE_HASH_BYTES];
    struct skn_buf *out = skn_cx_scratch(cx);
    struct skn_builder *b = skn_arena_alloc(skn_cx_arena(cx), sizeof *b);
    sim_content_hash(content, hash);
    skn_builder_init(b, out);
    skn_build_list_begin(b);
    skn_build_blob(b, hash, SIM_CONTENT_BYTES, (struct skn_slice){0});
    skn_build_list_end(b);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    return skn_value_view(skn_arena_dup(skn_cx_arena(cx), skn_buf_slice(out)));
}

static void pass(struct skn_cx *cx, uint64_t slot, uint64_t album)
{
    struct skn_slice bytes, none = {0};
    if (skn_cx_get(cx, slot_key(cx, slot), &bytes) != SKN_OK) return;
    struct skn_value photo = skn_value_view(skn_arena_dup(skn_cx_arena(cx), bytes));
    const uint8_t name[] = {'0', (uint8_t)('0' + slot)};
    struct skn_slice to = numbers_text(skn_cx_arena(cx), SIM_ALBUM, album, none);
    skn_cx_send(cx, to, SKN_PRIORITY_NORMAL, skn_slice(name, sizeof name), photo);
}

static enum skn_rc
handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm, (void)diag;
    if (m->kind == SKN_MESSAGE_SEND) {
        bool is_photo = m->name.len == 2 && skn_value_is(m->payload, SKN_T_LIST);
        if (is_photo) skn_cx_put_value(cx, slot_key(cx, m->name.ptr[1] - '0'), m->payload);
        return skn_cx_rc(cx);
    }
    if (m->kind != SKN_MESSAGE_REQUEST || !skn_value_is(m->payload, SKN_T_INT)) return SKN_OK;
    uint64_t n = (uint64_t)skn_value_as_int(m->payload);
    uint64_t content = n % 16, slot = n / 16 % 16, album = n / 256;
    if (is_name(m->name, "keep"))
        skn_cx_put_value(cx, slot_key(cx, slot), photo_of(cx, content));
    else if (is_name(m->name, "drop"))
        skn_cx_delete(cx, slot_key(cx, slot));
    else if (is_name(m->name, "clear"))
        skn_cx_delete_range(cx, SKN_LIT("p"));
    else if (is_name(m->name, "pass"))
        pass(cx, slot, album);
    return skn_cx_rc(cx);
}

const struct skn_program sim_album_program = {.type = "Album", .module = 104, .handle = handle};
