/* scan.c - reads a journal from its oldest group to its end and judges what it finds. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/scan_internal.h"

#include "base/bug.h"
#include "base/mem.h"
#include "journal/window_internal.h"

#include <inttypes.h>
#include <string.h>

/* What walks over one segment. */
struct walk {
    struct skn_jscan *scan;
    struct skn_jscan_segment *segment;
    struct skn_jwindow window;
    uint64_t limit;    /* from this number on the group is read in a later generation; 0: none */
    uint64_t expected; /* number of the next group */
    uint64_t at;       /* its place */
};

/* Damage at an offset of the segment under the walk. */
#define DAMAGE(walk, offset, diag, ...) \
    ((void)SKN_CORRUPT((diag), __VA_ARGS__), locate((walk), (offset), (diag)))

static enum skn_rc locate(const struct walk *walk, uint64_t offset, struct skn_diag *diag)
{
    if (!diag) return SKN_ECORRUPT;
    char name[SKN_JF_NAME_BYTES];
    skn_jf_segment_name(walk->segment->head.number, name);
    skn_diag_prefix(diag, "damage in \"%s/%s\" at offset %" PRIu64, walk->scan->dir, name, offset);
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
    struct skn_jf_hash prev, hash;
    enum skn_rc rc = SKN_OK;
    while (rc == SKN_OK && rest.len > 0) {
        rc = skn_jf_next_record(&rest, &record, &prev, &hash, diag);
        if (rc != SKN_OK) break;
        scan->info.records++;
        if (scan->replay) rc = scan->replay(scan->ctx, &record, diag);
    }
    return rc;
}

/* The chain of each shard [E3]; remembers where it stands. */
static enum skn_rc check_records(struct walk *walk,
                                 const struct skn_jf_group *group,
                                 struct skn_slice rest,
                                 struct skn_diag *diag)
{
    struct skn_jscan *scan = walk->scan;
    bool is_trimmed = scan->super.oldest > 1;
    uint32_t count = 0;
    while (rest.len > 0) {
        struct skn_record record;
        struct skn_jf_hash prev, hash;
        enum skn_rc rc = skn_jf_next_record(&rest, &record, &prev, &hash, diag);
        if (rc == SKN_OK) rc = skn_jshards_check(&scan->shards, &record, &prev, is_trimmed, diag);
        if (rc != SKN_OK) return locate(walk, group->offset, diag);
        skn_jshards_put(&scan->shards, &record, hash);
        if (record.term > scan->epoch) scan->epoch = record.term;
        count++;
    }
    if (count != group->records || count == 0)
        return DAMAGE(walk, group->offset, diag, "a group has not the records that it says");
    return SKN_OK;
}

/* A whole group with the expected number. */
static enum skn_rc accept_group(struct walk *walk,
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
    return replay_group(scan, records_of(group, scan->last_bytes), diag);
}

/* Whether the header belongs where it stands; the number is the caller's to compare. */
static bool is_at_home(const struct walk *walk, const struct skn_jf_group *group, uint64_t offset)
{
    const struct skn_jf_segment *head = &walk->segment->head;
    return group->generation == head->generation && group->segment == head->number &&
           group->offset == offset && group->length <= head->length - offset;
}

enum found { FOUND_GROUP, FOUND_END, FOUND_ZERO, FOUND_BAD_BODY, FOUND_BAD_HEAD };

/* What stands at the place of the next group. `out_bytes` is the group, or its first sector. */
static enum skn_rc look(struct walk *walk,
                        enum found *out_found,
                        struct skn_jf_group *out_group,
                        struct skn_slice *out_bytes,
                        struct skn_diag *diag)
{
    const struct skn_jf_segment *head = &walk->segment->head;
    *out_found = FOUND_END;
    if (walk->at >= head->length) return SKN_OK;
    enum skn_rc rc = skn_jwindow_get(&walk->window, walk->at, SKN_JF_SECTOR, out_bytes, diag);
    if (rc != SKN_OK) return rc;
    *out_found = FOUND_ZERO;
    if (skn_jf_is_zero(*out_bytes)) return SKN_OK;
    *out_found = FOUND_BAD_HEAD;
    if (!skn_jf_get_group(*out_bytes, head->salt, out_group)) return SKN_OK;
    if (!is_at_home(walk, out_group, walk->at) || out_group->number != walk->expected)
        return SKN_OK;
    rc = skn_jwindow_get(&walk->window, walk->at, out_group->length, out_bytes, diag);
    if (rc != SKN_OK) return rc;
    bool is_whole =
        out_bytes->len == out_group->length &&
        (skn_jf_is_group_whole(out_group, head->salt, *out_bytes) || skn_bug(SKN_BUG_TORN_GROUP));
    *out_found = is_whole ? FOUND_GROUP : FOUND_BAD_BODY;
    return SKN_OK;
}

