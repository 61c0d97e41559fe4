/* sim.c - skein sim: simulated nodes, one seed after the other, and histories that were recorded. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim.h"

#include "base/buf.h"
#include "base/mem.h"
#include "cli/cli_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    STEPS = 25000,
    COVERED_SEEDS = 100, /* a set of so many has to be covered */
    TWICE_EVERY = 20,    /* one seed of so many is run again at other addresses */
    SHRINK_TRIES = 300,
    LINE_BYTES_MAX = 1 << 20,
};

/* What a failed assertion interrupts: said by the handler, which may do little else. */
static volatile sig_atomic_t seed_high, seed_low;

struct job {
    struct skn_cli *cli;
    uint64_t seed, seeds, steps, seconds;
    struct skn_sim_faults only; /* --faults */
    bool has_faults, no_faults;
};

static void on_abort(int signal)
{
    (void)signal;
    uint64_t seed = (uint64_t)(uint32_t)seed_high << 32 | (uint32_t)seed_low;
    char text[160];
    int n =
        snprintf(text, sizeof text, "skein: an assertion failed under --seed %" PRIu64 "\n", seed);
    ssize_t written = write(STDERR_FILENO, text, n > 0 ? (size_t)n : 0);
    (void)written;
}

/* --- options -------------------------------------------------------------------------------------- */

static enum skn_rc number(const struct skn_args *args,
                          enum skn_option option,
                          uint64_t max,
                          uint64_t *out,
                          struct skn_diag *diag)
{
    const char *text = skn_args_value(args, option);
    char *end = NULL;
    if (!text) return SKN_OK;
    errno = 0;
    unsigned long long n = text[0] >= '0' && text[0] <= '9' ? strtoull(text, &end, 10) : 0;
    if (!end || *end || errno || n > max)
        return SKN_FAIL(diag,
                        SKN_EUSAGE,
                        "--%s wants a number up to %" PRIu64 ", not \"%s\"",
                        skn_option_info(option)->name,
                        max,
                        text);
    *out = n;
    return SKN_OK;
}

/* "3,17,20", or "none". */
static enum skn_rc read_faults(struct job *job, struct skn_diag *diag)
{
    const char *text = skn_args_value(&job->cli->args, SKN_OPTION_FAULTS);
    job->no_faults = text && strcmp(text, "none") == 0;
    if (!text || job->no_faults) return SKN_OK;
    job->has_faults = true;
    for (const char *at = text; *at;) {
        char *end = NULL;
        unsigned long n = *at >= '0' && *at <= '9' ? strtoul(at, &end, 10) : 0;
        bool is_good = end && end != at && (*end == ',' || !*end) && n <= UINT32_MAX;
        if (!is_good || job->only.count == SKN_SIM_FAULT_ROUNDS_MAX)
            return SKN_FAIL(
                diag, SKN_EUSAGE, "--faults wants rounds like 3,17,20 or none, not \"%s\"", text);
        job->only.rounds[job->only.count++] = (uint32_t)n;
        at = *end ? end + 1 : end;
    }
    return SKN_OK;
}

static enum skn_rc read_options(struct job *job, struct skn_diag *diag)
{
    const struct skn_args *args = &job->cli->args;
    enum skn_rc rc = number(args, SKN_OPTION_SEED, UINT64_MAX, &job->seed, diag);
    if (rc == SKN_OK) rc = number(args, SKN_OPTION_SEEDS, UINT32_MAX, &job->seeds, diag);
    if (rc == SKN_OK) rc = number(args, SKN_OPTION_STEPS, UINT32_MAX, &job->steps, diag);
    if (rc == SKN_OK) rc = number(args, SKN_OPTION_SECONDS, UINT32_MAX, &job->seconds, diag);
    if (rc == SKN_OK) rc = read_faults(job, diag);
    return rc;
}

/* --- printing ------------------------------------------------------------------------------------- */

static void print_event(void *ctx, const struct skn_history_event *event)
{
    struct skn_buf line;
    struct skn_cli *cli = ctx;
    skn_buf_init(&line, LINE_BYTES_MAX);
    skn_history_print(event, &line);
    skn_buf_put_u8(&line, '\n');
    skn_out_put(&cli->out, skn_buf_slice(&line));
    skn_buf_fini(&line);
}

static void print_params(const struct job *job, uint64_t seed)
{
    struct skn_buf line;
    skn_buf_init(&line, LINE_BYTES_MAX);
    skn_sim_print_params(seed, &line);
    skn_out_printf(&job->cli->out, "# seed %" PRIu64 ": %s\n", seed, skn_buf_str(&line));
    skn_buf_fini(&line);
}

