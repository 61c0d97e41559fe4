/* limiter_internal.h - places and starts that many share: the domains "limit:Limit/KEY".
 *
 * Owns        the messages between an intent and its limiter, and the rows of a limiter.
 * May include base, value.
 * Threads     the one that owns the shard.
 * Invariants
 *   1. A place belongs to (domain, number of the intent, ticket), where the ticket is the stamp of the
 *      slice that asked. A domain that was removed and made anew has other tickets.
 *   2. Messages come once and in order (P2, P3), and both sides are rows: a crash loses no place, and
 *      no ask has two. So nothing is renewed and nothing expires: a place ends when its holder's core
 *      gives it back, in the batch that ends the attempt or asks anew.
 *   3. held is the number of rows "h", waiting[p] of rows "q" p.
 *
 * Messages, each a list of ints; those to the limiter at the priority of the ask, so they keep order:
 *   acquire  number, ticket, places, rate, burst, rate_ms   from the holder's core
 *   release  number, ticket                                 likewise; what is not there is left alone
 *   given    number, ticket, 1                              to the holder's core (intent.c)
 *   given    number, ticket, 0                              refused: too many wait
 * From outside a limiter answers "get". Rows of its own:
 *   "c"                                     struct limiter: level:1 places:4 rate:4 burst:4 rate_ms:8
 *                                           at_ms:8 at_part:4 held:4 waiting:4 (5 times) streak:1 (5
 *                                           times) used_ms:8 timer:8 timer_ms:8   with the domain
 *   "h" ticket:8 number:8 holder            a place: stamp:8                      release
 *   "q" priority:1 ticket:8 number:8 holder who waits: empty                      given, or release
 */
#pragma once

#include "core/cx.h"

#define SKN_LIMITER_SCOPE   "limit:Limit/"
#define SKN_LIMITER_ACQUIRE "acquire"
#define SKN_LIMITER_RELEASE "release"
#define SKN_LIMITER_GIVEN   "given"

extern const struct skn_program skn_limiter_program;

bool skn_limiter_is(struct skn_slice address);

/* The spread of starts, exact: the next may come at at_ms + at_part / rate. */
struct skn_pace {
    uint32_t rate;
    uint32_t burst;
    uint64_t rate_ms;
    uint64_t at_ms;
    uint32_t at_part; /* below rate */
};

/* The first millisecond at which one more may start. */
uint64_t skn_pace_next_ms(const struct skn_pace *pace);
/* One starts at `now_ms`, which is not before that. */
void skn_pace_take(struct skn_pace *pace, uint64_t now_ms);
/* Other numbers from now on. What was taken stays taken. */
void skn_pace_set(struct skn_pace *pace, uint32_t rate, uint32_t burst, uint64_t rate_ms);

/* What a message between the two says. False: it is none. */
struct skn_limit_note {
    uint64_t number, ticket;
    struct skn_limit limit; /* acquire; without key and priority */
    bool is_given;
};
bool skn_limit_note_read(struct skn_value payload, struct skn_limit_note *out);
/* SKN_EARGS: it is no limit. */
SKN_MUST_USE enum skn_rc skn_limit_check(const struct skn_limit *limit);
/* Sends "acquire" or "release" to the limiter. */
void skn_limiter_tell(struct skn_cx *cx,
                      const char *what,
                      const struct skn_limit *limit,
                      uint64_t number,
                      uint64_t ticket);
/* The same where only the address is known: what was given to nobody goes back. */
void skn_limiter_give_back(struct skn_cx *cx,
                           struct skn_slice limiter,
                           enum skn_priority priority,
                           const struct skn_limit_note *note);
