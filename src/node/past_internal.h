/* past_internal.h - journal, store and history of a data directory, as options to look at them.
 *
 * Owns        the paths; what it opened, until fini.
 * Threads     none.
 */
#pragma once

#include "node/dir_internal.h"
#include "shard/shards.h"

struct skn_past_files {
    struct skn_env *env;
    char *journal, *store, *history; /* folders */
    const char *data_path;           /* borrowed */
    bool is_copy;                    /* `store` is a copy of our own, removed by fini */
    struct skn_data_dir dir;         /* keeps writers out of the store while it is open */
    struct skn_backend *backend;     /* the store, when it was asked for */
};

void skn_past_files_init(struct skn_past_files *files, struct skn_env *env, const char *data_path);
void skn_past_files_fini(struct skn_past_files *files);

/* Borrows the files; for skn_shards_open_at and skn_shards_replay. */
struct skn_shards_options skn_past_files_options(struct skn_past_files *files);

/* Opens a base; for the options of an owner too. */
enum skn_rc skn_past_open_base(void *ctx,
                               const char *dir,
                               const struct skn_journal_info *info,
                               struct skn_backend **out_backend,
                               struct skn_diag *diag);
