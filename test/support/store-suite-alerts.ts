import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Alert } from '../../schemas/alert.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import type { OpenStore } from '../../services/platform/clickhouse/client.ts';
import type { AlertCursor, AlertFilter } from '../../services/platform/store.ts';
import { alert, canonical, finding, findingRow, HOSTILE, keyOf, NOON, outputs, scored } from './store-fixtures.ts';
import { fresh } from './store-suite.ts';

async function allAlerts(
  { store }: OpenStore,
  filter: AlertFilter,
  order: 'newest_first' | 'oldest_first' = 'newest_first',
): Promise<Alert[]> {
  const found: Alert[] = [];
  let after: AlertCursor | undefined;
  do {
    const page = await store.listAlerts(filter, { limit: 2, order, ...(after === undefined ? {} : { after }) });
    found.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return found;
}

/** Alerts as the queue, the alert page and the SIEM pull ask for them. */
export function alertSuite(use: () => OpenStore): void {
  const write = (alerts: readonly Alert[]): Promise<void> =>
    use().store.writeOutputs(outputs({ alerts: alerts.map((one, i) => ({ alert: one, partition: 0, offset: i })) }));

  test('gives back alerts and findings exactly', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const uid = fresh('uid');
    const subjects = HOSTILE.map((text) => ({ kind: 'tool', value: text }));
    const findings = subjects.map((subject, i) => finding(tenant, `f-${i}`, { subject, time: NOON + i }));
    const one = alert(tenant, uid, { findings, title: HOSTILE.join(' '), bits: 1 / 3 });
    await store.writeOutputs(
      outputs({
        alerts: [{ alert: one, partition: 7, offset: 8 }],
        findings: [
          ...findings.map((f, i) => findingRow(tenant, '', { finding: f, alert_uid: uid, offset: i })),
          findingRow(tenant, 'of nobody'),
          findingRow(tenant, 'of another', { alert_uid: fresh('uid') }),
        ],
      }),
    );
    assert.deepEqual(await store.readAlert(tenant, uid), one);
    const read = await store.readAlertFindings(one, 100);
    assert.deepEqual(
      read.map((row) => row.finding),
      findings,
    );
    assert.equal((await store.readAlertFindings(one, 3)).length, 3);
  });

  test('reads the latest revision, or the one asked for, of its own tenant', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const uid = fresh("uid'");
    const revisions = [1, 2, 3].map((revision) => alert(tenant, uid, { revision, title: `revision ${revision}` }));
    await write(revisions.toReversed());
    await write(revisions.slice(0, 2));
    assert.equal((await store.readAlert(tenant, uid))?.revision, 3);
    assert.equal((await store.readAlert(tenant, uid, 2))?.title, 'revision 2');
    assert.equal(await store.readAlert(tenant, uid, 4), undefined);
    assert.equal(await store.readAlert(fresh('tenant'), uid), undefined);
  });

  test('filters alerts by their latest state only', async () => {
    const tenant = fresh('tenant');
    const [open, closed, other] = [fresh('uid'), fresh('uid'), fresh('uid')];
    await write([
      alert(tenant, open, { severity: 'low', updated: NOON + 1 }),
      alert(tenant, open, { severity: 'critical', revision: 2, updated: NOON + 10 }),
      alert(tenant, closed, { severity: 'critical', updated: NOON + 2 }),
      alert(tenant, closed, { severity: 'critical', revision: 2, status: 'closed', updated: NOON + 20 }),
      alert(tenant, other, { severity: 'medium', updated: NOON + 5, identity: { id: 'agent-2', kind: 'human' } }),
    ]);
    const uids = async (filter: Omit<AlertFilter, 'tenant'>): Promise<string[]> =>
      (await allAlerts(use(), { tenant, ...filter })).map((one) => one.uid);
    assert.deepEqual(await uids({}), [closed, open, other]);
    assert.deepEqual(await uids({ status: 'open' }), [open, other]);
    assert.deepEqual(await uids({ severities: ['low'] }), []);
    assert.deepEqual(await uids({ severities: ['medium', 'critical'], status: 'open' }), [open, other]);
    assert.deepEqual(await uids({ severities: [] }), []);
    assert.deepEqual(await uids({ identity: 'agent-2' }), [other]);
    assert.deepEqual(await uids({ since: NOON + 10 }), [closed, open]);
    assert.deepEqual(await uids({ since: NOON + 6, until: NOON + 10 }), [open]);
    assert.deepEqual(await uids({ identity: HOSTILE[0] }), []);
  });

  test('pages through alerts that share a time, in both orders, and finds an updated one again', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const uids = Array.from({ length: 7 }, (_, i) => `${tenant}-${i}`);
    await write(uids.map((uid, i) => alert(tenant, uid, { updated: NOON + Math.floor(i / 3) })));
    const forward = (await allAlerts(use(), { tenant }, 'oldest_first')).map((one) => one.uid);
    assert.deepEqual(forward, uids);
    assert.deepEqual(
      (await allAlerts(use(), { tenant })).map((one) => one.uid),
      uids.toReversed(),
    );
    const page = await store.listAlerts({ tenant }, { limit: 3, order: 'oldest_first' });
    await write([alert(tenant, uids[0]!, { revision: 2, updated: NOON + 9 })]);
    const rest = await store.listAlerts({ tenant }, { limit: 9, order: 'oldest_first', after: page.next! });
    assert.deepEqual(
      rest.items.map((one) => [one.uid, one.revision]),
      [...uids.slice(3).map((uid) => [uid, 1]), [uids[0], 2]],
    );
  });

  test('shows the events an alert names, and what its sessions did around them', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const at = (minute: number, session: string): CanonicalEvent =>
      canonical(tenant, `${session}@${minute}`, { time: NOON + minute * 60_000, session });
    const events = [
      at(-40, 's-1'),
      at(-2, 's-1'),
      at(0, 's-1'),
      at(1, 's-2'),
      at(2, 's-1'),
      at(3, 's-1'),
      at(9, 's-1'),
    ];
    await store.writeOutputs(outputs({ events: events.map((event, offset) => scored(event, { offset })) }));
    await store.writeOutputs(outputs({ events: events.map((event, offset) => scored(event, { offset })) }));
    const named = [events[2]!, events[4]!];
    const evidence = [
      ...named.map(({ key, id, time }) => ({ key, id, time })),
      { key: keyOf('gone'), id: 'g', time: NOON },
    ];
    const one = alert(tenant, fresh('uid'), { evidence, last_time: NOON + 2 * 60_000 });
    const read = await store.readAlertEvidence(one, { context_max: 2 });
    assert.deepEqual(
      read.evidence.map((row) => row.event),
      named,
    );
    assert.deepEqual(
      read.context.map((row) => row.event.id),
      ['s-1@-2', 's-1@3'],
    );
    const without = await store.readAlertEvidence({ ...one, evidence: [] }, { context_max: 0 });
    assert.deepEqual(without, { evidence: [], context: [] });
  });

  test('of a story over several identities, shows the events of each of them', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const of = (id: string, minute: number): CanonicalEvent =>
      canonical(tenant, `${id}@${minute}`, { time: NOON + minute * 60_000, identity: { id, kind: 'agent' } });
    const events = [of('one', 0), of('two', 1), of('three', 2), of('stranger', 1)];
    await store.writeOutputs(outputs({ events: events.map((event, offset) => scored(event, { offset })) }));
    const named = events.slice(0, 3);
    const identities = named.map((event) => {
      const evidence = [{ key: event.key, id: event.id, time: event.time }];
      const member = {
        identity: event.identity,
        first_time: event.time,
        last_time: event.time,
        bits: 9,
        did: ['It read.'],
      };
      return { ...member, sessions: [], alert_uids: [], evidence };
    });
    const evidence = identities.flatMap((member) => member.evidence);
    const story = alert(tenant, fresh('uid'), { identity: { id: 'one', kind: 'agent' }, identities, evidence });
    await store.writeOutputs(outputs({ alerts: [{ alert: story, partition: 0, offset: 1 }] }));
    assert.deepEqual(await store.readAlert(tenant, story.uid), story);
    const read = await store.readAlertEvidence(story, { context_max: 0 });
    assert.deepEqual(
      read.evidence.map((row) => row.event.id),
      named.map(({ id }) => id),
    );
  });
}
