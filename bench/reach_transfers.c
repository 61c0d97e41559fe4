/* reach_transfers.c - two-account transfers in turn with Tarantool, which syncs each commit. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "drive.h"
#include "reach_cases.h"

#include "base/rng.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ACCOUNTS = 10000, LEDGERS = 100, IN_FLIGHT = 256, TRANSFERS = 50000 };

/* --- ours: an account is a domain; or a ledger is one and holds accounts as rows -------------------- */

static int64_t sum_of(struct skn_cx *cx, struct skn_slice key)
{
    struct skn_slice row;
    return skn_cx_get(cx, key, &row) == SKN_OK ? skn_value_as_int(skn_value_view(row)) : 0;
}

static void add(struct skn_cx *cx, struct skn_slice key, int64_t amount)
{
    skn_cx_put_value(cx, key, skn_value_int(sum_of(cx, key) + amount));
}

/* A request is a debit, whose payload is the account that gets the money; a message is the credit.
 * The transfer is over when the credit is durable: then its signal leaves. */
static enum skn_rc
account_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    (void)diag;
    if (m->kind == SKN_MESSAGE_SEND) {
        add(cx, SKN_LIT("sum"), 1);
        skn_cx_signal(cx, SKN_LIT("over"), skn_value_int(1));
        return SKN_OK;
    }
    char to[64];
    int len =
        snprintf(to, sizeof to, "bench:Account/%lu", (unsigned long)skn_value_as_int(m->payload));
    add(cx, SKN_LIT("sum"), -1);
    skn_cx_send(
        cx, skn_slice(to, (size_t)len), SKN_PRIORITY_NORMAL, SKN_LIT("credit"), skn_value_int(1));
    return SKN_OK;
}

/* The payload is from * LEDGER_ROWS + to. */
enum { LEDGER_ROWS = ACCOUNTS / LEDGERS };

static enum skn_rc
ledger_handle(struct skn_cx *cx, void *warm, const struct skn_message *m, struct skn_diag *diag)
{
    (void)warm;
    (void)diag;
    int64_t both = skn_value_as_int(m->payload);
    uint8_t from = (uint8_t)(both / LEDGER_ROWS), to = (uint8_t)(both % LEDGER_ROWS);
    add(cx, skn_slice(&from, 1), -1);
    add(cx, skn_slice(&to, 1), 1);
    skn_cx_signal(cx, SKN_LIT("over"), skn_value_int(1));
    return SKN_OK;
}

static const struct skn_program account = {.type = "Account", .handle = account_handle};
static const struct skn_program ledger = {.type = "Ledger", .handle = ledger_handle};
static const struct skn_program *const programs[] = {&account, &ledger, NULL};

struct work {
    struct skn_reach *reach;
    struct skn_drive *drive;
    struct skn_rng rng;
    uint64_t n;
    bool is_ledger;
    FILE *to_peer, *from_peer;
    pid_t peer;
};

static void submit(struct work *w, uint64_t number)
{
    char address[64];
    uint64_t accounts = w->is_ledger ? LEDGER_ROWS : ACCOUNTS;
    uint64_t from = skn_rng_below(&w->rng, accounts);
    uint64_t to = (from + 1 + skn_rng_below(&w->rng, accounts - 1)) % accounts;
    if (w->is_ledger)
        (void)snprintf(address,
                       sizeof address,
                       "bench:Ledger/%lu",
                       (unsigned long)skn_rng_below(&w->rng, LEDGERS));
    else
        (void)snprintf(address, sizeof address, "bench:Account/%lu", (unsigned long)from);
    int64_t payload = (int64_t)(w->is_ledger ? from * LEDGER_ROWS + to : to);
    skn_drive_submit(w->drive, number, address, SKN_LIT("move"), skn_value_int(payload));
}

static void ours_run(void *ctx, struct skn_lap *lap)
{
    struct work *w = ctx;
    uint64_t next = 0, over = 0;
    struct skn_output out;
    while (next < w->n && next < IN_FLIGHT)
        submit(w, next++);
    while (over < w->n) {
        (void)skn_drive_turn(w->drive);
        while (skn_drive_next(w->drive, &out)) {
            if (out.kind != SKN_OUTPUT_SIGNAL) continue;
            over++;
            if (next < w->n) submit(w, next++);
        }
    }
    lap->n = w->n;
}

/* --- the peer ------------------------------------------------------------------------------------------ */

