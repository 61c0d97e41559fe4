/* commands_map.h - every command and option; parser, help, completion and the man page's lists come
 * from here.
 *
 * SKN_OPTION_MAP X(id, name, letter, value, repeat, global, text)
 *   letter   its short form, or 0
 *   value    what it wants behind it, or NULL
 *   repeat   may stand more than once
 * SKN_COMMAND_MAP X(id, name, operands, min, max, options, summary, help)
 *   name     one word, or a group and one word, such as "domain ls"; one that begins with "_" or is
 *            in the group dev, and one without a summary, is in no list
 *   operands as shown; min and max is how many, max at most SKN_OPERANDS_MAX
 *   options  which it takes besides the global ones
 */
#pragma once

/* clang-format off */
#define SKN_OPTION_MAP(X) \
    X(JSON,    "json",    0,   NULL,      false, true,  "print JSON (doc/json.md)") \
    X(PROJECT, "project", 'p', "DIR",     false, true,  "use this project, not the one of the file or folder") \
    X(HELP,    "help",    'h', NULL,      false, true,  "say what the command does") \
    X(VERSION, "version", 'V', NULL,      false, true,  "print version, build type and compiler") \
    X(INPUT,   "input",   'i', "K=V",     true,  false, "an input of the flow; @FILE.json: all of them, from a JSON object") \
    X(NAME,    "name",    'n', "NAME",    false, false, "a name for the run, usable wherever RUN is asked for") \
    X(LABEL,   "label",   'l', "K=V",     true,  false, "a label of the run") \
    X(DETACH,  "detach",  'd', NULL,      false, false, "leave as soon as the run is accepted; it goes on by itself") \
    X(DRYRUN,  "dry-run", 0,   NULL,      false, false, "check flow and inputs, say what would run, run nothing") \
    X(ALL,     "all",     'a', NULL,      false, false, "all of them") \
    X(COPY,    "copy",    0,   NULL,      false, false, "the original lives on: new work gets new idempotency keys") \
    X(SEED,    "seed",    0,   "S",       false, false, "the seed, or the first of them") \
    X(SEEDS,   "seeds",   0,   "N",       false, false, "so many seeds, one after the other") \
    X(STEPS,   "steps",   0,   "N",       false, false, "steps with faults, of each seed") \
    X(SECONDS, "seconds", 0,   "N",       false, false, "begin no seed after so long") \
    X(FAULTS,  "faults",  0,   "LIST",    false, false, "only the faults of these rounds; \"none\"") \
    X(TRACE,   "trace",   0,   NULL,      false, false, "print each event") \
    X(SHRINK,  "shrink",  0,   NULL,      false, false, "look for the fewest steps and faults that still fail") \
    X(HISTORY, "check",   0,   "FILE",    false, false, "judge a recorded history instead") \
    X(TYPE,    "type",    't', "TYPE",    false, false, "only domains of this type") \
    X(FAULTED, "faulted", 0,   NULL,      false, false, "only domains that are FAULTED") \
    X(LIMIT,   "limit",   0,   "N",       false, false, "at most so many; 1000 when it is not given") \
    X(AFTER,   "after",   0,   "WHAT",    false, false, "go on behind this address or key") \
    X(AT,      "at",      0,   "STAMP",   false, false, "as it was then: a time, or a stamp of skein domain history") \
    X(SINCE,   "since",   0,   "STAMP",   false, false, "from this stamp or time on") \
    X(UNTIL,   "until",   0,   "STAMP",   false, false, "up to this stamp or time") \
    X(REPLAY,  "replay",  0,   NULL,      false, false, "execute the records that are kept again, too") \
    X(KEYCMD,  "key-command", 0, NULL,    false, false, "with --replay: run the key_command of a skein.yaml that is not this project's") \
    X(ID,      "id",      0,   "ID",      false, false, "request id: the same id gives the same answer for 24 hours") \
    X(PRIORITY,"priority",0,   "P",       false, false, "critical, high, normal, low or background") \
    X(WAIT,    "wait",    'w', NULL,      false, false, "wait for as long as it takes; else 10 seconds") \
    X(LAST,    "last",    0,   "N",       false, false, "the last N from the journal, and then end") \
    X(FROM,    "from",    0,   "N",       false, false, "begin with the record of this index") \
    X(VALUES,  "values",  0,   NULL,      false, false, "print what rows hold, too") \
    X(SECRET,  "secret",  0,   "K=FILE",  true,  false, "a member of the payload that is a secret, read from FILE; - is standard input") \
    X(CLOSE,   "close",   0,   NULL,      false, false, "throw them away instead") \
    X(FORMAT,  "format",  'f', "FORM",    false, false, "text, json, dot, xdot, svg, mermaid or pty") \
    X(DATA,    "data",    0,   NULL,      false, false, "say what can still be read where, and why") \
    X(DIFF,    "diff",    0,   "OLD",     false, false, "compare with this flow, line by line") \
    X(ONLY,    "check",   0,   NULL,      false, false, "change nothing; name the file when it is laid out otherwise") \
    X(CHANGES, "diff",    0,   NULL,      false, false, "change nothing; print what would change") \
    X(READYFD, "ready-fd",0,   "N",       false, false, "where to say that the holder serves")

