/* engine_internal.h - what the parts of the engine share.
 *
 * Owns        requests that wait for their reply, watchers, tasks that run, answers not taken yet.
 * May include what node may.
 * Threads     the one that turns the engine.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "exec/exec.h"
#include "flow/flow.h"
#include "node/config_internal.h"
#include "node/domain_internal.h"
#include "node/engine.h"
#include "node/guard_internal.h"
#include "node/phase_internal.h"
#include "node/programs_internal.h"
#include "node/threads_internal.h"
#include "observe/observe.h"
#include "shard/shards.h"

enum {
    TASKS_AT_ONCE = 512,         /* programs; more wait for a place */
    GRACE_MS = 5000,             /* between SIGTERM and SIGKILL of a program */
    VIEW_EVERY_MS = 40,          /* a watcher sees a run at most so often, and its end at once */
    ANSWER_BYTES_MAX = 16 << 20, /* of one answer: a frame */
    TURNS_AT_ONCE = 16,          /* groups before the sockets are looked at again */
};

/* A request whose message was submitted: `number` comes back in the reply. */
struct pending {
    struct skn_list link;
    uint64_t number;
    uint64_t client;
    int64_t id;
    bool watch;
    bool is_silent; /* stop, leave: told and not asked */
    bool is_value;  /* what the domain answers is the answer */
    bool forgives;  /* and what died there is forgotten, when it is no refusal [E35] */
    struct skn_slice address;
    uint8_t bytes[];
};

struct watcher {
    struct skn_list link;
    uint64_t number; /* of the watcher: a look names it, since it may be gone by then */
    uint64_t client;
    int64_t id;
    bool is_dirty;
    bool is_looking;  /* its view is being made */
    uint64_t next_ms; /* not before */
    struct skn_slice address;
    uint8_t bytes[];
};

/* An attempt that runs, or waits for a place. */
struct task {
    struct skn_list link;
    uint64_t exec_id; /* 0 while it waits for a place */
    uint64_t number;
    uint32_t attempt;
    uint64_t epoch;
    uint8_t key[SKN_KEY_BYTES];
    bool is_cancelled;
    struct skn_slice address;
    struct skn_slice effect;
    uint8_t bytes[];
};

struct answer {
    struct skn_list link;
    uint64_t client;
    int64_t id; /* of the request */
    struct skn_buf json;
};

/* A run that this node works on. */
struct active {
    struct skn_list link;
    struct skn_slice address;
    uint8_t bytes[];
};

/* The files of contents, and those whose removal is asked for [E45]. */
struct engine_blobs {
    struct skn_blobs *files;  /* NULL until the first removal */
    struct skn_list removals; /* tasks that wait for the end of a backup */
    struct skn_list holds;    /* clients that make one */
    size_t page;              /* files that are looked up before the folder is read again */
    struct skn_buf found; /* hashes of the files at the opening, to be looked up: so many of them */
    size_t looked, under_way; /* bytes of them; looks */
    bool has_more;            /* files behind the last of them */
    struct skn_buf failed;    /* hashes that could not be looked up: again at `again_ms` */
    uint64_t again_ms;
};

/* The keys of `secrets` in skein.yaml [E46]. Older rings are kept: shards may still look at them. */
struct sealing_keys {
    struct skn_keyring **rings; /* owns them; the last one is in use */
    size_t count;
    struct skn_diag why; /* it has no keys, or could not get others */
};

