import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CanonicalEvent } from '../../schemas/event.ts';
import type { OpenStore } from '../../services/platform/clickhouse/client.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import type { StoredDeadLetter } from '../../services/platform/store.ts';
import { canonical, deadLetter, HOSTILE, NOON, outputs, scored } from './store-fixtures.ts';
import { fresh } from './store-suite.ts';

const DAY_MS = 86_400_000;

/** What API, CLI and doctor ask. */
export function readSuite(use: () => OpenStore): void {
  eventReads(use);
  identityReads(use);
  copyReads(use);
}

function fullEvent(tenant: string, text: string, i: number): CanonicalEvent {
  return CanonicalEvent.parse({
    ...canonical(tenant, `full-${i}`),
    origin: text,
    observed_time: NOON + 1,
    identity: { id: 'agent-1', kind: 'service', name: text, owner: text, peer_group: 'support', version: text },
    action: { operation: 'export', name: text },
    tool: { name: text, server: text, version: text },
    resources: [
      { id: text, store: text, kind: text, classification: 'restricted', tenant: text },
      { id: `${text}2` },
      { id: 'three', classification: 'pii' },
    ],
    volume: { bytes_in: 0, bytes_out: 2 ** 50, records: 2 ** 50, tokens_in: 0, tokens_out: 1 },
    outcome: { status: 'denied', code: text, reason: text },
    session: 's-1',
    on_behalf_of: text,
    credential: { id: text, kind: text },
    source: { ip: text, network: text, workload: text },
    purpose: text,
    model: text,
    trace: { trace_id: text, span_id: text, parent_span_id: text },
    unmapped: { [text]: [text, null, 1.5, { deep: true }] },
  });
}

function eventReads(use: () => OpenStore): void {
  test('gives back every field of an event, whatever stands in it', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const rows = [
      scored(canonical(tenant, 'bare')),
      ...HOSTILE.map((text, i) => scored(fullEvent(tenant, text, i), { offset: 2 ** 53 - 1, parts: [], bits: 0.1 })),
    ].map((row, i) => ({ ...row, event: { ...row.event, time: NOON + i } }));
    await store.writeOutputs(outputs({ events: rows }));
    const { items, next } = await store.listEvents({ tenant, identity: 'agent-1' }, { limit: 100 });
    assert.equal(next, undefined);
    assert.deepEqual(
      items.toReversed(),
      rows.map((row) => ({ ...row, bits: Math.fround(row.bits), parts: row.parts.map(Math.fround) })),
    );
  });

  test('tells an unknown size from none', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const volumes = [{}, { bytes_out: 0 }, { bytes_out: 0.5, records: 0 }];
    const rows = volumes.map((volume, i) => scored(canonical(tenant, `v-${i}`, { volume, time: NOON + i })));
    await store.writeOutputs(outputs({ events: rows }));
    const { items } = await store.listEvents({ tenant, identity: 'agent-1' }, { limit: 9 });
    assert.deepEqual(
      items.toReversed().map((row) => row.event.volume),
      volumes,
    );
    const days = (await store.readIdentity(tenant, 'agent-1'))?.days;
    assert.deepEqual(days, [{ day: '2026-06-15', events: 3, bytes_in: 0, bytes_out: 0.5, unknown_out: 1 }]);
  });

  test('repairs a lone surrogate instead of refusing its event', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const texts = ['a\ud800b', `\udc00${'x'.repeat(60)}`];
    const rows = texts.map((name, i) => scored(canonical(tenant, `s-${i}`, { tool: { name }, time: NOON + i })));
    await store.writeOutputs(outputs({ events: rows }));
    const { items } = await store.listEvents({ tenant, identity: 'agent-1' }, { limit: 9 });
    assert.deepEqual(
      items.toReversed().map((row) => row.event.tool?.name),
      texts.map((text) => text.toWellFormed()),
    );
  });

  test('keeps the flags of ingest and worker, as bits and as names', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    await store.writeOutputs(
      outputs({ events: [scored(canonical(tenant, 'f', { flags: ['escaped'] }), { flags: 0b10001 })] }),
    );
    const { items } = await store.listEvents({ tenant, identity: 'agent-1' }, { limit: 9 });
    assert.equal(items[0]?.flags, 0b10001);
    assert.deepEqual(items[0]?.event.flags, ['escaped', 'late']);
  });

  test('pages through events newest first, by session and time, without gap or repeat', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const rows = Array.from({ length: 23 }, (_, i) =>
      // Three events share each time, so pages end between equal times.
      scored(canonical(tenant, `p-${i}`, { time: NOON + Math.floor(i / 3), session: i % 2 === 0 ? 'even' : 'odd' })),
    );
    await store.writeOutputs(outputs({ events: rows }));
    const ids: string[] = [];
    for (let after: { time: number; key: string } | undefined, more = true; more; ) {
      const page = await store.listEvents({ tenant, identity: 'agent-1' }, { limit: 5, ...(after && { after }) });
      ids.push(...page.items.map((row) => row.event.id));
      after = page.next;
      more = after !== undefined;
    }
    assert.equal(ids.length, 23);
    assert.deepEqual(new Set(ids), new Set(rows.map((row) => row.event.id)));
    const part = { tenant, identity: 'agent-1', session: 'odd', from: NOON + 1, to: NOON + 3 };
    const { items } = await store.listEvents(part, { limit: 99 });
    assert.deepEqual(items.map((row) => row.event.id).toSorted(), ['p-3', 'p-5', 'p-7']);
    assert.deepEqual((await store.listEvents({ tenant, identity: 'nobody' }, { limit: 9 })).items, []);
  });
}

