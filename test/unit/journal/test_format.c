/* test_format.c - the bytes of the journal's files, which other versions have to read. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/format_internal.h"
#include "lib/test.h"

#include <stdio.h>
#include <string.h>

static const struct skn_jf_ids ids = {
    .cluster = {0xc0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    .store = {0x50, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
};

static const struct skn_jf_segment segment = {
    .epoch = 3, .generation = 2, .begins = 9, .length = 1 << 20, .number = 5, .salt = 0x1122334455};

static const struct skn_jf_super super = {.is_sealed = true,
                                          .sequence = 7,
                                          .newest = 5,
                                          .oldest = 4,
                                          .oldest_group = 6,
                                          .bound = 11,
                                          .end = 3 * SKN_JF_BLOCK,
                                          .shards = 64,
                                          .trimmed = 0x60};

static struct skn_record record(void)
{
    return (struct skn_record){.shard = 1,
                               .limits = 2,
                               .index = 3,
                               .term = 4,
                               .stamp = 5,
                               .state_lo = 6,
                               .state_hi = 7,
                               .module = 8,
                               .message = SKN_LIT("message"),
                               .batch = SKN_LIT("batch")};
}

/* Compares with hexadecimal text; blanks in it do not count. */
static void assert_hex(struct skn_slice bytes, const char *hex)
{
    char text[4096];
    char want[4096];
    size_t n = 0;
    assert_true(2 * bytes.len + 1 <= sizeof text);
    for (size_t i = 0; i < bytes.len; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", bytes.ptr[i]);
    for (; *hex != 0; hex++)
        if (*hex != ' ') want[n++] = *hex;
    want[n] = 0;
    assert_string_equal(text, want);
}

static void segment_header_has_its_golden_bytes(void **state)
{
    (void)state;
    struct skn_jf_segment s = segment, back;
    s.level = 1;
    s.ids = ids;
    uint8_t block[SKN_JF_BLOCK], again[SKN_JF_BLOCK];
    skn_jf_put_segment(&s, block);
    assert_hex(skn_slice(block, 96),
               "736b6e2e7365670a0100000000000000c00102030405060708090a0b0c0d0e0f"
               "500102030405060708090a0b0c0d0e0f03000000000000000200000000000000"
               "0900000000000000000010000000000005000000000000005544332211000000");
    assert_true(skn_jf_is_zero(skn_slice(block + 96, SKN_JF_BLOCK - 96 - 8)));
    assert_hex(skn_slice(block + SKN_JF_BLOCK - 8, 8), "d52a194f3f485500");
    assert_int_equal(skn_jf_get_segment(skn_slice(block, sizeof block), &back, NULL), SKN_OK);
    assert_int_equal(back.level, 1);
    skn_jf_put_segment(&back, again);
    assert_memory_equal(again, block, sizeof block);
    s.level = 0; /* the newest: the same but for its number */
    skn_jf_put_segment(&s, again);
    assert_int_equal(again[8], 2);
    assert_hex(skn_slice(again + SKN_JF_BLOCK - 8, 8), "14116f086f9899e4");
    again[8] = 1;
    assert_memory_equal(again, block, SKN_JF_BLOCK - 8);
}

static void superblock_slot_has_its_golden_bytes(void **state)
{
    (void)state;
    struct skn_jf_super s = super, back;
    s.level = 1;
    s.ids = ids;
    uint8_t sector[SKN_JF_SECTOR], newest[SKN_JF_SECTOR];
    skn_jf_put_super(&s, sector);
    assert_hex(skn_slice(sector, 112),
               "736b6e2e7375700a0100000001000000c00102030405060708090a0b0c0d0e0f"
               "500102030405060708090a0b0c0d0e0f07000000000000000500000000000000"
               "040000000000000006000000000000000b000000000000000030000000000000"
               "40000000000000006000000000000000");
    assert_true(skn_jf_is_zero(skn_slice(sector + 112, SKN_JF_SECTOR - 112 - 8)));
    assert_hex(skn_slice(sector + SKN_JF_SECTOR - 8, 8), "b3fa0632cd584eca");
    assert_int_equal(skn_jf_get_super(skn_slice(sector, sizeof sector), &back, NULL), SKN_OK);
    assert_true(back.is_sealed);
    assert_int_equal(back.end, s.end);
    assert_int_equal(back.bound, s.bound);
    assert_int_equal(back.oldest_group, s.oldest_group);
    assert_int_equal(back.shards, s.shards);
    assert_int_equal(back.trimmed, s.trimmed);
    assert_int_equal(back.level, 1);
    s.level = 0;
    skn_jf_put_super(&s, newest);
    assert_int_equal(newest[8], 2);
    assert_hex(skn_slice(newest + SKN_JF_SECTOR - 8, 8), "693d5e09470c2a76");
    newest[8] = 1;
    assert_memory_equal(newest, sector, SKN_JF_SECTOR - 8);
}

static void a_superblock_has_a_shard_and_not_too_many(void **state)
{
    (void)state;
    const uint32_t counts[] = {0, 1, SKN_JOURNAL_SHARDS_MAX, SKN_JOURNAL_SHARDS_MAX + 1};
    for (size_t i = 0; i < SKN_ARRAY_LEN(counts); i++) {
        struct skn_jf_super s = super, back;
        uint8_t sector[SKN_JF_SECTOR];
        s.shards = counts[i];
        skn_jf_put_super(&s, sector);
        bool is_good = i == 1 || i == 2;
        assert_int_equal(skn_jf_get_super(skn_slice(sector, sizeof sector), &back, NULL),
                         is_good ? SKN_OK : SKN_ECORRUPT);
    }
}

static void record_has_its_golden_bytes(void **state)
{
    (void)state;
    struct skn_record r = record(), back;
    uint8_t bytes[128];
    size_t n = (size_t)skn_jf_record_length(&r);
    struct skn_jf_hash hash = skn_jf_put_record(&r, (struct skn_jf_hash){9, 10}, bytes);
    assert_hex(skn_slice(bytes, n),
               "5c00000001000000030000000000000004000000000000000500000000000000"
               "09000000000000000a0000000000000006000000000000000700000000000000"
               "080000000000000002000000070000006d6573736167656261746368");
    struct skn_slice rest = skn_slice(bytes, n);
    struct skn_jf_hash prev, again;
    assert_int_equal(skn_jf_next_record(&rest, &back, &prev, &again, NULL), SKN_OK);
    assert_int_equal(prev.lo, 9);
    assert_int_equal(prev.hi, 10);
    assert_true(again.lo == hash.lo && again.hi == hash.hi);
    assert_true(skn_slice_eq(back.message, r.message) && skn_slice_eq(back.batch, r.batch));
    assert_true(back.shard == 1 && back.limits == 2 && back.index == 3 && back.term == 4);
    assert_true(back.stamp == 5 && back.state_lo == 6 && back.state_hi == 7 && back.module == 8);
    assert_int_equal(skn_jf_next_record(&rest, &back, &prev, &again, NULL), SKN_ENOENT);
}

static struct skn_jf_group make_group(uint8_t bytes[2 * SKN_JF_BLOCK])
{
    struct skn_record r = record();
    struct skn_jf_group group = {.number = 9, .generation = 2, .segment = 5, .offset = 8192};
    group.records_bytes = (uint32_t)skn_jf_record_length(&r) + SKN_JF_BLOCK;
    group.records = 1;
    group.length = 2 * SKN_JF_BLOCK;
    memset(bytes, 0, 2 * SKN_JF_BLOCK);
    (void)skn_jf_put_record(&r, (struct skn_jf_hash){0}, bytes + SKN_JF_GROUP_HEAD);
    skn_jf_put_group(&group, segment.salt, bytes);
    return group;
}

static void group_has_its_golden_bytes(void **state)
{
    (void)state;
    uint8_t bytes[2 * SKN_JF_BLOCK];
    struct skn_jf_group group = make_group(bytes), back;
    assert_int_equal(group.zero_sectors, 7);
    assert_hex(skn_slice(bytes, SKN_JF_GROUP_HEAD),
               "736b6e2e6772700a090000000000000002000000000000000500000000000000"
               "0020000000000000002000005c10000001000000070000002ed986d43497c794"
               "0775ef8da4852af9");
    size_t end = SKN_JF_GROUP_HEAD + group.records_bytes;
    for (size_t i = end; i < sizeof bytes; i++)
        assert_int_equal(bytes[i], 0xa5);
    assert_true(skn_jf_get_group(skn_slice(bytes, SKN_JF_SECTOR), segment.salt, &back));
    assert_memory_equal(&back, &group, sizeof group);
    assert_true(skn_jf_is_group_whole(&back, segment.salt, skn_slice(bytes, sizeof bytes)));
}

static void every_flipped_bit_of_a_group_is_noticed(void **state)
{
    (void)state;
    uint8_t bytes[2 * SKN_JF_BLOCK];
    (void)make_group(bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        struct skn_jf_group g;
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        bool is_good = skn_jf_get_group(skn_slice(bytes, SKN_JF_SECTOR), segment.salt, &g) &&
                       skn_jf_is_group_whole(&g, segment.salt, skn_slice(bytes, sizeof bytes));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(is_good);
    }
}

static void a_group_of_another_salt_is_none(void **state)
{
    (void)state;
    uint8_t bytes[2 * SKN_JF_BLOCK];
    struct skn_jf_group g;
    (void)make_group(bytes);
    assert_false(skn_jf_get_group(skn_slice(bytes, SKN_JF_SECTOR), segment.salt + 1, &g));
}

static void every_flipped_bit_of_headers_is_noticed(void **state)
{
    (void)state;
    struct skn_jf_segment s = segment;
    struct skn_jf_super p = super;
    s.ids = ids;
    p.ids = ids;
    uint8_t block[SKN_JF_BLOCK], sector[SKN_JF_SECTOR];
    skn_jf_put_segment(&s, block);
    skn_jf_put_super(&p, sector);
    for (size_t bit = 0; bit < 8 * sizeof block; bit++) {
        block[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(skn_jf_get_segment(skn_slice(block, sizeof block), &s, NULL),
                         SKN_ECORRUPT);
        block[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof sector; bit++) {
        sector[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(skn_jf_get_super(skn_slice(sector, sizeof sector), &p, NULL),
                         SKN_ECORRUPT);
        sector[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void malformed_records_are_refused(void **state)
{
    (void)state;
    struct skn_record r = record(), back;
    struct skn_jf_hash prev, hash;
    uint8_t bytes[128];
    size_t n = (size_t)skn_jf_record_length(&r);
    (void)skn_jf_put_record(&r, (struct skn_jf_hash){0}, bytes);
    for (size_t len = 1; len < n; len++) {
        struct skn_slice rest = skn_slice(bytes, len);
        assert_int_equal(skn_jf_next_record(&rest, &back, &prev, &hash, NULL), SKN_ECORRUPT);
    }
    bytes[76] = 200; /* a message longer than the record */
    struct skn_slice rest = skn_slice(bytes, n);
    assert_int_equal(skn_jf_next_record(&rest, &back, &prev, &hash, NULL), SKN_ECORRUPT);
    bytes[0] = SKN_JF_RECORD_HEAD - 1;
    rest = skn_slice(bytes, n);
    assert_int_equal(skn_jf_next_record(&rest, &back, &prev, &hash, NULL), SKN_ECORRUPT);
}

static void names_of_segments_go_both_ways(void **state)
{
    (void)state;
    char name[SKN_JF_NAME_BYTES];
    uint64_t n;
    skn_jf_segment_name(0x1234abcd, name);
    assert_string_equal(name, "000000001234abcd.seg");
    assert_true(skn_jf_segment_number(name, &n));
    assert_int_equal(n, 0x1234abcd);
    const char *others[] = {"",
                            "super",
                            "1.seg",
                            "000000001234abcd.seg.tmp",
                            "000000001234ABCD.seg",
                            "000000001234abcd.tmp",
                            "000000001234abcd"};
    for (size_t i = 0; i < SKN_ARRAY_LEN(others); i++)
        assert_false(skn_jf_segment_number(others[i], &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segment_header_has_its_golden_bytes),
        cmocka_unit_test(superblock_slot_has_its_golden_bytes),
        cmocka_unit_test(a_superblock_has_a_shard_and_not_too_many),
        cmocka_unit_test(record_has_its_golden_bytes),
        cmocka_unit_test(group_has_its_golden_bytes),
        cmocka_unit_test(every_flipped_bit_of_a_group_is_noticed),
        cmocka_unit_test(a_group_of_another_salt_is_none),
        cmocka_unit_test(every_flipped_bit_of_headers_is_noticed),
        cmocka_unit_test(malformed_records_are_refused),
        cmocka_unit_test(names_of_segments_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
