import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createModel } from '../../detectors/model.ts';
import { describeAlert } from '../../detectors/recommend.ts';
import { Alert } from '../../schemas/alert.ts';
import { Finding } from '../../schemas/finding.ts';
import type { Manifest, Outputs } from '../../schemas/outputs.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import type { PartitionWorker } from '../../services/detect/worker.ts';
import { DAY_MS, eventOf, HOUR_MS, type Lane, laneOf, MINUTE_MS, NOON_MS } from './support.ts';

const START_MS = NOON_MS - 12 * HOUR_MS;
const TEN_MINUTES = 10 * MINUTE_MS;

/** Tells the lane what it is told: one record at a time of the log's or a recording's clock. */
type Told = { readonly record: DetectRecord; readonly at_ms: number };

/** Hourly work of so many identities with ticks in between, from one time to another; some stop at times of their own. */
function* work(
  identities: number,
  span: { readonly from_ms: number; readonly to_ms: number },
  stops: (identity: number) => number = () => Number.POSITIVE_INFINITY,
): Generator<Told> {
  for (let at_ms = span.from_ms; at_ms < span.to_ms; at_ms += TEN_MINUTES) {
    yield { record: { type: 'tick' }, at_ms };
    const hour = Math.floor(at_ms / HOUR_MS);
    if (at_ms % HOUR_MS !== 0) continue;
    for (let one = 0; one < identities; one++) {
      // Not every hour, and not all in the same.
      if (at_ms >= stops(one) || (hour * 7 + one * 3) % 5 === 0) continue;
      const time = at_ms + one + 1;
      const event = eventOf(`${one}-${hour}`, { identity: `agent-${one}`, group: 'team', session: '', time });
      yield { record: { type: 'event', event }, at_ms: time };
    }
  }
}

const lane = (manifest?: Manifest): Lane => laneOf(createModel(), manifest);

function tell(on: Lane, told: Iterable<Told>, recorded = false): Outputs[] {
  const all: Outputs[] = [];
  for (const { record, at_ms } of told) {
    const outputs = on.tell(recorded ? { ...record, at: at_ms } : record, at_ms);
    if (outputs.alerts.length + outputs.findings.length > 0) all.push(outputs);
  }
  return all;
}

const silences = (all: readonly Outputs[]) =>
  all
    .flatMap(({ alerts }) => alerts)
    .map(({ alert }) => alert)
    .filter(({ findings }) => findings[0]?.pattern === 'gone_silent');

const span = (days: number, to: number) => ({ from_ms: START_MS + days * DAY_MS, to_ms: START_MS + to * DAY_MS });
/** The seventh of them stops after twenty days. */
const STOP_MS = START_MS + 20 * DAY_MS;
const oneStops = (one: number): number => (one === 7 ? STOP_MS : Number.POSITIVE_INFINITY);
const allStop = (): number => STOP_MS;

describe('an identity that falls silent', () => {
  test('raises one alert at a tick, which closes when it is heard of again', () => {
    const on = lane();
    const all = tell(on, work(10, span(0, 24), oneStops));
    const [alert, ...more] = silences(all);
    assert.ok(alert !== undefined && more.length === 0);
    Alert.parse(alert);
    assert.deepEqual([alert.identity.id, alert.status, alert.revision], ['agent-7', 'open', 1]);
    assert.ok(alert.created > STOP_MS && alert.created < STOP_MS + 2 * DAY_MS, String(alert.created));
    const rows = all.flatMap(({ findings }) => findings).filter(({ finding }) => finding.family === 'silence');
    assert.equal(rows.length, 1);
    const { finding, alert_uid } = rows[0]!;
    Finding.parse(finding);
    assert.deepEqual([alert_uid, finding.detector], [alert.uid, 'silence']);
    assert.ok(finding.evidence.length > 0 && finding.evidence.every(({ id }) => id.startsWith('7-')));
    assert.match(finding.sentence, /sent nothing for \d+ hours, of which it is usually active in [\d.]+; its longest/);
    const said = describeAlert({ identity: alert.identity, findings: [finding] });
    assert.deepEqual([said.recommendation.action, said.recommendation.target], ['suspend_agent', 'agent-7']);
    assert.match(said.title, /has fallen silent/);

    const back = eventOf('back', { identity: 'agent-7', group: 'team', session: '', time: STOP_MS + 5 * DAY_MS });
    const { alerts } = on.tell({ type: 'event', event: back }, STOP_MS + 5 * DAY_MS);
    assert.deepEqual(
      alerts.map(({ alert: { uid, status, closed_reason } }) => ({ uid, status, closed_reason })),
      [{ uid: alert.uid, status: 'closed', closed_reason: 'resumed' }],
    );
  });

  test('is found by a recording on the clock of the recording, and live time judges nobody of it', () => {
    const on = lane();
    const quiet = tell(on, work(10, span(0, 20)), true);
    assert.deepEqual(silences(quiet), []);
    for (let hour = 0; hour < 72; hour++) {
      const { alerts } = on.tell({ type: 'tick' }, STOP_MS + 100 * DAY_MS + hour * HOUR_MS);
      assert.deepEqual(alerts, []);
    }
    const found = silences(tell(on, work(10, span(20, 24), oneStops), true));
    assert.deepEqual(
      found.map(({ identity }) => identity.id),
      ['agent-7'],
    );
    assert.ok(found[0]!.created < STOP_MS + 3 * DAY_MS);
  });

  test('is found alike after a restart, and out of memory by its deadline', () => {
    const staying = lane();
    tell(staying, work(10, span(0, 20)));
    const { manifest } = staying.worker.checkpoint();
    const expected = silences(tell(staying, work(10, span(20, 24), oneStops)));
    assert.equal(expected.length, 1);

    const restarted = lane();
    tell(restarted, work(10, span(0, 20)));
    restarted.evict(0);
    assert.deepEqual(restarted.worker.checkpoint().manifest, manifest);
    const again = lane(JSON.parse(JSON.stringify(manifest)) as Manifest);
    for (const [key, blob] of restarted.blobs) again.blobs.set(key, blob);
    again.worker.arm([...again.blobs.values()].flatMap(({ key, due }) => (due === undefined ? [] : [{ key, due }])));
    const found: Outputs[] = [];
    for (const { record, at_ms } of work(10, span(20, 24), oneStops)) {
      found.push(...tell(again, [{ record, at_ms }]));
      if (record.type === 'tick') again.evict(0);
    }
    assert.deepEqual(silences(found), expected);
    assert.deepEqual(again.worker.checkpoint().manifest.pulses, staying.worker.checkpoint().manifest.pulses);
  });
});

