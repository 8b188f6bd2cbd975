import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Alert } from '../../schemas/alert.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Verdict } from '../../schemas/verdict.ts';
import { fakeModel } from '../support/fake-model.ts';
import { DAY_MS, eventOf, type Lane, laneOf, MINUTE_MS, NOON_MS, orderedModel } from './support.ts';

/** Sessions that taught, by the bytes of the group: how often `learn` was called for it. */
function lane(): Lane & { learned(): number; tallies(): Readonly<Record<string, number>> } {
  let learned = 0;
  const model = orderedModel(fakeModel());
  const counting = {
    ...model,
    learn: (...all: Parameters<typeof model.learn>) => {
      learned++;
      model.learn(...all);
    },
  };
  const made = laneOf(counting);
  return { ...made, learned: () => learned, tallies: () => made.worker.takeTallies() };
}

/** Tells an alarm in a session of its own, and returns the alert that it opens. */
function alarm(on: Lane, id: string, at_ms: number, session = `s-${id}`): Alert {
  const { alerts } = on.tell({ type: 'event', event: eventOf(`!${id}`, { session, time: at_ms }) }, at_ms);
  const [opened] = alerts;
  assert.ok(opened !== undefined, 'the alarm opens an alert');
  return opened.alert;
}

const judged = (alert: Alert, verdict: Verdict['verdict'], at_ms: number): Verdict => ({
  alert_uid: alert.uid,
  tenant: alert.tenant,
  identity: alert.identity.id,
  verdict,
  author: 'ana',
  time: at_ms,
});

describe('sessions', () => {
  test('teach once they have been idle, and not before', () => {
    const on = lane();
    on.tell({ type: 'event', event: eventOf('e') }, NOON_MS);
    on.tell({ type: 'tick' }, NOON_MS + LIMITS.session_idle_ms - 1);
    assert.equal(on.learned(), 0);
    on.tell({ type: 'tick' }, NOON_MS + LIMITS.session_idle_ms);
    assert.equal(on.learned(), 1);
  });

  test('that never rest are ended after half a day, and teach', () => {
    const on = lane();
    const step_ms = LIMITS.session_idle_ms / 2;
    for (let at = 0; at < 2 * LIMITS.session_ms_max; at += step_ms) {
      on.tell({ type: 'event', event: eventOf(`e${at}`, { session: '', time: NOON_MS + at }) }, NOON_MS + at);
    }
    assert.equal(on.learned(), 1);
  });

  test('beyond the limit end the longest idle one', () => {
    const on = lane();
    for (let n = 0; n <= LIMITS.sessions_open_per_identity_max; n++) {
      on.tell({ type: 'event', event: eventOf(`e${n}`, { session: `s${n}` }) }, NOON_MS + n);
    }
    assert.equal(on.learned(), 1);
    on.tell({ type: 'event', event: eventOf('again', { session: 's1' }) }, NOON_MS + 100);
    assert.equal(on.learned(), 1, 's1 is open still');
  });
});

