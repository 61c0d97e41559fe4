/* status.c - skein status: how the node is, or what is stored when none runs. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/link_internal.h"
#include "cli/version.h"
#include "cli/view_internal.h"
#include "core/limits.h"
#include "value/json.h"

enum { TEXT_MAX = 4 << 20 };

static unsigned long long n_of(struct skn_value map, const char *name)
{
    return (unsigned long long)skn_link_uint(map, name);
}

static void put_text(struct skn_buf *out, const char *title, struct skn_value map, const char *name)
{
    skn_buf_printf(out, "%-12s ", title);
    (void)skn_view_put(out, skn_view_text(map, name), 0);
    skn_buf_put_u8(out, '\n');
}

static void put_history(struct skn_buf *out, struct skn_value v)
{
    struct skn_value history = skn_view_member(v, "history");
    if (skn_value_is(history, SKN_T_NONE)) return;
    skn_buf_printf(out, "%-12s ", "history");
    skn_view_duration(out, (int64_t)skn_link_uint(history, "keep_ms"));
    skn_buf_put_str(out, " and more; ");
    struct skn_slice since = skn_view_text(history, "since");
    if (skn_link_is_true(history, "given_up"))
        skn_buf_put_str(out, "GIVEN UP: the disk is short of room, or a base could not be made");
    else if (since.len > 0)
        skn_buf_printf(out, "the oldest base is of %.*s", SKN_FMT(since));
    else
        skn_buf_put_str(out, "no base is made yet");
    skn_buf_put_u8(out, '\n');
}

/* A wall clock that is a second away is worth a word [E50]. */
static void put_clock(struct skn_buf *out, struct skn_value v)
{
    struct skn_value off = skn_view_member(v, "wall_ahead_ms"),
                     waits = skn_view_member(v, "clock_waits");
    int64_t ahead_ms = skn_value_is(off, SKN_T_INT) ? skn_value_as_int(off) : 0;
    put_text(out, "clock", v, "clock");
    if (ahead_ms < 1000 && ahead_ms > -1000) return;
    skn_buf_printf(out, "%-12s ", "");
    skn_view_duration(out, ahead_ms < 0 ? -ahead_ms : ahead_ms);
    skn_buf_put_str(out, ahead_ms < 0 ? " ahead of the wall clock" : " behind the wall clock");
    if (skn_value_is(waits, SKN_T_BOOL) && skn_value_as_bool(waits))
        skn_buf_put_str(out, ": `skein clock accept` follows it");
    skn_buf_put_u8(out, '\n');
}

static void put_holder(struct skn_buf *out, struct skn_value v)
{
    struct skn_value counts = skn_view_member(v, "counts");
    struct skn_value checkpoint = skn_view_member(v, "checkpoint");
    skn_buf_printf(out, "%-12s process %llu, up ", "holder", n_of(v, "pid"));
    skn_view_duration(out, (int64_t)skn_link_uint(v, "uptime_ms"));
    skn_buf_put_u8(out, '\n');
    put_text(out, "version", v, "version");
    put_clock(out, v);
    put_text(out, "disk", v, "disk");
    skn_buf_printf(out,
                   "%-12s %llu slices, %llu faults, %llu timers fired, %llu results dropped\n",
                   "handled",
                   n_of(counts, "slices"),
                   n_of(counts, "faults"),
                   n_of(counts, "timers_fired"),
                   n_of(counts, "dropped_results"));
    skn_buf_printf(out,
                   "%-12s %llu run, %llu wait for a place\n",
                   "programs",
                   n_of(counts, "programs"),
                   n_of(counts, "programs_waiting"));
    skn_buf_printf(out,
                   "%-12s %llu since it opened%s, %llu records behind the last%s\n",
                   "checkpoints",
                   n_of(checkpoint, "count"),
                   skn_link_is_true(checkpoint, "running") ? ", one runs" : "",
                   n_of(checkpoint, "tail_records"),
                   skn_link_is_true(checkpoint, "behind") ? ": new work is refused" : "");
    put_history(out, v);
}

