/* node.h - a project, the process that holds its data, and how every other process talks to it.
 *
 * Owns        project discovery, the data directory with its lock and socket, the holder's loop and
 *             the client's side of it.
 * May include base, value, env.
 * Threads     a project is plain data; a client belongs to the thread that opened it; a holder is
 *             one loop on the thread that runs it.
 * Invariants
 *   1. At most one process holds a data directory for writing; it has the lock of `.skein/lock`
 *      exclusively. Whoever reads without it has the lock shared [E80].
 *   2. A client never waits for a lock or a socket longer than SKN_HOLD_WAIT_MS.
 *   3. A slow or silent client never delays the holder or another client.
 */
#pragma once

#include "base/arena.h"
#include "base/base.h"
#include "base/diag.h"
#include "base/rc.h"
#include "base/slice.h"
#include "value/value.h"

struct skn_env;
struct skn_journal_info;

enum {
    SKN_HOLD_WAIT_MS = 10000, /* for a lock whose holder serves no socket [E80] */
    SKN_CLIENTS_MAX = 64,     /* connections of one holder; the next is told to come again */
};

/* --- the project ------------------------------------------------------------------------------ */

struct skn_project {
    const char *root;      /* absolute, without symbolic links */
    const char *data_path; /* root/.skein */
    bool has_config;       /* root/skein.yaml is there; false: a lone file or folder */
};

/* The project of a file or folder: the nearest folder upward with skein.yaml. Without one it is the
 * folder itself, so a lone file keeps its data beside it. SKN_ENOENT: nothing has this path.
 * SKN_EPERM: the skein.yaml that was found belongs to somebody else, whose programs it would run. */
SKN_MUST_USE enum skn_rc skn_project_find(struct skn_arena *arena,
                                          const char *path,
                                          struct skn_project *out_project,
                                          struct skn_diag *diag);

/* The project that the user named: `folder` or one above it has skein.yaml, whoever owns it, or
 * `folder` itself has data. SKN_ENOENT otherwise. */
SKN_MUST_USE enum skn_rc skn_project_named(struct skn_arena *arena,
                                           const char *folder,
                                           struct skn_project *out_project,
                                           struct skn_diag *diag);

/* Whether anything was ever run here. */
bool skn_project_has_data(const struct skn_project *project);

/* For whoever reads the files of a data directory itself, a copy of one too: keeps writers out until
 * `out_fd` is closed; -1 when it never had a holder. Waits for a holder to end. SKN_EBUSY: it did not
 * within SKN_HOLD_WAIT_MS. */
SKN_MUST_USE enum skn_rc
skn_data_lock_shared(const char *data_path, int *out_fd, struct skn_diag *diag);

/* Checks everything that a data directory stores, journal and rows; changes nothing. The caller keeps
 * writers out. SKN_ECORRUPT, SKN_EFOREIGN, SKN_ENEWER and SKN_EIO name the file or what does not fit;
 * SKN_ENOENT: there is no journal. `out_info` may be NULL. */
SKN_MUST_USE enum skn_rc skn_data_verify(struct skn_env *env,
                                         const char *data_path,
                                         struct skn_journal_info *out_info,
                                         struct skn_diag *diag);
/* The same for the files of contents [E45]: one that rows say is there, and is not or is another, is
 * SKN_ECORRUPT, and so is a row that names a content which does not count it, or was never stored. */
struct skn_data_blobs {
    uint64_t count, bytes;
};
SKN_MUST_USE enum skn_rc skn_data_verify_blobs(struct skn_env *env,
                                               const char *data_path,
                                               struct skn_data_blobs *out_blobs,
                                               struct skn_diag *diag);
/* The same for what is kept for looking back [E70]. */
struct skn_data_history {
    uint64_t bases;   /* whole ones; 0: nothing is kept */
    uint64_t records; /* from the oldest of them on */
};
SKN_MUST_USE enum skn_rc skn_data_verify_history(struct skn_env *env,
                                                 const char *data_path,
                                                 struct skn_data_history *out_history,
                                                 struct skn_diag *diag);
/* SKN_ECORRUPT when there is a store and no journal: nothing may be made anew there then. */
SKN_MUST_USE enum skn_rc
skn_data_check_journal(struct skn_env *env, const char *data_path, struct skn_diag *diag);
/* What to say of a missing store beside a trimmed journal. */
enum skn_rc skn_data_store_is_gone(const char *store, struct skn_diag *diag);

/* The result code for what a system call said. */
enum skn_rc skn_rc_of_errno(int error);

/* --- the holder ------------------------------------------------------------------------------- */

struct skn_holder_options {
    struct skn_env *env;
    const struct skn_project *project; /* its data directory is made when it is not there */
    int ready_fd;                      /* told once when it serves or why not, then closed; or -1 */
    uint32_t linger_ms;                /* how long it stays without work and clients */
    const char *version;               /* of the program, a literal; may be NULL */
};

/* Holds the project's data and serves until it is idle, or SIGTERM or SIGINT comes. SKN_OK too when
 * another process holds it and serves. SKN_EBUSY: another holds it for SKN_HOLD_WAIT_MS and does
 * not serve. Otherwise what opening or turning the engine said. */
SKN_MUST_USE enum skn_rc skn_holder_run(const struct skn_holder_options *options,
                                        struct skn_diag *diag);

/* --- the client ------------------------------------------------------------------------------- */

struct skn_client;

