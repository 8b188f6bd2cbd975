import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { DirectiveDraft } from '../../schemas/directive.ts';
import { LIMITS, UNITS } from '../../schemas/limits.ts';
import { DirectiveRecord } from '../../schemas/record.ts';
import type { Responder } from '../../services/contain/responder.ts';
import { standingAt } from '../../services/control/directives.ts';
import { applyControl, emptyControlState } from '../../services/control/state.ts';
import { foldControl } from '../../services/control/writer.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { gapOf } from '../../services/platform/gaps.ts';
import { identityKey, partitionOf } from '../../services/platform/partitioner.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog } from '../support/simulated-log.ts';
import { type Body, bootstrapPeople, type Desk, openDesk, respond } from './harness.ts';

const PARTITIONS = 4;
const UID = 'a'.repeat(32);

let clock: ManualClock;
let log: EventLog;
let desk: Desk;
let responder: Responder;

beforeEach(async () => {
  clock = manualClock();
  log = openSimulatedLog({ disk: newDisk({ partitions: PARTITIONS, random: () => 0.5 }), clock });
  await bootstrapPeople(log, clock);
  desk = await openDesk(log, clock);
  responder = respond(log, clock);
});

afterEach(async () => {
  await responder.stop();
  await desk.view.close();
  await log.close();
});

const draft = (over: Partial<DirectiveDraft> = {}): Body => ({
  type: 'directive_set',
  directive: {
    tenant: 'default',
    scope: { identity: 'agent-7' },
    effect: { kind: 'suppress' },
    reason: 'because',
    for_ms: UNITS.DAY_MS,
    ...over,
  },
});

/** What the partitions were told: partition, step, uid. */
async function told(): Promise<[number, string, string][]> {
  const found: [number, string, string][] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const { records } = await log.read(TOPICS.events, partition, 0, { records: 999, bytes: 9e6 });
    for (const { value } of records) {
      const parsed = DirectiveRecord.safeParse(JSON.parse(value.toString()));
      if (!parsed.success) continue;
      const { change } = parsed.data;
      found.push([partition, change.op, change.op === 'set' ? change.directive.uid : change.directive]);
    }
  }
  return found;
}

async function uidOf(subject: string, body: Body, id?: string): Promise<string> {
  const answer = await desk.ask(subject, body, id);
  assert.equal(answer.kind, 'done', JSON.stringify(answer));
  return answer.kind === 'done' ? answer.subject : '';
}

const codeOf = async (subject: string, body: Body): Promise<string | undefined> => {
  const answer = await desk.ask(subject, body);
  return answer.kind === 'refused' ? answer.code : undefined;
};

const inForce = (): string[] =>
  [...desk.view.state.directives.values()]
    .filter((standing) => standingAt(standing, clock.now()) === 'in_force')
    .map(({ directive }) => directive.uid);

