/* format_internal.h - the bytes of segments, groups, records and the superblock, levels 1 and 2.
 *
 * Owns        nothing.
 * May include base.
 * Threads     any.
 *
 * Level 2 is level 1 with more kinds of operations in a batch: a deletion says why (store/backend.h).
 * A journal keeps the level that it was made with; level 1 is read and written as it always was.
 *
 * All numbers are little-endian, all checksums XXH3-64. A folder holds `super`, the segments
 * `<number as 16 hex digits>.seg` and `reserve`, which has no content; `*.tmp` is not finished yet.
 *
 * Segment: a header block of 4 KiB, then groups, then zeros to the end of the file.
 *   offset 0    8   "skn.seg\n"
 *          8    u32 level
 *          12   u32 0
 *          16   16  cluster id
 *          32   16  store id
 *          48   u64 epoch: the greatest term in the journal when the segment was made
 *          56   u64 generation
 *          64   u64 number of the group with which this generation begins
 *          72   u64 length of the file
 *          80   u64 number of the segment
 *          88   u64 salt, random for each use of a file
 *          96   ..  zeros
 *          4088 u64 checksum of the 4,088 bytes before it
 *
 * Group: starts at a multiple of 4 KiB and is a multiple of 4 KiB long [E2]. Both checksums have a
 * seed made of salt, number, segment and offset, so that no payload and no remnant passes for one.
 *   offset 0    8   "skn.grp\n"
 *          8    u64 number
 *          16   u64 generation
 *          24   u64 segment
 *          32   u64 offset in the file
 *          40   u32 length of the group with header and padding
 *          44   u32 length of its records
 *          48   u32 count of its records
 *          52   u32 count of its sectors, 512 bytes each, that are all zero
 *          56   u64 checksum of everything behind the header, padding too
 *          64   u64 checksum of the 64 bytes before it
 *          72   ..  records, then padding of 0xa5
 *
 * Record: records follow each other without a gap.
 *   offset 0    u32 length of the record
 *          4    u32 shard
 *          8    u64 index
 *          16   u64 term
 *          24   u64 stamp
 *          32   16  XXH3-128 of the shard's record before it, low half first; 0 for index 1
 *          48   16  state hash of the shard after it, low half first
 *          64   u64 hash of the module
 *          72   u32 version of the limits
 *          76   u32 length of the message
 *          80   ..  message, then batch to the end of the record
 *
 * Superblock: a file of 8 KiB with a slot at 0 and one at 4096; the valid one of the greater
 * sequence counts, and writing sequence n goes to slot n % 2. A slot is one sector:
 *   offset 0    8   "skn.sup\n"
 *          8    u32 level
 *          12   u32 1 after a clean stop, else 0
 *          16   16  cluster id
 *          32   16  store id
 *          48   u64 sequence
 *          56   u64 newest segment that may hold groups of its own
 *          64   u64 oldest segment
 *          72   u64 number of the first group to be read in the oldest segment
 *          80   u64 lower bound: the journal has this group, or it lost something
 *          88   u64 after a clean stop the offset behind the last group in the newest segment
 *          96   u32 count of shards, fixed when the journal is made
 *          100  u32 0
 *          104  u64 sum of the marks by which segments went last; 0: none did
 *          112  ..  zeros
 *          504  u64 checksum of the 504 bytes before it
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/rc.h"
#include "base/slice.h"
#include "journal/journal.h"

enum {
    SKN_JF_LEVEL = 2,
    SKN_JF_BLOCK = 4096, /* groups start and end at multiples of it */
    SKN_JF_SECTOR = 512, /* the smallest piece that a disk writes whole or not at all */
    SKN_JF_GROUP_HEAD = 72,
    SKN_JF_RECORD_HEAD = 80,
    SKN_JF_SUPER_BYTES = 2 * SKN_JF_BLOCK,
    SKN_JF_NAME_BYTES = 24, /* "<16 digits>.seg" and its NUL, rounded up */
};

struct skn_jf_ids {
    uint8_t cluster[SKN_JOURNAL_ID_BYTES];
    uint8_t store[SKN_JOURNAL_ID_BYTES];
};

