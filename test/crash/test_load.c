/* test_load.c - the real binary under load of domain messages, killed with -9 again and again.
 *
 * In the end every request was answered; each id is in its ledger once, the sums add up, floods
 * arrived whole and in order, each program ended once, and `skein verify` finds nothing (P1 P2 P3).
 * What the client asked and was told, and what the rows said behind each kill, is a history: the checkers
 * of the simulator judge it while it is made, and `skein sim --check` once more in the end.
 *
 * What a kill interrupted is read from `.skein/phase`. Three kills of four aim with SKEIN_FAILPOINT at
 * a random entry of a phase; the others come at a random time. Checkpoints are frequent.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crash/load.h"

/* Only debug builds have failpoints. */
static bool has_aim(void)
{
#ifdef SKN_DEBUG
    return true;
#else
    return false;
#endif
}

enum {
    KILLS = 40,        /* times SKN_SOAK */
    LIFE_MS_MAX = 250, /* of a holder that is not aimed at */
    AIM_MS_MAX = 1500, /* of one that is: then its phase did not come so often */
    LOOK_EACH = 20000, /* requests in all: then rows are not looked at behind each kill any more */
    LOOKS = 8,         /* but behind one of so many */
};

static const char *const phase_names[PHASES] = {
    "idle", "opening", "slice", "write", "sync", "release", "program", "checkpoint", "effect"};

struct killing {
    struct load load;
    unsigned kills, by_phase[PHASES];
    char fail_env[64], bug_env[64];
    const char *env[4];
};

/* --- lives ------------------------------------------------------------------------------------------ */

static bool is_dead(pid_t pid)
{
    char path[64], state = 'Z';
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = pid > 0 ? fopen(path, "r") : NULL;
    if (!file) return true;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = 'Z';
    (void)fclose(file);
    return state == 'Z' || state == 'X';
}

static void count_kill(struct killing *k)
{
    struct load *l = &k->load;
    uint32_t at[4] = {0}; /* main thread, journal, keeper, programs that run */
    FILE *file = fopen(folder_at(&l->folder, ".skein/phase"), "rb");
    if (file && fread(at, sizeof at, 1, file) != 1) at[0] = at[1] = at[2] = at[3] = 0;
    if (file) (void)fclose(file);
    k->by_phase[at[0] < PHASES ? at[0] : 0]++;
    if (at[1] > 0 && at[1] < PHASES) k->by_phase[at[1]]++;
    k->by_phase[7] += at[2] != 0;
    k->by_phase[8] += at[3] != 0;
    k->kills++;
}

static void aim(struct killing *k, bool *out_is_aimed)
{
    *out_is_aimed = has_aim() && skn_rng_below(&k->load.rng, 4) != 0;
    k->env[0] = "SKEIN_CHECKPOINT_RECORDS=300";
    k->env[1] = k->env[2] = k->env[3] = NULL;
    const char *bug = getenv("SKN_BUG"); /* a planted one, of the holder too (tools/bugs) */
    if (bug) (void)snprintf(k->bug_env, sizeof k->bug_env, "SKN_BUG=%s", bug);
    if (bug) k->env[1] = k->bug_env;
    if (!*out_is_aimed) return;
    unsigned phase = 1 + (unsigned)skn_rng_below(&k->load.rng, PHASES - 1);
    unsigned most = phase == 1 ? 1 : phase < 6 ? 60 : 6;
    unsigned nth = 1 + (unsigned)skn_rng_below(&k->load.rng, most);
    (void)snprintf(
        k->fail_env, sizeof k->fail_env, "SKEIN_FAILPOINT=%s:%u", phase_names[phase], nth);
    k->env[bug ? 2 : 1] = k->fail_env;
}

/* False: it died before it served. */
static bool open_holder(struct killing *k)
{
    struct load *l = &k->load;
    l->skein.env = k->env;
    skein_start(&l->skein, (const char *const[]){"_hold", NULL});
    uint64_t until_ms = now_ms() + WAIT_MS;
    bool is_there = false;
    while (!(is_there = dial(l)) && now_ms() < until_ms && !is_dead(l->skein.pid))
        skein_pause_ms(2);
    if (is_there) record_open(l->record);
    return is_there;
}

