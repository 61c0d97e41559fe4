/* rows_internal.h - the keys and the bytes of every row that the core itself keeps.
 *
 * Owns        the stored forms below, at level 1; the row of a domain at level 2.
 * May include base, value, store.
 * Threads     any.
 *
 * Keys begin with one byte; numbers in keys are big-endian, so that key order is their order. What
 * is before the first zero byte names the table [store/backend]: a scan stays in one.
 *   01 01 00                            epoch         u64            nobody deletes it
 *   01 02 00                            store secret  32 bytes       nobody
 *   01 03 00 due:8 number:8 address     timer index   empty          firing or cancel
 *   01 04 00 address 00 lane:1 number:8 mailbox       message        the batch that handles it; lane 5
 *                                                     has answers of calls. How many a lane has, and the
 *                                                     next number, follow from its rows (box.c)
 *   01 05 00 address 00 number:8        intent        struct intent  its final result, or cancel
 *   01 06 00 target 00 caller 00 id     request id    struct answer  24 h after its answer
 *   01 07 00 caller                     ids of it     struct kept    with the last of them
 *   01 08 00 address                    domain index  empty          with the domain
 *   01 09 00 to:4 lane:1 number:8       outbox        target:block, message; in lane 5 a note
 *                                                     its acknowledgement
 *   01 0a 00 to:4 lane:1                acknowledged  u64, last number    nobody
 *   01 0b 00 from:4 lane:1              seen          u64, last number    nobody
 *   01 0c 00 target 00 lane:1 stamp:8 sender 00 number:8
 *                                       waits         message        the batch that takes it in
 *   01 0d 00 target 00 sender           counter       struct counter the batch that brings it to 0
 *   01 0e 00 target                     FAULTED while something waits for it   empty   redeliver
 *   01 0f 00 address                    busy          1 letters are handed over, 2 removed, 4 ranges of
 *                                                     rows are removed, 8 calls that a FAULTED one kept
 *                                                     are answered:1   when that is done
 *   01 10 00                            next sweep    hour:4         the sweep that leaves no answer
 *   01 20 00                            sealing key   struct sealing nobody
 *   01 21 00 address                    has sealed rows   empty      with the domain
 *   01 31 00 hash:32 key                names         empty          with the row that has the key, and
 *                                                     names the hash [blob_internal.h]
 *   01 32 00 hash:32                    lease         ticket:8       the answer of the hash's domain
 *   02 address 00 01                 domain         struct meta      domain removal
 *   02 address 00 02 number:8        timer          struct timer     firing or cancel
 *   02 address 00 03 number:8        dead letter    rc:4, message   redeliver or close
 *   02 address 00 03 number:8 01     payload of one over 512 KiB     value        with it
 *   02 address 00 04 number:8 key    exception       empty            the slice that comes past it
 *   02 address 00 05 number:8        range that went struct range    the slice that removes the last
 *   02 address 00 07 number:8        call           struct call      its answer, cancel, or the end of
 *                                                                    the domain
 *   02 address 00 08 number:8        kept call      struct kept_call its answer, cancel, or the end of
 *                                                                    the domain [keep.c]
 *   02 address 00 09 caller 00 number:8 called:8   kept: of which call   number:8   with it
 *   02 address 00 06 index:1 entry 00 01 key   declared index   empty   with the row [index_internal.h]
 *   02 address 00 10 key             the program's own rows          the program
 *
 * Values are fixed fields, little-endian; "block" is a u32 length and that many bytes.
 *   meta      level:1 flags:1 faults dead next_wait next_timer next_intent last_dead epoch
 *             lanes:1 (bit per lane in which messages wait) then for each: waiting
 *             (level 1, which is only read: for each lane mail waiting; mail is not believed)
 *             with flag 2: again_from again_to; 8: removal:1 removed_at removal_at;
 *             16: ranges next_range; 32: answers; 64: kept. Numbers without a size are varints: 7 bits a byte,
 *             low ones first, the high bit says that more follow, no zero byte at the end.
 *             flags: 1 FAULTED, 2 letters are handed over, 4 or closed, 8 it is being removed,
 *             16 it has ranges of rows that are gone, 32 it has timers or intents, 64 it keeps calls
 *   timer     level:1 kind:1 due:8 intent:8 tag:block
 *   intent    level:1 state:1 cancel:1 attempt:4 counted:4 interruptions:4 epoch:8 timer:8 key:16
 *             attempts:4 backoff:8 factor:4 max:8 tag:block effect:block
 *             with bit 80 of the state: key:block places:4 rate:4 burst:4 rate_ms:8 priority:1
 *             ticket:8 of its limiter [limiter_internal.h]
 *             with bit 40: jitter:4 only:block never:block ends_cut_off:1 of its policy
 *   call      level:1 depth:3 priority:1 (exclusive or that of normal) stamp:8 target:block tag:block
 *   kept_call level:1 depth:4 number:8 called:8 caller:block name:block tag:block
 *   answer    level:1 rc:4 hour:4 (since 1970) hash:16 text:block value:block
 *   kept      level:1 ids:8 bytes:8
 *   message   level:1 kind:1 priority:1 status:1 final:1 stamp:8 (number:8 attempt:4 epoch:8
 *             next_due:8 unless it is a request or was sent; of a call, its answer, its cancel
 *             number:8 depth:4 rc:4 called:8)
 *             sender:block name:block tag:block reason:block payload:block
 *             (the payload is a value, or a mark and one with sealed parts, as in a row; value.h)
 *   range     level:1 prefix:block at:block
 *   handled   message, then address:block caller:block id:block: what a record holds of a message
 *             that never was a row; the address is that of the domain that handled it
 *   counter   level:1 messages:4 bytes:8
 *   sealing   level:1 rotating:1 key id:8 done stamp:8 at:block (where the rewriting stands)
 *   note      level:1 kind:1 faulted:1 messages:4 bytes:8 (both signed) target:block sender:block
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "core/cx.h"

enum { SKN_ROW_LEVEL = 1, SKN_META_LEVEL = 2 };

/* A key being made; large enough for any of ours. */
struct skn_key {
    size_t len;
    uint8_t bytes[SKN_KEY_MAX];
};

