import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hashText } from '../../detectors/math/hash.ts';
import { awayHours, markPulse, newPulse, passHours, silentSince } from '../../detectors/silence/source.ts';
import type { Pulse } from '../../schemas/pulse.ts';
import { seeded } from './fleet.ts';

const DAY = 24;
/** A Monday at midnight, as hours since the epoch plus 1. */
const MONDAY = Date.UTC(2026, 0, 5) / 3_600_000 + 1;

const isOffice = (hour: number): boolean => {
  const day = Math.floor((hour - MONDAY) / DAY) % 7;
  const at = (hour - MONDAY) % DAY;
  return day < 5 && at >= 8 && at < 18;
};

type Source = { readonly pulse: Pulse; work(hours: number, heard?: (identity: number, hour: number) => boolean): void };

/** So many identities of office hours, each heard of in most of them. */
function source(identities: number, share = 0.7): Source & { hour: number } {
  const random = seeded(identities);
  const pulse = newPulse();
  const made = {
    pulse,
    hour: MONDAY,
    work(hours: number, heard: (identity: number, hour: number) => boolean = () => true): void {
      for (let i = 0; i < hours; i++, made.hour++) {
        passHours(pulse, made.hour, true);
        for (let one = 0; one < identities; one++) {
          if (isOffice(made.hour) && random.next(1000) < 1000 * share && heard(one, made.hour)) {
            markPulse(pulse, hashText(`agent-${one}`));
          }
        }
      }
      passHours(pulse, made.hour, true);
    },
  };
  return made;
}

describe('a source', () => {
  test('that works as usual is never silent, nights and weekends included', () => {
    for (const identities of [1, 3, 10, 60]) {
      const one = source(identities);
      for (let day = 0; day < 90; day++) {
        one.work(DAY);
        assert.equal(silentSince(one.pulse), undefined, `${identities} identities, day ${day}`);
      }
      assert.deepEqual(one.pulse.spans, []);
    }
  });

  test('that stops is silent within hours of work, and since the first of them', () => {
    for (const identities of [4, 10, 60]) {
      const one = source(identities);
      one.work(28 * DAY + 10);
      one.work(4, () => false);
      assert.equal(silentSince(one.pulse), MONDAY + 28 * DAY + 10, `${identities} identities`);
      assert.deepEqual(awayHours(one.pulse), [{ from: MONDAY + 28 * DAY + 10, to: MONDAY + 28 * DAY + 15 }]);
    }
  });

  test('of which one identity stops is not, however few the others are', () => {
    for (const identities of [1, 2, 3, 10]) {
      const one = source(identities);
      one.work(28 * DAY);
      one.work(7 * DAY, (identity) => identity !== 0);
      assert.equal(silentSince(one.pulse), undefined, `${identities} identities`);
    }
  });

  test('that comes back is heard of at once, and its silence stays a span that does not count', () => {
    const one = source(10);
    one.work(28 * DAY + 10);
    one.work(3 * DAY, () => false);
    assert.notEqual(silentSince(one.pulse), undefined);
    one.work(2);
    assert.equal(silentSince(one.pulse), undefined);
    assert.deepEqual(awayHours(one.pulse), [{ from: MONDAY + 28 * DAY + 10, to: MONDAY + 31 * DAY + 10 }]);
    const means = [...one.pulse.means];
    one.work(DAY);
    assert.ok(Math.abs(Math.max(...one.pulse.means) - Math.max(...means)) < 256, 'the outage was not learned');
  });

  test('that never comes back is what is usual after two weeks', () => {
    const one = source(10);
    one.work(28 * DAY);
    one.work(17 * DAY, () => false);
    assert.equal(silentSince(one.pulse), undefined);
    assert.deepEqual(Math.max(...one.pulse.means), 0);
  });

  test('of a log that nobody wrote for hours was not watched', () => {
    const one = source(10);
    one.work(28 * DAY + 10);
    passHours(one.pulse, one.hour + 40, false);
    assert.equal(silentSince(one.pulse), undefined);
    assert.deepEqual(awayHours(one.pulse), [{ from: MONDAY + 28 * DAY + 10, to: MONDAY + 28 * DAY + 50 }]);
  });

  test('goes on alike from JSON', () => {
    const [one, same] = [source(5), source(5)];
    one.work(20 * DAY + 11);
    same.work(20 * DAY + 11);
    const copy = JSON.parse(JSON.stringify(same.pulse)) as Pulse;
    for (let hour = one.hour; hour < one.hour + 60; hour++) {
      for (const pulse of [one.pulse, copy]) {
        passHours(pulse, hour, true);
        pulse.tallies.events += 3;
        if (hour % 7 === 0) markPulse(pulse, hashText('agent-1'));
      }
    }
    assert.deepEqual(copy, one.pulse);
  });

  test('counts the events of about a day', () => {
    const one = source(3);
    for (let hour = 0; hour < 400; hour++) {
      one.pulse.tallies.events += 100;
      one.work(1);
    }
    const { events } = one.pulse.tallies;
    assert.ok(events > 2_000 && events < 2_500, String(events));
  });
});
