import assert from 'node:assert/strict';
import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import { isUnresolved } from '../../schemas/span.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { replayRecords } from '../../services/ingest/replay.ts';
import { settleRule } from '../../services/ingest/settle/rule.ts';
import { openRecording } from '../../services/ingest/source.ts';
import { context, HOUR_MS, MINUTE_MS } from './support.ts';

/**
 * 103,255 recorded requests, of which a third of the tool spans resolve only through their parents, beside the same events
 * as their source knew them.
 */
const beside = (name: string): string =>
  fileURLToPath(new URL(`../../../shared/data/agent-traces/${name}`, import.meta.url));
const SPANS = beside('dev.otlp.ndjson.gz');
const EVENTS = beside('dev.events.ndjson.gz');
const skip = existsSync(SPANS) && existsSync(EVENTS) ? false : 'the recorded stream is not beside the checkout';

type Replayed = {
  readonly kinds: Record<string, number>;
  /** Identity by time, tool and session. */
  readonly whose: Map<string, string>;
  readonly keys: Set<string>;
  aliased: number;
};

async function replay(bound_ms: number): Promise<Replayed> {
  const replayed: Replayed = { kinds: {}, whose: new Map(), keys: new Set(), aliased: 0 };
  const steps = replayRecords(
    [await openRecording(SPANS)],
    context({ formats: normalisersOf('otlp_json', []) }),
    settleRule(bound_ms),
  );
  for await (const step of steps) {
    if (step.kind === 'alias') replayed.aliased += step.alias.count;
    if (step.kind !== 'records') continue;
    for (const one of step.decided) {
      replayed.kinds[one.kind] = (replayed.kinds[one.kind] ?? 0) + 1;
      if (one.kind !== 'accepted') continue;
      const { time, tool, session, identity, key } = one.event;
      replayed.whose.set(`${time} ${tool?.name} ${session}`, identity.id);
      replayed.keys.add(key);
    }
  }
  return replayed;
}

async function truth(): Promise<Map<string, string>> {
  const known = new Map<string, string>();
  for await (const line of createInterface({ input: createReadStream(EVENTS).pipe(createGunzip()) })) {
    const { ts, tool, session, identity } = JSON.parse(line) as Record<string, string>;
    known.set(`${Date.parse(ts ?? '')} ${tool} ${session}`, identity ?? '');
  }
  return known;
}

test('every span of the recorded stream is of whom its source knew, or cut by the bound and claimed later', {
  skip,
}, async () => {
  const known = await truth();
  const byDefault = await replay(10 * MINUTE_MS);
  assert.deepEqual(byDefault.kinds, { accepted: 82_213, absorbed: 21_042 });
  const unresolved = [...byDefault.whose].filter(([, id]) => isUnresolved(id));
  const wrong = [...byDefault.whose].filter(([place, id]) => !isUnresolved(id) && known.get(place) !== id);
  assert.deepEqual(wrong, []);
  // One trace, whose root comes later than the bound.
  assert.equal(unresolved.length, 4);
  assert.equal(byDefault.aliased, 4);
  assert.equal(new Set([...byDefault.whose.values()].filter((id) => !isUnresolved(id))).size, 80);

  const patient = await replay(HOUR_MS);
  assert.deepEqual(patient.kinds, byDefault.kinds);
  assert.ok([...patient.whose].every(([place, id]) => known.get(place) === id));
  const changed = [...patient.keys].filter((key) => !byDefault.keys.has(key));
  assert.equal(changed.length, 4, 'whoever did not wait has the same key');
});
