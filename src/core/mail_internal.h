/* mail_internal.h - what memory knows of messages under way: who waits at whom, what is sent to
 * other shards and not acknowledged, what came from them.
 *
 * Owns        nothing that is not in a row, but for packets that came and were not handled.
 * May include base.
 * Threads     the one that owns the shard.
 * Invariants  (skn_mail_check)
 *   1. Everything here but the packets follows from rows: it is made from them at an opening and
 *      follows every batch (skn_mail_observe), so that two that have the same rows decide alike (P4).
 *
 * A message to a domain of the same shard goes from the sender's batch into a lane of the target,
 * or, when that has no room, into a row that waits. One to another shard goes into the outbox:
 *
 *   sender's slice -> outbox row -> packet -> receiver's batch: `seen`, then lane or waiting row
 *        trim      <- acknowledgement (a packet)         <-'
 *   counter row    <- note (a row of the outbox of the receiver's shard): waits, or waits no more
 */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "base/omap.h"
#include "base/slice.h"

/* One stream per pair of shards and priority, and one for notes, which never wait [E31]. */
enum { SKN_STREAM_NOTES = 5, SKN_STREAM_LANES = 6 };

/* A domain of this shard of which messages wait at others or are on their way to another shard. */
struct skn_sender {
    struct skn_slice address;
    uint64_t messages; /* that count [E32] [E33] */
    uint64_t bytes;
    uint64_t on_way; /* of them, those on their way to another shard */
    uint64_t refs;   /* waits, and outbox rows */
    bool is_resting;
    uint8_t bytes_of_address[];
};

/* A domain at which messages of this shard's domains wait. */
struct skn_target {
    struct skn_omap_node node; /* by address */
    uint64_t messages;
    uint64_t refs; /* waits, and its faulted row */
    bool is_faulted;
    uint8_t address[];
};

/* A counter row [E31]. */
struct skn_wait {
    struct skn_omap_node node; /* by target 00 sender */
    struct skn_sender *sender;
    struct skn_target *target;
    uint32_t messages;
    uint64_t bytes;
    uint8_t key[];
};

/* One outbox row that is not acknowledged. */
struct skn_unacked {
    struct skn_sender *sender; /* NULL: a note */
    uint32_t bytes;
};

/* What goes out to another shard at one priority. */
struct skn_stream {
    uint64_t acked;  /* the receiver has all up to here */
    uint64_t wanted; /* it says that it has all up to here: to be trimmed; >= acked */
    uint64_t next;   /* number of the next row */
    uint64_t cursor; /* the first one that is not given out, or to be given out again; <= next */
    struct skn_unacked *ring; /* of acked + 1 .. next - 1, by number modulo ring_cap */
    uint64_t ring_cap;
};

struct skn_peer {
    struct skn_stream out[SKN_STREAM_LANES];
    uint64_t seen[SKN_STREAM_LANES];
    uint64_t taken[SKN_STREAM_LANES]; /* seen, as the batch being made has it */
    bool owes_ack;
    uint64_t moved_ms; /* when it last acknowledged, or something was first sent to it */
};

/* Messages from another shard that wait to be taken. */
struct skn_packet {
    struct skn_list link;
    uint32_t from;
    size_t len;
    uint8_t bytes[];
};

struct skn_mail {
    struct skn_hmap senders; /* by address */
    struct skn_omap targets, waits;
    uint64_t resting; /* senders that are */
    uint32_t shards;
    struct skn_peer *peers; /* by shard; NULL when there is one only */
    struct skn_list packets;
    size_t packet_bytes;
    uint64_t unacked;            /* outbox rows */
    uint64_t take_pin, trim_pin; /* of the store, while a batch waits for rows; 0: none */
    uint64_t trims;              /* of them, those that are acknowledged */
    uint64_t rest;               /* slices until packets have their turn */
};
