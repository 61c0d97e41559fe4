/* suggest.c - nearest names by the optimal string alignment distance (Damerau 1964, adjacent swaps
 * once), on names short enough to be typed. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "lang/kit/suggest.h"

#include <string.h>

#include "base/pure.h" /* last */

enum { NAME_MAX_BYTES = 64 }; /* longer names are not typing errors */

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t distance(struct skn_slice a, struct skn_slice b)
{
    uint32_t rows[3][NAME_MAX_BYTES + 1];
    for (uint32_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (uint32_t i = 1; i <= a.len; i++) {
        uint32_t *now = rows[i % 3];
        const uint32_t *before = rows[(i + 2) % 3];
        const uint32_t *swap = rows[(i + 1) % 3];
        now[0] = i;
        for (uint32_t j = 1; j <= b.len; j++) {
            uint8_t x = lower(a.ptr[i - 1]);
            uint8_t y = lower(b.ptr[j - 1]);
            now[j] = least(least(before[j], now[j - 1]) + 1, before[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b.ptr[j - 2]) && y == lower(a.ptr[i - 2]))
                now[j] = least(now[j], swap[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

void skn_suggest_init(struct skn_suggest *suggest, struct skn_slice wanted)
{
    uint32_t most = (uint32_t)(wanted.len / 3);
    *suggest = (struct skn_suggest){.wanted = wanted, .distance = (most > 0 ? most : 1) + 1};
}

void skn_suggest_offer(struct skn_suggest *suggest, struct skn_slice candidate)
{
    if (suggest->wanted.len == 0 || suggest->wanted.len > NAME_MAX_BYTES) return;
    if (candidate.len == 0 || candidate.len > NAME_MAX_BYTES) return;
    uint32_t d = distance(suggest->wanted, candidate);
    if (d >= suggest->distance || d >= candidate.len) return;
    suggest->distance = d;
    suggest->best = candidate;
}

struct skn_slice skn_suggest_among(struct skn_slice wanted, const char *const *names, size_t count)
{
    struct skn_suggest suggest;
    skn_suggest_init(&suggest, wanted);
    for (size_t i = 0; i < count; i++)
        skn_suggest_offer(&suggest, skn_slice_str(names[i]));
    return suggest.best;
}
