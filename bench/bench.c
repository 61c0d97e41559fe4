/* bench.c - the timer behind every benchmark. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES_MAX = 1 << 20, REPS_DEFAULT = 9, REPS_MAX = 1000 };

uint64_t skn_bench_now_ns(void)
{
    struct timespec ts;
    SKN_ASSERT(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void skn_bench_keep(const void *result)
{
    __asm__ volatile("" : : "g"(result) : "memory");
}

/* --- arithmetic ------------------------------------------------------------------------------- */

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void skn_bench_sort(uint64_t *values, size_t count)
{
    qsort(values, count, sizeof values[0], compare_u64);
}

uint64_t skn_bench_quantile(const uint64_t *sorted, size_t count, unsigned per_mille)
{
    SKN_ASSERT(count > 0);
    SKN_ASSERT(per_mille <= 1000);
    size_t rank = (count * per_mille + 999) / 1000;
    return sorted[rank > 0 ? rank - 1 : 0];
}

/* --- arguments -------------------------------------------------------------------------------- */

SKN_NORETURN static void usage(const char *subject)
{
    (void)fprintf(stderr,
                  "usage: bench_%s [--json] [--seed N] [--scale X] [--reps N] [--only TEXT]\n",
                  subject);
    exit(2);
}

static double number(const char *subject, const char *text, double least, double most)
{
    char *end = NULL;
    double x = text ? strtod(text, &end) : -1;
    if (!text || end == text || *end || !(x >= least && x <= most)) usage(subject);
    return x;
}

static double clock_cost(void)
{
    enum { READS = 20000 };
    uint64_t began = skn_bench_now_ns();
    for (int i = 0; i < READS; i++)
        (void)skn_bench_now_ns();
    return (double)(skn_bench_now_ns() - began) / READS;
}

void skn_bench_init(struct skn_bench *bench, const char *subject, int argc, char **argv)
{
    *bench = (struct skn_bench){
        .subject = subject, .seed = 42, .scale = 1, .reps = REPS_DEFAULT, .clock_ns = clock_cost()};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--json") == 0) {
            bench->json = true;
            continue;
        }
        if (strcmp(argv[i], "--seed") == 0) {
            bench->seed = (uint64_t)number(subject, value, 0, 9e15);
        } else if (strcmp(argv[i], "--scale") == 0) {
            bench->scale = number(subject, value, 1e-6, 1e6);
        } else if (strcmp(argv[i], "--reps") == 0) {
            bench->reps = (unsigned)number(subject, value, 1, REPS_MAX);
        } else if (strcmp(argv[i], "--only") == 0 && value) {
            bench->only = value;
        } else {
            usage(subject);
        }
        i++;
    }
    skn_rng_init(&bench->rng, bench->seed);
    bench->samples = skn_alloc(SAMPLES_MAX * sizeof bench->samples[0]);
}

uint64_t skn_bench_n(const struct skn_bench *bench, uint64_t n)
{
    double scaled = (double)n * bench->scale;
    return scaled < 1 ? 1 : (uint64_t)scaled;
}

int skn_bench_end(struct skn_bench *bench)
{
    skn_free(bench->samples);
    bench->samples = NULL;
    return fflush(stdout) == 0 ? 0 : 74;
}

/* --- running ---------------------------------------------------------------------------------- */

/* Reservoir sampling (Vitter 1985, algorithm R): each of any number is as likely to be kept. */
void skn_bench_sample(struct skn_bench *bench, uint64_t ns)
{
    bench->seen++;
    if (bench->sample_count < SAMPLES_MAX) {
        bench->samples[bench->sample_count++] = ns;
        return;
    }
    uint64_t at = skn_rng_below(&bench->rng, bench->seen);
    if (at < SAMPLES_MAX) bench->samples[at] = ns;
}

static uint64_t time_once(const struct skn_bench_case *c)
{
    if (c->before) c->before(c->ctx);
    uint64_t began = skn_bench_now_ns();
    if (c->run) {
        c->run(c->ctx);
    } else {
        for (uint64_t i = 0; i < c->n; i++)
            c->op(c->ctx, i);
    }
    uint64_t took = skn_bench_now_ns() - began;
    if (c->after) c->after(c->ctx);
    return took;
}

