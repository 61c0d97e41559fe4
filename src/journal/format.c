/* format.c - the bytes of segments, groups, records and the superblock. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/format_internal.h"

#include "base/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

static const char segment_magic[] = "skn.seg\n";
static const char group_magic[] = "skn.grp\n";
static const char super_magic[] = "skn.sup\n";

enum {
    MAGIC_BYTES = 8,
    PADDING = 0xa5, /* any byte but 0: a sector of padding that was not written is noticed */
    SUM_BYTES = 8,
    GROUP_SUM_AT = SKN_JF_GROUP_HEAD - SUM_BYTES,
};

/* Writes fields one after the other into bytes that have room for them. */
struct pen {
    uint8_t *at;
};

static void put_bytes(struct pen *pen, const void *bytes, size_t n)
{
    if (n > 0) memcpy(pen->at, bytes, n);
    pen->at += n;
}

static void put_le(struct pen *pen, uint64_t n, size_t width)
{
    for (size_t i = 0; i < width; i++)
        *pen->at++ = (uint8_t)(n >> (8 * i));
}

static void put_u32(struct pen *pen, uint32_t n)
{
    put_le(pen, n, 4);
}

static void put_u64(struct pen *pen, uint64_t n)
{
    put_le(pen, n, 8);
}

static void put_ids(struct pen *pen, const struct skn_jf_ids *ids)
{
    put_bytes(pen, ids->cluster, sizeof ids->cluster);
    put_bytes(pen, ids->store, sizeof ids->store);
}

static void get_ids(struct skn_cursor *cursor, struct skn_jf_ids *out)
{
    struct skn_slice cluster = skn_cursor_bytes(cursor, sizeof out->cluster);
    struct skn_slice store = skn_cursor_bytes(cursor, sizeof out->store);
    SKN_ASSERT(!cursor->bad);
    memcpy(out->cluster, cluster.ptr, sizeof out->cluster);
    memcpy(out->store, store.ptr, sizeof out->store);
}

/* The last 8 of `len` bytes become the checksum of those before them. */
static void put_sum(uint8_t *bytes, size_t len)
{
    struct pen pen = {bytes + len - SUM_BYTES};
    put_u64(&pen, XXH3_64bits(bytes, len - SUM_BYTES));
}

static bool is_sum_right(struct skn_slice bytes)
{
    struct skn_cursor cursor = skn_cursor(skn_slice_from(bytes, bytes.len - SUM_BYTES));
    return skn_cursor_le64(&cursor) == XXH3_64bits(bytes.ptr, bytes.len - SUM_BYTES);
}

/* Magic, checksum and level, in this order: a level is believed only under a right checksum. */
static enum skn_rc open_block(struct skn_slice bytes,
                              const char *magic,
                              struct skn_cursor *out_cursor,
                              uint32_t *out_level,
                              struct skn_diag *diag)
{
    *out_cursor = skn_cursor(bytes);
    struct skn_slice found = skn_cursor_bytes(out_cursor, MAGIC_BYTES);
    if (!skn_slice_eq(found, skn_slice(magic, MAGIC_BYTES)))
        return SKN_CORRUPT(diag, "it does not begin as one");
    if (!is_sum_right(bytes)) return SKN_CORRUPT(diag, "its checksum is wrong");
    uint32_t level = *out_level = skn_cursor_le32(out_cursor);
    if (level == 0 || level > SKN_JF_LEVEL)
        return SKN_FAIL(diag,
                        SKN_ENEWER,
                        "it has format level %" PRIu32 ", this version reads %d",
                        level,
                        SKN_JF_LEVEL);
    return SKN_OK;
}

void skn_jf_put_segment(const struct skn_jf_segment *segment, uint8_t out[SKN_JF_BLOCK])
{
    memset(out, 0, SKN_JF_BLOCK);
    struct pen pen = {out};
    put_bytes(&pen, segment_magic, MAGIC_BYTES);
    put_u32(&pen, segment->level != 0 ? segment->level : SKN_JF_LEVEL);
    put_u32(&pen, 0);
    put_ids(&pen, &segment->ids);
    put_u64(&pen, segment->epoch);
    put_u64(&pen, segment->generation);
    put_u64(&pen, segment->begins);
    put_u64(&pen, segment->length);
    put_u64(&pen, segment->number);
    put_u64(&pen, segment->salt);
    put_sum(out, SKN_JF_BLOCK);
}