static void one_life(struct killing *k)
{
    struct load *l = &k->load;
    bool is_aimed;
    aim(k, &is_aimed);
    bool is_there = open_holder(k);
    uint64_t ms = is_aimed ? AIM_MS_MAX : 5 + skn_rng_below(&k->load.rng, LIFE_MS_MAX);
    uint32_t limit = l->count + PER_LIFE_MAX;
    if (limit > REQUESTS_MAX) limit = REQUESTS_MAX;
    uint64_t until_ms = now_ms() + ms;
    if (is_there) work(l, until_ms, limit);
    /* One that was aimed at something may get there when all is answered, or in its programs. */
    while (is_aimed && now_ms() < until_ms && !is_dead(l->skein.pid))
        skein_pause_ms(2);
    (void)kill(l->skein.pid, SIGKILL);
    hear_the_rest(l);
    hang_up(l);
    if (skein_wait(&l->skein) != -SIGKILL) fail_msg("it ended by itself: %d", l->skein.code);
    count_kill(k);
    record_crash(l->record, "kill");
    record_log(l->record, folder_at(&l->folder, ".skein/holder.log"));
    if (l->count < LOOK_EACH || k->kills % LOOKS == 0)
        record_rows(l->record, folder_at(&l->folder, ".skein"), LEDGERS, FLOODS);
}

/* --- the end ---------------------------------------------------------------------------------------- */

static void ask(struct load *l, const char *json)
{
    assert_true(put(l, json));
    if (!take(l, WAIT_MS)) fail_msg("no answer to %s", json);
    if (strstr(l->last, "\"type\":\"error\"")) fail_msg("%s: %s", json, l->last);
}

static int64_t member(const struct load *l, const char *name)
{
    char key[40];
    (void)snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(l->last, key);
    if (!at) fail_msg("no %s in %s", name, l->last);
    return strtoll(at + strlen(key), NULL, 10);
}

static void ask_domain(struct load *l, const char *type, char letter, unsigned i, const char *name)
{
    char json[200];
    (void)snprintf(json,
                   sizeof json,
                   "{\"type\":\"send\",\"id\":1,\"address\":\"t:%s/%c%u\",\"name\":\"%s\"}",
                   type,
                   letter,
                   i,
                   name);
    ask(l, json);
}

static bool is_entry(const struct load *l, uint32_t n)
{
    return kind_of(l, n) == ADD || kind_of(l, n) == TRANSFER;
}

/* P1 P2: every entry is there once, and what they move adds up. */
static void check_ledgers(struct load *l)
{
    for (unsigned i = 0; i < LEDGERS; i++) {
        int64_t sum = 0, entries = 0;
        for (uint32_t n = 0; n < l->count; n++) {
            if (!is_entry(l, n) || domain_of(l, n) != i) continue;
            entries++;
            if (kind_of(l, n) == ADD) sum += amount_of(l, n);
        }
        ask_domain(l, "Ledger", 'l', i, "total");
        assert_int_equal(member(l, "total"), sum);
        assert_int_equal(member(l, "accounts"), sum);
        assert_int_equal(member(l, "entries"), entries);
    }
    for (uint32_t n = 0; n < l->count; n++) {
        if (!is_entry(l, n)) continue;
        char json[200];
        (void)snprintf(
            json,
            sizeof json,
            "{\"type\":\"domain\",\"id\":1,\"address\":\"t:Ledger/l%u\",\"key\":\"e%c%u\"}",
            domain_of(l, n),
            (char)kind_of(l, n),
            n);
        ask(l, json);
        assert_int_equal(member(l, "amount"), amount_of(l, n));
        if (member(l, "count") != 1) fail_msg("request n%u: %s", n, l->last);
    }
}

/* P3 and P2 between domains; what was sent may still be on its way. */
static void check_floods(struct load *l)
{
    for (unsigned i = 0; i < FLOODS; i++) {
        int64_t sent = 0, comes = 0;
        for (uint32_t n = 0; n < l->count; n++) {
            if (kind_of(l, n) != FLOOD) continue;
            if (domain_of(l, n) == i) sent += NOTES;
            if ((domain_of(l, n) + 1) % FLOODS == i) comes += NOTES;
        }
        uint64_t until_ms = now_ms() + WAIT_MS;
        do {
            ask_domain(l, "Flood", 'f', i, "get");
        } while (member(l, "received") < comes && now_ms() < until_ms);
        assert_int_equal(member(l, "sent"), sent);
        assert_int_equal(member(l, "received"), comes);
        assert_int_equal(member(l, "disorder"), 0);
    }
}

