/* codes_map.h - the one catalogue of diagnostics; enum, numbers, texts and hints come from it.
 *
 * X(code, name, severity, text, hint)
 *   name   seen by people and scripts: never reused, never renumbered
 *   text   what is wrong; {1} to {4} are arguments
 *   hint   what to do, a sentence; when it names an empty argument, another stands in its place
 * P0xx text, P1xx names, P2xx values and options, P3xx the shape of a flow, P4xx data,
 * P5xx event files, P900 a built-in that is not built, P901 what no run can do yet.
 */
#pragma once

/* clang-format off */
#define SKN_CODE_MAP(X) \
    X(SKN_CODE_BAD_UTF8,        "SKN-P001", ERROR,   "this is not UTF-8: byte {1}", "Save the file as UTF-8.") \
    X(SKN_CODE_BAD_CHAR,        "SKN-P002", ERROR,   "\"{1}\" cannot stand here", "{2}") \
    X(SKN_CODE_OPEN_STRING,     "SKN-P003", ERROR,   "this string has no end", "Close it with \".") \
    X(SKN_CODE_BAD_ESCAPE,      "SKN-P004", ERROR,   "{1} is not an escape", "Escapes are those of JSON: \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX.") \
    X(SKN_CODE_BAD_NUMBER,      "SKN-P005", ERROR,   "{1} is not a number", "{2}") \
    X(SKN_CODE_EMPTY_PROGRAM,   "SKN-P010", ERROR,   "there is no flow here", "A flow is at least one event, such as: Fetch") \
    X(SKN_CODE_EXPECTED_UNIT,   "SKN-P011", ERROR,   "expected an event or a group, found {1}", "{2}") \
    X(SKN_CODE_STRAY,           "SKN-P012", ERROR,   "expected an arrow, \"||\" or the end, found {1}", "{2}") \
    X(SKN_CODE_UNCLOSED,        "SKN-P013", ERROR,   "this {1} is never closed", "Close it with {2}.") \
    X(SKN_CODE_STRAY_CLOSER,    "SKN-P014", ERROR,   "{1} closes nothing", "{2}") \
    X(SKN_CODE_EMPTY_GROUP,     "SKN-P015", ERROR,   "this group is empty", "Put a flow inside, or take the brackets away.") \
    X(SKN_CODE_EMPTY_OPTIONS,   "SKN-P016", ERROR,   "this list of options is empty", "Take the brackets away.") \
    X(SKN_CODE_EMPTY_BRANCHES,  "SKN-P017", ERROR,   "this list of branches is empty", "A branch is an outcome, an arrow and a flow: (failure -> Fix)") \
    X(SKN_CODE_OUTCOME_IN_FLOW, "SKN-P018", ERROR,   "{1} is an outcome and cannot stand in a chain", "Outcomes stand in the branches of a unit: Check ({1} -> Next)") \
    X(SKN_CODE_EXPECTED,        "SKN-P019", ERROR,   "expected {1}, found {2}", "{3}") \
    X(SKN_CODE_LATE_DIRECTIVE,  "SKN-P020", ERROR,   "a directive cannot stand after the flow has begun", "Move it above the flow.") \
    X(SKN_CODE_MUST_TOUCH,      "SKN-P021", ERROR,   "{1} must touch, without blanks between them", "{2}") \
    X(SKN_CODE_RESERVED,        "SKN-P022", ERROR,   "{1} is a reserved word and cannot be a name", "{2}") \
    X(SKN_CODE_SUFFIX_TWICE,    "SKN-P023", ERROR,   "this unit has {1} already", "Each may stand once for a unit.") \
    X(SKN_CODE_TOO_DEEP,        "SKN-P024", ERROR,   "{1} are more than {2} deep", "{3}") \
    X(SKN_CODE_TOO_MANY,        "SKN-P025", ERROR,   "there are more than {1} {2}", "{3}") \
    X(SKN_CODE_UNKNOWN_DIRECTIVE,"SKN-P101", ERROR,  "there is no directive \"@{1}\"", "Did you mean \"@{2}\"?") \
    X(SKN_CODE_DIRECTIVE_TWICE, "SKN-P102", ERROR,   "the directive \"@{1}\" stands here a second time", "Each may stand once, except @input.") \
    X(SKN_CODE_INPUT_TWICE,     "SKN-P103", ERROR,   "the input \"{1}\" is declared a second time", "Names of inputs are unique.") \
    X(SKN_CODE_UNKNOWN_TYPE,    "SKN-P104", ERROR,   "there is no type \"{1}\"", "Did you mean \"{2}\"?") \
    X(SKN_CODE_UNKNOWN_SOURCE,  "SKN-P105", ERROR,   "there is no source \"{1}\"", "Sources are local, hub, pypi, npm and git.") \
    X(SKN_CODE_UNKNOWN_EVENT,   "SKN-P106", ERROR,   "no event is called \"{1}\"", "Did you mean \"{2}\"?") \
    X(SKN_CODE_LONE_EVENT,      "SKN-P107", WARNING, "the event \"{1}\" cannot be looked up, because this file is in no project", "skein init makes a project; its events are declared in events/.") \
    X(SKN_CODE_LONE_OPTION,     "SKN-P109", WARNING, "the option \"{1}\" of \"{2}\" cannot be looked up, because this file is in no project", "Did you mean \"{3}\"?") \
    X(SKN_CODE_BAD_VERSION,     "SKN-P108", ERROR,   "{1} is not a version", "Versions look like 1, v1.2 or 1.2.3.") \
    X(SKN_CODE_UNKNOWN_EXECUTOR, "SKN-P110", ERROR, "no executor is called \"{1}\"", "Did you mean \"{2}\"?") \
    X(SKN_CODE_LONE_EXECUTOR, "SKN-P111", WARNING, "the executor \"{1}\" cannot be looked up, because this file is in no project", "Known everywhere are inline, process, worker, remote and http.") \
    X(SKN_CODE_LOOKALIKE, "SKN-P112", WARNING, "\"{1}\" is written with letters of {2}", "{3}") \
    X(SKN_CODE_UNKNOWN_VERSION, "SKN-P113", ERROR, "no version of \"{1}\" fits \"{2}\"", "There are: {3}.") \
    X(SKN_CODE_DEPRECATED, "SKN-P114", WARNING, "\"{1}\" {2} is deprecated", "{3}") \
    X(SKN_CODE_LONE_OUTCOME, "SKN-P115", WARNING, "the outcome {1} of \"{2}\" cannot be looked up, because this file is in no project", "Only an event file says which outcomes there are besides success and failure.") \
    X(SKN_CODE_UNKNOWN_FLOW, "SKN-P116", ERROR, "no flow is called \"{1}\"", "Did you mean \"{2}\"?") \
    X(SKN_CODE_LONE_FLOW, "SKN-P117", WARNING, "the flow \"{1}\" cannot be looked up, because this file is in no project", "skein init makes a project.") \
    X(SKN_CODE_BAD_ATTEMPTS,    "SKN-P201", ERROR,   "{1} is not a number of attempts", "Attempts are a whole number from 2 to 1000000.") \
    X(SKN_CODE_BAD_OUTCOME,     "SKN-P202", ERROR,   "{1} is not an outcome", "Outcomes are one digit from 0 to 9, success, failure, or a name.") \
    X(SKN_CODE_OUTCOME_TWICE,   "SKN-P203", ERROR,   "the outcome {1} has a branch already", "{2}") \
    X(SKN_CODE_NO_SUCH_OUTCOME, "SKN-P204", ERROR,   "{1} cannot end with the outcome {2}", "{3}") \
    X(SKN_CODE_OPTION_TWICE,    "SKN-P205", ERROR,   "the option \"{1}\" is given already", "{2}") \
    X(SKN_CODE_UNKNOWN_OPTION,  "SKN-P206", ERROR,   "{1} has no option \"{2}\"", "Did you mean \"{3}\"?") \
    X(SKN_CODE_BAD_VALUE,       "SKN-P207", ERROR,   "the value of \"{1}\" must be {2}, not {3}", "{4}") \
    X(SKN_CODE_MISSING_OPTION,  "SKN-P209", ERROR,   "{1} needs the option \"{2}\"", "{3}") \
    X(SKN_CODE_BAD_DOLLAR,      "SKN-P210", ERROR,   "a \"$\" here begins nothing", "Write $$ for a dollar and ${name} for a value.") \
    X(SKN_CODE_NO_DEFAULT,      "SKN-P211", ERROR,   "an input of type {1} takes no default", "{2}") \
    X(SKN_CODE_NOT_FOR_THIS, "SKN-P208", ERROR, "the option \"{1}\" is for {2}, not for {3}", "{4}") \
    X(SKN_CODE_AT_LEAST, "SKN-P212", ERROR, "at_least={1} can never be met: {2} units stand beside each other", "Ask for at most as many as there are.") \
    X(SKN_CODE_EXCLUDES, "SKN-P213", ERROR, "\"{1}\" and \"{2}\" exclude each other", "Keep one of them.") \
    X(SKN_CODE_SAYS_NOTHING, "SKN-P214", WARNING, "\"{1}\" says nothing here", "{2}") \
    X(SKN_CODE_UNFIT, "SKN-P215", ERROR, "this value does not fit: {1}", "The file of the event {2} says what its inputs must be.") \
    X(SKN_CODE_UNHANDLED,       "SKN-P301", WARNING, "no branch takes the failure of {1}", "Add a branch: failure -> ..") \
    X(SKN_CODE_UNREACHABLE,     "SKN-P302", ERROR,   "this can never run: {1} before it never succeeds", "Take it away, or add a branch for the failure.") \
    X(SKN_CODE_FLOW_CYCLE, "SKN-P303", ERROR, "this flow reaches itself: {1}", "Break the circle: a flow cannot wait for itself.") \
    X(SKN_CODE_EXPORT_CLASH, "SKN-P304", ERROR, "{1} exports \"{2}\", and so does {3}, which may run at the same time", "Let one of them export it, or run one after the other.") \
    X(SKN_CODE_EXPORT_UNSET, "SKN-P305", ERROR, "this group exports \"{1}\", but nothing in it sets it", "{2}") \
    X(SKN_CODE_NO_GIVER,        "SKN-P401", ERROR,   "nothing gives {1} its input \"{2}\"", "{3}") \
    X(SKN_CODE_NOTHING_PIPED,   "SKN-P402", ERROR,   "{1} needs \"previous\", but nothing is piped into it", "Write |-> instead of -> before it.") \
    X(SKN_CODE_INPUT_TYPE,      "SKN-P403", ERROR,   "the input \"{1}\" of {2} is of type {3}, but @input declares {4}", "Declare the same type in both places.") \
    X(SKN_CODE_NOTHING_NAMED, "SKN-P404", ERROR, "nothing gives \"{1}\" a value here", "Declare @input: {1}: any, or pipe in a result that has it.") \
    X(SKN_CODE_NO_LIST, "SKN-P405", ERROR, "{1} needs a list, but {2}", "{3}") \
    X(SKN_CODE_LONE_NO_LIST, "SKN-P406", WARNING, "{1} needs a list, but {2}", "{3}") \
    X(SKN_CODE_SECRET_LEAVES, "SKN-P407", ERROR, "the secret \"{1}\" would stand in clear in \"{2}\"", "A secret can be given only to an input that its event declares as secret.") \
    X(SKN_CODE_SECRET_CACHED, "SKN-P408", ERROR, "{1} takes the secret \"{2}\" and cannot be cached", "Take \"cache\" away.") \
    X(SKN_CODE_PIPED_TYPE, "SKN-P409", ERROR, "the input \"{1}\" of {2} is of type {3}, but {4}", "Pipe in something else, or declare another type in the file of the event.") \
    X(SKN_CODE_YAML,            "SKN-P501", ERROR,   "this is not YAML: {1}", "{2}") \
    X(SKN_CODE_YAML_REFUSED,    "SKN-P502", ERROR,   "{1} cannot stand in an event file", "{2}") \
    X(SKN_CODE_UNKNOWN_KEY,     "SKN-P503", ERROR,   "there is no key \"{1}\" {2}", "Did you mean \"{3}\"?") \
    X(SKN_CODE_KEY_TWICE,       "SKN-P504", ERROR,   "the key \"{1}\" stands here a second time", "{2}") \
    X(SKN_CODE_MISSING_KEY,     "SKN-P505", ERROR,   "the key \"{1}\" is missing", "{2}") \
    X(SKN_CODE_BAD_EVENT_NAME,  "SKN-P506", ERROR,   "{1} cannot be the name of an event", "{2}") \
    X(SKN_CODE_BAD_EXPRESSION, "SKN-P507", ERROR, "this is no expression over the result: {1}", "{2}") \
    X(SKN_CODE_BAD_SCHEMA, "SKN-P508", ERROR, "the schema {1} cannot be used: {2}", "{3}") \
    X(SKN_CODE_NOT_YET,         "SKN-P900", ERROR,   "not yet: {1}", "This is legal, but this version of skein cannot run it.") \
    X(SKN_CODE_NOT_RUN, "SKN-P901", WARNING, "not yet: {1}", "This is legal, but this version of skein cannot run it.")
/* clang-format on */
