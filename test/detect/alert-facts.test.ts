import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Alert } from '../../schemas/alert.ts';
import { Impact, StrongestEvent } from '../../schemas/alert-facts.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { factsOf } from '../../services/detect/alert-facts.ts';
import { plainAlert } from '../ocsf/alerts.ts';
import { eventOf, NOON_MS } from './support.ts';

type AtHand = Parameters<typeof factsOf>[1];
const at_hand = (bits: number, more: Partial<CanonicalEvent> = {}, id = `e${bits}`): AtHand => ({
  event: { ...eventOf(id), ...more },
  bits,
  alert_bits: 14,
  contributions: [{ detector: 'd', bits, share: 1 }],
});
const after = (first: AtHand, ...rest: AtHand[]): ReturnType<typeof factsOf> =>
  rest.reduce((facts, next) => factsOf(plainAlert(facts), next), factsOf(undefined, first));

describe('the strongest event of an alert', () => {
  test('is told in its few decisive fields', () => {
    const resources = [
      { id: 'a', store: 's', classification: 'internal' },
      { id: 'b', store: 't', classification: 'restricted', kind: 'file' },
    ];
    const { strongest } = after(
      at_hand(20, {
        resources,
        tool: { name: 'send', server: 'mail' },
        volume: { bytes_out: 7 },
        outcome: { status: 'ok', code: '200' },
        source: { ip: '10.0.0.1' },
      }),
    );
    assert.deepEqual(StrongestEvent.parse(strongest), strongest);
    assert.deepEqual(strongest, {
      key: eventOf('e20').key,
      id: 'e20',
      time: NOON_MS,
      session: 's',
      operation: 'read',
      tool: 'send',
      resource: { id: 'b', store: 't', classification: 'restricted' },
      resources: 2,
      bytes_out: 7,
      outcome: 'ok',
      outcome_code: '200',
      source: { ip: '10.0.0.1' },
    });
  });

  test('gives way to a stronger one alone, with its threshold and contributions', () => {
    const facts = after(at_hand(20), at_hand(30), at_hand(30, {}, 'as strong'), at_hand(9));
    assert.deepEqual(
      [facts.bits, facts.alert_bits, facts.strongest?.id, facts.contributions],
      [30, 14, 'e30', [{ detector: 'd', bits: 30, share: 1 }]],
    );
  });

  test('of an alert of before there was one stays unknown until a stronger event comes', () => {
    const old = plainAlert({ bits: 25 });
    assert.equal(old.strongest, undefined);
    assert.deepEqual(Object.keys(factsOf(old, at_hand(20))).sort(), ['bits', 'impact']);
    assert.equal(factsOf(old, at_hand(26)).strongest?.id, 'e26');
    assert.deepEqual(Alert.parse(old), old, 'and the alert is read as it is');
  });
});

test('what is found without an event has no strongest one and no impact, and takes none away', () => {
  assert.deepEqual(factsOf(undefined, { bits: 20, alert_bits: 14 }), { bits: 20, alert_bits: 14 });
  const facts = factsOf(plainAlert(after(at_hand(20))), { bits: 30, alert_bits: 15 });
  assert.deepEqual([facts.bits, facts.alert_bits, facts.strongest?.id, facts.impact?.events], [30, 14, 'e20', 1]);
});

test('the impact counts what went through, and what did not', () => {
  const { impact } = after(
    at_hand(20, { volume: { bytes_out: 5, records: 2 } }),
    at_hand(9, { outcome: { status: 'denied' }, volume: { bytes_out: 100 } }),
    at_hand(9, { outcome: { status: 'error' }, resources: [{ id: 'x', classification: 'restricted' }] }),
    at_hand(9, { action: { operation: 'export' }, resources: [{ id: 'x', classification: 'secret' }] }),
    at_hand(9, { resources: [{ id: 'x', classification: 'internal' }], outcome: { status: 'unknown' } }),
  );
  assert.deepEqual(Impact.parse(impact), impact);
  assert.deepEqual(impact, {
    events: 5,
    refused: 1,
    failed: 1,
    operations: ['read', 'export'],
    classification: 'secret',
    bytes_out: 5,
    records: 2,
  });
});
