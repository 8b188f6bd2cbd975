import assert from 'node:assert/strict';
import { DetectRecord } from '../../schemas/record.ts';
import type { IngestRunner } from '../../services/ingest/raw-runner.ts';
import type { RawSource } from '../../services/ingest/raw-source.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import type { SimulatedDisk } from '../support/simulated-log.ts';
import { allRecords, isDrained, outcomeOf } from './raw-support.ts';
import { MONDAY_MS } from './support.ts';

export const OTLP: RawSource = { topic: TOPICS.raw, format: 'otlp_json' };

type Span = {
  readonly trace: number;
  readonly span: number;
  readonly parent?: number;
  /** Says whose it is. */
  readonly agent?: string;
  readonly tool?: string;
  /** Seconds after the beginning. */
  readonly at?: number;
};

const hex = (value: number, digits: number): string => (value + 1).toString(16).padStart(digits, '0');

/** An export request of one span, as the Collector writes it. */
export function request({ trace, span, parent, agent, tool, at = 0 }: Span): string {
  const attribute = (key: string, value: string) => ({ key, value: { stringValue: value } });
  const end = BigInt(MONDAY_MS + at * 1_000) * 1_000_000n;
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: [attribute('service.name', 'till')] },
        scopeSpans: [
          {
            scope: { name: 'test' },
            spans: [
              {
                traceId: hex(trace, 32),
                spanId: hex(span, 16),
                ...(parent === undefined ? {} : { parentSpanId: hex(parent, 16) }),
                name: tool === undefined ? 'invoke_agent' : `execute_tool ${tool}`,
                kind: 1,
                startTimeUnixNano: String(end - 1_000_000n),
                endTimeUnixNano: String(end),
                attributes: [
                  attribute('gen_ai.operation.name', tool === undefined ? 'invoke_agent' : 'execute_tool'),
                  ...(agent === undefined ? [] : [attribute('gen_ai.agent.id', agent)]),
                  ...(tool === undefined ? [] : [attribute('gen_ai.tool.name', tool)]),
                ],
              },
            ],
          },
        ],
      },
    ],
  });
}

/** All of it is worked off, what was told to others included. */
export const isSettled = (disk: SimulatedDisk): boolean => isDrained(disk) && isDrained(disk, TOPICS.spans);

/** Whose the events are, by tool, in the order of the names; fails when one is there twice. */
export function identities(disk: SimulatedDisk): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { value } of allRecords(disk, TOPICS.events)) {
    const record = DetectRecord.parse(JSON.parse(value.toString()));
    if (record.type !== 'event') continue;
    const tool = record.event.tool?.name ?? '';
    assert.equal(found[tool], undefined, `${tool} is there twice`);
    found[tool] = record.event.identity.id;
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Promise P1, with what waits. Returns how much that is. */
export function assertHeldSums(disk: SimulatedDisk): number {
  const { sums } = outcomeOf(disk);
  const sum = (name: string): number => sums[`ingest.${name}`] ?? 0;
  const held = sum('held') - sum('settled');
  assert.equal(sum('received'), sum('accepted') + sum('dead_lettered') + sum('absorbed') + held);
  const events = allRecords(disk, TOPICS.events).filter(({ value }) => value.includes('"type":"event"'));
  assert.equal(sum('accepted'), events.length);
  assert.equal(sum('dead_lettered'), allRecords(disk, TOPICS.dead).length);
  const ways = Object.entries(sums).filter(([name]) => name.startsWith('ingest.settled.'));
  assert.equal(
    ways.reduce((total, [, count]) => total + count, 0),
    sum('settled'),
  );
  return held;
}

export async function subscribeAll(log: EventLog, runner: IngestRunner): Promise<void> {
  for (const topic of runner.topics) await log.subscribe(topic, `ingest.${topic}`, runner.listener(topic));
}
