/* record.c - events from a client, a log and rows, to the checkers and to a file. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crash/record.h"

#include "base/hash.h"
#include "core/look.h"
#include "env/env_real.h"
#include "lib/test.h"
#include "shard/shards.h"
#include "store/rocks/rocks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LANE = 2, LINE_MAX = 4096, MAILBOX = 10000 };

struct record {
    struct skn_checker *checker, *effects;
    FILE *file;
    struct skn_buf line;
    uint64_t events, began_ms, life;
    long log_at; /* how far the log was read */
    bool is_expected, is_broken;
    struct skn_diag diag;
};

static uint64_t clock_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct record *record_create(const char *path)
{
    struct record *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->checker = skn_checker_create();
    r->effects = skn_checker_create();
    r->file = path ? fopen(path, "w") : NULL;
    r->began_ms = clock_ms();
    skn_buf_init(&r->line, LINE_MAX);
    return r;
}

void record_destroy(struct record *r)
{
    if (!r) return;
    if (r->file) (void)fclose(r->file);
    skn_checker_destroy(r->checker);
    skn_checker_destroy(r->effects);
    skn_buf_fini(&r->line);
    free(r);
}

void record_expect(struct record *r)
{
    r->is_expected = true;
}

const char *record_broken(const struct record *r)
{
    return r->is_broken ? r->diag.text : NULL;
}

static void judge(struct record *r, struct skn_checker *checker, struct skn_history_event e)
{
    if (r->is_broken) return;
    e.at_ms = clock_ms() - r->began_ms;
    r->events++;
    r->is_broken = skn_checker_add(checker, &e, &r->diag) != SKN_OK;
    if (r->is_broken && !r->is_expected) fail_msg("%s", r->diag.text);
    if (!r->file || checker != r->checker) return;
    skn_buf_reset(&r->line);
    skn_history_print(&e, &r->line);
    (void)fprintf(r->file, "%.*s\n", (int)r->line.len, (const char *)r->line.ptr);
}

void record_event(struct record *r, const struct skn_history_event *event)
{
    judge(r, r->checker, *event);
}

void record_open(struct record *r)
{
    judge(r, r->checker, (struct skn_history_event){.kind = SKN_HISTORY_OPEN, .epoch = ++r->life});
}

void record_crash(struct record *r, const char *how)
{
    const struct skn_history_event e = {.kind = SKN_HISTORY_CRASH, .name = skn_slice_str(how)};
    judge(r, r->checker, e);
}

void record_end(struct record *r)
{
    judge(r, r->checker, (struct skn_history_event){.kind = SKN_HISTORY_END});
}

uint64_t record_events(const struct record *r)
{
    return r->events;
}

void record_flush(struct record *r)
{
    if (r->file) (void)fflush(r->file);
}

uint64_t record_hash(const char *text, size_t len)
{
    return skn_hash(skn_slice(text, len), 0, 0);
}

/* --- the log --------------------------------------------------------------------------------------- */

static bool read_key(const char *hex, uint8_t out[SKN_HISTORY_KEY_BYTES])
{
    for (size_t i = 0; i < SKN_HISTORY_KEY_BYTES; i++)
        if (sscanf(hex + 2 * i, "%2" SCNx8, &out[i]) != 1) return false;
    return true;
}

/* The attempts of one task; shards have epochs of their own, so each is a domain for itself. */
static void log_line(struct record *r, const char *line)
{
    struct skn_history_event e = {.kind = SKN_HISTORY_PERFORM, .id = SKN_LIT("program")};
    const char *key = strstr(line, " key="), *attempt = strstr(line, " attempt="),
               *epoch = strstr(line, " epoch=");
    if (strstr(line, "signal=node_opened") && epoch) {
        const struct skn_history_event open = {.kind = SKN_HISTORY_OPEN,
                                               .epoch = strtoull(epoch + 7, NULL, 10)};
        judge(r, r->effects, (struct skn_history_event){.kind = SKN_HISTORY_CRASH});
        judge(r, r->effects, open);
    }
    if (!strstr(line, "signal=attempt_started") || !key || !attempt || !epoch) return;
    if (!read_key(key + 5, e.key)) return;
    e.domain = skn_slice(key + 5, 2 * (size_t)SKN_HISTORY_KEY_BYTES);
    e.attempt = (uint32_t)strtoul(attempt + 9, NULL, 10);
    e.epoch = strtoull(epoch + 7, NULL, 10);
    judge(r, r->effects, e);
}