static inline struct skn_slice skn_key_slice(const struct skn_key *key)
{
    return skn_slice(key->bytes, key->len);
}

void skn_key_epoch(struct skn_key *key);
void skn_key_secret(struct skn_key *key);
void skn_key_timer_index(struct skn_key *key,
                         uint64_t due_stamp,
                         uint64_t number,
                         struct skn_slice address);
void skn_key_mail(struct skn_key *key,
                  struct skn_slice address,
                  enum skn_priority lane,
                  uint64_t number);
void skn_key_mailbox(struct skn_key *key, struct skn_slice address); /* all of it */
void skn_key_mail_lane(struct skn_key *key, struct skn_slice address, enum skn_priority lane);
void skn_key_intent(struct skn_key *key, struct skn_slice address, uint64_t number);
void skn_key_call(struct skn_key *key, struct skn_slice address, uint64_t number);
/* A call that is kept, all of them, and what its caller's cancel finds it by. */
void skn_key_kept(struct skn_key *key, struct skn_slice address, uint64_t number);
void skn_key_kept_all(struct skn_key *key, struct skn_slice address);
void skn_key_kept_by(struct skn_key *key,
                     struct skn_slice address,
                     struct skn_slice caller,
                     uint64_t number,
                     uint64_t called);
void skn_key_calls(struct skn_key *key, struct skn_slice address);
void skn_key_intents(struct skn_key *key, struct skn_slice address);
void skn_key_request(struct skn_key *key,
                     struct skn_slice target,
                     struct skn_slice caller,
                     struct skn_slice id);
