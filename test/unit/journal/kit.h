/* kit.h - records that follow from their number, a replay that checks them, and a temporary folder:
 * what the tests of the journal share. */
#pragma once

#include "base/mem.h"
#include "env/env_real.h"
#include "journal/format_internal.h"
#include "journal/journal.h"
#include "lib/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KIT_SHARDS = 3, KIT_PATH = 600 };

/* The records of a test are numbered from 1; number n goes to shard n % 3, so that the index is
 * known, and has a message and a batch that follow from n. */
static inline struct skn_record
kit_record(uint64_t n, size_t batch_bytes, char message[32], uint8_t *batch)
{
    (void)snprintf(message, 32, "message %llu", (unsigned long long)n);
    for (size_t i = 0; i < batch_bytes; i++)
        batch[i] = n % 7 == 0 ? 0 : (uint8_t)(n * 31 + i); /* all zero now and then */
    return (struct skn_record){.shard = (uint32_t)(n % KIT_SHARDS),
                               .limits = 1,
                               .index = (n - 1) / KIT_SHARDS + 1,
                               .term = 1 + n / 1000,
                               .stamp = 1000 + n,
                               .state_lo = n * 3,
                               .state_hi = n * 5,
                               .module = n * 7,
                               .message = skn_slice_str(message),
                               .batch = skn_slice(batch, batch_bytes)};
}

/* Bytes of the batch of record `n`: mostly few, sometimes over a group of 4 KiB. */
static inline size_t kit_size(uint64_t n)
{
    return n % 11 == 0 ? 5000 + (size_t)(n % 13) * 100 : (size_t)(n * 37 % 400);
}

enum { KIT_BATCH_MAX = 8192 };

static inline enum skn_rc kit_append(struct skn_journal *journal, uint64_t n)
{
    char message[32];
    uint8_t batch[KIT_BATCH_MAX];
    struct skn_record record = kit_record(n, kit_size(n), message, batch);
    return skn_journal_append(journal, &record, NULL);
}

/* Appends records first .. last with a flush behind each. */
static inline void kit_fill(struct skn_journal *journal, uint64_t first, uint64_t last)
{
    for (uint64_t n = first; n <= last; n++) {
        assert_int_equal(kit_append(journal, n), SKN_OK);
        assert_int_equal(skn_journal_flush(journal, NULL), SKN_OK);
    }
}

/* The replay of a test: counts, and compares each record with what was made. */
struct kit_seen {
    uint64_t next; /* number of the record that is due; 0 takes any for the first */
    bool is_wrong;
};

static inline enum skn_rc
kit_replay(void *ctx, const struct skn_record *record, struct skn_diag *diag)
{
    struct kit_seen *seen = ctx;
    uint64_t n = record->stamp - 1000;
    char message[32];
    uint8_t batch[KIT_BATCH_MAX];
    struct skn_record want = kit_record(n, kit_size(n), message, batch);
    if (seen->next == 0) seen->next = n;
    bool is_right = n == seen->next && want.shard == record->shard && want.index == record->index &&
                    want.term == record->term && want.limits == record->limits &&
                    want.state_lo == record->state_lo && want.state_hi == record->state_hi &&
                    want.module == record->module && skn_slice_eq(want.message, record->message) &&
                    skn_slice_eq(want.batch, record->batch);
    if (!is_right) seen->is_wrong = true;
    seen->next = n + 1;
    return is_right
               ? SKN_OK
               : SKN_FAIL(diag, SKN_EINTERNAL, "replay is wrong at %llu", (unsigned long long)n);
}

struct kit {
    char folder[64]; /* made for the test */
    char dir[128];   /* the journal in it */
    struct skn_journal_options options;
};

static inline void kit_init(struct kit *kit)
{
    *kit = (struct kit){.folder = "/tmp/skein-journal-XXXXXX"};
    assert_non_null(mkdtemp(kit->folder));
    (void)snprintf(kit->dir, sizeof kit->dir, "%s/journal", kit->folder);
    kit->options = (struct skn_journal_options){.env = skn_env_real(),
                                                .dir = kit->dir,
                                                .segment_bytes_min = 32 << 10,
                                                .segment_bytes_max = 128 << 10,
                                                .no_reserve = true,
                                                .shards = KIT_SHARDS};
}

static inline void kit_clear(const char *dir)
{
    DIR *names = opendir(dir);
    if (!names) return;
    for (struct dirent *entry = readdir(names); entry; entry = readdir(names)) {
        char path[KIT_PATH];
        (void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        (void)unlink(path);
    }
    (void)closedir(names);
    (void)rmdir(dir);
}

/* Modes of the files of the journal, and of its folder and the one above. */
static inline void kit_mode(const struct kit *kit, mode_t files, mode_t folders)
{
    DIR *names = opendir(kit->dir);
    assert_non_null(names);
    for (struct dirent *entry = readdir(names); entry; entry = readdir(names)) {
        char path[KIT_PATH];
        (void)snprintf(path, sizeof path, "%s/%s", kit->dir, entry->d_name);
        if (entry->d_name[0] != '.') assert_int_equal(chmod(path, files), 0);
    }
    (void)closedir(names);
    assert_int_equal(chmod(kit->dir, folders), 0);
    assert_int_equal(chmod(kit->folder, folders), 0);
}

static inline void kit_fini(struct kit *kit)
{
    kit_clear(kit->dir);
    (void)rmdir(kit->folder);
}

/* Opens, and asserts that exactly records 1 .. last are there (or `last` of UINT64_MAX: any). */
static inline struct skn_journal *
kit_open(struct kit *kit, uint64_t last, struct skn_journal_info *out_info)
{
    struct kit_seen seen = {.next = 1};
    struct skn_journal *journal = NULL;
    struct skn_diag diag = {0};
    enum skn_rc rc = skn_journal_open(&kit->options, kit_replay, &seen, &journal, out_info, &diag);
    if (rc != SKN_OK) (void)fprintf(stderr, "%s\n", diag.text);
    assert_int_equal(rc, SKN_OK);
    assert_int_equal(seen.next, last + 1);
    return journal;
}
