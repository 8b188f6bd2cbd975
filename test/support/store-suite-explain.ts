import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Alert } from '../../schemas/alert.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import type { OpenStore } from '../../services/platform/clickhouse/client.ts';
import { alert, canonical, finding, HOSTILE, NOON, outputs, scored } from './store-fixtures.ts';
import { fresh } from './store-suite.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** A call named by what it is: `read/crm` is the tool read on the store crm. */
function calls(
  tenant: string,
  session: string,
  from: number,
  what: readonly string[],
  more: Partial<CanonicalEvent> = {},
): CanonicalEvent[] {
  return what.map((one, i) => {
    const [tool = '', store] = one.split('/');
    return canonical(tenant, `${session}#${i}`, {
      session,
      time: from + i * MINUTE_MS,
      tool: { name: tool },
      resources: store === undefined ? [] : [{ id: `${store}-1`, store }],
      volume: { bytes_out: 100 },
      ...more,
    });
  });
}

function alertOn(tenant: string, event: CanonicalEvent, more: Partial<Alert> = {}): Alert {
  const at = { key: event.key, id: event.id, time: event.time };
  const session = event.session ?? '';
  return alert(tenant, fresh('uid'), {
    identity: { id: event.identity.id, kind: 'agent', peer_group: 'support' },
    sessions: session === '' ? [] : [session],
    first_time: event.time,
    last_time: event.time,
    findings: [finding(tenant, 'f', { evidence: [at], ...(session === '' ? {} : { session }) })],
    ...more,
  });
}

