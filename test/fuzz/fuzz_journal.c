/* fuzz_journal.c - a journal with any changes to its files: refused, or opened, used and opened again. */
/* SPDX-License-Identifier: Apache-2.0 */
/* links: base env journal */
/* libs: -lxxhash */
#include "base/cursor.h"
#include "env/env_sim.h"
#include "fuzz/fuzz.h"
#include "journal/format_internal.h"
#include "journal/journal.h"

#include <string.h>
#include <xxhash.h>

/* An input is a list of changes of 6 bytes each: what, which file, offset / 8 (3 bytes), a value.
 * REPAIR makes the checksums around an offset right again, so that what is behind them is reached. */
enum change { XOR, CUT, REMOVE, COPY_SECTOR, ZERO_SECTOR, REPAIR, CHANGES };

enum { CHANGE_BYTES = 6, CHANGES_MAX = 64, FILES = 5, SHARDS = 2, BATCH = 700 };

/* What the replay saw last of each shard, so that a record can be appended behind it. */
struct seen {
    uint64_t count;
    struct skn_record last[SHARDS];
};

static enum skn_rc on_record(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    struct seen *seen = ctx;
    seen->count++;
    if (record->shard >= SHARDS) return SKN_OK;
    struct skn_record *last = &seen->last[record->shard];
    SKN_ASSERT(last->index == 0 || record->index == last->index + 1);
    SKN_ASSERT(record->index > 0);
    SKN_ASSERT(record->stamp > last->stamp && record->term >= last->term);
    *last = *record;
    return SKN_OK;
}

static enum skn_rc
on_shown(void *ctx, const struct skn_journal_dump_record *record, struct skn_diag *diag)
{
    return on_record(ctx, record->record, diag);
}

static struct skn_journal_options options_of(struct skn_env_sim *sim)
{
    return (struct skn_journal_options){.env = skn_env_sim_env(sim),
                                        .dir = "/j",
                                        .segment_bytes_min = 16 << 10,
                                        .segment_bytes_max = 16 << 10,
                                        .no_reserve = true,
                                        .shards = SHARDS};
}

static bool append(struct skn_journal *journal, struct seen *seen, uint32_t shard)
{
    static const uint8_t batch[BATCH] = {1, 2, 3};
    struct skn_record *last = &seen->last[shard];
    if (last->stamp == UINT64_MAX || last->index == UINT64_MAX) return false;
    struct skn_record next = {.shard = shard,
                              .index = last->index + 1,
                              .term = last->term,
                              .stamp = last->stamp + 1,
                              .message = SKN_LIT("message"),
                              .batch = skn_slice(batch, sizeof batch)};
    enum skn_rc rc = skn_journal_append(journal, &next, NULL);
    if (rc == SKN_OK) rc = skn_journal_flush(journal, NULL);
    SKN_ASSERT(rc == SKN_OK);
    *last = next;
    return true;
}

/* Three segments of two generations; with a seal or without. Trimmed: the first of them is gone, and
 * waits to be written over when there is no clean stop. */
static struct skn_env_sim *make_base(bool sealed, bool trimmed)
{
    static const struct skn_journal_mark marks[SHARDS] = {{0, 2}, {1, 2}};
    struct skn_env_sim *sim = skn_env_sim_create(9, 0);
    struct skn_journal_options options = options_of(sim);
    struct seen seen = {0};
    for (int life = 0; life < 2; life++) {
        struct skn_journal *journal = NULL;
        enum skn_rc rc = skn_journal_open(&options, NULL, NULL, &journal, NULL, NULL);
        SKN_ASSERT(rc == SKN_OK);
        for (uint32_t i = 0; i < 4; i++)
            (void)append(journal, &seen, i % SHARDS);
        if (trimmed && life == 1) {
            rc = skn_journal_trim(journal, marks, SHARDS, NULL);
            SKN_ASSERT(rc == SKN_OK);
        }
        if (sealed && life == 1) {
            rc = skn_journal_close(journal, NULL);
            SKN_ASSERT(rc == SKN_OK);
        } else {
            skn_journal_abandon(journal);
        }
    }
    return sim;
}

/* A whole file in memory. */
struct image {
    uint8_t bytes[64 << 10];
    size_t len;
};

static uint64_t le(const uint8_t *at, size_t width)
{
    struct skn_cursor cursor = skn_cursor(skn_slice(at, width));
    return skn_cursor_le(&cursor, width);
}

static void put_le64(uint8_t *at, uint64_t n)
{
    for (size_t i = 0; i < 8; i++)
        at[i] = (uint8_t)(n >> (8 * i));
}

/* By the drawing in format_internal.h, without the code that is tested. */
static void repair(struct image *image, uint64_t file, size_t offset)
{
    size_t block = offset / SKN_JF_BLOCK * SKN_JF_BLOCK;
    if (block + SKN_JF_BLOCK > image->len) return;
    uint8_t *at = image->bytes + block;
    if (file == 0) {
        put_le64(at + 504, XXH3_64bits(at, 504));
    } else if (block == 0) {
        put_le64(at + 4088, XXH3_64bits(at, 4088));
    } else {
        uint8_t seeds[24];
        memcpy(seeds, at + 8, 8);
        memcpy(seeds + 8, at + 24, 16);
        uint64_t seed = XXH3_64bits_withSeed(seeds, sizeof seeds, le(image->bytes + 88, 8));
        uint64_t length = le(at + 40, 4);
        if (length >= 72 && length <= image->len - block)
            put_le64(at + 56, XXH3_64bits_withSeed(at + 72, (size_t)length - 72, seed));
        put_le64(at + 64, XXH3_64bits_withSeed(at, 64, seed));
    }
}

