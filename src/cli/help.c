/* help.c - the texts that come from commands_map.h: help, completion, the man page's lists. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help_internal.h"

#include <stdio.h>
#include <string.h>

enum { OPTION_COLUMN = 22, COMMAND_COLUMN = 28 };

static void put_option(struct skn_buf *out, enum skn_option option)
{
    const struct skn_option_info *info = skn_option_info(option);
    char left[64];
    (void)snprintf(left,
                   sizeof(left),
                   "  %c%c%c --%s%s%s",
                   info->letter ? '-' : ' ',
                   info->letter ? info->letter : ' ',
                   info->letter ? ',' : ' ',
                   info->name,
                   info->value ? " " : "",
                   info->value ? info->value : "");
    skn_buf_printf(out, "%-*s  %s\n", OPTION_COLUMN, left, info->text);
}

static void put_global_options(struct skn_buf *out)
{
    for (enum skn_option o = 0; o < SKN_OPTION_COUNT; o++)
        if (skn_option_info(o)->global) put_option(out, o);
}

static void put_command(struct skn_buf *out, enum skn_command command)
{
    const struct skn_command_info *info = skn_command_info(command);
    char left[64];
    (void)snprintf(left, sizeof(left), "%s %s", info->name, info->operands);
    skn_buf_printf(out, "  %-*s  %s\n", COMMAND_COLUMN, left, info->summary);
}

/* Whether the command is in the group. */
static bool is_of(enum skn_command command, const char *group)
{
    const char *name = skn_command_info(command)->name;
    size_t len = strlen(group);
    return strncmp(name, group, len) == 0 && name[len] == ' ';
}

void skn_help_group(struct skn_buf *out, const char *group)
{
    skn_buf_printf(out, "Usage: skein %s COMMAND [OPTIONS] [OPERANDS]\n\nCommands:\n", group);
    for (enum skn_command c = 0; c < SKN_COMMAND_COUNT; c++)
        if (is_of(c, group) && skn_command_info(c)->summary[0]) put_command(out, c);
    skn_buf_printf(out, "\nskein help %s COMMAND says more.\n", group);
}

void skn_help_all(struct skn_buf *out)
{
    skn_buf_put_str(out,
                    "skein runs flows that survive being killed.\n"
                    "\n"
                    "Usage: skein COMMAND [OPTIONS] [OPERANDS]\n"
                    "\n"
                    "Commands:\n");
    for (enum skn_command c = 0; c < SKN_COMMAND_COUNT; c++)
        if (skn_command_is_public(c)) put_command(out, c);
    skn_buf_put_str(out, "\nOptions of every command:\n");
    put_global_options(out);
    skn_buf_put_str(out, "\nskein help COMMAND says more. The manual: man skein.\n");
}

static bool has_option(enum skn_command command, enum skn_option option)
{
    return (skn_command_info(command)->options & UINT64_C(1) << option) != 0;
}

void skn_help_command(struct skn_buf *out, enum skn_command command)
{
    const struct skn_command_info *info = skn_command_info(command);
    skn_buf_printf(out,
                   "skein %s - %s\n\nUsage: skein %s%s%s%s\n\n%s",
                   info->name,
                   info->summary,
                   info->name,
                   info->options ? " [OPTIONS]" : "",
                   info->operands[0] ? " " : "",
                   info->operands,
                   info->help);
    if (info->options) {
        skn_buf_put_str(out, "\nOptions:\n");
        for (enum skn_option o = 0; o < SKN_OPTION_COUNT; o++)
            if (has_option(command, o)) put_option(out, o);
    }
    skn_buf_put_str(out, "\nOptions of every command:\n");
    put_global_options(out);
}

/* The words of one set of options, as in "--json --project". */
static void put_option_words(struct skn_buf *out, bool global, enum skn_command command)
{
    for (enum skn_option o = 0; o < SKN_OPTION_COUNT; o++) {
        const struct skn_option_info *info = skn_option_info(o);
        if (global ? info->global : has_option(command, o))
            skn_buf_printf(out, " --%s", info->name);
    }
}