void skn_key_requests(struct skn_key *key, struct skn_slice target); /* all of a target */
void skn_key_caller(struct skn_key *key, struct skn_slice caller);
void skn_key_sweep(struct skn_key *key);
void skn_key_domain(struct skn_key *key, struct skn_slice address);
void skn_key_meta(struct skn_key *key, struct skn_slice address);
void skn_key_timers(struct skn_key *key, struct skn_slice address);
void skn_key_timer(struct skn_key *key, struct skn_slice address, uint64_t number);
void skn_key_dead(struct skn_key *key, struct skn_slice address, uint64_t number);
/* A range of own rows that is gone [E14], and a row in it that was written since. */
void skn_key_range(struct skn_key *key, struct skn_slice address, uint64_t number);
void skn_key_exception(struct skn_key *key,
                       struct skn_slice address,
                       uint64_t number,
                       struct skn_slice own);
/* Of the dead letter that the key is of: its payload, where one row has no room for both. */
void skn_key_dead_payload(struct skn_key *key);
void skn_key_own(struct skn_key *key, struct skn_slice address, struct skn_slice own);
/* The beginning of a declared index; and whether a key is of any. */
void skn_key_index(struct skn_key *key, struct skn_slice address, uint8_t index);
bool skn_key_is_index(struct skn_slice key, struct skn_slice *out_address);

/* Beginnings of the kinds of shard rows, and the first key behind all of a prefix. */
void skn_key_shard(struct skn_key *key, uint8_t kind);
struct skn_slice skn_key_after(struct skn_arena *arena, struct skn_slice prefix);
/* The same in place: a prefix becomes the first key behind all that begin with it. */
void skn_key_end(struct skn_key *key);
enum { SKN_SHARD_HEAD = 3 }; /* bytes of it */
enum {
    SKN_SHARD_TIMERS = 3,
    SKN_SHARD_MAIL = 4,
    SKN_SHARD_INTENTS = 5,
    SKN_SHARD_REQUESTS = 6,
    SKN_SHARD_CALLERS = 7,
    SKN_SHARD_DOMAINS = 8
};
enum {
    SKN_SHARD_OUTBOX = 9,
    SKN_SHARD_ACKED = 0x0a,
    SKN_SHARD_SEEN = 0x0b,
    SKN_SHARD_WAITING = 0x0c,
    SKN_SHARD_COUNTERS = 0x0d,
    SKN_SHARD_FAULTED = 0x0e,
    SKN_SHARD_BUSY = 0x0f,
    SKN_SHARD_SWEEP = 0x10,
    SKN_SHARD_SEALING = 0x20,
    SKN_SHARD_SEALED = 0x21,
    SKN_SHARD_NAMES = 0x31,
    SKN_SHARD_LEASES = 0x32,
};

/* Streams between shards [E31]; `lane` is a priority, or that of the notes. */
void skn_key_outbox(struct skn_key *key, uint32_t to, unsigned lane, uint64_t number);
void skn_key_acked(struct skn_key *key, uint32_t to, unsigned lane);
void skn_key_seen(struct skn_key *key, uint32_t from, unsigned lane);
/* What found no room in a lane [E30]. */
void skn_key_waiting_lane(struct skn_key *key, struct skn_slice target, enum skn_priority lane);
void skn_key_waiting(struct skn_key *key,
                     struct skn_slice target,
                     enum skn_priority lane,
                     uint64_t stamp,
                     struct skn_slice sender,
                     uint64_t number);
void skn_key_counter(struct skn_key *key, struct skn_slice target, struct skn_slice sender);
void skn_key_faulted(struct skn_key *key, struct skn_slice target);
/* Which key seals, and the domains that have sealed rows [E46]. */
void skn_key_sealing(struct skn_key *key);
void skn_key_sealed(struct skn_key *key, struct skn_slice address);
/* Of a content that the shard came to name [E45]. */
void skn_key_lease(struct skn_key *key, struct skn_slice hash);
/* The core has something to do for a domain, and finds it by this row at an opening. */
void skn_key_busy(struct skn_key *key, struct skn_slice address);

