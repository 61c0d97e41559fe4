/* args.c - the command line: which command, its operands and options. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args_internal.h"

#include "base/slice.h"
#include "lang/kit/suggest.h"
#include "lang/kit/utf8.h"

#include <stdio.h>
#include <string.h>

#define B(id) (UINT64_C(1) << SKN_OPTION_##id)

static const struct skn_option_info options[] = {
#define X(id, name, letter, value, repeat, global, text) \
    {name, letter, value, repeat, global, text},
    SKN_OPTION_MAP(X)
#undef X
};

static const struct skn_command_info commands[] = {
#define X(id, name, operands, min, max, options, summary, help) \
    {name, operands, min, max, options, summary, help},
    SKN_COMMAND_MAP(X)
#undef X
};

struct parser {
    int argc;
    char **argv;
    int at; /* the argument that is looked at */
    struct skn_args *args;
    struct skn_diag *diag;
};

const struct skn_option_info *skn_option_info(enum skn_option option)
{
    SKN_ASSERT(option < SKN_OPTION_COUNT);
    return &options[option];
}

const struct skn_command_info *skn_command_info(enum skn_command command)
{
    SKN_ASSERT(command < SKN_COMMAND_COUNT);
    return &commands[command];
}

bool skn_command_is_public(enum skn_command command)
{
    const struct skn_command_info *info = skn_command_info(command);
    return info->name[0] != '_' && info->summary[0] && strncmp(info->name, "dev ", 4) != 0;
}

bool skn_command_is_group(const char *word)
{
    size_t len = strlen(word);
    for (enum skn_command c = 0; c < SKN_COMMAND_COUNT; c++)
        if (strncmp(commands[c].name, word, len) == 0 && commands[c].name[len] == ' ') return true;
    return false;
}

/* "; did you mean "run"?", or nothing. */
static void mean(char *out, size_t size, const char *before, struct skn_slice best)
{
    out[0] = 0;
    if (best.len > 0)
        (void)snprintf(out, size, "; did you mean \"%s%.*s\"?", before, SKN_FMT(best));
}

enum skn_rc skn_command_find(const char *name, enum skn_command *out_command, struct skn_diag *diag)
{
    struct skn_suggest suggest;
    skn_suggest_init(&suggest, skn_slice_str(name));
    for (enum skn_command c = 0; c < SKN_COMMAND_COUNT; c++) {
        if (strcmp(commands[c].name, name) == 0) {
            *out_command = c;
            return SKN_OK;
        }
        if (skn_command_is_public(c)) skn_suggest_offer(&suggest, skn_slice_str(commands[c].name));
    }
    char hint[64];
    mean(hint, sizeof(hint), "", suggest.best);
    return SKN_FAIL(diag,
                    SKN_EUSAGE,
                    "there is no command \"%.100s\"%s",
                    name,
                    hint[0] ? hint : "; skein help lists them");
}

static bool takes(const struct parser *p, enum skn_option option)
{
    if (options[option].global) return true;
    return p->args->has_command && (commands[p->args->command].options & UINT64_C(1) << option);
}

/* Keeps an option; `value` is NULL or what stood behind "=". */
static enum skn_rc take_option(struct parser *p, enum skn_option option, const char *value)
{
    const struct skn_option_info *info = &options[option];
    int at = p->at;
    if (!info->value && value)
        return SKN_FAIL(p->diag, SKN_EUSAGE, "argument %d: --%s takes no value", at, info->name);
    if (info->value && !value) {
        if (p->at + 1 >= p->argc)
            return SKN_FAIL(p->diag,
                            SKN_EUSAGE,
                            "argument %d: --%s wants a value: --%s %s",
                            at,
                            info->name,
                            info->name,
                            info->value);
        value = p->argv[++p->at];
    }
    if (value && value[0] == 0)
        return SKN_FAIL(
            p->diag, SKN_EUSAGE, "argument %d: the value of --%s is empty", p->at, info->name);
    if (!info->repeat && skn_args_has(p->args, option))
        return SKN_FAIL(
            p->diag, SKN_EUSAGE, "argument %d: --%s is given a second time", at, info->name);
    p->args->options[p->args->option_count++] = (struct skn_args_option){option, value};
    return SKN_OK;
}

static enum skn_rc unknown_option(const struct parser *p, struct skn_slice name)
{
    struct skn_suggest suggest;
    skn_suggest_init(&suggest, name);
    for (enum skn_option o = 0; o < SKN_OPTION_COUNT; o++)
        if (takes(p, o)) skn_suggest_offer(&suggest, skn_slice_str(options[o].name));
    char hint[64];
    mean(hint, sizeof(hint), "--", suggest.best);
    const char *command = p->args->has_command ? commands[p->args->command].name : "skein";
    return SKN_FAIL(p->diag,
                    SKN_EUSAGE,
                    "argument %d: %s has no option \"--%.*s\"%s",
                    p->at,
                    command,
                    name.len > 60 ? 60 : (int)name.len,
                    (const char *)name.ptr,
                    hint);
}

static enum skn_rc long_option(struct parser *p, const char *text)
{
    const char *equals = strchr(text, '=');
    struct skn_slice name = skn_slice(text, equals ? (size_t)(equals - text) : strlen(text));
    for (enum skn_option o = 0; o < SKN_OPTION_COUNT; o++)
        if (takes(p, o) && skn_slice_eq(name, skn_slice_str(options[o].name)))
            return take_option(p, o, equals ? equals + 1 : NULL);
    return unknown_option(p, name);
}

