/* dev.h - domain types for tests and benchmarks, clients of the core like everybody.
 *
 * Owns        nothing: each type is a table of handlers over rows.
 * May include base, value, core, flow (the members of an effect).
 * Threads     the one that runs the slice.
 * Invariants
 *   1. Every row is a value, so that whoever looks at a domain can read it.
 *   2. A payload is input from outside: one that does not fit is refused with INVALID_ARGS and
 *      changes nothing, or is left alone when a domain sent it.
 *   3. "fault": true in a payload lets the handler do all it does and then fault (but for Hog): a
 *      slice is whole or nothing.
 *
 * A node has them in test builds only (SKN_TEST_BUILD). What the messages are, with their payloads:
 *
 *   Album    keep {name, hash, size}       a row that names a content [E45]
 *            drop {name}                   it is gone
 *            pass {name, to}               sends it to another Album, which keeps it as "passed"
 *            get {name}                    answers it, or none
 *   Counter  add {n}                       adds n (1), answers the sum
 *            add-many {n, rows, bytes}     adds n to the sum and to each of `rows` rows (5), each
 *                                          padded to `bytes` (0); answers the sum
 *            add-later {n, ms}             adds n once `ms` have passed; answers the timer's number
 *            drop {rows, why}              deletes the first `rows` rows of add-many (1); why: delete,
 *                                          prune or fold; answers how many
 *            get                           answers the sum
 *   Ledger   add {id, amount, account}     an entry; the account is optional; answers the total
 *            transfer {id, from, to, amount}  between two accounts; the total stays; answers it
 *            total                         answers {total, accounts, entries}: what was added, the
 *                                          sum of all accounts, how many ids
 *            get                           answers the total
 *   Echo     echo ANYTHING                 answers it
 *            forward {to: [..], hops}      goes to the first address, which forwards to the rest;
 *                                          the last keeps the number of hops
 *            bounce {to, left}             to and fro between two until `left` is 0
 *            ask {to, name, value}         calls an address with a message of that name (echo)
 *            later {ms, value}             of a call only: kept, and answered with the value after so
 *                                          many milliseconds (1000)
 *            answers                       answers {answered, asked, code, answer}: of its calls, and
 *                                          what the last one came to
 *            get                           answers {received, hops}: messages, and the last number
 *   Flood    flood {to, count, bytes, at_once}  sends `count` notes of `bytes` to an address, its own
 *                                          too, at most `at_once` (1,000) in a slice
 *            get                           answers {sent, received, disorder}
 *   Hog      burn {what}                   gas, rows, memory, row, message: until the budget faults
 *            fault {until}                 faults; with `until` only while the clock is before it
 *                                          (milliseconds since 1970), afterwards answers true
 *            intent {argv, timeout, attempts, limiter, places, rate, per, burst}  runs a program, under
 *                                          a limiter if it is given a key; answers the intent's number
 *            crash {how, until, mail}      debug builds only: ends the node by a null pointer, a
 *                                          failed assertion or a stack used up, or hangs (null,
 *                                          assert, stack, hang), while the clock is before `until`; with `mail` 1
 *                                          as a message that it sends itself
 *            get                           answers {handled, results}
 *   Shelf    put {thing, rank}             a thing has a rank
 *            drop {thing}                  it is gone
 *            fill {begin, count}           so many things, begin000, begin001, .., of ranks 0 to 4
 *            clear {begin, thing, rank}    all whose names begin so are gone, at once; then a thing, if
 *                                          there is one, is put
 *            find {rank}                   answers [thing, ..] of that rank, or of all, by rank: 1,000
 *   Vault    put {name, secret}            keeps a secret under a name; answers it, masked
 *            pass {name, to}               sends it to another Vault, which puts it
 *            check {name, secret}          answers whether it is the one that is kept
 *            get {name}                    answers the secret, masked, or none
 *
 * An account's row is "a" and its name, an entry's "e" and its id with how often it was made: an id
 * that is there twice broke P2, accounts that do not add up to what was added to them broke a slice.
 */
#pragma once

#include "core/core.h"

extern const struct skn_program skn_dev_album;
extern const struct skn_program skn_dev_counter;
extern const struct skn_program skn_dev_ledger;
extern const struct skn_program skn_dev_echo;
extern const struct skn_program skn_dev_flood;
extern const struct skn_program skn_dev_hog;
extern const struct skn_program skn_dev_vault;
extern const struct skn_program skn_dev_shelf;
