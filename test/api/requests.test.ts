import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ContainmentView } from '../../schemas/api/containments.ts';
import { Command } from '../../schemas/command.ts';
import { ROUTES } from '../../services/api/routes/index.ts';
import { plainAlert } from '../ocsf/alerts.ts';
import { type Service, type Subject, startService } from './support/service.ts';

type Answered = { readonly status: number; readonly code: string | undefined; readonly containment: ContainmentView };

describe('what people ask for', { concurrency: 1 }, () => {
  let service: Service;
  let alerts = 0;

  before(async () => {
    service = await startService();
  });
  after(() => service.close());

  const raise = async () => {
    alerts++;
    const alert = plainAlert({ uid: alerts.toString(16).padStart(32, '0') });
    await service.raise(alert);
    return alert;
  };

  const post = async (subject: Subject, path: string, payload: object): Promise<Answered> => {
    const response = await service.as(subject, { method: 'POST', url: `/v1/containments${path}`, payload });
    const body = response.json<{ containment: ContainmentView; error?: { code: string } }>();
    return { status: response.statusCode, code: body.error?.code, containment: body.containment };
  };

  const approve = async (subject: Subject, { id, digest }: ContainmentView): Promise<Answered> => {
    await service.stepUp(subject, id);
    return post(subject, `/${id}/approve`, { digest });
  };

  const settled = async ({ id }: ContainmentView): Promise<void> => {
    while (!service.ports.control.state.ended.has(id)) await new Promise((resolve) => setImmediate(resolve));
  };

  const asking = (uid: string) => ({
    alert_uid: uid,
    action: 'revoke_credential',
    target: `of ${uid}`,
    why: 'it leaked',
  });

  test('a request waits with the alert as it was, in the name of whoever asked', async () => {
    const alert = await raise();
    const asked = await post('analyst', '', asking(alert.uid));
    assert.equal(asked.status, 201, asked.code);
    const { terms, requested_by, state } = asked.containment;
    assert.equal(state, 'pending');
    assert.equal(requested_by.subject, 'analyst');
    assert.deepEqual(terms.origin, { kind: 'requested', why: 'it leaked' });
    assert.deepEqual(terms.alert.evidence, alert.evidence);
    assert.equal(terms.recommendation.action, 'revoke_credential');
    const again = await post('approver', '', asking(alert.uid));
    assert.deepEqual([again.status, again.code], [409, 'already_proposed']);
  });

  test('whoever asks does not approve, however many roles they have', async () => {
    const { uid } = await raise();
    const { containment } = await post('root', '', asking(uid));
    const own = await approve('root', containment);
    assert.deepEqual([own.status, own.code], [403, 'requester_cannot_approve']);
    assert.equal((await approve('approver', containment)).status, 200);
  });

  test('no vote without a fresh authentication', async () => {
    const { uid } = await raise();
    const { containment } = await post('analyst', '', asking(uid));
    for (const what of ['approve', 'deny']) {
      const stale = await post('approver', `/${containment.id}/${what}`, { digest: containment.digest });
      assert.deepEqual([stale.status, stale.code], [403, 'fresh_authentication_needed']);
    }
  });

  test('machines and strangers ask for nothing, and of alerts that do not exist nobody does', async () => {
    const { uid } = await raise();
    assert.equal((await post('robot', '', asking(uid))).code, 'not_human');
    assert.equal((await post('viewer', '', asking(uid))).status, 403);
    assert.equal((await post('analyst', '', asking('f'.repeat(32)))).code, 'alert_unknown');
    const other = await post('analyst', '', { ...asking(uid), action: 'suspend_agent', target: 'somebody-else' });
    assert.equal(other.code, 'target_refused');
    assert.equal((await post('analyst', '', { ...asking(uid), why: '  ' })).code, 'request_invalid');
  });

  test('a change voids the votes, and its author is the requester', async () => {
    const { uid } = await raise();
    const { containment } = await post('analyst', '', asking(uid));
    const changes = { digest: containment.digest, target: 'cred-2', why: 'the other one' };
    const amended = await post('approver', `/${containment.id}/amend`, changes);
    assert.equal(amended.status, 200, amended.code);
    assert.notEqual(amended.containment.digest, containment.digest);
    assert.equal(amended.containment.requested_by.subject, 'approver');
    assert.equal((await approve('approver', amended.containment)).code, 'requester_cannot_approve');
    const stale = await post('root', `/${containment.id}/amend`, changes);
    assert.equal(stale.code, 'digest_mismatch');
  });

  test('a roll-back is a request with approvals of its own, once', async () => {
    const { uid } = await raise();
    const { containment } = await post('analyst', '', asking(uid));
    const early = await post('analyst', `/${containment.id}/rollback`, { why: 'a mistake' });
    assert.equal(early.code, 'nothing_to_roll_back');
    await approve('approver', containment);
    await settled(containment);
    const back = await post('approver', `/${containment.id}/rollback`, { why: 'a mistake' });
    assert.equal(back.status, 201, back.code);
    assert.deepEqual(back.containment.terms.origin, { kind: 'rollback', of: containment.id, why: 'a mistake' });
    assert.equal((await post('analyst', `/${containment.id}/rollback`, { why: 'too' })).code, 'already_proposed');
    assert.equal((await approve('approver', back.containment)).code, 'requester_cannot_approve');
    await approve('root', back.containment);
    await settled(back.containment);
    assert.equal((await post('analyst', `/${containment.id}/rollback`, { why: 'too' })).code, 'already_proposed');
    assert.equal(
      (await post('analyst', `/${containment.id}/resolve`, { took_effect: true, comment: 'x' })).code,
      'not_resolvable',
    );
  });

  test('one vote is about one containment: nothing takes several', () => {
    const votes = ROUTES.filter(({ url }) => /approve|deny/.test(url));
    assert.deepEqual(
      votes.map(({ url }) => url),
      ['/v1/containments/:id/approve', '/v1/containments/:id/deny'],
    );
    const by = { issuer: 'local', subject: 'approver' };
    const shared = { id: 'several-at-once', by, time: 0, digest: '0'.repeat(64) };
    for (const type of ['approve', 'deny']) {
      const one = 'a'.repeat(32);
      assert.ok(Command.safeParse({ ...shared, type, containment: one }).success);
      assert.ok(!Command.safeParse({ ...shared, type, containment: [one, 'b'.repeat(32)] }).success);
    }
  });
});