/* The address in a key of the kinds mailbox and intent, and the rest behind its 00. */
SKN_MUST_USE enum skn_rc skn_key_split(struct skn_slice key,
                                       struct skn_slice *out_address,
                                       struct skn_slice *out_rest,
                                       struct skn_diag *diag);

/* The order is stored. */
enum skn_remove_state {
    SKN_REMOVE_NOT = 0,
    SKN_REMOVE_CANCEL = 1,
    SKN_REMOVE_WAIT = 2,
    SKN_REMOVE_ROWS = 3,
};

/* What the core has to do for a domain; the value of its row `busy`. */
enum { SKN_BUSY_LETTERS = 1, SKN_BUSY_REMOVING = 2, SKN_BUSY_RANGES = 4, SKN_BUSY_KEPT = 8 };

/* Lanes of a mailbox: one of each priority, and one that answers of calls have a reserved place in. */
enum { SKN_LANE_ANSWERS = SKN_PRIORITIES, SKN_LANES };

struct skn_meta_row {
    bool is_faulted;
    uint32_t faults; /* in a row */
    uint32_t dead;   /* dead letters */
    uint64_t next_wait, next_timer, next_intent, last_dead;
    uint64_t epoch;                /* of its last batch; of held programs only, else 0 */
    uint32_t waiting[SKN_LANES];   /* messages that found no room in a lane [E30]; never answers */
    uint64_t again_from, again_to; /* dead letters that are to be handled; none when equal */
    bool is_closing;               /* or rather removed */
    enum skn_remove_state removal;
    uint64_t removed_at; /* stamp of the batch that began it */
    uint64_t removal_at; /* CANCEL: number of the next intent */
    uint32_t ranges;     /* of own rows that are gone and not removed yet */
    uint64_t next_range;
    uint32_t answers; /* timers of the program, intents and calls: places for what they bring */
    uint32_t kept;    /* calls that are to be answered by a later slice */
};

enum skn_timer_kind { SKN_TIMER_PROGRAM = 1, SKN_TIMER_RETRY = 2 };

struct skn_timer_row {
    enum skn_timer_kind kind;
    uint64_t due_stamp;
    uint64_t intent; /* of a retry */
    struct skn_slice tag;
};

enum skn_intent_state {
    SKN_INTENT_RUNNING = 1,
    SKN_INTENT_WAITING = 2,
    SKN_INTENT_ASKING = 3, /* its limiter for a place */
};

struct skn_intent_row {
    enum skn_intent_state state;
    uint8_t cancel; /* 0 or enum skn_cancel */
    uint32_t attempt;
    uint32_t counted;
    uint32_t interruptions; /* in a row */
    uint64_t epoch;         /* in which the attempt was started */
    uint64_t timer;         /* waiting: its retry timer */
    uint8_t key[SKN_KEY_BYTES];
    struct skn_retry_policy policy;
    struct skn_slice tag;
    struct skn_slice effect; /* an encoded value */
    struct skn_limit limit;
    uint64_t
        ticket; /* with a limiter, ASKING or RUNNING: what the place is asked for and held under */
};

/* A call that has no answer yet. Its number alone would not tell it from one of an earlier domain of
 * this address. */
struct skn_call_row {
    uint32_t depth;             /* as the call says it */
    enum skn_priority priority; /* likewise: its cancel comes behind it */
    uint64_t stamp;
    struct skn_slice target;
    struct skn_slice tag;
};

/* A call that its receiver keeps: what its answer needs. */
struct skn_kept_call_row {
    uint32_t depth;
    uint64_t number, called; /* of the call, at its caller */
    struct skn_slice caller, name;
    struct skn_slice tag; /* the receiver's own */
};

struct skn_answer_row {
    enum skn_rc rc;
    uint32_t hour;           /* in which it was given, since 1970 */
    struct skn_hash128 hash; /* of name and payload */
    struct skn_slice text;
    struct skn_slice value; /* encoded */
};

