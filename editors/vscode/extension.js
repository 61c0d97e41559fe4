// extension.js - starts skein lsp for flows and for the event files of projects.
'use strict';
const {workspace} = require('vscode');
const {LanguageClient} = require('vscode-languageclient/node');

let client;

exports.activate = () => {
    const command = workspace.getConfiguration('skein').get('path');
    client = new LanguageClient('skein', 'skein', {command, args: ['lsp']}, {
        documentSelector: [{language: 'pointy'}, {scheme: 'file', pattern: '**/events/*.yaml'}],
    });
    return client.start();
};

exports.deactivate = () => client && client.stop();
