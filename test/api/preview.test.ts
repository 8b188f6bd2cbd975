import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ContainmentPreview } from '../../schemas/api/preview.ts';
import { run } from '../cli/support.ts';
import { plainAlert } from '../ocsf/alerts.ts';
import { eventOf, ndjson, type Service, startService } from './support/service.ts';

for (const executor of [true, false]) {
  describe(`a preview ${executor ? 'with' : 'without'} an executor`, { concurrency: 1 }, () => {
    let service: Service;
    let id: string;
    before(async () => {
      service = await startService({ executor });
      const alert = plainAlert({ uid: 'f'.repeat(32) });
      const { id: identity } = alert.identity;
      const { target } = alert.recommendation;
      const events = [1, 2, 3].map((n) =>
        eventOf(`e-${n}`, {
          identity: { id: identity, kind: 'agent' },
          session: 's-1',
          tool: { name: target },
          on_behalf_of: 'turns\u202e',
        }),
      );
      const headers = { 'content-type': 'application/x-ndjson' };
      await service.as('ingest', { method: 'POST', url: '/v1/events', headers, payload: ndjson(...events) });
      await service.drain();
      await service.raise(alert);
      id = [...(service.ports.control.state.byAlert.get(alert.uid) ?? [])][0] ?? assert.fail('no proposal');
    });
    after(() => service.close());

    test('shows what would be sent and touched, and sends nothing', async () => {
      const response = await service.as('viewer', `/v1/containments/${id}/preview`);
      assert.equal(response.statusCode, 200, response.payload);
      const shown = response.json<ContainmentPreview>();
      assert.equal(shown.digest, service.ports.control.state.containments.get(id)?.digest);
      assert.equal(shown.blast_radius?.identity.events, 3);
      assert.deepEqual(
        shown.blast_radius?.sessions.map(({ session, open }) => [session, open]),
        [['s-1', true]],
      );
      if (executor) {
        const action = service.ports.control.state.containments.get(id)?.terms.recommendation.action;
        const order = {
          executor: 'recording',
          direction: 'contain',
          dry_run: action,
          idempotent: true,
          can_probe: true,
        };
        assert.deepEqual(shown.order, order);
        assert.equal(shown.message, 'it would be carried out by recording');
      } else {
        assert.equal(shown.order, undefined);
        assert.match(shown.message, /no executor is configured/);
      }
      assert.deepEqual(service.executed, []);
    });

    test('is shown on the command line, with text of agents made printable', async () => {
      const env = { COUNTERSIGN_API_KEY: service.tokens.viewer, NO_COLOR: '1' };
      const { code, stdout, stderr } = await run(['preview', id.slice(0, 10), '--url', service.url], { env });
      assert.equal(code, 0, stderr);
      assert.match(stdout, /What it would touch/);
      assert.match(stdout, /3 events in 1 session/);
      assert.ok(stdout.includes('turns\\u202e'), stdout);
      assert.doesNotMatch(stdout, /\u202e/);
      assert.equal(/What would be sent/.test(stdout), executor);
    });

    test('is for who may read, of what there is', async () => {
      assert.equal((await service.as('siem', `/v1/containments/${id}/preview`)).statusCode, 403);
      const unknown = await service.as('viewer', `/v1/containments/${'0'.repeat(32)}/preview`);
      assert.equal(unknown.statusCode, 404);
    });
  });
}
