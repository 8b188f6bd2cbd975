import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import type { Admin } from 'kafkajs';
import { OffsetOutOfRange, type Subscription } from '../../services/platform/event-log.ts';
import type { KafkaConnection } from '../../services/platform/kafka/connection.ts';
import { failureOf } from '../../services/platform/kafka/connection-errors.ts';
import { joinGroup } from '../../services/platform/kafka/group.ts';
import { createGroupRequests } from '../../services/platform/kafka/group-requests.ts';
import { openKafkaReader } from '../../services/platform/kafka/reader.ts';
import { kafkaForTests, uniquePrefix } from '../support/kafka/for-tests.ts';
import { connect, createTopic, MOST, produce, readValues, standStill, until, withAdmin } from './reader-support.ts';

const kafka = await kafkaForTests();
const SESSION_MS = 1_000;
/** So long between signs of life that none comes in a test: the coordinator gives such a member up. */
const NEVER_MS = 600_000;

/** What kafkajs's own consumer does wrong (2.2.4, see docs/decisions), and why it cannot happen here. */
describe('hazards of kafkajs', { skip: kafka.skip }, () => {
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  const open = (): KafkaConnection => {
    const connection = connect(kafka.brokers);
    cleanups.push(async () => connection.close());
    return connection;
  };
  const newTopic = async (partitions = 1): Promise<string> => {
    const topic = uniquePrefix();
    await createTopic(kafka.brokers, topic, { partitions });
    return topic;
  };
  const shown = (group: string, topic: string, of = 0): Promise<string | undefined> =>
    withAdmin(kafka.brokers, async (admin: Admin) => {
      const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
      return offsets?.partitions.find(({ partition }) => partition === of)?.offset;
    });
  /** Joins, and writes down what the listener is told, in order. */
  const join = async (
    topic: string,
    heartbeat_ms: number,
  ): Promise<{
    readonly told: string[];
    readonly subscription: Subscription;
    readonly connection: KafkaConnection;
  }> => {
    const connection = open();
    const told: string[] = [];
    const subscription = await joinGroup(connection, {
      topic,
      group: topic,
      session_timeout_ms: SESSION_MS,
      heartbeat_ms,
      listener: {
        assigned: async (partition) => void told.push(`assigned ${partition}`),
        revoked: async (partition, how) => void told.push(`${how} ${partition}`),
      },
    });
    cleanups.push(() => subscription.close());
    return { told, subscription, connection };
  };

  test('the jump: an offset that is out of range is told, and neither it nor what is shown moves', async () => {
    const topic = await newTopic();
    await produce(
      kafka.brokers,
      topic,
      Array.from({ length: 10 }, (_, i) => ({ value: `${i}` })),
    );
    const { told, subscription, connection } = await join(topic, 100);
    await until(() => told.length === 1);
    await subscription.show([{ partition: 0, next: 3 }]);
    assert.equal(await shown(topic, topic), '3');
    await withAdmin(kafka.brokers, async (admin) => {
      // kafkajs deletes only from topics that it has been asked about before.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '5' }] });
    });
    const reader = openKafkaReader(connection);
    for (const offset of [0, 3, 4, 11, 1_000_000]) {
      for (let again = 0; again < 2; again++) {
        await assert.rejects(reader.read(topic, 0, offset, MOST), (error) => {
          assert.ok(error instanceof OffsetOutOfRange, `${error}`);
          assert.deepEqual(error.bounds, { start: 5, end: 10 });
          return true;
        });
      }
    }
    assert.equal(await shown(topic, topic), '3');
    assert.deepEqual(await readValues(reader, topic, { from: 5 }), ['5', '6', '7', '8', '9']);
    assert.deepEqual(await reader.read(topic, 0, 10, MOST), { records: [], next: 10 });
    await reader.close();
  });

  test('stale handlers: a partition is told in turns, assigned and revoked, whatever becomes of the group', async () => {
    const topic = await newTopic(4);
    const work = Promise.withResolvers<void>();
    const told: string[] = [];
    const subscription = await joinGroup(open(), {
      topic,
      group: topic,
      session_timeout_ms: SESSION_MS,
      heartbeat_ms: 40,
      listener: {
        assigned: async (partition) => {
          told.push(`begin ${partition}`);
          await work.promise;
          told.push(`begun ${partition}`);
        },
        revoked: async (partition, how) => void told.push(`${how} ${partition}`),
      },
    });
    cleanups.push(() => subscription.close());
    await until(() => told.length === 4);
    // The process stands still for longer than the session while all four are being taken on.
    standStill(1.5 * SESSION_MS);
    const other = await join(topic, 40);
    await until(async () => {
      const { groups } = await withAdmin(kafka.brokers, (admin) => admin.describeGroups([topic]));
      return groups[0]?.state === 'Stable' && groups[0].members.length === 2;
    });
    assert.ok(
      told.every((what) => what.startsWith('begin')),
      told.join(),
    );
    work.resolve();
    await until(() => other.told.filter((what) => what.startsWith('assigned')).length >= 2);
    await subscription.close();
    for (const partition of [0, 1, 2, 3]) {
      const turns = told.filter((what) => what.endsWith(` ${partition}`)).map((what) => what.split(' ')[0]);
      for (let at = 0; at < turns.length; at += 3) {
        assert.deepEqual(turns.slice(at, at + 2), ['begin', 'begun'], told.join());
        assert.ok(turns[at + 2] === 'lost' || turns[at + 2] === 'handed_over', told.join());
      }
      assert.equal(turns[2], 'lost');
    }
  });

  test('commits for lost partitions: the coordinator refuses them, and what is shown stays', async () => {
    const topic = await newTopic();
    const gone = await join(topic, NEVER_MS);
    await until(() => gone.told.length === 1);
    await gone.subscription.show([{ partition: 0, next: 5 }]);
    assert.equal(await shown(topic, topic), '5');
    const heir = await join(topic, 40);
    await until(() => heir.told.length === 1);
    await heir.subscription.show([{ partition: 0, next: 9 }]);
    // It does not know yet that it has lost the partition.
    assert.deepEqual(gone.told, ['assigned 0']);
    await gone.subscription.show([{ partition: 0, next: 7 }]);
    assert.equal(await shown(topic, topic), '9');
  });

  test('commits for partitions that were given on are refused too, though their old owner is a member still', async () => {
    const topic = await newTopic(2);
    const before = await join(topic, 40);
    await until(() => before.told.length === 2);
    const after = await join(topic, 40);
    await until(() => after.told.length === 1);
    const moved = Number(after.told[0]?.split(' ')[1]);
    assert.equal(before.told.at(-1), `handed_over ${moved}`);
    await after.subscription.show([{ partition: moved, next: 9 }]);
    // The heir may be told first: until the old owner is in the next generation, all of its commit is refused.
    await until(async () => {
      await before.subscription.show([0, 1].map((partition) => ({ partition, next: 7 })));
      assert.equal(await shown(topic, topic, moved), '9');
      return (await shown(topic, topic, 1 - moved)) === '7';
    });
  });

  test('commits of another generation are refused by the coordinator itself', async () => {
    const topic = await newTopic();
    const requests = createGroupRequests(open(), {
      topic,
      group: topic,
      session_ms: 6_000,
      rebalance_ms: 6_000,
    });
    cleanups.push(async () => requests.destroy());
    const { membership } = await requests.join('', { owned: [], generation: -1 }, () => {});
    await requests.sync(membership, new Map([[membership.member, [0]]]));
    await requests.commit(membership, [{ partition: 0, next: 1 }]);
    const refusals = [
      { membership: { ...membership, generation: membership.generation - 1 }, type: 'ILLEGAL_GENERATION' },
      { membership: { ...membership, generation: membership.generation + 1 }, type: 'ILLEGAL_GENERATION' },
      { membership: { ...membership, member: 'somebody else' }, type: 'UNKNOWN_MEMBER_ID' },
    ];
    for (const { membership: stale, type } of refusals) {
      await assert.rejects(
        requests.commit(stale, [{ partition: 0, next: 2 }]),
        (error) => failureOf(error).type === type,
      );
    }
    assert.equal(await shown(topic, topic), '1');
    await requests.leave(membership.member);
  });
});