function identityReads(use: () => OpenStore): void {
  test('lists identities page by page with what they last said of themselves', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const ids = ["it's", 'agent-1', 'zulu', '漢字', 'agent-2'];
    const events = ids.flatMap((id, i) =>
      [1, 2].map((n) =>
        scored(
          canonical(tenant, `${id}-${n}`, {
            time: NOON + n,
            session: `s-${n}`,
            identity: { id, kind: 'agent', version: `v${n}`, ...(i === 0 ? { owner: 'ops', peer_group: 'g' } : {}) },
          }),
        ),
      ),
    );
    await store.writeOutputs(outputs({ events }));
    const first = await store.listIdentities(tenant, { limit: 3 });
    const second = await store.listIdentities(tenant, { limit: 3, after: first.next! });
    const all = [...first.items, ...second.items];
    assert.deepEqual(
      all.map((row) => row.identity),
      ['agent-1', 'agent-2', "it's", 'zulu', '漢字'],
    );
    assert.equal(second.next, undefined);
    assert.deepEqual(all[2], {
      identity: "it's",
      kind: 'agent',
      owner: 'ops',
      peer_group: 'g',
      version: 'v2',
      events: 2,
      sessions: 2,
      late: 0,
      unsized: 2,
      first_seen: NOON + 1,
      last_seen: NOON + 2,
    });
    assert.equal(all[0]?.owner, undefined);
  });

  test('sums up an identity: tools, stores, operations and bytes by day', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const crm = [{ id: 'a', store: 'crm' }, { id: 'b', store: 'crm' }, { id: 'c' }];
    const of = (i: number, more: Partial<CanonicalEvent>): CanonicalEvent =>
      canonical(tenant, `d-${i}`, { time: NOON + (i - 1) * DAY_MS, ...more });
    const events = [
      of(0, { tool: { name: 'mail' }, resources: crm, volume: { bytes_in: 5, bytes_out: 7 } }),
      of(1, { tool: { name: 'mail' }, action: { operation: 'export' } }),
      of(2, { tool: { name: 'search' }, volume: { bytes_out: 1 } }),
    ];
    const rows = events.map((event, offset) => scored(event, { offset }));
    await store.writeOutputs(outputs({ events: rows }));
    await store.writeOutputs(outputs({ events: rows }));
    const summary = await store.readIdentity(tenant, 'agent-1');
    assert.deepEqual(summary?.tools, [
      { name: 'mail', count: 2 },
      { name: 'search', count: 1 },
    ]);
    assert.deepEqual(summary.stores, [{ name: 'crm', count: 1 }]);
    assert.deepEqual(summary.operations, [
      { name: 'read', count: 2 },
      { name: 'export', count: 1 },
    ]);
    assert.equal(summary.events, 3);
    assert.equal(summary.sessions, 0);
    assert.deepEqual(summary.days, [
      { day: '2026-06-14', events: 1, bytes_in: 5, bytes_out: 7, unknown_out: 0 },
      { day: '2026-06-15', events: 1, bytes_in: 0, bytes_out: 0, unknown_out: 1 },
      { day: '2026-06-16', events: 1, bytes_in: 0, bytes_out: 1, unknown_out: 0 },
    ]);
    assert.equal(await store.readIdentity(tenant, HOSTILE[0]), undefined);
  });

  test('tells whose events turned out to be, once, on the pages of both identities', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const alias = {
      tenant,
      identity: 'unresolved:shop/till',
      resolved: HOSTILE[0],
      trace_id: 't-1',
      events: ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331b7ad6b7169203331'],
      count: 70,
    };
    const row = { alias, partition: 3, offset: 8, log_time: NOON };
    await store.writeOutputs(outputs({ aliases: [row] }));
    await store.writeOutputs(outputs({ aliases: [row] }));
    const again = { ...row, offset: 12 };
    const later = { ...again, alias: { ...alias, trace_id: 't-2', count: 1 }, log_time: NOON + DAY_MS };
    await store.writeOutputs(outputs({ aliases: [again, later] }));
    for (const identity of [alias.identity, alias.resolved]) {
      assert.deepEqual(await store.readAliases(tenant, identity, 10), [later, again]);
      assert.deepEqual(await store.readAliases(tenant, identity, 1), [later]);
    }
    assert.deepEqual(await store.readAliases(tenant, 'agent-1', 10), []);
  });
}

