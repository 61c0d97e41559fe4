/* test_load.c - the real binary under load of domain messages, killed with -9 again and again.
 *
 * One connection with many requests under way: entries and transfers in ledgers, floods between domains
 * of different shards, programs. A request without an answer is sent again to the next holder under its
 * id. In the end every request was answered; each id is in its ledger once, the sums add up, floods
 * arrived whole and in order, each program ended once, and `skein verify` finds nothing (P1 P2 P3).
 *
 * What a kill interrupted is read from `.skein/phase`. Three kills of four aim with SKEIN_FAILPOINT at
 * a random entry of a phase; the others come at a random time. Checkpoints are frequent.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "base/rng.h"
#include "lib/skein.h"

#include <inttypes.h>
#include <sys/socket.h>
#include <sys/un.h>

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
    PHASES = 9,
    KILLS = 40,        /* times SKN_SOAK */
    LIFE_MS_MAX = 250, /* of a holder that is not aimed at */
    AIM_MS_MAX = 1500, /* of one that is: then its phase did not come so often */
    WINDOW = 64,       /* requests under way */
    PER_LIFE_MAX = 600,
    REQUESTS_MAX = 400000,
    LEDGERS = 8,
    FLOODS = 4,
    HOGS = 2,
    NOTES = 3, /* of one flood */
    FRAME_MAX = 1 << 20,
    WAIT_MS = 30000,
};

static const char *const phase_names[PHASES] = {
    "idle", "opening", "slice", "write", "sync", "release", "program", "checkpoint", "effect"};

enum kind { ADD, TRANSFER, FLOOD, INTENT };

struct load {
    struct folder folder;
    struct skein skein;
    struct skn_rng rng;
    uint64_t seed;
    unsigned kills, by_phase[PHASES];
    int fd;
    uint8_t in[FRAME_MAX];
    size_t in_len;
    bool *answered; /* by number of the request */
    uint32_t count, answers, repeated;
    uint32_t under_way[WINDOW];
    size_t flying;
    char last[4096]; /* the last answer */
    char fail_env[64];
    char bug_env[64];
    const char *env[4];
};

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* --- what a request is: made from its number and the seed, so that it is the same when repeated ------ */

static uint64_t mixed(const struct load *l, uint32_t n)
{
    struct skn_rng rng;
    skn_rng_init(&rng, l->seed + n);
    return skn_rng_u64(&rng);
}

static enum kind kind_of(const struct load *l, uint32_t n)
{
    uint64_t r = mixed(l, n) % 32;
    return r == 0 ? INTENT : r < 4 ? FLOOD : r < 12 ? TRANSFER : ADD;
}

static unsigned domain_of(const struct load *l, uint32_t n)
{
    unsigned of = kind_of(l, n) == INTENT ? HOGS : kind_of(l, n) == FLOOD ? FLOODS : LEDGERS;
    return (unsigned)(mixed(l, n) >> 8) % of;
}

static int64_t amount_of(const struct load *l, uint32_t n)
{
    return (int64_t)((mixed(l, n) >> 16) % 1000);
}

static void write_request(const struct load *l, uint32_t n, char *out, size_t size)
{
    static const char *const types[] = {"Ledger", "Ledger", "Flood", "Hog"};
    static const char *const names[] = {"add", "transfer", "flood", "intent"};
    enum kind kind = kind_of(l, n);
    unsigned domain = domain_of(l, n), other = (unsigned)(mixed(l, n) >> 32) % 10;
    char payload[160];
    if (kind == ADD || kind == TRANSFER)
        (void)snprintf(payload,
                       sizeof payload,
                       "{\"id\":\"n%u\",\"amount\":%" PRId64
                       ",\"account\":\"a%u\",\"from\":\"a%u\","
                       "\"to\":\"b%u\"}",
                       n,
                       amount_of(l, n),
                       other,
                       other,
                       other);
    else if (kind == FLOOD)
        (void)snprintf(payload,
                       sizeof payload,
                       "{\"to\":\"t:Flood/f%u\",\"count\":%d,\"bytes\":20}",
                       (domain + 1) % FLOODS,
                       NOTES);
    else
        (void)snprintf(payload, sizeof payload, "{\"argv\":[\"sleep\",\"0.02\"]}");
    (void)snprintf(out,
                   size,
                   "{\"type\":\"send\",\"id\":%u,\"address\":\"t:%s/%c%u\",\"name\":\"%s\","
                   "\"request_id\":\"n%u\",\"payload\":%s}",
                   n + 1,
                   types[kind],
                   kind == INTENT  ? 'h'
                   : kind == FLOOD ? 'f'
                                   : 'l',
                   domain,
                   names[kind],
                   n,
                   payload);
}

/* --- the connection --------------------------------------------------------------------------------- */

static void hang_up(struct load *l)
{
    if (l->fd >= 0) (void)close(l->fd);
    l->fd = -1;
    l->in_len = 0;
}

