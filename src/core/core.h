/* core.h - domains, their messages, and the one loop: message -> slice -> batch -> outputs.
 *
 * A step machine over one shard. It is given what came in (requests, results, the time), handles
 * one message per step, and gives a record for the journal. It writes to no disk and starts
 * nothing: outputs come out of skn_core_next_output once their batch is said to be durable.
 *
 * Owns        the order in which domains are handled, overlays, batches, intents, timers,
 *             mailboxes, request ids, dead letters, and the outputs until they are released.
 * May include base, value, journal, store.
 * Threads     the one that owns the shard.
 * Invariants
 *   1. An output leaves by skn_core_next_output only, in order, and only when the record of its
 *      batch is durable (P1, [E22]).
 *   2. All state is rows. What is in memory is made again from rows by skn_core_open; a core with
 *      `check_rebuild` handles each message a second time, from rows alone, and compares [E24].
 *   3. The rows of a batch, its outputs and its record depend on rows, message, stamp, module,
 *      limits and store secret only, and on whether the message is poison (P4, [E35]).
 *
 * One core is one shard.
 */
#pragma once

#include "base/base.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/slice.h"
#include "core/limits.h"
#include "journal/record.h"
#include "store/store.h"
#include "value/value.h"

enum {
    SKN_ADDRESS_MAX = 512, /* bytes of a domain's address */
    SKN_TAG_MAX = 3072,    /* bytes a program may hang on a timer or an intent */
    SKN_PRIVATE_KEY_MAX = 3072,
    SKN_SECRET_BYTES = 32,
    SKN_KEY_BYTES = 16, /* of an idempotency key */
    SKN_REQUEST_ID_MAX = 200,
    SKN_NAME_MAX = 1024, /* bytes of a message's name */
    SKN_LIMIT_KEY_MAX = 256,
    SKN_LIMIT_MAX = 1000000,         /* places, starts in a period, starts at once */
    SKN_LIMIT_PERIOD_MAX = 86400000, /* milliseconds: a day */
};

enum skn_priority {
    SKN_PRIORITY_CRITICAL,
    SKN_PRIORITY_HIGH,
    SKN_PRIORITY_NORMAL,
    SKN_PRIORITY_LOW,
    SKN_PRIORITY_BACKGROUND,
    SKN_PRIORITIES
};

/* --- programs --------------------------------------------------------------------------------- */

enum skn_message_kind {
    SKN_MESSAGE_REQUEST = 1, /* from outside */
    SKN_MESSAGE_SEND = 2,    /* from a domain */
    SKN_MESSAGE_TIMER = 3,   /* `tag` of the timer */
    SKN_MESSAGE_ATTEMPT = 4, /* of an intent: `status` says what happened to it */
    SKN_MESSAGE_CALL = 9,    /* from a domain that waits for its answer */
    SKN_MESSAGE_ANSWER = 10, /* of a call: `rc` says whether `payload` is one */
    SKN_MESSAGE_CANCEL = 12, /* who made a call that was kept wants no answer any more: `number` and
                                `tag` as skn_cx_call_keep has them */
    /* The core's own; a program never sees them. */
    SKN_MESSAGE_REDELIVER = 5,
    SKN_MESSAGE_LETTERS = 6,
    SKN_MESSAGE_REMOVE = 7,
    SKN_MESSAGE_SWEEP = 8,
    SKN_MESSAGE_PLACES = 11, /* what a held domain has of limiters goes back [E81] */
    SKN_MESSAGE_KEPT = 13,   /* the calls that a FAULTED domain kept are answered */
};

/* The order is stored: append only. */
enum skn_attempt_status {
    SKN_ATTEMPT_STARTED = 0, /* a further attempt of an intent was started after its delay; with a
                                limiter each one, under the stamp of the limiter */
    SKN_ATTEMPT_SUCCESS = 1,
    SKN_ATTEMPT_FAILURE = 2,
    SKN_ATTEMPT_TIMEOUT = 3,
    SKN_ATTEMPT_CANCELLED = 4,
    SKN_ATTEMPT_INTERRUPTED = 5, /* cut off by the death of the node [E41], or by `leave` */
};

