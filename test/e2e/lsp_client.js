// lsp_client.js - talks to skein lsp as an editor does, through vscode-jsonrpc. Arguments: the program,
// the folder of a project that skein init made, and "time" to print how long answers take.
'use strict';
const assert = require('assert');
const path = require('path');
const {spawn} = require('child_process');
const rpc = require('vscode-jsonrpc/node');

const [program, folder, mode] = process.argv.slice(2);
const server = spawn(program, ['lsp'], {stdio: ['pipe', 'pipe', 'inherit']});
const connection = rpc.createMessageConnection(
    new rpc.StreamMessageReader(server.stdout), new rpc.StreamMessageWriter(server.stdin));
const published = new Map(); // uri: [diagnostics, waiters]

connection.onNotification('textDocument/publishDiagnostics', ({uri, diagnostics}) => {
    const entry = published.get(uri) || {waiting: []};
    entry.diagnostics = diagnostics;
    entry.waiting.splice(0).forEach((wake) => wake(diagnostics));
    published.set(uri, entry);
});
connection.listen();

const uriOf = (name) => 'file://' + path.join(folder, name).split('/').map(encodeURIComponent).join('/');
const next = (uri) => new Promise((wake) => {
    const entry = published.get(uri) || {waiting: []};
    entry.waiting.push(wake);
    published.set(uri, entry);
});
const put = (uri, text, version) => {
    const done = next(uri);
    if (version === 1) {
        connection.sendNotification(
            'textDocument/didOpen', {textDocument: {uri, languageId: 'pointy', version, text}});
    } else {
        connection.sendNotification(
            'textDocument/didChange', {textDocument: {uri, version}, contentChanges: [{text}]});
    }
    return done;
};
const ask = (method, uri, more) =>
    connection.sendRequest('textDocument/' + method, {textDocument: {uri}, ...more});
const at = (line, character) => ({position: {line, character}});
const labels = (items) => items.map((item) => item.label);

async function features() {
    const uri = uriOf('flows/é x.pty'); // a name that a URI escapes
    let found = await put(uri, 'Helo -> Noop\n', 1);
    assert.strictEqual(found.length, 1);
    assert.strictEqual(found[0].code, 'SKN-P106');
    assert.strictEqual(found[0].severity, 1);
    assert.deepStrictEqual(found[0].range, {start: {line: 0, character: 0}, end: {line: 0, character: 4}});

    const actions = await ask('codeAction', uri, {range: found[0].range, context: {diagnostics: []}});
    assert.strictEqual(actions[0].title, 'Replace with Hello');
    assert.strictEqual(actions[0].edit.changes[uri][0].newText, 'Hello');

    found = await put(uri, 'Hello[name="x"] -> Noop\n', 2);
    assert.deepStrictEqual(found, []);
    assert.match((await ask('hover', uri, at(0, 2))).contents.value, /^\*\*Hello\*\* 1\.0\.0/);
    assert.match((await ask('hover', uri, at(0, 20))).contents.value, /built in/);
    assert.strictEqual(await ask('hover', uri, at(0, 17)), null);
    const target = await ask('definition', uri, at(0, 1));
    assert.ok(target.uri.endsWith('/events/hello.yaml'), target.uri);

    assert.ok(labels(await ask('completion', uri, at(0, 0))).includes('Shout'));
    await put(uri, '@', 3);
    assert.ok(labels(await ask('completion', uri, at(0, 1))).includes('timeout'));
    await put(uri, 'Hello[', 4);
    assert.ok(labels(await ask('completion', uri, at(0, 6))).includes('timeout'));
    await put(uri, '{A || B}[evaluate=', 5);
    assert.ok(labels(await ask('completion', uri, at(0, 18))).includes('"majority"'));
    await put(uri, 'Hello (', 6);
    assert.deepStrictEqual(labels(await ask('completion', uri, at(0, 7))), ['success', 'failure']);

    // Columns are UTF-16 units: the sign in front takes two.
    await put(uri, '@input: name: string\nFail[reason="\u{1F600} ${name}"]->Noop', 7);
    const edit = await ask('rename', uri, {...at(1, 19), newName: 'title'});
    assert.deepStrictEqual(edit.changes[uri].map((e) => [e.range.start.line, e.range.start.character]),
        [[0, 8], [1, 18]]);
    assert.notStrictEqual(await ask('prepareRename', uri, at(0, 9)), null);
    assert.strictEqual(await ask('prepareRename', uri, at(1, 1)), null);
    await assert.rejects(ask('rename', uri, {...at(1, 1), newName: 'x'}), /only events of the project/);
    await assert.rejects(ask('rename', uri, {...at(0, 9), newName: 'true'}), /cannot be a name/);
    const where = await ask('definition', uri, at(1, 19));
    assert.deepStrictEqual(where.range.start, {line: 0, character: 8});
    const outline = await ask('documentSymbol', uri);
    assert.deepStrictEqual(outline.map((s) => s.name), ['name', 'Fail', 'Noop']);
    const [layout] = await ask('formatting', uri, {options: {tabSize: 4, insertSpaces: true}});
    assert.strictEqual(layout.newText,
        '@input: name: string\n\nFail[reason="\u{1F600} ${name}"] -> Noop\n');

    await renames();
    await renamesOfEvents();

    found = await put(uri, 'A ->', 8);
    assert.ok(found.some((d) => d.code === 'SKN-P011'));
    assert.deepStrictEqual(await ask('formatting', uri, {options: {}}), []);
    const event = uriOf('events/new.yaml');
    found = await put(event, 'event: New\nversion: x\n', 1);
    assert.ok(found.some((d) => d.code === 'SKN-P108'));
    await assert.rejects(ask('hover', uriOf('nobody.pty'), at(0, 0)), /not open/);
    await assert.rejects(connection.sendRequest('textDocument/foldingRange', {textDocument: {uri}}),
        /no such method/);
}

