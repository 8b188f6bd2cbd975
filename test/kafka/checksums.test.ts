import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RecordsUnreadable } from '../../services/platform/event-log.ts';
import { openKafkaReader } from '../../services/platform/kafka/reader.ts';
import { kafkaForTests, uniquePrefix } from '../support/kafka/for-tests.ts';
import { type KafkaProxy, startKafkaProxy } from '../support/kafka/proxy.ts';
import { connect, createTopic, MOST, produce } from './reader-support.ts';

const kafka = await kafkaForTests();
const WRITTEN = 'as it was written';

describe('bytes that change between the broker and here', { skip: kafka.skip }, () => {
  const topic = `${uniquePrefix()}.checked`;
  let proxy: KafkaProxy;
  before(async () => {
    proxy = await startKafkaProxy(kafka.brokers[0] as string);
    await createTopic(kafka.brokers, topic);
    await produce(kafka.brokers, topic, [{ value: 'before' }]);
    await produce(kafka.brokers, topic, [{ value: WRITTEN }]);
  });
  after(() => proxy.close());
  /** Reads both records while so many answers come damaged. */
  const read = async (damaged: number): Promise<{ values: string[]; damage: unknown }> => {
    let left = damaged;
    proxy.touch = ({ api }, frame) => {
      const at = api === 'fetch' ? frame.indexOf(WRITTEN) : -1;
      if (at === -1 || left-- <= 0) return;
      frame[at] = (frame[at] as number) ^ 1;
    };
    const connection = connect([proxy.broker]);
    const reader = openKafkaReader(connection);
    const values: string[] = [];
    try {
      for (let next = 0; next < 2; ) {
        const found = await reader.read(topic, 0, next, MOST);
        values.push(...found.records.map(({ value }) => value.toString()));
        next = found.next;
      }
      return { values, damage: undefined };
    } catch (damage) {
      return { values, damage };
    } finally {
      await reader.close();
      connection.close();
    }
  };

  test('once: they are fetched again, and nobody notices', async () => {
    assert.deepEqual(await read(1), { values: ['before', WRITTEN], damage: undefined });
  });

  test('every time: what precedes them is read, and they are told as damaged', async () => {
    const { values, damage } = await read(Number.POSITIVE_INFINITY);
    assert.deepEqual(values, ['before']);
    assert.ok(damage instanceof RecordsUnreadable);
    assert.deepEqual([damage.offset, damage.next, damage.reason], [1, 2, 'damaged']);
  });
});
