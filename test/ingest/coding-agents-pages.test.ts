import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { emptyCatalogue } from '../../services/ingest/catalogue.ts';
import { decideItem } from '../../services/ingest/core.ts';
import { otlpJsonNormaliser, otlpNormaliser } from '../../services/ingest/otlp/normalisers.ts';
import { DEFAULT_SETTINGS } from '../../services/ingest/settings.ts';
import { toProto } from '../support/otlp-proto.ts';
import { TIME } from './coding-agents-support.ts';

/** The example of a page, through the decoder of OTLP as an agent would send it. */
function eventOfExample(page: string) {
  const markdown = readFileSync(new URL(`../../docs/sources/${page}.md`, import.meta.url), 'utf8');
  const [, example] = /## Example\n\n```json\n([\s\S]*?)```/.exec(markdown) ?? [];
  assert.ok(example !== undefined, 'no example');
  const request = { resourceLogs: [{ scopeLogs: [{ logRecords: [JSON.parse(example) as unknown] }] }] };
  const [decided, ...more] = decideItem(
    { bytes: Buffer.from(JSON.stringify(request)), position: page },
    {
      formats: [otlpJsonNormaliser(DEFAULT_SETTINGS)],
      catalogue: emptyCatalogue(),
      origin: 'pages',
      tenant: 'default',
      now_ms: TIME,
    },
  );
  assert.equal(more.length, 0);
  assert.ok(decided?.kind === 'accepted', JSON.stringify(decided));
  const { identity, on_behalf_of, action, tool, resources, volume, outcome, time } = decided.event;
  assert.equal(time, TIME);
  const targets = resources.map(({ id }) => id);
  return { id: identity.id, on_behalf_of, operation: action.operation, tool: tool?.name, targets, volume, outcome };
}

describe('a request with records of all three', () => {
  const request = readFileSync(new URL('fixtures/otlp/coding-agents.json', import.meta.url));
  const decide = (bytes: Buffer) => {
    const context = {
      formats: [otlpNormaliser(DEFAULT_SETTINGS)],
      catalogue: emptyCatalogue(),
      origin: 'fixture',
      tenant: 'default',
      now_ms: TIME,
    };
    return decideItem({ bytes, position: 'fixture' }, context);
  };
  const json = decide(request);

  test('comes to one decision a record', () => {
    assert.deepEqual(
      json.map((decided) => (decided.kind === 'accepted' ? wordsOf(decided.event) : decided.kind)),
      [
        'absorbed',
        'absorbed',
        'absorbed',
        'Bash execute ok program:npm program:tail',
        'Write store denied',
        'github/get_issue read error repository:acme/app',
        'absorbed',
        'absorbed',
        'absorbed',
        'absorbed',
        'absorbed',
        'shell_command execute ok program:git program:npm',
        'shell_command execute denied',
        'shell_command execute error program:rm',
        'crm/find_customer search ok customer:C-1138',
        'apply_patch store ok src/a.ts',
        'absorbed',
        'absorbed',
        'run_shell_command execute ok program:kubectl',
        'write_file store denied /srv/x',
        'github/get_issue read ok repository:acme/app',
        'absorbed',
        'absorbed',
      ],
    );
  });

  test('is the same in protobuf', () => {
    const proto = decide(toProto(JSON.parse(request.toString('utf8')) as Record<string, unknown>));
    assert.deepEqual(proto, json);
  });

  test('holds no two events with one id', () => {
    const ids = json.flatMap((decided) => (decided.kind === 'accepted' ? [decided.event.id] : []));
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(ids.length, 11);
  });
});

function wordsOf({ tool, action, outcome, resources }: CanonicalEvent): string {
  const name = tool?.server === undefined ? tool?.name : `${tool.server}/${tool.name}`;
  return [name, action.operation, outcome.status, ...resources.map(({ id }) => id)].join(' ');
}

describe('examples of the pages become what the pages say', () => {
  test('Claude Code', () => {
    assert.deepEqual(eventOfExample('claude-code'), {
      id: 'claude-code:0d6c6a52-6b5c-4a2f-8f2e-3b1f9f0f7a10',
      on_behalf_of: 'ada@example.com',
      operation: 'execute',
      tool: 'Bash',
      targets: ['program:cat', 'program:curl'],
      volume: { bytes_in: 131, bytes_out: 2048 },
      outcome: { status: 'ok' },
    });
  });

  test('Codex', () => {
    assert.deepEqual(eventOfExample('codex'), {
      id: 'codex:acc-5d8f',
      on_behalf_of: 'lin@example.com',
      operation: 'execute',
      tool: 'shell_command',
      targets: ['program:git'],
      volume: { bytes_in: 45, bytes_out: 15 },
      outcome: { status: 'ok' },
    });
  });

  test('Gemini CLI', () => {
    assert.deepEqual(eventOfExample('gemini-cli'), {
      id: 'gemini-cli:kim@example.com',
      on_behalf_of: 'kim@example.com',
      operation: 'execute',
      tool: 'run_shell_command',
      targets: ['program:kubectl'],
      volume: { bytes_in: 35, bytes_out: 512 },
      outcome: { status: 'ok' },
    });
  });
});
