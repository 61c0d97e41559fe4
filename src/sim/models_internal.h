/* models_internal.h - clients that know what they must be answered: one for a domain of a type of src/dev,
 * with one request under way at a time.
 *
 * May include base, value, core, dev.
 * Threads     none.
 */
#pragma once

#include "sim/world_internal.h"

enum model_kind { MODEL_ASK, MODEL_REDELIVER, MODEL_CLOSE, MODEL_REMOVE };

/* What is asked for, until it is answered. */
struct model_op {
    enum model_kind kind;
    const char *name;
    struct skn_slice payload; /* encoded; of the world's arena */
    int64_t a, b, c;          /* what the model makes of it */
    bool is_last;             /* nothing is asked any more, and no letter is left */
};

/* An answer. */
struct model_answer {
    enum skn_rc rc;
    struct skn_value value;
    uint64_t ms;   /* of its stamp */
    bool is_fault; /* a letter was made of the request, and nothing changed */
    bool was_asked_once;
};

struct model;
struct model_type {
    const char *type;
    const char *last; /* asked at the end, until it is over */
    bool redelivers;  /* its letters are handed over; else they are closed */
    size_t state_bytes;
    void (*plan)(struct world *w, struct model *m, struct model_op *out);
    void (*hear)(struct world *w, struct model *m, const struct model_answer *answer);
};

struct model {
    const struct model_type *type;
    struct skn_slice domain;
    uint32_t nth; /* of its type */
    struct model_op op;
    struct skn_slice id;
    uint32_t waits_in; /* life of the node that owes an answer */
    uint32_t asked;    /* so often */
    uint32_t turns;    /* at the end */
    bool is_waiting, is_faulted, is_over;
    enum skn_rc rc;    /* of the last answer */
    uint64_t letters;  /* there may be so many */
    uint64_t until_ms; /* before, they fault again */
    uint64_t ms;       /* the last stamp that was heard of */
    void *state;
};

/* Any one of a type; the models of a type are side by side. */
struct model *models_find(struct world *w, const struct model_type *type, uint32_t nth);
void models_wrong(struct world *w, const struct model *m, const char *why);

/* {name: number, ..}, up to a NULL; and with a text. */
struct skn_slice model_payload(struct world *w,
                               const char *text_name,
                               struct skn_slice text,
                               const char *name1,
                               int64_t n1,
                               const char *name2,
                               int64_t n2);
int64_t model_int(struct skn_value map, const char *name);

extern const struct model_type model_shelf, model_counter, model_hog, model_flood, model_echo;
