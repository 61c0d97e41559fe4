/* yaml_tree.h - an event file, or skein.yaml, as a tree: YAML 1.2, strict, nothing judged yet.
 *
 * Owns        nothing; the tree lives in the arena it was read into.
 * May include base, lang/kit.
 * Threads     any.
 * Invariants
 *   1. Nodes stand in the order of the file; what is inside a node stands behind it, up to `end`.
 *   2. Inside a mapping keys and values alternate; keys are scalars, and no two are the same.
 *   3. No anchors, aliases, tags, directives, or second document: each is refused by name.
 */
#pragma once

#include "lang/kit/diags.h"

enum { SKN_YAML_DEPTH_MAX = 32, SKN_YAML_NODES_MAX = 16384 };

enum skn_yaml_kind { SKN_YAML_SCALAR, SKN_YAML_LIST, SKN_YAML_MAPPING };

struct skn_yaml_node {
    enum skn_yaml_kind kind;
    bool is_plain;         /* a scalar without quotes: may be a number, a bool or null */
    struct skn_slice text; /* of a scalar */
    struct skn_span span;  /* of a list or mapping its first character */
    uint32_t end;          /* index behind what is inside it */
};

struct skn_yaml {
    const struct skn_yaml_node *nodes; /* nodes[0] is the document */
    uint32_t count;
};

/* False: what is wrong is in `diags`. */
bool skn_yaml_parse(struct skn_arena *arena, struct skn_diags *diags, struct skn_yaml *out);

/* The value of a key of the mapping at `mapping`, or 0 when it has none (the document is nobody's
 * value). */
uint32_t skn_yaml_get(const struct skn_yaml *yaml, uint32_t mapping, const char *key);

/* What a plain scalar is by the core schema of YAML 1.2. */
enum skn_yaml_scalar {
    SKN_YAML_NULL,
    SKN_YAML_BOOL,
    SKN_YAML_INT,
    SKN_YAML_FLOAT,
    SKN_YAML_TEXT,
};

enum skn_yaml_scalar skn_yaml_scalar(const struct skn_yaml_node *node);
