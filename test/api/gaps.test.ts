import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { z } from 'zod';
import type { GapAnswer, GapPage } from '../../schemas/api/gaps.ts';
import type { StatusAnswer } from '../../schemas/api/status.ts';
import type { Gap } from '../../schemas/gap.ts';
import { GAP_STAGES } from '../../schemas/gap.ts';
import { gapChoices } from '../../services/control/explain-gap.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { gapOf } from '../../services/platform/gaps.ts';
import { until } from '../deliver/receiver.ts';
import { type Service, type Subject, startService } from './support/service.ts';

const place = { stage: 'ingest', topic: TOPICS.raw, reason: 'offset_before_log' } as const;
const hostile = 'gone\u202e\u0007<script>';
const gapAt = (partition: number): Gap => gapOf({ ...place, partition, message: hostile, lost: 9 }, [partition]);

describe('gaps over HTTP', { concurrency: 1 }, () => {
  let service: Service;
  const found = [0, 1, 2, 3].map(gapAt);
  const id = (partition: number): string => found[partition]?.id ?? '';
  before(async () => {
    service = await startService();
    for (const gap of found) await service.gaps.report(gap);
    await until(() => service.ports.control.state.gaps.size === found.length);
  });
  after(() => service.close());

  const decide = async (subject: Subject, gap: string, payload: object, headers: Record<string, string> = {}) => {
    const url = `/v1/gaps/${gap}/decision`;
    const response = await service.as(subject, { method: 'POST', url, payload, headers });
    const body = response.json<z.infer<typeof GapAnswer> & { error?: { code: string; field?: string } }>();
    return { status: response.statusCode, code: body.error?.code, field: body.error?.field, gap: body.gap };
  };
  const list = async (query = '') => (await service.as('viewer', `/v1/gaps${query}`)).json<z.infer<typeof GapPage>>();
  const counts = async () => (await service.as('viewer', '/v1/status')).json<z.infer<typeof StatusAnswer>>().gaps;
  const START = { resume: 'start', reason: 'INC-1' };

  test('are listed with what either decision would lose or repeat, and counted in the status', async () => {
    const { items } = await list('?state=open');
    assert.deepEqual(items.map(({ gap }) => gap.id).toSorted(), found.map((gap) => gap.id).toSorted());
    for (const { gap, state, choices } of items) {
      assert.deepEqual([gap.message, gap.lost, state], [hostile, 9, 'open']);
      assert.match(choices.start, /oldest record that is there/);
      assert.match(choices.end, /behind the newest/);
    }
    assert.deepEqual(await counts(), { open: 4, decided: 0 });
  });

  test('are decided by a person who administers, with a reason', async () => {
    for (const subject of ['viewer', 'analyst', 'approver', 'siem', 'ingest', 'robot'] as const) {
      assert.deepEqual((await decide(subject, id(0), START)).status, 403, subject);
    }
    for (const [payload, field] of [
      [{ resume: 'start' }, 'body.reason'],
      [{ resume: 'start', reason: ' ' }, 'body.reason'],
      [{ resume: 'middle', reason: 'x' }, 'body.resume'],
      [{ ...START, by: { issuer: 'local', subject: 'root' } }, 'body'],
    ] as const) {
      const refused = await decide('admin', id(0), payload);
      assert.deepEqual([refused.status, refused.code], [400, 'request_invalid'], JSON.stringify(payload));
      assert.ok(refused.field?.startsWith(field), refused.field);
    }
    assert.deepEqual(await counts(), { open: 4, decided: 0 });
    const { status, gap } = await decide('admin', id(0), START);
    assert.equal(status, 200);
    assert.deepEqual([gap.state, gap.decision?.by.subject, gap.decision?.reason], ['decided', 'admin', 'INC-1']);
    assert.deepEqual(await counts(), { open: 3, decided: 1 });
    assert.equal(service.gaps.decision(id(0)), 'start');
  });

  test('are decided once: of two the second is told, and the same request again is answered alike', async () => {
    const [one, other] = await Promise.all([
      decide('admin', id(1), START),
      decide('root', id(1), { resume: 'end', reason: 'INC-2' }),
    ]);
    assert.deepEqual([one.status, other.status].toSorted(), [200, 409]);
    assert.equal(one.code ?? other.code, 'gap_already_decided');
    const key = { 'idempotency-key': 'decide-2' };
    const first = await decide('admin', id(2), START, key);
    assert.deepEqual(await decide('admin', id(2), START, key), first);
    assert.equal(first.status, 200);
    const other_words = await decide('admin', id(2), { ...START, resume: 'end' }, key);
    assert.deepEqual([other_words.status, other_words.code], [409, 'command_id_reused']);
  });

  test('say why they cannot be decided', async () => {
    assert.deepEqual(await decide('admin', '0'.repeat(16), START), {
      status: 404,
      code: 'unknown_gap',
      field: undefined,
      gap: undefined,
    });
    assert.equal((await decide('admin', 'no-id', START)).status, 400);
    await service.gaps.closed(id(0), 17);
    await until(() => service.ports.control.state.gaps.get(id(0))?.state === 'closed');
    assert.equal((await decide('admin', id(0), START)).code, 'gap_already_closed');
  });

  test('come page by page: open ones first, then decided, then closed', async () => {
    const all = await list();
    assert.deepEqual(
      all.items.map(({ state }) => state),
      ['open', 'decided', 'decided', 'closed'],
    );
    assert.equal(all.items[3]?.closed?.resumed_at, 17);
    const seen: string[] = [];
    for (let cursor = ''; ; ) {
      const page = await list(`?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`);
      seen.push(...page.items.map(({ gap }) => gap.id));
      if (page.next_cursor === undefined) break;
      cursor = page.next_cursor;
    }
    assert.deepEqual(
      seen,
      all.items.map(({ gap }) => gap.id),
    );
    const wrong = await service.as('viewer', '/v1/gaps?cursor=abc');
    assert.equal(wrong.statusCode, 400);
  });
});

test('either decision about a gap of any stage and reason is explained, and they differ', () => {
  const reasons = [
    'offset_before_log',
    'offset_beyond_log',
    'generation_changed',
    'partition_count_changed',
    'manifest_missing',
    'prior_missing',
    'too_many_failures',
    'position_unreadable',
    'of_a_later_version',
  ];
  for (const stage of GAP_STAGES) {
    for (const topic of [TOPICS.raw, TOPICS.spans, TOPICS.alerts, TOPICS.feed, TOPICS.commands]) {
      for (const reason of reasons) {
        const { start, end } = gapChoices(gapOf({ stage, topic, partition: 0, reason, message: 'm' }, []));
        assert.ok(start.length > 40 && end.length > 40 && start !== end, `${stage} ${reason}`);
      }
    }
  }
});
