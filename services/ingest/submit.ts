import { setImmediate as turn } from 'node:timers/promises';
import type { DeadLetter } from '../../schemas/dead-letter.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Clock } from '../platform/clock.ts';
import { type EventLog, type NewRecord, TOPICS } from '../platform/event-log.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import type { TickStep } from './boundaries.ts';
import type { Catalogue } from './catalogue.ts';
import { type DecideContext, type Decided, decideItem, type Item } from './core.ts';
import { type Format, normalisersOf } from './formats.ts';
import type { Normaliser } from './normaliser.ts';
import { aliasRecord, recordsOf, tickRecord } from './record.ts';
import type { AliasStep, RecordsStep } from './replay.ts';
import { DEFAULT_SETTINGS, type IngestSettings } from './settings.ts';
import { countersOf, reportTally, type Sums, sourceCountersOf, tally } from './tally.ts';

export type IngestOptions = {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly mappings: readonly Normaliser[];
  readonly catalogue: Catalogue;
  /** The defaults when absent. */
  readonly settings?: IngestSettings;
};

export type SubmitOptions = {
  readonly format: Format;
  /** Named source of the items. */
  readonly origin: string;
  /** Tenant of events that state none; `default` when absent. */
  readonly tenant?: string;
  /** Recorded clock of all items, epoch milliseconds; absent for live items. */
  readonly at?: number;
};

/**
 * What became of one item, in the order of the items; a bundle has one result for each of its items. What of a bundle was
 * dead-lettered has its place within it behind the position.
 */
export type ItemResult =
  | { readonly status: 'accepted'; readonly position: string; readonly key: string; readonly id: string }
  | {
      readonly status: 'dead_lettered';
      readonly position: string;
      readonly reason: DeadLetter['reason'];
      readonly message: string;
      readonly field?: string;
    }
  | { readonly status: 'absorbed' | 'held'; readonly position: string };

export type Submitted = Sums & { readonly results: readonly ItemResult[] };

export type Ingest = {
  /** Decides the items and appends what became of them, in one atomic write. Resolves once it is durable. */
  submit(items: readonly Item[], options: SubmitOptions): Promise<Submitted>;
  /** Appends records and ticks of a replay, in their order, in one atomic write. Cuts are the caller's business. */
  append(steps: readonly (RecordsStep | AliasStep | TickStep)[]): Promise<Sums>;
  /** Lets time pass in every partition: at the recorded clock `at_ms`, or live when it is undefined. */
  tick(at_ms: number | undefined): Promise<void>;
  /** The context with which `replayRecords` decides items as `submit` would. */
  contextOf(options: Omit<SubmitOptions, 'at'>): DecideContext;
};

/** What did not come by a topic is counted beside the topics, under names with a slash, which no topic has. */
const REPLAY_SOURCE = '/replay';
const submittedSource = (origin: string): string => `/${origin}`;

/** The shell of ingest: decides by the core, writes to the log. */
export function createIngest(options: IngestOptions): Ingest {
  const { log, telemetry, settings = DEFAULT_SETTINGS } = options;

  const contextOf: Ingest['contextOf'] = ({ format, origin, tenant }) => ({
    formats: normalisersOf(format, options.mappings, settings),
    catalogue: options.catalogue,
    origin,
    tenant: tenant ?? 'default',
    now_ms: options.clock.now(),
  });

  const write = async (records: NewRecord[], decided: readonly Decided[], source: string): Promise<Sums> => {
    const counted = tally(decided);
    const counters = [...countersOf(counted), ...sourceCountersOf(counted, source)];
    if (records.length > 0 || counters.length > 0) await log.transact({ records, counters });
    reportTally(telemetry, counted);
    return counted.sums;
  };

  const append: Ingest['append'] = async (steps) => {
    const { partitions } = await log.describe(TOPICS.events);
    const records: NewRecord[] = [];
    for (const step of steps) {
      if (step.kind === 'tick') addTicks(records, partitions, step.at);
      else if (step.kind === 'alias') records.push(aliasRecord(step.alias, step.at));
      else for (const [index, decided] of step.decided.entries()) addRecord(records, decided, step.at[index]);
    }
    const decided = steps.flatMap((step) => (step.kind === 'records' ? step.decided : []));
    return write(records, decided, REPLAY_SOURCE);
  };

  return {
    contextOf,
    append,

    async submit(items, submitted) {
      if (items.length > LIMITS.http_batch_items_max) {
        throw new RangeError(`${items.length} items in one batch, more than ${LIMITS.http_batch_items_max}`);
      }
      const context = contextOf(submitted);
      const records: NewRecord[] = [];
      const all: Decided[] = [];
      const results: ItemResult[] = [];
      let turn_at = LIMITS.ingest_slice_items;
      for (const item of items) {
        if (all.length >= turn_at) {
          turn_at = all.length + LIMITS.ingest_slice_items;
          await turn();
        }
        for (const decided of decideItem(item, context)) {
          addRecord(records, decided, submitted.at);
          all.push(decided);
          results.push(resultOf(decided, item.position));
        }
      }
      return { ...(await write(records, all, submittedSource(submitted.origin))), results };
    },

    async tick(at_ms) {
      const { partitions } = await log.describe(TOPICS.events);
      const records: NewRecord[] = [];
      addTicks(records, partitions, at_ms);
      await log.transact({ records });
    },
  };
}

function addRecord(records: NewRecord[], decided: Decided, at_ms: number | undefined): void {
  for (const record of recordsOf(decided, at_ms === undefined ? undefined : { at_ms })) records.push(record);
}

function addTicks(records: NewRecord[], partitions: number, at_ms: number | undefined): void {
  for (let partition = 0; partition < partitions; partition++) records.push(tickRecord(partition, at_ms));
}

function resultOf(decided: Decided, position: string): ItemResult {
  if (decided.kind === 'absorbed' || decided.kind === 'held') return { status: decided.kind, position };
  if (decided.kind === 'accepted') {
    return { status: 'accepted', position, key: decided.event.key, id: decided.event.id };
  }
  const { reason, message, field } = decided.letter;
  return {
    status: 'dead_lettered',
    position: decided.letter.position,
    reason,
    message,
    ...(field === undefined ? {} : { field }),
  };
}
