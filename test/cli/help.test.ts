import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import { EXIT } from '../../services/cli/problem.ts';
import { createProgram } from '../../services/cli/program.ts';
import { run } from './support.ts';

/** Every command that does something, by its full name. */
function leaves(command: Command, before = ''): { readonly name: string; readonly command: Command }[] {
  return command.commands.flatMap((one) => {
    const name = `${before}${one.name()}`;
    if (one.name() === 'help') return [];
    return one.commands.length > 0 ? leaves(one, `${name} `) : [{ name, command: one }];
  });
}

const all = leaves(createProgram());

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

describe('help', () => {
  test('there are the commands that there should be', () => {
    assert.deepEqual(
      all.map(({ name }) => name).toSorted(),
      [
        ...['export', 'key', 'list', 'rotate-key', 'verify'].map((name) => `audit ${name}`),
        ...['alert', 'alerts', 'approve', 'backtest', 'budget', 'cancel', 'containment', 'containments'],
        ...['dead-letters', 'declare', 'demo', 'directive end', 'directive list'],
        ...[
          'deny',
          'doctor',
          'events',
          'executor jwks',
          'executor list',
          'preview',
          'gap accept',
          'gap list',
          'identities',
          'identity',
          'keys create',
          'keys list',
          'keys revoke',
          'keys rotate',
          'map test',
        ],
        ...['apply', 'check', 'dry-run', 'show'].map((name) => `policy ${name}`),
        ...['amend', 'request', 'resolve', 'rollback'],
        ...['replay', 'simulate', 'sources', 'status'],
        ...['list', 'redeliver', 'remove', 'retry', 'set'].map((name) => `subscriptions ${name}`),
        ...['suppress', 'tail', 'undo', 'up', 'verdict'],
        ...['add', 'link', 'list', 'password', 'remove', 'roles', 'sign-out'].map((name) => `user ${name}`),
      ].toSorted(),
    );
  });

  for (const { name, command } of all) {
    test(`${name}: summary, description, explained arguments and options, an example that is understood`, () => {
      const text = helpOf(command);
      assert.notEqual(command.summary(), '');
      assert.ok(command.description().length > command.summary().length, 'the description says more than the summary');
      for (const argument of command.registeredArguments) assert.notEqual(argument.description, '', argument.name());
      for (const option of command.options) assert.notEqual(option.description, '', option.flags);
      const examples = [...text.matchAll(/^ {2}countersign (.+)$/gm)].map(([, line]) => String(line));
      assert.notEqual(examples.length, 0, 'it has an example');
      for (const example of examples) assert.ok(example.replace(/--data \S+ /, '').startsWith(name), example);
      for (const flag of examples.join(' ').match(/(?<= )--[a-z-]+/g) ?? []) assert.ok(text.includes(flag), flag);
    });
  }
});

/** Described once, for all commands that ask a service. */
const SHARED = new Set(['--url', '--key-file']);

describe('docs/cli.md', () => {
  test('has a section for every command, with its arguments and every option, and no other', async () => {
    const text = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');
    const sections = new Map(
      text
        .split(/^### /m)
        .slice(1)
        .map((section) => [section.slice(0, section.indexOf('\n')).trim(), section.split(/^## /m)[0] ?? '']),
    );
    const titles = all.map(({ name, command }) => {
      const shown = command.registeredArguments.map((one) => {
        const argument = one.variadic ? `${one.name()}...` : one.name();
        return one.required ? `<${argument}>` : `[${argument}]`;
      });
      return [name, ...shown].join(' ');
    });
    assert.deepEqual([...sections.keys()].toSorted(), titles.map((title) => `\`${title}\``).toSorted());
    for (const [index, { command }] of all.entries()) {
      const section = sections.get(`\`${titles[index]}\``) ?? '';
      const documented = new Set([...section.matchAll(/`(--[a-z-]+)/g)].map(([, flag]) => flag));
      for (const { long } of command.options.filter((option) => !SHARED.has(String(option.long)))) {
        assert.ok(documented.has(String(long)), `${titles[index]}: ${long}`);
      }
      const known = new Set([...command.options, ...createProgram().options].map(({ long }) => long));
      for (const flag of documented) assert.ok(known.has(flag), `${titles[index]} has no ${flag}`);
    }
  });

  test('lists every exit status', async () => {
    const text = await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8');
    const listed = [...text.matchAll(/^\| (\d+) \| \S/gm)].map(([, code]) => Number(code));
    assert.deepEqual(listed, Object.values(EXIT));
  });
});

describe('the command line', () => {
  test('help and what is not understood', async () => {
    const help = await run(['--help']);
    assert.equal(help.code, EXIT.done);
    assert.match(help.stdout, /Exit status/);
    for (const args of [
      ['nonsense'],
      ['alerts', '--nonsense'],
      ['alert'],
      ['alerts', '--limit', 'many'],
      ['simulate'],
    ]) {
      const ended = await run(args);
      assert.equal(ended.code, EXIT.usage, args.join(' '));
      assert.equal(ended.stdout, '');
      assert.match(ended.stderr, /error: /);
    }
  });

  test('a problem is one message with its code, not a stack', async () => {
    const ended = await run(['alerts', '--json']);
    assert.equal(ended.code, EXIT.usage);
    assert.equal((JSON.parse(ended.stdout) as { error: { code: string } }).error.code, 'key_missing');
    assert.match(ended.stderr, /COUNTERSIGN_API_KEY/);
    assert.doesNotMatch(ended.stderr, /\n\s+at /);
  });
});