struct skn_message {
    enum skn_message_kind kind;
    enum skn_priority priority;
    uint64_t stamp;          /* the sender's, or of admission */
    struct skn_slice sender; /* address of the domain; empty from outside */
    struct skn_slice name;
    struct skn_value payload;
    struct skn_slice tag; /* of the timer, intent or call */
    uint64_t number;      /* of the timer, intent or call */
    /* SKN_MESSAGE_CALL, SKN_MESSAGE_ANSWER */
    uint32_t depth;  /* call: which one in a chain of calls, from 1; answer: that of who called */
    enum skn_rc rc;  /* answer: SKN_OK, or why there is none; `reason` is its text */
    uint64_t called; /* answer: the stamp of the call */
    /* SKN_MESSAGE_ATTEMPT */
    enum skn_attempt_status status;
    uint32_t attempt;        /* which one this is about, from 1 */
    uint64_t epoch;          /* in which it ran */
    bool is_final;           /* the intent is over; else attempt + 1 runs or will run */
    uint64_t next_due_ms;    /* not final: when that one starts; 0: it has started */
    struct skn_slice reason; /* text, such as "exit:3"; empty for a success */
    bool is_sealed;          /* the core's own: secrets of the payload are sealed [E46]. A program
                                sees them plain. */
};

struct skn_cx;

/* An index that a program declares over its own rows: for each row that has an entry there is an index
 * row, written in the same batch, by which skn_cx_find comes upon it in the order of entries. */
enum { SKN_INDEX_ENTRY_MAX = 200 }; /* bytes */
struct skn_index {
    uint8_t number; /* of the program; never reused for another one */
    /* Appends the entry of a row to `out`, which is empty, from its bytes alone. False: it has none.
     * Never asked about a row with a secret: that has none. */
    bool (*entry)(struct skn_slice key, struct skn_slice value, struct skn_buf *out);
};

/* A domain type: a table of handlers over rows. */
struct skn_program {
    const char *type;   /* the part of an address between ':' and '/' */
    uint64_t module;    /* hash of what it does: an input of P4 */
    bool is_held;       /* at opening, its domains with work in flight wait to be taken up [E81] */
    bool takes_secrets; /* keeps them where skn_cx_put_value seals them; messages with secrets for
                           another one are refused [E46] */

    /* Handles one message. What it read, wrote and asked for through `cx` becomes a batch when it
     * returns SKN_OK and no call on `cx` failed; else all of it is dropped and the message goes to
     * the dead letters with the text of `diag`. `warm` is what `wake` gave. */
    enum skn_rc (*handle)(struct skn_cx *cx,
                          void *warm,
                          const struct skn_message *message,
                          struct skn_diag *diag);

    /* Optional: something to keep in memory between messages, made from rows alone. NULL when
     * there is nothing yet; asked again at the next message. `sleep` frees it. */
    void *(*wake)(struct skn_cx *cx);
    void (*sleep)(void *warm);

    const struct skn_index *indexes; /* or NULL; ends with one that has no `entry` */
};

/* --- what a program may do (cx.h has the calls) ------------------------------------------------ */

/* Delays between attempts: backoff_ms, then times factor_milli / 1000, at most max_ms; each made shorter
 * by chance, by up to jitter_milli / 1000 of it. */
struct skn_retry_policy {
    uint32_t attempts; /* in all; 0 counts as 1 */
    uint64_t backoff_ms;
    uint32_t factor_milli; /* 0 counts as 1000 */
    uint64_t max_ms;       /* 0 = no limit of its own */
    uint32_t jitter_milli; /* 0 to 1000 */
    /* Which failures are tried again, by their reasons: texts that end with a line feed each. An entry
     * stands for the reason that is equal to it, and for those that go on behind it with ':' or ' '. */
    struct skn_slice only;  /* empty: all */
    struct skn_slice never; /* of those, not these */
    /* An attempt that is cut off is the last, and ends the intent as `interrupted`: for what must never be
     * done twice [E41]. */
    bool ends_cut_off;
};
#define SKN_RETRY_REASONS_MAX 65536 /* bytes of `only`, and of `never` */

