/* test_domain.c - a page of domains is put together from the parts of all shards. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "lib/test.h"
#include "node/domain_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHARDS = 5, DOMAINS = 60 };

/* The part of a shard that has looked up to `last` (or at everything). */
static void put_part(struct skn_buf *parts, const char *const *addresses, const char *last)
{
    struct skn_buf entries;
    skn_buf_init(&entries, 1 << 20);
    for (; *addresses; addresses++) {
        char json[64];
        (void)snprintf(json, sizeof json, "\"%s\"", *addresses);
        skn_buf_put_block(&entries, skn_slice_str(*addresses));
        skn_buf_put_block(&entries, skn_slice_str(json));
    }
    skn_buf_put_block(parts, skn_buf_slice(&entries));
    skn_buf_put_block(parts, skn_slice_str(last ? last : ""));
    skn_buf_put_u8(parts, last != NULL);
    skn_buf_fini(&entries);
}

static void merges_to(struct skn_buf *parts, uint32_t limit, const char *text)
{
    struct skn_buf json;
    skn_buf_init(&json, 1 << 20);
    domain_merge(skn_buf_slice(parts), limit, &json);
    assert_string_equal(skn_buf_str(&json), text);
    skn_buf_fini(&json);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void parts_are_put_in_order(void **state)
{
    (void)state;
    struct skn_buf parts;
    skn_buf_init(&parts, 1 << 20);
    merges_to(&parts, 10, "{\"domains\":[],\"next\":null}");
    put_part(&parts, LIST("a", "d"), NULL);
    put_part(&parts, LIST(NULL), NULL);
    put_part(&parts, LIST("b", "c", "e"), NULL);
    merges_to(&parts, 10, "{\"domains\":[\"a\",\"b\",\"c\",\"d\",\"e\"],\"next\":null}");
    merges_to(&parts, 5, "{\"domains\":[\"a\",\"b\",\"c\",\"d\",\"e\"],\"next\":null}");
    merges_to(&parts, 2, "{\"domains\":[\"a\",\"b\"],\"next\":\"b\"}");
    skn_buf_fini(&parts);
}

/* A shard that stopped early may have something before what the others have. */
static void nothing_behind_a_shard_that_stopped_is_shown(void **state)
{
    (void)state;
    struct skn_buf parts;
    skn_buf_init(&parts, 1 << 20);
    put_part(&parts, LIST("a", "d"), NULL);
    put_part(&parts, LIST("b"), "c"); /* looked at c, which was not wanted; there is more */
    merges_to(&parts, 10, "{\"domains\":[\"a\",\"b\"],\"next\":\"c\"}");
    merges_to(&parts, 2, "{\"domains\":[\"a\",\"b\"],\"next\":\"b\"}");
    merges_to(&parts, 1, "{\"domains\":[\"a\"],\"next\":\"a\"}");
    put_part(&parts, LIST(NULL), "0"); /* nothing found yet, and far behind the others */
    merges_to(&parts, 10, "{\"domains\":[],\"next\":\"0\"}");
    skn_buf_fini(&parts);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Pages of every size, one after the other, give each domain once and in order, however the shards
 * share them. */
static void pages_miss_nothing_and_repeat_nothing(void **state)
{
    (void)state;
    static char names[DOMAINS][8];
    const char *sorted[DOMAINS];
    uint64_t rng = 7;
    for (uint32_t limit = 1; limit < 20; limit++) {
        for (int i = 0; i < DOMAINS; i++) {
            (void)snprintf(names[i], sizeof names[i], "%03d", i * 7 % 100);
            sorted[i] = names[i];
        }
        qsort(sorted, DOMAINS, sizeof sorted[0], by_text);
        uint8_t shard_of[DOMAINS];
        for (int i = 0; i < DOMAINS; i++) {
            rng = rng * 6364136223846793005U + 1442695040888963407U;
            shard_of[i] = (uint8_t)((rng >> 33) % SHARDS);
        }
        char after[8] = "";
        int seen = 0;
        for (int page = 0; page <= DOMAINS && seen < DOMAINS; page++) {
            struct skn_buf parts, json;
            skn_buf_init(&parts, 1 << 20);
            skn_buf_init(&json, 1 << 20);
            for (int shard = 0; shard < SHARDS; shard++) {
                const char *mine[DOMAINS + 1] = {NULL}, *last = NULL;
                uint32_t n = 0;
                for (int i = 0; i < DOMAINS && !last; i++) {
                    if (shard_of[i] != shard || strcmp(sorted[i], after) <= 0) continue;
                    if (n == limit) last = mine[n - 1];
                    if (n < limit) mine[n++] = sorted[i];
                }
                put_part(&parts, mine, last);
            }
            domain_merge(skn_buf_slice(&parts), limit, &json);
            const char *text = skn_buf_str(&json) + strlen("{\"domains\":[");
            for (; *text == '"' || *text == ','; text++) {
                if (*text == ',') continue;
                assert_memory_equal(text + 1, sorted[seen], 3);
                seen++;
                text += 4;
            }
            const char *next = strstr(skn_buf_str(&json), "\"next\":\"");
            if (next) (void)snprintf(after, sizeof after, "%.3s", next + 8);
            if (!next) assert_int_equal(seen, DOMAINS);
            skn_buf_fini(&parts);
            skn_buf_fini(&json);
        }
        assert_int_equal(seen, DOMAINS);
    }
}

static void a_key_is_text_or_whole_bytes_of_hex(void **state)
{
    (void)state;
    struct skn_buf out;
    skn_buf_init(&out, SKN_PRIVATE_KEY_MAX + 1);
    assert_int_equal(domain_key(SKN_LIT("sum"), &out, NULL), SKN_OK);
    assert_true(skn_slice_eq(skn_buf_slice(&out), SKN_LIT("sum")));
    assert_int_equal(domain_key(SKN_LIT("0x00fFAb"), &out, NULL), SKN_OK);
    assert_true(skn_slice_eq(skn_buf_slice(&out), SKN_LIT("\0\xff\xab")));
    assert_int_equal(domain_key(SKN_LIT("0x"), &out, NULL), SKN_OK);
    assert_int_equal(out.len, 0);
    assert_int_equal(domain_key(SKN_LIT("0x0"), &out, NULL), SKN_EARGS);
    assert_int_equal(domain_key(SKN_LIT("0x0g"), &out, NULL), SKN_EARGS);
    static char text[2 * SKN_PRIVATE_KEY_MAX + 10];
    memset(text, 'a', sizeof text);
    assert_int_equal(domain_key(skn_slice(text, SKN_PRIVATE_KEY_MAX), &out, NULL), SKN_OK);
    assert_int_equal(domain_key(skn_slice(text, SKN_PRIVATE_KEY_MAX + 1), &out, NULL), SKN_EARGS);
    skn_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_put_in_order),
        cmocka_unit_test(nothing_behind_a_shard_that_stopped_is_shown),
        cmocka_unit_test(pages_miss_nothing_and_repeat_nothing),
        cmocka_unit_test(a_key_is_text_or_whole_bytes_of_hex),
    };
    return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
