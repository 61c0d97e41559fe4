/* load.h - a client of the real program with many requests under way, and a history of all it asked.
 *
 * One connection: entries and transfers in ledgers, questions for their totals, floods between domains
 * of different shards, programs. A request without an answer is sent again to the next holder under
 * its id. Each is made from its number and a seed, so that it is the same when it is repeated.
 */
#pragma once

#include "base/base.h"
#include "base/rng.h"
#include "crash/record.h"
#include "lib/skein.h"

#include <inttypes.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    PHASES = 9,
    WINDOW = 64, /* requests under way */
    PER_LIFE_MAX = 600,
    REQUESTS_MAX = 400000,
    LEDGERS = 8,
    FLOODS = 4,
    HOGS = 2,
    NOTES = 3, /* of one flood */
    FRAME_MAX = 1 << 20,
    WAIT_MS = 30000,
};

/* The letters with which their ids begin. */
enum kind { ADD = 'n', TRANSFER = 'm', FLOOD = 'f', INTENT = 'i', GET = 'g' };

struct load {
    struct folder folder;
    struct skein skein;
    struct skn_rng rng;
    uint64_t seed;
    struct record *record; /* of all that was asked and answered */
    int fd;
    uint8_t in[FRAME_MAX];
    size_t in_len;
    bool *answered; /* by number of the request */
    uint32_t count, answers, repeated;
    uint32_t under_way[WINDOW];
    size_t flying;
    char last[4096]; /* the last answer */
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
    return r == 0 ? INTENT : r < 4 ? FLOOD : r < 12 ? TRANSFER : r < 14 ? GET : ADD;
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

static void write_payload(const struct load *l, uint32_t n, char *out, size_t size)
{
    enum kind kind = kind_of(l, n);
    unsigned other = (unsigned)(mixed(l, n) >> 32) % 10;
    out[0] = 0;
    if (kind == ADD || kind == TRANSFER)
        (void)snprintf(out,
                       size,
                       "{\"id\":\"%c%u\",\"amount\":%" PRId64
                       ",\"account\":\"a%u\",\"from\":\"a%u\","
                       "\"to\":\"b%u\"}",
                       (char)kind,
                       n,
                       amount_of(l, n),
                       other,
                       other,
                       other);
    else if (kind == FLOOD)
        (void)snprintf(out,
                       size,
                       "{\"to\":\"t:Flood/f%u\",\"count\":%d,\"bytes\":20}",
                       (domain_of(l, n) + 1) % FLOODS,
                       NOTES);
    else if (kind == INTENT)
        (void)snprintf(out, size, "{\"argv\":[\"sleep\",\"0.02\"]}");
}

static void write_request(const struct load *l, uint32_t n, char *out, size_t size)
{
    enum kind kind = kind_of(l, n);
    bool is_hog = kind == INTENT, is_flood = kind == FLOOD;
    const char *type = is_hog ? "Hog" : is_flood ? "Flood" : "Ledger";
    const char *name = is_hog             ? "intent"
                       : is_flood         ? "flood"
                       : kind == TRANSFER ? "transfer"
                       : kind == GET      ? "get"
                                          : "add";
    char payload[160], id[40] = "";
    write_payload(l, n, payload, sizeof payload);
    if (kind != GET) (void)snprintf(id, sizeof id, ",\"request_id\":\"%c%u\"", (char)kind, n);
    (void)snprintf(out,
                   size,
                   "{\"type\":\"send\",\"id\":%u,\"address\":\"t:%s/%c%u\",\"name\":\"%s\"%s%s%s}",
                   n + 1,
                   type,
                   is_hog     ? 'h'
                   : is_flood ? 'f'
                              : 'l',
                   domain_of(l, n),
                   name,
                   id,
                   payload[0] ? ",\"payload\":" : "",
                   payload);
}

/* A request or, with the answer in `last`, its reply. What a transfer does to the entries is judged
 * apart from what adds do to the total. */
static void note(struct load *l, uint32_t n, enum skn_history_kind what)
{
    enum kind kind = kind_of(l, n);
    char domain[40], id[16] = "", payload[160];
    const char *answer = what == SKN_HISTORY_REPLY ? strstr(l->last, "\"answer\":") : NULL;
    (void)snprintf(domain,
                   sizeof domain,
                   kind == INTENT     ? "t:Hog/h%u"
                   : kind == FLOOD    ? "t:Flood/f%u"
                   : kind == TRANSFER ? "t:Ledger/l%u+transfers"
                                      : "t:Ledger/l%u",
                   domain_of(l, n));
    if (kind != GET) (void)snprintf(id, sizeof id, "%c%u", (char)kind, n);
    write_payload(l, n, payload, sizeof payload);
    struct skn_history_event e = {.kind = what,
                                  .domain = skn_slice_str(domain),
                                  .id = skn_slice_str(id),
                                  .name = kind == GET      ? SKN_LIT("get")
                                          : kind == FLOOD  ? SKN_LIT("flood")
                                          : kind == INTENT ? SKN_LIT("intent")
                                                           : SKN_LIT("add"),
                                  .hash = record_hash(payload, strlen(payload))};
    if (kind == ADD || kind == TRANSFER) e.amount = amount_of(l, n);
    if (answer) {
        answer += strlen("\"answer\":");
        e.answer = record_hash(answer, strcspn(answer, ",}"));
        if (kind == GET) e.amount = strtoll(answer, NULL, 10);
    }
    record_event(l->record, &e);
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
    note(l, n, SKN_HISTORY_REQUEST);
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
    note(l, id - 1, SKN_HISTORY_REPLY);
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

/* What the holder said before it died, and nobody has read yet. */
static void hear_the_rest(struct load *l)
{
    while (l->fd >= 0 && take(l, 0))
        (void)answered(l);
}

static void load_init(struct load *l, const char *dir)
{
    const char *given = getenv("SKN_SEED");
    l->seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("seed %" PRIu64 "\n", l->seed);
    skn_rng_init(&l->rng, l->seed);
    l->answered = calloc(REQUESTS_MAX, sizeof *l->answered);
    l->fd = -1;
    l->skein.dir = dir;
}

static void load_fini(struct load *l)
{
    hang_up(l);
    free(l->answered);
}