/* The wait before attempt `ended` + 1 when `ended` of them have ended; ended >= 1. `chance` is any number;
 * it counts only with a jitter. */
uint64_t skn_retry_delay_ms(const struct skn_retry_policy *policy, uint32_t ended, uint64_t chance);

/* Whether a failure with this reason is one that is tried again. */
bool skn_retry_takes(const struct skn_retry_policy *policy, struct skn_slice reason);

/* A limiter: the domain "limit:Limit/KEY", one for a key over all programs, which the engine makes
 * when somebody needs it. An attempt that names one begins when the limiter gives it a place: there is
 * one of `places`, and a start of `rate` in each `rate_ms`. Who waits comes by priority (each three of
 * a higher one let one of a lower pass), then in the order of stamps. The place is given back when the
 * attempt ends in any way, however long the next one waits, and with the domain.
 *   Starts are spread: each comes rate_ms / rate after the one before, without drift, rounded up to
 * the millisecond, so no span of rate_ms has more than `rate`. With `burst` b, up to b - 1 more may
 * come at once after a rest, and no span of rate_ms has more than rate + b - 1.
 * The numbers are those of the newest ask; fewer places take nothing away from who has one. */
struct skn_limit {
    struct skn_slice
        key;          /* 1 to SKN_LIMIT_KEY_MAX bytes without a zero; empty: there is no limiter */
    uint32_t places;  /* attempts at once, at most SKN_LIMIT_MAX; 0: any number */
    uint32_t rate;    /* starts in rate_ms, at most SKN_LIMIT_MAX; 0: any number */
    uint32_t burst;   /* at most SKN_LIMIT_MAX; 0 counts as 1 */
    uint64_t rate_ms; /* 1 to SKN_LIMIT_PERIOD_MAX, where there is a rate */
    enum skn_priority priority;
};

struct skn_intent_spec {
    struct skn_slice identity; /* the idempotency key is made of it, not of the attempt [E42] */
    struct skn_slice tag;      /* comes back with each message about it */
    struct skn_value effect;   /* what to do; for whoever performs it */
    struct skn_retry_policy policy;
    uint32_t first_attempt; /* 1, or more when it goes on where an older intent was left */
    uint32_t counted;       /* attempts before it that count against the policy */
    struct skn_limit
        limit; /* each attempt waits for a place of it, and says STARTED when it has it */
};

/* The effect by which the core has the file of a content removed [E45]: a map with this key, and the hash
 * in hex. To be performed with success when there is none. */
#define SKN_BLOB_REMOVE "blob.remove"

/* --- outputs ---------------------------------------------------------------------------------- */

enum skn_output_kind {
    SKN_OUTPUT_REPLY = 1,   /* answer to request `number` */
    SKN_OUTPUT_PERFORM = 2, /* start attempt `attempt` of intent `number` */
    SKN_OUTPUT_CANCEL = 3,  /* end it; its result is awaited all the same */
    SKN_OUTPUT_SIGNAL = 4,  /* `name` and `value` for whoever watches the domain */
    SKN_OUTPUT_PACKET = 5,  /* `value` for skn_core_packet of the core of `shard` [E31] */
    SKN_OUTPUT_TRACE = 6,   /* `value` tells of a slice: skn_core_trace in look.h */
};

