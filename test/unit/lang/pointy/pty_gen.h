/* pty_gen.h - programs of the whole language, made from a seed: every construct of the grammar, with
 * blanks and comments anywhere between tokens. All of them are well formed; names need not exist. */
#pragma once

#include "base/buf.h"
#include "base/rng.h"

struct pty_gen {
    struct skn_rng rng;
    struct skn_buf text;
    unsigned budget; /* units left */
    bool plain;      /* no comments, one blank */
};

static inline unsigned pty_pick(struct pty_gen *g, unsigned n)
{
    return (unsigned)skn_rng_below(&g->rng, n);
}

static inline void pty_blank(struct pty_gen *g)
{
    static const char *const blanks[] = {" ",
                                         "",
                                         "\n",
                                         "\t",
                                         "\r\n",
                                         "  ",
                                         " ",
                                         " # say\n",
                                         "\n# }\n",
                                         "\n\n",
                                         "#\r\n",
                                         " ",
                                         "",
                                         " ",
                                         "\n  # a -> b \n\n"};
    skn_buf_put_str(&g->text, g->plain ? " " : blanks[pty_pick(g, 15)]);
}

static inline void pty_put(struct pty_gen *g, const char *token)
{
    skn_buf_put_str(&g->text, token);
    pty_blank(g);
}

static inline void pty_literal(struct pty_gen *g, unsigned depth)
{
    static const char *const literals[] = {"\"x\"",
                                           "\"a\\n\\u00e9 \\\"q\\\" $$\"",
                                           "1",
                                           "-7",
                                           "+2",
                                           "0.5",
                                           "1e21",
                                           "-2.50",
                                           "true",
                                           "false",
                                           "250ms",
                                           "30s",
                                           "1d",
                                           "64KiB",
                                           "\"two\nlines\"",
                                           "\"\xC3\xA9 # -> \""};
    unsigned kind = pty_pick(g, depth > 0 ? 19 : 16);
    if (kind < 16) {
        pty_put(g, literals[kind]);
        return;
    }
    pty_put(g, "[");
    for (unsigned i = pty_pick(g, 4); i > 0; i--) {
        pty_literal(g, depth - 1);
        if (i > 1) pty_put(g, ",");
    }
    pty_put(g, "]");
}

static inline void pty_options(struct pty_gen *g)
{
    static const char *const options[] = {"timeout=5s",
                                          "retries=3",
                                          "retry_attempts = 0",
                                          "deadline=90",
                                          "backoff=1s",
                                          "jitter=0.5",
                                          "retry_on=[\"timeout\", \"exit:75\"]",
                                          "evaluate=\"any\"",
                                          "result_evaluation_strategy=\"any_must_succeed\"",
                                          "on_failure=\"continue\"",
                                          "stop_condition=\"on_error\"",
                                          "gpu=true",
                                          "rate=\"10/s\"",
                                          "cache=1h",
                                          "note=\"${a.b} $$\"",
                                          "n=12"};
    bool used[16] = {false};
    if (pty_pick(g, 3) > 0) return;
    pty_put(g, "[");
    unsigned count = 1 + pty_pick(g, 3);
    for (unsigned i = 0; i < count; i++) {
        unsigned which = pty_pick(g, 16);
        if (used[which] || (which == 1 && used[2]) || (which == 2 && used[1]) ||
            (which == 7 && used[8]) || (which == 8 && used[7]))
            continue;
        bool first = true;
        for (unsigned j = 0; j < 16; j++)
            first = first && !used[j];
        if (!first) pty_put(g, ",");
        used[which] = true;
        pty_put(g, options[which]);
    }
    if (pty_pick(g, 2)) {
        pty_put(g, ",");
        pty_put(g, "v");
        pty_put(g, "=");
        pty_literal(g, 2);
        if (pty_pick(g, 4) == 0) pty_put(g, ",");
    }
    pty_put(g, "]");
}

static inline void pty_chain(struct pty_gen *g, unsigned depth);

