import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { LIMITS } from '../../schemas/limits.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { KafkaUnusable, type KafkaUnusableCode } from '../../services/platform/kafka/errors.ts';
import { TOPIC_NAMES, type TopicName } from '../../services/platform/kafka/settings.ts';
import {
  creationOf,
  problemsOf,
  ruleOf,
  type TopicFacts,
  weaknessOf,
} from '../../services/platform/kafka/topic-rules.ts';
import { PARTITIONS } from '../log/support.ts';
import { kafkaForTests } from '../support/kafka/for-tests.ts';
import { kafkaPlace } from './place.ts';

const kafka = await kafkaForTests();

const NAMES = Object.keys(TOPIC_NAMES) as TopicName[];

describe('what topics have to be', () => {
  const made = (topic: TopicName, changed: Readonly<Record<string, string>> = {}): TopicFacts => {
    const { partitions, configuration } = creationOf(topic, { partitions: 12, replication_factor: 3 });
    return { name: topic, partitions, configuration: new Map(Object.entries({ ...configuration, ...changed })) };
  };
  const codes = (topic: TopicName, changed: Readonly<Record<string, string>>, partitions?: number): string[] => {
    const facts = made(topic, changed);
    return problemsOf(ruleOf(topic), { ...facts, partitions: partitions ?? facts.partitions }).map(({ code }) => code);
  };

  test('topics are as they have to be when we make them', () => {
    for (const topic of NAMES) {
      assert.deepEqual(problemsOf(ruleOf(topic), made(topic)), []);
      assert.equal(weaknessOf(made(topic), 3), undefined);
    }
  });

  test('whatever would break a promise is found', () => {
    assert.deepEqual(codes('events', { 'cleanup.policy': 'compact' }), ['kafka_topic_cleanup']);
    assert.deepEqual(codes('events', { 'cleanup.policy': 'compact,delete' }), ['kafka_topic_cleanup']);
    assert.deepEqual(codes('events', { 'message.timestamp.type': 'CreateTime' }), ['kafka_topic_timestamps']);
    assert.deepEqual(codes('events', { 'retention.ms': '3600000' }), ['kafka_topic_retention']);
    assert.deepEqual(codes('events', { 'retention.ms': `${LIMITS.kafka_retention_ms_min - 1}` }), [
      'kafka_topic_retention',
    ]);
    assert.deepEqual(codes('events', { 'retention.ms': '-1' }), []);
    assert.deepEqual(codes('events', { 'max.message.bytes': '1048588' }), ['kafka_topic_record_size']);
    assert.deepEqual(codes('events', {}, 7), []);
    assert.deepEqual(codes('feed', {}, 2), ['kafka_topic_partitions']);
    assert.deepEqual(codes('control', { 'retention.ms': `${LIMITS.kafka_retention_ms}` }), ['kafka_topic_retention']);
    assert.deepEqual(codes('control', { 'retention.bytes': '1000000' }), ['kafka_topic_retention']);
    assert.deepEqual(codes('ledger', { 'cleanup.policy': 'delete' }), ['kafka_topic_cleanup']);
    assert.deepEqual(codes('ledger', { 'cleanup.policy': 'compact,delete' }), ['kafka_topic_cleanup']);
    assert.deepEqual(codes('ledger', {}, 8), ['kafka_topic_partitions']);
    assert.deepEqual(codes('raw', { 'message.timestamp.type': 'CreateTime', 'max.message.bytes': '1000' }), []);
    assert.deepEqual(codes('raw', { 'cleanup.policy': 'compact' }), ['kafka_topic_cleanup']);
  });

  test('a message names the topic, its value and what to set', () => {
    const [problem] = problemsOf(ruleOf('events'), made('events', { 'retention.ms': '3600000' }));
    assert.match(problem?.message ?? '', /topic events has retention\.ms=3600000.*set 604800000 or more/);
  });

  test('what can lose acknowledged records is told apart', () => {
    assert.equal(weaknessOf(made('events'), 1), 'one_replica');
    assert.equal(weaknessOf(made('events', { 'min.insync.replicas': '1' }), 3), 'one_insync');
    assert.equal(weaknessOf(made('events', { 'unclean.leader.election.enable': 'true' }), 3), 'unclean');
  });
});

