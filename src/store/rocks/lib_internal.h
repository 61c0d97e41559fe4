/* lib_internal.h - librocksdb, loaded when it is needed.
 *
 * Owns        nothing: the library stays loaded until the process ends, since its threads and
 *             thread-local destructors do not survive being unloaded.
 * Threads     any.
 */
#pragma once

#include "base/base.h"
#include "base/diag.h"

#include <rocksdb/c.h>

/* Everything that is called; each name is a function rocksdb_NAME of rocksdb/c.h. */
#define SKN_ROCKS_CALLS(X)                   \
    X(open)                                  \
    X(open_for_read_only)                    \
    X(close)                                 \
    X(free)                                  \
    X(write)                                 \
    X(flush)                                 \
    X(get_pinned)                            \
    X(pinnableslice_value)                   \
    X(pinnableslice_destroy)                 \
    X(create_iterator)                       \
    X(iter_destroy)                          \
    X(iter_valid)                            \
    X(iter_seek)                             \
    X(iter_next)                             \
    X(iter_key)                              \
    X(iter_value)                            \
    X(iter_get_error)                        \
    X(options_create)                        \
    X(options_destroy)                       \
    X(options_set_create_if_missing)         \
    X(options_set_db_log_dir)                \
    X(options_set_block_based_table_factory) \
    X(get_options_from_string)               \
    X(block_based_options_create)            \
    X(block_based_options_destroy)           \
    X(block_based_options_set_block_cache)   \
    X(block_based_options_set_filter_policy) \
    X(cache_create_lru)                      \
    X(cache_destroy)                         \
    X(filterpolicy_create_bloom_full)        \
    X(readoptions_create)                    \
    X(readoptions_destroy)                   \
    X(readoptions_set_verify_checksums)      \
    X(readoptions_set_fill_cache)            \
    X(readoptions_set_read_tier)             \
    X(readoptions_set_readahead_size)        \
    X(readoptions_set_iterate_upper_bound)   \
    X(readoptions_set_total_order_seek)      \
    X(readoptions_set_prefix_same_as_start)  \
    X(slicetransform_create)                 \
    X(options_set_prefix_extractor)          \
    X(writeoptions_create)                   \
    X(writeoptions_destroy)                  \
    X(writeoptions_disable_WAL)              \
    X(flushoptions_create)                   \
    X(flushoptions_destroy)                  \
    X(flushoptions_set_wait)                 \
    X(writebatch_create)                     \
    X(writebatch_destroy)                    \
    X(writebatch_put)                        \
    X(writebatch_putv)                       \
    X(writebatch_delete)                     \
    X(writebatch_deletev)                    \
    X(checkpoint_object_create)              \
    X(checkpoint_object_destroy)             \
    X(checkpoint_create)

struct skn_rocks_lib {
#define X(name) __typeof__(&rocksdb_##name) name;
    SKN_ROCKS_CALLS(X)
#undef X
};

/* SKN_ECONFIG says what to install. */
SKN_MUST_USE enum skn_rc skn_rocks_lib_load(struct skn_rocks_lib *out_lib, struct skn_diag *diag);
/* The same from a file of another name, for the test of the failure. */
SKN_MUST_USE enum skn_rc
skn_rocks_lib_load_from(const char *soname, struct skn_rocks_lib *out_lib, struct skn_diag *diag);