/* The word in front of the blank; 0 when there is none. */
static size_t group_len(enum skn_command command)
{
    const char *blank = strchr(skn_command_info(command)->name, ' ');
    return blank ? (size_t)(blank - skn_command_info(command)->name) : 0;
}

/* Whether a command before it begins with the same word, so that a group is named once. */
static bool group_is_known(enum skn_command command)
{
    size_t len = group_len(command);
    for (enum skn_command c = 0; c < command; c++) {
        const char *name = skn_command_info(c)->name;
        if (skn_command_is_public(c) && group_len(c) == len &&
            strncmp(name, skn_command_info(command)->name, len) == 0)
            return true;
    }
    return false;
}

static void put_groups(struct skn_buf *out)
{
    const char *between = "";
    for (enum skn_command c = 0; c < SKN_COMMAND_COUNT; c++) {
        if (!skn_command_is_public(c) || group_len(c) == 0 || group_is_known(c)) continue;
        skn_buf_printf(out, "%s%.*s", between, (int)group_len(c), skn_command_info(c)->name);
        between = " ";
    }
}

/* The second words of a group. */
static void put_members(struct skn_buf *out, enum skn_command first)
{
    size_t len = group_len(first);
    for (enum skn_command c = first; c < SKN_COMMAND_COUNT; c++) {
        const char *name = skn_command_info(c)->name;
        if (!skn_command_is_public(c) || group_len(c) != len) continue;
        if (strncmp(name, skn_command_info(first)->name, len) != 0) continue;
        skn_buf_printf(out, "%s%s", c == first ? "" : " ", name + len + 1);
    }
}

static void put_bash_head(struct skn_buf *out)
{
    skn_buf_put_str(out,
                    "# skein.bash - completion for bash, made from src/cli/commands_map.h.\n"
                    "# SPDX-License-Identifier: Apache-2.0\n"
                    "\n"
                    "_skein_runs() {\n"
                    "    skein ps --all 2>/dev/null | awk 'NR > 1 { print $1 }'\n"
                    "}\n"
                    "\n"
                    "_skein() {\n"
                    "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                    "    local groups=\"");
    put_groups(out);
    skn_buf_put_str(out,
                    "\"\n"
                    "    local command= options= words= i\n"
                    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                    "        case ${COMP_WORDS[i]} in\n"
                    "            --project|-p) ((i++)) ;;\n"
                    "            -*) ;;\n"
                    "            *) command=${command:+$command }${COMP_WORDS[i]}\n"
                    "               [[ \" $groups \" == *\" $command \"* ]] || break ;;\n"
                    "        esac\n"
                    "    done\n"
                    "    COMPREPLY=()\n"
                    "    compopt -o filenames 2>/dev/null\n"
                    "    case $before in\n"
                    "        --project|-p) mapfile -t COMPREPLY < <(compgen -d -- \"$word\"); "
                    "return ;;\n"
                    "    esac\n");
}

/* What the operands of a command can be, by the words in commands_map.h. */
static const char *bash_words(const struct skn_command_info *info)
{
    if (strncmp(info->operands, "FILE", 4) == 0) return "$(compgen -f -- \"$word\")";
    bool is_folder = strncmp(info->operands, "DIR", 3) == 0 ||
                     strncmp(info->operands, "[DIR]", 5) == 0 ||
                     strncmp(info->operands, "BACKUP", 6) == 0;
    if (is_folder) return "$(compgen -d -- \"$word\")";
    if (strstr(info->operands, "RUN")) return "last $(_skein_runs)";
    if (strstr(info->operands, "COMMAND")) return "$commands";
    return "";
}

