import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Clock, systemClock } from '../../services/platform/clock.ts';
import { type LogRecord, LogUnavailable, OffsetOutOfRange, TOPICS } from '../../services/platform/event-log.ts';
import { createLedger } from '../../services/platform/kafka/ledger.ts';
import { LEDGER_PARTITIONS } from '../../services/platform/kafka/settings.ts';
import { PARTITIONS, readAll, record } from '../log/support.ts';
import { kafkaForTests } from '../support/kafka/for-tests.ts';
import { kafkaPlace, testSettings } from './place.ts';

const kafka = await kafkaForTests();
const CHILD = fileURLToPath(new URL('writer-child.ts', import.meta.url));

/** A ledger topic of records without a broker. What lies from `stable` on belongs to transactions under way. */
function memoryTopic() {
  const partitions = Array.from({ length: LEDGER_PARTITIONS }, () => {
    return { start: 0, stable: 0, end: 0, records: [] as LogRecord[] };
  });
  type Stored = (typeof partitions)[number];
  const at = (partition: number): Stored => partitions[partition] as Stored;
  return {
    at,
    append: (partition: number, key: string, value: string | undefined, decided = true): void => {
      const held = at(partition);
      const stored = { offset: held.end, append_ms: 0, key, value: Buffer.from(value ?? '') };
      held.records.push(value === undefined ? { ...stored, tombstone: true } : stored);
      // A marker follows.
      held.end += 2;
      if (decided) held.stable = held.end;
    },
    reader: {
      offsets: async (_: string, partition: number) => ({ ...at(partition) }),
      read: async (_: string, partition: number, offset: number) => {
        const { start, stable, records } = at(partition);
        if (offset < start || offset > stable) {
          throw new OffsetOutOfRange('source:ledger', partition, offset, { start, end: stable });
        }
        const found = records.filter((one) => one.offset >= offset && one.offset < stable).slice(0, 2);
        return { records: found, next: found.length < 2 ? stable : (found.at(-1)?.offset ?? 0) + 1 };
      },
    },
  };
}