void record_log(struct record *r, const char *path)
{
    char line[LINE_MAX];
    FILE *file = fopen(path, "r");
    if (!file || fseek(file, r->log_at, SEEK_SET) != 0) fail_msg("no log in %s", path);
    while (fgets(line, sizeof line, file) && strchr(line, '\n')) {
        log_line(r, line);
        r->log_at = ftell(file);
    }
    (void)fclose(file);
}

/* --- rows ------------------------------------------------------------------------------------------- */

struct look {
    struct skn_call call;
    struct record *record;
    const struct skn_shards *shards;
    unsigned ledgers, floods;
    struct skn_diag diag;
};

static int64_t member(struct skn_slice value, const char *name)
{
    struct skn_value map = skn_value_view(value), found;
    if (!skn_value_is(map, SKN_T_MAP) || !skn_map_get(map, skn_slice_str(name), &found)) return -1;
    return skn_value_is(found, SKN_T_INT) ? skn_value_as_int(found) : -1;
}

static bool
has_int(struct skn_store *store, struct skn_slice at, struct skn_slice key, int64_t *out)
{
    struct skn_slice bytes;
    if (skn_core_get(store, at, key, &bytes, NULL) != SKN_OK) return false;
    *out = skn_value_as_int(skn_value_view(bytes));
    return true;
}

/* The ids of transfers begin with an m. */
static enum skn_rc look_at_ledger(struct look *l, struct skn_store *store, struct skn_slice at)
{
    char key[300] = "e", apart[64];
    struct skn_row row;
    struct skn_history_event total = {.kind = SKN_HISTORY_TOTAL, .domain = at};
    enum skn_rc rc;
    (void)snprintf(apart, sizeof apart, "%.*s+transfers", SKN_FMT(at));
    while ((rc = skn_core_next_row(store, at, SKN_LIT("e"), skn_slice_str(key), &row, &l->diag)) ==
           SKN_OK) {
        struct skn_history_event e = {.kind = SKN_HISTORY_ENTRY,
                                      .id = skn_slice_from(row.key, 1),
                                      .amount = member(row.value, "amount"),
                                      .count = (uint64_t)member(row.value, "count")};
        e.domain = e.id.len > 0 && e.id.ptr[0] == 'm' ? skn_slice_str(apart) : at;
        record_event(l->record, &e);
        /* The next key is the least one that is greater. */
        (void)snprintf(key, sizeof key, "%.*s\x01", SKN_FMT(row.key));
    }
    if (rc != SKN_ENOENT) return rc;
    if (has_int(store, at, SKN_LIT("t"), &total.amount)) record_event(l->record, &total);
    return SKN_OK;
}

static void look_at_flood(struct look *l, struct skn_store *store, unsigned n)
{
    char at[32], next[32], before[32], key[40];
    int64_t sent = 0, last = 0, disorder = 0;
    (void)snprintf(at, sizeof at, "t:Flood/f%u", n);
    (void)snprintf(next, sizeof next, "t:Flood/f%u", (n + 1) % l->floods);
    (void)snprintf(before, sizeof before, "t:Flood/f%u", (n + l->floods - 1) % l->floods);
    (void)snprintf(key, sizeof key, "n%s", before);
    struct skn_history_event e = {.kind = SKN_HISTORY_SENT,
                                  .domain = skn_slice_str(at),
                                  .id = skn_slice_str(next),
                                  .context = LANE};
    if (has_int(store, e.domain, SKN_LIT("sent"), &sent)) {
        e.count = (uint64_t)sent;
        record_event(l->record, &e);
    }
    if (!has_int(store, e.domain, skn_slice_str(key), &last)) return;
    (void)has_int(store, e.domain, SKN_LIT("disorder"), &disorder);
    e.kind = SKN_HISTORY_RECEIVED;
    e.id = skn_slice_str(before);
    e.count = (uint64_t)last;
    e.amount = disorder;
    record_event(l->record, &e);
}

