/* test_loadpower.c - the power fails under the real program at work, on a real ext4 and a real xfs.
 *
 * The load of crash/load on a project of a loop device. At a random moment the holder is frozen, what it
 * said until then is heard, its file system is shut down without writing its log, the holder is killed
 * and the file system is mounted again. What the client was told and what the rows say then is a
 * history, judged by the checkers of the simulator: P1 and P2 through power cuts of the real program.
 * The control has a planted bug, an acknowledgement before the sync: the checkers must find it.
 *
 * Needs CAP_SYS_ADMIN and loop devices (loop.h); is skipped without. Debug builds only: of others
 * nobody plants a bug.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#include "crash/load.h"
#include "crash/loop.h"

enum {
    CUTS = 12, /* of each file system, times SKN_SOAK */
    CONTROL_CUTS = 20,
    LIFE_MS_MIN = 40,
    LIFE_MS_MAX = 300,
    PER_LIFE = 3000,
    LOOK_EACH = 40000, /* requests in all: then rows are looked at behind one cut of LOOKS */
    LOOKS = 8,
};

struct power {
    struct load load;
    struct loop loop;
    const char *env[4];
};

static bool begins(struct power *p, const char *type, void **state)
{
    (void)state;
    const char *why = loop_init(&p->loop, type);
    if (why) {
        loop_fini(&p->loop);
        free(p);
        print_message("%s: %s\n", type, why);
        return false;
    }
    struct load *l = &p->load;
    int len = snprintf(l->folder.path, sizeof l->folder.path, "%s/at", p->loop.folder.path);
    assert_true(len > 0 && (size_t)len < sizeof l->folder.path);
    folder_write(&l->folder, "skein.yaml", "");
    load_init(l, l->folder.path);
    l->record = record_create(NULL);
    p->env[0] = "SKEIN_CHECKPOINT_RECORDS=300";
    return true;
}

static void ends(struct power *p)
{
    record_destroy(p->load.record);
    load_fini(&p->load);
    loop_fini(&p->loop);
    free(p);
}

static void open_holder(struct power *p)
{
    struct load *l = &p->load;
    l->skein.env = p->env;
    skein_start(&l->skein, (const char *const[]){"_hold", NULL});
    uint64_t until_ms = now_ms() + WAIT_MS;
    while (!dial(l)) {
        if (now_ms() > until_ms) fail_msg("the holder does not serve");
        skein_pause_ms(2);
    }
    record_open(l->record);
}

static void one_life(struct power *p)
{
    struct load *l = &p->load;
    int status;
    open_holder(p);
    work(l, now_ms() + LIFE_MS_MIN + skn_rng_below(&l->rng, LIFE_MS_MAX), l->count + PER_LIFE);
    (void)kill(l->skein.pid, SIGSTOP);
    assert_int_equal(waitpid(l->skein.pid, &status, WUNTRACED), l->skein.pid);
    if (!WIFSTOPPED(status)) fail_msg("the holder ended by itself: %d", status);
    hear_the_rest(l);
    cuts_power(&p->loop);
    (void)kill(l->skein.pid, SIGKILL);
    hang_up(l);
    (void)skein_wait(&l->skein);
    record_crash(l->record, "power");
    mounts_again(&p->loop);
    if (l->count < LOOK_EACH || skn_rng_chance(&l->rng, 1, LOOKS))
        record_rows(l->record, folder_at(&l->folder, ".skein"), LEDGERS, FLOODS);
}

static unsigned soak(void)
{
    const char *text = getenv("SKN_SOAK");
    unsigned n = text ? (unsigned)strtoul(text, NULL, 10) : 1;
    return n ? n : 1;
}

static void loses_nothing(void **state, const char *type)
{
    struct power *p = calloc(1, sizeof *p);
    if (!begins(p, type, state)) SKIP_BECAUSE("no real file system");
    struct load *l = &p->load;
    unsigned cuts = CUTS * soak();
    for (unsigned i = 0; i < cuts; i++)
        one_life(p);
    open_holder(p);
    work(l, now_ms() + WAIT_MS, l->count);
    assert_int_equal(l->answers, l->count);
    hang_up(l);
    (void)kill(l->skein.pid, SIGTERM);
    assert_int_equal(skein_wait(&l->skein), 0);
    record_crash(l->record, "stop");
    record_rows(l->record, folder_at(&l->folder, ".skein"), LEDGERS, FLOODS);
    printf("covered: %s: %u power cuts, %u requests, %u of them sent again, %" PRIu64
           " events judged\n",
           type,
           cuts,
           l->count,
           l->repeated,
           record_events(l->record));
    ends(p);
}

static void what_was_answered_survives_power_cuts_of_a_real_ext4(void **state)
{
    loses_nothing(state, "ext4");
}

static void what_was_answered_survives_power_cuts_of_a_real_xfs(void **state)
{
    loses_nothing(state, "xfs");
}

/* A checker that cannot fail is none: P1 is broken, and seen to be. */
static void an_acknowledgement_before_the_sync_is_found(void **state)
{
    struct power *p = calloc(1, sizeof *p);
    if (!begins(p, "ext4", state)) SKIP_BECAUSE("no real file system");
    record_expect(p->load.record);
    p->env[1] = "SKN_BUG=1";
    unsigned cuts = 0;
    while (cuts < CONTROL_CUTS && !record_broken(p->load.record)) {
        one_life(p);
        cuts++;
    }
    if (!record_broken(p->load.record)) fail_msg("%u power cuts lost nothing", cuts);
    printf("covered: found after %u power cuts: %s\n", cuts, record_broken(p->load.record));
    ends(p);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_answered_survives_power_cuts_of_a_real_ext4),
        cmocka_unit_test(what_was_answered_survives_power_cuts_of_a_real_xfs),
        cmocka_unit_test(an_acknowledgement_before_the_sync_is_found),
    };
    return cmocka_run_group_tests_name("crash/loadpower", tests, NULL, NULL);
}
