import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ROUTES } from '../../services/api/routes/index.ts';
import { tenancyOf } from '../../services/api/tenancy.ts';
import { plainAlert } from '../ocsf/alerts.ts';
import { type Service, startService } from './support/service.ts';

describe('a key that is bound to a tenant', { concurrency: 1 }, () => {
  let service: Service;
  let token: string;
  const uids = { ours: 'a'.repeat(32), theirs: 'b'.repeat(32) };
  before(async () => {
    service = await startService();
    await service.raise(
      plainAlert({ uid: uids.ours, tenant: 'acme' }),
      plainAlert({ uid: uids.theirs, tenant: 'other' }),
    );
    const payload = {
      principal: { subject: 'root' },
      roles: ['admin', 'analyst', 'approver', 'viewer'],
      tenants: ['acme'],
    };
    const made = await service.as('root', { method: 'POST', url: '/v1/keys', payload });
    assert.equal(made.statusCode, 201, made.body);
    token = made.json().token;
  });
  after(() => service.close());

  const ask = (url: string, payload?: object) =>
    service.app.inject({
      method: payload === undefined ? 'GET' : 'POST',
      url,
      headers: { authorization: `Bearer ${token}` },
      ...(payload !== undefined && { payload }),
    });
  const containmentOf = (uid: string): { id: string; digest: string } => {
    const id = service.ports.control.state.byAlert.get(uid)?.[0] ?? '';
    return { id, digest: service.ports.control.state.containments.get(id)?.digest ?? '' };
  };

  test('sees its own without naming it, and nothing of another', async () => {
    const items = (await ask('/v1/alerts')).json().items as { uid: string }[];
    assert.deepEqual(
      items.map(({ uid }) => uid),
      [uids.ours],
    );
    const list = (await ask('/v1/containments')).json().items as { terms: { tenant: string } }[];
    assert.deepEqual([...new Set(list.map(({ terms }) => terms.tenant))], ['acme']);
    for (const url of [
      '/v1/alerts?tenant=other',
      `/v1/alerts/${uids.theirs}?tenant=other`,
      '/v1/identities?tenant=default',
      '/v1/containments?tenant=other',
      `/v1/containments/${containmentOf(uids.theirs).id}`,
      '/v1/status',
      '/v1/keys',
      '/v1/sessions',
    ]) {
      assert.equal((await ask(url)).json().error?.code, 'tenant_out_of_scope', url);
    }
    assert.equal((await ask(`/v1/containments/${containmentOf(uids.ours).id}`)).statusCode, 200);
    assert.equal((await ask('/v1/whoami')).statusCode, 200);
  });

  test('changes nothing of another, also when the door is left open', async () => {
    const theirs = containmentOf(uids.theirs);
    const denied = await ask(`/v1/containments/${theirs.id}/deny`, { digest: theirs.digest });
    assert.equal(denied.json().error.code, 'tenant_out_of_scope');
    const made = await ask('/v1/principals', { subject: 'new', human: false, roles: ['viewer'] });
    assert.equal(made.json().error.code, 'tenant_out_of_scope');
    const by = { issuer: 'local', subject: 'root' };
    const credential = token.split('_')[1];
    for (const body of [
      { type: 'deny', containment: theirs.id, digest: theirs.digest },
      { type: 'user_remove', principal: { issuer: 'local', subject: 'viewer' } },
      { type: 'verdict', alert_uid: uids.theirs, tenant: 'other', identity: 'x', verdict: 'false_positive' },
      { type: 'sessions_end', principal: { issuer: 'local', subject: 'viewer' } },
    ] as const) {
      const asked = { ...body, id: `scope-${body.type}`, by, credential, time: service.ports.clock.now() };
      const answer = await service.ports.commands.ask(asked);
      assert.equal(answer.kind === 'refused' && answer.code, 'tenant_out_of_scope', body.type);
    }
    assert.equal(service.ports.control.state.containments.get(theirs.id)?.state, 'pending');
  });

  test('every route that is by tenant takes one', () => {
    for (const { url, schema } of ROUTES) {
      if (tenancyOf(url) !== 'named') continue;
      const shapes = [schema.querystring, schema.body].map(
        (one) => (one as { shape?: object } | undefined)?.shape ?? {},
      );
      assert.ok(
        shapes.some((shape) => 'tenant' in shape),
        `${url} takes no tenant`,
      );
    }
  });
});
