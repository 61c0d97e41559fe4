/* look.h - what is stored, for whoever only looks: a domain's mail, timers, intents and dead letters,
 * and what a record of the journal says.
 *
 * Owns        nothing.
 * May include base, value, journal, store.
 * Threads     the one that owns the store.
 * Invariants
 *   1. Nothing here changes a row, and no bytes are believed before they are decoded.
 *   2. Slices given back point into the store and live until its next apply, or into the record.
 */
#pragma once

#include "core/core.h"

/* --- a domain --------------------------------------------------------------------------------- */

struct skn_look_domain {
    bool is_faulted;
    uint32_t faults;                /* in a row */
    uint32_t dead;                  /* dead letters */
    uint64_t mail;                  /* messages in its mailbox, in all lanes */
    uint64_t waiting;               /* for room in it [E30] */
    uint32_t lanes[SKN_PRIORITIES]; /* mail by priority */
};

/* SKN_ENOENT: there is no such domain. */
SKN_MUST_USE enum skn_rc skn_look_domain(struct skn_store *store,
                                         struct skn_slice address,
                                         struct skn_look_domain *out,
                                         struct skn_diag *diag);

/* A content as its domain has it [E45]. SKN_ENOENT: the address is of none, or it has no rows. */
struct skn_look_blob {
    uint8_t hash[SKN_VALUE_HASH_BYTES];
    const char *state; /* "live", "condemned", "asking", "gone" */
    bool is_condemned; /* nobody holds it; also while shards are asked */
    bool is_going;     /* its file is being removed, and may be gone */
    bool is_pinned, is_stored;
    uint32_t holders; /* shards in which rows name it */
    uint32_t ticks;   /* condemned: how much of its time is over, of SKN_BLOB_TICKS */
    uint64_t size;
};
SKN_MUST_USE enum skn_rc skn_look_blob(struct skn_store *store,
                                       struct skn_slice address,
                                       struct skn_look_blob *out,
                                       struct skn_diag *diag);

/* The next hash of which a row of the shard is the first that names it, behind `after` (NULL: any), with
 * whether the domain of the hash has yet to say that it counts. SKN_ENOENT. */
SKN_MUST_USE enum skn_rc skn_look_next_name(struct skn_store *store,
                                            const uint8_t *after,
                                            uint8_t out_hash[SKN_VALUE_HASH_BYTES],
                                            bool *out_is_leased,
                                            struct skn_diag *diag);
/* The next row of the shard that names the content, behind `last`, which is empty at first and keeps
 * where it stands; its key. SKN_ENOENT. */
SKN_MUST_USE enum skn_rc skn_look_next_naming(struct skn_store *store,
                                              const uint8_t hash[SKN_VALUE_HASH_BYTES],
                                              struct skn_buf *last,
                                              struct skn_slice *out_row,
                                              struct skn_diag *diag);
/* The shard is a holder of the content: its domain, whose rows are in `store`, counts it. */
SKN_MUST_USE enum skn_rc skn_look_holds(struct skn_store *store,
                                        const uint8_t hash[SKN_VALUE_HASH_BYTES],
                                        uint32_t shard,
                                        struct skn_diag *diag);
/* The address of the domain of a content, with a NUL. */
enum { SKN_BLOB_ADDRESS_SIZE = 80 };
void skn_look_blob_address(const uint8_t hash[SKN_VALUE_HASH_BYTES],
                           char out[SKN_BLOB_ADDRESS_SIZE]);

/* The first domain whose address is >= `from`, or > it; SKN_ENOENT. Its address, borrowed. */
SKN_MUST_USE enum skn_rc skn_look_next_domain(struct skn_store *store,
                                              struct skn_slice from,
                                              bool is_behind,
                                              struct skn_slice *out_address,
                                              struct skn_diag *diag);

/* Which of a domain's things; mail has a lane too. */
enum skn_look_kind { SKN_LOOK_MAIL, SKN_LOOK_TIMER, SKN_LOOK_INTENT, SKN_LOOK_DEAD };

