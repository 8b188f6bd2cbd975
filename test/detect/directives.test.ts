import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { FindingDraft, Model } from '../../detectors/contract.ts';
import type { Directive, DirectiveChange, DirectiveEffect, DirectiveScope } from '../../schemas/directive.ts';
import type { Finding } from '../../schemas/finding.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Outputs } from '../../schemas/outputs.ts';
import { DirectiveTable } from '../../services/detect/directives.ts';
import { fakeModel } from '../support/fake-model.ts';
import { DAY_MS, eventOf, HOUR_MS, type Lane, laneOf, MINUTE_MS, NOON_MS } from './support.ts';

const uidOf = (serial: number): string => serial.toString(16).padStart(32, '0');

function directive(serial: number, over: Partial<Directive> = {}): Directive {
  const about = { tenant: 'default', scope: { identity: 'agent' }, effect: { kind: 'suppress' } } as const;
  return { uid: uidOf(serial), ...about, author: 'local/ana', reason: 'because', time: NOON_MS, ...over };
}

const set = (one: Directive): DirectiveChange => ({ op: 'set', directive: one });
const end = (serial: number): DirectiveChange => ({
  op: 'end',
  directive: uidOf(serial),
  author: 'local/ana',
  reason: 'done',
  time: NOON_MS,
});

type Step =
  | { readonly what: 'set'; readonly serial: number; readonly lasts: number | null; readonly recorded: boolean }
  | { readonly what: 'end'; readonly serial: number }
  | { readonly what: 'pass'; readonly live: number; readonly recorded: number }
  | { readonly what: 'restore' };