static inline uint8_t skn_meta_busy(const struct skn_meta_row *meta)
{
    unsigned busy = meta->again_from < meta->again_to ? SKN_BUSY_LETTERS : 0;
    if (meta->removal != SKN_REMOVE_NOT) busy |= SKN_BUSY_REMOVING;
    if (meta->ranges > 0) busy |= SKN_BUSY_RANGES;
    if (meta->is_faulted && meta->kept > 0) busy |= SKN_BUSY_KEPT;
    return (uint8_t)busy;
}

/* What a record holds of a message that never was a row, so that it can be handled again (P4). */
struct skn_handled {
    struct skn_message message;
    struct skn_slice address; /* of the domain that handled it */
    struct skn_slice caller;  /* of a request, as `id` */
    struct skn_slice id;
};

/* What waits for one target of one sender [E31]. */
struct skn_counter_row {
    uint32_t messages;
    uint64_t bytes;
};

enum skn_note_kind {
    SKN_NOTE_WAITS = 1,   /* so many messages more, or fewer, of `sender` wait at `target` */
    SKN_NOTE_FAULTED = 2, /* `target` is FAULTED now, or no more */
};

struct skn_note {
    enum skn_note_kind kind;
    bool is_faulted; /* the target is */
    int32_t messages;
    int64_t bytes;
    struct skn_slice target;
    struct skn_slice sender; /* SKN_NOTE_WAITS */
};

/* Answers that are remembered for a caller [E34]. */
struct skn_kept_row {
    uint64_t ids;
    uint64_t bytes; /* of their rows */
};

void skn_meta_encode(const struct skn_meta_row *row, struct skn_buf *out);
void skn_timer_encode(const struct skn_timer_row *row, struct skn_buf *out);
void skn_intent_encode(const struct skn_intent_row *row, struct skn_buf *out);
void skn_call_encode(const struct skn_call_row *row, struct skn_buf *out);
void skn_kept_call_encode(const struct skn_kept_call_row *row, struct skn_buf *out);
void skn_answer_encode(const struct skn_answer_row *row, struct skn_buf *out);
void skn_message_encode(const struct skn_message *message, struct skn_buf *out);
void skn_handled_encode(const struct skn_handled *handled, struct skn_buf *out);
void skn_kept_encode(const struct skn_kept_row *row, struct skn_buf *out);
void skn_counter_encode(const struct skn_counter_row *row, struct skn_buf *out);
void skn_note_encode(const struct skn_note *note, struct skn_buf *out);

/* Slices of what is decoded point into `bytes`. SKN_ECORRUPT, SKN_ENEWER. */
SKN_MUST_USE enum skn_rc
skn_meta_decode(struct skn_slice bytes, struct skn_meta_row *out, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
skn_timer_decode(struct skn_slice bytes, struct skn_timer_row *out, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
skn_intent_decode(struct skn_slice bytes, struct skn_intent_row *out, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
skn_call_decode(struct skn_slice bytes, struct skn_call_row *out, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
skn_kept_call_decode(struct skn_slice bytes, struct skn_kept_call_row *out, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
skn_answer_decode(struct skn_slice bytes, struct skn_answer_row *out, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
skn_message_decode(struct skn_slice bytes, struct skn_message *out, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
skn_handled_decode(struct skn_slice bytes, struct skn_handled *out, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
skn_kept_decode(struct skn_slice bytes, struct skn_kept_row *out, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
skn_counter_decode(struct skn_slice bytes, struct skn_counter_row *out, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
skn_note_decode(struct skn_slice bytes, struct skn_note *out, struct skn_diag *diag);

/* The two parts of an outbox row: for whom, and the message. */
SKN_MUST_USE enum skn_rc
skn_outbox_split(struct skn_slice row, struct skn_slice *out_target, struct skn_slice *out_message);
/* Of an encoded message, without a look at the rest. */
bool skn_message_is_cancel(struct skn_slice message);
SKN_MUST_USE enum skn_rc skn_message_sender(struct skn_slice message, struct skn_slice *out_sender);
/* What it says, and not when: sender, name, tag, reason and, unless it is sealed, payload. */
struct skn_slice skn_message_said(struct skn_slice message, bool is_sealed);
