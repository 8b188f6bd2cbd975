import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Severity } from '../../schemas/alert.ts';
import { poissonSpan } from '../../services/cli/recorded/week/budget.ts';
import { calendarOf } from '../../services/cli/recorded/week/calendar.ts';
import { compareRuns } from '../../services/cli/recorded/week/compare.ts';
import type { Ledger, LedgerAlert } from '../../services/cli/recorded/week/ledger.ts';
import { weekOf } from '../../services/cli/recorded/week/week.ts';
import { showComparison } from '../../services/cli/show/comparison.ts';
import { showWeek } from '../../services/cli/show/week.ts';
import { layOut } from '../../services/cli/table.ts';
import { type Terminal, wrap } from '../../services/cli/terminal.ts';

/** A Wednesday. */
const START_MS = Date.UTC(2026, 2, 11);
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const DAY = START_MS / DAY_MS;
const RULES = { budget: 20, without: [] };

type Given = {
  readonly uid: string;
  readonly identity?: string;
  readonly day: number;
  readonly hours?: number | undefined;
  readonly severity?: Severity;
  readonly detector?: string;
  readonly learning?: boolean;
  readonly events?: readonly string[];
  readonly sentence?: string;
};

function alertOf(given: Given): LedgerAlert {
  const { uid, identity = 'a1', day, hours = 4, severity = 'medium', detector = 'call_rate', learning = false } = given;
  const created = START_MS + day * DAY_MS + HOUR_MS;
  const sentence = given.sentence ?? `${uid} happened`;
  return {
    uid,
    key: `default\u0000${identity}`,
    identity,
    title: uid,
    severity,
    bits: 20,
    created,
    closed: hours < 0 ? undefined : created + hours * HOUR_MS,
    revisions: 3,
    learning,
    opened_by: { detector, pattern: `${detector}_odd`, sentence },
    sentence,
    events: new Set(given.events ?? [uid]),
    sessions: new Set(),
  };
}

/** Ten days of two identities that work every day. */
function ledgerOf(alerts: readonly Given[], change: Partial<Ledger> = {}): Ledger {
  const days = new Set(Array.from({ length: 10 }, (_, i) => DAY + i));
  const identities = ['a1', 'a2'].map((id) => {
    return { key: `default\u0000${id}`, tenant: 'default', id, group: id === 'a1' ? 'desk' : 'lab', days };
  });
  return {
    add: () => assert.fail('a ledger that is written'),
    alerts: alerts.map(alertOf),
    identities,
    span: { from_ms: START_MS, to_ms: START_MS + 10 * DAY_MS - 1 },
    thresholds: [{ at_ms: START_MS + 5 * DAY_MS, alert_bits: 17.5 }],
    own_since_ms: START_MS + 5 * DAY_MS,
    ...change,
  };
}

/** A terminal of so many columns whose lines are kept. */
function screen(columns: number): { readonly terminal: Terminal; readonly text: () => string } {
  const lines: string[] = [];
  const line = (text = ''): void => void lines.push(text);
  const nothing = (): void => undefined;
  const terminal: Terminal = {
    json: false,
    interactive: false,
    columns,
    line,
    paragraph: (text, indent = 0) => {
      for (const part of wrap(text, columns - indent)) line(' '.repeat(indent) + part);
    },
    record: nothing,
    table: (head, rows, options = {}) => line(layOut(head, rows, columns, options)),
    progress: nothing,
    progressDone: nothing,
    note: nothing,
    style: (_format, text) => text,
  };
  return { terminal, text: () => lines.join('\n') };
}

