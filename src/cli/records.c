/* records.c - the records of a journal as a command shows them. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/records_internal.h"

#include "base/mem.h"
#include "cli/cli_internal.h"
#include "cli/load_internal.h"
#include "store/store.h"

#include <string.h>
#include <sys/stat.h>

struct mail {
    struct skn_omap_node node;
    struct skn_message message; /* without its payload; its texts stand in `bytes` */
    uint8_t bytes[];
};

void skn_mails_init(struct skn_mails *mails)
{
    skn_omap_init(&mails->map);
}

static void drop(struct skn_mails *mails, struct skn_slice key)
{
    struct skn_omap_node *node = skn_omap_find(&mails->map, key);
    if (!node) return;
    skn_omap_remove(&mails->map, node);
    skn_free(SKN_CONTAINER_OF(node, struct mail, node));
}

void skn_mails_fini(struct skn_mails *mails)
{
    struct skn_omap_node *node;
    while ((node = skn_omap_first(&mails->map)))
        drop(mails, node->key);
}

static struct skn_slice copy(uint8_t **at, struct skn_slice text)
{
    if (text.len > 0) memcpy(*at, text.ptr, text.len);
    struct skn_slice copied = skn_slice(*at, text.len);
    *at += text.len;
    return copied;
}

static void keep(struct skn_mails *mails, enum skn_key_kind kind, const struct skn_row_op *op)
{
    struct skn_message m;
    if (skn_look_mail(kind, op->value, &m, NULL) != SKN_OK) return;
    struct mail *mail =
        skn_alloc(sizeof *mail + op->key.len + m.sender.len + m.name.len + m.reason.len);
    uint8_t *at = mail->bytes;
    mail->node = (struct skn_omap_node){.key = copy(&at, op->key)};
    m.sender = copy(&at, m.sender);
    m.name = copy(&at, m.name);
    m.reason = copy(&at, m.reason);
    m.tag = (struct skn_slice){0};
    m.payload = skn_value_none();
    mail->message = m;
    drop(mails, op->key);
    SKN_ASSERT(!skn_omap_insert(&mails->map, &mail->node));
}

static void each_mail(struct skn_mails *mails, const struct skn_record *record, bool is_delete)
{
    struct skn_slice rest = record->batch;
    struct skn_row_op op;
    struct skn_key_info info;
    while (skn_batch_next(&rest, &op, NULL) == SKN_OK) {
        skn_key_read(op.key, &info);
        bool is_row = info.kind == SKN_KEY_MAIL || info.kind == SKN_KEY_DEAD;
        if (!is_row || op.is_delete != is_delete) continue;
        if (is_delete)
            drop(mails, op.key);
        else
            keep(mails, info.kind, &op);
    }
}

void skn_mails_take(struct skn_mails *mails, const struct skn_record *record)
{
    each_mail(mails, record, false);
}

void skn_mails_drop(struct skn_mails *mails, const struct skn_record *record)
{
    each_mail(mails, record, true);
}

bool skn_mails_message(const struct skn_mails *mails,
                       const struct skn_record *record,
                       struct skn_slice *out_address,
                       struct skn_message *out_message)
{
    struct skn_key_info info;
    *out_address = (struct skn_slice){0};
    enum skn_rc rc = skn_look_message(record, out_message, &info);
    if (rc == SKN_ECORRUPT) return false;
    if (!skn_look_handler(record, out_address)) *out_address = (struct skn_slice){0};
    if (rc == SKN_OK) return true;
    struct skn_omap_node *node = skn_omap_find(&mails->map, record->message);
    if (node) *out_message = SKN_CONTAINER_OF(node, struct mail, node)->message;
    return node != NULL;
}

/* --- pruned rows ------------------------------------------------------------------------------------ */

struct pruned {
    struct skn_omap_node node;
    uint64_t index; /* of the last record that pruned it */
    uint8_t bytes[];
};

void skn_pruned_init(struct skn_pruned *pruned)
{
    skn_omap_init(&pruned->map);
}

void skn_pruned_fini(struct skn_pruned *pruned)
{
    struct skn_omap_node *node;
    while ((node = skn_omap_drain(&pruned->map)))
        skn_free(SKN_CONTAINER_OF(node, struct pruned, node));
}

void skn_pruned_take(struct skn_pruned *pruned, const struct skn_record *record)
{
    struct skn_slice rest = record->batch;
    struct skn_row_op op;
    while (skn_batch_next(&rest, &op, NULL) == SKN_OK) {
        if (!op.is_delete || op.why != SKN_WHY_PRUNE) continue;
        struct skn_omap_node *node = skn_omap_find(&pruned->map, op.key);
        if (!node) {
            struct pruned *row = skn_alloc(sizeof *row + op.key.len);
            memcpy(row->bytes, op.key.ptr, op.key.len);
            row->node = (struct skn_omap_node){.key = skn_slice(row->bytes, op.key.len)};
            node = &row->node;
            SKN_ASSERT(!skn_omap_insert(&pruned->map, node));
        }
        SKN_CONTAINER_OF(node, struct pruned, node)->index = record->index;
    }
}

bool skn_pruned_has(const struct skn_pruned *pruned, struct skn_slice key, uint64_t index)
{
    struct skn_omap_node *node = skn_omap_find(&pruned->map, key);
    return node && SKN_CONTAINER_OF(node, struct pruned, node)->index >= index;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

enum skn_rc
skn_journal_find(struct skn_cli *cli, const char *dir, const char **out_path, struct skn_diag *diag)
{
    struct skn_project project;
    if (!dir) {
        const char *named = skn_args_value(&cli->args, SKN_OPTION_PROJECT);
        enum skn_rc rc = skn_load_project(&cli->arena, named, ".", &project, diag);
        if (rc != SKN_OK) return rc;
        dir = project.root;
    }
    *out_path = skn_arena_printf(&cli->arena, "%s/.skein/journal", dir);
    if (is_folder(*out_path)) return SKN_OK;
    *out_path = skn_arena_printf(&cli->arena, "%s/journal", dir);
    if (is_folder(*out_path)) return SKN_OK;
    if (!is_folder(dir)) return SKN_FAIL(diag, SKN_ENOENT, "there is no folder \"%s\"", dir);
    return SKN_FAIL(diag, SKN_ENOENT, "nothing was ever run in \"%s\"", dir);
}
