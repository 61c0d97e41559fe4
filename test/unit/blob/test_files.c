/* test_files.c - contents survive what they must, whatever is killed and whenever [E45]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "blob/blob.h"
#include "env/env_sim.h"
#include "lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTENTS = 6, LARGE = 300000, RANDOM_ROUNDS = 60, RANDOM_CALLS = 40 };

static uint8_t bytes[CONTENTS][LARGE];
static struct skn_slice contents[CONTENTS];
static uint8_t hashes[CONTENTS][SKN_BLOB_HASH_BYTES];

static int setup(void **state)
{
    (void)state;
    static const size_t sizes[CONTENTS] = {0, 1, 511, 4096, 70000, LARGE};
    for (size_t i = 0; i < CONTENTS; i++) {
        for (size_t k = 0; k < sizes[i]; k++)
            bytes[i][k] = (uint8_t)(k * 7 + i + 1);
        contents[i] = skn_slice(bytes[i], sizes[i]);
        skn_blob_hash_of(contents[i], hashes[i]);
    }
    return 0;
}

static enum skn_rc open_in(struct skn_env *env, struct skn_blobs **out)
{
    const struct skn_blobs_options options = {.env = env, .dir = "/blobs"};
    *out = NULL;
    return skn_blobs_open(&options, out, NULL);
}

static struct skn_blobs *must_open(struct skn_env_sim *sim)
{
    struct skn_blobs *blobs;
    assert_int_equal(open_in(skn_env_sim_env(sim), &blobs), SKN_OK);
    return blobs;
}

static bool is_there(struct skn_blobs *blobs, size_t i)
{
    struct skn_file *file = NULL;
    uint64_t size;
    enum skn_rc rc = skn_blob_open(blobs, hashes[i], &file, &size, NULL);
    assert_true(rc == SKN_OK || rc == SKN_ENOENT);
    if (rc == SKN_OK) assert_int_equal(size, contents[i].len);
    skn_file_close(file);
    return rc == SKN_OK;
}

/* --- what is known of each content ------------------------------------------------------------------- */

enum fate { ABSENT, PRESENT, EITHER };

struct world {
    struct skn_env_sim *sim;
    struct skn_blobs *blobs;
    enum fate fates[CONTENTS];
};

static enum skn_rc put(struct world *w, size_t i)
{
    struct skn_blob_writer *writer = NULL;
    uint8_t hash[SKN_BLOB_HASH_BYTES];
    uint64_t size;
    if (w->fates[i] == ABSENT) w->fates[i] = EITHER;
    enum skn_rc rc = skn_blob_begin(w->blobs, &writer, NULL);
    if (rc != SKN_OK) return rc;
    /* In pieces, as a program would print it. */
    for (size_t at = 0; rc == SKN_OK && at < contents[i].len; at += 100000) {
        size_t n = contents[i].len - at < 100000 ? contents[i].len - at : 100000;
        rc = skn_blob_write(writer, skn_slice(contents[i].ptr + at, n), NULL);
    }
    if (rc != SKN_OK) {
        skn_blob_abandon(writer);
        return rc;
    }
    if (i % 2 == 0) { /* its name is known before it has it */
        skn_blob_seal(writer, hash, &size);
        assert_memory_equal(hash, hashes[i], sizeof hash);
        assert_int_equal(size, contents[i].len);
    }
    rc = skn_blob_finish(writer, hash, &size, NULL);
    if (rc != SKN_OK) return rc;
    assert_memory_equal(hash, hashes[i], sizeof hash);
    assert_int_equal(size, contents[i].len);
    w->fates[i] = PRESENT;
    return SKN_OK;
}

static enum skn_rc take_away(struct world *w, size_t i)
{
    if (w->fates[i] == PRESENT) w->fates[i] = EITHER;
    enum skn_rc rc = skn_blob_remove(w->blobs, hashes[i], NULL);
    if (rc == SKN_OK) w->fates[i] = ABSENT;
    return rc;
}

