/* explain_map.h - what "skein explain CODE" says: what, why, a wrong example and a right one.
 *
 * X(code, where, what, why, wrong, right)
 *   where  FLOW: in the project of the tests (test/lang/pointy/events); LONE: in no project;
 *          EVENT: an event file
 *   wrong  gives this code and no other; right gives none: the tests compile both. Notes about what
 *          is not built yet do not count, nor that an event of a lone file is not known where it
 *          is about such an event. DEEP and MANY stand for texts that nobody wants to read.
 */
#pragma once

/* clang-format off */
#define SKN_EXPLAIN_MAP(X) \
    X(SKN_CODE_BAD_UTF8, LONE, \
      "A byte of the file is not UTF-8.", \
      "Names and strings would differ from machine to machine.", \
      "Noop # caf\351", \
      "Noop # caf\303\251") \
    X(SKN_CODE_BAD_CHAR, LONE, \
      "A character that no part of the language uses.", \
      "Nothing is skipped: what was meant could be anything.", \
      "Noop -> Noop;", \
      "Noop -> Noop") \
    X(SKN_CODE_OPEN_STRING, LONE, \
      "A string begins and has no end.", \
      "Everything behind it would be text.", \
      "Fail[reason=\"no]", \
      "Fail[reason=\"no\"]") \
    X(SKN_CODE_BAD_ESCAPE, LONE, \
      "A backslash that JSON does not know.", \
      "Strings have the escapes of JSON and no others.", \
      "Fail[reason=\"50\\%\"]", \
      "Fail[reason=\"50%\"]") \
    X(SKN_CODE_BAD_NUMBER, LONE, \
      "Digits that are no number, or one over its limit.", \
      "A number that is cut or rounded would be another one.", \
      "Noop[timeout=30sec]", \
      "Noop[timeout=30s]") \
    X(SKN_CODE_EMPTY_PROGRAM, LONE, \
      "There are directives or comments, but no flow.", \
      "A run of nothing could neither succeed nor fail.", \
      "# nothing yet", \
      "Noop") \
    X(SKN_CODE_EXPECTED_UNIT, LONE, \
      "Where an event or a group must stand is something else.", \
      "An arrow, and two bars, join two things.", \
      "Noop ->", \
      "Noop -> Noop") \
    X(SKN_CODE_STRAY, LONE, \
      "Two things stand side by side without an arrow.", \
      "Whether one waits for the other is what a flow says.", \
      "Noop Noop", \
      "Noop -> Noop") \
    X(SKN_CODE_UNCLOSED, LONE, \
      "A bracket is opened and never closed.", \
      "Where it ends decides what belongs together.", \
      "{Noop -> Noop", \
      "{Noop -> Noop}") \
    X(SKN_CODE_STRAY_CLOSER, LONE, \
      "A bracket closes that was not opened.", \
      "One too many here is often one too few before.", \
      "Noop)", \
      "Noop") \
    X(SKN_CODE_EMPTY_GROUP, LONE, \
      "A group without anything in it.", \
      "A group is a unit: it must have an outcome.", \
      "Noop -> {}", \
      "Noop -> {Noop}") \
    X(SKN_CODE_EMPTY_OPTIONS, LONE, \
      "Brackets for options, and none inside.", \
      "It says nothing, so something was forgotten.", \
      "Noop[]", \
      "Noop[timeout=1m]") \
    X(SKN_CODE_EMPTY_BRANCHES, LONE, \
      "Parentheses for branches, and none inside.", \
      "It says nothing, so something was forgotten.", \
      "Noop ()", \
      "Noop (failure -> Noop)") \
    X(SKN_CODE_OUTCOME_IN_FLOW, LONE, \
      "success, failure or a digit stands where an event must stand.", \
      "An outcome is not work: it chooses a branch.", \
      "Noop -> failure -> Noop", \
      "Noop (failure -> Noop)") \
    X(SKN_CODE_EXPECTED, LONE, \
      "Something that the grammar wants here is missing.", \
      "The rest cannot be read without guessing.", \
      "Noop[timeout]", \
      "Noop[timeout=5s]") \
    X(SKN_CODE_LATE_DIRECTIVE, LONE, \
      "A line with @ stands behind the beginning of the flow.", \
      "Directives are the head of the file, for whoever reads it.", \
      "Noop @timeout: 2h", \
      "@timeout: 2h Noop") \
    X(SKN_CODE_MUST_TOUCH, LONE, \
      "Parts of one name have blanks between them.", \
      "Name@version is one word; with blanks it could be two things.", \
      "Noop -> Sleep @1 [for=1s]", \
      "Noop -> Sleep[for=1s]") \
    X(SKN_CODE_RESERVED, LONE, \
      "A word of the language is used as a name.", \
      "It could not be told from its other meaning.", \
      "@input: true: bool Noop", \
      "@input: is_true: bool Noop") \
    X(SKN_CODE_SUFFIX_TWICE, LONE, \
      "Attempts, options or branches stand twice on one unit.", \
      "Which of the two counts cannot be seen.", \
      "2 * Noop * 3", \
      "Noop * 3") \
    X(SKN_CODE_TOO_DEEP, LONE, \
      "Groups, branches or lists are nested deeper than the limit.", \
      "A limit keeps every tool and every run within its memory.", \
      "DEEP", \
      "{{Noop}}") \
    X(SKN_CODE_TOO_MANY, LONE, \
      "More of something than one text may have.", \
      "A limit keeps every tool and every run within its memory.", \
      "MANY", \
      "@input: a: int Noop") \
    X(SKN_CODE_UNKNOWN_DIRECTIVE, LONE, \
      "There is no directive of this name.", \
      "A misspelt one would be left out in silence.", \
      "@timout: 2h Noop", \
      "@timeout: 2h Noop") \
    X(SKN_CODE_DIRECTIVE_TWICE, LONE, \
      "The same directive is given twice.", \
      "Which of the two counts cannot be seen.", \
      "@timeout: 1h @timeout: 2h Noop", \
      "@timeout: 2h Noop") \
    X(SKN_CODE_INPUT_TWICE, LONE, \
      "Two inputs have one name.", \
      "A value given by name would have two meanings.", \
      "@input: n: int @input: n: string Noop", \
      "@input: n: int @input: m: string Noop") \
    X(SKN_CODE_UNKNOWN_TYPE, LONE, \
      "There is no type of this name.", \
      "A type is checked before anything runs.", \
      "@input: n: integr Noop", \
      "@input: n: int Noop") \
    X(SKN_CODE_UNKNOWN_SOURCE, LONE, \
      "The word before the colon is no source of events.", \
      "Where an event comes from decides what runs.", \
      "foo:Sleep[for=1s]", \
      "Sleep[for=1s]") \
    X(SKN_CODE_UNKNOWN_EVENT, FLOW, \
      "No event file of the project and no built-in has this name.", \
      "A run would fail at this place.", \
      "Fetsh[url=\"x\"]", \
      "Fetch[url=\"x\"]") \
    X(SKN_CODE_LONE_EVENT, LONE, \
      "The file is in no project, so nobody knows this event.", \
      "It is drawn and checked as far as possible, but cannot run.", \
      "Fetch", \
      "Noop") \
    X(SKN_CODE_LONE_OPTION, LONE, \
      "The file is in no project, so nobody knows what this event takes.", \
      "It may be an input of the event, or a mistake.", \
      "local:Fetch[url=\"x\"]", \
      "Noop[timeout=5s]") \
    X(SKN_CODE_BAD_VERSION, FLOW, \
      "What stands behind @ is no version.", \
      "Versions are numbers with points; latest is the newest.", \
      "Charge@new[order_id=\"1\", amount=2]", \
      "Charge@1.2[order_id=\"1\", amount=2]") \
    X(SKN_CODE_UNKNOWN_EXECUTOR, FLOW, \
      "No executor of this name is known.", \
      "Nothing would ever take the task.", \
      "A[executor=\"worke\"]", \
      "A[executor=\"worker\"]") \
    X(SKN_CODE_LONE_EXECUTOR, LONE, \
      "The file is in no project, so nobody knows this executor.", \
      "It may be one that the project configures.", \
      "Noop[executor=\"farm\"]", \
      "Noop[executor=\"worker\"]") \
    X(SKN_CODE_LOOKALIKE, LONE, \
      "A name mixes letters of two scripts that look alike.", \
      "It is another name than the one that a reader sees.", \
      "@input: s\320\276urce: string Noop", \
      "@input: source: string Noop") \
    X(SKN_CODE_UNKNOWN_VERSION, FLOW, \
      "The event is there, but not in this version.", \
      "A run takes exactly what is asked for.", \
      "Charge@2[order_id=\"1\", amount=2]", \
      "Charge@1[order_id=\"1\", amount=2]") \
    X(SKN_CODE_DEPRECATED, FLOW, \
      "The owner of the event wants nobody to use it any more.", \
      "It may go; what to use instead is said in its file.", \
      "OldCharge", \
      "Charge[order_id=\"1\", amount=2]") \
    X(SKN_CODE_LONE_OUTCOME, LONE, \
      "The file is in no project, so nobody knows whether the event can end so.", \
      "Besides success and failure an event has the outcomes that its file declares.", \
      "local:Check (declined -> Noop, failure -> Noop)", \
      "Noop (success -> Noop, failure -> Noop)") \
    X(SKN_CODE_UNKNOWN_FLOW, FLOW, \
      "No file of the project is a flow of this name.", \
      "The child run could not start.", \
      "FLOW<Nihgtly>", \
      "FLOW<Nightly>") \
    X(SKN_CODE_LONE_FLOW, LONE, \
      "The file is in no project, so nobody knows this flow.", \
      "It is drawn and checked as far as possible, but cannot run.", \
      "FLOW<Nightly>", \
      "Noop") \
    X(SKN_CODE_BAD_ATTEMPTS, LONE, \
      "The number beside * is no number of attempts.", \
      "One attempt needs no star, and a million is enough.", \
      "Noop * 0", \
      "Noop * 3") \
    X(SKN_CODE_BAD_OUTCOME, LONE, \
      "An outcome is one digit, success, failure or a name.", \
      "Larger numbers have no meaning.", \
      "Noop (12 -> Noop)", \
      "Noop (0 -> Noop)") \
    X(SKN_CODE_OUTCOME_TWICE, LONE, \
      "Two branches take the same outcome.", \
      "Which of the two runs cannot be seen. 0 is failure and 1 is success.", \
      "Noop (0 -> Noop, failure -> Noop)", \
      "Noop (0 -> Noop, success -> Noop)") \
    X(SKN_CODE_NO_SUCH_OUTCOME, LONE, \
      "The unit can never end with this outcome.", \
      "The branch would never run.", \
      "Noop (2 -> Noop, failure -> Noop)", \
      "Noop (1 -> Noop, failure -> Noop)") \
    X(SKN_CODE_OPTION_TWICE, LONE, \
      "An option stands twice, or once under its older name.", \
      "Which of the two counts cannot be seen.", \
      "Noop[retries=2, retry_attempts=3]", \
      "Noop[retries=3]") \
    X(SKN_CODE_UNKNOWN_OPTION, FLOW, \
      "It is neither an option of every unit nor an input of this event.", \
      "A misspelt one would be left out in silence.", \
      "Fetch[url=\"x\", tiemout=3s]", \
      "Fetch[url=\"x\", timeout=3s]") \
    X(SKN_CODE_BAD_VALUE, LONE, \
      "The value is of a kind that does not fit here.", \
      "It is checked before anything runs.", \
      "Noop[timeout=\"soon\"]", \
      "Noop[timeout=30s]") \
    X(SKN_CODE_NOT_FOR_THIS, LONE, \
      "The option exists, but not for this kind of unit.", \
      "It would say nothing here.", \
      "{Noop}[size=5]", \
      "{Noop}[timeout=5s]") \
    X(SKN_CODE_MISSING_OPTION, LONE, \
      "A built-in event needs an option to do anything.", \
      "What it waits for or says is not known.", \
      "Sleep", \
      "Sleep[for=1s]") \
    X(SKN_CODE_BAD_DOLLAR, LONE, \
      "A dollar that begins no name in braces.", \
      "${name} fills in a value; a dollar itself is written twice.", \
      "Fail[reason=\"5$\"]", \
      "Fail[reason=\"5$$\"]") \
    X(SKN_CODE_NO_DEFAULT, LONE, \
      "An input of this type cannot have a default.", \
      "A secret or a file in the text of a flow would be everywhere.", \
      "@input: s: secret = \"x\" Noop", \
      "@input: s: secret? Noop") \
    X(SKN_CODE_AT_LEAST, LONE, \
      "More successes are asked for than there are units.", \
      "The group could only fail.", \
      "{Noop || Noop}[evaluate=\"at_least=3\"]", \
      "{Noop || Noop}[evaluate=\"at_least=2\"]") \
    X(SKN_CODE_EXCLUDES, FLOW, \
      "Two options decide the same thing in two ways.", \
      "Which of the two counts cannot be seen.", \
      "@input: l: list MAP<A>[evaluate=\"any\", max_failures=2]", \
      "@input: l: list MAP<A>[max_failures=2]") \
    X(SKN_CODE_SAYS_NOTHING, LONE, \
      "An option has no meaning on this unit, or a word none for this type.", \
      "evaluate decides over units beside each other; one unit has its own outcome. A string has no minimum.", \
      "Noop[evaluate=\"any\"]", \
      "{Noop || Noop}[evaluate=\"any\"]") \
    X(SKN_CODE_UNFIT, FLOW, \
      "A value in the flow is not what the event declares for its input.", \
      "The task would fail before it starts; the path says which part of the value is meant.", \
      "Rate[stars=6]", \
      "Rate[stars=5]") \
    X(SKN_CODE_UNHANDLED, LONE, \
      "The unit has branches, but none for its failure.", \
      "Its failure fails what is around it, which may be meant.", \
      "Noop (success -> Noop)", \
      "Noop (success -> Noop, failure -> Noop)") \
    X(SKN_CODE_UNREACHABLE, LONE, \
      "What stands before it never succeeds.", \
      "Only success goes on along an arrow.", \
      "Fail -> Noop", \
      "Fail (failure -> Noop)") \
    X(SKN_CODE_FLOW_CYCLE, FLOW, \
      "This flow starts itself, directly or through others.", \
      "It would never end.", \
      "A -> FLOW<Loop>", \
      "A -> FLOW<Nightly>") \
    X(SKN_CODE_EXPORT_CLASH, FLOW, \
      "Two units that may run together export one name.", \
      "Which value stays would depend on chance.", \
      "Count || Sum", \
      "Count -> Sum") \
    X(SKN_CODE_EXPORT_UNSET, FLOW, \
      "A group exports a name that no unit in it sets.", \
      "Who reads the variable would never find it. Events set what their files list under exports.", \
      "{Total}[exports=[\"total\"]]", \
      "{Count}[exports=[\"total\"]]") \
    X(SKN_CODE_NO_GIVER, FLOW, \
      "Nothing gives the event an input that it must have.", \
      "The task would fail before it starts.", \
      "Charge[amount=2]", \
      "Charge[amount=2, order_id=\"1\"]") \
    X(SKN_CODE_NOTHING_PIPED, FLOW, \
      "The event takes the result before it, but -> hands none on.", \
      "|-> hands the result on, -> does not.", \
      "A -> Parse", \
      "A |-> Parse") \
    X(SKN_CODE_INPUT_TYPE, FLOW, \
      "The flow declares the input with another type than the event.", \
      "The task would get what it cannot use.", \
      "@input: url: int Fetch", \
      "@input: url: string Fetch") \
    X(SKN_CODE_NOTHING_NAMED, FLOW, \
      "${name} names a value that nothing gives.", \
      "There would be nothing to fill in.", \
      "Fetch[url=\"${site}\"]", \
      "@input: site: string Fetch[url=\"${site}\"]") \
    X(SKN_CODE_NO_LIST, FLOW, \
      "MAP, FILTER and REDUCE take a list, and none comes in.", \
      "Anything but a list fails the unit.", \
      "A -> MAP<B>", \
      "@input: items: list MAP<B>") \
    X(SKN_CODE_LONE_NO_LIST, LONE, \
      "MAP, FILTER and REDUCE take a list, and none comes in as far as can be seen.", \
      "Anything but a list fails the unit.", \
      "Noop -> MAP<Noop>", \
      "@input: items: list MAP<Noop>") \
    X(SKN_CODE_SECRET_LEAVES, FLOW, \
      "A secret would be written into a text that is not secret.", \
      "It would stand in journals, logs and drawings.", \
      "@input: key: secret Fetch[url=\"x?${key}\"]", \
      "@input: key: secret Pay[token=\"${key}\"]") \
    X(SKN_CODE_SECRET_CACHED, FLOW, \
      "A result that comes from a secret would be kept for other runs.", \
      "Whoever runs the flow next would get it without the secret.", \
      "@input: token: secret Pay[cache=1h]", \
      "@input: token: secret Pay") \
    X(SKN_CODE_PIPED_TYPE, FLOW, \
      "What is piped in is of another type than the event declares, on every path.", \
      "The task would fail before it starts, whichever branch ran before it.", \
      "Total |-> Label", \
      "Named |-> Label") \
    X(SKN_CODE_YAML, EVENT, \
      "The event file is not YAML.", \
      "It is read by the rules of YAML 1.2 and no others.", \
      "event: [Load", \
      "event: Load\nversion: 1.0.0\nrun: { exec: [load] }\n") \
    X(SKN_CODE_YAML_REFUSED, EVENT, \
      "Anchors, tags and several documents have no place in an event file.", \
      "They make a small file mean a large or hidden one.", \
      "event: Load\nversion: 1.0.0\nrun: { exec: [load] }\ndescription: !!str x", \
      "event: Load\nversion: 1.0.0\nrun: { exec: [load] }\ndescription: x") \
    X(SKN_CODE_UNKNOWN_KEY, EVENT, \
      "There is no key of this name.", \
      "A misspelt one would be left out in silence.", \
      "event: Load\nversion: 1.0.0\nrun: { exec: [load] }\ntimout: 5s", \
      "event: Load\nversion: 1.0.0\nrun: { exec: [load] }\ntimeout: 5s") \
    X(SKN_CODE_KEY_TWICE, EVENT, \
      "A key stands twice in one mapping.", \
      "Which of the two counts cannot be seen.", \
      "event: Load\nversion: 1.0.0\nrun: { exec: [load] }\ntimeout: 5s\ntimeout: 6s", \
      "event: Load\nversion: 1.0.0\nrun: { exec: [load] }\ntimeout: 5s") \
    X(SKN_CODE_MISSING_KEY, EVENT, \
      "An event must have a name, a version and a way to run.", \
      "Without them nobody can use it.", \
      "event: Load\nrun: { exec: [load] }", \
      "event: Load\nversion: 1.0.0\nrun: { exec: [load] }\n") \
    X(SKN_CODE_BAD_EVENT_NAME, EVENT, \
      "The name cannot be used in a flow.", \
      "It is no name, a word of the language, or a built-in.", \
      "event: Noop\nversion: 1.0.0\nrun: { exec: [load] }", \
      "event: Load\nversion: 1.0.0\nrun: { exec: [load] }\n") \
    X(SKN_CODE_BAD_EXPRESSION, EVENT, \
      "A condition over the result cannot be read.", \
      "It has names of the result, comparisons, and, or, not, + - * /, len() and in.", \
      "event: Load\nversion: 1.0.0\nrun: { exec: [load] }\nsuccess_when: \"id = 5\"", \
      "event: Load\nversion: 1.0.0\nrun: { exec: [load] }\nsuccess_when: \"id == 5\"") \
    X(SKN_CODE_BAD_SCHEMA, EVENT, \
      "The file that schema: names is not there, not in the project, or no schema.", \
      "It is JSON with the words of inputs under the types of JSON Schema; no other word is left out in silence.", \
      "event: Load\nversion: 1.0.0\nrun: { exec: [load] }\ninputs: { order: { schema: misspelt.json } }", \
      "event: Load\nversion: 1.0.0\nrun: { exec: [load] }\ninputs: { order: { schema: order.json } }") \
    X(SKN_CODE_NOT_YET, FLOW, \
      "A built-in event that this version does not have.", \
      "The language knows it; the part that performs it is not built. In a file that is in no project it is a warning.", \
      "Log[message=\"x\"]", \
      "A") \
    X(SKN_CODE_NOT_RUN, LONE, \
      "Something legal that this version cannot run.", \
      "The flow can be checked, drawn and described, and is refused when it is to run.", \
      "Noop[node=\"accra\"]", \
      "Noop[timeout=1h]")
/* clang-format on */