/* Borrowed until the next call of skn_core_next_output. */
struct skn_output {
    enum skn_output_kind kind;
    uint64_t index; /* of the record it was born in */
    uint64_t stamp;
    struct skn_slice address;
    uint64_t number; /* of the signal "faulted": 1 when the domain is FAULTED now */
    uint32_t attempt;
    uint64_t epoch;
    bool is_leaving; /* cancel: at once, without grace */
    uint8_t key[SKN_KEY_BYTES];
    uint32_t shard; /* packet: where it goes */
    enum skn_rc rc; /* reply; signal "faulted": why, and its value has the name of the message,
                               a line end and the text */
    struct skn_slice name;  /* signal: its name; reply: the text of the failure */
    struct skn_slice value; /* encoded: the answer, the effect */
};

/* --- the machine ------------------------------------------------------------------------------ */

struct skn_core;
struct skn_handling;
struct skn_keyring;
struct skn_poison;

struct skn_core_options {
    uint32_t shard;                            /* this one, from 0 */
    uint32_t shards;                           /* how many there are; 0 counts as 1 */
    struct skn_store *store;                   /* borrowed until destroy */
    const struct skn_program *const *programs; /* borrowed; ends with NULL */
    struct skn_core_limits limits;             /* zero: the default (limits_map.h) */
    uint64_t hash_seed;                        /* of tables in memory: not known outside */
    bool check_rebuild;                        /* [E24]; costs a second handling of each message */
    bool tells_no_why; /* deletions do not say why: the journal has level 1. An input of P4 */
    /* [E35] guard.h */
    struct skn_handling *handling;   /* borrowed: told what is handled; NULL: nobody is */
    const struct skn_keyring *keys;  /* borrowed until destroy, or until others are set; those that
                                        secrets are sealed with, NULL: there are none [E46] */
    const struct skn_poison *poison; /* copied: buried instead of handled, and their domain is
                                        FAULTED; those of other shards are passed over */
    size_t poison_count;
};

struct skn_core *skn_core_create(const struct skn_core_options *options) SKN_MUST_USE;
void skn_core_destroy(struct skn_core *core);

/* Before open, once per record read back at opening, in order: applies its rows to the store and
 * checks index, stamp and state hash. A record that the store has already is passed over. A gap, as
 * behind a store that is older than what was trimmed, is SKN_ECORRUPT. */
SKN_MUST_USE enum skn_rc
skn_core_redo(struct skn_core *core, const struct skn_record *record, struct skn_diag *diag);

/* Executing records again (P4). What it is given, and what became of them. */
struct skn_replay {
    /* The store of another shard as of any point after the record that sent what this one takes and
     * before the one that trims it, as in the order of a journal; NULL: not known. Borrowed. */
    struct skn_store *(*store_of)(void *ctx, uint32_t shard);
    void *ctx;
    /* The stores began as of positions of their own, so one may have trimmed what another has not taken
     * yet: that counts as not known. */
    bool is_from_base;
    uint64_t executed;
    /* Not executed, and their rows applied as redo does: */
    uint64_t other_module; /* made by a program of another hash, or by none that is here */
    uint64_t other_limits; /* under another version of the limits */
    uint64_t no_rows;      /* took what another shard sent, whose store is not known */
};

/* Instead of open, once per record in order: makes the record's batch again from the rows before it,
 * its message, stamp, term and the limits of `options`, which must be those it was made with,
 * compares it byte for byte and the state hash after it, and applies it. SKN_ECORRUPT: "replay
 * mismatch at index n: .." says where and the first row that differs; or the record cannot follow.
 * After an error the core is not to be used any more, and it can never be opened. */
SKN_MUST_USE enum skn_rc skn_core_replay(struct skn_core *core,
                                         const struct skn_record *record,
                                         struct skn_replay *replay,
                                         struct skn_diag *diag);

struct skn_core_opening {
    const uint8_t *secret; /* SKN_SECRET_BYTES; becomes the store secret when there is none yet */
    bool take_up_all;      /* else domains of held programs that were in flight wait [E81] */
    bool writes_at_once;   /* the epoch's record is given though there is nothing to do */
    uint64_t epoch_floor;  /* the new epoch is greater than this [E43] */
    uint64_t epoch_leap;   /* and than the last one by more than this */
    bool new_secret;       /* `secret` takes the place of the one that is there [E43] */
};