static enum skn_rc count_one(void *ctx, const uint8_t hash[SKN_BLOB_HASH_BYTES])
{
    bool known = false;
    for (size_t i = 0; i < CONTENTS; i++)
        known |= memcmp(hash, hashes[i], SKN_BLOB_HASH_BYTES) == 0;
    assert_true(known);
    ++*(size_t *)ctx;
    return SKN_OK;
}

static enum skn_rc no_temp(void *ctx, const char *name)
{
    (void)ctx;
    if (strncmp(name, "tmp-", 4) == 0) fail_msg("%s is left", name);
    return SKN_OK;
}

/* What must be there is, what is there is whole, and nothing else is. */
static void check(struct skn_env_sim *sim, struct skn_blobs *blobs, const enum fate *fates)
{
    size_t listed = 0, found = 0;
    for (size_t i = 0; i < CONTENTS; i++) {
        bool there = is_there(blobs, i);
        if (fates[i] == PRESENT && !there) fail_msg("content %zu is lost", i);
        if (fates[i] == ABSENT && there) fail_msg("content %zu is back", i);
        if (!there) continue;
        struct skn_diag diag = {.text = ""};
        if (skn_blob_verify(blobs, hashes[i], &diag) != SKN_OK)
            fail_msg("content %zu: %s", i, diag.text);
        found++;
    }
    assert_int_equal(skn_blobs_list(blobs, count_one, &listed, NULL), SKN_OK);
    assert_int_equal(listed, found);
    assert_int_equal(skn_env_list(skn_env_sim_env(sim), "/blobs", no_temp, NULL, NULL), SKN_OK);
}

/* Every way in which the machine may end here; each is opened again and looked at, and the first
 * content is stored once more, which must hold whatever the page cache pretended [E6]. */
static void end_in_every_way(const struct world *w)
{
    for (int cut = -1; cut < SKN_CUT_COUNT; cut++) {
        struct world copy = *w;
        copy.sim = skn_env_sim_copy(w->sim, (uint64_t)cut + 2);
        if (cut < 0)
            skn_env_sim_kill(copy.sim);
        else
            skn_env_sim_power_cut(copy.sim, (enum skn_cut)cut);
        skn_env_sim_fault(copy.sim, SKN_FAULT_NONE, false, 1, 1);
        copy.blobs = must_open(copy.sim);
        check(copy.sim, copy.blobs, copy.fates);
        assert_int_equal(put(&copy, 1), SKN_OK);
        skn_blobs_close(copy.blobs);
        skn_env_sim_power_cut(copy.sim, SKN_CUT_DROP);
        copy.blobs = must_open(copy.sim);
        assert_true(is_there(copy.blobs, 1));
        assert_int_equal(skn_blob_verify(copy.blobs, hashes[1], NULL), SKN_OK);
        skn_blobs_close(copy.blobs);
        skn_env_sim_destroy(copy.sim);
    }
}

static void script(struct world *w)
{
    static const struct {
        size_t content;
        bool removes;
    } steps[] = {{1, false},
                 {5, false},
                 {1, false},
                 {1, true},
                 {4, false},
                 {5, true},
                 {5, true},
                 {0, false},
                 {3, false},
                 {5, false},
                 {0, true},
                 {2, false},
                 {1, false}};
    for (size_t i = 0; i < SKN_ARRAY_LEN(steps); i++) {
        enum skn_rc rc =
            steps[i].removes ? take_away(w, steps[i].content) : put(w, steps[i].content);
        if (rc != SKN_OK) return;
    }
}

/* --- tests -------------------------------------------------------------------------------------------- */

static void each_change_may_be_the_last(void **state)
{
    (void)state;
    uint64_t n = 1;
    for (;; n++) {
        struct world w = {.sim = skn_env_sim_create(n, 0)};
        skn_env_sim_fault(w.sim, SKN_FAULT_STOP_SHORT, true, n, 1);
        if (open_in(skn_env_sim_env(w.sim), &w.blobs) == SKN_OK) script(&w);
        bool is_over = !skn_env_sim_has_faulted(w.sim);
        end_in_every_way(&w);
        skn_blobs_close(w.blobs);
        skn_env_sim_destroy(w.sim);
        if (is_over) break;
    }
    assert_true(n > 40);
    print_message(
        "covered: %llu changes, each with %d endings\n", (unsigned long long)n, SKN_CUT_COUNT + 1);
}

