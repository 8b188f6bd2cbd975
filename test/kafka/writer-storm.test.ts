import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../services/platform/clock.ts';
import { LogUnavailable, PositionConflict, TOPICS } from '../../services/platform/event-log.ts';
import type { KafkaLog } from '../../services/platform/kafka/kafka-log.ts';
import { PARTITIONS, readAll, record } from '../log/support.ts';
import { kafkaForTests } from '../support/kafka/for-tests.ts';
import { type KafkaProxy, startKafkaProxy } from '../support/kafka/proxy.ts';
import { kafkaPlace } from './place.ts';

const kafka = await kafkaForTests();
const [broker = ''] = kafka.brokers;

/** Numbers in [0, 1) that are the same in every run (Numerical Recipes, 7.1). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Requests of writers; what readers ask is left alone, they have tests of their own. */
const WRITING: ReadonlySet<string | undefined> = new Set([
  'find_coordinator',
  'init_producer_id',
  'add_partitions',
  'produce',
  'end_transaction',
]);

describe('writers behind connections that break', { skip: kafka.skip }, () => {
  const withStorm = async (seed: number, work: (log: KafkaLog, proxy: KafkaProxy) => Promise<void>): Promise<void> => {
    const place = kafkaPlace(kafka.brokers);
    const proxy = await startKafkaProxy(broker);
    const log = await place.open(systemClock, { brokers: [proxy.broker] });
    const random = seeded(seed);
    proxy.fate = ({ api }) => (WRITING.has(api) && random() < 0.06 ? 'cut' : 'pass');
    try {
      await work(log, proxy);
    } finally {
      proxy.fate = () => 'pass';
      await log.close();
      await proxy.close();
      await place.dispose();
    }
  };
  const allTexts = async (log: KafkaLog): Promise<string[]> => {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => readAll(log, TOPICS.events, partition));
    return (await Promise.all(partitions)).flat().map(({ value }) => value.toString());
  };

  for (const seed of [1, 2, 3]) {
    test(`what was acknowledged is there once, what was not at most once, and sums are exact (seed ${seed})`, () =>
      withStorm(seed, async (log, proxy) => {
        const acknowledged = new Set<string>();
        const tried: string[] = [];
        let conflicts = 0;
        const write = async (lane: number, turn: number): Promise<void> => {
          const names = [0, 1, 2].map((i) => `${lane}.${turn}.${i}`);
          tried.push(...names);
          const position = await log.position(`lane ${lane}`);
          try {
            await log.transact({
              records: names.map((name, i) => record('k', name, (lane + i) % PARTITIONS)),
              counters: [{ name: 'records', add: names.length }],
              positions: [{ name: `lane ${lane}`, position: names[0] as string }],
              // Every second lane is an office, the others share the writer of the process.
              ...(lane % 2 === 0 ? { expect: { name: `lane ${lane}`, position } } : {}),
            });
            for (const name of names) acknowledged.add(name);
          } catch (error) {
            if (error instanceof PositionConflict) conflicts++;
            else assert.ok(error instanceof LogUnavailable, String(error));
          }
        };
        await Promise.all(
          Array.from({ length: 6 }, async (_, lane) => {
            for (let turn = 0; turn < 25; turn++) await write(lane, turn);
          }),
        );
        proxy.fate = () => 'pass';
        const texts = await allTexts(log);
        const written = new Set(texts);
        assert.equal(texts.length, written.size, 'nothing is there twice');
        for (const name of acknowledged) assert.ok(written.has(name), `${name} was acknowledged and is lost`);
        for (const name of written) assert.ok(tried.includes(name));
        assert.equal(conflicts, 0, 'nobody else held the offices');
        assert.ok(acknowledged.size > 0.9 * tried.length, `${acknowledged.size} of ${tried.length} came through`);
        assert.equal((await log.counters()).get('records'), texts.length);
        for (let lane = 0; lane < 6; lane++) {
          const last = texts.filter((name) => name.startsWith(`${lane}.`) && name.endsWith('.0'));
          const turns = last.map((name) => Number(name.split('.')[1]));
          assert.equal(await log.position(`lane ${lane}`), `${lane}.${Math.max(...turns)}.0`);
        }
      }));
  }
});