static void print_json(const struct job *job, const struct skn_sim_report *sum, bool ok)
{
    struct skn_out *out = &job->cli->out;
    skn_out_printf(out,
                   "{\"ok\":%s,\"seeds\":%" PRIu64 ",\"steps\":%" PRIu64 ",\"rounds\":%" PRIu64
                   ",\"virtual_ms\":%" PRIu64 ",\"state\":\"%016" PRIx64 "%016" PRIx64
                   "\",\"coverage\":{",
                   ok ? "true" : "false",
                   sum->seeds,
                   sum->steps,
                   sum->rounds,
                   sum->virtual_ms,
                   sum->state_hi,
                   sum->state_lo);
    for (size_t i = 0; i < SKN_COVER_COUNT; i++) {
        const struct skn_cover_info *info = skn_sim_cover_info((enum skn_cover)i);
        skn_out_printf(out, "%s\"%s\":%" PRIu64, i ? "," : "", info->name, sum->cover[i]);
    }
    skn_out_printf(out, "}}\n");
}

/* Names what was met too seldom; false when something was. */
static bool check_coverage(const struct skn_sim_report *sum)
{
    bool is_met = true;
    for (size_t i = 0; i < SKN_COVER_COUNT && sum->seeds >= COVERED_SEEDS; i++) {
        const struct skn_cover_info *info = skn_sim_cover_info((enum skn_cover)i);
        uint64_t least = skn_sim_cover_least((enum skn_cover)i, sum->steps);
        if (sum->cover[i] >= least) continue;
        is_met = false;
        skn_out_errf("skein: not covered: %s (%s): %" PRIu64 ", at least %" PRIu64 " wanted\n",
                     info->text,
                     info->name,
                     sum->cover[i],
                     least);
    }
    return is_met;
}

static void print_again(const struct skn_sim_options *options)
{
    skn_out_errf("skein: again: skein sim --seed %" PRIu64 " --steps %" PRIu32,
                 options->seed,
                 options->steps);
    if (options->no_faults || (options->fault_rounds && options->fault_round_count == 0))
        skn_out_errf(" --faults none");
    else if (options->fault_rounds)
        skn_out_errf(" --faults ");
    for (size_t i = 0; options->fault_rounds && i < options->fault_round_count; i++)
        skn_out_errf("%s%" PRIu32, i ? "," : "", options->fault_rounds[i]);
    if (options->bug || getenv("SKN_BUG")) skn_out_errf(" (with SKN_BUG=%s)", getenv("SKN_BUG"));
    skn_out_errf("\n");
}

static int failed(struct job *job, const struct skn_sim_options *options, struct skn_diag *diag)
{
    struct skn_sim_options smaller = *options;
    struct skn_sim_faults *faults = skn_alloc_zero(1, sizeof *faults);
    skn_out_errf("skein: %s\n", diag->text);
    bool is_p4 = strstr(diag->text, ": P4: the same seed") != NULL;
    if (skn_args_has(&job->cli->args, SKN_OPTION_SHRINK) && !is_p4) {
        skn_sim_shrink(options, SHRINK_TRIES, &smaller, faults, diag);
        skn_out_errf("skein: shrunk to %s\n", diag->text);
    }
    print_again(&smaller);
    skn_free(faults);
    return 1;
}

/* --- seeds ----------------------------------------------------------------------------------------- */

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run_seed(struct job *job, uint64_t seed, struct skn_sim_report *sum)
{
    struct skn_sim_report *report = skn_alloc(sizeof *report);
    struct skn_diag diag = {.text = ""};
    struct skn_sim_options options = {
        .seed = seed, .steps = (uint32_t)job->steps, .no_faults = job->no_faults};
    if (job->has_faults) {
        options.fault_rounds = job->only.rounds;
        options.fault_round_count = job->only.count;
    }
    if (skn_args_has(&job->cli->args, SKN_OPTION_TRACE)) {
        print_params(job, seed);
        options.trace = print_event;
        options.trace_ctx = job->cli;
    }
    seed_high = (sig_atomic_t)(seed >> 32);
    seed_low = (sig_atomic_t)(seed & UINT32_MAX);
    enum skn_rc rc = seed % TWICE_EVERY == 0 ? skn_sim_run_twice(&options, report, NULL, &diag)
                                             : skn_sim_run(&options, report, NULL, &diag);
    skn_sim_report_add(sum, report);
    skn_free(report);
    return rc == SKN_OK ? 0 : failed(job, &options, &diag);
}