/** What the page of an alert compares it with. */
export function explainSuite(use: () => OpenStore): void {
  const write = async (events: readonly CanonicalEvent[]): Promise<void> => {
    const rows = outputs({ events: events.map((event, offset) => scored(event, { offset })) });
    await use().store.writeOutputs(rows);
    await use().store.writeOutputs(rows);
  };

  test('tells what the identity usually does where the strongest event of an alert stands', async () => {
    const tenant = fresh('tenant');
    const past = [1, 2, 3, 4].flatMap((day) =>
      calls(tenant, `s-${day}`, NOON - day * DAY_MS, ['search', 'read/crm', day === 4 ? 'mail/outbox' : 'note/crm']),
    );
    const alerted = calls(tenant, 'odd', NOON, ['search', 'read/crm', 'mail/web', 'mail/web']);
    const later = calls(tenant, 'later', NOON + DAY_MS, ['search', 'read/crm', 'mail/outbox']);
    const others = calls(tenant, 'other', NOON - DAY_MS, ['read/crm', 'mail/x'], {
      identity: { id: 'agent-2', kind: 'agent' },
    });
    await write([...past, ...alerted, ...later, ...others]);
    const habit = await use().store.readAlertHabit(alertOn(tenant, alerted[2]!));
    assert.ok(habit !== undefined);
    assert.deepEqual(habit.history, {
      from: NOON - 4 * DAY_MS,
      to: NOON - DAY_MS + 2 * MINUTE_MS,
      events: 12,
      sessions: 4,
      same_tool: 1,
    });
    assert.deepEqual([habit.tool, habit.previous], ['mail', 'read']);
    assert.deepEqual(habit.following, {
      places: 4,
      same: 1,
      tools: [
        { name: 'note', count: 3 },
        { name: 'mail', count: 1 },
      ],
    });
    assert.deepEqual(habit.resources, {
      distinct: 1,
      most_used: [{ store: 'outbox', id: 'outbox-1', count: 1 }],
    });
    assert.deepEqual(
      habit.volumes.filter(({ measure }) => measure !== 'records'),
      (['hour', 'day', 'session'] as const).flatMap((span) => [
        { span, measure: 'bytes_out', observed: 400, median: 300, high: 300, known: 4 },
        { span, measure: 'calls', observed: 4, median: 3, high: 3, known: 4 },
      ]),
    );
    assert.ok(
      habit.volumes.every(({ measure }) => measure !== 'records'),
      'no records were ever counted',
    );
  });

  test('says so where there is no past, no session or no event', async () => {
    const tenant = fresh('tenant');
    const [first, ...rest] = calls(tenant, 'only', NOON, ['read/crm', 'mail/web']);
    const alone = { ...canonical(tenant, 'alone', { tool: { name: 'read' }, time: NOON + 9 * MINUTE_MS }) };
    await write([first!, ...rest, alone]);
    const habit = await use().store.readAlertHabit(alertOn(tenant, first!));
    assert.deepEqual(habit?.history, { from: 0, to: 0, events: 0, sessions: 0, same_tool: 0 });
    assert.equal(habit?.previous, undefined);
    assert.deepEqual([habit?.following.places, habit?.volumes], [0, []]);
    assert.equal(await use().store.readNearestSession(alertOn(tenant, first!)), undefined);
    assert.equal((await use().store.readAlertHabit(alertOn(tenant, alone)))?.tool, 'read');
    assert.equal(await use().store.readNearestSession(alertOn(tenant, alone)), undefined);
    assert.equal(await use().store.readAlertHabit(alertOn(tenant, canonical(tenant, 'expired'))), undefined);
  });

  test('finds the past session that is most like the alerted one, and what is different', async () => {
    const tenant = fresh('tenant');
    const alerted = calls(tenant, 'odd', NOON, ['search', 'read/crm', 'read/crm', 'mail/web']);
    await write([
      ...calls(tenant, 'far', NOON - DAY_MS, ['read/crm', 'build', 'build', 'build']),
      ...calls(tenant, 'near', NOON - 3 * DAY_MS, ['search', 'read/crm', 'read/crm', 'note/crm', 'note/crm']),
      ...calls(tenant, 'same but after', NOON + DAY_MS, ['search', 'read/crm', 'read/crm', 'mail/web']),
      ...calls(tenant, 'also alerted', NOON - 2 * DAY_MS, ['search', 'read/crm', 'read/crm', 'mail/web']),
      ...alerted,
    ]);
    const one = alertOn(tenant, alerted[3]!, { sessions: ['also alerted', 'odd'] });
    assert.deepEqual(await use().store.readNearestSession(one), {
      whose: 'identity',
      identity: 'agent-1',
      session: 'near',
      first_time: NOON - 3 * DAY_MS,
      last_time: NOON - 3 * DAY_MS + 4 * MINUTE_MS,
      steps: 5,
      alerted_steps: 4,
      same: 3,
      similarity: 0.5,
      only_alerted: [{ tool: 'mail', store: 'web', resource: 'web-1', count: 1 }],
      only_past: [{ tool: 'note', store: 'crm', resource: 'crm-1', count: 2 }],
    });
  });

  test('leaves out what the identity could not have learned from', async () => {
    const tenant = fresh('tenant');
    const alike = ['search', 'mail/web'];
    const alerted = calls(tenant, 'odd', NOON, alike);
    await write([
      ...calls(tenant, 'judged harmless', NOON - 4 * DAY_MS, ['search', 'note/crm']),
      ...calls(tenant, 'alerted before', NOON - 3 * DAY_MS, alike),
      ...calls(tenant, 'beside it', NOON - 20 * MINUTE_MS, alike),
      ...alerted,
    ]);
    const before = (sessions: string[], more: Partial<Alert>): Alert =>
      alertOn(tenant, alerted[0]!, { uid: fresh('uid'), sessions, ...more });
    const harmless = before(['judged harmless'], { first_time: 0 });
    const judged = { revision: 2, status: 'closed', closed_reason: 'expected_change' } as const;
    const alerts = [before(['alerted before'], { first_time: 1 }), harmless, { ...harmless, ...judged }];
    await use().store.writeOutputs(
      outputs({ alerts: alerts.map((one, offset) => ({ alert: one, partition: 0, offset })) }),
    );
    const one = alertOn(tenant, alerted[1]!);
    assert.equal((await use().store.readNearestSession(one))?.session, 'judged harmless');
    const habit = await use().store.readAlertHabit(one);
    assert.deepEqual([habit?.history.events, habit?.history.same_tool], [2, 0]);
  });

  test('looks among peers where the identity has no past', async () => {
    const tenant = fresh('tenant');
    const peer = { id: 'agent-2', kind: 'agent', peer_group: 'support' } as const;
    const stranger = { id: 'agent-3', kind: 'agent', peer_group: 'sales' } as const;
    const alerted = calls(tenant, 'odd', NOON, ['search', 'mail/web']);
    await write([
      ...calls(tenant, 'p', NOON - DAY_MS, ['search', 'read/crm'], { identity: peer }),
      ...calls(tenant, 'q', NOON - DAY_MS, ['search', 'mail/web'], { identity: stranger }),
      ...alerted,
    ]);
    const found = await use().store.readNearestSession(alertOn(tenant, alerted[1]!));
    assert.deepEqual([found?.whose, found?.identity, found?.session, found?.same], ['peer_group', 'agent-2', 'p', 1]);
  });

  test('takes hostile names as names', async () => {
    const tenant = fresh('tenant');
    const named = HOSTILE.filter((text) => !text.includes('/'));
    const past = calls(
      tenant,
      'past',
      NOON - DAY_MS,
      named.map((text) => `${text}/${text}`),
    );
    const alerted = calls(
      tenant,
      `odd${HOSTILE[0]}`,
      NOON,
      named.map((text) => `${text}/${text}`),
    );
    await write([...past, ...alerted]);
    const one = alertOn(tenant, alerted.at(-1)!, { sessions: [...HOSTILE, `odd${HOSTILE[0]}`] });
    const nearest = await use().store.readNearestSession(one);
    assert.deepEqual([nearest?.session, nearest?.similarity, nearest?.only_alerted], ['past', 1, []]);
    const habit = await use().store.readAlertHabit(one);
    assert.deepEqual(habit?.following, { places: 1, same: 1, tools: [{ name: named.at(-1), count: 1 }] });
    assert.equal(habit?.previous, named.at(-2));
  });
}
