import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { REFUSALS } from '../../schemas/command.ts';
import { DEAD_LETTER_REASONS } from '../../schemas/dead-letter.ts';
import { CURSOR_CODES, OWN_CODES } from '../../services/api/errors.ts';
import { LISTEN_CODES } from '../../services/api/server.ts';
import { CONTROL_LOG_CODES } from '../../services/control/chain.ts';
import { UNUSABLE_CODES } from '../../services/platform/clickhouse/errors.ts';
import { CONFIG_CODES } from '../../services/platform/config-problems.ts';
import { DATA_DIR_CODES } from '../../services/platform/data-dir.ts';
import { KAFKA_UNUSABLE_CODES } from '../../services/platform/kafka/errors.ts';
import { LOG_UNUSABLE_CODES } from '../../services/platform/sqlite-log/errors.ts';
import { load } from './source.ts';

/** Codes by the section of docs/errors.md that explains them. Add a line for a new family of codes. */
const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  'Dead letters': DEAD_LETTER_REASONS,
  Configuration: CONFIG_CODES,
  'Data directory': DATA_DIR_CODES,
  'Event log': LOG_UNUSABLE_CODES,
  'Control log': CONTROL_LOG_CODES,
  Kafka: KAFKA_UNUSABLE_CODES,
  Store: UNUSABLE_CODES,
  Commands: REFUSALS,
  'HTTP API': OWN_CODES,
  Cursors: CURSOR_CODES,
  Listening: LISTEN_CODES,
};

/** Codes with all three cells filled in, by section. */
function documented(markdown: string): ReadonlyMap<string, string[]> {
  return new Map(
    markdown
      .split(/^## /m)
      .slice(1)
      .map((section) => {
        const rows = section.matchAll(/^\| `(\w+)` \|\s*\S[^|]*\|\s*\S[^|]*\|$/gm);
        return [section.split('\n')[0] ?? '', [...rows].map((row) => row[1] ?? '')];
      }),
  );
}

describe('error codes', () => {
  const found = documented(load('docs/errors.md').text);
  for (const [section, codes] of Object.entries(SECTIONS)) {
    test(`${section}: what the code can say and what docs/errors.md explains are the same`, () => {
      assert.deepEqual([...(found.get(section) ?? [])].sort(), [...codes].sort());
    });
  }

  test('one code means one thing', () => {
    const all = [...found.values()].flat();
    assert.deepEqual(
      all.filter((code, index) => all.indexOf(code) !== index),
      [],
    );
  });

  test('a row without meaning or remedy does not count', () => {
    const rows = ['## A', '| `a` | b | c |', '| `b` |  | c |', '| `c` | b | |', '| d | b | c |'].join('\n');
    assert.deepEqual([...documented(rows)], [['A', ['a']]]);
  });
});
