/* secret_internal.h - secrets: sealed where a batch is born, plain where a program reads [E46].
 *
 * Owns        nothing.
 * May include base, value, seal.
 * Threads     the one that owns the shard.
 * Invariants
 *   1. No byte of a batch, of a record or of an answer comes from inside a secret unless it is
 *      sealed. Plain ones are in the memory of a slice, in requests and results that wait, and in
 *      the output that performs an intent.
 *   2. What is sealed with depends on rows alone: the row of the sealing key (reseal.c) and the key
 *      of the row that is written. A message moves from row to row with its bytes unchanged, so it is
 *      sealed for what names it, which moves along: receiver, sender, stamp, number, attempt.
 */
#pragma once

#include "core/core.h"
#include "core/rows_internal.h"

struct skn_dom;

/* What the row of the sealing key says. */
struct skn_seal_state {
    uint64_t id; /* of the key that seals; 0: there is no row */
    uint64_t
        done_stamp; /* of the batch behind which no row names another key; 0: the first one seals */
    bool is_rotating;
    struct skn_key at; /* the rewriting goes on here; empty: at the beginning */
};

struct skn_secrets {
    const struct skn_keyring *ring; /* borrowed; NULL: no keys */
    struct skn_sealer *sealer;
    struct skn_seal_state state;
    bool is_owed;          /* no row names a key, and there is one */
    bool wants_rotation;   /* somebody asked for it */
    bool lacks_key;        /* the rewriting met a row whose key is not there */
    uint64_t again_ms;     /* when it looks again; 0: now */
    uint64_t pin;          /* while the rewriting waits for rows [E13]; 0: none */
    uint64_t keyless;      /* domains that wait for a key */
    uint64_t keyless_seen; /* since opening, refused requests too */
};

/* --- secret.c --------------------------------------------------------------------------------------- */

/* Whether what is in a row of a program's own is a value with sealed parts. Bytes that are no value
 * may begin with the mark, too; what only the core seals can be no others. */
static inline bool skn_secret_is_row(struct skn_slice bytes)
{
    struct skn_value v;
    return skn_stored_is_sealed(bytes) && skn_stored_check(bytes, &v, NULL) == SKN_OK;
}

/* Whether the key that seals is there. SKN_ENOKEY. */
SKN_MUST_USE enum skn_rc skn_secret_check_key(const struct skn_core *core, struct skn_diag *diag);
/* What is stored of a value, in the slice's arena. False: it stuck. */
bool skn_secret_seal(struct skn_cx *cx,
                     struct skn_slice context,
                     struct skn_value v,
                     struct skn_slice *out_stored);
/* The encoding of what is stored behind a mark, likewise. */
bool skn_secret_open(struct skn_cx *cx,
                     struct skn_slice context,
                     struct skn_slice stored,
                     struct skn_slice *out_plain);
/* The payload of a message for, or of, the domain `target`; one without secrets is left alone. */
bool skn_secret_seal_message(struct skn_cx *cx,
                             struct skn_slice target,
                             struct skn_message *message);
/* By another key of the ring than the one that seals now. */
bool skn_secret_seal_message_by(struct skn_cx *cx,
                                uint64_t id,
                                struct skn_slice target,
                                struct skn_message *message);
bool skn_secret_open_message(struct skn_cx *cx,
                             struct skn_slice target,
                             struct skn_message *message);
/* An encoded message, sealed again under the key that seals now; its own bytes where that did it, or
 * something stuck. */
struct skn_slice skn_secret_renew_message(struct skn_cx *cx,
                                          struct skn_slice target,
                                          const struct skn_message *message,
                                          struct skn_slice bytes);
/* A value that leaves: nothing of its secrets but that they are there. */
struct skn_value skn_secret_mask(struct skn_cx *cx, struct skn_value v);
/* The domain has rows with sealed parts: the row by which they are found. */
void skn_secret_note_domain(struct skn_cx *cx, struct skn_slice address);
/* A domain cannot go on without a key: its requests are refused, the rest waits. */
void skn_secret_rest(struct skn_core *core, struct skn_dom *dom, const struct skn_diag *why);

/* --- reseal.c ------------------------------------------------------------------------------------------ */

void skn_seal_state_encode(const struct skn_seal_state *state, struct skn_buf *out);
SKN_MUST_USE enum skn_rc
skn_seal_state_decode(struct skn_slice bytes, struct skn_seal_state *out, struct skn_diag *diag);
/* From its row, or nothing. */
SKN_MUST_USE enum skn_rc skn_seal_state_read(struct skn_core *core, struct skn_diag *diag);
/* At an opening: what is owed. */
void skn_secrets_open(struct skn_core *core);
void skn_secrets_put_owed(struct skn_core *core, struct skn_buf *batch);
/* Rewrites some rows under the key that seals now. SKN_ENOENT: nothing to do. */
SKN_MUST_USE enum skn_rc skn_reseal_turn(struct skn_core *core,
                                         uint64_t now_ms,
                                         struct skn_record *out_record,
                                         struct skn_diag *diag);
/* A message came from another shard: sealed by a key that seals no more, it begins the rewriting anew.
 * Then, that its batch was committed. */
void skn_reseal_note(struct skn_cx *cx, const struct skn_message *message);
void skn_reseal_noted(struct skn_core *core, const struct skn_cx *cx);
uint64_t skn_reseal_due_ms(const struct skn_core *core);
/* Makes the batch of such a record again (P4): core->batch[0]. */
SKN_MUST_USE enum skn_rc
skn_reseal_again(struct skn_core *core, const struct skn_record *record, struct skn_diag *diag);