// The text with what a rename changes in it.
function changed(text, edits) {
    const lines = text.split('\n');
    for (const {range, newText} of [...edits].sort((a, b) => b.range.start.line - a.range.start.line ||
        b.range.start.character - a.range.start.character)) {
        assert.strictEqual(range.start.line, range.end.line);
        const line = lines[range.start.line];
        lines[range.start.line] = line.slice(0, range.start.character) + newText + line.slice(range.end.character);
    }
    return lines.join('\n');
}

// Every name that a flow can give: inputs, variables of Set, exports of groups, in every place of theirs.
async function renames() {
    const uri = uriOf('flows/names.pty');
    const text = '@input: who: string\n@input: name: string\n@concurrency-key: "k ${who}"\n' +
        '{Set[total="${who}", mood="$${who}"] -> Log[message="${total.x} \\"${total}\\" ${mood}"]}\n' +
        '    [exports=["total"]] -> Hello[name="${who}"] -> Log[message="${total}", executor="inline"]\n';
    await put(uri, text, 1);
    // The place of a name: behind a part of the text that is there once.
    const behind = (part) => {
        assert.strictEqual(text.split(part).length, 2, part);
        const before = text.slice(0, text.indexOf(part) + part.length).split('\n');
        return at(before.length - 1, before[before.length - 1].length);
    };
    const rename = async (part, newName) =>
        changed(text, (await ask('rename', uri, {...behind(part), newName})).changes[uri]);
    // From the declaration and from each kind of use; what is no use ("$${who}") stays.
    const person = text.replaceAll('${who}', '${person}').replace('who:', 'person:')
        .replace('$${person}', () => '$${who}');
    for (const part of ['@input: w', '"k ${wh', 'total="${who', 'Hello[name="${'])
        assert.strictEqual(await rename(part, 'person'), person, part);
    const sum = text.replaceAll('total', 'sum');
    for (const part of ['Set[to', 'mood="$${who}"] -> Log[message="${', '\\"${to', 'exports=["'])
        assert.strictEqual(await rename(part, 'sum'), sum, part);
    assert.strictEqual(await rename(' ${moo', 'é_1'), text.replace('mood=', 'é_1=').replace('${mood}', '${é_1}'));
    await assert.rejects(rename('Set[to', 'who'), /another value of this flow has this name/);
    await assert.rejects(rename('Set[to', 'timeout'), /an option/);
    await assert.rejects(rename('Set[to', 'previous'), /gives values of this name itself/);
    await assert.rejects(rename('Set[to', 'a b'), /cannot be a name/);
    await assert.rejects(rename('Set[to', 'failure'), /cannot be a name/);
    await assert.rejects(rename('mood="$${wh', 'x'), /only events of the project/);
    assert.match((await ask('hover', uri, behind('Set[to'))).contents.value, /^\*\*total\*\*: a variable that Set sets/);
    assert.match((await ask('hover', uri, behind('"k ${wh'))).contents.value, /an input of the run, string/);
    assert.deepStrictEqual((await ask('definition', uri, behind('exports=["'))).range.start, {line: 3, character: 5});
    // Hello takes `name`: renamed, it would get nothing. With an option of that name it is not taken.
    await put(uri, '@input: name: string\n@input: other: string\nHello', 2);
    await assert.rejects(ask('rename', uri, {...at(0, 9), newName: 'x'}), /Hello takes a value by the name "name"/);
    await assert.rejects(ask('rename', uri, {...at(1, 9), newName: 'name'}), /another value|by the name/);
    await put(uri, '@input: other: string\nHello[name="x"] -> Hello', 3);
    await assert.rejects(ask('rename', uri, {...at(0, 9), newName: 'name'}), /Hello takes a value by the name "name"/);
    // So do what undoes, and what runs when the run failed.
    await put(uri, '@input: name: string\nNoop[compensate="local:Hello@1"]', 4);
    await assert.rejects(ask('rename', uri, {...at(0, 9), newName: 'x'}), /Hello takes a value by the name "name"/);
    await put(uri, '@input: name: string\n@on-failure: Hello\nNoop', 5);
    await assert.rejects(ask('rename', uri, {...at(0, 9), newName: 'x'}), /Hello takes a value by the name "name"/);
    // And a child run: what its flow declares.
    require('fs').writeFileSync(path.join(folder, 'flows/child.pty'), '@input: name: string\nNoop\n');
    await put(uri, '@input: name: string\nFLOW<child>', 51);
    await assert.rejects(ask('rename', uri, {...at(0, 9), newName: 'x'}), /flow child takes a value by the name "name"/);
    await put(uri, '@input: name: string\nFLOW<child>[name="x"]', 52);
    assert.ok((await ask('rename', uri, {...at(0, 9), newName: 'x'})).changes[uri].length, 1);
    await put(uri, '@input: other: string\nLog[message="${othr} ${other}"]', 6);
    await assert.rejects(ask('rename', uri, {...at(1, 16), newName: 'x'}), /declares this name/);
    await put(uri, '@input: other: string\nLog[message="${other}" ->', 7);
    await assert.rejects(ask('rename', uri, {...at(0, 9), newName: 'x'}), /malformed/);
}

