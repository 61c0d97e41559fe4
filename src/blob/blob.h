/* blob.h - large contents as files that are named by what is in them [E45].
 *
 * Owns        a folder: one file per content, named by its SHA-256 in hex; temporary files while they
 *             are written.
 * May include base, env.
 * Threads     any; a writer belongs to whoever began it. That a content is not stored and removed at
 *             the same time is the caller's part (in the protocol of blobs, the one domain of a hash).
 * Invariants
 *   1. A file under the name of a hash has the whole content: it is written under a temporary name,
 *      synced, and renamed.
 *   2. What skn_blob_finish returned SKN_OK for survives a power cut, and so does what
 *      skn_blob_remove did: the folder is synced. Also where an older process, killed in between, had
 *      moved the name already: what is in the page cache only looks as if it were durable [E6].
 *   3. An opening removes temporary files, unless it is a guest's, and nothing else: whether a content is needed is not known
 *      here.
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/slice.h"
#include "env/env.h"

#define SKN_BLOB_BYTES_MAX ((uint64_t)4 << 30) /* of one content, when the options say nothing */

enum { SKN_BLOB_HASH_BYTES = 32, SKN_BLOB_HASH_TEXT = 65 /* in hex, with a NUL */ };

struct skn_blobs;

struct skn_blobs_options {
    struct skn_env *env; /* borrowed */
    const char *dir;     /* made when it is not there; its parent is */
    uint64_t bytes_max;  /* of one content; 0: SKN_BLOB_BYTES_MAX */
    bool is_read_only;   /* changes nothing; SKN_ENOENT where there is no folder */
    bool is_guest;       /* stores beside the owner of the folder: temporary files are left alone */
};

/* The caller has the lock of the data directory, or only reads, or is a guest: what that one writes is
 * lost when the owner opens again, and then finishing it says SKN_ENOENT. */
SKN_MUST_USE enum skn_rc skn_blobs_open(const struct skn_blobs_options *options,
                                        struct skn_blobs **out_blobs,
                                        struct skn_diag *diag);
/* NULL is fine. Its writers are ended before. */
void skn_blobs_close(struct skn_blobs *blobs);

/* --- storing ------------------------------------------------------------------------------------ */

struct skn_blob_writer;

SKN_MUST_USE enum skn_rc
skn_blob_begin(struct skn_blobs *blobs, struct skn_blob_writer **out_writer, struct skn_diag *diag);

/* Appends. SKN_ETOOLARGE: over the limit. After any failure the writer can only be abandoned [E7]. */
SKN_MUST_USE enum skn_rc
skn_blob_write(struct skn_blob_writer *writer, struct skn_slice bytes, struct skn_diag *diag);

/* All is written: says what it will be called, and stores nothing yet. Only finish or abandon follow. */
void skn_blob_seal(struct skn_blob_writer *writer,
                   uint8_t out_hash[SKN_BLOB_HASH_BYTES],
                   uint64_t *out_size);

/* Stores it and ends the writer, whatever it returns. A content that is there already is kept. */
SKN_MUST_USE enum skn_rc skn_blob_finish(struct skn_blob_writer *writer,
                                         uint8_t out_hash[SKN_BLOB_HASH_BYTES],
                                         uint64_t *out_size,
                                         struct skn_diag *diag);
/* Ends it, and what it wrote is gone. NULL is fine. */
void skn_blob_abandon(struct skn_blob_writer *writer);

/* All three for bytes in memory. */
SKN_MUST_USE enum skn_rc skn_blob_put(struct skn_blobs *blobs,
                                      struct skn_slice bytes,
                                      uint8_t out_hash[SKN_BLOB_HASH_BYTES],
                                      struct skn_diag *diag);

/* --- reading ------------------------------------------------------------------------------------ */

/* Opens a content for reading; the file is the caller's to close. SKN_ENOENT: it is not here. */
SKN_MUST_USE enum skn_rc skn_blob_open(struct skn_blobs *blobs,
                                       const uint8_t hash[SKN_BLOB_HASH_BYTES],
                                       struct skn_file **out_file,
                                       uint64_t *out_size,
                                       struct skn_diag *diag);

/* Whether the content is what its name says, by reading it. SKN_ECORRUPT names the file; SKN_ENOENT. */
SKN_MUST_USE enum skn_rc skn_blob_verify(struct skn_blobs *blobs,
                                         const uint8_t hash[SKN_BLOB_HASH_BYTES],
                                         struct skn_diag *diag);

/* Called per content, in any order; not SKN_OK ends the listing. Names that are none of ours are
 * passed over. */
typedef enum skn_rc (*skn_blob_fn)(void *ctx, const uint8_t hash[SKN_BLOB_HASH_BYTES]);
SKN_MUST_USE enum skn_rc
skn_blobs_list(struct skn_blobs *blobs, skn_blob_fn fn, void *ctx, struct skn_diag *diag);

/* The first `max` contents in the order of their hashes, behind `after` (NULL: from the first), appended to
 * `out`, which has room for twice as many. `out_has_more`: there are others behind them. Reads the whole
 * folder each time. */
SKN_MUST_USE enum skn_rc skn_blobs_page(struct skn_blobs *blobs,
                                        const uint8_t *after,
                                        size_t max,
                                        struct skn_buf *out,
                                        bool *out_has_more,
                                        struct skn_diag *diag);

/* --- removing, copying ---------------------------------------------------------------------------- */

/* SKN_OK when it is gone, or was: removing is repeated after a crash. */
SKN_MUST_USE enum skn_rc skn_blob_remove(struct skn_blobs *blobs,
                                         const uint8_t hash[SKN_BLOB_HASH_BYTES],
                                         struct skn_diag *diag);

/* Stores a content of `from` in `to`, checked on the way: SKN_ECORRUPT when it is not what its name
 * says, and nothing is stored. For backups. */
SKN_MUST_USE enum skn_rc skn_blob_copy(struct skn_blobs *from,
                                       struct skn_blobs *to,
                                       const uint8_t hash[SKN_BLOB_HASH_BYTES],
                                       struct skn_diag *diag);

/* --- names ---------------------------------------------------------------------------------------- */

void skn_blob_hash_text(const uint8_t hash[SKN_BLOB_HASH_BYTES], char out[SKN_BLOB_HASH_TEXT]);
/* False: it is not 64 digits of lower-case hex. */
bool skn_blob_hash_read(struct skn_slice text, uint8_t out[SKN_BLOB_HASH_BYTES]);
void skn_blob_hash_of(struct skn_slice bytes, uint8_t out[SKN_BLOB_HASH_BYTES]);
