import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeAlert } from '../../detectors/recommend.ts';
import { StateSlab } from '../../detectors/state.ts';
import type { Finding } from '../../schemas/finding.ts';
import { LIMITS, UNITS } from '../../schemas/limits.ts';
import { closeAlert, type Grouped, groupFindings } from '../../services/detect/alerts.ts';
import { decodeIdentity, encodeIdentity } from '../../services/detect/blob.ts';
import type { IdentityState } from '../../services/detect/identity.ts';
import { Residents } from '../../services/detect/residents.ts';
import { forgetResting, restAlert } from '../../services/detect/resting.ts';
import { fakeModel } from '../support/fake-model.ts';

/** An agent with other tools surprises every day: one alert comes back, and another harm opens its own. */

const START_MS = Date.UTC(2026, 0, 5, 9);
const ALERT_BITS = 16;
const { DAY_MS, HOUR_MS } = UNITS;

let serial = 0;
function finding(pattern: string, subject: Finding['subject'], bits: number): Finding {
  return {
    id: `f${serial++}`,
    detector: pattern,
    family: 'tool_usage',
    pattern,
    time: START_MS + serial,
    log_time: START_MS + serial,
    probability: 2 ** -bits,
    bits,
    ...(subject === undefined ? {} : { subject }),
    observed: { name: 'seen', value: 0 },
    expected: { name: 'expected', value: 0.1 },
    history: { events: 100, sessions: 60, days: 9, maturity: 'mature', basis: 'identity' },
    evidence: [{ key: `${serial}`.padStart(32, '0'), id: `e${serial}`, time: START_MS + serial }],
    sentence: `${pattern}.`,
  };
}
const newTool = (value: string, bits = 12): Finding => finding('first_seen_tool', { kind: 'tool', value }, bits);
const server = (value: string): Finding => finding('first_seen_server', { kind: 'server', value }, 9);
const version = (value: string): Finding => finding('first_seen_version', { kind: 'version', value }, 12);
const access = (kind: string, value: string): Finding => finding(`first_seen_${kind}`, { kind, value }, 14);
const reached = (value: string): Finding => finding('sensitivity_reached', { kind: 'classification', value }, 10);
const target = (value: string): Finding => finding('first_seen_target', { kind: 'resource', value }, 12);
const moved = (): Finding => finding('volume_session', undefined, 18);

const stateOf = (): IdentityState => new Residents(fakeModel()).create('default/a', 'g');

function raise(
  state: IdentityState,
  log_ms: number,
  findings: readonly Finding[],
  { session = `s${log_ms}`, watched = false } = {},
): Grouped {
  state.clock_ms = log_ms;
  const identity = { id: 'a', kind: 'agent' as const, version: 'r2' };
  const alert_bits = watched ? 0 : ALERT_BITS;
  const context = { tenant: 'default', identity, session, log_ms, bits: 20, alert_bits, watched };
  return groupFindings(state, findings, context, describeAlert);
}

/** All open alerts fall quiet, as time passing closes them. */
function quiet(state: IdentityState): void {
  for (const open of state.alerts.splice(0)) {
    state.clock_ms = open.quiet_due;
    closeAlert(open, 'quiet', open.quiet_due);
    restAlert(state, open);
  }
}

