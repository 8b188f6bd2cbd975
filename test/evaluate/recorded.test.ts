import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createModel } from '../../detectors/model.ts';
import { event, workedFleet } from '../detectors/fleet.ts';
import { modelWithoutPeers, watchedModel } from './models.ts';
import { poisonedStream, type SessionLabel, swapsOf } from './recorded/poison.ts';
import { parseVerdict, streamsAt } from './recorded/referee.ts';

describe('poisoning', () => {
  const sessions = (identity: string, phase: string, kind: string, count: number): SessionLabel[] =>
    Array.from({ length: count }, (_, i) => ({ session: `${identity}-${phase}-${kind}-${i}`, identity, kind, phase }));

  test('hijacks the wanted share of the baseline, by own hijacks, spread evenly', () => {
    const labels = [
      ...sessions('one', 'base', 'negative', 100),
      ...sessions('one', 'test', 'hijack', 1),
      ...sessions('one', 'test', 'abuse', 3),
      ...sessions('two', 'base', 'negative', 50),
      ...sessions('two', 'test', 'negative', 9),
      ...sessions('three', 'base', 'negative', 100),
      ...sessions('three', 'test', 'hijack', 9),
    ];
    assert.deepEqual(swapsOf(labels, 0.02), [
      { baseline: 'one-base-negative-25', hijacked: 'one-test-hijack-0' },
      { baseline: 'one-base-negative-75', hijacked: 'one-test-hijack-0' },
      { baseline: 'three-base-negative-16', hijacked: 'three-test-hijack-0' },
      { baseline: 'three-base-negative-50', hijacked: 'three-test-hijack-1' },
      { baseline: 'three-base-negative-83', hijacked: 'three-test-hijack-2' },
    ]);
  });

  test('puts the hijack in the place of the session, at its time and under its name', () => {
    const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
    const events = [
      { id: 'b1', ts: at(0), session: 'base', tool: 'x' },
      { id: 'o1', ts: at(1), session: 'other', tool: 'x' },
      { id: 'b2', ts: at(2), session: 'base', tool: 'x' },
      { id: 'h1', ts: at(60), session: 'bad', tool: 'y' },
      { id: 'h2', ts: at(65), session: 'bad', tool: 'z' },
    ];
    assert.deepEqual(poisonedStream(events, [{ baseline: 'base', hijacked: 'bad' }]), [
      { id: 'h1~poison-0', ts: at(0), session: 'base', tool: 'y' },
      { id: 'o1', ts: at(1), session: 'other', tool: 'x' },
      { id: 'h2~poison-0', ts: at(5), session: 'base', tool: 'z' },
      { id: 'h1', ts: at(60), session: 'bad', tool: 'y' },
      { id: 'h2', ts: at(65), session: 'bad', tool: 'z' },
    ]);
    assert.deepEqual(poisonedStream(events, []), events);
  });
});

describe('the referee', () => {
  const said = `scores: 10 given, 9 of the stream's events scored
stream dev: identities 80, identity-days 480, test sessions: negative 8824, positive 395
AUROC 0.9593  AP 0.7012  recall@1%FPR 0.680  recall@5%FPR 0.861   (sessions)
threshold 1.5e-05: recall 0.734  precision 0.512  false alarms 12 = 0.025 per identity-day  delay events median 0 p90 3  alerted only before first bad call 4
   ('hijack', 'hijack')  n 237 recall 0.700  AUROC 0.950`;

  test('is understood', () => {
    assert.deepEqual(parseVerdict(said), {
      identity_days: 480,
      negatives: 8824,
      auroc: 0.9593,
      recall_at_1: 0.68,
      recall_at_5: 0.861,
      recall: 0.734,
      precision: 0.512,
      delay_events: 0,
    });
    assert.equal(parseVerdict(said.replace('median 0', 'median None')).delay_events, undefined);
  });

  test('is not guessed at when it says something else', () => {
    assert.throws(() => parseVerdict('usage: evaluate.py'), /says nothing of/);
  });

  test('is not asked where nothing is recorded', () => {
    assert.deepEqual(streamsAt({ traces: '/nowhere/traces', referee: '/nowhere/referee.py' }), []);
  });
});

describe('the model that is judged', () => {
  const bytes = () => {
    const fleet = workedFleet();
    const groups = new Map([...fleet.groups].map(([name, group]) => [name, [group]]));
    return { fleet, bytes: fleet.model.buildPrior(groups, 100) };
  };

  test('without peers scores as if nobody had taught anything, and keeps the thresholds', () => {
    const { fleet, bytes: taught } = bytes();
    const alone = modelWithoutPeers(fleet.model).openPrior(taught, 'v');
    const shipped = fleet.model.openPrior(taught, 'v');
    assert.deepEqual([alone.alert_bits, alone.finding_bits], [shipped.alert_bits, shipped.finding_bits]);
    const input = { ...fleet.input(event({ identity: 'newcomer', tool: 'never_seen' })) };
    const bitsWith = (prior: typeof alone): number => fleet.model.score({ ...input, prior }).bits;
    assert.equal(bitsWith(alone), bitsWith(fleet.model.emptyPrior()));
    assert.notEqual(bitsWith(alone), bitsWith(shipped));
  });

  test('is watched for the threshold that it adopts', () => {
    const { bytes: taught } = bytes();
    const { model, alertBits } = watchedModel();
    assert.equal(alertBits(), createModel().emptyPrior().alert_bits);
    const prior = model.openPrior(taught, 'v');
    assert.equal(alertBits(), prior.alert_bits);
    assert.notEqual(alertBits(), createModel().emptyPrior().alert_bits);
  });
});
