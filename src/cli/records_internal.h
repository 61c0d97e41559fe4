/* records_internal.h - the records of a journal as a command shows them.
 *
 * Threads     one.
 */
#pragma once

#include "base/arena.h"
#include "base/omap.h"
#include "core/look.h"
#include "journal/record.h"

/* What the record that put a mail row or a dead letter says of its message, but for the payload, is
 * remembered until one deletes it: a record whose message was one of these names its row only. */
struct skn_mails {
    struct skn_omap map; /* by the row's key */
};

void skn_mails_init(struct skn_mails *mails);
void skn_mails_fini(struct skn_mails *mails);

/* To be called with each record in order, before it is shown and before the next one. */
void skn_mails_take(struct skn_mails *mails, const struct skn_record *record);
/* After it was shown. */
void skn_mails_drop(struct skn_mails *mails, const struct skn_record *record);

/* Of a record: whose message it was (empty: nobody's), and the message. False: it has none that is
 * known, such as mail from before the first record that is kept. */
bool skn_mails_message(const struct skn_mails *mails,
                       const struct skn_record *record,
                       struct skn_slice *out_address,
                       struct skn_message *out_message);

/* Which rows were pruned when: what they held before is not shown (P8). */
struct skn_pruned {
    struct skn_omap map; /* by the row's key */
};

void skn_pruned_init(struct skn_pruned *pruned);
void skn_pruned_fini(struct skn_pruned *pruned);
/* To be called with all records, in order, before any is shown. */
void skn_pruned_take(struct skn_pruned *pruned, const struct skn_record *record);
/* The row under this key was pruned by the record of this index in its shard, or later. */
bool skn_pruned_has(const struct skn_pruned *pruned, struct skn_slice key, uint64_t index);

/* Where the journal is: of the project DIR or the data directory DIR, or of the project that the
 * command stands in when `dir` is NULL. SKN_ENOENT. */
struct skn_cli;
SKN_MUST_USE enum skn_rc skn_journal_find(struct skn_cli *cli,
                                          const char *dir,
                                          const char **out_path,
                                          struct skn_diag *diag);
