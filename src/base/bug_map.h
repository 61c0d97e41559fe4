/* bug_map.h - the one catalogue of planted bugs: what a test build can do wrong on request.
 *
 * X(number, bug, is_here, found_by, text)
 *   number    what SKN_BUG=number asks for: never reused, never renumbered
 *   is_here   1: the code that it spoils is there; 0: its place is kept for code to come
 *   found_by  "sim", or the test program that finds what the simulator cannot
 *   text      what goes wrong
 *
 * A bug is planted at the line it spoils with skn_bug(SKN_BUG_..); tools/bugs shows that each is
 * found.
 */
#pragma once

/* clang-format off */
#define SKN_BUG_MAP(X) \
    /* the journal */ \
    X(1,  ACK_BEFORE_SYNC,    1, "sim", "a group is not synced before it counts as durable [E4]") \
    X(2,  TAIL_NOT_SYNCED,    1, "sim", "an opening does not sync the group that it copies [E6]") \
    X(3,  TAIL_NOT_COPIED,    1, "sim", "an opening does not copy the last group [E6]") \
    X(4,  NO_DIR_SYNC,        1, "sim", "directories are not synced [E1]") \
    X(5,  TORN_GROUP,         1, "sim", "a torn group is accepted: its checksum is not looked at [E2]") \
    X(6,  NO_GENERATION,      1, "journal/crash", "an older generation is read to its end [E6]") \
    X(7,  SEAL_NOT_CLEARED,   1, "sim", "the first write after a clean stop leaves the seal [E5]") \
    X(8,  NOT_NAMED,          1, "sim", "a segment is used before the superblock names it [E5]") \
    X(9,  CUT_ANYTHING,       1, "journal/damage", "every bad end counts as a torn tail [E4]") \
    X(10, NO_BOUND,           1, "journal/damage", "the lower bound is not looked at [E5]") \
    X(11, TRIM_PAST_FLUSH,    1, "journal/crash", "the journal is trimmed past what the store has flushed [E9]") \
    X(12, TRIM_BEFORE_SUPER,  1, "journal/crash", "files go while the superblock still names them [E5]") \
    X(13, OLD_NOT_ZEROED,     1, "journal/crash", "a trimmed file is taken with old groups in it [E1]") \
    X(14, READY_NOT_SYNCED,   1, "journal/crash", "a prepared segment is not synced before it gets its name [E1]") \
    X(15, NO_CHAIN,           1, "journal/damage", "records are not compared with those before them [E3]") \
    X(16, TRIM_NOT_SUMMED,    1, "shard/older", "a trim does not note how far the store was [E9]") \
    /* outputs, requests, slices */ \
    X(21, EARLY_RELEASE,      1, "sim", "an output leaves before its batch is durable [E22]") \
    X(22, QUERY_EARLY,        1, "sim", "a query shows a row that is not durable yet [E21]") \
    X(23, OUT_OF_ORDER,       1, "sim", "an answer overtakes the outputs before it [E22]") \
    X(24, LOST_DEDUPE,        1, "sim", "request ids are not looked up [E34]") \
    X(25, ANY_PAYLOAD,        1, "sim", "an id that comes with another payload gets the old answer [E34]") \
    X(26, REPLY_LOST,         1, "sim", "a request that was handled before gets no answer [E34]") \
    X(27, ID_EXPIRES_EARLY,   1, "sim", "a request id is forgotten after a second [E34]") \
    X(28, ID_KEPT_WRONG,      1, "sim", "the id of a request that faulted is kept with a success [E33]") \
    X(29, HALF_SLICE,         1, "sim", "the rows of a faulted slice are kept (DESIGN 3.4)") \
    X(30, DEAD_LETTER_LOST,   1, "sim", "a faulted message does not come to the dead letters [E33]") \
    X(31, META_NOT_WRITTEN,   1, "sim", "a domain's numbers are not written with its batch") \
    X(32, MAIL_SWAPPED,       1, "sim", "two messages of one sender change places (P3)") \
    X(33, MAIL_TWICE,         1, "sim", "a handled message stays in the mailbox (P2)") \
    X(34, MAIL_UNLIMITED,     1, "sim", "a full mailbox takes more (P10)") \
    X(35, HASH_ORDER,         1, "sim", "rows of a batch stand in the order of a table's hash (P4)") \
    X(36, RANDOM_ADDRESS,     1, "sim", "a random number comes from a memory address (P4)") \
    X(37, MEMORY_STATE,       1, "sim", "a program counts in memory and not in a row [E24]") \
    X(38, WAKE_LOST,          1, "node/wakeup", "the flag of a wake goes off before its byte is read") \
    X(39, KEEPER_SLEEPS,      1, "shard/wakes", "nobody wakes the keeper when the tail is long [E12]") \
    X(40, POISON_IGNORED,     1, "sim", "a message that ended the node twice is handled again [E35]") \
    /* timers, clocks */ \
    X(41, TIMER_WALL,         1, "sim", "timers are due by the wall clock [E50]") \
    X(42, TIMER_TWICE,        1, "sim", "a timer that fired is not deleted [E51]") \
    X(43, TIMER_EARLY,        1, "sim", "a timer fires before it is due [E51]") \
    X(44, CLOCK_BACK,         1, "sim", "a wall clock that went back sets the node's clock back [E50]") \
    /* intents, attempts, epochs */ \
    X(51, OLD_EPOCH,          1, "sim", "a result of an older epoch is taken [E40]") \
    X(52, LATE_FAILURE,       1, "sim", "a failure of an attempt that is over counts [E40]") \
    X(53, INTERRUPTED_COUNTS, 1, "sim", "an interrupted attempt counts against the policy [E41]") \
    X(54, INTERRUPTED_LOST,   1, "sim", "an attempt that the node's death cut off is forgotten [E41]") \
    X(55, KEY_PER_ATTEMPT,    1, "sim", "each attempt has an idempotency key of its own [E42]") \
    X(56, EPOCH_NOT_WRITTEN,  1, "sim", "a new epoch is not written [E43]") \
    X(57, PLACE_LEAKED,       1, "sim", "an attempt that was cut off does not give its limiter's place back") \
    X(58, PLACE_TOO_MANY,     1, "sim", "a limiter gives one place more than there are") \
    X(59, START_TOO_EARLY,    1, "core/limiter", "a limiter lets attempts start before their pace allows") \
    /* rows, store, checkpoints */ \
    X(61, HASH_NOT_TAKEN_OFF, 1, "sim", "the hash of a row that changes stays in the state hash [E44]") \
    X(62, REDO_NO_DELETE,     1, "store/random", "redo skips deletions [E11]") \
    X(63, CHECKPOINT_LATER,   1, "store/random", "a checkpoint writes values that are newer than its position [E10]") \
    X(64, CHECKPOINT_OLD,     1, "sim", "a checkpoint says an older position than the journal is trimmed to [E11]") \
    X(65, FETCH_REPLACES,     1, "store/random", "a fetched row replaces a cached one [E13]") \
    X(66, EVICT_DIRTY,        1, "store/random", "a dirty row is evicted [E10]") \
    X(67, CONT_KEPT,          1, "store/random", "what is around a forgotten row still counts as known [E13]") \
    X(68, STORED_VANISHES,    1, "store/random", "a deleted row that a checkpoint wrote leaves no tombstone [E11]") \
    X(69, MADE_IN_REDO,       1, "store/random", "a row met in redo counts as never written to the backend [E11]") \
    X(70, ROWS_BEFORE_BOUND,  1, "shard/reader", "a checkpoint writes rows before the bound names their records [E81]") \
    /* streams between shards */ \
    X(71, OUTBOX_APART,       1, "sim", "an outbox row is not in the batch of its slice [E31]") \
    X(72, STREAM_NUMBER,      1, "sim", "a stream uses a number twice [E31]") \
    X(73, SEEN_NOT_WRITTEN,   1, "sim", "the receiver does not write what it has seen [E31]") \
    X(74, TRIM_UNACKED,       1, "sim", "an outbox row goes before it is acknowledged [E31]") \
    X(75, NOTE_LOST,          1, "sim", "a note that lowers a counter is lost [E31]") \
    /* rows, store, checkpoints: more */ \
    X(76, INDEX_KEPT,         1, "sim", "the index row of a row that changed stays") \
    X(77, PIN_DROPPED,        1, "core/edges", "what a message waits for may be forgotten before it is done [E13]") \
    X(78, HEAD_LATER,         1, "store/head", "a head that is not at hand counts as none, and its table as empty [E13]") \
    X(79, META_STALE,         1, "core/mail", "a domain in memory does not hear what others wrote into its row [E24]") \
    X(80, MAIL_STALE,         1, "core/mail", "a message that was handled is still kept as the first of its lane [E24]") \
    /* secrets */ \
    X(81, SECRET_PLAIN,       1, "sim", "a secret is stored as it is [E46]") \
    X(82, SECRET_SHOWN,       1, "core/secret", "a secret leaves in an answer [E46]") \
    X(83, SECRET_FORGOTTEN,   1, "core/secret", "a change of keys passes over dead letters [E46]") \
    /* blobs */ \
    X(86, BLOB_NOT_SYNCED,    1, "blob/files", "the content of a blob is not synced before it gets its name [E45]") \
    X(87, BLOB_NAME_LOST,     1, "blob/files", "the folder is not synced when a blob gets its name [E45]") \
    X(88, NO_LEASE,           1, "sim", "a batch that names a blob writes no lease [E45]") \
    X(89, NOBODY_ASKED,       1, "core/blob", "a blob goes before every shard was asked for leases [E45]") \
    X(90, LETTER_NAMES_NOTHING, 1, "core/blob", "dead letters do not count among what names a blob [E45]") \
    /* looking back */ \
    X(91, TRIM_NOT_KEPT,      1, "shard/history", "trim removes segments that a base needs [E70]") \
    X(92, KEPT_FROM_NEWEST,   1, "shard/history", "only the newest base keeps its segments [E70]") \
    /* blobs: more */ \
    X(93, REF_IN_REMOVAL,     1, "core/blob", "a reference counts while the file of its blob is being removed [E45]") \
    X(94, REST_COUNTS,        1, "core/blob", "the time in which the node did not run counts for a blob [E45]") \
    X(95, REMOVED_IN_BACKUP,  1, "node/blobs", "the files of blobs go while a backup is made [E45]") \
    /* limits */ \
    X(96, LIMITS_NOT_NAMED,   1, "core/limit_change", "a record does not name the limits that were set (P4)") \
    /* looking back: more */ \
    X(98, BASE_TOO_NEW,       1, "sim", "a look back begins with a base that is newer than its stamp [E70]") \
    X(99, PRUNED_SHOWN,       1, "sim", "a look back shows what was pruned since [E70] (P8)") \
    /* calls */ \
    X(101, FAULT_UNANSWERED,  1, "core/call", "who called a message that faulted is not answered [E33]") \
    X(102, ANSWER_TWICE,      1, "core/call", "an answer is given whose call is over [E30]") \
    X(103, CALL_DEPTH_LOST,   1, "core/call", "each call counts as the first of its chain") \
    /* rows, store, checkpoints: still more */ \
    X(104, PLACE_STALE,       1, "store/random", "a row is changed where it was found, though others have moved since") \
    /* secrets: more */ \
    X(110, KEY_NOT_AWAITED,   1, "sim", "a change of keys does not wait for the outbox [E46]") \
    /* limiters: more */ \
    X(111, HELD_KEEPS_PLACE,  1, "core/hold", "a run that is held since an opening keeps its places [E81]") \
    /* calls: more */ \
    X(112, KEPT_ANSWERED_TWICE, 1, "core/keep", "a call that was kept and answered is answered again") \
    X(113, CANCEL_UNTOLD,     1, "core/keep", "who keeps a call is not told that it was cancelled") \
    /* flows */ \
    X(120, CUT_OFF_REPEATED,  1, "flow/flow", "what must never be done twice is started again after it was cut off [E41]") \
    /* looking back: still more */ \
    X(121, HALF_IS_EXACT,     1, "sim", "a look back begins with a store in which a checkpoint was cut off [E70]") \
    /* mailboxes */ \
    X(122, MAIL_NEXT_WRONG,   1, "sim", "an opening gives the next message the number of one that is there (P2)") \
    /* tables that are packed */ \
    X(131, PACKED_LATER,      1, "store/random", "a table is given to a checkpoint whole with rows that changed since its mark [E10]") \
    X(132, PACKED_LEFT,       1, "store/random", "a packed table that has grown stays beside its rows") \
    X(133, SPREAD_LEFT,       1, "store/random", "the rows of a table that was packed stay beside it") \
    X(134, TABLE_TORN,        1, "store/random", "the entries of a table that grows are not written in one go [E11]")
/* clang-format on */
