import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import type { ContainmentView } from '../../schemas/api/containments.ts';
import type { PolicyAnswer, PolicyDryRunAnswer } from '../../schemas/api/policy.ts';
import { PolicyDocument } from '../../schemas/policy.ts';
import { plainAlert } from '../ocsf/alerts.ts';
import { type Service, type Subject, startService } from './support/service.ts';

type Refusable = { readonly error?: { readonly code: string } };

describe('the policy over HTTP', { concurrency: 1 }, () => {
  let service: Service;
  let alerts = 0;

  before(async () => {
    service = await startService();
  });
  after(() => service.close());

  const ask = async <T>(subject: Subject, method: 'GET' | 'POST' | 'PUT', url: string, payload?: object) => {
    const response = await service.as(subject, { method, url, ...(payload && { payload }) });
    const body = response.json<T & Refusable>();
    return { status: response.statusCode, code: body.error?.code, body };
  };

  const proposed = async (): Promise<ContainmentView> => {
    alerts++;
    const alert = plainAlert({ uid: alerts.toString(16).padStart(32, '0') });
    await service.raise(alert);
    const page = await ask<{ items: ContainmentView[] }>('viewer', 'GET', `/v1/containments?alert=${alert.uid}`);
    return page.body.items[0] as ContainmentView;
  };

  const approve = async (subject: Subject, { id, digest }: ContainmentView) => {
    await service.stepUp(subject, id);
    return ask<{ containment: ContainmentView }>(subject, 'POST', `/v1/containments/${id}/approve`, { digest });
  };

  const two = { version: 'two-1', rules: [{ name: 'two', approvals: 2 }] };

  test('none at first: the configuration counts', async () => {
    const { body } = await ask<PolicyAnswer>('viewer', 'GET', '/v1/policy');
    assert.equal(body.policy, undefined);
    assert.deepEqual([body.floor.approvals, body.versions, body.editors], [1, [], []]);
  });

  test('a dry run says what it would have meant, and changes nothing', async () => {
    const containment = await proposed();
    assert.equal((await approve('approver', containment)).body.containment.votes.length, 1);
    const waiting = await proposed();
    const { body } = await ask<PolicyDryRunAnswer>('admin', 'POST', '/v1/policy/dry-run', { policy: two });
    assert.deepEqual([body.summary.containments, body.summary.stricter, body.summary.no_longer_approved], [2, 2, 1]);
    const [first, second] = body.items;
    assert.deepEqual([first?.containment, first?.outcome], [containment.id, 'no_longer_approved']);
    assert.deepEqual(first?.counted, [{ issuer: 'local', subject: 'approver' }]);
    assert.deepEqual([second?.containment, second?.outcome], [waiting.id, 'not_approved']);
    assert.deepEqual([first?.before.approvals, first?.after.approvals, first?.after.rules], [1, 2, ['two']]);
    const less = { version: 'less-1' };
    const kept = await ask<PolicyDryRunAnswer>('admin', 'POST', '/v1/policy/dry-run', { policy: less });
    assert.deepEqual([kept.body.summary.same, kept.body.summary.still_approved], [2, 1]);
    const ten = { version: 'ten-1', defaults: { approvals: 10 } };
    const unreachable = await ask<PolicyDryRunAnswer>('admin', 'POST', '/v1/policy/dry-run', { policy: ten });
    assert.match(unreachable.body.warnings.join(), /defaults: of the people there are now, 2 could approve/);
    assert.equal((await ask<PolicyAnswer>('viewer', 'GET', '/v1/policy')).body.policy, undefined);
  });

  test('set, it counts from then on, also for what waits, and its editor stands back', async () => {
    const waiting = await proposed();
    const set = await ask<PolicyAnswer>('root', 'PUT', '/v1/policy', { policy: two, reason: 'RISK-77' });
    assert.equal(set.status, 200, set.code);
    assert.equal(set.body.policy?.document.version, 'two-1');
    assert.deepEqual(
      set.body.editors.map(({ principal }) => principal.subject),
      ['root'],
    );
    const next = await proposed();
    assert.deepEqual(
      [next.terms.policy.version, next.terms.policy.approvals, next.terms.policy.rules],
      ['two-1', 2, ['two']],
    );
    assert.equal((await approve('approver', waiting)).body.containment.state, 'pending');
    const own = await approve('root', waiting);
    assert.deepEqual([own.status, own.code], [403, 'policy_editor_excluded']);
  });

  test('what cannot be set', async () => {
    const put = (subject: Subject, policy: object, reason = 'why') =>
      ask<PolicyAnswer>(subject, 'PUT', '/v1/policy', { policy, reason });
    assert.equal((await put('admin', two)).code, 'nothing_changed');
    assert.equal((await put('admin', { ...two, rules: [] })).code, 'policy_version_used');
    assert.equal((await put('approver', { version: 'mine' })).status, 403);
    assert.equal((await put('admin', { version: 'x', rules: [{ name: 'a', approvals: 0 }] })).code, 'request_invalid');
    assert.equal((await put('admin', { version: 'x', rule: [] })).code, 'request_invalid');
    assert.equal((await put('admin', { version: 'x' }, ' ')).code, 'request_invalid');
  });
});

test('the example policy is one', async () => {
  const text = await readFile(new URL('../../deploy/examples/policy.yaml', import.meta.url), 'utf8');
  assert.equal(PolicyDocument.parse(parse(text)).rules.length, 4);
});