void skn_help_bash(struct skn_buf *out)
{
    put_bash_head(out);
    skn_buf_put_str(out, "    local commands=\"");
    const char *between = "";
    for (enum skn_command c = 0; c < SKN_COMMAND_COUNT; c++) {
        size_t len = group_len(c);
        if (!skn_command_is_public(c) || (len > 0 && group_is_known(c))) continue;
        const char *name = skn_command_info(c)->name;
        skn_buf_printf(out, "%s%.*s", between, (int)(len > 0 ? len : strlen(name)), name);
        between = " ";
    }
    skn_buf_put_str(out, "\"\n    case $command in\n        '') words=$commands ;;\n");
    for (enum skn_command c = 0; c < SKN_COMMAND_COUNT; c++) {
        if (!skn_command_is_public(c)) continue;
        const struct skn_command_info *info = skn_command_info(c);
        if (group_len(c) > 0 && !group_is_known(c)) {
            skn_buf_printf(out, "        %.*s) words=\"", (int)group_len(c), info->name);
            put_members(out, c);
            skn_buf_put_str(out, "\" ;;\n");
        }
        skn_buf_printf(out, "        '%s') options=\"", info->name);
        put_option_words(out, false, c);
        skn_buf_printf(out, "\"; words=\"%s\" ;;\n", bash_words(info));
    }
    skn_buf_put_str(out, "    esac\n    if [[ $word == -* ]]; then words=\"$options");
    put_option_words(out, true, SKN_COMMAND_HELP);
    skn_buf_put_str(out,
                    "\"; fi\n"
                    "    local IFS=$' \\t\\n'\n"
                    "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                    "}\n"
                    "complete -F _skein skein\n");
}

/* Help text as mdoc: an empty line is a paragraph, and no line may begin with a dot or quote. */
static void put_mdoc_text(struct skn_buf *out, const char *text)
{
    while (*text) {
        const char *end = strchr(text, '\n');
        size_t len = end ? (size_t)(end - text) : strlen(text);
        SKN_ASSERT(text[0] != '.');
        SKN_ASSERT(text[0] != '\'');
        if (len == 0) {
            skn_buf_put_str(out, ".Pp\n");
        } else {
            skn_buf_printf(out, "%.*s\n", (int)len, text);
        }
        text += len + (end != NULL);
    }
}

static void put_mdoc_option(struct skn_buf *out, enum skn_option option)
{
    const struct skn_option_info *info = skn_option_info(option);
    skn_buf_put_str(out, ".It ");
    if (info->letter) skn_buf_printf(out, "Fl %c , ", info->letter);
    skn_buf_printf(out, "Fl \\-%s", info->name);
    if (info->value) skn_buf_printf(out, " Ar %s", info->value);
    skn_buf_put_str(out, "\n");
    put_mdoc_text(out, info->text);
}

void skn_help_man(struct skn_buf *out)
{
    skn_buf_put_str(out, ".Sh COMMANDS\n.Bl -tag -width Ds\n");
    for (enum skn_command c = 0; c < SKN_COMMAND_COUNT; c++) {
        const struct skn_command_info *info = skn_command_info(c);
        if (!skn_command_is_public(c)) continue;
        skn_buf_printf(
            out, ".It Cm %s %s%s\n", info->name, info->operands[0] ? "Ar " : "", info->operands);
        put_mdoc_text(out, info->help);
        if (!info->options) continue;
        skn_buf_put_str(out, ".Bl -tag -width Ds\n");
        for (enum skn_option o = 0; o < SKN_OPTION_COUNT; o++)
            if (has_option(c, o)) put_mdoc_option(out, o);
        skn_buf_put_str(out, ".El\n");
    }
    skn_buf_put_str(out, ".El\n.Sh OPTIONS\nThese belong to every command.\n.Bl -tag -width Ds\n");
    for (enum skn_option o = 0; o < SKN_OPTION_COUNT; o++)
        if (skn_option_info(o)->global) put_mdoc_option(out, o);
    skn_buf_put_str(out, ".El\n");
}
