import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { systemClock } from '../../services/platform/clock.ts';
import type { Subscription } from '../../services/platform/event-log.ts';
import type { KafkaConnection } from '../../services/platform/kafka/connection.ts';
import { type JoinOptions, joinGroup } from '../../services/platform/kafka/group.ts';
import { kafkaForTests, uniquePrefix } from '../support/kafka/for-tests.ts';
import { connect, createTopic, standStill, until, withAdmin } from './reader-support.ts';

const kafka = await kafkaForTests();
const PARTITIONS = 12;
const HEARTBEAT_MS = 40;

type Told = { readonly what: 'assigned' | 'handed_over' | 'lost'; readonly partition: number };

/** A member of its own connection that writes down what it was told. */
type Member = {
  readonly owned: Set<number>;
  readonly told: Told[];
  readonly subscription: Subscription;
  readonly connection: KafkaConnection;
};

describe('groups', { skip: kafka.skip }, () => {
  const members: Member[] = [];
  /** How many members have each partition at the moment. */
  const holders = new Map<number, number>();
  let overlaps = 0;

  const join = async (options: Partial<JoinOptions> & { readonly topic: string }): Promise<Member> => {
    const connection = connect(kafka.brokers);
    const owned = new Set<number>();
    const told: Told[] = [];
    const subscription = await joinGroup(connection, {
      group: options.topic,
      session_timeout_ms: 6_000,
      heartbeat_ms: HEARTBEAT_MS,
      ...options,
      listener: {
        assigned: async (partition) => {
          told.push({ what: 'assigned', partition });
          owned.add(partition);
          holders.set(partition, (holders.get(partition) ?? 0) + 1);
          if ((holders.get(partition) ?? 0) > 1) overlaps++;
          await options.listener?.assigned(partition);
        },
        revoked: async (partition, how) => {
          await options.listener?.revoked(partition, how);
          told.push({ what: how, partition });
          owned.delete(partition);
          holders.set(partition, (holders.get(partition) ?? 0) - 1);
        },
      },
    });
    const member = { owned, told, subscription, connection };
    members.push(member);
    return member;
  };
  const leave = async (member: Member): Promise<void> => {
    members.splice(members.indexOf(member), 1);
    await member.subscription.close();
    member.connection.close();
  };
  const newTopic = async (partitions = PARTITIONS): Promise<string> => {
    const topic = uniquePrefix();
    await createTopic(kafka.brokers, topic, { partitions });
    holders.clear();
    overlaps = 0;
    return topic;
  };
  const inGroup = async (group: string, count: number): Promise<boolean> => {
    const { groups } = await withAdmin(kafka.brokers, (admin) => admin.describeGroups([group]));
    return groups[0]?.state === 'Stable' && groups[0].members.length === count;
  };
  /** That nothing happens shows only with time: what is not held back takes one round or two. */
  const noNews = (): Promise<void> => systemClock.sleep(12 * HEARTBEAT_MS);
  const balanced = (wanted: readonly Member[]): boolean =>
    new Set(wanted.flatMap(({ owned }) => [...owned])).size === PARTITIONS &&
    wanted.every(({ owned }) => owned.size === PARTITIONS / wanted.length);

  afterEach(async () => {
    for (const member of [...members]) await leave(member);
  });

  test('members come and go, and every partition has one of them at any time', async () => {
    const topic = await newTopic();
    const a = await join({ topic });
    await until(() => balanced([a]));
    const b = await join({ topic });
    await until(() => balanced([a, b]));
    // What stayed was not touched.
    assert.equal(a.told.filter(({ what }) => what === 'assigned').length, PARTITIONS);
    assert.equal(a.told.filter(({ what }) => what === 'handed_over').length, PARTITIONS / 2);
    const c = await join({ topic });
    await until(() => balanced([a, b, c]));
    const d = await join({ topic });
    await until(() => balanced([a, b, c, d]));
    await leave(a);
    await until(() => balanced([b, c, d]));
    await leave(c);
    await until(() => balanced([b, d]));
    await leave(d);
    await until(() => balanced([b]));
    assert.equal(overlaps, 0);
    for (const { told } of [a, b, c, d]) assert.ok(told.every(({ what }) => what !== 'lost'));
  });

  test('a partition is given on only when its owner is through with it', async () => {
    const topic = await newTopic();
    const finish = Promise.withResolvers<void>();
    const a = await join({ topic, listener: { assigned: async () => {}, revoked: () => finish.promise } });
    await until(() => balanced([a]));
    const b = await join({ topic });
    // The group has come to rest with both, and the newcomer has nothing yet.
    await until(() => inGroup(topic, 2));
    await noNews();
    assert.equal(b.owned.size, 0);
    assert.equal(a.owned.size, PARTITIONS);
    finish.resolve();
    await until(() => balanced([a, b]));
    assert.equal(overlaps, 0);
  });

  test('who leaves keeps its partitions until it is through with them', async () => {
    const topic = await newTopic();
    let through = Promise.resolve();
    const a = await join({ topic, listener: { assigned: async () => {}, revoked: () => through } });
    const b = await join({ topic });
    await until(() => balanced([a, b]));
    const finish = Promise.withResolvers<void>();
    through = finish.promise;
    const left = leave(a);
    await noNews();
    assert.equal(b.owned.size, PARTITIONS / 2);
    finish.resolve();
    await left;
    await until(() => balanced([b]));
    assert.equal(overlaps, 0);
  });

  test('a member that is cut off loses everything, and joins anew', async () => {
    const topic = await newTopic();
    const a = await join({ topic, session_timeout_ms: 1_000 });
    await until(() => balanced([a]));
    const b = await join({ topic, session_timeout_ms: 1_000 });
    await until(() => balanced([a, b]));
    // Nothing else of this process runs for longer than a session: both are given up.
    standStill(1_600);
    await until(() => a.told.some(({ what }) => what === 'lost') && b.told.some(({ what }) => what === 'lost'));
    await until(() => balanced([a, b]));
    assert.equal(a.told.filter(({ what }) => what === 'lost').length, PARTITIONS / 2);
  });

  test('work that takes longer than the session keeps the membership', async () => {
    const topic = await newTopic();
    const finish = Promise.withResolvers<void>();
    const a = await join({
      topic,
      session_timeout_ms: 1_000,
      listener: { assigned: () => finish.promise, revoked: async () => {} },
    });
    await until(() => a.owned.size === PARTITIONS);
    // Time has to pass: this is about its passing.
    await systemClock.sleep(1_600);
    finish.resolve();
    assert.ok(await inGroup(topic, 1));
    assert.ok(a.told.every(({ what }) => what === 'assigned'));
  });

  test('a listener that cannot take a partition ends the subscription', async () => {
    const topic = await newTopic();
    const broken = new Error('no room');
    const a = await join({
      topic,
      listener: {
        assigned: async (partition) => {
          if (partition === 3) throw broken;
        },
        revoked: async () => {},
      },
    });
    assert.equal(await a.subscription.failed, broken);
    await until(() => a.owned.size === 0);
    const b = await join({ topic });
    await until(() => balanced([b]));
  });

  test('an office is held by one of those who want it, and passed on when it is left', async () => {
    const topic = await newTopic(1);
    const a = await join({ topic });
    await until(() => a.owned.size === 1);
    const b = await join({ topic });
    const c = await join({ topic });
    await leave(a);
    await until(() => b.owned.size + c.owned.size === 1);
    assert.equal(overlaps, 0);
  });

  test('partitions that a topic gets later are shared out with the next rebalance', async () => {
    const topic = await newTopic(2);
    const a = await join({ topic });
    await until(() => a.owned.size === 2);
    await withAdmin(kafka.brokers, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] }));
    const b = await join({ topic });
    await until(() => a.owned.size === 2 && b.owned.size === 2);
    assert.deepEqual(new Set([...a.owned, ...b.owned]), new Set([0, 1, 2, 3]));
  });
});