static void
change_bytes(struct image *image, enum change what, uint64_t file, size_t offset, uint8_t value)
{
    if (offset >= image->len) return;
    size_t sector = offset / SKN_JF_SECTOR * SKN_JF_SECTOR;
    size_t from = (size_t)value * SKN_JF_SECTOR % image->len;
    bool fits = sector + SKN_JF_SECTOR <= image->len && from + SKN_JF_SECTOR <= image->len;
    if (what == XOR)
        image->bytes[offset + value % 8 < image->len ? offset + value % 8 : offset] ^= value;
    if (what == CUT) image->len = offset;
    if (what == ZERO_SECTOR && fits) memset(image->bytes + sector, 0, SKN_JF_SECTOR);
    if (what == COPY_SECTOR && fits)
        memmove(image->bytes + sector, image->bytes + from, SKN_JF_SECTOR);
    if (what == REPAIR) repair(image, file, offset);
}

static void apply(struct skn_env *env, const uint8_t change[CHANGE_BYTES])
{
    static struct image image; /* 64 KiB are much for a stack */
    uint64_t file_number = change[1] % FILES;
    char path[40] = "/j/super";
    if (file_number > 0) skn_jf_segment_name(file_number, path + 3);
    struct skn_file *file = NULL;
    if (skn_env_open(env, path, SKN_OPEN_WRITE, &file, NULL) != SKN_OK) return;
    enum skn_rc rc = skn_file_pread(file, 0, image.bytes, sizeof image.bytes, &image.len, NULL);
    SKN_ASSERT(rc == SKN_OK);
    enum change what = change[0] % CHANGES;
    size_t offset = (size_t)le(change + 2, 3) * 8 % sizeof image.bytes;
    change_bytes(&image, what, file_number, offset, change[5]);
    rc = skn_file_truncate(file, image.len, NULL);
    if (rc == SKN_OK && image.len > 0) rc = skn_file_pwrite(file, 0, image.bytes, image.len, NULL);
    skn_file_close(file);
    if (rc == SKN_OK && what == REMOVE) rc = skn_env_unlink(env, path, NULL);
    SKN_ASSERT(rc == SKN_OK);
}

static bool is_refusal(enum skn_rc rc)
{
    return rc == SKN_ECORRUPT || rc == SKN_EFOREIGN || rc == SKN_ENEWER || rc == SKN_ENOENT;
}

static void use(struct skn_env_sim *sim)
{
    struct skn_journal_options options = options_of(sim);
    struct skn_journal *journal = NULL;
    struct seen first = {0}, read = {0}, again = {0}, shown = {0};
    struct skn_journal_info info;
    enum skn_rc verified = skn_journal_verify(options.env, options.dir, NULL, NULL);
    enum skn_rc reading = skn_journal_read(options.env, options.dir, on_record, &read, NULL, NULL);
    const struct skn_journal_dump_to to = {.ctx = &shown, .record = on_shown};
    enum skn_rc dumping = skn_journal_dump(options.env, options.dir, &to, NULL, NULL);
    enum skn_rc rc = skn_journal_open(&options, on_record, &first, &journal, &info, NULL);
    SKN_ASSERT(rc == SKN_OK || is_refusal(rc));
    SKN_ASSERT(verified == SKN_OK || is_refusal(verified));
    if (verified == SKN_OK) SKN_ASSERT(rc == SKN_OK);
    SKN_ASSERT(dumping == rc || (rc == SKN_OK && info.was_created && dumping == SKN_ENOENT));
    if (rc != SKN_OK) return;
    SKN_ASSERT(reading == SKN_OK || info.was_created);
    SKN_ASSERT(read.count <= first.count && info.records == first.count);
    SKN_ASSERT(shown.count == first.count);
    uint64_t added = append(journal, &first, 0);
    skn_journal_abandon(journal);
    rc = skn_journal_open(&options, on_record, &again, &journal, NULL, NULL);
    SKN_ASSERT(rc == SKN_OK && again.count == first.count + added);
    skn_journal_abandon(journal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    /* Made once: every input begins with a copy. */
    static struct skn_env_sim *bases[4];
    struct skn_env_sim **base = &bases[data[0] % 4];
    if (!*base) *base = make_base(data[0] % 2 == 0, data[0] % 4 >= 2);
    struct skn_env_sim *sim = skn_env_sim_copy(*base, 1);
    size_t n = (size - 1) / CHANGE_BYTES;
    if (n > CHANGES_MAX) n = CHANGES_MAX;
    for (size_t i = 0; i < n; i++)
        apply(skn_env_sim_env(sim), data + 1 + i * CHANGE_BYTES);
    use(sim);
    skn_env_sim_destroy(sim);
    return 0;
}