/* A line for each that is not its default, in the order of the table. */
static void put_limits(struct skn_buf *out, struct skn_value v)
{
    size_t count;
    const struct skn_limit_info *infos = skn_limit_infos(&count);
    struct skn_value limits = skn_view_member(v, "limits");
    const char *title = "limits";
    for (size_t i = 0; i < count; i++) {
        char is[SKN_LIMIT_TEXT_MAX], otherwise[SKN_LIMIT_TEXT_MAX];
        if (!skn_value_is(skn_view_member(limits, infos[i].name), SKN_T_INT)) continue;
        skn_buf_printf(out,
                       "%-12s %s is %s, by default %s\n",
                       title,
                       infos[i].name,
                       skn_limit_print(infos[i].unit, skn_link_uint(limits, infos[i].name), is),
                       skn_limit_print(infos[i].unit, infos[i].otherwise, otherwise));
        title = "";
    }
}

static void put_status(struct skn_buf *out, struct skn_value v)
{
    struct skn_value journal = skn_view_member(v, "journal"), type;
    if (skn_link_is_true(v, "holder"))
        put_holder(out, v);
    else
        skn_buf_printf(out, "%-12s none: nothing runs; this is what is stored\n", "holder");
    skn_buf_printf(out, "%-12s %llu\n", "epoch", n_of(v, "epoch"));
    skn_buf_printf(out, "%-12s %llu\n", "records", n_of(v, "records"));
    if (!skn_link_is_true(v, "holder")) put_text(out, "last change", v, "last_change");
    skn_buf_printf(out, "%-12s %llu\n", "shards", n_of(v, "shards"));
    skn_buf_printf(out,
                   "%-12s %llu segments, %llu bytes, %llu groups%s\n",
                   "journal",
                   n_of(journal, "segments"),
                   n_of(journal, "bytes"),
                   n_of(journal, "groups"),
                   skn_link_is_true(v, "holder") ? " since it opened" : "");
    put_limits(out, v);
    skn_buf_printf(out, "%-12s", "domain types");
    struct skn_value_iter iter = skn_value_iter(skn_view_member(v, "domain_types"));
    while (skn_value_next(&iter, NULL, &type))
        if (skn_value_is(type, SKN_T_STRING))
            skn_buf_printf(out, " %.*s", SKN_FMT(skn_value_as_text(type)));
    skn_buf_put_u8(out, '\n');
}

/* What the holder says, and the version of this program beside it. */
static void put_json(struct skn_buf *out, struct skn_value v)
{
    struct skn_json_writer w;
    struct skn_value_iter iter = skn_value_iter(v);
    struct skn_slice key;
    struct skn_value member;
    skn_json_begin(&w, out, SKN_JSON_PLAIN);
    skn_json_object_begin(&w);
    while (skn_value_next(&iter, &key, &member)) {
        skn_json_key(&w, key);
        skn_json_value(&w, member);
    }
    skn_json_key_str(&w, "client_version");
    skn_json_str(&w, SKN_VERSION);
    skn_json_object_end(&w);
    if (skn_json_end(&w, NULL) == SKN_OK) skn_buf_put_u8(out, '\n');
}

int skn_cmd_status(struct skn_cli *cli)
{
    struct skn_link link = {.cli = cli};
    struct skn_value value = skn_value_none();
    struct skn_buf text;
    const struct skn_query query = {.kind = SKN_QUERY_STATUS};
    enum skn_rc rc = skn_link_open(&link, false);
    if (rc == SKN_OK) rc = skn_link_ask(&link, &query, -1, &value);
    if (rc != SKN_OK) return skn_link_close(&link, rc);
    skn_buf_init(&text, TEXT_MAX);
    if (cli->out.json)
        put_json(&text, value);
    else
        put_status(&text, value);
    skn_out_put(&cli->out, skn_buf_slice(&text));
    skn_buf_fini(&text);
    return skn_link_close(&link, rc);
}