/* Finds the script beside the sources, the program on the path. False, with the reason. */
static bool start_peer(struct work *w, const char *dir, const char **out_why)
{
    int in[2], out[2];
    char line[128] = "", script[] = SKN_BENCH_SOURCE "/peer_tarantool.lua";
    char name[] = "tarantool", accounts[16], fibers[16];
    (void)snprintf(accounts, sizeof accounts, "%d", ACCOUNTS);
    (void)snprintf(fibers, sizeof fibers, "%d", IN_FLIGHT);
    char folder[300];
    (void)snprintf(folder, sizeof folder, "%s", dir);
    char *argv[] = {name, script, folder, accounts, fibers, NULL};
    if (mkdir(dir, 0700) != 0 || pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        skn_drive_fail("a folder and two pipes for Tarantool");
    posix_spawn_file_actions_t actions;
    SKN_ASSERT(posix_spawn_file_actions_init(&actions) == 0);
    SKN_ASSERT(posix_spawn_file_actions_adddup2(&actions, in[0], 0) == 0);
    SKN_ASSERT(posix_spawn_file_actions_adddup2(&actions, out[1], 1) == 0);
    int rc = posix_spawnp(&w->peer, name, &actions, NULL, argv, environ);
    SKN_ASSERT(posix_spawn_file_actions_destroy(&actions) == 0);
    (void)close(in[0]);
    (void)close(out[1]);
    w->to_peer = fdopen(in[1], "w");
    w->from_peer = fdopen(out[0], "r");
    SKN_ASSERT(w->to_peer && w->from_peer);
    *out_why =
        rc != 0 ? "tarantool is not installed (apt install tarantool)" : "tarantool did not start";
    if (rc != 0) w->peer = 0;
    if (rc != 0 || !fgets(line, sizeof line, w->from_peer)) return false;
    line[strcspn(line, "\n")] = '\0';
    skn_reach_tell(
        w->reach,
        "Tarantool %s: wal_mode=fsync, memtx, %d accounts, %d fibers, in its own process",
        line + strcspn(line, " "),
        ACCOUNTS,
        IN_FLIGHT);
    return true;
}

static void peer_run(void *ctx, struct skn_lap *lap)
{
    struct work *w = ctx;
    char line[128];
    if (fprintf(w->to_peer, "%lu\n", (unsigned long)w->n) < 0 || fflush(w->to_peer) != 0 ||
        !fgets(line, sizeof line, w->from_peer))
        skn_drive_fail("Tarantool ended");
    char *at = line;
    lap->n = strtoul(at, &at, 10);
    lap->wall_s = strtod(at, &at);
    lap->cpu_s = strtod(at, &at);
    w->reach->peer_cpu_s += lap->cpu_s;
}

static void end_peer(struct work *w)
{
    int status;
    (void)fclose(w->to_peer);
    (void)fclose(w->from_peer);
    if (w->peer > 0) (void)waitpid(w->peer, &status, 0);
    if (w->peer > 0) w->reach->peer_cpu_s = 0; /* it is among the children now */
}

/* --- figures ---------------------------------------------------------------------------------------------- */

static void compare(struct work *w, bool has_peer, const char *why)
{
    const struct skn_side ours = {.name = "ours", .run = ours_run, .ctx = w};
    const struct skn_side peer = {.name = "Tarantool", .run = has_peer ? peer_run : NULL, .ctx = w};
    struct skn_pairs pairs = skn_pairs_run(&ours, &peer, w->reach->bench->reps, 6);
    pairs.peer.per_sync = 0; /* not ours to count: it opens its log with O_SYNC */
    struct skn_figure figure = {
        .name = w->is_ledger ? "transfers inside a ledger: one slice, two rows"
                             : "transfers between accounts: debit, message, credit",
        .unit = "transfers/s",
        .ratio_goal = 2,
        .limit = IN_FLIGHT * 1e9 / w->reach->sync_ns / (w->is_ledger ? 1 : 2),
        .limit_text =
            w->is_ledger ? "one sync shared by all in flight" : "two syncs shared by all in flight",
        .note = has_peer ? NULL : why};
    skn_figure_pairs(&figure, &pairs, has_peer ? peer.name : NULL);
    skn_reach_print(w->reach, &figure);
}

void skn_reach_transfers(struct skn_reach *reach)
{
    struct work w = {.reach = reach, .n = skn_bench_n(reach->bench, TRANSFERS)};
    char dir[300], peer_dir[300];
    const char *why = NULL;
    (void)signal(SIGPIPE, SIG_IGN);
    skn_rng_init(&w.rng, reach->bench->seed);
    skn_reach_path(reach, "ours", dir, sizeof dir);
    skn_reach_path(reach, "tarantool", peer_dir, sizeof peer_dir);
    bool has_peer = start_peer(&w, peer_dir, &why);
    w.drive =
        skn_drive_open(&(struct skn_drive_options){.dir = dir, .programs = programs, .shards = 1});
    compare(&w, has_peer, why);
    w.is_ledger = true;
    compare(&w, has_peer, why);
    skn_drive_kill(w.drive);
    end_peer(&w);
    skn_drive_remove(dir);
    skn_drive_remove(peer_dir);
}
