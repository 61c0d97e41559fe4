/* args_internal.h - the command line: which command, its operands and options.
 *
 * Invariants
 *   1. Nothing is guessed or skipped: whatever is not known, misplaced or given twice is SKN_EUSAGE
 *      with its name, its position and, when one is near, the name that was meant.
 *   2. Every argument is UTF-8.
 */
#pragma once

#include "base/arena.h"
#include "base/diag.h"
#include "base/rc.h"
#include "cli/commands_map.h"

enum { SKN_OPERANDS_MAX = 1024 };

enum skn_option {
#define X(id, name, letter, value, repeat, global, text) SKN_OPTION_##id,
    SKN_OPTION_MAP(X)
#undef X
        SKN_OPTION_COUNT
};
static_assert(SKN_OPTION_COUNT <= 64, "a command's options are bits");

enum skn_command {
#define X(id, name, operands, min, max, options, summary, help) SKN_COMMAND_##id,
    SKN_COMMAND_MAP(X)
#undef X
        SKN_COMMAND_COUNT
};

struct skn_option_info {
    const char *name;
    char letter;
    const char *value;
    bool repeat;
    bool global;
    const char *text;
};

struct skn_command_info {
    const char *name;
    const char *operands;
    uint32_t min;
    uint32_t max;
    uint64_t options; /* bit per enum skn_option, the global ones not in it */
    const char *summary;
    const char *help;
};

const struct skn_option_info *skn_option_info(enum skn_option option);
const struct skn_command_info *skn_command_info(enum skn_command command);

/* Whether a command is for people. */
bool skn_command_is_public(enum skn_command command);

/* Whether commands begin with this word and go on with another. */
bool skn_command_is_group(const char *word);

/* The command of a name. SKN_EUSAGE: there is none. */
SKN_MUST_USE enum skn_rc
skn_command_find(const char *name, enum skn_command *out_command, struct skn_diag *diag);

struct skn_args_option {
    enum skn_option option;
    const char *value; /* NULL when it takes none */
};

struct skn_args {
    bool has_command;  /* false: only global options were given, or nothing */
    const char *group; /* the first word of a command of two, or NULL */
    enum skn_command command;
    const char *operands[SKN_OPERANDS_MAX];
    uint32_t operand_count;
    struct skn_args_option *options; /* in order */
    uint32_t option_count;
};

/* Borrows the strings of `argv`. When --help or --version is there, nothing else is demanded of the
 * command. SKN_EUSAGE otherwise; what was understood so far is in `out_args` even then. */
SKN_MUST_USE enum skn_rc skn_args_parse(struct skn_arena *arena,
                                        int argc,
                                        char **argv,
                                        struct skn_args *out_args,
                                        struct skn_diag *diag);

bool skn_args_has(const struct skn_args *args, enum skn_option option);

/* The value of an option, or NULL. */
const char *skn_args_value(const struct skn_args *args, enum skn_option option);
