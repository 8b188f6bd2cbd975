import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Model } from '../../detectors/contract.ts';
import { LIMITS, UNITS } from '../../schemas/limits.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { orderedModel } from '../detect/support.ts';
import { fakeModel } from '../support/fake-model.ts';
import { type Service, startService } from './support/service.ts';

/** Findings are about the tool of the event, and surprise by order (test/detect/support.ts). */
function toolModel(): Model {
  const model = orderedModel(fakeModel());
  return {
    ...model,
    explain: (input, score, bits_min) =>
      model.explain(input, score, bits_min).map((draft) => ({
        ...draft,
        subject: { kind: 'tool', value: input.event.tool?.name ?? 'none' },
      })),
  };
}

type AlertRow = { uid: string; status: string; closed_reason?: string; sessions: string[] };
type Shown = { uid: string; state: string; scope: object; effect: { kind: string }; expires?: number };

describe('what people tell detection', { concurrency: 1 }, () => {
  let service: Service;
  let serial = 0;
  before(async () => {
    service = await startService({ model: toolModel() });
  });
  after(() => service.close());

  const act = async (id: string, { identity = 'agent-7', tool = 'mail.send' } = {}): Promise<void> => {
    serial += 1;
    const event = {
      id: `${id}${serial}`,
      time: new Date(systemClock.now()).toISOString(),
      identity: { id: identity, kind: 'agent', peer_group: 'mailers' },
      session: `s${serial}`,
      tool: { name: tool },
    };
    const sent = await service.as('ingest', { method: 'POST', url: '/v1/events', payload: event });
    assert.equal(sent.statusCode, 200, sent.body);
    await service.drain();
  };
  const alerts = async (identity = 'agent-7'): Promise<AlertRow[]> => {
    const answer = await service.as('viewer', `/v1/alerts?identity=${identity}`);
    return answer.json<{ items: AlertRow[] }>().items;
  };
  const post = async (url: string, payload: object, who: 'root' | 'analyst' | 'admin' | 'approver' = 'root') => {
    const answer = await service.as(who, { method: 'POST', url, payload });
    // The responder has written to the partitions in the same transaction.
    await service.drain();
    return answer;
  };
  const mutedOf = async (identity: string): Promise<number> => {
    const answer = await service.as('viewer', `/v1/identities/${identity}`);
    return answer.json<{ muted_findings: number }>().muted_findings;
  };

  test('an expected change for the pattern ends its alerts, and undoing the verdict brings them back', async () => {
    await act('!');
    const [first] = await alerts();
    assert.ok(first !== undefined, 'a surprise opens an alert');
    const judged = await post(`/v1/alerts/${first.uid}/verdict`, {
      verdict: 'expected_change',
      scope: 'pattern',
      comment: 'CHG-1',
    });
    assert.equal(judged.statusCode, 200, judged.body);
    const { directive } = judged.json<{ directive: Shown }>();
    assert.deepEqual(
      [directive.state, directive.effect.kind, directive.expires],
      ['in_force', 'suppress', undefined],
      'for good, as it was expected',
    );
    assert.deepEqual(directive.scope, {
      identity: 'agent-7',
      matches: [{ pattern: 'p0', subject: { kind: 'tool', value: 'mail.send' } }],
    });

    await act('!');
    assert.equal((await alerts()).length, 1, 'the same pattern opens no alert');
    assert.equal(await mutedOf('agent-7'), 1);
    await act('!', { identity: 'agent-8' });
    assert.equal((await alerts('agent-8')).length, 1, 'and another identity');

    const page = await service.as('viewer', `/v1/alerts/${first.uid}`);
    const { verdicts, directives } = page.json<{ verdicts: { scope: string }[]; directives: Shown[] }>();
    assert.deepEqual([verdicts[0]?.scope, directives[0]?.uid], ['pattern', directive.uid]);

    const undone = await post(`/v1/alerts/${first.uid}/verdict/undo`, { reason: 'rolled back' }, 'analyst');
    assert.equal(undone.statusCode, 200, undone.body);
    await act('!');
    assert.equal((await alerts()).length, 2, 'from now on it alerts again');
    assert.equal(await mutedOf('agent-7'), 1, 'what was muted stays muted');
    const again = await post(`/v1/alerts/${first.uid}/verdict/undo`, { reason: 'twice' });
    assert.deepEqual(
      [again.statusCode, again.json<{ error: { code: string } }>().error.code],
      [409, 'nothing_to_undo'],
    );
    const [closed] = (await alerts()).filter(({ uid }) => uid === first.uid);
    assert.equal(closed?.closed_reason, 'expected_change', 'the alert stays closed');
  });

  test('a true positive for the pattern lets a finding alert that the budget would not', async () => {
    await act('!', { identity: 'agent-9' });
    await act('?', { identity: 'agent-9-quiet' });
    assert.equal((await alerts('agent-9-quiet')).length, 0, 'a lesser surprise opens none');
    const [first] = await alerts('agent-9');
    assert.ok(first !== undefined);
    await post(`/v1/alerts/${first.uid}/verdict`, { verdict: 'true_positive', scope: 'pattern' });
    await act('?', { identity: 'agent-9' });
    await act('?', { identity: 'agent-9' });
    assert.equal((await alerts('agent-9')).length, 3, 'each session has an alert of its own');
    await act('?', { identity: 'agent-9', tool: 'disk.read' });
    assert.equal((await alerts('agent-9')).length, 3, 'another subject has none');
  });

  test('a verdict for the group reaches its other members', async () => {
    await act('!', { identity: 'agent-10', tool: 'crm.read' });
    const [first] = await alerts('agent-10');
    assert.ok(first !== undefined);
    const judged = await post(`/v1/alerts/${first.uid}/verdict`, { verdict: 'false_positive', scope: 'group' });
    assert.equal(judged.json<{ directive: Shown }>().directive.expires === undefined, false, 'it ends by itself');
    await act('!', { identity: 'agent-11', tool: 'crm.read' });
    assert.equal((await alerts('agent-11')).length, 0);
    await act('!', { identity: 'agent-11', tool: 'crm.write' });
    assert.equal((await alerts('agent-11')).length, 1);
  });

  test('a suppression has author, reason and expiry, is shown, and is ended by a later record', async () => {
    const body = { identity: 'agent-12', reason: 'maintenance', for_ms: UNITS.DAY_MS };
    const made = await post('/v1/suppressions', body, 'analyst');
    assert.equal(made.statusCode, 201, made.body);
    const { directive } = made.json<{ directive: Shown & { author: string; time: number; reason: string } }>();
    assert.deepEqual([directive.author, directive.reason], ['local/analyst', 'maintenance']);
    assert.equal(directive.expires, directive.time + UNITS.DAY_MS);
    await act('!', { identity: 'agent-12' });
    assert.equal((await alerts('agent-12')).length, 0);
    const shown = await service.as('viewer', '/v1/identities/agent-12');
    assert.equal(shown.json<{ directives: Shown[] }>().directives[0]?.uid, directive.uid);
    const end = `/v1/directives/${directive.uid}/end`;
    assert.equal((await post(end, { reason: 'done' }, 'analyst')).statusCode, 200);
    await act('!', { identity: 'agent-12' });
    assert.equal((await alerts('agent-12')).length, 1);
    const twice = await post(end, { reason: 'done' }, 'analyst');
    assert.equal(twice.json<{ error: { code: string } }>().error.code, 'directive_ended');
    const listed = await service.as('viewer', '/v1/directives?state=ended&identity=agent-12');
    assert.deepEqual(
      listed.json<{ items: Shown[] }>().items.map(({ uid, state }) => [uid, state]),
      [[directive.uid, 'ended']],
    );
  });

  test('a request that is repeated with the same idempotency-key makes one directive', async () => {
    const payload = { peer_group: 'twice', alerts_per_1000_identity_days: 5, reason: 'audit' };
    const request = { method: 'POST', url: '/v1/budgets', payload, headers: { 'idempotency-key': 'once' } } as const;
    const [first, second] = [await service.as('admin', request), await service.as('admin', request)];
    assert.equal(first.body, second.body);
    const listed = await service.as('admin', '/v1/directives?peer_group=twice&kind=budget');
    assert.equal(listed.json<{ items: Shown[] }>().items.length, 1);
  });

  test('pages of directives neither skip nor repeat', async () => {
    for (let i = 0; i < 5; i++) {
      const payload = { identity: 'paged', pattern: `p${i}`, for_ms: UNITS.HOUR_MS, reason: 'r' };
      assert.equal((await post('/v1/suppressions', payload)).statusCode, 201);
    }
    const seen: string[] = [];
    for (let cursor = ''; ; ) {
      const answer = await service.as('viewer', `/v1/directives?identity=paged&limit=2${cursor}`);
      const page = answer.json<{ items: Shown[]; next_cursor?: string }>();
      seen.push(...page.items.map(({ uid }) => uid));
      if (page.next_cursor === undefined) break;
      cursor = `&cursor=${page.next_cursor}`;
    }
    assert.equal(new Set(seen).size, 5);
    assert.equal(seen.length, 5);
  });

  const REFUSED: readonly [string, string, object, 'root' | 'analyst' | 'admin' | 'approver', number, string][] = [
    ['no end', '/v1/suppressions', { identity: 'x', reason: 'r' }, 'root', 400, 'request_invalid'],
    ['no reason', '/v1/suppressions', { identity: 'x', for_ms: 1e6 }, 'root', 400, 'request_invalid'],
    ['a blank reason', '/v1/suppressions', { identity: 'x', for_ms: 1e6, reason: ' ' }, 'root', 400, 'request_invalid'],
    ['everything', '/v1/suppressions', { for_ms: 1e6, reason: 'r' }, 'root', 409, 'directive_too_wide'],
    [
      'a tenant, by an analyst',
      '/v1/suppressions',
      { pattern: 'p0', for_ms: 1e6, reason: 'r' },
      'analyst',
      403,
      'role_missing',
    ],
    [
      'both of identity and group',
      '/v1/suppressions',
      { identity: 'x', peer_group: 'y', for_ms: 1e6, reason: 'r' },
      'root',
      400,
      'request_invalid',
    ],
    [
      'longer than a year',
      '/v1/suppressions',
      { identity: 'x', expires: Date.UTC(2099, 0, 1), reason: 'r' },
      'root',
      409,
      'directive_too_long',
    ],
    [
      'more than there is room for',
      '/v1/suppressions',
      {
        identity: 'é'.repeat(256),
        subject: { kind: 'r', value: '漢'.repeat(1024) },
        for_ms: 1e6,
        reason: 'é'.repeat(1024),
      },
      'root',
      409,
      'directive_too_large',
    ],
    [
      'an unknown detector',
      '/v1/budgets',
      { detector: 'nobody', mute: true, reason: 'r' },
      'admin',
      400,
      'request_invalid',
    ],
    [
      'two budgets in one',
      '/v1/budgets',
      { identity: 'x', alerts_per_1000_identity_days: 5, detector: 'fake_usage', mute: true, reason: 'r' },
      'admin',
      400,
      'request_invalid',
    ],
    [
      'another budget for all',
      '/v1/budgets',
      { alerts_per_1000_identity_days: 5, reason: 'r' },
      'admin',
      409,
      'directive_too_wide',
    ],
    ['a budget by an analyst', '/v1/budgets', { identity: 'x', reason: 'r' }, 'analyst', 403, 'role_missing'],
    [
      'an unknown change',
      '/v1/changes',
      { identity: 'x', touches: ['all'], reason: 'r' },
      'root',
      400,
      'request_invalid',
    ],
    [
      'a change that takes too long',
      '/v1/changes',
      { identity: 'x', touches: ['tools'], for_ms: LIMITS.change_ms_max + 1, reason: 'r' },
      'root',
      409,
      'directive_too_long',
    ],
    ['an end of nothing', `/v1/directives/${'0'.repeat(32)}/end`, { reason: 'r' }, 'root', 404, 'directive_unknown'],
  ];
  for (const [name, url, payload, who, status, code] of REFUSED) {
    test(`refuses ${name}`, async () => {
      const answer = await service.as(who, { method: 'POST', url, payload });
      assert.deepEqual(
        [answer.statusCode, answer.json<{ error: { code: string } }>().error.code],
        [status, code],
        answer.body,
      );
    });
  }
});
