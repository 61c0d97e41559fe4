/* walk.c - reads the groups of one segment and hands out what is in them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/walk_internal.h"

#include "base/bug.h"
#include "base/mem.h"

#include <inttypes.h>
#include <string.h>

enum skn_rc skn_jwalk_locate(const struct skn_jwalk *walk, uint64_t offset, struct skn_diag *diag)
{
    if (!diag) return SKN_ECORRUPT;
    char name[SKN_JF_NAME_BYTES];
    const char *dir = skn_jscan_dir(walk->scan, walk->segment->head.number);
    skn_jf_segment_name(walk->segment->head.number, name);
    skn_diag_prefix(diag, "damage in \"%s/%s\" at offset %" PRIu64, dir, name, offset);
    return SKN_ECORRUPT;
}

static struct skn_slice records_of(const struct skn_jf_group *group, const uint8_t *bytes)
{
    return skn_slice(bytes + SKN_JF_GROUP_HEAD, group->records_bytes);
}

/* Hands the records of a group out. They were checked before. */
static enum skn_rc
replay_group(struct skn_jscan *scan, struct skn_slice rest, struct skn_diag *diag)
{
    struct skn_record record;
    struct skn_jf_hash prev;
    enum skn_rc rc = SKN_OK;
    while (rc == SKN_OK && rest.len > 0) {
        rc = skn_jf_next_record(&rest, &record, &prev, NULL, diag);
        if (rc == SKN_OK) rc = scan->replay(scan->ctx, &record, diag);
    }
    return rc;
}

static enum skn_rc check_chain(const struct skn_jscan *scan,
                               const struct skn_record *record,
                               const struct skn_jf_hash *prev,
                               struct skn_diag *diag)
{
    if (skn_bug(SKN_BUG_NO_CHAIN) && record->shard < scan->shards.count) return SKN_OK;
    bool is_trimmed = scan->super.oldest > 1;
    /* An owner who opened when all records of the shard were trimmed knew no hash to go on from. */
    if (scan->archive && prev->lo == 0 && prev->hi == 0) prev = NULL;
    return skn_jshards_check(&scan->shards, record, prev, is_trimmed, diag);
}

/* The chain of each shard [E3]; remembers where it stands. */
static enum skn_rc check_records(struct skn_jwalk *walk,
                                 const struct skn_jf_group *group,
                                 struct skn_slice rest,
                                 struct skn_diag *diag)
{
    struct skn_jscan *scan = walk->scan;
    const uint8_t *begin = rest.ptr;
    uint32_t count = 0;
    while (rest.len > 0) {
        uint64_t offset = group->offset + SKN_JF_GROUP_HEAD + (uint64_t)(rest.ptr - begin);
        struct skn_record record;
        struct skn_jf_hash prev, hash;
        enum skn_rc rc = skn_jf_next_record(&rest, &record, &prev, &hash, diag);
        if (rc == SKN_OK) rc = check_chain(scan, &record, &prev, diag);
        if (rc != SKN_OK) return skn_jwalk_locate(walk, group->offset, diag);
        skn_jshards_put(&scan->shards, &record, hash);
        if (record.term > scan->epoch) scan->epoch = record.term;
        count++;
        rc = skn_jdump_record(walk, &record, offset, &prev, &hash, diag);
        if (rc != SKN_OK) return rc;
    }
    if (count != group->records || count == 0)
        return SKN_JDAMAGE(walk, group->offset, diag, "a group has not the records that it says");
    return SKN_OK;
}