// An event gets its new name in its file and in every flow; texts that are open count as they are open.
async function renamesOfEvents() {
    const fs = require('fs');
    const uri = uriOf('flows/main.pty'), other = uriOf('flows/other.pty'), broken = uriOf('flows/broken.pty');
    const text = '@on-failure: local:Hello@1\nShout[compensate="Hello"] -> Hello || MAP<Hello> -> pypi:Hello\n';
    fs.writeFileSync(path.join(folder, 'flows/closed.pty'), '# Hello\nHello[name="Hello"] -> {Hello@latest}\n');
    fs.writeFileSync(path.join(folder, 'flows/other.pty'), 'Noop\n');
    await put(uri, text, 1);
    await put(other, 'Noop -> Hello', 1);
    const edit = await ask('rename', uri, {...at(1, 32), newName: 'Greet'});
    assert.strictEqual(changed(text, edit.changes[uri]), text.replace('local:Hello', 'local:Greet')
        .replace('"Hello"', '"Greet"').replace('> Hello', '> Greet').replace('<Hello', '<Greet'));
    assert.strictEqual(changed('Noop -> Hello', edit.changes[other]), 'Noop -> Greet');
    assert.strictEqual(changed('# Hello\nHello[name="Hello"] -> {Hello@latest}\n', edit.changes[uriOf('flows/closed.pty')]),
        '# Hello\nGreet[name="Hello"] -> {Greet@latest}\n');
    const file = fs.readFileSync(path.join(folder, 'events/hello.yaml'), 'utf8');
    assert.strictEqual(changed(file, edit.changes[uriOf('events/hello.yaml')]), file.replace('event: Hello', 'event: Greet'));
    await assert.rejects(ask('rename', uri, {...at(1, 32), newName: 'Shout'}), /another event/);
    await assert.rejects(ask('rename', uri, {...at(1, 32), newName: 'Noop'}), /built-in/);
    await assert.rejects(ask('rename', uri, {...at(1, 32), newName: 'a b'}), /cannot be a name/);
    await put(broken, 'Hello ->', 1);
    fs.writeFileSync(path.join(folder, 'flows/broken.pty'), 'Noop\n');
    await assert.rejects(ask('rename', uri, {...at(1, 32), newName: 'Greet'}), /broken.pty is malformed/);
    for (const name of ['closed', 'other', 'broken']) fs.unlinkSync(path.join(folder, `flows/${name}.pty`));
}