static int run_seeds(struct job *job)
{
    struct skn_sim_report *sum = skn_alloc_zero(1, sizeof *sum);
    double end_s = now_s() + (double)job->seconds;
    int code = 0;
    (void)signal(SIGABRT, on_abort);
    for (uint64_t i = 0; i < job->seeds && code == 0; i++) {
        if (i > 0 && job->seconds > 0 && now_s() >= end_s) break;
        code = run_seed(job, job->seed + i, sum);
    }
    if (code == 0 && !job->has_faults && !job->no_faults && !check_coverage(sum)) code = 1;
    struct skn_buf line;
    skn_buf_init(&line, LINE_BYTES_MAX);
    skn_sim_report_print(sum, &line);
    if (job->cli->out.json)
        print_json(job, sum, code == 0);
    else
        skn_out_printf(&job->cli->out, "%s\n", skn_buf_str(&line));
    skn_buf_fini(&line);
    skn_free(sum);
    return code;
}

/* --- histories --------------------------------------------------------------------------------------- */

static enum skn_rc judge(FILE *file, const char *path, uint64_t *out_events, struct skn_diag *diag)
{
    struct skn_checker *checker = skn_checker_create();
    struct skn_arena arena;
    struct skn_diag why = {.text = ""};
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    uint64_t number = 0;
    enum skn_rc rc = SKN_OK;
    skn_arena_init(&arena);
    while (rc == SKN_OK && (len = getline(&line, &cap, file)) >= 0) {
        struct skn_history_event event;
        number++;
        if (len > 0 && line[len - 1] == '\n') len--;
        skn_arena_reset(&arena);
        rc = skn_history_parse(skn_slice(line, (size_t)len), &arena, &event, &why);
        if (rc == SKN_OK && (rc = skn_checker_add(checker, &event, &why)) == SKN_OK) ++*out_events;
        if (rc == SKN_ENOENT) rc = SKN_OK; /* it says nothing */
    }
    if (rc != SKN_OK) rc = SKN_FAIL(diag, rc, "%s:%" PRIu64 ": %s", path, number, why.text);
    if (rc == SKN_OK && ferror(file)) rc = SKN_FAIL(diag, SKN_EIO, "could not read \"%s\"", path);
    free(line);
    skn_arena_fini(&arena);
    skn_checker_destroy(checker);
    return rc;
}

static int check_file(struct skn_cli *cli, const char *path)
{
    struct skn_diag diag = {.text = ""};
    uint64_t events = 0;
    FILE *file = fopen(path, "r");
    if (!file)
        diag.rc = SKN_FAIL(&diag, SKN_ENOENT, "could not open \"%s\": %s", path, strerror(errno));
    else
        diag.rc = judge(file, path, &events, &diag);
    if (file) (void)fclose(file);
    if (diag.rc == SKN_EFAULT) {
        skn_out_errf("skein: %s\n", diag.text);
        return 1;
    }
    if (diag.rc != SKN_OK) return skn_out_fail(&cli->out, &diag);
    if (cli->out.json)
        skn_out_printf(&cli->out, "{\"ok\":true,\"events\":%" PRIu64 "}\n", events);
    else
        skn_out_printf(&cli->out, "%" PRIu64 " events, every promise was kept\n", events);
    return 0;
}

/* --- the command --------------------------------------------------------------------------------------- */

static int list_bugs(struct skn_cli *cli)
{
    size_t count;
    const struct skn_bug_info *list = skn_bug_list(&count);
    for (size_t i = 0; i < count; i++)
        skn_out_printf(&cli->out,
                       "%d\t%s\t%s\t%s\n",
                       (int)list[i].bug,
                       list[i].is_here ? list[i].found_by : "-",
                       list[i].name,
                       list[i].text);
    return 0;
}

int skn_cmd_sim(struct skn_cli *cli)
{
    struct skn_diag diag = {.text = ""};
    struct job *job = skn_alloc_zero(1, sizeof *job);
    *job = (struct job){.cli = cli, .seed = 1, .seeds = 1, .steps = STEPS};
    const char *what = cli->args.operand_count > 0 ? cli->args.operands[0] : NULL;
    const char *history = skn_args_value(&cli->args, SKN_OPTION_HISTORY);
    int code;
    if (what && strcmp(what, "bugs") != 0)
        diag.rc = SKN_FAIL(&diag, SKN_EUSAGE, "skein sim has nothing named \"%s\"", what);
    else
        diag.rc = read_options(job, &diag);
    if (diag.rc != SKN_OK)
        code = skn_out_fail(&cli->out, &diag);
    else if (what)
        code = list_bugs(cli);
    else
        code = history ? check_file(cli, history) : run_seeds(job);
    skn_free(job);
    return code;
}