describe('directives', () => {
  test('about an identity go to its partition, others to all, and so do their ends', async () => {
    const one = await uidOf('admin', draft());
    const home = partitionOf(identityKey('default', 'agent-7'), PARTITIONS);
    assert.deepEqual(await told(), [[home, 'set', one]]);
    const all = await uidOf('admin', draft({ scope: { peer_group: 'g' } }));
    await uidOf('admin', { type: 'directive_end', directive: all, reason: 'done' });
    const others = (await told()).filter(([, , uid]) => uid === all);
    assert.deepEqual(
      others,
      [0, 1, 2, 3].flatMap((partition) => [
        [partition, 'set', all],
        [partition, 'end', all],
      ]),
    );
  });

  test('the same command asked again makes one, and everything is in the control log with author and reason', async () => {
    const first = await uidOf('admin', draft(), 'the-same-id');
    assert.equal(await uidOf('admin', draft(), 'the-same-id'), first);
    assert.equal((await told()).length, 1);
    await uidOf('admin', { type: 'directive_end', directive: first, reason: 'it is over' });
    const { state } = await foldControl(log);
    const standing = state.directives.get(first);
    assert.deepEqual([standing?.directive.author, standing?.directive.reason], ['local/admin', 'because']);
    assert.deepEqual([standing?.ended?.by.subject, standing?.ended?.reason], ['admin', 'it is over']);
    assert.deepEqual(state.directives, desk.view.state.directives);
  });

  test('survive a responder that takes over, and expire by the clock', async () => {
    const uid = await uidOf('admin', draft());
    await responder.stop();
    responder = respond(log, clock);
    assert.deepEqual(inForce(), [uid]);
    clock.advance(UNITS.DAY_MS);
    assert.deepEqual(inForce(), []);
    assert.equal(await codeOf('admin', { type: 'directive_end', directive: uid, reason: 'late' }), 'directive_ended');
  });

  test('budgets and detectors are for administrators, what silences is for people', async () => {
    const budget = draft({ effect: { kind: 'budget', alerts_per_1000_identity_days: 5 } });
    assert.equal(await codeOf('robot', draft()), 'not_human');
    assert.equal(await codeOf('robot', budget), 'role_missing');
    assert.equal(await codeOf('automat', budget), 'not_human');
    assert.equal(await codeOf('ben', draft()), 'role_missing');
    assert.equal(await codeOf('vera', draft()), 'role_missing');
    assert.equal(await codeOf('olga', budget), undefined);
    const change = draft({ effect: { kind: 'change', touches: ['tools'], sessions: 5 } });
    assert.equal(await codeOf('robot', change), undefined, 'a deployment pipeline declares what it deploys');
  });

  test('an end needs what a beginning needs', async () => {
    const budget = draft({ effect: { kind: 'budget', alerts_per_1000_identity_days: 5 }, for_ms: undefined });
    const uid = await uidOf('olga', budget);
    assert.equal(await codeOf('robot', { type: 'directive_end', directive: uid, reason: 'r' }), 'role_missing');
    assert.equal(await codeOf('automat', { type: 'directive_end', directive: uid, reason: 'r' }), 'not_human');
    const unknown = { type: 'directive_end', directive: '0'.repeat(32), reason: 'r' } as const;
    assert.equal(await codeOf('olga', unknown), 'directive_unknown');
  });

  test('a span that no time holds is refused', async () => {
    for (const for_ms of [1, LIMITS.directive_ms_max + 1, undefined]) {
      assert.equal(await codeOf('admin', draft({ for_ms })), 'directive_too_long', String(for_ms));
    }
    const change = { kind: 'change', touches: ['data'], sessions: 1 } satisfies DirectiveDraft['effect'];
    assert.equal(await codeOf('admin', draft({ effect: change, for_ms: undefined })), undefined);
    const [uid = ''] = inForce();
    const expires = desk.view.state.directives.get(uid)?.directive.expires;
    assert.equal(expires, clock.now() + LIMITS.change_ms_default, 'a declared change expires by itself');
  });

  test('are bounded, those that are over are forgotten first', async () => {
    const state = emptyControlState();
    const who = { issuer: 'local', subject: 'admin' };
    const make = (serial: number, expires: number) =>
      applyControl(state, {
        v: 1,
        who,
        when: 1_000,
        what: 'set',
        kind: 'directive_set',
        directive: {
          uid: serial.toString(16).padStart(32, '0'),
          tenant: 'default',
          scope: { identity: 'a' },
          effect: { kind: 'suppress' },
          author: 'local/admin',
          reason: 'r',
          time: 0,
          expires,
        },
      });
    for (let i = 0; i < LIMITS.directives_kept_max; i++) make(i, i === 7 ? 500 : 2_000);
    make(1e6, 2_000);
    assert.equal(state.directives.size, LIMITS.directives_kept_max);
    assert.ok(!state.directives.has('7'.padStart(32, '0')));
  });

  test('beyond the limit no more are put into force', async () => {
    const { directives } = desk.view.state;
    const uid = await uidOf('admin', draft());
    const standing = directives.get(uid);
    assert.ok(standing !== undefined);
    await responder.stop();
    const state = (await foldControl(log)).state;
    for (let i = 1; i < LIMITS.directives_in_force_max; i++) state.directives.set(String(i), standing);
    const { onCommand } = await import('../../services/contain/commands.ts');
    const { openTurn } = await import('../../services/contain/turn.ts');
    const { BUILT_IN_POLICY } = await import('../../services/contain/policy.ts');
    const turn = openTurn(state, { now: clock.now(), policy: BUILT_IN_POLICY, executors: [], dispatches: true });
    onCommand(turn, desk.command('admin', draft()));
    const [record] = turn.records;
    assert.ok(record?.kind === 'command_outcome' && record.outcome.kind === 'refused');
    assert.equal(record.outcome.code, 'too_many');
  });

  test('behind a gap of detect its partition is told everything again', async () => {
    const kept = await uidOf('admin', draft({ scope: { peer_group: 'g' } }));
    const ended = await uidOf('admin', draft({ scope: { peer_group: 'h' } }));
    await uidOf('admin', { type: 'directive_end', directive: ended, reason: 'r' });
    const before = await told();
    const found = { stage: 'detect', topic: TOPICS.events, partition: 2, reason: 'offset_before_log' } as const;
    const gap = gapOf({ ...found, message: 'deleted' }, [1]);
    const ask = async (body: Body): Promise<void> => {
      const command = { ...body, id: `system-${body.type}`, by: { issuer: 'countersign', subject: 'system' }, time: 0 };
      assert.equal((await desk.bus.ask(command as Parameters<typeof desk.bus.ask>[0])).kind, 'done');
    };
    await ask({ type: 'report_gap', gap });
    await ask({ type: 'close_gap', gap: gap.id, resumed_at: 9 });
    assert.deepEqual((await told()).slice(-1), [[3, 'end', ended]], 'the others are told nothing');
    const again = (await told()).filter((one) => one[0] === 2).slice(before.filter((one) => one[0] === 2).length);
    assert.deepEqual(again, [
      [2, 'set', kept],
      [2, 'end', ended],
    ]);
  });
});