struct skn_jf_segment {
    uint32_t level; /* 0: SKN_JF_LEVEL */
    struct skn_jf_ids ids;
    uint64_t epoch;
    uint64_t generation;
    uint64_t begins;
    uint64_t length;
    uint64_t number;
    uint64_t salt;
};

struct skn_jf_group {
    uint64_t number;
    uint64_t generation;
    uint64_t segment;
    uint64_t offset;
    uint32_t length;
    uint32_t records_bytes;
    uint32_t records;
    uint32_t zero_sectors;
    uint64_t body_sum;
};

struct skn_jf_super {
    uint32_t level; /* 0: SKN_JF_LEVEL */
    struct skn_jf_ids ids;
    bool is_sealed;
    uint64_t sequence;
    uint64_t newest;
    uint64_t oldest;
    uint64_t oldest_group;
    uint64_t bound;
    uint64_t end;
    uint32_t shards;
    uint64_t trimmed;
};

struct skn_jf_hash {
    uint64_t lo;
    uint64_t hi;
};

/* Segment header: SKN_JF_BLOCK bytes. Decoding gives SKN_ECORRUPT or SKN_ENEWER. */
void skn_jf_put_segment(const struct skn_jf_segment *segment, uint8_t out[SKN_JF_BLOCK]);
SKN_MUST_USE enum skn_rc skn_jf_get_segment(struct skn_slice block,
                                            struct skn_jf_segment *out_segment,
                                            struct skn_diag *diag);

/* One slot of the superblock: SKN_JF_SECTOR bytes. */
void skn_jf_put_super(const struct skn_jf_super *super, uint8_t out[SKN_JF_SECTOR]);
SKN_MUST_USE enum skn_rc
skn_jf_get_super(struct skn_slice sector, struct skn_jf_super *out_super, struct skn_diag *diag);

/* Length of the group that holds so many bytes of records. */
uint64_t skn_jf_group_length(uint64_t records_bytes);

/* Makes a group of `bytes`, which are group->length long and hold the records behind room for the
 * header: writes padding and header. Taken from `group`: number, generation, segment, offset,
 * length, records_bytes, records. Fills in the rest. */
void skn_jf_put_group(struct skn_jf_group *group, uint64_t salt, uint8_t *bytes);

/* The header in the first sector of a group; false: it is none. Only the checksum of the header is
 * looked at, and whether its lengths make sense. */
bool skn_jf_get_group(struct skn_slice sector, uint64_t salt, struct skn_jf_group *out_group);

/* Whether `bytes`, all of the group, have the checksum that its header says. */
bool skn_jf_is_group_whole(const struct skn_jf_group *group, uint64_t salt, struct skn_slice bytes);

/* Sectors of a group that are all zero. */
uint32_t skn_jf_zero_sectors(struct skn_slice bytes);
bool skn_jf_is_zero(struct skn_slice bytes);

/* Bytes of a record; a sum that does not overflow is the caller's to check first. */
static inline uint64_t skn_jf_record_length(const struct skn_record *record)
{
    return SKN_JF_RECORD_HEAD + (uint64_t)record->message.len + record->batch.len;
}

/* Writes a record of skn_jf_record_length bytes and gives its hash, the next one's `prev`. */
struct skn_jf_hash
skn_jf_put_record(const struct skn_record *record, struct skn_jf_hash prev, uint8_t *out);

/* Takes the next record off `rest`; it borrows from it. `out_hash` may be NULL. SKN_ENOENT at the
 * end, SKN_ECORRUPT. */
SKN_MUST_USE enum skn_rc skn_jf_next_record(struct skn_slice *rest,
                                            struct skn_record *out_record,
                                            struct skn_jf_hash *out_prev,
                                            struct skn_jf_hash *out_hash,
                                            struct skn_diag *diag);

/* "<number>.seg", and back: false when it is not such a name. */
void skn_jf_segment_name(uint64_t number, char out[SKN_JF_NAME_BYTES]);
bool skn_jf_segment_number(const char *name, uint64_t *out_number);
