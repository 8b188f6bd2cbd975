import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FormatName } from '../../schemas/format.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { toProto } from '../support/otlp-proto.ts';
import { openSimulatedLog } from '../support/simulated-log.ts';
import {
  assertSums,
  diskOf,
  isDrained,
  jumpingClock,
  type Outcome,
  outcomeOf,
  produce,
  runnerOn,
  sourcesOf,
  until,
} from './raw-support.ts';

const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const span = (n: number, name = 'execute_tool') => ({
  traceId: '45dc11320fd5699a41c1e05f05333385',
  spanId: n.toString(16).padStart(16, '0'),
  name,
  kind: 1,
  startTimeUnixNano: '1740989153958000000',
  endTimeUnixNano: '1740989154873000000',
  attributes: [attribute('gen_ai.tool.name', 'read_file'), attribute('gen_ai.agent.id', `agent-${n % 3}`)],
});
const request = (spans: readonly object[]) => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] });

async function workOff(format: FormatName, values: readonly (Buffer | string)[]): Promise<Outcome> {
  const disk = diskOf(1);
  produce(disk, [...values]);
  const log = openSimulatedLog({ disk, clock: jumpingClock() });
  const { runner } = runnerOn(log, { sources: sourcesOf({ topic: TOPICS.raw, format }) });
  await log.subscribe(TOPICS.raw, 'countersign.ingest', runner.listener(TOPICS.raw));
  await until('worked off', () => isDrained(disk));
  await runner.stop();
  assertSums(disk);
  return outcomeOf(disk);
}

describe('OTLP in a raw topic', () => {
  const spans = [span(1, 'a\nb\n{"c":1}\n'), { ...span(2), traceId: '' }, span(3)];
  const proto = toProto(request(spans));
  const json = JSON.stringify(request(spans));

  for (const [format, values] of [
    ['otlp_proto', [proto, proto.subarray(0, -2)]],
    ['otlp_json', [json, json.slice(0, -2)]],
    ['otlp', [proto, json.slice(0, -2)]],
    ['auto', [json, proto.subarray(0, -2)]],
  ] as const) {
    test(`${format}: every span counts, and its dead letter has its place`, async () => {
      const { events, dead, sums } = await workOff(format, values);
      assert.equal(events.length, 2);
      assert.deepEqual([sums['ingest.received'], sums['ingest.accepted'], sums['ingest.dead_lettered']], [4, 2, 2]);
      const places = dead.map(({ position }) => position);
      assert.deepEqual(places, ['agent.audit.raw/0/0#span 1', 'agent.audit.raw/0/1']);
      assert.equal(dead[0]?.reason, 'schema_mismatch');
    });
  }

  test('both encodings come to the same events', async () => {
    const [one, other] = [await workOff('otlp_proto', [proto]), await workOff('otlp_json', [json])];
    assert.deepEqual(one.events, other.events);
  });
});
