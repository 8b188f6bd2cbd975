import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LIMITS, UNITS } from '../../schemas/limits.ts';
import { NOTICE_KINDS } from '../../schemas/notify.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import { laneView, type SendAnswer } from '../../services/deliver/notify/lane.ts';
import { manualClock } from '../support/manual-clock.ts';
import { openSimulatedLog } from '../support/simulated-log.ts';
import {
  changed,
  containmentOf,
  disk,
  EVERYTHING,
  filterOf,
  listenerOf,
  NOW,
  SETTINGS,
  settle,
  short,
  tell,
  write,
} from './notify-support.ts';

const failure = (reason: 'refused' | 'unavailable'): SendAnswer => {
  return { kind: 'failed', reason, detail: 'not now', retry_after_ms: 0 };
};
const vote = { by: { issuer: 'local', subject: 'ben', human: true }, decision: 'approve', time: NOW } as const;

async function stage(...listeners: ReturnType<typeof listenerOf>[]) {
  const on = disk();
  const clock = manualClock(NOW);
  const log = openSimulatedLog({ disk: on, clock });
  const targets = listeners.map(({ target }) => target);
  const telling = await tell({ disk: on, clock, targets });
  await settle();
  const advance = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await settle();
  };
  const say = async (...records: Parameters<typeof changed>[]): Promise<void> => {
    await write(log, ...records.map((record) => changed(...record)));
    await settle();
  };
  return { on, clock, log, telling, advance, say };
}

