/* box.c - how many messages are in each lane of a mailbox, and the number of the next one [E30].
 *
 * Both follow from the rows of the lane, so no other row says them: who sends puts the message and nothing
 * else, who takes deletes it and nothing else. Memory counts along. It begins with what an opening finds,
 * which looks at every message in flight anyway, and keeps each domain that has mail, also one that is
 * FAULTED: so a domain that is not in memory has none, unless this program does not know its type.
 *
 * A message gets the number behind the last one of its lane, or, when the lane is empty, the stamp of the
 * slice that sends it. That is above all numbers that the lane ever had: each message took a slice, and
 * each slice has a greater stamp, before the lane was empty. So numbers grow, no key comes again, and a
 * batch depends on rows and stamp only (P4).
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bug.h"
#include "base/cursor.h"
#include "core/core_internal.h"

#include <string.h>

#include "base/pure.h"

/* Numbers of what arrived have this bit, so what would be handed over before it has room. */
#define ARRIVED (UINT64_C(1) << 63)

/* [E24] Of a mailbox that has more the second handling believes what memory counted. */
enum { CHECK_ROWS = 1000, ROWS_AT_ONCE = 64, REST_BYTES = 9 };

enum skn_rc
skn_box_found(struct skn_box boxes[SKN_LANES], struct skn_slice rest, struct skn_diag *diag)
{
    struct skn_cursor cursor = skn_cursor(rest);
    uint8_t lane = skn_cursor_u8(&cursor);
    uint64_t number = skn_cursor_be(&cursor, 8);
    if (!skn_cursor_is_done(&cursor) || lane >= SKN_LANES)
        return SKN_CORRUPT(diag, "a mailbox row has a malformed key");
    struct skn_box *box = &boxes[lane];
    if (box->count == 0 || !skn_bug(SKN_BUG_MAIL_NEXT_WRONG)) box->next = number + 1;
    box->count++;
    return SKN_OK;
}

/* At most `most` rows are read. SKN_EFULL: there are more. */
static enum skn_rc read_rows(struct skn_store *store,
                             struct skn_slice address,
                             size_t most,
                             struct skn_box out[SKN_LANES],
                             struct skn_diag *diag)
{
    struct skn_key from, end;
    struct skn_row rows[ROWS_AT_ONCE];
    size_t count = ROWS_AT_ONCE, all = 0;
    skn_key_mailbox(&from, address);
    skn_key_mailbox(&end, address);
    const size_t head = from.len;
    skn_key_end(&end);
    memset(out, 0, SKN_LANES * sizeof *out);
    while (count == ROWS_AT_ONCE) {
        if (all > most) return SKN_EFULL;
        enum skn_rc rc = skn_store_scan(
            store, skn_key_slice(&from), skn_key_slice(&end), rows, ROWS_AT_ONCE, &count, diag);
        for (size_t i = 0; rc == SKN_OK && i < count; i++)
            rc = skn_box_found(out, skn_slice_from(rows[i].key, head), diag);
        if (rc != SKN_OK || count == 0) return rc;
        all += count;
        from.len = rows[count - 1].key.len;
        memcpy(from.bytes, rows[count - 1].key.ptr, from.len);
        from.bytes[from.len++] = 0;
    }
    return SKN_OK;
}

enum skn_rc skn_boxes_read(struct skn_store *store,
                           struct skn_slice address,
                           struct skn_box out[SKN_LANES],
                           struct skn_diag *diag)
{
    return read_rows(store, address, SIZE_MAX, out, diag);
}

void skn_boxes_load(struct skn_cx *cx,
                    const struct skn_dom *dom,
                    struct skn_slice address,
                    struct skn_box out[SKN_LANES])
{
    static const struct skn_box none[SKN_LANES];
    /* One whose type is gone cannot be in memory, and may have mail. */
    bool is_unknown = !dom && !skn_program_find(cx->core, address);
    if (cx->core->is_replaying || is_unknown) {
        enum skn_rc rc = skn_boxes_read(cx->core->store, address, out, &cx->diag);
        if (rc != SKN_OK && cx->rc == SKN_OK) cx->rc = rc;
        return;
    }
    /* What is not here, or too much to look at for each message, is not compared. */
    bool is_read =
        cx->is_rebuilt && read_rows(cx->core->store, address, CHECK_ROWS, out, NULL) == SKN_OK;
    if (!is_read) memcpy(out, dom ? dom->boxes : none, sizeof none);
}

uint64_t skn_box_add(struct skn_box *box, uint64_t stamp)
{
    SKN_ASSERT(stamp < ARRIVED);
    uint64_t number = box->count > 0 ? box->next : ARRIVED | stamp;
    box->next = number + 1;
    box->count++;
    return skn_bug(SKN_BUG_MAIL_SWAPPED) ? number ^ 1 : number;
}

void skn_box_take(struct skn_box *box)
{
    SKN_ASSERT(box->count > 0);
    box->count--;
}

/* What memory counted of one domain. How many; 0 where its rows are not here. */
static uint64_t check_dom(const struct skn_core *core, const struct skn_dom *dom)
{
    struct skn_box boxes[SKN_LANES];
    uint64_t all = 0;
    if (skn_boxes_read(core->store, skn_dom_address(dom), boxes, NULL) != SKN_OK) return 0;
    for (unsigned lane = 0; lane < SKN_LANES; lane++) {
        SKN_ASSERT(boxes[lane].count == dom->boxes[lane].count);
        if (boxes[lane].count > 0) SKN_ASSERT(boxes[lane].next == dom->boxes[lane].next);
        all += boxes[lane].count;
    }
    return all;
}

void skn_boxes_check(const struct skn_core *core)
{
    struct skn_key from, end;
    struct skn_row row;
    uint64_t counted = 0, rows = 0;
    size_t count = 0;
    for (struct skn_omap_node *n = skn_omap_first(&core->doms); n; n = skn_omap_next(n))
        counted += check_dom(core, SKN_CONTAINER_OF(n, struct skn_dom, node));
    skn_key_shard(&from, SKN_SHARD_MAIL);
    end = from;
    skn_key_end(&end);
    enum skn_rc rc;
    do {
        rc = skn_store_scan(
            core->store, skn_key_slice(&from), skn_key_slice(&end), &row, 1, &count, NULL);
        if (rc != SKN_OK || count == 0) break;
        memcpy(from.bytes, row.key.ptr, row.key.len);
        from.len = row.key.len;
        from.bytes[from.len++] = 0;
        struct skn_slice address, rest;
        if (skn_key_split(row.key, &address, &rest, NULL) != SKN_OK) break;
        rows += skn_program_find(core, address) != NULL;
    } while (counted >= rows);
    SKN_ASSERT(rc != SKN_OK || rows == counted); /* nobody has mail who is not in memory */
}

bool skn_boxes_are_empty(const struct skn_box boxes[SKN_LANES])
{
    uint32_t any = 0;
    for (unsigned lane = 0; lane < SKN_LANES; lane++)
        any |= boxes[lane].count;
    return any == 0;
}
