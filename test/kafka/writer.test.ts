import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { systemClock } from '../../services/platform/clock.ts';
import { type EventLog, LogUnavailable, PositionConflict, TOPICS } from '../../services/platform/event-log.ts';
import type { KafkaLog } from '../../services/platform/kafka/kafka-log.ts';
import { LEDGER_PARTITIONS } from '../../services/platform/kafka/settings.ts';
import { partitionOf } from '../../services/platform/partitioner.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { readAll, record } from '../log/support.ts';
import { kafkaForTests } from '../support/kafka/for-tests.ts';
import { type Fate, type KafkaProxy, type Passing, startKafkaProxy } from '../support/kafka/proxy.ts';
import { kafkaPlace } from './place.ts';

const kafka = await kafkaForTests();
const [broker = ''] = kafka.brokers;

describe('a fenced writer', { skip: kafka.skip }, () => {
  let place: ReturnType<typeof kafkaPlace>;
  let proxy: KafkaProxy;
  let handles: KafkaLog[];
  beforeEach(async () => {
    place = kafkaPlace(kafka.brokers, { transaction_timeout_ms: 4_000 });
    proxy = await startKafkaProxy(broker);
    handles = [];
  });
  afterEach(async () => {
    proxy.fate = () => 'pass';
    await Promise.all(handles.map((log) => log.close()));
    await proxy.close();
    await place.dispose();
  });
  const open = async (how: Parameters<typeof place.open>[1] = {}): Promise<KafkaLog> => {
    const log = await place.open(systemClock, how);
    handles.push(log);
    return log;
  };
  /** A handle whose connections go through the proxy. */
  const openBehindProxy = (): Promise<KafkaLog> => open({ brokers: [proxy.broker] });

  const office = (position: string, expected: string | undefined) => ({
    records: [record('k', position, 0)],
    positions: [{ name: 'seat', position }],
    counters: [{ name: 'written', add: 1 }],
    expect: { name: 'seat', position: expected, fence: 'office' },
  });
  const texts = async (log: EventLog, partition = 0): Promise<string[]> =>
    (await readAll(log, TOPICS.events, partition)).map(({ value }) => value.toString());
  /** Holds the next such request until it is let go; `seen` resolves when it has come. */
  const holdNext = (api: Passing['api']) => {
    const { promise: seen, resolve: see } = Promise.withResolvers<void>();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    let held = false;
    proxy.fate = (passing): Fate => {
      if (held || passing.api !== api || passing.way !== 'request') return 'pass';
      held = true;
      see();
      return released;
    };
    return { seen, release };
  };

  for (const api of ['add_partitions', 'produce', 'end_transaction'] as const) {
    test(`who was shut out while its ${api} was on the way has written nothing`, async () => {
      const first = await openBehindProxy();
      const second = await open();
      await first.transact(office('1', undefined));
      const hold = holdNext(api);
      const late = first.transact(office('late', '1'));
      const refused = assert.rejects(late, PositionConflict);
      await hold.seen;
      await second.transact(office('2', '1'));
      assert.equal(await second.position('seat'), '2');
      hold.release();
      await refused;
      await assert.rejects(first.transact(office('again', '1')), PositionConflict);
      assert.deepEqual(await texts(second), ['1', '2']);
      assert.equal((await second.counters()).get('written'), 2);
    });
  }

  test('who was shut out by a holder that left the position as it was is refused as well', async () => {
    const first = await openBehindProxy();
    const second = await open();
    await first.transact(office('1', undefined));
    const hold = holdNext('produce');
    const refused = assert.rejects(first.transact(office('late', '1')), PositionConflict);
    await hold.seen;
    await second.transact({ ...office('beside', '1'), positions: [] });
    hold.release();
    await refused;
    assert.deepEqual(await texts(second), ['1', 'beside']);
  });

  test('who was cut off while another took over does not take the office back', async () => {
    const first = await openBehindProxy();
    const second = await open();
    await first.transact(office('1', undefined));
    const hold = holdNext('produce');
    const refused = assert.rejects(first.transact(office('late', '1')), PositionConflict);
    await hold.seen;
    await second.transact(office('2', '1'));
    proxy.cut();
    hold.release();
    await refused;
    await second.transact(office('3', '2'));
    assert.deepEqual(await texts(second), ['1', '2', '3']);
  });

  for (const carried_out of [true, false]) {
    /** Nobody hears of the end of the next transaction until long after it may have taken. */
    const silence = (): void => {
      const until = systemClock.elapsed() + 1_700;
      let asked = 0;
      proxy.fate = ({ api, way }) => {
        if (api !== 'end_transaction' || systemClock.elapsed() > until) return 'pass';
        if (way === 'request') asked++;
        return carried_out && asked === 1 && way === 'request' ? 'pass' : 'cut';
      };
    };
    const inDoubt = (error: unknown): boolean => error instanceof LogUnavailable && error.reason === 'io';
    const outcome = carried_out ? 'was' : 'was not';

    test(`a commit of an office of which nobody hears is in doubt, and ${outcome} carried out`, async () => {
      const log = await open({ brokers: [proxy.broker], transaction_timeout_ms: 1_500 });
      await log.transact(office('1', undefined));
      silence();
      await assert.rejects(log.transact(office('2', '1')), inDoubt);
      // What commitControl does: read the position, and go on from there.
      const position = await log.position('seat');
      assert.equal(position, carried_out ? '2' : '1');
      const last = office('3', position);
      // Having been silent for so long, the writer may have been given up by the coordinator, and is told so once.
      await log.transact(last).catch((error) => {
        assert.ok(error instanceof PositionConflict);
        return log.transact(last);
      });
      const expected = carried_out ? ['1', '2', '3'] : ['1', '3'];
      assert.deepEqual(await texts(log), expected);
      assert.equal((await log.counters()).get('written'), expected.length);
    });

    test(`a commit of a process of which nobody hears is in doubt, and ${outcome} carried out`, async () => {
      const log = await open({ brokers: [proxy.broker], transaction_timeout_ms: 1_500 });
      const write = (text: string) => ({ records: [record('k', text, 0)], counters: [{ name: 'written', add: 1 }] });
      await log.transact(write('1'));
      silence();
      await assert.rejects(log.transact(write('2')), inDoubt);
      await log.transact(write('3'));
      const expected = carried_out ? ['1', '2', '3'] : ['1', '3'];
      assert.deepEqual(await texts(log), expected);
      assert.equal((await log.counters()).get('written'), expected.length);
    });
  }

  test('a position is not told while its last write is on the way', async () => {
    const writer = await openBehindProxy();
    const reader = await open();
    await writer.transact(office('1', undefined));
    const hold = holdNext('end_transaction');
    const late = writer.transact(office('2', '1'));
    await hold.seen;
    const position = reader.position('seat');
    // The reader has asked by the time it has been told what it asks for next.
    await reader.position('another');
    hold.release();
    await late;
    assert.equal(await position, '2');
  });

  test('who expects the last write of a holder waits for its end', async () => {
    const holder = await openBehindProxy();
    const successor = await open();
    await holder.transact(office('1', undefined));
    const hold = holdNext('end_transaction');
    const late = holder.transact(office('2', '1'));
    await hold.seen;
    const next = successor.transact(office('3', '2'));
    // Twice: the first may be asked for before the write has begun to look.
    await successor.position('another');
    await successor.position('another');
    hold.release();
    await late;
    await next;
    assert.deepEqual(await texts(successor), ['1', '2', '3']);
  });

  test('a position is read to its end, though the transaction of a neighbour is open before it', async () => {
    const stuck = await open({ brokers: [proxy.broker], transaction_timeout_ms: 1_500 });
    const [holder, successor] = [await open(), await open()];
    await holder.transact(office('1', undefined));
    const [neighbour = ''] = Array.from({ length: 1_000 }, (_, i) => `neighbour${i}`).filter(
      (name) => partitionOf(name, LEDGER_PARTITIONS) === partitionOf('seat', LEDGER_PARTITIONS),
    );
    const hold = holdNext('end_transaction');
    const late = stuck.transact({ records: [], positions: [{ name: neighbour, position: 'x' }] });
    await hold.seen;
    await holder.transact(office('2', '1'));
    // What can be seen of the ledger still says 1.
    await assert.rejects(successor.transact(office('again', '1')), PositionConflict);
    hold.release();
    await late;
    assert.deepEqual(await texts(successor), ['1', '2']);
  });

  test('a refused zombie does not shut out the holder', async () => {
    const zombie = await open();
    const holder = await open();
    await zombie.transact(office('1', undefined));
    await holder.transact(office('2', '1'));
    await assert.rejects(zombie.transact(office('late', '1')), PositionConflict);
    await assert.rejects(zombie.transact(office('late', '1')), PositionConflict);
    await holder.transact(office('3', '2'));
    await zombie.transact(office('4', '3'));
    await assert.rejects(holder.transact(office('5', '3')), PositionConflict);
    assert.deepEqual(await texts(zombie), ['1', '2', '3', '4']);
  });

  test('two handles take turns at one position', async () => {
    const handles = [await open(), await open()] as const;
    for (let turn = 0; turn < 6; turn++) {
      const log = handles[turn % 2] as KafkaLog;
      await log.transact(office(`${turn}`, await log.position('seat')));
    }
    assert.deepEqual(await texts(handles[1]), ['0', '1', '2', '3', '4', '5']);
    assert.equal((await handles[1].counters()).get('written'), 6);
  });

  test('a successor sees what its predecessor committed last, however late the markers', async () => {
    for (let turn = 0; turn < 5; turn++) {
      const before = await open();
      const position = await before.position('seat');
      await before.transact(office(`${turn}`, position));
      const after = await open();
      assert.equal(await after.position('seat'), `${turn}`);
      await after.transact(office(`${turn}+`, `${turn}`));
    }
  });

  test('offices of one process do not wait for each other', async () => {
    const log = await openBehindProxy();
    await log.transact(office('1', undefined));
    const hold = holdNext('end_transaction');
    const held = log.transact(office('2', '1'));
    await hold.seen;
    await log.transact({ ...office('x', undefined), expect: { name: 'other', position: undefined }, positions: [] });
    await log.transact({ records: [record('k', 'process', 1)] });
    hold.release();
    await held;
  });

  test('processes of one name shut each other out, say so, and lose nothing', async () => {
    const telemetry = silentTelemetry();
    const namesakes = [await open({ instance: 'twin', telemetry }), await open({ instance: 'twin', telemetry })];
    for (let turn = 0; turn < 6; turn++) {
      await namesakes[turn % 2]?.transact({
        records: [record('k', `${turn}`, 0)],
        counters: [{ name: 'written', add: 1 }],
      });
    }
    const last = namesakes[1] as KafkaLog;
    assert.deepEqual(await texts(last), ['0', '1', '2', '3', '4', '5']);
    assert.equal((await last.counters()).get('written'), 6);
    const counted = await telemetry.registry.getSingleMetric('countersign_log_writers_fenced_total')?.get();
    assert.ok((counted?.values[0]?.value ?? 0) >= 5);
  });

  test('a stuck writer holds readers up for no longer than its transaction may take', async () => {
    const stuck = await open({ brokers: [proxy.broker], transaction_timeout_ms: 1_500 });
    const other = await open();
    await stuck.transact({ records: [record('k', 'before', 0)] });
    const hold = holdNext('end_transaction');
    const late = stuck.transact({ records: [record('k', 'stuck', 0)] });
    await hold.seen;
    await other.transact({ records: [record('k', 'other', 0)] });
    // Both wait until the coordinator has given the transaction up, which it may after a second and a half.
    assert.deepEqual(await texts(other), ['before', 'other']);
    hold.release();
    await late;
    assert.deepEqual(await texts(stuck), ['before', 'other', 'stuck']);
  });

  for (const way of ['request', 'answer'] as const) {
    for (const api of ['init_producer_id', 'add_partitions', 'produce', 'end_transaction'] as const) {
      test(`a broken connection at the ${way} of ${api} loses nothing and repeats nothing`, async () => {
        const log = await openBehindProxy();
        const write = (text: string) => ({
          records: [record('k', text, 0), record('k', `${text}'`, 1)],
          counters: [{ name: 'written', add: 2 }],
          positions: [{ name: 'seat', position: text }],
        });
        await log.transact(write('1'));
        let cuts = 0;
        // For the producer's own request to come again, the one before must have failed.
        const first = api === 'init_producer_id' ? 'add_partitions' : api;
        proxy.fate = (passing) => {
          const due = cuts === 0 ? first : api;
          if (cuts === (first === api ? 1 : 2) || passing.way !== way || passing.api !== due) return 'pass';
          cuts++;
          return 'cut';
        };
        await log.transact(write('2'));
        await log.transact(write('3'));
        assert.ok(cuts > 0);
        assert.deepEqual(await texts(log, 0), ['1', '2', '3']);
        assert.deepEqual(await texts(log, 1), ["1'", "2'", "3'"]);
        assert.equal((await log.counters()).get('written'), 6);
        assert.equal(await log.position('seat'), '3');
      });
    }
  }
});