/* From `from` to the end of the segment: the end of the last sector that is not zero (`from` when
 * all are), and whether a group of a header that is right stands at a boundary. */
static enum skn_rc survey(struct walk *walk,
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
        if (is_group && is_at_home(walk, &group, at) && *out_group_at == 0) *out_group_at = at;
    }
    return SKN_OK;
}

/* More sectors of the group are zero than its header says: they were never written. */
static bool has_gaps(const struct skn_jf_group *group, struct skn_slice bytes)
{
    return skn_jf_zero_sectors(skn_slice_from(bytes, SKN_JF_SECTOR)) > group->zero_sectors;
}

/* The end of a journal without a seal: nothing, a torn group, or damage [E4]. */
static enum skn_rc judge_tail(struct walk *walk,
                              enum found found,
                              const struct skn_jf_group *group,
                              struct skn_slice bytes,
                              struct skn_diag *diag)
{
    struct skn_jscan *scan = walk->scan;
    bool cuts_all = skn_bug(SKN_BUG_CUT_ANYTHING);
    uint64_t behind = walk->at;
    if (found == FOUND_BAD_HEAD && !cuts_all)
        return DAMAGE(walk, walk->at, diag, "group %" PRIu64 " has a bad header", walk->expected);
    if (found == FOUND_BAD_BODY) {
        if (!has_gaps(group, bytes) && !cuts_all)
            return DAMAGE(
                walk, walk->at, diag, "group %" PRIu64 " is not what was written", walk->expected);
        behind += SKN_JF_BLOCK; /* its own header is no later group */
    }
    uint64_t used = 0, group_at = 0;
    enum skn_rc rc = survey(walk, behind, &used, &group_at, diag);
    if (rc != SKN_OK) return rc;
    if (group_at != 0 && !cuts_all)
        return DAMAGE(walk,
                      walk->at,
                      diag,
                      "group %" PRIu64 " is missing, and a later one is there",
                      walk->expected);
    if (found != FOUND_END) scan->info.torn_bytes = used - walk->at;
    if (scan->last < scan->super.bound && !skn_bug(SKN_BUG_NO_BOUND))
        return DAMAGE(walk,
                      walk->at,
                      diag,
                      "it ends with group %" PRIu64 ", and had group %" PRIu64,
                      scan->last,
                      scan->super.bound);
    return SKN_OK;
}

/* The end of a journal with a seal: exactly there, and nothing behind it [E5]. */
static enum skn_rc judge_seal(struct walk *walk, struct skn_diag *diag)
{
    struct skn_jscan *scan = walk->scan;
    if (walk->at != scan->super.end || scan->last != scan->super.bound)
        return DAMAGE(walk,
                      walk->at,
                      diag,
                      "it ends here with group %" PRIu64 ", and the seal says group %" PRIu64
                      " and offset %" PRIu64,
                      scan->last,
                      scan->super.bound,
                      scan->super.end);
    uint64_t used = 0, group_at = 0;
    enum skn_rc rc = survey(walk, walk->at, &used, &group_at, diag);
    if (rc == SKN_OK && used != walk->at)
        rc = DAMAGE(walk, used - SKN_JF_SECTOR, diag, "something stands behind the seal");
    return rc;
}

/* The rest of a segment that is not the newest: nothing. */
static enum skn_rc judge_rest(struct walk *walk, bool next_is_newer, struct skn_diag *diag)
{
    if (next_is_newer)
        return DAMAGE(walk, walk->at, diag, "group %" PRIu64 " is missing", walk->expected);
    uint64_t used = 0, group_at = 0;
    enum skn_rc rc = survey(walk, walk->at, &used, &group_at, diag);
    if (rc == SKN_OK && used != walk->at)
        rc = DAMAGE(
            walk, walk->at, diag, "group %" PRIu64 " is not what was written", walk->expected);
    return rc;
}