function copyReads(use: () => OpenStore): void {
  test('keeps dead letters with their bytes, pages through them and counts them by reason', async () => {
    const { store } = use();
    const before = (await store.totals()).dead_letters;
    const countOf = async (reason: string): Promise<number> =>
      (await store.countDeadLetters()).find((row) => row.name === reason)?.count ?? 0;
    const [deep, mapping] = [await countOf('too_deep'), await countOf('mapping_failed')];
    const rows: StoredDeadLetter[] = HOSTILE.map((text, i) => ({
      letter: deadLetter({
        reason: i % 2 === 0 ? 'too_deep' : 'mapping_failed',
        message: text,
        origin: text,
        position: text,
        bytes: Buffer.from(text).toString('base64'),
        time: NOON + Math.floor(i / 4),
        ...(i % 3 === 0 ? { field: text } : {}),
      }),
      topic: TOPICS.dead,
      partition: i % 2,
      offset: i,
    }));
    await store.writeDeadLetters(rows);
    await store.writeDeadLetters(rows.slice(2));
    const unreadable = { letter: deadLetter({ reason: 'too_deep', time: NOON - 1 }), partition: 0, offset: 0 };
    await store.writeOutputs(outputs({ poison: [unreadable] }));
    const read: StoredDeadLetter[] = [];
    for (const reason of ['too_deep', 'mapping_failed'] as const) {
      for (let page = await store.listDeadLetters({ limit: 4, reason }); ; ) {
        read.push(...page.items);
        if (page.next === undefined) break;
        page = await store.listDeadLetters({ limit: 4, reason, after: page.next });
      }
    }
    const sorted = (list: readonly StoredDeadLetter[]): StoredDeadLetter[] =>
      list.toSorted((a, b) => a.topic.localeCompare(b.topic) || a.offset - b.offset);
    assert.deepEqual(sorted(read), sorted([...rows, { ...unreadable, topic: TOPICS.events }]));
    assert.equal((await store.totals()).dead_letters - before, rows.length + 1);
    assert.equal((await countOf('too_deep')) - deep, 10);
    assert.equal((await countOf('mapping_failed')) - mapping, 8);
  });

  test('copies the control log in its order', async () => {
    const { store } = use();
    const copies = HOSTILE.map((text, i) => ({
      sequence: i + 1,
      kind: i % 2 === 0 ? 'vote' : 'proposal',
      json: JSON.stringify({ text }),
    }));
    await store.writeControlCopies(copies.toReversed());
    await store.writeControlCopies(copies.slice(3));
    const first = await store.listControlCopies({ limit: 10 });
    const second = await store.listControlCopies({ limit: 10, after: first.next! });
    assert.deepEqual([...first.items, ...second.items], copies);
    assert.equal(second.next, undefined);
    const votes = await store.listControlCopies({ limit: 99, kind: 'vote' });
    assert.equal(votes.items.length, 9);
  });

  test('tells what each table takes on disk', async () => {
    const { store } = use();
    await store.writeOutputs(outputs({ events: [scored(canonical(fresh('tenant'), 'one'))] }));
    const events = (await store.sizes()).find((size) => size.table === 'events');
    assert.ok(events !== undefined && events.rows > 0 && events.bytes_per_row > 0);
    assert.equal(events.bytes_per_row, events.bytes / events.rows);
  });
}
