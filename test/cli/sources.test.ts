import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OriginView, SourcesAnswer } from '../../schemas/api/sources.ts';
import { showSources } from '../../services/cli/show/sources.ts';
import { layOut } from '../../services/cli/table.ts';
import type { Terminal } from '../../services/cli/terminal.ts';

function shown(answer: SourcesAnswer): string {
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
  showSources(terminal, answer);
  return lines.join('\n');
}

const NOTHING: SourcesAnswer = {
  now: 0,
  sources: [],
  formats: [],
  resolved: {},
  waiting: 0,
  days: 7,
  origins: [],
  origins_omitted: false,
  advice: [],
};

const BECAME = { accepted: 900, absorbed: 0, held: 0, dead_lettered: 100, dead_letter_reasons: { not_json: 100 } };

const ORIGIN: OriginView = {
  origin: 'gate\u001b[2Jway',
  events: 1_000,
  identities: 3,
  unresolved_identities: 1,
  last_event: Date.UTC(2026, 2, 2, 9),
  missing: { identity: 1, agent: 999, volume: 1_000, resource: 0, session: 500, credential: 0, peer_group: 0 },
  dead_lettered: 100,
  dead_letter_reasons: { not_json: 100 },
};

describe('countersign sources', () => {
  test('says that nothing has arrived', () => {
    assert.equal(shown(NOTHING), 'Nothing has arrived yet.');
  });

  test('shows sums, formats, reasons, shares and remedies', () => {
    const text = shown({
      ...NOTHING,
      sources: [
        { source: 'agent.audit.raw', kind: 'topic', received: 1_000, ...BECAME, formats: { none: 100, mcp: 900 } },
      ],
      formats: [{ format: 'mcp', received: 900, ...BECAME, dead_lettered: 0 }],
      resolved: { own: 850, ancestor: 50, unresolved: 0 },
      waiting: 1_200,
      origins: [ORIGIN],
      advice: [{ origin: 'gateway', missing: 'volume', share: 1, effect: 'E', remedy: 'R' }],
    });
    assert.match(text, /^topic agent\.audit\.raw +1,000 +900 +- +- +100 +mcp 900, none 100$/m);
    assert.match(text, /topic agent\.audit\.raw: not_json 100/);
    assert.match(text, /said itself +850 events, 94 %/);
    assert.match(text, /trace +50 events, 6 %/);
    assert.match(text, /waiting +1,200 events/);
    assert.doesNotMatch(text, /unresolved +0 events/);
    assert.match(text, /2026-03-02 09:00 +- +100$/m);
    assert.match(text, /< 1 % +> 99 % +100 % +- +50 % +- +-$/m);
    assert.match(text, /No sizes \(gateway 100 %\)\n {4}Without it E\.\n {4}Remedy: R\./);
    assert.ok(!text.includes('\u001b'));
  });
});