/* All groups of one segment, and what stands behind them. */
static enum skn_rc
walk_segment(struct walk *walk, bool is_last, bool next_is_newer, struct skn_diag *diag)
{
    struct skn_jscan *scan = walk->scan;
    enum found found = FOUND_END;
    struct skn_jf_group group = {0};
    struct skn_slice bytes = {0};
    walk->at = SKN_JF_BLOCK;
    for (;;) {
        if (walk->limit != 0 && walk->expected >= walk->limit) return SKN_OK;
        if (scan->stop_at != 0 && walk->expected >= scan->stop_at) return SKN_OK;
        enum skn_rc rc = look(walk, &found, &group, &bytes, diag);
        if (rc == SKN_OK && found == FOUND_GROUP) rc = accept_group(walk, &group, bytes, diag);
        if (rc != SKN_OK) return rc;
        if (found != FOUND_GROUP) break;
    }
    if (!is_last) return judge_rest(walk, next_is_newer, diag);
    scan->end = walk->at;
    if (scan->super.is_sealed) return judge_seal(walk, diag);
    return judge_tail(walk, found, &group, bytes, diag);
}

/* The number with which the generation after that of segment `i` begins; 0: there is none. */
static uint64_t limit_of(const struct skn_jscan *scan, size_t i)
{
    if (skn_bug(SKN_BUG_NO_GENERATION)) return 0;
    for (size_t k = i + 1; k < scan->count; k++)
        if (scan->segments[k].head.generation > scan->segments[i].head.generation)
            return scan->segments[k].head.begins;
    return 0;
}

static enum skn_rc walk_all(struct skn_jscan *scan, struct skn_diag *diag)
{
    struct walk walk = {.scan = scan, .expected = scan->super.oldest_group};
    enum skn_rc rc = SKN_OK;
    scan->last = walk.expected - 1;
    for (size_t i = 0; i < scan->count && rc == SKN_OK; i++) {
        struct skn_jscan_segment *s = &scan->segments[i];
        struct skn_file *file = NULL;
        walk.segment = s;
        walk.limit = limit_of(scan, i);
        bool is_last = i + 1 == scan->count;
        bool next_is_newer = !is_last && scan->segments[i + 1].head.generation > s->head.generation;
        s->first_group = walk.expected;
        rc = skn_jf_open_segment(scan->env, scan->dir, s->head.number, SKN_OPEN_READ, &file, diag);
        if (rc == SKN_ENOENT) rc = DAMAGE(&walk, 0, diag, "the file is missing");
        if (rc != SKN_OK) break;
        skn_jwindow_turn(&walk.window, file, s->head.length);
        rc = walk_segment(&walk, is_last, next_is_newer, diag);
        skn_file_close(file);
        s->last = skn_jshards_indexes(&scan->shards);
    }
    skn_jwindow_fini(&walk.window);
    return rc;
}

/* The header of one segment against its file, its name and the superblock. */
static enum skn_rc read_head(struct skn_jscan *scan,
                             uint64_t number,
                             struct skn_jf_segment *out_head,
                             struct skn_diag *diag)
{
    struct skn_jscan_segment at = {.head.number = number};
    struct walk here = {.scan = scan, .segment = &at};
    struct skn_file *file = NULL;
    enum skn_rc rc = skn_jf_open_segment(scan->env, scan->dir, number, SKN_OPEN_READ, &file, diag);
    if (rc == SKN_ENOENT) return DAMAGE(&here, 0, diag, "the file is missing");
    if (rc != SKN_OK) return rc;
    uint8_t block[SKN_JF_BLOCK];
    size_t len = 0;
    uint64_t size = 0;
    rc = skn_file_pread(file, 0, block, sizeof block, &len, diag);
    if (rc == SKN_OK) rc = skn_file_size(file, &size, diag);
    skn_file_close(file);
    if (rc != SKN_OK) return rc;
    if (len != sizeof block) return DAMAGE(&here, len, diag, "the file ends here");
    rc = skn_jf_get_segment(skn_slice(block, sizeof block), out_head, diag);
    if (rc != SKN_OK) {
        (void)locate(&here, 0, diag);
        return rc;
    }
    if (memcmp(&out_head->ids, &scan->super.ids, sizeof out_head->ids) != 0) {
        enum skn_rc foreign = SKN_FAIL(diag, SKN_EFOREIGN, "it belongs to another store");
        (void)locate(&here, 16, diag);
        return foreign;
    }
    if (out_head->number != number)
        return DAMAGE(&here, 80, diag, "it is segment %" PRIx64, out_head->number);
    if (size != out_head->length)
        return DAMAGE(
            &here, size, diag, "the file ends here, and should at %" PRIu64, out_head->length);
    return SKN_OK;
}

