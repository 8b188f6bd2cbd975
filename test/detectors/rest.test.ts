import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AT, WORDS } from '../../detectors/layout.ts';
import { hashText } from '../../detectors/math/hash.ts';
import { restsOf } from '../../detectors/silence/rest.ts';
import { hear, lookAtSilence, SILENCE_BITS_MIN } from '../../detectors/silence/silence.ts';
import { markPulse, newPulse, passHours } from '../../detectors/silence/source.ts';
import { type StateRef, StateSlab } from '../../detectors/state.ts';
import type { Pulse } from '../../schemas/pulse.ts';
import { seeded } from './fleet.ts';

const DAY = 24;
const HOUR_MS = 3_600_000;
/** A Monday at midnight, as hours since the epoch plus 1. */
const MONDAY = Date.UTC(2026, 0, 5) / HOUR_MS + 1;
/** The Tuesday of the fifth week. */
const HOLIDAY = 29;

type Life = (day: number, hour: number) => boolean;
const office: Life = (day, hour) => day % 7 < 5 && hour >= 8 && hour < 18;
const always: Life = () => true;
const restingOn =
  (life: Life, rest: number): Life =>
  (day, hour) =>
    day !== rest && life(day, hour);
/** All but silent from a day on. */
const until =
  (life: Life, stop: number): Life =>
  (day, hour) =>
    day < stop && life(day, hour);

/** Plays the lives of one group of one partition; the first is the identity that is asked about. */
function play(lives: readonly Life[], days: number): { readonly state: StateRef; readonly peers: Pulse } {
  const slab = new StateSlab(WORDS);
  const state = slab.load(new Uint32Array(WORDS));
  state.u32[state.at + AT.sessions] = 50;
  const peers = newPulse();
  const random = seeded(lives.length);
  for (let hour = 0; hour < days * DAY; hour++) {
    passHours(peers, MONDAY + hour, true);
    for (const [one, life] of lives.entries()) {
      if (random.next(10) >= 8 || !life(Math.floor(hour / DAY), hour % DAY)) continue;
      markPulse(peers, hashText(`agent-${one}`));
      if (one === 0) hear(state, (MONDAY - 1 + hour) * HOUR_MS);
    }
  }
  passHours(peers, MONDAY + days * DAY, true);
  return { state, peers };
}

const holiday = (hours: number) => ({ from: MONDAY + HOLIDAY * DAY, to: MONDAY + HOLIDAY * DAY + hours });
const look = ({ state, peers }: ReturnType<typeof play>, rests = restsOf(state, peers)) =>
  lookAtSilence(state, (peers.hour - 1) * HOUR_MS, SILENCE_BITS_MIN, [], rests);

describe('a day on which the others work as at a weekend', () => {
  test('is one on which an identity that does the same is not missed', () => {
    const played = play([restingOn(office, HOLIDAY), restingOn(office, HOLIDAY)], HOLIDAY + 1);
    assert.deepEqual(restsOf(played.state, played.peers), [holiday(DAY)]);
    assert.ok(look(played, []).found !== undefined, 'it would be missed');
    const later = play([restingOn(office, HOLIDAY), restingOn(office, HOLIDAY)], HOLIDAY + 1);
    const { found, due } = look(later);
    assert.equal(found, undefined);
    assert.ok((due as number) > (later.peers.hour - 1) * HOUR_MS);
  });

  test('is known beside one of the group that always works', () => {
    const { state, peers } = play([restingOn(office, HOLIDAY), restingOn(office, HOLIDAY), always], HOLIDAY + 1);
    assert.deepEqual(restsOf(state, peers), [holiday(DAY)]);
  });

  test('excuses nobody who works at weekends', () => {
    const played = play([until(always, HOLIDAY), restingOn(office, HOLIDAY), restingOn(office, HOLIDAY)], HOLIDAY + 1);
    assert.deepEqual(restsOf(played.state, played.peers), [holiday(DAY)]);
    assert.ok(look(played).found !== undefined);
  });

  test('does not excuse the days after it', () => {
    const played = play([until(office, HOLIDAY), restingOn(office, HOLIDAY)], HOLIDAY + 2);
    assert.deepEqual(restsOf(played.state, played.peers), [holiday(DAY)]);
    assert.ok(look(played).found !== undefined);
  });

  test('is none while another one works as usual, and none for somebody alone', () => {
    for (const lives of [
      [until(office, HOLIDAY), office],
      [until(office, HOLIDAY)],
      [until(office, HOLIDAY), always],
    ]) {
      const played = play(lives, HOLIDAY + 1);
      assert.deepEqual(restsOf(played.state, played.peers), []);
      assert.ok(look(played).found !== undefined);
    }
  });

  test('is no weekend, and no ordinary day of anybody', () => {
    for (let days = 8; days < 60; days++) {
      const { state, peers } = play([office, office, office], days);
      assert.deepEqual(restsOf(state, peers), [], `day ${days}`);
    }
  });
});