describe('the table of directives', () => {
  /** Steps in any order: set (again too), ended (unknown ones too), time that passes on either clock. */
  const steps = fc.array(
    fc.oneof(
      fc.record({
        what: fc.constant('set' as const),
        serial: fc.nat(6),
        lasts: fc.option(fc.nat(10)),
        recorded: fc.boolean(),
      }),
      fc.record({ what: fc.constant('end' as const), serial: fc.nat(6) }),
      fc.record({ what: fc.constant('pass' as const), live: fc.nat(4), recorded: fc.nat(4) }),
      fc.record({ what: fc.constant('restore' as const) }),
    ),
    { maxLength: 60 },
  );

  /** What the table should hold, said in the plainest way. */
  function plainly(all: readonly Step[]): string[] {
    const held = new Map<string, { expires: number; recorded: boolean }>();
    const now = { live: 0, recorded: 0 };
    for (const step of all) {
      if (step.what === 'end') held.delete(uidOf(step.serial));
      if (step.what === 'set') {
        const clock = step.recorded ? now.recorded : now.live;
        const expires = step.lasts === null ? Number.POSITIVE_INFINITY : clock + step.lasts;
        const known = held.has(uidOf(step.serial));
        if (!known && expires > clock) held.set(uidOf(step.serial), { expires, recorded: step.recorded });
      }
      if (step.what !== 'pass') continue;
      now.live += step.live;
      now.recorded += step.recorded;
      for (const [uid, { expires, recorded }] of held) {
        if (expires <= (recorded ? now.recorded : now.live)) held.delete(uid);
      }
    }
    return [...held.keys()];
  }

  test('is the same whatever it was restored from, and holds what is in force', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const whole = new DirectiveTable();
        let restored = new DirectiveTable();
        const now = { live: 0, recorded: 0 };
        for (const step of all) {
          if (step.what === 'restore') {
            const saved = JSON.parse(JSON.stringify(restored.saved())) as ReturnType<DirectiveTable['saved']>;
            restored = new DirectiveTable(saved.directives);
          } else if (step.what === 'pass') {
            now.live += step.live;
            now.recorded += step.recorded;
            for (const table of [whole, restored]) table.pass(now);
          } else {
            const recorded = step.what === 'set' && step.recorded;
            const clock = recorded ? now.recorded : now.live;
            const expires = step.what === 'set' && step.lasts !== null ? { expires: clock + step.lasts } : {};
            const change = step.what === 'end' ? end(step.serial) : set(directive(step.serial, expires));
            assert.equal(whole.apply(change, recorded, now), restored.apply(change, recorded, now));
          }
          assert.deepEqual(whole.saved(), restored.saved());
        }
        assert.deepEqual(
          [...whole.entries].map(({ uid }) => uid),
          plainly(all),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('takes no more than its limit, and says so', () => {
    const table = new DirectiveTable();
    const now = { live: 0, recorded: 0 };
    for (let i = 0; i < LIMITS.directives_per_partition_max; i++) table.apply(set(directive(i)), false, now);
    assert.equal(table.apply(set(directive(1e6)), false, now), 'refused');
    assert.equal(table.apply(end(0), false, now), 'ended');
    assert.equal(table.apply(set(directive(1e6)), false, now), 'set');
  });
});

/**
 * Two detectors that say what the event's id orders: `u40v9` is 40 bits of usage and 9 of volume. Usage is about the tool of the
 * event, and what is said of both together is their sum.
 */
function spokenModel(): Model & { readonly relearned: string[] } {
  const model = fakeModel();
  const relearned: string[] = [];
  const partsOf = (id: string): number[] =>
    ['u', 'v'].map((name) => Number(new RegExp(`${name}(\\d+)`).exec(id)?.[1] ?? 0));
  return {
    ...model,
    relearned,
    score: ({ event }) => ({ bits: partsOf(event.id).reduce((a, b) => a + b), parts: partsOf(event.id) }),
    weigh: (_input, parts) => parts.reduce((a, b) => a + b),
    // Only what is near the strongest is said, as the shipped model does it.
    explain: (input, { parts }, bits_min) =>
      parts.flatMap((bits, i): FindingDraft[] => {
        if (bits < Math.max(bits_min, Math.max(...parts) / 2)) return [];
        const [draft] = model.explain(input, { bits, parts: i === 0 ? [bits, 0] : [0, bits] }, bits);
        if (draft === undefined) return [];
        const subject = i === 0 ? { subject: { kind: 'tool', value: input.event.tool?.name ?? 'none' } } : {};
        return [{ ...draft, pattern: i === 0 ? 'usage' : 'volume', ...subject }];
      }),
    relearn: (_state, touches, log_ms) => void relearned.push(`${touches.join()}@${log_ms}`),
  };
}

type Teller = {
  readonly lane: Lane;
  readonly model: ReturnType<typeof spokenModel>;
  tell(scope: DirectiveScope, effect: DirectiveEffect, over?: Partial<Directive>): string;
  end(uid: string): void;
  act(
    id: string,
    over?: { session?: string; identity?: string; tool?: string; version?: string; at?: number },
  ): Outputs;
};

function teller(): Teller {
  const model = spokenModel();
  const lane = laneOf(model);
  let serial = 0;
  let now = NOON_MS;
  return {
    lane,
    model,
    tell(scope, effect, over = {}) {
      const one = directive(++serial, { scope, effect, ...over });
      lane.tell({ type: 'directive', change: set(one) }, now);
      return one.uid;
    },
    end: (uid) => void lane.tell({ type: 'directive', change: { ...end(0), directive: uid } as DirectiveChange }, now),
    act(id, { tool, version, at, ...over } = {}) {
      serial += 1;
      now = at ?? now + 1000;
      const base = eventOf(`${id}/${serial}`, { time: now, session: `s${serial}`, ...over });
      const event = {
        ...base,
        identity: { ...base.identity, ...(version !== undefined && { version }) },
        ...(tool !== undefined && { tool: { name: tool } }),
      };
      return lane.tell({ type: 'event', event }, now);
    },
  };
}

const mutedIn = ({ findings }: Outputs): (string | undefined)[] =>
  findings.map(({ finding }) => finding.muted_by).filter((uid) => uid !== undefined);
const findingsOf = ({ findings }: Outputs): Finding[] => findings.map(({ finding }) => finding);

describe('a suppression', () => {
  test('opens and joins no alert, is stored as muted and counted, until its end on the clock of the log', () => {
    const { lane, tell, act } = teller();
    const uid = tell({ identity: 'agent' }, { kind: 'suppress' }, { expires: NOON_MS + HOUR_MS });
    const muted = act('u40');
    assert.deepEqual([muted.alerts.length, mutedIn(muted), muted.findings[0]?.alert_uid], [0, [uid], undefined]);
    assert.equal(muted.events[0]?.bits, 40, 'the score is what it is');
    assert.equal(act('u40', { identity: 'other' }).alerts.length, 1);
    assert.equal(act('u40', { at: NOON_MS + HOUR_MS }).alerts.length, 1);
    assert.equal(lane.worker.checkpoint().manifest.directives, undefined, 'nothing is kept of what expired');
  });

  test('of one pattern and subject leaves the others', () => {
    const { tell, act } = teller();
    const matches = [{ pattern: 'usage', subject: { kind: 'tool', value: 'mail' } }];
    tell({ identity: 'agent', matches }, { kind: 'suppress' });
    assert.equal(act('u40', { tool: 'mail' }).alerts.length, 0);
    assert.equal(act('u40', { tool: 'bank' }).alerts.length, 1);
  });

  test('hides nothing but what it names: what was drowned out by it is said', () => {
    const { tell, act } = teller();
    tell({ matches: [{ pattern: 'usage' }] }, { kind: 'suppress' });
    const both = act('u60v20');
    assert.equal(both.alerts[0]?.alert.bits, 20);
    assert.deepEqual(
      findingsOf(both).map(({ pattern, muted_by }) => [pattern, muted_by !== undefined]),
      [
        ['volume', false],
        ['usage', true],
      ],
    );
    assert.equal(act('u60v9', { identity: 'quiet' }).alerts.length, 0, 'the rest alone is no alert');
  });

  test('of a group or tenant reaches who is in it, and nobody of another tenant', () => {
    const { tell, act, end: finish } = teller();
    const uid = tell({ peer_group: 'kind:agent' }, { kind: 'suppress' });
    assert.equal(act('u40').alerts.length, 0);
    finish(uid);
    tell({ matches: [{ detector: 'fake_usage' }] }, { kind: 'suppress' }, { tenant: 'another' });
    assert.equal(act('u40').alerts.length, 1);
  });

  test('ended by a later record alerts again, and what was learned meanwhile stays', () => {
    const { lane, tell, act, end: finish } = teller();
    const uid = tell({ identity: 'agent' }, { kind: 'suppress' });
    act('u40');
    finish(uid);
    assert.equal(act('u40').alerts.length, 1);
    assert.equal(lane.worker.counters['directive.ended'], 1);
  });
});

describe('a watch', () => {
  test('opens an alert below the budget, one for each session, and repeats it after a while', () => {
    const { tell, act } = teller();
    tell({ identity: 'agent' }, { kind: 'watch' });
    assert.equal(act('u9', { session: 'a', at: NOON_MS }).alerts.length, 1);
    assert.equal(act('u9', { session: 'b', at: NOON_MS + 1000 }).alerts.length, 1);
    // Twice as many findings are worth a revision by themselves.
    assert.equal(act('u9', { session: 'b', at: NOON_MS + 2000 }).alerts.length, 1);
    assert.equal(act('u9', { session: 'b', at: NOON_MS + 3000 }).alerts.length, 0);
    assert.equal(act('u9', { session: 'b', at: NOON_MS + 2000 + LIMITS.watched_again_ms }).alerts.length, 1);
    assert.equal(act('u9', { identity: 'other' }).alerts.length, 0);
  });

  test('and a suppression: the newer one decides', () => {
    const { tell, act } = teller();
    tell({ identity: 'agent' }, { kind: 'suppress' });
    tell({ peer_group: 'kind:agent', matches: [{ pattern: 'usage' }] }, { kind: 'watch' });
    assert.equal(act('u9').alerts.length, 1);
    tell({ identity: 'agent' }, { kind: 'suppress' });
    assert.equal(act('u40').alerts.length, 0);
  });
});

describe('budgets and weights', () => {
  test('another budget moves the thresholds of its identity only', () => {
    const { tell, act } = teller();
    assert.equal(act('u9').alerts.length, 0);
    tell({ identity: 'agent' }, { kind: 'budget', alerts_per_1000_identity_days: 50 });
    assert.equal(act('u9').alerts.length, 1);
    assert.equal(act('u9', { identity: 'other' }).alerts.length, 0);
  });

  test('the closest budget counts, and of equally close ones the newest', () => {
    const { tell, act } = teller();
    const strict = { kind: 'budget', alerts_per_1000_identity_days: 1 } as const;
    const generous = { kind: 'budget', alerts_per_1000_identity_days: 50 } as const;
    tell({ identity: 'agent' }, generous);
    tell({ peer_group: 'kind:agent' }, strict);
    assert.equal(act('u9').alerts.length, 1);
    tell({ identity: 'agent' }, strict);
    assert.equal(act('u11', { identity: 'agent' }).findings.length, 1);
    assert.equal(act('u9', { identity: 'agent' }).findings.length, 0);
  });

  test('a detector gets louder, quieter or mute, and is still stored as it was weighed', () => {
    const { tell, act, end: finish } = teller();
    tell({ identity: 'loud' }, { kind: 'detector_offset', detector: 'fake_volume', offset_bits: 5 });
    assert.deepEqual(act('v8', { identity: 'loud' }).events[0]?.parts, [0, 13]);
    assert.deepEqual(act('u8', { identity: 'loud' }).events[0]?.parts, [8, 0], 'one that says nothing stays silent');
    const mute = tell({}, { kind: 'detector_mute', detector: 'fake_usage' });
    assert.equal(act('u40v3').alerts.length, 0);
    finish(mute);
    assert.equal(act('u40v3').alerts.length, 1);
    tell({}, { kind: 'detector_mute', detector: 'of_another_version' });
    assert.equal(act('u40', { identity: 'third' }).alerts.length, 1);
  });
});

describe('a declared change', () => {
  const change: Extract<DirectiveEffect, { kind: 'change' }> = { kind: 'change', touches: ['tools'], sessions: 2 };

  test('begins with the first event of its version, mutes what it touches, and is over once it is learned', () => {
    const { model, tell, act } = teller();
    tell({ identity: 'agent' }, { ...change, version: 'v2' });
    assert.equal(act('u40', { version: 'v1', session: 'old', at: NOON_MS }).alerts.length, 1);
    assert.deepEqual(model.relearned, []);
    const at = NOON_MS + 5 * HOUR_MS;
    assert.equal(
      act('u40', { version: 'v2', session: 'a', at }).alerts.filter(({ alert }) => alert.status === 'open').length,
      0,
    );
    assert.deepEqual(model.relearned, [`tools@${at}`]);
    assert.equal(act('v40', { version: 'v2', session: 'a', at: at + 1000 }).alerts.length, 1, 'what it does not touch');
    act('u40', { version: 'v2', session: 'b', at: at + DAY_MS });
    act('u0', { version: 'v2', session: 'c', at: at + 2 * DAY_MS });
    assert.equal(act('u40', { version: 'v2', session: 'd', at: at + 3 * DAY_MS }).alerts.length, 1, 'it is known now');
    assert.equal(model.relearned.length, 1);
  });

  test('of a group begins for each member with its own first event', () => {
    const { model, tell, act } = teller();
    tell({ peer_group: 'kind:agent' }, change);
    act('u0', { identity: 'a', at: NOON_MS });
    act('u0', { identity: 'b', at: NOON_MS + MINUTE_MS });
    act('u0', { identity: 'a', at: NOON_MS + 2 * MINUTE_MS });
    assert.deepEqual(model.relearned, [`tools@${NOON_MS}`, `tools@${NOON_MS + MINUTE_MS}`]);
  });
});

test('a worker that is restored from its manifest and blobs goes on with the same directives', () => {
  const { lane, model, tell, act } = teller();
  const uid = tell({ identity: 'agent' }, { kind: 'suppress' });
  act('u40');
  const { manifest, identities, groups } = lane.worker.checkpoint();
  const next = laneOf(model, JSON.parse(JSON.stringify(manifest)) as typeof manifest);
  for (const blob of [...identities, ...groups]) next.blobs.set(blob.key, blob);
  const record = { type: 'event', event: eventOf('u40/again', { time: NOON_MS + DAY_MS }) } as const;
  assert.deepEqual(mutedIn(next.tell(record, NOON_MS + DAY_MS)), [uid]);
  assert.deepEqual(next.worker.checkpoint().manifest.directives, manifest.directives);
});

test('a record that is no directive is kept as poison and changes nothing', async () => {
  const { decodeRecord, isPoison } = await import('../../services/detect/decode.ts');
  const decode = (value: unknown) =>
    decodeRecord({ offset: 1, append_ms: 1, key: 'directive', value: Buffer.from(JSON.stringify(value)) }, 't', 0);
  const good = { type: 'directive', change: set(directive(1)) };
  assert.equal(isPoison(decode(good).record), false);
  const both = { ...directive(1), scope: { identity: 'a', peer_group: 'b' } };
  assert.equal(isPoison(decode({ type: 'directive', change: { op: 'set', directive: both } }).record), true);
  assert.equal(isPoison(decode({ type: 'directive' }).record), true);
});