static void time_each(struct skn_bench *bench, const struct skn_bench_case *c)
{
    if (c->before) c->before(c->ctx);
    uint64_t clock_ns = (uint64_t)bench->clock_ns;
    for (uint64_t i = 0; i < c->n; i++) {
        uint64_t began = skn_bench_now_ns();
        c->op(c->ctx, i);
        uint64_t took = skn_bench_now_ns() - began;
        skn_bench_sample(bench, took > clock_ns ? took - clock_ns : 0);
    }
    if (c->after) c->after(c->ctx);
}

struct result {
    double min_ns, median_ns, max_ns; /* per operation */
    double spread; /* half the distance of the quartiles, as part of the median */
    double ratio;  /* of a peer to ours; 0: no peer */
    uint64_t p50_ns, p99_ns;
    bool has_latency;
};

static struct result
result_of(struct skn_bench *bench, const struct skn_bench_case *c, uint64_t *took)
{
    double n = (double)c->n;
    skn_bench_sort(took, bench->reps);
    double q1 = (double)skn_bench_quantile(took, bench->reps, 250);
    double q2 = (double)skn_bench_quantile(took, bench->reps, 500);
    double q3 = (double)skn_bench_quantile(took, bench->reps, 750);
    struct result r = {.min_ns = (double)took[0] / n,
                       .median_ns = q2 / n,
                       .max_ns = (double)took[bench->reps - 1] / n,
                       .spread = q2 > 0 ? (q3 - q1) / 2 / q2 : 0,
                       .has_latency = bench->sample_count > 0};
    if (r.has_latency) {
        skn_bench_sort(bench->samples, bench->sample_count);
        r.p50_ns = skn_bench_quantile(bench->samples, bench->sample_count, 500);
        r.p99_ns = skn_bench_quantile(bench->samples, bench->sample_count, 990);
    }
    if (c->is_peer && bench->ours_ns > 0) r.ratio = r.median_ns / bench->ours_ns;
    if (!c->is_peer) bench->ours_ns = r.median_ns;
    return r;
}

/* --- printing --------------------------------------------------------------------------------- */

static void cpu_name(char *out, size_t size)
{
    (void)snprintf(out, size, "unknown");
    FILE *f = fopen("/proc/cpuinfo", "re");
    if (!f) return;
    char line[256];
    while (fgets(line, sizeof line, f)) {
        const char *name = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !name) continue;
        (void)snprintf(out, size, "%.*s", (int)strcspn(name + 2, "\"\\\n"), name + 2);
        break;
    }
    (void)fclose(f);
}

static void
print_json(const struct skn_bench *bench, const struct skn_bench_case *c, const struct result *r)
{
    char cpu[128];
    cpu_name(cpu, sizeof cpu);
    printf("{\"bench\":\"%s\",\"case\":\"%s\",\"n\":%lu,\"reps\":%u,\"min_ns\":%.3f,"
           "\"median_ns\":%.3f,\"max_ns\":%.3f,\"spread\":%.4f,\"ops_per_s\":%.0f,",
           bench->subject,
           c->name,
           (unsigned long)c->n,
           bench->reps,
           r->min_ns,
           r->median_ns,
           r->max_ns,
           r->spread,
           1e9 / r->median_ns);
    if (r->has_latency)
        printf(
            "\"p50_ns\":%lu,\"p99_ns\":%lu,", (unsigned long)r->p50_ns, (unsigned long)r->p99_ns);
    if (r->ratio > 0) printf("\"peer_ratio\":%.3f,", r->ratio);
    printf("\"limit\":\"%s\",\"limit_ns\":%.3f,\"seed\":%lu,\"scale\":%g,\"version\":\"%s\","
           "\"build\":\"%s\",\"cpu\":\"%s\"}\n",
           c->limit,
           c->limit_ns,
           (unsigned long)bench->seed,
           bench->scale,
           SKN_BENCH_VERSION,
           SKN_BENCH_BUILD,
           cpu);
}

static void print_amount(double ns)
{
    if (ns < 10000) {
        printf(" %7.1f ns", ns);
    } else if (ns < 1e7) {
        printf(" %7.1f us", ns / 1e3);
    } else {
        printf(" %7.1f ms", ns / 1e6);
    }
}