describe('a re-tooled agent', () => {
  test('has one alert for days, which comes back open and is told each time', () => {
    const state = stateOf();
    const first = raise(state, START_MS, [newTool('convert'), server('kit')]);
    for (let day = 1; day <= 5; day++) {
      quiet(state);
      const again = raise(state, START_MS + day * DAY_MS, [newTool('convert'), server('kit')]);
      assert.equal(again.uid, first.uid);
      assert.deepEqual([again.revision?.status, again.revision?.closed_reason], ['open', undefined]);
      assert.equal(again.revision?.revision, 1 + 2 * day, 'once closed and once open again');
      assert.equal(again.revision?.finding_count, 2 + 2 * day);
    }
    assert.equal(state.alerts.length, 1);
  });

  test('joins it with another tool of the same server, but not with a tool of its own', () => {
    const state = stateOf();
    const first = raise(state, START_MS, [newTool('convert'), server('kit')]);
    quiet(state);
    assert.equal(raise(state, START_MS + DAY_MS, [newTool('render'), server('kit')]).uid, first.uid);
    quiet(state);
    assert.notEqual(raise(state, START_MS + 2 * DAY_MS, [newTool('send_money')]).uid, first.uid);
  });

  test('opens another alert for another harm with the same tool, unless that is too weak to stand for itself', () => {
    const harms = [
      finding('volume_hour', undefined, 14),
      finding('first_seen_target', { kind: 'resource', value: 'elsewhere' }, 12),
      finding('sensitivity_reached', { kind: 'classification', value: 'restricted' }, 10),
      finding('first_seen_address', { kind: 'address', value: '10.0.0.0/24' }, 9),
      finding('argument_size', { kind: 'tool', value: 'convert' }, 15),
    ];
    for (const harm of harms) {
      const state = stateOf();
      const first = raise(state, START_MS, [newTool('convert')]);
      quiet(state);
      assert.notEqual(raise(state, START_MS + DAY_MS, [newTool('convert'), harm]).uid, first.uid, harm.pattern);
    }
    const state = stateOf();
    const first = raise(state, START_MS, [newTool('convert')]);
    quiet(state);
    const weak = { ...harms[1]!, bits: 5 };
    assert.equal(raise(state, START_MS + DAY_MS, [newTool('convert'), weak]).uid, first.uid);
  });

  test('whose days add up has one alert for the sum, and another for an amount beside it', () => {
    for (const pattern of ['egress_drift', 'low_and_slow', 'sensitivity_creep']) {
      const state = stateOf();
      const first = raise(state, START_MS, [finding(pattern, undefined, 17)]);
      quiet(state);
      const next = raise(state, START_MS + DAY_MS, [finding(pattern, undefined, 19)]);
      assert.deepEqual([next.uid, next.revision?.status], [first.uid, 'open'], pattern);
      quiet(state);
      const burst = raise(state, START_MS + 2 * DAY_MS, [finding(pattern, undefined, 19), moved()]);
      assert.notEqual(burst.uid, first.uid, pattern);
    }
  });

  test('is told anew after a week of quiet, and after two weeks in any case', () => {
    const idle = stateOf();
    const first = raise(idle, START_MS, [newTool('convert')]);
    quiet(idle);
    const later_ms = START_MS + LIMITS.alert_quiet_ms + LIMITS.alert_rest_ms;
    assert.notEqual(raise(idle, later_ms, [newTool('convert')]).uid, first.uid);
    const busy = stateOf();
    const uids = Array.from({ length: 20 }, (_, day) => {
      quiet(busy);
      return raise(busy, START_MS + day * DAY_MS, [newTool('convert')]).uid;
    });
    assert.equal(new Set(uids).size, 2);
    assert.equal(uids.lastIndexOf(uids[0]), LIMITS.held_expiry_ms / DAY_MS - 1);
  });

  test('is judged once: after a verdict the next one is another alert', () => {
    const state = stateOf();
    const first = raise(state, START_MS, [newTool('convert')]);
    quiet(state);
    forgetResting(state, first.uid ?? '');
    assert.notEqual(raise(state, START_MS + DAY_MS, [newTool('convert')]).uid, first.uid);
  });

  test('has few resting alerts, and those of other stories are none', () => {
    const state = stateOf();
    raise(state, START_MS, [finding('volume_hour', undefined, 30)]);
    quiet(state);
    assert.deepEqual(state.resting, []);
    for (let n = 0; n < 9; n++) {
      raise(state, START_MS + n * HOUR_MS, [newTool(`tool-${n}`)]);
      quiet(state);
    }
    assert.equal(state.resting.length, LIMITS.alerts_resting_per_identity_max);
  });

  test('goes on after a restart', () => {
    const model = fakeModel();
    const state = new Residents(model).create('default/a', 'g');
    const first = raise(state, START_MS, [newTool('convert')]);
    quiet(state);
    const slab = new StateSlab(model.words);
    const copy = decodeIdentity('default/a', 1, encodeIdentity(state, model, slab), model, slab);
    assert.deepEqual(copy.resting, state.resting);
    assert.equal(raise(copy, START_MS + DAY_MS, [newTool('convert')]).uid, first.uid);
  });

  test('is described as such', () => {
    const all = [
      newTool('convert'),
      newTool('render'),
      server('kit'),
      finding('first_seen_version', { kind: 'version', value: 'r2' }, 9),
    ];
    const { revision } = raise(stateOf(), START_MS, all);
    assert.match(revision?.summary ?? '', /Since version r2 it uses convert and render of kit, which it never did\./);
    const one = raise(stateOf(), START_MS, [newTool('convert')]);
    assert.doesNotMatch(one.revision?.summary ?? '', /Lately/);
  });
});