static void look_at_mail(struct look *l, struct skn_store *store, struct skn_slice at)
{
    struct skn_look_domain found;
    if (skn_look_domain(store, at, &found, NULL) != SKN_OK) return;
    for (unsigned lane = 0; lane < SKN_PRIORITIES; lane++) {
        const struct skn_history_event e = {
            .kind = SKN_HISTORY_MAIL, .domain = at, .count = found.lanes[lane], .amount = MAILBOX};
        record_event(l->record, &e);
    }
}

static enum skn_rc look(struct skn_call *call, struct skn_core *core, struct skn_store *store)
{
    struct look *l = SKN_CONTAINER_OF(call, struct look, call);
    enum skn_rc rc = SKN_OK;
    (void)core;
    for (unsigned i = 0; rc == SKN_OK && i < l->ledgers + l->floods; i++) {
        bool is_ledger = i < l->ledgers;
        char text[32];
        (void)snprintf(text,
                       sizeof text,
                       is_ledger ? "t:Ledger/l%u" : "t:Flood/f%u",
                       is_ledger ? i : i - l->ledgers);
        struct skn_slice at = skn_slice_str(text);
        if (skn_shards_of(l->shards, at) != call->shard) continue;
        look_at_mail(l, store, at);
        if (is_ledger)
            rc = look_at_ledger(l, store, at);
        else
            look_at_flood(l, store, i - l->ledgers);
    }
    return rc;
}

struct stored {
    char journal[600], store[600];
    struct skn_backend *backend;
};

static enum skn_rc open_store(void *ctx,
                              const struct skn_journal_info *info,
                              struct skn_backend **out_backend,
                              struct skn_diag *diag)
{
    struct stored *s = ctx;
    struct skn_rocks_options options = {
        .env = skn_env_real(), .dir = s->store, .is_read_only = true};
    memcpy(options.store_id, info->store_id, sizeof options.store_id);
    enum skn_rc rc = skn_rocks_open(&options, &s->backend, diag);
    *out_backend = s->backend;
    return rc == SKN_ENOENT && !info->is_trimmed ? SKN_OK : rc;
}

static void look_at_all(struct look *l, struct skn_shards *shards)
{
    l->shards = shards;
    record_event(l->record, &(struct skn_history_event){.kind = SKN_HISTORY_OBSERVE});
    for (uint32_t i = 0; i < skn_shards_count(shards); i++) {
        struct skn_shards_event event;
        l->call = (struct skn_call){.fn = look, .shard = i};
        skn_shards_call(shards, &l->call);
        assert_true(skn_shards_next_event(shards, &event) && event.call == &l->call);
        if (l->call.rc != SKN_OK) fail_msg("shard %u: %s", i, l->diag.text);
    }
    record_event(l->record, &(struct skn_history_event){.kind = SKN_HISTORY_OBSERVED});
}

void record_rows(struct record *r, const char *data_dir, unsigned ledgers, unsigned floods)
{
    struct stored s = {.backend = NULL};
    struct look l = {.record = r, .ledgers = ledgers, .floods = floods};
    struct skn_shards *shards = NULL;
    struct skn_diag diag = {.text = ""};
    (void)snprintf(s.journal, sizeof s.journal, "%s/journal", data_dir);
    (void)snprintf(s.store, sizeof s.store, "%s/store", data_dir);
    const struct skn_shards_options options = {.env = skn_env_real(),
                                               .dir = s.journal,
                                               .open_store = open_store,
                                               .store_ctx = &s,
                                               .reads_whole = true};
    enum skn_rc rc = skn_shards_open_to_read(&options, &shards, &diag);
    bool is_bad = rc != SKN_OK && rc != SKN_ENOENT;
    if (is_bad && !r->is_expected) fail_msg("what it left cannot be opened: %s", diag.text);
    if (is_bad && !r->is_broken) r->diag = diag;
    r->is_broken |= is_bad;
    if (rc == SKN_OK) look_at_all(&l, shards);
    skn_shards_abandon(shards);
    skn_backend_destroy(s.backend);
}
