/* phase.c - what the node is doing right now. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "node/phase_internal.h"

#include "base/buf.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct skn_phase_page {
    uint32_t phase;
    uint32_t journal;
    uint32_t checkpoint;
    uint32_t programs;
    uint64_t entered[SKN_PHASES];
};

static struct skn_phases *phases_of(struct skn_env *env)
{
    return SKN_CONTAINER_OF(env, struct skn_phases, base);
}

static _Thread_local bool is_muted;

void skn_phases_mute_thread(void)
{
    is_muted = true;
}

static void enter(struct skn_phases *phases, volatile uint32_t *at, enum skn_phase phase)
{
    *at = phase;
    uint64_t count = ++phases->page->entered[phase];
    if (phases->fail_at == phase && phases->fail_count == count) (void)kill(getpid(), SIGKILL);
}

void skn_phase_enter(struct skn_phases *phases, enum skn_phase phase)
{
    if (phases->page) enter(phases, &phases->page->phase, phase);
}

static void enter_journal(struct skn_phases *phases, enum skn_phase phase)
{
    if (phases->page && phase != SKN_PHASE_IDLE) enter(phases, &phases->page->journal, phase);
    if (phases->page && phase == SKN_PHASE_IDLE) phases->page->journal = 0;
}

void skn_phase_checkpoint(struct skn_phases *phases, bool is_working)
{
    if (!phases->page) return;
    if (is_working)
        enter(phases, &phases->page->checkpoint, SKN_PHASE_CHECKPOINT);
    else
        phases->page->checkpoint = 0;
}

void skn_phase_programs(struct skn_phases *phases, size_t running, bool has_started)
{
    if (!phases->page) return;
    phases->page->programs = (uint32_t)running;
    uint32_t ignored;
    if (has_started) enter(phases, &ignored, SKN_PHASE_EFFECT);
}

/* The inner one may keep what its clocks need beside itself. */
static uint64_t inner_now_wall_ns(struct skn_env *env)
{
    return skn_env_now_wall_ns(phases_of(env)->inner);
}

static uint64_t inner_now_mono_ns(struct skn_env *env)
{
    return skn_env_now_mono_ns(phases_of(env)->inner);
}

static enum skn_rc noted_pwrite(
    struct skn_file *file, uint64_t offset, const void *ptr, size_t len, struct skn_diag *diag)
{
    struct skn_phases *phases = phases_of(file->env);
    if (is_muted) return phases->inner->ops->pwrite(file, offset, ptr, len, diag);
    enter_journal(phases, SKN_PHASE_WRITE);
    skn_observe_count(phases->observe, SKN_METRIC_JOURNAL_APPENDS, 0, 1);
    skn_observe_count(phases->observe, SKN_METRIC_JOURNAL_BYTES, 0, len);
    enum skn_rc rc = phases->inner->ops->pwrite(file, offset, ptr, len, diag);
    enter_journal(phases, SKN_PHASE_IDLE);
    return rc;
}

static enum skn_rc noted_datasync(struct skn_file *file, struct skn_diag *diag)
{
    struct skn_phases *phases = phases_of(file->env);
    if (is_muted) return phases->inner->ops->datasync(file, diag);
    enter_journal(phases, SKN_PHASE_SYNC);
    uint64_t began = skn_env_now_mono_ns(phases->inner);
    enum skn_rc rc = phases->inner->ops->datasync(file, diag);
    uint64_t took = skn_env_now_mono_ns(phases->inner) - began;
    enter_journal(phases, SKN_PHASE_IDLE);
    skn_observe_count(phases->observe, SKN_METRIC_JOURNAL_SYNCS, 0, 1);
    skn_observe_value(phases->observe, SKN_METRIC_JOURNAL_SYNC, 0, took);
    return rc;
}

#ifdef SKN_DEBUG
static void read_failpoint(struct skn_phases *phases)
{
    static const char *const names[SKN_PHASES] = {
        "idle", "opening", "slice", "write", "sync", "release", "program", "checkpoint", "effect"};
    const char *text = getenv("SKEIN_FAILPOINT");
    const char *colon = text ? strchr(text, ':') : NULL;
    for (size_t i = 0; colon && i < SKN_PHASES; i++) {
        if (strlen(names[i]) != (size_t)(colon - text)) continue;
        if (strncmp(text, names[i], (size_t)(colon - text)) != 0) continue;
        phases->fail_at = (enum skn_phase)i;
        phases->fail_count = strtoull(colon + 1, NULL, 10);
    }
}
#endif

void skn_phases_init(struct skn_phases *phases, struct skn_env *inner, const char *dir)
{
    *phases = (struct skn_phases){.base = {&phases->ops}, .ops = *inner->ops, .inner = inner};
    phases->ops.now_wall_ns = inner_now_wall_ns;
    phases->ops.now_mono_ns = inner_now_mono_ns;
    phases->ops.pwrite = noted_pwrite;
    phases->ops.datasync = noted_datasync;
    struct skn_buf path;
    skn_buf_init(&path, 1 << 16);
    skn_buf_printf(&path, "%s/phase", dir);
    int fd = open(skn_buf_str(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    skn_buf_fini(&path);
    if (fd < 0) return;
    /* Real blocks: a store into a hole of a full disk would be a bus error. */
    void *page = MAP_FAILED;
    if (posix_fallocate(fd, 0, sizeof(struct skn_phase_page)) == 0)
        page = mmap(NULL, sizeof(struct skn_phase_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (page == MAP_FAILED) return;
    memset(page, 0, sizeof(struct skn_phase_page));
    phases->page = page;
#ifdef SKN_DEBUG
    read_failpoint(phases);
#endif
}

void skn_phases_fini(struct skn_phases *phases)
{
    if (phases->page) (void)munmap((void *)(uintptr_t)phases->page, sizeof(struct skn_phase_page));
    phases->page = NULL;
}
