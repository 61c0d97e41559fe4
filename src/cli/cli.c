/* cli.c - from the command line to the command, and what all of them share. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"

#include "cli/help_internal.h"
#include "cli/version.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#ifdef __clang__
#    define COMPILER "clang " __clang_version__
#else
#    define COMPILER "gcc " __VERSION__
#endif

enum { HELP_MAX = 1 << 20 };

static void print_version(struct skn_out *out)
{
    skn_out_printf(out,
                   out->json ? "{\"version\":\"%s\",\"build\":\"%s\",\"compiler\":\"%s\"}\n"
                             : "skein %s (%s, %s)\n",
                   SKN_VERSION,
                   SKN_BUILD_TYPE,
                   COMPILER);
}

static int print_help(struct skn_out *out, bool has_command, enum skn_command command)
{
    struct skn_buf text;
    skn_buf_init(&text, HELP_MAX);
    if (has_command) {
        skn_help_command(&text, command);
    } else {
        skn_help_all(&text);
    }
    skn_out_put(out, skn_buf_slice(&text));
    skn_buf_fini(&text);
    return 0;
}

static int print_group(struct skn_out *out, const char *group)
{
    struct skn_buf text;
    skn_buf_init(&text, HELP_MAX);
    skn_help_group(&text, group);
    skn_out_put(out, skn_buf_slice(&text));
    skn_buf_fini(&text);
    return 0;
}

int skn_cmd_help(struct skn_cli *cli)
{
    enum skn_command command = SKN_COMMAND_HELP;
    struct skn_diag diag;
    const char *const *words = cli->args.operands;
    bool has_command = cli->args.operand_count > 0, has_two = cli->args.operand_count > 1;
    if (has_command && !has_two && skn_command_is_group(words[0]))
        return print_group(&cli->out, words[0]);
    const char *name =
        has_two ? skn_arena_printf(&cli->arena, "%s %s", words[0], words[1]) : words[0];
    if (has_command && skn_command_find(name, &command, &diag) != SKN_OK)
        return skn_out_fail(&cli->out, &diag);
    return print_help(&cli->out, has_command, command);
}

static int run(struct skn_cli *cli, int argc, char **argv, const skn_command_fn *commands)
{
    struct skn_diag diag;
    enum skn_rc rc = skn_args_parse(&cli->arena, argc, argv, &cli->args, &diag);
    cli->out.json = skn_args_has(&cli->args, SKN_OPTION_JSON);
    if (rc != SKN_OK) return skn_out_fail(&cli->out, &diag);
    if (skn_args_has(&cli->args, SKN_OPTION_VERSION)) {
        print_version(&cli->out);
        return 0;
    }
    if (skn_args_has(&cli->args, SKN_OPTION_HELP) && cli->args.group && !cli->args.has_command)
        return print_group(&cli->out, cli->args.group);
    if (skn_args_has(&cli->args, SKN_OPTION_HELP))
        return print_help(&cli->out, cli->args.has_command, cli->args.command);
    skn_command_fn command = commands[cli->args.command];
    if (!command) {
        rc = SKN_FAIL(
            &diag, SKN_ENOTYET, "%s is not built yet", skn_command_info(cli->args.command)->name);
        return skn_out_fail(&cli->out, &diag);
    }
    return command(cli);
}

/* Of a standard descriptor that is closed, a file or socket of ours would take the place. Reading
 * and writing it still fails as it should: a null device opened the other way. */
static void keep_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0) (void)open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

int skn_cli_main(int argc, char **argv, const skn_command_fn *commands)
{
    keep_standard_descriptors();
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error of the write */
    struct skn_cli cli = {0};
    skn_arena_init(&cli.arena);
    int exit_code = run(&cli, argc, argv, commands);
    struct skn_diag diag;
    if (skn_out_close(&cli.out, &diag) != SKN_OK) {
        int failed = skn_out_fail(&cli.out, &diag);
        if (exit_code == 0) exit_code = failed;
    }
    skn_arena_fini(&cli.arena);
    return exit_code;
}