// 5,000 lines; the goal is an answer in under 50 ms.
async function timing() {
    const uri = uriOf('flows/long.pty');
    let text = 'Noop';
    for (let i = 1; i < 5000; i++) text += `\n-> Hello[name="x", timeout=${i}s] (failure -> Noop |-> Shout, success -> Count)`;
    const times = {};
    const measure = async (name, fn) => {
        const list = [];
        for (let i = 0; i < 20; i++) {
            const start = process.hrtime.bigint();
            await fn(i);
            list.push(Number(process.hrtime.bigint() - start) / 1e6);
        }
        list.sort((a, b) => a - b);
        times[name] = list[18]; // the second worst of 20
    };
    await put(uri, text, 1);
    await measure('change', (i) => put(uri, text + ' '.repeat(i), i + 2));
    await measure('completion', () => ask('completion', uri, at(2500, 3)));
    await measure('hover', () => ask('hover', uri, at(2500, 4)));
    await measure('definition', () => ask('definition', uri, at(2500, 4)));
    await measure('codeAction', () => ask('codeAction', uri, {range: {start: {line: 9, character: 0}, end: {line: 9, character: 9}}, context: {diagnostics: []}}));
    await measure('formatting', () => ask('formatting', uri, {options: {}}));
    await measure('documentSymbol', () => ask('documentSymbol', uri));
    if (mode === 'time') for (const [name, ms] of Object.entries(times)) console.log(`${name} ${ms.toFixed(1)} ms`);
    for (const [name, ms] of Object.entries(times)) assert.ok(ms < 1000, `${name} took ${ms} ms`);
}

async function main() {
    await assert.rejects(connection.sendRequest('textDocument/hover', {}), /initialize comes first/);
    const {capabilities} = await connection.sendRequest('initialize', {processId: null, rootUri: null, capabilities: {}});
    assert.strictEqual(capabilities.textDocumentSync, 1);
    connection.sendNotification('initialized', {});
    await features();
    await timing();
    assert.strictEqual(await connection.sendRequest('shutdown'), null);
    await assert.rejects(ask('hover', 'file:///x.pty', at(0, 0)), /was shut down/);
    connection.sendNotification('exit');
    const code = await new Promise((done) => server.on('exit', done));
    assert.strictEqual(code, 0);
}

main().then(() => process.exit(0), (error) => {
    console.error(error);
    process.exit(1);
});
