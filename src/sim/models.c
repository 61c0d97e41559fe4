/* models.c - sequential clients: each asks one domain for one thing at a time, again until it is answered,
 * and compares what it hears with what must be (P1, P2). */
/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/models_internal.h"

#include "base/hlc.h"
#include "base/mem.h"
#include "sim/numbers_internal.h"

#include <inttypes.h>

#include "base/pure.h"

/* Their requests have numbers of their own; those of clients.c and blobs.c are far below. */
#define FIRST_NUMBER (UINT64_C(1) << 41)

enum { MODELS_MAX = 32 };

struct sim_models {
    struct model items[MODELS_MAX];
    size_t count;
    uint64_t ids;
};

void models_wrong(struct world *w, const struct model *m, const char *why)
{
    struct skn_diag diag = {.text = ""};
    (void)SKN_FAIL(&diag,
                   SKN_EFAULT,
                   "%.*s after \"%s\": %s",
                   SKN_FMT(m->domain),
                   m->op.name,
                   m->rc == SKN_OK ? "OK" : skn_rc_info(m->rc)->name);
    world_fail(w, why, &diag);
}

void models_owe(struct world *w)
{
    for (size_t i = 0; w->models && i < w->models->count; i++)
        if (!w->models->items[i].is_over)
            models_wrong(w, &w->models->items[i], "P1: it is never what it must be");
}

struct skn_slice model_payload(struct world *w,
                               const char *text_name,
                               struct skn_slice text,
                               const char *name1,
                               int64_t n1,
                               const char *name2,
                               int64_t n2)
{
    struct skn_builder *b = skn_alloc(sizeof *b);
    skn_buf_reset(&w->scratch);
    skn_builder_init(b, &w->scratch);
    skn_build_map_begin(b);
    if (text_name) skn_build_key(b, skn_slice_str(text_name));
    if (text_name) skn_build_string(b, text);
    if (name1) skn_build_key(b, skn_slice_str(name1));
    if (name1) skn_build_int(b, n1);
    if (name2) skn_build_key(b, skn_slice_str(name2));
    if (name2) skn_build_int(b, n2);
    skn_build_map_end(b);
    enum skn_rc rc = skn_build_end(b, NULL);
    SKN_ASSERT(rc == SKN_OK);
    skn_free(b);
    return skn_arena_dup(&w->arena, skn_buf_slice(&w->scratch));
}

int64_t model_int(struct skn_value map, const char *name)
{
    return payload_int(map, name);
}

/* --- asking ---------------------------------------------------------------------------------------- */

static void submit(struct world *w, struct model *m)
{
    uint64_t number = FIRST_NUMBER + (uint64_t)(m - w->models->items);
    m->waits_in = w->life;
    m->asked++;
    struct skn_value payload = skn_value_none();
    if (m->op.payload.len > 0) payload = skn_value_view(m->op.payload);
    const struct skn_request request = {.number = number,
                                        .caller = SKN_LIT("model"),
                                        .id = m->id,
                                        .address = m->domain,
                                        .name = skn_slice_str(m->op.name),
                                        .payload = payload,
                                        .priority = SKN_PRIORITY_NORMAL};
    const struct skn_redeliver redeliver = {
        .number = number, .address = m->domain, .is_closing = m->op.kind == MODEL_CLOSE};
    const struct skn_remove remove = {.number = number, .address = m->domain};
    if (m->op.kind == MODEL_ASK)
        node_submit(w, &request);
    else if (m->op.kind == MODEL_REMOVE)
        node_remove(w, &remove);
    else
        node_redeliver(w, &redeliver);
}

static void begin(struct world *w, struct model *m, const struct model_op *op)
{
    m->op = *op;
    m->is_waiting = true;
    m->asked = 0;
    m->id = numbers_text(&w->arena, "m", w->models->ids++, (struct skn_slice){0});
    submit(w, m);
}

static void begin_letters(struct world *w, struct model *m, bool is_closing)
{
    const struct model_op op = {.kind = is_closing ? MODEL_CLOSE : MODEL_REDELIVER,
                                .name = is_closing ? "close" : "redeliver"};
    begin(w, m, &op);
}

