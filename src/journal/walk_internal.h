/* walk_internal.h - one segment under the eye: its groups one after the other, and how it ends.
 *
 * Owns        the window's buffer, until skn_jwindow_fini.
 * May include base, env.
 * Threads     none.
 */
#pragma once

#include "journal/scan_internal.h"
#include "journal/window_internal.h"

struct skn_jwalk {
    struct skn_jscan *scan;
    struct skn_jscan_segment *segment;
    struct skn_jwindow window;
    uint64_t limit;    /* from this number on the group is read in a later generation; 0: none */
    uint64_t expected; /* number of the next group */
    uint64_t at;       /* its place */
};

/* Damage at an offset of the segment under the walk; a failure with the place in front. */
#define SKN_JDAMAGE(walk, offset, diag, ...) \
    ((void)SKN_CORRUPT((diag), __VA_ARGS__), skn_jwalk_locate((walk), (offset), (diag)))

/* Puts the place in front of what `diag` says; gives SKN_ECORRUPT. */
enum skn_rc skn_jwalk_locate(const struct skn_jwalk *walk, uint64_t offset, struct skn_diag *diag);

enum skn_jfound {
    SKN_JFOUND_GROUP,
    SKN_JFOUND_END,  /* of the file */
    SKN_JFOUND_ZERO, /* a sector of zeros */
    SKN_JFOUND_BAD_BODY,
    SKN_JFOUND_BAD_HEAD,
};

/* What stands at the place of the next group. `out_bytes` is the group, or its first sector. */
SKN_MUST_USE enum skn_rc skn_jwalk_look(struct skn_jwalk *walk,
                                        enum skn_jfound *out_found,
                                        struct skn_jf_group *out_group,
                                        struct skn_slice *out_bytes,
                                        struct skn_diag *diag);

/* Whether the header belongs where it stands; the number is the caller's to compare. */
bool skn_jwalk_is_at_home(const struct skn_jwalk *walk,
                          const struct skn_jf_group *group,
                          uint64_t offset);

/* From `from` to the end of the segment: the end of the last sector that is not zero (`from` when
 * all are), and where a group of a header that is right stands at a boundary, 0: nowhere. */
SKN_MUST_USE enum skn_rc skn_jwalk_survey(struct skn_jwalk *walk,
                                          uint64_t from,
                                          uint64_t *out_used,
                                          uint64_t *out_group_at,
                                          struct skn_diag *diag);

/* A whole group with the expected number: its records are checked [E3] and replayed. */
SKN_MUST_USE enum skn_rc skn_jwalk_accept(struct skn_jwalk *walk,
                                          const struct skn_jf_group *group,
                                          struct skn_slice bytes,
                                          struct skn_diag *diag);

/* All groups of one segment, and what stands behind them. */
SKN_MUST_USE enum skn_rc
skn_jwalk_segment(struct skn_jwalk *walk, bool is_last, bool next_is_newer, struct skn_diag *diag);

/* Gives what a dump is to see, where there is one (dump.c). */
SKN_MUST_USE enum skn_rc skn_jdump_segment(const struct skn_jwalk *walk, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc skn_jdump_group(const struct skn_jwalk *walk,
                                         const struct skn_jf_group *group,
                                         bool is_whole,
                                         struct skn_diag *diag);
SKN_MUST_USE enum skn_rc skn_jdump_record(const struct skn_jwalk *walk,
                                          const struct skn_record *record,
                                          uint64_t offset,
                                          const struct skn_jf_hash *prev,
                                          const struct skn_jf_hash *hash,
                                          struct skn_diag *diag);

/* The header of one segment against its file, its name and the superblock. */
SKN_MUST_USE enum skn_rc skn_jscan_read_head(struct skn_jscan *scan,
                                             uint64_t number,
                                             struct skn_jf_segment *out_head,
                                             struct skn_diag *diag);

/* The number with which the generation after that of segment `i` begins; 0: there is none. */
uint64_t skn_jscan_limit(const struct skn_jscan *scan, size_t i);

/* With an archive: super.oldest becomes the first segment there from which on none is missing; and
 * when the headers have been read, super.oldest_group the number of the first group in it. */
SKN_MUST_USE enum skn_rc skn_jscan_find_archive(struct skn_jscan *scan, struct skn_diag *diag);
SKN_MUST_USE enum skn_rc skn_jscan_first_of_archive(struct skn_jscan *scan, struct skn_diag *diag);

/* A segment behind the newest one that the superblock names: nothing that it lacks is in it. */
SKN_MUST_USE enum skn_rc
skn_jscan_check_newer(struct skn_jscan *scan, uint64_t number, struct skn_diag *diag);

/* Without a superblock: SKN_ENOENT, unless something is there that must not be written over. */
SKN_MUST_USE enum skn_rc skn_jscan_check_no_super(struct skn_jscan *scan, struct skn_diag *diag);
