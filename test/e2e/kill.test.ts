import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../services/platform/clock.ts';
import { call, type ServiceProcess, startService, temporaryDirectory } from '../support/service-process.ts';

/**
 * The service itself under kill -9: what was acknowledged is there after it, once, whatever was sent again, and the sums
 * of promise P1 hold. Real processes, the real log and the real store.
 */
const ROUNDS = 5;
const BATCH = 40;

type Status = {
  lag: number;
  ready: boolean;
  sums: { received: number; accepted: number; dead_lettered: number; absorbed: number; balanced: boolean };
  partitions: { next_offset: number; durable_offset: number; counters: Record<string, number> }[];
};

test('kill -9 loses nothing that was acknowledged and counts nothing twice', async () => {
  const directory = await temporaryDirectory();
  const sent = new Set<string>();
  const dice = sequence(42);
  let serial = 0;
  let pending: string[] = [];
  let acknowledged = 0;
  let tokens: Readonly<Record<string, string>> = {};

  const nextBatch = (): string[] =>
    Array.from({ length: BATCH }, () => {
      const id = `e${serial++}`;
      return JSON.stringify(eventOf(id, serial));
    });

  /** Sends batches until the process dies under it; the batch without an answer is sent again by the next life. */
  const sendUntilDeath = async (service: ServiceProcess, batches: number): Promise<void> => {
    for (let i = 0; i < batches; i++) {
      const batch = pending.length > 0 ? pending : nextBatch();
      pending = batch;
      const bad = i % 3 === 0 ? ['{"not": "an event"}'] : [];
      const text = [...batch, ...bad].join('\n');
      const answer = await call(service, tokens.ingest ?? '', '/v1/events', { text, type: 'application/x-ndjson' });
      assert.equal(answer.status, 200);
      for (const line of batch) sent.add((JSON.parse(line) as { id: string }).id);
      acknowledged += batch.length;
      pending = [];
    }
  };

  try {
    for (let round = 0; round < ROUNDS; round++) {
      const service = await startService(directory.path);
      tokens = round === 0 ? service.tokens : tokens;
      const sending = sendUntilDeath(service, 1000).catch((error: unknown) => {
        if (error instanceof assert.AssertionError) throw error;
      });
      await waitUntil(() => acknowledged >= (round + 1) * BATCH * (1 + dice(6)));
      await service.kill('SIGKILL');
      await sending;
    }
    const service = await startService(directory.path);
    await sendUntilDeath(service, 2);
    const status = await settled(service, tokens.admin ?? '');
    assert.equal(status.sums.received, status.sums.accepted + status.sums.dead_lettered + status.sums.absorbed);
    assert.equal(status.sums.balanced, true);
    const counted = (name: string): number => status.partitions.reduce((sum, p) => sum + (p.counters[name] ?? 0), 0);
    assert.equal(counted('event'), status.sums.accepted, 'every accepted event reached detect');
    assert.equal(counted('accepted'), sent.size, 'every event counts once');
    assert.equal(counted('accepted') + counted('duplicate'), counted('event'));
    assert.deepEqual(await idsInStore(service, tokens.admin ?? ''), [...sent].sort());
    assert.equal(await service.kill('SIGTERM'), 0);
  } finally {
    await directory.remove();
  }
});

function eventOf(id: string, serial: number): Record<string, unknown> {
  return {
    id,
    time: systemClock.now(),
    identity: { id: `agent-${serial % 5}`, kind: 'agent' },
    session: `s${serial % 11}`,
    action: { operation: 'read' },
    tool: { name: `tool-${serial % 7}` },
    resources: [{ id: `file-${serial % 13}` }],
    volume: { bytes_out: serial },
  };
}

/** Everything that is in the log is durable in the store. */
async function settled(service: ServiceProcess, token: string): Promise<Status> {
  for (;;) {
    const { body } = await call(service, token, '/v1/status');
    const status = body as Status;
    if (status.lag === 0 && status.partitions.every((p) => p.durable_offset === p.next_offset)) return status;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function idsInStore(service: ServiceProcess, token: string): Promise<string[]> {
  const ids: string[] = [];
  for (let agent = 0; agent < 5; agent++) {
    let cursor: string | null | undefined;
    do {
      const after = cursor === undefined || cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await call(service, token, `/v1/identities/agent-${agent}/events?limit=500${after}`);
      assert.equal(page.status, 200, JSON.stringify(page.body));
      const { items, next_cursor } = page.body as { items: { event: { id: string } }[]; next_cursor?: string | null };
      ids.push(...items.map((item) => item.event.id));
      cursor = next_cursor;
    } while (cursor !== undefined && cursor !== null);
  }
  return ids.sort();
}

async function waitUntil(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function sequence(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
}
