import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  CanonicalEvent,
  EVENT_FLAGS,
  IDENTITY_KINDS,
  OPERATIONS,
  OUTCOMES,
  type Resource,
} from '../../schemas/event.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { openStore } from '../../services/platform/clickhouse/client.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { HOSTILE, keyOf, outputs, scored } from '../support/store-fixtures.ts';

const text = fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), fc.constantFrom(...HOSTILE));
const name = fc.stringMatching(/^[a-z0-9:/@ ._-]{1,40}$/);
const size = fc.nat(LIMITS.volume_max);
const time = fc.integer({ min: LIMITS.time_ms_min, max: LIMITS.time_ms_max });
/** Any subset of the fields, and undefined where it is empty: such an object says nothing. */
const some = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T> | undefined> =>
  fc
    .record(fields, { requiredKeys: [] })
    .map((value) => (Object.keys(value).length === 0 ? undefined : (value as Partial<T>)));

const resource: fc.Arbitrary<Resource> = fc.record(
  { id: text, store: text, kind: text, classification: name, tenant: text },
  { requiredKeys: ['id'] },
) as fc.Arbitrary<Resource>;

const event = fc.record(
  {
    id: name,
    origin: text,
    time,
    observed_time: time,
    identity: fc.record(
      { kind: fc.constantFrom(...IDENTITY_KINDS), name: text, owner: text, peer_group: name, version: text },
      { requiredKeys: ['kind'] },
    ),
    action: fc.record({ operation: fc.constantFrom(...OPERATIONS), name: text }, { requiredKeys: ['operation'] }),
    tool: fc.record({ name: text, server: text, version: text }, { requiredKeys: ['name'] }),
    resources: fc.array(resource, { maxLength: LIMITS.resources_per_event_max }),
    volume: fc.record(
      { bytes_in: size, bytes_out: size, records: size, tokens_in: size, tokens_out: size },
      { requiredKeys: [] },
    ),
    outcome: fc.record(
      { status: fc.constantFrom(...OUTCOMES), code: text, reason: text },
      { requiredKeys: ['status'] },
    ),
    session: name,
    on_behalf_of: text,
    credential: fc.record({ id: text, kind: text }, { requiredKeys: ['id'] }),
    source: some({ ip: text, network: text, workload: text }),
    purpose: text,
    model: text,
    trace: some({ trace_id: text, span_id: text, parent_span_id: text }),
    unmapped: fc.dictionary(name, fc.jsonValue(), { maxKeys: 4 }),
  },
  { requiredKeys: ['id', 'origin', 'time', 'identity', 'action', 'resources', 'volume', 'outcome'] },
);

const row = fc.record({
  event,
  offset: fc.maxSafeNat(),
  partition: fc.nat(0xffff),
  bits: fc.float({ min: 0, max: 1_000, noNaN: true }),
  parts: fc.array(fc.float({ min: 0, max: 1_000, noNaN: true }), { maxLength: 12 }),
  flags: fc.nat(2 ** EVENT_FLAGS.length - 1),
});

/** `-0` and undefined fields do not survive JSON, in the store as anywhere else in the system. */
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

test('any canonical event comes back as it was written', async (t) => {
  const path = await mkdtemp(join(tmpdir(), 'countersign-events-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  const { store } = await openStore({ kind: 'embedded', path }, { telemetry: silentTelemetry() });
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 40 }), async (values) => {
      const tenant = `tenant-${round++}`;
      const rows = values.map((value, i) => {
        const flags = EVENT_FLAGS.filter((_, bit) => (value.flags & (1 << bit)) !== 0);
        const plain = asJson({
          ...value.event,
          key: keyOf(`${tenant}/${i}`),
          tenant,
          identity: { ...value.event.identity, id: 'agent-1' },
          ...(flags.length === 0 ? {} : { flags }),
        });
        const canonical = CanonicalEvent.parse(plain);
        return scored(canonical, { ...value, event: canonical });
      });
      const pack = store.packEvent ?? assert.fail('ClickHouse packs its rows');
      await store.writeOutputs(outputs({ events: rows.map((row, i) => (i % 2 === 0 ? row : pack(row))) }));
      const { items } = await store.listEvents({ tenant, identity: 'agent-1' }, { limit: 100 });
      const byKey = (list: typeof rows): unknown =>
        asJson(list.toSorted((a, b) => (a.event.key < b.event.key ? -1 : 1)));
      assert.deepEqual(byKey([...items]), byKey(rows));
    }),
    { numRuns: 40 },
  );
  await store.close();
});