struct skn_engine {
    struct skn_env *env;
    struct skn_shards *shards;
    struct skn_backend *backend;
    struct skn_threads *threads; /* NULL when read only */
    bool is_read_only;
    uint64_t history_ms;           /* how far back can be looked; 0: off */
    struct skn_core_limits limits; /* that were set; zero: the default */
    struct skn_spawner *spawner;
    struct skn_phases phases;
    struct skn_guard_file *guard; /* NULL when read only */
    struct notes *notes;          /* NULL when read only */
    uint64_t now_ms;              /* wall clock of the last turn, for log lines */
    uint64_t opened_ns;           /* monotonic */
    const char *version;          /* of the program */
    char *data_dir, *project_dir;
    struct sealing_keys keys;
    struct engine_blobs blobs;
    struct skn_list pending, watchers, tasks, waiting, answers, active, looks, asks, tracers;
    struct answer *given;
    uint64_t next_number, next_exec;
    size_t running;
    bool has_more;
    struct skn_json_writer writer;
    struct skn_buf scratch, address;
};

/* --- look.c: rows are read on the thread of their shard ------------------------------------------ */

struct ask;
struct found;

/* One look at one shard. What it finds is in `json` or `one`; `after` is how far it came, for one that
 * goes through many domains: it is run again where it stood. */
struct look {
    struct skn_list link; /* in engine->looks */
    struct skn_call call;
    struct skn_engine *engine;
    struct ask *ask; /* whoever asked; NULL for a watcher's */
    void (*done)(struct look *look);
    struct skn_slice address; /* of the domain, into `bytes` */
    struct skn_buf json, after;
    struct skn_json_writer writer;
    struct skn_run_info info;
    struct found *one;
    struct domain_part part;
    const struct skn_keyring *keys; /* request_secret.c */
    struct skn_core_sealing sealing;
    uint64_t number; /* of a watcher */
    int64_t id;      /* of the request that is answered */
    bool is_held;
    bool is_there;
    uint8_t bytes[];
};

/* A look at the shard of `address`, or at `shard` when that is empty; then it is started. */
struct look *
engine_look_new(struct skn_engine *e,
                struct skn_slice address,
                uint32_t shard,
                enum skn_rc (*fn)(struct skn_call *, struct skn_core *, struct skn_store *),
                void (*done)(struct look *),
                struct ask *ask) SKN_MUST_USE;
void engine_look_start(struct look *look);
/* The shards are gone: what was found so far goes too. */
void engine_look_abandon(struct look *look);
/* One that came back: `done`, then it is freed. */
void engine_looked(struct skn_call *call);
struct look *engine_look_of(struct skn_call *call);
bool engine_is_held(const struct skn_core *core, struct skn_slice address);

/* --- find.c: all runs --------------------------------------------------------------------------- */

/* Runs that go on at once are active from the start: the holder does not leave them. */
void engine_find_active(struct skn_engine *e);

/* --- answer.c --------------------------------------------------------------------------------- */

/* Begins {"type": .., "id": ..; the caller adds members and ends it. */
struct skn_json_writer *
engine_answer_begin(struct skn_engine *e, uint64_t client, int64_t id, const char *type);
void engine_answer_end(struct skn_engine *e);
/* Takes back what was begun. */
void engine_answer_drop(struct skn_engine *e);
void engine_answer_error(
    struct skn_engine *e, uint64_t client, int64_t id, enum skn_rc rc, const char *text);
void engine_watch(struct skn_engine *e, uint64_t client, int64_t id, struct skn_slice address);
/* A run changed: who watches it will see it, and it is active or not. */
void engine_run_changed(struct skn_engine *e, struct skn_slice address, enum skn_run_status status);
/* Sends what is due; gives the milliseconds until the next, or -1. */
int engine_show_changes(struct skn_engine *e, uint64_t now_ms);
/* One that was made elsewhere: a whole JSON object, copied. */
void engine_answer_json(struct skn_engine *e, uint64_t client, struct skn_slice json);
/* The answer {"type": "value", "id": `id`, "value": `json`}. */
void engine_answer_value(struct skn_engine *e, uint64_t client, int64_t id, struct skn_slice json);
/* The beginning of every answer: {"type": .., "id": .. */
void engine_answer_head(struct skn_json_writer *w, const char *type, int64_t id);

/* --- trace.c: live looks at what a domain does ------------------------------------------------------ */

struct tracer;

