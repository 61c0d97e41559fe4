/* maker.c - a segment on its way: filled with zeros under a temporary name [E1]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/maker_internal.h"

#include "base/mem.h"

#include <string.h>

static const char unfinished[] = "next.tmp";

/* Through the aligned buffer, which is all zeros again afterwards. */
static enum skn_rc put(struct skn_jf_maker *maker, struct skn_slice bytes, struct skn_diag *diag)
{
    enum skn_rc rc = SKN_OK;
    while (rc == SKN_OK && bytes.len > 0) {
        size_t n = bytes.len < SKN_JF_STEP_BYTES ? bytes.len : SKN_JF_STEP_BYTES;
        memcpy(maker->buffer, bytes.ptr, n);
        rc = skn_file_pwrite(maker->file, maker->written, maker->buffer, n, diag);
        memset(maker->buffer, 0, n);
        maker->written += n;
        bytes = skn_slice_from(bytes, n);
    }
    return rc;
}

/* A new file, or an old one at most as long as the segment. */
static enum skn_rc open_file(struct skn_jf_maker *maker,
                             struct skn_env *env,
                             const char *dir,
                             const char *old,
                             struct skn_diag *diag)
{
    enum skn_rc rc = SKN_OK;
    uint64_t size = 0;
    if (old) rc = skn_jf_rename(env, dir, old, unfinished, diag);
    if (rc == SKN_OK) rc = skn_jf_open(env, dir, unfinished, SKN_OPEN_DIRECT, &maker->file, diag);
    /* What an earlier attempt left there must not shine through; an old file is written over. */
    if (rc == SKN_OK && !old) return skn_file_truncate(maker->file, 0, diag);
    if (rc == SKN_OK) rc = skn_file_size(maker->file, &size, diag);
    if (rc == SKN_OK && size > maker->head.length)
        rc = skn_file_truncate(maker->file, maker->head.length, diag);
    return rc;
}

enum skn_rc skn_jf_maker_begin(struct skn_jf_maker *maker,
                               struct skn_env *env,
                               const char *dir,
                               const struct skn_jf_segment *head,
                               struct skn_slice first,
                               const char *old,
                               struct skn_diag *diag)
{
    SKN_ASSERT(!maker->file && first.len % SKN_JF_BLOCK == 0);
    SKN_ASSERT(head->length >= SKN_JF_BLOCK + first.len);
    *maker = (struct skn_jf_maker){.head = *head};
    maker->memory = skn_alloc_zero(1, SKN_JF_STEP_BYTES + SKN_DIRECT_BYTES);
    maker->buffer =
        maker->memory + (SKN_DIRECT_BYTES - (uintptr_t)maker->memory % SKN_DIRECT_BYTES);
    uint8_t block[SKN_JF_BLOCK];
    skn_jf_put_segment(head, block);
    enum skn_rc rc = open_file(maker, env, dir, old, diag);
    if (rc == SKN_OK) rc = put(maker, skn_slice(block, sizeof block), diag);
    if (rc == SKN_OK) rc = put(maker, first, diag);
    if (rc != SKN_OK) skn_jf_maker_drop(maker);
    return rc;
}

bool skn_jf_maker_is_full(const struct skn_jf_maker *maker)
{
    return maker->written == maker->head.length;
}

enum skn_rc skn_jf_maker_step(struct skn_jf_maker *maker, struct skn_diag *diag)
{
    uint64_t n = maker->head.length - maker->written;
    if (n > SKN_JF_STEP_BYTES) n = SKN_JF_STEP_BYTES;
    if (n == 0) return SKN_OK;
    enum skn_rc rc = skn_file_pwrite(maker->file, maker->written, maker->buffer, (size_t)n, diag);
    if (rc == SKN_OK) maker->written += n;
    return rc;
}

enum skn_rc skn_jf_maker_finish(struct skn_jf_maker *maker,
                                struct skn_env *env,
                                const char *dir,
                                bool skip_sync,
                                struct skn_file **out_file,
                                struct skn_diag *diag)
{
    SKN_ASSERT(maker->file && skn_jf_maker_is_full(maker));
    uint64_t number = maker->head.number;
    char name[SKN_JF_NAME_BYTES];
    skn_jf_segment_name(number, name);
    enum skn_rc rc = skip_sync ? SKN_OK : skn_file_sync(maker->file, diag);
    skn_jf_maker_drop(maker);
    if (rc == SKN_OK) rc = skn_jf_rename(env, dir, unfinished, name, diag);
    if (rc == SKN_OK) rc = skn_jf_open_segment(env, dir, number, SKN_OPEN_WRITE, out_file, diag);
    return rc;
}

void skn_jf_maker_drop(struct skn_jf_maker *maker)
{
    skn_file_close(maker->file);
    skn_free(maker->memory);
    *maker = (struct skn_jf_maker){0};
}

void skn_jf_maker_remove(struct skn_env *env, const char *dir)
{
    enum skn_rc rc = skn_jf_remove(env, dir, unfinished, NULL);
    (void)rc; /* what is left there goes at the next opening */
}
