import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { decideItem } from '../../services/ingest/core.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { createInlineSettler } from '../../services/ingest/settle/inline.ts';
import { settleRule } from '../../services/ingest/settle/rule.ts';
import { failure, record, request, result, toolCall } from './mcp-support.ts';
import { context, itemOf } from './support.ts';

const formats = normalisersOf('mcp', []);
const START_MS = 1_772_442_000_000;

/** Records one second apart, through the core and what settles. */
function settled(...records: readonly object[]): readonly CanonicalEvent[] {
  const events: CanonicalEvent[] = [];
  const settler = createInlineSettler(settleRule(60_000), {
    decided: (decided) => decided.kind === 'accepted' && events.push(decided.event),
    alias: () => assert.fail('a call has no alias'),
  });
  for (const [index, value] of records.entries()) {
    const time = START_MS + 1_000 * index;
    for (const decided of decideItem(itemOf({ ...value, time }), context({ formats }))) settler.add(decided, time);
  }
  settler.end();
  return events;
}

describe('MCP calls, settled', () => {
  test('the response completes its request, with its size and its outcome', () => {
    const [event, ...others] = settled(
      record(toolCall('read_file')),
      record(request('ping', {}, 2)),
      record(result({ content: [{ type: 'text', text: 'abc' }] }), { direction: 'server_to_client' }),
    );
    assert.deepEqual(others, []);
    assert.equal(event?.time, START_MS);
    assert.deepEqual(event?.outcome, { status: 'ok' });
    assert.deepEqual(event?.volume, { bytes_in: '{"path":"/etc/hosts"}'.length, bytes_out: 3 });
  });

  test('a refusal, and an id that is used again afterwards', () => {
    const events = settled(
      record(toolCall('drop_table')),
      record(failure(403)),
      record(toolCall('read_file')),
      record(result({ content: [], isError: true })),
    );
    assert.deepEqual(
      events.map(({ tool, outcome }) => [tool?.name, outcome.status]),
      [
        ['drop_table', 'denied'],
        ['read_file', 'error'],
      ],
    );
  });

  test('calls of two sessions with one id do not mix, and one without an answer stays unknown', () => {
    const events = settled(
      record(toolCall('a')),
      record(toolCall('b'), { session: 's-2' }),
      record(failure(1), { session: 's-2' }),
    );
    assert.deepEqual(
      new Map(events.map(({ tool, outcome }) => [tool?.name, outcome.status])),
      new Map([
        ['b', 'error'],
        ['a', 'unknown'],
      ]),
    );
  });
});