/* Gives a client what its domain did since it last asked; when nothing did, the answer waits until
 * something does. The first time it is empty: from then on nothing is missed. */
void engine_trace(struct skn_engine *e, uint64_t client, int64_t id, struct skn_slice address);
/* A traced domain handled a message. */
void engine_traced(struct skn_engine *e, const struct skn_output *output);
/* `client` 0: everybody, and the shards are gone. */
void engine_trace_end(struct skn_engine *e, uint64_t client);

/* --- request.c --------------------------------------------------------------------- */

void engine_reply(struct skn_engine *e, const struct skn_output *output);

/* --- task.c --------------------------------------------------------------------------------------- */

/* Removes the folders of programs that no longer run. */
void engine_tmp_clear(struct skn_engine *e);
void engine_perform(struct skn_engine *e, const struct skn_output *output);
/* A copy of an attempt that is to be performed; the caller frees it. */
struct task *engine_task_make(const struct skn_output *output);
void engine_cancel(struct skn_engine *e, const struct skn_output *output);
/* Takes what the spawner says. An error when it died. */
SKN_MUST_USE enum skn_rc engine_tasks_turn(struct skn_engine *e, struct skn_diag *diag);

/* A text of its effect, such as its path. */
struct skn_slice engine_task_text(const struct task *task, const char *name);

/* --- blobs.c: contents [E45] --------------------------------------------------------------------------- */

void engine_blobs_init(struct skn_engine *e);
void engine_blobs_fini(struct skn_engine *e);
/* An opening: temporary files go, and each file is looked up by and by; one that no row knows is
 * condemned. */
SKN_MUST_USE enum skn_rc engine_blobs_open(struct skn_engine *e, struct skn_diag *diag);
void engine_blobs_turn(struct skn_engine *e);
/* True: the effect is the removal of a file, and its result comes. */
bool engine_blobs_perform(struct skn_engine *e, const struct skn_output *output);
/* No file goes before `client` is gone. */
void engine_blobs_hold(struct skn_engine *e, uint64_t client);
void engine_blobs_client_gone(struct skn_engine *e, uint64_t client);
bool engine_blobs_idle(const struct skn_engine *e);
/* The file could not be looked up: it is tried again in a minute. */
void engine_blobs_try_again(struct skn_engine *e, const uint8_t *hash);
/* Until then; -1: nothing is. */
int engine_blobs_wait_ms(const struct skn_engine *e);
/* It wants a turn at once. */
bool engine_blobs_due(const struct skn_engine *e);

/* --- request_secret.c: sealing keys ------------------------------------------------------------------ */

/* Reads those that the config names; where that fails the last ones stay, and `why` says it. */
enum skn_rc engine_keys_load(struct skn_engine *e, const struct skn_config *config);
const struct skn_keyring *engine_keys(const struct skn_engine *e);
void engine_keys_fini(struct skn_engine *e);

/* --- note.c: counts and log lines; the engine works the same without ------------------------------- */

void engine_notes_open(struct skn_engine *e);
void engine_notes_close(struct skn_engine *e);
void engine_note_opened(struct skn_engine *e, uint64_t began_ns);
/* The poison guard with its file; what it found is noted [E35]. */
void engine_guard_open(struct skn_engine *e);
/* The sealing keys could not be read: keys.why. */
void engine_note_keys(struct skn_engine *e);
void engine_note_turn(struct skn_engine *e);
/* A message went to the dead letters, and why. */
void engine_note_fault(struct skn_engine *e, const struct skn_output *output);
void engine_note_run(struct skn_engine *e, struct skn_slice address, enum skn_run_status status);
void engine_note_started(struct skn_engine *e, const struct task *task);
void engine_note_ended(struct skn_engine *e,
                       const struct task *task,
                       const struct skn_exec_event *event,
                       enum skn_attempt_status status,
                       struct skn_slice reason);
/* Every metric as Prometheus text. */
void engine_metrics(struct skn_engine *e, struct skn_buf *out);