describe('a source that falls silent', () => {
  test('raises no alert of its identities, and says since when', () => {
    const on = lane();
    assert.deepEqual(silences(tell(on, work(10, span(0, 26), allStop))), []);
    const silent = on.worker.pulses.filter(({ pulse }) => pulse.sum > 5);
    assert.deepEqual(
      silent.map(({ of, name }) => ({ of, name })),
      [
        { of: 'source', name: 'test' },
        { of: 'peer_group', name: 'default\u0000team' },
      ],
    );
    // Back again, it is judged as before: one that stays away is found.
    const back = { from_ms: START_MS + 26 * DAY_MS, to_ms: START_MS + 30 * DAY_MS };
    const found = silences(
      tell(
        on,
        work(10, back, (one) => (one === 7 ? 0 : Number.POSITIVE_INFINITY)),
      ),
    );
    assert.deepEqual(
      found.map(({ identity }) => identity.id),
      ['agent-7'],
    );
  });

  test('of one identity alone is that identity, which is found', () => {
    const on = lane();
    const found = silences(tell(on, work(1, span(0, 24), allStop)));
    assert.deepEqual(
      found.map(({ identity }) => identity.id),
      ['agent-0'],
    );
  });

  test('because the log stood still is nobody silence', () => {
    const on = lane();
    tell(on, work(10, span(0, 20)));
    const { alerts } = on.tell({ type: 'tick' }, STOP_MS + 3 * DAY_MS);
    assert.deepEqual(alerts, []);
    const back = { from_ms: STOP_MS + 3 * DAY_MS + HOUR_MS, to_ms: STOP_MS + 5 * DAY_MS };
    assert.deepEqual(silences(tell(on, work(10, back))), []);
  });
});

describe('a holiday of a peer group', () => {
  /** Two agents of one office and eight of another, on working days; the first office rests on two of them. */
  function* offices(days: number, resting: number, stops = Number.POSITIVE_INFINITY): Generator<Told> {
    for (const { record, at_ms } of work(10, span(0, days))) {
      if (record.type !== 'event') {
        yield { record, at_ms };
        continue;
      }
      const one = Number(record.event.identity.id.slice('agent-'.length));
      const [day, hour] = [Math.floor(at_ms / DAY_MS), Math.floor((at_ms % DAY_MS) / HOUR_MS)];
      const weekday = new Date(at_ms).getUTCDay();
      if (weekday === 0 || weekday === 6 || hour < 8 || hour >= 18) continue;
      if ((one === 0 && at_ms >= stops) || (one === 1 && hour % 2 === 0)) continue;
      if (one < 2 && (day === resting || day === resting + 1)) continue;
      const peer_group = one < 2 ? 'small' : 'large';
      yield {
        record: { type: 'event', event: { ...record.event, identity: { ...record.event.identity, peer_group } } },
        at_ms,
      };
    }
  }

  /** A Wednesday in the fourth week. */
  const [restDay, restStart] = wednesdayAfter(21);

  test('raises nothing of an agent whose only colleague in the partition rests as well', () => {
    assert.deepEqual(silences(tell(lane(), offices(restDay + 2, restStart))), []);
    // They work again, and one that does not is found.
    const stops = (restStart + 2) * DAY_MS;
    const found = silences(tell(lane(), offices(restDay + 7, restStart, stops)));
    assert.deepEqual(
      found.map(({ identity }) => identity.id),
      ['agent-0'],
    );
  });

  test('is remembered by a restart in the middle of it', () => {
    const told = [...offices(restDay + 2, restStart)];
    const morning = (restStart + 1) * DAY_MS + 8 * HOUR_MS;
    const staying = lane();
    tell(
      staying,
      told.filter(({ at_ms }) => at_ms < morning),
    );
    staying.evict(0);
    const { manifest } = staying.worker.checkpoint();
    const again = lane(JSON.parse(JSON.stringify(manifest)) as Manifest);
    for (const [key, blob] of staying.blobs) again.blobs.set(key, blob);
    again.worker.arm([...again.blobs.values()].flatMap(({ key, due }) => (due === undefined ? [] : [{ key, due }])));
    const rest = told.filter(({ at_ms }) => at_ms >= morning);
    assert.deepEqual(silences(tell(again, rest)), []);
    assert.deepEqual(again.worker.pulses, pulsesOf(told));
  });
});

function pulsesOf(told: readonly Told[]): PartitionWorker['pulses'] {
  const on = lane();
  tell(on, told);
  return on.worker.pulses;
}

/** Days from the start to the first Wednesday at least so many later, and that Wednesday in days since the epoch. */
function wednesdayAfter(days: number): readonly [number, number] {
  for (let day = days; ; day++) {
    const at_ms = START_MS + day * DAY_MS;
    if (new Date(at_ms).getUTCDay() === 3) return [day, Math.floor(at_ms / DAY_MS)];
  }
}