enum skn_rc skn_jf_get_segment(struct skn_slice block,
                               struct skn_jf_segment *out_segment,
                               struct skn_diag *diag)
{
    SKN_ASSERT(block.len == SKN_JF_BLOCK);
    struct skn_cursor cursor;
    struct skn_jf_segment s;
    enum skn_rc rc = open_block(block, segment_magic, &cursor, &s.level, diag);
    if (rc != SKN_OK) return rc;
    (void)skn_cursor_le32(&cursor);
    get_ids(&cursor, &s.ids);
    s.epoch = skn_cursor_le64(&cursor);
    s.generation = skn_cursor_le64(&cursor);
    s.begins = skn_cursor_le64(&cursor);
    s.length = skn_cursor_le64(&cursor);
    s.number = skn_cursor_le64(&cursor);
    s.salt = skn_cursor_le64(&cursor);
    if (s.length % SKN_JF_BLOCK != 0 || s.length < 2 * SKN_JF_BLOCK || s.length > INT64_MAX)
        return SKN_CORRUPT(diag, "it says that it is %" PRIu64 " bytes long", s.length);
    if (s.generation == 0 || s.begins == 0 || s.number == 0)
        return SKN_CORRUPT(diag, "a number in it that counts from 1 is 0");
    *out_segment = s;
    return SKN_OK;
}

void skn_jf_put_super(const struct skn_jf_super *super, uint8_t out[SKN_JF_SECTOR])
{
    memset(out, 0, SKN_JF_SECTOR);
    struct pen pen = {out};
    put_bytes(&pen, super_magic, MAGIC_BYTES);
    put_u32(&pen, super->level != 0 ? super->level : SKN_JF_LEVEL);
    put_u32(&pen, super->is_sealed ? 1 : 0);
    put_ids(&pen, &super->ids);
    put_u64(&pen, super->sequence);
    put_u64(&pen, super->newest);
    put_u64(&pen, super->oldest);
    put_u64(&pen, super->oldest_group);
    put_u64(&pen, super->bound);
    put_u64(&pen, super->end);
    put_u32(&pen, super->shards);
    put_u32(&pen, 0);
    put_u64(&pen, super->trimmed);
    put_sum(out, SKN_JF_SECTOR);
}

enum skn_rc
skn_jf_get_super(struct skn_slice sector, struct skn_jf_super *out_super, struct skn_diag *diag)
{
    SKN_ASSERT(sector.len == SKN_JF_SECTOR);
    struct skn_cursor cursor;
    struct skn_jf_super s = {.is_sealed = false};
    enum skn_rc rc = open_block(sector, super_magic, &cursor, &s.level, diag);
    if (rc != SKN_OK) return rc;
    uint32_t sealed = skn_cursor_le32(&cursor);
    get_ids(&cursor, &s.ids);
    s.sequence = skn_cursor_le64(&cursor);
    s.newest = skn_cursor_le64(&cursor);
    s.oldest = skn_cursor_le64(&cursor);
    s.oldest_group = skn_cursor_le64(&cursor);
    s.bound = skn_cursor_le64(&cursor);
    s.end = skn_cursor_le64(&cursor);
    s.shards = skn_cursor_le32(&cursor);
    (void)skn_cursor_le32(&cursor);
    s.trimmed = skn_cursor_le64(&cursor);
    s.is_sealed = sealed == 1;
    if (sealed > 1 || s.oldest == 0 || s.oldest > s.newest || s.oldest_group == 0 ||
        s.end % SKN_JF_BLOCK != 0 || s.is_sealed != (s.end != 0) || s.shards == 0 ||
        s.shards > SKN_JOURNAL_SHARDS_MAX || (s.oldest == 1 && s.trimmed != 0))
        return SKN_CORRUPT(diag, "its fields contradict each other");
    *out_super = s;
    return SKN_OK;
}