describe('the ledger', () => {
  const make = (clock: Clock = systemClock) => {
    const topic = memoryTopic();
    const settings = testSettings([], { prefix: 'cs' });
    return { topic, ledger: createLedger({ settings, clock, reader: topic.reader }) };
  };

  test('a position is the last one written, whatever its name and text', async () => {
    const { topic, ledger } = make();
    const write = (name: string, position: string): void => {
      const { partition, record: written } = ledger.positionRecord(name, position);
      topic.append(partition, written.key, Buffer.from(written.value).toString());
    };
    for (const name of ['a', 'b/c', 'c/x', '', '__proto__', 'p/a']) {
      assert.equal(await ledger.position(name, 'all'), undefined);
      write(name, '1');
      write(name, `{"of":"${name}"}`);
      assert.equal(await ledger.position(name, 'all'), `{"of":"${name}"}`);
    }
  });

  test('sums are those of one writer, counters those of all', async () => {
    const { topic, ledger } = make();
    const write = (fence: string, name: string, sum: number): void => {
      const { partition, record: written } = ledger.sumRecord(fence, name, sum);
      topic.append(partition, written.key, Buffer.from(written.value).toString());
    };
    write('one', 'n', 5);
    write('one', 'n', 7);
    write('one', 'with/slash', 1);
    write('one/two', 'n', 100);
    write('process.x', 'n', -3);
    assert.deepEqual([...(await ledger.sumsOf('one'))].sort(), [
      ['n', 7],
      ['with/slash', 1],
    ]);
    assert.deepEqual([...(await ledger.sumsOf('one/two'))], [['n', 100]]);
    assert.deepEqual([...(await ledger.sumsOf('nobody'))], []);
    assert.deepEqual([...(await ledger.counters())].sort(), [
      ['n', 104],
      ['with/slash', 1],
    ]);
  });

  test('a position waits for what is under way, a counter only for what this handle wrote', async () => {
    const { topic, ledger } = make();
    const { partition, record: written } = ledger.positionRecord('a', '1');
    topic.append(partition, written.key, '1');
    topic.append(partition, written.key, '2', false);
    assert.equal(await ledger.position('a', 'decided'), '1');
    assert.equal((await ledger.counters()).size, 0);
    let settled = false;
    const waiting = ledger.position('a', 'all').finally(() => {
      settled = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(settled, false);
    topic.at(partition).stable = topic.at(partition).end;
    assert.equal(await waiting, '2');
  });

  test('a transaction that the broker never ends is told of, not waited for in silence', async () => {
    let now = 0;
    const sleep = async (ms: number): Promise<void> => {
      now += ms;
    };
    const { topic, ledger } = make({ now: () => now, elapsed: () => now, sleep });
    const { partition, record: written } = ledger.positionRecord('a', '1');
    topic.append(partition, written.key, '1', false);
    await assert.rejects(ledger.position('a', 'all'), (error: unknown) => {
      return error instanceof LogUnavailable && error.reason === 'busy' && /stands still at 0/.test(error.message);
    });
    assert.ok(now > 2 * testSettings([], {}).transaction_timeout_ms);
    topic.at(partition).stable = topic.at(partition).end;
    assert.equal(await ledger.position('a', 'all'), '1', 'once an operator has ended it');
  });

  test('holes, tombstones and a ledger made anew are read for what they are', async () => {
    const { topic, ledger } = make();
    const { partition, record: written } = ledger.positionRecord('a', '1');
    const held = topic.at(partition);
    Object.assign(held, { start: 10, stable: 1000, end: 1000 });
    topic.append(partition, written.key, '1');
    assert.equal(await ledger.position('a', 'all'), '1');
    topic.append(partition, written.key, undefined);
    assert.equal(await ledger.position('a', 'all'), undefined);
    topic.append(partition, written.key, '2');
    assert.equal(await ledger.position('a', 'all'), '2');
    Object.assign(held, { start: 0, stable: 0, end: 0, records: [] });
    topic.append(partition, 'p/other', 'x');
    assert.equal(await ledger.position('a', 'all'), undefined);
  });
});

describe('positions and sums on a broker', { skip: kafka.skip }, () => {
  test('every process adds its own sums', async () => {
    const place = kafkaPlace(kafka.brokers);
    const logs = await Promise.all([place.open(), place.open(), place.open()]);
    await Promise.all(
      logs.map(async (log, i) => {
        for (let turn = 0; turn < 10; turn++) {
          await log.transact({ records: [record('k', `${i}`, i)], counters: [{ name: 'n', add: i + 1 }] });
        }
      }),
    );
    for (const log of logs) await Promise.all(logs.map((_, i) => log.bounds(TOPICS.events, i)));
    const expected = 10 * (1 + 2 + 3);
    for (const log of logs) {
      // Of the others a handle sees what is decided.
      while ((await log.counters()).get('n') !== expected) await systemClock.sleep(5);
      await log.close();
    }
  });

  test('killed again and again, a process loses nothing, repeats nothing, and its sums stay exact', async () => {
    const place = kafkaPlace(kafka.brokers, { transaction_timeout_ms: 2_000 });
    const acknowledged = new Set<string>();
    for (let run = 0; run < 4; run++) {
      const child = spawn(process.execPath, [CHILD, JSON.stringify(place.settings), `${run}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      let writes = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        for (const name of line.split(' ')) acknowledged.add(name);
        // Somewhere in the middle of whatever it does then.
        if (++writes === 40 + 17 * run) child.kill('SIGKILL');
      }
      await exited;
    }
    const log = await place.open();
    const positions = await Promise.all([0, 1, 2, 3].map((lane) => log.position(`lane ${lane}`)));
    const texts: string[] = [];
    for (let partition = 0; partition < PARTITIONS; partition++) {
      texts.push(...(await readAll(log, TOPICS.events, partition)).map(({ value }) => value.toString()));
    }
    assert.equal(new Set(texts).size, texts.length);
    for (const name of acknowledged) assert.ok(texts.includes(name), `${name} was acknowledged and is lost`);
    positions.forEach((position, lane) => {
      const turns = texts.map((name) => name.split('/')).filter(([of, , , i]) => of === `${lane}` && i === '0');
      // One write a turn, none left out: what was in doubt when the process died was decided, and seen by the next one.
      assert.deepEqual(
        turns.map(([, turn]) => Number(turn)),
        Array.from({ length: Number(position) }, (_, turn) => turn + 1),
      );
    });
    assert.equal((await log.counters()).get('records'), texts.length);
    await log.close();
  });
});