/* -x, -xyz for several, -nVALUE. */
static enum skn_rc short_options(struct parser *p, const char *letters)
{
    for (; *letters; letters++) {
        enum skn_option o = 0;
        while (o < SKN_OPTION_COUNT && !(takes(p, o) && options[o].letter == *letters))
            o++;
        if (o == SKN_OPTION_COUNT)
            return SKN_FAIL(p->diag,
                            SKN_EUSAGE,
                            "argument %d: there is no option \"-%.*s\" here",
                            p->at,
                            (int)skn_utf8_next(skn_slice_str(letters), 0).len,
                            letters);
        bool has_value = options[o].value && letters[1];
        enum skn_rc rc = take_option(p, o, has_value ? letters + 1 : NULL);
        if (rc != SKN_OK || options[o].value) return rc;
    }
    return SKN_OK;
}

static enum skn_rc take_operand(struct parser *p, const char *text)
{
    struct skn_args *args = p->args;
    if (!args->has_command && !args->group && skn_command_is_group(text)) {
        args->group = text;
        return SKN_OK;
    }
    if (!args->has_command) {
        char name[64];
        const char *group = args->group ? args->group : "";
        (void)snprintf(name, sizeof(name), "%s%s%.40s", group, args->group ? " " : "", text);
        enum skn_rc rc = skn_command_find(name, &args->command, p->diag);
        args->has_command = rc == SKN_OK;
        return rc;
    }
    if (text[0] == 0) return SKN_FAIL(p->diag, SKN_EUSAGE, "argument %d is empty", p->at);
    const struct skn_command_info *command = &commands[args->command];
    if (args->operand_count == command->max)
        return SKN_FAIL(p->diag,
                        SKN_EUSAGE,
                        "argument %d: \"%.100s\" is one too many: skein %s %s",
                        p->at,
                        text,
                        command->name,
                        command->operands);
    args->operands[args->operand_count++] = text;
    return SKN_OK;
}

static enum skn_rc check_text(const struct parser *p)
{
    struct skn_slice text = skn_slice_str(p->argv[p->at]);
    for (size_t at = 0; at < text.len;) {
        struct skn_utf8 c = skn_utf8_next(text, at);
        if (c.point == SKN_UTF8_BAD)
            return SKN_FAIL(
                p->diag, SKN_EUSAGE, "argument %d is not UTF-8: byte %zu", p->at, at + 1);
        at += c.len;
    }
    return SKN_OK;
}

static enum skn_rc check_complete(const struct parser *p)
{
    const struct skn_args *args = p->args;
    if (skn_args_has(args, SKN_OPTION_HELP) || skn_args_has(args, SKN_OPTION_VERSION))
        return SKN_OK;
    if (args->group && !args->has_command)
        return SKN_FAIL(p->diag,
                        SKN_EUSAGE,
                        "%s wants one word more; skein help %s lists them",
                        args->group,
                        args->group);
    if (!args->has_command)
        return SKN_FAIL(p->diag, SKN_EUSAGE, "what is to be done? skein help lists the commands");
    const struct skn_command_info *command = &commands[args->command];
    if (args->operand_count < command->min)
        return SKN_FAIL(p->diag,
                        SKN_EUSAGE,
                        "%s wants more: skein %s %s",
                        command->name,
                        command->name,
                        command->operands);
    return SKN_OK;
}

enum skn_rc skn_args_parse(struct skn_arena *arena,
                           int argc,
                           char **argv,
                           struct skn_args *out_args,
                           struct skn_diag *diag)
{
    /* One argument is at most all the short options that take no value. */
    size_t most = 1;
    for (int i = 0; i < argc; i++)
        most += argv[i][0] == '-' ? strlen(argv[i]) : 0;
    *out_args = (struct skn_args){
        .options = skn_arena_zero(arena, most, sizeof(struct skn_args_option)),
    };
    struct parser p = {.argc = argc, .argv = argv, .args = out_args, .diag = diag};
    for (p.at = 1; p.at < argc; p.at++) {
        enum skn_rc rc = check_text(&p);
        if (rc != SKN_OK) return rc;
    }
    bool only_operands = false;
    for (p.at = 1; p.at < argc; p.at++) {
        const char *text = argv[p.at];
        enum skn_rc rc = SKN_OK;
        if (only_operands || text[0] != '-' || text[1] == 0) {
            rc = take_operand(&p, text);
        } else if (text[1] != '-') {
            rc = short_options(&p, text + 1);
        } else if (text[2] == 0) {
            only_operands = true;
        } else {
            rc = long_option(&p, text + 2);
        }
        if (rc != SKN_OK) return rc;
    }
    return check_complete(&p);
}

bool skn_args_has(const struct skn_args *args, enum skn_option option)
{
    for (uint32_t i = 0; i < args->option_count; i++)
        if (args->options[i].option == option) return true;
    return false;
}

const char *skn_args_value(const struct skn_args *args, enum skn_option option)
{
    for (uint32_t i = 0; i < args->option_count; i++)
        if (args->options[i].option == option) return args->options[i].value;
    return NULL;
}