describe('what is told, and when', () => {
  test('proposals of one alert that come close together are one message; a later one is another', async () => {
    const one = listenerOf('a');
    const { advance, say, telling } = await stage(one);
    const alert = { uid: 'story' };
    await say([containmentOf(1, { alert })]);
    await advance(5_000);
    await say([containmentOf(2, { alert, created: NOW + 5_000 })], [containmentOf(3)]);
    assert.deepEqual(one.told, []);
    await advance(SETTINGS.debounce_ms - 5_000);
    assert.deepEqual(one.told.map(short), ['proposed 1+2', 'proposed 3']);
    await say([containmentOf(4, { alert, created: NOW + 20_000 })]);
    await advance(2 * SETTINGS.debounce_ms);
    assert.deepEqual(one.told.slice(2).map(short), ['proposed 4']);
    await telling.stop();
  });

  test('what was decided or superseded while it waited for others is not proposed', async () => {
    const one = listenerOf('a');
    const { advance, say, telling } = await stage(one);
    await say([containmentOf(1)], [containmentOf(1, { state: 'cancelled' }), 'pending']);
    await advance(SETTINGS.debounce_ms);
    assert.deepEqual(one.told.map(short), []);
    await telling.stop();
  });

  test('a flood of alerts is one message', async () => {
    const one = listenerOf('a');
    const { advance, say, telling } = await stage(one);
    const many = Array.from({ length: 20 }, (_, at) => containmentOf(at + 1, { created: NOW + at }));
    await say(...many.map((containment): [typeof containment] => [containment]));
    await advance(SETTINGS.debounce_ms);
    assert.deepEqual(
      one.told.map(({ others }) => others.length),
      [19],
    );
    await advance(SETTINGS.debounce_ms);
    assert.equal(one.told.length, 1);
    await telling.stop();
  });

  test('break-glass is told at once and to everybody, but not beyond the border of a tenant', async () => {
    const quiet = listenerOf('a', { filter: filterOf({ severity_min: 'critical', about: ['failed'] }) });
    const foreign = listenerOf('b', { filter: filterOf({ tenants: ['emea'] }) });
    const { say, telling } = await stage(quiet, foreign);
    const emergency = { terms: { break_glass: { why: 'data leaves now' } } };
    await say([containmentOf(1, emergency)], [containmentOf(1, { ...emergency, state: 'denied' }), 'pending']);
    assert.deepEqual(quiet.told.map(short), ['break_glass 1', 'denied 1']);
    assert.deepEqual(foreign.told, []);
    await telling.stop();
  });

  test('every end is told to who wants it, and votes are told to nobody', async () => {
    const all = listenerOf('a', { filter: EVERYTHING });
    const usual = listenerOf('b');
    const { say, telling } = await stage(all, usual);
    const ends = ['approved', 'denied', 'expired', 'cancelled', 'succeeded', 'failed', 'unknown'] as const;
    for (const [at, state] of ends.entries()) {
      await say([containmentOf(at + 1, { state }), state === 'approved' ? 'pending' : 'approved']);
    }
    const digest = containmentOf(9).digest;
    await say([containmentOf(9, { votes: [{ ...vote, digest }] }), 'pending']);
    await say([containmentOf(8, { state: 'dispatching' }), 'approved']);
    assert.deepEqual(
      all.told.map(({ kind }) => kind),
      ends,
    );
    const told = usual.told.map(({ kind }) => kind);
    assert.deepEqual(told, ['approved', 'denied', 'expired', 'failed', 'unknown']);
    await telling.stop();
  });

  test('a change of what is asked, and a containment that does not hold', async () => {
    const one = listenerOf('a');
    const { say, telling } = await stage(one);
    await say([containmentOf(1, { digest: 'e'.repeat(64) }), 'pending']);
    const predicate = { tenant: 'default', identity: 'agent-7' };
    const watch = { containment: containmentOf(2).id, action: 'suspend_agent', predicate, from: NOW, until: NOW + 1 };
    const failed = containmentOf(2, { state: 'succeeded', effect: { state: 'failed', watch } });
    await say([containmentOf(2, { state: 'succeeded', effect: { state: 'watching', watch } }), 'succeeded']);
    await say([failed, 'succeeded']);
    const resolution = { by: { ...SYSTEM, human: true }, took_effect: false, comment: 'seen', time: NOW };
    await say([{ ...failed, resolution }, 'succeeded']);
    assert.deepEqual(one.told.map(short), ['amended 1', 'effect_failed 2']);
    assert.ok(NOTICE_KINDS.includes('effect_failed'));
    await telling.stop();
  });

  test('a reminder once before it expires, and none for what was decided', async () => {
    const one = listenerOf('a', { filter: filterOf({ about: ['reminder'] }) });
    const { advance, say, telling } = await stage(one);
    const brief = containmentOf(3, { approval_expires: NOW + SETTINGS.remind_before_ms / 2 });
    await say([containmentOf(1)], [containmentOf(2)], [brief]);
    await say([containmentOf(2, { state: 'denied' }), 'pending']);
    await advance(23 * UNITS.HOUR_MS - 1);
    assert.deepEqual(one.told, []);
    await advance(1);
    assert.deepEqual(one.told.map(short), ['reminder 1']);
    await advance(UNITS.HOUR_MS - 1);
    assert.equal(one.told.length, 1);
    await telling.stop();
  });

  test('who is new is told what still waits, and no old news', async () => {
    const on = disk();
    const clock = manualClock(NOW);
    const log = openSimulatedLog({ disk: on, clock });
    await write(log, changed(containmentOf(1)), changed(containmentOf(2)));
    await write(log, changed(containmentOf(2, { state: 'denied' }), 'pending'));
    clock.advance(UNITS.HOUR_MS);
    const one = listenerOf('new');
    const telling = await tell({ disk: on, clock, targets: [one.target] });
    await settle();
    assert.deepEqual(one.told.map(short), ['proposed 1']);
    await telling.stop();
  });
});

