/* event_internal.h - what the readers of an event file share.
 *
 * Owns        nothing; what is read lives in the arena of the file.
 * May include base, lang/kit.
 * Threads     none.
 */
#pragma once

#include "lang/pointy/pointy.h"
#include "lang/pointy/yaml_tree.h"

struct event_file {
    struct skn_arena *arena;
    struct skn_diags *diags;
    struct skn_yaml yaml;
    struct skn_event_def *def;
    const struct skn_event_host *host; /* or NULL */
    struct skn_schema_budget budget;   /* of all declarations in the file */
    size_t schema_bytes;               /* of the files that it named so far */
};

/* A key of a mapping: legal and built, or legal and not built yet. */
struct key {
    const char *name;
    bool is_built;
};

static inline const struct skn_yaml_node *node_at(const struct event_file *f, uint32_t at)
{
    return &f->yaml.nodes[at];
}

void skn_event_bad_value(struct event_file *f, const char *key, uint32_t at, const char *wanted);

/* The value of a key when it is there and of this kind; 0 otherwise, reported when it is there. */
uint32_t
skn_event_get(struct event_file *f, uint32_t mapping, const char *key, enum skn_yaml_kind kind);

/* Unknown keys with the nearest known one, legal ones that are not built as such. */
void skn_event_check_keys(struct event_file *f,
                          uint32_t mapping,
                          const struct key *keys,
                          size_t count,
                          const char *where);

/* Says that something legal cannot be run yet; no run takes the event then. */
void skn_event_not_run(struct event_file *f, struct skn_span span, const char *what);

/* A list of texts under a key; with outs, they are kept. */
void skn_event_texts(struct event_file *f,
                     uint32_t mapping,
                     const char *key,
                     const struct skn_slice **out_texts,
                     uint32_t *out_count);

/* name: type, or name: { type: .., default: .., and the words of [F31] }. */
void skn_event_field(struct event_file *f, uint32_t at, bool is_input, struct skn_field *field);

/* What a declaration is told by: the file, and the node of the declaration in it. */
struct declaration {
    struct event_file *f;
    uint32_t at;
};

/* For skn_schema_compile: each fault at its node. */
void skn_event_report_words(void *ctx,
                            enum skn_schema_fault fault,
                            const struct skn_slice *path,
                            uint32_t path_count,
                            const char *wanted);

/* The encoded value of a node; false when a number in it is outside its limits. */
bool skn_event_value(struct event_file *f, uint32_t at, struct skn_slice *out_value);

/* `schema: file.json` at the node `schema` of the declaration at `at`: the words and type of a field. */
void skn_event_schema(struct event_file *f, uint32_t at, uint32_t schema, struct skn_field *field);

/* All keys that only checks and tools read, or that no run can do yet [F30]. */
void skn_event_rest(struct event_file *f, uint32_t root);
