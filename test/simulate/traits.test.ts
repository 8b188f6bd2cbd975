import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeFleet } from '../../services/simulate/fleet/fleet.ts';
import { isHoliday } from '../../services/simulate/fleet/holidays.ts';
import { roamingOf, rotationOf } from '../../services/simulate/fleet/traits.ts';
import { DAY_MS, distinct, type Event, HOUR_MS, request, run, START_MS } from './support.ts';

const ASKED = request({ seed: 2, identities: 80, days: 28 });
const fleet = makeFleet(ASKED);
const { events } = run(ASKED);
const byIdentity = Map.groupBy(events, (event) => event.identity.id);
const eventsOf = (agent: { readonly id: string }): Event[] => byIdentity.get(agent.id) ?? [];
const blockOf = ({ source }: Event): string | undefined => source?.ip?.split('.').slice(0, 3).join('.');
const bySession = (own: readonly Event[]): Event[][] => [...Map.groupBy(own, ({ session }) => session).values()];

describe('agents that roam', () => {
  it('are a minority, and the others keep their addresses', () => {
    const kinds = fleet.agents.map((agent) => roamingOf(fleet, agent));
    const roaming = kinds.filter((kind) => kind !== undefined).length / kinds.length;
    assert.ok(roaming > 0.08 && roaming < 0.35, `${roaming} roam`);
    for (const agent of fleet.agents.filter((_, index) => kinds[index] === undefined)) {
      const known = new Set(agent.sources.map(({ ip }) => ip));
      assert.ok(eventsOf(agent).every(({ source }) => known.has(source?.ip ?? '')));
    }
  });

  it('meet another block of addresses on many days on the road, and stay at one address within a session', () => {
    const travellers = fleet.agents.filter((agent) => roamingOf(fleet, agent) === 'travels');
    assert.ok(travellers.length >= 2);
    for (const agent of travellers) {
      const own = eventsOf(agent);
      const away = own.filter(({ source }) => source?.network === 'mobile');
      assert.ok(away.length > 0 && away.length < own.length, agent.id);
      const days = distinct(away.map(({ time }) => Math.floor((time + agent.hours.offset_ms) / DAY_MS))).size;
      assert.ok(distinct(away.map(blockOf)).size >= Math.min(days, 2), `${agent.id}: ${days} days away`);
      for (const session of bySession(own)) assert.equal(distinct(session.map(({ source }) => source?.ip)).size, 1);
    }
  });

  it('leave through many addresses of one pool where they share it', () => {
    const pooled = fleet.agents.filter((agent) => roamingOf(fleet, agent) === 'pooled');
    assert.ok(pooled.length >= 2);
    for (const agent of pooled) {
      const sessions = bySession(eventsOf(agent));
      const addresses = distinct(sessions.map(([first]) => first?.source?.ip)).size;
      assert.ok(addresses > Math.min(20, sessions.length / 4), `${agent.id}: ${addresses} of ${sessions.length}`);
      assert.equal(distinct(eventsOf(agent).map(({ source }) => source?.network)).size, 1);
    }
  });
});

describe('credentials', () => {
  it('are replaced at some agents, one at a time and never used again', () => {
    const rotating = fleet.agents.filter((agent) => rotationOf(fleet, agent) !== undefined);
    assert.ok(rotating.length >= 8 && rotating.length <= 40, `${rotating.length} rotate`);
    for (const agent of fleet.agents) {
      const ids = eventsOf(agent).map(({ credential }) => credential?.id);
      const changes = ids.filter((id, index) => index > 0 && id !== ids[index - 1]).length;
      assert.equal(changes, Math.max(0, distinct(ids).size - 1), agent.id);
      if (rotationOf(fleet, agent) === undefined) assert.equal(changes, 0, agent.id);
      if (rotationOf(fleet, agent) === 2 && ids.length > 100) assert.ok(changes >= 4, `${agent.id}: ${changes}`);
    }
    const all = new Map<string, string>();
    for (const { credential, identity } of events) {
      const id = credential?.id ?? '';
      assert.equal(all.get(id) ?? identity.id, identity.id, 'two agents share no credential');
      all.set(id, identity.id);
    }
  });
});

describe('holidays', () => {
  it('are one working day of every group in four weeks, on which whoever works for people rests', () => {
    for (const group of distinct(fleet.agents.map((agent) => agent.group))) {
      const office = fleet.agents.filter((agent) => agent.group === group && agent.role.rhythm === 'office');
      for (const agent of office) {
        const noons = Array.from(
          { length: 28 },
          (_, day) => START_MS + day * DAY_MS + 12 * HOUR_MS - agent.hours.offset_ms,
        );
        const holidays = noons.filter((noon) => isHoliday(fleet, agent, noon));
        assert.ok(holidays.length <= 2, `${agent.id}: ${holidays.length}`);
        for (const noon of holidays) {
          assert.ok(![0, 6].includes(new Date(noon + agent.hours.offset_ms).getUTCDay()), 'no weekend');
          const begun = bySession(eventsOf(agent)).filter(
            ([first]) => Math.abs((first?.time ?? 0) - noon) < 11 * HOUR_MS,
          );
          assert.ok(begun.length <= 2, `${agent.id} begins ${begun.length} sessions on a holiday`);
        }
      }
    }
    const long = Array.from({ length: 20 * 28 }, (_, day) => START_MS + day * DAY_MS);
    const agent = fleet.agents[0]!;
    const count = long.filter((time_ms) => isHoliday(fleet, agent, time_ms)).length;
    assert.ok(Math.abs(count - 20) <= 1, `${count} in 20 times four weeks`);
  });

  it('differ between groups and seeds', () => {
    const daysOf = (seed: number): string[] => {
      const other = makeFleet({ ...ASKED, seed });
      return other.agents.slice(0, 30).map((agent) =>
        Array.from({ length: 28 }, (_, day) => START_MS + day * DAY_MS + 12 * HOUR_MS)
          .findIndex((time_ms) => isHoliday(other, agent, time_ms))
          .toString(),
      );
    };
    assert.ok(distinct(daysOf(1)).size >= 3);
    assert.notDeepEqual(daysOf(1), daysOf(2));
  });
});