/* Finds what was in flight and begins a new epoch. Its record comes out of skn_core_step in front of
 * the first other one [E43]: an opening that changes nothing writes nothing [E5]. */
SKN_MUST_USE enum skn_rc
skn_core_open(struct skn_core *core, const struct skn_core_opening *opening, struct skn_diag *diag);

uint64_t skn_core_epoch(const struct skn_core *core);
/* The store secret, once it is open: SKN_SECRET_BYTES. */
const uint8_t *skn_core_secret(const struct skn_core *core);

struct skn_request {
    uint64_t number;         /* comes back in the reply */
    struct skn_slice caller; /* who asks; with `id` */
    struct skn_slice id;     /* remembered for 24 h: the same id gives the same answer [E34]; may
                                be empty */
    struct skn_slice address;
    struct skn_slice name;
    struct skn_value payload;
    enum skn_priority priority;
};

/* Takes a request in; the bytes are copied. Refused before admission: SKN_EARGS (address, sizes),
 * SKN_ENOTREGISTERED (no such domain type), SKN_EMAILBOXFULL. After SKN_OK there is one reply. */
SKN_MUST_USE enum skn_rc
skn_core_submit(struct skn_core *core, const struct skn_request *request, struct skn_diag *diag);

/* The same in two steps, for a sender on another thread: a copy of what comes in, that
 * skn_core_put takes over. What cannot be admitted is answered by a reply that says why. */
struct skn_input;
struct skn_input *skn_input_of_request(const struct skn_request *request) SKN_MUST_USE;
void skn_input_free(struct skn_input *input);
void skn_core_put(struct skn_core *core, struct skn_input *input);

struct skn_attempt_result {
    struct skn_slice address;
    uint64_t number; /* intent */
    uint32_t attempt;
    uint64_t epoch;
    enum skn_attempt_status status; /* not STARTED */
    struct skn_slice reason;
    struct skn_value value;
};

/* What became of an attempt that was performed. Bytes are copied. A result for an older epoch, an
 * attempt that is over or an unknown intent is dropped and counted [E40]. */
void skn_core_result(struct skn_core *core, const struct skn_attempt_result *result);
struct skn_input *skn_input_of_result(const struct skn_attempt_result *result) SKN_MUST_USE;

struct skn_redeliver {
    uint64_t number; /* comes back in the reply */
    struct skn_slice address;
    uint64_t letter; /* number of one dead letter; 0: all there are */
    bool is_closing; /* they are thrown away instead */
};

/* Hands dead letters over again, in order and in front of the domain's mail, and ends its FAULTED
 * state [E33]. Admitted and answered like a request: how many letters; SKN_ENOENT, SKN_EBUSY: older
 * ones are being handed over. What faults again becomes a new letter. */
void skn_core_redeliver(struct skn_core *core, const struct skn_redeliver *redeliver);
struct skn_input *skn_input_of_redeliver(const struct skn_redeliver *redeliver) SKN_MUST_USE;

struct skn_remove {
    uint64_t number; /* comes back in the reply */
    struct skn_slice address;
};

/* Removes a domain with everything that it has [E14]: from the first batch on nobody sees its rows,
 * its intents are cancelled, what waits for it is answered GONE or thrown away. Admitted like a
 * request; the reply comes when nothing is left. SKN_ENOENT: there is no such domain. What is sent to
 * it meanwhile waits and meets a fresh domain. */
void skn_core_remove(struct skn_core *core, const struct skn_remove *remove);
struct skn_input *skn_input_of_remove(const struct skn_remove *remove) SKN_MUST_USE;

/* Takes up a domain that waits since the opening, or all (address empty): its cut-off attempts are
 * `interrupted` and started again [E41]. `is_asked`: a person wants it, so five interruptions in a
 * row do not hold it back. SKN_ENOENT: nothing by that address waits. */