uint64_t skn_jf_group_length(uint64_t records_bytes)
{
    uint64_t n = SKN_JF_GROUP_HEAD + records_bytes;
    return (n + SKN_JF_BLOCK - 1) / SKN_JF_BLOCK * SKN_JF_BLOCK;
}

bool skn_jf_is_zero(struct skn_slice bytes)
{
    /* Each byte equals the one behind it, and the first is 0. */
    return bytes.len == 0 ||
           (bytes.ptr[0] == 0 && memcmp(bytes.ptr, bytes.ptr + 1, bytes.len - 1) == 0);
}

uint32_t skn_jf_zero_sectors(struct skn_slice bytes)
{
    uint32_t n = 0;
    for (size_t at = 0; at + SKN_JF_SECTOR <= bytes.len; at += SKN_JF_SECTOR)
        n += skn_jf_is_zero(skn_slice(bytes.ptr + at, SKN_JF_SECTOR));
    return n;
}

static uint64_t group_seed(const struct skn_jf_group *group, uint64_t salt)
{
    uint8_t bytes[24];
    struct pen pen = {bytes};
    put_u64(&pen, group->number);
    put_u64(&pen, group->segment);
    put_u64(&pen, group->offset);
    return XXH3_64bits_withSeed(bytes, sizeof bytes, salt);
}

static uint64_t body_sum(struct skn_slice bytes, uint64_t seed)
{
    struct skn_slice body = skn_slice_from(bytes, SKN_JF_GROUP_HEAD);
    return XXH3_64bits_withSeed(body.ptr, body.len, seed);
}

void skn_jf_put_group(struct skn_jf_group *group, uint64_t salt, uint8_t *bytes)
{
    size_t used = SKN_JF_GROUP_HEAD + (size_t)group->records_bytes;
    SKN_ASSERT(group->length == skn_jf_group_length(group->records_bytes));
    SKN_ASSERT(group->offset % SKN_JF_BLOCK == 0 && group->offset >= SKN_JF_BLOCK);
    memset(bytes + used, PADDING, group->length - used);
    uint64_t seed = group_seed(group, salt);
    group->body_sum = body_sum(skn_slice(bytes, group->length), seed);
    group->zero_sectors = skn_jf_zero_sectors(
        skn_slice(bytes + SKN_JF_SECTOR, group->length - (size_t)SKN_JF_SECTOR));
    struct pen pen = {bytes};
    put_bytes(&pen, group_magic, MAGIC_BYTES);
    put_u64(&pen, group->number);
    put_u64(&pen, group->generation);
    put_u64(&pen, group->segment);
    put_u64(&pen, group->offset);
    put_u32(&pen, group->length);
    put_u32(&pen, group->records_bytes);
    put_u32(&pen, group->records);
    put_u32(&pen, group->zero_sectors);
    put_u64(&pen, group->body_sum);
    put_u64(&pen, XXH3_64bits_withSeed(bytes, GROUP_SUM_AT, seed));
}

bool skn_jf_get_group(struct skn_slice sector, uint64_t salt, struct skn_jf_group *out_group)
{
    struct skn_cursor cursor = skn_cursor(sector);
    struct skn_slice magic = skn_cursor_bytes(&cursor, MAGIC_BYTES);
    if (!skn_slice_eq(magic, skn_slice(group_magic, MAGIC_BYTES))) return false;
    struct skn_jf_group g;
    g.number = skn_cursor_le64(&cursor);
    g.generation = skn_cursor_le64(&cursor);
    g.segment = skn_cursor_le64(&cursor);
    g.offset = skn_cursor_le64(&cursor);
    g.length = skn_cursor_le32(&cursor);
    g.records_bytes = skn_cursor_le32(&cursor);
    g.records = skn_cursor_le32(&cursor);
    g.zero_sectors = skn_cursor_le32(&cursor);
    g.body_sum = skn_cursor_le64(&cursor);
    uint64_t sum = skn_cursor_le64(&cursor);
    if (cursor.bad) return false;
    if (sum != XXH3_64bits_withSeed(sector.ptr, GROUP_SUM_AT, group_seed(&g, salt))) return false;
    if (g.length != skn_jf_group_length(g.records_bytes)) return false;
    *out_group = g;
    return true;
}