describe('the topics of a cluster', { skip: kafka.skip }, () => {
  let place: ReturnType<typeof kafkaPlace>;
  beforeEach(() => {
    place = kafkaPlace(kafka.brokers);
  });
  afterEach(() => place.dispose());
  const refused = (code: KafkaUnusableCode, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof KafkaUnusable, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
  const create = (topics: readonly { topic: string; partitions?: number; settings?: Record<string, string> }[]) =>
    place.admin((admin) =>
      admin.createTopics({
        topics: topics.map(({ topic, partitions = 1, settings = {} }) => ({
          topic,
          numPartitions: partitions,
          replicationFactor: 1,
          configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
        })),
      }),
    );

  test('absent topics are made as they have to be, once, however many processes begin', async () => {
    const logs = await Promise.all([place.open(), place.open(), place.open()]);
    for (const log of logs) {
      assert.equal((await log.describe(TOPICS.events)).partitions, PARTITIONS);
      assert.equal((await log.describe(TOPICS.control)).partitions, 1);
      await log.close();
    }
  });

  test('absent topics are not made where that is not wanted', async () => {
    await assert.rejects(
      place.open(systemClock, { create_topics: false }),
      refused('kafka_topic_missing', new RegExp(`no topic ${place.settings.topics.events}.*\\n.*create_topics`)),
    );
    await (await place.open()).close();
    await (await place.open(systemClock, { create_topics: false })).close();
  });

  test('more replicas than brokers are refused with the setting to change', async () => {
    await assert.rejects(
      place.open(systemClock, { replication_factor: 3 }),
      refused('kafka_topic_not_created', /cannot be created with 3 replicas: set log\.kafka\.replication_factor/),
    );
  });

  test('unsafe topics are refused, all that is wrong at once', async () => {
    const { events, control, ledger } = place.settings.topics;
    await create([
      { topic: events, partitions: PARTITIONS, settings: { 'cleanup.policy': 'compact' } },
      { topic: control, partitions: 2 },
      { topic: ledger, partitions: 16 },
    ]);
    await assert.rejects(place.open(), (error) => {
      refused('kafka_topic_cleanup', new RegExp(`${events} has cleanup\\.policy=compact`))(error);
      const { message } = error as Error;
      assert.match(message, new RegExp(`${events} has message\\.timestamp\\.type=CreateTime`));
      assert.match(message, new RegExp(`${control} has 2 partitions and must have 1`));
      assert.match(message, new RegExp(`${control} forgets records`));
      assert.match(message, new RegExp(`${ledger} has cleanup\\.policy=delete`));
      return true;
    });
  });

  test('topics of sources are never made, and are read without being ours', async () => {
    const source = `${place.settings.prefix}.source`;
    await assert.rejects(
      place.open(systemClock, { source_topics: [source] }),
      refused('kafka_topic_missing', new RegExp(`no topic ${source}: create it, or correct ingest\\.sources`)),
    );
    await create([{ topic: source, partitions: 2, settings: { 'cleanup.policy': 'compact' } }]);
    const log = await place.open(systemClock, { source_topics: [source] });
    assert.equal((await log.describe(`source:${source}`)).partitions, 2);
    assert.deepEqual(await log.bounds(`source:${source}`, 1), { start: 0, end: 0 });
    const write = { records: [{ topic: `source:${source}` as const, key: 'k', value: Buffer.from('v') }] };
    await assert.rejects(log.transact(write), RangeError);
    await log.close();
    await place.admin((admin) => admin.deleteTopics({ topics: [source] }));
  });

  test('more partitions and a topic made anew are seen by who describes it', async () => {
    const log = await place.open();
    const { events } = place.settings.topics;
    const before = await log.describe(TOPICS.events);
    await place.admin((admin) =>
      admin.createPartitions({ topicPartitions: [{ topic: events, count: PARTITIONS + 1 }] }),
    );
    const described = async (changed: (now: typeof before) => boolean): Promise<typeof before> => {
      for (;;) {
        const now = await log.describe(TOPICS.events).catch(() => before);
        if (changed(now)) return now;
        await systemClock.sleep(20);
      }
    };
    const wider = await described(({ partitions }) => partitions !== before.partitions);
    assert.deepEqual(wider, { ...before, partitions: PARTITIONS + 1 });
    await place.admin((admin) => admin.deleteTopics({ topics: [events] }));
    await create([{ topic: events, partitions: PARTITIONS }]);
    const anew = await described(({ generation }) => generation !== before.generation);
    assert.equal(anew.partitions, PARTITIONS);
    await log.close();
  });

  test('a log whose ledger was lost is not opened, and one that was never written is', async () => {
    const { ledger } = place.settings.topics;
    const unwritten = await place.open(systemClock);
    await unwritten.close();
    const log = await place.open(systemClock);
    await log.transact({ records: [{ topic: TOPICS.events, key: 'k', value: Buffer.from('v') }] });
    await log.close();
    await place.admin((admin) => admin.deleteTopics({ topics: [ledger] }));
    for (;;) {
      const topics = await place.admin((admin) => admin.listTopics());
      if (!topics.includes(ledger)) break;
      await systemClock.sleep(20);
    }
    await assert.rejects(place.open(systemClock), refused('kafka_ledger_lost', /holds no positions/));
  });

  test('a transaction timeout over what the brokers allow is refused when the log is opened', async () => {
    await assert.rejects(
      place.open(systemClock, { transaction_timeout_ms: 3_600_000 }),
      refused('kafka_transaction_timeout', /log\.kafka\.transaction_timeout_ms is over the brokers'/),
    );
  });
});
