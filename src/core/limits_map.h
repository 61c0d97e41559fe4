/* limits_map.h - the one catalogue of limits: members, defaults, names in skein.yaml, the page of the
 * manual and the version that a record names come from it.
 *
 * X(name, type, otherwise, least, most, unit, is_input, what, then)
 *   name       of the member, and in skein.yaml: never reused for something else
 *   otherwise  the default. Changing it of one that is an input raises SKN_LIMITS_VERSION (P4)
 *   least      below it the engine's own work would not fit; only what a person sets is held to it
 *   most       no core goes over it: formats and buffers have room for so much
 *   unit       COUNT, BYTES, MS, HOURS, GAS
 *   is_input   1: of a batch (P4), so it is part of what a record names; 0: only when and whether
 *              something is begun depends on it
 *   what       it bounds, one line for the manual
 *   then       what happens at it, likewise
 */
#pragma once

/* clang-format off */
#define SKN_LIMITS_MAP(X) \
    X(batch_bytes,         uint32_t, 8388608,   65536, 8388608,    BYTES, 1, "keys and values that one slice changes", "the slice faults with `TOO_LARGE`; nothing of it stays") \
    X(message_bytes,       uint32_t, 1048576,   4096,  1048576,    BYTES, 1, "the payload of one message, answer, effect or result", "a request is refused with `TOO_LARGE`, a slice that sends it faults, a result becomes a failure that says so") \
    X(row_bytes,           uint32_t, 1048576,   4096,  1048576,    BYTES, 1, "the value of one row", "the slice faults with `TOO_LARGE`") \
    X(slice_gas,           uint64_t, 100000000, 1000000, 2000000000, GAS, 1, "what one slice computes; 100,000,000 are about half a second", "the slice faults with `OUT_OF_GAS`") \
    X(slice_memory,        uint32_t, 67108864,  4194304, 1073741824, BYTES, 1, "memory of one slice", "the slice faults with `OUT_OF_MEMORY`") \
    X(hot_rows,            uint32_t, 1000000,   10000, 100000000,  COUNT, 1, "rows that one slice reads", "the slice faults with `LIMIT`") \
    X(mailbox_messages,    uint32_t, 10000,     1,     10000000,   COUNT, 1, "messages in one lane (priority) of a domain's mailbox", "what other domains send waits in order and counts against them; nothing is lost") \
    X(answers,             uint32_t, 1000000,   1000,  100000000,  COUNT, 1, "timers, intents and calls of a domain that are not over", "a slice that asks for one more faults with `LIMIT`") \
    X(call_depth,          uint32_t, 256,       1,     10000,      COUNT, 1, "calls in a chain, each made while another is handled", "the slice that calls faults with `LIMIT`, and its caller is told") \
    X(kept_calls,          uint32_t, 1000000,   1,     100000000,  COUNT, 1, "calls that a domain keeps to answer them later", "the slice that keeps one more faults with `LIMIT`, and its caller is told") \
    X(outbox_messages,     uint32_t, 10000,     1,     10000000,   COUNT, 1, "messages of a domain that wait at others", "the domain rests until it is under half: only mail of its full lanes is handled, and a slice that would let more wait faults with `OUTBOX_FULL`") \
    X(outbox_bytes,        uint32_t, 67108864,  65536, 2147483648, BYTES, 1, "bytes of those messages", "likewise") \
    X(faulted_waiting,     uint32_t, 10000,     1,     10000000,   COUNT, 1, "messages that wait for one FAULTED domain", "a slice that sends it one more faults with `TARGET_FAULTED`") \
    X(request_hours,       uint32_t, 24,        1,     8760,       HOURS, 1, "how long a request id is remembered, and up to one hour more", "the id is forgotten: a repetition is a new request") \
    X(request_ids,         uint32_t, 1000000,   1,     100000000,  COUNT, 1, "request ids of one caller that a shard remembers", "a request with a new id is refused with `RATE_LIMITED`") \
    X(request_bytes,       uint32_t, 268435456, 65536, 2147483648, BYTES, 1, "bytes of their answers", "likewise") \
    X(requests_waiting,    uint32_t, 100000,    1,     10000000,   COUNT, 0, "requests from outside that wait in a shard", "the next is refused with `MAILBOX_FULL`; nothing of it has happened") \
    X(speculative_batches, uint32_t, 4096,      1,     1048576,    COUNT, 0, "batches of a shard that are not durable yet", "the shard waits for the disk") \
    X(speculative_bytes,   uint32_t, 67108864,  65536, 268435456,  BYTES, 0, "bytes of those batches; the whole node has 268,435,456", "likewise") \
    X(faults_in_row,       uint32_t, 3,         1,     1000000,    COUNT, 1, "messages in a row that fault", "the domain is FAULTED: its mail waits until `skein domain redeliver`") \
    X(dead_letters,        uint32_t, 10000,     1,     10000000,   COUNT, 1, "dead letters of a domain; a signal says it at 80 percent", "likewise") \
    X(warm_domains,        uint32_t, 1000,      1,     1000000,    COUNT, 0, "idle domains of a shard that keep what their program cached", "the one that was used longest ago is made from its rows when it is needed") \
    X(quantum_gas,         uint32_t, 1000,      100,   10000000,   GAS,   0, "gas that a domain gets in each round of fair share", "it is the next one's turn") \
    X(limiter_waiting,     uint32_t, 1000000,   1,     100000000,  COUNT, 1, "attempts that wait at one limiter", "the next has failed with the reason `RATE_LIMITED`") \
    X(limiter_idle_ms,     uint32_t, 3600000,   1000,  2592000000, MS,    1, "how long a limiter that nobody needs stays", "it is gone, and made again when somebody needs it") \
    X(blob_condemned_ms,   uint32_t, 86400000,  60000, 2592000000, MS,    1, "how long the content of a blob that nobody names stays, while the node runs; who stores one has so long to name it", "the content is gone")
/* clang-format on */
