/* guard.c - which message the process died at, and how often [E35]. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/guard_internal.h"

#include "base/buf.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the stack on which a handler runs: a program may have used up its own. */
enum { STACK_BYTES = 64 << 10 };

struct header {
    uint8_t magic[8];
    uint32_t level, slots, slot_bytes, entries;
    uint64_t deaths;
    uint8_t zeros[32];
};

struct entry {
    uint64_t check, order, identity_lo, identity_hi;
    uint32_t deaths, address_len;
    uint8_t address[SKN_ADDRESS_MAX];
};

struct page {
    struct header header;
    struct skn_handling slots[SKN_GUARD_SLOTS];
    struct entry entries[SKN_GUARD_ENTRIES];
};

static_assert(sizeof(struct header) == 64 && sizeof(struct skn_handling) == 536 &&
                  sizeof(struct entry) == 552,
              "as it is drawn");

struct skn_guard_file {
    struct skn_guard_events events;
    struct page *page; /* NULL: the guard is off */
    struct skn_poison poison[SKN_GUARD_ENTRIES];
    size_t poison_count;
};

/* --- signals ------------------------------------------------------------------------------------------ */

static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
static struct sigaction before[SKN_ARRAY_LEN(fatal)];
static unsigned users; /* guards that are open in this process */
static _Thread_local struct skn_handling *mine;
static _Thread_local void *stack;

/* Async-signal-safe: stores, getpid, sigaction and raise. */
static void on_fatal(int number, siginfo_t *info, void *context)
{
    (void)context;
    volatile struct skn_handling *slot = mine;
    /* The kernel's own have a code above 0; abort and raise come from this process. */
    bool is_own = info->si_code > 0 || info->si_pid == getpid();
    if (slot && is_own && slot->state == SKN_HANDLING_MESSAGE) slot->state = SKN_HANDLING_CRASHED;
    for (size_t i = 0; i < SKN_ARRAY_LEN(fatal); i++)
        if (fatal[i] == number) (void)sigaction(number, &before[i], NULL);
    /* What a broken instruction raised is raised again by it; the rest has to be. */
    if (info->si_code <= 0) (void)raise(number);
}

static void take_signals(void)
{
    if (users++ > 0) return;
    struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < SKN_ARRAY_LEN(fatal); i++)
        (void)sigaction(fatal[i], &action, &before[i]);
}

static void give_signals_back(void)
{
    SKN_ASSERT(users > 0);
    if (--users > 0) return;
    for (size_t i = 0; i < SKN_ARRAY_LEN(fatal); i++)
        (void)sigaction(fatal[i], &before[i], NULL);
}

void skn_guard_thread_begin(struct skn_guard_file *guard, unsigned slot)
{
    SKN_ASSERT(slot < SKN_GUARD_SLOTS);
    if (!guard || !guard->page) return;
    mine = &guard->page->slots[slot];
    stack_t now;
    if (stack || sigaltstack(NULL, &now) != 0 || !(now.ss_flags & SS_DISABLE)) return;
    stack = skn_alloc(STACK_BYTES);
    const stack_t ours = {.ss_sp = stack, .ss_size = STACK_BYTES};
    (void)sigaltstack(&ours, NULL);
}

void skn_guard_thread_end(void)
{
    static const stack_t none = {.ss_flags = SS_DISABLE};
    mine = NULL;
    if (!stack) return;
    (void)sigaltstack(&none, NULL);
    skn_free(stack);
    stack = NULL;
}

/* --- entries ------------------------------------------------------------------------------------------ */

static struct skn_slice address_of(const struct entry *entry)
{
    return skn_slice(entry->address, entry->address_len);
}

static uint64_t check_of(const struct entry *entry)
{
    struct skn_slice rest = skn_slice((const uint8_t *)entry + sizeof entry->check,
                                      sizeof *entry - sizeof entry->check);
    return skn_row_hash(SKN_LIT("guard"), rest).lo;
}

/* The entry of the identity; else a new one, in place of a free one or of what died longest ago. */
static struct entry *entry_for(struct page *page, const struct skn_handling *slot)
{
    struct entry *oldest = &page->entries[0];
    for (size_t i = 0; i < SKN_GUARD_ENTRIES; i++) {
        struct entry *entry = &page->entries[i];
        bool is_it = entry->deaths > 0 && entry->identity_lo == slot->identity_lo &&
                     entry->identity_hi == slot->identity_hi;
        if (is_it) return entry;
        if (entry->order < oldest->order) oldest = entry; /* a free one has order 0 */
    }
    *oldest = (struct entry){.identity_lo = slot->identity_lo,
                             .identity_hi = slot->identity_hi,
                             .address_len = slot->address_len};
    memcpy(oldest->address, slot->address, slot->address_len);
    return oldest;
}

static void count_death(struct skn_guard_file *guard, const struct skn_handling *slot)
{
    struct entry *entry = entry_for(guard->page, slot);
    entry->deaths++;
    entry->order = ++guard->page->header.deaths;
    entry->check = check_of(entry);
    guard->events.died(
        guard->events.ctx, address_of(entry), entry->deaths, entry->deaths >= SKN_GUARD_DEATHS);
}

/* The slot is freed first: a kill in between loses a death, which only costs another one. */
static void read_slots(struct skn_guard_file *guard)
{
    bool is_bad = false;
    for (size_t i = 0; i < SKN_GUARD_SLOTS; i++) {
        const struct skn_handling slot = guard->page->slots[i];
        guard->page->slots[i] = (struct skn_handling){0};
        bool fits = slot.state <= SKN_HANDLING_CRASHED && slot.address_len <= SKN_ADDRESS_MAX;
        is_bad |= !fits;
        if (fits && slot.state == SKN_HANDLING_CRASHED) count_death(guard, &slot);
    }
    if (is_bad) guard->events.unreadable(guard->events.ctx, "a slot is malformed and left out");
}