describe("the analyst's week", () => {
  test('counts days, weeks and weekdays of the whole recording', () => {
    const { by_day, by_week, by_weekday, alerts_a_day } = calendarOf(
      ledgerOf([
        { uid: 'x', day: 0 },
        { uid: 'y', day: 0 },
        { uid: 'z', day: 5 },
        { uid: 'late', day: 10 },
      ]),
    );
    assert.equal(by_day.length, 11, 'an alert that was raised after the last event has a day as well');
    assert.deepEqual(by_day[0], { date: '2026-03-11', weekday: 'Wed', alerts: 2, identities: 2 });
    assert.deepEqual(by_day[10], { date: '2026-03-21', weekday: 'Sat', alerts: 1, identities: 0 });
    assert.deepEqual(by_week, [
      { monday: '2026-03-09', days: 5, alerts: 2 },
      { monday: '2026-03-16', days: 6, alerts: 2 },
    ]);
    assert.deepEqual(
      by_weekday.map(({ weekday, days, alerts }) => `${weekday} ${days} ${alerts}`),
      ['Mon 1 1', 'Tue 1 0', 'Wed 2 2', 'Thu 2 0', 'Fri 2 0', 'Sat 2 1', 'Sun 1 0'],
    );
    assert.equal(alerts_a_day, 0.4);
  });

  test('is empty for a recording without events', () => {
    const nothing = ledgerOf([], { identities: [], span: undefined, thresholds: [], own_since_ms: undefined });
    const week = weekOf(nothing, RULES);
    assert.deepEqual([week.alerts, week.by_day, week.open.hours_median, week.budget.met], [0, [], null, null]);
    const { terminal, text } = screen(100);
    showWeek(terminal, week);
    assert.match(text(), /0 alerts in 0 days/);
    assert.doesNotMatch(text(), /NaN|undefined|null/);
  });

  test('says how long alerts stay open, how many at once, and on whom', () => {
    const week = weekOf(
      ledgerOf([
        { uid: 'a', day: 0, hours: 2, learning: true },
        { uid: 'b', day: 0, hours: 10, severity: 'high' },
        { uid: 'c', day: 1, hours: 5 },
        { uid: 'd', day: 9, hours: -1, identity: 'a2', detector: 'failure_run' },
      ]),
      RULES,
    );
    assert.deepEqual(week.open, {
      closed: 3,
      still_open: 1,
      hours_median: 5,
      hours_p90: 10,
      hours_most: 10,
      at_once_most: 2,
    });
    assert.deepEqual(week.learning, { alerts: 1, share: 0.25 });
    assert.deepEqual(week.revisions, { all: 12, per_alert: 3, most: 3 });
    assert.deepEqual(week.by_severity, { high: 1, medium: 3 });
    assert.deepEqual([week.identity_days, week.alerts_per_1000_identity_days], [20, 200]);
    assert.deepEqual(
      week.by_group.map((group) => [group.peer_group, group.identity_days, group.alerts]),
      [
        ['desk', 10, 3],
        ['lab', 10, 1],
      ],
    );
    assert.deepEqual(
      week.noise.map(({ detector, alerts, worst }) => [detector, alerts, worst.identity, worst.alerts]),
      [
        ['call_rate', 3, 'a1', 3],
        ['failure_run', 1, 'a2', 1],
      ],
    );
    assert.equal(week.noise[0]?.examples.length, 3);
  });

  test('judges the budget only by the days on which the thresholds were the own of the fleet', () => {
    const early = Array.from({ length: 9 }, (_, i) => ({ uid: `early-${i}`, day: 1 }));
    const late = [{ uid: 'late', day: 7 }];
    const { budget } = weekOf(ledgerOf([...early, ...late]), { budget: 100, without: [] });
    assert.deepEqual([budget.identity_days, budget.asked, budget.came, budget.ratio, budget.met], [10, 1, 1, 1, true]);
    const over = weekOf(ledgerOf([...late, { uid: 'more', day: 8 }]), { budget: 100, without: [] }).budget;
    assert.deepEqual([over.came, over.ratio, over.met], [2, 2, false]);
    assert.ok(over.came <= over.by_chance[1], 'two for one is chance');
    const short = weekOf(ledgerOf(early, { own_since_ms: undefined }), RULES).budget;
    assert.deepEqual([short.own_thresholds_since, short.ratio, short.met], [null, null, null]);
  });

  test('the span of chance has the exact quantiles, and meets its limit', () => {
    assert.deepEqual(poissonSpan(0), [0, 0]);
    assert.deepEqual(poissonSpan(1), [0, 3]);
    assert.deepEqual(poissonSpan(10), [4, 17]);
    const [exact, limit] = [poissonSpan(500), poissonSpan(500.001)];
    assert.ok(Math.abs(exact[0] - limit[0]) <= 2 && Math.abs(exact[1] - limit[1]) <= 2, `${exact} ${limit}`);
  });
});

