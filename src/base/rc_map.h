/* rc_map.h - the one catalogue of result codes; the enum, names, texts and columns come from it.
 *
 * X(number, code, name, text, exit, http, grpc, xmlrpc)
 *   number  stored and sent: never reused, never renumbered
 *   name    what a client sees in `code` of an error; the first seven are the managers' contract
 *   exit    what the command line ends with when this is why it failed
 *   http, grpc, xmlrpc   what a protocol answers
 */
#pragma once

/* clang-format off */
#define SKN_RC_MAP(X) \
    X(1,  SKN_EINVALIDCHECKSUM, "INVALID_CHECKSUM",     "the message is not authentic: its HMAC is missing or wrong", 1, 401, 16, 401) \
    X(2,  SKN_ENOTWHITELISTED,  "EVENT_NOT_WHITELISTED","the event is not on the list of allowed events",       1,  403, 7,  403) \
    X(3,  SKN_ENOTREGISTERED,   "EVENT_NOT_REGISTERED", "no event has this name",                               1,  404, 5,  404) \
    X(4,  SKN_EARGS,            "INVALID_ARGS",         "the arguments are not what is declared",               2,  400, 3,  400) \
    X(5,  SKN_EQUEUEFULL,       "QUEUE_FULL",           "too many tasks are waiting",                           75, 503, 14, 503) \
    X(6,  SKN_ETASKTIMEOUT,     "TASK_TIMEOUT",         "the task ran longer than its limit",                   1,  504, 4,  504) \
    X(7,  SKN_EEXECUTION,       "EXECUTION_FAILED",     "the task failed",                                      1,  500, 2,  500) \
    X(8,  SKN_EUNAUTHENTICATED, "UNAUTHENTICATED",      "the caller is not known",                              1,  401, 16, 401) \
    X(9,  SKN_ETOOLARGE,        "TOO_LARGE",            "a size is over its limit",                             1,  413, 8,  413) \
    X(10, SKN_ERATELIMITED,     "RATE_LIMITED",         "too many requests",                                    75, 429, 8,  429) \
    X(11, SKN_EDRAINING,        "DRAINING",             "the node is stopping and takes no new work",           75, 503, 14, 503) \
    X(12, SKN_ENOQUORUM,        "NO_QUORUM",            "the node cannot reach a majority",                     75, 503, 14, 503) \
    X(20, SKN_EUSAGE,           "USAGE",                "the command was not understood",                       2,  400, 3,  400) \
    X(21, SKN_ESYNTAX,          "SYNTAX",               "the text is malformed",                                65, 400, 3,  400) \
    X(22, SKN_ECORRUPT,         "CORRUPT",              "stored or received bytes are malformed",               65, 500, 15, 500) \
    X(23, SKN_ENEWER,           "NEWER_FORMAT",         "the data was written by a newer version",              65, 500, 9,  500) \
    X(24, SKN_EFOREIGN,         "FOREIGN",              "the data belongs to another store",                    65, 500, 9,  500) \
    X(25, SKN_ENOENT,           "NOT_FOUND",            "there is no such thing",                               66, 404, 5,  404) \
    X(26, SKN_EEXIST,           "EXISTS",               "it exists already",                                    73, 409, 6,  409) \
    X(27, SKN_EIO,              "IO",                   "reading or writing failed",                            74, 500, 13, 500) \
    X(28, SKN_ESYNC,            "SYNC_FAILED",          "a write to stable storage failed",                     70, 500, 13, 500) \
    X(29, SKN_EDISKFULL,        "DISK_FULL",            "the disk is full",                                     75, 507, 8,  507) \
    X(30, SKN_EBUSY,            "BUSY",                 "another process holds it",                             75, 503, 14, 503) \
    X(31, SKN_EPERM,            "NOT_ALLOWED",          "permission is denied",                                 73, 403, 7,  403) \
    X(32, SKN_ECONFIG,          "CONFIGURATION",        "the configuration is wrong",                           78, 500, 9,  500) \
    X(33, SKN_EFULL,            "LIMIT",                "a configured limit was reached",                       75, 507, 8,  507) \
    X(34, SKN_ELATER,           "LATER",                "the answer is not here yet",                           70, 503, 14, 503) \
    X(35, SKN_EMAILBOXFULL,     "MAILBOX_FULL",         "the mailbox is full",                                  75, 503, 8,  503) \
    X(36, SKN_EIDREUSED,        "ID_REUSED",            "the request id was used for another request",          2,  409, 6,  409) \
    X(37, SKN_EGONE,            "GONE",                 "it was removed",                                       66, 410, 5,  410) \
    X(38, SKN_EOUTBOXFULL,      "OUTBOX_FULL",          "too many messages wait to be sent",                    75, 503, 8,  503) \
    X(39, SKN_EFAULT,           "FAULT",                "the program broke one of its own rules",               70, 500, 13, 500) \
    X(40, SKN_EFAILED,          "RUN_FAILED",           "the run failed",                                       1,  500, 2,  500) \
    X(41, SKN_EINTERRUPTED,     "INTERRUPTED",          "interrupted; it can be resumed",                       130,503, 10, 503) \
    X(42, SKN_ENOTYET,          "NOT_YET",              "this is not built yet",                                65, 501, 12, 501) \
    X(43, SKN_EINTERNAL,        "INTERNAL",             "a fault in skein itself",                              70, 500, 13, 500) \
    X(46, SKN_EUNSUPPORTED,     "UNSUPPORTED",          "what is asked for is not possible here",               78, 501, 12, 501) \
    X(50, SKN_EGAS,             "OUT_OF_GAS",           "the message takes more work than one may",             1,  500, 8,  500) \
    X(51, SKN_EMEMORY,          "OUT_OF_MEMORY",        "the message takes more memory than one may",           1,  500, 8,  500) \
    X(54, SKN_ENOKEY,           "KEY_MISSING",          "the key that secrets are sealed with is not there",    78, 503, 9,  503) \
    X(60, SKN_ETARGETFAULTED,   "TARGET_FAULTED",       "the receiver is FAULTED and too much waits for it",    75, 503, 9,  503)
/* clang-format on */