static void read_entries(struct skn_guard_file *guard)
{
    bool is_bad = false;
    for (size_t i = 0; i < SKN_GUARD_ENTRIES; i++) {
        struct entry *entry = &guard->page->entries[i];
        static const struct entry none;
        if (memcmp(entry, &none, sizeof none) == 0) continue;
        if (entry->deaths > 0 && entry->address_len <= SKN_ADDRESS_MAX &&
            entry->check == check_of(entry))
            continue;
        is_bad = true;
        *entry = none;
    }
    if (is_bad) guard->events.unreadable(guard->events.ctx, "an entry is malformed and left out");
}

static void list_poison(struct skn_guard_file *guard)
{
    for (size_t i = 0; i < SKN_GUARD_ENTRIES; i++) {
        const struct entry *entry = &guard->page->entries[i];
        if (entry->deaths < SKN_GUARD_DEATHS) continue;
        guard->poison[guard->poison_count++] = (struct skn_poison){
            .identity = {entry->identity_lo, entry->identity_hi}, .address = address_of(entry)};
    }
}

/* --- the file ----------------------------------------------------------------------------------------- */

static const struct header fresh = {.magic = "SKNGUARD",
                                    .level = SKN_GUARD_LEVEL,
                                    .slots = SKN_GUARD_SLOTS,
                                    .slot_bytes = sizeof(struct skn_handling),
                                    .entries = SKN_GUARD_ENTRIES};

/* NULL: the file is what it should be, or there was none. */
static const char *read_header(int fd, bool *out_is_new, bool *out_is_newer)
{
    struct header header = {0};
    struct stat st;
    if (fstat(fd, &st) != 0) return strerror(errno);
    *out_is_new = st.st_size == 0;
    if (*out_is_new) return NULL;
    bool is_ours = pread(fd, &header, sizeof header, 0) == (ssize_t)sizeof header &&
                   memcmp(header.magic, fresh.magic, sizeof header.magic) == 0;
    *out_is_newer = is_ours && header.level > SKN_GUARD_LEVEL;
    if (*out_is_newer) return "the file is of a newer version, and left alone";
    if (!is_ours || header.level != fresh.level || header.slots != fresh.slots ||
        header.slot_bytes != fresh.slot_bytes || header.entries != fresh.entries)
        return "the file is malformed, and begun anew";
    if (st.st_size != (off_t)sizeof(struct page))
        return "the file has another size, and is begun anew";
    return NULL;
}

/* Real blocks: a store into a hole of a full disk would be a bus error. */
static struct page *map_file(int fd, bool starts_anew)
{
    if (starts_anew && ftruncate(fd, 0) != 0) return NULL;
    if (posix_fallocate(fd, 0, sizeof(struct page)) != 0) return NULL;
    void *page = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) return NULL;
    struct page *mapped = page;
    if (starts_anew) mapped->header = fresh;
    return mapped;
}

struct skn_guard_file *skn_guard_file_open(const char *dir, const struct skn_guard_events *events)
{
    struct skn_guard_file *guard = skn_alloc_zero(1, sizeof *guard);
    guard->events = *events;
    struct skn_buf path;
    skn_buf_init(&path, 1 << 16);
    skn_buf_printf(&path, "%s/guard", dir);
    int fd = open(skn_buf_str(&path), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    skn_buf_fini(&path);
    bool is_new = false, is_newer = false;
    const char *reason = fd < 0 ? strerror(errno) : read_header(fd, &is_new, &is_newer);
    if (fd >= 0 && !is_newer) guard->page = map_file(fd, is_new || reason);
    if (fd >= 0 && !is_newer && !guard->page && !reason) reason = "the file could not be mapped";
    if (fd >= 0) (void)close(fd);
    if (reason) events->unreadable(events->ctx, reason);
    if (!guard->page) return guard;
    read_entries(guard);
    read_slots(guard);
    list_poison(guard);
    take_signals();
    skn_guard_thread_begin(guard, 0);
    return guard;
}

void skn_guard_file_close(struct skn_guard_file *guard)
{
    if (!guard) return;
    if (guard->page) {
        skn_guard_thread_end();
        give_signals_back();
        (void)munmap(guard->page, sizeof *guard->page);
    }
    skn_free(guard);
}

struct skn_handling *skn_guard_file_slots(struct skn_guard_file *guard)
{
    return guard->page ? guard->page->slots : NULL;
}

const struct skn_poison *skn_guard_file_poison(const struct skn_guard_file *guard,
                                               size_t *out_count)
{
    *out_count = guard->poison_count;
    return guard->poison;
}

bool skn_guard_file_has(const struct skn_guard_file *guard, struct skn_hash128 identity)
{
    for (size_t i = 0; i < guard->poison_count; i++)
        if (skn_hash128_eq(guard->poison[i].identity, identity)) return true;
    return false;
}

void skn_guard_file_forgive(struct skn_guard_file *guard, struct skn_slice address)
{
    if (!guard->page) return;
    for (size_t i = guard->poison_count; i-- > 0;)
        if (!skn_guard_is_letter(guard->poison[i].identity) &&
            skn_slice_eq(guard->poison[i].address, address))
            guard->poison[i] = guard->poison[--guard->poison_count];
    for (size_t i = 0; i < SKN_GUARD_ENTRIES; i++) {
        struct entry *entry = &guard->page->entries[i];
        bool is_letter =
            skn_guard_is_letter((struct skn_hash128){entry->identity_lo, entry->identity_hi});
        bool is_there = entry->deaths > 0 && skn_slice_eq(address_of(entry), address);
        if (is_there && !is_letter) *entry = (struct entry){0};
    }
}
