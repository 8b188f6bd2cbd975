import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { UNITS } from '../../schemas/limits.ts';
import { event, Fleet, MONDAY, seeded } from './fleet.ts';

/** Slow poisoning: one member of a group creeps away from its habit, against a group that grows as a whole. */

const { DAY_MS, MINUTE_MS } = UNITS;
const AGENTS = ['agent-0', 'agent-1', 'agent-2', 'agent-3', 'agent-4'];
const SETTLED_DAYS = 21;
const DAYS = 63;
const SESSIONS = 6;
/** What a fleet of this kind would call an alert: see detectors.md, "Thresholds". */
const ALERT_BITS = 16;

/** Plays days of work; returns the first day, counted from the settled ones, on which `watched` reaches the level. */
function firstAlarm(
  factorOf: (identity: string, day: number) => number,
  extra: (identity: string, day: number, n: number, time: number) => readonly CanonicalEvent[] = () => [],
): { readonly day: number | undefined; readonly detector: string | undefined } {
  const fleet = new Fleet();
  const random = seeded(11);
  let found: { day: number; detector: string | undefined } | undefined;
  for (let day = 0; day < DAYS && found === undefined; day++) {
    for (let n = 0; n < SESSIONS; n++) {
      for (const [i, identity] of AGENTS.entries()) {
        const time = MONDAY + day * DAY_MS + n * 70 * MINUTE_MS + i * MINUTE_MS;
        const size = () => Math.round((2000 + random.next(3000)) * factorOf(identity, day - SETTLED_DAYS));
        const events = [0, 1, 2].map((step) =>
          event({
            identity,
            time: time + step * 1000,
            tool: 'read_page',
            resources: [{ id: `page-${random.next(30)}`, classification: 'internal' }],
            volume: { bytes_in: 30, bytes_out: size() },
          }),
        );
        const scores = fleet.session([...events, ...extra(identity, day - SETTLED_DAYS, n, time + 5000)]);
        const top = scores.reduce((a, b) => (b.bits > a.bits ? b : a));
        if (day >= SETTLED_DAYS && identity === AGENTS[0] && top.bits >= ALERT_BITS && found === undefined) {
          const loudest = top.parts.indexOf(Math.max(...top.parts));
          found = { day: day - SETTLED_DAYS, detector: fleet.model.detectors[loudest]?.name };
        }
      }
    }
    fleet.adoptPrior();
  }
  return { day: found?.day, detector: found?.detector };
}

const growth = (a_day: number) => (day: number) => (1 + a_day) ** Math.max(0, day);

/** One page of a sensitive class at a time, so often a day. */
const touching =
  (times: (identity: string, day: number) => number) =>
  (identity: string, day: number, n: number, time: number): readonly CanonicalEvent[] =>
    n >= times(identity, Math.max(0, day))
      ? []
      : [
          event({
            identity,
            time,
            tool: 'read_page',
            resources: [{ id: 'payroll', classification: 'restricted' }],
            volume: { bytes_in: 30, bytes_out: 3000 },
          }),
        ];
const steady = (): number => 1;
const ofOne = (creeping: (day: number) => number) => (identity: string, day: number) =>
  identity === AGENTS[0] ? creeping(day) : 1;

describe('slow poisoning', () => {
  test('quiet weeks raise nothing', () => {
    assert.equal(firstAlarm(steady).day, undefined);
    assert.equal(firstAlarm(steady, touching(steady)).day, undefined);
  });

  test('a volume that grows by 3 % a day is caught before it is three and a half times what it was, a faster one sooner', () => {
    const slow = firstAlarm(ofOne(growth(0.03)));
    assert.equal(slow.detector, 'low_and_slow');
    assert.ok(growth(0.03)(slow.day ?? DAYS) < 3.5, `day ${slow.day}`);
    const fast = firstAlarm(ofOne(growth(0.06)));
    assert.ok((fast.day ?? DAYS) < (slow.day ?? DAYS), `day ${fast.day}`);
  });

  test('the same growth of the whole group is none', () => {
    assert.equal(firstAlarm((_identity, day) => growth(0.03)(day)).day, undefined);
  });

  test('a sensitive resource that one touches a little more often every week is caught, that all touch more often is not', () => {
    const more = (day: number): number => 1 + Math.floor(day / 6);
    const one = firstAlarm(steady, touching(ofOne(more)));
    assert.equal(one.detector, 'sensitivity_creep');
    assert.ok((one.day ?? DAYS) < 32, `day ${one.day}`);
    const all = firstAlarm(
      steady,
      touching((_identity, day) => more(day)),
    );
    assert.equal(all.day, undefined);
  });
});
