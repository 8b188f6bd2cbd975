import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Model } from '../../detectors/contract.ts';
import { fakeModel } from '../support/fake-model.ts';
import { eventOf, laneOf, MINUTE_MS, NOON_MS } from './support.ts';

const DAY_BITS = 12;

/** No event is surprising; the day of the event of this name is. Twenty of 1,000 identity-days reach the alert threshold. */
function modelWith(on: { readonly day_bits: number; readonly reached: number | undefined }): Model {
  const model = fakeModel();
  const prior = {
    ...model.emptyPrior(),
    finding_bits: 70,
    alert_bits: 100,
    reachedPer1000: () => on.reached,
    thresholdsAt: (budget: number) => ({ finding_bits: 70, alert_bits: 100 - budget }),
  };
  return {
    ...model,
    emptyPrior: () => prior,
    score: () => ({ bits: 3, parts: [3, on.day_bits] }),
    apart: ({ event }) => (event.id === 'high day' ? { bits: on.day_bits, detector: 'fake_volume' } : undefined),
  };
}

function outputsOf(model: Model) {
  const lane = laneOf(model);
  return ['ordinary', 'high day', 'next'].map((id, i) => {
    const time = NOON_MS + i * MINUTE_MS;
    return { id, outputs: lane.tell({ type: 'event', event: eventOf(id, { time }) }, time) };
  });
}

const alertsOf = (model: Model) =>
  outputsOf(model).flatMap(({ id, outputs }) => outputs.alerts.map(({ alert }) => ({ id, alert })));

describe('what is judged by the day', () => {
  test('is an alert whatever the score of the event is, in bits of the fleet and with the detector that made it', () => {
    const [raised, ...more] = alertsOf(modelWith({ day_bits: DAY_BITS, reached: 20 }));
    assert.deepEqual([raised?.id, more.length], ['high day', 0]);
    const { bits, alert_bits, contributions, findings } = raised!.alert;
    // One identity-day in 2^12 is 0.24 of 1,000; never below what an alert needs.
    assert.deepEqual([bits, alert_bits], [100, 100]);
    assert.deepEqual(contributions, [{ detector: 'fake_volume', bits: 100, share: 1 }]);
    assert.deepEqual([findings[0]?.detector, findings[0]?.contributed], ['fake_volume', 100]);
  });

  test('is none beyond its tenth of the budget: two of 1,000 identity-days, 8.97 bits', () => {
    assert.equal(alertsOf(modelWith({ day_bits: 8.9, reached: 20 })).length, 0);
    assert.equal(alertsOf(modelWith({ day_bits: 9, reached: 20 })).length, 1);
    assert.equal(alertsOf(modelWith({ day_bits: 9, reached: 5 })).length, 0);
  });

  test('is not handed on as a surprise of its event, which was none', () => {
    const model = modelWith({ day_bits: 8.9, reached: 20 });
    const explained = model.explain;
    const subject = { kind: 'tool', value: 'send_report' } as const;
    const named: Model = {
      ...model,
      // The day's bits as the fleet corrects them are many, and what the event names is new.
      score: () => ({ bits: 3, parts: [3, 30] }),
      explain: (...asked) => explained(...asked).map((draft) => ({ ...draft, pattern: 'first_seen_tool', subject })),
    };
    const steps = outputsOf(named);
    assert.ok(steps.every(({ outputs }) => outputs.alerts.length + outputs.findings.length === 0));
    assert.ok(steps.every(({ outputs }) => outputs.handed.every(({ type }) => type !== 'finding')));
  });

  test('is none while nobody knows what the fleet reaches, nor below six bits, whatever the budget', () => {
    assert.equal(alertsOf(modelWith({ day_bits: 60, reached: undefined })).length, 0);
    assert.equal(alertsOf(modelWith({ day_bits: 5.9, reached: 1000 })).length, 0);
  });
});
