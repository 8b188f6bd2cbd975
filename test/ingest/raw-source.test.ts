import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { type RawSource, readySources } from '../../services/ingest/raw-source.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { FLAT_MAPPING, mappingOf } from './support.ts';

const flat = mappingOf(FLAT_MAPPING);
const other = mappingOf(FLAT_MAPPING.replace('name: flat', 'name: other'));

test('a source is made ready with what it left out', () => {
  const ready = readySources(
    [
      { topic: TOPICS.raw, format: 'auto' },
      { topic: 'source:gateway', format: 'mapped', mapping: 'flat', origin: 'gw', tenant: 'acme', recorded: true },
    ],
    [other, flat],
  );
  assert.ok(ready.ok);
  const [raw, gateway] = ready.sources;
  assert.deepEqual(
    [raw?.origin, raw?.tenant, raw?.recorded, raw?.formats.map(({ name }) => name)],
    [TOPICS.raw, 'default', false, normalisersOf('auto', [other, flat]).map(({ name }) => name)],
  );
  assert.deepEqual(
    [gateway?.origin, gateway?.tenant, gateway?.recorded, gateway?.formats],
    ['gw', 'acme', true, [flat]],
  );
  const [named] = [readySources([{ topic: 'source:gateway', format: 'canonical' }], [])];
  assert.equal(named.ok && named.sources[0]?.origin, 'gateway');
});

test('what contradicts itself is refused, all at once, with its place', () => {
  const wrong: RawSource[] = [
    { topic: TOPICS.events, format: 'auto' },
    { topic: 'source:agent.alerts', format: 'auto' },
    { topic: 'source:a', format: 'auto', mapping: 'none' },
    { topic: 'source:a', format: 'auto' },
    { topic: 'source:b', format: 'canonical', mapping: 'flat' },
    { topic: TOPICS.raw, format: 'mapped', mapping: 'flat' },
  ];
  const checked = readySources(wrong, [flat]);
  assert.ok(!checked.ok);
  assert.deepEqual(
    checked.problems.map(({ field }) => field.join('.')),
    ['0.topic', '1.topic', '2.mapping', '3.topic', '4.mapping'],
  );
  const unmapped = readySources([{ topic: TOPICS.raw, format: 'mapped' }], []);
  assert.ok(!unmapped.ok && unmapped.problems[0]?.field[1] === 'format');
});
