/* run.c - skein run: a flow and its inputs become a run, and its end an exit code. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"
#include "cli/follow_internal.h"
#include "cli/inputs_internal.h"
#include "cli/load_internal.h"
#include "env/env_real.h"
#include "value/json.h"

#include <string.h>
#include <unistd.h>

enum { GRAPH_BYTES_MAX = 16 << 20, TEXT_MAX = 64 << 20, NAME_MAX_BYTES = 128 };

struct job {
    struct skn_flow flow;
    struct skn_buf inputs; /* JSON objects */
    struct skn_buf labels;
    struct skn_buf graph; /* encoded */
};

static enum skn_rc check_name(const char *name, struct skn_diag *diag)
{
    if (!name) return SKN_OK;
    if (strlen(name) > NAME_MAX_BYTES)
        return SKN_FAIL(diag, SKN_EUSAGE, "the name is longer than %d bytes", NAME_MAX_BYTES);
    for (const char *at = name; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return SKN_FAIL(diag, SKN_EUSAGE, "the name has a control character");
    return SKN_OK;
}

/* The first event that only a project could know. */
static struct skn_slice unknown_event(const struct skn_graph *graph)
{
    for (uint32_t i = 0; i < graph->event_count; i++)
        if (graph->events[i].kind == SKN_EVENT_UNKNOWN) return graph->events[i].name;
    return SKN_LIT("");
}

/* Everything that can be known before anything starts. */
static enum skn_rc prepare(struct skn_cli *cli, struct job *job, struct skn_diag *diag)
{
    const char *file = cli->args.operands[0];
    const char *named = skn_args_value(&cli->args, SKN_OPTION_PROJECT);
    enum skn_rc rc = check_name(skn_args_value(&cli->args, SKN_OPTION_NAME), diag);
    if (rc == SKN_OK) rc = skn_load_flow(&cli->arena, named, file, &job->flow, diag);
    if (rc != SKN_OK) return rc;
    if (job->flow.errors > 0 || job->flow.warnings > 0) {
        struct skn_buf text;
        skn_buf_init(&text, TEXT_MAX);
        skn_flow_render(&job->flow, &text);
        skn_out_err(skn_buf_slice(&text));
        skn_buf_fini(&text);
    }
    if (!job->flow.graph)
        return SKN_FAIL(diag,
                        SKN_ESYNTAX,
                        "\"%s\" cannot run: %u error%s",
                        file,
                        job->flow.errors,
                        job->flow.errors == 1 ? "" : "s");
    if (job->flow.graph->not_yet.len > 0)
        return SKN_FAIL(diag,
                        SKN_ENOTYET,
                        "\"%s\" cannot run: not yet: %.*s",
                        file,
                        SKN_FMT(job->flow.graph->not_yet));
    if (!skn_graph_is_runnable(job->flow.graph))
        return SKN_FAIL(diag,
                        SKN_ESYNTAX,
                        "\"%s\" cannot run: it is in no project that declares \"%.*s\"; skein init "
                        "makes one",
                        file,
                        SKN_FMT(unknown_event(job->flow.graph)));
    rc = skn_inputs_read(&cli->arena, &cli->args, job->flow.graph, &job->inputs, diag);
    if (rc == SKN_OK) rc = skn_labels_read(&cli->args, &job->labels, diag);
    if (rc == SKN_OK) rc = skn_graph_encode(job->flow.graph, &job->graph);
    return rc;
}

static int print_dry(struct skn_cli *cli, const struct job *job)
{
    struct skn_buf text;
    skn_buf_init(&text, TEXT_MAX);
    const struct skn_graph *graph = job->flow.graph;
    if (cli->out.json) {
        skn_buf_printf(&text,
                       "{\"events\":%u,\"units\":%u,\"inputs\":%s}\n",
                       graph->event_count,
                       graph->unit_count,
                       skn_buf_str((struct skn_buf *)(uintptr_t)&job->inputs));
    } else {
        skn_buf_printf(&text, "Would run %.*s with\n", SKN_FMT(job->flow.name));
        skn_buf_put(&text, skn_buf_slice(&job->inputs));
        skn_buf_put_str(&text, "\n\n");
        skn_graph_dump(graph, &text);
        if (text.len > 0 && text.ptr[text.len - 1] != '\n') skn_buf_put_u8(&text, '\n');
    }
    skn_out_put(&cli->out, skn_buf_slice(&text));
    skn_buf_fini(&text);
    return 0;
}

static int start(struct skn_cli *cli, const struct job *job)
{
    struct skn_diag diag = {.text = ""};
    struct skn_client *client;
    const char *name = skn_args_value(&cli->args, SKN_OPTION_NAME);
    bool watch = !skn_args_has(&cli->args, SKN_OPTION_DETACH);
    const struct skn_client_options options = {
        .env = skn_env_real(), .project = &job->flow.project, .write = true};
    if (skn_client_open(&options, &client, &diag) != SKN_OK) return skn_out_fail(&cli->out, &diag);
    const struct skn_start_request request = {
        .graph = skn_buf_slice(&job->graph),
        .flow = job->flow.name,
        .source = job->flow.files->source.text,
        .inputs = skn_buf_slice(&job->inputs),
        .name = skn_slice_str(name ? name : ""),
        .labels = skn_buf_slice(&job->labels),
        .watch = watch,
    };
    int exit_code, signal_fd = watch ? skn_follow_signals() : -1;
    if (skn_client_start(client, &request, &diag) != SKN_OK) {
        exit_code = skn_out_fail(&cli->out, &diag);
    } else {
        exit_code =
            watch ? skn_follow_run(cli, client, signal_fd) : skn_follow_accepted(cli, client);
    }
    if (signal_fd >= 0) (void)close(signal_fd);
    skn_client_close(client);
    return exit_code;
}

int skn_cmd_run(struct skn_cli *cli)
{
    struct job job = {.flow = {.errors = 0}};
    struct skn_diag diag = {.text = ""};
    skn_buf_init(&job.inputs, TEXT_MAX);
    skn_buf_init(&job.labels, TEXT_MAX);
    skn_buf_init(&job.graph, GRAPH_BYTES_MAX);
    int exit_code;
    diag.rc = prepare(cli, &job, &diag);
    if (diag.rc != SKN_OK) {
        exit_code = skn_out_fail(&cli->out, &diag);
    } else if (skn_args_has(&cli->args, SKN_OPTION_DRYRUN)) {
        exit_code = print_dry(cli, &job);
    } else {
        exit_code = start(cli, &job);
    }
    skn_buf_fini(&job.inputs);
    skn_buf_fini(&job.labels);
    skn_buf_fini(&job.graph);
    return exit_code;
}