describe('an agent that was given another credential', () => {
  test('and another version at the same time has one alert for days', () => {
    const state = stateOf();
    const change = (): Finding[] => [version('r5'), access('credential', 'sa-854d')];
    const first = raise(state, START_MS, change());
    for (let day = 1; day <= 5; day++) {
      quiet(state);
      assert.equal(raise(state, START_MS + day * DAY_MS, change()).uid, first.uid);
    }
    quiet(state);
    const other = raise(state, START_MS + 6 * DAY_MS, [version('r5'), access('credential', 'sa-stolen')]);
    assert.notEqual(other.uid, first.uid, 'another credential is another harm');
  });

  test('or place has one alert for days, and another credential or place one of its own', () => {
    for (const kind of ['credential', 'address', 'network', 'workload']) {
      const state = stateOf();
      const first = raise(state, START_MS, [access(kind, 'x')]);
      quiet(state);
      const again = raise(state, START_MS + DAY_MS, [access(kind, 'x')]);
      assert.deepEqual([again.uid, again.revision?.status, again.revision?.revision], [first.uid, 'open', 3], kind);
      quiet(state);
      assert.notEqual(raise(state, START_MS + 2 * DAY_MS, [access(kind, 'y')]).uid, first.uid, kind);
    }
  });

  test('opens another alert for every amount, rate and run, whether the one that rests showed it or not', () => {
    const runs = ['volume_session', 'egress_day', 'call_rate', 'resource_sweep', 'denial_burst', 'two_places'];
    for (const pattern of runs) {
      const harm = (): Finding => finding(pattern, { kind: 'address', value: 'x' }, 9);
      const state = stateOf();
      const first = raise(state, START_MS, [access('address', 'x'), newTool('convert'), harm()]);
      quiet(state);
      const known = [access('address', 'x'), newTool('convert')];
      assert.notEqual(raise(state, START_MS + DAY_MS, [...known, harm()]).uid, first.uid, pattern);
    }
  });

  test('may reach what the alert showed that it reaches, and nothing else', () => {
    const opened = (): { state: IdentityState; uid: string | undefined } => {
      const state = stateOf();
      const { uid } = raise(state, START_MS, [access('address', 'x'), reached('restricted'), target('paste.example')]);
      quiet(state);
      return { state, uid };
    };
    const same = opened();
    const known = [access('address', 'x'), reached('restricted'), target('paste.example')];
    assert.equal(raise(same.state, START_MS + DAY_MS, known).uid, same.uid);
    for (const other of [reached('secret'), target('drop.example'), newTool('send_money')]) {
      const { state, uid } = opened();
      assert.notEqual(raise(state, START_MS + DAY_MS, [access('address', 'x'), other]).uid, uid, other.pattern);
    }
    const alone = opened();
    const without = raise(alone.state, START_MS + DAY_MS, [reached('restricted'), target('paste.example')]);
    assert.notEqual(without.uid, alone.uid, 'a class is no sign of the same change');
  });
});