describe('verdicts that reach beyond their alert', () => {
  const about = {
    peer_group: 'g',
    matches: [{ pattern: 'p', subject: { kind: 'tool', value: 't' } }, { pattern: 'p' }],
  };
  const verdict = (over: object): Body =>
    ({
      type: 'verdict',
      alert_uid: UID,
      tenant: 'default',
      identity: 'agent-7',
      verdict: 'expected_change',
      scope: 'pattern',
      about,
      ...over,
    }) as Body;
  const last = () => [...desk.view.state.directives.values()].at(-1)?.directive;

  const WHAT: readonly [string, string, string, object, 'for good' | number][] = [
    ['true_positive', 'pattern', 'watch', { identity: 'agent-7', matches: about.matches }, 30],
    ['true_positive', 'identity', 'watch', { identity: 'agent-7' }, 30],
    ['true_positive', 'group', 'watch', { peer_group: 'g', matches: about.matches }, 30],
    ['false_positive', 'pattern', 'suppress', { identity: 'agent-7', matches: about.matches }, 30],
    ['false_positive', 'identity', 'suppress', { identity: 'agent-7', matches: [{ pattern: 'p' }] }, 30],
    ['false_positive', 'group', 'suppress', { peer_group: 'g', matches: about.matches }, 30],
    ['expected_change', 'pattern', 'suppress', { identity: 'agent-7', matches: about.matches }, 'for good'],
    ['expected_change', 'identity', 'suppress', { identity: 'agent-7', matches: [{ pattern: 'p' }] }, 30],
    ['expected_change', 'group', 'suppress', { peer_group: 'g', matches: about.matches }, 30],
  ];
  for (const [judged, scope, kind, reach, days] of WHAT) {
    test(`${judged} for the ${scope}`, async () => {
      await uidOf('admin', verdict({ verdict: judged, scope }));
      const left = last();
      assert.deepEqual([left?.effect.kind, left?.scope], [kind, reach]);
      assert.equal(left?.expires, days === 'for good' ? undefined : clock.now() + days * UNITS.DAY_MS);
      assert.deepEqual(left?.cause, { alert_uid: UID, verdict: judged });
    });
  }

  test('say how long, and why', async () => {
    await uidOf('admin', verdict({ for_ms: UNITS.HOUR_MS, comment: 'CHG-1' }));
    assert.deepEqual([last()?.expires, last()?.reason], [clock.now() + UNITS.HOUR_MS, 'CHG-1']);
    assert.equal(await codeOf('admin', verdict({ for_ms: 1 })), 'directive_too_long');
    assert.equal(await codeOf('admin', verdict({ about: undefined })), 'verdict_scope_unclear');
  });

  test('are the same when they are asked again, also when the alert shows more by then', async () => {
    const first = await uidOf('admin', verdict({}), 'verdict-once');
    const more = { ...about, matches: [...about.matches, { pattern: 'q' }] };
    assert.equal(await uidOf('admin', verdict({ about: more }), 'verdict-once'), first);
    assert.equal(inForce().length, 1);
  });

  test('of a machine judge harmless for the alert alone', async () => {
    assert.equal(await codeOf('robot', verdict({})), 'not_human');
    assert.equal(await codeOf('robot', verdict({ scope: 'alert' })), undefined);
    assert.equal(await codeOf('robot', verdict({ verdict: 'true_positive' })), undefined);
  });

  test('a later one takes the place of an earlier one, undoing ends it, and twice is once too often', async () => {
    await uidOf('admin', verdict({}));
    const [first = ''] = inForce();
    await uidOf('admin', verdict({ verdict: 'true_positive' }));
    const [second = '', none] = inForce();
    assert.ok(second !== first && none === undefined);
    const undo = { type: 'verdict_undo', alert_uid: UID, reason: 'wrong alert' } as const;
    await uidOf('ben', undo);
    assert.deepEqual(inForce(), []);
    const judged = desk.view.state.verdicts.get(UID) ?? [];
    assert.deepEqual(
      judged.map(({ undone }) => undone?.reason),
      [undefined, 'wrong alert'],
    );
    await uidOf('ben', undo);
    assert.equal(await codeOf('ben', undo), 'nothing_to_undo');
    assert.deepEqual((await foldControl(log)).state.verdicts, desk.view.state.verdicts);
  });

  test('name no more than there is room for', async () => {
    const matches = Array.from({ length: 16 }, (_, i) => ({
      pattern: `p${i}`,
      subject: { kind: 'resource', value: `${i}`.repeat(512) },
    }));
    await uidOf('admin', verdict({ about: { peer_group: 'g', matches } }));
    const kept = last()?.scope.matches ?? [];
    assert.ok(kept.length >= 4 && kept.length < 16);
    assert.deepEqual(kept, matches.slice(0, kept.length), 'the strongest');
  });
});