/* An error is told, and what was there stays; behind it all goes on. */
static void each_call_may_fail(void **state)
{
    (void)state;
    static const enum skn_fault faults[] = {SKN_FAULT_EIO, SKN_FAULT_FULL, SKN_FAULT_SHORT};
    for (size_t f = 0; f < SKN_ARRAY_LEN(faults); f++) {
        for (uint64_t n = 1;; n++) {
            struct world w = {.sim = skn_env_sim_create(n, 0)};
            skn_env_sim_fault(w.sim, faults[f], false, n, 1);
            if (open_in(skn_env_sim_env(w.sim), &w.blobs) == SKN_OK) script(&w);
            bool is_over = !skn_env_sim_has_faulted(w.sim);
            skn_blobs_close(w.blobs);
            skn_env_sim_fault(w.sim, SKN_FAULT_NONE, false, 1, 1);
            w.blobs = must_open(w.sim);
            for (size_t i = 0; i < CONTENTS; i++)
                if (w.fates[i] == PRESENT) assert_true(is_there(w.blobs, i));
            script(&w);
            check(w.sim, w.blobs, w.fates);
            skn_blobs_close(w.blobs);
            skn_env_sim_destroy(w.sim);
            if (is_over) break;
        }
    }
}

static uint64_t rng;

static uint64_t below(uint64_t n)
{
    rng = rng * 6364136223846793005U + 1442695040888963407U;
    return (rng >> 33) % n;
}

/* Random calls, kills and power cuts, against what is known of each content. */
static void random_calls_agree_with_an_array(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= RANDOM_ROUNDS; round++) {
        rng = round;
        struct world w = {.sim = skn_env_sim_create(round, 0)};
        w.blobs = must_open(w.sim);
        for (int call = 0; call < RANDOM_CALLS; call++) {
            uint64_t what = below(10);
            skn_env_sim_fault(
                w.sim, below(5) == 0 ? SKN_FAULT_STOP : SKN_FAULT_NONE, true, 1 + below(6), 1);
            enum skn_rc rc = what < 6 ? put(&w, below(CONTENTS)) : take_away(&w, below(CONTENTS));
            bool dies = rc != SKN_OK || below(6) == 0;
            if (!dies) continue;
            skn_blobs_close(w.blobs);
            uint64_t how = below(SKN_CUT_COUNT + 1);
            if (how == SKN_CUT_COUNT)
                skn_env_sim_kill(w.sim);
            else
                skn_env_sim_power_cut(w.sim, (enum skn_cut)how);
            skn_env_sim_fault(w.sim, SKN_FAULT_NONE, false, 1, 1);
            w.blobs = must_open(w.sim);
            check(w.sim, w.blobs, w.fates);
        }
        skn_blobs_close(w.blobs);
        skn_env_sim_destroy(w.sim);
    }
}

static void a_content_at_the_limit_is_stored_and_one_byte_more_is_not(void **state)
{
    (void)state;
    struct skn_env_sim *sim = skn_env_sim_create(1, 0);
    const struct skn_blobs_options options = {
        .env = skn_env_sim_env(sim), .dir = "/blobs", .bytes_max = 1000};
    struct skn_blobs *blobs = NULL;
    struct skn_blob_writer *writer = NULL;
    struct skn_diag diag;
    uint8_t hash[SKN_BLOB_HASH_BYTES];
    assert_int_equal(skn_blobs_open(&options, &blobs, NULL), SKN_OK);
    assert_int_equal(skn_blob_put(blobs, skn_slice(bytes[5], 1000), hash, NULL), SKN_OK);
    assert_int_equal(skn_blob_put(blobs, skn_slice(bytes[5], 1001), hash, &diag), SKN_ETOOLARGE);
    assert_string_equal(diag.text, "a blob is larger than 1000 bytes");
    assert_int_equal(skn_blob_begin(blobs, &writer, NULL), SKN_OK);
    assert_int_equal(skn_blob_write(writer, skn_slice(bytes[5], 600), NULL), SKN_OK);
    assert_int_equal(skn_blob_write(writer, skn_slice(bytes[5], 401), NULL), SKN_ETOOLARGE);
    skn_blob_abandon(writer);
    assert_int_equal(skn_env_list(skn_env_sim_env(sim), "/blobs", no_temp, NULL, NULL), SKN_OK);
    skn_blobs_close(blobs);
    skn_env_sim_destroy(sim);
}

