import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AlertHabit, NearestSession } from '../../schemas/api/explanation.ts';
import { explanationOf } from '../../services/api/explanation.ts';
import { plainAlert } from '../ocsf/alerts.ts';

const START = plainAlert().first_time;
const HABIT: AlertHabit = {
  history: { from: 0, to: START, events: 1_204, sessions: 96, same_tool: 9 },
  tool: 'send_mail',
  previous: 'read_contract',
  following: {
    places: 95,
    same: 2,
    tools: [
      { name: 'search_clauses', count: 40 },
      { name: 'chat', count: 25 },
      { name: 'send_mail', count: 2 },
    ],
  },
  resources: { distinct: 7, most_used: [{ store: 'outbound', id: 'esme@example.net', count: 2 }] },
  volumes: [
    { span: 'hour', measure: 'bytes_out', observed: 5e6, median: 1e5, high: 6e5, known: 80 },
    { span: 'session', measure: 'bytes_out', observed: 5e6, median: 1e5, high: 4e5, known: 96 },
    { span: 'session', measure: 'calls', observed: 10, median: 5, high: 7, known: 96 },
    { span: 'day', measure: 'calls', observed: 10, median: 30, high: 50, known: 15 },
  ],
};
const NEAREST: NearestSession = {
  whose: 'identity',
  identity: 'agent:invoice-triage-07',
  session: 's-1',
  first_time: START - 86_400_000,
  last_time: START - 86_000_000,
  steps: 9,
  alerted_steps: 9,
  same: 7,
  similarity: 7 / 11,
  only_alerted: [{ tool: 'send_mail', store: 'outbound', resource: 'x@example.net', count: 2 }],
  only_past: [{ tool: 'chat', count: 1 }],
};

describe('what stands beside the data of an alert', () => {
  const words = explanationOf(plainAlert({ finding_count: 12, last_time: START + 1_020_000 }), HABIT, NEAREST);

  test('is told in these words', () => {
    assert.deepEqual(words, {
      since:
        'Since 2026-03-02 09:14 UTC, 12 findings until 2026-03-02 09:31 UTC (17 minutes). It may still be going on.',
      habit: 'Known: 18,204 events in 611 sessions over 27.5 days.',
      normal: [
        'After read_contract (95 times) it called search_clauses (42 %), chat (26 %), and send_mail (2.1 %).',
        'It used send_mail in 9 of 1,204 calls before, on 7 resources, most often on outbound/esme@example.net (twice).',
        'This session 5.0 MB were moved out; the median session has 100 kB, and 95 % of them at most 400 kB.',
        'This session 10 calls were made; the median session has 5 calls, and 95 % of them at most 7 calls.',
      ],
      nearest:
        'Most like session s-1 of 2026-03-01 09:14 UTC, which shares 7 of 9 steps. Only in the alerted one: ' +
        'send_mail on x@example.net (twice). Only in the other: chat.',
    });
  });

  test('says what is not known', () => {
    const alert = plainAlert({ status: 'closed', closed_reason: 'false_positive', sessions: [] });
    const none: AlertHabit = {
      history: { from: 0, to: 0, events: 0, sessions: 0, same_tool: 0 },
      tool: 'send_mail',
      following: { places: 0, same: 0, tools: [] },
      resources: { distinct: 0, most_used: [] },
      volumes: [],
    };
    assert.deepEqual(explanationOf(alert, none, undefined), {
      since: 'Since 2026-03-02 09:14 UTC, 1 finding. An analyst has judged it: false positive.',
      habit: 'Known: 18,204 events in 611 sessions over 27.5 days.',
      normal: ['Nothing that it did in the 30 days before is stored, or all of it belongs to alerts.'],
      nearest: 'The events name no session to compare.',
    });
    const expired = explanationOf(plainAlert(), undefined, undefined);
    assert.deepEqual([expired.normal, expired.nearest], [[], 'No session before has anything in common with it.']);
  });

  test('says since when the habit is known, and whose yardstick it is', () => {
    const [finding] = plainAlert().findings;
    assert.ok(finding !== undefined);
    const habit = (history: Partial<typeof finding.history>): string =>
      explanationOf(
        plainAlert({ findings: [{ ...finding, history: { ...finding.history, ...history } }] }),
        HABIT,
        NEAREST,
      ).habit;
    assert.equal(
      habit({ since: START - 2_376_000_000, maturity: 'learning', sessions: 1 }),
      'Known since 2026-02-02 21:14 UTC: 18,204 events in 1 session over 27.5 days. Still being learned; what its peers do counts as well.',
    );
    assert.match(habit({ sessions: 0, events: 0 }), /^Nothing was learned of this identity before; what its peers do/);
  });

  test('a first call, a tool always or never used, a peer and totals within the habit read as such', () => {
    const { previous: _, ...first } = HABIT;
    const only = { places: 4, same: 4, tools: [{ name: 'send_mail', count: 4 }] };
    const history = { ...HABIT.history, same_tool: 0 };
    const changed = { ...first, following: only, history, volumes: HABIT.volumes.slice(3) };
    const peer: NearestSession = {
      ...NEAREST,
      whose: 'peer_group',
      identity: 'agent-2',
      only_past: [],
      only_alerted: [],
    };
    const { normal, nearest } = explanationOf(plainAlert(), changed, peer);
    assert.deepEqual(normal, [
      'At the beginning of a session (4 times) it always called send_mail.',
      'It never used send_mail in 1,204 calls before.',
      'What it moved and how often it called is within the habit of its hours, days and sessions.',
    ]);
    assert.equal(
      nearest,
      'Most like session s-1 of 2026-03-01 09:14 UTC, of its peer agent-2, which shares 7 of 9 steps. Invoice triage 07 has no like session of its own.',
    );
  });
});