describe('what an alert covers', () => {
  const idle_ms = LIMITS.session_idle_ms;

  test('is held, and learned after a false positive', () => {
    const on = lane();
    const alert = alarm(on, 'a', NOON_MS);
    on.tell({ type: 'tick' }, NOON_MS + idle_ms);
    assert.deepEqual([on.learned(), on.tallies()], [0, { sessions_ended: 1, sessions_held: 1 }]);
    const at = NOON_MS + idle_ms + 1;
    const { alerts } = on.tell({ type: 'verdict', verdict: judged(alert, 'false_positive', at) }, at);
    assert.deepEqual(
      alerts.map(({ alert: { uid, revision, status, closed_reason } }) => ({ uid, revision, status, closed_reason })),
      [{ uid: alert.uid, revision: 2, status: 'closed', closed_reason: 'false_positive' }],
    );
    assert.equal(on.learned(), 1);
  });

  test('is discarded after a true positive', () => {
    const on = lane();
    const alert = alarm(on, 'a', NOON_MS);
    on.tell({ type: 'tick' }, NOON_MS + idle_ms);
    on.tell({ type: 'verdict', verdict: judged(alert, 'true_positive', NOON_MS) }, NOON_MS + idle_ms + 1);
    on.tell({ type: 'tick' }, NOON_MS + 30 * DAY_MS);
    assert.equal(on.learned(), 0);
  });

  test('is learned at its end when the verdict comes while it is open', () => {
    const on = lane();
    const alert = alarm(on, 'a', NOON_MS);
    on.tell({ type: 'verdict', verdict: judged(alert, 'expected_change', NOON_MS) }, NOON_MS + MINUTE_MS);
    assert.equal(on.learned(), 0);
    on.tell({ type: 'tick' }, NOON_MS + idle_ms);
    assert.equal(on.learned(), 1);
  });

  test('waits for a verdict after the alert went quiet, and is discarded when none comes', () => {
    for (const [days, learned] of [
      [1, 1],
      [15, 0],
    ] as const) {
      const on = lane();
      const alert = alarm(on, 'a', NOON_MS);
      const { alerts } = on.tell({ type: 'tick' }, NOON_MS + DAY_MS / 2);
      assert.deepEqual(
        alerts.map((row) => row.alert.closed_reason),
        ['quiet'],
      );
      const at = NOON_MS + DAY_MS / 2 + days * DAY_MS;
      on.tell({ type: 'tick' }, at - 1);
      const after = on.tell({ type: 'verdict', verdict: judged(alert, 'false_positive', at) }, at);
      assert.deepEqual([on.learned(), after.alerts.length], [learned, 0], `${days} days`);
      assert.equal(on.tallies().held_expired, learned === 0 ? 1 : undefined);
    }
  });

  test('beyond the limit is discarded, the oldest first', () => {
    const on = lane();
    const alert = alarm(on, 'a', NOON_MS, 's-0');
    const sessions = LIMITS.held_sessions_max + 2;
    for (let n = 1; n < sessions; n++) {
      on.tell({ type: 'event', event: eventOf(`!${n}`, { session: `s-${n}` }) }, NOON_MS + n);
    }
    on.tell({ type: 'tick' }, NOON_MS + sessions + idle_ms);
    assert.equal(on.tallies().held_discarded, 2);
    const at = NOON_MS + sessions + idle_ms + 1;
    on.tell({ type: 'verdict', verdict: judged(alert, 'false_positive', at) }, at);
    assert.equal(on.learned(), LIMITS.held_sessions_max);
  });

  test('a verdict on an alert or an identity that nobody knows changes nothing', () => {
    const on = lane();
    const alert = alarm(on, 'a', NOON_MS);
    const at = NOON_MS + MINUTE_MS;
    for (const verdict of [
      { ...judged(alert, 'false_positive', at), identity: 'nobody' },
      { ...judged(alert, 'false_positive', at), alert_uid: 'unknown' },
      { ...judged(alert, 'false_positive', at), tenant: 'another' },
    ]) {
      assert.deepEqual(on.tell({ type: 'verdict', verdict }, at).alerts, []);
    }
    on.tell({ type: 'tick' }, NOON_MS + idle_ms);
    assert.deepEqual([on.learned(), on.tallies().sessions_held], [0, 1]);
  });
});

describe('identities that leave memory', () => {
  test('come back with all that is in flight, at their event and at their deadline', () => {
    const staying = lane();
    const leaving = lane();
    const both = [staying, leaving] as const;
    for (const on of both) alarm(on, 'a', NOON_MS);
    assert.equal(leaving.evict(0), 1);
    assert.equal(leaving.worker.resident, 0);
    const at = NOON_MS + 2 * LIMITS.session_idle_ms;
    const event = eventOf('?more', { time: at });
    const rows = both.map((on) => on.tell({ type: 'event', event }, at));
    assert.deepEqual(rows[1], rows[0]);
    leaving.evict(0);
    const closing = both.map((on) => on.tell({ type: 'tick' }, at + LIMITS.alert_quiet_ms));
    assert.equal(closing[0]?.alerts[0]?.alert.closed_reason, 'quiet');
    assert.deepEqual(closing[1], closing[0]);
  });

  test('stay while the store may not hold them, and leave by age of their last event', () => {
    const on = lane();
    for (let n = 0; n < 5; n++) {
      on.tell({ type: 'event', event: eventOf(`e${n}`, { identity: `agent-${n}` }) }, NOON_MS + n);
    }
    assert.equal(on.worker.evict(99, 0), 0, 'nothing was saved yet');
    const { identities } = on.worker.checkpoint();
    assert.equal(on.worker.evict(3, 0), 0, 'saved as of offset 4, durable to 3');
    assert.equal(on.worker.evict(4, 2), 3);
    for (const blob of identities) on.blobs.set(blob.key, blob);
    const before = on.worker.resident;
    on.tell({ type: 'event', event: eventOf('back', { identity: 'agent-0' }) }, NOON_MS + 9);
    assert.deepEqual([before, on.worker.resident], [2, 3], 'the longest idle ones had left');
    on.tell({ type: 'tick' }, NOON_MS + LIMITS.identity_idle_ms);
    assert.equal(on.evict(1_000), 0, 'their sessions ended just now');
    on.tell({ type: 'tick' }, NOON_MS + 2 * LIMITS.identity_idle_ms);
    assert.equal(on.evict(1_000), 5, 'all have been idle');
  });
});
