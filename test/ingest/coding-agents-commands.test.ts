import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { programsOf } from '../../services/ingest/coding-agents/command.ts';
import { splitTool } from '../../services/ingest/coding-agents/tools.ts';

describe('programs of a command', () => {
  const COMMANDS: readonly (readonly [unknown, readonly string[]])[] = [
    ['git status', ['git']],
    ['cd /repo && npm test 2>&1 | tail -n 5', ['npm', 'tail']],
    ['FOO=1 BAR="a b" /usr/local/bin/python3 -c "import os; evil()"', ['python3']],
    ['cat a > b; rm c & wait', ['cat', 'rm', 'wait']],
    ['for f in *; do gzip "$f"; done', ['gzip']],
    ['if grep -q x y; then curl z; else wget w; fi', ['grep', 'curl', 'wget']],
    ['echo "a; b | c" \'d && e\' # comment; nc', ['echo']],
    ['ls # list\nwhoami', ['ls', 'whoami']],
    ['cat <<EOF\nsecret words\nEOF\nrm x', ['cat']],
    ["bash -lc 'make && ./deploy.sh --key SECRET'", ['bash', 'make', 'deploy.sh']],
    ['bash -lc git status', ['bash', 'git']],
    ['sudo -u root cat x', ['sudo']],
    ['sudo systemctl stop x', ['sudo', 'systemctl']],
    ['env A=1 node x.js', ['env', 'node']],
    ['diff <(sort a) <(uniq b)', ['diff', 'sort', 'uniq']],
    ['echo $(curl x) &> log', ['echo', 'curl']],
    ['echo "unclosed; rm -rf', ['echo']],
    ['"$EDITOR" x; $(secret)', ['secret']],
    [
      ['bash', '-lc', 'pytest -q | tee log'],
      ['pytest', 'tee'],
    ],
    [['/bin/ls', '-la', 'a;b'], ['ls']],
    [{ command: ['git', 'push'] }, ['git']],
    ['', []],
    [[], []],
    [7, []],
    [null, []],
  ];
  for (const [command, programs] of COMMANDS) {
    test(JSON.stringify(command), () => assert.deepEqual(programsOf(command), programs));
  }

  test('are few, short, and quickly found in any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 2_000, unit: fc.constantFrom(...'ab"\'\\ ;|&<>()\n$#=-/') }), (command) => {
        const programs = programsOf(command);
        assert.ok(programs.length <= 8 && programs.every((name) => /^[A-Za-z0-9_.+-]{1,64}$/.test(name)));
      }),
    );
    for (const piece of ["'", '"', '\\', 'a;', '<', '((', '"\\', "bash -c '"]) {
      assert.ok(programsOf(piece.repeat(200_000)).length <= 8);
    }
  });
});

describe('names of MCP tools', () => {
  test('are split into server and tool', () => {
    assert.deepEqual(splitTool('mcp__files__read_file', undefined), { tool: 'read_file', server: 'files' });
    assert.deepEqual(splitTool('mcp__a__b__c', undefined), { tool: 'b__c', server: 'a' });
    for (const name of ['mcp__', 'mcp____x', 'mcp__a__', 'mcp__a', 'Read', '']) {
      assert.deepEqual(splitTool(name, undefined), { tool: name, server: undefined });
    }
    assert.deepEqual(splitTool('a__', 'a'), { tool: 'a__', server: 'a' });
  });
});
