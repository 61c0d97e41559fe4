/* dump.c - shows everything that is in a journal, up to the damage if there is some. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "journal/read_internal.h"
#include "journal/walk_internal.h"

enum skn_rc skn_jdump_segment(const struct skn_jwalk *walk, struct skn_diag *diag)
{
    const struct skn_journal_dump_to *to = walk->scan->dump;
    const struct skn_jf_segment *head = &walk->segment->head;
    if (!to || !to->segment) return SKN_OK;
    const struct skn_journal_dump_segment segment = {
        .number = head->number,
        .generation = head->generation,
        .begins = head->begins,
        .first_group = walk->expected,
        .epoch = head->epoch,
        .length = head->length,
        .salt = head->salt,
    };
    return to->segment(to->ctx, &segment, diag);
}

enum skn_rc skn_jdump_group(const struct skn_jwalk *walk,
                            const struct skn_jf_group *group,
                            bool is_whole,
                            struct skn_diag *diag)
{
    const struct skn_journal_dump_to *to = walk->scan->dump;
    if (!to || !to->group) return SKN_OK;
    const struct skn_journal_dump_group shown = {
        .number = group->number,
        .generation = group->generation,
        .segment = group->segment,
        .offset = group->offset,
        .checksum = group->body_sum,
        .length = group->length,
        .records = group->records,
        .records_bytes = group->records_bytes,
        .zero_sectors = group->zero_sectors,
        .is_whole = is_whole,
        .is_sure = is_whole && group->number <= walk->scan->super.bound,
    };
    return to->group(to->ctx, &shown, diag);
}

enum skn_rc skn_jdump_record(const struct skn_jwalk *walk,
                             const struct skn_record *record,
                             uint64_t offset,
                             const struct skn_jf_hash *prev,
                             const struct skn_jf_hash *hash,
                             struct skn_diag *diag)
{
    const struct skn_journal_dump_to *to = walk->scan->dump;
    if (!to || !to->record) return SKN_OK;
    const struct skn_journal_dump_record shown = {
        .record = record,
        .group = walk->expected,
        .offset = offset,
        .length = (uint32_t)skn_jf_record_length(record),
        .prev_lo = prev->lo,
        .prev_hi = prev->hi,
        .hash_lo = hash->lo,
        .hash_hi = hash->hi,
    };
    return to->record(to->ctx, &shown, diag);
}

static bool is_damage(enum skn_rc rc)
{
    return rc == SKN_ECORRUPT || rc == SKN_EFOREIGN || rc == SKN_ENEWER;
}

/* It is damaged: from its beginning, as far as that goes. */
static enum skn_rc show_damaged(struct skn_jscan *scan, struct skn_diag *diag)
{
    enum skn_rc rc = skn_jscan_begin(scan, SKN_OPEN_READ, diag);
    return rc == SKN_OK ? skn_jscan_run(scan, diag) : rc;
}

enum skn_rc skn_journal_dump(struct skn_env *env,
                             const char *dir,
                             const struct skn_journal_dump_to *to,
                             struct skn_journal_info *out_info,
                             struct skn_diag *diag)
{
    struct skn_jscan scan = {.env = env, .dir = dir};
    enum skn_rc rc = skn_jread_look(&scan, diag);
    if (rc == SKN_OK) {
        /* All of it was looked at, so nothing is shown that only an owner at work made look odd. */
        scan.dump = to;
        rc = skn_jread_again(&scan, scan.last + 1, NULL, NULL, diag);
    } else if (is_damage(rc)) {
        skn_jscan_fini(&scan);
        scan = (struct skn_jscan){.env = env, .dir = dir, .dump = to};
        rc = show_damaged(&scan, diag);
    }
    if (rc == SKN_OK && out_info) *out_info = scan.info;
    skn_jscan_fini(&scan);
    return rc;
}