static void begin_planned(struct world *w, struct model *m)
{
    struct model_op op = {.kind = MODEL_ASK};
    m->type->plan(w, m, &op);
    if (op.name) begin(w, m, &op);
}

/* One whose node died is asked again. */
static bool waits(struct world *w, struct model *m)
{
    if (m->is_waiting && m->waits_in != w->life) submit(w, m);
    return m->is_waiting;
}

void models_act(struct world *w)
{
    for (size_t i = 0; w->models && w->node && i < w->models->count; i++) {
        struct model *m = &w->models->items[i];
        if (waits(w, m) || skn_rng_chance(&w->rng, 1, 2)) continue;
        if (m->is_faulted && (!m->type->redelivers || m->ms >= m->until_ms))
            begin_letters(w, m, !m->type->redelivers);
        else
            begin_planned(w, m);
    }
}

/* --- answers ------------------------------------------------------------------------------------------ */

/* A fault by a limit that this seed has, or by what the program was told to do. */
static bool is_fault(const struct world *w, const struct model *m, enum skn_rc rc)
{
    const struct skn_core_limits *l = &w->params.limits;
    switch ((int)rc) {
    case SKN_EFAULT: return m->type == &model_hog;
    case SKN_EFULL: return l->hot_rows || l->answers || l->call_depth;
    case SKN_ETOOLARGE: return l->batch_bytes || l->row_bytes || l->message_bytes;
    case SKN_EGAS: return l->slice_gas;
    case SKN_EMEMORY: return l->slice_memory;
    case SKN_EOUTBOXFULL: return l->outbox_messages || l->outbox_bytes;
    case SKN_ETARGETFAULTED: return l->faulted_waiting;
    default: return false;
    }
}

static struct skn_value value_of(const struct skn_output *output)
{
    return output->value.len > 0 ? skn_value_view(output->value) : skn_value_none();
}

static bool is_refused(enum skn_rc rc)
{
    return rc == SKN_EMAILBOXFULL || rc == SKN_ERATELIMITED || rc == SKN_EGONE;
}

static void hear_letters(struct world *w, struct model *m, const struct skn_output *output)
{
    struct skn_value value = value_of(output);
    if (output->rc == SKN_EBUSY || is_refused(output->rc)) return; /* and again, later */
    if (output->rc != SKN_OK && output->rc != SKN_ENOENT) {
        models_wrong(w, m, "P10: letters cannot be handed over [E33]");
        return;
    }
    world_cover(w, m->op.kind == MODEL_CLOSE ? SKN_COVER_CLOSED : SKN_COVER_REDELIVERED);
    m->is_waiting = m->is_faulted = false;
    m->letters = skn_value_is(value, SKN_T_INT) ? (uint64_t)skn_value_as_int(value) : 0;
    const struct model_answer answer = {.rc = SKN_OK, .value = value};
    m->type->hear(w, m, &answer);
    if (m->op.kind == MODEL_CLOSE) m->letters = 0;
}

static void hear_removal(struct world *w, struct model *m, const struct skn_output *output)
{
    const struct model_answer answer = {.rc = SKN_OK, .value = skn_value_none()};
    if (is_refused(output->rc)) return;
    if (output->rc != SKN_OK && output->rc != SKN_ENOENT) {
        models_wrong(w, m, "P10: a domain cannot be removed [E14]");
        return;
    }
    world_cover(w, SKN_COVER_REMOVED);
    m->is_waiting = m->is_faulted = false;
    m->letters = 0;
    m->until_ms = 0;
    m->type->hear(w, m, &answer);
}

static void hear(struct world *w, struct model *m, const struct skn_output *output)
{
    const struct model_answer answer = {.rc = output->rc,
                                        .value = value_of(output),
                                        .ms = skn_hlc_ms(output->stamp),
                                        .was_asked_once = m->asked == 1,
                                        .is_fault = output->rc != SKN_OK};
    static const char text[] = "is FAULTED";
    bool is_faulted = output->rc == SKN_EFAULT && output->name.len > 0 &&
                      memmem(output->name.ptr, output->name.len, text, sizeof text - 1);
    if (is_refused(output->rc)) {
        m->waits_in = 0; /* nothing of it has happened */
        return;
    }
    m->is_waiting = false;
    m->is_faulted = is_faulted;
    m->ms = answer.ms;
    if (is_faulted) return;
    if (answer.is_fault && !is_fault(w, m, output->rc)) {
        models_wrong(w, m, "P10: a fault that nothing says");
        return;
    }
    m->letters += answer.is_fault;
    world_cover(w, SKN_COVER_MODEL);
    m->type->hear(w, m, &answer);
}

