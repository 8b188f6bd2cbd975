import { type KafkaBroker, startKafka } from './broker.ts';
import { SHARED_BROKER } from './for-tests.ts';
import { whyNoJars } from './jars.ts';

/** One broker for all test files of a run (`--test-global-setup`); without Java or Maven the files say NOT RUN. */
let broker: KafkaBroker | undefined;

export async function globalSetup(): Promise<void> {
  if (whyNoJars() !== undefined || process.env[SHARED_BROKER] !== undefined) return;
  broker = await startKafka();
  process.env[SHARED_BROKER] = broker.brokers[0];
}

export async function globalTeardown(): Promise<void> {
  await broker?.dispose();
}