describe('what cannot be brought', () => {
  test('is tried again with pauses, and holds up nobody else', async () => {
    const down = listenerOf('a', { answers: [failure('unavailable'), failure('unavailable'), { kind: 'sent' }] });
    const up = listenerOf('b');
    const { say, advance, log, telling } = await stage(down, up);
    await say(
      [containmentOf(1, { state: 'denied' }), 'pending'],
      [containmentOf(2, { state: 'failed' }), 'dispatching'],
    );
    assert.deepEqual(up.told.map(short), ['denied 1', 'failed 2']);
    assert.equal(down.tried.length, 1);
    const waiting = await laneView(log, down.target);
    assert.deepEqual([waiting.state, waiting.attempts, waiting.reason], ['retrying', 1, 'unavailable']);
    await advance(LIMITS.notify_retry_ms);
    await advance(2 * LIMITS.notify_retry_ms);
    assert.deepEqual(down.told.map(short), ['denied 1', 'failed 2']);
    assert.equal(new Set(down.tried.map(({ id }) => id)).size, 2, 'a repeat has the same name');
    assert.equal((await laneView(log, down.target)).state, 'idle');
    assert.equal((await log.counters()).get('notify_sent'), 4);
    await telling.stop();
  });

  test('an emergency does not wait for what cannot be proposed', async () => {
    const one = listenerOf('a', { answers: [failure('unavailable'), { kind: 'sent' }] });
    const { say, advance, telling } = await stage(one);
    await say([containmentOf(1)]);
    await advance(SETTINGS.debounce_ms);
    assert.deepEqual(one.tried.map(short), ['proposed 1']);
    await say([containmentOf(2, { terms: { break_glass: { why: 'now' } } })]);
    assert.deepEqual(one.told.map(short), ['break_glass 2']);
    await advance(LIMITS.notify_retry_ms_max);
    assert.deepEqual(one.told.map(short), ['break_glass 2', 'proposed 1']);
    await telling.stop();
  });

  for (const [reason, after_ms, attempts_min] of [
    ['refused', 2 * UNITS.HOUR_MS, LIMITS.notify_refusals_max],
    ['unavailable', LIMITS.notify_give_up_ms + UNITS.HOUR_MS, 100],
  ] as const) {
    test(`${reason}: it is given up in the end, counted and shown, and the next one goes out`, async () => {
      const one = listenerOf('a', { answers: [failure(reason)] });
      const { say, advance, log, telling } = await stage(one);
      await say([containmentOf(1, { state: 'denied' }), 'pending'], [containmentOf(2, { state: 'denied' }), 'pending']);
      for (let passed = 0; passed < after_ms && one.tried.at(-1)?.containment.id !== containmentOf(2).id; ) {
        passed += LIMITS.notify_retry_ms_max / 2;
        await advance(LIMITS.notify_retry_ms_max / 2);
      }
      const first = one.tried.filter(({ containment }) => containment.id === containmentOf(1).id);
      assert.ok(first.length >= attempts_min, `${first.length}`);
      if (reason === 'refused') assert.equal(first.length, LIMITS.notify_refusals_max);
      assert.equal((await log.counters()).get('notify_gave_up'), 1);
      assert.equal((await laneView(log, one.target)).given_up, 1);
      one.answers.splice(0, 1, { kind: 'sent' });
      await advance(LIMITS.notify_retry_ms_max);
      assert.deepEqual(one.told.map(short), ['denied 2']);
      await telling.stop();
    });
  }
});

describe('crashes', () => {
  test('at every step: nothing is left out, and a repeat has the name of the first', async () => {
    const records = [
      changed(containmentOf(1, { state: 'denied' }), 'pending'),
      changed(containmentOf(2)),
      changed(containmentOf(3, { state: 'failed' }), 'dispatching'),
    ];
    for (let step = 0; step < 24; step++) {
      for (const when of ['before', 'after'] as const) {
        const on = disk();
        const clock = manualClock(NOW);
        const log = openSimulatedLog({ disk: on, clock });
        const one = listenerOf('a');
        // What was there before anybody was told does not count as news: the lane begins first.
        const begun = await tell({ disk: on, clock, targets: [one.target] });
        await settle();
        await begun.stop();
        let operations = 0;
        const faults = () => (operations++ === step ? { crash: when } : {});
        await tell({ disk: on, clock, targets: [one.target], faults });
        await write(log, ...records);
        await settle();
        clock.advance(SETTINGS.debounce_ms);
        await settle();
        const again = await tell({ disk: on, clock, targets: [one.target] });
        await settle();
        const told = new Set(one.told.map(short));
        assert.deepEqual(told, new Set(['denied 1', 'failed 3', 'proposed 2']), `${when} operation ${step}`);
        assert.equal(new Set(one.told.map(({ id }) => id)).size, 3);
        assert.ok(one.told.length <= 4, 'at most what was under way is repeated');
        await again.stop();
      }
    }
  });

  test('of two processes that tell, one gives way', async () => {
    const one = listenerOf('a');
    const { on, clock, say, advance, telling } = await stage(one);
    const second = await tell({ disk: on, clock, targets: [one.target] });
    for (let at = 1; at <= 5; at++) {
      await say([containmentOf(at, { state: 'denied' }), 'pending']);
      await advance(LIMITS.feed_retry_ms_max);
    }
    assert.deepEqual(new Set(one.told.map(short)).size, 5);
    assert.ok(one.told.length <= 10);
    await telling.stop();
    await second.stop();
  });
});
