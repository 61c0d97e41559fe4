/* link_internal.h - a command's way to the data of a project: asks, waits, says why not.
 *
 * Threads     one.
 */
#pragma once

#include "cli/cli_internal.h"
#include "node/node.h"

/* Begin it as {.cli = cli}; then what the command line says is checked, then it is opened. */
struct skn_link {
    struct skn_cli *cli;
    struct skn_project project;
    struct skn_client *client;
    struct skn_diag diag;
};

/* The project of --project or the one that the command stands in. `write`: a holder is started when
 * there is none, in a project that has no data too. SKN_ENOENT: nothing was ever run there. */
SKN_MUST_USE enum skn_rc skn_link_open(struct skn_link *link, bool write);

/* Asks and waits for the answer, for at most `wait_ms` (-1: for as long as it takes). The value
 * lives until the next question. SKN_ELATER: no answer yet. */
SKN_MUST_USE enum skn_rc skn_link_ask(struct skn_link *link,
                                      const struct skn_query *query,
                                      int64_t wait_ms,
                                      struct skn_value *out_value);

/* Says what `rc` is about, from the diag, and gives the exit code. */
int skn_link_close(struct skn_link *link, enum skn_rc rc);

/* The operand at `index` as an address. SKN_EUSAGE: it has not the form of one. */
SKN_MUST_USE enum skn_rc
skn_link_address(struct skn_link *link, uint32_t index, struct skn_slice *out_address);

/* The value of an option that is a count; `otherwise` when it is not given. SKN_EUSAGE. */
SKN_MUST_USE enum skn_rc skn_link_count(struct skn_link *link,
                                        enum skn_option option,
                                        int64_t otherwise,
                                        int64_t *out_count);

/* A value as one line of JSON on standard output. */
void skn_link_print(struct skn_cli *cli, struct skn_value value);

/* Members of a map; 0, false or empty when they are not there. */
uint64_t skn_link_uint(struct skn_value map, const char *name);
bool skn_link_is_true(struct skn_value map, const char *name);

/* "2026-11-21T12:00:00.250Z" of a stamp. */
void skn_link_put_stamp(struct skn_buf *out, uint64_t stamp);