static void damage_is_named_and_not_copied(void **state)
{
    (void)state;
    struct world w = {.sim = skn_env_sim_create(1, 0)};
    char path[100], name[SKN_BLOB_HASH_TEXT], expected[150];
    struct skn_blobs *backup = NULL;
    const struct skn_blobs_options options = {.env = skn_env_sim_env(w.sim), .dir = "/backup"};
    struct skn_diag diag;
    w.blobs = must_open(w.sim);
    assert_int_equal(skn_blobs_open(&options, &backup, NULL), SKN_OK);
    assert_int_equal(put(&w, 4), SKN_OK);
    assert_int_equal(put(&w, 5), SKN_OK);
    assert_int_equal(skn_blob_copy(w.blobs, backup, hashes[5], NULL), SKN_OK);
    assert_int_equal(skn_blob_verify(backup, hashes[5], NULL), SKN_OK);
    skn_blob_hash_text(hashes[4], name);
    (void)snprintf(path, sizeof path, "/blobs/%s", name);
    (void)snprintf(
        expected, sizeof expected, "the content of blob %s is not what its name says", name);
    assert_true(skn_env_sim_flip(w.sim, path, 69999, 3));
    assert_int_equal(skn_blob_verify(w.blobs, hashes[4], &diag), SKN_ECORRUPT);
    assert_string_equal(diag.text, expected);
    assert_int_equal(skn_blob_copy(w.blobs, backup, hashes[4], &diag), SKN_ECORRUPT);
    assert_false(is_there(backup, 4));
    assert_int_equal(skn_blob_copy(w.blobs, backup, hashes[3], &diag), SKN_ENOENT);
    /* Stored once more it is whole. */
    assert_int_equal(put(&w, 4), SKN_OK);
    assert_int_equal(skn_blob_verify(w.blobs, hashes[4], NULL), SKN_OK);
    skn_blobs_close(backup);
    skn_blobs_close(w.blobs);
    skn_env_sim_destroy(w.sim);
}

/* An opening that stores nothing changes nothing, and one to read finds only what is there. */
static void an_opening_costs_no_sync(void **state)
{
    (void)state;
    struct world w = {.sim = skn_env_sim_create(1, 0)};
    struct skn_blobs_options options = {
        .env = skn_env_sim_env(w.sim), .dir = "/blobs", .is_read_only = true};
    struct skn_blobs *reader = NULL;
    assert_int_equal(skn_blobs_open(&options, &reader, NULL), SKN_ENOENT);
    w.blobs = must_open(w.sim);
    assert_int_equal(put(&w, 2), SKN_OK);
    skn_blobs_close(w.blobs);
    uint64_t syncs = skn_env_sim_syncs(w.sim);
    w.blobs = must_open(w.sim);
    assert_int_equal(skn_blobs_open(&options, &reader, NULL), SKN_OK);
    assert_int_equal(skn_env_sim_syncs(w.sim), syncs);
    assert_true(is_there(reader, 2));
    skn_blobs_close(reader);
    skn_blobs_close(w.blobs);
    skn_env_sim_destroy(w.sim);
}