#define SKN_COMMAND_MAP(X) \
    X(INIT, "init", "DIR", 1, 1, 0, \
      "make a project", \
      "Makes DIR a project: skein.yaml, the flow flows/hello.pty and its events in events/. DIR is made\n" \
      "when it is not there; what it holds already is left alone, and none of these files may be there.\n") \
    X(CHECK, "check", "FILE", 1, 1, 0, \
      "check a flow or an event file", \
      "Checks a flow (.pty) against the events of its project, or an event file (.yaml), and prints what\n" \
      "is wrong with the place and what to do. Exit code 0: no errors, there may be warnings. 1: errors.\n") \
    X(FMT, "fmt", "FILE..", 1, SKN_OPERANDS_MAX, B(ONLY) | B(CHANGES), \
      "lay flows out", \
      "Writes flows in their one layout; comments stay. FILE \"-\" is read from standard input and printed.\n" \
      "A file that is malformed is left as it is, and the others are laid out. With --check or --diff\n" \
      "nothing is written; exit code 1: a file is laid out otherwise.\n") \
    X(GRAPH, "graph", "FILE", 1, 1, B(FORMAT) | B(DATA) | B(DIFF), \
      "draw a flow", \
      "Prints a flow as lines for a terminal, or in another form: json (doc/pointy-graph.schema.json), dot,\n" \
      "mermaid, pty (the text again), and svg or xdot, for which Graphviz must be installed. FILE may be a\n" \
      "graph as JSON, too. With --diff OLD the two are compared; exit code 1: they differ.\n") \
    X(DESCRIBE, "describe", "FILE", 1, 1, 0, \
      "say in plain sentences what a flow does", \
      "Prints the steps of a flow as numbered sentences, with the descriptions of its events.\n") \
    X(EVENTS, "events", "[NAME]", 0, 1, 0, \
      "list the events of the project", \
      "Lists the events of this folder's project with their versions, inputs and outputs, or those called\n" \
      "NAME.\n") \
    X(EXPLAIN, "explain", "[CODE]", 0, 1, 0, \
      "say what a code of skein check means", \
      "Says what the diagnostic CODE means and why it is one, with an example that is wrong and one that is\n" \
      "right. CODE is as skein check prints it, such as SKN-P106 or P106. Without CODE all are listed.\n") \
    X(LSP, "lsp", "", 0, 0, 0, \
      "serve an editor", \
      "Speaks the Language Server Protocol over standard input and output, for flows and event files:\n" \
      "diagnostics while typing, completion, hover, definition, rename, outline, layout and fixes. An editor\n" \
      "starts it; editors/README.md says how.\n") \
    X(RUN, "run", "FILE", 1, 1, B(INPUT) | B(NAME) | B(LABEL) | B(DETACH) | B(DRYRUN), \
      "run a flow", \
      "Runs a flow and waits for its end; the exit code is the run's. Progress goes to standard error, a\n" \
      "live tree in a terminal and plain lines elsewhere; the result goes to standard output.\n" \
      "\n" \
      "An input is given as --input name=value and read as the type that the flow declares for it; a list\n" \
      "or an object is written as JSON. --input @file.json reads an object with all inputs.\n" \
      "\n" \
      "Ctrl-C once starts nothing new and waits for what runs; twice leaves at once. Both leave the run\n" \
      "interrupted: skein resume goes on with it.\n") \
    X(RESUME, "resume", "[RUN]", 0, 1, B(ALL) | B(DETACH), \
      "go on with an interrupted run", \
      "Goes on with RUN where it stood, or with the newest interrupted run. What has finished does not run\n" \
      "again; what was cut off is started again with the same idempotency key. --all: every interrupted\n" \
      "run of the project; it also lets go of data that was restored from a backup.\n") \
    X(PS, "ps", "", 0, 0, B(ALL), \
      "list runs", \
      "Lists the runs that have not ended, newest first; with --all, those that have ended too.\n") \
    X(SHOW, "show", "RUN", 1, 1, 0, \
      "show a run as a tree", \
      "Shows a run: every task that was reached with its attempts, times, result and error. RUN is an id,\n" \
      "the beginning of one that no other run shares, a name, or \"last\".\n") \
    X(LOGS, "logs", "RUN [PATH]", 1, 2, 0, \
      "print what the tasks of a run wrote to standard error", \
      "Prints the logs of the attempts of a run in the order of the tree, or those of one task and what is\n" \
      "under it. PATH is as skein show prints it, such as 2.1.\n") \
    X(VERIFY, "verify", "DIR", 1, 1, B(REPLAY) | B(KEYCMD), \
      "check the stored data of a project", \
      "Reads the journal of the project DIR, or of the data directory DIR, whole and checks every segment,\n" \
      "group and record, every row, and what is kept for looking back. Changes nothing. Exit code 0: sound.\n" \
      "65: damaged, the place is named. With --replay the records that are kept are executed again, too, and\n" \
      "must give the same batches and states; the first that differs is named. It takes as long as making\n" \
      "them did. What is sealed in them needs its key: that of the skein.yaml beside the data, whose\n" \
      "key_command is run only where DIR is this folder's project, or with --key-command.\n") \
    X(BACKUP, "backup", "DIR", 1, 1, 0, \
      "copy the stored data while runs go on", \
      "Copies the data of the project into the new folder DIR and checks the copy: every group of the\n" \
      "journal, every row, the state of every shard. Runs may go on meanwhile. What was acknowledged\n" \
      "before it began is in it. Logs of tasks and the project's own files are not.\n") \
    X(RESTORE, "restore", "BACKUP [DIR]", 1, 2, B(COPY), \
      "make stored data from a backup", \
      "Makes the data of the project DIR (this folder, when it is left out) from BACKUP, which it checks\n" \
      "first. DIR may have a project's files, and no data. What comes out is held: it can be looked at, and\n" \
      "nothing runs before skein resume --all, since an original that still runs would do the same work\n" \
      "again. Tasks that are done again have their old idempotency keys. With --copy those that had not\n" \
      "begun when the backup was made get new ones.\n") \
    X(SIM, "sim", "[bugs]", 0, 1, \
      B(SEED) | B(SEEDS) | B(STEPS) | B(SECONDS) | B(FAULTS) | B(TRACE) | B(SHRINK) | B(HISTORY), \
      "simulate a node with faults and check its promises", \
      "Runs a whole node in this process under virtual time, with clients, crashes, power cuts and faults\n" \
      "of the disk that follow from the seed, and checks the promises. The same seed does the same on every\n" \
      "machine. Exit code 0: every promise was kept. 1: one was broken, or a set of 100 seeds or more missed\n" \
      "something that it should go through; what to run to see it again is printed.\n" \
      "\n" \
      "--check FILE judges a history that somebody recorded, one event per line as --trace prints them.\n" \
      "skein sim bugs lists the planted bugs; a test build does what SKN_BUG=N in the environment says.\n") \
    X(STATUS, "status", "", 0, 0, 0, \
      "say how the node is", \
      "Prints the node's process, epoch, time up, disk, journal and counts. Without a process that holds\n" \
      "the project it says so and prints what is stored.\n") \
    X(DOMAIN_LS, "domain ls", "[PREFIX]", 0, 1, B(TYPE) | B(FAULTED) | B(LIMIT) | B(AFTER), \
      "list domains", \
      "Lists domains in the order of their addresses: whether each is FAULTED or waits to be taken up, the\n" \
      "messages in its mailbox and its dead letters. PREFIX: those whose address begins so.\n") \
    X(DOMAIN_GET, "domain get", "ADDR [KEY]", 1, 2, B(LIMIT) | B(AFTER) | B(AT), \
      "show what a domain has", \
      "Shows a domain: its state, mailbox, intents, timers, dead letters and rows; or the value of one row.\n" \
      "A key that is no text is written as 0x and hex. With --at as it was then, where that is kept: see\n" \
      "skein domain history. A row that was pruned since is shown without its value.\n") \
    X(DOMAIN_SEND, "domain send", "ADDR NAME [JSON]", 2, 3, B(ID) | B(PRIORITY) | B(WAIT) | B(SECRET), \
      "send a domain a message and print its answer", \
      "Sends the message NAME with the payload JSON (null when it is not there) and prints the answer once\n" \
      "it is durable. A domain that is not there begins with it. With --id the message is handled once,\n" \
      "however often it is sent: every time the first answer comes. Exit code 70: its handling faulted.\n" \
      "75: no answer after 10 seconds; the message may still be handled.\n" \
      "\n" \
      "--secret password=FILE adds the member \"password\" as a secret: it is sealed wherever it is stored\n" \
      "and shown as *** (skein help secret key). A line end behind it in FILE is left out.\n") \
    X(DOMAIN_TRACE, "domain trace", "ADDR", 1, 1, B(LAST), \
      "show each message that a domain handles", \
      "Prints a line per message as the domain handles it: what came and from where, what was answered,\n" \
      "sent and changed. Until Ctrl-C; with --last N the last N from the journal. With --json a line is an\n" \
      "object.\n") \
    X(DOMAIN_RESUME, "domain resume", "ADDR", 1, 1, 0, \
      "take up a domain that waits since the node opened", \
      "What was cut off is started again with the same idempotency keys. skein resume does so for a run.\n") \
    X(DOMAIN_REDELIVER, "domain redeliver", "ADDR [N]", 1, 2, B(ALL) | B(CLOSE), \
      "hand dead letters over again", \
      "Hands the dead letter N over again, or with --all every one, in order and in front of the domain's\n" \
      "mail; a FAULTED domain is no more. What faults again is a dead letter again. With --close they are\n" \
      "thrown away instead.\n") \
    X(DOMAIN_RM, "domain rm", "ADDR", 1, 1, 0, \
      "remove a domain with all that it has", \
      "Its rows, mail, timers and dead letters go, its programs are ended, and whoever waits for its answer\n" \
      "is told that it is gone. A run that goes on is stopped by it. What is sent to the address later meets\n" \
      "a new domain.\n") \
    X(DOMAIN_HISTORY, "domain history", "ADDR", 1, 1, B(LIMIT) | B(SINCE) | B(UNTIL) | B(VALUES), \
      "show what changed a domain", \
      "Prints a line per batch that a message of the domain made: its stamp, the message and who sent it,\n" \
      "then a word per row that was put (+) with the hash of key and value, or deleted (-) and why. Of many\n" \
      "lines the last ones. Values only with --values, and never of a row that was pruned since.\n" \
      "\n" \
      "What is kept is what the journal holds, or with \"history: 1h\" in skein.yaml an hour at least. Works\n" \
      "beside a process that holds the data. With --json a line is an object.\n") \
    X(JOURNAL_DUMP, "journal dump", "[DIR]", 0, 1, B(FROM) | B(VALUES), \
      "print the records of the journal", \
      "Prints a line per record of the journal of the project, of the project DIR or of the data directory\n" \
      "DIR: shard, index, stamp, epoch, the domain and its message, then a word per row that was put (+) or\n" \
      "deleted (-) with the hash of key and value. Values only with --values: they may be confidential.\n" \
      "Works beside a process that holds the data. Of a damaged journal what is before the damage is\n" \
      "printed, then the damage is named. With --json a line is an object.\n") \
    X(SECRET_KEY, "secret key", "", 0, 0, 0, \
      "print a new key for sealing secrets", \
      "Prints a random key as a line of 128 hex digits. Secrets are sealed with it once skein.yaml says\n" \
      "where it is: in a file that nobody else can read, outside of .skein, or printed by a command:\n" \
      "\n" \
      "  (umask 077; skein secret key > ~/app.key)\n" \
      "  secrets: { key_file: /home/me/app.key }\n" \
      "  secrets: { key_command: [pass, show, app] }\n" \
      "\n" \
      "Without the key nobody can read the secrets again: keep a copy of it, and not beside the backups.\n") \
    X(SECRET_STATUS, "secret status", "", 0, 0, 0, \
      "say which keys seal secrets and which are needed", \
      "Prints a line for each key: the one that seals, those that rows or records of the journal still\n" \
      "name, and those that nothing names any more. Backups may still name those.\n") \
    X(SECRET_ROTATE, "secret rotate", "", 0, 0, 0, \
      "seal secrets with another key from now on", \
      "Reads the keys anew, as skein.yaml says. The first line is the key that seals from now on; put the\n" \
      "new key in front of the old one. What the old one sealed is sealed again in small batches, also\n" \
      "after a crash. Take the old key away when skein secret status says that it is not needed.\n") \
    X(BLOB_PUT, "blob put", "[FILE]", 0, 1, 0, \
      "store a content and print its name", \
      "Stores FILE, or standard input, and prints its SHA-256, by which it is known from then on. A content\n" \
      "is stored once, however often it is put. It stays until skein blob rm, and as long as a row of a\n" \
      "domain names it.\n") \
    X(BLOB_GET, "blob get", "HASH", 1, 1, 0, \
      "print a content", \
      "Prints the content HASH to standard output and checks it on the way. HASH may be the beginning of\n" \
      "one that no other shares. Exit code 65: it is not what its name says, and what came is not whole.\n") \
    X(BLOB_LS, "blob ls", "[HASH]", 0, 1, B(LIMIT) | B(AFTER), \
      "list contents", \
      "Lists the contents whose names begin with HASH: state, size, in how many shards rows name each, and\n" \
      "whether skein blob put keeps it. A condemned one has nobody who keeps it; it goes after 24 hours in\n" \
      "which the node runs.\n") \
    X(BLOB_INFO, "blob info", "HASH", 1, 1, 0, \
      "say what is known of a content", \
      "Prints the state of the content HASH, its size, who keeps it, and the first 100 rows that name it.\n") \
    X(BLOB_RM, "blob rm", "HASH", 1, 1, 0, \
      "let go of a content that was put", \
      "Takes back what skein blob put asked for. Once no row names it either it is condemned, and after 24\n" \
      "hours in which the node runs its file goes. Putting it again before that keeps it.\n") \
    X(CLOCK_ACCEPT, "clock accept", "", 0, 0, 0, \
      "follow a wall clock that is far ahead", \
      "A node whose wall clock is more than a day ahead of its own, or a year when it opens, goes on by its\n" \
      "own and waits, since its timers could not be set back. This says that the wall clock is right. skein\n" \
      "status shows how far they are apart; up to a day is followed without being asked.\n") \
    X(DEV_CLOCK, "dev clock", "+DURATION", 1, 1, 0, \
      "move the node's clock forward (test builds)", \
      "Moves the clock of the process that holds the project, such as +24h, +90m, +30s or +500ms. What was\n" \
      "due by then fires at once. The process forgets it when it ends, unless something changed meanwhile.\n") \
    X(HELP, "help", "[COMMAND]", 0, 2, 0, \
      "say what a command does", \
      "Lists the commands, or says what COMMAND does and which options it takes.\n") \
    X(HOLD, "_hold", "", 0, 0, B(READYFD), \
      "hold the project's data, run what is asked for, end when idle", \
      "Started by skein run in the background. Not for people.\n")
/* clang-format on */
