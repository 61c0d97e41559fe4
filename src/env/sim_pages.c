/* sim_pages.c - the bytes of a simulated file: pages copied when they are written. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "env/sim_pages_internal.h"

#include "base/mem.h"

#include <string.h>

struct sim_page {
    uint64_t refs;
    uint8_t bytes[SIM_BLOCK];
};

static void page_unref(struct sim_page *page)
{
    if (page && --page->refs == 0) skn_free(page);
}

static struct sim_page *page_ref(struct sim_page *page)
{
    if (page) page->refs++;
    return page;
}

/* The page, for who is about to write it. */
static uint8_t *page_own(struct sim_page **at)
{
    struct sim_page *page = *at;
    if (page && page->refs == 1) return page->bytes;
    *at = skn_alloc(sizeof **at);
    (*at)->refs = 1;
    if (page)
        memcpy((*at)->bytes, page->bytes, SIM_BLOCK);
    else
        memset((*at)->bytes, 0, SIM_BLOCK);
    page_unref(page);
    return (*at)->bytes;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* The part of a range, `len` bytes at `offset`, that lies in the page of its first byte. */
static size_t part_of(uint64_t offset, uint64_t len)
{
    uint64_t left = SIM_BLOCK - offset % SIM_BLOCK;
    return (size_t)(left < len ? left : len);
}

void sim_bytes_fini(struct sim_bytes *bytes)
{
    for (size_t i = 0; i < bytes->count; i++)
        page_unref(bytes->pages[i]);
    skn_free(bytes->pages);
    *bytes = (struct sim_bytes){0};
}

void sim_bytes_resize(struct sim_bytes *bytes, uint64_t len)
{
    size_t count = (size_t)((len + SIM_BLOCK - 1) / SIM_BLOCK);
    for (size_t i = count; i < bytes->count; i++)
        page_unref(bytes->pages[i]);
    if (count != bytes->count)
        bytes->pages = skn_realloc(bytes->pages, count * sizeof(struct sim_page *));
    for (size_t i = bytes->count; i < count; i++)
        bytes->pages[i] = NULL;
    bytes->count = count;
    size_t used = (size_t)(len % SIM_BLOCK);
    if (len < bytes->len && used > 0 && bytes->pages[count - 1])
        memset(page_own(&bytes->pages[count - 1]) + used, 0, SIM_BLOCK - used);
    bytes->len = len;
}

void sim_bytes_write(struct sim_bytes *bytes, uint64_t offset, const void *ptr, uint64_t len)
{
    const uint8_t *from = ptr;
    if (len == 0) return;
    if (offset + len > bytes->len) sim_bytes_resize(bytes, offset + len);
    while (len > 0) {
        struct sim_page **page = &bytes->pages[offset / SIM_BLOCK];
        size_t n = part_of(offset, len);
        if ((n == SIM_BLOCK || !*page) && is_zero(from, n)) {
            page_unref(*page);
            *page = NULL;
        } else {
            memcpy(page_own(page) + offset % SIM_BLOCK, from, n);
        }
        from += n;
        offset += n;
        len -= n;
    }
}

void sim_bytes_read(const struct sim_bytes *bytes, uint64_t offset, void *out, uint64_t len)
{
    uint8_t *to = out;
    SKN_ASSERT(offset + len <= bytes->len);
    while (len > 0) {
        const struct sim_page *page = bytes->pages[offset / SIM_BLOCK];
        size_t n = part_of(offset, len);
        if (page)
            memcpy(to, page->bytes + offset % SIM_BLOCK, n);
        else
            memset(to, 0, n);
        to += n;
        offset += n;
        len -= n;
    }
}

void sim_bytes_share(struct sim_bytes *to, const struct sim_bytes *from)
{
    sim_bytes_fini(to);
    sim_bytes_share_range(to, from, 0, from->len);
}

void sim_bytes_share_range(struct sim_bytes *to,
                           const struct sim_bytes *from,
                           uint64_t offset,
                           uint64_t len)
{
    SKN_ASSERT(to->count == 0 && offset + len <= from->len);
    sim_bytes_resize(to, offset + len);
    if (len == 0) return;
    for (size_t i = (size_t)(offset / SIM_BLOCK); i < to->count; i++)
        to->pages[i] = page_ref(from->pages[i]);
}

void sim_bytes_copy_range(struct sim_bytes *to,
                          const struct sim_bytes *from,
                          uint64_t offset,
                          uint64_t len)
{
    static const uint8_t zeros[SIM_BLOCK];
    if (len == 0) return;
    SKN_ASSERT(offset + len <= from->len);
    if (offset + len > to->len) sim_bytes_resize(to, offset + len);
    while (len > 0) {
        size_t n = part_of(offset, len), i = (size_t)(offset / SIM_BLOCK);
        struct sim_page *page = from->pages[i];
        if (n == SIM_BLOCK) {
            page_ref(page);
            page_unref(to->pages[i]);
            to->pages[i] = page;
        } else {
            const uint8_t *source = page ? page->bytes : zeros;
            sim_bytes_write(to, offset, source + offset % SIM_BLOCK, n);
        }
        offset += n;
        len -= n;
    }
}
