import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openStore } from '../../services/platform/clickhouse/client.ts';
import { type Store, StoreRefused, StoreUnavailable } from '../../services/platform/store.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { type Fault, type FaultPlan, type Front, startFront } from '../support/clickhouse-http-front.ts';
import { canonical, NOON, outputs, scored } from '../support/store-fixtures.ts';

/** Patience of the client that meets a server which never answers; every other wait is for an event. */
const HASTY_MS = 250;

const TRANSIENT: readonly Fault[] = [
  { kind: 'refuse' },
  { kind: 'reset_before' },
  { kind: 'reset_mid_body' },
  { kind: 'reset_after' },
  { kind: 'hang_before' },
  { kind: 'hang_after' },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 502 },
  { kind: 'status', status: 503 },
  { kind: 'truncated' },
  { kind: 'exception', code: 243, type: 'NOT_ENOUGH_SPACE' },
  { kind: 'exception', code: 241, type: 'MEMORY_LIMIT_EXCEEDED' },
  { kind: 'exception', code: 252, type: 'TOO_MANY_PARTS' },
  { kind: 'exception', code: 202, type: 'TOO_MANY_SIMULTANEOUS_QUERIES' },
  { kind: 'exception', code: 33, type: 'CANNOT_READ_ALL_DATA' },
  { kind: 'exception', code: 60, type: 'UNKNOWN_TABLE' },
  { kind: 'exception', code: 516, type: 'AUTHENTICATION_FAILED' },
  { kind: 'exception', code: 1_002, type: 'UNKNOWN_EXCEPTION' },
  { kind: 'exception', code: 9_999, type: 'OF_A_LATER_VERSION' },
];
const PERMANENT: readonly Fault[] = [
  { kind: 'exception', code: 131, type: 'TOO_LARGE_STRING_SIZE' },
  { kind: 'exception', code: 469, type: 'VIOLATED_CONSTRAINT' },
  { kind: 'exception', code: 27, type: 'CANNOT_PARSE_INPUT_ASSERTION_FAILED' },
];
const nameOf = (fault: Fault): string => Object.values(fault).join(' ');

describe('the store over a wire that fails', { concurrency: 1 }, () => {
  let front: Front;
  let store: Store;
  let hasty: Store;
  before(async () => {
    front = await startFront();
    const open = async (request_timeout_ms: number): Promise<Store> => {
      const options = { kind: 'server', url: front.url, request_timeout_ms } as const;
      return (await openStore(options, { telemetry: silentTelemetry() })).store;
    };
    store = await open(60_000);
    hasty = await open(HASTY_MS);
  });
  after(async () => {
    await hasty.close();
    await store.close();
    await front.close();
  });

  const storeFor = (fault: Fault): Store => (fault.kind.startsWith('hang') ? hasty : store);
  const rowsOf = (tenant: string): ReturnType<typeof outputs> =>
    outputs({ events: [0, 1, 2].map((i) => scored(canonical(tenant, `e-${i}`, { time: NOON + i }), { offset: i })) });
  const countOf = async (tenant: string): Promise<number> => (await store.readIdentity(tenant, 'agent-1'))?.events ?? 0;
  const under = async <T>(plan: FaultPlan, attempt: () => Promise<T>): Promise<unknown> => {
    await front.inject(plan);
    try {
      await attempt();
      return undefined;
    } catch (error) {
      return error;
    } finally {
      await front.heal();
    }
  };

  for (const fault of TRANSIENT) {
    test(`a write that meets "${nameOf(fault)}" is unavailable, and stored once when repeated`, async () => {
      const tenant = `write ${nameOf(fault)}`;
      const error = await under({ fault, on: 'insert' }, () => storeFor(fault).writeOutputs(rowsOf(tenant)));
      assert.ok(error instanceof StoreUnavailable, String(error));
      await store.writeOutputs(rowsOf(tenant));
      assert.equal(await countOf(tenant), 3);
    });

    test(`a read that meets "${nameOf(fault)}" is unavailable, and not half an answer`, async () => {
      const tenant = `read ${nameOf(fault)}`;
      await store.writeOutputs(rowsOf(tenant));
      const read = (): Promise<unknown> => storeFor(fault).listEvents({ tenant, identity: 'agent-1' }, { limit: 9 });
      const error = await under({ fault, on: 'statement' }, read);
      assert.ok(error instanceof StoreUnavailable, String(error));
      assert.equal(await countOf(tenant), 3);
    });
  }

  for (const fault of PERMANENT) {
    test(`a write that meets "${nameOf(fault)}" is refused for good`, async () => {
      const error = await under({ fault, on: 'insert' }, () => store.writeOutputs(rowsOf('refused')));
      assert.ok(error instanceof StoreRefused, String(error));
    });
  }

  test('a slow answer is an answer', async () => {
    const error = await under({ fault: { kind: 'slow', ms: 50 }, on: 'statement' }, () => store.ping());
    assert.equal(error, undefined);
  });

  test('an error carries code and kind of statement, and nothing of the row', async () => {
    const fault: Fault = { kind: 'exception', code: 243, type: 'NOT_ENOUGH_SPACE' };
    const secret = 'do not log me';
    const error = await under({ fault, on: 'insert' }, () => store.writeOutputs(rowsOf(secret)));
    assert.ok(error instanceof StoreUnavailable);
    assert.equal(error.message, 'the store failed to write events: NOT_ENOUGH_SPACE (243)');
  });

  test('a killed server loses nothing it acknowledged', async () => {
    const acknowledged: string[] = [];
    const attempts = Array.from({ length: 12 }, (_, i) => `killed ${i}`);
    const writing = attempts.map((tenant) =>
      store.writeOutputs(rowsOf(tenant)).then(
        () => acknowledged.push(tenant),
        (error: unknown) => assert.ok(error instanceof StoreUnavailable, String(error)),
      ),
    );
    await Promise.any(writing);
    await front.kill();
    await Promise.all(writing);
    await assert.rejects(store.ping(), StoreUnavailable);
    await front.restart();
    assert.ok(acknowledged.length > 0);
    for (const tenant of acknowledged) assert.equal(await countOf(tenant), 3);
    for (const tenant of attempts) await store.writeOutputs(rowsOf(tenant));
    for (const tenant of attempts) assert.equal(await countOf(tenant), 3);
  });
});

test('a store that cannot be reached does not open', async () => {
  const front = await startFront();
  await front.inject({ fault: { kind: 'refuse' }, on: 'statement' });
  const options = { kind: 'server', url: front.url } as const;
  await assert.rejects(openStore(options, { telemetry: silentTelemetry() }), StoreUnavailable);
  await front.close();
});