static bool dial(struct load *l)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    hang_up(l);
    (void)snprintf(to.sun_path, sizeof to.sun_path, "%s", folder_at(&l->folder, ".skein/socket"));
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(l->fd >= 0);
    if (connect(l->fd, (struct sockaddr *)&to, sizeof to) == 0) return true;
    hang_up(l);
    return false;
}

static bool put(struct load *l, const char *json)
{
    uint8_t frame[1024];
    size_t len = strlen(json), done = 0;
    assert_true(len + 4 <= sizeof frame);
    for (int i = 0; i < 4; i++)
        frame[i] = (uint8_t)(len >> (24 - 8 * i));
    memcpy(frame + 4, json, len);
    while (done < len + 4) {
        ssize_t n = send(l->fd, frame + done, len + 4 - done, MSG_NOSIGNAL);
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

/* The next answer, in `last`; false: none within `ms`, or the holder is gone (fd is -1 then). */
static bool take(struct load *l, int ms)
{
    for (;;) {
        size_t len = 0;
        for (size_t i = 0; i < 4 && l->in_len >= 4; i++)
            len = len << 8 | l->in[i];
        if (l->in_len >= 4 && l->in_len >= 4 + len) {
            (void)snprintf(l->last, sizeof l->last, "%.*s", (int)len, (const char *)l->in + 4);
            l->in_len -= 4 + len;
            memmove(l->in, l->in + 4 + len, l->in_len);
            return true;
        }
        assert_true(len + 4 <= sizeof l->in);
        struct pollfd p = {.fd = l->fd, .events = POLLIN};
        if (poll(&p, 1, ms) <= 0) return false;
        ssize_t n = read(l->fd, l->in + l->in_len, sizeof l->in - l->in_len);
        if (n <= 0) {
            hang_up(l);
            return false;
        }
        l->in_len += (size_t)n;
    }
}

/* --- load ------------------------------------------------------------------------------------------- */

static bool send_number(struct load *l, uint32_t n)
{
    char json[512];
    write_request(l, n, json, sizeof json);
    return put(l, json);
}

/* An answer: the request is done, or it was refused for now and goes again. */
static bool answered(struct load *l)
{
    char type[16], code[32] = "";
    unsigned id;
    if (sscanf(l->last, "{\"type\":\"%15[^\"]\",\"id\":%u", type, &id) != 2 || id == 0)
        fail_msg("what is that: %s", l->last);
    size_t at = 0;
    while (at < l->flying && l->under_way[at] != id - 1)
        at++;
    assert_true(at < l->flying); /* one answer for one question */
    if (strcmp(type, "error") == 0) {
        const char *text = strstr(l->last, "\"code\":\"");
        if (text) (void)sscanf(text, "\"code\":\"%31[^\"]", code);
        bool is_busy = strcmp(code, "BUSY") == 0 || strcmp(code, "MAILBOX_FULL") == 0;
        if (!is_busy) fail_msg("request %u: %s", id - 1, l->last);
        skein_pause_ms(1);
        return send_number(l, id - 1);
    }
    assert_string_equal(type, "value");
    l->answered[id - 1] = true;
    l->answers++;
    l->under_way[at] = l->under_way[--l->flying];
    return true;
}

/* Until `until_ms`, or the holder is gone, or all of `limit` requests are answered. */
static void work(struct load *l, uint64_t until_ms, uint32_t limit)
{
    bool is_there = true;
    l->repeated += (uint32_t)l->flying;
    for (size_t i = 0; i < l->flying && is_there; i++)
        is_there = send_number(l, l->under_way[i]);
    while (is_there && now_ms() < until_ms && (l->flying > 0 || l->count < limit)) {
        while (is_there && l->flying < WINDOW && l->count < limit) {
            l->under_way[l->flying++] = l->count;
            is_there = send_number(l, l->count++);
        }
        if (!is_there) break;
        if (take(l, 20))
            is_there = answered(l);
        else
            is_there = l->fd >= 0;
    }
}

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

static void count_kill(struct load *l)
{
    uint32_t at[4] = {0}; /* main thread, journal, keeper, programs that run */
    FILE *file = fopen(folder_at(&l->folder, ".skein/phase"), "rb");
    if (file && fread(at, sizeof at, 1, file) != 1) at[0] = at[1] = at[2] = at[3] = 0;
    if (file) (void)fclose(file);
    l->by_phase[at[0] < PHASES ? at[0] : 0]++;
    if (at[1] > 0 && at[1] < PHASES) l->by_phase[at[1]]++;
    l->by_phase[7] += at[2] != 0;
    l->by_phase[8] += at[3] != 0;
    l->kills++;
}

static void aim(struct load *l, bool *out_is_aimed)
{
    *out_is_aimed = has_aim() && skn_rng_below(&l->rng, 4) != 0;
    l->env[0] = "SKEIN_CHECKPOINT_RECORDS=300";
    l->env[1] = l->env[2] = l->env[3] = NULL;
    const char *bug = getenv("SKN_BUG"); /* a planted one, of the holder too (tools/bugs) */
    if (bug) (void)snprintf(l->bug_env, sizeof l->bug_env, "SKN_BUG=%s", bug);
    if (bug) l->env[1] = l->bug_env;
    if (!*out_is_aimed) return;
    unsigned phase = 1 + (unsigned)skn_rng_below(&l->rng, PHASES - 1);
    unsigned most = phase == 1 ? 1 : phase < 6 ? 60 : 6;
    unsigned nth = 1 + (unsigned)skn_rng_below(&l->rng, most);
    (void)snprintf(
        l->fail_env, sizeof l->fail_env, "SKEIN_FAILPOINT=%s:%u", phase_names[phase], nth);
    l->env[bug ? 2 : 1] = l->fail_env;
}

/* False: it died before it served. */
static bool open_holder(struct load *l)
{
    l->skein.env = l->env;
    skein_start(&l->skein, (const char *const[]){"_hold", NULL});
    uint64_t until_ms = now_ms() + WAIT_MS;
    bool is_there = false;
    while (!(is_there = dial(l)) && now_ms() < until_ms && !is_dead(l->skein.pid))
        skein_pause_ms(2);
    return is_there;
}

static void one_life(struct load *l)
{
    bool is_aimed;
    aim(l, &is_aimed);
    bool is_there = open_holder(l);
    uint64_t ms = is_aimed ? AIM_MS_MAX : 5 + skn_rng_below(&l->rng, LIFE_MS_MAX);
    uint32_t limit = l->count + PER_LIFE_MAX;
    if (limit > REQUESTS_MAX) limit = REQUESTS_MAX;
    uint64_t until_ms = now_ms() + ms;
    if (is_there) work(l, until_ms, limit);
    /* One that was aimed at something may get there when all is answered, or in its programs. */
    while (is_aimed && now_ms() < until_ms && !is_dead(l->skein.pid))
        skein_pause_ms(2);
    (void)kill(l->skein.pid, SIGKILL);
    hang_up(l);
    if (skein_wait(&l->skein) != -SIGKILL) fail_msg("it ended by itself: %d", l->skein.code);
    count_kill(l);
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

/* P1 P2: every entry is there once, and what they move adds up. */
static void check_ledgers(struct load *l)
{
    for (unsigned i = 0; i < LEDGERS; i++) {
        int64_t sum = 0, entries = 0;
        for (uint32_t n = 0; n < l->count; n++) {
            if (kind_of(l, n) > TRANSFER || domain_of(l, n) != i) continue;
            entries++;
            if (kind_of(l, n) == ADD) sum += amount_of(l, n);
        }
        ask_domain(l, "Ledger", 'l', i, "total");
        assert_int_equal(member(l, "total"), sum);
        assert_int_equal(member(l, "accounts"), sum);
        assert_int_equal(member(l, "entries"), entries);
    }
    for (uint32_t n = 0; n < l->count; n++) {
        if (kind_of(l, n) > TRANSFER) continue;
        char json[200];
        (void)snprintf(
            json,
            sizeof json,
            "{\"type\":\"domain\",\"id\":1,\"address\":\"t:Ledger/l%u\",\"key\":\"en%u\"}",
            domain_of(l, n),
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

static void killed_under_load_every_answer_holds_and_nothing_is_done_twice(void **state)
{
    (void)state;
    struct load *l = calloc(1, sizeof *l);
    l->answered = calloc(REQUESTS_MAX, sizeof *l->answered);
    l->fd = -1;
    const char *given = getenv("SKN_SEED");
    l->seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("seed %" PRIu64 "\n", l->seed);
    skn_rng_init(&l->rng, l->seed);
    folder_make(&l->folder);
    folder_write(&l->folder, "skein.yaml", "");
    l->skein.dir = l->folder.path;
    unsigned kills = KILLS * read_scale();
    for (unsigned i = 0; i < kills; i++)
        one_life(l);

    l->env[0] = NULL;
    assert_true(open_holder(l));
    work(l, now_ms() + WAIT_MS, l->count);
    assert_int_equal(l->flying, 0);
    assert_int_equal(l->answers, l->count);
    check_ledgers(l);
    check_floods(l);
    check_programs(l);
    hang_up(l);
    (void)kill(l->skein.pid, SIGTERM);
    (void)skein_wait(&l->skein); /* it ends by that signal, when all is sealed */
    l->skein.env = NULL;
    if (SKEIN(&l->skein, "verify", ".skein") != 0) fail_msg("%s%s", l->skein.out, l->skein.err);
    printf(
        "covered: %u kills, %u requests, %u of them sent again:", l->kills, l->count, l->repeated);
    for (int i = 0; i < PHASES; i++)
        printf(" %s %u", phase_names[i], l->by_phase[i]);
    printf("\n");
    assert_true(l->repeated > 0); /* kills came while something was under way */
    for (int i = 1; i < PHASES && has_aim() && kills >= 10 * KILLS; i++)
        assert_true(l->by_phase[i] >= 20);
    folder_remove(&l->folder);
    free(l->answered);
    free(l);
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