describe('an alert that woke', () => {
  const woken = (findings: () => Finding[]): { state: IdentityState; uid: string | undefined } => {
    const state = stateOf();
    const { uid } = raise(state, START_MS, findings());
    quiet(state);
    assert.equal(raise(state, START_MS + DAY_MS, [findings()[0]!], { session: 'today' }).uid, uid);
    return { state, uid };
  };
  const later_ms = START_MS + DAY_MS + HOUR_MS;

  test('tells again what it told before it rested, once', () => {
    const { state, uid } = woken(() => [access('address', 'x'), moved()]);
    const again = raise(state, later_ms, [moved()], { session: 'today' });
    assert.deepEqual([again.uid, again.revision?.status], [uid, 'open']);
    assert.equal(raise(state, later_ms, [moved()], { session: 'today' }).revision, undefined);
  });

  test('shows another address of the same session, however long it stood', () => {
    const { state, uid } = woken(() => Array.from({ length: 40 }, () => access('address', 'x')));
    const other = raise(state, later_ms, [access('address', 'y')], { session: 'today' });
    assert.equal(other.uid, uid);
    assert.ok(other.revision?.findings.some(({ subject }) => subject?.value === 'y'));
    for (let n = 0; n < 100; n++) raise(state, later_ms, [access('address', `z${n}`)], { session: 'today' });
    assert.ok((state.alerts[0]?.told?.length ?? 0) <= LIMITS.alert_shown_max);
    assert.notEqual(
      raise(state, later_ms, [moved()], { session: 'today' }).revision,
      undefined,
      'names fill no pattern up',
    );
  });

  test('takes no other address, nor an amount of last week, from another session', () => {
    const harms = [access('address', 'y'), moved()];
    for (const harm of harms) {
      const { state, uid } = woken(() => [access('address', 'x'), moved()]);
      assert.notEqual(raise(state, later_ms, [harm]).uid, uid, harm.pattern);
      assert.equal(raise(state, later_ms, [access('address', 'x')], { session: 'third' }).uid, uid);
    }
  });

  test('is not woken where each session was asked to be shown', () => {
    for (const change of [(): Finding => newTool('convert'), (): Finding => access('address', 'x')]) {
      const state = stateOf();
      const first = raise(state, START_MS, [change()]);
      quiet(state);
      assert.notEqual(raise(state, START_MS + DAY_MS, [change()], { watched: true }).uid, first.uid, change().pattern);
    }
  });
});

describe('what an alert showed', () => {
  test('is remembered beyond the findings that it keeps, and is bounded', () => {
    const state = stateOf();
    const tools = Array.from({ length: 60 }, (_, n) => newTool(`tool-${n}`, 60 - n / 2));
    const { uid } = raise(state, START_MS, tools);
    quiet(state);
    const shown = state.resting[0]?.open.shown ?? [];
    assert.equal(shown.length, LIMITS.alert_shown_max);
    assert.ok(shown.every((key) => key.length === 32));
    assert.equal(raise(state, START_MS + DAY_MS, [newTool('tool-59')]).uid, uid);
  });

  test('is what its findings show, if it was stored before that was kept', () => {
    const model = fakeModel();
    const state = new Residents(model).create('default/a', 'g');
    const { uid } = raise(state, START_MS, [newTool('convert'), access('credential', 'x')]);
    quiet(state);
    state.resting = state.resting.map(({ open: { shown: _, ...open }, until_ms }) => {
      return { open, until_ms, subjects: ['tool\u0000convert'] };
    });
    const slab = new StateSlab(model.words);
    const copy = decodeIdentity('default/a', 1, encodeIdentity(state, model, slab), model, slab);
    assert.deepEqual(Object.keys(copy.resting[0] ?? {}), ['open', 'until_ms']);
    assert.equal(raise(copy, START_MS + DAY_MS, [newTool('convert'), access('credential', 'x')]).uid, uid);
  });
});
