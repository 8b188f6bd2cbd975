import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { ContainmentView } from '../../schemas/api/containments.ts';
import { plainAlert } from '../ocsf/alerts.ts';
import { type Service, type Subject, startService } from './support/service.ts';

type Answer = { readonly containment: ContainmentView; readonly executor: { readonly state: string } };

for (const executor of [true, false]) {
  describe(`countersigning ${executor ? 'with' : 'without'} an executor`, { concurrency: 1 }, () => {
    let service: Service;
    let shown: ContainmentView;
    let alerts = 0;

    before(async () => {
      service = await startService({ executor });
    });
    after(() => service.close());

    /** Every test has a proposal of its own. */
    beforeEach(async () => {
      alerts++;
      const alert = plainAlert({ uid: alerts.toString(16).padStart(32, '0') });
      await service.raise(alert);
      const page = (await service.as('approver', `/v1/containments?alert=${alert.uid}`)).json<{
        items: ContainmentView[];
      }>();
      assert.equal(page.items.length, 1);
      shown = page.items[0] as ContainmentView;
    });

    const act = async (subject: Subject, what: string, payload?: object, headers: Record<string, string> = {}) => {
      if (what === 'approve' || what === 'deny') await service.stepUp(subject, shown.id);
      const url = `/v1/containments/${shown.id}/${what}`;
      const response = await service.as(subject, { method: 'POST', url, headers, ...(payload && { payload }) });
      const body = response.json<Partial<Answer> & { error?: { code: string; field?: string } }>();
      return { status: response.statusCode, code: body.error?.code, field: body.error?.field, body };
    };

    const now = async (): Promise<ContainmentView> =>
      (await service.as('viewer', `/v1/containments/${shown.id}`)).json<Answer>().containment;

    const vote = (subject: Subject, what: 'approve' | 'deny', comment?: string) =>
      act(subject, what, { digest: shown.digest, ...(comment !== undefined && { comment }) });

    test('a proposal waits, and says for what', () => {
      assert.equal(shown.state, 'pending');
      assert.deepEqual([shown.situation.code, shown.situation.until], ['waits_for_approval', shown.approval_expires]);
    });

    test('an approval is recorded with its author and comment, and what follows is said plainly', async () => {
      const approved = await vote('approver', 'approve', 'seen the evidence');
      assert.equal(approved.status, 200, JSON.stringify(approved.body));
      const { containment, executor: told } = approved.body;
      assert.deepEqual(
        containment?.votes.map(({ by, decision, comment }) => [by.subject, decision, comment]),
        [['approver', 'approve', 'seen the evidence']],
      );
      if (executor) {
        assert.equal(told?.state, 'configured');
        await settled(service, shown.id);
        assert.equal((await now()).state, 'succeeded');
      } else {
        assert.equal(told?.state, 'not_configured');
        assert.deepEqual([(await now()).state, (await now()).situation.code], ['approved', 'no_executor']);
        assert.equal(service.executed.length, 0);
      }
    });

    test('one denial ends it, and nothing runs', async () => {
      const ran = service.executed.length;
      assert.equal((await vote('approver', 'deny')).body.containment?.state, 'denied');
      const late = await vote('root', 'approve');
      assert.deepEqual([late.status, late.code], [409, 'already_denied']);
      assert.equal(service.executed.length, ran);
    });

    test('a vote names what was seen: another digest changes nothing', async () => {
      const other = await act('approver', 'approve', { digest: '0'.repeat(64) });
      assert.deepEqual([other.status, other.code], [409, 'digest_mismatch']);
      for (const payload of [{}, { digest: '' }, { digest: shown.digest.toUpperCase() }, { digest: [shown.digest] }]) {
        const refused = await act('approver', 'approve', payload);
        assert.deepEqual([refused.status, refused.code, refused.field], [400, 'request_invalid', 'body.digest']);
      }
      const more = await act('approver', 'approve', { digest: shown.digest, by: { issuer: 'local', subject: 'root' } });
      assert.deepEqual([more.status, more.code], [400, 'request_invalid']);
      assert.equal((await now()).state, 'pending');
    });

    test('a repeat under the same idempotency-key answers the same and does nothing twice', async () => {
      const headers = { 'idempotency-key': `retry-${shown.id}` };
      const payload = { digest: shown.digest };
      assert.equal((await act('approver', 'deny', payload, headers)).status, 200);
      const again = await act('approver', 'deny', payload, headers);
      assert.deepEqual([again.status, again.body.containment?.votes.length], [200, 1]);
      assert.deepEqual((await act('approver', 'deny', payload)).code, 'already_denied');
      const reused = await act('approver', 'approve', payload, headers);
      assert.deepEqual([reused.status, reused.code], [409, 'command_id_reused']);
      assert.equal(
        (await act('root', 'deny', payload, headers)).code,
        'already_denied',
        "another's key is another key",
      );
      const broken = await act('approver', 'deny', payload, { 'idempotency-key': 'with space' });
      assert.deepEqual([broken.status, broken.field], [400, 'headers.idempotency-key']);
    });

    test('votes that race are decided one after the other', async () => {
      const votes = await Promise.all([vote('approver', 'deny'), vote('root', 'deny'), vote('approver', 'deny')]);
      assert.deepEqual(votes.map(({ status }) => status).toSorted(), [200, 409, 409]);
      assert.equal((await now()).votes.length, 1);
    });

    test('an approver withdraws what is not being executed, once', async () => {
      const cancelled = await act('approver', 'cancel');
      assert.equal(cancelled.body.containment?.state, 'cancelled', JSON.stringify(cancelled.body));
      const again = await act('approver', 'cancel');
      assert.deepEqual([again.status, again.code], [409, 'already_cancelled']);
      const machine = await act('robot', 'cancel');
      assert.deepEqual([machine.status, machine.code], [403, 'not_human']);
    });

    test('lists by state, newest first, page by page', async () => {
      const states = [...service.ports.control.state.containments.values()].map(({ state }) => state);
      for (const state of new Set([...states, 'open' as const])) {
        const want = state === 'open' ? states.filter((one) => ['pending', 'approved'].includes(one)) : [state];
        const all: ContainmentView[] = [];
        let cursor: string | undefined;
        do {
          const query: string = `state=${state}&limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`;
          const page = (await service.as('viewer', `/v1/containments?${query}`)).json<{
            items: ContainmentView[];
            next_cursor?: string;
          }>();
          all.push(...page.items);
          cursor = page.next_cursor;
        } while (cursor !== undefined);
        assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
        assert.equal(all.length, states.filter((one) => want.includes(one)).length, state);
        const created = all.map((one) => one.created);
        assert.deepEqual(
          created,
          created.toSorted((a, b) => b - a),
        );
      }
    });
  });
}

/** Resolves once the containment has come to its end. */
async function settled(service: Service, id: string): Promise<void> {
  const { control } = service.ports;
  while (!control.state.ended.has(id)) await new Promise((resolve) => setImmediate(resolve));
}