SKN_MUST_USE enum skn_rc
skn_core_take_up(struct skn_core *core, struct skn_slice address, bool is_asked);
bool skn_core_is_held(const struct skn_core *core, struct skn_slice address);

/* --- streams between shards [E31] ---
 *
 * Messages to domains of other shards leave as packets, in numbered streams. A packet may come
 * late, twice, in any order or not at all: what is not acknowledged comes again, after a second
 * without an acknowledgement, after an opening, and when skn_core_resend says so. */

/* What came from another shard; copied, and handled by later steps. What is malformed, or over
 * 32 MiB of what waits already, is counted and dropped. */
void skn_core_packet(struct skn_core *core, uint32_t from, struct skn_slice bytes);

/* Packets released to `to` may not have arrived: a ring was full, or a peer opened again. */
void skn_core_resend(struct skn_core *core, uint32_t to);

/* Handles one message. SKN_OK: `out_record` is the next record for the journal, borrowed until the
 * next call. SKN_ENOENT: there is nothing to do now. SKN_ELATER: what waits needs rows that are
 * being fetched, or room [E20]. Others: the core is not to be used any more. A message that changed
 * nothing gives no record; then the next one is handled. */
SKN_MUST_USE enum skn_rc skn_core_step(struct skn_core *core,
                                       uint64_t now_ms,
                                       struct skn_record *out_record,
                                       struct skn_diag *diag);

/* When the next timer is due, in milliseconds since the epoch of the clock; UINT64_MAX: none. */
uint64_t skn_core_next_due_ms(struct skn_core *core);

/* What the store wanted was fetched, up to want `number`: domains that wait for it go on [E13]. */
void skn_core_fetched(struct skn_core *core, uint64_t number);

/* --- sealing keys [E46] ---
 *
 * Which key seals is a row: the first of the keys that an opening had, when there was no row yet. A
 * slice that needs a key which is not there changes nothing: who asked is refused with SKN_ENOKEY,
 * other messages wait, and so does their domain, until there are other keys. */

/* Other keys, borrowed until destroy or until others are set; domains that waited for one go on.
 * `rotates`: the first of them seals from now on, and what is sealed by others is sealed again by
 * the steps that follow, at most 1,000 rows or 4 MiB in each; an opening goes on with it. */
void skn_core_set_keys(struct skn_core *core, const struct skn_keyring *keys, bool rotates);

struct skn_core_sealing {
    uint64_t id;         /* of the key that seals; 0: none does yet */
    bool has_key;        /* it is there */
    bool is_rotating;    /* rows may name other keys */
    bool lacks_key;      /* and it cannot go on: one of them is not there */
    uint64_t done_stamp; /* of the batch behind which no row names another one; 0: never rotated */
    uint64_t keyless;    /* domains that wait for a key */
};
struct skn_core_sealing skn_core_sealing(const struct skn_core *core);

/* Every record up to `index` is durable. */
void skn_core_durable(struct skn_core *core, uint64_t index);

/* The next output whose batch is durable; false when there is none. */
bool skn_core_next_output(struct skn_core *core, struct skn_output *out);

/* The same, given away: NULL when there is none. Freed by skn_output_free, on any thread. */
struct skn_output *skn_core_take_output(struct skn_core *core) SKN_MUST_USE;
void skn_output_free(struct skn_output *output);

/* Of the last record stepped, and of the last one that is durable. */
uint64_t skn_core_index(const struct skn_core *core);
uint64_t skn_core_durable_index(const struct skn_core *core);

struct skn_core_counts {
    uint64_t slices, batches, faults, dropped_results, timers_fired;
    uint64_t gas;        /* of all slices */
    uint64_t domains;    /* in memory: with something in flight, warm, or owing gas */
    uint64_t timers;     /* in memory: of the next minute */
    uint64_t ready;      /* domains that could be picked now */
    uint64_t in_flight;  /* attempts performed and not ended */
    uint64_t unreleased; /* outputs that wait for their batch */
    uint64_t packets_sent, packets_taken;
    uint64_t packets_bad;     /* malformed, or not for this shard */
    uint64_t packets_dropped; /* too many waited */
    uint64_t resent;          /* messages and notes that were given out again */
    uint64_t unacknowledged;  /* of them, now in the outbox */
    uint64_t resting;         /* domains over the limit of their outbox */
};
struct skn_core_counts skn_core_counts(const struct skn_core *core);