/* Generations, their beginnings and epochs go up together. */
static enum skn_rc check_order(struct skn_jscan *scan, size_t i, struct skn_diag *diag)
{
    struct walk here = {.scan = scan, .segment = &scan->segments[i]};
    const struct skn_jf_segment *s = &scan->segments[i].head;
    if (i == 0) return SKN_OK;
    const struct skn_jf_segment *p = &scan->segments[i - 1].head;
    bool is_same = s->generation == p->generation;
    if (s->generation < p->generation || s->begins < p->begins || s->epoch < p->epoch ||
        (is_same && s->begins != p->begins))
        return DAMAGE(&here, 48, diag, "it does not follow the segment before it");
    return SKN_OK;
}

static enum skn_rc read_heads(struct skn_jscan *scan, struct skn_diag *diag)
{
    uint64_t span = scan->super.newest - scan->super.oldest;
    for (uint64_t i = 0; i <= span; i++) {
        struct skn_jf_segment head;
        enum skn_rc rc = read_head(scan, scan->super.oldest + i, &head, diag);
        if (rc != SKN_OK) return rc;
        scan->segments = skn_realloc(scan->segments, (i + 1) * sizeof *scan->segments);
        scan->segments[i] = (struct skn_jscan_segment){.head = head};
        scan->count = (size_t)i + 1;
        rc = check_order(scan, (size_t)i, diag);
        if (rc != SKN_OK) return rc;
    }
    return SKN_OK;
}

/* A file that the superblock does not name was prepared ahead, or is the beginning of an opening
 * that did not end: this one may hold a copy of a group that the power cut took elsewhere, and that
 * nobody was told about. Any other group in it that is not in the journal means that the superblock
 * is not the last one that was written. */
static enum skn_rc check_newer(struct skn_jscan *scan, uint64_t number, struct skn_diag *diag)
{
    struct skn_jscan_segment s = {0};
    struct skn_file *file = NULL;
    enum skn_rc rc = read_head(scan, number, &s.head, diag);
    if (rc == SKN_OK)
        rc = skn_jf_open_segment(scan->env, scan->dir, number, SKN_OPEN_READ, &file, diag);
    if (rc != SKN_OK) return rc;
    struct walk walk = {.scan = scan, .segment = &s};
    skn_jwindow_turn(&walk.window, file, s.head.length);
    bool may_copy =
        !scan->has_bad_slot && s.head.generation > scan->segments[scan->count - 1].head.generation;
    for (uint64_t at = SKN_JF_BLOCK; at < s.head.length && rc == SKN_OK; at += SKN_JF_BLOCK) {
        struct skn_slice sector;
        struct skn_jf_group group;
        rc = skn_jwindow_get(&walk.window, at, SKN_JF_SECTOR, &sector, diag);
        if (rc != SKN_OK || !skn_jf_get_group(sector, s.head.salt, &group)) continue;
        if (may_copy && group.number == s.head.begins) continue;
        if (is_at_home(&walk, &group, at) && group.number > scan->last)
            rc = DAMAGE(&walk,
                        at,
                        diag,
                        "it has group %" PRIu64 ", and the superblock does not know the file",
                        group.number);
    }
    skn_jwindow_fini(&walk.window);
    skn_file_close(file);
    return rc;
}

