import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Profile } from '../../detectors/contract.ts';
import { bearingOf, concludeWatch, EFFECT_PATTERNS, failureDraft, type Seen } from '../../detectors/effect.ts';
import { type AlertFacts, describeAlert } from '../../detectors/recommend.ts';
import { MAPPED_PATTERNS } from '../../detectors/techniques.ts';
import { CONTAINMENT_ACTIONS, type ContainmentAction } from '../../schemas/alert.ts';
import type { Impact } from '../../schemas/alert-facts.ts';
import type { EffectWatch } from '../../schemas/effect.ts';
import { Finding } from '../../schemas/finding.ts';
import { eventOf, HOUR_MS, NOON_MS } from '../detect/support.ts';

const profile: Profile = {
  events: 600,
  sessions: 40,
  first_ms: NOON_MS - 24 * HOUR_MS,
  last_ms: NOON_MS,
  maturity: 'learning',
  relearning: [],
  baselines: [],
};

const ABOUT = {
  restrict_tool: { tool: 'mail.send' },
  restrict_data_class: { classification: 'restricted' },
  quarantine_session: { session: 's1' },
  revoke_credential: { credential: 'key-1' },
  suspend_agent: {},
} as const satisfies Record<ContainmentAction, object>;

function watchOf(action: ContainmentAction): EffectWatch {
  const predicate = { tenant: 'default', identity: 'agent', ...ABOUT[action] };
  return { containment: 'c'.repeat(32), action, predicate, from: NOON_MS, until: NOON_MS + 24 * HOUR_MS };
}

function failureOf(action: ContainmentAction, permitted = 1): Finding {
  const event = eventOf('e', { time: NOON_MS + HOUR_MS });
  const draft = failureDraft(watchOf(action), event, { permitted, profile });
  const evidence = [{ key: event.key, id: event.id, time: event.time }];
  return Finding.parse({ id: `f${permitted}`, ...draft, time: event.time, log_time: event.time, evidence });
}

const FAILED_IMPACT: Impact = { events: 1, refused: 0, failed: 0, operations: ['read'], bytes_out: 0, records: 0 };

function described(findings: readonly Finding[], over: Partial<AlertFacts> = {}, impact: Impact = FAILED_IMPACT) {
  const scored = { bits: 64, alert_bits: 64, impact };
  return describeAlert({ identity: { id: 'agent', kind: 'agent' }, findings, scored, session: 's1', ...over });
}

describe('the alert about a containment that does not hold', () => {
  test('says so first, is high by itself, and asks for more than what failed', () => {
    const next: Record<ContainmentAction, ContainmentAction> = {
      restrict_tool: 'suspend_agent',
      restrict_data_class: 'suspend_agent',
      quarantine_session: 'revoke_credential',
      revoke_credential: 'suspend_agent',
      suspend_agent: 'revoke_credential',
    };
    for (const action of CONTAINMENT_ACTIONS) {
      const { title, summary, severity, grounds, recommendation, alternatives } = described([failureOf(action)], {
        credential: 'key-1',
      });
      assert.match(title, /^Containment failed: agent still /);
      assert.match(summary, new RegExp(`^Containment c{32} \\(${action}\\) was carried out, and .* 60 minutes after`));
      assert.deepEqual([severity, grounds?.[0]?.ground], ['high', 'containment_failed']);
      assert.equal(recommendation.action, next[action]);
      assert.equal(recommendation.target, next[action] === 'revoke_credential' ? 'key-1' : 'agent');
      const failed = alternatives?.find((one) => one.action === action);
      assert.equal(failed?.why_not, 'It was carried out and does not hold.');
      assert.deepEqual(
        [recommendation.action, ...(alternatives ?? []).map((one) => one.action)].toSorted(),
        [...CONTAINMENT_ACTIONS].toSorted(),
      );
    }
  });

  test('proposes the same once more where there is no other lever', () => {
    const { recommendation } = described([failureOf('suspend_agent')]);
    assert.deepEqual([recommendation.action, recommendation.target], ['suspend_agent', 'agent']);
  });

  test('is critical where the call did what hurts, and never less than high', () => {
    const acts: Impact = { ...FAILED_IMPACT, operations: ['execute'] };
    assert.equal(described([failureOf('restrict_tool')], {}, acts).severity, 'critical');
    const failing: Impact = { ...FAILED_IMPACT, events: 9, failed: 8 };
    assert.equal(described([failureOf('restrict_tool')], {}, failing).severity, 'high');
  });

  test('stays about that when other findings join, and tells the latest count', () => {
    const loud: Finding = {
      ...failureOf('restrict_tool'),
      detector: 'tool_frequency',
      pattern: 'first_seen_tool',
      bits: 90,
    };
    const { title, summary } = described([loud, failureOf('restrict_tool', 1), failureOf('restrict_tool', 8)]);
    assert.match(title, /^Containment failed/);
    assert.match(summary, /8 events by then/);
  });

  test('names techniques', () => {
    for (const pattern of EFFECT_PATTERNS) assert.ok(MAPPED_PATTERNS.includes(pattern), pattern);
    assert.equal(EFFECT_PATTERNS.length, CONTAINMENT_ACTIONS.length);
  });
});

test('a tool is known by the name that the detectors give it', () => {
  const watch = { ...watchOf('restrict_tool'), predicate: { tenant: 'default', identity: 'agent', tool: 'deploy' } };
  const event = eventOf('e');
  assert.equal(bearingOf(watch, { ...event, tool: { name: 'deploy' } }), 'permitted');
  assert.equal(bearingOf(watch, { ...event, action: { operation: 'execute', name: 'deploy' } }), 'permitted');
  assert.equal(
    bearingOf(watch, { ...event, tool: { name: 'read' }, action: { operation: 'execute', name: 'deploy' } }),
    'other',
  );
});

test('a name that is no well-formed text does not escape', () => {
  const watch = { ...watchOf('restrict_tool'), predicate: { tenant: 'default', identity: 'agent', tool: 'x\ufffd' } };
  assert.equal(bearingOf(watch, { ...eventOf('e'), tool: { name: 'x\ud800' } }), 'permitted');
});

describe('what a watch that is over says', () => {
  const nothing: Seen = { permitted: 0, refused: 0, others: 0, backdated: 0, source_newest: NOON_MS, away_ms: 0 };
  const says = (seen: Partial<Seen>): string =>
    concludeWatch(watchOf('revoke_credential'), { ...nothing, ...seen }).finding;

  test('follows from the worst that was seen', () => {
    assert.equal(says({}), 'verified');
    assert.equal(says({ permitted: 1, refused: 9, backdated: 1 }), 'failed');
    assert.equal(says({ refused: 9, backdated: 1 }), 'untested');
    assert.equal(says({ refused: 1, source_newest: 0, away_ms: 24 * HOUR_MS }), 'verified');
  });

  test('is nothing where its source was not heard, or not for half of the time', () => {
    assert.equal(says({ source_newest: NOON_MS - 1 }), 'untested');
    assert.equal(says({ others: 3, away_ms: 12 * HOUR_MS }), 'untested');
    assert.equal(says({ away_ms: 12 * HOUR_MS - 1 }), 'verified');
  });
});
