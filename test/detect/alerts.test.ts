import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LIMITS } from '../../schemas/limits.ts';
import type { Outputs } from '../../schemas/outputs.ts';
import { stableId } from '../../services/detect/alerts.ts';
import { fakeModel } from '../support/fake-model.ts';
import { eventOf, type Lane, laneOf, MINUTE_MS, NOON_MS, orderedModel } from './support.ts';

const lane = (): Lane => laneOf(orderedModel(fakeModel()));

let at = NOON_MS;
/** The next event, a second after the one before. */
function tell(on: Lane, id: string, session = 's'): Outputs {
  at += 1_000;
  return on.tell({ type: 'event', event: eventOf(`${id}${at}`, { session, time: at }) }, at);
}
const revisions = ({ alerts }: Outputs): (string | number)[][] =>
  alerts.map(({ alert }) => [alert.revision, alert.status, alert.finding_count]);

describe('alerts', () => {
  test('open above the threshold only; a weak finding joins the story of its session', () => {
    const on = lane();
    assert.deepEqual(revisions(tell(on, '?')), [], 'a finding of its own opens nothing');
    const opened = tell(on, '!');
    assert.deepEqual(revisions(opened), [[1, 'open', 1]]);
    const joined = tell(on, '?');
    assert.equal(joined.findings[0]?.alert_uid, opened.alerts[0]?.alert.uid);
    const elsewhere = tell(on, '?', 'another');
    assert.deepEqual(
      [elsewhere.findings.length, elsewhere.findings[0]?.alert_uid],
      [1, opened.alerts[0]?.alert.uid],
      'or of its pattern',
    );
  });

  test('are revised when a person would look again: twice as many findings, and no sooner', () => {
    const on = lane();
    tell(on, '!');
    const counts = Array.from({ length: 15 }, () => tell(on, '!')).flatMap(revisions);
    assert.deepEqual(counts, [
      [2, 'open', 2],
      [3, 'open', 4],
      [4, 'open', 8],
      [5, 'open', 16],
    ]);
  });

  test('close when quiet, as of that moment, with everything that was counted since', () => {
    const on = lane();
    tell(on, '!');
    for (let n = 0; n < 4; n++) tell(on, '!');
    const quiet_ms = at + LIMITS.alert_quiet_ms;
    assert.deepEqual(on.tell({ type: 'tick' }, quiet_ms - 1).alerts, []);
    const closed = on.tell({ type: 'tick' }, quiet_ms + MINUTE_MS);
    assert.deepEqual(revisions(closed), [[4, 'closed', 5]]);
    assert.equal(closed.alerts[0]?.alert.updated, quiet_ms);
    at = quiet_ms + 2 * MINUTE_MS;
    assert.deepEqual(revisions(tell(on, '!', 'new')), [[1, 'open', 1]], 'what comes later is another alert');
  });

  test('keep bounded findings, evidence and sessions, and count them all', () => {
    const on = lane();
    const all = Array.from({ length: 60 }, (_, n) => tell(on, '!', `s${n % 40}`));
    const last = on.tell({ type: 'tick' }, at + LIMITS.alert_quiet_ms).alerts[0]?.alert;
    assert.ok(last !== undefined);
    assert.equal(last.finding_count, 60);
    assert.equal(last.findings.length, LIMITS.findings_per_alert_max);
    assert.equal(last.evidence.length, LIMITS.evidence_per_alert_max);
    assert.equal(new Set(last.evidence.map(({ key }) => key)).size, last.evidence.length);
    assert.equal(last.sessions.length, LIMITS.sessions_open_per_identity_max);
    assert.equal(new Set(all.flatMap(({ findings }) => findings.map((row) => row.alert_uid))).size, 1);
    assert.deepEqual([last.first_time, last.last_time], [all[0]?.events[0]?.event.time, at]);
  });

  test('of two identities stay apart', () => {
    const on = lane();
    const uids = ['a', 'b'].map((identity) => {
      const event = eventOf(`!${identity}`, { identity });
      return on.tell({ type: 'event', event }, NOON_MS).alerts[0]?.alert.uid;
    });
    assert.equal(new Set(uids).size, 2);
  });

  test('name the same thing alike in every run', () => {
    const [first, second] = [lane(), lane()].map((on) => {
      const event = eventOf('!same');
      return on.tell({ type: 'event', event }, NOON_MS);
    });
    assert.deepEqual(first, second);
    assert.notEqual(stableId('a', 'bc'), stableId('ab', 'c'));
  });
});
