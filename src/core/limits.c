/* limits.c - the table of limits, and the version of those that are set. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "core/limits.h"

#include "base/buf.h"
#include "base/bug.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/pure.h"

/* Of the defaults: raise it when one that is an input of a batch changes, or what a limit means (P4). */
enum { LIMITS_VERSION = 3 };
static const uint32_t set_bit = UINT32_C(1) << 31;

static const struct skn_limit_info infos[] = {
#define INFO(name, type, otherwise, least, most, unit, is_input, what, then) \
    {#name, otherwise, least, most, SKN_LIMIT_##unit, is_input, what, then},
    SKN_LIMITS_MAP(INFO)
#undef INFO
};

#define CHECK(name, type, otherwise, least, most, unit, is_input, what, then)             \
    static_assert((least) > 0 && (otherwise) >= (least) && (otherwise) <= (most), #name); \
    static_assert((type)(most) == (most), #name " has room for the most");
SKN_LIMITS_MAP(CHECK)
#undef CHECK

const struct skn_limit_info *skn_limit_infos(size_t *out_count)
{
    *out_count = SKN_ARRAY_LEN(infos);
    return infos;
}

uint64_t skn_limit_get(const struct skn_core_limits *limits, size_t place)
{
    size_t at = 0;
#define GET(name, type, otherwise, least, most, unit, is_input, what, then) \
    if (at++ == place) return limits->name;
    SKN_LIMITS_MAP(GET)
#undef GET
    SKN_ASSERT(place < at);
    return 0;
}

void skn_limit_set(struct skn_core_limits *limits, size_t place, uint64_t n)
{
    size_t at = 0;
    SKN_ASSERT(place < SKN_ARRAY_LEN(infos));
    SKN_ASSERT(n <= infos[place].most);
#define SET(name, type, otherwise, least, most, unit, is_input, what, then) \
    if (at++ == place) limits->name = (type)n;
    SKN_LIMITS_MAP(SET)
#undef SET
}

const char *skn_limit_print(enum skn_limit_unit unit, uint64_t n, char out[SKN_LIMIT_TEXT_MAX])
{
    static const struct {
        enum skn_limit_unit unit;
        uint64_t size;
        const char *name;
    } names[] = {{SKN_LIMIT_BYTES, UINT64_C(1) << 30, "GiB"},
                 {SKN_LIMIT_BYTES, 1 << 20, "MiB"},
                 {SKN_LIMIT_BYTES, 1 << 10, "KiB"},
                 {SKN_LIMIT_MS, 24 * 60 * 60 * 1000, "d"},
                 {SKN_LIMIT_MS, 60 * 60 * 1000, "h"},
                 {SKN_LIMIT_MS, 60 * 1000, "m"},
                 {SKN_LIMIT_MS, 1000, "s"},
                 {SKN_LIMIT_MS, 1, "ms"}};
    uint64_t size = 1;
    const char *name = "";
    for (size_t i = 0; i < SKN_ARRAY_LEN(names) && name[0] == 0; i++) {
        if (names[i].unit != unit || n < names[i].size || n % names[i].size != 0) continue;
        size = names[i].size;
        name = names[i].name;
    }
    (void)snprintf(out, SKN_LIMIT_TEXT_MAX, "%" PRIu64 "%s", n / size, name);
    return out;
}

struct skn_core_limits skn_limits_whole(const struct skn_core_limits *limits)
{
    struct skn_core_limits whole = *limits;
    for (size_t i = 0; i < SKN_ARRAY_LEN(infos); i++) {
        uint64_t n = skn_limit_get(limits, i);
        if (n == 0) n = infos[i].otherwise;
        skn_limit_set(&whole, i, n < infos[i].most ? n : infos[i].most);
    }
    return whole;
}

/* Each limit that a batch depends on stands in it by its name: so one more in the table changes the
 * version of none that were set before. */
uint32_t skn_limits_version(const struct skn_core_limits *whole)
{
    struct skn_buf set;
    bool is_set = false;
    skn_buf_init(&set, 1 << 16);
    skn_buf_put_le32(&set, LIMITS_VERSION);
    for (size_t i = 0; i < SKN_ARRAY_LEN(infos); i++) {
        uint64_t n = skn_limit_get(whole, i);
        if (!infos[i].is_input || n == infos[i].otherwise) continue;
        skn_buf_put_block(&set, skn_slice_str(infos[i].name));
        skn_buf_put_le64(&set, n);
        is_set = true;
    }
    SKN_ASSERT(skn_buf_rc(&set) == SKN_OK);
    uint64_t hash = skn_row_hash(SKN_LIT("limits"), skn_buf_slice(&set)).lo;
    skn_buf_fini(&set);
    if (skn_bug(SKN_BUG_LIMITS_NOT_NAMED)) is_set = false;
    return is_set ? (uint32_t)hash | set_bit : (uint32_t)LIMITS_VERSION;
}