struct skn_client_options {
    struct skn_env *env;
    const struct skn_project *project;
    bool write; /* start a holder when there is none; false: read without one */
};

/* Reaches the holder of a project. Without one: to write, starts one in the background, which is
 * this program with the argument `_hold`; to read, opens the data itself. SKN_ENOENT: nothing was
 * ever run here. SKN_EBUSY: held by a process that does not answer. */
SKN_MUST_USE enum skn_rc skn_client_open(const struct skn_client_options *options,
                                         struct skn_client **out_client,
                                         struct skn_diag *diag);
void skn_client_close(struct skn_client *client);

/* To poll for reading; -1 when the answers are there at once. It changes when the holder does. */
int skn_client_fd(const struct skn_client *client);

struct skn_start_request {
    struct skn_slice graph;  /* skn_graph_encode */
    struct skn_slice flow;   /* name of the file */
    struct skn_slice source; /* its text */
    struct skn_slice inputs; /* a JSON object */
    struct skn_slice name;   /* may be empty */
    struct skn_slice labels; /* a JSON object */
    bool watch;
};

/* One request at a time: each takes the place of the one before. It is sent again to the next holder
 * when this one goes away without having answered; `start` with the same request id, so that it
 * starts one run. SKN_ETOOLARGE: it does not fit a frame. */
SKN_MUST_USE enum skn_rc skn_client_start(struct skn_client *client,
                                          const struct skn_start_request *request,
                                          struct skn_diag *diag);
SKN_MUST_USE enum skn_rc skn_client_resume(struct skn_client *client,
                                           struct skn_slice run,
                                           bool watch,
                                           struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
skn_client_list(struct skn_client *client, bool all, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
skn_client_show(struct skn_client *client, struct skn_slice run, struct skn_diag *diag);

/* What is asked about domains and about the node; each kind reads its members. One answer of the type
 * SKN_ANSWER_VALUE comes. */
enum skn_query_kind {
    SKN_QUERY_DOMAINS,      /* address: a prefix; after, domain_type, faulted, limit */
    SKN_QUERY_DOMAIN,       /* address; after (a key), limit; or has_key and key */
    SKN_QUERY_SEND,         /* address, name, payload, priority, id, secrets */
    SKN_QUERY_TAKE_UP,      /* address */
    SKN_QUERY_REDELIVER,    /* address; letter, 0: all; closes: they are thrown away */
    SKN_QUERY_REMOVE,       /* address */
    SKN_QUERY_TRACE,        /* address; asked again for each page of events */
    SKN_QUERY_CLOCK,        /* ms */
    SKN_QUERY_ACCEPT_CLOCK, /* follows the wall clock if the node's waits for that [E50] */
    SKN_QUERY_STATUS,
    SKN_QUERY_SECRETS, /* which keys there are, and which one seals [E46] */
    SKN_QUERY_ROTATE,  /* reads the keys anew; the first of them seals from then on */
    SKN_QUERY_BLOB, /* address of a content's domain, name, payload: a step of storing it [E45] */
    SKN_QUERY_BLOB_HOLD,  /* no content's file goes before this client is gone */
    SKN_QUERY_BLOB_NAMES, /* address, likewise: the rows that name it, at most 100 */
};

/* A member of the payload that becomes a secret. */
struct skn_query_secret {
    struct skn_slice name, text;
};

struct skn_query {
    enum skn_query_kind kind;
    struct skn_slice address, name, key, after, domain_type, priority, id;
    struct skn_slice payload;               /* JSON text; empty: null */
    const struct skn_query_secret *secrets; /* SKN_QUERY_SEND; borrowed */
    size_t secret_count;
    bool has_key, faulted, closes;
    int64_t limit, ms, letter;
};

SKN_MUST_USE enum skn_rc
skn_client_query(struct skn_client *client, const struct skn_query *query, struct skn_diag *diag);

enum { SKN_NEW_ID_BYTES = 33 };
/* A request id that nobody had before, as text with its NUL. */
SKN_MUST_USE enum skn_rc skn_client_new_id(char out[SKN_NEW_ID_BYTES], struct skn_diag *diag);

/* A copy of the rows in `dir`, made by the holder, which then trims nothing from the journal for a
 * minute, or until it is told that it may. */
SKN_MUST_USE enum skn_rc
skn_client_snapshot(struct skn_client *client, const char *dir, struct skn_diag *diag);

/* Told and not asked: no answer comes, and the request before goes on. */
SKN_MUST_USE enum skn_rc
skn_client_stop(struct skn_client *client, struct skn_slice run, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc
skn_client_leave(struct skn_client *client, struct skn_slice run, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc skn_client_snapshot_end(struct skn_client *client, struct skn_diag *diag);

enum skn_answer_type {
    SKN_ANSWER_ACCEPTED,
    SKN_ANSWER_RUN,
    SKN_ANSWER_LIST,
    SKN_ANSWER_SNAPSHOT,
    SKN_ANSWER_VALUE,
};

struct skn_answer {
    enum skn_answer_type type;
    bool last; /* nothing more comes for this request */
    struct skn_value
        value; /* the run's id or view, the list of views, the folder, what was asked */
};

/* The next answer, borrowed until the next call. SKN_ELATER: none now. Otherwise what the holder
 * answered, or why it cannot be reached any more. May wait for a new holder. */
SKN_MUST_USE enum skn_rc
skn_client_next(struct skn_client *client, struct skn_answer *out_answer, struct skn_diag *diag);