static inline void pty_branches(struct pty_gen *g, unsigned depth)
{
    static const char *const outcomes[] = {"failure", "success", "declined", "3", "rework"};
    static const char *const same[] = {"0", "1", "declined", "3", "rework"};
    unsigned at = pty_pick(g, 5);
    if (depth == 0 || pty_pick(g, 4) > 0) return;
    pty_put(g, "(");
    unsigned count = 1 + pty_pick(g, 3);
    for (unsigned i = 0; i < count; i++) {
        unsigned which = (at + i) % 5;
        if (i > 0) pty_put(g, ",");
        pty_put(g, pty_pick(g, 2) ? outcomes[which] : same[which]);
        pty_put(g, pty_pick(g, 2) ? "->" : "|->");
        pty_chain(g, depth - 1);
    }
    if (pty_pick(g, 4) == 0) pty_put(g, ",");
    pty_put(g, ")");
}

static inline void pty_unit(struct pty_gen *g, unsigned depth)
{
    static const char *const names[] = {"A",
                                        "Fetch",
                                        "Charge@1.2",
                                        "pypi:Extract@v2.1",
                                        "\xC3\x89t\xC3\xA9",
                                        "hub:Load@latest",
                                        "Noop",
                                        "Fail",
                                        "ALongerNameThanTheOthersHave"};
    static const char *const calls[] = {"MAP", "FILTER", "REDUCE", "FLOW"};
    bool before = pty_pick(g, 12) == 0;
    if (g->budget > 0) g->budget--;
    if (before) {
        pty_put(g, "3");
        pty_put(g, "*");
    }
    unsigned kind = pty_pick(g, 8);
    if (kind == 0 && depth > 0) {
        bool brace = pty_pick(g, 2) == 0;
        pty_put(g, brace ? "{" : "(");
        pty_chain(g, depth - 1);
        pty_put(g, brace ? "}" : ")");
    } else if (kind == 1) {
        pty_put(g, calls[pty_pick(g, 4)]);
        pty_put(g, "<");
        pty_put(g, names[pty_pick(g, 3)]);
        pty_put(g, ">");
    } else {
        pty_put(g, names[pty_pick(g, 9)]);
    }
    if (!before && pty_pick(g, 6) == 0) {
        pty_put(g, "*");
        pty_put(g, "12");
    }
    pty_options(g);
    pty_branches(g, depth);
}

static inline void pty_chain(struct pty_gen *g, unsigned depth)
{
    for (;;) {
        pty_unit(g, depth);
        while (g->budget > 0 && pty_pick(g, 4) == 0) {
            pty_put(g, "||");
            pty_unit(g, depth);
        }
        if (g->budget == 0 || pty_pick(g, 3) == 0) return;
        pty_put(g, pty_pick(g, 2) ? "->" : "|->");
    }
}

static inline void pty_directives(struct pty_gen *g)
{
    static const char *const values[][2] = {{"timeout", "2h"},
                                            {"recursive-depth", "300"},
                                            {"version", "v1.2"},
                                            {"description", "\"a # b\""},
                                            {"scope", "acme/prod-1"},
                                            {"on-failure", "pypi:Tell@2"},
                                            {"concurrency", "4"},
                                            {"concurrency-key", "\"k\""},
                                            {"schedule", "\"* * * * *\""},
                                            {"keep", "debug"},
                                            {"mode", "CFG"}};
    static const char *const inputs[] = {
        "a : string", "b:int=7", "c: list ? = [ 1 , [ \"x\" ] ]", "d: secret?", "e: float = 1.5"};
    unsigned inputs_from = pty_pick(g, 6);
    for (unsigned i = 0; i < 11; i++) {
        if (pty_pick(g, 6) > 0) continue;
        pty_put(g, "@");
        skn_buf_put_str(&g->text, values[i][0]);
        pty_blank(g);
        pty_put(g, ":");
        skn_buf_put_str(&g->text, values[i][1]);
        skn_buf_put_str(&g->text, g->plain || pty_pick(g, 2) ? "\n" : " # why\n");
    }
    for (unsigned i = inputs_from; i < 5; i++) {
        if (pty_pick(g, 2)) continue;
        skn_buf_put_str(&g->text, "@input:");
        pty_blank(g);
        skn_buf_put_str(&g->text, inputs[i]);
        skn_buf_put_str(&g->text, "\n");
    }
}

/* The program of a seed. */
static inline void pty_generate(struct pty_gen *g, uint64_t seed, unsigned budget)
{
    skn_rng_init(&g->rng, seed);
    skn_buf_reset(&g->text);
    g->budget = budget;
    pty_directives(g);
    pty_blank(g);
    pty_chain(g, 4);
}
