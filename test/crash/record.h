/* record.h - a history of the real program: what its client asked and was told, when it was killed, and
 * what it left in its rows; judged at once by the checkers of the simulator (sim/history.h).
 *
 * Two checkers: what domains were asked for, with rows; and, from the log of the holder, which attempts
 * were started (P5), of which rows know nothing once they are over.
 */
#pragma once

#include "sim/history.h"

struct record;

/* `path`: where it is written as text, for skein sim --check; or NULL. */
struct record *record_create(const char *path) SKN_MUST_USE;
void record_destroy(struct record *record);

/* From now on a broken promise is kept for record_broken instead of failing the test. */
void record_expect(struct record *record);
/* Its text; NULL: every promise was kept. */
const char *record_broken(const struct record *record);

/* The time is filled in. The test fails when it breaks a promise. */
void record_event(struct record *record, const struct skn_history_event *event);
void record_open(struct record *record);
void record_crash(struct record *record, const char *how);
/* All that was asked is answered, and nothing is under way. */
void record_end(struct record *record);

/* What the holder's log says since it was read last. */
void record_log(struct record *record, const char *path);

/* What the rows in a data directory say that nobody holds: entries and totals of the ledgers
 * t:Ledger/l0 .., notes of the floods t:Flood/f0 .., each of which sends to the next one. The last group
 * of the journal counts, as for the next opening. */
void record_rows(struct record *record, const char *data_dir, unsigned ledgers, unsigned floods);

uint64_t record_events(const struct record *record);
void record_flush(struct record *record);

/* Of a payload or an answer. */
uint64_t record_hash(const char *text, size_t len);