struct skn_look_item {
    uint64_t number;
    struct skn_message message; /* mail, dead letter */
    enum skn_rc rc;             /* dead letter: why */
    struct skn_slice tag;       /* timer, intent */
    uint64_t due_ms;            /* timer */
    bool is_retry;              /* timer: before a further attempt of `intent` */
    uint64_t intent;
    bool is_waiting; /* intent: for its next attempt, or a place; else one runs */
    bool is_cancelled;
    uint32_t attempt, attempts_max, interruptions;
    uint64_t epoch; /* in which the attempt was started */
    uint8_t key[SKN_KEY_BYTES];
    struct skn_value effect;
};

/* The first one with a number >= `from`; SKN_ENOENT. `lane` counts for mail only. */
SKN_MUST_USE enum skn_rc skn_look_next(struct skn_store *store,
                                       struct skn_slice address,
                                       enum skn_look_kind kind,
                                       enum skn_priority lane,
                                       uint64_t from,
                                       struct skn_look_item *out,
                                       struct skn_diag *diag);

/* --- keys and records -------------------------------------------------------------------------- */

enum skn_key_kind {
    SKN_KEY_OTHER, /* of the shard itself, or of a kind that has no name here */
    SKN_KEY_META,
    SKN_KEY_OWN,
    SKN_KEY_MAIL,
    SKN_KEY_TIMER,
    SKN_KEY_INTENT,
    SKN_KEY_DEAD,
    SKN_KEY_CALL,
    SKN_KEY_REQUEST,
    SKN_KEY_WAITING, /* mail that waits for room; the address is the receiver's */
    SKN_KEY_OUTBOX,  /* mail for another shard; its value has the address */
};

/* What a whole key is of; the members that its kind has. */
struct skn_key_info {
    enum skn_key_kind kind;
    struct skn_slice address;
    struct skn_slice own;   /* own row: the key as the program knows it */
    uint64_t number;        /* mail, timer, intent, dead letter, call, waiting, outbox */
    enum skn_priority lane; /* mail, waiting, outbox; SKN_PRIORITIES: answers of calls */
};
void skn_key_read(struct skn_slice key, struct skn_key_info *out);

/* The domain whose message it was. False: the record is the shard's own. */
bool skn_look_handler(const struct skn_record *record, struct skn_slice *out_address);

/* The message of a record. SKN_ENOENT: it was mail or a dead letter that was handed over again, and
 * `out_mail` is its key; its bytes are in the record that put that row. SKN_ECORRUPT: neither, such as the record of an opening. */
SKN_MUST_USE enum skn_rc skn_look_message(const struct skn_record *record,
                                          struct skn_message *out_message,
                                          struct skn_key_info *out_mail);
/* The same of the bytes of a row under such a key. */
SKN_MUST_USE enum skn_rc skn_look_mail(enum skn_key_kind kind,
                                       struct skn_slice value,
                                       struct skn_message *out_message,
                                       struct skn_diag *diag);

const char *skn_message_kind_name(enum skn_message_kind kind);
const char *skn_priority_name(enum skn_priority priority);
const char *skn_attempt_status_name(enum skn_attempt_status status);

/* A key as people write it: itself when it is text that does not begin with "0x", else 0x and hex. */
void skn_key_print(struct skn_slice key, struct skn_buf *out);

/* --- tracing ------------------------------------------------------------------------------------ */

/* From now on each message that the domain handles gives an output of kind SKN_OUTPUT_TRACE behind
 * its others, until it is switched off; none of it is stored. The value is a map:
 *   message  {kind, name, from, stamp, priority, number, attempt, status, reason}; what there is
 *   query    it changed nothing
 *   fault    {code, message}, or none
 *   reply    the name of its code, or none
 *   signals  [name, ..]
 *   and the members of skn_look_changes */
void skn_core_trace(struct skn_core *core, struct skn_slice address, bool on);

struct skn_builder;

/* Adds to an open map what a message is: kind, name, from, .. as above. */
void skn_look_build_message(struct skn_builder *b, const struct skn_message *message);

/* Adds to an open map what a batch changed, at most 100 of each, and with `_count` behind each name
 * how many there are:
 *   sent     [{to, name, priority}]
 *   timers   [{number, due}] set (due in milliseconds since 1970) or {number, gone: true}
 *   intents  [{number, attempt, waiting}] or {number, gone: true}
 *   dead     [{number, code}] or {number, gone: true}
 *   rows     [{key, size}] or {key, gone: true}: of `address` alone */
void skn_look_changes(struct skn_builder *b, struct skn_slice address, struct skn_slice batch);
