import { randomBytes } from 'node:crypto';
import { after } from 'node:test';
import { type KafkaBroker, startKafka } from './broker.ts';
import { KAFKA_VERSION_TESTED, kafkaJars, whyNoJars } from './jars.ts';

/** Set by global-setup.ts: the broker that all test files of one run share. */
export const SHARED_BROKER = 'COUNTERSIGN_TEST_KAFKA';

export type KafkaForTests =
  | { readonly kind: 'ready'; readonly brokers: readonly string[]; readonly jars: string; readonly skip: false }
  | { readonly kind: 'missing'; readonly brokers: readonly []; readonly jars: ''; readonly skip: string };

/**
 * A broker that test files share, so topics need names of their own (`uniquePrefix`), and nobody stops it: whoever wants
 * to does `startKafka`. A file that is run alone has one for itself. `skip` goes to `describe` or `test` as it is.
 */
export async function kafkaForTests(): Promise<KafkaForTests> {
  const missing = whyNoJars();
  if (missing !== undefined) {
    return { kind: 'missing', brokers: [], jars: '', skip: `NOT RUN: no Kafka broker can be started, ${missing}` };
  }
  const shared = process.env[SHARED_BROKER];
  if (shared !== undefined) {
    return { kind: 'ready', brokers: [shared], jars: await kafkaJars(KAFKA_VERSION_TESTED), skip: false };
  }
  const broker: KafkaBroker = await startKafka();
  after(() => broker.dispose());
  return { kind: 'ready', brokers: broker.brokers, jars: broker.jars, skip: false };
}

/** A prefix for topics, groups and transactional ids that no other test of the run has. */
export function uniquePrefix(): string {
  return `t${randomBytes(4).toString('hex')}`;
}
