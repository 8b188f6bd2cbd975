import assert from 'node:assert/strict';
import { test } from 'node:test';
import { showIdentity } from '../../services/cli/show/identity.ts';
import { layOut } from '../../services/cli/table.ts';
import type { Terminal } from '../../services/cli/terminal.ts';

type Answer = Parameters<typeof showIdentity>[1];

function shown(answer: Partial<Answer>): string {
  const lines: string[] = [];
  const terminal: Terminal = {
    json: false,
    interactive: false,
    columns: undefined,
    line: (text = '') => lines.push(text),
    paragraph: (text, indent = 0) => lines.push(' '.repeat(indent) + text),
    record: () => undefined,
    table: (head, rows, options = {}) => lines.push(layOut(head, rows, undefined, options)),
    progress: () => undefined,
    progressDone: () => undefined,
    note: () => undefined,
    style: (_, text) => text,
  };
  const lists = { coverage: [], open_alerts: [], containments: [], directives: [], aliases: [] };
  const nothing = { tenant: 'default', identity: 'agent-1', muted_findings: 0, ...lists };
  showIdentity(terminal, { ...nothing, ...answer });
  return lines.join('\n');
}

const alias = {
  identity: 'unresolved:till',
  resolved: 'agent-1',
  trace_id: 'hostile\u001b[2J',
  events: [],
  count: 1_204,
  time: Date.UTC(2026, 0, 5, 12),
};

test('an identity shows whose events turned out to be, seen from either side', () => {
  const own = shown({ aliases: [alias] });
  assert.match(own, /Whose events these turned out to be/);
  assert.match(own, /2026-01-05 12:00 +1,204 +unresolved:till +this one/);
  assert.doesNotMatch(own, /\u001b/);
  assert.match(shown({ identity: 'unresolved:till', aliases: [alias] }), /1,204 +this one +agent-1/);
  assert.doesNotMatch(shown({}), /turned out/);
});

test('an identity shows how far it is covered, each status with the number behind it', () => {
  const page = shown({
    coverage: [
      { status: 'mature', detail: '61 sessions learned' },
      { status: 'unknown_sizes', detail: '80 % of its events tell no size' },
    ],
  });
  assert.match(page, /coverage +mature: 61 sessions learned\n +unknown sizes: 80 % of its events tell no size/);
});

test('an identity shows whom it is compared with, and who stands in where they taught too little', () => {
  const learned = {
    events: 90,
    sessions: 12,
    first_ms: 0,
    last_ms: 0,
    maturity: 'learning',
    relearning: [],
    baselines: [],
  } as const;
  const peers = {
    origin: 'derived',
    name: 'tools:00c0ffee',
    members: 12,
    sessions: 340,
    yardstick: 'peer_group',
  } as const;
  const text = shown({ baseline: { ...learned, relearning: [], baselines: [], peers } });
  assert.match(text, /peers: group tools:00c0ffee of identities that use like tools, as none is declared/);
  assert.match(text, /taught by 340 sessions of 12 members$/m);
  const declared = {
    ...peers,
    origin: 'declared',
    name: 'hostile\u001b[2J',
    sessions: 4,
    yardstick: 'population',
  } as const;
  const few = shown({ baseline: { ...learned, relearning: [], baselines: [], peers: declared } });
  assert.match(few, /4 sessions of 12 members; that is too little, so the whole population stands in/);
  assert.doesNotMatch(few, /\u001b/);
});
