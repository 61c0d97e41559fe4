/* cover_map.h - what a set of seeds has to have gone through, and how often at least.
 *
 * X(id, least, text)
 *   least   in the standard set: 800 seeds with 20 million steps in all; 0: counted only
 * Row types and message kinds are counted in the journal that a seed leaves, by what stands there.
 */
#pragma once

/* clang-format off */
#define SKN_COVER_MAP(X) \
    /* how a node ends and begins */ \
    X(KILL,            2000, "kills") \
    X(KILL_MARKED,     100,  "deaths by the node's own fault [E35]") \
    X(ANSWER_POISON,   50,   "answers of messages that had ended the node twice [E35]") \
    X(CUT_DROP,        200,  "power cuts that keep nothing unsynced") \
    X(CUT_PREFIX,      200,  "power cuts that keep the changes up to some moment") \
    X(CUT_SECTORS,     200,  "power cuts that keep any sectors") \
    X(CUT_TORN,        200,  "power cuts that tear one write") \
    X(CUT_NAMES_LOST,  200,  "power cuts that lose names") \
    X(CUT_NAMES_ONLY,  200,  "power cuts that keep names and zeros") \
    X(CUT_AFTER_KILL,  200,  "power cuts soon after a kill and an opening [E6]") \
    X(CRASH_BETWEEN,   1000, "deaths between slices") \
    X(CRASH_IN_OP,     1000, "deaths in the middle of an operation of the disk") \
    X(CRASH_OPENING,   500,  "deaths while opening") \
    X(IO_ERROR,        500,  "ends by a write or sync that failed [E7]") \
    X(DISK_FULL,       100,  "ends by a full disk [E8]") \
    X(CLEAN_STOP,      200,  "clean stops") \
    X(OPENING,         2000, "openings") \
    X(OPENING_HELD,    500,  "openings that leave interrupted runs alone [E81]") \
    X(CHECKPOINT,      2000, "checkpoints [E10]") \
    X(END_IN_CHECKPOINT,200, "ends while a checkpoint is under way [E11]") \
    X(PAUSE,           200,  "pauses of the process of up to a minute") \
    X(CLOCK_DRIFT,     500,  "rounds in which the wall clock runs wrong or stands still") \
    X(CLOCK_FORWARD,   200,  "jumps of the wall clock ahead") \
    X(CLOCK_BACK,      200,  "jumps of the wall clock back") \
    X(CLOCK_FOLLOWED,  0,    "jumps ahead that the node's clock followed while it ran [E50]") \
    X(SLOW_SYNC,       500,  "syncs that took from a millisecond to seconds") \
    /* requests */ \
    X(REQUEST,         0,    "requests") \
    X(REPEAT,          1000, "requests asked again under their id") \
    X(OTHER_PAYLOAD,   500,  "ids used for another request [E34]") \
    X(ANSWER_OK,       0,    "answers") \
    X(ANSWER_ID_REUSED,200,  "answers ID_REUSED") \
    X(ANSWER_EXECUTION,500,  "answers EXECUTION_FAILED of a program that faults [E33]") \
    X(ANSWER_FAULTED,  200,  "answers of FAULTED domains [E33]") \
    X(ANSWER_TOO_LARGE,200,  "answers TOO_LARGE: rows, messages, batches, keys, tags, answers") \
    X(ANSWER_FULL,     100,  "answers of slices that read and wrote too much") \
    X(REFUSED_TYPE,    100,  "refusals of addresses without a program") \
    X(REFUSED_ARGS,    100,  "refusals of ids and names that are too long") \
    X(REFUSED_FULL,    100,  "refusals because too many requests wait") \
    X(QUERY,           1000, "queries [E21]") \
    /* what domains do */ \
    X(SLICE,           0,    "slices") \
    X(FAULT,           500,  "slices that faulted") \
    X(TIMER_FIRED,     2000, "timers that fired") \
    X(TASK,            0,    "attempts performed") \
    X(TASK_CUT_OFF,    1000, "attempts cut off by the node's death [E41]") \
    X(TASK_CUT_EFFECT, 200,  "of them, attempts whose effect had happened") \
    X(RESULT_SUCCESS,  0,    "results: success") \
    X(RESULT_OUTCOME,  0,    "results: an outcome that the event declares") \
    X(RESULT_FAILURE,  1000, "results: failure") \
    X(RESULT_TIMEOUT,  500,  "results: timeout") \
    X(RESULT_CANCELLED,200,  "results: cancelled") \
    X(RESULT_LATE,     500,  "results of an older epoch [E40]") \
    X(RESULT_ECHO,     200,  "failures of attempts that are over, told again [E40]") \
    X(RESULT_DROPPED,  500,  "results that were dropped") \
    X(CANCEL,          200,  "cancels") \
    X(RUN,             500,  "runs of flows that were started") \
    X(JOB,             1000, "intents of a program of its own") \
    X(PLACE,           500,  "attempts that a limiter gave a place") \
    X(PLACE_BACK,      10,   "slices in which a held domain gave its places back [E81]") \
    X(BLOB_STORED,     200,  "blobs that were stored [E45]") \
    X(BLOB_NAMED,      200,  "looks at shards that name a blob") \
    X(BLOB_REMOVED,    100,  "files of blobs that went") \
    X(BLOB_BUSY,       0,    "blobs that could not be stored while their file went") \
    X(BLOB_TOO_LATE,   0,    "blobs that were stored too late") \
    X(KEY_CHANGED,     100,  "changes of the sealing key that came to their end [E46]") \
    X(LOOKED_BACK,     200,  "looks back at a stamp [E70]") \
    X(PRUNED_THEN,     20,   "looks back at rows that were pruned since [E70]") \
    X(NOT_KEPT,        0,    "looks back at stamps that are not kept [E70]") \
    /* limits that were met; of those that nobody is told of, seeds that have a small one */ \
    X(LIMIT_batch_bytes, 20, "limits: batch_bytes") \
    X(LIMIT_message_bytes, 20, "limits: message_bytes") \
    X(LIMIT_row_bytes, 20, "limits: row_bytes") \
    X(LIMIT_slice_gas, 20, "limits: slice_gas") \
    X(LIMIT_slice_memory, 20, "limits: slice_memory") \
    X(LIMIT_hot_rows, 20, "limits: hot_rows") \
    X(LIMIT_mailbox_messages, 20, "limits: mailbox_messages") \
    X(LIMIT_answers, 20, "limits: answers") \
    X(LIMIT_kept_calls, 1, "limits: kept_calls") \
    X(LIMIT_call_depth, 20, "limits: call_depth") \
    X(LIMIT_outbox_messages, 20, "limits: outbox_messages") \
    X(LIMIT_outbox_bytes, 20, "limits: outbox_bytes") \
    X(LIMIT_faulted_waiting, 20, "limits: faulted_waiting") \
    X(LIMIT_request_hours, 20, "limits: request_hours") \
    X(LIMIT_request_ids, 20, "limits: request_ids") \
    X(LIMIT_request_bytes, 20, "limits: request_bytes") \
    X(LIMIT_requests_waiting, 20, "limits: requests_waiting") \
    X(LIMIT_speculative_batches, 20, "limits: speculative_batches") \
    X(LIMIT_speculative_bytes, 20, "limits: speculative_bytes") \
    X(LIMIT_faults_in_row, 20, "limits: faults_in_row") \
    X(LIMIT_dead_letters, 20, "limits: dead_letters") \
    X(LIMIT_warm_domains, 20, "limits: warm_domains") \
    X(LIMIT_quantum_gas, 20, "limits: quantum_gas") \
    X(LIMIT_limiter_waiting, 20, "limits: limiter_waiting") \
    X(LIMIT_limiter_idle_ms, 20, "limits: limiter_idle_ms") \
    X(LIMIT_blob_condemned_ms, 20, "limits: blob_condemned_ms") \
    /* sequential clients of the types of src/dev */ \
    X(MODEL,           1000, "answers that a model of the domain knew") \
    X(REDELIVERED,     100,  "dead letters handed over again [E33]") \
    X(CLOSED,          50,   "dead letters closed [E33]") \
    X(REMOVED,         50,   "domains removed [E14]") \
    X(RECORD_OPEN,     1000, "records of openings") \
    X(RECORD_EXPIRE,   2,    "records that forget request ids") \
    X(RECORD_TRIM,     500,  "records that trim an outbox") \
    X(RECORD_TAKE,     500,  "records that take what another shard sent") \
    X(RECORD_RESEAL,   50,   "records that seal again with another key") \
    X(MESSAGE_REQUEST, 1000, "messages: requests") \
    X(MESSAGE_SEND,    1000, "messages: between domains") \
    X(MESSAGE_TIMER,   1000, "messages: timers") \
    X(MESSAGE_ATTEMPT, 1000, "messages: attempts") \
    X(MESSAGE_REDELIVER,100, "messages: letters are to be handed over") \
    X(MESSAGE_LETTERS, 20,   "messages: letters are closed") \
    X(MESSAGE_REMOVE,  50,   "messages: a domain is to be removed") \
    X(MESSAGE_SWEEP,   50,   "messages: what is gone is cleared away") \
    X(MESSAGE_CALL,    1000, "messages: calls") \
    X(MESSAGE_ANSWER,  1000, "messages: answers of calls") \
    X(MESSAGE_CANCEL,  0,    "messages: a kept call is not wanted any more") \
    X(MESSAGE_KEPT,    1,    "messages: the calls that a FAULTED domain kept are answered") \
    X(MESSAGE_LETTER,  100,  "messages: letters, handled again") \
    /* rows in the journal: written, and gone again */ \
    X(ROW_EPOCH,       1000, "rows: epoch") \
    X(ROW_SECRET,      100,  "rows: store secret") \
    X(ROW_TIMER_INDEX, 1000, "rows: timer index") \
    X(ROW_MAIL,        1000, "rows: mailbox") \
    X(ROW_INTENT,      1000, "rows: intent") \
    X(ROW_REQUEST,     1000, "rows: request id") \
    X(ROW_EXPIRY,      1000, "rows: request ids of a caller") \
    X(ROW_DOMAIN,      1000, "rows: domain") \
    X(ROW_TIMER,       1000, "rows: timer") \
    X(ROW_DEAD,        200,  "rows: dead letter") \
    X(ROW_KEPT,        400,  "rows: kept call, and of which call it is") \
    X(ROW_CALL,        1000, "rows: call") \
    X(ROW_OWN,         1000, "rows: a program's own") \
    X(ROW_INDEX,       500,  "rows: index of domains") \
    X(ROW_OUTBOX,      500,  "rows: outbox of a stream") \
    X(ROW_ACKNOWLEDGED,200,  "rows: acknowledged of a stream") \
    X(ROW_SEEN,        500,  "rows: seen of a stream") \
    X(ROW_WAITING,     500,  "rows: messages that wait for a lane") \
    X(ROW_COUNTER,     0,    "rows: counters of what waits elsewhere") \
    X(ROW_FAULTED,     0,    "rows: FAULTED while something waits") \
    X(ROW_BUSY,        0,    "rows: letters handed over, ranges removed") \
    X(ROW_SWEEP,       0,    "rows: next sweep of request ids") \
    X(ROW_SEALING,     100,  "rows: which key seals") \
    X(ROW_SEALED,      40,  "rows: domains with sealed rows") \
    X(ROW_NAME,        20,  "rows: index of rows that name a blob") \
    X(ROW_LEASE,       0,  "rows: lease of a blob") \
    X(ROW_RANGE,       50,   "rows: range of rows that went") \
    X(ROW_EXCEPTION,   50,   "rows: written behind a range that went") \
    X(ROW_INDEXED,     1000, "rows: entry of a declared index") \
    X(ROW_DEAD_PAYLOAD,0,    "rows: payload of a dead letter over 512 KiB") \
    X(GONE_TIMER_INDEX,1000, "deletions: timer index") \
    X(GONE_NAME,       20,  "deletions: index of rows that name a blob") \
    X(GONE_LEASE,      0,  "deletions: lease of a blob") \
    X(GONE_MAIL,       1000, "deletions: mailbox") \
    X(GONE_OUTBOX,     500,  "deletions: outbox of a stream") \
    X(GONE_WAITING,    500,  "deletions: messages that waited for a lane") \
    X(GONE_COUNTER,    0,    "deletions: counters of what waits elsewhere") \
    X(GONE_INTENT,     1000, "deletions: intent") \
    X(GONE_REQUEST,    100,  "deletions: request id") \
    X(GONE_DEAD,       100,  "deletions: dead letter") \
    X(GONE_DOMAIN,     50,   "deletions: domain") \
    X(GONE_BUSY,       50,   "deletions: letters are handed over, ranges are removed") \
    X(GONE_FAULTED,    5,   "deletions: FAULTED while something waited") \
    X(GONE_RANGE,      50,   "deletions: range of rows that went") \
    X(GONE_EXCEPTION,  50,   "deletions: written behind a range that went") \
    X(GONE_INDEXED,    1000, "deletions: entry of a declared index") \
    X(GONE_SEALED,     0,    "deletions: domains with sealed rows") \
    X(GONE_TIMER,      1000, "deletions: timer") \
    X(GONE_KEPT,       200,  "deletions: kept call, by its answer") \
    X(GONE_CALL,       1000, "deletions: call, by its answer") \
    X(GONE_OWN,        100,  "deletions: a program's own")
/* clang-format on */