static void print_human(const struct skn_bench_case *c, const struct result *r)
{
    printf("%-44s n %-9lu", c->name, (unsigned long)c->n);
    print_amount(r->median_ns);
    printf(" +-%4.1f%% %12.0f/s", 100 * r->spread, 1e9 / r->median_ns);
    if (r->has_latency) {
        printf("  p50");
        print_amount((double)r->p50_ns);
        printf(" p99");
        print_amount((double)r->p99_ns);
    }
    if (r->ratio > 0) printf("  peer: %.2f times ours", r->ratio);
    printf("  limit");
    print_amount(c->limit_ns);
    printf(" (%s): %.1f times it\n", c->limit, r->median_ns / c->limit_ns);
}

void skn_bench_run(struct skn_bench *bench, const struct skn_bench_case *c)
{
    SKN_ASSERT(c->n > 0);
    SKN_ASSERT(!c->run != !c->op);
    SKN_ASSERT(c->limit && c->limit_ns > 0); /* a figure without its limit says nothing */
    if (bench->only && !strstr(c->name, bench->only)) return;
    uint64_t *took = skn_alloc(bench->reps * sizeof took[0]);
    (void)time_once(c); /* warms caches, branch tables and the allocator */
    bench->sample_count = 0;
    bench->seen = 0;
    for (unsigned rep = 0; rep < bench->reps; rep++)
        took[rep] = time_once(c);
    if (c->op) time_each(bench, c);
    struct result r = result_of(bench, c, took);
    if (bench->json) {
        print_json(bench, c, &r);
    } else {
        print_human(c, &r);
    }
    (void)fflush(stdout);
    skn_free(took);
}

/* --- limits ----------------------------------------------------------------------------------- */

double skn_bench_memory_ns(size_t bytes)
{
    enum { LINE = 64, STEPS = 200000, TRIES = 7 };
    size_t count = bytes / LINE > 2 ? bytes / LINE : 2;
    /* One ring through all lines in random order (Sattolo 1986): the next address is not known
     * before the last access is done. */
    struct line {
        size_t next;
        uint8_t rest[LINE - sizeof(size_t)];
    } *lines = skn_alloc_zero(count, sizeof(struct line));
    struct skn_rng rng;
    skn_rng_init(&rng, 1);
    for (size_t i = 0; i < count; i++)
        lines[i].next = i;
    for (size_t i = count - 1; i > 0; i--) {
        size_t j = (size_t)skn_rng_below(&rng, i);
        size_t swap = lines[i].next;
        lines[i].next = lines[j].next;
        lines[j].next = swap;
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        at = lines[at].next;
    uint64_t least = UINT64_MAX; /* a limit is what the machine does when nobody else is on it */
    for (int try = 0; try < TRIES; try++) {
        uint64_t began = skn_bench_now_ns();
        for (int i = 0; i < STEPS; i++)
            at = lines[at].next;
        uint64_t took = skn_bench_now_ns() - began;
        if (took < least) least = took;
    }
    skn_bench_keep(&lines[at]);
    skn_free(lines);
    return (double)least / STEPS;
}

static double time_syncs(int fd)
{
    enum { BLOCK = 4096, BLOCKS = 64, SYNCS = 101 };
    static const uint8_t block[BLOCK] = {1};
    uint64_t took[SYNCS];
    for (int i = 0; i < BLOCKS; i++)
        if (pwrite(fd, block, BLOCK, (off_t)i * BLOCK) != BLOCK) return -1;
    if (fsync(fd) != 0) return -1;
    for (int i = 0; i < SYNCS; i++) {
        uint64_t began = skn_bench_now_ns();
        if (pwrite(fd, block, BLOCK, (off_t)(i % BLOCKS) * BLOCK) != BLOCK) return -1;
        if (fdatasync(fd) != 0) return -1;
        took[i] = skn_bench_now_ns() - began;
    }
    skn_bench_sort(took, SYNCS);
    return (double)skn_bench_quantile(took, SYNCS, 500);
}

double skn_bench_sync_ns(const char *dir)
{
    char path[4096];
    int len = snprintf(path, sizeof path, "%s/skein-bench-XXXXXX", dir);
    if (len < 0 || (size_t)len >= sizeof path) return -1;
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) return -1;
    (void)unlink(path);
    double ns = time_syncs(fd);
    (void)close(fd);
    return ns;
}
