// editors.js - what editors/ and the Mermaid form promise, asked of those who read them. Arguments: what,
// the root of the sources, and for `mermaid` a folder of pictures. Ends with 77 where npm's packages are
// not there.
'use strict';
const assert = require('assert');
const fs = require('fs');
const path = require('path');

const [what, root, folder] = process.argv.slice(2);
const need = (name) => {
    try {
        return require(name);
    } catch (error) {
        console.log(`npm's ${name} is not there`);
        return process.exit(77);
    }
};
const flows = path.join(root, 'test/lang/pointy/project');

// What a piece of a flow must look like to the grammar: the first that matches, by a reading of its own.
const letter = '[A-Za-z_]|[^\\x00-\\u00bf\u00d7\u00f7\u1680\u2000-\u2bff\u3000-\u303f\ufe00-\uffff]';
const pieces = [
    [/#.*/uy, /^comment\./],
    [/"(?:\\[^]|[^"\\])*"/uy, /^string\.|^constant\.character|^variable\.other/],
    [/@\s*(?:input|timeout|recursive-depth|version|description|scope|on-failure|concurrency-key|concurrency|schedule|keep|mode)\b/uy,
        /directive|^$/],
    [/\|->/uy, /^keyword\.operator\.pipe/],
    [/->/uy, /^keyword\.operator\.arrow/],
    [/\|\|/uy, /^keyword\.operator\.parallel/],
    [/\*/uy, /^keyword\.operator\.attempts/],
    [/=/uy, /^keyword\.operator\.assignment|^$/],
    [/(?:MAP|FILTER|REDUCE|FLOW)(?=<)/uy, /^keyword\.control\.call/],
    [/(?:true|false)\b/uy, /^constant\.language/],
    [/(?:success|failure)\b/uy, /^keyword\.control\.outcome/],
    [new RegExp(`(?:${letter})(?:${letter}|[0-9])*(?=\\s*=)`, 'uy'), /^variable\.parameter\.option|^storage\.type/],
    [new RegExp(`(?:(?:local|hub|pypi|npm|git):)?(?:${letter})(?:${letter}|[0-9])*(?:@(?:latest|v?[0-9.]+))?`, 'uy'),
        /^(entity\.name\.function|storage\.type|constant\.other\.version|variable\.parameter\.input)/],
    [/[+-]?[0-9][0-9.]*(?:[eE][+-]?[0-9]+)?(?:ms|s|m|h|d|B|KiB|MiB|GiB|TiB)?(?![0-9])/uy, /^constant\.numeric/],
    [/[()[\]{},:<>?/.-]/uy, /^(punctuation.*|keyword\.operator\.optional.*)?$/],
];

async function grammar() {
    const textmate = need('vscode-textmate'), oniguruma = need('vscode-oniguruma');
    const wasm = path.join(path.dirname(require.resolve('vscode-oniguruma')), 'onig.wasm');
    await oniguruma.loadWASM(fs.readFileSync(wasm).buffer);
    const file = path.join(root, 'editors/vscode/syntaxes/pointy.tmLanguage.json');
    const registry = new textmate.Registry({
        onigLib: Promise.resolve({
            createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
            createOnigString: (text) => new oniguruma.OnigString(text),
        }),
        loadGrammar: async () => textmate.parseRawGrammar(fs.readFileSync(file, 'utf8'), file),
    });
    const rules = await registry.loadGrammar('source.pointy');
    let looked = 0;
    for (const name of fs.readdirSync(flows)) {
        const [text, answer] = fs.readFileSync(path.join(flows, name), 'utf8').split(/^(?=#=)/m);
        if (name.startsWith('error') || !/^#= /.test(answer || '')) continue;
        const scopes = []; // by offset
        let stack = textmate.INITIAL, at = 0;
        for (const line of text.split('\n')) {
            const result = rules.tokenizeLine(line, stack);
            for (const token of result.tokens)
                scopes.fill(token.scopes.slice(1).pop() || '', scopes.length = at + token.startIndex,
                    scopes.length = at + Math.min(token.endIndex, line.length));
            stack = result.ruleStack;
            at += line.length + 1;
        }
        for (at = 0; at < text.length;) {
            if (/\s/.test(text[at])) {
                at++;
                continue;
            }
            const piece = pieces.find(([pattern]) => ((pattern.lastIndex = at), pattern.test(text)));
            assert.ok(piece, `${name}: nothing fits ${text.slice(at, at + 20)}`);
            const end = piece[0].lastIndex;
            for (let i = at; i < end; i++)
                if (text[i] !== '\n')
                    assert.match(scopes[i] || '', piece[1], `${name}: ${JSON.stringify(text.slice(at, end))} at ${i}`);
            looked++;
            at = end;
        }
    }
    assert.ok(looked > 1500, `only ${looked} pieces`);
}

// The extension with an editor that only notes what it is told.
async function extension() {
    const noted = [];
    class LanguageClient {
        constructor(...args) {
            noted.push(args);
        }
        start() {
            noted.push('start');
            return Promise.resolve();
        }
        stop() {
            noted.push('stop');
            return Promise.resolve();
        }
    }
    const stand = {
        vscode: {workspace: {getConfiguration: (part) => ({get: (key) => `/opt/${part}.${key}`})}},
        'vscode-languageclient/node': {LanguageClient},
    };
    const Module = require('module'), load = Module._load;
    Module._load = (name, ...rest) => stand[name] || load(name, ...rest);
    const folder = path.join(root, 'editors/vscode');
    const manifest = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
    const {activate, deactivate} = require(path.join(folder, manifest.main));
    assert.strictEqual(deactivate(), undefined); // before it was ever active
    await activate();
    const [id, name, server, client] = noted[0];
    assert.deepStrictEqual([typeof id, typeof name], ['string', 'string']);
    assert.deepStrictEqual(server, {command: '/opt/skein.path', args: ['lsp']});
    assert.ok(client.documentSelector.some((s) => s.language === 'pointy'));
    assert.ok(client.documentSelector.some((s) => s.pattern === '**/events/*.yaml'));
    await deactivate();
    assert.deepStrictEqual(noted.slice(1), ['start', 'stop']);
    // What the manifest names is there.
    const {languages, grammars, configuration} = manifest.contributes;
    for (const file of [languages[0].configuration, grammars[0].path])
        assert.ok(fs.existsSync(path.join(folder, file)), file);
    assert.strictEqual(grammars[0].language, languages[0].id);
    assert.ok(configuration.properties['skein.path']);
    for (const name of Object.keys(stand))
        assert.ok(name === 'vscode' || manifest.dependencies[name.split('/')[0]], name);
}

// Every picture of the folder is one that Mermaid takes.
async function mermaid() {
    const {JSDOM} = need('jsdom');
    global.window = new JSDOM('<!doctype html><body></body>').window;
    global.document = window.document;
    need('mermaid/package.json');
    const found = path.join(path.dirname(require.resolve('mermaid/package.json')), 'dist/mermaid.core.mjs');
    const {default: reader} = await import(found);
    await assert.rejects(reader.parse('flowchart TD\n  a -->'));
    const names = fs.readdirSync(folder);
    for (const name of names)
        await reader.parse(fs.readFileSync(path.join(folder, name), 'utf8')).catch((error) => {
            throw new Error(`${name}: ${error}`);
        });
    assert.ok(names.length > 100, `only ${names.length} pictures`);
}

({grammar, extension, mermaid})[what]().then(() => process.exit(0), (error) => {
    console.error(error);
    process.exit(1);
});
