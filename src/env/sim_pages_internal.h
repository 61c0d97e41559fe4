/* sim_pages_internal.h - the bytes of a simulated file, in pages that several may share.
 *
 * What is read, what is durable and each write between them are mostly the same bytes, and most
 * bytes of a journal are zeros: a page is copied when one of those that share it is changed, and one
 * of zeros is none at all.
 *
 * Owns        a reference to each page.
 * May include base.
 * Threads     none.
 * Invariants
 *   1. A page that is shared never changes.
 *   2. Behind the end of a file its last page has zeros only.
 */
#pragma once

#include "base/base.h"

enum { SIM_BLOCK = 4096 };

struct sim_page;

struct sim_bytes {
    struct sim_page **pages; /* NULL: all zeros */
    size_t count;            /* of pages */
    uint64_t len;
};

void sim_bytes_fini(struct sim_bytes *bytes);

/* What is new is zeros. */
void sim_bytes_resize(struct sim_bytes *bytes, uint64_t len);
/* Longer where it has to be. */
void sim_bytes_write(struct sim_bytes *bytes, uint64_t offset, const void *ptr, uint64_t len);
/* All of it is there. */
void sim_bytes_read(const struct sim_bytes *bytes, uint64_t offset, void *out, uint64_t len);

/* All of `from` in place of all of `to`. */
void sim_bytes_share(struct sim_bytes *to, const struct sim_bytes *from);
/* The pages of `from` with these bytes, and zeros in front of them, to an empty one. */
void sim_bytes_share_range(struct sim_bytes *to,
                           const struct sim_bytes *from,
                           uint64_t offset,
                           uint64_t len);
/* Writes what stands in `from` at the same place. */
void sim_bytes_copy_range(struct sim_bytes *to,
                          const struct sim_bytes *from,
                          uint64_t offset,
                          uint64_t len);
