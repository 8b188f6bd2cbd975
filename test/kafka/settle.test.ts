import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DetectRecord } from '../../schemas/record.ts';
import type { IngestRunner } from '../../services/ingest/raw-runner.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { type EventLog, TOPICS, type Topic } from '../../services/platform/event-log.ts';
import { physicalName } from '../../services/platform/kafka/settings.ts';
import { runnerOn, sourcesOf } from '../ingest/raw-support.ts';
import { OTLP, request } from '../ingest/settle-runner-support.ts';
import { rule } from '../ingest/settle-support.ts';
import { readAll } from '../log/support.ts';
import { kafkaForTests } from '../support/kafka/for-tests.ts';
import { kafkaPlace, plainClient } from './place.ts';

const kafka = await kafkaForTests();
const TRACES = 60;

type Sums = Record<'received' | 'accepted' | 'absorbed' | 'held' | 'settled' | 'dead_lettered', number>;

/**
 * Tool spans in one raw partition, their roots in another. One process works on all of it; another is given everything
 * while the first goes on as if nothing had happened, twice.
 */
test('spans of two raw partitions meet on Kafka, once, whoever works on them', { skip: kafka.skip }, async () => {
  const place = kafkaPlace(kafka.brokers);
  const raw = physicalName(place.settings, TOPICS.raw);
  const processes: { readonly log: EventLog; readonly runner: IngestRunner }[] = [];
  const producer = plainClient(kafka.brokers).producer();
  const next = async (): Promise<void> => {
    const log = await place.open();
    const options = { clock: systemClock, sources: sourcesOf(OTLP), settle: rule() };
    const { runner } = runnerOn(log, options);
    processes.push({ log, runner });
    for (const topic of runner.topics) {
      const { partitions } = await log.describe(topic);
      for (let at = 0; at < partitions; at++) await runner.listener(topic).assigned(at);
    }
  };
  const send = (partition: number, values: readonly string[]): Promise<unknown> =>
    producer.send({ topic: raw, messages: values.map((value) => ({ value, partition })) });
  const all = Array.from({ length: TRACES }, (_, trace) => trace);
  const tools = (from: number, to: number): string[] =>
    all.slice(from, to).map((trace) => request({ trace, span: 2, parent: 1, tool: `t${trace}` }));
  try {
    await next();
    await producer.connect();
    await send(0, tools(0, 40));
    await settled('the first tools are held', async () => (await sums()).held >= 40);
    await send(
      1,
      all.slice(0, 20).map((trace) => request({ trace, span: 0, agent: `agent-${trace % 3}` })),
    );
    await send(
      1,
      all.slice(0, 10).map((trace) => request({ trace, span: 1, parent: 0 })),
    );
    await next();
    await send(0, tools(40, TRACES));
    await send(
      1,
      all.slice(20).map((trace) => request({ trace, span: 0, agent: `agent-${trace % 3}` })),
    );
    await next();
    await send(
      1,
      all.slice(10).map((trace) => request({ trace, span: 1, parent: 0 })),
    );
    await settled('all are settled', async () => (await sums()).settled >= TRACES && (await lag()) === 0);
    assert.deepEqual(await sums(), {
      received: 3 * TRACES,
      accepted: TRACES,
      absorbed: 2 * TRACES,
      held: TRACES,
      settled: TRACES,
      dead_lettered: 0,
    });
    assert.deepEqual(await whose(), Object.fromEntries(all.map((trace) => [`t${trace}`, `agent-${trace % 3}`])));
  } finally {
    await producer.disconnect();
    for (const { runner } of processes) await runner.stop();
    for (const { log } of processes) await log.close();
  }

  function last(): (typeof processes)[number] {
    return processes.at(-1) ?? assert.fail('no process');
  }
  async function sums(): Promise<Sums> {
    const counters = await last().log.counters();
    const sum = (name: keyof Sums): number => counters.get(`ingest.${name}`) ?? 0;
    const [received, accepted, absorbed] = [sum('received'), sum('accepted'), sum('absorbed')];
    return {
      received,
      accepted,
      absorbed,
      held: sum('held'),
      settled: sum('settled'),
      dead_lettered: sum('dead_lettered'),
    };
  }
  async function lag(): Promise<number> {
    const partitions = await last().runner.status();
    return partitions.reduce((total, one) => total + (one.lag ?? Number.POSITIVE_INFINITY), 0);
  }
  async function whose(): Promise<Record<string, string>> {
    const { log } = last();
    const found: Record<string, string> = {};
    for (let at = 0; at < (await log.describe(TOPICS.events)).partitions; at++) {
      for (const { value } of await readAll(log, TOPICS.events satisfies Topic, at)) {
        const record = DetectRecord.parse(JSON.parse(value.toString()));
        assert.equal(record.type, 'event');
        const tool = record.event.tool?.name ?? '';
        assert.equal(found[tool], undefined, `${tool} is there twice`);
        found[tool] = record.event.identity.id;
      }
    }
    return found;
  }
});

async function settled(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let looks = 0; looks < 1_200; looks++) {
    if (await holds()) return;
    await systemClock.sleep(25);
  }
  assert.fail(`never: ${what}`);
}