/* --- reading from outside: rows as of the last record stepped; show them when it is durable --- */

/* A row of a domain's own. Like skn_store_get. */
SKN_MUST_USE enum skn_rc skn_core_get(struct skn_store *store,
                                      struct skn_slice address,
                                      struct skn_slice key,
                                      struct skn_slice *out_value,
                                      struct skn_diag *diag);

/* The first row of a domain's own whose key is >= `from` and begins with `prefix`; SKN_ENOENT.
 * `out_row` has the key as the program knows it. */
SKN_MUST_USE enum skn_rc skn_core_next_row(struct skn_store *store,
                                           struct skn_slice address,
                                           struct skn_slice prefix,
                                           struct skn_slice from,
                                           struct skn_row *out_row,
                                           struct skn_diag *diag);

/* The domain is FAULTED: it handles nothing until somebody redelivers [E33]. */
bool skn_core_is_faulted(struct skn_store *store, struct skn_slice address);

/* The address of the first domain whose address is > `after`; SKN_ENOENT. Copied into `out`. */
SKN_MUST_USE enum skn_rc skn_core_next_domain(struct skn_store *store,
                                              struct skn_slice after,
                                              struct skn_buf *out,
                                              struct skn_diag *diag);

/* HMAC-SHA256 by the store secret over domain-separating `label` and `text`; for names that must
 * come out the same on a repeated request. SKN_ENOENT: the store has no secret yet. */
SKN_MUST_USE enum skn_rc skn_core_mac(struct skn_store *store,
                                      struct skn_slice label,
                                      struct skn_slice text,
                                      uint8_t out[32],
                                      struct skn_diag *diag);

/* The store secret as a shard's rows have it. SKN_ENOENT: they have none yet. */
SKN_MUST_USE enum skn_rc skn_core_stored_secret(struct skn_store *store,
                                                uint8_t out[SKN_SECRET_BYTES],
                                                struct skn_diag *diag);

/* As skn_core_mac, for who has the secret. */
void skn_core_mac_by(const uint8_t secret[SKN_SECRET_BYTES],
                     struct skn_slice label,
                     struct skn_slice text,
                     uint8_t out[32]);

/* --- indexes against their rows: skein verify, debug builds --- */

enum skn_index_kind {
    SKN_INDEX_DOMAINS,
    SKN_INDEX_BUSY,
    SKN_INDEX_TIMERS,
    SKN_INDEX_OWN,   /* those that programs declare */
    SKN_INDEX_NAMES, /* rows that name a blob [E45] */
};
#define SKN_INDEX_KINDS (SKN_INDEX_NAMES + 1)

/* Sums of the hashes of index rows: those that follow from rows, and those that are there. */
struct skn_index_sums {
    struct skn_hash128 wanted[SKN_INDEX_KINDS], found[SKN_INDEX_KINDS];
};

/* Adds a row of the shard, whatever it is. Rows of domains that none of `programs` (may be NULL) knows
 * count for the core's own indexes only. */
void skn_index_add(struct skn_index_sums *sums,
                   const struct skn_program *const *programs,
                   struct skn_slice key,
                   struct skn_slice value);
/* When all rows were added. SKN_ECORRUPT: some index is not what its rows say. */
SKN_MUST_USE enum skn_rc skn_index_compare(const struct skn_index_sums *sums,
                                           struct skn_diag *diag);

/* The shard of a domain: XXH3-64 of its address, modulo their count. Stored with the data: it never
 * changes. */
uint32_t skn_shard_of(struct skn_slice address, uint32_t shards);
