import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { kafkaForTests } from '../support/kafka/for-tests.ts';

const kafka = await kafkaForTests();

test('a real broker answers', { skip: kafka.skip }, async () => {
  const admin = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  assert.equal((await admin.describeCluster()).brokers.length, 1);
  await admin.disconnect();
});
