/* shrink.c - the fewest steps and faults that still break a promise. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "sim/sim.h"

#include "base/pure.h"

struct shrink {
    struct skn_sim_options best;
    struct skn_diag diag; /* what the best one said */
    uint64_t steps;       /* at which it said it */
    struct skn_sim_faults *faults;
    unsigned tries;
};

/* Whether it still fails; then it is the best one. */
static bool try_one(struct shrink *s, const struct skn_sim_options *options)
{
    struct skn_diag diag = {0};
    struct skn_sim_report *report = skn_alloc(sizeof *report);
    if (s->tries > 0) s->tries--;
    bool fails = skn_sim_run(options, report, NULL, &diag) != SKN_OK;
    if (fails) {
        s->best = *options;
        s->diag = diag;
        s->steps = report->steps;
    }
    skn_free(report);
    return fails;
}

/* The end of the steps with faults: no later than where it fails, and sooner by halves. */
static void fewer_steps(struct shrink *s)
{
    uint64_t low = 0, high = s->best.steps;
    while (s->tries > 0 && low + 1 < high) {
        struct skn_sim_options options = s->best;
        options.steps = (uint32_t)(low + (high - low) / 2);
        if (try_one(s, &options))
            high = options.steps;
        else
            low = options.steps;
    }
}

/* Without the rounds from `at` on, `count` of them; they are taken back when it does not fail. */
static bool leave_out(struct shrink *s, size_t at, size_t count)
{
    struct skn_sim_faults *f = s->faults;
    uint32_t *rounds = skn_alloc(f->count * sizeof *rounds + 1);
    size_t had = f->count;
    memcpy(rounds, f->rounds, had * sizeof *rounds);
    memmove(&f->rounds[at], &f->rounds[at + count], (had - at - count) * sizeof *rounds);
    f->count = had - count;
    struct skn_sim_options options = s->best;
    options.fault_rounds = f->rounds;
    options.fault_round_count = f->count;
    bool fails = try_one(s, &options);
    if (!fails) {
        memcpy(f->rounds, rounds, had * sizeof *rounds);
        f->count = had;
    }
    skn_free(rounds);
    return fails;
}

static void fewer_faults(struct shrink *s)
{
    struct skn_sim_faults *f = s->faults;
    for (size_t width = f->count; width > 0; width /= 2) {
        for (size_t at = 0; s->tries > 0 && at < f->count;) {
            size_t count = f->count - at < width ? f->count - at : width;
            if (!leave_out(s, at, count)) at += count;
        }
    }
}

void skn_sim_shrink(const struct skn_sim_options *options,
                    unsigned tries,
                    struct skn_sim_options *out_options,
                    struct skn_sim_faults *out_faults,
                    struct skn_diag *out_diag)
{
    struct skn_sim_report *report = skn_alloc(sizeof *report);
    struct shrink s = {.best = *options, .faults = out_faults, .tries = tries};
    s.best.trace = NULL;
    enum skn_rc rc = skn_sim_run(&s.best, report, out_faults, &s.diag);
    SKN_ASSERT(rc != SKN_OK);
    /* The end lies in the rest without faults when the steps do not reach it. */
    if (report->steps + 1 < s.best.steps || s.best.steps == 0)
        s.best.steps = (uint32_t)report->steps + 1;
    skn_free(report);
    fewer_steps(&s);
    if (!out_faults->is_cut) {
        struct skn_sim_options with = s.best;
        with.fault_rounds = out_faults->rounds;
        with.fault_round_count = out_faults->count;
        if (try_one(&s, &with)) fewer_faults(&s);
        fewer_steps(&s);
    }
    *out_options = s.best;
    *out_diag = s.diag;
}
