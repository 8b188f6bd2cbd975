import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EventInput } from '../../schemas/event.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { GROUPS } from '../../services/simulate/catalogue/groups/index.ts';
import { toolsOfGroup } from '../../services/simulate/fleet/agents.ts';
import { simulateFleet } from '../../services/simulate/simulate.ts';
import { DAY_MS, digest, distinct, HOUR_MS, request, run, runWithAllStories, START_MS } from './support.ts';

/** Pins the bytes: a machine, engine or change that draws differently shows here. Renew it only on purpose. */
const PINNED = '93e22a0c1eea67a32b8a8448acecf08277c429ed15302696be1290e8ca2bbe4d';

describe('simulated fleet', () => {
  it('gives the same bytes for the same arguments, however it is consumed', () => {
    const asked = request({ identities: 30, days: 8, stories: ['volume_burst', 'month_end_peak', 'resource_sweep'] });
    const whole = digest([...simulateFleet(asked)]);
    const stepwise = simulateFleet(asked);
    const items: unknown[] = [];
    for (let size = 1; ; size = (size % 97) + 1) {
      let done = false;
      for (let left = size; left > 0 && !done; left--) {
        const next = stepwise.next();
        if (next.done === true) done = true;
        else items.push(next.value);
      }
      if (done) break;
    }
    assert.equal(digest(items), whole);
    assert.notEqual(digest([...simulateFleet({ ...asked, seed: 3 })]), whole);
  });

  it('gives the bytes that every machine gives', () => {
    assert.equal(digest(simulateFleet(request({ stories: ['volume_burst:0.4'] }))), PINNED);
  });

  it('ignores the order in which stories are named', () => {
    const names = ['retry_storm', 'volume_burst', 'stolen_credential'];
    const asked = request({ identities: 30, stories: names });
    assert.equal(digest(simulateFleet(asked)), digest(simulateFleet({ ...asked, stories: names.toReversed() })));
  });

  it('yields events in time order, inside the run, then labels', () => {
    let last = START_MS;
    let labels = 0;
    for (const item of simulateFleet(request({ identities: 40, days: 10, stories: ['gone_silent', 'retry_storm'] }))) {
      if (item.kind === 'label') {
        labels += 1;
        continue;
      }
      assert.equal(labels, 0, 'a label before an event');
      assert.equal(item.time_ms, item.event.time);
      assert.ok(item.time_ms >= last && item.time_ms < START_MS + 10 * DAY_MS, `time ${item.time_ms} after ${last}`);
      last = item.time_ms;
    }
    assert.equal(labels, 2);
  });

  it('writes only valid events with unique ids, within the lengths that ingest keeps', () => {
    const { events } = runWithAllStories(1);
    const ids = new Set<string>();
    for (const event of events) {
      const parsed = EventInput.safeParse(event);
      assert.ok(parsed.success, JSON.stringify(parsed.error?.issues));
      ids.add(event.id);
      assert.ok((event.resource?.id.length ?? 0) <= LIMITS.resource_id_chars_max);
    }
    assert.equal(ids.size, events.length);
    assert.ok(events.length > 50_000);
  });

  it('keeps the events of agents that no story touches, ids included', () => {
    const asked = request({ identities: 30, days: 8 });
    const quiet = run(asked);
    const eventful = run({ ...asked, stories: ['volume_burst', 'gone_silent', 'retry_storm', 'new_project'] });
    const touched = new Set(eventful.labels.flatMap((label) => [label.identity, ...(label.identities ?? [])]));
    const untouched = (played: typeof quiet) => played.events.filter((event) => !touched.has(event.identity.id));
    assert.ok(touched.size >= 4 && untouched(quiet).length > 500);
    assert.equal(digest(untouched(eventful)), digest(untouched(quiet)));
  });

  it('has the same agents in a smaller and in a larger fleet', () => {
    const identitiesOf = (identities: number): Set<string> =>
      distinct(run(request({ identities, days: 14 })).events.map((event) => JSON.stringify(event.identity)));
    const [small, large] = [identitiesOf(10), identitiesOf(30)];
    assert.deepEqual(
      [...small].filter((identity) => !large.has(identity)),
      [],
    );
  });

  it('grows with days and identities', () => {
    const count = (identities: number, days: number): number => run(request({ identities, days })).events.length;
    const [base, longer, wider] = [count(40, 7), count(40, 21), count(120, 7)];
    assert.ok(longer > 2.5 * base && longer < 3.5 * base, `${base} events a week, ${longer} in three`);
    assert.ok(wider > 2 * base && wider < 4 * base, `${base} events of 40 agents, ${wider} of 120`);
    assert.ok(count(1, 1) >= 0);
  });

  it('has all groups, busy and sparse agents, and errors and denials at low rates', () => {
    const { events } = run(request({ identities: 80, days: 21 }));
    assert.equal(distinct(events.map((event) => event.identity.peer_group)).size, GROUPS.length);
    const perDay = [...Map.groupBy(events, (event) => event.identity.id).values()].map((own) => own.length / 21);
    assert.ok(
      Math.max(...perDay) > 120 && Math.min(...perDay) < 6,
      `${Math.min(...perDay)} to ${Math.max(...perDay)} a day`,
    );
    const share = (status: string): number =>
      events.filter((event) => event.outcome?.status === status).length / events.length;
    assert.ok(share('error') > 0.005 && share('error') < 0.05, `${share('error')} errors`);
    assert.ok(share('denied') > 0.0005 && share('denied') < 0.01, `${share('denied')} denials`);
  });

  it('rests at night and at weekends where people work, in their own time zones', () => {
    const { events } = run(request({ identities: 80, days: 21 }));
    const office = events.filter((event) => event.identity.id.startsWith('invoice-matcher'));
    for (const own of Map.groupBy(office, (event) => event.identity.id).values()) {
      const weekend = own.filter((event) => [0, 6].includes(new Date(event.time).getUTCDay())).length / own.length;
      assert.ok(weekend < 0.15, `${own[0]?.identity.id}: ${weekend} at weekends`);
      const byHour = Map.groupBy(own, (event) => Math.floor(event.time / HOUR_MS) % 24);
      const busiest = [...byHour.values()].map((list) => list.length).sort((a, b) => b - a);
      const ten = busiest.slice(0, 11).reduce((sum, n) => sum + n, 0) / own.length;
      assert.ok(ten > 0.95, `${own[0]?.identity.id}: ${ten} in its eleven busiest hours`);
    }
  });

  it('meets new resources every day, and fewer of them as time goes by', () => {
    const { events } = run(request({ identities: 40, days: 20 }));
    const seen = new Set<string>();
    const fresh = new Array<number>(20).fill(0);
    for (const event of events) {
      const key = `${event.identity.id} ${event.resource?.store} ${event.resource?.id}`;
      if (event.resource === undefined || seen.has(key)) continue;
      seen.add(key);
      const day = Math.floor((event.time - START_MS) / DAY_MS);
      fresh[day] = (fresh[day] ?? 0) + 1;
    }
    assert.ok(
      fresh.every((count) => count > 0),
      `new resources by day: ${fresh}`,
    );
    const week = (from: number): number => fresh.slice(from, from + 5).reduce((sum, n) => sum + n, 0);
    assert.ok(week(14) < week(0), `${week(0)} in the first week, ${week(14)} in the third`);
  });

  it('gives every group a way to stories: outside content or a way out, and something to read', () => {
    for (const group of GROUPS) {
      const tools = toolsOfGroup(group);
      assert.ok(
        tools.some((tool) => tool.operation === 'read'),
        group.name,
      );
      assert.ok(
        tools.some((tool) => tool.trait !== undefined),
        group.name,
      );
    }
  });
});