static void names_are_hashes_in_hex(void **state)
{
    (void)state;
    uint8_t hash[SKN_BLOB_HASH_BYTES];
    char text[SKN_BLOB_HASH_TEXT];
    /* FIPS 180-4: SHA-256 of "abc". */
    skn_blob_hash_of(SKN_LIT("abc"), hash);
    skn_blob_hash_text(hash, text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(skn_blob_hash_read(skn_slice_str(text), hash));
    text[63] = 'D';
    assert_false(skn_blob_hash_read(skn_slice_str(text), hash));
    text[63] = 0;
    assert_false(skn_blob_hash_read(skn_slice_str(text), hash));
}

/* Who stores beside the owner of the folder leaves what others write alone; the owner does not, and then
 * what was written is lost, which its writer is told. */
static void a_guest_stores_beside_the_owner(void **state)
{
    (void)state;
    struct skn_env_sim *sim = skn_env_sim_create(1, 0);
    struct skn_blobs *owner = must_open(sim), *guest = NULL, *other = NULL;
    struct skn_blob_writer *writer = NULL;
    struct skn_blobs_options options = {
        .env = skn_env_sim_env(sim), .dir = "/blobs", .is_guest = true};
    uint8_t hash[SKN_BLOB_HASH_BYTES];
    uint64_t size;
    for (int again = 0; again < 2; again++) {
        assert_int_equal(skn_blobs_open(&options, &guest, NULL), SKN_OK);
        assert_int_equal(skn_blob_begin(guest, &writer, NULL), SKN_OK);
        assert_int_equal(skn_blob_write(writer, contents[3], NULL), SKN_OK);
        assert_int_equal(skn_blobs_open(&options, &other, NULL), SKN_OK);
        skn_blobs_close(other);
        if (again == 0) {
            skn_blobs_close(owner);
            owner = must_open(sim);
        }
        skn_blob_seal(writer, hash, &size);
        assert_int_equal(skn_blob_finish(writer, hash, &size, NULL),
                         again == 0 ? SKN_ENOENT : SKN_OK);
        assert_int_equal(is_there(owner, 3), again != 0);
        skn_blobs_close(guest);
    }
    skn_blobs_close(owner);
    skn_env_sim_destroy(sim);
}

static int cmp_hash(const void *a, const void *b)
{
    return memcmp(a, b, SKN_BLOB_HASH_BYTES);
}

static void pages_have_every_name_once_and_in_order(void **state)
{
    (void)state;
    enum { FILES = 50 };
    static const size_t sizes[] = {1, 7, FILES - 1, FILES, FILES + 1};
    static uint8_t names[FILES][SKN_BLOB_HASH_BYTES];
    struct skn_env_sim *sim = skn_env_sim_create(7, 0);
    struct skn_blobs *blobs = must_open(sim);
    for (int i = 0; i < FILES; i++)
        assert_int_equal(skn_blob_put(blobs, skn_slice(&i, sizeof i), names[i], NULL), SKN_OK);
    qsort(names, FILES, sizeof names[0], cmp_hash);
    for (size_t k = 0; k < SKN_ARRAY_LEN(sizes); k++) {
        struct skn_buf page;
        uint8_t last[SKN_BLOB_HASH_BYTES];
        size_t seen = 0;
        bool has_more = true;
        skn_buf_init(&page, 2 * sizes[k] * SKN_BLOB_HASH_BYTES);
        while (has_more) {
            skn_buf_reset(&page);
            enum skn_rc rc =
                skn_blobs_page(blobs, seen ? last : NULL, sizes[k], &page, &has_more, NULL);
            assert_int_equal(rc, SKN_OK);
            size_t count = page.len / SKN_BLOB_HASH_BYTES;
            assert_true(count <= sizes[k] && seen + count <= FILES);
            if (has_more) assert_int_equal(count, sizes[k]);
            assert_memory_equal(page.ptr, names[seen], page.len);
            seen += count;
            memcpy(last, names[seen - 1], sizeof last);
        }
        assert_int_equal(seen, FILES);
        skn_buf_fini(&page);
    }
    skn_blobs_close(blobs);
    skn_env_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_have_every_name_once_and_in_order),
        cmocka_unit_test(each_change_may_be_the_last),
        cmocka_unit_test(each_call_may_fail),
        cmocka_unit_test(random_calls_agree_with_an_array),
        cmocka_unit_test(a_content_at_the_limit_is_stored_and_one_byte_more_is_not),
        cmocka_unit_test(damage_is_named_and_not_copied),
        cmocka_unit_test(an_opening_costs_no_sync),
        cmocka_unit_test(names_are_hashes_in_hex),
        cmocka_unit_test(a_guest_stores_beside_the_owner),
    };
    return cmocka_run_group_tests_name("files", tests, setup, NULL);
}