/* [E41] P2: an intent that was cut off is started again, and ends once. */
static void check_programs(struct load *l)
{
    for (unsigned i = 0; i < HOGS; i++) {
        int64_t started = 0;
        for (uint32_t n = 0; n < l->count; n++)
            started += kind_of(l, n) == INTENT && domain_of(l, n) == i;
        uint64_t until_ms = now_ms() + WAIT_MS;
        do {
            ask_domain(l, "Hog", 'h', i, "get");
            skein_pause_ms(5);
        } while (member(l, "results") < started && now_ms() < until_ms);
        assert_int_equal(member(l, "results"), started);
    }
}

static unsigned read_scale(void)
{
    const char *soak = getenv("SKN_SOAK");
    unsigned scale = soak ? (unsigned)strtoul(soak, NULL, 10) : 1;
    return scale ? scale : 1;
}

/* The history as text, by the command that anybody has. */
static void check_history(struct load *l)
{
    char path[FOLDER_PATH_MAX];
    (void)snprintf(path, sizeof path, "%s", folder_at(&l->folder, "history"));
    record_flush(l->record);
    if (SKEIN(&l->skein, "sim", "--check", path) != 0) fail_msg("%s%s", l->skein.out, l->skein.err);
    assert_has(l->skein.out, "every promise was kept");
}

static void the_end(struct killing *k)
{
    struct load *l = &k->load;
    k->env[0] = NULL;
    assert_true(open_holder(k));
    work(l, now_ms() + WAIT_MS, l->count);
    assert_int_equal(l->flying, 0);
    assert_int_equal(l->answers, l->count);
    check_ledgers(l);
    check_floods(l);
    check_programs(l);
    hang_up(l);
    (void)kill(l->skein.pid, SIGTERM);
    if (skein_wait(&l->skein) != 0) fail_msg("exit code %d: %s", l->skein.code, l->skein.err);
    record_crash(l->record, "stop");
    record_log(l->record, folder_at(&l->folder, ".skein/holder.log"));
    record_rows(l->record, folder_at(&l->folder, ".skein"), LEDGERS, FLOODS);
    record_end(l->record);
    l->skein.env = NULL;
    if (SKEIN(&l->skein, "verify", ".skein") != 0) fail_msg("%s%s", l->skein.out, l->skein.err);
}

static void killed_under_load_every_answer_holds_and_nothing_is_done_twice(void **state)
{
    (void)state;
    struct killing *k = calloc(1, sizeof *k);
    struct load *l = &k->load;
    folder_make(&l->folder);
    folder_write(&l->folder, "skein.yaml", "");
    load_init(l, l->folder.path);
    unsigned kills = KILLS * read_scale();
    l->record = record_create(kills == KILLS ? folder_at(&l->folder, "history") : NULL);
    for (unsigned i = 0; i < kills; i++)
        one_life(k);
    the_end(k);
    if (kills == KILLS) check_history(l);
    printf("covered: %u kills, %u requests, %u of them sent again, %" PRIu64 " events judged:",
           k->kills,
           l->count,
           l->repeated,
           record_events(l->record));
    for (int i = 0; i < PHASES; i++)
        printf(" %s %u", phase_names[i], k->by_phase[i]);
    printf("\n");
    assert_true(l->repeated > 0); /* kills came while something was under way */
    for (int i = 1; i < PHASES && has_aim() && kills >= 10 * KILLS; i++)
        assert_true(k->by_phase[i] >= 20);
    folder_remove(&l->folder);
    record_destroy(l->record);
    load_fini(l);
    free(k);
}

/* A build without the domains of src/dev has nothing to load it with. */
static void a_build_without_test_domains_says_so(void **state)
{
    (void)state;
    struct skein *skein = calloc(1, sizeof *skein);
    struct folder folder;
    folder_make(&folder);
    folder_write(&folder, "skein.yaml", "");
    skein->dir = folder.path;
    assert_int_not_equal(SKEIN(skein, "domain", "send", "t:Ledger/l0", "total"), 0);
    assert_has(skein->err, "known type");
    skein_end_holder(&folder);
    folder_remove(&folder);
    free(skein);
}

int main(void)
{
#ifdef SKN_TEST_BUILD
    bool has_domains = true;
#else
    bool has_domains = false;
#endif
    static const struct CMUnitTest under_load[] = {
        cmocka_unit_test(killed_under_load_every_answer_holds_and_nothing_is_done_twice),
    };
    static const struct CMUnitTest alone[] = {
        cmocka_unit_test(a_build_without_test_domains_says_so),
    };
    return has_domains ? cmocka_run_group_tests(under_load, NULL, NULL)
                       : cmocka_run_group_tests(alone, NULL, NULL);
}
