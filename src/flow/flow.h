/* flow.h - runs: a domain that walks the graph of a flow.
 *
 * Owns        the program `Run`, the meaning of its rows, and how a run is shown.
 * May include base, value, lang/pointy, core.
 * Threads     the one that owns the shard. No clock, no disk, no network.
 * Invariants
 *   1. A context's key is the path to it, so key order is tree order and everything inside a
 *      context is one range [E60].
 *   2. A body that is walked has a `B` row, a unit that is not final has an `F` row; nothing else
 *      says that a run still has something to do.
 *   3. What a run was started with (graph, inputs) never changes (P11).
 *
 * The domain's address is "<scope>:Run/<id>". Messages:
 *   start   {graph: bytes of skn_graph_encode, flow, name, labels: {..}, inputs: {..}}
 *           answers the address; a second start is SKN_EEXIST
 *   stop    starts nothing more; when nothing runs the run is interrupted and can be resumed
 *   leave   the same, and what runs is cut off now
 *   resume  goes on with an interrupted run
 */
#pragma once

#include "base/buf.h"
#include "base/diag.h"
#include "core/core.h"
#include "value/json.h"

extern const struct skn_program skn_flow_program;

/* The parts of an exec task's effect, a map in the intent:
 *   argv     list of strings, as the event says
 *   stdin    the inputs, a map
 *   timeout  int, ms per attempt; 0 none
 *   event    name; path of the context; run, the id
 *   outcomes list of strings, where the event declares some [F10]
 *   outcome_when  list of expressions and outcomes in turn; success_when  an expression [F30b]
 *   outputs  a map of declarations, of those outputs that say more than a type [F31] */
#define SKN_FLOW_EFFECT_ARGV         "argv"
#define SKN_FLOW_EFFECT_STDIN        "stdin"
#define SKN_FLOW_EFFECT_TIMEOUT      "timeout"
#define SKN_FLOW_EFFECT_EVENT        "event"
#define SKN_FLOW_EFFECT_PATH         "path"
#define SKN_FLOW_EFFECT_OUTCOMES     "outcomes"
#define SKN_FLOW_EFFECT_OUTCOME_WHEN "outcome_when"
#define SKN_FLOW_EFFECT_SUCCESS_WHEN "success_when"
#define SKN_FLOW_EFFECT_OUTPUTS      "outputs"

/* How an attempt ended whose program exited well and gave `value`: what is to be reported to the core.
 * The reason of a success is the outcome that it named, or else the one whose expression is true; empty for
 * plain success. It is a failure where success_when is not true, or an expression says nothing. A plain success whose
 * value does not fit the words of the outputs is a failure [F31]; `why` is then its reason. Borrows from
 * all three; any thread. */
struct skn_flow_verdict {
    enum skn_attempt_status status;
    struct skn_slice reason;
    struct skn_value value;
};
struct skn_flow_verdict
skn_flow_judge(struct skn_value effect, struct skn_value value, struct skn_buf *why) SKN_MUST_USE;

/* The id in the address of a run; empty when it is none. */
struct skn_slice skn_flow_run_id(struct skn_slice address);

/* Where the log of an attempt is, relative to the directory of logs:
 * "<run>/<path>.<number>-<key>.log". The key's first digits tell the attempts of the groups around it
 * apart; a long path is cut, since a file's name may have 255 bytes. */
void skn_flow_log_name(struct skn_slice run_id,
                       struct skn_slice path,
                       uint32_t attempt,
                       const uint8_t key[SKN_KEY_BYTES],
                       struct skn_buf *out);

enum skn_run_status {
    SKN_RUN_RUNNING = 1,
    SKN_RUN_STOPPING = 2,
    SKN_RUN_INTERRUPTED = 3,
    SKN_RUN_SUCCEEDED = 4,
    SKN_RUN_FAILED = 5,
};

struct skn_run_info {
    enum skn_run_status status;
    uint64_t started_ms;
    struct skn_slice name; /* as given, may be empty; borrowed from the store */
};

/* Where a run stands. `is_held`: nobody works on it, so a run that would be running is
 * interrupted. SKN_ENOENT: no such run. */
SKN_MUST_USE enum skn_rc skn_flow_info(struct skn_store *store,
                                       struct skn_slice address,
                                       bool is_held,
                                       struct skn_run_info *out,
                                       struct skn_diag *diag);

/* Writes the run view of doc/json.md into `w`, one JSON object. When it fails, SKN_ELATER too, what
 * was written is of no use and has no end. */
SKN_MUST_USE enum skn_rc skn_flow_view(struct skn_store *store,
                                       struct skn_slice address,
                                       bool is_held,
                                       bool with_contexts,
                                       struct skn_json_writer *w,
                                       struct skn_diag *diag);