describe('two runs', () => {
  const a = ledgerOf([
    { uid: 'same', day: 1, events: ['e1'] },
    { uid: 'other-name', day: 2, events: ['e2', 'e3'] },
    { uid: 'lost', day: 3, severity: 'high', detector: 'failure_run' },
    { uid: 'alike', day: 4, events: ['e5'] },
  ]);
  const b = ledgerOf([
    { uid: 'same', day: 1, events: ['e9'] },
    { uid: 'renamed', day: 2, events: ['e3'] },
    { uid: 'its other half', day: 2, events: ['e2'] },
    { uid: 'elsewhere', day: 4, events: ['e5'], identity: 'a2' },
  ]);
  const comparison = compareRuns({ ledger: a, rules: RULES }, { ledger: b, rules: { budget: 50, without: [] } });

  test('have an alert in common when it is about the same events of the same identity', () => {
    const { in_both, only_a, only_b, lost, won } = comparison;
    assert.deepEqual([in_both, only_a, only_b], [{ a: 2, b: 3 }, 2, 1]);
    assert.deepEqual(
      lost.map(({ alert }) => alert),
      ['lost', 'alike'],
    );
    assert.deepEqual(
      won.map(({ alert }) => alert),
      ['elsewhere'],
    );
  });

  test('are split by detector and by identity', () => {
    assert.deepEqual(comparison.by_detector, [
      { detector: 'call_rate', a: 3, b: 4, only_a: 1, only_b: 1 },
      { detector: 'failure_run', a: 1, b: 0, only_a: 1, only_b: 0 },
    ]);
    assert.deepEqual(
      comparison.by_identity.map(({ identity, only_a, only_b }) => [identity, only_a, only_b]),
      [
        ['a1', 2, 0],
        ['a2', 0, 1],
      ],
    );
  });

  test('that are the same have nothing to lose', () => {
    const { only_a, only_b, lost } = compareRuns({ ledger: a, rules: RULES }, { ledger: a, rules: RULES });
    assert.deepEqual([only_a, only_b, lost], [0, 0, []]);
  });
});

describe('on a terminal', () => {
  test('no line is wider than it, and what agents chose moves no cursor', () => {
    const hostile = '\u001b[2J\u202eevil\n';
    const long = Array.from({ length: 60 }, () => 'word').join(' ');
    const given = Array.from({ length: 30 }, (_, i) => {
      return { uid: `${hostile}${i}`, day: i % 10, identity: `${hostile}${i}`, sentence: `${hostile}${long}` };
    });
    const ledger = ledgerOf(given);
    const week = weekOf(ledger, RULES);
    const { terminal, text } = screen(100);
    showWeek(terminal, week);
    showComparison(terminal, week, compareRuns({ ledger, rules: RULES }, { ledger: ledgerOf([]), rules: RULES }));
    const shown = text();
    assert.match(shown, /\\u001b\[2J\\u202eevil\\u000a/);
    assert.doesNotMatch(shown, /[\u0000-\u0009\u000b-\u001f\u007f\u202e]/);
    assert.deepEqual(
      shown.split('\n').filter((line) => line.length > 100),
      [],
    );
  });
});