bool models_take(struct world *w, const struct skn_output *output)
{
    if (output->kind != SKN_OUTPUT_REPLY || output->number < FIRST_NUMBER) return false;
    SKN_ASSERT(w->models && output->number - FIRST_NUMBER < w->models->count);
    struct model *m = &w->models->items[output->number - FIRST_NUMBER];
    m->rc = output->rc;
    if (!m->is_waiting) {
        models_wrong(w, m, "P2: a second answer");
        return true;
    }
    if (m->op.kind == MODEL_ASK)
        hear(w, m, output);
    else if (m->op.kind == MODEL_REMOVE)
        hear_removal(w, m, output);
    else
        hear_letters(w, m, output);
    if (m->is_waiting) m->waits_in = 0;
    return true;
}

/* --- the end -------------------------------------------------------------------------------------------- */

/* First no letter is left; then what the domain has is what it must have, after a while. */
static void end_one(struct world *w, struct model *m)
{
    /* Its mail may have made letters, too: they are handed over in between. */
    bool has_letters =
        m->is_faulted || m->letters > 0 || (m->type->redelivers && m->turns++ % 4 == 0);
    if (has_letters && m->ms >= m->until_ms) {
        begin_letters(w, m, !m->type->redelivers);
        return;
    }
    const struct model_op op = {.kind = MODEL_ASK,
                                .name = m->type->last,
                                .is_last = !has_letters,
                                .payload = model_payload(w, NULL, SKN_LIT(""), NULL, 0, NULL, 0)};
    begin(w, m, &op);
}

bool models_calm(struct world *w)
{
    bool is_over = true;
    for (size_t i = 0; w->models && w->node && i < w->models->count; i++) {
        struct model *m = &w->models->items[i];
        is_over = is_over && m->is_over;
        if (!m->is_over && !waits(w, m)) end_one(w, m);
    }
    return !is_over;
}

/* --- which there are --------------------------------------------------------------------------------- */

static void add(struct world *w, const struct model_type *type, const char *scope, uint32_t nth)
{
    struct sim_models *models = w->models;
    SKN_ASSERT(models->count < MODELS_MAX);
    skn_buf_reset(&w->text);
    skn_buf_printf(&w->text, "%s:%s/%u", scope, type->type, nth);
    struct model *m = &models->items[models->count++];
    *m = (struct model){.type = type,
                        .domain = skn_arena_dup(&w->arena, skn_buf_slice(&w->text)),
                        .nth = nth,
                        .state = skn_alloc_zero(1, type->state_bytes)};
}

struct model *models_find(struct world *w, const struct model_type *type, uint32_t nth)
{
    for (size_t i = 0; i < w->models->count; i++)
        if (w->models->items[i].type == type && w->models->items[i].nth == nth)
            return &w->models->items[i];
    SKN_ASSERT(false);
    return NULL;
}

void models_init(struct world *w)
{
    if (!w->params.models) return;
    w->models = skn_alloc_zero(1, sizeof *w->models);
    for (uint32_t i = 0; i < 2; i++)
        add(w, &model_shelf, i ? "sim/a" : "sim", i);
    for (uint32_t i = 0; i < 2; i++)
        add(w, &model_counter, "sim", i);
    for (uint32_t i = 0; i < SIM_FLOODS; i++)
        add(w, &model_flood, "sim", i);
    for (uint32_t i = 0; i < SIM_ECHOES; i++)
        add(w, &model_echo, "sim", i);
    add(w, &model_hog, "sim", 0);
}

void models_fini(struct world *w)
{
    for (size_t i = 0; w->models && i < w->models->count; i++)
        skn_free(w->models->items[i].state);
    skn_free(w->models);
}
