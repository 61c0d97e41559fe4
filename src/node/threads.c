/* threads.c - a thread per part of the shards. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/threads_internal.h"

#include "base/mem.h"
#include "node/phase_internal.h"
#include "node/wakeup_internal.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { AWAKE, ASLEEP };

struct thread {
    struct skn_threads *all;
    unsigned part;
    pthread_t id;
    bool is_running;
    bool is_forever;        /* it sleeps until it is woken; of the log's, under `log_turn` */
    _Atomic uint32_t state; /* AWAKE, ASLEEP: what it sleeps on */
};

struct skn_threads {
    struct skn_shards *shards;
    struct thread *threads; /* by part; the first is not one: worker 0 is turned by the main one */
    struct skn_guard_file *guard;
    struct skn_phases *phases;
    unsigned count;
    struct skn_wakeup wakeup; /* of the main thread */
    unsigned log;             /* the part that writes the journal */
    pthread_mutex_t log_turn; /* whoever turns it has this: its thread, or the main one */
    bool is_turning;          /* the main thread, worker 0 */
    bool is_log_wanted;       /* in that turn the log got something */
    bool is_main_again;       /* the main thread gave itself something */
    _Atomic bool stops;
    _Atomic bool has_failed;
    pthread_mutex_t mutex; /* of what follows */
    enum skn_rc rc;
    struct skn_diag diag;
};

/* The main thread turns the log. */
static _Thread_local bool is_main_log;