/* A whole group with the expected number. */
enum skn_rc skn_jwalk_accept(struct skn_jwalk *walk,
                             const struct skn_jf_group *group,
                             struct skn_slice bytes,
                             struct skn_diag *diag)
{
    struct skn_jscan *scan = walk->scan;
    enum skn_rc rc = check_records(walk, group, records_of(group, bytes.ptr), diag);
    if (rc != SKN_OK) return rc;
    if (scan->last_cap < bytes.len) {
        scan->last_bytes = skn_realloc(scan->last_bytes, bytes.len);
        scan->last_cap = bytes.len;
    }
    memcpy(scan->last_bytes, bytes.ptr, bytes.len);
    scan->last_group = *group;
    scan->last = group->number;
    scan->info.groups++;
    scan->info.bytes += group->length;
    scan->info.group_last = group->number;
    walk->at += group->length;
    walk->expected++;
    scan->info.records += group->records;
    if (!scan->replay) return SKN_OK;
    return replay_group(scan, records_of(group, scan->last_bytes), diag);
}

/* Whether the header belongs where it stands; the number is the caller's to compare. */
bool skn_jwalk_is_at_home(const struct skn_jwalk *walk,
                          const struct skn_jf_group *group,
                          uint64_t offset)
{
    const struct skn_jf_segment *head = &walk->segment->head;
    return group->generation == head->generation && group->segment == head->number &&
           group->offset == offset && group->length <= head->length - offset;
}

/* What stands at the place of the next group. `out_bytes` is the group, or its first sector. */
enum skn_rc skn_jwalk_look(struct skn_jwalk *walk,
                           enum skn_jfound *out_found,
                           struct skn_jf_group *out_group,
                           struct skn_slice *out_bytes,
                           struct skn_diag *diag)
{
    const struct skn_jf_segment *head = &walk->segment->head;
    *out_found = SKN_JFOUND_END;
    if (walk->at >= head->length) return SKN_OK;
    enum skn_rc rc = skn_jwindow_get(&walk->window, walk->at, SKN_JF_SECTOR, out_bytes, diag);
    if (rc != SKN_OK) return rc;
    *out_found = SKN_JFOUND_ZERO;
    if (skn_jf_is_zero(*out_bytes)) return SKN_OK;
    *out_found = SKN_JFOUND_BAD_HEAD;
    if (!skn_jf_get_group(*out_bytes, head->salt, out_group)) return SKN_OK;
    if (!skn_jwalk_is_at_home(walk, out_group, walk->at) || out_group->number != walk->expected)
        return SKN_OK;
    rc = skn_jwindow_get(&walk->window, walk->at, out_group->length, out_bytes, diag);
    if (rc != SKN_OK) return rc;
    bool is_whole =
        out_bytes->len == out_group->length &&
        (skn_jf_is_group_whole(out_group, head->salt, *out_bytes) || skn_bug(SKN_BUG_TORN_GROUP));
    *out_found = is_whole ? SKN_JFOUND_GROUP : SKN_JFOUND_BAD_BODY;
    return SKN_OK;
}

/* From `from` to the end of the segment: the end of the last sector that is not zero (`from` when
 * all are), and whether a group of a header that is right stands at a boundary. */
enum skn_rc skn_jwalk_survey(struct skn_jwalk *walk,
                             uint64_t from,
                             uint64_t *out_used,
                             uint64_t *out_group_at,
                             struct skn_diag *diag)
{
    const struct skn_jf_segment *head = &walk->segment->head;
    *out_used = from;
    *out_group_at = 0;
    for (uint64_t at = from; at < head->length; at += SKN_JF_BLOCK) {
        struct skn_slice block;
        struct skn_jf_group group;
        enum skn_rc rc = skn_jwindow_get(&walk->window, at, SKN_JF_BLOCK, &block, diag);
        if (rc != SKN_OK) return rc;
        if (skn_jf_is_zero(block)) continue;
        for (size_t i = 0; i + SKN_JF_SECTOR <= block.len; i += SKN_JF_SECTOR)
            if (!skn_jf_is_zero(skn_slice(block.ptr + i, SKN_JF_SECTOR)))
                *out_used = at + i + SKN_JF_SECTOR;
        bool is_group = skn_jf_get_group(skn_slice(block.ptr, SKN_JF_SECTOR), head->salt, &group);
        if (is_group && skn_jwalk_is_at_home(walk, &group, at) && *out_group_at == 0)
            *out_group_at = at;
    }
    return SKN_OK;
}
