/* blob_internal.h - which rows name a content, how that is counted, and when its file may go [E45].
 *
 * Owns        what a row names; the index of it; the leases; the messages between a shard and the domain
 *             of a hash; the rows of both.
 * May include base, value.
 * Threads     the one that owns the shard.
 * Invariants
 *   1. A row names the hashes of the blobs (value.h) in it, by its bytes alone: a row of a program that
 *      is one value, the payload of a message wherever it is (mailbox, waiting, outbox, dead letter),
 *      the effect of an intent, the answer of a request id. For each there is an index row in the same
 *      batch, so the debug check and `skein verify` of indexes hold for these, too.
 *   2. The domain "blob:Blob/HASH" counts shards, not rows: the batch with the first naming row of a
 *      shard sends "ref", the one that deletes the last sends "unref". Both are messages of the shard's
 *      domain "blob:Leases/N.k", whose address belongs to shard N by its k; so they come once and in
 *      order, and no program can send them.
 *   3. A batch that sends "ref" writes a lease row, which goes when the domain's "leased" names its
 *      ticket. So a shard that names a hash has a lease, or the domain has it among its holders.
 *   4. A content goes only when nobody held it for the time `blob_condemned_ms` in which the node ran,
 *      and every shard was asked afterwards and has neither lease nor name, and no "ref" or "begin" came
 *      meanwhile. Its removal is an intent; until its result, "ref" waits and "begin" is told BUSY.
 *
 *                 begin                     ref, pin               last holder, unpin
 *      (none) -------------> CONDEMNED --------------> LIVE -----------------------------> CONDEMNED
 *             ---- ref ----------------------------->
 *   CONDEMNED -- its time is over --> ASKING -- all are free --> GONE -- result --> (none), or LIVE
 *                <-- held, begin --          -- ref, pin --> LIVE                   when refs waited
 *
 * Storing a content is: "begin", the file, "stored". Begin starts the time anew, so whoever stores has
 * that long; "stored" names the life of the domain that begin found, and is refused in another one.
 *
 * Messages, each a list of ints:
 *   ref      ticket, size      the shard names it; the ticket is the stamp of the batch
 *   unref    ticket            it does no more
 *   leased   ticket            to the shard: the ref is counted
 *   ask      round             to all shards
 *   free     round             from one that has neither lease nor name
 *   held     round             from one that has
 * Requests: "begin" [], "stored" [born, size], "pin" [], "unpin" [], "get" [], answered with
 *   {state, pinned, stored, size, born, holders}.
 *
 * Rows of a shard:
 *   01 31 00 hash:32 key      names       empty          with the row that has the key
 *   01 32 00 hash:32          lease       ticket:8       its answer
 * Rows of "blob:Blob/HASH":
 *   "c"                       level:1 state:1 flags:1 (1 pinned, 2 stored) holders:4 waiting:4 size:8
 *                             born:8 ticks:4 timer:8 epoch:8 round:8 missing:4      with the domain
 *   "h" shard:4               a holder: ticket:8                                      unref
 *   "w" shard:4               a ref that waits: ticket:8                              the result, unref
 */
#pragma once

#include "core/rows_internal.h"

#define SKN_BLOB_SCOPE  "blob:"
#define SKN_BLOB_DOMAIN "blob:Blob/"
#define SKN_BLOB_LEASES "blob:Leases/"

enum { SKN_BLOB_TICKS = 96 /* parts of the time of a condemned one */ };

extern const struct skn_program skn_blob_program, skn_leases_program;

/* A domain of the scope of blobs; which of the two programs it has, NULL: none. */
bool skn_blob_is(struct skn_slice address);
const struct skn_program *skn_blob_program_of(struct skn_slice address);

/* --- names ---------------------------------------------------------------------------------------- */

/* Called with each hash that a row names, maybe more than once. */
typedef void (*skn_blob_name_fn)(void *ctx, struct skn_slice hash, uint64_t size);
void skn_blob_names(struct skn_slice key, struct skn_slice value, skn_blob_name_fn fn, void *ctx);

/* The index row of a naming row. */
void skn_key_name(struct skn_key *key, struct skn_slice hash, struct skn_slice row);

/* The end of a slice, and of every other batch: what rows came to name and ceased to becomes index rows,
 * leases and messages. */
void skn_names_finish(struct skn_cx *cx);
/* The batch was committed. */
void skn_names_committed(struct skn_core *core, const struct skn_cx *cx);
/* Whether some row of the shard names a hash, by its rows. */
SKN_MUST_USE enum skn_rc skn_names_open(struct skn_core *core, struct skn_diag *diag);

/* --- what is sent ----------------------------------------------------------------------------------- */

struct skn_blob_note {
    uint64_t number; /* ticket or round */
    uint64_t size;
};
bool skn_blob_note_read(struct skn_value payload, struct skn_blob_note *out);
/* From `sender`, which is the domain of the slice or the shard's leases. */
void skn_blob_tell(struct skn_cx *cx,
                   struct skn_slice sender,
                   struct skn_slice to,
                   const char *name,
                   const uint64_t *numbers,
                   size_t count);
/* The domain of the leases of a shard, in the arena. */
struct skn_slice skn_blob_leases(struct skn_arena *arena, uint32_t shard, uint32_t shards);
/* The shard that has it; false: the address is no such one. */
bool skn_blob_leases_shard(struct skn_slice address, uint32_t shards, uint32_t *out_shard);
struct skn_slice skn_blob_domain(struct skn_arena *arena, struct skn_slice hash);
/* The 32 bytes in the address of a domain of a hash. False: it is none. */
bool skn_blob_hash_in(struct skn_slice address, uint8_t out[SKN_VALUE_HASH_BYTES]);