/* Without a superblock: whether anything is there that must not be written over. */
static enum skn_rc check_no_super(struct skn_jscan *scan, struct skn_diag *diag)
{
    enum skn_rc none = SKN_FAIL(diag, SKN_ENOENT, "there is no journal in \"%s\"", scan->dir);
    if (scan->names.count == 0) return none;
    /* A creation that did not end leaves segment 1, and nothing in it. */
    struct skn_jf_segment head = {0};
    struct skn_jscan_segment s = {.head.number = scan->names.segments[0]};
    struct walk walk = {.scan = scan, .segment = &s};
    struct skn_file *file = NULL;
    enum skn_rc rc =
        skn_jf_open_segment(scan->env, scan->dir, s.head.number, SKN_OPEN_READ, &file, diag);
    if (rc != SKN_OK) return rc;
    struct skn_slice block = {0};
    uint64_t used = 0, group_at = 0;
    skn_jwindow_turn(&walk.window, file, SKN_JWINDOW_BYTES);
    rc = skn_jwindow_get(&walk.window, 0, SKN_JF_BLOCK, &block, diag);
    bool is_first = rc == SKN_OK && scan->names.count == 1 && s.head.number == 1 &&
                    block.len == SKN_JF_BLOCK && skn_jf_get_segment(block, &head, NULL) == SKN_OK &&
                    head.number == 1;
    if (is_first) {
        s.head = head;
        rc = survey(&walk, SKN_JF_BLOCK, &used, &group_at, diag);
        is_first = used == SKN_JF_BLOCK;
    }
    skn_jwindow_fini(&walk.window);
    skn_file_close(file);
    if (rc != SKN_OK) return rc;
    if (is_first) return SKN_FAIL(diag, SKN_ENOENT, "there is no journal in \"%s\"", scan->dir);
    return SKN_CORRUPT(diag, "damage in \"%s/super\" at offset 0: the file is missing", scan->dir);
}

static void note_super(struct skn_jscan *scan)
{
    struct skn_journal_info *info = &scan->info;
    memcpy(info->cluster_id, scan->super.ids.cluster, sizeof info->cluster_id);
    memcpy(info->store_id, scan->super.ids.store, sizeof info->store_id);
    info->was_sealed = scan->super.is_sealed;
    info->shards = scan->super.shards;
}

enum skn_rc skn_jscan_begin(struct skn_jscan *scan, enum skn_open how, struct skn_diag *diag)
{
    enum skn_rc rc = skn_jf_list(scan->env, scan->dir, &scan->names, diag);
    if (rc != SKN_OK) return rc;
    if (!scan->names.has_super) return check_no_super(scan, diag);
    char *path = skn_jf_path(scan->dir, "super");
    rc = skn_env_open(scan->env, path, how, &scan->super_file, diag);
    skn_free(path);
    if (rc == SKN_OK)
        rc =
            skn_jf_read_super(scan->super_file, scan->dir, &scan->super, &scan->has_bad_slot, diag);
    if (rc == SKN_OK && scan->has_bad_slot && scan->is_strict)
        rc = SKN_CORRUPT(diag,
                         "damage in \"%s/super\" at offset %d: a slot is malformed",
                         scan->dir,
                         scan->super.sequence % 2 == 0 ? SKN_JF_BLOCK : 0);
    if (rc == SKN_OK) note_super(scan);
    return rc;
}

enum skn_rc skn_jscan_run(struct skn_jscan *scan, struct skn_diag *diag)
{
    struct skn_journal_info *info = &scan->info;
    skn_jshards_init(&scan->shards, scan->super.shards);
    enum skn_rc rc = read_heads(scan, diag);
    if (rc == SKN_OK) rc = walk_all(scan, diag);
    for (size_t i = 0; i < scan->names.count && rc == SKN_OK; i++)
        if (scan->names.segments[i] > scan->super.newest)
            rc = check_newer(scan, scan->names.segments[i], diag);
    if (rc != SKN_OK) return rc;
    info->segments = scan->count;
    info->generation = scan->segments[scan->count - 1].head.generation;
    return SKN_OK;
}

enum skn_rc skn_jscan_again(struct skn_jscan *scan,
                            uint64_t stop_at,
                            skn_journal_replay_fn replay,
                            void *ctx,
                            struct skn_diag *diag)
{
    for (size_t i = 0; i < scan->count; i++) {
        skn_free(scan->segments[i].last);
        scan->segments[i].last = NULL;
    }
    skn_jshards_fini(&scan->shards);
    skn_jshards_init(&scan->shards, scan->super.shards);
    struct skn_journal_info *info = &scan->info;
    info->groups = info->records = info->bytes = info->group_last = 0;
    scan->replay = replay;
    scan->ctx = ctx;
    scan->stop_at = stop_at;
    return walk_all(scan, diag);
}

void skn_jscan_fini(struct skn_jscan *scan)
{
    for (size_t i = 0; i < scan->count; i++)
        skn_free(scan->segments[i].last);
    skn_free(scan->segments);
    skn_free(scan->last_bytes);
    skn_jshards_fini(&scan->shards);
    skn_jf_names_fini(&scan->names);
    skn_file_close(scan->super_file);
    *scan = (struct skn_jscan){0};
}