bool skn_jf_is_group_whole(const struct skn_jf_group *group, uint64_t salt, struct skn_slice bytes)
{
    SKN_ASSERT(bytes.len == group->length);
    return body_sum(bytes, group_seed(group, salt)) == group->body_sum;
}

static struct skn_jf_hash record_hash(struct skn_slice bytes)
{
    XXH128_hash_t hash = XXH3_128bits(bytes.ptr, bytes.len);
    return (struct skn_jf_hash){.lo = hash.low64, .hi = hash.high64};
}

struct skn_jf_hash
skn_jf_put_record(const struct skn_record *record, struct skn_jf_hash prev, uint8_t *out)
{
    uint64_t length = skn_jf_record_length(record);
    SKN_ASSERT(length <= UINT32_MAX);
    struct pen pen = {out};
    put_u32(&pen, (uint32_t)length);
    put_u32(&pen, record->shard);
    put_u64(&pen, record->index);
    put_u64(&pen, record->term);
    put_u64(&pen, record->stamp);
    put_u64(&pen, prev.lo);
    put_u64(&pen, prev.hi);
    put_u64(&pen, record->state_lo);
    put_u64(&pen, record->state_hi);
    put_u64(&pen, record->module);
    put_u32(&pen, record->limits);
    put_u32(&pen, (uint32_t)record->message.len);
    put_bytes(&pen, record->message.ptr, record->message.len);
    put_bytes(&pen, record->batch.ptr, record->batch.len);
    return record_hash(skn_slice(out, (size_t)length));
}

enum skn_rc skn_jf_next_record(struct skn_slice *rest,
                               struct skn_record *out_record,
                               struct skn_jf_hash *out_prev,
                               struct skn_jf_hash *out_hash,
                               struct skn_diag *diag)
{
    if (rest->len == 0) return SKN_ENOENT;
    struct skn_cursor whole = skn_cursor(*rest);
    uint32_t length = skn_cursor_le32(&whole);
    if (whole.bad || length < SKN_JF_RECORD_HEAD || length > rest->len)
        return SKN_CORRUPT(diag, "a record does not fit into its group");
    struct skn_slice bytes = skn_slice(rest->ptr, length);
    struct skn_cursor cursor = skn_cursor(skn_slice_from(bytes, 4));
    struct skn_record r = {.shard = skn_cursor_le32(&cursor)};
    r.index = skn_cursor_le64(&cursor);
    r.term = skn_cursor_le64(&cursor);
    r.stamp = skn_cursor_le64(&cursor);
    struct skn_jf_hash prev = {.lo = skn_cursor_le64(&cursor)};
    prev.hi = skn_cursor_le64(&cursor);
    r.state_lo = skn_cursor_le64(&cursor);
    r.state_hi = skn_cursor_le64(&cursor);
    r.module = skn_cursor_le64(&cursor);
    r.limits = skn_cursor_le32(&cursor);
    r.message = skn_cursor_block(&cursor);
    r.batch = cursor.rest;
    if (cursor.bad) return SKN_CORRUPT(diag, "a message is longer than its record");
    *rest = skn_slice_from(*rest, length);
    *out_record = r;
    *out_prev = prev;
    if (out_hash) *out_hash = record_hash(bytes);
    return SKN_OK;
}

void skn_jf_segment_name(uint64_t number, char out[SKN_JF_NAME_BYTES])
{
    (void)snprintf(out, SKN_JF_NAME_BYTES, "%016" PRIx64 ".seg", number);
}

bool skn_jf_segment_number(const char *name, uint64_t *out_number)
{
    uint64_t n = 0;
    for (int i = 0; i < 16; i++) {
        char c = name[i];
        bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && (c < 'a' || c > 'f')) return false;
        n = n << 4 | (uint64_t)(is_digit ? c - '0' : c - 'a' + 10);
    }
    if (strcmp(name + 16, ".seg") != 0) return false;
    *out_number = n;
    return true;
}