static void sleep_on(_Atomic uint32_t *state, int timeout_ms)
{
    const struct timespec limit = {.tv_sec = timeout_ms / 1000,
                                   .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
    (void)syscall(
        SYS_futex, state, FUTEX_WAIT_PRIVATE, ASLEEP, timeout_ms < 0 ? NULL : &limit, NULL, 0);
}

static void wake_thread(struct thread *thread)
{
    /* What was pushed before is seen by whoever reads this. */
    if (atomic_exchange_explicit(&thread->state, AWAKE, memory_order_seq_cst) == ASLEEP)
        (void)syscall(SYS_futex, &thread->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void wake(void *ctx, unsigned from, unsigned to)
{
    struct skn_threads *all = ctx;
    bool is_from_main = from == 0 || from >= all->count || is_main_log;
    bool is_to_main = to == 0 || to >= all->count;
    if (is_from_main && is_to_main)
        all->is_main_again = true;
    else if (is_from_main && to == all->log && all->is_turning)
        all->is_log_wanted = true;
    else if (is_to_main)
        skn_wakeup_set(&all->wakeup);
    else
        wake_thread(&all->threads[to]);
}

static void fail(struct skn_threads *all, enum skn_rc rc, const struct skn_diag *diag)
{
    (void)pthread_mutex_lock(&all->mutex);
    if (all->rc == SKN_OK) {
        all->rc = rc;
        all->diag = *diag;
    }
    (void)pthread_mutex_unlock(&all->mutex);
    atomic_store(&all->has_failed, true);
    skn_wakeup_set(&all->wakeup);
}

/* The keeper says when it works on a checkpoint. */
static enum skn_rc
turn(struct thread *thread, bool is_keeper, bool *out_more, struct skn_diag *diag)
{
    struct skn_threads *all = thread->all;
    bool is_working = is_keeper && all->phases && skn_shards_state(all->shards).is_checkpointing;
    if (is_working) skn_phase_checkpoint(all->phases, true);
    enum skn_rc rc = skn_shards_turn(all->shards, thread->part, out_more, diag);
    if (is_working) skn_phase_checkpoint(all->phases, false);
    return rc;
}

/* And how long it has nothing to do then. */
static enum skn_rc
turn_log(struct thread *thread, bool *out_more, int *out_wait, struct skn_diag *diag)
{
    struct skn_threads *all = thread->all;
    (void)pthread_mutex_lock(&all->log_turn);
    enum skn_rc rc = skn_shards_turn(all->shards, thread->part, out_more, diag);
    *out_wait = *out_more ? 0 : skn_shards_timeout_ms(all->shards, thread->part);
    thread->is_forever = *out_wait < 0;
    (void)pthread_mutex_unlock(&all->log_turn);
    return rc;
}

/* What worker 0 gave the log: written and synced here when there is nothing else to do, which saves
 * its answer two wake-ups; else by the log's thread. */
static enum skn_rc give_to_log(struct skn_threads *all, struct skn_diag *diag)
{
    struct thread *log = &all->threads[all->log];
    enum skn_rc rc = SKN_OK;
    bool is_done = false, more = false;
    all->is_log_wanted = false;
    if (pthread_mutex_trylock(&all->log_turn) == 0) {
        is_done = skn_shards_may_wait(all->shards, 0);
        is_main_log = true;
        if (is_done) rc = skn_shards_turn(all->shards, all->log, &more, diag);
        is_main_log = false;
        /* Some time after the last group the log has something to do once more. */
        is_done = is_done && !more && !log->is_forever;
        (void)pthread_mutex_unlock(&all->log_turn);
    }
    if (!is_done) wake_thread(log);
    return rc;
}

static void *run(void *arg)
{
    struct thread *thread = arg;
    struct skn_threads *all = thread->all;
    const char *name = skn_shards_part_name(all->shards, thread->part);
    bool is_keeper = strcmp(name, "keeper") == 0, is_log = thread->part == all->log;
    if (strcmp(name, "worker") == 0) skn_guard_thread_begin(all->guard, thread->part);
    if (!is_log) skn_phases_mute_thread();
    while (!atomic_load(&all->stops) && !atomic_load(&all->has_failed)) {
        struct skn_diag diag = {0};
        bool more = false;
        int wait = 0;
        /* It counts as asleep while it looks: who pushes behind the look wakes it. */
        atomic_store_explicit(&thread->state, ASLEEP, memory_order_seq_cst);
        enum skn_rc rc =
            is_log ? turn_log(thread, &more, &wait, &diag) : turn(thread, is_keeper, &more, &diag);
        if (rc != SKN_OK) {
            fail(all, rc, &diag);
            break;
        }
        if (!is_log && !more) wait = skn_shards_timeout_ms(all->shards, thread->part);
        if (wait != 0 && !atomic_load(&all->stops)) sleep_on(&thread->state, wait);
    }
    skn_guard_thread_end();
    return NULL;
}

/* Blocked, a fault of a thread's own would end the process before anybody notes it [E35]. */
static void unblock_fatal(sigset_t *set)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    for (size_t i = 0; i < SKN_ARRAY_LEN(fatal); i++)
        (void)sigdelset(set, fatal[i]);
}

enum skn_rc skn_threads_start(struct skn_shards *shards,
                              struct skn_guard_file *guard,
                              struct skn_phases *phases,
                              struct skn_threads **out_threads,
                              struct skn_diag *diag)
{
    struct skn_threads *all = skn_alloc_zero(1, sizeof *all);
    all->shards = shards;
    all->guard = guard;
    all->phases = phases;
    all->count = skn_shards_parts(shards);
    all->threads = skn_alloc_zero(all->count, sizeof *all->threads);
    all->log = skn_shards_log(shards);
    (void)pthread_mutex_init(&all->mutex, NULL);
    (void)pthread_mutex_init(&all->log_turn, NULL);
    skn_wakeup_init(&all->wakeup);
    int error = all->wakeup.fd < 0 ? errno : 0;
    skn_shards_on_wake(shards, wake, all);
    sigset_t every, before;
    (void)sigfillset(&every);
    unblock_fatal(&every);
    (void)pthread_sigmask(SIG_SETMASK, &every, &before);
    for (unsigned i = 1; error == 0 && i < all->count; i++) {
        struct thread *thread = &all->threads[i];
        thread->all = all;
        thread->part = i;
        error = pthread_create(&thread->id, NULL, run, thread);
        thread->is_running = error == 0;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        skn_threads_stop(all);
        return SKN_FAIL(diag, SKN_EINTERNAL, "could not start a thread: %s", strerror(error));
    }
    *out_threads = all;
    return SKN_OK;
}

/* --- threads for an opening ---------------------------------------------------------------------- */

struct hand {
    pthread_t id;
    void (*fn)(void *arg);
    void *arg;
};

static void *run_hand(void *arg)
{
    struct hand *hand = arg;
    skn_phases_mute_thread();
    hand->fn(hand->arg);
    return NULL;
}

static void *start_hand(void (*fn)(void *arg), void *arg)
{
    struct hand *hand = skn_alloc(sizeof *hand);
    *hand = (struct hand){.fn = fn, .arg = arg};
    sigset_t every, before;
    (void)sigfillset(&every);
    unblock_fatal(&every);
    (void)pthread_sigmask(SIG_SETMASK, &every, &before);
    bool is_started = pthread_create(&hand->id, NULL, run_hand, hand) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (is_started) return hand;
    skn_free(hand);
    return NULL;
}

static void join_hand(void *thread)
{
    struct hand *hand = thread;
    (void)pthread_join(hand->id, NULL);
    skn_free(hand);
}

static void pause_hand(void)
{
    (void)usleep(50);
}

const struct skn_crew skn_threads_crew = {
    .start = start_hand, .join = join_hand, .pause = pause_hand};

void skn_threads_stop(struct skn_threads *all)
{
    if (!all) return;
    atomic_store(&all->stops, true);
    for (unsigned i = 1; i < all->count; i++) {
        struct thread *thread = &all->threads[i];
        if (!thread->is_running) continue;
        wake_thread(thread);
        (void)pthread_join(thread->id, NULL);
    }
    skn_shards_on_wake(all->shards, NULL, NULL);
    skn_wakeup_fini(&all->wakeup);
    (void)pthread_mutex_destroy(&all->mutex);
    (void)pthread_mutex_destroy(&all->log_turn);
    skn_free(all->threads);
    skn_free(all);
}

int skn_threads_fd(const struct skn_threads *all)
{
    return all->wakeup.fd;
}

enum skn_rc skn_threads_turn(struct skn_threads *all, bool *out_more, struct skn_diag *diag)
{
    skn_wakeup_drain(&all->wakeup);
    if (atomic_load(&all->has_failed)) {
        (void)pthread_mutex_lock(&all->mutex);
        enum skn_rc rc = all->rc;
        if (diag) *diag = all->diag;
        (void)pthread_mutex_unlock(&all->mutex);
        return rc;
    }
    all->is_main_again = false;
    all->is_turning = true;
    enum skn_rc rc = skn_shards_turn(all->shards, 0, out_more, diag);
    all->is_turning = false;
    if (all->is_log_wanted) {
        enum skn_rc log_rc = give_to_log(all, rc == SKN_OK ? diag : NULL);
        if (rc == SKN_OK) rc = log_rc;
    }
    *out_more |= all->is_main_again;
    return rc;
}

int skn_threads_timeout_ms(struct skn_threads *all)
{
    if (all->is_main_again || atomic_load(&all->has_failed)) return 0;
    return skn_shards_timeout_ms(all->shards, 0);
}
